/* signals.h: stop after the current item.
 *
 * The first SIGINT, SIGTERM or SIGHUP only sets a flag; the second one ends the
 * process at once.  SIGPIPE and SIGXFSZ become errors of the call. */
#ifndef FOT_SIGNALS_H
#define FOT_SIGNALS_H

void fot_signals_install(void);
/* The signal that asks to stop, 0 if none did. */
int fot_signals_pending(void);

#endif
