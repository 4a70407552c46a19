-- Passwords: what is accepted, how it is kept, how it is checked and reset.
\set SHOW_CONTEXT never
SELECT bestauth.create_company('credential_svc', 'Service') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('credential_svc');
SELECT bestauth.create_company('credential_clinic', 'Clinic') IS NOT NULL AS made;
SELECT bestauth.create_company('credential_child', 'Child Clinic', 'credential_clinic') IS NOT NULL AS made;
-- Whoever tries often here isn't to be locked out.
SET bestauth.lockout_threshold = 100;
CREATE FUNCTION pg_temp.log_in(username text, password text) RETURNS text LANGUAGE sql AS $$
	SELECT outcome FROM bestauth.login('credential_clinic', $1, $2)
$$;
CREATE FUNCTION pg_temp.make(username text, password text) RETURNS text LANGUAGE sql AS $$
	SELECT regress.attempt(format('SELECT bestauth.create_user(%L, ''restricted'', ''A'', ''B'', ''a@credential.example'', %L, company => ''credential_clinic'')', $1, $2))
$$;

-- [A-01] Fifteen characters, counted as such, and not the user name.
SELECT n, pg_temp.make('short', repeat('x', n)) FROM (VALUES (0), (1), (7), (8), (14)) v (n);
SELECT pg_temp.make('emoji14', repeat('😀', 14)), pg_temp.make('umlaut14', repeat('ü', 14));
SELECT pg_temp.make('a_long_user_name', 'A_Long_User_Name');
SELECT pg_temp.make('just15', 'fifteen letters'), pg_temp.make('emoji15', repeat('😀', 15));
SELECT pg_temp.log_in('just15', 'fifteen letters'), pg_temp.log_in('emoji15', repeat('😀', 15)), pg_temp.log_in('emoji15', repeat('😀', 14));
-- The reasons stand in the DETAIL, the password nowhere.
SELECT bestauth.create_user('short', 'restricted', 'A', 'B', 'a@credential.example', 'tell nobody', company => 'credential_clinic');

-- [A-02] Long ones: 64 characters of two or four bytes, 1024 bytes at most. What
-- is longer is refused, at a login denied.
SELECT pg_temp.make('accents', repeat('é', 64)), pg_temp.make('faces', repeat('😀', 64)), pg_temp.make('longest', repeat('x', 1024)), pg_temp.make('too_long', repeat('x', 1025));
SELECT pg_temp.log_in('accents', repeat('é', 64)), pg_temp.log_in('faces', repeat('😀', 64)), pg_temp.log_in('longest', repeat('x', 1024)),
	pg_temp.log_in('longest', repeat('x', 1025)), pg_temp.log_in('longest', repeat('x', 1023)), pg_temp.log_in('longest', repeat('x', 100000));

-- [A-03] Every byte counts: nothing is cut, and nothing taken for something else.
SELECT pg_temp.make('exact', repeat('0123456789', 8) || ' Tail');
SELECT what, pg_temp.log_in('exact', password) FROM (VALUES
	('right', repeat('0123456789', 8) || ' Tail'),
	('the first 72 bytes', left(repeat('0123456789', 8), 72)),
	('different after 72', repeat('0123456789', 8) || ' Teil'),
	('one byte more', repeat('0123456789', 8) || ' Tail!'),
	('one byte less', repeat('0123456789', 8) || ' Tai'),
	('other case', repeat('0123456789', 8) || ' tail'),
	('space after', repeat('0123456789', 8) || ' Tail '),
	('space before', ' ' || repeat('0123456789', 8) || ' Tail'),
	('line feed after', repeat('0123456789', 8) || E' Tail\n'),
	('empty', '')) v (what, password);
-- [P-01] Typed in another normal form it is the same, and a space is a space.
SELECT pg_temp.make('composed', U&'caf\00E9 au lait, s''il vous pla\00EEt');
SELECT pg_temp.log_in('composed', U&'caf\00E9 au lait, s''il vous pla\00EEt') AS composed, pg_temp.log_in('composed', U&'cafe\0301 au lait, s''il vous plai\0302t') AS decomposed,
	pg_temp.log_in('composed', U&'caf\00E9 au\00A0lait, s''il vous pla\00EEt') AS hard_space, pg_temp.log_in('composed', 'cafe au lait, s''il vous plait') AS plain;

