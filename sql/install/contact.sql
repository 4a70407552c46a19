CREATE TABLE bestauth.contact (
	contact_id   uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	company_id   uuid NOT NULL,
	contact_type text NOT NULL COLLATE "C",
	first_name   text,
	last_name    text,
	email        text,
	created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE bestauth.contact IS
'The people and organisations that a company deals with: its charts. Those of type client and individual may have a portal account [PRT-2].';
COMMENT ON COLUMN bestauth.contact.contact_type IS 'client, individual, or any other word that the company uses, in small letters.';
CREATE INDEX contact_company_id_idx ON bestauth.contact (company_id, contact_id);
CREATE INDEX contact_email_idx ON bestauth.contact (company_id, lower(email COLLATE "C"));
ALTER INDEX bestauth.contact_email_idx ALTER COLUMN 2 SET STATISTICS 0;
SELECT pg_catalog.pg_extension_config_dump('bestauth.contact', '');

CREATE FUNCTION bestauth.create_contact(contact_type text, first_name text, last_name text, email text DEFAULT NULL,
	company text DEFAULT NULL) RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_create_contact' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.create_contact(text, text, text, text, text) IS
'Makes a contact. Takes manage_contacts, or the operator.
Parameters: contact_type: client, individual, or any other word of letters, digits, dash and underscore; first_name, last_name: one of them may be NULL; email: one address, can be added later; company: for the operator.
Returns: uuid of the contact.
Raises: 22023 bad argument; 23514 no name; 28000; 42501; 55000 instance closed.
Rules: [PRT-2] [PRT-4].';

CREATE FUNCTION bestauth.update_contact(contact_id uuid, changes jsonb, company text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_update_contact' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.update_contact(uuid, jsonb, text) IS
'Edits a contact. An active account that was made for it keeps its address; one that waits for its owner is deleted when the address is corrected, and its links with it. Takes manage_contacts, or the operator.
Parameters: contact_id; changes: an object; keys contact_type, first_name, last_name, email (strings, or null for none); any other key is an error, and what is not given stays; company: for the operator, who may leave it out.
Returns: void.
Raises: 22023 unknown key or bad value; 23514 no name, or another type although it has an account; P0002 no such contact (42501 in a session); 28000; 42501; 55000.
Rules: [PRT-2] [PRT-4].';

CREATE FUNCTION bestauth.list_contacts(contact_type text DEFAULT NULL, first_name text DEFAULT NULL, last_name text DEFAULT NULL,
	email text DEFAULT NULL, page_size integer DEFAULT 100, after text DEFAULT NULL, company text DEFAULT NULL,
	OUT contact_id uuid, OUT contact_type text, OUT first_name text, OUT last_name text, OUT email text,
	OUT accounts text[], OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_list_contacts' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.list_contacts(text, text, text, text, integer, text, text) IS
'Lists the contacts of the company, by when they were made. Takes manage_contacts or web_portal, or the operator.
Parameters: contact_type; first_name, last_name: how they begin, without case and accents; email: the whole address, without case; NULL does not filter; page_size: rows at most, 1 to 1000; after: the next of the page before; company: for the operator.
Returns: contact_id, contact_type, first_name, last_name, email, accounts (code of the portal and state: waiting, active or locked), next.
Raises: 22023 bad page_size or after; 28000; 42501; 55000.
Rules: [PRT-2] [PRT-4].';
