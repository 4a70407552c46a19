# Floods: guesses of names, sessions and keys by the hundred. Nothing grows without bound,
# nothing goes uncounted, no more passwords are hashed at once than allowed, and nobody
# else is kept out; and the time of an answer doesn't tell who exists.
#
# Not in pg_regress: it takes many sessions at once, some that look on, settings for the
# whole server, and all of it with and without the library preloaded.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $right = 'the right password of this test';
my $wrong = 'a wrong password of this test';
my $tempdir = PostgreSQL::Test::Utils::tempdir();
my ($node, $with);

# ------------------------------------------------------------------------- tools

sub sql
{
	my ($sql) = @_;

	return $node->safe_psql('postgres', $sql);
}

sub client
{
	my ($role) = @_;

	return connect_to($node->connstr('postgres') . ($role ? " user=$role" : ''));
}

# The statement so often in so many sessions at once; the answers, counted.
sub tries
{
	my ($sessions, $times, $statement, $role) = @_;
	my @clients = map { client($role) } 1 .. $sessions;
	my %answers;

	$_->send_sql("SELECT * FROM public.tries(\$s\$$statement\$s\$, $times);") for @clients;
	for my $client (@clients)
	{
		my ($out, $err) = $client->answers;
		$answers{$2} += $1 while $out =~ /^(\d+)\|(.*)$/mg;
		$answers{$err}++ if $err ne '';
		$client->quit;
	}
	return join ', ', map { "$answers{$_} $_" } sort keys %answers;
}

# A user or key; of a company, that of the flood unless told.
sub make_user
{
	my ($name, %params) = @_;
	my $company = $params{company} // 'flood';
	my $type = $params{type} // 'standard';
	my $service = $params{service} ? "'$params{service}'" : 'NULL';
	my $password = $params{unset} ? 'NULL' : "'$right'";

	sql(<<END);
SELECT bestauth.create_user('$name', '$type', 'Given', 'Name', '$name\@example.org',
	password => $password, billing_service => $service, company => '$company');
END
	return;
}

sub login_sql
{
	my ($name, $password, $company) = @_;

	$company //= 'flood';
	return "SELECT outcome FROM bestauth.login('$company', '$name', '$password')";
}

# Locks are so old that a login doesn't wait for them to end.
sub age_locks
{
	sql("UPDATE bestauth.login_counter SET locked_at = locked_at - interval '1 minute' WHERE locked_at IS NOT NULL");
	return;
}

sub lock_by_guesses
{
	my ($name) = @_;

	sql(login_sql($name, $wrong)) for 1 .. 5;
	age_locks();
	return;
}

# What the audit says of refusals: rows, what other rows stand for, what none does yet, and
# how many that is in all.
sub audited
{
	my ($which, $key) = @_;

	return sql(<<END);
SELECT count(*) FILTER (WHERE n IS NULL) || ' rows, folded ' || coalesce(string_agg(n::text, ' ' ORDER BY audit_id), 'none')
	|| ', waiting ' || waiting || ', all ' || sum(coalesce(n, 1)) + waiting
FROM (SELECT audit_id, (detail ->> 'folded')::int AS n FROM bestauth.audit_log WHERE outcome = 'denied' AND $which) l,
	(SELECT coalesce(sum(folded), 0) AS waiting FROM bestauth.audit_fold WHERE key LIKE '$key') w
GROUP BY waiting
END
}

# The hour of a kind is over.
sub end_hour
{
	my ($key) = @_;

	sql("UPDATE bestauth.audit_fold SET began_at = began_at - interval '1 hour' WHERE key LIKE '$key'");
	return;
}

