/*
 * options.c
 *	  Options from the command line and the environment.
 */
#include "options.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libpq-fe.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

#define MAX_PASSWORD 1024
#define MAX_BATCH 1000
/*
 * What a mailer that died had claimed is sent by nobody until its lease ends, and links in
 * it may hold for half an hour only.
 */
#define MAX_LEASE 600

#define BAD_OPTIONS 2

typedef struct OptionWithValue
{
	const char *name;
	size_t offset;
	const char *value;
	const char *help;
} OptionWithValue;

static const OptionWithValue valued[] = {
	{"dbname", offsetof(Options, dbname), "CONNINFO", "database to connect to"},
	{"smtp-url", offsetof(Options, smtp_url), "URL",
	 "smtp://HOST:PORT or smtps://HOST:PORT"},
	{"tls", offsetof(Options, tls), "MODE", "required (the default) or none"},
	{"ca-file", offsetof(Options, ca_file), "FILE",
	 "certificates to trust in PEM format"},
	{"smtp-user", offsetof(Options, smtp_user), "NAME", "user name for the SMTP server"},
	{"smtp-password-file", offsetof(Options, smtp_password_file), "FILE", "its password"},
	{"from", offsetof(Options, from), "ADDRESS",
	 "sender, as \"Name <user@example.org>\""},
	{"batch", offsetof(Options, batch_text), "NUMBER", "messages claimed at once (10)"},
	{"timeout", offsetof(Options, timeout_text), "SECONDS",
	 "of connecting and sending (30)"},
	{"poll-interval", offsetof(Options, poll_interval_text), "SECONDS",
	 "between looks (30)"},
};

#define VALUED ((int) (sizeof(valued) / sizeof(valued[0])))

static const struct option flags[] = {
	{"once", no_argument, NULL, 'o'},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
};

#define FLAGS ((int) (sizeof(flags) / sizeof(flags[0])))

static const char **
Place(Options *options, int i)
{
	return (const char **) ((char *) options + valued[i].offset);
}

static void
Help(void)
{
	int i;

	printf("bestauth-mailer sends the mail that bestauth has put down in its outbox.\n\n"
		   "Usage:\n  bestauth-mailer [OPTION]...\n\nOptions:\n");
	for (i = 0; i < VALUED; i++)
		printf("  --%s=%-*s %s\n", valued[i].name, 26 - (int) strlen(valued[i].name),
			   valued[i].value, valued[i].help);
	printf(
		"  --once                        send what is due, then exit\n"
		"  --verbose                     log more\n"
		"  --version                     show the version, then exit\n"
		"  --help                        show this help, then exit\n\n"
		"Each option can be given as a variable of the environment, --smtp-url as\n"
		"BESTAUTH_SMTP_URL; the password as BESTAUTH_SMTP_PASSWORD too. libpq's PG...\n"
		"variables count as well.\n");
}

/* --smtp-url is BESTAUTH_SMTP_URL. */
static const char *
FromEnvironment(const char *name)
{
	char variable[64];
	const char *value;
	char *p;

	snprintf(variable, sizeof(variable), "BESTAUTH_%s", name);
	for (p = variable; *p != '\0'; p++)
		*p = *p == '-' ? '_' : toupper((unsigned char) *p);
	value = getenv(variable);
	return value != NULL && *value != '\0' ? value : NULL;
}

static void
ReadEnvironment(Options *options)
{
	char *password = getenv("BESTAUTH_SMTP_PASSWORD");
	int i;

	for (i = 0; i < VALUED; i++)
		*Place(options, i) = FromEnvironment(valued[i].name);
	options->once = FromEnvironment("once") != NULL;
	options->verbose = FromEnvironment("verbose") != NULL;
	if (password != NULL && *password != '\0')
	{
		options->smtp_password = strdup(password);
		/* not to be read in /proc */
		explicit_bzero(password, strlen(password));
	}
}

static void
ReadArguments(Options *options, int argc, char **argv)
{
	struct option all[VALUED + FLAGS + 1];
	int i;
	int c;

	memset(all, 0, sizeof(all));
	for (i = 0; i < VALUED; i++)
	{
		all[i].name = valued[i].name;
		all[i].has_arg = required_argument;
		all[i].val = 1000 + i;
	}
	memcpy(all + VALUED, flags, sizeof(flags));
	/* getopt's own message shows the argument, in which a password may stand */
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", all, NULL)) != -1)
	{
		if (c >= 1000)
			*Place(options, c - 1000) = optarg;
		else if (c == 'o')
			options->once = true;
		else if (c == 'v')
			options->verbose = true;
		else if (c == 'h' || c == 'V')
		{
			if (c == 'h')
				Help();
			else
				printf("bestauth-mailer %s\n", BESTAUTH_VERSION);
			exit(EXIT_SUCCESS);
		}
		else
		{
			if (optopt >= 1000)
				LogError("--%s needs a value", valued[optopt - 1000].name);
			else
				LogError("unknown option: try \"bestauth-mailer --help\"");
			exit(BAD_OPTIONS);
		}
	}
	if (optind < argc)
	{
		LogError("unexpected argument: all options begin with --");
		exit(BAD_OPTIONS);
	}
}

