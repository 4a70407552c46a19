-- [AUD-4] The audit report: whose rows, which of them, and who may ask.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA report_test;
GRANT USAGE ON SCHEMA report_test TO PUBLIC;
CREATE FUNCTION report_test.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
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
CREATE FUNCTION report_test.pages(size int, until timestamptz) RETURNS TABLE (pages bigint, longest bigint, ids bigint[]) LANGUAGE sql AS $$
	WITH RECURSIVE page AS (
		SELECT 1 AS number, array_agg(audit_id ORDER BY occurred_at, audit_id) AS ids, max(next) AS next FROM bestauth.audit_report(until => pages.until, page_size => size)
		UNION ALL
		SELECT number + 1, p.ids, p.next FROM page, LATERAL (
			SELECT array_agg(audit_id ORDER BY occurred_at, audit_id) AS ids, max(next) AS next
			FROM bestauth.audit_report(until => pages.until, page_size => size, after => page.next)) p
		WHERE page.next IS NOT NULL AND p.ids IS NOT NULL AND number < 1000
	)
	SELECT count(*), max(cardinality(page.ids)), array_agg(id ORDER BY number, place) FROM page, unnest(page.ids) WITH ORDINALITY i (id, place)
$$;
CREATE ROLE regress_report_app;
CREATE ROLE regress_report_operator;
CREATE ROLE regress_report_auditor;
CREATE ROLE regress_report_reader;
CREATE ROLE regress_report_mailer;
RESET client_min_messages;
DO $$
BEGIN
	PERFORM bestauth.grant_access('regress_report_app', 'application');
	PERFORM bestauth.grant_access('regress_report_operator', 'operator');
	PERFORM bestauth.grant_access('regress_report_auditor', 'auditor');
	PERFORM bestauth.grant_access('regress_report_reader', 'reader');
	PERFORM bestauth.grant_access('regress_report_mailer', 'mailer');
	PERFORM bestauth.create_company('report-svc', 'Report Billing');
	PERFORM bestauth.register_billing_service('report-svc');
	PERFORM bestauth.create_user('pia', 'restricted', 'Pia', 'Person', 'pia@report.example', 'a password of pia', company => 'report-svc');
	PERFORM bestauth.create_user('sue', 'restricted', 'Sue', 'Supervisor', 'sue@report.example', 'a password of sue', permissions => '{audit_report}', company => 'report-svc');
	PERFORM bestauth.create_company('report-clinic', 'Report Clinic');
	PERFORM bestauth.create_user('billkey', 'billing', NULL, 'Bills', password => 'a password of billkey', billing_service => 'report-svc', permissions => '{manage_users}', company => 'report-clinic');
	PERFORM bestauth.create_user('cal', 'standard', 'Cal', 'Clinic', 'cal@report.example', 'a password of cal', permissions => '{audit_report,manage_users}', company => 'report-clinic');
	PERFORM bestauth.create_user('dot', 'standard', 'Dot', 'Desk', 'dot@report.example', 'a password of dot', company => 'report-clinic');
	PERFORM bestauth.create_company('report-other', 'Report Other');
	PERFORM bestauth.create_user('oto', 'standard', 'Oto', 'Other', 'oto@report.example', 'a password of oto', permissions => '{audit_report}', company => 'report-other');
END
$$;

-- A day at the clinic: its own people, a key with a person, and guesses.
SELECT clock_timestamp() AS day \gset
SET SESSION AUTHORIZATION regress_report_app;
SELECT session_token AS cal FROM bestauth.login('report-clinic', 'cal', 'a password of cal') \gset
SELECT session_token AS dot FROM bestauth.login('report-clinic', 'dot', 'a password of dot') \gset
SELECT session_token AS sue FROM bestauth.login('report-svc', 'sue', 'a password of sue') \gset
SELECT session_token AS oto FROM bestauth.login('report-other', 'oto', 'a password of oto') \gset
SELECT outcome FROM bestauth.login('report-clinic', 'billkey', 'a wrong password');
SELECT challenge_token AS c FROM bestauth.login('report-clinic', 'billkey', 'a password of billkey') \gset
SELECT outcome FROM bestauth.login_second_part(:'c', 'pia', 'a wrong password');
SELECT session_token AS pia FROM bestauth.login_second_part(:'c', 'pia', 'a password of pia') \gset
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'pia');
SELECT bestauth.create_user('bypia', 'standard', 'By', 'Pia', 'bypia@report.example') IS NOT NULL AS made;
COMMIT;
SELECT clock_timestamp() AS noon \gset
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'cal');
SELECT bestauth.create_user('bycal', 'standard', 'By', 'Cal', 'bycal@report.example') IS NOT NULL AS made;
COMMIT;
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'pia');
SELECT report_test.attempt($$SELECT bestauth.create_role('Mine', '{}')$$);
ROLLBACK;

