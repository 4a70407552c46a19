# What makes an assertion no good [B-08]: each is denied, with one row in the audit that tells why,
# and without the token.
#
# Not in pg_regress: it takes another program, and connections beside each other.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use IO::Socket::INET;
use PostgreSQL::Test::Utils;
use SsoTest;
use Test::More;
use Time::HiRes 'time';

my $missing = sso_missing();

plan(skip_all => $missing) if $missing;

my $node = start_node('claims', conf => 'bestauth.lockout_threshold = 100');
my $tool = tokens_start();
my %key = map { $_ => $tool->key($_, $_ eq 'idp' ? 'RSA' : 'P-256', kid => $_, alg => $_ eq 'idp' ? 'RS256' : 'ES256', iss => "$_/acme") } qw(home bolt wrong idp);
my $ids = 0;

SsoTest::make_customer($node, 'postgres', 'endpoint', json($key{home}{jwk}));

my $client = connect_to($node->connstr('postgres'));

$client->query(<<"END");
SELECT bestauth.create_company('bolt', 'Bolt Billing');
SELECT bestauth.register_billing_service('bolt', '@{[ json($key{bolt}{jwk}) ]}');
SELECT bestauth.trust_sso_key('acme', '@{[ json($key{idp}{jwk}) ]}', 'https://idp.example', '{"audience": "client-77", "user_type": "groups", "restricted": "billers"}');
END

my %header = (alg => 'ES256', kid => 'home', typ => 'sso-assertion+jwt');

# The claims of a good assertion, changed: undef takes one out.
sub claims
{
	my (%changed) = @_;
	my $now = int time;
	my %claims = (
		iss => 'home/acme',
		sub => 'subject-1',
		aud => 'endpoint/goodtherapy',
		nonce => challenge($client)->{challenge_id},
		iat => $now,
		exp => $now + 60,
		jti => 'id-' . ++$ids,
		preferred_username => 'joan',
		given_name => 'Joan',
		family_name => 'Biller',
		user_type => 'restricted',
		%changed);

	delete @claims{ grep { !defined $claims{$_} } keys %claims };
	return \%claims;
}

