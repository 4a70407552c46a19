# Everything that goes by the clock, to the microsecond, on servers whose clock is moved
# under them: sessions, tokens, temporary passwords, locks, audit rows and partitions.
#
# Not in pg_regress: it takes a server with a clock of its own, connections that are kept
# while it moves, and all of it with and without the library preloaded.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use ClockTest;
use FakeClock;
use Test::More;

my $threshold = 3;

# ------------------------------------------------------------------- sessions

# [D-09] The idle limit, 30 minutes after the last use that was written down. A use is
# written down 3 minutes, a tenth of it, after the one before.
sub idle
{
	my $start = $clock->set('2026-10-30 12:00:00');
	my ($one, $other) = (client(), client());
	my %token;
	my $ticks = sub { $clock->after($start, $_[0]) };

	make_user('idle');
	$token{$_} = session_of('idle') for qw(unused early noted late elsewhere reading);
	is(use_in($one, $token{$_}), 'in', "just made, $_: good, nothing is written") for sort keys %token;

	$ticks->('2:59.999999');
	is(use_in($one, $token{early}), 'in', 'used before a tenth of the limit is over: nothing is written');
	is(use_fresh($token{early}), 'in', 'nor by a fresh connection');
	$ticks->('3:00');
	is(use_in($one, $token{noted}), 'in, written', 'used when a tenth is over: written');
	is(use_in($one, $token{noted}), 'in', 'once');
	is(use_fresh($token{noted}), 'in', 'for all connections');
	# A use in READ ONLY is good, writes nothing, and so does not count.
	for my $time ('3:00', '10:00', '20:00')
	{
		$ticks->($time);
		is(both($one, $token{reading}), 'in in', "READ ONLY at $time: good, nothing is written");
	}
	is(sql(<<END), 't', 'last use is as it was at the login');
SELECT last_used_at = created_at FROM bestauth.session JOIN bestauth.session_use USING (session_id)
WHERE token_hash = sha256(convert_to('$token{reading}', 'UTF8'))
END
	$ticks->('29:00');
	is(use_in($other, $token{elsewhere}), 'in, written', 'used in another connection');

	$ticks->('29:59.999999');
	is(both($one, $token{$_}), 'in in', "29:59.999999, $_: good") for 'unused', 'early', 'reading';
	is(use_in($one, $token{late}), 'in, written', 'and the last moment is not too late for a use');
	$ticks->('30:00');
	for my $time ('30:00', '30:01')
	{
		$ticks->($time);
		is(both($one, $token{$_}), '28000 28000', "$time, $_: refused") for 'unused', 'early', 'reading';
	}
	is(both($one, $token{noted}), 'in in', 'one that was used is good');
	is(use_in($one, $token{elsewhere}), 'in', 'so is one that was used elsewhere');
	$ticks->('32:59.999999');
	is(both($one, $token{noted}), 'in in', '29:59.999999 after the use that was written: good');
	$ticks->('33:00');
	is(both($one, $token{noted}), '28000 28000', '30:00 after it: refused');
	$ticks->('59:59.999998');
	is(both($one, $token{late}), 'in in', 'used at the last moment: good for as long again');
	$ticks->('59:59.999999');
	is(both($one, $token{late}), '28000 28000', 'and no longer');
	is(sql(<<'END'), 'the session was not used for too long', 'the audit knows why');
SELECT DISTINCT detail ->> 'reason' FROM bestauth.audit_log WHERE action = 'session.refused' AND username = 'idle'
END
	$_->quit for $one, $other;
	return;
}

