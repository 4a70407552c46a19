CREATE TABLE bestauth.portal (
	portal_id  uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	company_id uuid NOT NULL,
	code       text NOT NULL,
	kind       text NOT NULL COLLATE "C",
	name       text NOT NULL CHECK (name <> ''),
	url        text,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE bestauth.portal IS 'Portals of companies, for their clients or their providers [PRT-1].';
COMMENT ON COLUMN bestauth.portal.code IS 'What people type; unique in the company without regard to ASCII case, never changed.';
COMMENT ON COLUMN bestauth.portal.kind IS 'client or provider: the type of the users in it.';
COMMENT ON COLUMN bestauth.portal.url IS
'Where its pages are; links in mail to its users begin with it. NULL: bestauth.base_url/company/portal.';
CREATE UNIQUE INDEX portal_code_key ON bestauth.portal (company_id, lower(code COLLATE "C"));
ALTER INDEX bestauth.portal_code_key ALTER COLUMN 2 SET STATISTICS 0;
SELECT pg_catalog.pg_extension_config_dump('bestauth.portal', '');

CREATE FUNCTION bestauth.create_portal(company text, code text, kind text, name text, url text DEFAULT NULL) RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_create_portal' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.create_portal(text, text, text, text, text) IS
'Makes a portal of a company. For the operator.
Parameters: company: code; code: what people will type, letters, digits, dash, underscore, at most 63; kind: client or provider; name: shown to people, at most 100 characters; url: where its pages are, http or https, at most 500 characters; NULL stands for bestauth.base_url/company/portal.
Returns: uuid of the portal.
Raises: 23505 code taken; 22023 bad argument; P0002 no such company; 42501 not the operator; 55000 instance closed.
Rules: [PRT-1] [I-10].';

CREATE FUNCTION bestauth.portal_url(portal text, company text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'bestauth_portal_url' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.portal_url(text, text) IS
'The address of a portal''s pages, to be given to clients who make their account themselves. Takes web_portal or manage_users, or the operator.
Parameters: portal: code; NULL where the company has one client portal; company: for the operator.
Returns: text.
Raises: P0002 no such portal (42501 in a session); 22023 NULL where there are several; 55000 the company has none, or instance closed; 28000; 42501.
Rules: [PRT-1] [PRT-7].';

CREATE FUNCTION bestauth.list_portals(page_size integer DEFAULT 100, after text DEFAULT NULL, company text DEFAULT NULL,
	OUT code text, OUT kind text, OUT name text, OUT url text, OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_list_portals' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.list_portals(integer, text, text) IS
'Lists the portals of the company, in the order of their codes. Takes web_portal or manage_users, or the operator.
Parameters: page_size: rows at most, 1 to 1000; after: the next of the page before; company: for the operator.
Returns: code, kind, name, url, next.
Raises: 22023 bad page_size; 28000; 42501; 55000.
Rules: [PRT-1].';
