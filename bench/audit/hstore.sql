-- In the manner of 2ndQuadrant's audit-trigger: the old row and what became of it as hstore,
-- with the role, three times, the transaction, the client and the query.
CREATE EXTENSION hstore SCHEMA crypto;
CREATE TABLE hstore_log (
	log_id           bigserial PRIMARY KEY,
	schema_name      text NOT NULL,
	table_name       text NOT NULL,
	relation         oid NOT NULL,
	db_role          text,
	transaction_at   timestamptz NOT NULL,
	statement_at     timestamptz NOT NULL,
	logged_at        timestamptz NOT NULL,
	transaction_id   bigint,
	application_name text,
	client_addr      inet,
	client_port      integer,
	query            text,
	op               text NOT NULL CHECK (op IN ('I', 'U', 'D', 'T')),
	row_values       crypto.hstore,
	changed          crypto.hstore,
	of_statement     boolean NOT NULL
);
CREATE INDEX ON hstore_log (relation);
CREATE INDEX ON hstore_log (statement_at);
CREATE INDEX ON hstore_log (op);
CREATE FUNCTION hstore_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, crypto, public AS $$
DECLARE
	log hstore_log;
	without text[] := '{}';
BEGIN
	log := ROW (nextval('hstore_log_log_id_seq'), TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_RELID, session_user, current_timestamp,
		statement_timestamp(), clock_timestamp(), txid_current(), current_setting('application_name'), inet_client_addr(),
		inet_client_port(), current_query(), substr(TG_OP, 1, 1), NULL, NULL, false);
	IF TG_OP = 'INSERT' THEN
		log.row_values := hstore(NEW) - without;
	ELSE
		log.row_values := hstore(OLD) - without;
	END IF;
	IF TG_OP = 'UPDATE' THEN
		log.changed := hstore(NEW) - log.row_values - without;
		IF log.changed = '' THEN
			RETURN NULL;
		END IF;
	END IF;
	INSERT INTO hstore_log VALUES (log.*);
	RETURN NULL;
END
$$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON :table FOR EACH ROW EXECUTE FUNCTION hstore_audit();
CREATE FUNCTION reset_hstore() RETURNS void LANGUAGE sql AS 'TRUNCATE hstore_log';
CREATE VIEW written_hstore AS
SELECT CASE op WHEN 'I' THEN 'INSERT' WHEN 'U' THEN 'UPDATE' WHEN 'D' THEN 'DELETE' END AS op, (crypto.fetchval(row_values, 'claim_id'))::bigint AS claim_id,
	CASE WHEN op <> 'I' THEN to_jsonb(crypto.populate_record(NULL::claim, row_values)) END AS old,
	CASE op WHEN 'I' THEN to_jsonb(crypto.populate_record(NULL::claim, row_values))
		WHEN 'U' THEN to_jsonb(crypto.populate_record(NULL::claim, crypto.hs_concat(row_values, changed))) END AS new
FROM hstore_log;
