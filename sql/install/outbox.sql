CREATE TABLE bestauth.outbox (
	message_id   uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	kind         text NOT NULL COLLATE "C",
	topic        text COLLATE "C",
	recipient    text NOT NULL,
	user_id      uuid,
	company_id   uuid,
	created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
	lease_until  timestamptz,
	attempts     integer NOT NULL DEFAULT 0,
	last_error   text,
	sent_at      timestamptz,
	cancelled_at timestamptz
);
COMMENT ON TABLE bestauth.outbox IS
'Mail to be sent, written in the transaction that causes it. Holds no secret: the token of a message is made when the mailer claims it [E-02].';
COMMENT ON COLUMN bestauth.outbox.topic IS 'Of a notice: what it tells of.';
CREATE INDEX outbox_waiting_idx ON bestauth.outbox (created_at) WHERE sent_at IS NULL AND cancelled_at IS NULL;
CREATE INDEX outbox_user_id_idx ON bestauth.outbox (user_id, kind);
SELECT pg_catalog.pg_extension_config_dump('bestauth.outbox', '');

CREATE FUNCTION bestauth.claim_mail(batch integer DEFAULT 10, lease interval DEFAULT '5 minutes',
	OUT message_id uuid, OUT kind text, OUT recipient text, OUT subject text, OUT body text,
	OUT token text, OUT attempts integer) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_claim_mail' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.claim_mail(integer, interval) IS
'Claims waiting messages for sending. The token of each is made now, stands in the body''s link too, and is kept nowhere; a token made for an earlier claim of the same message stops working. Several mailers never get the same message while its lease lasts. For the mailer, who can LISTEN bestauth_outbox.
Parameters: batch: messages at most, 1 to 1000; lease: how long they are out of the others'' reach, 1 second to 1 day.
Returns: the messages; token is NULL where the kind has none.
Raises: 22023 bad batch or lease; 42501 not the mailer; 55000 instance closed.
Rules: [IBS-5] [E-02].';

CREATE FUNCTION bestauth.confirm_mail(message_id uuid) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_confirm_mail' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.confirm_mail(uuid) IS
'Notes that a claimed message was sent. Confirming again does nothing. For the mailer.
Parameters: message_id.
Returns: void.
Raises: P0002 no such message; 42501 not the mailer; 55000.
Rules: [IBS-5].';

CREATE FUNCTION bestauth.fail_mail(message_id uuid, error text) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_fail_mail' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.fail_mail(uuid, text) IS
'Notes that a claimed message could not be sent; it can be claimed again after a minute. For the mailer.
Parameters: message_id; error: what happened, without secrets, cut at 500 characters.
Returns: void.
Raises: P0002 no such message; 42501 not the mailer; 55000.
Rules: [IBS-5].';
