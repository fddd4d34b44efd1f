/* test_hashes.c: a hash is remembered while nothing changes, and only a line that is whole and true is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "harness/plan/hashes.h"
#include "tests/unit/scratch.h"

#define BYTES ((size_t)(1 << 20) + 1)

/* A file of so many bytes x whose times of content are `age` seconds ago. */
static void write_file(const char *name, char x, size_t n, time_t age)
{
	char *bytes = fot_alloc(n, 1);
	struct timespec at[2];

	assert_non_null(bytes);
	memset(bytes, x, n);
	scratch_write(name, bytes, n);
	fot_free(bytes);
	clock_gettime(CLOCK_REALTIME, &at[0]);
	at[0].tv_sec -= age;
	at[1] = at[0];
	assert_int_equal(utimensat(AT_FDCWD, scratch_path(name), at, 0), 0);
}

static void hash_of(char x, size_t n, char out[65])
{
	char *bytes = fot_alloc(n, 1);

	memset(bytes, x, n);
	fot_sha256_of(bytes, n, out);
	fot_free(bytes);
}

static void assert_hash(const char *name, const char *want)
{
	char got[65];

	assert_int_equal(fot_hashes_of_file(scratch_path(name), got, NULL), FOT_OK);
	assert_string_equal(got, want);
}

/* The one line in the store; false: there is none. */
static bool line_path(char out[256])
{
	struct fot_names names = { 0 };
	bool found;

	if (!fot_is_dir(scratch_path("store/hashes")))
		return false;
	assert_int_equal(fot_dir_list(&names, scratch_path("store/hashes"), NULL), FOT_OK);
	found = names.n == 1;
	if (found)
		snprintf(out, 256, "%s/%s", scratch_path("store/hashes"), names.name[0]);
	fot_names_release(&names);
	return found;
}

/* The line says that the hash is "000...", under a CRC that fits. */
static void forge(void)
{
	struct fot_str line = FOT_STR_INIT;
	char path[256];
	char *at;

	assert_true(line_path(path));
	assert_int_equal(fot_file_read(&line, path, 4096, NULL), FOT_OK);
	at = strstr(line.data, " sha256 ");
	assert_non_null(at);
	memset(at + 8, '0', 64);
	line.len = (size_t)(at - line.data) + 72;
	fot_str_printf(&line, " crc %08x\n", fot_crc32(0, line.data, line.len));
	assert_int_equal(fot_file_replace(path, line.data, line.len, NULL), FOT_OK);
	fot_str_release(&line);
}

static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

static void test_hashes_are_remembered_until_the_file_changes(void **state)
{
	char a[65], b[65];
	struct stat st;
	struct timespec at[2];

	(void)state;
	setenv("FOTBENCH_DATA", scratch_path("store"), 1);
	hash_of('a', BYTES, a);
	hash_of('b', BYTES, b);
	write_file("f", 'a', BYTES, 60);
	assert_hash("f", a);
	assert_hash("f", a);
	forge();
	assert_hash("f", zeros); /* so it was not read again */
	assert_int_equal(stat(scratch_path("f"), &st), 0);
	write_file("f", 'b', BYTES, 60);
	at[0] = st.st_atim;
	at[1] = st.st_mtim; /* other bytes under the old time */
	assert_int_equal(utimensat(AT_FDCWD, scratch_path("f"), at, 0), 0);
	assert_hash("f", b);
	forge();
	write_file("f", 'a', BYTES, 30);
	assert_hash("f", a);
}

static void test_hashes_of_what_may_still_change_are_not_remembered(void **state)
{
	char want[65], path[256];
	struct fot_err err = { 0 };

	(void)state;
	setenv("FOTBENCH_DATA", scratch_path("store"), 1);
	hash_of('a', BYTES, want);
	write_file("new", 'a', BYTES, 0);
	assert_hash("new", want);
	assert_false(line_path(path));
	hash_of('a', 10, want);
	write_file("small", 'a', 10, 60);
	assert_hash("small", want);
	assert_false(line_path(path));
	assert_fails(fot_hashes_of_file(scratch_path("nowhere"), want, &err), FOT_ERR_INPUT, &err,
		     "No such file");
}

