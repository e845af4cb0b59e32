/* SPDX-License-Identifier: PostgreSQL */
/* hllset_sync: everything CREATE EXTENSION makes, in reading order. */

\echo Use "CREATE EXTENSION hllset_sync" to load this file. \quit

-- The server puts hllset's schema into the search path of this script. Whoever owns that could have put functions, operators and types of his own there,
-- which would be taken for others: so nothing is looked up but in pg_catalog, all else is named with its schema, and literals with their types.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- The schema is made here, not named in the control file: so it belongs to the extension and goes with it, and one that somebody else has made is
-- not used. The type may be in any schema.
CREATE SCHEMA hllset_sync;

-- ---- catalog (see docs/sync.md) ----

-- This database's name among its peers. A copy of the database finds sysid and dboid changed and stops.
CREATE TABLE hllset_sync.node (
	one        boolean PRIMARY KEY DEFAULT true CHECK (one),
	node_id    uuid NOT NULL,
	node_name  text NOT NULL,
	sysid      bigint NOT NULL,
	dboid      oid NOT NULL,
	running    bigint NOT NULL DEFAULT 0,       -- seconds that its server has run, when boot_ms ...
	boot_ms    bigint NOT NULL DEFAULT 0,       -- ... ms were gone since its machine was started, in this ...
	life       uuid NOT NULL,                   -- ... life of the server
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);

CREATE TABLE hllset_sync.sets (
	set_id       integer PRIMARY KEY,
	set_name     text NOT NULL UNIQUE,
	relid        regclass UNIQUE,               -- NULL after unregister()
	owner        regrole NOT NULL,              -- of the table, when it was registered
	key_cols     name[] NOT NULL,
	sketch_cols  name[] NOT NULL,
	has_views    boolean NOT NULL,              -- register() made some, which pass by the policies of the table
	signature    bytea NOT NULL,                -- key types, precisions, seed, hash id, format: must be equal at the peer
	description  text NOT NULL,                 -- the same for readers
	head         bigint NOT NULL DEFAULT 0,     -- newest seq
	nonce        uuid,                          -- with which it was given
	floor        bigint NOT NULL DEFAULT 0,     -- tombstones up to this seq were pruned
	truncated_at bigint NOT NULL DEFAULT 0,     -- seq of the last TRUNCATE: what the index has from before is not there
	state        text NOT NULL DEFAULT 'ok'::text, -- ok, broken, error, disabled (its triggers), retired (by unregister)
	state_reason text,
	state_since  timestamptz NOT NULL DEFAULT pg_catalog.now(),
	layout       bigint NOT NULL DEFAULT 0,     -- hash of the table's partitions and triggers when a scan last began; 0: none
	filenodes    bigint NOT NULL DEFAULT 0,     -- likewise, of the files
	scan         text DEFAULT 'rows'::text CHECK (scan IN ('rows'::text, 'index'::text)), -- what is being compared with the other; NULL: nothing
	scan_after   bytea,                         -- up to this key it is done
	scan_since   timestamptz NOT NULL DEFAULT pg_catalog.now(), -- start of the last one, or of the first that was begun anew before it ended
	scanned_at   bigint NOT NULL DEFAULT 0      -- end of the last scan, in running seconds
);

-- What the trigger has seen since a set was last looked at: k keys were noted, t the table was truncated, r all is to be compared; c the index has
-- entries from before a TRUNCATE. One row for each transaction, set and kind; it goes when nothing is left of what its transaction wrote.
CREATE TABLE hllset_sync.pending (
	set_id integer NOT NULL,
	kind   "char" NOT NULL
) USING heap WITH (autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0);

-- Which nonce goes with which seqs. A token (seq, nonce) that is not here was given by a history that was undone. The newest row goes on for an hour
-- within one life of the server.
CREATE TABLE hllset_sync.history (
	set_id   integer NOT NULL REFERENCES hllset_sync.sets ON DELETE CASCADE,
	seq_from bigint NOT NULL,
	seq_to   bigint NOT NULL,
	nonce    uuid NOT NULL,
	life     uuid NOT NULL,
	ran      bigint NOT NULL,                   -- running seconds, when it was made
	PRIMARY KEY (set_id, seq_from)
) WITH (fillfactor = 50);

CREATE TABLE hllset_sync.acl (
	set_id integer NOT NULL REFERENCES hllset_sync.sets ON DELETE CASCADE,
	role   regrole NOT NULL,
	pull   boolean NOT NULL,
	push   boolean NOT NULL,
	node   uuid,                                -- that the role speaks for, as the set's owner said; needed to push
	paused text,                                -- why it may neither pull nor push, until resume_grant(); then these are what it could:
	held_pull boolean,
	held_push boolean,
	PRIMARY KEY (set_id, role)
);

-- What was granted for all sets of an owner, or, with 0, of everybody: each set gets it when it is registered, and when its table gets this owner.
CREATE TABLE hllset_sync.acl_all (
	owner regrole NOT NULL,
	role  regrole NOT NULL,
	pull  boolean NOT NULL,
	push  boolean NOT NULL,
	node  uuid,
	paused text,                                -- sets that come get it so
	PRIMARY KEY (owner, role)
);

CREATE TABLE hllset_sync.origins (
	origin_id  smallint PRIMARY KEY,
	node_id    uuid NOT NULL UNIQUE,
	node_name  text NOT NULL,                   -- its own name, with a suffix if another node has it already
	dropping   boolean NOT NULL DEFAULT false,  -- drop_origin() or absorb_origin() is at work: nothing is delivered
	dropping_since timestamptz,
	first_seen timestamptz NOT NULL DEFAULT pg_catalog.now()
);

-- Nodes that read a set from here: known before their first answer, until drop_consumer().
CREATE TABLE hllset_sync.readers (
	set_id     integer NOT NULL REFERENCES hllset_sync.sets ON DELETE CASCADE,
	node_id    uuid NOT NULL,
	node_name  text NOT NULL,
	role       regrole NOT NULL,
	first_seen timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (set_id, node_id)
);

-- What nodes that read from here, or are pushed to, have flushed. Means something only in the life of the server in which it was said.
CREATE UNLOGGED TABLE hllset_sync.confirmed (
	set_id  integer NOT NULL,
	node_id uuid NOT NULL,
	seq     bigint NOT NULL,
	nonce   uuid,
	said    bigint NOT NULL,
	PRIMARY KEY (set_id, node_id)
);

-- How far the copies of an origin go. Moves in the transaction that writes the copies.
CREATE TABLE hllset_sync.cursors (
	set_id        integer NOT NULL REFERENCES hllset_sync.sets ON DELETE CASCADE,
	origin_id     smallint NOT NULL REFERENCES hllset_sync.origins,
	seq           bigint NOT NULL,
	nonce         uuid,
	applied_at    timestamptz NOT NULL DEFAULT pg_catalog.now(),
	rewinds       integer NOT NULL DEFAULT 0,
	orphans       bigint NOT NULL DEFAULT 0,    -- rows kept that their owner lost in a rewind (their seq is 0)
	attempts      integer NOT NULL DEFAULT 0,   -- batches that were begun and did not end, since the cursor last moved
	dropping      boolean NOT NULL DEFAULT false, -- as in origins, for this set
	dropping_since timestamptz,
	last_verified timestamptz NOT NULL DEFAULT pg_catalog.now(),
	verified_ran  bigint NOT NULL DEFAULT 0,    -- likewise, in running seconds, which decide when it is done again
	PRIMARY KEY (set_id, origin_id)
);

-- Peers by the name of their foreign server. enabled_by: the node id that may use the peer; another one (a restored dump) must resume_peer() first.
CREATE TABLE hllset_sync.peers (
	server       name PRIMARY KEY,
	direction    text NOT NULL CHECK (direction IN ('both'::text, 'pull'::text, 'push'::text)),
	sets         text[],                        -- NULL: all that both have
	every        interval,
	node_id      uuid,                          -- that the server is; NULL: what it says at the first hello
	paused       boolean NOT NULL DEFAULT false,
	pause_reason text,
	paused_at    timestamptz,
	enabled_by   uuid NOT NULL
);

-- One set with one peer in one direction, as the last round left it. Written when something changes.
CREATE TABLE hllset_sync.relations (
	server    name NOT NULL REFERENCES hllset_sync.peers ON DELETE CASCADE,
	set_name  text NOT NULL,
	direction text NOT NULL CHECK (direction IN ('pull'::text, 'push'::text)),
	node_id   uuid,
	state     text NOT NULL,                    -- see docs/sync-monitoring.md, States
	cursor_seq bigint,
	head_seq  bigint,
	rows_done bigint,                           -- of what is being copied or compared, or was last, at most
	rows_to_do bigint,                          -- NULL: not known yet, since the source is scanning, or fingerprints are being compared
	error     text,
	sqlstate  text,
	changed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	state_since timestamptz NOT NULL DEFAULT pg_catalog.now(),
	moved_at   timestamptz NOT NULL DEFAULT pg_catalog.now(), -- cursor_seq, or what is left to be done
	resyncs    integer NOT NULL DEFAULT 0,      -- calls of resync_set() that the worker has not done yet
	PRIMARY KEY (server, set_name, direction)
);

-- The half of the status that outlives a restart; the other half is in shared memory.
CREATE TABLE hllset_sync.peer_state (
	server        name PRIMARY KEY REFERENCES hllset_sync.peers ON DELETE CASCADE,
	node_id       uuid,
	node_name     text,
	protocol      integer,
	peer_version  integer,
	last_attempt  timestamptz,
	last_success  timestamptz,
	caught_up_at  timestamptz,                  -- start of the last round that ended caught up
	failures      integer NOT NULL DEFAULT 0,
	last_error    text,
	last_sqlstate text,
	last_error_at timestamptz,
	rounds        bigint NOT NULL DEFAULT 0,
	last_round_ms double precision,
	rows_in       bigint NOT NULL DEFAULT 0,
	bytes_in      bigint NOT NULL DEFAULT 0,
	rows_out      bigint NOT NULL DEFAULT 0,
	bytes_out     bigint NOT NULL DEFAULT 0
);

-- Single sets by name: a set that is there from the start.
-- The type is the one base type of extension hllset whose input function is hllset's, in C: that is no name, which others could give to a type of theirs.
DO $$
DECLARE
	found regtype;
BEGIN
	SELECT t.oid INTO STRICT found
	FROM pg_catalog.pg_extension e
		JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'::"char"
			AND d.classid = 'pg_catalog.pg_type'::regclass
		JOIN pg_catalog.pg_type t ON t.oid = d.objid
		JOIN pg_catalog.pg_proc p ON p.oid = t.typinput
		JOIN pg_catalog.pg_language l ON l.oid = p.prolang
	WHERE e.extname = 'hllset'::name AND t.typtype = 'b'::"char" AND l.lanname = 'c'::name AND p.prosrc = 'hllset_in'::text;
	EXECUTE pg_catalog.format('CREATE TABLE hllset_sync.named (name text PRIMARY KEY, value %s NOT NULL)'::text, found);
END
$$;

-- Parent of the tables of all sets, so that DROP EXTENSION takes them along. Per set, owned by the owner of its table:
-- dirty_N (k1, ...)                                     keys of rows that were written
-- rows_N  (k1, ..., seq, digest, refused)               the change index: the newest number and content of each row
-- copy_N  (k1, ..., origin_id, s1, ..., seq, digest)    the rows of other nodes
CREATE TABLE hllset_sync.part ();

CREATE SEQUENCE hllset_sync.set_ids AS integer;

SELECT pg_catalog.pg_extension_config_dump('hllset_sync.sets'::regclass, 'WHERE set_id > 1'::text);
SELECT pg_catalog.pg_extension_config_dump('hllset_sync.pending'::regclass, 'WHERE set_id > 1'::text);
SELECT pg_catalog.pg_extension_config_dump('hllset_sync.history'::regclass, 'WHERE set_id > 1'::text);
SELECT pg_catalog.pg_extension_config_dump('hllset_sync.acl'::regclass, ''::text);
SELECT pg_catalog.pg_extension_config_dump('hllset_sync.acl_all'::regclass, ''::text);
SELECT pg_catalog.pg_extension_config_dump('hllset_sync.readers'::regclass, 'WHERE set_id > 1'::text);
SELECT pg_catalog.pg_extension_config_dump('hllset_sync.origins'::regclass, ''::text);
SELECT pg_catalog.pg_extension_config_dump('hllset_sync.cursors'::regclass, 'WHERE set_id > 1'::text);
SELECT pg_catalog.pg_extension_config_dump('hllset_sync.peers'::regclass, ''::text);
SELECT pg_catalog.pg_extension_config_dump('hllset_sync.named'::regclass, ''::text);
SELECT pg_catalog.pg_extension_config_dump('hllset_sync.set_ids'::regclass, ''::text);

-- ---- identity ----

CREATE FUNCTION hllset_sync.node() RETURNS TABLE (node_id uuid, node_name text, identity text)
	LANGUAGE C VOLATILE ROWS 1 AS 'MODULE_PATHNAME', 'hllset_sync_node';
COMMENT ON FUNCTION hllset_sync.node() IS 'this database among its peers; identity: ok, or why it may not sync';
CREATE FUNCTION hllset_sync.rename_node(name text) RETURNS void
	LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_rename_node';
COMMENT ON FUNCTION hllset_sync.rename_node(text) IS 'gives this node another name';
CREATE FUNCTION hllset_sync.new_identity() RETURNS uuid
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_new_identity';
COMMENT ON FUNCTION hllset_sync.new_identity() IS 'this database is a copy: from now on a node of its own';
CREATE FUNCTION hllset_sync.keep_identity() RETURNS uuid
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_keep_identity';
COMMENT ON FUNCTION hllset_sync.keep_identity() IS 'this database was moved: it is still the same node';
-- Seconds that this node's server has run, by a clock that tells NOW_MS; noted once a minute. What another server, or this one in another life, was at is
-- not counted. One who finds the row locked leaves it to the other.
CREATE FUNCTION hllset_sync.running(now_ms bigint, in_life uuid) RETURNS bigint
	LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	noted hllset_sync.node;
	ms bigint := 0;
	ran bigint;
BEGIN
	SELECT n.* INTO STRICT noted FROM hllset_sync.node n;
	IF noted.life = in_life THEN
		ms := now_ms - noted.boot_ms;
	END IF;
	ran := noted.running + ms / 1000;
	IF noted.life <> in_life OR ms >= 60000 THEN
		UPDATE hllset_sync.node n SET running = ran, boot_ms = now_ms - ms % 1000, life = in_life
		WHERE n.one IN (SELECT l.one FROM hllset_sync.node l WHERE l.running <= ran FOR NO KEY UPDATE SKIP LOCKED);
	END IF;
	RETURN ran;
END
$$;
REVOKE EXECUTE ON FUNCTION hllset_sync.rename_node(text), hllset_sync.new_identity(), hllset_sync.keep_identity(), hllset_sync.running(bigint, uuid)
	FROM PUBLIC;

SELECT hllset_sync.new_identity();

-- ---- capture, digest ----

CREATE FUNCTION hllset_sync.capture() RETURNS trigger
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_capture';
COMMENT ON FUNCTION hllset_sync.capture() IS 'notes the keys of changed rows of a registered table';
REVOKE EXECUTE ON FUNCTION hllset_sync.capture() FROM PUBLIC;

CREATE FUNCTION hllset_sync.row_digest(VARIADIC "any") RETURNS uuid
	LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'hllset_sync_row_digest';
COMMENT ON FUNCTION hllset_sync.row_digest("any") IS 'content id of a row; NULL if a value is no plain set';

-- ---- acl ----

