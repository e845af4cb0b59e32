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
	"${CC:-cc}" -shared -nostdlib -Wl,-z,defs -o "$work/core.so" src/core/*.o -lc 2>&1 || true
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
	readelf -d hllset.so | awk '/NEEDED/ && !/\[(libc|ld-linux[^.]*)\.so/'
}

# The last digit of what the library of mathematics computes depends on the processor, so that stored counts would differ. The server has that library:
# a function of it is found without being linked.
module_mathematics() {
	local library
	library=$("${CC:-cc}" -print-file-name=libm.so.6)
	[ -f "$library" ] || { echo "no libm.so.6" && return; }
	nm -D --defined-only "$library" | sed -n 's/.* [TWi] \([^@]*\).*/\1/p' | sort -u >"$work/mathematics"
	[ -s "$work/mathematics" ] || echo "libm.so.6 has no functions"
	nm -D -u hllset.so | sed 's/.* U //; s/@.*//' | sort -u | comm -12 - "$work/mathematics"
}

# ---- who includes whom ----

core_includes() {
	includes src/core/*.cpp src/core/*.hpp src/core/*.h src/core/*.inc | while read -r file header; do
		case "$file $header" in
			*" <array>" | *" <bit>" | *" <cfloat>" | *" <cmath>" | *" <cstddef>" | *" <cstdint>" | *" <cstring>") ;;
			*" <span>" | *" <algorithm>" | *" <limits>" | *" <new>" | *" <type_traits>") ;;
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

# ---- one way down ----

# calls FOLDER: a line "caller called" for each two objects of the folder of which one uses what the other defines.
calls() {
	nm -A -g --defined-only "src/$1"/*.o | sed 's/:[0-9a-f]* / /' | awk '$2 ~ /^[TDRB]$/ { print $3, $1 }' | sort >"$work/defined"
	nm -A -u "src/$1"/*.o | sed 's/: */ /' | awk '{ print $3, $1 }' | sort >"$work/used"
	join "$work/used" "$work/defined" | awk '$2 != $3 { print $2, $3 }' | sort -u
}

# inclusions FOLDER: the same for files that include each other, without their endings: a header that includes what is built on its own file climbs.
inclusions() {
	includes "src/$1"/*.c "src/$1"/*.cpp "src/$1"/*.h "src/$1"/*.hpp | tr -d '"' | awk -v folder="src/$1/" '
		{ sub(/.*\//, "", $1); sub(/\.[a-z]*$/, "", $1); name = $2 }
		name ~ /\// || name ~ /[<>]/ { next }
		{ sub(/\.[a-z]*$/, "", name); if (name != $1) print $1, name }' | sort -u
}

# loops FUNCTION: what tsort says of the pairs that FUNCTION prints for a folder.
loops() {
	local folder
	for folder in core pg; do
		"$1" "$folder" >"$work/pairs"
		[ -s "$work/pairs" ] || echo "no file of src/$folder knows of another"
		tsort "$work/pairs" 2>&1 >/dev/null | sed 's/^tsort: //; /: input contains a loop:$/s/.*/a circle:/' || true
	done
}
call_circles() { loops calls; }
include_circles() { loops inclusions; }

# ---- what can be read at a stretch ----

long_files() {
	wc -l src/core/* src/pg/* test/unit/* | awk '$2 != "total" && $2 ~ /\.(c|cpp|h|hpp)$/ && $1 > 450 { print $2 ": " $1 " lines" }'
}

# A function begins and ends with a brace of its own line, as the layout has it: of a file, or of a class.
long_functions() {
	awk '
		FNR == 1 { depth = 0 }
		/^\t?{$/ { start[length($0)] = FNR }
		/^\t?}$/ { if (start[length($0)] && FNR - start[length($0)] > 60) print FILENAME ":" start[length($0)] ": " FNR - start[length($0)] - 1 " lines" }
		/^\t?}/ { start[length($1)] = 0 }' src/core/*.cpp src/core/*.hpp src/pg/*.c src/pg/*.h
}

# Ten lines of code that stand in two places; lines without a word, includes and comments do not count.
repeated_lines() {
	awk '
		FNR == 1 { n = 0; comment = 0 }
		comment { if (/\*\//) comment = 0; next }
		/^[ \t]*\/\*/ { if (!/\*\//) comment = 1; next }
		/^#/ || !/[A-Za-z0-9_]/ { next }
		{
			gsub(/[ \t]+/, " ")
			line[n % 10] = $0
			place[n % 10] = FILENAME ":" FNR
			n++
			if (n < 10) next
			block = ""
			for (i = n; i < n + 10; i++) block = block "\n" line[i % 10]
			if (block in seen) print seen[block] " and " place[n % 10]
			else seen[block] = place[n % 10]
		}' src/core/*.cpp src/core/*.hpp src/core/*.h src/pg/*.c src/pg/*.h
}

# Of the files of the shim that have functions of SQL, and the sections of the script.
other_sections() {
	sed -n 's/^-- ---- \([a-z_]*\) ----$/\1/p' hllset--1.0.sql | sort >"$work/sections"
	grep -l PG_FUNCTION_INFO_V1 src/pg/*.c | sed 's/.*\///; s/\.c$//' | sort | comm -3 - "$work/sections"
}

# A file's name is a word of the list of rooms in CONTRIBUTING.md.
unmapped_files() {
	sed -n '/^## The rooms$/,/^\*\*/p' CONTRIBUTING.md | grep -o '[a-z_0-9]*' | sort -u >"$work/mapped"
	basename -a src/core/*.cpp src/core/*.hpp src/pg/*.c | sed 's/\..*//' | sort -u | comm -23 - "$work/mapped"
}

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
rule "the core needs only libc" core_unresolved
rule "the core has no static constructor and no writable data" core_state
rule "hllset.so exports only hllset_*" module_exports
rule "hllset.so needs only libc" module_needs
rule "hllset.so computes without the library of mathematics" module_mathematics
rule "the core includes only itself and headers that need no runtime" core_includes
rule "the shim includes no C++, no libpq and of the core only the door" shim_includes
rule "server versions differ only in hllset_pg.h" shim_versions
rule "no two files of the core, or of the shim, call each other in a circle" call_circles
rule "no include climbs" include_circles
rule "no file has more than 450 lines" long_files
rule "no function has more than 60 lines" long_functions
rule "no ten lines of the core and the shim stand in two places" repeated_lines
rule "the script has a section for each file of src/pg with functions" other_sections
rule "CONTRIBUTING.md has each file of the core and the shim in a room" unmapped_files
rule "REGRESS names the files of sql/ and expected/" unlisted_tests
rule "a file that begins with #! is executable" not_executable
echo "boundary: $checks rules hold"
