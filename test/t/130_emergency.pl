# [J-14] Emergency access ends when its time is up: by the clock alone, to the microsecond, in
# backends that remember the session and were told nothing, on a standby as well. That it has ended
# is written down whatever becomes of the transaction that notices, or when nobody does.
#
# Not in pg_regress: it takes a server whose clock is moved under it, connections that are kept
# meanwhile, and all of it with and without the library preloaded.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use ClockTest;
use FakeClock;
use PostgreSQL::Test::Utils;
use Test::More;

# Who is in an emergency, and where; or the SQLSTATE.
my $state = q{SELECT CASE WHEN bestauth.has_permission('claims') THEN 'emergency' ELSE 'nothing' END || ' in ' || code FROM bestauth.company WHERE company_id = bestauth.current_company_id();};

sub using
{
	my ($token) = @_;

	return "DO \$\$ BEGIN PERFORM bestauth.use_session('$token'); END \$\$;";
}

# In a transaction of its own, which writes nothing and comes to nothing.
sub state_in
{
	my ($client, $token) = @_;

	return ask($client, "BEGIN READ ONLY; @{[ using($token) ]} $state ROLLBACK;");
}

sub start
{
	my ($client, $token, $duration) = @_;

	ask($client, "BEGIN; @{[ using($token) ]} SELECT 1 FROM bestauth.start_emergency_access('no heartbeat in room 4', '$duration'); COMMIT;");
	return sql('SELECT emergency_id FROM bestauth.emergency_access ORDER BY 1 DESC LIMIT 1');
}

# What is in the table and in the audit of one.
sub written
{
	my ($id) = @_;

	return sql(<<END);
SELECT coalesce(ended_by || CASE WHEN ended_at = expires_at THEN ' in time' ELSE '' END, 'open') || ', ' || (SELECT count(*) FROM bestauth.audit_log a
	WHERE a.emergency_id = e.emergency_id AND action = 'emergency.ended' AND detail ->> 'by' = ended_by)
FROM bestauth.emergency_access e WHERE emergency_id = '$id'
END
}

# Somebody else's writer does it, soon.
sub soon_written
{
	my ($id) = @_;

	$node->poll_query_until('postgres', "SELECT ended_at IS NOT NULL FROM bestauth.emergency_access WHERE emergency_id = '$id'")
	  or return 'never';
	return written($id);
}

# Two backends remember the session; nothing is sent to them when its time is up.
sub remembered
{
	my $start = $clock->set('2026-10-30 12:00:00');
	my ($one, $other, $third) = (client(), client(), client());
	my $token = session_of('uma');
	my $id = start($one, $token, '30 minutes');

	is(state_in($_, $token), 'emergency in clock', 'started: in it') for $one, $other, $third;
	is(ask($other, "BEGIN; @{[ using($token) ]} SELECT bestauth.switch_company('clock-child'); COMMIT;"), '', 'it goes to a child');
	is(state_in($_, $token), 'emergency in clock-child', 'and is there') for $one, $other, $third;
	$clock->after($start, '29:59.999999');
	is(state_in($_, $token), 'emergency in clock-child', 'in the last microsecond: in it') for $one, $other;
	is(written($id), 'open, 0', 'open');
	# a transaction that began before
	is(ask($third, "BEGIN; @{[ using($token) ]} $state"), 'emergency in clock-child', 'a transaction that goes on');
	$clock->after($start, '30:00');
	is(state_in($_, $token), 'nothing in clock', 'its time is up: nothing, and at home') for $one, $other;
	is(soon_written($id), 'time in time, 1', 'written down, though the transaction is read only and rolled back');
	is(ask($third, $state), 'emergency in clock-child', 'an identity holds to the end of its transaction');
	is(ask($third, "@{[ using($token) ]} $state"), 'nothing in clock', 'but not a new use in it');
	is(ask($third, "ROLLBACK; BEGIN; @{[ using($token) ]} $state ROLLBACK;"), 'nothing in clock', 'nor the next');
	is(written($id), 'time in time, 1', 'once');
	isnt(start($one, $token, '30 minutes'), $id, 'another one can be started');
	is(state_in($_, $token), 'emergency in clock', 'and counts') for $one, $other, $third;
	$_->quit for $one, $other, $third;
	return;
}

