-- Reports of the audit over a small story: rights given and taken, refusals, one person's
-- trail, who may read them, and that reading is audited.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET default_transaction_isolation = 'read committed';
CREATE ROLE regress_rstory_app;
CREATE ROLE regress_rstory_operator;
CREATE ROLE regress_rstory_auditor;
CREATE ROLE regress_rstory_other;
SELECT bestauth.grant_access('regress_rstory_app', 'application'), bestauth.grant_access('regress_rstory_operator', 'operator'), bestauth.grant_access('regress_rstory_auditor', 'auditor');
GRANT USAGE ON SCHEMA regress TO regress_rstory_app, regress_rstory_operator, regress_rstory_auditor;
DO $$
BEGIN
	PERFORM bestauth.create_company('rstory-svc', 'Story Billing');
	PERFORM bestauth.register_billing_service('rstory-svc');
	PERFORM bestauth.create_company('rstory-clinic', 'Story Clinic');
	PERFORM bestauth.create_company('rstory-kid', 'Story Child', parent => 'rstory-clinic');
	PERFORM bestauth.create_company('rstory-far', 'Story Far');
	PERFORM bestauth.create_user('pia', 'restricted', 'Pia', 'Person', 'pia@rstory.example', 'seven green boats of pia', company => 'rstory-svc');
	PERFORM bestauth.create_user('sue', 'restricted', 'Sue', 'Super', 'sue@rstory.example', 'seven green boats of sue', permissions => '{audit_report}', company => 'rstory-svc');
	PERFORM bestauth.create_user('billkey', 'billing', NULL, 'Bills', password => 'seven green boats of billkey', billing_service => 'rstory-svc', permissions => '{manage_users}', company => 'rstory-clinic');
	PERFORM bestauth.create_user('farkey', 'billing', NULL, 'Far', password => 'seven green boats of farkey', billing_service => 'rstory-svc', company => 'rstory-far');
	PERFORM bestauth.create_user('adam', 'company_administrator', 'Adam', 'Admin', 'adam@rstory.example', 'seven green boats of adam', company => 'rstory-clinic');
	PERFORM bestauth.create_user('dot', 'standard', 'Dot', 'Desk', 'dot@rstory.example', 'seven green boats of dot', company => 'rstory-clinic');
END
$$;
CREATE TEMP TABLE token (name text PRIMARY KEY, token text);
GRANT SELECT, INSERT ON token TO regress_rstory_app;
-- A call in a session of somebody, in a transaction of its own; what it came to.
CREATE FUNCTION pg_temp.as_user(who text, call text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT t.token FROM token t WHERE t.name = who));
	RETURN regress.attempt(call);
END
$$;
-- All of a report, page by page: the same numbers in the same order?
CREATE FUNCTION pg_temp.paged(call text, size integer) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
	ids bigint[] := '{}';
	page bigint[];
	place text;
BEGIN
	LOOP
		EXECUTE format('SELECT array_agg(audit_id ORDER BY occurred_at, audit_id), (array_agg(next ORDER BY occurred_at DESC, audit_id DESC))[1]
			FROM bestauth.%s, page_size => %s, after => %L)', call, size, place) INTO page, place;
		EXIT WHEN page IS NULL;
		IF cardinality(page) > size THEN
			RAISE 'page of % rows', cardinality(page);
		END IF;
		ids := ids || page;
	END LOOP;
	RETURN ids;
END
$$;
RESET client_min_messages;

-- The story: an administrator gives and takes, a service's person works with a key,
-- somebody guesses, and an operator changes rows.
SELECT clock_timestamp() AS day \gset
SET SESSION AUTHORIZATION regress_rstory_app;
INSERT INTO token SELECT name, session_token FROM (VALUES ('rstory-clinic', 'adam'), ('rstory-clinic', 'dot'), ('rstory-svc', 'sue')) v (company, name),
	LATERAL bestauth.login(company, name, 'seven green boats of ' || name, client_addr => '192.0.2.7');
