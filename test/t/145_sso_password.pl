# Who signs on elsewhere has no password here, and who has one is not entered by an assertion [B-09];
# also where somebody has meddled with the tables.
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

my $node = start_node('password', conf => 'bestauth.lockout_threshold = 100');
my $tool = tokens_start();
my $key = $tool->key('home', 'P-256', kid => 'home', alg => 'ES256', iss => 'home/acme');
my $ids = 0;

SsoTest::make_customer($node, 'postgres', 'endpoint', json($key->{jwk}));

my $client = connect_to($node->connstr('postgres'));
my $right = 'seven green boats of local';

sub token
{
	my (%changed) = @_;

	return $tool->raw('home', 'ES256', { alg => 'ES256', kid => 'home', typ => 'sso-assertion+jwt' }, {
		iss => 'home/acme', sub => 'subject-1', aud => 'endpoint/goodtherapy', nonce => challenge($client)->{challenge_id}, iat => int time, exp => 60 + int time,
		jti => 'id-' . ++$ids, preferred_username => 'joan', given_name => 'Joan', family_name => 'Biller', user_type => 'restricted', %changed });
}

sub id_of
{
	my ($username) = @_;

	return scalar $client->query("SELECT user_id FROM bestauth.user_account u JOIN bestauth.company USING (company_id) WHERE username = '$username' AND code = 'acme';");
}

# What a statement comes to, with the rule that spoke.
sub refused
{
	my ($sql) = @_;
	my (undef, $err) = $client->query("\\set VERBOSITY verbose\n$sql\n\\set VERBOSITY default");
	my ($code) = $err =~ /(?:ERROR|FATAL): +(\w{5})/;

	return $code // 'no error';
}

# Past all triggers, as nobody can but a superuser.
sub meddle
{
	my ($sql) = @_;
	my ($out, $err) = $client->query(<<"END");
BEGIN;
DO \$\$ DECLARE t record; BEGIN
	FOR t IN SELECT c.oid::regclass AS name FROM pg_class c WHERE c.relnamespace = 'bestauth'::regnamespace AND c.relname IN ('credential', 'sso_person') LOOP
		EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', t.name);
	END LOOP;
END \$\$;
$sql
DO \$\$ DECLARE t record; BEGIN
	FOR t IN SELECT tgrelid::regclass AS name, tgname, tgenabled FROM pg_trigger WHERE tgrelid IN ('bestauth.credential'::regclass, 'bestauth.sso_person'::regclass) AND NOT tgisinternal LOOP
		EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', t.name, t.tgname);
	END LOOP;
END \$\$;
COMMIT;
END
	is($err, '', 'somebody meddles');
	return;
}

sub part_two
{
	my ($username, $password) = @_;
	my $challenge = challenge($client);

	return row($client, "SELECT * FROM bestauth.login_second_part('$challenge->{challenge_token}', '$username', '$password')")->{outcome};
}

# ------------------------------------------------------------------------ no password

