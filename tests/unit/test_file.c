/* base/file.h: reading refuses what is no file, replacement is atomic under
 * every injected failure, folders are listed in byte order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

static char root[64];

static const char *in(const char *name)
{
	static char paths[4][4096];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(paths[turn], sizeof(paths[0]), "%s/%s", root, name);
	return paths[turn];
}

static int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/fot-file-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	char command[128];

	(void)state;
	fot_mem_fail_at(0);
	fot_file_fail_at("write", 0, 0);
	fot_file_fail_at("fsync", 0, 0);
	fot_file_fail_at("rename", 0, 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static void assert_holds(const char *path, const char *text)
{
	struct fot_str s = FOT_STR_INIT;

	assert_int_equal(fot_file_read(&s, path, 1 << 20, NULL), FOT_OK);
	assert_int_equal(s.len, strlen(text));
	assert_string_equal(s.data, text);
	fot_str_release(&s);
}

static void assert_entries(size_t n)
{
	struct fot_names names = { 0 };

	assert_int_equal(fot_dir_list(&names, root, NULL), FOT_OK);
	assert_int_equal(names.n, n);
	fot_names_release(&names);
}

/* What could be replaced stays as it is; folders and places that are not there are told. */
static void test_file_probe_changes_nothing(void **state)
{
	struct fot_names names = { 0 };
	struct fot_err err = { 0 };
	char link[512];

	(void)state;
	fot_mkdir_all(in("probe"), NULL);
	assert_int_equal(fot_file_replace(in("probe/x"), "first", 5, NULL), FOT_OK);
	assert_int_equal(fot_file_probe(in("probe/x"), &err), FOT_OK);
	assert_int_equal(fot_file_probe(in("probe/y"), &err), FOT_OK);
	assert_int_equal(fot_dir_list(&names, in("probe"), NULL), FOT_OK);
	assert_int_equal(names.n, 1);
	assert_holds(in("probe/x"), "first");
	assert_int_equal(fot_file_probe(in("probe"), &err), FOT_ERR_OUTPUT);
	assert_int_equal(fot_file_probe(in("probe/no/x"), &err), FOT_ERR_OUTPUT);
	assert_int_equal(symlink("x", in("probe/link")), 0);
	snprintf(link, sizeof(link), "%s", in("probe/link"));
	assert_true(fot_same_file(link, in("probe/x")));
	assert_false(fot_same_file(link, in("probe")));
	assert_false(fot_same_file(in("probe/no"), in("probe/no")));
	fot_names_release(&names);
}

/* Where a writer came and went a reader finds the end. */
static void test_file_probe_keeps_the_reader_of_a_pipe(void **state)
{
	struct pollfd reader = { .events = POLLIN };
	char text[8];

	(void)state;
	assert_int_equal(mkfifo(in("pipe"), 0666), 0);
	assert_int_equal(fot_file_probe(in("pipe"), NULL), FOT_OK); /* one may come yet */
	reader.fd = open(in("pipe"), O_RDONLY | O_NONBLOCK);
	assert_true(reader.fd >= 0);
	assert_int_equal(fot_file_probe(in("pipe"), NULL), FOT_OK);
	assert_int_equal(poll(&reader, 1, 0), 0);
	assert_int_equal(fot_file_replace(in("pipe"), "row", 3, NULL), FOT_OK);
	assert_int_equal(read(reader.fd, text, sizeof(text)), 3);
	assert_memory_equal(text, "row", 3);
	close(reader.fd);
	assert_int_equal(fot_file_probe("/dev/null", NULL), FOT_OK);
}

