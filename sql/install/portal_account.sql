CREATE FUNCTION bestauth.create_portal_account(contact_id uuid, confirm_email text, portal text DEFAULT NULL,
	company text DEFAULT NULL) RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_create_portal_account' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.create_portal_account(uuid, text, text, text) IS
'Makes a portal account for a contact, whose e-mail address is its user name. The address is sent a link by which a password is set; then a verification link, good for bestauth.verification_lifetime (30 minutes), makes the account active. Called again before that, it sends a new link, and the one before stops working. Takes web_portal, which nobody has by default, or the operator.
Parameters: contact_id: of type client or individual; confirm_email: the contact''s address, as the caller was shown it; portal: code, NULL where the company has one client portal; company: for the operator, who may leave it out.
Returns: uuid of the account, a user of type client.
Raises: 55000 the contact has no address, the company no client portal, or instance closed; 22023 another address or a bad one, or portal NULL where there are several; 23514 contact of another type, or without a full name; 23505 the contact has an active or locked account, or the address an account, in that portal; P0002 no such contact or portal (42501 in a session); 28000; 42501.
Rules: [PRT-1] [PRT-2] [PRT-3] [PRT-4] [PRT-5] [PRT-8].';

CREATE FUNCTION bestauth.portal_instructions(account_id uuid, company text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_portal_instructions' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.portal_instructions(uuid, text) IS
'The instructions for the owner of a portal account, for printing. The link stands in the mail alone, and the text says so; it is the template portal_instructions of mail_template. Takes web_portal, or the operator.
Parameters: account_id: from create_portal_account; company: for the operator, who may leave it out.
Returns: text.
Raises: P0002 no such account (42501 in a session); 22023 NULL; 28000; 42501; 55000.
Rules: [PRT-5].';

CREATE FUNCTION bestauth.register_portal_account(company text, portal text, email text, password text,
	first_name text, last_name text, OUT outcome text) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_register_portal_account' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.register_portal_account(text, text, text, text, text, text) IS
'A client asks for an account on a portal''s own page. The address is sent a verification link, which makes the account, with a contact of type client, and makes it active. Whether the address has an account shows nowhere but in its mailbox: then its owner is told so there. Asking again replaces what was asked before, and its link. Takes no session.
Parameters: company: code; portal: code, NULL where the company has one client portal; email; password: as docs/passwords.md says; first_name, last_name.
Returns: verification_sent, always.
Raises: UA001 the policy refuses the password, reasons in DETAIL; 22023 bad address or argument, a provider portal, or portal NULL where there are several; P0002 no such portal; 55000 portal NULL where the company has no client portal, or is not there, or instance closed; 53000 too many passwords are being hashed; 25006 in a READ ONLY transaction.
Rules: [PRT-7] [PRT-8] [E-10].';

CREATE FUNCTION bestauth.peek_verification(token text, OUT outcome text) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_peek_verification' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.peek_verification(text) IS
'Tells what a verification link is good for. Never writes, so a mail scanner can''t use it up.
Parameters: token: from the link.
Returns: valid; expired; invalid, when it is used, replaced or unknown.
Raises: 22023 NULL; 55000 instance closed.
Rules: [PRT-6] [E-13].';

CREATE FUNCTION bestauth.verify_email(token text, OUT outcome text) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_verify_email' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.verify_email(text) IS
'Proves the address of a portal account by the link that was sent to it, and makes the account active. It gives no session: its owner logs in. The link works once.
Parameters: token: from the link.
Returns: accepted; expired, when the link is too old; invalid, when it is used, replaced or unknown.
Raises: 22023 NULL; 25006 in a READ ONLY transaction; 40001 the address got an account at the same moment; 55000 instance closed.
Rules: [PRT-6] [PRT-7] [E-04] [E-11].';

CREATE FUNCTION bestauth.resend_verification(company text, portal text, email text, OUT outcome text) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_resend_verification' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.resend_verification(text, text, text) IS
'Sends the owner of an address what their portal account still waits for, if it waits for something: the link by which a password is set, or the verification link. The links before stop working. At most three an hour. Takes no session.
Parameters: company: code; portal: code, NULL where the company has one client portal; email: in a provider portal of the newest account with it that waits.
Returns: verification_sent, always; the audit knows.
Raises: 22023 bad address, or portal NULL where there are several; P0002 no such portal; 55000 portal NULL where the company has no client portal, or is not there, or instance closed; 53000; 25006.
Rules: [PRT-8] [PRV-8] [E-10] [I-07].';

CREATE VIEW bestauth.portal_accounts WITH (security_barrier) AS
	SELECT c.code AS company, p.code AS portal, u.username, k.contact_type, concat_ws(' ', u.first_name, u.last_name) AS name,
		CASE WHEN u.deleted_at IS NOT NULL THEN 'deleted'
			WHEN u.locked_at IS NOT NULL THEN 'locked'
			WHEN u.verified_at IS NOT NULL THEN 'active'
			ELSE 'waiting' END AS state,
		u.created_at, u.verified_at
	FROM bestauth.user_account u
	JOIN bestauth.portal p ON p.portal_id = u.portal_id
	JOIN bestauth.company c ON c.company_id = u.company_id
	JOIN bestauth.contact k ON k.contact_id = u.contact_id
	WHERE (SELECT bestauth.has_access('auditor'));
COMMENT ON VIEW bestauth.portal_accounts IS
'The portal accounts of clients and what they wait for: state is waiting (for a password or the verification), active, locked or deleted. For the operator and the auditor [PRT-6].';
