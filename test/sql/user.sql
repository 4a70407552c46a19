-- Users: making, naming, locking, deleting them, and whom a key admits.
\set SHOW_CONTEXT never
SELECT bestauth.create_company('user_svc', 'Best Billing') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('user_svc');
SELECT bestauth.create_company('user_svc2', 'Other Billing') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('user_svc2');
SELECT bestauth.create_company('user_clinic', 'Clinic') IS NOT NULL AS made;
CREATE ROLE regress_user_operator;
CREATE ROLE regress_user_app;
SELECT bestauth.grant_access('regress_user_operator', 'operator');
SELECT bestauth.grant_access('regress_user_app', 'application');
GRANT USAGE ON SCHEMA regress TO regress_user_operator, regress_user_app;

-- A session's call: what the statement comes to, in a transaction of its own.
CREATE FUNCTION pg_temp.as_user(token text, statement text) RETURNS text
LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session(token);
	RETURN regress.attempt(statement);
END
$$;

-- [IBS-2] It takes manage_users, or the operator: not the service's own people
-- without it, not an application without a session.
SET ROLE regress_user_operator;
SELECT bestauth.create_user('head', 'standard', 'Hedda', 'Head', 'head@clinic.example', 'a long password of hedda', permissions => '{manage_users,claims}', company => 'user_clinic') IS NOT NULL AS made;
SELECT bestauth.create_user('hand', 'standard', 'Hans', 'Hand', 'hand@clinic.example', 'a long password of hans', permissions => '{claims}', company => 'user_clinic') IS NOT NULL AS made;
SELECT bestauth.create_user('adam', 'company_administrator', 'Adam', 'Admin', 'adam@clinic.example', 'a long password of adam', company => 'user_clinic') IS NOT NULL AS made;
RESET ROLE;
SELECT * FROM bestauth.login('user_clinic', 'head', 'a long password of hedda') \gset head_
SELECT * FROM bestauth.login('user_clinic', 'hand', 'a long password of hans') \gset hand_
SELECT * FROM bestauth.login('user_clinic', 'adam', 'a long password of adam') \gset adam_
SET ROLE regress_user_app;
SELECT regress.attempt($$SELECT bestauth.create_user('new', 'restricted', 'New', 'User', 'new@clinic.example', company => 'user_clinic')$$);
SELECT pg_temp.as_user(:'hand_session_token', statement) FROM (VALUES
	($$SELECT bestauth.create_user('new', 'restricted', 'New', 'User', 'new@clinic.example')$$),
	($$SELECT bestauth.suggest_username('New', 'User')$$),
	($$SELECT bestauth.delete_user('head')$$),
	($$SELECT bestauth.lock_user('head')$$),
	($$SELECT bestauth.unlock_user('head')$$),
	($$SELECT bestauth.reset_password('head')$$),
	($$SELECT bestauth.limit_billing_user('key', NULL)$$)) v (statement);
SELECT pg_temp.as_user(:'head_session_token',
	$$SELECT bestauth.create_user('new', 'restricted', 'New', 'User', 'new@clinic.example')$$);
RESET ROLE;
SELECT username, object_id, detail->>'rule' AS rule FROM bestauth.audit_log
WHERE company_code = 'user_clinic' AND action = 'access.denied' ORDER BY audit_id;
SELECT a.username AS creator, a.object_id, a.detail FROM bestauth.audit_log a
WHERE a.company_code = 'user_clinic' AND a.action = 'user.created' AND a.object_id = 'new';

-- Names of other companies are for the operator.
SELECT pg_temp.as_user(:'head_session_token', statement) FROM (VALUES
	($$SELECT bestauth.create_user('new2', 'restricted', 'New', 'User', 'new@svc.example', company => 'user_svc')$$),
	($$SELECT bestauth.create_user('new2', 'restricted', 'New', 'User', 'new@svc.example', company => 'no_such')$$),
	($$SELECT bestauth.lock_user('nobody')$$)) v (statement);
