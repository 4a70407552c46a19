-- Sealing and checking the audit: what is sealed, who may, and that no setting has a part
-- in it. What checking finds is in seal_mutation, and other sealers in iso_seal.
\set SHOW_CONTEXT never
\getenv sources PG_ABS_SRCDIR
\set sealing :sources '/sealing.sql'
\set ECHO none
\i :sealing
\set ECHO all

-- What every other test has written so far has the hash that docs/sealing.md says.
SELECT count(*) > 0 AS some, count(*) FILTER (WHERE row_hash IS DISTINCT FROM sealing.row_hash(a)) AS other_than_in_sql, count(*) FILTER (WHERE format <> 1) AS other_format
FROM bestauth.audit_log a;
SELECT bestauth.audit_seal() IS NOT NULL AS sealed;
SELECT bestauth.audit_seal();
SELECT ok, reason FROM bestauth.audit_verify();
SET client_min_messages = warning;
DROP SCHEMA sealing CASCADE;

-- In a database of its own: a log that no other test has written to.
SELECT current_database() AS home \gset
CREATE DATABASE regress_seal;
\c regress_seal
CREATE SCHEMA crypto;
CREATE EXTENSION pgcrypto SCHEMA crypto;
CREATE EXTENSION bestauth;
SELECT bestauth.open_instance();
SET bestauth.hash_cost = 10;
CREATE SCHEMA regress;
CREATE FUNCTION regress.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	rule text;
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM;
END
$$;
\set ECHO none
\i :sealing
\set ECHO all

-- One row of the log with every column filled, as a restore could bring it.
CREATE FUNCTION sealing.full_row() RETURNS bestauth.audit_log LANGUAGE plpgsql AS $$
DECLARE
	r bestauth.audit_log;
BEGIN
	SELECT * INTO r FROM bestauth.audit_log ORDER BY audit_id DESC LIMIT 1;
	r.audit_id := nextval('bestauth.audit_id_seq');
	r.transaction_id := pg_current_xact_id();
	r.transaction_at := now();
	r.occurred_at := clock_timestamp();
	r.company_id := gen_random_uuid();
	r.company_code := 'seal-full';
	r.user_id := gen_random_uuid();
	r.username := E'zo\u00eb';
	r.person_id := gen_random_uuid();
	r.person := 'seal-service/zoe';
	r.billing_service_id := gen_random_uuid();
	r.billing_service_code := 'seal-service';
	r.session_id := gen_random_uuid();
	r.emergency_id := gen_random_uuid();
	r.client_addr := '2001:db8::1';
	r.peer_addr := '192.0.2.1';
	r.application_name := E'tab\there, \\ and \U0001F511';
	r.action := 'seal.full';
	r.outcome := 'denied';
	r.object_type := 'a ''quoted'' "type"';
	r.object_id := E'line\nbreak';
	r.old_values := '{"b": 1.50, "a": null, "aa": [1e3, 1e-7, true, {"x": "\u00e9 \" \\ \n"}]}';
	r.new_values := '{"n": 12345678901234567890.0123456789, "z": "2026-11-22T00:00:00+00:00"}';
	r.detail := '"text"';
	r.row_hash := sealing.row_hash(r);
	RETURN r;
END
$$;

-- What is open: nothing sees this transaction's rows before its end.
SELECT bestauth.create_company('seal-clinic', 'Clinic') IS NOT NULL AS made;
SELECT bestauth.create_user('sam', 'standard', 'Sam', 'Seal', 'sam@seal.example', 'seven green boats of sam', company => 'seal-clinic') IS NOT NULL AS made;
SELECT bestauth.audit_seal() > 0 AS sealed;
SELECT bestauth.audit_seal();
SELECT count(*) AS sealed_twice_or_not_at_all FROM bestauth.audit_log a LEFT JOIN sealing.blocks_of_rows() USING (audit_id, row_hash) WHERE block IS NULL;
SELECT ok, rows_checked = (SELECT count(*) FROM bestauth.audit_log) AS every_row, blocks_checked = (SELECT count(*) FROM bestauth.audit_block) AS every_block,
	bad_audit_id, bad_block, reason FROM bestauth.audit_verify();
