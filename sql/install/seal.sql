-- The chain over the audit; docs/sealing.md has every byte of it. Dumped and restored
-- like the audit itself.
CREATE TABLE bestauth.audit_block (
	block          bigint PRIMARY KEY,
	format         smallint NOT NULL,
	kind           text NOT NULL COLLATE "C",
	month          date NOT NULL,
	system_id      bigint NOT NULL,
	snapshot       pg_snapshot,
	row_count      bigint NOT NULL,
	first_audit_id bigint,
	last_audit_id  bigint,
	root           bytea,
	sealed_at      timestamptz NOT NULL,
	previous_hash  bytea,
	block_hash     bytea NOT NULL
);
COMMENT ON TABLE bestauth.audit_block IS
'The blocks that seal the audit: each has the root of a Merkle tree over the hashes of its rows, and the hash of the block before [AUD-6].';
COMMENT ON COLUMN bestauth.audit_block.kind IS 'rows, or purge: the rows of the month were removed.';
COMMENT ON COLUMN bestauth.audit_block.month IS 'Of occurred_at, in UTC: the first day.';
COMMENT ON COLUMN bestauth.audit_block.snapshot IS 'The transactions of system_id that were over. A row is of the first block of its month whose snapshot sees its transaction.';
COMMENT ON COLUMN bestauth.audit_block.row_count IS 'Rows sealed, or removed.';
CREATE INDEX audit_block_month_idx ON bestauth.audit_block (month, block);
SELECT pg_catalog.pg_extension_config_dump('bestauth.audit_block', '');

CREATE TABLE bestauth.digest_use (
	singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
	block     bigint NOT NULL,
	taken_at  timestamptz NOT NULL
);
COMMENT ON TABLE bestauth.digest_use IS
'When audit_digest was called last, and the head that it gave: for health. Bookkeeping, not audited.';
SELECT pg_catalog.pg_extension_config_dump('bestauth.digest_use', '');

CREATE FUNCTION bestauth.audit_seal() RETURNS bigint
	AS 'MODULE_PATHNAME', 'bestauth_audit_seal' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.audit_seal() IS
'Seals the rows of the audit whose transactions are over and that no block covers yet: a block for each of their months, put at the head of the chain. One call at a time does, the next waits for the end of its transaction. Call it every few seconds, in a transaction of its own; where bestauth is preloaded a worker does.
Returns: how many rows were sealed.
Raises: 25006 read-only; 42501 neither the operator nor the mailer; 55000 instance closed.
Rules: [AUD-6] [K-05].';

CREATE FUNCTION bestauth.audit_digest() RETURNS jsonb
	AS 'MODULE_PATHNAME', 'bestauth_audit_digest' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.audit_digest() IS
'Tells the head of the chain, to be kept where nobody who rules this database can change it: audit_verify and bestauth-verify compare with it. Notes that it was asked for, but on a standby.
Returns: an object with format, instance, database, block, block_hash, sealed_at and taken_at; NULL while nothing is sealed.
Raises: 42501 neither the auditor nor the operator; 55000 instance closed.
Rules: [AUD-6] [K-08] [K-18].';

CREATE FUNCTION bestauth.audit_verify(digest jsonb DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
	OUT ok boolean, OUT rows_checked bigint, OUT blocks_checked bigint, OUT bad_audit_id bigint, OUT bad_block bigint, OUT reason text) RETURNS record
	AS 'MODULE_PATHNAME', 'bestauth_audit_verify' LANGUAGE C STABLE;
COMMENT ON FUNCTION bestauth.audit_verify(jsonb, timestamptz, timestamptz) IS
'Checks the audit: the whole chain, and of every row in the period the hash, the block and that nothing is missing or was put in. It reads one month after the other and writes nothing, so it runs on a standby too. That the log was rewritten from its beginning, or cut at its end, only a digest shows that was kept elsewhere.
Parameters: digest: what audit_digest gave once, NULL for none; since, until: the months, in UTC, that this period touches, NULL for all.
Returns: one row: ok; rows_checked and blocks_checked; the first row or block that is bad, and the reason. The chain is always checked whole; reason of a good log is NULL.
Raises: 22023 digest is none; 40001 audit_purge removed months meanwhile: try again; 42501 neither the auditor nor the operator; 55000 instance closed.
Rules: [AUD-6] [K-01] [K-13] [K-16].';

