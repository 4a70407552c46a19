# [K-15] [N-07] pg_upgrade to another cluster of the same version, by copies and by links: the log
# is clean, what was not sealed is, and accounts are as they were.
#
# Not in pg_regress: it takes pg_upgrade.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SealTest;
use Test::More;

my $seal = seal();
my $right = 'seven green boats of mine';
my $wrong = 'a wrong password of this test';
my $conf = "bestauth.seal_interval = 0\nbestauth.lockout_threshold = 3\n";
my $link;
my $node = start_node('before', conf => $conf);
my $bindir = $node->config_data('--bindir');

plan skip_all => 'there is no pg_upgrade' unless -x "$bindir/pg_upgrade";

sub sql
{
	my ($node, $sql) = @_;

	return $node->safe_psql('postgres', $sql);
}

make_instance($node, 'postgres');
sql($node, <<END);
SELECT bestauth.create_company('cluster', 'Cluster');
SELECT bestauth.create_user(name, 'standard', 'Given', 'Name', name || '\@example.org', password => '$right', company => 'cluster') FROM unnest('{ida,jan}'::text[]) name;
SELECT bestauth.create_user('kim', 'standard', 'Given', 'Name', 'kim\@example.org', company => 'cluster');
END
$link = sql($node, q{SELECT token FROM bestauth.claim_mail(), LATERAL bestauth.confirm_mail(message_id)});
is(sql($node, "SELECT bestauth.set_password('$link', '$right')"), 'accepted', 'a link is used');
sql($node, q{SELECT bestauth.create_user('lea', 'standard', 'Given', 'Name', 'lea@example.org', company => 'cluster')});
is(login($node, 'postgres', 'cluster', 'jan', $wrong), 'denied', 'guesses') for 1 .. 3;
sql($node, q{SELECT bestauth.lock_user('ida', company => 'cluster')});
sql($node, $seal);

sub upgraded
{
	my ($digest, $rows, $from);

	write_rows($node, 'postgres', 'not sealed before', 6);
	$digest = digest($node, 'postgres');
	$rows = rows_without_block($node, 'postgres');
	cmp_ok($rows, '>=', 6, 'rows wait to be sealed');
	$node->stop;
	$from = $node;
	for my $mode ('copy', 'link')
	{
		my $new = PostgreSQL::Test::Cluster->new("upgraded_$mode");

		$new->init;
		$new->append_conf('postgresql.conf', slurp_file($ENV{BESTAUTH_CONF})) if defined $ENV{BESTAUTH_CONF};
		$new->append_conf('postgresql.conf', $conf . "bestauth.hash_cost = 10\nmax_worker_processes = 16\n");
		chdir PostgreSQL::Test::Utils::tempdir();
		command_ok([ 'pg_upgrade', '--no-sync', '-d', $from->data_dir, '-D', $new->data_dir, '-b', $bindir, '-B', $bindir,
				'-s', $new->host, '-p', $from->port, '-P', $new->port, $mode eq 'link' ? '--link' : () ], "upgrade by $mode");
		$new->start;
		is(sqlstate($new, 'postgres', $seal), '55000', "$mode: closed, nothing is sealed");
		sql($new, 'SELECT bestauth.open_instance()');
		is(verdict($new, 'postgres', $digest), 'ok', "$mode: the log is clean");
		write_rows($new, 'postgres', "upgraded$mode", 2);
		is(sql($new, $seal), $rows + 3, "$mode: what was not sealed is, with what came since");
		is(rows_without_block($new, 'postgres'), '0', "$mode: nothing is left out");
		is_sealed($new, 'postgres', $mode, $digest);
		is(login($new, 'postgres', 'cluster', 'kim', $right), 'authenticated', "$mode: one can log in");
		is(login($new, 'postgres', 'cluster', $_, $right), 'denied', "$mode: $_, who was locked, can't") for 'ida', 'jan';
		isnt(sql($new, "SELECT bestauth.set_password('$link', '$right')"), 'accepted', "$mode: a link that was used is");
		is(sql($new, q{SELECT count(*) FROM bestauth.outbox WHERE sent_at IS NULL AND recipient = 'lea@example.org'}), '1', "$mode: mail that waited waits, once");
		sql($new, $seal);
		is_sealed($new, 'postgres', "$mode, later", $digest, digest($new, 'postgres'));
		$new->stop;
		if ($mode eq 'copy')
		{
			# the next one comes from here
			$from = $new;
			$from->start;
			$digest = digest($from, 'postgres');
			write_rows($from, 'postgres', 'not sealed before the next', 4);
			$rows = rows_without_block($from, 'postgres');
			$from->stop;
		}
	}
	return;
}

upgraded();
done_testing();
