-- Accounts of clients, made by staff from the client's chart: who may make one for whom,
-- what the client does, and what others may do with it.
\set SHOW_CONTEXT never
SELECT count(bestauth.create_company(code, name)) FROM (VALUES ('paccount_clinic', 'Hill Clinic'), ('paccount_far', 'Far Clinic'), ('paccount_none', 'No Portal')) v (code, name);
SELECT count(bestauth.create_portal(company, code, kind, name, url)) FROM (VALUES ('paccount_clinic', 'V1', 'client', 'Portal One', 'https://one.paccount.example'), ('paccount_clinic', 'V2', 'client', 'Portal Two', NULL),
	('paccount_clinic', 'docs', 'provider', 'Portal for Doctors', NULL), ('paccount_far', 'Main', 'client', 'Far Portal', NULL)) v (company, code, kind, name, url);
CREATE ROLE regress_paccount_app;
CREATE ROLE regress_paccount_operator;
SELECT bestauth.grant_access('regress_paccount_app', 'application'), bestauth.grant_access('regress_paccount_operator', 'operator');
GRANT USAGE ON SCHEMA regress TO regress_paccount_app, regress_paccount_operator;
SELECT bestauth.create_role('Everything', array_agg(name), company => 'paccount_clinic') IS NOT NULL AS made FROM bestauth.permission WHERE NOT by_name_only AND NOT client_only;
SELECT bestauth.create_role('Plain', '{claims}', company => 'paccount_clinic') IS NOT NULL AS made;
SELECT count(bestauth.create_user(username, user_type, username, 'Staff', username || '@staff.paccount.example', 'seven green boats of ' || username, roles => roles, permissions => permissions, company => 'paccount_clinic'))
FROM (VALUES ('head', 'standard', '{}'::text[], '{manage_users,my_account}'::text[]), ('web', 'standard', '{}', '{manage_contacts}'), ('all', 'standard', '{Everything}', '{}'), ('adam', 'company_administrator', '{}', '{}')) v (username, user_type, roles, permissions);
CREATE TEMP TABLE token (username text PRIMARY KEY, token text);
INSERT INTO token SELECT username, session_token FROM unnest('{head,web,all,adam}'::text[]) username, LATERAL bestauth.login('paccount_clinic', username, 'seven green boats of ' || username);
CREATE TEMP TABLE person (name text PRIMARY KEY, contact_id uuid NOT NULL);
CREATE TEMP TABLE mail (n serial, kind text, recipient text, subject text, body text, token text);
GRANT SELECT ON token, person, mail TO regress_paccount_app, regress_paccount_operator;
-- What a call returns, or its error; <name> in it stands for the id of a contact.
CREATE FUNCTION pg_temp.answer(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	rule text;
BEGIN
	call := coalesce((SELECT replace(call, '<' || name || '>', quote_literal(contact_id)) FROM person WHERE strpos(call, '<' || name || '>') > 0), call);
	EXECUTE format('SELECT string_agg(r::text, '' '') FROM bestauth.%s r', call) INTO result;
	RETURN regexp_replace(result, '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', 'made');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN regexp_replace(SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '(id)');
END
$$;
CREATE FUNCTION pg_temp.as_user(username text, call text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM token t WHERE t.username = as_user.username));
	RETURN pg_temp.answer(call);
END
$$;
CREATE FUNCTION pg_temp.log_in(username text, password text, portal text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT outcome FROM bestauth.login('paccount_clinic', $1, $2, $3)
$$;
-- The mail of this test goes out; the last link that an address got.
CREATE FUNCTION pg_temp.claim() RETURNS TABLE (kind text, recipient text, subject text, has_token boolean) LANGUAGE sql AS $$
	INSERT INTO mail (kind, recipient, subject, body, token) SELECT kind, recipient, subject, body, token FROM bestauth.claim_mail(1000)
	WHERE recipient ILIKE '%@paccount.example' ORDER BY recipient COLLATE "C", kind, subject COLLATE "C" RETURNING kind, recipient, subject, token IS NOT NULL
$$;
CREATE FUNCTION pg_temp.link(address text) RETURNS text LANGUAGE sql AS $$
	SELECT token FROM mail WHERE recipient = $1 || '@paccount.example' AND token IS NOT NULL ORDER BY n DESC LIMIT 1
$$;
CREATE FUNCTION pg_temp.activate(address text, password text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM pg_temp.claim();
	result := bestauth.set_password(pg_temp.link(address), password);
	PERFORM pg_temp.claim();
	RETURN result || ', ' || bestauth.verify_email(pg_temp.link(address));
END
$$;
CREATE VIEW pg_temp.account AS SELECT c.code AS company, p.code AS portal, u.username, u.user_type, u.verified_at IS NOT NULL AS verified, u.locked_at IS NOT NULL AS locked, u.deleted_at IS NOT NULL AS deleted, u.user_id, u.contact_id
FROM bestauth.user_account u JOIN bestauth.company c USING (company_id) JOIN bestauth.portal p USING (portal_id) WHERE c.code LIKE 'paccount\_%';
-- Nobody is to be locked out by the way, and no mail to wait.
SET bestauth.lockout_threshold = 100;
SET bestauth.mail_hourly_limit = 1000;
INSERT INTO person SELECT name, bestauth.create_contact(contact_type, first_name, last_name, email, company) FROM (VALUES
	('ann', 'client', 'Ann', 'Archer', 'ann@paccount.example', 'paccount_clinic'), ('ben', 'individual', 'Ben', 'Baker', NULL, 'paccount_clinic'), ('cat', 'referral', 'Cat', 'Carter', 'cat@paccount.example', 'paccount_clinic'),
	('dan', 'client', NULL, 'Dyer', 'dan@paccount.example', 'paccount_clinic'), ('eve', 'client', 'Eve', 'Ellis', 'evee@paccount.example', 'paccount_clinic'), ('twin', 'client', 'Anna', 'Archer', 'ANN@paccount.example', 'paccount_clinic'),
	('far', 'client', 'Fay', 'Fisher', 'ann@paccount.example', 'paccount_far'), ('none', 'client', 'Ned', 'None', 'ned@paccount.example', 'paccount_none')) v (name, contact_type, first_name, last_name, email, company);

-- [PRT-3] web_portal: nobody has it by default. No role carries it, who holds everything
-- else doesn't hold it, and a company administrator doesn't either.
SELECT count(*) AS in_roles FROM bestauth.role_permission WHERE permission = 'web_portal';
SET ROLE regress_paccount_app;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'adam'));
SELECT name AS not_held_by_adam FROM unnest('{audit_report,claims,eligibility,eops,fill_applications,identifi_practice,manage_contacts,manage_facilities,manage_payers,manage_portal_users,manage_roles,manage_users,my_account,panel_roster,sign_documents,web_portal}'::text[]) name WHERE NOT bestauth.has_permission(name);
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'all'));
SELECT name AS not_held_by_all FROM unnest('{audit_report,claims,eligibility,eops,fill_applications,identifi_practice,manage_contacts,manage_facilities,manage_payers,manage_portal_users,manage_roles,manage_users,my_account,panel_roster,sign_documents,web_portal}'::text[]) name WHERE NOT bestauth.has_permission(name);
COMMIT;
SELECT username, pg_temp.as_user(username, 'create_portal_account(<ann>, ''ann@paccount.example'', ''V1'')') FROM (VALUES ('head'), ('web'), ('all'), ('adam')) v (username);
SELECT pg_temp.answer('create_portal_account(<ann>, ''ann@paccount.example'', ''V1'', ''paccount_clinic'')');
SELECT username, call, pg_temp.as_user(username, call) FROM (VALUES ('adam', 'create_role(''Portal'', ''{web_portal}'')'), ('adam', 'update_role(''Plain'', ''{claims,web_portal}'', ''{}'')'), ('all', 'create_role(''Portal'', ''{claims,web_portal}'')')) v (username, call);
-- Who manages users gives it by name, without having to hold it, never to themselves.
SELECT username, call, pg_temp.as_user(username, call) FROM (VALUES ('web', 'grant_permission(''web'', ''web_portal'')'), ('head', 'grant_permission(''head'', ''web_portal'')'), ('head', 'grant_permission(''HEAD'', ''web_portal'')'),
	('adam', 'grant_permission(''adam'', ''web_portal'')'), ('head', 'grant_permission(''web'', ''web_portal'')'), ('adam', 'grant_permission(''all'', ''web_portal'')'), ('all', 'grant_permission(''all'', ''web_portal'')')) v (username, call);
