/*
 * served_import.c
 *	  Checks what export_served_customers() made in another instance: it came by way of
 *	  people, and whatever is in it goes to pages and reports.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "args.h"
#include "bestauth.h"
#include "company.h"
#include "errors.h"
#include "instance.h"
#include "json.h"
#include "permission.h"
#include "served_import.h"
#include "username.h"

#define MAX_KEYS 100000     /* of an import, and as many customers */
#define MAX_TEXT (64 << 20) /* bytes of it as text */
#define MAX_SKEW 300        /* seconds that the clock of another instance may be ahead */

/* A place in it, for messages: customers[3].keys[0].username. */
typedef struct Place
{
	const struct Place *in; /* NULL: the whole */
	const char *member;     /* NULL: an element */
	int index;
} Place;

static char *
PlaceText(const Place *place)
{
	if (place->in == NULL)
		return pstrdup(place->member);
	return place->member ? psprintf("%s.%s", PlaceText(place->in), place->member) :
						   psprintf("%s[%d]", PlaceText(place->in), place->index);
}

pg_noreturn static void
Refuse(const Place *place, const char *fault)
{
	if (place == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"customers\" %s", fault), BaErrRule("TPB-8")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" of argument \"customers\" %s", PlaceText(place), fault),
			 BaErrRule("TPB-8")));
}

/* An object has the members that it must have: here, no others. */
static void
RequireMembers(JsonbContainer *object, const char *const *names, int count,
			   const Place *place)
{
	JsonbIterator *it;
	JsonbValue v;
	int i;

	for (i = 0; i < count; i++)
		if (getKeyJsonValueFromContainer(object, names[i], strlen(names[i]), &v) == NULL)
			Refuse(place, psprintf("has no member \"%s\"", names[i]));
	if (JsonContainerSize(object) == count)
		return;
	it = JsonbIteratorInit(object);
	(void) JsonbIteratorNext(&it, &v, true);
	while (JsonbIteratorNext(&it, &v, true) == WJB_KEY)
	{
		char *name =
			pnstrdup(v.val.string.val,
					 pg_mbcliplen(v.val.string.val, v.val.string.len, BA_MAX_CODE));

		for (i = 0; i < count && strcmp(names[i], name) != 0; i++)
			continue;
		BaTextClean(name);
		if (i == count)
			Refuse(place, psprintf("has a member \"%s\", which is not known", name));
		(void) JsonbIteratorNext(&it, &v, true);
	}
	Refuse(place, "has members that are not known");
}

static JsonbContainer *
TakeObject(const JsonbValue *v, const char *const *names, int count, const Place *place)
{
	if (v->type != jbvBinary || !JsonContainerIsObject(v->val.binary.data))
		Refuse(place, "must be an object");
	RequireMembers(v->val.binary.data, names, count, place);
	return v->val.binary.data;
}

static JsonbContainer *
TakeArray(JsonbContainer *object, const char *name, int most, const Place *place)
{
	JsonbValue v;

	getKeyJsonValueFromContainer(object, name, strlen(name), &v);
	if (v.type != jbvBinary || !JsonContainerIsArray(v.val.binary.data))
		Refuse(place, "must be an array");
	if (JsonContainerSize(v.val.binary.data) > most)
		Refuse(place, psprintf("has more than %d elements", most));
	return v.val.binary.data;
}

static char *
TakeString(const JsonbValue *v, int max_bytes, const Place *place)
{
	char *value;

	if (v->type != jbvString)
		Refuse(place, "must be a string");
	if (v->val.string.len == 0)
		Refuse(place, "must not be empty");
	if (v->val.string.len > max_bytes)
		Refuse(place, "is too long");
	value = pnstrdup(v->val.string.val, v->val.string.len);
	if (BaTextControl(value) != NULL)
		Refuse(place, "must not contain control characters");
	return value;
}

/* A member that the object has. */
static char *
TakeText(JsonbContainer *object, const char *name, int max_bytes, const Place *in)
{
	Place place = {.in = in, .member = name};
	JsonbValue v;

	getKeyJsonValueFromContainer(object, name, strlen(name), &v);
	return TakeString(&v, max_bytes, &place);
}

static bool
IsUsername(const char *value)
{
	return BaUsernameOrNull(value) != NULL;
}

/* An array of names of a kind. */
static void
CheckNames(JsonbContainer *object, const char *name, int max_bytes,
		   bool (*is_valid)(const char *), const Place *in)
{
	Place place = {.in = in, .member = name};
	JsonbContainer *array = TakeArray(object, name, BA_MAX_LIST, &place);
	int i;

	for (i = 0; i < JsonContainerSize(array); i++)
	{
		Place element = {.in = &place, .index = i};
		char *value =
			TakeString(getIthJsonbValueFromContainer(array, i), max_bytes, &element);

		if (!is_valid(value))
			Refuse(&element, "is not valid");
		pfree(value);
	}
}

