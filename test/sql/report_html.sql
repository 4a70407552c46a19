-- The audit of a period as a page: what it counts, that it is a document of its own, and
-- that no name of anybody's acts in it. Over months that are long over.
\set SHOW_CONTEXT never
\pset null -
BEGIN;
SET LOCAL client_min_messages = error;
SET LOCAL extra_float_digits = 0;
CREATE FUNCTION pg_temp.month(part text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE bestauth.audit_log_y%s (LIKE bestauth.audit_log)', part);
	EXECUTE format('ALTER TABLE bestauth.audit_log ATTACH PARTITION bestauth.audit_log_y%s FOR VALUES FROM (%L) TO (%L)', part,
		replace(part, 'm', '-') || '-01 00:00+00', to_char(to_date(part, 'YYYY"m"MM') + interval '1 month', 'YYYY-MM-DD') || ' 00:00+00');
END
$$;
SELECT pg_temp.month('2003m01'), pg_temp.month('2003m02');
INSERT INTO bestauth.company (company_id, code, name) VALUES
	(md5('clinic')::uuid, 'rhtml-clinic', E'<script>alert("1")</script> & ''Sons'' \u05d0\u05d1\u05d2'), (md5('svc')::uuid, 'rhtml-svc', 'Service'), (md5('far')::uuid, 'rhtml-far', 'Far');
INSERT INTO bestauth.billing_service (company_id) VALUES (md5('svc')::uuid);
-- One entry each, unless detail says that it stands for more. 2003-01-06 was a Monday.
CREATE TEMP TABLE entry (n serial, at timestamptz, company text, username text, person text, service text, db_role text, session boolean, action text, outcome text, object_type text, object_id text, detail jsonb, emergency_id uuid);
INSERT INTO entry (at, company, username, person, service, db_role, session, action, outcome, object_type, object_id, detail) VALUES
	('2003-01-06 08:00+00', 'clinic', 'cal', 'cal', NULL, 'app', true, 'login.succeeded', 'success', 'user', 'cal', NULL),
	('2003-01-06 08:30+00', 'clinic', 'cal', 'cal', NULL, 'app', true, 'record.read', 'success', 'chart', '1', NULL),
	('2003-01-06 08:31+00', 'clinic', 'cal', 'cal', NULL, 'app', true, 'row.updated', 'success', 'public.chart', '1', NULL),
	('2003-01-06 08:32+00', 'clinic', 'cal', 'cal', NULL, 'app', true, 'table.truncated', 'success', 'public.chart', NULL, NULL),
	('2003-01-06 23:59+00', 'clinic', 'key', 'rhtml-svc/pia', 'svc', 'app', true, 'row.inserted', 'success', 'public.chart', '2', NULL),
	('2003-01-07 09:00+00', 'clinic', 'key', 'rhtml-svc/pia', 'svc', 'app', true, 'access.denied', 'denied', 'function', 'create_role', '{"reason": "It takes <it> & \"more\".", "rule": "MCM-2"}'),
	('2003-01-07 09:01+00', 'far', 'farkey', 'rhtml-svc/pia', 'svc', 'app', true, 'record.read', 'success', 'chart', '3', NULL),
	('2003-01-07 09:02+00', 'svc', 'pia', 'pia', NULL, 'app', true, 'login.succeeded', 'success', 'user', 'pia', NULL),
	('2003-01-08 10:00+00', 'clinic', NULL, NULL, NULL, 'app', false, 'login.denied', 'denied', 'user', NULL, '{"reason": "unknown user", "typed_name": "no&body"}'),
	('2003-01-08 10:01+00', 'clinic', NULL, NULL, NULL, 'app', false, 'login.denied', 'denied', 'user', NULL, '{"reason": "unknown user", "typed_name": "no&body", "folded": 28}'),
	('2003-01-08 10:02+00', NULL, NULL, NULL, NULL, E'<b onclick="x()">\u202e\u0001&', false, 'access.denied', 'denied', 'function', 'create_company', '{"reason": "no session"}'),
	('2003-01-12 11:00+00', 'clinic', NULL, NULL, NULL, 'dba', false, 'row.deleted', 'success', 'bestauth.access_grant', E'ro"le'',auditor', NULL),
	('2003-02-01 00:00+00', 'clinic', 'cal', 'cal', NULL, 'app', true, 'login.succeeded', 'success', 'user', 'cal', NULL),
	('2003-02-03 09:00+00', 'clinic', 'fay', 'fay', NULL, 'app', true, 'record.read', 'success', 'chart', '4', NULL),
	('2003-02-03 09:01+00', 'clinic', 'fay', 'fay', NULL, 'app', true, 'access.denied', 'denied', 'function', 'create_role', '{"reason": "no"}');
-- Emergency access of two companies, one reason hostile.
INSERT INTO bestauth.user_account (user_id, company_id, username, user_type, first_name, last_name, email) VALUES
	(md5('cal')::uuid, md5('clinic')::uuid, 'cal', 'standard', 'Cal', 'Ly', 'cal@rhtml.test'), (md5('fay')::uuid, md5('far')::uuid, 'fay', 'standard', 'Fay', 'Ol', 'fay@rhtml.test');
INSERT INTO bestauth.emergency_access (emergency_id, company_id, user_id, person_id, session_id, reason, started_at, expires_at, ended_at, ended_by) VALUES
	(md5('e1')::uuid, md5('clinic')::uuid, md5('cal')::uuid, md5('cal')::uuid, md5('s')::uuid, '<b>fire</b> & "flood"', '2003-01-06 08:20+00', '2003-01-06 09:20+00', '2003-01-06 08:40+00', 'user'),
	(md5('e2')::uuid, md5('far')::uuid, md5('fay')::uuid, md5('fay')::uuid, md5('s2')::uuid, 'power is out here', '2003-01-09 08:20+00', '2003-01-09 09:20+00', '2003-01-09 09:20+00', 'time'),
	(md5('e3')::uuid, md5('far')::uuid, md5('fay')::uuid, md5('fay')::uuid, md5('s3')::uuid, 'of another month', '2003-02-02 08:20+00', '2003-02-02 09:20+00', '2003-02-02 09:20+00', 'session');
UPDATE entry SET emergency_id = md5('e1')::uuid WHERE at BETWEEN '2003-01-06 08:30+00' AND '2003-01-06 08:31+00';
DO $$
BEGIN
	FOR m IN 1..2 LOOP
		EXECUTE format('INSERT INTO bestauth.audit_log_y2003m0%s (audit_id, occurred_at, transaction_at, transaction_id, system_id, format, company_id, company_code, username, person_id, person, billing_service_id, billing_service_code, session_id, db_role, action, outcome, object_type, object_id, detail, emergency_id)
			SELECT n, at, at, (n + 10)::text::xid8, 0, 0, md5(company)::uuid, ''rhtml-'' || company, username, md5(person)::uuid, person, md5(service)::uuid, ''rhtml-'' || service, CASE WHEN session THEN md5(''s'')::uuid END, db_role, action, outcome, object_type, object_id, detail, emergency_id FROM entry WHERE at >= ''2003-0%s-01 00:00+00'' AND at < ''2003-0%s-01 00:00+00''', m, m, m + 1);
	END LOOP;
END
$$;
CREATE TEMP TABLE page (name text PRIMARY KEY, html text);
INSERT INTO page VALUES ('all', bestauth.audit_html('2003-01-01 00:00+00', '2003-02-01 00:00+00')), ('clinic', bestauth.audit_html('2003-01-01 00:00+00', '2003-02-01 00:00+00', 'rhtml-clinic')),
	('february', bestauth.audit_html('2003-02-01 00:00+00', '2003-03-01 00:00+00', 'rhtml-clinic')), ('svc', bestauth.audit_html('2003-01-01 00:00+00', '2003-02-01 00:00+00', 'rhtml-svc')), ('hour', bestauth.audit_html('2003-01-06 08:15+00', '2003-01-07 09:00+00')),
	('month', bestauth.audit_html('2003-01-01 00:00+00', '2003-06-01 00:00+00')), ('year', bestauth.audit_html('1980-01-01 00:00+00', '2004-01-01 00:00+00')), ('empty', bestauth.audit_html('1990-01-01 00:00+00', '1990-01-03 00:00+00'));

-- A document: XML reads it as well, in ASCII, so any encoding of a client will do.
CREATE TEMP TABLE document AS SELECT name, XMLPARSE(DOCUMENT html) AS doc FROM page;
SELECT count(*) AS documents, bool_and(html ~ '^<!DOCTYPE html>') AS html5, bool_and(html !~ '[^\x01-\x7e]') AS ascii, bool_and(html ~ '<html lang="en">' AND html ~ '<meta charset="utf-8"/>') AS says_so FROM page;
-- The texts of elements, without space around them.
CREATE FUNCTION pg_temp.texts(page text, path text) RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(btrim(regexp_replace((xpath('string(.)', x))[1]::text, '\s+', ' ', 'g')) ORDER BY n) FROM document, unnest(xpath(path, doc)) WITH ORDINALITY u (x, n) WHERE name = page
$$;
-- The rows of the tables under a heading.
CREATE FUNCTION pg_temp.rows(page text, heading text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT (SELECT string_agg(btrim(regexp_replace((xpath('string(.)', cell))[1]::text, '\s+', ' ', 'g')), ' | ' ORDER BY m) FROM unnest(xpath('/tr/td', r)) WITH ORDINALITY c (cell, m))
	FROM document, unnest(xpath(format('//tbody/tr[ancestor::*[self::table or @class = "beside"]/preceding-sibling::*[self::h2 or self::h3][1] = "%s"]', heading), doc)) WITH ORDINALITY u (r, n) WHERE name = page ORDER BY n
$$;

-- [AUD-4] What is counted: acts, changed rows, refusals with those that a row stands for.
SELECT name, pg_temp.texts(name, '//dl[@class="totals"]/div/dd') AS acts_rows_refused_people_companies FROM page ORDER BY name;
SELECT pg_temp.texts('all', '//h1') || pg_temp.texts('all', '//dl[@class="about"]/dt') AS about, (pg_temp.texts('all', '//dl[@class="about"]/dd'))[1:2] AS period, (pg_temp.texts('all', '//dl[@class="about"]/dd'))[4] LIKE 'database role %' AS made_by;
SELECT name, (pg_temp.texts(name, '//main/p'))[1] AS entries, (pg_temp.texts(name, '//h2'))[1] AS unit, cardinality(pg_temp.texts(name, '//div[@class="beside"]//tbody/tr')) AS times FROM page ORDER BY name;
SELECT r AS day_acts_rows_refused FROM pg_temp.rows('all', 'What was done, by day') r WHERE r !~ ' 0 . 0 . 0$';
SELECT pg_temp.rows('all', 'The 15 most active people') AS people;
SELECT pg_temp.rows('all', 'Billing services') AS services;
SELECT pg_temp.rows('all', 'Database roles, where no person is known') AS roles;
SELECT pg_temp.rows('all', 'Why') AS why;
SELECT pg_temp.rows('all', 'Where') AS where_;
SELECT pg_temp.rows('all', 'To whom') AS to_whom;
SELECT pg_temp.rows('all', 'Companies') AS companies;
SELECT pg_temp.rows('all', 'Rights given and taken') AS rights;
-- [J-14] Emergency access that began in the period, and how much was done in it.
SELECT name, pg_temp.rows(name, 'Emergency access') AS emergencies FROM (VALUES ('all'), ('clinic'), ('svc'), ('month')) v (name);
-- The hours of the week: Monday's, and what there is else.
SELECT d, pg_temp.texts('all', format('//div[@class="hours"]//tbody/tr[%s]/td[. != "0"]', d)) AS numbers FROM generate_series(1, 7) d;
-- A company sees its own, a service its own people elsewhere.
SELECT name, pg_temp.rows(name, 'Companies') AS companies FROM (VALUES ('clinic'), ('svc')) v (name);
SELECT name, pg_temp.rows(name, 'The 15 most active people') AS people FROM (VALUES ('clinic'), ('svc')) v (name);
-- [AUD-2] Who is of another company is called after that one: fay is of rhtml-far.
SELECT h, pg_temp.rows('february', h) FROM unnest('{The 15 most active people,To whom}'::text[]) h;
SELECT replace((pg_temp.texts('clinic', '//dl[@class="about"]/dd'))[2], E'\u05d0\u05d1\u05d2', '(letters)') AS company, (pg_temp.texts('clinic', '//title'))[1] AS title;

-- The charts: a bar for each time with something in it, as high as the scale says.
SELECT (xpath('count(//svg[@class="chart"])', doc))[1] AS charts, (xpath('count(//svg[.//title[@id="acts-title"]]//g)', doc))[1] AS bars, (xpath('count(//svg[.//title[@id="changes-title"]]//g)', doc))[1] AS changes,
	(xpath('count(//rect[@class="cell"])', doc))[1] AS hours, (xpath('count(//svg[@class="bar"])', doc))[1] AS rows FROM document WHERE name = 'all';
SELECT pg_temp.texts('all', '//svg//g/title') AS bars;
SELECT bool_and(h BETWEEN 0 AND 230 AND w > 0) AS inside, max(h) AS highest FROM document, unnest(xpath('//svg[@class="chart"]//g/rect', doc)) r, LATERAL (SELECT (xpath('string(/rect/@height)', r))[1]::text::numeric AS h, (xpath('string(/rect/@width)', r))[1]::text::numeric AS w) v;
-- For who sees none: each has a name, a description and its numbers in a table.
SELECT name, bool_and((xpath('boolean(/svg[@role = "img" and @aria-labelledby = concat(title/@id, " ", desc/@id) and string(title) and string(desc)])', c))[1]::text::boolean) AS named FROM document, unnest(xpath('//svg[@class="chart"]', doc)) c GROUP BY name ORDER BY name;
SELECT name FROM document WHERE (xpath('count(//svg[@class="bar"][not(@aria-hidden = "true")])', doc))[1]::text <> '0' OR (xpath('count(//*[@id][@id = following::*/@id])', doc))[1]::text <> '0';

-- Nothing acts in it, and nothing is fetched: no script, no handler, no address, whatever
-- the names are. They are shown as they are, and what is not seen by its number.
SELECT bool_or(html ~* '<script|javascript:|https?:|//[a-z]|url\(|@import|src=|href=') AS fetches, bool_or((xpath('count(//script | //link | //img | //iframe | //object | //@*[starts-with(name(), "on")])', doc))[1]::text <> '0') AS acts
FROM page JOIN document USING (name);
SELECT (xpath('count(//bdi)', doc))[1]::text::integer > 20 AS kept_apart FROM document WHERE name = 'all';
-- A browser is told so as well.
SELECT bool_and((xpath('//meta[@http-equiv = "Content-Security-Policy"]/@content', doc))[1]::text = 'default-src ''none''; style-src ''unsafe-inline''') AS told FROM document;
-- On paper black on white, with no bar cut; in the dark, light on dark.
SELECT bool_and(html ~ '@media print\{[^@]*--page:#fff' AND html ~ 'break-inside:avoid' AND html ~ 'prefers-color-scheme:dark') AS styles FROM page;

-- No period is an error, and so is one without end.
SELECT regress.attempt(format('SELECT bestauth.audit_html(%s)', a)) FROM unnest('{"NULL, ''2003-01-01''","''2003-01-01'', NULL","''-infinity'', ''2003-01-01''","''2003-01-01'', ''2003-01-01''","''2003-01-02'', ''2003-01-01''","''1000-01-01'', ''2003-01-01''","''2003-01-01'', ''2003-01-02'', ''nowhere''"}'::text[]) a;
ROLLBACK;
