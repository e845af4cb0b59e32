#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# Proves that docs/cookbook.md shows what was tested: every block of it, query or answer, occurs in expected/cookbook.out.
# usage: test/cookbook.sh

set -euo pipefail
cd "$(dirname "$0")/.."

# psql's echo leaves out empty lines, and its tables have blanks at line ends.
squeezed() { sed -E 's/[[:space:]]+$//; /^$/d' "$@"; }

tested=$'\n'$(squeezed expected/cookbook.out)$'\n'
blocks=0
block=
inside=
while IFS= read -r line; do
	if [[ $line != '```'* ]]; then
		[ -z "$inside" ] || block+=$line$'\n'
	elif [ -z "$inside" ]; then
		inside=1
		block=$'\n'
	else
		inside=
		blocks=$((blocks + 1))
		if [[ $tested != *"$block"* ]]; then
			printf 'cookbook: not in expected/cookbook.out:%s' "$block" >&2
			exit 1
		fi
	fi
done < <(squeezed docs/cookbook.md)
if [ -n "$inside" ] || [ "$blocks" -eq 0 ]; then
	echo "cookbook: no blocks, or one that does not end" >&2
	exit 1
fi
echo "cookbook: $blocks blocks are tested"
