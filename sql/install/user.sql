CREATE TABLE bestauth.user_account (
	user_id            uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	company_id         uuid NOT NULL,
	portal_id          uuid,
	contact_id         uuid,
	office_id          uuid,
	provider_id        uuid,
	employee_id        uuid,
	username           text NOT NULL,
	user_type          text NOT NULL COLLATE "C",
	first_name         text,
	middle_name        text,
	last_name          text,
	email              text,
	pending_email      text,
	pending_email_by   uuid,
	title              text CHECK (length(title) <= 100),
	phone              text CHECK (length(phone) <= 100),
	mobile_phone       text CHECK (length(mobile_phone) <= 100),
	mobile_carrier     text CHECK (length(mobile_carrier) <= 100),
	notification_preferences jsonb NOT NULL DEFAULT '{}'
		CHECK (jsonb_typeof(notification_preferences) = 'object'),
	billing_service_id uuid,
	persons_limited    boolean NOT NULL DEFAULT false,
	version            integer NOT NULL DEFAULT 1,
	revision           integer NOT NULL DEFAULT 1,
	created_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
	verified_at        timestamptz,
	locked_at          timestamptz,
	deleted_at         timestamptz,
	UNIQUE (company_id, user_id)
);
COMMENT ON TABLE bestauth.user_account IS
'Users of every type. Deleted ones stay, and so does their user name [PRV-14].';
COMMENT ON COLUMN bestauth.user_account.username IS
'Printable ASCII as docs/usernames.md says; unique in company and portal without regard to case, never changed [G-01]; of a federated user what was last asserted [B-08].';
COMMENT ON COLUMN bestauth.user_account.billing_service_id IS 'Of a key: the service whose people it admits [TPB-3].';
COMMENT ON COLUMN bestauth.user_account.persons_limited IS 'Of a key: only the persons in billing_user_person may use it [TPB-7].';
COMMENT ON COLUMN bestauth.user_account.version IS
'Rises with a change of password, type or service, a lock and a deletion; sessions of an older version are over [TPB-9] [MCM-8].';
COMMENT ON COLUMN bestauth.user_account.revision IS
'Rises with every change of the row, and of the user''s roles and permissions through a function: update_user() refuses an edit of an older one when it is told which was read [G-12].';
COMMENT ON COLUMN bestauth.user_account.pending_email IS
'The new address, until confirm_email_change() was called with the link sent to it [G-11].';
COMMENT ON COLUMN bestauth.user_account.pending_email_by IS
'Who entered it in a session: they must still hold as much as the user when it is confirmed. NULL: the operator.';
COMMENT ON COLUMN bestauth.user_account.contact_id IS 'Of a client: the contact that the account was made for [PRT-2].';
COMMENT ON COLUMN bestauth.user_account.office_id IS 'Of a provider''s account: the office that it is of [PRV-12].';
COMMENT ON COLUMN bestauth.user_account.provider_id IS
'Of one at individual level: the provider that it sees; NULL at TIN level, where the whole office is seen [PRV-19].';
COMMENT ON COLUMN bestauth.user_account.employee_id IS 'The employee of the office that the account was made for [PRV-12].';
COMMENT ON COLUMN bestauth.user_account.verified_at IS
'When the e-mail address was proved by a link, or the account made by an administrator of its office, who knows whose it is. Clients and providers do not log in before [PRT-6] [PRV-8].';
COMMENT ON COLUMN bestauth.user_account.locked_at IS
'Locked by an administrator. The lock after wrong passwords is kept in login_counter.';
-- "C" has ASCII case alone, so the key is the same in every locale [P-04].
CREATE UNIQUE INDEX user_account_username_key ON bestauth.user_account
	(company_id, portal_id, lower(username COLLATE "C")) NULLS NOT DISTINCT;
ALTER INDEX bestauth.user_account_username_key ALTER COLUMN 3 SET STATISTICS 0;
CREATE UNIQUE INDEX user_account_contact_key ON bestauth.user_account (contact_id, portal_id)
	WHERE contact_id IS NOT NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX user_account_employee_key ON bestauth.user_account (employee_id)
	WHERE employee_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX user_account_office_id_idx ON bestauth.user_account (office_id, lower(username COLLATE "C"))
	WHERE office_id IS NOT NULL;
ALTER INDEX bestauth.user_account_office_id_idx ALTER COLUMN 2 SET STATISTICS 0;
CREATE INDEX user_account_email_idx ON bestauth.user_account (portal_id, lower(email COLLATE "C"))
	WHERE portal_id IS NOT NULL;
ALTER INDEX bestauth.user_account_email_idx ALTER COLUMN 2 SET STATISTICS 0;
CREATE INDEX user_account_billing_service_id_idx ON bestauth.user_account (billing_service_id, company_id)
	WHERE billing_service_id IS NOT NULL;
SELECT pg_catalog.pg_extension_config_dump('bestauth.user_account', '');

