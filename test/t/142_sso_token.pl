# ID tokens of OpenID providers, made by PyJWT: a tool that knows nothing of us. And PyJWT
# reads what our own instances sign.
#
# Not in pg_regress: it takes another program.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use PostgreSQL::Test::Utils;
use SsoTest;
use Test::More;

my $missing = sso_missing();

plan(skip_all => $missing) if $missing;

my $keys = PostgreSQL::Test::Utils::tempdir() . '/keys';

mkdir $keys, 0700;

my $node = start_node('token', conf => <<"END");
bestauth.sso_key_directory = '$keys'
bestauth.lockout_threshold = 100
END

$node->safe_psql('postgres', 'CREATE DATABASE home');
SsoTest::make_service($node, 'home');
SsoTest::make_customer($node, 'postgres', 'endpoint', undef);

my $client = connect_to($node->connstr('postgres'));
my $tool = tokens_start();
my $issuer = 'https://idp.example/realms/acme';
my $mapping = { audience => 'client-77', user_type => 'groups', restricted => 'billers' };
my %signed_with = (rsa => 'RS256', ec => 'ES256', p384 => 'ES384', p521 => 'ES512', rs512 => 'RS512', ps256 => 'PS256', plain => 'RS256');
my $ids = 0;

sub trust
{
	my ($jwk, $iss, $claims) = @_;

	return raised($client, "SELECT bestauth.trust_sso_key('acme', " . join(', ', literal(json($jwk)), literal($iss), literal($claims && json($claims))) . ');');
}

# What an OpenID provider says of Ann: undef takes a claim out.
sub claims
{
	my (%changed) = @_;
	my %claims = (
		iss => $issuer,
		sub => 'ann-4711',
		aud => 'client-77',
		nonce => challenge($client)->{challenge_id},
		iat => time,
		exp => time + 300,
		preferred_username => 'ann',
		given_name => 'Ann',
		family_name => 'Other',
		email => 'ann@acme.example',
		groups => [ 'staff', 'billers' ],
		%changed);

	delete @claims{ grep { !defined $claims{$_} } keys %claims };
	return \%claims;
}

