# python: every script in Python compiles without a warning, as Python 3.9, and
# bestauth-verify needs nothing but the standard library.
use strict;
use warnings;
use File::Find;
use Source;

my @scripts;

find(
	{
		no_chdir => 1,
		wanted => sub {
			$File::Find::prune = 1 if m{^\./(?:\.git|tmp_check\w*|test/failures)$};
			return unless -f && -T;
			open(my $in, '<', $_) or return;
			push @scripts, s{^\./}{}r if /\.py$/ || (<$in> // '') =~ /^#!.*\bpython/;
		}
	},
	'.');

complain('verify/bestauth-verify', 'is no script in Python') unless grep { $_ eq 'verify/bestauth-verify' } @scripts;
for my $script (sort @scripts)
{
	open(my $check, '-|', 'python3', '-W', 'error', '-c', <<'END', $script) or die "python3: $!\n";
import ast, sys
try:
    with open(sys.argv[1], encoding='utf-8') as script:
        text = script.read()
    compile(text, sys.argv[1], 'exec')
    tree = ast.parse(text, feature_version=(3, 9))
except (SyntaxError, ValueError) as error:
    print(error)
    sys.exit()
if sys.argv[1].startswith('verify/'):
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else \
            [node.module or '.'] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            if name.split('.')[0] not in getattr(sys, 'stdlib_module_names', [name.split('.')[0]]):
                print('imports %s, which is not of the standard library' % name)
END
	complain($script, s/\n//r) while defined($_ = <$check>);
	close($check) or complain($script, 'could not be checked');
}
finish();
