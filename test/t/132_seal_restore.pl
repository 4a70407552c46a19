# [K-14] [K-02] A log that was dumped with rows not sealed yet, and with transactions open,
# restored elsewhere: sealed there, and one chain, wherever it goes next.
#
# Not in pg_regress: it takes pg_dump and several clusters, whose transactions have other numbers
# and whose settings are others.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use SealTest;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $seal = seal();
my $right = 'seven green boats of mine';
my $old = start_node('old', initdb => [ '--locale=C.UTF-8', '--encoding=UTF8' ], conf => <<'END');
bestauth.seal_interval = 0
max_prepared_transactions = 5
timezone = 'Asia/Kathmandu'
datestyle = 'SQL, DMY'
extra_float_digits = -10
bytea_output = 'escape'
END
my $new = start_node('new', initdb => [ '--locale=C', '--encoding=UTF8' ], conf => <<'END');
bestauth.seal_interval = 0
timezone = 'America/New_York'
intervalstyle = 'iso_8601'
END

sub run_program
{
	my (@command) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ @command ], '<', \'', '>', \$out, '2>', \$err) or die "@command: $err";
	is($err, '', "$command[0] has nothing to say");
	return;
}

sub dump_log
{
	my ($node, $database, $name) = @_;

	run_program('pg_dump', '-Fc', '-f', "$dir/$name", '-d', $node->connstr($database));
	return;
}

sub restore_log
{
	my ($node, $database, $name) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	run_program('pg_restore', '--exit-on-error', '-d', $node->connstr($database), "$dir/$name");
	return;
}

# Opened, and sealed there; before and after it the log is clean, and every digest is met.
sub goes_on
{
	my ($node, $database, $what, $unsealed, @digests) = @_;
	my $head = head($node, $database) || '0 none';
	my $behind;

	is(sqlstate($node, $database, $seal), '55000', "$what: closed, nothing is sealed");
	$node->safe_psql($database, 'SELECT bestauth.open_instance()');
	is(verdict($node, $database, $_), 'ok', "$what: open, the log is clean before it is sealed") for @digests ? @digests : undef;
	($behind) = outside([ export_log($node, $database) ], @digests);
	is($behind, 0, "$what: outside too");
	is(rows_without_block($node, $database), $unsealed + 1, "$what: what was not sealed, and the row of the opening, wait");
	write_rows($node, $database, "$database restored", 3);
	is($node->safe_psql($database, $seal), $unsealed + 4, "$what: they are sealed, with what came since");
	is(rows_without_block($node, $database), '0', "$what: nothing is left out");
	is_sealed($node, $database, $what, @digests);
	like(head($node, $database), qr/^\d+ /, "$what: the chain went on");
	isnt(head($node, $database), $head, "$what: from where it was");
	write_rows($node, $database, "$database later");
	is($node->safe_psql($database, $seal), '1', "$what: so it does later");
	is($node->safe_psql($database, $seal), '0', "$what: once");
	is_sealed($node, $database, "$what, later", @digests, digest($node, $database));
	return;
}

# ------------------------------------------------------------------- where it comes from

sub burn
{
	my ($node, $count) = @_;

	$node->safe_psql('postgres', "DO \$\$ BEGIN FOR i IN 1 .. $count LOOP PERFORM pg_current_xact_id(); ROLLBACK; END LOOP; END \$\$");
	return;
}

burn($old, 5000);
$old->safe_psql('postgres', 'CREATE DATABASE source');
make_instance($old, 'source');
$old->safe_psql('source', <<END);
SELECT bestauth.create_company('restore', 'Restore \\ "quoted"');
SELECT bestauth.create_user('rita', 'standard', E'Zo\\u00eb', 'Test', 'rita\@example.org', password => '$right', company => 'restore');
SELECT count(*) FROM bestauth.create_payer('Payer', '{"a": 1.10, "b": [1e300, -0.5, "\\u00e9\\t"]}', 'restore');
END
my $client = connect_to($old->connstr('source'));
$client->query("BEGIN; INSERT INTO bestauth.blocked_password VALUES ('open while it is sealed');");
$old->safe_psql('source', "BEGIN; INSERT INTO bestauth.blocked_password VALUES ('prepared while it is sealed'); PREPARE TRANSACTION 'one'");
$old->safe_psql('source', $seal);
write_rows($old, 'source', 'second block', 4);
$old->safe_psql('source', $seal);
my $first = digest($old, 'source');
write_rows($old, 'source', 'not sealed', 7);
my $other = connect_to($old->connstr('source'));
$other->query("BEGIN; INSERT INTO bestauth.blocked_password VALUES ('open while it is dumped');");
cmp_ok($old->safe_psql('source', 'SELECT min(pg_snapshot_xmax(snapshot)) FROM bestauth.audit_block'), '>',
	$new->safe_psql('postgres', 'SELECT pg_snapshot_xmax(pg_current_snapshot())'), 'the new cluster is far behind with its numbers');
