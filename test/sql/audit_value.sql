-- What the audit shows of a value: of every type, whatever the settings of the session are, and
-- however large it is. No value that a table takes stands in the way of the statement.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA avalue;
CREATE TYPE avalue.mood AS ENUM ('sad', 'it''s "ok"');
CREATE TYPE avalue.pair AS (n int, "The Word" text, at timestamptz);
CREATE TYPE avalue.note AS (j json, pairs avalue.pair[]);
CREATE TYPE avalue.span AS RANGE (subtype = float8);
CREATE DOMAIN avalue.positive AS int CHECK (VALUE > 0);
CREATE DOMAIN avalue.settings AS jsonb;
CREATE DOMAIN avalue.positives AS avalue.positive[];
CREATE EXTENSION hstore SCHEMA avalue;
CREATE TABLE avalue.kind (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, type text, input text);
-- A column of each type, with every way to change what it prints.
INSERT INTO avalue.kind (type, input) VALUES
	('boolean', 'true'), ('smallint', '-32768'), ('integer', '2147483647'), ('bigint', '-9223372036854775808'), ('avalue.positive', '7'), ('oid', '4294967295'),
	('numeric', '1.50'), ('numeric', '-0.000000000000000000001'), ('numeric', 'NaN'), ('numeric', 'Infinity'), ('numeric', '-Infinity'), ('numeric(6,2)', '12.5'), ('numeric', '1e30'),
	('real', '0.1'), ('real', 'NaN'), ('double precision', '0.1'), ('double precision', '1e-30'), ('double precision', '-Infinity'), ('double precision', '-0'), ('money', '-1234.56'),
	('text', ''), ('text', E'line\nbreak \\ "quote" \u0001 tab\t'), ('text', '***'), ('varchar(5)', 'abcde'), ('char(5)', 'ab'), ('"char"', 'x'), ('name', 'a name'), ('bytea', '\x00ff10'), ('text', 'Zoë 🙂'),
	('uuid', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'), ('date', '2024-02-29'), ('date', 'infinity'), ('date', '0046-03-15 BC'), ('time', '23:59:59.999999'), ('timetz', '04:05:06-08'), ('timestamp', '2026-03-29 02:30:00.5'), ('timestamp', '-infinity'),
	('timestamptz', '2026-07-01 12:00:00.25+02'), ('timestamptz', '2026-01-01 12:00+00'), ('timestamptz', 'infinity'), ('interval', '1 year 2 mons -3 days 04:05:06.7'), ('interval', '-00:00:01'),
	('jsonb', '{"b": [1, {"c": null}], "a": "x", "n": 1.10}'), ('jsonb', '"scalar"'), ('jsonb', 'null'), ('jsonb', '[]'), ('avalue.settings', '{"on": true}'),
	('json', '{"b":  1, "a": [true, "A"]}'), ('json', 'null'), ('json', '{"b": 1, "b": 2}'), ('json', '"NUL \u0000"'), ('json', '"half \ud83d"'), ('json', '[1e400000]'), ('json', '"\"1e5 is text\""'), ('json[]', '{"1","\"\\u0000\""}'),
	('xml', '<a b="c">text</a>'), ('bit(4)', '1010'), ('bit varying', '101'), ('inet', '192.168.0.1/24'), ('cidr', '10.0.0.0/8'), ('macaddr', '08:00:2b:01:02:03'), ('point', '(1.5,-2)'), ('polygon', '((0,0),(1,1),(1,0))'), ('tsvector', 'a:1 fat:2'), ('pg_lsn', '16/B374D848'),
	('avalue.mood', 'it''s "ok"'), ('avalue.pair', '(1,"a ""word""","2026-07-01 12:00:00+02")'), ('avalue.note', '("{""a"":""\\\\u0000""}","{""(1,x,)""}")'), ('int[]', '{{1,2},{3,NULL}}'), ('text[]', '{"a,b","c\"d",NULL}'), ('float8[]', '{0.1,NaN}'), ('timestamptz[]', '{2026-07-01 12:00+02}'), ('date[]', '{2024-02-29}'), ('money[]', '{1.5}'), ('bytea[]', '{"\\\\xff"}'), ('interval[]', '{1 mon}'), ('avalue.pair[]', '{"(1,w,\"2026-07-01 12:00+02\")"}'), ('avalue.positives', '{1,2}'),
	('int4range', '[1,5)'), ('tstzrange', '[2026-07-01 12:00+02,)'), ('daterange', 'empty'), ('avalue.span', '[0.1,0.3]'), ('int4multirange', '{[1,2),[5,6)}'),
	('regclass', 'avalue.kind'), ('regtype', 'avalue.mood'), ('regprocedure', 'pg_catalog.lower(text)'), ('regrole', 'bestauth_owner'), ('avalue.hstore', 'b=>1,a=>NULL,"c d"=>"\"x\""'), ('avalue.hstore[]', '{a=>1}');
SELECT format('CREATE TABLE avalue.thing (key int PRIMARY KEY, %s)', string_agg(format('c%s %s', id, type), ', ' ORDER BY id)) AS statement FROM avalue.kind \gset
:statement;
SELECT bestauth.audit_table('avalue.thing');
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET lc_monetary = 'C';
SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) AS before FROM pg_settings WHERE name IN ('TimeZone', 'DateStyle', 'IntervalStyle', 'search_path', 'extra_float_digits', 'bytea_output', 'lc_monetary') \gset
CREATE VIEW avalue.written AS SELECT audit_id, action, object_id, old_values, new_values FROM bestauth.audit_log WHERE object_type = 'avalue.thing';
DO $$ BEGIN EXECUTE format((SELECT format('INSERT INTO avalue.thing VALUES (%%s, %s)', string_agg(format('%L', input), ', ' ORDER BY id)) FROM avalue.kind), 1); END $$;
SELECT k.type, v.value FROM avalue.written w, jsonb_each(w.new_values) v JOIN avalue.kind k ON 'c' || k.id = v.key ORDER BY k.id;

