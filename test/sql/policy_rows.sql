-- The rows of a policy: can_access_company() lets the planner use the table's indexes,
-- whichever there are, and must never change what a query returns, nor in which order.
-- Every shape of query, by every plan, against the same query by hand without a policy.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA policy_rows;
CREATE ROLE regress_policy_rows;
GRANT USAGE ON SCHEMA policy_rows TO regress_policy_rows;
RESET client_min_messages;
DO $$
BEGIN
	PERFORM bestauth.grant_access('regress_policy_rows', 'application');
	PERFORM bestauth.create_company('prow', 'Parent');
	PERFORM bestauth.create_company('prow-' || i, 'Child ' || i, 'prow') FROM generate_series(1, 46) i;
	PERFORM bestauth.create_company('prow-far' || i, 'Far ' || i) FROM generate_series(1, 12) i;
	-- Nothing keeps an id from being at the end of all.
	INSERT INTO bestauth.company (company_id, code, name, parent_id)
	SELECT id, 'prow-' || n, n, company_id FROM bestauth.company, (VALUES ('zero', '00000000-0000-0000-0000-000000000000'::uuid), ('last', 'ffffffff-ffff-ffff-ffff-ffffffffffff')) v (n, id) WHERE code = 'prow';
	PERFORM bestauth.create_role('Forty', '{claims}', (SELECT array_agg('prow-' || i) FROM generate_series(1, 39) i), company => 'prow');
	PERFORM bestauth.create_user('one', 'standard', 'One', 'O', 'one@prow.example', 'seven green boats of one', permissions => '{claims}', company => 'prow');
	PERFORM bestauth.create_user('two', 'standard', 'Two', 'T', 'two@prow.example', 'seven green boats of two', permissions => '{claims}', company => 'prow');
	PERFORM bestauth.create_user('forty', 'standard', 'Forty', 'F', 'forty@prow.example', 'seven green boats of forty', roles => '{Forty}', company => 'prow');
	PERFORM bestauth.create_user('all', 'company_administrator', 'All', 'A', 'all@prow.example', 'seven green boats of all', company => 'prow');
	PERFORM bestauth.assign_company('two', 'prow-zero', company => 'prow');
END
$$;
CREATE TABLE policy_rows.who AS SELECT name, token, ARRAY[]::uuid[] AS ids FROM (VALUES ('nobody', NULL::text)) v (name, token)
	UNION ALL SELECT u, session_token, '{}' FROM unnest('{one,two,forty,all}'::text[]) u, LATERAL bestauth.login('prow', u, 'seven green boats of ' || u);
-- By hand: what each may enter, from the tables.
UPDATE policy_rows.who w SET ids = ARRAY(SELECT c.company_id FROM bestauth.company c WHERE c.code = 'prow' AND w.name <> 'nobody'
	UNION SELECT d.child_id FROM bestauth.user_company d JOIN bestauth.user_account u USING (user_id) WHERE u.email = w.name || '@prow.example'
	UNION SELECT r.child_id FROM bestauth.role_company r JOIN bestauth.user_role USING (role_id) JOIN bestauth.user_account u USING (user_id) WHERE u.email = w.name || '@prow.example'
	UNION SELECT c.company_id FROM bestauth.company c WHERE c.code ~ '^prow-(\d+|zero|last)$' AND w.name = 'all');
SELECT name, cardinality(ids) FROM policy_rows.who;

-- Claims of 62 companies, of one that nobody knows, and of none. Lines of some of them, and
-- lists of everything: the one with a policy, the other without.
CREATE TABLE policy_rows.claim (id int PRIMARY KEY, company_id uuid, made timestamptz, number int, amount int, note text);
INSERT INTO policy_rows.claim
SELECT i, CASE WHEN i % 64 < 62 THEN c.ids[1 + i % 64] WHEN i % 64 = 62 THEN '00000000-0000-0000-0000-000000000001' END,
	'2026-01-01'::timestamptz + (i * 7919 % 641) * interval '1 hour', i / 64, i * 31 % 100, 'note ' || i % 10