dump_log($old, 'source', 'first.dump');

# what is open ends after the dump, and is sealed where it is
$_->query('COMMIT;') for $client, $other;
$_->quit for $client, $other;
$old->safe_psql('source', "COMMIT PREPARED 'one'");
is($old->safe_psql('source', $seal), '10', 'where it comes from all is sealed');
is_sealed($old, 'source', 'where it comes from', $first);

# ------------------------------------------------------------------- where it goes to

restore_log($old, 'second', 'first.dump');
goes_on($old, 'second', 'a second database of the cluster', 7, $first);
restore_log($new, 'restored', 'first.dump');
goes_on($new, 'restored', 'a new cluster', 7, $first);
is(login($new, 'restored', 'restore', 'rita', $right), 'authenticated', 'there one can log in');
$new->safe_psql('restored', $seal);
is_sealed($new, 'restored', 'after a login', $first);

# and back, with rows of both that are not sealed where they were written
my $second = digest($new, 'restored');
write_rows($new, 'restored', 'not sealed there', 5);
dump_log($new, 'restored', 'second.dump');
restore_log($old, 'back', 'second.dump');
goes_on($old, 'back', 'back', 5, $first, $second);
my $third = digest($old, 'back');
write_rows($old, 'back', 'not sealed back', 2);
dump_log($old, 'back', 'third.dump');
restore_log($new, 'again', 'third.dump');
goes_on($new, 'again', 'again', 2, $first, $second, $third);
is($new->safe_psql('again', 'SELECT count(DISTINCT system_id) FROM bestauth.audit_block'), '2', 'of two clusters');
like(verdict($new, 'restored', digest($new, 'again')), qr/^block \d+ .*digest/, 'a log that went on elsewhere is another one');

# A log that was never sealed.
$old->safe_psql('postgres', 'CREATE DATABASE unsealed');
make_instance($old, 'unsealed');
write_rows($old, 'unsealed', 'never sealed', 3);
my $rows = $old->safe_psql('unsealed', 'SELECT count(*) FROM bestauth.audit_log');
dump_log($old, 'unsealed', 'unsealed.dump');
restore_log($new, 'unsealed', 'unsealed.dump');
goes_on($new, 'unsealed', 'never sealed', $rows);

# A row of the old cluster that comes when its rows have been sealed in the new one, and with its
# right hash: [K-17] it was put in later.
load_sealing($new, 'restored');
like($new->safe_psql('restored', <<'END'), qr/^f\|.*came after its transaction had been sealed/m, 'a row of the old cluster put in later is found');
BEGIN;
SELECT sealing.disarm();
INSERT INTO bestauth.audit_log SELECT * FROM bestauth.audit_log WHERE object_id = 'notsealed1' LIMIT 1;
UPDATE bestauth.audit_log SET action = 'forged', audit_id = 9000000 WHERE ctid = (SELECT max(ctid) FROM bestauth.audit_log WHERE object_id = 'notsealed1') AND object_id = 'notsealed1';
UPDATE bestauth.audit_log a SET transaction_id = (SELECT max(pg_snapshot_xmax(snapshot))::text::bigint - 1 FROM bestauth.audit_block b WHERE b.system_id = a.system_id)::text::xid8 WHERE action = 'forged';
UPDATE bestauth.audit_log a SET occurred_at = occurred_at + interval '1000 hours' WHERE action = 'forged';
UPDATE bestauth.audit_log a SET row_hash = sealing.row_hash(a) WHERE action = 'forged';
SELECT ok, reason FROM bestauth.audit_verify();
ROLLBACK;
END
$_->stop for $old, $new;
done_testing();