-- The same whatever the session's settings: what is written at INSERT, UPDATE and DELETE, key
-- and values, is the same text.
CREATE TABLE avalue.setting (n int, name text, value text);
INSERT INTO avalue.setting VALUES (1, 'timezone', 'Pacific/Kiritimati'), (1, 'datestyle', 'German, DMY'), (1, 'intervalstyle', 'sql_standard'), (1, 'extra_float_digits', '-15'), (1, 'bytea_output', 'escape'), (1, 'search_path', 'avalue'),
	(2, 'timezone', 'America/St_Johns'), (2, 'datestyle', 'Postgres, MDY'), (2, 'intervalstyle', 'iso_8601'), (2, 'extra_float_digits', '3'), (2, 'quote_all_identifiers', 'on'), (2, 'standard_conforming_strings', 'off'),
	(3, 'timezone', 'America/New_York'), (3, 'datestyle', 'SQL, DMY'), (3, 'intervalstyle', 'postgres_verbose'), (3, 'extra_float_digits', '0'), (3, 'xmloption', 'document'), (3, 'search_path', 'pg_temp'), (3, 'default_toast_compression', 'pglz');
DO $$
DECLARE
	insert text := (SELECT format('INSERT INTO avalue.thing SELECT %%s, %s FROM avalue.thing WHERE key = 1', string_agg('c' || id, ', ' ORDER BY id)) FROM avalue.kind);
	s record;
	i int;
