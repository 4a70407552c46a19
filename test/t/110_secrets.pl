# Every flow that makes a secret, played with bound parameters on a server that logs and
# counts all it can with the settings that docs/operations.md calls safe: whatever
# a token, a password or an answer was, it rests nowhere.
#
# Not in pg_regress: it takes pg_dump, the server's log and files, other libraries
# preloaded, and a client that sends parameters as parameters.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use MIME::Base64 qw(encode_base64 decode_base64);
use PostgreSQL::Test::Utils;
use RawClient;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = start_node('secrets', preload => 1);
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
my ($client, $watcher, $watcher_pid);
my $looked_at = 0;	# how far the log was searched
my %canary;		# every secret that there was, and what it is

# Statements and plans are logged, of bestauth's own queries too; parameters are not,
# nor the outputs of plans, where a function's arguments would stand. Here calls with
# secrets stand in FROM or are what is selected: those in WHERE would be in the plan.
sub log_everything
{
	my $libdir = $node->safe_psql('postgres', q{SELECT setting FROM pg_config WHERE name = 'PKGLIBDIR'});
	my %settings = (
		pg_stat_statements => 'pg_stat_statements.track = all',
		auto_explain => "auto_explain.log_min_duration = 0\nauto_explain.log_analyze = on\n"
		  . "auto_explain.log_nested_statements = on\nauto_explain.log_verbose = off");
	my @libraries = grep { -e "$libdir/$_.so" } sort keys %settings;

	note 'beside it: ', join ' ', @libraries;
	$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'" . join(',', 'bestauth', @libraries) . "'");
	$node->append_conf('postgresql.conf', <<'END');
log_statement = all
log_min_duration_statement = 0
log_min_error_statement = error
log_min_messages = debug1
log_error_verbosity = verbose
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
track_activity_query_size = 16kB
END
	$node->append_conf('postgresql.conf', $settings{$_}) for @libraries;
	$node->append_conf('postgresql.conf', 'auto_explain.log_parameter_max_length = 0')
	  if "@libraries" =~ /explain/ && $node->safe_psql('postgres', 'SHOW server_version_num') >= 160000;
	$node->restart;
	make_instance($node, 'postgres');
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements') if "@libraries" =~ /statements/;
	return;
}

# A session that looks at all others, all the time, and keeps what it saw.
sub start_watching
{
	$node->safe_psql('postgres', <<'SQL');
CREATE TABLE seen (query text, UNIQUE (query));
CREATE PROCEDURE watch() LANGUAGE plpgsql AS $$
BEGIN
	LOOP
		PERFORM pg_stat_clear_snapshot();
		INSERT INTO seen SELECT DISTINCT query FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND length(query) BETWEEN 1 AND 2000
		ON CONFLICT DO NOTHING;
		COMMIT;
		PERFORM pg_sleep(0.005);
	END LOOP;
END
$$;
SQL
	$watcher = connect_to($node->connstr('postgres'));
	$watcher_pid = $watcher->query('SELECT pg_backend_pid();');
	$watcher->query(q{SET log_statement = none; SET log_min_duration_statement = -1; SET log_min_messages = warning;});
	$watcher->query(q{SET auto_explain.log_min_duration = -1; SET pg_stat_statements.track = none;});
	$watcher->send_sql('CALL watch();');
	return;
}

# ------------------------------------------------------------------ the search

# The forms in which a secret could rest: as it is, without spaces, as a password is
# compared with the blocklist, in hexadecimal as bytea shows it, in base64; a token's 32
# bytes as well.
sub forms
{
	my ($secret) = @_;
	my $bare = $secret =~ s/^ba[a-z]_//r;
	my @forms = ($bare, $bare =~ s/ //gr, unpack('H*', $bare), encode_base64($secret, '') =~ s/=+$//r);

	if ($bare ne $secret)
	{
		my $bytes = decode_base64($bare =~ tr{-_}{+/}r);

		push @forms, unpack('H*', $bytes), encode_base64($bytes, '') =~ s/=+$//r;
	}
	return @forms;
}

# What lies in the tables and in the statistics of columns, as a superuser reads it.
sub rows
{
	return $node->safe_psql('postgres', <<'END');
ANALYZE;
SELECT format('SELECT %L, t FROM %s t', c.oid::regclass, c.oid::regclass)
FROM pg_class c WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
	AND (c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace)
		OR c.relname IN ('pg_statistic', 'pg_statistic_ext_data', 'pg_description', 'pg_db_role_setting')) ORDER BY 1
\gexec
END
}

