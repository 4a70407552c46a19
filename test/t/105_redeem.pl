# [E-05] A link that was redeemed in a transaction that rolled back still works; one whose
# redemption was committed is used, also after a crash right behind the commit.
# [E-04] Of many who accept one invite at once, one gets an account.
#
# Not in pg_regress: it takes a server that is stopped without a word, and many sessions.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use Test::More;

my $password = 'the right password of this test';
my $node = start_node('redeem', conf => "synchronous_commit = off\nbestauth.hash_timeout = '120s'");

sub sql
{
	my ($sql) = @_;

	return $node->safe_psql('postgres', $sql);
}

# The token that goes to an address.
sub link_of
{
	my ($name) = @_;

	return sql(<<END);
SELECT token FROM bestauth.claim_mail(1000), LATERAL bestauth.confirm_mail(message_id) c
WHERE recipient = '$name\@example.org' AND token IS NOT NULL
END
}

# An account that was made for a contact, and has its password: it waits to be verified.
sub invited
{
	my ($name) = @_;
	my $token;

	sql(<<END);
SELECT bestauth.create_portal_account(bestauth.create_contact('client', 'Given', 'Name', '$name\@example.org', company => 'redeem'),
	'$name\@example.org', company => 'redeem')
END
	$token = link_of($name);
	is(sql("SELECT bestauth.set_password('$token', '$password')"), 'accepted', "$name: a password is set");
	return link_of($name);
}

sub signed_up
{
	my ($name) = @_;

	sql("SELECT bestauth.register_portal_account('redeem', NULL, '$name\@example.org', '$password', 'Given', 'Name')");
	return link_of($name);
}

sub set_up
{
	my ($name) = @_;

	sql("SELECT bestauth.create_user('$name', 'standard', 'Given', 'Name', '$name\@example.org', company => 'redeem')");
	return link_of($name);
}

sub new_address
{
	my ($name) = @_;

	sql("SELECT bestauth.create_user('$name', 'standard', 'Given', 'Name', '$name-old\@example.org', '$password', company => 'redeem')");
	sql(qq{SELECT bestauth.update_user('$name', '{"email": "$name\@example.org"}', 'redeem')});
	return link_of($name);
}

sub registered
{
	my ($name) = @_;

	sql("SELECT count(*) FROM bestauth.office, bestauth.send_registration_links('{$name\@example.org}', 'Provider - Portal User', office_id)");
	return link_of($name);
}

sub state_of
{
	my ($name) = @_;

	return sql(<<END);
SELECT count(*), count(*) FILTER (WHERE verified_at IS NOT NULL), count(c.password_hash), count(*) FILTER (WHERE email = '$name\@example.org')
FROM bestauth.user_account LEFT JOIN bestauth.credential c USING (user_id) WHERE username IN ('$name', '$name\@example.org')
END
}

make_instance($node, 'postgres');
sql(<<'END');
SELECT bestauth.create_company('redeem', 'Redeem');
SELECT bestauth.create_portal('redeem', 'clients', 'client', 'Clients', 'https://clients.example'), bestauth.create_portal('redeem', 'docs', 'provider', 'Doctors');
SELECT bestauth.create_office('redeem', '11-1111111', 'Office');
END

# What makes the link, what redeems it, and the account before and after: users, verified,
# with a password, with the address.
my %kind = (
	verification => [ \&invited, q{SELECT bestauth.verify_email('%s');}, '1|0|1|1', '1|1|1|1' ],
	'sign-up' => [ \&signed_up, q{SELECT bestauth.verify_email('%s');}, '0|0|0|0', '1|1|1|1' ],
	'set-up' => [ \&set_up, "SELECT bestauth.set_password('%s', '$password');", '1|0|0|1', '1|0|1|1' ],
	invite => [ \&registered, "SELECT outcome FROM bestauth.accept_registration('%s', 'invite', '$password', 'Given', 'Name');", '0|0|0|0', '1|1|1|1' ],
	'new-address' => [ \&new_address, q{SELECT bestauth.confirm_email_change('%s');}, '1|0|1|0', '1|0|1|1' ],
);
my %redeem;

