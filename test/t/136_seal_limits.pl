# Sealing and checking at their limits: memory, being canceled, no room and no locks left, a
# transaction that stays open, and the worker that seals by itself.
#
# Not in pg_regress: it takes many rows, a full disk, and settings that only a restart changes.
# BESTAUTH_SEAL_ROWS says how many rows; 1000000 takes minutes.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use PostgreSQL::Test::Utils;
use SealTest;
use Test::More;
use Time::HiRes qw(time usleep);

my $rows = $ENV{BESTAUTH_SEAL_ROWS} // 100_000;
my $limit = 64 * 1024;		# kilobytes that checking may take
my $seal = seal() . ';';
my $right = 'seven green boats of mine';
my $node = start_node('seal_limits', conf => <<'END');
bestauth.seal_interval = 0
autovacuum = off
max_connections = 40
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

make_instance($node, 'postgres');
sql(<<END);
SELECT bestauth.create_company('limits', 'Limits');
SELECT bestauth.create_user('lena', 'standard', 'Given', 'Name', 'lena\@example.org', password => '$right', company => 'limits');
END

# ------------------------------------------------------------------- memory

# What a backend has of its own, at most so far, in kilobytes.
sub peak
{
	my ($client) = @_;

	return $client->query(q{SELECT substring(s FROM 'VmHWM:\s+(\d+)')::int - substring(s FROM 'RssShmem:\s+(\d+)')::int FROM pg_read_file(format('/proc/%s/status', pg_backend_pid())) s;});
}

# [K-13] Checking, sealing and exporting take no more memory the more rows there are.
sub memory
{
	my ($client, $before, $start, $took, $grown);

	return note 'there is no /proc' unless -e '/proc/self/status';
	# twenty transactions, with a block after each but the last ones
	for my $i (0 .. 19)
	{
		my ($from, $upto) = map { int($rows * ($i + $_) / 20) } 0, 1;

		sql("INSERT INTO bestauth.blocked_password SELECT 'memory' || i FROM generate_series($from + 1, $upto) i");
		sql($seal) if $i < 10;
	}
	for my $what ([ 'sealing', $seal ], [ 'checking', 'SELECT ok, rows_checked FROM bestauth.audit_verify();' ],
		[ 'checking again', 'SELECT ok, rows_checked FROM bestauth.audit_verify();' ])
	{
		$client = client();
		# what any call takes
		$client->query(q{SELECT * FROM bestauth.audit_verify(until => '2000-01-01'); SELECT count(*) FROM bestauth.audit_log WHERE occurred_at < '2000-01-01';});
		$before = peak($client);
		$start = time;
		note "$what->[0]: " . $client->query($what->[1]);
		$took = time - $start;
		$grown = peak($client) - $before;
		note sprintf '%s: %.1f s, %d kB', $what->[0], $took, $grown;
		cmp_ok($grown, '<', $limit, "$what->[0] $rows rows: within $limit kB");
		$client->quit;
	}
	is(verdict($node, 'postgres'), 'ok', 'the log is clean');
	return;
}

# [K-13] It can be canceled, whatever it is at.
sub canceled
{
	for my $what ('SELECT * FROM bestauth.audit_verify()', 'SELECT count(*) FROM bestauth.audit_export()')
	{
		for my $wait (5, 50, 150, 300)
		{
			my $client = client();
			my $pid = $client->query('SELECT pg_backend_pid();');
			my $start = time;
			my ($out, $err);

			# again and again, so that it is there to be canceled
			$client->send_sql("DO \$\$ BEGIN LOOP PERFORM * FROM ($what) v; END LOOP; END \$\$;");
			usleep(1000 * $wait);
			sql("SELECT pg_cancel_backend($pid)");
			($out, $err) = $client->answers;
			like($err, qr/canceling statement due to user request/, "$what: canceled after $wait ms");
			cmp_ok(time - $start, '<', 10, 'within ten seconds');
			is($client->query('SELECT 1;'), '1', 'and the backend goes on');
			$client->quit;
		}
	}
	return;
}

