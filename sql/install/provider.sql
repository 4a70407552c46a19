CREATE TABLE bestauth.provider (
	provider_id uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	company_id  uuid NOT NULL,
	office_id   uuid NOT NULL,
	npi         text NOT NULL COLLATE "C",
	first_name  text NOT NULL CHECK (length(first_name) BETWEEN 1 AND 100),
	last_name   text NOT NULL CHECK (length(last_name) BETWEEN 1 AND 100),
	birth_date  date,
	created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	UNIQUE (office_id, npi)
);
COMMENT ON TABLE bestauth.provider IS 'Providers of an office; who works in two offices is one in each [PRV-1].';
COMMENT ON COLUMN bestauth.provider.npi IS 'National Provider Identifier: ten digits.';
COMMENT ON COLUMN bestauth.provider.birth_date IS
'An answer to a security question: shown by no function, and not in the audit [PRV-7].';
ALTER TABLE bestauth.provider ALTER birth_date SET STATISTICS 0;
SELECT pg_catalog.pg_extension_config_dump('bestauth.provider', '');

CREATE FUNCTION bestauth.create_provider(office_id uuid, npi text, first_name text, last_name text, birth_date date) RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_create_provider' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.create_provider(uuid, text, text, text, date) IS
'Makes a provider of an office. A wrong check digit of the NPI is told in a WARNING. For the operator.
Parameters: office_id; npi: ten digits; first_name, last_name: at most 100 characters each; birth_date: asked for in requests, NULL where it is not known: then no request for this provider is approved automatically.
Returns: uuid of the provider.
Raises: 23505 the office has the NPI already; 22023 bad argument; P0002 no such office; 42501 not the operator; 55000 instance closed.
Rules: [PRV-1] [PRV-7].';

CREATE FUNCTION bestauth.list_providers(office_id uuid, page_size integer DEFAULT 100, after text DEFAULT NULL,
	OUT provider_id uuid, OUT npi text, OUT first_name text, OUT last_name text, OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_list_providers' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.list_providers(uuid, integer, text) IS
'Lists the providers of an office; a session at individual level is shown its own. Takes manage_users, or manage_portal_users in that office, or the operator.
Parameters: office_id; page_size: rows at most, 1 to 1000; after: the next of the page before.
Returns: provider_id, npi, first_name, last_name, next.
Raises: P0002 no such office (42501 in a session); 22023 bad page_size; 28000; 42501; 55000.
Rules: [PRV-1] [PRV-19].';
