-- What one writes without an extension: a row trigger in PL/pgSQL, changed columns only.
CREATE TABLE plpgsql_log (
	log_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	logged_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	db_role    text NOT NULL DEFAULT session_user,
	table_name text NOT NULL,
	op         text NOT NULL,
	claim_id   bigint NOT NULL,
	old_values jsonb,
	new_values jsonb
);
CREATE INDEX ON plpgsql_log (table_name, logged_at);
CREATE FUNCTION plpgsql_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	before jsonb;
	after jsonb;
	id bigint;
BEGIN
	IF TG_OP = 'INSERT' THEN
		id := NEW.claim_id;
		after := to_jsonb(NEW);
	ELSIF TG_OP = 'DELETE' THEN
		id := OLD.claim_id;
		before := to_jsonb(OLD);
	ELSE
		id := NEW.claim_id;
		before := to_jsonb(OLD);
		SELECT jsonb_object_agg(n.key, n.value), jsonb_object_agg(n.key, before -> n.key) INTO after, before
		FROM jsonb_each(to_jsonb(NEW)) n
		WHERE n.value IS DISTINCT FROM before -> n.key;
		IF after IS NULL THEN
			RETURN NULL;
		END IF;
	END IF;
	INSERT INTO plpgsql_log (table_name, op, claim_id, old_values, new_values) VALUES (TG_TABLE_NAME, TG_OP, id, before, after);
	RETURN NULL;
END
$$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON :table FOR EACH ROW EXECUTE FUNCTION plpgsql_audit();
CREATE FUNCTION reset_plpgsql() RETURNS void LANGUAGE sql AS 'TRUNCATE plpgsql_log';
CREATE VIEW written_plpgsql AS SELECT op, claim_id, old_values AS old, new_values AS new FROM plpgsql_log;
