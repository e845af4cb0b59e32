#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# Tries the type by drivers: node-postgres, psycopg2, psycopg 3 and JDBC, the last one with typed strings and with untyped ones; and the programs of docs/clients.md. It installs what it
# needs and the extension, and starts a server of its own; best in a bare root: scripts/fresh.sh test/clients/run.sh

source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

folder=$source_tree/test/clients

# Below those that the system gives to outgoing connections: it must still be free when the server starts.
free_port() {
	/usr/bin/python3 - <<-END
		import random, socket
		while True:
		    try:
		        print(socket.create_server(("127.0.0.1", random.randrange(10240, 32768))).getsockname()[1])
		        break
		    except OSError:
		        pass
	END
}

# try_driver NAME COMMAND...: in a database of its own; COMMAND is given the file of the cases and connects as the PG... variables say.
try_driver() {
	local name=$1
	shift
	dropdb --if-exists --maintenance-db=postgres clients 2>/dev/null
	createdb --maintenance-db=postgres clients
	"$folder/cases.py" setup | psql -qX -v ON_ERROR_STOP=1 clients
	PGDATABASE=clients "$@" >"$work/log/$name"
	echo "== $name"
	"$folder/cases.py" check "$work/log/$name"
}

# jdbc OPTION FILE
jdbc() {
	java -cp /usr/share/java/postgresql.jar "$folder/ByJdbc.java" "$2" "jdbc:postgresql://$PGHOST:$PGPORT/clients?user=$PGUSER&password=$PGPASSWORD$1"
}

try_drivers() {
	local cases=$work/log/cases
	"$folder/cases.py" write >"$cases"
	try_driver node-postgres env NODE_PATH=/usr/share/nodejs node "$folder/by_node.js" "$cases"
	try_driver psycopg2 "$folder/by_psycopg.py" psycopg2 "$cases"
	try_driver psycopg "$folder/by_psycopg.py" psycopg "$cases"
	try_driver jdbc jdbc '' "$cases"
	try_driver jdbc-untyped jdbc '&stringtype=unspecified' "$cases"
}

need build-essential clang postgresql postgresql-server-dev-all libxxhash-dev python3 nodejs node-pg python3-psycopg2 python3-psycopg python3-asyncpg python3-django python3-sqlalchemy default-jdk-headless libpostgresql-jdbc-java
copy_tree
quietly "building the extension" build_extension with_llvm=no
quietly "installing it" install_extension with_llvm=no
port=$(free_port)
quietly "starting a server" start_server data "listen_addresses = 'localhost'" "port = $port"
psql -qX -h "$work" -p "$port" -U postgres -c "CREATE ROLE client SUPERUSER LOGIN PASSWORD 'secret'"
export PGHOST=localhost PGPORT=$port PGUSER=client PGPASSWORD=secret
try_drivers
"$source_tree/test/pages.py" --all-languages "$source_tree/docs/clients.md"
