/* base/log.h and base/clock.h: what reaches stderr and the log file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

static char shown_path[] = "/tmp/fot-shown-XXXXXX";
static struct fot_str shown;
static int saved_stderr;

/* stderr goes to a file until shown_text takes it back. */
static void capture(void)
{
	int fd = open(shown_path, O_WRONLY | O_TRUNC | O_APPEND);

	assert_true(fd >= 0);
	fflush(stderr);
	saved_stderr = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

static const char *shown_text(void)
{
	fflush(stderr);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	fot_str_clear(&shown);
	assert_int_equal(fot_file_read(&shown, shown_path, 1 << 20, NULL), FOT_OK);
	return shown.data;
}

static int make_shown(void **state)
{
	int fd = mkstemp(shown_path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_shown(void **state)
{
	(void)state;
	fot_str_release(&shown);
	return unlink(shown_path);
}

static void test_log_levels_and_prefixes(void **state)
{
	(void)state;
	capture();
	fot_log(FOT_LOG_ERROR, "%d is\nbad\033[31m", 7);
	fot_log(FOT_LOG_WARN, "hm\n\n");
	fot_log(FOT_LOG_INFO, "plain");
	fot_log(FOT_LOG_DEBUG, "hidden");
	fot_log_level(FOT_LOG_DEBUG);
	fot_log(FOT_LOG_DEBUG, "seen");
	fot_log_level(FOT_LOG_ERROR);
	fot_log(FOT_LOG_WARN, "hidden");
	fot_log_level(FOT_LOG_INFO);
	assert_string_equal(shown_text(), "error: 7 is?bad?[31m\nwarning: hm\nplain\ndebug: seen\n");
}

static void test_log_file_is_appended_to_even_when_quiet(void **state)
{
	char path[] = "/tmp/fot-log-XXXXXX";
	struct fot_str s = FOT_STR_INIT;
	int fd = mkstemp(path), year;
	char *second;

	(void)state;
	assert_int_equal(write(fd, "old\n", 4), 4);
	close(fd);
	fot_log_level(FOT_LOG_ERROR);
	capture();
	assert_int_equal(fot_log_open(path, NULL), FOT_OK);
	fot_log(FOT_LOG_WARN, "kept");
	fot_log(FOT_LOG_DEBUG, "not kept");
	fot_log_close();
	fot_log(FOT_LOG_WARN, "after the end");
	assert_string_equal(shown_text(), "");
	fot_log_level(FOT_LOG_INFO);
	assert_int_equal(fot_file_read(&s, path, 1000, NULL), FOT_OK);
	assert_memory_equal(s.data, "old\n20", 6);
	second = s.data + 4;
	assert_int_equal(sscanf(second, "%4d-", &year), 1);
	assert_string_equal(second + strlen("2026-01-31T12:34:56Z"), " warning: kept\n");
	fot_str_release(&s);
	unlink(path);
}

static void test_log_open_reports_a_bad_place(void **state)
{
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(fot_log_open("/nowhere/at/all.txt", &err), FOT_ERR_OUTPUT);
	assert_string_equal(err.text, "/nowhere/at/all.txt: cannot open the log: No such file or directory");
}

static void test_log_full_disk_is_reported_once(void **state)
{
	(void)state;
	capture();
	assert_int_equal(fot_log_open("/dev/full", NULL), FOT_OK);
	fot_log(FOT_LOG_INFO, "one");
	fot_log(FOT_LOG_INFO, "two");
	fot_log_close();
	assert_string_equal(shown_text(),
			    "one\nwarning: the log file could not be written and is closed\ntwo\n");
}

static void test_log_progress_without_a_terminal_is_plain_and_rare(void **state)
{
	(void)state;
	capture();
	for (int i = 1; i <= 1000; i++)
		fot_progress("item %d", i);
	fot_log(FOT_LOG_INFO, "between");
	fot_progress_end();
	fot_progress_end();
	assert_string_equal(shown_text(), "item 1\nbetween\nitem 1000\n");
}

static void test_log_progress_modes(void **state)
{
	(void)state;
	capture();
	fot_progress_mode(FOT_PROGRESS_OFF);
	fot_progress("off");
	fot_progress_end();
	fot_log_level(FOT_LOG_WARN);
	fot_progress_mode(FOT_PROGRESS_AUTO);
	fot_progress("auto, but quiet");
	fot_progress_end();
	fot_progress_mode(FOT_PROGRESS_ON);
	fot_progress("on");
	fot_progress_end();
	fot_progress_mode(FOT_PROGRESS_AUTO);
	fot_log_level(FOT_LOG_INFO);
	assert_string_equal(shown_text(), "on\n");
}

static void test_clock_texts(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} cases[] = {
		{ 0, "0s" },        { 12.4, "12s" },     { 59.7, "1m00s" }, { 185, "3m05s" },
		{ 3599, "59m59s" }, { 3599.6, "1h00m" }, { 3725, "1h02m" }, { 360000, "100h00m" },
		{ -1, "?" },        { NAN, "?" },        { INFINITY, "?" },
	};
	char text[32];
	double before, after;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fot_duration_text(cases[i].seconds, text);
		assert_string_equal(text, cases[i].text);
	}
	fot_utc_now(text);
	assert_int_equal(strlen(text), 20);
	assert_true(text[10] == 'T' && text[19] == 'Z' && strncmp(text, "2024", 4) >= 0);
	before = fot_clock();
	usleep(2000);
	after = fot_clock();
	assert_true(after - before >= 0.002 && after - before < 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_levels_and_prefixes),
		cmocka_unit_test(test_log_file_is_appended_to_even_when_quiet),
		cmocka_unit_test(test_log_open_reports_a_bad_place),
		cmocka_unit_test(test_log_full_disk_is_reported_once),
		cmocka_unit_test(test_log_progress_without_a_terminal_is_plain_and_rare),
		cmocka_unit_test(test_log_progress_modes),
		cmocka_unit_test(test_clock_texts),
	};

	return cmocka_run_group_tests(tests, make_shown, remove_shown);
}
