# SPDX-License-Identifier: PostgreSQL
# The steps of test.sh, which sources it, that everybody runs: the core, the type, sync; and those that depend on the server's version.

# ---- the core ----

quick_core() {
	step "layout of C and C++" 5 as_owner test/layout.sh
	step "unit tests, the core sanitized (clang)" 420 unit sanitized "${sanitized_core[@]}" "${with_clang[@]}"
	step "fuzz corpus, the core sanitized (clang)" 10 core_tests sanitized -R '^replay\.'
}

# ---- the type ----

# Every query that may run in parallel does, and says the same; by the server's user, where the sources are. Not those tests
# whose many small queries are of the same functions as the others': to start a worker for each would take half of the time.
regress_parallel() {
	local force=debug_parallel_query
	[ "$(server_major)" -ge 16 ] || force=force_parallel_mode
	export PGOPTIONS="-c $force=regress -c parallel_setup_cost=0 -c parallel_tuple_cost=0 -c min_parallel_table_scan_size=0"
	as_owner make -s PG_CONFIG="$pg_config" SKIP="vectors rolling" installcheck || { cat regression.diffs && false; }
}

second_implementation() {
	as_owner /usr/bin/python3 -m unittest discover -v -s test/python -p 'test_*.py'
}

# It starts a server of its own.
roll_ups() {
	unset PGHOST PGPORT PGUSER PGDATABASE
	as_owner env PG_CONFIG="$pg_config" test/rollups.py "$@"
}

quick_type() {
	step "layer rules" 3 as_owner test/boundary.sh
	step "a run that fails says so" 5 as_owner test/steps.sh
	step "errors say what to do" 1 as_owner test/errors.py
	step "functions have all that belongs to them" 1 as_owner test/functions.py
	step "links of the pages" 1 as_owner test/links.py
	step "META.json, as PGXN demands" 1 as_owner test/meta.py
	step "pages, as documented" 30 as_owner test/pages.py
	step "reference, beside the catalogs" 3 as_owner test/reference.py
	step "a page that is wrong is found" 20 as_owner test/pages_test.py
	server_type
	step "regression tests, all in parallel" 240 regress_parallel
	step "roll-ups among crashes, a few" 40 roll_ups --seconds 12 --kills 2
	step "second implementation" 45 second_implementation
}

# ---- sync ----

# The pages start servers of their own.
sync_pages() {
	unset PGHOST PGPORT PGUSER PGDATABASE
	as_owner test/pages.py --nodes
}

# From here on the library with fault points is the installed one.
install_faults() { install_extension "${with_faults[@]}"; }

quick_sync() {
	step "sync: layer rules" 3 as_owner sync/boundary.sh
	step "sync: fuzz target, sanitized (clang)" 8 fuzz_frame 5
	step "sync: pages, as documented" 50 sync_pages
	server_sync
	step "sync: writers and faults, a few" 60 sync_program soak/soak.py --kills 8 --worker-kills 4 --partitions 3
}

# ---- what depends on the server's version ----

server_type() {
	step "regression tests" 70 regress
	step "TAP tests" 290 tap
}

server_sync() {
	step "sync: regression and isolation tests" 20 regress_sync
	step "sync: library with fault points" 2 install_faults
	# They wait more than they work.
	step "sync: TAP tests" 800 tap -C sync PROVE_FLAGS="-j$((2 * $(nproc))) --timer"
}
