CREATE FUNCTION bestauth.function_rules(OUT function text, OUT needs text, OUT permissions text[],
	OUT rule text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_function_rules' LANGUAGE C IMMUTABLE;
COMMENT ON FUNCTION bestauth.function_rules() IS
'Shows the one table of what each public function asks of its caller, which the C code goes by. Which database role may call it at all is in access_rule.
Returns: one row a function; needs: nothing, session, second part (the own session of a user whose type may be a second part), own account (a session, with my_account where its user type needs that), permission (a session that holds one of permissions, of which manage_portal_users counts in an office alone; or the operator), permission or own user, permission or auditor, administrator (a company administrator''s session, or the operator), operator, mailer, superuser; rule: who speaks in a refusal.
Rules: [L-15] [G-09].';

CREATE VIEW bestauth.function_rules AS SELECT * FROM bestauth.function_rules();
COMMENT ON VIEW bestauth.function_rules IS
'What each public function asks of its caller: the table that the C code goes by.';
