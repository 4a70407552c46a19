-- Roles: named groups of permissions, and of child companies.
\set SHOW_CONTEXT never
SELECT bestauth.create_company('role_parent', 'Parent') IS NOT NULL AS made;
SELECT bestauth.create_company('role_a', 'Child A', 'role_parent') IS NOT NULL AS made;
SELECT bestauth.create_company('role_b', 'Child B', 'role_parent') IS NOT NULL AS made;
SELECT bestauth.create_company('role_other', 'Other') IS NOT NULL AS made;
SELECT bestauth.create_company('role_other_a', 'Child of Other', 'role_other') IS NOT NULL AS made;
CREATE ROLE regress_role_operator;
CREATE ROLE regress_role_app;
SELECT bestauth.grant_access('regress_role_operator', 'operator');
SELECT bestauth.grant_access('regress_role_app', 'application');
GRANT USAGE ON SCHEMA regress TO regress_role_operator, regress_role_app;

-- The operator makes them for a company.
SET ROLE regress_role_operator;
SELECT bestauth.create_role('Office', '{claims,manage_users,manage_roles}', '{role_a}', 'role_parent') IS NOT NULL AS made;
SELECT bestauth.create_role('empty', company => 'role_parent') IS NOT NULL AS made;
SELECT bestauth.create_role('office', '{eops}', company => 'role_other') IS NOT NULL AS another_company;
SELECT regress.attempt(statement) FROM (VALUES
	($$SELECT bestauth.create_role('OFFICE', company => 'role_parent')$$),
	($$SELECT bestauth.create_role('', company => 'role_parent')$$),
	($$SELECT bestauth.create_role(NULL, company => 'role_parent')$$),
	($$SELECT bestauth.create_role('x')$$),
	($$SELECT bestauth.create_role('x', '{no_such}', company => 'role_parent')$$),
	($$SELECT bestauth.create_role('x', '{claims,NULL}', company => 'role_parent')$$),
	($$SELECT bestauth.update_role('no such role', '{}', '{}', 'role_parent')$$),
	($$SELECT bestauth.delete_role('no such role', 'role_parent')$$)) v (statement);
-- [MCM-2] A role carries children of its own company, and no other company.
SELECT regress.attempt(statement) FROM (VALUES
	($$SELECT bestauth.create_role('x', '{}', '{no_such}', 'role_parent')$$),
	($$SELECT bestauth.create_role('x', '{}', '{role_other}', 'role_parent')$$),
	($$SELECT bestauth.create_role('x', '{}', '{role_other_a}', 'role_parent')$$),
	($$SELECT bestauth.create_role('x', '{}', '{role_parent}', 'role_parent')$$),
	($$SELECT bestauth.create_role('x', '{}', '{role_parent}', 'role_a')$$),
	($$INSERT INTO bestauth.role_company (company_id, role_id, child_id) SELECT r.company_id, r.role_id, c.company_id
		FROM bestauth.role r, bestauth.company c WHERE r.name = 'Office' AND c.code = 'role_other_a'$$),
	($$UPDATE bestauth.role_company SET child_id = (SELECT company_id FROM bestauth.company WHERE code = 'role_other_a')
		WHERE child_id = (SELECT company_id FROM bestauth.company WHERE code = 'role_a')$$)) v (statement);
RESET ROLE;
CREATE VIEW pg_temp.contents AS SELECT c.code AS company, r.name,
	(SELECT string_agg(p.permission, ',' ORDER BY p.permission) FROM bestauth.role_permission p WHERE p.role_id = r.role_id) AS permissions,
	(SELECT string_agg(k.code, ',' ORDER BY k.code COLLATE "C") FROM bestauth.role_company rc JOIN bestauth.company k ON k.company_id = rc.child_id WHERE rc.role_id = r.role_id) AS companies
FROM bestauth.role r JOIN bestauth.company c USING (company_id) WHERE c.code LIKE 'role%' ORDER BY c.code COLLATE "C", r.name COLLATE "C";
TABLE pg_temp.contents;

SELECT count(bestauth.create_user(username, user_type, username, 'Test', username || '@role.example', 'a long password of ' || username, roles => roles, permissions => permissions, company => company))
FROM (VALUES
	('head', 'standard', 'role_parent', '{office}'::text[], '{}'::text[]),
	('hand', 'standard', 'role_parent', '{}', '{}'),
	('users', 'standard', 'role_parent', '{}', '{manage_users,claims}'),
	('roles', 'standard', 'role_parent', '{}', '{manage_roles,claims}'),
	('both', 'standard', 'role_parent', '{}', '{manage_roles,manage_users,claims}'),
	('adam', 'company_administrator', 'role_parent', '{}', '{}'),
	('child', 'company_administrator', 'role_a', '{}', '{}'),
	('stranger', 'standard', 'role_other', '{}', '{}')) v (username, user_type, company, roles, permissions);
