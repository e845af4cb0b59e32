#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# Proves that both extensions build in a folder of their own as they do among their sources, by clang without a warning, and that what can't become a good build stops.
# usage: test/builds.sh [TREE]    "make" has been run in TREE and in TREE/sync; PG_CONFIG as for make

source "$(dirname "$0")/rules.sh"
cd "${1:-$(dirname "$0")/..}"
tree=$PWD
mkdir "$work/hllset" "$work/hllset_sync" "$work/no_sources" "$work/include"

# sources EXTENSION: their folder.
sources() {
	case $1 in
		hllset) echo "$tree" ;;
		hllset_sync) echo "$tree/sync" ;;
	esac
}

# here EXTENSION MAKE-ARGUMENT..., elsewhere EXTENSION MAKE-ARGUMENT...: make among the sources, and in a folder of its own.
here() { make -C "$(sources "$1")" --no-print-directory "${@:2}"; }
elsewhere() { make -C "$work/$1" --no-print-directory -f "$(sources "$1")/Makefile" "${@:2}"; }

# ---- the two builds ----

not_built() {
	[ -f hllset.so ] || echo "no hllset.so"
	[ -f sync/hllset_sync.so ] || echo "no sync/hllset_sync.so"
}

# clang_build EXTENSION: a server that gcc built names gcc's flags and gcc's attribute for printf; no warning about these counts, nor one in its headers.
clang_build() {
	local strict="-Wall -Wextra -Werror -Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wno-ignored-attributes -O1"
	elsewhere "$1" -j"$(nproc)" CC=clang CXX=clang++ PG_CFLAGS="$strict -isystem $("${PG_CONFIG:-pg_config}" --includedir-server)" \
		PG_CXXFLAGS="$strict" "$1.so" >"$work/log" 2>&1 || cat "$work/log"
}
clang_type() { clang_build hllset; }
clang_sync() { clang_build hllset_sync; }

