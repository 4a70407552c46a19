CREATE TABLE bestauth.permission (
	name         text PRIMARY KEY COLLATE "C" CHECK (name ~ '^[a-z][a-z0-9_.]{0,62}$'),
	title        text NOT NULL,
	description  text NOT NULL DEFAULT '',
	by_name_only boolean NOT NULL DEFAULT false,
	client_only  boolean NOT NULL DEFAULT false,
	in_emergency boolean NOT NULL DEFAULT true,
	created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE bestauth.permission IS
'The permissions there are. open_instance() seeds bestauth''s own; the operator inserts the application''s.';
COMMENT ON COLUMN bestauth.permission.by_name_only IS
'Nobody has it but who was given it by name: no role carries it, a company administrator does not hold it [PRT-3].';
COMMENT ON COLUMN bestauth.permission.client_only IS 'Only client accounts have it [PRT-9].';
COMMENT ON COLUMN bestauth.permission.in_emergency IS
'Emergency access gives it, unless it is by_name_only or client_only. The operator may say so of the application''s; of bestauth''s own it is settled [J-14].';
SELECT pg_catalog.pg_extension_config_dump('bestauth.permission', '');