-- A run with nothing to seal makes no block, and takes no audit row.
SELECT max(block) AS head FROM bestauth.audit_block \gset
SELECT bestauth.audit_seal();
SELECT max(block) = :head AS same FROM bestauth.audit_block;
-- Rows of the sealing transaction itself are sealed by the next one.
BEGIN;
INSERT INTO bestauth.blocked_password (word) VALUES ('sealed here');
SELECT bestauth.audit_seal();
COMMIT;
SELECT bestauth.audit_seal();
-- A sealer that rolls back, and one that rolls back to a savepoint, has not sealed.
INSERT INTO bestauth.blocked_password (word) VALUES ('sealed there');
BEGIN;
SELECT bestauth.audit_seal();
ROLLBACK;
BEGIN;
SAVEPOINT a;
SELECT bestauth.audit_seal();
ROLLBACK TO a;
SELECT bestauth.audit_seal();
COMMIT;
-- Twice in one transaction: nothing is sealed twice.
INSERT INTO bestauth.blocked_password (word) VALUES ('sealed anywhere');
BEGIN;
SELECT bestauth.audit_seal(), bestauth.audit_seal();
SELECT bestauth.audit_seal();
COMMIT;
SELECT bestauth.audit_seal();
SELECT ok, reason FROM bestauth.audit_verify();
-- In a snapshot of before, in one transaction and in several.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) > 0 AS snapshot FROM bestauth.audit_log;
INSERT INTO bestauth.blocked_password (word) VALUES ('sealed later');
SELECT bestauth.audit_seal();
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT bestauth.audit_seal();
SELECT ok, reason FROM bestauth.audit_verify();
COMMIT;

-- [K-06] Numbers that were used by transactions which rolled back, or that somebody set
-- back, are no sign of anything.
SELECT last_value AS number FROM bestauth.audit_id_seq \gset
BEGIN;
INSERT INTO bestauth.blocked_password SELECT 'rolled back ' || i FROM generate_series(1, 50) i;
ROLLBACK;
BEGIN;
INSERT INTO bestauth.blocked_password (word) VALUES ('rolled back a');
SAVEPOINT a;
INSERT INTO bestauth.blocked_password SELECT 'rolled back b' || i FROM generate_series(1, 20) i;
ROLLBACK TO a;
INSERT INTO bestauth.blocked_password (word) VALUES ('rolled back c');
COMMIT;
SELECT bestauth.audit_seal();
SELECT setval('bestauth.audit_id_seq', 1) IS NOT NULL AS set_back;
INSERT INTO bestauth.blocked_password SELECT 'number ' || chr(96 + i) FROM generate_series(1, 5) i;
SELECT setval('bestauth.audit_id_seq', 1) IS NOT NULL AS set_back;
INSERT INTO bestauth.blocked_password SELECT 'number ' || chr(106 + i) FROM generate_series(1, 5) i;
SELECT setval('bestauth.audit_id_seq', :number + 1000) IS NOT NULL AS set_forth;
SELECT bestauth.audit_seal();
SELECT ok, reason FROM bestauth.audit_verify();
SELECT count(*) AS other_than_in_sql FROM bestauth.audit_block b LEFT JOIN sealing.blocks() s USING (block)
WHERE ROW (b.row_count, b.first_audit_id, b.last_audit_id, b.root) IS DISTINCT FROM ROW (s.row_count, s.first_audit_id, s.last_audit_id, s.root);

