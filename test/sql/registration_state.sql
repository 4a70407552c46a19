-- The states of invites and requests: every way between them that there is, tried by SQL
-- and by every function that takes one. The tables of tries are generated.
\set SHOW_CONTEXT never
SET bestauth.lockout_threshold = 100;
SET bestauth.mail_hourly_limit = 10000;
-- Neither old messages nor old invites of other tests are to move in this one.
UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL;
SELECT bestauth.expire_registrations() >= 0 AS expired;
SELECT count(bestauth.create_company('rstate', 'State Clinic'));
SELECT count(bestauth.create_portal('rstate', 'docs', 'provider', 'Doctors', 'https://docs.rstate.example'));
CREATE ROLE regress_rstate_operator;
SELECT bestauth.grant_access('regress_rstate_operator', 'operator');
GRANT USAGE ON SCHEMA regress TO regress_rstate_operator;
SELECT bestauth.create_office('rstate', '10-0000001', 'State Office') AS office \gset
SELECT bestauth.create_provider(:'office', '1000000004', 'Pat', 'State', '1970-02-03') AS provider \gset
INSERT INTO bestauth.claim_history (office_identifier, npi, claim_number, service_date, company) VALUES ('100000001', '1000000004', 'RST-1', '2024-01-02', 'rstate');

-- [PRV-10] The table, as it is specified.
CREATE TEMP TABLE edge (from_status text, to_status text, UNIQUE NULLS NOT DISTINCT (from_status, to_status));
INSERT INTO edge VALUES (NULL, 'EMAIL-INT'), ('EMAIL-INT', 'EMAIL-SUCCESS'), ('EMAIL-INT', 'INVALIDATED'), (NULL, 'INVALIDATED'), (NULL, 'AUTO-APPROVED'),
	(NULL, 'PENDING-PROV-ADMIN-REVIEW'), (NULL, 'PENDING-ADMIN-REVIEW'), ('PENDING-PROV-ADMIN-REVIEW', 'MANUAL-PROV-ADMIN-APPROVED'), ('PENDING-PROV-ADMIN-REVIEW', 'DECLINED'),
	('PENDING-ADMIN-REVIEW', 'MANUAL-ADMIN-APPROVED'), ('PENDING-ADMIN-REVIEW', 'DECLINED');
SELECT * FROM bestauth.registration_transitions();
(SELECT from_status, to_status FROM bestauth.registration_transitions() EXCEPT ALL SELECT * FROM edge) UNION ALL (SELECT * FROM edge EXCEPT ALL SELECT from_status, to_status FROM bestauth.registration_transitions());
CREATE TEMP TABLE status (status text PRIMARY KEY);
INSERT INTO status SELECT DISTINCT to_status FROM edge;
SELECT count(*) FROM status;

-- A row in each status, at each level that there is, made by functions.
CREATE TEMP TABLE mail (n serial, recipient text, token text);
CREATE TEMP TABLE subject (name text PRIMARY KEY, registration_id uuid NOT NULL, status text NOT NULL, level text);
CREATE FUNCTION pg_temp.claim() RETURNS bigint LANGUAGE sql AS $$
	WITH claimed AS (INSERT INTO mail (recipient, token) SELECT recipient, token FROM bestauth.claim_mail(1000) WHERE recipient ILIKE '%@rstate.example' RETURNING token)
	SELECT count(token) FROM claimed
$$;
CREATE FUNCTION pg_temp.link(address text) RETURNS text LANGUAGE sql AS $$ SELECT token FROM mail WHERE recipient = $1 || '@rstate.example' AND token IS NOT NULL ORDER BY n DESC LIMIT 1 $$;
CREATE FUNCTION pg_temp.invite(name text, role text, office uuid, provider uuid) RETURNS uuid LANGUAGE sql AS $$
	SELECT registration_id FROM bestauth.send_registration_links(ARRAY[name || '@rstate.example'], role, office, provider)
$$;
CREATE FUNCTION pg_temp.accept(name text) RETURNS text LANGUAGE sql AS $$
	SELECT outcome FROM bestauth.accept_registration(pg_temp.link(name), name, 'seven green boats of ' || name, 'Ann', 'State')
$$;
CREATE FUNCTION pg_temp.submit(name text, level text, claim text DEFAULT NULL, identifier text DEFAULT '100000001') RETURNS uuid LANGUAGE sql AS $$
	SELECT registration_id FROM bestauth.submit_registration('rstate', identifier, NULL, level, CASE level WHEN 'individual' THEN '1000000004' END, NULL, name, 'seven green boats of ' || name, 'Ann', 'State', name || '@rstate.example', claim, CASE WHEN claim IS NOT NULL THEN date '1970-02-03' END)
