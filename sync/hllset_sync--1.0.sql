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
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);

CREATE TABLE hllset_sync.sets (
	set_id       integer PRIMARY KEY,
	set_name     text NOT NULL UNIQUE,
	relid        regclass NOT NULL UNIQUE,
	key_cols     name[] NOT NULL,
	sketch_cols  name[] NOT NULL,
	signature    bytea NOT NULL,                -- key types, precisions, seed, hash id, format: must be equal at the peer
	description  text NOT NULL,                 -- the same for readers
	head         bigint NOT NULL DEFAULT 0,     -- newest seq
	floor        bigint NOT NULL DEFAULT 0,     -- newest seq whose history, with its tombstones, was pruned
	truncated_at bigint NOT NULL DEFAULT 0,     -- seq of the last TRUNCATE
	state        text NOT NULL DEFAULT 'ok'::text, -- new (its rows are still to be noted), ok, broken, error
	state_reason text,
	last_rescan  timestamptz NOT NULL DEFAULT pg_catalog.now()
);

-- Which batch, by its nonce, gave which seqs. A token (seq, nonce) that is not here was given by a history that was undone.
CREATE TABLE hllset_sync.history (
	set_id   integer NOT NULL REFERENCES hllset_sync.sets ON DELETE CASCADE,
	seq_from bigint NOT NULL,
	seq_to   bigint NOT NULL,
	nonce    uuid NOT NULL,
	at       timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (set_id, seq_to)
);

CREATE TABLE hllset_sync.acl (
	set_id integer NOT NULL REFERENCES hllset_sync.sets ON DELETE CASCADE,
	role   regrole NOT NULL,
	pull   boolean NOT NULL,
	push   boolean NOT NULL,
	origin uuid,                                -- the only node it may push for; NULL: bound at the first push
	PRIMARY KEY (set_id, role)
);

CREATE TABLE hllset_sync.origins (
	origin_id  smallint PRIMARY KEY,
	node_id    uuid NOT NULL UNIQUE,
	node_name  text NOT NULL,
	first_seen timestamptz NOT NULL DEFAULT pg_catalog.now()
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
	attempts      integer NOT NULL DEFAULT 0,   -- batches begun since the last one that ended
	last_verified timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (set_id, origin_id)
);

-- Peers by the name of their foreign server. enabled_by: the node id that may use the peer; another one (a restored dump) must resume_peer() first.
CREATE TABLE hllset_sync.peers (
	server       name PRIMARY KEY,
	direction    text NOT NULL CHECK (direction IN ('both'::text, 'pull'::text, 'push'::text)),
	sets         text[],                        -- NULL: all that both have
	every        interval,
	paused       boolean NOT NULL DEFAULT false,
	pause_reason text,
	enabled_by   uuid NOT NULL
);