-- Whose sets "all" are: those of the caller, or, 0, everybody's, if he is the extension's owner.
CREATE FUNCTION hllset_sync.owner_of_all(caller oid) RETURNS oid
	LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF (SELECT pg_has_role(caller, c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = 'hllset_sync.sets'::regclass) THEN
		RETURN 0;
	ELSIF NOT EXISTS (SELECT FROM hllset_sync.sets s JOIN pg_class c ON c.oid = s.relid WHERE c.relowner = caller) THEN
		RAISE EXCEPTION 'role "%" owns no set', pg_get_userbyid(caller) USING ERRCODE = 'insufficient_privilege',
			HINT = 'Register a table first, or SET ROLE to the owner of the sets.';
	END IF;
	RETURN caller;
END
$$;

-- One set, or all of the caller (see owner_of_all), also later ones. Only who logs in as itself can be told from others: a node has a role of its own.
CREATE FUNCTION hllset_sync.put_grant(set_id integer, caller oid, peer_role regrole, may_pull boolean, may_push boolean, for_node uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	-- NULL: what was granted before stays.
	pushes boolean := coalesce(may_push, for_node IS NOT NULL OR NULL);
	general boolean := put_grant.set_id IS NULL;
	set_owner oid := CASE WHEN general THEN hllset_sync.owner_of_all(caller) END;
BEGIN
	IF for_node IS NOT NULL AND NOT (SELECT r.rolcanlogin FROM pg_roles r WHERE r.oid = peer_role) THEN
		RAISE EXCEPTION 'role "%" cannot log in, so it speaks for no node', pg_get_userbyid(peer_role) USING ERRCODE = 'wrong_object_type',
			HINT = 'Name the node to the role that it logs in as. A group may be granted to read.';
	END IF;
	IF EXISTS (SELECT FROM hllset_sync.node n WHERE n.node_id = for_node) THEN
		RAISE EXCEPTION 'no role speaks for this node itself' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Name the node that logs in as the role: see hllset_sync.node() there.';
	END IF;
	IF general THEN
		INSERT INTO hllset_sync.acl_all AS a (owner, role, pull, push, node) VALUES (set_owner, peer_role, may_pull, coalesce(pushes, false), for_node)
		ON CONFLICT (owner, role) DO UPDATE SET pull = may_pull, push = coalesce(pushes, a.push), node = coalesce(for_node, a.node), paused = NULL;
	END IF;
	INSERT INTO hllset_sync.acl AS a (set_id, role, pull, push, node)
	SELECT s.set_id, peer_role, may_pull, coalesce(pushes, false), for_node FROM hllset_sync.sets s LEFT JOIN pg_class c ON c.oid = s.relid
	WHERE s.set_id = put_grant.set_id OR general AND set_owner IN (0::oid, coalesce(c.relowner, s.owner::oid))
	ON CONFLICT ON CONSTRAINT acl_pkey DO UPDATE SET pull = may_pull, push = coalesce(pushes, a.held_push, a.push), node = coalesce(for_node, a.node),
		paused = NULL, held_pull = NULL, held_push = NULL;
	IF EXISTS (SELECT FROM hllset_sync.acl a WHERE a.role = peer_role AND a.push AND a.node IS NULL)
		OR EXISTS (SELECT FROM hllset_sync.acl_all a WHERE a.role = peer_role AND a.push AND a.node IS NULL) THEN
		RAISE EXCEPTION 'a role that pushes needs the node that it speaks for' USING ERRCODE = 'null_value_not_allowed',
			HINT = 'grant_peer(..., node => ''...''), with the node_id of hllset_sync.node() there.';
	END IF;
END
$$;

CREATE FUNCTION hllset_sync.take_grant(set_id integer, caller oid, peer_role regrole) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	general boolean := take_grant.set_id IS NULL;
	set_owner oid := CASE WHEN general THEN hllset_sync.owner_of_all(caller) END;
BEGIN
	DELETE FROM hllset_sync.acl_all a WHERE general AND a.role = peer_role AND set_owner IN (0::oid, a.owner::oid);
	DELETE FROM hllset_sync.acl a USING hllset_sync.sets s LEFT JOIN pg_class c ON c.oid = s.relid
	WHERE a.set_id = s.set_id AND a.role = peer_role
		AND (s.set_id = take_grant.set_id OR general AND set_owner IN (0::oid, coalesce(c.relowner, s.owner::oid)));
END
$$;

-- To a set that is new, or has a new owner, what was granted for all of them. What was granted for the set stays.
CREATE FUNCTION hllset_sync.grant_general(set_id integer, set_owner regrole) RETURNS void
	LANGUAGE sql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO hllset_sync.acl (set_id, role, pull, push, paused, held_pull, held_push, node)
	SELECT grant_general.set_id, a.role, bool_or(a.pull) AND max(a.paused) IS NULL, bool_or(a.push) AND max(a.paused) IS NULL,
		max(a.paused), CASE WHEN max(a.paused) IS NOT NULL THEN bool_or(a.pull) END, CASE WHEN max(a.paused) IS NOT NULL THEN bool_or(a.push) END,
		(array_agg(a.node ORDER BY a.owner DESC) FILTER (WHERE a.node IS NOT NULL))[1]
	FROM hllset_sync.acl_all a JOIN pg_roles r ON r.oid = a.role::oid
	WHERE a.owner::oid IN (0::oid, set_owner::oid) GROUP BY a.role
	ON CONFLICT DO NOTHING
$$;
REVOKE EXECUTE ON FUNCTION hllset_sync.owner_of_all(oid),
	hllset_sync.put_grant(integer, oid, regrole, boolean, boolean, uuid), hllset_sync.take_grant(integer, oid, regrole), hllset_sync.grant_general(integer, regrole) FROM PUBLIC;

CREATE FUNCTION hllset_sync.grant_peer(set_name text, peer_role regrole, pull boolean DEFAULT true, push boolean DEFAULT NULL, node uuid DEFAULT NULL)
	RETURNS void LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_grant_peer';
COMMENT ON FUNCTION hllset_sync.grant_peer(text, regrole, boolean, boolean, uuid) IS
	'lets a role read the set, and write the copies of the node that it speaks for; set_name NULL: all sets of the caller, or all if he owns the extension, also later ones';
CREATE FUNCTION hllset_sync.revoke_peer(set_name text, peer_role regrole) RETURNS void
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_revoke_peer';
COMMENT ON FUNCTION hllset_sync.revoke_peer(text, regrole) IS 'takes back grant_peer; set_name NULL: of all sets of the caller, or of all';

-- What a role was granted, without taking it back.
CREATE FUNCTION hllset_sync.pause_grant(set_name text, peer_role regrole, reason text DEFAULT NULL) RETURNS void
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_delegate';
COMMENT ON FUNCTION hllset_sync.pause_grant(text, regrole, text) IS
	'refuses a role what it was granted, until resume_grant(); it is told the reason; set_name NULL: in all sets of the caller';
CREATE FUNCTION hllset_sync.pause_grant_by(caller oid, wanted text, peer_role regrole, reason text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE hllset_sync.acl a SET pull = false, push = false, paused = pg_catalog.left(coalesce(reason, 'no reason was given'::text), 1000),
		held_pull = coalesce(a.held_pull, a.pull), held_push = coalesce(a.held_push, a.push)
	FROM hllset_sync.sets s LEFT JOIN pg_catalog.pg_class c ON c.oid = s.relid::oid
	WHERE s.set_id = a.set_id AND a.role = peer_role AND (wanted IS NULL OR s.set_name = wanted)
		AND pg_catalog.pg_has_role(caller, coalesce(c.relowner, s.owner::oid), 'USAGE'::text);
	PERFORM hllset_sync.expect_grant(wanted, peer_role, FOUND);
	UPDATE hllset_sync.acl_all a SET paused = pg_catalog.left(coalesce(reason, 'no reason was given'::text), 1000)
	WHERE wanted IS NULL AND a.role = peer_role AND pg_catalog.pg_has_role(caller, a.owner::oid, 'USAGE'::text);
END $$;
CREATE FUNCTION hllset_sync.resume_grant(set_name text, peer_role regrole) RETURNS void
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_delegate';
COMMENT ON FUNCTION hllset_sync.resume_grant(text, regrole) IS 'gives a role back what pause_grant() has refused it';
CREATE FUNCTION hllset_sync.resume_grant_by(caller oid, wanted text, peer_role regrole) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE hllset_sync.acl a SET pull = coalesce(a.held_pull, a.pull), push = coalesce(a.held_push, a.push), paused = NULL, held_pull = NULL, held_push = NULL
	FROM hllset_sync.sets s LEFT JOIN pg_catalog.pg_class c ON c.oid = s.relid::oid
	WHERE s.set_id = a.set_id AND a.role = peer_role AND (wanted IS NULL OR s.set_name = wanted)
		AND pg_catalog.pg_has_role(caller, coalesce(c.relowner, s.owner::oid), 'USAGE'::text);
	PERFORM hllset_sync.expect_grant(wanted, peer_role, FOUND);
	UPDATE hllset_sync.acl_all a SET paused = NULL
	WHERE wanted IS NULL AND a.role = peer_role AND pg_catalog.pg_has_role(caller, a.owner::oid, 'USAGE'::text);
END $$;
CREATE FUNCTION hllset_sync.expect_grant(wanted text, peer_role regrole, was_one boolean) RETURNS void
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT was_one THEN
		RAISE SQLSTATE 'HS002' USING MESSAGE = pg_catalog.format('role "%s" was granted no set of yours%s'::text, pg_catalog.pg_get_userbyid(peer_role::oid),
			coalesce(' that is called "'::text || wanted || '"'::text, ''::text));
	END IF;
END $$;
REVOKE EXECUTE ON FUNCTION hllset_sync.pause_grant_by(oid, text, regrole, text), hllset_sync.resume_grant_by(oid, text, regrole),
	hllset_sync.expect_grant(text, regrole, boolean) FROM PUBLIC;

-- ---- what tells that rows of a set may have come or gone without its trigger ----

-- Of one set, or of all if it is NULL. Each row of the join is another, so that no two cancel each other. Inlined, so that one set does not cost what all
-- do; its names were looked up here, once. OFFSET 0 has the catalogs read by their indexes, as the database may have many more tables than sets.
CREATE FUNCTION hllset_sync.layouts(of_set integer) RETURNS TABLE (set_id integer, layout bigint, filenodes bigint, disabled text, weak boolean)
	LANGUAGE sql STABLE BEGIN ATOMIC
	WITH RECURSIVE tree (set_id, relid, parent, detaching) AS (
		SELECT s.set_id, s.relid::oid, (SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = s.relid), false FROM hllset_sync.sets s
		WHERE s.relid IS NOT NULL AND (of_set IS NULL OR s.set_id = of_set)
		UNION ALL SELECT t.set_id, i.inhrelid, i.inhparent, i.inhdetachpending FROM tree t JOIN pg_inherits i ON i.inhparent = t.relid)
	SELECT t.set_id,
		bit_xor(hash_record_extended(ROW(c.oid, c.relkind, c.relowner, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, t.parent, t.detaching,
			g.oid, g.xmin), 0)),
		bit_xor(hash_record_extended(ROW(c.oid, c.relfilenode, t.parent, g.oid), 0)),
		min(quote_ident(g.tgname) || ' of table ' || c.oid::regclass::text) FILTER (WHERE g.tgenabled = 'D'),
		coalesce(bool_or(g.tgenabled IN ('O', 'R')), false)
	FROM tree t
		LEFT JOIN LATERAL (SELECT n.* FROM pg_class n WHERE n.oid = t.relid OFFSET 0) c ON true
		LEFT JOIN LATERAL (SELECT n.oid, n.xmin, n.tgname, n.tgenabled FROM pg_trigger n
			WHERE n.tgrelid = t.relid AND n.tgfoid = 'hllset_sync.capture()'::regprocedure OFFSET 0) g ON true
	GROUP BY t.set_id;
END;

CREATE FUNCTION hllset_sync.mend_triggers(of_set integer) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	base regclass := (SELECT s.relid FROM hllset_sync.sets s WHERE s.set_id = of_set);
	statement text;
BEGIN
	FOR statement IN SELECT format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER %I', g.tgrelid::regclass, g.tgname) FROM pg_trigger g
		WHERE g.tgfoid = 'hllset_sync.capture()'::regprocedure AND g.tgenabled IN ('O', 'R')
			AND (g.tgrelid = base OR base IN (SELECT a.relid FROM pg_partition_ancestors(g.tgrelid) a)) LOOP
		EXECUTE statement;
	END LOOP;
END
$$;
-- advance.c: sets with a table that the caller may read or push to (NULL: all).
CREATE FUNCTION hllset_sync.sets_of(caller oid) RETURNS SETOF hllset_sync.sets
	LANGUAGE sql STABLE BEGIN ATOMIC
	SELECT s.* FROM hllset_sync.sets s WHERE s.relid IS NOT NULL AND (caller IS NULL OR EXISTS (SELECT FROM hllset_sync.acl a
		WHERE a.set_id = s.set_id AND (a.pull AND pg_has_role(caller, a.role::oid, 'USAGE') OR a.push AND a.role::oid = caller)));
END;

-- Those of NAMES, or all of which there is something to do and LOOKS more, chosen at random. KNOWN: no layout has changed. DIFFERS: this one has.
CREATE FUNCTION hllset_sync.work(names text[], caller oid, looks integer, known boolean) RETURNS TABLE (set_name text, differs boolean)
	LANGUAGE sql STABLE BEGIN ATOMIC
	SELECT s.set_name, coalesce(s.layout <> l.layout OR s.filenodes <> l.filenodes, false)
	FROM hllset_sync.sets_of(caller) s
		LEFT JOIN (SELECT n.* FROM hllset_sync.layouts(NULL) n WHERE NOT known) l USING (set_id)
		LEFT JOIN (SELECT DISTINCT d.set_id FROM hllset_sync.pending d) p USING (set_id)
	WHERE (names IS NULL OR s.set_name IN (SELECT unnest(names)))
		AND (names IS NOT NULL OR p.set_id IS NOT NULL OR s.scan IS NOT NULL OR random() * (SELECT count(*) FROM hllset_sync.sets) < looks
			OR s.layout <> l.layout OR s.filenodes <> l.filenodes OR s.state = 'broken')
	ORDER BY random();
END;

-- Scans that are due (EVERY seconds, 0: never) begin, and of sets that are asked for, by whomever, those whose last one ended an hour ago.
CREATE FUNCTION hllset_sync.begin_scans(running bigint, every bigint, asked text[], caller oid) RETURNS void
	LANGUAGE sql VOLATILE BEGIN ATOMIC
	UPDATE hllset_sync.sets s SET scan = 'rows', scan_after = NULL, scan_since = now() WHERE s.set_id IN (
		SELECT d.set_id FROM hllset_sync.sets d WHERE d.scan IS NULL AND d.relid IS NOT NULL
			AND (every > 0 AND d.scanned_at < running - every OR d.set_name = ANY (asked) AND d.scanned_at <= running - 3600
				AND d.set_id IN (SELECT o.set_id FROM hllset_sync.sets_of(caller) o))
		FOR NO KEY UPDATE SKIP LOCKED);
END;

-- heads.c: what p_heads says of each set that the caller may read (NULL: all). HELD: they can't be numbered for now, so there is no use in asking
-- again at once; UNSEEN: there was no time for them.
CREATE FUNCTION hllset_sync.heads(names text[], caller oid, held integer[], unseen text[])
	RETURNS TABLE (set_name text, head bigint, nonce uuid, floor bigint, truncated_at bigint, more boolean, scanning boolean, set_id integer, hash bigint)
	LANGUAGE sql STABLE BEGIN ATOMIC
	SELECT h.set_name, h.head, h.nonce, h.floor, h.truncated_at, h.more, h.scanning, h.set_id, hash_record_extended(h, 0) FROM (
		SELECT s.set_name, s.head, s.nonce, s.floor, s.truncated_at,
			CASE WHEN s.state <> 'disabled' AND s.set_id NOT IN (SELECT unnest(held)) THEN s.set_name IN (SELECT unnest(unseen)) OR p.set_id IS NOT NULL OR s.scan IS NOT NULL END AS more,
			s.scan IS NOT NULL AS scanning, s.set_id
		FROM hllset_sync.sets s LEFT JOIN (SELECT DISTINCT d.set_id FROM hllset_sync.pending d WHERE d.kind <> 'c') p USING (set_id)
		WHERE s.relid IS NOT NULL AND s.state <> 'broken' AND (names IS NULL OR s.set_name IN (SELECT unnest(names)))
			AND (caller IS NULL OR EXISTS (SELECT FROM hllset_sync.acl a WHERE a.set_id = s.set_id AND a.pull AND pg_has_role(caller, a.role::oid, 'USAGE')))
	) h ORDER BY h.set_id;
END;

-- feed.c: the nonce that goes with numbers below the floor. By it a reader that reads old rows now, whom no tombstone concerns that was pruned before, is
-- told from one that read them then.
CREATE FUNCTION hllset_sync.nonce_below(nonce uuid, floor bigint) RETURNS uuid
	LANGUAGE sql IMMUTABLE BEGIN ATOMIC
	SELECT encode(substr(sha256(uuid_send(nonce) || int8send(floor)), 1, 16), 'hex')::uuid;
END;

-- The floor of a set, and whether the number AT was given with that nonce: here, old (before what is remembered of deletions) or undone.
CREATE FUNCTION hllset_sync.place(of_set integer, at bigint, with_nonce uuid) RETURNS TABLE (floor bigint, place text)
	LANGUAGE sql STABLE BEGIN ATOMIC
	SELECT s.floor, CASE
		WHEN at = 0 OR CASE WHEN at >= s.floor THEN h.nonce ELSE hllset_sync.nonce_below(h.nonce, s.floor) END = with_nonce THEN 'here'
		WHEN h.nonce = with_nonce OR EXISTS (SELECT FROM hllset_sync.history f, LATERAL (VALUES (f.seq_from), (f.seq_to)) v (floor)
			WHERE f.set_id = of_set AND v.floor > at AND hllset_sync.nonce_below(h.nonce, v.floor) = with_nonce) THEN 'old'
		ELSE 'undone' END
	FROM hllset_sync.sets s LEFT JOIN LATERAL (SELECT i.nonce FROM hllset_sync.history i
		WHERE i.set_id = of_set AND i.seq_from <= at AND i.seq_to >= at ORDER BY i.seq_from DESC LIMIT 1) h ON true
	WHERE s.set_id = of_set;
END;

CREATE FUNCTION hllset_sync.nonces(of_set integer, seqs bigint[], floor bigint) RETURNS SETOF uuid
	LANGUAGE sql STABLE BEGIN ATOMIC
	SELECT (SELECT CASE WHEN s.seq < floor THEN hllset_sync.nonce_below(h.nonce, floor) ELSE h.nonce END FROM hllset_sync.history h
		WHERE h.set_id = of_set AND h.seq_from <= s.seq ORDER BY h.seq_from DESC LIMIT 1)
	FROM unnest(seqs) WITH ORDINALITY s (seq, n) ORDER BY s.n;
END;

-- sequencer.c: numbers after OLD_HEAD were given. The newest nonce goes on for a while (seconds): what is lost in that time takes the server's life, or its
-- timeline, along.
CREATE FUNCTION hllset_sync.note_head(of_set integer, old_head bigint, new_head bigint, truncated bigint, in_life uuid, running bigint, nonce_age bigint)
	RETURNS void LANGUAGE sql VOLATILE BEGIN ATOMIC
	WITH u AS (UPDATE hllset_sync.history h SET seq_to = new_head WHERE h.set_id = of_set AND h.seq_to = old_head
			AND h.seq_from = (SELECT max(i.seq_from) FROM hllset_sync.history i WHERE i.set_id = of_set)
			AND h.life = in_life AND h.ran > running - nonce_age RETURNING h.nonce),
		i AS (INSERT INTO hllset_sync.history AS h (set_id, seq_from, seq_to, nonce, life, ran)
			SELECT of_set, old_head + 1, new_head, gen_random_uuid(), in_life, running WHERE NOT EXISTS (SELECT FROM u) RETURNING h.nonce)
	UPDATE hllset_sync.sets s SET head = new_head, truncated_at = truncated, nonce = (SELECT u.nonce FROM u UNION ALL SELECT i.nonce FROM i) WHERE s.set_id = of_set;
END;

-- reader.c: what a node has flushed of sets; one that reads, which has a role, is known as a reader of those that it may read for this node.
CREATE FUNCTION hllset_sync.note_confirmed(ids integer[], seqs bigint[], nonces uuid[], by_node uuid, number bigint, session bigint, reader oid, name text)
	RETURNS SETOF integer LANGUAGE sql VOLATILE BEGIN ATOMIC
	WITH u AS (SELECT n.set_id, n.seq, CASE WHEN n.seq > 0 THEN n.nonce END AS nonce FROM unnest(ids, seqs, nonces) n (set_id, seq, nonce)),
		t AS (SELECT u.set_id, u.seq, u.nonce FROM u JOIN hllset_sync.sets s USING (set_id) WHERE reader IS NULL
			UNION ALL SELECT u.set_id, u.seq, u.nonce FROM u JOIN hllset_sync.acl a USING (set_id)
			WHERE reader IS NOT NULL AND a.node = by_node AND a.role::oid = reader AND a.pull
			-- That it has nothing any more a reader may say also of a set that it may not read for now.
			UNION SELECT u.set_id, u.seq, u.nonce FROM u JOIN hllset_sync.readers k USING (set_id)
			WHERE reader IS NOT NULL AND k.node_id = by_node AND k.role::oid = reader AND u.seq = 0),
		r AS (INSERT INTO hllset_sync.readers AS r (set_id, node_id, role, node_name)
			SELECT t.set_id, by_node, reader::regrole, name FROM t WHERE reader IS NOT NULL
			ON CONFLICT (set_id, node_id) DO UPDATE SET role = excluded.role, node_name = excluded.node_name
			WHERE (r.role, r.node_name) IS DISTINCT FROM (excluded.role, excluded.node_name)),
		c AS (INSERT INTO hllset_sync.confirmed AS c (set_id, node_id, seq, nonce, said) SELECT t.set_id, by_node, t.seq, t.nonce, number FROM t
			ON CONFLICT (set_id, node_id) DO UPDATE SET seq = excluded.seq, nonce = excluded.nonce, said = excluded.said
			WHERE (c.seq, c.nonce) IS DISTINCT FROM (excluded.seq, excluded.nonce) OR c.said NOT BETWEEN session AND number)
	SELECT t.set_id FROM t;
END;

-- upkeep.c: the floor is the newest number that was followed by others before KEEP seconds: a peer that had all that there was until then needs no
-- tombstone from before. It is raised where they are deleted, so that who has missed one is told. Ranges that are ten times as old become one with the
-- oldest that is kept: until then an old token is known for one.
CREATE FUNCTION hllset_sync.raise_floor(of_set integer, running bigint, keep bigint) RETURNS bigint
	LANGUAGE sql VOLATILE BEGIN ATOMIC
	UPDATE hllset_sync.sets s SET floor = h.seq_to FROM (SELECT max(i.seq_to) AS seq_to FROM hllset_sync.history i WHERE i.set_id = of_set
		AND i.seq_to < (SELECT max(j.seq_from) FROM hllset_sync.history j WHERE j.set_id = of_set AND j.ran < running - keep)) h
	WHERE s.set_id = of_set AND h.seq_to > s.floor;
	DELETE FROM hllset_sync.history h WHERE h.set_id = of_set
		AND h.seq_to < (SELECT max(i.seq_from) FROM hllset_sync.history i WHERE i.set_id = of_set AND keep > 0 AND i.ran < running - 10 * keep);
	UPDATE hllset_sync.history h SET seq_from = 1 WHERE h.set_id = of_set AND h.seq_from > 1
		AND h.seq_from = (SELECT min(i.seq_from) FROM hllset_sync.history i WHERE i.set_id = of_set);
	SELECT s.floor FROM hllset_sync.sets s WHERE s.set_id = of_set;
END;
REVOKE EXECUTE ON FUNCTION hllset_sync.layouts(integer), hllset_sync.mend_triggers(integer), hllset_sync.sets_of(oid), hllset_sync.work(text[], oid, integer, boolean),
	hllset_sync.begin_scans(bigint, bigint, text[], oid),
	hllset_sync.heads(text[], oid, integer[], text[]), hllset_sync.nonce_below(uuid, bigint), hllset_sync.place(integer, bigint, uuid),
	hllset_sync.nonces(integer, bigint[], bigint), hllset_sync.note_head(integer, bigint, bigint, bigint, uuid, bigint, bigint),
	hllset_sync.raise_floor(integer, bigint, bigint), hllset_sync.note_confirmed(integer[], bigint[], uuid[], uuid, bigint, bigint, oid, text) FROM PUBLIC;

-- ---- register ----

-- A name that was unregistered is taken up again by its owner.
CREATE FUNCTION hllset_sync.check_name(of_set text, base regclass, owner oid, caller oid) RETURNS void
	LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	other hllset_sync.sets;
BEGIN
	SELECT s.* INTO other FROM hllset_sync.sets s
	WHERE s.relid = base OR s.set_name = of_set AND (s.relid IS NOT NULL OR s.owner::oid <> check_name.owner) ORDER BY s.relid = base DESC NULLS LAST LIMIT 1;
	IF NOT FOUND THEN
		RETURN;
	ELSIF other.relid = base THEN
		RAISE EXCEPTION 'table "%" is registered already, as set "%"', (SELECT c.relname FROM pg_class c WHERE c.oid = base), other.set_name
			USING ERRCODE = 'duplicate_object';
	ELSIF other.relid IS NOT NULL THEN
		RAISE EXCEPTION 'there is a set named "%" already', of_set USING ERRCODE = 'duplicate_object', HINT = format('If it is another one, name this one '
			'otherwise, at all its nodes alike: set_name => ''...''. If its table was dropped or is to be replaced: SELECT hllset_sync.unregister(%L).', of_set);
	ELSIF NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = caller) THEN
		RAISE EXCEPTION 'the name of set "%" belongs to role %', of_set, other.owner USING ERRCODE = 'insufficient_privilege',
			DETAIL = 'It was unregistered, but its peers know it still.', HINT = format('Name this one otherwise, or have its owner, or a superuser, '
			'register it or SELECT hllset_sync.forget_set(%L).', of_set);
	END IF;
END
$$;

-- What register() takes where it is told nothing: the primary key, and all columns of type hllset.
CREATE FUNCTION hllset_sync.choose_columns(base regclass, keys name[], sketches name[], hllset regtype, OUT key_cols name[], OUT sketch_cols name[])
	LANGUAGE sql STABLE BEGIN ATOMIC
	SELECT coalesce(keys, (SELECT array_agg(a.attname ORDER BY k.n) FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k (number, n), pg_attribute a
			WHERE i.indrelid = base AND i.indisprimary AND i.indisvalid AND i.indimmediate AND k.n <= i.indnkeyatts
				AND a.attrelid = base AND a.attnum = k.number)),
		coalesce(sketches, (SELECT array_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
			WHERE a.attrelid = base AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = hllset), '{}');
END;

-- A set of a name that was used before goes on with its numbers. What its readers have is from before the floor, so they compare it with what there is.
-- The running time is the one that was last noted: hllset_sync.running() may write it, and this transaction may stay open.
CREATE FUNCTION hllset_sync.put_set(named text, base regclass, its_owner regrole, keys name[], sketches name[], described text, in_life uuid, with_views boolean)
	RETURNS integer LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	id integer;
BEGIN
	WITH s AS (UPDATE hllset_sync.sets SET relid = base, owner = its_owner, key_cols = keys, sketch_cols = sketches, has_views = with_views,
			signature = convert_to(described, 'UTF8'), description = described, head = head + 1, floor = head + 1, nonce = gen_random_uuid(),
			state = 'ok', state_since = now(), state_reason = NULL, layout = 0, filenodes = 0, scan = 'rows', scan_after = NULL, scan_since = now()
			WHERE set_name = named AND relid IS NULL RETURNING set_id, head, nonce),
		h AS (INSERT INTO hllset_sync.history (set_id, seq_from, seq_to, nonce, life, ran)
			SELECT s.set_id, s.head, s.head, s.nonce, in_life, n.running FROM s, hllset_sync.node n)
	SELECT s.set_id INTO id FROM s;
	IF NOT FOUND THEN
		INSERT INTO hllset_sync.sets (set_id, set_name, relid, owner, key_cols, sketch_cols, has_views, signature, description, scanned_at)
		SELECT nextval('hllset_sync.set_ids'), named, base, its_owner, keys, sketches, with_views, convert_to(described, 'UTF8'), described, n.running
		FROM hllset_sync.node n RETURNING set_id INTO id;
		PERFORM hllset_sync.grant_general(id, its_owner);
	END IF;
	RETURN id;
END
$$;

-- The tables of a set and the triggers of its own. The schema of the type hllset is locked. They inherit from an empty table
-- of the extension, so that DROP EXTENSION ... CASCADE takes them along, even after a restore.
CREATE FUNCTION hllset_sync.make_parts(of_set integer) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	s hllset_sync.sets;
	defined text;
	keys text;
	sketches text;
	arguments text;
	kind text;
BEGIN
	SELECT t.* INTO STRICT s FROM hllset_sync.sets t WHERE t.set_id = of_set;
	-- The types and collations are those of the table, so that its indexes and these agree.
	SELECT string_agg(format('k%s %s%s', k.n, format_type(a.atttypid, NULL),
			CASE WHEN a.attcollation <> 0 THEN ' COLLATE ' || a.attcollation::regcollation::text END), ', ' ORDER BY k.n),
		string_agg('k' || k.n, ', ' ORDER BY k.n) INTO defined, keys
	FROM unnest(s.key_cols) WITH ORDINALITY k (name, n) JOIN pg_attribute a ON a.attrelid = s.relid AND a.attname = k.name;
	SELECT string_agg(format('s%s %s', k.n, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY k.n) INTO sketches
	FROM unnest(s.sketch_cols) WITH ORDINALITY k (name, n) JOIN pg_attribute a ON a.attrelid = s.relid AND a.attname = k.name;
	SELECT string_agg(quote_literal(a.value), ', ' ORDER BY a.n) INTO arguments
	FROM unnest(ARRAY[of_set::text, cardinality(s.key_cols)::text] || s.key_cols::text[] || s.sketch_cols::text[]) WITH ORDINALITY a (value, n);
	EXECUTE format('CREATE TABLE hllset_sync.dirty_%s (%s) INHERITS (hllset_sync.part) USING heap '
		'WITH (autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0)', of_set, defined);
	EXECUTE format('CREATE TABLE hllset_sync.rows_%s (%s, seq bigint NOT NULL, digest uuid, refused boolean NOT NULL, PRIMARY KEY (%s), UNIQUE (seq)) '
		'INHERITS (hllset_sync.part) WITH (fillfactor = 70)', of_set, defined, keys);
	EXECUTE format('CREATE INDEX ON hllset_sync.rows_%s (seq) WHERE refused', of_set);
	EXECUTE format('CREATE INDEX ON hllset_sync.rows_%s (seq) WHERE digest IS NULL AND NOT refused', of_set);
	EXECUTE format('CREATE TABLE hllset_sync.copy_%s (%s, origin_id smallint NOT NULL, %s, seq bigint NOT NULL, digest uuid NOT NULL, '
		'PRIMARY KEY (%s, origin_id)) INHERITS (hllset_sync.part)', of_set, defined, sketches, keys);
	EXECUTE format('CREATE INDEX ON hllset_sync.copy_%s (origin_id) WHERE seq = 0', of_set);
	FOREACH kind IN ARRAY '{dirty,rows,copy}'::text[] LOOP
		EXECUTE format('ALTER TABLE hllset_sync.%s_%s OWNER TO %s', kind, of_set, s.owner);
	END LOOP;
	EXECUTE format('CREATE TRIGGER hllset_sync_capture AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION hllset_sync.capture(%s)',
		s.relid, arguments);
	EXECUTE format('CREATE TRIGGER hllset_sync_capture_truncate AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION hllset_sync.capture(%s)',
		s.relid, arguments);
	EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER hllset_sync_capture, ENABLE ALWAYS TRIGGER hllset_sync_capture_truncate', s.relid);
END
$$;

-- What register() made. The views go first, without CASCADE: views that users made of them stop it.
CREATE FUNCTION hllset_sync.drop_parts(of_set integer) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	statement text;
BEGIN
	FOR statement IN
		SELECT format('DROP TRIGGER IF EXISTS %I ON %s', t.name, c.oid::regclass)
		FROM hllset_sync.sets s JOIN pg_class c ON c.oid = s.relid, unnest('{hllset_sync_capture,hllset_sync_capture_truncate}'::name[]) t (name)
		WHERE s.set_id = of_set
		UNION ALL SELECT DISTINCT format('DROP VIEW %s', r.ev_class::regclass) FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
		WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass('hllset_sync.copy_' || of_set)
		UNION ALL SELECT format('DROP TABLE IF EXISTS hllset_sync.%s_%s', k.kind, of_set) FROM unnest('{copy,rows,dirty}'::text[]) k (kind)
	LOOP
		EXECUTE statement;
	END LOOP;
	DELETE FROM hllset_sync.pending p WHERE p.set_id = of_set;
	DELETE FROM hllset_sync.cursors c WHERE c.set_id = of_set;
	UPDATE hllset_sync.sets s SET relid = NULL, state = 'retired', state_since = now(), state_reason = 'it was unregistered', scan = NULL, scan_after = NULL
	WHERE s.set_id = of_set;
END
$$;
-- The tables of a set are the new owner's of its table, all of them, unless the last one has left something in one that runs code: then that is named. What register()
-- makes has no trigger, rule, policy, default, check, domain, statistics or child; an index can't be added.
CREATE FUNCTION hllset_sync.give_parts(of_set integer, new_owner regrole) RETURNS text
	LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	parts regclass[] := ARRAY(SELECT c.oid::regclass FROM unnest('{dirty,rows,copy}'::text[]) WITH ORDINALITY k (kind, n)
		JOIN pg_class c ON c.oid = to_regclass(format('hllset_sync.%s_%s', k.kind, of_set)) WHERE c.relowner <> new_owner ORDER BY k.n);
	part regclass;
BEGIN
	FOREACH part IN ARRAY parts LOOP
		EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', part);
		IF EXISTS (SELECT FROM pg_class c WHERE c.oid = part AND (c.relrowsecurity OR c.relchecks > 0))
			OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = part) OR EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = part)
			OR EXISTS (SELECT FROM pg_statistic_ext e WHERE e.stxrelid = part) OR EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = part)
			OR EXISTS (SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = part AND (a.atthasdef OR t.typtype = 'd'))
		THEN
			RETURN part;
		END IF;
	END LOOP;
	FOREACH part IN ARRAY parts LOOP
		EXECUTE format('ALTER TABLE %s OWNER TO %s', part, new_owner);
	END LOOP;
	UPDATE hllset_sync.sets s SET owner = new_owner WHERE s.set_id = of_set;
	PERFORM hllset_sync.grant_general(of_set, new_owner);
	RETURN NULL;
