# floors: src/floors.txt puts every stem of src/ on a floor ("1 query inval"), and
# a file includes only what stands on a lower one, or before it on its own floor.
# src/README.md says of each what it is.
use strict;
use warnings;
use Source;

my $plan = 'src/floors.txt';
my %have = map { stem($_) => 1 } c_sources();
my (%floor, %place);

if (!-e $plan)
{
	complain($plan, 'is missing') if %have;
	finish();
}

my $readme = 'src/README.md';
my %row = slurp($readme) =~ /^\| (\d+) \|(.*)/mg;

# `name`, `name.h`, or the beginning of several, `writer*`.
sub in_readme
{
	my ($floor, $name) = @_;

	return grep { my $like = s/\.h$//r; $like =~ s/\*$/.*/; $name =~ /^$like$/ } ($row{$floor} // '') =~ /`([^`]+)`/g;
}

my $number = 0;
for (split /\n/, slurp($plan))
{
	$number++;
	s/#.*//;
	next unless /\S/;
	my ($floor, @names) = split ' ';
	if ($floor !~ /^\d+$/)
	{
		complain("$plan:$number", "starts with \"$floor\", not with a floor's number");
		next;
	}
	for my $name (@names)
	{
		complain("$plan:$number", "$name is listed twice") if exists $floor{$name};
		complain("$plan:$number", "there is no src/$name.c or src/$name.h") unless $have{$name};
		complain("$plan:$number", "$name is not in the row of floor $floor of $readme") unless in_readme($floor, $name);
		$floor{$name} = $floor;
		$place{$name} = keys %place;
	}
}

for my $file (c_sources())
{
	my $from = stem($file);
	if (!exists $floor{$from})
	{
		complain($file, "is not in $plan");
		next;
	}
	my $text = uncommented(slurp($file));
	while ($text =~ /^[ \t]*#[ \t]*include[ \t]*"([^"]+)"/mg)
	{
		my ($header, $line) = ($1, line_of($text, $-[0]));
		next unless -e "src/$header";
		my $to = stem($header);
		next if $to eq $from || !exists $floor{$to};
		next if $floor{$to} < $floor{$from};
		next if $floor{$to} == $floor{$from} && $place{$to} < $place{$from};
		complain("$file:$line",
			"floor $floor{$from} includes \"$header\" of floor $floor{$to}"
			  . ($floor{$to} == $floor{$from} ? ', its own' : ''));
	}
}
finish();
