-- docs/sealing.md in plain SQL, for the tests: an implementation beside the one in C, of
-- hashes, trees, blocks and which row is of which block; and what a superuser would run who
-- rewrites the log. Included by them, in a schema of their own.
CREATE SCHEMA sealing;

CREATE FUNCTION sealing.field(tag int, value bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(substr(int2send(tag::int2), 2) || int4send(length(value)) || value, '')
$$;

CREATE FUNCTION sealing.field(tag int, value text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT sealing.field(tag, convert_to(value, 'UTF8'))
$$;

CREATE FUNCTION sealing.row_hash(r bestauth.audit_log) RETURNS bytea LANGUAGE sql STABLE AS $$
	SELECT sha256('\x00'::bytea || int2send(r.format)
		|| sealing.field(1, int8send(r.system_id)) || sealing.field(2, xid8send(r.transaction_id))
		|| sealing.field(3, timestamptz_send(r.transaction_at)) || sealing.field(4, uuid_send(r.user_id))
		|| sealing.field(5, r.username) || sealing.field(6, uuid_send(r.person_id)) || sealing.field(7, r.person)
		|| sealing.field(8, uuid_send(r.billing_service_id)) || sealing.field(9, r.billing_service_code)
		|| sealing.field(10, uuid_send(r.session_id)) || sealing.field(11, uuid_send(r.emergency_id))
		|| sealing.field(12, r.db_role) || sealing.field(13, r.client_addr) || sealing.field(14, r.peer_addr)
		|| sealing.field(15, r.application_name) || sealing.field(16, r.action) || sealing.field(17, r.outcome)
		|| sealing.field(18, r.object_type) || sealing.field(19, timestamptz_send(r.occurred_at))
		|| sealing.field(20, uuid_send(r.company_id)) || sealing.field(21, r.company_code)
		|| sealing.field(22, int8send(r.audit_id)) || sealing.field(23, r.object_id)
		|| sealing.field(24, r.old_values::text) || sealing.field(25, r.new_values::text) || sealing.field(26, r.detail::text))
$$;

CREATE FUNCTION sealing.block_hash(b bestauth.audit_block) RETURNS bytea LANGUAGE sql STABLE AS $$
	SELECT sha256('\x02'::bytea || int2send(b.format)
		|| sealing.field(1, int8send(b.block)) || sealing.field(2, b.kind) || sealing.field(3, to_char(b.month, 'YYYY-MM'))
		|| sealing.field(4, int8send(b.system_id)) || sealing.field(5, b.snapshot::text)
		|| sealing.field(6, int8send(b.row_count)) || sealing.field(7, int8send(b.first_audit_id))
		|| sealing.field(8, int8send(b.last_audit_id)) || sealing.field(9, b.root)
		|| sealing.field(10, timestamptz_send(b.sealed_at)) || sealing.field(11, b.previous_hash))
$$;

-- RFC 6962, 2.1; the leaves are hashes already.
CREATE FUNCTION sealing.root(leaves bytea[]) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	n int := cardinality(leaves);
	half int := 1;
BEGIN
	IF n = 1 THEN
		RETURN leaves[1];
	END IF;
	WHILE 2 * half < n LOOP
		half := 2 * half;
	END LOOP;
	RETURN sha256('\x01'::bytea || sealing.root(leaves[1:half]) || sealing.root(leaves[half + 1:n]));
END
$$;

-- The block of each row; NULL if none covers it.
CREATE FUNCTION sealing.blocks_of_rows(OUT audit_id bigint, OUT row_hash bytea, OUT block bigint) RETURNS SETOF record
LANGUAGE sql STABLE AS $$
	SELECT a.audit_id, a.row_hash, (SELECT min(b.block) FROM bestauth.audit_block b WHERE b.kind = 'rows'
		AND b.system_id = a.system_id AND b.month = date_trunc('month', a.occurred_at AT TIME ZONE 'UTC')
		AND pg_visible_in_snapshot(a.transaction_id, b.snapshot))
	FROM bestauth.audit_log a
$$;

-- What each block must say of its rows.
CREATE FUNCTION sealing.blocks(OUT block bigint, OUT row_count bigint, OUT first_audit_id bigint, OUT last_audit_id bigint, OUT root bytea)
RETURNS SETOF record LANGUAGE sql STABLE AS $$
	SELECT block, count(*), min(audit_id), max(audit_id), sealing.root(array_agg(row_hash ORDER BY audit_id, row_hash))
	FROM sealing.blocks_of_rows() WHERE block IS NOT NULL GROUP BY block
$$;

-- What a superuser does before changing the log: guards fire always, unless they are disabled.
CREATE FUNCTION sealing.disarm() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	relation regclass;
BEGIN
	FOR relation IN SELECT 'bestauth.audit_block'::regclass UNION ALL SELECT relid FROM pg_partition_tree('bestauth.audit_log') WHERE isleaf LOOP
		EXECUTE format('ALTER TABLE %s DISABLE TRIGGER guard', relation);
	END LOOP;
	ALTER TABLE ONLY bestauth.audit_log DISABLE TRIGGER guard;
	ALTER EVENT TRIGGER bestauth_ddl DISABLE;
	ALTER EVENT TRIGGER bestauth_drop DISABLE;
END
$$;

-- And after it, so that nothing shows. From a row's hash to the head of the chain.
CREATE FUNCTION sealing.rehash_blocks() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	b bestauth.audit_block;
	previous bytea;
BEGIN
	FOR b IN SELECT * FROM bestauth.audit_block ORDER BY audit_block.block LOOP
		b.previous_hash := previous;
		b.block_hash := sealing.block_hash(b);
		previous := b.block_hash;
		UPDATE bestauth.audit_block SET previous_hash = b.previous_hash, block_hash = b.block_hash WHERE audit_block.block = b.block;
	END LOOP;
END
$$;

CREATE FUNCTION sealing.rewrite() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	UPDATE bestauth.audit_log a SET row_hash = h.row_hash FROM (SELECT ctid, tableoid, sealing.row_hash(l) FROM bestauth.audit_log l OFFSET 0) h
	WHERE h.tableoid = a.tableoid AND h.ctid = a.ctid AND h.row_hash IS DISTINCT FROM a.row_hash;
	UPDATE bestauth.audit_block b SET row_count = s.row_count, first_audit_id = s.first_audit_id, last_audit_id = s.last_audit_id, root = s.root
	FROM sealing.blocks() s WHERE s.block = b.block;
	PERFORM sealing.rehash_blocks();
END
$$;

-- A block put at the end, with the right hash.
CREATE FUNCTION sealing.append(kind text, month date, sealed_at timestamptz, row_count bigint, snapshot pg_snapshot DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	b bestauth.audit_block;
BEGIN
	SELECT * INTO b FROM bestauth.audit_block ORDER BY audit_block.block DESC LIMIT 1;
	b.previous_hash := b.block_hash;
	b.block := b.block + 1;
	b.kind := append.kind;
	b.month := append.month;
	b.sealed_at := append.sealed_at;
	b.row_count := append.row_count;
	b.snapshot := append.snapshot;
	IF append.snapshot IS NULL THEN
		b.first_audit_id := NULL;
		b.last_audit_id := NULL;
		b.root := NULL;
	END IF;
	b.block_hash := sealing.block_hash(b);
	INSERT INTO bestauth.audit_block SELECT b.*;
END
$$;
