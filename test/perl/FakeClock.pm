# A clock for servers that a test sets: it stands still, to the microsecond, until it is
# moved, or runs. Timeouts and waits go by the monotonic clock, which stays as it is.
#
# A library of our own, preloaded into the server and pg_ctl, and not libfaketime: on
# PostgreSQL 15 the postmaster starts background workers in a signal handler, in the
# middle of a call of libfaketime's, and they keep the real clock (0.9.10).
#
# While it stands, pg_sleep() and statement_timeout never end.
package FakeClock;

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Time::HiRes;
use Time::Local;

my $source = <<'END';
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Microseconds: the time if it stands, what is added to the real one if it runs. */
static volatile struct
{
	int64_t value;
	int64_t runs;
} *clock_page;

__attribute__((constructor)) static void
open_page(void)
{
	const char *path = getenv("FAKE_CLOCK");
	int fd = path == NULL ? -1 : open(path, O_RDONLY);
	void *page;

	if (fd < 0)
		return;
	page = mmap(NULL, sizeof(*clock_page), PROT_READ, MAP_SHARED, fd, 0);
	if (page != MAP_FAILED)
		clock_page = page;
	close(fd);
}

static int64_t
now(void)
{
	struct timespec real;

	if (clock_page != NULL && !clock_page->runs)
		return clock_page->value;
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &real);
	return (int64_t) real.tv_sec * 1000000 + real.tv_nsec / 1000 +
		   (clock_page == NULL ? 0 : clock_page->value);
}

int
clock_gettime(clockid_t id, struct timespec *result)
{
	int64_t t;

	if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE)
		return syscall(SYS_clock_gettime, id, result);
	t = now();
	result->tv_sec = t / 1000000;
	result->tv_nsec = t % 1000000 * 1000;
	return 0;
}

int
gettimeofday(struct timeval *restrict result, void *restrict zone)
{
	int64_t t = now();

	result->tv_sec = t / 1000000;
	result->tv_usec = t % 1000000;
	return 0;
}

time_t
time(time_t *result)
{
	time_t t = now() / 1000000;

	if (result != NULL)
		*result = t;
	return t;
}
END

# Microseconds of "2026-10-31 12:00:00" in UTC, or of "1:30:00.5".
sub moment
{
	my ($text) = @_;
	my ($year, $month, $day, $hour, $minute, $second) =
	  $text =~ /^(\d+)-(\d+)-(\d+) (\d+):(\d+):(\d+)$/ or die "\"$text\" is no moment";

	return 1_000_000 * timegm($second, $minute, $hour, $day, $month - 1, $year);
}

sub span
{
	my ($text) = @_;
	my ($sign, $hours, $minutes, $seconds, $fraction) =
	  $text =~ /^(-?)(?:(\d+):)?(\d+):(\d+)(?:\.(\d+))?$/ or die "\"$text\" is no span";
	my $span = ((($hours // 0) * 60 + $minutes) * 60 + $seconds) * 1_000_000;

	$span += substr(($fraction // '') . '000000', 0, 6);
	return $sign ? -$span : $span;
}

sub new
{
	my ($class, $start) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $self = bless { file => "$dir/clock", library => "$dir/clock.so" }, $class;

	append_to_file("$dir/clock.c", $source);
	system_or_bail('gcc', '-shared', '-fPIC', '-O1', '-w', '-o', $self->{library}, "$dir/clock.c");
	append_to_file($self->{file}, pack('q2', 0, 0));
	$self->set($start);
	return $self;
}

# What a server is to be started with.
sub environment
{
	my ($self) = @_;

	return (LD_PRELOAD => $self->{library}, FAKE_CLOCK => $self->{file});
}

sub write_page
{
	my ($self, @page) = @_;

	open my $file, '+<', $self->{file} or die "$self->{file}: $!";
	syswrite $file, pack('q2', @page);
	close $file;
	return;
}

sub set
{
	my ($self, $when) = @_;

	$self->{now} = $when =~ /^-?\d+$/ ? $when : moment($when);
	$self->write_page($self->{now}, 0);
	return $self->{now};
}

# To so long after a moment; returns the time that it is then.
sub after
{
	my ($self, $start, $span) = @_;

	return $self->set($start + span($span));
}

sub now
{
	my ($self) = @_;

	return $self->{now};
}

# From where it stands.
sub run
{
	my ($self) = @_;

	$self->write_page($self->{now} - int(1_000_000 * Time::HiRes::time()), 1);
	return;
}

1;