$$;
-- The administrators who try, one of each level.
SELECT count(pg_temp.invite(name, 'Provider - Administrator', :'office', provider)) FROM (VALUES ('head', NULL::uuid), ('one', :'provider')) v (name, provider);
SELECT pg_temp.claim();
SELECT pg_temp.accept('head'), pg_temp.accept('one');
SET bestauth.invite_lifetime = '1s';
SELECT count(pg_temp.invite('late-' || level, 'Provider - Clerical User', :'office', provider)) FROM (VALUES ('tin', NULL::uuid), ('individual', :'provider')) v (level, provider);
SELECT pg_temp.claim();
RESET bestauth.invite_lifetime;
SELECT count(pg_temp.invite(name || '-' || level, 'Provider - Clerical User', :'office', provider)) FROM unnest('{open,accepted,revoked,replaced}'::text[]) name, (VALUES ('tin', NULL::uuid), ('individual', :'provider')) v (level, provider);
SELECT pg_temp.claim();
SELECT pg_temp.accept('accepted-tin'), pg_temp.accept('accepted-individual');
SELECT count(bestauth.revoke_registration_link(registration_id)) FROM bestauth.registration WHERE email LIKE 'revoked-%@rstate.example' AND status = 'EMAIL-INT';
SELECT count(pg_temp.submit(name || '-' || level, level, CASE name WHEN 'auto' THEN 'RST-1' END)) FROM unnest('{auto,waiting,approved,declined}'::text[]) name, unnest('{tin,individual}'::text[]) level;
SELECT pg_temp.submit('short', 'tin', NULL, NULL) IS NOT NULL AS incomplete;
INSERT INTO subject SELECT split_part(email, '@', 1), registration_id, status, level FROM bestauth.registration WHERE email LIKE '%@rstate.example' AND email NOT SIMILAR TO '(head|one)@%';
-- What these were replaced by is none of the rows that are tried.
SELECT count(bestauth.resend_registration_link(registration_id)) FROM subject WHERE name LIKE 'replaced-%';
SELECT bestauth.approve_registration(registration_id) FROM subject WHERE name LIKE 'approved-%' ORDER BY name;
SELECT bestauth.deny_registration(registration_id, 'Has an account already') FROM subject WHERE name LIKE 'declined-%' ORDER BY name;
UPDATE subject s SET status = r.status FROM bestauth.registration r WHERE r.registration_id = s.registration_id;
UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL AND kind = 'email_verification';
SELECT s.name, s.status, s.level, r.reason FROM subject s JOIN bestauth.registration r USING (registration_id) ORDER BY s.status COLLATE "C", s.name COLLATE "C";
SELECT status FROM status EXCEPT SELECT status FROM subject;

