-- A million claims with COPY: into a plain table with the same unique index, which is the
-- limit; into bestauth.claim_history; and into a view whose row trigger in PL/pgSQL makes
-- the same checks, which is what one would write without it.
CREATE SCHEMA crypto;
CREATE EXTENSION pgcrypto SCHEMA crypto;
CREATE EXTENSION bestauth;
SELECT bestauth.open_instance('bench');
SELECT bestauth.create_company('c', 'Company');
CREATE ROLE bench_app LOGIN IN ROLE pg_read_server_files;
SELECT bestauth.grant_access('bench_app', 'operator');
GRANT EXECUTE ON FUNCTION bestauth.fold_identifier(text) TO bench_app;

SELECT current_setting('data_directory') || '/claims.txt' AS file \gset
COPY (
	SELECT 'TIN-' || 100000 + i % 500, 1000000000 + i % 5000, 'CLM-' || lpad(i::text, 9, '0'), date '2020-01-01' + i % 700, 'c'
	FROM generate_series(1, 1000000) i
) TO :'file';

CREATE TABLE plain (
	company text COLLATE "C",
	office_identifier text NOT NULL COLLATE "C",
	identifier_qualifier text NOT NULL DEFAULT '24' COLLATE "C",
	npi text NOT NULL COLLATE "C",
	claim_number text NOT NULL COLLATE "C",
	service_date date NOT NULL,
	company_id uuid NOT NULL DEFAULT '00000000-0000-7000-8000-000000000000',
	loaded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX ON plain (bestauth.fold_identifier(claim_number), company_id, bestauth.fold_identifier(office_identifier),
	npi, identifier_qualifier, service_date);

CREATE TABLE checked (LIKE plain INCLUDING ALL);
CREATE VIEW checked_view AS SELECT office_identifier, npi, claim_number, service_date, company, identifier_qualifier FROM checked;
ALTER VIEW checked_view ALTER identifier_qualifier SET DEFAULT '24';
CREATE FUNCTION check_claim() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	id uuid;
BEGIN
	IF NEW.office_identifier IS NULL OR NEW.npi IS NULL OR NEW.claim_number IS NULL OR NEW.service_date IS NULL
		OR NEW.identifier_qualifier IS NULL THEN
		RAISE EXCEPTION 'a column is null';
	ELSIF length(NEW.office_identifier) > 50 OR NEW.office_identifier !~ '^[A-Za-z0-9_./ -]*[A-Za-z0-9][A-Za-z0-9_./ -]*$' THEN
		RAISE EXCEPTION 'office identifier % is not valid', NEW.office_identifier;
	ELSIF length(NEW.identifier_qualifier) > 50 OR NEW.identifier_qualifier !~ '^[A-Za-z0-9_./ -]*[A-Za-z0-9][A-Za-z0-9_./ -]*$' THEN
		RAISE EXCEPTION 'identifier qualifier % is not valid', NEW.identifier_qualifier;
	ELSIF length(NEW.claim_number) > 50 OR NEW.claim_number !~ '^[A-Za-z0-9_./ -]*[A-Za-z0-9][A-Za-z0-9_./ -]*$' THEN
		RAISE EXCEPTION 'claim number is not valid';
	ELSIF NEW.npi !~ '^[0-9]{10}$' THEN
		RAISE EXCEPTION 'NPI % is not valid', NEW.npi;
	ELSIF NEW.service_date < '1900-01-01' OR NEW.service_date > current_date + 1 THEN
		RAISE EXCEPTION 'service date % is out of range', NEW.service_date;
	END IF;
	SELECT company_id INTO id FROM bestauth.company WHERE lower(code COLLATE "C") = lower(NEW.company COLLATE "C");
	IF NOT FOUND THEN
		RAISE EXCEPTION 'company % does not exist', NEW.company;
	END IF;
	INSERT INTO checked (company, office_identifier, identifier_qualifier, npi, claim_number, service_date, company_id)
	VALUES (NEW.company, NEW.office_identifier, NEW.identifier_qualifier, NEW.npi, NEW.claim_number, NEW.service_date, id)
	ON CONFLICT DO NOTHING;
	RETURN NEW;
END
$$;
CREATE TRIGGER check_claim INSTEAD OF INSERT ON checked_view FOR EACH ROW EXECUTE FUNCTION check_claim();
GRANT INSERT, SELECT ON plain, checked, checked_view TO bench_app;
