/* calls.c: a library for LD_PRELOAD that makes a system call fail, or stop, at a chosen place.
 *
 *   FAULT_CALL  write, fsync, rename or any of them ("any"); only regular files and folders
 *               count, so that what goes to a terminal or a pipe moves no number
 *   FAULT_AT    1 for the first call, 2 for the second, ...
 *   FAULT_HOW   an errno by number: the call fails with it; a write does half its work before;
 *               "kill": half the work, then SIGKILL, as when the power goes;
 *               "hold": FAULT_MARK is made, then the call waits until FAULT_GO exists;
 *               "short": from that call on every write is interrupted or takes 5 bytes
 *   FAULT_MARK  this file is made when the place is reached
 *   FAULT_CLOCK set: the wall clock runs backwards, an hour with every question */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

ssize_t write(int fd, const void *bytes, size_t n);
ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at);
ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at);

static atomic_long n_calls, n_clock, n_shorts;

static const char *setting(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

static void mark(void)
{
	int fd = open(setting("FAULT_MARK"), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd >= 0)
		close(fd);
}

static void hold(void)
{
	const struct timespec pause = { 0, 5000000 };

	for (int i = 0; i < 12000 && access(setting("FAULT_GO"), F_OK) != 0; i++)
		nanosleep(&pause, NULL);
}

static int counts(int fd)
{
	struct stat st;

	return fd < 0 || (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)));
}

/* Is it this call's turn? fd < 0: a call without one. */
static int reached(const char *call, int fd)
{
	const char *wanted = setting("FAULT_CALL");
	int saved = errno, turn = 0;

	if ((strcmp(wanted, call) == 0 || strcmp(wanted, "any") == 0) && counts(fd))
		turn = atomic_fetch_add(&n_calls, 1) + 1 == atol(setting("FAULT_AT"));
	if (turn)
		mark();
	errno = saved;
	return turn;
}

/* What is to happen; 0: the call goes on, -1: it has failed. */
static int happen(void)
{
	const char *how = setting("FAULT_HOW");

	if (strcmp(how, "kill") == 0)
		raise(SIGKILL);
	if (strcmp(how, "hold") == 0)
		hold();
	if (atoi(how) == 0)
		return 0;
	errno = atoi(how);
	return -1;
}

static int is_short(int fd)
{
	return strcmp(setting("FAULT_HOW"), "short") == 0 && counts(fd);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	const char *how = setting("FAULT_HOW");

	if (is_short(fd)) {
		mark();
		if (atomic_fetch_add(&n_shorts, 1) % 2 == 0) {
			errno = EINTR;
			return -1;
		}
		return syscall(SYS_write, fd, bytes, n < 5 ? n : 5);
	}
	if (reached("write", fd)) {
		if (strcmp(how, "hold") != 0 && n > 1)
			syscall(SYS_write, fd, bytes, n / 2);
		if (happen() != 0)
			return -1;
	}
	return syscall(SYS_write, fd, bytes, n);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	if (reached("write", fd) && happen() != 0)
		return -1;
	return syscall(SYS_pwrite64, fd, bytes, n, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
	return pwrite(fd, bytes, n, at);
}

int fsync(int fd)
{
	if (reached("fsync", fd) && happen() != 0)
		return -1;
	return (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
	if (reached("rename", -1) && happen() != 0)
		return -1;
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

time_t time(time_t *out)
{
	struct timespec t;
	time_t now;

	syscall(SYS_clock_gettime, CLOCK_REALTIME, &t);
	now = t.tv_sec;
	if (*setting("FAULT_CLOCK")) {
		now -= 3600 * (time_t)atomic_fetch_add(&n_clock, 1);
		mark();
	}
	if (out)
		*out = now;
	return now;
}
