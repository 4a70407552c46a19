/* sealer.h: the workers that seal, where the library is preloaded. */
#ifndef BESTAUTH_SEALER_H
#define BESTAUTH_SEALER_H

extern void BaSealerInit(void);

extern PGDLLEXPORT void bestauth_sealer_main(Datum arg);
extern PGDLLEXPORT void bestauth_sealer_launcher_main(Datum arg);

#endif /* BESTAUTH_SEALER_H */
