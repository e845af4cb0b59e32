#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# Shows hllset_sync: three servers on this machine that count together, through a crash and a partition.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
	cat <<-END
		usage: scripts/demo-sync.sh [--keep] [--check]

		Builds and installs hllset and hllset_sync, starts three PostgreSQL servers of its own (eu, us, asia) in a temporary
		folder, and registers a rollup table on each. The package index of this Debian machine then arrives in portions at
		all three. Meanwhile one server is killed and brought back, and one is cut off from the others and joined again.
		After each step a table shows what each server counts for itself and for all, beside the exact count. It fails if
		the servers do not agree bit by bit in the end, or are further from the truth than they may be.

		  --keep   leave the servers running at the end, and say how to connect
		  --check  show only the steps and the verdict
	END
}

keep=
check=
while [ $# -gt 0 ]; do
	case $1 in
		--keep) keep=1 ;;
		--check) check=1 ;;
		--help) usage && exit ;;
		*) usage >&2 && exit 2 ;;
	esac
	shift
done

nodes=(eu us asia)
portions=9
declare -A port way control   # of a node; of the way "from-to"

# ---- servers, and the ways between them ----

# Below those that the system gives to outgoing connections: a server that is down for a moment must find its port free.
free_ports() {
	/usr/bin/python3 - "$1" <<-END
		import random, socket, sys
		sockets = []
		while len(sockets) < int(sys.argv[1]):
		    try:
		        sockets.append(socket.create_server(("127.0.0.1", random.randrange(10240, 32768))))
		    except OSError:
		        pass
		print(*(s.getsockname()[1] for s in sockets))
	END
}

# each_way FUNCTION: calls it with the two ends of each of the six ways.
each_way() {
	local from to
	for from in "${nodes[@]}"; do
		for to in "${nodes[@]}"; do
			[ "$from" = "$to" ] || "$1" "$from" "$to"
		done
	done
}

choose_ports() {
	local free node
	read -ra free <<<"$(free_ports 15)"
	take() { printf -v "$1" %s "${free[0]}" && free=("${free[@]:1}"); }
	take_two() { take "way[$1-$2]" && take "control[$1-$2]"; }
	for node in "${nodes[@]}"; do take "port[$node]"; done
	each_way take_two
}

# on NODE PSQL-ARGUMENT...
on() { psql -X -q -v ON_ERROR_STOP=1 -P footer=off -h "$work" -p "${port[$1]}" -U postgres -d app "${@:2}"; }

start_node() {
	start_server "$1" "port = ${port[$1]}" "listen_addresses = '127.0.0.1'" "shared_preload_libraries = 'hllset_sync'" \
		"hllset_sync.databases = 'app'" "hllset_sync.worker_role = 'hllset_worker'" \
		"hllset_sync.every = '500ms'" "hllset_sync.retry_max = '2s'"
	on "$1" -d postgres -c 'CREATE DATABASE app'
	on "$1" -v node="$1" -f scripts/demo-sync/node.sql
}

start_nodes() {
	local node
	for node in "${nodes[@]}"; do start_node "$node"; done
	on eu -c 'CREATE SCHEMA exact' -c 'CREATE TABLE exact.arrived (node text, section text, target text)'
}

# Each node logs in at the others with a role and a password of its own.
id_of() { on "$1" -A -t -c 'SELECT node_id FROM hllset_sync.node()'; }
grant() { on "$2" -v role="$1_sync" -v password="secret of $1 at $2" -v id="$(id_of "$1")" -f scripts/demo-sync/grant.sql; }
join_peer() {
	on "$1" -v peer="$2" -v port="${way[$1-$2]}" -v role="$1_sync" -v password="secret of $1 at $2" -v id="$(id_of "$2")" \
		-f scripts/demo-sync/peer.sql
}

start_way() {
	local log=$work/log/way-$1-$2
	start_process "$log" sync/t/proxy.py "${way[$1-$2]}" "${port[$2]}" "${control[$1-$2]}"
	until grep -qs ready "$log"; do sleep 0.1; done
}

# tell_ways NODE COMMAND...: to the proxies of all ways from and to this node; see sync/t/proxy.py.
tell_ways() {
	local between command answer
	for between in "${!control[@]}"; do
		[[ "-$between-" == *"-$1-"* ]] || continue
		for command in "${@:2}"; do
			exec 3<>"/dev/tcp/127.0.0.1/${control[$between]}"
			echo "$command" >&3
			read -r answer <&3
			exec 3>&-
			[ "$answer" = ok ] || die "the way $between answers: $answer"
		done
	done
}

# ---- the data ----

