-- What sealing costs those who write: a table under audit, and one whose audit rows are chained
-- by a trigger, each to the row before, which is how it is done without a sealer.
CREATE SCHEMA crypto;
CREATE EXTENSION pgcrypto SCHEMA crypto;
CREATE EXTENSION bestauth;
SELECT bestauth.open_instance('bench');
CREATE ROLE bench_app LOGIN;
SELECT bestauth.grant_access('bench_app', 'application');

CREATE TABLE claim (
	claim_id     bigint PRIMARY KEY,
	company_id   uuid NOT NULL,
	patient      text NOT NULL,
	provider     text NOT NULL,
	service_date date NOT NULL,
	procedure    text NOT NULL,
	amount       integer NOT NULL,
	status       text NOT NULL,
	note         text,
	changed_at   timestamptz NOT NULL
) WITH (fillfactor = 50);
INSERT INTO claim
SELECT n, '018f4a7e-1c00-7000-8000-5a1ad0000001', 'Maria Maier', 'NPI 1234567893', '2026-03-02', '99213', 0, 'new',
	'seen again in two weeks, asks for the report by mail', '2026-03-02 10:20:30+00'
FROM generate_series(0, 100000) n;
CREATE TABLE chained (LIKE claim INCLUDING ALL) WITH (fillfactor = 50);
INSERT INTO chained SELECT * FROM claim;
GRANT SELECT, UPDATE ON claim, chained TO bench_app;

CREATE TABLE chain_log (
	link       bigint PRIMARY KEY,
	logged_at  timestamptz NOT NULL,
	db_role    text NOT NULL,
	claim_id   bigint NOT NULL,
	old_values jsonb NOT NULL,
	new_values jsonb NOT NULL,
	row_hash   bytea NOT NULL
);
CREATE TABLE chain_head (link bigint NOT NULL, row_hash bytea NOT NULL);
INSERT INTO chain_head VALUES (0, '');
CREATE FUNCTION link_hash(log chain_log, previous bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT sha256(previous || convert_to(jsonb_build_array(log.link, log.logged_at, log.db_role, log.claim_id, log.old_values, log.new_values)::text, 'UTF8'))
$$;
CREATE FUNCTION chain_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	before jsonb := to_jsonb(OLD);
	after jsonb;
	head chain_head;
	log chain_log;
BEGIN
	SELECT jsonb_object_agg(n.key, n.value), jsonb_object_agg(n.key, before -> n.key) INTO after, before
	FROM jsonb_each(to_jsonb(NEW)) n
	WHERE n.value IS DISTINCT FROM before -> n.key;
	SELECT * INTO head FROM chain_head FOR UPDATE;
	log := ROW (head.link + 1, clock_timestamp(), session_user, NEW.claim_id, before, after, NULL);
	log.row_hash := link_hash(log, head.row_hash);
	INSERT INTO chain_log VALUES (log.*);
	UPDATE chain_head SET link = log.link, row_hash = log.row_hash;
	RETURN NULL;
END
$$;
CREATE TRIGGER audit AFTER UPDATE ON chained FOR EACH ROW EXECUTE FUNCTION chain_audit();
VACUUM ANALYZE;