INSERT INTO token SELECT key, s.session_token FROM (VALUES ('rstory-clinic', 'billkey'), ('rstory-far', 'farkey')) v (company, key),
	LATERAL bestauth.login(company, key, 'seven green boats of ' || key) f, LATERAL bestauth.login_second_part(f.challenge_token, 'pia', 'seven green boats of pia', '192.0.2.9') s;
SELECT count(token) FROM token;
SELECT pg_temp.as_user('adam', $$SELECT bestauth.create_role('Desk', '{claims,eops}', '{RSTORY-KID}')$$);
SELECT pg_temp.as_user('adam', $$SELECT bestauth.create_user('eve', 'standard', 'Eve', 'Early', 'eve@rstory.example', roles => '{Desk}', permissions => '{my_account}')$$);
SELECT pg_temp.as_user('adam', $$SELECT bestauth.grant_permission('dot', 'claims')$$);
SELECT pg_temp.as_user('adam', $$SELECT bestauth.assign_role('dot', 'Desk')$$);
SELECT pg_temp.as_user('adam', $$SELECT bestauth.update_role('Desk', '{claims,eligibility}', '{}')$$);
SELECT pg_temp.as_user('adam', $$SELECT bestauth.assign_company('dot', 'rstory-kid')$$);
SELECT pg_temp.as_user('adam', $$SELECT bestauth.unassign_company('dot', 'rstory-kid')$$);
SELECT pg_temp.as_user('adam', $$SELECT bestauth.unassign_role('dot', 'Desk'), bestauth.unassign_role('eve', 'Desk')$$);
SELECT pg_temp.as_user('adam', $$SELECT bestauth.delete_role('Desk')$$);
SELECT pg_temp.as_user('adam', $$SELECT bestauth.revoke_permission('dot', 'claims')$$);
SELECT pg_temp.as_user('adam', $$SELECT bestauth.lock_user('eve')$$);
SELECT pg_temp.as_user('adam', $$SELECT bestauth.unlock_user('eve')$$);
SELECT pg_temp.as_user('adam', $$SELECT bestauth.delete_user('eve')$$);
SELECT pg_temp.as_user('adam', $$SELECT bestauth.limit_billing_user('billkey', '{pia}')$$);
-- Nothing happens twice: what is there already is no act.
SELECT pg_temp.as_user('adam', $$SELECT bestauth.revoke_permission('dot', 'claims')$$);
-- The limit ended the key's session.
INSERT INTO token SELECT 'pia', s.session_token FROM bestauth.login('rstory-clinic', 'billkey', 'seven green boats of billkey') f,
	LATERAL bestauth.login_second_part(f.challenge_token, 'pia', 'seven green boats of pia', '192.0.2.9') s;
