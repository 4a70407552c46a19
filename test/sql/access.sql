-- Database roles: who may call what, and that no role gets around it.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA access_test;
GRANT USAGE ON SCHEMA access_test TO PUBLIC;
CREATE FUNCTION access_test.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	rows bigint;
	rule text;
BEGIN
	EXECUTE statement;
	GET DIAGNOSTICS rows = ROW_COUNT;
	RETURN 'done, rows: ' || rows;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' ||
		regexp_replace(SQLERRM, 'audit_log_y\d+m\d+', 'audit_log_(month)');
END
$$;
CREATE ROLE regress_access_application;
CREATE ROLE regress_access_reader;
CREATE ROLE regress_access_operator;
CREATE ROLE regress_access_auditor;
CREATE ROLE regress_access_mailer;
CREATE ROLE regress_access_none;
CREATE ROLE regress_access_both;
RESET client_min_messages;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
DO $$
DECLARE
	access text;
BEGIN
	FOREACH access IN ARRAY '{application,reader,operator,auditor,mailer}'::text[] LOOP
		PERFORM bestauth.grant_access(('regress_access_' || access)::regrole, access);
	END LOOP;
	PERFORM bestauth.grant_access('regress_access_both', 'application');
	PERFORM bestauth.grant_access('regress_access_both', 'operator');
	PERFORM bestauth.grant_access('regress_access_both', 'operator');
	PERFORM bestauth.create_company('access-inc', 'Access');
	PERFORM bestauth.create_user('ada', 'standard', 'Ada', 'Access', 'ada@access.example', 'a password of ada', company => 'access-inc');
END
$$;
-- [AUD-1] Each grant once.
SELECT action, object_type, object_id, detail FROM bestauth.audit_log
WHERE audit_id > :mark AND action LIKE 'access.%' ORDER BY audit_id;

--
-- [L-05] [L-15] The matrix: what each access gives is what access_rule says, no more, no less.
--
CREATE VIEW access_test.rule AS
SELECT CASE WHEN object LIKE 'FUNCTION %' THEN to_regprocedure(substr(object, 10))::oid ELSE to_regclass(substr(object, 7))::oid END AS object_id,
	object, unnest(string_to_array(privilege, ', ')) AS privilege, access
FROM bestauth.access_rule;
SELECT object AS missing FROM access_test.rule WHERE object_id IS NULL;

CREATE VIEW access_test.roles AS
SELECT oid, substr(rolname, 16) AS access FROM pg_roles WHERE rolname ~ '^regress_access_(application|reader|operator|auditor|mailer|none)$';

SELECT r.access, p.oid::regprocedure AS function, has_function_privilege(r.oid, p.oid, 'EXECUTE') AS given
FROM access_test.roles r, pg_proc p
WHERE p.pronamespace = 'bestauth'::regnamespace AND has_function_privilege(r.oid, p.oid, 'EXECUTE') <>
	EXISTS (SELECT FROM access_test.rule u WHERE u.object_id = p.oid AND r.access = ANY (u.access));
SELECT r.access, c.oid::regclass AS relation, v.privilege, has_table_privilege(r.oid, c.oid, v.privilege) AS given
FROM access_test.roles r, pg_class c, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) v (privilege)
WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND has_table_privilege(r.oid, c.oid, v.privilege) <>
	EXISTS (SELECT FROM access_test.rule u WHERE u.object_id = c.oid AND u.privilege = v.privilege AND r.access = ANY (u.access));
SELECT c.oid::regclass AS relation, a.attname
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'bestauth'::regnamespace AND a.attacl IS NOT NULL;
SELECT r.access, c.oid::regclass AS sequence FROM access_test.roles r, pg_class c
WHERE c.relnamespace = 'bestauth'::regnamespace
	AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(r.oid, c.oid, 'USAGE, SELECT, UPDATE') END;
SELECT access, has_schema_privilege(oid, 'bestauth', 'USAGE') AS usage, has_schema_privilege(oid, 'bestauth', 'CREATE') AS "create",
	(SELECT count(*) > 0 FROM pg_proc p WHERE p.pronamespace = 'bestauth'::regnamespace AND has_function_privilege(r.oid, p.oid, 'EXECUTE')) AS functions,
	(SELECT count(*) > 0 FROM pg_class c WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p', 'v')
		AND has_table_privilege(r.oid, c.oid, 'SELECT')) AS tables
