-- No foreign keys: some rows are written outside the caller's transaction, and must not
-- wait for a row of a user or company that the caller holds.
CREATE TABLE bestauth.outbox (
	message_id   uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	kind         text NOT NULL COLLATE "C",
	topic        text COLLATE "C",
	recipient    text NOT NULL,
	user_id      uuid,
	signup_id    uuid,
	registration_id uuid,
	about_id     uuid,
	company_id   uuid,
	created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
	due_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
	claimed_at   timestamptz,
	attempts     integer NOT NULL DEFAULT 0,
	last_error   text,
	sent_at      timestamptz,
	cancelled_at timestamptz,
	dead_at      timestamptz,
	CHECK (num_nonnulls(user_id, signup_id, registration_id) = 1)
);
COMMENT ON TABLE bestauth.outbox IS
'Mail to be sent, written in the transaction that causes it. Holds no secret and no text: both are made when the mailer claims the message [E-02] [I-08].';
COMMENT ON COLUMN bestauth.outbox.topic IS 'Of a notice or decision: what it tells of.';
COMMENT ON COLUMN bestauth.outbox.signup_id IS 'Of mail to who is no user yet.';
COMMENT ON COLUMN bestauth.outbox.registration_id IS 'Of an invite, or what was decided on a request.';
COMMENT ON COLUMN bestauth.outbox.about_id IS 'Of a notice: the user that it tells of, where that is another one.';
COMMENT ON COLUMN bestauth.outbox.due_at IS 'When it can be claimed, again after a claim: the end of the lease, or of a wait after a failure.';
COMMENT ON COLUMN bestauth.outbox.cancelled_at IS 'When there was nothing to say any more: replaced by a newer one, done meanwhile, or too late.';
COMMENT ON COLUMN bestauth.outbox.dead_at IS 'When it was given up; retry_mail() takes it up again.';
-- Invites, which come by the thousand, stand apart from what somebody waits for.
CREATE INDEX outbox_waiting_idx ON bestauth.outbox (due_at)
	WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL AND kind <> 'registration_invite';
CREATE INDEX outbox_invite_idx ON bestauth.outbox (due_at)
	WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL AND kind = 'registration_invite';
CREATE INDEX outbox_urgent_idx ON bestauth.outbox (due_at)
	WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL AND kind IN ('password_reset', 'email_verification');
CREATE INDEX outbox_recipient_idx ON bestauth.outbox (lower(recipient COLLATE "C"), claimed_at) WHERE claimed_at IS NOT NULL;
ALTER INDEX bestauth.outbox_recipient_idx ALTER COLUMN 1 SET STATISTICS 0;
CREATE INDEX outbox_user_id_idx ON bestauth.outbox (user_id, kind);
CREATE INDEX outbox_registration_id_idx ON bestauth.outbox (registration_id) WHERE registration_id IS NOT NULL;
CREATE INDEX outbox_signup_id_idx ON bestauth.outbox (signup_id) WHERE signup_id IS NOT NULL;
SELECT pg_catalog.pg_extension_config_dump('bestauth.outbox', '');

CREATE FUNCTION bestauth.claim_mail(batch integer DEFAULT 10, lease interval DEFAULT '5 minutes',
	OUT message_id uuid, OUT kind text, OUT recipient text, OUT subject text, OUT body text,
	OUT token text, OUT attempts integer, OUT format text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_claim_mail' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.claim_mail(integer, interval) IS
'Claims waiting messages for sending. The token of each is made now, stands in the body''s link too, and is kept nowhere. Several mailers never get the same message while its lease lasts. A message that is claimed again, because its mailer died, has another token; both work until one is used. Messages with nothing left to say are called off, and an address is sent bestauth.mail_hourly_limit of them in an hour at most: the others wait. For the mailer, who can LISTEN bestauth_outbox; docs/mail.md tells how.
Parameters: batch: messages at most, 1 to 1000; lease: how long they are out of the others'' reach, 1 second to 1 day.
Returns: the messages; kind: what was sent in the end; token is NULL where the kind has none; format: of the body, plain or html.
Raises: 22023 bad batch or lease; 42501 not the mailer; 55000 instance closed.
Rules: [IBS-5] [E-02] [I-03] [I-07].';

CREATE FUNCTION bestauth.confirm_mail(message_id uuid) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_confirm_mail' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.confirm_mail(uuid) IS
'Notes that a claimed message was sent. Confirming again does nothing. For the mailer.
Parameters: message_id.
Returns: void.
Raises: P0002 no such message; 42501 not the mailer; 55000.
Rules: [IBS-5].';

CREATE FUNCTION bestauth.fail_mail(message_id uuid, error text, permanent boolean DEFAULT false) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_fail_mail' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.fail_mail(uuid, text, boolean) IS
'Notes that a claimed message could not be sent. It can be claimed again after a minute, then two, four, and so on up to an hour; after bestauth.mail_max_attempts it is given up. For the mailer.
Parameters: message_id; error: what happened, without secrets, cut at 500 characters; permanent: trying again is of no use, it is given up at once.
Returns: void.
Raises: P0002 no such message; 42501 not the mailer; 55000.
Rules: [IBS-5] [I-04].';

CREATE FUNCTION bestauth.release_mail(message_id uuid) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_release_mail' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.release_mail(uuid) IS
'Gives a claimed message back without having tried to send it: it can be claimed at once, and the claim does not count. For the mailer.
Parameters: message_id.
Returns: void.
Raises: P0002 no such message; 42501 not the mailer; 55000.
Rules: [IBS-5].';

CREATE FUNCTION bestauth.retry_mail(message_id uuid) RETURNS void
	AS 'MODULE_PATHNAME', 'bestauth_retry_mail' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.retry_mail(uuid) IS
'Takes a message up again that was given up. For the operator.
Parameters: message_id.
Returns: void.
Raises: P0002 no such message that was given up; 22023 NULL; 42501 not the operator; 55000.
Rules: [I-04].';
