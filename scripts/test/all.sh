# SPDX-License-Identifier: PostgreSQL
# The steps of test.sh, which sources it, that only --all runs.

# ---- the core ----

all_core() {
	step "unit tests (gcc), and the benchmarks" 300 unit plain -DHLLSET_BENCH=ON
	step "core benchmark, a short run" 30 as_owner "$work/plain/core_bench" --benchmark_min_time=0.001
	step "error for the bytes, a short run" 1 as_owner "$work/plain/limit" 100 100000
	step "sizes, against their bars" 5 as_owner "$work/plain/sizes" 2
	step "members of large populations, a short run" 5 as_owner "$work/plain/populations" 2 2e6 20 2e5
	step "regions of six sets, a short run" 5 as_owner "$work/plain/regions" 20
	step "constants that are simulated, a short run" 5 as_owner "$work/plain/constants" 0.1
	step "longest times, a short run" 2 as_owner "$work/plain/worst" --smoke
	step "instruction counts" 20 as_owner bench/instructions.py
	step "unit tests, the core sanitized (gcc)" 420 unit gcc_sanitized "${sanitized_core[@]}"
	step "fuzz corpus, the core sanitized (gcc)" 10 core_tests gcc_sanitized -R '^replay\.'
	step "fuzz targets, sanitized (clang)" 40 build_fuzz
	step "fuzzing, $fuzz_seconds s each target" "$((fuzz_seconds * 11 / 2 + 10))" fuzz "$fuzz_seconds"
}

# ---- the type ----

# benchmark NAME: a short run of it in a database of its own.
benchmark() {
	createdb bench
	as_owner mkdir -p "$work/bench"
	PGDATABASE=bench as_owner "bench/$1.py" --smoke --json "$work/bench/$1.json"
	dropdb bench
}

# The program that makes the sets is the core's lane's as well, but that may build it later.
benchmark_search() {
	as_owner cmake -S . -B "$work/search" -DHLLSET_BENCH=ON >/dev/null
	as_owner cmake --build "$work/search" --target search_sets -j"$(nproc)" >/dev/null
	createdb bench
	as_owner mkdir -p "$work/bench"
	PGDATABASE=bench as_owner bench/search.py --smoke --program "$work/search/search_sets" --json "$work/bench/search.json"
	dropdb bench
}

# Of what the short runs wrote.
plots() {
	/usr/bin/python3 -c 'import matplotlib' || { echo "skipped: there is no python3-matplotlib"; return; }
	as_owner bench/plots.py "$work/bench" "$work/plots"
	[ "$(find "$work/plots" -name '*.svg' -size +4k | wc -l)" -eq 6 ]
	as_owner bench/plots.py bench/published "$work/published"
	as_owner bench/drawings.py "$work/published"
	for picture in idea rollup nodes; do
		cmp "$work/published/$picture.svg" "docs/plots/$picture.svg" || return 1
	done
}

all_type() {
	step "accuracy, a short run" 5 benchmark accuracy
	step "accuracy of the algebra, a short run" 20 benchmark algebra
	step "SQL benchmark, a short run" 40 benchmark sql
	step "moving unions, a short run" 15 benchmark window
	step "members, a short run" 15 benchmark members
	step "searches, a short run" 20 benchmark_search
	step "plots of the short runs" 6 plots
	step "builds" 75 as_owner env PG_CONFIG="$pg_config" test/builds.sh
	step "roll-ups among crashes" 200 roll_ups --seconds 120 --kills 20
	step "Python package, in a bare Debian 12" 120 scripts/fresh.sh test/python/install.sh
	step "README, from nothing, in a bare Debian 12" 240 scripts/fresh.sh test/first.sh
	step "demo, in a bare Debian 12" 190 scripts/fresh.sh scripts/demo.sh
}

# In the lane of the core, which has less to do than the type's.
all_installs() {
	step "packages, in a bare Debian 12" 270 test/packages.sh
	step "drivers, in a bare Debian 12" 120 scripts/fresh.sh test/clients/run.sh
}

# ---- sync ----

all_sync() {
	step "sync: fuzz target, sanitized (clang)" "$((fuzz_seconds < 15 ? fuzz_seconds : 15))" fuzz_frame "$((fuzz_seconds < 15 ? fuzz_seconds : 15))"
	step "sync: demo, in a bare Debian 12" 240 scripts/fresh.sh scripts/demo-sync.sh
	step "sync: what it costs" 260 sync_program soak/bars.py --lenient --rows 50000 --rounds 300
}

# With the library that has fault points.
all_faults() {
	step "sync: library with fault points" 2 install_faults
	start_lane 1 soak
	start_lane 2 faults
	end_lanes
}

soak() {
	step "sync: writers and faults" 300 sync_program soak/soak.py
	step "sync: faults of operators and of the clock, waits" 150 sync_program soak/storm.py --seconds 90
	step "sync: a hostile peer" 70 sync_program soak/hostile.py --seconds 60
	step "sync: a large set beside a small one" 60 sync_program soak/large.py --rows 200000 --worst 20 --most 10
}

faults() {
	step "sync: faults at each point of a round" 320 sync_program soak/faults.py
	step "sync: five nodes, and what attention says" 110 sync_program soak/fleet.py --nodes 5
	step "sync: three nodes with fifty sets" 140 sync_program soak/fleet.py --sets 50
}
