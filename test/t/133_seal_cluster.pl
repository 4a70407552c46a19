# A standby, base backups and the past: the standby and the outside come to the head of the primary,
# and a digest tells an older state.
#
# Not in pg_regress: it takes several clusters.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SealTest;
use Test::More;

my $seal = seal();
my $right = 'seven green boats of mine';
my $node = start_node('primary', allows_streaming => 1, has_archiving => 1, conf => <<'END');
bestauth.seal_interval = 0
wal_keep_size = 64MB
END

sub sql
{
	my ($node, $sql) = @_;

	return $node->safe_psql('postgres', $sql);
}

# Numbers of transactions, used up.
sub burn
{
	my ($node) = @_;

	sql($node, 'DO $$ BEGIN FOR i IN 1 .. 3000 LOOP PERFORM pg_current_xact_id(); ROLLBACK; END LOOP; END $$');
	return;
}

make_instance($node, 'postgres');
sql($node, <<END);
SELECT bestauth.create_company('cluster', 'Cluster');
SELECT bestauth.create_user('ida', 'standard', 'Given', 'Name', 'ida\@example.org', password => '$right', company => 'cluster');
END
write_rows($node, 'postgres', 'early', 20);
sql($node, $seal);

# ------------------------------------------------------------------- standby

# [K-16] On a standby the log is checked, its head taken and it is exported; nothing is sealed.
sub standby
{
	my $standby = PostgreSQL::Test::Cluster->new('standby');
	my ($standing, $status, $output);

	$node->backup('for_standby');
	$standby->init_from_backup($node, 'for_standby', has_streaming => 1);
	$standby->append_conf('postgresql.conf', 'archive_mode = off');
	$standby->start;
	write_rows($node, 'postgres', 'streamed', 5);
	sql($node, $seal);
	write_rows($node, 'postgres', 'streamed later', 2);
	$node->wait_for_catchup($standby, 'replay', $node->lsn('flush'));
	is(verdict($standby, 'postgres'), 'ok', 'standby: the log is clean');
	is(verdict($standby, 'postgres', digest($node, 'postgres')), 'ok', 'standby: and agrees with the head of the primary');
	is(head($standby, 'postgres'), head($node, 'postgres'), 'standby: it has the same head');
	is(sql($standby, "SELECT bestauth.audit_digest() - 'taken_at'"), sql($node, "SELECT bestauth.audit_digest() - 'taken_at'"), 'standby: and tells it');
	is_sealed($standby, 'postgres', 'standby', digest($node, 'postgres'), digest($standby, 'postgres'));
	my $exported = slurp_file(export_log($node, 'postgres'));
	$node->wait_for_catchup($standby, 'replay', $node->lsn('flush'));
	is(slurp_file(export_log($standby, 'postgres')), $exported, 'standby: its export is the primary\'s, to the byte');
	is(sqlstate($standby, 'postgres', $seal), '25006', 'standby: it does not seal');
	is(sqlstate($standby, 'postgres', "SELECT bestauth.audit_purge('2000-01-01')"), '25006', 'standby: nor does it remove');
	is(sql($standby, q{SELECT ok FROM bestauth.health WHERE check_name = 'audit_sealed'}), 't', 'standby: health tells of sealing');
	# what was open on the primary at the end is not there; the new primary goes on
	$standing = connect_to($node->connstr('postgres'));
	$standing->query("BEGIN; INSERT INTO bestauth.blocked_password VALUES ('open at the end');");
	write_rows($node, 'postgres', 'last', 3);
	sql($node, $seal);
	$node->wait_for_catchup($standby, 'replay', $node->lsn('flush'));
	$standby->promote;
	write_rows($standby, 'postgres', 'promoted', 3);
	is(sql($standby, $seal), '3', 'promoted: it seals');
	is(rows_without_block($standby, 'postgres'), '0', 'promoted: nothing is left out');
	is_sealed($standby, 'postgres', 'promoted', digest($node, 'postgres'));
	like(verdict($node, 'postgres', digest($standby, 'postgres')), qr/^block \d+ the digest names it/, 'promoted: the old primary is behind, and a digest tells');
	$standing->query('COMMIT;');
	$standing->quit;
	$standby->stop;
	return;
}

