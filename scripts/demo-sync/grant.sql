-- What another node logs in as here, and speaks for.
CREATE ROLE :"role" LOGIN PASSWORD :'password';
SELECT hllset_sync.grant_peer('dependencies', :'role', node => :'id');
