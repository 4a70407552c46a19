-- bestauth.audit_table(), without a session, and in one (way "session").
SELECT bestauth.audit_table(:'table');
-- as nobody may: past the guard, so that each round begins with an empty partition
CREATE FUNCTION :"reset"() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	partition regclass;
BEGIN
	FOREACH partition IN ARRAY ARRAY(SELECT DISTINCT tableoid::regclass FROM bestauth.audit_log) LOOP
		EXECUTE format('ALTER TABLE %s DISABLE TRIGGER guard', partition);
		EXECUTE format('TRUNCATE %s', partition);
		EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER guard', partition);
	END LOOP;
END
$$;
CREATE VIEW :"written" AS
SELECT CASE action WHEN 'row.inserted' THEN 'INSERT' WHEN 'row.updated' THEN 'UPDATE' WHEN 'row.deleted' THEN 'DELETE' END AS op,
	object_id::bigint AS claim_id, old_values AS old, new_values AS new
FROM bestauth.audit_log
WHERE object_type = 'public.' || :'table';
