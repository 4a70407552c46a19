# The writer outside the caller's transaction: when it can't start, ends, is killed,
# serves several databases, and on a standby.
#
# Not in pg_regress: it takes settings that only a restart changes, all worker slots
# taken, a background worker killed under load, two databases and a standby.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $right = 'the right password of this test';
my $wrong = 'a wrong password of this test';
my $login_right = "SELECT outcome FROM bestauth.login('writer', 'user', '$right')";
my $login_wrong = "SELECT outcome FROM bestauth.login('writer', 'user', '$wrong')";
my $is_writer = "backend_type = 'bestauth writer'";

# What a refused call must leave unchanged: counts, audit, sessions, tokens.
my $traces = <<'END';
SELECT (SELECT count(*) FROM bestauth.login_counter) || ' ' || (SELECT count(*) FROM bestauth.audit_log)
	|| ' ' || (SELECT count(*) FROM bestauth.session) || ' ' || (SELECT count(*) FROM bestauth.token)
END

sub make_company
{
	my ($node, $database) = @_;

	make_instance($node, $database);
	$node->safe_psql($database, <<END);
SELECT bestauth.create_company('writer', 'Writer');
SELECT bestauth.create_user('user', 'standard', 'Given', 'Name', 'user\@example.org',
	password => '$right', company => 'writer');
END
	return;
}

# [C-15] No worker can be started: the login is refused, the server's log tells
# why, and nothing of it stays.
sub refused_for_want_of_worker
{
	my ($node, $way) = @_;
	my $before = $node->safe_psql('postgres', $traces);
	my $position = log_position($node);
	my $soon = "SET bestauth.writer_timeout = '300ms'; ";

	is(sqlstate($node, 'postgres', $soon . $login_right), '53000', "$way: a right login is refused");
	is(sqlstate($node, 'postgres', $soon . $login_wrong), '53000', "$way: so is a wrong one");
	like(log_since($node, $position), qr/No background worker slot was free; raise max_worker_processes/,
		"$way: the server's log says why");
	is($node->safe_psql('postgres', $traces), $before, "$way: nothing of it is there");
	return;
}

# [C-15] Slots taken for good, and for a while.
sub no_slot
{
	my ($preload) = @_;
	my $with = $preload ? 'preloaded' : 'not preloaded';
	my $node = start_node($preload ? 'preloaded' : 'plain', preload => $preload, conf => <<'END');
bestauth.hash_slots = 20
max_logical_replication_workers = 0
bestauth.writer_timeout = 30s
bestauth.seal_interval = 0
END
	my ($client, $pid);

	make_company($node, 'postgres');
	$node->append_conf('postgresql.conf', 'max_worker_processes = 0');
	$node->restart;
	refused_for_want_of_worker($node, "$with, no slots");

	# One slot, beside that of the sealer's launcher, which a query takes with its parallel worker.
	$node->append_conf('postgresql.conf', 'max_worker_processes = ' . ($preload ? 2 : 1));
	$node->restart;
	is($node->safe_psql('postgres', $login_right), 'authenticated', "$with, one free slot: in");
	$node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE $is_writer)");
	$node->safe_psql('postgres', 'CREATE TABLE slow AS SELECT i FROM generate_series(1, 10000) i; ANALYZE slow');
	$client = connect_to($node->connstr('postgres'));
	$pid = $client->query('SELECT pg_backend_pid();');
	$client->send_sql(<<'END');
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT count(*) FROM slow WHERE pg_sleep(0.05) IS NULL;
END
	ok($node->poll_query_until('postgres',
			"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'parallel worker')"),
		"$with: a query has the only slot");
	refused_for_want_of_worker($node, "$with, slots taken");
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	$client->query('');
	$client->quit;
	is($node->safe_psql('postgres', $login_right), 'authenticated', "$with, slots free again: in");

	$node->append_conf('postgresql.conf', 'max_worker_processes = 16');
	$node->restart;
	killed_at_work($node, $with);
	$node->stop;
	return;
}

# Clients that log in again and again; their answers, sorted and counted. What
# happens to them meanwhile is up to the function given.
sub load
{
	my ($connstrs, $sql, $times, $meanwhile) = @_;
	my @clients = map { connect_to($_) } @$connstrs;
	my (%answers, $output);

	for my $client (@clients)
	{
		$client->query('\set VERBOSITY sqlstate');
		$client->send_sql("$sql;") for 1 .. $times;
	}
	$meanwhile->() if $meanwhile;
	for my $client (@clients)
	{
		$output = join "\n", $client->answers;
		$answers{ /ERROR: +(\w{5})/ ? $1 : $_ }++ for grep { /\S/ } split /\n/, $output;
		$client->quit;
	}
	return %answers;
}

