#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# Installs, uses, upgrades and purges the packages that test/packages.sh put into ./packages, in a root that is thrown away afterwards.
# usage: test/installed.sh VERSION    of the server

source "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

version=${1:?the version of the server is missing}
packages=$source_tree/packages
type=postgresql-$version-hllset
sync=$type-sync
older=1.0.0~older
export PG_CONFIG=/usr/lib/postgresql/$version/bin/pg_config
checks=0

# check TEXT COMMAND...: ends everything if COMMAND fails.
check() {
	local start=$SECONDS
	run hidden "$work/log/check" "${@:2}"
	[ "$status" -eq 0 ] || { cat "$work/log/check"; die "does not hold: $1"; }
	echo "ok: $1 ($((SECONDS - start)) s)"
	checks=$((checks + 1))
}

# ---- packages ----

# What a power failure would take is of no use afterwards.
apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o DPkg::Options::=--force-unsafe-io "$@"
}

# without PROGRAM...: none of them is there.
without() {
	local program
	for program in "$@"; do
		! command -v "$program" || return 1
	done
}

nothing_is_there() {
	without cc gcc c++ g++ clang make postgres psql
	[ ! -e /usr/lib/postgresql ]
}

# The server that comes with the package makes no cluster: this test has clusters of its own.
install_type() {
	mkdir -p /etc/postgresql-common/createcluster.d
	echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/none.conf
	update_packages
	apt install "$packages/${type}_"*.deb
	without cc gcc c++ g++ clang make
}

install_sync() { apt install "$packages/${sync}_"*.deb; }

# The version is that of the package, not of the extension.
upgrade() {
	apt install "$packages/${type}_"*.deb "$packages/${sync}_"*.deb
	[ "$(installed_version "$type")" != "$older" ]
	[ "$(installed_version "$sync")" = "$(installed_version "$type")" ]
	[ ! -e "$(documents "$type")/older.md" ]
}

installed_version() { dpkg-query -W -f='${Version}' "$1"; }

documents() { echo "/usr/share/doc/$1"; }

# repack PACKAGE: as a build of an older version would have been, with a page that is no longer there.
repack() {
	local folder=$work/repacked/$1
	mkdir -p "$work/repacked"
	dpkg-deb -R "$packages/${1}_"*.deb "$folder"
	sed -i -E "s/^Version: .*/Version: $older/; s/$type \(= [^)]*\)/$type (= $older)/" "$folder/DEBIAN/control"
	[ "$1" != "$type" ] || echo older >"$folder$(documents "$type")/older.md"
	dpkg-deb --root-owner-group -b "$folder" "$folder.deb"
}

install_older() {
	repack "$type"
	repack "$sync"
	apt install "$work/repacked/$type.deb" "$work/repacked/$sync.deb"
	[ "$(installed_version "$type") $(installed_version "$sync")" = "$older $older" ]
	[ -e "$(documents "$type")/older.md" ]
}

sync_depends() {
	local depends
	depends=$(dpkg-query -W -f='${Depends}' "$sync")
	echo "$depends"
	[[ $depends == *"$type (= $(installed_version "$type"))"* && $depends == *"libpq5 "* ]]
	depends=$(dpkg-query -W -f='${Depends}' "$type")
	echo "$depends"
	[[ $depends != *libpq5* && $depends != *libstdc* ]]
}

documented() {
	local package page
	for package in "$@"; do
		for page in README.md CHANGELOG.md copyright docs/sync.md docs/format.md docs/plots/bytes.svg; do
			[ -s "$(documents "$package")/$page" ] || { echo "$package has no $page"; return 1; }
		done
	done
}

purge() {
	local left
	apt purge "$type" "$sync"
	left=$(find /etc /opt /run /usr /var -name '*hllset*')
	[ -z "$left" ] || { echo "left: $left"; return 1; }
}

# ---- servers ----

query() { psql -X -qAt -v ON_ERROR_STOP=1 -c "$1"; }

# holds QUERY: it says true.
holds() {
	local answer
	answer=$(query "$1")
	[ "$answer" = t ] || { echo "not true but '$answer': $1"; return 1; }
}

create_type() {
	query 'CREATE EXTENSION hllset'
	holds 'SELECT hll_cardinality(hll_add_agg(i)) = 1000 FROM generate_series(1, 1000) i'
	holds "SELECT count(*) = 0 FROM pg_available_extensions WHERE name = 'hllset_sync'"
}

create_sync() {
	query 'CREATE EXTENSION hllset_sync CASCADE'
	query 'CREATE TABLE daily (day date PRIMARY KEY, users hllset(12) NOT NULL)'
	query "CALL hllset_sync.register('daily')"
	query "INSERT INTO daily SELECT '2026-01-01', hll_add_agg(i) FROM generate_series(1, 1000) i"
	holds 'SELECT hll_cardinality(users) = 1000 FROM daily_global'
}

without_fault_points() { holds "LOAD 'hllset_sync'; SELECT count(*) = 0 FROM pg_settings WHERE name = 'hllset_sync.fault'"; }

