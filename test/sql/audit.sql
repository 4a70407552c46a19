-- The audit trail: what is written, by whom, and that nobody changes it.
\set SHOW_CONTEXT never
CREATE SCHEMA audit_test;

CREATE FUNCTION audit_test.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	rule text;
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' ||
		regexp_replace(SQLERRM, 'audit_log_y\d+m\d+', 'audit_log_(month)');
END
$$;

-- One statement of direct SQL: what it came to, and what the audit says of it.
CREATE TABLE audit_test.shown (relation text, operation text, result text, actions text[]);
CREATE FUNCTION audit_test.change(relation text, operation text, statement text)
	RETURNS TABLE (result text, company text, action text, object_id text, old_values text, new_values text)
	LANGUAGE plpgsql AS $$
DECLARE
	mark bigint := (SELECT coalesce(max(a.audit_id), 0) FROM bestauth.audit_log a);
	time text := '\d{4}-\d\d-\d\dT[^"]*';
	came_to text := audit_test.attempt(statement);
BEGIN
	INSERT INTO audit_test.shown
	SELECT relation, operation, came_to,
		ARRAY(SELECT a.action FROM bestauth.audit_log a
			  WHERE a.audit_id > mark AND a.object_type = 'bestauth.' || relation);
	RETURN QUERY
	SELECT came_to, a.company_code, a.action, a.object_id, regexp_replace(a.old_values::text, time, '(time)', 'g'),
		replace(regexp_replace(a.new_values::text, time, '(time)', 'g'), to_json(SESSION_USER)::text, '"(me)"')
	FROM (SELECT) one LEFT JOIN bestauth.audit_log a ON a.audit_id > mark
	ORDER BY a.audit_id;
END
$$;

--
-- [AUD-1] Direct SQL by a superuser leaves a row with the changed columns, in every
-- table, or is refused; nothing is written for a change that changes nothing.
--
\pset format unaligned
\pset tuples_only on
\set c1 '00000000-0000-7000-8000-0000000000c1'
\set c2 '00000000-0000-7000-8000-0000000000c2'
\set c3 '00000000-0000-7000-8000-0000000000c3'
\set u1 '00000000-0000-7000-8000-0000000000a1'
\set k1 '00000000-0000-7000-8000-0000000000a2'
\set p1 '00000000-0000-7000-8000-0000000000a3'
\set r1 '00000000-0000-7000-8000-0000000000e1'
\set o1 '00000000-0000-7000-8000-0000000000d1'
\set o2 '00000000-0000-7000-8000-0000000000d2'
\set f1 '00000000-0000-7000-8000-0000000000d9'
\set x1 '00000000-0000-7000-8000-0000000000f1'
\set x2 '00000000-0000-7000-8000-0000000000f2'
\set x3 '00000000-0000-7000-8000-0000000000f3'
\set x4 '00000000-0000-7000-8000-0000000000f4'
BEGIN;
SET LOCAL client_min_messages = warning;

SELECT * FROM audit_test.change('company', 'INSERT', format('INSERT INTO bestauth.company (company_id, code, name) VALUES (%L, ''audit-direct'', ''Direct'')', :'c1'));
SELECT * FROM audit_test.change('company', 'INSERT', format('INSERT INTO bestauth.company (company_id, code, name, parent_id) VALUES (%L, ''audit-child'', ''Child'', %L)', :'c2', :'c1'));
SELECT * FROM audit_test.change('company', 'INSERT', format('INSERT INTO bestauth.company (company_id, code, name) VALUES (%L, ''audit-service'', ''Service'')', :'c3'));
SELECT * FROM audit_test.change('company', 'UPDATE', format('UPDATE bestauth.company SET name = ''Direct Ltd.'', parent_id = NULL WHERE company_id = %L', :'c1'));
SELECT * FROM audit_test.change('company', 'DELETE', format('DELETE FROM bestauth.company WHERE company_id = %L', :'c1'));
SELECT * FROM audit_test.change('company', 'TRUNCATE', 'TRUNCATE bestauth.company CASCADE');

SELECT * FROM audit_test.change('billing_service', 'INSERT', format('INSERT INTO bestauth.billing_service (company_id) VALUES (%L)', :'c3'));
SELECT * FROM audit_test.change('billing_service', 'UPDATE', format('UPDATE bestauth.billing_service SET registered_at = clock_timestamp() WHERE company_id = %L', :'c3'));
SELECT * FROM audit_test.change('billing_service', 'DELETE', format('DELETE FROM bestauth.billing_service WHERE company_id = %L', :'c3'));
SELECT * FROM audit_test.change('billing_service', 'TRUNCATE', 'TRUNCATE bestauth.billing_service CASCADE');

SELECT * FROM audit_test.change('user_account', 'INSERT', format('INSERT INTO bestauth.user_account (user_id, company_id, username, user_type, first_name, last_name, email) VALUES (%L, %L, ''una'', ''standard'', ''Una'', ''User'', ''una@audit.example'')', :'u1', :'c1'));
SELECT * FROM audit_test.change('user_account', 'INSERT', format('INSERT INTO bestauth.user_account (user_id, company_id, username, user_type, last_name, billing_service_id) VALUES (%L, %L, ''key'', ''billing'', ''Key'', %L)', :'k1', :'c1', :'c3'));
SELECT * FROM audit_test.change('user_account', 'INSERT', format('INSERT INTO bestauth.user_account (user_id, company_id, username, user_type, first_name, last_name, email) VALUES (%L, %L, ''pam'', ''restricted'', ''Pam'', ''Person'', ''pam@audit.example'')', :'p1', :'c3'));
SELECT * FROM audit_test.change('user_account', 'UPDATE', format('UPDATE bestauth.user_account SET last_name = ''Usher'', locked_at = clock_timestamp() WHERE user_id = %L', :'u1'));
SELECT * FROM audit_test.change('user_account', 'DELETE', format('DELETE FROM bestauth.user_account WHERE user_id = %L', :'u1'));
SELECT * FROM audit_test.change('user_account', 'TRUNCATE', 'TRUNCATE bestauth.user_account CASCADE');

SELECT * FROM audit_test.change('billing_user_person', 'INSERT', format('INSERT INTO bestauth.billing_user_person (company_id, user_id, person_id) VALUES (%L, %L, %L)', :'c1', :'k1', :'p1'));
SELECT * FROM audit_test.change('billing_user_person', 'UPDATE', format('UPDATE bestauth.billing_user_person SET created_at = created_at + interval ''1 hour'' WHERE user_id = %L', :'k1'));
SELECT * FROM audit_test.change('billing_user_person', 'DELETE', format('DELETE FROM bestauth.billing_user_person WHERE user_id = %L', :'k1'));
SELECT * FROM audit_test.change('billing_user_person', 'TRUNCATE', 'TRUNCATE bestauth.billing_user_person');

-- [AUD-2] [J-12] Of a hash the row says only that it is another one.
SELECT * FROM audit_test.change('credential', 'INSERT', format('INSERT INTO bestauth.credential (user_id, password_hash) VALUES (%L, ''canaryhash1'')', :'u1'));
SELECT * FROM audit_test.change('credential', 'UPDATE', format('UPDATE bestauth.credential SET password_hash = ''canaryhash2'' WHERE user_id = %L', :'u1'));
SELECT * FROM audit_test.change('credential', 'UPDATE', format('UPDATE bestauth.credential SET password_hash = NULL WHERE user_id = %L', :'u1'));
SELECT * FROM audit_test.change('credential', 'UPDATE', format('UPDATE bestauth.credential SET must_change = true WHERE user_id = %L', :'u1'));
SELECT * FROM audit_test.change('credential', 'DELETE', format('DELETE FROM bestauth.credential WHERE user_id = %L', :'u1'));
SELECT * FROM audit_test.change('credential', 'TRUNCATE', 'TRUNCATE bestauth.credential');