-- What is not to change unless a try says so: everything but counts, uses, and what was refused.
CREATE FUNCTION pg_temp.digest(mark bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	t text;
	one text;
	result text := '';
BEGIN
	FOREACH t IN ARRAY '{registration,registration_credential,user_account,user_role,credential,token,outbox,session,provider,office,employee,role}'::text[] LOOP
		EXECUTE format('SELECT md5(coalesce(string_agg(r::text, '' '' ORDER BY r::text COLLATE "C"), '''')) FROM bestauth.%I r', t) INTO one;
		result := result || one;
	END LOOP;
	SELECT md5(coalesce(string_agg(a::text, ' ' ORDER BY audit_id), '')) INTO one FROM bestauth.audit_log a WHERE audit_id > mark AND outcome <> 'denied';
	RETURN result || one;
END
$$;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset

SELECT pg_temp.digest(:mark) AS before \gset

-- [F-01] [F-02] By SQL. A try comes with all that it needs, an account and a reason, unless
-- it is said that it does not; it is undone, and tells what it came to.
CREATE FUNCTION pg_temp.try(path text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF path = 'operator' THEN
		SET LOCAL ROLE regress_rstate_operator;
	ELSIF path = 'owner' THEN
		SET LOCAL ROLE bestauth_owner;
	ELSIF path = 'replica' THEN
		SET LOCAL session_replication_role = replica;
	END IF;
	EXECUTE statement;
	RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN 'ZZ000' THEN 'done' ELSE SQLSTATE END;
END
$$;
CREATE FUNCTION pg_temp.account(status text, level text) RETURNS uuid LANGUAGE sql AS $$
	SELECT user_id FROM bestauth.user_account u JOIN bestauth.company USING (company_id)
	WHERE code = 'rstate' AND username = 'accepted-' || level AND status IN ('EMAIL-SUCCESS', 'AUTO-APPROVED', 'MANUAL-PROV-ADMIN-APPROVED', 'MANUAL-ADMIN-APPROVED')
$$;
SELECT company_id, portal_id FROM bestauth.office WHERE office_id = :'office' \gset
CREATE TEMP TABLE try (path text, kind text, from_status text, to_status text, whole boolean, result text);
-- New rows: each column as it is to be, or one of them missing.
CREATE TEMP TABLE new AS SELECT status, level, jsonb_build_object('company_id', :'company_id', 'portal_id', :'portal_id', 'office_id', :'office', 'status', status, 'level', level, 'identifier', '100000001', 'identifier_qualifier', '24',
	'email', 'new@rstate.example', 'role', 'Provider - Clerical User', 'username', 'new', 'first_name', 'Ann', 'last_name', 'New') || CASE level WHEN 'individual' THEN jsonb_build_object('provider_id', :'provider', 'npi', '1000000004') ELSE '{}' END
	|| CASE WHEN status LIKE 'EMAIL%' THEN jsonb '{"expires_at": "2099-01-01"}' ELSE '{}' END || CASE WHEN status IN ('INVALIDATED', 'DECLINED') THEN jsonb '{"reason": "Has an account already"}' ELSE '{}' END
	|| CASE WHEN pg_temp.account(status, level) IS NOT NULL THEN jsonb_build_object('user_id', pg_temp.account(status, level)) ELSE '{}' END AS columns FROM status, unnest('{tin,individual}'::text[]) level;
CREATE FUNCTION pg_temp.insert(columns jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT format('INSERT INTO bestauth.registration (%s) VALUES (%s)', string_agg(quote_ident(key), ', '), string_agg(quote_literal(value), ', ')) FROM jsonb_each_text($1)
$$;
INSERT INTO try SELECT path, 'insert', NULL, status, true, pg_temp.try(path, pg_temp.insert(columns)) FROM unnest('{superuser,operator,owner,replica}'::text[]) path, new
WHERE level = CASE WHEN status IN ('PENDING-ADMIN-REVIEW', 'MANUAL-ADMIN-APPROVED') THEN 'individual' ELSE 'tin' END;
-- From each to each: by UPDATE, MERGE, and INSERT ON CONFLICT.
INSERT INTO try
SELECT path, kind, s.status, t.status, whole, pg_temp.try(path, format(CASE kind
	WHEN 'update' THEN 'UPDATE bestauth.registration SET status = %2$L, user_id = %3$L, reason = %4$L WHERE registration_id = %1$L'
	WHEN 'merge' THEN 'MERGE INTO bestauth.registration r USING (SELECT uuid %1$L AS id) s ON r.registration_id = s.id WHEN MATCHED THEN UPDATE SET status = %2$L, user_id = %3$L, reason = %4$L'
	ELSE 'INSERT INTO bestauth.registration (registration_id, company_id, portal_id, status, reason) VALUES (%1$L, %5$L, %6$L, ''INVALIDATED'', ''incomplete'') '
		'ON CONFLICT (registration_id) DO UPDATE SET status = %2$L, user_id = %3$L, reason = %4$L' END,
	s.registration_id, t.status, CASE WHEN whole THEN pg_temp.account(t.status, s.level) END, CASE WHEN whole THEN 'Does not work at this office' END, :'company_id', :'portal_id'))
FROM unnest('{superuser,operator,owner,replica}'::text[]) path, unnest('{update,merge,on conflict}'::text[]) kind, subject s, status t, unnest('{true,false}'::boolean[]) whole
WHERE s.name !~ '^(revoked|late|replaced)-' AND (whole OR s.status <> t.status);
SELECT path, kind, count(*) AS tries, count(*) FILTER (WHERE result = 'done') AS done, array_agg(DISTINCT result ORDER BY result) AS results FROM try GROUP BY path, kind ORDER BY path, kind;
-- Done was what the table has, and nothing else; by the operator's role nothing.
SELECT path, kind, from_status, to_status, array_agg(DISTINCT result) FROM try t WHERE whole AND (result = 'done') <> (path <> 'operator' AND EXISTS (SELECT FROM edge e WHERE e.from_status IS NOT DISTINCT FROM t.from_status AND e.to_status = t.to_status))
GROUP BY path, kind, from_status, to_status ORDER BY 1, 2, 3, 4;
SELECT DISTINCT from_status, to_status FROM try WHERE whole AND result = 'done' ORDER BY 1, 2;
-- Without an account nothing is approved or accepted, without a reason nothing is declined or invalidated.
SELECT from_status, to_status, array_agg(DISTINCT result) AS results FROM try WHERE NOT whole AND path <> 'operator' AND (result = 'done' OR (from_status, to_status) IN (SELECT from_status, to_status FROM edge)) GROUP BY 1, 2 ORDER BY 1, 2;
-- Nor with a reason that is none of the table's, nor with an account of another level, or of nobody.
SELECT reason, pg_temp.try('superuser', format('UPDATE bestauth.registration SET status = ''DECLINED'', reason = %L WHERE registration_id = %L', reason, registration_id)) FROM subject, unnest('{no reason at all,"",Has an account already}'::text[]) reason WHERE name = 'waiting-tin';
SELECT s.name, account, pg_temp.try('superuser', format('UPDATE bestauth.registration SET status = %L, user_id = %L WHERE registration_id = %L', edge.to_status, pg_temp.account(edge.to_status, account), registration_id))
FROM subject s JOIN edge ON from_status = s.status AND to_status ~ '(APPROVED|SUCCESS)', unnest('{tin,individual,nobody}'::text[]) account WHERE s.name ~ '^(waiting|open)-' ORDER BY 1, 2;
-- A row that begins lacks nothing that is acted on later, and has the level of its status.
SELECT status, level, pg_temp.try('superuser', pg_temp.insert(columns)) AS whole, (SELECT string_agg(key, ' ' ORDER BY key COLLATE "C") FROM jsonb_object_keys(columns) key WHERE pg_temp.try('superuser', pg_temp.insert(columns - key)) = 'done') AS may_be_missing
FROM new JOIN edge ON from_status IS NULL AND to_status = status ORDER BY status, level;

-- [PRV-10] Other columns: none changes without the status; with it, those that come with it.
INSERT INTO try
SELECT 'superuser', attname, s.status, CASE WHEN moves THEN 'EMAIL-SUCCESS' END, NULL, pg_temp.try('superuser', format('UPDATE bestauth.registration SET %I = %s%s WHERE registration_id = %L', attname,
	CASE WHEN attname = 'email' THEN '''other@rstate.example''' WHEN atttypid = 'uuid'::regtype THEN 'gen_random_uuid()' WHEN atttypid = 'timestamptz'::regtype THEN 'timestamptz ''2098-07-06''' WHEN atttypid = 'jsonb'::regtype THEN '''[{"by": "me"}]'''
		WHEN atttypid = 'text[]'::regtype THEN '''{x}''' ELSE '''x''' END, CASE WHEN moves THEN format(', status = ''EMAIL-SUCCESS''%s', CASE WHEN attname <> 'user_id' THEN format(', user_id = %L', pg_temp.account('EMAIL-SUCCESS', 'tin')) END) END, registration_id))
