-- Each step of inviting, asking, accepting and deciding fails in turn: nothing is half done.
\set SHOW_CONTEXT never
SET bestauth.lockout_threshold = 100;
SET bestauth.mail_hourly_limit = 10000;
UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL;
SELECT count(bestauth.create_company('rfault', 'Fault Clinic'));
SELECT count(bestauth.create_portal('rfault', 'docs', 'provider', 'Doctors'));
SELECT bestauth.create_office('rfault', '10-0000002', 'Fault Office') AS office \gset
SELECT bestauth.create_provider(:'office', '1000000004', 'Pat', 'Fault', '1970-02-03') AS provider \gset
INSERT INTO bestauth.claim_history (office_identifier, npi, claim_number, service_date, company) VALUES ('100000002', '1000000004', 'FLT-1', '2024-01-02', 'rfault');
CREATE TEMP TABLE mail (recipient text PRIMARY KEY, token text);
SELECT count(*) FROM (VALUES ('head', NULL::uuid), ('late', :'provider')) v (name, provider), LATERAL bestauth.send_registration_links(ARRAY[name || '@rfault.example'], 'Provider - Administrator', :'office', provider);
INSERT INTO mail SELECT split_part(recipient, '@', 1), token FROM bestauth.claim_mail(1000) WHERE recipient LIKE '%@rfault.example';
SELECT outcome FROM mail, bestauth.accept_registration(token, 'head', 'seven green boats of hers', 'He', 'Ad') WHERE recipient = 'head';
SELECT session_token AS session FROM bestauth.login('rfault', 'head', 'seven green boats of hers', 'docs') \gset
SELECT token AS late FROM mail WHERE recipient = 'late' \gset
SELECT registration_id AS late_id FROM bestauth.registration WHERE email = 'late@rfault.example' \gset
SELECT registration_id AS tin FROM bestauth.submit_registration('rfault', '100000002', NULL, 'tin', NULL, NULL, 'tina', 'seven green boats of hers', 'Ti', 'Na', 'tina@rfault.example') \gset
SELECT registration_id AS individual FROM bestauth.submit_registration('rfault', '100000002', NULL, 'individual', '1000000004', 'Provider - Portal User', 'indi', 'seven green boats of hers', 'In', 'Di', 'indi@rfault.example') \gset
SELECT registration_id AS later FROM bestauth.submit_registration('rfault', '77-0000002', NULL, 'individual', '1000000012', NULL, 'later', 'seven green boats of hers', 'La', 'Ter', 'later@rfault.example') \gset
SELECT count(bestauth.create_provider(bestauth.create_office('rfault', '770000002', 'Later Office'), '1000000012', 'Sam', 'Fault', '1970-02-03'));

-- Every row that is written counts, before and after it is; the one whose turn it is fails.
CREATE FUNCTION regress.fault() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	seen integer := coalesce(nullif(current_setting('fault.seen', true), ''), '0')::integer + 1;
BEGIN
	IF coalesce(current_setting('fault.at', true), '') <> '' THEN
		PERFORM set_config('fault.seen', seen::text, false);
		IF seen = current_setting('fault.at')::integer THEN
			RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = format('%s %s %s', lower(TG_WHEN), lower(TG_OP), TG_ARGV[0]);
		END IF;
	END IF;
	RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TEMP TABLE watched AS SELECT oid, relname FROM pg_class WHERE relnamespace = 'bestauth'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname NOT IN ('login_counter', 'audit_fold');
DO $$
DECLARE
	t record;
BEGIN
	FOR t IN SELECT * FROM watched, unnest('{BEFORE,AFTER}'::text[]) moment LOOP
		EXECUTE format('CREATE TRIGGER zz_fault_%s %s INSERT OR UPDATE OR DELETE ON bestauth.%I FOR EACH ROW EXECUTE FUNCTION regress.fault(%L)', lower(t.moment), t.moment, t.relname, t.relname);
	END LOOP;
END
$$;
-- All that there is, but for counts of guesses and what was refused, which stay by design.
CREATE FUNCTION pg_temp.digest() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	t text;
	one text;
	result text := '';