SELECT * FROM audit_test.change('security_question', 'INSERT', format('INSERT INTO bestauth.security_question (user_id, questions, answers_hash) VALUES (%L, ''{First pet?}'', ''canaryhash7'')', :'u1'));
SELECT * FROM audit_test.change('security_question', 'UPDATE', format('UPDATE bestauth.security_question SET answers_hash = ''canaryhash8'' WHERE user_id = %L', :'u1'));
SELECT * FROM audit_test.change('security_question', 'DELETE', format('DELETE FROM bestauth.security_question WHERE user_id = %L', :'u1'));
SELECT * FROM audit_test.change('security_question', 'TRUNCATE', 'TRUNCATE bestauth.security_question');
SELECT * FROM audit_test.change('blocked_password', 'INSERT', 'INSERT INTO bestauth.blocked_password (word) VALUES (''Audit Clinic!'')');
SELECT * FROM audit_test.change('blocked_password', 'UPDATE', 'UPDATE bestauth.blocked_password SET word = ''auditclinics'' WHERE word = ''auditclinic''');
SELECT * FROM audit_test.change('blocked_password', 'DELETE', 'DELETE FROM bestauth.blocked_password WHERE word = ''auditclinics''');
SELECT * FROM audit_test.change('blocked_password', 'TRUNCATE', 'TRUNCATE bestauth.blocked_password');

SELECT * FROM audit_test.change('permission', 'INSERT', 'INSERT INTO bestauth.permission (name, title) VALUES (''audit.test'', ''A test'')');
SELECT * FROM audit_test.change('permission', 'UPDATE', 'UPDATE bestauth.permission SET title = ''The test'' WHERE name = ''audit.test''');

SELECT * FROM audit_test.change('role', 'INSERT', format('INSERT INTO bestauth.role (role_id, company_id, name) VALUES (%L, %L, ''Front desk'')', :'r1', :'c1'));
SELECT * FROM audit_test.change('role', 'UPDATE', format('UPDATE bestauth.role SET name = ''Back office'' WHERE role_id = %L', :'r1'));
SELECT * FROM audit_test.change('role_permission', 'INSERT', format('INSERT INTO bestauth.role_permission (company_id, role_id, permission) VALUES (%L, %L, ''audit.test'')', :'c1', :'r1'));
SELECT * FROM audit_test.change('role_permission', 'UPDATE', format('UPDATE bestauth.role_permission SET permission = ''claims'' WHERE role_id = %L', :'r1'));
SELECT * FROM audit_test.change('role_permission', 'DELETE', format('DELETE FROM bestauth.role_permission WHERE role_id = %L', :'r1'));
SELECT * FROM audit_test.change('role_permission', 'TRUNCATE', 'TRUNCATE bestauth.role_permission');
SELECT * FROM audit_test.change('role_company', 'INSERT', format('INSERT INTO bestauth.role_company (company_id, role_id, child_id) VALUES (%L, %L, %L)', :'c1', :'r1', :'c2'));
SELECT * FROM audit_test.change('role_company', 'UPDATE', format('UPDATE bestauth.role_company SET created_at = created_at + interval ''1 hour'' WHERE role_id = %L', :'r1'));
SELECT * FROM audit_test.change('role_company', 'DELETE', format('DELETE FROM bestauth.role_company WHERE role_id = %L', :'r1'));
SELECT * FROM audit_test.change('role_company', 'TRUNCATE', 'TRUNCATE bestauth.role_company');
SELECT * FROM audit_test.change('user_company', 'INSERT', format('INSERT INTO bestauth.user_company (company_id, user_id, child_id) VALUES (%L, %L, %L)', :'c1', :'u1', :'c2'));
SELECT * FROM audit_test.change('user_company', 'UPDATE', format('UPDATE bestauth.user_company SET user_id = %L WHERE child_id = %L', :'k1', :'c2'));
SELECT * FROM audit_test.change('user_company', 'DELETE', format('DELETE FROM bestauth.user_company WHERE child_id = %L', :'c2'));
SELECT * FROM audit_test.change('user_company', 'TRUNCATE', 'TRUNCATE bestauth.user_company');
SELECT * FROM audit_test.change('user_role', 'INSERT', format('INSERT INTO bestauth.user_role (company_id, user_id, role_id) VALUES (%L, %L, %L)', :'c1', :'u1', :'r1'));
SELECT * FROM audit_test.change('user_role', 'UPDATE', format('UPDATE bestauth.user_role SET user_id = %L WHERE role_id = %L', :'k1', :'r1'));
SELECT * FROM audit_test.change('user_role', 'DELETE', format('DELETE FROM bestauth.user_role WHERE role_id = %L', :'r1'));
SELECT * FROM audit_test.change('user_role', 'TRUNCATE', 'TRUNCATE bestauth.user_role');
SELECT * FROM audit_test.change('user_permission', 'INSERT', format('INSERT INTO bestauth.user_permission (company_id, user_id, permission) VALUES (%L, %L, ''audit.test'')', :'c1', :'u1'));
SELECT * FROM audit_test.change('user_permission', 'UPDATE', format('UPDATE bestauth.user_permission SET permission = ''claims'' WHERE user_id = %L', :'u1'));
SELECT * FROM audit_test.change('user_permission', 'DELETE', format('DELETE FROM bestauth.user_permission WHERE user_id = %L', :'u1'));
SELECT * FROM audit_test.change('user_permission', 'TRUNCATE', 'TRUNCATE bestauth.user_permission');
SELECT * FROM audit_test.change('role', 'DELETE', format('DELETE FROM bestauth.role WHERE role_id = %L', :'r1'));
SELECT * FROM audit_test.change('role', 'TRUNCATE', 'TRUNCATE bestauth.role CASCADE');
SELECT * FROM audit_test.change('permission', 'DELETE', 'DELETE FROM bestauth.permission WHERE name = ''audit.test''');
SELECT * FROM audit_test.change('permission', 'TRUNCATE', 'TRUNCATE bestauth.permission CASCADE');

SELECT * FROM audit_test.change('session', 'INSERT', format('INSERT INTO bestauth.session (session_id, token_hash, user_id, person_id, company_id, user_version, person_version, expires_at) VALUES (%L, ''canaryhash3'', %L, %L, %L, 1, 1, now())', :'x1', :'u1', :'u1', :'c1'));
SELECT * FROM audit_test.change('session', 'UPDATE', format('UPDATE bestauth.session SET token_hash = ''canaryhash4'', ended_at = now() WHERE session_id = %L', :'x1'));
SELECT * FROM audit_test.change('session', 'DELETE', format('DELETE FROM bestauth.session WHERE session_id = %L', :'x1'));
SELECT * FROM audit_test.change('session', 'TRUNCATE', 'TRUNCATE bestauth.session');

SELECT * FROM audit_test.change('token', 'INSERT', format('INSERT INTO bestauth.token (token_id, token_hash, purpose, user_id, user_version, expires_at) VALUES (%L, ''canaryhash5'', ''password_setup'', %L, 1, now())', :'x1', :'u1'));
SELECT * FROM audit_test.change('token', 'UPDATE', format('UPDATE bestauth.token SET token_hash = ''canaryhash6'', used_at = now() WHERE token_id = %L', :'x1'));
SELECT * FROM audit_test.change('token', 'DELETE', format('DELETE FROM bestauth.token WHERE token_id = %L', :'x1'));
SELECT * FROM audit_test.change('token', 'TRUNCATE', 'TRUNCATE bestauth.token');

