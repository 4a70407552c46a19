-- A parent company and its four children: Barney has two by his role, Betty has all; and
-- a table of the application that shows each of them their own companies' rows.
\ir style.psql

\echo
\echo '=== 29. Support makes West EMS Transport, its four children, and Betty, the company''s administrator'
\echo
SET ROLE support;
\o /dev/null
SELECT bestauth.create_company('west', 'West EMS Transport');
SELECT bestauth.create_company(code, name, parent => 'west') FROM (VALUES ('west-air', 'West Air Rescue'),
	('west-coast', 'West Coast Ambulance'), ('west-desert', 'West Desert Medics'), ('west-valley', 'West Valley Transport')) AS child (code, name);
SELECT bestauth.create_user('betty', 'company_administrator', 'Betty', 'Boss', 'betty@west.example',
	'green lamps over the dock', company => 'west');
\o
RESET ROLE;

\echo
\echo '=== 30. The DBA: one table holds everybody''s claims, most of them Good Therapy''s. One call, and each sees their own'
\echo
CREATE TABLE claim (
	claim_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	company_id uuid NOT NULL DEFAULT bestauth.current_company_id(),
	patient    text NOT NULL,
	amount     numeric(10,2) NOT NULL
);
INSERT INTO claim (company_id, patient, amount)
SELECT company_id, 'Patient ' || n, n % 900 + 100 FROM bestauth.company,
	generate_series(1, CASE WHEN code = 'goodtherapy' THEN 50000 WHEN code LIKE 'west-%' THEN 300 ELSE 0 END) n;
GRANT SELECT, INSERT, UPDATE ON claim TO webapp;
SELECT bestauth.isolate_table('claim');
SELECT relation, company_column, enabled, forced, policy_intact, index, problem FROM bestauth.isolated_tables;
VACUUM ANALYZE claim;
SELECT company_id AS coast FROM bestauth.company WHERE code = 'west-coast' \gset
\echo

\echo '=== 31. Betty makes a role that carries two of the children, and gives it to Barney'
\echo
SET ROLE webapp;
SELECT * FROM bestauth.login('west', 'betty', 'green lamps over the dock') \gset betty_
BEGIN;
SELECT FROM bestauth.use_session(:'betty_session_token');
SELECT code, name, source FROM bestauth.list_accessible_companies();
\o /dev/null
SELECT bestauth.create_role('Biller', '{claims,eops,manage_payers}', companies => '{west-air,west-valley}');
SELECT bestauth.create_user('barney', 'standard', 'Barney', 'Biller', 'barney@west.example',
	'nine trucks in a long row', roles => '{Biller}');
\o
COMMIT;
\echo '   What Barney''s context switcher lists:'
SELECT * FROM bestauth.login('west', 'barney', 'nine trucks in a long row') \gset barney_
BEGIN;
SELECT FROM bestauth.use_session(:'barney_session_token');
SELECT code, name, source FROM bestauth.list_accessible_companies();
COMMIT;

\echo '=== 32. His role has manage_payers, and still he makes none at the parent. Betty does, and copies them down: twice, and there are no duplicates'
\echo
BEGIN;
SELECT FROM bestauth.use_session(:'barney_session_token');
\set ON_ERROR_STOP 0
SELECT bestauth.create_payer('Barney''s Own Insurance');
\set ON_ERROR_STOP 1
ROLLBACK;
\echo
BEGIN;
SELECT FROM bestauth.use_session(:'betty_session_token');
\o /dev/null
SELECT bestauth.create_payer('Blue Ridge Health', '{"edi": "BRH01"}');
SELECT bestauth.create_payer('Sunset Mutual', '{"edi": "SUN77"}');
SELECT bestauth.create_facility('West General Hospital');
\o
SELECT * FROM bestauth.copy_payers('{Blue Ridge Health,Sunset Mutual}', '{west-air,west-valley}');
SELECT * FROM bestauth.copy_payers('{Blue Ridge Health,Sunset Mutual}', '{west-air,west-desert}');
COMMIT;