static void test_file_replace_and_read_back(void **state)
{
	struct fot_str s = FOT_STR_INIT;
	char bytes[] = "a\0b\xff";

	(void)state;
	assert_int_equal(fot_file_replace(in("x"), "first", 5, NULL), FOT_OK);
	assert_holds(in("x"), "first");
	assert_int_equal(fot_file_replace(in("x"), bytes, 4, NULL), FOT_OK);
	fot_str_puts(&s, "<");
	assert_int_equal(fot_file_read(&s, in("x"), 4, NULL), FOT_OK);
	assert_int_equal(s.len, 5);
	assert_memory_equal(s.data, "<a\0b\xff", 6);
	fot_str_release(&s);
	assert_int_equal(fot_file_replace(in("empty"), "", 0, NULL), FOT_OK);
	assert_holds(in("empty"), "");
	assert_entries(2);
}

static void test_file_read_has_a_limit(void **state)
{
	struct fot_str s = FOT_STR_INIT;
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(fot_file_replace(in("x"), "12345", 5, NULL), FOT_OK);
	assert_int_equal(fot_file_read(&s, in("x"), 4, &err), FOT_ERR_INPUT);
	assert_non_null(strstr(err.text, "larger than the 4 bytes"));
	/* Files of /proc say they are empty; the limit holds for what is read. */
	assert_int_equal(fot_file_read(&s, "/proc/self/status", 10, &err), FOT_ERR_INPUT);
	fot_str_release(&s);
	assert_int_equal(fot_file_read(&s, "/proc/self/status", 1 << 20, &err), FOT_OK);
	assert_non_null(strstr(s.data, "VmSize"));
	fot_str_release(&s);
}

static void test_file_read_refuses_what_is_no_file(void **state)
{
	static const struct {
		const char *name, *what;
	} cases[] = {
		{ "folder", "expected a regular file, got a folder" },
		{ "fifo", "expected a regular file, got a FIFO" },
		{ "loop", "Too many levels of symbolic links" },
		{ "missing", "No such file or directory" },
		{ "../../dev/null", "expected a regular file, got a character device" },
	};
	struct fot_str s = FOT_STR_INIT;
	struct fot_map m = { 0 };
	struct fot_err err;

	(void)state;
	assert_int_equal(mkdir(in("folder"), 0777), 0);
	assert_int_equal(mkfifo(in("fifo"), 0666), 0);
	assert_int_equal(symlink("loop", in("loop")), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err = (struct fot_err){ 0 };
		assert_int_equal(fot_file_read(&s, in(cases[i].name), 100, &err), FOT_ERR_INPUT);
		assert_non_null(strstr(err.text, cases[i].what));
		assert_memory_equal(err.text, root, strlen(root));
		err = (struct fot_err){ 0 };
		assert_int_equal(fot_map_open(&m, in(cases[i].name), &err), FOT_ERR_INPUT);
		assert_non_null(strstr(err.text, cases[i].what));
	}
	fot_str_release(&s);
}

static void test_file_read_survives_every_lost_allocation(void **state)
{
	struct fot_str s = FOT_STR_INIT;
	struct fot_err err = { 0 };
	int status = FOT_ERR_RUN;
	long k;

	(void)state;
	assert_int_equal(fot_file_replace(in("x"), "12345", 5, NULL), FOT_OK);
	for (k = 1; status != FOT_OK; k++) {
		assert_true(k < 10);
		fot_str_release(&s);
		fot_mem_fail_at(k);
		status = fot_file_read(&s, in("x"), 100, &err);
		if (status != FOT_OK)
			assert_int_equal(status, FOT_ERR_RUN);
	}
	assert_int_equal(k, 4); /* the read buffer and the string */
	assert_string_equal(s.data, "12345");
	fot_str_release(&s);
}

static void test_file_map(void **state)
{
	struct fot_map m;

	(void)state;
	assert_int_equal(fot_file_replace(in("x"), "mapped", 6, NULL), FOT_OK);
	assert_int_equal(fot_map_open(&m, in("x"), NULL), FOT_OK);
	assert_int_equal(m.size, 6);
	assert_memory_equal(m.data, "mapped", 6);
	fot_map_close(&m);
	assert_null(m.data);
	assert_int_equal(fot_file_replace(in("x"), "", 0, NULL), FOT_OK);
	assert_int_equal(fot_map_open(&m, in("x"), NULL), FOT_OK);
	assert_null(m.data);
	assert_int_equal(m.size, 0);
	fot_map_close(&m);
}

