-- The plans of a policy that is written naively, USING (bestauth.can_access_company(company_id)):
-- they use the table's indexes, for every kind of statement, and tell nobody anything of other
-- rows. Which rows come out is shown by policy_rows.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA policy_plan;
CREATE ROLE regress_policy_plan;
CREATE ROLE regress_policy_owner;
GRANT USAGE ON SCHEMA policy_plan, regress TO regress_policy_plan, regress_policy_owner;
GRANT CREATE ON SCHEMA policy_plan TO regress_policy_plan;
RESET client_min_messages;
DO $$
BEGIN
	PERFORM bestauth.grant_access('regress_policy_plan', 'application');
	PERFORM bestauth.grant_access('regress_policy_owner', 'reader');
	PERFORM bestauth.create_company('pplan', 'Parent');
	PERFORM bestauth.create_company('pplan-' || i, 'Child ' || i, 'pplan') FROM generate_series(1, 150) i;
	PERFORM bestauth.create_user('two', 'standard', 'Two', 'T', 'two@pplan.example', 'seven green boats of two', permissions => '{claims}', company => 'pplan');
	PERFORM bestauth.assign_company('two', 'pplan-7', company => 'pplan');
	PERFORM bestauth.create_user('all', 'company_administrator', 'All', 'A', 'all@pplan.example', 'seven green boats of all', company => 'pplan');
END
$$;
SELECT session_token AS two FROM bestauth.login('pplan', 'two', 'seven green boats of two') \gset
SELECT session_token AS all FROM bestauth.login('pplan', 'all', 'seven green boats of all') \gset

-- Claims of 151 companies, lines of the claims, and more of something that has no policy.
CREATE TABLE policy_plan.claim (id int PRIMARY KEY, company_id uuid, made timestamptz, owner_id uuid, kind int, amount int, note text);
INSERT INTO policy_plan.claim SELECT i, c.ids[1 + i % 151], '2026-01-01'::timestamptz + i * interval '1 minute', md5((i % 500)::text)::uuid, i % 7, i % 100, code || ' ' || i
FROM generate_series(1, 9060) i, (SELECT array_agg(company_id ORDER BY code) AS ids, array_agg(code ORDER BY code) AS codes FROM bestauth.company WHERE code LIKE 'pplan%') c, LATERAL (SELECT c.codes[1 + i % 151] AS code) n;
CREATE TABLE policy_plan.line AS SELECT id AS claim_id, company_id, p AS position, amount * p AS price FROM policy_plan.claim, generate_series(1, 2) p;
CREATE TABLE policy_plan.visit AS SELECT i AS id, 1 + i % 9060 AS claim_id, i % 30 AS day FROM generate_series(1, 30000) i;
CREATE TABLE policy_plan.place AS SELECT company_id, code FROM bestauth.company WHERE code LIKE 'pplan%';
CREATE INDEX claim_company ON policy_plan.claim (company_id);
CREATE INDEX line_company ON policy_plan.line (company_id);
ALTER TABLE policy_plan.claim ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_plan.line ENABLE ROW LEVEL SECURITY;
CREATE POLICY company ON policy_plan.claim USING (bestauth.can_access_company(company_id));
CREATE POLICY company ON policy_plan.line USING (bestauth.can_access_company(company_id));
CREATE VIEW policy_plan.invoker WITH (security_invoker) AS SELECT c.id, c.company_id, l.price FROM policy_plan.claim c JOIN policy_plan.line l ON l.claim_id = c.id;
CREATE VIEW policy_plan.barrier WITH (security_invoker, security_barrier) AS SELECT id, company_id, note FROM policy_plan.claim c WHERE kind < 5;
CREATE VIEW policy_plan.of_another AS SELECT id, company_id FROM policy_plan.claim c;
ALTER VIEW policy_plan.of_another OWNER TO regress_policy_owner;
CREATE FUNCTION policy_plan.inlined(lowest int) RETURNS SETOF policy_plan.claim STABLE LANGUAGE sql AS $$ SELECT * FROM policy_plan.claim c WHERE amount > lowest $$;
-- The same in partitions by time and by company, and inherited.
CREATE TABLE policy_plan.part (LIKE policy_plan.claim) PARTITION BY RANGE (made);
CREATE TABLE policy_plan.part_old PARTITION OF policy_plan.part FOR VALUES FROM (MINVALUE) TO ('2026-01-03');
CREATE TABLE policy_plan.part_new PARTITION OF policy_plan.part FOR VALUES FROM ('2026-01-03') TO (MAXVALUE);
CREATE TABLE policy_plan.hashed (LIKE policy_plan.claim) PARTITION BY HASH (company_id);
CREATE TABLE policy_plan.hashed_0 PARTITION OF policy_plan.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE policy_plan.hashed_1 PARTITION OF policy_plan.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE policy_plan.mother (LIKE policy_plan.claim);
CREATE TABLE policy_plan.daughter (extra int) INHERITS (policy_plan.mother);
INSERT INTO policy_plan.part SELECT * FROM policy_plan.claim;
INSERT INTO policy_plan.hashed SELECT * FROM policy_plan.claim;
INSERT INTO policy_plan.mother SELECT * FROM policy_plan.claim WHERE id % 2 = 0;
INSERT INTO policy_plan.daughter SELECT *, 1 FROM policy_plan.claim WHERE id % 2 = 1;
CREATE INDEX ON policy_plan.part (company_id);
CREATE INDEX ON policy_plan.hashed (company_id);
CREATE INDEX ON policy_plan.mother (company_id);
CREATE INDEX ON policy_plan.daughter (company_id);
ALTER TABLE policy_plan.part ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_plan.hashed ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_plan.mother ENABLE ROW LEVEL SECURITY;
CREATE POLICY company ON policy_plan.part USING (bestauth.can_access_company(company_id));
CREATE POLICY company ON policy_plan.hashed USING (bestauth.can_access_company(company_id));
CREATE POLICY company ON policy_plan.mother USING (bestauth.can_access_company(company_id));
GRANT ALL ON ALL TABLES IN SCHEMA policy_plan TO regress_policy_plan;
GRANT SELECT ON policy_plan.claim TO regress_policy_owner;
VACUUM ANALYZE policy_plan.claim, policy_plan.line, policy_plan.visit;
ANALYZE policy_plan.part, policy_plan.hashed, policy_plan.mother, policy_plan.daughter;

