/*
 * master_data.h
 *	  Lists that a company keeps, and a parent copies down to its children. Each kind has
 *	  a table, named by its noun, and queries of its own.
 */
#ifndef BESTAUTH_MASTER_DATA_H
#define BESTAUTH_MASTER_DATA_H

#include "query.h"
#include "tuple.h"

typedef struct BaMasterData
{
	const char *noun; /* of the table, its audit rows and messages */
	const char *nouns;
	BaQuery find;
	BaQuery find_other;
	BaQuery insert;
	BaQuery update;
	BaQuery remove;
	BaQuery lock_sources;
	BaQuery copy;
	BaQuery list;
} BaMasterData;

#define BA_LATEST(text) \
	{ \
		.sql = text, .latest = true \
	}

/* How names are compared. */
#define BA_MASTER_DATA_KEY "lower(name COLLATE \"C\")"

/* Of $3; a detail that is null is none. */
#define BA_MASTER_DATA_DETAILS \
	"(SELECT coalesce(jsonb_object_agg(key, value) FILTER (WHERE jsonb_typeof(value) <> 'null'), '{}')" \
	" FROM jsonb_each($3) WHERE key <> 'name')"

/*
 * Copying makes rows in the order of companies and names, so that two who copy wait for
 * each other and don't deadlock. What is there already, by its name or its source, stays.
 */
#define BA_MASTER_DATA(one, many) \
	{ \
		.noun = one, .nouns = many, \
		.find = BA_LATEST("SELECT " one "_id, name FROM bestauth." one \
						  " WHERE company_id = $1 AND " BA_MASTER_DATA_KEY \
						  " = lower($2 COLLATE \"C\") FOR NO KEY UPDATE"), \
		.find_other = BA_LATEST("SELECT true FROM bestauth." one \
								" WHERE company_id = $1 AND " BA_MASTER_DATA_KEY \
								" = lower($2 COLLATE \"C\") AND " one "_id <> $3"), \
		.insert = BA_LATEST( \
			"INSERT INTO bestauth." one \
			" (company_id, name, details) VALUES ($1, $2, " BA_MASTER_DATA_DETAILS ")" \
			" ON CONFLICT DO NOTHING RETURNING " one "_id"), \
		.update = BA_LATEST( \
			"UPDATE bestauth." one " SET name = coalesce($2, name), details = (details" \
			" - ARRAY(SELECT key FROM jsonb_each($3) WHERE jsonb_typeof(value) = 'null'))" \
			" || " BA_MASTER_DATA_DETAILS " WHERE " one "_id = $1"), \
		.remove = BA_LATEST("DELETE FROM bestauth." one " WHERE " one "_id = $1"), \
		.lock_sources = BA_LATEST( \
			"SELECT " one "_id, name FROM bestauth." one \
			" WHERE company_id = $1 AND " BA_MASTER_DATA_KEY \
			" = ANY (ARRAY(SELECT lower(n COLLATE \"C\") FROM unnest($2) AS n))" \
			" ORDER BY " one "_id FOR SHARE"), \
		.copy = BA_LATEST( \
			"WITH pair AS (SELECT c.company_id, c.code, s." one \
			"_id AS source_id, s.name, s.details" \
			" FROM bestauth.company c CROSS JOIN bestauth." one " s" \
			" WHERE c.company_id = ANY ($1) AND s." one "_id = ANY ($2))," \
			" made AS (INSERT INTO bestauth." one \
			" (company_id, name, details, copied_from)" \
			" SELECT company_id, name, details, source_id FROM pair" \
			" ORDER BY company_id, " BA_MASTER_DATA_KEY \
			" ON CONFLICT DO NOTHING RETURNING company_id, copied_from)" \
			" SELECT p.code, p.name, CASE WHEN m.company_id IS NULL THEN 'exists' ELSE 'copied' END" \
			" FROM pair p LEFT JOIN made m ON m.company_id = p.company_id AND m.copied_from = p.source_id" \
			" ORDER BY lower(p.code COLLATE \"C\"), lower(p.name COLLATE \"C\")"), \
		.list = { \
			.sql = \
				"SELECT " one "_id, name, details, " BA_MASTER_DATA_KEY \
				" FROM bestauth." one " WHERE company_id = $1" \
				" AND ($2 IS NULL OR " BA_MASTER_DATA_KEY " > lower($2 COLLATE \"C\"))" \
				" ORDER BY " BA_MASTER_DATA_KEY " LIMIT $3", \
		}, \
	}

extern Datum BaMasterDataCreate(FunctionCallInfo fcinfo, BaMasterData *kind);
extern Datum BaMasterDataUpdate(FunctionCallInfo fcinfo, BaMasterData *kind);
extern Datum BaMasterDataDelete(FunctionCallInfo fcinfo, BaMasterData *kind);
extern Datum BaMasterDataCopy(FunctionCallInfo fcinfo, BaMasterData *kind);
extern Datum BaMasterDataList(FunctionCallInfo fcinfo, BaMasterData *kind);
extern void BaMasterDataRule(BaRowEvent *event, bool restoring);

#endif /* BESTAUTH_MASTER_DATA_H */
