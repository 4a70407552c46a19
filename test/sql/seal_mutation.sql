-- [K-17] What a superuser changes in the log or in the chain, with the guards disabled:
-- column by column, and in every other way. Each change is made, checked and taken back;
-- what audit_verify says of it is here.
\set SHOW_CONTEXT never
-- In a database of its own: a log that no other test has written to.
SELECT current_database() AS home \gset
CREATE DATABASE regress_seal_mutation;
\c regress_seal_mutation
CREATE SCHEMA crypto;
CREATE EXTENSION pgcrypto SCHEMA crypto;
CREATE EXTENSION bestauth;
SELECT bestauth.open_instance();
SET bestauth.hash_cost = 10;
\getenv sources PG_ABS_SRCDIR
\set sealing :sources '/sealing.sql'
\set ECHO none
\i :sealing
\set ECHO all

-- A clinic, some of whose rows are sealed in blocks of their own.
SELECT bestauth.audit_seal() AS others;
SELECT bestauth.create_company('seal-mutation', 'Mutation') IS NOT NULL AS made;
SELECT bestauth.create_user('mia', 'standard', 'Mia', 'Mutant', 'mia@mutation.example', company => 'seal-mutation') IS NOT NULL AS made;
SELECT bestauth.audit_seal() > 3 AS sealed;
SELECT bestauth.update_user('mia', '{"title": "Dr."}', 'seal-mutation');
SELECT bestauth.lock_user('mia', company => 'seal-mutation');
-- and a row with every column filled, as a restore could bring it, with its right hash
BEGIN;
SELECT sealing.disarm();
INSERT INTO bestauth.audit_log (audit_id, occurred_at, transaction_at, transaction_id, system_id, format, company_id, company_code, user_id, username, person_id, person,
	billing_service_id, billing_service_code, session_id, emergency_id, db_role, client_addr, peer_addr, application_name, action, outcome, object_type, object_id, old_values, new_values, detail)
SELECT nextval('bestauth.audit_id_seq'), clock_timestamp(), now(), pg_current_xact_id(), system_id, format, gen_random_uuid(), 'seal-other', gen_random_uuid(), 'zoe', gen_random_uuid(), 'service/pia',
	gen_random_uuid(), 'service', gen_random_uuid(), gen_random_uuid(), 'app', '192.0.2.1', '192.0.2.2', 'psql', 'seal.full', 'denied', 'thing', '1', '{"a": 1}', '{"a": 2}', '{"b": null}'
FROM bestauth.audit_log ORDER BY audit_id DESC LIMIT 1;
UPDATE bestauth.audit_log a SET row_hash = sealing.row_hash(a) WHERE action = 'seal.full';
ALTER TABLE ONLY bestauth.audit_log ENABLE ALWAYS TRIGGER guard;
DO $$
DECLARE
	relation regclass;
BEGIN
	FOR relation IN SELECT 'bestauth.audit_block'::regclass UNION ALL SELECT relid FROM pg_partition_tree('bestauth.audit_log') WHERE isleaf LOOP
		EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER guard', relation);
	END LOOP;
END
$$;
COMMIT;
SELECT bestauth.audit_seal() > 2 AS sealed;
SELECT bestauth.create_role('Clerk', '{claims}', company => 'seal-mutation') IS NOT NULL AS made;
SELECT bestauth.audit_seal() > 1 AS sealed;
SELECT bestauth.create_role('Open', '{claims}', company => 'seal-mutation') IS NOT NULL AS not_sealed;
SELECT ok, reason FROM bestauth.audit_verify();

