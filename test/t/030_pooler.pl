# [D-01] Behind a pooler that hands one server connection from client to client, no
# client has the identity of the one before.
#
# Not in pg_regress: it takes PgBouncer, in transaction mode with a pool of one
# connection, and several clients of it at once.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $password = 'the right password of this test';
my ($pgbouncer) = grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin';
die 'pgbouncer is not installed' unless $pgbouncer;

my $node = start_node('pooled');
my (%token, %user_id);

make_instance($node, 'postgres');
$node->safe_psql('postgres', <<'END');
CREATE ROLE app LOGIN;
SELECT bestauth.grant_access('app', 'application');
SELECT bestauth.create_company('pooler', 'Pooler');
CREATE TABLE patient (company_id uuid);
INSERT INTO patient SELECT company_id FROM bestauth.company;
ALTER TABLE patient ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON patient USING (bestauth.can_access_company(company_id));
GRANT SELECT ON patient TO app;
END
for my $name ('anna', 'bela')
{
	$user_id{$name} = $node->safe_psql('postgres', <<END);
SELECT bestauth.create_user('$name', 'standard', 'Given', 'Name', '$name\@example.org',
	password => '$password', permissions => '{claims}', company => 'pooler');
END
	$token{$name} = $node->safe_psql('postgres',
		"SELECT session_token FROM bestauth.login('pooler', '$name', '$password')");
}

# Starts a pooler; returns it and how clients reach it.
sub start_pooler
{
	my ($settings) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir_short();
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my ($host, $server) = ($node->host, $node->port);
	my $log = '';
	my ($run, $connstr);

	append_to_file("$dir/users", qq("app" ""\n));
	append_to_file("$dir/pgbouncer.ini", <<END);
[databases]
postgres = host=$host port=$server dbname=postgres user=app
[pgbouncer]
listen_addr =
listen_port = $port
unix_socket_dir = $dir
auth_type = trust
auth_file = $dir/users
pool_mode = transaction
default_pool_size = 1
max_db_connections = 1
$settings
END
	$run = IPC::Run::start([ $pgbouncer, "$dir/pgbouncer.ini" ], '<', \'', '>', \$log, '2>&1',
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	$connstr = "host=$dir port=$port dbname=postgres user=app";
	for (1 .. 100)
	{
		last if -S "$dir/.s.PGSQL.$port";
		select undef, undef, undef, 0.1;
	}
	return ($run, $connstr);
}

# What a client without a session must see, behind its connection's pid.
my $nobody = '|f|0|f|{}|0';
my $who = <<'END';
SELECT bestauth.current_user_id(), bestauth.has_permission('claims'),
	(SELECT count(*) FROM patient), bestauth.current_session_id() IS NOT NULL,
	bestauth.accessible_company_ids(),
	num_nonnulls(bestauth.current_person_id(), bestauth.current_company_id(), bestauth.current_billing_service_id());
END
my $pid = 'SELECT pg_backend_pid();';

sub use_session
{
	my ($name) = @_;

	return "SELECT length(user_id::text) FROM bestauth.use_session('$token{$name}');";
}

sub test_pooler
{
	my ($way, $settings) = @_;
	my ($pooler, $connstr) = start_pooler($settings);
	my $anna = connect_to($connstr);
	my $bela = connect_to($connstr);
	my ($server, $out, $err);

	# After a transaction that went well.
	$anna->query('BEGIN;');
	is($anna->query(use_session('anna')), '36', "$way: A uses a session");
	is($anna->query($who) =~ s/\{.*\}/{}/r, "$user_id{anna}|t|1|t|{}|2", "$way: A has an identity");
	$server = $anna->query($pid);
	$anna->query('COMMIT;');
	is($bela->query($who), $nobody, "$way: after A's COMMIT, B is nobody");
	is($bela->query($pid), $server, "$way: B is in the same server process");
	is($anna->query($who), $nobody, "$way: and A is nobody in the next transaction");

	# What a session sets the pooler does carry over, unless it resets.
	$anna->query("SET work_mem = '7MB';");
	is($bela->query('SHOW work_mem;') eq '7MB' ? 'shared' : 'reset', $way eq 'no reset' ? 'shared' : 'reset',
		"$way: settings of A's are what one expects of the pooler");

	# A transaction of B's own, without a session.
	is($bela->query("BEGIN; $who ROLLBACK;"), $nobody, "$way: B is nobody in a transaction block");

	# After an error.
	$anna->query('BEGIN;');
	$anna->query(use_session('anna'));
	(undef, $err) = $anna->query('SELECT 1 / 0;');
	like($err, qr/division by zero/, "$way: A's transaction fails");
	$anna->query('ROLLBACK;');
	is($bela->query($who), $nobody, "$way: after A's error, B is nobody");
	is($bela->query($pid), $server, "$way: in the same server process");

	# Outside a transaction block: the warning says that it ends with the statement.
	(undef, $err) = $anna->query(use_session('anna'));
	like($err, qr/ends with this statement/, "$way: without BEGIN, A is warned");
	is($bela->query($who), $nobody, "$way: B is nobody");
	is($bela->query($pid), $server, "$way: in the same server process");

	# Both in turn: to each their own, though the process remembers both sessions.
	for my $name ('bela', 'anna', 'bela')
	{
		my $client = $name eq 'anna' ? $anna : $bela;

		$client->query('BEGIN;');
		$client->query(use_session($name));
		is($client->query('SELECT bestauth.current_user_id();'), $user_id{$name}, "$way: $name is $name");
		is($client->query($pid), $server, "$way: in the same server process");
		$client->query('COMMIT;');
	}

	# DISCARD ALL, by whoever comes next.
	$anna->query('BEGIN;');
	$anna->query(use_session('anna'));
	$anna->query('COMMIT;');
	$bela->query('DISCARD ALL;');
	is($bela->query($who), $nobody, "$way: after DISCARD ALL, B is nobody");
	$anna->query('BEGIN;');
	$anna->query(use_session('anna'));
	is($anna->query($who) =~ s/\{.*\}/{}/r, "$user_id{anna}|t|1|t|{}|2", "$way: A's session is as good as before");
	$anna->query('COMMIT;');

	# A goes in the middle of a transaction.
	$anna->query('BEGIN;');
	$anna->query(use_session('anna'));
	$anna->vanish;
	is($bela->query($who), $nobody, "$way: after A vanished in a transaction, B is nobody");
	note "$way: B is in ", $bela->query($pid) eq $server ? 'the same' : 'another', ' server process then';
	$bela->quit;
	$pooler->signal('INT');
	eval { $pooler->finish };
	return;
}

test_pooler('no reset', "server_reset_query =\nserver_reset_query_always = 0");
test_pooler('DISCARD ALL', "server_reset_query = DISCARD ALL\nserver_reset_query_always = 1");

$node->stop;
done_testing();
