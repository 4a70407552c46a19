# What the tests of sealing share: checking a log inside and outside, its head, and who writes
# to it meanwhile.
package SealTest;

use strict;
use warnings;

use BestauthTest;
use Exporter 'import';
use FindBin;
use IPC::Run;
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(verdict head digest export_log outside is_sealed write_rows rows_without_block
  rows_by_block load_sealing seal);

my $program = "$FindBin::RealBin/../../verify/bestauth-verify";
my $count = 0;

# "ok", or what is bad: row, block and reason.
sub verdict
{
	my ($node, $database, $digest) = @_;
	my $argument = defined $digest ? "\$d\$$digest\$d\$" : 'NULL';

	return $node->safe_psql($database, <<END);
SELECT CASE WHEN ok THEN 'ok' ELSE concat_ws(' ', 'row ' || bad_audit_id, 'block ' || bad_block, reason) END
FROM bestauth.audit_verify($argument)
END
}

# Number and hash of the last block.
sub head
{
	my ($node, $database) = @_;

	return $node->safe_psql($database,
		"SELECT block || ' ' || encode(block_hash, 'hex') FROM bestauth.audit_block ORDER BY block DESC LIMIT 1");
}

sub digest
{
	my ($node, $database) = @_;

	return $node->safe_psql($database, 'SELECT bestauth.audit_digest()');
}

# The name of a file with the log, or with some months of it.
sub export_log
{
	my ($node, $database, $since, $until) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/export' . ++$count;
	my $period = join ', ', map { defined $_ ? "'$_'" : 'NULL' } $since, $until;
	my $done = IPC::Run::run([ 'psql', '-X', '-q', '-d', $node->connstr($database), '-c',
			"COPY (SELECT * FROM bestauth.audit_export($period)) TO STDOUT WITH (HEADER)" ], '<', \'', '>', $file);

	$done or die 'the export failed';
	return $file;
}

# What bestauth-verify says of files: its status, and its output. A digest is a text.
sub outside
{
	my ($files, @digests) = @_;
	my @arguments;
	my ($out, $err) = ('', '');

	for (@digests)
	{
		my $file = PostgreSQL::Test::Utils::tempdir() . '/digest' . ++$count;

		append_to_file($file, $_);
		push @arguments, '--digest', $file;
	}
	IPC::Run::run([ 'python3', $program, @arguments, @$files ], '<', \'', '>', \$out, '2>', \$err);
	return ($? >> 8, $out . $err);
}

# Clean inside and outside, and to the same head.
sub is_sealed
{
	my ($node, $database, $what, @digests) = @_;
	my ($number, $hash) = split / /, head($node, $database);
	my ($status, $output) = outside([ export_log($node, $database) ], @digests);

	is(verdict($node, $database, $_), 'ok', "$what: the log is clean") for @digests ? @digests : undef;
	is($status, 0, "$what: outside too") or note $output;
	like($output, qr/$number\b.*$hash/s, "$what: and comes to the same head");
	return;
}

# docs/sealing.md in SQL.
sub load_sealing
{
	my ($node, $database) = @_;

	$node->safe_psql($database, slurp_file("$FindBin::RealBin/../sealing.sql"));
	return;
}

# Some rows of the audit, in a transaction of their own.
sub write_rows
{
	my ($node, $database, $word, $count) = @_;

	$node->safe_psql($database, "INSERT INTO bestauth.blocked_password SELECT '$word' || i FROM generate_series(1, @{[ $count // 1 ]}) i");
	return;
}

# Of rows that no block covers.
my $without_block = <<'END';
FROM bestauth.audit_log a WHERE NOT EXISTS (SELECT FROM bestauth.audit_block b
	WHERE b.kind = 'rows' AND b.system_id = a.system_id AND b.month = date_trunc('month', a.occurred_at AT TIME ZONE 'UTC')
		AND pg_visible_in_snapshot(a.transaction_id, b.snapshot))
END

# By plain SQL: rows that no block covers. Each export leaves a row, which does not count, here
# and in what seal() says.
sub rows_without_block
{
	my ($node, $database) = @_;

	return $node->safe_psql($database, "SELECT count(*) $without_block AND a.object_id IS DISTINCT FROM 'audit_export'");
}

# A statement that seals.
sub seal
{
	return "SELECT bestauth.audit_seal() - (SELECT count(*) $without_block AND a.object_id = 'audit_export')";
}

1;
