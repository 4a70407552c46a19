-- Who fires where. Rules run before a row is written, audit and invalidation
-- after; guards refuse whole statements. All fire ALWAYS: a superuser's
-- session_replication_role does not switch them off.

CREATE FUNCTION bestauth.rule_tg() RETURNS trigger
	AS 'MODULE_PATHNAME', 'bestauth_rule_tg' LANGUAGE C;
COMMENT ON FUNCTION bestauth.rule_tg() IS
'Row trigger: the rules of the table that it stands on. While the instance is closed only a superuser may write, and rules that look at other tables wait for open_instance().';

CREATE FUNCTION bestauth.audit_rows_tg() RETURNS trigger
	AS 'MODULE_PATHNAME', 'bestauth_audit_rows_tg' LANGUAGE C;
COMMENT ON FUNCTION bestauth.audit_rows_tg() IS
'Statement trigger with transition tables: writes row.inserted, row.updated (changed columns) or row.deleted to the audit for each of its rows. Arguments, text[] each: key columns; columns shown as changed only; columns left out; and, of an application''s table, the name of the column that has the company.';

CREATE FUNCTION bestauth.audit_truncate_tg() RETURNS trigger
	AS 'MODULE_PATHNAME', 'bestauth_audit_truncate_tg' LANGUAGE C;
COMMENT ON FUNCTION bestauth.audit_truncate_tg() IS
'Statement trigger: writes table.truncated to the audit.';

CREATE FUNCTION bestauth.audit_move_tg() RETURNS trigger
	AS 'MODULE_PATHNAME', 'bestauth_audit_move_tg' LANGUAGE C;
COMMENT ON FUNCTION bestauth.audit_move_tg() IS
'Trigger of partitions under audit: refuses that MERGE moves a row to another one, of which PostgreSQL tells audit_rows_tg nothing. After a row is deleted it looks; before a statement it does nothing but be loaded.';

CREATE FUNCTION bestauth.ddl_tg() RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'bestauth_ddl_tg' LANGUAGE C;
COMMENT ON FUNCTION bestauth.ddl_tg() IS
'Event trigger: writes schema.altered to the audit, and a line to the server''s log, for DDL on bestauth''s own objects and on tables that are isolated or under audit; puts a new partition of an audited table under audit. What bestauth does itself is not told here [J-10].';

CREATE FUNCTION bestauth.drop_tg() RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'bestauth_drop_tg' LANGUAGE C;
COMMENT ON FUNCTION bestauth.drop_tg() IS
'Event trigger: the same for what is dropped, as schema.dropped: our own objects, tables that are isolated or under audit, and the policies and triggers that make them so [J-10].';

CREATE FUNCTION bestauth.invalidate_tg() RETURNS trigger
	AS 'MODULE_PATHNAME', 'bestauth_invalidate_tg' LANGUAGE C;
COMMENT ON FUNCTION bestauth.invalidate_tg() IS
'Statement trigger: makes every backend forget what it cached when the transaction commits. Argument: of what, authority (users, roles, companies) or session.';

CREATE FUNCTION bestauth.guard_tg() RETURNS trigger
	AS 'MODULE_PATHNAME', 'bestauth_guard_tg' LANGUAGE C;
COMMENT ON FUNCTION bestauth.guard_tg() IS
'Statement trigger: refuses the statement. An INSERT is let through to a superuser while the instance is closed, for a restore. Argument: the rule that speaks.';

DO $triggers$
DECLARE
	t record;
	event text;
