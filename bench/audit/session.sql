-- bestauth.audit_table() in a session: whose rows must tell the key, the person and the service.
\ir bestauth.sql
CREATE OR REPLACE VIEW :"written" AS
SELECT CASE action WHEN 'row.inserted' THEN 'INSERT' WHEN 'row.updated' THEN 'UPDATE' WHEN 'row.deleted' THEN 'DELETE' END AS op,
	object_id::bigint AS claim_id, old_values AS old, new_values AS new
FROM bestauth.audit_log
WHERE object_type = 'public.' || :'table' AND username = 'key' AND person = 'acme/anna' AND billing_service_code = 'acme';
