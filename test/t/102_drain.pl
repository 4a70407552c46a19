# [I-03] Eight mailers drain the outbox, and some die between claiming and confirming:
# nothing is lost, nobody has a message that another one has, and what goes out twice are
# messages of those who died, or were slower than their lease.
#
# Not in isolation: it takes processes that are killed, and a lease that ends.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use POSIX ();
use PostgreSQL::Test::Utils;
use RawClient;
use Test::More;
use Time::HiRes qw(time usleep);

my $messages = 300;
my $mailers = 8;
my $lease = 2;
# Where in its work a mailer dies, with its how many-eth batch.
my @deaths = map { ([ $_, 1 ], [ $_, 2 ]) } ('asking', 'claimed', 'half sent', 'sent', 'half confirmed', 'confirmed', 'claimed', 'sent');
my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = start_node('drain');
my (%mailer, $number);

make_instance($node, 'postgres');
$node->safe_psql('postgres', <<END);
CREATE ROLE drain LOGIN;
SELECT bestauth.grant_access('drain', 'mailer');
SELECT bestauth.create_company('drain', 'Drain');
SELECT bestauth.create_user('user' || n, 'standard', 'Given', 'Name', 'user' || n || '\@example.org', company => 'drain')
FROM generate_series(1, $messages) n;
END

# Written at once, and kept when the writer is killed.
sub note_down
{
	my ($file, @fields) = @_;

	syswrite $file, join(' ', @fields) . "\n";
	return;
}

# A mailer's life: a line for each claim, sending and confirmation. It ends by a signal
# where it is to die, else when there is nothing left.
sub run_mailer
{
	my ($name, $where, $batches) = @_;
	my $client = RawClient->connect_raw($node, 'postgres', 'drain');
	my $batch = 0;

	open my $file, '>>', "$dir/$name" or die $!;
	while (1)
	{
		my $die = sub { kill 'KILL', $$ if $where eq $_[0] && $batch >= $batches };
		my $before = time;
		my (@claimed, @rows);

		$batch++;
		$client->put("SELECT message_id, recipient, token, attempts FROM bestauth.claim_mail(5, '$lease seconds')\0", 'Q');
		$die->('asking');
		@rows = $client->answer;
		push @claimed, [ splice @rows, 0, 4 ] while @rows;
		note_down($file, 'claim', $before, time, @$_) for @claimed;
		$die->('claimed');
		for my $i (0 .. $#claimed)
		{
			$die->('half sent') if $i == 2;
			note_down($file, 'send', $before, time, @{ $claimed[$i] });
		}
		$die->('sent');
		for my $i (0 .. $#claimed)
		{
			$die->('half confirmed') if $i == 2;
			$client->call('SELECT bestauth.confirm_mail($1)', $claimed[$i][0]);
			note_down($file, 'confirm', $before, time, @{ $claimed[$i] });
		}
		$die->('confirmed');
		next if @claimed;
		# an operator's view of what there is to do
		last if -e "$dir/drained";
		usleep(50_000);
	}
	return;
}

sub start_mailer
{
	my ($death) = @_;
	my $name = 'mailer' . ++$number;
	my $pid = fork // die "fork: $!";

	if ($pid == 0)
	{
		eval { run_mailer($name, $death ? @$death : ('never', 0)) };
		POSIX::_exit($@ ? 1 : 0);
	}
	$mailer{$pid} = $name;
	return;
}

# How it ended: 9 when it was killed.
sub wait_for_one
{
	my $pid = waitpid -1, 0;

	die 'no mailer is left' if $pid < 0;
	return delete $mailer{$pid} ? $? : wait_for_one();
}

# -------------------------------------------------------------------- the work

# Those who die take 160 messages at most, so each of them has one to die with; then come
# those who live.
my $killed = 0;

start_mailer(shift @deaths) for 1 .. $mailers;
while (%mailer)
{
	is(wait_for_one(), 9, 'a mailer is killed');
	$killed++;
	start_mailer(shift @deaths) if @deaths;
}
is($killed, 16, 'all who were to die have died');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM bestauth.outbox WHERE sent_at IS NULL'), '>=', $messages - 160, 'most is left for the others');
start_mailer() for 1 .. $mailers;
ok($node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM bestauth.outbox WHERE sent_at IS NULL'), 'they drain it');
append_to_file("$dir/drained", '');
is(join(' ', map { wait_for_one() } 1 .. $mailers), join(' ', (0) x $mailers), 'and end');

# ------------------------------------------------------------------ what became of it

my (%of, %sent, %tokens, @overlaps, @unexplained);

for my $name (map { "mailer$_" } 1 .. $number)
{
	for my $line (split /\n/, -e "$dir/$name" ? slurp_file("$dir/$name") : '')
	{
		my ($what, $before, $after, $message, $recipient, $token, $attempts) = split / /, $line;

		if ($what eq 'claim')
		{
			push @{ $of{$message} }, { mailer => $name, before => $before, after => $after, token => $token, attempts => $attempts };
			$tokens{$token}++;
		}
		$sent{$recipient}++ if $what eq 'send';
		$_->{$what} = $after for grep { $what ne 'claim' && $_->{token} eq $token } @{ $of{$message} };
	}
}
is(scalar(grep { $sent{"user$_\@example.org"} } 1 .. $messages), $messages, 'every message was sent');
is(scalar(grep { $_ > 1 } values %tokens), 0, 'no two claims have the same token');
for my $message (keys %of)
{
	my @claims = sort { $a->{before} <=> $b->{before} } @{ $of{$message} };

	for my $i (1 .. $#claims)
	{
		my ($first, $next) = @claims[ $i - 1, $i ];

		# The first was given later than it was asked for, the next before it was answered.
		push @overlaps, "$message: $first->{mailer} $next->{mailer}" if $next->{after} - $first->{before} < $lease;
		# Confirmed within its lease it is not given out again.
		push @unexplained, "$message: $first->{mailer} $next->{mailer}"
		  if defined $first->{confirm} && $first->{confirm} - $first->{before} < $lease;
		push @overlaps, "$message: attempts" if $next->{attempts} <= $first->{attempts};
	}
}
is("@overlaps", '', 'nobody was given what another one had');
is("@unexplained", '', 'what was confirmed in time was not given out again');

my @twice = grep { $sent{$_} > 1 } keys %sent;

note scalar(@twice), ' messages went out twice, of ', scalar(grep { @$_ > 1 } values %of), ' that were given out again';
cmp_ok(scalar @twice, '>=', 5, 'some went out twice: of those who died after sending');
# the two links of such a message: both are good until one is used
my ($again) = grep { my $claims = $_; 2 == grep { defined $_->{send} } @$claims } values %of;
my @links = map { $_->{token} } grep { defined $_->{send} } @$again;
my $peek = join ', ', map { "(bestauth.peek_password_link('$_')).outcome" } @links;

is($node->safe_psql('postgres', "SELECT $peek"), 'valid|valid', 'both links of one are good');
is($node->safe_psql('postgres', "SELECT bestauth.set_password('$links[0]', 'a long password for this test')"), 'accepted', 'one is used');
is($node->safe_psql('postgres', "SELECT $peek"), 'invalid|invalid', 'then neither is');

$node->stop;
done_testing();
