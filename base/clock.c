/* clock.c: durations come from the monotonic clock, records from UTC; the two
 * are never mixed, so a clock that jumps cannot make a duration negative. */
#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

double fot_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void fot_utc_now(char out[32])
{
	time_t now = time(NULL);
	struct tm utc;

	if (!gmtime_r(&now, &utc) || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		strcpy(out, "1970-01-01T00:00:00Z");
}

void fot_duration_text(double seconds, char out[32])
{
	long s;

	if (!isfinite(seconds) || seconds < 0 || seconds > 3.6e9) {
		strcpy(out, "?");
		return;
	}
	s = lround(seconds);
	if (s >= 3600)
		snprintf(out, 32, "%ldh%02ldm", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		snprintf(out, 32, "%ldm%02lds", s / 60, s % 60);
	else
		snprintf(out, 32, "%lds", s);
}