-- [IBS-8] The company sees all of it, with the key, the person and the service by name.
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'cal');
SELECT company, username, person, billing_service, action, outcome, object_type, object_id
FROM bestauth.audit_report(since => :'day') WHERE action !~ '^(row|audit)\.';
SELECT count(*) > 10 AS rows, count(*) = count(company) AND bool_and(company = 'report-clinic') AS own FROM bestauth.audit_report();
SELECT bool_and(company_id = bestauth.current_company_id()) AS own, bool_or(old_values IS NOT NULL OR new_values IS NOT NULL) AS values,
	bool_or(session_id IS NOT NULL) AS sessions, bool_and(db_role IS NOT NULL) AS roles
FROM bestauth.audit_report(since => :'day');
-- In the order of time.
SELECT bool_and((occurred_at, audit_id) > before) AS ordered FROM
	(SELECT occurred_at, audit_id, lag((occurred_at, audit_id)) OVER () AS before FROM bestauth.audit_report()) r WHERE before IS NOT NULL;

-- By period, user, person and action.
SELECT username, person, action FROM bestauth.audit_report(since => :'noon') WHERE action !~ '^(row|audit)\.';
SELECT username, person, action FROM bestauth.audit_report(since => :'day', until => :'noon', action => 'user.created');
SELECT count(*) FROM bestauth.audit_report(since => :'noon', until => :'noon');
SELECT count(*) FROM bestauth.audit_report(since => 'infinity');
SELECT DISTINCT username, person FROM bestauth.audit_report(since => :'day', username => 'BILLKEY') ORDER BY person;
SELECT DISTINCT username, person FROM bestauth.audit_report(since => :'day', person => 'report-svc/pia');
SELECT DISTINCT username, person FROM bestauth.audit_report(since => :'day', person => 'cal');
SELECT count(*) FROM bestauth.audit_report(person => 'pia');
SELECT DISTINCT action FROM bestauth.audit_report(since => :'day', action => 'login.*') ORDER BY action;
SELECT DISTINCT action FROM bestauth.audit_report(action => 'login.denied');
SELECT count(*) FROM bestauth.audit_report(action => 'login') UNION ALL SELECT count(*) FROM bestauth.audit_report(action => 'log.*')
UNION ALL SELECT count(*) FROM bestauth.audit_report(action => '%') UNION ALL SELECT count(*) FROM bestauth.audit_report(action => 'login_%');
SELECT username, person, action FROM bestauth.audit_report(since => :'day', username => 'billkey', person => 'report-svc/pia', action => 'user.*');
SELECT report_test.attempt($$SELECT * FROM bestauth.audit_report(username => E'a\nb')$$);

-- By pages: each as long as asked for, and together the whole.
SELECT clock_timestamp() AS evening \gset
SELECT size, longest <= size AS short, pages > 30 / size AS pages, ids = ARRAY(SELECT audit_id FROM bestauth.audit_report(until => :'evening')) AS whole
FROM (VALUES (1), (2), (7), (1000)) s (size), report_test.pages(size, :'evening');
SELECT report_test.attempt('SELECT * FROM bestauth.audit_report(page_size => 0)');
SELECT report_test.attempt('SELECT * FROM bestauth.audit_report(page_size => 1001)');
SELECT report_test.attempt(format('SELECT * FROM bestauth.audit_report(after => %L)', a))
FROM unnest('{x,/,2026-01-01/1,2026-01-01T00:00:00.000000,2026-01-01T00:00:00.000000/,2026-01-01T00:00:00.000000/1x,2026-01-01T00:00:00.000000/-1,2026-99-99T00:00:00.000000/1,2026-02-29T00:00:00.000000/1,2026-01-01T00:00:00.000000/99999999999999999999,0000-01-01T00:00:00.000000/1,2026-01-01 00:00:00.000000/1}'::text[]) a;

