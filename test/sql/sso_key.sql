-- Keys for single sign-on: those that a billing service's own instance signs with, and those
-- by whose signature its people are known where its customers are.
\set SHOW_CONTEXT never
SELECT count(bestauth.create_company(code, code)) FROM unnest('{ssokey_home,ssokey_acme,ssokey_plain}'::text[]) code;
SELECT count(bestauth.register_billing_service(code)) FROM unnest('{ssokey_home,ssokey_acme}'::text[]) code;
SELECT bestauth.create_user('adam', 'company_administrator', 'Adam', 'Admin', 'adam@ssokey.example', 'seven green boats of adam', company => 'ssokey_plain') IS NOT NULL AS made;
SELECT session_token AS adam FROM bestauth.login('ssokey_plain', 'adam', 'seven green boats of adam') \gset
CREATE ROLE regress_ssokey_app;
CREATE ROLE regress_ssokey_operator;
CREATE ROLE regress_ssokey_reader;
CREATE ROLE regress_ssokey_auditor;
SELECT bestauth.grant_access('regress_ssokey_app', 'application'), bestauth.grant_access('regress_ssokey_operator', 'operator'), bestauth.grant_access('regress_ssokey_reader', 'reader'), bestauth.grant_access('regress_ssokey_auditor', 'auditor');
GRANT USAGE ON SCHEMA regress TO regress_ssokey_app, regress_ssokey_operator, regress_ssokey_reader, regress_ssokey_auditor;
-- An error as a client sees it: code, rule, message, what more is said.
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
	rule text;
	detail text;
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' ', SQLSTATE, '[' || nullif(rule, '') || ']', regexp_replace(SQLERRM, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '(id)'), '(' || nullif(detail, '') || ')');
END
$$;
-- Where a private key is.
CREATE FUNCTION pg_temp.file(kid text) RETURNS text LANGUAGE sql AS $$ SELECT current_setting('bestauth.sso_key_directory') || '/' || kid || '.jwk' $$;
CREATE FUNCTION pg_temp.is_there(kid text) RETURNS boolean LANGUAGE sql AS $$ SELECT (pg_stat_file(pg_temp.file(kid), true)).size IS NOT NULL $$;
SELECT coalesce(max(audit_id), 0) AS before FROM bestauth.audit_log \gset

