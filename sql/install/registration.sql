CREATE TABLE bestauth.decline_reason (
	reason     text PRIMARY KEY CHECK (length(reason) BETWEEN 1 AND 200),
	position   integer NOT NULL DEFAULT 100,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE bestauth.decline_reason IS
'Why a request can be declined. open_instance() puts some down while there are none; the operator edits them [PRV-10].';
COMMENT ON COLUMN bestauth.decline_reason.position IS 'The order in a form.';
SELECT pg_catalog.pg_extension_config_dump('bestauth.decline_reason', '');

CREATE TABLE bestauth.registration (
	registration_id      uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	company_id           uuid NOT NULL,
	portal_id            uuid NOT NULL,
	office_id            uuid,
	provider_id          uuid,
	status               text NOT NULL COLLATE "C" CHECK (status IN ('EMAIL-INT', 'EMAIL-SUCCESS', 'INVALIDATED',
		'AUTO-APPROVED', 'PENDING-PROV-ADMIN-REVIEW', 'PENDING-ADMIN-REVIEW', 'MANUAL-PROV-ADMIN-APPROVED',
		'MANUAL-ADMIN-APPROVED', 'DECLINED')),
	level                text COLLATE "C" CHECK (level IN ('tin', 'individual')),
	identifier           text,
	identifier_qualifier text COLLATE "C",
	npi                  text COLLATE "C",
	email                text,
	role                 text,
	username             text,
	first_name           text CHECK (length(first_name) <= 100),
	middle_name          text CHECK (length(middle_name) <= 100),
	last_name            text CHECK (length(last_name) <= 100),
	title                text CHECK (length(title) <= 100),
	phone                text CHECK (length(phone) <= 100),
	claim_number_result  text NOT NULL DEFAULT 'none' CHECK (claim_number_result IN ('none', 'matched', 'not matched')),
	birth_date_result    text NOT NULL DEFAULT 'none' CHECK (birth_date_result IN ('none', 'matched', 'not matched')),
	missing              text[],
	invited_by           uuid,
	invited_by_role      text,
	created_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
	expires_at           timestamptz,
	reason               text,
	granted_role         text,
	user_id              uuid,
	changed_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
	changed_by           text,
	history              jsonb NOT NULL DEFAULT '[]',
	-- An account came of it, or none did.
	CHECK ((user_id IS NOT NULL) = (status IN ('EMAIL-SUCCESS', 'AUTO-APPROVED', 'MANUAL-PROV-ADMIN-APPROVED', 'MANUAL-ADMIN-APPROVED'))),
	CHECK (granted_role IS NULL OR user_id IS NOT NULL),
	CHECK (reason IS NOT NULL OR status NOT IN ('INVALIDATED', 'DECLINED')),
	-- An invite leads somewhere, and a request that was not incomplete is complete.
	CHECK (status NOT IN ('EMAIL-INT', 'EMAIL-SUCCESS') OR (num_nulls(level, office_id, email, role, expires_at) = 0
		AND (level = 'individual') = (provider_id IS NOT NULL))),
	CHECK (status IN ('EMAIL-INT', 'EMAIL-SUCCESS', 'INVALIDATED') OR (num_nulls(level, identifier, identifier_qualifier, email, role,
		username, first_name, last_name) = 0 AND (level = 'individual') = (npi IS NOT NULL))),
	CHECK (CASE WHEN status IN ('PENDING-PROV-ADMIN-REVIEW', 'MANUAL-PROV-ADMIN-APPROVED') THEN level = 'tin'
		WHEN status IN ('PENDING-ADMIN-REVIEW', 'MANUAL-ADMIN-APPROVED') THEN level = 'individual' ELSE true END)
);
COMMENT ON TABLE bestauth.registration IS
'Invites and requests of offices'' future users; a row is never deleted, and changes with its status alone, as registration_transitions() says [PRV-10].';
COMMENT ON COLUMN bestauth.registration.office_id IS 'NULL where no office has the identifier that was given.';
COMMENT ON COLUMN bestauth.registration.level IS 'tin: all of the office is seen; individual: one provider of it.';
COMMENT ON COLUMN bestauth.registration.role IS 'The name of the role that is offered, or asked for.';
COMMENT ON COLUMN bestauth.registration.claim_number_result IS 'Whether the answer matched; the answer itself is not kept [PRV-9].';
COMMENT ON COLUMN bestauth.registration.missing IS 'What an incomplete submission left out.';
COMMENT ON COLUMN bestauth.registration.invited_by IS 'The user who sent an invite; NULL for the operator, whose database role is in invited_by_role.';
COMMENT ON COLUMN bestauth.registration.expires_at IS 'Of an invite: until when its link works.';
COMMENT ON COLUMN bestauth.registration.reason IS 'Why it was declined, or invalidated: expired, revoked, replaced, incomplete.';
COMMENT ON COLUMN bestauth.registration.user_id IS 'The account that came of it.';
COMMENT ON COLUMN bestauth.registration.changed_by IS 'Who made the last change of status: a user, the address that holds the link, or a database role.';
COMMENT ON COLUMN bestauth.registration.history IS 'Every status it had: from, to, at, by, reason [F-12].';
-- One open invite of an address, an office and a level.
CREATE UNIQUE INDEX registration_invite_key ON bestauth.registration
	(office_id, lower(email COLLATE "C"), provider_id) NULLS NOT DISTINCT WHERE status = 'EMAIL-INT';
ALTER INDEX bestauth.registration_invite_key ALTER COLUMN 2 SET STATISTICS 0;
-- A user name is that of one waiting request, or of one that led to an account: these keep it.
CREATE UNIQUE INDEX registration_username_key ON bestauth.registration
	(portal_id, lower(username COLLATE "C")) WHERE status IN ('PENDING-PROV-ADMIN-REVIEW', 'PENDING-ADMIN-REVIEW',
	'EMAIL-SUCCESS', 'AUTO-APPROVED', 'MANUAL-PROV-ADMIN-APPROVED', 'MANUAL-ADMIN-APPROVED');
ALTER INDEX bestauth.registration_username_key ALTER COLUMN 2 SET STATISTICS 0;
CREATE INDEX registration_office_id_idx ON bestauth.registration (office_id, registration_id);
CREATE INDEX registration_company_id_idx ON bestauth.registration (company_id, registration_id);
CREATE INDEX registration_status_idx ON bestauth.registration (status, registration_id);
CREATE INDEX registration_expires_at_idx ON bestauth.registration (expires_at) WHERE status = 'EMAIL-INT';
SELECT pg_catalog.pg_extension_config_dump('bestauth.registration', '');

CREATE TABLE bestauth.registration_credential (
	registration_id uuid PRIMARY KEY,
	password_hash   text NOT NULL COLLATE "C",
	pepper_id       text COLLATE "C",
	created_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE bestauth.registration_credential IS
'The password that was chosen in a request, as a hash, until the request is decided. Row security without a policy [L-10].';
ALTER TABLE bestauth.registration_credential ALTER password_hash SET STATISTICS 0;
SELECT pg_catalog.pg_extension_config_dump('bestauth.registration_credential', '');

CREATE FUNCTION bestauth.registration_transitions(OUT from_status text, OUT to_status text, OUT made_by text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_registration_transitions' LANGUAGE C IMMUTABLE;
COMMENT ON FUNCTION bestauth.registration_transitions() IS
'Shows the one table of changes of status that functions and the trigger go by. A status that none leads out of is final.
Returns: one row a change; from_status is NULL for a new row.
Rules: [PRV-5] [PRV-10].';

CREATE FUNCTION bestauth.send_registration_links(emails text[], role text, office_id uuid, provider_id uuid DEFAULT NULL,
	company text DEFAULT NULL, OUT email text, OUT registration_id uuid, OUT expires_at timestamptz) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_send_registration_links' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.send_registration_links(text[], text, uuid, uuid, text) IS
'Sends one-click registration links, each to one address: who opens it goes straight to user name and password. All or none is sent. An address that has an open invite to the same office, or provider, gets a new one; the old link stops working. Takes manage_portal_users in that office, or the operator; a session invites at its own level or below, and only with a role that it holds all of. Its rights are asked for again when an invite is accepted.
Parameters: emails: 1 to 10000 addresses, repeats count once; role: its name; office_id: all of it will be seen (TIN level); provider_id: of that office, then this one alone will be seen (individual level); company: for the operator, the office''s or NULL.
Returns: one row an address: email, registration_id, expires_at: after bestauth.invite_lifetime (24 hours).
Raises: 22023 a bad address, which is named; P0002 no such role, office or provider (42501 in a session); 28000; 42501; 55000 instance closed.
Rules: [PRV-1] [PRV-2] [PRV-5].';

CREATE FUNCTION bestauth.send_registration_links_csv(emails text, role text, office_id uuid, provider_id uuid DEFAULT NULL,
	company text DEFAULT NULL, OUT email text, OUT registration_id uuid, OUT expires_at timestamptz) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_send_registration_links_csv' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.send_registration_links_csv(text, text, uuid, uuid, text) IS
'The same for addresses in one text, separated by commas without spaces.
Parameters: emails: such as a@x.example,b@x.example; role; office_id; provider_id; company: as for send_registration_links.
Returns: one row an address: email, registration_id, expires_at.
Raises: as send_registration_links.
Rules: [PRV-1] [PRV-2].';

CREATE FUNCTION bestauth.resend_registration_link(registration_id uuid, OUT email text, OUT registration_id uuid,
	OUT expires_at timestamptz) RETURNS record
	AS 'MODULE_PATHNAME', 'bestauth_resend_registration_link' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.resend_registration_link(uuid) IS
'Sends an invite again, one that is open, expired or was revoked: in a new row, with a new link. The old link never works again and its row is INVALIDATED. Takes what send_registration_links takes, of the caller of now.
Parameters: registration_id: of the old row.
Returns: email, registration_id of the new row, expires_at.
Raises: P0002 no such registration or role (42501 in a session); 55000 no invite, or accepted, or sent again already; 28000; 42501.
Rules: [PRV-2] [PRV-8].';

CREATE FUNCTION bestauth.revoke_registration_link(registration_id uuid) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_revoke_registration_link' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.revoke_registration_link(uuid) IS
'Revokes an open invite: its link stops working, and it is INVALIDATED. Takes manage_portal_users in its office, or the operator.
Parameters: registration_id.
Returns: void.
Raises: P0002 no such registration (42501 in a session); 55000 it is not open; 28000; 42501.
Rules: [PRV-8] [PRV-10].';

CREATE FUNCTION bestauth.expire_registrations() RETURNS bigint
	AS 'MODULE_PATHNAME', 'bestauth_expire_registrations' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.expire_registrations() IS
'Sets invites whose time is over to INVALIDATED; their links stopped working by themselves. What somebody is working on is left for another time. For the operator, every so often.
Returns: how many.
Raises: 42501 not the operator; 55000.
Rules: [PRV-8] [PRV-10].';

CREATE FUNCTION bestauth.peek_registration(token text, OUT outcome text, OUT email text, OUT office text, OUT provider text,
	OUT role text, OUT expires_at timestamptz) RETURNS record
	AS 'MODULE_PATHNAME', 'bestauth_peek_registration' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.peek_registration(text) IS
'Tells what a registration link is good for, for the page that it opens. Writes nothing, so that a mail scanner can''t burn it.
Parameters: token: from the link.
Returns: outcome valid, expired or invalid; the rest for a valid one alone: email, office (its name), provider (at individual level, the name), role, expires_at.
Raises: 22023 NULL; 55000 instance closed.
Rules: [PRV-3] [E-13].';

CREATE FUNCTION bestauth.accept_registration(token text, username text, password text, first_name text, last_name text,
	details jsonb DEFAULT '{}', OUT outcome text, OUT user_id uuid) RETURNS record
	AS 'MODULE_PATHNAME', 'bestauth_accept_registration' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.accept_registration(text, text, text, text, text, jsonb) IS
'Accepts an invite: makes the account, with the role, office and level of the invite; who has the link has the mailbox, so the address counts as verified. The inviter must still be allowed to invite so. Gives no session: the user logs in. For anybody who has a link.
Parameters: token: from the link; username: see docs/usernames.md; password: as docs/passwords.md says; first_name, last_name; details: an object of strings or nulls; keys middle_name, title, phone.
Returns: outcome accepted, expired or invalid; user_id.
Raises: 23505 user name taken, UA001 password refused, 22023 bad argument: each leaves the link good; 25006 in a READ ONLY transaction; 53000 too many passwords are being hashed; 55000.
Rules: [PRV-2] [PRV-3] [PRV-5] [E-04] [E-07].';

CREATE FUNCTION bestauth.submit_registration(company text, identifier text, identifier_qualifier text, level text, npi text,
	role text, username text, password text, first_name text, last_name text, email text, claim_number text DEFAULT NULL,
	provider_birth_date date DEFAULT NULL, details jsonb DEFAULT '{}', portal text DEFAULT NULL,
	OUT registration_id uuid, OUT status text, OUT missing text[]) RETURNS record
	AS 'MODULE_PATHNAME', 'bestauth_submit_registration' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.submit_registration(text, text, text, text, text, text, text, text, text, text, text, text, date, jsonb, text) IS
'Asks for an account without an invite. A claim number out of the office''s history, with the date of birth of that claim''s provider, approves it at once where the company wants that; else it waits for a decision. Wrong answers are charged like wrong passwords, to the office, or provider, that is asked for: while it is locked, answers are not looked at and the request waits. The e-mail address is verified by a link before the first login. For anybody.
Parameters: company: code; identifier, identifier_qualifier: of the office, NULL for 24; level: tin or individual; npi: at individual level; role: one of the four of a provider portal, NULL for Provider - Self Registration User; username, password, first_name, last_name, email: of the account; claim_number, provider_birth_date: the answers; details: an object of strings or nulls; keys middle_name, title, phone; portal: code, needed where the company has several provider portals.
Returns: registration_id; status AUTO-APPROVED, PENDING-PROV-ADMIN-REVIEW, PENDING-ADMIN-REVIEW, or INVALIDATED: then missing names what was left out.
Raises: 23505 user name taken; UA001 password refused; 22023 bad argument; 55000 the company has no provider portal, or instance closed; 25006 in a READ ONLY transaction; 53000 too many passwords are being hashed.
Rules: [PRV-6] [PRV-7] [PRV-8] [F-07] [F-08].';

CREATE FUNCTION bestauth.set_auto_approval(enabled boolean, company text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_set_auto_approval' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.set_auto_approval(boolean, text) IS
'Switches automatic approval of requests on or off for a company. Takes a company administrator, or the operator.
Parameters: enabled; company: for the operator.
Returns: void.
Raises: 22023 NULL; P0002 no such company; 28000; 42501; 55000.
Rules: [PRV-7].';

CREATE FUNCTION bestauth.registration_console(status text DEFAULT NULL, search text DEFAULT NULL, page_size integer DEFAULT 100,
	after text DEFAULT NULL, company text DEFAULT NULL, portal text DEFAULT NULL, OUT registration_id uuid, OUT status text,
	OUT other_identifiers text, OUT id_code_qualifier text, OUT registered_provider_name text, OUT submitted_at timestamptz,
	OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_registration_console' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.registration_console(text, text, integer, text, text, text) IS
'Lists invites and requests, the newest first: at TIN level those of the session''s office, at individual level those of its provider, for the operator all. Takes manage_portal_users in an office, or the operator.
Parameters: status: one of the nine; search: how the first, last or user name, the name in full, the e-mail address or the identifier begins, without case; NULL does not filter; page_size: rows at most, 1 to 1000; after: the next of the page before; company, portal: for the operator, NULL for all.
Returns: registration_id, status, other_identifiers, id_code_qualifier, registered_provider_name (of an invite that is not accepted, the address), submitted_at, next.
Raises: 22023 unknown status, bad page_size or after; P0002 no such company; 28000; 42501; 55000.
Rules: [PRV-9].';

CREATE FUNCTION bestauth.registration_details(registration_id uuid, OUT registration_id uuid, OUT status text, OUT level text,
	OUT provider_number text, OUT other_identifiers text, OUT id_code_qualifier text, OUT office text, OUT account_type text,
	OUT npi text, OUT provider text, OUT role text, OUT username text, OUT first_name text, OUT middle_name text,
	OUT last_name text, OUT title text, OUT email text, OUT phone text, OUT claim_number_result text,
	OUT birth_date_result text, OUT missing text[], OUT submitted_at timestamptz, OUT expires_at timestamptz,
	OUT invited_by text, OUT granted_role text, OUT decided_by text, OUT decided_at timestamptz, OUT reason text,
	OUT user_id uuid, OUT history jsonb) RETURNS record
	AS 'MODULE_PATHNAME', 'bestauth_registration_details' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.registration_details(uuid) IS
'Everything that was sent with an invite or request, and what became of it; of the security answers only whether each matched. Takes manage_portal_users in its office, or the operator.
Parameters: registration_id.
Returns: one row; office, provider: names; claim_number_result, birth_date_result: none, matched or not matched; decided_by, decided_at: who and when, NULL while it waits; history: every status, with from, to, at, by and reason.
Raises: P0002 no such registration (42501 in a session); 28000; 42501; 55000.
Rules: [PRV-9] [F-12].';

CREATE FUNCTION bestauth.approve_registration(registration_id uuid, role text DEFAULT NULL, company text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_approve_registration' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.approve_registration(uuid, text, text) IS
'Approves a request that waits: the account is made with the password that was chosen, and the applicant is told by mail and sent the link that verifies the address. A request at TIN level is decided by a TIN-level administrator of its office, one at individual level also by an administrator of its provider, both also by the operator; nobody decides on their own. The decision is final.
Parameters: registration_id; role: another one than was asked for, of which a session holds everything; company: for the operator, its company or NULL.
Returns: the new status.
Raises: P0002 no such registration or role (42501 in a session); 55000 it does not wait any more, or its office or provider is not known yet; 23505 the user name was taken meanwhile; 28000; 42501, also for one''s own.
Rules: [PRV-10] [PRV-11] [F-11].';

CREATE FUNCTION bestauth.deny_registration(registration_id uuid, reason text) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_deny_registration' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.deny_registration(uuid, text) IS
'Declines a request that waits; the applicant is told the reason by mail. Who may is said at approve_registration. The decision is final.
Parameters: registration_id; reason: out of list_decline_reasons.
Returns: the new status.
Raises: 22023 reason not known; P0002 no such registration (42501 in a session); 55000 it does not wait any more; 28000; 42501, also for one''s own.
Rules: [PRV-10] [PRV-11] [F-11].';

CREATE FUNCTION bestauth.list_decline_reasons(page_size integer DEFAULT 100, after text DEFAULT NULL, OUT reason text, OUT next text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_list_decline_reasons' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.list_decline_reasons(integer, text) IS
'Lists the reasons for which a request can be declined, in their order. Takes manage_portal_users in an office, or the operator.
Parameters: page_size: rows at most, 1 to 1000; after: the next of the page before.
Returns: reason, next.
Raises: 22023 bad page_size; 28000; 42501; 55000.
Rules: [PRV-10].';
