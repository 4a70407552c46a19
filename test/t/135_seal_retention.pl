# [J-09] [AUD-3] Removing what is older than six years: months, whole, by who was given that right
# alone, and with a chain that stays one, inside and outside.
#
# Not in pg_regress: it takes a clock that is set, and several clients.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use ClockTest;
use FakeClock;
use IPC::Run;
use PostgreSQL::Test::Utils;
use SealTest;
use Test::More;

my $seal = seal();
my (%rows, %archive);

start_server('retention', '2016-03-10 12:00:00', conf => <<'END');
timezone = 'America/New_York'
autovacuum = off
bestauth.seal_interval = 0
max_prepared_transactions = 2
END

sub purge
{
	my ($before, $role, $set) = @_;

	return sqlstate($node, 'postgres', ($set // '') . "; SET SESSION AUTHORIZATION @{[ $role // 'regress_retention' ]}; SELECT bestauth.audit_purge('$before')");
}

# Rows of months, by the log.
sub months
{
	return sql(<<'END');
SELECT string_agg(m || ' ' || n, ', ' ORDER BY m) FROM (SELECT to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM') AS m, count(*) AS n FROM bestauth.audit_log GROUP BY 1) r
END
}

sub partitions
{
	return sql(q{SELECT string_agg(regexp_replace(inhrelid::regclass::text, '.*y(\d+)m(\d+)', '\1-\2'), ' ' ORDER BY inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'bestauth.audit_log'::regclass AND inhrelid::regclass::text < 'bestauth.audit_log_y2016m09'});
}

sub everything
{
	return sql(q{SELECT md5(string_agg(a::text, '' ORDER BY audit_id)) || (SELECT md5(string_agg(b::text, '' ORDER BY block)) FROM bestauth.audit_block b) FROM bestauth.audit_log a});
}

# --------------------------------------------------------------- six years of it

sql(<<'END');
CREATE ROLE regress_retention LOGIN;
CREATE ROLE regress_operator LOGIN;
CREATE ROLE regress_auditor LOGIN;
SELECT bestauth.grant_access('regress_retention', 'retention'), bestauth.grant_access('regress_operator', 'operator'), bestauth.grant_access('regress_auditor', 'auditor');
END
make_user('rose');
sql($seal);
write_rows($node, 'postgres', 'march', 5);
sql($seal);
# the last and the first microsecond of months, which are others in New York
$clock->set(FakeClock::moment('2016-04-01 00:00:00') - 1);
write_rows($node, 'postgres', 'end of march');
$clock->set('2016-04-01 00:00:00');
write_rows($node, 'postgres', 'begin of april');
sql($seal);
$clock->set('2016-04-20 00:00:00');
write_rows($node, 'postgres', 'april', 20);
sql($seal);
$clock->set('2016-05-20 00:00:00');
write_rows($node, 'postgres', 'may', 7);
# nobody sealed any more, and nothing happened in June
$clock->set('2016-07-20 00:00:00');
write_rows($node, 'postgres', 'july', 3);
$clock->set('2021-12-01 12:00:00');
write_rows($node, 'postgres', 'december', 4);
my $digest = digest($node, 'postgres');
is(verdict($node, 'postgres', $digest), 'ok', 'six years of it: the log is clean');

# --------------------------------------------------------------- who, and when

$clock->set(FakeClock::moment('2022-04-01 00:00:00') - 1);
is(purge('2016-04-01 00:00+00'), '22023', 'less than six years ago, by a microsecond: refused');
is(purge('2016-04-01 00:00+00', 'regress_operator'), '42501', 'the operator may not');
is(purge('2016-04-01 00:00+00', 'regress_auditor'), '42501', 'nor may the auditor');
is(purge($_), '22023', "$_: refused") for 'infinity', 'now', '2016-05-01 00:00+00';
is(sqlstate($node, 'postgres', 'SELECT bestauth.audit_purge(NULL)'), '22023', 'NULL: refused');
is(purge($_), '0', "$_: there is nothing") for '-infinity', '2010-01-01', '2016-03-31 23:59:59.999999+00';
like(months(), qr/^2016-03 \d+, 2016-04 21, 2016-05 7, 2016-07 3, 2021-12 4$/, 'nothing was removed');
is(verdict($node, 'postgres', $digest), 'ok', 'the log is clean');

$clock->set('2022-04-01 00:00:00');
my $before = everything();
my $march = (months() =~ /2016-03 (\d+)/)[0];
my $client = client();
# an archive of each month, and of all
sql($seal);
$archive{$_} = export_log($node, 'postgres', "2016-0$_-01 00:00+00", '2016-0' . ($_ + 1) . '-01 00:00+00') for 3 .. 6;
$archive{all} = export_log($node, 'postgres');
is((outside([ $archive{$_} ], $_ eq 'all' ? $digest : ()))[0], 0, "the archive of $_ is clean") for sort keys %archive;
$before = everything();

# --------------------------------------------------------------- undone, and beside others

is(ask($client, "BEGIN; SELECT bestauth.audit_purge('2016-04-01 00:00+00'); ROLLBACK;"), $march, 'undone: so many rows would have gone');
is(everything(), $before, 'undone: everything is there');
is(ask($client, "BEGIN; SAVEPOINT a; SELECT bestauth.audit_purge('2016-04-01 00:00+00'); ROLLBACK TO a; COMMIT;"), $march, 'undone by a savepoint');
is(everything(), $before, 'undone by a savepoint: everything is there');
is(verdict($node, 'postgres', $digest), 'ok', 'undone: the log is clean');
# whatever a session shows times in
is(sqlstate($node, 'postgres', "SET TimeZone = '$_->[0]'; SET DateStyle = '$_->[1]'; BEGIN; SELECT bestauth.audit_purge('2016-04-01 00:00:00 UTC'); ROLLBACK"), $march, "in $_->[0], $_->[1]: the same")
  for [ 'Asia/Kolkata', 'SQL, DMY' ], [ 'Australia/Sydney', 'Postgres, DMY' ], [ 'Pacific/Kiritimati', 'German' ], [ 'Asia/Kathmandu', 'SQL, MDY' ], [ 'Israel', 'SQL, YMD' ];

# A reader in a transaction keeps the month; whoever removes waits, and others go on meanwhile.
{
	my ($reader, $purger, $late) = (client(), client(), client());

	# timeouts need a clock that runs
	$clock->run;

	is(ask($reader, q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM bestauth.audit_log WHERE occurred_at < '2016-04-01 00:00+00';}), $march, 'a reader');
	is(purge('2016-04-01 00:00+00', undef, "SET lock_timeout = '100ms'"), '55P03', 'a reader: who does not wait removes nothing');
	$purger->send_sql("BEGIN; SELECT bestauth.audit_purge('2016-04-01 00:00+00');");
	$node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted});
	is(ask($late, login_sql('rose')), 'authenticated', 'while it waits logins go on');
	is(ask($late, "INSERT INTO bestauth.blocked_password VALUES ('while it waits') RETURNING 'written';"), 'written', 'and other changes');
	is(ask($reader, q{SELECT count(*) FROM bestauth.audit_log WHERE occurred_at < '2016-04-01 00:00+00';}), $march, 'the reader sees what it saw');
	ask($reader, 'COMMIT;');
	is($purger->answers, $march, 'a reader: when it is done the month is removed');
	# not committed yet
	is(ask($late, login_sql('rose')), 'authenticated', 'while it is removed logins go on');
	is(ask($late, "INSERT INTO bestauth.blocked_password VALUES ('while it is removed') RETURNING 'written';"), 'written', 'and other changes');
	$late->send_sql('SELECT count(*) FROM bestauth.audit_log;');
	ask($purger, 'ROLLBACK;');
	cmp_ok($late->answers, '>', $march, 'who read meanwhile reads all, for it was undone');
	$_->quit for $reader, $purger, $late;
}
sql($seal);
is(verdict($node, 'postgres', $digest), 'ok', 'beside others: the log is clean');

# --------------------------------------------------------------- removed

is(purge('2016-04-01 00:00+00'), $march, 'six years ago, to the microsecond: removed');
unlike(months(), qr/2016-03/, 'its rows are gone');
is(sql(q{SELECT string_agg(object_type || ' ' || object_id || ' ' || (detail ->> 'rows') || ' ' || db_role, ', ') FROM bestauth.audit_log WHERE action = 'audit.purged'}), "month 2016-03 $march regress_retention", 'a row of the audit says so');
is(sql(q{SELECT kind || ' ' || month || ' ' || row_count || ' ' || (block = (SELECT detail ->> 'block' FROM bestauth.audit_log WHERE action = 'audit.purged')::bigint) FROM bestauth.audit_block WHERE kind = 'purge'}),
	"purge 2016-03-01 $march true", 'and a block, which the row names');
is(purge('2016-04-01 00:00+00'), '0', 'again: there is nothing more');
sql($seal);
is_sealed($node, 'postgres', 'removed', $digest, digest($node, 'postgres'));
is((outside([ $archive{3} ]))[0], 0, 'the archive of the month is clean as before');
{
	my ($status, $output) = outside([ $archive{3}, export_log($node, 'postgres', '2016-04-01 00:00+00') ], $digest, digest($node, 'postgres'));
	my ($number, $hash) = split / /, head($node, 'postgres');

	is($status, 0, 'the archive and what is left are one log') or note $output;
	like($output, qr/$number\b.*$hash/s, 'with the same head');
}

# Several months, one of which was not sealed yet when it was, and one that is empty.
$clock->set('2022-07-15 00:00:00');
is(purge('2016-07-15 00:00+00'), 28, 'several months: removed');
like(partitions(), qr/^2016-07 2016-08$/, 'with their partitions, the empty one too');
is(months() =~ /^2016-07 3,/, 1, 'the month in which the moment lies stays');
is(sql(q{SELECT string_agg(object_id || ' ' || (detail ->> 'rows'), ', ' ORDER BY object_id) FROM bestauth.audit_log WHERE action = 'audit.purged' AND object_id <> '2016-03'}), '2016-04 21, 2016-05 7, 2016-06 0', 'a row of the audit for each');
write_rows($node, 'postgres', 'goes on', 3);
sql($seal);
is_sealed($node, 'postgres', 'several months', $digest, digest($node, 'postgres'));
is(rows_without_block($node, 'postgres'), '0', 'nothing is left out');
{
	my @parts = ((map { $archive{$_} } 3 .. 6), export_log($node, 'postgres', '2016-07-01 00:00+00'));
	my ($status, $output) = outside(\@parts, $digest, digest($node, 'postgres'));

	is($status, 0, 'all archives and what is left are one log') or note $output;
	($status, $output) = outside([ @parts[ 1 .. $#parts ] ]);
	is($status, 0, 'so they are from the second month on') or note $output;
	($status, $output) = outside([ $archive{all} ]);
	is($status, 0, 'and the archive of all is what it was') or note $output;
}
is(sql(qq{SELECT ok, rows_checked FROM bestauth.audit_verify(since => '2016-03-01 00:00+00', until => '2016-07-01 00:00+00')}), 't|0', 'the period that was removed is clean, and empty');
is(sql(q{SELECT string_agg(DISTINCT kind, ' ' ORDER BY kind) FROM bestauth.audit_export('2016-03-01 00:00+00', '2016-07-01 00:00+00')}), 'block months', 'its export has the blocks');

# --------------------------------------------------------------- what is no removal

load_sealing($node, 'postgres');
sub undone
{
	my ($sql, $expected, $what) = @_;

	like(sql("BEGIN; SELECT sealing.disarm(); $sql; SELECT ok, bad_block, reason FROM bestauth.audit_verify(); ROLLBACK"), $expected, $what);
	return;
}

# [K-17]
undone('DROP TABLE bestauth.audit_log_y2016m07', qr/^f\|\d+\|it was made over 3 rows .* 0 are there$/m, 'a month dropped without a block is found');
undone(q{DELETE FROM bestauth.audit_log_y2016m07; SELECT sealing.append('purge', '2016-07-01', clock_timestamp(), 3)}, qr/^f\|\d+\|it says that 2016-07 was removed before six years were over$/m, 'one that was removed too early is found');
undone(q{SELECT sealing.append('purge', '2016-03-01', clock_timestamp(), 3)}, qr/^f\|\d+\|.*2016-03/m, 'one that was removed twice is found');
undone(q{CREATE TABLE sealing.back PARTITION OF bestauth.audit_log FOR VALUES FROM ('2016-03-01 00:00+00') TO ('2016-04-01 00:00+00');
	INSERT INTO sealing.back SELECT audit_id, '2016-03-15 00:00+00', } . sql(q{SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'bestauth.audit_log'::regclass AND attnum > 2}) . q{ FROM bestauth.audit_log LIMIT 1;
	UPDATE bestauth.audit_log a SET row_hash = sealing.row_hash(a) WHERE occurred_at < '2016-04-01 00:00+00'}, qr/^f\|\d+\|the row of \S+ is of a month that was removed$/m, 'a row put back into a month that was removed is found');
undone(q{DELETE FROM bestauth.audit_block WHERE kind = 'purge' AND month = '2016-04-01'}, qr/^f\|\d+\|it is missing$/m, 'a block of a removal that is missing is found');

# --------------------------------------------------------------- moved elsewhere

{
	my $dump = PostgreSQL::Test::Utils::tempdir() . '/retention.dump';

	command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('postgres'), '-N', 'sealing' ], 'dumped');
	sql('CREATE DATABASE restored');
	command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], 'restored');
	$node->safe_psql('restored', 'SELECT bestauth.open_instance()');
	$node->safe_psql('restored', $seal);
	is_sealed($node, 'restored', 'restored', $digest, digest($node, 'postgres'));
	$clock->set('2022-08-01 00:00:00');
	is($node->safe_psql('restored', q{SELECT bestauth.audit_purge('2016-08-01 00:00+00')}), '3', 'restored: the next month is removed there');
	$node->safe_psql('restored', $seal);
	is_sealed($node, 'restored', 'restored, and removed', $digest, digest($node, 'postgres'));
}
$client->quit;
$node->stop;
done_testing();
