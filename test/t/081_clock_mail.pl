# Links in mail, sign-ups and limits of mail go by the clock, to the microsecond, whatever
# the session's time zone and although clocks on walls change meanwhile.
#
# Not in pg_regress: it takes a server with a clock of its own, and connections that are
# kept while it moves.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use ClockTest;
use FakeClock;
use Test::More;

my @zones = ('Asia/Kathmandu', 'Pacific/Chatham', 'Australia/Lord_Howe', 'America/New_York', 'Pacific/Kiritimati', 'Pacific/Niue');
my $turn = 0;

# One call from a session in the next of the zones.
sub somewhere
{
	my ($sql) = @_;

	return fresh("SET TIME ZONE '$zones[ $turn++ % @zones ]'; $sql");
}

# What a mailer gets now for an address: the tokens, or how many there were without.
sub mail_for
{
	my ($email) = @_;

	return sql(<<END);
SELECT token FROM bestauth.claim_mail(1000), LATERAL bestauth.confirm_mail(message_id) c
WHERE recipient = '$email' AND token IS NOT NULL
END
}

# ---------------------------------------------------------------------- links

# The makers of links: each leaves the token for a name.
sub set_up
{
	my ($name) = @_;

	make_user($name, "company => 'clock'");
	return mail_for("$name\@example.org");
}

sub reset_link
{
	my ($name) = @_;

	make_user($name, "password => '$right', permissions => '{my_account}', company => 'clock'");
	sql("SELECT bestauth.request_password_reset('clock', '$name')");
	return mail_for("$name\@example.org");
}

sub new_address
{
	my ($name) = @_;

	make_user($name);
	sql(qq{SELECT bestauth.update_user('$name', '{"email": "$name-new\@example.org"}', 'clock')});
	return mail_for("$name-new\@example.org");
}

sub invited
{
	my ($name) = @_;

	sql(<<END);
SELECT bestauth.create_portal_account(bestauth.create_contact('client', 'Given', 'Name', '$name\@example.org', company => 'clock'),
	'$name\@example.org', company => 'clock')
END
	return mail_for("$name\@example.org");
}

sub to_verify
{
	my ($name) = @_;

	sql("SELECT bestauth.set_password('@{[ invited($name) ]}', '$right')");
	return mail_for("$name\@example.org");
}

sub signed_up
{
	my ($name) = @_;

	sql("SELECT bestauth.register_portal_account('clock', NULL, '$name\@example.org', '$right', 'Given', 'Name')");
	return mail_for("$name\@example.org");
}

# One-click, to the office.
sub registered
{
	my ($name, $role) = @_;

	$role //= 'Portal';
	sql(<<END);
SELECT count(*) FROM bestauth.office, bestauth.send_registration_links('{$name\@example.org}', 'Provider - $role User', office_id)
END
	return mail_for("$name\@example.org");
}

my $peek_password = sub { "SELECT outcome FROM bestauth.peek_password_link('$_[0]');" };
my $peek = sub { "SELECT bestauth.peek_verification('$_[0]');" };
my $set = sub { "SELECT bestauth.set_password('$_[0]', 'a new password for this one');" };
my $verify = sub { "SELECT bestauth.verify_email('$_[0]');" };
my $peek_invite = sub { "SELECT outcome FROM bestauth.peek_registration('$_[0]');" };
my $accept = sub {
	my $name = 'u' . substr($_[0], 4, 12);

	return "SELECT outcome FROM bestauth.accept_registration('$_[0]', '$name', '$right', 'Given', 'Name');";
};
my $change = sub { "SELECT bestauth.confirm_email_change('$_[0]');" };

