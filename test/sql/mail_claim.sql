-- What becomes of mail: tried again, given up, called off, put off.
\set SHOW_CONTEXT never
-- The mail of other tests is out of the way.
UPDATE bestauth.outbox SET cancelled_at = clock_timestamp() WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL;
SELECT bestauth.create_company('claim_clinic', 'Clinic') IS NOT NULL AS made;
SELECT bestauth.create_portal('claim_clinic', 'clients', 'client', 'Portal', 'https://portal.claim.example/') IS NOT NULL AS made;
CREATE FUNCTION pg_temp.invite(VARIADIC names text[]) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(bestauth.create_user(name, 'restricted', 'Claim', 'Test', name || '@claim.example', company => 'claim_clinic')) FROM unnest($1) name
$$;
CREATE VIEW pg_temp.mail AS SELECT split_part(recipient, '@', 1) AS name, kind, attempts,
	CASE WHEN sent_at IS NOT NULL THEN 'sent' WHEN cancelled_at IS NOT NULL THEN 'called off' WHEN dead_at IS NOT NULL THEN 'given up'
		WHEN due_at <= clock_timestamp() THEN 'due' ELSE 'later' END AS state
FROM bestauth.outbox o JOIN bestauth.company c USING (company_id) WHERE c.code = 'claim_clinic' ORDER BY o.created_at, o.message_id;
-- The time of all that waits comes.
CREATE PROCEDURE pg_temp.wait() LANGUAGE sql AS $$
	UPDATE bestauth.outbox SET due_at = clock_timestamp() WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL
$$;
-- An hour, and nobody was sent anything in it.
CREATE PROCEDURE pg_temp.wait_an_hour() LANGUAGE sql AS $$
	UPDATE bestauth.outbox SET claimed_at = claimed_at - interval '61 minutes'
$$;
-- Claims all, and sends it.
CREATE FUNCTION pg_temp.send(OUT recipient text, OUT kind text, OUT token text) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	m record;
BEGIN
	FOR m IN SELECT c.* FROM bestauth.claim_mail(1000) c LOOP
		PERFORM bestauth.confirm_mail(m.message_id);
		recipient := m.recipient;
		kind := m.kind;
		token := m.token;
		RETURN NEXT;
	END LOOP;
END
$$;

-- [I-04] What fails each time is tried after a minute, two, four, up to an hour, and in the
-- end given up; other mail goes out meanwhile.
SHOW bestauth.mail_max_attempts;
SELECT pg_temp.invite('poison', 'first');
CREATE FUNCTION pg_temp.fail(name text, OUT attempt integer, OUT minutes integer, OUT others bigint, OUT as_said boolean, OUT state text) LANGUAGE plpgsql AS $$
DECLARE
	message uuid;
	began timestamptz;
BEGIN
	CALL pg_temp.wait();
	SELECT m.message_id, m.attempts, m.others INTO message, attempt, others
	FROM (SELECT c.*, count(*) OVER () - 1 AS others FROM bestauth.claim_mail(1000) c) m WHERE m.recipient = fail.name || '@claim.example';
	minutes := least(2 ^ (attempt - 1), 60);
	began := clock_timestamp();
	PERFORM bestauth.fail_mail(message, 'no such host');
	SELECT due_at - minutes * interval '1 minute' BETWEEN began AND clock_timestamp() INTO as_said FROM bestauth.outbox WHERE message_id = message;
	SELECT m.state INTO state FROM pg_temp.mail m WHERE m.name = fail.name;
