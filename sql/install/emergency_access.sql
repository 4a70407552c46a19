-- No foreign key to the session: that goes when it is over for long, and what was done in an
-- emergency must be known for as long as the audit is.
CREATE TABLE bestauth.emergency_access (
	emergency_id uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	company_id   uuid NOT NULL,
	user_id      uuid NOT NULL,
	person_id    uuid NOT NULL,
	session_id   uuid NOT NULL,
	reason       text NOT NULL CHECK (char_length(reason) BETWEEN 10 AND 500),
	started_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
	expires_at   timestamptz NOT NULL,
	ended_at     timestamptz,
	ended_by     text COLLATE "C" CHECK (ended_by IN ('user', 'time', 'session', 'permission')),
	CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
COMMENT ON TABLE bestauth.emergency_access IS
'Emergency access that was started, by whom, in which session and why: a row each, which is never removed [J-14].';
COMMENT ON COLUMN bestauth.emergency_access.company_id IS 'The company of the user, wherever the session was.';
COMMENT ON COLUMN bestauth.emergency_access.expires_at IS 'Nothing is given by it from here on, whether or not somebody has written down that it ended.';
COMMENT ON COLUMN bestauth.emergency_access.ended_at IS 'When it ended, as soon as somebody noticed; the view emergency_accesses knows it before.';
COMMENT ON COLUMN bestauth.emergency_access.ended_by IS 'user: end_emergency_access; time: expires_at; session: the session ended, or its user was locked, deleted or changed; permission: the user has lost emergency_access.';
-- One at a time.
CREATE UNIQUE INDEX emergency_access_open_idx ON bestauth.emergency_access (session_id) WHERE ended_at IS NULL;
CREATE INDEX emergency_access_company_id_idx ON bestauth.emergency_access (company_id, emergency_id);
SELECT pg_catalog.pg_extension_config_dump('bestauth.emergency_access', '');

-- The one place that says whether one is over. The writer goes by it, as the owner; a view
-- reads past row security, so it asks for access itself.
CREATE VIEW bestauth.emergency_accesses WITH (security_barrier) AS
SELECT c.code AS company, u.username, p.username AS person, e.reason, e.started_at, e.expires_at,
	coalesce(e.ended_at, CASE o.ended_by WHEN 'time' THEN e.expires_at WHEN 'session' THEN coalesce(o.gone_at, o.t) WHEN 'permission' THEN o.t END) AS ended_at,
	coalesce(e.ended_by, o.ended_by) AS ended_by,
	e.ended_by IS NULL AND o.ended_by IS NULL AS open, e.emergency_id
FROM bestauth.emergency_access e
JOIN bestauth.company c ON c.company_id = e.company_id
JOIN bestauth.user_account u ON u.user_id = e.user_id
JOIN bestauth.user_account p ON p.user_id = e.person_id
LEFT JOIN LATERAL (
	SELECT CASE WHEN g.gone_at < e.expires_at THEN 'session'
			WHEN e.expires_at <= g.t THEN 'time'
			WHEN NOT g.good THEN 'session'
			WHEN NOT EXISTS (SELECT FROM bestauth.permission_access a
				WHERE a.user_id = e.user_id AND a.permission = 'emergency_access') THEN 'permission' END AS ended_by,
		g.gone_at, CASE WHEN g.good THEN g.t ELSE least(g.t, e.expires_at) END AS t
	FROM (
		SELECT now.t, least(s.ended_at, u.locked_at, u.deleted_at) AS gone_at,
			coalesce(s.ended_at IS NULL AND s.expires_at > now.t AND s.user_version = u.version
				AND u.locked_at IS NULL AND u.deleted_at IS NULL, false) AS good
		FROM (SELECT clock_timestamp()) now (t) LEFT JOIN bestauth.session s ON s.session_id = e.session_id
	) g
) o ON e.ended_at IS NULL
WHERE (SELECT current_user = 'bestauth_owner' OR bestauth.has_access('auditor'))
ORDER BY e.emergency_id DESC;
COMMENT ON VIEW bestauth.emergency_accesses IS
'Emergency access of all companies, the newest first. open: use_session still gives what it gives; ended_by: user, time, session or permission. ended_at and ended_by are right before anybody has written them down; emergency_id stands in every row of the audit that was written under it [J-14].';

CREATE FUNCTION bestauth.start_emergency_access(reason text, duration interval DEFAULT NULL) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'bestauth_start_emergency_access' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.start_emergency_access(text, interval) IS
'Starts emergency access for the session: from its next transaction on it holds every permission with in_emergency, and may enter every child of its user''s company. It does not hold those that rule over users and the audit, even where its user does. Every row of the audit that the session writes carries its id; the company administrators and the person get mail. It ends by itself, with the session, when the permission is taken away, or by end_emergency_access. Takes a session of the company''s own people that holds emergency_access; not a key, and nobody of a portal.
Parameters: reason: 10 to 500 characters, without control characters, for the audit; duration: 1 minute to bestauth.emergency_duration (60 minutes), which is the default.
Returns: when it ends: no later than the session.
Raises: 42501 no permission, or a user of another type; 22023 bad reason or duration; 55000 the session has it already, or instance closed; 28000 no session; 25006 read-only transaction.
Rules: [J-14].';

CREATE FUNCTION bestauth.end_emergency_access() RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_end_emergency_access' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.end_emergency_access() IS
'Ends the session''s emergency access: its next transaction has none. Where there is none it does nothing. Takes a session that holds emergency_access.
Returns: void.
Raises: 42501 no permission; 28000 no session; 25006 read-only transaction; 55000.
Rules: [J-14].';

CREATE FUNCTION bestauth.list_emergency_access(since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
	company text DEFAULT NULL, page_size integer DEFAULT NULL, after text DEFAULT NULL,
	OUT emergency_id uuid, OUT company text, OUT username text, OUT person text, OUT reason text,
	OUT started_at timestamptz, OUT expires_at timestamptz, OUT ended_at timestamptz, OUT ended_by text,
	OUT open boolean, OUT rows bigint, OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_list_emergency_access' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.list_emergency_access(timestamptz, timestamptz, text, integer, text) IS
'Lists the emergency access of a company''s users, the newest first. Takes audit_report in a session, which sees its own company; the auditor and the operator see any.
Parameters: since: started from this moment on; until: before this moment; company: code, for the operator and the auditor, NULL for all; page_size: rows at most, NULL for all; after: the next of the page before.
Returns: as the view emergency_accesses; rows: how many rows of the audit carry its id, in whatever company, its start and end among them.
Raises: 42501 no permission, or another company in a session; P0002 no such company; 22023 bad page_size or after; 28000; 55000.
Rules: [J-14].';