-- The rows and blocks that are changed, by names: full (a row with every column), other (another
-- row of its block), open (a row that is not sealed yet); the blocks first, middle (that of "full") and last.
CREATE TABLE sealing.mark AS
SELECT 'row ' || CASE WHEN action = 'seal.full' THEN 'full' WHEN action = 'user.locked' THEN 'other' ELSE 'open' END AS name, audit_id AS number
FROM bestauth.audit_log WHERE action = 'seal.full' OR company_code = 'seal-mutation' AND (action = 'user.locked' OR action = 'role.created' AND new_values IS NULL AND object_id LIKE '%Open%')
UNION ALL SELECT 'block ' || CASE block WHEN 1 THEN 'first' WHEN last THEN 'last' WHEN last - 1 THEN 'middle' WHEN last - 2 THEN 'before' END, block
FROM bestauth.audit_block, (SELECT max(block) AS last FROM bestauth.audit_block) m WHERE block = 1 OR block > last - 3
UNION ALL SELECT 'block after', max(block) + 1 FROM bestauth.audit_block
UNION ALL SELECT 'lowest', min(audit_id) FROM bestauth.audit_log;
SELECT name FROM sealing.mark ORDER BY name COLLATE "C";
SELECT bestauth.audit_digest() AS digest \gset
CREATE FUNCTION sealing.row(name text) RETURNS bigint LANGUAGE sql AS $$ SELECT number FROM sealing.mark WHERE mark.name = 'row ' || row.name $$;
CREATE FUNCTION sealing.block(name text) RETURNS bigint LANGUAGE sql AS $$ SELECT number FROM sealing.mark WHERE mark.name = 'block ' || block.name $$;