END
$$;
SELECT * FROM pg_temp.fail('poison');
SELECT bestauth.confirm_mail(message_id) FROM bestauth.outbox WHERE recipient = 'first@claim.example';
-- Its time has not come, and others' has.
SELECT pg_temp.invite('second');
SELECT recipient, kind FROM pg_temp.send();
SELECT f.* FROM generate_series(2, 10) n, LATERAL pg_temp.fail('poison' || left(n::text, 0)) f;
CALL pg_temp.wait();
SELECT count(*) FROM bestauth.claim_mail(1000);
TABLE pg_temp.mail;
SELECT last_error FROM bestauth.outbox WHERE recipient = 'poison@claim.example';
-- The operator takes it up again, and it has all its attempts before it.
SELECT bestauth.retry_mail(message_id) FROM bestauth.outbox WHERE recipient = 'poison@claim.example';
SELECT recipient, attempts FROM bestauth.claim_mail(1000);
SELECT regress.attempt(format('SELECT bestauth.retry_mail(%L)', message_id)) FROM bestauth.outbox WHERE recipient IN ('poison@claim.example', 'first@claim.example');
SELECT regress.attempt('SELECT bestauth.retry_mail(NULL)'), regress.attempt('SELECT bestauth.retry_mail(bestauth.uuidv7())');
-- What can never be sent is given up at once.
SELECT bestauth.fail_mail(message_id, 'no such mailbox', true) FROM bestauth.outbox WHERE recipient = 'poison@claim.example';
CALL pg_temp.wait();
SELECT count(*) FROM bestauth.claim_mail(1000);
SELECT * FROM pg_temp.mail WHERE name = 'poison';
-- What was sent stays sent, whatever another mailer, who had it before, says.
SELECT bestauth.fail_mail(message_id, 'no such mailbox', true) FROM bestauth.outbox WHERE recipient = 'first@claim.example';
CALL pg_temp.wait();
SELECT count(*) FROM bestauth.claim_mail(1000);
SELECT * FROM pg_temp.mail WHERE name = 'first';
-- A message of which its mailers die says nothing, and is given up after as many claims.
SET bestauth.mail_max_attempts = 3;
SELECT pg_temp.invite('killer');
SELECT attempts FROM bestauth.claim_mail();
CALL pg_temp.wait();
SELECT attempts FROM bestauth.claim_mail();
CALL pg_temp.wait();
SELECT attempts FROM bestauth.claim_mail();
SELECT * FROM pg_temp.mail WHERE name = 'killer';
CALL pg_temp.wait();
SELECT pg_temp.invite('third');
SELECT recipient, attempts FROM bestauth.claim_mail();
SELECT * FROM pg_temp.mail WHERE name IN ('killer', 'third');
-- What is given back can be claimed at once, as often as one likes.
SELECT bestauth.release_mail(message_id) FROM bestauth.outbox WHERE recipient = 'third@claim.example';
SELECT bestauth.release_mail(message_id) FROM bestauth.claim_mail();
SELECT bestauth.release_mail(message_id) FROM bestauth.claim_mail();
SELECT bestauth.release_mail(message_id) FROM bestauth.claim_mail();
SELECT * FROM pg_temp.mail WHERE name = 'third';
SELECT recipient, kind FROM pg_temp.send();
-- The limit is a superuser's.
CREATE ROLE regress_claim_mailer;
SELECT bestauth.grant_access('regress_claim_mailer', 'mailer');
GRANT USAGE ON SCHEMA regress TO regress_claim_mailer;
SET ROLE regress_claim_mailer;
SELECT regress.attempt('SET bestauth.mail_max_attempts = 1000'), regress.attempt('SET bestauth.mail_hourly_limit = 1000');
RESET ROLE;
RESET bestauth.mail_max_attempts;