# Nothing gives somebody a password who signs on elsewhere.
sub never
{
	my $joan = id_of('joan');
	my $session;

	is(refused("INSERT INTO bestauth.credential (user_id, password_hash) SELECT '$joan', password_hash FROM bestauth.credential WHERE user_id = '@{[ id_of('local') ]}';"), '23514', 'not an INSERT, of a superuser even');
	is(refused("SET session_replication_role = replica; INSERT INTO bestauth.credential (user_id, password_hash) SELECT '$joan', 'x';"), '23514', 'not where triggers do not fire');
	$client->query('RESET session_replication_role;');
	isnt(refused(q{SELECT bestauth.reset_password('joan', company => 'acme');}), 'no error', 'not a reset');
	isnt(refused(q{SELECT bestauth.resend_setup_link('joan', company => 'acme');}), 'no error', 'not a set-up link');
	$client->query(q{SELECT bestauth.request_password_reset('acme', 'joan');});
	is($client->query("SELECT count(*) FROM bestauth.outbox;"), $client->query(q{SELECT count(*) FROM bestauth.outbox WHERE recipient <> '';}), 'not a mail');
	is($client->query("SELECT count(*) FROM bestauth.token WHERE user_id = '$joan';"), '0', 'there is no link of theirs');
	is(refused(qq{SELECT bestauth.create_user('fay', 'federated', 'Fay', 'Fed', 'fay\@acme.example', '$right', company => 'acme');}), '22023', 'nobody is made one by hand');
	is(refused(qq{INSERT INTO bestauth.user_account (company_id, username, user_type) SELECT company_id, 'fay', 'federated' FROM bestauth.company WHERE code = 'acme';}), '23514', 'nor by INSERT');
	is(refused("UPDATE bestauth.user_account SET user_type = 'restricted', email = 'joan\@acme.example' WHERE user_id = '$joan';"), '23514', 'nobody stops being one');
	is(refused(q{SELECT bestauth.update_user('joan', '{"user_type": "restricted"}', company => 'acme');}) =~ /^(?:23514|22023|42501)$/, 1, 'nor by update_user');
	$session = accepted($client, 'a session', token())->{session_token};
	$client->query("BEGIN; SELECT FROM bestauth.use_session('$session'); SELECT bestauth.change_password('$right', 'nine red lanterns of joan'); COMMIT;");
	is($client->query("SELECT count(*) FROM bestauth.credential WHERE user_id = '$joan';"), '0', 'there is none after all that');
	return;
}

# One that is left over is none: in neither part, temporary or not.
sub left_over
{
	my $joan = id_of('joan');
	my $before;

	for my $temporary ('false', 'true')
	{
		meddle("DELETE FROM bestauth.credential WHERE user_id = '$joan';"
			  . " INSERT INTO bestauth.credential (user_id, password_hash, pepper_id, must_change, expires_at) SELECT '$joan', password_hash, pepper_id, $temporary, CASE WHEN $temporary THEN clock_timestamp() + interval '1 hour' END"
			  . " FROM bestauth.credential WHERE user_id = '@{[ id_of('local') ]}';");
		is($client->query("SELECT c.password_hash = l.password_hash FROM bestauth.credential c, bestauth.credential l WHERE c.user_id = '$joan' AND l.user_id = '@{[ id_of('local') ]}';"), 't', 'a password is left over');
		$before = $client->query('SELECT count(*) FROM bestauth.session;');
		is(login($node, 'postgres', 'acme', 'joan', $right), 'denied', "temporary $temporary: part one by password is denied");
		is(last_reason($client), 'user type federated has no password', 'for that reason');
		is(login($node, 'postgres', 'acme', 'joan', "$right?"), 'denied', "temporary $temporary: as by a wrong one");
		is(part_two('joan', $right), 'denied', "temporary $temporary: part two by password is denied");
		is(last_reason($client), 'user type federated has no password', 'for that reason');
		is(part_two('local', $right), 'authenticated', 'who has the password enters by it');
		SsoTest::used_up();
		is($client->query('SELECT count(*) FROM bestauth.session;'), $before + 1, 'there is no session but that one');
		accepted($client, "temporary $temporary: by an assertion joan enters", token());
	}
	is($client->query("SELECT count(*) FROM bestauth.token WHERE user_id = '$joan';"), '0', 'and no link to change it');
	return;
}

# ------------------------------------------------------------------- no assertion