FROM subject s, pg_attribute a, unnest('{false,true}'::boolean[]) moves WHERE attrelid = 'bestauth.registration'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'status' AND (NOT moves OR s.name = 'open-tin');
SELECT count(DISTINCT kind) AS columns, count(DISTINCT from_status) AS statuses, array_agg(DISTINCT result) AS results FROM try WHERE whole IS NULL AND to_status IS NULL;
SELECT kind AS column, result FROM try WHERE whole IS NULL AND to_status IS NOT NULL AND result <> '23514' ORDER BY kind COLLATE "C";
-- Nor is any of them taken away.
SELECT DISTINCT pg_temp.try('superuser', format('UPDATE bestauth.registration SET %I = %s WHERE registration_id = %L', attname, CASE attname WHEN 'history' THEN '''[]''' ELSE 'NULL' END, s.registration_id)) AS results
FROM subject s JOIN bestauth.registration r USING (registration_id), pg_attribute a WHERE attrelid = 'bestauth.registration'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'status' AND to_jsonb(r) ->> attname IS NOT NULL;

-- [F-02] Nothing is deleted, whoever tries.
SET client_min_messages = warning;
SELECT path, command, pg_temp.try(path, command) FROM unnest('{superuser,operator,owner,replica}'::text[]) path,
	unnest('{DELETE FROM bestauth.registration,DELETE FROM bestauth.registration WHERE false,TRUNCATE bestauth.registration CASCADE}'::text[]) command ORDER BY 1, 2;
