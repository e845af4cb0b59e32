#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# Makes the packages and tries them where nothing else is: in a fresh root of the Debian that this machine runs.
# usage: test/packages.sh

source "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

# arguments FOLDER: what installcheck there gives pg_regress; in the root there is no make.
arguments() {
	make -s -C "$1" PG_CONFIG="$pg_config" --eval='arguments:; @echo $(REGRESS_OPTS) $(REGRESS)' arguments
}

is_root || die "a root is made by root only; run: sudo test/packages.sh"
[ -e /etc/debian_version ] || die "this needs Debian"
temporary=${TMPDIR:-/tmp}
copy_tree
scripts/package.sh packages
arguments . >packages/hllset.arguments
arguments sync >packages/hllset_sync.arguments
TMPDIR=$temporary scripts/fresh.sh "$(. /etc/os-release && echo "$VERSION_CODENAME")" test/installed.sh "$(server_major)"
