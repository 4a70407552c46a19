-- The audit of an application's table, sealed; somebody who rules the server changes history,
-- and is found out, inside and outside the database; and an emergency.
\ir style.psql

\echo
\echo '=== 38. The DBA puts the claims under audit, names apart; Betty corrects one, and tells that she read it'
\echo
SELECT bestauth.audit_table('claim', hidden => '{patient}');
SELECT relation, id_columns, hidden, company_column, enabled, problem FROM bestauth.audited_tables;
SET ROLE webapp;
SELECT * FROM bestauth.login('west', 'betty', 'green lamps over the dock') \gset betty_
BEGIN;
SELECT FROM bestauth.use_session(:'betty_session_token');
SELECT min(claim_id) AS wrong FROM claim WHERE company_id = :'coast' \gset
SELECT bestauth.record_access('claim', :'wrong', '{"screen": "corrections"}');
UPDATE claim SET amount = amount + 75, patient = 'Walter Walker' WHERE claim_id = :wrong;
COMMIT;
RESET ROLE;
SELECT to_char(occurred_at, 'HH24:MI:SS') AS time, username, company, action, object_id AS claim, old_values AS old, new_values AS new, detail
FROM bestauth.audit_report(username => 'betty') WHERE object_type IN ('claim', 'public.claim');

\echo '=== 39. Sealed: what was kept elsewhere is good for all that came before it'
\echo
SELECT bestauth.audit_seal() > 0 AS sealed;
SELECT bestauth.audit_digest() AS digest \gset
SELECT d.block, d.sealed_at, d.block_hash FROM jsonb_to_record(:'digest') AS d (block bigint, sealed_at timestamptz, block_hash text);
SELECT ok, rows_checked > 0 AS rows, blocks_checked > 0 AS blocks, reason FROM bestauth.audit_verify(:'digest');

\echo '=== 40. Somebody with all rights takes the guard away, and makes the correction another''s'
\echo
BEGIN;
SELECT tableoid::regclass AS part, audit_id AS forged FROM bestauth.audit_log WHERE object_type = 'public.claim' AND action = 'row.updated' \gset
ALTER TABLE :part DISABLE TRIGGER guard;
UPDATE :part SET username = 'barney', person = 'barney' WHERE audit_id = :forged;
SELECT ok, bad_audit_id, reason FROM bestauth.audit_verify();
\echo '    Also where the row is taken away'
DELETE FROM :part WHERE audit_id = :forged;
SELECT ok, bad_block, reason FROM bestauth.audit_verify();
ROLLBACK;
SELECT ok FROM bestauth.audit_verify(:'digest');

\echo '=== 41. An auditor takes all of it home, and checks it there with a program that shares nothing with this one'
\echo
\getenv folder WORK
\set export :folder /audit.tsv
\set kept :folder /digest.json
SELECT :'digest' \g (format=unaligned tuples_only=on) :kept
COPY (SELECT * FROM bestauth.audit_export()) TO STDOUT WITH (HEADER) \g :export
\! "$VERIFY" --digest "$WORK/digest.json" "$WORK/audit.tsv" && touch "$WORK/whole"
\echo
\echo '    And what it says of a file that somebody has improved'
\! sed 's/176.00/101.00/' "$WORK/audit.tsv" > "$WORK/forged.tsv"; "$VERIFY" "$WORK/forged.tsv" || touch "$WORK/forged"
\echo

\echo '=== 42. An emergency: Barney may break the glass, for ten minutes, and everybody sees it'
\echo
SET ROLE support;
SELECT bestauth.grant_permission('barney', 'emergency_access', company => 'west');
RESET ROLE;
SET ROLE webapp;
SELECT * FROM bestauth.login('west', 'barney', 'nine trucks in a long row') \gset barney_
BEGIN;
SELECT FROM bestauth.use_session(:'barney_session_token');
SELECT bestauth.start_emergency_access('ambulance 7 asks for the history of its patient', '10 minutes') > now() AS begun;
COMMIT;
BEGIN;
SELECT FROM bestauth.use_session(:'barney_session_token');
SELECT code, source FROM bestauth.list_accessible_companies();
SELECT bestauth.end_emergency_access();
COMMIT;
RESET ROLE;
SELECT company, username, reason, ended_by, open FROM bestauth.emergency_accesses;
SELECT recipient, topic FROM bestauth.outbox WHERE topic LIKE 'emergency%' ORDER BY recipient;

\set ECHO none
SELECT set_config('demo.digest', :'digest', false) \g /dev/null
DO $$
BEGIN
	ASSERT (SELECT ok FROM bestauth.audit_verify(current_setting('demo.digest')::jsonb)), 'the audit is whole';
	ASSERT (SELECT count(*) FROM bestauth.audit_log WHERE object_type = 'public.claim' AND action = 'row.updated'
		AND old_values ->> 'patient' = '***' AND new_values ->> 'patient' = '***') = 1, 'the name was not shown';
	ASSERT (SELECT count(*) FROM bestauth.emergency_accesses WHERE username = 'barney' AND ended_by = 'user') = 1, 'the emergency is over';
END
$$;