RESET ROLE;
SELECT username FROM bestauth.user_permission p JOIN bestauth.user_account u USING (user_id) JOIN bestauth.company c ON c.company_id = u.company_id WHERE permission = 'web_portal' AND code = 'paccount_clinic' ORDER BY 1;
SELECT bestauth.revoke_permission('all', 'web_portal', 'paccount_clinic');

-- [PRT-1] [PRT-2] [PRT-4] What is asked first: the portal, the contact and its type, and its
-- address, confirmed by who was shown it. Where something is wrong nothing is made.
CREATE FUNCTION pg_temp.rows() RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', (SELECT count(*) FROM bestauth.user_account), (SELECT count(*) FROM bestauth.outbox), (SELECT count(*) FROM bestauth.token), (SELECT count(*) FROM bestauth.contact), (SELECT count(*) FROM bestauth.credential),
		(SELECT count(*) FROM bestauth.audit_log WHERE outcome <> 'denied'))
$$;
SELECT pg_temp.rows() AS rows \gset before_
SET ROLE regress_paccount_app;
SELECT call, pg_temp.as_user('web', format('create_portal_account(%s)', call)) FROM unnest(ARRAY[
	$$<ann>, 'ann@paccount.example'$$, $$<ann>, 'ann@paccount.example', 'V3'$$, $$<ann>, 'ann@paccount.example', 'docs'$$, $$<ann>, 'ann@paccount.example', 'Main'$$,
	$$<ann>, 'ann@paccount.example', 'V1', 'paccount_far'$$, $$<far>, 'ann@paccount.example', 'V1'$$, $$gen_random_uuid(), 'ann@paccount.example', 'V1'$$, $$NULL, 'ann@paccount.example', 'V1'$$,
	$$<cat>, 'cat@paccount.example', 'V1'$$, $$<ben>, 'ben@paccount.example', 'V1'$$, $$<dan>, 'dan@paccount.example', 'V1'$$,
	$$<ann>, 'anne@paccount.example', 'V1'$$, $$<ann>, 'nobody', 'V1'$$, $$<ann>, '', 'V1'$$, $$<ann>, NULL, 'V1'$$, $$<ann>, ' ann@paccount.example', 'V1'$$, $$<ann>, 'ann@paccount.example, eve@paccount.example', 'V1'$$,
	$$<ann>, E'ann@paccount.example\n', 'V1'$$, $$<eve>, 'ann@paccount.example', 'V1'$$]) call;
SET ROLE regress_paccount_operator;
SELECT call, pg_temp.answer(format('create_portal_account(%s)', call)) FROM unnest(ARRAY[
	$$<none>, 'ned@paccount.example', NULL, 'paccount_none'$$, $$<none>, 'ned@paccount.example', 'V1', 'paccount_none'$$, $$<far>, 'ann@paccount.example', 'V1', 'paccount_clinic'$$, $$<ann>, 'ann@paccount.example', NULL, 'paccount_far'$$,
	$$gen_random_uuid(), 'ann@paccount.example', 'V1', 'paccount_clinic'$$, $$gen_random_uuid(), 'ann@paccount.example', 'V1'$$]) call;
RESET ROLE;
SELECT pg_temp.rows() = :'before_rows' AS nothing_made;
-- Of all types two may.
BEGIN;
SELECT type, left(pg_temp.answer(format('create_portal_account(bestauth.create_contact(%L, ''T'', ''T'', %L, ''paccount_clinic''), %2$L, ''V1'', ''paccount_clinic'')', type, n || 'type@paccount.example')), 70)
FROM unnest('{client,individual,Client,INDIVIDUAL,clients,referral,provider,vendor,staff,standard}'::text[]) WITH ORDINALITY t (type, n);
ROLLBACK;
-- The address can be added first; it is compared without ASCII case, and the account has it
-- as the contact has it. One client portal is the default.
SET ROLE regress_paccount_app;
SELECT pg_temp.as_user('web', $$update_contact(<ben>, '{"email": "Ben@paccount.example"}')$$), pg_temp.as_user('web', $$create_portal_account(<ben>, 'bEN@Paccount.EXAMPLE', 'v1')$$), pg_temp.as_user('web', $$create_portal_account(<ann>, 'ann@paccount.example', 'V1')$$);
SET ROLE regress_paccount_operator;
SELECT pg_temp.answer($$create_portal_account(<far>, 'ann@paccount.example')$$);
RESET ROLE;
SELECT company, portal, username, user_type, verified, p.name AS contact FROM pg_temp.account JOIN person p USING (contact_id) ORDER BY company, username COLLATE "C";
SELECT action, username, company_code, object_id, detail FROM bestauth.audit_log WHERE action LIKE 'portal_account.%' AND company_code LIKE 'paccount\_%' ORDER BY audit_id;
SELECT portal, username, contact_type, name, state FROM bestauth.portal_accounts WHERE company = 'paccount_clinic' ORDER BY username COLLATE "C";

