CREATE FUNCTION bestauth.audit_table(relation regclass, id_columns text[] DEFAULT NULL, hidden text[] DEFAULT '{}', ignored text[] DEFAULT '{}', company_column text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_audit_table' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.audit_table(regclass, text[], text[], text[], text) IS
'Puts an application''s table under audit: every row that is inserted, updated (the changed columns) or deleted, by whatever statement and whoever it is, has its row in the audit, in the same transaction, and so has TRUNCATE. The same on everything that inherits from the table, partitions included; those that come later get it in the statement that makes or attaches them. Called again it changes the options and puts right what is missing. It runs with the privileges of the caller, who owns the table, and locks it.
Parameters: relation: an ordinary or partitioned table that inherits from none, or, for hidden and ignored columns of its own, one that inherits from tables under audit; id_columns: what identifies a row, for object_id; NULL: those of the primary key; hidden: columns of which only that they changed is shown; ignored: columns that are left out, and of which a change alone leaves no row; company_column: of type uuid, the company that a row is of; NULL: the column company_id where it is of type uuid, else the session''s company.
Returns: void.
Raises: 22023 not such a table or column, a column in two lists, or a table that inherits from another one; 42501 not its owner; 25006; 55000 instance closed.
Rules: [AUD-5].';

CREATE FUNCTION bestauth.unaudit_table(relation regclass) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_unaudit_table' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.unaudit_table(regclass) IS
'Takes a table, and what inherits from it, from the audit: drops the triggers that audit_table made. What was written stays. It runs with the privileges of the caller, who owns the table, and locks it.
Parameters: relation.
Returns: void.
Raises: 22023 not a table, or it inherits from one that is under audit; 42501 not its owner; 25006; 55000 not under audit, or instance closed.
Rules: [AUD-5].';

CREATE FUNCTION bestauth.record_access(object_type text, object_id text, detail jsonb DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_record_access' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.record_access(text, text, jsonb) IS
'Writes down that the session''s user read something: record.accessed, in the session''s company. In the transaction that it is called in, and gone with it; in a transaction that only reads, by the writer, at once and for good.
Parameters: object_type: what kind of thing, 1 to 100 characters; object_id: which one, up to 200 characters, NULL for none; detail: an object of up to 8 kB, without secrets and without the key folded.
Returns: void.
Raises: 22023; 25006 on a standby; 28000 no session; 53000 no writer; 55000 instance closed.
Rules: [AUD-5].';

-- Arguments are told apart by the zero bytes between them. Somebody may have made such a
-- trigger by hand, with other ones: what is no array of text is not read as one.
CREATE VIEW bestauth.audit_trigger WITH (security_barrier) AS
WITH kind (name, function, type, old_table, new_table) AS (VALUES
	('bestauth_audit_insert', 'audit_rows_tg', 4, false, true), ('bestauth_audit_update', 'audit_rows_tg', 16, true, true),
	('bestauth_audit_delete', 'audit_rows_tg', 8, true, false), ('bestauth_audit_truncate', 'audit_truncate_tg', 32, false, false),
	('bestauth_audit_merge', 'audit_move_tg', 18, false, false), ('bestauth_audit_move', 'audit_move_tg', 9, false, false)
), argument AS (
	SELECT t.oid, array_agg(convert_from(decode(replace(u.value, ' ', ''), 'hex'), getdatabaseencoding()) ORDER BY u.place) AS list
	FROM pg_trigger t, unnest(string_to_array(regexp_replace(encode(t.tgargs, 'hex'), '(..)', '\1 ', 'g'), '00 ')) WITH ORDINALITY u (value, place)
	WHERE u.place <= t.tgnargs AND t.tgnargs = 4 GROUP BY t.oid
), valid (pattern) AS (VALUES ('^\{(("([^"\\]|\\.)*"|[^"\\{},[:space:]]+)(,("([^"\\]|\\.)*"|[^"\\{},[:space:]]+))*)?\}$'))
SELECT t.tgrelid AS relation, t.tgname AS name, t.tgenabled = 'A' AS enabled, a.list AS options,
	coalesce(p.pronamespace = 'bestauth'::regnamespace AND p.proname = k.function AND t.tgtype = k.type AND t.tgqual IS NULL AND t.tgattr = ''
		AND (t.tgoldtable IS NOT NULL) = k.old_table AND (t.tgnewtable IS NOT NULL) = k.new_table
		AND a.list[1] ~ v.pattern AND a.list[2] ~ v.pattern AND a.list[3] ~ v.pattern, false) AS intact,
	CASE WHEN a.list[1] ~ v.pattern THEN a.list[1]::text[] END AS id_columns,
	CASE WHEN a.list[2] ~ v.pattern THEN a.list[2]::text[] END AS hidden,
	CASE WHEN a.list[3] ~ v.pattern THEN a.list[3]::text[] END AS ignored,
	nullif(a.list[4], '') AS company_column
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid CROSS JOIN valid v
LEFT JOIN kind k ON k.name = t.tgname LEFT JOIN argument a ON a.oid = t.oid
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND c.relnamespace <> 'bestauth'::regnamespace
	AND (k.name IS NOT NULL OR p.pronamespace = 'bestauth'::regnamespace AND p.proname IN (SELECT function FROM kind));
COMMENT ON VIEW bestauth.audit_trigger IS
'The triggers that audit_table makes, on whatever table, with what they were given. intact: nobody changed them.';

CREATE VIEW bestauth.audited_tables WITH (security_barrier) AS
WITH RECURSIVE tree AS (
	SELECT relation FROM bestauth.audit_trigger
	UNION
	SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.relation JOIN pg_class c ON c.oid = i.inhrelid
	WHERE c.relpersistence <> 't'
), found AS (
	SELECT relation, count(*) AS triggers, count(DISTINCT options) AS versions, max(options) AS options,
		max(id_columns) AS id_columns, max(hidden) AS hidden, max(ignored) AS ignored, max(company_column) AS company_column
	FROM bestauth.audit_trigger GROUP BY relation
), wanted AS (
	SELECT c.oid AS relation, w.name FROM tree t JOIN pg_class c ON c.oid = t.relation, LATERAL (VALUES
		('bestauth_audit_delete', true), ('bestauth_audit_insert', true), ('bestauth_audit_merge', c.relkind = 'p'),
		('bestauth_audit_move', c.relkind = 'r' AND c.relispartition), ('bestauth_audit_truncate', true), ('bestauth_audit_update', true)) w (name, has)
	WHERE w.has
), fault AS (
	SELECT coalesce(w.relation, a.relation) AS relation, bool_and(a.enabled IS TRUE AND a.intact OR w.name IS NULL) AS enabled,
		concat_ws('; ', 'missing: ' || string_agg(w.name, ', ' ORDER BY w.name) FILTER (WHERE a.name IS NULL),
			'not firing always: ' || string_agg(a.name, ', ' ORDER BY a.name) FILTER (WHERE NOT a.enabled),
			'changed: ' || string_agg(a.name, ', ' ORDER BY a.name) FILTER (WHERE w.name IS NOT NULL AND NOT a.intact),
			'one too many: ' || string_agg(quote_ident(a.name), ', ' ORDER BY a.name) FILTER (WHERE w.name IS NULL AND a.name <> 'bestauth_audit_move')) AS triggers
	FROM wanted w FULL JOIN bestauth.audit_trigger a ON a.relation = w.relation AND a.name = w.name
	GROUP BY 1
), gone AS (
	SELECT f.relation, string_agg(quote_ident(l.name), ', ' ORDER BY l.name COLLATE "C") AS columns, bool_or(l.secret) AS secret
	FROM found f, LATERAL (SELECT unnest(f.id_columns), false UNION SELECT unnest(f.hidden), true UNION SELECT unnest(f.ignored), true
		UNION SELECT f.company_column, false WHERE f.company_column IS NOT NULL) l (name, secret)
	WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = f.relation AND a.attname = l.name AND a.attnum > 0 AND NOT a.attisdropped)
	GROUP BY f.relation
)
SELECT c.oid::regclass AS relation, f.id_columns, f.hidden, f.ignored, f.company_column, coalesce(x.enabled, false) AS enabled,
	nullif(CASE WHEN c.relkind = 'f' THEN 'a foreign table cannot be under audit'
		WHEN f.relation IS NULL THEN 'it inherits from a table that is under audit, and is not itself' ELSE concat_ws('; ',
		'triggers ' || nullif(x.triggers, ''),
		CASE WHEN f.versions > 1 THEN 'its triggers differ in what they were given' END,
		'not there as a column: ' || g.columns || CASE WHEN g.secret THEN ', so that no value is shown' ELSE '' END,
		(SELECT format('column %I is not of type uuid', a.attname) FROM pg_attribute a
			WHERE a.attrelid = c.oid AND a.attname = f.company_column AND a.atttypid <> 'uuid'::regtype AND NOT a.attisdropped),
		(SELECT 'its rows can be changed through ' || string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhparent::regclass::text COLLATE "C")
				|| ', which is not under audit'
			FROM pg_inherits i WHERE i.inhrelid = c.oid AND NOT EXISTS (SELECT FROM found o WHERE o.relation = i.inhparent)),
		(SELECT 'it was given other columns than ' || i.inhparent::regclass::text FROM pg_inherits i JOIN found o ON o.relation = i.inhparent
			WHERE i.inhrelid = c.oid AND c.relispartition AND o.options <> f.options),
		(SELECT 'what a subscription writes fires no such trigger: ' || string_agg(s.subname, ', ' ORDER BY s.subname)
			FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid WHERE r.srrelid = c.oid)) END, '') AS problem
FROM tree t JOIN pg_class c ON c.oid = t.relation LEFT JOIN found f ON f.relation = t.relation
LEFT JOIN fault x ON x.relation = t.relation LEFT JOIN gone g ON g.relation = t.relation
WHERE (SELECT bestauth.has_access('auditor'));
COMMENT ON VIEW bestauth.audited_tables IS
'The application''s tables that audit_table was called for, as the catalogs have them now, and what inherits from them. id_columns, hidden, ignored, company_column: what it was told; enabled: every change is written; problem: what is wrong, NULL if nothing. Most of it is put right by calling audit_table again [AUD-5].';
