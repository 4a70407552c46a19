-- 10,000 invites in one call, against the least that any way can cost, and what people
-- write by hand.
CREATE EXTENSION pgcrypto;
CREATE EXTENSION bestauth;
SELECT bestauth.open_instance('bench');
CREATE ROLE bench_app LOGIN;
SELECT bestauth.grant_access('bench_app', 'operator');
SELECT bestauth.create_company('bench', 'Bench');
SELECT bestauth.create_portal('bench', 'docs', 'provider', 'Docs');
SELECT bestauth.create_office('bench', '113437602', 'Bench Office');

-- The limit: the same rows, ready-made, into tables of the same columns and indexes, with
-- no trigger and no check.
CREATE SCHEMA plain;
CREATE TABLE plain.registration (LIKE bestauth.registration INCLUDING ALL);
CREATE TABLE plain.outbox (LIKE bestauth.outbox INCLUDING ALL);
CREATE TABLE plain.audit_log (LIKE bestauth.audit_log INCLUDING DEFAULTS);
ALTER TABLE plain.audit_log ADD PRIMARY KEY (audit_id, occurred_at);
CREATE INDEX ON plain.audit_log (company_id, occurred_at);
CREATE INDEX ON plain.audit_log (billing_service_id, occurred_at) WHERE billing_service_id IS NOT NULL;
-- One call, and what it wrote: the rows that are copied with other keys and addresses.
SELECT count(*) FROM bestauth.send_registration_links(ARRAY(SELECT 'first' || n || '@bench.example' FROM generate_series(1, 10000) n),
	'Provider - Portal User', (SELECT office_id FROM bestauth.office));
CREATE TABLE plain.ready_registration AS SELECT * FROM bestauth.registration;
CREATE TABLE plain.ready_outbox AS SELECT * FROM bestauth.outbox;
CREATE TABLE plain.ready_audit AS SELECT * FROM bestauth.audit_log
	WHERE object_type IN ('bestauth.registration', 'bestauth.outbox', 'registration');
CREATE SEQUENCE plain.audit_id;

-- By hand, set by set: a token and its digest for each, as such tables have them.
CREATE TABLE plain.invite (invite_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text NOT NULL, role text NOT NULL,
	office_id uuid NOT NULL, token_hash bytea NOT NULL UNIQUE, expires_at timestamptz NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE plain.mail (mail_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), recipient text NOT NULL, body text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE plain.audit (audit_id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), who text NOT NULL DEFAULT current_user, action text NOT NULL, row_data jsonb);
CREATE FUNCTION plain.audit_tg() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO plain.audit (action, row_data) VALUES (TG_TABLE_NAME || '.inserted', to_jsonb(NEW));
	RETURN NULL;
END
$$;
CREATE TRIGGER audit AFTER INSERT ON plain.invite FOR EACH ROW EXECUTE FUNCTION plain.audit_tg();
CREATE TRIGGER audit AFTER INSERT ON plain.mail FOR EACH ROW EXECUTE FUNCTION plain.audit_tg();
CREATE FUNCTION plain.by_loop(emails text[], office uuid) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	address text;
	token text;
BEGIN
	FOREACH address IN ARRAY emails LOOP
		token := encode(gen_random_bytes(32), 'hex');
		INSERT INTO plain.invite (email, role, office_id, token_hash, expires_at)
			VALUES (address, 'Provider - Portal User', office, digest(token, 'sha256'), now() + interval '24 hours');
		INSERT INTO plain.mail (recipient, body) VALUES (address, 'https://bench.example/accept?token=' || token);
		INSERT INTO plain.audit (action, row_data) VALUES ('invited', jsonb_build_object('email', address));
	END LOOP;
	RETURN cardinality(emails);
END
$$;
GRANT USAGE ON SCHEMA plain TO bench_app;
GRANT ALL ON ALL TABLES IN SCHEMA plain TO bench_app;
GRANT ALL ON ALL SEQUENCES IN SCHEMA plain TO bench_app;
VACUUM ANALYZE;