SELECT regress.attempt($$SELECT bestauth.lock_user('nobody', company => 'user_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.lock_user('head')$$);

-- [IBS-3] Each person has a user of their own. An e-mail address may be shared,
-- a user name may not, and case makes no other name. [ALL-1]
SELECT bestauth.create_user('jdoe', 'standard', 'Jane', 'Doe', 'office@clinic.example', 'a long password of jane', company => 'user_clinic') IS NOT NULL AS made;
SELECT bestauth.create_user('j.roe', 'standard', 'John', 'Roe', 'office@clinic.example', 'a long password of john', company => 'user_clinic') IS NOT NULL AS made;
SELECT username, first_name, last_name, email, user_type FROM bestauth.user_account
WHERE email = 'office@clinic.example' ORDER BY username COLLATE "C";
SELECT regress.attempt($$SELECT bestauth.create_user('JDoe', 'restricted', 'Jim', 'Doe', 'jim@clinic.example', company => 'user_clinic')$$);
SELECT regress.attempt($$INSERT INTO bestauth.user_account (company_id, username, user_type, first_name, last_name, email)
	SELECT company_id, 'JDOE', 'standard', 'Jim', 'Doe', 'jim@clinic.example' FROM bestauth.company WHERE code = 'user_clinic'$$);
SELECT bestauth.create_user('JDOE', 'restricted', 'Jim', 'Doe', 'jim@svc.example', 'a long password of jim', company => 'user_svc') IS NOT NULL AS another_company;

-- What a user name and an address may look like.
SELECT name, regress.attempt(format($$SELECT bestauth.create_user(%L, 'restricted', 'A', 'B', 'a@b.example', company => 'user_svc2')$$, name))
FROM (VALUES ('with space'), ('tab	bed'), ('quo"te'), ('back\slash'), ('semi;colon'), ('josé'), ('аdam'), ('-dash'), ('.dot'), (''),
	('o''neil'), ('_x'), ('9lives'), ('a.b-c_d@e.example')) v (name);
SELECT regress.attempt(format($$SELECT bestauth.create_user(%L, 'restricted', 'A', 'B', 'a@b.example', company => 'user_svc2')$$, repeat('n', 129)));
SELECT email, regress.attempt(format($$SELECT bestauth.create_user('mail', 'restricted', 'A', 'B', %L, company => 'user_svc2')$$, email))
FROM (VALUES ('nobody'), ('a@b'), ('@b.example'), ('a@@b.example'), ('a@b.example,c@d.example'), ('a b@c.example'), ('a@.example'),
	('a@b..example'), ('a@b.example.'), ('é@b.example'), (E'a@b.example\nBcc: c@d.example')) v (email);

-- [IBS-3] The name suggested: first initial and last name, made unique.
SELECT bestauth.suggest_username('Zoe', 'Quick', company => 'user_clinic');
SELECT bestauth.suggest_username('Jane', 'Doe', company => 'user_clinic');
SELECT bestauth.create_user('JDoe2', 'restricted', 'Jack', 'Doe', 'jack@clinic.example', 'a long password of jack', company => 'user_clinic') IS NOT NULL AS made;
SELECT bestauth.suggest_username('jane', 'doe', company => 'user_clinic');
SELECT bestauth.delete_user('jdoe', company => 'user_clinic');
SELECT bestauth.suggest_username('Jane', 'Doe', company => 'user_clinic') AS deleted_ones_stay_taken;
SELECT bestauth.suggest_username('Jane', 'Doe', company => 'user_svc2') AS another_company;
SELECT first_name, last_name, bestauth.suggest_username(first_name, last_name, company => 'user_clinic')
FROM (VALUES ('Élodie', 'Müller-Lüdenscheidt'), ('Mary Ann', 'O''Brien'), ('李', 'Wang'), ('  Jane ', ' van der Berg ')) v (first_name, last_name);
SELECT regress.attempt($$SELECT bestauth.suggest_username('Jane', '王', company => 'user_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.suggest_username('', 'Doe', company => 'user_clinic')$$);
SELECT pg_temp.as_user(:'head_session_token', $$SELECT bestauth.suggest_username('Jane', 'Doe')$$);
SELECT bestauth.create_user(bestauth.suggest_username('Jane', 'Doe', company => 'user_clinic'), 'restricted', 'Jane', 'Doe', 'jane@clinic.example', 'a long password of jane', company => 'user_clinic') IS NOT NULL AS usable;

-- [IBS-4] A standard user in a registered service: it is said at once what that
-- costs. Not of a restricted one, nor elsewhere.
SELECT bestauth.create_user('stan', 'standard', 'Stan', 'Dard', 'stan@svc.example', 'a long password of stan', company => 'user_svc') IS NOT NULL AS made;
SELECT bestauth.create_user('stella', 'standard', 'Stella', 'Dard', 'stella@svc.example', 'a long password of stella', company => 'user_clinic') IS NOT NULL AS made;
SELECT bestauth.create_user('anna', 'restricted', 'Anna', 'Biller', 'anna@svc.example', 'a long password of anna', company => 'user_svc') IS NOT NULL AS made;
SELECT bestauth.create_user('boss', 'company_administrator', 'Bert', 'Boss', 'boss@svc.example', 'a long password of bert', company => 'user_svc') IS NOT NULL AS made;
SELECT bestauth.unregister_billing_service('user_svc');
SELECT bestauth.create_user('stig', 'standard', 'Stig', 'Dard', 'stig@svc.example', 'a long password of stig', company => 'user_svc') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('user_svc');

-- [TPB-3] A company grants access with a key: a name, a user name, a password
-- and the service; made by whoever manages users there.
SELECT pg_temp.as_user(:'hand_session_token',
	$$SELECT bestauth.create_user('key', 'billing', 'Best', NULL, NULL, 'a long password of the key', 'user_svc', '{}', '{claims}')$$);
SELECT pg_temp.as_user(:'head_session_token',
	$$SELECT bestauth.create_user('key', 'billing', 'Best', NULL, NULL, 'a long password of the key', 'user_svc', '{}', '{claims}')$$);
SELECT u.username, u.user_type, s.code AS service, u.email, p.permission FROM bestauth.user_account u
JOIN bestauth.company c USING (company_id) JOIN bestauth.company s ON s.company_id = u.billing_service_id
LEFT JOIN bestauth.user_permission p USING (user_id) WHERE c.code = 'user_clinic' AND u.user_type = 'billing';

-- [G-08] [ALL-2] Nobody makes a user with more than they hold: by permission, by role,
-- or as a company administrator.
SELECT bestauth.create_role('small', '{claims}', company => 'user_clinic') IS NOT NULL AS made;
SELECT bestauth.create_role('big', '{claims,eops}', company => 'user_clinic') IS NOT NULL AS made;
SELECT pg_temp.as_user(:'head_session_token', statement) FROM (VALUES
	($$SELECT bestauth.create_user('more', 'restricted', 'M', 'Ore', 'm@clinic.example', permissions => '{claims,eops}')$$),
	($$SELECT bestauth.create_user('more', 'billing', 'More', NULL, NULL, 'a long password of the key', 'user_svc', permissions => '{eops}')$$),
	($$SELECT bestauth.create_user('more', 'restricted', 'M', 'Ore', 'm@clinic.example', roles => '{small,big}')$$),
	($$SELECT bestauth.create_user('more', 'company_administrator', 'M', 'Ore', 'm@clinic.example')$$),
	($$SELECT bestauth.create_user('more', 'restricted', 'M', 'Ore', 'm@clinic.example', permissions => '{no_such}')$$),
	($$SELECT bestauth.create_user('more', 'restricted', 'M', 'Ore', 'm@clinic.example', roles => '{nothing}')$$)) v (statement);
SELECT count(*) FROM bestauth.user_account JOIN bestauth.company USING (company_id) WHERE code = 'user_clinic' AND username = 'more';
SELECT pg_temp.as_user(:'head_session_token',
	$$SELECT bestauth.create_user('as_much', 'restricted', 'As', 'Much', 'm@clinic.example', 'a long password of as much', roles => '{small}', permissions => '{manage_users}')$$);
SELECT pg_temp.as_user(:'adam_session_token',
	$$SELECT bestauth.create_user('adam2', 'company_administrator', 'A', 'Two', 'a2@clinic.example', 'a long password of adam two', roles => '{big}')$$);
-- Company administrators are locked, deleted and reset by their own kind.
SELECT pg_temp.as_user(:'head_session_token', statement) FROM (VALUES
	($$SELECT bestauth.lock_user('adam2')$$), ($$SELECT bestauth.delete_user('adam2')$$),
	($$SELECT bestauth.reset_password('adam2')$$), ($$SELECT bestauth.unlock_user('adam2')$$)) v (statement);
SELECT pg_temp.as_user(:'adam_session_token', $$SELECT bestauth.lock_user('adam2')$$);

-- [TPB-7] A key can be limited to named persons of its service: NULL takes the
-- limit away, an empty list admits nobody.
CREATE FUNCTION pg_temp.admitted(key text) RETURNS TABLE (limited boolean, persons text)
LANGUAGE sql AS $$
	SELECT k.persons_limited, string_agg(p.username, ',' ORDER BY p.username COLLATE "C")
	FROM bestauth.user_account k JOIN bestauth.company c USING (company_id)
	LEFT JOIN bestauth.billing_user_person a ON a.user_id = k.user_id
	LEFT JOIN bestauth.user_account p ON p.user_id = a.person_id
	WHERE c.code = 'user_clinic' AND k.username = $1 GROUP BY k.user_id
$$;
SELECT * FROM pg_temp.admitted('key');
SELECT pg_temp.as_user(:'head_session_token', $$SELECT bestauth.limit_billing_user('key', '{ANNA,jdoe,anna}')$$);
SELECT * FROM pg_temp.admitted('key');
SELECT bestauth.limit_billing_user('key', '{jdoe}', company => 'user_clinic');
SELECT * FROM pg_temp.admitted('key');
SELECT bestauth.limit_billing_user('key', '{}', company => 'user_clinic');
SELECT * FROM pg_temp.admitted('key');
SELECT bestauth.limit_billing_user('key', NULL, company => 'user_clinic');
SELECT * FROM pg_temp.admitted('key');
-- Only restricted users of that service, and only keys; a failed call changes nothing.
SELECT bestauth.limit_billing_user('key', '{anna}', company => 'user_clinic');
SELECT regress.attempt($$SELECT bestauth.limit_billing_user('key', '{jdoe,stan}', company => 'user_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.limit_billing_user('key', '{jdoe,hand}', company => 'user_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.limit_billing_user('head', '{anna}', company => 'user_clinic')$$);
SELECT regress.attempt($$INSERT INTO bestauth.billing_user_person (company_id, user_id, person_id)
	SELECT k.company_id, k.user_id, p.user_id FROM bestauth.user_account k, bestauth.user_account p
	WHERE k.username = 'key' AND p.username = 'stan'
		AND k.company_id = (SELECT company_id FROM bestauth.company WHERE code = 'user_clinic')
		AND p.company_id = (SELECT company_id FROM bestauth.company WHERE code = 'user_svc')$$);
SELECT * FROM pg_temp.admitted('key');
SELECT object_id, detail FROM bestauth.audit_log
WHERE company_code = 'user_clinic' AND action = 'billing_user.limited' ORDER BY audit_id;
-- A list never names people of another service, also once the service changes.
SELECT regress.attempt($$UPDATE bestauth.user_account k SET billing_service_id = s.company_id
	FROM bestauth.company c, bestauth.company s WHERE c.company_id = k.company_id AND c.code = 'user_clinic'
		AND k.username = 'key' AND s.code = 'user_svc2'$$);
SELECT count(*) AS strangers FROM bestauth.billing_user_person a
JOIN bestauth.user_account k USING (user_id) JOIN bestauth.user_account p ON p.user_id = a.person_id
JOIN bestauth.company c ON c.company_id = k.company_id
WHERE c.code = 'user_clinic' AND p.company_id IS DISTINCT FROM k.billing_service_id;

-- [PRV-16] Locking, and unlocking.
SELECT bestauth.create_user('lena', 'restricted', 'Lena', 'Lock', 'lena@clinic.example', 'a long password of lena', company => 'user_clinic') IS NOT NULL AS made;
SELECT pg_temp.as_user(:'head_session_token', $$SELECT bestauth.lock_user('LENA')$$);
SELECT pg_temp.as_user(:'head_session_token', $$SELECT bestauth.lock_user('lena')$$);
SELECT outcome, session_token FROM bestauth.login('user_clinic', 'lena', 'a long password of lena');
SELECT pg_temp.as_user(:'head_session_token', $$SELECT bestauth.unlock_user('lena')$$);
SELECT outcome FROM bestauth.login('user_clinic', 'lena', 'a long password of lena');
SELECT action, outcome, username, detail->>'reason' AS reason FROM bestauth.audit_log
WHERE company_code = 'user_clinic' AND object_id = 'lena' ORDER BY audit_id;

-- [PRV-14] [G-02] Deletion is logical: no login, no session, no tokens; the row
-- stays for the audit to point at, and the name stays taken.
SELECT * FROM bestauth.login('user_clinic', 'lena', 'a long password of lena') \gset lena_
SELECT pg_temp.as_user(:'lena_session_token', 'SELECT 1');
SELECT pg_temp.as_user(:'head_session_token', $$SELECT bestauth.delete_user('lena')$$);
SELECT pg_temp.as_user(:'head_session_token', $$SELECT bestauth.delete_user('lena')$$);
SELECT regress.attempt(format('SELECT * FROM bestauth.use_session(%L)', :'lena_session_token'));
SELECT outcome, session_token FROM bestauth.login('user_clinic', 'lena', 'a long password of lena');
SELECT regress.attempt($$SELECT bestauth.reset_password('lena', company => 'user_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.create_user('Lena', 'restricted', 'Lena', 'Two', 'lena@clinic.example', company => 'user_clinic')$$);
SELECT DISTINCT u.username, u.deleted_at IS NOT NULL AS deleted FROM bestauth.audit_log a
JOIN bestauth.user_account u ON u.user_id = a.user_id WHERE a.company_code = 'user_clinic' AND a.username = 'lena';
SELECT bestauth.create_user('mia', 'restricted', 'Mia', 'Mail', 'mia.user@clinic.example', company => 'user_clinic') IS NOT NULL AS made;
SELECT token FROM bestauth.claim_mail(1000) WHERE recipient = 'mia.user@clinic.example' \gset mia_
SELECT bestauth.delete_user('mia', company => 'user_clinic');
SELECT bestauth.set_password(:'mia_token', 'a long password of mia');
-- A physical delete is refused to everybody.
SELECT regress.attempt($$DELETE FROM bestauth.user_account WHERE username = 'lena'$$);
SET client_min_messages = warning;
SELECT regress.attempt($$TRUNCATE bestauth.user_account CASCADE$$);
RESET client_min_messages;
SET ROLE regress_user_operator;
SELECT regress.attempt($$DELETE FROM bestauth.user_account WHERE username = 'lena'$$);
RESET ROLE;

-- [G-01] [PRV-15] A user name never changes. Direct SQL by an application doesn't
-- get at the table, by the operator and a superuser it is refused, whatever the
-- statement.
SET ROLE regress_user_app;
SELECT regress.attempt($$UPDATE bestauth.user_account SET username = 'renamed' WHERE username = 'hand'$$);
SELECT regress.attempt('SELECT username FROM bestauth.user_account');
SET ROLE regress_user_operator;
SELECT regress.attempt($$UPDATE bestauth.user_account SET username = 'renamed' WHERE username = 'hand'$$);
SELECT regress.attempt($$UPDATE bestauth.user_account SET username = 'HAND' WHERE username = 'hand'$$);
SELECT regress.attempt($$INSERT INTO bestauth.user_account AS u (user_id, company_id, username, user_type, first_name, last_name, email)
	SELECT user_id, company_id, 'renamed', user_type, first_name, last_name, email FROM bestauth.user_account WHERE username = 'hand'
	ON CONFLICT (user_id) DO UPDATE SET username = excluded.username$$);
SELECT regress.attempt($$MERGE INTO bestauth.user_account u USING (SELECT 'hand' AS old_name, 'renamed' AS new_name) n
	ON u.username = n.old_name WHEN MATCHED THEN UPDATE SET username = n.new_name$$);
SELECT regress.attempt($$UPDATE bestauth.user_account SET user_id = bestauth.uuidv7() WHERE username = 'hand'$$);
SELECT regress.attempt($$UPDATE bestauth.user_account SET company_id = (SELECT company_id FROM bestauth.company WHERE code = 'user_svc') WHERE username = 'hand'$$);
RESET ROLE;
SELECT regress.attempt($$UPDATE bestauth.user_account SET username = 'renamed' WHERE username = 'hand'$$);
SET session_replication_role = replica;
SELECT regress.attempt($$UPDATE bestauth.user_account SET username = 'renamed' WHERE username = 'hand'$$);
RESET session_replication_role;
SELECT count(*) FROM bestauth.user_account WHERE username = 'renamed';

REVOKE USAGE ON SCHEMA regress FROM regress_user_operator, regress_user_app;
SELECT bestauth.revoke_access('regress_user_operator', 'operator');
SELECT bestauth.revoke_access('regress_user_app', 'application');
DROP ROLE regress_user_operator, regress_user_app;
