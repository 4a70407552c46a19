/* canonical.h: the forms in which names and words are compared. */
#ifndef BESTAUTH_CANONICAL_H
#define BESTAUTH_CANONICAL_H

extern char *BaCanonicalFold(const char *value);
extern char *BaCanonicalPlain(const char *value);
extern char *BaCanonicalIdentifier(const char *value);

#endif /* BESTAUTH_CANONICAL_H */
