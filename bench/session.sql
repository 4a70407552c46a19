-- The check of a session at the start of a transaction, against the least that any
-- such check costs: one prepared lookup of the token's hash in a unique index.
CREATE SCHEMA crypto;
CREATE EXTENSION pgcrypto SCHEMA crypto;
CREATE EXTENSION bestauth;
SELECT bestauth.open_instance('bench');
SELECT bestauth.create_company('c', 'Company');
SELECT bestauth.create_role('r', '{claims,eops,eligibility}', company => 'c');
SELECT bestauth.create_user('u', 'standard', 'First', 'Last', 'u@example.com', 'a long enough password',
	roles => '{r}', permissions => '{audit_report}', company => 'c');
INSERT INTO bestauth.session (token_hash, user_id, person_id, company_id, user_version, person_version, expires_at)
SELECT sha256(convert_to('token' || i, 'UTF8')), user_id, user_id, company_id, version, version, now() + interval '1 day'
FROM bestauth.user_account, generate_series(1, 20000) i;
INSERT INTO bestauth.session_use SELECT session_id, now() FROM bestauth.session;
CREATE TABLE lookup AS SELECT token_hash, session_id, user_id, person_id, company_id, expires_at FROM bestauth.session;
CREATE UNIQUE INDEX ON lookup (token_hash);
VACUUM ANALYZE;
CREATE ROLE bench_app LOGIN;
SELECT bestauth.grant_access('bench_app', 'application');
GRANT SELECT ON lookup TO bench_app;
