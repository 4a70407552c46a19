# Nobody sets an identity or a limit but the extension itself, by whatever way a
# setting can come in; and nothing that it says puts a secret into the server's log.
#
# Not in pg_regress: it takes what a connection brings along, settings of roles and
# databases, a configuration file, and all of it before the library is loaded, with
# and without preload; and it reads the server's log.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $password = 'the right password of this test';

# What a connection of the application is: user, permission, company, limits.
my $who = <<'END';
SELECT coalesce(bestauth.current_user_id()::text, 'nobody'), bestauth.has_permission('claims'),
	cardinality(bestauth.accessible_company_ids()), current_setting('bestauth.lockout_threshold'),
	current_setting('bestauth.session_idle_limit')
END
my $nobody = 'nobody|f|0|3|10min';

sub prepare
{
	my ($node) = @_;

	make_instance($node, 'postgres');
	$node->safe_psql('postgres', <<END);
CREATE ROLE app LOGIN;
CREATE ROLE setter LOGIN;
SELECT bestauth.grant_access('app', 'application'), bestauth.grant_access('setter', 'application');
SELECT bestauth.create_company('identity', 'Identity');
SELECT bestauth.create_user('anna', 'standard', 'Given', 'Name', 'anna\@example.org',
	password => '$password', permissions => '{claims}', company => 'identity');
CREATE TABLE many AS SELECT i FROM generate_series(1, 20000) i;
GRANT SELECT ON many TO app;
ANALYZE many;
END
	return;
}

# The text of a good identity, which a caller who reads the source can put together:
# ids, service or not, end, names with their lengths, permissions, companies.
sub forge
{
	my ($node) = @_;
	my ($user, $company) = split /\|/, $node->safe_psql('postgres', <<'END');
SELECT replace(user_id::text, '-', ''), replace(company_id::text, '-', '')
FROM bestauth.user_account WHERE username = 'anna'
END
	my $field = sub { length($_[0]) . ":$_[0]" };

	return "$user$user$user$company" . '0' x 32 . '0 999999999999999 '
	  . join('', map { $field->($_) } 'standard', 'anna', 'anna', 'identity', '', '')
	  . '1 ' . $field->('claims') . "1 $company";
}

# One connection with settings of its own, as the role given. A server may refuse it
# altogether; what it may not is to believe it.
sub connect_with
{
	my ($node, $role, $options, $sql) = @_;
	my ($out, $err);

	local $ENV{PGOPTIONS} = $options;
	(undef, $out, $err) = $node->psql('postgres', $sql, extra_params => [ '-U', $role ], on_error_stop => 0);
	return $err =~ /FATAL|ERROR: +connection must not bring setting/ ? 'refused' : $out;
}

sub is_nobody
{
	my ($got, $what) = @_;

	like($got, qr/^(?:refused|\Q$nobody\E)$/, $what);
	return;
}

# [D-05] What a connection, a role, a database or a file brings along.
sub brought_along
{
	my ($node, $with) = @_;
	my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
	my $forged = forge($node);
	my $escaped = $forged =~ s/ /\\ /gr;

	for my $role ('app', $superuser)
	{
		is_nobody(connect_with($node, $role, "-c bestauth.identity=$_", $who), "$with: PGOPTIONS of $role, identity")
		  for 'x', $escaped;
	}
	# [C-10] [D11] The limits that count are the server's, whatever the connection brings.
	is_nobody(connect_with($node, 'app', '-c bestauth.lockout_threshold=100 -c bestauth.session_idle_limit=30d', $who),
		"$with: PGOPTIONS of the application, limits");
	is_nobody(connect_with($node, 'app', '-c bestauth.lockout_threshold=1 -c bestauth.session_idle_limit=1', $who),
		"$with: PGOPTIONS of the application don't bring the built-in limits back either");
	is_nobody(connect_with($node, 'app', '-c bestauth.lockout_threshold=1 -c bestauth.session_idle_limit=1',
			"SET bestauth.lockout_threshold = 1; SET bestauth.session_idle_limit = 1;\n$who"),
		"$with: nor do PGOPTIONS and a SET on top of them");

	# What the superuser sets for a role or a database is believed, but not an identity.
	for my $of ('ROLE setter', 'DATABASE postgres', 'ROLE setter IN DATABASE postgres')
	{
		my $set = sqlstate($node, 'postgres', "ALTER $of SET bestauth.identity = '$forged'");

		note "$with: ALTER $of SET bestauth.identity: ", $set || 'done';
		is_nobody(connect_with($node, 'setter', '', $who), "$with: $of, identity");
		$node->safe_psql('postgres', "ALTER $of RESET bestauth.identity");
	}
	is(connect_with($node, 'setter', '', "ALTER ROLE setter SET bestauth.lockout_threshold = 100;\n$who"), $nobody,
		"$with: the application gives itself a limit");
	is_nobody(connect_with($node, 'setter', '', $who), "$with: which is not there in its next connection");
	$node->safe_psql('postgres', 'ALTER ROLE setter RESET ALL');

	$node->append_conf('postgresql.conf', "bestauth.identity = '$forged'");
	$node->restart;
	is_nobody(connect_with($node, 'app', '', $who), "$with: configuration file, identity");
	$node->adjust_conf('postgresql.conf', 'bestauth.identity', undef);
	$node->restart;
	return;
}