FROM generate_series(1, 640) i, (SELECT array_agg(company_id ORDER BY md5(code)) AS ids FROM bestauth.company WHERE code LIKE 'prow%') c;
CREATE TABLE policy_rows.line (claim_id int, company_id uuid, position int, price int);
INSERT INTO policy_rows.line SELECT id, company_id, p, amount * p FROM policy_rows.claim, generate_series(1, 2) p WHERE id % 3 > 0;
CREATE TABLE policy_rows.plain AS SELECT * FROM policy_rows.claim;
CREATE TABLE policy_rows.place AS SELECT company_id, code FROM bestauth.company WHERE code LIKE 'prow%';
ALTER TABLE policy_rows.claim ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_rows.line ENABLE ROW LEVEL SECURITY;
CREATE POLICY company ON policy_rows.claim USING (bestauth.can_access_company(company_id));
CREATE POLICY company ON policy_rows.line USING (bestauth.can_access_company(company_id));
GRANT ALL ON ALL TABLES IN SCHEMA policy_rows TO regress_policy_rows;
REVOKE ALL ON policy_rows.who FROM regress_policy_rows;

-- The shapes. {claim} and {line} are the tables, or by hand the part of them; what is sorted
-- has a list of columns that leaves no choice.
CREATE TABLE policy_rows.shape (n int GENERATED ALWAYS AS IDENTITY, kind text, query text, byhand text);
INSERT INTO policy_rows.shape (kind, query) VALUES
	('rows', 'SELECT * FROM {claim} c'),
	('rows', 'SELECT count(*), count(company_id) FROM {claim} c'),
	('rows', 'SELECT company_id FROM {claim} c'),
	('rows', 'SELECT count(*), sum(amount) FROM {claim} c WHERE amount > 50 AND note = ''note 3'''),
	('rows', 'SELECT * FROM {claim} c WHERE id = 77 OR id = 638'),
	('rows', 'SELECT * FROM {claim} c WHERE made BETWEEN ''2026-01-05'' AND ''2026-01-09'''),
	('rows', 'SELECT id FROM {claim} c WHERE number = 7 AND company_id > ''00000000-0000-0000-0000-000000000000'''),
	('rows', 'SELECT id FROM {claim} c WHERE company_id IS NULL'),
	('rows', 'SELECT id FROM {claim} c WHERE company_id IN (SELECT company_id FROM policy_rows.place WHERE code ~ ''[13579z]'')'),
	('rows', 'SELECT id FROM {claim} c WHERE company_id = (SELECT company_id FROM policy_rows.place WHERE code = ''prow-zero'')'),
	('rows', 'SELECT id FROM {claim} c WHERE company_id = ''00000000-0000-0000-0000-000000000000'''),
	('order', 'SELECT id, made FROM {claim} c WHERE ''00000000-0000-0000-0000-000000000000'' = company_id ORDER BY made DESC LIMIT 5'),
	('rows', 'SELECT id FROM {claim} c WHERE company_id = ''ffffffff-ffff-ffff-ffff-ffffffffffff'''),
	('rows', 'SELECT id FROM {claim} c WHERE company_id = NULL'),
	('rows', 'SELECT id FROM {claim} c WHERE company_id IN (''00000000-0000-0000-0000-000000000000'', ''ffffffff-ffff-ffff-ffff-ffffffffffff'') OR company_id = ''00000000-0000-0000-0000-000000000001'''),
	('rows', 'SELECT c.id, l.position FROM {claim} c JOIN {line} l USING (company_id) WHERE company_id = ''00000000-0000-0000-0000-000000000000'''),
	('rows', 'SELECT id FROM {claim} c WHERE NOT (number = ANY (''{1,2,3}'')) OR company_id IS NULL'),
	('rows', 'SELECT id FROM {claim} c WHERE md5(note) = md5(''note 4'')'),
	('order', 'SELECT id FROM {claim} c ORDER BY made LIMIT 7'),
	('order', 'SELECT id, made FROM {claim} c ORDER BY made'),
	('order', 'SELECT id, made FROM {claim} c ORDER BY made DESC LIMIT 9 OFFSET 3'),
	('order', 'SELECT made, company_id FROM {claim} c WHERE made > ''2026-01-20'' ORDER BY made LIMIT 20'),
	('order', 'SELECT company_id, made FROM {claim} c ORDER BY company_id, made'),
	('order', 'SELECT company_id, made FROM {claim} c ORDER BY company_id DESC, made DESC LIMIT 30'),
	('order', 'SELECT made, company_id FROM {claim} c ORDER BY made, company_id LIMIT 15'),
	('order', 'SELECT min(made), max(made), min(company_id::text) FROM {claim} c'),
	('order', 'SELECT DISTINCT ON (note) note, made, id FROM {claim} c ORDER BY note, made'),
	('order', 'SELECT id, rank() OVER (ORDER BY made), lag(id) OVER (PARTITION BY company_id ORDER BY made) FROM {claim} c ORDER BY id'),
	('rows', 'SELECT company_id, count(*), max(made) FROM {claim} c GROUP BY company_id'),
	('rows', 'SELECT DISTINCT company_id FROM {claim} c'),
	('rows', 'SELECT c.id, l.position FROM {claim} c JOIN {line} l ON l.claim_id = c.id'),
	('rows', 'SELECT c.id, l.price FROM {claim} c JOIN {line} l ON l.company_id = c.company_id AND l.position = 1 AND l.claim_id < 165'),
	('rows', 'SELECT c.id, l.position FROM {claim} c LEFT JOIN {line} l ON l.claim_id = c.id AND l.position = 2'),
	('rows', 'SELECT c.id, l.position FROM {claim} c FULL JOIN {line} l ON l.claim_id = c.id + 1'),
	('rows', 'SELECT p.id, c.id FROM policy_rows.plain p LEFT JOIN {claim} c ON c.id = p.id'),
	('rows', 'SELECT p.id FROM policy_rows.plain p RIGHT JOIN {claim} c ON c.made = p.made'),
	('rows', 'SELECT p.code, count(c.id) FROM policy_rows.place p LEFT JOIN {claim} c USING (company_id) GROUP BY p.code'),
	('rows', 'SELECT p.code, t.id FROM policy_rows.place p, LATERAL (SELECT id FROM {claim} c WHERE c.company_id = p.company_id ORDER BY made LIMIT 2) t'),
	('rows', 'SELECT p.id FROM policy_rows.plain p WHERE EXISTS (SELECT FROM {claim} c WHERE c.id = p.id AND c.amount > 20)'),
	('rows', 'SELECT p.id FROM policy_rows.plain p WHERE NOT EXISTS (SELECT FROM {claim} c WHERE c.company_id = p.company_id)'),
	('rows', 'SELECT c.id, (SELECT sum(price) FROM {line} l WHERE l.claim_id = c.id) FROM {claim} c WHERE number < 3'),
	('rows', 'SELECT c.id FROM {claim} c WHERE c.number < 2 AND c.amount > (SELECT avg(amount) FROM {claim} d WHERE d.company_id = c.company_id)'),
	('rows', 'WITH w AS MATERIALIZED (SELECT * FROM {claim} c WHERE number > 3) SELECT a.id, b.id FROM w a JOIN w b ON b.made = a.made + interval ''1 hour'''),
	('rows', 'WITH RECURSIVE r AS (SELECT id FROM {claim} c WHERE number = 0 UNION SELECT c.id FROM r JOIN {claim} c ON c.id = r.id + 64) SELECT count(*) FROM r'),
	('rows', 'SELECT id FROM {claim} c WHERE amount < 30 UNION ALL SELECT claim_id FROM {line} l WHERE position = 1 EXCEPT SELECT id FROM {claim} c WHERE number = 3');
