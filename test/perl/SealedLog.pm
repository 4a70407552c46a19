# A sealed audit log and its exports, made from docs/sealing.md without the database: what
# the outside verifier is tested with.
package SealedLog;

use strict;
use warnings;

use Digest::SHA qw(sha256);
use Exporter 'import';
use Time::Local qw(timegm);

our @EXPORT_OK = qw(merkle_root sees);

my @BLOCK = qw(block block_format block_kind month block_system_id snapshot row_count
  first_audit_id last_audit_id root sealed_at previous_hash block_hash);
# in the order of the table, which is not that of the tags
my @ROW = qw(audit_id occurred_at transaction_at transaction_id system_id format row_hash
  company_id company_code user_id username person_id person billing_service_id
  billing_service_code session_id emergency_id db_role client_addr peer_addr
  application_name action outcome object_type object_id old_values new_values detail);
my @ROW_TAGS = qw(system_id transaction_id transaction_at user_id username person_id person
  billing_service_id billing_service_code session_id emergency_id db_role client_addr
  peer_addr application_name action outcome object_type occurred_at company_id company_code
  audit_id object_id old_values new_values detail);
my @BLOCK_TAGS = qw(block block_kind month block_system_id snapshot row_count first_audit_id
  last_audit_id root sealed_at previous_hash);
my %ESCAPE = ("\\" => '\\\\', "\t" => '\t', "\n" => '\n', "\r" => '\r', "\b" => '\b',
	"\f" => '\f', "\x0b" => '\v');

our @COLUMNS = ('kind', @BLOCK, @ROW);

# Microseconds since 2000 of YYYY-MM-DDTHH:MM:SS.UUUUUUZ.
sub micros
{
	my ($year, $month, $day, $hour, $minute, $second, $part) = $_[0] =~ /(\d+)/g;

	return (timegm($second, $minute, $hour, $day, $month - 1, $year)
		- timegm(0, 0, 0, 1, 0, 2000)) * 1_000_000 + $part;
}

