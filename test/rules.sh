# SPDX-License-Identifier: PostgreSQL
# Shared by the scripts that prove rules, which source it.

set -euo pipefail
shopt -s nullglob inherit_errexit
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

checks=0
program=$(basename "$0" .sh)

# rule TEXT FUNCTION: FUNCTION prints the violations. A tool that fails is one too.
rule() {
	local found
	found=$("$2") || { echo "$program: could not check: $1" >&2; exit 1; }
	if [ -n "$found" ]; then
		printf '%s: violated: %s\n%s\n' "$program" "$1" "$found" >&2
		exit 1
	fi
	echo "ok: $1"
	checks=$((checks + 1))
}

# includes FILE...: a line 'file <header>' or 'file "header"' for each include directive.
includes() {
	awk 'match($0, /^[ \t]*#[ \t]*(include|include_next|import)[ \t]*/) {
			header = substr($0, RLENGTH + 1)
			sub(/[ \t]*(\/[\/*].*)?$/, "", header)
			print FILENAME, header
		}' "$@"
}

# version_conditions FILE...: where they ask for the server's version.
version_conditions() {
	awk '/PG_VERSION_NUM|PG_MAJORVERSION/ { print FILENAME ":" FNR ": " $0 }' "$@"
}