SELECT pg_temp.as_user('pia', $$SELECT bestauth.create_user('ned', 'standard', 'Ned', 'New', 'ned@rstory.example')$$);
-- Refused: a wrong password, a name that nobody has, what takes a permission, another company.
SELECT outcome FROM bestauth.login('rstory-clinic', 'dot', 'seven green boats of who', client_addr => '192.0.2.8');
SELECT outcome FROM bestauth.login('rstory-clinic', 'nobody', 'seven green boats of who');
SELECT pg_temp.as_user('dot', $$SELECT bestauth.create_role('Mine', '{}')$$);
SELECT pg_temp.as_user('pia', $$SELECT bestauth.create_role('Ours', '{}')$$);
SELECT pg_temp.as_user('farkey', $$SELECT bestauth.create_user('far', 'standard', 'Far', 'User', 'far@rstory.example')$$);
RESET SESSION AUTHORIZATION;
-- The operator, by SQL: one act between changes of the same kind in the same transaction.
SET SESSION AUTHORIZATION regress_rstory_operator;
SELECT bestauth.create_role('Hidden', '{claims}', company => 'rstory-clinic') IS NOT NULL AS made;
BEGIN;
SELECT bestauth.grant_permission('dot', 'claims', company => 'rstory-clinic');
INSERT INTO bestauth.user_permission (company_id, user_id, permission) SELECT company_id, user_id, p FROM bestauth.user_account, unnest('{manage_users,eops}'::text[]) p WHERE username = 'dot' AND email = 'dot@rstory.example';
SELECT bestauth.update_role('Hidden', '{claims,eops}', NULL, company => 'rstory-clinic');
INSERT INTO bestauth.role_permission (company_id, role_id, permission) SELECT company_id, role_id, 'manage_roles' FROM bestauth.role WHERE name = 'Hidden';
COMMIT;
INSERT INTO bestauth.user_role (company_id, user_id, role_id) SELECT u.company_id, u.user_id, r.role_id FROM bestauth.user_account u JOIN bestauth.role r USING (company_id) WHERE u.email = 'dot@rstory.example' AND r.name = 'Hidden';
INSERT INTO bestauth.user_company (company_id, user_id, child_id) SELECT u.company_id, u.user_id, c.company_id FROM bestauth.user_account u JOIN bestauth.company c ON c.parent_id = u.company_id WHERE u.email = 'dot@rstory.example';
DELETE FROM bestauth.user_permission p USING bestauth.user_account u WHERE u.user_id = p.user_id AND u.email = 'dot@rstory.example' AND p.permission = 'eops';
UPDATE bestauth.user_account SET last_name = 'Disk', deleted_at = '2020-01-01 00:00:00+00' WHERE email = 'ned@rstory.example';
-- What is no right is not in it.
UPDATE bestauth.user_account SET last_name = 'Dusk' WHERE email = 'dot@rstory.example';
RESET SESSION AUTHORIZATION;
SELECT bestauth.grant_access('regress_rstory_other', 'reader'), bestauth.revoke_access('regress_rstory_other', 'reader');
SELECT clock_timestamp() AS night \gset

--
-- [AUD-4] Who gave or took what from whom: an act in one row, and the rows of direct SQL,
-- those beside an act too.
--
SET SESSION AUTHORIZATION regress_rstory_auditor;
\pset null -
SELECT company, by_user, by_person, billing_service AS service, db_role, action, subject, regexp_replace(change::text, '\d{4}-\d\d-\d\dT[^"]*', '(time)') AS change
FROM bestauth.privilege_changes(:'day', :'night', 'rstory-clinic');
-- What is of no company is for all; db_role is whoever runs the test.
SELECT company, by_user, action, subject, change FROM bestauth.privilege_changes(:'day', :'night') WHERE company IS NULL AND subject LIKE 'regress%';
SELECT count(*) FROM bestauth.privilege_changes(:'night', :'night') UNION ALL SELECT count(*) FROM bestauth.privilege_changes(:'day', :'night', 'rstory-kid');

--
-- [AUD-7] What was refused, with the reason that the caller was not told.
--
SELECT company, named, person, billing_service AS service, db_role, action, object_type AS type, object_id AS object, reason, rule, client_addr AS address, times
FROM bestauth.access_denied(:'day', :'night') WHERE company LIKE 'rstory-%';
SELECT count(*) FROM bestauth.access_denied(:'day', :'night', 'rstory-clinic') UNION ALL SELECT count(*) FROM bestauth.access_denied(:'day', :'night', 'rstory-kid');
-- A company that is a service has those of its own people elsewhere.
SELECT company, person, object_id FROM bestauth.access_denied(:'day', :'night', 'rstory-svc');