-- By hand, of what changes rows: the whole tables are compared afterwards.
INSERT INTO policy_rows.shape (kind, query, byhand) VALUES
	('change', 'UPDATE policy_rows.claim SET amount = -1', 'UPDATE policy_rows.claim SET amount = -1 WHERE company_id = ANY (%L)'),
	('change', 'UPDATE policy_rows.claim c SET note = ''x'' FROM policy_rows.line l WHERE l.claim_id = c.id AND l.position = 2', 'UPDATE policy_rows.claim c SET note = ''x'' FROM policy_rows.line l WHERE l.claim_id = c.id AND l.position = 2 AND c.company_id = ANY (%1$L) AND l.company_id = ANY (%1$L)'),
	('change', 'DELETE FROM policy_rows.claim', 'DELETE FROM policy_rows.claim WHERE company_id = ANY (%L)'),
	('change', 'DELETE FROM policy_rows.line l USING policy_rows.plain p WHERE p.id = l.claim_id AND p.amount > 40', 'DELETE FROM policy_rows.line l USING policy_rows.plain p WHERE p.id = l.claim_id AND p.amount > 40 AND l.company_id = ANY (%L)'),
	('change', 'INSERT INTO policy_rows.plain SELECT * FROM policy_rows.claim ON CONFLICT DO NOTHING', 'INSERT INTO policy_rows.plain SELECT * FROM policy_rows.claim WHERE company_id = ANY (%L)'),
	('change', 'INSERT INTO policy_rows.claim SELECT id, company_id, made, number, 1000, note FROM policy_rows.claim ON CONFLICT (id) DO UPDATE SET amount = excluded.amount', 'UPDATE policy_rows.claim SET amount = 1000 WHERE company_id = ANY (%L)'),
	('change', 'MERGE INTO policy_rows.claim c USING policy_rows.line l ON l.claim_id = c.id AND l.position = 1 WHEN MATCHED AND c.amount > 50 THEN DELETE WHEN MATCHED THEN UPDATE SET amount = l.price WHEN NOT MATCHED THEN DO NOTHING',
		'MERGE INTO policy_rows.claim c USING (SELECT * FROM policy_rows.line WHERE company_id = ANY (%1$L)) l ON l.claim_id = c.id AND l.position = 1 AND c.company_id = ANY (%1$L) WHEN MATCHED AND c.amount > 50 THEN DELETE WHEN MATCHED THEN UPDATE SET amount = l.price WHEN NOT MATCHED THEN DO NOTHING');
