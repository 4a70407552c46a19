# [AUD-6] The verifier outside the database, on exports that SealedLog makes from
# docs/sealing.md: what is clean passes, and whatever was changed, removed or put in is found.
#
# Here, as it needs no server. The many cases go through one Python process, which calls the
# program's main() for each, with runs of five rows, so that rows are merged.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";

use Digest::SHA qw(sha256 sha256_hex);
use PostgreSQL::Test::Utils;
use SealedLog qw(merkle_root);
use Test::More;

my $program = "$FindBin::RealBin/../../verify/bestauth-verify";
my $dir = PostgreSQL::Test::Utils::tempdir();
my ($old, $new) = ('7300000000000000001', '-5');		# two clusters
my %at = map { $SealedLog::COLUMNS[$_] => $_ } 0 .. $#SealedLog::COLUMNS;
my $number = 0;
my @cases;
my $whole;				# a file with the log of make_log()

sub write_file
{
	my ($text) = @_;
	my $name = "$dir/" . ++$number;

	open(my $out, '>:raw', $name) or die "$name: $!";
	print $out $text;
	close($out) or die "$name: $!";
	return $name;
}

# The "name" of a text for a case: what it has of the whole log's lines, as numbers from-to,
# and what it has of its own, in hexadecimal.
my %line_of;

sub text
{
	my ($text) = @_;
	my @parts;

	for (split /(?<=\n)/, $text)
	{
		my $line = $line_of{$_};

		if (defined $line && @parts && $parts[-1] =~ /-(\d+)$/ && $1 == $line - 1)
		{
			$parts[-1] =~ s/-.*/-$line/;
		}
		else
		{
			push @parts, defined $line ? "$line-$line" : 'x' . unpack 'H*', $_;
		}
	}
	return join ',', '=', @parts;
}

# To be run by run_cases(): what it shows, what must be said, and the arguments. Of what is
# bad one line is said.
sub passes
{
	my ($what, $answer, @arguments) = @_;

	push @cases, [ $what, 0, $answer, @arguments ];
	return;
}

sub fails
{
	my ($what, $answer, @arguments) = @_;

	push @cases, [ $what, 1, qr/^bad: [^|]*$answer[^|]*\|$/, @arguments ];
	return;
}

my $clean = qr/^blocks checked: /;
my $warned = qr/^(?:warning: [^|]+ clock was set back\|)?blocks checked: /;

