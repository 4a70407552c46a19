# pgspot: what that checker asks of install and upgrade scripts, as far as it can be seen
# here [L-03]. Names of a script are resolved in pg_catalog alone (PS001, PS016, PS017):
# its first statement pins the path, and nothing changes it. (OR REPLACE and IF NOT
# EXISTS, PS002 and more, are refused by "sql".) And no table is UNLOGGED or TEMP [N-17].
use strict;
use warnings;
use Source;

my $pin = 'SET LOCAL search_path = pg_catalog, pg_temp';
my $path = qr/\bSET\s+(?:LOCAL\s+|SESSION\s+)?search_path\s*(?:=|TO)\s*/i;
my $dollar = qr/(\$(?:[A-Za-z_]\w*)?\$).*?\g{-1}/s;

my ($first) = slurp('Makefile') =~ /^SQL_PARTS\s*=\s*(\w+)/m;

for my $file (sql_sources())
{
	my $raw = sql_uncommented(slurp($file));
	my $whole = $file !~ m{/install/} || stem($file) eq ($first || '');
	my $at = sub { "$file:" . line_of($raw, $_[0]) };

	(my $begin = $raw) =~ s/^(?:\s|\\[^\n]*\n)+//;
	complain($file, "its first statement is not \"$pin\"")
	  if $whole && $begin !~ /^SET\s+LOCAL\s+search_path\s*=\s*pg_catalog\s*,\s*pg_temp\s*;/;
	my $pins = 0;
	# a function's own path stands between its parentheses and its end, see below
	(my $outside = $raw) =~ s/(\bCREATE\s+(?:FUNCTION|PROCEDURE)\b(?:$dollar|'(?:[^']|'')*'|[^;\$'])*;)/$1 =~ s,[^\n], ,gr/gie;
	while ($outside =~ /$path|\bset_config\s*\(\s*'search_path'/gi)
	{
		complain($at->($-[0]), 'changes the search_path') unless $whole && !$pins++;
	}

	while ($raw =~ /\bCREATE\s+(?:FUNCTION|PROCEDURE)\s+([\w.]+)((?:$dollar|'(?:[^']|'')*'|[^;\$'])*);/gi)
	{
		my ($name, $start, $text) = ($1, $-[0], $2);
		(my $head = $text) =~ s/$dollar|'(?:[^']|'')*'(?=\s*(?:,|LANGUAGE|$))/''/g;
		my ($own) = $text =~ /$path([^\n]*)/;
		my $pinned = defined $own && $own =~ /^pg_catalog\b(?!.*['"]).*\bpg_temp\b\s*(?:AS\b|LANGUAGE\b|;|\$|$)/;
		complain($at->($start), "$name is SECURITY DEFINER without a path that begins with pg_catalog and ends with pg_temp (PS003, PS004)")
		  if $head =~ /\bSECURITY\s+DEFINER\b/i && !$pinned;
		complain($at->($start), "$name is not in C and has no path of its own (PS005)")
		  if $head !~ /\bLANGUAGE\s+'?C'?\b/i && !$pinned;
		complain($at->($start), "$name has a CASE with a value, whose = can't be qualified (PS009)")
		  if $head !~ /\bLANGUAGE\s+'?C'?\b/i && $text =~ /\bCASE\b(?!\s+WHEN\b)/i && $text !~ /\bEND\s+CASE\b/i;
	}
	complain($at->($-[0]), 'quotes a list of schemas as one name (PS018)')
	  while $raw =~ /${path}(?:pg_catalog\s*,\s*)*['"][^'"]*,[^'"]*['"]/g;
	complain($at->($-[0]), 'names a schema that is not fixed') while $raw =~ /\@extschema\b/g;
	complain($at->($-[0]), 'makes what a crash empties, or a session takes along')
	  while $raw =~ /\b(?:CREATE|SET)\s+(?:(?:LOCAL|GLOBAL)\s+)?(?:UNLOGGED|TEMP|TEMPORARY)\b/gi;
}
for my $file (c_sources())
{
	for (c_strings(slurp($file)))
	{
		my ($text, $line) = @$_;
		complain("$file:$line", 'makes what a crash empties, or a session takes along')
		  if $text =~ /\b(?:CREATE|SET)\s+(?:UNLOGGED|TEMP|TEMPORARY)\b/;
	}
}
finish();
