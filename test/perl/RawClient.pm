# A client that speaks the server's protocol itself: so it is known which messages, with
# which secrets in them, the server was sent, and nothing else comes in between. And a
# look into the memory of the process at the other end.
package RawClient;

use strict;
use warnings;
no warnings 'portable';

use IO::Socket::UNIX;
use PostgreSQL::Test::Utils;

# As a role that needs no password, through the node's socket.
sub connect_raw
{
	my ($class, $node, $database, $user) = @_;
	my $self = bless {}, $class;
	my $path = $node->host . '/.s.PGSQL.' . $node->port;

	$self->{socket} = IO::Socket::UNIX->new(Peer => $path) or die "could not connect to $path: $!";
	$self->put(pack('N', 196608) . join("\0", 'user', $user, 'database', $database, 'client_encoding', 'UTF8', '', ''));
	$self->answer;
	return $self;
}

sub put
{
	my ($self, $body, $type) = @_;

	print { $self->{socket} } ($type // '') . pack('N', length($body) + 4) . $body;
	$self->{socket}->flush;
	return;
}

sub get
{
	my ($self, $length) = @_;
	my $data = '';

	while (length($data) < $length)
	{
		sysread($self->{socket}, $data, $length - length($data), length($data))
		  or die 'the server has gone';
	}
	return $data;
}

# Everything up to "ready": the values of all rows, or ERROR and its SQLSTATE.
sub answer
{
	my ($self) = @_;
	my @values;

	while (1)
	{
		my ($type, $length) = unpack('aN', $self->get(5));
		my $body = $self->get($length - 4);

		if ($type eq 'D')
		{
			my $at = 2;

			for (1 .. unpack('n', $body))
			{
				my $size = unpack('l>', substr($body, $at, 4));

				push @values, $size < 0 ? undef : substr($body, $at + 4, $size);
				$at += 4 + ($size < 0 ? 0 : $size);
			}
		}
		push @values, "ERROR $1" if $type eq 'E' && $body =~ /\0C(\w{5})/;
		$self->{pid} = unpack('N', $body) if $type eq 'K';
		return @values if $type eq 'Z';
	}
}

# One statement with bound parameters, as a driver sends it.
sub call
{
	my ($self, $sql, @parameters) = @_;

	$self->put("\0$sql\0" . pack('n', 0), 'P');
	$self->put("\0\0" . pack('nn', 0, scalar @parameters)
		  . join('', map { defined $_ ? pack('N', length $_) . $_ : pack('N', 0xffffffff) } @parameters)
		  . pack('n', 0), 'B');
	$self->put("\0" . pack('N', 0), 'E');
	$self->put('', 'S');
	return $self->answer;
}

# One function, by its oid and without a statement, with arguments in binary form.
sub call_function
{
	my ($self, $oid, @arguments) = @_;

	$self->put(pack('Nnnn', $oid, 1, 1, scalar @arguments)
		  . join('', map { defined $_ ? pack('N', length $_) . $_ : pack('N', 0xffffffff) } @arguments)
		  . pack('n', 1), 'F');
	return $self->answer;
}

# How often each of the texts stands in what the process can write to; on its stack, where
# a signal leaves whatever was in the registers, counted apart as "... (stack)". Undef
# where the system does not let us look.
sub copies
{
	my ($self, %text) = @_;
	my %count = map { ($_ => 0, "$_ (stack)" => 0) } keys %text;
	my $longest = 0;

	for (values %text)
	{
		$longest = length if length > $longest;
	}
	open(my $maps, '<', "/proc/$self->{pid}/maps") or return;
	open(my $memory, '<:raw', "/proc/$self->{pid}/mem") or return;
	while (my $line = <$maps>)
	{
		my ($from, $to) = $line =~ /^([0-9a-f]+)-([0-9a-f]+) rw/ or next;
		my $where = $line =~ /\[stack\]/ ? ' (stack)' : '';
		my $rest = '';

		($from, $to) = (hex $from, hex $to);
		while ($from < $to)
		{
			my $size = $to - $from < 1 << 20 ? $to - $from : 1 << 20;
			my $data;

			sysseek($memory, $from, 0) or last;
			sysread($memory, $data, $size) or last;
			$from += length $data;
			$data = $rest . $data;
			for my $what (keys %text)
			{
				my $at = -1;

				while (($at = index($data, $text{$what}, $at + 1)) >= 0)
				{
					# not twice what stood in the rest of before
					$count{"$what$where"}++ if $at + length($text{$what}) > length $rest;
				}
			}
			$rest = length($data) < $longest ? $data : substr($data, 1 - $longest);
		}
	}
	return \%count;
}

1;
