-- Finding users, everything shown of one, and the lists that a form offers.
\set SHOW_CONTEXT never
SELECT bestauth.create_company('directory_svc', 'Service') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('directory_svc');
SELECT count(bestauth.create_company(code, code)) FROM unnest('{directory_clinic,directory_other,directory_many}'::text[]) code;
SELECT bestauth.create_company('directory_child', 'Child', 'directory_clinic') IS NOT NULL AS made;
CREATE ROLE regress_directory_app;
SELECT bestauth.grant_access('regress_directory_app', 'application');
GRANT USAGE ON SCHEMA regress TO regress_directory_app;
SELECT count(bestauth.create_role(name, permissions, companies, 'directory_clinic'))
FROM (VALUES ('Front desk', '{claims}'::text[], '{}'::text[]), ('back office', '{claims,eops}', '{}'), ('Empty', '{}', '{}'), ('Child', '{claims}', '{directory_child}')) v (name, permissions, companies);
SELECT count(bestauth.create_user(username, user_type, first_name, last_name, lower(username) || '@directory.example', password, roles => roles, permissions => permissions, company => company))
FROM (VALUES
	('head', 'standard', 'Hedda', 'Head', 'seven green boats of head', '{}'::text[], '{manage_users,claims}'::text[], 'directory_clinic'),
	('roly', 'standard', 'Roland', 'Roller', 'seven green boats of roly', '{}', '{manage_roles,eops}', 'directory_clinic'),
	('hand', 'standard', 'Hans', 'Hand', 'seven green boats of hand', '{"Front desk"}', '{}', 'directory_clinic'),
	('adam', 'company_administrator', 'Adam', 'Admin', 'seven green boats of adam', '{}', '{}', 'directory_clinic'),
	('JMueller', 'restricted', 'Jörg', 'Müller', NULL, '{"Front desk","back office"}', '{}', 'directory_clinic'),
	('jmuller2', 'restricted', 'Jorge', 'MULLER-LUDENSCHEIDT', NULL, '{}', '{}', 'directory_clinic'),
	('maryann', 'restricted', 'Mary  Ann', 'van der Berg', NULL, '{}', '{}', 'directory_clinic'),
	('elodie', 'restricted', E'E\u0301lodie', 'O''Brien', NULL, '{}', '{}', 'directory_clinic'),
	('percent', 'restricted', '100%', 'A_B', NULL, '{}', '{}', 'directory_clinic'),
	('greek', 'restricted', 'Ωμέγα', 'Дмитрий', NULL, '{}', '{}', 'directory_clinic'),
	('nord', 'restricted', 'Łukasz', 'Østergaard', NULL, '{}', '{}', 'directory_clinic'),
	('anna', 'restricted', 'Anna', 'Biller', 'seven green boats of anna', '{}', '{}', 'directory_svc'),
	('Muller', 'restricted', 'Jorg', 'Muller', NULL, '{}', '{}', 'directory_other')) v (username, user_type, first_name, last_name, password, roles, permissions, company);
SELECT bestauth.create_user('key', 'billing', NULL, 'Best Billing', NULL, 'seven green boats of key', 'directory_svc', '{}', '{manage_users}', 'directory_clinic') IS NOT NULL AS made;
CREATE TEMP TABLE token AS SELECT username, session_token AS token FROM (VALUES ('head'), ('hand'), ('adam'), ('roly')) v (username),
	LATERAL bestauth.login('directory_clinic', username, 'seven green boats of ' || username);
INSERT INTO token SELECT 'key', two.session_token FROM bestauth.login('directory_clinic', 'key', 'seven green boats of key') one,
	LATERAL bestauth.login_second_part(one.challenge_token, 'anna', 'seven green boats of anna') two;
-- The first column of what a statement answers in a session, together; or its error.
CREATE FUNCTION pg_temp.as_user(username text, query text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	result text;
	rule text;
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = as_user.username));
	EXECUTE format('SELECT string_agg(v::text, '', '') FROM (%s) q (v)', query) INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM;