SELECT * FROM audit_test.change('portal', 'INSERT', format('INSERT INTO bestauth.portal (portal_id, company_id, code, kind, name) VALUES (%L, %L, ''patients'', ''client'', ''Patients'')', :'o1', :'c1'));
SELECT * FROM audit_test.change('portal', 'UPDATE', format('UPDATE bestauth.portal SET url = ''https://patients.example/'' WHERE portal_id = %L', :'o1'));
SELECT * FROM audit_test.change('portal', 'DELETE', format('DELETE FROM bestauth.portal WHERE portal_id = %L', :'o1'));
SELECT * FROM audit_test.change('portal', 'TRUNCATE', 'TRUNCATE bestauth.portal CASCADE');

SELECT * FROM audit_test.change('contact', 'INSERT', format('INSERT INTO bestauth.contact (contact_id, company_id, contact_type, first_name, last_name) VALUES (%L, %L, ''client'', ''Con'', ''Tact'')', :'x1', :'c1'));
SELECT * FROM audit_test.change('contact', 'UPDATE', format('UPDATE bestauth.contact SET email = ''con@audit.example'' WHERE contact_id = %L', :'x1'));
SELECT * FROM audit_test.change('contact', 'DELETE', format('DELETE FROM bestauth.contact WHERE contact_id = %L', :'x1'));
SELECT * FROM audit_test.change('contact', 'TRUNCATE', 'TRUNCATE bestauth.contact CASCADE');
SELECT * FROM audit_test.change('payer', 'INSERT', format('INSERT INTO bestauth.payer (payer_id, company_id, name, details) VALUES (%L, %L, ''Direct payer'', ''{"a": 1}'')', :'x1', :'c1'));
SELECT * FROM audit_test.change('payer', 'UPDATE', format('UPDATE bestauth.payer SET details = ''{"b": [2]}'' WHERE payer_id = %L', :'x1'));
SELECT * FROM audit_test.change('payer', 'DELETE', format('DELETE FROM bestauth.payer WHERE payer_id = %L', :'x1'));
SELECT * FROM audit_test.change('payer', 'TRUNCATE', 'TRUNCATE bestauth.payer');
SELECT * FROM audit_test.change('facility', 'INSERT', format('INSERT INTO bestauth.facility (facility_id, company_id, name, details) VALUES (%L, %L, ''Direct facility'', ''{"a": 1}'')', :'x1', :'c1'));
SELECT * FROM audit_test.change('facility', 'UPDATE', format('UPDATE bestauth.facility SET details = ''{"b": [2]}'' WHERE facility_id = %L', :'x1'));
SELECT * FROM audit_test.change('facility', 'DELETE', format('DELETE FROM bestauth.facility WHERE facility_id = %L', :'x1'));
SELECT * FROM audit_test.change('facility', 'TRUNCATE', 'TRUNCATE bestauth.facility');
SELECT * FROM audit_test.change('historical_claim', 'INSERT', format('INSERT INTO bestauth.historical_claim (company_id, office_identifier, npi, claim_number, service_date) VALUES (%L, ''11-3437602'', ''1234567893'', ''canaryclaim1'', ''2021-01-05'')', :'c1'));
SELECT * FROM audit_test.change('historical_claim', 'UPDATE', format('UPDATE bestauth.historical_claim SET claim_number = ''canaryclaim2'' WHERE company_id = %L', :'c1'));
SELECT * FROM audit_test.change('historical_claim', 'DELETE', format('DELETE FROM bestauth.historical_claim WHERE company_id = %L', :'c1'));
SELECT * FROM audit_test.change('historical_claim', 'TRUNCATE', 'TRUNCATE bestauth.historical_claim');

SELECT * FROM audit_test.change('signup', 'INSERT', format('INSERT INTO bestauth.signup (signup_id, company_id, portal_id, email, first_name, last_name, password_hash, expires_at) VALUES (%L, %L, %L, ''sig@audit.example'', ''Sig'', ''Nup'', ''canaryhash7'', now())', :'x1', :'c1', :'o1'));
SELECT * FROM audit_test.change('signup', 'UPDATE', format('UPDATE bestauth.signup SET password_hash = ''canaryhash8'', first_name = ''Sigi'' WHERE signup_id = %L', :'x1'));
SELECT * FROM audit_test.change('signup', 'DELETE', format('DELETE FROM bestauth.signup WHERE signup_id = %L', :'x1'));
SELECT * FROM audit_test.change('signup', 'TRUNCATE', 'TRUNCATE bestauth.signup CASCADE');

INSERT INTO bestauth.portal (portal_id, company_id, code, kind, name) VALUES (:'o2', :'c1', 'docs', 'provider', 'Docs');
SELECT * FROM audit_test.change('office', 'INSERT', format('INSERT INTO bestauth.office (office_id, company_id, portal_id, identifier, name) VALUES (%L, %L, %L, ''11-3437602'', ''Office'')', :'x1', :'c1', :'o2'));
SELECT * FROM audit_test.change('office', 'UPDATE', format('UPDATE bestauth.office SET account_type = ''Clinic'' WHERE office_id = %L', :'x1'));
SELECT * FROM audit_test.change('office', 'DELETE', format('DELETE FROM bestauth.office WHERE office_id = %L', :'x1'));
SELECT * FROM audit_test.change('office', 'TRUNCATE', 'TRUNCATE bestauth.office CASCADE');

SELECT * FROM audit_test.change('provider', 'INSERT', format('INSERT INTO bestauth.provider (provider_id, company_id, office_id, npi, first_name, last_name, birth_date) VALUES (%L, %L, %L, ''1234567893'', ''Pro'', ''Vider'', ''1970-02-03'')', :'x2', :'c1', :'x1'));
SELECT * FROM audit_test.change('provider', 'UPDATE', format('UPDATE bestauth.provider SET birth_date = ''1971-03-04'' WHERE provider_id = %L', :'x2'));
SELECT * FROM audit_test.change('provider', 'DELETE', format('DELETE FROM bestauth.provider WHERE provider_id = %L', :'x2'));
SELECT * FROM audit_test.change('provider', 'TRUNCATE', 'TRUNCATE bestauth.provider CASCADE');

SELECT * FROM audit_test.change('employee', 'INSERT', format('INSERT INTO bestauth.employee (employee_id, company_id, office_id, provider_type, first_name, last_name) VALUES (%L, %L, %L, ''desk'', ''Em'', ''Ployee'')', :'x3', :'c1', :'x1'));
SELECT * FROM audit_test.change('employee', 'UPDATE', format('UPDATE bestauth.employee SET title = ''Dr.'' WHERE employee_id = %L', :'x3'));
SELECT * FROM audit_test.change('employee', 'DELETE', format('DELETE FROM bestauth.employee WHERE employee_id = %L', :'x3'));
SELECT * FROM audit_test.change('employee', 'TRUNCATE', 'TRUNCATE bestauth.employee CASCADE');

