# Tokens that are malformed, huge, nested or spelled otherwise: each is denied, and the backend is
# what it was.
#
# Not in pg_regress: it takes another program, and looks at one backend all the while.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use MIME::Base64 ();
use PostgreSQL::Test::Utils;
use SsoTest qw(:DEFAULT fuzz_start claims good);
use Test::More;

my $missing = sso_missing();

plan(skip_all => $missing) if $missing;

my ($node, $tool, $client, %header) = fuzz_start();
my $backend = $client->query('SELECT pg_backend_pid();');

sub encoded
{
	return MIME::Base64::encode_base64url($_[0]);
}

# Good claims with a member before them, or behind them.
sub before
{
	return json(claims()) =~ s/^\{/{$_[0],/r;
}

sub behind
{
	return json(claims()) =~ s/\}$/,$_[0]}/r;
}

# ----------------------------------------------------------------------- by hand

# What is no compact JWS at all.
sub shapes
{
	my $good = good();
	my ($header, $payload, $signature) = split /\./, $good;
	my $no = 'assertion is no signed token';
	my $all = { protected => $header, signature => $signature };

	denied($client, $_->[0], $_->[1], $_->[2] // $no)
	  for [ 'empty', '' ], [ 'a dot', '.' ], [ 'two dots', '..' ], [ 'four dots', '....' ], [ 'a space', ' ' ], [ 'text', 'let me in' ],
		[ 'one part', $header ], [ 'two parts', "$header.$payload" ], [ 'no header', ".$payload.$signature" ], [ 'no payload', "$header..$signature" ], [ 'no signature', "$header.$payload." ],
		[ 'four parts', "$good.$signature" ], [ 'five parts, as if encrypted', "$good.$signature.$signature" ], [ 'a dot behind', "$good." ], [ 'a dot before', ".$good" ],
		[ 'quoted', qq("$good") ], [ 'with its scheme', "Bearer $good" ], [ 'two in one', "$good $good" ],
		[ 'as JSON, general', json({ payload => $payload, signatures => [$all] }) ], [ 'as JSON, flattened', json({ payload => $payload, %$all }) ],
		[ 'JSON in base64', encoded(json({ payload => $payload, %$all })) ],
		[ 'with a line feed', "$good\n" ], [ 'with a space before', " $good" ], [ 'with a tab inside', "$header.\t$payload.$signature" ], [ 'folded', $good =~ s/(.{64})/$1\r\n/gr ],
		[ 'padded', join '.', map { $_ . '=' x (-length($_) % 4) } split /\./, $good ], [ 'with a letter of another script', "$header.$payload.\x{0410}$signature" ],
		[ 'percent-encoded', $good =~ s/\./%2E/gr ], [ 'with a slash', "$header.$payload." . ($signature =~ s/./\//r) ], [ 'with a plus', "$header.$payload." . ($signature =~ s/./+/r) ],
		[ 'in base64 whole', encoded($good) ], [ 'reversed', scalar reverse $good ], [ 'of one digit more', "${good}A", 'signature of the assertion is wrong' ],
		[ 'a signature of one digit', "$header.$payload.A" ], [ 'a header of one digit', "A.$payload.$signature" ], [ 'a payload of five digits', "$header.AAAAA.$signature" ];
	is(raised($client, "SELECT bestauth.login_second_part_sso('@{[ challenge($client)->{challenge_token} ]}', NULL);"), '22023', 'NULL is no assertion');
	accepted($client, 'as it is', $good);
	return;
}

# The signed part is good, and its signature is spelled otherwise [B-08].
sub spellings
{
	for my $kid ('home', 'idp')
	{
		my $token = $kid eq 'home' ? good() : $tool->raw('idp', 'RS256', { alg => 'RS256', kid => 'idp' }, claims(iss => 'https://idp.example'));
		my $spelled = $tool->ask('respell', token => $token, key => $kid);
		my $n = 0;

		for (@{ $spelled->{same} })
		{
			denied($client, "$kid, spelling " . ++$n, $_, $kid eq 'home' && $_ eq $spelled->{same}[-1] ? 'signature of the assertion is wrong' : 'assertion is no signed token');
		}
		accepted($client, "$kid, as it is", $token);
	}
	return;
}

# Headers that are no JSON, no object, or more than anybody needs.
sub headers
{
	my $deep = sub { '{"alg":"ES256","kid":"home","typ":"sso-assertion+jwt","x":' . '[' x $_[0] . ']' x $_[0] . '}' };
	my $no = 'assertion is no signed token';

	denied($client, "header: $_->[0]", $tool->raw('home', 'ES256', $_->[1], claims()), $_->[2] // $no)
	  for [ 'a list', '[]' ], [ 'a text', '"ES256"' ], [ 'a number', '1' ], [ 'null', 'null' ], [ 'nothing in it', '{}' ], [ 'no JSON', '{alg:ES256}' ], [ 'cut', '{"alg":"ES256","kid":"home"' ],
		[ 'two objects', '{"alg":"ES256"}{"alg":"ES256"}' ], [ 'no UTF-8', qq({"alg":"ES256","kid":"\xff\xfe"}) ], [ 'overlong UTF-8', qq({"alg":"ES256","kid":"\xc0\xaf"}) ],
		[ 'a NUL in it', qq({"alg":"ES256","kid":"home\0"}) ], [ 'a NUL behind', json(\%header) . "\0" ], [ 'an escaped NUL', '{"alg":"ES256","kid":"home\\u0000"}' ], [ 'half a surrogate pair', '{"alg":"ES256","kid":"\\ud800"}' ],
		[ 'a byte order mark', "\xef\xbb\xbf" . json(\%header) ], [ 'comments', '{"alg":"ES256"/**/,"kid":"home"}' ], [ 'single quotes', q({'alg':'ES256'}) ], [ 'NaN', '{"alg":"ES256","kid":"home","x":NaN}' ],
		[ 'nested 3000 times', $deep->(3000) ], [ 'opened 8000 times', '[' x 8000 ], [ 'objects opened 2000 times', '{"a":' x 2000 ],
		[ 'the last alg is none', '{"alg":"ES256","kid":"home","typ":"sso-assertion+jwt","alg":"none"}', q{assertion is signed by another algorithm than its key's} ],
		[ 'the last kid is another', '{"alg":"ES256","kid":"home","typ":"sso-assertion+jwt","kid":"wrong"}', 'key of the assertion is not trusted' ];
	accepted($client, "header: $_->[0]", $tool->raw('home', 'ES256', $_->[1], claims()))
	  for [ 'nested 1000 times', $deep->(1000) ], [ 'with spaces', " { \"alg\" : \"ES256\" ,\n\"kid\":\"home\", \"typ\":\"sso-assertion+jwt\" } " ],
		[ 'with escapes', '{"\\u0061lg":"ES\\u003256","kid":"hom\\u0065","typ":"sso-assertion+jwt"}' ], [ 'with a thousand members', json({ %header, map { ("m$_" => $_) } 1 .. 700 }) ],
		[ 'the first alg is none', '{"alg":"none","kid":"home","typ":"sso-assertion+jwt","alg":"ES256"}' ];
	return;
}

# Claims, signed, that are none: a service's instance would have to be broken, and is not trusted with that.
sub payloads
{
	my $no = 'claims of the assertion are not valid';
	my $nested = good();

	denied($client, "payload: $_->[0]", $tool->raw('home', 'ES256', \%header, $_->[1]), $_->[2] // $no)
	  for [ 'a list', '[]' ], [ 'a list of claims', '[' . json(claims()) . ']' ], [ 'a text', '"claims"' ], [ 'a number', '1' ], [ 'null', 'null' ], [ 'true', 'true' ], [ 'a space', ' ' ], [ 'no JSON', 'iss=home' ],
		[ 'nothing in it', '{}', 'assertion is of another issuer than its key' ], [ 'cut', substr(json(claims()), 0, -1) ], [ 'more behind', json(claims()) . 'x' ], [ 'two of them', json(claims()) x 2 ],
		[ 'a signed token', $nested ], [ 'a signed token in quotes', qq("$nested") ], [ 'no UTF-8', behind(qq("x":"\xff")) ], [ 'a NUL behind', json(claims()) . "\0" ], [ 'a NUL inside', behind(qq("x":"\0")) ],
		[ 'an escaped NUL', behind('"x":"\\u0000"') ], [ 'half a surrogate pair', behind('"x":"\\ud800"') ], [ 'the halves the other way round', behind('"x":"\\udc00\\ud800"') ],
		[ 'a byte order mark', "\xef\xbb\xbf" . json(claims()) ], [ 'Infinity', behind('"x":Infinity') ], [ 'a number without end', behind('"x":' . '9' x 5000) ], [ 'a number too large', behind('"x":1e999999') ],
		[ 'comments', behind('"x":1/**/') ], [ 'a comma too many', json(claims()) =~ s/\}$/,}/r ], [ 'a control', behind("\"x\":\"\x01\"") ],
		[ 'opened 11000 times', '[' x 11_000 ], [ 'members opened 2000 times', '{"a":' x 2000 ],
		[ 'the last issuer is another', behind('"iss":"other"'), 'assertion is of another issuer than its key' ], [ 'the last audience is another', behind('"aud":"other"'), 'assertion is for another audience' ],
		[ 'the last exp is over', behind('"exp":1'), 'assertion is expired' ], [ 'the last user_type is another', behind('"user_type":"standard"'), 'assertion is not of a restricted user' ];
	accepted($client, "payload: $_->[0]", $tool->raw('home', 'ES256', \%header, $_->[1]->()))
	  for [ 'the first issuer is another', sub { before('"iss":"other"') } ], [ 'with escapes', sub { json(claims()) =~ s/home/\\u0068ome/r } ],
		[ 'with spaces', sub { "\n " . json(claims()) . "\r\n\t" } ], [ 'a whole surrogate pair', sub { behind('"x":"\\ud83d\\ude00"') } ],
		[ 'nested 500 times', sub { behind('"x":' . '[' x 500 . ']' x 500) } ];
	# how deep is too deep is for the server to say; it is denied then, and not failed
	for my $depth (2000, 5500)
	{
		my $token = $tool->raw('home', 'ES256', \%header, behind('"x":' . '[' x $depth . ']' x $depth));

		like(sso($client, challenge($client), $token)->{outcome}, qr/^(?:authenticated|denied)$/, "payload: nested $depth times: an answer");
		SsoTest::used_up();
	}
	return;
}

# However long, it costs no more than its first bytes.
sub huge
{
	my $token = $tool->raw('home', 'ES256', \%header, claims(pad => 'p' x 11_900));
	my $long = 'assertion is too long';

	cmp_ok(length $token, '<=', 16384, 'a long one');
	denied($client, 'a long one with a wrong signature', substr($token, 0, -6) . 'AAAAAA', 'signature of the assertion is wrong');
	accepted($client, 'a long one', $token);
	challenge($client);
	denied($client, $_->[0], $_->[1], $_->[2] // $long)
	  for [ '17 kB', $tool->raw('home', 'ES256', \%header, claims(pad => 'p' x 13_000)) ], [ '1 MB', $tool->raw('home', 'ES256', \%header, claims(pad => 'p' x 750_000)) ],
		[ '16384 digits', 'A' x 16384, 'assertion is no signed token' ], [ '16385 digits', 'A' x 16385 ], [ '16384 dots', '.' x 16384, 'assertion is no signed token' ], [ 'a million dots', '.' x 1_000_000 ],
		[ 'a good one and a lot behind', good() . 'A' x 1_000_000 ], [ 'a good one and a lot behind a dot', good() . '.' . 'A' x 1_000_000 ], [ 'a good one and blanks', good() . ' ' x 20_000 ],
		[ 'a header of 12 kB', $tool->raw('home', 'ES256', { %header, pad => 'p' x 13_000 }, '{}') ];
	accepted($client, 'and one as usual', good());
	return;
}

# ------------------------------------------------------------------------ memory

# What the library allocates it gives back, whatever comes of it. In a backend that has little else.
sub memory
{
	my $other = connect_to($node->connstr('postgres'));
	my $pid = $other->query('SELECT pg_backend_pid();');

	SKIP:
	{
		skip 'no /proc', 3 unless -r "/proc/$pid/statm";
		my $size = sub { (split / /, slurp_file("/proc/$pid/statm"))[5] * 4096 };
		my ($session, $id, @tokens, $payload, $signature, $again, $first, $last);

		SsoTest::used_up();
		challenge($client);
		$session = accepted($client, 'a session', good())->{session_token};
		$id = row($client, 'SELECT session_id FROM bestauth.session ORDER BY created_at DESC LIMIT 1')->{session_id};
		@tokens = map { $tool->raw('home', 'ES256', $_, claims(nonce => $id, iss => 'other', pad => 'p' x 5_000)) } \%header, { %header, crit => ['x'] };
		(undef, $payload, $signature) = split /\./, $tokens[0];
		push @tokens, substr($tokens[0], 0, -6) . 'AAAAAA', encoded('{"alg":"none"}') . ".$payload.$signature", encoded('{"alg":"ES256"') . ".$payload.$signature";
		$again = 'DO $$ BEGIN FOR i IN 1 .. 60 LOOP ' . join('', map { "PERFORM bestauth.renew_session_sso('$session', '$_'); " } @tokens) . 'END LOOP; END $$;';
		is(join('', $other->query($again)), '', 'three hundred long tokens');
		$first = $size->();
		is(join('', $other->query($again)), '', 'three hundred more');
		$last = $size->();
		note "memory: $first, then $last bytes";
		cmp_ok($last - $first, '<', 150_000, 'take no memory');
		is($client->query(qq{SELECT count(DISTINCT detail ->> 'reason') FROM bestauth.audit_log WHERE action = 'session.renewal_denied' AND session_id = '$id';}), '5', 'of five kinds');
	}
	$other->quit;
	return;
}

shapes();
spellings();
headers();
payloads();
huge();
memory();
is($client->query('SELECT pg_backend_pid();'), $backend, 'it was one backend all the while');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP:/, 'and no process has crashed');
$tool->stop;
$client->quit;
$node->stop;
done_testing();
