/*
 * row_value.c
 *	  A column's value as jsonb: as to_jsonb() has it, but that no setting of the session
 *	  changes it, and that no value stands in the way of the statement that wrote it.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "compat.h"
#include "crypto.h"
#include "json.h"
#include "row_value.h"
#include "uuid.h"

#define HIDDEN "***"            /* for a value that is secret */
#define VALUE_MAX (1024 * 1024) /* bytes; of a larger one size and hash are kept */
#define TEXT_MAX (8 * 1024 * 1024)

/* ------------------------------------------------------------- what is prepared */

/* In a field or an element of it, at any depth. */
static bool
HasJson(Oid type)
{
	Oid base = getBaseType(type);
	Oid element = get_element_type(base);
	TupleDesc fields;
	bool found = false;
	int i;

	check_stack_depth();
	if (base == JSONOID || OidIsValid(element))
		return base == JSONOID || HasJson(element);
	if (!type_is_rowtype(base) || base == RECORDOID)
		return base == RECORDOID;
	fields = lookup_rowtype_tupdesc_copy(base, -1);
	for (i = 0; i < fields->natts && !found; i++)
		found = !TupleDescAttr(fields, i)->attisdropped &&
				HasJson(TupleDescAttr(fields, i)->atttypid);
	return found;
}

static BaValueKind
KindOf(Oid type)
{
	switch (type)
	{
		case BOOLOID:
			return BA_VALUE_BOOLEAN;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return BA_VALUE_INTEGER;
		case NUMERICOID:
			return BA_VALUE_NUMBER;
		case TEXTOID:
		case VARCHAROID:
			return BA_VALUE_WORDS;
		case UUIDOID:
			return BA_VALUE_UUID;
		case DATEOID:
		case TIMESTAMPTZOID:
			return BA_VALUE_MOMENT;
		case JSONBOID:
			return BA_VALUE_OBJECT;
		case JSONOID:
			return BA_VALUE_JSON;
		default:
			return HasJson(type) ? BA_VALUE_PRINTED : BA_VALUE_OTHER;
	}
}

/* to_jsonb() asks its call expression for the type of its argument. */
static void
PrepareToJsonb(BaValueColumn *column)
{
	List *args = list_make1(makeNullConst(column->type, -1, InvalidOid));

	fmgr_info(F_TO_JSONB, &column->function);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID, args, InvalidOid,
											 InvalidOid, COERCE_EXPLICIT_CALL),
					   &column->function);
}

void
BaValueOutputInit(FmgrInfo *function, Oid type)
{
	Oid output;
	bool varlena;

	getTypeOutputInfo(type, &output, &varlena);
	fmgr_info(output, function);
}

void
BaValueColumnInit(BaValueColumn *column, Form_pg_attribute att, int place)
{
	column->place = place;
	column->name = pstrdup(NameStr(att->attname));
	column->name_length = strlen(column->name);
	column->type = getBaseType(att->atttypid);
	column->length = att->attlen;
	column->by_value = att->attbyval;
	column->kind = KindOf(column->type);
	if (column->kind == BA_VALUE_OTHER || column->kind == BA_VALUE_JSON)
		PrepareToJsonb(column);
	if (column->kind == BA_VALUE_PRINTED)
		BaValueOutputInit(&column->function, column->type);
}

/* Do values of the type print alike whatever the settings are? */
bool
BaValuePrintsAlike(Oid type)
{
	switch (getBaseType(type))
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case UUIDOID:
			return true;
		default:
			return false;
	}
}

