CREATE TABLE bestauth.session (
	session_id         uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	token_hash         bytea NOT NULL UNIQUE,
	user_id            uuid NOT NULL,
	person_id          uuid NOT NULL,
	company_id         uuid NOT NULL,
	billing_service_id uuid,
	user_version       integer NOT NULL,
	person_version     integer NOT NULL,
	service_version    integer,
	client_addr        text,
	client_info        text,
	created_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
	expires_at         timestamptz NOT NULL,
	ended_at           timestamptz,
	CHECK ((billing_service_id IS NULL) = (service_version IS NULL)),
	CHECK ((billing_service_id IS NULL) = (user_id = person_id))
);
COMMENT ON TABLE bestauth.session IS
'Sessions. Of a two-part login user_id is the key and person_id the person of the service [TPB-6].';
COMMENT ON COLUMN bestauth.session.company_id IS 'The company of the user. Where the session is, if elsewhere, says session_company.';
ALTER TABLE bestauth.session ALTER token_hash SET STATISTICS 0;
CREATE INDEX session_user_id_idx ON bestauth.session (user_id) WHERE ended_at IS NULL;
CREATE INDEX session_person_id_idx ON bestauth.session (person_id) WHERE ended_at IS NULL;
-- Ended ones as well: when a person last used a key [TPB-8].
CREATE INDEX session_key_person_idx ON bestauth.session (person_id, user_id) WHERE billing_service_id IS NOT NULL;
SELECT pg_catalog.pg_extension_config_dump('bestauth.session', '');