sub median
{
	my ($part, @times) = @_;

	@times = sort { $a <=> $b } @times;
	return $times[ int($part * $#times) ];
}

# --------------------------------------------------------------- guesses of sessions

# [D-20] Random tokens, one session and then several at once; and calls without a session.
sub tokens
{
	my $token = q{SELECT 'in' FROM bestauth.use_session('bas_' || md5(random()::text) || 'abcdefghijk')};
	my $session = "action = 'session.refused'";
	my $denied = "action = 'access.denied'";

	is(tries(1, 100, $token, 'app'), '100 28000', "$with, random tokens: refused");
	is(audited($session, 'session'), '100 rows, folded none, waiting 0, all 100', "$with: a hundred in an hour have rows of their own");
	is(tries(1, 400, $token, 'app'), '400 28000', "$with: so are others");
	is(audited($session, 'session'), '100 rows, folded 28 128, waiting 244, all 500',
		"$with: they are counted, with a row at each power of two");
	is(tries(4, 400, $token, 'app'), '1600 28000', "$with, four sessions at once: refused");
	is(audited($session, 'session'), '100 rows, folded 28 128 256 512 1024, waiting 52, all 2100', "$with: none is lost");
	end_hour('session');
	is(tries(1, 1, $token, 'app'), '1 28000', "$with, an hour later: refused");
	is(audited($session, 'session'), '101 rows, folded 28 128 256 512 1024 52, waiting 0, all 2101',
		"$with: the rest is written, and a new hour begins with a row");
	is(sql("SELECT count(*) FROM bestauth.audit_log WHERE $session AND detail ? 'since'"), '1', "$with: it says since when");
	is(sql('SELECT key, seen FROM bestauth.audit_fold'), 'session|1', "$with: one kind takes one row to count");

	is(tries(2, 160, q{SELECT bestauth.lock_user('nobody')}, 'app'), '320 28000', "$with, calls without a session: refused");
	is(audited($denied, 'function/%'), '100 rows, folded 28 128, waiting 64, all 320', "$with: folded");
	is(tries(1, 3, q{SELECT bestauth.unlock_user('nobody')}, 'app'), '3 28000', "$with, another function: refused");
	is(audited("$denied AND object_id = 'unlock_user'", 'function/unlock_user'), '3 rows, folded none, waiting 0, all 3',
		"$with: which is a kind of its own");
	return;
}

# ------------------------------------------------------------------ guesses of names

# [C-12] Random names, from several sessions at once.
sub names
{
	my $guess = "SELECT outcome FROM bestauth.login('flood', 'n' || left(md5(random()::text), 12), '$wrong')";
	my $unknown = "action = 'login.denied' AND username IS NULL AND company_code = 'flood'";

	is(tries(3, 45, $guess, 'app'), '135 denied', "$with, random names: denied");
	is(audited($unknown, 'login/unknown/flood'), '100 rows, folded 28, waiting 7, all 135', "$with: folded");
	is(sql("SELECT count(*) FROM bestauth.login_counter WHERE subject < '\\x63'"), '135', "$with: each has its count");
	end_hour('login/%');
	is(tries(1, 1, $guess, 'app'), '1 denied', "$with, an hour later: denied");
	is(audited($unknown, 'login/unknown/flood'), '101 rows, folded 28 7, waiting 0, all 136', "$with: the rest is written");
	return;
}

# Counters of many, as a flood of days would leave them: kind, how many, how old the
# newest is, with seconds between them, and whether they are locked.
sub plant
{
	my ($kind, $count, $age, $locked) = @_;
	my $until = $locked ? "clock_timestamp() + interval '10 min'" : 'NULL';

	sql(<<END);
INSERT INTO bestauth.login_counter (subject, failed, last_at, locked_at, locked_until)
SELECT '$kind'::bytea || decode(md5('$kind $age' || i), 'hex'), 3, clock_timestamp() - interval '$age' - i * interval '10 ms',
	CAST($until AS timestamptz) - interval '15 min', $until
FROM generate_series(1, $count) i
END
	return;
}

# [C-12] The counts of names that nobody has, and of challenges, are bounded in number and
# age; those of users stay.
sub swept
{
	my $counts = <<'END';
SELECT count(*) FILTER (WHERE subject < '\x63') || ' names, ' || count(*) FILTER (WHERE subject >= '\x63' AND subject < '\x64')
	|| ' challenges, ' || count(*) FILTER (WHERE subject >= '\x70') || ' users'
FROM bestauth.login_counter
END
	# A charge in 64 sweeps; taking a lock away goes the same way, and hashes nothing.
	my $sweep = sub {
		my ($done) = @_;
		sql(<<SQL);
DO \$\$
BEGIN
	FOR i IN 1 .. 4000 LOOP
		EXIT WHEN (SELECT $done FROM bestauth.login_counter);
		PERFORM bestauth.unlock_user('swept', company => 'flood');
	END LOOP;
END
\$\$
SQL
	};

	make_user('swept');
	sql('DELETE FROM bestauth.login_counter');
	plant('b', 300, '2 hours');
	plant('b', 20, '3 hours', 1);
	plant('c', 100, '2 hours');
	plant('u', 10, '2 hours');
	plant('p', 10, '3 days');
	plant('b', 30, '30 min');
	$sweep->(q{count(*) FILTER (WHERE subject < '\x64' AND last_at < clock_timestamp() - interval '1 hour' AND locked_until IS NULL) = 0});
	is(sql($counts), '50 names, 0 challenges, 20 users', "$with: what is old goes, but for locks that hold and users");

	plant('b', 12000, '1 min');
	plant('c', 50, '1 s');
	is(sql($counts), '12050 names, 50 challenges, 20 users', "$with, a flood of names");
	$sweep->(q{count(*) FILTER (WHERE subject < '\x64') <= 10000});
	is(sql($counts), '9950 names, 50 challenges, 20 users', "$with: only the newest 10,000 stay");
	is(sql(q{SELECT count(*) FROM bestauth.login_counter WHERE locked_until IS NOT NULL}), '0',
		"$with: the oldest went first");
	sql('DELETE FROM bestauth.login_counter');
	return;
}

# [D-20] [C-12] Guesses of a user who is locked are folded user by user.
sub locked
{
	my $kind = sub { ("action = 'login.denied' AND username = '$_[0]' AND detail ->> 'reason' LIKE 'locked %'",
		'login/locked/' . sql("SELECT user_id FROM bestauth.user_account WHERE username = '$_[0]'")) };

	make_user($_) for 'victim', 'other';
	lock_by_guesses($_) for 'victim', 'other';
	is(tries(2, 65, login_sql('victim', $wrong), 'app'), '130 denied', "$with, a locked user: denied");
	is(tries(1, 2, login_sql('other', $right), 'app'), '2 denied', "$with, another, the right password: denied");
	is(audited($kind->('victim')), '100 rows, folded 28, waiting 2, all 130', "$with: folded");
	is(audited($kind->('other')), '2 rows, folded none, waiting 0, all 2', "$with: the other one is a kind of its own");
	end_hour('login/locked/%');
	tries(1, 1, login_sql('victim', $wrong), 'app');
	is(sql(<<'END'), '2|flood', "$with, an hour later: the rest is the user's and the company's");
SELECT detail ->> 'folded', company_code FROM bestauth.audit_log WHERE username = 'victim' AND detail ? 'since'
END
	return;
}

# ------------------------------------------------------------------------------ slots

my $slots = sprintf <<'END', 0x62617574;
FROM pg_locks WHERE locktype = 'advisory' AND classid = %u AND objsubid = 3
END

# A session that hashes until it is stopped; returns it and its pid.
sub hold_slot
{
	my ($before) = @_;
	my $client = client();
	my $pid = $client->query('SELECT pg_backend_pid();');

	$client->query('\set VERBOSITY sqlstate');
	$client->query($before) if $before;
	$client->query('SET bestauth.hash_cost = 31;');
	$client->send_sql(login_sql('holder', $wrong) . ';');
	$node->poll_query_until('postgres', "SELECT count(*) = 1 $slots AND granted AND pid = $pid")
	  or die 'nobody hashes';
	return ($client, $pid);
}

sub stop_holder
{
	my ($client, $pid) = @_;

	sql("SELECT pg_cancel_backend($pid)");
	return ($client->query(''))[1];
}

# [C-17] Who waits for a turn.
sub waiting
{
	my ($client, $pid) = hold_slot('BEGIN; SAVEPOINT s;');
	my $waiter = client();
	my $waiter_pid = $waiter->query('SELECT pg_backend_pid();');
	my $mine = "SELECT count(*) $slots AND pid = pg_backend_pid();";
	my $counters = 'SELECT count(*) FROM bestauth.login_counter';
	my $before = sql($counters);

	$waiter->query('\set VERBOSITY sqlstate');
	$waiter->query("SET lock_timeout = '10min'; SET bestauth.hash_timeout = '300ms'; BEGIN; SAVEPOINT s;");
	like(($waiter->query(login_sql('waiter', $wrong) . ';'))[1], qr/ERROR:  53000/,
		"$with: who waits too long is refused");
	$waiter->query('ROLLBACK TO s;');
	is(scalar $waiter->query($mine), '0', "$with: and has no slot");
	is(scalar $waiter->query('SHOW lock_timeout;'), '10min', "$with: its own limit is as before");
	is(sql($counters), $before, "$with: the guess is not charged");

	$waiter->query("SET bestauth.hash_timeout = '10min';");
	$waiter->send_sql(login_sql('waiter', $wrong) . ';');
	ok($node->poll_query_until('postgres', "SELECT count(*) = 1 $slots AND NOT granted AND pid = $waiter_pid"), "$with: another waits");
	like(stop_holder($waiter, $waiter_pid), qr/ERROR:  57014/, "$with: and is cancelled");
	$waiter->query('ROLLBACK TO s;');
	is(scalar $waiter->query($mine), '0', "$with: and has no slot");
	is(sql($counters), $before, "$with: that guess is not charged either");

	# Nothing that SQL can lock or unlock is the slot.
	is(sql(sprintf <<'END', 0x62617574), 't', "$with: advisory locks of the same numbers are others");
SELECT pg_try_advisory_lock(%1$u, 0) AND pg_try_advisory_xact_lock(%1$u, 0) AND pg_try_advisory_lock(%1$u::bigint << 32)
END
	$waiter->query('SELECT pg_advisory_unlock_all();');
	is(sql("SELECT count(*) $slots AND granted AND pid = $pid"), '1', "$with: unlocking all frees nobody else's");
	is(sql(sprintf "SELECT pg_advisory_unlock(%u, 0)", 0x62617574), 'f', "$with: nor does unlocking its number");

	$waiter->send_sql(login_sql('waiter', $wrong) . ';');
	$node->poll_query_until('postgres', "SELECT count(*) = 1 $slots AND NOT granted AND pid = $waiter_pid");
	like(stop_holder($client, $pid), qr/ERROR:  57014/, "$with: who hashes is cancelled");
	is(scalar $waiter->answers, 'denied', "$with: the slot goes to who waits, at once");
	is(scalar $waiter->query($mine), '0', "$with: which gives it back before its transaction ends");
	$client->query('ROLLBACK TO s;');
	is(scalar $client->query($mine), '0', "$with: who was cancelled has none");
	$client->query('SET bestauth.hash_cost = 10;');
	is(scalar $client->query('SELECT pg_advisory_unlock_all();'), '', "$with: unlocking all");
	is(scalar $client->query(login_sql('holder', $right) . ';'), 'denied', "$with: and going on in the same transaction");
	$_->query('COMMIT;'), $_->quit for $client, $waiter;

	# An error that is caught.
	$client = client();
	$pid = $client->query('SELECT pg_backend_pid();');
	$client->query(<<'SQL');
CREATE FUNCTION pg_temp.caught() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM outcome FROM bestauth.login('flood', 'caught', 'whatever it is here');
EXCEPTION WHEN query_canceled THEN
	RETURN 'caught, ' || (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory');
END
$$;
BEGIN;
SET bestauth.hash_cost = 31;
SQL
	$client->send_sql('SELECT pg_temp.caught();');
	$node->poll_query_until('postgres', "SELECT count(*) = 1 $slots AND granted AND pid = $pid");
	sql("SELECT pg_cancel_backend($pid)");
	is(scalar $client->answers, 'caught, 0', "$with: an error that is caught gives the slot back");
	$client->send_sql(login_sql('holder', $wrong) . ';');
	$node->poll_query_until('postgres', "SELECT count(*) = 1 $slots AND granted AND pid = $pid");
	sql("SELECT pg_terminate_backend($pid)");
	$client->vanish;
	ok($node->poll_query_until('postgres', "SELECT count(*) = 0 $slots"), "$with: so does the end of its session");
	is(tries(1, 1, login_sql('holder', $wrong), 'app'), '1 denied', "$with: the only slot is free");
	return;
}

# How long a cheap query takes, again and again, while fifty log in at cost 12; and how
# many hash at once, at most.
sub under_flood
{
	my ($number) = @_;
	my $script = "$tempdir/flood.sql";
	my ($cheap, $looker) = (client(), client());
	my ($out, $err, $run, $at_once, @times, $started) = ('', '');

	append_to_file($script, login_sql('flood:client_id', $wrong) . ";\n") unless -e $script;
	$node->append_conf('postgresql.conf', "bestauth.hash_slots = $number\nbestauth.hash_cost = 12");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('bestauth.hash_slots') = '$number'");
	$cheap->query('SELECT 1;');
	$run = IPC::Run::start([ 'pgbench', '-n', '-c', 50, '-j', 1, '-t', 1, '-f', $script, $node->connstr('postgres') ],
		'>', \$out, '2>', \$err);
	$at_once = 0;
	while ($run->pumpable)
	{
		my $now = $looker->query("SELECT count(*) $slots AND granted;");
		$at_once = $now if $now > $at_once;
		$started = time;
		$cheap->query('SELECT count(*) FROM generate_series(1, 10000);');
		push @times, 1000 * (time - $started);
		sleep 0.02;
		$run->pump_nb;
	}
	ok($run->finish, "50 logins at once, $number slots: all are answered") or diag $err;
	$_->quit for $cheap, $looker;
	note sprintf 'hash_slots = %d: %d at once, %d cheap queries: median %.1f ms, 95 %% below %.1f ms',
	  $number, $at_once, scalar @times, median(0.5, @times), median(0.95, @times);
	return $at_once;
}

# [C-17] A flood of logins leaves processors to others.
sub limited
{
	sql('DELETE FROM bestauth.login_counter');
	is(under_flood(1), '1', '1 slot: one password is hashed at a time');
	cmp_ok(under_flood(50), '>', 2, '50 slots: without a limit there are many');
	is(sql('SELECT count(*), sum(failed) FROM bestauth.login_counter'), '50|100', 'each was charged, once');
	$node->append_conf('postgresql.conf', "bestauth.hash_slots = 2\nbestauth.hash_cost = 10");
	$node->reload;
	return;
}

# --------------------------------------------------------------------- the shared key

# A person's own session, and a login with a key in it.
sub in_session
{
	my ($person, $key, $password, $times) = @_;
	my $token = sql("SELECT session_token FROM bestauth.login('flood-service', '$person', '$right')");

	return sql(<<END) =~ s/.*\n//sr;
BEGIN;
SELECT person_id IS NOT NULL FROM bestauth.use_session('$token');
@{[ "SELECT outcome FROM bestauth.login('flood', '$key', '$password');" x ($times // 1) ]}
COMMIT;
END
}

# [B-10] Strangers who try the key lock it, and nothing else; a person of the service gets
# in all the same, who is known by their own session.
sub shared_key
{
	my $challenge;
	my $counts = <<'END';
SELECT string_agg(convert_from(substr(subject, 1, 1), 'UTF8') || '|' || failed, ', ' ORDER BY subject)
FROM bestauth.login_counter, bestauth.user_account u JOIN bestauth.company c USING (company_id)
WHERE username = 'key' AND code = 'flood' AND substr(subject, 2, 16) = decode(replace(user_id::text, '-', ''), 'hex')
END

	make_user($_, type => 'restricted', company => 'flood-service') for 'pat', 'pam';
	make_user('ann', type => 'standard', company => 'flood-service');
	make_user($_, type => 'billing', service => 'flood-service') for 'key', 'key2';
	make_user('key', type => 'billing', service => 'flood-service', company => 'flood-other');
	lock_by_guesses('key');
	is(tries(2, 15, login_sql('key', $wrong), 'app'), '30 denied', "$with, strangers try the key");
	is(sql(login_sql('key', $right)), 'denied', "$with: it is locked");
	is(sql(login_sql('key2', $right)), 'second_part_required', "$with: another key of the company is not");
	is(sql(login_sql('key', $right, 'flood-other')), 'second_part_required', "$with: nor is one of another company");
	is(sql(login_sql($_, $right, 'flood-service')), 'authenticated', "$with: nor is $_\'s own account") for 'pat', 'pam';

	is(in_session('pat', 'key', $right), 'second_part_required', "$with: pat, in a session, gets in");
	is(in_session('ann', 'key', $right), 'denied', "$with: who can't be a second part does not");
	is(in_session('pat', 'key', $wrong, 5), 'denied', "$with: pat's wrong guesses are counted");
	age_locks();
	is(in_session('pat', 'key', $right), 'denied', "$with: and lock pat out, at the same number");
	is(in_session('pam', 'key', $right), 'second_part_required', "$with: but not pam");
	is(sql(login_sql('pat', $right, 'flood-service')), 'authenticated', "$with: nor pat's own account");
	is(sql($counts), 'p|5, u|5', "$with: there are two counts for the key");
	sql("SELECT bestauth.unlock_user('key', company => 'flood')");
	is(sql($counts), '', "$with: unlock_user clears all of them");
	is(sql(login_sql('key', $right)), 'second_part_required', "$with: the key is open");
	is(in_session('pat', 'key', $right), 'second_part_required', "$with: to pat as well");

	# The other way round.
	$challenge = sql("SELECT challenge_token FROM bestauth.login('flood', 'key', '$right')");
	is(sql("SELECT outcome FROM bestauth.login_second_part('$challenge', 'pam', '$wrong')"), 'denied', "$with, pam's part two: denied")
	  for 1 .. 5;
	age_locks();
	is(sql(login_sql('pam', $right, 'flood-service')), 'denied', "$with: pam's account is locked");
	is(sql("SELECT outcome FROM bestauth.login_second_part('$challenge', 'pat', '$right')"), 'denied', "$with: so is that challenge");
	is(sql(login_sql('key', $right, $_)), 'second_part_required', "$with: the key of $_ is not") for 'flood', 'flood-other';
	$challenge = sql("SELECT challenge_token FROM bestauth.login('flood', 'key', '$right')");
	is(sql("SELECT outcome FROM bestauth.login_second_part('$challenge', 'pat', '$right')"), 'authenticated', "$with: and pat gets in");
	return;
}

# --------------------------------------------------------------- who exists, by the clock

# Logins that are denied, each for another reason: name and password.
my %kinds = (
	known => [ 'flood', 'known', $wrong ],
	unknown => [ 'flood', 'nobody', $wrong ],
	nowhere => [ 'nowhere', 'nobody', $wrong ],
	'in no portal' => [ 'flood', 'known', $wrong, 'portal' ],
	guessed => [ 'flood', 'guessed', $right ],
	locked => [ 'flood', 'locked', $right ],
	deleted => [ 'flood', 'deleted', $right ],
	unset => [ 'flood', 'unset', $wrong ],
	key => [ 'flood', 'stale', $wrong ],
	unregistered => [ 'flood', 'stale', $right ]);

sub kind_sql
{
	my ($company, $name, $password, $portal) = @{ $kinds{ $_[0] } };

	return "SELECT * FROM bestauth.login('$company', '$name', '$password'" . ($portal ? ", '$portal')" : ')');
}

# [B-11] Whatever the reason, the answer is the same, and it takes as long.
sub same
{
	my $rounds = 15;
	my @timed = ('known', 'unknown', 'guessed', 'locked', 'deleted', 'unset', 'unregistered');
	my ($client, %answers, %times, $cost, $base);

	make_user($_, unset => $_ eq 'unset') for 'known', 'guessed', 'locked', 'deleted', 'unset';
	make_user('stale', type => 'billing', service => 'flood-gone');
	sql(<<'END');
SELECT bestauth.lock_user('locked', company => 'flood'), bestauth.delete_user('deleted', company => 'flood'),
	bestauth.unregister_billing_service('flood-gone')
END
	lock_by_guesses('guessed');
	$client = client('app');
	$client->query("\\a\n\\t\n\\x");
	for my $kind (sort keys %kinds)
	{
		my ($out, $err) = $client->query(kind_sql($kind) . ';');
		$answers{"$out$err"} .= " $kind";
	}
	$client->quit;
	is(scalar keys %answers, 1, "$with: each reason has the same answer") or diag explain \%answers;
	like((keys %answers)[0], qr/RECORD 1.*outcome +\| denied/s, "$with: one row, denied");
	unlike((keys %answers)[0], qr/RECORD 2|ERROR|WARNING|NOTICE|\| *[^\s|d]/, "$with: and nothing else") or diag %answers;

	# In turn, so that whatever else the machine does is shared by all; and each count begins
	# anew, but for who is locked.
	$client = client();
	$client->query("CREATE TEMP TABLE times (kind text, cost text, ms float8);");
	for (1 .. $rounds)
	{
		$client->query("DELETE FROM bestauth.login_counter WHERE locked_until IS NULL;");
		$client->query(<<END) for map { my $kind = $_; map { [ $kind, $_ ] } $kind eq 'unknown' ? (10, 11) : (10) } @timed;
SET bestauth.hash_cost = $_->[1];
SELECT clock_timestamp() AS started \\gset
@{[ kind_sql($_->[0]) ]} \\g /dev/null
INSERT INTO times SELECT '$_->[0]', '$_->[1]', 1000 * extract(epoch FROM clock_timestamp() - :'started');
END
	}
	%times = map { split /\|/ } split /\n/, $client->query(<<'END');
SELECT kind || ' ' || cost, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FROM times GROUP BY 1;
END
	$client->quit;
	note sprintf '%s: %s, median of %d: %.1f ms', $with, $_, $rounds, $times{$_} for sort keys %times;
	$base = $times{'known 10'};
	for my $kind (grep { $_ ne 'known' } @timed)
	{
		my $ratio = $times{"$kind 10"} / $base;
		ok($ratio > 0.75 && $ratio < 1.33, "$with: $kind takes as long as known") or diag $ratio;
	}
	cmp_ok($times{'unknown 11'}, '>', 1.4 * $times{'unknown 10'}, "$with: a name that nobody has is hashed at the cost that is set");
	return;
}

for my $preload (1, 0)
{
	$with = $preload ? 'preloaded' : 'not preloaded';
	$node = start_node($preload ? 'preloaded' : 'plain', preload => $preload, conf => <<END);
max_connections = 80
bestauth.hash_slots = 2
bestauth.hash_timeout = 10min
bestauth.writer_timeout = 60s
bestauth.lockout_threshold = 5
END
	make_instance($node, 'postgres');
	sql(<<'SQL');
CREATE ROLE app LOGIN;
SELECT bestauth.grant_access('app', 'application');
SELECT bestauth.create_company('flood', 'Flood'), bestauth.create_company('flood-other', 'Other'),
	bestauth.create_company('flood-service', 'Service'), bestauth.create_company('flood-gone', 'Gone');
SELECT bestauth.register_billing_service('flood-service'), bestauth.register_billing_service('flood-gone');
CREATE FUNCTION public.tries(statement text, times integer) RETURNS TABLE (n bigint, answer text) LANGUAGE plpgsql AS $$
DECLARE
	answers text[] := '{}';
	answer text;
BEGIN
	FOR i IN 1 .. times LOOP
		BEGIN
			EXECUTE statement INTO answer;
		EXCEPTION WHEN OTHERS THEN
			answer := SQLSTATE;
		END;
		answers := answers || answer;
	END LOOP;
	RETURN QUERY SELECT count(*), a FROM unnest(answers) a GROUP BY a;
END
$$;
SQL
	tokens();
	names();
	locked() if $preload;
	swept();
	shared_key();
	same();
	limited() if $preload;
	$node->append_conf('postgresql.conf', 'bestauth.hash_slots = 1');
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('bestauth.hash_slots') = '1'");
	waiting();
	$node->stop;
}

done_testing();