--
-- [TPB-6] [IBS-8] What one person did, at every customer, with the key that let them in.
--
SELECT company, username AS key, person, billing_service AS service, session_id IS NOT NULL AS session, action, outcome, object_type AS type, object_id AS object, client_addr AS address
FROM bestauth.person_trail('rstory-svc/PIA', :'day', :'night') WHERE action NOT LIKE 'row.%';
SELECT company, action, object_type, new_values ->> 'username' AS username FROM bestauth.person_trail('rstory-svc/pia', :'day', :'night') WHERE object_type = 'bestauth.user_account';
SELECT company, count(*) > 0 AS seen FROM bestauth.person_trail('pia', :'day', :'night', company => 'rstory-svc') GROUP BY 1 ORDER BY 1;
SELECT company, count(*) > 0 AS seen FROM bestauth.person_trail('rstory-svc/pia', :'day', :'night', company => 'rstory-far') GROUP BY 1;
SELECT DISTINCT company, person, action FROM bestauth.person_trail('dot', :'day', :'night', company => 'rstory-clinic') WHERE action NOT LIKE 'row.%' ORDER BY action;
SELECT regress.attempt(format('SELECT * FROM bestauth.person_trail(%s)', a)) FROM unnest(ARRAY['NULL', '$$pia$$', '$$rstory-svc/who$$', '$$nowhere/pia$$', '$$who$$, company => $$rstory-svc$$', '$$rstory-svc/pia$$, company => $$nowhere$$']) a;

-- [AUD-4] Page by page they are the whole.
SELECT report, size, pg_temp.paged(replace(call, ')', ''), size) = whole AS same, cardinality(whole) > 4 AS enough
FROM (SELECT 'rights' AS report, format('privilege_changes(%L, %L, company => %L)', :'day', :'night', 'rstory-clinic') AS call, ARRAY(SELECT audit_id FROM bestauth.privilege_changes(:'day', :'night', 'rstory-clinic')) AS whole
	UNION ALL SELECT 'refused', format('access_denied(%L, %L)', :'day', :'night'), ARRAY(SELECT audit_id FROM bestauth.access_denied(:'day', :'night'))
	UNION ALL SELECT 'trail', format('person_trail(%L, %L, %L)', 'rstory-svc/pia', :'day', :'night'), ARRAY(SELECT audit_id FROM bestauth.person_trail('rstory-svc/pia', :'day', :'night'))
	UNION ALL SELECT 'all', format('audit_report(%L, %L, company => %L)', :'day', :'night', 'rstory-svc'), ARRAY(SELECT audit_id FROM bestauth.audit_report(:'day', :'night', company => 'rstory-svc'))) r,
	unnest('{1,2,7}'::integer[]) size ORDER BY report, size;
SELECT regress.attempt(format('SELECT * FROM bestauth.%s(%s page_size => %s)', f, CASE f WHEN 'person_trail' THEN $$'rstory-svc/pia',$$ END, size)) FROM unnest('{privilege_changes,access_denied,person_trail}'::text[]) f, unnest('{0,1001}'::integer[]) size;
SELECT regress.attempt($$SELECT * FROM bestauth.access_denied(after => 'x')$$);
RESET SESSION AUTHORIZATION;

