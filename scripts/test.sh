#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# Every test of the project, on a fresh Debian machine or any other; the last line is the verdict.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/core.sh"
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"
source "$(dirname "${BASH_SOURCE[0]}")/test/quick.sh"
source "$(dirname "${BASH_SOURCE[0]}")/test/all.sh"

usage() {
	cat <<-END
		usage: scripts/test.sh [--all] [--fuzz SECONDS] [--verbose] [PART...]

		Runs the quick tests, in 15 to 30 minutes on two cores, or those of one PART:
		  type    the type hllset: core, extension, format
		  sync    the extension hllset_sync, with several servers
		  server  only what depends on the server's version: both extensions built without a warning, regression,
		          isolation and TAP tests

		  --all           the quick tests in a bare Debian 12, then all that takes longer: other builds, fuzzing, short runs
		                  of the benchmarks, bars, soak, demos and packages in bare roots; about an hour; root only
		  --fuzz SECONDS  with --all: so long for each fuzz target (default 30)
		  --verbose       show the output of every step (default if CI is set), not only of one that fails

		Packages that are missing are installed, if it is root who runs this. The server is that of pg_config, or of
		PG_CONFIG if set: the extension is installed into it. CC and CXX name the compilers of the extensions, if set.
		Nothing else outside a temporary folder is changed.
		What takes hours is in scripts/nightly.sh.
	END
}

all=
fuzz_seconds=30
[ -z "${CI:-}" ] || output=shown
parts=()
while [ $# -gt 0 ]; do
	case $1 in
		--all) all=1 ;;
		--fuzz) fuzz_seconds=${2:?seconds are missing after --fuzz} && shift ;;
		--verbose) output=shown ;;
		--help) usage && exit ;;
		type | sync | server) parts+=("$1") ;;
		*) usage >&2 && exit 2 ;;
	esac
	shift
done
[ ${#parts[@]} -gt 0 ] || parts=(type sync)
[ -z "$all" ] || is_root || die "--all makes bare roots, which only root may do; run: sudo scripts/test.sh --all"

has_part() { [[ " ${parts[*]} " == *" $1 "* ]]; }

packages=(build-essential clang postgresql postgresql-server-dev-all libpq-dev libxxhash-dev libipc-run-perl openssl python3)
quick_packages=(cmake clang-format libclang-rt-dev libgtest-dev python3-numpy python3-psycopg2 python3-xxhash)
all_packages=(libbenchmark-dev libfaketime valgrind)

# ---- builds ----

# strict_extension [MAKE-ARGUMENT...]: built without a warning. Those in the server's headers are the server's, so these count as a system's.
strict_extension() {
	local warnings="-Wall -Wextra -Werror"
	# A server that gcc built names gcc's flags, and gcc's attribute for printf.
	[[ ${CC:-} != *clang* ]] || warnings+=" -Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wno-ignored-attributes"
	build_extension PG_CFLAGS="$warnings -isystem $("$pg_config" --includedir-server)" PG_CXXFLAGS="$warnings" "$@"
}

# The library of hllset_sync with the points at which tests make rounds fail is built in a folder of its own, and installed only for them.
with_faults=(-C "$work/faults" -f "$work/tree/sync/Makefile" FAULTS=1 with_llvm=no)

# install_extensions type|both
install_extensions() {
	strict_extension
	install_extension
	if [ "$1" = both ]; then
		strict_extension -C sync
		install_extension -C sync
		as_owner mkdir "$work/faults"
		build_extension "${with_faults[@]}"
	fi
	start_server
}

# Only the quick tests of the type need no sync.
build_extensions() {
	local which=both
	[ -n "$all" ] || [ "${parts[*]}" != type ] || which=type
	step "extensions, warnings as errors" 100 install_extensions "$which"
	use_server
}

# ---- what several parts run ----

# as_stranger FOLDER COMMAND...: as a user who is not the server's, if root can become one. FOLDER is his; $work he may only cross.
as_stranger() {
	mkdir "$1"
	if is_root; then
		chmod g+x "$work"
		chown nobody "$1"
		setpriv --reuid=nobody --regid=postgres --clear-groups env HOME="$1" TMPDIR="$1" "${@:2}"
	else
		"${@:2}"
	fi
}

# regress [sync]: of the type or of sync, isolation tests too; whoever may connect can run them, in a folder of his own.
regress() {
	local folder=$work/regress${1:+-$1}
	as_stranger "$folder" make -s -C "$folder" -f "$work/tree/${1:+$1/}Makefile" PG_CONFIG="$pg_config" installcheck ||
		{ cat "$folder"/regression.diffs "$folder"/output_iso/regression.diffs && false; }
}

# The two suites name their database alike, and run side by side: that of sync has a server of its own.
regress_sync() {
	start_server data-sync "port = 5433"
	export PGPORT=5433
	regress sync
	as_owner pg_ctl -D "$work/data-sync" -m fast stop
}

# tap [MAKE-ARGUMENT...]
tap() {
	unset PGHOST PGPORT PGUSER PGDATABASE
	as_owner make -s PG_CONFIG="$pg_config" PROVE_FLAGS="-j$(nproc) --timer" "$@" prove_installcheck
}

# sync_program NAME OPTION...: it starts servers of its own.
sync_program() {
	unset PGHOST PGPORT PGUSER PGDATABASE
	as_owner env PG_CONFIG="$pg_config" "sync/$1" "${@:2}"
}

# ---- which steps, and in which lanes ----

run_quick() {
	local first=() second=()
	build_extensions
	# Sync waits more than it works, and takes as long as the type and the core together.
	if has_part sync; then
		first+=(quick_sync)
		! has_part type || second+=(quick_type quick_core)
	elif has_part type; then
		first+=(quick_core)
		second+=(quick_type)
	fi
	! has_part server || first+=(server_type server_sync)
	start_lane 1 "${first[@]}"
	[ ${#second[@]} -eq 0 ] || start_lane 2 "${second[@]}"
	end_lanes
}

run_all() {
	local first=() second=()
	export HLLSET_ROOTS=$work/roots # the root that each of the steps starts from is made once
	step "quick tests, in a bare Debian 12" 1500 scripts/fresh.sh scripts/test.sh "${parts[@]}"
	build_extensions
	! has_part type || { first+=(all_core all_installs) && second+=(all_type); }
	! has_part sync || second+=(all_sync)
	[ ${#first[@]} -eq 0 ] || start_lane 1 "${first[@]}"
	[ ${#second[@]} -eq 0 ] || start_lane 2 "${second[@]}"
	end_lanes
	! has_part sync || all_faults
}

need "${packages[@]}"
has_part server || need "${quick_packages[@]}"
[ -z "$all" ] || need "${all_packages[@]}"
need "postgresql-$(server_major)-hll"
copy_tree
say "packages: there after $(duration "$SECONDS")"
SECONDS=0
if [ -n "$all" ]; then run_all; else run_quick; fi
finish
