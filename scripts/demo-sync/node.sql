-- A node: the extension, the rollup table, and its registration.
CREATE ROLE hllset_worker LOGIN;
SET client_min_messages = warning;
CREATE EXTENSION hllset_sync CASCADE;
SELECT hllset_sync.rename_node(:'node');

CREATE TABLE dependencies (section text PRIMARY KEY, targets hllset(12) NOT NULL);
CALL hllset_sync.register('dependencies');
