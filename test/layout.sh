#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# Proves that all C and C++ is laid out as clang-format has it, with the committed settings and Debian 12's version.
# usage: test/layout.sh [--mend]

set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/.."

version=14
if [[ "$(clang-format --version)" != *" version $version."* ]]; then
	echo "layout: skipped, since versions differ in what they make of it: $(clang-format --version) is here, clang-format $version is in Debian 12"
	exit
fi
mapfile -t files < <(find src sync test bench -type f \( -name '*.c' -o -name '*.h' -o -name '*.cpp' -o -name '*.hpp' \))
if [ "${1-}" = --mend ]; then
	clang-format -i "${files[@]}"
elif ! clang-format --dry-run -Werror "${files[@]}"; then
	echo "layout: these places are not as clang-format has them; run: test/layout.sh --mend" >&2
	exit 1
fi
echo "layout: ${#files[@]} files are as clang-format has them"