# Every row goes to one node and into one portion; most elements come to several nodes.
read_index() {
	if [ "$(apt-cache dumpavail | grep -c '^Package:')" -lt 10000 ] && is_root; then
		update_packages
	fi
	apt-cache dumpavail | awk -v packages=/dev/null -v dependencies="$work/dependency.tsv" -f scripts/demo/index.awk
	[ "$(wc -l <"$work/dependency.tsv")" -ge 10000 ] || die "apt-cache knows too few packages; run: sudo apt-get update"
	awk -F '\t' -v OFS='\t' -v folder="$work" -v nodes="${nodes[*]}" -v portions=$portions '
		BEGIN { n = split(nodes, node, " "); srand(1) }
		{ print $1, $NF > (folder "/" node[int(rand() * n) + 1] "." int(rand() * portions) + 1 ".tsv") }' "$work/dependency.tsv"
}

# arrive PORTIONS NODE...
arrive() {
	local portion node
	for portion in $1; do
		for node in "${@:2}"; do
			on "$node" -v file="$work/$node.$portion.tsv" -f scripts/demo-sync/arrive.sql
			on eu -v node="$node" -v file="$work/$node.$portion.tsv" -f scripts/demo-sync/exact.sql
		done
	done
}

# ---- what is shown ----

count_of() { on "$1" -At -c "SELECT round(hll_cardinality(hll_union_agg(targets))) FROM $2"; }
exact_of() { on eu -At -c "SELECT count(DISTINCT target) FROM exact.arrived WHERE $1"; }

# show TITLE NODE...: what these servers say, beside the exact counts.
show() {
	local node
	printf '\n%s\n' "$1"
	[ -z "$check" ] || return 0
	printf '\n%-6s %14s %10s %16s %10s\n' node "own rows: count" exact "all nodes: count" exact
	for node in "${@:2}"; do
		printf '%-6s %14s %10s %16s %10s\n' "$node" "$(count_of "$node" dependencies)" "$(exact_of "node = '$node'")" \
			"$(count_of "$node" dependencies_global)" "$(exact_of true)"
	done
}

show_status() {
	[ -n "$check" ] || { echo; on "$1" -c "SELECT peer, state, date_trunc('second', staleness) AS staleness, failures, left(last_error, 60) AS last_error FROM hllset_sync.status ORDER BY peer"; }
}

# Rows that one node sees may still be on their way to another: so each waits for what it pulls, and for what it pushes.
catch_up() {
	local node
	for node in "$@"; do
		[ "$(on "$node" -At -c "SELECT hllset_sync.wait_caught_up(timeout => '5 min')")" = t ] || die "$node did not catch up"
	done
}

story() {
	arrive "1 2 3" eu us asia
	catch_up eu us asia
	show "A third of the rows has arrived, part of it at each server. Each counts for itself, and for all:" eu us asia

	kill -9 "$(head -n 1 "$work/us/postmaster.pid")"
	arrive "4 5 6" eu asia
	sleep 1
	show "us was killed (kill -9), the second third arrives at the others. They go on, and have what us had said:" eu asia
	show_status eu

	resume_server us >"$work/log/resume" 2>&1
	arrive "4 5 6" us
	catch_up eu us asia
	show "us is back and has caught up; its own rows of that time came late:" eu us asia

	tell_ways asia hold
	arrive "7 8 9" eu us asia
	sleep 3
	show "asia is cut off, the last third arrives everywhere. Each side counts what it knows of:" eu us asia
	show_status eu

	tell_ways asia reset heal
	catch_up eu us asia
	show "asia is joined again:" eu us asia
}

verdict() {
	local node
	for node in "${nodes[@]}"; do
		on "$node" -At -c "SELECT section, hll_digest(targets) FROM dependencies_global ORDER BY section" >"$work/$node.digests"
		cmp "$work/eu.digests" "$work/$node.digests" || die "$node and eu do not agree"
	done
	printf '\n%s\n' "The global views, $(wc -l <"$work/eu.digests") sections, are equal bit by bit at eu, us and asia."
	on eu -f scripts/demo-sync/verdict.sql
}

need build-essential postgresql postgresql-server-dev-all libpq-dev libxxhash-dev python3
copy_tree
quietly "reading the package index: apt-cache dumpavail" read_index
quietly "building hllset" build_extension
quietly "installing it into $("$pg_config" --pkglibdir)" install_extension
quietly "building hllset_sync" build_extension -C sync
quietly "installing it" install_extension -C sync
choose_ports
quietly "starting three servers in $work" start_nodes
each_way start_way
quietly "granting each of them access to the others" each_way grant
quietly "making each of them a peer of the others" each_way join_peer
story
verdict

if [ -n "$keep" ]; then
	keep_work=1
	echo "== the servers go on running; connect, and end them, with:"
	for node in "${nodes[@]}"; do
		echo "  psql -h $work -p ${port[$node]} -U postgres app   # $node"
	done
	stop_as=
	! is_root || stop_as='runuser -u postgres -- '
	echo "  for node in ${nodes[*]}; do $stop_as$bindir/pg_ctl -D $work/\$node -m fast stop; done; kill $(xargs <"$work/processes"); rm -rf $work"
else
	echo "== the servers are stopped, their folder removed; the extensions stay installed"
fi
