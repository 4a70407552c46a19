-- User types: what each may and must, and what it costs.
\set SHOW_CONTEXT never
-- [IBS-4] [IBS-7] [MCM-5] The one table.
SELECT user_type, charged, logs_in_alone, needs_second_part, may_be_second_part AS second_part
FROM bestauth.user_type_rules;
SELECT user_type, may_hold_permissions, holds_all_permissions, needs_billing_service AS service,
	needs_email AS email, needs_portal AS portal FROM bestauth.user_type_rules;
SELECT user_type, needs_my_account AS my_account, needs_contact AS contact, needs_verification AS verification, needs_office AS office, by_assertion FROM bestauth.user_type_rules;
SELECT user_type, reason FROM bestauth.user_type_rules;
SELECT count(*) AS differences FROM
	(TABLE bestauth.user_type_rules EXCEPT SELECT * FROM bestauth.user_type_rules()) d;

SELECT bestauth.create_company('usertype_svc', 'Service') IS NOT NULL AS made;
SELECT bestauth.register_billing_service('usertype_svc');
SELECT bestauth.create_company('usertype_clinic', 'Clinic') IS NOT NULL AS made;

-- No other type exists, however a row comes in.
SELECT regress.attempt($$SELECT bestauth.create_user('x', 'boss', 'X', 'Y', 'x@example.org', company => 'usertype_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.create_user('x', 'Standard', 'X', 'Y', 'x@example.org', company => 'usertype_clinic')$$);
SELECT regress.attempt($$INSERT INTO bestauth.user_account (company_id, username, user_type, first_name, last_name, email)
	SELECT company_id, 'x', 'boss', 'X', 'Y', 'x@example.org' FROM bestauth.company WHERE code = 'usertype_clinic'$$);

-- What must be set: names and an address for people, a name and a service for
-- keys [TPB-3], a portal for clients and providers.
SELECT regress.attempt($$SELECT bestauth.create_user('x', 'standard', 'X', NULL, 'x@example.org', company => 'usertype_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.create_user('x', 'standard', ' ', 'Y', 'x@example.org', company => 'usertype_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.create_user('x', 'restricted', 'X', 'Y', company => 'usertype_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.create_user('x', 'company_administrator', 'X', 'Y', 'no address', company => 'usertype_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.create_user('x', 'standard', 'X', 'Y', 'x@example.org', NULL, 'usertype_svc', company => 'usertype_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.create_user('x', 'billing', NULL, NULL, NULL, 'a long password of the key', 'usertype_svc', company => 'usertype_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.create_user('x', 'billing', 'Key', NULL, NULL, 'a long password of the key', company => 'usertype_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.create_user('x', 'billing', 'Key', NULL, NULL, NULL, 'usertype_svc', company => 'usertype_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.create_user('x', 'client', 'X', 'Y', 'x@example.org', company => 'usertype_clinic')$$);
SELECT regress.attempt($$SELECT bestauth.create_user('x', 'provider', 'X', 'Y', 'x@example.org', company => 'usertype_clinic')$$);
-- An assertion makes a federated user, and nobody else does.
SELECT regress.attempt($$SELECT bestauth.create_user('x', 'federated', 'X', 'Y', company => 'usertype_clinic')$$);

-- One of each type that there is without a portal.
SELECT bestauth.create_user('sam', 'standard', 'Sam', 'Standard', 'sam@example.org', 'a long password of sam', company => 'usertype_clinic') IS NOT NULL AS made;
SELECT bestauth.create_user('sue', 'standard', 'Sue', 'Standard', 'sue@example.org', 'a long password of sue', company => 'usertype_clinic') IS NOT NULL AS made;
SELECT bestauth.create_user('rita', 'restricted', 'Rita', 'Restricted', 'rita@example.org', 'a long password of rita', company => 'usertype_clinic') IS NOT NULL AS made;
SELECT bestauth.create_user('adam', 'company_administrator', 'Adam', 'Admin', 'adam@example.org', 'a long password of adam', company => 'usertype_clinic') IS NOT NULL AS made;
SELECT bestauth.create_user('key', 'billing', NULL, 'Service', NULL, 'a long password of the key', 'usertype_svc', company => 'usertype_clinic') IS NOT NULL AS made;
-- And a client, who is charged for in no company.
SELECT bestauth.create_portal('usertype_clinic', 'patients', 'client', 'Patients') IS NOT NULL AS portal,
	bestauth.create_portal_account(bestauth.create_contact('client', 'Clea', 'Client', 'clea@example.org', 'usertype_clinic'), 'clea@example.org', company => 'usertype_clinic') IS NOT NULL AS made;
SELECT bestauth.create_user('solo', 'standard', 'Sol', 'Standard', 'sol@example.org', 'a long password of sol', company => 'usertype_svc') IS NOT NULL AS made;

-- [IBS-7] The report counts in each company, and says of each user why.
SELECT company, username, user_type, charged, reason, company_total
FROM bestauth.chargeable_users WHERE company LIKE 'usertype%' ORDER BY company, username;

-- A locked user is charged, a deleted one is not.
SELECT bestauth.lock_user('sam', company => 'usertype_clinic');
SELECT bestauth.delete_user('sue', company => 'usertype_clinic');
SELECT username, charged, company_total FROM bestauth.chargeable_users
WHERE company = 'usertype_clinic' AND charged ORDER BY username;

-- A type changes by direct SQL alone, and the rules of the new one hold.
SELECT regress.attempt($$UPDATE bestauth.user_account u SET user_type = 'billing' FROM bestauth.company c
	WHERE c.company_id = u.company_id AND c.code = 'usertype_clinic' AND username = 'sam'$$);
SELECT regress.attempt($$UPDATE bestauth.user_account u SET user_type = 'standard' FROM bestauth.company c
	WHERE c.company_id = u.company_id AND c.code = 'usertype_clinic' AND username = 'key'$$);
SELECT regress.attempt($$UPDATE bestauth.user_account u SET user_type = 'client' FROM bestauth.company c
	WHERE c.company_id = u.company_id AND c.code = 'usertype_clinic' AND username = 'sam'$$);
SELECT regress.attempt($$UPDATE bestauth.user_account u SET user_type = 'chief' FROM bestauth.company c
	WHERE c.company_id = u.company_id AND c.code = 'usertype_clinic' AND username = 'sam'$$);
UPDATE bestauth.user_account u SET user_type = 'restricted' FROM bestauth.company c
WHERE c.company_id = u.company_id AND c.code = 'usertype_clinic' AND username = 'sam';
SELECT username, user_type, charged, company_total FROM bestauth.chargeable_users
WHERE company = 'usertype_clinic' AND username IN ('adam', 'sam') ORDER BY username;
