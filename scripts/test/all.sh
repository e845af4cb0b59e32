# SPDX-License-Identifier: PostgreSQL
# The steps of test.sh, which sources it, that only --all runs.

# ---- the core ----

all_core() {
	step "unit tests (gcc), and the benchmarks" 300 unit plain -DHLLSET_BENCH=ON
	step "core benchmark, a short run" 30 as_owner "$work/plain/core_bench" --benchmark_min_time=0.001
	step "error for the bytes, a short run" 1 as_owner "$work/plain/limit" 100 100000
	step "sizes, against their bars" 5 as_owner "$work/plain/sizes" 2
	step "constants that are simulated, a short run" 5 as_owner "$work/plain/constants" 0.1
	step "longest times, a short run" 2 as_owner "$work/plain/worst" --smoke
	step "instruction counts" 20 as_owner bench/instructions.py
	step "unit tests, sanitized (gcc)" 600 unit gcc_sanitized "${sanitizers[@]}"
	step "fuzz corpus, sanitized (gcc)" 10 core_tests gcc_sanitized -R '^replay\.'
	step "fuzz targets, sanitized (clang)" 40 build_fuzz
	step "fuzzing, $fuzz_seconds s each target" "$((fuzz_seconds * 9 / 2 + 10))" fuzz "$fuzz_seconds"
}

# ---- the type ----

# benchmark NAME: a short run of it in a database of its own.
benchmark() {
	createdb bench
	as_owner mkdir -p "$work/bench"
	PGDATABASE=bench as_owner "bench/$1.py" --smoke --json "$work/bench/$1.json"
	dropdb bench
}

# Of what the short runs wrote.
plots() {
	/usr/bin/python3 -c 'import matplotlib' || { echo "skipped: there is no python3-matplotlib"; return; }
	as_owner bench/plots.py "$work/bench" "$work/plots"
	[ "$(find "$work/plots" -name '*.svg' -size +4k | wc -l)" -eq 4 ]
}

all_type() {
	step "accuracy, a short run" 5 benchmark accuracy
	step "accuracy of the algebra, a short run" 20 benchmark algebra
	step "SQL benchmark, a short run" 40 benchmark sql
	step "moving unions, a short run" 15 benchmark window
	step "plots of the short runs" 6 plots
	step "builds" 75 as_owner env PG_CONFIG="$pg_config" test/builds.sh
	step "packages, in a bare Debian 12" 270 test/packages.sh
	step "drivers, in a bare Debian 12" 120 scripts/fresh.sh test/clients/run.sh
	step "demo, in a bare Debian 12" 190 scripts/fresh.sh scripts/demo.sh --check
}

# ---- sync ----

all_sync() {
	step "sync: fuzz target, sanitized (clang)" "$((fuzz_seconds < 15 ? fuzz_seconds : 15))" fuzz_frame "$((fuzz_seconds < 15 ? fuzz_seconds : 15))"
	step "sync: demo, in a bare Debian 12" 240 scripts/fresh.sh scripts/demo-sync.sh --check
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
}

faults() {
	step "sync: faults at each point of a round" 320 sync_program soak/faults.py
	step "sync: a hostile peer" 70 sync_program soak/hostile.py --seconds 60
}
