# An SMTP server that keeps what it is sent, and bestauth-mailer.
package MailTest;

use strict;
use warnings;

use Encode ();
use Exporter 'import';
use FindBin;
use IPC::Run;
use MIME::QuotedPrint ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

our @EXPORT = qw(mail_missing mailer_program make_certificate smtp_start smtp_stop delivered commands_seen
  mailer_start mailer_stop mailer_once boot_clock memory_hidden
  wait_until);

my $folders = 0;

sub mailer_program
{
	my $bindir = qx(@{[ $ENV{PG_CONFIG} // 'pg_config' ]} --bindir);

	chomp $bindir;
	return ($ENV{BESTAUTH_STAGE} // '') . "$bindir/bestauth-mailer";
}

# What these tests can't do without, or nothing.
sub mail_missing
{
	return 'bestauth-mailer is not installed' unless -x mailer_program();
	return 'no python3-aiosmtpd' if system('/usr/bin/python3 -c "import aiosmtpd" 2>/dev/null') != 0;
	return;
}

# Waits for a condition, long.
sub wait_until
{
	my ($what, $condition) = @_;

	for (1 .. 20 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return 1 if $condition->();
		usleep(50_000);
	}
	diag "waited in vain: $what";
	return 0;
}

# A file with a certificate for 127.0.0.1 and its key.
sub make_certificate
{
	my ($file) = @_;

	system_or_bail('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
		'-days', 2, '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', "$file.key",
		'-out', "$file.crt");
	append_to_file($file, slurp_file("$file.key") . slurp_file("$file.crt"));
	return $file;
}

# A server on a free port, or on that of one before, with its folder. Options are those
# of test/smtp/server.
sub smtp_start
{
	my (%options) = @_;
	my $before = delete $options{like};
	my $self = { out => '', err => '', folder => $before ? $before->{folder} : "$PostgreSQL::Test::Utils::tmp_check/mail" . ++$folders };

	%options = (%{ $before->{options} }, port => $before->{port}, %options) if $before;
	$self->{options} = {%options};
	mkdir $self->{folder};
	$self->{run} = IPC::Run::start(
		[ '/usr/bin/python3', "$FindBin::RealBin/../smtp/server", $self->{folder}, map { ("--$_", $options{$_}) } sort keys %options ],
		'<', \undef, '>', \$self->{out}, '2>', \$self->{err});
	wait_until('the SMTP server listens', sub { $self->{run}->pump_nb; $self->{out} =~ /^listening (\d+)$/m })
	  or BAIL_OUT("no SMTP server: $self->{err}");
	($self->{port}) = $self->{out} =~ /^listening (\d+)$/m;
	return $self;
}

# At once.
sub smtp_stop
{
	my ($self) = @_;

	$self->{run}->signal('KILL');
	eval { $self->{run}->finish };
	return;
}

sub decoded
{
	my ($text) = @_;

	return Encode::decode('MIME-Header', $text =~ s/\n(?=[ \t])//gr);
}

# One message: its headers by name in lower case, decoded, and the body as text.
sub parse
{
	my ($raw) = @_;
	my %message = (raw => $raw =~ s/\r\n/\n/gr);
	my ($head, $rest) = split /\n\n/, $message{raw}, 2;

	while ($head =~ /^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)/mg)
	{
		$message{ lc $1 } = decoded($2);
	}
	if ($message{'content-type'} =~ /boundary="?([^";]+)/)
	{
		my (undef, $part) = split /--\Q$1\E(?:--)?\n/, $rest;

		($head, $rest) = split /\n\n/, $part, 2;
		while ($head =~ /^([\w-]+):[ \t]*(.*)/mg)
		{
			$message{"part-\L$1"} = $2;
		}
	}
	$message{body} = Encode::decode('UTF-8', MIME::QuotedPrint::decode_qp($rest));
	return \%message;
}

# What the server took, in the order of arrival.
sub delivered
{
	my ($smtp) = @_;
	my @files = sort { -M $b <=> -M $a || $a cmp $b } glob("$smtp->{folder}/*.eml");

	return scalar @files unless wantarray;
	return map { parse(slurp_file($_)) } @files;
}

# How often clients said it.
sub commands_seen
{
	my ($smtp, $command) = @_;
	my $file = "$smtp->{folder}/commands";

	return -e $file ? scalar(() = slurp_file($file) =~ /^\Q$command\E$/mg) : 0;
}

sub arguments
{
	my ($node, $smtp, @options) = @_;

	return (mailer_program(), '--dbname', $node->connstr('postgres') . ' user=mailer',
		'--smtp-url', "smtp://127.0.0.1:$smtp->{port}", '--tls', 'none',
		'--from', 'Billing, Inc. <no-reply@bestauth.example>', '--poll-interval', 1, '--verbose', @options);
}

# Goes on until it is stopped. The options stand behind what is usual here.
sub mailer_start
{
	my ($node, $smtp, @options) = @_;
	my $self = { err => '' };

	$self->{run} = IPC::Run::start([ arguments($node, $smtp, @options) ], '<', \undef, '2>', \$self->{err});
	return $self;
}

# Sets the clock of mailers that are started from now on ahead by so many seconds: that by
# which they reckon leases, and no other. Returns what changes that while they run.
sub boot_clock
{
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $set = sub {
		append_to_file("$dir/new", $_[0]);
		rename "$dir/new", "$dir/ahead" or die "$dir/ahead: $!";
	};

	append_to_file("$dir/clock.c", <<'END');
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int
clock_gettime(clockid_t id, struct timespec *result)
{
	int status = syscall(SYS_clock_gettime, id, result);
	FILE *file = id == CLOCK_BOOTTIME ? fopen(getenv("BOOT_CLOCK"), "r") : NULL;
	int ahead;

	if (file != NULL && fscanf(file, "%d", &ahead) == 1)
		result->tv_sec += ahead;
	if (file != NULL)
		fclose(file);
	return status;
}
END
	system_or_bail('gcc', '-shared', '-fPIC', '-O1', '-w', '-o', "$dir/clock.so", "$dir/clock.c");
	$set->(0);
	return ($set, LD_PRELOAD => "$dir/clock.so", BOOT_CLOCK => "$dir/ahead");
}

# Returns its exit status, or how it died.
sub mailer_stop
{
	my ($self, $signal) = @_;

	$self->{run}->signal($signal // 'TERM');
	eval { $self->{run}->finish };
	my $result = $self->{run}->full_result;
	note $self->{err};
	return $result & 127 ? 'signal ' . ($result & 127) : $result >> 8;
}

# A process of the same user can't look into the mailer, whose core is not kept either.
sub memory_hidden
{
	my ($mailer) = @_;

  SKIP:
	{
		skip 'for root everything is open', 2 if $> == 0;
		my $folder = "/proc/$mailer->{run}{KIDS}[0]{PID}";

		is((stat "$folder/environ")[4], 0, 'memory: root owns what shows it');
		ok(!open(my $file, '<', "$folder/environ"), 'memory: and nobody else can read it');
	}
	return;
}

# Runs with --once: exit status and log.
sub mailer_once
{
	my ($node, $smtp, @options) = @_;
	my $err = '';

	IPC::Run::run([ arguments($node, $smtp, '--once', @options) ], '<', \undef, '2>', \$err);
	my $status = $? >> 8;
	note $err;
	return wantarray ? ($status, $err) : $status;
}

1;