# [E-03] [E-07] A link is good until its time is over, to the microsecond, and no longer:
# not even in a transaction that began before.
sub lasts
{
	my ($what, $start, $lifetime, $make, $look, $use) = @_;
	my $end = $start + FakeClock::span($lifetime);
	my ($keen, $late) = (client(), client());
	my %token;

	$clock->set($start);
	$token{$_} = $make->("$what-$_") for 'second', 'last', 'late', 'keen', 'over';
	$clock->set($end - 1_000_000);
	is(ask($late, "SET TIME ZONE 'Asia/Kathmandu'; BEGIN; SELECT 'begun' FROM bestauth.company LIMIT 1;"), 'begun',
		"$what: a second before the end a transaction begins");
	is(ask($keen, "SET TIME ZONE 'Pacific/Chatham'; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 'begun' FROM bestauth.company LIMIT 1;"),
		'begun', "$what: and another");
	if ($look)
	{
		is(somewhere($look->($token{$_})), 'valid', "$what: then the link is good: $_") for sort keys %token;
		is(ask($late, $look->($token{late})), 'valid', "$what: in that transaction too");
	}
	is(somewhere($use->($token{second})), 'accepted', "$what: a second before it is used");
	$clock->set($end - 1);
	is(somewhere($look->($token{last})), 'valid', "$what: good in the last microsecond") if $look;
	is(somewhere($use->($token{last})), 'accepted', "$what: and used then");
	for my $after (0, 1_000_000)
	{
		my $when = "$what: " . $after / 1_000_000 . ' s after the end';

		$clock->set($end + $after);
		# each with a link of its own: a refusal may hold on to the user's row
		for ([ $late, 'late' ], [ $keen, 'keen' ])
		{
			my ($client, $mine) = @$_;

			is(ask($client, q{SELECT clock_timestamp() - now() > interval '0';}), 't', "$when, in a transaction of before");
			is(ask($client, $look->($token{$mine})), 'expired', 'the link is over') if $look;
			is(ask($client, $use->($token{$mine})), 'expired', 'and refused');
		}
		is(somewhere($look->($token{over})), 'expired', "$when: over in any other") if $look;
		is(somewhere($use->($token{over})), 'expired', "$when: and refused");
		is(somewhere($use->($token{last})), 'invalid', "$when: a used one is invalid");
	}
	for my $client ($late, $keen)
	{
		is(ask($client, 'COMMIT;'), '', "$what: nothing stands in the way of the commit");
		$client->quit;
	}
	is(somewhere($use->($token{late})), 'expired', "$what: and it stays refused");
	return;
}

# [G-11] A user's own address is changed in a session whose login is five minutes old at
# most; other fields, and the addresses of others, in any.
sub fresh_login
{
	my $start = $clock->set('2026-11-04 05:30:00');
	my $own = q{SELECT 'done' WHERE bestauth.update_user('owner', '{"email": "owner2@example.org"}') IS NOT NULL;};
	my $edit = sub { somewhere("BEGIN; SELECT FROM bestauth.use_session('$_[0]'); $_[1] COMMIT;") };
	my $token;

	make_user('owner', "password => '$right', permissions => '{manage_users}', company => 'clock'");
	make_user('other');
	$token = session_of('owner');
	$clock->after($start, '4:59.999999');
	is($edit->($token, $own), 'done', 'the own address, in the last microsecond of five minutes after the login');
	$clock->after($start, '5:00.000001');
	is($edit->($token, $own), '42501', 'not later');
	is($edit->($token, $own =~ s/"email": "owner2/"title": "Dr/r), 'done', 'another field');
	is($edit->($token, $own =~ s/'owner'/'other'/r), 'done', 'or the address of another user');
	is($edit->(session_of('owner'), $own), 'done', 'after a new login it is changed');
	return;
}

# ------------------------------------------------------------------- sign-ups

sub resend
{
	my ($email) = @_;

	return somewhere("SELECT bestauth.resend_verification('clock', NULL, '$email');");
}

sub last_request
{
	return sql(q{SELECT outcome FROM bestauth.audit_log WHERE action = 'verification.requested' ORDER BY audit_id DESC LIMIT 1});
}

