-- The same rows for the exact counts beside.
CREATE TEMPORARY TABLE portion (section text, target text);
\set copy '\\copy portion FROM \'' :file '\''
:copy
INSERT INTO exact.arrived SELECT :'node', section, target FROM portion;
