# spi_sql: SQL in the strings of src/ and mailer/ names its tables with their schema: what stands
# behind FROM, JOIN, INTO, UPDATE, USING and TABLE is in bestauth, or in pg_catalog, or a
# function, a CTE, a subquery, or %s, which carries its schema [L-07]. Keywords are in
# upper case, so that this sees them.
use strict;
use warnings;
use Source;

my $verb = qr/(?:SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|LOCK|COMMENT|GRANT|REVOKE|MERGE|DROP|TRUNCATE|VALUES)\b/;
my $clause = qr/\b(?:FROM|JOIN|INTO|UPDATE|USING|TABLE)\b/;
my $parens = qr/(\((?:[^()]++|(?-1))*+\))/;
my $item = qr/%s|[\w%]+(?:\.[\w%]+)*/;

# keywords that a clause's word is a part of, and no table follows
my $other = qr/(?:\b(?:DISTINCT|FOR|KEY|SHARE|DO|ON|OR|BEFORE|AFTER)|\b(?i:extract|substring|trim|overlay|position)\s*\([^()]*)\s*$/;

sub check
{
	my ($where, $sql) = @_;
	my %cte = map { $_ => 1 } $sql =~ /(?:\bWITH\b(?:\s+RECURSIVE)?|,)\s*(\w+)\s*(?:\([^()]*\)\s*)?AS\s+(?:(?:NOT\s+)?MATERIALIZED\s+)?\(/g;

	while ($sql =~ /($clause)/g)
	{
		my ($word, $at) = ($1, pos $sql);
		my $before = substr($sql, 0, $-[0]);
		next if $before =~ $other && !($word eq 'TABLE' && $before =~ /\bON\s*$/);
		my $rest = substr($sql, $at);
		while ($rest =~ s/^\s*(?:(?:ONLY|LATERAL|IF\s+EXISTS)\s+)*($item)//)
		{
			my $name = $1;
			last if $name =~ /^(?:SET|OR|OF|END)$/;
			my $call = $rest =~ s/^\s*$parens// && $word =~ /^(?:FROM|JOIN|USING)$/;
			complain($where, "$word $name: a table without its schema")
			  unless $call || $cte{$name} || $name =~ /^(?:%s|bestauth\.[\w%]+|pg_\w+(?:\.\w+)?)$/;
			# the next of a list: FROM a x, b AS y (z)
			last unless $word =~ /^(?:FROM|USING)$/
			  && $rest =~ s/^\s*(?:AS\s+)?(?:(?!$clause|WHERE\b|ON\b|SET\b|LIMIT\b)\w+)?\s*(?:\([^()]*\))?\s*,//;
		}
	}
	return;
}

my $count = 0;
for my $file (c_sources(), mailer_sources())
{
	for (c_strings(slurp($file)))
	{
		my ($text, $line) = @$_;
		check("$file:$line", $text) if $text =~ $clause;
		(my $bare = $text) =~ s/'[^']*'//g;
		complain("$file:$line", "SQL in lower case: $text")
		  if $bare =~ /^\s*(?:select|insert|delete|update|with)\s.*\b(?i:from|into|set)\b/
		  || $bare =~ /^\s*$verb.*\b(?:from|join|into|update|using)\s+[\w(]/;
		$count++ if $text =~ /^\s*$verb/;
	}
	my $code = uncommented(slurp($file));
	while ($code =~ /\.sql\s*=\s*(?:\w+\s*)?"\s*(\w+)/g)
	{
		my $first = $1;
		complain("$file:" . line_of($code, $-[0]), "a query begins with \"$first\", not in upper case")
		  if $first !~ /^[A-Z]+$/;
	}
}
complain('src', "has $count queries: this lint does not see them any more") if $count < 50;
finish();
