# gucs: BaSettingsInit() of src/settings.c, with the functions that it calls there,
# defines the settings in alphabetical order.
use strict;
use warnings;
use Source;

my $home = 'src/settings.c';
my $define = qr/\bDefine\w+\s*\(\s*"(bestauth\.\w+)"/;
my (%events, $last);

# what a function of settings.c does, in order: names it defines, functions it calls
sub play
{
	my ($function) = @_;
	for my $event (@{ delete $events{$function} || [] })
	{
		my ($name, $line) = @$event;
		if ($name !~ /\./)
		{
			play($name);
			next;
		}
		complain("$home:$line", "$name belongs before $last") if defined $last && $name lt $last;
		$last = $name;
	}
	return;
}

if (-e $home)
{
	my $text = uncommented(slurp($home));
	while ($text =~ /^(\w+)\([^()]*\)\s*\n\{(.*?)^\}/msg)
	{
		my ($function, $start, $body) = ($1, $-[2], $2);
		$events{$function} = [];
		push @{ $events{$function} }, [ $1 || $2, line_of($text, $start + $-[0]) ]
		  while $body =~ /$define|\b(\w+)\s*\(/g;
	}
	play('BaSettingsInit');
	complain($home, 'BaSettingsInit() defines no settings') unless defined $last;
	delete @events{ grep { !grep { $_->[0] =~ /\./ } @{ $events{$_} } } keys %events };
	complain($home, "$_() defines settings and is not called") for sort keys %events;
}
finish();
