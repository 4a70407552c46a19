-- A view reads past row security, for whoever may SELECT from it: pg_read_all_data may
-- from any. So each asks for access itself [L-10].
CREATE VIEW bestauth.chargeable_users WITH (security_barrier) AS
SELECT c.code AS company, c.name AS company_name, u.username, u.user_type,
	u.first_name, u.last_name, t.charged, t.reason,
	pg_catalog.count(*) FILTER (WHERE t.charged) OVER (PARTITION BY u.company_id) AS company_total
FROM bestauth.user_account u
JOIN bestauth.company c USING (company_id)
JOIN bestauth.user_type_rules t USING (user_type)
WHERE u.deleted_at IS NULL AND (SELECT bestauth.has_access('auditor'));
COMMENT ON VIEW bestauth.chargeable_users IS
'Every user that is not deleted, whether it is charged and why, and the number of charged ones in its company. WHERE charged gives the bill [IBS-7].';

-- A counter's subject is the letter u and the user's uuid.
CREATE VIEW bestauth.locked_users WITH (security_barrier) AS
SELECT c.code AS company, u.username, u.user_type, u.first_name, u.last_name,
	CASE WHEN u.locked_at IS NULL THEN 'wrong passwords' ELSE 'administrator' END AS reason,
	coalesce(u.locked_at, l.locked_at) AS locked_at,
	CASE WHEN u.locked_at IS NULL THEN l.locked_until END AS locked_until,
	coalesce(l.failed, 0) AS failed, d.code AS portal
FROM bestauth.user_account u
JOIN bestauth.company c USING (company_id)
LEFT JOIN bestauth.portal d ON d.portal_id = u.portal_id
LEFT JOIN bestauth.login_counter l ON l.subject = '\x75'::bytea || uuid_send(u.user_id) AND l.locked_until > clock_timestamp()
WHERE u.deleted_at IS NULL AND (u.locked_at IS NOT NULL OR l.subject IS NOT NULL)
	AND (SELECT bestauth.has_access('auditor'));
COMMENT ON VIEW bestauth.locked_users IS
'Users who are locked now, by an administrator or after wrong passwords; one row a user. An administrator''s lock comes first, and has no end: locked_until is NULL until unlock_user(). failed counts the wrong passwords of a lock that runs; portal is NULL for the company''s own people [PRV-16].';

-- A session counts as open as use_session() would have it.
CREATE VIEW bestauth.billing_access WITH (security_barrier) AS
SELECT c.code AS company, c.name AS company_name, u.username AS key,
	concat_ws(' ', u.first_name, u.last_name) AS key_name,
	sc.code AS billing_service, sc.name AS billing_service_name, b.unregistered_at IS NULL AS registered,
	ARRAY(SELECT DISTINCT p.permission FROM bestauth.permission_access p
		WHERE p.user_id = u.user_id ORDER BY 1) AS permissions,
	ARRAY(SELECT r.name FROM bestauth.user_role g JOIN bestauth.role r USING (role_id)
		WHERE g.user_id = u.user_id ORDER BY r.name COLLATE "C") AS roles,
	CASE WHEN u.persons_limited THEN ARRAY(SELECT p.username FROM bestauth.billing_user_person a
		JOIN bestauth.user_account p ON p.user_id = a.person_id
		WHERE a.user_id = u.user_id AND p.deleted_at IS NULL ORDER BY p.username COLLATE "C") END AS persons,
	u.locked_at IS NOT NULL OR EXISTS (SELECT FROM bestauth.login_counter l
		WHERE l.subject = '\x75'::bytea || uuid_send(u.user_id) AND l.locked_until > clock_timestamp()) AS locked,
	u.created_at, greatest(s.last_login_at, w.last_login_at) AS last_login_at, coalesce(s.open_sessions, 0) AS open_sessions,
	ARRAY(SELECT e.code FROM bestauth.company_access a JOIN bestauth.company e ON e.company_id = a.entered_id
		WHERE a.user_id = u.user_id GROUP BY e.code ORDER BY e.code COLLATE "C") AS companies
FROM bestauth.user_account u
JOIN bestauth.user_type_rules t USING (user_type)
JOIN bestauth.company c ON c.company_id = u.company_id
JOIN bestauth.billing_service b ON b.company_id = u.billing_service_id
JOIN bestauth.company sc ON sc.company_id = b.company_id
LEFT JOIN bestauth.user_use w ON w.user_id = u.user_id
LEFT JOIN (
	SELECT s.user_id, max(s.created_at) AS last_login_at,
		count(*) FILTER (WHERE s.ended_at IS NULL AND s.expires_at > clock_timestamp()
			AND l.last_used_at > clock_timestamp() - coalesce(current_setting('bestauth.session_idle_limit', true), '30min')::interval
			AND k.deleted_at IS NULL AND k.locked_at IS NULL AND k.version = s.user_version
			AND p.deleted_at IS NULL AND p.locked_at IS NULL AND p.version = s.person_version
			AND v.unregistered_at IS NULL AND v.version = s.service_version
			AND (NOT k.persons_limited OR EXISTS (SELECT FROM bestauth.billing_user_person a
				WHERE a.user_id = k.user_id AND a.person_id = p.user_id))) AS open_sessions
	FROM bestauth.session s
	JOIN bestauth.user_account k ON k.user_id = s.user_id
	JOIN bestauth.user_account p ON p.user_id = s.person_id
	JOIN bestauth.billing_service v ON v.company_id = s.billing_service_id
	LEFT JOIN bestauth.session_use l ON l.session_id = s.session_id
	GROUP BY s.user_id
) s ON s.user_id = u.user_id
WHERE t.needs_billing_service AND u.deleted_at IS NULL
	AND (SELECT bestauth.has_access('auditor'));
