# time: moments have a time zone, lifetimes no days (a day has 23 hours or 25, as the
# session's TimeZone says), and what C decides goes by the clock, not by the beginning of
# the transaction or the session's zone [P-10].
use strict;
use warnings;
use Source;

my $days = qr/\b(?:days?|weeks?|mons?|months?|years?|decades?)\b/i;
my $long = qr/\binterval\s*'[^']*$days|'[^']*$days[^']*'\s*::\s*interval|\bmake_interval\s*\([^()]*$days|\bcast\s*\(\s*'[^']*$days[^']*'\s+as\s+interval|\bjustify_\w+/i;
my $zoneless = qr/\btimestamp\b(?!\s+with\s+time\s+zone)|\btime\s+without|\btimetz\b|\blocaltime(?:stamp)?\b|\bcurrent_(?:date|time)\b/i;
my $standing = qr/\b(?:now|transaction_timestamp|statement_timestamp)\s*\(\s*\)|\bcurrent_timestamp\b/i;

for my $file (sql_sources())
{
	my $raw = sql_uncommented(slurp($file));
	my $code = sql_code(slurp($file));
	complain("$file:" . line_of($raw, $-[0]), "counts in days: $&") while $raw =~ /$long/g;
	complain("$file:" . line_of($code, $-[0]), "has no time zone: $&") while $code =~ /$zoneless/g;
	complain("$file:" . line_of($code, $-[0]), "a default of days: $1")
	  while $code =~ /\binterval\s+DEFAULT\b/gi && substr($raw, $+[0], 60) =~ /^\s*('[^']*$days[^']*')/;
}
for my $file (c_sources(), mailer_sources())
{
	for (c_strings(slurp($file)))
	{
		my ($text, $line) = @$_;
		next unless $text =~ /\b(?:SELECT|INSERT|UPDATE|DELETE|WHERE|FROM|SET|VALUES)\b/;
		complain("$file:$line", "counts in days: $&") if $text =~ $long;
		complain("$file:$line", "has no time zone: $&") if $text =~ $zoneless;
		complain("$file:$line", "stands still in a transaction, clock_timestamp() does not: $&") if $text =~ $standing;
	}
	my $code = code_of(slurp($file));
	complain("$file:" . line_of($code, $-[0]), "has no time zone: $1")
	  while $code =~ /\b(TIMESTAMPOID|TIMEOID|TIMETZOID|TimestampGetDatum|DatumGetTimestamp|PG_GETARG_TIMESTAMP|PG_RETURN_TIMESTAMP)\b/g;
}
finish();
