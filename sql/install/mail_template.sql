CREATE TABLE bestauth.mail_template (
	template_id uuid PRIMARY KEY DEFAULT bestauth.uuidv7(),
	kind        text NOT NULL COLLATE "C",
	topic       text COLLATE "C",
	company_id  uuid,
	format      text NOT NULL DEFAULT 'plain' CHECK (format IN ('plain', 'html')),
	subject     text NOT NULL,
	body        text NOT NULL,
	created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE bestauth.mail_template IS
'What mail says, see docs/mail.md. open_instance() puts down a default for every kind that has none; the operator edits it, and inserts a company''s own [I-09].';
COMMENT ON COLUMN bestauth.mail_template.template_id IS 'Its number.';
COMMENT ON COLUMN bestauth.mail_template.kind IS 'Of the mail.';
COMMENT ON COLUMN bestauth.mail_template.topic IS 'Of a notice or decision: what it tells of.';
COMMENT ON COLUMN bestauth.mail_template.company_id IS
'The company whose users get it; NULL is for every company that has none of its own.';
COMMENT ON COLUMN bestauth.mail_template.format IS 'Of the body: plain, or html, where values are escaped for it.';
COMMENT ON COLUMN bestauth.mail_template.subject IS 'One line, of at most 200 characters, with placeholders such as {{company}}.';
COMMENT ON COLUMN bestauth.mail_template.body IS
'At most 20000 characters, with placeholders; {{link}} stands in it where the kind has a link.';
COMMENT ON COLUMN bestauth.mail_template.created_at IS 'When it was put down.';
CREATE UNIQUE INDEX mail_template_kind_idx ON bestauth.mail_template (kind, topic, company_id) NULLS NOT DISTINCT;
SELECT pg_catalog.pg_extension_config_dump('bestauth.mail_template', '');