SELECT * FROM audit_test.change('decline_reason', 'INSERT', 'INSERT INTO bestauth.decline_reason (reason) VALUES (''For a test'')');
SELECT * FROM audit_test.change('decline_reason', 'UPDATE', 'UPDATE bestauth.decline_reason SET position = 7 WHERE reason = ''For a test''');
SELECT * FROM audit_test.change('registration', 'INSERT', format('INSERT INTO bestauth.registration (registration_id, company_id, portal_id, office_id, status, level, identifier, identifier_qualifier, email, role, username, first_name, last_name) VALUES (%L, %L, %L, %L, ''PENDING-PROV-ADMIN-REVIEW'', ''tin'', ''11-3437602'', ''24'', ''req@audit.example'', ''Provider - Portal User'', ''req'', ''Re'', ''Quest'')', :'x4', :'c1', :'o2', :'x1'));
SELECT * FROM audit_test.change('registration_credential', 'INSERT', format('INSERT INTO bestauth.registration_credential (registration_id, password_hash) VALUES (%L, ''canaryhash9'')', :'x4'));
SELECT * FROM audit_test.change('registration_credential', 'UPDATE', format('UPDATE bestauth.registration_credential SET password_hash = ''canaryhash0'' WHERE registration_id = %L', :'x4'));
SELECT * FROM audit_test.change('registration_credential', 'DELETE', format('DELETE FROM bestauth.registration_credential WHERE registration_id = %L', :'x4'));
SELECT * FROM audit_test.change('registration_credential', 'TRUNCATE', 'TRUNCATE bestauth.registration_credential CASCADE');
SELECT * FROM audit_test.change('registration', 'UPDATE', format('UPDATE bestauth.registration SET status = ''DECLINED'', reason = ''For a test'' WHERE registration_id = %L', :'x4'));
SELECT * FROM audit_test.change('registration', 'DELETE', format('DELETE FROM bestauth.registration WHERE registration_id = %L', :'x4'));
SELECT * FROM audit_test.change('registration', 'TRUNCATE', 'TRUNCATE bestauth.registration CASCADE');
SELECT * FROM audit_test.change('decline_reason', 'DELETE', 'DELETE FROM bestauth.decline_reason WHERE reason = ''For a test''');
SELECT * FROM audit_test.change('decline_reason', 'TRUNCATE', 'TRUNCATE bestauth.decline_reason CASCADE');

SELECT * FROM audit_test.change('mail_template', 'INSERT', format('INSERT INTO bestauth.mail_template (template_id, kind, company_id, subject, body) VALUES (%L, ''password_setup'', %L, ''Own'', ''{{link}}'')', :'x1', :'c1'));
SELECT * FROM audit_test.change('mail_template', 'UPDATE', format('UPDATE bestauth.mail_template SET subject = ''Changed'' WHERE company_id = %L', :'c1'));
SELECT * FROM audit_test.change('mail_template', 'DELETE', format('DELETE FROM bestauth.mail_template WHERE company_id = %L', :'c1'));
SELECT * FROM audit_test.change('mail_template', 'TRUNCATE', 'TRUNCATE bestauth.mail_template');

SELECT * FROM audit_test.change('outbox', 'INSERT', format('INSERT INTO bestauth.outbox (message_id, kind, recipient, user_id, company_id) VALUES (%L, ''password_setup'', ''una@audit.example'', %L, %L)', :'x1', :'u1', :'c1'));
SELECT * FROM audit_test.change('outbox', 'UPDATE', format('UPDATE bestauth.outbox SET sent_at = now(), attempts = 7 WHERE message_id = %L', :'x1'));
SELECT * FROM audit_test.change('outbox', 'DELETE', format('DELETE FROM bestauth.outbox WHERE message_id = %L', :'x1'));
SELECT * FROM audit_test.change('outbox', 'TRUNCATE', 'TRUNCATE bestauth.outbox');

SELECT * FROM audit_test.change('emergency_access', 'INSERT', format('INSERT INTO bestauth.emergency_access (emergency_id, company_id, user_id, person_id, session_id, reason, expires_at) VALUES (%1$L, %2$L, %3$L, %3$L, %1$L, ''no heartbeat in room 4'', now() + interval ''1 hour'')', :'x1', :'c1', :'u1'));
SELECT * FROM audit_test.change('emergency_access', 'UPDATE', format('UPDATE bestauth.emergency_access SET ended_at = now(), ended_by = ''user'' WHERE emergency_id = %L', :'x1'));
SELECT * FROM audit_test.change('emergency_access', 'DELETE', format('DELETE FROM bestauth.emergency_access WHERE emergency_id = %L', :'x1'));
SELECT * FROM audit_test.change('emergency_access', 'TRUNCATE', 'TRUNCATE bestauth.emergency_access');

SELECT * FROM audit_test.change('served_instance', 'INSERT', format('INSERT INTO bestauth.served_instance (company_id, instance, made_at) VALUES (%L, ''there'', now())', :'c3'));
SELECT * FROM audit_test.change('served_instance', 'UPDATE', format('UPDATE bestauth.served_instance SET made_at = now() + interval ''1 minute'' WHERE company_id = %L', :'c3'));
SELECT * FROM audit_test.change('served_instance', 'DELETE', format('DELETE FROM bestauth.served_instance WHERE company_id = %L', :'c3'));
SELECT * FROM audit_test.change('served_instance', 'TRUNCATE', 'TRUNCATE bestauth.served_instance');
SELECT * FROM audit_test.change('served_customer', 'INSERT', format('INSERT INTO bestauth.served_customer (company_id, audience, name, username, permissions) VALUES (%L, ''there/far'', ''Far'', ''key'', ''{claims}'')', :'c3'));
SELECT * FROM audit_test.change('served_customer', 'UPDATE', format('UPDATE bestauth.served_customer SET permissions = ''{}'', persons = ''{ann}'' WHERE company_id = %L', :'c3'));
SELECT * FROM audit_test.change('served_customer', 'DELETE', format('DELETE FROM bestauth.served_customer WHERE company_id = %L', :'c3'));
SELECT * FROM audit_test.change('served_customer', 'TRUNCATE', 'TRUNCATE bestauth.served_customer');

SELECT * FROM audit_test.change('sso_key', 'INSERT', format('INSERT INTO bestauth.sso_key (company_id, kid, issuer, alg, public_key) VALUES (%L, ''k'', ''https://audit.example'', ''ES256'', ''{"kty": "EC"}'')', :'c3'));
SELECT * FROM audit_test.change('sso_key', 'UPDATE', 'UPDATE bestauth.sso_key SET claims = ''{"audience": "a"}'' WHERE kid = ''k''');
SELECT * FROM audit_test.change('sso_key', 'UPDATE', 'UPDATE bestauth.sso_key SET issuer = ''https://other.example'' WHERE kid = ''k''');
-- An assertion alone makes such a user: here the rule is put aside.
SET LOCAL client_min_messages = error;
ALTER TABLE bestauth.user_account DISABLE TRIGGER rule;
INSERT INTO bestauth.user_account (user_id, company_id, username, user_type) VALUES (:'f1', :'c3', 'fred', 'federated');
ALTER TABLE bestauth.user_account ENABLE ALWAYS TRIGGER rule;
SET LOCAL client_min_messages = warning;
SELECT * FROM audit_test.change('sso_person', 'INSERT', format('INSERT INTO bestauth.sso_person (user_id, company_id, issuer, subject) VALUES (%L, %L, ''https://audit.example'', ''s'')', :'f1', :'c3'));
SELECT * FROM audit_test.change('sso_person', 'UPDATE', format('UPDATE bestauth.sso_person SET subject = ''t'' WHERE user_id = %L', :'f1'));
SELECT * FROM audit_test.change('sso_person', 'DELETE', format('DELETE FROM bestauth.sso_person WHERE user_id = %L', :'f1'));
SELECT * FROM audit_test.change('sso_person', 'TRUNCATE', 'TRUNCATE bestauth.sso_person');
-- The sessions of the issuer's people end with the key.
SELECT * FROM audit_test.change('sso_key', 'DELETE', 'DELETE FROM bestauth.sso_key WHERE kid = ''k''');
SELECT * FROM audit_test.change('sso_key', 'TRUNCATE', 'TRUNCATE bestauth.sso_key');
SELECT * FROM audit_test.change('sso_signing_key', 'INSERT', format('INSERT INTO bestauth.sso_signing_key (kid, company_id, public_key) VALUES (''k'', %L, ''{"kty": "EC"}'')', :'c3'));
SELECT * FROM audit_test.change('sso_signing_key', 'UPDATE', 'UPDATE bestauth.sso_signing_key SET revoked_at = now() WHERE kid = ''k''');
SELECT * FROM audit_test.change('sso_signing_key', 'DELETE', 'DELETE FROM bestauth.sso_signing_key WHERE kid = ''k''');
SELECT * FROM audit_test.change('sso_signing_key', 'TRUNCATE', 'TRUNCATE bestauth.sso_signing_key');