static void
Setting(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

/* Under which values of every type are the same for everybody; returns their level. */
int
BaValueSettings(void)
{
	int level = NewGUCNestLevel();

	Setting("search_path", "pg_catalog, pg_temp"); /* regclass and the like */
	Setting("quote_all_identifiers", "off");
	Setting("timezone", "UTC");
	Setting("datestyle", "ISO, YMD");
	Setting("intervalstyle", "postgres");
	Setting("extra_float_digits", "1");
	Setting("bytea_output", "hex");
	Setting("lc_monetary", "C");
	return level;
}

/* -------------------------------------------------------------------- values */

void
BaValueText(JsonbValue *v, char *text, int length)
{
	v->type = jbvString;
	v->val.string.val = text;
	v->val.string.len = length;
}

static void
SetInteger(JsonbValue *v, const BaValueColumn *column, Datum value)
{
	int64 number = column->type == INT2OID ? DatumGetInt16(value) :
				   column->type == INT4OID ? DatumGetInt32(value) :
											 DatumGetInt64(value);

	v->type = jbvNumeric;
	v->val.numeric = int64_to_numeric(number);
}

/* NaN and infinities are no numbers of JSON's. */
static void
SetNumber(JsonbValue *v, Datum value)
{
	Numeric number = DatumGetNumeric(value);

	if (numeric_is_nan(number) || numeric_is_inf(number))
	{
		char *text = DatumGetCString(DirectFunctionCall1(numeric_out, value));

		BaValueText(v, text, strlen(text));
		return;
	}
	v->type = jbvNumeric;
	v->val.numeric = number;
}

static void
SetMoment(JsonbValue *v, const BaValueColumn *column, Datum value)
{
	int utc = 0;
	char *text = palloc(MAXDATELEN + 1);

	(void) JsonEncodeDateTime(text, value, column->type, &utc);
	BaValueText(v, text, strlen(text));
}

/* Of a value that is too large to be kept twice: which one it was can be shown still. */
char *
BaValueDigest(Datum value)
{
	struct varlena *whole = PG_DETOAST_DATUM_PACKED(value);
	uint8 digest[BA_DIGEST_LENGTH];
	char hex[2 * BA_DIGEST_LENGTH + 1];

	BaSha256(VARDATA_ANY(whole), VARSIZE_ANY_EXHDR(whole), digest);
	hex_encode((char *) digest, BA_DIGEST_LENGTH, hex);
	hex[2 * BA_DIGEST_LENGTH] = '\0';
	return psprintf("%zu bytes, sha256 %s", (size_t) VARSIZE_ANY_EXHDR(whole), hex);
}

static void
SetDigest(JsonbValue *v, Datum value)
{
	char *text = BaValueDigest(value);

	BaValueText(v, text, strlen(text));
}

/*
 * A number of a few bytes may print as a hundred thousand digits, which the row's hash and
 * every export would have: what is more than the value itself is taken from the room as well.
 * Of a type of fixed length there is never so much.
 */
static bool
TakeText(const BaValueColumn *column, Datum value, int64 size, int64 *room)
{
	int64 more;

	if (column->length != -1)
		return true;
	more = size - (int64) toast_raw_datum_size(value);
	if (size > TEXT_MAX || more > *room)
		return false;
	*room -= Max(more, 0);
	return true;
}

static void
SetBinary(JsonbValue *v, const BaValueColumn *column, Datum value, Jsonb *jsonb,
		  int64 *room)
{
	if (!TakeText(column, value, BaJsonTextSize(jsonb, TEXT_MAX), room))
	{
		SetDigest(v, value);
		return;
	}
	if (JB_ROOT_IS_SCALAR(jsonb))
		(void) JsonbExtractScalar(&jsonb->root, v);
	else
	{
		v->type = jbvBinary;
		v->val.binary.data = &jsonb->root;
		v->val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
	}
}

static void
SetJson(JsonbValue *v, BaValueColumn *column, Datum value, int64 *room)
{
	char *words = TextDatumGetCString(value);

	if (BaJsonIsPlain(words))
		SetBinary(v, column, value,
				  DatumGetJsonbP(FunctionCall1(&column->function, value)), room);
	else
		BaValueText(v, words, strlen(words));
}

static void
SetPrinted(JsonbValue *v, BaValueColumn *column, Datum value, int64 *room)
{
	char *words = OutputFunctionCall(&column->function, value);
	int length = strlen(words);

	if (TakeText(column, value, length, room))
		BaValueText(v, words, length);
	else
		SetDigest(v, value);
}

static void
SetValue(JsonbValue *v, BaValueColumn *column, Datum value, int64 *room)
{
	text *words;

	switch (column->kind)
	{
		case BA_VALUE_BOOLEAN:
			v->type = jbvBool;
			v->val.boolean = DatumGetBool(value);
			break;
		case BA_VALUE_INTEGER:
			SetInteger(v, column, value);
			break;
		case BA_VALUE_NUMBER:
			SetNumber(v, value);
			break;
		case BA_VALUE_WORDS:
			words = DatumGetTextPP(value);
			BaValueText(v, VARDATA_ANY(words), VARSIZE_ANY_EXHDR(words));
			break;
		case BA_VALUE_UUID:
			BaValueText(v, BaUuidText(DatumGetUUIDP(value)), 36);
			break;
		case BA_VALUE_MOMENT:
			SetMoment(v, column, value);
			break;
		case BA_VALUE_OBJECT:
			SetBinary(v, column, value, DatumGetJsonbP(value), room);
			break;
		case BA_VALUE_JSON:
			SetJson(v, column, value, room);
			break;
		case BA_VALUE_PRINTED:
			SetPrinted(v, column, value, room);
			break;
		case BA_VALUE_OTHER:
			SetBinary(v, column, value,
					  DatumGetJsonbP(FunctionCall1(&column->function, value)), room);
			break;
	}
}

/* Is it small enough to be kept as it is? The room that is left is a row's. */
static bool
IsKept(const BaValueColumn *column, Datum value, int64 *room)
{
	Size size;

	if (column->length != -1)
		return true;
	size = toast_raw_datum_size(value);
	if (size > VALUE_MAX || size > *room)
		return false;
	*room -= size;
	return true;
}

/* Takes from the room that is left of the row's. */
void
BaValueSet(JsonbValue *v, BaValueColumn *column, Datum value, int64 *room)
{
	if (column->hidden)
		BaValueText(v, HIDDEN, strlen(HIDDEN));
	else if (IsKept(column, value, room))
		SetValue(v, column, value, room);
	else
		SetDigest(v, value);
}
