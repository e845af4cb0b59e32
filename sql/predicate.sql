-- Containment and overlap.

-- small sets: exact, as the same questions to arrays
CREATE TABLE few AS
SELECT n, e, hllset_of(VARIADIC e) AS s
FROM (SELECT n, ARRAY(SELECT x FROM generate_series(1, 6) x WHERE n >> (x - 1) & 1 = 1) AS e FROM generate_series(0, 63) n) y;
SELECT count(*), bool_and((a.s @> b.s) = (a.e @> b.e)) AS contains, bool_and((a.s <@ b.s) = (a.e <@ b.e)) AS contained, bool_and((a.s && b.s) = (a.e && b.e)) AS overlap,
	bool_and(((a.s - b.s) && b.s) = false AND (a.s & b.s) <@ b.s AND (a.s | b.s) @> b.s) AS laws
FROM few a, few b;
SELECT bool_and((a.s::hllset(12, compact) @> b.s) = (a.e @> b.e)) AS compact, bool_and((hll_fold(a.s, 8) @> hllset_of(VARIADIC b.e)) = (a.e @> b.e)) AS precisions FROM few a, few b;
SELECT bool_and(hll_contains(a.s, b.s) = (a.s @> b.s) AND hll_contained_by(a.s, b.s) = (a.s <@ b.s) AND hll_overlaps(a.s, b.s) = (a.s && b.s)) AS functions FROM few a, few b;

-- large sets
CREATE TABLE large AS
SELECT name, hll_add_agg(x) AS s, hll_add_agg(x)::hllset(12, compact) AS c
FROM (VALUES ('all', 1, 50000), ('low', 1, 25000), ('high', 25001, 50000), ('middle', 15001, 35000), ('few', 100, 600), ('other', 60001, 90000), ('none', 1, 0)) v (name, lo, hi) LEFT JOIN LATERAL generate_series(lo, hi) x ON true GROUP BY name;
UPDATE large SET s = hllset_empty(), c = hllset_empty()::hllset(12, compact) WHERE name = 'none';
SELECT a.name AS container, string_agg(b.name, ' ' ORDER BY b.name) FILTER (WHERE a.s @> b.s) AS graded, string_agg(b.name, ' ' ORDER BY b.name) FILTER (WHERE a.c @> b.c) AS compact,
	string_agg(b.name, ' ' ORDER BY b.name) FILTER (WHERE a.s @> b.c) AS mixed
FROM large a, large b GROUP BY a.name ORDER BY a.name;
SELECT a.name, string_agg(b.name, ' ' ORDER BY b.name) FILTER (WHERE a.s && b.s) AS graded, string_agg(b.name, ' ' ORDER BY b.name) FILTER (WHERE a.c && b.c) AS compact
FROM large a, large b WHERE 'few' NOT IN (a.name, b.name) GROUP BY a.name ORDER BY a.name;
SELECT bool_and((a.s @> b.s) = (b.s <@ a.s) AND (a.s && b.s) = (b.s && a.s)) AS commutators FROM large a, large b;
-- never a false no: all parts are contained in what they are parts of
SELECT bool_and((a.s & b.s) <@ a.s AND (a.s - b.s) <@ a.s AND a.s <@ (a.s | b.s) AND (a.s # b.s) <@ (a.s | b.s) AND (a.s # b.s) @> (a.s - b.s) AND (a.s & b.s) <@ (a.s & b.s)) AS graded,
	bool_and((a.c & b.c) <@ a.c AND (a.c - b.c) <@ a.c AND a.c <@ (a.c | b.c) AND (a.c # b.c) <@ (a.c | b.c) AND (a.c # b.c) @> (a.c - b.c) AND (a.c & b.c) <@ (a.c & b.c)) AS compact,
	bool_and(hll_fold(a.s, 8) @> (a.s & b.s) AND a.s @> hll_fold(a.s & b.s, 8)) AS precisions
FROM large a, large b;
-- expressions that share nothing, or not all
SELECT (l.s & m.s) <@ h.s AS is_half_outside, (l.s - m.s) && h.s AS is_outside, (m.s - l.s) <@ h.s AS is_inside, (l.s - m.s) && (m.s - l.s) AS parts_overlap, (l.s & m.s) && (m.s & h.s) AS halves_overlap,
	(l.s # m.s) && m.s AS exclusive_overlaps, (l.s & h.s) && m.s AS nothing_overlaps, (l.s - l.s) <@ h.s AS empty_is_inside
FROM large l, large m, large h WHERE l.name = 'low' AND m.name = 'middle' AND h.name = 'high';
-- samples
CREATE TABLE slice AS SELECT i, hll_add_agg(x) AS s FROM generate_series(1, 8) i, generate_series(1, 30000) x WHERE x <= 20000 OR x % 8 + 1 = i GROUP BY i;
SELECT hll_kind(core) AS kind, bool_and(core <@ s) AS core_is_inside, bool_or(s <@ core) AS slice_is_inside, bool_and(core && s) AS overlaps, bool_or((s - core) && core) AS rest_overlaps
FROM (SELECT hll_intersect_agg(s) AS core FROM slice) x, slice GROUP BY core;

SELECT (NULL @> s) IS NULL AND (s @> NULL) IS NULL AND (NULL <@ s) IS NULL AND (s <@ NULL) IS NULL AND (NULL && s) IS NULL AND (s && NULL) IS NULL AS strict FROM hllset_of(1) s;
SELECT oprname, oprcom::regoperator, oprrest, oprjoin, oprcanhash, oprcanmerge FROM pg_operator WHERE oprleft = 'hllset'::regtype AND oprresult = 'boolean'::regtype AND oprrest = 'contsel'::regproc ORDER BY 1;
SELECT count(*) FROM few a JOIN few b ON a.s @> b.s AND a.s && b.s WHERE a.s <@ hllset_of(1, 2, 3);

DROP TABLE few, large, slice;