-- [PRT-5] A link goes to the address. The instructions can be printed without it, before the
-- mail went out and after.
SELECT user_id AS ann FROM pg_temp.account WHERE username = 'ann@paccount.example' AND portal = 'V1' \gset
SELECT user_id AS far FROM pg_temp.account WHERE company = 'paccount_far' \gset
SELECT bestauth.portal_instructions(:'ann', 'paccount_clinic');
SELECT * FROM pg_temp.claim();
SELECT replace(body, token, '(token)') AS body FROM mail WHERE recipient = 'ann@paccount.example' AND subject LIKE '%One';
SELECT count(*) AS tokens, count(*) FILTER (WHERE strpos(bestauth.portal_instructions(:'ann', 'paccount_clinic'), token) > 0 OR strpos(bestauth.portal_instructions(:'ann', 'paccount_clinic'), substr(token, 5, 20)) > 0) AS in_the_instructions FROM mail;
SELECT bestauth.portal_instructions(:'ann', 'paccount_clinic') ~ '(token|bat_)' AS looks_like_a_link;
SELECT username, account, left(pg_temp.as_user(username, format('portal_instructions(%L)', id)), 59) FROM (VALUES ('web', 'ann', :'ann'), ('head', 'ann', :'ann'), ('adam', 'ann', :'ann'), ('web', 'far', :'far'), ('web', 'missing', gen_random_uuid()::text), ('web', 'none', NULL)) v (username, account, id);
SELECT left(pg_temp.answer(format('portal_instructions(%L)', id)), 40) FROM (VALUES (:'ann'), (gen_random_uuid()::text)) v (id);
SELECT left(pg_temp.answer(format('portal_instructions(%L, ''paccount_far'')', :'ann')), 40), left(pg_temp.answer(format('portal_instructions(%L)', user_id)), 40) AS of_staff FROM bestauth.user_account u JOIN bestauth.company c USING (company_id) WHERE username = 'adam' AND code = 'paccount_clinic';

-- [PRT-6] The link sets a password; then an address is proved by another link, good for 30
-- minutes. Before that nothing can be done with the account.
SELECT recipient, token FROM mail WHERE recipient = 'ann@paccount.example' AND subject LIKE '%One' \gset invite_
CREATE FUNCTION pg_temp.sessions(id uuid) RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM bestauth.session WHERE user_id = $1 OR person_id = $1 $$;
SELECT max(audit_id) AS mark FROM bestauth.audit_log \gset
SET ROLE regress_paccount_app;
SELECT outcome, username, questions FROM bestauth.peek_password_link(:'invite_token');
SELECT pg_temp.log_in('ann@paccount.example', 'seven green boats of yours', 'V1'), pg_temp.log_in('ann@paccount.example', '', 'V1'), pg_temp.log_in('ann@paccount.example', :'invite_token', 'V1');
SELECT regress.attempt(format('SELECT bestauth.set_password(%L, ''short'')', :'invite_token'));
SELECT bestauth.set_password(:'invite_token', 'seven green boats of yours');
SELECT pg_temp.log_in('ann@paccount.example', 'seven green boats of yours', 'V1'), pg_temp.log_in('ann@paccount.example', 'seven green boats of yours');
RESET ROLE;
SELECT outcome, detail->>'reason' AS reason FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'login.denied' AND username = 'ann@paccount.example' ORDER BY audit_id;
SELECT * FROM pg_temp.claim();
SELECT replace(body, token, '(token)') AS body, token AS verify FROM mail WHERE kind = 'email_verification' \gset
SELECT :'body' AS body;
SELECT expires_at - created_at BETWEEN '00:29:59' AND '00:30:01' AS half_an_hour FROM bestauth.token WHERE token_hash = sha256(convert_to(:'verify', 'UTF8'));
-- [E-09] A token of one kind is no good for another: not the invitation's, nor the
-- verification's, nor one used. Nor is a session's, or a challenge's.
SELECT bestauth.create_portal_account((SELECT contact_id FROM person WHERE name = 'eve'), 'evee@paccount.example', 'V1', 'paccount_clinic') IS NOT NULL AS made;
SELECT kind FROM pg_temp.claim();
SET ROLE regress_paccount_app;
SELECT what, bestauth.peek_verification(t) AS peek, bestauth.verify_email(t) AS verify FROM (VALUES ('invitation', pg_temp.link('evee')), ('used invitation', :'invite_token'), ('session', (SELECT token FROM token WHERE username = 'web')), ('nothing', ''), ('made up', 'bat_' || repeat('A', 43)),
	('cut', left(:'verify', 46)), ('longer', :'verify' || 'A'), ('other case', lower(:'verify')), ('long', repeat('x', 100000))) v (what, t);
SELECT bestauth.set_password(:'verify', 'seven green boats of yours'), (SELECT outcome FROM bestauth.peek_password_link(:'verify')), bestauth.confirm_email_change(:'verify'), (SELECT outcome FROM bestauth.login_second_part(:'verify', 'adam', 'seven green boats of adam'));
SELECT regress.attempt(format('SELECT bestauth.use_session(%L)', :'verify')), regress.attempt(format('SELECT bestauth.use_session(%L)', pg_temp.link('evee')));
SELECT pg_temp.answer('peek_verification(NULL)'), pg_temp.answer('verify_email(NULL)');
-- [E-13] Looking uses nothing up and writes nothing, however often.
BEGIN READ ONLY;
SELECT outcome, count(*) FROM generate_series(1, 5), bestauth.peek_verification(:'verify') GROUP BY 1;
SELECT pg_current_xact_id_if_assigned() IS NULL AS wrote_nothing;
SELECT pg_temp.answer(format('verify_email(%L)', :'verify'));
COMMIT;
-- What is rolled back didn't happen.
BEGIN;
SELECT bestauth.verify_email(:'verify');
ROLLBACK;
SELECT pg_temp.log_in('ann@paccount.example', 'seven green boats of yours', 'V1');
-- [E-11] Opening the link gives no session: its owner logs in.
SELECT bestauth.verify_email(:'verify'), bestauth.current_session_id() IS NULL AS no_session;
RESET ROLE;
SELECT pg_temp.sessions(:'ann') AS sessions;
SET ROLE regress_paccount_app;
SELECT bestauth.verify_email(:'verify'), (SELECT outcome FROM bestauth.peek_verification(:'verify'));
SELECT pg_temp.log_in('ann@paccount.example', 'seven green boats of yours'), pg_temp.log_in('Ann@PACCOUNT.example', 'seven green boats of yours', 'v1'), pg_temp.log_in('ann@paccount.example', 'seven green boats of yours', 'V2'), pg_temp.log_in('ann@paccount.example', 'seven green boats of yours', 'V9');
RESET ROLE;
SELECT pg_temp.sessions(:'ann') AS sessions;
SELECT action, outcome, username, object_id, detail->>'reason' AS reason FROM bestauth.audit_log WHERE audit_id > :mark AND action ~ '^(email|password)\.' AND username = 'ann@paccount.example' ORDER BY audit_id;