-- Mail that has nothing to say any more is called off: the same once more came after it;
SELECT bestauth.resend_setup_link('third', company => 'claim_clinic') FROM generate_series(1, 3);
SELECT recipient, kind FROM pg_temp.send();
SELECT * FROM pg_temp.mail WHERE name = 'third';
-- there is a password meanwhile;
SELECT pg_temp.invite('fourth');
SELECT bestauth.reset_password('fourth', company => 'claim_clinic') AS temporary \gset
SELECT recipient, kind FROM pg_temp.send();
-- the temporary one was changed;
SELECT bestauth.reset_password('fourth', company => 'claim_clinic') AS temporary \gset
SELECT bestauth.set_password(challenge_token, 'seven green boats of fourth') FROM bestauth.login('claim_clinic', 'fourth', :'temporary');
SELECT recipient, kind FROM pg_temp.send();
-- another new address was entered, or the old one after all;
SELECT bestauth.update_user('fourth', '{"email": "fifth@claim.example"}', 'claim_clinic');
SELECT bestauth.update_user('fourth', '{"email": "sixth@claim.example"}', 'claim_clinic');
SELECT recipient, kind FROM pg_temp.send() ORDER BY recipient COLLATE "C";
SELECT bestauth.update_user('fourth', '{"email": "seventh@claim.example"}', 'claim_clinic');
SELECT bestauth.update_user('fourth', '{"email": "fourth@claim.example"}', 'claim_clinic');
SELECT recipient, kind FROM pg_temp.send();
-- the user is deleted;
SELECT pg_temp.invite('eighth');
SELECT bestauth.delete_user('eighth', company => 'claim_clinic');
SELECT recipient, kind FROM pg_temp.send();
SELECT * FROM pg_temp.mail WHERE name NOT IN ('poison', 'first', 'second', 'killer', 'third');
-- it was asked for a day ago; what an administrator caused is not too late.
SELECT bestauth.grant_permission('fourth', 'my_account', company => 'claim_clinic');
SELECT recipient, kind FROM pg_temp.send();
SELECT bestauth.request_password_reset('claim_clinic', 'fourth');
SELECT pg_temp.invite('ninth');
UPDATE bestauth.outbox SET created_at = created_at - interval '23 hours' WHERE sent_at IS NULL AND recipient IN ('fourth@claim.example', 'ninth@claim.example');
SELECT recipient, kind, bestauth.release_mail(message_id) IS NULL AS released FROM bestauth.claim_mail() ORDER BY recipient COLLATE "C";
UPDATE bestauth.outbox SET created_at = created_at - interval '61 minutes' WHERE sent_at IS NULL AND recipient IN ('fourth@claim.example', 'ninth@claim.example');
SELECT recipient, kind FROM pg_temp.send();
SELECT * FROM pg_temp.mail WHERE name IN ('fourth', 'ninth') AND (kind, name) IN (('password_reset', 'fourth'), ('password_setup', 'ninth'));
-- However much of it is called off, a batch is full, and in the order in which it came.
SELECT count(bestauth.resend_setup_link('ninth', company => 'claim_clinic')) FROM generate_series(1, 30);
SELECT pg_temp.invite('tenth', 'eleventh', 'twelfth');
SELECT recipient FROM bestauth.claim_mail(2);
SELECT recipient FROM bestauth.claim_mail(2);
SELECT state, count(*) FROM pg_temp.mail WHERE name = 'ninth' GROUP BY state ORDER BY state COLLATE "C";
UPDATE bestauth.outbox SET sent_at = clock_timestamp() WHERE recipient LIKE '%@claim.example' AND claimed_at IS NOT NULL;

-- An account in the portal, made and used by its owner.
SELECT bestauth.create_contact('client', 'Mike', 'Klein', 'mike@claim.example', 'claim_clinic') AS mike \gset
SELECT bestauth.create_portal_account(:'mike', 'MIKE@claim.example', company => 'claim_clinic') IS NOT NULL AS made;
SELECT bestauth.set_password(token, 'seven green boats of a client') FROM pg_temp.send() WHERE kind = 'portal_invite';
SELECT token AS early FROM pg_temp.send() WHERE kind = 'email_verification' \gset
-- Verified by an earlier link: the next is called off.
SELECT outcome FROM bestauth.resend_verification('claim_clinic', NULL, 'mike@claim.example');
SELECT * FROM pg_temp.mail WHERE name = 'mike';
SELECT outcome FROM bestauth.verify_email(:'early');
SELECT recipient, kind FROM pg_temp.send();
SELECT * FROM pg_temp.mail WHERE name = 'mike';

-- [I-06] Mail goes to the address that is kept, not to what was typed: in other letters, it is
-- the same account, and like letters of elsewhere are none.
SELECT bestauth.request_password_reset('claim_clinic', 'MIKE@Claim.Example', 'clients');
SELECT recipient, kind FROM pg_temp.send();
SELECT bestauth.request_password_reset('claim_clinic', name, 'clients') FROM (VALUES (U&'m\0131ke@claim.example'), (U&'M\0130KE@claim.example'), (U&'mi\212Ae@claim.example'),
	('mike@claim.example,eve@evil.example'), ('mike@claim.example '), ('mike')) v (name);
SELECT regress.attempt($$SELECT bestauth.request_password_reset('claim_clinic', E'mike@claim.example\nBcc: eve@evil.example', 'clients')$$);
SELECT regress.attempt(format('SELECT bestauth.resend_verification(%L, NULL, %L)', 'claim_clinic', name)) = 'done' AS taken,
	left(regress.attempt(format('SELECT bestauth.register_portal_account(%L, NULL, %L, %L, %L, %L)', 'claim_clinic', name, 'seven green boats of eve', 'Eve', 'Evil')), 5) AS registered
FROM (VALUES (U&'m\0131ke@claim.example'), (U&'mi\212Ae@claim.example'), ('mike@claim.example,eve@evil.example'), (E'mike@claim.example\nBcc: eve@evil.example')) v (name);
SELECT recipient, kind FROM pg_temp.send();

