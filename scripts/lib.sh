# SPDX-License-Identifier: PostgreSQL
# Shared by test.sh and demo.sh, which source it: packages, a private copy of the tree, a throwaway server.
#
# What it leaves behind: the packages that were missing and the installed extension. Everything else lives in $work, a
# temporary folder that goes away on exit, servers first. Clusters that exist already are not touched.

set -euo pipefail
shopt -s inherit_errexit nullglob

source_tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
declare -A running   # process groups of the commands that run
keep_work=           # not empty: leave folder and server

# The system's own programs, not what a login shell puts before them; no setting of a login's PostgreSQL, no locale of its own.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C.UTF-8 TZ=UTC
for name in $(compgen -e PG); do
	[ "$name" = PG_CONFIG ] || unset "$name"
done
export PGCTLTIMEOUT=300 # s; a busy machine may take longer to start a server than the minute that pg_ctl gives it

die() {
	printf '%s: %s\n' "$(basename "$0")" "$1" >&2
	exit 1
}

is_root() { [ "$EUID" -eq 0 ]; }

# ---- packages ----

# need PACKAGE...: installs what is missing. The server's packages count only if PG_CONFIG does not name another server.
need() {
	local missing=() package
	command -v dpkg-query >/dev/null || die "this needs Debian or Ubuntu; elsewhere: make, make install, make installcheck"
	for package in "$@"; do
		[[ -n "${PG_CONFIG:-}" && $package == postgresql* ]] && continue
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	is_root || die "packages are missing; run: sudo apt-get install ${missing[*]}"
	echo "== installing ${missing[*]}"
	update_packages
	run hidden "$work/log/apt-get" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
		-o DPkg::Lock::Timeout=300 install "${missing[@]}"
	[ "$status" -eq 0 ] || { cat "$work/log/apt-get"; die "could not install the packages"; }
}

# A source that can't be reached is no reason to stop: others may have what is needed.
update_packages() {
	run apt-get -qq -o DPkg::Lock::Timeout=300 update
}

# ---- processes ----

# launch COMMAND...: in a process group of its own, so that an interrupt ends it at once and as a whole. Its number is in $launched.
launch() {
	set -m
	(set -e; "$@") </dev/null &
	launched=$!
	set +m
	running[$launched]=yes
}

# await NUMBER: until the command has ended; nothing of its group is left then. Its result is in $status.
await() {
	status=0
	wait "$1" || status=$?
	kill -TERM -- "-$1" 2>/dev/null || true
	unset "running[$1]"
}

run() {
	launch "$@"
	await "$launched"
}

# hidden LOG COMMAND..., shown LOG COMMAND...: what it says goes to a file, or there and to the user.
hidden() { "${@:2}" >"$1" 2>&1; }
shown() { "${@:2}" 2>&1 | tee "$1"; }

# quietly NAME COMMAND...: says NAME and runs COMMAND; what that says is shown only if it fails.
quietly() {
	echo "== $1"
	run hidden "$work/log/quietly" "${@:2}"
	[ "$status" -eq 0 ] || { cat "$work/log/quietly"; die "failed: $1"; }
}

# as_owner COMMAND...: as the user who owns $work, for initdb refuses root.
as_owner() {
	if is_root; then
		setpriv --reuid=postgres --regid=postgres --init-groups env HOME="$work" "$@"
	else
		"$@"
	fi
}

# start_process LOG COMMAND...: as the owner, in the background, until the end of the script.
start_process() {
	as_owner bash -c 'echo $$ >>"$0"; exec "$@"' "$work/processes" "${@:2}" >"$1" 2>&1 </dev/null &
	disown
}

