#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# Shows the extension on real data, in a throwaway server: one command on a fresh Debian machine.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
	cat <<-END
		usage: scripts/demo.sh [--keep] [--verbose | --check] [--file FILE]

		Builds and installs the extension, starts a PostgreSQL server of its own in a temporary folder, loads the package
		index of this Debian machine, and counts: distinct dependencies and maintainers for each section, the whole from
		the union of the parts, grouping sets, a rolling window, any type, what sections share and what one of them has
		for itself, what updates have changed, which packages are behind a difference, which sections are like one; the exact
		answers beside. It fails if the answers deviate more than they may.

		  --verbose    show all of it, not only the story on two screens
		  --keep       leave the server running at the end, and say how to connect
		  --check      show only the tally at the end
		  --file FILE  count your own data instead: lines of group, tab, element, in the text format of COPY; "-" reads
		               standard input, so that a table is given as
		               psql -c 'COPY (SELECT part, element FROM ...) TO STDOUT' | scripts/demo.sh --file -

		Packages that are missing are installed, if it is root who runs this. The server is that of pg_config, or of
		PG_CONFIG if set: the extension is installed into it. Nothing else outside the temporary folder is changed.
	END
}

keep=
check=
verbose=
file=
while [ $# -gt 0 ]; do
	case $1 in
		--keep) keep=1 ;;
		--check) check=1 ;;
		--verbose) verbose=1 ;;
		--file)
			[ $# -gt 1 ] || die "--file needs the name of a file"
			file=$2
			shift
			;;
		--help) usage && exit ;;
		*) usage >&2 && exit 2 ;;
	esac
	shift
done

# sql ARGUMENT...: psql in the demo's database, without its answers while $silent is set.
silent=1
sql() {
	psql -X -q -v ON_ERROR_STOP=1 -P footer=off ${silent:+-o /dev/null} -d demo "$@"
}

demo_files=scripts/demo

copy_into() { sql -c "COPY $1 FROM STDIN"; }

read_input() {
	if [ "$file" = - ]; then cat; else cat "$file"; fi >"$work/data.tsv"
}

# Too few packages mean that no package lists were ever fetched.
read_index() {
	if [ "$(apt-cache dumpavail | grep -c '^Package:')" -lt 10000 ] && is_root; then
		update_packages
	fi
	apt-cache dumpavail | awk -v packages="$work/package.tsv" -v dependencies="$work/dependency.tsv" -f "$demo_files/index.awk"
	[ "$(wc -l <"$work/package.tsv")" -ge 10000 ] || die "apt-cache knows too few packages; run: sudo apt-get update"
}

# The release as it came out: what is not from its updates.
read_release() {
	apt-get indextargets --format '$(CODENAME) $(FILENAME)' 'Created-By: Packages' | while read -r codename list; do
		[[ $codename == *-* ]] || /usr/lib/apt/apt-helper cat-file "$list"
	done | awk -v OFS='\t' '/^Package: / { name = $2 } /^Version: / { print name, $2 }' >"$work/released.tsv"
}

load() {
	sql -d postgres -c 'CREATE DATABASE demo'
	sql -f "$demo_files/prepare.sql"
	if [ -n "$file" ]; then
		sql -c 'CREATE TABLE data (part text, element text)'
		copy_into data <"$work/data.tsv"
	else
		copy_into package <"$work/package.tsv"
		copy_into dependency <"$work/dependency.tsv"
		copy_into released <"$work/released.tsv"
	fi
	sql -c 'VACUUM ANALYZE'
}

# parts WHAT SOURCE PART ELEMENT
parts() {
	sql -v what="$1" -v source="$2" -v part="$3" -v element="$4" -f "$demo_files/parts.sql"
}

show() {
	if [ -n "$file" ]; then
		parts elements data part element
	else
		parts dependencies dependency section target
		parts maintainers package section maintainer
		sql -f "$demo_files/debian.sql"
		sql -f "$demo_files/algebra.sql"
		sql -f "$demo_files/members.sql"
		sql -f "$demo_files/search.sql"
	fi
}

if [ -n "$file" ]; then
	read_input
fi
need build-essential postgresql postgresql-server-dev-all libxxhash-dev
copy_tree
if [ -z "$file" ]; then
	quietly "reading the package index: apt-cache dumpavail" read_index
	quietly "reading the release's own index: apt-get indextargets" read_release
fi
quietly "building the extension" build_extension
quietly "installing it into $("$pg_config" --pkglibdir)" install_extension
quietly "starting a server in $work" start_server
use_server
quietly "loading $(cat "$work"/*.tsv | wc -l) rows with COPY" load
[ -z "$verbose" ] || silent=
echo "== counting everything twice, exactly and by sets"
run show
[ "$status" -eq 0 ] || die "failed"
silent=
if [ -z "$verbose$check" ]; then
	sql -v debian="$([ -n "$file" ] && echo off || echo on)" -v part="$([ -n "$file" ] && echo part || echo section)" -f "$demo_files/story.sql"
fi
sql -v brief="$([ -z "$verbose$check" ] && echo on || echo off)" -v debian="$([ -n "$file" ] && echo off || echo on)" -f "$demo_files/tally.sql"

if [ -n "$keep" ]; then
	keep_work=1
	stop_as=
	! is_root || stop_as='runuser -u postgres -- '
	cat <<-END
		== the server goes on running; connect, and end it, with:
		  psql -h $work -U postgres demo
		  $stop_as$bindir/pg_ctl -D $work/data -m fast stop; rm -rf $work
	END
else
	echo "== the server is stopped, its folder removed; the extension stays installed"
fi
