-- Companies: parents and children, and which of them are billing services.
\set SHOW_CONTEXT never
CREATE ROLE regress_company_operator;
CREATE ROLE regress_company_app;
SELECT bestauth.grant_access('regress_company_operator', 'operator');
SELECT bestauth.grant_access('regress_company_app', 'application');
GRANT USAGE ON SCHEMA regress TO regress_company_operator, regress_company_app;

-- Whoever was granted operator access makes them.
SET ROLE regress_company_operator;
SELECT bestauth.create_company('company_svc', 'Best Billing') IS NOT NULL AS made;
SELECT bestauth.create_company('company_other', 'Other Billing') IS NOT NULL AS made;
SELECT bestauth.create_company('company_parent', 'Parent Clinic') AS id \gset parent_
SELECT code, name, parent_id FROM bestauth.company WHERE company_id = :'parent_id';
SELECT bestauth.create_company('Company-Child', 'Child Clinic', 'COMPANY_PARENT') IS NOT NULL AS made;
RESET ROLE;
SELECT c.code, c.name, p.code AS parent FROM bestauth.company c
LEFT JOIN bestauth.company p ON p.company_id = c.parent_id
WHERE c.code ILIKE 'company%' ORDER BY lower(c.code) COLLATE "C";

-- A code is taken whatever its case, and is nothing that needs quoting.
SELECT regress.attempt($$SELECT bestauth.create_company('COMPANY_svc', 'Copy')$$);
SELECT regress.attempt($$SELECT bestauth.create_company('company svc', 'Space')$$);
SELECT regress.attempt($$SELECT bestauth.create_company('_company', 'Sign first')$$);
SELECT regress.attempt($$SELECT bestauth.create_company('compañy', 'Accent')$$);
SELECT regress.attempt($$SELECT bestauth.create_company(NULL, 'Nothing')$$);
SELECT regress.attempt($$SELECT bestauth.create_company('company_unnamed', '  ')$$);
SELECT regress.attempt(format('SELECT bestauth.create_company(%L, %L)', 'company_' || repeat('x', 56), 'Too long'));
SELECT regress.attempt($$UPDATE bestauth.company SET code = 'company_new' WHERE code = 'company_svc'$$);
SELECT regress.attempt($$UPDATE bestauth.company SET company_id = bestauth.uuidv7() WHERE code = 'company_svc'$$);
SELECT regress.attempt($$DELETE FROM bestauth.company WHERE code = 'company_svc'$$);
SET client_min_messages = warning;
SELECT regress.attempt($$TRUNCATE bestauth.company CASCADE$$);
RESET client_min_messages;

-- [MCM-1] One level deep, by the function and by direct SQL.
SELECT regress.attempt($$SELECT bestauth.create_company('company_grandchild', 'Deep', 'company-child')$$);
SELECT regress.attempt($$SELECT bestauth.create_company('company_orphan', 'No parent', 'company_nobody')$$);
SELECT regress.attempt($$UPDATE bestauth.company SET parent_id = company_id WHERE code = 'company_other'$$);
SELECT regress.attempt($$UPDATE bestauth.company SET parent_id =
	(SELECT company_id FROM bestauth.company WHERE code = 'company_other') WHERE code = 'company_parent'$$);
SELECT regress.attempt($$UPDATE bestauth.company SET parent_id =
	(SELECT company_id FROM bestauth.company WHERE code = 'Company-Child') WHERE code = 'company_other'$$);
SELECT regress.attempt($$INSERT INTO bestauth.company (code, name, parent_id)
	VALUES ('company_lost', 'Lost', bestauth.uuidv7())$$);
SELECT count(*) FROM bestauth.company WHERE code ILIKE 'company%';

-- [TPB-1] A service has users and credentials of its own in its own company.
-- [IBS-1] They may exist before it is registered.
SELECT bestauth.create_user('anna', 'restricted', 'Anna', 'Biller', 'anna@svc.example', 'a long password of anna', company => 'company_svc') IS NOT NULL AS made;
SELECT bestauth.create_user('boss', 'company_administrator', 'Bert', 'Boss', 'boss@svc.example', 'a long password of bert', company => 'company_svc') IS NOT NULL AS made;
SELECT outcome FROM bestauth.login('company_svc', 'anna', 'a long password of anna');

-- It is charged like any other.
SELECT username, charged, company_total FROM bestauth.chargeable_users WHERE company = 'company_svc' ORDER BY username;

-- [TPB-2] A company that is not registered can't be chosen.
SELECT regress.attempt($$SELECT bestauth.create_user('key', 'billing', 'Best', NULL, NULL,
	'a long password of the key', 'company_svc', company => 'company_parent')$$);
SELECT regress.attempt($$SELECT bestauth.create_user('key', 'billing', 'Best', NULL, NULL,
	'a long password of the key', 'company_nobody', company => 'company_parent')$$);

-- [IBS-1] Only the operator registers: not a session of the company's own
-- administrator, whatever database role it runs under, and not an application.
SELECT * FROM bestauth.login('company_svc', 'boss', 'a long password of bert') \gset boss_
BEGIN;
SELECT * FROM bestauth.use_session(:'boss_session_token') \gset s_
SELECT regress.attempt($$SELECT bestauth.register_billing_service('company_svc')$$);
SELECT regress.attempt($$SELECT bestauth.unregister_billing_service('company_svc')$$);
SELECT regress.attempt($$SELECT bestauth.create_company('company_mine', 'Mine')$$);
ROLLBACK;
SET ROLE regress_company_app;
SELECT regress.attempt($$SELECT bestauth.register_billing_service('company_svc')$$);
SELECT regress.attempt($$SELECT bestauth.create_company('company_mine', 'Mine')$$);
SELECT regress.attempt($$INSERT INTO bestauth.billing_service (company_id) VALUES (bestauth.uuidv7())$$);
RESET ROLE;