-- [I-07] A thousand requests for one address: the answer is always the same, and the address
-- gets one mail; while its reader asks on, three in an hour.
CREATE FUNCTION pg_temp.ask(times integer, OUT asked bigint, OUT answers bigint) LANGUAGE plpgsql AS $$
BEGIN
	SELECT count(*), count(DISTINCT a) INTO asked, answers FROM (SELECT concat(bestauth.request_password_reset('claim_clinic', 'mike@claim.example', 'clients')) AS a FROM generate_series(1, times)) x;
END
$$;
CALL pg_temp.wait_an_hour();
UPDATE bestauth.outbox SET created_at = created_at - interval '61 minutes' WHERE recipient = 'mike@claim.example';
-- (A transaction of one snapshot would not see the first message, and put down a thousand, of
-- which one goes out.)
BEGIN ISOLATION LEVEL READ COMMITTED;
SELECT asked, answers FROM pg_temp.ask(1000);
COMMIT;
SELECT count(*) AS messages FROM pg_temp.mail WHERE kind = 'password_reset' AND name = 'mike' AND state = 'due';
SELECT recipient, kind FROM pg_temp.send();
SELECT asked, answers FROM pg_temp.ask(10);
SELECT recipient, kind FROM pg_temp.send();
SELECT asked, answers FROM pg_temp.ask(10);
SELECT recipient, kind FROM pg_temp.send();
SELECT asked, answers FROM pg_temp.ask(10);
SELECT recipient, kind FROM pg_temp.send();
UPDATE bestauth.outbox SET created_at = created_at - interval '61 minutes' WHERE recipient = 'mike@claim.example';
SELECT asked, answers FROM pg_temp.ask(1);
SELECT recipient, kind FROM pg_temp.send();
-- The same of an address that waits for its verification.
SELECT outcome FROM bestauth.register_portal_account('claim_clinic', 'clients', 'nora@claim.example', 'seven green boats of nora', 'Nora', 'New');
BEGIN ISOLATION LEVEL READ COMMITTED;
SELECT outcome, count(*) FROM (SELECT bestauth.resend_verification('claim_clinic', NULL, 'NORA@claim.example') AS outcome FROM generate_series(1, 1000)) x GROUP BY outcome;
COMMIT;
SELECT count(*) AS messages FROM pg_temp.mail WHERE name = 'nora' AND state = 'due';
SELECT recipient, kind FROM pg_temp.send();
SELECT outcome FROM bestauth.resend_verification('claim_clinic', NULL, 'nora@claim.example');
SELECT recipient, kind FROM pg_temp.send();
SELECT outcome FROM bestauth.resend_verification('claim_clinic', NULL, 'nora@claim.example');
SELECT recipient, kind FROM pg_temp.send();
SELECT outcome FROM bestauth.resend_verification('claim_clinic', NULL, 'nora@claim.example');
SELECT recipient, kind FROM pg_temp.send();
-- Of an address that has no account and none was asked for with: the same answer, no mail.
SELECT outcome, count(*) FROM (SELECT bestauth.resend_verification('claim_clinic', NULL, 'nobody@claim.example') AS outcome FROM generate_series(1, 10)) x GROUP BY outcome;
SELECT recipient, kind FROM pg_temp.send();

