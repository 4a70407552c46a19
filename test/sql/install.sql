-- The extension as it is installed: closed until it is opened. The other tests
-- use the instance that this one opens.
\set SHOW_CONTEXT never
CREATE SCHEMA crypto;
CREATE EXTENSION pgcrypto SCHEMA crypto;

-- [L-02] A schema that somebody made before is refused, with what waits in it.
CREATE SCHEMA bestauth;
CREATE EXTENSION bestauth;
DROP SCHEMA bestauth;
CREATE EXTENSION bestauth SCHEMA crypto;

CREATE EXTENSION bestauth;
SELECT extname, extversion, extrelocatable, n.nspname AS schema, r.rolsuper AS owned_by_superuser
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace JOIN pg_roles r ON r.oid = e.extowner
WHERE extname = 'bestauth';

-- [SHP-1] [SHP-2] Everything that acts is C from one library; pgcrypto is required,
-- for it hashes the passwords.
SELECT l.lanname, p.probin, count(*) > 40 AS many FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'bestauth'::regnamespace GROUP BY 1, 2;
SELECT count(*) > 60 AS triggers_in_c FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_proc p ON p.oid = t.tgfoid
WHERE c.relnamespace = 'bestauth'::regnamespace AND NOT t.tgisinternal AND p.pronamespace = 'bestauth'::regnamespace;
SELECT r.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.objid JOIN pg_extension r ON r.oid = d.refobjid
WHERE d.classid = 'pg_extension'::regclass AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'bestauth';

-- [SHP-4] Functions for applications, views for DBAs, and every one says what it does.
SELECT relname FROM pg_class WHERE relnamespace = 'bestauth'::regnamespace AND relkind = 'v' ORDER BY 1;
SELECT p.oid::regprocedure AS uncommented FROM pg_proc p
WHERE p.pronamespace = 'bestauth'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL;
SELECT c.oid::regclass AS uncommented FROM pg_class c
WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
	AND obj_description(c.oid, 'pg_class') IS NULL;

-- The same cost of a hash on every server, and no more of it than need be.
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET bestauth.hash_cost = 10', current_database()); END $$;

-- What a statement comes to: its SQLSTATE, the rule that speaks, the message.
CREATE SCHEMA regress;
CREATE FUNCTION regress.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	rule text;
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM;
END
$$;

-- [N-04] Closed: nothing works, no trigger writes.
SELECT * FROM bestauth.login('nowhere', 'nobody', 'a long wrong password');
SELECT regress.attempt($$SELECT bestauth.create_company('acme', 'ACME Billing')$$);
SELECT regress.attempt($$SELECT * FROM bestauth.use_session('bas_x')$$);
SELECT bestauth.instance_name();
SELECT count(*) FROM bestauth.audit_log;

SELECT regress.attempt($$SELECT bestauth.open_instance('no/slash')$$);
SELECT bestauth.open_instance('regress');
SELECT regress.attempt($$SELECT bestauth.open_instance()$$);
SELECT bestauth.instance_name();
SELECT action, object_type, object_id FROM bestauth.audit_log;
SELECT name, by_name_only, client_only FROM bestauth.permission ORDER BY name;

-- [L-05] Nothing is granted to PUBLIC.
SELECT p.oid::regprocedure FROM pg_proc p
WHERE p.pronamespace = 'bestauth'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE');
SELECT c.oid::regclass FROM pg_class c
WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p', 'v')
	AND has_table_privilege('public', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER');
SELECT c.oid::regclass FROM pg_class c
WHERE c.relnamespace = 'bestauth'::regnamespace
	AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege('public', c.oid, 'USAGE, SELECT, UPDATE') END;
SELECT has_schema_privilege('public', 'bestauth', 'USAGE'), has_schema_privilege('public', 'bestauth', 'CREATE');
SELECT t.oid::regtype FROM pg_type t
WHERE t.typnamespace = 'bestauth'::regnamespace AND t.typname = 'login_result'
	AND has_type_privilege('public', t.oid, 'USAGE');