--
-- [K-02] No setting of who writes, seals or checks has a part in a hash. Computed here
-- in plain SQL, from docs/sealing.md, it is the same.
--
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'sql_standard';
SET bytea_output = 'escape';
SET extra_float_digits = -15;
SET xmloption = 'document';
SET lc_monetary = 'POSIX';
SET lc_numeric = 'POSIX';
SET lc_time = 'POSIX';
SET quote_all_identifiers = on;
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SET client_encoding = 'LATIN1';
SET search_path = pg_temp;
SET application_name = 'settings one';
SELECT count(*) FROM bestauth.create_payer('Settings', '{"a": 1.10, "b": [1e400, -0.0, 1E-2], "c": "\u00e9"}', 'seal-clinic');
SELECT bestauth.update_payer('Settings', '{"a": 100, "c": null}', 'seal-clinic');
INSERT INTO bestauth.session (token_hash, user_id, person_id, company_id, user_version, person_version, expires_at)
SELECT sha256('seal'), user_id, user_id, company_id, version, version, '13/12/2026 01:02:03.000004 +05:45' FROM bestauth.user_account WHERE username = 'sam';
SELECT outcome FROM bestauth.login('seal-clinic', 'sam', 'seven green boats of sam', client_addr => '2001:db8::2');
SELECT bestauth.audit_seal() > 3 AS sealed;
SELECT md5(string_agg(x::text, '' ORDER BY x::text COLLATE "C")) AS one FROM bestauth.audit_export() x WHERE x.object_id IS DISTINCT FROM 'audit_export' \gset
SELECT bestauth.audit_digest() - 'taken_at' AS digest_one \gset
SELECT ok, reason FROM bestauth.audit_verify();
SET TimeZone = 'America/New_York';
SET DateStyle = 'German';
SET IntervalStyle = 'iso_8601';
SET bytea_output = 'hex';
SET extra_float_digits = 3;
RESET lc_monetary;
RESET lc_numeric;
RESET lc_time;
SET standard_conforming_strings = on;
RESET client_encoding;
SET application_name = 'settings two';
SELECT ok, reason FROM bestauth.audit_verify();
SELECT ok, reason FROM bestauth.audit_verify(:'digest_one');
SELECT md5(string_agg(x::text, '' ORDER BY x::text COLLATE "C")) = :'one' AS same_export FROM bestauth.audit_export() x WHERE x.object_id IS DISTINCT FROM 'audit_export';
SELECT bestauth.audit_digest() - 'taken_at' = :'digest_one' AS same_digest;
SELECT count(*) > 3 AS some, count(*) FILTER (WHERE row_hash <> sealing.row_hash(a)) AS other_than_in_sql FROM bestauth.audit_log a WHERE application_name = 'settings one';
RESET ALL;
SELECT count(*) > 10 AS some, count(*) FILTER (WHERE row_hash IS DISTINCT FROM sealing.row_hash(a)) AS other_than_in_sql, count(*) FILTER (WHERE format <> 1) AS other_format
FROM bestauth.audit_log a;
SELECT count(*) FILTER (WHERE b.block_hash IS DISTINCT FROM sealing.block_hash(b) OR b.previous_hash IS DISTINCT FROM p.block_hash) AS other_than_in_sql
FROM bestauth.audit_block b LEFT JOIN bestauth.audit_block p ON p.block = b.block - 1;
-- With every column filled the same: with the hash of SQL the row is right, with a bit
-- of it changed, or of any column, it is not.
BEGIN;
SELECT sealing.disarm();
INSERT INTO bestauth.audit_log SELECT * FROM sealing.full_row();
SELECT count(*) AS columns_not_filled FROM bestauth.audit_log a, LATERAL jsonb_each(to_jsonb(a)) e WHERE action = 'seal.full' AND e.value = 'null';
SELECT ok, reason FROM bestauth.audit_verify();
UPDATE bestauth.audit_log SET row_hash = set_bit(row_hash, 255, 1 - get_bit(row_hash, 255)) WHERE action = 'seal.full';
SELECT ok, bad_audit_id = (SELECT audit_id FROM bestauth.audit_log WHERE action = 'seal.full') AS that_row, bad_block FROM bestauth.audit_verify();
ROLLBACK;