static void
CheckKey(const JsonbValue *v, const Place *place)
{
	static const char *const names[] = {"username", "permissions", "persons"};
	JsonbContainer *key = TakeObject(v, names, lengthof(names), place);
	Place username = {.in = place, .member = "username"};
	JsonbValue persons;

	if (!IsUsername(TakeText(key, "username", BA_MAX_USERNAME, place)))
		Refuse(&username, "is not valid");
	CheckNames(key, "permissions", BA_MAX_CODE, BaPermissionNameIsValid, place);
	getKeyJsonValueFromContainer(key, "persons", strlen("persons"), &persons);
	if (persons.type != jbvNull)
		CheckNames(key, "persons", BA_MAX_USERNAME, IsUsername, place);
}

/* Adds its keys to those that were counted. */
static void
CheckCustomer(const JsonbValue *v, const Place *place, int *count)
{
	static const char *const names[] = {"company", "name", "keys"};
	JsonbContainer *customer = TakeObject(v, names, lengthof(names), place);
	Place company = {.in = place, .member = "company"};
	Place name = {.in = place, .member = "name"};
	Place keys = {.in = place, .member = "keys"};
	JsonbContainer *array;
	char *value;
	int i;

	if (!BaCompanyCodeIsValid(TakeText(customer, "company", BA_MAX_CODE, place)))
		Refuse(&company, "is not valid");
	value = TakeText(customer, "name", BA_MAX_NAME * MAX_MULTIBYTE_CHAR_LEN, place);
	if (pg_mbstrlen(value) > BA_MAX_NAME)
		Refuse(&name, "is too long");
	if (strcmp(BaTextTrim(pstrdup(value)), value) != 0)
		Refuse(&name, "must not begin or end with a space");
	array = TakeArray(customer, "keys", MAX_KEYS, &keys);
	*count += JsonContainerSize(array);
	if (*count > MAX_KEYS)
		Refuse(NULL, psprintf("has more than %d keys", MAX_KEYS));
	for (i = 0; i < JsonContainerSize(array); i++)
	{
		Place key = {.in = &keys, .index = i};

		CheckKey(getIthJsonbValueFromContainer(array, i), &key);
	}
}

/* As export_served_customers() writes it: 2026-11-22T14:23:00.123456Z. */
static bool
ParseTime(const char *text, TimestampTz *when)
{
	size_t length = strlen(text);

	return length > 0 && text[length - 1] == 'Z' &&
		   BaTextTime(pnstrdup(text, length - 1), when) && *when >= 0; /* from 2000 on */
}

static void
CheckCustomers(JsonbContainer *root, BaServedImport *told)
{
	Place place = {.in = NULL, .member = "customers"};
	JsonbContainer *array = TakeArray(root, "customers", MAX_KEYS, &place);
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "bestauth customer of an import",
							  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int i;

	for (i = 0; i < JsonContainerSize(array); i++)
	{
		Place customer = {.in = &place, .index = i};

		CHECK_FOR_INTERRUPTS();
		CheckCustomer(getIthJsonbValueFromContainer(array, i), &customer, &told->keys);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Of the service with this code; whatever is not as it should be is an error. */
void
BaServedImportTake(Jsonb *customers, const char *service, BaServedImport *told)
{
	static const char *const names[] = {"instance", "billing_service", "made_at",
										"customers"};
	Place instance = {.in = NULL, .member = "instance"};
	Place billing_service = {.in = NULL, .member = "billing_service"};
	Place made_at = {.in = NULL, .member = "made_at"};
	JsonbContainer *root = &customers->root;

	if (BaJsonTextSize(customers, MAX_TEXT) > MAX_TEXT)
		Refuse(NULL, "is too long");
	if (!JB_ROOT_IS_OBJECT(customers))
		Refuse(NULL, "must be an object");
	RequireMembers(root, names, lengthof(names), NULL);
	told->keys = 0;
	told->instance = TakeText(root, "instance", BA_MAX_CODE, NULL);
	if (!BaInstanceNameIsValid(told->instance))
		Refuse(&instance, "is not valid");
	if (BaTextSame(told->instance, BaInstanceName()))
		Refuse(&instance, "is this instance itself");
	if (!BaTextSame(TakeText(root, "billing_service", BA_MAX_CODE, NULL), service))
		Refuse(&billing_service, psprintf("is not \"%s\"", service));
	if (!ParseTime(TakeText(root, "made_at", BA_MAX_CODE, NULL), &told->made_at))
		Refuse(&made_at, "is not a time as export_served_customers() writes it");
	if (told->made_at > GetCurrentTimestamp() + MAX_SKEW * USECS_PER_SEC)
		Refuse(&made_at, "is in the future");
	CheckCustomers(root, told);
}

/* The whole has a fault. */
void
BaServedImportRefuse(const char *fault)
{
	Refuse(NULL, fault);
}
