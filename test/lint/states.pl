# states: the drawing in docs/registration.md is what registration_transitions() returned in
# expected/registration_state.out.
use strict;
use warnings;
use Source;

my ($table) = slurp('expected/registration_state.out') =~
	/^SELECT \* FROM bestauth\.registration_transitions\(\);\n[^\n]*\n[-+]+\n(.*?)^\(\d+ rows\)/ms;
my ($drawing) = slurp('docs/registration.md') =~ /^```mermaid\nflowchart LR\n(.*?)^```/ms;

complain('expected/registration_state.out', 'shows no registration_transitions()') unless $table;
complain('docs/registration.md', 'has no drawing') unless $drawing;

my $drawn = '';
for (split /\n/, $table // '')
{
	my ($from, $to, $by) = map { s/^\s+|\s+$//gr } split /\|/;
	my ($from_id, $to_id) = map { tr/-/_/r } $from || 'new', $to;
	$drawn .= sprintf qq(    %s["%s"] -- "%s" --> %s["%s"]\n), $from_id, $from || '(new)', $by, $to_id, $to;
}
complain('docs/registration.md', "draws other states than there are; it should be\n$drawn")
	if ($drawing // '') ne $drawn;
finish();