--
-- [K-10] A column that comes later: rows of before have the hashes of before, and new ones
-- are sealed as ever. A row of another format is not taken for right.
--
SELECT bestauth.audit_seal() >= 0 AS sealed;
BEGIN;
ALTER TABLE bestauth.audit_log ADD COLUMN later text;
ALTER TABLE bestauth.audit_log ADD COLUMN later_filled int NOT NULL DEFAULT 7;
SELECT ok, reason FROM bestauth.audit_verify();
INSERT INTO bestauth.blocked_password (word) VALUES ('a later word');
SELECT ok, reason FROM bestauth.audit_verify();
SELECT bestauth.audit_seal();
ROLLBACK;
BEGIN;
SELECT sealing.disarm();
INSERT INTO bestauth.audit_log SELECT * FROM sealing.full_row();
UPDATE bestauth.audit_log a SET format = 2 WHERE action = 'seal.full';
UPDATE bestauth.audit_log a SET row_hash = sealing.row_hash(a) WHERE action = 'seal.full';
SELECT ok, bad_audit_id = (SELECT audit_id FROM bestauth.audit_log WHERE action = 'seal.full') AS that_row, regexp_replace(reason, 'of \S+ has', 'of (time) has') AS reason
FROM bestauth.audit_verify();
ROLLBACK;

--
-- [N-19] What rewrites a table or its indexes changes nothing of it, nor does a plan
-- that was kept from before.
--
PREPARE verify AS SELECT ok, reason FROM bestauth.audit_verify();
PREPARE seal AS SELECT bestauth.audit_seal() > 0 AS sealed;
INSERT INTO bestauth.blocked_password (word) VALUES ('word to be moved');
EXECUTE seal;
EXECUTE verify;
SELECT c.oid::regclass AS part, i.indexrelid AS part_index FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid
WHERE c.oid = (SELECT tableoid FROM bestauth.audit_log ORDER BY audit_id DESC LIMIT 1) AND pg_get_indexdef(i.indexrelid) LIKE '%(transaction_id)%' \gset
SELECT max(occurred_at) AS mark FROM bestauth.audit_log \gset
SELECT md5(string_agg(a::text, '' ORDER BY audit_id, row_hash)) AS contents FROM bestauth.audit_log a WHERE occurred_at <= :'mark' \gset
VACUUM FULL :part;
VACUUM FULL bestauth.audit_block;
EXECUTE verify;
\set ECHO none
SELECT format('CLUSTER %s USING %I', :'part', relname) FROM pg_class WHERE oid = :part_index \gexec
\set ECHO all
CLUSTER bestauth.audit_block USING audit_block_pkey;
EXECUTE verify;
SET client_min_messages = warning;
REINDEX SCHEMA bestauth;
RESET client_min_messages;
EXECUTE verify;
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE regress_seal_space LOCATION '';
ALTER TABLE :part SET TABLESPACE regress_seal_space;
ALTER TABLE bestauth.audit_block SET TABLESPACE regress_seal_space;
EXECUTE verify;
SELECT md5(string_agg(a::text, '' ORDER BY audit_id, row_hash)) = :'contents' AS same FROM bestauth.audit_log a WHERE occurred_at <= :'mark';
INSERT INTO bestauth.blocked_password (word) VALUES ('moved word');
EXECUTE seal;
EXECUTE verify;
ALTER TABLE :part SET TABLESPACE pg_default;
ALTER TABLE bestauth.audit_block SET TABLESPACE pg_default;
DROP TABLESPACE regress_seal_space;
-- The key of the chain gone and made anew.
ALTER TABLE bestauth.audit_block DROP CONSTRAINT audit_block_pkey;
EXECUTE verify;
ALTER TABLE bestauth.audit_block ADD PRIMARY KEY (block);
EXECUTE verify;
DEALLOCATE verify;
DEALLOCATE seal;

