# What the tests of single sign-on share: a service's own cluster, a customer's one, and an
# independent tool that makes and reads signed tokens.
package SsoTest;

use strict;
use warnings;

use BestauthTest;
use Exporter 'import';
use FindBin;
use IPC::Run;
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(sso_missing tokens_start start_home start_endpoint make_service make_customer row issue first_part sso
  renew json from_json literal raised own_session last_reason challenge denied accepted);
our @EXPORT_OK = qw(fuzz_start claims good);

my $password = 'seven green boats of ';
my $json = JSON::PP->new->canonical->ascii->allow_nonref;

sub json
{
	return $json->encode($_[0]);
}

sub from_json
{
	return $json->decode($_[0]);
}

# A text as SQL writes it, whatever is in it; undef is NULL.
sub literal
{
	my ($text) = @_;

	return 'NULL' unless defined $text;
	$text = q{E'} . $text =~ s/([\\'])/\\$1/gr . q{'};
	utf8::encode($text);
	return $text;
}

# What these tests can't do without, or nothing.
sub sso_missing
{
	return 'no python3-jwt and python3-cryptography' if system('/usr/bin/python3 -c "import jwt, cryptography" 2>/dev/null') != 0;
	return;
}

# ------------------------------------------------------------------- tokens

# The tool, which goes on until the test ends.
sub tokens_start
{
	my $self = bless { in => '', out => '', err => '' };

	$self->{timer} = IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default);
	$self->{run} = IPC::Run::start([ '/usr/bin/python3', "$FindBin::RealBin/../sso/tokens" ],
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err}, $self->{timer});
	return $self;
}

# One request and its answer; an error of the tool's is a member "error".
sub ask
{
	my ($self, $way, %members) = @_;

	$self->{timer}->start;
	$self->{out} = '';
	$self->{in} .= json({ way => $way, %members }) . "\n";
	$self->{run}->pump until $self->{out} =~ /\n/ || !$self->{run}->pumpable;
	die "test/sso/tokens: $self->{err}" unless $self->{out} =~ /\n/;
	return from_json($self->{out});
}