/* Pages of this process that are in memory. */
static long resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long size, n = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &size, &n), 2);
	fclose(f);
	return n;
}

static void test_file_map_unload(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 1000 * page;
	char *bytes = malloc(n);
	struct fot_map m;
	long before;

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(i / page * 7 + i);
	assert_int_equal(fot_file_replace(in("x"), bytes, n, NULL), FOT_OK);
	assert_int_equal(fot_map_open(&m, in("x"), NULL), FOT_OK);
	assert_memory_equal(m.data, bytes, n);
	before = resident();
	fot_map_unload(bytes, n); /* no mapping */
	fot_map_unload(m.data + 1, n); /* more than there is */
	assert_memory_equal(m.data, bytes, n);
	assert_true(resident() >= before);
	fot_map_unload(m.data + 1, n - 1); /* the first page is kept whole */
	assert_true(resident() <= before - 900);
	assert_memory_equal(m.data, bytes, n);
	fot_map_close(&m);
	free(bytes);
}

/* The k-th call fails for k = 1, 2, ...: each time the old file stands, nothing
 * is left beside it and the message names file and reason; then it succeeds. */
static void fail_each(const char *call, int error, long calls)
{
	struct fot_outfile *f;
	struct fot_err err;
	char *big = fot_alloc(200000, 1);
	int status;
	long k;

	memset(big, 'n', 200000);
	for (k = 1;; k++) {
		assert_true(k < 20);
		assert_int_equal(fot_file_replace(in("x"), "old", 3, NULL), FOT_OK);
		err = (struct fot_err){ 0 };
		fot_file_fail_at(call, k, error);
		assert_int_equal(fot_outfile_open(&f, in("x"), &err), FOT_OK);
		status = fot_outfile_write(f, "head", 4, &err);
		if (status == FOT_OK)
			status = fot_outfile_write(f, big, 200000, &err);
		if (status == FOT_OK)
			status = fot_outfile_write(f, "tail", 4, &err);
		if (status == FOT_OK)
			status = fot_outfile_commit(f, &err);
		else
			fot_outfile_abort(f);
		fot_file_fail_at(call, 0, 0);
		assert_entries(1);
		if (status == FOT_OK)
			break;
		assert_int_equal(status, FOT_ERR_OUTPUT);
		assert_memory_equal(err.text, root, strlen(root));
		assert_non_null(strstr(err.text, strerror(error)));
		/* Once renamed, the new file is whole; only the folder's sync failed. */
		if (strcmp(call, "fsync") != 0 || k == 1)
			assert_holds(in("x"), "old");
	}
	assert_int_equal(k, calls + 1);
	fot_free(big);
}

static void test_file_replace_survives_failing_writes(void **state)
{
	struct fot_str s = FOT_STR_INIT;

	(void)state;
	fail_each("write", ENOSPC, 3);
	assert_int_equal(fot_file_read(&s, in("x"), 1 << 20, NULL), FOT_OK);
	assert_int_equal(s.len, 200008);
	assert_memory_equal(s.data, "headnnn", 7);
	assert_memory_equal(s.data + 200000, "nnnntail", 8);
	fot_str_release(&s);
}

static void test_file_replace_survives_failing_syncs(void **state)
{
	(void)state;
	fail_each("fsync", EIO, 2); /* the file, then its folder */
}

static void test_file_replace_survives_failing_renames(void **state)
{
	(void)state;
	fail_each("rename", EXDEV, 1);
}

static void test_file_write_is_retried_when_interrupted(void **state)
{
	(void)state;
	fot_file_fail_at("write", 1, EINTR);
	assert_int_equal(fot_file_replace(in("x"), "whole", 5, NULL), FOT_OK);
	fot_file_fail_at("fsync", 1, EINTR);
	assert_int_equal(fot_file_replace(in("y"), "whole", 5, NULL), FOT_OK);
	assert_holds(in("x"), "whole");
	assert_holds(in("y"), "whole");
}

