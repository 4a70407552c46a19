-- What this script made, as the catalogs had it at the end of it: filled by the last
-- statement of privileges.sql. Part of the extension, so not dumped.
CREATE TABLE bestauth.object_rule (
	kind       text NOT NULL COLLATE "C",
	name       text NOT NULL COLLATE "C",
	definition text NOT NULL COLLATE "C",
	PRIMARY KEY (kind, name)
);
COMMENT ON TABLE bestauth.object_rule IS
'The triggers and policies as they were installed; health compares them with object_now. An upgrade script fills it anew.';

-- No oid and no name that hangs on a search_path, so that it is the same after a restore.
CREATE VIEW bestauth.object_now WITH (security_barrier) AS
SELECT 'trigger' AS kind, c.relname || '.' || t.tgname AS name,
	concat_ws(' ', p.proname, t.tgtype, t.tgattr, encode(t.tgargs, 'escape'), t.tgqual IS NULL) AS definition
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
WHERE c.relnamespace = 'bestauth'::regnamespace AND NOT t.tgisinternal AND NOT c.relispartition
UNION ALL
SELECT 'trigger', 'event trigger ' || e.evtname, concat_ws(' ', e.evtevent, p.proname, e.evttags)
FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid WHERE p.pronamespace = 'bestauth'::regnamespace
UNION ALL
SELECT 'policy', c.relname || '.' || p.polname,
	concat_ws(' ', p.polcmd, p.polpermissive, p.polroles,
		replace(concat_ws(' CHECK ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)), 'bestauth.', ''))
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
WHERE c.relnamespace = 'bestauth'::regnamespace;
COMMENT ON VIEW bestauth.object_now IS 'The triggers and policies on our tables as they are now; object_rule has those that were installed.';

-- A check is one SELECT of (check_name, ok, value, detail when ok, detail when not);
-- where something can be at fault in several places, value names them, and NULL is ok.
-- Functions in a view run with the reader's rights, tables are read with the owner's:
-- so nothing here needs more than the reader has. The library is loaded by the call of
-- instance_name() when the statement starts: its settings are not known before.
CREATE VIEW bestauth.health AS
WITH ours AS MATERIALIZED (
	SELECT c.oid, c.relname, c.relkind, c.relowner, c.relacl, c.relrowsecurity, c.relispartition, c.reltuples,
		c.relkind IN ('r', 'p') AS is_table
	FROM pg_class c WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
), known AS MATERIALIZED (
	SELECT s.name, CASE WHEN (SELECT bestauth.instance_name()) IS NULL THEN s.setting ELSE s.setting END AS setting
	FROM pg_settings s
), here AS MATERIALIZED (
	SELECT d.oid AS database, c.system_identifier AS system_id, r.oid AS owner, d.datdba
	FROM pg_database d, pg_control_system() c, pg_roles r
	WHERE d.datname = current_database() AND r.rolname = 'bestauth_owner'
), advice (name, unsafe, good, bad) AS MATERIALIZED (VALUES
	('fsync', '^off$', 'What is committed reaches the disk.',
		'A crash can lose committed rows, audit and locks among them: set it to on.'),
	('full_page_writes', '^off$', 'A torn page is mended after a crash.',
		'A crash can leave broken pages: set it to on.'),
	('synchronous_commit', CASE current_setting('synchronous_standby_names') WHEN '' THEN '^(off|false|no|0)$'
			ELSE '^(off|false|no|0|local|remote_write)$' END, 'A commit is answered when it is safe.',
		'A commit is answered before it is safe: set it to on (bestauth raises it for what has an audit row, not for the rest).'),
	('log_parameter_max_length', CASE WHEN current_setting('log_statement') <> 'none'
			OR '-1' <> ANY (ARRAY[current_setting('log_min_duration_statement'), current_setting('log_min_duration_sample')])
			OR current_setting('log_transaction_sample_rate') <> '0' THEN '^(?!0)' ELSE '^$' END,
		'Bound parameters, passwords among them, are not logged with statements.',
		'Statements are logged with their parameters, passwords among them: set it to 0.'),
	('log_parameter_max_length_on_error', '^(?!0)', 'Bound parameters, passwords among them, are not logged with errors.',
		'A failing statement is logged with its parameters, passwords among them: set it to 0.'),
	('log_statement', '^(mod|all)$', 'Statements are not logged one by one.',
		'Statements are logged with their literals: set it to ddl or none, or be sure that applications bind every secret.'),
	('log_min_duration_statement', '^0', 'At most slow statements are logged; a secret in a literal would be in them, so bind parameters.',
		'Every statement is logged with its literals: set it to -1 or a long time.'),
	('log_min_error_statement', '^(debug|info|notice|warning)', 'Failing statements are logged with their literals: bind parameters for secrets.',
		'Statements that only warn are logged with their literals too: set it to error.'),
	('pgaudit.log_parameter', '^on$', 'pgaudit is not loaded, or logs no parameters.',
		'pgaudit logs parameters, passwords among them: set it to off.'),
	('debug_print_parse', '^(on|true|yes|1)$', 'Query trees, which have literals in them, are not logged.', 'Query trees are logged with their literals: set it to off.'),
	('debug_print_rewritten', '^(on|true|yes|1)$', 'Query trees, which have literals in them, are not logged.', 'Query trees are logged with their literals: set it to off.'),
	('debug_print_plan', '^(on|true|yes|1)$', 'Plans, which have literals and parameters in them, are not logged.', 'Plans are logged with literals and parameters: set it to off.'),
	('session_replication_role', '^replica$', 'Foreign keys are kept.',
		'Foreign keys are not checked: set it to origin (the triggers of bestauth fire all the same).'),
	('allow_system_table_mods', '^(on|true|yes|1)$', 'System tables are protected.', 'A superuser can alter system tables by mistake: set it to off.'),
	('max_worker_processes', '^[0-7]$', 'There are workers for charging guesses.',
		'Logins fail when no worker is free to charge the guess: set it to 8 or more, and leave some unused.'),
	('bestauth.hash_cost', '^([0-9]|1[01])$', 'A stolen hash is slow to guess.', 'Passwords are hashed cheaply: set it to 12 or more.'),
	('bestauth.lockout_threshold', '^(1[1-9]|[2-9][0-9]|100)$', 'An account is locked after a few wrong passwords.',
		'Many wrong passwords are looked at before an account is locked: set it to 10 or less.'),
	('bestauth.password_min_length', '^([0-9]|1[0-4])$', 'New passwords are long enough to stand alone.',
		'Short passwords are accepted: set it to 15 or more.'),
	('bestauth.base_url', '^(?!https://)', 'Links in mail begin with it: it should be the address of your pages.',
		'Links in mail, with their tokens, go over plain HTTP: set it to an address that begins with https://.')
), rule AS MATERIALIZED (
	SELECT x.kind, x.oid, p.privilege, r.access FROM bestauth.access_rule r,
		LATERAL (SELECT 'FUNCTION' AS kind, to_regprocedure(substr(r.object, 10))::oid AS oid WHERE r.object LIKE 'FUNCTION %'
			UNION ALL SELECT 'TABLE', to_regclass(substr(r.object, 7))::oid WHERE r.object LIKE 'TABLE %') x,
		unnest(string_to_array(r.privilege, ', ')) p (privilege)
	UNION ALL SELECT 'SCHEMA', 'bestauth'::regnamespace, 'USAGE', '{application,reader,operator,auditor,mailer}'
), meant AS (
	SELECT DISTINCT u.kind, u.oid, g.role_id AS grantee, u.privilege
	FROM bestauth.access_grant g JOIN here USING (system_id) JOIN pg_roles o ON o.oid = g.role_id
	JOIN rule u ON g.access = ANY (u.access)
), given AS (
	SELECT g.kind, g.oid, a.grantee, a.privilege_type || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS privilege
	FROM (SELECT 'TABLE' AS kind, oid, relowner AS owner, relacl AS acl FROM ours
		UNION ALL SELECT 'TABLE', o.oid, o.relowner, t.attacl FROM ours o JOIN pg_attribute t ON t.attrelid = o.oid AND t.attacl IS NOT NULL
		UNION ALL SELECT 'FUNCTION', oid, proowner, coalesce(proacl, acldefault('f', proowner)) FROM pg_proc
			WHERE pronamespace = 'bestauth'::regnamespace
		UNION ALL SELECT 'TYPE', oid, typowner, coalesce(typacl, acldefault('T', typowner)) FROM pg_type
			WHERE oid = 'bestauth.login_result'::regtype
		UNION ALL SELECT 'SCHEMA', oid, nspowner, nspacl FROM pg_namespace WHERE nspname = 'bestauth') g, aclexplode(g.acl) a
	WHERE a.grantee <> g.owner
)
SELECT c.check_name, c.ok, left(c.value, 1000) AS value, CASE WHEN c.ok THEN c.good ELSE c.bad END AS detail
FROM (
	SELECT 'instance_open' AS check_name, count(o.system_id) = 1 AS ok, (SELECT bestauth.instance_name()) AS value,
		'The instance is open.' AS good,
		'The instance is closed, and every call is refused: a superuser calls bestauth.open_instance().' AS bad
	FROM here LEFT JOIN bestauth.instance_open o USING (system_id, database)

	UNION ALL
	SELECT 'server_version', current_setting('server_version_num')::int >= coalesce(max(v.least), 0), current_setting('server_version'),
		'No hole that bestauth must fear is known in this server.',
		format('This server has known holes: update it to %s.%s or later.', max(v.least) / 10000, max(v.least) % 10000)
	FROM (VALUES (150020), (160016), (170012), (180006)) v (least)
	WHERE v.least / 10000 = current_setting('server_version_num')::int / 10000

	UNION ALL
	SELECT a.name, coalesce(k.setting !~* a.unsafe, true), k.setting, a.good, a.bad
	FROM advice a LEFT JOIN known k USING (name)

	UNION ALL
	SELECT 'setting_overrides', f.fault IS NULL, f.fault, 'No role or database has an unsafe setting of its own.',
		'Some sessions have an unsafe setting: take it away with ALTER ROLE or ALTER DATABASE ... RESET.'
	FROM (SELECT string_agg(concat_ws(' ', s.setting, 'for role ' || r.rolname), ', ' ORDER BY s.setting COLLATE "C", r.rolname) AS fault
		FROM (SELECT d.setrole, unnest(d.setconfig) AS setting FROM pg_db_role_setting d, here
			WHERE d.setdatabase IN (0, here.database)) s
		JOIN advice a ON split_part(s.setting, '=', 1) = a.name AND substr(s.setting, length(a.name) + 2) ~* a.unsafe
		LEFT JOIN pg_roles r ON r.oid = s.setrole) f

	UNION ALL
	SELECT 'auto_explain', NOT coalesce(s.logs AND s.shows, false), s.minimum, 'auto_explain is not loaded, or logs no parameters.',
		'auto_explain logs parameters, passwords among them: set its log_parameter_max_length to 0 and its log_verbose to off.'
	FROM (SELECT bool_or(name = 'auto_explain.log_min_duration' AND setting <> '-1') AS logs,
			bool_or(name = 'auto_explain.log_parameter_max_length' AND setting <> '0' OR name = 'auto_explain.log_verbose' AND setting = 'on') AS shows,
			max(setting) FILTER (WHERE name = 'auto_explain.log_min_duration') AS minimum
		FROM known) s

	UNION ALL
	SELECT 'ssl', current_setting('ssl') = 'on' OR NOT EXISTS (
			SELECT FROM unnest(string_to_array(current_setting('listen_addresses'), ',')) a WHERE btrim(a) !~ '^(localhost|127[.][0-9.]+|::1|)$'),
		current_setting('ssl'), 'Connections from other machines can be encrypted, or there are none.',
		'Passwords and tokens cross the network in the clear: set ssl to on, and ask for it in pg_hba.conf.'

	UNION ALL
	SELECT 'preload', true, CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE') THEN
			CASE WHEN current_setting('shared_preload_libraries') ~ '(^|[/, "])bestauth([.]so)?($|[, "])' THEN 'yes' ELSE 'no' END END,
		'Works either way; with bestauth in shared_preload_libraries logins are faster. Only pg_read_all_settings sees the value.', NULL

	UNION ALL
	SELECT 'owner_role', f.fault = '', nullif(f.fault, ''), 'Nobody can become bestauth_owner.',
		'Somebody can act as bestauth_owner, past every rule: revoke the membership, and take login and attributes away with ALTER ROLE.'
	FROM (SELECT concat_ws(', ', CASE WHEN r.rolcanlogin THEN 'can log in' END,
			CASE WHEN r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls THEN 'has attributes' END,
			(SELECT string_agg('member ' || o.rolname, ', ' ORDER BY o.rolname) FROM pg_auth_members m JOIN pg_roles o ON o.oid = m.member
			 WHERE m.roleid = r.oid),
			(SELECT string_agg('member of ' || o.rolname, ', ' ORDER BY o.rolname) FROM pg_auth_members m JOIN pg_roles o ON o.oid = m.roleid
			 WHERE m.member = r.oid)) AS fault
		FROM pg_roles r WHERE r.rolname = 'bestauth_owner') f

	UNION ALL
	SELECT 'createrole', f.fault IS NULL, f.fault, 'No role but a superuser can make itself a member of bestauth_owner.',
		'On PostgreSQL 15 these roles can make themselves members of bestauth_owner: ALTER ROLE ... NOCREATEROLE, or move to 16.'
	FROM (SELECT string_agg(rolname, ', ' ORDER BY rolname) AS fault FROM pg_roles
		WHERE rolcreaterole AND NOT rolsuper AND current_setting('server_version_num')::int < 160000) f

	UNION ALL
	SELECT 'ownership', f.fault IS NULL, f.fault, 'bestauth_owner owns what is in the schema, and nothing else here.',
		'Whoever owns a part of bestauth is past its rules, and what bestauth_owner owns elsewhere runs with its rights: ALTER ... OWNER TO.'
	FROM (SELECT string_agg(x.name, ', ' ORDER BY x.name COLLATE "C") AS fault FROM here, LATERAL (
		SELECT relname::text AS name FROM ours WHERE relowner <> here.owner
		UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'bestauth'::regnamespace AND proowner <> here.owner
		UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'bestauth'::regnamespace AND typowner <> here.owner
			AND typtype = 'c' AND typrelid NOT IN (SELECT oid FROM ours)
		UNION ALL SELECT 'schema bestauth' FROM pg_namespace WHERE nspname = 'bestauth' AND nspowner <> here.owner
		UNION ALL SELECT 'extension bestauth' FROM pg_extension e JOIN pg_roles r ON r.oid = e.extowner
			WHERE e.extname = 'bestauth' AND NOT r.rolsuper
		UNION ALL SELECT o.type || ' ' || o.identity FROM pg_shdepend d, pg_identify_object(d.classid, d.objid, 0) o
			WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = here.owner AND d.deptype = 'o' AND d.dbid = here.database
				AND o.schema IS DISTINCT FROM 'bestauth' AND o.identity <> 'bestauth') x) f

	UNION ALL
	SELECT 'pgcrypto', f.fault IS NULL, f.fault, 'pgcrypto and its schema belong to a superuser.',
		'Whoever owns pgcrypto or its schema can drop it, and bestauth with it: have a superuser own both.'
	FROM (SELECT string_agg(x.what || ' of ' || r.rolname, ', ' ORDER BY x.what COLLATE "C") AS fault FROM here, pg_extension e
		JOIN pg_namespace n ON n.oid = e.extnamespace, LATERAL (VALUES ('extension pgcrypto', e.extowner),
			('schema ' || n.nspname, CASE pg_get_userbyid(n.nspowner) WHEN 'pg_database_owner' THEN here.datdba ELSE n.nspowner END)) x (what, owner)
		JOIN pg_roles r ON r.oid = x.owner WHERE e.extname = 'pgcrypto' AND NOT r.rolsuper) f

	UNION ALL
	SELECT 'triggers_enabled', f.fault IS NULL, f.fault, 'Every trigger of bestauth fires always.',
		'Rules or audit are off there: ALTER TABLE ... ENABLE ALWAYS TRIGGER, ALTER EVENT TRIGGER ... ENABLE ALWAYS.'
	FROM (SELECT string_agg(x.name, ', ' ORDER BY x.name COLLATE "C") AS fault FROM (
		SELECT o.relname || '.' || t.tgname AS name FROM pg_trigger t JOIN ours o ON o.oid = t.tgrelid
		WHERE o.is_table AND NOT t.tgisinternal AND t.tgenabled <> 'A'
		UNION ALL SELECT 'event trigger ' || e.evtname FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid
		WHERE p.pronamespace = 'bestauth'::regnamespace AND e.evtenabled <> 'A') x) f

	UNION ALL
	SELECT 'triggers_present', f.fault IS NULL, f.fault, 'Every trigger of bestauth is there, as it was installed.',
		'A trigger is missing or was changed, and rules or audit with it: make it again as in the install script.'
	FROM (SELECT string_agg(x.name, ', ' ORDER BY x.name COLLATE "C") AS fault FROM (
		SELECT r.name FROM bestauth.object_rule r LEFT JOIN bestauth.object_now n USING (kind, name)
		WHERE r.kind = 'trigger' AND n.definition IS DISTINCT FROM r.definition
		UNION ALL -- 62: before every INSERT, UPDATE, DELETE and TRUNCATE
		SELECT o.relname || '.guard' FROM ours o WHERE o.is_table AND o.relispartition AND NOT EXISTS (SELECT FROM pg_trigger t
			JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgrelid = o.oid AND t.tgtype = 62
				AND p.proname = 'guard_tg' AND p.pronamespace = 'bestauth'::regnamespace)) x) f

	UNION ALL
	SELECT 'strange_triggers', f.fault IS NULL, f.fault, 'No table of bestauth has a trigger or rule of somebody else.',
		'Somebody else''s trigger or rule stands on a table of bestauth and can change what is written: drop it.'
	FROM (SELECT string_agg(x.name, ', ' ORDER BY x.name COLLATE "C") AS fault FROM (
		SELECT o.relname || '.' || t.tgname AS name FROM pg_trigger t JOIN ours o ON o.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
		WHERE NOT t.tgisinternal AND p.pronamespace <> 'bestauth'::regnamespace
		UNION ALL SELECT o.relname || '.' || w.rulename FROM pg_rewrite w JOIN ours o ON o.oid = w.ev_class WHERE o.is_table) x) f

	UNION ALL
	SELECT 'row_security', f.fault IS NULL, f.fault, 'Every table of bestauth has row security.',
		'pg_read_all_data and pg_write_all_data reach these tables: ALTER TABLE ... ENABLE ROW LEVEL SECURITY.'
	FROM (SELECT string_agg(relname, ', ' ORDER BY relname) AS fault FROM ours WHERE is_table AND NOT relrowsecurity) f

	UNION ALL
	SELECT 'policies', f.fault IS NULL, f.fault, 'The policies are those that were installed.',
		'A policy was added, changed or dropped: make it again as in the install script.'
	FROM (SELECT string_agg(name, ', ' ORDER BY name COLLATE "C") AS fault
		FROM (SELECT name, definition FROM bestauth.object_rule WHERE kind = 'policy') r
		FULL JOIN (SELECT name, definition FROM bestauth.object_now WHERE kind = 'policy') n USING (name)
		WHERE n.definition IS DISTINCT FROM r.definition) f

	UNION ALL
	SELECT 'grants', f.fault IS NULL, f.fault, 'Roles may do what grant_access gave them, and nothing else.',
		'Privileges differ from what grant_access gave: GRANT what is missing, REVOKE what is extra.'
	FROM (SELECT string_agg(x.what, ', ' ORDER BY x.what COLLATE "C") AS fault FROM (
		SELECT format('%s %s on %s to %s', d.word, d.privilege, coalesce(o.relname, p.proname,
			CASE d.kind WHEN 'TYPE' THEN 'type login_result' WHEN 'SCHEMA' THEN 'schema bestauth' END), coalesce(r.rolname, 'PUBLIC')) AS what
		FROM (SELECT 'extra' AS word, e.* FROM (SELECT * FROM given EXCEPT SELECT * FROM meant) e
			UNION ALL SELECT 'missing', m.* FROM (SELECT * FROM meant EXCEPT SELECT * FROM given) m) d
		LEFT JOIN ours o ON d.kind = 'TABLE' AND o.oid = d.oid
		LEFT JOIN pg_proc p ON d.kind = 'FUNCTION' AND p.oid = d.oid LEFT JOIN pg_roles r ON r.oid = d.grantee) x) f

	UNION ALL
	SELECT 'references', f.fault IS NULL, f.fault, 'Every foreign key is there, checked and enforced.',
		'Rows can point to nothing: open_instance() adds the keys; VALIDATE CONSTRAINT and ENABLE TRIGGER ALL put the others right.'
	FROM (SELECT string_agg(r.name, ', ' ORDER BY r.name) AS fault FROM bestauth.reference_rule r
		WHERE NOT EXISTS (SELECT FROM pg_constraint c JOIN ours o ON o.oid = c.conrelid
			WHERE o.relname = r.relation AND c.conname = r.name AND c.contype = 'f' AND c.convalidated
				AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = c.oid AND t.tgenabled = 'D'))) f

	UNION ALL
	SELECT 'publications', f.fault IS NULL, f.fault, 'No publication sends secrets out.',
		'Password hashes, token digests or sessions leave with this publication: name its tables, without those.'
	FROM (SELECT string_agg(p.pubname, ', ' ORDER BY p.pubname) AS fault FROM pg_publication p WHERE p.puballtables
		OR EXISTS (SELECT FROM pg_publication_namespace n WHERE n.pnpubid = p.oid AND n.pnnspid = 'bestauth'::regnamespace)
		OR EXISTS (SELECT FROM pg_publication_rel l JOIN ours o ON o.oid = l.prrelid WHERE l.prpubid = p.oid
			AND NOT o.relispartition AND NOT EXISTS (SELECT FROM bestauth.object_rule r
				WHERE r.kind = 'policy' AND split_part(r.name, '.', 1) = o.relname))) f

	UNION ALL
	SELECT 'subscriptions', f.fault IS NULL, f.fault, 'No subscription writes into tables of bestauth.',
		'Another server writes rows here, past the functions: take these tables out of its publication.'
	FROM (SELECT string_agg(format('%s into %s', s.subname, o.relname), ', ' ORDER BY s.subname, o.relname) AS fault
		FROM pg_subscription_rel l JOIN ours o ON o.oid = l.srrelid JOIN pg_subscription s ON s.oid = l.srsubid) f

	UNION ALL
	SELECT 'audit_partitions', count(i.inhrelid) = 2, count(i.inhrelid) || ' of 2', 'This month and the next have their partition of the audit.',
		'This month or the next has no partition of the audit: open_instance() makes a year of them, later its first row makes one, or the log says why not.'
	FROM generate_series(0, 1) ahead
	LEFT JOIN ours o ON o.relname = to_char(date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') + ahead * interval '768 hours',
		'"audit_log_y"YYYY"m"MM')
	LEFT JOIN pg_inherits i ON i.inhrelid = o.oid AND i.inhparent = 'bestauth.audit_log'::regclass

	UNION ALL
	SELECT 'audit_gaps', true, greatest(0, s.upto - s.behind - (SELECT count(*) FROM
			(SELECT audit_id FROM bestauth.audit_log ORDER BY occurred_at DESC, audit_id DESC LIMIT 10000) a
			WHERE a.audit_id > s.behind AND a.audit_id <= s.upto))::text,
		'So many of the last 10000 audit numbers have no row: work that was rolled back, is not committed yet, or was lost by a crash.', NULL
	FROM (SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END AS upto, greatest(last_value - 10000, 0) AS behind
		FROM bestauth.audit_id_seq) s

	UNION ALL
	SELECT 'audit_sealed', coalesce(u.oldest > clock_timestamp() - interval '5 minutes', true),
		concat_ws(', ', 'block ' || h.block, 'not sealed since ' || to_char(u.oldest AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')),
		'Rows of the audit are sealed within 5 minutes.',
		'Rows of the audit wait to be sealed for more than 5 minutes: preload bestauth, let bestauth-mailer run, or call audit_seal() every few seconds; the log says why the sealer fails.'
	FROM (SELECT max(block) AS block FROM bestauth.audit_block) h, LATERAL (SELECT min(a.occurred_at) AS oldest FROM bestauth.audit_log a,
		(SELECT coalesce((SELECT b.snapshot FROM bestauth.audit_block b
			WHERE b.kind = 'rows' AND b.system_id = (SELECT system_id FROM here) ORDER BY b.block DESC LIMIT 1), '1:1:'::pg_snapshot)) AS p (seen)
		WHERE a.transaction_id >= pg_snapshot_xmax(p.seen) OR a.transaction_id = ANY (ARRAY(SELECT pg_snapshot_xip(p.seen)))) u

	UNION ALL
	SELECT 'audit_digest', coalesce(d.taken_at, f.first) > clock_timestamp() - interval '24 hours' IS NOT FALSE,
		coalesce('block ' || d.block || ' at ' || to_char(d.taken_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), 'never'),
		'The head of the audit was asked for within 24 hours, to be kept elsewhere.',
		'Nobody took the head of the audit away for 24 hours: what happened since could be rewritten unseen. Call audit_digest() and keep what it gives out of this server''s reach.'
	FROM (SELECT min(sealed_at) AS first FROM bestauth.audit_block) f LEFT JOIN bestauth.digest_use d ON true

	UNION ALL
	SELECT 'mail_waiting', coalesce(min(due_at) > clock_timestamp() - interval '15 minutes', true), count(*)::text,
		'No mail that is due waits for longer than 15 minutes.',
		'Mail that is due is not claimed: start bestauth-mailer, or look at its log.'
	FROM bestauth.outbox WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL AND due_at <= clock_timestamp()

	UNION ALL
	SELECT 'portal_addresses', count(*) = 0, string_agg(c.code || '/' || p.code, ', ' ORDER BY c.code COLLATE "C", p.code COLLATE "C"),
		'The pages of every portal are reached by https.',
		'Links with tokens lead to pages without https: change the url of these portals.'
	FROM bestauth.portal p JOIN bestauth.company c USING (company_id) WHERE p.url NOT LIKE 'https://%'

	UNION ALL
	SELECT 'isolated_tables', count(*) = 0, string_agg(relation::text, ', ' ORDER BY relation::text COLLATE "C"),
		'What isolate_table put on the application''s tables is there.',
		'Rows of one company can be seen in another, or are not found: bestauth.isolated_tables says what is wrong with each.'
	FROM bestauth.isolated_tables WHERE problem IS NOT NULL

	UNION ALL
	SELECT 'audited_tables', count(*) = 0, string_agg(relation::text, ', ' ORDER BY relation::text COLLATE "C"),
		'What audit_table put on the application''s tables is there.',
		'Changes of rows are missing from the audit: bestauth.audited_tables says what is wrong with each.'
	FROM bestauth.audited_tables WHERE problem IS NOT NULL

	UNION ALL
	SELECT 'mail_given_up', count(*) = 0, count(*)::text, 'No mail was given up in the last 30 days.',
		'Mail was given up: last_error of bestauth.outbox says why; retry_mail() takes it up again.'
	FROM bestauth.outbox WHERE dead_at > clock_timestamp() - interval '720 hours'

	UNION ALL
	SELECT 'expired_rows', sum(e.rows) < 1000000, round(sum(e.rows))::text, 'About so many sessions and tokens are over for more than 30 days.',
		'About so many sessions and tokens are over for more than 30 days: call bestauth.purge_expired().'
	FROM (SELECT o.reltuples::float8 * greatest(0, 1 - 30 * 86400 / greatest(1, extract(epoch FROM clock_timestamp() - x.oldest)::float8)) AS rows
		FROM (VALUES ('session', (SELECT expires_at FROM bestauth.session ORDER BY session_id LIMIT 1)),
			('token', (SELECT expires_at FROM bestauth.token ORDER BY token_id LIMIT 1))) x (name, oldest)
		JOIN ours o ON o.relname = x.name WHERE o.reltuples > 0
		UNION ALL SELECT 0) e
) c;
COMMENT ON VIEW bestauth.health IS
'Whether everything is as it should be: a row a check, with what is wrong and what to do. For the operator and the auditor; docs/operations.md tells of each [L-18] [N-03] [C-19].';
