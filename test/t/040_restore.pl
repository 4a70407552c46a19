# Dump and restore: what comes back is what was there, closed, and goes on from there
# once it is opened.
#
# Not in pg_regress: it takes pg_dump, pg_restore and several databases.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
mkdir("$dir/keys", 0700) or die "can't make $dir/keys: $!";
my $node = start_node('restore', conf => "bestauth.challenge_lifetime = 1h\nbestauth.sso_session_limit = 12h\nbestauth.sso_key_directory = '$dir/keys'");
my %secret;		# every password and raw token that there was

sub sql
{
	my ($database, $sql) = @_;

	return $node->safe_psql($database, $sql);
}

sub password
{
	my ($name) = @_;

	return $secret{"password of $name"} //= "the password of $name here";
}

sub make_user
{
	my ($name, $type, $more) = @_;

	sql('source', "SELECT bestauth.create_user('$name', '$type', 'Given', 'Name', '$name\@example.org', $more)");
	return;
}

# One field of a login's result, which is kept as a secret.
sub token_of
{
	my ($what, $call) = @_;

	$secret{$what} = sql('source', $call);
	like($secret{$what}, qr/^[\w-]{40,}$/, "there is: $what");
	return $secret{$what};
}

# ------------------------------------------------------------- what there is

# Everything through the public functions, so that it is as an application leaves it.
sub fill
{
	sql('postgres', 'CREATE DATABASE source');
	make_instance($node, 'source', closed => 1);
	sql('source', <<'END');
SELECT bestauth.open_instance('the-source');
CREATE ROLE regress_app LOGIN;
CREATE ROLE regress_auditor;
CREATE ROLE regress_revoked;
SELECT bestauth.grant_access('regress_app', 'application'), bestauth.grant_access('regress_app', 'mailer'),
	bestauth.grant_access('regress_auditor', 'auditor'), bestauth.grant_access('regress_revoked', 'reader');
SELECT bestauth.revoke_access('regress_revoked', 'reader');
INSERT INTO bestauth.permission (name, title) VALUES ('own.thing', 'A thing of the application''s own');
SELECT bestauth.create_company('parent', 'The "Parent"'), bestauth.create_company('service', 'Service \ Co'),
	bestauth.create_company('former', 'Former Service');
SELECT bestauth.create_company('child1', 'Child 1', 'parent'), bestauth.create_company('child2', 'Child 2', 'parent');
SELECT bestauth.register_billing_service('service'), bestauth.register_billing_service('former');
SELECT bestauth.unregister_billing_service('former');
SELECT bestauth.create_role('Clerk', '{claims,eops,own.thing}', '{child1,child2}', company => 'parent');
SELECT bestauth.create_role('O''Neil "quoted" \ role', '{manage_users}', company => 'parent');
SELECT bestauth.create_payer('O''Payer "quoted" \ name', '{"a": "back\\slash", "b": [1.50, null]}', 'parent'), bestauth.create_facility('East wing', company => 'parent');
SELECT * FROM bestauth.copy_payers(ARRAY['O''Payer "quoted" \ name'], company => 'parent');
SELECT * FROM bestauth.copy_facilities('{East wing}', '{child1}', 'parent');
SELECT bestauth.update_facility('East wing', '{"name": "Own name"}', 'child1');
END
	# [N-04] What a dump could trip over can't be a name.
	is(sqlstate($node, 'source', "SELECT bestauth.$_"), '22023', 'a name with a newline is refused')
	  for q{create_role(E'new\nline', company => 'parent')}, q{create_company(E'new\nline', 'Name')},
		q{create_company('new', E'new\nline')};
	# what mail says: an edited default, and a company's own
	sql('source', <<'END');
UPDATE bestauth.mail_template SET subject = 'Edited "here"', body = E'A \\ and\n{{link}}\n' WHERE kind = 'password_setup';
INSERT INTO bestauth.mail_template (kind, topic, company_id, format, subject, body)
SELECT 'notice', 'password_changed', company_id, 'html', 'Own', '<p>{{first_name}}</p>' FROM bestauth.company WHERE code = 'child1';
END
	make_user('admin', 'company_administrator', "password => '@{[ password('admin') ]}', company => 'parent'");
	make_user('clerk', 'standard',
		"password => '@{[ password('clerk') ]}', roles => '{Clerk}', permissions => '{my_account}', company => 'parent'");
	make_user($_, 'standard', "password => '@{[ password($_) ]}', company => 'parent'")
	  for 'locked', 'guessed', 'deleted', 'reset';
	make_user($_, 'restricted', "password => '@{[ password($_) ]}', company => 'service'") for 'biller', 'other';
	make_user($_, 'billing',
		"password => '@{[ password($_) ]}', billing_service => 'service', permissions => '{claims}', company => 'parent'")
	  for 'key', 'limited';
	# mail: one sent and used, one sent and not used, one that failed, one waiting
	make_user($_, 'standard', "company => 'child1'") for 'set-up', 'sent';
	for my $name ('set-up', 'sent')
	{
		$secret{"set-up link of $name"} = sql('source', <<END);
SELECT token FROM bestauth.claim_mail(100), LATERAL bestauth.confirm_mail(message_id) c
WHERE recipient = '$name\@example.org'
END
		# the other's lease is over at once
		sql('source', q{UPDATE bestauth.outbox SET due_at = clock_timestamp() WHERE sent_at IS NULL});
	}
	is(sql('source', "SELECT bestauth.set_password('$secret{'set-up link of set-up'}', '@{[ password('set-up') ]}')"),
		'accepted', 'the set-up link is used');
	make_user('failed', 'standard', "company => 'child1'");
	$secret{'set-up link of failed'} = sql('source', <<'END');
SELECT token FROM bestauth.claim_mail(), LATERAL bestauth.fail_mail(message_id, 'mailbox "full"') f
END
	sql('source', q{UPDATE bestauth.outbox SET due_at = due_at + interval '1 day' WHERE last_error IS NOT NULL});
	make_user('waiting', 'standard', "company => 'child2'");
	sql('source', <<'END');
SELECT bestauth.limit_billing_user('limited', '{biller}', company => 'parent');
SELECT bestauth.lock_user('locked', company => 'parent');
SELECT bestauth.delete_user('deleted', company => 'parent');
END
	$secret{'temporary password'} = sql('source', "SELECT bestauth.reset_password('reset', company => 'parent')");
	is(login($node, 'source', 'parent', 'guessed', 'a wrong password of this test'), 'denied', 'a guess')
	  for 1 .. 5;
	$secret{'wrong password'} = 'a wrong password of this test';
	log_in();
	sql('source', "INSERT INTO bestauth.blocked_password (word) VALUES ('Restore Test')");
	sql('source', <<"END");
BEGIN;
SELECT bestauth.grant_permission('clerk', 'my_account', company => 'parent');
SELECT * FROM bestauth.use_session('$secret{session}');
SELECT bestauth.set_security_questions('{First pet?}', '{a canary bird}');
SELECT bestauth.switch_company('child2');
COMMIT;
INSERT INTO bestauth.user_company (company_id, user_id, child_id) SELECT u.company_id, user_id, c.company_id
FROM bestauth.user_account u, bestauth.company c WHERE username = 'key' AND code = 'child1';
INSERT INTO bestauth.user_use SELECT user_id, clock_timestamp() FROM bestauth.user_account WHERE username = 'deleted';
END
	# one that has emergency access, and one that had
	make_user('night', 'standard', "password => '@{[ password('night') ]}', permissions => '{emergency_access}', company => 'parent'");
	for my $name ('in an emergency', 'after an emergency')
	{
		token_of("session $name", "SELECT session_token FROM bestauth.login('parent', 'night', '@{[ password('night') ]}')");
		sql('source', <<"END");
BEGIN;
SELECT * FROM bestauth.use_session('$secret{"session $name"}');
SELECT bestauth.start_emergency_access('patient "four" \ no heartbeat');
COMMIT;
END
	}
	sql('source', <<"END");
BEGIN;
SELECT * FROM bestauth.use_session('$secret{'session after an emergency'}');
SELECT bestauth.end_emergency_access();
COMMIT;
END
	fill_portal();
	fill_office();
	sql('source', <<'END');
INSERT INTO bestauth.claim_history SELECT '11-3437602', '1234567893', 'CLM-' || i, '2021-01-05', 'parent' FROM generate_series(1, 100) i
END
	# what another instance told
	sql('source', <<'END');
SELECT bestauth.import_served_customers('service', '{"instance": "else.where", "billing_service": "service", "made_at": "2026-01-02T03:04:05.678901Z",
	"customers": [{"company": "far", "name": "Far \"one\" \\ Clinic", "keys": [{"username": "far-key", "permissions": ["claims", "their.own"], "persons": ["biller"]}]}]}');
INSERT INTO bestauth.served_customer_use SELECT user_id, 'else.where/far', clock_timestamp() FROM bestauth.user_account WHERE username = 'biller';
END
	# a table of the application's, isolated and under audit, in its partitions as well
	sql('source', <<'END');
CREATE SCHEMA app;
CREATE TABLE app.chart ("the company's" uuid, patient text, "odd, {name}" text) PARTITION BY LIST (patient);
CREATE TABLE app.chart_rest PARTITION OF app.chart DEFAULT;
INSERT INTO app.chart SELECT company_id, code FROM bestauth.company;
SELECT bestauth.isolate_table('app.chart', 'the company''s'), bestauth.audit_table('app.chart', '{patient}', '{"odd, {name}"}', company_column => 'the company''s');
GRANT USAGE ON SCHEMA app TO regress_app;
GRANT SELECT ON app.chart, app.chart_rest TO regress_app;
END
	sqlstate($node, 'source', "SELECT * FROM bestauth.use_session('bas_unknown')");
	# a block of the chain, and a digest that was handed out
	sql('source', 'SELECT bestauth.audit_seal(), bestauth.audit_digest()');
	sql('source', 'ANALYZE');
	return;
}