# Who has a password here is nobody that an assertion speaks of.
sub own_users
{
	my $local = id_of('local');

	for my $subject ($local, 'local', 'local@acme.example', 'acme/local')
	{
		accepted($client, "subject $subject", token(sub => $subject, preferred_username => 'local', email => 'local@acme.example'));
		isnt($client->query('SELECT person_id FROM bestauth.session ORDER BY created_at DESC LIMIT 1;'), $local, 'is somebody else than the user with a password');
	}
	is($client->query("SELECT count(*) FROM bestauth.audit_log WHERE action = 'login.succeeded' AND person_id = '$local' AND detail ? 'issuer';"), '0', 'who has entered by password alone');
	is(refused("INSERT INTO bestauth.sso_person (user_id, company_id, issuer, subject) SELECT user_id, company_id, 'home/acme', 'planted' FROM bestauth.user_account WHERE user_id = '$local';"), '23514', 'nobody is made known by an assertion by hand');
	is(refused("UPDATE bestauth.sso_person SET subject = 'other';"), '23514', 'who is known stays who they are');
	is(refused("UPDATE bestauth.user_account SET user_type = 'federated', email = NULL WHERE user_id = '$local';"), '23514', 'nobody becomes one');
	meddle("INSERT INTO bestauth.sso_person (user_id, company_id, issuer, subject) SELECT user_id, company_id, 'home/acme', 'planted' FROM bestauth.user_account WHERE user_id = '$local';");
	is(sso($client, challenge($client), token(sub => 'planted', preferred_username => 'local'))->{outcome}, 'denied', 'where somebody has meddled, it is denied');
	is(last_reason($client), 'user type restricted does not sign on by an assertion', 'for that reason');
	is($client->query("SELECT username, user_type, last_name FROM bestauth.user_account WHERE user_id = '$local';"), 'local|restricted|Cal', 'and the user is as before');
	meddle("DELETE FROM bestauth.sso_person WHERE user_id = '$local';");
	SsoTest::used_up();
	return;
}

# ------------------------------------------------------------- deleted, and restored

# Who was deleted here does not come back by an assertion, as anybody.
sub deleted
{
	my $joan = id_of('joan');
	my $users = $client->query('SELECT count(*) FROM bestauth.user_account;');
	my $session = accepted($client, 'a session', token())->{session_token};

	is(refused(q{SELECT bestauth.delete_user('joan', company => 'acme');}), 'no error', 'joan is deleted here');
	is(raised($client, "SELECT bestauth.use_session('$session');"), '28000', 'her session is over');
	is(sso($client, challenge($client), token())->{outcome}, 'denied', 'an assertion does not bring her back');
	is(last_reason($client), 'account deleted', 'for that reason');
	is($client->query('SELECT count(*) FROM bestauth.user_account;'), $users, 'nor makes another one');
	is(refused(q{SELECT bestauth.restore_user('joan', company => 'acme');}), 'no error', 'joan is restored');
	is($client->query("SELECT count(*) FROM bestauth.token WHERE user_id = '$joan';"), '0', 'without a link to a password');
	is($client->query("SELECT count(password_hash) FROM bestauth.credential WHERE user_id = '$joan';"), '0', 'and without the password that was left over');
	accepted($client, 'she enters again', token());
	# a key that admits some persons alone
	$client->query(q{SELECT bestauth.limit_billing_user('acme-claims', '{joan}', company => 'goodtherapy');});
	SsoTest::used_up();
	accepted($client, 'whom the key admits enters', token());
	is(sso($client, challenge($client), token(sub => 'stranger', preferred_username => 'stranger'))->{outcome}, 'denied', 'somebody else does not');
	is(last_reason($client), 'key does not admit this person', 'for that reason');
	is($client->query(q{SELECT detail ->> 'subject' FROM bestauth.audit_log WHERE outcome = 'denied' ORDER BY audit_id DESC LIMIT 1;}), 'stranger', 'and the log says who it was');
	return;
}

$client->query(qq{SELECT bestauth.create_user('local', 'restricted', 'Lo', 'Cal', 'local\@acme.example', '$right', company => 'acme');});
accepted($client, 'joan is known by an assertion', token());
never();
left_over();
own_users();
deleted();
$tool->stop;
$client->quit;
$node->stop;
done_testing();
