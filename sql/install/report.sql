CREATE VIEW bestauth.chargeable_users AS
SELECT c.code AS company, c.name AS company_name, u.username, u.user_type,
	u.first_name, u.last_name, t.charged, t.reason,
	pg_catalog.count(*) FILTER (WHERE t.charged) OVER (PARTITION BY u.company_id) AS company_total
FROM bestauth.user_account u
JOIN bestauth.company c USING (company_id)
JOIN bestauth.user_type_rules t USING (user_type)
WHERE u.deleted_at IS NULL;
COMMENT ON VIEW bestauth.chargeable_users IS
'Every user that is not deleted, whether it is charged and why, and the number of charged ones in its company. WHERE charged gives the bill [IBS-7].';
