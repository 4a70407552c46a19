CREATE TABLE bestauth.facility (
	facility_id uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	company_id  uuid NOT NULL,
	name        text NOT NULL CHECK (name <> ''),
	details     jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(details) = 'object'),
	copied_from uuid,
	created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE bestauth.facility IS 'Facilities: where a company''s services are given. A parent copies its own down to its children [MCM-6].';
COMMENT ON COLUMN bestauth.facility.details IS 'What else is known, of whatever keys; at most 64 kB.';
-- No foreign key: the parent's row may be deleted, and the child may leave its parent.
COMMENT ON COLUMN bestauth.facility.copied_from IS
'The row of the parent company that it was copied from, which may be gone; so copying again makes no second one [MCM-6].';
CREATE UNIQUE INDEX facility_name_key ON bestauth.facility (company_id, lower(name COLLATE "C"));
ALTER INDEX bestauth.facility_name_key ALTER COLUMN 2 SET STATISTICS 0;
CREATE UNIQUE INDEX facility_copied_from_key ON bestauth.facility (company_id, copied_from) WHERE copied_from IS NOT NULL;
SELECT pg_catalog.pg_extension_config_dump('bestauth.facility', '');

CREATE FUNCTION bestauth.create_facility(name text, details jsonb DEFAULT '{}', company text DEFAULT NULL) RETURNS uuid
	AS 'MODULE_PATHNAME', 'bestauth_create_facility' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.create_facility(text, jsonb, text) IS
'Makes a facility. Takes manage_facilities; at a company that has children a company administrator, whatever permissions others hold; or the operator.
Parameters: name: 1 to 100 characters; details: an object of whatever keys but name and details, at most 64 kB, null for none; company: for the operator.
Returns: uuid of the facility.
Raises: 23505 name taken; 22023 bad argument; 28000; 42501; 55000 instance closed.
Rules: [MCM-6].';

CREATE FUNCTION bestauth.update_facility(name text, changes jsonb, company text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_update_facility' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.update_facility(text, jsonb, text) IS
'Edits a facility, and none of its copies. Takes what create_facility takes.
Parameters: name; changes: an object; the key name renames it, every other key is a detail that is set, or with null taken away; details is no key, and what is not given stays; company: for the operator.
Returns: void.
Raises: P0002 no such facility (42501 in a session); 23505 the new name is taken; 22023 bad argument; 28000; 42501; 55000.
Rules: [MCM-6].';

CREATE FUNCTION bestauth.delete_facility(name text, company text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_delete_facility' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.delete_facility(text, text) IS
'Deletes a facility, and none of its copies. Takes what create_facility takes.
Parameters: name; company: for the operator.
Returns: void.
Raises: P0002 no such facility (42501 in a session); 28000; 42501; 55000.
Rules: [MCM-6].';

CREATE FUNCTION bestauth.copy_facilities(names text[], companies text[] DEFAULT NULL, company text DEFAULT NULL,
	OUT company text, OUT name text, OUT outcome text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_copy_facilities' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.copy_facilities(text[], text[], text) IS
'Copies facilities of a parent company to its children: all, or nothing and an error. What a child has already, by the name or as a copy that was renamed since, stays as it is. For a company administrator in the parent company, or the operator.
Parameters: names; companies: codes of children, NULL for all; company: the parent, for the operator.
Returns: company (the child), name, outcome (copied or exists), a row for each child and facility, at most 100000.
Raises: P0002 no such facility or company (42501 in a session); 23514 not a child (42501 in a session); 55000 the company has no children; 22023; 28000; 42501.
Rules: [MCM-6].';

CREATE FUNCTION bestauth.list_facilities(page_size integer DEFAULT 100, after text DEFAULT NULL, company text DEFAULT NULL,
	OUT facility_id uuid, OUT name text, OUT details jsonb, OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_list_facilities' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.list_facilities(integer, text, text) IS
'Lists the facilities of the company, by name. Takes manage_facilities or claims, or the operator.
Parameters: page_size: rows at most, 1 to 1000; after: the next of the page before; company: for the operator.
Returns: facility_id, name, details, next.
Raises: 22023 bad page_size; 28000; 42501; 55000.
Rules: [MCM-6].';
