CREATE TABLE bestauth.user_company (
	company_id  uuid NOT NULL,
	user_id     uuid NOT NULL,
	child_id    uuid NOT NULL,
	created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (user_id, child_id)
);
COMMENT ON TABLE bestauth.user_company IS
'Child companies given to a user one by one, beside those that roles carry [MCM-3].';
CREATE INDEX user_company_child_id_idx ON bestauth.user_company (child_id);
SELECT pg_catalog.pg_extension_config_dump('bestauth.user_company', '');

-- The one place that says which companies a user may enter, and why. Read by the C
-- code as the owner; a view reads past row security, so it asks for access itself.
-- A row about a company that has moved to another parent meanwhile gives nothing.
CREATE VIEW bestauth.company_access WITH (security_barrier) AS
SELECT a.user_id, a.entered_id, a.source, a.precedence, a.role_id
FROM (
	SELECT u.user_id, u.company_id AS entered_id, 'own' AS source, 1 AS precedence, NULL::uuid AS role_id
	FROM bestauth.user_account u
	UNION ALL
	SELECT u.user_id, c.company_id, 'administrator', 2, NULL
	FROM bestauth.user_account u JOIN bestauth.company c ON c.parent_id = u.company_id
	WHERE u.user_type IN (SELECT t.user_type FROM bestauth.user_type_rules() t WHERE t.holds_all_permissions)
	UNION ALL
	SELECT g.user_id, rc.child_id, 'role', 3, g.role_id
	FROM bestauth.user_role g
	JOIN bestauth.user_account u ON u.user_id = g.user_id AND u.portal_id IS NULL
	JOIN bestauth.role_company rc ON rc.role_id = g.role_id
	WHERE (SELECT c.parent_id FROM bestauth.company c WHERE c.company_id = rc.child_id) = u.company_id
	UNION ALL
	SELECT d.user_id, d.child_id, 'assigned', 4, NULL
	FROM bestauth.user_company d
	JOIN bestauth.user_account u ON u.user_id = d.user_id AND u.portal_id IS NULL
	WHERE (SELECT c.parent_id FROM bestauth.company c WHERE c.company_id = d.child_id) = u.company_id
) a
WHERE (SELECT current_user = 'bestauth_owner' OR bestauth.has_access('auditor'));
COMMENT ON VIEW bestauth.company_access IS
'Which companies each user may enter, and why: a row for each source (own, administrator, role, assigned; role_id says which role). Who is in a portal enters none but the portal''s [MCM-2] [MCM-3] [MCM-5].';

CREATE FUNCTION bestauth.list_accessible_companies(page_size integer DEFAULT 100, after text DEFAULT NULL,
	OUT company_id uuid, OUT code text, OUT name text, OUT source text, OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_list_accessible_companies' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.list_accessible_companies(integer, text) IS
'Lists the companies that the session may enter, one row each, as a context switcher shows them. Takes a session.
Parameters: page_size: rows at most, 1 to 1000; after: the next of the page before.
Returns: company_id, code, name; source: why, the first that applies of own, administrator, role, assigned, emergency; next, which asks for the following page when it is given as after.
Raises: 28000 no session; 22023 bad page_size; 55000.
Rules: [MCM-7].';

CREATE FUNCTION bestauth.list_user_companies(username text, page_size integer DEFAULT 100, after text DEFAULT NULL,
	company text DEFAULT NULL, portal text DEFAULT NULL,
	OUT company_id uuid, OUT code text, OUT name text, OUT source text, OUT roles text[], OUT assigned boolean,
	OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_list_user_companies' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.list_user_companies(text, integer, text, text, text) IS
'Lists the companies that a user may enter, one row each, as the form shows them in which they are given and taken. Takes manage_users, or the operator.
Parameters: username; page_size: rows at most, 1 to 1000; after: the next of the page before; company, portal: for the operator.
Returns: company_id, code, name; source: as in list_accessible_companies; roles: all that carry it; assigned: whether it was given directly too, so that unassign_company takes that; next. To a session only companies that it may enter itself.
Raises: P0002 no such user (42501 in a session); 22023 bad page_size; 28000; 42501; 55000.
Rules: [MCM-2] [MCM-3] [MCM-5].';

CREATE FUNCTION bestauth.switch_company(company text) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_switch_company' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.switch_company(text) IS
'Moves the session to another company that it may enter: from here on everything happens in that company and is audited for it, in this transaction and in all later ones of the session. The permissions stay those of the user. Whether the session may is looked up anew. Switching to where it is does nothing. A session that loses the company that it is in goes on in its own: use_session() says so in a WARNING.
Parameters: company: code.
Returns: void.
Raises: 42501 no such company, or not one that the session may enter; 28000 no session, or one that was ended meanwhile; 22023; 25006 read-only transaction; 55000.
Rules: [MCM-7] [MCM-8] [H-07].';

CREATE FUNCTION bestauth.assign_company(username text, child text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_assign_company' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.assign_company(text, text, text, text) IS
'Gives a user a child company of their own company, beside those that roles carry; open sessions have it at their next transaction. Takes manage_users, or the operator; a session gives only companies that it may enter. Giving it again does nothing.
Parameters: username; child: code of the child company; company, portal: for the operator.
Returns: void.
Raises: P0002 no such user or company (42501 in a session); 23514 not a child of the user''s company, or the user is in a portal; 28000; 42501; 55000.
Rules: [MCM-3] [MCM-4] [MCM-8].';

CREATE FUNCTION bestauth.unassign_company(username text, child text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_unassign_company' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.unassign_company(text, text, text, text) IS
'Takes a child company from a user that was given directly; open sessions lose it at their next transaction. What a role gives can''t be taken from the user: the error names the role; nor anything from a company administrator. Where the user keeps the company by such a way, a NOTICE says so. Takes manage_users, or the operator; a session takes only companies that it may enter. Taking what the user does not have does nothing.
Parameters: username; child: code of the child company; company, portal: for the operator.
Returns: void.
Raises: 23514 the company comes from a role, the user is a company administrator, or it is not a child of the user''s company; P0002 no such user or company (42501 in a session); 28000; 42501; 55000.
Rules: [MCM-3] [MCM-5] [MCM-8].';
