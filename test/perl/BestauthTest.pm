# What the TAP tests share: a server that finds the staged extension, an instance
# that is open, and a client that keeps one connection.
#
# BESTAUTH_CONF names a file of settings with which a server finds the extension.
package BestauthTest;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(start_node make_instance login sqlstate connect_to log_position log_since);

# A server with the settings given on top. Logins cost little, the cheapest hash;
# statements are not logged, as on any server that takes care.
sub start_node
{
	my ($name, %params) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(allows_streaming => $params{allows_streaming}, has_archiving => $params{has_archiving}, extra => $params{initdb} // []);
	$node->append_conf('postgresql.conf',
		defined $ENV{BESTAUTH_CONF} ? slurp_file($ENV{BESTAUTH_CONF}) : '');
	$node->append_conf('postgresql.conf', <<END);
log_statement = none
bestauth.hash_cost = 10
max_worker_processes = 16
@{[ $params{conf} // '' ]}
END
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'bestauth'\n")
	  if $params{preload};
	$node->start;
	return $node;
}

# Installs the extension in a database that is there, and opens it unless told not to.
sub make_instance
{
	my ($node, $database, %params) = @_;

	$node->safe_psql($database, <<END);
CREATE SCHEMA crypto;
CREATE EXTENSION pgcrypto SCHEMA crypto;
CREATE EXTENSION bestauth;
END
	$node->safe_psql($database, 'SELECT bestauth.open_instance()') unless $params{closed};
	return;
}

# The outcome of one login, each in a connection of its own.
sub login
{
	my ($node, $database, $company, $username, $password) = @_;

	return $node->safe_psql($database,
		"SELECT outcome FROM bestauth.login('$company', '$username', '$password')");
}

# What a statement comes to: its SQLSTATE, or what it returns.
sub sqlstate
{
	my ($node, $database, $sql, %params) = @_;
	my ($status, $stdout, $stderr) = $node->psql($database, "\\set VERBOSITY sqlstate\n$sql", %params);

	return $stderr =~ /(?:ERROR|FATAL): +(\w{5})/ ? $1 : $stdout;
}

# A client with one connection, to the server or to what stands before it. Errors
# come back as text, and it goes on.
sub connect_to
{
	my ($connstr) = @_;
	my $self = bless { in => '', out => '', err => '', count => 0 };

	$self->{timer} = IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default);
	$self->{run} = IPC::Run::start([ 'psql', '-XAtq', '-d', $connstr, '-f', '-' ],
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err}, $self->{timer});
	return $self;
}

# Sends without waiting for the answer.
sub send_sql
{
	my ($self, $sql) = @_;

	$self->{in} .= "$sql\n";
	$self->{run}->pump_nb;
	return;
}

# Sends and waits. In list context: output and messages.
sub query
{
	my ($self, $sql) = @_;

	$self->{out} = $self->{err} = '';
	$self->{in} .= "$sql\n";
	return $self->answers;
}

# What came back for all that was sent.
sub answers
{
	my ($self) = @_;
	my $mark = 'answer ' . ++$self->{count} . ' ends';

	$self->{timer}->start;
	$self->{in} .= "\\echo $mark\n\\warn $mark\n";
	$self->{run}->pump until $self->{out} =~ /^\Q$mark\E\n/m && $self->{err} =~ /^\Q$mark\E\n/m;
	my ($out, $err) = ($self->{out}, $self->{err});
	s/\Q$mark\E\n// for $out, $err;
	$self->{out} = $self->{err} = '';
	chomp($out, $err);
	return wantarray ? ($out, $err) : $out;
}

sub quit
{
	my ($self) = @_;

	$self->{in} .= "\\q\n";
	$self->{run}->finish;
	return;
}

# Goes without a word to the server.
sub vanish
{
	my ($self) = @_;

	$self->{run}->signal('KILL');
	eval { $self->{run}->finish };
	return;
}

# Where the server's log ends now, and what was written since.
sub log_position
{
	my ($node) = @_;

	return -s $node->logfile;
}

sub log_since
{
	my ($node, $position) = @_;

	return slurp_file($node->logfile, $position);
}

1;
