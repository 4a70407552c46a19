# No lock is held while a password is hashed: whoever waits for a row must never wait for
# a quarter of a second of arithmetic, times all the others in the queue.
#
# Not in pg_regress: another connection has to look while the hash is being computed.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use Test::More;
use Time::HiRes qw(sleep);

# A hash of some seconds, so that there is time to look.
my $node = start_node('hash_lock', conf => 'bestauth.writer_timeout = 30s');
my %secret;

make_instance($node, 'postgres');
$node->safe_psql('postgres', <<'END');
SELECT bestauth.create_company('hash', 'Hash');
SELECT bestauth.create_user(name, 'standard', 'Given', 'Name', name || '@example.org',
	password => 'a right password of ' || name, permissions => '{my_account}', company => 'hash')
FROM unnest('{one,two}'::text[]) name;
SELECT bestauth.create_user('boss', 'company_administrator', 'The', 'Boss', 'boss@example.org',
	password => 'a right password of who leads', company => 'hash');
SELECT bestauth.create_user('new', 'standard', 'Given', 'Name', 'new@example.org', company => 'hash');
END
$secret{link} = (split /\n/, $node->safe_psql('postgres',
		"SELECT token FROM bestauth.claim_mail() WHERE kind = 'password_setup'"))[0];
$secret{$_} = $node->safe_psql('postgres',
	"SELECT session_token FROM bestauth.login('hash', '$_', 'a right password of $_')") for qw(one two);
$secret{boss} = $node->safe_psql('postgres',
	"SELECT session_token FROM bestauth.login('hash', 'boss', 'a right password of who leads')");
$node->append_conf('postgresql.conf', 'bestauth.hash_cost = 15');
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT current_setting('bestauth.hash_cost') = '15'}),
	'a hash takes long from here on');

# A login hashes at the cost that the stored hash was made at.
$node->safe_psql('postgres', <<'END');
SELECT bestauth.create_user('three', 'standard', 'Given', 'Name', 'three@example.org',
	password => 'a right password of three', company => 'hash')
END

# [M-18] Statement by statement: while its backend is in a slot, it has written nothing, so it
# has no row locked, and holds no lock that another statement of the same kind would wait for.
sub unlocked
{
	my ($what, $sql, $expected) = @_;
	my $client = connect_to($node->connstr('postgres'));
	my ($out, $err, $seen);

	$client->send_sql("$sql;");
	ok($node->poll_query_until('postgres', <<'END'), "$what: it hashes");
SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 3 AND granted
END
	# between two hashes of one statement nobody is in a slot: then once more
	for (1 .. 600)
	{
		$seen = $node->safe_psql('postgres', <<'END');
SELECT coalesce(a.backend_xid::text, 'none'),
	(SELECT count(*) FROM pg_locks l WHERE l.pid = a.pid AND l.granted AND l.locktype IN ('tuple', 'transactionid')),
	(SELECT count(*) FROM pg_locks l WHERE l.pid = a.pid AND l.granted AND l.locktype = 'relation'
	 AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')),
	(SELECT count(*) FROM pg_locks l WHERE l.pid = a.pid AND l.granted AND l.locktype = 'advisory')
FROM pg_stat_activity a WHERE a.pid = (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 3 AND granted)
END
		last if $seen ne '';
		sleep 0.05;
	}
	is($seen, 'none|0|0|1', "$what: nothing is locked but the slot");
	($out, $err) = $client->answers;
	like($out . $err, $expected, "$what: what comes of it");
	is($node->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), '0',
		"$what: the slot is given back");
	$client->quit;
	return;
}

unlocked('create_user',
	q{SELECT bestauth.create_user('another', 'standard', 'A', 'B', 'c@example.org', 'a right password of another', company => 'hash') IS NOT NULL},
	qr/^t$/);
unlocked('login', q{SELECT outcome FROM bestauth.login('hash', 'three', 'a wrong password of this')}, qr/^denied$/);
unlocked('set_password', "SELECT bestauth.set_password('$secret{link}', 'a right password of the new')", qr/^accepted$/);
unlocked('reset_password', q{SELECT length(bestauth.reset_password('three', 'hash')) > 15}, qr/^t$/);
unlocked('change_password', <<"END", qr/\baccepted\b/);
BEGIN;
SELECT 'in' FROM bestauth.use_session('$secret{one}');
SELECT bestauth.change_password('a right password of one', 'another password of one, too');
COMMIT
END
unlocked('set_security_questions', <<"END", qr/^in\s*$/);
BEGIN;
SELECT 'in' FROM bestauth.use_session('$secret{two}');
SELECT bestauth.set_security_questions('{First pet?}', '{a canary bird}');
COMMIT
END

# What was computed meanwhile for a user who is another by then is not set.
my $client = connect_to($node->connstr('postgres'));
$client->send_sql(qq{BEGIN; SELECT 'in' FROM bestauth.use_session('$secret{boss}'); SELECT bestauth.reset_password('two'); COMMIT;});
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 3 AND granted}),
	'reset_password hashes');
$node->safe_psql('postgres', q{SELECT bestauth.delete_user('two', 'hash')});
my ($out, $err) = $client->answers;
like($err, qr/user "two" is deleted/, 'who was deleted meanwhile gets no password');

done_testing();
