# pg_version: differences between PostgreSQL's versions are handled in src/compat.h.
use strict;
use warnings;
use Source;

for my $file (c_sources())
{
	next if $file eq 'src/compat.h';
	my $code = code_of(slurp($file));
	complain("$file:" . line_of($code, $-[0]), 'asks for PG_VERSION_NUM')
	  while $code =~ /\bPG_VERSION_NUM\b/g;
}
finish();
