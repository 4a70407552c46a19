/* settings.h: the bestauth.* settings. */
#ifndef BESTAUTH_SETTINGS_H
#define BESTAUTH_SETTINGS_H

extern char *BaBaseUrl;
extern int BaChallengeLifetime;
extern int BaEmergencyDuration;
extern int BaHashCost;
extern int BaHashSlots;   /* 0: by the processors */
extern int BaHashTimeout; /* milliseconds */
extern int BaInviteLifetime;
extern int BaLockoutDuration;
extern int BaLockoutThreshold;
extern int BaMailHourlyLimit;
extern int BaMailMaxAttempts;
extern int BaPasswordMinLength;
extern char *BaPepperFile;
extern int BaSealInterval;
extern int BaSessionAbsoluteLimit;
extern int BaSessionIdleLimit;
extern int BaSetupLinkLifetime;
extern int BaSsoAssertionLifetime;
extern char *BaSsoKeyDirectory;
extern int BaSsoSessionLimit;
extern int BaVerificationLifetime;
extern int BaWriterTimeout;

extern void BaSettingsInit(void);

#endif /* BESTAUTH_SETTINGS_H */
