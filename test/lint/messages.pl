# messages: an errmsg(), or a line of the mailer's log, starts in lower case (a word in
# capitals may begin it) and has no full stop or line break at its end: PostgreSQL's
# error style guide.
use strict;
use warnings;
use Source;

my $string = qr/"(?:[^"\\]|\\.)*"/s;

for my $file (c_sources(), mailer_sources())
{
	my $text = uncommented(slurp($file));
	while ($text =~ /\b(?:errmsg(?:_plural|_internal)?|Log(?:Error|Event|Detail))\s*\(\s*((?:$string\s*(?:,\s*(?="))?)+)/g)
	{
		my ($literals, $line) = ($1, line_of($text, $-[0]));
		for my $message (split /,\s*(?=")/, $literals)
		{
			my $plain = join '', map { substr($_, 1, -1) } $message =~ /$string/g;
			my ($first) = $plain =~ /^(\w+)/;
			complain("$file:$line", "message starts with a capital: $plain")
			  if defined $first && $first =~ /^[A-Z]/ && $first !~ /^[A-Z0-9_]{2,}$/;
			complain("$file:$line", "message ends with a full stop: $plain")
			  if $plain =~ /(?<!\.)\.\s*$/;
			complain("$file:$line", "message ends with a line break: $plain") if $plain =~ /\\n$/;
		}
	}
}
finish();
