-- Single sign-on for the second part: what a service's own instance says of its people, and
-- who they are where its customers are. Both are companies of this database here: sso_home is
-- the service as it is at its own place, sso_acme the same one as the customers know it.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT count(bestauth.create_company(code, code)) FROM unnest('{sso_home,sso_second,sso_acme,sso_oidc,sso_clinic,sso_lab}'::text[]) code;
SELECT count(bestauth.register_billing_service(code)) FROM unnest('{sso_home,sso_second,sso_acme,sso_oidc}'::text[]) code;
SELECT count(bestauth.create_user(username, user_type, first_name, last_name, username || '@sso.example', 'seven green boats of ' || username, permissions => permissions, company => company)) FROM (VALUES
	('joan', 'restricted', 'Joan', 'Biller', '{}'::text[], 'sso_home'), ('bert', 'restricted', 'Bert', 'Biller', '{}', 'sso_home'), ('carl', 'restricted', 'Carl', 'Other', '{}', 'sso_home'),
	('paid', 'standard', 'Paula', 'Paid', '{}', 'sso_home'), ('joan', 'restricted', 'Joan', 'Biller', '{}', 'sso_second'),
	('lola', 'restricted', 'Lola', 'Local', '{}', 'sso_acme'), ('bert', 'restricted', 'Berta', 'Local', '{}', 'sso_acme'), ('head', 'standard', 'Hedy', 'Head', '{manage_users,audit_report}', 'sso_acme'), ('acmeadmin', 'company_administrator', 'Ada', 'Admin', '{}', 'sso_acme'),
	('chief', 'standard', 'Chi', 'Ef', '{manage_users,audit_report,claims}', 'sso_clinic')) v (username, user_type, first_name, last_name, permissions, company);
SELECT count(bestauth.create_user(username, 'billing', 'Key', NULL, NULL, 'seven green boats of ' || username, service, '{}', '{claims}', company)) FROM (VALUES
	('key', 'sso_acme', 'sso_clinic'), ('few', 'sso_acme', 'sso_clinic'), ('oidc', 'sso_oidc', 'sso_clinic'), ('key', 'sso_acme', 'sso_lab')) v (username, service, company);
RESET client_min_messages;
CREATE ROLE regress_sso_app;
CREATE ROLE regress_sso_operator;
CREATE ROLE regress_sso_reader;
SELECT bestauth.grant_access('regress_sso_app', 'application'), bestauth.grant_access('regress_sso_operator', 'operator'), bestauth.grant_access('regress_sso_reader', 'reader');
GRANT USAGE ON SCHEMA regress TO regress_sso_app, regress_sso_operator, regress_sso_reader;
SELECT coalesce(max(audit_id), 0) AS before FROM bestauth.audit_log \gset

-- The sessions of the service's people at its own place, by person.
CREATE TEMP TABLE home (person text PRIMARY KEY, token text);
INSERT INTO home SELECT p.person, l.session_token FROM (VALUES ('joan', 'sso_home', 'joan'), ('bert', 'sso_home', 'bert'), ('carl', 'sso_home', 'carl'), ('paid', 'sso_home', 'paid'), ('second', 'sso_second', 'joan'), ('lola', 'sso_acme', 'lola'), ('chief', 'sso_clinic', 'chief'), ('head', 'sso_acme', 'head'), ('acmeadmin', 'sso_acme', 'acmeadmin')) p (person, company, username),
	LATERAL bestauth.login(p.company, p.username, 'seven green boats of ' || p.username) l;
-- The logins of this test, by a name.
CREATE TEMP TABLE entry (name text PRIMARY KEY, challenge text, id text, audience text, assertion text, outcome text, session text, expires_at timestamptz);
GRANT SELECT ON home, entry TO regress_sso_app;
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	rule text;
	detail text;
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' ', SQLSTATE, '[' || nullif(rule, '') || ']', SQLERRM, '(' || nullif(detail, '') || ')');
END
$$;
CREATE FUNCTION pg_temp.as_user(person text, call text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	result text;
	rule text;
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM home h WHERE h.person = as_user.person));
	EXECUTE format('SELECT string_agg(r::text, '' '') FROM bestauth.%s r', call) INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
	RETURN SQLSTATE || coalesce(' [' || nullif(rule, '') || ']', '') || ' ' || SQLERRM;
