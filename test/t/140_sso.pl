# Single sign-on across databases: ACME's people in one cluster, Good Therapy in another, and
# nothing that both know but the text of a public key.
#
# Not in pg_regress: it takes two clusters, and connections beside each other.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use PostgreSQL::Test::Utils;
use SsoTest;
use Test::More;
use Time::HiRes 'usleep';

my ($home) = start_home('home');
my $public_key = $home->safe_psql('postgres', q{SELECT bestauth.create_sso_key('acme')});
my $endpoint = start_endpoint('endpoint', $public_key);
my $at_home = connect_to($home->connstr('postgres'));
my $there = connect_to($endpoint->connstr('postgres'));
my $joan = own_session($at_home, 'joan');

# What becomes of a session's use.
sub used
{
	my ($client, $session) = @_;

	return raised($client, "BEGIN; SELECT session_id FROM bestauth.use_session('$session'); COMMIT;");
}

# Both parts of a login, and what came of it.
sub enter
{
	my ($client, $company, $key) = @_;
	my $challenge = first_part($client, $company, $key);

	return sso($client, $challenge, issue($at_home, $joan, $challenge->{audience}, $challenge->{challenge_id}));
}

# ---------------------------------------------------------------------- the story

# [TPB-5] [TPB-6] By an assertion of her own instance Joan is the second part of Good Therapy's key;
# all that she does names key, person and service.
sub story
{
	my $challenge = first_part($there);
	my ($assertion, $login, $audit, $session);

	is($challenge->{outcome}, 'second_part_required', 'part one asks for the second');
	is($challenge->{audience}, 'endpoint/goodtherapy', 'and says for whom an assertion has to be');
	$assertion = issue($at_home, $joan, $challenge->{audience}, $challenge->{challenge_id});
	like($assertion, qr/^ey[\w-]+\.ey[\w-]+\.[\w-]{86}$/, 'her own instance vouches for her');
	$login = sso($there, $challenge, $assertion);
	is($login->{outcome}, 'authenticated', 'and she is in');
	$session = row($there, "SELECT expires_at - created_at > '14 minutes' AND expires_at - created_at < '16 minutes' AS short, session_id FROM bestauth.session");
	is($session->{short}, JSON::PP::true, 'for a quarter of an hour, as it goes');
	is(used($there, $login->{session_token}), $session->{session_id}, 'the session is good');
	$audit = row($there, "SELECT * FROM bestauth.audit_log WHERE action = 'login.succeeded'");
	is_deeply([ @$audit{qw(company_code username person billing_service_code outcome client_addr object_id)} ],
		[ 'goodtherapy', 'acme-claims', 'acme/joan', 'acme', 'success', '192.0.2.7', 'acme/joan' ], 'the login is in the log of the customer');
	is_deeply($audit->{detail}, { issuer => 'acme-home/acme', subject => row($at_home, q{SELECT user_id FROM bestauth.user_account WHERE username = 'joan'})->{user_id}, client_info => 'a browser' },
		'with issuer and subject');
	# what she does
	is($there->query(<<"END"), "t\nf\nacme/joan", 'she has the permissions of the key');
BEGIN;
SELECT FROM bestauth.use_session('$login->{session_token}');
SELECT bestauth.has_permission('claims');
SELECT bestauth.has_permission('eops');
DO \$\$ BEGIN PERFORM bestauth.create_user('newcomer', 'standard', 'New', 'Comer', 'new\@goodtherapy.example'); END \$\$;
SELECT person FROM bestauth.audit_log WHERE action = 'user.created' AND object_id = 'newcomer';
COMMIT;
END
	is($there->query(q{SELECT DISTINCT username, person, billing_service_code, session_id IS NOT NULL FROM bestauth.audit_log WHERE object_id = 'newcomer';}),
		'acme-claims|acme/joan|acme|t', 'every row of what she does names key, person and service');
	is($there->query(q{SELECT username, user_type, first_name, last_name, email IS NULL, (SELECT count(*) FROM bestauth.credential c WHERE c.user_id = u.user_id) FROM bestauth.user_account u WHERE user_type IN ('federated', 'restricted');}),
		'joan|federated|Joan|Biller|t|0', 'here she is known as asserted, and has no password');
	is($at_home->query(q{SELECT username, person, object_type, object_id, detail - 'jti' - 'kid' FROM bestauth.audit_log WHERE action = 'sso.assertion_issued';}),
		qq(joan|joan|audience|endpoint/goodtherapy|{"nonce": "$challenge->{challenge_id}"}), 'her own instance has written down for whom it vouched');
	# once
	is(sso($there, $challenge, $assertion)->{outcome}, 'denied', 'the same again is denied');
	is(last_reason($there), 'challenge used already', 'for the challenge is used');
	$challenge = first_part($there);
	is(sso($there, $challenge, $assertion)->{outcome}, 'denied', 'another challenge is denied too');
	is(last_reason($there), 'assertion is for another challenge', 'for the assertion is not for it');
	is(used($there, $login->{session_token}), $session->{session_id}, 'the session goes on');
	return $login->{session_token};
}

