#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# Runs a command on this tree in a fresh, minimal Debian: what works there needs nothing that its author happens to have.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
	cat <<-END
		usage: scripts/fresh.sh [--keep] [SUITE] COMMAND...

		Makes a root of Debian SUITE with nothing but apt (mmdebstrap --variant=apt), copies this tree into it, and runs
		COMMAND there, in the copy, as root. SUITE is bookworm (the default), trixie or sid. Examples:

		  sudo scripts/fresh.sh scripts/demo.sh --check
		  sudo scripts/fresh.sh trixie bash -c 'scripts/demo.sh --check && scripts/demo-sync.sh --check'

		The result is that of COMMAND. When it has ended, or this is interrupted, then nothing remains: no process, no mount,
		no folder. apt uses the mirrors and the proxy of this machine, and verifies signatures by its debian-archive-keyring.
		The network is this machine's, services don't start by themselves, and of the environment only CI and the proxies
		are passed on. mmdebstrap is installed if it is missing. The root lies in TMPDIR or /tmp, and takes up to 3 GB.

		  --keep        leave the root's folder at the end, and say where it is
		  HLLSET_ROOTS  a folder: a root as it was made is kept there, and serves again for a day
	END
}

keep=
suite=bookworm
while [ $# -gt 0 ]; do
	case $1 in
		--keep) keep=yes ;;
		--help) usage && exit ;;
		-*) usage >&2 && exit 2 ;;
		*) break ;;
	esac
	shift
done
case ${1:-} in
	bookworm | trixie | sid) suite=$1 && shift ;;
esac
[ $# -gt 0 ] || { usage >&2 && exit 2; }

# isolated COMMAND...: with processes, mounts and shared memory of its own, which end with it. Only for `run`, whose interrupt is a TERM.
isolated() {
	trap 'kill -KILL $!; exit 143' TERM
	unshare --mount --mount-proc --pid --ipc --fork --kill-child "$@" &
	wait $!
}

# ---- the root as it is made ----

# mirror LABEL: where apt of this machine has that part of Debian from; nothing if it knows none, as on Ubuntu.
mirror() {
	apt-get indextargets --format '$(ORIGIN)/$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
		awk -v origin="Debian/$1" '$1 == origin && !seen++ { print $2 }'
}

# source_line LABEL NAME: of sources.list, if there is a mirror.
source_line() {
	local uri
	uri=$(mirror "$1")
	[ -z "$uri" ] || echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $2 main"
}

# Without a line mmdebstrap takes Debian's own servers.
sources() {
	source_line Debian "$suite"
	[ "$suite" != sid ] || return 0
	source_line Debian "$suite-updates"
	source_line Debian-Security "$suite-security"
}

# How apt of this machine reaches its mirrors, and whether it minds that they are old.
apt_settings() { apt-config dump | awk '/^Acquire::(https?::Proxy(::[^ ]*)? |Check-|Retries |ForceIPv)/'; }

# dpkg does not wait for the disk: a root that a crash of the machine breaks is made anew.
make_tarball() {
	local lines
	[ -n "$(apt-get indextargets)" ] || update_packages
	sources >"$work/sources"
	apt_settings >"$work/apt_settings"
	mapfile -t lines <"$work/sources"
	isolated mmdebstrap --mode=root --variant=apt --aptopt="$work/apt_settings" --dpkgopt=force-unsafe-io "$suite" "$work/root.tar" "${lines[@]}"
}

# Its file gets its name when it is whole.
ready_tarball() {
	tarball=${HLLSET_ROOTS:-$work}/debian-$suite.tar
	[ -z "$(find "$tarball" -mmin -1440 2>/dev/null)" ] || return 0
	mkdir -p "$(dirname "$tarball")"
	echo "== making a root of $suite"
	run hidden "$work/log/mmdebstrap" make_tarball
	if [ "$status" -ne 0 ]; then
		cat "$work/log/mmdebstrap"
		die "could not make a root of $suite (if a key is missing: sudo apt-get install debian-archive-keyring)"
	fi
	mv "$work/root.tar" "$tarball.$$"
	mv "$tarball.$$" "$tarball"
}

# ---- the root in which the command runs ----

# Whom https trusts on this machine: a root has no ca-certificates.
trust_authorities() {
	local authorities=
	eval "$(apt-config shell authorities Acquire::https::CAInfo)"
	install -m 644 "${authorities:-/etc/ssl/certs/ca-certificates.crt}" "$root/etc/apt/authorities.crt"
	echo 'Acquire::https::CAInfo "/etc/apt/authorities.crt";' >"$root/etc/apt/apt.conf.d/99authorities"
}

# The names of the network are this machine's too.
furnish_root() {
	mkdir "$root"
	tar -C "$root" -xf "$tarball"
	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
	! grep -q https: "$root/etc/apt/sources.list" || trust_authorities
	printf '%s\n' '#!/bin/sh' 'exit 101' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	mkdir "$root$tree"
	copy_sources "$root$tree"
}

# The first process in the root: it mounts what programs expect, and buries those whose parents have gone. The root
# itself is a mount too, so that namespaces can be made in there, by this script again.
first_process='
	mount --bind "$0" "$0"
	mount -t proc proc "$0/proc"
	mount --bind /dev "$0/dev"
	mount -t tmpfs -o mode=1777 tmpfs "$0/dev/shm"
	mount -t devpts -o newinstance,mode=620,gid=5,ptmxmode=666 devpts "$0/dev/pts"
	chroot "$0" env -i --default-signal "$@" || exit'

# The shell that looks for COMMAND is that of the root.
in_root() {
	local variables=(HOME=/root "PATH=/usr/local/sbin:/usr/local/bin:$PATH") name
	for name in CI http_proxy https_proxy no_proxy; do
		[ -z "${!name:-}" ] || variables+=("$name=${!name}")
	done
	isolated bash -euc "$first_process" "$root" "${variables[@]}" sh -c 'cd "$0" && exec "$@"' "$tree" "$@"
}

is_root || die "a root is made and entered by root only; run: sudo scripts/fresh.sh ..."
need mmdebstrap debian-archive-keyring mount
run hidden "$work/log/unshare" isolated true
[ "$status" -eq 0 ] || die "may not make namespaces ($(cat "$work/log/unshare")): a container must be privileged, a chroot must be a mount point"
# apt downloads as a user of its own, who must get to the folder.
chmod 711 "$work"
export TMPDIR=$work/tmp
ready_tarball
root=$work/root
tree=/srv/hllset
furnish_root
run in_root "$@"
if [ -n "$keep" ]; then
	keep_work=yes
	echo "== the root stays in $root; look into it with: sudo chroot $root"
fi
exit "$status"
