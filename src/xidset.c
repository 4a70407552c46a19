/*
 * xidset.c
 *	  Which transactions were over at some moment: the text of a pg_snapshot, taken
 *	  apart for many questions.
 */
#include "postgres.h"

#include "xidset.h"

/* A number, and what comes behind it. */
static bool
ReadNumber(const char **at, uint64 *number, char stop)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	*number = strtou64(*at, &end, 10);
	if (errno != 0 || (*end != stop && *end != '\0'))
		return false;
	*at = *end == '\0' ? end : end + 1;
	return true;
}

/* In the current memory context; false if the text is none. */
bool
BaXidSetParse(const char *text, BaXidSet *set)
{
	const char *at = text;
	const char *comma;
	int room = 1;

	for (comma = text; *comma; comma++)
		room += *comma == ',';
	set->running = palloc(sizeof(uint64) * room);
	set->count = 0;
	if (!ReadNumber(&at, &set->xmin, ':') || !ReadNumber(&at, &set->xmax, ':') ||
		set->xmin > set->xmax)
		return false;
	while (*at != '\0')
	{
		if (!ReadNumber(&at, &set->running[set->count], ','))
			return false;
		if (set->count > 0 && set->running[set->count] <= set->running[set->count - 1])
			return false;
		set->count++;
	}
	return true;
}

bool
BaXidSetHas(const BaXidSet *set, uint64 xid)
{
	int from = 0, upto = set->count;

	if (xid >= set->xmax)
		return false;
	while (from < upto)
	{
		int middle = (from + upto) / 2;

		if (set->running[middle] == xid)
			return false;
		if (set->running[middle] < xid)
			from = middle + 1;
		else
			upto = middle;
	}
	return true;
}
