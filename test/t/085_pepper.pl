# The pepper: keys in a file that passwords are mixed with, their rotation, and hashes
# that are renewed.
#
# Not in pg_regress: it takes settings of the server, a file that changes, the server's
# log, a dump and what is on the disk.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use File::Find;
use PostgreSQL::Test::Utils;
use Test::More;

my $right = 'the right password of this test';
my $wrong = 'a wrong password of this test';
my $file = PostgreSQL::Test::Utils::tempdir() . '/pepper';
my %key = (a => 'a1b2c3d4' x 8, b => 'e5f60718' x 16, c => '293a4b5c' x 64);
my $node;

sub sql
{
	my ($sql) = @_;

	return $node->safe_psql('postgres', $sql);
}

# The file anew, for the server's user alone unless told.
sub write_file
{
	my ($text, $mode) = @_;

	unlink $file;
	append_to_file($file, $text);
	chmod $mode // 0600, $file;
	return;
}

# Its lines, of the keys named.
sub keys_of
{
	return join '', map { "2026$_ $key{$_}\n" } @_;
}

sub set
{
	my ($name, $value) = @_;

	$node->append_conf('postgresql.conf', "bestauth.$name = '$value'");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('bestauth.$name') = '$value'") or die;
	return;
}

sub make_user
{
	my ($name, %params) = @_;
	my $company = $params{company} // 'pepper';
	my $type = $params{type} // 'standard';
	my $service = $params{service} ? "'$params{service}'" : 'NULL';

	return "SELECT bestauth.create_user('$name', '$type', 'Given', 'Name', '$name\@example.org',
	password => '$right', billing_service => $service, company => '$company')";
}

sub login_sql
{
	my ($name, $password) = @_;

	return "SELECT outcome FROM bestauth.login('pepper', '$name', '$password')";
}

sub outcome
{
	return sqlstate($node, 'postgres', login_sql(@_));
}

# Under which key, and at which cost: "2026a 10".
sub stored
{
	my ($name) = @_;

	return sql(<<END);
SELECT coalesce(pepper_id, 'none') || ' ' || substr(password_hash, 5, 2)
FROM bestauth.credential JOIN bestauth.user_account USING (user_id) WHERE username = '$name'
END
}

sub reason
{
	my ($name) = @_;

	return sql(<<END);
SELECT detail ->> 'reason' FROM bestauth.audit_log WHERE action = 'login.denied' AND username = '$name'
ORDER BY occurred_at DESC, audit_id DESC LIMIT 1
END
}

# Which keys are in a text, as digits or as bytes, whatever the case.
sub found_in
{
	my ($text) = @_;

	return join ' ', grep { my $hex = substr $key{$_}, 0, 32; $text =~ /\Q$hex\E/i || index($text, pack('H*', $hex)) >= 0 } sort keys %key;
}

# [A-10] Where the key is not.
sub nowhere
{
	my ($dump, $err, $on_disk, $as_text) = ('', '', '', '');
	my $position;

	is(found_in(slurp_file($file)), 'a b c', 'what is looked for would be found');
	is(found_in("x\\x$key{b}"), 'b', 'in any form');
	sql("SELECT bestauth.reset_password('second', 'pepper') IS NOT NULL");
	sql('CHECKPOINT');
	IPC::Run::run([ 'pg_dumpall', '-d', $node->connstr('postgres') ], '>', \$dump, '2>', \$err);
	like($dump, qr/COPY bestauth\.credential .*2026a/s, 'a dump has the id of the key');
	is(found_in($dump), '', 'and no key');
	find({ no_chdir => 1, wanted => sub {
		return unless -f $_;
		my $found = found_in(slurp_file($_));
		$on_disk .= "$_: $found\n" if $found ne '';
	} }, $node->data_dir);
	is($on_disk, '', 'nor does any file of the server, tables and WAL alike');

	# What another role can see of the setting, with the library loaded and before.
	for my $before ('', 'SELECT bestauth.current_session_id();')
	{
		my ($status, $out, $errors) = $node->psql('postgres', <<END, extra_params => [ '-U', 'app' ], on_error_stop => 0);
\\set VERBOSITY verbose
$before
SHOW bestauth.pepper_file;
SELECT setting, sourcefile FROM pg_settings WHERE name = 'bestauth.pepper_file';
SELECT * FROM pg_file_settings;
SELECT pg_read_file('$file');
SET bestauth.pepper_file = '/dev/null';
END
		is(found_in($out . $errors), '', 'a role of the application sees no key' . ($before ? ', the library loaded' : ''));
		unlike($out, qr/pepper/, 'nor where it is') if $before;
		like($errors, qr/42501: .*"bestauth.pepper_file"/, 'and can\'t ask for it') if $before;
	}
	is(sqlstate($node, 'postgres', "SELECT bestauth.current_session_id(); SET bestauth.pepper_file = ''"), '55P02',
		'not even a superuser can put it aside for a session');
	is(sqlstate($node, 'postgres', "SET bestauth.pepper_file = ''; @{[ login_sql('first', $right) ]}"), 'authenticated',
		'nor before the library is loaded');
	return;
}