-- How each table of a query is read, by its alias: "index" is by an index with the condition
-- of the policy, "only" by the index alone, "both" by several indexes; "filter" is row by row.
CREATE FUNCTION policy_plan.plan_of(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan -> 0 -> 'Plan';
END
$$;
CREATE FUNCTION policy_plan.scans(query text) RETURNS text LANGUAGE sql AS $$
	WITH RECURSIVE node AS (
		SELECT p AS n, p ->> 'Alias' AS alias FROM policy_plan.plan_of(query) p
		UNION ALL
		SELECT s, coalesce(s ->> 'Alias', alias) FROM node, jsonb_array_elements(n -> 'Plans') s
	)
	SELECT string_agg(alias || ' ' || how, ', ' ORDER BY alias COLLATE "C") FROM (
		SELECT alias, CASE WHEN bool_or(n ->> 'Node Type' = 'BitmapOr') AND bool_or(n ->> 'Index Cond' ~ 'accessible_company_ids') THEN 'both'
			WHEN bool_or(n ->> 'Index Cond' ~ 'accessible_company_ids|visible_provider_ids') THEN CASE WHEN bool_or(n ->> 'Node Type' = 'Index Only Scan') THEN 'only' ELSE 'index' END
			WHEN bool_or(n ->> 'Filter' ~ 'can_access_') THEN 'filter'
			ELSE 'free' END AS how
		FROM node WHERE n ? 'Relation Name' AND n ->> 'Node Type' <> 'ModifyTable' OR n ->> 'Node Type' LIKE 'Bitmap%' GROUP BY alias) s
$$;

SET max_parallel_workers_per_gather = 0;
SET jit = off;
SET ROLE regress_policy_plan;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'two');
-- As they are: by default costs, without an id, an array or a value in them.
EXPLAIN (COSTS OFF) SELECT count(*) FROM policy_plan.claim;
EXPLAIN (COSTS OFF) SELECT * FROM policy_plan.claim;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT * FROM policy_plan.claim;
EXPLAIN (COSTS OFF) UPDATE policy_plan.claim SET amount = 0 WHERE kind = 3;
RESET enable_seqscan;
RESET enable_bitmapscan;
-- A row by its key is found by the key.
EXPLAIN (COSTS OFF) SELECT * FROM policy_plan.claim WHERE id = 77;
-- By their scans: statements of every kind.
SELECT policy_plan.scans(q), q FROM (VALUES
	(1, 'SELECT * FROM claim c'), (2, 'SELECT count(*) FROM claim c'), (3, 'SELECT sum(amount) FROM claim c'), (4, 'SELECT company_id, count(*) FROM claim c GROUP BY company_id'),
	(5, 'SELECT * FROM claim c WHERE kind = 3 AND amount > 7'), (6, 'SELECT * FROM claim c ORDER BY made DESC LIMIT 20'), (7, 'SELECT DISTINCT kind FROM claim c'),
	(8, 'SELECT id, rank() OVER (PARTITION BY kind ORDER BY made) FROM claim c'), (9, 'SELECT * FROM claim c FOR UPDATE'), (10, 'SELECT * FROM claim c WHERE company_id IS NOT NULL FOR NO KEY UPDATE SKIP LOCKED'),
	(11, 'UPDATE claim c SET amount = 0'), (12, 'UPDATE claim c SET amount = 0 FROM visit v WHERE v.claim_id = c.id AND v.day = 4'), (13, 'DELETE FROM claim c WHERE kind = 2'), (14, 'DELETE FROM line l USING claim c WHERE c.id = l.claim_id'),
	(15, 'INSERT INTO claim AS t SELECT * FROM claim c ON CONFLICT (id) DO UPDATE SET amount = excluded.amount'), (16, 'INSERT INTO visit SELECT id, id FROM claim c RETURNING id'),
	(17, 'MERGE INTO claim c USING line l ON l.claim_id = c.id WHEN MATCHED THEN UPDATE SET amount = l.price'), (18, 'MERGE INTO claim c USING (SELECT claim_id FROM visit v WHERE day = 3) v ON v.claim_id = c.id WHEN MATCHED THEN DELETE'),
	(19, 'CREATE TABLE policy_plan.made AS SELECT * FROM claim c'), (20, 'DECLARE d CURSOR FOR SELECT * FROM claim c ORDER BY note'), (21, 'SELECT * FROM claim c WHERE bestauth.can_access_company(company_id)'),
	(22, 'SELECT * FROM visit v JOIN claim c ON c.id = v.claim_id WHERE bestauth.can_access_company(c.company_id) AND v.day = 1')) v (n, q), LATERAL set_config('search_path', 'policy_plan', true) s ORDER BY n;