static void test_file_replace_survives_every_lost_allocation(void **state)
{
	struct fot_err err;
	int status = FOT_ERR_RUN;

	(void)state;
	assert_int_equal(fot_file_replace(in("x"), "old", 3, NULL), FOT_OK);
	for (long k = 1; status != FOT_OK; k++) {
		assert_true(k < 20);
		assert_holds(in("x"), "old");
		assert_entries(1);
		err = (struct fot_err){ 0 };
		fot_mem_fail_at(k);
		status = fot_file_replace(in("x"), "new", 3, &err);
		fot_mem_fail_at(0);
		assert_int_equal(status, status == FOT_OK ? FOT_OK : FOT_ERR_RUN);
		assert_int_equal(err.code, status);
	}
	assert_holds(in("x"), "new");
}

static void test_file_abort_leaves_the_old_file(void **state)
{
	struct fot_outfile *f;

	(void)state;
	assert_int_equal(fot_file_replace(in("x"), "old", 3, NULL), FOT_OK);
	assert_int_equal(fot_outfile_open(&f, in("x"), NULL), FOT_OK);
	assert_int_equal(fot_outfile_write(f, "new", 3, NULL), FOT_OK);
	assert_entries(2);
	assert_holds(in("x"), "old");
	fot_outfile_abort(f);
	fot_outfile_abort(NULL);
	assert_entries(1);
	assert_holds(in("x"), "old");
}

/* A device of the test's own, where making one is allowed: a fault here must not cost the machine its own. */
static const char *device(const char *name, unsigned minor_number)
{
	static char path[512];
	int fd;

	snprintf(path, sizeof path, "%s", in(name));
	mknod(path, S_IFCHR | 0666, makedev(1, minor_number));
	fd = open(path, O_WRONLY); /* not on a file system without devices */
	if (fd >= 0)
		close(fd);
	else
		snprintf(path, sizeof path, "/dev/%s", name);
	return path;
}

