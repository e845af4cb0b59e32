# SPDX-License-Identifier: PostgreSQL
# Shared by test.sh and nightly.sh, which source it after lib.sh: what is built without a server and run by CTest or by libFuzzer.

sanitizers=(-DHLLSET_SANITIZE=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo)
# In less time: the core has the checks, the tests' own code has none but in nightly.sh.
sanitized_core=(-DHLLSET_SANITIZE=CORE)
with_clang=(-DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++)

# build_core FOLDER OPTION...: the core and its programs by CMake.
build_core() {
	local folder=$1
	shift
	as_owner cmake -S . -B "$work/$folder" -DHLLSET_WERROR=ON "$@"
	as_owner cmake --build "$work/$folder" -j"$(nproc)"
}

# unit FOLDER OPTION...: builds the unit tests there, and runs them.
unit() {
	build_core "$@"
	core_tests "$1" -R '^unit\.'
}

# core_tests FOLDER CTEST-OPTION...
core_tests() {
	local folder=$1
	shift
	as_owner ctest --test-dir "$work/$folder" -j"$(nproc)" --verbose --no-tests=error "$@"
}

build_fuzz() { build_core fuzz -DHLLSET_FUZZ=ON "${sanitizers[@]}" "${with_clang[@]}"; }

# fuzz SECONDS: so long for each target. Each grows a copy of its corpus; libFuzzer prints an input that fails.
fuzz() {
	local names
	mapfile -t names < <(basename -s .cpp -a test/fuzz/*_fuzz.cpp)
	as_owner mkdir -p "${names[@]/#/$work/corpus/}"
	printf '%s\n' "${names[@]}" | as_owner xargs -P "$(nproc)" -I{} env "$work/fuzz/{}" -max_total_time="$1" \
		-timeout=20 -artifact_prefix="$work/corpus/" "$work/corpus/{}" "test/fuzz/corpus/{}"
}

# fuzz_frame SECONDS: what takes the bytes of a peer apart, on its corpus and then on inputs that grow from it; libFuzzer prints one that fails.
fuzz_frame() {
	as_owner clang -g -O1 -Wall -Wextra -Werror -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-Isync/src -o "$work/frame_fuzz" sync/fuzz/frame_fuzz.c sync/src/common/frame.c
	as_owner "$work/frame_fuzz" sync/fuzz/corpus/*
	as_owner mkdir -p "$work/corpus/frame"
	as_owner "$work/frame_fuzz" -max_total_time="$1" -timeout=20 -print_final_stats=1 -artifact_prefix="$work/corpus/" "$work/corpus/frame" sync/fuzz/corpus
}