END
$$;
-- What the views of a set are; NULL by node, if a column has the name that the node's has there. Conditions on keys reach the indexes of both tables:
-- nothing stands between but UNION ALL and GROUP BY. UNITE is the aggregate. The view's owner reads the rows, so policies that the table gets later do not
-- apply: who is subject to them sees nothing. That is looked at once, not for each row.
CREATE FUNCTION hllset_sync.define_views(of_set integer, unite text, OUT global_view text, OUT by_node_view text)
	LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('SELECT %1$s, %2$s FROM (SELECT %1$s, %3$s FROM %4$s UNION ALL SELECT %5$s, %6$s FROM hllset_sync.copy_%7$s) u WHERE %8$s GROUP BY %1$s',
			k.names, c.united, c.names, b.base, k.columns, c.columns, of_set, b.visible),
		CASE WHEN 'node' <> ALL (s.key_cols || s.sketch_cols) THEN
			format('SELECT n.node_name AS node, %s, %s FROM hllset_sync.node n, %s b WHERE %s UNION ALL SELECT o.node_name, %s, %s '
				'FROM hllset_sync.copy_%s c JOIN hllset_sync.origins o ON o.origin_id = c.origin_id WHERE %s',
				k.names, c.names, b.base, b.visible, k.columns, c.columns, of_set, b.visible) END
	FROM hllset_sync.sets s JOIN pg_class t ON t.oid = s.relid,
		LATERAL (SELECT string_agg(quote_ident(e.name), ', ' ORDER BY e.n) AS names, string_agg('k' || e.n, ', ' ORDER BY e.n) AS columns
			FROM unnest(s.key_cols) WITH ORDINALITY e (name, n)) k,
		LATERAL (SELECT string_agg(quote_ident(e.name), ', ' ORDER BY e.n) AS names, string_agg('s' || e.n, ', ' ORDER BY e.n) AS columns,
			string_agg(format('%s(%I) AS %2$I', unite, e.name), ', ' ORDER BY e.n) AS united
			FROM unnest(s.sketch_cols) WITH ORDINALITY e (name, n)) c,
		LATERAL (SELECT CASE WHEN t.relkind = 'r' THEN 'ONLY ' ELSE '' END || s.relid AS base,
			format('NOT pg_catalog.row_security_active(%L::pg_catalog.regclass)', s.relid) AS visible) b
	WHERE s.set_id = of_set
$$;

-- Gives a view of a set, which is locked, to the new owner of its table, if it is still what register() made and nothing else: his rights would be those of
-- whatever it is. One that was altered stays as it is.
CREATE FUNCTION hllset_sync.give_view(of_set integer, unite text, given regclass, new_owner regrole) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	definition text;
	same boolean;
BEGIN
	FOR definition IN SELECT unnest(ARRAY[d.global_view, d.by_node_view]) FROM hllset_sync.define_views(of_set, unite) d LOOP
		CONTINUE WHEN definition IS NULL;
		EXECUTE format('CREATE VIEW hllset_sync.view_%s AS %s', of_set, definition);
		same := pg_get_viewdef(given) = pg_get_viewdef(to_regclass('hllset_sync.view_' || of_set))
			AND (SELECT count(*) FROM pg_rewrite r WHERE r.ev_class = given) = 1 AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = given);
		EXECUTE format('DROP VIEW hllset_sync.view_%s', of_set);
		IF same THEN
			EXECUTE format('ALTER VIEW %s OWNER TO %s', given, new_owner);
			RETURN;
		END IF;
	END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION hllset_sync.check_name(text, regclass, oid, oid), hllset_sync.give_parts(integer, regrole), hllset_sync.make_parts(integer), hllset_sync.drop_parts(integer),
	hllset_sync.put_set(text, regclass, regrole, name[], name[], text, uuid, boolean), hllset_sync.define_views(integer, text),
	hllset_sync.choose_columns(regclass, name[], name[], regtype), hllset_sync.give_view(integer, text, regclass, regrole) FROM PUBLIC;

CREATE PROCEDURE hllset_sync.register(rel regclass, set_name text DEFAULT NULL, key_columns name[] DEFAULT NULL, sketch_columns name[] DEFAULT NULL,
	global_view text DEFAULT NULL, by_node_view text DEFAULT NULL)
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_register';
COMMENT ON PROCEDURE hllset_sync.register(regclass, text, name[], name[], text, text) IS 'makes a table a set that peers may get; for its owner';
CREATE FUNCTION hllset_sync.unregister(set_name text) RETURNS void
	LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_unregister';
COMMENT ON FUNCTION hllset_sync.unregister(text) IS 'drops what register() made, copies included; the table stays as it is, and the set''s history, for the case that it is registered again';
CREATE FUNCTION hllset_sync.forget_set(set_name text) RETURNS void
	LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_delegate';
