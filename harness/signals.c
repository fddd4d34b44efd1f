/* signals.c: see signals.h. The handler calls nothing but _exit. */
#include "harness/signals.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t pending;

static void on_stop(int signal_number)
{
	if (pending)
		_exit(128 + signal_number);
	pending = signal_number;
}

void fot_signals_install(void)
{
	static const int stop[] = { SIGINT, SIGTERM, SIGHUP }, ignore[] = { SIGPIPE, SIGXFSZ };
	struct sigaction action;

	memset(&action, 0, sizeof action);
	sigemptyset(&action.sa_mask);
	action.sa_handler = on_stop;
	action.sa_flags = SA_RESTART;
	for (size_t i = 0; i < sizeof stop / sizeof stop[0]; i++)
		sigaction(stop[i], &action, NULL);
	action.sa_handler = SIG_IGN;
	for (size_t i = 0; i < sizeof ignore / sizeof ignore[0]; i++)
		sigaction(ignore[i], &action, NULL);
}

int fot_signals_pending(void)
{
	return pending;
}