SELECT * FROM audit_test.change('access_grant', 'INSERT', 'INSERT INTO bestauth.access_grant (role_name, role_id, system_id, access) VALUES (''audit_nobody'', 1, 1, ''mailer'')');
SELECT * FROM audit_test.change('access_grant', 'UPDATE', 'UPDATE bestauth.access_grant SET access = ''operator'' WHERE role_name = ''audit_nobody''');
SELECT * FROM audit_test.change('access_grant', 'DELETE', 'DELETE FROM bestauth.access_grant WHERE role_name = ''audit_nobody''');
SELECT * FROM audit_test.change('access_grant', 'TRUNCATE', 'TRUNCATE bestauth.access_grant');

SELECT * FROM audit_test.change('instance', 'INSERT', 'INSERT INTO bestauth.instance (name) VALUES (''another'')');
SELECT * FROM audit_test.change('instance', 'UPDATE', 'UPDATE bestauth.instance SET name = ''renamed''');
SELECT * FROM audit_test.change('instance', 'DELETE', 'DELETE FROM bestauth.instance');
SELECT * FROM audit_test.change('instance', 'TRUNCATE', 'TRUNCATE bestauth.instance');
SELECT * FROM audit_test.change('instance_open', 'INSERT', 'INSERT INTO bestauth.instance_open (system_id, database) VALUES (1, 1)');
SELECT * FROM audit_test.change('instance_open', 'UPDATE', 'UPDATE bestauth.instance_open SET database = 2 WHERE system_id = 1');
SELECT * FROM audit_test.change('instance_open', 'DELETE', 'DELETE FROM bestauth.instance_open WHERE system_id = 1');
SELECT * FROM audit_test.change('instance_open', 'TRUNCATE', 'TRUNCATE bestauth.instance_open');

-- By whatever statement, and whatever the session's replication role is.
SELECT * FROM audit_test.change('company', 'UPDATE', format('MERGE INTO bestauth.company c USING (SELECT) s ON c.company_id = %L WHEN MATCHED THEN UPDATE SET name = ''Merged''', :'c1'));
SELECT * FROM audit_test.change('company', 'INSERT', format('INSERT INTO bestauth.company (company_id, code, name) VALUES (%L, ''audit-direct'', ''x'') ON CONFLICT (company_id) DO UPDATE SET name = ''Upserted''', :'c1'));
SET LOCAL session_replication_role = replica;
SELECT * FROM audit_test.change('company', 'UPDATE', format('UPDATE bestauth.company SET name = ''Replicated'' WHERE company_id = %L', :'c1'));
SELECT * FROM audit_test.change('company', 'DELETE', format('DELETE FROM bestauth.company WHERE company_id = %L', :'c1'));
SELECT * FROM audit_test.change('user_permission', 'TRUNCATE', 'TRUNCATE bestauth.user_permission');
SET LOCAL session_replication_role = origin;

-- A change that changes nothing is no change: every column set to itself, in every table.
SELECT count(*) AS mark FROM bestauth.audit_log \gset
SELECT audit_test.attempt(format('UPDATE %s SET %s', c.oid::regclass,
		(SELECT string_agg(format('%1$I = %1$I', a.attname), ', ') FROM pg_attribute a
		 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))) AS result, count(*) > 10 AS tables
FROM pg_class c
WHERE c.relnamespace = 'bestauth'::regnamespace
	AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'audit_update')
GROUP BY result;
SELECT count(*) - :mark AS rows_written FROM bestauth.audit_log;

-- Every table that is audited was shown above, with every kind of statement; what
-- was done left a row, and the rest was refused.
SELECT c.relname, o.operation AS not_shown
FROM pg_class c CROSS JOIN unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) AS o (operation)
WHERE c.relnamespace = 'bestauth'::regnamespace
	AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'audit_update')
	AND NOT EXISTS (SELECT FROM audit_test.shown s WHERE s.relation = c.relname AND s.operation = o.operation) ORDER BY 1, 2;
SELECT * FROM audit_test.shown s
WHERE result = 'done' AND NOT (CASE operation WHEN 'INSERT' THEN 'row.inserted' WHEN 'UPDATE' THEN 'row.updated'
		WHEN 'DELETE' THEN 'row.deleted' ELSE 'table.truncated' END = ANY (actions)
	OR (operation = 'INSERT' AND 'row.updated' = ANY (actions)));
SELECT operation, count(*) FROM audit_test.shown WHERE result <> 'done' GROUP BY operation ORDER BY operation;
ROLLBACK;

-- The triggers of every table, all of them firing always; who has none is bookkeeping.
SELECT c.relname AS not_audited FROM pg_class c
WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
	AND 6 > (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled = 'A'
			 AND t.tgname IN ('rule', 'audit_insert', 'audit_update', 'audit_delete', 'audit_truncate', 'guard'))
ORDER BY c.relname;
SELECT c.relname, t.tgname, t.tgenabled FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid
WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind <> 'v' AND NOT t.tgisinternal AND t.tgenabled <> 'A';
SELECT count(*) AS partitions_without_guard FROM pg_inherits i
WHERE i.inhparent = 'bestauth.audit_log'::regclass
	AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = i.inhrelid AND t.tgname = 'guard' AND t.tgenabled = 'A');
SELECT count(*) > 1 AS partitions FROM pg_inherits i WHERE i.inhparent = 'bestauth.audit_log'::regclass;
\pset format aligned
\pset tuples_only off

--
-- [AUD-2] Who, where, when, what: of a session that came in two parts.
--
SET client_min_messages = warning;
CREATE ROLE regress_audit_app IN ROLE pg_read_server_files;
CREATE ROLE regress_audit_operator IN ROLE pg_read_server_files;
CREATE ROLE regress_audit_auditor IN ROLE pg_read_server_files;
CREATE ROLE regress_audit_writer IN ROLE pg_read_server_files, pg_write_all_data;
RESET client_min_messages;
GRANT USAGE ON SCHEMA audit_test TO PUBLIC;
DO $$
BEGIN
	PERFORM bestauth.grant_access('regress_audit_app', 'application');
	PERFORM bestauth.grant_access('regress_audit_operator', 'operator');
	PERFORM bestauth.grant_access('regress_audit_auditor', 'auditor');
	PERFORM bestauth.create_company('audit-svc', 'Audit Billing');
	PERFORM bestauth.register_billing_service('audit-svc');
	PERFORM bestauth.create_user('pat', 'restricted', 'Pat', 'Person', 'pat@audit.example', 'xcanaryx of pat', company => 'audit-svc');
	PERFORM bestauth.create_company('audit-clinic', 'Audit Clinic');
	PERFORM bestauth.create_user('billkey', 'billing', NULL, 'Bills', password => 'xcanaryx of billkey',
		billing_service => 'audit-svc', permissions => '{manage_users,claims}', company => 'audit-clinic');
	PERFORM bestauth.create_user('cora', 'standard', 'Cora', 'Clerk', 'cora@audit.example', 'xcanaryx of cora', company => 'audit-clinic');
