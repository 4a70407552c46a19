CREATE TABLE bestauth.served_instance (
	company_id uuid NOT NULL,
	instance   text NOT NULL,
	made_at    timestamptz NOT NULL,
	PRIMARY KEY (company_id, instance)
);
COMMENT ON TABLE bestauth.served_instance IS
'Instances whose operators told a billing service which customers it serves there, by export_served_customers [TPB-8].';
COMMENT ON COLUMN bestauth.served_instance.company_id IS 'The billing service.';
COMMENT ON COLUMN bestauth.served_instance.made_at IS 'When what is known of it was told, by the clock there.';
CREATE UNIQUE INDEX served_instance_key ON bestauth.served_instance (company_id, lower(instance COLLATE "C"));
ALTER INDEX bestauth.served_instance_key ALTER COLUMN 2 SET STATISTICS 0;
SELECT pg_catalog.pg_extension_config_dump('bestauth.served_instance', '');

CREATE TABLE bestauth.served_customer (
	company_id  uuid NOT NULL,
	audience    text NOT NULL,
	name        text NOT NULL CHECK (name <> ''),
	username    text NOT NULL,
	permissions text[] NOT NULL,
	persons     text[],
	PRIMARY KEY (company_id, audience, username)
);
COMMENT ON TABLE bestauth.served_customer IS
'The keys of a billing service at customers of other instances, as import_served_customers was told. What counts is what the other instance has now [TPB-8].';
COMMENT ON COLUMN bestauth.served_customer.company_id IS 'The billing service.';
COMMENT ON COLUMN bestauth.served_customer.audience IS 'The customer, as instance/code: the audience of an assertion for it.';
COMMENT ON COLUMN bestauth.served_customer.username IS 'Of the key.';
COMMENT ON COLUMN bestauth.served_customer.persons IS 'User names of those whom the key admits; NULL where it is not limited [TPB-7].';
CREATE UNIQUE INDEX served_customer_key ON bestauth.served_customer
	(company_id, lower(audience COLLATE "C"), lower(username COLLATE "C"));
ALTER INDEX bestauth.served_customer_key ALTER COLUMN 2 SET STATISTICS 0;
ALTER INDEX bestauth.served_customer_key ALTER COLUMN 3 SET STATISTICS 0;
SELECT pg_catalog.pg_extension_config_dump('bestauth.served_customer', '');

CREATE TABLE bestauth.served_customer_use (
	user_id      uuid NOT NULL,
	audience     text NOT NULL COLLATE "C",
	last_used_at timestamptz NOT NULL,
	PRIMARY KEY (user_id, audience)
);
COMMENT ON TABLE bestauth.served_customer_use IS
'When a person of a billing service last asked for an assertion for a customer of another instance. Bookkeeping, not audited.';
COMMENT ON COLUMN bestauth.served_customer_use.audience IS 'Of served_customer, in small letters.';
SELECT pg_catalog.pg_extension_config_dump('bestauth.served_customer_use', '');

CREATE FUNCTION bestauth.list_served_customers(page_size integer DEFAULT 100, after text DEFAULT NULL,
	OUT company text, OUT name text, OUT billing_username text, OUT permissions text[],
	OUT last_used_at timestamptz, OUT next text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'bestauth_list_served_customers' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.list_served_customers(integer, text) IS
'Lists the customers of the billing service that the session''s user is of, with each key that admits this person and is neither locked nor deleted; and those of other instances, as import_served_customers was told. For a session of one''s own, of a user type that may be a second part. Of a company that is not a registered billing service there are none: its keys admit nobody.
Parameters: page_size: rows at most, 1 to 1000; after: the next of the page before.
Returns: a row for each key. company: code, of another instance instance/code, the audience of issue_sso_assertion; name: of the company; billing_username: user name of the key; permissions: that it holds, of another instance as it was told; last_used_at: when this person last used the key, to a tenth of the idle limit and of sessions that purge_expired has left, of another instance when they last asked for an assertion for the company; NULL for never; next: asks for the following page when it is given as after.
Raises: 22023 bad page_size or after; 28000 no session; 42501 a session of a key, or of a user type that can be no second part; 55000 instance closed.
Rules: [TPB-8] [TPB-7] [TPB-2].';

CREATE FUNCTION bestauth.export_served_customers(billing_service text) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'bestauth_export_served_customers' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.export_served_customers(text) IS
'Tells a billing service that lives in another instance which customers it serves in this one: every key of it that is neither locked nor deleted, and whom it admits. There is no secret in it. Hand it to the operator of that instance, for import_served_customers, whenever keys have changed. Of a service that is not registered any more it has no customers. For the operator.
Parameters: billing_service: code of the service in this instance.
Returns: an object: instance; billing_service: code; made_at: in UTC; customers: an array of objects company (code), name, keys: an array of objects username, permissions, persons (user names; null where the key is not limited).
Raises: 22023 NULL; P0002 no such company; 55000 never registered as a billing service, or instance closed; 42501 not the operator.
Rules: [TPB-8].';

CREATE FUNCTION bestauth.import_served_customers(billing_service text, customers jsonb) RETURNS integer
	AS 'MODULE_PATHNAME', 'bestauth_import_served_customers' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION bestauth.import_served_customers(text, jsonb) IS
'Takes what export_served_customers made in another instance, for list_served_customers here. It replaces all that the same instance has told the service before. It opens nothing: the other instance decides who may enter. For the operator.
Parameters: billing_service: code of the service in this instance, which is also that in customers; customers: the export, at most 100000 keys and 64 MB of text.
Returns: how many keys the instance has told of.
Raises: 22023 an argument NULL, or customers not as export_served_customers makes them, for another service, from this very instance or from the future, and which member is at fault; P0002 no such company; 55000 not registered as a billing service, a later export is known, or instance closed; 42501 not the operator.
Rules: [TPB-8].';