-- [A-09] The same password twice: different salts, different hashes.
SELECT pg_temp.make('twin1', 'the same long password'), pg_temp.make('twin2', 'the same long password');
CREATE VIEW pg_temp.stored AS SELECT u.user_id, u.username, p.password_hash, p.must_change, p.expires_at, u.version FROM bestauth.credential p
JOIN bestauth.user_account u USING (user_id) JOIN bestauth.company c USING (company_id) WHERE c.code = 'credential_clinic';
SELECT count(DISTINCT password_hash) AS hashes, count(DISTINCT substr(password_hash, 8, 22)) AS salts FROM pg_temp.stored WHERE username LIKE 'twin_';

-- [A-05] Every hash is of one form, of the cost that is set, which is ten or more.
SELECT count(*) > 5 AS several, count(*) FILTER (WHERE password_hash !~ '^\$2a\$10\$[./A-Za-z0-9]{53}$') AS others FROM pg_temp.stored;
SHOW bestauth.hash_cost;
SELECT regress.attempt('SET bestauth.hash_cost = 9');
-- Another cost renews it at the next good login, not at a bad one, and ends no session.
SELECT * FROM bestauth.login('credential_clinic', 'twin1', 'the same long password') \gset twin_
SET bestauth.hash_cost = 11;
SELECT pg_temp.log_in('twin1', 'another long password');
SELECT left(password_hash, 7) FROM pg_temp.stored WHERE username = 'twin1';
SELECT pg_temp.log_in('twin1', 'the same long password');
SELECT left(password_hash, 7) FROM pg_temp.stored WHERE username = 'twin1';
RESET bestauth.hash_cost;
SELECT regress.attempt(format('SELECT bestauth.use_session(%L)', :'twin_session_token'));
SELECT pg_temp.log_in('twin1', 'the same long password');
SELECT left(password_hash, 7) FROM pg_temp.stored WHERE username = 'twin1';

