CREATE TABLE bestauth.company (
	company_id  uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	code        text NOT NULL,
	name        text NOT NULL CHECK (name <> ''),
	parent_id   uuid,
	auto_approval boolean NOT NULL DEFAULT true,
	created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE bestauth.company IS 'Companies: customers, billing services, parents and their children.';
COMMENT ON COLUMN bestauth.company.code IS 'What people type; unique without regard to ASCII case, never changed.';
-- parent_id is checked by a trigger: a foreign key to the own table would make
-- every pg_dump warn of circular keys.
COMMENT ON COLUMN bestauth.company.parent_id IS 'The parent company; one level only [MCM-1].';
COMMENT ON COLUMN bestauth.company.auto_approval IS
'Whether right security answers approve a provider''s request at once [PRV-7].';
CREATE UNIQUE INDEX company_code_key ON bestauth.company (lower(code COLLATE "C"));
-- Row security does not hide what pg_stats shows of an index on an expression.
ALTER INDEX bestauth.company_code_key ALTER COLUMN 1 SET STATISTICS 0;
CREATE INDEX company_parent_id_idx ON bestauth.company (parent_id) WHERE parent_id IS NOT NULL;
SELECT pg_catalog.pg_extension_config_dump('bestauth.company', '');

CREATE TABLE bestauth.billing_service (
	company_id      uuid PRIMARY KEY,
	registered_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
	unregistered_at timestamptz,
	version         integer NOT NULL DEFAULT 1
);
COMMENT ON TABLE bestauth.billing_service IS 'Companies registered as independent billing services [IBS-1].';
COMMENT ON COLUMN bestauth.billing_service.version IS
'Rises with every registration and unregistration; a session that rests on another version is over [TPB-9].';
SELECT pg_catalog.pg_extension_config_dump('bestauth.billing_service', '');

CREATE FUNCTION bestauth.create_company(code text, name text, parent text DEFAULT NULL) RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_create_company' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.create_company(text, text, text) IS
'Makes a company. For the operator.
Parameters: code: what people will type, letters, digits, dash, underscore, at most 63; name: shown to people; parent: code of the parent company, which must have none itself.
Returns: uuid of the company.
Raises: 23505 code taken; 22023 bad argument; P0002 no such parent; 23514 parent is a child itself; 42501 not the operator; 55000 instance closed.
Rules: [MCM-1] [TPB-1].';

CREATE FUNCTION bestauth.register_billing_service(company text, sso_key jsonb DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_register_billing_service' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.register_billing_service(text, jsonb) IS
'Registers a company as an independent billing service; its users may exist before. For the operator. Registering again after unregister_billing_service does not bring old sessions back.
Parameters: company: code; sso_key: a public JWK that create_sso_key made in the service''s own instance; NULL for none, see trust_sso_key.
Returns: void.
Raises: P0002 no such company; 55000 registered already, or instance closed; 22023, 23505 bad key, as trust_sso_key; 42501 not the operator.
Rules: [IBS-1] [TPB-2].';

CREATE FUNCTION bestauth.unregister_billing_service(company text) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_unregister_billing_service' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.unregister_billing_service(text) IS
'Takes the registration away. Every session that rests on the service is refused at its next use; its keys at customers stay, and admit nobody. For the operator.
Parameters: company: code of the service.
Returns: void.
Raises: P0002 no such company; 55000 not registered, or instance closed; 42501 not the operator.
Rules: [TPB-2] [TPB-9].';

CREATE FUNCTION bestauth.list_billing_services(page_size integer DEFAULT 100, after text DEFAULT NULL,
	OUT code text, OUT name text, OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_list_billing_services' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.list_billing_services(integer, text) IS
'Lists the registered billing services, for a form in which a key is made. Takes manage_users, or the operator.
Parameters: page_size: rows at most, 1 to 1000; after: the next of the page before.
Returns: code, name, and next, which asks for the following page when it is given as after.
Raises: 28000 no session; 42501 no permission; 22023 bad page_size.
Rules: [TPB-2].';