-- [AUD-7] The refusals outlived the rollback, with who was refused what.
SELECT username, object_id, outcome, detail->>'rule' AS rule FROM bestauth.audit_log
WHERE company_code = 'company_svc' AND action = 'access.denied' ORDER BY audit_id;

SET ROLE regress_company_operator;
SELECT bestauth.register_billing_service('COMPANY_SVC');
SELECT bestauth.register_billing_service('company_other');
SELECT regress.attempt($$SELECT bestauth.register_billing_service('company_svc')$$);
SELECT regress.attempt($$SELECT bestauth.register_billing_service('company_nobody')$$);
RESET ROLE;

-- [TPB-2] Now it can.
SELECT bestauth.create_user('key', 'billing', 'Best', NULL, NULL, 'a long password of the key', 'Company_svc', company => 'company_parent') IS NOT NULL AS made;

-- What a form offers: to whom manages users, and to the operator.
SELECT bestauth.create_user('head', 'standard', 'Hedda', 'Head', 'head@parent.example', 'a long password of hedda', permissions => '{manage_users}', company => 'company_parent') IS NOT NULL AS made;
SELECT bestauth.create_user('hand', 'standard', 'Hans', 'Hand', 'hand@parent.example', 'a long password of hans', company => 'company_parent') IS NOT NULL AS made;
SELECT * FROM bestauth.login('company_parent', 'head', 'a long password of hedda') \gset head_
SELECT * FROM bestauth.login('company_parent', 'hand', 'a long password of hans') \gset hand_
SET ROLE regress_company_app;
SELECT regress.attempt('SELECT bestauth.list_billing_services()');
BEGIN;
SELECT * FROM bestauth.use_session(:'head_session_token') \gset s_
SELECT code, name FROM bestauth.list_billing_services(1000) WHERE code LIKE 'company%';
SELECT code FROM bestauth.list_billing_services(1, 'company_nothing');
SELECT regress.attempt('SELECT bestauth.list_billing_services(0)');
SELECT * FROM bestauth.use_session(:'hand_session_token') \gset s_
SELECT regress.attempt('SELECT bestauth.list_billing_services()');
COMMIT;
RESET ROLE;

-- Page by page gives every row once, in the same order.
WITH RECURSIVE page AS (
	(SELECT * FROM bestauth.list_billing_services(1))
	UNION ALL
	SELECT following.* FROM page, LATERAL bestauth.list_billing_services(1, page.next) following
)
SELECT (SELECT array_agg(code) FROM page) = (SELECT array_agg(code) FROM bestauth.list_billing_services(1000)) AS paged;

-- [TPB-2] Once unregistered it can't be chosen any more, by direct SQL either;
-- the keys that there are stay, and admit nobody.
SET ROLE regress_company_operator;
SELECT bestauth.unregister_billing_service('company_svc');
SELECT regress.attempt($$SELECT bestauth.unregister_billing_service('company_svc')$$);
SELECT regress.attempt($$SELECT bestauth.create_user('key2', 'billing', 'Best', NULL, NULL,
	'a long password of the key', 'company_svc', company => 'company_parent')$$);
SELECT code FROM bestauth.list_billing_services(1000) WHERE code LIKE 'company%';
SELECT bestauth.create_user('key3', 'billing', 'Other', NULL, NULL, 'a long password of the key', 'company_other', company => 'company_parent') IS NOT NULL AS made;
SELECT regress.attempt($$UPDATE bestauth.user_account u SET billing_service_id = s.company_id
	FROM bestauth.company s WHERE u.username = 'key3' AND s.code = 'company_svc'$$);
RESET ROLE;
SELECT count(*) FROM bestauth.user_account u JOIN bestauth.company c USING (company_id)
WHERE c.code = 'company_parent' AND u.username = 'key' AND u.deleted_at IS NULL;
SELECT outcome, challenge_token FROM bestauth.login('company_parent', 'key', 'a long password of the key');
SELECT detail->>'reason' AS reason FROM bestauth.audit_log
WHERE company_code = 'company_parent' AND action = 'login.denied' ORDER BY audit_id DESC LIMIT 1;
SELECT regress.attempt($$DELETE FROM bestauth.billing_service$$);

-- Registering again brings the key back.
SELECT bestauth.register_billing_service('company_svc');
SELECT outcome, billing_service FROM bestauth.login('company_parent', 'key', 'a long password of the key');

-- [AUD-1] Each act has its audit row, beside the rows that changed.
SELECT action, object_type, object_id, outcome FROM bestauth.audit_log
WHERE company_code ILIKE 'company%' AND (action LIKE 'company.%' OR action LIKE 'billing_service.%') ORDER BY audit_id;
SELECT action, object_type, count(*) FROM bestauth.audit_log
WHERE company_code ILIKE 'company%' AND object_type IN ('bestauth.company', 'bestauth.billing_service')
GROUP BY action, object_type ORDER BY object_type, action;

REVOKE USAGE ON SCHEMA regress FROM regress_company_operator, regress_company_app;
SELECT bestauth.revoke_access('regress_company_operator', 'operator');
SELECT bestauth.revoke_access('regress_company_app', 'application');
DROP ROLE regress_company_operator, regress_company_app;
