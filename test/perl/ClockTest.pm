# What the tests of the clock share: a server with a clock of its own, users and their
# logins in it, and transactions that use a session.
package ClockTest;

use strict;
use warnings;

use BestauthTest;
use Exporter 'import';
use FakeClock;
use Time::HiRes 'usleep';

our @EXPORT = qw($node $clock $right $wrong start_server sql client ask fresh make_user login_sql
  session_of challenge_of link_of last_reason use_in use_fresh both);

our ($node, $clock);
our $right = 'the right password of this test';
our $wrong = 'a wrong password of this test';

# Its instance has a company and a service, "clock" and "clock-service".
sub start_server
{
	my ($name, $start, %params) = @_;

	$clock = FakeClock->new($start);
	local %ENV = (%ENV, $clock->environment);
	$node = start_node($name, %params);
	make_instance($node, 'postgres');
	sql(<<'END');
SELECT bestauth.create_company('clock', 'Clock'), bestauth.create_company('clock-service', 'Clock Service');
SELECT bestauth.register_billing_service('clock-service');
END
	return;
}

sub sql
{
	my ($sql) = @_;

	return $node->safe_psql('postgres', $sql);
}

sub client
{
	my $client = connect_to($node->connstr('postgres'));

	$client->query('\set VERBOSITY sqlstate');
	return $client;
}

# What a kept connection gets: lines in one, or the SQLSTATE of the first error.
sub ask
{
	my ($client, $sql) = @_;
	my ($out, $err) = $client->query($sql);

	return $1 if $err =~ /(?:ERROR|FATAL): +(\w{5})/;
	return join ' ', grep { length } split /\n/, $out;
}

sub fresh
{
	my ($sql) = @_;
	my $client = client();
	my $answer = ask($client, $sql);

	$client->quit;
	return $answer;
}

sub make_user
{
	my ($name, $more, $type) = @_;

	sql("SELECT bestauth.create_user('$name', '@{[ $type // 'standard' ]}', 'Given', 'Name', '$name\@example.org', "
		  . ($more // "password => '$right', company => 'clock'") . ')');
	return;
}

sub login_sql
{
	my ($name, $password, $company) = @_;

	return "SELECT outcome FROM bestauth.login('@{[ $company // 'clock' ]}', '$name', '@{[ $password // $right ]}');";
}

sub session_of
{
	my ($name, $company) = @_;

	return sql("SELECT session_token FROM bestauth.login('@{[ $company // 'clock' ]}', '$name', '$right')");
}

sub challenge_of
{
	my ($name, $password) = @_;

	return sql("SELECT challenge_token FROM bestauth.login('clock', '$name', '@{[ $password // $right ]}')");
}

# The token of the set-up link that went to a user.
sub link_of
{
	my ($name) = @_;

	return sql(<<END);
SELECT token FROM bestauth.claim_mail(1000), LATERAL bestauth.confirm_mail(message_id) c
WHERE recipient = '$name\@example.org'
END
}

sub last_reason
{
	my ($name) = @_;

	return sql(<<END);
SELECT detail ->> 'reason' FROM bestauth.audit_log WHERE action = 'login.denied' AND username = '$name'
ORDER BY audit_id DESC LIMIT 1
END
}

sub last_used
{
	my ($token) = @_;

	return sql(<<END);
SELECT extract(epoch FROM last_used_at) FROM bestauth.session_use JOIN bestauth.session USING (session_id)
WHERE token_hash = sha256(convert_to('$token', 'UTF8'))
END
}

# Until the writers are done: the use of a session is noted by one, which nobody waits for.
# One more, that is waited for, makes sure that it was started.
sub settle
{
	ask($_[0], "SELECT * FROM bestauth.use_session('bas_nobody');");
	usleep(50_000);
	$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'bestauth writer'})
	  or die 'the writers do not end';
	return;
}

# One transaction that uses a session, and is rolled back: "in", "in, written" or the SQLSTATE.
# In READ ONLY it can't write.
sub use_in
{
	my ($client, $token, $mode) = @_;
	my $before = last_used($token);
	my $answer = ask($client, <<END);
BEGIN @{[ $mode // '' ]};
SELECT 'in' FROM bestauth.use_session('$token');
ROLLBACK;
END

	settle($client) unless $mode;
	return $answer eq 'in' && last_used($token) ne $before ? 'in, written' : $answer;
}

sub use_fresh
{
	my ($token, $mode) = @_;
	my $client = client();
	my $answer = use_in($client, $token, $mode);

	$client->quit;
	return $answer;
}

# Asked in READ ONLY, which is no use: in a connection that knows the session, and in a
# fresh one.
sub both
{
	my ($client, $token) = @_;

	return use_in($client, $token, 'READ ONLY') . ' ' . use_fresh($token, 'READ ONLY');
}

1;
