-- Reports of the audit. Each takes audit_report, and whoever reads is written down.

CREATE FUNCTION bestauth.audit_report(since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
	username text DEFAULT NULL, person text DEFAULT NULL, action text DEFAULT NULL, company text DEFAULT NULL,
	page_size integer DEFAULT NULL, after text DEFAULT NULL,
	OUT audit_id bigint, OUT occurred_at timestamptz, OUT company_id uuid, OUT user_id uuid,
	OUT person_id uuid, OUT billing_service_id uuid, OUT session_id uuid, OUT db_role text,
	OUT client_addr text, OUT application_name text, OUT action text, OUT outcome text,
	OUT object_type text, OUT object_id text, OUT old_values jsonb, OUT new_values jsonb,
	OUT detail jsonb, OUT company text, OUT username text, OUT person text,
	OUT billing_service text, OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_audit_report' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.audit_report(timestamptz, timestamptz, text, text, text, text, integer, text) IS
'The audit report of a company: what was done in it and refused in it, with user (of a two-part login the key), person and service as they were named then. A service also sees what its own people did at its customers. Takes audit_report in a session, which sees its own company; the auditor and the operator see any.
Parameters: since: from this moment; until: before this moment; username: of the user or key; person: user name, or service/username; action: the whole name, or a prefix ending in .* as login.*; company: code, for the operator and the auditor, NULL for all; page_size: rows at most, NULL for all; after: the next of the page before.
Returns: rows in the order of time; company and billing_service are codes; the next of a page''s last row is where the following page goes on.
Raises: 42501 no permission, or another company in a session; P0002 no such company; 22023 bad page_size or after; 28000; 55000.
Rules: [AUD-4] [J-11] [TPB-6] [IBS-8].';

CREATE FUNCTION bestauth.access_denied(since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
	company text DEFAULT NULL, page_size integer DEFAULT NULL, after text DEFAULT NULL,
	OUT audit_id bigint, OUT occurred_at timestamptz, OUT company text, OUT named text, OUT person text,
	OUT billing_service text, OUT db_role text, OUT action text, OUT object_type text, OUT object_id text,
	OUT reason text, OUT rule text, OUT client_addr text, OUT application_name text, OUT times integer,
	OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_access_denied' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.access_denied(timestamptz, timestamptz, text, integer, text) IS
'What was refused in a company, and to its own people elsewhere: logins, links, calls. Takes audit_report in a session, which sees its own company; the auditor and the operator see any.
Parameters: since: from this moment; until: before this moment; company: code, for the operator and the auditor, NULL for all; page_size: rows at most, NULL for all; after: the next of the page before.
Returns: rows in the order of time; named: the user whose account it was about, or what was typed where nobody has that name; person: who called, in a session; object_type, object_id: what was refused, as a function; reason: that the caller may not have been told; client_addr: as the application said, else of the connection; times: how many refusals the row stands for; next: of a page''s last row, where the following page goes on.
Raises: 42501 no permission, or another company in a session; P0002 no such company; 22023 bad page_size or after; 28000; 55000.
Rules: [AUD-4] [AUD-7] [J-11].';

CREATE FUNCTION bestauth.privilege_changes(since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
	company text DEFAULT NULL, page_size integer DEFAULT NULL, after text DEFAULT NULL,
	OUT audit_id bigint, OUT occurred_at timestamptz, OUT company text, OUT by_user text, OUT by_person text,
	OUT billing_service text, OUT db_role text, OUT action text, OUT subject text, OUT change jsonb,
	OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_privilege_changes' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.privilege_changes(timestamptz, timestamptz, text, integer, text) IS
'Who gave or took which right from whom: roles, permissions, companies, access of database roles, keys, new, locked and deleted users. One row an act. A change of a row is shown where no act of the same transaction stands for it: direct SQL, or an account that a registration or sign-up made. Takes audit_report in a session, which sees its own company; the auditor and the operator see any.
Parameters: since: from this moment; until: before this moment; company: code, for the operator and the auditor, NULL for all; page_size: rows at most, NULL for all; after: the next of the page before.
Returns: rows in the order of time; by_user: the user or key, NULL outside a session; by_person: the human, a service''s as service/username; subject: the user, role or company that was given something, or from whom it was taken; change: what, with the table if it was a change of a row; next: of a page''s last row, where the following page goes on.
Raises: 42501 no permission, or another company in a session; P0002 no such company; 22023 bad page_size or after; 28000; 55000.
Rules: [AUD-4] [J-11] [TPB-6].';

CREATE FUNCTION bestauth.person_trail(person text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
	company text DEFAULT NULL, page_size integer DEFAULT NULL, after text DEFAULT NULL,
	OUT audit_id bigint, OUT occurred_at timestamptz, OUT company text, OUT username text, OUT person text,
	OUT billing_service text, OUT session_id uuid, OUT action text, OUT outcome text, OUT object_type text,
	OUT object_id text, OUT old_values jsonb, OUT new_values jsonb, OUT detail jsonb, OUT client_addr text,
	OUT application_name text, OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_person_trail' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.person_trail(text, timestamptz, timestamptz, text, integer, text) IS
'Everything that one person did, in whatever company: of a billing service''s person at every customer, with the key that let them in; and what was refused to them. Takes audit_report in a session, which sees its own company, and what its own people did elsewhere; the auditor and the operator see any.
Parameters: person: company/username, or the name of a user of the company; since: from this moment; until: before this moment; company: code, for the operator and the auditor, as a session of that company sees it, NULL for everywhere; page_size: rows at most, NULL for all; after: the next of the page before.
Returns: rows in the order of time; company: where; username: of a two-part login the key; next: of a page''s last row, where the following page goes on.
Raises: 42501 no permission, or another company in a session; P0002 outside a session, no such company or person; 22023 bad person, page_size or after; 28000; 55000.
Rules: [AUD-4] [J-11] [TPB-6] [IBS-8].';

CREATE FUNCTION bestauth.audit_html(since timestamptz, until timestamptz, company text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_audit_html' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.audit_html(timestamptz, timestamptz, text) IS
'The audit of a period as a page of HTML, to read, print and hand over: what was done and refused by day and hour, by whom, in which company, and who was given which right. One file, with its charts, and nothing else is fetched. psql -At -c "SELECT bestauth.audit_html(''2026-11-01'', ''2026-12-01'')" > report.html. Takes audit_report in a session, which sees its own company, and what its own people did elsewhere; the auditor and the operator see any.
Parameters: since, until: the period, from the first moment and before the second; company: code, for the operator and the auditor, NULL for all.
Returns: a document of HTML 5 that is well-formed XML too, in ASCII.
Raises: 42501 no permission, or another company in a session; P0002 no such company; 22023 no period; 28000; 55000.
Rules: [AUD-4] [J-11].';