# [D-05] What a session sets itself, before the library is loaded and after.
sub set_in_session
{
	my ($node, $with) = @_;
	my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
	my $forged = forge($node);
	# the first call loads the library
	my $load = 'SELECT bestauth.current_user_id() IS NULL';
	my %sql = (
		'SET' => "SET bestauth.identity = '$forged'; $who;",
		'set_config' => "SELECT set_config('bestauth.identity', '$forged', false) = ''; $who;",
		'SET LOCAL' => "BEGIN; SET LOCAL bestauth.identity = '$forged'; $who; COMMIT;",
		'SET in savepoints' => "BEGIN; SET LOCAL bestauth.identity = '$forged'; SAVEPOINT s;"
		  . " SET LOCAL bestauth.identity = '$forged'; $load; ROLLBACK TO s; $who; COMMIT;",
		'SET, then SET LOCAL' => "SET bestauth.identity = '$forged'; BEGIN;"
		  . " SET LOCAL bestauth.identity = 'x'; $load; COMMIT; $who;",
		'limits' => "SET bestauth.lockout_threshold = 100; SET bestauth.session_idle_limit = '30d'; $who;",
	);
	my ($out, $err);

	for my $way (sort keys %sql)
	{
		for my $role ('app', $way eq 'limits' ? () : $superuser)
		{
			for my $first ('', "$load;\n")
			{
				my $when = $first ? 'loaded' : 'not loaded yet';

				(undef, $out) = $node->psql('postgres', "$first$sql{$way}",
					extra_params => [ '-U', $role ], on_error_stop => 0);
				unlike($out, qr/-.*\|t\||\|100\||30d/, "$with, $when: $way by $role is not believed");
				# in a block the first refusal may end everything
				like($out, qr/^\Q$nobody\E$/m, "$with, $when: $way, and is nobody") if $sql{$way} !~ /BEGIN/;
			}
		}
	}

	# A parallel worker takes over what its leader has; it loads the library by itself.
	for my $role ('app', $superuser)
	{
		(undef, $out) = $node->psql('postgres', <<END, extra_params => [ '-U', $role ], on_error_stop => 0);
SET bestauth.identity = '$forged';
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET parallel_leader_participation = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM many WHERE i > 0;
SELECT count(*) || ' rows' FROM many WHERE bestauth.has_permission(CASE WHEN i > 0 THEN 'claims' END);
$who;
END
		like($out, qr/Gather/, "$with: a plan with parallel workers");
		like($out, qr/^0 rows$/m, "$with: a worker does not believe what $role set either");
		like($out, qr/^\Q$nobody\E$/m, "$with: nor does the leader");
	}

	# Loaded, every name is refused, of those there are and of those there are not.
	(undef, $out, $err) = $node->psql('postgres', <<'SQL', extra_params => [ '-U', 'app' ], on_error_stop => 0);
SELECT bestauth.current_user_id() IS NULL;
DO $$
DECLARE
	s text;
	tried integer := 0;
BEGIN
	FOR s IN SELECT name FROM pg_settings WHERE name LIKE 'bestauth.%'
		UNION ALL VALUES ('bestauth.identity'), ('bestauth.pepper_file'), ('bestauth.nonsense')
	LOOP
		BEGIN
			PERFORM set_config(s, CASE WHEN s LIKE '%limit' THEN '31' ELSE '99' END, false);
			RAISE WARNING 'setting % was let through', s;
		EXCEPTION WHEN insufficient_privilege OR cant_change_runtime_param OR invalid_name THEN
			tried := tried + 1;
		END;
	END LOOP;
	RAISE NOTICE '% settings refused', tried;
END
$$;
SQL
	unlike($err, qr/let through/, "$with: no setting of bestauth can be set by the application");
	like($err, qr/\b[12][0-9] settings refused/, "$with: all were tried");

	# and a real identity is neither shown nor kept by saying it again
	my $token = $node->safe_psql('postgres', "SELECT session_token FROM bestauth.login('identity', 'anna', '$password')");
	(undef, $out) = $node->psql('postgres', <<END, extra_params => [ '-U', 'app' ], on_error_stop => 0);
BEGIN;
SELECT length(user_id::text) FROM bestauth.use_session('$token');
SELECT current_setting('bestauth.identity');
SELECT set_config('bestauth.identity', current_setting('bestauth.identity'), false);
ROLLBACK;
$who;
END
	like($out, qr/^36$/m, "$with: a session is used");
	unlike($out, qr/anna|[0-9a-f]{32}/, "$with: its identity is not shown");
	like($out, qr/^\Q$nobody\E$/m, "$with: and does not last");
	return;
}

