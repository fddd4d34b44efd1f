/* signals.c: see signals.h. The handlers call nothing that a handler may not. */
#include "harness/run/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/list.h"

/* Handlers write it and workers read it, each in a thread of its own. */
static atomic_int pending;
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a handler may not wait for a lock");

static void on_stop(int signal_number)
{
	int none = 0;

	if (!atomic_compare_exchange_strong(&pending, &none, signal_number))
		_exit(128 + signal_number);
}

void fot_signals_install(void)
{
	static const int stop[] = { SIGINT, SIGTERM, SIGHUP }, ignore[] = { SIGPIPE, SIGXFSZ };
	struct sigaction action, before;

	memset(&action, 0, sizeof action);
	sigemptyset(&action.sa_mask);
	action.sa_handler = on_stop;
	action.sa_flags = SA_RESTART;
	for (size_t i = 0; i < FOT_COUNT(stop); i++) {
		/* nohup ignores SIGHUP on purpose. (A script's & ignores SIGINT, but not on purpose.) */
		if (stop[i] == SIGHUP && sigaction(SIGHUP, NULL, &before) == 0 &&
		    before.sa_handler == SIG_IGN)
			continue;
		sigaction(stop[i], &action, NULL);
	}
	action.sa_handler = SIG_IGN;
	for (size_t i = 0; i < FOT_COUNT(ignore); i++)
		sigaction(ignore[i], &action, NULL);
}

/* Decimal digits of n at the end of buf. */
static const char *digits(char buf[24], size_t n)
{
	char *p = buf + 23;

	*p = '\0';
	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	return p;
}

/* A page of a mapped file that is not there any more. */
static void on_bus(int signal_number, siginfo_t *info, void *context)
{
	char at[24], all[24], line[4096] = "error: ";
	size_t offset = 0, size = 0, used = strlen(line);
	const char *path = fot_map_at(info->si_addr, &offset, &size);
	const char *const parts[] = {
		path,
		": offset ",
		digits(at, offset),
		" of ",
		digits(all, size),
		": cannot be read: the file was cut short while in use, or its disk failed\n"
	};

	(void)context;
	if (!path) { /* not ours: let it end the process */
		signal(signal_number, SIG_DFL);
		return;
	}
	for (size_t i = 0; i < FOT_COUNT(parts); i++)
		for (const char *p = parts[i]; *p && used < sizeof line; p++)
			line[used++] = *p;
	if (write(STDERR_FILENO, line, used) < 0)
		_exit(FOT_ERR_RUN);
	_exit(FOT_ERR_INPUT);
}

void fot_signals_install_bus(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	sigemptyset(&action.sa_mask);
	action.sa_sigaction = on_bus;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGBUS, &action, NULL);
}

int fot_signals_pending(void)
{
	return atomic_load(&pending);
}
