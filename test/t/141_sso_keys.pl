# The keys of single sign-on: their files, what a rollback, a dump and a standby make of them, and
# how one follows another.
#
# Not in pg_regress: it takes files of the server's, its log, a dump, a standby and two databases.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use File::Find;
use MIME::Base64 ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SsoTest;
use Test::More;
use Time::HiRes 'usleep';

my ($home, $keys) = start_home('home', allows_streaming => 1);
my $at_home = connect_to($home->connstr('postgres'));
my $joan;

# The files of private keys that are there.
sub files
{
	return join ' ', sort map { s{.*/}{}r } glob("$keys/*"), glob("$keys/.[!.]*");
}

# The names of the files of keys.
sub named
{
	return join ' ', sort map { "$_.jwk" } @_;
}

sub create
{
	my ($client) = @_;

	return from_json(scalar(($client // $at_home)->query(q{SELECT bestauth.create_sso_key('acme');})));
}

sub operator
{
	my ($call) = @_;

	return raised($at_home, "SELECT bestauth.$call;");
}

# The key that signs.
sub signs
{
	my $token = issue($at_home, $joan, 'endpoint/goodtherapy', 'a nonce');
	my ($header) = $token =~ /^([\w-]+)\./ or return $token;

	return from_json(MIME::Base64::decode_base64url($header))->{kid};
}

# ------------------------------------------------------------------------ files

# [TPB-5] The private key is a file that the server alone reads, and nowhere else.
sub one_file
{
	my ($key, $path, $private);

	is($at_home->query(q{SELECT bestauth.issue_sso_assertion('a', 'b');}), '', 'without a session nobody is vouched for');
	$joan = own_session($at_home, 'joan');
	is(issue($at_home, $joan, 'endpoint/goodtherapy', 'a nonce'), '55000', 'without a key neither');
	is(files(), '', 'there is no file');
	$key = create();
	$path = "$keys/$key->{kid}.jwk";
	is(files(), "$key->{kid}.jwk", 'a key is a file');
	is(sprintf('%o', (stat $path)[2] & 07777), '600', 'for the server alone');
	is_deeply([ sort keys %$key ], [qw(alg crv iss kid kty use x y)], 'the public key is what is returned');
	is_deeply([ @$key{qw(alg crv iss kty use)} ], [qw(ES256 P-256 acme-home/acme EC sig)], 'of ES256, with the issuer');
	$private = from_json(slurp_file($path));
	is_deeply([ @$private{qw(kid x y)} ], [ @$key{qw(kid x y)} ], 'the file has the same key');
	like($private->{d}, qr/^[\w-]{43}$/, 'with its private part');
	is(signs(), $key->{kid}, 'it signs');
	is($at_home->query(q{SELECT public_key - 'kid' = '{}'::jsonb, revoked_at IS NULL FROM bestauth.sso_signing_key;}), 'f|t', 'it is in the table');
	is($at_home->query(q{SELECT object_type, object_id, new_values FROM bestauth.audit_log WHERE action = 'sso_key.created';}), "sso_key|$key->{kid}|", 'and in the log');
	return ($key, $private->{d});
}

# The tables with a row that has a text in it.
sub tables_with
{
	my ($text) = @_;

	# by a setting, which is written nowhere itself
	return scalar $at_home->query(<<"END");
SET regress.text = '$text';
CREATE FUNCTION pg_temp.has(relation regclass) RETURNS boolean LANGUAGE plpgsql AS \$\$
DECLARE
	found boolean;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT FROM %s t WHERE strpos(t::text, current_setting(''regress.text'')) > 0)', relation) INTO found;
	RETURN found;
END;
\$\$;
SELECT relname FROM pg_class WHERE relnamespace = 'bestauth'::regnamespace AND relkind IN ('r', 'p') AND pg_temp.has(oid);
DROP FUNCTION pg_temp.has;
END
}

# [TPB-5] Out of reach of SQL, of dumps, of the audit and of the server's log.
sub secret
{
	my ($x, $d) = @_;
	my $dump = PostgreSQL::Test::Utils::tempdir() . '/home.sql';
	my $raw = MIME::Base64::decode_base64url($d);
	my @found;

	like(tables_with($x), qr{^sso_signing_key$}m, 'the public key is in a table');
	is(tables_with($d) . tables_with(unpack 'H*', $raw), '', 'and the private one in none, the audit included');
	command_ok([ 'pg_dump', '--inserts', '-f', $dump, '-d', $home->connstr('postgres') ], 'the instance is dumped');
	like(slurp_file($dump), qr/INSERT INTO bestauth\.sso_signing_key/, 'its keys with it');
	unlike(slurp_file($dump), qr/\Q$d\E/, 'but not the private one');
	unlike(slurp_file($home->logfile), qr/\Q$d\E/, 'nor is it in the server\'s log');
	# nor on the disk, in whatever the server has written
	$home->safe_psql('postgres', 'CHECKPOINT');
	find({ no_chdir => 1, wanted => sub { push @found, $_ if -f && slurp_file($_) =~ /\Q$d\E|\Q$raw\E/ } }, $home->data_dir);
	is("@found", '', 'nor in a file of the cluster, the WAL included');
	return $dump;
}

# Nobody learns of the directory who is no superuser, and nobody makes a key but the operator.
sub who
{
	$home->safe_psql('postgres', <<'END');
CREATE ROLE regress_operator LOGIN;
CREATE ROLE regress_app LOGIN;
SELECT bestauth.grant_access('regress_operator', 'operator'), bestauth.grant_access('regress_app', 'application');
END
	my $operator = connect_to($home->connstr('postgres') . ' user=regress_operator');
	my $app = connect_to($home->connstr('postgres') . ' user=regress_app');
	my $position;

	is(raised($app, q{SELECT bestauth.create_sso_key('acme');}), '42501', 'an application makes no key');
	is(raised($app, q{SELECT * FROM bestauth.sso_signing_key;}), '42501', 'nor reads of keys');
	# a connection that has not loaded the library yet knows nothing of what the setting is
	$operator->query(q{SELECT bestauth.has_access('operator');});
	is(raised($operator, 'SHOW bestauth.sso_key_directory;'), '42501', 'the directory is for superusers to know');
	is(raised($operator, q{SELECT pg_read_file('/etc/hostname');}), '42501', 'an operator reads no files');
	chmod 0750, $keys;
	$position = log_position($home);
	my ($out, $err) = $operator->query(q{SELECT bestauth.create_sso_key('acme');});
	like($err, qr/ERROR:  file or directory of private keys is open to others$/, 'the message says what is wrong');
	unlike($err, qr/\Q$keys\E/, 'and not where');
	like(log_since($home, $position), qr/\Q$keys\E/, 'which stands in the server\'s log');
	chmod 0700, $keys;
	$_->quit for $operator, $app;
	return;
}

# A directory or a file that others can read or change is not used.
sub open_to_others
{
	my ($kid) = @_;
	my $before = files();

	for my $mode (0770, 0750, 0701, 0704, 0702)
	{
		chmod $mode, $keys;
		is(operator(q{create_sso_key('acme')}), 'F0000', sprintf 'directory %o: no key is made', $mode);
		is(issue($at_home, $joan, 'endpoint/goodtherapy', 'a nonce'), 'F0000', sprintf 'directory %o: nothing is signed', $mode);
	}
	chmod 0700, $keys;
	for my $mode (0640, 0604, 0620)
	{
		chmod $mode, "$keys/$kid.jwk";
		is(issue($at_home, $joan, 'endpoint/goodtherapy', 'a nonce'), 'F0000', sprintf 'file %o: nothing is signed', $mode);
	}
	chmod 0600, "$keys/$kid.jwk";
	is(files(), $before, 'and no file is left');
	is(signs(), $kid, 'made private again, the key signs');
	# a file that is none, or of another key
	rename "$keys/$kid.jwk", "$keys/away";
	is(issue($at_home, $joan, 'endpoint/goodtherapy', 'a nonce'), 'F0000', 'a file that is gone: nothing is signed');
	for my $text ('', 'no key', '{}', '{"kty":"oct","k":"c2VjcmV0"}', 'x' x 100_000)
	{
		append_to_file("$keys/$kid.jwk", $text);
		chmod 0600, "$keys/$kid.jwk";
		like(issue($at_home, $joan, 'endpoint/goodtherapy', 'a nonce'), qr/^(?:F0000|38000)$/, 'a file with something else: nothing is signed');
		unlink "$keys/$kid.jwk";
	}
	rename "$keys/away", "$keys/$kid.jwk";
	is(signs(), $kid, 'put back, the key signs');
	# a directory that is none
	rename $keys, "$keys.away";
	is(operator(q{create_sso_key('acme')}), 'F0000', 'no directory: no key is made');
	append_to_file($keys, 'a file');
	chmod 0600, $keys;
	is(operator(q{create_sso_key('acme')}), 'F0000', 'a file instead of it: no key is made');
	unlink $keys;
	rename "$keys.away", $keys;
	is(signs(), $kid, 'put back, the key signs');
	return;
}

# ----------------------------------------------------------------- transactions

# A key whose transaction comes to nothing leaves no file, and one that is revoked goes at the commit.
sub transactions
{
	my ($kid) = @_;
	my $other = connect_to($home->connstr('postgres'));
	my $next;

	$at_home->query('BEGIN;');
	create();
	isnt(files(), named($kid), 'a file is there before the commit');
	$at_home->query('ROLLBACK;');
	is(files(), named($kid), 'rolled back: it is gone');
	for my $way ('ROLLBACK TO a', 'RELEASE a; ROLLBACK', 'RELEASE a; SELECT 1 / 0; COMMIT', 'SAVEPOINT b; RELEASE b; ROLLBACK TO a', 'RELEASE a; SAVEPOINT c; ROLLBACK TO c; ROLLBACK')
	{
		$at_home->query('BEGIN; SAVEPOINT a;');
		create();
		$at_home->query("$way; COMMIT;");
		is(files(), named($kid), "$way: it is gone");
	}
	$at_home->query(q{DO $$ BEGIN PERFORM bestauth.create_sso_key('acme'); RAISE 'x'; EXCEPTION WHEN raise_exception THEN NULL; END $$;});
	is(files(), named($kid), 'in a block with an exception: it is gone');
	$other->query('BEGIN;');
	create($other);
	isnt(files(), named($kid), 'a connection makes a key');
	$other->vanish;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		last if files() eq named($kid);
		usleep(100_000);
	}
	is(files(), named($kid), 'and goes away without a commit: it is gone');
	is(operator(q{create_sso_key('acme'), bestauth.create_sso_key('acme'), bestauth.create_sso_key('acme')}), '55000', 'three at once are refused');
	is(files(), named($kid), 'and leave none');
	# both made and revoked
	$at_home->query('BEGIN; SAVEPOINT a;');
	$next = create();
	is(operator(qq{revoke_sso_key('acme', '$next->{kid}')}), '', 'made and revoked at once');
	$at_home->query('RELEASE a; COMMIT;');
	is(files(), named($kid), 'it is gone');
	# revoked
	for my $way ('ROLLBACK', 'ROLLBACK TO a; COMMIT', 'RELEASE a; ROLLBACK')
	{
		$at_home->query('BEGIN; SAVEPOINT a;');
		is(operator(qq{revoke_sso_key('acme', '$kid')}), '', 'revoked');
		$at_home->query("$way;");
		is(files(), named($kid), "$way: its file stays");
		is(signs(), $kid, "$way: it signs");
	}
	is($at_home->query('SELECT count(*) FROM bestauth.sso_signing_key;'), '2', 'the table has what was committed');
	return;
}

# --------------------------------------------------------------------- rotation

# [TPB-5] One key follows another: the second is handed out before it signs, and what was signed by
# the first is good as long as that is trusted.
sub rotation
{
	my ($first) = @_;
	my $endpoint = start_endpoint('endpoint', json($first));
	my $there = connect_to($endpoint->connstr('postgres'));
	my ($second, $third, $held, $held_for, $challenge, $session);
	my $enter = sub {
		my $challenge = first_part($there);
		return sso($there, $challenge, issue($at_home, $joan, $challenge->{audience}, $challenge->{challenge_id}));
	};

	is($enter->()->{outcome}, 'authenticated', 'by the first key one enters');
	$second = create();
	is(signs(), $first->{kid}, 'a second key is there, and the first signs');
	is(operator(q{create_sso_key('acme')}), '55000', 'a third is refused');
	is(files(), named($first->{kid}, $second->{kid}), 'and leaves no file');
	$there->query("SELECT bestauth.trust_sso_key('acme', '@{[ json($second) ]}');");
	is($there->query('SELECT count(*) FROM bestauth.sso_key;'), '2', 'both are trusted');
	$session = $enter->()->{session_token};
	$held_for = first_part($there);
	$held = issue($at_home, $joan, $held_for->{audience}, $held_for->{challenge_id});
	is(operator(qq{revoke_sso_key('acme', '$second->{kid}-no')}), 'P0002', 'no other key is revoked');
	is(operator(qq{revoke_sso_key('acme', '$first->{kid}')}), '', 'the first is revoked');
	is(files(), named($second->{kid}), 'its private part is gone');
	is(signs(), $second->{kid}, 'now the second signs');
	is($enter->()->{outcome}, 'authenticated', 'by which one enters');
	is(sso($there, $held_for, $held)->{outcome}, 'authenticated', 'as by what the first had signed');
	is($there->query(q{SELECT count(*) FROM bestauth.user_account WHERE user_type = 'federated';}), '1', 'by both one is the same person');
	is(operator(qq{revoke_sso_key('acme', '$first->{kid}')}), 'P0002', 'it is revoked once');
	is($at_home->query(q{SELECT string_agg(action, ' ' ORDER BY audit_id) FROM bestauth.audit_log WHERE action ~ '^sso_key' AND object_id IN ('} . "$first->{kid}', '$second->{kid}');"),
		'sso_key.created sso_key.created sso_key.revoked', 'all of it is in the log');
	# where the first is trusted no more
	$held_for = first_part($there);
	$there->query("SELECT bestauth.distrust_sso_key('acme', '$first->{kid}');");
	is(raised($there, "SELECT bestauth.use_session('$session');"), '28000', 'the endpoint takes the first away: sessions end');
	is(sso($there, $held_for, $held)->{outcome}, 'denied', 'what the first had signed is good no more');
	is(last_reason($there), 'key of the assertion is not trusted', 'for that reason');
	is($enter->()->{outcome}, 'authenticated', 'by the second one enters');
	is($there->query(q{SELECT string_agg(action || ' ' || (detail ->> 'issuer'), ', ' ORDER BY audit_id) FROM bestauth.audit_log WHERE action ~ '^sso_key';}),
		join(', ', map { "sso_key.$_ acme-home/acme" } qw(trusted trusted distrusted)), 'that is in its log');
	# a third may follow
	$third = create();
	is(signs(), $second->{kid}, 'a third follows: the second signs');
	is(operator(qq{revoke_sso_key('acme', '$third->{kid}')}), '', 'the third is taken back');
	is(signs(), $second->{kid}, 'and the second signs');
	handed_in($there, $third);
	$there->quit;
	$endpoint->stop;
	return $second;
}

# What the endpoint is handed must be a public key, of one name and issuer.
sub handed_in
{
	my ($there, $key) = @_;
	my $private = { %$key, d => 'A' x 43 };
	my $count = $there->query('SELECT count(*) FROM bestauth.sso_key;');
	my $trust = sub { raised($there, 'SELECT bestauth.trust_sso_key(' . join(', ', q{'acme'}, map { literal($_) } @_) . ');') };
	my %without = map {
		my %rest = %$key;
		delete $rest{$_};
		($_ => json(\%rest))
	} keys %$key;

	is($trust->(json($private)), '22023', 'a private key is refused');
	is($there->query(q{SELECT count(*) FROM bestauth.audit_log t WHERE t::text LIKE '%AAAAAAAAAAAAAAAAAAAA%';}), '0', 'and is written down nowhere');
	is($trust->($without{$_}), '22023', "one without $_ is refused") for qw(kty crv x y kid iss);
	is($trust->(json({ %$key, @$_ })), '22023', "refused: $_->[0] is " . json($_->[1]))
	  for [ alg => 'HS256' ], [ alg => 'none' ], [ alg => 'RS256' ], [ alg => 'ES384' ], [ use => 'enc' ], [ kty => 'oct' ], [ kty => 'RSA' ],
		[ crv => 'P-384' ], [ crv => 'secp256k1' ], [ x => $key->{y} ], [ x => '' ], [ y => 'AA' ], [ kid => '' ], [ kid => 'k' x 256 ],
		[ kid => "a\x{202e}b" ], [ kid => "a\nb" ], [ iss => "acme\x{200b}home" ], [ iss => 'i' x 501 ], [ k => 'c2VjcmV0' ];
	is($trust->($_), '22023', "refused: $_") for '[]', '"text"', 'null', '{}', '{"keys": []}', '{"keys": {}}', '{"keys": [1, "a", null, []]}',
	  json({ keys => [ ({ %$key, kid => 'k' }) x 21 ] });
	is($trust->(json($key), undef, '{"audience": "x", "user_type": "y", "restricted": "z"}'), '22023', 'claims without an issuer are refused');
	is($trust->(json($key), 'https://idp', $_), '22023', 'claims refused: ' . json($_))
	  for '[]', '{}', '"x"', '{"audience": "x", "user_type": "y"}', '{"audience": 1, "user_type": "y", "restricted": "z"}',
		'{"audience": "x", "user_type": "y", "restricted": "z", "other": "o"}', '{"audience": "", "user_type": "y", "restricted": "z"}',
		'{"audience": "x", "user_type": ["y"], "restricted": "z"}', qq({"audience": "a\x{202e}b", "user_type": "y", "restricted": "z"});
	is($there->query('SELECT count(*) FROM bestauth.sso_key;'), $count, 'nothing of it is trusted');
	is($trust->(json($key)), '', 'as it is, the key is taken');
	is($trust->(json($key)), '', 'and once more');
	is($trust->(json({ %$key, iss => 'another' })), '23505', 'but not of another issuer');
	is(raised($there, qq{UPDATE bestauth.sso_key SET issuer = 'another';}), '23514', 'nor made one by an operator');
	is(raised($there, qq{SELECT bestauth.trust_sso_key('goodtherapy', '@{[ json($key) ]}');}), '55000', 'nor for a company that is no service');
	is(raised($there, q{SELECT bestauth.create_sso_key('goodtherapy');}), '55000', 'which makes none either');
	is(raised($there, q{SELECT bestauth.create_sso_key('acme');}), '55000', 'and where there is no directory nobody does');
	return;
}

# -------------------------------------------------------- restored, and standing by

# Restored elsewhere, without the file: what there is to do is said.
sub restored
{
	my ($dump, $public_key) = @_;
	my $elsewhere = start_node('elsewhere');
	my $empty = PostgreSQL::Test::Utils::tempdir() . '/empty';
	my ($client, $err);

	mkdir $empty, 0700;
	$elsewhere->safe_psql('postgres', 'CREATE DATABASE restored');
	$elsewhere->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-d', $elsewhere->connstr('restored'), '-f', $dump ], 'restored elsewhere');
	$client = connect_to($elsewhere->connstr('restored'));
	is(raised($client, 'SELECT bestauth.open_instance();'), 'acme-home', 'it opens');
	my $session = own_session($client, 'joan');
	is(issue($client, $session, 'endpoint/goodtherapy', 'a nonce'), '55000', 'without a directory nothing is signed');
	$elsewhere->append_conf('postgresql.conf', "bestauth.sso_key_directory = '$empty'");
	$elsewhere->reload;
	$elsewhere->poll_query_until('restored', "SELECT current_setting('bestauth.sso_key_directory') = '$empty'");
	is(issue($client, $session, 'endpoint/goodtherapy', 'a nonce'), 'F0000', 'nor in a directory without the file');
	(undef, $err) = $client->query("BEGIN; SELECT FROM bestauth.use_session('$session'); SELECT bestauth.issue_sso_assertion('a', 'b'); ROLLBACK;");
	like($err, qr/ERROR:  could not read a private key$/, 'the message says why');
	# another key is made there
	is(raised($client, qq{SELECT bestauth.revoke_sso_key('acme', '$public_key->{kid}');}), '', 'the key without a file is revoked');
	my $key = create($client);
	is(from_json(MIME::Base64::decode_base64url((split /\./, issue($client, $session, 'endpoint/goodtherapy', 'a nonce'))[0]))->{kid}, $key->{kid}, 'another one signs');
	$client->quit;
	$elsewhere->stop;
	return;
}

# A standby vouches for nobody, makes and revokes no key.
sub standby
{
	my ($kid) = @_;
	my $standby = PostgreSQL::Test::Cluster->new('standby');
	my $before = files();
	my $client;

	$home->backup('for_standby');
	$standby->init_from_backup($home, 'for_standby', has_streaming => 1);
	$standby->start;
	$home->wait_for_catchup($standby, 'replay', $home->lsn('flush'));
	$client = connect_to($standby->connstr('postgres'));
	is(raised($client, q{SELECT bestauth.create_sso_key('acme');}), '25006', 'a standby makes no key');
	is(raised($client, qq{SELECT bestauth.revoke_sso_key('acme', '$kid');}), '25006', 'nor revokes one');
	is(raised($client, qq{SELECT bestauth.trust_sso_key('acme', '{}');}), '22023', 'nor trusts one');
	is(issue($client, $joan, 'endpoint/goodtherapy', 'a nonce'), '25006', 'nor signs');
	is(raised($client, q{SELECT * FROM bestauth.login_second_part_sso('a', 'b');}), '25006', 'nor lets in');
	is(raised($client, q{SELECT * FROM bestauth.renew_session_sso('a', 'b');}), '25006', 'nor renews');
	is(files(), $before, 'the files are as they were');
	is(raised($at_home, qq{BEGIN READ ONLY; SELECT bestauth.create_sso_key('acme'); ROLLBACK;}), '25006', 'nor does one in a transaction that only reads');
	$client->quit;
	$standby->stop;
	return;
}

my ($key, $d) = one_file();
my $dump = secret($key->{x}, $d);

who();
open_to_others($key->{kid});
transactions($key->{kid});
my $second = rotation($key);

standby($second->{kid});
restored($dump, $key);
$at_home->quit;
$home->stop;
done_testing();