for my $name (sort keys %kind)
{
	my ($make, $call, $before) = @{ $kind{$name} };

	$redeem{$name} = sprintf $call, $make->($name);
	for my $end ('ROLLBACK;', "ROLLBACK TO before; COMMIT;", 'SELECT 1 / 0; COMMIT;')
	{
		my (undef, $out) = $node->psql('postgres', "BEGIN; SAVEPOINT before;\n$redeem{$name}\n$end", on_error_stop => 0);

		is($out, 'accepted', "$name: redeemed, then $end");
		is(state_of($name), $before, "$name: nothing has changed");
	}
}
# one that is in the middle of it
my $open = connect_to($node->connstr('postgres'));
my $middle = sprintf $kind{verification}[1], invited('middle');

is($open->query("BEGIN; $middle"), 'accepted', 'redeemed, and not committed');
is(sql(join "\n", map { $redeem{$_} } sort keys %kind), join("\n", ('accepted') x keys %kind), 'all others are redeemed');
$node->stop('immediate');
$open->vanish;
$node->start;
for my $name (sort keys %kind)
{
	is(state_of($name), $kind{$name}[3], "$name: after the crash it is done");
	is(sql($redeem{$name}), 'invalid', "$name: and the link is used");
}
is(state_of('middle'), '1|0|1|1', 'what was not committed is not done');
is(sql($middle), 'accepted', 'and its link is good');

# ------------------------------------------------------------------ many at once

# Two links of one invite, for its mail goes out twice; half of them use each. All wait for
# its row, until that is let go.
sub race
{
	my ($level, $count) = @_;
	my $name = lc $level =~ s/ .*//r;
	my $holder = connect_to($node->connstr('postgres'));
	my @clients = map { connect_to($node->connstr('postgres')) } 1 .. $count;
	my (@links, %got);

	sql("SELECT count(*) FROM bestauth.office, bestauth.send_registration_links('{$name\@example.org}', 'Provider - Portal User', office_id)");
	for (1, 2)
	{
		push @links, sql("SELECT token FROM bestauth.claim_mail(1000) WHERE recipient = '$name\@example.org'");
		sql("UPDATE bestauth.outbox SET due_at = clock_timestamp() WHERE recipient = '$name\@example.org'");
	}
	is($holder->query("BEGIN; SELECT status FROM bestauth.registration WHERE email = '$name\@example.org' FOR NO KEY UPDATE;"), 'EMAIL-INT', "$level: the invite is held");
	for my $i (1 .. $count)
	{
		$clients[ $i - 1 ]->send_sql("\\set VERBOSITY sqlstate\nBEGIN ISOLATION LEVEL $level;\n"
			  . "SELECT outcome FROM bestauth.accept_registration('$links[ $i % 2 ]', '$name-$i', '$password', 'Given', 'Name');\nCOMMIT;");
	}
	ok($node->poll_query_until('postgres', "SELECT count(*) = $count FROM pg_stat_activity WHERE wait_event IN ('tuple', 'transactionid') AND query LIKE '%accept_registration%'"),
		"$level: $count wait for it");
	$holder->query('ROLLBACK;');
	for my $client (@clients)
	{
		my ($out, $err) = $client->answers;

		$got{ $err =~ /ERROR: +(\w{5})/ ? $1 : $out }++;
		$client->quit;
	}
	$holder->quit;
	is($got{accepted}, 1, "$level: one is accepted");
	is(($got{invalid} // 0) + ($got{'40001'} // 0), $count - 1, 'all others are told that it is invalid, or to try again')
	  or note explain \%got;
	is($got{invalid} // 0, $level eq 'READ COMMITTED' ? $count - 1 : 0, 'as the level says');
	is(sql(<<END), '1|1|1|1|1', "$level: one account, with one password and role, one link that was used, one audit row");
SELECT (SELECT count(*) FROM bestauth.user_account WHERE email = '$name\@example.org'),
	(SELECT count(password_hash) FROM bestauth.credential JOIN bestauth.user_account USING (user_id) WHERE email = '$name\@example.org'),
	(SELECT count(*) FROM bestauth.user_role JOIN bestauth.user_account USING (user_id) WHERE email = '$name\@example.org'),
	(SELECT count(used_at) FROM bestauth.token JOIN bestauth.registration USING (registration_id) WHERE email = '$name\@example.org'),
	(SELECT count(*) FROM bestauth.audit_log a JOIN bestauth.registration r ON r.registration_id::text = object_id WHERE action = 'registration.accepted' AND email = '$name\@example.org')
END
	is(sql(join "\n", map { "SELECT outcome FROM bestauth.peek_registration('$_');" } @links), "invalid\ninvalid", "$level: and both links are");
	return;
}

race($_, 16) for 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE';

$node->stop;
done_testing();