END
$$;
CREATE FUNCTION pg_temp.find(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT string_agg(username, '' '') FROM bestauth.search_users(%s, company => ''directory_clinic'')', arguments) INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
CREATE FUNCTION pg_temp.refused(after bigint) RETURNS TABLE (username text, function text, rule text, reason text) LANGUAGE sql AS $$
	SELECT a.username, object_id, detail->>'rule', detail->>'reason' FROM bestauth.audit_log a
	WHERE audit_id > $1 AND company_code = 'directory_clinic' AND action = 'access.denied' AND outcome = 'denied' ORDER BY audit_id
$$;
-- One locked by an administrator, one by wrong guesses, one deleted, one both.
SELECT bestauth.create_user(username, 'restricted', 'Lock', username, username || '@directory.example', company => 'directory_clinic') IS NOT NULL AS made FROM unnest('{locked,guessed,gone,gonelocked,over}'::text[]) username;
SELECT bestauth.lock_user('locked', 'directory_clinic'), bestauth.lock_user('gonelocked', 'directory_clinic'), bestauth.delete_user('gone', 'directory_clinic'), bestauth.delete_user('gonelocked', 'directory_clinic');
SET bestauth.lockout_threshold = 1;
SELECT outcome FROM unnest('{guessed,over}'::text[]) username, bestauth.login('directory_clinic', username, 'a wrong green boat');
RESET bestauth.lockout_threshold;
UPDATE bestauth.login_counter c SET locked_until = clock_timestamp() FROM bestauth.user_account u JOIN bestauth.company USING (company_id)
WHERE c.subject = '\x75'::bytea || uuid_send(u.user_id) AND code = 'directory_clinic' AND username = 'over';

--
-- [PRV-17] [PRV-16] The list: name, user name, type, office, role, locked and until when,
-- deleted.
--
SELECT name, username, user_type, office, role, locked, locked_until > clock_timestamp() AS until, deleted, next FROM bestauth.search_users(company => 'directory_clinic');
-- First and last name: how they begin, without case and accents, in every script; the
-- user name without case; nothing in it is a pattern.
SELECT arguments, pg_temp.find(arguments) FROM unnest(ARRAY[
	$$first_name => 'J'$$, $$first_name => 'jorg'$$, $$first_name => 'JÖRG'$$, $$first_name => 'jorge'$$, $$first_name => 'org'$$, $$first_name => 'élo'$$, $$first_name => 'elo'$$, $$first_name => 'mary a'$$, $$first_name => ' MARY   ann '$$,
	$$first_name => 'ΩΜΕ'$$, $$first_name => 'ωμέ'$$, $$first_name => '100%'$$, $$first_name => '%'$$, $$first_name => '_'$$, $$first_name => '\'$$, $$first_name => 'łu'$$, $$first_name => 'ŁU'$$,
	$$last_name => 'muller'$$, $$last_name => 'Müller'$$, $$last_name => 'muller-l'$$, $$last_name => 'ДМИ'$$, $$last_name => 'дми'$$, $$last_name => 'O''b'$$, $$last_name => 'a_'$$, $$last_name => 'berg'$$, $$last_name => 'best'$$,
	$$last_name => 'østergaard'$$, $$last_name => 'ØSTER'$$,
	$$username => 'JM'$$, $$username => 'jmueller'$$, $$username => 'muller'$$, $$username => '%'$$, $$username => 'j_'$$,
	$$first_name => 'j', last_name => 'muller', username => 'jmul'$$, $$first_name => 'jorg', last_name => 'hand'$$, $$first_name => 'nobody'$$]) arguments;
-- Role, whatever its case and whole; type; office, of which there are none yet.
SELECT arguments, pg_temp.find(arguments) FROM unnest(ARRAY[
	$$role => 'Front desk'$$, $$role => 'BACK OFFICE'$$, $$role => 'back'$$, $$role => 'Empty'$$, $$role => 'no such'$$,
	$$user_type => 'billing'$$, $$user_type => 'company_administrator'$$, $$user_type => 'standard'$$, $$user_type => 'client'$$, $$user_type => 'Standard'$$, $$user_type => 'no such'$$, $$user_type => ''$$, $$office => 'Main'$$,
	$$locked => true$$, $$deleted => true$$, $$locked => true, deleted => false$$, $$locked => true, deleted => true$$, $$locked => false, deleted => true$$,
	$$role => 'front desk', user_type => 'restricted'$$, $$user_type => 'restricted', locked => false, deleted => false, first_name => 'l'$$]) arguments;
SELECT (SELECT count(*) FROM bestauth.search_users(company => 'directory_clinic')) AS users, count(*) AS both_ways, count(DISTINCT username) AS different
FROM unnest('{t,f}'::boolean[]) l, unnest('{t,f}'::boolean[]) d, bestauth.search_users(locked => l, deleted => d, company => 'directory_clinic');
-- NULL, and a name of spaces, filter nothing.
SELECT pg_temp.find('NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL') = pg_temp.find(''' '', '' '', '''', '' ''') AS all;

-- Page by page all of them, in order, once each: whatever the page's size, and with a filter.
SELECT count(bestauth.create_user('u' || n, CASE n % 2 WHEN 0 THEN 'standard' ELSE 'restricted' END, 'Same', 'Name', 'same@directory.example', company => 'directory_many')) FROM generate_series(1, 120) n;
CREATE FUNCTION pg_temp.pages(size int, filter text) RETURNS TABLE (page int, username text) LANGUAGE plpgsql AS $$
DECLARE
	after text;
	rows int;
BEGIN
	FOR n IN 1 .. 200 LOOP
		page := n;
		rows := 0;
		FOR username, after IN SELECT s.username, s.next FROM bestauth.search_users(user_type => filter, page_size => size, after => after, company => 'directory_many') s LOOP
			rows := rows + 1;
			RETURN NEXT;
		END LOOP;
		EXIT WHEN rows = 0;
	END LOOP;
END
$$;
SELECT size, filter, count(*) AS rows, count(DISTINCT username) AS users, max(page) AS pages, bool_and(username COLLATE "C" > before OR before IS NULL) AS in_order
FROM (SELECT size, filter, page, username, lag(username COLLATE "C") OVER (PARTITION BY size, filter ORDER BY n) AS before
	FROM unnest('{1,7,40,119,120,1000}'::int[]) size, unnest('{NULL,standard}'::text[]) filter, pg_temp.pages(size, filter) WITH ORDINALITY p (page, username, n)) p
GROUP BY size, filter ORDER BY size, filter;
SELECT count(*) AS hundred FROM bestauth.search_users(company => 'directory_many');
-- One that comes or goes between two pages moves no other.
SELECT next AS after FROM bestauth.search_users(page_size => 5, company => 'directory_many') ORDER BY next COLLATE "C" DESC LIMIT 1 \gset
SELECT string_agg(username, ' ') AS second_page FROM bestauth.search_users(page_size => 3, after => :'after', company => 'directory_many');
SELECT bestauth.create_user('a_first', 'restricted', 'Same', 'Name', 'same@directory.example', company => 'directory_many') IS NOT NULL AS made;
SELECT string_agg(username, ' ') AS second_page FROM bestauth.search_users(page_size => 3, after => upper(:'after'), company => 'directory_many');

-- [PRV-17] A session sees its company alone, and takes manage_users; a key may hold that.
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT username, pg_temp.as_user(username, $$SELECT username FROM bestauth.search_users(last_name => 'muller')$$) FROM unnest('{head,adam,key,hand,roly}'::text[]) username;
SELECT pg_temp.as_user('head', $$SELECT username FROM bestauth.search_users(company => 'directory_other')$$), pg_temp.as_user('head', $$SELECT username FROM bestauth.search_users(portal => 'none')$$);
SET ROLE regress_directory_app;
SELECT regress.attempt($$SELECT * FROM bestauth.search_users(company => 'directory_clinic')$$), regress.attempt($$SELECT * FROM bestauth.user_details('head', 'directory_clinic')$$),
	regress.attempt($$SELECT * FROM bestauth.list_roles(company => 'directory_clinic')$$), regress.attempt($$SELECT * FROM bestauth.list_permissions()$$);
RESET ROLE;
SELECT * FROM pg_temp.refused(:mark);

--
-- [PRV-17] user_details: everything of one user, and no secret. Oneself, or with
-- manage_users; who is not there, or elsewhere, is no one.
--
SELECT bestauth.update_user('jmueller', '{"middle_name": "X.", "title": "Dr.", "phone": "1", "mobile_phone": "2", "mobile_carrier": "3", "email": "new@directory.example", "notification_preferences": {"mail": true}}', 'directory_clinic');
SELECT bestauth.grant_permission('jmueller', 'eligibility', 'directory_clinic'), bestauth.limit_billing_user('key', '{anna}', 'directory_clinic');
SELECT username, user_type, first_name, middle_name, last_name, title, email, pending_email, phone, mobile_phone, mobile_carrier, office, billing_service, roles, permissions, persons, notification_preferences
FROM bestauth.user_details('JMUELLER', 'directory_clinic');
SELECT username, user_type, first_name, last_name, email, billing_service, roles, permissions, persons, password_set, last_login_at IS NOT NULL AS logged_in FROM bestauth.user_details('key', 'directory_clinic');
SELECT u, d.security_questions, d.locked, d.locked_at IS NOT NULL AS by_an_administrator, d.locked_until IS NOT NULL AS until, d.deleted, d.deleted_at IS NOT NULL AS deleted_at, d.created_at < clock_timestamp() AS created,
	d.password_set, d.must_change_password, d.password_changed_at IS NOT NULL AS password_changed, d.last_login_at IS NOT NULL AS logged_in, d.persons, d.revision >= 1 AS revision
FROM unnest('{head,locked,guessed,over,gone,gonelocked}'::text[]) u, bestauth.user_details(u, 'directory_clinic') d;
SELECT bestauth.reset_password('elodie', 'directory_clinic') AS password \gset
SELECT must_change_password, strpos(d::text, :'password') = 0 AND d::text !~ '\$2a\$' AS no_secret FROM bestauth.user_details('elodie', 'directory_clinic') d;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SELECT username, other, pg_temp.as_user(username, format('SELECT username FROM bestauth.user_details(%L)', other)) FROM (VALUES
	('head', 'adam'), ('head', 'gone'), ('roly', 'ROLY'), ('roly', 'head'), ('roly', 'nobody'), ('head', 'muller'), ('head', 'anna'), ('head', 'nobody'), ('key', 'head')) v (username, other);
SELECT pg_temp.as_user('head', $$SELECT username FROM bestauth.user_details('muller', 'directory_other')$$), pg_temp.as_user('roly', $$SELECT username FROM bestauth.user_details('roly', portal => 'none')$$);
SELECT * FROM pg_temp.refused(:mark);

--
-- [ALL-2] The lists of a form: what the caller may give to somebody, and no more. That it
-- is so shows in giving it.
--
SELECT name, permissions, companies, next FROM bestauth.list_roles(company => 'directory_clinic');
SELECT username, pg_temp.as_user(username, 'SELECT name FROM bestauth.list_roles()') FROM unnest('{head,roly,adam,key,hand}'::text[]) username;
SELECT name, title, description, next FROM bestauth.list_permissions() WHERE name IN ('claims', 'web_portal', 'fill_applications');
SELECT (SELECT array_agg(name ORDER BY name) FROM bestauth.list_permissions()) = (SELECT array_agg(name ORDER BY name) FROM bestauth.permission WHERE NOT client_only) AS all_of_them;
SELECT username, pg_temp.as_user(username, 'SELECT name FROM bestauth.list_permissions()') FROM unnest('{head,roly,key}'::text[]) username;
SELECT pg_temp.as_user('adam', 'SELECT name FROM bestauth.list_permissions() EXCEPT SELECT name FROM bestauth.permission WHERE NOT client_only') AS too_many,
	pg_temp.as_user('adam', 'SELECT name FROM bestauth.permission WHERE NOT client_only EXCEPT SELECT name FROM bestauth.list_permissions()') AS missing;
CREATE FUNCTION pg_temp.given(username text, call text, name text) RETURNS boolean LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = given.username));
	EXECUTE format('SELECT bestauth.%s(''maryann'', %L)', call, name);
	RAISE EXCEPTION USING ERRCODE = 'ZZ000';
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
	RETURN true;