CREATE TABLE bestauth.session_use (
	session_id   uuid PRIMARY KEY,
	last_used_at timestamptz NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE bestauth.session_use IS
'When a session was last used, to a tenth of the idle limit. Bookkeeping, not audited.';
SELECT pg_catalog.pg_extension_config_dump('bestauth.session_use', '');

CREATE TABLE bestauth.session_company (
	session_id uuid PRIMARY KEY,
	company_id uuid NOT NULL
);
COMMENT ON TABLE bestauth.session_company IS
'Where sessions are that switched to another company than their user''s own [MCM-7].';
SELECT pg_catalog.pg_extension_config_dump('bestauth.session_company', '');

CREATE TABLE bestauth.user_use (
	user_id       uuid PRIMARY KEY,
	last_login_at timestamptz NOT NULL
);
COMMENT ON TABLE bestauth.user_use IS
'When a user last logged in, of sessions that purge_expired() removed. Bookkeeping, not audited.';
SELECT pg_catalog.pg_extension_config_dump('bestauth.user_use', '');

CREATE FUNCTION bestauth.use_session(session_token text, OUT session_id uuid, OUT user_id uuid,
	OUT person_id uuid, OUT company_id uuid, OUT expires_at timestamptz) RETURNS record
	AS 'MODULE_PATHNAME', 'bestauth_use_session' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.use_session(text) IS
'Makes the session the identity of this transaction: checks everything once (expiry, idle time, user, person, key, service), after which the current_... functions, has_permission and policies go by it to the transaction''s end. A savepoint rolled back brings the identity before it back. Outside a transaction block the identity ends with the statement, and a WARNING says so. Call it first in every transaction.
Parameters: session_token: from login.
Returns: session_id, user_id, person_id (the human: the second part''s user, else the user), company_id, expires_at.
Raises: 28000 the session is no good, whatever the reason; 55000 instance closed.
Rules: [TPB-6] [TPB-9] [MCM-8].';

CREATE FUNCTION bestauth.logout(session_token text) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_logout' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.logout(text) IS
'Ends a session. An unknown or ended one is no error.
Parameters: session_token.
Returns: void.
Raises: 22023 NULL; 55000 instance closed.
Rules: [AUD-1].';

CREATE FUNCTION bestauth.revoke_sessions(username text, company text DEFAULT NULL, portal text DEFAULT NULL) RETURNS integer
	AS 'MODULE_PATHNAME', 'bestauth_revoke_sessions' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.revoke_sessions(text, text, text) IS
'Ends all sessions of a user; of a key those of all who came with it, of a service''s person those at its customers as well. The password stays; where a transaction that is still open is ending one of them, links that the user was sent end as well. Takes manage_users, or the operator; for the session''s own user nothing.
Parameters: username; company, portal: for the operator.
Returns: how many were ended.
Raises: P0002 no such user (42501 in a session); 28000; 42501; 55000.
Rules: [TPB-9] [D-11].';

CREATE FUNCTION bestauth.list_sessions(username text, page_size integer DEFAULT 100, after text DEFAULT NULL,
	company text DEFAULT NULL, portal text DEFAULT NULL,
	OUT session_id uuid, OUT company text, OUT username text, OUT person text, OUT client_addr text,
	OUT client_info text, OUT created_at timestamptz, OUT last_used_at timestamptz, OUT expires_at timestamptz,
	OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_list_sessions' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.list_sessions(text, integer, text, text, text) IS
'Lists the open sessions of a user, those that revoke_sessions would end and use_session still takes. Takes manage_users, or the operator; for the session''s own user nothing.
Parameters: username; page_size: rows at most, 1 to 1000; after: the next of the page before; company, portal: for the operator.
Returns: company: code of where the session is; username: of the user, or the key; person: service/username of a service''s person; last_used_at: to a tenth of the idle limit.
Raises: P0002 no such user (42501 in a session); 22023; 28000; 42501; 55000.
Rules: [TPB-9].';

CREATE FUNCTION bestauth.current_session_id() RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_current_session_id' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION bestauth.current_session_id() IS
'Tells the session of this transaction.
Returns: uuid, NULL without one.
Rules: [D-01].';
CREATE FUNCTION bestauth.current_user_id() RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_current_user_id' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION bestauth.current_user_id() IS
'Tells the user of this transaction''s session: of a two-part login, the key.
Returns: uuid, NULL without a session.
Rules: [TPB-6].';
CREATE FUNCTION bestauth.current_person_id() RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_current_person_id' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION bestauth.current_person_id() IS
'Tells the human behind this transaction''s session: the second part''s user, else the user.
Returns: uuid, NULL without a session.
Rules: [TPB-6].';
CREATE FUNCTION bestauth.current_company_id() RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_current_company_id' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION bestauth.current_company_id() IS
'Tells the company that this transaction''s session is in.
Returns: uuid, NULL without a session.
Rules: [MCM-7].';
CREATE FUNCTION bestauth.current_billing_service_id() RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_current_billing_service_id' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION bestauth.current_billing_service_id() IS
'Tells the billing service that this transaction''s session came through.
Returns: uuid, NULL without a session, or in one that is not of a two-part login.
Rules: [TPB-6].';

CREATE FUNCTION bestauth.current_office_id() RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_current_office_id' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION bestauth.current_office_id() IS
'Tells the office of this transaction''s session.
Returns: uuid, NULL without a session, and in one of somebody who is of no office.
Rules: [PRV-19].';

CREATE FUNCTION bestauth.current_provider_id() RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_current_provider_id' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION bestauth.current_provider_id() IS
'Tells the provider that this transaction''s session at individual level is for.
Returns: uuid, NULL without a session, and in one that sees a whole office.
Rules: [PRV-19].';

CREATE FUNCTION bestauth.has_permission(permission text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'bestauth_has_permission' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION bestauth.has_permission(text) IS
'Tells whether this transaction''s session holds a permission. For applications and policies.
Parameters: permission: name.
Returns: boolean, false without a session and for NULL.
Rules: [MCM-8] [D3].';
-- The two predicates are LEAKPROOF, so that they may be asked before the conditions of
-- other policies and views, and their index be used. The proof: the argument is sixteen
-- bytes, never toasted; it is hashed and compared, nothing else is done with it, nothing
-- is written and nothing raised; the boolean is all that comes out [H-09].
CREATE FUNCTION bestauth.can_access_company_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'bestauth_can_access_company_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION bestauth.can_access_company_support(internal) IS
'Planner support of can_access_company: lets a policy use an index, and estimates its rows.';
CREATE FUNCTION bestauth.can_access_company(company_id uuid) RETURNS boolean
	AS 'MODULE_PATHNAME', 'bestauth_can_access_company' LANGUAGE C STABLE LEAKPROOF PARALLEL SAFE
	SUPPORT bestauth.can_access_company_support;
COMMENT ON FUNCTION bestauth.can_access_company(uuid) IS
'Tells whether this transaction''s session may enter a company: its own, a child that its role or an assignment gives, or any child for a company administrator. For policies on any table: written with it alone they use a btree index whose first column is the company. A cursor goes on with the session in which it was first fetched from.
Parameters: company_id.
Returns: boolean, false without a session and for NULL.
Rules: [MCM-2] [MCM-5] [MCM-7].';
CREATE FUNCTION bestauth.accessible_company_ids() RETURNS uuid[]
	AS 'MODULE_PATHNAME', 'bestauth_accessible_company_ids' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION bestauth.accessible_company_ids() IS
'Lists the companies that this transaction''s session may enter, as use_session found them.
Returns: uuid array, empty without a session.
Rules: [MCM-7].';

CREATE FUNCTION bestauth.can_access_provider_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'bestauth_can_access_provider_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION bestauth.can_access_provider_support(internal) IS
'Planner support of can_access_provider: lets a policy use an index, and estimates its rows.';
CREATE FUNCTION bestauth.can_access_provider(provider_id uuid) RETURNS boolean
	AS 'MODULE_PATHNAME', 'bestauth_can_access_provider' LANGUAGE C STABLE LEAKPROOF PARALLEL SAFE
	SUPPORT bestauth.can_access_provider_support;
COMMENT ON FUNCTION bestauth.can_access_provider(uuid) IS
'Tells whether this transaction''s session sees a provider: at individual level its own, at TIN level each of its office. For policies on any table, as can_access_company is.
Parameters: provider_id.
Returns: boolean, false without a session, in one of no office, and for NULL.
Rules: [PRV-19].';

CREATE FUNCTION bestauth.visible_provider_ids() RETURNS uuid[]
	AS 'MODULE_PATHNAME', 'bestauth_visible_provider_ids' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION bestauth.visible_provider_ids() IS
'Lists the providers that this transaction''s session sees, as use_session found them.
Returns: uuid array, empty without a session and in one of no office.
Rules: [PRV-19].';