-- Times in UTC, hashes as hexadecimal digits, whatever the session's settings.
CREATE VIEW bestauth.audit_text WITH (security_barrier) AS
SELECT 'block' AS kind, b.block AS number, NULL::timestamptz AS moment,
	b.block::text AS block,
	b.format::text AS block_format,
	b.kind AS block_kind,
	to_char(b.month, 'YYYY-MM') AS month,
	b.system_id::text AS block_system_id,
	b.snapshot::text AS snapshot,
	b.row_count::text AS row_count,
	b.first_audit_id::text AS first_audit_id,
	b.last_audit_id::text AS last_audit_id,
	encode(b.root, 'hex') AS root,
	to_char(b.sealed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS sealed_at,
	encode(b.previous_hash, 'hex') AS previous_hash,
	encode(b.block_hash, 'hex') AS block_hash,
	NULL::text AS audit_id, NULL::text AS occurred_at, NULL::text AS transaction_at,
	NULL::text AS transaction_id, NULL::text AS system_id, NULL::text AS format,
	NULL::text AS row_hash, NULL::text AS company_id, NULL::text AS company_code,
	NULL::text AS user_id, NULL::text AS username, NULL::text AS person_id, NULL::text AS person,
	NULL::text AS billing_service_id, NULL::text AS billing_service_code, NULL::text AS session_id,
	NULL::text AS emergency_id, NULL::text AS db_role, NULL::text AS client_addr,
	NULL::text AS peer_addr, NULL::text AS application_name, NULL::text AS action,
	NULL::text AS outcome, NULL::text AS object_type, NULL::text AS object_id,
	NULL::text AS old_values, NULL::text AS new_values, NULL::text AS detail
FROM bestauth.audit_block b WHERE current_user = 'bestauth_owner' OR bestauth.has_access('auditor')
UNION ALL
SELECT 'row', a.audit_id, a.occurred_at,
	NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	a.audit_id::text, to_char(a.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
	to_char(a.transaction_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
	a.transaction_id::text, a.system_id::text, a.format::text, encode(a.row_hash, 'hex'),
	a.company_id::text, a.company_code, a.user_id::text, a.username, a.person_id::text, a.person,
	a.billing_service_id::text, a.billing_service_code, a.session_id::text, a.emergency_id::text,
	a.db_role, a.client_addr, a.peer_addr, a.application_name, a.action::text, a.outcome::text,
	a.object_type, a.object_id, a.old_values::text, a.new_values::text, a.detail::text
FROM bestauth.audit_log a WHERE current_user = 'bestauth_owner' OR bestauth.has_access('auditor');
COMMENT ON VIEW bestauth.audit_text IS
'Blocks and rows of the audit as plain text: what audit_export gives. number: of the block, or audit_id; moment: occurred_at.';

CREATE FUNCTION bestauth.audit_export(since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
	OUT kind text, OUT block text, OUT block_format text, OUT block_kind text, OUT month text, OUT block_system_id text,
	OUT snapshot text, OUT row_count text, OUT first_audit_id text, OUT last_audit_id text, OUT root text, OUT sealed_at text,
	OUT previous_hash text, OUT block_hash text,
	OUT audit_id text, OUT occurred_at text, OUT transaction_at text, OUT transaction_id text, OUT system_id text, OUT format text,
	OUT row_hash text, OUT company_id text, OUT company_code text, OUT user_id text, OUT username text, OUT person_id text,
	OUT person text, OUT billing_service_id text, OUT billing_service_code text, OUT session_id text, OUT emergency_id text,
	OUT db_role text, OUT client_addr text, OUT peer_addr text, OUT application_name text, OUT action text, OUT outcome text,
	OUT object_type text, OUT object_id text, OUT old_values text, OUT new_values text, OUT detail text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_audit_export' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.audit_export(timestamptz, timestamptz) IS
'Gives blocks and rows as plain text, for bestauth-verify and for an archive: COPY (SELECT * FROM bestauth.audit_export()) TO STDOUT WITH (HEADER).
Parameters: since, until: the months, in UTC, that this period touches, with the part of the chain from their first block to their last; NULL for all.
Returns: a line that says which months, the blocks, the rows; docs/sealing.md tells of the columns. That it was read is a row too: audit.read, which it returns with the others.
Raises: 22023 a time that is not in the years 1 to 9999; 40001 audit_purge removed months meanwhile: try again; 42501 neither the auditor nor the operator; 55000 instance closed.
Rules: [AUD-6] [J-11] [K-16].';

CREATE FUNCTION bestauth.audit_purge(before timestamptz) RETURNS bigint
	AS 'MODULE_PATHNAME', 'bestauth_audit_purge' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.audit_purge(timestamptz) IS
'Removes the audit of the months, in UTC, that ended before a moment, which is six years ago or longer. Each month is sealed first, and its removal becomes a block of the chain, which stays verifiable. Export them before: see docs/audit.md.
Parameters: before: at least six years ago.
Returns: how many rows went.
Raises: 22023 less than six years ago; 25006; 42501 without the access retention; 55000 instance closed.
Rules: [AUD-3] [J-09].';