END
$$;
SELECT max(audit_id) AS mark, clock_timestamp() AS begun FROM bestauth.audit_log \gset
SET SESSION AUTHORIZATION regress_audit_app;
SET application_name = 'audit test';
SELECT * FROM bestauth.login('audit-clinic', 'billkey', 'xcanaryx of billkey', client_addr => '203.0.113.7') \gset x_
SELECT * FROM bestauth.login_second_part(:'x_challenge_token', 'pat', 'xcanaryx of pat', client_addr => '203.0.113.8') \gset y_
BEGIN;
SELECT * FROM bestauth.use_session(:'y_session_token') \gset y_
SELECT bestauth.create_user('newone', 'standard', 'New', 'One', 'new@audit.example', 'xcanaryx of new', permissions => '{claims}') AS newone \gset
SELECT pg_current_xact_id() AS xact, now() AS begun_xact \gset y_
COMMIT;
SELECT bestauth.logout(:'y_session_token');
RESET application_name;
RESET SESSION AUTHORIZATION;

SELECT action, outcome, company_code, username, person, billing_service_code AS service, session_id = :'y_session_id' AS session,
	client_addr, object_type, replace(object_id, :'y_session_id', '(session)') AS object_id
FROM bestauth.audit_log WHERE audit_id > :mark AND action !~ '^(row|user)\.' ORDER BY audit_id;
SELECT action, object_type, object_id = :'newone' AS by_id, object_id = 'newone' AS by_name, new_values - '{created_at,changed_at,user_id,company_id}'::text[] AS new_values, detail
FROM bestauth.audit_log WHERE transaction_id = :'y_xact' ORDER BY audit_id;
SELECT count(*), company_id = :'y_company_id' AS company, company_code, user_id = :'y_user_id' AS "user", username,
	person_id = :'y_person_id' AS person_id, person, billing_service_code, session_id = :'y_session_id' AS session,
	db_role, client_addr, application_name, outcome,
	transaction_at = :'y_begun_xact' AS begun, occurred_at BETWEEN transaction_at AND clock_timestamp() AND transaction_at > :'begun' AS at,
	system_id = (SELECT system_identifier FROM pg_control_system()) AS system
FROM bestauth.audit_log WHERE transaction_id = :'y_xact'
GROUP BY company_id, company_code, user_id, username, person_id, person, billing_service_code, session_id, db_role, client_addr,
	application_name, outcome, begun, at, system;
SELECT s.code FROM bestauth.audit_log a JOIN bestauth.company s ON s.company_id = a.billing_service_id
WHERE transaction_id = :'y_xact' AND action = 'user.created';

-- Without a session: the role, and the company of the row.
SELECT bestauth.create_company('audit-other', 'Other') AS other \gset
SELECT company_code, company_id = :'other' AS company, user_id, person_id, session_id, db_role = session_user AS db_role
FROM bestauth.audit_log ORDER BY audit_id DESC LIMIT 2;

-- Every column is filled somewhere (peer_addr takes a network, emergency_id an emergency).
SELECT a.attname AS never_filled FROM pg_attribute a
WHERE a.attrelid = 'bestauth.audit_log'::regclass AND a.attnum > 0 AND NOT a.attisdropped
	AND a.attname NOT IN ('peer_addr', 'row_hash', 'emergency_id')
	AND NOT EXISTS (SELECT FROM bestauth.audit_log l WHERE to_jsonb(l) ->> a.attname IS NOT NULL);

--
-- [SHP-5] [J-02] What is rolled back leaves no row of success, what is committed does.
--
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
BEGIN;
SELECT bestauth.create_user('undone1', 'standard', 'Un', 'Done', 'u@audit.example', company => 'audit-clinic') IS NOT NULL AS made;
SELECT outcome FROM bestauth.login('audit-clinic', 'cora', 'xcanaryx of cora');
SELECT action, object_id FROM bestauth.audit_log WHERE audit_id > :mark AND action !~ '^row\.' ORDER BY audit_id;
ROLLBACK;
SELECT action, object_id FROM bestauth.audit_log WHERE audit_id > :mark;
BEGIN;
SELECT bestauth.create_user('kept1', 'standard', 'Ke', 'Pt', 'k@audit.example', company => 'audit-clinic') IS NOT NULL AS made;
SAVEPOINT s;
SELECT bestauth.create_user('undone2', 'standard', 'Un', 'Done', 'u@audit.example', company => 'audit-clinic') IS NOT NULL AS made;
ROLLBACK TO s;
SELECT audit_test.attempt($$SELECT bestauth.create_user('KEPT1', 'standard', 'Ke', 'Pt', 'k@audit.example', company => 'audit-clinic')$$);
SELECT bestauth.create_user('kept2', 'standard', 'Ke', 'Pt', 'k@audit.example', company => 'audit-clinic') IS NOT NULL AS made;
COMMIT;
SELECT action, object_id FROM bestauth.audit_log WHERE audit_id > :mark AND action !~ '^row\.' ORDER BY audit_id;
-- No user without a row, no row without a user. (A full join takes PostgreSQL's own
-- operator, whatever is in the path.)
SELECT u.username, a.object_id FROM bestauth.user_account u
FULL JOIN (SELECT object_id FROM bestauth.audit_log WHERE action = 'row.inserted' AND object_type = 'bestauth.user_account') a
	ON a.object_id OPERATOR(pg_catalog.=) u.user_id::text
WHERE u.user_id IS NULL OR a.object_id IS NULL;

--
-- [AUD-7] [J-03] A refusal stays written down, whatever becomes of the transaction.
--
SELECT * FROM bestauth.login('audit-clinic', 'cora', 'xcanaryx of cora', client_addr => '203.0.113.9') \gset x_
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET SESSION AUTHORIZATION regress_audit_app;
BEGIN;
SELECT * FROM bestauth.use_session(:'x_session_token') \gset x_
SAVEPOINT s;
SELECT bestauth.create_user('never', 'standard', 'Ne', 'Ver', 'n@audit.example', 'xcanaryx of never');
ROLLBACK TO s;
SELECT audit_test.attempt($$SELECT bestauth.delete_user('newone')$$);
SELECT bestauth.create_role('never', '{claims}');
ROLLBACK;
RESET SESSION AUTHORIZATION;
SELECT action, outcome, company_code, username, person, session_id = :'x_session_id' AS session, db_role, client_addr,
	object_type, object_id, detail
FROM bestauth.audit_log WHERE audit_id > :mark ORDER BY audit_id;