--
-- Making keys. [TPB-5] [L-05] For the operator alone: nobody else may call it, and no session.
--
SET ROLE regress_ssokey_app;
SELECT pg_temp.attempt($$SELECT bestauth.create_sso_key('ssokey_home')$$), pg_temp.attempt($$SELECT bestauth.revoke_sso_key('ssokey_home', 'x')$$);
SELECT pg_temp.attempt($$SELECT bestauth.trust_sso_key('ssokey_home', '{}')$$), pg_temp.attempt($$SELECT bestauth.distrust_sso_key('ssokey_home', 'x')$$);
SELECT pg_temp.attempt('SELECT FROM bestauth.' || name) FROM unnest('{sso_key,sso_signing_key,sso_person,sso_assertion}'::text[]) name;
SET ROLE regress_ssokey_reader;
SELECT pg_temp.attempt($$SELECT bestauth.create_sso_key('ssokey_home')$$), pg_temp.attempt($$SELECT bestauth.trust_sso_key('ssokey_home', '{}')$$);
SET ROLE regress_ssokey_auditor;
SELECT pg_temp.attempt($$SELECT bestauth.create_sso_key('ssokey_home')$$), pg_temp.attempt('SELECT FROM bestauth.sso_key');
RESET ROLE;
BEGIN;
SELECT company_id IS NOT NULL AS in_session FROM bestauth.use_session(:'adam');
SELECT pg_temp.attempt($$SELECT bestauth.create_sso_key('ssokey_home')$$);
SELECT pg_temp.attempt($$SELECT bestauth.revoke_sso_key('ssokey_home', 'x')$$);
SELECT pg_temp.attempt($$SELECT bestauth.trust_sso_key('ssokey_home', '{}')$$);
SELECT pg_temp.attempt($$SELECT bestauth.distrust_sso_key('ssokey_home', 'x')$$);
COMMIT;
-- To a session a company that is there looks like one that is not.
BEGIN;
SELECT company_id IS NOT NULL AS in_session FROM bestauth.use_session(:'adam');
SELECT pg_temp.attempt($$SELECT bestauth.create_sso_key('ssokey_nowhere')$$);
COMMIT;
SET ROLE regress_ssokey_operator;
SELECT pg_temp.attempt($$SELECT bestauth.create_sso_key(NULL)$$);
SELECT pg_temp.attempt($$SELECT bestauth.create_sso_key('')$$);
SELECT pg_temp.attempt($$SELECT bestauth.create_sso_key('ssokey_nowhere')$$);
SELECT pg_temp.attempt($$SELECT bestauth.create_sso_key('ssokey_plain')$$);
BEGIN READ ONLY;
SELECT pg_temp.attempt($$SELECT bestauth.create_sso_key('ssokey_home')$$);
SELECT pg_temp.attempt($$SELECT bestauth.revoke_sso_key('ssokey_home', 'x')$$);
COMMIT;
SELECT bestauth.create_sso_key('SSOKEY_home') AS jwk \gset one_
RESET ROLE;
-- The public part, and what an endpoint has to know of it; who issues is the instance and the service.
SELECT jwk - '{x,y,kid,iss}'::text[] AS same_for_all, length(jwk->>'x') AS x, length(jwk->>'y') AS y, jwk->>'kid' ~ '^[0-9a-f-]{36}$' AS kid, jwk->>'iss' = bestauth.instance_name() || '/ssokey_home' AS iss
FROM (SELECT :'one_jwk'::jsonb AS jwk) k;
SELECT :'one_jwk'::jsonb->>'kid' AS one \gset
SELECT public_key = :'one_jwk' AS as_returned, revoked_at IS NULL AS good, code FROM bestauth.sso_signing_key JOIN bestauth.company USING (company_id) WHERE kid = :'one';
-- The private part is in a file, whole, and nowhere in the database, nor in the audit.
SELECT pg_temp.is_there(:'one') AS file;
SELECT file->>'d' AS secret FROM (SELECT pg_read_file(pg_temp.file(:'one'))::jsonb AS file) f \gset
SELECT length(:'secret') AS secret, file->>'x' = :'one_jwk'::jsonb->>'x' AS same FROM (SELECT pg_read_file(pg_temp.file(:'one'))::jsonb AS file) f;
SELECT count(*) AS leaks FROM bestauth.audit_log WHERE audit_id > :before AND (strpos(detail::text, :'secret') > 0 OR strpos(object_id, :'secret') > 0);
SELECT count(*) AS leaks FROM bestauth.sso_signing_key k WHERE strpos(k::text, :'secret') > 0;
-- What comes to nothing leaves no file behind, in a savepoint either.
BEGIN;
SELECT bestauth.create_sso_key('ssokey_home') ->> 'kid' AS kid \gset gone_
SELECT pg_temp.is_there(:'gone_kid') AS file;
ROLLBACK;
SELECT pg_temp.is_there(:'gone_kid') AS file;
BEGIN;
SAVEPOINT s;
SELECT bestauth.create_sso_key('ssokey_home') ->> 'kid' AS kid \gset gone_
ROLLBACK TO s;
SELECT pg_temp.is_there(:'gone_kid') AS gone;
SAVEPOINT t;
SELECT bestauth.create_sso_key('ssokey_home') ->> 'kid' AS two \gset
RELEASE t;
COMMIT;
SELECT pg_temp.is_there(:'gone_kid') AS gone, pg_temp.is_there(:'two') AS two;
-- Two at most: the one that signs and the next. Of another service they are others.
SELECT pg_temp.attempt($$SELECT bestauth.create_sso_key('ssokey_home')$$);
SELECT bestauth.create_sso_key('ssokey_acme') ->> 'kid' AS acme \gset

