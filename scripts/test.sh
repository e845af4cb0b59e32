#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# Every test of the project, on a fresh Debian machine or any other; the last line is the verdict.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
	cat <<-END
		usage: scripts/test.sh [--fuzz SECONDS] [--verbose] [PART]

		Runs all tests, or those of one PART:
		  type    the type hllset: core, extension, format
		  sync    the extension hllset_sync, with several servers

		  --fuzz SECONDS  also run each fuzz target so long (default: 60 if CI is set, otherwise not at all; that of sync 5 to 15)
		  --verbose       show the output of every step (default if CI is set), not only of one that fails

		Packages that are missing are installed, if it is root who runs this. The server is that of pg_config, or of
		PG_CONFIG if set: the extension is installed into it. Nothing else outside a temporary folder is changed.
	END
}

fuzz_seconds=${CI:+60}
output=${CI:+shown}
parts=()
while [ $# -gt 0 ]; do
	case $1 in
		--fuzz) fuzz_seconds=${2:?seconds are missing after --fuzz} && shift ;;
		--verbose) output=shown ;;
		--help) usage && exit ;;
		type | sync) parts+=("$1") ;;
		*) usage >&2 && exit 2 ;;
	esac
	shift
done
output=${output:-hidden}
[ ${#parts[@]} -gt 0 ] || parts=(type sync)

packages=(build-essential cmake clang libclang-rt-dev postgresql postgresql-server-dev-all libpq-dev libxxhash-dev
	libgtest-dev libbenchmark-dev libipc-run-perl openssl python3 python3-psycopg2 python3-xxhash valgrind)

# ---- steps ----

steps=0
passed=0

# count_tests FILE: the number of tests that the output in FILE reports; 1 if it is of a program that reports none.
count_tests() {
	awk '
		/^[0-9]+% tests passed, [0-9]+ tests? failed out of [0-9]+/ { seen = 1; n += $NF }      # ctest
		/^(# | )All [0-9]+ tests passed/ { seen = 1; n += $(NF - 2) }                           # pg_regress
		/^Files=[0-9]+, Tests=[0-9]+/ { seen = 1; sub(/.*Tests=/, ""); n += $1 + 0 }            # prove
		/^Ran [0-9]+ tests? in / { seen = 1; n += $2 }                                          # unittest
		/^boundary: [0-9]+ rules hold$/ { seen = 1; n += $2 }
		/^cookbook: [0-9]+ blocks are tested$/ { seen = 1; n += $2 }
		/^(accuracy|algebra|sizes): [0-9]+ of [0-9]+ bounds hold/ { seen = 1; n += $2 }
		/^documented: [0-9]+ blocks of / { seen = 1; n += $2 }
		/^faults: [0-9]+ of [0-9]+ cases end/ { seen = 1; n += $2 }
		/^ok   .* at (most|least) / { seen = 1; n++ }                                           # bars
		END { print seen ? n + 0 : 1 }' "$1"
}

# step NAME COMMAND...: ends the whole run if COMMAND fails or has tested nothing.
step() {
	local log=$work/log/step-$((++steps)) start=$SECONDS
	echo "== $1"
	run "$output" "$log" "${@:2}"
	verdict "$1" "$log" "$start"
}

# begin NAME COMMAND...: a step that runs beside those that follow, until `end`; what it says comes then.
begin() {
	begun=("$1" "$work/log/step-$((++steps))" "$SECONDS")
	echo "== $1: begins, and runs beside what follows"
	launch hidden "${begun[1]}" "${@:2}"
	begun_group=$launched
}

end() {
	echo "== ${begun[0]}: until it ends"
	await "$begun_group"
	[ "$output" = hidden ] || cat "${begun[1]}"
	verdict "${begun[@]}"
}

# verdict NAME LOG START: of a step that has ended with $status.
verdict() {
	local tests
	tests=$(count_tests "$2")
	if [ "$status" -ne 0 ] || [ "$tests" -eq 0 ]; then
		[ "$output" = shown ] || tail -n 400 "$2" | cut -c -1000
		[ "$status" -ne 0 ] || echo "no test was run"
		echo "$passed passed, 1 failed"
		echo "hllset: FAILED: $1"
		exit 1
	fi
	passed=$((passed + tests))
	echo "   ok: $tests in $((SECONDS - $3)) s"
}

# build_core FOLDER OPTION...: the core and its programs by CMake.
build_core() {
	local folder=$1
	shift
	as_owner cmake -S . -B "$work/$folder" -DHLLSET_WERROR=ON "$@"
	as_owner cmake --build "$work/$folder" -j"$(nproc)"
}

# core_tests FOLDER CTEST-OPTION...
core_tests() {
	local folder=$1
	shift
	as_owner ctest --test-dir "$work/$folder" -j"$(nproc)" --output-on-failure --no-tests=error "$@"
}

sanitizers=(-DHLLSET_SANITIZE=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo)

unit() {
	build_core plain -DHLLSET_BENCH=ON
	core_tests plain
}

unit_sanitized() {
	build_core sanitized "${sanitizers[@]}"
	core_tests sanitized -E '^replay\.'
}

# Each target grows a copy of its corpus; libFuzzer prints an input that fails.
fuzz() {
	local names
	mapfile -t names < <(basename -s .cpp -a test/fuzz/*_fuzz.cpp)
	as_owner mkdir -p "${names[@]/#/$work/corpus/}"
	printf '%s\n' "${names[@]}" | as_owner xargs -P "$(nproc)" -I{} env "$work/fuzz/{}" -max_total_time="$fuzz_seconds" \
		-timeout=20 -artifact_prefix="$work/corpus/" "$work/corpus/{}" "test/fuzz/corpus/{}"
}

# strict_extension [MAKE-ARGUMENT...]: built and installed without a warning. Those in the server's headers are the server's, so these count as a system's.
strict_extension() {
	local warnings="-Wall -Wextra -Werror"
	build_extension PG_CFLAGS="$warnings -isystem $("$pg_config" --includedir-server)" PG_CXXFLAGS="$warnings" "$@"
	install_extension "$@"
}

extension() {
	strict_extension
	[ -d "$work/data" ] || start_server
}

regress() {
	as_owner make -s PG_CONFIG="$pg_config" installcheck || { cat regression.diffs && false; }
}

# Every query that may run in parallel does, and says the same.
regress_parallel() {
	local force=debug_parallel_query
	[ "$(server_major)" -ge 16 ] || force=force_parallel_mode
	export PGOPTIONS="-c $force=regress -c parallel_setup_cost=0 -c parallel_tuple_cost=0 -c min_parallel_table_scan_size=0"
	regress
}

# tap [MAKE-ARGUMENT...]
tap() {
	unset PGHOST PGPORT PGUSER PGDATABASE
	as_owner make -s PG_CONFIG="$pg_config" PROVE_FLAGS="-j$(nproc)" "$@" prove_installcheck
}

python() {
	as_owner /usr/bin/python3 -m unittest discover -v -s test/python -p 'test_*.py'
}

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

part_type() {
	step "unit tests" unit
	step "unit tests, sanitized (gcc)" unit_sanitized
	step "fuzz corpus, sanitized" core_tests sanitized -R '^replay\.'
	step "fuzz targets, sanitized (clang)" build_core fuzz -DHLLSET_FUZZ=ON "${sanitizers[@]}" \
		-DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++
	[ -z "$fuzz_seconds" ] || step "fuzzing, $fuzz_seconds s each target" fuzz
	step "extension, warnings as errors" extension
	step "layer rules" as_owner test/boundary.sh
	use_server
	step "regression tests" regress
	step "regression tests, all in parallel" regress_parallel
	step "cookbook, as documented" as_owner test/cookbook.sh
	step "TAP tests" tap
	step "second implementation" python
	step "core benchmark, a short run" as_owner "$work/plain/core_bench" --benchmark_min_time=0.001
	step "error for the bytes, a short run" as_owner "$work/plain/limit" 100 100000
	step "sizes, against their bars" as_owner "$work/plain/sizes" 2
	step "instruction counts" as_owner bench/instructions.py
	step "accuracy, a short run" benchmark accuracy
	step "accuracy of the algebra, a short run" benchmark algebra
	step "SQL benchmark, a short run" benchmark sql
	step "plots of the short runs" plots
	step "demo, against exact counts" "$source_tree/scripts/demo.sh" --check
}

# ---- sync ----

sync_extension() {
	extension
	strict_extension -C sync
}

# With the points at which tests make rounds fail; the build without them is the one that stays installed.
sync_faults() {
	as_owner make -s -C sync PG_CONFIG="$pg_config" clean
	build_extension -C sync FAULTS=1
	install_extension -C sync FAULTS=1
}

sync_regress() {
	as_owner make -s -C sync PG_CONFIG="$pg_config" installcheck || { cat sync/regression.diffs sync/output_iso/regression.diffs && false; }
}

# sync_program NAME OPTION...: it starts servers of its own.
sync_program() {
	unset PGHOST PGPORT PGUSER PGDATABASE
	as_owner env PG_CONFIG="$pg_config" "sync/$1" "${@:2}"
}

part_sync() {
	step "sync: extensions, warnings as errors" sync_extension
	step "sync: layer rules" as_owner sync/boundary.sh
	step "sync: fuzz target, sanitized (clang)" fuzz_frame "$((${fuzz_seconds:-5} < 15 ? ${fuzz_seconds:-5} : 15))"
	use_server
	step "sync: regression and isolation tests" sync_regress
	step "sync: what is documented, word for word" sync_program documented.py docs/sync.md README.md
	step "sync: what it costs" sync_program soak/bars.py --lenient --rows 50000 --rounds 300
	step "sync: extension with fault points" sync_faults
	step "sync: TAP tests" tap -C sync
	begin "sync: writers and faults" sync_program soak/soak.py
	step "sync: faults at each point of a round" sync_program soak/faults.py
	step "sync: a hostile peer" sync_program soak/hostile.py --seconds 60
	end
	step "sync: demo" "$source_tree/scripts/demo-sync.sh" --check
}

start=$SECONDS
need "${packages[@]}"
need "postgresql-$(server_major)-hll"
copy_tree
for part in "${parts[@]}"; do
	"part_$part"
done
echo "took $(((SECONDS - start) / 60)) min $(((SECONDS - start) % 60)) s"
echo "$passed passed, 0 failed"
echo "hllset: all tests passed ($steps steps)"