# [D-09] The absolute limit, 12 hours, however much it is used. In Berlin the clocks go
# forward meanwhile, so its wall clock shows 13 hours.
sub absolute
{
	my $start = $clock->set('2027-03-27 20:00:00');
	my @clients = (client(), client());
	my ($used, %answers, $token, $expires_at) = (0);

	make_user('busy');
	$_->query("SET TimeZone = 'Europe/Berlin';") for @clients;
	($token, $expires_at) = split / /, ask($clients[0], <<END);
SELECT session_token, round(1e6 * extract(epoch FROM expires_at)) FROM bestauth.login('clock', 'busy', '$right') \\g (tuples_only=on fieldsep=' ')
END
	is($expires_at - $start, FakeClock::span('12:00:00'), 'a session ends after 12 hours, and says so');
	for (my $since = 0; $since < FakeClock::span('12:00:00'); $since += FakeClock::span('29:59'))
	{
		$clock->set($start + $since);
		$answers{ use_in($clients[ $used % 2 ], $token) }++ if $since;
		$used++;
	}
	is_deeply(\%answers, { 'in, written' => $used - 1 }, "used all the time ($used times): good");
	$clock->after($start, '11:59:59.999999');
	is(both($_, $token), 'in in', '11:59:59.999999: good') for @clients;
	for my $time ('12:00:00', '12:00:01')
	{
		$clock->after($start, $time);
		is(both($_, $token), '28000 28000', "$time: refused") for @clients;
	}
	is(sql(<<'END'), 'the session is too old', 'the audit knows why');
SELECT DISTINCT detail ->> 'reason' FROM bestauth.audit_log WHERE action = 'session.refused' AND username = 'busy'
END
	$_->quit for @clients;
	return;
}

# [D-13] Expiry is looked at by use_session: the identity holds to the end of the
# transaction, whose next use_session is refused.
sub long_transaction
{
	my ($mode) = @_;
	my $start = $clock->set('2026-10-30 17:00:00');
	my $client = client();
	my $who = q{SELECT username, bestauth.has_permission('claims') FROM bestauth.user_account WHERE user_id = bestauth.current_user_id();};
	my $token;

	make_user('patient', "password => '$right', permissions => '{claims}', company => 'clock'")
	  unless sql(q{SELECT count(*) FROM bestauth.user_account WHERE username = 'patient'});
	$token = session_of('patient');
	is(ask($client, "BEGIN $mode; SELECT 'in' FROM bestauth.use_session('$token');"), 'in', "$mode: used");
	$clock->after($start, '29:59');
	is(ask($client, "SELECT 'in' FROM bestauth.use_session('$token');"), 'in', "$mode: and again in time");
	$clock->after($start, '13:00:00');
	is(ask($client, $who), 'patient|t', "$mode: after its time the identity holds in the transaction");
	is(ask($client, "SAVEPOINT s; SELECT 'in' FROM bestauth.use_session('$token');"), '28000',
		"$mode: a new use in the same transaction is refused");
	is(ask($client, "ROLLBACK TO s; $who"), 'patient|t', "$mode: the savepoint brings the identity back");
	is(ask($client, "SELECT 'in' FROM bestauth.use_session('$token');"), '28000', "$mode: a use without a savepoint is refused");
	is(ask($client, 'COMMIT;') . ask($client, $who), '', "$mode: after the transaction there is none");
	is(use_in($client, $token), '28000', "$mode: nor in the next");
	$client->quit;
	return;
}

# --------------------------------------------------------------------- tokens