-- Of two policies, with larger tables that have none, and within one another.
SELECT policy_plan.scans(q), q FROM (VALUES
	(1, 'SELECT count(*) FROM claim c JOIN line l ON l.claim_id = c.id'), (2, 'SELECT count(*) FROM claim c LEFT JOIN line l ON l.claim_id = c.id AND l.position = 1'), (3, 'SELECT count(*) FROM line l FULL JOIN claim c ON l.claim_id = c.id'),
	(4, 'SELECT count(*) FROM claim c JOIN line l USING (company_id)'), (5, 'SELECT count(*) FROM visit v JOIN claim c ON c.id = v.claim_id'), (6, 'SELECT count(c.note) FROM visit v LEFT JOIN claim c ON c.id = v.claim_id AND c.kind = 1'),
	(7, 'SELECT count(v.id) FROM claim c LEFT JOIN visit v ON c.id = v.claim_id'), (8, 'SELECT count(*) FROM visit v WHERE EXISTS (SELECT FROM claim c WHERE c.id = v.claim_id)'), (9, 'SELECT count(*) FROM visit v WHERE NOT EXISTS (SELECT FROM line l WHERE l.claim_id = v.claim_id)'),
	(10, 'SELECT count(*) FROM claim c WHERE EXISTS (SELECT FROM visit v WHERE c.id = v.claim_id)'), (11, 'SELECT sum(t.sum) FROM claim c, LATERAL (SELECT sum(price) FROM line l WHERE l.claim_id = c.id) t'), (12, 'SELECT count(*) FROM (SELECT DISTINCT day FROM visit v) v, LATERAL (SELECT * FROM claim c WHERE c.kind = v.day ORDER BY made LIMIT 3) t'),
	(13, 'SELECT id FROM visit v WHERE claim_id IN (SELECT id FROM claim c WHERE amount > 40)'), (14, 'SELECT id, (SELECT max(price) FROM line l WHERE l.claim_id = c.id) FROM claim c'), (15, 'SELECT * FROM claim c WHERE amount > (SELECT avg(price) FROM line l)'),
	(16, 'WITH w AS MATERIALIZED (SELECT * FROM claim c) SELECT count(*) FROM w WHERE kind = 1'), (17, 'WITH RECURSIVE r AS (SELECT id FROM claim c WHERE kind = 1 UNION SELECT l.claim_id + 151 FROM r JOIN line l ON l.claim_id = r.id) SELECT count(*) FROM r'), (18, 'WITH u AS (UPDATE claim c SET amount = 0 RETURNING id) SELECT count(*) FROM u'),
	(19, 'SELECT id FROM claim c UNION ALL SELECT claim_id FROM line l'), (20, 'SELECT id FROM claim c EXCEPT SELECT claim_id FROM line l'), (21, 'SELECT price FROM invoker'), (22, 'SELECT note FROM barrier WHERE note LIKE ''%7'''), (23, 'SELECT count(*) FROM of_another'), (24, 'SELECT * FROM inlined(20)')) v (n, q), LATERAL set_config('search_path', 'policy_plan', true) s ORDER BY n;
