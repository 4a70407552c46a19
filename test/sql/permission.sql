-- Permissions: who holds which, who gives which to whom.
\set SHOW_CONTEXT never
SELECT bestauth.create_company('permission_svc', 'Service') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('permission_svc');
SELECT bestauth.create_company('permission_clinic', 'Clinic') IS NOT NULL AS made;
SELECT bestauth.create_company('permission_other', 'Other Clinic') IS NOT NULL AS made;
CREATE ROLE regress_permission_operator;
CREATE ROLE regress_permission_app;
SELECT bestauth.grant_access('regress_permission_operator', 'operator');
SELECT bestauth.grant_access('regress_permission_app', 'application');
GRANT USAGE ON SCHEMA regress TO regress_permission_operator, regress_permission_app;
SELECT count(bestauth.create_user(username, user_type, username, 'Test', username || '@permission.example', 'a long password of ' || username, permissions => permissions, company => company))
FROM (VALUES
	('head', 'standard', 'permission_clinic', '{manage_users,claims}'::text[]),
	('hand', 'standard', 'permission_clinic', '{claims}'),
	('rita', 'restricted', 'permission_clinic', '{}'),
	('adam', 'company_administrator', 'permission_clinic', '{}'),
	('anna', 'restricted', 'permission_svc', '{}'),
	('stranger', 'standard', 'permission_other', '{}')) v (username, user_type, company, permissions);
SELECT bestauth.create_user('key', 'billing', 'Key', NULL, NULL, 'a long password of key', 'permission_svc', '{}', '{manage_users,eligibility}', 'permission_clinic') IS NOT NULL AS made;
CREATE TEMP TABLE token AS SELECT username, session_token AS token FROM (VALUES ('head'), ('hand'), ('rita'), ('adam')) v (username),
	LATERAL bestauth.login('permission_clinic', username, 'a long password of ' || username);
INSERT INTO token SELECT 'key', two.session_token FROM bestauth.login('permission_clinic', 'key', 'a long password of key') one,
	LATERAL bestauth.login_second_part(one.challenge_token, 'anna', 'a long password of anna') two;
GRANT SELECT ON token TO regress_permission_app;
-- What the user's session holds; what a call of theirs comes to.
CREATE FUNCTION pg_temp.held(username text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = held.username));
	RETURN (SELECT string_agg(name, ' ' ORDER BY name) FROM unnest('{audit_report,claims,eligibility,eops,fill_applications,manage_users,sign_documents,web_portal}'::text[] COLLATE "C") name
		WHERE bestauth.has_permission(name));
END
$$;
CREATE FUNCTION pg_temp.as_user(username text, statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = as_user.username));
	RETURN regress.attempt(statement);
