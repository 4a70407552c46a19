-- The password policy: what is refused and why, and that nothing else is.
\set SHOW_CONTEXT never
SELECT bestauth.create_company('policy_harbour_clinic', 'Saint Swithin''s Hospital') IS NOT NULL AS made;
SELECT bestauth.create_company('policy_clinic7', 'Больница Надежда') IS NOT NULL AS made;
CREATE ROLE regress_policy_operator;
CREATE ROLE regress_policy_app;
SELECT bestauth.grant_access('regress_policy_operator', 'operator');
SELECT bestauth.grant_access('regress_policy_app', 'application');
GRANT USAGE ON SCHEMA regress TO regress_policy_operator, regress_policy_app;

-- The reason codes of a DETAIL, and whether the error shows the password.
CREATE FUNCTION pg_temp.codes(password text, message text, detail text, hint text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(split_part(line, ':', 1), ' ' ORDER BY place)
		|| CASE WHEN strpos(lower(concat_ws(' ', message, detail, hint)), lower(password)) > 0 THEN ' AND SHOWN' ELSE '' END
	FROM regexp_split_to_table(detail, '\n') WITH ORDINALITY r (line, place)
$$;
-- What a statement with a new password comes to; what it did is undone.
CREATE FUNCTION pg_temp.verdict_of(statement text, password text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	detail text;
	hint text;
BEGIN
	EXECUTE statement INTO result USING password;
	RAISE EXCEPTION 'undo';
EXCEPTION
	WHEN raise_exception THEN
		RETURN result;
	WHEN SQLSTATE 'UA001' THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		RETURN pg_temp.codes(password, SQLERRM, detail, hint);
	WHEN OTHERS THEN
		RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
-- Of a user whose names are long enough to be passwords.
CREATE FUNCTION pg_temp.verdict(password text, username text DEFAULT 'frieda_of_the_choir', company text DEFAULT 'policy_harbour_clinic',
	first_name text DEFAULT 'Fredericka', last_name text DEFAULT 'Lindqvist', email text DEFAULT 'contact.address@policy.example') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.verdict_of(format('SELECT CASE WHEN bestauth.create_user(%L, ''restricted'', %L, %L, %L, $1, company => %L) IS NOT NULL THEN ''accepted'' END',
		username, first_name, last_name, email, company), password)
$$;

-- [A-01] Lengths in code points, whatever their bytes; what is typed decomposed
-- counts as it is kept, in the composed form. Fifteen are needed, or as many as is set.
SELECT n, pg_temp.verdict(left('qvzkxjwhbmfplndg', n)) AS letters, pg_temp.verdict(repeat('😀', n)) AS emoji,
	pg_temp.verdict(repeat(U&'\00E9', n)) AS composed, pg_temp.verdict(repeat(U&'e\0301', n)) AS decomposed,
	pg_temp.verdict(repeat(U&'\FB01', n)) AS ligatures
FROM (VALUES (7), (8), (14), (15)) v (n);
SET bestauth.password_min_length = 8;
SELECT n, pg_temp.verdict(left('qvzkxjwhbmfplndg', n)) AS letters, pg_temp.verdict(repeat('😀', n)) AS emoji,
	pg_temp.verdict(repeat(U&'\00E9', n)) AS composed, pg_temp.verdict(repeat(U&'e\0301', n)) AS decomposed
FROM (VALUES (7), (8), (14), (15)) v (n);
SELECT regress.attempt('SET bestauth.password_min_length = 7');
RESET bestauth.password_min_length;
SET ROLE regress_policy_app;
SELECT regress.attempt('SET bestauth.password_min_length = 8');
RESET ROLE;

-- [A-02] 64 characters of two and of four bytes, and 1024 bytes; one more is too many,
-- also where the composed form were shorter.
SELECT pg_temp.verdict(repeat('é', 64)) AS accents, pg_temp.verdict(repeat('😀', 64)) AS emoji, pg_temp.verdict(repeat('qvzk', 256)) AS most,
	pg_temp.verdict(repeat('qvzk', 256) || 'x') AS more, pg_temp.verdict(repeat(U&'e\0301', 342)) AS decomposed, pg_temp.verdict(repeat('é', 513)) AS emoji;

-- [A-06] Words that anybody would try, in all their disguises: one line for each that
-- is not refused, or for another reason.
CREATE TEMP TABLE word (reason text, word text);
INSERT INTO word VALUES ('common', 'qwertyuiopasdfgh'), ('common', 'ThisIsMyPassword'), ('common', 'happybirthdayhappybirthday'), ('user_name', 'frieda_of_the_choir'),
	('own_name', 'Fredericka Lindqvist'), ('own_name', 'Lindqvist, Fredericka'), ('own_name', 'LindqvistLindqvist'), ('email', 'contact.address@policy.example'),
	('email', 'contact.address'), ('company', 'policy_harbour_clinic'), ('company', 'Saint Swithin''s Hospital'), ('product', 'bestauthbestauth'), ('product', 'regressregress regress');
CREATE TEMP VIEW disguised AS
SELECT w.reason, w.word, d.disguise, d.password FROM word w, LATERAL (VALUES
	('as it is', word),
	('reversed', reverse(word)),
	('with 1! behind', word || '1!'),
	('digits and signs on both sides', '2026*' || word || '!!!2026'),
	('reversed, with 1! behind', reverse(word) || '1!'),
	('signs for letters', translate(word, 'aoesit', '@03$!7')),
	('other signs for letters', translate(lower(word), 'alst', '4|5+')),
	('signs for letters, 1! behind', translate(word, 'oi', '0!') || '1!'),
	('twice', word || word),
	('three times with signs between', word || '-' || word || '-' || word || '-'),
	('twice, 1! behind', word || word || '1!'),
	('upper case', upper(word)),
	('accents', translate(word, 'aeiou', 'áèîöü')),
	('accents, decomposed', normalize(translate(word, 'aeiou', 'áèîöü'), NFD)),
	('full width', translate(word, 'abcdefghijklmnopqrstuvwxyz', 'ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ')),
	('spaced out', regexp_replace(word, '(.)', '\1 ', 'g')),
	('dots between', regexp_replace(word, '(.)', '\1.', 'g'))) d (disguise, password);
SELECT disguise, reason, word, verdict FROM disguised, pg_temp.verdict(password) verdict WHERE verdict <> reason;
SELECT count(DISTINCT disguise) AS disguises, count(DISTINCT word) AS words, count(*) FILTER (WHERE length(password) < 15) AS short FROM disguised;
-- Runs of digits, up, down, around and on the spot; digits that are none are as good as letters.
SELECT password, pg_temp.verdict(password) FROM (VALUES ('000000000000000'), ('123456789012345'), ('987654321098765'), ('567890123456789'), ('314159265358979')) v (password);
-- A short word, often enough, or with as many digits as it takes.
SELECT password, pg_temp.verdict(password) FROM (VALUES ('passwordpassword'), ('password1!password1!'), ('P@ssw0rd12345678'), ('drowssapdrowssap'), ('dr0wss@p1234567!'),
	('abcabcabcabcabc'), ('2026202620262026summer'), ('Lindqvist1234567'), ('tsivqdniL1234567'), ('BestAuth2026!!!!'), ('Regress20262026!')) v (password);
-- A name that ends in digits itself.
SELECT password, pg_temp.verdict(password, username => 'flindqvist1970', company => 'policy_clinic7') FROM (VALUES
	('flindqvist1970!'), ('flindqvist19701!'), ('FLINDQVIST1970 2026'), ('0791tsivqdnilf1!'), ('policy_clinic7!'), ('policy_clinic71!'), ('trustno1trustno1'), ('trustno11234567!')) v (password);
-- Another alphabet: as it is, in capitals, with 1! behind, reversed.
SELECT password, pg_temp.verdict(password, company => 'policy_clinic7') FROM (VALUES
	('Больница Надежда'), ('БОЛЬНИЦА НАДЕЖДА'), ('больницанадежда1!'), (reverse('Больница Надежда'))) v (password);
-- Names too short to count, but for both together.
SELECT pg_temp.verdict('LiLiLiLiLiLiLiLi', first_name => 'Li', last_name => 'Wu') AS two_letters, pg_temp.verdict('LiWuLiWuLiWuLiWu', first_name => 'Li', last_name => 'Wu') AS four_letters;

-- All reasons at once, each a code and a sentence in the DETAIL; the password stands nowhere.
SELECT bestauth.create_user('jennifer', 'restricted', 'Jennifer', 'Regress', 'jennifer@policy.example', 'J3nn!f3r', company => 'policy_harbour_clinic');
SELECT bestauth.create_user('policy_clinic7', 'restricted', 'Best', 'Auth', NULL, 'Policy_Clinic7', company => 'policy_clinic7');
SELECT bestauth.create_user('frieda', 'restricted', 'Best', 'Auth', 'bestauth@policy.example', 'BestAuthBestAuth', company => 'policy_clinic7');
SELECT count(*) AS users_made FROM bestauth.user_account u JOIN bestauth.company c USING (company_id) WHERE c.code LIKE 'policy\_%';

-- [A-07] No rule of composition: letters alone, one case, one alphabet, no sign and no
-- digit; a long password may contain a word, and even the user's name.
SELECT password, pg_temp.verdict(password) FROM (VALUES ('qzvkxjwhbmfplndgtrys'), ('QZVKXJWHBMFPLNDGTRYS'), ('seven grey herons stand on the pier'), ('стая серых журавлей'),
	('春眠不觉晓处处闻啼鸟夜来风雨声'), ('ღმერთსა შემვედრე, ნუთუ'), ('!"§$%&/()=?*+#-_'), ('my password is stored nowhere at all'), ('frieda_of_the_choir sings on Sundays'),
	('Fredericka Lindqvist''s little dog'), ('Saint Swithin''s Hospital is far away'), ('summer winter summer autumn'), ('bestauth keeps regress company')) v (password);
SELECT pg_temp.verdict(repeat('😀', 64)) AS emoji, pg_temp.verdict(repeat('é', 64)) AS one_letter;

-- [P-01] Composed and decomposed: the same verdict for every password tried above.
SELECT count(*) > 200 AS many, count(*) FILTER (WHERE pg_temp.verdict(normalize(password, NFC)) IS DISTINCT FROM pg_temp.verdict(normalize(password, NFD))) AS different
FROM disguised;
SELECT password, pg_temp.verdict(normalize(password, NFC)) AS nfc, pg_temp.verdict(normalize(password, NFD)) AS nfd FROM (VALUES
	('crème brûlée à la fin'), ('Übergrößenträger'), ('드러나지않는비밀번호입니다정말로'), ('드러나지않는비밀번호')) v (password);

-- In all three functions alike, and in the normal form of both.
SELECT bestauth.create_user('setter', 'restricted', 'Fredericka', 'Lindqvist', 'setter@policy.example', company => 'policy_harbour_clinic') IS NOT NULL AS made;
SELECT bestauth.create_user('changer', 'restricted', 'Fredericka', 'Lindqvist', 'changer@policy.example', U&'d\00E9j\00E0 vu, again and again', permissions => '{my_account,manage_users}', company => 'policy_harbour_clinic') IS NOT NULL AS made;
SELECT token AS setter FROM bestauth.claim_mail(1000) WHERE recipient = 'setter@policy.example' \gset
SELECT session_token AS changer FROM bestauth.login('policy_harbour_clinic', 'changer', U&'de\0301ja\0300 vu, again and again') \gset
CREATE TEMP TABLE tried AS SELECT * FROM (VALUES
	(1, 'qvzkxjwhbmfplnd'), (2, 'qvzkxjwhbmfpln'), (3, 'ThisIsMyPassw0rd'), (4, 'Fredericka Lindqvist1!'), (5, 'policy_harbour_clinic'), (6, 'BestAuth12345678'), (7, 'Lindqv1st'), (8, repeat('x', 1025))) v (n, password);
BEGIN;
SELECT user_id IS NOT NULL AS in_session FROM bestauth.use_session(:'changer');
SELECT left(password, 22) AS password, pg_temp.verdict(password) AS created,
	pg_temp.verdict_of(format('SELECT bestauth.set_password(%L, $1)', :'setter'), password) AS set,
	pg_temp.verdict_of('SELECT bestauth.change_password(U&''de\0301ja\0300 vu, again and again'', $1)', password) AS changed
FROM tried ORDER BY n;
-- The old one is no new one, however it is typed.
SELECT form, pg_temp.verdict_of('SELECT bestauth.change_password(U&''de\0301ja\0300 vu, again and again'', $1)', password) FROM (VALUES
	('composed', U&'d\00E9j\00E0 vu, again and again'), ('decomposed', U&'de\0301ja\0300 vu, again and again')) v (form, password);
COMMIT;
-- A refused password leaves the link good.
SELECT bestauth.set_password(:'setter', 'qvzkxjwhbmfplnd') AS after_all_that;
-- [A-07] No rotation: an old password is as good as a new one. No history: a former
-- one may come back.
UPDATE bestauth.credential SET changed_at = clock_timestamp() - interval '10 years'
WHERE user_id = (SELECT user_id FROM bestauth.user_account u JOIN bestauth.company c USING (company_id) WHERE code = 'policy_harbour_clinic' AND username = 'setter');
SELECT outcome FROM bestauth.login('policy_harbour_clinic', 'setter', 'qvzkxjwhbmfplnd');
BEGIN;
SELECT user_id IS NOT NULL AS in_session FROM bestauth.use_session(:'changer');
SELECT bestauth.change_password(U&'d\00E9j\00E0 vu, again and again', 'seven grey herons on a pier');
COMMIT;
SELECT session_token AS changer FROM bestauth.login('policy_harbour_clinic', 'changer', 'seven grey herons on a pier') \gset
BEGIN;
SELECT user_id IS NOT NULL AS in_session FROM bestauth.use_session(:'changer');
SELECT bestauth.change_password('seven grey herons on a pier', U&'de\0301ja\0300 vu, again and again');
COMMIT;
SELECT outcome FROM bestauth.login('policy_harbour_clinic', 'changer', U&'d\00E9j\00E0 vu, again and again');

-- The operator's own words: folded as they are put down, in force at once, for whoever
-- sets a password, and gone at once.
SELECT pg_temp.verdict('Lighthouse Keeper 1!') AS before;
SET ROLE regress_policy_operator;
INSERT INTO bestauth.blocked_password (word) VALUES ('  Líghthouse-KEEPER  '), ('Ｍａｒｋｔｐｌａｔｚ 7'), ('Журавли');
SELECT word, builtin FROM bestauth.blocked_password WHERE created_at IS NOT NULL ORDER BY word COLLATE "C";
SELECT pg_temp.verdict(password) FROM (VALUES ('Lighthouse Keeper 1!'), ('r33p33k3$u0hthg!l'), ('Marktplatz7 Marktplatz7'), ('Журавли, журавли'), ('ЖУРАВЛИ-ЖУРАВЛИ-2026'),
	('a lighthouse keeper, tall and thin')) v (password);
SELECT regress.attempt($$INSERT INTO bestauth.blocked_password (word) VALUES ('LIGHTHOUSE KEEPER')$$) AS twice,
	regress.attempt($$INSERT INTO bestauth.blocked_password (word) VALUES ('a-b')$$) AS short, regress.attempt($$INSERT INTO bestauth.blocked_password (word) VALUES ('?!')$$) AS no_letters,
	regress.attempt($$INSERT INTO bestauth.blocked_password (word) VALUES (NULL)$$) AS nothing, regress.attempt($$UPDATE bestauth.blocked_password SET word = 'other'$$) AS changed;
RESET ROLE;
BEGIN;
SELECT user_id IS NOT NULL AS in_session FROM bestauth.use_session((SELECT session_token FROM bestauth.login('policy_harbour_clinic', 'changer', U&'d\00E9j\00E0 vu, again and again')));
SELECT pg_temp.verdict_of('SELECT bestauth.change_password(U&''d\00E9j\00E0 vu, again and again'', $1)', 'Lighthouse Keeper 1!') AS changed;
COMMIT;
SET ROLE regress_policy_app;
SELECT regress.attempt('SELECT * FROM bestauth.blocked_password');
RESET ROLE;
-- A dump takes what the operator put there, and leaves out what came with the extension.
SELECT condition AS dumped FROM pg_extension, unnest(extconfig, extcondition) c (relation, condition) WHERE extname = 'bestauth' AND relation = 'bestauth.blocked_password'::regclass \gset
SELECT :'dumped' AS condition;
SELECT word FROM bestauth.blocked_password :dumped ORDER BY word COLLATE "C";
SELECT count(*) > 500 AS builtin, count(*) FILTER (WHERE created_at IS NOT NULL OR word !~ '^[a-z0-9]{3,}$') AS of_another_form FROM bestauth.blocked_password WHERE builtin;
-- So what the operator puts there is never taken for what came with the extension.
SET ROLE regress_policy_operator;
SELECT regress.attempt($$INSERT INTO bestauth.blocked_password (word, builtin) VALUES ('lamplighter', true)$$) IS NOT NULL AS tried;
SELECT count(*) AS lost_by_a_dump FROM bestauth.blocked_password WHERE word = 'lamplighter' AND builtin;
DELETE FROM bestauth.blocked_password WHERE word IN ('lighthousekeeper', 'marktplatz7', 'журавли', 'lamplighter');
RESET ROLE;
SELECT pg_temp.verdict('Lighthouse Keeper 1!') AS gone;

-- No password that was tried is in the audit.
SELECT count(*) FROM bestauth.audit_log a WHERE strpos(a::text, 'qvzkxjwhbm') > 0 OR strpos(a::text, 'vu, again') > 0 OR strpos(a::text, 'grey herons') > 0 OR strpos(a::text, 'Keeper 1!') > 0;

DROP VIEW disguised;
DROP TABLE word, tried;
REVOKE USAGE ON SCHEMA regress FROM regress_policy_operator, regress_policy_app;
SELECT bestauth.revoke_access('regress_policy_operator', 'operator');
SELECT bestauth.revoke_access('regress_policy_app', 'application');
DROP ROLE regress_policy_operator, regress_policy_app;
