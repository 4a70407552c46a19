# Guesses stay charged whatever becomes of the caller's transaction, statement,
# connection or server.
#
# Not in pg_regress: it takes other connections that look on, a pipeline, forty
# sessions at once, clients and backends that are killed, a server that goes down
# without a word, and all of it with and without the library preloaded.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $threshold = 5;
my $right = 'the right password of this test';
my $wrong = 'a wrong password of this test';
my $tempdir = PostgreSQL::Test::Utils::tempdir();

# An account of its own for each way of guessing.
sub make_user
{
	my ($node, $name, %params) = @_;
	my $cost = $params{cost} // 10;
	my $password = $params{password} // $right;

	$node->safe_psql('postgres', <<END);
SET bestauth.hash_cost = $cost;
SELECT bestauth.create_user('$name', 'standard', 'Given', 'Name', '$name\@example.org',
	password => '$password', company => 'guess');
END
	return;
}

sub login_sql
{
	my ($name, $password) = @_;

	return "bestauth.login('guess', '$name', '$password')";
}

# The count as it stands: "failed locked".
sub counter
{
	my ($node, $name) = @_;

	return $node->safe_psql('postgres', <<END);
SELECT coalesce((SELECT failed || ' ' || (locked_until IS NOT NULL AND locked_until > clock_timestamp())
	FROM bestauth.login_counter
	WHERE subject = '\\x75'::bytea || decode(replace(u.user_id::text, '-', ''), 'hex')), 'none')
FROM bestauth.user_account u WHERE username = '$name'
END
}

# Refused logins of the account by reason: "2 locked after ..., 5 wrong password".
sub denials
{
	my ($node, $name) = @_;

	return $node->safe_psql('postgres', <<END);
SELECT coalesce(string_agg(n || ' ' || reason, ', ' ORDER BY reason), 'none')
FROM (SELECT count(*) AS n, detail ->> 'reason' AS reason FROM bestauth.audit_log
	WHERE action = 'login.denied' AND username = '$name' AND outcome = 'denied' GROUP BY 2) d
END
}

# Locks that were written down.
sub locks
{
	my ($node, $name) = @_;

	return $node->safe_psql('postgres',
		"SELECT count(*) FROM bestauth.audit_log WHERE action = 'login.locked_out' AND username = '$name'");
}

# The threshold was reached by guesses that were all looked at, each left its row,
# nothing else of their transactions is there, and the right password is refused.
sub is_locked
{
	my ($node, $name, $way) = @_;

	is(counter($node, $name), "$threshold true", "$way: every guess is charged, the account is locked");
	is(denials($node, $name), "$threshold wrong password", "$way: every guess has its audit row");
	is(locks($node, $name), '1', "$way: so has the lock");
	is($node->safe_psql('postgres', "SELECT count(*) FROM witness WHERE who = '$name'"), '0',
		"$way: the guesses were undone otherwise");
	# a login that meets a lock of just now waits for a while, in vain
	$node->safe_psql('postgres', "UPDATE bestauth.login_counter SET locked_at = locked_at - interval '1 minute'");
	is(login($node, 'postgres', 'guess', $name, $right), 'denied', "$way: the right password is refused");
	is(denials($node, $name), "1 locked after too many wrong passwords, $threshold wrong password",
		"$way: and so is that written down");
	return;
}

# What every guess leaves behind, to show that it was undone.
sub witness
{
	my ($name) = @_;

	return "INSERT INTO witness VALUES ('$name')";
}

# [C-01] [PRV-16] Rolled back by the caller.
sub rolled_back
{
	my ($node) = @_;
	my $guess = "SELECT outcome FROM @{[ login_sql('psql', $wrong) ]}";
	my ($client, @answers);

	make_user($node, 'psql');
	is($node->safe_psql('postgres', "BEGIN; @{[ witness('psql') ]}; $guess; ROLLBACK;"), 'denied',
		'BEGIN, ROLLBACK: denied')
	  for 1 .. $threshold;
	is_locked($node, 'psql', 'BEGIN, ROLLBACK');

	# A driver with autocommit off: one connection, which never commits.
	make_user($node, 'driver');
	$client = connect_to($node->connstr('postgres'));
	$client->query('\set AUTOCOMMIT off');
	$guess =~ s/'psql'/'driver'/;
	for (1 .. $threshold)
	{
		push @answers, scalar $client->query("@{[ witness('driver') ]};\n$guess;");
		$client->query('ROLLBACK;');
	}
	is("@answers", join(' ', ('denied') x $threshold), 'autocommit off: denied each time');
	is_locked($node, 'driver', 'autocommit off');
	$client->quit;
	return;
}

