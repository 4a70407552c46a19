# What the C code leaves behind in a backend: no memory, no lock, no snapshot, no other
# user or path, no broken index, and no secret.
#
# Not in pg_regress: it counts memory and reads that of another process, cancels calls at
# any moment, reads the server's log, and runs pg_amcheck.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use Digest::SHA qw(hmac_sha384);
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Utils;
use RawClient;
use Test::More;
use Time::HiRes qw(sleep time);

my $password = 'the right password of this test';
my $node = start_node('backend', preload => 1, conf => <<'END');
shared_buffers = 4MB
max_connections = 30
autovacuum = off
END

make_instance($node, 'postgres');
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

# ------------------------------------------------------------------- what is called

# Users, a role, a service with a key; and the calls: every function that some access
# may call, with arguments that fit, with ones that nobody has, and with none. A name of
# a user, role or company to be changed is the function's own, so none is in the way of
# the next.
$node->safe_psql('postgres', <<END);
CREATE EXTENSION amcheck;
CREATE ROLE app LOGIN;
GRANT pg_read_all_stats TO app;
CREATE ROLE slow LOGIN IN ROLE app;
ALTER ROLE slow SET bestauth.hash_cost = 15;
SELECT bestauth.grant_access('app', 'application');
SELECT bestauth.create_company('bk', 'Backend'), bestauth.create_company('bkchild', 'Child', 'bk'),
	bestauth.create_company('bks', 'Service'), bestauth.register_billing_service('bks');
SELECT bestauth.create_role('bkrole', '{claims}', company => 'bk');
SELECT bestauth.create_user('boss', 'company_administrator', 'Given', 'Name', 'boss\@example.org',
	password => '$password', company => 'bk');
SELECT bestauth.create_user('probe', 'standard', 'Given', 'Name', 'probe\@example.org', company => 'bk');
SELECT bestauth.create_user('biller', 'restricted', 'Given', 'Name', 'biller\@example.org',
	password => '$password', company => 'bks');

CREATE SCHEMA bk;
CREATE TABLE bk.argument (name text, kind text, value text);
INSERT INTO bk.argument VALUES
	('company', 'fits', 'bk'), ('company', 'nobody', 'bk'), ('portal', 'fits', NULL),
	('username', 'fits', 'u_%s'), ('name', 'fits', 'r_%s'), ('code', 'fits', 'c_%s'),
	('role', 'fits', 'bkrole'), ('permission', 'fits', 'claims'), ('permissions', 'fits', '{claims}'),
	('roles', 'fits', '{bkrole}'), ('companies', 'fits', '{bkchild}'), ('names', 'fits', '{copied}'), ('persons', 'fits', '{biller}'),
	('user_type', 'fits', 'standard'), ('email', 'fits', 'u\@example.org'), ('access', 'fits', 'reader'),
	('billing_service', 'fits', NULL), ('parent', 'fits', NULL), ('batch', 'fits', '1'), ('lease', 'fits', '1 s'),
	('password', 'fits', '$password'), ('new_password', 'fits', 'another password of this test'),
	('relation', 'fits', 'bk.isolated'), ('company_column', 'fits', 'company_id'), ('id_columns', 'fits', '{}'), ('hidden', 'fits', '{}'), ('ignored', 'fits', '{}'),
	('page_size', 'fits', '1'), ('after', 'fits', NULL), ('since', 'fits', NULL), ('until', 'fits', NULL);

CREATE TABLE bk.isolated (company_id uuid);

CREATE VIEW bk.callable AS
SELECT p.oid, p.proname AS name, r.access, p.pronargs, p.proargnames, p.proargtypes
FROM bestauth.access_rule r JOIN pg_proc p ON p.oid = to_regprocedure(substr(r.object, 10))
WHERE r.object LIKE 'FUNCTION %';
CREATE VIEW bk.call AS
SELECT f.name, k.kind, f.access, format('SELECT * FROM bestauth.%I(%s)', f.name,
	coalesce(string_agg(format('%s => %L::%s', a.name, CASE
		WHEN k.kind = 'null' THEN NULL
		WHEN t.typname = 'regrole' THEN 'app'
		WHEN v.name IS NOT NULL THEN format(v.value, f.name)
		WHEN t.typname = 'text' THEN 'x'
		WHEN t.typcategory = 'A' THEN '{x}'
		WHEN t.typcategory = 'N' THEN '7'
		WHEN t.typname = 'uuid' THEN '00000000-0000-7000-8000-000000000000'
		WHEN t.typname = 'jsonb' THEN '{}'
		WHEN t.typcategory = 'B' THEN 'true'
	END, t.oid::regtype), ', ' ORDER BY a.i) FILTER (WHERE t.oid IS NOT NULL), '')) AS statement