FROM access_test.roles r ORDER BY access COLLATE "C";
-- What is secret is open to none of them.
SELECT DISTINCT r.access FROM access_test.roles r, unnest('{credential,session,session_use,signup,token,login_counter,instance_open}'::text[]) t (name)
WHERE has_table_privilege(r.oid, 'bestauth.' || t.name, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
	OR has_any_column_privilege(r.oid, 'bestauth.' || t.name, 'SELECT, INSERT, UPDATE, REFERENCES');
-- Nobody passes anything on.
SELECT count(*) AS grant_options FROM (
	SELECT proacl AS acl FROM pg_proc WHERE pronamespace = 'bestauth'::regnamespace
	UNION ALL SELECT relacl FROM pg_class WHERE relnamespace = 'bestauth'::regnamespace
	UNION ALL SELECT nspacl FROM pg_namespace WHERE nspname = 'bestauth') a, aclexplode(a.acl) x
WHERE x.is_grantable AND x.grantee <> 'bestauth_owner'::regrole;

-- Functions in no rule: triggers, and what only a superuser calls.
SELECT p.oid::regprocedure AS internal FROM pg_proc p
WHERE p.pronamespace = 'bestauth'::regnamespace AND NOT EXISTS (SELECT FROM access_test.rule u WHERE u.object_id = p.oid)
ORDER BY p.proname COLLATE "C";

-- In practice.
SET ROLE regress_access_none;
SELECT access_test.attempt('SELECT bestauth.instance_name()');
SET ROLE regress_access_application;
SELECT access_test.attempt($$SELECT * FROM bestauth.login('access-inc', 'ada', 'a wrong password')$$);
SELECT access_test.attempt('SELECT * FROM bestauth.user_account');
SELECT access_test.attempt('SELECT * FROM bestauth.claim_mail()');
SELECT access_test.attempt($$SELECT bestauth.create_company('access-two', 'Two')$$);
SELECT access_test.attempt($$SELECT bestauth.grant_access('regress_access_application', 'operator')$$);
SELECT access_test.attempt($$SELECT bestauth.open_instance()$$);
SET ROLE regress_access_reader;
SELECT access_test.attempt($$SELECT bestauth.has_permission('claims')$$);
SELECT access_test.attempt($$SELECT * FROM bestauth.use_session('bas_x')$$);
SELECT access_test.attempt($$SELECT * FROM bestauth.login('access-inc', 'ada', 'a wrong password')$$);
SET ROLE regress_access_operator;
SELECT access_test.attempt($$SELECT bestauth.create_company('access-two', 'Two')$$);
SELECT access_test.attempt($$UPDATE bestauth.company SET name = 'Two Ltd.' WHERE code = 'access-two'$$);
SELECT access_test.attempt($$SELECT * FROM bestauth.login('access-inc', 'ada', 'a wrong password')$$);
SELECT access_test.attempt($$SELECT bestauth.grant_access('regress_access_application', 'operator')$$);
SELECT access_test.attempt('SELECT * FROM bestauth.credential');
SET ROLE regress_access_auditor;
SELECT access_test.attempt($$SELECT FROM bestauth.audit_log WHERE company_code = 'access-two' AND action = 'company.created'$$);
SELECT access_test.attempt('SELECT * FROM bestauth.user_account');
SELECT access_test.attempt($$SELECT bestauth.create_company('access-three', 'Three')$$);
SET ROLE regress_access_mailer;
SELECT access_test.attempt('SELECT bestauth.confirm_mail(bestauth.current_user_id())');
SELECT access_test.attempt($$SELECT bestauth.confirm_mail('00000000-0000-7000-8000-000000000000')$$);
SELECT access_test.attempt('SELECT * FROM bestauth.outbox');
RESET ROLE;
SELECT access_test.attempt($$SELECT bestauth.grant_access('regress_access_none', 'everything')$$);
SELECT access_test.attempt($$SELECT bestauth.grant_access(0, 'operator')$$);

--
-- has_access: by the role itself and by what it inherits.
--
SET ROLE regress_access_operator;
SELECT bestauth.has_access('operator'), bestauth.has_access('auditor'), bestauth.has_access('mailer'), bestauth.has_access('application');
SET ROLE regress_access_auditor;
SELECT bestauth.has_access('operator'), bestauth.has_access('auditor');
RESET ROLE;
SELECT bestauth.has_access('operator'), bestauth.has_access('mailer');
GRANT regress_access_operator TO regress_access_none;
SET ROLE regress_access_none;
SELECT bestauth.has_access('operator');
RESET ROLE;
REVOKE regress_access_operator FROM regress_access_none;

--
-- [L-05] What is taken away is gone; what another access of the role gives stays.
--
SET ROLE regress_access_both;
SELECT access_test.attempt($$SELECT * FROM bestauth.login('access-inc', 'nobody', 'a wrong password')$$);
SELECT access_test.attempt($$SELECT bestauth.suggest_username('Ann', 'Access', company => 'access-inc')$$);
RESET ROLE;
SELECT bestauth.revoke_access('regress_access_both', 'application');
SET ROLE regress_access_both;
SELECT access_test.attempt($$SELECT * FROM bestauth.login('access-inc', 'nobody', 'a wrong password')$$);
SELECT access_test.attempt($$SELECT bestauth.suggest_username('Ann', 'Access', company => 'access-inc')$$);
SELECT bestauth.has_access('application'), bestauth.has_access('operator');
RESET ROLE;
SELECT p.oid::regprocedure AS differs FROM pg_proc p
WHERE p.pronamespace = 'bestauth'::regnamespace
	AND has_function_privilege('regress_access_both', p.oid, 'EXECUTE') <> has_function_privilege('regress_access_operator', p.oid, 'EXECUTE');
SELECT bestauth.revoke_access('regress_access_both', 'operator');
SELECT bestauth.revoke_access('regress_access_both', 'operator');
SET ROLE regress_access_both;
SELECT access_test.attempt($$SELECT bestauth.suggest_username('Ann', 'Access', company => 'access-inc')$$);
RESET ROLE;
SELECT action, object_id, detail FROM bestauth.audit_log
WHERE audit_id > :mark AND action = 'access.revoked' ORDER BY audit_id;
-- Nothing holds the role back.
DROP ROLE regress_access_both;

-- Access was given to that role, not to whoever has its name next.
SET client_min_messages = warning;
CREATE ROLE regress_access_gone;
SELECT bestauth.grant_access('regress_access_gone', 'operator');
DROP OWNED BY regress_access_gone;
DROP ROLE regress_access_gone;
CREATE ROLE regress_access_gone;
SELECT bestauth.grant_access('regress_access_gone', 'reader');
RESET client_min_messages;
SET ROLE regress_access_gone;
SELECT bestauth.has_access('reader'), bestauth.has_access('operator');
RESET ROLE;
SELECT bestauth.revoke_access('regress_access_gone', 'operator');
SELECT bestauth.revoke_access('regress_access_gone', 'reader');
DROP ROLE regress_access_gone;

--
-- [L-06] No function runs with its owner's rights, and all of them are in C.
--
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'bestauth'::regnamespace AND (p.prosecdef OR l.lanname <> 'c' OR p.proconfig IS NOT NULL);
-- [L-14] None takes SQL or an internal type, but what the planner asks, which SQL can't call.
SELECT p.oid::regprocedure FROM pg_proc p
WHERE p.pronamespace = 'bestauth'::regnamespace AND p.proargtypes::oid[] && '{internal,cstring}'::regtype[]::oid[]
	AND p.oid NOT IN (SELECT prosupport FROM pg_proc WHERE pronamespace = 'bestauth'::regnamespace);
SELECT p.prosupport, access_test.attempt(format('SELECT %s(NULL)', p.prosupport)), access_test.attempt(format('SELECT %s(''x'')', p.prosupport)) FROM pg_proc p
WHERE p.pronamespace = 'bestauth'::regnamespace AND p.prosupport <> 0 ORDER BY p.proname COLLATE "C";

--
-- [L-10] The roles that read and write all data get at no secret and at no audit.
--
SET client_min_messages = warning;
CREATE ROLE regress_access_reads IN ROLE pg_read_all_data;
CREATE ROLE regress_access_writes IN ROLE pg_read_all_data, pg_write_all_data;
CREATE ROLE regress_access_watches IN ROLE pg_monitor, pg_read_all_stats, pg_read_all_settings, pg_signal_backend, pg_checkpoint;
RESET client_min_messages;
SELECT outcome, session_token FROM bestauth.login('access-inc', 'ada', 'a password of ada') \gset
SELECT bestauth.create_portal('access-inc', 'patients', 'client', 'Patients') IS NOT NULL AS portal,
	bestauth.register_portal_account('access-inc', 'patients', 'pat@access.example', 'a long password of pat', 'Pat', 'Patient');
SELECT outcome FROM bestauth.login('access-inc', 'ada', 'a wrong password');
CREATE FUNCTION access_test.contents() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	relation regclass;
	part text;
	whole text := '';
BEGIN
	FOR relation IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.oid LOOP
		EXECUTE format('SELECT md5(string_agg(t::text, '''' ORDER BY t::text)) FROM %s t', relation) INTO part;
		whole := whole || coalesce(part, '') || ',';
	END LOOP;
	RETURN md5(whole);
END
$$;
SELECT access_test.contents() AS before \gset
SELECT (SELECT count(*) FROM bestauth.credential) > 0 AS credential, (SELECT count(*) FROM bestauth.session) > 0 AS session,
	(SELECT count(*) FROM bestauth.session_use) > 0 AS session_use, (SELECT count(*) FROM bestauth.login_counter) > 0 AS login_counter,
	(SELECT count(*) FROM bestauth.signup WHERE password_hash IS NOT NULL) > 0 AS signup;
CREATE FUNCTION access_test.touch(statement text) RETURNS TABLE (result text, relations text) LANGUAGE sql AS $$
	SELECT r, string_agg(c.relname, ' ' ORDER BY c.relname COLLATE "C")
	FROM pg_class c, access_test.attempt(format(statement, c.oid::regclass,
		(SELECT quote_ident(attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND attnum > 0 ORDER BY attnum LIMIT 1))) r
	WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		AND c.relname NOT IN ('authority_channel', 'session_channel')
	GROUP BY r ORDER BY r COLLATE "C"
$$;
SELECT tableoid::regclass AS part FROM bestauth.audit_log ORDER BY audit_id DESC LIMIT 1 \gset
SET ROLE regress_access_reads;
SELECT * FROM access_test.touch('SELECT * FROM %s');
SELECT access_test.attempt('SELECT * FROM ' || :'part');
SET ROLE regress_access_writes;
SELECT * FROM access_test.touch('SELECT * FROM %s');
SELECT * FROM access_test.touch('UPDATE %1$s SET %2$s = %2$s');
SELECT * FROM access_test.touch('DELETE FROM %s');
SELECT access_test.attempt($$INSERT INTO bestauth.token (token_id, token_hash, purpose, user_id, user_version, expires_at) VALUES ('00000000-0000-7000-8000-000000000000', 'x', 'password_setup', '00000000-0000-7000-8000-000000000000', 1, now())$$);
SELECT access_test.attempt($$INSERT INTO bestauth.credential (user_id, password_hash) VALUES ('00000000-0000-7000-8000-000000000000', 'x')$$);
SELECT access_test.attempt($$INSERT INTO bestauth.session_use VALUES ('00000000-0000-7000-8000-000000000000', now())$$);
SELECT access_test.attempt($$INSERT INTO bestauth.login_counter (subject, last_at) VALUES ('x', now())$$);
SELECT access_test.attempt($$INSERT INTO bestauth.instance_open VALUES (1, 1)$$);
SELECT access_test.attempt($$INSERT INTO bestauth.access_grant (role_name, role_id, system_id, access) VALUES ('regress_access_writes', 1, 1, 'operator')$$);
SELECT access_test.attempt($$INSERT INTO bestauth.access_rule VALUES ('x', 'y', '{operator}')$$);
SET ROLE regress_access_watches;
SELECT * FROM access_test.touch('SELECT * FROM %s');
RESET ROLE;
SELECT access_test.contents() = :'before' AS unchanged;

-- [L-19] The planner's statistics hold none of the hashes.
ANALYZE bestauth.credential, bestauth.session, bestauth.signup, bestauth.token;
SELECT tablename, attname FROM pg_stats WHERE schemaname = 'bestauth' AND attname IN ('password_hash', 'token_hash');
SET ROLE regress_access_reads;
SELECT DISTINCT tablename FROM pg_stats WHERE schemaname = 'bestauth' AND tablename IN ('credential', 'session', 'signup', 'token', 'user_account', 'audit_log');
RESET ROLE;

SET client_min_messages = warning;
DO $$
DECLARE
	access text;
BEGIN
	FOREACH access IN ARRAY '{application,reader,operator,auditor,mailer}'::text[] LOOP
		PERFORM bestauth.revoke_access(('regress_access_' || access)::regrole, access);
	END LOOP;
END
$$;
DROP SCHEMA access_test CASCADE;
DROP ROLE regress_access_application, regress_access_reader, regress_access_operator, regress_access_auditor, regress_access_mailer,
	regress_access_none, regress_access_reads, regress_access_writes, regress_access_watches;
