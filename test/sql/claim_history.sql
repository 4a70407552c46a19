-- The history of claims, by which registration requests are checked: loaded with COPY,
-- every row checked and the bad one named, for the operator alone.
SELECT count(bestauth.create_company(code, name)) FROM (VALUES ('claims_hill', 'Hill Clinic'), ('claims_far', 'Far Clinic')) v (code, name);
CREATE ROLE regress_claims_operator;
CREATE ROLE regress_claims_auditor;
CREATE ROLE regress_claims_app;
CREATE ROLE regress_claims_writer IN ROLE pg_read_all_data, pg_write_all_data;
SELECT bestauth.grant_access('regress_claims_operator', 'operator'), bestauth.grant_access('regress_claims_auditor', 'auditor'), bestauth.grant_access('regress_claims_app', 'application');
GRANT USAGE ON SCHEMA regress TO regress_claims_operator, regress_claims_auditor, regress_claims_app, regress_claims_writer;
SELECT current_date + 5 AS future \gset

-- What the audit has of claims since the test began: action, company, rows, values.
CREATE VIEW pg_temp.audited AS
SELECT action, company_code AS company, db_role = session_user AS by_me, object_id, old_values - 'loaded_at' - 'company_id' AS old, new_values - 'loaded_at' - 'company_id' AS new, detail
FROM bestauth.audit_log WHERE object_type LIKE 'bestauth.%claim%' AND company_code LIKE 'claims\_%' ORDER BY audit_id;
CREATE VIEW pg_temp.history AS
SELECT c.code, h.office_identifier, h.identifier_qualifier AS q, h.npi, h.claim_number, h.service_date
FROM bestauth.historical_claim h JOIN bestauth.company c USING (company_id) WHERE c.code LIKE 'claims\_%' ORDER BY 1, 2, 3, 4, 5, 6;

--
-- [PRV-7] The operator, who is no superuser, loads with COPY. The company's code counts
-- without case; offices and providers need not be here yet.
--
SET ROLE regress_claims_operator;
COPY bestauth.claim_history (office_identifier, npi, claim_number, service_date, company) FROM STDIN;
11-3437602	1234567893	SEKRET-0001	2021-01-05	claims_hill
11-3437602	1234567893	SEKRET-0002	2021-01-06	claims_hill
11-3437602	1245319599	SEKRET-0003	2021-01-06	CLAIMS_HILL
22.98 / 1	1245319599	SEKRET-0003	2021-01-06	claims_far
\.
-- All columns, in their order, and as CSV with a header; of another identifier than a TIN.
COPY bestauth.claim_history FROM STDIN (FORMAT csv, HEADER);
office,npi,claim,date,company
X100,1234567893,SEKRET/0005,2021-12-31,claims_hill
\.
COPY bestauth.claim_history_qualified FROM STDIN;
X100	1234567893	SEKRET/0004	1900-01-01	claims_hill	G2
X100	1234567893	SEKRET/0008	1900-01-02	claims_hill	24
\.
COPY bestauth.claim_history_qualified (office_identifier, npi, claim_number, service_date, company) FROM STDIN;
X100	1234567893	SEKRET/0009	1900-01-03	claims_hill
\.
INSERT INTO bestauth.claim_history (office_identifier, npi, claim_number, service_date, company) VALUES ('X100', '1234567893', 'SEKRET 0006', current_date, 'claims_hill') RETURNING office_identifier, company;
SELECT * FROM bestauth.claim_history_qualified WHERE company LIKE 'claims\_%' AND service_date < current_date ORDER BY 5, 1, 6, 3;
SELECT office_identifier, npi, claim_number, company FROM bestauth.claim_history WHERE company LIKE 'claims\_%' ORDER BY 4, 1, 3;
RESET ROLE;
SELECT count(*), count(*) FILTER (WHERE loaded_at BETWEEN now() - interval '1 hour' AND clock_timestamp()) AS with_time FROM bestauth.historical_claim JOIN bestauth.company USING (company_id) WHERE code LIKE 'claims\_%';

-- [AUD-1] [AUD-2] One row a statement and company, with the number of claims and no more.
SELECT * FROM pg_temp.audited;