# What JIT follows from function to function: an alias among them stops a server.
bitcode_aliases() {
	local file some=
	"${PG_CONFIG:-pg_config}" --configure | grep -q -- --with-llvm || return 0
	for file in src/*/*.bc; do
		some=1
		clang -x ir -S -emit-llvm -Wno-override-module -o - "$file" | awk -v file="$file" '/^@.* alias / { print file, $1 }'
	done
	[ -n "$some" ] || echo "there is no bitcode"
}

# compare HERE ELSEWHERE: lines in which two files differ; both have some.
compare() {
	[ -s "$1" ] || echo "nothing to compare"
	diff "$1" "$2" >"$work/log" || head -n 20 "$work/log"
}

symbols() {
	nm -D "$1" | awk '$(NF - 1) != "U" || $NF ~ /^hllset/ { print $(NF - 1), $NF }'
}

other_symbols() {
	local extension
	for extension in hllset hllset_sync; do
		symbols "$(sources "$extension")/$extension.so" >"$work/here"
		symbols "$work/$extension/$extension.so" >"$work/elsewhere"
		compare "$work/here" "$work/elsewhere"
	done
}

# commands EXTENSION here|elsewhere: that compile or link, with paths as among the sources.
commands() {
	local folder
	folder=$(sources "$1")
	"$2" "$1" -n -B | sed -n -e "s#$folder/##g; s#$folder#.#g; s#\./##g" -e '/ -o /p' | sort
}

other_commands() {
	local extension
	for extension in hllset hllset_sync; do
		commands "$extension" here >"$work/here"
		commands "$extension" elsewhere >"$work/elsewhere"
		compare "$work/here" "$work/elsewhere"
	done
}

# ---- what they install ----

# Bitcode takes as long as the library, and is compiled by the commands above. All but two files of it are those of the sources' build.
take_bitcode() {
	local folder
	folder=$(sources "$1")
	(cd "$folder" && find src -name '*.bc' ! -name hash.bc ! -name module.bc -exec cp --parents -t "$work/$1" {} +)
}

# listed FOLDER: its files, and sums of those that no compiler made.
listed() {
	(cd "$1" && find . -type f | sort && find . -name '*.control' -o -name '*.sql' | sort | xargs sha256sum)
}

other_files() {
	local extension
	for extension in hllset hllset_sync; do
		take_bitcode "$extension"
		here "$extension" -s install DESTDIR="$work/root_here" >&2
		elsewhere "$extension" -s -j"$(nproc)" install DESTDIR="$work/root_elsewhere" >&2
	done
	listed "$work/root_here" >"$work/here"
	listed "$work/root_elsewhere" >"$work/elsewhere"
	compare "$work/here" "$work/elsewhere"
}

not_cleaned() {
	local extension
	for extension in hllset hllset_sync; do
		elsewhere "$extension" -s clean >&2
		find "$work/$extension" -type f
		[ -f "$(sources "$extension")/$extension.so" ] || echo "removed $extension.so among the sources"
	done
}

# ---- what stops ----

# unless_refused TEXT COMMAND...: what the command says, unless it fails and says TEXT.
unless_refused() {
	if "${@:2}" >"$work/log" 2>&1; then
		echo "did not fail: ${*:2}"
	elif ! grep -qF "$1" "$work/log"; then
		cat "$work/log"
	fi
}

builds_nothing() {
	local extension
	for extension in hllset hllset_sync; do
		cp "$(sources "$extension")/Makefile" "$work/no_sources/"
		unless_refused "$extension: there are no sources in \"./src\"" make -C "$work/no_sources"
	done
}

# with_xxhash VERSION: compiles what hashes with a header that says so.
with_xxhash() {
	printf '%s\n' '#include_next <xxhash.h>' '#undef XXH_VERSION_NUMBER' "#define XXH_VERSION_NUMBER $1" >"$work/include/xxhash.h"
	"${CXX:-c++}" -std=c++20 -fsyntax-only -I"$work/include" -Isrc src/core/hash.cpp
}

old_xxhash() {
	unless_refused "XXH3 is final from xxHash 0.8.0 on" with_xxhash 704
	with_xxhash 800 2>&1 || true
}

# ---- flags ----

# The commands for the core, of CMake and of make, those for bitcode among them.
other_core_flags() {
	cmake -S . -B "$work/cmake" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >"$work/log" 2>&1 || cat "$work/log"
	{ grep '"command":.*src/core/' "$work/cmake/compile_commands.json" && here hllset -n -B | grep 'src/core/.*\.cpp$'; } >"$work/commands"
	awk -v files="$(printf '%s\n' src/core/*.cpp | wc -l)" '
		NR == FNR { if (/^-/) flags[$1]; next }
		{ commands++; line = " " $0 " " }
		line ~ / -(march|mtune|Ofast|ffast-math)/ { print "no flag for the core: " $0 }
		{ for (flag in flags) if (!index(line, " " flag " ")) print "without " flag ": " $0 }
		END { if (commands < 2 * files) print commands " commands for " files " files" }' src/core/flags "$work/commands"
}

# What make would run there; the names are PostgreSQL's.
elf_flags() {
	local system extension link
	for system in linux freebsd darwin; do
		for extension in hllset hllset_sync; do
			link=$(here "$extension" -n -B PORTNAME="$system" "$extension.so" | grep -F -e "-o $extension.so") || echo "$extension.so is not linked on $system"
			case $system$link in
				darwin*-Bsymbolic-functions* | darwin*--version-script*) echo "$system: $link" ;;
				darwin* | *-Wl,-Bsymbolic-functions* | *-Wl,--version-script=*) ;;
				*) echo "$system: $link" ;;
			esac
		done
	done
}

rule "both extensions are built" not_built
rule "clang builds hllset in a folder of its own without a warning" clang_type
rule "clang builds hllset_sync in a folder of its own without a warning" clang_sync
rule "the bitcode for JIT has no aliases" bitcode_aliases
rule "the libraries have the same symbols" other_symbols
rule "both builds run the same commands" other_commands
rule "both builds install the same files, below DESTDIR" other_files
rule "make clean leaves no file there, and the sources' build alone" not_cleaned
rule "a build without sources stops" builds_nothing
rule "xxHash below 0.8.0 is refused" old_xxhash
rule "CMake and PGXS compile the core with src/core/flags" other_core_flags
rule "flags for an ELF linker are given where there is one" elf_flags
echo "builds: $checks rules hold"
