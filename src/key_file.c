/*
 * key_file.c
 *	  Private keys, each in a file of the directory bestauth.sso_key_directory: out of reach
 *	  of SQL, of dumps, and of the audit.
 *
 * A file is there before the row that tells of it, and goes when the transaction comes to
 * nothing; one that is to go does so after the commit. What a crash, or PREPARE TRANSACTION,
 * leaves behind is a key that no row names, by which nothing is signed.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xact.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#include "compat.h"
#include "key_file.h"
#include "settings.h"

#define MAX_KEY 4096
#define SUFFIX ".jwk"

/* What becomes of a file at the end of the transaction. */
typedef struct Pending
{
	char *path;
	bool at_commit; /* removed at commit; else at abort */
	SubTransactionId level;
} Pending;

static List *pending = NIL;

static char *
PathOf(const char *name)
{
	if (BaSsoKeyDirectory == NULL || *BaSsoKeyDirectory == '\0')
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("there is no directory for private keys"),
			 errhint(
				 "Set bestauth.sso_key_directory to one that is the server's alone.")));
	if (strspn(name, "0123456789abcdef-") != strlen(name))
		elog(ERROR, "name of a key is not valid");
	return psprintf("%s/%s%s", BaSsoKeyDirectory, name, SUFFIX);
}

static void
Remember(const char *path, bool at_commit)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	Pending *item = palloc(sizeof(Pending));

	item->path = pstrdup(path);
	item->at_commit = at_commit;
	item->level = GetCurrentSubTransactionId();
	pending = lappend(pending, item);
	MemoryContextSwitchTo(old);
}

pg_noreturn static void RaiseFile(const char *what);

static void
RaiseFile(const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_CONFIG_FILE_ERROR),
					errmsg("could not %s a private key", what),
					errdetail_log("Directory \"%s\": %m", BaSsoKeyDirectory)));
}

/* Others on the machine must not read it, nor put another one in its place. */
static void
RequirePrivate(const char *path, mode_t open_to_others)
{
	struct stat st;

	if (stat(path, &st) != 0)
		RaiseFile("look for");
	if (st.st_mode & open_to_others)
		ereport(ERROR, (errcode(ERRCODE_CONFIG_FILE_ERROR),
						errmsg("file or directory of private keys is open to others"),
						errdetail_log("\"%s\"", path)));
}

void
BaKeyFileWrite(const char *name, const char *key)
{
	char *path = PathOf(name);
	size_t length = strlen(key);
	int file;

	RequirePrivate(BaSsoKeyDirectory, S_IRWXG | S_IRWXO);
	Remember(path, false);
	file = OpenTransientFilePerm(path, O_CREAT | O_EXCL | O_WRONLY | PG_BINARY,
								 S_IRUSR | S_IWUSR);
	if (file < 0)
		RaiseFile("write");
	if (write(file, key, length) != (ssize_t) length || pg_fsync(file) != 0)
		RaiseFile("write");
	if (CloseTransientFile(file) != 0)
		RaiseFile("write");
	fsync_fname(BaSsoKeyDirectory, true);
}

char *
BaKeyFileRead(const char *name)
{
	char *path = PathOf(name);
	char *key = palloc(MAX_KEY);
	int file = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	ssize_t length;

	if (file < 0)
		RaiseFile("read");
	RequirePrivate(BaSsoKeyDirectory, S_IRWXG | S_IRWXO);
	RequirePrivate(path, S_IRWXG | S_IRWXO);
	length = read(file, key, MAX_KEY - 1);
	if (length <= 0)
		RaiseFile("read");
	key[length] = '\0';
	(void) CloseTransientFile(file);
	return key;
}

void
BaKeyFileRemoveAtCommit(const char *name)
{
	Remember(PathOf(name), true);
}

/* -------------------------------------------------------------------- transactions */

/* No error can be raised any more: a file that stays is a key by which nothing is signed. */
static void
Settle(Pending *item, bool committed)
{
	if (item->at_commit == committed && unlink(item->path) != 0 && errno != ENOENT)
		ereport(LOG, (errcode_for_file_access(),
					  errmsg("could not remove private key \"%s\": %m", item->path)));
	pfree(item->path);
	pfree(item);
}

static void
AtEnd(XactEvent event, void *arg)
{
	ListCell *cell;
	bool over = event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT;

	if (pending == NIL || (!over && event != XACT_EVENT_PREPARE))
		return;
	foreach (cell, pending)
		if (over)
			Settle(lfirst(cell), event == XACT_EVENT_COMMIT);
	list_free(pending);
	pending = NIL;
}

static void
AtSubEnd(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	ListCell *cell;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	foreach (cell, pending)
	{
		Pending *item = lfirst(cell);

		if (item->level < mine)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			item->level = parent;
		else
		{
			Settle(item, false);
			pending = foreach_delete_current (pending, cell);
		}
	}
}

void
BaKeyFileInit(void)
{
	RegisterXactCallback(AtEnd, NULL);
	RegisterSubXactCallback(AtSubEnd, NULL);
}