--
-- [AUD-3] [J-08] Nobody changes the trail by SQL.
--
SELECT tableoid::regclass AS part, audit_id FROM bestauth.audit_log ORDER BY audit_id DESC LIMIT 1 \gset
SELECT md5(string_agg(a::text, '' ORDER BY audit_id)) AS digest FROM bestauth.audit_log a WHERE audit_id <= :audit_id \gset
CREATE FUNCTION audit_test.tamper(part text) RETURNS TABLE (result text, statements bigint) LANGUAGE sql AS $$
	SELECT r, count(*)
	FROM (VALUES ('bestauth.audit_log'), (part)) names (name),
		(VALUES ('UPDATE %s SET action = ''x'''), ('UPDATE %s SET detail = NULL WHERE audit_id > 0'),
			('WITH x AS (UPDATE %s SET action = action RETURNING 1) SELECT count(*) FROM x'),
			('DELETE FROM %s'), ('DELETE FROM %s WHERE audit_id = (SELECT max(audit_id) FROM %1$s)'),
			('TRUNCATE %s'), ('TRUNCATE ONLY %s'),
			('INSERT INTO %s (audit_id, occurred_at, transaction_at, transaction_id, system_id, format, db_role, action, outcome)
				VALUES (1, now(), now(), ''1'', 1, 1, ''x'', ''x'', ''x'')'),
			('INSERT INTO %s SELECT * FROM %1$s LIMIT 1 ON CONFLICT DO NOTHING'),
			('MERGE INTO %s a USING (SELECT) s ON false WHEN NOT MATCHED THEN INSERT (audit_id, occurred_at, transaction_at,
				transaction_id, system_id, format, db_role, action, outcome) VALUES (1, now(), now(), ''1'', 1, 1, ''x'', ''x'', ''x'')'),
			('MERGE INTO %s a USING (SELECT) s ON true WHEN MATCHED THEN UPDATE SET action = ''x'''),
			('MERGE INTO %s a USING (SELECT) s ON true WHEN MATCHED THEN DELETE'),
			('COPY %s FROM ''/dev/null''')) statements (statement),
		-- the message about files differs between versions
		regexp_replace(audit_test.attempt(format(statement, name)), '^(42501) .* COPY .*$', '\1 no COPY from a file') r
	GROUP BY r ORDER BY r COLLATE "C";
$$;
SET ROLE regress_audit_app;
SELECT * FROM audit_test.tamper(:'part');
SET ROLE regress_audit_operator;
SELECT * FROM audit_test.tamper(:'part');
SELECT nextval('bestauth.audit_id_seq');
SET ROLE regress_audit_auditor;
SELECT * FROM audit_test.tamper(:'part');
SET ROLE regress_audit_writer;
SELECT * FROM audit_test.tamper(:'part');
SET ROLE bestauth_owner;
SELECT * FROM audit_test.tamper(:'part');
RESET ROLE;
SELECT * FROM audit_test.tamper(:'part');
SET session_replication_role = replica;
SELECT * FROM audit_test.tamper(:'part');
RESET session_replication_role;
SELECT md5(string_agg(a::text, '' ORDER BY audit_id)) = :'digest' AS unchanged FROM bestauth.audit_log a WHERE audit_id <= :audit_id;

--
-- [J-05] [AUD-2] No secret, and no hash of one in the audit: passwords and tokens with a mark
-- go through every function that takes one, with success and without, and the
-- mark is looked for in every column of every table.
--
CREATE FUNCTION audit_test.places(needle text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	t record;
BEGIN
	FOR t IN SELECT a.attrelid::regclass AS relation, string_agg(format('(%1$L, %1$I::text)', a.attname), ', ') AS columns
		FROM pg_attribute a JOIN pg_class r ON r.oid = a.attrelid
		WHERE r.relnamespace = 'bestauth'::regnamespace AND r.relkind IN ('r', 'p') AND NOT r.relispartition
			AND a.attnum > 0 AND NOT a.attisdropped
		GROUP BY 1 ORDER BY 1
	LOOP
		RETURN QUERY EXECUTE format('SELECT DISTINCT %L || v.name FROM %s, LATERAL (VALUES %s) v (name, value), unnest($1) f (form) WHERE strpos(v.value, f.form) > 0',
				t.relation || '.', t.relation, t.columns)
			USING ARRAY[needle, encode(convert_to(needle, 'UTF8'), 'hex'), rtrim(encode(convert_to(needle, 'UTF8'), 'base64'), '=')];
	END LOOP;
END
$$;
-- It finds what is there, as text and as bytes.
SELECT p FROM audit_test.places('cora@audit.example') p ORDER BY p COLLATE "C";
BEGIN;
INSERT INTO bestauth.login_counter (subject, last_at) VALUES ('xcanaryx planted', now());
SELECT audit_test.places('xcanaryx planted');
ROLLBACK;

-- The functions that take a secret, each of them called below.
SELECT p.proname FROM pg_proc p
WHERE p.pronamespace = 'bestauth'::regnamespace
	AND p.proargnames[1:p.pronargs] && '{password,new_password,current_password,token,session_token,challenge_token,answers,assertion}'
ORDER BY p.proname COLLATE "C";

SELECT audit_test.attempt($$SELECT bestauth.create_user('short', 'standard', 'S', 'S', 's@audit.example', 'xcanaryx', company => 'audit-clinic')$$);
SELECT audit_test.attempt($$SELECT bestauth.create_user('cora', 'standard', 'S', 'S', 's@audit.example', 'xcanaryx of nobody', company => 'audit-clinic')$$);
SELECT audit_test.attempt($$SELECT bestauth.create_user('none', 'standard', 'S', 'S', 's@audit.example', 'xcanaryx of nobody', company => 'audit-nowhere')$$);
SELECT outcome FROM bestauth.login('audit-clinic', 'cora', 'xcanaryx wrong');
SELECT outcome FROM bestauth.login('audit-clinic', 'nobody', 'xcanaryx wrong');
SELECT outcome FROM bestauth.login('audit-nowhere', 'cora', 'xcanaryx wrong');
SELECT outcome FROM bestauth.login('audit-clinic', 'cora', 'xcanaryx' || repeat(' long', 300));
SELECT audit_test.attempt($$SELECT * FROM bestauth.use_session('xcanaryx session')$$);
SELECT bestauth.logout('xcanaryx session');
SELECT outcome FROM bestauth.login_second_part('xcanaryx challenge', 'pat', 'xcanaryx of pat');
SELECT outcome FROM bestauth.login_second_part_session('xcanaryx challenge', 'xcanaryx session');
SELECT bestauth.set_password('xcanaryx token', 'xcanaryx of nobody');
SELECT audit_test.attempt(format('SELECT * FROM bestauth.login(''audit-clinic'', NULL, %L)', 'xcanaryx wrong'));
SELECT outcome, challenge_token AS c1 FROM bestauth.login('audit-clinic', 'billkey', 'xcanaryx of billkey') \gset
SELECT outcome FROM bestauth.login_second_part(:'c1', 'pat', 'xcanaryx wrong');
SELECT outcome FROM bestauth.login_second_part_session(:'c1', 'xcanaryx session');
SELECT session_token AS s1 FROM bestauth.login('audit-svc', 'pat', 'xcanaryx of pat') \gset
SELECT outcome, session_token AS s2 FROM bestauth.login_second_part_session(:'c1', :'s1') \gset
\echo :outcome
SELECT bestauth.create_user('mia', 'standard', 'Mia', 'Mail', 'mia@audit.example', company => 'audit-clinic') IS NOT NULL AS made;
SELECT token AS t1, body AS b1 FROM bestauth.claim_mail(1000) WHERE recipient = 'mia@audit.example' \gset
SELECT audit_test.attempt(format('SELECT bestauth.set_password(%L, ''xcanaryx'')', :'t1'));
SELECT bestauth.set_password(:'t1', 'xcanaryx of mia');
SELECT bestauth.set_password(:'t1', 'xcanaryx of mia two');
SELECT bestauth.reset_password('mia', company => 'audit-clinic') AS p1 \gset
SELECT outcome, challenge_token AS t2 FROM bestauth.login('audit-clinic', 'mia', :'p1') \gset
\echo :outcome
SELECT * FROM bestauth.peek_password_link('xcanaryx token');
SELECT bestauth.set_password(:'t2', 'xcanaryx of mia three');
SELECT bestauth.confirm_email_change('xcanaryx token');
SELECT bestauth.peek_verification('xcanaryx token'), bestauth.verify_email('xcanaryx token');
SELECT bestauth.create_portal('audit-clinic', 'patients', 'client', 'Patients') IS NOT NULL AS made;
SELECT audit_test.attempt($$SELECT bestauth.register_portal_account('audit-clinic', 'patients', 'paz@audit.example', 'xcanaryx', 'Paz', 'Patient')$$);
SELECT audit_test.attempt($$SELECT bestauth.register_portal_account('audit-clinic', 'nowhere', 'paz@audit.example', 'xcanaryx of paz', 'Paz', 'Patient')$$);
SELECT bestauth.register_portal_account('audit-clinic', 'patients', 'paz@audit.example', 'xcanaryx of paz', 'Paz', 'Patient');
SELECT bestauth.register_portal_account('audit-clinic', 'patients', 'pending@audit.example', 'xcanaryx of paz', 'Pen', 'Ding');
SELECT token AS v1 FROM bestauth.claim_mail(100) WHERE recipient = 'paz@audit.example' \gset
SELECT bestauth.peek_verification(:'v1'), bestauth.verify_email(:'v1');
SELECT outcome FROM bestauth.login('audit-clinic', 'paz@audit.example', 'xcanaryx of paz', 'patients');
SELECT bestauth.grant_permission('mia', 'my_account', company => 'audit-clinic');
SELECT session_token AS s3 FROM bestauth.login('audit-clinic', 'mia', 'xcanaryx of mia three') \gset
BEGIN;
SELECT user_id IS NOT NULL AS in FROM bestauth.use_session(:'s3');
SELECT bestauth.set_security_questions('{First pet?,First school?}', '{xcanaryx the dog,xcanaryx the school}');
SELECT bestauth.change_password('xcanaryx wrong', 'xcanaryx of mia four');
SELECT bestauth.change_password('xcanaryx of mia three', 'xcanaryx of mia four');
COMMIT;
SELECT bestauth.update_user('mia', '{"email": "mia2@audit.example"}', company => 'audit-clinic');
SELECT token AS t3 FROM bestauth.claim_mail(1000) WHERE kind = 'email_change' AND recipient = 'mia2@audit.example' \gset
SELECT bestauth.confirm_email_change(:'t3');
SELECT bestauth.request_password_reset('audit-clinic', 'mia');
SELECT token AS t4 FROM bestauth.claim_mail(1000) WHERE kind = 'password_reset' AND recipient = 'mia2@audit.example' \gset
SELECT bestauth.set_password(:'t4', 'xcanaryx of mia five', '{xcanaryx the cat,xcanaryx the school}');
SELECT bestauth.set_password(:'t4', 'xcanaryx of mia five', '{Xcanaryx  The Dog,xcanaryx the school}');
-- An office: an employee's account, an invite, a request with answers to security questions.
SELECT bestauth.create_portal('audit-clinic', 'docs', 'provider', 'Docs') IS NOT NULL AS made;
SELECT bestauth.create_office('audit-clinic', '11-3437602', 'Office') AS office \gset
SELECT bestauth.create_employee(:'office', 'desk', 'Pru', 'Pro') AS employee \gset
SELECT audit_test.attempt(format('SELECT bestauth.create_provider_user(%L, ''pru'', ''Provider - Portal User'', ''pru@audit.example'', ''xcanaryx'')', :'employee'));
SELECT temporary_password IS NULL AS chosen FROM bestauth.create_provider_user(:'employee', 'pru', 'Provider - Portal User', 'pru@audit.example', 'xcanaryx of pru', questions => '{First pet?}', answers => '{xcanaryx the cat}');
SELECT bestauth.create_employee(:'office', 'desk', 'Pam', 'Pro') AS employee \gset
SELECT temporary_password AS p2 FROM bestauth.create_provider_user(:'employee', 'pam', 'Provider - Portal User', 'pam@audit.example') \gset
SELECT p.outcome, a.outcome FROM bestauth.peek_registration('xcanaryx token') p, bestauth.accept_registration('xcanaryx token', 'prim', 'xcanaryx of prim', 'Pri', 'Mo') a;
SELECT email FROM bestauth.send_registration_links('{prim@audit.example}', 'Provider - Portal User', :'office');
SELECT token AS t5 FROM bestauth.claim_mail(1000) WHERE recipient = 'prim@audit.example' \gset
SELECT outcome FROM bestauth.peek_registration(:'t5');
SELECT audit_test.attempt(format('SELECT bestauth.accept_registration(%L, ''prim'', ''xcanaryx'', ''Pri'', ''Mo'')', :'t5'));
SELECT outcome FROM bestauth.accept_registration(:'t5', 'prim', 'xcanaryx of prim', 'Pri', 'Mo');
SELECT audit_test.attempt($$SELECT bestauth.submit_registration('audit-clinic', '113437602', '24', 'tin', NULL, NULL, 'quin', 'xcanaryx', 'Quin', 'Tus', 'quin@audit.example', 'xcanaryx-1', '1901-02-03')$$);
SELECT status FROM bestauth.submit_registration('audit-clinic', '113437602', '24', 'tin', NULL, NULL, 'quin', 'xcanaryx of quin', 'Quin', 'Tus', 'quin@audit.example', 'xcanaryx-1', '1901-02-03');
SELECT status FROM bestauth.submit_registration('audit-clinic', '113437602', '24', 'tin', NULL, NULL, 'sext', 'xcanaryx of sext', 'Sext', NULL, 'sext@audit.example', 'xcanaryx-1', '1901-02-03');
SELECT status FROM bestauth.submit_registration('audit-clinic', '999', '24', 'tin', NULL, NULL, 'sept', 'xcanaryx of sept', 'Sept', 'Im', 'sept@audit.example', 'xcanaryx-1', '1901-02-03');

SELECT DISTINCT place FROM (VALUES ('xcanaryx'), (:'c1'), (:'s1'), (:'s2'), (:'t1'), (:'t2'), (:'t3'), (:'t4'), (:'t5'), ('1901-02-03'), (:'p2'), (:'v1'), (:'s3'), (:'p1'), (:'x_session_token'), (:'y_session_token')) needles (needle),
	audit_test.places(needle) AS place
ORDER BY place;
SELECT count(*) AS hashes_in_audit FROM bestauth.audit_log a,
	(SELECT password_hash FROM bestauth.credential WHERE password_hash IS NOT NULL
	 UNION ALL SELECT password_hash FROM bestauth.signup WHERE password_hash IS NOT NULL
	 UNION ALL SELECT password_hash FROM bestauth.registration_credential
	 UNION ALL SELECT encode(token_hash, 'hex') FROM bestauth.token
	 UNION ALL SELECT encode(token_hash, 'hex') FROM bestauth.session) h (hash)
WHERE strpos(a::text, h.hash) > 0;
-- What is kept of a token is its SHA-256.
SELECT count(*) FROM bestauth.token WHERE token_hash IN (SELECT sha256(convert_to(t, 'UTF8')) FROM unnest(ARRAY[:'c1', :'t1', :'t2']) t);
SELECT count(*) FROM bestauth.session WHERE token_hash IN (SELECT sha256(convert_to(t, 'UTF8')) FROM unnest(ARRAY[:'s1', :'s2']) t);

SET client_min_messages = warning;
DO $$
BEGIN
	PERFORM bestauth.revoke_access('regress_audit_app', 'application');
	PERFORM bestauth.revoke_access('regress_audit_operator', 'operator');
	PERFORM bestauth.revoke_access('regress_audit_auditor', 'auditor');
END
$$;
DROP SCHEMA audit_test CASCADE;
DROP ROLE regress_audit_app, regress_audit_operator, regress_audit_auditor, regress_audit_writer;