-- Parts of a table, and what inherits from it.
SELECT policy_plan.scans(q), q FROM (VALUES
	(1, 'SELECT * FROM policy_plan.part p'), (2, 'SELECT count(*) FROM policy_plan.part p WHERE made < ''2026-01-02'''), (3, 'UPDATE policy_plan.part p SET amount = 0'), (4, 'DELETE FROM policy_plan.hashed h'), (5, 'SELECT sum(amount) FROM policy_plan.hashed h'),
	(6, 'SELECT sum(amount) FROM policy_plan.mother m'), (7, 'SELECT sum(amount) FROM ONLY policy_plan.mother m'), (8, 'UPDATE policy_plan.mother m SET amount = 0'), (9, 'SELECT count(*) FROM policy_plan.part p JOIN policy_plan.line l ON l.claim_id = p.id')) v (n, q) ORDER BY n;
COMMIT;
RESET ROLE;

-- What the planner expects: what the session sees, of whichever size; by common values and
-- by those that are not.
CREATE FUNCTION policy_plan.expected(query text, OUT rows bigint, OUT near boolean) LANGUAGE plpgsql AS $$
DECLARE
	expected bigint := policy_plan.plan_of(query) ->> 'Plan Rows';
BEGIN
	EXECUTE format('SELECT count(*) FROM (%s) q', query) INTO rows;
	near := expected BETWEEN 0.7 * rows - 3 AND 1.4 * rows + 3;
END
$$;
CREATE TABLE policy_plan.skewed AS SELECT i AS id, CASE WHEN i % 10 > 5 THEN c.ids[1] WHEN i % 10 = 5 THEN NULL ELSE c.ids[2 + i % 150] END AS company_id
FROM generate_series(1, 9000) i, (SELECT array_agg(company_id ORDER BY code <> 'pplan', code <> 'pplan-7', code) AS ids FROM bestauth.company WHERE code LIKE 'pplan%') c;
CREATE INDEX skewed_company ON policy_plan.skewed (company_id);
ALTER TABLE policy_plan.skewed ENABLE ROW LEVEL SECURITY;
CREATE POLICY company ON policy_plan.skewed USING (bestauth.can_access_company(company_id));
GRANT SELECT ON policy_plan.skewed TO regress_policy_plan;
ANALYZE policy_plan.skewed;
SET ROLE regress_policy_plan;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'two');
SELECT q, e.* FROM unnest('{claim,line,skewed}'::text[]) q, LATERAL policy_plan.expected('SELECT * FROM policy_plan.' || q) e;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'all');
SELECT q, e.* FROM unnest('{claim,line,skewed}'::text[]) q, LATERAL policy_plan.expected('SELECT * FROM policy_plan.' || q) e;
-- Of nearly all rows no index is of use, and none is offered for many companies.
SET LOCAL enable_seqscan = off;
SELECT policy_plan.scans('SELECT * FROM policy_plan.claim c'), policy_plan.scans('SELECT count(*) FROM policy_plan.claim c');
RESET enable_seqscan;
-- Of one company that the query names itself, no more of an index is wanted; of one that the
-- session may not enter, nothing is expected.
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'two');
SELECT code, policy_plan.scans(q) AS scans, e.* FROM (SELECT code, format('SELECT * FROM policy_plan.claim c WHERE company_id = %L', company_id) AS q FROM policy_plan.place WHERE code IN ('pplan', 'pplan-7', 'pplan-8')) s, LATERAL policy_plan.expected(q) e ORDER BY code;
COMMIT;
-- Nobody: no row, and no error.
SELECT policy_plan.scans('SELECT count(*) FROM policy_plan.claim c'), (SELECT count(*) FROM policy_plan.claim);
RESET ROLE;

