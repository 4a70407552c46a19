/*
 * compat.h
 *	  Every difference between PostgreSQL 15 and 18 that the source meets.
 */
#ifndef BESTAUTH_COMPAT_H
#define BESTAUTH_COMPAT_H

#include <openssl/opensslv.h>

#include "access/tupdesc.h"
#include "common/base64.h"
#include "common/jsonapi.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

/* 16: a subcommand that goes for the children as well is no type of its own any more. */
#if PG_VERSION_NUM >= 160000
#define BaAlterTableType(type) (type)
#else
#define BaAlterTableType(type) \
	((type) == AT_AddColumnRecurse      ? AT_AddColumn : \
	 (type) == AT_DropColumnRecurse     ? AT_DropColumn : \
	 (type) == AT_AddConstraintRecurse  ? AT_AddConstraint : \
	 (type) == AT_DropConstraintRecurse ? AT_DropConstraint : \
										  (type))
#endif

/* 16: access to variable-length values moved to a header of its own. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 16: the extra of a check hook must come from guc_malloc(). */
#if PG_VERSION_NUM >= 160000
#define BaGucMalloc(size) guc_malloc(LOG, (size))
#define BaGucFree(pointer) guc_free(pointer)
#else
#define BaGucMalloc(size) malloc(size)
#define BaGucFree(pointer) free(pointer)
#endif

/* 16: the list of variables comes with its length. */
#if PG_VERSION_NUM >= 160000
#define BaGucVariables(count) get_guc_variables(count)
#else
#define BaGucVariables(count) (*(count) = GetNumConfigOptions(), get_guc_variables())
#endif

/* 16: one function for objects of all kinds asks who owns them. */
#if PG_VERSION_NUM >= 160000
#define BaIsTableOwner(relation, role) \
	object_ownercheck(RelationRelationId, (relation), (role))
#else
#define BaIsTableOwner(relation, role) pg_class_ownercheck((relation), (role))
#endif

/* 16: only the indexes of a kind can be asked for. */
#if PG_VERSION_NUM >= 160000
#define BaInsertIndexTuples(result, slot, estate) \
	((void) ExecInsertIndexTuples((result), (slot), (estate), false, false, NULL, NIL, \
								  false))
#else
#define BaInsertIndexTuples(result, slot, estate) \
	((void) ExecInsertIndexTuples((result), (slot), (estate), false, false, NULL, NIL))
#endif

/* 17: a transaction can be limited in time as well. */
#if PG_VERSION_NUM >= 170000
#define BaSetNoTransactionTimeout() \
	SetConfigOption("transaction_timeout", "0", PGC_USERSET, PGC_S_OVERRIDE)
#else
#define BaSetNoTransactionTimeout() ((void) 0)
#endif

/* 17: a process is known by its number through GetNumberFromPGProc(). */
#if PG_VERSION_NUM >= 170000
#define BaProcNumber() ((int) GetNumberFromPGProc(MyProc))
#define BaProcLocalXid() (MyProc->vxid.lxid)
#else
#define BaProcNumber() (MyProc->pgprocno)
#define BaProcLocalXid() (MyProc->lxid)
#endif

/* 17: a stronger lock can be asked for as well. */
#if PG_VERSION_NUM >= 170000
#define BaLockHeldByMe(tag, mode) LockHeldByMe((tag), (mode), false)
#else
#define BaLockHeldByMe(tag, mode) LockHeldByMe((tag), (mode))
#endif

/*
 * 17: a btree scan with an array for any of its columns returns rows in order. Before, of
 * the first column alone, and the planner looks out for that in clauses as they stand
 * only, not in what a support function offers.
 */
#if PG_VERSION_NUM >= 170000
#define BaArrayKeepsOrder(column) true
#else
#define BaArrayKeepsOrder(column) ((column) == 0)
#endif

/* 17: the lexer of JSON is the caller's memory. */
static inline bool
BaJsonIsValid(const char *words)
{
#if PG_VERSION_NUM >= 170000
	JsonLexContext lex;

	makeJsonLexContextCstringLen(&lex, words, strlen(words), PG_UTF8, false);
	return pg_parse_json(&lex, &nullSemAction) == JSON_SUCCESS;
#else
	return pg_parse_json(makeJsonLexContextCstringLen(unconstify(char *, words),
													  strlen(words), PG_UTF8, false),
						 &nullSemAction) == JSON_SUCCESS;
#endif
}

/* 18: generated columns that are in no row. */
#if PG_VERSION_NUM >= 180000
#define BaAttributeIsVirtual(att) ((att)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
#else
#define BaAttributeIsVirtual(att) false
#endif

/* 18: pg_noreturn, in front of a declaration, for pg_attribute_noreturn() anywhere. */
#ifndef pg_noreturn
#define pg_noreturn pg_attribute_noreturn()
#endif

/* 18: base64 works on unsigned bytes. */
#if PG_VERSION_NUM >= 180000
typedef uint8 BaBase64Byte;
#else
typedef char BaBase64Byte;
#endif

/* OpenSSL 3: an algorithm that is not looked up beforehand is so each time. */
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
#define BaFindSha256() EVP_MD_fetch(NULL, "SHA256", NULL)
#else
#define BaFindSha256() EVP_sha256()
#endif

#endif /* BESTAUTH_COMPAT_H */
