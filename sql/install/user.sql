CREATE TABLE bestauth.user_account (
	user_id            uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	company_id         uuid NOT NULL,
	portal_id          uuid,
	username           text NOT NULL,
	user_type          text NOT NULL COLLATE "C",
	first_name         text,
	middle_name        text,
	last_name          text,
	email              text,
	billing_service_id uuid,
	persons_limited    boolean NOT NULL DEFAULT false,
	version            integer NOT NULL DEFAULT 1,
	created_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
	locked_at          timestamptz,
	deleted_at         timestamptz,
	UNIQUE (company_id, user_id)
);
COMMENT ON TABLE bestauth.user_account IS
'Users of every type. Deleted ones stay, and so does their user name [PRV-14].';
COMMENT ON COLUMN bestauth.user_account.username IS
'Printable ASCII as docs/usernames.md says; unique in company and portal without regard to case, never changed [G-01].';
COMMENT ON COLUMN bestauth.user_account.billing_service_id IS 'Of a key: the service whose people it admits [TPB-3].';
COMMENT ON COLUMN bestauth.user_account.persons_limited IS 'Of a key: only the persons in billing_user_person may use it [TPB-7].';
COMMENT ON COLUMN bestauth.user_account.version IS
'Rises with a change of password, type or service, a lock and a deletion; sessions of an older version are over [TPB-9] [MCM-8].';
COMMENT ON COLUMN bestauth.user_account.locked_at IS
'Locked by an administrator. The lock after wrong passwords is kept in login_counter.';
-- "C" has ASCII case alone, so the key is the same in every locale [P-04].
CREATE UNIQUE INDEX user_account_username_key ON bestauth.user_account
	(company_id, portal_id, lower(username COLLATE "C")) NULLS NOT DISTINCT;
CREATE INDEX user_account_billing_service_id_idx ON bestauth.user_account (billing_service_id)
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
Parameters: username: see docs/usernames.md; user_type: a row of user_type_rules that needs no portal; first_name, last_name: of a key, its name may stand in either; email: one address, optional for keys; password: bestauth.password_min_length (15) characters or more, at most 1024 bytes; billing_service: code, for keys alone; roles, permissions: names; company, portal: for the operator.
Returns: uuid of the user.
Raises: 23505 user name taken; 22023 bad argument; 23514 the type''s rules are broken; P0002 no such role or permission; UA001 password refused; 28000 no session; 42501 no permission, or gives away what the caller does not hold; 55000 instance closed.
Rules: [IBS-2] [IBS-3] [IBS-4] [IBS-5] [TPB-2] [TPB-3].';

CREATE FUNCTION bestauth.delete_user(username text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_delete_user' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.delete_user(text, text, text) IS
'Deletes a user logically: sessions end at once, the row and the user name stay. Takes manage_users, or the operator.
Parameters: username; company, portal: for the operator.
Returns: void.
Raises: P0002 no such user (42501 in a session); 55000 deleted already, or instance closed; 28000; 42501.
Rules: [PRV-14] [TPB-9] [G-02].';

CREATE FUNCTION bestauth.lock_user(username text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_lock_user' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.lock_user(text, text, text) IS
'Locks a user until unlock_user: sessions end at once, logins are denied. Takes manage_users, or the operator. Locking a locked user does nothing.
Parameters: username; company, portal: for the operator.
Returns: void.
Raises: P0002 no such user (42501 in a session); 28000; 42501; 55000.
Rules: [PRV-16] [TPB-9].';

CREATE FUNCTION bestauth.unlock_user(username text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_unlock_user' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.unlock_user(text, text, text) IS
'Takes away an administrator''s lock and the lock after wrong passwords. Ended sessions stay ended. Takes manage_users, or the operator. The count of failed logins is cleared outside the caller''s transaction, and stays cleared if that is rolled back.
Parameters: username; company, portal: for the operator.
Returns: void.
Raises: P0002 no such user (42501 in a session); 28000; 42501; 55000.
Rules: [PRV-16].';

CREATE FUNCTION bestauth.limit_billing_user(username text, persons text[], company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_limit_billing_user' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.limit_billing_user(text, text[], text, text) IS
'Limits a key to named persons of its service. Takes manage_users, or the operator. Sessions of others with that key are refused at their next use.
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