# [A-10] A file that can't be used: a clear error, without what is in it, and nothing is
# stored; put right, it counts at once.
sub unusable
{
	my @files = (
		[ 'open to others' => qr/pepper file must not be open to others/, keys_of('a'), 0604 ],
		[ 'writable by the group' => qr/pepper file must not be open to others/, keys_of('a'), 0660 ],
		[ 'empty' => qr/pepper file has no key/, '' ],
		[ 'comments alone' => qr/pepper file has no key/, "# key\n\n" ],
		[ 'no id' => qr/a line that is not a key id/, "$key{a}\n" ],
		[ 'a short key' => qr/a line that is not a key id/, '2026a ' . substr($key{a}, 2) . "\n" ],
		[ 'half a byte' => qr/a line that is not a key id/, "2026a $key{a}1\n" ],
		[ 'a long key' => qr/a line that is not a key id/, "2026a $key{c}00\n" ],
		[ 'no digit' => qr/a line that is not a key id/, "2026a $key{a}zz\n" ],
		[ 'two spaces' => qr/a line that is not a key id/, "2026a  $key{a}\n" ],
		[ 'a key of no length' => qr/a line that is not a key id/, "2026a \n" ]);
	my $position = log_position($node);

	for ([ 'missing' => qr/could not read the pepper file/ ], @files)
	{
		my ($what, $message, $text, $mode) = @$_;
		my ($out, $err);

		unlink $file;
		write_file($text, $mode) if defined $text;
		for my $call (make_user('unmade'), login_sql('first', $right), login_sql('nobody', $wrong))
		{
			(undef, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$call");
			like($err, qr/ERROR:  F0000: .*$message/, "$what: an error that says so");
			is(found_in("$out$err"), '', "$what: no key in it");
			unlike($err, qr/\Q$file\E/, "$what: nor where the file is");
		}
	}
	is(found_in(log_since($node, $position)), '', 'no key is in the server\'s log');
	like(log_since($node, $position), qr/DETAIL:  File "\Q$file\E": No such file/, 'which tells where the file should be');
	is(sql("SELECT count(*) FROM bestauth.user_account WHERE username = 'unmade'"), '0', 'nobody was made');
	is(sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), '0', 'no turn to be hashed is kept');
	sql("SELECT bestauth.unlock_user('first', 'pepper')");

	for (
		[ 'readable by the group' => keys_of('a'), 0640 ],
		[ 'comments, capitals, line ends of another system' => "# keys\r\n\r\n2026a \U$key{a}\E\r\n" ],
		[ 'no line end' => "2026a $key{a}" ],
		[ 'a long comment' => '# ' . 'long ' x 300 . "\n" . keys_of('a') ])
	{
		my ($what, $text, $mode) = @$_;

		write_file($text, $mode);
		is(outcome('first', $right), 'authenticated', "$what: good, at once");
	}
	return;
}

# [A-11] Another key for new hashes: the old one goes on to verify, and is renewed.
sub rotation
{
	my $started = sql('SELECT pg_postmaster_start_time()');
	my $client = connect_to($node->connstr('postgres'));
	my ($position, $token);

	write_file(keys_of('a'));
	sql(make_user($_)) for 'rita', 'rosa', 'rena', 'rolf';
	is(stored($_), '2026a 10', "$_ has the one key") for 'rita', 'rosa', 'rena';
	$token = $client->query("SELECT session_token FROM bestauth.login('pepper', 'rita', '$right');");
	is(stored('rita'), '2026a 10', 'a good login with the newest key renews nothing');

	write_file(keys_of('b', 'a'));
	is(scalar $client->query(login_sql('rita', $right) . ';'), 'authenticated',
		'rotated: the old key verifies, in a connection that is there');
	is(stored('rita'), '2026b 10', 'and is renewed');
	is(outcome('rita', $right), 'authenticated', 'the new one verifies');
	is(outcome('rita', $wrong), 'denied', 'another password does not');
	like($client->query("BEGIN; SELECT person_id FROM bestauth.use_session('$token'); COMMIT;"), qr/-/,
		'a session from before goes on');
	is(outcome('rosa', $wrong), 'denied', 'a wrong password');
	is(stored('rosa'), '2026a 10', 'renews nothing');
	is(outcome('rosa', $right), 'authenticated', 'a right one then');
	is(stored('rosa'), '2026b 10', 'does');
	sql(make_user('rudi'));
	is(stored('rudi'), '2026b 10', 'new hashes are of the newest');

	# The old key is taken out too early.
	write_file(keys_of('c', 'b'));
	$position = log_position($node);
	is(scalar $client->query(login_sql('rena', $right) . ';'), 'denied',
		'a key that is not in the file: denied');
	is(reason('rena'), 'stored password names a pepper key that is not in the file', 'the audit tells why');
	like(log_since($node, $position), qr/LOG:  a stored password names pepper key "2026a", which is not in the pepper file/,
		'the server\'s log tells which');
	is(found_in(log_since($node, $position)), '', 'and shows no key');
	is(stored('rena'), '2026a 10', 'the hash stays');
	is(outcome('rita', $right), 'authenticated', 'others get in');
	is(stored('rita'), '2026c 10', 'renewed with the longest key');
	write_file(keys_of('c', 'b', 'a'));
	is(scalar $client->query(login_sql('rena', $right) . ';'), 'authenticated', 'put back: in');
	is(stored('rena'), '2026c 10', 'and renewed');

	# The same id with another key is another key; and no key at all is none of them.
	write_file("2026a $key{b}\n");
	is(outcome('rolf', $right), 'denied', 'another key under the id: denied');
	is(reason('rolf'), 'wrong password', 'as a wrong password');
	write_file(keys_of('a'));
	set('pepper_file', '');
	is(outcome('rolf', $right), 'denied', 'without a file: denied');
	is(reason('rolf'), 'stored password names a pepper key that is not in the file', 'the audit tells why');
	sql(make_user('plain'));
	is(stored('plain'), 'none 10', 'new hashes are of no key then');
	is(outcome('plain', $right), 'authenticated', 'and verify');
	set('pepper_file', $file);
	is(outcome('rolf', $right), 'authenticated', 'the file is back: in');
	is(outcome('plain', $right), 'authenticated', 'without a key: in as well');
	is(stored('plain'), '2026a 10', 'and renewed with one');
	is(sql('SELECT pg_postmaster_start_time()'), $started, 'the server ran all the time');
	$client->quit;
	return;
}

