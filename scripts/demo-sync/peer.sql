-- The way to another node.
CREATE SERVER :"peer" FOREIGN DATA WRAPPER hllset_sync OPTIONS (host '127.0.0.1', port :'port', dbname 'app', sslmode 'disable');
CREATE USER MAPPING FOR hllset_worker SERVER :"peer" OPTIONS (user :'role', password :'password');
SELECT hllset_sync.add_peer(:'peer', direction => 'pull', node => :'id');