static bool
ReadNumber(const char *name, const char *text, int otherwise, int maximum, int *number)
{
	char *end;
	long value;

	*number = otherwise;
	if (text == NULL)
		return true;
	errno = 0;
	value = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < 1 || value > maximum)
	{
		LogError("--%s must be a number from 1 to %d", name, maximum);
		return false;
	}
	*number = value;
	return true;
}

static bool
CheckNumbers(Options *options)
{
	if (!ReadNumber("batch", options->batch_text, 10, MAX_BATCH, &options->batch) ||
		!ReadNumber("timeout", options->timeout_text, 30, 3600, &options->timeout) ||
		!ReadNumber("poll-interval", options->poll_interval_text, 30, 86400,
					&options->poll_interval))
		return false;
	options->lease = options->batch * options->timeout + 60;
	if (options->lease > MAX_LEASE)
		options->lease = MAX_LEASE;
	/* long enough for one message */
	if (options->lease < options->timeout + 60)
		options->lease = options->timeout + 60;
	return true;
}

/* Is there an @ behind the first @ or /? Then a password stands there as it is. */
static bool
HasStrayAt(const char *uri)
{
	const char *rest = strstr(uri, "://") + 3;

	rest += strcspn(rest, "@/?");
	if (*rest == '@')
		rest++;
	return strchr(rest, '@') != NULL;
}

/*
 * libpq's own errors quote the string, in which a password may stand, and where it isn't
 * understood, nobody knows which part of it that is.
 */
static bool
CheckDatabase(const Options *options)
{
	const char *dbname = options->dbname;
	PQconninfoOption *parsed;
	PQconninfoOption *option;
	char *error = NULL;
	bool is_uri;
	bool right;

	if (dbname == NULL)
		return true;
	is_uri = strncmp(dbname, "postgres://", 11) == 0 ||
			 strncmp(dbname, "postgresql://", 13) == 0;
	/* a mere name, as libpq has it */
	if (!is_uri && strchr(dbname, '=') == NULL)
		return true;
	parsed = PQconninfoParse(dbname, &error);
	right = parsed != NULL && !(is_uri && HasStrayAt(dbname));
	for (option = parsed; option != NULL && option->keyword != NULL; option++)
	{
		if (option->val == NULL)
			continue;
		if (strcmp(option->keyword, "port") == 0 &&
			option->val[strspn(option->val, "0123456789,")] != '\0')
			right = false;
		explicit_bzero(option->val, strlen(option->val));
	}
	PQconninfoFree(parsed);
	if (error != NULL)
		explicit_bzero(error, strlen(error));
	PQfreemem(error);
	if (!right)
		LogError("--dbname is not a connection string");
	return right;
}

static bool
HasPart(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK && *text != '\0';

	curl_free(text);
	return has;
}

/* The URL, and what it says of TLS. Its text isn't shown: it may hold a password. */
static bool
CheckUrl(Options *options)
{
	CURLU *url = curl_url();
	char *scheme = NULL;
	bool smtps = false;
	bool right = false;

	if (options->smtp_url == NULL)
		LogError("--smtp-url is missing");
	else if (curl_url_set(url, CURLUPART_URL, options->smtp_url, 0) != CURLUE_OK ||
			 curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
			 (strcmp(scheme, "smtp") != 0 && strcmp(scheme, "smtps") != 0) ||
			 HasPart(url, CURLUPART_QUERY) || HasPart(url, CURLUPART_FRAGMENT))
		LogError("--smtp-url must be smtp://HOST:PORT or smtps://HOST:PORT");
	else if (HasPart(url, CURLUPART_USER) || HasPart(url, CURLUPART_PASSWORD))
		LogError("--smtp-url must not hold a user or a password");
	else if (options->tls != NULL && strcmp(options->tls, "required") != 0 &&
			 strcmp(options->tls, "none") != 0)
		LogError("--tls must be required or none");
	else
	{
		smtps = strcmp(scheme, "smtps") == 0;
		options->tls_required = options->tls == NULL || strcmp(options->tls, "none") != 0;
		right = options->tls_required || (!smtps && options->smtp_user == NULL);
		if (!right)
			LogError("--tls=none can't be combined with %s",
					 smtps ? "smtps://" : "--smtp-user");
	}
	curl_free(scheme);
	curl_url_cleanup(url);
	return right;
}

