CREATE TABLE bestauth.role (
	role_id     uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	company_id  uuid NOT NULL,
	name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
	created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	UNIQUE (company_id, role_id)
);
COMMENT ON TABLE bestauth.role IS 'Roles: named groups of permissions, and of child companies, in one company.';
CREATE UNIQUE INDEX role_name_key ON bestauth.role (company_id, lower(name COLLATE "C"));
ALTER INDEX bestauth.role_name_key ALTER COLUMN 2 SET STATISTICS 0;
SELECT pg_catalog.pg_extension_config_dump('bestauth.role', '');

CREATE TABLE bestauth.role_permission (
	company_id  uuid NOT NULL,
	role_id     uuid NOT NULL,
	permission  text NOT NULL COLLATE "C",
	created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (role_id, permission)
);
COMMENT ON TABLE bestauth.role_permission IS 'The permissions of a role.';
SELECT pg_catalog.pg_extension_config_dump('bestauth.role_permission', '');

CREATE TABLE bestauth.role_company (
	company_id  uuid NOT NULL,
	role_id     uuid NOT NULL,
	child_id    uuid NOT NULL,
	created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (role_id, child_id)
);
COMMENT ON TABLE bestauth.role_company IS 'The child companies that a role carries [MCM-2].';
SELECT pg_catalog.pg_extension_config_dump('bestauth.role_company', '');

CREATE TABLE bestauth.user_role (
	company_id  uuid NOT NULL,
	user_id     uuid NOT NULL,
	role_id     uuid NOT NULL,
	created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (user_id, role_id)
);
COMMENT ON TABLE bestauth.user_role IS 'The roles of a user; the two keys hold both to one company.';
CREATE INDEX user_role_role_id_idx ON bestauth.user_role (role_id);
SELECT pg_catalog.pg_extension_config_dump('bestauth.user_role', '');

CREATE TABLE bestauth.user_permission (
	company_id  uuid NOT NULL,
	user_id     uuid NOT NULL,
	permission  text NOT NULL COLLATE "C",
	created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (user_id, permission)
);
COMMENT ON TABLE bestauth.user_permission IS 'Permissions given to a user by name.';
SELECT pg_catalog.pg_extension_config_dump('bestauth.user_permission', '');

CREATE FUNCTION bestauth.create_role(name text, permissions text[] DEFAULT '{}', companies text[] DEFAULT '{}', company text DEFAULT NULL) RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_create_role' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.create_role(text, text[], text[], text) IS
'Makes a role in the session''s company. Takes manage_roles, or the operator; a session puts only permissions into it that it holds, and only child companies that it may enter.
Parameters: name: 1 to 100 characters; permissions: names; companies: codes of child companies; company: for the operator.
Returns: uuid of the role.
Raises: 23505 name taken; 22023 bad argument; P0002 no such permission or company; 23514 a permission that no role may carry, or not a child company; 28000; 42501; 55000.
Rules: [MCM-2] [PRT-3].';

CREATE FUNCTION bestauth.update_role(name text, permissions text[], companies text[], company text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_update_role' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.update_role(text, text[], text[], text) IS
'Replaces the permissions and the child companies of a role; NULL leaves either as it is. Takes manage_roles, or the operator; a session must hold what is in the role already and what is added. Open sessions have it at their next transaction.
Parameters: name: of the role; permissions; companies; company: for the operator.
Returns: void.
Raises: P0002 no such role (42501 in a session), permission or company; 23514; 28000; 42501; 55000.
Rules: [MCM-2] [MCM-8].';

CREATE FUNCTION bestauth.delete_role(name text, company text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_delete_role' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.delete_role(text, text) IS
'Deletes a role that no user has. Takes manage_roles, or the operator.
Parameters: name; company: for the operator.
Returns: void.
Raises: P0002 no such role (42501 in a session); 55000 users have it, or instance closed; 28000; 42501.
Rules: [MCM-2].';

CREATE FUNCTION bestauth.assign_role(username text, role text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_assign_role' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.assign_role(text, text, text, text) IS
'Gives a user a role. Takes manage_users, or the operator; a session gives only roles whose permissions it all holds. Giving it again does nothing.
Parameters: username; role: name; company, portal: for the operator.
Returns: void.
Raises: P0002 no such user or role (42501 in a session); 23514 the user''s type holds no permissions; 28000; 42501; 55000.
Rules: [TPB-3] [MCM-8].';

CREATE FUNCTION bestauth.unassign_role(username text, role text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_unassign_role' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.unassign_role(text, text, text, text) IS
'Takes a role from a user; open sessions lose it at their next transaction. Takes manage_users, or the operator. Taking what the user does not have does nothing.
Parameters: username; role: name; company, portal: for the operator.
Returns: void.
Raises: P0002 no such user or role (42501 in a session); 28000; 42501; 55000.
Rules: [MCM-8].';

CREATE FUNCTION bestauth.grant_permission(username text, permission text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_grant_permission' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.grant_permission(text, text, text, text) IS
'Gives a user a permission by name. Takes manage_users, or the operator; a session gives only what it holds, but web_portal, which a holder of manage_users gives to others and never to themselves. Giving it again does nothing.
Parameters: username; permission: name; company, portal: for the operator.
Returns: void.
Raises: P0002 no such user (42501 in a session) or permission; 23514 the user''s type may not hold it; 28000; 42501; 55000.
Rules: [TPB-3] [PRT-3] [MCM-8].';

CREATE FUNCTION bestauth.revoke_permission(username text, permission text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_revoke_permission' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.revoke_permission(text, text, text, text) IS
'Takes a permission from a user that was given by name; open sessions lose it at their next transaction. Takes manage_users, or the operator. Taking what the user does not have does nothing.
Parameters: username; permission: name; company, portal: for the operator.
Returns: void.
Raises: P0002 no such user (42501 in a session) or permission; 28000; 42501; 55000.
Rules: [MCM-8].';

CREATE FUNCTION bestauth.list_roles(page_size integer DEFAULT 100, after text DEFAULT NULL, company text DEFAULT NULL,
	OUT name text, OUT permissions text[], OUT companies text[], OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_list_roles' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.list_roles(integer, text, text) IS
'Lists the roles that the caller may give to somebody: those of which a session holds everything, or all for the operator. Takes manage_users or manage_roles, or the operator.
Parameters: page_size: rows at most, 1 to 1000; after: the next of the page before; company: for the operator.
Returns: name, permissions, companies (codes of child companies), next.
Raises: 22023; 28000; 42501; 55000.
Rules: [ALL-2].';

CREATE FUNCTION bestauth.list_permissions(page_size integer DEFAULT 100, after text DEFAULT NULL,
	OUT name text, OUT title text, OUT description text, OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_list_permissions' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.list_permissions(integer, text) IS
'Lists the permissions that the caller may give: those that a session holds, and web_portal for who manages users; all but those of clients for the operator. Takes manage_users or manage_roles, or the operator.
Parameters: page_size: rows at most, 1 to 1000; after: the next of the page before.
Returns: name, title, description, next.
Raises: 22023; 28000; 42501; 55000.
Rules: [ALL-2] [PRT-3].';