# By the shell's own kill: a minimal Debian has no program of that name.
stop_processes() {
	local numbers=()
	[ ! -e "$work/processes" ] || mapfile -t numbers <"$work/processes"
	[ ${#numbers[@]} -eq 0 ] || kill "${numbers[@]}"
}

# Ends every server whose data lie in $work, also those that a test left.
stop_servers() {
	local file pid
	find "$work" -name postmaster.pid 2>/dev/null | while read -r file; do
		pid=$(head -n 1 "$file" 2>/dev/null)
		[ "$(readlink "/proc/$pid/cwd")" = "$(dirname "$file")" ] || continue
		kill -QUIT "$pid"
		for _ in {1..100}; do
			[ -d "/proc/$pid" ] || break
			sleep 0.1
		done
	done
}

# Ends what this shell has launched, and waits for it.
end_groups() {
	local group
	for group in "${!running[@]}"; do
		kill -TERM -- "-$group"
	done
	wait
}

clean_up() {
	local result=$?
	set +e
	trap - EXIT
	trap '' HUP INT TERM
	end_groups
	if [ -z "$keep_work" ]; then
		cd /
		stop_processes
		stop_servers
		# A process that is just ending may still add a file.
		rm -rf -- "$work" 2>/dev/null || { sleep 1 && rm -rf -- "$work"; }
	fi
	exit "$result"
}

# What comes before the folder can be removed waits until then.
interrupted=
trap 'interrupted=129' HUP
trap 'interrupted=130' INT
trap 'interrupted=143' TERM
work=$(mktemp -d "${TMPDIR:-/tmp}/hllset.XXXXXX")
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
[ -z "$interrupted" ] || exit "$interrupted"
mkdir "$work/tree" "$work/log" "$work/tmp"

# ---- the private copy ----

# copy_sources FOLDER: the tree, without what a build left in it.
copy_sources() {
	tar -C "$source_tree" --exclude=./.git --exclude='./build*' --exclude=./dist --exclude='*.o' --exclude='*.bc' --exclude='*.so' -cf - . |
		tar -C "$1" --no-same-owner -xf -
}

# Copies the tree to $work/tree, for the server's user, and goes there. From then on temporary files lie in $work too.
copy_tree() {
	if is_root; then
		id postgres >/dev/null 2>&1 || die "there is no user postgres to run a server as"
	fi
	pg_config=$(command -v "${PG_CONFIG:-pg_config}") || die "there is no ${PG_CONFIG:-pg_config}"
	pg_config=$(realpath -s "$pg_config")
	bindir=$("$pg_config" --bindir)
	[ -x "$bindir/initdb" ] || die "there is no server in $bindir (set PG_CONFIG to another pg_config)"
	export PATH=$bindir:$PATH
	copy_sources "$work/tree"
	if is_root; then
		chown -R postgres: "$work"
	fi
	export TMPDIR=$work/tmp
	cd "$work/tree"
}

server_major() { "${pg_config:-pg_config}" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/'; }

# build_extension [MAKE-ARGUMENT...]: by the compilers that CC and CXX name, if they do; else by the server's.
build_extension() {
	as_owner make -j"$(nproc)" PG_CONFIG="$pg_config" ${CC:+CC="$CC"} ${CXX:+CXX="$CXX"} "$@"
}

# install_extension [MAKE-ARGUMENT...]: into the server's folders, the one lasting trace.
install_extension() {
	if [ -w "$("$pg_config" --pkglibdir)" ]; then
		make -s PG_CONFIG="$pg_config" "$@" install
	elif command -v sudo >/dev/null; then
		sudo make -s PG_CONFIG="$pg_config" "$@" install
	else
		die "may not write to $("$pg_config" --pkglibdir): run as root or set PG_CONFIG"
	fi
}

# ---- the throwaway server ----

# start_server [FOLDER [SETTING...]]: a server on a socket in $work. Other machines can't reach it; programs of this one only if SETTINGS say so.
start_server() {
	local folder=$work/${1:-data}
	as_owner initdb -D "$folder" -U postgres --auth-local=trust --auth-host=scram-sha-256 -E UTF8 --locale=C.UTF-8 --no-sync
	printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$work'" "fsync = off" "full_page_writes = off" "${@:2}" |
		as_owner tee -a "$folder/postgresql.conf" >/dev/null
	resume_server "${1:-data}"
}

# resume_server FOLDER: starts again what was stopped or killed; children of a killed server may hold its memory for a moment.
resume_server() {
	local attempt
	for attempt in {1..100}; do
		! as_owner pg_ctl -D "$work/$1" -l "$work/log/server-$1" -w start || return 0
		sleep 0.5
	done
	return 1
}

use_server() {
	export PGHOST=$work PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
}