# [E-03] A sign-up lasts as long as a set-up link; over, it is sent nothing more, and the
# answer is the same.
sub sign_up_ends
{
	my $start = $clock->set('2027-03-13 20:00:00');
	my $token = signed_up('ending');

	$clock->after($start, '30:00');
	is(somewhere($verify->($token)), 'expired', 'the link of a sign-up is over');
	$clock->after($start, '23:59:59.999999');
	is(resend('ending@example.org'), 'verification_sent', 'in the last microsecond of a day it is asked for again');
	is(last_request(), 'success', 'and sent');
	isnt(mail_for('ending@example.org'), '', 'a link');
	$clock->after($start, '24:00:00');
	is(resend('ending@example.org'), 'verification_sent', 'a day is over: the same answer');
	is(last_request(), 'denied', 'nothing is sent');
	is(mail_for('ending@example.org'), '', 'nothing at all');

	# what waits that long is not sent either
	$start = $clock->after($start, '25:00:00');
	sql("SELECT bestauth.register_portal_account('clock', NULL, 'waiting\@example.org', '$right', 'Given', 'Name')");
	$clock->after($start, '24:00:00');
	is(mail_for('waiting@example.org'), '', 'mail of a sign-up that is over is not sent');
	is(sql(q{SELECT count(*) FROM bestauth.outbox WHERE recipient = 'waiting@example.org' AND cancelled_at IS NOT NULL}), '1', 'it is called off');
	$clock->after($start, '24:00:01');
	$token = signed_up('waiting');
	is(somewhere($verify->($token)), 'accepted', 'who signs up again gets an account');
	return;
}

# --------------------------------------------------------------------- invites

sub status_of
{
	my ($name) = @_;

	return sql("SELECT string_agg(concat_ws(' ', status, reason), ', ' ORDER BY created_at) FROM bestauth.registration WHERE email = '$name\@example.org'");
}

# [E-03] [PRV-2] The time of an invite begins when it is sent, not when its mail goes out; when it is
# over it is set so, and stays so. What is being accepted is left alone.
sub invite_ends
{
	my $start = $clock->set('2027-03-20 20:00:00');
	my $expire = 'SELECT bestauth.expire_registrations();';
	my ($slow, $undone) = (client(), client());
	my $token;
	my %token;

	sql($expire);
	sql(q{SELECT count(*) FROM bestauth.office, bestauth.send_registration_links('{slow@example.org}', 'Provider - Portal User', office_id)});
	# of two roles: who accepts holds the role
	$token{$_} = registered($_, $_ eq 'undone' ? 'Clerical' : undef) for 'accepted', 'undone', 'put-back';
	$clock->after($start, '23:00:00');
	$token = mail_for('slow@example.org');
	$clock->after($start, '23:59:59.999999');
	is(somewhere($peek_invite->($token)), 'valid', 'an invite whose mail was late: good in the last microsecond of its day');
	is(somewhere($expire), '0', 'nothing is over');
	for ([ $slow, 'accepted' ], [ $undone, 'undone' ])
	{
		my ($client, $name) = @$_;

		is(ask($client, "BEGIN; @{[ $accept->($token{$name}) ]}"), 'accepted', "in the last microsecond: $name");
	}
	$clock->after($start, '24:00:00');
	is(somewhere($peek_invite->($token)), 'expired', 'a day after it was sent it is over');
	is(somewhere($accept->($token)), 'expired', 'and refused');
	is(somewhere($expire), '2', 'all are set to be so but what is being accepted');
	is(ask($slow, 'COMMIT;') . ask($undone, 'ROLLBACK;'), '', 'one is accepted, one undone');
	is(somewhere($expire), '1', 'that one is over too');
	is(status_of($_->[0]), $_->[1], "$_->[0]: $_->[1]")
	  for [ 'slow', 'INVALIDATED expired' ], [ 'accepted', 'EMAIL-SUCCESS' ], [ 'undone', 'INVALIDATED expired' ], [ 'put-back', 'INVALIDATED expired' ];
	$clock->after($start, '23:00:00');
	is(somewhere($peek_invite->($token{'put-back'})), 'expired', 'it stays so when the clock is put back');
	is(somewhere($accept->($token{'put-back'})), 'expired', 'and refused');
	$_->quit for $slow, $undone;

	# what waits that long is not sent
	$start = $clock->after($start, '48:00:00');
	sql(q{SELECT count(*) FROM bestauth.office, bestauth.send_registration_links('{late@example.org}', 'Provider - Portal User', office_id)});
	$clock->after($start, '24:00:00');
	is(mail_for('late@example.org'), '', 'mail of an invite that is over is not sent');
	is(sql(q{SELECT count(*) FROM bestauth.outbox WHERE recipient = 'late@example.org' AND cancelled_at IS NOT NULL}), '1', 'it is called off');
	return;
}

# --------------------------------------------------------------------- limits