BEGIN
	FOR t IN SELECT * FROM (VALUES
		-- table, key columns, hidden, left out, invalidates on, deletion refused by rule
		('access_grant',        'role_name,access',      '',              '',            'INSERT OR UPDATE OR DELETE', ''),
		('billing_service',     'company_id',            '',              '',            'INSERT OR UPDATE OR DELETE', 'IBS-1'),
		('billing_user_person', 'user_id,person_id',     '',              '',            'INSERT OR UPDATE OR DELETE', ''),
		('blocked_password',    'word',                  '',              '',            '', ''),
		('company',             'company_id',            '',              '',            'INSERT OR UPDATE OR DELETE', 'MCM-1'),
		('contact',             'contact_id',            '',              '',            '', ''),
		('credential',          'user_id',               'password_hash', '',            'UPDATE', 'TPB-9'),
		('decline_reason',      'reason',                '',              '',            '', ''),
		('historical_claim',    'office_identifier,npi', 'claim_number',     '',            '', ''),
		('emergency_access',    'emergency_id',          '',              '',            'INSERT OR UPDATE', 'J-14'),
		('employee',            'employee_id',           '',              '',            '', ''),
		('facility',            'facility_id',           '',              '',            '', ''),
		('instance',            'name',                  '',              '',            'INSERT OR UPDATE OR DELETE', 'AUD-1'),
		('instance_open',       'system_id,database',    '',              '',            'INSERT OR UPDATE OR DELETE', ''),
		('mail_template',       'template_id',           '',              '',            '', ''),
		('office',              'office_id',             '',              '',            '', 'PRV-1'),
		('outbox',              'message_id',            '',              'due_at,claimed_at,attempts,last_error', '', ''),
		('payer',               'payer_id',              '',              '',            '', ''),
		('permission',          'name',                  '',              '',            'INSERT OR UPDATE OR DELETE', ''),
		('portal',              'portal_id',             '',              '',            '', 'PRT-1'),
		('provider',            'provider_id',           'birth_date',    '',            'INSERT OR UPDATE OR DELETE', ''),
		('registration',        'registration_id',       '',              'history,changed_at', '', 'PRV-10'),
		('registration_credential', 'registration_id',   'password_hash', '',            '', ''),
		('role',                'role_id',               '',              '',            'INSERT OR UPDATE OR DELETE', ''),
		('role_company',        'role_id,child_id',      '',              '',            'INSERT OR UPDATE OR DELETE', ''),
		('role_permission',     'role_id,permission',    '',              '',            'INSERT OR UPDATE OR DELETE', ''),
		('security_question',   'user_id',               'questions,answers_hash', '',            '', ''),
		('served_customer',     'company_id,audience,username', '',      '',            '', ''),
		('served_instance',     'company_id,instance',   '',              '',            '', ''),
		('session',             'session_id',            'token_hash',    '',            'UPDATE OR DELETE', ''),
		('session_company',     'session_id',            '',              '',            'INSERT OR UPDATE OR DELETE', ''),
		('signup',              'signup_id',             'password_hash', '',            '', ''),
		('sso_key',             'company_id,kid',        '',              '',            'INSERT OR UPDATE OR DELETE', ''),
		('sso_person',          'user_id',               '',              '',            '', 'TPB-5'),
		('sso_signing_key',     'kid',                   '',              '',            '', 'TPB-5'),
		('token',               'token_id',              'token_hash',    '',            '', ''),
		('user_account',        'user_id',               '',              'revision',    'UPDATE OR DELETE', 'PRV-14'),
		('user_company',        'user_id,child_id',      '',              '',            'INSERT OR UPDATE OR DELETE', ''),
		('user_permission',     'user_id,permission',    '',              '',            'INSERT OR UPDATE OR DELETE', ''),
		('user_role',           'user_id,role_id',       '',              '',            'INSERT OR UPDATE OR DELETE', '')
	) AS v (name, key, hidden, ignored, invalidates, delete_rule)
	LOOP
		EXECUTE format('CREATE TRIGGER rule BEFORE INSERT OR UPDATE OR DELETE ON bestauth.%I
			FOR EACH ROW EXECUTE FUNCTION bestauth.rule_tg()', t.name);
		FOREACH event IN ARRAY '{insert,update,delete}'::text[] LOOP
			EXECUTE format('CREATE TRIGGER %I AFTER %s ON bestauth.%I REFERENCING %s
				FOR EACH STATEMENT EXECUTE FUNCTION bestauth.audit_rows_tg(%L, %L, %L)',
				'audit_' || event, event, t.name,
				concat_ws(' ', CASE WHEN event <> 'insert' THEN 'OLD TABLE AS old_rows' END,
					CASE WHEN event <> 'delete' THEN 'NEW TABLE AS new_rows' END),
				'{' || t.key || '}', '{' || t.hidden || '}', '{' || t.ignored || '}');
			EXECUTE format('ALTER TABLE bestauth.%I ENABLE ALWAYS TRIGGER %I', t.name, 'audit_' || event);
			EXECUTE format('COMMENT ON TRIGGER %I ON bestauth.%I IS %L', 'audit_' || event, t.name, 'Every change of a row, to the audit.');
		END LOOP;
		EXECUTE format('CREATE TRIGGER audit_truncate AFTER TRUNCATE ON bestauth.%I
			FOR EACH STATEMENT EXECUTE FUNCTION bestauth.audit_truncate_tg()', t.name);
		EXECUTE format('CREATE TRIGGER guard BEFORE %s ON bestauth.%I
			FOR EACH STATEMENT EXECUTE FUNCTION bestauth.guard_tg(%L)',
			CASE WHEN t.delete_rule = '' THEN 'TRUNCATE' ELSE 'DELETE OR TRUNCATE' END, t.name,
			CASE WHEN t.delete_rule = '' THEN 'AUD-1' ELSE t.delete_rule END);
		EXECUTE format('ALTER TABLE bestauth.%I ENABLE ALWAYS TRIGGER rule,
			ENABLE ALWAYS TRIGGER audit_truncate, ENABLE ALWAYS TRIGGER guard', t.name);
		EXECUTE format('COMMENT ON TRIGGER rule ON bestauth.%I IS %L', t.name, 'The rules of the table.');
		EXECUTE format('COMMENT ON TRIGGER audit_truncate ON bestauth.%I IS %L', t.name, 'A table emptied, to the audit.');
		EXECUTE format('COMMENT ON TRIGGER guard ON bestauth.%I IS %L', t.name, 'Refuses what is never right.');
		IF t.invalidates <> '' THEN
			EXECUTE format('CREATE TRIGGER invalidate AFTER %s ON bestauth.%I
				FOR EACH STATEMENT EXECUTE FUNCTION bestauth.invalidate_tg(%L)', t.invalidates, t.name,
				CASE WHEN t.name IN ('emergency_access', 'session', 'session_company') THEN 'session' ELSE 'authority' END);
			EXECUTE format('ALTER TABLE bestauth.%I ENABLE ALWAYS TRIGGER invalidate', t.name);
			EXECUTE format('COMMENT ON TRIGGER invalidate ON bestauth.%I IS %L', t.name, 'Every backend forgets what it cached.');
		END IF;
	END LOOP;
END
$triggers$;

CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON bestauth.audit_log
	FOR EACH STATEMENT EXECUTE FUNCTION bestauth.guard_tg('AUD-3');
ALTER TABLE bestauth.audit_log ENABLE ALWAYS TRIGGER guard;
COMMENT ON TRIGGER guard ON bestauth.audit_log IS 'Nobody changes the audit by SQL; every partition has the same guard [AUD-3].';

CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON bestauth.audit_block
	FOR EACH STATEMENT EXECUTE FUNCTION bestauth.guard_tg('AUD-3');
ALTER TABLE bestauth.audit_block ENABLE ALWAYS TRIGGER guard;
COMMENT ON TRIGGER guard ON bestauth.audit_block IS 'Nobody changes the chain by SQL [AUD-3].';

CREATE EVENT TRIGGER bestauth_ddl ON ddl_command_end EXECUTE FUNCTION bestauth.ddl_tg();
ALTER EVENT TRIGGER bestauth_ddl ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER bestauth_ddl IS 'Who changes what bestauth relies on is told [J-10].';

CREATE EVENT TRIGGER bestauth_drop ON sql_drop EXECUTE FUNCTION bestauth.drop_tg();
ALTER EVENT TRIGGER bestauth_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER bestauth_drop IS 'The same of what is dropped [J-10].';