# [E-07] The clock counts, not the beginning of the transaction: a connection that began
# one when all was good is asked again when it is over.
sub expires
{
	my ($what, $start, $lifetime, $call, $good, $over) = @_;
	my ($in_time, $late) = (client(), client());
	my $last = FakeClock::span($lifetime) - 1;

	$clock->set($start + $last);
	is(ask($late, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 'begun' FROM bestauth.company LIMIT 1;"), 'begun',
		"$what: a transaction begins in time");
	is(ask($in_time, $call->('in-time')), $good, "$what: the last microsecond of $lifetime is good");
	$clock->set($start + $last + 1);
	is(ask($late, $call->('late')), $over, "$what: $lifetime is too late, in the transaction that began before");
	is(ask($late, 'SELECT clock_timestamp() - now();'), '00:00:00.000001', "$what: and it did begin before");
	ask($late, 'COMMIT;');
	is(fresh($call->('late')), $over, "$what: and in any other");
	$_->quit for $in_time, $late;
	return;
}

sub minutes
{
	my $start = $clock->set('2026-10-30 15:00:00');
	my $key = "password => '$right', billing_service => 'clock-service', company => 'clock'";
	my (%token, %own);

	make_user('person', "password => '$right', company => 'clock-service'", 'restricted');
	for my $way ('password', 'session')
	{
		make_user("key-$way-$_", $key, 'billing') for 'in-time', 'late';
		$token{"$way-$_"} = challenge_of("key-$way-$_") for 'in-time', 'late';
	}
	$own{$_} = session_of('person', 'clock-service') for 'in-time', 'late';
	expires('second part by password', $start, '5:00',
		sub { "SELECT outcome FROM bestauth.login_second_part('$token{\"password-$_[0]\"}', 'person', '$right');" },
		'authenticated', 'denied');
	is(last_reason('key-password-late'), 'challenge expired', 'the audit knows why');
	expires('second part by session', $start, '5:00',
		sub { "SELECT outcome FROM bestauth.login_second_part_session('$token{\"session-$_[0]\"}', '$own{$_[0]}');" },
		'authenticated', 'denied');
	is(last_reason('key-session-late'), 'challenge expired', 'the audit knows why');

	$clock->set($start);
	for my $name ('in-time', 'late')
	{
		make_user("change-$name");
		$token{$name} = challenge_of("change-$name", sql("SELECT bestauth.reset_password('change-$name', company => 'clock')"));
	}
	expires('forced change', $start, '5:00',
		sub { "SELECT bestauth.set_password('$token{$_[0]}', 'a new password of $_[0]');" }, 'accepted', 'expired');
	is(fresh(login_sql('change-in-time', 'a new password of in-time')), 'authenticated', 'the new password was set');
	is(fresh(login_sql('change-late', 'a new password of late')), 'denied', 'the late one was not');
	return;
}

# A day is 24 hours, also where clocks go back an hour meanwhile. Returns what is to be
# done a day later.
sub day
{
	my $start = $clock->set('2026-10-31 20:00:00');
	my (%token, %password);

	for my $name ('in-time', 'late')
	{
		make_user("link-$name", "company => 'clock'");
		$token{$name} = link_of("link-$name");
		make_user("temporary-$name");
		$password{$name} = sql("SELECT bestauth.reset_password('temporary-$name', company => 'clock')");
	}
	return sub {
		expires('set-up link', $start, '24:00:00',
			sub { "SELECT bestauth.set_password('$token{$_[0]}', 'a new password of $_[0]');" }, 'accepted', 'expired');
		is(fresh(login_sql('link-late', 'a new password of late')), 'denied', 'a late link sets no password');
		expires('temporary password', $start, '24:00:00',
			sub { login_sql("temporary-$_[0]", $password{ $_[0] }) }, 'password_change_required', 'denied');
		is(last_reason('temporary-late'), 'temporary password expired', 'the audit knows why');
	};
}

# ---------------------------------------------------------------------- locks

# Wrong guesses, so many at this moment.
sub guesses
{
	my ($name, $count) = @_;

	is(join(' ', map { fresh(login_sql($name, $wrong)) } 1 .. $count), join(' ', ('denied') x $count),
		"$name: $count wrong");
	return;
}

sub locks
{
	my ($name) = @_;

	return sql("SELECT count(*) FROM bestauth.audit_log WHERE action = 'login.locked_out' AND username = '$name'");
}

# [C-08] A lock lasts lockout_duration, 15 minutes, whatever comes meanwhile; its end, and
# as long a time without a guess, begin a new count.
sub lockout
{
	my $start = $clock->set('2026-10-30 18:00:00');
	my $client = client();
	my @names = qw(locked few again forgotten kept);

	make_user($_) for @names;
	guesses($_, $threshold) for qw(locked few again);
	guesses($_, $threshold - 1) for qw(forgotten kept);
	# right guesses at once wait a little for each other to be cleared
	$clock->after($start, '0:04');
	is(fresh(login_sql($_)), 'denied', "$_: locked, the right password is denied") for qw(locked few again);
	is(last_reason('locked'), 'locked after too many wrong passwords', 'for that reason');
	$clock->after($start, '10:00');
	guesses('locked', 1);
	is(ask($client, 'BEGIN ISOLATION LEVEL REPEATABLE READ; ' . login_sql('locked')), 'denied', '10:00: locked');
	for my $time ('14:59', '14:59.999999')
	{
		$clock->after($start, $time);
		is(fresh(login_sql('locked')), 'denied', "$time: locked");
		is(ask($client, login_sql('locked')), 'denied', "$time: in a transaction that began before too");
	}
	guesses('kept', 1);
	is(locks('kept'), '1', 'a count of 14:59.999999 ago goes on: locked');
	$clock->after($start, '15:00');
	is(ask($client, login_sql('locked')), 'authenticated', '15:00: in, in the transaction that met the lock');
	ask($client, 'COMMIT;');
	guesses('forgotten', $threshold - 1);
	is(fresh(login_sql('forgotten')), 'authenticated', 'a count of 15:00 ago is forgotten');

	$start = $clock->after($start, '15:01');
	is(fresh(login_sql('locked')), 'authenticated', '15:01: in');
	guesses('few', $threshold - 1);
	is(fresh(login_sql('few')), 'authenticated', 'after the lock a new count: one less than the threshold does not lock');
	guesses('again', $threshold);
	is(locks('locked'), '1', 'locked: locked once, though there were guesses');
	is(locks('again'), '2', 'again: as many as the threshold lock again');
	for my $time ('0:04', '14:59.999999')
	{
		$clock->after($start, $time);
		is(fresh(login_sql('again')), 'denied', "again: $time: locked");
	}
	$clock->after($start, '15:00');
	is(fresh(login_sql('again')), 'authenticated', 'again: 15:00: in');
	$client->quit;
	return;
}

# [C-11] Guesses around a moment at which some clock on a wall does strange things, each
# from a session in another zone, come to the same as anywhere else.
sub streak
{
	my ($what, $moment) = @_;
	my $middle = FakeClock::moment($moment);
	my @zones = ('UTC', 'America/New_York', 'Pacific/Kiritimati', 'Pacific/Niue', 'Asia/Kathmandu', 'Australia/Lord_Howe');
	my $turn = 0;
	my $guess = sub {
		my ($time, $name, $password) = @_;

		$clock->after($middle, $time);
		return fresh("SET TimeZone = '$zones[ $turn++ % @zones ]'; " . login_sql($name, $password));
	};
	# one on each side, and never 15 minutes between two
	my @times = ('-14:59', '-0:00.000001', '14:59');

	make_user("$what-$_") for 'few', 'many';
	is($guess->($_, "$what-many", $wrong), 'denied', "$what: wrong at $_") for @times;
	is(locks("$what-many"), '1', "$what: the last locks");
	is($guess->($_, "$what-few", $wrong), 'denied', "$what: wrong at $_") for @times[ 0, 1 ];
	is($guess->($times[2], "$what-few", $right), 'authenticated', "$what: one less does not lock");
	is($guess->('15:30', "$what-many", $right), 'denied', "$what: locked");
	is($guess->('29:58.999999', "$what-many", $right), 'denied', "$what: to the last microsecond of the lock");
	is($guess->('29:59', "$what-many", $right), 'authenticated', "$what: and no longer");
	return;
}

# ---------------------------------------------------------------------- audit

my @zones = ('America/New_York', 'UTC', 'Asia/Kathmandu', 'Pacific/Kiritimati', 'Europe/Berlin');
my $epoch = sub { "round(1e6 * extract(epoch FROM $_[0]))" };

# [J-04] A row has the time of its transaction and the clock's, as instants.
sub audit_times
{
	my $start = $clock->set('2026-10-31 12:00:00');
	my $client = client();
	my $count = 0;
	my %seen;

	is(ask($client, "SET TimeZone = 'Asia/Kathmandu'; BEGIN; SELECT 'begun';"), 'begun', 'a transaction begins');
	for my $minutes (1, 2)
	{
		$clock->after($start, "$minutes:00");
		ask($client, "SELECT bestauth.create_company('clock-$minutes', 'Name');");
	}
	ask($client, 'COMMIT;');
	is(sql(<<END), join("\n", map { "clock-$_|$start|" . ($start + FakeClock::span("$_:00")) } 1, 2), 'each row has the time of its transaction and its own');
SELECT object_id, @{[ $epoch->('transaction_at') ]}, @{[ $epoch->('occurred_at') ]}
FROM bestauth.audit_log WHERE action = 'company.created' AND object_id IN ('clock-1', 'clock-2') ORDER BY audit_id
END
	is(sql(<<'END'), '', 'no column is of a time without a zone');
SELECT a.attrelid::regclass || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0 AND NOT a.attisdropped
	AND a.atttypid IN ('timestamp'::regtype, 'time'::regtype, 'timetz'::regtype)
END
	is(sql(<<'END'), 'timestamp with time zone', 'they are timestamptz');
SELECT DISTINCT format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = 'bestauth.audit_log'::regclass AND attname IN ('occurred_at', 'transaction_at')
END

	# At one moment, in sessions that show it in their own ways: rows of the caller's
	# transaction, rows of the writer's, and times inside old and new values.
	$start = $clock->set('2026-11-01 05:30:00');
	for my $zone (@zones)
	{
		my $name = 'zone-' . ++$count;

		make_user($name);
		fresh("SET TimeZone = '$zone'; SET DateStyle = 'SQL, DMY'; SELECT bestauth.lock_user('$name', company => 'clock'); "
			  . login_sql($name, $wrong));
	}
	is(sql(<<END), join("\n", map { "$_|$count|$start|$start" } qw(login.denied user.locked)), 'it is one instant for all');
SELECT action, count(*), @{[ $epoch->('min(least(occurred_at, transaction_at))') ]}, @{[ $epoch->('max(greatest(occurred_at, transaction_at))') ]}
FROM bestauth.audit_log
WHERE coalesce(username, object_id) LIKE 'zone-%' AND action IN ('login.denied', 'user.locked')
GROUP BY action ORDER BY action
END
	is(sql(<<END), "$count|$start|$start", 'inside new values too');
SELECT count(*), @{[ $epoch->('min(t)') ]}, @{[ $epoch->('max(t)') ]}
FROM bestauth.audit_log, LATERAL (SELECT (new_values ->> 'locked_at')::timestamptz) v (t)
WHERE action = 'row.updated' AND object_type = 'bestauth.user_account' AND t IS NOT NULL
	AND occurred_at = '2026-11-01 05:30:00+00'
END

	# An hour later the wall clock of New York shows the same again.
	$start = $clock->set('2026-11-01 06:30:00');
	fresh(q{SELECT bestauth.create_company('clock-later', 'Name');});
	for my $zone (@zones)
	{
		my $answer = fresh(<<END);
SET TimeZone = '$zone';
SELECT @{[ $epoch->('occurred_at') ]}, occurred_at::text::timestamptz = occurred_at, occurred_at > '2026-11-01 05:30:00+00', count(*) OVER ()
FROM bestauth.audit_report(since => '2026-11-01 06:30:00+00', until => '2026-11-01 06:30:00.000001+00', action => 'company.created');
END
		$seen{$answer}++;
	}
	is_deeply(\%seen, { "$start|t|t|1" => scalar @zones }, 'the report finds it by its instant, in any zone');
	$client->quit;
	return;
}

# The partition in which the newest row of an action lies: its name and its bounds.
sub partition_of
{
	my ($action, $object) = @_;

	return sql(<<END);
SET TimeZone = 'UTC';
SELECT c.relname || ' ' || (pg_get_expr(c.relpartbound, c.oid) = format('FOR VALUES FROM (''%s'') TO (''%s'')',
	date_trunc('month', occurred_at), date_trunc('month', occurred_at) + interval '1 month')),
	EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'guard' AND t.tgenabled = 'A'), c.relrowsecurity
FROM bestauth.audit_log a JOIN pg_class c ON c.oid = a.tableoid
WHERE action = '$action' AND object_id = '$object' ORDER BY audit_id DESC LIMIT 1
END
}

