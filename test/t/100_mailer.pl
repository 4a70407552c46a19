# bestauth-mailer, with an SMTP server and a database that go away, and mailers that die.
use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use BestauthTest;
use Encode ();
use MailTest;
use PostgreSQL::Test::Utils;
use Test::More;

if (my $missing = mail_missing())
{
	# "make test" has installed it
	die $missing if defined $ENV{BESTAUTH_CONF};
	plan skip_all => $missing;
}

my $right = 'the right password of this test';
my $password = 'a new password of this test';
my $tempdir = PostgreSQL::Test::Utils::tempdir();
my $node = start_node('mailer', conf => <<'END');
log_statement = all
log_min_duration_statement = 0
bestauth.base_url = 'https://portal.example/start'
END
my %secret;

make_instance($node, 'postgres');
$node->safe_psql('postgres', Encode::encode('UTF-8', <<'END'));
CREATE ROLE mailer LOGIN;
SELECT bestauth.grant_access('mailer', 'mailer');
SELECT bestauth.create_company('mailer', 'Ärztehaus Zürich „Grüße aus der Bahnhofstraße“ und noch viel mehr Wörter');
END

# Users without password, each of whom is sent a link.
sub make_users
{
	my ($prefix, $count, $domain) = @_;

	$domain //= 'mailer.example';
	$node->safe_psql('postgres', <<END);
SELECT bestauth.create_user('$prefix' || n, 'standard', 'Given', 'Name', '$prefix' || n || '\@$domain', company => 'mailer')
FROM generate_series(1, $count) n
END
	return;
}

# How many messages of those users are so.
sub messages
{
	my ($prefix, $condition) = @_;

	return $node->safe_psql('postgres',
		"SELECT count(*) FROM bestauth.outbox WHERE recipient ~ '^${prefix}[0-9]+\@' AND ($condition)");
}

# What is left is in the way of nothing that comes.
sub give_up
{
	my ($smtp) = @_;

	$node->safe_psql('postgres', "UPDATE bestauth.outbox SET dead_at = clock_timestamp() WHERE sent_at IS NULL");
	smtp_stop($smtp);
	return;
}

# Whom messages went to, as "first1 first2"; and by how many Message-IDs.
sub recipients
{
	my ($smtp) = @_;
	my %by;

	for (delivered($smtp))
	{
		$by{ $_->{'x-recipient'} }{ $_->{'message-id'} }++;
		my ($token) = $_->{body} =~ /token=([\w-]+)/ or next;
		$secret{$token} = 1;
	}
	return \%by;
}

# All of them got their message, and what came twice has the same Message-ID.
sub is_complete
{
	my ($smtp, $prefix, $count, $twice, $what) = @_;
	my $by = recipients($smtp);
	my @missing = grep { !$by->{"$prefix$_\@mailer.example"} } 1 .. $count;
	my $different = grep { keys %$_ != 1 } values %$by;
	my $copies = delivered($smtp) - keys %$by;

	is("@missing", '', "$what: everybody was sent a message");
	is($different, 0, "$what: of each message there is one Message-ID");
	note "$what: $copies copies";
	cmp_ok($copies, '<=', $twice, "$what: at most $twice copies");
	is(messages($prefix, 'sent_at IS NULL'), 0, "$what: the database knows that all were sent");
	return;
}

