# spi: only src/query.c talks to SPI, so that identity, search_path and snapshots
# are handled in one place.
use strict;
use warnings;
use Source;

for my $file (c_sources())
{
	next if $file eq 'src/query.c';
	my $text = slurp($file);
	my $code = code_of($text);
	while ($code =~ /\b(SPI_\w+)/g)
	{
		complain("$file:" . line_of($code, $-[0]), "uses $1");
	}
	$code = uncommented($text);
	while ($code =~ m{#[ \t]*include[ \t]*[<"](executor/spi\w*\.h)}g)
	{
		complain("$file:" . line_of($code, $-[0]), "includes $1");
	}
}
finish();
