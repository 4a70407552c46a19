-- Claim numbers are answers to a security question, like dates of birth: nobody reads
-- them but the operator, through the view. COPY does not load a table with row security,
-- which every table here has; it does load a view.
CREATE TABLE bestauth.historical_claim (
	company_id           uuid NOT NULL,
	office_identifier    text NOT NULL COLLATE "C",
	identifier_qualifier text NOT NULL DEFAULT '24' COLLATE "C",
	npi                  text NOT NULL COLLATE "C",
	claim_number         text NOT NULL COLLATE "C",
	service_date         date NOT NULL,
	loaded_at            timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE bestauth.historical_claim IS
'Claims of offices, by which registration requests are checked [PRV-7]; claim_history is the way in. Offices and providers need not be here yet, so they are named as the claims name them.';
COMMENT ON COLUMN bestauth.historical_claim.claim_number IS
'An answer to a security question: shown to the operator alone, and not in the audit [PRV-7].';
CREATE UNIQUE INDEX historical_claim_key ON bestauth.historical_claim
	(bestauth.fold_identifier(claim_number), company_id, bestauth.fold_identifier(office_identifier),
	 npi, identifier_qualifier, service_date);
ALTER TABLE bestauth.historical_claim ALTER claim_number SET STATISTICS 0;
ALTER INDEX bestauth.historical_claim_key ALTER COLUMN 1 SET STATISTICS 0;
ALTER INDEX bestauth.historical_claim_key ALTER COLUMN 3 SET STATISTICS 0;
SELECT pg_catalog.pg_extension_config_dump('bestauth.historical_claim', '');

CREATE VIEW bestauth.claim_history WITH (security_barrier) AS
SELECT office_identifier, npi, claim_number, service_date,
	(SELECT c.code FROM bestauth.company c WHERE c.company_id = h.company_id) AS company
FROM bestauth.historical_claim h
WHERE (SELECT bestauth.has_access('operator'));
COMMENT ON VIEW bestauth.claim_history IS
'The claims of offices, for the operator: loaded with COPY, read and deleted like a table. A claim that is there already is not loaded again. company is the company''s code; offices are known by a tax identification number (qualifier 24) when they are loaded here [PRV-7].';

CREATE VIEW bestauth.claim_history_qualified WITH (security_barrier) AS
SELECT office_identifier, npi, claim_number, service_date,
	(SELECT c.code FROM bestauth.company c WHERE c.company_id = h.company_id) AS company, identifier_qualifier
FROM bestauth.historical_claim h
WHERE (SELECT bestauth.has_access('operator'));
COMMENT ON VIEW bestauth.claim_history_qualified IS
'claim_history with the column that says what kind of identifier an office has, for offices that are known by another one than a tax identification number [PRV-7].';
ALTER VIEW bestauth.claim_history_qualified ALTER identifier_qualifier SET DEFAULT '24';

CREATE FUNCTION bestauth.claim_history_tg() RETURNS trigger
	AS 'MODULE_PATHNAME', 'bestauth_claim_history_tg' LANGUAGE C;
COMMENT ON FUNCTION bestauth.claim_history_tg() IS
'Row trigger: checks a claim that is loaded, and keeps it for the next of the queries that write many at once.';

CREATE FUNCTION bestauth.claim_history_load_tg() RETURNS trigger
	AS 'MODULE_PATHNAME', 'bestauth_claim_history_load_tg' LANGUAGE C;
COMMENT ON FUNCTION bestauth.claim_history_load_tg() IS
'Statement trigger: lets the operator alone load claims; at the end writes those that are left, and an audit row for each company with their number.';

-- Triggers of a view can be made neither ALWAYS nor disabled. Both views have the same.
CREATE TRIGGER load_begins BEFORE INSERT ON bestauth.claim_history
	FOR EACH STATEMENT EXECUTE FUNCTION bestauth.claim_history_load_tg();
COMMENT ON TRIGGER load_begins ON bestauth.claim_history IS 'Asks who loads.';
CREATE TRIGGER load_row INSTEAD OF INSERT ON bestauth.claim_history
	FOR EACH ROW EXECUTE FUNCTION bestauth.claim_history_tg();
COMMENT ON TRIGGER load_row ON bestauth.claim_history IS 'Checks and keeps a claim.';
CREATE TRIGGER load_ends AFTER INSERT ON bestauth.claim_history
	FOR EACH STATEMENT EXECUTE FUNCTION bestauth.claim_history_load_tg();
COMMENT ON TRIGGER load_ends ON bestauth.claim_history IS 'Writes what is left.';

CREATE TRIGGER load_begins BEFORE INSERT ON bestauth.claim_history_qualified
	FOR EACH STATEMENT EXECUTE FUNCTION bestauth.claim_history_load_tg();
COMMENT ON TRIGGER load_begins ON bestauth.claim_history_qualified IS 'Asks who loads.';
CREATE TRIGGER load_row INSTEAD OF INSERT ON bestauth.claim_history_qualified
	FOR EACH ROW EXECUTE FUNCTION bestauth.claim_history_tg();
COMMENT ON TRIGGER load_row ON bestauth.claim_history_qualified IS 'Checks and keeps a claim.';
CREATE TRIGGER load_ends AFTER INSERT ON bestauth.claim_history_qualified
	FOR EACH STATEMENT EXECUTE FUNCTION bestauth.claim_history_load_tg();
COMMENT ON TRIGGER load_ends ON bestauth.claim_history_qualified IS 'Writes what is left.';
