/* ddl_record.h: DDL written down. */
#ifndef BESTAUTH_DDL_RECORD_H
#define BESTAUTH_DDL_RECORD_H

struct CollectedCommand;

/* The last is NULL where PostgreSQL collects none. */
extern void BaDdlRecord(const char *action, const char *type, const char *identity,
						const char *tag, const struct CollectedCommand *collected);
extern void BaDdlRecordMany(const char *tag, int objects,
							const struct CollectedCommand *one);

#endif /* BESTAUTH_DDL_RECORD_H */
