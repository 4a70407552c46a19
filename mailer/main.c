/*
 * main.c
 *	  bestauth-mailer: sends the mail that bestauth has put down in its outbox.
 *
 * The order that everything rests on: make sure that the SMTP server is there; claim a
 * batch; for each message send it, then tell the database. What was claimed is kept in
 * mind until the database was told, over lost connections too, and nothing is claimed
 * before. So a message is sent twice only if the mailer dies between the server's yes
 * and the database's.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "database.h"
#include "log.h"
#include "message.h"
#include "options.h"
#include "smtp.h"

#define MAX_PAUSE 60
#define LAST_SECONDS 60 /* to tell the database what became of the messages, at the end */

static Options options;

/* The batch, and when its lease began. */
static Message *messages;
static int count;
static time_t claimed_at;

static bool batch_is_over; /* whatever is left of it */
static bool smtp_is_down;

/* The message that the server had heard nothing of. */
static char unreached[MESSAGE_ID_LENGTH + 1];

static time_t end_at; /* 0: not yet */
static bool something_failed;
static volatile sig_atomic_t stop_signal;
static volatile sig_atomic_t reload_signal;
static sigset_t signals;
static sigset_t no_signals;

static void
TakeSignal(int number)
{
	if (number == SIGHUP)
		reload_signal = 1;
	else
		stop_signal = 1;
}

