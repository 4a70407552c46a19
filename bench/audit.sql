-- Audit of a table's changes: what is common to the ways of bench/audit/*.sql, each of which
-- has a copy of the table claim of its own, claim_<way>, and tells what it wrote by a view
-- written_<way> (op, claim_id, old, new).
CREATE SCHEMA crypto;
CREATE EXTENSION pgcrypto SCHEMA crypto;
CREATE EXTENSION bestauth;
SELECT bestauth.open_instance('bench');
CREATE ROLE bench_app LOGIN;
SELECT bestauth.grant_access('bench_app', 'application');

-- a person of a billing service at a customer: the session with most in its audit rows
SELECT bestauth.create_company(code, name) FROM (VALUES ('clinic', 'Hill Clinic'), ('acme', 'Acme Billing')) v (code, name);
SELECT bestauth.create_company('child' || n, 'Child ' || n, 'clinic') FROM generate_series(1, 9) n;
SELECT bestauth.register_billing_service('acme');
SELECT bestauth.create_user('anna', 'restricted', 'Anna', 'Biller', 'anna@bench.example', 'anna counts the trucks', company => 'acme');
SELECT bestauth.create_user('key', 'billing', 'Key', 'Holder', 'key@bench.example', 'the key of the clinic', billing_service => 'acme',
	permissions => '{eops}', company => 'clinic');
SELECT * FROM bestauth.login('clinic', 'key', 'the key of the clinic', client_addr => '192.0.2.1') \gset
CREATE TABLE entered AS SELECT session_token FROM bestauth.login_second_part(:'challenge_token', 'anna', 'anna counts the trucks', '192.0.2.1');

-- the rows that the table has, gets, and loses: of ten companies in turn
CREATE TABLE claim (
	claim_id     bigint PRIMARY KEY,
	company_id   uuid NOT NULL,
	patient      text NOT NULL,
	provider     text NOT NULL,
	service_date date NOT NULL,
	procedure    text NOT NULL,
	amount       numeric(10, 2) NOT NULL,
	status       text NOT NULL,
	note         text,
	changed_at   timestamptz NOT NULL
);
INSERT INTO claim
SELECT n, companies.ids[n % 10 + 1], 'Maria Maier', 'NPI 1234567893', '2026-03-02', '99213', n::bigint * 0.01, 'new',
	'seen again in two weeks, asks for the report by mail', '2026-03-02 10:20:30+00'
FROM generate_series(1, 10000) n,
	(SELECT array_agg(company_id ORDER BY code) AS ids FROM bestauth.company WHERE code = 'clinic' OR code LIKE 'child%') companies;
GRANT SELECT ON claim TO bench_app;
VACUUM ANALYZE;
