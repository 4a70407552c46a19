# rules: the table in test/README.md says which test shows which rule. Each test
# named there exists and names the rule, and no rule of test/rules.txt is left out.
use strict;
use warnings;
use Source;

my ($table, $required) = ('test/README.md', 'test/rules.txt');
my $id = qr{[A-Z]{1,4}-\d+[a-z]?|D\d+};
my (%shown, %text);

for ($table, $required)
{
	complain($_, 'is missing') unless -e $_;
}

my $number = 0;
for (-e $table ? split(/\n/, slurp($table)) : ())
{
	$number++;
	next unless /^\s*\|/;
	my (undef, $ids, $files) = split /\s*\|\s*/;
	next unless defined $files;
	$ids =~ s/[`\[\]]//g;
	my @ids = split /[\s,]+/, $ids;
	next unless @ids && $ids[0] =~ /^$id$/;
	my @files = grep { /\S/ } split /[\s,`]+/, $files;
	complain("$table:$number", "$ids[0] names no test") unless @files;

	for my $rule (@ids)
	{
		complain("$table:$number", "\"$rule\" is not a rule's id") unless $rule =~ /^$id$/;
		$shown{$rule} = 1;
	}
	for my $name (@files)
	{
		my ($file) = grep { -f } $name, "test/$name";
		if (!defined $file)
		{
			complain("$table:$number", "$ids[0] names $name, which does not exist");
			next;
		}
		$text{$file} = slurp($file) unless exists $text{$file};
		for my $rule (@ids)
		{
			complain("$table:$number", "$file does not name $rule")
			  unless $text{$file} =~ /(?<![\w-])\Q$rule\E(?!\w)/;
		}
	}
}

for (-e $required ? split(/\n/, slurp($required)) : ())
{
	s/#.*//;
	for my $rule (split ' ')
	{
		complain($required, "$rule is not in $table") unless $shown{$rule};
	}
}
finish();