# [TPB-8] From customer to customer, also in another database, without logging in at home again.
sub customers
{
	my ($first) = @_;
	my ($elsewhere, $challenge, $assertion, $second);

	$endpoint->safe_psql('postgres', <<'END');
SELECT bestauth.create_company('oak', 'Oak Clinic');
SELECT bestauth.create_user('acme-oak', 'billing', 'ACME', 'oak', password => 'seven green boats of claims', billing_service => 'acme', company => 'oak');
CREATE DATABASE other;
END
	SsoTest::make_customer($endpoint, 'other', 'other-endpoint', $public_key);
	$elsewhere = connect_to($endpoint->connstr('other'));
	$challenge = first_part($there, 'oak', 'acme-oak');
	is($challenge->{audience}, 'endpoint/oak', 'a second customer is another audience');
	$assertion = issue($at_home, $joan, 'endpoint/goodtherapy', $challenge->{challenge_id});
	is(sso($there, $challenge, $assertion)->{outcome}, 'denied', 'what is for the first one does not open it');
	is(last_reason($there), 'assertion is for another audience', 'for that reason');
	# the session in the first is no second part for the second: it could go on for ever
	$second = row($there, "SELECT * FROM bestauth.login_second_part_session('$challenge->{challenge_token}', '$first')");
	is($second->{outcome}, 'denied', 'a session in the first one is no second part of the second');
	is(last_reason($there), q{the session is not the person's own}, 'for that reason');
	is(enter($there, 'oak', 'acme-oak')->{outcome}, 'authenticated', 'a second customer is entered');
	is(enter($elsewhere)->{outcome}, 'authenticated', 'a third in another database is entered');
	is($there->query(q{SELECT count(*) FROM bestauth.user_account WHERE user_type = 'federated';}), '1', 'Joan is one person here');
	is($at_home->query(q{SELECT count(*) FROM bestauth.audit_log WHERE action = 'login.succeeded';}), '1', 'at home she has logged in once');
	$elsewhere->quit;
	return;
}

# A person is issuer and subject: another name is another name, of the same person.
sub named_anew
{
	my $before = $there->query(q{SELECT user_id FROM bestauth.sso_person;});
	my $session = enter($there)->{session_token};

	$at_home->query(q{SELECT bestauth.update_user('joan', '{"last_name": "Married"}', company => 'acme');});
	is(enter($there)->{outcome}, 'authenticated', 'under another name she enters as before');
	is($there->query(q{SELECT user_id, username, last_name FROM bestauth.user_account WHERE user_type = 'federated';}), "$before|joan|Married",
		'is the same person here, and has that name');
	like(used($there, $session), qr/^[0-9a-f-]{36}$/, 'her other sessions go on');
	return;
}

# ------------------------------------------------------------------------ renewal

# A session of so many seconds, which goes on before it is over; false where the machine was too slow.
sub goes_on
{
	my ($limit) = @_;
	my $other = connect_to($endpoint->connstr('postgres'));
	my ($login, $session, $first, $second, $assertion);

	$there->query("SET bestauth.sso_session_limit = $limit;");
	$login = enter($there);
	$session = row($there, 'SELECT session_id, expires_at FROM bestauth.session ORDER BY created_at DESC LIMIT 1');
	# it is known in another connection as well, which must hear of what comes
	used($other, $login->{session_token});
	$first = renew($there, $login->{session_token}, issue($at_home, $joan, 'endpoint/goodtherapy', $session->{session_id}));
	$there->query('SET bestauth.sso_session_limit = 900;');
	$assertion = issue($at_home, $joan, 'endpoint/goodtherapy', $session->{session_id});
	$second = renew($there, $login->{session_token}, $assertion);
	if ($second->{outcome} eq 'denied' && last_reason($there) eq 'the session is too old')
	{
		$other->quit;
		return;
	}
	is_deeply([ $first->{outcome}, $second->{outcome} ], [ ('authenticated') x 2 ], 'it is renewed, and again');
	ok($session->{expires_at} le $first->{expires_at} && $first->{expires_at} le $second->{expires_at}, 'and lasts no shorter each time');
	is($second->{session_token}, undef, 'under the same token');
	$there->query("SELECT pg_sleep(extract(epoch FROM '$first->{expires_at}'::timestamptz - clock_timestamp()) + 0.2);");
	is(used($other, $login->{session_token}), $session->{session_id}, 'past its first end it is good, also where it was known before');
	is(renew($there, $login->{session_token}, $assertion)->{outcome}, 'denied', 'with the same assertion it is not renewed again');
	is(last_reason($there), 'assertion used already', 'for that reason');
	is(used($there, $login->{session_token}), $session->{session_id}, 'and is what it was then');
	$other->quit;
	return ($login->{session_token}, $session, $assertion);
}

# [TPB-9] A session goes on with another assertion, and without one it is over.
sub renewal
{
	my $limit = 2;
	my ($token, $session, $assertion, $challenge, $answer);

	($token, $session, $assertion) = goes_on($limit *= 2) until $token || $limit > 200;
	is($there->query(qq{SELECT DISTINCT username, person, billing_service_code, detail ->> 'issuer' FROM bestauth.audit_log WHERE action = 'session.renewed' AND session_id = '$session->{session_id}';}),
		'acme-claims|acme/joan|acme|acme-home/acme', 'the renewals are in the log, with key, person and service');
	# of another, for another, or after the end
	$challenge = first_part($there);
	$answer = renew($there, $token, issue($at_home, $joan, 'endpoint/goodtherapy', $challenge->{challenge_id}));
	is($answer->{outcome}, 'denied', 'an assertion for a login renews nothing');
	is(last_reason($there), 'assertion is for another challenge', 'for that reason');
	is(sso($there, $challenge, issue($at_home, $joan, 'endpoint/goodtherapy', $session->{session_id}))->{outcome}, 'denied', 'one for a renewal is no login');
	is(renew($there, 'bas_no_such_session', $assertion)->{outcome}, 'denied', 'an unknown session is not renewed');
	is($there->query(q{SELECT string_agg(DISTINCT action, ' ') FROM bestauth.audit_log WHERE outcome = 'denied' AND detail ->> 'reason' IN ('assertion used already', 'the session is not known');}),
		'session.renewal_denied', 'refusals are in the log');
	return;
}

# An assertion of somebody else of the service does not renew hers.
sub others_renewal
{
	my $session = enter($there)->{session_token};
	my $session_id = used($there, $session);
	my ($jim, $end);

	$at_home->query(q{SELECT bestauth.create_user('jim', 'restricted', 'Jim', 'Biller', 'jim@acme.example', 'seven green boats of jim', company => 'acme');});
	$at_home->query(q{SELECT bestauth.create_user('stan', 'standard', 'Stan', 'Dard', 'stan@acme.example', 'seven green boats of stan', company => 'acme');});
	$end = $there->query("SELECT expires_at FROM bestauth.session WHERE session_id = '$session_id';");
	$jim = own_session($at_home, 'jim');
	is(renew($there, $session, issue($at_home, $jim, 'endpoint/goodtherapy', $session_id))->{outcome}, 'denied', q{somebody else's assertion renews nothing});
	is(last_reason($there), 'assertion is of another person than the session', 'for that reason');
	is($there->query("SELECT expires_at FROM bestauth.session WHERE session_id = '$session_id';"), $end, 'the session is what it was');
	is(issue($at_home, own_session($at_home, 'stan'), 'endpoint/goodtherapy', $session_id), '42501', 'nobody is vouched for but restricted users');
	# a session that rests on a password
	$there->query(q{SELECT bestauth.create_user('local', 'restricted', 'Lo', 'Cal', 'local@acme.example', 'seven green boats of local', company => 'acme');});
	my $own = row($there, "SELECT * FROM bestauth.login_second_part('@{[ first_part($there)->{challenge_token} ]}', 'local', 'seven green boats of local')")->{session_token};
	is(renew($there, $own, issue($at_home, $jim, 'endpoint/goodtherapy', used($there, $own)))->{outcome}, 'denied', 'nor a session that rests on a password');
	is(last_reason($there), 'the session rests on no assertion', 'for that reason');
	return;
}

# No further than sessions go at all.
sub absolute_limit
{
	my ($session, $session_id);

	$there->query('SET bestauth.session_absolute_limit = 600;');
	$session = enter($there)->{session_token};
	$session_id = used($there, $session);
	is($there->query("SELECT expires_at - created_at BETWEEN '9 minutes' AND '11 minutes' FROM bestauth.session WHERE session_id = '$session_id';"), 't', 'a session lasts no longer than any session');
	is(renew($there, $session, issue($at_home, $joan, 'endpoint/goodtherapy', $session_id))->{outcome}, 'authenticated', 'it is renewed');
	is($there->query("SELECT expires_at - created_at BETWEEN '9 minutes' AND '11 minutes' FROM bestauth.session WHERE session_id = '$session_id';"), 't', 'and lasts no longer then');
	$there->query('RESET bestauth.session_absolute_limit;');
	return;
}

# [TPB-9] Who was locked at home gets no further assertion, and is out when the session is over.
sub locked_at_home
{
	my ($session, $session_id, $code);

	$there->query('SET bestauth.sso_session_limit = 2;');
	$session = enter($there)->{session_token};
	$session_id = row($there, 'SELECT session_id FROM bestauth.session ORDER BY created_at DESC LIMIT 1')->{session_id};
	$at_home->query(q{SELECT bestauth.lock_user('joan', company => 'acme');});
	is(issue($at_home, $joan, 'endpoint/goodtherapy', $session_id), '28000', 'locked at home, she is vouched for no more');
	is(row($at_home, q{SELECT * FROM bestauth.login('acme', 'joan', 'seven green boats of joan')})->{outcome}, 'denied', 'and does not log in there');
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		last if ($code = used($there, $session)) eq '28000';
		usleep(100_000);
	}
	is($code, '28000', 'her session at the customer is over');
	is($there->query(qq{SELECT detail ->> 'reason' FROM bestauth.audit_log WHERE action = 'session.refused' AND session_id = '$session_id' LIMIT 1;}), 'the session is too old', 'for it is too old');
	$at_home->query(q{SELECT bestauth.unlock_user('joan', company => 'acme');});
	is(renew($there, $session, issue($at_home, own_session($at_home, 'joan'), 'endpoint/goodtherapy', $session_id))->{outcome}, 'denied', 'what is over is not renewed');
	is(last_reason($there), 'the session is too old', 'for that reason');
	$there->query('SET bestauth.sso_session_limit = 900;');
	$joan = own_session($at_home, 'joan');
	return;
}

# ------------------------------------------------------------------ ends at once

# [TPB-9] What the customer's operator does ends sessions at once; undone, it ends none.
sub at_once
{
	my $kid = from_json($public_key)->{kid};
	my @ways = (
		[ 'the key is locked', q{lock_user('acme-claims', company => 'goodtherapy')}, q{unlock_user('acme-claims', company => 'goodtherapy')} ],
		[ 'the person is locked', q{lock_user('joan', company => 'acme')}, q{unlock_user('joan', company => 'acme')} ],
		[ 'the service is unregistered', q{unregister_billing_service('acme')}, q{register_billing_service('acme')} ],
		[ 'the signing key is distrusted', qq{distrust_sso_key('acme', '$kid')}, "trust_sso_key('acme', '$public_key')" ]);

	for (@ways)
	{
		my ($what, $done, $undone) = @$_;
		my $session = enter($there)->{session_token};
		my $session_id = used($there, $session);

		$there->query("BEGIN; SELECT bestauth.$done; ROLLBACK;");
		is(used($there, $session), $session_id, "$what, and it is rolled back: the session is good");
		is($there->query("SELECT bestauth.$done;"), '', "$what");
		is(used($there, $session), '28000', "$what: the session is over");
		is(renew($there, $session, issue($at_home, $joan, 'endpoint/goodtherapy', $session_id))->{outcome}, 'denied', "$what: it is not renewed");
		my $challenge = first_part($there);
		if ($what =~ /person|signing/)
		{
			is(sso($there, $challenge, issue($at_home, $joan, $challenge->{audience}, $challenge->{challenge_id}))->{outcome}, 'denied', "$what: no login");
			is(last_reason($there), $what =~ /person/ ? 'account locked' : 'key of the assertion is not trusted', "$what: for that reason");
		}
		else
		{
			is($challenge->{outcome}, 'denied', "$what: no first part");
		}
		$there->query("SELECT bestauth.$undone;");
		is(used($there, $session), '28000', "$what, and that is undone: the session stays over");
		is(enter($there)->{outcome}, 'authenticated', "$what, and that is undone: she logs in again");
	}
	return;
}

# [TPB-9] A key that is distrusted while somebody new is on the way in by it.
sub on_the_way
{
	my $other = connect_to($endpoint->connstr('postgres'));
	my $kid = from_json($public_key)->{kid};
	my $challenge = first_part($there);
	my ($assertion, $login);

	$at_home->query(q{SELECT bestauth.create_user('kim', 'restricted', 'Kim', 'New', 'kim@acme.example', 'seven green boats of kim', company => 'acme');});
	$assertion = issue($at_home, own_session($at_home, 'kim'), $challenge->{audience}, $challenge->{challenge_id});
	is($there->query(q{SELECT count(*) FROM bestauth.user_account WHERE username = 'kim';}), '0', 'somebody is not known here yet');
	$there->query(q{BEGIN;});
	$login = sso($there, $challenge, $assertion);
	is($login->{outcome}, 'authenticated', 'a login is on its way');
	$other->send_sql("SELECT bestauth.distrust_sso_key('acme', '$kid');");
	usleep(300_000);
	$there->query('COMMIT;');
	is(($other->answers)[1], '', 'its key is distrusted meanwhile');
	is(used($there, $login->{session_token}), '28000', 'the session is over');
	$there->query("SELECT bestauth.trust_sso_key('acme', '$public_key');");
	$other->quit;
	return;
}

my $first = story();

customers($first);
named_anew();
renewal();
others_renewal();
absolute_limit();
locked_at_home();
at_once();
on_the_way();
$_->quit for $at_home, $there;
$home->stop;
$endpoint->stop;
done_testing();