BEGIN
	FOR t IN SELECT relname FROM watched WHERE relname <> 'audit_log' ORDER BY 1 LOOP
		EXECUTE format('SELECT md5(coalesce(string_agg(r::text, '' '' ORDER BY r::text COLLATE "C"), '''')) FROM bestauth.%I r', t) INTO one;
		result := result || one;
	END LOOP;
	SELECT concat(count(*), ' ', max(audit_id)) INTO one FROM bestauth.audit_log WHERE outcome <> 'denied';
	RETURN md5(result || one);
END
$$;
CREATE TEMP TABLE fault (call text, n integer, fault text, as_before boolean);
CREATE FUNCTION pg_temp.sweep(call text, session text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before text := pg_temp.digest();
	result text;
	changed boolean;
BEGIN
	FOR n IN 1..1000 LOOP
		BEGIN
			IF session <> '' THEN
				PERFORM bestauth.use_session(session);
			END IF;
			PERFORM set_config('fault.seen', '0', false), set_config('fault.at', n::text, false);
			EXECUTE statement INTO result;
			PERFORM set_config('fault.at', '', false);
			changed := pg_temp.digest() <> before;
			RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = 'done';
		EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
			INSERT INTO fault VALUES (call, n, SQLERRM, pg_temp.digest() = before);
		WHEN SQLSTATE 'ZZ000' THEN
			RETURN format('%s, %s', result, CASE WHEN changed THEN 'and then it is otherwise' ELSE 'and nothing is otherwise' END);
		END;
	END LOOP;
	RETURN 'never done';
END
$$;

-- [F-04] [M-03] At the end, without a fault, each of them is done; and undone here.
SET client_min_messages = error;
SELECT call, pg_temp.sweep(call, session, statement) FROM (VALUES
	('approve', '', format('SELECT bestauth.approve_registration(%L)', :'tin')),
	('approve, by a session with another role', :'session', format('SELECT bestauth.approve_registration(%L, ''Provider - Clerical User'')', :'individual')),
	('approve, with an office that was made later', '', format('SELECT bestauth.approve_registration(%L)', :'later')),
	('deny', :'session', format('SELECT bestauth.deny_registration(%L, ''Has an account already'')', :'tin')),
	('accept', '', format('SELECT outcome FROM bestauth.accept_registration(%L, ''late'', ''seven green boats of hers'', ''La'', ''Te'', ''{"title": "Dr"}'')', :'late')),
	('submit', '', 'SELECT status FROM bestauth.submit_registration(''rfault'', ''100000002'', NULL, ''tin'', NULL, NULL, ''new'', ''seven green boats of hers'', ''N'', ''Ew'', ''new@rfault.example'')'),
	('submit, wrong answers', '', 'SELECT status FROM bestauth.submit_registration(''rfault'', ''100000002'', NULL, ''individual'', ''1000000004'', NULL, ''new'', ''seven green boats of hers'', ''N'', ''Ew'', ''new@rfault.example'', ''FLT-2'', ''1970-02-03'')'),
	('submit, right answers', '', 'SELECT status FROM bestauth.submit_registration(''rfault'', ''100000002'', NULL, ''tin'', NULL, ''Provider - Administrator'', ''new'', ''seven green boats of hers'', ''N'', ''Ew'', ''new@rfault.example'', ''FLT-1'', ''1970-02-03'')'),
	('submit, incomplete', '', 'SELECT status FROM bestauth.submit_registration(''rfault'', NULL, NULL, ''tin'', NULL, NULL, ''new'', ''seven green boats of hers'', ''N'', ''Ew'', ''new@rfault.example'')'),
	('invite', :'session', format('SELECT count(*) FROM bestauth.send_registration_links(''{late@rfault.example,two@rfault.example}'', ''Provider - Clerical User'', %L, %L)', :'office', :'provider')),
	('resend', :'session', format('SELECT count(*) FROM bestauth.resend_registration_link(%L)', :'late_id')),
	('revoke', :'session', format('SELECT count(bestauth.revoke_registration_link(%L))', :'late_id'))) v (call, session, statement);
RESET client_min_messages;
SELECT call, count(*) > 1 AS faults, bool_and(as_before) AS as_before, string_agg(DISTINCT split_part(fault, ' ', 2) || ' ' || split_part(fault, ' ', 3), ', ') AS rows FROM fault GROUP BY call ORDER BY call;
SELECT call, n, fault FROM fault WHERE NOT as_before ORDER BY call, n;
-- The state moves and the account is made, or neither: as many faults before the row of the one is written as after.
SELECT call, count(*) FILTER (WHERE fault = 'after insert user_account') AS after_account, count(*) FILTER (WHERE fault IN ('after update registration', 'after insert registration')) AS after_state, count(*) FILTER (WHERE fault LIKE '%outbox') > 0 AS mail, count(*) FILTER (WHERE fault LIKE '%audit_log') > 0 AS audit
FROM fault WHERE call ~ '^(approve|accept|submit, right)' GROUP BY call ORDER BY call;
DO $$
DECLARE
	t record;
BEGIN
	FOR t IN SELECT * FROM watched LOOP
		EXECUTE format('DROP TRIGGER zz_fault_before ON bestauth.%I', t.relname);
		EXECUTE format('DROP TRIGGER zz_fault_after ON bestauth.%I', t.relname);
	END LOOP;
END
$$;
DROP FUNCTION regress.fault();
-- What a fault left behind hinders nothing: the same calls work.
SELECT bestauth.approve_registration(:'tin'), (SELECT outcome FROM bestauth.accept_registration(:'late', 'late', 'seven green boats of hers', 'La', 'Te'));
SELECT count(*) AS half FROM bestauth.registration r LEFT JOIN bestauth.user_account u USING (user_id) LEFT JOIN bestauth.credential c USING (user_id) LEFT JOIN bestauth.user_role ro USING (user_id) WHERE r.email LIKE '%@rfault.example' AND (r.user_id IS NOT NULL) <> (u.user_id IS NOT NULL AND c.password_hash IS NOT NULL AND ro.role_id IS NOT NULL);
UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL;