CREATE TEMP TABLE token AS SELECT username, session_token AS token FROM (VALUES ('head', 'role_parent'), ('hand', 'role_parent'), ('users', 'role_parent'),
	('roles', 'role_parent'), ('both', 'role_parent'), ('adam', 'role_parent'), ('child', 'role_a')) v (username, company),
	LATERAL bestauth.login(company, username, 'a long password of ' || username);
CREATE TEMP TABLE family AS SELECT company_id, code FROM bestauth.company WHERE code LIKE 'role%';
GRANT SELECT ON token, family TO regress_role_app;
-- What the user's session holds and may enter; what a call of theirs comes to.
CREATE FUNCTION pg_temp.sees(username text, OUT permissions text, OUT companies text, OUT same boolean) LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = sees.username));
	permissions := (SELECT string_agg(name, ',' ORDER BY name) FROM unnest('{claims,eops,manage_roles,manage_users}'::text[] COLLATE "C") name WHERE bestauth.has_permission(name));
	companies := (SELECT string_agg(code, ',' ORDER BY code COLLATE "C") FROM family WHERE bestauth.can_access_company(company_id));
	same := companies = (SELECT string_agg(code, ',' ORDER BY code COLLATE "C") FROM family WHERE company_id = ANY (bestauth.accessible_company_ids()))
		AND cardinality(bestauth.accessible_company_ids()) = cardinality(string_to_array(companies, ','));
END
$$;
CREATE FUNCTION pg_temp.as_user(username text, statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = as_user.username));
	RETURN regress.attempt(statement);
END
$$;
SET ROLE regress_role_app;
SELECT bestauth.accessible_company_ids(), count(*) FILTER (WHERE bestauth.can_access_company(company_id)) AS without_a_session FROM family;
-- [MCM-2] Who has the role has its children; [MCM-5] a company administrator all;
-- neither upward, nor sideways.
SELECT username, s.* FROM token, LATERAL pg_temp.sees(username) s ORDER BY username;
BEGIN;
SELECT * FROM bestauth.use_session((SELECT token FROM token WHERE username = 'adam')) \gset s_
SELECT bestauth.can_access_company(NULL) AS of_nothing, bestauth.can_access_company('00000000-0000-0000-0000-000000000000') AS of_nobody;
COMMIT;
RESET ROLE;
-- [MCM-5] Children made later are the administrator's at once, and nobody else's.
SELECT bestauth.create_company('role_c', 'Child C', 'role_parent') AS id \gset c_
INSERT INTO family VALUES (:'c_id', 'role_c');
SELECT username, s.companies FROM token, LATERAL pg_temp.sees(username) s ORDER BY username;

-- [MCM-2] [MCM-8] They are lost with the role, by sessions that are open.
SELECT bestauth.assign_role('hand', 'OFFICE', 'role_parent');
SELECT bestauth.assign_role('hand', 'office', 'role_parent');
SELECT count(*) AS assigned FROM bestauth.audit_log
WHERE company_code = 'role_parent' AND action = 'role.assigned' AND object_id = 'Office' AND detail->>'username' = 'hand';
SELECT s.* FROM pg_temp.sees('hand') s;
SELECT bestauth.update_role('office', '{claims}', '{role_a,ROLE_B}', 'role_parent');
SELECT username, s.* FROM token, LATERAL pg_temp.sees(username) s WHERE username IN ('hand', 'head') ORDER BY username;
SELECT bestauth.update_role('office', NULL, '{role_b}', 'role_parent');
SELECT s.* FROM pg_temp.sees('hand') s;
SELECT bestauth.update_role('office', '{claims,eops}', NULL, 'role_parent');
SELECT s.* FROM pg_temp.sees('hand') s;
-- Two roles that carry the same: one taken, the other stays.
SELECT bestauth.update_role('empty', '{claims}', '{role_b}', 'role_parent');
SELECT bestauth.assign_role('hand', 'empty', 'role_parent');
SELECT bestauth.unassign_role('hand', 'office', 'role_parent');
SELECT s.* FROM pg_temp.sees('hand') s;
SELECT bestauth.unassign_role('hand', 'empty', 'role_parent');
SELECT bestauth.unassign_role('hand', 'empty', 'role_parent');
SELECT s.* FROM pg_temp.sees('hand') s;
-- Within a transaction the identity holds; by direct SQL too.
SELECT bestauth.assign_role('hand', 'office', 'role_parent');
BEGIN;
SELECT * FROM bestauth.use_session((SELECT token FROM token WHERE username = 'hand')) \gset s_
DELETE FROM bestauth.user_role WHERE user_id = :'s_user_id';
SELECT bestauth.has_permission('eops') AS in_the_same_transaction;
COMMIT;
SELECT s.* FROM pg_temp.sees('hand') s;
-- A child that leaves the family leaves the role.
SELECT bestauth.assign_role('hand', 'office', 'role_parent');
BEGIN;
SELECT regress.attempt($$UPDATE bestauth.company SET parent_id = NULL WHERE code = 'role_b'$$);
SELECT bestauth.can_access_company(c.company_id) AND c.parent_id IS NULL AS enters_a_stranger
FROM bestauth.use_session((SELECT token FROM token WHERE username = 'hand')), bestauth.company c WHERE c.code = 'role_b';
SELECT count(*) AS strangers FROM bestauth.role_company rc JOIN bestauth.company c ON c.company_id = rc.child_id WHERE c.parent_id IS DISTINCT FROM rc.company_id;
ROLLBACK;
SELECT bestauth.unassign_role('hand', 'office', 'role_parent');
SELECT bestauth.update_role('office', '{claims,manage_users,manage_roles}', '{role_a}', 'role_parent');

