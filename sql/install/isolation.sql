CREATE FUNCTION bestauth.isolate_table(relation regclass, company_column text DEFAULT 'company_id') RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_isolate_table' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.isolate_table(regclass, text) IS
'Puts an application''s table under isolation by company: row security, enabled and forced on its owner too; the restrictive policy bestauth_company, by which a session sees and writes rows of the companies that it may enter and no others; where the table has no permissive policy, bestauth_rows as well; NOT NULL on the column, and an index that begins with it. The same on everything that inherits from the table, partitions included. Called again it puts right what is missing; after ATTACH PARTITION and after other policies were made or dropped, call it again. It runs with the privileges of the caller, who owns the table, and locks it.
Parameters: relation: an ordinary or partitioned table; company_column: of type uuid.
Returns: void.
Raises: 22023 not such a table or column; 23502 the column has NULLs; 42501 not its owner; 25006; 55000 instance closed.
Rules: [H-01].';

CREATE FUNCTION bestauth.unisolate_table(relation regclass) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_unisolate_table' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.unisolate_table(regclass) IS
'Takes off what isolate_table put on: the policies, the indexes that it made, and row security, which stays (a NOTICE says so) where the table has other policies. NOT NULL stays. It runs with the privileges of the caller, who owns the table, and locks it.
Parameters: relation.
Returns: void.
Raises: 22023 not a table; 42501 not its owner; 25006; 55000 not isolated, or instance closed.
Rules: [H-01].';

-- An expression is compared as the tree that it is: pg_get_expr() writes it by the reader's
-- search_path, in which a function of the same name may stand.
CREATE VIEW bestauth.isolation_policy WITH (security_barrier) AS
SELECT p.polrelid AS relation, p.polname AS name, a.attname AS company_column,
	a.attname IS NOT NULL AND p.polcmd = '*' AND p.polroles = '{0}' AND CASE p.polname
		WHEN 'bestauth_company' THEN NOT p.polpermissive AND substring(p.polwithcheck::text FROM t.call) IS NOT DISTINCT FROM a.attnum::text
		ELSE p.polpermissive AND pg_get_expr(p.polwithcheck, p.polrelid) IS NOT DISTINCT FROM 'true' END AS intact
FROM pg_policy p
CROSS JOIN (SELECT format('^\{FUNCEXPR :funcid %s [^{}]*:args \(\{VAR :varno 1 :varattno ([0-9]+) [^{}]*\}\)[^{}]*\}$',
	'bestauth.can_access_company(uuid)'::regprocedure::oid)) AS t (call)
LEFT JOIN pg_attribute a ON a.attrelid = p.polrelid AND a.attnum::text = substring(p.polqual::text FROM t.call)
WHERE p.polname IN ('bestauth_company', 'bestauth_rows');
COMMENT ON VIEW bestauth.isolation_policy IS
'The policies that isolate_table makes, on whatever table, and the column that they go by. intact: nobody changed them.';

CREATE VIEW bestauth.isolation_index WITH (security_barrier) AS
SELECT i.indrelid AS relation, a.attname AS company_column, i.indexrelid AS index
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
JOIN pg_opclass o ON o.oid = i.indclass[0]
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE m.amname = 'btree' AND o.opcdefault AND i.indisvalid AND i.indpred IS NULL;
COMMENT ON VIEW bestauth.isolation_index IS
'The indexes by which the rows of a company can be found: B-trees, valid, on the whole table, and the column that they begin with.';