--
-- Whose: a session sees its own company, a service its own people elsewhere, and no more.
--
SET SESSION AUTHORIZATION regress_rstory_app;
BEGIN;
SELECT person_id IS NOT NULL AS used FROM token, bestauth.use_session(token) WHERE name = 'sue';
SELECT company, by_person, action, subject FROM bestauth.privilege_changes(:'day', :'night');
SELECT company, person, action, object_id FROM bestauth.access_denied(:'day', :'night');
SELECT DISTINCT company, person, action FROM bestauth.person_trail('pia', :'day', :'night') WHERE action NOT LIKE 'row.%' ORDER BY company, action;
SELECT html ~ '<h1>Audit of rstory-svc</h1>' AS own, html ~ '<dd><bdi>sue</bdi></dd>' AS made_by FROM bestauth.audit_html('2026-01-01', '2026-01-02') html;
-- [H-01] People of others and people who are not there: nothing, alike.
SELECT count(*) FROM bestauth.person_trail('rstory-clinic/dot') UNION ALL SELECT count(*) FROM bestauth.person_trail('nowhere/nobody') UNION ALL SELECT count(*) FROM bestauth.person_trail('nobody');
SELECT regress.attempt(format('SELECT * FROM bestauth.%s(%s company => %L)', f, CASE f WHEN 'person_trail' THEN $$'pia',$$ WHEN 'audit_html' THEN $$'2026-01-01', '2026-01-02',$$ END, c))
FROM unnest('{privilege_changes,access_denied,person_trail,audit_html}'::text[]) f, unnest('{rstory-clinic,nowhere}'::text[]) c;
COMMIT;
BEGIN;
SELECT person_id IS NOT NULL AS used FROM token, bestauth.use_session(token) WHERE name = 'adam';
SELECT DISTINCT company, billing_service FROM bestauth.person_trail('rstory-svc/pia', :'day', :'night');
SELECT DISTINCT company FROM bestauth.privilege_changes(:'day') UNION ALL SELECT DISTINCT company FROM bestauth.access_denied(:'day');
COMMIT;
BEGIN;
SELECT person_id IS NOT NULL AS used FROM token, bestauth.use_session(token) WHERE name = 'dot';
SELECT regress.attempt(call) FROM unnest('{SELECT * FROM bestauth.privilege_changes(),SELECT * FROM bestauth.access_denied(),SELECT * FROM bestauth.person_trail(''dot''),"SELECT bestauth.audit_html(''2026-01-01'', ''2026-01-02'')"}'::text[]) call;
COMMIT;
SELECT regress.attempt(call) FROM unnest('{SELECT * FROM bestauth.privilege_changes(),SELECT * FROM bestauth.access_denied(),SELECT * FROM bestauth.person_trail(''dot''),"SELECT bestauth.audit_html(''2026-01-01'', ''2026-01-02'')"}'::text[]) call;
RESET SESSION AUTHORIZATION;

--
-- [J-11] Reading the audit is audited: who, with which function, for what, whatever the
-- reader's transaction comes to.
--
CREATE FUNCTION pg_temp.readings(since timestamptz) RETURNS TABLE (company text, person text, db_role text, outcome text, function text, filters jsonb) LANGUAGE sql AS $$
	SELECT company_code, person, CASE WHEN db_role LIKE 'regress\_rstory\_%' THEN db_role ELSE '(me)' END, outcome, object_id, detail
	FROM bestauth.audit_log WHERE action = 'audit.read' AND occurred_at >= since AND object_type = 'function' ORDER BY occurred_at