-- [I-07] Whatever it is, one address gets so many in an hour, in small or capital letters; the
-- others wait, and come.
CALL pg_temp.wait_an_hour();
SHOW bestauth.mail_hourly_limit;
SET bestauth.mail_hourly_limit = 5;
SELECT count(bestauth.create_user('shared' || n, 'restricted', 'Sh', 'Ared', CASE n % 3 WHEN 0 THEN 'shared' WHEN 1 THEN 'Shared' ELSE 'SHARED' END || '@claim.example', company => 'claim_clinic'))
FROM generate_series(1, 12) n;
SELECT pg_temp.invite('other');
SELECT lower(recipient), count(*) FROM pg_temp.send() GROUP BY 1 ORDER BY count(*);
CALL pg_temp.wait();
SELECT count(*) FROM pg_temp.send();
SELECT min(attempts), max(attempts), state, count(*) FROM pg_temp.mail WHERE lower(name) = 'shared' GROUP BY state ORDER BY state COLLATE "C";
CALL pg_temp.wait_an_hour();
CALL pg_temp.wait();
SELECT count(*) FROM pg_temp.send();
CALL pg_temp.wait();
SELECT count(*) FROM pg_temp.send();
CALL pg_temp.wait_an_hour();
CALL pg_temp.wait();
SELECT count(*) FROM pg_temp.send();
-- Each message was sent once.
SELECT state, attempts, count(*) FROM pg_temp.mail WHERE lower(name) = 'shared' GROUP BY 1, 2;
-- Trying one again is no other mail: the limit holds up no message for its own sake.
CALL pg_temp.wait_an_hour();
SET bestauth.mail_hourly_limit = 1;
SELECT pg_temp.invite('again');
SELECT attempts FROM bestauth.claim_mail();
CALL pg_temp.wait();
SELECT attempts FROM bestauth.claim_mail();
SELECT bestauth.confirm_mail(message_id) FROM bestauth.outbox WHERE recipient = 'again@claim.example';
-- Sign-ups on the portal's page: each asks for a mail, the last one counts; they take half of
-- what an address gets, so that other mail finds room.
SET bestauth.mail_hourly_limit = 4;
CREATE FUNCTION pg_temp.sign_up(name text, OUT outcome text) LANGUAGE sql AS $$
	SELECT bestauth.register_portal_account('claim_clinic', 'clients', name || '@claim.example', 'seven green boats of flora', 'Flo', 'Ra')
$$;
SELECT outcome FROM pg_temp.sign_up('flora');
SELECT outcome FROM pg_temp.sign_up('FLORA');
SELECT outcome FROM pg_temp.sign_up('flora');
SELECT recipient, kind FROM pg_temp.send();
SELECT outcome FROM pg_temp.sign_up('Flora');
SELECT recipient, kind FROM pg_temp.send();
SELECT outcome FROM pg_temp.sign_up('flora');
SELECT recipient, kind FROM pg_temp.send();
CALL pg_temp.wait();
SELECT recipient, kind FROM pg_temp.send();
SELECT bestauth.create_user('flora', 'restricted', 'Flo', 'Ra', 'flora@claim.example', company => 'claim_clinic') IS NOT NULL AS made;
SELECT recipient, kind FROM pg_temp.send();
CALL pg_temp.wait_an_hour();
CALL pg_temp.wait();
SELECT token AS flora FROM pg_temp.send() WHERE recipient = 'flora@claim.example' \gset
SELECT outcome FROM bestauth.verify_email(:'flora');
RESET bestauth.mail_hourly_limit;

-- [I-08] Neither what mail says nor its token rests in any table, before, between and after.
SELECT bestauth.create_user('rest', 'restricted', 'Xanthippe', 'Unmistakable', 'rest@claim.example', company => 'claim_clinic') IS NOT NULL AS made;
CREATE FUNCTION pg_temp.holds(secret text) RETURNS TABLE (relation name) LANGUAGE plpgsql AS $$
DECLARE
	found boolean;
BEGIN
	FOR relation IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname LOOP
		EXECUTE format('SELECT EXISTS (SELECT FROM bestauth.%I t WHERE strpos(t::text, %L) > 0)', relation, secret) INTO found;
		IF found THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;
SELECT * FROM bestauth.claim_mail() \gset rest_
SELECT strpos(:'rest_body', 'Hello Xanthippe Unmistakable') > 0 AS said, strpos(:'rest_body', :'rest_token') > 0 AS has_token;
SELECT relation FROM pg_temp.holds('Xanthippe');
SELECT count(*) AS resting FROM (VALUES ('Hello Xanthippe'), (:'rest_subject'), (substr(:'rest_token', 5)), ('?token=')) v (secret), LATERAL pg_temp.holds(secret);
SELECT bestauth.confirm_mail(:'rest_message_id');
SELECT count(*) AS resting FROM (VALUES ('Hello Xanthippe'), (:'rest_subject'), (substr(:'rest_token', 5)), ('?token=')) v (secret), LATERAL pg_temp.holds(secret);
SELECT attname FROM pg_attribute WHERE attrelid = 'bestauth.outbox'::regclass AND attnum > 0 AND NOT attisdropped AND attname ~ 'token|body|subject|text|secret|link';

REVOKE USAGE ON SCHEMA regress FROM regress_claim_mailer;
SELECT bestauth.revoke_access('regress_claim_mailer', 'mailer');
DROP ROLE regress_claim_mailer;
