-- The registration console with 100,000 requests that wait, in 100 offices.
CREATE EXTENSION pgcrypto;
CREATE EXTENSION bestauth;
SELECT bestauth.open_instance('bench');
CREATE ROLE bench_app LOGIN;
SELECT bestauth.grant_access('bench_app', 'operator');
SELECT bestauth.create_company('bench', 'Bench');
SELECT bestauth.create_portal('bench', 'docs', 'provider', 'Docs');
SELECT bestauth.create_office('bench', (100000000 + n)::text, 'Office ' || n) FROM generate_series(1, 100) n;
INSERT INTO bestauth.registration (company_id, portal_id, office_id, status, level, identifier, identifier_qualifier, email, role,
	username, first_name, last_name)
SELECT o.company_id, o.portal_id, o.office_id, 'PENDING-PROV-ADMIN-REVIEW', 'tin', o.identifier, '24', 'u' || n || '@bench.example',
	'Provider - Portal User', 'u' || n, 'First' || n % 1000, 'Last' || n
FROM generate_series(1, 100000) n
JOIN (SELECT o.*, row_number() OVER (ORDER BY office_id) - 1 AS k FROM bestauth.office o) o ON o.k = n % 100;
CREATE SCHEMA plain;
CREATE TABLE plain.registration (LIKE bestauth.registration INCLUDING ALL);
INSERT INTO plain.registration SELECT * FROM bestauth.registration;
GRANT USAGE ON SCHEMA plain TO bench_app;
GRANT SELECT ON plain.registration TO bench_app;
VACUUM ANALYZE;