--
-- [PRV-7] Loading again makes no duplicates, however the identifiers are typed: in one
-- statement, and in another. What is new beside them is loaded.
--
SET ROLE regress_claims_operator;
COPY bestauth.claim_history (office_identifier, npi, claim_number, service_date, company) FROM STDIN;
11-3437602	1234567893	SEKRET-0001	2021-01-05	claims_hill
113437602	1234567893	sekret.0001	2021-01-05	claims_hill
\.
COPY bestauth.claim_history (office_identifier, npi, claim_number, service_date, company) FROM STDIN;
113437602	1234567893	sekret 0002	2021-01-06	claims_hill
113437602	1234567893	sekret0007	2021-01-07	claims_hill
11343-7602	1234567893	SEKRET0007	2021-01-07	Claims_Hill
\.
-- Another date, provider, qualifier, office or company is another claim.
INSERT INTO bestauth.claim_history_qualified VALUES ('113437602', '1234567893', 'SEKRET-0001', '2021-01-06', 'claims_hill', '24'), ('113437602', '1245319599', 'SEKRET-0001', '2021-01-05', 'claims_hill', '24'),
	('113437602', '1234567893', 'SEKRET-0001', '2021-01-05', 'claims_hill', 'G2'), ('113437603', '1234567893', 'SEKRET-0001', '2021-01-05', 'claims_hill', '24'), ('113437602', '1234567893', 'SEKRET-0001', '2021-01-05', 'claims_far', '24');
INSERT INTO bestauth.claim_history SELECT 'X', '1234567893', 'SEKRET', '2021-01-01', 'claims_hill' WHERE false;
RESET ROLE;
SELECT code, count(*) FROM pg_temp.history GROUP BY code ORDER BY code;
SELECT * FROM pg_temp.history WHERE claim_number ILIKE 'SEKRET%1' OR claim_number ~ '7$';
SELECT action, company, detail FROM pg_temp.audited OFFSET 6;

--
-- [PRV-7] A bad row is named, by COPY's own line; nothing of the statement is loaded. The
-- line's text, which has the claim number, is not told.
--
SELECT count(*) AS before FROM bestauth.historical_claim \gset
SET ROLE regress_claims_operator;
COPY bestauth.claim_history FROM STDIN;
X200	1234567893	SEKRET-0100	2021-01-05	claims_hill
X200	123456789	SEKRET-0101	2021-01-05	claims_hill
\.
COPY bestauth.claim_history FROM STDIN;
X200	1234567893	SEKRET-0100	2021-01-05	claims_hill
X200	1234567893	SEKRET-0101	2021-01-05	claims_hill
X200	12345678９	SEKRET-0102	2021-01-05	claims_hill
\.
COPY bestauth.claim_history FROM STDIN;
X200; --	1234567893	SEKRET-0100	2021-01-05	claims_hill
\.
COPY bestauth.claim_history FROM STDIN;
 - 	1234567893	SEKRET-0100	2021-01-05	claims_hill
\.
COPY bestauth.claim_history FROM STDIN;
X200	1234567893	SEKRET#0100	2021-01-05	claims_hill
\.
COPY bestauth.claim_history FROM STDIN;
X200	1234567893		2021-01-05	claims_hill
\.
COPY bestauth.claim_history FROM STDIN;
X200	1234567893	SEKRET-01234567890123456789012345678901234567890123	2021-01-05	claims_hill
X200	1234567893	SEKRET-012345678901234567890123456789012345678901234	2021-01-05	claims_hill
\.
COPY bestauth.claim_history FROM STDIN;
X200	1234567893	SEKRET-0100	1899-12-31	claims_hill
\.
COPY bestauth.claim_history FROM STDIN;
X200	1234567893	SEKRET-0100	4713-01-01 BC	claims_hill
\.
COPY bestauth.claim_history FROM STDIN;
X200	1234567893	SEKRET-0100	2999-12-31	claims_hill
\.
COPY bestauth.claim_history FROM STDIN;
X200	1234567893	SEKRET-0100	infinity	claims_hill
\.
COPY bestauth.claim_history FROM STDIN;
X200	1234567893	SEKRET-0100	-infinity	claims_hill
\.
COPY bestauth.claim_history FROM STDIN;
X200	1234567893	SEKRET-0100	2021-02-30	claims_hill
\.
COPY bestauth.claim_history FROM STDIN;
X200	1234567893	SEKRET-0100	2021-01-05	claims_hill
X200	1234567893	SEKRET-0101	2021-01-05	claims_nowhere
\.
COPY bestauth.claim_history_qualified FROM STDIN;
X200	1234567893	SEKRET-0100	2021-01-05	claims_hill	?
\.
COPY bestauth.claim_history FROM STDIN;
\N	1234567893	SEKRET-0100	2021-01-05	claims_hill
\.
COPY bestauth.claim_history FROM STDIN;
X200	\N	SEKRET-0100	2021-01-05	claims_hill
\.
COPY bestauth.claim_history FROM STDIN;
X200	1234567893	\N	2021-01-05	claims_hill
\.
COPY bestauth.claim_history FROM STDIN;
X200	1234567893	SEKRET-0100	\N	claims_hill
\.
COPY bestauth.claim_history FROM STDIN;
X200	1234567893	SEKRET-0100	2021-01-05	\N
\.
COPY bestauth.claim_history_qualified FROM STDIN;
X200	1234567893	SEKRET-0100	2021-01-05	claims_hill	\N
\.
SELECT regexp_replace(regress.attempt(format('INSERT INTO bestauth.claim_history VALUES (''X200'', ''1234567893'', ''SEKRET-0100'', %L, ''claims_hill'')', :'future')), '[\d-]{10}', 'DATE') AS in_the_future;
-- The SQLSTATE and the rule that speaks.
SELECT regress.attempt('INSERT INTO bestauth.claim_history VALUES ' || claim) FROM (VALUES
	(1, '(''X200'', ''1'', ''SEKRET-0100'', ''2021-01-05'', ''claims_hill'')'), (2, '(''X200'', ''1234567893'', ''SEKRET#0100'', ''2021-01-05'', ''claims_hill'')'),
	(3, '(''X200'', ''1234567893'', ''SEKRET-0100'', ''1899-01-05'', ''claims_hill'')'), (4, '(''X200'', ''1234567893'', ''SEKRET-0100'', ''2021-01-05'', ''claims_nowhere'')'),
	(5, '(''X200'', ''1234567893'', ''SEKRET-0100'', ''2021-01-05'')')) v (i, claim) ORDER BY i;
