-- Nodes that are gone: dropping and absorbing their copies; named sets; names of nodes.
SET client_min_messages = warning;
CREATE ROLE regress_sync_super SUPERUSER LOGIN;
SET ROLE regress_sync_super;
SELECT hllset_sync.rename_node('here');
SELECT node_name, identity FROM hllset_sync.node();
CREATE TABLE t (k int PRIMARY KEY, s hllset(12), s2 hllset(12), note text DEFAULT 'mine');
CALL hllset_sync.register('t');
\set eu '''11111111-1111-1111-1111-111111111111'''
\set as '''22222222-2222-2222-2222-222222222222'''
SELECT hllset_sync.grant_peer(n, current_user::regrole, node => :eu) FROM unnest('{t,named}'::text[]) n;
INSERT INTO t VALUES (1, hllset_of(1), NULL), (2, hllset_of(1, 2), hllset_of(3));
INSERT INTO hllset_sync.named VALUES ('all', hllset_of(1, 2)), ('own', hllset_of(1));
CREATE FUNCTION part(VARIADIC s hllset[]) RETURNS bytea LANGUAGE sql AS
	$$SELECT string_agg(coalesce(int4send(length(hllset_send(x))) || hllset_send(x), int4send(-1)), '' ORDER BY n) FROM unnest(s) WITH ORDINALITY u (x, n)$$;
\set n1 '''00000000-0000-0000-0000-000000000001'''
CALL hllset_sync.p_receive('t', :eu, 'eu', 'changes', 0, NULL, 0, '{1,2,3}', ARRAY['\x0000000400000001', '\x0000000400000002', '\x0000000400000003']::bytea[],
	ARRAY[part(hllset_of(7), hllset_of(8)), part(hllset_of(1), NULL), part(NULL, hllset_of(9))], 3, :n1, false);
CALL hllset_sync.p_receive('named', :eu, 'eu', 'changes', 0, NULL, 0, '{1}', ARRAY[int4send(3) || 'all']::bytea[], ARRAY[part(hllset_of(2, 3))], 1, :n1, false);
SELECT hllset_sync.grant_peer(n, current_user::regrole, node => :as) FROM unnest('{t,named}'::text[]) n;
CALL hllset_sync.p_receive('t', :as, 'eu', 'changes', 0, NULL, 0, '{1}', ARRAY['\x0000000400000001']::bytea[], ARRAY[part(hllset_of(1), NULL)], 1, :n1, false);

SELECT node, k, # s AS s, # s2 AS s2 FROM t_by_node ORDER BY 1, 2, 3;
SELECT k, # s AS s, # s2 AS s2 FROM t_global ORDER BY 1;
SELECT node, name, # value AS n FROM hllset_sync.named_by_node ORDER BY 1, 2;
SELECT name, # value AS n FROM hllset_sync.named_global ORDER BY 1;

-- a second node of a name has a suffix, as has one with this node's own name, which it takes when it can
CALL hllset_sync.p_receive('t', :as, 'here', 'changes', 1, :n1, 0, '{}', '{}', '{}', 1, :n1, false);
SELECT node_id, node_name FROM hllset_sync.origins ORDER BY 1;
SELECT hllset_sync.rename_node('there');
CALL hllset_sync.p_receive('t', :as, 'here', 'changes', 1, :n1, 0, '{}', '{}', '{}', 1, :n1, false);
SELECT node_name FROM hllset_sync.origins WHERE node_id = :as;
SELECT hllset_sync.rename_node('here');
-- while copies are dropped nothing is delivered; the call goes on where it was interrupted
UPDATE hllset_sync.origins SET dropping = true WHERE node_id = :as;
CALL hllset_sync.p_receive('t', :as, 'eu', 'changes', 1, :n1, 0, '{}', '{}', '{}', 1, :n1, false);
CALL hllset_sync.p_receive('named', :as, 'eu', 'changes', 0, NULL, 0, '{}', '{}', '{}', 1, :n1, false);
CALL hllset_sync.drop_origin(:as);
-- a node may change its name
CALL hllset_sync.p_receive('t', :eu, 'eu-1', 'changes', 3, :n1, 0, '{}', '{}', '{}', 3, :n1, false);
SELECT hllset_sync.grant_peer('t', current_user::regrole, node => :eu);
CALL hllset_sync.p_receive('t', :eu, 'eu-1', 'changes', 3, :n1, 0, '{}', '{}', '{}', 3, :n1, false);
SELECT DISTINCT node FROM t_by_node ORDER BY 1;

-- absorbed, one set: nothing is left of it, and all of the others
CALL hllset_sync.absorb_origin('eu-1', 'nothing');
BEGIN;
CALL hllset_sync.absorb_origin('eu-1', 'named');
SELECT name, # value AS n FROM hllset_sync.named ORDER BY 1;
SELECT set_name FROM hllset_sync.set_status WHERE node_name = 'eu-1';
ROLLBACK;
-- absorbed: its rows are this node's own now; only what changes is written
CALL hllset_sync.absorb_origin('eu-1');
SELECT k, # s AS s, # s2 AS s2, note FROM t ORDER BY k;
SELECT name, # value AS n FROM hllset_sync.named ORDER BY 1;
SELECT DISTINCT node FROM t_by_node;
SELECT count(*) FROM hllset_sync.origins;
CALL hllset_sync.p_advance('{t,named}'); SELECT set_name, head FROM hllset_sync.p_heads('{t,named}') WHERE set_name IS NOT NULL;

-- another identity, and the same one again
SELECT node_id AS id FROM hllset_sync.node() \gset
UPDATE hllset_sync.node SET sysid = sysid + 1;
SELECT identity FROM hllset_sync.node();
SELECT identity FROM hllset_sync.p_hello(2, 2, :eu, 'eu');
SELECT hllset_sync.keep_identity() = :'id' AS same;
UPDATE hllset_sync.node SET dboid = 1;
SELECT hllset_sync.new_identity() = :'id' AS same;
SELECT node_name, identity FROM hllset_sync.node();
SELECT proto, node_name, identity, ext_version, server_version = current_setting('server_version_num')::int AS server, encoding FROM hllset_sync.p_hello(1, 9, :eu, 'eu');

SELECT hllset_sync.unregister('t'), hllset_sync.forget_set('t');
DELETE FROM hllset_sync.named;
SELECT hllset_sync.revoke_peer('named', current_user::regrole);
DROP TABLE t;
DROP FUNCTION part;
RESET ROLE;
DROP ROLE regress_sync_super;

-- this node takes the name of another
SELECT node_name AS name_before FROM hllset_sync.node() \gset
INSERT INTO hllset_sync.origins VALUES (30000, '12345678-0000-0000-0000-000000000000', 'twin');
SELECT hllset_sync.rename_node('twin');
SELECT node_name FROM hllset_sync.origins WHERE origin_id = 30000;
SELECT hllset_sync.rename_node(:'name_before');
DELETE FROM hllset_sync.origins WHERE origin_id = 30000;
