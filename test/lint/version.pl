# version: bestauth.control, META.json and the newest heading of CHANGELOG.md agree.
use strict;
use warnings;
use Source;

my ($control) = slurp('bestauth.control') =~ /^default_version\s*=\s*'([^']+)'/m;
if (!defined $control)
{
	complain('bestauth.control', 'has no default_version');
	finish();
}

my $meta = slurp('META.json');
my @versions = $meta =~ /"version"\s*:\s*"([^"]+)"/g;

# the last is that of the META format itself
pop @versions if $meta =~ /"meta-spec"/;
complain('META.json', 'names no version') unless @versions;
for (@versions)
{
	complain('META.json', "says $_, bestauth.control says $control") if $_ ne $control;
}

if (-e 'CHANGELOG.md')
{
	my ($newest) = slurp('CHANGELOG.md') =~ /^##\s+\[?v?(\d[^\s\]]*)/m;
	$newest = 'nothing' unless defined $newest;
	complain('CHANGELOG.md', "begins with $newest, bestauth.control says $control")
	  if $newest ne $control;
}
else
{
	complain('CHANGELOG.md', 'is missing');
}
finish();
