# Sealing beside sixteen writers, by several sealers, and by ones that are killed: one chain, every
# committed row in one block of it, nothing in two.
#
# Not in pg_regress: it takes many connections, prepared transactions and several databases.
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

my $rows = 10_000;
my $node = start_node('seal', conf => <<'END');
max_prepared_transactions = 5
max_connections = 60
bestauth.seal_interval = 0
END
make_instance($node, 'postgres');
load_sealing($node, 'postgres');
my $seal = seal() . ';';

sub sql
{
	my ($sql) = @_;

	return $node->safe_psql('postgres', $sql);
}

# In plain SQL: every row in one block, and each block over its rows.
sub is_whole
{
	my ($what) = @_;

	sql($seal);
	is(rows_without_block($node, 'postgres'), '0', "$what: every row is in a block");
	is(sql('SELECT (SELECT sum(row_count) FROM bestauth.audit_block) - (SELECT count(*) FROM bestauth.audit_log)'), '0', "$what: and in one alone");
	is(sql(<<'END'), '0', "$what: each block is over its rows");
SELECT count(*) FROM bestauth.audit_block b FULL JOIN sealing.blocks() s USING (block)
WHERE ROW (b.row_count, b.first_audit_id, b.last_audit_id, b.root) IS DISTINCT FROM ROW (s.row_count, s.first_audit_id, s.last_audit_id, s.root)
	OR b.block_hash <> sealing.block_hash(b)
END
	return;
}

# ------------------------------------------------------------------ many writers

my $script = PostgreSQL::Test::Utils::tempdir() . '/writer.sql';

append_to_file($script, <<'END');
\set one random(1, 8)
\set other random(0, 8)
\set fate random(1, 10)
BEGIN;
INSERT INTO bestauth.blocked_password SELECT 'word' || nextval('word') FROM generate_series(1, :one);
SAVEPOINT a;
INSERT INTO bestauth.blocked_password SELECT 'word' || nextval('word') FROM generate_series(1, :other);
\if :fate <= 3
ROLLBACK TO a;
\elif :fate <= 5
RELEASE a;
SAVEPOINT a;
INSERT INTO bestauth.blocked_password SELECT 'word' || nextval('word') FROM generate_series(1, :other);
\endif
\if :fate % 5 = 0
ROLLBACK;
\else
COMMIT;
\endif
END

# [K-01] 16 writers, transactions and savepoints rolled back, two sealers; checked meanwhile.
sub many_writers
{
	my @sealers = map { connect_to($node->connstr('postgres')) } 1, 2;
	my $checker = connect_to($node->connstr('postgres'));
	my $idle = connect_to($node->connstr('postgres'));
	my ($out, $err) = ('', '');
	my (%verdicts, $pgbench, $errors);

	sql('CREATE SEQUENCE word');
	# one transaction stays open all the while, with rows from its beginning
	$idle->query("BEGIN; INSERT INTO bestauth.blocked_password SELECT 'idle' || i FROM generate_series(1, 10) i;");
	$pgbench = IPC::Run::start([ 'pgbench', '-n', '-c', '16', '-j', '2', '-t', '170', '--random-seed=7', '-f', $script, $node->connstr('postgres') ],
		'<', \'', '>', \$out, '2>', \$err);
	while ($pgbench->pumpable)
	{
		$_->send_sql($seal) for @sealers;
		$verdicts{ $checker->query('SELECT ok, reason FROM bestauth.audit_verify();') }++;
		$errors .= ($_->answers)[1] for @sealers;
		$pgbench->pump_nb;
	}
	$pgbench->finish;
	is($? >> 8, 0, 'the writers are done') or diag $err;
	is($errors, '', 'no sealer failed');
	is_deeply([ keys %verdicts ], ['t|'], 'while they wrote the log was clean') or diag explain \%verdicts;
	sql($seal);
	is(rows_without_block($node, 'postgres'), '0', 'a transaction that is open has kept no row of others from being sealed');
	$idle->query('COMMIT;');
	is(sql($seal), '10', 'its own are sealed after its end');
	cmp_ok(sql('SELECT count(*) FROM bestauth.audit_log'), '>=', $rows, "there are $rows rows");
	cmp_ok(sql('SELECT count(*) FROM bestauth.audit_block'), '>', 5, 'in several blocks');
	is(sql(<<'END'), '0', 'what was committed has a row, and nothing else has');
SELECT count(*) FROM (SELECT word FROM bestauth.blocked_password WHERE word LIKE 'word%') p
FULL JOIN (SELECT new_values ->> 'word' AS word FROM bestauth.audit_log WHERE object_id LIKE 'word%') a USING (word) WHERE p IS NULL OR a IS NULL
END
	is_whole('16 writers');
	is_sealed($node, 'postgres', '16 writers', digest($node, 'postgres'));
	$_->quit for @sealers, $checker, $idle;
	return;
}

# ---------------------------------------------------------------------- prepared