# [IBS-5] From the call to the login.
sub end_to_end
{
	my $smtp = smtp_start();
	my ($status, $err, $message, $token);

	make_users('whole', 1);
	($status, $err) = mailer_once($node, $smtp);
	is($status, 0, 'one message: exit status');
	is(delivered($smtp) + 0, 1, 'one message: it arrives');
	($message) = delivered($smtp);
	note $message->{raw};
	is($message->{from}, '"Billing, Inc." <no-reply@bestauth.example>', 'From');
	is($message->{'x-sender'}, 'no-reply@bestauth.example', 'the sender');
	is($message->{to}, '<whole1@mailer.example>', 'To');
	is($message->{'x-recipient'}, 'whole1@mailer.example', 'the recipient');
	is($message->{subject},
		'Set your password for Ärztehaus Zürich „Grüße aus der Bahnhofstraße“ und noch viel mehr Wörter',
		'Subject, with names that are not ASCII');
	unlike($message->{raw}, qr/^(?!Content-Type: multipart).{79}/m, 'no line is long');
	unlike($message->{raw} =~ s/\n\n.*//sr, qr/[^\x20-\x7e\n]/, 'headers are ASCII');
	like($message->{date}, qr/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} 2\d{3} \d\d:\d\d:\d\d \+0000$/, 'Date');
	is($message->{'message-id'}, '<' . message_id('whole') . '@bestauth.example>', 'Message-ID');
	is($message->{'auto-submitted'}, 'auto-generated', 'Auto-Submitted');
	like($message->{'part-content-type'} // $message->{'content-type'}, qr{^text/plain; *charset="?utf-8}i, 'Content-Type');
	like($err, qr/^bestauth-mailer: sent \S+ \(password_setup, attempt 1\)$/m, 'one message: the log says so');

	($token) = $message->{body} =~ m{^https://portal\.example/start/set-password\?token=([\w-]+)$}m;
	ok(defined $token, 'the body has the link, whole');
	is(login($node, 'postgres', 'mailer', 'whole1', $password), 'denied', 'before the link was followed');
	is($node->safe_psql('postgres', <<END), 'accepted', 'the link is followed');
SET log_statement = none;
SET log_min_duration_statement = -1;
SELECT bestauth.set_password('$token', '$password');
END
	is(login($node, 'postgres', 'mailer', 'whole1', $password), 'authenticated', 'and the password set by it logs in');
	is(mailer_once($node, $smtp), 0, 'nothing to do: exit status');
	is(commands_seen($smtp, 'MAIL'), 1, 'nothing is sent again');
	smtp_stop($smtp);
	return;
}

sub message_id
{
	my ($prefix) = @_;

	return $node->safe_psql('postgres', "SELECT message_id FROM bestauth.outbox WHERE recipient ~ '^${prefix}[0-9]+\@'");
}

# HTML, lines with a dot, and long ones.
sub formats
{
	my $smtp = smtp_start();
	my $long = 'word ' x 400;
	my $message;

	$node->safe_psql('postgres', <<END);
UPDATE bestauth.mail_template SET format = 'html', subject = 'Plain subject @{[ 'word ' x 30 ]}end',
	body = E'<p>\\n.\\n..two\\n$long\\n<a href="{{link}}">=20 here</a>\\n'
WHERE kind = 'password_setup'
END
	make_users('html', 1);
	is(mailer_once($node, $smtp, '--from', Encode::encode('UTF-8', '"Zürichs Ärzte" <arzt@bestauth.example>')), 0, 'HTML: exit status');
	($message) = delivered($smtp);
	note $message->{raw};
	is($message->{from}, 'Zürichs Ärzte <arzt@bestauth.example>', 'HTML: From, not in ASCII');
	is($message->{subject}, 'Plain subject ' . 'word ' x 30 . 'end', 'HTML: a long subject in ASCII');
	like($message->{raw}, qr/^Subject: Plain subject word/m, 'HTML: is not encoded');
	like($message->{'part-content-type'} // $message->{'content-type'}, qr{^text/html; *charset="?utf-8}i, 'HTML: Content-Type');
	like($message->{body}, qr{^<p>\n\.\n\.\.two\n\Q$long\E\n<a href="https://[^"]*token=[\w-]+">=20 here</a>\n\Z}, 'HTML: the body is whole');
	unlike($message->{raw}, qr/^(?!Content-Type: multipart).{79}/m, 'HTML: no line is long');
	smtp_stop($smtp);
	return;
}

# Bad options, each with an error and status 2.
sub bad_options
{
	my ($smtp) = @_;
	my $open = "$tempdir/open";
	my ($status, $err);

	append_to_file($open, 'secret');
	chmod 0644, $open;
	for ([ 'bad URL', 'smtp-url', '--smtp-url', 'http://localhost' ],
		[ 'URL with a password', 'smtp-url', '--smtp-url', 'smtp://user:secret@localhost' ],
		[ 'From with a line break', 'from', '--from', "A\nBcc: x\@example.org <a\@example.org>" ],
		[ 'From without address', 'from', '--from', 'Somebody' ],
		[ 'batch', 'batch', '--batch', '0' ],
		[ 'timeout', 'timeout', '--timeout', '5x' ],
		[ 'password with a space', 'dbname', '--dbname', 'host=/x password=a secret' ],
		[ 'password with a percent sign', 'dbname', '--dbname', 'postgresql://u:a%zzsecret@h/d' ],
		[ 'password with an @', 'dbname', '--dbname', 'postgresql://u:a@secret@h/d' ],
		[ 'password with a slash', 'dbname', '--dbname', 'postgres://u:secret/a@h/d' ],
		[ 'password without host', 'dbname', '--dbname', 'postgres://u:secret' ],
		[ 'unknown option', 'option', '--database-password=secret' ],
		[ 'option without value', 'dbname', '--dbname' ],
		[ 'open password file', 'password file', '--tls', 'required', '--smtp-user', 'u', '--smtp-password-file', $open ],
		[ 'password without TLS', 'smtp-user', '--smtp-user', 'u' ],
		[ 'argument', 'argument', 'password=secret' ])
	{
		my ($what, $named, @options) = @$_;

		($status, $err) = mailer_once($node, $smtp, @options);
		is($status, 2, "$what: refused");
		like($err, qr/error: .*\Q$named\E/, "$what: and the error names it");
		unlike($err, qr/secret/, "$what: but no password");
	}
	return;
}

# Nothing is sent by a connection that is not safe, and no attempt is lost by it.
sub security
{
	my $plain = smtp_start();
	my $cert = make_certificate("$tempdir/right.pem");
	my $safe = smtp_start(cert => $cert, auth => 'relay:its password');
	my $other = make_certificate("$tempdir/other.pem");
	my @tls = ('--tls', 'required', '--ca-file', $cert);
	my @user = ('--smtp-user', 'relay', '--smtp-password-file');
	my ($status, $err);

	for my $file ([ 'good', "its password\n" ], [ 'bad', 'not its password' ])
	{
		append_to_file("$tempdir/$file->[0]", $file->[1]);
		chmod 0600, "$tempdir/$file->[0]";
	}
	bad_options($plain);
	make_users('tls', 2);
	($status, $err) = mailer_once($node, $plain, '--tls', 'required');
	is($status, 1, 'server without STARTTLS: exit status');
	is(commands_seen($plain, 'MAIL'), 0, 'server without STARTTLS: no message is begun');

	is(mailer_once($node, $safe, @tls, '--ca-file', $other, @user, "$tempdir/good"), 1, 'unknown certificate: exit status');
	is(mailer_once($node, $safe, @tls, '--smtp-url', "smtp://localhost:$safe->{port}", @user, "$tempdir/good"), 1,
		'certificate of another host: exit status');
	is(commands_seen($safe, 'AUTH'), 0, 'certificate that is not right: no password is sent');
	($status, $err) = mailer_once($node, $safe, @tls, @user, "$tempdir/bad");
	is($status, 1, 'wrong password: exit status');
	cmp_ok(commands_seen($safe, 'AUTH'), '>', 0, 'wrong password: it was refused');
	unlike($err, qr/its password/, 'wrong password: the log does not have it');
	is(delivered($safe) + 0, 0, 'nothing was sent so far');
	is(messages('tls', 'attempts = 0 AND last_error IS NULL AND due_at <= clock_timestamp()'), 2,
		'and no attempt is used up');

	# the password is put right while the mailer runs
	my $mailer = mailer_start($node, $safe, @tls, @user, "$tempdir/bad");
	ok(wait_until('a refusal', sub { $mailer->{run}->pump_nb; $mailer->{err} =~ /SMTP server can't be used: Login denied/ }),
		'SIGHUP: first the password is wrong');
	rename "$tempdir/good", "$tempdir/bad";
	$mailer->{run}->signal('HUP');
	ok(wait_until('the mail', sub { messages('tls', 'sent_at IS NULL') == 0 }), 'SIGHUP: then it is right');
	is_complete($safe, 'tls', 2, 0, 'STARTTLS and AUTH');
	# an editor empties a file before it writes it
	truncate "$tempdir/bad", 0;
	$mailer->{run}->signal('HUP');
	ok(wait_until('an error', sub { $mailer->{run}->pump_nb; $mailer->{err} =~ /password file is empty/ }),
		'SIGHUP: an empty file is noticed');
	make_users('kept', 1);
	ok(wait_until('the mail', sub { messages('kept', 'sent_at IS NOT NULL') == 1 }), 'SIGHUP: and the password kept');
	memory_hidden($mailer);
	is(mailer_stop($mailer), 0, 'STARTTLS and AUTH: exit status');
	is_complete($safe, 'tls', 2, 0, 'STARTTLS and AUTH');
	smtp_stop($_) for $plain, $safe;
	return;
}

# [I-04] What the server refuses, for now or for good, is in nobody's way.
sub refused
{
	my $smtp = smtp_start();
	my %expected = (defer => '451', refuse => '550', quote => '554');
	my ($status, $err, $by);

	make_users($_, 1) for 'defer', 'drop', 'dropped', 'slow', 'refuse', 'quote', 'fine';
	($status, $err) = mailer_once($node, $smtp, '--timeout', 6);
	is($status, 1, 'refused: exit status');
	$by = recipients($smtp);
	is(join(' ', sort keys %$by), 'fine1@mailer.example', 'refused: the others flow');
	is(messages($_, 'attempts = 1 AND dead_at IS NULL AND due_at > clock_timestamp() AND last_error IS NOT NULL'), 1,
		"$_: is to be tried again, later")
	  for 'defer', 'drop', 'dropped', 'slow';
	is(messages($_, 'dead_at IS NOT NULL'), 1, "$_: is given up") for 'refuse', 'quote';
	for (sort keys %expected)
	{
		my $text = $node->safe_psql('postgres', "SELECT last_error FROM bestauth.outbox WHERE recipient ~ '^${_}1\@'");

		like($text, qr/SMTP status $expected{$_}/, "$_: the database has the code");
		unlike("$text$err", qr/portal\.example|token|Grüße|nobody here|not now|mailer\.example/,
			"$_: but not what the server said, neither has the log");
	}
	is(mailer_once($node, $smtp), 0, 'refused: nothing is due again yet');
	$node->safe_psql('postgres', "UPDATE bestauth.outbox SET due_at = clock_timestamp() WHERE sent_at IS NULL AND dead_at IS NULL");
	$node->safe_psql('postgres', "UPDATE bestauth.outbox SET dead_at = clock_timestamp() WHERE recipient ~ '^slow'");
	is(mailer_once($node, $smtp), 1, 'refused: once it is due, it is tried again');
	is(messages('defer', 'attempts = 2'), 1, 'refused: and that is counted');
	give_up($smtp);
	return;
}

# What a server thinks of its client, at whatever command it says so, is no message's fault.
sub answers
{
	my $smtp = smtp_start();
	my %later = (
		client => '554 5.7.1', relaying => '554', authless => '530', listed => '550 5.7.1', lines => '550 5.7.26',
		origin => '550 5.1.8', policy => '554 5.7.1');
	my %never = (
		foreign => '554 5.1.1', moved => '551 5.1.6', bare => '550', odd => '553', content => '554 5.6.0', unsaid => '554');
	my %expected = (%later, %never);
	my ($status, $err);

	make_users($_, 1) for sort keys %expected;
	($status, $err) = mailer_once($node, $smtp);
	is($status, 1, 'answers: exit status');
	is(messages($_, 'attempts = 1 AND dead_at IS NULL AND due_at > clock_timestamp()'), 1,
		"$_, $later{$_}: is to be tried again, later")
	  for sort keys %later;
	is(messages($_, 'attempts = 1 AND dead_at IS NOT NULL'), 1, "$_, $never{$_}: is given up") for sort keys %never;
	for (sort keys %expected)
	{
		my $text = $node->safe_psql('postgres', "SELECT last_error FROM bestauth.outbox WHERE recipient ~ '^${_}1\@'");

		like($text, qr/ \(SMTP status \Q$expected{$_}\E\)\z/, "$_: the database has the codes, and no text");
	}
	unlike($err, qr/mailer\.example|nobody here|list|policy|relaying|spam/, 'answers: nor has the log');
	give_up($smtp);
	return;
}

# The server is there, but each time gone when it comes to this message.
sub unreached
{
	my $smtp = smtp_start(busy => 1);
	my $mailer;

	make_users('busy', 1);
	$mailer = mailer_start($node, $smtp);
	ok(wait_until('an attempt', sub { messages('busy', q{attempts = 1 AND last_error ~ 'SMTP status 421'}) == 1 }),
		'unreached: the second time that is an attempt');
	is(mailer_stop($mailer), 0, 'unreached: exit status');
	is(commands_seen($smtp, 'MAIL'), 2, 'unreached: not the first time');
	is(() = $mailer->{err} =~ /^bestauth-mailer: error: returned .* attempt 1\)/mg, 1, 'unreached: then it was given back');
	give_up($smtp);
	return;
}

# How long what a mailer has in hand is nobody else's, and how long the database may take.
sub claims
{
	my $smtp = smtp_start();
	my $mailer;

	$node->safe_psql('postgres', <<'END');
CREATE TABLE public.seen (statement_timeout text);
CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
	IF session_user = 'mailer' THEN INSERT INTO public.seen VALUES (current_setting('statement_timeout')); END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER see AFTER UPDATE ON bestauth.outbox FOR EACH ROW EXECUTE FUNCTION public.see();
END
	make_users('slowly', 2);
	for ([ 'large batch', '5 minutes', '10 minutes', '--batch', 1000, '--timeout', 500 ],
		[ 'long timeout', '30 minutes', '61 minutes', '--batch', 1, '--timeout', 3600 ])
	{
		my ($what, $least, $most, @options) = @$_;
		my $begun = commands_seen($smtp, 'MAIL');

		$node->safe_psql('postgres', "UPDATE bestauth.outbox SET due_at = clock_timestamp() WHERE recipient ~ '^slowly'");
		$mailer = mailer_start($node, $smtp, @options);
		ok(wait_until('a message is begun', sub { commands_seen($smtp, 'MAIL') > $begun }), "$what: a message is begun");
		cmp_ok(messages('slowly', "due_at BETWEEN clock_timestamp() + '$least' AND clock_timestamp() + '$most'"), '>', 0,
			"$what: the lease is so long");
		is(messages('slowly', "due_at > clock_timestamp() + '$most'"), 0, "$what: and not longer");
		mailer_stop($mailer, 'KILL');
	}
	is($node->safe_psql('postgres', 'SELECT DISTINCT statement_timeout FROM public.seen'), '50s',
		'the database stops what the mailer does not wait for');
	$node->safe_psql('postgres', 'DROP FUNCTION public.see() CASCADE; DROP TABLE public.seen');
	give_up($smtp);
	return;
}

# What a mailer has no time for before others may claim it is given back, and claimed again.
sub lease_over
{
	my $smtp = smtp_start();
	my ($set, %environment) = boot_clock();
	my $mailer;

	make_users('lease', 3);
	append_to_file("$smtp->{folder}/hold", '');
	local @ENV{ keys %environment } = values %environment;
	$mailer = mailer_start($node, $smtp, '--batch', 1000, '--timeout', 300);
	ok(wait_until('the first', sub { commands_seen($smtp, 'MAIL') == 1 }), 'end of the lease: a message is begun');
	is(messages('lease', 'attempts = 1'), 3, 'end of the lease: all are claimed');
	# of 600 seconds that leaves less than 300
	$set->(400);
	unlink "$smtp->{folder}/hold";
	ok(wait_until('all', sub { messages('lease', 'sent_at IS NOT NULL') == 3 }), 'end of the lease: all are sent');
	is(messages('lease', 'attempts = 1'), 3, 'end of the lease: that cost none an attempt');
	is(mailer_stop($mailer), 0, 'end of the lease: exit status');
	is(() = $mailer->{err} =~ /^bestauth-mailer: returned \S+ \(password_setup, attempt 1\)$/mg, 2,
		'end of the lease: two were given back first');
	is_complete($smtp, 'lease', 3, 0, 'end of the lease');
	smtp_stop($smtp);
	return;
}

# A sender that the server doesn't want is no message's fault: none is given up.
sub sender
{
	my $smtp = smtp_start(sender => 'billing@bestauth.example');

	make_users('sender', 2);
	is(mailer_once($node, $smtp), 1, 'unwanted sender: exit status');
	is(messages('sender', q{attempts = 1 AND dead_at IS NULL AND last_error ~ 'SMTP status 550'}), 2,
		'unwanted sender: all are to be tried again');
	$node->safe_psql('postgres', "UPDATE bestauth.outbox SET due_at = clock_timestamp() WHERE recipient ~ '^sender'");
	is(mailer_once($node, $smtp, '--from', 'billing@bestauth.example'), 0, 'another sender: exit status');
	is_complete($smtp, 'sender', 2, 0, 'another sender');
	smtp_stop($smtp);
	return;
}

# SIGTERM between messages.
sub stopped
{
	my $count = 60;
	my $smtp = smtp_start(delay => 0.2);
	my $mailer;

	make_users('stop', $count);
	$mailer = mailer_start($node, $smtp, '--batch', $count);
	ok(wait_until('some mail', sub { delivered($smtp) >= 2 }), 'SIGTERM: in the middle');
	is(mailer_stop($mailer), 0, 'SIGTERM: exit status');
	my $sent = delivered($smtp);
	cmp_ok($sent, '<', $count, 'SIGTERM: not all are sent');
	is(messages('stop', 'sent_at IS NOT NULL'), $sent, 'SIGTERM: what was sent is confirmed');
	is(messages('stop', 'sent_at IS NULL AND attempts = 0 AND due_at <= clock_timestamp()'), $count - $sent,
		'SIGTERM: what was not is given back');
	smtp_stop($smtp);
	$smtp = smtp_start(like => $smtp, delay => 0);
	is(mailer_once($node, $smtp), 0, 'SIGTERM: another mailer goes on');
	is_complete($smtp, 'stop', $count, 0, 'SIGTERM');
	smtp_stop($smtp);
	return;
}

# [I-03] Two side by side, one of which dies.
sub killed
{
	my $smtp = smtp_start(delay => 0.005);
	my $count = 300;
	my @mailers;
	my ($left, $id, $by);

	@mailers = map { mailer_start($node, $smtp, '--batch', 20) } 0, 1;
	ok(wait_until('both listen', sub {
			return $node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'mailer'}) == 2;
		}), 'two mailers: both are there');
	make_users('kill', $count);
	ok(wait_until('both send', sub {
			$_->{run}->pump_nb for @mailers;
			return 2 == grep { (() = $_->{err} =~ /: sent /g) >= 5 } @mailers;
		}), 'two mailers: both send');
	is(mailer_stop($mailers[0], 'KILL'), 'signal 9', 'two mailers: one is killed');
	ok(wait_until('the rest', sub { messages('kill', 'sent_at IS NULL AND due_at <= clock_timestamp()') == 0
			&& messages('kill', 'sent_at IS NOT NULL') >= $count - 20 }), 'two mailers: the other goes on');
	$left = messages('kill', 'sent_at IS NULL');
	note "$left were in the dead one's hands";
	# as time would
	$node->safe_psql('postgres', 'UPDATE bestauth.outbox SET due_at = clock_timestamp() WHERE sent_at IS NULL AND dead_at IS NULL');
	ok(wait_until('all', sub { messages('kill', 'sent_at IS NULL') == 0 }), 'two mailers: and sends what the dead one had');
	# what would be sent again if the mailer had died between the server's yes and the database's
	$id = $node->safe_psql('postgres', <<'END');
UPDATE bestauth.outbox SET sent_at = NULL, due_at = clock_timestamp() WHERE recipient ~ '^kill7@' RETURNING message_id
END
	ok(wait_until('one again', sub { messages('kill', 'sent_at IS NULL') == 0 }), 'two mailers: one message is sent again');
	is(mailer_stop($mailers[1]), 0, 'two mailers: the other stops');
	is_complete($smtp, 'kill', $count, 2, 'two mailers');
	$by = recipients($smtp);
	cmp_ok($by->{'kill7@mailer.example'}{"<$id\@bestauth.example>"}, '>=', 2, 'two mailers: with the same Message-ID');
	smtp_stop($smtp);
	return;
}

# The database goes away, then the SMTP server.
sub restarts
{
	my $smtp = smtp_start(delay => 0.05);
	my ($mailer, $again, $seen);

	make_users('again', 40);
	$mailer = mailer_start($node, $smtp, '--batch', 5);
	ok(wait_until('some mail', sub { delivered($smtp) >= 8 }), 'restart of the database: in the middle');
	$node->restart;
	ok(wait_until('all', sub { messages('again', 'sent_at IS NULL') == 0 }), 'restart of the database: the mailer goes on');
	is_complete($smtp, 'again', 40, 0, 'restart of the database');

	make_users('down', 40);
	ok(wait_until('some mail', sub { messages('down', 'sent_at IS NOT NULL') >= 8 }), 'restart of the SMTP server: in the middle');
	smtp_stop($smtp);
	$seen = length $mailer->{err};
	ok(wait_until('an error', sub { $mailer->{run}->pump_nb; substr($mailer->{err}, $seen) =~ /SMTP server can't be used/ }),
		'restart of the SMTP server: the mailer sees that it is away');
	is(messages('down', 'sent_at IS NULL AND attempts > 1'), 0, 'restart of the SMTP server: no more than one attempt is used up');
	cmp_ok(messages('down', 'sent_at IS NULL AND attempts > 0'), '<=', 1, 'restart of the SMTP server: and that of one message at most');
	$again = smtp_start(like => $smtp);
	$node->safe_psql('postgres', 'UPDATE bestauth.outbox SET due_at = clock_timestamp() WHERE sent_at IS NULL AND dead_at IS NULL');
	ok(wait_until('all', sub { messages('down', 'sent_at IS NULL') == 0 }), 'restart of the SMTP server: the mailer goes on');
	is_complete($again, 'down', 40, 1, 'restart of the SMTP server');
	is(mailer_stop($mailer), 0, 'restarts: exit status');
	smtp_stop($again);
	return;
}

# The database goes away while a message is being sent.
sub unconfirmed
{
	my $smtp = smtp_start(delay => 2);
	my $mailer;

	make_users('late', 1);
	$mailer = mailer_start($node, $smtp);
	ok(wait_until('the message is begun', sub { commands_seen($smtp, 'MAIL') == 1 }), 'database lost: while sending');
	$node->stop('immediate');
	ok(wait_until('the message', sub { delivered($smtp) == 1 }), 'database lost: the message is sent');
	$node->start;
	ok(wait_until('the confirmation', sub { messages('late', 'sent_at IS NOT NULL') == 1 }), 'database lost: it is confirmed');
	is(mailer_stop($mailer), 0, 'database lost: exit status');
	is_complete($smtp, 'late', 1, 0, 'database lost');
	is(commands_seen($smtp, 'MAIL'), 1, 'database lost: it was begun once');
	smtp_stop($smtp);
	return;
}

# [I-05] What the mailer's role can do: nothing but that.
sub role
{
	my @as = (extra_params => [ '-U', 'mailer' ]);

	is($node->safe_psql('postgres', <<'END', extra_params => [ '-U', 'mailer' ]), <<'END' =~ s/\n\Z//r, 'role: the functions it may call');
SELECT proname FROM pg_proc
WHERE pronamespace = 'bestauth'::regnamespace AND has_function_privilege(oid, 'EXECUTE') ORDER BY 1
END
audit_seal
claim_mail
confirm_mail
fail_mail
has_access
instance_name
release_mail
END
	is($node->safe_psql('postgres', <<'END', extra_params => [ '-U', 'mailer' ]), '0', 'role: the tables it may read or write');
SELECT count(*) FROM pg_class
WHERE relnamespace = 'bestauth'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
	AND CASE relkind WHEN 'S' THEN has_sequence_privilege(oid, 'USAGE, SELECT, UPDATE')
		ELSE has_any_column_privilege(oid, 'SELECT, INSERT, UPDATE, REFERENCES') OR has_table_privilege(oid, 'DELETE, TRUNCATE, TRIGGER') END
END
	is(sqlstate($node, 'postgres', $_, @as), '42501', "role: $_")
	  for 'SELECT * FROM bestauth.outbox', 'SELECT * FROM bestauth.user_account', 'SELECT * FROM bestauth.token',
	  'SELECT * FROM bestauth.audit_log', q{SELECT * FROM bestauth.login('mailer', 'whole1', 'x')},
	  q{SELECT bestauth.set_password('x', 'a new password of nobody')}, q{SELECT bestauth.create_company('x', 'x')};
	return;
}

# [J-06] Neither a token nor a body is in the log of the server, whatever it logs, nor in
# those of the mailers, which this file's log has.
sub logs
{
	my $log = slurp_file($node->logfile);
	my @found = grep { index($log, $_) >= 0 } keys %secret;

	cmp_ok(scalar keys %secret, '>', 300, 'logs: there were many tokens');
	is(scalar @found, 0, "logs: none is in the server's");
	unlike($log, qr{portal\.example/start/}, "logs: nor is a link");
	like($log, qr/confirm_mail/, "logs: though the calls are");
	return;
}

end_to_end();
security();
refused();
answers();
unreached();
claims();
lease_over();
sender();
stopped();
unconfirmed();
killed();
restarts();
role();
formats();
logs();
$node->stop;
done_testing();