CREATE VIEW bestauth.isolated_tables WITH (security_barrier) AS
WITH RECURSIVE tree AS (
	SELECT relation, company_column FROM bestauth.isolation_policy
	UNION
	SELECT i.inhrelid, t.company_column FROM tree t JOIN pg_inherits i ON i.inhparent = t.relation
), isolated AS (
	SELECT t.relation, coalesce(max(p.company_column::text), max(t.company_column::text))::name AS company_column,
		bool_or(p.name = 'bestauth_company') IS TRUE AS company, bool_or(p.name = 'bestauth_rows') IS TRUE AS rows,
		bool_and(p.intact) FILTER (WHERE p.name = 'bestauth_company') IS TRUE AS company_intact,
		bool_and(p.intact) FILTER (WHERE p.name = 'bestauth_rows') IS NOT FALSE AS rows_intact
	FROM tree t LEFT JOIN bestauth.isolation_policy p ON p.relation = t.relation
	GROUP BY t.relation
), bound AS (
	SELECT oid FROM pg_roles WHERE NOT rolsuper AND NOT rolbypassrls UNION ALL SELECT 0
), reader AS (
	SELECT d.refobjid AS relation, v.oid AS view, v.relkind = 'm' AS stored, v.relowner NOT IN (SELECT oid FROM bound) AS free,
		EXISTS (SELECT FROM pg_options_to_table(v.reloptions) o WHERE o.option_name = 'security_invoker' AND o.option_value::boolean) AS by_caller,
		EXISTS (SELECT FROM aclexplode(coalesce(v.relacl, acldefault('r', v.relowner))) g
			WHERE g.privilege_type = 'SELECT' AND g.grantee IN (SELECT oid FROM bound)) AS used
	FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
	WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
		AND d.refobjid >= 16384 AND v.oid <> d.refobjid AND v.relkind IN ('v', 'm')
), way AS (
	-- A view reads its tables with its owner's rights, or always its caller's; a stored one has
	-- what its owner saw. Whatever reads such rows has them too.
	SELECT r.relation, r.view, r.by_caller, r.used, r.stored OR r.free AND NOT r.by_caller AS past
	FROM reader r JOIN isolated i ON i.relation = r.relation
	UNION
	SELECT w.relation, r.view, r.by_caller, r.used, r.stored OR w.past
	FROM way w JOIN reader r ON r.relation = w.view WHERE w.by_caller OR w.past
)
SELECT c.oid::regclass AS relation, t.company_column, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
	t.company_intact AND t.rows_intact AS policy_intact,
	(SELECT min(x.index) FROM bestauth.isolation_index x WHERE x.relation = c.oid AND x.company_column = t.company_column)::regclass AS index,
	nullif(CASE WHEN c.relkind = 'f' THEN 'a foreign table can have no policy'
		WHEN NOT t.company AND NOT t.rows THEN 'it inherits from an isolated table, and is not isolated itself' ELSE concat_ws('; ',
		CASE WHEN NOT c.relrowsecurity THEN 'row security is not enabled' END,
		CASE WHEN NOT c.relforcerowsecurity THEN 'row security is not forced: its owner sees every row' END,
		CASE WHEN NOT t.company THEN 'policy bestauth_company is missing'
			WHEN NOT t.company_intact THEN 'policy bestauth_company was changed' END,
		CASE WHEN NOT t.rows_intact THEN 'policy bestauth_rows was changed' END,
		CASE WHEN NOT t.rows AND o.permissive IS NULL THEN 'there is no permissive policy: nobody sees a row'
			WHEN t.rows THEN 'bestauth_rows allows what these permissive policies would not: ' || o.permissive END,
		(SELECT format('column %I can be NULL', a.attname) FROM pg_attribute a
			WHERE a.attrelid = c.oid AND a.attname = t.company_column AND NOT a.attnotnull),
		CASE WHEN c.relkind = 'r' AND NOT EXISTS (SELECT FROM bestauth.isolation_index x
			WHERE x.relation = c.oid AND x.company_column = t.company_column)
			THEN format('no index begins with column %I', t.company_column) END,
		(SELECT 'no policy stops TRUNCATE, which is granted to '
				|| string_agg(CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END, ', ' ORDER BY g.grantee)
			FROM (SELECT DISTINCT grantee FROM aclexplode(c.relacl)
				WHERE privilege_type = 'TRUNCATE' AND grantee <> c.relowner AND grantee IN (SELECT oid FROM bound)) g),
		(SELECT 'these views are read past row security: ' || string_agg(w.view::regclass::text, ', ' ORDER BY w.view)
			FROM way w WHERE w.relation = c.oid AND w.past AND w.used AND NOT w.by_caller)) END, '') AS problem
FROM isolated t JOIN pg_class c ON c.oid = t.relation
CROSS JOIN LATERAL (SELECT string_agg(quote_ident(p.polname), ', ' ORDER BY p.polname) AS permissive FROM pg_policy p
	WHERE p.polrelid = c.oid AND p.polpermissive AND p.polname NOT IN ('bestauth_company', 'bestauth_rows')) AS o
WHERE (SELECT bestauth.has_access('auditor'));
COMMENT ON VIEW bestauth.isolated_tables IS
'The application''s tables that isolate_table was called for, as the catalogs have them now, and what inherits from them: partitions that were attached later are here too. policy_intact: nobody changed the policies; index: one that begins with the column; problem: what is wrong, NULL if nothing. Most of it is put right by calling isolate_table again [H-01].';
