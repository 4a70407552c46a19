-- Row-level security of an application's table: one table and one copy without indexes,
-- and a role for each policy, so that all of them read the same pages. Wants the psql
-- variables rows, companies and children: the user may enter so many of the companies.
CREATE SCHEMA crypto;
CREATE EXTENSION pgcrypto SCHEMA crypto;
CREATE EXTENSION bestauth;
SELECT bestauth.open_instance('bench');
CREATE ROLE bench_limit LOGIN BYPASSRLS;
CREATE ROLE bench_bestauth LOGIN;
CREATE ROLE bench_nosupport LOGIN;
CREATE ROLE bench_array LOGIN;
CREATE ROLE bench_subselect LOGIN;
CREATE ROLE bench_plpgsql LOGIN;
SELECT bestauth.grant_access(rolname::regrole, 'application') FROM pg_roles WHERE rolname LIKE 'bench\_%';

-- the user's companies lie scattered among the others, as in any application
SELECT bestauth.create_company('parent', 'Parent');
SELECT bestauth.create_company('c' || n, 'Child ' || n, 'parent') FROM generate_series(0, :companies - 1) n;
SELECT bestauth.create_role('biller', '{claims}',
	ARRAY(SELECT 'c' || k::bigint * :companies / :children FROM generate_series(0, :children - 1) k), company => 'parent');
SELECT bestauth.create_user('barney', 'standard', 'Barney', 'Biller', 'barney@bench.example', 'barney counts the trucks',
	roles => '{biller}', company => 'parent');
CREATE TABLE entered AS SELECT session_token FROM bestauth.login('parent', 'barney', 'barney counts the trucks');
-- what the user may enter, not as bestauth tells it
CREATE TABLE held AS SELECT company_id FROM bestauth.company
	WHERE code = 'parent' OR code IN (SELECT 'c' || k::bigint * :companies / :children FROM generate_series(0, :children - 1) k);
CREATE TABLE membership AS SELECT user_id, held.company_id FROM bestauth.user_account, held;
ALTER TABLE membership ADD PRIMARY KEY (user_id, company_id);

-- row n belongs to company n % companies
CREATE TABLE claim (
	claim_id    bigint NOT NULL,
	company_id  uuid NOT NULL,
	serviced_at timestamptz NOT NULL,
	amount      integer NOT NULL,
	note        text NOT NULL
);
INSERT INTO claim
SELECT n, c.id, timestamptz '2020-01-01 00:00:00+00' + n * interval '1 second', n::bigint * 7919 % 100000, repeat(md5(n::text), 2)
FROM (SELECT array_agg(company_id ORDER BY substr(code, 2)::int) AS ids FROM bestauth.company WHERE parent_id IS NOT NULL) a,
	generate_series(0, :rows - 1) n, LATERAL (SELECT a.ids[n % :companies + 1] AS id) c;
CREATE TABLE unindexed AS SELECT * FROM claim;
ALTER TABLE claim ADD PRIMARY KEY (claim_id);
CREATE INDEX ON claim (company_id);
CREATE INDEX ON claim (serviced_at);
CREATE INDEX ON claim (company_id, serviced_at);

-- one lookup a row, as such functions have it
CREATE FUNCTION may_see(company uuid) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
	RETURN EXISTS (SELECT FROM membership m WHERE m.user_id = bestauth.current_user_id() AND m.company_id = company);
END
$$;
-- the same C function, of which the planner knows nothing
SELECT format('CREATE FUNCTION opaque(company_id uuid) RETURNS boolean AS %L, %L LANGUAGE C STABLE PARALLEL SAFE', probin, prosrc)
FROM pg_proc WHERE oid = 'bestauth.can_access_company(uuid)'::regprocedure \gexec

SELECT format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t) FROM unnest('{claim,unindexed}'::text[]) t \gexec
SELECT format('CREATE POLICY %1$I ON %2$I TO %1$I USING (%3$s)', p.who, t, p.condition)
FROM unnest('{claim,unindexed}'::text[]) t, (VALUES
	('bench_bestauth', 'bestauth.can_access_company(company_id)'),
	('bench_nosupport', 'opaque(company_id)'),
	('bench_array', 'company_id = ANY ((SELECT bestauth.accessible_company_ids())::uuid[])'),
	('bench_subselect', 'company_id IN (SELECT m.company_id FROM membership m WHERE m.user_id = bestauth.current_user_id())'),
	('bench_plpgsql', 'may_see(company_id)')) p (who, condition) \gexec
SELECT format('GRANT SELECT ON claim, unindexed, membership TO %I', rolname) FROM pg_roles WHERE rolname LIKE 'bench\_%' \gexec
VACUUM (ANALYZE, FREEZE);
