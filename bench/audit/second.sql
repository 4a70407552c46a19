-- The bare second insert: rows as bestauth writes them in a session, ready-made, into a plain
-- table with the columns and indexes of a partition of the audit.
SELECT tableoid::regclass AS partition FROM bestauth.audit_log ORDER BY occurred_at DESC LIMIT 1 \gset
CREATE TABLE second_log (LIKE :partition INCLUDING DEFAULTS INCLUDING INDEXES);
CREATE SEQUENCE second_log_seq CYCLE;
CREATE TABLE ready (op text, LIKE second_log);
INSERT INTO ready
SELECT (jsonb_populate_record(NULL::ready, pattern.j || jsonb_build_object('op', v.op, 'action', v.action, 'outcome', 'success',
	'audit_id', claim_id, 'company_id', c.company_id, 'company_code', company.code, 'object_type', 'public.claim_second', 'object_id', claim_id::text, 'row_hash', sha256(int8send(claim_id)),
	'db_role', 'bench_app', 'application_name', 'pgbench', 'detail', NULL,
	'old_values', CASE op WHEN 'UPDATE' THEN jsonb_build_object('amount', amount, 'status', status) WHEN 'DELETE' THEN to_jsonb(c) END,
	'new_values', CASE op WHEN 'UPDATE' THEN jsonb_build_object('amount', amount + 1, 'status', 'paid') WHEN 'INSERT' THEN to_jsonb(c) END))).*
FROM (VALUES ('INSERT', 'row.inserted'), ('UPDATE', 'row.updated'), ('DELETE', 'row.deleted')) v (op, action), claim c JOIN bestauth.company USING (company_id),
	(SELECT to_jsonb(a) AS j FROM bestauth.audit_log a WHERE person_id IS NOT NULL AND billing_service_id IS NOT NULL
		AND session_id IS NOT NULL ORDER BY occurred_at DESC LIMIT 1) pattern;
CREATE INDEX ON ready (op);
ANALYZE ready;
GRANT SELECT ON ready TO bench_app;
GRANT INSERT ON second_log TO bench_app;
GRANT USAGE ON SEQUENCE second_log_seq TO bench_app;

-- the insert of one row, its number @, and of all rows, as text
CREATE FUNCTION second_insert(op text, many boolean) RETURNS text LANGUAGE sql AS $$
	SELECT 'INSERT INTO second_log SELECT ' || string_agg(CASE
		WHEN many THEN attname
		WHEN attname = 'audit_id' THEN 'nextval(''second_log_seq'')'
		WHEN attname = 'occurred_at' THEN 'clock_timestamp()'
		WHEN attname = 'transaction_at' THEN 'now()'
		WHEN attname = 'transaction_id' THEN 'pg_current_xact_id()'
		WHEN attname = 'object_id' THEN '@::text'
		ELSE quote_nullable((SELECT to_jsonb(r) FROM ready r WHERE r.op = second_insert.op AND r.object_id = '7') ->> attname) || '::' || format_type(atttypid, atttypmod) END, ', ' ORDER BY attnum)
		|| CASE WHEN many THEN format(' FROM ready WHERE op = %L', op) ELSE '' END
	FROM pg_attribute
	WHERE attrelid = 'second_log'::regclass AND attnum > 0
$$;
CREATE FUNCTION reset_second() RETURNS void LANGUAGE sql AS 'TRUNCATE second_log';
CREATE VIEW written_second AS
SELECT CASE action WHEN 'row.inserted' THEN 'INSERT' WHEN 'row.updated' THEN 'UPDATE' WHEN 'row.deleted' THEN 'DELETE' END AS op,
	object_id::bigint AS claim_id, old_values AS old, new_values AS new
FROM second_log;