--
-- Policies of several parts: what can be asked once is, the index is used where it can be.
--
CREATE INDEX claim_owner ON policy_plan.claim (owner_id);
CREATE FUNCTION policy_plan.with_policies(VARIADIC clauses text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	clause text;
	result text;
BEGIN
	DROP POLICY company ON policy_plan.claim;
	FOREACH clause IN ARRAY clauses LOOP
		EXECUTE format('CREATE POLICY %I ON policy_plan.claim %s', left(clause, 60), clause);
	END LOOP;
	SET LOCAL ROLE regress_policy_plan;
	PERFORM set_config('policy_plan.count', (SELECT count(*) FROM policy_plan.claim)::text, true);
	result := policy_plan.scans('SELECT * FROM policy_plan.claim c') || ', rows ' || current_setting('policy_plan.count');
	RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = result;
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
	RETURN SQLERRM;
END
$$;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'two');
SELECT policy_plan.with_policies(VARIADIC p), p FROM (VALUES
	(1, ARRAY['USING (bestauth.can_access_company(company_id) AND bestauth.has_permission(''claims''))']),
	(2, ARRAY['USING (bestauth.can_access_company(company_id) AND bestauth.has_permission(''eops''))']),
	(3, ARRAY['USING (bestauth.can_access_company(company_id) AND kind < 5 AND note <> ''x'')']),
	(4, ARRAY['USING (bestauth.can_access_company(company_id) OR owner_id = bestauth.current_user_id())']),
	(5, ARRAY['USING (bestauth.can_access_company(company_id))', 'USING (owner_id = bestauth.current_user_id())']),
	(6, ARRAY['FOR SELECT USING (bestauth.can_access_company(company_id))', 'AS RESTRICTIVE FOR SELECT USING (kind <> 3)', 'FOR UPDATE USING (kind = 3)']),
	(7, ARRAY['USING (true)', 'AS RESTRICTIVE USING (bestauth.can_access_company(company_id))', 'AS RESTRICTIVE USING (bestauth.has_permission(''claims''))']),
	(8, ARRAY['TO regress_policy_plan USING (bestauth.can_access_company(company_id))', 'TO regress_policy_owner USING (true)']),
	(9, ARRAY['USING ((SELECT bestauth.has_permission(''claims'')) AND bestauth.can_access_company(company_id))']),
	(10, ARRAY['USING (company_id = ANY (bestauth.accessible_company_ids()))']),
	(11, ARRAY['USING (CASE WHEN kind = 1 THEN false ELSE bestauth.can_access_company(company_id) END)']),
	(12, ARRAY['USING (NOT bestauth.can_access_company(company_id))']),
	(13, ARRAY['USING (bestauth.can_access_company(company_id) IS TRUE)'])) v (n, p) ORDER BY n;
COMMIT;
-- A column of a domain, the company in a document, and the index on just that.
CREATE DOMAIN policy_plan.company AS uuid;
CREATE TABLE policy_plan.document AS SELECT id, company_id::policy_plan.company AS domained, jsonb_build_object('company', company_id) AS body FROM policy_plan.claim;
CREATE INDEX ON policy_plan.document (domained);
CREATE INDEX ON policy_plan.document (((body ->> 'company')::uuid));
ALTER TABLE policy_plan.document ENABLE ROW LEVEL SECURITY;
CREATE POLICY domained ON policy_plan.document USING (bestauth.can_access_company(domained));
GRANT SELECT ON policy_plan.document TO regress_policy_plan;
VACUUM ANALYZE policy_plan.document;
SET ROLE regress_policy_plan;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'two');
SELECT policy_plan.scans('SELECT * FROM policy_plan.document d'), (SELECT count(*) FROM policy_plan.document);
RESET ROLE;
ALTER POLICY domained ON policy_plan.document USING (bestauth.can_access_company((body ->> 'company')::uuid));
SET LOCAL ROLE regress_policy_plan;
SELECT policy_plan.scans('SELECT * FROM policy_plan.document d'), (SELECT count(*) FROM policy_plan.document);
SELECT * FROM policy_plan.expected('SELECT * FROM policy_plan.document');
COMMIT;
RESET ROLE;