COMMENT ON FUNCTION hllset_sync.forget_set(text) IS 'removes what unregister() left';
-- Readers that come back to a set of this name take its history for one that was undone.
CREATE FUNCTION hllset_sync.forget_set_by(caller oid, wanted text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	DELETE FROM hllset_sync.sets s WHERE s.set_name = wanted AND s.relid IS NULL AND pg_catalog.pg_has_role(caller, s.owner::oid, 'USAGE'::text);
	IF NOT FOUND THEN
		RAISE SQLSTATE 'HS002' USING MESSAGE = pg_catalog.format('there is no set "%s" of yours that was unregistered'::text, wanted),
			HINT = pg_catalog.format('SELECT hllset_sync.unregister(%L) first, if it is registered.'::text, wanted);
	END IF;
END $$;
REVOKE EXECUTE ON FUNCTION hllset_sync.forget_set_by(oid, text) FROM PUBLIC;
CREATE PROCEDURE hllset_sync.rescan(set_name text)
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_rescan';
COMMENT ON PROCEDURE hllset_sync.rescan(text) IS 'finds rows whose change passed the trigger by; commits often';
CREATE PROCEDURE hllset_sync.prune(INOUT tombstones bigint DEFAULT NULL)
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_prune';
COMMENT ON PROCEDURE hllset_sync.prune(bigint) IS 'drops tombstones older than hllset_sync.tombstone_keep, and says how many; commits often';

-- ---- origin ----

-- The number under which copies of a node are kept, a new one if need be. A node that comes later than another of its name is told apart by a part of its id.
CREATE FUNCTION hllset_sync.origin_number(of_node uuid, named text) RETURNS smallint
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	number smallint;
BEGIN
	SELECT o.origin_id INTO number FROM hllset_sync.origins o WHERE o.node_id = of_node;
	IF NOT FOUND THEN
		LOCK TABLE hllset_sync.origins IN SHARE ROW EXCLUSIVE MODE;
		INSERT INTO hllset_sync.origins (origin_id, node_id, node_name)
			SELECT coalesce(max(o.origin_id), 0) + 1, of_node, of_node::text FROM hllset_sync.origins o ON CONFLICT (node_id) DO NOTHING;
		SELECT o.origin_id INTO number FROM hllset_sync.origins o WHERE o.node_id = of_node;
	END IF;
	UPDATE hllset_sync.origins o SET node_name = s.shown
	FROM (SELECT CASE WHEN EXISTS (SELECT FROM hllset_sync.node n WHERE n.node_name = named)
			OR EXISTS (SELECT FROM hllset_sync.origins x WHERE x.node_name = named AND x.node_id <> of_node)
		THEN left(named, 54) || '-' || left(of_node::text, 8) ELSE named END AS shown) s
	WHERE o.node_id = of_node AND o.node_name <> s.shown;
	RETURN number;
END
$$;
REVOKE EXECUTE ON FUNCTION hllset_sync.origin_number(uuid, text) FROM PUBLIC;

CREATE PROCEDURE hllset_sync.drop_origin(node text, INOUT copies bigint DEFAULT NULL)
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_remove_origin';
COMMENT ON PROCEDURE hllset_sync.drop_origin(text, bigint) IS 'drops all copies of a node''s rows; they come back if it is still a peer';
CREATE PROCEDURE hllset_sync.absorb_origin(node text, set_name text DEFAULT NULL, INOUT changed bigint DEFAULT NULL)
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_remove_origin';
COMMENT ON PROCEDURE hllset_sync.absorb_origin(text, text, bigint) IS
	'unites the copies of a node that is gone, of one set or of all, with this node''s own rows; says how many rows changed';
REVOKE EXECUTE ON PROCEDURE hllset_sync.drop_origin(text, bigint), hllset_sync.absorb_origin(text, text, bigint) FROM PUBLIC;

-- ---- protocol: what a node asks of another, and of itself (caller.c, heads.c, feed.c, receive.c, compare.c) ----

-- Who may call them is in hllset_sync.acl; see sync_require_peer.

CREATE FUNCTION hllset_sync.p_hello(proto_min integer, proto_max integer, node_id uuid, node_name text)
	RETURNS TABLE (proto integer, node_id uuid, node_name text, identity text, ext_version text, server_version integer, encoding text)
	LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_p_hello';
CREATE FUNCTION hllset_sync.p_sets(after text DEFAULT NULL)
	RETURNS TABLE (set_name text, signature bytea, description text, may_pull boolean, may_push boolean)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_p_sets';
CREATE PROCEDURE hllset_sync.p_advance(set_names text[] DEFAULT NULL, confirmed text[] DEFAULT NULL, seqs bigint[] DEFAULT NULL, nonces uuid[] DEFAULT NULL, same uuid DEFAULT NULL,
	rescan boolean DEFAULT false)
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_p_advance';
CREATE FUNCTION hllset_sync.p_heads(set_names text[] DEFAULT NULL, known uuid DEFAULT NULL)
	RETURNS TABLE (set_name text, head bigint, nonce uuid, floor bigint, truncated_at bigint, more boolean, scanning boolean)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_p_heads';
CREATE FUNCTION hllset_sync.p_changes(set_name text, after bigint, nonce uuid, upto bigint, max_rows integer, max_bytes bigint)
	RETURNS TABLE (seq bigint, nonce uuid, key bytea, sketches bytea)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_p_changes';
CREATE FUNCTION hllset_sync.p_cursor(set_names text[], origin uuid)
	RETURNS TABLE (set_name text, seq bigint, nonce uuid)
	LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_p_cursor';
CREATE PROCEDURE hllset_sync.p_receive(set_name text, origin uuid, origin_name text, mode text, from_seq bigint, from_nonce uuid, truncated_at bigint,
	seqs bigint[], keys bytea[], sketches bytea[], to_seq bigint, to_nonce uuid, patient boolean,
	INOUT seq bigint DEFAULT NULL, INOUT nonce uuid DEFAULT NULL, INOUT more boolean DEFAULT NULL)
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_p_receive';
CREATE FUNCTION hllset_sync.p_fingerprint(set_name text, upto bigint, after bytea DEFAULT NULL)
	RETURNS TABLE (bucket integer, n bigint, fp bytea, next bytea)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_p_fingerprint';
CREATE FUNCTION hllset_sync.p_bucket(set_name text, buckets integer[], after bytea, max_rows integer, max_bytes bigint)
	RETURNS TABLE (key bytea, seq bigint, digest uuid, next bytea)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_p_bucket';
CREATE FUNCTION hllset_sync.p_digests(set_name text, keys bytea[])
	RETURNS TABLE (seq bigint, digest uuid)
	LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_p_digests';
CREATE FUNCTION hllset_sync.p_copy_fingerprint(set_name text, origin uuid, after bytea DEFAULT NULL)
	RETURNS TABLE (bucket integer, n bigint, fp bytea, next bytea)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_p_fingerprint';
CREATE FUNCTION hllset_sync.p_copy_bucket(set_name text, origin uuid, buckets integer[], after bytea, max_rows integer, max_bytes bigint)
	RETURNS TABLE (key bytea, seq bigint, digest uuid, next bytea)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_p_bucket';
CREATE FUNCTION hllset_sync.p_copy_digests(set_name text, origin uuid, keys bytea[])
	RETURNS TABLE (seq bigint, digest uuid)
	LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_p_digests';
CREATE FUNCTION hllset_sync.p_fetch(set_name text, keys bytea[], max_bytes bigint)
	RETURNS TABLE (key bytea, seq bigint, sketches bytea)
	LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_p_fetch';

COMMENT ON FUNCTION hllset_sync.p_hello(integer, integer, uuid, text) IS 'protocol: who is there';
COMMENT ON FUNCTION hllset_sync.p_sets(text) IS 'protocol: sets that the role may pull or push, a thousand at a time';
COMMENT ON PROCEDURE hllset_sync.p_advance(text[], text[], bigint[], uuid[], uuid, boolean) IS 'protocol: gives numbers to what changed, in short transactions; how far the caller has got';
COMMENT ON FUNCTION hllset_sync.p_heads(text[], uuid) IS 'protocol: newest numbers, unless the caller knows them; the last row has the hash of all';
COMMENT ON FUNCTION hllset_sync.p_changes(text, bigint, uuid, bigint, integer, bigint) IS 'protocol: changes after a number';
COMMENT ON FUNCTION hllset_sync.p_cursor(text[], uuid) IS 'protocol: how far the copies of a node are';
COMMENT ON PROCEDURE hllset_sync.p_receive(text, uuid, text, text, bigint, uuid, bigint, bigint[], bytea[], bytea[], bigint, uuid, boolean, bigint, uuid, boolean) IS 'protocol: writes copies';
COMMENT ON FUNCTION hllset_sync.p_fingerprint(text, bigint, bytea) IS 'protocol: fingerprints of own rows in 1,024 ranges of keys, page by page';
COMMENT ON FUNCTION hllset_sync.p_bucket(text, integer[], bytea, integer, bigint) IS 'protocol: own rows of some ranges, without their sketches, page by page';
COMMENT ON FUNCTION hllset_sync.p_digests(text, bytea[]) IS 'protocol: own rows by key, without their sketches';
COMMENT ON FUNCTION hllset_sync.p_copy_fingerprint(text, uuid, bytea) IS 'protocol: as p_fingerprint, of the copies of a node';
COMMENT ON FUNCTION hllset_sync.p_copy_bucket(text, uuid, integer[], bytea, integer, bigint) IS 'protocol: as p_bucket, of the copies of a node';
COMMENT ON FUNCTION hllset_sync.p_copy_digests(text, uuid, bytea[]) IS 'protocol: as p_digests, of the copies of a node';
COMMENT ON FUNCTION hllset_sync.p_fetch(text, bytea[], bigint) IS 'protocol: rows by key';
-- ---- sets: how they are ----

CREATE FUNCTION hllset_sync.count_index(set_id integer) RETURNS TABLE (dirty bigint, live bigint, tombstones bigint)
	LANGUAGE C STABLE STRICT ROWS 1 AS 'MODULE_PATHNAME', 'hllset_sync_count_index';

-- One row for each set, node and direction; one without a node if a set has none yet. A set that was neither granted to anybody nor is offered by
-- a peer is unshared, which nobody wants who registered it.
CREATE VIEW hllset_sync.set_status WITH (security_barrier) AS
SELECT s.set_name, x.node_name, x.direction,
	CASE WHEN s.state <> 'ok'::text THEN s.state WHEN lonely THEN 'unshared'::text ELSE coalesce(x.state, 'ok'::text) END AS state,
	x.cursor_seq, x.head_seq,
	CASE WHEN x.head_seq IS NOT NULL THEN greatest(x.head_seq - x.cursor_seq, 0) END AS behind,
	x.rows_done, x.rows_to_do, x.last_change_at, x.rewinds, x.orphans, x.last_verified,
	coalesce(s.state_reason, x.error, CASE WHEN lonely THEN
		'no peer offers it: is it registered there by this name, and granted (grant_peer) to the role that this node logs in as?'::text END) AS last_error
FROM hllset_sync.sets s
	LEFT JOIN pg_catalog.pg_class c ON c.oid = s.relid
	LEFT JOIN LATERAL (
		SELECT o.node_name, 'pull'::text AS direction, coalesce(l.state, CASE WHEN g.paused IS NOT NULL THEN 'paused'::text END) AS state, u.seq AS cursor_seq, l.head_seq, l.rows_done, l.rows_to_do, u.applied_at AS last_change_at,
			u.rewinds, u.orphans, u.last_verified, coalesce(l.error, g.paused) AS error
		FROM hllset_sync.cursors u JOIN hllset_sync.origins o USING (origin_id)
			LEFT JOIN hllset_sync.relations l ON l.set_name = s.set_name AND l.node_id = o.node_id AND l.direction = 'pull'::text
			LEFT JOIN LATERAL (SELECT pg_catalog.min(a.paused) AS paused FROM hllset_sync.acl a WHERE a.set_id = s.set_id AND a.node = o.node_id) g ON true
		WHERE u.set_id = s.set_id
		UNION ALL
		SELECT coalesce(p.node_name, l.server::text), l.direction, l.state, l.cursor_seq, l.head_seq, l.rows_done, l.rows_to_do, l.changed_at, NULL, NULL, NULL, l.error
		FROM hllset_sync.relations l LEFT JOIN hllset_sync.peer_state p USING (server)
		WHERE l.set_name = s.set_name AND (l.direction = 'push'::text OR NOT EXISTS (
			SELECT FROM hllset_sync.cursors u JOIN hllset_sync.origins o USING (origin_id) WHERE u.set_id = s.set_id AND o.node_id = l.node_id))
	) x ON true
	CROSS JOIN LATERAL (
		SELECT x.direction IS NULL AND EXISTS (SELECT FROM hllset_sync.peer_state WHERE last_success IS NOT NULL)
			AND NOT EXISTS (SELECT FROM hllset_sync.acl a WHERE a.set_id = s.set_id) AND (s.set_name <> 'named'::text OR EXISTS (SELECT FROM hllset_sync.named)) AS lonely
	) n
WHERE pg_catalog.pg_has_role('pg_monitor'::name, 'USAGE'::text) OR pg_catalog.pg_has_role(c.relowner, 'USAGE'::text);
COMMENT ON VIEW hllset_sync.set_status IS 'sets with each node and direction: how far they are, and what is wrong';

-- Counts exactly, so it reads the whole change index.
CREATE VIEW hllset_sync.backlog WITH (security_barrier) AS
SELECT s.set_name, i.dirty AS dirty_estimate,
	(SELECT pg_catalog.now() - pg_catalog.min(a.xact_start) FROM pg_catalog.pg_stat_activity a
		WHERE a.datname = pg_catalog.current_database() AND a.backend_xid IS NOT NULL) AS oldest_open_xact_age,
	i.live AS index_rows, i.tombstones
FROM hllset_sync.sets s LEFT JOIN pg_catalog.pg_class c ON c.oid = s.relid, hllset_sync.count_index(s.set_id) i
WHERE pg_catalog.pg_has_role('pg_monitor'::name, 'USAGE'::text) OR pg_catalog.pg_has_role(c.relowner, 'USAGE'::text);
COMMENT ON VIEW hllset_sync.backlog IS 'sets: changes not numbered yet, and the size of the change index';

-- ---- named ----

CALL hllset_sync.register('hllset_sync.named'::regclass, 'named'::text, NULL::name[], NULL::name[], 'named_global'::text, 'named_by_node'::text);
COMMENT ON TABLE hllset_sync.named IS 'single sets by name, with the views named_global and named_by_node';

-- ---- privileges ----

GRANT USAGE ON SCHEMA hllset_sync TO PUBLIC;
GRANT SELECT (node_id, node_name) ON hllset_sync.node TO PUBLIC;
GRANT SELECT (origin_id, node_id, node_name) ON hllset_sync.origins TO PUBLIC;
GRANT SELECT ON hllset_sync.set_status, hllset_sync.backlog TO PUBLIC;

-- ---- peers (option.c, privilege.c) ----

CREATE FUNCTION hllset_sync.fdw_validator(text[], oid) RETURNS void
	LANGUAGE C STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hllset_sync_fdw_validator';
CREATE FOREIGN DATA WRAPPER hllset_sync VALIDATOR hllset_sync.fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER hllset_sync IS 'servers that sets are synced with; no foreign tables';

-- NAME(...) calls NAME_by(caller, ...) with the rights of the extension's owner: there the caller is looked at, and what he asks for.

-- ERROR unless the caller may use the server, and these settings are fit for a peer; NULL is.
CREATE FUNCTION hllset_sync.check_peer(caller oid, peer name, way text DEFAULT NULL, names text[] DEFAULT NULL, pace interval DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	unknown text;
BEGIN
	IF peer IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'server must not be null';
	ELSIF NOT pg_catalog.has_server_privilege(caller, peer::text, 'USAGE'::text) THEN
		RAISE insufficient_privilege USING MESSAGE = pg_catalog.format('permission denied for foreign server %s'::text, peer);
	ELSIF NOT EXISTS (SELECT FROM pg_catalog.pg_foreign_server s JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
		WHERE s.srvname = peer AND w.fdwname = 'hllset_sync'::name)
	THEN
		RAISE wrong_object_type USING MESSAGE = pg_catalog.format('server "%s" is not of the foreign-data wrapper "hllset_sync"'::text, peer);
	ELSIF way <> ALL (ARRAY['both'::text, 'pull'::text, 'push'::text]) THEN
		RAISE invalid_parameter_value USING MESSAGE = pg_catalog.format('invalid direction "%s"'::text, way), HINT = 'Valid directions are both, pull, push.';
	ELSIF pace < '100 ms'::interval OR extract(year FROM pace) <> 0 OR extract(month FROM pace) <> 0 THEN
		RAISE invalid_parameter_value USING MESSAGE = 'every must be at least 100 ms and have no months';
	END IF;
	-- Those that are not sets here would never be synced, and nobody would know.
	SELECT coalesce(n, ''::text) INTO unknown FROM pg_catalog.unnest(names) n WHERE NOT EXISTS (SELECT FROM hllset_sync.sets s WHERE s.set_name = n);
	IF FOUND THEN
		RAISE SQLSTATE 'HS002' USING MESSAGE = pg_catalog.format('there is no set "%s"'::text, unknown), HINT = 'Register its table first.';
	END IF;
END $$;

CREATE FUNCTION hllset_sync.expect_peer(peer name, was_one boolean) RETURNS void
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT was_one THEN
		RAISE undefined_object USING MESSAGE = pg_catalog.format('server "%s" is not a peer'::text, peer),
			HINT = pg_catalog.format('SELECT hllset_sync.add_peer(%L);'::text, peer);
	END IF;
END $$;

CREATE FUNCTION hllset_sync.add_peer(server name, direction text DEFAULT 'both'::text, sets text[] DEFAULT NULL, every interval DEFAULT NULL, node uuid DEFAULT NULL) RETURNS void
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_delegate';
COMMENT ON FUNCTION hllset_sync.add_peer(name, text, text[], interval, uuid) IS 'start to sync with a server; direction is both, pull or push; sets NULL: all that both have; node NULL: what the server says that it is';
CREATE FUNCTION hllset_sync.add_peer_by(caller oid, peer name, way text, names text[], pace interval, its_node uuid) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM hllset_sync.check_peer(caller, peer, way, names, pace);
	IF names = '{}'::text[] THEN
		RAISE invalid_parameter_value USING MESSAGE = 'sets must name at least one set', HINT = 'NULL means all that both have.';
	END IF;
	INSERT INTO hllset_sync.peers (server, direction, sets, every, node_id, enabled_by)
	SELECT peer, coalesce(way, 'both'::text), names, pace, its_node, n.node_id FROM hllset_sync.node n ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RAISE duplicate_object USING MESSAGE = pg_catalog.format('server "%s" is a peer already'::text, peer);
	END IF;
END $$;

CREATE FUNCTION hllset_sync.alter_peer(server name, direction text DEFAULT NULL, sets text[] DEFAULT '{}'::text[], every interval DEFAULT NULL, node uuid DEFAULT NULL) RETURNS void
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_delegate';
COMMENT ON FUNCTION hllset_sync.alter_peer(name, text, text[], interval, uuid) IS
	'change how a peer is synced with; what is not given stays; sets NULL: all that both have';
CREATE FUNCTION hllset_sync.alter_peer_by(caller oid, peer name, way text, names text[], pace interval, its_node uuid) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM hllset_sync.check_peer(caller, peer, way, names, pace);
	UPDATE hllset_sync.peers p SET direction = coalesce(way, p.direction), sets = CASE WHEN names = '{}'::text[] THEN p.sets ELSE names END,
		every = coalesce(pace, p.every), node_id = coalesce(its_node, p.node_id) WHERE p.server = peer;
	PERFORM hllset_sync.expect_peer(peer, FOUND);
	-- What pause_set() has paused is so in a direction that is added, too.
	INSERT INTO hllset_sync.relations (server, set_name, direction, node_id, state, cursor_seq, head_seq, error, sqlstate)
	SELECT r.server, r.set_name, d, r.node_id, r.state, 0, 0, r.error, r.sqlstate
	FROM hllset_sync.relations r JOIN hllset_sync.peers p USING (server), pg_catalog.unnest(ARRAY['pull'::text, 'push'::text]) d
	WHERE r.server = peer AND r.state = 'paused'::text AND r.sqlstate = '55000'::text AND p.direction IN ('both'::text, d)
	ON CONFLICT DO NOTHING;
END $$;

CREATE FUNCTION hllset_sync.drop_peer(server name) RETURNS void
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_delegate';
COMMENT ON FUNCTION hllset_sync.drop_peer(name) IS 'stop to sync with a server; copies of its rows stay until drop_origin()';
CREATE FUNCTION hllset_sync.drop_peer_by(caller oid, peer name) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	-- Of a server that is no longer there only a superuser may.
	IF peer IS NULL OR EXISTS (SELECT FROM pg_catalog.pg_foreign_server s WHERE s.srvname = peer)
		OR NOT (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.oid = caller)
	THEN
		PERFORM hllset_sync.check_peer(caller, peer);
	END IF;
	DELETE FROM hllset_sync.peers p WHERE p.server = peer;
	PERFORM hllset_sync.expect_peer(peer, FOUND);
END $$;

CREATE FUNCTION hllset_sync.pause_peer(server name, reason text DEFAULT NULL) RETURNS void
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_delegate';
COMMENT ON FUNCTION hllset_sync.pause_peer(name, text) IS 'stop to sync with a server until resume_peer()';
CREATE FUNCTION hllset_sync.pause_peer_by(caller oid, peer name, reason text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM hllset_sync.check_peer(caller, peer);
	UPDATE hllset_sync.peers p SET paused = true, pause_reason = reason, paused_at = pg_catalog.now() WHERE p.server = peer;
	PERFORM hllset_sync.expect_peer(peer, FOUND);
END $$;

CREATE FUNCTION hllset_sync.resume_peer(server name) RETURNS void
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_delegate';
COMMENT ON FUNCTION hllset_sync.resume_peer(name) IS 'go on after a pause, also one that came by itself, and forget failures';
CREATE FUNCTION hllset_sync.resume_peer_by(caller oid, peer name) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM hllset_sync.check_peer(caller, peer);
	UPDATE hllset_sync.peers p SET paused = false, pause_reason = NULL, enabled_by = n.node_id FROM hllset_sync.node n WHERE p.server = peer;
	PERFORM hllset_sync.expect_peer(peer, FOUND);
	-- Attempts that did not end.
	UPDATE hllset_sync.cursors c SET attempts = 0 WHERE c.attempts > 0 AND c.origin_id IN
		(SELECT o.origin_id FROM hllset_sync.origins o JOIN hllset_sync.relations r USING (node_id) WHERE r.server = peer);
	UPDATE hllset_sync.relations r SET state = 'resumed'::text, error = NULL, sqlstate = NULL, changed_at = pg_catalog.now(), state_since = pg_catalog.now()
	WHERE r.server = peer AND r.state = 'paused'::text AND r.sqlstate = '57P02'::text;
	UPDATE hllset_sync.peer_state s SET failures = 0 WHERE s.server = peer;
END $$;

CREATE FUNCTION hllset_sync.pause_set(server name, set_name text, reason text DEFAULT NULL) RETURNS void
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_delegate';
COMMENT ON FUNCTION hllset_sync.pause_set(name, text, text) IS 'stop to sync one set with a server until resume_set()';
CREATE FUNCTION hllset_sync.pause_set_by(caller oid, peer name, wanted text, reason text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM hllset_sync.check_peer(caller, peer, NULL, ARRAY[wanted]);
	-- The worker writes no other state over this one.
	INSERT INTO hllset_sync.relations AS r (server, set_name, direction, node_id, state, cursor_seq, head_seq, error, sqlstate)
	SELECT p.server, wanted, d, coalesce(p.node_id, s.node_id), 'paused'::text, 0, 0, coalesce(reason, 'no reason was given'::text), '55000'::text
	FROM hllset_sync.peers p LEFT JOIN hllset_sync.peer_state s USING (server), pg_catalog.unnest(ARRAY['pull'::text, 'push'::text]) d
	WHERE p.server = peer AND p.direction IN ('both'::text, d) AND (p.sets IS NULL OR wanted = ANY (p.sets))
	ON CONFLICT ON CONSTRAINT relations_pkey DO UPDATE SET state = excluded.state, error = excluded.error, sqlstate = excluded.sqlstate,
		changed_at = pg_catalog.now(), state_since = CASE WHEN r.state = excluded.state THEN r.state_since ELSE pg_catalog.now() END;
	PERFORM hllset_sync.expect_relation(peer, wanted, FOUND);
END $$;
-- Has the worker read anew how it goes with the sets.
CREATE FUNCTION hllset_sync.expect_relation(peer name, wanted text, was_one boolean) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE hllset_sync.peers p SET server = p.server WHERE p.server = peer;
	PERFORM hllset_sync.expect_peer(peer, FOUND);
	IF NOT was_one THEN
		RAISE SQLSTATE 'HS002' USING MESSAGE = pg_catalog.format('set "%s" is not synced with peer "%s", or not in a state for this'::text, wanted, peer),
			HINT = 'SELECT * FROM hllset_sync.set_status shows how it is.';
	END IF;
END $$;

CREATE FUNCTION hllset_sync.resume_set(server name, set_name text) RETURNS void
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_delegate';
COMMENT ON FUNCTION hllset_sync.resume_set(name, text) IS 'sync one set with a server again after a pause, also one that came by itself';
CREATE FUNCTION hllset_sync.resume_set_by(caller oid, peer name, wanted text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	was_one boolean;
BEGIN
	PERFORM hllset_sync.check_peer(caller, peer, NULL, ARRAY[wanted]);
	UPDATE hllset_sync.cursors c SET attempts = 0 FROM hllset_sync.sets s, hllset_sync.origins o, hllset_sync.relations r
	WHERE c.attempts > 0 AND s.set_id = c.set_id AND o.origin_id = c.origin_id AND s.set_name = wanted
		AND r.server = peer AND r.set_name = wanted AND r.node_id = o.node_id;
	-- What was ever synced stays known: it is waited for before the next round, and is withdrawn if the peer offers it no more. Others no worker has written.
	DELETE FROM hllset_sync.relations r WHERE r.server = peer AND r.set_name = wanted AND r.state = 'paused'::text AND r.rows_done IS NULL;
	was_one := FOUND;
	UPDATE hllset_sync.relations r SET state = 'resumed'::text, error = NULL, sqlstate = NULL, changed_at = pg_catalog.now(), state_since = pg_catalog.now()
	WHERE r.server = peer AND r.set_name = wanted AND r.state = 'paused'::text;
	PERFORM hllset_sync.expect_relation(peer, wanted, was_one OR FOUND);
END $$;

CREATE FUNCTION hllset_sync.resync_set(server name, set_name text) RETURNS void
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_delegate';
COMMENT ON FUNCTION hllset_sync.resync_set(name, text) IS
	'has the worker compare all copies of one set with the rows at their owner, in each direction that is synced, and repair them, without waiting for it';
CREATE FUNCTION hllset_sync.resync_set_by(caller oid, peer name, wanted text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM hllset_sync.check_peer(caller, peer, NULL, ARRAY[wanted]);
	UPDATE hllset_sync.relations r SET resyncs = r.resyncs + 1
	WHERE r.server = peer AND r.set_name = wanted AND r.state IN ('ok'::text, 'behind'::text, 'scanning'::text, 'error'::text, 'resumed'::text);
	PERFORM hllset_sync.expect_relation(peer, wanted, FOUND);
END $$;

REVOKE EXECUTE ON FUNCTION hllset_sync.pause_set(name, text, text), hllset_sync.resume_set(name, text), hllset_sync.resync_set(name, text),
	hllset_sync.pause_set_by(oid, name, text, text), hllset_sync.resume_set_by(oid, name, text), hllset_sync.resync_set_by(oid, name, text),
	hllset_sync.expect_relation(name, text, boolean) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION hllset_sync.add_peer(name, text, text[], interval, uuid), hllset_sync.alter_peer(name, text, text[], interval, uuid),
	hllset_sync.drop_peer(name), hllset_sync.pause_peer(name, text), hllset_sync.resume_peer(name), hllset_sync.check_peer(oid, name, text, text[], interval),
	hllset_sync.add_peer_by(oid, name, text, text[], interval, uuid), hllset_sync.alter_peer_by(oid, name, text, text[], interval, uuid),
	hllset_sync.expect_peer(name, boolean), hllset_sync.drop_peer_by(oid, name), hllset_sync.pause_peer_by(oid, name, text), hllset_sync.resume_peer_by(oid, name)
	FROM PUBLIC;

-- Peers as the scheduler and their workers see them: what hinders, whether it is paused, what changes with the settings, for which a worker is started
-- anew, and ms between rounds (0: as hllset_sync.every says).
CREATE FUNCTION hllset_sync.peers_of(worker oid) RETURNS TABLE (server name, hindrance text, is_paused boolean, version bigint, every_ms integer)
	LANGUAGE sql STABLE BEGIN ATOMIC
	SELECT p.server, CASE WHEN f.oid IS NULL THEN format('server %I does not exist: SELECT hllset_sync.drop_peer(%L)', p.server, p.server) END,
		p.paused OR p.enabled_by IS DISTINCT FROM n.node_id,
		hashtextextended(concat_ws('/', p.direction, p.sets::text, p.every::text, f.oid::text, f.xmin::text, m.xmin::text), 0),
		CASE WHEN p.every IS NULL THEN 0 ELSE least(extract(epoch FROM p.every) * 1000, 2147483647)::integer END
	FROM hllset_sync.peers p LEFT JOIN hllset_sync.node n ON true
		LEFT JOIN pg_foreign_server f ON f.srvname = p.server
		LEFT JOIN pg_user_mapping m ON m.umserver = f.oid AND m.umuser = worker
	ORDER BY p.server;
END;
REVOKE EXECUTE ON FUNCTION hllset_sync.peers_of(oid) FROM PUBLIC;

-- Workers and their scheduler look at once at what has changed, when it is committed.
CREATE FUNCTION hllset_sync.peers_changed() RETURNS trigger
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_peers_changed';
REVOKE EXECUTE ON FUNCTION hllset_sync.peers_changed() FROM PUBLIC;
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON hllset_sync.peers FOR EACH STATEMENT EXECUTE FUNCTION hllset_sync.peers_changed();

-- ---- joining, leaving, replacing a node ----

-- What a section of a script for psql begins with: to the node by these options of a server, or, NULL, back to where the script was started; and
-- that it is the node that is meant. Values are quoted for libpq, then for psql.
CREATE FUNCTION hllset_sync.script_section(options text[], node uuid) RETURNS text
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
	address text;
BEGIN
	SELECT string_agg(format($$%s='%s'$$, o.option_name, replace(replace(o.option_value, $$\$$, $$\\$$), $$'$$, $$\'$$)), ' '
		ORDER BY o.option_name) INTO address
	FROM pg_options_to_table(options) o WHERE o.option_name IN ('host', 'hostaddr', 'port', 'dbname');
	IF address ~ '[[:cntrl:]]' THEN
		RAISE EXCEPTION 'the address of a node must not have control characters' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN CASE WHEN options IS NULL THEN E'\n\\connect :here\n'
		ELSE format(E'\n\\set there ''%s '' :admin\n\\connect :there\n', replace(replace(address, $$\$$, $$\\$$), $$'$$, $$\'$$)) END
		|| format($$SET search_path = pg_catalog, pg_temp;
BEGIN;
DO $check$
BEGIN
	IF (SELECT n.node_id FROM hllset_sync.node() n WHERE n.identity = 'ok') IS DISTINCT FROM %L::uuid THEN
		RAISE EXCEPTION 'this is another node than the one that the script was made for';
	END IF;
END
$check$;
$$, node);
END
$f$;

-- The peers of this node, of which a script tells all; an error if others speak here, whose way is not known.
CREATE FUNCTION hllset_sync.script_peers(but_not uuid) RETURNS TABLE (n bigint, label text, node_id uuid, options text[])
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
	unknown text;
BEGIN
	SELECT string_agg(DISTINCT coalesce(o.node_name, a.node::text), ', ') INTO unknown
	FROM (SELECT node FROM hllset_sync.acl UNION SELECT node FROM hllset_sync.acl_all) a LEFT JOIN hllset_sync.origins o ON o.node_id = a.node
	WHERE a.node <> but_not AND NOT EXISTS (SELECT FROM hllset_sync.peers p JOIN pg_foreign_server f ON f.srvname = p.server WHERE p.node_id = a.node);
	IF unknown IS NOT NULL THEN
		RAISE EXCEPTION 'nodes log in here that are no peers of this one, so their addresses are not known: %', unknown
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Make the script at a node that has all others as peers.';
	END IF;
	SELECT string_agg(p.server::text, ', ') INTO unknown FROM hllset_sync.peers p WHERE p.node_id IS NULL;
	IF unknown IS NOT NULL THEN
		RAISE EXCEPTION 'peers were never reached, so it is not known which nodes they are: %', unknown USING ERRCODE = 'object_not_in_prerequisite_state';
	END IF;
	RETURN QUERY SELECT row_number() OVER (ORDER BY p.server), p.server::text, p.node_id, f.srvoptions
		FROM hllset_sync.peers p JOIN pg_foreign_server f ON f.srvname = p.server WHERE p.node_id <> but_not ORDER BY p.server;
END
$f$;

CREATE FUNCTION hllset_sync.join_script(name text, node uuid, options jsonb, every interval DEFAULT NULL, mesh boolean DEFAULT true) RETURNS text
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
	address text[];
	own hllset_sync.node;
	script text;
	secrets text := '';
	roles text := '';
	sections text := '';
	one record;
BEGIN
	IF name IS NULL OR node IS NULL OR mesh IS NULL OR jsonb_typeof(options) IS DISTINCT FROM 'object'
		OR EXISTS (SELECT FROM jsonb_each_text(options) o WHERE o.value IS NULL) THEN
		RAISE EXCEPTION 'a node that joins has a name, an id and the options of a server' USING ERRCODE = 'null_value_not_allowed',
			HINT = 'join_script(''eu'', ''the node_id of hllset_sync.node() there'', ''{"host": "eu.example.org", "dbname": "app"}'')';
	END IF;
	IF octet_length(name) NOT BETWEEN 1 AND 58 OR name ~ '[[:cntrl:]]' THEN
		RAISE EXCEPTION 'the name of a server must have 1 to 58 bytes and no control characters' USING ERRCODE = 'invalid_name';
	END IF;
	SELECT array_agg(o.key || '=' || o.value ORDER BY o.key) INTO address FROM jsonb_each_text(options) o;
	PERFORM hllset_sync.fdw_validator(coalesce(address, '{}'), 'pg_foreign_server'::regclass);
	SELECT * INTO STRICT own FROM hllset_sync.node;
	IF node = own.node_id OR EXISTS (SELECT FROM hllset_sync.peers p WHERE p.node_id = join_script.node OR p.server = join_script.name) THEN
		RAISE EXCEPTION 'node "%" is this one, or a peer of it already', name USING ERRCODE = 'duplicate_object';
	END IF;
	FOR one IN
		SELECT p.n, p.label, p.node_id, p.options FROM hllset_sync.script_peers(join_script.node) p WHERE mesh
		UNION ALL SELECT 0, own.node_name, own.node_id, NULL ORDER BY 1
	LOOP
		secrets := secrets || format(E',\n\tgen_random_uuid()::text || gen_random_uuid()::text AS secret_%s', one.n);
		roles := roles || format(E'CREATE ROLE %I LOGIN PASSWORD :''secret_%s'';\nSELECT hllset_sync.grant_peer(NULL, %L, node => %L);\n',
			left(one.label, 50) || '_sync', one.n, quote_ident(left(one.label, 50) || '_sync'), one.node_id);
		sections := sections || hllset_sync.script_section(one.options, one.node_id)
			|| format($$SELECT current_setting('hllset_sync.worker_role') AS worker \gset
CREATE SERVER %1$I FOREIGN DATA WRAPPER hllset_sync OPTIONS (%2$s);
CREATE USER MAPPING FOR :"worker" SERVER %1$I OPTIONS (user %3$L, password :'secret_%4$s');
SELECT hllset_sync.add_peer(%5$L%6$s, node => %7$L);
COMMIT;
$$, name, (SELECT string_agg(format('%I %L', o.key, o.value), ', ' ORDER BY o.key) FROM jsonb_each_text(options) o),
				left(one.label, 50) || '_sync', one.n, name, ', every => ' || quote_literal(every), node);
	END LOOP;
	RETURN $$-- Joins a node: run it by psql, as superuser, connected to the node at which it was made. The variable "admin" has what psql needs beside the address
-- to reach the others, as in -v admin='user=postgres'. Passwords are made while it runs, and shown nowhere. What goes wrong ends it; leave_script undoes.
\set ON_ERROR_STOP on
\if :{?admin}
\else
\set admin ''
\endif
\set here 'host=\'' :HOST '\' port=\'' :PORT '\' dbname=\'' :DBNAME '\' user=\'' :USER '\''
SET search_path = pg_catalog, pg_temp;
SELECT $$ || substr(secrets, 4) || E'\n\\gset\n\n-- What the others log in as at the new node, each for itself.'
		|| hllset_sync.script_section(address, node) || roles || E'COMMIT;\n\n-- The way to the new node, at each of the others.' || sections || E'\n\\connect :here\n';
END
$f$;
COMMENT ON FUNCTION hllset_sync.join_script(text, uuid, jsonb, interval, boolean) IS
	'a script for psql that links a node with this one and all its peers, to be read before it is run; not mesh: with this one only';

CREATE FUNCTION hllset_sync.leave_script(node text, copies text DEFAULT 'keep', reachable boolean DEFAULT true) RETURNS text
	LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
	leaving uuid;
	own hllset_sync.node;
	address text[];
	sections text := '';
	one record;
BEGIN
	IF copies NOT IN ('keep', 'drop', 'absorb') THEN
		RAISE EXCEPTION 'invalid value for copies: "%"', copies USING ERRCODE = 'invalid_parameter_value', HINT = 'Valid values are keep, drop, absorb.';
	END IF;
	SELECT * INTO STRICT own FROM hllset_sync.node;
	BEGIN
		SELECT k.id INTO STRICT leaving FROM (
			SELECT p.node_id FROM hllset_sync.peers p WHERE p.server::text = node
			UNION SELECT o.node_id FROM hllset_sync.origins o WHERE o.node_name = node
			UNION SELECT i.id FROM (SELECT p.node_id FROM hllset_sync.peers p UNION SELECT a.node FROM hllset_sync.acl a UNION SELECT a.node FROM hllset_sync.acl_all a
				UNION SELECT o.node_id FROM hllset_sync.origins o) i (id) WHERE i.id::text = node) k (id) WHERE k.id IS NOT NULL;
	EXCEPTION WHEN no_data_found OR too_many_rows THEN
		RAISE EXCEPTION 'none or several nodes are known here as "%"', node USING ERRCODE = 'undefined_object', HINT = 'Name it by its node_id.';
	END;
	SELECT f.srvoptions INTO address FROM hllset_sync.peers p JOIN pg_foreign_server f ON f.srvname = p.server WHERE p.node_id = leaving;
	IF reachable AND address IS NULL THEN
		RAISE EXCEPTION 'node "%" is no peer of this one, so its address is not known', node USING ERRCODE = 'undefined_object',
			HINT = 'Make the script at a node that has it as a peer, or leave it out: reachable => false.';
	END IF;
	FOR one IN
		SELECT p.n, p.node_id, p.options FROM hllset_sync.script_peers(leaving) p UNION ALL SELECT 0, own.node_id, NULL ORDER BY 1
	LOOP
		sections := sections || hllset_sync.script_section(one.options, one.node_id) || replace($$DO $leave$
DECLARE
	one record;
BEGIN
	FOR one IN SELECT p.server FROM hllset_sync.peers p WHERE p.node_id = '<leaving>' LOOP
		PERFORM hllset_sync.drop_peer(one.server);
		EXECUTE pg_catalog.format('DROP SERVER IF EXISTS %I CASCADE', one.server);
	END LOOP;
	FOR one IN SELECT a.role, pg_catalog.pg_get_userbyid(a.role) AS name
		FROM (SELECT role, node FROM hllset_sync.acl UNION SELECT role, node FROM hllset_sync.acl_all) a WHERE a.node = '<leaving>' LOOP
		PERFORM hllset_sync.revoke_peer(NULL, one.role);
		EXECUTE pg_catalog.format('DROP ROLE %I', one.name);
	END LOOP;
	IF EXISTS (SELECT FROM hllset_sync.readers r JOIN hllset_sync.sets s USING (set_id) WHERE r.node_id = '<leaving>' AND s.relid IS NOT NULL) THEN
		PERFORM hllset_sync.drop_consumer('<leaving>');
	END IF;
END
$leave$;
COMMIT;
$$ || CASE WHEN copies = 'absorb' AND one.n = 0 THEN $$SELECT pg_catalog.format('CALL hllset_sync.absorb_origin(%L)', node_id) FROM hllset_sync.origins WHERE node_id = '<leaving>' \gexec
DO $wait$
BEGIN
	IF EXISTS (SELECT FROM hllset_sync.peers) AND NOT hllset_sync.wait_for_peers(timeout => '10 min') THEN
		RAISE EXCEPTION 'what was absorbed has not reached all others yet: run the rest of the script later';
	END IF;
END
$wait$;
$$ WHEN copies <> 'keep' THEN $$SELECT pg_catalog.format('CALL hllset_sync.drop_origin(%L)', node_id) FROM hllset_sync.origins WHERE node_id = '<leaving>' \gexec
$$ ELSE '' END, '<leaving>', leaving::text);
	END LOOP;
	RETURN $$-- Takes a node out: run it by psql, as superuser, connected to the node at which it was made. The variable "admin" has what psql needs beside the
-- address to reach the others, as in -v admin='user=postgres'. Roles that spoke for the node are dropped. It may be run again.
\set ON_ERROR_STOP on
\if :{?admin}
\else
\set admin ''
\endif
\set here 'host=\'' :HOST '\' port=\'' :PORT '\' dbname=\'' :DBNAME '\' user=\'' :USER '\''
$$ || CASE WHEN reachable THEN E'\n-- The node that leaves: it knows nobody, and nobody logs in there any more.' || hllset_sync.script_section(address, leaving) || $$DO $leave$
DECLARE
	one record;
BEGIN
	FOR one IN SELECT p.server FROM hllset_sync.peers p LOOP
		PERFORM hllset_sync.drop_peer(one.server);
		EXECUTE pg_catalog.format('DROP SERVER IF EXISTS %I CASCADE', one.server);
	END LOOP;
	FOR one IN SELECT DISTINCT a.role, pg_catalog.pg_get_userbyid(a.role) AS name
		FROM (SELECT role, node FROM hllset_sync.acl UNION SELECT role, node FROM hllset_sync.acl_all) a WHERE a.node IS NOT NULL LOOP
		PERFORM hllset_sync.revoke_peer(NULL, one.role);
		EXECUTE pg_catalog.format('DROP ROLE %I', one.name);
	END LOOP;
END
$leave$;
COMMIT;
$$ ELSE '' END || E'\n-- Each of the others.' || sections || E'\n\\connect :here\n';
END
$f$;
COMMENT ON FUNCTION hllset_sync.leave_script(text, text, boolean) IS
	'a script for psql that takes a node out, to be read before it is run; copies of its rows: keep, drop, absorb (here, and drop elsewhere)';

-- True if copies of the old one are left, which the new one brings itself.
CREATE FUNCTION hllset_sync.rename_origin(old_node uuid, new_node uuid) RETURNS boolean
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
	one record;
	known boolean;
BEGIN
	IF old_node IS NULL OR new_node IS NULL OR old_node = new_node OR EXISTS (SELECT FROM hllset_sync.node n WHERE n.node_id IN (old_node, new_node)) THEN
		RAISE EXCEPTION 'another node is replaced by another one' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'replace_origin(old, new), at each node but these, with the ids that the node had and has.';
	END IF;
	-- Against one who adds the new one meanwhile; a delivery that is under way is waited for below.
	LOCK TABLE hllset_sync.origins IN SHARE ROW EXCLUSIVE MODE;
	UPDATE hllset_sync.acl a SET node = new_node WHERE a.node = old_node;
	UPDATE hllset_sync.acl_all a SET node = new_node WHERE a.node = old_node;
	UPDATE hllset_sync.relations r SET node_id = new_node WHERE r.node_id = old_node;
	UPDATE hllset_sync.peer_state p SET node_id = new_node WHERE p.node_id = old_node;
	FOR one IN SELECT p.server FROM hllset_sync.peers p WHERE p.node_id = old_node LOOP
		PERFORM hllset_sync.alter_peer(one.server, node => new_node);
	END LOOP;
	-- It is waited for until it says itself how far it is.
	DELETE FROM hllset_sync.confirmed c WHERE c.node_id = old_node;
	INSERT INTO hllset_sync.readers AS r (set_id, node_id, node_name, role, first_seen)
		SELECT o.set_id, new_node, o.node_name, o.role, o.first_seen FROM hllset_sync.readers o WHERE o.node_id = old_node ON CONFLICT DO NOTHING;
	DELETE FROM hllset_sync.readers r WHERE r.node_id = old_node;
	SELECT EXISTS (SELECT FROM hllset_sync.origins o JOIN hllset_sync.cursors c USING (origin_id) WHERE o.node_id = new_node) INTO known;
	IF known THEN
		RETURN EXISTS (SELECT FROM hllset_sync.origins o WHERE o.node_id = old_node);
	END IF;
	IF EXISTS (SELECT FROM hllset_sync.origins o WHERE o.node_id = old_node) THEN
		DELETE FROM hllset_sync.origins o WHERE o.node_id = new_node;
		UPDATE hllset_sync.origins o SET node_id = new_node WHERE o.node_id = old_node;
	END IF;
	RETURN false;
END
$f$;

-- A procedure that commits has no settings of its own: so all is named here.
CREATE PROCEDURE hllset_sync.replace_origin(old_node uuid, new_node uuid, INOUT copies bigint DEFAULT NULL)
	LANGUAGE plpgsql AS $f$
BEGIN
	IF hllset_sync.rename_origin(old_node, new_node) THEN
		CALL hllset_sync.drop_origin(old_node::pg_catalog.text, copies);
	END IF;
END
$f$;
COMMENT ON PROCEDURE hllset_sync.replace_origin(uuid, uuid, bigint) IS
	'a node has another id, since it was restored from a dump: what it had here is the new one''s, the copies too, unless that has brought its own: then they are dropped, and it says how many';
REVOKE EXECUTE ON FUNCTION hllset_sync.script_section(text[], uuid), hllset_sync.script_peers(uuid), hllset_sync.join_script(text, uuid, jsonb, interval, boolean),
	hllset_sync.leave_script(text, text, boolean), hllset_sync.rename_origin(uuid, uuid) FROM PUBLIC;
REVOKE EXECUTE ON PROCEDURE hllset_sync.replace_origin(uuid, uuid, bigint) FROM PUBLIC;

-- ---- rounds without workers (procedure.c) ----

CREATE PROCEDURE hllset_sync.run_round(server name)
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_run_round';
COMMENT ON PROCEDURE hllset_sync.run_round(name) IS 'sync with a peer now, in this session, by the user mapping of the caller';

CREATE PROCEDURE hllset_sync.verify(set_name text, server name, INOUT buckets integer DEFAULT NULL, INOUT differing integer DEFAULT NULL,
						INOUT repaired bigint DEFAULT NULL, INOUT orphans bigint DEFAULT NULL)
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_verify';
COMMENT ON PROCEDURE hllset_sync.verify(text, name, integer, integer, bigint, bigint) IS
	'compare all copies of a set with the rows at their owner, in each direction that is synced, and repair them';

REVOKE EXECUTE ON PROCEDURE hllset_sync.run_round(name), hllset_sync.verify(text, name, integer, integer, bigint, bigint) FROM PUBLIC;

-- ---- running: what the workers do (await.c, status.c, reader.c) ----

CREATE FUNCTION hllset_sync.sync_now(server name DEFAULT NULL, timeout interval DEFAULT '30 s'::interval, nodes text[] DEFAULT NULL) RETURNS boolean
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_now';
COMMENT ON FUNCTION hllset_sync.sync_now(name, interval, text[]) IS
	'a whole round with the peer, or with these nodes, or with all that are not paused, began after the call and ended without error in the link and in every set';
CREATE FUNCTION hllset_sync.wait_caught_up(server name DEFAULT NULL, timeout interval DEFAULT '60 s'::interval, set_name text DEFAULT NULL, nodes text[] DEFAULT NULL) RETURNS boolean
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_wait_caught_up';
COMMENT ON FUNCTION hllset_sync.wait_caught_up(name, interval, text, text[]) IS
	'what could be seen at the peer, or at these nodes, or at all peers, when the call began is in our copies, or was replaced';
CREATE FUNCTION hllset_sync.wait_for_peers(set_name text DEFAULT NULL, timeout interval DEFAULT '60 s'::interval, nodes text[] DEFAULT NULL) RETURNS boolean
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_wait_for_peers';
COMMENT ON FUNCTION hllset_sync.wait_for_peers(text, interval, text[]) IS
	'all that was committed here before the call is flushed at these nodes, or at all that read the set or are pushed to';

-- Whom the first two of these wait for: one peer, or these nodes, or all that are pulled from, or in any direction. ERROR unless the caller may use their servers.
CREATE FUNCTION hllset_sync.awaited_servers(caller oid, peer name, wanted text, pulled boolean, names text[]) RETURNS TABLE (server text, is_paused boolean)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	may_use boolean;
	missing text;
BEGIN
	IF peer IS NOT NULL AND names IS NOT NULL THEN
		RAISE invalid_parameter_value USING MESSAGE = 'either a server or nodes are waited for, not both';
	ELSIF peer IS NOT NULL THEN
		PERFORM hllset_sync.check_peer(caller, peer);
	END IF;
	SELECT n INTO missing FROM pg_catalog.unnest(names) n WHERE NOT EXISTS (
		SELECT FROM hllset_sync.peers p LEFT JOIN hllset_sync.peer_state d USING (server)
		WHERE n IN (p.server::text, d.node_name, coalesce(p.node_id, d.node_id)::text));
	IF FOUND THEN
		RAISE undefined_object USING MESSAGE = pg_catalog.format('node "%s" is no peer'::text, missing),
			HINT = 'SELECT * FROM hllset_sync.status shows which are.';
	END IF;
	-- None that is named is left out.
	SELECT n INTO missing FROM pg_catalog.unnest(names) n WHERE NOT EXISTS (
		SELECT FROM hllset_sync.peers p LEFT JOIN hllset_sync.peer_state d USING (server)
		WHERE n IN (p.server::text, d.node_name, coalesce(p.node_id, d.node_id)::text)
			AND (NOT pulled OR p.direction <> 'push'::text) AND (p.sets IS NULL OR wanted IS NULL OR wanted = ANY (p.sets)));
	IF FOUND THEN
		RAISE undefined_object USING MESSAGE = pg_catalog.format('"%s" is no peer for this'::text, missing),
			HINT = 'See what is synced with it: hllset_sync.alter_peer.';
	END IF;
	FOR server, is_paused, may_use IN
		SELECT p.server::text, p.paused OR p.enabled_by IS DISTINCT FROM n.node_id,
			coalesce(pg_catalog.has_server_privilege(caller, f.oid, 'USAGE'::text), (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.oid = caller))
		FROM hllset_sync.peers p LEFT JOIN hllset_sync.node n ON true
			LEFT JOIN hllset_sync.peer_state d ON d.server = p.server
			LEFT JOIN pg_catalog.pg_foreign_server f ON f.srvname = p.server
		WHERE (peer IS NULL OR p.server = peer) AND (names IS NULL OR names && ARRAY[p.server::text, d.node_name, coalesce(p.node_id, d.node_id)::text])
			AND (peer IS NOT NULL OR NOT pulled OR p.direction <> 'push'::text)
			AND (p.sets IS NULL OR wanted IS NULL OR wanted = ANY (p.sets))
		ORDER BY p.server
	LOOP
		IF NOT may_use AND (NOT is_paused OR names IS NOT NULL) THEN
			RAISE insufficient_privilege USING MESSAGE = pg_catalog.format('permission denied for foreign server %s'::text, server);
		ELSIF is_paused AND (peer IS NOT NULL OR names IS NOT NULL) THEN
			RAISE object_not_in_prerequisite_state USING MESSAGE = pg_catalog.format('peer "%s" is paused'::text, server),
				HINT = 'Resume it with hllset_sync.resume_peer.';
		END IF;
		RETURN NEXT;
	END LOOP;
	IF NOT FOUND THEN
		RAISE undefined_object USING MESSAGE = coalesce('"'::text || coalesce(peer::text, pg_catalog.array_to_string(names, ', '::text)) || '" is no peer for this'::text,
			'there is no peer to wait for'::text), HINT = 'Make it peer with hllset_sync.add_peer.';
	END IF;
END $$;

-- Whom wait_for_peers waits for, as arrays of one length: readers, and peers that are pushed to, which are those with which the set was ever synced, for which
-- it is named, or which were never reached. A node may be named by its name, its id, or its server. ERROR unless the caller owns the table of each
-- set, or may use all servers that it is pushed to.
CREATE FUNCTION hllset_sync.awaited_nodes(caller oid, wanted text, names text[], OUT sets integer[], OUT nodes uuid[], OUT servers text[], OUT unreached boolean)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	missing boolean;
	denied text;
BEGIN
	IF wanted IS NOT NULL AND NOT EXISTS (SELECT FROM hllset_sync.sets s WHERE s.set_name = wanted AND s.relid IS NOT NULL) THEN
		RAISE SQLSTATE 'HS002' USING MESSAGE = pg_catalog.format('there is no set "%s"'::text, wanted);
	END IF;
	WITH a AS (
		SELECT r.set_id, r.node_id, r.node_name AS name, NULL::text AS server, false AS is_new FROM hllset_sync.readers r
		UNION ALL
		SELECT s.set_id, coalesce(p.node_id, d.node_id), d.node_name, p.server::text, p.sets IS NULL AND d.last_success IS NULL
		FROM hllset_sync.sets s CROSS JOIN hllset_sync.peers p LEFT JOIN hllset_sync.peer_state d USING (server)
		WHERE p.direction <> 'pull'::text AND (p.sets IS NULL OR s.set_name = ANY (p.sets)) AND (p.sets IS NOT NULL OR d.last_success IS NULL
			OR EXISTS (SELECT FROM hllset_sync.relations l WHERE l.server = p.server AND l.set_name = s.set_name AND l.direction = 'push'::text))
	), b AS (
		SELECT a.*, s.set_name, t.relowner, pg_catalog.has_server_privilege(caller, f.oid, 'USAGE'::text) AS may_use, s.relid IS NOT NULL AS is_here,
			ARRAY[a.name, a.node_id::text, a.server] AS labels
		FROM a JOIN hllset_sync.sets s USING (set_id)
			LEFT JOIN pg_catalog.pg_class t ON t.oid = s.relid
			LEFT JOIN pg_catalog.pg_foreign_server f ON f.srvname = a.server::name
		WHERE wanted IS NULL OR s.set_name = wanted
		ORDER BY s.set_id
	), c AS (
		SELECT b.* FROM b WHERE b.is_here AND (names IS NULL OR names && b.labels)
	)
	SELECT pg_catalog.array_agg(c.set_id), pg_catalog.array_agg(c.node_id), pg_catalog.array_remove(pg_catalog.array_agg(c.server), NULL),
		pg_catalog.bool_or(c.is_new),
		EXISTS (SELECT FROM pg_catalog.unnest(names) n WHERE NOT EXISTS (SELECT FROM b WHERE n = ANY (b.labels))),
		(SELECT e.set_name FROM c e GROUP BY e.set_id, e.set_name, e.relowner
			HAVING NOT (coalesce(pg_catalog.pg_has_role(caller, e.relowner, 'USAGE'::text), false)
				OR pg_catalog.count(e.server) > 0 AND pg_catalog.bool_and(e.server IS NULL OR coalesce(e.may_use, false)))
			ORDER BY e.set_id LIMIT 1)
	INTO sets, nodes, servers, unreached, missing, denied FROM c;
	IF missing OR sets IS NULL AND names IS NOT NULL THEN
		RAISE undefined_object USING MESSAGE = pg_catalog.format('not all of these nodes read %s or are pushed to'::text,
				coalesce('set "'::text || wanted || '"'::text, 'a set'::text)),
			HINT = 'SELECT * FROM hllset_sync.consumers and hllset_sync.set_status show who does.';
	ELSIF sets IS NULL THEN
		RAISE object_not_in_prerequisite_state USING MESSAGE = pg_catalog.format('no node is known that reads %s or is pushed to'::text,
				coalesce('set "'::text || wanted || '"'::text, 'a set'::text)),
			HINT = 'A reader is known once it was granted with the node that it speaks for (grant_peer) and has read.';
	ELSIF denied IS NOT NULL THEN
		RAISE insufficient_privilege USING MESSAGE = pg_catalog.format('permission denied for set "%s"'::text, denied),
			HINT = 'The owner of its table may wait for it, and who may use each server that it is pushed to.';
	END IF;
END $$;

-- What the waits look for. These return sets of one row, so that they are inlined, and the planner knows how long the arrays are.

-- Whether the copies from these peers, of one set or of all, have reached the heads; NULL: not yet. NAMED: each of the peers must have the set.
CREATE FUNCTION hllset_sync.are_caught_up(servers text[], wanted text, named boolean) RETURNS SETOF boolean
	LANGUAGE sql STABLE BEGIN ATOMIC
	SELECT CASE WHEN bool_or(r.state NOT IN ('ok', 'behind', 'scanning', 'error', 'resumed')) THEN false
		WHEN coalesce(bool_and(r.state = 'ok') AND (NOT named OR wanted IS NULL OR count(DISTINCT r.server) >= cardinality(servers)), wanted IS NULL) THEN true END
	FROM hllset_sync.relations r WHERE r.server::text = ANY (servers) AND r.direction = 'pull' AND (wanted IS NULL OR r.set_name = wanted);
END;

-- The heads of sets all of which has numbers that was pending in these rows, beside those that are known; and whether all are known now.
CREATE FUNCTION hllset_sync.numbered_heads(sets integer[], known bigint[], places tid[], xmins xid[]) RETURNS TABLE (heads bigint[], are_all boolean)
	LANGUAGE sql STABLE BEGIN ATOMIC
	SELECT array_agg(coalesce(a.head, s.head) ORDER BY a.place), bool_and(coalesce(a.head, s.head) IS NOT NULL)
	FROM unnest(sets, known) WITH ORDINALITY a (set_id, head, place)
		LEFT JOIN hllset_sync.sets s ON s.set_id = a.set_id AND s.state IN ('ok', 'error') AND s.scan IS NULL
			AND NOT EXISTS (SELECT FROM hllset_sync.pending p WHERE p.set_id = s.set_id AND p.kind = 'r')
			AND NOT EXISTS (SELECT FROM unnest(places, xmins) o (place, xmin) JOIN hllset_sync.pending p ON p.ctid = o.place
				AND p.xmin = o.xmin AND p.set_id = s.set_id);
END;

-- Whether each node has flushed its set up to the head: what it said since its session began, up to number LAST, counts, and only on the history that this
-- server has now.
CREATE FUNCTION hllset_sync.are_confirmed(sets integer[], nodes uuid[], heads bigint[], sessions bigint[], last bigint) RETURNS SETOF boolean
	LANGUAGE sql STABLE BEGIN ATOMIC
	SELECT NOT EXISTS (SELECT FROM unnest(sets, nodes, heads, sessions) a (set_id, node_id, head, session) WHERE NOT EXISTS (
		SELECT FROM hllset_sync.confirmed c WHERE c.set_id = a.set_id AND c.node_id = a.node_id AND c.seq >= a.head AND c.said BETWEEN a.session AND last
			AND (c.seq = 0 OR EXISTS (SELECT FROM hllset_sync.history h
				WHERE h.set_id = c.set_id AND c.seq BETWEEN h.seq_from AND h.seq_to AND h.nonce = c.nonce))));
END;
REVOKE EXECUTE ON FUNCTION hllset_sync.awaited_servers(oid, name, text, boolean, text[]), hllset_sync.awaited_nodes(oid, text, text[]),
	hllset_sync.are_caught_up(text[], text, boolean), hllset_sync.numbered_heads(integer[], bigint[], tid[], xid[]),
	hllset_sync.are_confirmed(integer[], uuid[], bigint[], bigint[], bigint) FROM PUBLIC;

CREATE FUNCTION hllset_sync.database_status(OUT state text, OUT reason text)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_database_status';

-- How it goes with a peer: what its worker knows. The counts are those since it was last saved.
CREATE TYPE hllset_sync.peer_status AS (
	server text, state text, pid integer, connected_since timestamptz, last_attempt timestamptz, last_success timestamptz,
	staleness interval, next_attempt timestamptz, failures integer, last_error text, last_sqlstate text,
	last_error_at timestamptz, rounds bigint, last_round_ms double precision, rows_in bigint, bytes_in bigint,
	rows_out bigint, bytes_out bigint, protocol integer, peer_version integer, node_id uuid, node_name text);

CREATE FUNCTION hllset_sync.worker_status() RETURNS SETOF hllset_sync.peer_status
	LANGUAGE C VOLATILE ROWS 10 AS 'MODULE_PATHNAME', 'hllset_sync_worker_status';

-- Columns that are NULL there keep what they have here.
CREATE FUNCTION hllset_sync.save_status(w hllset_sync.peer_status) RETURNS void
	LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO hllset_sync.peer_state AS s (server, node_id, node_name, protocol, peer_version, last_attempt, last_success, caught_up_at, failures,
		last_error, last_sqlstate, last_error_at, rounds, last_round_ms, rows_in, bytes_in, rows_out, bytes_out)
	SELECT p.server, w.node_id, w.node_name, w.protocol, w.peer_version, w.last_attempt, w.last_success,
		pg_catalog.clock_timestamp() - w.staleness, w.failures, w.last_error, w.last_sqlstate, w.last_error_at, w.rounds, w.last_round_ms,
		w.rows_in, w.bytes_in, w.rows_out, w.bytes_out
	FROM hllset_sync.peers p WHERE p.server = w.server::name
	ON CONFLICT (server) DO UPDATE SET
		node_id = coalesce(excluded.node_id, s.node_id), node_name = coalesce(excluded.node_name, s.node_name),
		protocol = coalesce(excluded.protocol, s.protocol), peer_version = coalesce(excluded.peer_version, s.peer_version),
		last_attempt = coalesce(excluded.last_attempt, s.last_attempt), last_success = coalesce(excluded.last_success, s.last_success),
		caught_up_at = coalesce(excluded.caught_up_at, s.caught_up_at), failures = excluded.failures,
		last_error = coalesce(excluded.last_error, s.last_error), last_sqlstate = coalesce(excluded.last_sqlstate, s.last_sqlstate),
		last_error_at = coalesce(excluded.last_error_at, s.last_error_at), rounds = s.rounds + excluded.rounds,
		last_round_ms = coalesce(excluded.last_round_ms, s.last_round_ms), rows_in = s.rows_in + excluded.rows_in,
		bytes_in = s.bytes_in + excluded.bytes_in, rows_out = s.rows_out + excluded.rows_out, bytes_out = s.bytes_out + excluded.bytes_out
	$$;
REVOKE EXECUTE ON FUNCTION hllset_sync.save_status(hllset_sync.peer_status) FROM PUBLIC;

-- What a round says of a set in a direction; no state: nothing. What is paused stays so.
CREATE FUNCTION hllset_sync.save_relation(peer name, set_named text, way text, node uuid, its_state text, at bigint, head bigint, why text, code text, done bigint, to_do bigint,
	resynced bigint) RETURNS void
	LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	DELETE FROM hllset_sync.relations r WHERE its_state IS NULL AND r.server = peer AND r.set_name = set_named AND r.direction = way AND r.state <> 'paused'::text;
	INSERT INTO hllset_sync.relations AS r (server, set_name, direction, node_id, state, cursor_seq, head_seq, error, sqlstate, rows_done, rows_to_do)
	SELECT p.server, set_named, way, node, its_state, at, head, why, code, done, to_do FROM hllset_sync.peers p WHERE p.server = peer AND its_state IS NOT NULL
	ON CONFLICT (server, set_name, direction) DO UPDATE SET
		node_id = excluded.node_id, state = excluded.state, cursor_seq = excluded.cursor_seq, head_seq = excluded.head_seq,
		error = excluded.error, sqlstate = excluded.sqlstate, rows_done = excluded.rows_done, rows_to_do = excluded.rows_to_do, changed_at = pg_catalog.now(),
		state_since = CASE WHEN r.state = excluded.state THEN r.state_since ELSE pg_catalog.now() END,
		moved_at = CASE WHEN (r.cursor_seq, r.rows_done, r.rows_to_do) IS NOT DISTINCT FROM (excluded.cursor_seq, excluded.rows_done, excluded.rows_to_do)
			THEN r.moved_at ELSE pg_catalog.now() END,
		resyncs = r.resyncs - resynced
	WHERE r.state <> 'paused'::text;
	$$;
REVOKE EXECUTE ON FUNCTION hllset_sync.save_relation(name, text, text, uuid, text, bigint, bigint, text, text, bigint, bigint, bigint) FROM PUBLIC;

CREATE FUNCTION hllset_sync.reader_status() RETURNS TABLE (node_id uuid, last_seen timestamptz, said_from bigint, said_to bigint)
	LANGUAGE C VOLATILE ROWS 10 AS 'MODULE_PATHNAME', 'hllset_sync_reader_status';
CREATE FUNCTION hllset_sync.drop_consumer(node text, set_name text DEFAULT NULL) RETURNS bigint
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_delegate';
COMMENT ON FUNCTION hllset_sync.drop_consumer(text, text) IS 'forgets that a node reads the set, or all sets of the caller, until it reads again; returns how many sets';
CREATE FUNCTION hllset_sync.drop_consumer_by(caller oid, reader text, wanted text) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	dropped bigint;
BEGIN
	IF reader IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'argument 1 of drop_consumer must not be null';
	END IF;
	WITH r AS (DELETE FROM hllset_sync.readers r USING hllset_sync.sets s, pg_catalog.pg_class c
			WHERE s.set_id = r.set_id AND (wanted IS NULL OR s.set_name = wanted) AND reader IN (r.node_name, r.node_id::text)
				AND c.oid = s.relid AND pg_catalog.pg_has_role(caller, c.relowner, 'USAGE'::text) RETURNING r.set_id, r.node_id),
		c AS (DELETE FROM hllset_sync.confirmed c USING r WHERE c.set_id = r.set_id AND c.node_id = r.node_id)
	SELECT pg_catalog.count(*) INTO dropped FROM r;
	IF dropped = 0 THEN
		RAISE undefined_object USING MESSAGE = pg_catalog.format('node "%s" reads no set of yours'::text, reader),
			HINT = 'SELECT * FROM hllset_sync.consumers shows who reads which set.';
	END IF;
	RETURN dropped;
END $$;
REVOKE EXECUTE ON FUNCTION hllset_sync.drop_consumer_by(oid, text, text) FROM PUBLIC;

-- One row per peer. The state is what stops all peers here, or this peer, or else how its worker is; without one, how the last round ended.
CREATE VIEW hllset_sync.status WITH (security_barrier) AS
SELECT p.server AS peer,
	coalesce(w.node_name, d.node_name) AS node_name,
	coalesce(w.node_id, d.node_id) AS node_id,
	p.direction,
	s.state,
	w.pid,
	w.connected_since,
	coalesce(w.last_attempt, d.last_attempt) AS last_attempt,
	coalesce(w.last_success, d.last_success) AS last_success,
	coalesce(w.staleness, greatest(pg_catalog.now() - d.caught_up_at, '0'::interval)) AS staleness,
	coalesce(w.failures, d.failures, 0) AS failures,
	CASE WHEN s.state = 'backoff'::text THEN w.next_attempt END AS next_attempt,
	(SELECT pg_catalog.count(DISTINCT r.set_name) FROM hllset_sync.relations r WHERE r.server = p.server AND r.state NOT IN ('ok'::text, 'behind'::text, 'scanning'::text))
		AS failed_sets,
	coalesce(s.reason, CASE WHEN s.state <> 'ok'::text THEN coalesce(w.last_error, d.last_error) END) AS last_error,
	CASE WHEN s.reason IS NULL AND s.state <> 'ok'::text THEN coalesce(w.last_sqlstate, d.last_sqlstate) END AS last_sqlstate,
	coalesce(w.last_error_at, d.last_error_at) AS last_error_at,
	coalesce(d.rounds, 0) + coalesce(w.rounds, 0) AS rounds,
	coalesce(w.last_round_ms, d.last_round_ms) AS last_round_ms,
	coalesce(d.rows_in, 0) + coalesce(w.rows_in, 0) AS rows_in,
	coalesce(d.bytes_in, 0) + coalesce(w.bytes_in, 0) AS bytes_in,
	coalesce(d.rows_out, 0) + coalesce(w.rows_out, 0) AS rows_out,
	coalesce(d.bytes_out, 0) + coalesce(w.bytes_out, 0) AS bytes_out,
	coalesce(w.protocol, d.protocol) AS protocol,
	coalesce(w.peer_version, d.peer_version) AS peer_version
FROM hllset_sync.peers p
	LEFT JOIN hllset_sync.node n ON true
	LEFT JOIN pg_catalog.pg_foreign_server f ON f.srvname = p.server
	LEFT JOIN hllset_sync.peer_state d USING (server)
	LEFT JOIN hllset_sync.worker_status() w ON w.server = p.server
	CROSS JOIN hllset_sync.database_status() b,
	LATERAL (
		SELECT CASE
			WHEN p.enabled_by IS DISTINCT FROM n.node_id OR p.paused THEN 'paused'::text
			WHEN b.state <> 'ok'::text AND w.pid IS NULL THEN b.state
			WHEN b.state IS NOT NULL THEN coalesce(w.state, 'connecting'::text)
			WHEN d.last_attempt IS NULL THEN 'paused'::text
			WHEN d.failures > 0 THEN 'error'::text
			ELSE 'ok'::text END AS state,
		CASE
			WHEN p.enabled_by IS DISTINCT FROM n.node_id
				THEN pg_catalog.format('it was enabled at another node, of which this is a copy: SELECT hllset_sync.resume_peer(%L)'::text, p.server)
			WHEN p.paused THEN coalesce(p.pause_reason, 'paused'::text)
			WHEN b.state <> 'ok'::text AND w.pid IS NULL OR b.state IS NULL AND d.last_attempt IS NULL THEN nullif(b.reason, ''::text) END AS reason
	) s
WHERE pg_catalog.pg_has_role('pg_monitor'::name, 'USAGE'::text) OR pg_catalog.has_server_privilege(f.oid, 'USAGE'::text);

CREATE VIEW hllset_sync.consumers WITH (security_barrier) AS
SELECT s.set_name, r.node_name, r.node_id, r.role, r.first_seen, c.seq AS acked_seq, s.head - c.seq AS behind, n.last_seen, a.paused
FROM hllset_sync.readers r JOIN hllset_sync.sets s USING (set_id)
	LEFT JOIN pg_catalog.pg_class t ON t.oid = s.relid
	LEFT JOIN hllset_sync.reader_status() n USING (node_id)
	LEFT JOIN hllset_sync.acl a ON a.set_id = r.set_id AND a.role = r.role
	LEFT JOIN hllset_sync.confirmed c ON c.set_id = r.set_id AND c.node_id = r.node_id AND c.said BETWEEN n.said_from AND n.said_to
WHERE pg_catalog.pg_has_role('pg_monitor'::name, 'USAGE'::text) OR pg_catalog.pg_has_role(t.relowner, 'USAGE'::text);
COMMENT ON VIEW hllset_sync.consumers IS 'who reads which set from here, and how far each has confirmed; NULL: not since this server was started';

GRANT SELECT ON hllset_sync.status, hllset_sync.consumers TO PUBLIC;

-- ---- attention: what a human should look at (each reason has a paragraph in docs/sync-monitoring.md and a test in t/120_attention.pl) ----

-- Who may see a set's rows sees what is wrong with the set, who may use a server what is wrong with that peer, all of them and pg_monitor what stops
-- this node. A time that is yet to come is late, too: the clock was set back. What a peer's sets have is of its last round, so it is shown
-- only if the peer is well. All that is read here is the catalog: no row of a set, and none of its change index.
CREATE VIEW hllset_sync.attention_now WITH (security_barrier) AS
WITH node AS (
	SELECT n.node_id, n.node_name, i.identity, b.state, b.reason AS why, e.extversion,
		pg_catalog.current_setting('hllset_sync.version'::text, true) AS library,
		x.after, pg_catalog.now() - x.after AS soon, pg_catalog.now() - x.after * 12::double precision AS long_ago,
		pg_catalog.clock_timestamp() + x.after AS ahead,
		pg_catalog.current_setting('hllset_sync.verify_every'::text, true)::interval AS verify_every,
		pg_catalog.current_setting('hllset_sync.max_nodes'::text, true) IS NOT NULL AS hears
	FROM hllset_sync.node n CROSS JOIN hllset_sync.node() i CROSS JOIN hllset_sync.database_status() b
		LEFT JOIN pg_catalog.pg_extension e ON e.extname = 'hllset_sync'::name
		CROSS JOIN (SELECT coalesce(pg_catalog.current_setting('hllset_sync.attention_after'::text, true), '10min'::text)::interval AS after) x
	LIMIT 1
), set AS (
	SELECT s.set_id, s.set_name, s.relid, s.state, s.state_reason, s.state_since, s.scan, s.scan_since, s.head, s.floor
	FROM hllset_sync.sets s LEFT JOIN pg_catalog.pg_class c ON c.oid = s.relid
	WHERE s.relid IS NOT NULL
		AND (pg_catalog.pg_has_role('pg_monitor'::name, 'USAGE'::text) OR pg_catalog.pg_has_role(coalesce(c.relowner, s.owner::oid), 'USAGE'::text))
), peer AS (
	SELECT t.peer, coalesce(t.node_name, p.node_id::text) AS node_name, p.node_id, p.direction, t.state, t.last_success, t.staleness, t.failures,
		t.last_error, p.pause_reason, p.paused_at,
		CASE
			WHEN n.identity <> 'ok'::text THEN NULL
			WHEN f.oid IS NULL THEN 'no_server'::text
			WHEN p.enabled_by <> n.node_id THEN 'restored'::text
			WHEN p.paused AND p.pause_reason LIKE 'two servers claim to be node %'::text THEN 'clone'::text
			WHEN p.paused THEN 'paused'::text
			WHEN n.state = 'ok'::text OR n.state = 'connecting'::text OR n.state IS NULL THEN CASE
				WHEN n.state IS NULL AND coalesce(t.last_success NOT BETWEEN n.soon AND n.ahead, true) AND t.failures = 0 THEN 'workers'::text
				WHEN t.state = 'waiting_for_slot'::text THEN 'waiting_for_slot'::text
				WHEN t.failures > 0 AND t.last_sqlstate = 'HS004'::text THEN 'peer_identity'::text
				WHEN t.failures > 0 AND t.last_sqlstate = 'HS005'::text THEN 'speaker'::text
				WHEN t.failures > 0 AND t.last_sqlstate = '0A000'::text AND t.last_error LIKE '%protocol%'::text THEN 'protocol'::text
				WHEN t.failures > 0 AND t.last_sqlstate IN ('28000'::text, '28P01'::text, '42501'::text) THEN 'refused'::text
				WHEN t.failures > 0 AND coalesce(t.last_success NOT BETWEEN n.soon AND n.ahead, true) THEN 'unreachable'::text
				WHEN t.failures = 0 AND t.staleness > n.after AND NOT EXISTS (
					SELECT FROM hllset_sync.relations r WHERE r.server = p.server AND r.state <> 'ok'::text AND (t.staleness < n.after * 12::double precision
						OR r.state <> 'behind'::text OR greatest(r.moved_at, r.state_since) NOT BETWEEN n.soon AND n.ahead)) THEN 'stale'::text
			END
		END AS trouble
	FROM hllset_sync.status t JOIN hllset_sync.peers p ON p.server = t.peer CROSS JOIN node n
		LEFT JOIN pg_catalog.pg_foreign_server f ON f.srvname = p.server
), relation AS (
	SELECT r.server, r.set_name, r.direction, r.state, r.error, r.sqlstate, r.state_since, r.moved_at, coalesce(d.node_name, r.node_id::text) AS node_name
	FROM hllset_sync.relations r JOIN hllset_sync.peers p USING (server) CROSS JOIN node n
		LEFT JOIN hllset_sync.peer_state d USING (server)
	WHERE (EXISTS (SELECT FROM set s WHERE s.set_name = r.set_name) OR EXISTS (SELECT FROM peer l WHERE l.peer = r.server))
		AND n.identity = 'ok'::text AND NOT p.paused AND p.enabled_by = n.node_id AND coalesce(d.failures, 0) = 0
		AND (n.state = 'ok'::text OR n.state IS NULL AND d.last_success BETWEEN n.soon AND n.ahead)
), disabled AS (
	SELECT s.set_id, pg_catalog.min(g.tgname::text) AS trigger, pg_catalog.min(g.tgrelid::regclass::text) AS relation
	FROM pg_catalog.pg_trigger g JOIN set s ON s.relid::oid = coalesce(pg_catalog.pg_partition_root(g.tgrelid)::oid, g.tgrelid)
	WHERE g.tgenabled = 'D'::"char" AND g.tgfoid = 'hllset_sync.capture()'::regprocedure
	GROUP BY s.set_id
), copies AS (
	SELECT s.set_id, s.set_name, o.node_id, o.node_name, o.origin_id, u.orphans, u.attempts, u.applied_at, u.last_verified, u.dropping OR o.dropping AS dropping,
		u.dropping AS set_dropping, u.dropping_since
	FROM hllset_sync.cursors u JOIN set s USING (set_id) JOIN hllset_sync.origins o USING (origin_id)
), reader AS (
	SELECT c.set_name, c.node_name, c.node_id, c.role, c.first_seen, c.acked_seq, s.head, s.floor, s.set_id,
		coalesce(c.last_seen, greatest(c.first_seen, pg_catalog.pg_postmaster_start_time())) AS seen,
		EXISTS (SELECT FROM hllset_sync.acl a WHERE a.set_id = s.set_id AND a.node = c.node_id AND a.pull) AS may_read
	FROM hllset_sync.consumers c JOIN set s USING (set_name) CROSS JOIN node n
	WHERE n.hears AND n.identity = 'ok'::text AND s.state = 'ok'::text
)
-- this node
SELECT 'identity'::text AS reason, NULL::text AS set_name, n.node_name AS node, NULL::name AS peer, NULL::timestamptz AS since,
	'this database is a copy of another, or was moved, so nothing is synced'::text AS why,
	'SELECT hllset_sync.new_identity() if it is a copy, SELECT hllset_sync.keep_identity() if it is the same, moved'::text AS remedy
FROM node n WHERE n.identity <> 'ok'::text AND (EXISTS (SELECT FROM set) OR EXISTS (SELECT FROM peer))
UNION ALL
SELECT 'version'::text, NULL, n.node_name, NULL, NULL,
	pg_catalog.format('the server has loaded the library of version %s, but the extension has version %s'::text, n.library, n.extversion),
	'ALTER EXTENSION hllset_sync UPDATE, or restart the server, whichever is behind'::text
FROM node n WHERE n.library <> n.extversion AND (EXISTS (SELECT FROM set) OR EXISTS (SELECT FROM peer))
UNION ALL
SELECT CASE n.state WHEN 'waiting_for_slot'::text THEN n.state ELSE 'workers'::text END, NULL, n.node_name, NULL, NULL,
	pg_catalog.format('no peer is synced and no change is numbered by this node itself: %s'::text, n.why),
	CASE n.state
		WHEN 'waiting_for_slot'::text THEN 'Raise max_worker_processes, and restart the server'::text
		WHEN 'paused'::text THEN 'Set hllset_sync.enabled = on, and reload'::text
		ELSE 'Do what the reason says; the launcher looks again within 10 s'::text END
FROM node n
WHERE n.state NOT IN ('ok'::text, 'connecting'::text) AND n.identity = 'ok'::text AND (n.library <> n.extversion) IS NOT TRUE
	AND (EXISTS (SELECT FROM set) OR EXISTS (SELECT FROM peer))
UNION ALL
-- peers
SELECT l.trouble, NULL, l.node_name, l.peer, CASE WHEN l.trouble IN ('paused'::text, 'clone'::text) THEN l.paused_at ELSE l.last_success END,
	CASE l.trouble
		WHEN 'no_server'::text THEN 'the foreign server is not there any more'::text
		WHEN 'restored'::text THEN 'the peer was added at another node, of which this database was restored or copied'::text
		WHEN 'clone'::text THEN pg_catalog.format('the peer was paused: %s'::text, l.pause_reason)
		WHEN 'paused'::text THEN pg_catalog.format('the peer was paused%s'::text, ': '::text || l.pause_reason)
		WHEN 'workers'::text THEN pg_catalog.format('no round with the peer has ended for long, and %s'::text, n.why)
		WHEN 'waiting_for_slot'::text THEN 'no background worker slot is free for the peer'::text
		WHEN 'stale'::text THEN pg_catalog.format('no round with the peer has ended caught up for %s'::text, pg_catalog.date_trunc('second'::text, l.staleness))
		ELSE pg_catalog.format('%s attempts in a row have failed%s: %s'::text, l.failures,
			CASE WHEN l.last_success IS NULL THEN ', none has succeeded yet'::text END, l.last_error)
	END,
	CASE l.trouble
		WHEN 'no_server'::text THEN pg_catalog.format('SELECT hllset_sync.drop_peer(%L), as superuser, or CREATE SERVER again'::text, l.peer)
		WHEN 'restored'::text THEN pg_catalog.format('If the old server is gone, SELECT hllset_sync.resume_peer(%L)'::text, l.peer)
		WHEN 'clone'::text THEN pg_catalog.format('Stop one of the two, or SELECT hllset_sync.new_identity() there; then SELECT hllset_sync.resume_peer(%L)'::text, l.peer)
		WHEN 'paused'::text THEN pg_catalog.format('SELECT hllset_sync.resume_peer(%L)'::text, l.peer)
		WHEN 'workers'::text THEN pg_catalog.format('Have workers run here (hllset_sync.databases), or CALL hllset_sync.run_round(%L) now and then'::text, l.peer)
		WHEN 'waiting_for_slot'::text THEN 'Raise max_worker_processes, and restart the server'::text
		WHEN 'peer_identity'::text THEN pg_catalog.format('Find out which server it is; if it took the place of the old one (a restored dump), CALL hllset_sync.replace_origin(...), which keeps its copies; if it is another node, SELECT hllset_sync.alter_peer(%L, node => ...); else see docs/sync-monitoring.md'::text, l.peer)
		WHEN 'speaker'::text THEN pg_catalog.format('If it is that node, SELECT hllset_sync.alter_peer(%L, node => ...)'::text, l.peer)
		WHEN 'refused'::text THEN 'Have the role granted there (grant_peer), or mend its password here (ALTER USER MAPPING); if it is not to be synced any more, drop_peer()'::text
		WHEN 'protocol'::text THEN 'Upgrade hllset_sync at the node that has the older version'::text
		WHEN 'stale'::text THEN 'See whether its worker gets on: pg_stat_activity, and hllset_sync.set_status'::text
		ELSE pg_catalog.format('Mend what the error says; to try at once, SELECT hllset_sync.resume_peer(%L)'::text, l.peer)
	END
FROM peer l CROSS JOIN node n WHERE l.trouble IS NOT NULL
	-- A set that does not get on says so itself.
	AND NOT (l.trouble = 'stale'::text AND EXISTS (SELECT FROM hllset_sync.relations r WHERE r.server = l.peer AND r.state <> 'ok'::text
		AND greatest(r.moved_at, r.state_since) NOT BETWEEN n.soon AND pg_catalog.now()))
UNION ALL
SELECT 'unpushed'::text, CASE WHEN pg_catalog.count(*) = 1 THEN pg_catalog.min(r.set_name) END, l.node_name, l.peer, NULL,
	pg_catalog.format('set "%s"%s comes from the peer, which takes no rows of this node, nor is known to read them'::text, pg_catalog.min(r.set_name),
		CASE WHEN pg_catalog.count(*) > 1 THEN pg_catalog.format(' and %s more'::text, pg_catalog.count(*) - 1) END),
	pg_catalog.format('There: SELECT hllset_sync.grant_peer(..., node => %L); or, if it is not to get them, here: SELECT hllset_sync.alter_peer(%L, ''pull'')'::text,
		(SELECT n.node_id FROM node n), l.peer)
FROM peer l JOIN relation r ON r.server = l.peer AND r.direction = 'pull'::text AND r.state IN ('ok'::text, 'behind'::text, 'scanning'::text)
WHERE l.trouble IS NULL AND l.direction = 'both'::text
	AND NOT EXISTS (SELECT FROM hllset_sync.relations o WHERE o.server = l.peer AND o.set_name = r.set_name AND o.direction = 'push'::text)
	AND NOT EXISTS (SELECT FROM hllset_sync.readers o JOIN hllset_sync.sets s USING (set_id) WHERE o.node_id = l.node_id AND s.set_name = r.set_name)
GROUP BY l.node_name, l.peer
UNION ALL
-- sets of this node
SELECT CASE WHEN s.state IN ('broken'::text, 'disabled'::text) THEN s.state ELSE 'error'::text END, s.set_name, NULL, NULL, s.state_since, s.state_reason,
	CASE s.state
		WHEN 'broken'::text THEN pg_catalog.format('Mend the table; or SELECT hllset_sync.unregister(%L), and register it anew'::text, s.set_name)
		ELSE 'Mend what the reason says; it is looked at again by itself'::text END
FROM set s CROSS JOIN node n
WHERE s.state = 'broken'::text OR s.state IN ('error'::text, 'disabled'::text) AND s.state_since NOT BETWEEN n.soon AND n.ahead
	AND NOT EXISTS (SELECT FROM disabled d WHERE d.set_id = s.set_id)
UNION ALL
SELECT 'disabled'::text, s.set_name, NULL, NULL, CASE s.state WHEN 'disabled'::text THEN s.state_since END,
	pg_catalog.format('trigger %I of table %s is disabled, so changes go unseen'::text, d.trigger, d.relation),
	pg_catalog.format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER %I'::text, d.relation, d.trigger)
FROM disabled d JOIN set s USING (set_id)
WHERE s.state <> 'broken'::text
UNION ALL
SELECT 'scanning'::text, s.set_name, NULL, NULL, s.scan_since,
	pg_catalog.format('its table is being compared with its change index (%s), so no wait for the set is true'::text, s.scan),
	'See what holds it up: locks on the table, the log, hllset_sync.chunk_rows; a layout that changes begins it anew'::text
FROM set s CROSS JOIN node n
WHERE s.scan IS NOT NULL AND s.state = 'ok'::text AND s.scan_since NOT BETWEEN n.long_ago AND n.ahead
	AND (n.state = 'ok'::text OR EXISTS (SELECT FROM hllset_sync.readers r WHERE r.set_id = s.set_id) OR EXISTS (SELECT FROM relation r WHERE r.set_name = s.set_name))
UNION ALL
SELECT 'unshared'::text, s.set_name, NULL, NULL, s.state_since, 'no peer offers the set, and nobody was granted it'::text,
	'Register it at the peers by this name, and grant it there (grant_peer) to the role that this node logs in as; or unregister it here'::text
FROM set s CROSS JOIN node n
WHERE s.state_since NOT BETWEEN n.soon AND n.ahead AND (s.set_name <> 'named'::text OR s.head > 0)
	AND EXISTS (SELECT FROM hllset_sync.peer_state WHERE last_success IS NOT NULL)
	AND NOT EXISTS (SELECT FROM hllset_sync.acl a WHERE a.set_id = s.set_id AND (a.pull OR a.push))
	AND NOT EXISTS (SELECT FROM hllset_sync.cursors u WHERE u.set_id = s.set_id) AND NOT EXISTS (SELECT FROM hllset_sync.relations r WHERE r.set_name = s.set_name)
UNION ALL
SELECT 'unlogged'::text, s.set_name, NULL, NULL, NULL,
	pg_catalog.format('partition %s is unlogged: a crash empties it, and nobody notices before the next scan'::text, c.oid::regclass),
	pg_catalog.format('ALTER TABLE %s SET LOGGED'::text, c.oid::regclass)
FROM pg_catalog.pg_class c JOIN set s ON s.relid::oid = pg_catalog.pg_partition_root(c.oid)::oid
WHERE c.relispartition AND c.relpersistence = 'u'::"char" AND c.relkind = 'r'::"char"
UNION ALL
-- sets with a peer
-- What holds both directions up is said once
SELECT r.reason, r.set_name, r.node_name, r.peer, r.since, r.why,
	CASE r.reason
		WHEN 'withdrawn'::text THEN 'Have it granted (grant_peer) or registered there again; or leave it out here: alter_peer(..., sets => ...)'::text
		WHEN 'absent'::text THEN 'Have it registered and granted there; or leave it out here: alter_peer(..., sets => ...)'::text
		WHEN 'mismatched'::text THEN 'At one of both: unregister the set, change the table, register it anew'::text
		WHEN 'broken'::text THEN CASE WHEN r.why LIKE '%: the set is broken here%'::text
			THEN 'See what holds a lock on the table here: pg_locks, long transactions'::text ELSE 'Mend it there: its own attention says how; or see locks there'::text END
		WHEN 'paused'::text THEN pg_catalog.format('SELECT hllset_sync.resume_set(%L, %L)'::text, r.peer, r.set_name)
		WHEN 'refused'::text THEN 'Have it resumed there: resume_grant()'::text
		WHEN 'crashed'::text THEN pg_catalog.format('See the log of the server that crashed; then SELECT hllset_sync.resume_peer(%L)'::text, r.peer)
		WHEN 'scanning'::text THEN 'The source is comparing its table with its change index: see attention there'::text
		WHEN 'behind'::text THEN 'See what holds it up: the reason; attention, locks and long transactions, here and at the peer'::text
		ELSE 'Mend what the error says; another attempt is made every 5 s'::text END
FROM (
	SELECT x.reason, r.set_name, r.node_name, r.server AS peer, pg_catalog.min(r.state_since) AS since,
		CASE WHEN pg_catalog.min(x.why) = pg_catalog.max(x.why)
			THEN pg_catalog.format('%s: %s'::text, pg_catalog.string_agg(r.direction, ' and '::text ORDER BY r.direction), pg_catalog.min(x.why))
			ELSE pg_catalog.string_agg(pg_catalog.format('%s: %s'::text, r.direction, x.why), '; '::text ORDER BY r.direction) END AS why
	FROM relation r CROSS JOIN node n CROSS JOIN LATERAL (
		SELECT CASE WHEN r.state = 'paused'::text AND r.sqlstate = '57P02'::text THEN 'crashed'::text ELSE r.state END AS reason,
			coalesce(r.error, 'the copies do not move'::text) AS why) x
	WHERE r.state IN ('withdrawn'::text, 'absent'::text, 'mismatched'::text, 'paused'::text, 'refused'::text)
		OR r.state = 'broken'::text AND r.state_since NOT BETWEEN n.soon AND n.ahead
			AND NOT EXISTS (SELECT FROM hllset_sync.sets s WHERE s.set_name = r.set_name AND s.state = 'broken'::text)
		OR r.state = 'error'::text AND r.state_since NOT BETWEEN n.soon AND n.ahead
		OR r.state = 'behind'::text AND greatest(r.moved_at, r.state_since) NOT BETWEEN n.soon AND n.ahead
			-- What is wrong with a set of this node is said once, and not for each peer that gets it.
			AND NOT (r.direction = 'push'::text AND EXISTS (SELECT FROM hllset_sync.sets s WHERE s.set_name = r.set_name AND s.state <> 'ok'::text))
		OR r.state = 'scanning'::text AND r.direction = 'pull'::text AND r.state_since NOT BETWEEN n.long_ago AND n.ahead
	GROUP BY x.reason, r.set_name, r.node_name, r.server
) r
UNION ALL
-- copies
SELECT 'crashed'::text, c.set_name, c.node_name, NULL, NULL,
	pg_catalog.format('%s batches in a row from the node were begun here and did not end'::text, c.attempts),
	'See the log of this server; then resume_peer() at that node'::text
FROM copies c
WHERE c.attempts >= 3
	AND NOT EXISTS (SELECT FROM hllset_sync.relations r WHERE r.set_name = c.set_name AND r.node_id = c.node_id AND r.direction = 'pull'::text AND r.state = 'paused'::text)
UNION ALL
SELECT 'orphans'::text, c.set_name, c.node_name, NULL, NULL,
	pg_catalog.format('%s rows are kept that their owner lost when its history was undone'::text, c.orphans),
	'Bring them home, or CALL hllset_sync.drop_origin(...): see docs/sync-monitoring.md'::text
FROM copies c WHERE c.orphans > 0
UNION ALL
SELECT 'unrefreshed'::text, CASE WHEN pg_catalog.count(*) = 1 THEN pg_catalog.min(c.set_name) END, c.node_name, NULL,
	pg_catalog.max(greatest(c.applied_at, c.last_verified)),
	pg_catalog.format('nobody refreshes the copies of the node in set "%s"%s'::text, pg_catalog.min(c.set_name),
		CASE WHEN pg_catalog.count(*) > 1 THEN pg_catalog.format(' and %s more'::text, pg_catalog.count(*) - 1) END),
	pg_catalog.format('Have it synced again (add_peer here, or grant_peer with node => %L); or CALL hllset_sync.drop_origin(%L), or absorb_origin()'::text, c.node_id, c.node_name)
FROM copies c CROSS JOIN node n
WHERE NOT c.dropping
	AND NOT EXISTS (SELECT FROM hllset_sync.peers p WHERE p.node_id = c.node_id AND p.direction <> 'push'::text AND (p.sets IS NULL OR c.set_name = ANY (p.sets)))
	AND (NOT EXISTS (SELECT FROM hllset_sync.acl a WHERE a.set_id = c.set_id AND a.node = c.node_id AND (a.push OR a.paused IS NOT NULL))
		OR n.verify_every > '0'::interval AND greatest(c.applied_at, c.last_verified) NOT BETWEEN n.soon - n.verify_every * 2::double precision AND n.ahead
			AND NOT EXISTS (SELECT FROM hllset_sync.readers r WHERE r.node_id = c.node_id))
GROUP BY c.node_id, c.node_name
UNION ALL
SELECT 'dropping'::text, c.set_name, c.node_name, NULL, c.dropping_since, 'the copies of the node in the set are being dropped, and none is taken meanwhile'::text,
	pg_catalog.format('If nothing does it any more, CALL hllset_sync.absorb_origin(%L, %L) again'::text, c.node_name, c.set_name)
FROM copies c CROSS JOIN node n WHERE c.set_dropping AND coalesce(c.dropping_since NOT BETWEEN n.soon AND n.ahead, true)
UNION ALL
SELECT 'dropping'::text, NULL, o.node_name, NULL, o.dropping_since, 'the copies of the node are being dropped, and none is taken meanwhile'::text,
	pg_catalog.format('If nothing does it any more, CALL hllset_sync.drop_origin(%L) again, or absorb_origin()'::text, o.node_name)
FROM hllset_sync.origins o CROSS JOIN node n
WHERE o.dropping AND coalesce(o.dropping_since NOT BETWEEN n.soon AND n.ahead, true) AND (EXISTS (SELECT FROM set) OR EXISTS (SELECT FROM peer))
UNION ALL
SELECT 'label'::text, NULL, o.node_name, NULL, NULL,
	pg_catalog.format('another node is called "%s", too, so this one stands in views by another name than its own'::text, pg_catalog.left(o.node_name, -9)),
	'At one of both: SELECT hllset_sync.rename_node(...)'::text
FROM hllset_sync.origins o CROSS JOIN node n
WHERE pg_catalog.right(o.node_name, 9) = '-'::text || pg_catalog.left(o.node_id::text, 8)
	AND (pg_catalog.left(n.node_name, 54) = pg_catalog.left(o.node_name, -9)
		OR EXISTS (SELECT FROM hllset_sync.origins x WHERE pg_catalog.left(x.node_name, 54) = pg_catalog.left(o.node_name, -9)))
	AND EXISTS (SELECT FROM copies c WHERE c.origin_id = o.origin_id)
UNION ALL
-- readers
SELECT 'silent_reader'::text, CASE WHEN pg_catalog.count(*) = 1 THEN pg_catalog.min(r.set_name) END, r.node_name, NULL, pg_catalog.max(r.seen),
	pg_catalog.format('the node, which reads set "%s"%s from here, is not heard any more'::text, pg_catalog.min(r.set_name),
		CASE WHEN pg_catalog.count(*) > 1 THEN pg_catalog.format(' and %s more'::text, pg_catalog.count(*) - 1) END),
	pg_catalog.format('See attention there. If it is gone for good, SELECT hllset_sync.drop_consumer(%L)'::text, r.node_id)
FROM reader r CROSS JOIN node n
WHERE r.may_read AND r.seen NOT BETWEEN n.soon AND n.ahead AND NOT EXISTS (SELECT FROM peer l WHERE l.node_id = r.node_id AND l.trouble IS NOT NULL)
GROUP BY r.node_name, r.node_id
UNION ALL
SELECT 'unread'::text, r.set_name, r.node_name, NULL, NULL,
	pg_catalog.format('the node has read the set and is waited for, but %s'::text,
		CASE WHEN r.may_read THEN 'reads it no more'::text ELSE 'its role is not granted it any more'::text END),
	pg_catalog.format('Have it read the set again (grant_peer, or alter_peer there); or SELECT hllset_sync.drop_consumer(%L, %L)'::text, r.node_id, r.set_name)
FROM reader r CROSS JOIN node n
WHERE (NOT r.may_read OR r.head > 0 AND coalesce(r.acked_seq, 0) = 0 AND r.seen BETWEEN n.soon AND n.ahead AND r.first_seen NOT BETWEEN n.soon AND n.ahead)
	AND NOT EXISTS (SELECT FROM hllset_sync.acl a WHERE a.set_id = r.set_id AND a.node = r.node_id AND a.paused IS NOT NULL)
UNION ALL
SELECT 'paused'::text, s.set_name, coalesce(o.node_name, a.node::text), NULL, NULL,
	pg_catalog.format('what role "%s" was granted is paused: %s'::text, pg_catalog.pg_get_userbyid(a.role::oid), a.paused),
	pg_catalog.format('SELECT hllset_sync.resume_grant(%L, %L)'::text, s.set_name, pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.role::oid)))
FROM hllset_sync.acl a JOIN set s USING (set_id) LEFT JOIN hllset_sync.origins o ON o.node_id = a.node
WHERE a.paused IS NOT NULL
UNION ALL
SELECT 'dropped_back'::text, r.set_name, r.node_name, NULL, r.seen,
	pg_catalog.format('the node has the set up to number %s, but deletions are remembered from %s on only: it will compare all of it'::text, r.acked_seq, r.floor),
	pg_catalog.format('Have it go on. If it is gone for good, SELECT hllset_sync.drop_consumer(%L, %L)'::text, r.node_id, r.set_name)
FROM reader r CROSS JOIN node n WHERE r.acked_seq > 0 AND r.acked_seq < r.floor AND r.seen NOT BETWEEN n.soon AND n.ahead;

-- Empty on a standby, which has nothing of its own to be looked at, and not all that would have to be read.
CREATE FUNCTION hllset_sync.find_attention()
	RETURNS TABLE (reason text, set_name text, node text, peer name, since timestamptz, why text, remedy text)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
#variable_conflict use_column
BEGIN
	IF NOT pg_catalog.pg_is_in_recovery() THEN
		RETURN QUERY SELECT a.reason, a.set_name, a.node, a.peer, a.since, a.why, a.remedy FROM hllset_sync.attention_now a;
	END IF;
END
$$;
CREATE VIEW hllset_sync.attention AS
SELECT reason, set_name, node, peer, since, why, remedy FROM hllset_sync.find_attention();
COMMENT ON VIEW hllset_sync.attention IS 'one row for each thing that a human should look at; empty if all is well';
GRANT SELECT ON hllset_sync.attention_now, hllset_sync.attention TO PUBLIC;

-- ---- describe_set: what is synced, with whom, how far ----

CREATE VIEW hllset_sync.set_lines WITH (security_barrier) AS
WITH set AS (
	SELECT s.set_id, s.set_name, s.relid, s.description, s.state, s.state_reason, s.state_since, s.head, s.floor, s.scan, s.scan_since, c.relowner
	FROM hllset_sync.sets s LEFT JOIN pg_catalog.pg_class c ON c.oid = s.relid
	WHERE s.relid IS NOT NULL
		AND (pg_catalog.pg_has_role('pg_monitor'::name, 'USAGE'::text) OR pg_catalog.pg_has_role(coalesce(c.relowner, s.owner::oid), 'USAGE'::text))
)
SELECT s.set_name, 1 AS part, ''::text AS place,
	pg_catalog.format('set %s of table %s, owned by %s: %s since %s%s'::text, s.set_name, s.relid, s.relowner::regrole, s.state,
		pg_catalog.date_trunc('second'::text, s.state_since), ': '::text || s.state_reason) AS line
FROM set s
UNION ALL
SELECT s.set_name, 2, ''::text, pg_catalog.format('  columns: %s'::text, s.description) FROM set s
UNION ALL
SELECT s.set_name, 3, ''::text, pg_catalog.format('  views: %s'::text, pg_catalog.string_agg(v.view, ', '::text ORDER BY v.view))
FROM set s CROSS JOIN LATERAL (
	SELECT DISTINCT w.ev_class::regclass::text AS view
	FROM pg_catalog.pg_class c JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid
			AND d.classid = 'pg_catalog.pg_rewrite'::regclass
		JOIN pg_catalog.pg_rewrite w ON w.oid = d.objid
	WHERE c.relname = ('copy_'::text || s.set_id::text)::name AND c.relnamespace = 'hllset_sync'::regnamespace
) v
GROUP BY s.set_name
UNION ALL
SELECT s.set_name, 4, ''::text, pg_catalog.format('  own changes: numbered up to %s; deletions are remembered from %s on%s'::text, s.head, s.floor,
	CASE WHEN EXISTS (SELECT FROM hllset_sync.pending p WHERE p.set_id = s.set_id) THEN '; some wait for their numbers'::text END)
FROM set s
UNION ALL
SELECT s.set_name, 5, ''::text,
	pg_catalog.format('  the table is being compared with its change index (%s) since %s'::text, s.scan, pg_catalog.date_trunc('second'::text, s.scan_since))
FROM set s WHERE s.scan IS NOT NULL
UNION ALL
SELECT s.set_name, 6, p.server::text || coalesce(r.direction, ''::text),
	CASE WHEN r.server IS NULL THEN pg_catalog.format('  peer %I (%s)%s: nothing is synced with it'::text, p.server, p.direction, CASE WHEN p.paused THEN ', paused'::text END)
	ELSE pg_catalog.format('  %s peer %I (node %s%s): %s since %s, %s of %s%s'::text, CASE r.direction WHEN 'pull'::text THEN 'pull from'::text ELSE 'push to'::text END,
		p.server, coalesce(d.node_name, r.node_id::text), CASE WHEN p.paused THEN ', paused'::text END, r.state, pg_catalog.date_trunc('second'::text, r.state_since),
		r.cursor_seq, r.head_seq, pg_catalog.concat(CASE WHEN r.rows_to_do > 0 THEN pg_catalog.format(', %s rows to do'::text, r.rows_to_do) END, ': '::text || r.error)) END
FROM set s CROSS JOIN hllset_sync.peers p LEFT JOIN hllset_sync.peer_state d USING (server)
	LEFT JOIN hllset_sync.relations r ON r.server = p.server AND r.set_name = s.set_name
WHERE p.sets IS NULL OR s.set_name = ANY (p.sets) OR r.server IS NOT NULL
UNION ALL
SELECT s.set_name, 7, o.node_name,
	pg_catalog.format('  copies of node %s: up to %s, changed %s, compared %s%s%s'::text, o.node_name, u.seq, pg_catalog.date_trunc('second'::text, u.applied_at),
		pg_catalog.date_trunc('second'::text, u.last_verified), CASE WHEN u.orphans > 0 THEN pg_catalog.format(', %s orphans'::text, u.orphans) END,
		CASE WHEN u.dropping OR o.dropping THEN ', being dropped'::text END)
FROM set s JOIN hllset_sync.cursors u USING (set_id) JOIN hllset_sync.origins o USING (origin_id)
UNION ALL
SELECT s.set_name, 8, a.role::text, pg_catalog.format('  granted to %s:%s%s%s'::text, a.role, CASE WHEN coalesce(a.held_pull, a.pull) THEN ' may read'::text END,
	CASE WHEN a.node IS NOT NULL THEN pg_catalog.format(' as node %s%s'::text,
		coalesce((SELECT o.node_name FROM hllset_sync.origins o WHERE o.node_id = a.node), a.node::text), CASE WHEN coalesce(a.held_push, a.push) THEN ' and push its rows'::text END) END,
	', paused: '::text || a.paused)
FROM set s JOIN hllset_sync.acl a USING (set_id);

CREATE FUNCTION hllset_sync.describe_set(set_name text) RETURNS SETOF text
	LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
	RETURN QUERY SELECT l.line FROM hllset_sync.set_lines l WHERE l.set_name = describe_set.set_name ORDER BY l.part, l.place;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no set "%" of yours', set_name USING ERRCODE = 'HS002';
	END IF;
	IF NOT pg_is_in_recovery() THEN
		RETURN QUERY SELECT format('  read by node %s as %s: %s of %s%s', c.node_name, c.role, coalesce(c.acked_seq::text, 'unknown'), c.acked_seq + c.behind,
				', heard ' || date_trunc('second', c.last_seen))
			FROM hllset_sync.consumers c WHERE c.set_name = describe_set.set_name ORDER BY c.node_name, c.node_id;
		RETURN QUERY SELECT format('  attention: %s: %s', a.reason, a.why)
			FROM hllset_sync.attention a WHERE a.set_name = describe_set.set_name ORDER BY a.reason, a.why;
	END IF;
END
$$;
COMMENT ON FUNCTION hllset_sync.describe_set(text) IS 'what is synced of a set, with whom, in which state, how far, since when; a line each';
GRANT SELECT ON hllset_sync.set_lines TO PUBLIC;