# A token of such claims, with a header changed as well.
sub token
{
	my ($claims, $header, $key, $alg) = @_;
	my %changed = (%header, %{ $header // {} });

	delete @changed{ grep { !defined $changed{$_} } keys %changed };
	return $tool->raw($key // 'home', $alg // 'ES256', \%changed, ref $claims eq 'HASH' ? claims(%$claims) : $claims);
}

# What goes by the clock: once more if it took so long that the clock had its say.
sub in_time
{
	my ($code) = @_;

	for (1 .. 5)
	{
		my $began = time;
		my $result = $code->();

		return $result if time - $began < 4;
	}
	return 'the machine is too slow';
}

# ------------------------------------------------------------------- the signature

# [B-08] Nothing but the key's own algorithm, by the key itself.
sub signature
{
	my ($jwk, $pem) = ($key{home}{jwk}, $key{home}{pem});
	my $stored = $client->query(q{SELECT public_key FROM bestauth.sso_key WHERE kid = 'home';});
	my $good;

	accepted($client, 'as it should be', token({}));
	denied($client, 'no signature', $tool->raw(undef, undef, \%header, claims()), 'assertion is no signed token');
	denied($client, 'a signature of zeros', $tool->raw(undef, undef, \%header, claims()) . 'A' x 86, 'signature of the assertion is wrong');
	denied($client, 'a signature of one byte', $tool->raw(undef, undef, \%header, claims()) . 'AA', 'signature of the assertion is wrong');
	for my $alg (qw(none None NONE nOnE))
	{
		denied($client, "alg $alg, without a signature", $tool->raw(undef, undef, { %header, alg => $alg }, claims()), 'assertion is no signed token');
		denied($client, "alg $alg, with a good one", token({}, { alg => $alg }), $alg eq 'none' ? q{assertion is signed by another algorithm than its key's} : 'assertion is no signed token');
	}
	denied($client, 'alg ' . json($_), token({}, { alg => $_ }), 'assertion is no signed token') for undef, '', 'ES', 'es256', "ES256\0", 'XX256', 1, ['ES256'], '%null%';
	denied($client, "alg $_", token({}, { alg => $_ }), q{assertion is signed by another algorithm than its key's}) for qw(ES384 ES512 RS256 PS256 HS256 HS384 HS512);
	# the public key as the secret of an HMAC, as text in every form in which it is about
	for my $alg (qw(HS256 HS384 HS512))
	{
		denied($client, "$alg with $_->[0]", token({}, { alg => $alg }, $_->[1], $alg), q{assertion is signed by another algorithm than its key's})
		  for [ 'the PEM', $pem ], [ 'the PEM without the last line feed', $pem =~ s/\n\z//r ], [ 'the JWK', json($jwk) ], [ 'the JWK as stored', $stored ], [ 'x', $jwk->{x} ], [ 'kid', 'home' ];
	}
	denied($client, 'HS256 with the PEM of an RSA key', token({}, { alg => 'HS256', kid => 'idp', typ => undef }, $key{idp}{pem}, 'HS256'), q{assertion is signed by another algorithm than its key's});
	# another key
	denied($client, 'another key', token({}, {}, 'wrong'), 'signature of the assertion is wrong');
	denied($client, 'another key by its own name', token({}, { kid => 'wrong' }, 'wrong'), 'key of the assertion is not trusted');
	denied($client, q{another service's key}, token({ iss => 'bolt/acme' }, { kid => 'bolt' }, 'bolt'), 'key of the assertion is not trusted');
	denied($client, q{another service's key by the name of ours}, token({}, {}, 'bolt'), 'signature of the assertion is wrong');
	denied($client, 'a key of other size', token({}, {}, 'idp', 'RS256'), 'signature of the assertion is wrong');
	denied($client, 'kid ' . json($_), token({}, { kid => $_ }), defined $_ && !ref $_ && $_ !~ /\0/ && json($_) ne '1' && $_ ne '%null%' ? 'key of the assertion is not trusted' : 'assertion names no key')
	  for undef, '%null%', 'Home', 'home ', '', 'home%', "home'--", "\x{e9}", 'k' x 4000, 1, ['home'], { a => 'home' };
	denied($client, 'typ ' . json($_), token({}, { typ => $_ }), 'token is no assertion') for undef, '%null%', '', 'JWT', 'jwt', 'SSO-assertion+jwt', 'application/sso-assertion+jwt', 'at+jwt', 1, ['sso-assertion+jwt'];
	# parts of two good ones
	$good = [ split /\./, token({}) ];
	for (0 .. 2)
	{
		my @other = split /\./, token({ sub => 'another' }, { x => 'another' });

		$other[$_] = $good->[$_];
		denied($client, "part $_ of another good one", join('.', @other), 'signature of the assertion is wrong');
	}
	return;
}

# What a header brings along is not looked at, or makes it no good; nobody is called.
sub headers
{
	my $trap = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', Proto => 'tcp', Blocking => 0) or die "could not listen: $!";
	my $url = 'http://127.0.0.1:' . $trap->sockport . '/keys';
	my %brought = (jku => $url, x5u => $url, jwk => $key{wrong}{jwk}, x5c => ['MIIB'], x5t => 'AAAA', iss => 'home/acme', cty => 'JWT', zip => 'DEF', enc => 'A128GCM', b64 => JSON::PP::true);

	for (sort keys %brought)
	{
		accepted($client, "$_ beside a good signature", token({}, { $_ => $brought{$_} }));
		denied($client, "$_ beside another signature", token({}, { $_ => $brought{$_} }, 'wrong'), 'signature of the assertion is wrong');
	}
	denied($client, 'a key of its own', token({}, { %brought, kid => undef }, 'wrong'), 'assertion names no key');
	denied($client, 'crit ' . json($_), token({}, { crit => $_ }), 'assertion asks for an extension')
	  for ['exp'], ['b64'], [], 'exp', '', {};
	denied($client, 'b64', token({}, { crit => ['b64'], b64 => JSON::PP::false }), 'assertion asks for an extension');
	is($trap->accept, undef, 'no address was called');
	return;
}

# ----------------------------------------------------------------------- the claims

sub from_and_for
{
	denied($client, 'iss ' . json($_), token({ iss => $_ }), 'assertion is of another issuer than its key')
	  for undef, '', 'home', '%null%', 'home/acme ', 'Home/acme', 'home/acm', 'home/acmee', 'bolt/acme', 'https://idp.example', 1, ['home/acme'], { a => 1 };
	denied($client, 'aud ' . json($_), token({ aud => $_ }), 'assertion is for another audience')
	  for undef, '%null%', '', 'endpoint', 'goodtherapy', 'endpoint/oak', 'other/goodtherapy', 'endpoint/goodtherapy ', 'Endpoint/GoodTherapy', 'endpoint/goodtherap', 'endpoint/goodtherapyy', '*',
		[], [ 'endpoint/oak', 'other/goodtherapy' ], [ 'endpoint/goodtherapy', 'endpoint/oak' ], [ 'endpoint/goodtherapy', 'endpoint/goodtherapy' ], [ ['endpoint/goodtherapy'] ],
		{ 'endpoint/goodtherapy' => 1 }, 1, JSON::PP::true;
	denied($client, 'azp does not help', token({ aud => [ 'endpoint/goodtherapy', 'endpoint/oak' ], azp => 'endpoint/goodtherapy' }), 'assertion is for another audience');
	accepted($client, 'aud as a list of one', token({ aud => ['endpoint/goodtherapy'] }));
	denied($client, 'nonce ' . json($_), token({ nonce => $_ }), 'assertion is for another challenge')
	  for undef, '%null%', '', challenge($client)->{challenge_token}, uc challenge($client)->{challenge_id}, challenge($client)->{challenge_id} . ' ', 'goodtherapy', 1, [ challenge($client)->{challenge_id} ];
	denied($client, 'nonce of another challenge', token({ nonce => first_part($client)->{challenge_id} }), 'assertion is for another challenge');
	denied($client, 'user_type ' . json($_), token({ user_type => $_ }), 'assertion is not of a restricted user')
	  for undef, '%null%', '', 'standard', 'federated', 'Restricted', 'restricted ', 'billing', 'company_administrator', [], ['standard'], { restricted => 1 }, JSON::PP::true;
	denied($client, 'jti ' . json($_), token({ jti => $_ }), 'assertion has no id') for undef, '%null%', '', 1, ['id'], {};
	denied($client, 'sub ' . json($_), token({ sub => $_ }), 'assertion names nobody') for undef, '%null%', '', 1, ['subject-1'], 's' x 256, "subject-1\x{202e}";
	denied($client, 'preferred_username ' . json($_), token({ preferred_username => $_ }), 'assertion has no user name that can be one') for undef, '%null%', '', 1, ['joan'], 'jo an';
	return;
}

# [B-08] Not before, not after; clocks may differ by 30 seconds.
sub clocks
{
	my $try = sub {
		my ($changed) = @_;

		return in_time(sub {
			my $token = token({ map { $_ => $changed->{$_} + int time } keys %$changed });
			my $outcome = sso($client, challenge($client), $token)->{outcome};

			SsoTest::used_up() if $outcome eq 'authenticated';
			return $outcome eq 'denied' ? last_reason($client) : $outcome;
		});
	};

	for ([ { iat => 25 }, 'authenticated' ], [ { iat => 36 }, 'assertion is not valid yet' ], [ { iat => 3600, exp => 7200 }, 'assertion is not valid yet' ],
		[ { nbf => 25 }, 'authenticated' ], [ { nbf => -3600 }, 'authenticated' ], [ { nbf => 36 }, 'assertion is not valid yet' ], [ { nbf => 86400 * 365 }, 'assertion is not valid yet' ],
		[ { iat => -60, exp => -25 }, 'authenticated' ], [ { iat => -60, exp => -35 }, 'assertion is expired' ], [ { iat => -60, exp => -3600 }, 'assertion is expired' ],
		[ { iat => -325, exp => 3600 }, 'authenticated' ], [ { iat => -335, exp => 3600 }, 'assertion is too old' ], [ { iat => -86400, exp => 86400 * 365 }, 'assertion is too old' ])
	{
		my ($changed, $outcome) = @$_;

		is($try->($changed), $outcome, 'from now ' . json($changed) . ": $outcome");
	}
	# [TPB-9] how long the session lasts is counted from when the assertion was issued
	for ([ -200, '10 minutes', '12 minutes' ], [ 25, '13 minutes', '16 minutes' ])
	{
		my ($age, $least, $most) = @$_;

		accepted($client, "issued $age s from now", token({ iat => $age + int time, exp => 60 + int time }));
		is($client->query("SELECT expires_at - created_at BETWEEN '$least' AND '$most' FROM bestauth.session ORDER BY created_at DESC LIMIT 1;"), 't', "issued $age s from now: so long is the session");
	}
	my $now = int time;
	my $unknown = 'assertion does not say when it was issued and expires';

	for my $name (qw(iat exp nbf))
	{
		denied($client, "$name " . json($_), token({ $name => $_ }), $unknown) for "$now", '', [$now], { a => $now }, JSON::PP::true, '%null%';
		denied($client, "$name is missing", token({ $name => undef }), $unknown) if $name ne 'nbf';
	}
	# numbers that are odd: with a fraction, negative, large
	my $with = sub {
		my ($name, $number) = @_;
		my $claims = json(claims());

		$claims =~ s/"$name":\d+/"$name":$number/;
		return $tool->raw('home', 'ES256', \%header, $claims);
	};
	accepted($client, 'iat with a fraction', $with->('iat', int(time) . '.25'));
	accepted($client, 'exp of many digits', $with->('exp', '9' x 300));
	denied($client, "iat $_->[0]", $with->('iat', $_->[1]), $_->[2])
	  for [ 'negative', -1, 'assertion is too old' ], [ 'zero', 0, 'assertion is too old' ], [ 'of many digits', '9' x 400, 'assertion is not valid yet' ], [ 'in milliseconds', "${now}000", 'assertion is not valid yet' ],
		[ 'with an exponent', '1e9', 'claims of the assertion are not valid' ], [ 'of too many digits', '9' x 2000, 'claims of the assertion are not valid' ];
	denied($client, 'exp negative', $with->('exp', '-' . '9' x 400), 'assertion is expired');
	denied($client, 'exp NaN', $with->('exp', 'NaN'), 'claims of the assertion are not valid');
	denied($client, 'exp hexadecimal', $with->('exp', '0x7fffffff'), 'claims of the assertion are not valid');
	return;
}

# --------------------------------------------------------------------------- once

# [B-08] One assertion, twice: also where both try at once, exactly one wins.
sub once
{
	my @others = map { connect_to($node->connstr('postgres')) } 1 .. 6;
	my ($challenge, $token, $call, $id, $session, $other);

	# the same id again, in another good assertion
	accepted($client, 'an id', token({ jti => 'the same' }));
	denied($client, 'the same id for another challenge', token({ jti => 'the same' }), 'assertion used already');
	accepted($client, 'the same id in other case', token({ jti => 'The Same' }));
	is($client->query(q{SELECT count(*), count(DISTINCT id_hash) FROM bestauth.sso_assertion WHERE expires_at > clock_timestamp() + interval '5 minutes';}) =~ /^(\d+)\|\1$/, 1, 'used ids are kept for as long as they could be good');
	# the issuer's own ids: another issuer may have the same
	accepted($client, 'the same id by another issuer', token({ iss => 'https://idp.example', jti => 'the same', aud => 'client-77', groups => 'billers' }, { kid => 'idp', alg => 'RS256', typ => undef }, 'idp', 'RS256'));
	# one commits, and the other has waited
	for my $end ('COMMIT', 'ROLLBACK')
	{
		$token = token({});
		$challenge = challenge($client);
		$call = "SELECT outcome FROM bestauth.login_second_part_sso('$challenge->{challenge_token}', '$token');";
		is($others[0]->query("BEGIN; $call"), 'authenticated', "$end: one enters");
		$others[1]->send_sql($call);
		usleep_a_bit();
		$others[0]->query("$end;");
		is(scalar $others[1]->answers, $end eq 'COMMIT' ? 'denied' : 'authenticated', "$end: the other one is " . ($end eq 'COMMIT' ? 'denied' : 'in its place'));
		SsoTest::used_up();
	}
	# a snapshot of before does not help
	$token = token({});
	$challenge = challenge($client);
	$call = "SELECT outcome FROM bestauth.login_second_part_sso('$challenge->{challenge_token}', '$token');";
	$others[1]->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM bestauth.sso_assertion;');
	is($others[0]->query($call), 'authenticated', 'one enters');
	like(raised($others[1], "$call ROLLBACK;"), qr/^(?:denied|40001)$/, 'the other one has a snapshot of before, and does not');
	SsoTest::used_up();
	# all at once
	for my $round (1 .. 3)
	{
		$token = token({});
		$challenge = challenge($client);
		$call = "SELECT outcome FROM bestauth.login_second_part_sso('$challenge->{challenge_token}', '$token');";
		$_->send_sql($call) for @others;
		is(join(' ', sort map { scalar $_->answers } @others), 'authenticated' . ' denied' x $#others, "all at once, $round: one enters");
		SsoTest::used_up();
	}
	# renewals, which have no challenge that is used up
	$session = accepted($client, 'a session', token({}))->{session_token};
	$id = row($client, 'SELECT session_id FROM bestauth.session ORDER BY created_at DESC LIMIT 1')->{session_id};
	for my $round (1 .. 3)
	{
		$token = token({ nonce => $id });
		$_->send_sql("SELECT outcome FROM bestauth.renew_session_sso('$session', '$token');") for @others;
		is(join(' ', sort map { scalar $_->answers } @others), 'authenticated' . ' denied' x $#others, "all at once, $round: one renews");
	}
	$token = token({ nonce => $id });
	$call = "SELECT outcome FROM bestauth.renew_session_sso('$session', '$token');";
	$others[1]->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM bestauth.sso_assertion;');
	is($others[0]->query($call), 'authenticated', 'one renews');
	like(raised($others[1], "$call ROLLBACK;"), qr/^(?:denied|40001)$/, 'the other one has a snapshot of before, and does not');
	# somebody new, at once by several assertions: one person
	$_->query('BEGIN;') for @others;
	my @challenges = map { first_part($client) } @others;
	for my $n (0 .. $#others)
	{
		$token = token({ sub => 'newcomer', preferred_username => 'newcomer', nonce => $challenges[$n]{challenge_id} });
		$others[$n]->send_sql("SELECT outcome FROM bestauth.login_second_part_sso('$challenges[$n]{challenge_token}', '$token'); COMMIT;");
	}
	is(join(' ', map { scalar $_->answers } @others), join(' ', ('authenticated') x @others), 'somebody new at several doors at once enters by each');
	is($client->query(q{SELECT count(*) FROM bestauth.user_account WHERE username ~ 'newcomer';}), '1', 'and is one person');
	# several who are named anew to one name at once
	for my $round (1, 2)
	{
		$_->query('BEGIN;') for @others;
		@challenges = map { first_part($client) } @others;
		for my $n (0 .. $#others)
		{
			$token = token({ sub => "many-$n", preferred_username => $round == 1 ? "many$n" : 'one-name', nonce => $challenges[$n]{challenge_id} });
			$others[$n]->send_sql("SELECT outcome FROM bestauth.login_second_part_sso('$challenges[$n]{challenge_token}', '$token'); COMMIT;");
		}
		is(join(' ', map { join '', $_->answers } @others), join(' ', ('authenticated') x @others), "several at once, round $round: each enters");
	}
	is($client->query(q{SELECT string_agg(username, ' ' ORDER BY username COLLATE "C") FROM bestauth.user_account WHERE username ~ '^one-name';}),
		join(' ', 'one-name', map { "one-name-$_" } 2 .. @others), 'and each has a name of their own');
	$_->quit for @others;
	return;
}

# Long enough for the other one to have come where it waits; nothing rests on it.
sub usleep_a_bit
{
	Time::HiRes::usleep(200_000);
	return;
}

# ----------------------------------------------------------------------- the lock

# [C-03] Five attempts at a challenge, and no more, also where many come at once.
sub locked
{
	my @others = map { connect_to($node->connstr('postgres')) } 1 .. 4;
	my ($challenge, $good, %reasons);

	$_->query('SET bestauth.lockout_threshold = 5;') for $client, @others;
	for my $way ('one after the other', 'at once')
	{
		$challenge = first_part($client);
		$good = token({ nonce => $challenge->{challenge_id} });
		my $before = $client->query('SELECT max(audit_id) FROM bestauth.audit_log;');
		my $calls = "SELECT DISTINCT outcome FROM generate_series(1, 6) i, LATERAL bestauth.login_second_part_sso('$challenge->{challenge_token}', '@{[ substr $good, 0, -6 ]}' || 'AAAA' || i || 'A');";

		$_->send_sql($calls) for $way eq 'at once' ? @others : $client;
		is(join(' ', map { scalar $_->answers } $way eq 'at once' ? @others : $client), join(' ', ('denied') x ($way eq 'at once' ? @others : 1)), "$way: wrong assertions are denied");
		is($client->query("SELECT count(*) FROM bestauth.audit_log WHERE audit_id > $before AND detail ->> 'reason' = 'signature of the assertion is wrong';"), '5', "$way: five are looked at");
		is($client->query("SELECT count(*) > 0 FROM bestauth.audit_log WHERE audit_id > $before AND detail ->> 'reason' = 'locked after too many wrong assertions';"), 't', "$way: the others are refused unseen");
		is(sso($client, $challenge, $good)->{outcome}, 'denied', "$way: a good one is denied then");
		is(row($client, "SELECT * FROM bestauth.login_second_part_session('$challenge->{challenge_token}', 'bas_none')")->{outcome}, 'denied', "$way: nor is there another way");
		is(sso($client, $challenge, $good)->{outcome}, 'denied', "$way: and again");
	}
	# a rolled back attempt counts as well
	$challenge = first_part($client);
	$good = token({ nonce => $challenge->{challenge_id} });
	for (1 .. 5)
	{
		$client->query('BEGIN;');
		sso($client, $challenge, "$good-");
		$client->query('ROLLBACK;');
	}
	is(sso($client, $challenge, $good)->{outcome}, 'denied', 'attempts that were rolled back have locked it too');
	is(last_reason($client), 'locked after too many wrong assertions', 'for that reason');
	# it is the challenge that is locked, and neither key nor person
	is(sso($client, $challenge = first_part($client), token({ nonce => $challenge->{challenge_id} }))->{outcome}, 'authenticated', 'another challenge is none the worse');
	# four wrong ones and a right one
	$challenge = first_part($client);
	$good = token({ nonce => $challenge->{challenge_id} });
	sso($client, $challenge, "$good$_") for 'A' .. 'D';
	is(sso($client, $challenge, $good)->{outcome}, 'authenticated', 'after four wrong ones the right one is good');
	is($client->query(qq{SELECT count(*) FROM bestauth.login_counter WHERE substr(subject, 2) = decode(replace('$challenge->{challenge_id}', '-', ''), 'hex');}), '0', 'and nothing is counted any more');
	$_->query('RESET bestauth.lockout_threshold;') for $client;
	$_->quit for @others;
	return;
}

signature();
headers();
from_and_for();
clocks();
once();
locked();
$tool->stop;
$client->quit;
$node->stop;
done_testing();