--
-- [PRV-19] The same of providers: one at individual level, all of the office at TIN level.
--
SELECT bestauth.create_portal('pplan', 'pplandocs', 'provider', 'Docs') IS NOT NULL AS portal, bestauth.create_office('pplan', 'pplanof', 'Office') AS office \gset
SELECT array_agg(bestauth.create_provider(:'office', npi, 'Pro', 'Vider', NULL)) AS providers FROM unnest('{1234567893,1679576722,1003000126}'::text[]) npi \gset
SELECT count(bestauth.create_provider_user(bestauth.create_employee(:'office', 'desk', u, u, provider_id => CASE u WHEN 'indy' THEN (:'providers'::uuid[])[1] END), u, 'Provider - Administrator', u || '@pplan.example', 'a long password of ' || u)) AS accounts FROM unnest('{tess,indy}'::text[]) u;
SELECT u, bestauth.set_password(challenge_token, 'a password of ' || u) FROM unnest('{tess,indy}'::text[]) u, LATERAL bestauth.login('pplan', u, 'a long password of ' || u, 'pplandocs');
SELECT session_token AS tess FROM bestauth.login('pplan', 'tess', 'a password of tess', 'pplandocs') \gset
SELECT session_token AS indy FROM bestauth.login('pplan', 'indy', 'a password of indy', 'pplandocs') \gset
-- Of the three, of 77 others, and of nobody.
CREATE TABLE policy_plan.treated AS SELECT i AS id, CASE WHEN i % 81 < 3 THEN (:'providers'::uuid[])[1 + i % 81] WHEN i % 81 < 80 THEN md5((i % 81)::text)::uuid END AS provider_id, i % 7 AS kind FROM generate_series(1, 8100) i;
CREATE INDEX treated_provider ON policy_plan.treated (provider_id);
CREATE INDEX treated_kind ON policy_plan.treated (kind, provider_id);
ALTER TABLE policy_plan.treated ENABLE ROW LEVEL SECURITY;
CREATE POLICY provider ON policy_plan.treated USING (bestauth.can_access_provider(provider_id));
GRANT ALL ON policy_plan.treated TO regress_policy_plan;
VACUUM ANALYZE policy_plan.treated;
SET ROLE regress_policy_plan;
BEGIN;
SELECT count(*) AS nobody FROM policy_plan.treated;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'tess');
SELECT policy_plan.scans('SELECT count(*) FROM policy_plan.treated t');
SELECT policy_plan.scans(q), q FROM (VALUES (1, 'SELECT * FROM treated t'), (2, 'UPDATE treated t SET kind = 0'), (3, 'DELETE FROM treated t WHERE id % 2 = 0'), (4, 'SELECT count(*) FROM treated t JOIN visit v ON v.claim_id = t.id'),
	(5, 'SELECT id FROM treated t EXCEPT SELECT claim_id FROM line l')) v (n, q), LATERAL set_config('search_path', 'policy_plan', true) s ORDER BY n;
SELECT * FROM policy_plan.expected('SELECT * FROM policy_plan.treated');
SELECT count(DISTINCT provider_id) AS providers, bool_and(provider_id = ANY (:'providers'::uuid[])) AS right_ones FROM policy_plan.treated;
-- Rows in order, though the index on something else has the provider too.
SET LOCAL enable_sort = off;
SELECT bool_and(kind >= before) AS in_order, count(*) FROM (SELECT kind, lag(kind) OVER () AS before FROM (SELECT kind FROM policy_plan.treated ORDER BY kind OFFSET 0) k) s;
RESET enable_sort;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'indy');
SELECT policy_plan.scans('SELECT * FROM policy_plan.treated t');
SELECT * FROM policy_plan.expected('SELECT * FROM policy_plan.treated');
SELECT count(DISTINCT provider_id) AS providers, bool_and(provider_id = (:'providers'::uuid[])[1]) AS own FROM policy_plan.treated;
-- Of no office.
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'two');
SELECT policy_plan.scans('SELECT * FROM policy_plan.treated t'), count(*) FROM policy_plan.treated;
COMMIT;
RESET ROLE;