BEGIN
	FOR i IN 1..3 LOOP
		PERFORM set_config(name, value, true) FROM avalue.setting WHERE n = i;
		BEGIN -- where another locale is at hand
			PERFORM set_config('lc_monetary', CASE i WHEN 1 THEN 'de_DE.UTF-8' ELSE 'en_US.UTF-8' END, true);
		EXCEPTION WHEN OTHERS THEN
		END;
		EXECUTE format(insert, 10 + i);
		EXECUTE (SELECT format('UPDATE avalue.thing SET %s WHERE key = %s', string_agg(format('c%s = NULL', id), ', ' ORDER BY id), 10 + i) FROM avalue.kind);
		EXECUTE format('DELETE FROM avalue.thing WHERE key = %s', 10 + i);
		PERFORM set_config(name, reset_val, true) FROM pg_settings WHERE name IN (SELECT t.name FROM avalue.setting t WHERE n = i);
		PERFORM set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO, YMD', true);
	END LOOP;
END
$$;
SELECT action, count(*), count(DISTINCT (old_values - 'key')::text) AS old, count(DISTINCT (new_values - 'key')::text) AS new FROM avalue.written GROUP BY 1 ORDER BY 1;
SELECT (u.old_values - 'key')::text = (i.new_values - 'key')::text AS as_inserted FROM avalue.written i, avalue.written u WHERE i.object_id = '1' AND u.action = 'row.updated' AND u.object_id = '12';
-- Settings are the session's again.
SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) = :'before' AS as_before FROM pg_settings WHERE name IN ('TimeZone', 'DateStyle', 'IntervalStyle', 'search_path', 'extra_float_digits', 'bytea_output', 'lc_monetary');

-- Keys of types that print by a setting: object_id is the same for everybody.
CREATE TABLE avalue.keyed (d date, t timestamptz, b bytea, m money, i interval, f float8, c regclass, PRIMARY KEY (d, t, b, i, f));
SELECT bestauth.audit_table('avalue.keyed', '{d,t,b,i,f,c}');
CREATE TABLE avalue.dated (d date PRIMARY KEY);
SELECT bestauth.audit_table('avalue.dated');
DO $$
BEGIN
	FOR i IN 1..3 LOOP
		PERFORM set_config(name, value, true) FROM avalue.setting WHERE n = i;
		INSERT INTO avalue.keyed VALUES (date '2024-02-29', timestamptz '2026-07-01 12:00:00+02', '\xff', 1, interval '1' month, 0.1, 'avalue.keyed'::regclass);
		DELETE FROM avalue.keyed;
		INSERT INTO avalue.dated VALUES (date '2024-02-29');
		DELETE FROM avalue.dated;
		PERFORM set_config(name, reset_val, true) FROM pg_settings WHERE name IN (SELECT t.name FROM avalue.setting t WHERE n = i);
		PERFORM set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO, YMD', true);
	END LOOP;
END
$$;
SELECT object_type, object_id, count(*) FROM bestauth.audit_log WHERE object_type IN ('avalue.keyed', 'avalue.dated') GROUP BY 1, 2 ORDER BY 1;