-- What audit_verify says once statements have been run; and then all is as before.
CREATE FUNCTION sealing.after(statements text[], digest jsonb DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	statement text;
	v record;
	sum text[];
BEGIN
	PERFORM sealing.disarm();
	FOREACH statement IN ARRAY statements LOOP
		EXECUTE statement;
	END LOOP;
	SELECT * INTO v FROM bestauth.audit_verify(digest);
	sum := regexp_match(v.reason, '^it was made over (-?\d+) rows with numbers -?\d+ to -?\d+, and (\d+) are there$');
	v.reason := CASE WHEN sum IS NULL THEN regexp_replace(regexp_replace(regexp_replace(v.reason, 'the row of \S+', 'the row'), '\d{4}-\d\d', '(month)'), 'at block \d+', 'at block N')
		ELSE 'it was made over N rows, and ' || CASE WHEN sum[2] = '0' THEN 'none' WHEN sum[1]::int < 1 THEN 'some' WHEN abs(sum[2]::int - sum[1]::int) > 3 THEN 'others' ELSE 'N' || to_char(sum[2]::int - sum[1]::int, 'SG9') END || ' are there' END;
	RAISE EXCEPTION USING ERRCODE = 'ST001', MESSAGE = CASE WHEN v.ok THEN 'fine' ELSE concat_ws(', ',
		CASE WHEN v.bad_audit_id IS NOT NULL THEN coalesce((SELECT name FROM sealing.mark WHERE name LIKE 'row%' AND number = v.bad_audit_id), 'row ?') END,
		CASE WHEN v.bad_block IS NOT NULL THEN coalesce((SELECT name FROM sealing.mark WHERE name LIKE 'block%' AND number = v.bad_block), 'block ?') END) || ': ' || v.reason END;
EXCEPTION WHEN SQLSTATE 'ST001' THEN
	RETURN SQLERRM;
WHEN OTHERS THEN
	RETURN 'refused: ' || regexp_replace(SQLERRM, 'y\d+m\d+', '(month)');
END
$$;
CREATE FUNCTION sealing.after(statement text, digest jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$ SELECT sealing.after(ARRAY[statement], digest) $$;
-- Every row with its right hash.
CREATE FUNCTION sealing.rehash_rows() RETURNS void LANGUAGE sql AS $$
	UPDATE bestauth.audit_log a SET row_hash = sealing.row_hash(a)
$$;
SELECT sealing.after('SELECT');
SELECT sealing.after('SELECT', :'digest');

--
-- Every column of a row that is sealed: another value, NULL, '' against NULL, a value
-- swapped with another row's.
--
CREATE FUNCTION sealing.change(type oid, name text) RETURNS text LANGUAGE sql AS $$
	SELECT format(CASE type WHEN 'text'::regtype THEN '%I || ''x''' WHEN 'uuid'::regtype THEN 'gen_random_uuid()' WHEN 'timestamptz'::regtype THEN '%I + interval ''1 microsecond'''
		WHEN 'jsonb'::regtype THEN '%I || ''{"x": 1}''' WHEN 'xid8'::regtype THEN '(%I::text::bigint + 1)::text::xid8' WHEN 'date'::regtype THEN '(%I + interval ''1 month'')::date'
		WHEN 'pg_snapshot'::regtype THEN '(pg_snapshot_xmin(%I) || '':'' || (pg_snapshot_xmax(%1$I)::text::bigint + 1) || '':'')::pg_snapshot'
		WHEN 'bytea'::regtype THEN 'set_bit(%I, 7, 1 - get_bit(%1$I, 7))' ELSE '%I + 1' END, name)
$$;
CREATE VIEW sealing.audit_column AS SELECT attrelid, attname, atttypid, attnum, attnotnull FROM pg_attribute WHERE attrelid IN ('bestauth.audit_log'::regclass, 'bestauth.audit_block'::regclass) AND attnum > 0 AND NOT attisdropped;
SELECT sealing.after(format('UPDATE bestauth.audit_log SET %I = %s WHERE audit_id = %s', attname, sealing.change(atttypid, attname), sealing.row('full'))) AS other, string_agg(attname, ' ' ORDER BY attnum) AS columns
FROM sealing.audit_column WHERE attrelid = 'bestauth.audit_log'::regclass AND attname <> 'audit_id' GROUP BY 1 ORDER BY 1;
-- Of a row that is not sealed yet too, by its hash.
SELECT sealing.after(format('UPDATE bestauth.audit_log SET %I = %s WHERE audit_id = %s', attname, sealing.change(atttypid, attname), sealing.row('open'))), count(*)
FROM sealing.audit_column WHERE attrelid = 'bestauth.audit_log'::regclass AND attname IN ('occurred_at', 'transaction_at', 'transaction_id', 'system_id', 'row_hash', 'company_id', 'company_code', 'db_role', 'application_name', 'action', 'outcome', 'object_type', 'object_id')
GROUP BY 1;
SELECT sealing.after(format('UPDATE bestauth.audit_log SET audit_id = %s WHERE audit_id = %s', number, sealing.row('full'))) AS audit_id FROM unnest('{0,-1,9223372036854775807}'::bigint[]) number;
SELECT sealing.after(ARRAY[CASE WHEN attnotnull THEN format('ALTER TABLE bestauth.audit_log ALTER %I DROP NOT NULL', attname) ELSE 'SELECT' END,
	format('UPDATE bestauth.audit_log SET %I = NULL WHERE audit_id = %s', attname, sealing.row('full'))]) AS "NULL", string_agg(attname, ' ' ORDER BY attnum) AS columns
FROM sealing.audit_column WHERE attrelid = 'bestauth.audit_log'::regclass AND attname <> 'audit_id' GROUP BY 1 ORDER BY 1;
SELECT sealing.after(ARRAY['ALTER TABLE bestauth.audit_log ALTER audit_id DROP NOT NULL', format('UPDATE bestauth.audit_log SET audit_id = NULL WHERE audit_id = %s', sealing.row('full'))]);
-- NULL made something that is no NULL.
CREATE TABLE sealing.null_column AS SELECT a.* FROM sealing.audit_column a, bestauth.audit_log l
WHERE attrelid = 'bestauth.audit_log'::regclass AND l.audit_id = sealing.row('other') AND to_jsonb(l) -> attname::text = 'null';
SELECT sealing.after(format('UPDATE bestauth.audit_log SET %I = %L WHERE audit_id = %s', attname, CASE atttypid WHEN 'text'::regtype THEN '' WHEN 'jsonb'::regtype THEN 'null' ELSE '00000000-0000-0000-0000-000000000000' END, sealing.row('other'))) AS empty, count(*) > 5 AS several
FROM sealing.null_column GROUP BY 1;
SELECT sealing.after(format('UPDATE bestauth.audit_log SET %I = ''%s'' WHERE audit_id = %s', attname, CASE atttypid WHEN 'text'::regtype THEN '' ELSE '{}' END, sealing.row('full'))), count(*)
FROM sealing.audit_column a WHERE attrelid = 'bestauth.audit_log'::regclass AND atttypid IN ('text'::regtype, 'jsonb'::regtype) GROUP BY 1;
-- What stands in one column moved to its neighbour.
SELECT sealing.after(format('UPDATE bestauth.audit_log SET %s WHERE audit_id = %s', assignments, sealing.row('full')))
FROM unnest('{"user_id = person_id, person_id = user_id","username = NULL, person = username","client_addr = peer_addr, peer_addr = client_addr","old_values = new_values, new_values = old_values","object_id = '''', object_type = object_type || object_id","username = left(username, 2), person = right(username, 1) || person","transaction_at = occurred_at, occurred_at = transaction_at"}'::text[]) assignments;
-- Values swapped between two rows.
SELECT replace(sealing.after(format('UPDATE bestauth.audit_log a SET %I = b.%1$I FROM bestauth.audit_log b WHERE a.audit_id IN (%s, %s) AND b.audit_id IN (%2$s, %3$s) AND a.audit_id <> b.audit_id', attname, sealing.row('full'), sealing.row('other'))), 'row other:', 'row full:') AS swapped,
	string_agg(attname, ' ' ORDER BY attnum) AS columns
FROM sealing.audit_column a WHERE attrelid = 'bestauth.audit_log'::regclass AND attname NOT IN ('format', 'system_id') GROUP BY 1;
-- The json of another form, which means the same to who reads it.
SELECT sealing.after(format('UPDATE bestauth.audit_log SET old_values = %L WHERE audit_id = %s', v, sealing.row('full'))) FROM unnest('{"{\"a\": 1}","{\"a\": 1.0}","{\"a\": \"1\"}","[{\"a\": 1}]"}'::text[]) v;
-- row_hash as something that is no hash.
SELECT sealing.after(format('UPDATE bestauth.audit_log SET row_hash = %s WHERE audit_id = %s', v, sealing.row('full'))) FROM unnest(ARRAY['''''', 'substr(row_hash, 1, 31)', 'row_hash || ''\x00''', '''\x00'' || row_hash', 'sha256(row_hash)']) v;

--
-- A row changed, and its hash made anew: the block's root knows it.
--
SELECT sealing.after(ARRAY[format('UPDATE bestauth.audit_log SET %I = %s WHERE audit_id = %s', attname, sealing.change(atttypid, attname), sealing.row('full')),
	'SELECT sealing.rehash_rows()']), string_agg(attname, ' ' ORDER BY attnum) AS columns
FROM sealing.audit_column WHERE attrelid = 'bestauth.audit_log'::regclass AND attname <> 'row_hash' GROUP BY 1 ORDER BY 1;
-- Two rows exchange their numbers, their times, or all but those; their hashes.
SELECT sealing.after(ARRAY[format('UPDATE bestauth.audit_log a SET %s FROM bestauth.audit_log b WHERE a.audit_id IN (%s, %s) AND b.audit_id IN (%2$s, %3$s) AND a.audit_id <> b.audit_id', assignments, sealing.row('full'), sealing.row('other')),
	CASE WHEN assignments LIKE 'row_hash%' THEN 'SELECT' ELSE 'SELECT sealing.rehash_rows()' END]) ~ '^(block middle: its rows are not those|row (full|other): the row has not)' AS exchange
FROM unnest('{audit_id = b.audit_id,occurred_at = b.occurred_at,"action = b.action, detail = b.detail","row_hash = b.row_hash"}'::text[]) assignments;
-- To another time: within the month, out of it. As if it were of another transaction, that is not sealed, or of another cluster.
SELECT sealing.after(ARRAY[format('UPDATE bestauth.audit_log SET %s WHERE audit_id = %s', assignments, sealing.row('full')), 'SELECT sealing.rehash_rows()'])
FROM unnest(ARRAY['occurred_at = occurred_at + interval ''1 microsecond''', 'occurred_at = occurred_at + interval ''800 hours''', 'transaction_id = pg_current_xact_id()', 'transaction_id = ''18446744073709551615''', 'transaction_id = ''3''',
	'system_id = 1', 'audit_id = 1']) assignments;

--
-- Rows removed, put in, moved.
--
SELECT sealing.after(format('DELETE FROM bestauth.audit_log WHERE audit_id = %s', sealing.row(name))) FROM unnest('{full,other}'::text[]) name;
SELECT sealing.after(format('DELETE FROM bestauth.audit_log WHERE audit_id IN (%s, %s)', sealing.row('full'), sealing.row('other')));
SELECT sealing.after(format('DELETE FROM bestauth.audit_log USING sealing.blocks_of_rows() r WHERE r.audit_id = audit_log.audit_id AND r.row_hash = audit_log.row_hash AND r.block = %s', sealing.block(name))) FROM unnest('{first,middle,last}'::text[]) name;
-- What is not sealed yet: docs/audit.md says so.
SELECT sealing.after(format('DELETE FROM bestauth.audit_log WHERE audit_id = %s', sealing.row('open')), :'digest');
-- The exact copy of a row; with another number; with another number and its right hash; one instead of another.
SELECT sealing.after(format('INSERT INTO bestauth.audit_log SELECT * FROM bestauth.audit_log WHERE audit_id = %s', sealing.row('full')));
CREATE TABLE sealing.copy (LIKE bestauth.audit_log);
SELECT sealing.after(ARRAY[format('INSERT INTO sealing.copy SELECT * FROM bestauth.audit_log WHERE audit_id = %s', sealing.row('full')), format('UPDATE sealing.copy SET audit_id = %s', number), 'INSERT INTO bestauth.audit_log SELECT * FROM sealing.copy'])
FROM (VALUES ('9000000000000'), ('0'), ((SELECT number::text FROM sealing.mark WHERE name = 'lowest'))) v (number);
SELECT sealing.after(ARRAY[format('INSERT INTO sealing.copy SELECT * FROM bestauth.audit_log WHERE audit_id = %s', sealing.row('full')), 'UPDATE sealing.copy SET audit_id = 9000000000000', 'INSERT INTO bestauth.audit_log SELECT * FROM sealing.copy',
	'SELECT sealing.rehash_rows()']);
SELECT sealing.after(ARRAY[format('DELETE FROM bestauth.audit_log WHERE audit_id = %s', sealing.row('other')), format('INSERT INTO sealing.copy SELECT * FROM bestauth.audit_log WHERE audit_id = %s', sealing.row('full')),
	format('UPDATE sealing.copy SET audit_id = %s', sealing.row('other')), 'INSERT INTO bestauth.audit_log SELECT * FROM sealing.copy', 'SELECT sealing.rehash_rows()']);
-- Put in with a transaction of now, it is as new as it says: sealed with what is new.
SELECT sealing.after(ARRAY[format('INSERT INTO sealing.copy SELECT * FROM bestauth.audit_log WHERE audit_id = %s', sealing.row('full')), 'UPDATE sealing.copy SET audit_id = 9000000000000, transaction_id = pg_current_xact_id()', 'INSERT INTO bestauth.audit_log SELECT * FROM sealing.copy',
	'SELECT sealing.rehash_rows()'], :'digest');
-- Not so if it could never be sealed: of another cluster, or of a transaction that there was not yet.
SELECT of, replace(sealing.after(ARRAY[format('INSERT INTO sealing.copy SELECT * FROM bestauth.audit_log WHERE audit_id = %s', sealing.row('full')), 'UPDATE sealing.copy SET audit_id = -1, ' || of, 'INSERT INTO bestauth.audit_log SELECT * FROM sealing.copy',
	'SELECT sealing.rehash_rows()']), 'row ?', 'that row') AS planted
FROM unnest('{system_id = 1,transaction_id = ''18446744073709551615'',transaction_id = (pg_current_xact_id()::text::bigint + 1000)::text::xid8}'::text[]) of;
-- A partition detached, dropped, put back empty, put back under another month; a row moved into another.
SELECT relid::regclass AS part, regexp_replace(pg_get_expr(relpartbound, oid), '^FOR VALUES ', '') AS bound FROM pg_partition_tree('bestauth.audit_log'), pg_class WHERE oid = relid AND relid = (SELECT tableoid FROM bestauth.audit_log WHERE action = 'seal.full') \gset
SELECT sealing.after(format('ALTER TABLE bestauth.audit_log DETACH PARTITION %s', :'part'));
SELECT sealing.after(format('DROP TABLE %s', :'part'));
SELECT sealing.after(ARRAY[format('ALTER TABLE bestauth.audit_log DETACH PARTITION %s', :'part'), format('CREATE TABLE sealing.empty PARTITION OF bestauth.audit_log FOR VALUES %s', :'bound')]);
SELECT sealing.after(ARRAY[format('ALTER TABLE bestauth.audit_log DETACH PARTITION %s', :'part'), format('CREATE TABLE sealing.other PARTITION OF bestauth.audit_log FOR VALUES %s', :'bound'), format('INSERT INTO sealing.other SELECT * FROM %s WHERE audit_id <> %s', :'part', sealing.row('full'))]);
SELECT sealing.after(ARRAY[format('ALTER TABLE bestauth.audit_log DETACH PARTITION %s', :'part'), format('UPDATE %s SET occurred_at = occurred_at - interval ''10000 days''', :'part'), format('UPDATE %s a SET row_hash = sealing.row_hash(ROW(a.*)::text::bestauth.audit_log)', :'part'),
	format('ALTER TABLE bestauth.audit_log ATTACH PARTITION %s FOR VALUES FROM (''1990-01-01'') TO (''2010-01-01'')', :'part')]);
SELECT sealing.after(ARRAY['CREATE TABLE sealing.rest PARTITION OF bestauth.audit_log DEFAULT', format('UPDATE bestauth.audit_log SET occurred_at = ''1990-05-05'' WHERE audit_id = %s', sealing.row('full'))]);
-- The same rows in one partition of two months: that is no change.
SELECT sealing.after(ARRAY[format('CREATE TABLE sealing.same (LIKE %s)', :'part'), format('INSERT INTO sealing.same SELECT * FROM %s', :'part'), format('ALTER TABLE bestauth.audit_log DETACH PARTITION %s', :'part'),
	format('ALTER TABLE bestauth.audit_log ATTACH PARTITION sealing.same FOR VALUES %s', :'bound')], :'digest');
-- A row of no time, from which there is no end of months to the others.
SELECT sealing.after(ARRAY['CREATE TABLE sealing.never PARTITION OF bestauth.audit_log FOR VALUES FROM (MINVALUE) TO (''1990-01-01'')', format('INSERT INTO sealing.never SELECT (jsonb_populate_record(a, %L)).* FROM bestauth.audit_log a WHERE audit_id = %s', '{"occurred_at": "-infinity"}', sealing.row('open'))]),
	sealing.after(ARRAY['CREATE TABLE sealing.never PARTITION OF bestauth.audit_log FOR VALUES FROM (''2500-01-01'') TO (MAXVALUE)', format('INSERT INTO sealing.never SELECT (jsonb_populate_record(a, %L)).* FROM bestauth.audit_log a WHERE audit_id = %s', '{"occurred_at": "infinity"}', sealing.row('open'))]);
SELECT sealing.after('TRUNCATE bestauth.audit_log');
SELECT sealing.after('TRUNCATE bestauth.audit_log, bestauth.audit_block'), sealing.after('TRUNCATE bestauth.audit_log, bestauth.audit_block', :'digest') AS with_digest;

--
-- The chain: every column of a block, and every block.
--
SELECT attname, sealing.after(format('UPDATE bestauth.audit_block SET %I = %s WHERE block = %s', attname, sealing.change(atttypid, attname), sealing.block('middle'))) AS other,
	sealing.after(ARRAY[CASE WHEN attnotnull AND attname <> 'block' THEN format('ALTER TABLE bestauth.audit_block ALTER %I DROP NOT NULL', attname) ELSE 'SELECT' END, format('UPDATE bestauth.audit_block SET %I = NULL WHERE block = %s', attname, sealing.block('middle'))]) AS "NULL"
FROM sealing.audit_column WHERE attrelid = 'bestauth.audit_block'::regclass AND attname <> 'block' ORDER BY attnum;
-- With the chain made anew from there on: what a block says has to be of its rows.
SELECT attname, sealing.after(ARRAY[format('UPDATE bestauth.audit_block SET %I = %s WHERE block = %s', attname, sealing.change(atttypid, attname), sealing.block('middle')), 'SELECT sealing.rehash_blocks()']) AS other,
	sealing.after(ARRAY[format('UPDATE bestauth.audit_block SET %I = %s WHERE block = %s', attname, sealing.change(atttypid, attname), sealing.block('middle')), 'SELECT sealing.rehash_blocks()'], :'digest') AS with_digest
FROM sealing.audit_column WHERE attrelid = 'bestauth.audit_block'::regclass AND attname <> 'block' ORDER BY attnum;
-- Other changes of the same kind.
SELECT assignments, sealing.after(ARRAY[format('UPDATE bestauth.audit_block SET %s WHERE block = %s', assignments, sealing.block('middle')), 'SELECT sealing.rehash_blocks()']) AS other
FROM unnest(ARRAY['month = month + 1', 'kind = ''purge''', 'kind = ''purge'', snapshot = NULL', 'snapshot = ''1:1:''', 'snapshot = (SELECT snapshot FROM bestauth.audit_block n WHERE n.block = audit_block.block + 1)', 'row_count = 0', 'row_count = -1',
	'root = root || ''\x00''', 'first_audit_id = last_audit_id', 'sealed_at = sealed_at - interval ''10000 days''']) assignments;
SELECT sealing.after('UPDATE bestauth.audit_block SET block_hash = block_hash || ''\x00'' WHERE block = 1'), sealing.after('UPDATE bestauth.audit_block SET previous_hash = ''\x00'' WHERE block = 1') AS first_has_previous,
	sealing.after(ARRAY['UPDATE bestauth.audit_block b SET previous_hash = '''' WHERE block = 1', 'UPDATE bestauth.audit_block b SET block_hash = sealing.block_hash(b) WHERE block = 1']) AS empty_previous;
-- Removed, put in, renumbered.
SELECT name, sealing.after(format('DELETE FROM bestauth.audit_block WHERE block = %s', sealing.block(name))) AS removed, sealing.after(format('DELETE FROM bestauth.audit_block WHERE block = %s', sealing.block(name)), :'digest') AS with_digest
FROM unnest('{first,middle,last}'::text[]) name;
SELECT sealing.after(ARRAY[format('DELETE FROM bestauth.audit_block WHERE block >= %s', sealing.block('middle')), 'SELECT bestauth.audit_seal()']) AS sealed_again, sealing.after(ARRAY[format('DELETE FROM bestauth.audit_block WHERE block >= %s', sealing.block('middle')), 'SELECT bestauth.audit_seal()'], :'digest') AS with_digest;
SELECT sealing.after(ARRAY[format('DELETE FROM bestauth.audit_block WHERE block = %s', sealing.block('middle')), format('UPDATE bestauth.audit_block SET block = block - 1 WHERE block = %s', sealing.block('last'))]) AS closed_up,
	sealing.after(ARRAY[format('DELETE FROM bestauth.audit_block WHERE block = %s', sealing.block('middle')), format('UPDATE bestauth.audit_block SET block = block - 1 WHERE block = %s', sealing.block('last')), 'SELECT sealing.rehash_blocks()']) AS and_rehashed;
SELECT sealing.after(format('UPDATE bestauth.audit_block SET block = %s WHERE block = %s', number, sealing.block(name))) FROM (VALUES ('0', 'first'), ('-1', 'middle'), ('9223372036854775807', 'last'), ('0', 'last')) v (number, name);
SELECT sealing.after(ARRAY[format('UPDATE bestauth.audit_block SET block = 0 WHERE block = %s', sealing.block('middle')), format('UPDATE bestauth.audit_block SET block = %s WHERE block = %s', sealing.block('middle'), sealing.block('last')), format('UPDATE bestauth.audit_block SET block = %s WHERE block = 0', sealing.block('last'))]) AS exchanged,
	sealing.after(ARRAY[format('UPDATE bestauth.audit_block SET block = 0 WHERE block = %s', sealing.block('middle')), format('UPDATE bestauth.audit_block SET block = %s WHERE block = %s', sealing.block('middle'), sealing.block('last')), format('UPDATE bestauth.audit_block SET block = %s WHERE block = 0', sealing.block('last')),
		'SELECT sealing.rehash_blocks()']) AS and_rehashed;
SELECT sealing.after('SELECT sealing.append(''rows'', month, now(), 1, snapshot) FROM bestauth.audit_block ORDER BY block DESC LIMIT 1') AS block_over_nothing,
	sealing.after('SELECT sealing.append(''rows'', month, now(), 0, snapshot) FROM bestauth.audit_block ORDER BY block DESC LIMIT 1') AS over_no_row,
	regexp_replace(sealing.after('SELECT sealing.append(''rows'', month, now(), 1, (pg_snapshot_xmax(pg_current_snapshot()) || '':'' || pg_snapshot_xmax(pg_current_snapshot()) || '':'')::pg_snapshot) FROM bestauth.audit_block ORDER BY block DESC LIMIT 1'), 'and \S+ are', 'and others are') AS over_the_open,
	sealing.after('SELECT sealing.append(''other'', month, now(), 1, snapshot) FROM bestauth.audit_block ORDER BY block DESC LIMIT 1') AS other_kind;
-- Says that the month was removed, six years after its end or not; with and without the rows.
SELECT sealed_at, rows, sealing.after(ARRAY[format('SELECT sealing.append(''purge'', month, %s, 1) FROM bestauth.audit_block ORDER BY block DESC LIMIT 1', sealed_at), CASE rows WHEN 'there' THEN 'SELECT' ELSE 'TRUNCATE bestauth.audit_log' END]) AS purge,
	sealing.after(ARRAY[format('SELECT sealing.append(''purge'', month, %s, 1) FROM bestauth.audit_block ORDER BY block DESC LIMIT 1', sealed_at), CASE rows WHEN 'there' THEN 'SELECT' ELSE 'TRUNCATE bestauth.audit_log' END], :'digest') AS with_digest
FROM unnest('{now(),''2999-01-01''}'::text[]) sealed_at, unnest('{there,removed}'::text[]) rows ORDER BY 1, 2;
-- Of a month of which the log knows nothing it may be said.
SELECT sealing.after('SELECT sealing.append(''purge'', ''1999-01-01'', now(), 1)'), sealing.after('SELECT sealing.append(''purge'', ''1999-01-02'', now(), 1)') AS no_month;

--
-- [K-08] Everything rewritten, down to the last hash: to itself it is good, and docs/audit.md says so;
-- a digest that was kept elsewhere shows it.
--
SELECT sealing.after('SELECT sealing.rewrite()', :'digest') AS rewritten_unchanged;
SELECT sealing.after(ARRAY[s, 'SELECT sealing.rewrite()']) AS rewritten, sealing.after(ARRAY[s, 'SELECT sealing.rewrite()'], :'digest') AS with_digest
FROM unnest(ARRAY[format('UPDATE bestauth.audit_log SET username = ''somebody'' WHERE audit_id = %s', sealing.row('full')), format('DELETE FROM bestauth.audit_log WHERE audit_id = %s', sealing.row('full')),
	format('INSERT INTO bestauth.audit_log SELECT * FROM bestauth.audit_log WHERE audit_id = %s', sealing.row('full')), 'UPDATE bestauth.audit_block SET sealed_at = sealed_at + interval ''1 second''']) s;

-- All of this left nothing.
SELECT ok, reason FROM bestauth.audit_verify(:'digest');
SELECT count(*) FROM bestauth.audit_log WHERE action = 'seal.full';
SELECT t.tgenabled, count(*) > 2 AS guards FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relname LIKE 'audit%' AND t.tgname = 'guard' GROUP BY 1;
SELECT bestauth.audit_seal() > 0 AS sealed;
SELECT ok, reason FROM bestauth.audit_verify(:'digest');
\c :home
DROP DATABASE regress_seal_mutation;