WHEN insufficient_privilege OR check_violation THEN
	RETURN false;
END
$$;
SELECT username, string_agg(name, ', ' ORDER BY name COLLATE "C") FILTER (WHERE pg_temp.given(username, 'assign_role', name)) = pg_temp.as_user(username, 'SELECT name FROM bestauth.list_roles() ORDER BY name COLLATE "C"') AS roles
FROM unnest('{head,adam,key}'::text[]) username, (VALUES ('Front desk'), ('back office'), ('Empty'), ('Child')) v (name) GROUP BY username ORDER BY username;
SELECT username, string_agg(name, ', ' ORDER BY name COLLATE "C") FILTER (WHERE pg_temp.given(username, 'grant_permission', name)) = pg_temp.as_user(username, 'SELECT name FROM bestauth.list_permissions() ORDER BY name COLLATE "C"') AS permissions
FROM unnest('{head,adam,key}'::text[]) username, bestauth.permission GROUP BY username ORDER BY username;
-- Also one that goes by name alone, like web_portal, but is the application's.
BEGIN;
INSERT INTO bestauth.permission (name, title, description, by_name_only) VALUES ('directory.named', 'Named', 'By name alone', true);
SELECT pg_temp.given('head', 'grant_permission', 'directory.named') = (pg_temp.as_user('head', $$SELECT name FROM bestauth.list_permissions() WHERE name = 'directory.named'$$) IS NOT NULL) AS listed_as_given;
ROLLBACK;
-- Of the session's company alone; paged like the others.
SELECT pg_temp.as_user('adam', $$SELECT name FROM bestauth.list_roles(company => 'directory_other')$$), pg_temp.as_user('hand', 'SELECT name FROM bestauth.list_permissions()');
SELECT string_agg(name, ', ') FROM bestauth.list_roles(2, company => 'directory_clinic');
SELECT string_agg(name, ', ') FROM bestauth.list_roles(2, 'CHILD', 'directory_clinic');
SELECT (SELECT array_agg(name) FROM bestauth.list_permissions(3)) || (SELECT array_agg(name) FROM bestauth.list_permissions(1000, (SELECT max(next COLLATE "C") FROM bestauth.list_permissions(3))))
	= (SELECT array_agg(name) FROM bestauth.list_permissions(1000)) AS paged;

