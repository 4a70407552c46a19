# Whether two outputs of psql are the same but for the language of PostgreSQL's own
# messages and the padding of columns. What is translated is looked up in PostgreSQL's
# catalogs of messages: a message has to be the translation of the same one.
package Translated;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Utils;

our @EXPORT = qw(load_translation different_lines);

my %severity = (FEHLER => 'ERROR', WARNUNG => 'WARNING', HINWEIS => 'NOTICE');
my $format = qr/%(?:\d+\$)?[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|ll|[hlzj])?[a-zA-Z%]/;

# The messages of a language: pairs of patterns, of the original and of the translation.
sub load_translation
{
	my ($language) = @_;
	my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
	my $folder = qx($pg_config --localedir);
	my ($major) = qx($pg_config --version) =~ /(\d+)/;
	my @pairs;

	chomp $folder;
	for my $program (qw(postgres plpgsql))
	{
		my $file = "$folder/$language/LC_MESSAGES/$program-$major.mo";

		next unless -e $file;
		# those that are hardly more than what is put in would be like anything
		push @pairs, map { [ map { pattern($_) } @$_ ] }
		  grep { $_->[0] =~ s/$format//gr =~ /[a-z]{3}.*[a-z]{3}/ } catalog($file);
	}
	return \@pairs;
}

# A file in gettext's format: pairs of original and translation, of each plural.
sub catalog
{
	my ($file) = @_;
	my $content = slurp_file($file);
	my ($count, $originals, $translations) = unpack 'x8 V3', $content;
	my $string = sub {
		my ($length, $offset) = unpack "x$_[0] V2", $content;

		return split /\0/, substr($content, $offset, $length);
	};
	my @pairs;

	for my $n (1 .. $count - 1)
	{
		my @original = $string->($originals + 8 * $n);
		my @translation = $string->($translations + 8 * $n);

		for my $o (@original)
		{
			push @pairs, map { [ $o, $_ ] } @translation;
		}
	}
	return @pairs;
}

# Anything for what printf puts in.
sub pattern
{
	my ($message) = @_;
	my $pattern = join '.*', map { quotemeta } split /$format/, $message, -1;

	return qr/^$pattern$/s;
}

# A line as its cells, without padding; severities in English.
sub cells
{
	my ($line) = @_;

	return '---' if $line =~ /^-+(?:\+-+)*$/;
	$line =~ s/^(FEHLER|WARNUNG|HINWEIS):/$severity{$1}:/;
	return map { s/^ +| +$//gr } split /\|/, $line, -1;
}

# The same, or a translation, with the same words before it.
sub same_cell
{
	my ($expected, $got, $pairs) = @_;

	return 1 if $expected eq $got;
	while ($expected =~ /\G(?:^|(?:\S+ +))/gc)
	{
		my $at = pos $expected;
		my ($original, $translation) = (substr($expected, $at), length $got >= $at ? substr($got, $at) : '');

		last if substr($expected, 0, $at) ne substr($got, 0, $at);
		return 1 if grep { $original =~ $_->[0] && $translation =~ $_->[1] } @$pairs;
	}
	return 0;
}

# The lines that differ, or none.
sub different_lines
{
	my ($expected, $got, $pairs) = @_;
	my @expected = split /\n/, $expected, -1;
	my @got = split /\n/, $got, -1;
	my @different;

	for my $n (0 .. ($#expected > $#got ? $#expected : $#got))
	{
		my ($left, $right) = map { $_ // '(no line)' } $expected[$n], $got[$n];
		my @left = cells($left);
		my @right = cells($right);

		next if $left eq $right;
		next if @left == @right && !grep { !same_cell($left[$_], $right[$_], $pairs) } 0 .. $#left;
		push @different, "-$left", "+$right";
	}
	return @different;
}

1;