-- One set with one peer in one direction, as the last round left it. Written when something changes.
CREATE TABLE hllset_sync.links (
	server    name NOT NULL REFERENCES hllset_sync.peers ON DELETE CASCADE,
	set_name  text NOT NULL,
	direction text NOT NULL CHECK (direction IN ('pull'::text, 'push'::text)),
	node_id   uuid,
	state     text NOT NULL,                    -- ok, behind, paused, error
	cursor_seq bigint,
	head_seq  bigint,
	error     text,
	sqlstate  text,
	changed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
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
SELECT pg_catalog.pg_extension_config_dump('hllset_sync.history'::regclass, 'WHERE set_id > 1'::text);
SELECT pg_catalog.pg_extension_config_dump('hllset_sync.acl'::regclass, ''::text);
SELECT pg_catalog.pg_extension_config_dump('hllset_sync.origins'::regclass, ''::text);
SELECT pg_catalog.pg_extension_config_dump('hllset_sync.cursors'::regclass, 'WHERE set_id > 1'::text);
SELECT pg_catalog.pg_extension_config_dump('hllset_sync.peers'::regclass, ''::text);
SELECT pg_catalog.pg_extension_config_dump('hllset_sync.named'::regclass, ''::text);
SELECT pg_catalog.pg_extension_config_dump('hllset_sync.set_ids'::regclass, ''::text);

-- ---- identity ----

CREATE FUNCTION hllset_sync.node() RETURNS TABLE (node_id uuid, node_name text, identity text)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_node';
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
REVOKE EXECUTE ON FUNCTION hllset_sync.rename_node(text), hllset_sync.new_identity(), hllset_sync.keep_identity() FROM PUBLIC;

SELECT hllset_sync.new_identity();

-- ---- capture, digest ----

CREATE FUNCTION hllset_sync.capture() RETURNS trigger
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_capture';
COMMENT ON FUNCTION hllset_sync.capture() IS 'notes the keys of changed rows of a registered table';
REVOKE EXECUTE ON FUNCTION hllset_sync.capture() FROM PUBLIC;

CREATE FUNCTION hllset_sync.row_digest(VARIADIC "any") RETURNS uuid
	LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'hllset_sync_row_digest';
COMMENT ON FUNCTION hllset_sync.row_digest("any") IS 'content id of a row; NULL if a value is no plain set';

-- ---- register ----

CREATE PROCEDURE hllset_sync.register(rel regclass, set_name text DEFAULT NULL, key_columns name[] DEFAULT NULL, sketch_columns name[] DEFAULT NULL,
	global_view text DEFAULT NULL, by_node_view text DEFAULT NULL)
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_register';
COMMENT ON PROCEDURE hllset_sync.register(regclass, text, name[], name[], text, text) IS 'makes a table a set that peers may get; for its owner';
CREATE FUNCTION hllset_sync.unregister(set_name text) RETURNS void
	LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_unregister';
COMMENT ON FUNCTION hllset_sync.unregister(text) IS 'drops what register() made, copies included; the table stays as it is';
CREATE FUNCTION hllset_sync.rescan(set_name text) RETURNS bigint
	LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_rescan';
COMMENT ON FUNCTION hllset_sync.rescan(text) IS 'finds rows whose change passed the trigger by; returns how many';
CREATE FUNCTION hllset_sync.prune() RETURNS bigint
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_prune';
COMMENT ON FUNCTION hllset_sync.prune() IS 'drops tombstones and history older than hllset_sync.tombstone_keep; returns how many tombstones';

-- ---- acl ----

CREATE FUNCTION hllset_sync.grant_peer(set_name text, peer_role regrole, pull boolean DEFAULT true, push boolean DEFAULT true, origin uuid DEFAULT NULL)
	RETURNS void LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_grant_peer';
COMMENT ON FUNCTION hllset_sync.grant_peer(text, regrole, boolean, boolean, uuid) IS
	'lets a role read the set, and write the rows of one node: origin, or the first that it pushes for';
CREATE FUNCTION hllset_sync.revoke_peer(set_name text, peer_role regrole) RETURNS void
	LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_revoke_peer';
COMMENT ON FUNCTION hllset_sync.revoke_peer(text, regrole) IS 'takes back grant_peer';

-- ---- origin ----

CREATE FUNCTION hllset_sync.drop_origin(node text) RETURNS bigint
	LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_drop_origin';
COMMENT ON FUNCTION hllset_sync.drop_origin(text) IS 'drops all copies of a node''s rows; they come back if it is still a peer';
CREATE FUNCTION hllset_sync.absorb_origin(node text) RETURNS bigint
	LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_absorb_origin';
COMMENT ON FUNCTION hllset_sync.absorb_origin(text) IS 'unites the copies of a node that is gone with this node''s own rows; returns how many rows changed';
REVOKE EXECUTE ON FUNCTION hllset_sync.drop_origin(text), hllset_sync.absorb_origin(text) FROM PUBLIC;

-- ---- protocol: what a node asks of another, and of itself (hello.c, heads.c, feed.c, receive.c, fingerprint.c) ----

CREATE FUNCTION hllset_sync.p_hello(proto_min integer, proto_max integer, node_id uuid, node_name text)
	RETURNS TABLE (proto integer, node_id uuid, node_name text, identity text, ext_version text, server_version integer, encoding text)
	LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_p_hello';
CREATE FUNCTION hllset_sync.p_sets()
	RETURNS TABLE (set_name text, signature bytea, description text, may_pull boolean, may_push boolean)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_p_sets';
CREATE FUNCTION hllset_sync.p_heads(set_names text[], advance boolean DEFAULT true, acked bigint[] DEFAULT NULL)
	RETURNS TABLE (set_name text, head bigint, nonce uuid, floor bigint, truncated_at bigint, more boolean)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_p_heads';
CREATE FUNCTION hllset_sync.p_changes(set_name text, after bigint, nonce uuid, upto bigint, max_rows integer, max_bytes bigint)
	RETURNS TABLE (seq bigint, nonce uuid, key bytea, sketches bytea)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_p_changes';
CREATE FUNCTION hllset_sync.p_cursor(set_names text[], origin uuid)
	RETURNS TABLE (set_name text, seq bigint, nonce uuid)
	LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_p_cursor';
CREATE FUNCTION hllset_sync.p_attempt(set_name text, origin uuid) RETURNS integer
	LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_p_attempt';
CREATE FUNCTION hllset_sync.p_receive(set_name text, origin uuid, origin_name text, mode text, from_seq bigint, from_nonce uuid, truncated_at bigint,
	seqs bigint[], keys bytea[], sketches bytea[], to_seq bigint, to_nonce uuid, releases boolean DEFAULT false)
	RETURNS TABLE (seq bigint, nonce uuid)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_p_receive';
CREATE FUNCTION hllset_sync.p_fingerprint(set_name text, origin uuid, upto bigint)
	RETURNS TABLE (bucket integer, n bigint, fp bytea)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_p_fingerprint';
CREATE FUNCTION hllset_sync.p_bucket(set_name text, origin uuid, buckets integer[])
	RETURNS TABLE (key bytea, seq bigint, digest uuid)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_p_bucket';
CREATE FUNCTION hllset_sync.p_fetch(set_name text, keys bytea[])
	RETURNS TABLE (key bytea, seq bigint, sketches bytea)
	LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_p_fetch';

COMMENT ON FUNCTION hllset_sync.p_hello(integer, integer, uuid, text) IS 'protocol: who is there';
COMMENT ON FUNCTION hllset_sync.p_sets() IS 'protocol: sets that the role may pull or push';
COMMENT ON FUNCTION hllset_sync.p_heads(text[], boolean, bigint[]) IS 'protocol: newest numbers';
COMMENT ON FUNCTION hllset_sync.p_changes(text, bigint, uuid, bigint, integer, bigint) IS 'protocol: changes after a number';
COMMENT ON FUNCTION hllset_sync.p_cursor(text[], uuid) IS 'protocol: how far the copies of a node are';
COMMENT ON FUNCTION hllset_sync.p_attempt(text, uuid) IS 'protocol: counts a batch that begins';
COMMENT ON FUNCTION hllset_sync.p_receive(text, uuid, text, text, bigint, uuid, bigint, bigint[], bytea[], bytea[], bigint, uuid, boolean) IS 'protocol: writes copies';
COMMENT ON FUNCTION hllset_sync.p_fingerprint(text, uuid, bigint) IS 'protocol: fingerprints of 1,024 ranges of keys';
COMMENT ON FUNCTION hllset_sync.p_bucket(text, uuid, integer[]) IS 'protocol: the rows of some ranges, without their sketches';
COMMENT ON FUNCTION hllset_sync.p_fetch(text, bytea[]) IS 'protocol: rows by key';
REVOKE EXECUTE ON FUNCTION hllset_sync.p_hello(integer, integer, uuid, text), hllset_sync.p_sets(), hllset_sync.p_heads(text[], boolean, bigint[]),
	hllset_sync.p_changes(text, bigint, uuid, bigint, integer, bigint), hllset_sync.p_cursor(text[], uuid), hllset_sync.p_attempt(text, uuid),
	hllset_sync.p_receive(text, uuid, text, text, bigint, uuid, bigint, bigint[], bytea[], bytea[], bigint, uuid, boolean),
	hllset_sync.p_fingerprint(text, uuid, bigint), hllset_sync.p_bucket(text, uuid, integer[]), hllset_sync.p_fetch(text, bytea[]) FROM PUBLIC;

-- ---- sets: how they are ----

CREATE FUNCTION hllset_sync.count_index(set_id integer) RETURNS TABLE (dirty bigint, live bigint, tombstones bigint)
	LANGUAGE C STABLE STRICT ROWS 1 AS 'MODULE_PATHNAME', 'hllset_sync_count_index';
CREATE FUNCTION hllset_sync.count_copies(set_id integer, origin_id smallint) RETURNS bigint
	LANGUAGE C STABLE STRICT AS 'MODULE_PATHNAME', 'hllset_sync_count_copies';

-- One row for each set, node and direction; one without a node if a set has none yet. A set that was neither granted to anybody nor is offered by
-- a peer is unshared, which nobody wants who registered it.
CREATE VIEW hllset_sync.set_status WITH (security_barrier) AS
SELECT s.set_name, x.node_name, x.direction,
	CASE WHEN s.state <> 'ok'::text THEN s.state WHEN lonely THEN 'unshared'::text ELSE coalesce(x.state, 'ok'::text) END AS state,
	x.cursor_seq, x.head_seq,
	CASE WHEN x.head_seq IS NOT NULL THEN greatest(x.head_seq - x.cursor_seq, 0) END AS behind,
	x.last_change_at, x.copies, x.rewinds, x.orphans, x.last_verified,
	coalesce(s.state_reason, x.error, CASE WHEN lonely THEN
		'no peer offers it: is it registered there by this name, and granted (grant_peer) to the role that this node logs in as?'::text END) AS last_error
FROM hllset_sync.sets s
	LEFT JOIN pg_catalog.pg_class c ON c.oid = s.relid
	LEFT JOIN LATERAL (
		SELECT o.node_name, 'pull'::text AS direction, l.state, u.seq AS cursor_seq, l.head_seq, u.applied_at AS last_change_at,
			hllset_sync.count_copies(s.set_id, u.origin_id) AS copies, u.rewinds, u.orphans, u.last_verified, l.error
		FROM hllset_sync.cursors u JOIN hllset_sync.origins o USING (origin_id)
			LEFT JOIN hllset_sync.links l ON l.set_name = s.set_name AND l.node_id = o.node_id AND l.direction = 'pull'::text
		WHERE u.set_id = s.set_id
		UNION ALL
		SELECT coalesce(p.node_name, l.server::text), l.direction, l.state, l.cursor_seq, l.head_seq, l.changed_at, NULL, NULL, NULL, NULL, l.error
		FROM hllset_sync.links l LEFT JOIN hllset_sync.peer_state p USING (server)
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

-- ---- peers (option.c, peer.c) ----

CREATE FUNCTION hllset_sync.fdw_validator(text[], oid) RETURNS void
	LANGUAGE C STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hllset_sync_fdw_validator';
CREATE FOREIGN DATA WRAPPER hllset_sync VALIDATOR hllset_sync.fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER hllset_sync IS 'servers that sets are synced with; no foreign tables';

CREATE FUNCTION hllset_sync.add_peer(server name, direction text DEFAULT 'both'::text, sets text[] DEFAULT NULL, every interval DEFAULT NULL) RETURNS void
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_add_peer';
COMMENT ON FUNCTION hllset_sync.add_peer(name, text, text[], interval) IS 'start to sync with a server; direction is both, pull or push; sets NULL: all that both have';

CREATE FUNCTION hllset_sync.alter_peer(server name, direction text DEFAULT NULL, sets text[] DEFAULT NULL, every interval DEFAULT NULL) RETURNS void
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_alter_peer';
COMMENT ON FUNCTION hllset_sync.alter_peer(name, text, text[], interval) IS 'change how a peer is synced with; NULL leaves a setting as it is';

CREATE FUNCTION hllset_sync.drop_peer(server name) RETURNS void
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_drop_peer';
COMMENT ON FUNCTION hllset_sync.drop_peer(name) IS 'stop to sync with a server; copies of its rows stay until drop_origin()';

CREATE FUNCTION hllset_sync.pause_peer(server name, reason text DEFAULT NULL) RETURNS void
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_pause_peer';
COMMENT ON FUNCTION hllset_sync.pause_peer(name, text) IS 'stop to sync with a server until resume_peer()';

CREATE FUNCTION hllset_sync.resume_peer(server name) RETURNS void
	LANGUAGE C AS 'MODULE_PATHNAME', 'hllset_sync_resume_peer';
COMMENT ON FUNCTION hllset_sync.resume_peer(name) IS 'go on after a pause, also one that came by itself, and forget failures';

REVOKE EXECUTE ON FUNCTION hllset_sync.add_peer(name, text, text[], interval),
	hllset_sync.alter_peer(name, text, text[], interval), hllset_sync.drop_peer(name),
	hllset_sync.pause_peer(name, text), hllset_sync.resume_peer(name) FROM PUBLIC;

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

-- ---- running: what the workers do (catchup.c, status.c, database.c, consumer.c) ----

-- Wakes the worker of the peer, or all, and waits for the end of a round begun after the call; false if it failed or took longer.
CREATE FUNCTION hllset_sync.sync_now(server name DEFAULT NULL, timeout interval DEFAULT '30 s'::interval) RETURNS boolean
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_now';

-- Whether all that was committed at the peers before the call is here.
CREATE FUNCTION hllset_sync.wait_caught_up(server name DEFAULT NULL, timeout interval DEFAULT '60 s'::interval) RETURNS boolean
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_wait_caught_up';

-- Whether all that was committed here before the call is at every peer that is not paused: pushed, or known to be pulled.
CREATE FUNCTION hllset_sync.wait_for_peers(set_name text DEFAULT NULL, timeout interval DEFAULT '60 s'::interval) RETURNS boolean
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_wait_for_peers';

CREATE FUNCTION hllset_sync.database_status(OUT state text, OUT reason text)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_database_status';

CREATE FUNCTION hllset_sync.worker_status() RETURNS TABLE (
	server text, state text, pid integer, connected_since timestamptz, last_attempt timestamptz, last_success timestamptz,
	caught_up_at timestamptz, next_attempt timestamptz, failures integer, last_error text, last_sqlstate text,
	last_error_at timestamptz, rounds bigint, last_round_ms double precision, rows_in bigint, bytes_in bigint,
	rows_out bigint, bytes_out bigint, protocol integer, peer_version integer, node_id uuid, node_name text)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_worker_status';

CREATE FUNCTION hllset_sync.consumer_status() RETURNS TABLE (
	set_id integer, role oid, node_id uuid, node_name text, acked_seq bigint, last_seen timestamptz)
	LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'hllset_sync_consumer_status';

-- One row per peer. The state is what stops all peers here, or this peer, or else how its worker is; without one, how the last round ended.
CREATE VIEW hllset_sync.status WITH (security_barrier) AS
SELECT p.server AS peer,
	coalesce(w.node_name, d.node_name) AS node_name,
	coalesce(w.node_id, d.node_id) AS node_id,
	p.direction,
	s.state,
	w.pid,
	w.connected_since,
	greatest(w.last_attempt, d.last_attempt) AS last_attempt,
	greatest(w.last_success, d.last_success) AS last_success,
	pg_catalog.now() - greatest(w.caught_up_at, d.caught_up_at) AS staleness,
	coalesce(w.failures, d.failures, 0) AS failures,
	CASE WHEN s.state = 'backoff'::text THEN w.next_attempt END AS next_attempt,
	coalesce(s.reason, w.last_error, d.last_error) AS last_error,
	CASE WHEN s.reason IS NULL THEN coalesce(w.last_sqlstate, d.last_sqlstate) END AS last_sqlstate,
	greatest(w.last_error_at, d.last_error_at) AS last_error_at,
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
SELECT s.set_name, c.node_name, pg_catalog.pg_get_userbyid(c.role) AS role, c.acked_seq, s.head - c.acked_seq AS behind, c.last_seen
FROM hllset_sync.consumer_status() c JOIN hllset_sync.sets s USING (set_id);

GRANT SELECT ON hllset_sync.status, hllset_sync.consumers TO PUBLIC;