# [A-05] Another cost: renewed at the next good login, at both parts, and not otherwise.
sub renewal
{
	my ($challenge, $token);

	sql($_) for make_user('cora'), make_user('carl'), make_user('cleo'), make_user('chef', company => 'pepper-service', type => 'restricted'),
	  make_user('code', type => 'billing', service => 'pepper-service');
	$token = sql("SELECT session_token FROM bestauth.login('pepper', 'cora', '$right')");
	sql("SELECT bestauth.lock_user('carl', 'pepper')");
	my $temporary = sql("SELECT bestauth.reset_password('cleo', 'pepper')");

	set('hash_cost', 11);
	is(outcome('cora', $wrong), 'denied', 'raised: a wrong password');
	is(stored('cora'), '2026a 10', 'renews nothing');
	is(outcome('carl', $right), 'denied', 'nor does a right one of who is locked');
	is(stored('carl'), '2026a 10', 'whose hash stays');
	is(outcome('cleo', $temporary), 'password_change_required', 'nor a temporary one');
	is(stored('cleo'), '2026a 10', 'which is to go');
	is(sql("BEGIN; @{[ login_sql('cora', $right) ]}; ROLLBACK"), 'authenticated', 'a good login that is rolled back');
	is(stored('cora'), '2026a 10', 'leaves it as it was');
	is(outcome('cora', $right), 'authenticated', 'a good login');
	is(stored('cora'), '2026a 11', 'renews the hash');
	is(outcome('cora', $right), 'authenticated', 'which verifies');
	is(outcome('cora', $wrong), 'denied', 'the password and no other');
	like(sql("BEGIN; SELECT person_id FROM bestauth.use_session('$token'); COMMIT;"), qr/-/, 'a session from before goes on');

	is(stored($_), '2026a 10', "$_, not logged in: as it was") for 'code', 'chef';
	$challenge = sql("SELECT challenge_token FROM bestauth.login('pepper', 'code', '$right')");
	is(stored('code'), '2026a 11', 'a key is renewed at part one');
	is(sql("SELECT outcome FROM bestauth.login_second_part('$challenge', 'chef', '$wrong')"), 'denied', 'a wrong part two');
	is(stored('chef'), '2026a 10', 'renews nothing');
	is(sql("SELECT outcome FROM bestauth.login_second_part('$challenge', 'chef', '$right')"), 'authenticated', 'a right one');
	is(stored('chef'), '2026a 11', 'renews the person\'s');

	set('hash_cost', 10);
	is(outcome('cora', $right), 'authenticated', 'lowered: a good login');
	is(stored('cora'), '2026a 11', 'makes no hash cheaper');
	return;
}

$node = start_node('pepper', conf => 'bestauth.lockout_threshold = 100');
make_instance($node, 'postgres');
sql(<<'END');
CREATE ROLE app LOGIN;
SELECT bestauth.grant_access('app', 'application');
SELECT bestauth.create_company('pepper', 'Pepper'), bestauth.create_company('pepper-service', 'Service');
SELECT bestauth.register_billing_service('pepper-service');
END
write_file(keys_of('a', 'b', 'c'));
set('pepper_file', $file);
sql(make_user($_)) for 'first', 'second';
is(stored('first'), '2026a 10', 'the first key of the file is used');
nowhere();
write_file(keys_of('a'));
unusable();
rotation();
renewal();
$node->stop;
done_testing();