--
-- The digest, and what is none.
--
SELECT ok, reason FROM bestauth.audit_verify(bestauth.audit_digest());
SELECT (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(d) k) AS keys, d ->> 'format' AS format, d ->> 'instance' AS instance, d ->> 'database' = current_database() AS database,
	(d ->> 'block')::bigint = (SELECT max(block) FROM bestauth.audit_block) AS head, decode(d ->> 'block_hash', 'hex') = (SELECT block_hash FROM bestauth.audit_block ORDER BY block DESC LIMIT 1) AS hash,
	(d ->> 'sealed_at')::timestamptz = (SELECT sealed_at FROM bestauth.audit_block ORDER BY block DESC LIMIT 1) AS sealed_at, (d ->> 'taken_at')::timestamptz BETWEEN now() AND clock_timestamp() AS taken_at
FROM bestauth.audit_digest() d;
SELECT d, regress.attempt(format('SELECT * FROM bestauth.audit_verify(%L)', d)) FROM unnest(ARRAY['{}', 'null', '[]', '"x"', '{"block": 1}', '{"block": 0, "block_hash": "' || repeat('0', 64) || '"}',
	'{"block": -1, "block_hash": "' || repeat('0', 64) || '"}', '{"block": "x", "block_hash": "' || repeat('0', 64) || '"}', '{"block": 99999999999999999999, "block_hash": "' || repeat('0', 64) || '"}',
	'{"block": 1.5, "block_hash": "' || repeat('0', 64) || '"}', '{"block": 1, "block_hash": "' || repeat('0', 63) || '"}', '{"block": 1, "block_hash": "' || repeat('G', 64) || '"}',
	'{"block": 1, "block_hash": "' || repeat('0', 64) || E'\\n"}', '{"block": 1, "block_hash": null}']) d;
-- Those of every block that there was are good, and none else.
SELECT count(*) > 5 AS some, bool_and((bestauth.audit_verify(jsonb_build_object('block', block, 'block_hash', encode(block_hash, 'hex')))).ok) AS good,
	bool_or((bestauth.audit_verify(jsonb_build_object('block', block, 'block_hash', encode(previous_hash, 'hex')))).ok) AS with_that_of_before
FROM (SELECT * FROM bestauth.audit_block WHERE block > 1 ORDER BY block DESC LIMIT 6) b;
SELECT block AS last FROM bestauth.audit_block ORDER BY block DESC LIMIT 1 \gset
SELECT ok, bad_block = :last + 1 AS next, regexp_replace(reason, '\d+', '(last)') AS reason FROM bestauth.audit_verify(jsonb_build_object('block', :last + 1, 'block_hash', repeat('0', 64)));

-- What a period has: months, whole.
SELECT ok, rows_checked, blocks_checked = :last AS chain, reason FROM bestauth.audit_verify(since => '2999-01-01');
SELECT ok, rows_checked, blocks_checked = :last AS chain, reason FROM bestauth.audit_verify(until => '1999-01-01');
SELECT ok, rows_checked, reason FROM bestauth.audit_verify(NULL, '2999-01-01', '1999-01-01');
SELECT ok, rows_checked = (SELECT count(*) FROM bestauth.audit_log) AS all FROM bestauth.audit_verify(NULL, '-infinity', 'infinity');
SELECT ok, rows_checked = (SELECT count(*) FROM bestauth.audit_log WHERE occurred_at >= date_trunc('month', clock_timestamp(), 'UTC')) AS of_this_month
FROM bestauth.audit_verify(since => clock_timestamp());
SELECT ok, rows_checked = 0 AS none_of_this_month FROM bestauth.audit_verify(until => date_trunc('month', (SELECT min(occurred_at) FROM bestauth.audit_log), 'UTC'));
SET default_transaction_isolation = 'read committed';
SELECT kind, count(*) = (SELECT count(*) FROM bestauth.audit_block) AS as_blocks, count(*) = (SELECT count(*) + 1 FROM bestauth.audit_log) AS as_rows_and_its_own, count(*) = 1 AS one
FROM bestauth.audit_export() GROUP BY kind ORDER BY kind COLLATE "C";
SELECT kind, month, snapshot FROM bestauth.audit_export('2999-01-15 00:00+00', '2999-03-01 00:00:00+00');
SELECT kind, month, snapshot FROM bestauth.audit_export('2999-01-15 00:00+00', '2999-03-01 00:00:00.000001+00');
-- A side that is open goes to the end of the log.
SELECT kind, month = to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM') AS this_month, snapshot FROM bestauth.audit_export(until => '2999-01-01 00:00+00') WHERE kind = 'months';
SELECT kind, month, snapshot FROM bestauth.audit_export(until => '1999-01-01 00:00+00');
SELECT kind, month, snapshot = to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM') AS this_month FROM bestauth.audit_export(since => '1999-01-15 00:00+00') WHERE kind = 'months';
SELECT kind, month, snapshot FROM bestauth.audit_export(since => '2999-01-15 00:00+00');
SELECT kind, month, snapshot FROM bestauth.audit_export('-infinity', 'infinity') WHERE kind = 'months';
-- Infinity on the other side is no whole log, and what has no month no file.
SELECT regress.attempt(format('SELECT count(*) FROM bestauth.audit_export(%s)', ends)) FROM unnest(ARRAY[$$'infinity'$$, $$until => '-infinity'$$, $$'0001-12-31 23:00+00 BC'$$, $$'0001-01-01 00:00+00'$$, $$until => '10000-01-01 00:00+00'$$, $$until => '9999-12-31 23:59:59+00'$$]) WITH ORDINALITY e (ends, n) ORDER BY n;