# [K-05] A prepared transaction is open, whoever is connected, and over a restart.
sub prepared
{
	my $client = connect_to($node->connstr('postgres'));

	for my $end ('COMMIT', 'ROLLBACK')
	{
		sql("BEGIN; INSERT INTO bestauth.blocked_password VALUES ('prepared $end a'), ('prepared $end b'); PREPARE TRANSACTION 'one'");
		write_rows($node, 'postgres', "beside $end");
		is(sql($seal), '1', "$end PREPARED: rows of others are sealed before");
		$client->quit;
		$node->restart;
		$client = connect_to($node->connstr('postgres'));
		write_rows($node, 'postgres', "after $end");
		is(sql($seal), '1', "$end PREPARED: after a restart too");
		is(verdict($node, 'postgres'), 'ok', "$end PREPARED: the log is clean before");
		sql("$end PREPARED 'one'");
		is(sql($seal), $end eq 'COMMIT' ? '2' : '0', "$end PREPARED: its rows are sealed when there are some");
		is(verdict($node, 'postgres'), 'ok', "$end PREPARED: the log is clean");
	}
	# A sealer that is prepared holds up other sealers, and nobody else.
	for my $end ('COMMIT', 'ROLLBACK')
	{
		write_rows($node, 'postgres', "sealer $end", 3);
		sql("BEGIN; $seal PREPARE TRANSACTION 'one'");
		is(sqlstate($node, 'postgres', "SET lock_timeout = '100ms'; $seal"), '55P03', "$end of a prepared sealer: another one waits");
		write_rows($node, 'postgres', "waits for $end");
		is(verdict($node, 'postgres'), 'ok', "$end of a prepared sealer: the log is clean before");
		sql("$end PREPARED 'one'");
		is(sql($seal), $end eq 'COMMIT' ? '1' : '4', "$end of a prepared sealer: the next one goes on from what became of it");
	}
	is_whole('prepared transactions');
	$client->quit;
	return;
}

# [K-05] What is open in another database holds up nothing here; each has its own chain.
sub two_databases
{
	my ($client, $sealer);

	sql('CREATE DATABASE other');
	make_instance($node, 'other');
	$client = connect_to($node->connstr('other'));
	$client->query("BEGIN; INSERT INTO bestauth.blocked_password VALUES ('in the other database');");
	write_rows($node, 'postgres', 'two databases');
	is(sql($seal), '1', 'two databases: sealed here while one is open there');
	$sealer = connect_to($node->connstr('postgres'));
	$sealer->query('BEGIN; ' . $seal);
	cmp_ok($node->safe_psql('other', $seal), '>', 0, 'a sealer there does not wait for one here');
	$sealer->quit;
	$client->query('COMMIT;');
	$client->quit;
	is($node->safe_psql('other', $seal), '1', 'the one that was open there is sealed there');
	is_sealed($node, $_, "two databases, $_") for 'postgres', 'other';
	like(verdict($node, 'other', digest($node, 'postgres')), qr/digest/, 'the head of one is not the other one\'s');
	return;
}

# ------------------------------------------------------------------ killed sealers

# [K-07] Killed while it seals, after it has sealed, while it waits: the next one goes on.
sub killed
{
	my $before = sql('SELECT coalesce(max(block), 0) FROM bestauth.audit_block');
	my ($waits, $sealer, $pid);

	write_rows($node, 'postgres', 'killed', 4000);
	# between nothing done and all done, wherever that is
	for my $wait (0, 1, 3, 5, 8, 12, 16, 20, 30, 40, 60)
	{
		$sealer = connect_to($node->connstr('postgres'));
		$pid = $sealer->query('BEGIN; SELECT pg_backend_pid();');
		$sealer->send_sql($seal);
		usleep(1000 * $wait);
		sql("SELECT pg_terminate_backend($pid, 60000)");
		$sealer->vanish;
	}
	is(sql('SELECT max(block) FROM bestauth.audit_block'), $before, 'killed: what was not committed has sealed nothing');
	is(verdict($node, 'postgres'), 'ok', 'killed: the log is clean');
	# one that has sealed and waits for its COMMIT, and one behind it
	$sealer = connect_to($node->connstr('postgres'));
	$pid = $sealer->query("BEGIN; SELECT pg_backend_pid();");
	$sealer->query($seal);
	$waits = connect_to($node->connstr('postgres'));
	$waits->send_sql($seal);
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted");
	sql("SELECT pg_terminate_backend($pid, 60000)");
	is($waits->answers, '4000', 'killed: the one that waited has sealed all');
	$sealer->vanish;
	# one that waits
	write_rows($node, 'postgres', 'killed while it waits', 5);
	$waits->query('BEGIN; ' . $seal);
	$sealer = connect_to($node->connstr('postgres'));
	$pid = $sealer->query('SELECT pg_backend_pid();');
	$sealer->send_sql($seal);
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted");
	sql("SELECT pg_cancel_backend($pid)");
	like(($sealer->answers)[1], qr/canceling statement due to user request/, 'killed: one that waits can be canceled');
	$waits->query('COMMIT;');
	$_->quit for $waits, $sealer;
	is_whole('killed');
	return;
}

many_writers();
prepared();
two_databases();
killed();
is_sealed($node, 'postgres', 'after all that');
$node->stop;
done_testing();
