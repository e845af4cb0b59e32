#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# Makes what is installed elsewhere: Debian packages for the servers of this machine, and the archives for PGXN.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
	cat <<-END
		usage: scripts/package.sh [FOLDER]

		Makes, in FOLDER (dist):
		  postgresql-NN-hllset_*.deb, postgresql-NN-hllset-sync_*.deb    for each server NN (14 or later) in /usr/lib/postgresql
		  hllset-*.zip, hllset_sync-*.zip                                sources as PGXN takes them

		Packages that are missing are installed, if it is root who runs this. Takes one to two minutes for a server version.
	END
}

case ${1:-} in
	--help) usage && exit ;;
	-*) usage >&2 && exit 2 ;;
esac
[ $# -le 1 ] || { usage >&2 && exit 2; }
folder=$(realpath -m "${1:-$source_tree/dist}")

# The one that a server is installed by counts, not PG_CONFIG.
unset PG_CONFIG

# servers: the versions for which there is a server.
servers() {
	local program
	for program in /usr/lib/postgresql/*/bin/postgres; do
		basename "${program%/bin/postgres}"
	done | awk '$1 >= 14' | sort -n
}

# ---- Debian packages ----

# debian_packages VERSION...: for these versions of the server; beside the tree, as dpkg-buildpackage does.
debian_packages() {
	export PG_SUPPORTED_VERSIONS="$*" DEB_BUILD_OPTIONS="noautodbgsym parallel=$(nproc)"
	as_owner pg_buildext updatecontrol
	as_owner dpkg-buildpackage -b -us -uc
}

# There is no report that asks for this package, so none is closed.
check_debian_packages() {
	as_owner lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$work"/hllset_*.changes
}

# ---- PGXN ----

# lay_out NAME PATH...: what a distribution consists of; paths are those in the current folder.
lay_out() {
	as_owner mkdir -p "$work/pgxn/$1"
	as_owner cp -r --parents "${@:2}" "$work/pgxn/$1"
}

# archive NAME: one top folder with the name of the archive, as PGXN wants it; the same bytes for the same files.
archive() {
	local name
	name=$1-$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["version"])' "$work/pgxn/$1/META.json")
	as_owner mv "$work/pgxn/$1" "$work/pgxn/$name"
	cd "$work/pgxn"
	find "$name" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
	find "$name" -name __pycache__ -prune -o -type f -print | sort | as_owner zip -q -X "$work/$name.zip" -@
}

pgxn_archives() {
	lay_out hllset CHANGELOG.md LICENSE META.json Makefile README.md docs expected hllset--*.sql hllset.control sql src \
		python test/perl test/python test/t test/vectors.tsv
	lay_out hllset_sync CHANGELOG.md LICENSE docs/sync.md docs/sync-*.md
	(cd sync && lay_out hllset_sync META.json Makefile expected hllset_sync--*.sql hllset_sync.control specs sql src t)
	(cd test/perl && lay_out hllset_sync/t Installation.pm)
	SOURCE_DATE_EPOCH=$(dpkg-parsechangelog --show-field Timestamp)
	(archive hllset)
	(archive hllset_sync)
	test/meta.py "$work"/*.zip
}

need build-essential debhelper libpq-dev libxxhash-dev lintian postgresql postgresql-server-dev-all python3 zip
mapfile -t versions < <(servers)
[ ${#versions[@]} -gt 0 ] || die "there is no server of version 14 or later in /usr/lib/postgresql"
need "${versions[@]/#/postgresql-server-dev-}"
mkdir -p "$folder"
copy_tree
quietly "archives for PGXN" pgxn_archives
quietly "Debian packages for PostgreSQL ${versions[*]}" debian_packages "${versions[@]}"
quietly "lintian" check_debian_packages
install -m 644 "$work"/*.deb "$work"/*.zip "$folder"
echo "made, in $folder:"
cd "$work" && ls -- *.deb *.zip