--
-- [H-09] A function of the caller's that costs next to nothing is given no foreign row, whatever
-- the plan, and not as an argument of ours, which are leakproof: what it was given is written
-- down, by company.
--
SET ROLE regress_policy_plan;
CREATE FUNCTION policy_plan.note_down(note text) RETURNS boolean IMMUTABLE COST 0.0000001 LANGUAGE plpgsql AS $$
BEGIN
	IF strpos(current_setting('policy_plan.seen'), split_part(note, ' ', 1) || ' ') = 0 THEN
		PERFORM set_config('policy_plan.seen', current_setting('policy_plan.seen') || split_part(note, ' ', 1) || ' ', false);
	END IF;
	RETURN true;
END
$$;
CREATE FUNCTION policy_plan.note_left(a text, b text) RETURNS boolean IMMUTABLE COST 0.0000001 LANGUAGE sql AS $$ SELECT policy_plan.note_down(a) $$;
CREATE OPERATOR policy_plan.<<< (LEFTARG = text, RIGHTARG = text, FUNCTION = policy_plan.note_left, RESTRICT = eqsel, JOIN = eqjoinsel);
CREATE FUNCTION policy_plan.given(statement text, OUT seen text, OUT index_used boolean) LANGUAGE plpgsql SET search_path = policy_plan AS $$
DECLARE
	off text;
BEGIN
	PERFORM set_config('policy_plan.seen', ' ', false);
	index_used := false;
	FOREACH off IN ARRAY '{enable_material,enable_seqscan,enable_indexscan,enable_bitmapscan,enable_hashjoin,enable_nestloop,enable_hashagg}'::text[] LOOP
		PERFORM set_config(off, 'off', true);
		index_used := index_used OR policy_plan.scans(statement) ~ 'index|only';
		BEGIN
			EXECUTE statement;
			RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = current_setting('policy_plan.seen');
		EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
			PERFORM set_config('policy_plan.seen', SQLERRM, false);
		END;
		PERFORM set_config(off, 'on', true);
	END LOOP;
	seen := trim(current_setting('policy_plan.seen'));
	seen := (SELECT string_agg(s, ' ' ORDER BY s) FROM (SELECT s FROM string_to_table(seen, ' ') s LIMIT 5) t);
END
$$;
CREATE TEMP TABLE nosy (n int, statement text);
INSERT INTO nosy VALUES (1, 'SELECT * FROM claim WHERE note_down(note)'), (2, 'SELECT * FROM claim WHERE note <<< ''x'''), (3, 'SELECT count(*) FROM claim WHERE note_down(note) AND company_id > ''00000000-0000-0000-0000-000000000000'''),
	(4, 'SELECT * FROM claim c JOIN line l ON l.claim_id = c.id AND note_down(c.note)'), (5, 'SELECT * FROM line l LEFT JOIN claim c ON l.claim_id = c.id AND note_down(c.note || l.price)'), (6, 'SELECT * FROM visit v WHERE EXISTS (SELECT FROM claim c WHERE c.id = v.claim_id AND c.note <<< v.day::text)'),
	(7, 'SELECT count(*) FROM claim GROUP BY kind HAVING bool_and(note_down(note))'), (8, 'SELECT * FROM claim ORDER BY note_down(note), id LIMIT 3'), (9, 'UPDATE claim SET amount = 0 WHERE note_down(note)'), (10, 'DELETE FROM claim WHERE note_down(note)'),
	(11, 'MERGE INTO claim c USING visit v ON v.claim_id = c.id AND note_down(c.note) WHEN MATCHED AND note_down(c.note) THEN DO NOTHING'), (12, 'SELECT * FROM claim WHERE bestauth.can_access_company(company_id) OR note_down(note)'), (13, 'SELECT * FROM barrier b JOIN invoker i USING (id) WHERE note_down(b.note)'),
	(14, 'SELECT * FROM claim WHERE id BETWEEN 10 AND 4000 AND note_down(note) FOR UPDATE'), (15, 'INSERT INTO claim SELECT * FROM claim ON CONFLICT (id) DO UPDATE SET amount = 1 WHERE note_down(claim.note)'),
	(16, 'SELECT * FROM claim WHERE bestauth.can_access_company(CASE WHEN note_down(note) THEN company_id END)');
