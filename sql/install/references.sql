-- Foreign keys. open_instance() adds them, and so checks restored rows: a restore
-- with several jobs loads the tables in any order, and an extension's own foreign
-- keys would be there before the rows. While the instance is closed nobody but a
-- superuser writes.
CREATE TABLE bestauth.reference_rule (
	relation   text NOT NULL COLLATE "C",
	name       text NOT NULL COLLATE "C",
	definition text NOT NULL,
	PRIMARY KEY (relation, name)
);
COMMENT ON TABLE bestauth.reference_rule IS 'The foreign keys that open_instance() adds. Part of the extension, so not dumped.';

INSERT INTO bestauth.reference_rule (relation, name, definition) VALUES
	('billing_service', 'billing_service_company_id_fkey', 'FOREIGN KEY (company_id) REFERENCES bestauth.company (company_id)'),
	('billing_user_person', 'billing_user_person_person_id_fkey', 'FOREIGN KEY (person_id) REFERENCES bestauth.user_account (user_id)'),
	('billing_user_person', 'billing_user_person_user_id_fkey', 'FOREIGN KEY (company_id, user_id) REFERENCES bestauth.user_account (company_id, user_id)'),
	('contact', 'contact_company_id_fkey', 'FOREIGN KEY (company_id) REFERENCES bestauth.company (company_id)'),
	('credential', 'credential_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES bestauth.user_account (user_id)'),
	('employee', 'employee_office_id_fkey', 'FOREIGN KEY (office_id) REFERENCES bestauth.office (office_id)'),
	('employee', 'employee_provider_id_fkey', 'FOREIGN KEY (provider_id) REFERENCES bestauth.provider (provider_id)'),
	('mail_template', 'mail_template_company_id_fkey', 'FOREIGN KEY (company_id) REFERENCES bestauth.company (company_id)'),
	('office', 'office_portal_id_fkey', 'FOREIGN KEY (portal_id) REFERENCES bestauth.portal (portal_id)'),
	('portal', 'portal_company_id_fkey', 'FOREIGN KEY (company_id) REFERENCES bestauth.company (company_id)'),
	('provider', 'provider_office_id_fkey', 'FOREIGN KEY (office_id) REFERENCES bestauth.office (office_id)'),
	('registration', 'registration_company_id_fkey', 'FOREIGN KEY (company_id) REFERENCES bestauth.company (company_id)'),
	('registration', 'registration_invited_by_fkey', 'FOREIGN KEY (invited_by) REFERENCES bestauth.user_account (user_id)'),
	('registration', 'registration_office_id_fkey', 'FOREIGN KEY (office_id) REFERENCES bestauth.office (office_id)'),
	('registration', 'registration_portal_id_fkey', 'FOREIGN KEY (portal_id) REFERENCES bestauth.portal (portal_id)'),
	('registration', 'registration_provider_id_fkey', 'FOREIGN KEY (provider_id) REFERENCES bestauth.provider (provider_id)'),
	('registration', 'registration_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES bestauth.user_account (user_id)'),
	('registration_credential', 'registration_credential_registration_id_fkey', 'FOREIGN KEY (registration_id) REFERENCES bestauth.registration (registration_id)'),
	('role', 'role_company_id_fkey', 'FOREIGN KEY (company_id) REFERENCES bestauth.company (company_id)'),
	('role_company', 'role_company_child_id_fkey', 'FOREIGN KEY (child_id) REFERENCES bestauth.company (company_id)'),
	('role_company', 'role_company_role_id_fkey', 'FOREIGN KEY (company_id, role_id) REFERENCES bestauth.role (company_id, role_id)'),
	('role_permission', 'role_permission_permission_fkey', 'FOREIGN KEY (permission) REFERENCES bestauth.permission (name)'),
	('role_permission', 'role_permission_role_id_fkey', 'FOREIGN KEY (company_id, role_id) REFERENCES bestauth.role (company_id, role_id)'),
	('security_question', 'security_question_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES bestauth.user_account (user_id)'),
	('session', 'session_billing_service_id_fkey', 'FOREIGN KEY (billing_service_id) REFERENCES bestauth.billing_service (company_id)'),
	('session', 'session_company_id_fkey', 'FOREIGN KEY (company_id) REFERENCES bestauth.company (company_id)'),
	('session', 'session_person_id_fkey', 'FOREIGN KEY (person_id) REFERENCES bestauth.user_account (user_id)'),
	('session', 'session_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES bestauth.user_account (user_id)'),
	('signup', 'signup_company_id_fkey', 'FOREIGN KEY (company_id) REFERENCES bestauth.company (company_id)'),
	('signup', 'signup_portal_id_fkey', 'FOREIGN KEY (portal_id) REFERENCES bestauth.portal (portal_id)'),
	('token', 'token_registration_id_fkey', 'FOREIGN KEY (registration_id) REFERENCES bestauth.registration (registration_id)'),
	('token', 'token_signup_id_fkey', 'FOREIGN KEY (signup_id) REFERENCES bestauth.signup (signup_id)'),
	('token', 'token_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES bestauth.user_account (user_id)'),
	('user_account', 'user_account_billing_service_id_fkey', 'FOREIGN KEY (billing_service_id) REFERENCES bestauth.billing_service (company_id)'),
	('user_account', 'user_account_company_id_fkey', 'FOREIGN KEY (company_id) REFERENCES bestauth.company (company_id)'),
	('user_account', 'user_account_contact_id_fkey', 'FOREIGN KEY (contact_id) REFERENCES bestauth.contact (contact_id)'),
	('user_account', 'user_account_employee_id_fkey', 'FOREIGN KEY (employee_id) REFERENCES bestauth.employee (employee_id)'),
	('user_account', 'user_account_office_id_fkey', 'FOREIGN KEY (office_id) REFERENCES bestauth.office (office_id)'),
	('user_account', 'user_account_provider_id_fkey', 'FOREIGN KEY (provider_id) REFERENCES bestauth.provider (provider_id)'),
	('user_account', 'user_account_portal_id_fkey', 'FOREIGN KEY (portal_id) REFERENCES bestauth.portal (portal_id)'),
	('user_permission', 'user_permission_permission_fkey', 'FOREIGN KEY (permission) REFERENCES bestauth.permission (name)'),
	('user_permission', 'user_permission_user_id_fkey', 'FOREIGN KEY (company_id, user_id) REFERENCES bestauth.user_account (company_id, user_id)'),
	('user_role', 'user_role_role_id_fkey', 'FOREIGN KEY (company_id, role_id) REFERENCES bestauth.role (company_id, role_id)'),
	('user_role', 'user_role_user_id_fkey', 'FOREIGN KEY (company_id, user_id) REFERENCES bestauth.user_account (company_id, user_id)');
