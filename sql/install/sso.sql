CREATE TABLE bestauth.sso_key (
	company_id uuid NOT NULL,
	kid        text NOT NULL,
	issuer     text NOT NULL,
	alg        text NOT NULL COLLATE "C",
	public_key jsonb NOT NULL,
	claims     jsonb,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (company_id, kid)
);
COMMENT ON TABLE bestauth.sso_key IS
'Keys by whose signature people of a billing service are known here [TPB-5]. To take one away ends the sessions of its issuer''s people.';
COMMENT ON COLUMN bestauth.sso_key.alg IS 'The algorithm that it signs with, whatever a token says.';
COMMENT ON COLUMN bestauth.sso_key.claims IS 'Where an OpenID provider''s ID tokens have what; NULL for assertions of bestauth.';
SELECT pg_catalog.pg_extension_config_dump('bestauth.sso_key', '');

CREATE TABLE bestauth.sso_signing_key (
	kid        text PRIMARY KEY,
	company_id uuid NOT NULL,
	public_key jsonb NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	revoked_at timestamptz
);
COMMENT ON TABLE bestauth.sso_signing_key IS
'Keys with which this instance vouches for the people of a billing service. The private ones are files of bestauth.sso_key_directory, out of reach of SQL and of dumps.';
CREATE INDEX sso_signing_key_company_id_idx ON bestauth.sso_signing_key (company_id) WHERE revoked_at IS NULL;
SELECT pg_catalog.pg_extension_config_dump('bestauth.sso_signing_key', '');

CREATE TABLE bestauth.sso_person (
	user_id    uuid PRIMARY KEY,
	company_id uuid NOT NULL,
	issuer     text NOT NULL,
	subject    text NOT NULL,
	UNIQUE (company_id, issuer, subject)
);
COMMENT ON TABLE bestauth.sso_person IS
'Who the users of type federated are: issuer and subject, never a name or an e-mail address [B-08].';
SELECT pg_catalog.pg_extension_config_dump('bestauth.sso_person', '');

CREATE TABLE bestauth.sso_assertion (
	id_hash    bytea PRIMARY KEY,
	expires_at timestamptz NOT NULL
);
COMMENT ON TABLE bestauth.sso_assertion IS
'Assertions that were used, until they are good no more: each is used once. Bookkeeping, not audited.';
CREATE INDEX sso_assertion_expires_at_idx ON bestauth.sso_assertion (expires_at);
SELECT pg_catalog.pg_extension_config_dump('bestauth.sso_assertion', '');

