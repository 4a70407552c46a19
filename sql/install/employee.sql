CREATE TABLE bestauth.employee (
	employee_id     uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	company_id      uuid NOT NULL,
	office_id       uuid NOT NULL,
	provider_id     uuid,
	provider_type   text NOT NULL CHECK (length(provider_type) BETWEEN 1 AND 100),
	last_name       text NOT NULL CHECK (length(last_name) BETWEEN 1 AND 100),
	first_name      text NOT NULL CHECK (length(first_name) BETWEEN 1 AND 100),
	middle_initial  text CHECK (length(middle_initial) <= 100),
	employee_number text CHECK (length(employee_number) <= 100),
	telephone       text CHECK (length(telephone) <= 100),
	fax             text CHECK (length(fax) <= 100),
	email           text,
	title           text CHECK (length(title) <= 100),
	created_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE bestauth.employee IS
'The employees of an office: its administrators make accounts out of these records [PRV-12].';
COMMENT ON COLUMN bestauth.employee.provider_id IS
'Of one who works for one provider alone: the administrators of that provider see them; NULL: only those of the whole office do.';
COMMENT ON COLUMN bestauth.employee.provider_type IS 'Any words that the office uses, such as physician or front desk.';
CREATE INDEX employee_office_id_idx ON bestauth.employee (office_id, provider_id);
CREATE INDEX employee_provider_id_idx ON bestauth.employee (provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX employee_company_id_idx ON bestauth.employee (company_id);
SELECT pg_catalog.pg_extension_config_dump('bestauth.employee', '');

CREATE FUNCTION bestauth.create_employee(office_id uuid, provider_type text, last_name text, first_name text,
	middle_initial text DEFAULT NULL, employee_number text DEFAULT NULL, telephone text DEFAULT NULL, fax text DEFAULT NULL,
	email text DEFAULT NULL, title text DEFAULT NULL, provider_id uuid DEFAULT NULL) RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_create_employee' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.create_employee(uuid, text, text, text, text, text, text, text, text, text, uuid) IS
'Makes the record of an employee of an office, out of which create_provider_user makes an account. Takes manage_portal_users in that office, or the operator. At individual level it is an employee of the session''s own provider.
Parameters: office_id; provider_type: any words, such as physician; last_name, first_name; middle_initial, employee_number, telephone, fax, title: at most 100 characters each; email: one address; provider_id: of the office, for one who works for that provider alone.
Returns: uuid of the employee.
Raises: 22023 bad argument; P0002 no such office or provider (42501 in a session); 28000 no session; 42501; 55000 instance closed.
Rules: [PRV-12].';

CREATE FUNCTION bestauth.search_employees(last_name text, page_size integer DEFAULT 100, after text DEFAULT NULL,
	office_id uuid DEFAULT NULL, company text DEFAULT NULL,
	OUT employee_id uuid, OUT name text, OUT role text, OUT title text, OUT phone text, OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_search_employees' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.search_employees(text, integer, text, uuid, text) IS
'Lists the employees of the session''s office, at individual level those of its provider, in the order of their names. Takes manage_portal_users in an office, or the operator.
Parameters: last_name: how it begins, without case and accents; NULL or empty for all; page_size: rows at most, 1 to 1000; after: the next of the page before; office_id: for the operator, who names an office or a company; company: for the operator.
Returns: employee_id, name (last name first), role (names of the roles of the account made for them, with commas; NULL without one), title, phone, next.
Raises: 22023 bad argument; P0002 no such office or company (42501 in a session); 28000; 42501; 55000.
Rules: [PRV-12].';
