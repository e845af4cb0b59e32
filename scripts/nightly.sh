#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# What takes hours: the long column of the bars of hllset_sync, and fuzzing.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
	cat <<-END
		usage: scripts/nightly.sh [--hours N]

		Builds and installs both extensions, then runs for about N hours (8): what sync costs with a million rows, a hostile
		peer, and writers among at least a thousand killed servers. Ends at the first failure. Packages that are missing are
		installed, if it is root who runs this.
	END
}

hours=8
while [ $# -gt 0 ]; do
	case $1 in
		--hours) hours=${2:?hours are missing after --hours} && shift ;;
		--help) usage && exit ;;
		*) usage >&2 && exit 2 ;;
	esac
	shift
done

# program NAME OPTION...
program() {
	echo "== sync/soak/$*"
	run shown "$work/log/$1" as_owner env PG_CONFIG="$pg_config" "sync/soak/$@"
	[ "$status" -eq 0 ] || die "failed: $1"
}

need build-essential postgresql postgresql-server-dev-all libpq-dev libxxhash-dev python3 python3-psycopg2
copy_tree
for folder in . sync; do
	build_extension -C "$folder" >"$work/log/build"
	install_extension -C "$folder"
done
program bars.py --rows 1000000 --rounds 10000
program hostile.py --seconds $((hours * 900))
program soak.py --kills 1000 --worker-kills 500 --partitions 300 --seconds $((hours * 2400))
echo "hllset: the night is over, nothing was found"
