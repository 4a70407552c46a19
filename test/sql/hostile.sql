-- [L-04] A caller's schema full of traps, first in the search path: operators, functions,
-- casts and types that fit better than PostgreSQL's own. Whoever steps into one
-- says so in a NOTICE and moves a sequence, which no rollback takes back and
-- which a background worker moves as well.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA hostile;
CREATE SEQUENCE hostile.steps;
CREATE FUNCTION hostile.step(trap text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog SET client_min_messages = notice AS $$
BEGIN
	PERFORM nextval('hostile.steps');
	RAISE NOTICE 'stepped into %', trap;
END
$$;

-- Operators for pairs of types that the system has, or would have to cast to.
DO $$
DECLARE
	pair text[];
	operator text;
	trap text;
BEGIN
	FOREACH pair SLICE 1 IN ARRAY '{{text,text},{varchar,varchar},{text,varchar},{varchar,text},{"\"char\"",text},{name,text},{bpchar,bpchar},
		{int8,int4},{int4,int8},{int4,int4},{int8,int8},{timestamptz,timestamptz},{timestamptz,interval},{uuid,uuid},{uuid,text},
		{bytea,bytea},{bool,bool},{oid,oid},{jsonb,jsonb},{text[],text[]},{uuid,uuid[]},{interval,int4},{int4,interval},{interval,float8},{interval,interval},{float8,float8},{int4,float8}}'::text[] LOOP
		FOREACH operator IN ARRAY '{=,<>,<,>,<=,>=,||,+,-,~,~~,~*,!~,@>,<@,&&,*,^}'::text[] LOOP
			trap := format('%s (%s, %s)', operator, pair[1], pair[2]);
			EXECUTE format('CREATE FUNCTION hostile.%I(%s, %s) RETURNS %s LANGUAGE sql VOLATILE AS $f$ SELECT hostile.step(%L); SELECT %s $f$',
				'op ' || trap, pair[1], pair[2],
				CASE WHEN operator = '||' THEN 'text' WHEN operator IN ('+', '-', '*', '^') THEN pair[1] ELSE 'bool' END, trap,
				CASE WHEN operator = '||' THEN '''x''::pg_catalog.text' WHEN operator IN ('+', '-', '*', '^') THEN '$1' ELSE 'true' END);
			EXECUTE format('CREATE OPERATOR hostile.%s (FUNCTION = hostile.%I, LEFTARG = %s, RIGHTARG = %s)',
				operator, 'op ' || trap, pair[1], pair[2]);
		END LOOP;
	END LOOP;
END
$$;

-- Functions by the names that queries and triggers might call.
DO $$
DECLARE
	f text[];
BEGIN
	FOREACH f SLICE 1 IN ARRAY '{{now(),timestamptz,"''2000-01-01''"},{clock_timestamp(),timestamptz,"''2000-01-01''"},{lower(text),text,"''x''"},
		{lower(varchar),text,"''x''"},{length(text),int,0},{length(varchar),int,0},{coalesce_(text),text,"''x''"},{count(text),int8,0},
		{left(text\,int4),text,"''x''"},{right(text\,int4),text,"''x''"},{starts_with(text\,text),bool,true},{format(text),text,"''x''"},
		{to_char(timestamptz\,text),text,"''x''"},{to_char(timestamp\,text),text,"''x''"},{timezone(text\,timestamptz),timestamp,"''2000-01-01''"},
		{unnest(text[]),text,"''x''"},{generate_series(int4\,int4),int4,1},{uuidv7(),uuid,"''00000000-0000-0000-0000-000000000000''"},
		{gen_salt(text\,int4),text,"''x''"},{crypt(text\,text),text,"''x''"},{set_config(text\,text\,bool),text,"''x''"},
		{current_setting(text),text,"''x''"},{strpos(text\,text),int,1},{quote_ident(text),text,"''x''"},{has_access(text),bool,true},
		{inet_client_addr(),inet,"''192.0.2.1''"},{array_length(text[]\,int4),int,1},{sha256(bytea),bytea,"''x''"},
		{rtrim(text\,text),text,"''x''"},{jsonb_typeof(jsonb),text,"''x''"},{concat_ws(text\,text\,text),text,"''x''"},{fold_name(text),text,"''x''"},{num_nonnulls(uuid\,uuid),int,1}}'::text[] LOOP
		EXECUTE format('CREATE FUNCTION hostile.%s RETURNS %s LANGUAGE sql VOLATILE AS $f$ SELECT hostile.step(%L); SELECT %s::%s $f$',
			f[1], f[2], f[1], f[3], f[2]);
	END LOOP;
	EXECUTE 'CREATE FUNCTION hostile.trap_state(int8, text) RETURNS int8 LANGUAGE sql VOLATILE AS $f$ SELECT hostile.step(''aggregate''); SELECT $1 $f$';
	EXECUTE 'CREATE AGGREGATE hostile.array_agg(text) (SFUNC = hostile.trap_state, STYPE = int8)';
	EXECUTE 'CREATE AGGREGATE hostile.max(text) (SFUNC = hostile.trap_state, STYPE = int8)';
END
$$;

-- Types and casts: a type called like a built-in one, and casts that nobody asked for.
CREATE FUNCTION hostile.text_to_uuid(text) RETURNS uuid LANGUAGE sql VOLATILE AS $$ SELECT hostile.step('cast to uuid'); SELECT uuid_in(textout($1)) $$;
CREATE FUNCTION hostile.text_to_int(text) RETURNS int LANGUAGE sql VOLATILE AS $$ SELECT hostile.step('cast to int'); SELECT 1 $$;
CREATE FUNCTION hostile.uuid_to_text(uuid) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT hostile.step('cast of uuid'); SELECT 'x'::pg_catalog.text $$;
CREATE CAST (text AS uuid) WITH FUNCTION hostile.text_to_uuid(text) AS IMPLICIT;
CREATE CAST (text AS int) WITH FUNCTION hostile.text_to_int(text) AS IMPLICIT;
CREATE CAST (uuid AS text) WITH FUNCTION hostile.uuid_to_text(uuid) AS IMPLICIT;
CREATE FUNCTION hostile.check_domain(text) RETURNS bool LANGUAGE sql VOLATILE AS $$ SELECT hostile.step('domain'); SELECT true $$;
CREATE DOMAIN hostile.text AS pg_catalog.text CHECK (hostile.check_domain(VALUE));
CREATE DOMAIN hostile.uuid AS pg_catalog.uuid CHECK (hostile.check_domain('x'));
CREATE DOMAIN hostile.regclass AS pg_catalog.regclass CHECK (hostile.check_domain('x'));
CREATE DOMAIN hostile.int AS pg_catalog.int4 CHECK (hostile.check_domain('x'));
-- Tables by the names of the system's, and of ours.
CREATE TABLE hostile.pg_roles AS SELECT * FROM pg_catalog.pg_roles;
CREATE TABLE hostile.pg_class AS SELECT relname, relnamespace, relkind FROM pg_catalog.pg_class LIMIT 0;
CREATE TABLE hostile.user_account (username pg_catalog.text);
CREATE TABLE hostile.company (code pg_catalog.text);
CREATE TABLE hostile.audit_log (action pg_catalog.text);
CREATE TABLE hostile.portal (code pg_catalog.text);
CREATE TABLE hostile.payer (name pg_catalog.text);
CREATE TABLE hostile.contact (email pg_catalog.text);
CREATE TABLE hostile.signup (email pg_catalog.text);
CREATE TABLE hostile.outbox (recipient pg_catalog.text);

CREATE ROLE regress_hostile_app;
CREATE ROLE regress_hostile_operator;
GRANT USAGE ON SCHEMA hostile TO PUBLIC;
GRANT USAGE ON SEQUENCE hostile.steps TO PUBLIC;
RESET client_min_messages;

-- The traps are armed.
SET search_path = hostile, pg_catalog;
SELECT 'a'::pg_catalog.text = 'b'::pg_catalog.text AS equal;
SELECT 1::int8 = 2::int4 AS equal;
SELECT now() < '2001-01-01' AS before;
SELECT pg_catalog.last_value > 2 AS steps FROM hostile.steps AS pg_catalog;
ALTER SEQUENCE hostile.steps RESTART;

-- Every function of a service's day, and every direct statement of an operator, walks past them.
SELECT bestauth.grant_access('regress_hostile_app', 'application');
SELECT bestauth.grant_access('regress_hostile_operator', 'operator');
SET ROLE regress_hostile_operator;
SELECT bestauth.create_company('hostile-svc', 'Hostile Billing') IS NOT NULL AS made;
SELECT bestauth.create_company('hostile-clinic', 'Hostile Clinic') IS NOT NULL AS made;
SELECT bestauth.create_company('hostile-child', 'Hostile Child', 'hostile-clinic') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('hostile-svc');
SELECT bestauth.create_user('hal', 'restricted', 'Hal', 'Person', 'hal@hostile.example', 'a password of hal', company => 'hostile-svc') IS NOT NULL AS made;
SELECT bestauth.create_role('Billing', '{claims,manage_users,audit_report}', '{hostile-child}', company => 'hostile-clinic') IS NOT NULL AS made;
SELECT bestauth.create_user('billkey', 'billing', NULL, 'Bills', NULL, 'a password of billkey', 'hostile-svc', '{Billing}', '{manage_roles}', company => 'hostile-clinic') IS NOT NULL AS made;
SELECT bestauth.limit_billing_user('billkey', '{hal}', company => 'hostile-clinic');
SELECT count(*) OPERATOR(pg_catalog.>) 3 AS rows FROM bestauth.audit_report(company => 'hostile-clinic');
INSERT INTO bestauth.user_account (company_id, username, user_type, first_name, last_name, email)
SELECT company_id, 'direct', 'standard', 'Di', 'Rect', 'direct@hostile.example' FROM bestauth.company WHERE code OPERATOR(pg_catalog.~) '^hostile-clinic$';
UPDATE bestauth.user_account SET last_name = 'Directly' WHERE username OPERATOR(pg_catalog.~) '^direct$';
RESET ROLE;
SET ROLE regress_hostile_app;
SELECT outcome FROM bestauth.login('hostile-clinic', 'billkey', 'a wrong password');
SELECT outcome FROM bestauth.login('hostile-nowhere', 'nobody', 'a wrong password');
SELECT outcome, challenge_token FROM bestauth.login('hostile-clinic', 'billkey', 'a password of billkey') \gset x_
SELECT outcome, session_token FROM bestauth.login_second_part(:'x_challenge_token', 'hal', 'a password of hal', '203.0.113.7', 'Browser') \gset x_
\echo :x_outcome
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'x_session_token');
SELECT bestauth.has_permission('claims'), bestauth.has_permission('eops'), bestauth.current_person_id() IS NOT NULL AS person,
	bestauth.can_access_company(bestauth.current_company_id()), cardinality(bestauth.accessible_company_ids());
SELECT bestauth.suggest_username('Ann', 'Other');
SELECT bestauth.create_user('another', 'standard', 'Ann', 'Other', 'ann@hostile.example', roles => '{Billing}', permissions => '{claims}') IS NOT NULL AS made;
SELECT bestauth.create_role('Second', '{claims}', '{hostile-child}') IS NOT NULL AS made;
SELECT bestauth.update_role('Second', '{}', '{}');
SELECT bestauth.assign_role('another', 'Second');
SELECT bestauth.unassign_role('another', 'Second');
SELECT bestauth.delete_role('Second');
SELECT bestauth.grant_permission('another', 'manage_roles');
SELECT bestauth.revoke_permission('another', 'manage_roles');
SELECT bestauth.reset_password('another') IS NOT NULL AS reset;
SELECT bestauth.lock_user('another');
SELECT bestauth.unlock_user('another');
SELECT bestauth.delete_user('another');
SELECT count(*) OPERATOR(pg_catalog.>) 0 AS services FROM bestauth.list_billing_services();
SELECT username, person, action FROM bestauth.audit_report(action => 'role.*', username => 'billkey', person => 'hostile-svc/hal', since => '2000-01-01');
SELECT bestauth.delete_user('nobody');
ROLLBACK;
SELECT outcome, challenge_token FROM bestauth.login('hostile-clinic', 'billkey', 'a password of billkey') \gset x_
SELECT outcome, session_token FROM bestauth.login('hostile-svc', 'hal', 'a password of hal') \gset y_
SELECT outcome, session_token FROM bestauth.login_second_part_session(:'x_challenge_token', :'y_session_token') \gset x_
\echo :x_outcome
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session(:'y_session_token');
SELECT company, billing_username, permissions, last_used_at IS NOT NULL AS used, next FROM bestauth.list_served_customers();
COMMIT;
SELECT bestauth.set_password('bat_x', 'a password of nobody');
SELECT bestauth.logout(:'x_session_token');
RESET ROLE;
SELECT bestauth.create_user('mia', 'standard', 'Mia', 'Mail', 'mia@hostile.example', company => 'hostile-clinic') IS NOT NULL AS made;
SELECT message_id, token AS mail_token FROM bestauth.claim_mail(1000) WHERE recipient OPERATOR(pg_catalog.~) '^mia@hostile' \gset
SELECT bestauth.fail_mail(:'message_id', 'nobody there');
SELECT bestauth.confirm_mail(:'message_id');
SELECT bestauth.set_password(:'mail_token', 'a password of mia');
SELECT pg_catalog.jsonb_extract_path(bestauth.export_served_customers('hostile-svc'), 'customers') AS customers;
SELECT bestauth.import_served_customers('hostile-svc', '{"instance": "elsewhere", "billing_service": "hostile-svc", "made_at": "2026-01-01T00:00:00.000000Z", "customers": [{"company": "far", "name": "Far", "keys": [{"username": "key", "permissions": ["claims"], "persons": ["hal"]}]}]}');
-- Payers and facilities.
SELECT bestauth.create_payer('Axa', '{"a": 1, "b": null}', 'hostile-clinic') IS NOT NULL AS payer, bestauth.create_facility('East wing', company => 'hostile-clinic') IS NOT NULL AS facility;
SELECT bestauth.update_payer('AXA', '{"a": null, "c": 2}', 'hostile-clinic'), bestauth.update_facility('east wing', '{"name": "West wing"}', 'hostile-clinic');
SELECT * FROM bestauth.copy_payers('{axa}', '{HOSTILE-child}', 'hostile-clinic');
SELECT * FROM bestauth.copy_facilities('{West Wing}', company => 'hostile-clinic');
SELECT name, details, next FROM bestauth.list_payers(company => 'hostile-child');
SELECT bestauth.delete_payer('AXA', 'hostile-clinic'), bestauth.delete_facility('WEST wing', 'hostile-child');
SELECT name, details, next FROM bestauth.list_facilities(company => 'hostile-clinic');
-- Portals, charts and accounts of clients, and their mail.
SELECT bestauth.create_portal('hostile-clinic', 'patients', 'client', 'Patients', 'https://patients.example/') IS NOT NULL AS made;
SELECT bestauth.portal_url(NULL, 'hostile-clinic'), code, url FROM bestauth.list_portals(company => 'hostile-clinic');
SELECT bestauth.create_contact('client', 'Con', 'Tact', 'con@hostile.example', 'hostile-clinic') AS contact \gset
SELECT bestauth.update_contact(:'contact', '{"first_name": "Connie"}', 'hostile-clinic');
SELECT bestauth.create_portal_account(:'contact', 'con@hostile.example', company => 'hostile-clinic') AS account \gset
SELECT pg_catalog.length(bestauth.portal_instructions(:'account', 'hostile-clinic')) OPERATOR(pg_catalog.>) 100 AS instructions;
SELECT first_name, accounts FROM bestauth.list_contacts('client', 'CON', 'tact', 'CON@hostile.example', company => 'hostile-clinic');
SELECT token AS mail_token, message_id FROM bestauth.claim_mail(1000) WHERE recipient OPERATOR(pg_catalog.~) '^con@hostile' \gset
SELECT bestauth.release_mail(:'message_id');
SELECT bestauth.set_password(:'mail_token', 'a password of clients');
SET ROLE regress_hostile_app;
SELECT bestauth.resend_verification('hostile-clinic', 'patients', 'con@hostile.example');
SELECT bestauth.register_portal_account('hostile-clinic', NULL, 'reg@hostile.example', 'a password of clients', 'Reg', 'Ister');
RESET ROLE;
SELECT string_agg(bestauth.peek_verification(token), ' ') AS peeked, string_agg(bestauth.verify_email(token), ' ') AS verified FROM bestauth.claim_mail(1000) WHERE recipient OPERATOR(pg_catalog.~) '^(con|reg)@hostile';
SELECT portal, username, contact_type, name, state FROM bestauth.portal_accounts WHERE company OPERATOR(pg_catalog.~) '^hostile-clinic$' ORDER BY username;
SELECT outcome FROM bestauth.login('hostile-clinic', 'reg@hostile.example', 'a password of clients', 'patients');
SELECT bestauth.fail_mail(:'message_id', 'nobody there', true);
SELECT bestauth.retry_mail(:'message_id');
-- A table of the application's, among the traps.
CREATE TABLE hostile.chart (company_id pg_catalog.uuid, patient pg_catalog.text);
ALTER TABLE hostile.chart OWNER TO regress_hostile_operator;
GRANT CREATE ON SCHEMA hostile TO regress_hostile_operator;
SET ROLE regress_hostile_operator;
SELECT bestauth.isolate_table('chart');
SELECT relation, company_column, policy_intact, index, problem FROM bestauth.isolated_tables WHERE relation OPERATOR(pg_catalog.=) 'hostile.chart'::pg_catalog.regclass;
SELECT bestauth.unisolate_table('chart');
SELECT bestauth.audit_table('chart', '{patient}', hidden => '{company_id}');
INSERT INTO chart SELECT company_id, 'the patient' FROM bestauth.company WHERE code OPERATOR(pg_catalog.=) 'hostile-clinic';
SELECT relation, id_columns, hidden, enabled, problem FROM bestauth.audited_tables WHERE relation OPERATOR(pg_catalog.=) 'hostile.chart'::pg_catalog.regclass;
SELECT action, object_id, new_values FROM bestauth.audit_log WHERE object_type OPERATOR(pg_catalog.=) 'hostile.chart' ORDER BY audit_id;
CREATE TABLE hostile.trap ();
SELECT bestauth.unaudit_table('chart');
RESET ROLE;
SELECT count(*) OPERATOR(pg_catalog.=) 1 AS purged FROM bestauth.purge_expired('30 days');
SELECT bestauth.unregister_billing_service('hostile-svc');
SELECT count(*) OPERATOR(pg_catalog.>) 0 AS users FROM bestauth.chargeable_users;
SET client_min_messages = warning;
TRUNCATE bestauth.company CASCADE;
RESET client_min_messages;
SELECT bestauth.revoke_access('regress_hostile_app', 'application');
SELECT bestauth.revoke_access('regress_hostile_operator', 'operator');

-- The same with the traps in the database's own path, in which workers start.
RESET search_path;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = hostile, pg_catalog', current_database()); END $$;
SELECT outcome FROM bestauth.login('hostile-clinic', 'billkey', 'a wrong password');
SELECT outcome FROM bestauth.login('hostile-svc', 'hal', 'a password of hal');
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET search_path', current_database()); END $$;

-- And with the traps in the temporary schema, which is searched unasked.
CREATE TEMP TABLE user_account (user_id pg_catalog.uuid, company_id pg_catalog.uuid, username pg_catalog.text);
CREATE TEMP TABLE session (token_hash bytea);
SELECT outcome FROM bestauth.login('hostile-svc', 'hal', 'a password of hal');
DROP TABLE pg_temp.user_account, pg_temp.session;

-- Nobody stepped into one, in no process.
SELECT last_value, is_called FROM hostile.steps;

SET client_min_messages = warning;
DROP SCHEMA hostile CASCADE;
DROP ROLE regress_hostile_app, regress_hostile_operator;
