# budgets: a source file has at most 600 lines and a C function's body at most 60.
# test/lint/exceptions.txt names those that may be longer, and why:
#   src/file.c              reason
#   src/file.c:FunctionName reason
use strict;
use warnings;
use Source;

my ($file_budget, $function_budget) = (600, 60);
my $list = 'test/lint/exceptions.txt';
my (%excused, %used);

sub over
{
	my ($where, $what) = @_;
	$used{$where} = 1;
	complain($where, $what) unless $excused{$where};
	return;
}

if (-e $list)
{
	my $number = 0;
	for (split /\n/, slurp($list))
	{
		$number++;
		next if /^\s*(?:#|$)/;
		my ($where, $reason) = split ' ', $_, 2;
		complain("$list:$number", "$where has no reason") unless defined $reason && $reason =~ /\w/;
		$excused{$where} = $number;
	}
}

for my $file (c_sources(), mailer_sources())
{
	my $text = slurp($file);
	my $total = $text =~ tr/\n//;
	over($file, "has $total lines, more than $file_budget") if $total > $file_budget;

	my @lines = split /\n/, code_of($text);
	for (my $open = 1; $open < @lines; $open++)
	{
		# a body starts with a brace of its own in column 1, behind an argument list
		next unless $lines[$open] =~ /^\{\s*$/;
		my $head = $open - 1;
		$head-- while $head > 0 && $lines[$head] !~ /\S/;
		next unless $lines[$head] =~ /\)\s*$/;
		$head-- while $head > 0 && $lines[$head] =~ /^\s/;
		my ($function) = $lines[$head] =~ /(\w+)\s*\(/;
		next unless defined $function;

		my $close = $open + 1;
		$close++ while $close < @lines && $lines[$close] !~ /^\}/;
		my $body = $close - $open - 1;
		over("$file:$function", "has $body lines, more than $function_budget")
		  if $body > $function_budget;
		$open = $close;
	}
}

for (sort keys %excused)
{
	complain("$list:$excused{$_}", "$_ needs no exception") unless $used{$_};
}
finish();