-- [PRT-8] A link is replaced by making the account again, by resend_setup_link and by
-- resend_verification: the new one works, those before never.
CREATE TEMP TABLE link (n serial, what text, token text);
CREATE FUNCTION pg_temp.keep(what text, address text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(kind, ' ') FROM pg_temp.claim();
	INSERT INTO link (what, token) SELECT $1, pg_temp.link($2) RETURNING CASE WHEN (SELECT count(*) FROM link l WHERE l.token = pg_temp.link($2)) > 0 THEN 'no new one' ELSE 'kept' END
$$;
CREATE FUNCTION pg_temp.good() RETURNS TABLE (what text, password text, verification text) LANGUAGE sql AS $$
	SELECT what, p.outcome, v.outcome FROM link, LATERAL bestauth.peek_password_link(token) p, LATERAL bestauth.peek_verification(token) v ORDER BY n
$$;
INSERT INTO link (what, token) SELECT 'first', pg_temp.link('Ben');
SELECT pg_temp.as_user('web', 'create_portal_account(<ben>, ''ben@paccount.example'', ''V1'')');
-- At once, before the new one went out.
SELECT * FROM pg_temp.good();
SELECT pg_temp.keep('made again', 'Ben');
SELECT pg_temp.as_user('head', 'resend_setup_link(''ben@paccount.example'', portal => ''V1'')'), pg_temp.as_user('web', 'resend_setup_link(''ben@paccount.example'', portal => ''V1'')');
SELECT pg_temp.keep('setup link', 'Ben');
-- (three an hour, that was it)
SELECT bestauth.resend_verification('paccount_clinic', 'V1', 'BEN@paccount.example');
SELECT count(*) AS sent FROM pg_temp.claim();
UPDATE bestauth.outbox SET created_at = created_at - interval '1 hour' WHERE recipient ILIKE 'ben@paccount.example';
SELECT bestauth.resend_verification('paccount_clinic', 'V1', 'BEN@paccount.example') FROM generate_series(1, 3);
SELECT pg_temp.keep('verification', 'Ben');
SELECT * FROM pg_temp.good();
SELECT what, bestauth.set_password(token, 'seven green boats of hers') FROM link ORDER BY n;
SELECT pg_temp.log_in('ben@paccount.example', 'seven green boats of hers', 'V1');
-- With a password it is the verification link.
DELETE FROM link;
SELECT pg_temp.keep('first', 'Ben');
SELECT pg_temp.as_user('web', 'create_portal_account(<ben>, ''ben@paccount.example'', ''V1'')'), pg_temp.as_user('head', 'resend_setup_link(''ben@paccount.example'', portal => ''V1'')');
SELECT * FROM pg_temp.good();
SELECT pg_temp.keep('made again', 'Ben');
SELECT bestauth.resend_verification('paccount_clinic', 'V1', 'ben@paccount.example');
SELECT pg_temp.keep('verification', 'Ben');
SELECT * FROM pg_temp.good();
-- [PRT-6] [PRT-8] It is over after its time, and can be replaced then.
UPDATE bestauth.token SET expires_at = clock_timestamp() WHERE token_hash = sha256(convert_to((SELECT token FROM link WHERE what = 'verification'), 'UTF8'));
SELECT * FROM pg_temp.good();
SELECT what, bestauth.verify_email(token) FROM link ORDER BY n;
SELECT pg_temp.log_in('ben@paccount.example', 'seven green boats of hers', 'V1');
UPDATE bestauth.outbox SET created_at = created_at - interval '1 hour' WHERE recipient ILIKE 'ben@paccount.example';
SELECT bestauth.resend_verification('paccount_clinic', 'V1', 'ben@paccount.example');
SELECT pg_temp.keep('after expiry', 'Ben');
SELECT * FROM pg_temp.good();
SELECT what, bestauth.verify_email(token) FROM link ORDER BY n;
SELECT what, bestauth.verify_email(token) FROM link ORDER BY n;
SELECT pg_temp.log_in('ben@paccount.example', 'seven green boats of hers', 'V1');
-- An active account waits for nothing: the answer is the same, and nothing is sent.
SELECT bestauth.resend_verification('paccount_clinic', 'V1', 'ben@paccount.example');
SELECT count(*) AS sent FROM pg_temp.claim();
SELECT DISTINCT outcome, username, object_type, object_id FROM bestauth.audit_log WHERE audit_id > :mark AND action = 'verification.requested' ORDER BY 1;

-- [PRT-4] [PRT-8] The address was wrong: it is corrected, confirmed, and the account made
-- anew. What went to the other address is dead, and a password that was set there too.
SELECT bestauth.set_password(pg_temp.link('evee'), 'seven green boats of eves');
SELECT kind FROM pg_temp.claim();
SELECT pg_temp.as_user('web', $$update_contact(<eve>, '{"email": "eve@paccount.example"}')$$), pg_temp.as_user('web', $$create_portal_account(<eve>, 'evee@paccount.example', 'V1')$$), pg_temp.as_user('web', $$create_portal_account(<eve>, 'eve@paccount.example', 'V1')$$);
SELECT username, verified, deleted FROM pg_temp.account JOIN person p USING (contact_id) WHERE p.name = 'eve' ORDER BY username COLLATE "C";
SELECT (SELECT outcome FROM bestauth.peek_verification(pg_temp.link('evee'))), bestauth.verify_email(pg_temp.link('evee')), pg_temp.log_in('evee@paccount.example', 'seven green boats of eves', 'V1'), pg_temp.log_in('eve@paccount.example', 'seven green boats of eves', 'V1');
SELECT recipient, kind FROM pg_temp.claim();
SELECT pg_temp.activate('eve', 'seven green boats of eves');
SELECT action, object_id FROM bestauth.audit_log WHERE company_code = 'paccount_clinic' AND action LIKE 'portal_account.%' AND object_id LIKE 'eve%' ORDER BY audit_id;
-- The other one can't be brought back beside it, nor is its name free.
SELECT left(regress.attempt($$SELECT bestauth.restore_user('evee@paccount.example', 'paccount_clinic', 'V1')$$), 13) AS restored;
SELECT pg_temp.as_user('web', $$create_portal_account(<eve>, 'eve@paccount.example', 'V1')$$);
-- It is dead as soon as the address is corrected; corrected back, the account is there again.
SELECT bestauth.create_contact('client', 'Fred', 'Fox', 'fredd@paccount.example', 'paccount_clinic') AS fred \gset
SELECT pg_temp.as_user('web', format('create_portal_account(%L, ''fredd@paccount.example'', ''V1'')', :'fred'));
SELECT kind FROM pg_temp.claim();
SELECT pg_temp.link('fredd') AS link \gset
SELECT pg_temp.as_user('web', format('update_contact(%L, ''{"email": "fred@paccount.example"}'')', :'fred'));
SELECT bestauth.set_password(:'link', 'seven blue boats of his'), (SELECT deleted FROM pg_temp.account WHERE username = 'fredd@paccount.example');
SELECT pg_temp.as_user('web', format('update_contact(%L, ''{"email": "fredd@paccount.example"}'')', :'fred')), pg_temp.as_user('web', format('create_portal_account(%L, ''fredd@paccount.example'', ''V1'')', :'fred'));
SELECT bestauth.set_password(:'link', 'seven blue boats of his');
SELECT pg_temp.activate('fredd', 'seven blue boats of his');
-- An active one keeps the address that it was made with, whatever becomes of the contact's.
SELECT pg_temp.as_user('web', format('update_contact(%L, ''{"email": "fred@paccount.example"}'')', :'fred')), pg_temp.as_user('web', format('create_portal_account(%L, ''fred@paccount.example'', ''V1'')', :'fred'));
SELECT pg_temp.log_in('fredd@paccount.example', 'seven blue boats of his', 'V1'), pg_temp.log_in('fred@paccount.example', 'seven blue boats of his', 'V1');
-- [PRT-2] An active account, and a locked one, is not made again; an address has one in a portal.
SELECT pg_temp.as_user('web', 'create_portal_account(<ann>, ''ann@paccount.example'', ''V1'')'), pg_temp.as_user('web', 'create_portal_account(<twin>, ''ann@paccount.example'', ''V1'')');
SELECT bestauth.lock_user('ben@paccount.example', 'paccount_clinic', 'V1');
SELECT pg_temp.as_user('web', 'create_portal_account(<ben>, ''ben@paccount.example'', ''V1'')');
SELECT bestauth.unlock_user('ben@paccount.example', 'paccount_clinic', 'V1'), pg_temp.log_in('ben@paccount.example', 'seven green boats of hers', 'V1');

-- [PRT-1] Several portals of one company: an address has an account in each, with a password
-- of its own. Somebody of the staff may have the same name, and is somebody else.
SELECT pg_temp.as_user('web', 'create_portal_account(<ann>, ''ann@paccount.example'', ''V2'')');
SELECT pg_temp.activate('ann', 'nine brown boats of two');
SELECT bestauth.create_user('ann@paccount.example', 'restricted', 'Ann', 'Staff', 'namesake@staff.paccount.example', 'ten white boats of staff', permissions => '{claims}', company => 'paccount_clinic') IS NOT NULL AS made;
SET ROLE regress_paccount_app;
SELECT portal, password, pg_temp.log_in('ann@paccount.example', password, portal) FROM (VALUES (NULL), ('V1'), ('V2'), ('docs')) p (portal), (VALUES ('seven green boats of yours'), ('nine brown boats of two'), ('ten white boats of staff')) w (password);
RESET ROLE;
INSERT INTO token SELECT name, l.session_token FROM (VALUES ('ann1', 'V1', 'seven green boats of yours'), ('ann2', 'V2', 'nine brown boats of two'), ('annstaff', NULL, 'ten white boats of staff')) v (name, portal, password), LATERAL bestauth.login('paccount_clinic', 'ann@paccount.example', password, portal) l;
-- About their own they need no permission, and the others are not their own.
CREATE FUNCTION pg_temp.about(name text, portal text) RETURNS TABLE (details text, sessions text) LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT t.token FROM token t WHERE t.username = name));
	details := pg_temp.answer(format('user_details(''ann@paccount.example'', portal => %L)', portal));
	details := CASE WHEN details LIKE '4%' THEN left(details, 13) ELSE split_part(details, ',', 3) || ' ' || split_part(details, ',', 6) END;
	sessions := pg_temp.answer(format('list_sessions(''ann@paccount.example'', portal => %L)', portal));
	sessions := CASE WHEN sessions LIKE '4%' THEN left(sessions, 13) ELSE 'listed' END;
	RETURN NEXT;