# One test for all cases since the last.
sub run_cases
{
	my ($name) = @_;
	my $list = write_file(join '', map { join("\t", @$_[3 .. $#$_]) . "\n" } @cases);
	my ($out, $err) = run_command([ 'python3', write_file(<<'END'), $program, $list, $whole ]);
import contextlib, io, sys, traceback
program, cases, whole = sys.argv[1:]
lines = open(whole, 'rb').readlines()
verifier = {'__name__': 'verifier'}
exec(compile(open(program).read(), program, 'exec'), verifier)
verifier['RUN'] = 5
def text(part):
    if part[0] == 'x':
        return bytes.fromhex(part[1:])
    first, last = part.split('-')
    return b''.join(lines[int(first):int(last) + 1])
verifier['open_input'] = lambda name: io.BytesIO(b''.join(map(text, texts[name].split(',')[1:])))
for case in open(cases):
    arguments, texts, said = case.rstrip('\n').split('\t'), {}, io.StringIO()
    for n, argument in enumerate(arguments):
        if argument[0] == '=':
            arguments[n] = 'text %d' % n
            texts[arguments[n]] = argument
    try:
        with contextlib.redirect_stdout(said):
            status = verifier['main'](arguments)
    except BaseException:
        status = 'died ' + traceback.format_exc().replace('\n', '|')
    print(status, said.getvalue().replace('\n', '|'), sep='\t')
END
	my @answers = split /\n/, $out;
	my @wrong;

	push @wrong, $err if $err;
	for (@cases)
	{
		my ($what, $right, $answer) = @$_;
		my ($status, $said) = split /\t/, shift @answers // 'nothing', 2;

		push @wrong, "$what: $status " . ($said // '') unless $status eq $right && $said =~ $answer;
	}
	ok(!@wrong && @cases, $name . ' (' . scalar(@cases) . ' cases)');
	diag(join "\n", splice(@wrong, 0, 20), @wrong ? 'and ' . @wrong . ' more' : ()) if @wrong;
	@cases = ();
	return;
}

# Rows of two clusters, with late committers; times go up with the number.
my $last_id = 100;

sub row
{
	my ($log, $system_id, $xid, $time, %columns) = @_;
	my $id = ++$last_id;

	return $log->add_row(
		audit_id => $id,
		system_id => $system_id,
		transaction_id => $xid,
		transaction_at => "$time.000001Z",
		occurred_at => "$time." . sprintf('%06dZ', $id),
		db_role => 'app',
		action => 'user.update',
		outcome => 'success',
		%columns);
}

my %full = (
	company_id => '00112233-4455-6677-8899-aabbccddeeff',
	company_code => 'north',
	user_id => 'ffffffff-0000-4000-8000-000000000001',
	username => "j\xc3\xb6rg",
	person_id => 'ffffffff-0000-4000-8000-000000000002',
	person => 'service/anna',
	billing_service_id => 'ffffffff-0000-4000-8000-000000000003',
	billing_service_code => 'service',
	session_id => 'ffffffff-0000-4000-8000-000000000004',
	emergency_id => 'ffffffff-0000-4000-8000-000000000005',
	client_addr => '192.0.2.7',
	peer_addr => '2001:db8::1',
	application_name => "tab\there, line\nthere\r\\ \b\f\x0b \\N",
	object_type => 'user',
	object_id => '4711',
	old_values => '{"a": "x\ty", "note": "\\\\ \u0001"}',
	new_values => "{\"a\": \"\xf0\x9f\x98\x80\", \"n\": 1.50, \"z\": null}",
	detail => '{"why": "because \"it\" was so"}');

sub make_log
{
	my ($name) = @_;
	my $log = SealedLog->new;

	$last_id = 100;
	row($log, $old, $_, '2019-12-31T23:59:59') for 100, 100, 101, 102;
	row($log, $old, 102, '2020-01-01T00:00:00', username => $name);
	$log->seal($old, '103:103:', '2020-01-01T00:00:05.000000Z');

	row($log, $old, $_, '2025-11-03T10:00:00', %full) for 103, 104, 105, 105, 107, 109;
	row($log, $old, 106, '2025-11-03T10:00:01', username => '', old_values => '');
	row($log, $old, 108, '2025-11-30T23:59:59');
	$log->seal($old, '105:110:105,107', '2025-11-30T23:59:59.999999Z');

	# 105 is over, 107 goes on; a low audit_id is sealed late
	row($log, $old, $_, '2025-12-01T00:00:00', detail => '{}') for 110 .. 114;
	$log->seal($old, '107:115:107', '2025-12-01T00:00:05.000000Z');

	# restored into another cluster, where 107 and 116 are adopted
	row($log, $old, 116, '2025-12-20T00:00:00');
	row($log, $new, $_, '2025-12-21T00:00:00', %full) for 11, 11, 12, 13, 15;
	$log->seal($old, '117:117:', '2025-12-21T00:00:05.000000Z');
	$log->seal($new, '12:20:12,15', '2025-12-21T00:00:05.000000Z');
	row($log, $new, $_, '2025-12-31T00:00:00') for 20, 21, 22, 25;

	# the first moment at which it is right
	$log->purge($new, '2019-12', '2026-01-01T00:00:00.000000Z');
	row($log, $new, $_, '2026-01-02T00:00:00', audit_id => 1000 - $_) for 26, 27, 28;
	$log->seal($new, '15:30:15,22,29', '2026-01-02T00:00:05.000000Z');
	row($log, $new, 29, '2026-01-03T00:00:00');
	$log->seal($new, '15:31:15', '2026-01-03T00:00:05.000000Z');
	$log->seal($new, '32:32:', '2026-01-04T00:00:05.000000Z');
	row($log, $new, 33, '2026-01-04T00:00:06', %full);
	row($log, $new, 40, '2026-01-04T00:00:06');
	return $log;
}

my $log = make_log('x');
my @lines = $log->lines;
my $last = $log->{blocks}[-1]{block};
my @unsealed = map { $_->{audit_id} } grep { $_->{system_id} eq $new && $_->{transaction_id} >= 33 } @{ $log->{rows} };

$whole = write_file(SealedLog::text_of(@lines));
%line_of = map { SealedLog::text_of($lines[$_]) => $_ } 0 .. $#lines;
my $digest = text($log->digest($last));

# The log's lines, changed by a function of them.
sub changed
{
	my ($change) = @_;
	my @copy = map { [@$_] } @lines;

	$change->(\@copy);
	return text(SealedLog::text_of(@copy));
}

sub kind_of
{
	my ($line) = @_;

	return $line == 0 ? 'header' : $lines[$line][0];
}

sub is_unsealed
{
	my ($line) = @_;

	return kind_of($line) eq 'row' && grep { $_ eq $lines[$line][$at{audit_id}] } @unsealed;
}

# The program as such: its output, complaints and status.
sub run_it
{
	my ($input, @arguments) = @_;
	my ($out, $err);

	IPC::Run::run([ $program, @arguments ], '<', $input, '>', \$out, '2>', \$err);
	return ($out, $err, $? >> 8);
}

# RFC 6962, by the roots that its reference implementation is tested with, then by the verifier.
{
	my @inputs = map { pack 'H*', $_ } '', '00', '10', '2021', '3031', '40414243',
	  '5051525354555657', '606162636465666768696a6b6c6d6e6f';
	my @leaves = map { sha256("\0$_") } @inputs;

	is_deeply([ map { substr(unpack('H*', merkle_root(@leaves[0 .. $_])), 0, 16) } 0 .. 7 ],
		[qw(6e340b9cffb37a98 fac54203e7cc696c aeb6bcfe274b70a1 d37ee418976dd957
			4e3bbb1f7b478dcf 76e67dadbcdf1e10 ddb89be403809e32 5dc9da79a70659a9)],
		'roots of one to eight leaves');
	for my $count (1 .. 8, 33)
	{
		my $small = SealedLog->new;

		row($small, $old, $_, '2026-01-01T00:00:00') for 1 .. $count;
		$small->seal($old, '50:50:', '2026-01-01T00:00:05.000000Z');
		passes("$count leaves", qr/^blocks checked: 1\|.*rows checked: $count\|rows not sealed yet: 0\|/,
			text($small->export));

		# each leaf has a part in the root
		for my $n (0 .. $count - 1)
		{
			my $other = SealedLog->new;

			$other->{blocks} = $small->{blocks};
			$other->add_row(%{ $small->{rows}[$_] }, row_hash => undef, $_ == $n ? (username => 'y') : ())
			  for 0 .. $count - 1;
			fails("$count leaves, without $n", qr/block 1: root is not/, text($other->export));
		}
	}
	run_cases('Merkle trees');
}

# What is clean.
{
	my $rows = @{ $log->{rows} };
	my $head = $log->{blocks}[-1]{block_hash};
	my %part = map { $_ => text($log->export(split /,/)) } '2020-01,2020-01',
	  '2025-11,2025-11', '2025-12,2025-12', '2026-01,2026-01', '2025-11,2025-12', '2019-12,2025-12',
	  '2019-12,2019-12', '2030-01,2030-02';
	my $file = write_file($log->digest($last));

	for (['/dev/null', $whole], [$whole, '-'])
	{
		my ($out, $err, $status) = run_it($_->[0], '--digest', $file, $_->[1]);

		is("$out$err$status\n", <<"END", $_->[1] eq '-' ? 'the same from standard input' : 'a clean log, and what is said of it');
blocks checked: $last
of them as a chain only: 0
rows checked: $rows
rows not sealed yet: 2
months removed: 1
digests met: 1
first block: 1
last block: $last
head: $head
0
END
	}
	passes('rows before blocks', $clean, changed(sub { @{ $_[0] }[2 .. $#lines] = reverse @{ $_[0] }[2 .. $#lines]; @{ $_[0] }[-$last .. -1] = reverse @{ $_[0] }[-$last .. -1] }));
	passes('every digest', qr/digests met: $last\|/, (map { ('--digest', text($log->digest($_))) } 1 .. $last), text($log->export));
	passes('a file of digests', qr/digests met: 2\|/, '--digest', text($log->digest(1) . "\n" . $log->digest(2) . "\n"), text($log->export));
	passes("months $_", $clean, $part{$_}) for sort keys %part;
	passes('a month without anything', qr/^blocks checked: 0\|.*rows checked: 0\|.*head: none/, $part{'2030-01,2030-02'});
	passes('blocks of other months', qr/chain only: 4\|/, $part{'2025-12,2025-12'});
	passes('neighbours', $clean, @part{@$_})
	  for ['2025-11,2025-11', '2025-12,2025-12'], ['2025-12,2025-12', '2025-11,2025-11'],
	  ['2025-11,2025-12', '2026-01,2026-01'], ['2026-01,2026-01', '2019-12,2025-12', '2030-01,2030-02'];
	passes('all of it in parts', qr/^blocks checked: $last\|.*rows checked: $rows\|.*head: $head/,
		@part{'2019-12,2025-12', '2026-01,2026-01'});
	passes('a part with a digest', $clean, '--digest', text($log->digest(3)), $part{'2025-11,2025-12'});
	passes('an empty log', qr/^blocks checked: 0\|/, text(SealedLog->new->export));
	passes('an unknown column that is NULL', $clean, changed(sub { push @$_, '\N' for @{ $_[0] }; $_[0][0][-1] = 'later' }));
	passes('columns in another order', $clean, changed(sub { @$_ = reverse @$_ for @{ $_[0] } }));
	fails('an unknown column with a value', qr/line 40: column 'later'/, changed(sub { push @$_, '\N' for @{ $_[0] }; $_[0][0][-1] = 'later'; $_[0][39][-1] = 'x' }));
	fails('the same month twice', qr/has as well/, @part{'2025-11,2025-11', '2025-11,2025-12'});
	fails('the whole twice', qr/has as well/, text($log->export), text($log->export));
	fails('a gap between files', qr/block \d+ is in none of the exports/, @part{'2020-01,2020-01', '2026-01,2026-01'});
	run_cases('clean logs, and files that do not belong together');
}

# Each field of each line, in the same form and in others: the line is named.
{
	my %other = (audit_id => [5, -1], format => [2, 0], kind => ['row', 'block', 'months']);

	for my $line (grep { kind_of($_) ne 'row' || $_ % 3 == 0 } 1 .. $#lines)
	{
		for my $column (0 .. $#SealedLog::COLUMNS)
		{
			my $name = $SealedLog::COLUMNS[$column];
			my $was = $lines[$line][$column];
			my @values = ('', '7', @{ $other{$name} // [] });

			# of columns that are NULL here one value or another
			@values = $values[ ($line + $column) % 2 ] if $was eq '\N';
			push @values, '\N', '0', "$was ", "0$was", sha256_hex($name), $was =~ s/([0-9a-z])/$1 eq '1' ? '2' : '1'/er, $was =~ s/.$//r, uc $was
			  if $was ne '\N';
			for my $value (@values)
			{
				next if $value eq $was;
				fails("line " . ($line + 1) . ", $name \"$was\": \"$value\"", qr/\bline @{[$line + 1]}\b/,
					changed(sub { $_[0][$line][$column] = $value }));
			}
		}
	}
	for my $column (0 .. $#SealedLog::COLUMNS)
	{
		fails("header without $SealedLog::COLUMNS[$column]", qr/line 1: the header must/, changed(sub { $_[0][0][$column] = $_ }))
		  for 'x', '', $SealedLog::COLUMNS[ $column - 1 ];
	}
	run_cases('every field of every line');
}

# Each line gone, there twice, exchanged with the next. What can't be found is a row that is not
# sealed yet and the end of the chain; and the order of rows doesn't count.
{
	for my $line (0 .. $#lines)
	{
		my $kind = kind_of($line);
		my $next = $line < $#lines ? kind_of($line + 1) : 'none';
		my $without = changed(sub { splice @{ $_[0] }, $line, 1 });
		my $block = qr/\bblock $lines[$line][$at{block}]\b/;

		if (is_unsealed($line))
		{
			passes("without line $line, a row not sealed", qr/not sealed yet: 1\|/, $without);
		}
		elsif ($kind eq 'block' && $lines[$line][ $at{block} ] == $last)
		{
			passes('without the last block', qr/not sealed yet: 3\|/, $without);
			fails('without the last block, by the digest', qr/the digest is of $block, the last of the export is/, '--digest', $digest, $without);
		}
		else
		{
			fails("without line $line", $kind eq 'block' ? $block : qr/line [12]|block/, $without);
		}
		fails("line $line twice", $kind eq 'row' ? qr/audit_id \Q$lines[$line][$at{audit_id}]\E: .*twice/ : qr/line \d/,
			changed(sub { splice @{ $_[0] }, $line, 0, $_[0][$line] }));
		next if $next eq 'none';

		my $swapped = changed(sub { @{ $_[0] }[$line, $line + 1] = @{ $_[0] }[$line + 1, $line] });

		if ($next eq 'row' && $kind =~ /^(?:row|block)$/)
		{
			passes("lines $line and the next exchanged", $clean, $swapped);
		}
		else
		{
			fails("lines $line and the next exchanged", qr/line \d+/, $swapped);
		}
	}
	run_cases('every line removed, doubled, moved');
}

# The months of a file. To say too many can't be found where these have no rows and no blocks.
{
	for (['2025-12', '2026-01', '2026-01', '2026-01'], ['2025-12', '2026-01', '2025-12', '2025-12'],
		['2025-12', '2025-12', '2025-11', '2025-12'], ['2025-12', '2025-12', '2026-01', '2025-12'],
		['2026-01', '2026-01', '2025-12', '2026-01'], ['2025-12', '2025-12', undef, undef],
		['2025-12', '2026-01', undef, '2026-01'], [undef, undef, '2019-12', '2025-12'],
		[undef, undef, '2020-02', '2026-01'])
	{
		my @part = $log->lines(@$_[0, 1]);

		$part[1] = [@{ $part[1] }];
		@{ $part[1] }[ $at{month}, $at{snapshot} ] = map { $_ // '\N' } @$_[2, 3];
		fails('months ' . join(',', map { $_ // 'NULL' } @$_), qr/line|block|audit_id/, text(SealedLog::text_of(@part)));
	}
	for (['2025-12', '2026-01', '2025-12', '2026-03'], [undef, undef, '2019-12', '2026-01'], ['2019-12', '2026-01', undef, undef])
	{
		my @part = $log->lines(@$_[0, 1]);

		$part[1] = [@{ $part[1] }];
		@{ $part[1] }[ $at{month}, $at{snapshot} ] = map { $_ // '\N' } @$_[2, 3];
		passes('months ' . join(',', map { $_ // 'NULL' } @$_), $clean, text(SealedLog::text_of(@part)));
	}

	# rows and blocks of other months; blocks between those of the file's belong there
	my @december = $log->lines('2025-12', '2025-12');
	my @both = grep { $_->[0] ne 'row' } $log->lines('2025-11', '2025-12');
	my ($first) = map { $_->[ $at{block} ] } grep { $_->[0] eq 'block' } @both;

	fails('a row of another month', qr/audit_id $unsealed[0] .*its month, 2026-01, is none of the file's/,
		text(SealedLog::text_of(@december, grep { $_->[ $at{audit_id} ] eq $unsealed[0] } @lines)));
	fails('blocks before those of the months', qr/block $first .*the first in the file, but of 2025-11/,
		text(SealedLog::text_of(@december[0, 1], grep { $_->[0] ne 'months' && $_->[0] ne 'kind' } @both)));
	fails('blocks after those of the months', qr/block \d+ .*the last in the file, but of 2025-12/,
		text(SealedLog::text_of(($log->lines('2025-11', '2025-11'))[0, 1], grep { $_->[0] ne 'months' && $_->[0] ne 'kind' } @both)));
	run_cases('the months of a file');
}

# [K-08] [K-09] What an administrator could do who knows how: rewrite, to the end, or cut.
{
	my @changes = (
		['a column', sub { $_[0]{username} = 'z' }],
		['the time', sub { $_[0]{occurred_at} =~ s/T\d\d/T22/ }],
		['a number', sub { $_[0]{audit_id} = 55 }],
		['the company', sub { $_[0]{company_id} = '00112233-4455-6677-8899-aabbccddeefe' }]);

	# columns, the row's hash, and no more
	for my $change (@changes)
	{
		for my $n (0 .. $#{ $log->{rows} })
		{
			my %row = %{ $log->{rows}[$n] };

			next if grep { $_ eq $row{audit_id} } @unsealed;
			$change->[1]->(\%row);
			SealedLog::hash_row(\%row);
			local $log->{rows}[$n] = \%row;
			fails("$change->[0] of row $n, with its hash", qr/block \d+: (?:root|first_audit_id|last_audit_id) /, text($log->export));
		}
	}

	# another transaction, month or cluster: another block
	for my $move ([transaction_id => 110], [occurred_at => '2025-12-01T00:00:00.000000Z'], [system_id => $new])
	{
		my ($n) = grep { ($log->{rows}[$_]{username} // '') =~ /rg$/ } 0 .. $#{ $log->{rows} };
		my %row = (%{ $log->{rows}[$n] }, @$move);

		SealedLog::hash_row(\%row);
		local $log->{rows}[$n] = \%row;
		fails("another $move->[0]", qr/block \d+: row_count is|audit_id $row{audit_id}: .*put in later/, text($log->export));
	}

	# a row more
	for (['an old row', $old, 104, '2025-11-05T00:00:00', qr/block 3: row_count/],
		['where the cluster sealed no such month', $old, 111, '2025-11-05T00:00:00', qr/block 4: row_count|audit_id 99: .*put in later/],
		['in a month without blocks', $old, 104, '2025-06-05T00:00:00', qr/audit_id 99: transaction 104 was over when block 3 .*put in later/],
		['of a month that was removed', $old, 104, '2019-12-05T00:00:00', qr/audit_id 99: .* removed by block 9/])
	{
		my ($what, $system_id, $xid, $time, $answer) = @$_;
		local $log->{rows} = [@{ $log->{rows} }];

		row($log, $system_id, $xid, $time, audit_id => 99);
		fails("a row put in later, $what", $answer, text($log->export));

		# and a block to go with it, as no sealer would make it
		local $log->{blocks} = [@{ $log->{blocks} }];
		$log->add_rows_block($old, '200:200:', '2026-01-05T00:00:00.000000Z', substr($time, 0, 7), [$log->{rows}[-1]]);
		fails("the same with a block, $what", qr/block|audit_id/, text($log->export));
	}
	run_cases('hashes taken anew in part');

	for my $from (0 .. $last - 1)
	{
		my @blocks = map { { %$_ } } @{ $log->{blocks} };
		my $other = SealedLog->new;

		$blocks[$from]{sealed_at} =~ s/\d{6}Z/123456Z/;
		$other->{rows} = $log->{rows};
		$other->{blocks} = [@blocks[0 .. $from - 1]];
		$other->add_block(%{ $blocks[$from] });
		push @{ $other->{blocks} }, @blocks[$from + 1 .. $#blocks];
		fails('block ' . ($from + 1) . ' alone', qr/block @{[$from + 2]} .*previous_hash/, text($other->export))
		  if $from < $#blocks;

		# the blocks after it as well: only a digest shows it that is no older
		splice @{ $other->{blocks} }, $from + 1;
		for (@blocks[$from + 1 .. $#blocks])
		{
			delete $_->{previous_hash};
			$other->add_block(%$_);
		}
		passes('all blocks from ' . ($from + 1), $warned, text($other->export));
		fails('all blocks from ' . ($from + 1) . ', by the digest', qr/block $last .*: its block_hash is not that of the digest/,
			'--digest', $digest, text($other->export));
		passes('all blocks from ' . ($from + 1) . ', by an older digest', $warned, '--digest', text($log->digest($from)), text($other->export))
		  if $from;

		# the end cut off, with the rows that were written since
		next if !$from;
		$other->{blocks} = [@{ $log->{blocks} }[0 .. $from - 1]];
		$other->{rows} = [grep { $_->{in_block} && $_->{in_block} <= $from } @{ $log->{rows} }];
		passes('cut before block ' . ($from + 1), $clean, text($other->export)) if $from > 9;
		fails('cut before block ' . ($from + 1) . ', by the digest', qr/the digest is of block $last, the last/,
			'--digest', $digest, text($other->export));
	}

	my $other = make_log('somebody else');

	fails('months of two logs', qr/block 5 .*it differs from that of another export/,
		text($log->export('2025-11', '2025-11')), text($other->export('2025-12', '2025-12')));
	passes('all of it', $clean, text($other->export));
	passes('all of it, by an older digest', $clean, '--digest', text($log->digest(1)), text($other->export));
	fails('all of it, by a digest', qr/block $_ .*: its block_hash is not that of the digest/, '--digest', text($log->digest($_)), text($other->export))
	  for 2 .. $last;
	run_cases('hashes taken anew to the end');
}

# A log of blocks and rows given as they are, with right hashes: what the blocks say is wrong.
sub of_blocks
{
	my (@blocks) = @_;
	my $made = SealedLog->new;

	for (@blocks)
	{
		my ($kind, $system_id, $snapshot, $month, %more) = @$_;
		my $rows = delete $more{rows} // [];
		my $sealed_at = $more{sealed_at} // '2026-03-01T00:00:00.000000Z';
		my @made = map { row($made, $system_id, $_, "$month-05T00:00:00") } @$rows;

		if ($kind eq 'rows')
		{
			$made->add_rows_block($system_id, $snapshot, $sealed_at, $month, \@made, %more);
		}
		else
		{
			my @kept = splice @{ $made->{rows} }, 0, delete $more{keep} // 0;

			$made->purge($system_id, $month, $sealed_at, %more);
			push @{ $made->{rows} }, @kept;
		}
	}
	return text($made->export);
}

{
	my @one = ('rows', 7, '10:10:', '2026-01', rows => [3]);

	# what a snapshot sees
	passes('snapshots that grow', $clean, of_blocks([@one], ['rows', 7, '10:12:11', '2026-01', rows => [10], @$_]))
	  for [], [snapshot => '11:12:11'], [snapshot => '11:11:'], [snapshot => '1:20:11,12,19'];
	fails('a snapshot that grew less', $_->[1], of_blocks([@one], ['rows', 7, $_->[0], '2026-02', rows => [10]]))
	  for ['9:12:9', qr/block 2 .* does not see transaction 9, which that of block 1/], ['8:9:', qr/block 2 .*transaction 9,/],
	  ['1:1:', qr/block 2 .*transaction 9,/], ['5:12:5,7,9', qr/block 2 .*transaction 5,/];
	fails('no snapshot', qr/block 1 .*is no snapshot/, of_blocks(['rows', 7, $_, '2026-01', rows => [3]]))
	  for '10', '10:10', '10:10:10', '11:10:', '8:10:7', '8:10:9,8', '8:10:8,8', '8:10:8,', '8:10:,8', '8 :10:', '08:10:', '-1:10:', '1:18446744073709551616:', ':::', 'a:b:c';
	passes('the highest snapshot', $clean, of_blocks(['rows', 7, '18446744073709551615:18446744073709551615:', '2026-01', rows => ['18446744073709551614']]));
	passes('two clusters', $clean, of_blocks([@one], ['rows', -7, '2:2:', '2026-01', rows => [1]], ['rows', 7, '11:11:', '2026-01', rows => [10]]));

	# of a run one block each; rows in the right one
	fails('rows in a block too late', qr/audit_id \d+: transaction 8 was over when block 1 /, of_blocks([@one], ['rows', 7, '11:11:', '2026-02', rows => [8]]));
	fails('a second block of a run', qr/block \d: row_count/, of_blocks([@one], ['rows', 7, '10:10:', '2026-01', rows => [4]]));
	fails('another cluster than the row', qr/block 1: row_count/, of_blocks([@one, block_system_id => 8]));
	fails('another month than the row', qr/audit_id \d+: .*put in later|block 1: row_count/, of_blocks([@one, month => '2026-02']));

	# the sums
	fails("$_->[0] $_->[1]", $_->[2] // qr/block 1: $_->[0] is/, of_blocks([@one, @$_[0, 1]], ['rows', 7, '11:11:', '2026-01', rows => [10]]))
	  for [row_count => 2], [row_count => 0, qr/block 1 \(text 0\): row_count is 0/], [row_count => -1, qr/row_count is -1/], [first_audit_id => 1],
	  [last_audit_id => 5000], [first_audit_id => 5000, qr/first_audit_id is above/], [root => sha256_hex('x')];
	fails("$_->[0] $_->[1]", $_->[2], of_blocks([@one, @$_[0, 1]]))
	  for [block_format => 2, qr/format '2' is unknown/], [block_kind => 'row', qr/block_kind/], [block_kind => 'purge', qr/snapshot/],
	  [month => '2026-13', qr/month/], [block => 2, qr/block 1 is missing/], [block => 0, qr/no block 0/], [block => -1, qr/no block -1/],
	  [previous_hash => sha256_hex('x'), qr/previous_hash/], [map({ ($_ => undef, qr/$_: is NULL/) } 'snapshot')], [root => undef, qr/root: is NULL/];
	fails('previous_hash', $_->[1], of_blocks([@one], ['rows', 7, '11:11:', '2026-01', rows => [10], @{ $_->[0] }]))
	  for [[previous_hash => sha256_hex('x')], qr/block 2 .*previous_hash/], [[previous_hash => undef], qr/block 2 .*previous_hash/],
	  [[block => 3], qr/block 2 is missing/], [[block => 1], qr/it follows block 1/];

	# the clock
	passes('a clock that was set back', qr/^warning: block 2: sealed_at .*\|blocks checked: 2\|/,
		of_blocks([@one], ['rows', 7, '11:11:', '2026-01', rows => [10], sealed_at => '2026-02-28T23:59:59.999999Z']));

	# removals
	my @old = ('rows', 7, '10:10:', '2020-01', rows => [3, 4], sealed_at => '2020-02-01T00:00:00.000000Z');
	my @gone = ('purge', 7, undef, '2020-01', sealed_at => '2026-02-01T00:00:00.000000Z');

	passes('a month removed', qr/^blocks checked: 2\|.*rows checked: 0\|.*months removed: 1\|/, of_blocks([@old], [@gone]));
	passes('another number than the blocks', qr/^warning: block 2: it removed 1 rows of 2020-01, the blocks before cover 2\|/, of_blocks([@old], [@gone, row_count => 1]));
	fails('removed too early', qr/block 2 .*before six years were over/, of_blocks([@old], [@gone, sealed_at => '2026-01-31T23:59:59.999999Z']));
	fails('removed in days to come', qr/block 2 .*later than now/, of_blocks([@old], [@gone, sealed_at => '2126-02-01T00:00:00.000000Z']));
	fails('removed twice', qr/block 3 .*which block 2 removed/, of_blocks([@old], [@gone], [@gone]));
	fails('a block after the removal', qr/block 3 .*which block 2 removed/, of_blocks([@old], [@gone], ['rows', 7, '11:11:', '2020-01', rows => [10]]));
	fails('a row left', qr/audit_id \d+: the rows of its month, 2020-01, were removed by block 2/, of_blocks([@old], [@gone, keep => 1]));
	fails("a removal with $_->[0]", qr/$_->[0]/, of_blocks([@old], [@gone, @$_]))
	  for [snapshot => '1:1:'], [first_audit_id => 1], [last_audit_id => 1], [root => sha256_hex('x')], [row_count => -1];
	run_cases('blocks that say what is wrong, with right hashes');
}

# Every byte counts: those that are changed, put in or left out at random, always the same ones.
{
	my $text = SealedLog::text_of(@lines);

	srand(125);
	for (1 .. 1500)
	{
		my ($copy, $at, $byte) = ($text, int(rand(length $text)), pack 'C', int(rand(256)));
		my $was = substr($text, $at, 1);
		my $way = int(rand(3));

		substr($copy, $at, $way == 1 ? 0 : 1) = $way == 2 ? '' : $byte;
		next if $copy eq $text;
		fails("byte $at, " . unpack('H*', $was) . ', way ' . $way . ', ' . unpack('H*', $byte), qr/./, text($copy));
	}
	fails("cut after $_ bytes", qr/./, text(substr $text, 0, $_)) for map { int(rand(length $text)) } 1 .. 50;
	run_cases('bytes');
}

# What is no export, or not in its form.
{
	my $bad_value = sub
	{
		my ($column, $value, $kind) = @_;
		my ($line) = grep { kind_of($_) eq ($kind // 'row') } 0 .. $#lines;

		fails("$column \"$value\"", qr/line @{[$line + 1]}: $column: /, changed(sub { $_[0][$line][ $at{$column} ] = $value }));
	};

	$bad_value->(username => $_) for '\\', 'a\\', '\\q', '\\x41', '\\101', '\\.', '\\Nx', 'a\\N';
	for my $number ('', ' 1', '1 ', '+1', '01', '-0', '1e3', '1.0', '0x1', '1_0', "\xef\xbc\x91", '9223372036854775808', '-9223372036854775809', '9' x 5000, 'NaN')
	{
		$bad_value->($_ => $number) for qw(audit_id system_id);
		$bad_value->($_ => $number, 'block') for qw(block row_count first_audit_id);
	}
	$bad_value->(transaction_id => $_) for '-1', '18446744073709551616', '9' x 5000, '', 'x';
	for my $time ('', '2025-02-29T00:00:00.000000Z', '2025-13-01T00:00:00.000000Z', '2025-00-01T00:00:00.000000Z', '0000-01-01T00:00:00.000000Z',
		'2025-01-01T24:00:00.000000Z', '2025-01-01T00:60:00.000000Z', '2025-01-01T00:00:60.000000Z', '2025-01-01T00:00:00.000000', '2025-01-01 00:00:00.000000Z',
		'2025-01-01T00:00:00.000000+00', '2025-01-01T00:00:00.00000Z', 'infinity', '12025-01-01T00:00:00.000000Z')
	{
		$bad_value->($_ => $time) for qw(occurred_at transaction_at);
		$bad_value->(sealed_at => $time, 'block');
	}
	$bad_value->(company_id => $_) for '', '00112233445566778899aabbccddeeff', '{00112233-4455-6677-8899-aabbccddeeff}', '00112233-4455-6677-8899-AABBCCDDEEFF', '00112233-4455-6677-8899-aabbccddeefg';
	$bad_value->(root => $_, 'block') for '', 'x', '\\\\x' . sha256_hex('x'), uc sha256_hex('x'), sha256_hex('x') . '00';
	$bad_value->($_ => '\N') for qw(audit_id system_id transaction_id transaction_at occurred_at);
	fails("$_->[1]", $_->[0], text($_->[2])) for
	  [qr/line 1: the file is empty/, 'nothing', ''],
	  [qr/line 1: the line is cut off/, 'half a header', 'kind'],
	  [qr/line 1: the header must/, 'an empty line', "\n"],
	  [qr/line 1: the header must/, 'no header', SealedLog::text_of(@lines[1 .. $#lines])],
	  [qr/line 1: .*"months" is missing/, 'a header alone', SealedLog::text_of($lines[0])],
	  [qr/line 1: .*control character/, 'CRLF', SealedLog::text_of(@lines) =~ s/\n/\r\n/gr],
	  [qr/line 1: .*UTF-8/, 'a picture', "\xff\xd8\xff\n"],
	  [qr/line 1: /, 'gzip', "\x1f\x8b\x08\0\0\n"],
	  [qr/line 1: the header must/, 'JSON', "{}\n"],
	  [qr/line 3: 1 columns/, 'an empty line within', SealedLog::text_of(@lines[0, 1], [''], @lines[2 .. $#lines])],
	  [qr/line 47: 2 columns/, 'the end of COPY in a file of old', SealedLog::text_of(@lines, ['\\.', ''])],
	  [qr/line 2: \d+ columns/, 'a column less', SealedLog::text_of($lines[0], [@{ $lines[1] }[1 .. 40]])],
	  [qr/line 3: kind 'blocks'/, 'an unknown kind', SealedLog::text_of(@lines[0, 1], ['blocks', @{ $lines[2] }[1 .. $#{ $lines[2] }]])],
	  [qr/audit_id 99 .*row_hash/, 'a NULL row_hash', SealedLog::text_of(@lines, [map { $_ eq 'audit_id' ? 99 : $_ eq 'row_hash' ? '\N' : $lines[-1][ $at{$_} ] } @SealedLog::COLUMNS])];

	# large, but right
	my $large = SealedLog->new;

	row($large, $old, 3, '2026-01-01T00:00:00', old_values => '{"a": "' . ("\\\t\xc3\xa4" x 1_000_000) . '"}');
	passes('a large value', qr/rows checked: 1\|/, text($large->export));
	run_cases('what is no export');
}

# Digests.
{
	my $hash = $log->{blocks}[2]{block_hash};
	my $of = sub { text(sprintf '{"format": %s, "block": %s, "block_hash": %s}', @_) };

	passes('no more than is needed', qr/digests met: 1/, '--digest', $of->(1, 3, "\"$hash\""), text($log->export));
	fails('of another block', qr/block 2 .* not that of the digest/, '--digest', $of->(1, 2, "\"$hash\""), text($log->export));
	fails('of a block to come', qr/digest is of block 15, the last of the export is 14: it is older/, '--digest', $of->(1, 15, "\"$hash\""), text($log->export));
	fails('before the months', qr/digest is of block 3, the first of the export is/, '--digest', $of->(1, 3, "\"$hash\""), text($log->export('2026-01', '2026-01')));
	fails('after the months', qr/digest is of block 14, the last of the export is 6/, '--digest', $digest, text($log->export('2025-11', '2025-11')));
	fails('of an empty log', qr/the export has no block/, '--digest', $digest, text(SealedLog->new->export));
	fails("no digest: $_->[0]", $_->[1], '--digest', text($_->[0]), text($log->export)) for
	  ['', qr/empty/], [' ', qr/empty/], ['[]', qr/no digest/], ['1', qr/no digest/], ['{', qr/no digest/], ['null', qr/no digest/], ['{}', qr/format/],
	  ["\xff", qr/no digest/], ['[' x 100_000, qr/no digest/], ['{"format": 1}', qr/names no block/];
	fails("no digest: @$_", qr/: no digest of/, '--digest', $of->(@$_), text($log->export)) for
	  [2, 3, "\"$hash\""], ['true', 3, "\"$hash\""], [1, 'true', "\"$hash\""], [1, '"3"', "\"$hash\""], [1, 0, "\"$hash\""], [1, '3.0', "\"$hash\""], [1, 'null', 'null'],
	  [1, 3, 'null'], [1, 3, '"' . uc($hash) . '"'], [1, 3, "\"\\\\x$hash\""], [1, 3, '"\ud800"'], [1, 3, 3];
	run_cases('digests');
}

# Usage, and files that can't be read.
{
	my $broken = write_file("x\n");
	my $once = qr/standard input can be read once/;

	for (
		['no argument', [], 2, qr/^$/, qr/^usage: /],
		['an option alone', ['--digest'], 2, qr/^$/, qr/^usage: /],
		['an unknown option', ['--nothing', $whole], 2, qr/^$/, qr/^usage: /],
		['standard input twice', ['-', '-'], 2, qr/^$/, $once],
		['standard input as a digest, too', ['--digest=-', '-'], 2, qr/^$/, $once],
		['no such file', ["$dir/none"], 2, qr/^$/, qr/^bestauth-verify: .*No such file/],
		['no such digest', ['--digest', "$dir/none", $whole], 2, qr/^$/, qr/^bestauth-verify: .*No such file/],
		['a folder', [$dir], 2, qr/^$/, qr/^bestauth-verify: .*directory/i],
		['an empty input', ['-'], 1, qr/^bad: standard input, line 1: the file is empty\n$/, qr/^$/],
		['a bad file', [$broken], 1, qr/^bad: \Q$broken\E, line 1: the header must have a column "kind", once\n$/, qr/^$/],
		['--help', ['--help'], 0, qr/^usage: .*Exit status: 0 /s, qr/^$/])
	{
		my ($what, $arguments, $wanted, $says, $complains) = @$_;
		my ($out, $err, $status) = run_it('/dev/null', @$arguments);

		is($status, $wanted, "$what: the status");
		like($out, $says, "$what: what is said");
		like($err, $complains, "$what: what is complained of");
	}
}

done_testing();