# [J-03] [AUD-7] A call that was refused for lack of permission is written down, whatever
# its caller does then.
sub refused_call
{
	my ($node) = @_;
	my $rows = <<'END';
SELECT count(*) FROM bestauth.audit_log WHERE action = 'access.denied' AND object_id = 'lock_user' AND db_role = 'app'
END
	my $token = $node->safe_psql('postgres', <<END);
SELECT session_token FROM bestauth.login('guess', 'plain', '$right')
END
	my ($status, $err);

	($status, undef, $err) = $node->psql('postgres', <<END, extra_params => [ '-U', 'app' ], on_error_stop => 0);
\\set VERBOSITY sqlstate
BEGIN;
SELECT length(session_id::text) FROM bestauth.use_session('$token');
SAVEPOINT s;
SELECT bestauth.lock_user('psql');
ROLLBACK TO s;
SELECT bestauth.lock_user('psql');
ROLLBACK;
END
	is(scalar(() = $err =~ /ERROR:  42501/g), 2, 'no permission: refused twice');
	is($node->safe_psql('postgres', $rows), '2', 'no permission: both refusals have their audit rows');
	return;
}

# [C-02] Undone in other ways.
sub undone
{
	my ($node) = @_;
	my ($script, $out, $err, @errors);

	make_user($node, 'savepoint');
	$node->safe_psql('postgres', join "\n", 'BEGIN;',
		("SAVEPOINT s; @{[ witness('savepoint') ]}; SELECT outcome FROM @{[ login_sql('savepoint', $wrong) ]}; ROLLBACK TO s;")
		x $threshold, 'ROLLBACK;');
	is_locked($node, 'savepoint', 'ROLLBACK TO');

	make_user($node, 'exception');
	$node->safe_psql('postgres', <<SQL);
DO \$\$
BEGIN
	FOR i IN 1 .. $threshold LOOP
		BEGIN
			@{[ witness('exception') ]};
			PERFORM outcome FROM @{[ login_sql('exception', $wrong) ]};
			RAISE EXCEPTION 'undo';
		EXCEPTION WHEN raise_exception THEN
			NULL;
		END;
	END LOOP;
END
\$\$
SQL
	is_locked($node, 'exception', 'EXCEPTION block');

	make_user($node, 'division');
	is(sqlstate($node, 'postgres', <<END), '22012', 'error in the same statement: it fails')
WITH w AS (INSERT INTO witness VALUES ('division'))
SELECT 1 / (outcome <> 'denied')::int FROM @{[ login_sql('division', $wrong) ]}
END
	  for 1 .. $threshold;
	is_locked($node, 'division', 'error in the same statement');

	# No transaction block is open as far as the server can tell, and yet a later
	# error of the pipeline undoes what came before it.
	make_user($node, 'pipeline');
	$script = "$tempdir/pipeline.sql";
	append_to_file($script, <<END) unless -e $script;
\\startpipeline
@{[ witness('pipeline') ]};
SELECT outcome FROM @{[ login_sql('pipeline', $wrong) ]};
SELECT 1 / 0;
\\endpipeline
END
	IPC::Run::run([ 'pgbench', '-n', '-M', 'extended', '-c', $threshold, '-t', 1, '-f', $script,
			$node->connstr('postgres') ],
		'>', \$out, '2>', \$err);
	@errors = $err =~ /division by zero/g;
	is(scalar @errors, $threshold, 'pipeline: each failed behind the login');
	is_locked($node, 'pipeline', 'pipeline');

	make_user($node, 'prepared');
	$node->safe_psql('postgres', <<END) for 1 .. $threshold;
BEGIN;
@{[ witness('prepared') ]};
SELECT outcome FROM @{[ login_sql('prepared', $wrong) ]};
PREPARE TRANSACTION 'guess';
ROLLBACK PREPARED 'guess';
END
	is_locked($node, 'prepared', 'ROLLBACK PREPARED');
	return;
}