-- Making roles takes manage_roles, giving them manage_users.
SET ROLE regress_role_app;
SELECT regress.attempt($$SELECT bestauth.create_role('x', company => 'role_parent')$$);
SELECT caller, statement, pg_temp.as_user(caller, statement) FROM (VALUES
	('hand', $$SELECT bestauth.create_role('x')$$),
	('users', $$SELECT bestauth.create_role('x')$$),
	('users', $$SELECT bestauth.update_role('empty', '{}', '{}')$$),
	('users', $$SELECT bestauth.delete_role('empty')$$),
	('roles', $$SELECT bestauth.assign_role('hand', 'empty')$$),
	('roles', $$SELECT bestauth.unassign_role('head', 'office')$$),
	('roles', $$SELECT bestauth.create_role('x', company => 'role_other')$$),
	('roles', $$SELECT bestauth.create_role('x', '{no_such}')$$),
	('users', $$SELECT bestauth.assign_role('stranger', 'empty')$$),
	('users', $$SELECT bestauth.assign_role('hand', 'no such role')$$)) v (caller, statement);
-- [G-08] [ALL-2] Nobody puts into a role what they don't hold, or gives a role that carries
-- it: not a permission, not a company, not to themselves.
SELECT caller, statement, pg_temp.as_user(caller, statement) FROM (VALUES
	('roles', $$SELECT bestauth.create_role('mine', '{claims,eops}')$$),
	('roles', $$SELECT bestauth.create_role('mine', '{claims}', '{role_a}')$$),
	('head', $$SELECT bestauth.create_role('mine', '{claims}', '{role_a,role_b}')$$),
	('head', $$SELECT bestauth.create_role('mine', '{claims}', '{role_other_a}')$$),
	('head', $$SELECT bestauth.create_role('mine', '{claims}', '{no_such}')$$),
	('adam', $$SELECT bestauth.create_role('mine', '{claims}', '{role_other_a}')$$),
	('child', $$SELECT bestauth.create_role('mine', '{claims}', '{role_b}')$$),
	('child', $$SELECT bestauth.create_role('mine', '{claims}', '{role_parent}')$$),
	('roles', $$SELECT bestauth.create_role('mine', '{claims}')$$),
	('roles', $$SELECT bestauth.update_role('mine', '{claims,eops}', NULL)$$),
	('roles', $$SELECT bestauth.update_role('mine', NULL, '{role_a}')$$),
	('head', $$SELECT bestauth.update_role('mine', NULL, '{role_b}')$$),
	('head', $$SELECT bestauth.update_role('mine', '{claims,manage_users}', '{role_a}')$$),
	('users', $$SELECT bestauth.assign_role('users', 'mine')$$),
	('both', $$SELECT bestauth.assign_role('both', 'mine')$$),
	('both', $$SELECT bestauth.assign_role('hand', 'office')$$),
	('users', $$SELECT bestauth.assign_role('users', 'office')$$),
	('head', $$SELECT bestauth.assign_role('hand', 'mine')$$),
	('adam', $$SELECT bestauth.assign_role('hand', 'office')$$)) v (caller, statement);
RESET ROLE;
TABLE pg_temp.contents;
SELECT s.* FROM pg_temp.sees('hand') s;
SELECT username AS caller, object_id, detail->>'rule' AS rule, count(*) FROM bestauth.audit_log
WHERE company_code LIKE 'role%' AND action = 'access.denied' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- A role that somebody has stays; one that nobody has goes, with what it carried.
SELECT regress.attempt($$SELECT bestauth.delete_role('mine', 'role_parent')$$);
SELECT bestauth.unassign_role('hand', 'mine', 'role_parent');
SELECT pg_temp.as_user('roles', $$SELECT bestauth.delete_role('mine')$$);
SELECT pg_temp.as_user('adam', $$SELECT bestauth.delete_role('MINE')$$);
SELECT count(*) FROM pg_temp.contents WHERE name = 'mine';
SELECT action, object_id, username AS caller, detail FROM bestauth.audit_log
WHERE company_code = 'role_parent' AND action LIKE 'role.%' AND object_id = 'mine' ORDER BY audit_id;

DROP TABLE token, family;
REVOKE USAGE ON SCHEMA regress FROM regress_role_operator, regress_role_app;
SELECT bestauth.revoke_access('regress_role_operator', 'operator');
SELECT bestauth.revoke_access('regress_role_app', 'application');
DROP ROLE regress_role_operator, regress_role_app;
