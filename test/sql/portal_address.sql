-- Whose an address is: accounts that were made with a wrong one, mail to addresses that
-- nobody has proved, and what calls of strangers leave behind.
\set SHOW_CONTEXT never
SELECT count(bestauth.create_company(code, name)) FROM (VALUES ('paddress_clinic', 'Cliff Clinic'), ('paddress_other', 'Other Clinic')) v (code, name);
SELECT bestauth.create_portal('paddress_clinic', 'p', 'client', 'Cliff Portal', 'https://cliff.paddress.example') IS NOT NULL AS made;
SELECT bestauth.create_user('otto', 'standard', 'Otto', 'Other', 'otto@other.paddress.example', 'a stranger of that company', company => 'paddress_other') IS NOT NULL AS made;
CREATE TEMP TABLE mail (n serial, kind text, topic text, recipient text, body text, token text);
CREATE FUNCTION pg_temp.claim() RETURNS TABLE (kind text, recipient text) LANGUAGE sql AS $$
	INSERT INTO mail (kind, recipient, body, token) SELECT kind, recipient, body, token FROM bestauth.claim_mail(1000)
	WHERE recipient LIKE '%@paddress.example' ORDER BY recipient COLLATE "C", kind RETURNING kind, recipient
$$;
CREATE FUNCTION pg_temp.link(name text) RETURNS text LANGUAGE sql AS $$
	SELECT token FROM mail WHERE recipient = $1 || '@paddress.example' AND token IS NOT NULL ORDER BY n DESC LIMIT 1
$$;
CREATE FUNCTION pg_temp.account(contact uuid, name text) RETURNS text LANGUAGE sql AS $$
	SELECT regress.attempt(format('SELECT bestauth.create_portal_account(%L, %L)', contact, name || '@paddress.example'))
$$;
CREATE FUNCTION pg_temp.log_in(name text, password text) RETURNS text LANGUAGE sql AS $$
	SELECT outcome FROM bestauth.login('paddress_clinic', $1 || '@paddress.example', $2, 'p')
$$;
CREATE VIEW pg_temp.accounts AS SELECT a.username, a.name, a.state FROM bestauth.portal_accounts a WHERE a.company = 'paddress_clinic' ORDER BY a.username COLLATE "C";

-- [PRT-4] [PRT-8] Two charts with each other's address, both accounts waiting. Corrected, the
-- accounts go at once, with their links; and either address is free for whose it is.
SELECT bestauth.create_contact('client', 'Cora', 'Cliff', 'dora@paddress.example', 'paddress_clinic') AS cora \gset
SELECT bestauth.create_contact('client', 'Dora', 'Dale', 'cora@paddress.example', 'paddress_clinic') AS dora \gset
SELECT pg_temp.account(:'cora', 'dora'), pg_temp.account(:'dora', 'cora');
SELECT * FROM pg_temp.claim();
SELECT pg_temp.link('dora') AS wrong \gset
SELECT bestauth.update_contact(:'cora', '{"email": "cora@paddress.example"}'), bestauth.update_contact(:'dora', '{"email": "dora@paddress.example"}');
SELECT * FROM pg_temp.accounts;
SELECT bestauth.set_password(:'wrong', 'whoever got the wrong mail');
SELECT regress.attempt($$SELECT bestauth.restore_user('cora@paddress.example', 'paddress_clinic', 'p')$$);
SELECT pg_temp.account(:'cora', 'cora');
SELECT outcome FROM bestauth.register_portal_account('paddress_clinic', 'p', 'dora@paddress.example', 'dora knits long scarves', 'Dora', 'Dale');
SELECT * FROM pg_temp.claim();
SELECT bestauth.set_password(pg_temp.link('cora'), 'cora walks seven dogs');
SELECT * FROM pg_temp.claim();
SELECT bestauth.verify_email(pg_temp.link('cora')), bestauth.verify_email(pg_temp.link('dora'));
SELECT pg_temp.log_in('cora', 'cora walks seven dogs'), pg_temp.log_in('dora', 'dora knits long scarves');
SELECT * FROM pg_temp.accounts;
-- An active account is not made anew, deleted or not.
SELECT bestauth.delete_user('dora@paddress.example', 'paddress_clinic', 'p');
SELECT pg_temp.account(:'dora', 'dora');
SELECT outcome FROM bestauth.register_portal_account('paddress_clinic', 'p', 'dora@paddress.example', 'dora knits once again', 'Dora', 'Dale');
SELECT * FROM pg_temp.claim();

-- [I-11] Nothing is told, nor named, at an address that nobody has proved.
SELECT bestauth.create_contact('client', 'Ella', 'Secret', 'ella@paddress.example', 'paddress_clinic') AS ella \gset
SELECT pg_temp.account(:'ella', 'ella');
SELECT * FROM pg_temp.claim();
SELECT bestauth.lock_user('ella@paddress.example', 'paddress_clinic', 'p'), bestauth.unlock_user('ella@paddress.example', 'paddress_clinic', 'p');
SELECT * FROM pg_temp.claim();
SELECT bestauth.lock_user('cora@paddress.example', 'paddress_clinic', 'p'), bestauth.unlock_user('cora@paddress.example', 'paddress_clinic', 'p');
SELECT * FROM pg_temp.claim();

-- [PRT-8] The link of a sign-up that is over says so, however young it is.
SELECT outcome FROM bestauth.register_portal_account('paddress_clinic', 'p', 'late@paddress.example', 'late for every train', 'Late', 'Train');
SELECT * FROM pg_temp.claim();
SELECT * FROM bestauth.peek_verification(pg_temp.link('late'));
UPDATE bestauth.signup SET expires_at = clock_timestamp() WHERE email = 'late@paddress.example';
SELECT outcome, bestauth.verify_email(pg_temp.link('late')) FROM bestauth.peek_verification(pg_temp.link('late'));