END
$$;
-- Who holds a permission once a statement was tried, and a role was given it: all
-- is undone then.
CREATE FUNCTION pg_temp.then_held(statement text, permission text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	result := regress.attempt(statement);
	PERFORM regress.attempt($i$INSERT INTO bestauth.permission (name, title) SELECT 'web_portal', 'x' WHERE NOT EXISTS (SELECT FROM bestauth.permission WHERE name = 'web_portal')$i$);
	PERFORM regress.attempt(format('INSERT INTO bestauth.role_permission (company_id, role_id, permission) SELECT company_id, role_id, %L FROM bestauth.role WHERE name = ''plain'' ON CONFLICT DO NOTHING', permission));
	PERFORM bestauth.use_session((SELECT token FROM token WHERE username = 'adam'));
	RAISE EXCEPTION 'undo' USING DETAIL = format('administrator %s, roles %s; %s', bestauth.has_permission(permission),
		(SELECT count(*) FROM bestauth.role_permission p WHERE p.permission = then_held.permission AND p.role_id IN (SELECT role_id FROM bestauth.role WHERE name = 'plain')), left(result, 13));
EXCEPTION WHEN raise_exception THEN
	GET STACKED DIAGNOSTICS result = PG_EXCEPTION_DETAIL;
	RETURN result;
END
$$;

SET ROLE regress_permission_app;
SELECT bestauth.has_permission('claims') AS without_a_session, bestauth.has_permission(NULL) AS of_nothing;
-- [IBS-6] A restricted user needs none. [MCM-5] A company administrator holds all
-- but those that PRT-3 and PRT-9 except.
SELECT username, pg_temp.held(username) FROM (VALUES ('head'), ('hand'), ('rita'), ('adam'), ('key')) v (username);
RESET ROLE;
BEGIN;
SELECT * FROM bestauth.use_session((SELECT token FROM token WHERE username = 'adam')) \gset s_
SELECT string_agg(name, ' ' ORDER BY name) AS not_held FROM bestauth.permission WHERE NOT bestauth.has_permission(name);
COMMIT;
-- One that the operator adds is theirs at once, and an application's to ask for.
SET ROLE regress_permission_operator;
INSERT INTO bestauth.permission (name, title) VALUES ('permission.test', 'Of the application');
SELECT regress.attempt($$INSERT INTO bestauth.permission (name, title) VALUES ('Bad Name', 'x')$$);
RESET ROLE;
BEGIN;
SELECT * FROM bestauth.use_session((SELECT token FROM token WHERE username = 'adam')) \gset s_
SELECT bestauth.has_permission('permission.test') AS adam, bestauth.has_permission('PERMISSION.test') AS other_case, bestauth.has_permission('no.such') AS unknown;
SELECT * FROM bestauth.use_session((SELECT token FROM token WHERE username = 'head')) \gset s_
SELECT bestauth.has_permission('permission.test') AS head;
COMMIT;

-- Giving takes manage_users, and is for users of the session's company.
SET ROLE regress_permission_app;
SELECT regress.attempt($$SELECT bestauth.grant_permission('hand', 'claims', 'permission_clinic')$$);
SELECT caller, statement, pg_temp.as_user(caller, statement) FROM (VALUES
	('hand', $$SELECT bestauth.grant_permission('rita', 'claims')$$),
	('hand', $$SELECT bestauth.revoke_permission('head', 'claims')$$),
	('rita', $$SELECT bestauth.grant_permission('rita', 'claims')$$),
	('head', $$SELECT bestauth.grant_permission('stranger', 'claims')$$),
	('head', $$SELECT bestauth.grant_permission('stranger', 'claims', 'permission_other')$$),
	('head', $$SELECT bestauth.grant_permission('rita', 'no_such')$$),
	('head', $$SELECT bestauth.grant_permission('rita', NULL)$$),
	('head', $$SELECT bestauth.revoke_permission('rita', 'no_such')$$)) v (caller, statement);
-- [G-08] Nobody gives what they don't hold, to others or to themselves; a key's
-- session holds what the key holds, whoever the person is.
SELECT caller, statement, pg_temp.as_user(caller, statement) FROM (VALUES
	('head', $$SELECT bestauth.grant_permission('rita', 'eops')$$),
	('head', $$SELECT bestauth.grant_permission('head', 'eops')$$),
	('head', $$SELECT bestauth.grant_permission('rita', 'manage_roles')$$),
	('key', $$SELECT bestauth.grant_permission('rita', 'claims')$$),
	('key', $$SELECT bestauth.grant_permission('key', 'claims')$$),
	('head', $$SELECT bestauth.grant_permission('RITA', 'claims')$$),
	('head', $$SELECT bestauth.grant_permission('rita', 'claims')$$),
	('key', $$SELECT bestauth.grant_permission('rita', 'eligibility')$$),
	('adam', $$SELECT bestauth.grant_permission('rita', 'eops')$$)) v (caller, statement);
SELECT pg_temp.held('rita');
RESET ROLE;
SELECT username AS caller, person, detail->>'rule' AS rule, count(*) FROM bestauth.audit_log
WHERE company_code = 'permission_clinic' AND action = 'access.denied' AND object_id = 'grant_permission' GROUP BY 1, 2, 3 ORDER BY 1, 3;
-- Giving it again does nothing, and is written down as nothing.
SELECT username AS caller, person, object_id, detail->>'permission' AS permission FROM bestauth.audit_log
WHERE company_code = 'permission_clinic' AND action = 'permission.granted' ORDER BY audit_id;

-- [PRT-3] Nobody has web_portal by default, and no role may carry it. Who manages
-- users gives it to others, without holding it; to themselves never.
SELECT caller, statement, pg_temp.as_user(caller, statement) FROM (VALUES
	('hand', $$SELECT bestauth.grant_permission('rita', 'web_portal')$$),
	('head', $$SELECT bestauth.grant_permission('head', 'web_portal')$$),
	('head', $$SELECT bestauth.grant_permission('HEAD', 'web_portal')$$),
	('adam', $$SELECT bestauth.grant_permission('adam', 'web_portal')$$),
	('key', $$SELECT bestauth.grant_permission('key', 'web_portal')$$),
	('adam', $$SELECT bestauth.create_role('portal', '{web_portal}')$$),
	('head', $$SELECT bestauth.grant_permission('hand', 'web_portal')$$),
	('key', $$SELECT bestauth.grant_permission('rita', 'web_portal')$$),
	('head', $$SELECT bestauth.create_user('portia', 'restricted', 'Por', 'Tia', 'portia@permission.example', 'a long password of portia', permissions => '{web_portal}')$$)) v (caller, statement);
SELECT username, pg_temp.held(username) FROM (VALUES ('head'), ('adam'), ('key'), ('hand'), ('rita')) v (username);
SELECT u.username FROM bestauth.user_permission p JOIN bestauth.user_account u USING (user_id) JOIN bestauth.company c ON c.company_id = u.company_id
WHERE p.permission = 'web_portal' AND c.code = 'permission_clinic' ORDER BY u.username;
SELECT regress.attempt($$SELECT bestauth.create_role('portal', '{claims,web_portal}', company => 'permission_clinic')$$);
SELECT bestauth.create_role('plain', '{claims}', company => 'permission_clinic') IS NOT NULL AS made;
SELECT regress.attempt($$SELECT bestauth.update_role('plain', '{claims,web_portal}', NULL, 'permission_clinic')$$);
-- Nor by direct SQL of the operator, in one step or in several.
SET ROLE regress_permission_operator;
SELECT regress.attempt($$INSERT INTO bestauth.role_permission (company_id, role_id, permission)
	SELECT company_id, role_id, 'web_portal' FROM bestauth.role WHERE name = 'plain'$$);
SELECT regress.attempt($$UPDATE bestauth.role_permission SET permission = 'web_portal'
	WHERE role_id = (SELECT r.role_id FROM bestauth.role r JOIN bestauth.company c USING (company_id) WHERE r.name = 'plain' AND c.code = 'permission_clinic')$$);
RESET ROLE;
SELECT statement, pg_temp.then_held(statement, 'web_portal') FROM (VALUES
	('SELECT 1'),
	($$INSERT INTO bestauth.user_permission (company_id, user_id, permission) SELECT company_id, user_id, 'web_portal' FROM bestauth.user_account u JOIN bestauth.company c USING (company_id) WHERE code = 'permission_clinic' AND username = 'adam'$$),
	($$UPDATE bestauth.permission SET by_name_only = false WHERE name = 'web_portal'$$),
	($$DELETE FROM bestauth.user_permission WHERE permission = 'web_portal'; DELETE FROM bestauth.permission WHERE name = 'web_portal'$$),
	($$DELETE FROM bestauth.user_permission WHERE permission = 'web_portal'; UPDATE bestauth.permission SET name = 'web_portal_old' WHERE name = 'web_portal'$$)) v (statement);
SELECT pg_temp.then_held($$UPDATE bestauth.permission SET client_only = false WHERE name = 'sign_documents'$$, 'sign_documents');
-- A role that carries a permission keeps it from being made one that no role carries.
SELECT regress.attempt($$UPDATE bestauth.permission SET by_name_only = true WHERE name = 'claims'$$);
SELECT regress.attempt($$UPDATE bestauth.permission SET client_only = true WHERE name = 'claims'$$);

-- [PRT-9] What only clients can have nobody here gets, by any way.
SELECT caller, statement, pg_temp.as_user(caller, statement) FROM (VALUES
	('adam', $$SELECT bestauth.grant_permission('rita', 'sign_documents')$$),
	('adam', $$SELECT bestauth.create_role('signer', '{sign_documents}')$$)) v (caller, statement);
SELECT regress.attempt($$SELECT bestauth.grant_permission('rita', 'sign_documents', 'permission_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.grant_permission('adam', 'fill_applications', 'permission_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.create_role('signer', '{fill_applications}', company => 'permission_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.create_user('sig', 'restricted', 'S', 'G', 's@permission.example', permissions => '{sign_documents}', company => 'permission_clinic')$$);

-- [MCM-8] A change counts at the next transaction of an open session; within one
-- nothing changes.
BEGIN;
SELECT * FROM bestauth.use_session((SELECT token FROM token WHERE username = 'hand')) \gset s_
SELECT bestauth.has_permission('claims');
DELETE FROM bestauth.user_permission WHERE user_id = :'s_user_id' AND permission = 'claims';
SELECT bestauth.has_permission('claims') AS in_the_same_transaction;
COMMIT;
BEGIN;
SELECT * FROM bestauth.use_session((SELECT token FROM token WHERE username = 'hand')) \gset s_
SELECT bestauth.has_permission('claims') AS in_the_next;
COMMIT;
SELECT pg_temp.held('hand');
SELECT bestauth.grant_permission('hand', 'claims', 'permission_clinic');
SELECT pg_temp.held('hand');
SELECT bestauth.revoke_permission('hand', 'claims', 'permission_clinic');
SELECT pg_temp.held('hand');
-- Taking and giving twice is nothing; what was taken from the giver is no longer theirs to give.
SELECT bestauth.revoke_permission('hand', 'claims', 'permission_clinic');
SELECT bestauth.grant_permission('hand', 'eops', 'permission_clinic');
SELECT bestauth.grant_permission('hand', 'eops', 'permission_clinic');
SELECT pg_temp.held('hand');
SELECT bestauth.revoke_permission('head', 'claims', 'permission_clinic');
SELECT pg_temp.as_user('head', $$SELECT bestauth.grant_permission('hand', 'claims')$$);
SELECT pg_temp.as_user('head', $$SELECT bestauth.revoke_permission('head', 'manage_users')$$);
SELECT pg_temp.as_user('head', $$SELECT bestauth.grant_permission('head', 'manage_users')$$);
-- A change rolled back changed nothing, whatever was asked meanwhile.
BEGIN;
SELECT bestauth.revoke_permission('hand', 'eops', 'permission_clinic');
SAVEPOINT s;
SELECT pg_temp.held('hand');
ROLLBACK;
SELECT pg_temp.held('hand');
SELECT action, object_id, detail->>'permission' AS permission, username AS caller FROM bestauth.audit_log
WHERE company_code = 'permission_clinic' AND action = 'permission.revoked' ORDER BY audit_id;

DROP TABLE token;
DELETE FROM bestauth.permission WHERE name = 'permission.test';
REVOKE USAGE ON SCHEMA regress FROM regress_permission_operator, regress_permission_app;
SELECT bestauth.revoke_access('regress_permission_operator', 'operator');
SELECT bestauth.revoke_access('regress_permission_app', 'application');
DROP ROLE regress_permission_operator, regress_permission_app;
