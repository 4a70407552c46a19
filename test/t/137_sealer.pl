# [K-01] [K-07] Where bestauth is preloaded a worker seals: what was committed, in every database,
# without anybody's call, and again after whatever became of it.
#
# Not in pg_regress: it takes preload, restarts and several databases.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use SealTest;
use Test::More;
use Time::HiRes 'usleep';

my $node = start_node('sealer', preload => 1, conf => <<'END');
bestauth.seal_interval = 1
restart_after_crash = on
END
my $unsealed = <<'END';
SELECT count(*) = 0 FROM bestauth.audit_log a WHERE NOT EXISTS (SELECT FROM bestauth.audit_block b
	WHERE b.system_id = a.system_id AND pg_visible_in_snapshot(a.transaction_id, b.snapshot))
END

sub is_sealed_soon
{
	my ($database, $what) = @_;

	ok($node->poll_query_until($database, $unsealed), "$what: all is sealed soon");
	return;
}

sub reload
{
	my ($settings) = @_;

	$node->append_conf('postgresql.conf', $settings);
	$node->reload;
	return;
}

$node->safe_psql('postgres', 'CREATE DATABASE one');
$node->safe_psql('postgres', 'CREATE DATABASE two');
$node->safe_psql('postgres', 'CREATE DATABASE none');
make_instance($node, $_) for 'one', 'two';
is_sealed_soon($_, "$_, opened") for 'one', 'two';

# Many writers at once, some of which roll back, in two databases.
{
	my $script = PostgreSQL::Test::Utils::tempdir() . '/writer.sql';
	my @writers;

	append_to_file($script, <<'END');
\set n random(1, 5)
\set fate random(1, 4)
BEGIN;
INSERT INTO bestauth.blocked_password SELECT 'word' || nextval('word') FROM generate_series(1, :n);
\if :fate = 1
ROLLBACK;
\else
COMMIT;
\endif
END
	$node->safe_psql($_, 'CREATE SEQUENCE word') for 'one', 'two';
	push @writers, IPC::Run::start([ 'pgbench', '-n', '-c', '6', '-t', '100', '-f', $script, $node->connstr($_) ], '<', \'', '>', \my $out, '2>', \my $err) for 'one', 'two';
	$_->finish for @writers;
	is_sealed_soon($_, "$_, many writers") for 'one', 'two';
	is_sealed($node, $_, "$_, many writers") for 'one', 'two';
	cmp_ok($node->safe_psql('one', 'SELECT count(*) FROM bestauth.audit_block'), '>', 1, 'in several blocks');
}

# Beside it others seal, and one holds it up for a while.
{
	my $client = connect_to($node->connstr('one'));

	write_rows($node, 'one', 'beside', 3);
	$client->query('BEGIN; SELECT bestauth.audit_seal();');
	write_rows($node, $_, 'held up', 2) for 'one', 'two';
	usleep(2_500_000);
	is(verdict($node, 'one'), 'ok', 'held up by a sealer: the log is clean');
	$client->query('ROLLBACK;');
	is_sealed_soon($_, "$_, held up by a sealer that gave up") for 'one', 'two';
	$client->query('BEGIN; INSERT INTO bestauth.blocked_password VALUES (\'open for a while\');');
	write_rows($node, 'one', 'beside what is open');
	is_sealed_soon('one', 'beside what is open');
	$client->query('COMMIT;');
	is_sealed_soon('one', 'what was open');
	$client->quit;
}

# Nothing to do: no block, no row of the audit, no worker that stays.
{
	my $state = q{SELECT (SELECT count(*) FROM bestauth.audit_block), (SELECT count(*) FROM bestauth.audit_log)};
	my $before = $node->safe_psql('one', $state);

	usleep(2_500_000);
	is($node->safe_psql('one', $state), $before, 'nothing to do: nothing is done');
	ok($node->poll_query_until('one', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'bestauth sealer'}), 'and no worker stays');
	is($node->safe_psql('one', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'bestauth sealer launcher'}), '1', 'but the launcher');
}

# A restart: what was not sealed before it is after it.
reload('bestauth.seal_interval = 0');
for my $try (1 .. $PostgreSQL::Test::Utils::timeout_default)
{
	# the launcher may not know yet
	write_rows($node, $_, "switched off $try ", 3) for 'one', 'two';
	usleep(1_500_000);
	last if rows_without_block($node, 'one') > 0;
}
cmp_ok(rows_without_block($node, 'one'), '>=', 3, 'switched off: nothing is sealed');
reload('bestauth.seal_interval = 1');
is_sealed_soon($_, "$_, switched on again") for 'one', 'two';
reload('bestauth.seal_interval = 0');
usleep(1_500_000);
write_rows($node, $_, 'before another restart', 3) for 'one', 'two';
$node->append_conf('postgresql.conf', 'bestauth.seal_interval = 1');
$node->restart;
is_sealed_soon($_, "$_, restarted") for 'one', 'two';

# A crash of everybody, by a backend that is killed, or without a word.
{
	my $client = connect_to($node->connstr('one'));
	my $pid = $client->query('SELECT pg_backend_pid();');

	$client->query("INSERT INTO bestauth.blocked_password VALUES ('before a crash');");
	kill 'KILL', $pid;
	$client->vanish;
	ok($node->poll_query_until('one', 'SELECT true'), 'the server is up again');
	is_sealed_soon('one', 'a crash');
	write_rows($node, 'one', 'after a crash');
	is_sealed_soon('one', 'after a crash');
	write_rows($node, 'one', 'before the next');
	$node->stop('immediate');
	$node->start;
	is_sealed_soon('one', 'another crash');
}

# The workers themselves ended.
for my $type ('bestauth sealer launcher', 'bestauth sealer')
{
	write_rows($node, $_, "ended $type", 500) for 'one', 'two';
	$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = '$type'") for 1 .. 5;
	write_rows($node, $_, "after $type", 2) for 'one', 'two';
	is_sealed_soon($_, "$_, $type ended") for 'one', 'two';
}

# A database that is to be dropped, copied, or is not ours, is not held.
write_rows($node, 'two', 'last words', 100);
$node->safe_psql('postgres', 'DROP DATABASE two WITH (FORCE)');
$node->safe_psql('postgres', 'DROP DATABASE none');
write_rows($node, 'one', 'after a drop');
is_sealed_soon('one', 'another database was dropped');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'one'}), 'nobody is in it');
$node->safe_psql('postgres', 'CREATE DATABASE three TEMPLATE one');
$node->safe_psql('three', 'SELECT bestauth.open_instance()');
write_rows($node, 'three', 'copied');
is_sealed_soon('three', 'a copy');

# Those that were dropped before anybody looked are left out: no worker is started for them.
$node->safe_psql('postgres', "CREATE DATABASE four$_") for 1 .. 3;
reload("bestauth.seal_interval = 0\n");
$node->restart;
$node->safe_psql('postgres', "DROP DATABASE four$_") for 1 .. 3;
my $before = -s $node->logfile;
reload("bestauth.seal_interval = 1\n");
write_rows($node, 'one', 'after a drop, unseen');
is_sealed_soon('one', 'databases were dropped unseen');
unlike(substr(slurp_file($node->logfile), $before), qr/database \d+ does not exist/, 'nobody looked for those');

is_sealed($node, $_, "$_, after all that") for 'one', 'three';
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|segfault/, 'nothing went wrong on the way');
$node->stop;
done_testing();