# A key of its own: jwk (public), private and pem. More members come into the public one.
sub key
{
	my ($self, $name, $kind, %members) = @_;
	my $key = $self->ask('key', name => $name, kind => $kind // 'P-256');

	$key->{jwk} = { %{ $key->{jwk} }, %members };
	return $key;
}

sub sign
{
	my ($self, $key, $alg, $claims, %headers) = @_;
	my $answer = $self->ask('sign', key => $key, alg => $alg, claims => $claims, headers => \%headers);

	return $answer->{token} // die "sign: $answer->{error}";
}

# Header and payload are texts, or what becomes JSON, where '%null%' is null; without a key there
# is no signature.
sub raw
{
	my ($self, $key, $alg, $header, $payload) = @_;
	my $answer = $self->ask('raw', (defined $key ? (key => $key, alg => $alg) : ()),
		map { ref ? json($_) =~ s/"%null%"/null/gr : $_ } (header => $header, payload => $payload));

	return $answer->{token} // die "raw: $answer->{error}";
}

sub stop
{
	my ($self) = @_;

	$self->{run}->signal('KILL');
	eval { $self->{run}->finish };
	return;
}

# ----------------------------------------------------------------- clusters

# The service's own instance "acme-home", of company acme.
sub make_service
{
	my ($node, $database) = @_;

	make_instance($node, $database, closed => 1);
	$node->safe_psql($database, <<END);
SELECT bestauth.open_instance('acme-home');
SELECT bestauth.create_company('acme', 'ACME Billing, Inc.');
SELECT bestauth.register_billing_service('acme');
SELECT bestauth.create_user('joan', 'restricted', 'Joan', 'Biller', 'joan\@acme.example', '${password}joan', company => 'acme');
END
	return;
}

# A customer's instance: company goodtherapy has the key acme-claims; with the public key of
# acme's own instance, or none.
sub make_customer
{
	my ($node, $database, $instance, $public_key) = @_;

	make_instance($node, $database, closed => 1);
	$node->safe_psql($database, <<END);
SELECT bestauth.open_instance('$instance');
SELECT bestauth.create_company('goodtherapy', 'Good Therapy, Inc.');
SELECT bestauth.create_company('acme', 'ACME Billing, Inc.');
SELECT bestauth.register_billing_service('acme', @{[ literal($public_key) ]});
SELECT bestauth.create_user('acme-claims', 'billing', 'ACME', 'claims', password => '${password}claims',
	billing_service => 'acme', permissions => '{claims,manage_users}', company => 'goodtherapy');
END
	return;
}

# The cluster, and the directory of its private keys.
sub start_home
{
	my ($name, %params) = @_;
	my $keys = PostgreSQL::Test::Utils::tempdir() . "/keys_of_$name";
	my $node;

	mkdir $keys, 0700 or die "$keys: $!";
	$node = start_node($name, %params, conf => "bestauth.sso_key_directory = '$keys'\n" . ($params{conf} // ''));
	make_service($node, 'postgres');
	return ($node, $keys);
}

sub start_endpoint
{
	my ($name, $public_key, %params) = @_;
	my $node = start_node($name, %params);

	make_customer($node, 'postgres', 'endpoint', $public_key);
	return $node;
}

# -------------------------------------------------------------------- calls

# The only row of a query, by the names of its columns: NULL is undef.
sub row
{
	my ($client, $sql) = @_;
	my ($out, $err) = $client->query("SELECT to_jsonb(t) FROM ($sql) t;");

	die "$sql: $err" if $err ne '';
	return $out eq '' ? undef : from_json($out);
}

# The SQLSTATE that a statement comes to, or what it returns.
sub raised
{
	my ($client, $sql) = @_;
	my ($out, $err) = $client->query("\\set VERBOSITY sqlstate\n$sql\n\\set VERBOSITY default");

	return $err =~ /(?:ERROR|FATAL): +(\w{5})/ ? $1 : $out;
}

# A session of a person's own.
sub own_session
{
	my ($client, $username, $company) = @_;

	return row($client, "SELECT * FROM bestauth.login('@{[ $company // 'acme' ]}', '$username', '$password$username')")->{session_token};
}

# What the session's person is vouched for with, or the SQLSTATE of why not.
sub issue
{
	my ($client, $session, $audience, $nonce) = @_;
	my $out = raised($client, <<END);
BEGIN;
SELECT FROM bestauth.use_session(@{[ literal($session) ]});
SELECT bestauth.issue_sso_assertion(@{[ literal($audience) ]}, @{[ literal($nonce) ]});
COMMIT;
END
	return $out =~ /^(ey\S+)$/m ? $1 : $out;
}

# Part one with a key: a challenge.
sub first_part
{
	my ($client, $company, $key) = @_;

	return row($client, "SELECT * FROM bestauth.login('@{[ $company // 'goodtherapy' ]}', '@{[ $key // 'acme-claims' ]}', '${password}claims')");
}

# Part two by an assertion.
sub sso
{
	my ($client, $challenge, $assertion) = @_;

	return row($client, "SELECT * FROM bestauth.login_second_part_sso(@{[ literal($challenge->{challenge_token}) ]}, @{[ literal($assertion) ]}, '192.0.2.7', 'a browser')");
}

sub renew
{
	my ($client, $session, $assertion) = @_;

	return row($client, "SELECT * FROM bestauth.renew_session_sso(@{[ literal($session) ]}, @{[ literal($assertion) ]}, '192.0.2.7', 'a browser')");
}

# Why the last one was denied.
sub last_reason
{
	my ($client) = @_;

	return scalar $client->query(q{SELECT detail ->> 'reason' FROM bestauth.audit_log WHERE outcome = 'denied' ORDER BY audit_id DESC LIMIT 1;});
}

# ------------------------------------------------------------- one after the other

my ($challenge, $left);

# A challenge of goodtherapy's that something may be tried at: where lockout_threshold is 100 it
# does for many.
sub challenge
{
	my ($client) = @_;

	if (!$left)
	{
		$challenge = first_part($client);
		$left = 90;
	}
	$left--;
	return $challenge;
}

# The one of before is used, or locked.
sub used_up
{
	$left = 0;
	return;
}

# The token is denied, for this reason, and all that is left of it is one row without it.
sub denied
{
	my ($client, $what, $token, $reason) = @_;
	my $before = $client->query('SELECT max(audit_id) FROM bestauth.audit_log;');
	my $parts = join ', ', map { literal(substr $_, 0, 40) } grep { length >= 16 } split /\./, $token;
	my $login = sso($client, $challenge, $token);

	is($client->query(<<"END"), "login.denied denied goodtherapy acme-claims acme t $reason", "$what: denied");
SELECT concat_ws(' ', action, outcome, company_code, username, billing_service_code,
	NOT EXISTS (SELECT FROM unnest(ARRAY[$parts]::text[]) part WHERE strpos(t::text, part) > 0), detail ->> 'reason')
FROM bestauth.audit_log t WHERE audit_id > $before;
END
	is_deeply([ grep { defined $login->{$_} } sort keys %$login ], ['outcome'], "$what: and nothing is said of it");
	$left = 0 if $login->{outcome} ne 'denied';
	return;
}

# The token is good; what the login came to.
sub accepted
{
	my ($client, $what, $token) = @_;
	my $login = sso($client, $challenge, $token);

	is($login->{outcome}, 'authenticated', "$what: accepted") or diag last_reason($client);
	$left = 0 if $login->{outcome} eq 'authenticated';
	return $login;
}

# ------------------------------------------------------------- tokens by the thousand

my ($fuzz_tool, $fuzz_client);
my %fuzz_header = (alg => 'ES256', kid => 'home', typ => 'sso-assertion+jwt');
my $ids = 0;

# An endpoint that trusts a service's key "home" and a provider's "idp": its server, the tool that
# has both keys, a connection, and the header of an assertion.
sub fuzz_start
{
	my $node = start_node('fuzz', conf => "bestauth.lockout_threshold = 100\nfsync = off");
	my $tool = tokens_start();
	my %key = (home => $tool->key('home', 'P-256', kid => 'home', alg => 'ES256', iss => 'home/acme'), idp => $tool->key('idp', 'RSA', kid => 'idp', alg => 'RS256'));
	my $client;

	make_customer($node, 'postgres', 'endpoint', json($key{home}{jwk}));
	$client = connect_to($node->connstr('postgres'));
	$client->query(<<"END");
SELECT bestauth.trust_sso_key('acme', '@{[ json($key{idp}{jwk}) ]}', 'https://idp.example', '{"audience": "endpoint/goodtherapy", "user_type": "user_type", "restricted": "restricted"}');
END
	($fuzz_tool, $fuzz_client) = ($tool, $client);
	return ($node, $tool, $client, %fuzz_header);
}

# The claims of a good assertion, changed.
sub claims
{
	my (%changed) = @_;
	my $now = int time;

	return { iss => 'home/acme', sub => 'subject-1', aud => 'endpoint/goodtherapy', nonce => challenge($fuzz_client)->{challenge_id}, iat => $now, exp => $now + 240,
		jti => 'id-' . ++$ids, preferred_username => 'joan', user_type => 'restricted', %changed };
}

sub good
{
	return $fuzz_tool->raw('home', 'ES256', \%fuzz_header, claims());
}

1;