sub id_token
{
	my ($key, $changed, %headers) = @_;

	return $tool->sign($key, $signed_with{$key}, claims(%{ $changed // {} }), kid => $key, %headers);
}

# Which users there are.
sub people
{
	return scalar $client->query(q{SELECT string_agg(concat_ws(' ', username, first_name, last_name), ', ' ORDER BY user_id) FROM bestauth.user_account WHERE user_type = 'federated';});
}

# ------------------------------------------------------------------ their tokens

# [TPB-5] The operator hands in the provider's set of keys; its ID tokens are taken then.
sub providers
{
	my %key = map { $_ => $tool->key($_, /^(?:rsa|rs512|ps256|plain)$/ ? 'RSA' : { p384 => 'P-384', p521 => 'P-521' }->{$_}, kid => $_) } keys %signed_with;
	my @set = map { { %{ $key{$_}{jwk} }, use => 'sig', ($_ eq 'plain' ? () : (alg => $signed_with{$_})) } } qw(rsa ec plain);

	is(trust({ keys => [ @set, { kty => 'RSA', use => 'enc', kid => 'enc', alg => 'RSA-OAEP', n => 'AQAB', e => 'AQAB' } ] }, $issuer, $mapping), '', 'a set of keys is handed in');
	is($client->query(q{SELECT string_agg(kid || ' ' || alg, ', ' ORDER BY kid) FROM bestauth.sso_key;}), 'ec ES256, plain RS256, rsa RS256', 'those that sign are taken, the one to encrypt with is not');
	for my $kid (qw(p384 p521 rs512 ps256))
	{
		is(trust({ %{ $key{$kid}{jwk} }, alg => $signed_with{$kid}, x5c => ['MIIB'], key_ops => ['verify'] }, $issuer, $mapping), '', "a key of $signed_with{$kid} is handed in");
	}
	for my $kid (sort keys %signed_with)
	{
		accepted($client, "$kid, $signed_with{$kid}", id_token($kid));
	}
	is(people(), 'ann Ann Other', 'it was one person all the time');
	# a short key
	my $short = $tool->ask('key', name => 'short', kind => 'RSA', bits => 1024);
	is(trust({ %{ $short->{jwk} }, kid => 'short' }, $issuer, $mapping), '22023', 'an RSA key of 1024 bits is refused');
	# another algorithm of the same key
	denied($client, "RS256's key with $_", $tool->sign('rsa', $_, claims(), kid => 'rsa'), q{assertion is signed by another algorithm than its key's}) for qw(RS384 RS512 PS256);
	denied($client, "a key without alg with $_", $tool->sign('plain', $_, claims(), kid => 'plain'), q{assertion is signed by another algorithm than its key's}) for qw(RS512 PS256);
	return \%key;
}

# Where the provider has what, and for whom the token is.
sub mapped
{
	my ($key) = @_;
	my $other = $tool->key('other', 'P-256', kid => 'other');

	for my $aud ('client-77', ['client-77'])
	{
		accepted($client, 'aud ' . json($aud), id_token('ec', { aud => $aud }));
		accepted($client, 'aud ' . json($aud) . ' with azp', id_token('ec', { aud => $aud, azp => 'client-77' }));
	}
	accepted($client, 'aud of several, and azp says that it is for us', id_token('rsa', { aud => [ 'client-1', 'client-77', 'api' ], azp => 'client-77' }));
	denied($client, "aud $_->[0]", id_token('rsa', { aud => $_->[1], azp => $_->[2] }), 'assertion is for another audience')
	  for [ 'of several without azp', [ 'client-1', 'client-77' ] ], [ 'of several with another azp', [ 'client-1', 'client-77' ], 'client-1' ],
		[ 'with another azp', 'client-77', 'client-1' ], [ 'with an azp that is a list', 'client-77', ['client-77'] ], [ 'with an azp that is a number', 'client-77', 77 ],
		[ 'of others', [ 'client-1', 'client-7', 'client-777' ] ], [ 'of no one', [] ], [ 'missing', undef ], [ 'a part', 'client-7' ], [ 'a prefix', 'client-77x' ],
		[ 'in other case', 'Client-77' ], [ 'empty', '' ], [ 'of nested lists', [ ['client-77'] ] ], [ 'an object', { 'client-77' => 1 } ], [ 'ours', 'endpoint/goodtherapy' ];
	for my $groups ('billers', ['billers'], [ 1, undef, 'staff', 'billers' ])
	{
		accepted($client, 'groups ' . json($groups), id_token('ec', { groups => $groups }));
	}
	denied($client, 'groups ' . json($_), id_token('ec', { groups => $_ }), 'assertion is not of a restricted user')
	  for undef, '', 'biller', 'billers ', 'Billers', 'restricted', 'staff billers', [], ['staff'], [ ['billers'] ], { billers => JSON::PP::true }, JSON::PP::true, 1;
	denied($client, 'user_type of our own', id_token('ec', { groups => undef, user_type => 'restricted' }), 'assertion is not of a restricted user');
	# claims of other names
	is(trust($other->{jwk}, 'https://other.example', { audience => 'ours', user_type => 'extension_type', restricted => 'restricted', subject => 'oid', username => 'upn', first_name => 'vorname', last_name => 'nachname' }),
		'', 'a provider with claims of other names');
	$signed_with{other} = 'ES256';
	accepted($client, 'claims of other names',
		id_token('other', { iss => 'https://other.example', aud => 'ours', oid => 'o-1', upn => 'uwe@corp.example', vorname => "J\x{f6}rg", nachname => 'Nach', extension_type => 'restricted' }));
	is($client->query(q{SELECT username, first_name, last_name, subject, issuer FROM bestauth.user_account JOIN bestauth.sso_person USING (user_id) WHERE username LIKE 'uwe%';}),
		"uwe\@corp.example|J\xc3\xb6rg|Nach|o-1|https://other.example", 'are what a person is made of');
	denied($client, 'without the claim that is the subject', id_token('other', { iss => 'https://other.example', aud => 'ours', upn => 'uwe', extension_type => 'restricted' }), 'assertion names nobody');
	denied($client, 'of the one, signed by the other', id_token('other', { aud => 'ours', oid => 'ann-4711', upn => 'ann', extension_type => 'restricted' }), 'assertion is of another issuer than its key');
	return;
}

# What kind of token it is.
sub kinds
{
	for my $typ (undef, 'JWT', 'jwt', 'sso-assertion+jwt')
	{
		accepted($client, 'typ ' . json($typ), id_token('rsa', {}, typ => $typ));
	}
	denied($client, "typ $_", id_token('rsa', {}, typ => $_), 'token is no assertion') for 'at+jwt', 'logout+jwt', 'SSO-assertion+jwt', 'secevent+jwt', 'dpop+jwt';
	# our own kind, but for what that provider has where
	denied($client, 'by a provider, as if it were ours', $tool->sign('ec', 'ES256', claims(aud => 'endpoint/goodtherapy', user_type => 'restricted', groups => undef), kid => 'ec', typ => 'sso-assertion+jwt'),
		'assertion is for another audience');
	return;
}

# As long as it may be, and no longer.
sub long
{
	my $size = sub { [ 'billers', map { sprintf 'group-%06d', $_ } 1 .. $_[0] ] };
	my ($least, $most) = (1, 2000);
	my $token;

	for my $count (40, 100, 500)
	{
		$token = id_token('rsa', { groups => $size->($count) });
		accepted($client, length($token) . ' bytes', $token);
	}
	# close to 16384
	$token = id_token('rsa', { groups => ['billers'], pad => '' });
	$token = id_token('rsa', { groups => ['billers'], pad => 'p' x int((16384 - length $token) * 3 / 4) });
	cmp_ok(length $token, '>', 16300, 'the longest');
	cmp_ok(length $token, '<=', 16384, 'that is taken');
	accepted($client, length($token) . ' bytes', $token);
	$token = id_token('rsa', { pad => 'p' x 12_500 });
	denied($client, length($token) . ' bytes', $token, 'assertion is too long');
	return;
}

# [B-08] An ID token without an id of its own is used once too, however its signature is spelled.
sub used_once
{
	for my $kid ('rsa', 'ec')
	{
		my $session = accepted($client, "$kid: a login", id_token($kid))->{session_token};
		my $session_id = row($client, 'SELECT session_id FROM bestauth.session ORDER BY created_at DESC LIMIT 1')->{session_id};
		my $token = id_token($kid, { nonce => $session_id });
		my $spelled = $tool->ask('respell', token => $token, key => $kid);

		is(renew($client, $session, $_)->{outcome}, 'denied', "$kid: another spelling renews nothing") for @{ $spelled->{same} };
		is(renew($client, $session, $token)->{outcome}, 'authenticated', "$kid: the session is renewed");
		is(renew($client, $session, $token)->{outcome}, 'denied', "$kid: once");
		is(last_reason($client), 'assertion used already', "$kid: for that reason");
		for (@{ $spelled->{good} })
		{
			is(renew($client, $session, $_)->{outcome}, 'denied', "$kid: nor by another good signature of it");
			is(last_reason($client), 'assertion used already', "$kid: for that reason");
		}
		# with an id, in whatever token
		is(renew($client, $session, id_token($kid, { nonce => $session_id, jti => "one by $kid", n => $_ }))->{outcome}, $_ == 1 ? 'authenticated' : 'denied', "$kid: the same id, $_") for 1, 2;
		is(last_reason($client), 'assertion used already', "$kid: for that reason");
	}
	return;
}

# ---------------------------------------------------------------------- people

# [B-08] Who somebody is is said by issuer and subject: not by user name, e-mail address or name.
sub identity
{
	my $ann = row($client, q{SELECT * FROM bestauth.sso_person WHERE subject = 'ann-4711'});
	my $other_issuer = $tool->key('second', 'P-256', kid => 'second');
	my $login = sub {
		my ($key, %changed) = @_;

		accepted($client, 'subject ' . ($changed{sub} // 'ann-4711') . " by $key", id_token($key, \%changed));
		return row($client, 'SELECT person_id, username, first_name, last_name, email FROM bestauth.session s JOIN bestauth.user_account u ON u.user_id = s.person_id ORDER BY s.created_at DESC LIMIT 1');
	};
	my $person;

	$signed_with{second} = 'ES256';
	is(trust($other_issuer->{jwk}, 'https://second.example', $mapping), '', 'a second provider');
	$person = $login->('second', iss => 'https://second.example');
	isnt($person->{person_id}, $ann->{user_id}, 'the same subject, user name and e-mail address of another issuer is another person');
	is($person->{username}, 'ann-2', 'told apart by a number');
	$person = $login->('rsa', sub => 'ann-4712');
	isnt($person->{person_id}, $ann->{user_id}, 'another subject of the same name, user name and e-mail address is another person');
	is($person->{username}, 'ann-3', 'told apart by the next number');
	$person = $login->('rsa', sub => 'ANN-4711');
	is($person->{username}, 'ann-4', 'subjects differ in case');
	$person = $login->('ec', preferred_username => 'anna', email => 'anna@elsewhere.example', given_name => 'Anna', family_name => 'New');
	is($person->{person_id}, $ann->{user_id}, 'the same issuer and subject is the same person');
	is_deeply([ @$person{qw(username first_name last_name email)} ], [ 'anna', 'Anna', 'New', undef ], 'named as asserted, without an e-mail address');
	# somebody of the service's own here has the name
	$client->query(q{SELECT bestauth.create_user('Rob', 'restricted', 'Rob', 'Local', 'rob@acme.example', 'seven green boats of rob', company => 'acme');});
	$person = $login->('ec', sub => 'r-1', preferred_username => 'rob', email => 'rob@acme.example');
	is($person->{username}, 'rob-2', 'a user with a password here is somebody else');
	$person = $login->('ec', preferred_username => 'ROB');
	is_deeply([ @$person{qw(person_id username)} ], [ $ann->{user_id}, 'ROB-3' ], 'nobody takes a user name by being named anew');
	$person = $login->('ec', preferred_username => 'ann');
	is_deeply([ @$person{qw(person_id username)} ], [ $ann->{user_id}, 'ann' ], 'the own user name is there still');
	# names that are none
	$person = $login->('ec', given_name => $_->[1], family_name => $_->[2]) and
	  is_deeply([ @$person{qw(person_id first_name last_name)} ], [ $ann->{user_id}, @$_[ 3, 4 ] ], "names: $_->[0]")
	  for [ 'missing', undef, undef, undef, undef ], [ 'empty', '', '', undef, undef ], [ 'no texts', 1, ['Ann'], undef, undef ],
		[ 'of other scripts', "\x{5c71}\x{7530}", "\x{41e}\x{43b}\x{44c}\x{433}\x{430}", "\xe5\xb1\xb1\xe7\x94\xb0", "\xd0\x9e\xd0\xbb\xd1\x8c\xd0\xb3\xd0\xb0" ],
		[ 'with controls', "A\x{202e}nn", "O\nther", undef, undef ], [ 'with controls first', "\x{200b}Ann", "\x{7f}Other", undef, undef ],
		[ 'too long', 'a' x 101, 'b' x 100, undef, 'b' x 100 ], [ 'with a quote', q{A'nn"}, 'O\\ther', q{A'nn"}, 'O\\ther' ];
	denied($client, 'user name ' . json($_), id_token('ec', { preferred_username => $_ }), 'assertion has no user name that can be one')
	  for undef, '', ' ', 'a b', 'a/b', "a\x{e9}", '-a', 'a' x 129, 7, ['ann'], "a\nb";
	denied($client, 'subject ' . json($_), $tool->raw('ec', 'ES256', { alg => 'ES256', kid => 'ec' }, claims(sub => $_)), 'assertion names nobody')
	  for undef, '', 's' x 256, 4711, ['ann-4711'], { a => 1 }, JSON::PP::true, "ann\x{202e}4711", "\x{200b}ann-4711", "ann\t4711";
	is_deeply([ split /, /, $client->query(q{SELECT string_agg(DISTINCT detail ->> 'typed_name', ', ') FROM bestauth.audit_log WHERE action = 'login.denied';}) ], [],
		'what was asserted in vain is not in the log');
	return;
}

# ---------------------------------------------------------------------- our own

# What our own instances sign is a token to others as well.
sub our_own
{
	my $home = connect_to($node->connstr('home'));
	my $key = from_json(scalar $home->query(q{SELECT bestauth.create_sso_key('acme');}));
	my $joan = own_session($home, 'joan');
	my $claims = row($home, q{SELECT user_id FROM bestauth.user_account WHERE username = 'joan'});
	my ($token, $read, $before);

	$before = time;
	$token = issue($home, $joan, 'endpoint/goodtherapy', 'a "nonce" \\ here');
	$read = $tool->ask('verify', jwk => $key, token => $token, audience => 'endpoint/goodtherapy', issuer => 'acme-home/acme');
	is($read->{error}, undef, 'PyJWT finds our assertion good');
	is_deeply($read->{header}, { alg => 'ES256', kid => $key->{kid}, typ => 'sso-assertion+jwt' }, 'its header');
	like($read->{claims}{jti}, qr/^[0-9a-f-]{36}$/, 'an id of its own');
	cmp_ok($read->{claims}{iat}, '>=', $before - 1, 'of now');
	is($read->{claims}{exp} - $read->{claims}{iat}, 60, 'for a minute');
	delete @{ $read->{claims} }{qw(jti iat exp)};
	is_deeply($read->{claims},
		{ iss => 'acme-home/acme', sub => $claims->{user_id}, aud => 'endpoint/goodtherapy', nonce => 'a "nonce" \\ here', preferred_username => 'joan', given_name => 'Joan', family_name => 'Biller', user_type => 'restricted' },
		'and its claims');
	isnt($token, issue($home, $joan, 'endpoint/goodtherapy', 'a "nonce" \\ here'), 'no two are the same');
	like($tool->ask('verify', jwk => { %$key, x => $key->{y}, y => $key->{x} }, token => $token, audience => 'endpoint/goodtherapy', issuer => 'acme-home/acme')->{error}, qr/./, 'PyJWT does refuse another key');
	like($tool->ask('verify', jwk => $key, token => substr($token, 0, -4) . 'AAAA', audience => 'endpoint/goodtherapy', issuer => 'acme-home/acme')->{error}, qr/^InvalidSignatureError/, 'and another signature');
	like($tool->ask('verify', jwk => $key, token => $token, audience => 'endpoint/oak', issuer => 'acme-home/acme')->{error}, qr/^InvalidAudienceError/, 'and another audience');
	# by the same key PyJWT makes what we take
	is(issue($home, $joan, 'x' x 201, 'n'), '22023', 'an audience that is too long is refused');
	is(issue($home, $joan, 'a', ''), '22023', 'a nonce that is empty is refused');
	is(issue($home, $joan, "a\nb", 'n'), '22023', 'an audience with a control is refused');
	is(issue($home, $joan, "a\x{202e}b", 'n'), '22023', 'an audience with an override of direction is refused');
	is(issue($home, $joan, undef, 'n'), '22023', 'an audience that is NULL is refused');
	$home->quit;
	return;
}

my $key = providers();

mapped($key);
kinds();
long();
used_once();
identity();
our_own();
$tool->stop;
$client->quit;
$node->stop;
done_testing();