# A portal: a client who is in, one who was invited, and one who asked for an account.
sub fill_portal
{
	my $link = sub {
		my ($name, $more) = @_;

		return token_of("link of $name$more", <<END);
SELECT token FROM bestauth.claim_mail(100), LATERAL bestauth.confirm_mail(message_id) c WHERE recipient = '$name\@example.org' AND token IS NOT NULL
END
	};

	sql('source', "UPDATE bestauth.outbox SET due_at = due_at + interval '1 day' WHERE sent_at IS NULL");
	sql('source', "SELECT bestauth.create_portal('parent', 'patients', 'client', 'Portal \\ of \"patients\"', 'https://patients.example/in')");
	sql('source', <<"END") for 'client', 'invited';
SELECT bestauth.create_portal_account(bestauth.create_contact('client', 'O''Given', 'Name', '$_\@example.org', 'parent'), '$_\@example.org', company => 'parent')
END
	is(sql('source', "SELECT bestauth.set_password('@{[ $link->('client', '') ]}', '@{[ password('client') ]}')"),
		'accepted', 'a client sets a password');
	is(sql('source', "SELECT bestauth.verify_email('@{[ $link->('client', ', verification') ]}')"),
		'accepted', 'and proves the address');
	sql('source', "SELECT bestauth.register_portal_account('parent', 'patients', 'asking\@example.org', '@{[ password('asking') ]}', 'As', 'King')");
	$link->('asking', '');
	sql('source', "UPDATE bestauth.outbox SET due_at = due_at - interval '1 day' WHERE sent_at IS NULL AND last_error IS NULL AND due_at > clock_timestamp()");
	return;
}

