CREATE TYPE bestauth.login_result AS (
	outcome         text,
	session_token   text,
	challenge_token text,
	challenge_id    uuid,
	expires_at      timestamptz,
	billing_service text,
	audience        text
);
COMMENT ON TYPE bestauth.login_result IS
'What a login comes to. outcome: authenticated (session_token is set), second_part_required (challenge_token, challenge_id, the service''s name, audience), password_change_required (challenge_token is for set_password), denied. expires_at is that of the token; a session ends sooner when it is not used. audience, instance/company, and challenge_id are for single sign-on.';

CREATE FUNCTION bestauth.login(company text, username text, password text, portal text DEFAULT NULL,
	client_addr text DEFAULT NULL, client_info text DEFAULT NULL) RETURNS bestauth.login_result
	AS 'MODULE_PATHNAME', 'bestauth_login' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.login(text, text, text, text, text, text) IS
'Logs a user in, or a key in for the second part. The guess is charged durably before the password is looked at, whatever the caller''s transaction does next. A wrong name, a wrong password, a lock, a deletion and a missing password all look the same: denied. Call it in FROM.
Parameters: company: code; username; password; portal: code; client_addr, client_info: of the person''s own machine, as the application knows them, for the audit.
Returns: login_result.
Raises: 22023 company, username or password NULL; 55000 instance closed; 53000 the guess could not be charged in time; 25006 on a standby or in a READ ONLY transaction.
Rules: [TPB-4] [IBS-4] [PRV-16] [C-01] [C-03].';

CREATE FUNCTION bestauth.login_second_part(challenge_token text, username text, password text,
	client_addr text DEFAULT NULL, client_info text DEFAULT NULL) RETURNS bestauth.login_result
	AS 'MODULE_PATHNAME', 'bestauth_login_second_part' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.login_second_part(text, text, text, text, text) IS
'The second part of a two-part login: the person''s own account in the billing service. The session has the permissions of the key and names both. A wrong guess is charged to the person and to the challenge; the challenge is used up by success.
Parameters: challenge_token: from login; username, password: of the person in the service; client_addr, client_info: for the audit.
Returns: login_result; authenticated, denied, or password_change_required, after which the challenge is still good.
Raises: as login.
Rules: [TPB-5] [TPB-6] [TPB-7] [IBS-4].';

CREATE FUNCTION bestauth.login_second_part_session(challenge_token text, session_token text,
	client_addr text DEFAULT NULL, client_info text DEFAULT NULL) RETURNS bestauth.login_result
	AS 'MODULE_PATHNAME', 'bestauth_login_second_part_session' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.login_second_part_session(text, text, text, text) IS
'The second part by a session that the person has in the billing service, in this database.
Parameters: challenge_token: from login; session_token: the person''s own; client_addr, client_info: for the audit.
Returns: login_result; authenticated or denied.
Raises: as login.
Rules: [TPB-5] [TPB-6] [TPB-7] [TPB-8].';