RESET client_min_messages;
SELECT pg_temp.digest(:mark) = :'before' AS as_before;

-- [F-12] Who did it: by SQL the database role that logged in, whatever the statement says.
SELECT registration_id AS waiting FROM subject WHERE name = 'waiting-tin' \gset
SELECT registration_id AS other FROM subject WHERE name = 'waiting-individual' \gset
BEGIN;
SET LOCAL ROLE bestauth_owner;
UPDATE bestauth.registration SET status = 'DECLINED', reason = 'Has an account already' WHERE registration_id = :'waiting';
UPDATE bestauth.registration SET status = 'DECLINED', reason = 'Has an account already', changed_by = 'somebody else' WHERE registration_id = :'other';
RESET ROLE;
SELECT s.name, changed_by = session_user AS by_login, history -> -1 ->> 'by' = session_user AS in_history, history -> 0 ->> 'by' AS submitted_by FROM subject s JOIN bestauth.registration r USING (registration_id) WHERE s.name LIKE 'waiting-%' ORDER BY 1;
ROLLBACK;

-- [PRV-10] [F-01] [F-02] By functions: every one that takes a registration, with a row in
-- every status and at every level, by the operator and an administrator of each level.
CREATE TEMP TABLE session (caller text PRIMARY KEY, token text);
INSERT INTO session SELECT name, session_token FROM unnest('{head,one}'::text[]) name, LATERAL bestauth.login('rstate', name, 'seven green boats of ' || name, 'docs');
CREATE TEMP TABLE call (name text PRIMARY KEY, statement text NOT NULL, alone boolean NOT NULL);
INSERT INTO call VALUES
	('approve', 'SELECT bestauth.approve_registration(%1$L)', false),
	('modify', 'SELECT bestauth.approve_registration(%1$L, ''Provider - Portal User'')', false),
	('deny', 'SELECT bestauth.deny_registration(%1$L, ''Has an account already'')', false),
	('resend', 'SELECT bestauth.resend_registration_link(%1$L)', false),
	('revoke', 'SELECT bestauth.revoke_registration_link(%1$L)', false),
	('details', 'SELECT bestauth.registration_details(%1$L)', false),
	('accept', 'SELECT outcome FROM bestauth.accept_registration(%2$L, ''somebody'', ''seven green boats of mine'', ''Ann'', ''State'')', true),
	('peek', 'SELECT outcome FROM bestauth.peek_registration(%2$L)', true);
-- There is no other that names one.
SELECT p.proname FROM pg_proc p WHERE pronamespace = 'bestauth'::regnamespace AND 'registration_id' = ANY (proargnames[1:pronargs]) AND (proargmodes IS NULL OR proargmodes[1] = 'i') AND NOT EXISTS (SELECT FROM call WHERE strpos(statement, p.proname || '(%1$L') > 0) ORDER BY 1;
-- What a call came to, which rows it moved where, and whether anything is other than before; then it is undone.
CREATE FUNCTION pg_temp.call(caller text, statement text, mark bigint, before text, OUT result text, OUT moved text, OUT changed boolean) LANGUAGE plpgsql AS $$
DECLARE
	rule text;
BEGIN
	BEGIN
		IF caller IN ('head', 'one') THEN
			PERFORM bestauth.use_session((SELECT s.token FROM session s WHERE s.caller = call.caller));
		ELSIF caller = 'operator' THEN
			SET LOCAL ROLE regress_rstate_operator;
		END IF;
		EXECUTE statement INTO result;
		RESET ROLE;
		SELECT string_agg(concat(s.name, ' to ', r.status), ', ' ORDER BY s.name COLLATE "C") INTO moved FROM subject s JOIN bestauth.registration r USING (registration_id) WHERE r.status <> s.status;
		result := CASE WHEN result ~ '^(accepted|expired|invalid|valid|[A-Z-]+|[0-9]+)$' THEN result ELSE 'done' END;
		changed := pg_temp.digest(mark) <> before;
		RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = 'done';
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
		IF SQLSTATE <> 'ZZ000' THEN
			result := concat_ws(' ', SQLSTATE, nullif(rule, ''));
			changed := pg_temp.digest(mark) <> before;
		END IF;
	END;