--
-- Revoking: the file goes with the commit, and not before; the row stays.
--
SET ROLE regress_ssokey_operator;
SELECT pg_temp.attempt(format('SELECT bestauth.revoke_sso_key(%L, %L)', company, kid))
FROM (VALUES (NULL, :'one'), ('ssokey_home', NULL), ('ssokey_home', ''), ('ssokey_nowhere', :'one'), ('ssokey_acme', :'one'), ('ssokey_home', 'nobody')) v (company, kid);
RESET ROLE;
BEGIN;
SELECT bestauth.revoke_sso_key('ssokey_home', :'one');
SELECT pg_temp.is_there(:'one') AS file;
ROLLBACK;
SELECT pg_temp.is_there(:'one') AS file, (SELECT revoked_at IS NULL FROM bestauth.sso_signing_key WHERE kid = :'one') AS good;
BEGIN;
SELECT bestauth.revoke_sso_key('ssokey_home', :'one');
SELECT pg_temp.is_there(:'one') AS file;
COMMIT;
SELECT pg_temp.is_there(:'one') AS file, (SELECT revoked_at IS NOT NULL FROM bestauth.sso_signing_key WHERE kid = :'one') AS revoked;
SELECT pg_temp.attempt(format('SELECT bestauth.revoke_sso_key(%L, %L)', 'ssokey_home', :'one'));
-- Made and revoked in one transaction: no file.
BEGIN;
SELECT bestauth.create_sso_key('ssokey_home') ->> 'kid' AS kid \gset gone_
SELECT bestauth.revoke_sso_key('ssokey_home', :'gone_kid');
COMMIT;
SELECT pg_temp.is_there(:'gone_kid') AS file;
-- The rows stay: also those of direct SQL.
SELECT pg_temp.attempt('DELETE FROM bestauth.sso_signing_key'), pg_temp.attempt('TRUNCATE bestauth.sso_key, bestauth.sso_signing_key');

