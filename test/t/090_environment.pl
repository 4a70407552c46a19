# Every test of test/sql prints the same in another environment: other locales, other
# settings of clients, parallel plans, a search path full of traps.
#
# Not in pg_regress: each environment takes a server of its own, made for it, whose
# configuration file has the settings, so that clients, background workers and
# parallel workers all start with them.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use PostgreSQL::Test::Utils;
use POSIX ();
use Test::More;
use Translated;
use Traps;

my $root = "$FindBin::RealBin/../..";
my $tempdir = PostgreSQL::Test::Utils::tempdir();
my @tests = sort map { m{([^/]+)\.sql$} } glob "$root/test/sql/*.sql";
@tests = ('install', grep { $_ ne 'install' } @tests);

# Half of the time goes into these, which hash much, or ask catalogs and functions one by
# one: they run here when this file is asked for ("make test T=090_environment"), or with
# BESTAUTH_ALL_ENVIRONMENTS=1. BESTAUTH_ENVIRONMENT_TESTS="seal sso" runs those alone.
my %long = map { $_ => 1 } qw(account claim_history company_access credential decision employee event functionrule health
	identity_life invite login mail_claim notice office_reach oracle password_change peers policy_kept
	policy_parallel policy_plan policy_rows portal_account provider_user registration_fault
	registration_state request signup sso user_list);
if (my $named = $ENV{BESTAUTH_ENVIRONMENT_TESTS})
{
	my %named = map { $_ => 1 } 'install', split ' ', $named;

	@tests = grep { $named{$_} } @tests;
}
elsif (!$ENV{BESTAUTH_ALL_ENVIRONMENTS})
{
	@tests = grep { !$long{$_} } @tests;
}
my %chosen = map { $_ => 1 } @tests;

# How many run at the same time.
my $places = 2;

# Renamed in 16.
my ($major) = qx(postgres --version) =~ /(\d+)/;
my $parallel = $major >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';

# Long enough never to be reached.
my %timeouts = (
	statement_timeout => '1h',
	lock_timeout => '1h',
	idle_in_transaction_session_timeout => '1h');

my @environments = (
	# [D-07] Whatever can be parallel is.
	{
		name => 'parallel',
		locale => 'C.UTF-8',
		settings => {
			$parallel => 'regress',
			min_parallel_table_scan_size => '0',
			min_parallel_index_scan_size => '0',
			parallel_setup_cost => '0',
			parallel_tuple_cost => '0',
			plan_cache_mode => 'force_custom_plan',
		},
	},
	# [L-07] Traps first in the search path, of clients and of workers.
	{
		name => 'traps',
		locale => 'en_US.UTF-8',
		# oracle's own loops step into hundreds of thousands of traps; plan and text join,
		# index and sort with operators of their own path
		without => ['oracle', 'plan', 'text'],
		settings => { search_path => 'trap, public, pg_catalog' },
		before => \&set_traps,
		after => \&nobody_stepped,
	},
	# [M-10] [P-09] What a client may set for itself, and is dangerous. Not here, since the
	# tests themselves would be others: default_transaction_read_only, array_nulls, and
	# client_min_messages any lower or higher.
	{
		name => 'hostile',
		locale => 'C',
		# these look, in a transaction that began before, at rows of the writer's; health shows
		# an estimate by the tables' statistics
		without => ['token', 'password_change', 'health'],
		settings => {
			%timeouts,
			synchronous_commit => 'off',
			search_path => 'public, pg_temp, pg_catalog',
			TimeZone => 'Asia/Kathmandu',
			DateStyle => 'German, DMY',
			IntervalStyle => 'iso_8601',
			timezone_abbreviations => 'India',
			bytea_output => 'escape',
			extra_float_digits => '-15',
			transform_null_equals => 'on',
			default_transaction_isolation => 'serializable',
			default_transaction_deferrable => 'on',
			client_min_messages => 'log',
			plan_cache_mode => 'force_generic_plan',
		},
	},
	# [P-04] [P-09] Where the small letter of I is another, and the client sends other bytes.
	{
		name => 'turkish',
		locale => 'tr_TR.UTF-8',
		encoding => 'GB18030',
		settings => {
			lc_monetary => 'tr_TR.UTF-8',
			lc_numeric => 'tr_TR.UTF-8',
			lc_time => 'tr_TR.UTF-8',
			TimeZone => 'America/New_York',
			DateStyle => 'SQL, DMY',
			IntervalStyle => 'sql_standard',
			synchronous_commit => 'local',
		},
	},
	# [P-04] [P-09] The same by another library, and messages in another language.
	{
		name => 'icu',
		locale => 'C.UTF-8',
		icu => 'tr-TR',
		language => 'de',
		# it sorts and counts messages by their text
		without => ['identity'],
		settings => {
			lc_messages => 'de_DE.UTF-8',
			TimeZone => 'Pacific/Apia',
			DateStyle => 'ISO, YMD',
			IntervalStyle => 'postgres',
			bytea_output => 'escape',
		},
	},
	# [M-10] What changes the statements of the tests themselves: those that have none
	# which a backslash means something in, or in which an application reads tables.
	{
		name => 'statements',
		locale => 'C',
		only => [qw(install identity instance login token usertype)],
		settings => {
			%timeouts,
			row_security => 'off',
			standard_conforming_strings => 'off',
			escape_string_warning => 'off',
			plan_cache_mode => 'force_generic_plan',
		},
	});