END
$$;
SELECT name, portal, a.* FROM (VALUES ('ann1'), ('ann2'), ('annstaff'), ('head')) n (name), (VALUES (NULL), ('V1'), ('v2'), ('V3'), ('docs')) p (portal), LATERAL pg_temp.about(name, portal) a;
CREATE FUNCTION pg_temp.alive() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(username, ' ' ORDER BY username) FROM token t WHERE username LIKE 'ann%' AND regress.attempt(format('SELECT bestauth.use_session(%L)', token)) = 'done'
$$;
SET client_min_messages = error;
SELECT name, portal, left(pg_temp.as_user(name, format('revoke_sessions(''ann@paccount.example'', portal => %L)', portal)), 13), pg_temp.alive() FROM (VALUES ('annstaff', 'V1'), ('annstaff', 'V2'), ('ann1', 'V2'), ('ann2', 'V1')) v (name, portal);
BEGIN;
SELECT pg_temp.as_user('ann1', 'revoke_sessions(''ann@paccount.example'')') AS ended;
SELECT pg_temp.alive();
ROLLBACK;
BEGIN;
SELECT pg_temp.as_user('annstaff', 'revoke_sessions(''ann@paccount.example'')') AS ended;
SELECT pg_temp.alive();
ROLLBACK;
SELECT pg_temp.alive();
RESET client_min_messages;

-- [PRT-9] Who may fill in applications and sign documents: active clients, and nobody else;
-- they hold nothing else. Not even by the operator, or by SQL.
SET ROLE regress_paccount_app;
BEGIN;
SELECT user_id IS NOT NULL AS used FROM bestauth.use_session((SELECT token FROM token WHERE username = 'ann1'));
SELECT string_agg(name, ' ' ORDER BY name) AS held FROM unnest('{audit_report,claims,eligibility,eops,fill_applications,identifi_practice,manage_contacts,manage_facilities,manage_payers,manage_portal_users,manage_roles,manage_users,my_account,panel_roster,sign_documents,web_portal}'::text[]) name WHERE bestauth.has_permission(name);
SELECT cardinality(bestauth.accessible_company_ids()) AS companies, bestauth.can_access_company(bestauth.current_company_id()) AS own, bestauth.current_person_id() = bestauth.current_user_id() AS is_the_person;
COMMIT;
SELECT username, call, pg_temp.as_user(username, call) FROM (VALUES
	('adam', 'grant_permission(''head'', ''sign_documents'')'), ('adam', 'create_role(''Signer'', ''{sign_documents}'')'), ('adam', 'create_user(''sig'', ''restricted'', ''S'', ''G'', ''s@staff.paccount.example'', permissions => ''{fill_applications}'')'),
	('adam', 'grant_permission(''ann@paccount.example'', ''claims'', portal => ''V1'')'), ('adam', 'assign_role(''ann@paccount.example'', ''Plain'', portal => ''V1'')'), ('adam', 'update_user(''ann@paccount.example'', ''{"roles": ["Plain"]}'', portal => ''V1'')')) v (username, call);