--
-- What is large. A value over 1 MB is kept as its size and hash; an unchanged one is no change,
-- and one that is stored out of line is not even read for that.
--
CREATE TABLE avalue.large (id int PRIMARY KEY, v text, b bytea, note text);
ALTER TABLE avalue.large ALTER v SET STORAGE EXTERNAL;
SELECT bestauth.audit_table('avalue.large');
CREATE FUNCTION avalue.shown(v jsonb) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(format('%s: %s', key, CASE WHEN length(value) > 100 THEN length(value) || ' characters' ELSE value END), ', ' ORDER BY key) FROM jsonb_each_text(v) $$;
INSERT INTO avalue.large VALUES (1, repeat('a', 100000), '\x01', 'x'), (2, repeat('b', 1024 * 1024 - 4), NULL, 'x'), (3, repeat('c', 1024 * 1024 - 3), NULL, 'x'), (4, 'small', convert_to(repeat('d', 2000000), 'UTF8'), 'x');
SELECT 'c: ' || encode(sha256(convert_to(repeat('c', 1024 * 1024 - 3), 'UTF8')), 'hex') AS hash UNION ALL SELECT 'd: ' || encode(sha256(convert_to(repeat('d', 2000000), 'UTF8')), 'hex') ORDER BY 1;
UPDATE avalue.large SET note = 'y';
UPDATE avalue.large SET v = v || '', b = b;
UPDATE avalue.large SET v = v || '!' WHERE id IN (1, 3);
DELETE FROM avalue.large WHERE id = 2;
SELECT action, object_id, avalue.shown(old_values) AS old, avalue.shown(new_values) AS new FROM bestauth.audit_log WHERE object_type = 'avalue.large' ORDER BY audit_id;
CREATE FUNCTION avalue.fetched() RETURNS bigint LANGUAGE sql AS $$ SELECT pg_stat_get_xact_numscans(i.indexrelid) FROM pg_class c JOIN pg_index i ON i.indrelid = c.reltoastrelid WHERE c.oid = 'avalue.large'::regclass $$;
BEGIN;
SELECT avalue.fetched() AS fetched \gset
UPDATE avalue.large SET note = 'z', id = 9 WHERE id = 1;
SELECT avalue.fetched() - :fetched AS fetched;
UPDATE avalue.large SET v = v || '' WHERE id = 9;
SELECT avalue.fetched() > :fetched AS fetched;
ROLLBACK;
-- In what identifies the row it is 8 kB.
CREATE TABLE avalue.long_key (k text, id int);
SELECT bestauth.audit_table('avalue.long_key', '{id,k}');
INSERT INTO avalue.long_key VALUES (repeat('k', 8188), 1), (repeat('l', 8189), 2);
DELETE FROM avalue.long_key WHERE id = 2;
SELECT action, CASE WHEN object_id = '1,' || repeat('k', 8188) THEN 'whole' ELSE replace(object_id, encode(sha256(convert_to(repeat('l', 8189), 'UTF8')), 'hex'), '(its hash)') END AS id FROM bestauth.audit_log WHERE object_type = 'avalue.long_key' ORDER BY audit_id;
-- Many large ones in a row: together they have 64 MB.
SELECT format('CREATE TABLE avalue.wide (id int PRIMARY KEY, %s)', string_agg('v' || n || ' text', ', ')) AS statement FROM generate_series(1, 70) n \gset
:statement;
SELECT bestauth.audit_table('avalue.wide');
SELECT format('INSERT INTO avalue.wide SELECT 1, %s FROM (VALUES (repeat(''w'', 1000000))) v (v)', string_agg('v', ', ')) AS statement FROM generate_series(1, 70) n \gset
:statement;
SELECT count(*) FILTER (WHERE length(v.value) = 1000000) AS kept, count(*) FILTER (WHERE v.value = '1000000 bytes, sha256 ' || encode(sha256(convert_to(repeat('w', 1000000), 'UTF8')), 'hex')) AS hashed
FROM bestauth.audit_log a, jsonb_each_text(a.new_values) v WHERE object_type = 'avalue.wide';
-- What is small, and large as text: the number 1e131071 has 8 bytes. Such rows would fill the
-- memory of whoever reads or checks the audit, and no export could be made of them.
CREATE TABLE avalue.digits (id numeric PRIMARY KEY, j jsonb, n numeric[], r nummultirange, t jsonb);
SELECT bestauth.audit_table('avalue.digits');
CREATE FUNCTION avalue.numbers(many int) RETURNS numeric[] LANGUAGE sql AS $$ SELECT array_agg('1e131071'::numeric) FROM generate_series(1, many) $$;
INSERT INTO avalue.digits SELECT 1, jsonb_build_object('a', avalue.numbers(9000)), avalue.numbers(9000), '{[1e131071,2e131071]}', '[1e1000, 1.5]';
INSERT INTO avalue.digits SELECT 2, to_jsonb(avalue.numbers(63)), avalue.numbers(64), NULL, '5';
UPDATE avalue.digits SET id = '1e131071', j = j || '{"b": 1}' WHERE id = 1;
DELETE FROM avalue.digits WHERE id = 2;
CREATE FUNCTION avalue.brief(v text) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN length(v) > 100 THEN length(v) || ' characters' ELSE regexp_replace(v, 'sha256 [0-9a-f]{64}', 'sha256') END $$;
SELECT a.action, avalue.brief(a.object_id) AS object_id, v.key, avalue.brief(v.value) AS shown
FROM bestauth.audit_log a, jsonb_each_text(coalesce(a.new_values, a.old_values)) v WHERE object_type = 'avalue.digits' ORDER BY audit_id, v.key COLLATE "C";
-- 70 values with a megabyte of text each: together they have 64 MB.
SELECT format('CREATE TABLE avalue.many (id int PRIMARY KEY, %s)', string_agg('v' || n || ' jsonb', ', ')) AS statement FROM generate_series(1, 70) n \gset
:statement;
SELECT bestauth.audit_table('avalue.many');
SELECT format('INSERT INTO avalue.many SELECT 1, %s FROM (VALUES (to_jsonb(avalue.numbers(8)))) v (v)', string_agg('v', ', ')) AS statement FROM generate_series(1, 70) n \gset
:statement;
SELECT count(*) FILTER (WHERE length(v.value) > 1000000) AS kept, count(*) FILTER (WHERE v.value LIKE '% bytes, sha256 %') AS hashed
FROM bestauth.audit_log a, jsonb_each_text(a.new_values) v WHERE object_type = 'avalue.many';
-- A part of the key that is too long to be one as text alone.
CREATE TABLE avalue.text_key (b bytea, c int);
SELECT bestauth.audit_table('avalue.text_key', '{b,c}');
INSERT INTO avalue.text_key VALUES (decode(repeat('00', 4095), 'hex'), 1), (decode(repeat('00', 4096), 'hex'), 2);
SELECT avalue.brief(object_id) AS object_id FROM bestauth.audit_log WHERE object_type = 'avalue.text_key' ORDER BY audit_id;

