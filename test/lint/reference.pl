# reference: docs/reference.md is what docs/generate makes of the comments.
use strict;
use warnings;
use Source;

my $made = `perl docs/generate --print`;
if ($? != 0)
{
	complain('docs/generate', 'fails');
}
elsif (!-e 'docs/reference.md' || slurp('docs/reference.md') ne $made)
{
	complain('docs/reference.md', 'is not what the comments say; run "make docs"');
}
finish();