SELECT kind, count(*) FROM policy_rows.shape GROUP BY kind ORDER BY kind;

-- What a query returns, as one value. Of one that changes rows: what all the tables hold
-- then, before it is undone.
CREATE FUNCTION policy_rows.digest(kind text, query text, who text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	IF who IS NOT NULL THEN
		IF who <> 'nobody' THEN
			PERFORM bestauth.use_session(w.token) FROM policy_rows.who w WHERE w.name = who;
		END IF;
		SET LOCAL ROLE regress_policy_rows;
	END IF;
	IF kind = 'change' THEN
		EXECUTE query;
		RESET ROLE;
		SELECT md5(string_agg(r, ' ' ORDER BY r)) INTO result FROM (SELECT c::text AS r FROM policy_rows.claim c UNION ALL SELECT l::text FROM policy_rows.line l UNION ALL SELECT p::text FROM policy_rows.plain p) s;
	ELSE
		EXECUTE format('SELECT count(*) || '' '' || coalesce(md5(string_agg(r, '' ''%s)), ''-'') FROM (SELECT q::text AS r FROM (%s) q OFFSET 0) s',
			CASE kind WHEN 'rows' THEN ' ORDER BY r' END, query) INTO result;
	END IF;
	RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = result;
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
	RETURN SQLERRM;
WHEN OTHERS THEN
	RETURN 'error ' || SQLSTATE || ' ' || SQLERRM;
END
$$;
CREATE TABLE policy_rows.right AS
SELECT s.n, w.name, policy_rows.digest(s.kind, CASE kind WHEN 'change' THEN format(s.byhand, w.ids)
	ELSE replace(replace(s.query, '{claim}', format('(SELECT * FROM policy_rows.claim WHERE company_id = ANY (%L))', w.ids)), '{line}', format('(SELECT * FROM policy_rows.line WHERE company_id = ANY (%L))', w.ids)) END, NULL) AS digest
FROM policy_rows.shape s, policy_rows.who w;
-- What the sessions see is not the same.
SELECT count(*) AS shapes, sum((digests > 1)::int) AS told_apart, sum((digests = 5)::int) > 30 AS all_five FROM (SELECT n, count(DISTINCT digest) AS digests FROM policy_rows.right GROUP BY n) s;
SELECT * FROM policy_rows.right WHERE digest !~ '^(\d+ )?([0-9a-f]{32}|-)$';
SELECT n, query FROM policy_rows.shape WHERE n NOT IN (SELECT n FROM policy_rows.right GROUP BY n HAVING count(DISTINCT digest) > 1);

-- The indexes, one set after the other, and the plans that are left to the planner. "least" is
-- how many shapes at least use the condition in an index; NULL where versions differ.
CREATE TABLE policy_rows.index_set (n int, name text, least int, statement text);
INSERT INTO policy_rows.index_set VALUES (1, 'none', 0, ''),
	(2, 'company', 20, 'CREATE INDEX i1 ON policy_rows.claim (company_id); CREATE INDEX i2 ON policy_rows.line (company_id)'),
	(3, 'company, made', 20, 'CREATE INDEX i1 ON policy_rows.claim (company_id, made); CREATE INDEX i2 ON policy_rows.line (company_id, claim_id)'),
	(4, 'made, company', NULL, 'CREATE INDEX i1 ON policy_rows.claim (made, company_id); CREATE INDEX i2 ON policy_rows.line (claim_id, company_id)'),
	(5, 'descending', 20, 'CREATE INDEX i1 ON policy_rows.claim (company_id DESC NULLS LAST, made DESC); CREATE INDEX i2 ON policy_rows.line (company_id DESC, claim_id DESC)'),
	(6, 'hash', 0, 'CREATE INDEX i1 ON policy_rows.claim USING hash (company_id); CREATE INDEX i2 ON policy_rows.line USING hash (company_id)'),
	(7, 'brin', 0, 'CREATE INDEX i1 ON policy_rows.claim USING brin (company_id) WITH (pages_per_range = 1); CREATE INDEX i2 ON policy_rows.line USING brin (company_id)'),
	(8, 'partial', 1, 'CREATE INDEX i1 ON policy_rows.claim (company_id) WHERE amount > 50; CREATE INDEX i2 ON policy_rows.line (company_id) WHERE position = 1'),
	(9, 'expression', NULL, 'CREATE INDEX i1 ON policy_rows.claim (md5(note), company_id); CREATE INDEX i2 ON policy_rows.line ((position + 0), company_id)'),
	(10, 'included', 0, 'CREATE INDEX i1 ON policy_rows.claim (made) INCLUDE (company_id, id); CREATE INDEX i2 ON policy_rows.line (claim_id) INCLUDE (company_id)'),
	(11, 'unique', 20, 'CREATE UNIQUE INDEX i1 ON policy_rows.claim (company_id, number); CREATE UNIQUE INDEX i2 ON policy_rows.line (company_id, claim_id, position)'),
	(12, 'many', 20, 'CREATE INDEX i1 ON policy_rows.claim (company_id); CREATE INDEX i3 ON policy_rows.claim (made, company_id, id); CREATE INDEX i4 ON policy_rows.claim (number, company_id); CREATE INDEX i2 ON policy_rows.line (company_id, claim_id); CREATE INDEX i5 ON policy_rows.line (claim_id)');
-- What is switched off, for whom, and with which of the index sets.
CREATE TABLE policy_rows.setting (name text, off text[], who text[], kinds text[], sets int[]);
INSERT INTO policy_rows.setting VALUES ('default', '{}', '{two,forty}', '{rows,order}', '{1,2,3,4,5,6,7,8,9,10,11,12}'),
	('default', '{}', '{nobody,one,all}', '{rows,order}', '{12}'), ('default', '{}', '{two,all}', '{change}', '{1,3,12}'),
	('no index', '{enable_indexscan,enable_indexonlyscan,enable_bitmapscan}', '{all}', '{rows,order,change}', '{2}'),
	('index', '{enable_seqscan,enable_bitmapscan,enable_indexonlyscan,enable_hashjoin,enable_sort}', '{forty}', '{rows,order}', '{3,4,5,8,9,12}'),
	('index', '{enable_seqscan,enable_bitmapscan,enable_indexonlyscan}', '{nobody,one,all}', '{order}', '{4,12}'),
	('index', '{enable_seqscan,enable_bitmapscan}', '{forty}', '{change}', '{2,4}'),
	('index only', '{enable_seqscan,enable_bitmapscan,enable_sort,enable_mergejoin,enable_hashagg}', '{two}', '{rows,order}', '{2,3,4,11}'),
	('bitmap', '{enable_seqscan,enable_indexscan,enable_indexonlyscan,enable_nestloop,enable_material}', '{forty}', '{rows,order}', '{2,4,7,8,9}'),
	('bitmap', '{enable_seqscan,enable_indexscan,enable_indexonlyscan}', '{all}', '{change}', '{2}');
CREATE TABLE policy_rows.wrong (indexes text, setting text, who text, query text);
-- Is something in the plan of the session?
CREATE FUNCTION policy_rows.uses(query text, what text, options text DEFAULT '') RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE format('EXPLAIN (%s COSTS OFF, FORMAT JSON) %s', options, query) INTO plan;
	RETURN plan::text ~ what;
END
$$;
-- All that is to be compared with one set of indexes.
CREATE FUNCTION policy_rows.compare(index_set int, OUT compared int, OUT wrong int) LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	t record;
	s record;
	setting text;
	query text;
BEGIN
	compared := 0;
	wrong := 0;
	FOR t IN SELECT * FROM policy_rows.setting WHERE index_set = ANY (sets) LOOP
		FOREACH setting IN ARRAY t.off LOOP
			PERFORM set_config(setting, 'off', true);
		END LOOP;
		FOR s IN SELECT h.*, r.name AS who, r.digest FROM policy_rows.shape h JOIN policy_rows.right r USING (n) WHERE r.name = ANY (t.who) AND h.kind = ANY (t.kinds) LOOP
			query := replace(replace(s.query, '{claim}', 'policy_rows.claim'), '{line}', 'policy_rows.line');
			compared := compared + 1;
			IF s.digest IS DISTINCT FROM policy_rows.digest(s.kind, query, s.who) THEN
				wrong := wrong + 1;
				INSERT INTO policy_rows.wrong SELECT name, t.name, s.who, query FROM policy_rows.index_set i WHERE i.n = index_set;
			END IF;
		END LOOP;
		FOREACH setting IN ARRAY t.off LOOP
			PERFORM set_config(setting, 'on', true);
		END LOOP;
	END LOOP;
END
$$;
-- In how many of the shapes, of "two", the condition is one of an index.
CREATE FUNCTION policy_rows.conditions() RETURNS bigint LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	result bigint;
BEGIN
	PERFORM bestauth.use_session(w.token) FROM policy_rows.who w WHERE w.name = 'two';
	SET LOCAL ROLE regress_policy_rows;
	SET LOCAL enable_seqscan = off;
	SELECT count(*) INTO result FROM policy_rows.shape
	WHERE policy_rows.uses(replace(replace(query, '{claim}', 'policy_rows.claim'), '{line}', 'policy_rows.line'), 'Index Cond[^{}]*accessible_company_ids');
	RESET ROLE;
	SET LOCAL enable_seqscan = on;
	RETURN result;
END
$$;
GRANT SELECT ON policy_rows.shape TO regress_policy_rows;
CREATE TABLE policy_rows.result (n int, compared int, wrong int, conditions bigint);
SET max_parallel_workers_per_gather = 0;
SET jit = off;
\set ECHO none
SELECT 'SET client_min_messages = warning', 'DROP INDEX IF EXISTS policy_rows.i1, policy_rows.i2, policy_rows.i3, policy_rows.i4, policy_rows.i5', statement,
	'VACUUM ANALYZE policy_rows.claim, policy_rows.line, policy_rows.plain, policy_rows.place', format('INSERT INTO policy_rows.result SELECT %s, c.*, policy_rows.conditions() FROM policy_rows.compare(%1$s) c', n)
FROM policy_rows.index_set ORDER BY n \gexec
\set ECHO all
RESET client_min_messages;
-- The same rows, in the same order, by all of these plans.
SELECT * FROM policy_rows.wrong;
SELECT i.name, compared > 70 AS compared, wrong, CASE least WHEN 0 THEN conditions = 0 ELSE conditions >= least END AS conditions
FROM policy_rows.index_set i LEFT JOIN policy_rows.result r USING (n) ORDER BY n;

-- [D-07] The same by parallel workers alone, the leader taking no part: through the indexes
-- of the last set, and without any.
TRUNCATE policy_rows.setting;
INSERT INTO policy_rows.setting VALUES ('parallel', '{parallel_leader_participation}', '{forty}', '{rows,order}', '{12}'),
	('parallel', '{parallel_leader_participation,enable_indexscan,enable_indexonlyscan,enable_bitmapscan}', '{all}', '{rows,order}', '{12}'),
	('parallel', '{parallel_leader_participation,enable_seqscan,enable_bitmapscan}', '{one}', '{order}', '{12}');
SET max_parallel_workers_per_gather = 2;
SET min_parallel_table_scan_size = 0;
SET min_parallel_index_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SELECT compared > 90 AS compared, wrong FROM policy_rows.compare(12);
SELECT * FROM policy_rows.wrong;
-- Workers were asked for, and came.
CREATE FUNCTION policy_rows.parallel(OUT planned boolean, OUT with_condition boolean, OUT launched boolean) LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session(w.token) FROM policy_rows.who w WHERE w.name = 'two';
	SET LOCAL ROLE regress_policy_rows;
	SET LOCAL enable_seqscan = off;
	SELECT count(*) > 15, count(*) FILTER (WHERE policy_rows.uses(q, 'Index Cond[^{}]*accessible_company_ids')) > 5 INTO planned, with_condition
	FROM (SELECT replace(replace(query, '{claim}', 'policy_rows.claim'), '{line}', 'policy_rows.line') AS q FROM policy_rows.shape) s
	WHERE policy_rows.uses(q, '"Node Type": "Gather');
	-- On a busy machine those of the query before may still be ending.
	FOR i IN 1 .. 100 LOOP
		launched := policy_rows.uses('SELECT count(*) FROM policy_rows.claim', '"Workers Launched": [1-9]', 'ANALYZE, TIMING OFF, SUMMARY OFF,');
		EXIT WHEN launched;
		PERFORM pg_sleep(0.1);
	END LOOP;
	RESET ROLE;
END
$$;
SELECT * FROM policy_rows.parallel();

RESET ALL;
SET client_min_messages = warning;
DO $$ BEGIN PERFORM bestauth.revoke_access('regress_policy_rows', 'application'); END $$;
DROP SCHEMA policy_rows CASCADE;
DROP ROLE regress_policy_rows;