FROM bk.callable f CROSS JOIN (VALUES ('fits'), ('nobody'), ('null')) k(kind)
LEFT JOIN LATERAL (SELECT i, f.proargnames[i] AS name, f.proargtypes[i - 1] AS type
	FROM generate_series(1, f.pronargs) i) a ON true
LEFT JOIN pg_type t ON t.oid = a.type
LEFT JOIN bk.argument v ON v.name = a.name AND v.kind = k.kind
GROUP BY f.name, f.access, k.kind;
CREATE TABLE bk.kept AS SELECT * FROM bk.call;

-- of its own for each function
SELECT bestauth.create_user('u_' || name, CASE WHEN name = 'limit_billing_user' THEN 'billing' ELSE 'standard' END,
	'Given', 'Name', 'u\@example.org', company => 'bk',
	password => CASE WHEN name = 'limit_billing_user' THEN '$password' END,
	billing_service => CASE WHEN name = 'limit_billing_user' THEN 'bks' END)
FROM bk.callable WHERE 'username' = ANY (proargnames[1:pronargs]) AND name NOT IN ('create_user', 'login');
SELECT bestauth.create_role('r_' || name, company => 'bk') FROM bk.callable WHERE name LIKE '%_role';
SELECT bestauth.create_payer(n, company => 'bk'), bestauth.create_facility(n, company => 'bk')
FROM unnest('{copied,r_update_payer,r_delete_payer,r_update_facility,r_delete_facility}'::text[]) n;
SELECT bestauth.create_company('c_' || name, 'C') FROM bk.callable WHERE name LIKE '%_company';
END
my $token = $node->safe_psql('postgres', "SELECT session_token FROM bestauth.login('bk', 'boss', '$password')");

$node->safe_psql('postgres', <<SQL);
UPDATE bk.kept SET statement = replace(statement, 'session_token => ''x''', 'session_token => ''$token''')
WHERE kind = 'fits' AND name <> 'logout';

-- The calls of one function, all kinds in turn, so often or so long; with a session, where
-- a token is given; with a commit after each turn, or none. What raises has a block of its
-- own; what does not has none, for the server keeps memory for each block that succeeds.
CREATE PROCEDURE bk.run(function text, token text, turns integer, seconds float8, committing boolean)
LANGUAGE plpgsql AS \$\$
DECLARE
	statements text[] := ARRAY(SELECT statement FROM bk.kept WHERE name = function ORDER BY kind);
	raises boolean[] := array_fill(true, ARRAY[3]);
	started timestamptz := clock_timestamp();
	used integer := 0;
BEGIN
	WHILE used < turns AND (used < 4 OR clock_timestamp() < started + seconds * interval '1 second') LOOP
		used := used + 1;
		IF token IS NOT NULL AND (used = 1 OR committing) THEN
			PERFORM bestauth.use_session(token);
		END IF;
		FOR i IN 1 .. 3 LOOP
			IF raises[i] OR committing THEN
				BEGIN
					EXECUTE statements[i];
					raises[i] := used < 2;
				EXCEPTION WHEN OTHERS THEN
					NULL;
				END;
			ELSE
				EXECUTE statements[i];
			END IF;
		END LOOP;
		IF committing THEN
			COMMIT;
		END IF;
	END LOOP;
	PERFORM set_config('bk.turns', used::text, false);
END
\$\$;
GRANT USAGE ON SCHEMA bk TO app;
GRANT SELECT ON bk.kept TO app;
SQL
my @functions = split /\n/, $node->safe_psql('postgres', 'SELECT DISTINCT name FROM bk.kept ORDER BY 1');

cmp_ok(scalar @functions, '>', 35, 'the functions that may be called are found');

sub as { return connect_to($node->connstr('postgres') . " user=$_[0]"); }

# ------------------------------------------------------------------------- [M-04]