sub bytes_of
{
	my ($column, $value) = @_;

	return $value if $column eq 'month';
	return pack('q>', micros($value)) if $column =~ /_at$/;
	return pack('Q>', $value) if $column eq 'transaction_id';
	return pack('q>', $value) if $column =~ /^(?:(?:block_)?system_id|block|row_count|.*audit_id)$/;
	return pack('H*', $value) if $column =~ /^(?:root|previous_hash)$/;
	return pack('H*', $value =~ s/-//gr) if $column =~ /_id$/ && $column ne 'object_id';
	return $value;
}

sub hash_of
{
	my ($prefix, $columns, $of) = @_;
	my $text = $prefix . pack('n', 1);

	for my $n (0 .. $#$columns)
	{
		my $value = $of->{ $columns->[$n] };

		next unless defined $value;
		$value = bytes_of($columns->[$n], $value);
		$text .= pack('CN', $n + 1, length $value) . $value;
	}
	return sha256($text);
}

# RFC 6962, 2.1, by its own words: MTH(D[n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n])).
sub merkle_root
{
	my (@leaves) = @_;
	my $k = 1;

	return $leaves[0] if @leaves == 1;
	$k *= 2 while $k * 2 < @leaves;
	return sha256("\1" . merkle_root(@leaves[0 .. $k - 1]) . merkle_root(@leaves[$k .. $#leaves]));
}

sub sees
{
	my ($snapshot, $xid) = @_;
	my ($xmin, $xmax, $xip) = split /:/, $snapshot, 3;

	return 1 if $xid < $xmin;
	return $xid < $xmax && !grep { $_ == $xid } split /,/, $xip;
}

sub new
{
	my ($class) = @_;

	return bless { rows => [], blocks => [] }, $class;
}

sub hash_row
{
	my ($row) = @_;

	$row->{row_hash} = unpack 'H*', hash_of("\0", \@ROW_TAGS, $row);
	return;
}

sub add_row
{
	my ($self, %row) = @_;

	$row{format} //= 1;
	hash_row(\%row) unless defined $row{row_hash};
	push @{ $self->{rows} }, \%row;
	return $self->{rows}[-1];
}

# A block as given, with what its place in the chain makes of it.
sub add_block
{
	my ($self, %block) = @_;
	my $before = $self->{blocks}[-1];

	$block{block} //= ($before ? $before->{block} : 0) + 1;
	$block{block_format} //= 1;
	$block{previous_hash} = $before->{block_hash} if $before && !exists $block{previous_hash};
	$block{block_hash} = unpack 'H*', hash_of("\2", \@BLOCK_TAGS, \%block);
	push @{ $self->{blocks} }, \%block;
	return $self->{blocks}[-1];
}

# A block of these rows; %change goes into it before its hash is taken.
sub add_rows_block
{
	my ($self, $system_id, $snapshot, $sealed_at, $month, $rows, %change) = @_;
	my @sorted = sort { $a->{audit_id} <=> $b->{audit_id} || $a->{row_hash} cmp $b->{row_hash} } @$rows;

	return $self->add_block(
		block_kind => 'rows',
		month => $month,
		block_system_id => $system_id,
		snapshot => $snapshot,
		row_count => scalar @sorted,
		first_audit_id => $sorted[0]{audit_id},
		last_audit_id => $sorted[-1]{audit_id},
		root => unpack('H*', merkle_root(map { pack 'H*', $_->{row_hash} } @sorted)),
		sealed_at => $sealed_at,
		%change);
}

# What the sealer does; %change goes into each block before its hash is taken.
sub seal
{
	my ($self, $system_id, $snapshot, $sealed_at, %change) = @_;
	my %of;

	for my $row (@{ $self->{rows} })
	{
		next if $row->{in_block} || $row->{system_id} != $system_id;
		next unless sees($snapshot, $row->{transaction_id});
		push @{ $of{ substr $row->{occurred_at}, 0, 7 } }, $row;
	}
	for my $month (sort keys %of)
	{
		my $block = $self->add_rows_block($system_id, $snapshot, $sealed_at, $month, $of{$month}, %change);

		$_->{in_block} = $block->{block} for @{ $of{$month} };
	}
	return;
}

sub purge
{
	my ($self, $system_id, $month, $sealed_at, %change) = @_;
	my $before = @{ $self->{rows} };

	@{ $self->{rows} } = grep { substr($_->{occurred_at}, 0, 7) ne $month } @{ $self->{rows} };
	return $self->add_block(
		block_kind => 'purge',
		month => $month,
		block_system_id => $system_id,
		row_count => $before - @{ $self->{rows} },
		sealed_at => $sealed_at,
		%change);
}

sub field
{
	my ($value) = @_;

	return '\N' unless defined $value;
	return $value =~ s/([\\\t\n\r\x08\f\x0b])/$ESCAPE{$1}/gr;
}

# The lines of an export, each an array of fields as they stand in the file.
sub lines
{
	my ($self, $first, $last) = @_;
	my @blocks = @{ $self->{blocks} };
	my @rows = @{ $self->{rows} };

	if (defined $first)
	{
		my @own = grep { $_->{month} ge $first && $_->{month} le $last } @blocks;

		@blocks = @own ? grep { $_->{block} >= $own[0]{block} && $_->{block} <= $own[-1]{block} } @blocks : ();
		@rows = grep
		{
			my $month = substr $_->{occurred_at}, 0, 7;
			$month ge $first && $month le $last
		} @rows;
	}
	return ([@COLUMNS],
		map
		{
			my $line = $_;
			[map { field($line->{$_}) } @COLUMNS]
		} ({ kind => 'months', month => $first, snapshot => $last },
			(map { { kind => 'block', %$_ } } @blocks), (map { { kind => 'row', %$_ } } @rows)));
}

sub export
{
	my ($self, @months) = @_;

	return text_of($self->lines(@months));
}

sub text_of
{
	return join '', map { join("\t", @$_) . "\n" } @_;
}

sub digest
{
	my ($self, $block) = @_;
	my $of = $self->{blocks}[$block - 1];

	return qq({"format": 1, "instance": "a", "database": "b", "block": $block, )
	  . qq("block_hash": "$of->{block_hash}", "sealed_at": "c", "taken_at": "d"});
}

1;