# An office: a provider, an employee with an account, an invite that was mailed, and a
# request that waits.
sub fill_office
{
	sql('source', "UPDATE bestauth.outbox SET due_at = due_at + interval '1 day' WHERE sent_at IS NULL");
	sql('source', <<'END');
SELECT bestauth.create_portal('parent', 'docs', 'provider', 'Doctors');
SELECT bestauth.create_provider(bestauth.create_office('parent', '11-3437602', 'Office \ "one"'), '1234567893', 'Pat', 'O''Doctor', '1970-02-03');
END
	$secret{'temporary password of the office'} = sql('source', <<'END');
SELECT temporary_password FROM bestauth.office, bestauth.create_provider_user(
	bestauth.create_employee(office_id, 'nurse', 'Marsh', 'Mia'), 'nurse', 'Provider - Administrator', 'nurse@example.org')
END
	sql('source', "SELECT count(*) FROM bestauth.office, bestauth.send_registration_links('{invitee\@example.org}', 'Provider - Clerical User', office_id)");
	token_of('link of an invite', <<'END');
SELECT token FROM bestauth.claim_mail(100), LATERAL bestauth.confirm_mail(message_id) c WHERE recipient = 'invitee@example.org'
END
	is(sql('source', "SELECT status FROM bestauth.submit_registration('parent', '113437602', NULL, 'tin', NULL, NULL, 'applicant', '@{[ password('applicant') ]}', 'App', 'Licant', 'applicant\@example.org')"),
		'PENDING-PROV-ADMIN-REVIEW', 'a request waits');
	sql('source', "UPDATE bestauth.outbox SET due_at = due_at - interval '1 day' WHERE sent_at IS NULL AND last_error IS NULL AND due_at > clock_timestamp()");
	return;
}