-- In the third batch of a statement, far behind what was written already.
INSERT INTO bestauth.claim_history SELECT 'X200', '1234567893', 'SEKRET-' || i, '2021-01-05', CASE i WHEN 20001 THEN 'claims_nowhere' ELSE 'claims_hill' END FROM generate_series(1, 20500) i;
RESET ROLE;
SELECT count(*) - :before AS loaded FROM bestauth.historical_claim;
SELECT count(*) FROM pg_temp.audited;

--
-- What a statement that failed has left is in none that follows; what is rolled back is
-- gone, and its audit row with it.
--
SET ROLE regress_claims_operator;
BEGIN;
INSERT INTO bestauth.claim_history VALUES ('X300', '1234567893', 'SEKRET-0301', '2021-01-05', 'claims_hill');
SAVEPOINT one;
INSERT INTO bestauth.claim_history VALUES ('X300', '1234567893', 'SEKRET-0302', '2021-01-05', 'claims_hill'), ('X300', '1', 'SEKRET-0303', '2021-01-05', 'claims_hill');
ROLLBACK TO one;
INSERT INTO bestauth.claim_history VALUES ('X300', '1234567893', 'SEKRET-0304', '2021-01-05', 'claims_hill');
SAVEPOINT two;
INSERT INTO bestauth.claim_history VALUES ('X300', '1234567893', 'SEKRET-0305', '2021-01-05', 'claims_hill');
ROLLBACK TO two;
COMMIT;
BEGIN;
INSERT INTO bestauth.claim_history VALUES ('X300', '1234567893', 'SEKRET-0306', '2021-01-05', 'claims_hill');
ROLLBACK;
-- A statement whose rows come from a function that loads too, and fails at times; its own
-- are not seen before it ends.
CREATE FUNCTION pg_temp.inner_load(i int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO bestauth.claim_history VALUES ('X301', '1234567893', 'SEKRET-' || i, '2021-01-05', 'claims_far'),
		('X301', CASE WHEN i % 2 = 0 THEN '1234567893' ELSE 'bad' END, 'SEKRET-1' || i, '2021-01-05', 'claims_far');
	RETURN 'good ' || (SELECT count(*) FROM bestauth.claim_history WHERE office_identifier IN ('X301', 'X302'));
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN 'bad';
END
$$;
INSERT INTO bestauth.claim_history SELECT 'X302', '1234567893', 'SEKRET-' || i || '-' || pg_temp.inner_load(i), '2021-01-05', 'claims_hill' FROM generate_series(1, 4) i;
-- Three times in one statement, through both views.
WITH a AS (INSERT INTO bestauth.claim_history VALUES ('X303', '1234567893', 'SEKRET-A', '2021-01-05', 'claims_hill') RETURNING 1),
	b AS (INSERT INTO bestauth.claim_history VALUES ('X303', '1234567893', 'SEKRET-B', '2021-01-05', 'claims_hill') RETURNING 1),
	c AS (INSERT INTO bestauth.claim_history_qualified VALUES ('X303', '1234567893', 'SEKRET-C', '2021-01-05', 'claims_hill', 'G2') RETURNING 1)
SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b) + (SELECT count(*) FROM c) AS loaded, (SELECT count(*) FROM bestauth.claim_history WHERE office_identifier = 'X303') AS seen;
-- An outer statement that fails takes the inner ones with it.
INSERT INTO bestauth.claim_history SELECT 'X304', CASE i WHEN 3 THEN pg_temp.inner_load(40 + i) ELSE '1234567893' END, 'SEKRET-' || i || pg_temp.inner_load(40 + i), '2021-01-05', 'claims_hill' FROM generate_series(1, 4) i;
INSERT INTO bestauth.claim_history VALUES ('X305', '1234567893', 'SEKRET-0307', '2021-01-05', 'claims_hill');
RESET ROLE;
SELECT * FROM pg_temp.history WHERE office_identifier LIKE 'X30_';
SELECT action, company, detail FROM pg_temp.audited OFFSET 9;
-- Several batches of several companies, with those that are there already.
SET ROLE regress_claims_operator;
INSERT INTO bestauth.claim_history SELECT 'X310', '1234567893', 'SEKRET' || i / 2, '2021-01-05', CASE WHEN i % 10 = 0 THEN 'claims_far' ELSE 'claims_hill' END FROM generate_series(1, 20500) i;
INSERT INTO bestauth.claim_history SELECT 'X310', '1234567893', 'SEKRET' || i, '2021-01-05', 'claims_hill' FROM generate_series(1, 10251) i;
RESET ROLE;
SELECT code, count(*) FROM pg_temp.history WHERE office_identifier = 'X310' GROUP BY code ORDER BY code;
SELECT action, company, detail FROM pg_temp.audited OFFSET 17;
SELECT count(*) AS left_over FROM pg_backend_memory_contexts WHERE name LIKE 'bestauth load' OR name LIKE 'bestauth batch';