CREATE FUNCTION bestauth.trust_sso_key(company text, jwk jsonb, issuer text DEFAULT NULL, claims jsonb DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_trust_sso_key' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.trust_sso_key(text, jsonb, text, jsonb) IS
'Lets a key say who somebody of a billing service is: one that the service''s own instance made with create_sso_key, or one of an OpenID provider that the service has. Keys of other issuers may be trusted beside it. For the operator of the customer''s instance. The same key again changes its claims alone.
Parameters: company: code of the service; jwk: a public JWK (RFC 7517) with kid, EC (P-256, P-384, P-521) or RSA of 2048 bits and more, or a JWKS, of which those for signing are taken; its alg, or the first that fits its kind, is what signatures must have; issuer: the iss of its tokens, NULL for the member iss of the key; claims: of an OpenID provider: audience (the client''s id) and user_type, the claim that must be or have the value restricted; subject (none that can change hands, as email), username, first_name, last_name: names of claims, else as OpenID Connect has them. NULL for assertions of bestauth.
Returns: void.
Raises: 22023 bad key or claims, or a private key; 23505 another key of that kid is trusted; P0002 no such company; 55000 not a billing service, or instance closed; 42501 not the operator.
Rules: [TPB-5] [B-08].';

CREATE FUNCTION bestauth.distrust_sso_key(company text, kid text) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_distrust_sso_key' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.distrust_sso_key(text, text) IS
'Takes a key''s trust away. Sessions of people known by its issuer end at once. For the operator.
Parameters: company: code of the service; kid: of the key.
Returns: void.
Raises: P0002 no such company or key; 55000 instance closed; 42501 not the operator.
Rules: [TPB-5] [TPB-9].';

CREATE FUNCTION bestauth.create_sso_key(company text) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'bestauth_create_sso_key' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.create_sso_key(text) IS
'Makes a key (ES256) with which this instance vouches for the people of a billing service: the private part in a file of bestauth.sso_key_directory, the public one for customers'' instances. Of two the older signs: make another one, have it trusted everywhere, then revoke the older. For the operator.
Parameters: company: code of the service.
Returns: the public JWK with kid, alg and iss, for register_billing_service and trust_sso_key elsewhere.
Raises: P0002 no such company; 55000 not a billing service, two keys already, no directory, or instance closed; F0000 the directory or file is not usable; 42501 not the operator; 25006.
Rules: [TPB-5].';

CREATE FUNCTION bestauth.revoke_sso_key(company text, kid text) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_revoke_sso_key' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.revoke_sso_key(text, text) IS
'Signs with a key no more, and removes its private part. What it signed is good where it is still trusted: see distrust_sso_key. For the operator.
Parameters: company: code of the service; kid: of the key.
Returns: void.
Raises: P0002 no such company, or no such key of it; 55000 instance closed, or no directory; 42501 not the operator; 25006.
Rules: [TPB-5].';

CREATE FUNCTION bestauth.issue_sso_assertion(audience text, nonce text) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_issue_sso_assertion' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.issue_sso_assertion(text, text) IS
'Says, signed, who the session''s person is, for the second part of a login in another instance, or for a session there that goes on. Takes a session of their own of a user who may be a second part. It is good for bestauth.sso_assertion_lifetime (60 s), once.
Parameters: audience: as login there returned it, instance/company; nonce: the challenge_id that it returned, or the id of the session to be renewed. At most 200 bytes each.
Returns: a JWT (RFC 7519), compact.
Raises: 22023 bad argument; 28000 no session; 42501 another type of user, or a key''s session; 55000 not a billing service, no key, or instance closed; F0000 the key''s file is not usable; 25006.
Rules: [TPB-5] [TPB-8].';

CREATE FUNCTION bestauth.login_second_part_sso(challenge_token text, assertion text,
	client_addr text DEFAULT NULL, client_info text DEFAULT NULL) RETURNS bestauth.login_result
	AS 'MODULE_PATHNAME', 'bestauth_login_second_part_sso' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.login_second_part_sso(text, text, text, text) IS
'The second part by an assertion of where the person signs on: the service''s own instance, or an OpenID provider. The person is issuer and subject, a user of type federated here, made at the first such login and named as asserted. The session lasts bestauth.sso_session_limit (15 minutes) and goes on by renew_session_sso. An assertion is charged to the challenge, as a password is.
Parameters: challenge_token: from login; assertion: JWT for the audience and the challenge_id that login returned, at most 16384 bytes; client_addr, client_info: for the audit.
Returns: login_result; authenticated or denied.
Raises: as login.
Rules: [TPB-5] [TPB-6] [TPB-7] [B-08] [B-09].';

CREATE FUNCTION bestauth.renew_session_sso(session_token text, assertion text,
	client_addr text DEFAULT NULL, client_info text DEFAULT NULL) RETURNS bestauth.login_result
	AS 'MODULE_PATHNAME', 'bestauth_renew_session_sso' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.renew_session_sso(text, text, text, text) IS
'Lets a session that rests on an assertion go on for bestauth.sso_session_limit from now, by another assertion of the same person; no longer than bestauth.session_absolute_limit in all.
Parameters: session_token; assertion: for the same audience, with the session_id that use_session returns as nonce; client_addr, client_info: for the audit.
Returns: login_result: authenticated with the new expires_at, or denied; the session is what it was then.
Raises: as login.
Rules: [TPB-9].';
