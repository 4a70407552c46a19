# Crashes: the server goes down without a word while rows are written and sealed. What was
# acknowledged is there, what comes after is sealed, and nothing of it looks like tampering.
#
# Not in pg_regress: it takes a server that is stopped without a word.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use PostgreSQL::Test::Utils;
use SealTest;
use Test::More;
use Time::HiRes 'usleep';

my $seal = seal() . ';';
my $node = start_node('seal_crash', conf => <<'END');
bestauth.seal_interval = 0
synchronous_commit = off
wal_writer_delay = 10s
wal_writer_flush_after = 0
autovacuum = off
END

sub sql
{
	my ($sql) = @_;

	return $node->safe_psql('postgres', $sql);
}

sub client
{
	return connect_to($node->connstr('postgres'));
}

sub crash
{
	my @clients = @_;

	$node->stop('immediate');
	$_->vanish for @clients;
	$node->start;
	return;
}

# Words that were acknowledged and have no row that is sealed.
sub lost
{
	my (@words) = @_;
	my $list = join ', ', map { "('$_')" } @words;

	return sql(<<END);
SELECT count(*) FROM (VALUES $list) w (word) LEFT JOIN bestauth.audit_log a ON a.object_id = word LEFT JOIN bestauth.audit_block b
	ON b.system_id = a.system_id AND pg_visible_in_snapshot(a.transaction_id, b.snapshot) WHERE b IS NULL
END
}

make_instance($node, 'postgres');
sql("SELECT bestauth.create_company('crash', 'Crash')");

# [K-06] Numbers that were lost with a crash are missing, and that is no fault.
sub gaps
{
	my $client = client();
	my $digest;

	write_rows($node, 'postgres', 'before', 5);
	sql($seal);
	$digest = digest($node, 'postgres');
	$client->query("BEGIN; INSERT INTO bestauth.blocked_password SELECT 'never' || i FROM generate_series(1, 50) i;");
	write_rows($node, 'postgres', 'open');
	crash($client);
	is(sql(q{SELECT count(*) FROM bestauth.audit_log WHERE object_id LIKE 'never%'}), '0', 'a crash: what was not committed is gone');
	write_rows($node, 'postgres', 'after', 5);
	cmp_ok(sql(q{SELECT max(audit_id) - count(*) FROM bestauth.audit_log}), '>=', 50, 'and its numbers are missing');
	is(verdict($node, 'postgres'), 'ok', 'a crash: the log is clean');
	is(sql($seal), '6', 'what was not sealed, and what came after, is sealed');
	is_sealed($node, 'postgres', 'a crash', $digest, digest($node, 'postgres'));
	is(sql(q{SELECT ok FROM bestauth.health WHERE check_name = 'audit_gaps'}), 't', 'health takes no offence');
	return;
}

# [K-06] A block is acknowledged when it is safe, whatever synchronous_commit says.
sub acknowledged
{
	my $head;

	write_rows($node, 'postgres', 'safe');
	sql($seal);
	$head = head($node, 'postgres');
	crash();
	is(head($node, 'postgres'), $head, 'a block that was acknowledged is there after a crash');
	is(sql($seal), '0', 'and nothing has to be sealed again');
	return;
}

# [K-06] Numbers of transactions that wrote nothing are given again after a crash: no block must
# have taken them for over. Around a sealer, and with it older than they are.
sub numbers_again
{
	for my $way ('before', 'after', 'around', 'inside')
	{
		my @open = map { client() } 1 .. 3;
		my $sealer = client();
		my $burn = sub {
			sql('DO $$ BEGIN FOR i IN 1 .. 300 LOOP PERFORM pg_current_xact_id(); ROLLBACK; END LOOP; END $$');
			return;
		};
		my ($highest, $next);

		write_rows($node, 'postgres', "$way before");
		$_->query('BEGIN; SELECT pg_current_xact_id();') for @open;
		$sealer->query('BEGIN; SELECT pg_current_xact_id();') if $way eq 'inside';
		$burn->() if $way ne 'after';
		$sealer->query($way eq 'inside' ? "$seal COMMIT;" : $seal);
		$burn->() if $way eq 'after' || $way eq 'around';
		$highest = sql('SELECT pg_snapshot_xmax(pg_current_snapshot())');
		crash(@open, $sealer);
		$next = sql('SELECT pg_snapshot_xmax(pg_current_snapshot())');
		note "$way: up to $highest before the crash, from $next after it";
		write_rows($node, 'postgres', "$way $_") for 1 .. 20;
		is(verdict($node, 'postgres'), 'ok', "numbers again, $way: the log is clean");
		sql($seal);
		is(lost(map { "$way${_}1" } 1 .. 20), '0', "numbers again, $way: every row of after the crash is sealed");
		is(rows_without_block($node, 'postgres'), '0', "numbers again, $way: every row at all");
		is(verdict($node, 'postgres'), 'ok', "numbers again, $way: the log is clean when they are");
	}
	return;
}

# [K-07] A backend that seals is killed, and takes the server with it, at some moment; another one
# writes. One chain, and nothing that was acknowledged is lost.
sub killed
{
	my @words;
	my $rounds = 5;

	for my $round (1 .. $rounds)
	{
		my ($sealer, $writer) = (client(), client());
		my $pid = $sealer->query('SELECT pg_backend_pid();');
		my $word = 0;

		$sealer->send_sql("DO \$\$ BEGIN LOOP PERFORM bestauth.audit_seal(); COMMIT; END LOOP; END \$\$;");
		for (1 .. 10 * $round)
		{
			my ($out, $err) = $writer->query("INSERT INTO bestauth.blocked_password VALUES ('killed$round$_');");

			push @words, "killed$round$_" if $err eq '';
		}
		usleep(3000 * $round);
		kill 'KILL', $pid;
		$_->vanish for $sealer, $writer;
		wait_for_end();
		$node->start;
		is(verdict($node, 'postgres'), 'ok', "killed, round $round: the log is clean");
		sql($seal);
		is(lost(@words), '0', "killed, round $round: what was acknowledged is there, and sealed");
		is(verdict($node, 'postgres'), 'ok', "killed, round $round: the log is clean when it is sealed");
	}
	is(rows_without_block($node, 'postgres'), '0', 'killed: every row is in a block');
	is(sql('SELECT (SELECT sum(row_count) FROM bestauth.audit_block) - (SELECT count(*) FROM bestauth.audit_log)'), '0', 'killed: and in one alone');
	is_sealed($node, 'postgres', 'killed');
	return;
}

# A server of these tests does not come up again by itself.
sub wait_for_end
{
	my $file = $node->data_dir . '/postmaster.pid';

	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		last if !-e $file;
		usleep(100_000);
	}
	$node->{_pid} = undef;
	return;
}

gaps();
acknowledged();
numbers_again();
killed();
$node->stop;
done_testing();