# The writer of a preloaded server, once it is there.
sub writer_pid
{
	my ($node, $database) = @_;

	return $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE $is_writer AND datname = '$database'");
}

# [C-15] The writer is killed under load: callers are answered, or told that they
# were not, and the next login works.
sub killed_writer
{
	my ($node, $database) = @_;
	my $unknown = "SELECT outcome FROM bestauth.login('writer', 'nobody' || random(), '$wrong')";
	my $killed = 0;
	my %answers;

	%answers = load([ ($node->connstr($database)) x 6 ], $unknown, 8, sub {
		$killed = $node->safe_psql('postgres', <<END);
CREATE TEMP TABLE killed (n int);
DO \$\$
BEGIN
	FOR i IN 1 .. 100 LOOP
		INSERT INTO killed SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE $is_writer AND datname = '$database';
		PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
	END LOOP;
END;
\$\$;
SELECT sum(n) FROM killed;
END
	});
	cmp_ok($killed, '>=', 1, 'writer killed: it was, under load');
	note "writer killed: up to $killed times: ", join ', ', map { "$_ $answers{$_}" } sort keys %answers;
	is(($answers{denied} // 0) + ($answers{53000} // 0), 48, 'writer killed: every call is denied or refused with 53000')
	  or diag explain \%answers;
	is_deeply([ grep { !/^(denied|53000)$/ } keys %answers ], [], 'writer killed: nothing else comes back');
	is($node->safe_psql($database, $login_right), 'authenticated', 'writer killed: the next login works');
	cmp_ok($node->safe_psql($database, <<'END'), '>=', $answers{denied} // 0,
SELECT count(*) FROM bestauth.audit_log WHERE action = 'login.denied' AND detail ->> 'typed_name' LIKE 'nobody%'
END
		'writer killed: each denial that was answered has its audit row');
	return;
}

# [C-15] The writer is killed in the middle of its transaction, which a lock holds up:
# its callers are told so at once, and what it did is undone.
sub killed_at_work
{
	my ($node, $with) = @_;
	my $holder = connect_to($node->connstr('postgres'));
	my @callers = map { connect_to($node->connstr('postgres')) } 1 .. 3;
	my (%answers, $out, $err);

	$holder->query('BEGIN; LOCK TABLE bestauth.login_counter;');
	for (@callers)
	{
		$_->query('\set VERBOSITY sqlstate');
		$_->send_sql("$login_wrong;");
	}
	# Every caller's guess waits: for its own writer, or for the one of all.
	ok($node->poll_query_until('postgres', <<END), "$with, killed at work: the writer waits");
SELECT count(*) FILTER (WHERE $is_writer AND wait_event_type = 'Lock') > 0
	AND count(*) FILTER (WHERE wait_event = 'Extension' AND query LIKE '%bestauth.login%') = 3
FROM pg_stat_activity WHERE pid <> pg_backend_pid()
END
	$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE $is_writer");
	# A preloaded server has another by now, for those that the first had not taken up.
	$holder->query('ROLLBACK;');
	for (@callers)
	{
		($out, $err) = $_->answers;
		$answers{ $err =~ /ERROR: +(\w{5})/ ? $1 : $out }++;
		$_->quit;
	}
	$holder->quit;
	note "$with, killed at work: ", join ', ', map { "$_ $answers{$_}" } sort keys %answers;
	cmp_ok($answers{53000} // 0, '>=', 1, "$with, killed at work: who was being served is refused with 53000");
	is(($answers{53000} // 0) + ($answers{denied} // 0), 3, "$with, killed at work: the others are answered");
	is($node->safe_psql('postgres', 'SELECT coalesce(sum(failed), 0) FROM bestauth.login_counter'),
		$answers{denied} // 0, "$with, killed at work: a guess is charged if and only if it was answered");
	is($node->safe_psql('postgres', $login_right), 'authenticated', "$with, killed at work: the next login works");
	return;
}

# Two databases under load at once: what is written goes to the caller's own.
sub two_databases
{
	my ($node, $first, $second) = @_;
	my %answers;
	my $rows = <<'END';
SELECT count(*) FROM bestauth.audit_log WHERE action = 'login.denied' AND detail ->> 'typed_name' LIKE current_database() || '-%'
END
	my $all = q{SELECT count(*) FROM bestauth.audit_log WHERE action = 'login.denied'};

	%answers = load([ map { ($node->connstr($_)) x 3 } $first, $second ],
		"SELECT outcome FROM bestauth.login('writer', current_database() || '-' || random(), '$wrong')", 5);
	is($answers{denied}, 30, 'two databases: all are answered') or diag explain \%answers;
	is($node->safe_psql($first, $rows), '15', 'two databases: the first has its own audit rows');
	is($node->safe_psql($second, $rows), '15', 'two databases: so has the second');
	is($node->safe_psql($_, $all), '15', "two databases: and $_ has none of the other's") for $first, $second;
	return;
}

# The writer of a preloaded server keeps nobody from dropping its database.
sub drop_database
{
	my ($node, $database) = @_;
	my ($status, $stderr);

	is($node->safe_psql($database, $login_right), 'authenticated', 'drop: a login before');
	isnt(writer_pid($node, $database), '', 'drop: the writer is there');
	($status, undef, $stderr) = $node->psql('postgres', "DROP DATABASE $database");
	is($stderr, '', 'drop: DROP DATABASE goes through');
	is(writer_pid($node, $database), '', 'drop: the writer has ended');
	return;
}

# [C-13] [N-10] A hot standby: no login. A session from the primary works there, for
# use_session writes nothing, and ends there as soon as its end has been replayed.
sub standby
{
	my ($preload) = @_;
	my $with = $preload ? 'standby, preloaded' : 'standby';
	my $primary = start_node($preload ? 'primary1' : 'primary0', preload => $preload, allows_streaming => 1);
	my $standby = PostgreSQL::Test::Cluster->new($preload ? 'standby1' : 'standby0');
	my ($client, $token, $other, $user, $state, $out, $err);

	make_company($primary, 'postgres');
	$primary->backup('base');
	$standby->init_from_backup($primary, 'base', has_streaming => 1);
	$standby->start;
	$token = $primary->safe_psql('postgres', "SELECT session_token FROM bestauth.login('writer', 'user', '$right')");
	$user = $primary->safe_psql('postgres', "SELECT user_id FROM bestauth.user_account WHERE username = 'user'");
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	$state = $standby->safe_psql('postgres', $traces);

	is(sqlstate($standby, 'postgres', $login_right), '25006', "$with: a right login is refused");
	is(sqlstate($standby, 'postgres', $login_wrong), '25006', "$with: a wrong one as well");

	# [J-11] Reading the audit is audited where it can be: here in the server's log.
	is($standby->safe_psql('postgres', "SELECT count(*) FROM bestauth.audit_report(page_size => 1, action => 'login.*')"),
		'1', "$with: the audit can be read");
	like(PostgreSQL::Test::Utils::slurp_file($standby->logfile),
		qr/LOG:  audit was read with function audit_report by ".+"\n.*DETAIL:  Filters: \{"action": "login\.\*"\}/,
		"$with: and that it was read is in the server's log");

	$client = connect_to($standby->connstr('postgres'));
	$client->query('\set VERBOSITY sqlstate');
	is($client->query("BEGIN; SELECT user_id FROM bestauth.use_session('$token');"), $user,
		"$with: a good session can be used");
	is($client->query('SELECT bestauth.current_user_id(); COMMIT;'), $user, "$with: and is the identity");
	# [AUD-5] What would have to be written down can't be read here.
	(undef, $err) = $client->query("BEGIN; SELECT user_id FROM bestauth.use_session('$token'); SELECT bestauth.record_access('chart', '1');");
	like($err, qr/25006/, "$with: a read cannot be recorded");
	$client->query('ROLLBACK;');
	(undef, $err) = $client->query("SELECT * FROM bestauth.use_session('bas_nonsense');");
	like($err, qr/28000/, "$with: another token is refused");

	$primary->safe_psql('postgres', "SELECT bestauth.lock_user('user', company => 'writer')");
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	($out, $err) = $client->query("BEGIN; SELECT user_id FROM bestauth.use_session('$token');");
	like($err, qr/28000/, "$with: the same connection refuses it once the lock is replayed");
	is($out, '', "$with: and returns nothing");
	$client->query('ROLLBACK;');
	is($client->query('SELECT bestauth.current_user_id();'), '', "$with: no identity is left");
	$client->quit;

	# [N-11] What was locked on the primary is locked after promotion, and guesses are charged.
	$standby->promote;
	is($standby->safe_psql('postgres', $login_right), 'denied', "$with, promoted: locked stays locked");
	$standby->safe_psql('postgres', "SELECT bestauth.unlock_user('user', company => 'writer')");
	is($standby->safe_psql('postgres', $login_wrong), 'denied', "$with, promoted: a guess is looked at");
	is($standby->safe_psql('postgres', 'SELECT max(failed) FROM bestauth.login_counter'), '1',
		"$with, promoted: and charged");
	is($standby->safe_psql('postgres', $login_right), 'authenticated', "$with, promoted: logins work");
	$standby->stop;
	$primary->stop;
	return;
}

no_slot($_) for 1, 0;

my $node = start_node('serving', preload => 1);
for my $database ('first', 'second')
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	make_company($node, $database);
}
two_databases($node, 'first', 'second');
killed_writer($node, 'first');
drop_database($node, 'first');
$node->stop;

standby($_) for 1, 0;

done_testing();