RESET ROLE;
UPDATE policy_plan.claim SET note = 'pplan-x none' WHERE id = 77;
SET ROLE regress_policy_plan;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'two');
SELECT n, g.* FROM nosy, LATERAL policy_plan.given(statement) g ORDER BY n;
-- Nor is there an error that only a foreign row could raise.
SELECT off, regress.attempt('SELECT count(*) FROM policy_plan.claim WHERE 1 / (id - 77) > -1') AS divided, regress.attempt('SELECT count(*) FROM policy_plan.claim WHERE split_part(note, '' '', 2)::int > 0') AS converted
FROM unnest('{enable_sort,enable_seqscan,enable_indexscan,enable_bitmapscan}'::text[]) off, LATERAL set_config(off, 'off', true);
COMMIT;
RESET ROLE;
-- A row that is there raises it, and all are told, were it not for the policy.
SELECT regress.attempt('SELECT count(*) FROM policy_plan.claim WHERE 1 / (id - 77) > -1') AS divided, regress.attempt('SELECT count(*) FROM policy_plan.claim WHERE split_part(note, '' '', 2)::int > 0') AS converted;
SELECT array_length(string_to_array(g.seen, ' '), 1) AS first_of_all FROM policy_plan.given('SELECT * FROM claim WHERE note_down(note)') g;

--
-- [H-11] Neither the plan of an index condition, run or not, nor an error, nor the statistics
-- tell a foreign value, or the id of a company at all.
--
CREATE FUNCTION policy_plan.explain(options text, statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE format('EXPLAIN (%s) %s', options, statement) LOOP
		RETURN NEXT line;
	END LOOP;
END
$$;
SET ROLE regress_policy_plan;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'two');
SELECT o, s, bool_or(line ~ 'accessible_company_ids') AS index_condition, count(*) FILTER (WHERE line ~ '[0-9a-f]{8}-[0-9a-f]{4}-|pplan-|Removed by Filter[^0-9]*[1-9]') AS telling
FROM unnest('{VERBOSE,"ANALYZE, VERBOSE, FORMAT JSON","ANALYZE, SETTINGS, BUFFERS, WAL, FORMAT YAML"}'::text[]) o, unnest('{SELECT * FROM policy_plan.claim,SELECT min(note) FROM policy_plan.claim,UPDATE policy_plan.claim SET amount = 1}'::text[]) s,
	LATERAL policy_plan.explain(o, s) line GROUP BY o, s ORDER BY o COLLATE "C", s COLLATE "C";
COMMIT;
SELECT count(*) FROM pg_stats WHERE schemaname = 'policy_plan' AND tablename IN ('claim', 'line', 'treated', 'document');
SELECT count(*) > 0 AS without_policy FROM pg_stats WHERE schemaname = 'policy_plan' AND tablename = 'visit';
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'two');
-- One of our own rows, and one of somebody else's: refused in the same words.
CREATE FUNCTION pg_temp.refused(statement text, OUT state text, OUT message text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
	state := SQLSTATE;
	message := SQLERRM;
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
END
$$;
SELECT r.* FROM unnest('{1,151}'::int[]) id, LATERAL pg_temp.refused(format('INSERT INTO policy_plan.claim SELECT %s, company_id FROM policy_plan.claim LIMIT 1', id)) r;
SELECT r.* FROM unnest(ARRAY['INSERT INTO policy_plan.claim VALUES (100001, ''00000000-0000-0000-0000-00000000000f'')', 'INSERT INTO policy_plan.claim VALUES (100001, NULL)', 'UPDATE policy_plan.claim SET company_id = owner_id',
	'INSERT INTO policy_plan.claim SELECT 1, company_id FROM policy_plan.claim LIMIT 1 ON CONFLICT (id) DO UPDATE SET amount = 7']) s, LATERAL pg_temp.refused(s) r;
COMMIT;
RESET ROLE;

RESET ALL;
SET client_min_messages = warning;
DO $$
BEGIN
	PERFORM bestauth.revoke_access('regress_policy_plan', 'application');
	PERFORM bestauth.revoke_access('regress_policy_owner', 'reader');
END
$$;
REVOKE USAGE ON SCHEMA regress FROM regress_policy_plan, regress_policy_owner;
DROP OWNED BY regress_policy_plan, regress_policy_owner CASCADE;
DROP SCHEMA policy_plan CASCADE;
DROP ROLE regress_policy_plan, regress_policy_owner;