# [C-03] Forty sessions make eighty different guesses, the fiftieth is right.
sub crowd
{
	my ($node) = @_;
	my $script = "$tempdir/crowd.sql";
	my ($out, $err, $looked_at, $refused);

	make_user($node, 'crowd', password => 'guess number 50 of the crowd');
	append_to_file($script, <<'END') unless -e $script;
\set n :client_id + 1
SELECT outcome FROM bestauth.login('guess', 'crowd', 'guess number :n of the crowd');
\set n :client_id + 41
SELECT outcome FROM bestauth.login('guess', 'crowd', 'guess number :n of the crowd');
END
	ok(IPC::Run::run([ 'pgbench', '-n', '-c', 40, '-j', 1, '-t', 1, '-f', $script, $node->connstr('postgres') ],
			'>', \$out, '2>', \$err),
		'crowd: all are answered') or diag $err;
	is(counter($node, 'crowd'), "$threshold true", 'crowd: the account is locked');
	$looked_at = $node->safe_psql('postgres', <<END);
SELECT count(*) FROM bestauth.audit_log WHERE username = 'crowd' AND action IN ('login.denied', 'login.succeeded')
	AND detail ->> 'reason' IS DISTINCT FROM 'locked after too many wrong passwords'
END
	$refused = $node->safe_psql('postgres', <<END);
SELECT count(*) FROM bestauth.audit_log WHERE username = 'crowd' AND action = 'login.denied'
END
	note "crowd: $looked_at of $refused guesses were looked at";
	cmp_ok($looked_at, '<=', $threshold, 'crowd: no more guesses are looked at than the threshold allows');
	is($refused, '80', 'crowd: every guess has its audit row');
	is($node->safe_psql('postgres', <<END), '0', 'crowd: nobody got in');
SELECT count(*) FROM bestauth.session s JOIN bestauth.user_account u USING (user_id)
WHERE u.username = 'crowd'
END
	return;
}

# [C-03] [TPB-7] Many who know one shared key and use it at the same moment are no
# attack: they don't lock each other out.
sub shared_key
{
	my ($node) = @_;
	my $script = "$tempdir/shared.sql";
	my ($out, $err, $succeeded);

	$node->safe_psql('postgres', <<END);
SELECT bestauth.create_user('shared', 'billing', NULL, 'Shared Key', password => '$right',
	billing_service => 'guess-service', company => 'guess');
END
	append_to_file($script, "SELECT outcome FROM @{[ login_sql('shared', $right) ]};\n") unless -e $script;
	IPC::Run::run([ 'pgbench', '-n', '-c', 20, '-j', 1, '-t', 1, '-f', $script, $node->connstr('postgres') ],
		'>', \$out, '2>', \$err);
	$succeeded = $node->safe_psql('postgres', <<END);
SELECT count(*) FROM bestauth.audit_log WHERE username = 'shared' AND action = 'login.first_part_succeeded'
END
	note "shared key: $succeeded of 20 right logins at once succeed";
	is($succeeded, '20', 'shared key: right logins at once all succeed') or diag denials($node, 'shared');
	is(counter($node, 'shared'), 'none', 'shared key: and leave no count behind');
	return;
}

