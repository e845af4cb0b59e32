-- Rows arrive at a node: into its rollup, and away.
BEGIN;
CREATE TEMPORARY TABLE arrived (section text, target text) ON COMMIT DROP;
\set copy '\\copy arrived FROM \'' :file '\''
:copy
INSERT INTO dependencies AS d
SELECT section, hll_add_agg(target) FROM arrived GROUP BY section
ON CONFLICT (section) DO UPDATE SET targets = d.targets | excluded.targets;
COMMIT;