-- [I-07] Sign-ups keep no other mail of the address away: they take up half of it at most.
SELECT outcome FROM bestauth.register_portal_account('paddress_clinic', 'p', 'wil@paddress.example', 'wil plays the old organ', 'Wil', 'Wind');
SELECT * FROM pg_temp.claim();
SELECT bestauth.verify_email(pg_temp.link('wil'));
SET bestauth.mail_hourly_limit = 4;
DO $$
BEGIN
	FOR i IN 1 .. 4 LOOP
		PERFORM bestauth.register_portal_account('paddress_clinic', 'p', 'wil@paddress.example', 'somebody else entirely ' || i, 'Some', 'Body');
		PERFORM bestauth.claim_mail(1000);
	END LOOP;
END
$$;
SELECT count(*) FILTER (WHERE claimed_at IS NOT NULL) AS sent, count(*) FILTER (WHERE claimed_at IS NULL AND cancelled_at IS NULL) AS waiting FROM bestauth.outbox
WHERE recipient = 'wil@paddress.example';
SELECT bestauth.request_password_reset('paddress_clinic', 'wil@paddress.example', 'p');
SELECT * FROM pg_temp.claim();
RESET bestauth.mail_hourly_limit;

-- [AUD-2] Calls with a link or a form have nothing to do with a session that is open beside
-- them: no row of the company names it.
SELECT session_token AS otto FROM bestauth.login('paddress_other', 'otto', 'a stranger of that company') \gset
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
BEGIN;
SELECT company_id IS NOT NULL AS in FROM bestauth.use_session(:'otto');
SELECT bestauth.request_password_reset('paddress_clinic', 'nobody@paddress.example', 'p');
SELECT outcome FROM bestauth.register_portal_account('paddress_clinic', 'p', 'nora@paddress.example', 'nora paints the harbour', 'Nora', 'New');
SELECT outcome FROM bestauth.resend_verification('paddress_clinic', 'p', 'ella@paddress.example');
SELECT bestauth.set_password(pg_temp.link('cora'), 'cora walks eight dogs');
-- The session goes on as before.
SELECT bestauth.current_company_id() IS NOT NULL AS in;
COMMIT;
SELECT * FROM pg_temp.claim();
BEGIN;
SELECT company_id IS NOT NULL AS in FROM bestauth.use_session(:'otto');
SELECT bestauth.verify_email(pg_temp.link('nora'));
COMMIT;
SELECT action, username, count(*) FROM bestauth.audit_log WHERE audit_id > :mark AND action NOT LIKE 'row.%' AND company_code = 'paddress_clinic' GROUP BY action, username ORDER BY action, username;
SELECT count(*) FROM bestauth.audit_log WHERE audit_id > :mark AND company_code IS DISTINCT FROM 'paddress_other' AND (username = 'otto' OR person = 'otto'
	OR session_id = (SELECT session_id FROM bestauth.audit_log WHERE audit_id > :mark AND company_code = 'paddress_other' AND session_id IS NOT NULL LIMIT 1));

-- [E-10] The numbers of the audit, which others see, rise alike for every address; also when
-- there are so many calls that they are counted and not written.
SELECT bestauth.create_user('pat', 'standard', 'Pat', 'Paddress', 'pat@paddress.example', 'a password of pat here', permissions => '{my_account}', company => 'paddress_clinic') IS NOT NULL AS made;
CREATE FUNCTION pg_temp.numbers(call text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint;
BEGIN
	SELECT last_value INTO before FROM bestauth.audit_id_seq;
	EXECUTE 'SELECT bestauth.' || call;
	RETURN (SELECT last_value FROM bestauth.audit_id_seq) - before;
END
$$;
SELECT pg_temp.numbers($$request_password_reset('paddress_clinic', 'pat')$$) AS known, pg_temp.numbers($$request_password_reset('paddress_clinic', 'pit')$$) AS unknown,
	pg_temp.numbers($$resend_verification('paddress_clinic', 'p', 'ella@paddress.example')$$) AS waiting, pg_temp.numbers($$resend_verification('paddress_clinic', 'p', 'nobody@paddress.example')$$) AS nobody;
SELECT count(bestauth.resend_verification('paddress_clinic', 'p', 'nobody' || n || '@paddress.example')) FROM generate_series(1, 110) n;
SELECT pg_temp.numbers($$resend_verification('paddress_clinic', 'p', 'ella@paddress.example')$$) = pg_temp.numbers($$resend_verification('paddress_clinic', 'p', 'nobody@paddress.example')$$) AS alike;

-- What was sent after all is not taken up again.
SELECT message_id AS sent FROM bestauth.outbox WHERE recipient = 'nora@paddress.example' LIMIT 1 \gset
SELECT bestauth.fail_mail(:'sent', 'no such mailbox', true), bestauth.confirm_mail(:'sent');
SELECT sent_at IS NOT NULL AS sent, dead_at FROM bestauth.outbox WHERE message_id = :'sent';
SELECT regress.attempt(format('SELECT bestauth.retry_mail(%L)', :'sent'));

-- [L-18] Links lead to pages that are reached by https; health says where not.
UPDATE bestauth.portal SET url = 'http://cliff.paddress.example' WHERE url = 'https://cliff.paddress.example';
SELECT ok, value, detail FROM bestauth.health WHERE check_name = 'portal_addresses';
UPDATE bestauth.portal SET url = 'https://cliff.paddress.example' WHERE url = 'http://cliff.paddress.example';
