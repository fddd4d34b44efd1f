/* harness/run/signals.h and base/file.h: mapped files that change behind their reader's back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/run/signals.h"
#include "tests/unit/scratch.h"

#define PAGES ((size_t)3 << 16)

static void write_pages(const char *name)
{
	char *bytes = fot_alloc(PAGES, 1);

	assert_non_null(bytes);
	memset(bytes, 'x', PAGES);
	scratch_write(name, bytes, PAGES);
	fot_free(bytes);
}

/* In a process of its own: map, cut the file, read behind the cut. */
static void read_what_is_gone(const char *path, const char *log)
{
	struct fot_map m;
	volatile unsigned char sum = 0;
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	dup2(fd, STDERR_FILENO);
	fot_signals_install_bus();
	if (fot_map_open(&m, path, NULL) != FOT_OK || truncate(path, 100) != 0)
		_exit(99);
	sum = (unsigned char)(sum + m.data[50]); /* still there */
	sum = (unsigned char)(sum + m.data[PAGES - 7]);
	_exit(98);
}

static void test_signals_cut_file_ends_with_a_message(void **state)
{
	struct fot_str path = FOT_STR_INIT, log = FOT_STR_INIT, text = FOT_STR_INIT;
	char expected[64];
	int status;
	pid_t pid;

	(void)state;
	write_pages("weights");
	fot_str_puts(&path, scratch_path("weights"));
	fot_str_puts(&log, scratch_path("log"));
	pid = fork();
	if (pid == 0)
		read_what_is_gone(path.data, log.data);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), FOT_ERR_INPUT);
	assert_int_equal(fot_file_read(&text, log.data, 4096, NULL), FOT_OK);
	snprintf(expected, sizeof expected, ": offset %zu of %zu: ", PAGES - 7, PAGES);
	assert_non_null(strstr(text.data, path.data));
	assert_non_null(strstr(text.data, expected));
	assert_non_null(strstr(text.data, "cut short while in use"));
	assert_int_equal(strncmp(text.data, "error: ", 7), 0);
	assert_ptr_equal(strchr(text.data, '\n'), text.data + text.len - 1);
	fot_str_release(&path);
	fot_str_release(&log);
	fot_str_release(&text);
}

static void test_signals_map_knows_its_files(void **state)
{
	struct fot_map a, b;
	const unsigned char *gone;
	size_t offset = 0, size = 0;
	int local = 0;

	(void)state;
	write_pages("a");
	write_pages("b");
	assert_int_equal(fot_map_open(&a, scratch_path("a"), NULL), FOT_OK);
	assert_int_equal(fot_map_open(&b, scratch_path("b"), NULL), FOT_OK);
	assert_string_equal(fot_map_at(b.data + 77, &offset, &size), scratch_path("b"));
	assert_int_equal(offset, 77);
	assert_int_equal(size, PAGES);
	assert_string_equal(fot_map_at(a.data + PAGES - 1, &offset, &size), scratch_path("a"));
	assert_null(fot_map_at(&local, &offset, &size));
	gone = a.data;
	fot_map_close(&a);
	assert_null(fot_map_at(gone, &offset, &size));
	fot_map_close(&b);
}

static void test_signals_changed_files_are_noticed(void **state)
{
	struct timespec times[2] = { { 1000, 5 }, { 1000, 5 } };
	struct fot_err err = { 0 };
	struct fot_map m;
	int fd;

	(void)state;
	write_pages("a");
	assert_int_equal(utimensat(AT_FDCWD, scratch_path("a"), times, 0), 0);
	assert_int_equal(fot_map_open(&m, scratch_path("a"), NULL), FOT_OK);
	assert_int_equal(fot_map_check_all(&err), FOT_OK);
	fd = open(scratch_path("a"), O_WRONLY);
	assert_int_equal(pwrite(fd, "y", 1, 10), 1);
	close(fd);
	assert_int_equal(fot_map_check_all(&err), FOT_ERR_INPUT);
	assert_non_null(strstr(err.text, "changed while in use: it was written to"));
	assert_int_equal(truncate(scratch_path("a"), 10), 0);
	assert_int_equal(fot_map_check_all(&err), FOT_ERR_INPUT);
	assert_non_null(strstr(err.text, "had 196608 bytes, now 10"));
	fot_map_close(&m);
	assert_int_equal(fot_map_check_all(&err), FOT_OK);
	/* replaced under its name: the mapping keeps the old file */
	assert_int_equal(fot_map_open(&m, scratch_path("a"), NULL), FOT_OK);
	assert_int_equal(fot_file_replace(scratch_path("a"), "other", 5, NULL), FOT_OK);
	assert_int_equal(fot_map_check_all(&err), FOT_OK);
	fot_map_close(&m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_signals_cut_file_ends_with_a_message),
		TEST(test_signals_map_knows_its_files),
		TEST(test_signals_changed_files_are_noticed),
	};

	return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