# ---------------------------------------------------------------- the server's log

# The log in entries: [ severity, text ].
sub entries
{
	my ($log) = @_;
	my @entries;

	for my $line (split /\n/, $log)
	{
		if ($line =~ /^\d{4}-\d\d-\d\d \S+ \S+ \[\d+\] .*?\b([A-Z]+):  (.*)/)
		{
			push @entries, [ $1, $2 ];
		}
		elsif (@entries)
		{
			$entries[-1][1] .= "\n$line";
		}
	}
	return @entries;
}

# [J-06] Every way to call with a secret, right and wrong.
sub log_holds_no_secret
{
	my ($node, $with) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $position = log_position($node);
	my $login = sub { "SELECT session_token FROM bestauth.login('identity', 'anna', '$_[0]')" };
	my %secret = (
		right => $password,
		wrong => 'a wrong password of this test',
		short => 'zq7short',
		'not a token' => 'bas_ThisIsNoTokenThatThereWouldBe',
	);
	my ($out, $err, $log, @entries, $number);
	my @calls;

	$secret{session} = $node->safe_psql('postgres', $login->($password));
	$node->safe_psql('postgres', <<'END');
SELECT bestauth.create_user('bela', 'standard', 'Given', 'Name', 'bela@example.org', company => 'identity');
SELECT bestauth.create_portal('identity', 'patients', 'client', 'Patients');
END
	$secret{link} = $node->safe_psql('postgres', 'SELECT token FROM bestauth.claim_mail()');

	# Secrets as literals: the statement itself is logged with an error, as every
	# server does by default; whatever bestauth says must not have them.
	@calls = (
		$login->($secret{right}), $login->($secret{wrong}),
		"SELECT 1 / (outcome <> 'denied')::int FROM bestauth.login('identity', 'anna', '$secret{wrong}')",
		"SELECT bestauth.login('identity', NULL, '$secret{wrong}')",
		"SELECT bestauth.login('identity', 'anna', repeat('$secret{wrong}', 100))",
		"SELECT * FROM bestauth.use_session('$secret{session}')",
		"SELECT * FROM bestauth.use_session('$secret{'not a token'}')",
		"BEGIN; SELECT * FROM bestauth.use_session('$secret{session}'); SELECT bestauth.create_company('x', 'X'); ROLLBACK",
		"SELECT bestauth.set_password('$secret{link}', '$secret{short}')",
		"SELECT bestauth.set_password('$secret{'not a token'}', '$secret{wrong}')",
		"SELECT bestauth.create_user('cilla', 'standard', 'Given', 'Name', 'c\@example.org', password => '$secret{short}', company => 'identity')",
		"SELECT bestauth.register_portal_account('identity', 'patients', 'p\@example.org', '$secret{short}', 'Given', 'Name')",
		"SELECT bestauth.register_portal_account('identity', 'nowhere', 'p\@example.org', '$secret{wrong}', 'Given', 'Name')",
		"SELECT bestauth.register_portal_account('identity', 'patients', 'p\@example.org', '$secret{wrong}', 'Given', 'Name')",
		"SELECT 1 / (bestauth.peek_verification('$secret{link}') = 'valid')::int, 1 / (bestauth.verify_email('$secret{'not a token'}') = 'accepted')::int",
		"SELECT bestauth.create_user('anna', 'standard', 'Given', 'Name', 'a\@example.org', password => '$secret{wrong}', company => 'identity')",
		"SELECT * FROM bestauth.login_second_part('$secret{'not a token'}', 'anna', '$secret{wrong}')",
		"SELECT * FROM bestauth.login_second_part_session('$secret{'not a token'}', '$secret{session}')",
		"DO \$\$ DECLARE t text := '$secret{link}'; p text := '$secret{short}'; BEGIN PERFORM bestauth.set_password(t, p); END \$\$",
	);
	(undef, $out, $err) = $node->psql('postgres', join(";\n", "\\set VERBOSITY verbose\nSELECT 1", @calls) . ';', on_error_stop => 0);
	$err =~ s/^(?:LINE \d+:|STATEMENT:|QUERY:).*//mg;
	$err =~ s/^\s+\^$//mg;
	$log = log_since($node, $position);
	@entries = entries($log);
	cmp_ok(scalar(grep { $_->[0] eq 'ERROR' } @entries), '>=', 7, "$with: the calls raise errors");
	$log = join "\n", map { $_->[1] } grep { $_->[0] ne 'STATEMENT' } @entries;
	for my $what (sort keys %secret)
	{
		unlike($log, qr/\Q$secret{$what}\E/, "$with: no message in the log has the secret: $what");
		unlike($err, qr/\Q$secret{$what}\E/, "$with: nor has one to the client");
	}

	# Secrets as parameters, as a driver sends them: not a word of them in the log.
	$position = log_position($node);
	$number = 0;
	for my $call (
		"SELECT 1 / (outcome <> 'denied')::int FROM bestauth.login('identity', 'anna', :wrong)",
		'SELECT * FROM bestauth.use_session(:nonsense)',
		'SELECT bestauth.set_password(:link, :short)',
		"SELECT bestauth.register_portal_account('identity', 'patients', 'q\@example.org', :short, 'Given', 'Name')",
		"SELECT bestauth.create_user('cilla', 'standard', 'Given', 'Name', 'c\@example.org', password => :short, company => 'identity')")
	{
		my $script = "$dir/bound" . $number++ . '.sql';

		append_to_file($script, "$call;\n");
		IPC::Run::run([ 'pgbench', '-n', '-M', 'extended', '-c', 1, '-t', 1, '-f', $script,
				'-D', "wrong=$secret{wrong}", '-D', "nonsense=$secret{'not a token'}",
				'-D', "link=$secret{link}", '-D', "short=$secret{short}", $node->connstr('postgres') ],
			'>', \$out, '2>', \$err);
	}
	$log = log_since($node, $position);
	@entries = grep { $_->[0] eq 'ERROR' } entries($log);
	is(scalar @entries, 5, "$with, parameters: each call raises an error");
	unlike($log, qr/\Q$secret{$_}\E/, "$with, parameters: the log has not the secret: $_") for sort keys %secret;
	return;
}

for my $preload (0, 1)
{
	my $with = $preload ? 'preloaded' : 'not preloaded';
	my $node = start_node($preload ? 'preloaded' : 'plain', preload => $preload, conf => <<END);
bestauth.lockout_threshold = 3
bestauth.session_idle_limit = 10min
END

	prepare($node);
	brought_along($node, $with);
	set_in_session($node, $with);
	log_holds_no_secret($node, $with);
	$node->stop;
}

done_testing();
