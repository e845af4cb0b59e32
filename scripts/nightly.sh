#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# What takes hours: other systems, fuzzing, and the long column of the bars of hllset_sync.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/core.sh"

usage() {
	cat <<-END
		usage: scripts/nightly.sh [--hours N] [--rows N] [PART...]

		Runs all parts, or only those that are named, until N hours (8) or a little more have passed:
		  systems  the core for arm64 under qemu, and both extensions on the servers of Debian trixie (17) and sid (18), in bare
		           roots, which only root may make; an hour
		  core     unit tests that are sanitized themselves, and random bytes
		  sync     what sync costs with a million rows (--rows), a set of ten times as many beside one of a single row, twenty
		           nodes, a thousand sets, a hostile peer, a source that is restored from backups, random bytes from a peer, faults
		           of operators and of the clock, and for the rest of the time writers among killed servers, 200 an hour up to a
		           thousand, with 200 transactions a second at each of three nodes

		Builds and installs both extensions here for core and sync. Goes on after a failure, and names each in the end. Packages
		that are missing are installed.
	END
}

hours=8
rows=1000000
parts=()
while [ $# -gt 0 ]; do
	case $1 in
		--hours) hours=${2:?hours are missing after --hours} && shift ;;
		--rows) rows=${2:?a number is missing after --rows} && shift ;;
		--help) usage && exit ;;
		systems | core | sync) parts+=("$1") ;;
		*) usage >&2 && exit 2 ;;
	esac
	shift
done
[ ${#parts[@]} -gt 0 ] || parts=(systems core sync)

has_part() { [[ " ${parts[*]} " == *" $1 "* ]]; }

# part SHARE N: that share of N an hour; hours may be a fraction.
part() { awk -v hours="$hours" -v share="$1" -v n="$2" 'BEGIN { x = int(hours * share * n); print (x < 1 ? 1 : x) }'; }

# scaled N: N in five hours and more, fewer in fewer.
scaled() { awk -v hours="$hours" -v n="$1" 'BEGIN { x = int(n * hours / 5); print (x < 1 ? 1 : x > n ? n : x) }'; }

# left: seconds of the night that are left.
left() { awk -v hours="$hours" -v passed="$SECONDS" 'BEGIN { x = int(hours * 3600 - passed); print (x < 0 ? 0 : x) }'; }

failed=()

# program NAME COMMAND...
program() {
	local start=$SECONDS
	echo "== $(date +%T) ${*:2}"
	run shown "$work/log/$1" "${@:2}"
	[ "$status" -eq 0 ] || failed+=("$1")
	echo "   $1: $([ "$status" -eq 0 ] && echo ok || echo FAILED), $((SECONDS - start)) s"
}

soak_program() { program "$1" as_owner env PG_CONFIG="$pg_config" "sync/soak/$1" "${@:2}"; }

# ---- the parts ----

night_systems() {
	local suite
	program arm64 scripts/arm64.sh
	for suite in trixie sid; do
		program "$suite" scripts/fresh.sh "$suite" scripts/test.sh server
	done
}

install_here() {
	local folder
	for folder in . sync; do
		build_extension -C "$folder" >"$work/log/build"
		install_extension -C "$folder"
	done
}

night_core() {
	program unit_sanitized unit sanitized "${sanitizers[@]}"
	program build_fuzz build_fuzz
	program fuzz fuzz "$(part 0.0625 800)"
}

night_sync() {
	soak_program bars.py --rows "$rows" --rounds 10000
	soak_program fleet.py
	program fleet_sets as_owner env PG_CONFIG="$pg_config" sync/soak/fleet.py --sets 1000
	soak_program hostile.py --seconds "$(part 0.125 3600)"
	soak_program large.py --rows "$((10 * rows))" --statement-timeout 60
	soak_program rewind.py --times "$(scaled 50)"
	program fuzz_frame fuzz_frame "$(part 0.0625 3600)"
	soak_program storm.py --seconds "$(part 0.125 3600)"
	soak_program soak.py --kills "$(scaled 1000)" --worker-kills "$(scaled 500)" --partitions "$(scaled 300)" --seconds "$(left)" --writers 9 --within 5 --keep 60
}

! has_part systems || is_root || die "other systems are made by root only; run: sudo scripts/nightly.sh"
need build-essential cmake clang libclang-rt-dev libgtest-dev postgresql postgresql-server-dev-all libfaketime libpq-dev libxxhash-dev python3 python3-psycopg2
copy_tree
! has_part systems || night_systems
install_here
! has_part core || night_core
! has_part sync || night_sync
[ ${#failed[@]} -eq 0 ] || { keep_work=yes && die "failed: ${failed[*]}; what they left is in $work"; }
echo "hllset: the night is over, nothing was found (${parts[*]}; $((SECONDS / 60)) minutes)"
