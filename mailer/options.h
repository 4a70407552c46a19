/* options.h: what the mailer is told to do. */
#ifndef MAILER_OPTIONS_H
#define MAILER_OPTIONS_H

#include <stdbool.h>

typedef struct Options
{
	const char *dbname;
	const char *smtp_url;
	const char *tls;
	const char *ca_file;
	const char *smtp_user;
	const char *smtp_password_file;
	const char *from;
	const char *batch_text;
	const char *timeout_text;
	const char *poll_interval_text;
	bool once;
	bool verbose;

	/* made of these */
	bool tls_required;
	char *smtp_password;
	char *from_name; /* NULL for none */
	char *from_address;
	const char *from_domain;
	int batch;
	int timeout;
	int poll_interval;
	int lease; /* seconds that a batch is claimed for */
} Options;

/* Ends the program where the options are not right. */
extern void OptionsRead(Options *options, int argc, char **argv);

/* The password file again; false, and the password of before, if there is none. */
extern bool OptionsReadPassword(Options *options);

#endif /* MAILER_OPTIONS_H */