# ------------------------------------------------------------------- the past

# [K-09] [N-15] The backup of yesterday, or a moment of the past: clean to itself, and the digest
# of today says that it is not today's; also when it goes on from there.
sub the_past
{
	my ($today, $past, $moment);
	my $number = 0;

	sql($node, $seal);
	$node->backup('yesterday');
	sql($node, q{SELECT pg_create_restore_point('then')});
	write_rows($node, 'postgres', 'today', 4);
	sql($node, $seal);
	sql($node, q{SELECT bestauth.lock_user('ida', company => 'cluster')});
	sql($node, $seal);
	$today = digest($node, 'postgres');
	$moment = sql($node, 'SELECT pg_walfile_name(pg_switch_wal())');
	$node->poll_query_until('postgres', "SELECT last_archived_wal >= '$moment' FROM pg_stat_archiver");
	for my $way ('backup', 'point in time')
	{
		my ($status, $output);

		$past = PostgreSQL::Test::Cluster->new('past' . ++$number);
		$past->init_from_backup($node, 'yesterday', $way eq 'backup' ? () : (has_restoring => 1, standby => 0));
		$past->append_conf('postgresql.conf', 'archive_mode = off');
		$past->append_conf('postgresql.conf', "recovery_target_name = 'then'\nrecovery_target_action = promote\nrecovery_target_timeline = current\n") if $way ne 'backup';
		$past->start;
		$past->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
		is(verdict($past, 'postgres'), 'ok', "$way: to itself the log is clean");
		is(login($past, 'postgres', 'cluster', 'ida', $right), 'authenticated', "$way: who was locked later is not");
		like(verdict($past, 'postgres', $today), qr/^block \d+ the digest names it, and the chain ends at block \d+: it was cut, or is an older state of the database$/,
			"$way: the digest of today tells");
		($status, $output) = outside([ export_log($past, 'postgres') ], $today);
		is($status, 1, "$way: outside too");
		note $output;
		# it goes on, and comes to as many blocks
		for my $i (1 .. 3)
		{
			write_rows($past, 'postgres', "past $i");
			is(sql($past, $seal), $i == 1 ? '3' : '1', "$way: it seals, $i");
		}
		is_sealed($past, 'postgres', "$way, gone on", digest($past, 'postgres'));
		like(verdict($past, 'postgres', $today), qr/^block \d+ it has another hash than the digest says: the log was rewritten$/, "$way, gone on: the digest of today tells");
		($status, $output) = outside([ export_log($past, 'postgres') ], $today);
		is($status, 1, "$way, gone on: outside too");
		note $output;
		$past->stop;
	}
	return;
}

# A cluster that was set back, and the newest dump of its database: its transactions have numbers
# that the log knows as over.
sub set_back
{
	my $past = PostgreSQL::Test::Cluster->new('set_back');
	my $dump = PostgreSQL::Test::Utils::tempdir() . '/newest.dump';

	burn($node);
	write_rows($node, 'postgres', 'newest', 2);
	sql($node, $seal);
	command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('postgres') ], 'set back: dumped');
	$past->init_from_backup($node, 'yesterday');
	$past->append_conf('postgresql.conf', 'archive_mode = off');
	$past->start;
	sql($past, 'CREATE DATABASE newest');
	command_ok([ 'pg_restore', '--exit-on-error', '-d', $past->connstr('newest'), $dump ], 'set back: restored');
	is(sqlstate($past, 'newest', 'SELECT bestauth.open_instance()'), '55000', 'set back: it does not open before the numbers are raised');
	burn($past);
	$past->safe_psql('newest', 'SELECT bestauth.open_instance()');
	write_rows($past, 'newest', 'set back', 2);
	is($past->safe_psql('newest', $seal), rows_without_block($node, 'postgres') + 3, 'set back: raised, it opens and seals');
	is_sealed($past, 'newest', 'set back', digest($node, 'postgres'));
	$past->stop;
	return;
}

standby();
the_past();
set_back();
$node->stop;
done_testing();
