CREATE TABLE bestauth.security_question (
	user_id      uuid PRIMARY KEY,
	questions    text[] NOT NULL CHECK (cardinality(questions) BETWEEN 1 AND 3),
	answers_hash text NOT NULL COLLATE "C",
	pepper_id    text COLLATE "C",
	changed_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE bestauth.security_question IS
'Up to three security questions of a user, and the hash of all answers together, made like that of a password [PRV-18]. Row security without a policy.';
ALTER TABLE bestauth.security_question ALTER answers_hash SET STATISTICS 0;
SELECT pg_catalog.pg_extension_config_dump('bestauth.security_question', '');

CREATE FUNCTION bestauth.set_security_questions(questions text[], answers text[]) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_set_security_questions' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.set_security_questions(text[], text[]) IS
'Replaces the security questions of the session''s own user. They are asked for beside the link of a self-service reset, never instead of it. Staff need my_account. It takes a login of the last bestauth.challenge_lifetime (5 minutes).
Parameters: questions: up to three, different ones, each at most 254 bytes; an empty array removes them; answers: one for each; case, accents and further spaces don''t matter; kept as a hash.
Returns: void.
Raises: 22023 not as many answers as questions, more than three, an empty one; 42501 without my_account, or in a key''s session; 28000; 53000 too many passwords are being hashed; 55000 instance closed.
Rules: [PRV-18] [IBS-6].';