-- [M-01]
SELECT call, regress.attempt('SELECT * FROM bestauth.' || call) FROM unnest(ARRAY['search_users()', 'search_users(page_size => 0, company => ''directory_clinic'')', 'search_users(page_size => 1001, company => ''directory_clinic'')', 'search_users(page_size => -1, company => ''directory_clinic'')',
	'search_users(page_size => NULL, company => ''directory_clinic'')', 'search_users(company => ''directory_nowhere'')', 'search_users(company => ''directory_clinic'', portal => ''none'')', 'search_users(E''a\nb'', company => ''directory_clinic'')',
	'search_users(repeat(''a'', 101), company => ''directory_clinic'')', 'search_users(last_name => repeat(''ä'', 100), company => ''directory_clinic'')', 'search_users(username => repeat(''a'', 255), company => ''directory_clinic'')',
	'search_users(role => repeat(''a'', 101), company => ''directory_clinic'')', 'search_users(after => repeat(''a'', 255), company => ''directory_clinic'')', 'search_users(after => '''', company => ''directory_clinic'')',
	'user_details(NULL, ''directory_clinic'')', 'user_details('''', ''directory_clinic'')', 'user_details(''nobody'', ''directory_clinic'')', 'user_details(''head'')', 'user_details(E''he\tad'', ''directory_clinic'')', 'user_details(NULL, NULL, NULL)',
	'list_roles()', 'list_roles(0, company => ''directory_clinic'')', 'list_roles(1001, company => ''directory_clinic'')', 'list_roles(NULL, NULL, ''directory_clinic'')', 'list_roles(after => repeat(''a'', 101), company => ''directory_clinic'')',
	'list_roles(company => ''directory_nowhere'')', 'list_permissions(0)', 'list_permissions(1001)', 'list_permissions(NULL, NULL)', 'list_permissions(after => repeat(''a'', 64))', 'list_permissions(after => E''a\nb'')']) call;

REVOKE USAGE ON SCHEMA regress FROM regress_directory_app;
SELECT bestauth.revoke_access('regress_directory_app', 'application');
DROP ROLE regress_directory_app;