COMMENT ON VIEW bestauth.billing_access IS
'Which billing service may enter which company, by which key: one row a key that is not deleted. registered: a service that is not admits nobody; permissions: by name and through roles, as a session has them; persons: user names in the service, NULL for any restricted user of it; locked: by an administrator or after wrong passwords; open_sessions: those that use_session() would take now; companies: the company and its children that who comes with the key may enter [TPB-7] [IBS-7].';

CREATE VIEW bestauth.pending_registrations WITH (security_barrier) AS
SELECT c.code AS company, p.code AS portal, r.identifier, r.identifier_qualifier, o.name AS office, r.level, r.npi, r.status,
	concat_ws(' ', r.first_name, r.middle_name, r.last_name) AS applicant, r.username, r.email, r.role,
	r.claim_number_result, r.birth_date_result, r.created_at AS submitted_at, r.registration_id
FROM bestauth.registration r
JOIN bestauth.company c ON c.company_id = r.company_id
JOIN bestauth.portal p ON p.portal_id = r.portal_id
LEFT JOIN bestauth.office o ON o.office_id = r.office_id
WHERE r.status IN ('PENDING-PROV-ADMIN-REVIEW', 'PENDING-ADMIN-REVIEW') AND (SELECT bestauth.has_access('auditor'));
COMMENT ON VIEW bestauth.pending_registrations IS
'Requests that wait for a decision, of every company. office is NULL where no office has the identifier: only the operator sees these in the console, and makes the office first [PRV-9].';

CREATE VIEW bestauth.access_matrix WITH (security_barrier) AS
SELECT c.code AS company, d.code AS portal, u.username, u.user_type, e.code AS accessible_company,
	a.source, r.name AS role,
	row_number() OVER (PARTITION BY a.user_id, a.entered_id ORDER BY a.precedence, r.name COLLATE "C") = 1 AS applies,
	coalesce(p.permissions, '{}') AS permissions, u.locked_at IS NOT NULL AS locked
FROM bestauth.company_access a
JOIN bestauth.user_account u ON u.user_id = a.user_id
JOIN bestauth.company c ON c.company_id = u.company_id
JOIN bestauth.company e ON e.company_id = a.entered_id
LEFT JOIN bestauth.portal d ON d.portal_id = u.portal_id
LEFT JOIN bestauth.role r ON r.role_id = a.role_id
LEFT JOIN (
	SELECT user_id, array_agg(DISTINCT permission ORDER BY permission) AS permissions
	FROM bestauth.permission_access GROUP BY user_id
) p ON p.user_id = a.user_id
WHERE u.deleted_at IS NULL AND (SELECT bestauth.has_access('auditor'));
COMMENT ON VIEW bestauth.access_matrix IS
'Who may enter which company, why, and with which permissions: a row for each user that is not deleted, each company and each source. applies: the first source, that list_accessible_companies shows; the others would stay if it went. role: that a source role comes from. portal is NULL for the company''s own people; locked: by an administrator [MCM-2] [MCM-3] [MCM-5].';

CREATE VIEW bestauth.stale_users WITH (security_barrier) AS
SELECT c.code AS company, d.code AS portal, u.username, u.user_type, u.first_name, u.last_name,
	u.created_at, l.last_login_at,
	floor(extract(epoch FROM clock_timestamp() - coalesce(l.last_login_at, u.created_at)) / 86400)::integer AS idle_days,
	(SELECT count(DISTINCT a.entered_id) FROM bestauth.company_access a WHERE a.user_id = u.user_id)::integer AS companies,
	(SELECT count(DISTINCT p.permission) FROM bestauth.permission_access p WHERE p.user_id = u.user_id)::integer AS permissions,
	u.locked_at IS NOT NULL AS locked
FROM bestauth.user_account u
JOIN bestauth.company c ON c.company_id = u.company_id
LEFT JOIN bestauth.portal d ON d.portal_id = u.portal_id
LEFT JOIN (
	SELECT s.user_id, max(s.at) AS last_login_at
	FROM (
		SELECT user_id, created_at AS at FROM bestauth.session
		UNION ALL SELECT person_id, created_at FROM bestauth.session
		UNION ALL SELECT user_id, last_login_at FROM bestauth.user_use
	) s
	GROUP BY s.user_id
) l ON l.user_id = u.user_id
WHERE u.deleted_at IS NULL AND coalesce(l.last_login_at, u.created_at) < clock_timestamp() - interval '2160 hours'
	AND (SELECT bestauth.has_access('auditor'));
COMMENT ON VIEW bestauth.stale_users IS
'Users that are not deleted and have not logged in for 90 days, or never since they were made: whose access somebody should look at. last_login_at: NULL for never; companies, permissions: how many they may enter and hold. A key counts as used by whoever came with it, a service''s person by their own logins and those at customers [MCM-8].';