SET ROLE regress_paccount_operator;
SELECT call, pg_temp.answer(call) FROM unnest(ARRAY['grant_permission(''head'', ''sign_documents'', ''paccount_clinic'')', 'grant_permission(''adam'', ''fill_applications'', ''paccount_clinic'')', 'create_role(''Signer'', ''{fill_applications}'', company => ''paccount_clinic'')', 'update_role(''Plain'', ''{sign_documents}'', NULL, ''paccount_clinic'')',
	'create_user(''sig'', ''restricted'', ''S'', ''G'', ''s@staff.paccount.example'', permissions => ''{sign_documents}'', company => ''paccount_clinic'')', 'grant_permission(''ann@paccount.example'', ''claims'', ''paccount_clinic'', ''V1'')', 'grant_permission(''ann@paccount.example'', ''sign_documents'', ''paccount_clinic'', ''V1'')',
	'grant_permission(''ann@paccount.example'', ''web_portal'', ''paccount_clinic'', ''V1'')', 'assign_role(''ann@paccount.example'', ''Plain'', ''paccount_clinic'', ''V1'')',
	'create_user(''c@paccount.example'', ''client'', ''C'', ''C'', ''c@paccount.example'', company => ''paccount_clinic'')', 'create_user(''c@paccount.example'', ''client'', ''C'', ''C'', ''c@paccount.example'', company => ''paccount_clinic'', portal => ''V1'')', 'create_user(''sig'', ''standard'', ''C'', ''C'', ''c@paccount.example'', company => ''paccount_clinic'', portal => ''V1'')']) call;
SELECT regress.attempt(format('INSERT INTO bestauth.user_permission (company_id, user_id, permission) SELECT company_id, user_id, %L FROM bestauth.user_account WHERE user_id = %L', permission, user_id)) FROM (VALUES ('claims', :'ann'), ('sign_documents', :'ann'), ('sign_documents', (SELECT user_id::text FROM bestauth.user_account u JOIN bestauth.company c USING (company_id) WHERE username = 'head' AND code = 'paccount_clinic'))) v (permission, user_id);
SELECT regress.attempt(format('INSERT INTO bestauth.user_role (company_id, user_id, role_id) SELECT u.company_id, u.user_id, r.role_id FROM bestauth.user_account u JOIN bestauth.role r USING (company_id) WHERE r.name = ''Plain'' AND u.user_id = %L', :'ann'));
RESET ROLE;

-- [IBS-6] A client's own account is theirs without my_account. Whatever is for staff, the
-- operator or the mailer is refused, before anything else is looked at.
SELECT pg_temp.as_user('ann1', 'change_password(''wrong boats of anybody'', ''eleven red boats of yours'')'), pg_temp.as_user('ann1', 'change_password(''seven green boats of yours'', ''eleven red boats of yours'')');
SELECT pg_temp.log_in('ann@paccount.example', 'seven green boats of yours', 'V1'), pg_temp.log_in('ann@paccount.example', 'eleven red boats of yours', 'V1'), pg_temp.log_in('ann@paccount.example', 'eleven red boats of yours', 'V2');
UPDATE token SET token = l.session_token FROM bestauth.login('paccount_clinic', 'ann@paccount.example', 'eleven red boats of yours', 'V1') l WHERE username = 'ann1';
SELECT pg_temp.as_user('ann1', 'set_security_questions(''{"First boat?"}'', ''{Dinghy}'')') AS set;
SELECT security_questions, permissions FROM bestauth.user_details('ann@paccount.example', 'paccount_clinic', 'V1');
SELECT kind, recipient FROM pg_temp.claim();
CREATE TEMP TABLE refused AS SELECT p.oid, p.proname, r.needs AS need, format('%s(%s)', p.proname, (SELECT string_agg('NULL::' || format_type(t, NULL), ', ') FROM unnest(p.proargtypes::oid[]) t)) AS call
FROM bestauth.function_rules r JOIN pg_proc p ON p.proname = r.function AND p.pronamespace = 'bestauth'::regnamespace;
SELECT need, count(*) > 0 AS some, string_agg(DISTINCT CASE WHEN pg_temp.as_user('ann1', call) !~ '^42501' THEN proname END, ' ') AS not_refused FROM refused
WHERE need NOT IN ('nothing', 'session', 'own account', 'permission or own user') AND proname NOT IN ('open_instance') GROUP BY 1 ORDER BY 1;
SELECT call, pg_temp.as_user('ann1', call) FROM unnest(ARRAY['user_details(''ben@paccount.example'')', 'user_details(''nobody@paccount.example'')', 'list_sessions(''ben@paccount.example'')', 'revoke_sessions(''ben@paccount.example'')', 'user_details(''head'')', 'revoke_sessions(''head'')', 'user_details(''ann@paccount.example'', ''paccount_far'', ''Main'')']) call;