# [K-13] since and until restrict it to months: other months' rows are not read.
sub restricted
{
	load_sealing($node, 'postgres');
	is(sql(<<'END'), "f\nt\nt\nf", 'a month that was not asked for is not read');
BEGIN;
DO $$ BEGIN PERFORM sealing.disarm(); END $$;
UPDATE bestauth.audit_log SET username = 'changed' WHERE audit_id = 1;
SELECT ok FROM bestauth.audit_verify();
SELECT ok FROM bestauth.audit_verify(since => clock_timestamp() + interval '800 hours');
SELECT ok FROM bestauth.audit_verify(until => date_trunc('month', clock_timestamp() - interval '1 hour', 'UTC'));
SELECT ok FROM bestauth.audit_verify(since => clock_timestamp() - interval '1 hour', until => clock_timestamp());
ROLLBACK;
END
	return;
}

# ------------------------------------------------------------------- an open transaction

# [N-16] [K-05] A session idle in a transaction: what others do is sealed, logins and other changes
# go on; what it did itself waits, and health tells if that takes long.
sub idle
{
	my @idle = map { client() } 1 .. 3;

	# with a row; with a number alone; in a snapshot of before
	$idle[0]->query("BEGIN; INSERT INTO bestauth.blocked_password VALUES ('idle in a transaction');");
	$idle[1]->query('BEGIN; SELECT pg_current_xact_id();');
	$idle[2]->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM bestauth.audit_log;');
	for my $i (1 .. 3)
	{
		is(login($node, 'postgres', 'limits', 'lena', $right), 'authenticated', "idle, $i: logins go on");
		write_rows($node, 'postgres', "beside idle $i", 2);
		cmp_ok(sql($seal), '>', 2, "idle, $i: they are sealed");
		is(rows_without_block($node, 'postgres'), '0', "idle, $i: all that can be seen");
		is(verdict($node, 'postgres'), 'ok', "idle, $i: the log is clean");
		is(sql(q{SELECT ok FROM bestauth.health WHERE check_name = 'audit_sealed'}), 't', "idle, $i: health is content");
	}
	is(sql(q{SELECT count(*) = 1 FROM bestauth.audit_block b WHERE b.block = (SELECT max(block) FROM bestauth.audit_block) AND EXISTS (SELECT FROM pg_snapshot_xip(b.snapshot))}), 't', 'idle: the last block says what was open');
	$_->query('COMMIT;') for @idle;
	is(sql($seal), '1', 'idle: its own row is sealed after its end');
	$_->quit for @idle;
	# a sealer that is idle in its transaction: others do wait, and health turns red after five minutes
	$idle[0] = client();
	$idle[0]->query("BEGIN; $seal");
	write_rows($node, 'postgres', 'behind an idle sealer');
	is(login($node, 'postgres', 'limits', 'lena', $right), 'authenticated', 'an idle sealer: logins go on');
	is(sqlstate($node, 'postgres', "SET lock_timeout = '100ms'; $seal"), '55P03', 'an idle sealer: another one waits');
	is(verdict($node, 'postgres'), 'ok', 'an idle sealer: the log is clean');
	$idle[0]->vanish;
	$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory'});
	cmp_ok(sql($seal), '>', 1, 'an idle sealer: gone, the next one goes on');
	is(verdict($node, 'postgres'), 'ok', 'an idle sealer: gone, the log is clean');
	return;
}

# ------------------------------------------------------------------- no room