--
-- [L-10] Nobody but the operator, whatever the predefined roles give.
--
SELECT company_id AS hill FROM bestauth.company WHERE code = 'claims_hill' \gset
SELECT bestauth.grant_access('regress_claims_writer', 'auditor');
\set claim '(''X400'', ''1234567893'', ''SEKRET-0400'', ''2021-01-05'', ''claims_hill'')'
SET ROLE regress_claims_writer;
INSERT INTO bestauth.claim_history VALUES :claim;
COPY bestauth.claim_history FROM STDIN;
X400	1234567893	SEKRET-0400	2021-01-05	claims_hill
\.
INSERT INTO bestauth.claim_history SELECT 'X400', '1234567893', 'SEKRET-0400', '2021-01-05', 'claims_hill' WHERE false;
INSERT INTO bestauth.claim_history_qualified VALUES ('X400', '1234567893', 'SEKRET-0400', '2021-01-05', 'claims_hill', 'G2');
INSERT INTO bestauth.historical_claim VALUES (:'hill', 'X310', '24', '1234567893', 'SEKRET1', '2021-01-05') ON CONFLICT DO NOTHING;
SELECT count(*) FROM bestauth.claim_history;
SELECT count(*) FROM bestauth.historical_claim;
SELECT count(*) FROM bestauth.claim_history_qualified;
DELETE FROM bestauth.claim_history;
DELETE FROM bestauth.claim_history_qualified;
UPDATE bestauth.claim_history SET npi = '1245319599';
DELETE FROM bestauth.historical_claim;
UPDATE bestauth.historical_claim SET npi = '1245319599';
-- Nor do statistics tell.
RESET ROLE;
ANALYZE bestauth.historical_claim;
SET ROLE regress_claims_writer;
SELECT tablename, attname FROM pg_stats WHERE schemaname = 'bestauth' AND (tablename LIKE 'historical\_claim%') ORDER BY 1, 2;
RESET ROLE;
SELECT c.relname, a.attname, s.stanullfrac FROM pg_statistic s JOIN pg_class c ON c.oid = s.starelid JOIN pg_attribute a ON a.attrelid = s.starelid AND a.attnum = s.staattnum
WHERE c.relname LIKE 'historical\_claim%' AND (a.attname = 'claim_number' OR c.relkind = 'i');
SELECT rolname, string_agg(p || CASE WHEN has_table_privilege(rolname, 'bestauth.claim_history', p) THEN '' ELSE ' refused' END || CASE WHEN has_table_privilege(rolname, 'bestauth.historical_claim', p) THEN ' of all' ELSE '' END, ', ' ORDER BY p)
FROM pg_roles, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) p WHERE rolname IN ('regress_claims_operator', 'regress_claims_auditor', 'regress_claims_app') GROUP BY rolname ORDER BY rolname;
-- Without a leaky function either: the check comes before it.
CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$BEGIN RAISE NOTICE 'leaked %', $1; RETURN true; END$$;
SET ROLE regress_claims_writer;
SELECT count(*) FROM bestauth.claim_history WHERE pg_temp.leak(claim_number);
SELECT count(*) FROM bestauth.historical_claim WHERE pg_temp.leak(claim_number);
RESET ROLE;

