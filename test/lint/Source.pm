# What the rules share: reading sources, blanking out comments and strings (with
# line numbers kept), and reporting.
package Source;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(complain finish slurp c_sources mailer_sources sql_sources code_of uncommented
  c_strings sql_uncommented sql_code line_of stem);

my $complaints = 0;

sub complain
{
	my ($where, $what) = @_;
	print "$where: $what\n";
	$complaints++;
	return;
}

sub finish
{
	exit($complaints ? 1 : 0);
}

sub slurp
{
	my ($file) = @_;
	open(my $in, '<', $file) or die "$file: $!\n";
	local $/;
	my $text = <$in>;
	return defined $text ? $text : '';
}

sub c_sources
{
	return sort(glob('src/*.c'), glob('src/*.h'));
}

# of bestauth-mailer, which is a program of its own
sub mailer_sources
{
	return sort(glob('mailer/*.c'), glob('mailer/*.h'));
}

sub sql_sources
{
	return sort(glob('sql/install/*.sql'), glob('sql/bestauth--*--*.sql'));
}

sub stem
{
	my ($file) = @_;
	$file =~ s,.*/,,;
	$file =~ s/\.[a-z]+$//;
	return $file;
}

# the line that an offset of the text is on
sub line_of
{
	my ($text, $offset) = @_;
	return 1 + (substr($text, 0, $offset) =~ tr/\n//);
}

sub blank
{
	my ($text) = @_;
	$text =~ s/[^\n]/ /g;
	return $text;
}

# as blank, but the quotes stay
sub blank_inside
{
	my ($text) = @_;
	return substr($text, 0, 1) . blank(substr($text, 1, -1)) . substr($text, -1);
}

my $c_string = qr/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/s;
my $c_comment = qr{/\*.*?\*/|//[^\n]*}s;

# C without comments
sub uncommented
{
	my ($text) = @_;
	$text =~ s/($c_string)|($c_comment)/defined $1 ? $1 : blank($2)/ge;
	return $text;
}

# C without comments and without what is in strings
sub code_of
{
	my ($text) = @_;
	$text =~ s/($c_string)|($c_comment)/defined $1 ? blank_inside($1) : blank($2)/ge;
	return $text;
}

# the body of a macro, with the name x for its parameters
sub filled
{
	my ($parameters, $body) = @_;
	my $any = join '|', $parameters =~ /\w+/g;
	$body =~ s/($c_string)|\b(?:$any)\b/defined $1 ? $1 : '"x"'/ge;
	return $body;
}

# the strings of C: neighbours are joined, with macros of this file that are strings
# themselves; a list of [text, line]. A macro's parameter between them is the name x. What else
# is not a string ends one.
sub c_strings
{
	my ($text) = @_;
	my (%macro, @found);
	my $piece = qr/"(?:[^"\\\n]|\\.)*"/s;

	$text = uncommented($text);
	while ($text =~ /^#[ \t]*define[ \t]+(\w+)[ \t]*(?:\\\n\s*)?((?:$piece(?:\s|\\\n)*)+)$/mg)
	{
		$macro{$1} = $2;
	}
	$text =~ s/^(\#[ \t]*define[ \t]+\w+)\(([\w\s,]+)\)((?:.*\\\n)*.*)$/"$1($2)" . filled($2, $3)/mge;
	$text =~ s/^#([ \t]*define[ \t]+\w+)/";" . blank($1)/mge;
	my $names = join '|', map { quotemeta } sort keys %macro;
	my $part = $names eq '' ? $piece : qr/$piece|\b(?:$names)\b/;
	while ($text =~ /((?:(?:$part)(?:\s|\\\n)*)+)/g)
	{
		my ($run, $start) = ($1, $-[0]);
		$run =~ s/($piece)|(\w+)/defined $1 ? $1 : $macro{$2}/ge;
		my $joined = join '', map { substr($_, 1, -1) } $run =~ /$piece/g;
		$joined =~ s/\\(.)/$1 eq 'n' || $1 eq 't' ? ' ' : $1/ge;
		push @found, [ $joined, line_of($text, $start) ];
	}
	return @found;
}

my $sql_string = qr/'(?:[^']|'')*'/s;
my $sql_dollar = qr/(\$(?:[A-Za-z_]\w*)?\$).*?\g{-1}/s;
my $sql_name = qr/"(?:[^"]|"")*"/s;
my $sql_comment = qr{--[^\n]*|/\*.*?\*/}s;

# SQL without comments; those inside dollar quotes go as well
sub sql_uncommented
{
	my ($text) = @_;
	$text =~ s/($sql_string|$sql_name)|($sql_comment)/defined $1 ? $1 : blank($2)/ge;
	return $text;
}

# SQL without comments and without what is in strings and dollar quotes
sub sql_code
{
	my ($text) = @_;
	$text =~
	  s/($sql_name)|($sql_comment)|($sql_string)|($sql_dollar)/defined $1 ? $1 : blank($2 || $3 || $4)/ge;
	return $text;
}

1;
