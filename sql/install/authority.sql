-- The one place that says which permissions a user holds, and why. Read by the C code
-- as the owner; a view reads past row security, so it asks for access itself.
CREATE VIEW bestauth.permission_access WITH (security_barrier) AS
SELECT a.user_id, a.permission, a.source, a.role_id
FROM (
	SELECT g.user_id, g.permission, 'name' AS source, NULL::uuid AS role_id
	FROM bestauth.user_permission g
	UNION ALL
	SELECT g.user_id, r.permission, 'role', g.role_id
	FROM bestauth.user_role g JOIN bestauth.role_permission r ON r.role_id = g.role_id
	UNION ALL
	SELECT u.user_id, p.name, 'type', NULL
	FROM bestauth.user_account u
	JOIN bestauth.user_type_rules() t ON t.user_type = u.user_type
	JOIN bestauth.permission p
		ON CASE WHEN p.client_only THEN t.needs_contact ELSE t.holds_all_permissions AND NOT p.by_name_only END
) a
WHERE (SELECT current_user = 'bestauth_owner' OR bestauth.has_access('auditor'));
COMMENT ON VIEW bestauth.permission_access IS
'Which permissions each user holds, and why: a row for each source: name (given to the user), role (role_id says which), type (a company administrator holds all but those given by name alone, a client its own) [MCM-5] [PRT-3] [PRT-9].';
