#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# Proves the layer rules of hllset_sync on its sources and on the library that "make" left.
# usage: sync/boundary.sh

source "$(dirname "$0")/../test/rules.sh"
cd "$(dirname "$0")"

not_built() { [ -f hllset_sync.so ] || echo "no hllset_sync.so"; }

exports() {
	nm -D --defined-only hllset_sync.so |
		awk '$NF !~ /^(Pg_magic_func|_PG_init|hllset_sync_[a-z_0-9]+|pg_finfo_hllset_sync_[a-z_0-9]+)$/ { print $NF }'
}

needs() {
	readelf -d hllset_sync.so | awk '/NEEDED/ && !/\[(libpq|libc|libm)\.so\.[0-9]+\]/ && !/ld-linux/ { print }'
}

# What libpq says is only known in one file; the type is used through SQL.
foreign_includes() {
	includes src/*/*.[ch] | awk '
		/libpq-fe\.h/ && !/^src\/link\/wire\.c / { print }
		/core\/|hllset_pg\.h|\.hpp/ { print }'
}

# What takes the bytes of a peer apart is fuzzed without the server.
frame_includes() {
	includes src/common/frame.[ch] | awk '$2 !~ /^(<std(bool|def|int)\.h>|"common\/frame\.h")$/'
}

# A room builds on those below it; publish, receive and link know nothing of each other. So there can be no circle either.
climbs() {
	includes src/*/*.[ch] | awk '
		BEGIN { floor["common"] = 0; floor["publish"] = floor["receive"] = floor["link"] = 1; floor["round"] = 2; floor["process"] = 3 }
		{
			split($1, file, "/")
			room = $2
			if (!sub(/^"/, "", room) || !sub(/\/.*/, "", room) || !(room in floor) || room == file[2])
				next
			if (!(file[2] in floor) || floor[room] >= floor[file[2]])
				print
		}'
}

versions() { version_conditions src/*/*.[ch] | awk '!/^src\/common\/version\.h:/'; }

without_output() {
	local file
	for file in sql/*.sql; do
		[ -f "expected/$(basename "${file%.sql}").out" ] || echo "$file"
	done
	for file in specs/*.spec; do
		[ -f "expected/$(basename "${file%.spec}").out" ] || echo "$file"
	done
}

rule "the library is built" not_built
rule "hllset_sync.so exports only hllset_sync_*" exports
rule "hllset_sync.so needs only libpq and libc" needs
rule "only wire.c includes libpq, none includes the type's sources" foreign_includes
rule "frame.c includes nothing but the standard library" frame_includes
rule "no include climbs" climbs
rule "server versions differ only in version.h" versions
rule "every test has an expected output" without_output
echo "boundary: $checks rules hold"
