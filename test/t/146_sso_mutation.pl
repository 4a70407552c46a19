# Tokens that are broken by chance: each is denied, and the backend is what it was.
#
# Not in pg_regress: it takes another program, and looks at the same backends all the while.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use PostgreSQL::Test::Utils;
use SsoTest qw(:DEFAULT fuzz_start claims good);
use Test::More;

my $missing = sso_missing();

plan(skip_all => $missing) if $missing;

my ($node, $tool, $client) = fuzz_start();
my @others = map { connect_to($node->connstr('postgres')) } 1 .. 6;
my ($backend, @backends) = map { scalar $_->query('SELECT pg_backend_pid();') } $client, @others;

# So many mutations of good tokens, from a seed: every one is denied, and each leaves its row. On
# several connections, since each has to wait for what it leaves.
sub mutations
{
	my ($kid, $rounds, $seed) = @_;
	my $before = $client->query('SELECT max(audit_id) FROM bestauth.audit_log;');
	my $rows = 0;
	my %reasons;

	for my $round (1 .. $rounds)
	{
		my (@challenges, @good, @tokens);

		for my $n (0 .. $#others)
		{
			SsoTest::used_up();
			push @challenges, challenge($client);
			push @good, $kid eq 'home' ? good() : $tool->raw('idp', 'RS256', { alg => 'RS256', kid => 'idp' }, claims(iss => 'https://idp.example'));
			push @tokens, $tool->ask('mutate', token => $good[-1], seed => $seed + 10 * $round + $n, count => 84)->{tokens};
		}
		$others[$_]->send_sql("SELECT outcome, count(*), count(session_token) FROM unnest(ARRAY[@{[ join ', ', map { literal($_) } @{ $tokens[$_] } ]}]) token,"
			  . " LATERAL bestauth.login_second_part_sso('$challenges[$_]{challenge_token}', token) GROUP BY outcome;") for 0 .. $#others;
		for (0 .. $#others)
		{
			is(join('', $others[$_]->answers), 'denied|84|0', "$kid, round $round, $_: every one is denied") or note json($tokens[$_]);
			is(sso($others[$_], $challenges[$_], $good[$_])->{outcome}, 'authenticated', "$kid, round $round, $_: and the one that they are made of is good") or note $good[$_];
		}
	}
	for (split /\n/, $client->query("SELECT detail ->> 'reason', count(*) FROM bestauth.audit_log WHERE audit_id > $before AND action = 'login.denied' GROUP BY 1;"))
	{
		my ($reason, $seen) = split /\|/;

		$reasons{$reason} = $seen;
		$rows += $seen;
	}
	note explain \%reasons;
	is($rows, 84 * @others * $rounds, "$kid: $rows mutations, as many rows");
	is_deeply([ grep { !/^(?:assertion (?:is no signed token|names no key|asks for an extension|is too long|is signed by another algorithm than its key's)|key of the assertion is not trusted|signature of the assertion is wrong|token is no assertion)$/ } keys %reasons ],
		[], "$kid: what is not signed is not looked at further");
	return;
}

mutations('home', 3, 1_000);
mutations('idp', 1, 2_000);
is(join(' ', map { scalar $_->query('SELECT pg_backend_pid();') } $client, @others), "$backend @backends", 'they were the same backends all the while');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP:/, 'and no process has crashed');
$tool->stop;
$_->quit for $client, @others;
$node->stop;
done_testing();