# The server's files: those of tables, the WAL, what statistics write down.
sub files
{
	my ($patterns) = @_;
	my ($out, $err) = ('', '');

	# bytes, and not characters, which would take long
	local $ENV{LC_ALL} = 'C';
	$node->safe_psql('postgres', 'CHECKPOINT');
	IPC::Run::run([ 'grep', '-raohiF', '-f', $patterns, $node->data_dir ], '>', \$out, '2>', \$err);
	return $out;
}

sub output_of
{
	my (@command) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ @command, '-d', $node->connstr('postgres') ], '>', \$out, '2>', \$err) or die "$command[0]: $err";
	return $out;
}

sub places
{
	my (@forms) = @_;
	my $patterns = "$dir/patterns";
	my $known = $node->safe_psql('postgres', q{SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements'});

	unlink $patterns;
	append_to_file($patterns, join('', map { "$_\n" } @forms));
	return (
		'dump' => output_of('pg_dump'),
		'dump of globals' => output_of('pg_dumpall', '--globals-only'),
		'rows' => rows(),
		'audit log' => $node->safe_psql('postgres', 'SELECT a FROM bestauth.audit_log a'),
		'activity' => $node->safe_psql('postgres', 'SELECT a FROM pg_stat_activity a'),
		'server log' => log_since($node, $looked_at),
		'files' => files($patterns),
		$known ? ('statements' => $node->safe_psql('postgres', 'SELECT s FROM pg_stat_statements s')) : ());
}

# "what in where" of all that is found.
sub find
{
	my (%what) = @_;

	return find_in(qr/./, %what);
}

# The same in some of the places.
sub find_in
{
	my ($where, %what) = @_;
	my %of;
	my @found;

	for my $secret (keys %what)
	{
		$of{ lc $_ } = $what{$secret} for forms($secret);
	}
	my %place = places(keys %of);

	for my $place (grep { /$where/ } sort keys %place)
	{
		my $text = lc $place{$place};
		my %hit = map { ($of{$_} => 1) } grep { index($text, $_) >= 0 } keys %of;

		push @found, map { "$_ in $place" } sort keys %hit;
	}
	return join ', ', @found;
}

# [E-02] [I-08] [J-06]
sub nowhere
{
	my ($when) = @_;
	my $position = log_position($node);

	is(find(%canary), '', "$when: none of " . keys(%canary) . ' secrets anywhere');
	$looked_at = $position;
	return;
}

# A search that finds nothing must be one that could: something planted in each place.
sub search_finds
{
	my %planted = map { ($_ => "planted$_" . 'x' x 12 . 'end') } qw(text bytes log role held failed);
	my %what = map { ($planted{$_} => $_) } keys %planted;
	my $holder = connect_to($node->connstr('postgres'));
	my $token = 'bat_' . encode_base64('these are 32 bytes of a token ..', '') =~ s/=+$//r;

	$what{$token} = 'token';
	is(find(%what), '', 'before it is planted nothing is found');
	$node->safe_psql('postgres', <<END);
CREATE TABLE planted (n integer, t text, b bytea, k bytea);
INSERT INTO planted SELECT n, '$planted{text}', convert_to('$planted{bytes}', 'UTF8'), 'these are 32 bytes of a token ..' FROM generate_series(1, 20) n;
CREATE ROLE planted;
COMMENT ON ROLE planted IS '$planted{role}';
DO \$\$ BEGIN RAISE LOG '$planted{log}'; END \$\$;
END
	$holder->query("DO 'BEGIN /* $planted{held} */ END';");
	sqlstate($node, 'postgres', "SELECT 1 / 0, '$planted{failed}'");
	my $found = find(%what);

	like($found, qr/\b\Q$_\E\b/, "planted, it is found: $_")
	  for 'text in dump', 'bytes in dump', 'token in dump', 'role in dump of globals', 'text in rows', 'bytes in rows',
	  'token in rows', 'held in activity', 'held in server log', 'log in server log', 'failed in server log',
	  'text in files', 'role in files';
	like($found, qr/\bheld in rows\b|\bheld in statements\b/, 'and what the watcher saw, or statistics keep');
	like($node->safe_psql('postgres', 'SELECT s FROM seen s'), qr/\Q$planted{held}\E/, 'the watcher sees what a session runs')
	  if wait_for_seen($planted{held});
	$holder->quit;
	$node->safe_psql('postgres', 'DROP TABLE planted; DROP ROLE planted;');
	return;
}

# Until the watcher has seen a statement with this in it.
sub wait_for_seen
{
	my ($text) = @_;

	return $node->poll_query_until('postgres', "SELECT count(*) > 0 FROM seen WHERE query LIKE '%$text%'")
	  || !ok(0, "the watcher has seen: $text");
}

# -------------------------------------------------------------------- the calls

# A secret that is known from now on.
sub keep
{
	my ($what, $secret) = @_;

	$canary{$secret} = $what;
	return $secret;
}

# One that a call returned.
sub take
{
	my ($what, $secret) = @_;

	like($secret // 'nothing', qr/^[\w-]{15,}$/, "there is: $what");
	return keep($what, $secret // 'nothing');
}

sub password
{
	my ($what) = @_;

	return keep("password $what", "Quixotic boats of $what");
}

sub answered
{
	my ($expected, $what, $sql, @parameters) = @_;

	is(join('|', map { $_ // '' } $client->call($sql, @parameters)), $expected, $what);
	return;
}

sub create_user
{
	my ($name, $type, $password, $more) = @_;

	answered('t', "$name is made", <<END, $name, $type, "$name\@example.org", $password);
SELECT bestauth.create_user(\$1, \$2, 'Given', 'Name', \$3, \$4, company => 'secrets'@{[ $more // '' ]}) IS NOT NULL
END
	return;
}

sub log_in
{
	my ($name, $password, $company, $portal) = @_;
	my ($outcome, $session, $challenge) = $client->call(<<'END', $company // 'secrets', $name, $password, $portal);
SELECT outcome, session_token, challenge_token FROM bestauth.login($1, $2, $3, $4)
END

	take("session of $name", $session) if defined $session;
	take("challenge of $name", $challenge) if defined $challenge;
	return ($outcome, $session, $challenge);
}

# Claims what waits for an address; other mail is claimed with it, and its tokens are kept
# too. Returns the message and the token of the kind.
sub claim
{
	my ($kind, $recipient) = @_;
	my @rows = $client->call(
		q{SELECT message_id, kind, recipient, token, body, 'end' FROM bestauth.claim_mail($1, $2)}, 100, '1 hour');
	my @mine;

	while (my ($message, $of, $to, $token, $body) = splice @rows, 0, 6)
	{
		take("token of $of for $to", $token) if defined $token;
		keep("body of $of for $to", $1) if $body =~ /(Rendered: .*)/;
		@mine = ($message, $token, $body) if $of eq $kind && $to eq $recipient;
	}
	ok(@mine, "$kind for $recipient is claimed");
	like($mine[2], qr/\Q$mine[1]\E/, 'its body has the token') if defined $mine[1];
	return @mine[ 0, 1 ];
}

sub confirm
{
	answered('', 'its mail is confirmed', 'SELECT bestauth.confirm_mail($1)', $_[0]);
	return;
}

# -------------------------------------------------------------------- the flows

sub prepare
{
	$node->safe_psql('postgres', <<'END');
SELECT bestauth.create_company('secrets', 'Secrets'), bestauth.create_company('service', 'Service');
SELECT bestauth.register_billing_service('service');
SELECT bestauth.create_portal('secrets', 'clients', 'client', 'Clients', 'https://clients.example'), bestauth.create_portal('secrets', 'docs', 'provider', 'Doctors', 'https://docs.example');
SELECT bestauth.create_office('secrets', '11-1111111', 'Office');
UPDATE bestauth.mail_template SET body = E'Rendered: {{company}} {{valid_for}}\n{{link}}\n' WHERE strpos(body, '{{link}}') > 0;
END
	return;
}

sub set_up
{
	my ($message, $token, $again);
	my $short = keep('password too short', 'qz7Xy');
	my $wrong = keep('wrong token', 'bat_ThisIsNoTokenThatThereWouldEverBe');

	create_user('setup', 'standard', undef, ", permissions => '{my_account}'");
	nowhere('set-up, before the claim');
	($message, $token) = claim('password_setup', 'setup@example.org');
	nowhere('set-up, after the claim');
	answered('', 'the mailer gives it back', 'SELECT bestauth.release_mail($1)', $message);
	($message, $again) = claim('password_setup', 'setup@example.org');
	isnt($again, $token, 'claimed again it has another token');
	answered('', 'sending fails', 'SELECT bestauth.fail_mail($1, $2)', $message, 'no route to host');
	nowhere('set-up, after a failure');
	answered('valid', 'the link is good', 'SELECT outcome FROM bestauth.peek_password_link($1)', $token);
	answered('ERROR UA001', 'a password that is too short', 'SELECT bestauth.set_password($1, $2)', $token, $short);
	answered('invalid', 'a token that is none', 'SELECT bestauth.set_password($1, $2)', $wrong, password('nobody'));
	answered('accepted', 'the link is used', 'SELECT bestauth.set_password($1, $2)', $token, password('setup'));
	answered('invalid', 'once', 'SELECT bestauth.set_password($1, $2)', $token, password('setup twice'));
	nowhere('set-up, after use');
	confirm($message);
	nowhere('set-up, after confirmation');
	return;
}

sub sessions
{
	my ($outcome, $session, $challenge, $own);

	create_user('anna', 'standard', password('anna'), ", permissions => '{my_account}'");
	is((log_in('anna', password('guessed')))[0], 'denied', 'a wrong password');
	($outcome, $session) = log_in('anna', password('anna'));
	is($outcome, 'authenticated', 'a login');
	nowhere('login');
	$client->call('BEGIN');
	answered('1', 'the session is used', 'SELECT 1 FROM bestauth.use_session($1)', $session);
	answered('', 'questions are set', 'SELECT bestauth.set_security_questions($1, $2)',
		'{First pet?,First street?}', '{' . keep('answer one', 'zanzibarian') . ',' . keep('answer two', 'wollongongish') . '}');
	nowhere('questions, before the commit');
	$client->call('COMMIT');
	$client->call('BEGIN');
	answered('1', 'the session is used', 'SELECT 1 FROM bestauth.use_session($1)', $session);
	answered('denied', 'a change with a wrong password', 'SELECT bestauth.change_password($1, $2)', password('guessed'), password('refused'));
	answered('accepted', 'a change', 'SELECT bestauth.change_password($1, $2)', password('anna'), password('changed'));
	$client->call('COMMIT');
	answered('ERROR 28000', 'the session of before is none', 'SELECT 1 FROM bestauth.use_session($1)', $session);
	nowhere('change of a password');

	create_user('key', 'billing', password('key'), ", billing_service => 'service'");
	answered('t', 'a person of the service', <<'END', password('person'));
SELECT bestauth.create_user('person', 'restricted', 'Given', 'Name', 'person@example.org', $1, company => 'service') IS NOT NULL
END
	($outcome, undef, $challenge) = log_in('key', password('key'));
	is($outcome, 'second_part_required', 'part one');
	nowhere('part one');
	($outcome, $session) = $client->call('SELECT outcome, session_token FROM bestauth.login_second_part($1, $2, $3)',
		$challenge, 'person', password('person'));
	is($outcome, 'authenticated', 'part two');
	take('session of the key', $session);
	(undef, $own) = log_in('person', password('person'), 'service');
	(undef, undef, $challenge) = log_in('key', password('key'));
	($outcome, $session) = $client->call('SELECT outcome, session_token FROM bestauth.login_second_part_session($1, $2)', $challenge, $own);
	is($outcome, 'authenticated', 'part two by a session');
	take('other session of the key', $session);
	answered('', 'logout', 'SELECT bestauth.logout($1)', $session);
	nowhere('part two');
	return;
}

sub resets
{
	my ($message, $token, $temporary, $challenge, $outcome);
	my $call = 'SELECT bestauth.set_password($1, $2, $3)';

	answered('', 'a reset is asked for', 'SELECT bestauth.request_password_reset($1, $2)', 'secrets', 'anna');
	nowhere('reset, before the claim');
	($message, $token) = claim('password_reset', 'anna@example.org');
	nowhere('reset, after the claim');
	answered('invalid', 'wrong answers', $call, $token, password('reset'), '{' . keep('wrong answer', 'ouagadougoufied') . ',none}');
	answered('accepted', 'answers and a password', $call, $token, password('reset'), '{zanzibarian,wollongongish}');
	nowhere('reset, after use');
	confirm($message);
	nowhere('reset, after confirmation');

	($temporary) = $client->call(q{SELECT bestauth.reset_password('anna', company => 'secrets')});
	take('temporary password', $temporary);
	nowhere('temporary password, before the claim');
	($message, $token) = claim('temporary_password', 'anna@example.org');
	confirm($message);
	nowhere('temporary password, after confirmation');
	($outcome, undef, $challenge) = log_in('anna', $temporary);
	is($outcome, 'password_change_required', 'the temporary password is to be changed');
	answered('ERROR UA001', 'not to itself', 'SELECT bestauth.set_password($1, $2)', $challenge, $temporary);
	answered('accepted', 'to another', 'SELECT bestauth.set_password($1, $2)', $challenge, password('forced'));
	is((log_in('anna', password('forced')))[0], 'authenticated', 'which is good');
	nowhere('temporary password, after use');
	return;
}

sub new_address
{
	my ($message, $token);

	answered('', 'a new address', q{SELECT bestauth.update_user('anna', $1, company => 'secrets')}, '{"email": "other@example.org"}');
	nowhere('new address, before the claim');
	($message, $token) = claim('email_change', 'other@example.org');
	nowhere('new address, after the claim');
	answered('accepted', 'it is confirmed', 'SELECT bestauth.confirm_email_change($1)', $token);
	answered('invalid', 'once', 'SELECT bestauth.confirm_email_change($1)', $token);
	nowhere('new address, after use');
	confirm($message);
	nowhere('new address, after confirmation');
	return;
}

sub portal
{
	my ($message, $token);
	my $email = 'client@example.org';

	answered('1', 'an account is made for a contact', <<'END', $email);
SELECT 1 FROM bestauth.create_contact('client', 'Clara', 'Client', $1, company => 'secrets') c,
	LATERAL bestauth.create_portal_account(c, $1, company => 'secrets') a WHERE a IS NOT NULL
END
	nowhere('invitation, before the claim');
	($message, $token) = claim('portal_invite', $email);
	nowhere('invitation, after the claim');
	answered('accepted', 'the client sets a password', 'SELECT bestauth.set_password($1, $2)', $token, password('invited'));
	nowhere('invitation, after use');
	confirm($message);
	nowhere('verification, before the claim');
	(undef, $token) = claim('email_verification', $email);
	answered('verification_sent', 'and again', 'SELECT bestauth.resend_verification($1, NULL, $2)', 'secrets', $email);
	($message, $token) = claim('email_verification', $email);
	nowhere('verification, after the claim');
	answered('valid', 'the link is good', 'SELECT bestauth.peek_verification($1)', $token);
	answered('accepted', 'it is used', 'SELECT bestauth.verify_email($1)', $token);
	answered('invalid', 'once', 'SELECT bestauth.verify_email($1)', $token);
	nowhere('verification, after use');
	confirm($message);
	nowhere('verification, after confirmation');
	return;
}

sub sign_up
{
	my ($message, $token);
	my $email = 'signup@example.org';
	my $call = 'SELECT bestauth.register_portal_account($1, NULL, $2, $3, $4, $5)';
	my @who = ('Sigrid', 'Signup');

	answered('ERROR UA001', 'a password that is too short', $call, 'secrets', $email, keep('sign-up too short', 'kw9Vb'), @who);
	answered('verification_sent', 'a sign-up', $call, 'secrets', $email, password('replaced'), @who);
	nowhere('sign-up, before the claim');
	claim('email_verification', $email);
	answered('verification_sent', 'another', $call, 'secrets', $email, password('signup'), @who);
	# of somebody who has an account, and of nobody who ever comes back
	answered('verification_sent', 'one of an address with account', $call, 'secrets', 'client@example.org', password('known'), @who);
	answered('verification_sent', 'one that stays as it is', $call, 'secrets', 'never@example.org', password('never'), @who);
	($message, $token) = claim('email_verification', $email);
	nowhere('sign-up, after the claim');
	answered('accepted', 'the account is made', 'SELECT bestauth.verify_email($1)', $token);
	nowhere('sign-up, after use');
	confirm($message);
	answered('authenticated', 'and good', q{SELECT outcome FROM bestauth.login('secrets', $1, $2, portal => 'clients')}, $email, password('signup'));
	nowhere('sign-up, after confirmation');
	return;
}

sub invite
{
	my ($message, $token);
	my $email = 'invited@example.org';
	my $call = 'SELECT outcome FROM bestauth.accept_registration($1, $2, $3, $4, $5)';

	answered('1', 'an invite', 'SELECT count(*) FROM bestauth.office, bestauth.send_registration_links(ARRAY[$1], $2, office_id)', $email, 'Provider - Portal User');
	nowhere('invite, before the claim');
	($message, $token) = claim('registration_invite', $email);
	answered('', 'the mailer gives it back', 'SELECT bestauth.release_mail($1)', $message);
	($message, $token) = claim('registration_invite', $email);
	nowhere('invite, after the claim');
	answered('valid', 'the link is good', 'SELECT outcome FROM bestauth.peek_registration($1)', $token);
	answered('ERROR UA001', 'a password that is too short', $call, $token, 'ines', keep('accepted too short', 'jx5Wq'), 'Ines', 'Invited');
	answered('accepted', 'the link is used', $call, $token, 'ines', password('accepted'), 'Ines', 'Invited');
	answered('invalid', 'once', $call, $token, 'ines2', password('accepted twice'), 'Ines', 'Invited');
	nowhere('invite, after use');
	confirm($message);
	is((log_in('ines', password('accepted'), undef, 'docs'))[0], 'authenticated', 'and the account is good');
	nowhere('invite, after confirmation');
	return;
}

# [PRV-9] What was answered to the security questions of a request rests nowhere: not where it is
# wrong, and of what is right not as it was typed; what it was compared with is in no log.
sub request
{
	my $call = 'SELECT status FROM bestauth.submit_registration($1, $2, NULL, $3, NULL, NULL, $4, $5, $6, $7, $8, $9, $10)';
	my @office = ('secrets', '11-1111111', 'tin');
	my %right = ('QUIXZ71359' => 'right claim number', 'QUIXZ-71359' => 'claim number as it was loaded', '1941-03-17' => 'right date of birth');
	my $start = log_position($node);
	my ($message, $token, $id);

	answered('1', 'a provider', 'SELECT count(bestauth.create_provider(office_id, $1, $2, $3, $4)) FROM bestauth.office', '1234567893', 'Pat', 'Provider', '1941-03-17');
	answered('', 'a claim', 'INSERT INTO bestauth.claim_history (office_identifier, npi, claim_number, service_date, company) VALUES ($1, $2, $3, $4, $5)',
		'111111111', '1234567893', 'QUIXZ-71359', '2024-01-02', 'secrets');
	answered('PENDING-PROV-ADMIN-REVIEW', 'a request with wrong answers', $call, @office, 'rita', password('request'), 'Rita', 'Request', 'rita@example.org',
		keep('wrong claim number', 'VEXJQ 80246'), keep('wrong date of birth', '1937-11-29'));
	answered('PENDING-PROV-ADMIN-REVIEW', 'one with what can be no claim number', $call, @office, 'rolf', password('request declined'), 'Rolf', 'Request', 'rolf@example.org',
		keep('no claim number', 'jabberwock & "snark"; ' . 'x' x 60), keep('another wrong date of birth', '1936-10-28'));
	answered('INVALIDATED', 'one without a name', $call, @office, undef, password('request incomplete'), 'Ina', 'Complete', 'ina@example.org',
		keep('claim number of an incomplete one', 'WYVQK 97531'), keep('date of birth of an incomplete one', '1935-09-27'));
	answered('ERROR UA001', 'one with a short password', $call, @office, 'sam', keep('request too short', 'vk8Zt'), 'Sam', 'Short', 'sam@example.org',
		keep('claim number of a refused one', 'ZYMKJ 86420'), keep('date of birth of a refused one', '1934-08-26'));
	answered('ERROR 23505', 'one with a name that is taken', $call, @office, 'rita', password('request taken'), 'Rita', 'Taken', 'rita2@example.org',
		keep('claim number of one that is too late', 'GJYXW 11223'), keep('date of birth of one that is too late', '1933-07-25'));
	nowhere('requests');
	answered('AUTO-APPROVED', 'one with right answers', $call, @office, 'gwen', password('request approved'), 'Gwen', 'Good', 'gwen@example.org',
		keep('right claim number as it was typed', 'q.u.i.x.z/7/1/3/5/9'), '1941-03-17');
	nowhere('request, approved at once');
	$looked_at = $start;
	is(find_in(qr/^(activity|audit log|dump of globals|server log|statements)$/, %right), '', 'what it was compared with is in no log');
	is(find_in(qr/^rows$/, %right), 'claim number as it was loaded in rows, right date of birth in rows', 'but in its tables');
	($id) = $client->call(q{SELECT registration_id FROM bestauth.registration WHERE username = 'rolf'});
	answered('DECLINED', 'one is declined', 'SELECT bestauth.deny_registration($1, $2)', $id, $client->call('SELECT reason FROM bestauth.list_decline_reasons() LIMIT 1'));
	nowhere('request, decided');
	($id) = $client->call(q{SELECT registration_id FROM bestauth.registration WHERE username = 'rita'});
	for my $name ('gwen', 'rita')
	{
		my $password = password($name eq 'rita' ? 'request' : 'request approved');

		answered('MANUAL-PROV-ADMIN-APPROVED', 'one is approved', 'SELECT bestauth.approve_registration($1)', $id) if $name eq 'rita';
		($message, $token) = claim('email_verification', "$name\@example.org");
		is((log_in($name, $password, undef, 'docs'))[0], 'denied', "$name is not verified");
		answered('accepted', 'the link is used', 'SELECT bestauth.verify_email($1)', $token);
		is((log_in($name, $password, undef, 'docs'))[0], 'authenticated', "$name is in");
		confirm($message);
	}
	nowhere('request, verified');
	return;
}

sub employee
{
	my $call = 'SELECT temporary_password FROM bestauth.create_provider_user($1, $2, $3, $4, $5, questions => $6, answers => $7)';
	my @ids = $client->call(q{SELECT bestauth.create_employee(office_id, 'staff', last_name, 'Given') FROM bestauth.office, unnest('{One,Two}'::text[]) last_name});
	my ($temporary, $challenge, $outcome);

	($temporary) = $client->call($call, $ids[0], 'eone', 'Provider - Portal User', 'eone@example.org', undef, '{First pet?,First street?}',
		'{' . keep('employee answer one', 'reykjavikerish') . ',' . keep('employee answer two', 'antananarivoan') . '}');
	take('temporary password of an employee', $temporary);
	answered('', 'another one with a password', $call, $ids[1], 'etwo', 'Provider - Portal User', 'etwo@example.org', password('of an employee'), undef, undef);
	answered('ERROR 23505', 'one that has an account', $call, $ids[1], 'ethree', 'Provider - Portal User', 'ethree@example.org', password('of nobody'), '{First pet?}',
		'{' . keep('employee answer three', 'tegucigalpanic') . '}');
	nowhere('employees');
	for ([ 'eone', $temporary ], [ 'etwo', password('of an employee') ])
	{
		my ($name, $password) = @$_;

		($outcome, undef, $challenge) = log_in($name, $password, undef, 'docs');
		is($outcome, 'password_change_required', "$name is to change it");
		answered('accepted', 'and does', 'SELECT bestauth.set_password($1, $2)', $challenge, password("changed by $name"));
		is((log_in($name, password("changed by $name"), undef, 'docs'))[0], 'authenticated', "$name is in");
	}
	nowhere('employees, after use');
	return;
}

# Its session has a token that nobody took.
sub stop_watching
{
	cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM seen WHERE query LIKE '%bestauth.login($1%'}), '>', 0,
		'the watcher saw logins while they ran');
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($watcher_pid)");
	$watcher->quit;
	return;
}

log_everything();
start_watching();
search_finds();
prepare();
$client = RawClient->connect_raw($node, 'postgres', $superuser);
set_up();
sessions();
resets();
new_address();
portal();
sign_up();
invite();
request();
employee();
stop_watching();
$looked_at = 0;
nowhere('at the end, in the whole log');

# [J-06] Bound parameters in what the log has of all this: their names alone.
like(log_since($node, 0), qr/bestauth\.set_password\(\$1, \$2\)/, 'the log has the statements');
# [I-08] Nothing of a message's text is kept, nor could be.
is($node->safe_psql('postgres', <<'END'), '', 'mail has no column for its text');
SELECT attname FROM pg_attribute WHERE attrelid = 'bestauth.outbox'::regclass AND attname ~ 'body|subject|token|text'
END
is($node->safe_psql('postgres', 'SELECT count(*) >= 7 FROM bestauth.outbox WHERE sent_at IS NOT NULL'), 't', 'mail was sent')
  or note $node->safe_psql('postgres', 'SELECT kind, recipient, sent_at FROM bestauth.outbox');

$node->stop;
done_testing();
