# errcode: every ereport that raises an error has an errcode().
use strict;
use warnings;
use Source;

for my $file (c_sources())
{
	my $code = code_of(slurp($file));
	while ($code =~ /\bereport\s*(\((?:[^()]++|(?1))*\))/g)
	{
		my ($statement, $line) = ($1, line_of($code, $-[0]));
		next unless $statement =~ /^\(\s*(ERROR|FATAL|PANIC)\b/;
		complain("$file:$line", "ereport($1) has no errcode()")
		  unless $statement =~ /\berrcode\w*\s*\(/;
	}
}
finish();
