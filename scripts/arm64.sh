#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# Tests the core for arm64 on another machine: cross-compiled with its unit tests and its fuzz corpus, and run under qemu.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
	cat <<-END
		usage: scripts/arm64.sh

		Builds the core, its unit tests (those of the test vectors too) and the programs that replay the fuzz corpus,
		with Debian's cross compiler for arm64 and warnings as errors. Checks that the compiler fused no product with a
		sum, which would give other results than on x86-64. Then runs all of it under qemu.

		Packages that are missing are installed, if it is root who runs this. Nothing else outside a temporary folder is
		changed, and no server is needed.
	END
}

case ${1:-} in
	"") ;;
	--help) usage && exit ;;
	*) usage >&2 && exit 2 ;;
esac

prefix=$work/arm64    # GoogleTest and the header of xxHash
core=$work/core       # the core and its programs

# took WHAT START
took() { echo "   $1 in $((SECONDS - $2)) s"; }

# ---- build ----

# cross SOURCES FOLDER OPTION...: by CMake
cross() {
	cmake -S "$1" -B "$2" -DCMAKE_TOOLCHAIN_FILE="$work/tree/scripts/arm64.cmake" -DCMAKE_BUILD_TYPE=Release "${@:3}"
	cmake --build "$2" -j"$(nproc)"
}

# Debian has GoogleTest for other machines as sources only. Of xxHash one header is enough; beside it lie headers that are for this machine.
build_prefix() {
	cross /usr/src/googletest "$work/googletest" -DBUILD_GMOCK=OFF -DCMAKE_INSTALL_PREFIX="$prefix"
	cmake --install "$work/googletest"
	cp /usr/include/xxhash.h "$prefix/include"
}

build_core() {
	cross "$work/tree" "$core" -DHLLSET_WERROR=ON -DGTest_DIR="$prefix/lib/cmake/GTest" -DCMAKE_CXX_FLAGS="-isystem $prefix/include"
}

# A fused product and sum is rounded once, where x86-64 rounds twice. A listing without any product is not that of the core.
nothing_fused() {
	aarch64-linux-gnu-objdump -d --no-show-raw-insn "$core/libhllset_core.a" | awk '
		/^[0-9a-f]+ <.*>:$/ { name = $2 }
		$2 == "fmul" { products++ }
		$2 ~ /^fn?m(add|sub)$/ || $2 ~ /^fml[as]/ { print name, $0; fused++ }
		END {
			if (fused) print fused " products are fused with sums: was the core compiled without -ffp-contract=off?"
			else if (!products) print "the objects of the core have no product"
			exit fused || !products
		}'
}

# ---- run ----

# unit_tests: as many processes as there are cores; each says only what fails. How many tests passed is in $unit.
unit_tests() {
	local shards i groups=() failed= listed
	shards=$(nproc)
	qemu-aarch64-static "$core/hllset_unit" --gtest_list_tests >"$work/log/listed"
	listed=$(grep -c '^  ' "$work/log/listed")
	grep -q '^Vectors\.$' "$work/log/listed" || die "the unit tests do not have those of test/vectors.tsv"
	echo "== $listed unit tests under qemu"
	for ((i = 0; i < shards; i++)); do
		GTEST_TOTAL_SHARDS=$shards GTEST_SHARD_INDEX=$i launch hidden "$work/log/unit-$i" qemu-aarch64-static "$core/hllset_unit" --gtest_brief=1
		groups+=("$launched")
	done
	for ((i = 0; i < shards; i++)); do
		await "${groups[i]}"
		[ "$status" -eq 0 ] || { failed=yes && cat "$work/log/unit-$i"; }
	done
	[ -z "$failed" ] || die "unit tests failed on arm64"
	unit=$(awk '/^\[  PASSED  \] [0-9]+ tests?\.$/ { n += $4 } END { print n + 0 }' "$work"/log/unit-*)
	[ "$unit" -eq "$listed" ] || die "only $unit of $listed unit tests passed; the others were skipped"
}

replay_corpus() {
	local source name
	for source in test/fuzz/*_fuzz.cpp; do
		name=$(basename "$source" .cpp)
		echo "$name"
		qemu-aarch64-static "$core/$name" "test/fuzz/corpus/$name"
	done
}

need cmake make g++-aarch64-linux-gnu qemu-user-static googletest libxxhash-dev
copy_sources "$work/tree"
export TMPDIR=$work/tmp
cd "$work/tree"

start=$SECONDS
quietly "GoogleTest for arm64" build_prefix
quietly "core and tests for arm64" build_core
quietly "no product of the core is fused with a sum" nothing_fused
took built "$start"

start=$SECONDS
unit_tests
quietly "fuzz corpus under qemu" replay_corpus
inputs=$(awk '/^[0-9]+ inputs$/ { n += $1 } END { print n + 0 }' "$work/log/quietly")
took "tests run" "$start"
echo "arm64: $unit unit tests, $inputs corpus files and the vectors pass under qemu"