END
$$;
-- What somebody's own instance says of them.
CREATE FUNCTION pg_temp.issue(person text, audience text, nonce text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	PERFORM bestauth.use_session((SELECT token FROM home h WHERE h.person = issue.person));
	RETURN bestauth.issue_sso_assertion(audience, nonce);
END
$$;
-- A part of a token that anybody can read: 1 the header, 2 the claims.
CREATE FUNCTION pg_temp.part(token text, n int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT convert_from(decode(rpad(p, (length(p) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb FROM (SELECT translate(split_part(token, '.', n), '-_', '+/') AS p) p
$$;
-- Part one with the key, an assertion of the person for it, and part two, each in a transaction of its own.
CREATE PROCEDURE pg_temp.first(name text, key text DEFAULT 'key', company text DEFAULT 'sso_clinic') LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM entry e WHERE e.name = first.name;
	INSERT INTO entry (name, challenge, id, audience) SELECT first.name, challenge_token, challenge_id, audience FROM bestauth.login(company, key, 'seven green boats of ' || key);
	COMMIT;
END
$$;
CREATE PROCEDURE pg_temp.assert(of_name text, person text, for_audience text DEFAULT NULL) LANGUAGE plpgsql AS $$
BEGIN
	UPDATE entry e SET assertion = pg_temp.issue(person, coalesce(for_audience, e.audience), e.id) WHERE e.name = of_name;
	COMMIT;
END
$$;
CREATE FUNCTION pg_temp.second(of_name text) RETURNS text LANGUAGE sql AS $$
	UPDATE entry e SET outcome = l.outcome, session = l.session_token, expires_at = l.expires_at
	FROM (SELECT l.* FROM entry e, bestauth.login_second_part_sso(e.challenge, e.assertion, '192.0.2.9', 'browser') l WHERE e.name = of_name) l WHERE e.name = of_name RETURNING e.outcome
$$;
CREATE PROCEDURE pg_temp.enter(name text, person text, INOUT outcome text DEFAULT NULL, key text DEFAULT 'key', company text DEFAULT 'sso_clinic', audience text DEFAULT NULL) LANGUAGE plpgsql AS $$
BEGIN
	CALL pg_temp.first(name, key, company);
	CALL pg_temp.assert(name, person, audience);
	outcome := pg_temp.second(name);
	COMMIT;
END
$$;
-- Whose session it is, or nobody's any more.
CREATE FUNCTION pg_temp.who(of_name text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	s record;
BEGIN
	SELECT * INTO s FROM bestauth.use_session((SELECT session FROM entry WHERE name = of_name));
	RETURN (SELECT c.code || '/' || p.username || ' (' || p.user_type || ') by ' || k.username FROM bestauth.user_account p JOIN bestauth.company c USING (company_id), bestauth.user_account k
		WHERE p.user_id = bestauth.current_person_id() AND k.user_id = bestauth.current_user_id()) || CASE WHEN bestauth.has_permission('claims') THEN ', claims' ELSE '' END;
EXCEPTION WHEN invalid_authorization_specification THEN
	RETURN 'no session';
END
$$;
CREATE FUNCTION pg_temp.usable() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(name, ' ' ORDER BY name COLLATE "C") FROM entry WHERE session IS NOT NULL AND pg_temp.who(name) <> 'no session' $$;
-- Why the last one was refused.
CREATE FUNCTION pg_temp.reason(company text DEFAULT 'sso_clinic') RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(', ', action, detail->>'reason', person, detail->>'typed_name') FROM bestauth.audit_log WHERE company_code = company AND outcome = 'denied' ORDER BY audit_id DESC LIMIT 1
$$;
CREATE VIEW regress.sso_people AS SELECT c.code, u.username, u.first_name, u.last_name, split_part(p.issuer, '/', 2) AS issuer, u.version, u.locked_at IS NOT NULL AS locked, u.deleted_at IS NOT NULL AS deleted
FROM bestauth.sso_person p JOIN bestauth.user_account u USING (user_id) JOIN bestauth.company c ON c.company_id = p.company_id WHERE c.code LIKE 'sso\_%' ORDER BY c.code COLLATE "C", u.username COLLATE "C";

--
-- What the service's own instance says. [TPB-5] The first key signs until it is revoked, then
-- the next: the other instances have it by then.
--
SELECT pg_temp.as_user('joan', $$issue_sso_assertion('x/y', 'n')$$);
SELECT bestauth.create_sso_key('sso_home') AS jwk \gset k1_
SELECT bestauth.create_sso_key('sso_home') AS jwk \gset k2_
SELECT bestauth.create_sso_key('sso_second') AS jwk \gset k3_
SELECT pg_temp.issue('joan', 'there/sso_clinic', 'some nonce') AS token \gset
SELECT pg_temp.part(:'token', 1) - 'kid' AS header, pg_temp.part(:'token', 1)->>'kid' = :'k1_jwk'::jsonb->>'kid' AS by_the_first;
SELECT claims - '{iss,sub,jti,iat,exp}'::text[] AS claims, claims->>'iss' = bestauth.instance_name() || '/sso_home' AS iss, claims->>'sub' = (SELECT u.user_id::text FROM bestauth.user_account u JOIN bestauth.company c USING (company_id) WHERE u.username = 'joan' AND c.code = 'sso_home') AS sub,
	(claims->>'exp')::int - (claims->>'iat')::int AS seconds, abs((claims->>'iat')::numeric - extract(epoch FROM clock_timestamp())) < 3600 AS now, claims->>'jti' ~ '^[0-9a-f-]{36}$' AS jti
FROM (SELECT pg_temp.part(:'token', 2) AS claims) c;
SET bestauth.sso_assertion_lifetime = 5;
SELECT (claims->>'exp')::int - (claims->>'iat')::int AS seconds FROM (SELECT pg_temp.part(pg_temp.issue('joan', 'a', 'n'), 2) AS claims) c;
RESET bestauth.sso_assertion_lifetime;
-- For a service's person who may be a second part, in a session of their own.
SELECT pg_temp.attempt($$SELECT bestauth.issue_sso_assertion('x/y', 'n')$$);
SELECT pg_temp.as_user('paid', $$issue_sso_assertion('x/y', 'n')$$);
SELECT pg_temp.as_user('chief', $$issue_sso_assertion('x/y', 'n')$$);
SELECT pg_temp.as_user('lola', $$issue_sso_assertion('x/y', 'n')$$);
SELECT pg_temp.as_user('joan', call) FROM unnest(ARRAY[$$issue_sso_assertion(NULL, 'n')$$, $$issue_sso_assertion('a', NULL)$$, $$issue_sso_assertion('', 'n')$$, $$issue_sso_assertion('a', '')$$,
	$$issue_sso_assertion(repeat('a', 201), 'n')$$, $$issue_sso_assertion('a', repeat('n', 201))$$, $$issue_sso_assertion(E'a\nb', 'n')$$, $$issue_sso_assertion('a', U&'n\202Ex')$$]) call;
BEGIN READ ONLY;
SELECT pg_temp.as_user('joan', $$issue_sso_assertion('a', 'n')$$);
COMMIT;
SET ROLE regress_sso_operator;
SELECT pg_temp.attempt($$SELECT bestauth.issue_sso_assertion('x/y', 'n')$$);
SELECT pg_temp.attempt($$SELECT bestauth.login_second_part_sso('x', 'y')$$);
SELECT pg_temp.attempt($$SELECT bestauth.renew_session_sso('x', 'y')$$);
SET ROLE regress_sso_reader;
SELECT pg_temp.attempt($$SELECT bestauth.login_second_part_sso('x', 'y')$$);
RESET ROLE;
-- Not while the service is unregistered.
SELECT bestauth.unregister_billing_service('sso_home');
SELECT pg_temp.as_user('joan', $$issue_sso_assertion('x/y', 'n')$$);
SELECT bestauth.register_billing_service('sso_home');

--
-- Logging in with it.
--
SELECT count(*) AS used FROM bestauth.sso_assertion \gset before_
SELECT bestauth.trust_sso_key('sso_acme', :'k1_jwk');
SET ROLE regress_sso_app;
SELECT * FROM bestauth.login('sso_clinic', 'key', 'seven green boats of key') \gset one_
RESET ROLE;
SELECT :'one_outcome' AS outcome, :'one_billing_service' AS service, :'one_audience' = bestauth.instance_name() || '/sso_clinic' AS audience;
SELECT pg_temp.issue('joan', :'one_audience', :'one_challenge_id') AS assertion \gset
SET ROLE regress_sso_app;
SELECT * FROM bestauth.login_second_part_sso(:'one_challenge_token', :'assertion', '192.0.2.9', 'browser') \gset two_
RESET ROLE;
SELECT :'two_outcome' AS outcome, :'two_session_token' ~ '^bas_[A-Za-z0-9_-]{43}$' AS session, :'two_expires_at'::timestamptz <= clock_timestamp() + '900s' AND :'two_expires_at'::timestamptz > clock_timestamp() - '1 hour'::interval AS fifteen_minutes;
-- [B-08] The person is issuer and subject, made now, named as asserted. They have no address, no password and no permission.
SELECT u.username, u.user_type, u.first_name, u.last_name, u.email, c.code, p.issuer = bestauth.instance_name() || '/sso_home' AS issuer, p.subject = (SELECT h.user_id::text FROM bestauth.user_account h JOIN bestauth.company k USING (company_id) WHERE k.code = 'sso_home' AND h.username = 'joan') AS subject,
	(SELECT count(*) FROM bestauth.credential d WHERE d.user_id = u.user_id) AS passwords
FROM bestauth.sso_person p JOIN bestauth.user_account u USING (user_id) JOIN bestauth.company c ON c.company_id = p.company_id WHERE c.code = 'sso_acme';
-- [TPB-6] The session has the permissions of the key, and both stand on every row.
BEGIN;
SELECT company_id IS NOT NULL AS used FROM bestauth.use_session(:'two_session_token');
SELECT bestauth.has_permission('claims') AS claims, bestauth.has_permission('manage_users') AS manage_users;
SELECT pg_temp.attempt($$SELECT bestauth.create_user('x', 'standard', 'X', 'Y', 'x@sso.example')$$);
SELECT pg_temp.attempt($$SELECT bestauth.issue_sso_assertion('x/y', 'n')$$);
COMMIT;
SELECT action, outcome, username, person, billing_service_code, client_addr, object_id, detail - '{issuer,subject}'::text[] AS detail, detail ? 'issuer' AND detail ? 'subject' AS known_by
FROM bestauth.audit_log WHERE audit_id > :before AND company_code = 'sso_clinic' AND action !~ '^row' AND (username = 'key' OR person = 'sso_acme/joan') ORDER BY audit_id;
SELECT action, object_type, person IS NULL AS nobody, CASE object_type WHEN 'bestauth.user_account' THEN (new_values->>'username') || ' ' || (new_values->>'user_type') END AS new FROM bestauth.audit_log
WHERE audit_id > :before AND action LIKE 'row%' AND object_type IN ('bestauth.sso_person', 'bestauth.user_account') AND company_code = 'sso_acme' ORDER BY audit_id;
-- Nothing secret is in the audit: no assertion, and no token.
SELECT count(*) AS leaks FROM bestauth.audit_log a, unnest(ARRAY[split_part(:'assertion', '.', 3), split_part(:'assertion', '.', 2), :'two_session_token', :'one_challenge_token']) secret WHERE audit_id > :before AND strpos(a::text, secret) > 0;
-- Used once, the challenge too.
SELECT * FROM bestauth.login_second_part_sso(:'one_challenge_token', :'assertion');
SELECT pg_temp.reason();
SELECT count(*) - :before_used AS used FROM bestauth.sso_assertion;
INSERT INTO entry (name, session) VALUES ('joan', :'two_session_token');
SELECT pg_temp.who('joan');

-- What is refused looks the same, whatever it is: no challenge, one that was not asked for, another person's.
CALL pg_temp.first('c1');
CALL pg_temp.first('c2');
SELECT pg_temp.issue('joan', audience, id) AS joan, pg_temp.issue('joan', bestauth.instance_name() || '/sso_lab', id) AS lab, pg_temp.issue('second', audience, id) AS second FROM entry WHERE name = 'c1' \gset
SELECT challenge AS c1 FROM entry WHERE name = 'c1' \gset
SELECT challenge AS c2 FROM entry WHERE name = 'c2' \gset
SET ROLE regress_sso_app;
SELECT l.* FROM (VALUES (1, 'bat_' || repeat('A', 43), :'joan'), (2, '', :'joan'), (3, :'c2', :'joan'), (4, :'c2', :'lab'), (5, :'c2', :'second'), (6, :'c2', ''), (7, :'c2', repeat('x', 20000))) v (n, challenge, assertion), LATERAL bestauth.login_second_part_sso(challenge, assertion) l ORDER BY n;
SELECT pg_temp.attempt($$SELECT bestauth.login_second_part_sso(NULL, 'x')$$), pg_temp.attempt($$SELECT bestauth.login_second_part_sso('x', NULL)$$);
RESET ROLE;
SELECT detail->>'reason' AS reason, username, person, billing_service_code FROM bestauth.audit_log WHERE audit_id > :before AND action = 'login.denied' AND coalesce(company_code, 'sso_clinic') = 'sso_clinic' ORDER BY audit_id;
-- Five wrong ones lock the challenge, for a right one too; another challenge goes on [C-03].
SELECT pg_temp.issue('joan', audience, id) AS right_one FROM entry WHERE name = 'c2' \gset
SELECT outcome FROM bestauth.login_second_part_sso(:'c2', :'right_one');
SELECT pg_temp.reason();
SELECT pg_temp.issue('joan', audience, id) AS right_one FROM entry WHERE name = 'c1' \gset
-- Rolled back, an assertion is good still, and so is the challenge; nobody was made.
BEGIN;
SELECT outcome FROM bestauth.login_second_part_sso(:'c1', :'right_one');
SELECT outcome FROM bestauth.login_second_part_sso(:'c1', :'right_one');
ROLLBACK;
SELECT outcome FROM bestauth.login_second_part_sso(:'c1', :'right_one');
SELECT outcome FROM bestauth.login_second_part_sso(:'c1', :'right_one');
CALL pg_temp.first('c3');
CALL pg_temp.assert('c3', 'bert');
SELECT count(*) AS before FROM regress.sso_people \gset people_
BEGIN;
SELECT pg_temp.second('c3');
SELECT count(*) - :people_before AS made FROM regress.sso_people;
ROLLBACK;
SELECT count(*) - :people_before AS made FROM regress.sso_people;
-- (f()).* is one login.
SELECT (bestauth.login_second_part_sso(challenge, assertion)).* FROM entry WHERE name = 'c3' \gset many_
SELECT :'many_outcome' AS outcome, count(*) FROM bestauth.session s JOIN regress.sso_people p ON p.username LIKE 'bert%' JOIN bestauth.user_account u ON u.username = p.username AND u.user_id = s.person_id GROUP BY 1;

--
-- [B-08] Who is who. A local user of the name is somebody else, and so is the person of another issuer.
--
SELECT bestauth.trust_sso_key('sso_acme', :'k3_jwk');
CALL pg_temp.enter('second', 'second');
SELECT * FROM regress.sso_people;
SELECT pg_temp.who('second'), pg_temp.who('joan');
-- Neither gets in as the other by name: the local password is no assertion, and the assertion no password [B-09].
CALL pg_temp.first('local');
SELECT l.outcome FROM entry, LATERAL bestauth.login_second_part(challenge, 'bert', 'seven green boats of bert') l WHERE name = 'local';
CALL pg_temp.first('local');
SELECT l.outcome FROM entry, LATERAL bestauth.login_second_part(challenge, 'bert-2', 'seven green boats of bert') l WHERE name = 'local';
SELECT pg_temp.reason();
SELECT outcome FROM bestauth.login('sso_acme', 'joan', 'seven green boats of joan');
SELECT pg_temp.reason('sso_acme');
-- Named as asserted at the next login; the session goes on, and the rows of before keep the name of then.
SELECT bestauth.update_user('joan', '{"first_name": "Johanna", "last_name": "Maier-Biller"}', 'sso_home');
CALL pg_temp.enter('joan2', 'joan');
SELECT username, first_name, last_name, version FROM regress.sso_people WHERE code = 'sso_acme' AND username = 'joan';
SELECT pg_temp.usable();
-- A name of 128 letters is cut for the number. With names of 100 characters the assertion is a long one.
SELECT count(bestauth.create_user(repeat('n', 128), 'restricted', repeat(U&'\00fc', 100), repeat(U&'\00e4', 100), 'nora@sso.example', 'seven green boats of nora', company => company)) FROM unnest('{sso_home,sso_acme}'::text[]) company;
INSERT INTO home SELECT 'nora', session_token FROM bestauth.login('sso_home', repeat('n', 128), 'seven green boats of nora');
CALL pg_temp.enter('nora', 'nora');
CALL pg_temp.enter('nora2', 'nora');
SELECT length(username), right(username, 4) AS ends, length(first_name), length(last_name), version, (SELECT min(length(assertion)) > 1024 FROM entry WHERE name LIKE 'nora%') AS long FROM regress.sso_people WHERE username LIKE 'nnn%';
--
-- An OpenID provider, played in SQL: RSA with a private exponent of 65537, which everybody may
-- know, so that it can be computed here, and a public one as long as the modulus.
--
\set rsa '{"kty": "RSA", "n": "4wFLsCBwNoloprXz1VSzIemGFzjJV9dzPA0DfvV0yrSzQ9XEEyn-20bWD-5ml-L0kDsQ6MwPU5ksCMJn1aM2k2-slOZtjYfHi_FuAXQQYDKklxef3uO4LEmXmEYIIeIVlVOU-rp_wpM1B0iuObS05mFYqyOGv72FPOajMcRCQ4LVGO9vCA-JHaigEtCTWhejwOD3m1eOMz8f_K1cSWYJwhyUFtAhDLUUfG6RQIi3SXWlz2ZnbEKtEvdH3y4JBms_UAIlLGX_qp3IJUvKRyDdOeNNHx1LbhlYUHHQPI8pUeq5qX4LYFOqm1X9miXkHs3rcFe0KJrmkYMd2clk7SEq7w", "e": "X6POmzR3goqvBDn5ssIePKXyIDuFHNTBkKXc-LL6k2LBek2IcBiL7x-vlYO4RrrQlinEjIhY1rxcgI5DiA9dMY3l1NAmjPANYwkDc2pOcfE0RhImgZZIpKQW0gmDaJ8jv8e4p1BG_pfdyiVVfiuD4eJWpLfxkDwNdCSp0hBhaKZdqT5A2CXUJeJ8LNPBtv63yg4uBOcmlFaw2okv0yxGMmQ1mSxOGIZ8Qp_8ZmId-fTiEY1pJNMYmFjAdiwPtnykK31DK1UwfcKgR9lJtC1vZSWxHuL9jhd--QeGReSnZ6-9BLNtCDPV5pNvzrzSc_FT48SsK8JmDKt3FDiLddsVyQ"}'
CREATE FUNCTION pg_temp.url64(bytes bytea) RETURNS text LANGUAGE sql AS $$ SELECT translate(rtrim(replace(encode(bytes, 'base64'), E'\n', ''), '='), '+/', '-_') $$;
CREATE FUNCTION pg_temp.number(bytes bytea) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	n numeric := 0;
BEGIN
	FOR i IN 0 .. length(bytes) - 1 LOOP
		n := n * 256 + get_byte(bytes, i);
	END LOOP;
	RETURN n;
END
$$;
-- The signature of RFC 8017: padded, to the power of 65537.
CREATE FUNCTION pg_temp.rs256(words text, modulus text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n numeric := pg_temp.number(decode(rpad(translate(modulus, '-_', '+/'), 344, '='), 'base64'));
	em numeric := pg_temp.number(decode('0001' || repeat('ff', 202) || '003031300d060960864801650304020105000420', 'hex') || sha256(convert_to(words, 'UTF8')));
	power numeric := em;
	signature bytea := '';
BEGIN
	FOR i IN 1 .. 16 LOOP
		power := (power * power) % n;
	END LOOP;
	power := (power * em) % n;
	FOR i IN 1 .. 64 LOOP
		signature := substr(int8send((power % 4294967296)::bigint), 5) || signature;
		power := div(power, 4294967296);
	END LOOP;
	RETURN pg_temp.url64(signature);
END
$$;
CREATE FUNCTION pg_temp.id_token(claims jsonb, kid text, modulus text) RETURNS text LANGUAGE sql AS $$
	SELECT t.words || '.' || pg_temp.rs256(t.words, modulus) FROM (SELECT pg_temp.url64(convert_to(jsonb_build_object('alg', 'RS256', 'kid', kid, 'typ', 'JWT')::text, 'UTF8')) || '.' || pg_temp.url64(convert_to(claims::text, 'UTF8')) AS words) t
$$;
CREATE TEMP TABLE provider AS SELECT * FROM (VALUES ('r1', 'https://login.sso.example'), ('r2', 'https://other.sso.example')) v (kid, issuer), LATERAL (SELECT :'rsa'::jsonb || jsonb_build_object('kid', kid) AS jwk) j;
-- A login by what a provider says of somebody.
CREATE PROCEDURE pg_temp.sign_on(name text, claims jsonb, INOUT outcome text DEFAULT NULL, by_kid text DEFAULT 'r1') LANGUAGE plpgsql AS $$
BEGIN
	CALL pg_temp.first(name, 'oidc');
	UPDATE entry e SET assertion = pg_temp.id_token(jsonb_build_object('iss', p.issuer, 'aud', 'client-7', 'nonce', e.id, 'iat', floor(extract(epoch FROM clock_timestamp())), 'exp', floor(extract(epoch FROM clock_timestamp())) + 600, 'groups', '["staff", "billers"]'::jsonb) || sign_on.claims, p.kid, p.jwk->>'n')
	FROM provider p WHERE e.name = sign_on.name AND p.kid = by_kid;
	outcome := pg_temp.second(name);
	COMMIT;
END
$$;
SELECT bestauth.trust_sso_key('sso_oidc', jwk, issuer, '{"audience": "client-7", "user_type": "groups", "restricted": "billers"}') FROM provider;
CALL pg_temp.sign_on('oidc', '{"sub": "U1", "preferred_username": "jo", "given_name": "Jo", "family_name": "Ann"}');
SELECT pg_temp.who('oidc');
-- Another user name, and back: one person, whose session goes on. Another's name is told from it by a number, in every case of its letters.
CALL pg_temp.sign_on('oidc2', '{"sub": "U1", "preferred_username": "jojo", "given_name": "Jo", "family_name": "Ann"}');
SELECT username, first_name, last_name, version FROM regress.sso_people WHERE code = 'sso_oidc';
CALL pg_temp.sign_on('oidc2', '{"sub": "U1", "preferred_username": "jo", "given_name": "Jo", "family_name": "Ann"}');
CALL pg_temp.sign_on('oidc3', '{"sub": "U2", "preferred_username": "JO", "given_name": "Johann"}');
CALL pg_temp.sign_on('oidc4', '{"sub": "u1", "preferred_username": "jo", "given_name": "Joe"}');
SELECT username, first_name, last_name, version FROM regress.sso_people WHERE code = 'sso_oidc';
-- A name that is free again is the next one's who is called so.
CALL pg_temp.sign_on('oidc5', '{"sub": "U1", "preferred_username": "other", "given_name": "Jo"}');
CALL pg_temp.sign_on('oidc6', '{"sub": "u1", "preferred_username": "jo", "given_name": "Joe"}');
SELECT username, first_name, last_name, version FROM regress.sso_people WHERE code = 'sso_oidc';
SELECT pg_temp.usable();
-- [B-08] The same subject of another issuer is another person.
CALL pg_temp.sign_on('issuer2', '{"sub": "U1", "preferred_username": "other", "given_name": "Jo"}', by_kid => 'r2');
SELECT u.username, p.issuer, p.subject FROM bestauth.sso_person p JOIN bestauth.user_account u USING (user_id) JOIN bestauth.company c ON c.company_id = p.company_id WHERE c.code = 'sso_oidc' ORDER BY u.username COLLATE "C";
-- First and last names that can be none are left out, and spaces around them go.
CALL pg_temp.sign_on('names1', '{"sub": "n1", "preferred_username": "n1"}');
CALL pg_temp.sign_on('names2', '{"sub": "n2", "preferred_username": "n2", "given_name": "  Jo  Ann ", "family_name": "   "}');
CALL pg_temp.sign_on('names3', '{"sub": "n3", "preferred_username": "n3", "given_name": "Jo\u001b[2J", "family_name": 7}');
CALL pg_temp.sign_on('names4', jsonb_build_object('sub', 'n4', 'preferred_username', 'n4', 'given_name', repeat('n', 101), 'family_name', repeat('n', 100)));
CALL pg_temp.sign_on('names5', '{"sub": "n5", "preferred_username": "n5", "given_name": "\u202eoJ", "family_name": ""}');
SELECT username, first_name, length(last_name) AS last_name FROM regress.sso_people WHERE username ~ '^n[1-5]$';
-- Who has no user name, no subject, or is none who may be a second part.
CALL pg_temp.sign_on('bad', '{"sub": "b1"}');
SELECT pg_temp.reason();
CALL pg_temp.sign_on('bad', '{"sub": "b1", "preferred_username": "Bert the second"}');
SELECT pg_temp.reason();
CALL pg_temp.sign_on('bad', '{"preferred_username": "b1"}');
SELECT pg_temp.reason();
CALL pg_temp.sign_on('bad', '{"sub": 1, "preferred_username": "b1"}');
CALL pg_temp.sign_on('bad', '{"sub": "b\n1", "preferred_username": "b1"}');
CALL pg_temp.sign_on('bad', jsonb_build_object('sub', repeat('s', 256), 'preferred_username', 'b1'));
SELECT pg_temp.reason();
CALL pg_temp.sign_on('bad', '{"sub": "b1", "preferred_username": "b1", "groups": ["staff"]}');
SELECT pg_temp.reason();
CALL pg_temp.sign_on('bad', '{"sub": "b1", "preferred_username": "b1", "groups": "billers and others"}');
SELECT pg_temp.reason();
CALL pg_temp.sign_on('bad', '{"sub": "b1", "preferred_username": "b1", "groups": "billers", "aud": "client-8"}');
SELECT pg_temp.reason();
CALL pg_temp.sign_on('good', '{"sub": "b1", "preferred_username": "b1", "groups": "billers"}');
-- An assertion of another instance of ours may come with a provider's claims; an ID token is no assertion of ours.
SELECT bestauth.trust_sso_key('sso_oidc', :'k3_jwk', :'k3_jwk'::jsonb->>'iss', '{"audience": "client-7", "user_type": "user_type", "restricted": "restricted"}');
CALL pg_temp.enter('ours', 'second', key => 'oidc', audience => 'client-7');
SELECT pg_temp.who('ours');
SELECT bestauth.trust_sso_key('sso_oidc', jwk, issuer) FROM provider WHERE kid = 'r2';
CALL pg_temp.sign_on('bad', '{"sub": "U1", "preferred_username": "other"}', by_kid => 'r2');
SELECT pg_temp.reason();
-- Where the provider has other claims for it.
SELECT bestauth.trust_sso_key('sso_oidc', jwk, issuer, '{"audience": "client-7", "user_type": "role", "restricted": "biller", "subject": "oid", "username": "nick", "first_name": "first", "last_name": "last"}') FROM provider WHERE kid = 'r1';
CALL pg_temp.sign_on('claims', '{"sub": "U1", "preferred_username": "jo", "given_name": "Jo", "role": "biller", "oid": "O-1", "nick": "olive", "first": "Olive", "last": "Oil"}');
SELECT pg_temp.who('claims'), (SELECT first_name || ' ' || last_name FROM regress.sso_people WHERE username = 'olive') AS name;
DELETE FROM entry WHERE name NOT IN ('joan', 'joan2', 'second');
-- The next key signs when the first is revoked.
SELECT bestauth.revoke_sso_key('sso_home', :'k1_jwk'::jsonb->>'kid');
SELECT pg_temp.part(pg_temp.issue('joan', 'a', 'n'), 1)->>'kid' = :'k2_jwk'::jsonb->>'kid' AS by_the_next;

--
-- [TPB-7] A limited key admits federated persons by name. Who was never seen can't be named; the
-- refused login makes them known.
--
SELECT bestauth.trust_sso_key('sso_acme', :'k2_jwk');
SELECT pg_temp.as_user('chief', $$limit_billing_user('few', '{carl}')$$);
SELECT pg_temp.as_user('chief', $$limit_billing_user('few', '{joan}')$$);
CALL pg_temp.enter('few', 'carl', key => 'few');
SELECT pg_temp.reason();
CALL pg_temp.enter('few', 'joan', key => 'few');
SELECT pg_temp.who('few');
SELECT pg_temp.as_user('chief', $$limit_billing_user('few', '{carl}')$$);
-- Who is not admitted any more is out at once.
SELECT pg_temp.who('few');
CALL pg_temp.enter('few2', 'joan', key => 'few');
CALL pg_temp.enter('few3', 'carl', key => 'few');
SELECT pg_temp.who('few3');
SELECT persons FROM bestauth.user_details('few', 'sso_clinic');
SELECT pg_temp.as_user('chief', $$limit_billing_user('few', NULL)$$);

--
-- [TPB-9] Whatever ends the right of the person, the key or the service ends the sessions at once.
--
CALL pg_temp.enter('a', 'joan');
CALL pg_temp.enter('b', 'second');
CALL pg_temp.enter('c', 'joan', company => 'sso_lab');
DELETE FROM entry WHERE name NOT IN ('a', 'b', 'c');
SELECT pg_temp.usable();
-- The person is locked, by who manages the users of the service there: at every customer. They are not named anew meanwhile.
SELECT pg_temp.as_user('head', $$lock_user('joan')$$);
SELECT pg_temp.usable();
SELECT bestauth.update_user('joan', '{"first_name": "Joana"}', 'sso_home');
CALL pg_temp.enter('a', 'joan');
SELECT pg_temp.reason(), (SELECT first_name FROM regress.sso_people WHERE code = 'sso_acme' AND username = 'joan');
SELECT pg_temp.as_user('head', $$unlock_user('joan')$$);
SELECT pg_temp.usable();
CALL pg_temp.enter('a', 'joan');
SELECT pg_temp.usable(), (SELECT first_name FROM regress.sso_people WHERE code = 'sso_acme' AND username = 'joan');
-- Deleted: the assertion makes no other one of them. Restored, they log in again, and the session of before stays ended.
SELECT pg_temp.as_user('acmeadmin', $$delete_user('joan')$$);
SELECT pg_temp.usable();
CALL pg_temp.enter('c', 'joan', company => 'sso_lab');
SELECT pg_temp.reason('sso_lab');
SELECT pg_temp.as_user('acmeadmin', $$restore_user('joan')$$);
SELECT pg_temp.usable();
CALL pg_temp.enter('c', 'joan', company => 'sso_lab');
CALL pg_temp.enter('a', 'joan');
SELECT pg_temp.usable();
-- The key is locked; it changes its password.
SELECT pg_temp.as_user('chief', $$lock_user('key')$$);
SELECT pg_temp.usable();
SELECT pg_temp.as_user('chief', $$unlock_user('key')$$);
CALL pg_temp.enter('a', 'joan');
CALL pg_temp.enter('b', 'second');
SELECT pg_temp.usable();
-- The sessions of the person are ended.
SELECT pg_temp.as_user('acmeadmin', $$revoke_sessions('joan')$$)::int > 0 AS revoked;
SELECT pg_temp.usable();
CALL pg_temp.enter('a', 'joan');
CALL pg_temp.enter('c', 'joan', company => 'sso_lab');
-- The trust in a key is taken away: of all people of its issuer, though another key of it stays, and of nobody else.
SELECT bestauth.distrust_sso_key('sso_acme', :'k1_jwk'::jsonb->>'kid');
SELECT pg_temp.usable();
CALL pg_temp.enter('a', 'joan');
SELECT pg_temp.usable();
BEGIN;
DELETE FROM bestauth.sso_key WHERE kid = :'k2_jwk'::jsonb->>'kid';
SELECT pg_temp.usable();
ROLLBACK;
SELECT pg_temp.usable();
DELETE FROM bestauth.sso_key WHERE kid = :'k2_jwk'::jsonb->>'kid' AND company_id = (SELECT company_id FROM bestauth.company WHERE code = 'sso_acme');
SELECT pg_temp.usable();
CALL pg_temp.enter('a', 'joan');
SELECT pg_temp.reason();
SELECT bestauth.trust_sso_key('sso_acme', :'k2_jwk');
SELECT pg_temp.usable();
-- Between the parts: the challenge and the assertion are good, and the key is distrusted.
CALL pg_temp.first('a');
CALL pg_temp.assert('a', 'joan');
SELECT bestauth.distrust_sso_key('sso_acme', :'k2_jwk'::jsonb->>'kid');
SELECT pg_temp.second('a');
SELECT pg_temp.reason();
SELECT bestauth.trust_sso_key('sso_acme', :'k2_jwk');
SELECT pg_temp.second('a'), pg_temp.who('a');
-- The service is unregistered. Registered anew, its people log in again.
SELECT bestauth.unregister_billing_service('sso_acme');
SELECT pg_temp.usable();
SELECT bestauth.register_billing_service('sso_acme');
SELECT pg_temp.usable();
CALL pg_temp.enter('a', 'joan');
CALL pg_temp.first('c');
CALL pg_temp.assert('c', 'joan');
SELECT bestauth.unregister_billing_service('sso_acme');
SELECT pg_temp.second('c');
SELECT pg_temp.reason();
SELECT bestauth.register_billing_service('sso_acme');

--
-- Going on with another assertion [TPB-9].
--
CREATE PROCEDURE pg_temp.renewal(of_name text, person text, for_audience text DEFAULT NULL) LANGUAGE plpgsql AS $$
BEGIN
	UPDATE entry SET audience = bestauth.instance_name() || '/sso_clinic', id = (SELECT session_id::text FROM bestauth.session WHERE token_hash = sha256(convert_to(session, 'UTF8'))) WHERE name = of_name;
	COMMIT;
	CALL pg_temp.assert(of_name, person, for_audience);
END
$$;
-- The result, and whether the session lasts as long as before, at least.
CREATE FUNCTION pg_temp.renew(of_name text) RETURNS text LANGUAGE sql AS $$
	SELECT l.outcome || CASE WHEN l.expires_at >= s.expires_at THEN ', no shorter' ELSE '' END || coalesce(' ' || nullif(num_nonnulls(l.session_token, l.challenge_token, l.challenge_id, l.billing_service, l.audience), 0), '')
	FROM entry e JOIN bestauth.session s ON s.session_id::text = e.id, LATERAL bestauth.renew_session_sso(e.session, e.assertion, '192.0.2.9', 'browser') l WHERE e.name = of_name
$$;
CALL pg_temp.enter('a', 'joan');
CALL pg_temp.renewal('a', 'joan');
SELECT pg_temp.renew('a'), pg_temp.who('a');
SELECT e.expires_at <= s.expires_at AND s.expires_at <= clock_timestamp() + '900s' AS no_shorter FROM entry e JOIN bestauth.session s ON s.session_id::text = e.id WHERE name = 'a';
SELECT action, a.outcome, username, person, billing_service_code, client_addr, session_id::text = e.id AS session, detail ? 'issuer' AND detail ? 'subject' AS known_by FROM bestauth.audit_log a, entry e WHERE e.name = 'a' AND audit_id > :before AND action = 'session.renewed';
-- Once each; for this session, this audience, of this person.
SELECT pg_temp.renew('a');
SELECT pg_temp.reason();
SELECT id AS session_id FROM entry WHERE name = 'a' \gset
UPDATE entry SET id = bestauth.instance_name() WHERE name = 'a';
CALL pg_temp.assert('a', 'joan');
UPDATE entry SET id = :'session_id' WHERE name = 'a';
SELECT pg_temp.renew('a');
SELECT pg_temp.reason();
CALL pg_temp.renewal('a', 'joan', 'elsewhere/sso_clinic');
SELECT pg_temp.renew('a');
SELECT pg_temp.reason();
CALL pg_temp.renewal('a', 'carl');
SELECT pg_temp.renew('a');
SELECT pg_temp.reason();
SELECT pg_temp.who('a');
-- Rolled back, it can be used again. A new name comes with it.
SELECT bestauth.update_user('joan', '{"first_name": "Jane"}', 'sso_home');
CALL pg_temp.renewal('a', 'joan');
BEGIN;
SELECT pg_temp.renew('a');
ROLLBACK;
SELECT pg_temp.renew('a');
SELECT first_name FROM regress.sso_people WHERE code = 'sso_acme' AND username = 'joan';
-- Never beyond the absolute limit, and never shorter.
CALL pg_temp.renewal('a', 'joan');
SET bestauth.session_absolute_limit = 1;
SELECT pg_temp.renew('a');
RESET bestauth.session_absolute_limit;
SET bestauth.session_absolute_limit = 1000;
SET bestauth.sso_session_limit = 86400;
CALL pg_temp.renewal('a', 'joan');
SELECT pg_temp.renew('a');
SELECT expires_at = created_at + '1000s' AS at_the_limit FROM bestauth.session WHERE session_id = :'session_id';
CALL pg_temp.renewal('a', 'joan');
SELECT pg_temp.renew('a');
RESET bestauth.session_absolute_limit;
RESET bestauth.sso_session_limit;
SET bestauth.session_absolute_limit = 100;
CALL pg_temp.enter('short', 'joan');
RESET bestauth.session_absolute_limit;
SELECT round(extract(epoch FROM s.expires_at - s.created_at)) AS seconds FROM bestauth.session s, entry e WHERE e.name = 'short' AND e.expires_at = s.expires_at;
-- Not one that is over: by time, by an end, by a lock; nor one without an assertion, nor nobody's. All look the same.
CALL pg_temp.enter('ended', 'joan');
CALL pg_temp.renewal('ended', 'joan');
SELECT bestauth.logout(session) FROM entry WHERE name = 'ended';
SELECT l.* FROM entry e, LATERAL bestauth.renew_session_sso(e.session, e.assertion) l WHERE name = 'ended';
SELECT pg_temp.reason();
SET bestauth.sso_session_limit = 1;
CALL pg_temp.enter('late', 'joan');
RESET bestauth.sso_session_limit;
CALL pg_temp.renewal('late', 'joan');
SELECT pg_sleep(1.1);
SELECT l.* FROM entry e, LATERAL bestauth.renew_session_sso(e.session, e.assertion) l WHERE name = 'late';
SELECT pg_temp.reason(), pg_temp.who('late');
CALL pg_temp.enter('locked', 'joan');
CALL pg_temp.renewal('locked', 'joan');
SELECT bestauth.lock_user('key', 'sso_clinic');
SELECT l.* FROM entry e, LATERAL bestauth.renew_session_sso(e.session, e.assertion) l WHERE name = 'locked';
SELECT pg_temp.reason();
SELECT bestauth.unlock_user('key', 'sso_clinic');
SELECT l.* FROM home h, entry e, LATERAL bestauth.renew_session_sso(h.token, e.assertion) l WHERE h.person = 'chief' AND e.name = 'locked';
SELECT pg_temp.reason();
SELECT l.* FROM entry e, LATERAL bestauth.renew_session_sso('bas_' || repeat('A', 43), e.assertion) l WHERE name = 'locked';
SELECT pg_temp.attempt($$SELECT bestauth.renew_session_sso(NULL, 'x')$$), pg_temp.attempt($$SELECT bestauth.renew_session_sso('x', NULL)$$);
SELECT detail->>'reason' AS reason, person FROM bestauth.audit_log WHERE audit_id > :before AND action = 'session.renewal_denied' AND company_code IS NULL ORDER BY audit_id;
BEGIN READ ONLY;
SELECT pg_temp.attempt($$SELECT bestauth.renew_session_sso('x', 'x')$$), pg_temp.attempt($$SELECT bestauth.login_second_part_sso('x', 'x')$$);
COMMIT;

--
-- [B-09] No password, ever: no way leads to one, and what was left over opens nothing.
--
SELECT pg_temp.as_user('acmeadmin', call) FROM unnest(ARRAY[
	$$create_user('fred', 'federated', 'Fred', 'Eral')$$, $$create_user('fred', 'federated', 'Fred', 'Eral', 'fred@sso.example', 'seven green boats of fred')$$, $$create_user('fred', 'federated', 'Fred', 'Eral', permissions => '{claims}')$$,
	$$reset_password('joan')$$, $$resend_setup_link('joan')$$, $$update_user('joan', '{"email": "joan@sso.example"}')$$, $$update_user('joan', '{"first_name": "Mallory"}')$$, $$update_user('joan', '{"phone": "1"}')$$, $$update_user('joan', '{"roles": []}')$$, $$update_user('joan', '{}')$$,
	$$grant_permission('joan', 'claims')$$]) call;
SELECT pg_temp.attempt(statement) FROM unnest(ARRAY[
	$$SELECT bestauth.create_user('fred', 'federated', 'Fred', 'Eral', company => 'sso_acme')$$, $$SELECT bestauth.reset_password('joan', 'sso_acme')$$, $$SELECT bestauth.resend_setup_link('joan', 'sso_acme')$$, $$SELECT bestauth.update_user('joan', '{"email": "x@sso.example"}', 'sso_acme')$$,
	$$SELECT bestauth.grant_permission('joan', 'claims', 'sso_acme')$$]) statement;
SELECT bestauth.create_role('Clerk', '{claims}', company => 'sso_acme') IS NOT NULL AS made;
SELECT pg_temp.attempt($$SELECT bestauth.assign_role('joan', 'Clerk', 'sso_acme')$$);
-- Under the tables as well.
SELECT pg_temp.attempt(statement) FROM (SELECT user_id, company_id FROM bestauth.user_account JOIN bestauth.company USING (company_id) WHERE username = 'joan' AND code = 'sso_acme') j, LATERAL unnest(ARRAY[
	format($$INSERT INTO bestauth.credential (user_id, password_hash) VALUES (%L, '$bestauth$x')$$, user_id),
	format($$INSERT INTO bestauth.user_account (company_id, username, user_type, first_name, last_name) VALUES (%L, 'fred', 'federated', 'Fred', 'Eral')$$, company_id),
	format($$UPDATE bestauth.user_account SET user_type = 'restricted', email = 'joan@sso.example' WHERE user_id = %L$$, user_id),
	format($$UPDATE bestauth.user_account SET user_type = 'federated' WHERE username = 'lola' AND company_id = %L$$, company_id),
	format($$UPDATE bestauth.user_account SET user_type = 'federated', email = NULL WHERE username = 'lola' AND company_id = %L$$, company_id),
	format($$UPDATE bestauth.user_account SET username = 'mallory' WHERE user_id = %L$$, user_id),
	format($$UPDATE bestauth.user_account SET first_name = 'Mallory' WHERE user_id = %L$$, user_id),
	format($$UPDATE bestauth.user_account SET middle_name = 'M' WHERE user_id = %L$$, user_id),
	format($$UPDATE bestauth.user_account SET email = 'mallory@sso.example' WHERE user_id = %L$$, user_id),
	format($$UPDATE bestauth.user_account SET pending_email = 'mallory@sso.example' WHERE user_id = %L$$, user_id),
	format($$UPDATE bestauth.sso_person SET subject = 'x' WHERE user_id = %L$$, user_id),
	format($$UPDATE bestauth.sso_person SET issuer = 'x' WHERE user_id = %L$$, user_id),
	format($$DELETE FROM bestauth.sso_person WHERE user_id = %L$$, user_id),
	format($$INSERT INTO bestauth.sso_person (user_id, company_id, issuer, subject) SELECT user_id, company_id, 'x', 'y' FROM bestauth.user_account WHERE username = 'lola' AND company_id = %L$$, company_id),
	format($$INSERT INTO bestauth.sso_person (user_id, company_id, issuer, subject) SELECT %L, company_id, 'x', 'y' FROM bestauth.company WHERE code = 'sso_home'$$, user_id)]) statement;
-- Nothing was left half done: no user, no credential, no mail, and nothing in the audit but what was refused.
SELECT (SELECT count(*) FROM bestauth.user_account JOIN bestauth.company USING (company_id) WHERE username IN ('fred', 'mallory') AND code LIKE 'sso\_%') AS users, (SELECT count(*) FROM bestauth.credential JOIN regress.sso_people p ON true JOIN bestauth.user_account u USING (user_id) WHERE u.user_type = 'federated') AS passwords,
	(SELECT count(*) FROM bestauth.outbox o JOIN bestauth.user_account u USING (user_id) WHERE u.user_type = 'federated') AS mails, (SELECT count(*) FROM bestauth.token t JOIN bestauth.user_account u USING (user_id) WHERE u.user_type = 'federated') AS tokens;
SELECT count(*) FROM bestauth.audit_log WHERE audit_id > :before AND action IN ('password.reset', 'setup_link.resent', 'user.updated', 'permission.granted', 'role.assigned', 'company.assigned') AND company_code = 'sso_acme' AND outcome = 'success';
SELECT bestauth.request_password_reset('sso_acme', 'joan');
SELECT pg_temp.reason('sso_acme'), (SELECT count(*) FROM bestauth.outbox o JOIN bestauth.user_account u USING (user_id) WHERE u.user_type = 'federated') AS mails;
-- A hash that somebody put there past the rules: it is no password, in either part.
CALL pg_temp.first('left');
BEGIN;
SET LOCAL client_min_messages = error;
ALTER TABLE bestauth.credential DISABLE TRIGGER rule;
INSERT INTO bestauth.credential (user_id, password_hash, pepper_id) SELECT j.user_id, c.password_hash, c.pepper_id FROM bestauth.credential c JOIN bestauth.user_account u USING (user_id) JOIN bestauth.company o ON o.company_id = u.company_id AND o.code = 'sso_acme'
	JOIN bestauth.user_account j ON j.company_id = o.company_id AND j.username = 'joan' WHERE u.username = 'lola';
SELECT outcome FROM bestauth.login('sso_acme', 'joan', 'seven green boats of lola');
SELECT l.outcome FROM entry e, LATERAL bestauth.login_second_part(e.challenge, 'joan', 'seven green boats of lola') l WHERE e.name = 'left';
ROLLBACK;
SELECT pg_temp.reason('sso_acme');
SELECT pg_temp.reason();
-- Nor do guesses at it keep the person out, who has none.
SELECT count(*) FROM generate_series(1, 6), LATERAL bestauth.login('sso_acme', 'joan', 'a wrong long password') l WHERE l.outcome = 'denied';
CALL pg_temp.enter('a', 'joan');

--
-- What those who manage the users see of them.
--
SELECT name, username, user_type, role, locked FROM bestauth.search_users(user_type => 'federated', company => 'sso_acme') WHERE username IN ('joan', 'joan-2', 'carl', 'bert-2') ORDER BY username COLLATE "C";
SELECT bestauth.count_users(user_type => 'federated', company => 'sso_acme') AS federated;
SELECT username, user_type, permissions, password_set, deleted FROM bestauth.user_details('joan', 'sso_acme');
SELECT company, username, person, client_addr, client_info FROM bestauth.list_sessions('joan', company => 'sso_acme') GROUP BY 1, 2, 3, 4, 5;
SELECT person, count(*) > 0 AS any FROM bestauth.list_sessions('key', company => 'sso_clinic') GROUP BY person ORDER BY person COLLATE "C";
-- [IBS-7] They are charged where they sign on.
SELECT username, charged, reason FROM bestauth.chargeable_users WHERE company = 'sso_acme' AND (charged OR user_type = 'federated') AND length(username) < 100 ORDER BY username COLLATE "C";
-- [TPB-10] [AUD-4] Both companies see what was done, by whom; the trail is the person's, whatever they were called.
SELECT person, billing_service, action, outcome FROM bestauth.audit_report(company => 'sso_clinic', username => 'key', person => 'sso_acme/joan') WHERE action LIKE 'login%' OR action LIKE 'session%' GROUP BY 1, 2, 3, 4 ORDER BY action COLLATE "C";
SELECT company, action, outcome, count(*) > 0 AS any FROM bestauth.person_trail('sso_acme/joan') WHERE action IN ('login.succeeded', 'login.denied', 'session.renewed', 'session.renewal_denied', 'session.ended') GROUP BY 1, 2, 3 ORDER BY company COLLATE "C", action COLLATE "C";
SELECT count(DISTINCT person) AS names FROM bestauth.person_trail('sso_oidc/other');
SELECT DISTINCT session_id IS NOT NULL AS session, object_type, detail->>'nonce' IS NOT NULL AND detail->>'jti' IS NOT NULL AND detail->>'kid' IS NOT NULL AS known_by FROM bestauth.person_trail('sso_home/joan') WHERE action = 'sso.assertion_issued';

--
-- [E-14] Used assertions stay until nothing could be done with them, and then go.
--
SELECT count(*) > 20 AS many FROM bestauth.sso_assertion;
SELECT bestauth.purge_expired('0 s') IS NOT NULL AS purged;
SELECT count(*) > 20 AS many FROM bestauth.sso_assertion;
UPDATE bestauth.sso_assertion SET expires_at = clock_timestamp() - interval '2 hours';
SELECT bestauth.purge_expired('3 hours') IS NOT NULL AS purged;
SELECT count(*) > 20 AS many FROM bestauth.sso_assertion;
SELECT count(*) AS rows FROM bestauth.audit_log WHERE audit_id > :before AND object_type = 'bestauth.sso_assertion';
SELECT bestauth.purge_expired('1 hour') IS NOT NULL AS purged;
SELECT count(*) AS left FROM bestauth.sso_assertion;

DROP VIEW regress.sso_people;
DROP TABLE home, entry;
DROP OWNED BY regress_sso_app, regress_sso_operator, regress_sso_reader;
DROP ROLE regress_sso_app, regress_sso_operator, regress_sso_reader;