sub log_in
{
	my $second;

	token_of('session', "SELECT session_token FROM bestauth.login('parent', 'clerk', '@{[ password('clerk') ]}')");
	token_of('ended session', "SELECT session_token FROM bestauth.login('parent', 'clerk', '@{[ password('clerk') ]}')");
	sql('source', "SELECT bestauth.logout('$secret{'ended session'}')");
	token_of('refused session', "SELECT session_token FROM bestauth.login('service', 'other', '@{[ password('other') ]}')");
	sql('source', "SELECT bestauth.lock_user('other', company => 'service')");
	token_of('used challenge', "SELECT challenge_token FROM bestauth.login('parent', 'limited', '@{[ password('limited') ]}')");
	token_of('session of a key', <<END);
SELECT session_token FROM bestauth.login_second_part('$secret{'used challenge'}', 'biller', '@{[ password('biller') ]}')
END
	token_of('challenge', "SELECT challenge_token FROM bestauth.login('parent', 'key', '@{[ password('key') ]}')");

	# [TPB-5] A person who signs on elsewhere: here, for the key's file is where every database finds it.
	my $jwk = sql('source', "SELECT bestauth.create_sso_key('service')");
	my ($kid) = $jwk =~ /"kid": "([0-9a-f-]+)"/;
	($secret{'private key'}) = slurp_file("$dir/keys/$kid.jwk") =~ /"d":"([\w-]{40,})"/;
	sql('source', "SELECT bestauth.trust_sso_key('service', '$jwk')");
	token_of('session at home', "SELECT session_token FROM bestauth.login('service', 'biller', '@{[ password('biller') ]}')");
	$secret{'session by an assertion'} = sign_on('source');
	like($secret{'session by an assertion'}, qr/^bas_/, 'there is: session by an assertion');
	return;
}

# A login by what the service's own instance says.
sub sign_on
{
	my ($database) = @_;
	my ($challenge, $id, $audience) = split /\|/, sql($database, "SELECT challenge_token, challenge_id, audience FROM bestauth.login('parent', 'key', '@{[ password('key') ]}')");

	$secret{"assertion in $database"} = (split /\n/, sql($database, <<END))[-1];
BEGIN;
SELECT user_id IS NOT NULL FROM bestauth.use_session('$secret{'session at home'}');
SELECT bestauth.issue_sso_assertion('$audience', '$id');
COMMIT;
END
	return sql($database, qq{SELECT session_token FROM bestauth.login_second_part_sso('$challenge', '$secret{"assertion in $database"}')});
}

# ----------------------------------------------------------------- comparing

