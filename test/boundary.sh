#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# Proves the layer rules (docs/design.md) on the sources and on the objects that "make" left beside them.
# usage: test/boundary.sh [TREE]    TREE is built; PG_CONFIG as for make

source "$(dirname "$0")/rules.sh"
cd "${1:-$(dirname "$0")/..}"

not_built() {
	local folder source
	for folder in core pg; do
		compgen -G "src/$folder/*.o" >/dev/null || echo "no src/$folder/*.o"
	done
	for source in src/core/*.cpp src/pg/*.c; do
		[ -f "${source%.c*}.o" ] || echo "no ${source%.c*}.o"
	done
	[ -f hllset.so ] || echo "no hllset.so"
}

# ---- what the core needs ----

core_runtime() {
	nm -A -u src/core/*.o | awk '$NF ~ /^(_Zn|_Zd|_ZS|_ZNS|_ZNKS|_ZT|__cxa_|__gxx_|_Unwind)/'
}

core_heap() {
	nm -A -u src/core/*.o | awk '$NF ~ /^(malloc|calloc|realloc|free|aligned_alloc|posix_memalign)$/'
}

core_unresolved() {
	"${CC:-cc}" -shared -nostdlib -Wl,-z,defs -o "$work/core.so" src/core/*.o -lm -lc 2>&1 || true
}

core_state() {
	objdump -h src/core/*.o | awk '
		/file format/ { file = $1 }
		$2 ~ /^\.(init_array|fini_array|ctors|dtors)/ { print file, $2 }
		$2 ~ /^\.(data|bss|tdata|tbss)/ && $2 !~ /^\.data\.rel\.ro/ && $3 !~ /^0+$/ { print file, $2, "0x" $3 }'
}

# ---- what the module shows and needs ----

module_exports() {
	nm -D --defined-only hllset.so | awk '$NF !~ /^(Pg_magic_func|_PG_init|hllset_.*|pg_finfo_hllset_.*)$/'
}

module_needs() {
	readelf -d hllset.so | awk '/NEEDED/ && !/\[(libc|libm|ld-linux[^.]*)\.so/'
}

# ---- who includes whom ----

core_includes() {
	includes src/core/*.cpp src/core/*.hpp src/core/*.h src/core/*.inc | while read -r file header; do
		case "$file $header" in
			*" <array>" | *" <bit>" | *" <cmath>" | *" <cstddef>" | *" <cstdint>" | *" <cstring>") ;;
			*" <span>" | *" <algorithm>" | *" <limits>" | *" <type_traits>") ;;
			"src/core/hllset_core.h <std"[bdi]*"h>" | "src/core/hash.cpp <xxhash.h>") ;;
			*" \"core/"*"\"") [ -f "src/$(tr -d '"' <<<"$header")" ] || echo "$file: $header" ;;
			*" \""*"\"") [ -f "src/core/$(tr -d '"' <<<"$header")" ] || echo "$file: $header" ;;
			*) echo "$file: $header" ;;
		esac
	done
}

shim_includes() {
	includes src/pg/*.c src/pg/*.h | awk '
		/\.hpp[">]$/ || /libpq-/ || /<[a-z_]+>$/ || (/core\// && !/"core\/hllset_core\.h"$/)'
}

shim_versions() { version_conditions src/pg/*.c; }

# ---- every test runs ----

unlisted_tests() {
	local names file name
	names=$(printf '%s\n' 'include Makefile' 'regress-names:' '	@echo $(REGRESS)' | make -s -f - regress-names)
	for file in sql/*.sql expected/*.out; do
		name=$(basename "${file%.*}")
		[[ " $names " == *" $name "* || " $names " == *" ${name%_[0-9]} "* ]] || echo "$file"
	done
	for name in $names; do
		[ -f "sql/$name.sql" ] && [ -f "expected/$name.out" ] || echo "no sql/$name.sql or expected/$name.out"
	done
}

# ---- what is a program can be run ----

not_executable() {
	find .ci scripts test bench sync -type f ! -perm -u+x ! -path 'test/fuzz/corpus/*' -exec awk 'FNR == 1 && /^#!/ { print FILENAME }' {} +
}

rule "the tree is built" not_built
rule "the core needs no C++ runtime" core_runtime
rule "the core uses no heap" core_heap
rule "the core needs only libc and libm" core_unresolved
rule "the core has no static constructor and no writable data" core_state
rule "hllset.so exports only hllset_*" module_exports
rule "hllset.so needs only libc and libm" module_needs
rule "the core includes only itself and headers that need no runtime" core_includes
rule "the shim includes no C++, no libpq and of the core only the door" shim_includes
rule "server versions differ only in hllset_pg.h" shim_versions
rule "REGRESS names the files of sql/ and expected/" unlisted_tests
rule "a file that begins with #! is executable" not_executable
echo "boundary: $checks rules hold"