/* Each spoils what the store holds of f, whose line path names. */
static void cut(const char *path)
{
	assert_int_equal(truncate(path, 150), 0);
}

static void empty(const char *path)
{
	assert_int_equal(truncate(path, 0), 0);
}

static void flip(const char *path)
{
	struct fot_str line = FOT_STR_INIT;
	char *at;

	assert_int_equal(fot_file_read(&line, path, 4096, NULL), FOT_OK);
	at = strstr(line.data, " sha256 ") + 8;
	*at = *at == '0' ? '1' : '0';
	assert_int_equal(fot_file_replace(path, line.data, line.len, NULL), FOT_OK);
	fot_str_release(&line);
}

static void open_to_all(const char *path)
{
	forge();
	assert_int_equal(chmod(path, 0666), 0);
}

static void open_to_group(const char *path)
{
	forge();
	assert_int_equal(chmod(path, 0620), 0);
}

static void link_to_another(const char *path)
{
	forge();
	assert_int_equal(rename(path, scratch_path("elsewhere")), 0);
	assert_int_equal(symlink(scratch_path("elsewhere"), path), 0);
}

static void pipe_instead(const char *path)
{
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
}

static void folder_instead(const char *path)
{
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void long_line(const char *path)
{
	assert_int_equal(truncate(path, 1 << 30), 0);
}

static void test_hashes_believe_no_torn_or_foreign_line(void **state)
{
	static void (*const spoil[])(const char *) = {
		cut, empty, flip, open_to_all, open_to_group, link_to_another, pipe_instead, folder_instead, long_line
	};
	char want[65], path[256];

	(void)state;
	setenv("FOTBENCH_DATA", scratch_path("store"), 1);
	hash_of('a', BYTES, want);
	write_file("f", 'a', BYTES, 60);
	for (size_t i = 0; i < sizeof spoil / sizeof *spoil; i++) {
		assert_hash("f", want);
		assert_true(line_path(path));
		spoil[i](path);
		assert_hash("f", want);
		if (spoil[i] == folder_instead)
			assert_int_equal(rmdir(path), 0);
	}
}

/* Under a umask that leaves files to the group. */
static void test_hashes_are_remembered_under_any_umask(void **state)
{
	mode_t mask = umask(0002);
	char want[65], path[256];
	struct stat st;

	(void)state;
	setenv("FOTBENCH_DATA", scratch_path("store"), 1);
	hash_of('a', BYTES, want);
	write_file("f", 'a', BYTES, 60);
	assert_hash("f", want);
	umask(mask);
	assert_true(line_path(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* Times that are no number of nanoseconds since 1970 in 64 bits. */
static void test_hashes_of_files_of_the_far_future(void **state)
{
	char want[65], path[256];
	struct timespec at[2] = { { .tv_sec = 13569465600 }, { .tv_sec = 13569465600 } }; /* 2400 */

	(void)state;
	setenv("FOTBENCH_DATA", scratch_path("store"), 1);
	hash_of('a', BYTES, want);
	write_file("f", 'a', BYTES, 60);
	assert_int_equal(utimensat(AT_FDCWD, scratch_path("f"), at, 0), 0);
	assert_hash("f", want);
	assert_false(line_path(path));
}

static void test_hashes_work_without_a_store(void **state)
{
	char want[65];

	(void)state;
	scratch_puts("file", "");
	setenv("FOTBENCH_DATA", scratch_path("file/store"), 1);
	hash_of('a', BYTES, want);
	write_file("f", 'a', BYTES, 60);
	assert_hash("f", want);
	assert_hash("f", want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SCRATCHED(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)
		SCRATCHED(test_hashes_are_remembered_until_the_file_changes),
		SCRATCHED(test_hashes_of_what_may_still_change_are_not_remembered),
		SCRATCHED(test_hashes_believe_no_torn_or_foreign_line),
		SCRATCHED(test_hashes_are_remembered_under_any_umask),
		SCRATCHED(test_hashes_of_files_of_the_far_future),
		SCRATCHED(test_hashes_work_without_a_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
