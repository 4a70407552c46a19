-- In the manner of supabase's supa_audit: whole rows as jsonb; the primary key is looked up in
-- the catalogs for each row, and a version 5 UUID of table and key names the row.
CREATE EXTENSION "uuid-ossp" SCHEMA crypto;
CREATE TYPE supa_op AS ENUM ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE');
CREATE TABLE supa_log (
	log_id       bigserial PRIMARY KEY,
	record       uuid,
	old_record   uuid,
	op           supa_op NOT NULL,
	logged_at    timestamptz NOT NULL DEFAULT now(),
	relation     oid NOT NULL,
	schema_name  name NOT NULL,
	table_name   name NOT NULL,
	new_values   jsonb,
	old_values   jsonb,
	CHECK (op = 'TRUNCATE' OR record IS NOT NULL OR old_record IS NOT NULL),
	CHECK ((record IS NOT NULL) = (op IN ('INSERT', 'UPDATE'))),
	CHECK ((new_values IS NOT NULL) = (op IN ('INSERT', 'UPDATE'))),
	CHECK ((old_record IS NOT NULL) = (op IN ('UPDATE', 'DELETE'))),
	CHECK ((old_values IS NOT NULL) = (op IN ('UPDATE', 'DELETE')))
);
CREATE INDEX ON supa_log (record) WHERE record IS NOT NULL;
CREATE INDEX ON supa_log (old_record) WHERE old_record IS NOT NULL;
CREATE INDEX ON supa_log USING brin (logged_at);
CREATE INDEX ON supa_log (relation);
CREATE FUNCTION supa_key(relation oid) RETURNS text[] LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
	SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum), '{}')
	FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
	WHERE i.indrelid = $1 AND i.indisprimary
$$;
CREATE FUNCTION supa_record(relation oid, key text[], row_values jsonb) RETURNS uuid LANGUAGE sql STABLE AS $$
	SELECT CASE
		WHEN row_values IS NULL THEN NULL
		WHEN key = '{}' THEN crypto.uuid_generate_v4()
		ELSE (SELECT crypto.uuid_generate_v5('5b0f7c52-9a3e-4c1d-8f60-2d7e4b9a1c35', jsonb_agg(row_values ->> k ORDER BY n)::text || relation::text)
			FROM unnest(key) WITH ORDINALITY u (k, n))
	END
$$;
CREATE FUNCTION supa_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	key text[] := supa_key(TG_RELID);
	after jsonb := to_jsonb(NEW);
	before jsonb := to_jsonb(OLD);
BEGIN
	INSERT INTO supa_log (record, old_record, op, relation, schema_name, table_name, new_values, old_values)
	VALUES (supa_record(TG_RELID, key, after), supa_record(TG_RELID, key, before), TG_OP::supa_op, TG_RELID,
		TG_TABLE_SCHEMA, TG_TABLE_NAME, after, before);
	RETURN NULL;
END
$$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON :table FOR EACH ROW EXECUTE FUNCTION supa_audit();
CREATE FUNCTION reset_supa() RETURNS void LANGUAGE sql AS 'TRUNCATE supa_log';
CREATE VIEW written_supa AS
SELECT op::text, (coalesce(new_values, old_values) ->> 'claim_id')::bigint AS claim_id, old_values AS old, new_values AS new FROM supa_log;