# Every table with its rows, as a checksum that doesn't mind their order.
sub contents
{
	my ($database) = @_;

	return { map { split /=/, $_, 2 } split /\n/, sql($database, <<'END') };
SELECT format('SELECT %L || count(*) || '' '' || coalesce(md5(string_agg(t::text, E''\\n'' ORDER BY t::text COLLATE "C")), '''')
	FROM bestauth.%I t', c.relname || '=', c.relname)
FROM pg_class c WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind = 'r'
	AND c.relname NOT IN ('access_rule', 'object_rule', 'reference_rule', 'instance_open') \gexec
END
}

my ($before, $last_audit_id, $referenced);
my $references = <<'END';
SELECT string_agg(conrelid::regclass || ' ' || conname || ' ' || convalidated || ' ' || pg_get_constraintdef(oid), E'\n'
	ORDER BY conrelid::regclass::text, conname)
FROM pg_constraint WHERE contype = 'f' AND connamespace = 'bestauth'::regnamespace
END

# A program that must be silent.
sub runs_silently
{
	my ($name, @command) = @_;
	my ($out, $err) = ('', '');
	my $done = IPC::Run::run([ @command ], '<', \'', '>', \$out, '2>', \$err);

	ok($done, "$name: it succeeds");
	is($err, '', "$name: without a warning");
	return $done;
}

# [N-01] The rows are those of before: none less, no audit row and no mail more.
sub is_restored
{
	my ($database, $way) = @_;

	is_deeply(contents($database), $before, "$way: every table has the rows of before");
	return;
}

# [N-04] Closed: nothing can be done, no trigger writes.
sub is_closed
{
	my ($database, $way) = @_;

	is(sqlstate($node, $database, "SELECT * FROM bestauth.login('parent', 'clerk', '@{[ password('clerk') ]}')"),
		'55000', "$way: closed, no login");
	is(sqlstate($node, $database, "SELECT * FROM bestauth.use_session('$secret{session}')"),
		'55000', "$way: closed, no session");
	is(sqlstate($node, $database, 'SELECT * FROM bestauth.claim_mail()'), '55000', "$way: closed, no mail");
	is(sql($database, <<'END'), '0|0', "$way: closed, a change leaves no audit row and no mail");
BEGIN;
CREATE TEMP TABLE n AS SELECT (SELECT count(*) FROM bestauth.audit_log) AS audit, (SELECT count(*) FROM bestauth.outbox) AS mail;
UPDATE bestauth.user_account SET first_name = 'Changed' WHERE username = 'clerk';
SELECT (SELECT count(*) FROM bestauth.audit_log) - audit, (SELECT count(*) FROM bestauth.outbox) - mail FROM n;
ROLLBACK;
END
	return;
}

# What open_instance() adds is one audit row, with a fresh id [N-02]; rows are as they
# were else; and what a restore may have put askew is right again [N-03].
sub opens
{
	my ($database, $way) = @_;
	my $after;

	is(sql($database, 'SELECT bestauth.open_instance()'), 'the-source', "$way: opens under its name");
	is(sql($database, "SELECT string_agg(action || ' ' || (audit_id > $last_audit_id), ',') FROM bestauth.audit_log WHERE NOT audit_id <= $last_audit_id"),
		'instance.opened true', "$way: one audit row more, with a fresh id");
	$after = contents($database);
	for my $rows ($after, { %$before })
	{
		delete @$rows{ grep { /^audit_log/ } keys %$rows };
	}
	is_deeply($after, { map { $_ => $before->{$_} } keys %$after }, "$way: opening changes no other row");
	is(sql($database, <<'END'), '', "$way: every trigger fires always, every table has its guard, row security and owner");
SELECT t.tgrelid::regclass || ' ' || t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind <> 'v' AND NOT t.tgisinternal AND t.tgenabled <> 'A'
UNION ALL
SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p')
	AND (NOT c.relrowsecurity OR c.relowner <> 'bestauth_owner'::regrole
		OR c.relname LIKE 'audit\_log%' AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'guard'))
END
	is(sql($database, <<'END'), 'Edited "here",Own', "$way: templates of mail stay as they were edited");
SELECT string_agg(subject, ',' ORDER BY subject COLLATE "C") FROM bestauth.mail_template
WHERE kind = 'password_setup' OR company_id IS NOT NULL
END
	is(sql($database, $references), $referenced, "$way: every foreign key is there, and valid");
	is(sql($database, <<'END'), 't|f|t', "$way: grants are there again");
SELECT has_function_privilege('regress_app', 'bestauth.use_session(text)', 'EXECUTE'),
	has_function_privilege('regress_revoked', 'bestauth.has_permission(text)', 'EXECUTE'),
	has_table_privilege('regress_auditor', 'bestauth.audit_log', 'SELECT')
END
	return;
}

# [AUD-5] [N-01] What is under audit stays so, with all that it was told, and the restore itself
# wrote nothing of it.
my $audit_triggers = q{SELECT string_agg(concat(tgenabled, pg_get_triggerdef(oid), obj_description(oid)), ' ' ORDER BY tgrelid::regclass::text, tgname) FROM pg_trigger WHERE tgname LIKE 'bestauth\\_audit%'};

sub is_audited
{
	my ($database, $way) = @_;

	is(sql($database, 'SELECT relation, id_columns, hidden, company_column, enabled, problem FROM bestauth.audited_tables ORDER BY relation::text COLLATE "C"'),
		qq{app.chart|{patient}|{"odd, {name}"}|the company's|t|\napp.chart_rest|{patient}|{"odd, {name}"}|the company's|t|}, "$way: the application's table is under audit");
	is(sql($database, $audit_triggers), sql('source', $audit_triggers), "$way: by the same triggers");
	is(sql($database, q{SELECT count(*) FROM bestauth.audit_log WHERE object_type LIKE 'app.%'}), '0', "$way: the restore wrote nothing of it");
	is(sql($database, <<'END'), "app.chart|row.updated|child1!|child1\napp.chart_rest|row.deleted|child1!|child1", "$way: changes are written again");
BEGIN;
UPDATE app.chart SET patient = patient || '!' WHERE patient = 'child1';
DELETE FROM app.chart_rest WHERE patient = 'child1!';
SELECT object_type, action, object_id, company_code FROM bestauth.audit_log WHERE object_type LIKE 'app.%' ORDER BY audit_id;
ROLLBACK;
END
	return;
}

# [N-01] An isolated table is one, by the catalogs alone: what the session may enter is seen.
sub is_isolated
{
	my ($database, $way) = @_;

	is(sql($database, 'SELECT relation, policy_intact, index, problem FROM bestauth.isolated_tables ORDER BY relation::text COLLATE "C"'),
		qq{app.chart|t||\napp.chart_rest|t|app."chart_rest_the company's_idx"|}, "$way: the application's table is isolated");
	is(sql($database, <<END), "t\nchild1 child2 parent|3|0", "$way: a session sees what it may enter");
SET ROLE regress_app;
BEGIN;
SELECT user_id IS NOT NULL FROM bestauth.use_session('$secret{session}');
SELECT string_agg(patient, ' ' ORDER BY patient), (SELECT count(*) FROM app.chart_rest), (SELECT count(*) FROM app.chart_rest WHERE patient = 'service') FROM app.chart;
COMMIT;
END
	sql($database, q{SELECT bestauth.unisolate_table('app.chart')});
	is(sql($database, q{SELECT count(*) FROM pg_index WHERE indrelid = 'app.chart_rest'::regclass}), '0', "$way: and its index is known as made by isolate_table");
	return;
}

# [N-04] What was good is good, what was used, ended or locked stays so.
sub goes_on
{
	my ($database, $way) = @_;
	my $outcome = sub { login($node, $database, $_[0], $_[1], password($_[1])) };

	is($outcome->('parent', 'clerk'), 'authenticated', "$way: logins work");
	is($outcome->('parent', 'key'), 'second_part_required', "$way: of keys too");
	is($outcome->('parent', $_), 'denied', "$way: $_ stays so") for 'locked', 'guessed', 'deleted';
	is(sql($database, <<'END'), 'locked after too many wrong passwords', "$way: for that reason");
SELECT detail ->> 'reason' FROM bestauth.audit_log WHERE action = 'login.denied' AND username = 'guessed'
ORDER BY audit_id DESC LIMIT 1
END
	is(sql($database, "SELECT outcome FROM bestauth.login('parent', 'reset', '$secret{'temporary password'}')"),
		'password_change_required', "$way: a temporary password stays one");

	is(sql($database, "SELECT bestauth.set_password('$secret{'set-up link of set-up'}', '@{[ password('late') ]}')"),
		'invalid', "$way: a used link stays used");
	is(sql($database, "SELECT bestauth.set_password('$secret{'set-up link of sent'}', '@{[ password('sent') ]}')"),
		'accepted', "$way: one that was not used is good");
	is(sql($database, "SELECT outcome FROM bestauth.login_second_part('$secret{'used challenge'}', 'biller', '@{[ password('biller') ]}')"),
		'denied', "$way: a used challenge stays used");
	is(sql($database, "SELECT outcome FROM bestauth.login_second_part('$secret{challenge}', 'biller', '@{[ password('biller') ]}')"),
		'authenticated', "$way: one that was not used is good");

	# [MCM-7] Where it was, too.
	is(sql($database, <<END), 'clerk|t|t|child2', "$way: a session is as good as before");
BEGIN;
SELECT username, bestauth.has_permission('own.thing'), bestauth.can_access_company((SELECT company_id FROM bestauth.company WHERE code = 'child1')),
	(SELECT code FROM bestauth.company c WHERE c.company_id = s.company_id)
FROM bestauth.use_session('$secret{session}') s JOIN bestauth.user_account u USING (user_id);
COMMIT;
END
	is(sql($database, <<END), 'limited|biller', "$way: so is one of a key");
BEGIN;
SELECT u.username, p.username FROM bestauth.use_session('$secret{'session of a key'}') s
JOIN bestauth.user_account u USING (user_id) JOIN bestauth.user_account p ON p.user_id = s.person_id;
COMMIT;
END
	is(sql($database, <<END), 'key|biller-2|federated', "$way: and one by an assertion");
BEGIN;
SELECT u.username, p.username, p.user_type FROM bestauth.use_session('$secret{'session by an assertion'}') s
JOIN bestauth.user_account u USING (user_id) JOIN bestauth.user_account p ON p.user_id = s.person_id;
COMMIT;
END
	like(sign_on($database), qr/^bas_/, "$way: who signs on elsewhere gets in");
	is(sql($database, 'SELECT count(*) FROM bestauth.sso_person'), '1', "$way: as who they were");
	is(sql($database, <<END), "t|$_->[1]", "$way: a session $_->[0] is so") for [ 'in an emergency', 't' ], [ 'after an emergency', 'f' ];
SELECT user_id IS NOT NULL, bestauth.has_permission('own.thing') FROM bestauth.use_session('$secret{"session $_->[0]"}') OFFSET 0
END
	is(sqlstate($node, $database, "SELECT * FROM bestauth.use_session('$secret{$_}')"), '28000', "$way: $_ stays so")
	  for 'ended session', 'refused session';

	# [TPB-8] And a person of a service is shown what they were shown before.
	{
		my $token = sql($database, "SELECT session_token FROM bestauth.login('service', 'biller', '@{[ password('biller') ]}')");

		is(sql($database, <<END), "else.where/far|Far \"one\" \\ Clinic|far-key|{claims,their.own}|t\nparent|The \"Parent\"|key|{claims}|t\nparent|The \"Parent\"|limited|{claims}|t", "$way: the customers of a service");
BEGIN;
DO \$\$ BEGIN PERFORM bestauth.use_session('$token'); END \$\$;
SELECT company, name, billing_username, permissions, last_used_at IS NOT NULL FROM bestauth.list_served_customers();
COMMIT;
END
	}

	# Clients: who was in is in, who asked for an account gets it by the old link.
	is(sql($database, "SELECT outcome FROM bestauth.login('parent', 'client\@example.org', '@{[ password('client') ]}', 'patients')"),
		'authenticated', "$way: a client logs in");
	is(sql($database, "SELECT bestauth.verify_email('$secret{'link of client, verification'}')"), 'invalid', "$way: a used verification stays used");
	is(sql($database, "SELECT bestauth.verify_email('$secret{'link of asking'}')"), 'accepted', "$way: one that was not used is good");
	is(sql($database, "SELECT outcome FROM bestauth.login('parent', 'asking\@example.org', '@{[ password('asking') ]}', 'patients')"),
		'authenticated', "$way: who asked for an account has it");
	is(sql($database, "SELECT string_agg(recipient || ' ' || attempts, ',' ORDER BY recipient) FROM bestauth.claim_mail(100)"),
		'admin@example.org 1,guessed@example.org 1,invited@example.org 2,locked@example.org 1,night@example.org 1,other@example.org 1,reset@example.org 1,waiting@example.org 1', "$way: the mail that waited comes once");
	is(sql($database, 'SELECT count(*) FROM bestauth.claim_mail(100)'), '0', "$way: and not again");

	# [N-01] An office: who was invited comes in by the old link, who waited is let in.
	is(sql($database, "SELECT outcome FROM bestauth.accept_registration('$secret{'link of an invite'}', 'invitee', '@{[ password('invitee') ]}', 'In', 'Vitee')"),
		'accepted', "$way: an invite is accepted");
	is(sql($database, "SELECT outcome FROM bestauth.login('parent', 'invitee', '@{[ password('invitee') ]}', 'docs')"),
		'authenticated', "$way: and its account logs in");
	is(sql($database, "SELECT bestauth.approve_registration(registration_id) FROM bestauth.registration_console('PENDING-PROV-ADMIN-REVIEW')"),
		'MANUAL-PROV-ADMIN-APPROVED', "$way: a request that waited is approved");
	is(sql($database, "SELECT outcome FROM bestauth.login('parent', 'nurse', '$secret{'temporary password of the office'}', 'docs')"),
		'password_change_required', "$way: a temporary password is good");
	is(sql($database, 'SELECT count(*) FROM bestauth.claim_history'), '100', "$way: the claims are there, once");
	return;
}

# -------------------------------------------------------------------- the test

fill();
sql('source', 'SELECT bestauth.audit_seal()');
sql('source', 'SELECT bestauth.audit_digest()');
$before = contents('source');
$last_audit_id = sql('source', 'SELECT max(audit_id) FROM bestauth.audit_log');

$referenced = sql('source', $references);

# Nothing compares well that is empty.
cmp_ok(scalar(() = $referenced =~ / FOREIGN KEY /g), '>', 15, 'there are foreign keys');
is_deeply([ sort grep { $before->{$_} =~ /^0 / && !/^audit_log_/ } keys %$before ], [ 'authority_channel', 'session_channel' ],
	'every table has rows');

# [N-02] Every table and sequence of the extension is dumped, or left out on purpose.
is(sql('source', <<'END'), '', 'whatever is not dumped is on the list of what need not be');
SELECT c.relname FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'bestauth'
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	AND c.relkind IN ('r', 'p', 'S') AND c.oid <> ALL (e.extconfig)
	-- what the script fills itself, what is always empty, what must not travel, a parent without rows
	AND c.relname NOT IN ('access_rule', 'object_rule', 'reference_rule', 'authority_channel', 'session_channel', 'instance_open', 'audit_log')
END
is(sql('source', <<'END'), '', 'what is in the schema and not of the extension is a partition of the audit');
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p', 'S', 'v', 'm', 'f')
	AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
	AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid AND i.inhparent = 'bestauth.audit_log'::regclass)
END
# But the words that come with the extension.
is(sql('source', 'SELECT string_agg(c, \' \') FROM pg_extension, unnest(extcondition) c WHERE c <> \'\''), 'WHERE NOT builtin',
	'what is dumped is dumped whole');

my @pg = ('-h', $node->host, '-p', $node->port);

runs_silently('pg_dump', 'pg_dump', @pg, '-f', "$dir/plain.sql", 'source');
runs_silently('pg_dump -Fc', 'pg_dump', @pg, '-Fc', '-f', "$dir/custom", 'source');
runs_silently('pg_dump -Fd', 'pg_dump', @pg, '-Fd', '-j', 2, '-f', "$dir/directory", 'source');
runs_silently('pg_dump --data-only', 'pg_dump', @pg, '-N', 'app', '--data-only', '--disable-triggers', '-f', "$dir/data.sql", 'source');
runs_silently('pg_dump of partitions', 'pg_dump', @pg, '--schema-only', '-t', 'bestauth.audit_log_*', '-f', "$dir/partitions.sql", 'source');
is(sql('source', 'SELECT count(*) FROM bestauth.audit_log WHERE audit_id > ' . $last_audit_id), '0', 'a dump writes nothing');

# [E-02] No secret stands in a dump, in whatever form it is read.
{
	my $dump = slurp_file("$dir/plain.sql");
	my $hex = sub { unpack 'H*', $_[0] };

	like($dump, qr/clerk\@example\.org/, 'the dump has the users');
	like($dump, qr/\$2a\$10\$/, 'and their hashes');
	cmp_ok(scalar keys %secret, '>=', 18, 'secrets to look for');
	for my $what (sort keys %secret)
	{
		unlike($dump, qr/\Q$secret{$what}\E/i, "the dump does not have: $what");
		unlike($dump, qr/@{[ $hex->($secret{$what}) ]}/i, "nor its bytes");
	}
}

# [N-05] Who may not read everything is told so; there is no dump with less in it.
{
	my ($out, $err);

	sql('source', 'CREATE ROLE regress_backup LOGIN; GRANT pg_read_all_data TO regress_backup');
	ok(!IPC::Run::run([ 'pg_dump', @pg, '-U', 'regress_backup', '-f', "$dir/partial.sql", 'source' ], '>', \$out, '2>', \$err),
		'pg_dump by a role that row security stops fails');
	like($err, qr/row-level security|permission denied/, 'and says why');
}

my %restore = (
	'psql' => [ 'psql', '-XqAt', @pg, '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$dir/plain.sql", '-d' ],
	'psql --single-transaction' => [ 'psql', '-XqAt', @pg, '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-1', '-f', "$dir/plain.sql", '-d' ],
	'pg_restore' => [ 'pg_restore', @pg, '-e', "$dir/custom", '-d' ],
	'pg_restore --single-transaction' => [ 'pg_restore', @pg, '-1', "$dir/custom", '-d' ],
	'pg_restore -j 4' => [ 'pg_restore', @pg, '-e', '-j', 4, "$dir/directory", '-d' ],
);
my $number = 0;
my $copied;

for my $way (sort keys %restore)
{
	my $database = 'restored' . ++$number;

	sql('postgres', "CREATE DATABASE $database TEMPLATE template0");
	runs_silently($way, @{ $restore{$way} }, $database) or next;
	is_restored($database, $way);
	is_closed($database, $way) if $way eq 'psql';
	opens($database, $way);
	is_audited($database, $way);
	if ($way eq 'psql')
	{
		goes_on($database, $way);
		is_isolated($database, $way);
		$copied = $database;
	}
}

# [N-01] Rows alone, into a database with the extension fresh from CREATE EXTENSION, and
# the partitions of the audit, which CREATE EXTENSION doesn't make.
{
	my $way = 'data only';
	my @psql = ('psql', '-XqAt', @pg, '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null');

	sql('postgres', 'CREATE DATABASE data_only TEMPLATE template0');
	make_instance($node, 'data_only', closed => 1);
	runs_silently("$way, partitions", @psql, '-f', "$dir/partitions.sql", '-d', 'data_only');
	runs_silently($way, @psql, '-f', "$dir/data.sql", '-d', 'data_only') or last;
	is_restored('data_only', $way);
	is_closed('data_only', $way);
	opens('data_only', $way);
	goes_on('data_only', $way);
}

# [N-04] A copy made from a template is closed too, though the row that says "open"
# has come with it.
sql('postgres', "CREATE DATABASE copy TEMPLATE $copied");
is(sql('copy', 'SELECT count(*) > 0 FROM bestauth.instance_open'), 't', 'copy: it knows that it was open elsewhere');
is_closed('copy', 'copy');
# A default that a dump does not have, as one of an earlier version, is put down.
sql('copy', <<'END');
ALTER TABLE bestauth.mail_template DISABLE TRIGGER rule;
DELETE FROM bestauth.mail_template WHERE kind = 'password_reset';
END
is(sql('copy', 'SELECT bestauth.open_instance()'), 'the-source', 'copy: opens');
is(sql('copy', "SELECT kind, subject <> '' FROM bestauth.mail_template WHERE kind IN ('password_reset', 'password_setup') ORDER BY 1"),
	"password_reset|t\npassword_setup|t", 'copy: with every template of mail');
is(sql('copy', "SELECT subject FROM bestauth.mail_template WHERE kind = 'password_setup'"), 'Edited "here"', 'copy: the others as they were');
is(login($node, 'copy', 'parent', 'clerk', password('clerk')), 'authenticated', 'copy: logins work');
is(login($node, $copied, 'parent', 'clerk', password('clerk')), 'authenticated', 'copy: and where it was copied from');

$node->stop;
done_testing();