# [N-14] No room for the audit: the change fails, and nothing of it is there, in the log or out of
# it. Again and again, with ever more room, until there is enough.
sub no_room
{
	my ($what, $break, $more, $mend) = @_;
	my ($letter) = $what =~ /(\w)/;
	my $changer = client();
	my %codes;

	sql($seal);
	# what it needs to know is known
	$changer->query("SELECT bestauth.create_company('before-$letter', 'Before');");
	$break->();
	for my $round (0 .. 12)
	{
		my $word = "noroom$letter" . chr(97 + $round) . 'x';

		for my $change ("INSERT INTO bestauth.blocked_password SELECT '$word' || i FROM generate_series(1, 300) i;", "SELECT bestauth.create_company('$word', 'No room');",
			"DO \$\$ BEGIN FOR i IN 1 .. 200 LOOP PERFORM bestauth.create_company('$word-' || i, 'No room'); END LOOP; END \$\$;", $seal)
		{
			my ($out, $err) = $changer->query($change);

			$codes{ $err eq '' ? 'done' : $err =~ /(could not extend|could not write|out of shared memory)/ ? $1 : $err }++;
		}
		$changer = $more->($round) // $changer;
	}
	note "$what: " . join ', ', map { "$_ $codes{$_}" } sort keys %codes;
	is_deeply([ sort keys %codes ], [ sort $what eq 'no locks' ? 'out of shared memory' : 'could not extend', 'done' ], "$what: changes fail, for that reason alone, and succeed");
	$mend->();
	is(sql(q{SELECT count(*) FROM bestauth.company c FULL JOIN (SELECT object_id AS code, count(*) AS rows FROM bestauth.audit_log WHERE action = 'company.created' GROUP BY 1) a USING (code) WHERE c IS NULL OR rows IS DISTINCT FROM 1}), '0',
		"$what: there is a row for each company, and for none other");
	is(sql(q{SELECT count(*) FROM bestauth.blocked_password p FULL JOIN (SELECT object_id AS word, count(*) AS rows FROM bestauth.audit_log WHERE action = 'row.inserted' AND object_type = 'bestauth.blocked_password' GROUP BY 1) a USING (word) WHERE word LIKE 'noroom%' AND (p IS NULL OR rows IS DISTINCT FROM 1)}), '0',
		"$what: and for each row of many");
	sql($seal);
	is(rows_without_block($node, 'postgres'), '0', "$what: all are sealed");
	is(verdict($node, 'postgres'), 'ok', "$what: the log is clean");
	is(login($node, 'postgres', 'limits', 'lena', $right), 'authenticated', "$what: mended, all goes on");
	$changer->quit;
	return;
}

# [N-14] The month's file can't grow: no file of the server's may be larger than so much.
sub full_disk
{
	my ($pid) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
	my $limit = sub {
		my ($bytes) = @_;

		system_or_bail('prlimit', '--pid', $pid, "--fsize=$bytes:");
		return;
	};
	my $size = sql(q{SELECT max(pg_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'bestauth.audit_log'::regclass});
	# for those who connect then
	my $changer = sub {
		$limit->($size + 20_000 * $_[0]);
		return client();
	};

  SKIP:
	{
		skip 'there is no prlimit', 1 if system('prlimit --version > /dev/null 2>&1') != 0;
		skip 'the log is not larger than a file of the WAL', 1 if $size < 20_000_000;
		no_room('full disk', sub { $limit->($size) }, $changer, sub { $limit->('unlimited') });
	}
	return;
}

# [N-14] No locks left: somebody took them all.
sub no_locks
{
	my $taker = client();

	no_room('no locks',
		sub {
			my ($out, $err) = $taker->query('SELECT count(pg_advisory_lock(i)) FROM generate_series(1, 10000000) i;');

			like($err, qr/out of shared memory/, 'no locks: all are taken');
		},
		# each twice as many as before
		sub { $taker->query("SELECT count(pg_advisory_unlock(i)) FROM generate_series(" . 2**$_[0] . ', ' . (2**($_[0] + 1) - 1) . ') i;'); return },
		sub { $taker->quit });
	return;
}

memory();
canceled();
restricted();
idle();
full_disk();
no_locks();
$node->stop;
done_testing();