# regress EXTENSION FOLDER: its files of installcheck, on the server that runs.
regress() {
	local arguments
	read -ra arguments <"$packages/$1.arguments"
	cd "$2"
	as_owner "$pg_regress" --bindir="$bindir" --inputdir=. "${arguments[@]}" | tee "$work/log/regress" || { cat regression.diffs && false; }
	grep -E '^(# | )All [1-9][0-9]* tests passed' "$work/log/regress"
}

# stop_server FOLDER
stop_server() { as_owner pg_ctl -D "$work/$1" -w stop; }

# run_worker FOLDER: sync's background workers, from the start of the server.
run_worker() {
	query 'CREATE ROLE hllset_worker LOGIN'
	printf '%s\n' "shared_preload_libraries = 'hllset_sync'" "hllset_sync.databases = 'postgres'" "hllset_sync.worker_role = 'hllset_worker'" |
		as_owner tee -a "$work/$1/postgresql.conf"
	stop_server "$1"
	resume_server "$1"
	await_worker
}

await_worker() {
	local _
	for _ in {1..1800}; do
		! holds "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'hllset_sync scheduler' AND datname = 'postgres'" || return 0
		sleep 0.1
	done
	return 1
}

# ---- what is stored must read the same after an upgrade ----

store_sets() {
	create_sync
	query 'CREATE TABLE stored (n bigint PRIMARY KEY, s hllset, c hllset(10, compact), overlap hllset, h hllhash);
		INSERT INTO stored SELECT n, s, s::hllset(10)::hllset(10, compact), s & hllset_of(1, 2, 3), hll_hash(n)
		FROM (SELECT n, hll_add_agg(i) AS s FROM unnest(ARRAY[1, 1000, 10000, 100000]) n, generate_series(1, n) i GROUP BY n) sets;
		CREATE INDEX ON stored (hll_digest(s));
		CREATE VIEW counted AS SELECT n, hll_cardinality(s) AS s, hll_cardinality(c) AS c, hll_cardinality(overlap) AS overlap, h FROM stored'
}

reading="SELECT md5(string_agg(counted::text || stored::text || daily_global::text, ' ' ORDER BY n)) FROM counted JOIN stored USING (n), daily_global"

# A session that goes on through the upgrade, and ends with this script; its ends are 3 and 4.
open_session() {
	coproc session { psql -X -qAt -v ON_ERROR_STOP=1 2>&1; }
	disown
	exec 3>&"${session[1]}" 4<&"${session[0]}"
}

# ask QUERY: the answer of that session.
ask() {
	local answer
	printf '%s;\n' "$1" >&3
	read -r -t 60 answer <&4
	echo "$answer"
}

session_has_older_library() { grep -F "$("$pg_config" --pkglibdir)/hllset.so (deleted)" "/proc/$(ask 'SELECT pg_backend_pid()')/maps"; }

# reads_the_same COMMAND...
reads_the_same() {
	local now
	now=$("$@" "$reading")
	[ "$now" = "$read" ] || { echo "it was $read and is $now"; return 1; }
}

restarted() {
	stop_server upgraded
	resume_server upgraded
	reads_the_same query
	await_worker
}

go_on() {
	query "UPDATE stored SET s = s | hll_add(s, -1), c = hll_add(c, -1)"
	holds 'SELECT count(*) = 4 FROM stored WHERE hll_may_contain(s, -1) AND hll_may_contain(c, -1)'
	query 'UPDATE daily SET users = hll_add(users, -1)'
	holds 'SELECT hll_cardinality(users) = 1001 FROM daily_global'
}

# ---- all of it ----

check "the root has no compiler and no server" nothing_is_there
check "apt installs the type's package with a server and no compiler" install_type
copy_tree
pg_regress=$(dirname "$("$pg_config" --pgxs)")/../test/regress/pg_regress
[ -x "$pg_regress" ] || die "the server's packages have no $pg_regress"
check "documents of the type" documented "$type"
check "a server starts" start_server
use_server
check "CREATE EXTENSION hllset needs only its package" create_type
check "regress files of the type" regress hllset .
check "apt installs the package of sync" install_sync
check "sync depends on the type's package of its version and on libpq5, the type on neither libpq5 nor libstdc++" sync_depends
check "documents of both" documented "$type" "$sync"
check "CREATE EXTENSION hllset_sync" create_sync
check "the library has no fault points" without_fault_points
check "regress files of sync" regress hllset_sync sync
check "the background worker of sync runs" run_worker data
stop_server data >"$work/log/stop"
check "purged, nothing is left" purge

check "apt installs an older build of both" install_older
check "a second server starts" start_server upgraded
check "sets are stored with the older build" store_sets
check "its background worker runs" run_worker upgraded
open_session
read=$(ask "$reading")
[[ $read =~ ^[0-9a-f]{32}$ ]] || die "can't read what was stored: $read"
check "apt upgrades both beneath the running server" upgrade
check "the open session still has the older library" session_has_older_library
check "in the open session what is stored reads the same" reads_the_same ask
check "in a new session what is stored reads the same" reads_the_same query
check "after a restart what is stored reads the same" restarted
check "what is stored can be changed and synced" go_on
stop_server upgraded >"$work/log/stop"
check "purged after the upgrade, nothing is left" purge
echo "packages: $checks checks hold"