--
-- Trusting a key: what is no public key to sign with, or unclear, is refused. No message
-- shows anything of a key.
--
\set ec '{"kty": "EC", "crv": "P-256", "x": "3mxZVmEak7zRPaoiV-bEvU6GpxG2yiY6smFT_tQ70EI", "y": "X_5TBrbMk7L2vwSPDsMt6hDsQvfb2mXJz-3fc7QVjU0"}'
\set ec384 '{"kty": "EC", "crv": "P-384", "x": "ZyqNl5GxXhsc4BCI24fhdPEezdTK5NnwUzMOnKaM6Q9eV8tslWXi2RiqZjz1zPT-", "y": "FzV6f9ZPFqK74CwL-eAb7fBSvWIl4Xbyg7b9FKAeHGFr2VDppoi6qaaL8gU9zRKV"}'
\set ec521 '{"kty": "EC", "crv": "P-521", "x": "ATXSBzXs7kvvir0r4EvUXr_Qfh7TDCd87UvosodIC29Okz72TVYhm7U-yWVjpozm03yEZG-G2UfM_LbLjsmndS1l", "y": "ANY6CjH6i0LrpkO1P0kGDLUSJAo7laPyba2En5Oq-U9tllDKXrU1M8o6ITeoiOtLpucfoWT4ppuCgEe47zospG_e"}'
\set ec256k '{"kty": "EC", "crv": "secp256k1", "x": "xMpRuNv-yPFDD5q2PqJd8u4Afq9SljOod_vZlANWCL0", "y": "cG6StUy_mP4WaVzaNTbdjVJh_yeJhEzdcQkqM2VekEg"}'
\set rsa '{"kty": "RSA", "e": "AQAB", "n": "vMzdichWzvb-2koqeHfMZrCnghXHC1Mvi0w73PusMznlK2ugfDj93s6c7wd3gk-T2WgxO_ZeUHT__1EQiHK0jV0NL5ZVoVGFl0yZC4uUX_8c9nn60RzKdKCpJQit6nrFR8jOUZ1u11VNOOyLAS_ZMyOtJzss3SgDDr9Vb3SBm0YWEdFzARxuyl7m1YgQCgmmBExhrFICwD997wOiJz_WTb9EcZ_SsoRcp0i-Ryen2lb5drusRIPqEBvuMnLjYLTAkAigogdAPISGuGC9WeccNHbxe6TVbXP_uG1NhGBHWYATCybW_B3R2gOZAFXCWxn_l817qgfdpNjDZBJXWoOEPw"}'
\set rsa1024 '{"kty": "RSA", "e": "AQAB", "n": "3LgifU2uAZRyf0YZg9WNqAx2LZObiH7wlKjjQpXDrzybZwpv8YdhR7akT2i-gixP0VvNn7OmyI0efVvTyocY0WwCTdo9dl48UkCIr6t6Wv44UM95V-WPWONzuBbU3W886jGqsJDcn1RCDKk68Xfv6fq16T99H-wzn3QJf4BlWH8"}'
-- What is taken of a key, or why not.
CREATE FUNCTION pg_temp.trust(jwk jsonb, issuer text DEFAULT 'https://login.ssokey.example', claims jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.attempt(format('SELECT bestauth.trust_sso_key(%L, %L, %L, %L)', 'ssokey_acme', jwk, issuer, claims))
$$;
CREATE TABLE regress.ssokey_good (name text, jwk jsonb);
INSERT INTO regress.ssokey_good VALUES ('P-256', :'ec'), ('P-384', :'ec384'), ('P-521', :'ec521'), ('RSA', :'rsa');
SELECT what, pg_temp.trust(jwk) FROM (VALUES
	(1, 'a list', '[]'::jsonb), (2, 'a text', '"x"'), (3, 'nothing', '{}'), (4, 'null', 'null'),
	(5, 'no kid', :'ec'),
	(6, 'kid that is no text', :'ec'::jsonb || '{"kid": 1}'),
	(7, 'empty kid', :'ec'::jsonb || '{"kid": ""}'),
	(8, 'control at the beginning of kid', :'ec'::jsonb || '{"kid": "\u001bx"}'),
	(9, 'control in kid', :'ec'::jsonb || '{"kid": "x\ny"}'),
	(10, 'override of direction in kid', :'ec'::jsonb || '{"kid": "x\u202ey"}'),
	(11, 'long kid', :'ec'::jsonb || jsonb_build_object('kid', repeat('k', 256))),
	(12, 'private EC', :'ec'::jsonb || '{"kid": "bad", "d": "SECRET"}'),
	(13, 'private RSA', :'rsa'::jsonb || '{"kid": "bad", "d": "SECRET", "p": "SECRET", "q": "SECRET"}'),
	(14, 'private RSA, a factor alone', :'rsa'::jsonb || '{"kid": "bad", "q": "SECRET"}'),
	(15, 'secret', '{"kty": "oct", "kid": "bad", "k": "SECRET"}'),
	(16, 'secret as EC', :'ec'::jsonb || '{"kid": "bad", "k": "SECRET", "alg": "HS256"}'),
	(17, 'oct without secret', '{"kty": "oct", "kid": "bad"}'),
	(18, 'OKP', '{"kty": "OKP", "crv": "Ed25519", "kid": "bad", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'),
	(19, 'secp256k1', :'ec256k'::jsonb || '{"kid": "bad"}'),
	(20, 'secp256k1 named P-256', :'ec256k'::jsonb || '{"kid": "bad", "crv": "P-256"}'),
	(21, 'P-384 named P-256', :'ec384'::jsonb || '{"kid": "bad", "crv": "P-256"}'),
	(22, 'no curve', :'ec'::jsonb - 'crv' || '{"kid": "bad"}'),
	(23, 'no y', :'ec'::jsonb - 'y' || '{"kid": "bad"}'),
	(24, 'no base64', :'ec'::jsonb || '{"kid": "bad", "x": "!!!"}'),
	(25, 'not on the curve', :'ec'::jsonb || '{"kid": "bad", "x": "3mxZVmEak7zRPaoiV-bEvU6GpxG2yiY6smFT_tQ70EA"}'),
	(26, 'RSA of 1024 bits', :'rsa1024'::jsonb || '{"kid": "bad"}'),
	(27, 'RSA of 1024 bits, after zeros', :'rsa1024'::jsonb || jsonb_build_object('kid', 'bad', 'n', repeat('AAAA', 43) || (:'rsa1024'::jsonb->>'n'))),
	(28, 'no n', :'rsa'::jsonb - 'n' || '{"kid": "bad"}'),
	(29, 'HS256', :'rsa'::jsonb || '{"kid": "bad", "alg": "HS256"}'),
	(30, 'none', :'rsa'::jsonb || '{"kid": "bad", "alg": "none"}'),
	(31, 'alg of RSA for EC', :'ec'::jsonb || '{"kid": "bad", "alg": "RS256"}'),
	(32, 'alg of another curve', :'ec'::jsonb || '{"kid": "bad", "alg": "ES384"}'),
	(33, 'to encrypt', :'rsa'::jsonb || '{"kid": "bad", "use": "enc"}'),
	(34, 'empty set', '{"keys": []}'),
	(35, 'no list', '{"keys": {"kty": "EC"}}'),
	(36, 'list of texts', '{"keys": ["x", 1, null, [], {}]}'),
	(37, 'set of keys to encrypt', jsonb_build_object('keys', jsonb_build_array(:'rsa'::jsonb || '{"kid": "bad", "use": "enc"}'))),
	(38, 'set with a private key', jsonb_build_object('keys', jsonb_build_array(:'ec'::jsonb || '{"kid": "bad"}', :'rsa'::jsonb || '{"kid": "bad2", "use": "enc", "d": "SECRET"}'))),
	(39, 'set with a secret', jsonb_build_object('keys', jsonb_build_array(:'ec'::jsonb || '{"kid": "bad"}', '{"kty": "oct", "kid": "bad2", "k": "SECRET"}'::jsonb))),
	(40, 'set with one that is no key', jsonb_build_object('keys', jsonb_build_array(:'ec'::jsonb || '{"kid": "bad"}', :'ec'::jsonb || '{"kid": "bad2", "x": "!!!"}'))),
	(41, 'set of 21', jsonb_build_object('keys', (SELECT jsonb_agg(:'ec'::jsonb || jsonb_build_object('kid', 'bad' || n)) FROM generate_series(1, 21) n))),
	(42, 'RSA with the exponent 1', :'rsa'::jsonb || '{"kid": "bad", "e": "AQ"}'), (43, 'with zeros before', :'rsa'::jsonb || '{"kid": "bad", "e": "AAAB"}')
) v (n, what, jwk) ORDER BY n;
SELECT count(*) AS kept FROM bestauth.sso_key WHERE company_id = (SELECT company_id FROM bestauth.company WHERE code = 'ssokey_acme');
-- Issuer and company.
SELECT what, pg_temp.attempt(format('SELECT bestauth.trust_sso_key(%L, %L, %L)', company, jwk, issuer)) FROM (VALUES
	(1, 'no key', 'ssokey_acme', NULL, 'https://i'), (2, 'no company', NULL, :'ec'::jsonb || '{"kid": "bad"}', 'https://i'), (3, 'missing company', 'ssokey_nowhere', :'ec'::jsonb || '{"kid": "bad"}', 'https://i'),
	(4, 'no service', 'ssokey_plain', :'ec'::jsonb || '{"kid": "bad"}', 'https://i'), (5, 'no issuer', 'ssokey_acme', :'ec'::jsonb || '{"kid": "bad"}', NULL),
	(6, 'empty issuer', 'ssokey_acme', :'ec'::jsonb || '{"kid": "bad"}', ''), (7, 'control in issuer', 'ssokey_acme', :'ec'::jsonb || '{"kid": "bad"}', E'https://i\nx'),
	(8, 'control in iss', 'ssokey_acme', :'ec'::jsonb || '{"kid": "bad", "iss": "a\u0007b"}', NULL), (9, 'empty iss', 'ssokey_acme', :'ec'::jsonb || '{"kid": "bad", "iss": ""}', NULL),
	(10, 'iss that is no text', 'ssokey_acme', :'ec'::jsonb || '{"kid": "bad", "iss": 1}', NULL), (11, 'long issuer', 'ssokey_acme', :'ec'::jsonb || '{"kid": "bad"}', repeat('i', 501)),
	(12, 'long iss', 'ssokey_acme', :'ec'::jsonb || jsonb_build_object('kid', 'bad', 'iss', repeat('i', 501)), NULL)) v (n, what, company, jwk, issuer) ORDER BY n;
-- Claims of an OpenID provider.
SELECT claims, pg_temp.trust(:'ec'::jsonb || '{"kid": "bad"}', issuer, claims::jsonb) FROM (VALUES
	(1, 'https://i', '[]'), (2, 'https://i', '"x"'), (3, 'https://i', '{}'), (4, 'https://i', '{"audience": "c"}'), (5, 'https://i', '{"audience": "c", "user_type": "t"}'),
	(6, 'https://i', '{"audience": "", "user_type": "t", "restricted": "r"}'), (7, 'https://i', '{"audience": "c", "user_type": 1, "restricted": "r"}'), (8, 'https://i', '{"audience": ["c"], "user_type": "t", "restricted": "r"}'),
	(9, 'https://i', '{"audience": "c", "user_type": "t", "restricted": "r", "email": "e"}'), (10, 'https://i', '{"audience": "c", "user_type": "t", "restricted": "x\u0001"}'),
	(11, 'https://i', '{"audience": "c", "user_type": "t", "restricted": "r", "subject": ""}'), (12, NULL, '{"audience": "c", "user_type": "t", "restricted": "r"}')) v (n, issuer, claims) ORDER BY n;
-- [B-08] What can change hands is nobody's subject, as OpenID Connect says itself.
SELECT claim, pg_temp.trust(:'ec'::jsonb || '{"kid": "bad"}', 'https://i', jsonb_build_object('audience', 'c', 'user_type', 't', 'restricted', 'r', 'subject', claim)) FROM unnest('{email,preferred_username,phone_number,name}'::text[]) claim;
SELECT pg_temp.trust(:'ec'::jsonb || '{"kid": "bad"}', 'https://i', jsonb_build_object('audience', repeat('c', 201), 'user_type', 't', 'restricted', 'r'));
SELECT count(*) AS kept FROM bestauth.sso_key WHERE company_id = (SELECT company_id FROM bestauth.company WHERE code = 'ssokey_acme');

-- What is taken: its public members alone are kept, and one algorithm.
SELECT name, pg_temp.trust(jwk || jsonb_build_object('kid', name, 'x5t', 'whatever')) FROM regress.ssokey_good ORDER BY name COLLATE "C";
SELECT pg_temp.trust(:'rsa'::jsonb || '{"kid": "PS384", "alg": "PS384"}'), pg_temp.trust(:'ec521'::jsonb || '{"kid": "ES512", "alg": "ES512", "use": "sig"}');
-- Of a set those for signing of the kinds that are taken.
SELECT pg_temp.trust(jsonb_build_object('keys', jsonb_build_array(:'rsa'::jsonb || '{"kid": "to encrypt", "use": "enc"}', :'ec'::jsonb || '{"kid": "set 1", "use": "sig"}',
	'{"kty": "OKP", "crv": "Ed25519", "kid": "set 2", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'::jsonb, :'rsa'::jsonb || '{"kid": "set 3", "alg": "RS512"}', :'rsa'::jsonb || '{"kid": "set 4", "alg": "RSA-OAEP"}', 1)));
SELECT pg_temp.trust(jsonb_build_object('keys', (SELECT jsonb_agg(:'ec'::jsonb || jsonb_build_object('kid', 'many ' || n)) FROM generate_series(1, 20) n)), 'https://many.ssokey.example');
CREATE VIEW regress.ssokey_trusted AS SELECT kid, issuer, alg, public_key, claims FROM bestauth.sso_key JOIN bestauth.company USING (company_id) WHERE code = 'ssokey_acme';
SELECT kid, issuer, alg, (SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(public_key) k) AS members, claims FROM regress.ssokey_trusted WHERE kid NOT LIKE 'many%' ORDER BY kid COLLATE "C";
SELECT count(*) AS many FROM regress.ssokey_trusted WHERE issuer LIKE 'https://many%';
-- A key made by create_sso_key says itself who issues.
SELECT bestauth.create_sso_key('ssokey_home') AS jwk \gset three_
SELECT pg_temp.attempt(format('SELECT bestauth.trust_sso_key(%L, %L)', 'ssokey_acme', :'three_jwk'));
SELECT replace(issuer, bestauth.instance_name(), '(instance)') AS issuer, alg, claims FROM regress.ssokey_trusted WHERE kid = :'three_jwk'::jsonb->>'kid';
-- The same again changes its claims; another key of the name, or of another issuer, is refused.
SELECT pg_temp.trust(:'ec'::jsonb || '{"kid": "P-256"}', claims => '{"audience": "client", "user_type": "groups", "restricted": "billers", "subject": "oid"}');
SELECT claims FROM regress.ssokey_trusted WHERE kid = 'P-256';
SELECT pg_temp.trust(:'ec'::jsonb || '{"kid": "P-256"}');
SELECT claims FROM regress.ssokey_trusted WHERE kid = 'P-256';
SELECT pg_temp.trust(:'ec384'::jsonb || '{"kid": "P-256"}'), pg_temp.trust(:'ec'::jsonb || '{"kid": "P-256"}', 'https://other.ssokey.example');
SELECT pg_temp.trust(:'rsa'::jsonb || '{"kid": "RSA", "alg": "PS256"}');
-- Another service's are its own.
SELECT pg_temp.attempt(format('SELECT bestauth.trust_sso_key(%L, %L, %L)', 'ssokey_home', :'ec384'::jsonb || '{"kid": "P-256"}', 'https://other.ssokey.example'));
-- A service is registered with its key, or not at all.
SELECT bestauth.unregister_billing_service('ssokey_acme');
SELECT pg_temp.attempt(format('SELECT bestauth.register_billing_service(%L, %L)', 'ssokey_acme', :'ec'));
SELECT pg_temp.attempt(format('SELECT bestauth.register_billing_service(%L, %L)', 'ssokey_acme', :'ec'::jsonb || '{"kid": "with"}'));
SELECT unregistered_at IS NULL AS registered FROM bestauth.billing_service JOIN bestauth.company USING (company_id) WHERE code = 'ssokey_acme';
SELECT pg_temp.attempt(format('SELECT bestauth.register_billing_service(%L, %L)', 'ssokey_acme', :'ec'::jsonb || '{"kid": "with", "iss": "there/ssokey_acme"}'));
SELECT unregistered_at IS NULL AS registered, (SELECT issuer FROM regress.ssokey_trusted WHERE kid = 'with') FROM bestauth.billing_service JOIN bestauth.company USING (company_id) WHERE code = 'ssokey_acme';

--
-- Taking trust away.
--
SET ROLE regress_ssokey_operator;
SELECT pg_temp.attempt(format('SELECT bestauth.distrust_sso_key(%L, %L)', company, kid))
FROM (VALUES (1, NULL, 'with'), (2, 'ssokey_acme', NULL), (3, 'ssokey_acme', ''), (4, 'ssokey_nowhere', 'with'), (5, 'ssokey_home', 'with'), (6, 'ssokey_acme', 'With'), (7, 'ssokey_acme', 'with'), (8, 'ssokey_acme', 'with')) v (n, company, kid) ORDER BY n;
RESET ROLE;
SELECT count(*) AS left FROM regress.ssokey_trusted WHERE kid = 'with';
-- Also of a service that is registered no more.
SELECT bestauth.unregister_billing_service('ssokey_acme');
SELECT pg_temp.attempt($$SELECT bestauth.distrust_sso_key('ssokey_acme', 'set 1')$$);
SELECT bestauth.register_billing_service('ssokey_acme');
-- Under the tables as well: a key stays what it was, or goes.
SELECT pg_temp.attempt(format('UPDATE bestauth.sso_key SET %s WHERE kid = %L', change, 'P-384')) FROM unnest(ARRAY['kid = ''x''', 'issuer = ''x''', 'alg = ''ES256''', 'public_key = ''{}''', 'company_id = bestauth.uuidv7()', 'kid = kid']) change;

-- [AUD-1] [AUD-2] Who did what to which key; of a refusal the reason. Nothing that is secret.
SELECT action, outcome, company_code, object_type, CASE WHEN object_id IN (:'one', :'two', :'acme', :'gone_kid', :'three_jwk'::jsonb->>'kid') THEN '(kid)' ELSE object_id END AS object_id,
	replace(detail::text, bestauth.instance_name() || '/', '(instance)/') AS detail
FROM bestauth.audit_log WHERE audit_id > :before AND action LIKE 'sso%' AND company_code LIKE 'ssokey%' AND object_id NOT LIKE 'many%' ORDER BY audit_id;
SELECT count(*) AS of_the_set FROM bestauth.audit_log WHERE audit_id > :before AND action = 'sso_key.trusted' AND object_id LIKE 'many%';
SELECT object_type, action, count(*) > 0 AS rows FROM bestauth.audit_log WHERE audit_id > :before AND object_type IN ('bestauth.sso_key', 'bestauth.sso_signing_key') GROUP BY object_type, action ORDER BY object_type COLLATE "C", action COLLATE "C";
SELECT action, outcome, object_id, detail->>'rule' AS rule FROM bestauth.audit_log WHERE audit_id > :before AND action = 'access.denied' AND object_id ~ 'sso' ORDER BY audit_id;
SELECT count(*) AS leaks FROM bestauth.audit_log WHERE audit_id > :before AND (detail::text ~ 'SECRET' OR strpos(detail::text, :'secret') > 0);

DROP VIEW regress.ssokey_trusted;
DROP TABLE regress.ssokey_good;
DROP OWNED BY regress_ssokey_app, regress_ssokey_operator, regress_ssokey_reader, regress_ssokey_auditor;
DROP ROLE regress_ssokey_app, regress_ssokey_operator, regress_ssokey_reader, regress_ssokey_auditor;