--
-- Rows that come, change and go by another way: the same checks [PRV-7], and a row of the
-- audit each [AUD-1], with the claim number as changed only [AUD-2].
--
SELECT count(*) AS mark FROM pg_temp.audited \gset
SELECT regress.attempt(format('INSERT INTO bestauth.historical_claim (company_id, office_identifier, npi, claim_number, service_date) VALUES (%s)', claim)) FROM (VALUES
	(1, format('%L, ''X500'', ''1234567893'', ''SEKRET-0500'', ''2021-01-05''', :'hill')), (2, format('%L, ''X500'', ''1234567893'', ''SEKRET-0500'', ''2021-01-05''', :'hill')),
	(3, format('%L, ''X500'', ''1'', ''SEKRET-0500'', ''2021-01-05''', :'hill')), (4, format('%L, ''X;'', ''1234567893'', ''SEKRET-0500'', ''2021-01-05''', :'hill')),
	(5, format('%L, ''X500'', ''1234567893'', ''SEKRET#0500'', ''2021-01-05''', :'hill')), (6, format('%L, ''X500'', ''1234567893'', ''SEKRET-0500'', ''1800-01-05''', :'hill')),
	(7, format('%L, ''X500'', ''1234567893'', ''SEKRET-0500'', ''2021-01-05''', '00000000-0000-7000-8000-000000000000')), (8, format('%L, ''X500'', ''1234567893'', NULL, ''2021-01-05''', :'hill')),
	(9, format('%L, ''X500'', ''1234567893'', ''SEKRET-0500'', NULL', :'hill'))) v (i, claim) ORDER BY i;
UPDATE bestauth.historical_claim SET claim_number = 'SEKRET-0501', service_date = '2021-01-06' WHERE office_identifier = 'X500';
UPDATE bestauth.historical_claim SET npi = '7' WHERE office_identifier = 'X500';
UPDATE bestauth.historical_claim h SET company_id = c.company_id FROM bestauth.company c WHERE c.code = 'claims_far' AND office_identifier = 'X500';
TRUNCATE bestauth.historical_claim;
SET ROLE regress_claims_operator;
DELETE FROM bestauth.claim_history WHERE company = 'claims_hill' AND office_identifier = 'X500';
UPDATE bestauth.claim_history SET npi = '1245319599';
TRUNCATE bestauth.claim_history;
SELECT count(*) FROM bestauth.historical_claim;
RESET ROLE;
SELECT * FROM pg_temp.audited OFFSET :mark;
SELECT count(*) AS told FROM bestauth.audit_log a WHERE a::text ILIKE '%sekret%';

-- A session is no operator.
SELECT bestauth.create_user('clara', 'company_administrator', 'Clara', 'Claims', 'clara@claims.example', 'seven green boats of clara', company => 'claims_hill') IS NOT NULL AS made;
SET ROLE regress_claims_app;
SELECT * FROM bestauth.login('claims_hill', 'clara', 'seven green boats of clara') \gset x_
BEGIN;
SELECT username FROM bestauth.use_session(:'x_session_token') s JOIN LATERAL (SELECT 'clara' AS username) u ON true;
INSERT INTO bestauth.claim_history VALUES :claim;
ROLLBACK;
RESET ROLE;

DROP VIEW pg_temp.audited, pg_temp.history;
DROP FUNCTION pg_temp.inner_load(int);
SELECT count(bestauth.revoke_access(role, access)) FROM (VALUES ('regress_claims_operator'::regrole, 'operator'), ('regress_claims_auditor', 'auditor'), ('regress_claims_writer', 'auditor'), ('regress_claims_app', 'application')) v (role, access);
REVOKE USAGE ON SCHEMA regress FROM regress_claims_operator, regress_claims_auditor, regress_claims_app, regress_claims_writer;
DROP ROLE regress_claims_operator, regress_claims_auditor, regress_claims_app, regress_claims_writer;
