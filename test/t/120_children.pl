# [H-05] A parent with 10,000 children: what a session of it may enter is found, listed and
# asked for, and however many such sessions a backend serves, what it remembers of them has a limit.
#
# Not in pg_regress: so many companies are no good neighbours, and what is remembered goes
# with a transaction of its own.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use Test::More;

my $children = 10_000;
my $sessions = 200;
my $limit = 64 * 1024 * 1024;		# of what a backend remembers of sessions and users

my $node = start_node('children');
make_instance($node, 'postgres');

# Everybody is made by SQL: a password each would take too long. Token n is "bas_n".
$node->safe_psql('postgres', <<"SQL");
SELECT bestauth.create_company('parent', 'Parent'), bestauth.create_company('other', 'Other');
INSERT INTO bestauth.company (code, name, parent_id)
SELECT 'child' || to_char(i, 'FM00000'), 'Child', (SELECT company_id FROM bestauth.company WHERE code = 'parent') FROM generate_series(1, $children) i;
SELECT bestauth.create_company('cousin' || i, 'Cousin', 'other') FROM generate_series(1, 100) i;
INSERT INTO bestauth.user_account (company_id, username, user_type, first_name, last_name, email)
SELECT company_id, 'adam' || i, 'company_administrator', 'Adam', 'Test', 'adam\@example.org' FROM bestauth.company, generate_series(1, $sessions) i WHERE code = 'parent';
SELECT bestauth.create_user('stan', 'standard', 'Stan', 'Test', 'stan\@example.org', company => 'parent');
SELECT bestauth.create_role('Odd', company => 'parent');
SELECT bestauth.assign_role('stan', 'Odd', 'parent');
INSERT INTO bestauth.role_company (company_id, role_id, child_id)
SELECT r.company_id, r.role_id, c.company_id FROM bestauth.role r JOIN bestauth.company c ON c.parent_id = r.company_id WHERE c.code ~ '[13579]\$';
INSERT INTO bestauth.user_company (company_id, user_id, child_id)
SELECT u.company_id, u.user_id, c.company_id FROM bestauth.user_account u JOIN bestauth.company c ON c.parent_id = u.company_id WHERE username = 'stan' AND c.code ~ '[2468]\$';
WITH s AS (INSERT INTO bestauth.session (token_hash, user_id, person_id, company_id, user_version, person_version, expires_at)
	SELECT sha256(convert_to('bas_' || username, 'UTF8')), user_id, user_id, company_id, version, version, clock_timestamp() + interval '12 hours' FROM bestauth.user_account RETURNING session_id)
INSERT INTO bestauth.session_use (session_id, last_used_at) SELECT session_id, clock_timestamp() FROM s;
ANALYZE;
-- The codes that a list shows, page by page, as an application asks for them.
CREATE FUNCTION pages(page_size int) RETURNS SETOF text LANGUAGE plpgsql AS \$\$
DECLARE
	after text;
	page text[];
BEGIN
	LOOP
		SELECT array_agg(code), max(next COLLATE "C") INTO page, after FROM bestauth.list_accessible_companies(page_size, after);
		EXIT WHEN page IS NULL;
		RETURN QUERY SELECT unnest(page);
	END LOOP;
END
\$\$;
SQL

my $client = connect_to($node->connstr('postgres'));

# What is listed, what can_access_company() says of each company, and the array of all.
sub enters
{
	my ($token) = @_;

	return scalar $client->query(<<"END");
BEGIN;
SELECT FROM bestauth.use_session('$token');
SELECT cardinality(bestauth.accessible_company_ids()), count(*) FILTER (WHERE bestauth.can_access_company(company_id)), count(i) FILTER (WHERE NOT bestauth.can_access_company(company_id))
FROM bestauth.company c LEFT JOIN unnest(bestauth.accessible_company_ids()) i ON i = c.company_id;
SELECT count(*), count(DISTINCT code), bool_and(ordered) FROM (SELECT code, code COLLATE "C" > lag(code) OVER () COLLATE "C" IS NOT FALSE AS ordered FROM pages(997) code) p;
SELECT count(*) FROM bestauth.company c WHERE bestauth.can_access_company(company_id) AND NOT EXISTS (SELECT FROM pages(1000) code WHERE code = c.code);
COMMIT;
END
}

my $all = $children + 1;
is(enters('bas_adam1'), "$all|$all|0\n$all|$all|t\n0", 'an administrator enters all of them, each listed once');
my $some = $children * 9 / 10 + 1;
is(enters('bas_stan'), "$some|$some|0\n$some|$some|t\n0", 'whom a role gives half of them, and an assignment each of others');

# From one to another and back, in transactions of their own.
my $place = q{SELECT code FROM bestauth.company WHERE company_id = bestauth.current_company_id()};
my $last = sprintf 'child%05d', $children;
for my $company ('child00001', $last, 'parent')
{
	is($client->query("BEGIN; SELECT FROM bestauth.use_session('bas_adam1'); SELECT bestauth.switch_company('$company'); $place; COMMIT;"), "\n$company", "to $company");
	is($client->query("BEGIN; SELECT FROM bestauth.use_session('bas_adam1'); $place; COMMIT;"), $company, 'and there afterwards');
}
like(($client->query("BEGIN; SELECT FROM bestauth.use_session('bas_adam1'); SELECT bestauth.switch_company('cousin1'); COMMIT;"))[1], qr/permission denied/, 'but nowhere else');

# One session after the other in one backend.
sub remembered
{
	return split /\|/, $client->query(q{SELECT count(*) FILTER (WHERE parent = 'TopMemoryContext'), sum(total_bytes) FROM pg_backend_memory_contexts WHERE name IN ('bestauth authority', 'bestauth sessions');});
}

my ($most, $fell, $before, $more) = (0, 0, 0, 0);
for my $i (1 .. $sessions)
{
	$client->query("BEGIN; SELECT FROM bestauth.use_session('bas_adam$i'); COMMIT;");
	my ($contexts, $bytes) = remembered();

	$most = $bytes if $bytes > $most;
	$fell++ if $bytes < $before;
	$more++ if $contexts != 1;
	$before = $bytes;
}
cmp_ok($most, '>', $limit / 4, 'much is remembered');
# What is one session more than the limit is seen at the next.
cmp_ok($most, '<', $limit + 4 * 1024 * 1024, 'but not without limit');
cmp_ok($fell, '>=', 1, 'it is forgotten');
is($more, 0, 'with the transaction in which it was given up');
is(enters('bas_adam1'), "$all|$all|0\n$all|$all|t\n0", 'whoever was forgotten is found again');

# [MCM-5] [MCM-8] One more, and one less, at the next transaction.
$node->safe_psql('postgres', "SELECT bestauth.create_company('late', 'Late', 'parent')");
is((split /\|/, enters('bas_adam1'))[0], $all + 1, 'one more');
$node->safe_psql('postgres', "UPDATE bestauth.company SET parent_id = NULL WHERE code IN ('late', 'child00001')");
is((split /\|/, enters('bas_adam1'))[0], $all - 1, 'two less');
is((split /\|/, enters('bas_stan'))[0], $some - 1, 'of a role too');

$client->quit;
$node->stop;
done_testing();
