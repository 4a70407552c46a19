# [L-18] [N-03] The health view where it takes a server of its own: settings that need a
# restart or a reload, preload, and a standby.
#
# Not in pg_regress: the settings are the server's.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('health', allows_streaming => 1, conf => "bestauth.hash_cost = 12\nfsync = on");
make_instance($node, 'postgres');
$node->safe_psql('postgres', <<'END');
CREATE ROLE regress_auditor LOGIN;
SELECT bestauth.grant_access('regress_auditor', 'auditor');
END

# ok and value of one check, as the auditor sees it
sub check
{
	my ($name, %params) = @_;
	my $set = join '', map { "SET $_;" } @{ $params{set} // [] };

	return ($params{node} // $node)->safe_psql('postgres',
		"$set SET SESSION AUTHORIZATION regress_auditor;"
		  . "SELECT ok, value FROM bestauth.health WHERE check_name = '$name'");
}

# What is not ok at all, but for what hangs on the machine.
sub faults
{
	my ($node, $database) = @_;

	return $node->safe_psql($database // 'postgres', "SELECT check_name, value FROM bestauth.health WHERE NOT ok AND check_name <> 'server_version'");
}

sub change
{
	my ($how, %settings) = @_;

	$node->append_conf('postgresql.conf', join '', map { "$_ = '$settings{$_}'\n" } sort keys %settings);
	$node->$how;
	return;
}

# A reload reaches a new connection once the postmaster has read it.
sub comes_to
{
	my ($name, $expected, $what) = @_;

	ok($node->poll_query_until('postgres',
		"SELECT ok || '|' || value FROM bestauth.health WHERE check_name = '$name'", $expected), $what);
	return;
}

is(faults($node), '', 'a server with good settings has no faults');
is(check('preload'), 't|', 'an auditor is not told of preload');
is($node->safe_psql('postgres', "SELECT ok, value FROM bestauth.health WHERE check_name = 'preload'"),
	't|no', 'a superuser is: no');

change('reload', fsync => 'off');
comes_to('fsync', 'false|off', 'fsync = off is at fault');
change('reload', fsync => 'on', full_page_writes => 'off');
comes_to('full_page_writes', 'false|off', 'full_page_writes = off is at fault');
change('reload', full_page_writes => 'on');
comes_to('fsync', 'true|on', 'and on is right');

# Less than "on" is not enough where a standby is waited for.
is(check('synchronous_commit', set => ['synchronous_commit = local']), 't|local', 'local, without synchronous standbys');
change('reload', synchronous_standby_names => 'nobody');
ok($node->poll_query_until('postgres', "SELECT current_setting('synchronous_standby_names') = 'nobody'"), 'a standby is waited for');
is(check('synchronous_commit', set => ["synchronous_commit = $_"]), "f|$_", "$_ is not enough") for qw(off local remote_write);
is(check('synchronous_commit', set => ["synchronous_commit = $_"]), "t|$_", "$_ is") for qw(on remote_apply);
change('reload', synchronous_standby_names => '');
ok($node->poll_query_until('postgres', "SELECT current_setting('synchronous_standby_names') = ''"), 'and no more');

# 192.0.2.1 is an address for documentation: it can't be listened on, which is no more
# than a warning beside one that can.
change('restart', listen_addresses => 'localhost', max_worker_processes => 8);
is(check('ssl'), 't|off', 'ssl = off, for local connections alone');
is(check('max_worker_processes'), 't|8', 'eight workers');
change('restart', listen_addresses => 'localhost, 192.0.2.1', max_worker_processes => 7);
is(check('ssl'), 'f|off', 'ssl = off, for other machines');
is(check('max_worker_processes'), 'f|7', 'seven workers');
change('restart', listen_addresses => '', max_worker_processes => 16);

# Libraries that log parameters.
my $pgaudit = $node->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = 'pgaudit'");
change('restart', shared_preload_libraries => 'auto_explain, bestauth' . ($pgaudit ? ', pgaudit' : ''),
	'auto_explain.log_min_duration' => '1h', 'auto_explain.log_verbose' => 'on', 'pgaudit.log_parameter' => 'on');
is($node->safe_psql('postgres', "SELECT ok, value FROM bestauth.health WHERE check_name = 'preload'"),
	't|yes', 'preload is seen');
is(check('auto_explain'), 'f|3600000', 'auto_explain with log_verbose');
is(check('pgaudit.log_parameter'), $pgaudit ? 'f|on' : 't|', 'pgaudit, where it is loaded');
change('restart', shared_preload_libraries => 'bestauth');
is(check('auto_explain'), 't|', 'settings of auto_explain, which is not loaded');
is(check('pgaudit.log_parameter'), 't|', 'settings of pgaudit, which is not loaded');
is(faults($node), '', 'all is well again');

# [N-03] A restore brings everything as it was installed and granted; what somebody
# dropped or gave meanwhile is told of there too, and what open_instance() puts right is not.
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE template0');
$node->command_ok(['pg_dump', '-f', $dump, 'postgres'], 'dumped');
$node->command_ok(['psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, 'copy'], 'restored');
is(faults($node, 'copy') =~ s/\|.*//gr, "instance_open\nreferences", 'a restored database is closed, without foreign keys');
$node->safe_psql('copy', <<'END');
ALTER TABLE bestauth.role ENABLE TRIGGER ALL;
ALTER TABLE bestauth.token DISABLE ROW LEVEL SECURITY;
GRANT SELECT ON bestauth.credential TO regress_auditor;
DROP POLICY auditor ON bestauth.audit_log;
DROP TRIGGER invalidate ON bestauth.role;
END
is(faults($node, 'copy') =~ s/\|.*//gr,
	"instance_open\ntriggers_enabled\ntriggers_present\nrow_security\npolicies\ngrants\nreferences", 'drift is told of');
$node->safe_psql('copy', 'SELECT bestauth.open_instance()');
is(faults($node, 'copy'), "triggers_present|role.invalidate\npolicies|audit_log.auditor", 'what opening does not put right');

# On a standby it answers as on the primary.
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('health_standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(faults($standby), '', 'a standby has no faults');
is(check('instance_open', node => $standby), 't|postgres', 'and is open');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM bestauth.health'),
	$node->safe_psql('postgres', 'SELECT count(*) FROM bestauth.health'), 'with every check');
$standby->stop;
$node->stop;

done_testing();