-- [A-04] A stored value of any other form admits nobody: the ordinary answer, never
-- an error. The first row is the form that does: bcrypt, over the keyed hash.
SELECT pg_temp.make('victim', 'a long password of the victim');
SELECT encode(crypto.hmac(convert_to('a long password of the victim', 'UTF8'), 'bestauth password, version 1', 'sha384'), 'base64') AS prehash \gset
SELECT crypto.crypt(:'prehash', crypto.gen_salt('bf', 10)) AS hash \gset
CREATE FUNCTION pg_temp.with_stored(hash text, password text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	UPDATE bestauth.credential SET password_hash = hash WHERE user_id = (SELECT user_id FROM pg_temp.stored WHERE username = 'victim');
	RETURN pg_temp.log_in('victim', password);
END
$$;
SELECT what, pg_temp.with_stored(hash, 'a long password of the victim') FROM (VALUES
	('$2a$', :'hash'),
	('$2b$', overlay(:'hash' PLACING '2b' FROM 2 FOR 2)),
	('$2y$', overlay(:'hash' PLACING '2y' FROM 2 FOR 2)),
	('$2x$', overlay(:'hash' PLACING '2x' FROM 2 FOR 2)),
	('$2b$ as crypt takes it', crypto.crypt(:'prehash', overlay(:'hash' PLACING '2b' FROM 2 FOR 2))),
	('cost 9', crypto.crypt(:'prehash', crypto.gen_salt('bf', 9))),
	('cost 4', crypto.crypt(:'prehash', crypto.gen_salt('bf', 4))),
	('cost 99', overlay(:'hash' PLACING '99' FROM 5 FOR 2)),
	('bcrypt of the bare password', crypto.crypt('a long password of the victim', crypto.gen_salt('bf', 10))),
	('$1$', crypto.crypt(:'prehash', crypto.gen_salt('md5'))),
	('DES', crypto.crypt(:'prehash', crypto.gen_salt('des'))),
	('extended DES', crypto.crypt(:'prehash', crypto.gen_salt('xdes'))),
	('DES of the bare password', crypto.crypt('a long password of the victim', 'ab')),
	('the bare password', 'a long password of the victim'),
	('the keyed hash', :'prehash'),
	('empty', ''), ('!', '!'), ('*', '*'), ('x', 'x'), ('NULL', NULL),
	('60 characters', repeat('k', 60)),
	('60 characters, $2a$10$ before', '$2a$10$' || repeat('!', 53)),
	('one character short', left(:'hash', 59)),
	('one character long', :'hash' || '.'),
	('salt alone', left(:'hash', 29))) v (what, hash);
SELECT what, pg_temp.with_stored(hash, password) FROM (VALUES
	('hash given as the password', :'hash', :'hash'),
	('keyed hash given as the password', :'hash', :'prehash'),
	('empty', '', ''), ('!', '!', '!'), ('right again', :'hash', 'a long password of the victim')) v (what, hash, password);
SELECT regress.attempt($$DELETE FROM bestauth.credential WHERE user_id = (SELECT user_id FROM pg_temp.stored WHERE username = 'victim')$$);
SELECT DISTINCT detail->>'reason' AS reason FROM bestauth.audit_log WHERE company_code = 'credential_clinic' AND username = 'victim' AND action = 'login.denied' ORDER BY reason;

-- [PRV-13] A reset gives a temporary password, this once: for a day, and for one
-- login, at which it must be changed. [IBS-6] That takes no my_account.
SELECT pg_temp.make('reset', 'a long password of reset');
SELECT * FROM bestauth.login('credential_clinic', 'reset', 'a long password of reset') \gset reset_
SELECT bestauth.reset_password('reset', 'credential_clinic') AS password \gset temporary_
SELECT length(:'temporary_password') >= 15 AS long, must_change, expires_at - clock_timestamp() BETWEEN '23:59' AND '24:00' AS a_day FROM pg_temp.stored WHERE username = 'reset';
SELECT regress.attempt(format('SELECT bestauth.use_session(%L)', :'reset_session_token')) AS sessions_end;
SELECT pg_temp.log_in('reset', 'a long password of reset');
SELECT outcome, session_token, challenge_token IS NOT NULL AS token, challenge_id, billing_service FROM bestauth.login('credential_clinic', 'reset', :'temporary_password');
SELECT challenge_token FROM bestauth.login('credential_clinic', 'reset', :'temporary_password') \gset change_
SELECT regress.attempt(format('SELECT bestauth.use_session(%L)', :'change_challenge_token'));
SELECT bestauth.set_password(:'change_challenge_token', :'temporary_password');
SELECT bestauth.set_password(:'change_challenge_token', 'short');
SELECT bestauth.set_password(:'change_challenge_token', 'a new long password of reset');
SELECT bestauth.set_password(:'change_challenge_token', 'a new long password of thief');
SELECT pg_temp.log_in('reset', :'temporary_password'), pg_temp.log_in('reset', 'a new long password of reset');
-- The day is over.
SELECT bestauth.reset_password('reset', 'credential_clinic') AS password \gset temporary_
UPDATE bestauth.credential SET expires_at = clock_timestamp() WHERE user_id = (SELECT user_id FROM pg_temp.stored WHERE username = 'reset');
SELECT pg_temp.log_in('reset', :'temporary_password');
SELECT detail->>'reason' AS reason FROM bestauth.audit_log WHERE company_code = 'credential_clinic' AND action = 'login.denied' ORDER BY audit_id DESC LIMIT 1;
-- A reset undoes no lock.
SELECT bestauth.lock_user('reset', 'credential_clinic');
SELECT bestauth.reset_password('reset', 'credential_clinic') AS password \gset temporary_
SELECT pg_temp.log_in('reset', :'temporary_password');
SELECT detail->>'reason' AS reason FROM bestauth.audit_log WHERE company_code = 'credential_clinic' AND action = 'login.denied' ORDER BY audit_id DESC LIMIT 1;
-- Never in the audit, nor a hash of it.
SELECT count(*) FROM bestauth.audit_log a WHERE strpos(a::text, :'temporary_password') > 0 OR a::text ~ '\$2a\$';
SELECT action, object_type, old_values->'password_hash' AS old, new_values->'password_hash' AS new, new_values->'must_change' AS must_change
FROM bestauth.audit_log WHERE company_code = 'credential_clinic' AND object_type = 'bestauth.credential' ORDER BY audit_id DESC LIMIT 1;
-- [IBS-5] A key always has a password, and one that stays; nobody could make all
-- that share it change it.
SELECT bestauth.create_user('key', 'billing', 'Key', NULL, NULL, 'a long password of key', 'credential_svc', company => 'credential_clinic') IS NOT NULL AS made;
SELECT bestauth.reset_password('key', 'credential_clinic') AS password \gset temporary_
SELECT must_change, expires_at FROM pg_temp.stored WHERE username = 'key';
SELECT pg_temp.log_in('key', :'temporary_password'), pg_temp.log_in('key', 'a long password of key');

-- [G-08] Nobody resets the password of somebody who holds more: they could log in
-- with it. Not more permissions, not web_portal, not more companies.
SELECT bestauth.create_role('children', '{}', '{credential_child}', 'credential_clinic') IS NOT NULL AS made;
SELECT count(bestauth.create_user(username, user_type, username, 'Test', 'x@credential.example', 'a long password of ' || username, roles => roles, permissions => permissions, company => 'credential_clinic'))
FROM (VALUES
	('head', 'standard', '{manage_users,claims}'::text[], '{}'::text[]),
	('less', 'standard', '{claims}', '{}'),
	('more', 'standard', '{claims,eops}', '{}'),
	('portal', 'standard', '{web_portal}', '{}'),
	('wider', 'standard', '{}', '{children}'),
	('adam', 'company_administrator', '{}', '{}')) v (username, user_type, permissions, roles);
SELECT * FROM bestauth.login('credential_clinic', 'head', 'a long password of head') \gset head_
SELECT * FROM bestauth.login('credential_clinic', 'adam', 'a long password of adam') \gset adam_
BEGIN;
SELECT * FROM bestauth.use_session(:'head_session_token') \gset s_
SELECT username, regress.attempt(format('SELECT bestauth.reset_password(%L)', username)) FROM (VALUES ('less'), ('more'), ('portal'), ('wider'), ('adam'), ('head'), ('nobody')) v (username);
SELECT regress.attempt($$SELECT bestauth.reset_password('less', 'credential_svc')$$);
ROLLBACK;
BEGIN;
SELECT * FROM bestauth.use_session(:'adam_session_token') \gset s_
SELECT username, regress.attempt(format('SELECT bestauth.reset_password(%L)', username)) FROM (VALUES ('less'), ('more'), ('portal'), ('wider'), ('head')) v (username);
ROLLBACK;
SELECT object_id, detail->>'rule' AS rule, count(*) FROM bestauth.audit_log
WHERE company_code = 'credential_clinic' AND action = 'access.denied' AND username = 'head' GROUP BY 1, 2 ORDER BY 1, 2;

-- [L-10] Nobody reads the hashes but their owner's functions.
CREATE ROLE regress_credential_reader;
CREATE ROLE regress_credential_operator;
GRANT pg_read_all_data, pg_write_all_data TO regress_credential_reader;
SELECT bestauth.grant_access('regress_credential_operator', 'operator');
GRANT USAGE ON SCHEMA regress TO regress_credential_operator;
SET ROLE regress_credential_reader;
SELECT count(*) FROM bestauth.credential;
UPDATE bestauth.credential SET password_hash = NULL WHERE true;
SET ROLE regress_credential_operator;
SELECT regress.attempt('SELECT * FROM bestauth.credential');
RESET ROLE;
SELECT count(*) > 5 AS there FROM pg_temp.stored WHERE password_hash IS NOT NULL;
REVOKE USAGE ON SCHEMA regress FROM regress_credential_operator;
SELECT bestauth.revoke_access('regress_credential_operator', 'operator');
DROP ROLE regress_credential_reader, regress_credential_operator;
