-- Who may call what, and which tables are open to whom: the documented matrix.
-- "application" calls what a session may call; every function checks the caller
-- itself, whoever was granted EXECUTE.
INSERT INTO bestauth.access_rule (object, privilege, access) VALUES
	('FUNCTION bestauth.accept_registration(text,text,text,text,text,jsonb)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.access_denied(timestamptz,timestamptz,text,integer,text)', 'EXECUTE', '{application,operator,auditor}'),
	('FUNCTION bestauth.accessible_company_ids()', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.approve_registration(uuid,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.assign_company(text,text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.assign_role(text,text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.audit_digest()', 'EXECUTE', '{operator,auditor}'),
	('FUNCTION bestauth.audit_export(timestamptz,timestamptz)', 'EXECUTE', '{operator,auditor}'),
	('FUNCTION bestauth.audit_html(timestamptz,timestamptz,text)', 'EXECUTE', '{application,operator,auditor}'),
	('FUNCTION bestauth.audit_move_tg()', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.audit_purge(timestamptz)', 'EXECUTE', '{retention}'),
	('FUNCTION bestauth.audit_report(timestamptz,timestamptz,text,text,text,text,integer,text)', 'EXECUTE', '{application,operator,auditor}'),
	('FUNCTION bestauth.audit_rows_tg()', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.audit_seal()', 'EXECUTE', '{operator,mailer}'),
	('FUNCTION bestauth.audit_table(regclass,text[],text[],text[],text)', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.audit_truncate_tg()', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.audit_verify(jsonb,timestamptz,timestamptz)', 'EXECUTE', '{operator,auditor}'),
	('FUNCTION bestauth.can_access_company(uuid)', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.can_access_provider(uuid)', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.change_password(text,text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.claim_mail(integer,interval)', 'EXECUTE', '{mailer}'),
	('FUNCTION bestauth.confirm_email_change(text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.confirm_mail(uuid)', 'EXECUTE', '{mailer}'),
	('FUNCTION bestauth.copy_facilities(text[],text[],text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.copy_payers(text[],text[],text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.count_users(text,text,text,text,text,text,boolean,boolean,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.create_company(text,text,text)', 'EXECUTE', '{operator}'),
	('FUNCTION bestauth.create_contact(text,text,text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.create_employee(uuid,text,text,text,text,text,text,text,text,text,uuid)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.create_facility(text,jsonb,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.create_office(text,text,text,text,text,text,text)', 'EXECUTE', '{operator}'),
	('FUNCTION bestauth.create_payer(text,jsonb,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.create_portal(text,text,text,text,text)', 'EXECUTE', '{operator}'),
	('FUNCTION bestauth.create_portal_account(uuid,text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.create_provider(uuid,text,text,text,date)', 'EXECUTE', '{operator}'),
	('FUNCTION bestauth.create_provider_user(uuid,text,text,text,text,text,text,text,text[],text[],text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.create_role(text,text[],text[],text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.create_sso_key(text)', 'EXECUTE', '{operator}'),
	('FUNCTION bestauth.create_user(text,text,text,text,text,text,text,text[],text[],text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.current_billing_service_id()', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.current_company_id()', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.current_office_id()', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.current_person_id()', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.current_provider_id()', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.current_session_id()', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.current_user_id()', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.delete_facility(text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.delete_payer(text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.delete_role(text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.delete_user(text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.deny_registration(uuid,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.distrust_sso_key(text,text)', 'EXECUTE', '{operator}'),
	('FUNCTION bestauth.end_emergency_access()', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.expire_registrations()', 'EXECUTE', '{operator}'),
	('FUNCTION bestauth.export_served_customers(text)', 'EXECUTE', '{operator}'),
	('FUNCTION bestauth.export_users(text,text,text,text,text,text,boolean,boolean,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.fail_mail(uuid,text,boolean)', 'EXECUTE', '{mailer}'),
	('FUNCTION bestauth.fold_identifier(text)', 'EXECUTE', '{operator}'),
	('FUNCTION bestauth.function_rules()', 'EXECUTE', '{application,operator,auditor}'),
	('FUNCTION bestauth.grant_permission(text,text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.has_access(text)', 'EXECUTE', '{application,reader,operator,auditor,mailer}'),
	('FUNCTION bestauth.has_permission(text)', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.import_served_customers(text,jsonb)', 'EXECUTE', '{operator}'),
	('FUNCTION bestauth.instance_name()', 'EXECUTE', '{application,reader,operator,auditor,mailer}'),
	('FUNCTION bestauth.isolate_table(regclass,text)', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.issue_sso_assertion(text,text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.limit_billing_user(text,text[],text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.list_accessible_companies(integer,text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.list_billing_services(integer,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.list_contacts(text,text,text,text,integer,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.list_decline_reasons(integer,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.list_emergency_access(timestamptz,timestamptz,text,integer,text)', 'EXECUTE', '{application,operator,auditor}'),
	('FUNCTION bestauth.list_facilities(integer,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.list_offices(integer,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.list_payers(integer,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.list_permissions(integer,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.list_portals(integer,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.list_providers(uuid,integer,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.list_roles(integer,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.list_served_customers(integer,text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.list_sessions(text,integer,text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.list_user_companies(text,integer,text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.lock_user(text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.login(text,text,text,text,text,text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.login_second_part(text,text,text,text,text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.login_second_part_session(text,text,text,text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.login_second_part_sso(text,text,text,text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.logout(text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.peek_password_link(text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.peek_registration(text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.peek_verification(text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.person_trail(text,timestamptz,timestamptz,text,integer,text)', 'EXECUTE', '{application,operator,auditor}'),
	('FUNCTION bestauth.portal_instructions(uuid,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.portal_url(text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.privilege_changes(timestamptz,timestamptz,text,integer,text)', 'EXECUTE', '{application,operator,auditor}'),
	('FUNCTION bestauth.purge_expired(interval)', 'EXECUTE', '{operator}'),
	('FUNCTION bestauth.record_access(text,text,jsonb)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.register_billing_service(text,jsonb)', 'EXECUTE', '{operator}'),
	('FUNCTION bestauth.register_portal_account(text,text,text,text,text,text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.registration_console(text,text,integer,text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.registration_details(uuid)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.registration_transitions()', 'EXECUTE', '{application,operator,auditor}'),
	('FUNCTION bestauth.release_mail(uuid)', 'EXECUTE', '{mailer}'),
	('FUNCTION bestauth.renew_session_sso(text,text,text,text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.request_password_reset(text,text,text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.resend_registration_link(uuid)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.resend_setup_link(text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.resend_verification(text,text,text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.reset_password(text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.restore_user(text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.retry_mail(uuid)', 'EXECUTE', '{operator}'),
	('FUNCTION bestauth.revoke_permission(text,text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.revoke_registration_link(uuid)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.revoke_sessions(text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.revoke_sso_key(text,text)', 'EXECUTE', '{operator}'),
	('FUNCTION bestauth.search_employees(text,integer,text,uuid,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.search_users(text,text,text,text,text,text,boolean,boolean,integer,text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.send_registration_links(text[],text,uuid,uuid,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.send_registration_links_csv(text,text,uuid,uuid,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.set_auto_approval(boolean,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.set_password(text,text,text[])', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.set_security_questions(text[],text[])', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.spreadsheet_text(text)', 'EXECUTE', '{application,operator,auditor}'),
	('FUNCTION bestauth.start_emergency_access(text,interval)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.submit_registration(text,text,text,text,text,text,text,text,text,text,text,text,date,jsonb,text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.suggest_username(text,text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.switch_company(text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.trust_sso_key(text,jsonb,text,jsonb)', 'EXECUTE', '{operator}'),
	('FUNCTION bestauth.unassign_company(text,text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.unassign_role(text,text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.unaudit_table(regclass)', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.unisolate_table(regclass)', 'EXECUTE', '{application,reader,operator}'),
	('FUNCTION bestauth.unlock_user(text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.unregister_billing_service(text)', 'EXECUTE', '{operator}'),
	('FUNCTION bestauth.update_contact(uuid,jsonb,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.update_facility(text,jsonb,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.update_payer(text,jsonb,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.update_role(text,text[],text[],text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.update_user(text,jsonb,text,text,integer)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.use_session(text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.user_details(text,text,text)', 'EXECUTE', '{application,operator}'),
	('FUNCTION bestauth.user_type_rules()', 'EXECUTE', '{application,operator,auditor}'),
	('FUNCTION bestauth.uuidv7()', 'EXECUTE', '{operator}'),
	('FUNCTION bestauth.verify_email(text)', 'EXECUTE', '{application}'),
	('FUNCTION bestauth.visible_provider_ids()', 'EXECUTE', '{application,reader,operator}'),
	('TABLE bestauth.access_grant', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.access_matrix', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.access_rule', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.audit_block', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.audit_fold', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.audit_log', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.audit_text', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.audited_tables', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.billing_access', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.billing_service', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.billing_user_person', 'SELECT, INSERT, DELETE', '{operator}'),
	('TABLE bestauth.blocked_password', 'SELECT, INSERT, DELETE', '{operator}'),
	('TABLE bestauth.chargeable_users', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.claim_history', 'SELECT, INSERT, DELETE', '{operator}'),
	('TABLE bestauth.claim_history_qualified', 'SELECT, INSERT, DELETE', '{operator}'),
	('TABLE bestauth.company', 'SELECT, INSERT, UPDATE', '{operator}'),
	('TABLE bestauth.company_access', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.contact', 'SELECT, INSERT, UPDATE', '{operator}'),
	('TABLE bestauth.decline_reason', 'SELECT, INSERT, UPDATE, DELETE', '{operator}'),
	('TABLE bestauth.digest_use', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.emergency_accesses', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.employee', 'SELECT, INSERT, UPDATE, DELETE', '{operator}'),
	('TABLE bestauth.facility', 'SELECT, INSERT, UPDATE, DELETE', '{operator}'),
	('TABLE bestauth.function_rules', 'SELECT', '{application,operator,auditor}'),
	('TABLE bestauth.health', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.instance', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.isolated_tables', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.locked_users', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.mail_template', 'INSERT, UPDATE, DELETE', '{operator}'),
	('TABLE bestauth.mail_template', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.office', 'SELECT, INSERT, UPDATE', '{operator}'),
	('TABLE bestauth.outbox', 'SELECT', '{operator}'),
	('TABLE bestauth.payer', 'SELECT, INSERT, UPDATE, DELETE', '{operator}'),
	('TABLE bestauth.pending_registrations', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.permission', 'SELECT, INSERT, UPDATE, DELETE', '{operator}'),
	('TABLE bestauth.permission_access', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.portal', 'SELECT, INSERT, UPDATE', '{operator}'),
	('TABLE bestauth.portal_accounts', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.provider', 'SELECT, INSERT, UPDATE, DELETE', '{operator}'),
	('TABLE bestauth.registration', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.role', 'SELECT, INSERT, UPDATE, DELETE', '{operator}'),
	('TABLE bestauth.role_company', 'SELECT, INSERT, UPDATE, DELETE', '{operator}'),
	('TABLE bestauth.role_permission', 'SELECT, INSERT, UPDATE, DELETE', '{operator}'),
	('TABLE bestauth.served_customer', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.served_customer_use', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.served_instance', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.sso_key', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.sso_person', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.sso_signing_key', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.stale_users', 'SELECT', '{operator,auditor}'),
	('TABLE bestauth.user_account', 'SELECT, INSERT, UPDATE', '{operator}'),
	('TABLE bestauth.user_company', 'SELECT, INSERT, UPDATE, DELETE', '{operator}'),
	('TABLE bestauth.user_permission', 'SELECT, INSERT, UPDATE, DELETE', '{operator}'),
	('TABLE bestauth.user_role', 'SELECT, INSERT, UPDATE, DELETE', '{operator}'),
	('TABLE bestauth.user_type_rules', 'SELECT', '{application,operator,auditor}'),
	('TABLE bestauth.user_use', 'SELECT', '{operator,auditor}');

-- Row security on every table: without a policy on what is secret, so that not
-- even pg_read_all_data and pg_write_all_data get at it; elsewhere for the
-- operator and the auditor alone, and only for reading where the grants themselves
-- are kept [L-10].
DO $owner$
DECLARE
	o record;
BEGIN
	FOR o IN
		SELECT c.oid::regclass AS name, c.relname, c.relkind
		FROM pg_class c WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p')
	LOOP
		EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', o.name);
		IF o.relname NOT IN ('authority_channel', 'credential', 'historical_claim', 'instance_open', 'login_counter', 'registration_credential',
							 'security_question', 'session', 'session_channel', 'session_company', 'session_use', 'signup', 'token') THEN
			EXECUTE format('CREATE POLICY auditor ON %s FOR SELECT
				USING ((SELECT bestauth.has_access(''auditor'')))', o.name);
			EXECUTE format('COMMENT ON POLICY auditor ON %s IS %L', o.name, 'The auditor and the operator read it.');
			IF o.relname NOT IN ('access_grant', 'access_rule', 'audit_block', 'audit_fold', 'audit_log', 'digest_use', 'emergency_access', 'instance',
								 'object_rule', 'outbox', 'reference_rule', 'registration') THEN
				EXECUTE format('CREATE POLICY operator ON %s
					USING ((SELECT bestauth.has_access(''operator'')))', o.name);
				EXECUTE format('COMMENT ON POLICY operator ON %s IS %L', o.name, 'The operator, as far as grants go.');
			END IF;
		END IF;
	END LOOP;

	FOR o IN SELECT statement FROM bestauth.granted_privilege
	LOOP
		EXECUTE o.statement;
	END LOOP;

	ALTER SCHEMA bestauth OWNER TO bestauth_owner;
	ALTER TYPE bestauth.login_result OWNER TO bestauth_owner;
	FOR o IN
		SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS kind,
			c.oid::regclass::text AS name
		FROM pg_class c
		WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
		UNION ALL
		SELECT 'FUNCTION', p.oid::regprocedure::text
		FROM pg_proc p WHERE p.pronamespace = 'bestauth'::regnamespace
	LOOP
		EXECUTE format('ALTER %s %s OWNER TO bestauth_owner', o.kind, o.name);
	END LOOP;
END
$owner$;

-- The last statement: what the script made is what health compares with.
INSERT INTO bestauth.object_rule (kind, name, definition)
SELECT kind, name, definition FROM bestauth.object_now;