# [C-04] The caller goes away while the password is being hashed.
sub interrupted
{
	my ($node) = @_;
	my $guess = "SELECT outcome FROM @{[ login_sql('interrupted', $wrong) ]};";
	my $count = 0;
	my ($client, $pid, $out, $err);

	# a hash that takes a second or so
	make_user($node, 'interrupted', cost => 14);

	# Waits until another guess is charged: then its password is looked at.
	my $charged = sub {
		$count++;
		return $node->poll_query_until('postgres', <<END);
SELECT failed = $count FROM bestauth.login_counter
WHERE subject = (SELECT '\\x75'::bytea || decode(replace(user_id::text, '-', ''), 'hex')
	FROM bestauth.user_account WHERE username = 'interrupted')
END
	};

	(undef, undef, $err) = $node->psql('postgres',
		"\\set VERBOSITY sqlstate\nSET statement_timeout = 300; $guess");
	like($err, qr/57014/, 'statement_timeout: the call is stopped');
	ok($charged->(), 'statement_timeout: the guess is charged');

	$client = connect_to($node->connstr('postgres'));
	$client->query('\set VERBOSITY sqlstate');
	$pid = $client->query('SELECT pg_backend_pid();');
	$client->send_sql($guess);
	ok($charged->(), 'pg_cancel_backend: the guess is charged before the password is looked at');
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	(undef, $err) = $client->query('');
	like($err, qr/57014/, 'pg_cancel_backend: the call is stopped');
	is(counter($node, 'interrupted'), "$count false", 'pg_cancel_backend: the guess stays charged');

	$client->send_sql($guess);
	ok($charged->(), 'client killed: the guess is charged before the password is looked at');
	$client->vanish;
	$node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)");
	is(counter($node, 'interrupted'), "$count false", 'client killed: the guess stays charged');

	$client = connect_to($node->connstr('postgres'));
	$pid = $client->query('SELECT pg_backend_pid();');
	$client->send_sql($guess);
	ok($charged->(), 'pg_terminate_backend: the guess is charged before the password is looked at');
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
	$node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)");
	is(counter($node, 'interrupted'), "$count false", 'pg_terminate_backend: the guess stays charged');
	$client->vanish;

	is(login($node, 'postgres', 'guess', 'interrupted', $wrong), 'denied', 'one more');
	is(counter($node, 'interrupted'), "$threshold true", 'interrupted guesses and one more lock the account');
	is(locks($node, 'interrupted'), '1', 'the lock has its audit row');
	return;
}

# [C-05] [N-06] The server goes down without a word right after the answer, although
# it and the session are set to answers that are not durable.
sub server_lost
{
	my ($node, $name) = @_;
	my $client;

	make_user($node, $name);
	make_user($node, "$name-victim");
	$client = connect_to($node->connstr('postgres'));
	$client->query('SET synchronous_commit = off;');
	is($client->query("SELECT outcome FROM @{[ login_sql($name, $wrong) ]};"), 'denied', 'before the crash: denied');
	$client->query("SELECT bestauth.lock_user('$name-victim', company => 'guess');");
	$client->query(witness('lost') . ';');
	$node->stop('immediate');
	$client->vanish;
	$node->start;

	is(counter($node, $name), '1 false', 'after the crash: the guess is charged');
	is(denials($node, $name), '1 wrong password', 'after the crash: it has its audit row');
	is(login($node, 'postgres', 'guess', "$name-victim", $right), 'denied', 'after the crash: locked stays locked');
	note 'an ordinary row acknowledged with the same setting: ',
	  $node->safe_psql('postgres', q{SELECT count(*) FROM witness WHERE who = 'lost'}) ? 'still there' : 'lost';
	return;
}

for my $preload (1, 0)
{
	my $node = start_node($preload ? 'preloaded' : 'plain', preload => $preload, conf => <<END);
bestauth.hash_timeout = 5min
max_prepared_transactions = 5
synchronous_commit = off
wal_writer_delay = 10s
bestauth.lockout_threshold = $threshold
bestauth.writer_timeout = 60s
END
	note $preload ? 'preloaded' : 'not preloaded';
	make_instance($node, 'postgres');
	$node->safe_psql('postgres', <<'END');
CREATE TABLE witness (who text);
CREATE ROLE app LOGIN;
SELECT bestauth.grant_access('app', 'application');
SELECT bestauth.create_company('guess', 'Guess'), bestauth.create_company('guess-service', 'Guess Service');
SELECT bestauth.register_billing_service('guess-service');
END
	rolled_back($node);
	make_user($node, 'plain');
	refused_call($node);
	undone($node);
	crowd($node);
	shared_key($node);
	interrupted($node);
	server_lost($node, 'crash');
	$node->stop;
}

done_testing();
