/* clock.h: monotonic seconds for durations, UTC text for records. */
#ifndef FOT_CLOCK_H
#define FOT_CLOCK_H

double fot_clock(void);         /* CLOCK_MONOTONIC, seconds */
void fot_utc_now(char out[32]); /* 2026-01-31T12:34:56Z */
/* "1h02m", "3m05s", "12s": for ETA texts. */
void fot_duration_text(double seconds, char out[32]);

#endif