-- The operator's functions, with company and portal, and what manage_users may do: lock and
-- unlock, delete, look. They never become the client, nor bring one back without web_portal.
SELECT pg_temp.as_user('web', 'create_portal_account(<ben>, ''ben@paccount.example'', ''V2'')');
SELECT pg_temp.activate('Ben', 'nine brown boats of ben');
INSERT INTO token SELECT 'ben' || portal, l.session_token FROM (VALUES ('1', 'seven green boats of hers'), ('2', 'nine brown boats of ben')) v (portal, password), LATERAL bestauth.login('paccount_clinic', 'ben@paccount.example', password, 'V' || portal) l;
CREATE FUNCTION pg_temp.state() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', portal, CASE WHEN locked THEN 'locked' END, CASE WHEN deleted THEN 'deleted' END), ', ' ORDER BY portal) FROM pg_temp.account WHERE username = 'Ben@paccount.example'
$$;
CREATE FUNCTION pg_temp.tried(who text, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text := CASE WHEN who IS NULL THEN pg_temp.answer(call) ELSE pg_temp.as_user(who, call) END;
BEGIN
	RETURN CASE WHEN answer ~ '^[a-z0-9]{5}(-[a-z0-9]{5}){3}$' THEN 'a password' ELSE answer END;
END
$$;
-- Each of these is undone.
CREATE FUNCTION pg_temp.then_state(who text, call text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	result text;
BEGIN
	result := pg_temp.tried(who, call);
	RAISE EXCEPTION 'undo' USING DETAIL = concat_ws(': ', result, pg_temp.state());
EXCEPTION WHEN raise_exception THEN
	GET STACKED DIAGNOSTICS result = PG_EXCEPTION_DETAIL;
	RETURN result;
END
$$;
SELECT call, pg_temp.then_state(NULL, format(call, ', ''paccount_clinic'', ''V2''')) AS operator, pg_temp.then_state('head', format(call, ', portal => ''V2''')) AS head, pg_temp.then_state('web', format(call, ', portal => ''V2''')) AS web
FROM unnest(ARRAY['lock_user(''ben@paccount.example''%s)', 'unlock_user(''BEN@paccount.example''%s)', 'delete_user(''ben@paccount.example''%s)', 'restore_user(''ben@paccount.example''%s)', 'reset_password(''ben@paccount.example''%s)', 'revoke_sessions(''ben@paccount.example''%s)', 'resend_setup_link(''ben@paccount.example''%s)', 'lock_user(''nobody@paccount.example''%s)']) call;
SELECT who, pg_temp.tried(who, format('reset_password(''ben@paccount.example'', portal => %L)', portal)) FROM (VALUES ('adam', 'V1'), ('all', 'V1'), ('adam', NULL), ('adam', 'V3'), ('adam', 'Main')) v (who, portal);
SELECT who, changes, pg_temp.then_state(who, format('update_user(''ben@paccount.example'', %L, portal => ''V2'')', changes)) FROM (VALUES ('head', '{"email": "head@staff.paccount.example"}'), ('adam', '{"email": "adam@staff.paccount.example"}'), ('head', '{"username": "x"}'), ('head', '{"phone": "1"}'), ('head', '{"last_name": null}')) v (who, changes);
SELECT pg_temp.then_state(NULL, $$update_user('ben@paccount.example', '{"email": "x@paccount.example"}', 'paccount_clinic', 'V2')$$);
-- Without the portal it is about the company's own people.
SELECT pg_temp.tried(NULL, 'lock_user(''ben@paccount.example'', ''paccount_clinic'')'), pg_temp.tried('head', 'lock_user(''ben@paccount.example'')');
-- A lock ends the sessions and holds, and is for one portal.
SELECT pg_temp.tried('head', 'lock_user(''ben@paccount.example'', portal => ''V2'')');
SELECT pg_temp.log_in('ben@paccount.example', 'seven green boats of hers', 'V1'), pg_temp.log_in('ben@paccount.example', 'nine brown boats of ben', 'V2');
SET client_min_messages = error;
SELECT username, regress.attempt(format('SELECT bestauth.use_session(%L)', token)) FROM token WHERE username LIKE 'ben_' ORDER BY 1;
RESET client_min_messages;
-- [PRT-6] No reset undoes a lock. Nor does who asks learn of it.
SELECT kind FROM pg_temp.claim();
SELECT bestauth.request_password_reset('paccount_clinic', 'ben@paccount.example', 'V2');
SELECT count(*) AS sent FROM pg_temp.claim();
SELECT bestauth.request_password_reset('paccount_clinic', 'BEN@paccount.example', 'v1');
SELECT kind, recipient FROM pg_temp.claim();
SELECT bestauth.lock_user('ben@paccount.example', 'paccount_clinic', 'V1');
SELECT bestauth.set_password(pg_temp.link('Ben'), 'twelve pink boats of hers'), pg_temp.state();
SELECT pg_temp.tried('head', 'unlock_user(''ben@paccount.example'', portal => ''V1'')');
SELECT bestauth.set_password(pg_temp.link('Ben'), 'twelve pink boats of hers'), pg_temp.log_in('ben@paccount.example', 'seven green boats of hers', 'V1'), pg_temp.state();
UPDATE bestauth.outbox SET created_at = created_at - interval '1 hour' WHERE recipient ILIKE 'ben@paccount.example';
-- Nor the lock after wrong passwords, which who manages users doesn't take away either: they
-- could go on guessing. It is over after a while.
SELECT bestauth.request_password_reset('paccount_clinic', 'ben@paccount.example', 'V1');
SELECT kind, recipient FROM pg_temp.claim();
SET bestauth.lockout_threshold = 1;
SELECT pg_temp.log_in('ben@paccount.example', 'wrong boats of anybody', 'V1');
SELECT bestauth.set_password(pg_temp.link('Ben'), 'twelve pink boats of hers'), pg_temp.log_in('ben@paccount.example', 'twelve pink boats of hers', 'V1');
SELECT locked, locked_at IS NULL AS not_by_an_administrator FROM bestauth.user_details('ben@paccount.example', 'paccount_clinic', 'V1');
SET bestauth.lockout_threshold = 100;
SELECT pg_temp.tried('head', 'unlock_user(''ben@paccount.example'', portal => ''V1'')');
SELECT locked FROM bestauth.user_details('ben@paccount.example', 'paccount_clinic', 'V1');
SELECT pg_temp.log_in('ben@paccount.example', 'twelve pink boats of hers', 'V1');
SELECT bestauth.unlock_user('ben@paccount.example', 'paccount_clinic', 'V1'), pg_temp.log_in('ben@paccount.example', 'twelve pink boats of hers', 'V1');
-- What is shown of them.
SELECT name, username, user_type, locked, deleted FROM bestauth.search_users(company => 'paccount_clinic', portal => 'V1');
SELECT name, username, locked FROM bestauth.search_users(last_name => 'bak', locked => true, company => 'paccount_clinic', portal => 'V2');
SELECT count(*) AS clients_among_the_staff FROM bestauth.search_users(user_type => 'client', company => 'paccount_clinic');
SELECT username, user_type, first_name, email, locked, password_set, permissions, roles FROM bestauth.user_details('ben@paccount.example', 'paccount_clinic', 'V2');
SELECT portal, username, state FROM bestauth.portal_accounts WHERE company = 'paccount_clinic' ORDER BY portal, username COLLATE "C";
-- Deleted and restored: the password is gone, and it takes web_portal as well as manage_users.
SELECT pg_temp.tried('head', 'delete_user(''ben@paccount.example'', portal => ''V2'')');
SELECT pg_temp.state(), pg_temp.tried('web', 'create_portal_account(<ben>, ''ben@paccount.example'', ''V2'')');
SELECT who, pg_temp.tried(who, 'restore_user(''ben@paccount.example'', portal => ''V2'')') FROM unnest('{head,adam,web}'::text[]) who;
SELECT bestauth.grant_permission('head', 'web_portal', 'paccount_clinic');
SELECT pg_temp.tried('head', 'restore_user(''ben@paccount.example'', portal => ''V2'')'), pg_temp.tried('head', 'unlock_user(''ben@paccount.example'', portal => ''V2'')');
SELECT bestauth.revoke_permission('head', 'web_portal', 'paccount_clinic');
SELECT pg_temp.state(), pg_temp.log_in('ben@paccount.example', 'nine brown boats of ben', 'V2');
-- [E-09] The token of somebody deleted is dead, and stays dead.
SELECT kind FROM pg_temp.claim();
SELECT pg_temp.tried('head', 'delete_user(''ben@paccount.example'', portal => ''V2'')');
SELECT bestauth.set_password(pg_temp.link('Ben'), 'nine brown boats of ben');
SELECT bestauth.restore_user('ben@paccount.example', 'paccount_clinic', 'V2');
SELECT bestauth.set_password(pg_temp.link('Ben'), 'nine brown boats of ben');

-- [PRT-6] A reset before the address is proved makes nothing active; then the verification is
-- sent, as after the invitation.
SELECT bestauth.create_contact('client', 'Gus', 'Green', 'gus@paccount.example', 'paccount_clinic') AS gus \gset
SELECT bestauth.create_portal_account(:'gus', 'gus@paccount.example', 'V1') IS NOT NULL AS made;
SELECT kind FROM pg_temp.claim();
SELECT bestauth.request_password_reset('paccount_clinic', 'gus@paccount.example', 'V1');
SELECT kind FROM pg_temp.claim();
SELECT bestauth.set_password(pg_temp.link('gus'), 'seven blue boats of gus'), pg_temp.log_in('gus@paccount.example', 'seven blue boats of gus', 'V1');
SELECT kind FROM pg_temp.claim() ORDER BY 1;
-- By the operator it doesn't either.
SELECT bestauth.reset_password('gus@paccount.example', 'paccount_clinic', 'V1') AS temporary \gset
SELECT pg_temp.log_in('gus@paccount.example', :'temporary', 'V1');
SELECT verified FROM pg_temp.account WHERE username = 'gus@paccount.example';

-- [PRT-2] [PRT-6] Direct SQL of the operator: no client is made verified, or made so; none is
-- moved, renamed, or given another address; none is in a portal or of a contact that doesn't fit.
SELECT portal_id AS v1 FROM bestauth.portal p JOIN bestauth.company c USING (company_id) WHERE c.code = 'paccount_clinic' AND p.code = 'V1' \gset
SELECT portal_id AS docs FROM bestauth.portal WHERE code = 'docs' AND name = 'Portal for Doctors' AND company_id = (SELECT company_id FROM bestauth.company WHERE code = 'paccount_clinic') \gset
SELECT portal_id AS main FROM bestauth.portal p JOIN bestauth.company c USING (company_id) WHERE c.code = 'paccount_far' \gset
SET ROLE regress_paccount_operator;
BEGIN;
SELECT what, regress.attempt(format('INSERT INTO bestauth.user_account (company_id, portal_id, contact_id, username, user_type, first_name, last_name, email%s) SELECT company_id, %L, %L, %L, %L, ''D'', ''S'', %L%s FROM bestauth.company WHERE code = ''paccount_clinic''',
	CASE WHEN verified THEN ', verified_at' END, portal, contact, username, user_type, email, CASE WHEN verified THEN ', now()' END))
FROM (VALUES
	('what all fits', :'v1', 'dan', 'dan@paccount.example', 'client', 'dan@paccount.example', false), ('verified', :'v1', 'dan', 'dan@paccount.example', 'client', 'dan@paccount.example', true),
	('provider portal', :'docs', 'dan', 'dan@paccount.example', 'client', 'dan@paccount.example', false), ('portal of another company', :'main', 'dan', 'dan@paccount.example', 'client', 'dan@paccount.example', false), ('no portal', NULL, 'dan', 'dan@paccount.example', 'client', 'dan@paccount.example', false),
	('no contact', :'v1', NULL, 'dan@paccount.example', 'client', 'dan@paccount.example', false), ('contact of another type', :'v1', 'cat', 'cat@paccount.example', 'client', 'cat@paccount.example', false), ('contact of another company', :'v1', 'far', 'dan@paccount.example', 'client', 'dan@paccount.example', false),
	('other address', :'v1', 'dan', 'dan@paccount.example', 'client', 'dann@paccount.example', false), ('no address', :'v1', 'dan', 'dan@paccount.example', 'client', NULL, false), ('contact that has one', :'v1', 'ann', 'dan@paccount.example', 'client', 'dan@paccount.example', false), ('name taken', :'v1', 'dan', 'ANN@paccount.example', 'client', 'ann@paccount.example', false),
	('staff with a contact', NULL, 'dan', 'dan', 'standard', 'dan@paccount.example', false), ('staff in a portal', :'v1', NULL, 'dan', 'standard', 'dan@paccount.example', false), ('provider in a client portal', :'v1', NULL, 'dan', 'provider', 'dan@paccount.example', false)) v (what, portal, contact_name, username, user_type, email, verified)
	LEFT JOIN LATERAL (SELECT contact_id FROM person WHERE name = contact_name) p (contact) ON true ORDER BY what COLLATE "C";
ROLLBACK;
SELECT assignment, regress.attempt(format('UPDATE bestauth.user_account SET %s WHERE user_id = (SELECT user_id FROM bestauth.user_account WHERE username = ''gus@paccount.example'' AND portal_id = %L)', format(assignment, :'docs', :'main'), :'v1')) FROM unnest(ARRAY[
	'verified_at = now()', 'portal_id = NULL', 'portal_id = %1$L', 'portal_id = %2$L', 'contact_id = NULL', 'contact_id = (SELECT contact_id FROM person WHERE name = ''dan'')', 'username = ''gus2@paccount.example''', 'email = ''gus2@paccount.example''', 'email = ''GUS@paccount.example''', 'email = NULL', 'pending_email = ''gus2@paccount.example''',
	'username = ''g2@paccount.example'', email = ''g2@paccount.example''', 'company_id = (SELECT company_id FROM bestauth.company WHERE code = ''paccount_far'')', 'user_type = ''standard''', 'user_type = ''provider''', 'user_id = gen_random_uuid()', 'version = 99', 'last_name = NULL', 'phone = ''1''']) assignment;
SELECT assignment, regress.attempt(format('UPDATE bestauth.user_account SET %s WHERE username = ''eve@paccount.example''', assignment)) FROM unnest(ARRAY['verified_at = NULL', 'verified_at = now()', 'deleted_at = now()', 'deleted_at = NULL']) assignment;
SELECT regress.attempt($$DELETE FROM bestauth.user_account WHERE username = 'gus@paccount.example'$$), regress.attempt($$INSERT INTO bestauth.credential (user_id) SELECT user_id FROM bestauth.user_account WHERE username = 'gus@paccount.example'$$), regress.attempt('SELECT FROM bestauth.signup'), regress.attempt('SELECT FROM bestauth.token');
RESET ROLE;
-- Nor a superuser's.
SELECT regress.attempt($$UPDATE bestauth.user_account SET verified_at = now() WHERE username = 'gus@paccount.example'$$), regress.attempt($$DELETE FROM bestauth.user_account WHERE username = 'gus@paccount.example'$$);

REVOKE USAGE ON SCHEMA regress FROM regress_paccount_app, regress_paccount_operator;
SELECT bestauth.revoke_access('regress_paccount_app', 'application'), bestauth.revoke_access('regress_paccount_operator', 'operator');
DROP TABLE token, person, mail;
DROP ROLE regress_paccount_app, regress_paccount_operator;
