CREATE FUNCTION bestauth.user_type_rules(OUT user_type text, OUT charged boolean,
	OUT logs_in_alone boolean, OUT needs_second_part boolean, OUT may_be_second_part boolean,
	OUT may_hold_permissions boolean, OUT holds_all_permissions boolean,
	OUT needs_billing_service boolean, OUT needs_email boolean, OUT needs_portal boolean, OUT reason text,
	OUT needs_my_account boolean, OUT needs_contact boolean, OUT needs_verification boolean, OUT needs_office boolean, OUT by_assertion boolean)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_user_type_rules' LANGUAGE C IMMUTABLE;
COMMENT ON FUNCTION bestauth.user_type_rules() IS
'Shows the one table of user types that the C code and the triggers go by.
Returns: one row a type; reason says why it is charged or not; needs_my_account whether the permission my_account is needed to change the own password; needs_contact whether it is the account of a contact, whose e-mail address is the user name; needs_verification whether that address is proved before the first login; needs_office whether the user is one of an office; by_assertion whether it signs on elsewhere, and has no password here.
Rules: [IBS-4] [IBS-6] [IBS-7] [MCM-5] [PRT-2] [PRT-6] [B-09].';

CREATE VIEW bestauth.user_type_rules AS SELECT * FROM bestauth.user_type_rules();
COMMENT ON VIEW bestauth.user_type_rules IS
'What each user type may and must: the table that the C code goes by.';