CREATE TABLE bestauth.billing_user_person (
	company_id  uuid NOT NULL,
	user_id     uuid NOT NULL,
	person_id   uuid NOT NULL,
	created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (user_id, person_id)
);
COMMENT ON TABLE bestauth.billing_user_person IS 'The persons that a limited key admits [TPB-7].';
CREATE INDEX billing_user_person_person_id_idx ON bestauth.billing_user_person (person_id);
SELECT pg_catalog.pg_extension_config_dump('bestauth.billing_user_person', '');

CREATE FUNCTION bestauth.create_user(username text, user_type text, first_name text, last_name text,
	email text DEFAULT NULL, password text DEFAULT NULL, billing_service text DEFAULT NULL,
	roles text[] DEFAULT '{}', permissions text[] DEFAULT '{}', company text DEFAULT NULL,
	portal text DEFAULT NULL) RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_create_user' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.create_user(text, text, text, text, text, text, text, text[], text[], text, text) IS
'Makes a user. Takes manage_users, or the operator. Nobody gives a role or a permission away that they do not hold. Without a password the user is sent a set-up link at the e-mail address; with one, nothing is sent. Making a user in a registered billing service that is charged says in a NOTICE that it is charged and can be no second part.
Parameters: username: see docs/usernames.md; user_type: a row of user_type_rules that needs no portal and is not by_assertion; first_name, last_name: of a key, its name may stand in either; email: one address, optional for keys; password: as docs/passwords.md says; billing_service: code, for keys alone; roles, permissions: names; company, portal: for the operator.
Returns: uuid of the user.
Raises: 23505 user name taken; 22023 bad argument; 23514 the type''s rules are broken; P0002 no such role or permission; UA001 password refused; 28000 no session; 42501 no permission, or gives away what the caller does not hold; 55000 instance closed.
Rules: [IBS-2] [IBS-3] [IBS-4] [IBS-5] [TPB-2] [TPB-3].';

