#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# Runs one benchmark on an optimised build of this tree, the SQL ones in a throwaway server; see bench/README.md.

source "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

usage() {
	cat <<-END
		usage: bench/run.sh BENCHMARK [OPTION...]

		  accuracy      errors, intervals and sizes of counts, against theory
		  algebra       errors and intervals of intersections and differences, against theory; the overlap matrix
		  sql           speed, memory, bytes and errors beside count(distinct) and the peers that are installed
		  constants     what the core takes from simulation, made again, with sampling errors (option: SCALE of the number of sets)
		  window        time and memory of a moving hll_union_agg beside one that does not move
		  search        recall, candidates, bytes and times of searches by index, beside scans and peers (option: --long)
		  limit         bits times relative variance of compact sets, from the errors of thousands (options: SETS ELEMENTS PRECISION)
		  sizes         mean bytes of sets of 10^4 to 10^9 elements, against the bars (option: SETS of each number)
		  members       members of expressions in a table of ten million users: plans, times, what is found; what a key costs a hash
		  populations   the same over 20 populations of ten million users, and means and sums in 1,000 trials, against the formulas
		                (options: POPULATIONS USERS TRIALS TRIAL_USERS)
		  regions       the regions of six sets against the truth (option: TRIALS)
		  worst         the longest times of counts, bounds and predicates over real and hostile values, against their limits (options: TRIALS SEED)
		  core          times of the core's operations (the options are Google Benchmark's)
		  instructions  instructions of a fixed workload of the core, against bench/instructions.json

		bench/run.sh BENCHMARK --help shows the options. Packages that are missing are installed, if it is root who runs this.
		The extension is installed into the server of pg_config, or of PG_CONFIG if set. Nothing else outside a temporary folder
		is changed.
	END
}

# in_server PROGRAM OPTION...: with the extension and a server of its own.
in_server() {
	local from=$PWD
	need build-essential postgresql postgresql-server-dev-all libxxhash-dev python3
	copy_tree
	run hidden "$work/log/build" build_extension
	[ "$status" -eq 0 ] || { cat "$work/log/build"; die "could not build the extension"; }
	install_extension >/dev/null
	start_server >/dev/null
	use_server
	cd "$from"
	run "$source_tree/bench/$1" "${@:2}"
}

# core_program NAME OPTION...: as CMake builds it.
core_program() {
	need build-essential cmake libxxhash-dev libbenchmark-dev
	cmake -S "$source_tree" -B "$work/core" -DHLLSET_BENCH=ON >/dev/null
	cmake --build "$work/core" --target "$1" -j"$(nproc)" >/dev/null
	run "$work/core/$1" "${@:2}"
}

# search OPTION...: in a server, over the sets of a program of the core.
search() {
	need cmake libbenchmark-dev postgresql-contrib
	cmake -S "$source_tree" -B "$work/core" -DHLLSET_BENCH=ON >/dev/null
	cmake --build "$work/core" --target search_sets -j"$(nproc)" >/dev/null
	in_server search.py --program "$work/core/search_sets" "$@"
}

instructions() {
	need build-essential cmake libxxhash-dev valgrind python3
	run "$source_tree/bench/instructions.py" "$@"
}

export PYTHONDONTWRITEBYTECODE=1
case ${1-} in
	accuracy | algebra | members | sql | window) in_server "$1.py" "${@:2}" ;;
	core) core_program core_bench "${@:2}" ;;
	constants | limit | populations | regions | sizes | worst) core_program "$1" "${@:2}" ;;
	search) search "${@:2}" ;;
	instructions) instructions "${@:2}" ;;
	--help) usage && exit ;;
	*) usage >&2 && exit 2 ;;
esac
exit "$status"