--
-- hstore is as its cast to json says. A cast is a function of somebody's, who may do anything
-- in it: change the very table, for instance.
--
CREATE TYPE avalue.wild AS ENUM ('0', '1', '2', '50');
CREATE TABLE avalue.own (id int PRIMARY KEY, w avalue.wild, v text);
CREATE FUNCTION avalue.tame(w avalue.wild) RETURNS json LANGUAGE plpgsql AS $$
BEGIN
	IF w > '0' THEN
		INSERT INTO avalue.own VALUES (100 + w::text::int, CASE w WHEN '2' THEN '1' ELSE '0' END::avalue.wild, 'from the cast');
	END IF;
	RETURN json_build_object('tamed', w::text);
END
$$;
CREATE CAST (avalue.wild AS json) WITH FUNCTION avalue.tame(avalue.wild);
SELECT bestauth.audit_table('avalue.own');
INSERT INTO avalue.own VALUES (1, '2', 'outer one'), (2, '0', 'outer two');
SELECT action, object_id, new_values FROM bestauth.audit_log WHERE object_type = 'avalue.own' ORDER BY object_id;
CREATE TABLE avalue.hides (id int PRIMARY KEY, j json, w avalue.wild, big text);
SELECT bestauth.audit_table('avalue.hides', hidden => '{j,w,big}');
INSERT INTO avalue.hides VALUES (1, '"\u0000"', '50', repeat('x', 2000000)), (2, NULL, NULL, NULL);
UPDATE avalue.hides SET j = '"\u0001"', big = NULL WHERE id = 1;
SELECT action, object_id, old_values, new_values FROM bestauth.audit_log WHERE object_type = 'avalue.hides' ORDER BY audit_id;
SELECT count(*) AS by_the_cast FROM avalue.own WHERE id = 150;
-- [J-05] Nothing of it is anywhere in the log.
SELECT count(*) AS leaked FROM bestauth.audit_log a WHERE a.object_type = 'avalue.hides' AND a::text ~ '(u0000|u0001|xxxx|2000000|tamed)';
DROP CAST (avalue.wild AS json);

DROP SCHEMA avalue CASCADE;