$$;
GRANT EXECUTE ON FUNCTION pg_temp.readings(timestamptz) TO PUBLIC;
SELECT clock_timestamp() AS mark \gset
SET SESSION AUTHORIZATION regress_rstory_auditor;
SET timezone = 'America/New_York';
SELECT count(*) > 0 AS read FROM bestauth.audit_report('2026-01-01 00:00+00', username => 'dot', action => 'login.*');
SELECT count(*) > 0 AS read FROM bestauth.privilege_changes(company => 'RSTORY-clinic');
SELECT count(*) > 0 AS read FROM bestauth.person_trail('rstory-svc/pia', until => '2999-12-31 18:00-06');
SELECT bestauth.audit_html('2026-01-01 00:00+00', '2026-01-02 00:00+00', 'rstory-far') IS NOT NULL AS read;
RESET timezone;
-- Refused, or with arguments that are none, it is no reading.
SELECT regress.attempt($$SELECT * FROM bestauth.access_denied(page_size => 0)$$), regress.attempt($$SELECT * FROM bestauth.person_trail('nowhere/nobody')$$), regress.attempt($$SELECT bestauth.audit_html('2026-01-02', '2026-01-01')$$);
SET SESSION AUTHORIZATION regress_rstory_app;
SELECT regress.attempt('SELECT * FROM bestauth.access_denied()');
-- Rolled back, and where nothing may be written: it was read.
BEGIN;
SELECT person_id IS NOT NULL AS used FROM token, bestauth.use_session(token) WHERE name = 'sue';
SELECT count(*) > 0 AS read FROM bestauth.access_denied();
ROLLBACK;
BEGIN READ ONLY;
SELECT person_id IS NOT NULL AS used FROM token, bestauth.use_session(token) WHERE name = 'sue';
SELECT count(*) > 0 AS read FROM bestauth.person_trail('pia');
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.readings(:'mark');
-- Its pages are one reading; what begins in the middle, or goes by other filters, is another.
SELECT clock_timestamp() AS mark \gset
SELECT cardinality(pg_temp.paged(format('audit_report(%L, %L, company => %L', :'day', :'night', 'rstory-svc'), 7)) > 7 AS pages;
SELECT function, filters - '{since,until}'::text[] AS filters, filters ? 'since' AS since FROM pg_temp.readings(:'mark');
SELECT clock_timestamp() AS mark \gset
SELECT count(*) > 0 AS read FROM bestauth.audit_report(page_size => 5, after => '2020-01-01T00:00:00.000000/0');
SELECT count(*) > 0 AS read FROM bestauth.audit_report(page_size => 5, after => '2020-01-01T00:00:00.000000/0', action => 'login.*');
SELECT count(*) > 0 AS read FROM bestauth.audit_report(page_size => 5, after => '2020-01-01T00:00:00.000000/0');
SELECT function, filters FROM pg_temp.readings(:'mark');
-- A company sees who read of it.
SET SESSION AUTHORIZATION regress_rstory_app;
BEGIN;
SELECT person_id IS NOT NULL AS used FROM token, bestauth.use_session(token) WHERE name = 'adam';
SELECT DISTINCT company, person, db_role, object_id FROM bestauth.audit_report(:'night', action => 'audit.read') WHERE db_role LIKE 'regress%' ORDER BY person, object_id;
COMMIT;
RESET SESSION AUTHORIZATION;

-- [J-04] Times are moments: the same in any time zone.
SET timezone = 'Asia/Kathmandu';
SELECT (array_agg(next))[1] AS kathmandu FROM bestauth.audit_report(:'day', page_size => 1) \gset
SET timezone = 'America/St_Johns';
SELECT (array_agg(next))[1] = :'kathmandu' AS same, min(occurred_at) = (split_part(:'kathmandu', '/', 1) || '+00')::timestamptz AS utc FROM bestauth.audit_report(:'day', page_size => 1);
RESET timezone;

--
-- A page reads hardly more of a company's rows than it is long, and none of others, however
-- long the log is. In months that are long over, with the indexes that every month has.
-- The planner looks at some rows at the ends of an index.
--
BEGIN;
SET LOCAL client_min_messages = error;
DO $$
DECLARE
	model regclass := (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'bestauth.audit_log'::regclass ORDER BY inhrelid LIMIT 1);
	part text;
	indexdef text;
