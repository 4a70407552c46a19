-- Cycles, for a sequence is what a member of pg_write_all_data can set: no number
-- may stop the audit. The key of a row is the number and the time.
CREATE SEQUENCE bestauth.audit_id_seq CYCLE;
COMMENT ON SEQUENCE bestauth.audit_id_seq IS 'Numbers the audit rows; gaps are rolled-back transactions.';
SELECT pg_catalog.pg_extension_config_dump('bestauth.audit_id_seq', '');

-- The parent alone: a partition made here would be a member of the extension,
-- and a dump would leave its rows out. open_instance() makes the partitions, and
-- each has its own key (audit_id, occurred_at) and indexes: those of a parent that
-- is a member would be made twice by a restore.
CREATE TABLE bestauth.audit_log (
	audit_id             bigint NOT NULL,
	occurred_at          timestamptz NOT NULL,
	transaction_at       timestamptz NOT NULL,
	transaction_id       xid8 NOT NULL,
	system_id            bigint NOT NULL,
	format               smallint NOT NULL,
	row_hash             bytea,
	company_id           uuid,
	company_code         text,
	user_id              uuid,
	username             text,
	person_id            uuid,
	person               text,
	billing_service_id   uuid,
	billing_service_code text,
	session_id           uuid,
	emergency_id         uuid,
	db_role              text NOT NULL,
	client_addr          text,
	peer_addr            text,
	application_name     text,
	action               text NOT NULL COLLATE "C",
	outcome              text NOT NULL COLLATE "C",
	object_type          text,
	object_id            text,
	old_values           jsonb,
	new_values           jsonb,
	detail               jsonb
) PARTITION BY RANGE (occurred_at);
COMMENT ON TABLE bestauth.audit_log IS
'The audit trail. Rows are written by the one writer in C, in the transaction that they tell of, and can''t be changed or removed [AUD-1] [AUD-3].';
COMMENT ON COLUMN bestauth.audit_log.occurred_at IS 'The clock when the row was written.';
COMMENT ON COLUMN bestauth.audit_log.transaction_at IS 'When its transaction began.';
COMMENT ON COLUMN bestauth.audit_log.system_id IS 'The cluster that wrote it; transaction_id counts there.';
COMMENT ON COLUMN bestauth.audit_log.format IS 'How row_hash is taken over the row.';
COMMENT ON COLUMN bestauth.audit_log.row_hash IS 'Place of the row''s hash; not filled yet.';
COMMENT ON COLUMN bestauth.audit_log.person IS 'The human: a person of a billing service as service/username.';
COMMENT ON COLUMN bestauth.audit_log.emergency_id IS 'The emergency access under which it was done.';
COMMENT ON COLUMN bestauth.audit_log.db_role IS 'The database role that logged in.';
COMMENT ON COLUMN bestauth.audit_log.client_addr IS 'The person''s address, as the application said at login.';
COMMENT ON COLUMN bestauth.audit_log.peer_addr IS 'The address of the database connection; NULL on a local socket.';

CREATE TABLE bestauth.audit_fold (
	key          text PRIMARY KEY COLLATE "C",
	action       text NOT NULL COLLATE "C",
	company_id   uuid,
	company_code text,
	user_id      uuid,
	username     text,
	db_role      text NOT NULL,
	object_type  text,
	object_id    text,
	began_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
	seen         integer NOT NULL DEFAULT 1,
	folded       integer NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
COMMENT ON TABLE bestauth.audit_fold IS
'Refusals of one kind in the hour since began_at. From the 101st on they are counted here, and a row of the audit stands for as many as its detail''s "folded" says: written whenever their number reaches a power of two, and at the hour''s end. Bookkeeping, not audited itself.';
COMMENT ON COLUMN bestauth.audit_fold.folded IS 'Those that no row of the audit stands for yet.';
CREATE INDEX audit_fold_began_at_idx ON bestauth.audit_fold (began_at);
SELECT pg_catalog.pg_extension_config_dump('bestauth.audit_fold', '');