# Three an hour are sent of what an account waits for.
sub resends
{
	my $start = $clock->set('2026-11-01 05:30:00');
	my $email = 'again@example.org';

	to_verify('again');
	for my $minute (1, 2)
	{
		$clock->after($start, "$minute:00");
		resend($email);
		is(last_request(), 'success', "$minute minutes after the first: one more");
		isnt(mail_for($email), '', 'sent');
	}
	for my $time ('3:00', '59:59.999999')
	{
		$clock->after($start, $time);
		is(resend($email), 'verification_sent', "$time: a fourth is answered");
		is(last_request(), 'denied', "$time: and not sent");
	}
	$clock->after($start, '1:00:00');
	resend($email);
	is(last_request(), 'success', 'an hour after the first it is');
	isnt(mail_for($email), '', 'sent');
	resend($email);
	is(last_request(), 'denied', 'one');
	return;
}

# An address gets bestauth.mail_hourly_limit messages an hour; the others wait.
sub hourly
{
	my $start = $clock->set('2026-11-02 05:30:00');
	my $count = sub { scalar(split /\n/, mail_for("$_[0]\@example.org")) };

	for my $to ('early', 'exact')
	{
		sql("SELECT bestauth.create_user('$to-' || n, 'standard', 'Given', 'Name', '$to\@example.org', company => 'clock') FROM generate_series(1, 8) n");
	}
	is(sql(q{SELECT string_agg(recipient, ' ' ORDER BY recipient) FROM bestauth.claim_mail(1000), LATERAL bestauth.confirm_mail(message_id) c}),
		join(' ', map { ("$_\@example.org") x 6 } 'early', 'exact'), 'each address gets six');
	# asked for again every five minutes
	sql(q{UPDATE bestauth.outbox SET due_at = due_at + interval '55 minutes' WHERE recipient = 'exact@example.org' AND sent_at IS NULL});
	$clock->after($start, '30:00');
	is($count->('early'), 0, 'after half an hour none');
	$clock->after($start, '59:59.999999');
	is($count->('early'), 0, 'nor in the last microsecond of the hour');
	$clock->after($start, '1:00:00');
	is($count->('exact'), 2, 'an hour later the others go out');
	$clock->after($start, '1:04:59.999999');
	is($count->('early'), 2, 'and those that were looked at too early five minutes after that');
	return;
}

# A claim is over with its lease.
sub lease
{
	my $start = $clock->set('2026-11-03 05:30:00');
	my $claim = sub { somewhere(q{SELECT count(*), max(attempts) FROM bestauth.claim_mail(1000, '5 minutes') WHERE recipient = 'leased@example.org';}) };

	make_user('leased', "company => 'clock'");
	is($claim->(), '1|1', 'claimed');
	$clock->after($start, '4:59.999999');
	is($claim->(), '0|', 'not again while the lease lasts');
	$clock->after($start, '5:00');
	is($claim->(), '1|2', 'again when it is over');
	$clock->after($start, '30:00');
	is(mail_for('leased@example.org') ne '', 1, 'and again');
	return;
}

# -------------------------------------------------------------------- the test

start_server('mail', '2026-10-30 11:00:00', conf => <<'END');
timezone = 'America/New_York'
autovacuum = off
bestauth.mail_hourly_limit = 6
END
sql(q{SELECT bestauth.create_portal('clock', 'clients', 'client', 'Clients', 'https://clients.example'), bestauth.create_portal('clock', 'docs', 'provider', 'Doctors', 'https://docs.example')});
sql(q{SELECT bestauth.create_office('clock', '11-1111111', 'Office')});

# In the middle of these minutes New York's clocks go back, in these of a day forward.
my $back = FakeClock::moment('2026-11-01 05:45:00');
my $forward = FakeClock::moment('2027-03-13 20:00:00');

lasts('verification', $back, '30:00', \&to_verify, $peek, $verify);
lasts('sign-up', $back, '30:00', \&signed_up, $peek, $verify);
lasts('new-address', $back, '30:00', \&new_address, undef, $change);
lasts('set-up', $forward, '24:00:00', \&set_up, $peek_password, $set);
lasts('invitation', $forward, '24:00:00', \&invited, $peek_password, $set);
lasts('reset', $forward, '24:00:00', \&reset_link, $peek_password, $set);
lasts('invite', $back, '24:00:00', \&registered, $peek_invite, $accept);
fresh_login();
resends();
hourly();
lease();
sign_up_ends();
invite_ends();

$node->stop;
done_testing();