\echo '=== 33. Barney switches to West Air Rescue and works there. His session stays there; what he writes is of that company'
\echo
BEGIN;
SELECT FROM bestauth.use_session(:'barney_session_token');
SELECT bestauth.switch_company('west-air');
COMMIT;
BEGIN;
SELECT FROM bestauth.use_session(:'barney_session_token');
SELECT name, details FROM bestauth.list_payers();
INSERT INTO claim (patient, amount) VALUES ('Wilma Walker', 412.50);
SELECT code, count(*) AS claims, sum(amount) FROM claim JOIN bestauth.list_accessible_companies() USING (company_id)
GROUP BY code ORDER BY code;
SELECT count(*) AS "all that he sees" FROM claim;
\echo '   Here he may make a payer: his role says so'
SELECT bestauth.create_payer('Air Rescue Trust') IS NOT NULL AS made;
COMMIT;
\echo '   Not even by its id does he reach another company:'
BEGIN;
SELECT FROM bestauth.use_session(:'barney_session_token');
SELECT count(*) AS "claims of West Coast Ambulance" FROM claim WHERE company_id = :'coast';
\set ON_ERROR_STOP 0
INSERT INTO claim (company_id, patient, amount) VALUES (:'coast', 'Somebody Else', 1);
\set ON_ERROR_STOP 1
ROLLBACK;

\echo
\echo '=== 34. What it costs: the policy calls a function, and the planner makes an index condition of it'
\echo
BEGIN;
SELECT FROM bestauth.use_session(:'barney_session_token');
EXPLAIN (COSTS OFF) SELECT sum(amount) FROM claim;
\set ECHO none
DO $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXPLAIN (COSTS OFF) SELECT sum(amount) FROM claim LOOP
		plan := plan || line;
	END LOOP;
	ASSERT plan ~ 'Index Cond: .*accessible_company_ids', 'the policy uses the index';
	ASSERT (SELECT count(*) FROM claim) = 601, 'two companies'' claims';
END
$$;
\set ECHO queries
COMMIT;

\echo '=== 35. Betty gives him a third child. What he has by his role, she can''t take from him'
\echo
BEGIN;
SELECT FROM bestauth.use_session(:'betty_session_token');
SELECT bestauth.assign_company('barney', 'west-coast');
COMMIT;
BEGIN;
SELECT FROM bestauth.use_session(:'barney_session_token');
SELECT code, name, source FROM bestauth.list_accessible_companies();
COMMIT;
BEGIN;
SELECT FROM bestauth.use_session(:'betty_session_token');
\set ON_ERROR_STOP 0
SELECT bestauth.unassign_company('barney', 'west-air');
\set ON_ERROR_STOP 1
ROLLBACK;

\echo
\echo '=== 36. The role loses West Air Rescue, where Barney is just now: gone at his next transaction'
\echo
BEGIN;
SELECT FROM bestauth.use_session(:'betty_session_token');
SELECT bestauth.update_role('Biller', permissions => NULL, companies => '{west-valley}');
COMMIT;
BEGIN;
SELECT FROM bestauth.use_session(:'barney_session_token');
SELECT code, name, source FROM bestauth.list_accessible_companies();
SELECT count(*) AS "all that he sees" FROM claim;
COMMIT;
BEGIN;
SELECT FROM bestauth.use_session(:'barney_session_token');
\set ON_ERROR_STOP 0
SELECT bestauth.switch_company('west-air');
\set ON_ERROR_STOP 1
ROLLBACK;

\echo
\echo '=== 37. Betty switches to West Air Rescue, and reads its audit report; and what the DBA sees'
\echo
BEGIN;
SELECT FROM bestauth.use_session(:'betty_session_token');
SELECT bestauth.switch_company('west-air');
SELECT to_char(occurred_at, 'HH24:MI:SS') AS time, username, action, object_type AS object, new_values ->> 'name' AS name, detail
FROM bestauth.audit_report();
COMMIT;
RESET ROLE;
SELECT username, accessible_company AS company, source, role, cardinality(permissions) AS permissions
FROM bestauth.access_matrix WHERE company = 'west' AND applies ORDER BY username, accessible_company;

\set ECHO none
DO $$
BEGIN
	ASSERT (SELECT array_agg(accessible_company || ' ' || source ORDER BY accessible_company) FROM bestauth.access_matrix
		WHERE username = 'barney' AND company = 'west') = '{west own,west-coast assigned,west-valley role}', 'what Barney has left';
	ASSERT (SELECT array_agg(DISTINCT source) FROM bestauth.access_matrix WHERE username = 'betty' AND company = 'west') = '{administrator,own}',
		'Betty has all by her type';
	ASSERT (SELECT count(*) FROM bestauth.payer) = 9, 'two of the parent, three times two copies, one of a child';
	ASSERT (SELECT count(*) FROM bestauth.audit_report(company => 'west-air', action => 'company.switched')) = 2,
		'both switches are in the audit of the child';
	ASSERT (SELECT count(*) FROM bestauth.audit_report(company => 'west', action => 'access.denied') WHERE username = 'barney') = 2,
		'both refusals are in the audit of the parent';
	ASSERT (SELECT count(*) FROM claim) = 51201, 'nothing was written where he may not';
END
$$;