/* "Name <address>" or "address". */
static bool
ParseFrom(Options *options)
{
	const char *open = strrchr(options->from, '<');
	const char *end = options->from + strlen(options->from);
	const char *name_end;
	const char *at;
	const char *p;

	for (p = options->from; p < end; p++)
		if ((unsigned char) *p < ' ' || *p == 0x7f)
			return false;
	if (open == NULL)
		options->from_address = strdup(options->from);
	else
	{
		if (end[-1] != '>')
			return false;
		options->from_address = strndup(open + 1, end - open - 2);
		name_end = open;
		while (name_end > options->from && name_end[-1] == ' ')
			name_end--;
		if (name_end > options->from + 1 && *options->from == '"' && name_end[-1] == '"')
			options->from_name = strndup(options->from + 1, name_end - options->from - 2);
		else if (name_end > options->from)
			options->from_name = strndup(options->from, name_end - options->from);
	}
	at = strrchr(options->from_address, '@');
	if (at == NULL || at == options->from_address || at[1] == '\0' ||
		strpbrk(options->from_address, " <>,;:\"") != NULL)
		return false;
	options->from_domain = at + 1;
	return true;
}

/* The file's first line; false, which is logged, where there is none. */
static bool
ReadPassword(const char *path, char *buffer)
{
	struct stat status;
	ssize_t length;
	int file;

	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || fstat(file, &status) != 0)
	{
		LogError("could not open the password file: %s", strerror(errno));
		if (file >= 0)
			close(file);
		return false;
	}
	/* as libpq with a key: its group may read what is root's, as systemd's credentials are */
	if (!S_ISREG(status.st_mode) ||
		(status.st_mode &
		 (status.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO)))
	{
		LogError("password file must be a file that nobody else can read: chmod 600");
		close(file);
		return false;
	}
	length = read(file, buffer, MAX_PASSWORD + 1);
	close(file);
	if (length < 0 || length > MAX_PASSWORD)
	{
		LogError("could not read the password file: %s",
				 length < 0 ? strerror(errno) : "it is too long");
		return false;
	}
	buffer[length] = '\0';
	buffer[strcspn(buffer, "\r\n")] = '\0';
	/* perhaps somebody is just writing it */
	if (*buffer == '\0')
		LogError("password file is empty");
	return *buffer != '\0';
}

bool
OptionsReadPassword(Options *options)
{
	char buffer[MAX_PASSWORD + 1];
	char *password = NULL;

	if (options->smtp_password_file == NULL)
		return true;
	if (ReadPassword(options->smtp_password_file, buffer))
		password = strdup(buffer);
	explicit_bzero(buffer, sizeof(buffer));
	if (password == NULL)
		return false;
	if (options->smtp_password != NULL)
		explicit_bzero(options->smtp_password, strlen(options->smtp_password));
	free(options->smtp_password);
	options->smtp_password = password;
	return true;
}

static bool
CheckLogin(Options *options)
{
	if (options->smtp_user == NULL)
	{
		options->smtp_password_file = NULL;
		return true;
	}
	if (!OptionsReadPassword(options))
		return false;
	if (options->smtp_password == NULL || *options->smtp_password == '\0')
	{
		LogError("--smtp-user needs a password: see --smtp-password-file");
		return false;
	}
	return true;
}

static bool
CheckFiles(const Options *options)
{
	if (options->ca_file == NULL || access(options->ca_file, R_OK) == 0)
		return true;
	LogError("could not read \"%s\": %s", options->ca_file, strerror(errno));
	return false;
}

void
OptionsRead(Options *options, int argc, char **argv)
{
	bool right;

	memset(options, 0, sizeof(*options));
	ReadEnvironment(options);
	ReadArguments(options, argc, argv);
	LogVerbose(options->verbose);
	right = CheckNumbers(options) && CheckDatabase(options) && CheckUrl(options);
	if (right && options->from == NULL)
		LogError("--from is missing");
	else if (right && !ParseFrom(options))
		LogError("--from must be like \"Name <user@example.org>\"");
	else if (right && CheckLogin(options) && CheckFiles(options))
		return;
	exit(BAD_OPTIONS);
}
