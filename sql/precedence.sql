-- How expressions without parentheses are read: all operators but - bind alike, from left to right; - binds tighter.

CREATE TABLE s (a hllset, b hllset, c hllset);
CREATE FUNCTION reading(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE 'CREATE VIEW reading AS SELECT ' || expression || ' AS x FROM s';
	result := (regexp_match(pg_get_viewdef('reading'::regclass), 'SELECT (.*) AS x'))[1];
	DROP VIEW reading;
	RETURN regexp_replace(result, 's\.', '', 'g');
EXCEPTION
	WHEN undefined_function THEN
		RETURN SQLERRM;
END $$;
CREATE TABLE written (n serial, expression text);
INSERT INTO written (expression) VALUES ('a & b | c & a'), ('a | b & c'), ('a | b # c'), ('a & b - c'), ('a - b & c'), ('a - b - c'), ('a - b | c'), ('a # b - c'), ('a # b & c'), ('# a - b'), ('# a & b'), ('# a # b'), ('# (a) # b'),
	('# a | b = # c'), ('a & b @> c'), ('a @> b & c'), ('a @> b - c'), ('a @> b AND b <@ c'), ('a && b | c'), ('a | b && c'), ('NOT a && b'), ('a & b = b & a'), ('a - b <> c'), ('# a > 1'), ('# a * 2'), ('# a / # b'), ('(# a) - (# b)'),
	('# a - # b'), ('a & b IS NULL'), ('a & b::hllset(8)'), ('(a & (b | c)) - (b # c)');
SELECT expression, reading(expression) FROM written ORDER BY n;
DROP FUNCTION reading(text);
DROP TABLE s, written;
