CREATE FUNCTION bestauth.spreadsheet_text(value text) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_spreadsheet_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bestauth.spreadsheet_text(text) IS
'Puts an apostrophe before a text that a spreadsheet would take for a formula: one that begins with =, +, - or @, also behind spaces, quotes and characters that are not seen, or with a tab or the end of a line. For exports of an application''s own; what writes the file must quote cells as RFC 4180 says, as COPY does.
Parameters: value.
Returns: text: other texts as they are.
Rules: [PRV-17].';

CREATE FUNCTION bestauth.search_users(first_name text DEFAULT NULL, last_name text DEFAULT NULL,
	username text DEFAULT NULL, role text DEFAULT NULL, user_type text DEFAULT NULL, office text DEFAULT NULL,
	locked boolean DEFAULT NULL, deleted boolean DEFAULT NULL, page_size integer DEFAULT 100, after text DEFAULT NULL,
	company text DEFAULT NULL, portal text DEFAULT NULL,
	OUT name text, OUT username text, OUT user_type text, OUT office text, OUT role text, OUT locked boolean,
	OUT locked_until timestamptz, OUT deleted boolean, OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_search_users' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.search_users(text, text, text, text, text, text, boolean, boolean, integer, text, text, text) IS
'Lists users in the order of their user names: those of a company who are in no portal, or those of a portal; in a session of an office those of the office, at individual level those of its provider. Takes manage_users, or manage_portal_users in an office, or the operator.
Parameters: first_name, last_name: how they begin, without case and accents; username: how it begins, without case; role: its name; user_type; office: its identifier, however it is typed, or how its name begins; locked: by an administrator or after wrong passwords; deleted; NULL does not filter; page_size: rows at most, 1 to 1000; after: the next of the page before; company: for the operator; portal: code, also in a session that is in none.
Returns: name, username, user_type, office (its identifier), role (names, with commas), locked, locked_until (after wrong passwords; NULL where only unlock_user ends it), deleted, next.
Raises: 22023 unknown user_type or bad page_size; P0002 no such portal (42501 in a session); 28000; 42501; 55000.
Rules: [PRV-16] [PRV-17].';

CREATE FUNCTION bestauth.count_users(first_name text DEFAULT NULL, last_name text DEFAULT NULL,
	username text DEFAULT NULL, role text DEFAULT NULL, user_type text DEFAULT NULL, office text DEFAULT NULL,
	locked boolean DEFAULT NULL, deleted boolean DEFAULT NULL, company text DEFAULT NULL, portal text DEFAULT NULL)
	RETURNS bigint
	AS 'MODULE_PATHNAME', 'bestauth_count_users' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.count_users(text, text, text, text, text, text, boolean, boolean, text, text) IS
'Tells how many users search_users lists on all its pages. Takes the same.
Parameters: as in search_users.
Returns: bigint.
Raises: 22023 unknown user_type; P0002 no such portal (42501 in a session); 28000; 42501; 55000.
Rules: [PRV-17].';

CREATE FUNCTION bestauth.export_users(first_name text DEFAULT NULL, last_name text DEFAULT NULL,
	username text DEFAULT NULL, role text DEFAULT NULL, user_type text DEFAULT NULL, office text DEFAULT NULL,
	locked boolean DEFAULT NULL, deleted boolean DEFAULT NULL, company text DEFAULT NULL, portal text DEFAULT NULL,
	OUT name text, OUT username text, OUT office text, OUT role text, OUT locked boolean, OUT lockout_time timestamptz,
	OUT deleted boolean) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_export_users' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.export_users(text, text, text, text, text, text, boolean, boolean, text, text) IS
'Lists what search_users lists, all of it in one, for a file: COPY (SELECT * FROM bestauth.export_users()) TO STDOUT (FORMAT csv, HEADER). Texts are as spreadsheet_text makes them. Leaves a row users.exported with the count in the audit. Takes the same as search_users.
Parameters: as in search_users.
Returns: name, username, office, role, locked, lockout_time (when the lock after wrong passwords ends), deleted.
Raises: 22023 unknown user_type; P0002 no such portal (42501 in a session); 25006 in a READ ONLY transaction; 28000; 42501; 55000.
Rules: [PRV-16] [PRV-17].';