static void test_file_replace_refuses_bad_places(void **state)
{
	struct fot_err err = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(fot_file_replace(root, "x", 1, &err), FOT_ERR_OUTPUT);
	assert_non_null(strstr(err.text, "it is a folder"));
	assert_int_equal(fot_file_replace(in("no/such"), "x", 1, &err), FOT_ERR_OUTPUT);
	assert_non_null(strstr(err.text, "No such file or directory"));
	assert_int_equal(mkfifo(in("fifo"), 0666), 0);
	assert_int_equal(fot_file_replace(in("fifo"), "x", 1, &err), FOT_ERR_OUTPUT);
	assert_non_null(strstr(err.text, "cannot open for writing"));
	/* A full device reports it, and is a device still. */
	assert_int_equal(fot_file_replace(device("full", 7), "x", 1, &err), FOT_ERR_OUTPUT);
	assert_non_null(strstr(err.text, "/full: cannot write: No space left"));
	assert_int_equal(stat(device("full", 7), &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(fot_file_replace(device("null", 3), "x", 1, &err), FOT_OK);
	assert_int_equal(stat(device("null", 3), &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

static void test_file_replace_does_not_write_through_links(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(fot_file_replace(in("victim"), "victim", 6, NULL), FOT_OK);
	assert_int_equal(symlink("victim", in("link")), 0);
	assert_int_equal(fot_file_replace(in("link"), "mine", 4, NULL), FOT_OK);
	assert_holds(in("victim"), "victim");
	assert_holds(in("link"), "mine");
	assert_int_equal(lstat(in("link"), &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

static void test_file_mkdir_all(void **state)
{
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(fot_mkdir_all(in("a//b/c/"), NULL), FOT_OK);
	assert_true(fot_is_dir(in("a/b/c")));
	assert_int_equal(fot_mkdir_all(in("a/b"), NULL), FOT_OK);
	assert_int_equal(fot_mkdir_all("/", NULL), FOT_OK);
	assert_int_equal(fot_file_replace(in("a/file"), "", 0, NULL), FOT_OK);
	assert_true(fot_file_exists(in("a/file")));
	assert_false(fot_is_dir(in("a/file")));
	assert_false(fot_file_exists(in("a/none")));
	assert_int_equal(fot_mkdir_all(in("a/file/x"), &err), FOT_ERR_OUTPUT);
	assert_non_null(strstr(err.text, "a/file: expected a folder, got a file"));
	assert_int_equal(fot_mkdir_all("/proc/fot/x", &err), FOT_ERR_OUTPUT);
	assert_non_null(strstr(err.text, "/proc/fot: cannot create the folder"));
}

static void test_file_paths(void **state)
{
	static const struct {
		const char *path, *base;
	} cases[] = {
		{ "a/b", "b" }, { "a/b///", "b" }, { "b", "b" }, { "/", "/" },
		{ "//", "/" },  { "/x", "x" },     { "", "" },   { "..", ".." },
	};
	struct fot_str s = FOT_STR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fot_str_clear(&s);
		fot_path_base(&s, cases[i].path);
		assert_string_equal(s.data, cases[i].base);
	}
	fot_str_clear(&s);
	fot_path_join(&s, "dir", "x");
	fot_path_join(&s, "/", "y");
	fot_path_join(&s, "", "z");
	assert_string_equal(s.data, "dir/x/yz");
	fot_str_release(&s);
}

static void test_file_folder_of_a_path(void **state)
{
	static const char *const cases[][2] = {
		{ "a/b", "a" },		   { "b", "." },   { "/b", "/" },
		{ "/a/b/c.csv", "/a/b" }, { "./b", "." }, { "../b", ".." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *folder = fot_path_folder(cases[i][0]);

		assert_string_equal(folder, cases[i][1]);
		fot_free(folder);
	}
}

/* Whether the file is there or not; what is written to as it is may be given twice. */
static void test_file_same_output_under_two_spellings(void **state)
{
	char again[512];

	(void)state;
	assert_int_equal(fot_mkdir_all(in("d/e"), NULL), FOT_OK);
	assert_int_equal(symlink("d", in("link")), 0);
	for (int there = 0; there < 2; there++) {
		assert_true(fot_same_output(in("d/x"), in("d/x")));
		assert_true(fot_same_output(in("d/x"), in("./d/e/../x")));
		assert_true(fot_same_output(in("d/x"), in("link/x")));
		assert_false(fot_same_output(in("d/x"), in("d/y")));
		assert_false(fot_same_output(in("d/x"), in("d/e/x")));
		assert_int_equal(fot_file_replace(in("d/x"), "", 0, NULL), FOT_OK);
	}
	assert_int_equal(mkfifo(in("pipe"), 0666), 0);
	snprintf(again, sizeof(again), "%s", in("pipe"));
	assert_false(fot_same_output(in("pipe"), again));
	assert_false(fot_same_output("/dev/null", "/dev/null"));
}

static void test_file_lists_in_byte_order(void **state)
{
	static const char *const made[] = { "b", "a10", "a9", "B", "\xc3\xa9", ".hidden" };
	static const char *const order[] = { ".hidden", "B", "a10", "a9", "b", "\xc3\xa9" };
	struct fot_names names = { 0 };
	struct fot_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(fot_file_replace(in(made[i]), "", 0, NULL), FOT_OK);
	assert_int_equal(fot_dir_list(&names, root, NULL), FOT_OK);
	assert_int_equal(names.n, 6);
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(names.name[i], order[i]);
	fot_names_release(&names);
	assert_int_equal(fot_dir_list(&names, in("b"), &err), FOT_ERR_INPUT);
	assert_non_null(strstr(err.text, "Not a directory"));
	assert_int_equal(names.n, 0);
}

static void make_tree(void)
{
	assert_int_equal(fot_mkdir_all(in("d/e/f"), NULL), FOT_OK);
	assert_int_equal(fot_mkdir_all(in("d.x"), NULL), FOT_OK);
	assert_int_equal(fot_file_replace(in("d/e/f/deep"), "", 0, NULL), FOT_OK);
	assert_int_equal(fot_file_replace(in("d/z"), "", 0, NULL), FOT_OK);
	assert_int_equal(fot_file_replace(in("d.x/y"), "", 0, NULL), FOT_OK);
	assert_int_equal(fot_file_replace(in("top"), "", 0, NULL), FOT_OK);
	assert_int_equal(symlink("..", in("d/up")), 0); /* would never end */
	assert_int_equal(mkfifo(in("d/fifo"), 0666), 0);
}

static void test_file_walks_folders_without_links(void **state)
{
	static const char *const order[] = { "d.x/y", "d/e/f/deep", "d/z", "top" };
	struct fot_names names = { 0 };
	struct fot_err err = { 0 };

	(void)state;
	make_tree();
	assert_int_equal(fot_dir_walk(&names, root, NULL), FOT_OK);
	assert_int_equal(names.n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(names.name[i], order[i]);
	fot_names_release(&names);
	assert_int_equal(fot_dir_walk(&names, in("none"), &err), FOT_ERR_INPUT);
	assert_non_null(strstr(err.text, "No such file"));
}

static void test_file_walk_survives_every_lost_allocation(void **state)
{
	struct fot_names names = { 0 };
	int status = FOT_ERR_RUN;
	long k;

	(void)state;
	make_tree();
	for (k = 1; status != FOT_OK; k++) {
		assert_true(k < 200);
		fot_mem_fail_at(k);
		status = fot_dir_walk(&names, root, NULL);
		fot_mem_fail_at(0);
		if (status != FOT_OK) {
			assert_int_equal(status, FOT_ERR_RUN);
			assert_int_equal(names.n, 0);
		}
	}
	assert_true(k > 10);
	assert_int_equal(names.n, 4);
	fot_names_release(&names);
}

static void test_file_write_all_reports_a_closed_pipe(void **state)
{
	struct fot_err err = { 0 };
	int ends[2], fd;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fot_write_all(ends[1], "abc", 3, "pipe", NULL), FOT_OK);
	assert_int_equal(fot_fsync(ends[1], "pipe", &err), FOT_OK); /* nothing to sync */
	close(ends[0]);
	close(ends[1]);
	fd = open(root, O_RDONLY | O_DIRECTORY);
	assert_int_equal(fot_write_all(fd, "abc", 3, "name", &err), FOT_ERR_OUTPUT);
	assert_string_equal(err.text, "name: cannot write: Bad file descriptor");
	close(fd);
	assert_int_equal(fot_fsync(-1, "name", &err), FOT_ERR_OUTPUT);
	assert_string_equal(err.text, "name: cannot sync: Bad file descriptor");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_file_replace_and_read_back),
		TEST(test_file_probe_changes_nothing),
		TEST(test_file_probe_keeps_the_reader_of_a_pipe),
		TEST(test_file_read_has_a_limit),
		TEST(test_file_read_refuses_what_is_no_file),
		TEST(test_file_read_survives_every_lost_allocation),
		TEST(test_file_map),
		TEST(test_file_map_unload),
		TEST(test_file_replace_survives_failing_writes),
		TEST(test_file_replace_survives_failing_syncs),
		TEST(test_file_replace_survives_failing_renames),
		TEST(test_file_write_is_retried_when_interrupted),
		TEST(test_file_replace_survives_every_lost_allocation),
		TEST(test_file_abort_leaves_the_old_file),
		TEST(test_file_replace_refuses_bad_places),
		TEST(test_file_replace_does_not_write_through_links),
		TEST(test_file_mkdir_all),
		TEST(test_file_paths),
		TEST(test_file_folder_of_a_path),
		TEST(test_file_same_output_under_two_spellings),
		TEST(test_file_lists_in_byte_order),
		TEST(test_file_walks_folders_without_links),
		TEST(test_file_walk_survives_every_lost_allocation),
		TEST(test_file_write_all_reports_a_closed_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
