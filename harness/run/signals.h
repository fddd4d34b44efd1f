/* signals.h: stop after the current item.
 *
 * The first SIGINT, SIGTERM or SIGHUP only sets a flag; the second one ends the
 * process at once.  SIGPIPE and SIGXFSZ become errors of the call. */
#ifndef FOT_SIGNALS_H
#define FOT_SIGNALS_H

void fot_signals_install(void);
/* A mapped file that is cut short while in use ends the process with one line and exit code 5
 * instead of a crash; what a run has finished is in its journal. */
void fot_signals_install_bus(void);
/* The signal that asks to stop, 0 if none did. */
int fot_signals_pending(void);

#endif