/* Signals wait but for ppoll(), so that none comes between a look and a wait. */
static void
TakeSignals(void)
{
	struct sigaction action = {.sa_handler = TakeSignal};

	sigemptyset(&no_signals);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Waits for a signal, for the database if there is a connection, and for the time. */
static void
Wait(int seconds)
{
	struct pollfd fd = {.fd = DatabaseSocket(), .events = POLLIN};
	struct timespec limit = {.tv_sec = seconds};

	(void) ppoll(&fd, 1, &limit, &no_signals);
}

/* Of a clock that goes on while the computer sleeps. */
static time_t
Now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

/* From now on there is only so much time. */
static void
BeginEnd(void)
{
	if (end_at != 0)
		return;
	end_at = Now() + LAST_SECONDS;
	DatabaseHurry(LAST_SECONDS);
}

static bool
MustStop(void)
{
	struct timespec now = {0};

	/* lets in what waits */
	(void) ppoll(NULL, 0, &now, &no_signals);
	if (stop_signal != 0)
		BeginEnd();
	return stop_signal != 0;
}

/* Waits, each time longer: 1 s, 2 s, ... */
static void
Pause(int *seconds)
{
	time_t until;

	*seconds = *seconds == 0 ? 1 : 2 * *seconds;
	if (*seconds > MAX_PAUSE)
		*seconds = MAX_PAUSE;
	LogDetail("waiting %d s", *seconds);
	until = Now() + *seconds;
	while (!MustStop() && reload_signal == 0 && Now() < until)
	{
		/* mail that comes meanwhile is no reason to go on */
		(void) DatabaseNotified();
		Wait(until - Now());
	}
}

/* Is there time to send a message while nobody else can claim it? */
static bool
LeaseHolds(int seconds)
{
	return Now() + seconds < claimed_at + options.lease;
}

/* Tells the database what it doesn't know yet. True: it knows all. */
static bool
Settle(void)
{
	Message *message;

	for (message = messages; message < messages + count; message++)
	{
		/* by now it may be another's; that it was sent is true all the same */
		if (message->state != MESSAGE_SENT && message->state != MESSAGE_SETTLED &&
			!LeaseHolds(0))
			message->state = MESSAGE_SETTLED;
		if (!DatabaseSettle(message))
			return false;
	}
	count = 0;
	return true;
}

static void
SendOne(Message *message)
{
	const char *fault = MessageFault(message);
	SmtpOutcome outcome = SMTP_REJECTED;

	if (fault != NULL)
		snprintf(message->error, sizeof(message->error), "%s", fault);
	else
		outcome = SmtpSend(&options, message, message->error);
	/*
	 * The server was there a moment ago, the second time now: if it is the message that is
	 * at fault, it must not stand in the way of the others for ever.
	 */
	if (outcome == SMTP_UNREACHED && strcmp(unreached, message->id) == 0)
		outcome = SMTP_DEFERRED;
	else if (outcome == SMTP_UNREACHED)
		memcpy(unreached, message->id, sizeof(unreached));
	MessageWipe(message);
	something_failed |= outcome != SMTP_SENT;
	switch (outcome)
	{
		case SMTP_SENT:
			message->state = MESSAGE_SENT;
			LogEvent("sent %s (%s, attempt %d)", message->id, message->kind,
					 message->attempts);
			return;
		case SMTP_REJECTED:
			message->state = MESSAGE_REJECTED;
			LogError("rejected %s (%s, attempt %d): %s", message->id, message->kind,
					 message->attempts, message->error);
			return;
		case SMTP_UNREACHED:
			batch_is_over = smtp_is_down = true;
			message->state = MESSAGE_RETURNED;
			LogError("returned %s (%s, attempt %d): %s", message->id, message->kind,
					 message->attempts, message->error);
			return;
		case SMTP_LOST:
			/* the server is asked whether it is there, and the next batch begins */
			batch_is_over = true;
			/* fall through */
		case SMTP_DEFERRED:
			message->state = MESSAGE_DEFERRED;
			LogError("deferred %s (%s, attempt %d): %s", message->id, message->kind,
					 message->attempts, message->error);
			return;
	}
}

/* All of the batch; from when something is in the way, what is left is returned. */
static void
SendBatch(void)
{
	Message *message;

	batch_is_over = false;
	for (message = messages; message < messages + count; message++)
	{
		if (!batch_is_over && DatabaseIsOpen() && !MustStop() &&
			LeaseHolds(options.timeout))
		{
			SendOne(message);
			(void) DatabaseSettle(message);
			continue;
		}
		MessageWipe(message);
		message->state = MESSAGE_RETURNED;
		LogDetail("returned %s (%s, attempt %d)", message->id, message->kind,
				  message->attempts);
	}
}

static bool
SmtpIsThere(void)
{
	char error[ERROR_LENGTH];

	if (SmtpCheck(&options, error))
	{
		smtp_is_down = false;
		return true;
	}
	LogError("SMTP server can't be used: %s", error);
	smtp_is_down = true;
	return false;
}

/* Claims and sends until nothing is due. False: something is in the way. */
static bool
Drain(void)
{
	int claimed;

	while (!MustStop())
	{
		(void) DatabaseNotified();
		if (!DatabaseIsOpen() && !DatabaseOpen(&options))
			return false;
		if (!Settle() || !SmtpIsThere())
			return false;
		claimed_at = Now();
		claimed = DatabaseClaim(&options, messages);
		if (claimed <= 0)
			return claimed == 0;
		count = claimed;
		SendBatch();
		if (!Settle() || smtp_is_down)
			return false;
	}
	return true;
}

static void
Reload(void)
{
	if (reload_signal == 0)
		return;
	reload_signal = 0;
	if (options.smtp_password_file != NULL && OptionsReadPassword(&options))
		LogEvent("read the password file again");
}

/* The last chance to tell the database. */
static bool
SettleAtLast(void)
{
	struct timespec second = {.tv_sec = 1};
	Message *message;

	BeginEnd();
	while (!Settle())
	{
		if (Now() < end_at)
		{
			(void) nanosleep(&second, NULL);
			if (!DatabaseIsOpen())
				(void) DatabaseOpen(&options);
			continue;
		}
		for (message = messages; message < messages + count; message++)
			if (message->state == MESSAGE_SENT)
				LogError("could not confirm %s, which was sent: it will be sent again",
						 message->id);
		return false;
	}
	return true;
}

/* Texts and tokens are not to be found in a core file, nor by the user's other programs. */
static void
HideMemory(void)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
		return;
	LogError("could not turn core files off: %s", strerror(errno));
	exit(EXIT_FAILURE);
}

int
main(int argc, char **argv)
{
	int pause = 0;
	bool drained;
	bool settled;

	HideMemory();
	OptionsRead(&options, argc, argv);
	messages = calloc(options.batch, sizeof(Message));
	if (messages == NULL || !SmtpOpen())
		return EXIT_FAILURE;
	TakeSignals();
	LogEvent("started");
	for (;;)
	{
		Reload();
		drained = Drain();
		if (drained && DatabaseIsOpen())
			DatabaseSeal();
		if (MustStop() || options.once)
			break;
		if (!drained)
		{
			Pause(&pause);
			continue;
		}
		pause = 0;
		if (!DatabaseNotified() && DatabaseIsOpen())
			Wait(options.poll_interval);
	}
	settled = SettleAtLast();
	DatabaseClose();
	SmtpClose();
	LogEvent("stopped");
	if (!settled || (options.once && (!drained || something_failed)))
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