END
$$;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT pg_temp.digest(:mark) AS before \gset
CREATE TEMP TABLE called AS SELECT c.name AS call, caller, s.name AS subject, s.status, s.level, r.*
FROM call c, unnest('{operator,head,one,nobody}'::text[]) caller, subject s, LATERAL pg_temp.call(caller, format(c.statement, s.registration_id, coalesce(pg_temp.link(s.name), 'bar_none')), :mark, :'before') r
WHERE c.alone = (caller = 'nobody');
SELECT count(*) AS calls, count(DISTINCT status) AS statuses FROM called;
SELECT call, subject, moved, string_agg(caller, ' ' ORDER BY caller) AS callers FROM called WHERE moved IS NOT NULL OR changed GROUP BY call, subject, moved ORDER BY 1, 2, 3;
-- What moved is an edge of the table, and of the row that was named alone; what did not move changed nothing but to send an invite again.
SELECT call, caller, subject, moved FROM called c WHERE moved <> concat(subject, ' to ', substr(moved, length(subject) + 5)) OR moved IS NOT NULL AND NOT EXISTS (SELECT FROM edge WHERE from_status = c.status AND to_status = substr(moved, length(subject) + 5));
SELECT DISTINCT call, status FROM called WHERE changed AND moved IS NULL;
-- What was refused, and how: 42501 out of reach, 55000 not in this status.
SELECT call, caller, result, string_agg(subject, ' ' ORDER BY subject COLLATE "C") AS subjects FROM called WHERE NOT changed AND call <> 'details' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT caller, level, result, count(*) FROM called WHERE call = 'details' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
-- Those that take none: invites whose time is over are invalidated, by the operator alone; mail moves nothing.
SELECT caller, call, c.result, c.moved, c.changed FROM unnest('{operator,head,one}'::text[]) caller, LATERAL pg_temp.call(caller, 'SELECT bestauth.expire_registrations()', :mark, :'before') c (result, moved, changed), (VALUES ('expire')) v (call) ORDER BY caller;
SELECT moved, count(*) FROM subject s, LATERAL pg_temp.call('nobody', 'SELECT count(*) FROM bestauth.claim_mail(1000)', :mark, :'before') GROUP BY 1;
SELECT pg_temp.digest(:mark) = :'before' AS as_before;

-- [F-12] What a row went through, played again, comes to its status: each step is an edge, the
-- next begins where the last ended, no step is before another, and each says who and why.
SELECT bestauth.expire_registrations() AS expired;
SELECT bestauth.deny_registration(registration_id, 'Does not work at this office') FROM subject WHERE name = 'waiting-tin';
CREATE TEMP VIEW step AS SELECT split_part(r.email, '@', 1) AS name, r.registration_id, r.status, r.reason AS row_reason, r.changed_at, r.changed_by, jsonb_array_length(r.history) AS steps, n, h ->> 'from' AS from_status, h ->> 'to' AS to_status, (h ->> 'at')::timestamptz AS at, h ->> 'by' AS by, h ->> 'reason' AS reason,
	lag(h ->> 'to') OVER w AS before, lag((h ->> 'at')::timestamptz) OVER w AS at_before
FROM bestauth.registration r, jsonb_array_elements(r.history) WITH ORDINALITY j (h, n) WHERE r.email LIKE '%@rstate.example' WINDOW w AS (PARTITION BY r.registration_id ORDER BY n);
SELECT count(DISTINCT registration_id) = (SELECT count(*) FROM bestauth.registration WHERE email LIKE '%@rstate.example') AS each_has_one, count(DISTINCT status) AS statuses,
	bool_and(from_status IS NOT DISTINCT FROM before) AS joined, bool_and(at >= at_before) AS in_order, bool_and(by IS NOT NULL) AS actor, bool_and(n < steps OR (to_status = status AND at = changed_at AND by = changed_by AND reason IS NOT DISTINCT FROM row_reason)) AS last_is_status,
	bool_and((from_status IS NULL AND to_status IN (SELECT e.to_status FROM edge e WHERE e.from_status IS NULL)) OR (from_status, to_status) IN (SELECT e.from_status, e.to_status FROM edge e)) AS edges FROM step;
SELECT name, n, from_status, to_status, CASE by WHEN session_user THEN '(the operator)' ELSE by END AS by, reason FROM step WHERE name ~ '^(accepted|revoked|late|auto|approved|declined|waiting)-tin' ORDER BY name, at, n;

UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL;
SELECT bestauth.revoke_access('regress_rstate_operator', 'operator');
REVOKE USAGE ON SCHEMA regress FROM regress_rstate_operator;
DROP ROLE regress_rstate_operator;