# What each context holds, and what the process has of the system's heap, in bytes. Not the
# plans that the server makes of kept queries and drops again, nor its own records of a
# transaction.
sub look
{
	my ($client, $pid) = @_;
	my %used = map { split /\|/ } split /\n/, $client->query(<<'END');
SELECT CASE WHEN name IN ('TopMemoryContext', 'CacheMemoryContext', 'TopTransactionContext') OR name LIKE 'bestauth%'
	THEN name ELSE 'all others' END AS n, sum(used_bytes)
FROM pg_backend_memory_contexts WHERE name NOT IN ('CachedPlan', 'AfterTriggerEvents', 'Combo CIDs')
GROUP BY 1 ORDER BY 1;
END

	if (open(my $status, '<', "/proc/$pid/status"))
	{
		($used{heap}) = map { /^VmData:\s+(\d+)/ ? $1 * 1024 : () } <$status>;
	}
	return \%used;
}

# How much may be added: of the heap more, for freed pieces lie in between. The server
# itself keeps 16 bytes for each invalidation that a transaction sends, to its end, in
# arrays that double: a few for each turn.
sub allowed
{
	my ($context, $turns) = @_;
	return $context eq 'heap' ? 4 << 20 : (64 << 10) + ($context eq 'TopTransactionContext' ? 256 * $turns : 0);
}

