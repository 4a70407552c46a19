# [F-04] Approving, accepting and being approved at once, while the server goes down without a
# word in the middle: the state has changed and the account is made, or neither. [F-07] [C-05] A
# wrong answer stays charged.
#
# Not in pg_regress: it takes a server that is stopped without a word.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use Test::More;

my $password = 'seven green boats of hers';
my $node = start_node('decision', conf => 'synchronous_commit = off');

sub sql
{
	my ($sql) = @_;

	return $node->safe_psql('postgres', $sql);
}

sub submit_sql
{
	my ($name, $claim) = @_;
	# Who gives a role has it locked to the end: each is given by one.
	my $role = $claim eq 'NULL' ? 'Provider - Portal User' : 'Provider - Self Registration User';

	return "SELECT status FROM bestauth.submit_registration('decision', '11-0000001', NULL, 'tin', NULL, '$role',"
	  . " '$name', '$password', 'Ann', 'Asker', '$name\@example.org', $claim)";
}

# Of a name: the status of its registration and how many it had, accounts, passwords, roles,
# messages but invites, rows of the audit of what was done.
sub state_of
{
	my ($name) = @_;

	return sql(<<END);
SELECT coalesce((SELECT string_agg(status || ' ' || jsonb_array_length(history), ' ') FROM bestauth.registration WHERE email = '$name\@example.org'), 'none'),
	(SELECT count(*) FROM bestauth.user_account WHERE username = '$name'),
	(SELECT count(*) FROM bestauth.credential JOIN bestauth.user_account USING (user_id) WHERE username = '$name'),
	(SELECT count(*) FROM bestauth.user_role JOIN bestauth.user_account USING (user_id) WHERE username = '$name'),
	(SELECT count(*) FROM bestauth.outbox WHERE recipient = '$name\@example.org' AND kind <> 'registration_invite'),
	(SELECT count(*) FROM bestauth.audit_log a JOIN bestauth.registration r ON a.object_id = r.registration_id::text
		WHERE r.email = '$name\@example.org' AND a.action IN ('registration.approved', 'registration.accepted'))
END
}

make_instance($node, 'postgres');
sql(<<'SQL');
SELECT bestauth.create_company('decision', 'Decision');
SELECT bestauth.create_portal('decision', 'docs', 'provider', 'Doctors');
SELECT bestauth.create_provider(bestauth.create_office('decision', '11-0000001', 'Office'), '1000000004', 'Pat', 'Test', '1970-02-03');
INSERT INTO bestauth.claim_history (office_identifier, npi, claim_number, service_date, company) VALUES ('11-0000001', '1000000004', 'CLM-1', '2024-01-02', 'decision');
-- Who says where stays there.
CREATE FUNCTION public.stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF current_setting('test.stay', true) = TG_ARGV[0] THEN
		PERFORM pg_sleep(600);
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER stay AFTER INSERT ON bestauth.user_account FOR EACH ROW EXECUTE FUNCTION public.stay('account');
CREATE TRIGGER stay AFTER INSERT OR UPDATE ON bestauth.registration FOR EACH ROW EXECUTE FUNCTION public.stay('state');
SQL

# What each does, and what there is of it before and after.
my %call;
my %before;
my %after = (
	approve => 'MANUAL-PROV-ADMIN-APPROVED 2|1|1|1|2|1',
	accept => 'EMAIL-SUCCESS 2|1|1|1|0|1',
	submit => 'AUTO-APPROVED 1|1|1|1|2|0',
);
my @where = ('account', 'state');

for my $where (@where)
{
	my $id;

	is(sql(submit_sql("approve$where", 'NULL')), 'PENDING-PROV-ADMIN-REVIEW', "a request waits, to stop at the $where");
	$id = sql("SELECT registration_id FROM bestauth.registration WHERE username = 'approve$where'");
	$call{"approve$where"} = "SELECT bestauth.approve_registration('$id')";
	$before{"approve$where"} = 'PENDING-PROV-ADMIN-REVIEW 1|0|0|0|0|0';

	sql("SELECT bestauth.send_registration_links('{accept$where\@example.org}', 'Provider - Clerical User', office_id) FROM bestauth.office");
	$id = sql("SELECT token FROM bestauth.claim_mail(1000), LATERAL bestauth.confirm_mail(message_id) c WHERE recipient = 'accept$where\@example.org'");
	$call{"accept$where"} = "SELECT outcome FROM bestauth.accept_registration('$id', 'accept$where', '$password', 'Ann', 'Asker')";
	$before{"accept$where"} = 'EMAIL-INT 1|0|0|0|0|0';

	$call{"submit$where"} = submit_sql("submit$where", "'CLM-1', '1970-02-03'");
	$before{"submit$where"} = 'none|0|0|0|0|0';
}
my $count = q{SELECT failed FROM bestauth.login_counter WHERE get_byte(subject, 0) = ascii('o')};
my @sessions;

for my $name (sort keys %call)
{
	my ($where) = $name =~ /(account|state)$/;
	my $session = connect_to($node->connstr('postgres'));

	$session->send_sql("SET test.stay = '$where'; $call{$name};");
	push @sessions, $session;
}
ok($node->poll_query_until('postgres', q{SELECT count(*) = 6 FROM pg_stat_activity WHERE wait_event = 'PgSleep'}, 't'), 'all of them are in the middle');
is(sql(submit_sql('wrong', "'CLM-2', '1970-02-03'")), 'PENDING-PROV-ADMIN-REVIEW', 'a wrong answer');
my $charged = sql($count);
cmp_ok($charged, '>', 0, 'is charged');
$node->stop('immediate');
$_->vanish for @sessions;
$node->start;
is(sql($count), $charged, 'and is still after the crash');
for my $name (sort keys %call)
{
	my ($kind) = $name =~ /^(approve|accept|submit)/;
	my ($status) = $kind eq 'accept' ? 'accepted' : $after{$kind} =~ /^([A-Z-]+)/;

	is(state_of($name), $before{$name}, "$name: after the crash nothing of it is done");
	is(sql($call{$name}), $status, "$name: it can be done");
	is(state_of($name), $after{$kind}, "$name: and then all of it is");
}
$node->stop('immediate');
$node->start;
for my $name (sort keys %call)
{
	my ($kind) = $name =~ /^(approve|accept|submit)/;

	is(state_of($name), $after{$kind}, "$name: also after another crash");
}

$node->stop;
done_testing();