sub partitions
{
	return sql(q{SELECT count(*) FROM pg_inherits WHERE inhparent = 'bestauth.audit_log'::regclass});
}

# [J-04] Months are those of UTC; one that begins while the server runs has its place.
sub month_end
{
	my $client = client();
	my $before = partitions();
	my $over = FakeClock::moment('2026-11-01 00:00:00');

	$clock->set($over - 1);
	is(ask($client, q{BEGIN; SELECT 1 WHERE bestauth.create_company('clock-october', 'Name') IS NOT NULL;}), '1', 'a row in the last microsecond of a month');
	$clock->set($over);
	is(ask($client, q{SELECT 1 WHERE bestauth.create_company('clock-november', 'Name') IS NOT NULL; COMMIT;}), '1', 'and one of the next month in the same transaction');
	is(partition_of('company.created', 'clock-october'), 'audit_log_y2026m10 true|t|t', 'each in its month');
	is(partition_of('company.created', 'clock-november'), 'audit_log_y2026m11 true|t|t', 'and the next in the next');
	is(partitions(), $before, 'which was there already');
	$client->quit;
	return;
}

# A month for which nobody made a partition: the first row makes it, whoever writes it.
sub months_ahead
{
	my $before = partitions();
	my $reader = client();
	my ($one, $other) = (client(), client());

	make_user('late-guest');
	is(ask($reader, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 'read' FROM bestauth.audit_log LIMIT 1;"), 'read',
		'a transaction that has read the log');
	# a refusal, written outside the transaction
	$clock->set('2028-01-15 12:00:00');
	is(fresh(login_sql('late-guest', $wrong)), 'denied', '14 months ahead: a guess is denied');
	is(partition_of('login.denied', 'late-guest'), 'audit_log_y2028m01 true|t|t', 'its row has made its month');
	# what stays when it is undone
	$clock->set('2028-02-29 23:59:59');
	is(ask($one, q{BEGIN; SELECT 1 WHERE bestauth.create_company('clock-undone', 'Name') IS NOT NULL;}), '1', 'a month further: a row of a transaction');
	is(ask($other, q{SELECT 1 WHERE bestauth.create_company('clock-february', 'Name') IS NOT NULL;}), '1', 'which keeps nobody waiting');
	ask($one, 'ROLLBACK;');
	is(partition_of('company.created', 'clock-february'), 'audit_log_y2028m02 true|t|t', 'that month is made');
	is(partitions() - $before, 2, 'months that had no row have none');
	$clock->set('2028-03-01 00:00:00');
	is(ask($reader, q{SELECT 1 WHERE bestauth.create_company('clock-march', 'Name') IS NOT NULL; COMMIT;}), '1', 'the one that has read writes, in another month');
	is(partition_of('company.created', 'clock-march'), 'audit_log_y2028m03 true|t|t', 'that month is made');
	is(sqlstate($node, 'postgres', 'DELETE FROM bestauth.audit_log_y2028m03'), '23514', 'and guarded')
	  or note sqlstate($node, 'postgres', 'DELETE FROM bestauth.audit_log');
	$_->quit for $reader, $one, $other;
	return;
}

# ----------------------------------------------------------------------- back

# [O-11] The clock goes back: nothing that was used, ended or locked comes back with it.
sub set_back
{
	my $start = $clock->set('2028-06-15 12:00:00');
	my $key = "password => '$right', billing_service => 'clock-service', company => 'clock'";
	my ($client, %token, $pid, $state);

	make_user('returning');
	make_user('back', "company => 'clock'");
	make_user('back-key', $key, 'billing');
	make_user('back-person', "password => '$right', company => 'clock-service'", 'restricted');
	make_user($_) for 'counted', 'shut';
	$token{$_} = session_of('returning') for 'open', 'ended';
	$token{link} = link_of('back');
	$token{challenge} = challenge_of('back-key');
	$token{own} = session_of('back-person', 'clock-service');
	my $second = "SELECT outcome FROM bestauth.login_second_part_session('$token{challenge}', '$token{own}');";
	my $link = "SELECT bestauth.set_password('$token{link}', '$right');";
	$client = client();
	is(use_in($client, $token{$_}), 'in', "before: the session $_ is good") for 'open', 'ended';
	is(fresh("SELECT bestauth.logout('$token{ended}');"), '', 'one is ended');
	is(fresh($link), 'accepted', 'a link is used');
	is(fresh($second), 'authenticated', 'a challenge is used');
	guesses('counted', $threshold - 1);
	guesses('shut', $threshold);
	$clock->after($start, '10:00');
	is(fresh(login_sql('shut')), 'denied', 'shut: locked');

	for my $time ('-50:00', '-9600:00:00')
	{
		my $when = $clock->after($start, $time);

		is(both($client, $token{open}), 'in in', "back at $time: the open session is good");
		is(both($client, $token{ended}), '28000 28000', "back at $time: the ended one is not");
		is(fresh($link), 'invalid', "back at $time: the used link is not");
		is(fresh($second), 'denied', "back at $time: the used challenge is not");
		is(fresh(login_sql('back')), 'authenticated', "back at $time: logins work");
		is(fresh("SELECT 1 WHERE bestauth.create_company('clock-$when', 'Name') IS NOT NULL;"), '1', "back at $time: the audit takes a row");
	}
	$clock->after($start, '-50:00');
	guesses('counted', 1);
	is(locks('counted'), '1', 'the count goes on: one more locks');

	# It must not wait until the clock is where it was.
	$clock->run;
	$client->query(q{SELECT 'ready';});
	$pid = $client->query('SELECT pg_backend_pid();');
	$client->send_sql(login_sql('shut'));
	for (1 .. 300)
	{
		select undef, undef, undef, 0.1;
		$client->{run}->pump_nb;
		last if $client->{out} =~ /denied|authenticated/;
	}
	is($client->{out}, "denied\n", 'a lock of before stays one, and is answered at once') or sql("SELECT pg_cancel_backend($pid)");
	$client->quit;
	return;
}

# -------------------------------------------------------------------- the test

for my $preload (0, 1)
{
	note $preload ? 'preloaded' : 'not preloaded';
	start_server($preload ? 'preloaded' : 'plain', '2026-10-30 11:00:00', preload => $preload, conf => <<END);
timezone = 'America/New_York'
autovacuum = off
bestauth.lockout_threshold = $threshold
END
	is(sql('SELECT clock_timestamp()'), '2026-10-30 07:00:00-04', 'the server has the clock of the test');
	# what the writer has no part in is shown once
	if (!$preload)
	{
		idle();
		minutes();
		long_transaction($_) for 'READ WRITE', 'ISOLATION LEVEL REPEATABLE READ';
	}
	lockout();
	streak('midnight', '2026-10-31 00:00:00');
	if (!$preload)
	{
		my $next_day = day();

		month_end();
		streak('midnight-there', '2026-11-01 04:00:00');
		audit_times();
		streak('back', '2026-11-01 06:00:00');
		$next_day->();
		streak('forward', '2027-03-14 07:00:00');
		absolute();
	}
	months_ahead();
	set_back();
	$node->stop;
}

done_testing();