# The transaction that notices, or that starts the next, is rolled back.
sub rolled_back
{
	my $start = $clock->set('2026-10-31 12:00:00');
	my $client = client();
	my $token = session_of('uma');
	my $id = start($client, $token, '1 minute');

	is(state_in($client, $token), 'emergency in clock', 'a minute: in it');
	$clock->after($start, '1:00');
	is(ask($client, <<END), '1 open', 'the next can be started before the writer was there');
BEGIN;
@{[ using($token) ]}
SELECT 1 FROM bestauth.start_emergency_access('no heartbeat in room 4');
SELECT 'open' FROM bestauth.emergency_accesses WHERE open AND emergency_id <> '$id' AND started_at >= (SELECT expires_at FROM bestauth.emergency_access WHERE emergency_id = '$id') LIMIT 1;
ROLLBACK;
END
	is(written($id), 'time in time, 1', 'the end of the first is written, and stays');
	is(sql("SELECT count(*) FROM bestauth.emergency_access WHERE emergency_id > '$id'"), '0', 'the start of the next does not');
	is(state_in($client, $token), 'nothing in clock', 'so there is none');
	$client->quit;
	return;
}

# Nobody uses the session any more: any refusal has it written down; not while somebody holds the
# row, for whom nobody waits.
sub swept
{
	my $start = $clock->set('2026-11-01 12:00:00');
	my ($client, $holder) = (client(), client());
	my $token = session_of('uma');
	my $id = start($client, $token, '1 minute');
	my $refused = "SELECT * FROM bestauth.use_session('bas_nobody');";

	is(ask($client, $refused), '28000', 'in time: a refusal');
	is(written($id), 'open, 0', 'ends nothing');
	$clock->after($start, '1:00');
	is(sql("SELECT open || ' ' || ended_by || ' ' || (ended_at = expires_at) FROM bestauth.emergency_accesses WHERE emergency_id = '$id'"), 'false time true',
		'the view knows it before');
	is(ask($holder, "BEGIN; SELECT 'held' FROM bestauth.emergency_access WHERE emergency_id = '$id' FOR UPDATE;"), 'held', 'while the row is held');
	is(ask($client, $refused), '28000', 'a refusal is not kept waiting');
	is(state_in($client, $token), 'nothing in clock', 'nor is the session');
	is(written($id), 'open, 0', 'and nothing is written');
	ask($holder, 'ROLLBACK;');
	is(ask($client, $refused), '28000', 'then: a refusal');
	is(soon_written($id), 'time in time, 1', 'has it written down');
	$_->quit for $client, $holder;
	return;
}

# The clock is put back: what is written down as over stays over.
sub set_back
{
	my $start = $clock->set('2026-11-02 12:00:00');
	my $client = client();
	my $token = session_of('uma');
	my $id = start($client, $token, '1 minute');

	$clock->after($start, '1:00');
	is(state_in($client, $token), 'nothing in clock', 'over');
	is(soon_written($id), 'time in time, 1', 'and written down');
	$clock->after($start, '0:30');
	is(state_in($client, $token), 'nothing in clock', 'the clock goes back, the emergency does not come back');
	$client->quit;
	return;
}

sub standby
{
	my $standby = PostgreSQL::Test::Cluster->new('emergency_standby');
	my $start = $clock->set('2026-11-03 12:00:00');
	my ($client, $reader) = (client());
	my $token = session_of('uma');
	my $id = start($client, $token, '1 hour');
	my $before;

	# A standby tells how far it is as time goes by.
	$clock->run;
	$node->backup('base');
	$standby->init_from_backup($node, 'base', has_streaming => 1);
	{
		local %ENV = (%ENV, $clock->environment);
		$standby->start;
	}
	$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
	$clock->after($start, '59:59.999999');
	$reader = connect_to($standby->connstr('postgres'));
	$reader->query('\set VERBOSITY sqlstate');
	$before = sql('SELECT count(*) FROM bestauth.audit_log');
	is(state_in($reader, $token), 'emergency in clock', 'standby: in it');
	is(ask($reader, "BEGIN READ ONLY; @{[ using($token) ]} SELECT bestauth.$_; ROLLBACK;"), '25006', "standby: $_ is for the primary")
	  for "start_emergency_access('no heartbeat in room 4')", 'end_emergency_access()';
	ask($reader, 'ROLLBACK;');
	$clock->after($start, '1:00:00');
	is(state_in($reader, $token), 'nothing in clock', 'standby: its time is up');
	is(written($id), 'open, 0', 'which the primary does not know of');
	is(sql('SELECT count(*) FROM bestauth.audit_log'), $before, 'and nothing was written');
	$_->quit for $client, $reader;
	$standby->stop;
	return;
}

for my $preload (0, 1)
{
	note $preload ? 'preloaded' : 'not preloaded';
	start_server($preload ? 'preloaded' : 'plain', '2026-10-30 11:00:00', preload => $preload, allows_streaming => 1, conf => <<END);
autovacuum = off
bestauth.session_idle_limit = '12h'
END
	sql(q{SELECT bestauth.create_company('clock-child', 'Child', 'clock')});
	make_user('uma', "password => '$right', permissions => '{emergency_access}', company => 'clock'");
	remembered();
	rolled_back();
	swept();
	set_back();
	standby() unless $preload;
	$node->stop;
}

done_testing();