--
-- Who may. [AUD-6] The auditor reads and checks, the operator and the mailer seal, and
-- only who was given retention removes.
--
CREATE ROLE regress_seal_nobody;
CREATE ROLE regress_seal_application;
CREATE ROLE regress_seal_reader;
CREATE ROLE regress_seal_operator;
CREATE ROLE regress_seal_auditor;
CREATE ROLE regress_seal_mailer;
CREATE ROLE regress_seal_retention;
CREATE ROLE regress_seal_writer;
SELECT count(bestauth.grant_access(('regress_seal_' || access)::regrole, access)) FROM unnest('{application,reader,operator,auditor,mailer,retention}'::text[]) access;
GRANT pg_write_all_data, pg_read_all_data TO regress_seal_writer;
GRANT USAGE ON SCHEMA regress TO regress_seal_nobody, regress_seal_application, regress_seal_reader, regress_seal_operator, regress_seal_auditor, regress_seal_mailer, regress_seal_retention, regress_seal_writer, bestauth_owner;
CREATE FUNCTION sealing.attempt_as(role_name text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SET ROLE %I', role_name);
	result := regress.attempt(statement);
	RESET ROLE;
	RETURN regexp_replace(regexp_replace(result, '^(\S+)( \[[^]]*\])? .*', '\1\2'), '^done$', 'yes');
END
$$;
SELECT replace(role, current_user, 'superuser') AS role, sealing.attempt_as(role, 'SELECT bestauth.audit_seal()') AS audit_seal,
	sealing.attempt_as(role, 'SELECT bestauth.audit_digest()') AS audit_digest, sealing.attempt_as(role, 'SELECT * FROM bestauth.audit_verify()') AS audit_verify,
	sealing.attempt_as(role, 'SELECT * FROM bestauth.audit_export()') AS audit_export, sealing.attempt_as(role, 'SELECT bestauth.audit_purge(''2000-01-01'')') AS audit_purge,
	sealing.attempt_as(role, 'SELECT FROM bestauth.audit_block') AS audit_block, sealing.attempt_as(role, 'SELECT FROM bestauth.digest_use') AS digest_use
FROM (SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'regress\_seal\_%' UNION ALL VALUES ('bestauth_owner'), (current_user::text)) r (role)
ORDER BY role NOT LIKE 'regress%', role = current_user, role COLLATE "C";
-- Read by the auditor and the operator alone, whatever else somebody was given.
SELECT replace(role, 'regress_seal_', '') AS role, sealing.attempt_as(role, 'SELECT 1 / count(*) FROM bestauth.audit_block') AS some_of_audit_block
FROM unnest('{regress_seal_auditor,regress_seal_operator,regress_seal_writer}'::text[]) role;

--
-- [J-08] Nobody writes the chain, or the log, by SQL.
--
SELECT tableoid::regclass AS part FROM bestauth.audit_log ORDER BY occurred_at DESC LIMIT 1 \gset
SELECT md5(string_agg(b::text, '' ORDER BY block)) AS chain FROM bestauth.audit_block b WHERE block <= :last \gset
SELECT md5(string_agg(a::text, '' ORDER BY audit_id, row_hash)) AS log FROM bestauth.audit_log a WHERE application_name = 'settings one' \gset
CREATE FUNCTION sealing.tampers(role text, OUT relation text, OUT statement text, OUT result text) RETURNS SETOF record LANGUAGE sql AS $$
	SELECT relation, statement, sealing.attempt_as(role, format(statement, relation, CASE WHEN relation LIKE '%block' THEN block ELSE log END))
	FROM (VALUES ('bestauth.audit_block'), ('bestauth.audit_log'), ((SELECT max(relid::regclass::text) FROM pg_partition_tree('bestauth.audit_log') p WHERE p.isleaf))) r (relation),
		(VALUES ('UPDATE %s SET format = 1'), ('UPDATE %s SET format = format WHERE false'), ('WITH x AS (UPDATE %s SET format = 2 RETURNING 1) SELECT FROM x'), ('DELETE FROM %s'), ('DELETE FROM ONLY %s'),
			('TRUNCATE %s'), ('TRUNCATE %s CASCADE'), ('INSERT INTO %s SELECT * FROM %1$s LIMIT 1'), ('INSERT INTO %s %s'), ('INSERT INTO %s %s ON CONFLICT DO NOTHING'),
			('MERGE INTO %s t USING (SELECT) s ON true WHEN MATCHED THEN DELETE'), ('MERGE INTO %s t USING (SELECT) s ON true WHEN MATCHED THEN UPDATE SET format = 1'),
			('MERGE INTO %s t USING (SELECT) s ON false WHEN NOT MATCHED THEN INSERT DEFAULT VALUES'), ('COPY %s FROM PROGRAM ''true''')) s (statement),
		(VALUES ('(block, format, kind, month, system_id, row_count, sealed_at, block_hash) VALUES (99999999, 1, ''purge'', ''2020-01-01'', 1, 1, now(), ''x'')',
			'(audit_id, occurred_at, transaction_at, transaction_id, system_id, format, db_role, action, outcome) VALUES (1, now(), now(), ''1'', 1, 1, ''x'', ''x'', ''x'')')) v (block, log)
$$;
SELECT replace(role, current_user, 'superuser') AS role, CASE WHEN result IN ('42501', '23514 [AUD-3]') THEN 'refused' ELSE result END AS result, count(*) AS statements
FROM (SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'regress\_seal\_%' UNION ALL VALUES ('bestauth_owner'), (current_user::text)) r (role), sealing.tampers(role)
GROUP BY r.role, 2 ORDER BY r.role NOT LIKE 'regress%', r.role = current_user, r.role COLLATE "C", 2;
-- Nor a superuser whose session does as a replica, or puts rows by COPY.
SET session_replication_role = replica;
SELECT result, count(*) AS statements FROM sealing.tampers(current_user::text) GROUP BY 1 ORDER BY 1;
RESET session_replication_role;
COPY bestauth.audit_block FROM STDIN;
\.
COPY bestauth.audit_log FROM STDIN;
\.
-- A guard is disarmed by no role that somebody can be, but a superuser.
SELECT sealing.attempt_as(role, 'ALTER TABLE bestauth.audit_block DISABLE TRIGGER guard') AS disarm, pg_has_role(role, 'bestauth_owner', 'MEMBER') AS is_owner
FROM (SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'regress\_seal\_%') r (role) GROUP BY 1, 2;
-- No lock on them is to be had either, which would hold up everybody.
SELECT DISTINCT sealing.attempt_as(role, format('LOCK TABLE %s IN ROW EXCLUSIVE MODE', relation)) AS lock
FROM (SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'regress\_seal\_%' AND rolname <> 'regress_seal_writer') r (role), unnest('{bestauth.audit_block,bestauth.audit_log}'::text[]) relation;
SELECT md5(string_agg(b::text, '' ORDER BY block)) = :'chain' AS same_chain FROM bestauth.audit_block b WHERE block <= :last;
SELECT md5(string_agg(a::text, '' ORDER BY audit_id, row_hash)) = :'log' AS same_log FROM bestauth.audit_log a WHERE application_name = 'settings one';

-- In READ ONLY there is the digest, and it is checked; nothing is sealed or removed.
BEGIN READ ONLY;
SELECT bestauth.audit_digest() ->> 'block' IS NOT NULL AS digest, (SELECT ok FROM bestauth.audit_verify()) AS ok;
SELECT regress.attempt('SELECT bestauth.audit_seal()');
SELECT sealing.attempt_as('regress_seal_retention', 'SELECT bestauth.audit_purge(''2000-01-01'')');
ROLLBACK;
-- A digest that was taken is noted, once for all.
SELECT bestauth.audit_digest() IS NOT NULL AS taken;
SELECT count(*), max(block) = (SELECT max(block) FROM bestauth.audit_block) AS head, max(taken_at) > now() - interval '1 hour' AS noted FROM bestauth.digest_use;

--
-- [K-18] health turns red when nobody took the head away for a day, and [N-16] when rows wait
-- for more than five minutes to be sealed.
--
CREATE FUNCTION pg_temp.health() RETURNS TABLE (sealed boolean, digest boolean) LANGUAGE sql AS $$
	SELECT (SELECT ok FROM bestauth.health WHERE check_name = 'audit_sealed'), (SELECT ok FROM bestauth.health WHERE check_name = 'audit_digest')
$$;
SELECT bestauth.audit_seal() IS NOT NULL AS sealed;
SELECT * FROM pg_temp.health();
BEGIN;
UPDATE bestauth.digest_use SET taken_at = clock_timestamp() - interval '24 hours' + interval '2 minutes';
SELECT * FROM pg_temp.health();
UPDATE bestauth.digest_use SET taken_at = clock_timestamp() - interval '24 hours';
SELECT * FROM pg_temp.health();
SELECT bestauth.audit_digest() IS NOT NULL AS taken;
SELECT * FROM pg_temp.health();
-- Never, and the first block is of yesterday.
DELETE FROM bestauth.digest_use;
SELECT * FROM pg_temp.health();
SELECT sealing.disarm();
UPDATE bestauth.audit_block SET sealed_at = sealed_at - interval '24 hours' WHERE block = 1;
SELECT * FROM pg_temp.health();
ROLLBACK;
BEGIN;
SELECT sealing.disarm();
CREATE TABLE sealing.before PARTITION OF bestauth.audit_log DEFAULT;
INSERT INTO bestauth.audit_log SELECT * FROM sealing.full_row();
UPDATE bestauth.audit_log SET occurred_at = clock_timestamp() - interval '4 minutes' WHERE action = 'seal.full';
SELECT * FROM pg_temp.health();
UPDATE bestauth.audit_log SET occurred_at = clock_timestamp() - interval '5 minutes' WHERE action = 'seal.full';
SELECT * FROM pg_temp.health();
ROLLBACK;
-- Also before the first block.
BEGIN;
SELECT sealing.disarm();
CREATE TABLE sealing.before PARTITION OF bestauth.audit_log DEFAULT;
DELETE FROM bestauth.audit_block;
SELECT * FROM pg_temp.health();
UPDATE bestauth.audit_log SET occurred_at = occurred_at - interval '5 minutes';
SELECT * FROM pg_temp.health();
ROLLBACK;

SELECT ok, reason FROM bestauth.audit_verify();
\c :home
DROP DATABASE regress_seal;
DROP ROLE regress_seal_nobody, regress_seal_application, regress_seal_reader, regress_seal_operator, regress_seal_auditor, regress_seal_mailer, regress_seal_retention, regress_seal_writer;