sub memory_stays
{
	my ($caller, $committing) = @_;
	my $client = as($caller eq 'operator' ? $superuser : 'app');
	my $pid = $client->query('SELECT pg_backend_pid();');
	my $session = $caller eq 'operator' ? 'NULL' : "'$token'";
	my (@grown, @failed, $all);

	for my $function (@functions)
	{
		my ($before, $after, $turns, $err);

		# with a table of its own the server has a list of invalidations from the beginning
		$client->query('BEGIN; CREATE TEMP TABLE own (i integer);') if $committing eq 'false';
		$client->query("CALL bk.run('$function', $session, 4, 1, $committing);");
		look($client, $pid);
		$before = look($client, $pid);
		(undef, $err) = $client->query("CALL bk.run('$function', $session, 10000, 0.2, $committing);");
		push @failed, "$function: $err" if $err =~ /ERROR/;
		$turns = $client->query("SELECT current_setting('bk.turns');");
		$all += $turns;
		$after = look($client, $pid);
		$client->query('ROLLBACK;') if $committing eq 'false';
		for my $context (sort keys %$after)
		{
			my $growth = $after->{$context} - ($before->{$context} // 0);

			push @grown, "$function: $context by $growth in $turns turns" if $growth > allowed($context, $turns);
		}
	}
	$client->quit;
	my $how = $committing eq 'true' ? 'in many transactions' : 'in one transaction';

	is("@failed", '', "$caller, $how: the calls go on to the end");
	is(join('; ', @grown), '', "[M-04] $caller, $how: no memory stays taken");
	note "$caller, $how: $all turns";
	return;
}

for my $caller ('operator', 'session')
{
	memory_stays($caller, $_) for 'false', 'true';
}

# [M-04] A look at memory that would not see what stays proves nothing.
{
	my $client = as($superuser);
	my $pid = $client->query('SELECT pg_backend_pid();');
	my ($before, $after);

	$client->query('SELECT bestauth.uuidv7();');
	look($client, $pid);
	$before = look($client, $pid);
	$client->query("PREPARE s$_ AS SELECT $_;") for 1 .. 100;
	$after = look($client, $pid);
	cmp_ok($after->{'all others'} - $before->{'all others'}, '>', 64 << 10, 'what stays is seen');

	# Answers are remembered for their statement; not those of every call for good.
	$client->query("BEGIN; CREATE TEMP TABLE own (i integer);");
	my $calls = sub { $client->query("SELECT count(*) FROM generate_series(1, $_[0]) i,"
		  . " LATERAL bestauth.login_second_part_session('bat_' || i, 'bas_x');") };
	$calls->(100);
	look($client, $pid);
	$before = look($client, $pid);
	is($calls->(3000), 3000, 'so many answers');
	$after = look($client, $pid);
	cmp_ok($after->{TopTransactionContext} - $before->{TopTransactionContext}, '<', 64 << 10,
		'[M-04] the answers of many logins in one transaction are not kept');
	$client->quit;
}

# ------------------------------------------------------------------------- [M-07]

# What a backend has open when it is idle, seen by another; and what it says itself.
sub state_of
{
	my ($monitor, $client, $pid) = @_;
	my $seen = $monitor->query(<<END);
SELECT state, backend_xid IS NULL, backend_xmin IS NULL, (SELECT count(*) FROM pg_locks WHERE pid = $pid)
FROM pg_stat_activity WHERE pid = $pid;
END
	my ($said, $err) = $client->query(<<'END');
SELECT current_user, session_user, current_setting('search_path'), bestauth.current_user_id() IS NULL;
BEGIN;
SELECT user_id IS NOT NULL FROM bestauth.use_session(:'token');
SELECT bestauth.suggest_username('Given', 'Probe');
SELECT bestauth.lock_user('probe'), bestauth.unlock_user('probe');
COMMIT;
END

	return "$seen\n$said$err";
}

sub errors_leave_nothing
{
	my ($role) = @_;
	my $client = as($role);
	my $monitor = as($superuser);
	my @statements = split /\n/, $node->safe_psql('postgres', 'SELECT statement FROM bk.kept ORDER BY name, kind');
	my ($pid, $good, $err, %state, @bad);

	$client->query("\\set token '$token'\n\\set VERBOSITY sqlstate\nSET search_path = pg_catalog;");
	$pid = $client->query('SELECT pg_backend_pid();');
	$good = state_of($monitor, $client, $pid);
	is($good, "idle|t|t|0\n$role|$role|pg_catalog|t\nt\ngprobe\n|", "$role: what a backend is like that did nothing wrong");
	for my $statement (@statements)
	{
		# alone; in a session, where the transaction is lost; and where it is not
		for my $sql ("$statement;", "BEGIN; SELECT 1 FROM bestauth.use_session('$token'); $statement; ROLLBACK;",
			"BEGIN; SELECT 1 FROM bestauth.use_session('$token'); SAVEPOINT a; $statement; ROLLBACK TO a; COMMIT;")
		{
			(undef, $err) = $client->query($sql);
			next if $err !~ /ERROR: +(\w+)/;
			$state{$1}++;
			push @bad, $sql if state_of($monitor, $client, $pid) ne $good;
		}
	}
	is("@bad", '', "[M-07] $role: after each error the backend is as before");
	note "$role: ", join ', ', map { "$_ $state{$_}" } sort keys %state;
	cmp_ok(scalar keys %state, '>=', $role eq 'app' ? 5 : 4, "$role: errors of many kinds");

	# Cancelled at any moment, wherever that is.
	my ($cancelled, $text, $started) = (0, '', time);
	for my $turn (1 .. 10000)
	{
		my $statement = $statements[rand @statements];

		$client->send_sql("SET statement_timeout = @{[ 1 + $turn % 7 ]};") if $turn % 2;
		$client->send_sql("BEGIN; SELECT 1 FROM bestauth.use_session('$token'); $statement; $statement; COMMIT;");
		$client->send_sql('RESET statement_timeout;');
		$monitor->query("SELECT pg_sleep(random() * 0.02), pg_cancel_backend($pid);") if $turn % 2 == 0;
		(undef, $err) = $client->answers;
		$cancelled += () = $err =~ /57014/g;
		$text .= $err;
		last if time > $started + ($cancelled > 20 ? 3 : 60);
	}
	cmp_ok($cancelled, '>', 20, "$role: calls are cancelled");
	$client->query('ROLLBACK; RESET statement_timeout;');
	$client->query('SELECT 1;');
	is(state_of($monitor, $client, $pid), $good, "[M-07] $role: and after many of them the backend is as before");
	unlike($text, qr/XX000|stack|leak/, "$role: nothing internal goes wrong");
	$_->quit for $client, $monitor;
	return;
}

errors_leave_nothing($_) for $superuser, 'app';

# ------------------------------------------------------------------------- [M-05]

# [M-05] A call that hashes can be cancelled in the middle of it.
{
	my $client = as($superuser);
	my $monitor = as($superuser);
	my ($pid, $full, $err);
	my %call = (
		login => "SELECT outcome FROM bestauth.login('bk', 'nobody_at_all', '$password')",
		create_user => "SELECT 1 FROM bestauth.create_user('cancelled', 'standard', 'Given', 'Name',"
		  . " 'c\@example.org', password => '$password', company => 'bk')",
		set_password => "SELECT bestauth.set_password((SELECT token FROM bestauth.claim_mail(1000) LIMIT 1), '$password')",
	);

	$node->safe_psql('postgres', "SELECT bestauth.create_user('linked', 'standard', 'Given', 'Name', 'l\@example.org', company => 'bk')");
	$client->query('SET bestauth.hash_cost = 15;');
	$pid = $client->query('SELECT pg_backend_pid();');
	$full = -time;
	is($client->query("$call{login};"), 'denied', 'a hash that takes long');
	$full += time;
	for my $what (sort keys %call)
	{
		my @took;

		for (1 .. 3)
		{
			$client->send_sql("BEGIN; $call{$what};");
			sleep($full / 8);
			my $asked = time;
			$monitor->query("SELECT pg_cancel_backend($pid);");
			(undef, $err) = $client->answers;
			push @took, time - $asked;
			like($err, qr/canceling statement/, "$what: cancelled");
			$client->query('ROLLBACK;');
		}
		cmp_ok((sort { $a <=> $b } @took)[1], '<', $full / 4, "[M-05] $what: at once, not when the hash is done");
	}
	$_->quit for $client, $monitor;
}

# ------------------------------------------------------------------------- [M-16]

# What can be found in a backend's memory after a call with a secret.
#
# The server's own copies are out of our reach: the message it read, the parameter, the
# planner's constant. So each function is compared with one that has its very arguments
# and looks at none of them. And there are forms of a password that nobody but bestauth
# makes, of which no copy at all may be left: the pre-hash that is handed to crypt(), the
# characters as 32-bit numbers, and the key of the pepper file. A copy is found by its
# end, for the begin of memory that was freed is used again first.
my $key = '5ca1ab1e' . join('', map { sprintf '%02x', ($_ * 37 + 11) % 256 } 1 .. 44);
my $number = 0;

sub canary
{
	my ($words) = @_;
	my $input = $words . 'Zq7' . sprintf('%05d', ++$number) . 'Kp9Wv2';
	my $end = substr($input, -14);

	return ($input,
		'as it came' => $end,
		'characters' => join('', map { pack 'L', ord } split //, $end),
		'pre-hash' => substr(encode_base64(hmac_sha384($input, pack('H*', $key)), ''), -40));
}

# The functions that take secrets, and their twins. $end: how the twin ends.
sub make_twins
{
	my %end = (plain => 'RETURN NULL;', void => 'RETURN;', failed => 'PERFORM 1 / 0;', cancelled => 'PERFORM pg_sleep(60);');

	$node->safe_psql('postgres', join '', map { <<SQL } grep { $_ ne 'void' } keys %end);
CREATE SCHEMA twin_$_;
GRANT USAGE ON SCHEMA twin_$_ TO app, slow;
DO \$do\$
DECLARE
	f record;
BEGIN
	FOR f IN SELECT oid, proname, prorettype, proargnames FROM pg_proc WHERE pronamespace = 'bestauth'::regnamespace
		AND proargnames && '{password,new_password,token,session_token,challenge_token}' AND (proallargtypes IS NULL OR proname = 'register_portal_account') LOOP
		EXECUTE format('CREATE FUNCTION twin_$_.%I(%s) RETURNS %s LANGUAGE plpgsql AS \$f\$ BEGIN %s END \$f\$', f.proname,
			pg_get_function_arguments(f.oid), pg_get_function_result(f.oid),
			CASE WHEN '$_' = 'plain' AND (f.prorettype = 'void'::regtype OR f.proname = 'register_portal_account') THEN '$end{void}' ELSE '$end{$_}' END);
	END LOOP;
END
\$do\$;
SQL
	return;
}

# One call in a backend that has made such calls before, and what it leaves.
sub left_by
{
	my ($role, $schema, $end, $sql, $secrets, %forms) = @_;
	my $client = RawClient->connect_raw($node, 'postgres', $role);
	my @warm_up = map { 'x' x length } @$secrets;
	my @values;

	$sql = $sql =~ s/\bf\./$schema./r;
	$client->call('SET bestauth.hash_cost = 15') if $end eq 'cancelled' && $role eq $superuser;
	$client->call('SET statement_timeout = 400') if $end eq 'cancelled';
	$client->call($_) for 'BEGIN', 'SELECT 1';
	$client->call($sql, @warm_up);
	$client->call('ROLLBACK');
	@values = $client->call($sql, @$secrets);
	return ($values[0], $client->copies(%forms));
}

sub secrets_are_gone
{
	$node->safe_psql('postgres', "SELECT bestauth.create_portal('bk', 'patients', 'client', 'P'); UPDATE bestauth.outbox SET cancelled_at = now() WHERE sent_at IS NULL");
	my $link = sub { (split /\n/, $node->safe_psql('postgres', <<END))[-1] };
SELECT bestauth.create_user('m_$number', 'standard', 'Given', 'Name', 'm\@example.org', company => 'bk') IS NULL;
SELECT token FROM bestauth.claim_mail(1000) WHERE kind = 'password_setup' AND recipient = 'm\@example.org' LIMIT 1
END
	my @cases = (
		# what, role, expected, end of the twin, statement with password and token, which token
		[ 'a login denied', 'app', qr/^denied$/, 'plain', "SELECT outcome FROM f.login('bk', 'nobody_1', \$1)" ],
		[ 'a login', 'app', qr/^authenticated$/, 'plain', "SELECT outcome FROM f.login('bk', 'm_login', \$1)" ],
		[ 'a login in a statement that fails', 'app', qr/^ERROR 22012$/, 'failed', "SELECT 1 / (outcome = 'x')::int FROM f.login('bk', 'nobody_2', \$1)" ],
		[ 'a login cancelled', 'slow', qr/^ERROR 57014$/, 'cancelled', "SELECT outcome FROM f.login('bk', 'nobody_3', \$1)" ],
		[ 'a second part', 'app', qr/^denied$/, 'plain', "SELECT outcome FROM f.login_second_part('bat_x', 'biller', \$1)" ],
		[ 'a new user', $superuser, qr/^[0-9a-f-]{36}$/, 'plain',
			"SELECT x FROM f.create_user('m_new', 'standard', 'G', 'N', 'n\@example.org', \$1, company => 'bk') x" ],
		[ 'a name that is taken', $superuser, qr/^ERROR 23505$/, 'failed', "SELECT x FROM f.create_user('boss', 'standard', 'G', 'N', 'n\@example.org', \$1, company => 'bk') x" ],
		[ 'a new user cancelled', $superuser, qr/^ERROR 57014$/, 'cancelled',
			"SELECT x FROM f.create_user('m_never', 'standard', 'G', 'N', 'n\@example.org', \$1, company => 'bk') x" ],
		[ 'an account asked for', 'app', qr/^verification_sent$/, 'plain',
			"SELECT x FROM f.register_portal_account('bk', 'patients', 'p\@example.org', \$1, 'G', 'N') x" ],
		[ 'a password set', 'app', qr/^accepted$/, 'plain', "SELECT x FROM f.set_password(\$2, \$1) x", 'link' ],
		[ 'a link that is no good', 'app', qr/^invalid$/, 'plain', "SELECT x FROM f.set_password(\$2, \$1) x", 'nonsense' ],
		[ 'a password refused', 'app', qr/^ERROR UA001$/, 'failed', "SELECT x FROM f.set_password(\$2, \$1) x", 'link', 'short' ],
	);

	for my $case (@cases)
	{
		my ($what, $role, $expected, $end, $sql, $token, $short) = @$case;
		my ($input, %forms) = canary($short ? '' : 'a canary in the memory ');
		my @secrets = ($input);
		my ($value, $ours, $theirs);

		if ($token)
		{
			push @secrets, $token eq 'link' ? $link->() : 'bat_' . 'NoSuchTokenAtAll' x 2;
			$forms{'the token'} = substr($secrets[1], -20);
		}
		$node->safe_psql('postgres', "SELECT bestauth.create_user('m_login', 'standard', 'G', 'N', 'n\@example.org',"
			  . " password => '$input', company => 'bk')") if $sql =~ /m_login/;
		($value, $ours) = left_by($role, 'bestauth', $end, $sql, \@secrets, %forms, 'the key' => substr($key, -40),
			'the key in bytes' => pack('H*', $key), map { ; "the key in the hash, $_" => pack('H*', $key) ^ (chr($_) x 48) } 0x36, 0x5c);
		like($value, $expected, $what);
		(undef, $theirs) = left_by($role, "twin_$end", $end, $sql, \@secrets, %forms);
		for my $form (sort keys %$ours)
		{
			my $most = $form =~ /came|token/ ? $theirs->{$form} : 0;
			next if $form =~ /stack/ && $end eq 'cancelled';
			cmp_ok($ours->{$form}, '<=', $most, "[M-16] $what: copies of the secret left, $form");
		}
	}
	return;
}

# The detector finds what is there: a copy that stays while other statements run.
sub copies_are_seen
{
	my $client = RawClient->connect_raw($node, 'postgres', 'app');
	my ($input, %forms) = canary('a canary that stays ');
	my $seen;

	$client->call("SELECT set_config('bk.kept', \$1, false), set_config('bk.wide', \$2, false)",
		$input, "zzzzzzzzzzzz$forms{'pre-hash'}");
	$client->call('SELECT octet_length($1)', 'x' x 20000);
	$client->call('SELECT count(*) FROM pg_class WHERE relname <> $1', 'y' x 8000);
	$seen = $client->copies(%forms) or return 0;
	cmp_ok($seen->{'as it came'}, '>', 0, 'a copy that stays is found');
	cmp_ok($seen->{'pre-hash'}, '>', 0, 'and one of another form');
	is($seen->{characters}, 0, 'but none that is not there');
	return 1;
}

append_to_file($node->data_dir . '/pepper', "2026a $key\n");
chmod 0600, $node->data_dir . '/pepper';
$node->append_conf('postgresql.conf', "bestauth.pepper_file = '@{[ $node->data_dir ]}/pepper'");
$node->reload;
SKIP:
{
	skip 'the memory of another process cannot be read here' if !copies_are_seen();
	make_twins();
	secrets_are_gone();
}

# ------------------------------------------------------------------------- [M-03]

# [M-03] Errors in our functions and rules, caught in blocks: after some of these a row
# was put into the table before its index, or another trigger, refused it.
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION bk.fail(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
CREATE TABLE bk.wrong (statement text, state text);
INSERT INTO bk.wrong VALUES
	($$SELECT bestauth.create_user('boss', 'standard', 'G', 'N', 'g@example.org', company => 'bk')$$, '23505'),
	($$SELECT bestauth.create_user('new', 'standard', 'G', 'N', 'g@example.org', roles => '{bkrole,none}', company => 'bk')$$, 'P0002'),
	($$SELECT bestauth.create_user('new', 'standard', 'G', 'N', company => 'bk')$$, '23514'),
	($$SELECT bestauth.create_company('bk', 'Taken')$$, '23505'),
	($$SELECT bestauth.create_role('bkrole', company => 'bk')$$, '23505'),
	($$SELECT bestauth.create_role('new', '{claims}', '{bks}', company => 'bk')$$, '23514'),
	($$INSERT INTO bestauth.company (code, name) VALUES ('new', 'N'), ('BK', 'Taken')$$, '23505'),
	($$INSERT INTO bestauth.company (code, name, parent_id) VALUES ('new', 'N', gen_random_uuid())$$, '23514'),
	($$INSERT INTO bestauth.user_account (company_id, username, user_type, first_name, last_name, email)
		SELECT company_id, n, 'standard', 'G', 'N', 'g@example.org' FROM bestauth.company, unnest('{new,BOSS}'::text[]) n WHERE code = 'bk'$$, '23505'),
	($$INSERT INTO bestauth.user_account (company_id, username, user_type, first_name, last_name, email)
		VALUES (gen_random_uuid(), 'new', 'standard', 'G', 'N', 'g@example.org')$$, '23503'),
	($$INSERT INTO bestauth.credential (user_id, password_hash) VALUES (gen_random_uuid(), 'x')$$, '23503'),
	($$INSERT INTO bestauth.role (company_id, name) VALUES (gen_random_uuid(), 'new')$$, '23503'),
	($$INSERT INTO bestauth.contact (company_id, contact_type, first_name) VALUES (gen_random_uuid(), 'client', 'new')$$, '23503'),
	($$SELECT bestauth.create_payer('COPIED', company => 'bk')$$, '23505'),
	($$SELECT bestauth.update_facility('copied', '{"name": "r_update_facility"}', 'bk')$$, '23505'),
	($$SELECT bestauth.copy_payers('{copied,none}', company => 'bk')$$, 'P0002'),
	($$SELECT bestauth.copy_facilities('{copied}', '{bkchild,bks}', 'bk')$$, '23514'),
	($$INSERT INTO bestauth.payer (company_id, name) SELECT company_id, n FROM bestauth.company, unnest('{new,COPIED}'::text[]) n WHERE code = 'bk'$$, '23505'),
	($$INSERT INTO bestauth.facility (company_id, name) VALUES (gen_random_uuid(), 'new')$$, '23503'),
	($$INSERT INTO bestauth.outbox (kind, recipient) VALUES ('password_setup', 'a@example.org')$$, '23514'),
	($$UPDATE bestauth.user_account SET last_name = last_name || 'x', username = username || 'x'$$, '23514'),
	($$UPDATE bestauth.company SET name = name || 'x', code = 'same'$$, '23514'),
	($$DELETE FROM bestauth.company$$, '23514'),
	($$TRUNCATE bestauth.audit_log$$, '23514');
SQL
is($node->safe_psql('postgres', <<'SQL'), '', 'statements that fail, each in its way');
SELECT statement, state, got FROM (SELECT *, bk.fail(statement) AS got FROM bk.wrong) w WHERE got <> state
SQL
is($node->safe_psql('postgres', <<'SQL'), 'f', '[M-03] and again, in one transaction with what succeeds');
SELECT bool_or(bk.fail(CASE WHEN i % 3 = 0 THEN format('SELECT bestauth.create_role(%L, company => ''bk'')', 'w' || i || w.ctid)
	ELSE w.statement END) <> CASE WHEN i % 3 = 0 THEN 'done' ELSE w.state END)
FROM bk.wrong w, generate_series(1, 30) i
SQL
$node->command_ok([ 'pg_amcheck', '--schema=bestauth', '--heapallindexed', '--parent-check', '--no-strict-names',
		$node->connstr('postgres') ], '[M-03] pg_amcheck finds nothing');

# Each index that has all rows of its table, against the table.
is($node->safe_psql('postgres', <<'SQL'), 't|', '[M-03] every index has as many rows as its table');
CREATE FUNCTION bk.compare(OUT compared integer, OUT wrong text) LANGUAGE plpgsql AS $$
DECLARE
	r record;
	plan text;
	by_table bigint;
	by_index bigint;
BEGIN
	compared := 0;
	FOR r IN SELECT i.indexrelid::regclass AS name, i.indrelid::regclass AS relation,
		pg_get_indexdef(i.indexrelid, 1, true) AS key
		FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
		WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relkind = 'r' AND i.indpred IS NULL LOOP
		SET LOCAL enable_seqscan = on;
		SET LOCAL enable_indexscan = off;
		SET LOCAL enable_indexonlyscan = off;
		SET LOCAL enable_bitmapscan = off;
		EXECUTE format('SELECT count(*) FROM %s', r.relation) INTO by_table;
		SET LOCAL enable_seqscan = off;
		SET LOCAL enable_sort = off;
		SET LOCAL enable_indexscan = on;
		EXECUTE format('EXPLAIN (FORMAT JSON) SELECT %s FROM %s ORDER BY %1$s', r.key, r.relation) INTO plan;
		EXECUTE format('SELECT count(*) FROM (SELECT %s FROM %s ORDER BY %1$s OFFSET 0) s', r.key, r.relation) INTO by_index;
		compared := compared + (plan LIKE '%Index Scan%')::integer;
		IF by_table <> by_index THEN
			wrong := concat_ws(', ', wrong, r.name);
		END IF;
	END LOOP;
END
$$;
SELECT compared > 15, wrong FROM bk.compare();
SQL

# A call without a statement has no expression that tells what its arguments are.
{
	my %value = (text => 'x', uuid => 'u' x 16, date => pack('l>', -10_000), timestamptz => pack('q>', 0), bool => "\1",
		int4 => pack('N', 1), jsonb => "\1{}", interval => pack('q>NN', 0, 0, 0));
	my $client = RawClient->connect_raw($node, 'postgres', 'app');
	my ($calls, $started) = (0, $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'));

	for (split /\n/, $node->safe_psql('postgres', <<'SQL'))
SELECT oid, array_to_string(ARRAY(SELECT typname FROM unnest(proargtypes) WITH ORDINALITY t (type, n) JOIN pg_type y ON y.oid = type ORDER BY n), ' ')
FROM pg_proc WHERE pronamespace = 'bestauth'::regnamespace AND has_function_privilege('app', oid, 'EXECUTE')
SQL
	{
		my ($oid, $types) = split /\|/;
		my @types = split ' ', $types // '';

		$client->call_function($oid, map { undef } @types);
		$client->call_function($oid, map { $value{$_} } @types);
		# one that is whole, so far as its types tell
		$client->call_function($oid, map { $_ eq 'text' ? 'a fast path of words' : $value{$_} } @types);
		$calls += 3;
	}
	cmp_ok($calls, '>', 150, "[M-04] $calls calls by the fast path are answered");
	is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $started, '[M-04] and the server still runs');
}

# Of all that was done here.
unlike(slurp_file($node->logfile), qr/^.*(?:\bleak|still referenced|non-empty SPI stack|PANIC|TRAP|terminated by signal).*$/mi,
	'[M-03] [M-07] the server has nothing to say about resources left open');
done_testing();