BEGIN
	FOREACH part IN ARRAY '{2001m01,2001m02,2001m03}'::text[] LOOP
		EXECUTE format('CREATE TABLE bestauth.audit_log_y%s (LIKE bestauth.audit_log)', part);
		FOR indexdef IN SELECT regexp_replace(i.indexdef, 'INDEX \S+ ON \S+', 'INDEX ON bestauth.audit_log_y' || part) FROM pg_indexes i WHERE format('%I.%I', i.schemaname, i.tablename)::regclass = model LOOP
			EXECUTE indexdef;
		END LOOP;
		EXECUTE format('INSERT INTO bestauth.audit_log_y%s (audit_id, occurred_at, transaction_at, transaction_id, system_id, format, company_id, person_id, billing_service_id, db_role, action, outcome, detail)
			SELECT n, t, t, ''3'', 0, 0, c, c, CASE WHEN n %% 40 = 1 THEN md5(''service'')::uuid END, ''x'', ''x'', CASE WHEN n %% 10 < 5 THEN ''denied'' ELSE ''success'' END, CASE WHEN n = 23 THEN ''{"folded": 28}''::jsonb END
			FROM generate_series(1, 4000) n, LATERAL (SELECT timestamptz %L + n * interval ''5 minutes'' AS t, md5((n %% 20)::text)::uuid AS c) v', part, replace(part, 'm', '-') || '-01 00:00+00');
		EXECUTE format('ALTER TABLE bestauth.audit_log ATTACH PARTITION bestauth.audit_log_y%s FOR VALUES FROM (%L) TO (%L)', part,
			replace(part, 'm', '-') || '-01 00:00+00', to_char(to_date(part, 'YYYY"m"MM') + interval '1 month', 'YYYY-MM-DD') || ' 00:00+00');
		EXECUTE format('ANALYZE bestauth.audit_log_y%s', part);
	END LOOP;
	-- one of twenty companies, a service that has two of a hundred rows, and one without any
	INSERT INTO bestauth.company (company_id, code, name) VALUES (md5('3')::uuid, 'rstory-busy', 'Busy'), (md5('service')::uuid, 'rstory-big', 'Big'), (md5('idle')::uuid, 'rstory-idle', 'Idle');
END
$$;
CREATE FUNCTION pg_temp.cost(call text, OUT rows bigint, OUT looked_at bigint) LANGUAGE plpgsql AS $$
DECLARE
	before bigint := (SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_all_tables WHERE relname LIKE 'audit\_log\_y2001%');
BEGIN
	EXECUTE 'SELECT count(*) FROM bestauth.' || call INTO rows;
	looked_at := (SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_all_tables WHERE relname LIKE 'audit\_log\_y2001%') - before;
END
$$;
SELECT call, rows, looked_at BETWEEN rows AND most AS few, CASE WHEN looked_at NOT BETWEEN rows AND most THEN looked_at END AS looked_at
FROM (VALUES ('audit_report(company => $$rstory-busy$$, page_size => 10)', 40),
	('audit_report(company => $$rstory-busy$$, page_size => 10, after => $$2001-02-11T00:00:00.000000/0$$)', 40),
	('audit_report($$2001-02-11 00:00+00$$, $$2001-02-12 00:00+00$$, company => $$rstory-busy$$, page_size => 100)', 40),
	('audit_report(until => $$2001-04-01 00:00+00$$, company => $$rstory-idle$$, page_size => 10)', 20),
	('audit_report(company => $$rstory-big$$, page_size => 10, after => $$2001-02-11T00:00:00.000000/0$$)', 40),
	('access_denied(company => $$rstory-busy$$, page_size => 10, after => $$2001-02-11T00:00:00.000000/0$$)', 40),
	('privilege_changes($$2001-02-11 00:00+00$$, $$2001-02-12 00:00+00$$, company => $$rstory-busy$$, page_size => 10)', 40)) v (call, most), LATERAL pg_temp.cost(call);
-- A row that stands for many refusals says for how many.
SELECT times, count(*) FROM bestauth.access_denied(until => '2001-01-02 00:00+00', company => 'rstory-busy') GROUP BY times ORDER BY times;
ROLLBACK;

SET client_min_messages = warning;
SELECT bestauth.revoke_access('regress_rstory_app', 'application'), bestauth.revoke_access('regress_rstory_operator', 'operator'), bestauth.revoke_access('regress_rstory_auditor', 'auditor');
REVOKE ALL ON SCHEMA regress FROM regress_rstory_app, regress_rstory_operator, regress_rstory_auditor;
DROP TABLE token;
DROP ROLE regress_rstory_app, regress_rstory_operator, regress_rstory_auditor, regress_rstory_other;