CREATE FUNCTION bestauth.delete_user(username text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_delete_user' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.delete_user(text, text, text) IS
'Deletes a user logically: sessions end at once, the row and the user name stay. Takes manage_users, or the operator; a session leaves the company an administrator.
Parameters: username; company, portal: for the operator.
Returns: void.
Raises: P0002 no such user (42501 in a session); 55000 deleted already, or instance closed; 23514 the last administrator, in a session; 28000; 42501.
Rules: [PRV-14] [TPB-9] [G-02] [G-05].';

CREATE FUNCTION bestauth.restore_user(username text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_restore_user' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.restore_user(text, text, text) IS
'Takes a deletion back. What the user held comes back with them, so a session must hold it all, or for a client''s account web_portal; the password does not: a set-up link goes to the e-mail address, and without one reset_password makes a new password. A lock stays. Takes manage_users, or the operator.
Parameters: username; company, portal: for the operator.
Returns: void.
Raises: P0002 no such user (42501 in a session); 55000 not deleted, or instance closed; 23505 of a client: the contact has another account meanwhile; 23514 the contact can have none any more, or has another address; 28000; 42501, also for a user who holds more than the caller.
Rules: [PRV-14] [G-02] [G-08].';

CREATE FUNCTION bestauth.update_user(username text, changes jsonb, company text DEFAULT NULL, portal text DEFAULT NULL,
	expected_revision integer DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_update_user' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.update_user(text, jsonb, text, text, integer) IS
'Edits a user, but none of type federated. Takes manage_users, or manage_portal_users in the user''s office, or the operator; a session gives only roles that it holds all of, and changes the e-mail address only of who holds no more than it does. A new e-mail address is sent a link and counts once confirm_email_change was called with it; the old one is told at once.
Parameters: username: which user, never changed; changes: an object; keys first_name, middle_name, last_name, title, phone, mobile_phone, mobile_carrier (strings of at most 100 characters, null for none), email, office_id (of a provider''s account: another office of the same portal, for the operator; a session may name the one it is), roles (an array of all the user is to have), notification_preferences (an object of booleans); any other key is an error, and what is not given stays; company, portal: for the operator; expected_revision: revision of user_details when it was read, to refuse a stale edit.
Returns: void.
Raises: 22023 unknown key or bad value; P0002 no such user or role (42501 in a session); 23514 the type''s rules are broken; 55000 deleted, changed since expected_revision, or instance closed; 28000; 42501.
Rules: [PRV-15] [G-10] [G-11] [G-12] [IBS-2].';

CREATE FUNCTION bestauth.confirm_email_change(token text) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_confirm_email_change' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.confirm_email_change(text) IS
'Makes the new e-mail address of a user count: whoever has the link has the mailbox. Links that went to the old address stop working.
Parameters: token: from the link.
Returns: accepted; expired; invalid, when it is used, replaced or unknown.
Raises: 22023 NULL; 25006 in a READ ONLY transaction; 55000 instance closed.
Rules: [G-11] [E-09].';

CREATE FUNCTION bestauth.resend_setup_link(username text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_resend_setup_link' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.resend_setup_link(text, text, text) IS
'Sends a user who has set no password yet a new set-up link; the ones before stop working. Takes manage_users, or the operator.
Parameters: username; company, portal: for the operator.
Returns: void.
Raises: P0002 no such user (42501 in a session); 55000 has a password or no e-mail address, deleted, or instance closed; 28000; 42501.
Rules: [IBS-5].';

CREATE FUNCTION bestauth.fold_name(name text) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_fold_name' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bestauth.fold_name(text) IS
'The form in which names are compared by search_users: without case and accents, the same in every locale.
Parameters: name.
Returns: text.
Rules: [PRV-17] [P-04].';

CREATE FUNCTION bestauth.user_details(username text, company text DEFAULT NULL, portal text DEFAULT NULL,
	OUT user_id uuid, OUT username text, OUT user_type text, OUT first_name text, OUT middle_name text,
	OUT last_name text, OUT title text, OUT email text, OUT pending_email text, OUT phone text,
	OUT mobile_phone text, OUT mobile_carrier text, OUT office text, OUT billing_service text,
	OUT roles text[], OUT permissions text[], OUT persons text[], OUT notification_preferences jsonb,
	OUT security_questions integer, OUT locked boolean, OUT locked_at timestamptz, OUT locked_until timestamptz,
	OUT deleted boolean, OUT deleted_at timestamptz, OUT created_at timestamptz, OUT password_set boolean,
	OUT must_change_password boolean, OUT password_changed_at timestamptz, OUT last_login_at timestamptz,
	OUT revision integer, OUT portal text, OUT contact_id uuid, OUT verified_at timestamptz,
	OUT office_id uuid, OUT provider_id uuid, OUT npi text) RETURNS record
	AS 'MODULE_PATHNAME', 'bestauth_user_details' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.user_details(text, text, text) IS
'Everything that is shown of one user; no secret is. Takes manage_users, or manage_portal_users in the user''s office, or the operator; about the session''s own user nothing.
Parameters: username; company, portal: for the operator.
Returns: one row. permissions: all in effect; persons: of a limited key, those whom it admits; security_questions: how many; locked_at: by an administrator; locked_until: after wrong passwords; revision: for update_user; portal, contact_id, verified_at: of a portal account, the last NULL until its address is verified; office: its identifier; office_id; provider_id, npi: NULL at TIN level.
Raises: P0002 no such user (42501 in a session); 28000; 42501; 55000.
Rules: [PRV-17].';

CREATE FUNCTION bestauth.lock_user(username text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_lock_user' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.lock_user(text, text, text) IS
'Locks a user until unlock_user: sessions end at once, logins are denied. Takes manage_users, or the operator. Locking a locked user does nothing.
Parameters: username; company, portal: for the operator.
Returns: void.
Raises: P0002 no such user (42501 in a session); 23514 the last administrator, in a session; 28000; 42501; 55000.
Rules: [PRV-16] [TPB-9] [G-05].';

CREATE FUNCTION bestauth.unlock_user(username text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_unlock_user' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.unlock_user(text, text, text) IS
'Takes away an administrator''s lock and the lock after wrong passwords; of a key also those of its persons. Ended sessions stay ended. Takes manage_users, or the operator; where there are wrong guesses, a session must hold all that the user holds, and nobody unlocks themselves; of a client''s account it takes the administrator''s lock away and leaves the count. The count of failed logins is cleared outside the caller''s transaction, and stays cleared if that is rolled back.
Parameters: username; company, portal: for the operator.
Returns: void.
Raises: P0002 no such user (42501 in a session); 28000; 42501; 55000.
Rules: [PRV-16].';

CREATE FUNCTION bestauth.limit_billing_user(username text, persons text[], company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_limit_billing_user' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.limit_billing_user(text, text[], text, text) IS
'Limits a key to named persons of its service. Takes manage_users, or the operator; a session must hold all that the key holds. Sessions of others with that key are refused at their next use.
Parameters: username: of the key; persons: user names in the service, NULL takes the limit away, an empty array admits nobody; company, portal: for the operator.
Returns: void.
Raises: P0002 no such user (42501 in a session); 22023 not a key; 23514 no such person, or one that may be no second part; 28000; 42501; 55000.
Rules: [TPB-7].';

CREATE FUNCTION bestauth.suggest_username(first_name text, last_name text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_suggest_username' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.suggest_username(text, text, text, text) IS
'Suggests a free user name: first initial and last name, with a number where that is taken. Letters outside ASCII are brought to their base letter, or left out. Takes manage_users, or the operator.
Parameters: first_name, last_name; company, portal: for the operator.
Returns: text.
Raises: 22023 nothing usable in the names; 28000; 42501; 55000.
Rules: [IBS-3].';