# The locales, made here, since few servers have them all.
sub make_locales
{
	my $folder = "$tempdir/locale";
	my @missing;

	mkdir $folder or die "could not make $folder: $!";
	for my $locale (qw(C.UTF-8 de_DE.UTF-8 en_US.UTF-8 tr_TR.UTF-8))
	{
		my ($input) = split /\./, $locale;

		# it warns, with a status that is not 0, of what doesn't matter
		system "localedef -i $input -f UTF-8 $folder/$locale >>$tempdir/localedef.log 2>&1";
		push @missing, $locale unless -e "$folder/$locale/LC_CTYPE";
	}
	is("@missing", '', 'the locales are there (Debian: package locales)')
	  or BAIL_OUT(slurp_file("$tempdir/localedef.log"));
	$ENV{LOCPATH} = $folder;
	return;
}

# A folder for pg_regress, with links to the tests, in the client's encoding, and one
# test more: that the settings are there.
sub make_folder
{
	my ($environment) = @_;
	my $folder = "$tempdir/$environment->{name}";
	my %settings = %{ $environment->{settings} };
	my $encoding = $environment->{encoding};
	my ($sql, %kind);

	mkdir "$folder$_" for '', '/sql', '/expected';
	symlink "$root/test/sealing.sql", "$folder/sealing.sql" or die "could not make $folder/sealing.sql: $!";
	%kind = (sql => 'test/sql', expected => 'expected');
	for my $test (@tests)
	{
		for ([ 'sql', "test/sql/$test.sql" ], [ 'expected', "expected/$test.out" ])
		{
			my ($kind, $file) = @$_;
			my $copy = "$folder/$kind/" . ($file =~ s{.*/}{}r);

			if (defined $encoding)
			{
				system_or_bail('sh', '-c', "iconv -f UTF-8 -t $encoding '$root/$file' > '$copy'");
			}
			else
			{
				symlink "$root/$file", $copy or die "could not make $copy: $!";
			}
		}
	}
	$settings{client_encoding} = $encoding // 'UTF8';
	$sql = 'SELECT name, current_setting(name) AS is FROM (VALUES ' . join(', ', map { "('$_', '$settings{$_}')" } sort keys %settings)
	  . ') v (name, wanted) WHERE current_setting(name) <> wanted;' . "\n";
	append_to_file("$folder/sql/environment.sql", $sql);
	append_to_file("$folder/expected/environment.out", "$sql name | is \n------+----\n(0 rows)\n\n");
	return $folder;
}

