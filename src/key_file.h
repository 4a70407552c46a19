/* key_file.h: private keys, in files of their own. */
#ifndef BESTAUTH_KEY_FILE_H
#define BESTAUTH_KEY_FILE_H

extern void BaKeyFileWrite(const char *name, const char *key);
extern char *BaKeyFileRead(const char *name);
extern void BaKeyFileRemoveAtCommit(const char *name);
extern void BaKeyFileInit(void);

#endif /* BESTAUTH_KEY_FILE_H */
