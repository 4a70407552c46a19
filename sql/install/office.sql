CREATE FUNCTION bestauth.fold_identifier(identifier text) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_fold_identifier' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bestauth.fold_identifier(text) IS
'The one form in which identifiers of offices and claim numbers are compared: letters and digits alone, without case.
Parameters: identifier.
Returns: text.
Rules: [PRV-7] [P-04].';

CREATE TABLE bestauth.office (
	office_id            uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	company_id           uuid NOT NULL,
	portal_id            uuid NOT NULL,
	identifier           text NOT NULL,
	identifier_qualifier text NOT NULL DEFAULT '24' COLLATE "C",
	name                 text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
	provider_number      text CHECK (length(provider_number) <= 100),
	account_type         text CHECK (length(account_type) <= 100),
	created_at           timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE bestauth.office IS 'Offices of providers, each in a provider portal of a company [PRV-1].';
COMMENT ON COLUMN bestauth.office.identifier IS
'What it is known by, such as a tax identification number; unique in the portal with its qualifier, however it is typed.';
COMMENT ON COLUMN bestauth.office.identifier_qualifier IS
'What kind of identifier it is, a code of X12: 24 is an employer''s identification number.';
CREATE UNIQUE INDEX office_identifier_key ON bestauth.office
	(portal_id, bestauth.fold_identifier(identifier), identifier_qualifier);
ALTER INDEX bestauth.office_identifier_key ALTER COLUMN 2 SET STATISTICS 0;
CREATE INDEX office_company_id_idx ON bestauth.office (company_id, office_id);
SELECT pg_catalog.pg_extension_config_dump('bestauth.office', '');

CREATE FUNCTION bestauth.create_office(company text, identifier text, name text, identifier_qualifier text DEFAULT '24',
	provider_number text DEFAULT NULL, account_type text DEFAULT NULL, portal text DEFAULT NULL) RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_create_office' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.create_office(text, text, text, text, text, text, text) IS
'Makes an office of providers. For the operator.
Parameters: company: code; identifier: at most 50 letters and digits, with dashes, dots, slashes and spaces between them; name: at most 100 characters; identifier_qualifier: what kind of identifier, 24 for a tax identification number; provider_number, account_type: as the console shows them; portal: code, needed where the company has several provider portals.
Returns: uuid of the office.
Raises: 23505 the portal has it already; 22023 bad argument; P0002 no such company or portal; 55000 the company has no provider portal, or instance closed; 42501 not the operator.
Rules: [PRV-1] [PRV-6].';

CREATE FUNCTION bestauth.list_offices(page_size integer DEFAULT 100, after text DEFAULT NULL, company text DEFAULT NULL,
	OUT office_id uuid, OUT identifier text, OUT identifier_qualifier text, OUT name text, OUT provider_number text,
	OUT account_type text, OUT portal text, OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_list_offices' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.list_offices(integer, text, text) IS
'Lists offices: in a session of an office that one, else those of the company. Takes manage_users, or manage_portal_users in an office, or the operator.
Parameters: page_size: rows at most, 1 to 1000; after: the next of the page before; company: for the operator.
Returns: office_id, identifier, identifier_qualifier, name, provider_number, account_type, portal (its code), next.
Raises: 22023 bad page_size or after; 28000; 42501; 55000.
Rules: [PRV-1].';
