# sql: an install script adopts nothing that somebody made before it (no OR REPLACE,
# no IF NOT EXISTS), puts everything in the schema bestauth, and comments on every
# function, table, view, type and trigger. What a loop makes is not seen here.
use strict;
use warnings;
use Source;

my $name = qr/(?:"(?:[^"]|"")+"|\w+)(?:\s*\.\s*(?:"(?:[^"]|"")+"|\w+))?/;
my $kind = qr/FUNCTION|PROCEDURE|AGGREGATE|TABLE|MATERIALIZED\s+VIEW|VIEW|TYPE|DOMAIN/i;

sub normal
{
	my ($what) = @_;
	$what =~ s/\s*\.\s*/./g;
	$what =~ s/\s+/ /g;
	return lc $what;
}

my %code = map { $_ => sql_code(slurp($_)) } sql_sources();
my %commented;

for my $text (values %code)
{
	$commented{ normal($1) . ' ' . normal($2) } = 1
	  while $text =~ /\bCOMMENT\s+ON\s+($kind)\s+($name)/gi;
	$commented{ 'trigger ' . normal($1) . ' on ' . normal($2) } = 1
	  while $text =~ /\bCOMMENT\s+ON\s+TRIGGER\s+($name)\s+ON\s+($name)/gi;
}

for my $file (sort keys %code)
{
	my $raw = sql_uncommented(slurp($file));
	my $text = $code{$file};

	complain("$file:" . line_of($raw, $-[0]), 'says OR REPLACE') while $raw =~ /\bOR\s+REPLACE\b/gi;

	# plpgsql's "IF NOT EXISTS (SELECT ...)" is something else
	complain("$file:" . line_of($raw, $-[0]), 'says IF NOT EXISTS')
	  while $raw =~ /\bIF\s+NOT\s+EXISTS\b(?!\s*\()/gi;

	while ($text =~ /\bCREATE\s+(?:UNLOGGED\s+|RECURSIVE\s+)?($kind)\s+(?:IF\s+NOT\s+EXISTS\s+)?($name)/gi)
	{
		my ($what, $which, $line) = (normal($1), normal($2), line_of($text, $-[0]));
		complain("$file:$line", "$what $which is not in the schema bestauth")
		  unless $which =~ /^bestauth\./;
		complain("$file:$line", "$what $which has no COMMENT ON") unless $commented{"$what $which"};
	}
	while ($text =~ /\bCREATE\s+(?:CONSTRAINT\s+)?TRIGGER\s+($name)\b(.*?);/gis)
	{
		my ($which, $rest, $line) = (normal($1), $2, line_of($text, $-[0]));
		my ($table) = $rest =~ /\bON\s+($name)/i;
		$table = defined $table ? normal($table) : '?';
		complain("$file:$line", "trigger $which on $table has no COMMENT ON")
		  unless $commented{"trigger $which on $table"};
	}
}
finish();