# A server and a database, and pg_regress at work on them.
sub start
{
	my ($environment) = @_;
	my %settings = %{ $environment->{settings} };
	my @tests = grep { $chosen{$_} } @{ $environment->{only} // \@tests };
	my $folder = make_folder($environment);
	my %without = map { $_ => 1 } @{ $environment->{without} // [] };
	my ($node, $pid, @options);

	$node = start_node($environment->{name},
		initdb => [ "--locale=$environment->{locale}", '--lc-messages=C', '--encoding=UTF8' ],
		conf => join '', "log_min_messages = warning\n", "bestauth.sso_key_directory = '" . PostgreSQL::Test::Utils::tempdir() . "'\n", map { "$_ = '$settings{$_}'\n" } sort keys %settings);
	$node->safe_psql('postgres', 'CREATE DATABASE regression TEMPLATE template0'
		. (defined $environment->{icu} ? " LOCALE_PROVIDER icu ICU_LOCALE '$environment->{icu}'" : ''));
	is($node->safe_psql('regression', <<'END'), join('|', ($environment->{locale}) x 2, defined $environment->{icu} ? 'i' : 'c'),
SELECT datcollate, datctype, datlocprovider FROM pg_database WHERE datname = current_database()
END
		"$environment->{name}: the database has the locale");
	$environment->{before}->($node) if $environment->{before};

	@tests = ('environment', grep { !$without{$_} } @tests);
	# pg_regress has settings of its own in the environment: away with them
	@options = ('--use-existing', '--dbname=regression', '--host=' . $node->host, '--port=' . $node->port, '--bindir=',
		"--inputdir=$folder", "--outputdir=$folder",
		'--launcher=env -u PGTZ -u PGDATESTYLE -u PGOPTIONS PGCLIENTENCODING=' . ($environment->{encoding} // 'UTF8'));
	$pid = fork // die "could not fork: $!";
	if ($pid == 0)
	{
		chdir $folder;
		open STDOUT, '>', "$folder/output";
		open STDERR, '>&', \*STDOUT;
		{ exec $ENV{PG_REGRESS}, @options, @tests }
		POSIX::_exit(1);
	}
	return { environment => $environment, node => $node, folder => $folder, tests => \@tests, pid => $pid };
}

sub finish
{
	my ($run) = @_;
	my ($environment, $node, $folder) = @$run{qw(environment node folder)};
	my $output = slurp_file("$folder/output");
	my @failed;
	my $pairs = defined $environment->{language} ? load_translation($environment->{language}) : [];
	my $encoding = $environment->{encoding} // 'UTF-8';

	note "$environment->{name}: PostgreSQL's messages are not translated here" if defined $environment->{language} && !@$pairs;
	for my $test (@{ $run->{tests} })
	{
		my $same = $output =~ /^test $test +\.\.\. ok\b|^ok \d+ +[-+] $test( |$)/m;
		my @different;

		# psql pads columns of another encoding, and other messages, in another way
		if (!$same && (defined $environment->{language} || defined $environment->{encoding}))
		{
			@different = different_lines(map({ scalar qx(iconv -f $encoding -t UTF-8 '$folder/$_/$test.out') } qw(expected results)), $pairs);
			$same = !@different;
		}
		ok($same, "$environment->{name}: $test") or push @failed, $test;
		diag join "\n", splice @different, 0, 40 if @different;
	}
	if (@failed)
	{
		$output .= slurp_file("$folder/regression.diffs") if -e "$folder/regression.diffs";
		diag substr $output, 0, 20000;
	}
	$environment->{after}->($node) if $environment->{after};
	$node->stop;
	return;
}

sub set_traps
{
	my ($node) = @_;
	my %tables;

	for my $part (glob "$root/sql/install/*.sql")
	{
		$tables{$_} = 1 for slurp_file($part) =~ /^CREATE (?:TABLE|VIEW) bestauth\.(\w+)/mg;
	}
	$node->safe_psql('regression', trap_sql(sort keys %tables));
	return;
}

# In the tests; nor is there one in what the extension's script made. That they do
# catch shows a function of the extension's owner.
sub nobody_stepped
{
	my ($node) = @_;

	is($node->safe_psql('regression', steps_sql()), '0', 'traps: nobody stepped into one');
	unlike(slurp_file($node->logfile), qr/stepped into/, 'traps: no process says so');
	is($node->safe_psql('regression', <<'END'), '0', 'traps: no object of the extension rests on one');
SET search_path = pg_catalog;
SELECT count(*) FROM pg_depend d
WHERE EXISTS (SELECT FROM pg_depend m JOIN pg_extension e ON e.oid = m.refobjid AND m.refclassid = 'pg_extension'::regclass
		WHERE m.deptype = 'e' AND extname = 'bestauth' AND (m.classid, m.objid) = (d.classid, d.objid))
	AND (pg_identify_object(d.refclassid, d.refobjid, 0)).schema = 'trap'
END
	is($node->safe_psql('regression', <<"END"), "b\n1", 'traps: they catch who steps in');
CREATE FUNCTION public.careless() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT lower(''B''::varchar)';
ALTER FUNCTION public.careless() OWNER TO bestauth_owner;
SELECT public.careless();
@{[ steps_sql() ]};
END
	return;
}

make_locales();

# Whether a message is the same in another language is told by its catalog.
my $german = load_translation('de');
is_deeply([ different_lines(" 42501 permission denied for table x ", " 42501 permission denied for table y", $german) ],
	[ '- 42501 permission denied for table x ', '+ 42501 permission denied for table y' ], 'another message is not the same');
is(scalar different_lines("ERROR:  bestauth instance is closed", "FEHLER:  keine Berechtigung für Tabelle x", $german), 2,
	'nor is one in another language');

my @queue = @environments;
my @running;
while (@queue || @running)
{
	push @running, start(shift @queue) while @queue && @running < $places;
	my $pid = wait;
	my ($done) = grep { $_->{pid} == $pid } @running;

	next unless $done;
	@running = grep { $_->{pid} != $pid } @running;
	finish($done);
}
done_testing();