-- [H-01] [ALL-3] It can name its own company, and no other, there or not.
SELECT report_test.attempt($$SELECT * FROM bestauth.audit_report(company => 'REPORT-CLINIC')$$);
SELECT report_test.attempt(format('SELECT * FROM bestauth.audit_report(company => %L)', c)) FROM unnest('{report-svc,report-other,report-nowhere}'::text[]) c;
COMMIT;

-- Another company sees nothing of it.
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'oto');
SELECT DISTINCT company, username, person, billing_service FROM bestauth.audit_report(since => :'day');
COMMIT;

-- A service sees what its own people did at the customer, and no more of them.
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'sue');
SELECT company, username, person, billing_service, action, outcome, object_id
FROM bestauth.audit_report(since => :'day') WHERE action !~ '^(row|audit)\.';
SELECT DISTINCT company, billing_service FROM bestauth.audit_report(since => :'day') ORDER BY company;
SELECT count(*) AS of_others FROM bestauth.audit_report()
WHERE company <> 'report-svc' AND (billing_service IS DISTINCT FROM 'report-svc' OR person IN ('cal', 'dot'));
SELECT report_test.attempt($$SELECT * FROM bestauth.audit_report(company => 'report-clinic')$$);
COMMIT;

--
-- Who may ask.
--
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'dot');
SELECT report_test.attempt('SELECT * FROM bestauth.audit_report()');
ROLLBACK;
-- The key does not hold audit_report, so nor does who comes in with it.
BEGIN;
SELECT person_id IS NOT NULL AS used FROM bestauth.use_session(:'pia');
SELECT report_test.attempt('SELECT * FROM bestauth.audit_report()');
ROLLBACK;
SELECT report_test.attempt('SELECT * FROM bestauth.audit_report()');
SET SESSION AUTHORIZATION regress_report_reader;
SELECT report_test.attempt('SELECT * FROM bestauth.audit_report()');
SET SESSION AUTHORIZATION regress_report_mailer;
SELECT report_test.attempt('SELECT * FROM bestauth.audit_report()');
SET SESSION AUTHORIZATION regress_report_auditor;
SELECT company FROM bestauth.audit_report(since => :'day') WHERE company IS NOT NULL GROUP BY company ORDER BY company COLLATE "C";
SELECT DISTINCT company FROM bestauth.audit_report(since => :'day', company => 'report-other');
SELECT report_test.attempt($$SELECT * FROM bestauth.audit_report(company => 'report-nowhere')$$);
SELECT count(*) > 0 AS reads FROM bestauth.audit_log;
SET SESSION AUTHORIZATION regress_report_operator;
SELECT company FROM bestauth.audit_report(since => :'day') WHERE company IS NOT NULL GROUP BY company ORDER BY company COLLATE "C";
SELECT username, person, action FROM bestauth.audit_report(since => :'noon', company => 'report-clinic', action => 'user.created');
RESET SESSION AUTHORIZATION;
SELECT clock_timestamp() AS midnight \gset
SELECT count(*) = (SELECT count(*) FROM bestauth.audit_log WHERE occurred_at < :'midnight') AS all FROM bestauth.audit_report(until => :'midnight');
-- The refusals are in the report themselves.
SELECT username, person, object_id, detail ->> 'rule' AS rule FROM bestauth.audit_report(since => :'day', company => 'report-clinic', action => 'access.denied');

-- Names are those of then.
UPDATE bestauth.company SET name = 'Report Clinic Ltd.' WHERE code = 'report-clinic';
SELECT DISTINCT person, billing_service FROM bestauth.audit_report(since => :'day', company => 'report-clinic', username => 'billkey', action => 'user.created');

SET client_min_messages = warning;
DO $$
DECLARE
	access text;
BEGIN
	PERFORM bestauth.revoke_access('regress_report_app', 'application');
	FOREACH access IN ARRAY '{operator,auditor,reader,mailer}'::text[] LOOP
		PERFORM bestauth.revoke_access(('regress_report_' || access)::regrole, access);
	END LOOP;
END
$$;
DROP SCHEMA report_test CASCADE;
DROP ROLE regress_report_app, regress_report_operator, regress_report_auditor, regress_report_reader, regress_report_mailer;
