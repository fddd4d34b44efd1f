/* datasets/: manifests are read strictly, documents are made by their rules,
 * fetch installs and notices what differs, programs that fail say why. Packages
 * here are local folders (registry "dir"), so no network is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "datasets/datamanifest.h"
#include "datasets/dataset.h"
#include "datasets/fetch.h"
#include "datasets/index.h"
#include "datasets/process.h"
#include "tests/unit/scratch.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define PACKAGES "\"packages\": [{\"name\": \"p\", \"registry\": \"dir\", \"path\": \"pkg\"}]"
#define HEAD "{\"format\": \"fotbench-manifest-1\", \"dataset\": \"tiny\", " PACKAGES ", \"documents\": ["
#define DOC(id, rule) "{\"id\": \"" id "\", \"split\": \"test\", \"package\": \"p\", " rule ", \"bytes\": 1, \"sha256\": \"" ZEROS "\"}"

static int read_text(const char *text, struct fot_datamanifest *m, struct fot_err *err)
{
	scratch_puts("m/tiny.json", text);
	return fot_datamanifest_read(m, scratch_path("m/tiny.json"), err);
}

static int make_manifests(void **state)
{
	return scratch_make(state) || fot_mkdir_all(scratch_path("m/pkg/sub"), NULL);
}

/* ---- reading ---- */

static void test_datamanifest_reads_every_key(void **state)
{
	struct fot_datamanifest m;
	struct fot_err err = { 0 };

	(void)state;
	if (read_text("{\"format\": \"fotbench-manifest-1\", \"dataset\": \"tiny\", \"description\": \"D\", \"packages\": ["
		      "{\"name\": \"p\", \"registry\": \"dir\", \"path\": \"pkg\"},"
		      "{\"name\": \"@a/b\", \"registry\": \"npm\", \"version\": \"1:2~3\", \"sha256\": \"" ZEROS "\","
		      " \"bytes\": 77, \"licence\": \"L\", \"optional\": true, \"archives\": [\"x/y.tar\"]}],"
		      "\"documents\": [{\"id\": \"a/b\", \"split\": \"valid\", \"package\": \"@a/b\", \"include\": [\"*.x\", \"y\"],"
		      "\"exclude\": [\"z\"], \"gunzip\": true, \"encoding\": \"mixed\", \"from\": \"F\", \"until\": \"U\","
		      "\"bytes\": 5, \"sha256\": \"" ZEROS "\"},"
		      "{\"id\": \"c\", \"split\": \"train\", \"package\": \"p\", \"bytes\": 6, \"sha256\": \"" ZEROS "\","
		      "\"sword\": {\"module\": \"d/ot\", \"kind\": \"cz\", \"first\": 3, \"count\": 4}}]}",
		      &m, &err) != FOT_OK)
		fail_msg("%s", err.text);
	assert_string_equal(m.dataset, "tiny");
	assert_int_equal(m.n_packages, 2);
	assert_int_equal(m.packages[1].registry, FOT_REGISTRY_NPM);
	assert_string_equal(m.packages[1].version, "1:2~3");
	assert_int_equal(m.packages[1].bytes, 77);
	assert_true(m.packages[1].optional);
	assert_int_equal(m.packages[1].n_archives, 1);
	assert_int_equal(m.n_documents, 2);
	assert_int_equal(m.documents[0].package, 1);
	assert_int_equal(m.documents[0].split, FOT_VALID);
	assert_int_equal(m.documents[0].n_include, 2);
	assert_string_equal(m.documents[0].include[1], "y");
	assert_int_equal(m.documents[0].n_exclude, 1);
	assert_true(m.documents[0].gunzip);
	assert_int_equal(m.documents[0].encoding, FOT_ENCODING_MIXED);
	assert_string_equal(m.documents[0].until, "U");
	assert_string_equal(m.documents[1].module, "d/ot");
	assert_int_equal(m.documents[1].first, 3);
	assert_int_equal(m.documents[1].count, 4);
	assert_null(m.documents[1].from);
	fot_datamanifest_release(&m);
}

static void test_datamanifest_refuses_each_fault(void **state)
{
	static const struct {
		const char *text, *fragment;
	} cases[] = {
		{ "", "tiny.json" },
		{ "[]", "expected an object" },
		{ "{\"format\": \"fotbench-manifest-2\", \"dataset\": \"tiny\", " PACKAGES ", \"documents\": []}",
		  "format: expected 'fotbench-manifest-1'" },
		{ "{\"format\": \"fotbench-manifest-1\", \"dataset\": \"../x\", " PACKAGES ", \"documents\": []}", "is no name" },
		{ HEAD "]}", "0 documents" },
		{ HEAD DOC("a", "\"include\": [\"*\"], \"exlude\": []") "]}", "exlude" },
		{ HEAD DOC("a", "\"include\": \"*\"") "]}", "documents[0].include" },
		{ HEAD DOC("a", "\"include\": [\"\"]") "]}", "include[0]: expected a non-empty string" },
		{ HEAD DOC("a", "\"gunzip\": true") "]}", "documents[0]: expected either include or sword" },
		{ HEAD DOC("a", "\"include\": [\"*\"], \"sword\": {}") "]}", "either include or sword" },
		{ HEAD DOC("a", "\"include\": [\"*\"], \"encoding\": \"utf8\"") "]}", "unknown value 'utf8' (did you mean 'utf-8'?)" },
		{ HEAD DOC("../a", "\"include\": [\"*\"]") "]}", "'../a' is no document id" },
		{ HEAD DOC("/a", "\"include\": [\"*\"]") "]}", "'/a' is no document id" },
		{ HEAD DOC("a b", "\"include\": [\"*\"]") "]}", "'a b' is no document id" },
		{ HEAD DOC("a/b", "\"include\": [\"*\"]") ", " DOC("a_b", "\"include\": [\"*\"]") "]}",
		  "documents[1].id: 'a_b' is there twice" },
		{ HEAD DOC("a", "\"sword\": {\"module\": \"../x\", \"kind\": \"cz\", \"first\": 0, \"count\": 1}") "]}",
		  "documents[0].sword: expected a module in the package" },
		{ HEAD DOC("a", "\"sword\": {\"module\": \"x\", \"kind\": \"cz\", \"first\": 0, \"count\": 0}") "]}",
		  "documents[0].sword.count" },
		{ HEAD "{\"id\": \"a\", \"split\": \"dev\", \"package\": \"p\", \"include\": [\"*\"], \"bytes\": 1,"
		       " \"sha256\": \"" ZEROS "\"}]}",
		  "split: unknown value 'dev'" },
		{ HEAD "{\"id\": \"a\", \"split\": \"test\", \"package\": \"q\", \"include\": [\"*\"], \"bytes\": 1,"
		       " \"sha256\": \"" ZEROS "\"}]}",
		  "'q' is not among the packages" },
		{ HEAD "{\"id\": \"a\", \"split\": \"test\", \"package\": \"p\", \"include\": [\"*\"], \"bytes\": 1,"
		       " \"sha256\": \"abc\"}]}",
		  "expected 64 lower-case hex digits" },
		{ "{\"format\": \"fotbench-manifest-1\", \"dataset\": \"tiny\", \"packages\": ["
		  "{\"name\": \"-o\", \"registry\": \"deb\", \"version\": \"1\", \"sha256\": \"" ZEROS "\"}], \"documents\": []}",
		  "'-o' is no package name" },
		{ "{\"format\": \"fotbench-manifest-1\", \"dataset\": \"tiny\", \"packages\": ["
		  "{\"name\": \"p\", \"registry\": \"deb\", \"version\": \"1 2\", \"sha256\": \"" ZEROS "\"}], \"documents\": []}",
		  "expected a version, got '1 2'" },
		{ "{\"format\": \"fotbench-manifest-1\", \"dataset\": \"tiny\", \"packages\": ["
		  "{\"name\": \"p\", \"registry\": \"deb\", \"version\": \"1\"}], \"documents\": []}",
		  "packages[0].sha256: missing" },
		{ "{\"format\": \"fotbench-manifest-1\", \"dataset\": \"tiny\", \"packages\": ["
		  "{\"name\": \"p\", \"registry\": \"dir\"}], \"documents\": []}",
		  "packages[0].path: missing" },
		{ "{\"format\": \"fotbench-manifest-1\", \"dataset\": \"tiny\", \"packages\": ["
		  "{\"name\": \"p\", \"registry\": \"dir\", \"path\": \"x\", \"archives\": [\"../a.tar\"]}], \"documents\": []}",
		  "leaves the package" },
	};
	struct fot_datamanifest m;
	struct fot_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&err, 0, sizeof(err));
		assert_fails(read_text(cases[i].text, &m, &err), FOT_ERR_INPUT, &err, cases[i].fragment);
		assert_non_null(strstr(err.text, "tiny.json"));
	}
}

static void test_datamanifest_document_ids(void **state)
{
	static const char *const good[] = { "a", "a/b", "c++-x/1.2_3", "..a", "a.." };
	static const char *const bad[] = { "", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "a/.", "a\nb", "\xc3\xa9" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(fot_document_id_ok(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(fot_document_id_ok(bad[i]));
}

/* ---- the manifests of the repository ---- */

static void count_test_documents(const char *name, size_t *n, size_t *n_large, size_t *n_all)
{
	struct fot_str path = FOT_STR_INIT;
	struct fot_datamanifest m;
	struct fot_err err = { 0 };

	fot_str_printf(&path, "datasets/manifests/%s.json", name);
	if (fot_datamanifest_read(&m, path.data, &err) != FOT_OK)
		fail_msg("%s", err.text);
	assert_string_equal(m.dataset, name);
	*n = 0;
	for (size_t i = 0; i < m.n_documents; i++) {
		const struct fot_rule *r = &m.documents[i];

		if (r->split != FOT_TEST || m.packages[r->package].optional)
			continue;
		assert_in_range(r->bytes, 220000, 100000000); /* room for a context of 32k tokens */
		(*n)++;
		*n_large += r->bytes > 1 << 20;
	}
	*n_all += *n;
	for (size_t i = 0; i < m.n_packages; i++)
		assert_true(m.packages[i].optional || m.packages[i].registry == FOT_REGISTRY_DEB);
	fot_datamanifest_release(&m);
	fot_str_release(&path);
}

static void test_datamanifest_repository_has_enough_held_out_documents(void **state)
{
	static const char *const kinds[] = { "books", "proofs", "code", "tex" };
	size_t n, n_large = 0, n_all = 0;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		count_test_documents(kinds[i], &n, &n_large, &n_all);
		assert_true(n >= 5);
	}
	assert_true(n_all >= 16);
	assert_true(n_large >= 4);
}

/* ---- building ---- */

/* The text that one rule makes of m/pkg, or the error. */
static int build(const char *rule, struct fot_str *out, struct fot_err *err)
{
	struct fot_datamanifest m;
	char text[2048];
	int status;

	snprintf(text, sizeof(text), HEAD "{\"id\": \"doc\", \"split\": \"test\", \"package\": \"p\", %s, \"bytes\": 1,"
					  " \"sha256\": \"" ZEROS "\"}]}", rule);
	status = read_text(text, &m, err);
	assert_int_equal(status, FOT_OK);
	status = fot_datamanifest_build(&m, &m.documents[0], scratch_path("m/pkg"), out, err);
	fot_datamanifest_release(&m);
	return status;
}

static void assert_builds(const char *rule, const char *want)
{
	struct fot_str out = FOT_STR_INIT;
	struct fot_err err = { 0 };

	if (build(rule, &out, &err) != FOT_OK)
		fail_msg("%s: %s", rule, err.text);
	assert_string_equal(out.data, want);
	assert_int_equal(out.len, strlen(want));
	fot_str_release(&out);
}

static void test_datamanifest_build_joins_sorted_by_path(void **state)
{
	static const unsigned char hello_gz[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xcb, 0x48, 0xcd, 0xc9,
						  0xc9, 7, 0, 0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0 };
	(void)state;
	scratch_puts("m/pkg/b.c", "b\r\n");
	scratch_puts("m/pkg/a.c", "\xef\xbb\xbf" "a\n");
	scratch_puts("m/pkg/sub/c.c", "c");
	scratch_puts("m/pkg/sub.c", "s");
	scratch_puts("m/pkg/empty.c", "");
	scratch_puts("m/pkg/sub/not.h", "h");
	scratch_puts("m/pkg/latin.t", "\xe9");
	scratch_puts("m/pkg/utf8.t", "\xc3\xa9");
	scratch_write("m/pkg/hello.gz", hello_gz, sizeof(hello_gz));
	assert_int_equal(symlink("/etc/passwd", scratch_path("m/pkg/link.c")), 0);
	assert_builds("\"include\": [\"*.c\"]", "a\n\nb\n\ns\nc"); /* '.' sorts before '/' */
	assert_builds("\"include\": [\"sub/*\", \"a.c\"]", "a\n\nc\nh");
	assert_builds("\"include\": [\"sub/*\", \"a.c\"], \"between\": \"\\n%\\n\"", "a\n\n%\nc\n%\nh");
	assert_builds("\"include\": [\"*.c\"], \"exclude\": [\"s*\"]", "a\n\nb\n");
	assert_builds("\"include\": [\"*.t\"], \"encoding\": \"mixed\"", "\xc3\xa9\n\xc3\xa9");
	assert_builds("\"include\": [\"latin.t\"], \"encoding\": \"latin1\"", "\xc3\xa9");
	assert_builds("\"include\": [\"hello.gz\", \"sub.c\"], \"gunzip\": true", "hello\ns");
	assert_builds("\"include\": [\"*.c\"], \"from\": \"b\", \"until\": \"c\"", "b\n\ns\n");
	assert_builds("\"include\": [\"*.c\"], \"until\": \"s\"", "a\n\nb\n\n");
}

static void test_datamanifest_build_says_what_does_not_fit(void **state)
{
	struct fot_str out = FOT_STR_INIT;
	struct fot_err err = { 0 };

	(void)state;
	scratch_puts("m/pkg/a.c", "some text");
	scratch_puts("m/pkg/latin.t", "ok\n\xe9");
	scratch_puts("m/pkg/empty", "");
	assert_fails(build("\"include\": [\"a.c\", \"gone*\"]", &out, &err), FOT_ERR_INPUT, &err,
		     "document doc: pattern 'gone*' matches no file");
	assert_fails(build("\"include\": [\"latin.t\"]", &out, &err), FOT_ERR_INPUT, &err,
		     "latin.t: line 2, byte offset 3");
	assert_fails(build("\"include\": [\"a.c\"], \"from\": \"nowhere\"", &out, &err), FOT_ERR_INPUT, &err,
		     "'nowhere' that opens it is not there");
	assert_fails(build("\"include\": [\"a.c\"], \"from\": \"some\", \"until\": \"some\"", &out, &err), FOT_ERR_INPUT,
		     &err, "'some' that ends it is not there");
	assert_fails(build("\"include\": [\"empty\"]", &out, &err), FOT_ERR_INPUT, &err, "document doc: its text is empty");
	fot_str_release(&out);
}

/* ---- fetch and verify ---- */

static size_t warnings;

static void listen(void *user, const char *line)
{
	(void)user;
	warnings += strncmp(line, "warning: ", 9) == 0;
}

static void put_manifest(const char *train, const char *test, const char *description)
{
	struct fot_str s = FOT_STR_INIT;
	char hash[2][65];

	fot_sha256_of(train, strlen(train), hash[0]);
	fot_sha256_of(test, strlen(test), hash[1]);
	fot_str_printf(&s, "{\"format\": \"fotbench-manifest-1\", \"dataset\": \"tiny\", \"description\": \"%s\", " PACKAGES
			   ", \"documents\": ["
			   "{\"id\": \"x/train\", \"split\": \"train\", \"package\": \"p\", \"include\": [\"t.txt\"],"
			   " \"bytes\": %zu, \"sha256\": \"%s\"},"
			   "{\"id\": \"x/test\", \"split\": \"test\", \"package\": \"p\", \"include\": [\"e.txt\"],"
			   " \"bytes\": %zu, \"sha256\": \"%s\"}]}",
		       description, strlen(train), hash[0], strlen(test), hash[1]);
	assert_false(s.failed);
	scratch_puts("m/tiny.json", s.data);
	fot_str_release(&s);
}

static int fetch(struct fot_data_counts *n, struct fot_err *err)
{
	struct fot_data_options o = { .manifests = scratch_path("m"), .store = scratch_path("store"), .note = listen };

	warnings = 0;
	memset(err, 0, sizeof(*err));
	return fot_data_fetch(&o, n, err);
}

static int verify(struct fot_data_counts *n, struct fot_err *err)
{
	struct fot_data_options o = { .manifests = scratch_path("m"), .store = scratch_path("store"), .note = listen };

	warnings = 0;
	memset(err, 0, sizeof(*err));
	return fot_data_verify(&o, n, err);
}

static void test_datamanifest_fetch_installs_once(void **state)
{
	struct fot_data_counts n;
	struct fot_dataset *d = NULL;
	struct fot_str text = FOT_STR_INIT;
	struct fot_names names = { 0 };
	struct fot_err err;

	(void)state;
	scratch_puts("m/pkg/t.txt", "for training");
	scratch_puts("m/pkg/e.txt", "held out");
	put_manifest("for training", "held out", "one");
	if (fetch(&n, &err) != FOT_OK)
		fail_msg("%s", err.text);
	assert_int_equal(n.n_installed, 1);
	assert_int_equal(n.n_documents, 2);
	assert_int_equal(n.n_differing, 0);
	assert_int_equal(warnings, 0);
	assert_int_equal(fetch(&n, &err), FOT_OK);
	assert_int_equal(n.n_installed, 0);
	assert_int_equal(n.n_current, 1);
	assert_int_equal(fot_dataset_open(&d, "tiny", scratch_path("store"), &err), FOT_OK);
	assert_int_equal(fot_dataset_count(d), 2);
	assert_string_equal(fot_dataset_at(d, 0)->id, "x/train");
	assert_int_equal(fot_dataset_at(d, 0)->split, FOT_TRAIN);
	assert_int_equal(fot_dataset_at(d, 1)->split, FOT_TEST);
	assert_int_equal(fot_dataset_at(d, 1)->n_words, 2);
	assert_int_equal(fot_dataset_text(d, 1, &text, &err), FOT_OK);
	assert_string_equal(text.data, "held out");
	assert_true(fot_dataset_pinned(d, 0));
	assert_string_equal(fot_dataset_origin(d), "dir p ");
	assert_int_equal(fot_dir_list(&names, scratch_path("store/tiny/documents"), NULL), FOT_OK);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.name[0], "x_test.txt");
	fot_names_release(&names);
	fot_dataset_close(d);
	fot_str_release(&text);
}

static void test_datamanifest_fetch_makes_anew_what_is_gone_or_old(void **state)
{
	struct fot_data_counts n;
	struct fot_err err;

	(void)state;
	scratch_puts("m/pkg/t.txt", "for training");
	scratch_puts("m/pkg/e.txt", "held out");
	put_manifest("for training", "held out", "one");
	assert_int_equal(fetch(&n, &err), FOT_OK);
	assert_int_equal(remove(scratch_path("store/tiny/documents/x_test.txt")), 0);
	assert_int_equal(fetch(&n, &err), FOT_OK);
	assert_int_equal(n.n_installed, 1);
	assert_true(fot_file_exists(scratch_path("store/tiny/documents/x_test.txt")));
	put_manifest("for training", "held out", "two");
	scratch_puts("store/tiny/documents/stranger.txt", "of an older manifest");
	assert_int_equal(fetch(&n, &err), FOT_OK);
	assert_int_equal(n.n_installed, 1);
	assert_false(fot_file_exists(scratch_path("store/tiny/documents/stranger.txt")));
	assert_int_equal(remove(scratch_path("store/tiny/index.json")), 0);
	assert_int_equal(fetch(&n, &err), FOT_OK);
	assert_int_equal(n.n_installed, 1);
}

static void test_datamanifest_fetch_records_another_text(void **state)
{
	struct fot_data_counts n;
	struct fot_dataset *d = NULL;
	struct fot_err err;

	(void)state;
	scratch_puts("m/pkg/t.txt", "for training");
	scratch_puts("m/pkg/e.txt", "held out, a newer edition");
	put_manifest("for training", "held out", "one");
	assert_int_equal(fetch(&n, &err), FOT_OK);
	assert_int_equal(n.n_differing, 1);
	assert_int_equal(warnings, 1);
	assert_int_equal(fetch(&n, &err), FOT_OK);
	assert_int_equal(n.n_current, 1);
	assert_int_equal(n.n_differing, 1);
	assert_int_equal(fot_dataset_open(&d, "tiny", scratch_path("store"), &err), FOT_OK);
	assert_true(fot_dataset_pinned(d, 0));
	assert_false(fot_dataset_pinned(d, 1));
	assert_int_equal(fot_dataset_n_differing(d), 1);
	fot_dataset_close(d);
	assert_int_equal(verify(&n, &err), FOT_OK);
	assert_int_equal(n.n_differing, 1);
	assert_int_equal(n.n_damaged, 0);
	assert_int_equal(warnings, 1);
}

static void test_datamanifest_verify_finds_damage(void **state)
{
	struct fot_data_counts n;
	struct fot_err err;

	(void)state;
	scratch_puts("m/pkg/t.txt", "for training");
	scratch_puts("m/pkg/e.txt", "held out");
	put_manifest("for training", "held out", "one");
	assert_int_equal(verify(&n, &err), FOT_OK);
	assert_int_equal(n.n_absent, 1);
	assert_int_equal(fetch(&n, &err), FOT_OK);
	assert_int_equal(verify(&n, &err), FOT_OK);
	assert_int_equal(n.n_documents, 2);
	assert_int_equal(n.n_damaged, 0);
	scratch_puts("store/tiny/documents/x_test.txt", "held ouT");
	assert_int_equal(verify(&n, &err), FOT_OK);
	assert_int_equal(n.n_damaged, 1);
	assert_int_equal(remove(scratch_path("store/tiny/documents/x_train.txt")), 0);
	assert_int_equal(verify(&n, &err), FOT_OK);
	assert_int_equal(n.n_damaged, 2);
}

static void test_datamanifest_fetch_fails_clearly(void **state)
{
	static const char *const names[] = { "tinny" };
	struct fot_data_options o = { .note = listen };
	struct fot_data_counts n;
	struct fot_err err = { 0 };
	int lock;

	(void)state;
	scratch_puts("m/pkg/t.txt", "for training");
	put_manifest("for training", "held out", "one");
	assert_fails(fetch(&n, &err), FOT_ERR_INPUT, &err, "pattern 'e.txt' matches no file");
	assert_false(fot_file_exists(scratch_path("store/tiny/index.json")));
	o.manifests = scratch_path("m");
	o.store = scratch_path("store");
	o.names = names;
	o.n_names = 1;
	memset(&err, 0, sizeof(err));
	assert_fails(fot_data_fetch(&o, &n, &err), FOT_ERR_USAGE, &err, "(did you mean 'tiny'?)");
	lock = open(scratch_path("store/.lock"), O_RDWR);
	assert_true(lock >= 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	assert_fails(fetch(&n, &err), FOT_ERR_RUN, &err, "another fetch is at work");
	close(lock);
	scratch_puts("m/pkg/e.txt", "held out");
	assert_int_equal(fot_mkdir_all(scratch_path("store/.work-dead/x"), NULL), FOT_OK);
	assert_int_equal(fetch(&n, &err), FOT_OK);
	assert_false(fot_is_dir(scratch_path("store/.work-dead")));
	scratch_puts("file", "");
	o.store = scratch_path("file");
	o.n_names = 0;
	memset(&err, 0, sizeof(err));
	assert_fails(fot_data_fetch(&o, &n, &err), FOT_ERR_OUTPUT, &err, "file");
}

/* After any failed write or rename the index is absent or whole, and the next fetch ends it. */
static void test_datamanifest_fetch_survives_failing_disk(void **state)
{
	static const char *const calls[] = { "write", "fsync", "rename" };
	struct fot_data_counts n;
	struct fot_index x;
	struct fot_err err;
	int status;

	(void)state;
	scratch_puts("m/pkg/t.txt", "for training");
	scratch_puts("m/pkg/e.txt", "held out");
	put_manifest("for training", "held out", "one");
	for (size_t c = 0; c < 3; c++) {
		status = FOT_ERR_OUTPUT;
		for (long k = 1; status != FOT_OK; k++) {
			assert_true(k < 100);
			remove(scratch_path("store/tiny/index.json"));
			fot_file_fail_at(calls[c], k, 28 /* ENOSPC */);
			status = fetch(&n, &err);
			fot_file_fail_at(calls[c], 0, 0);
			if (status != FOT_OK)
				assert_int_equal(status, FOT_ERR_OUTPUT);
			if (fot_file_exists(scratch_path("store/tiny/index.json"))) {
				assert_int_equal(fot_index_read(&x, scratch_path("store"), "tiny", &err), FOT_OK);
				fot_index_release(&x);
			}
		}
		assert_int_equal(verify(&n, &err), FOT_OK);
		assert_int_equal(n.n_damaged + n.n_absent, 0);
	}
}

static void test_datamanifest_index_refuses_rubbish(void **state)
{
	static const struct {
		const char *text, *fragment;
	} cases[] = {
		{ "{", "index.json" },
		{ "{\"format\": \"fotbench-index-1\"}", "dataset" },
		{ "{\"format\": \"fotbench-index-1\", \"dataset\": \"other\", \"manifest_sha256\": \"\", \"optional\": false,"
		  " \"packages\": [], \"documents\": []}",
		  "expected 'tiny', got 'other'" },
		{ "{\"format\": \"fotbench-index-1\", \"dataset\": \"tiny\", \"manifest_sha256\": \"\", \"optional\": false,"
		  " \"packages\": [], \"documents\": [{\"id\": \"../../etc/x\", \"split\": \"test\", \"package\": \"p\","
		  " \"bytes\": 1, \"words\": 1, \"sha256\": \"" ZEROS "\", \"pinned\": true}]}",
		  "is no document id" },
		{ "{\"format\": \"fotbench-index-1\", \"dataset\": \"tiny\", \"manifest_sha256\": \"\", \"optional\": false,"
		  " \"packages\": [], \"documents\": [{\"id\": \"a\", \"split\": \"all\", \"package\": \"p\","
		  " \"bytes\": 1, \"words\": 1, \"sha256\": \"" ZEROS "\", \"pinned\": true}]}",
		  "expected train, valid or test" },
	};
	struct fot_dataset *d = NULL;
	struct fot_err err;

	(void)state;
	fot_mkdir_all(scratch_path("store/tiny"), NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&err, 0, sizeof(err));
		scratch_puts("store/tiny/index.json", cases[i].text);
		assert_fails(fot_dataset_open(&d, "tiny", scratch_path("store"), &err), FOT_ERR_INPUT, &err,
			     cases[i].fragment);
	}
}

/* ---- programs ---- */

static void test_datamanifest_programs_say_why_they_fail(void **state)
{
	static const char *const missing[] = { "no-such-program-here", "x", NULL };
	static const char *const talks[] = { "sh", "-c", "echo W: noise >&2; echo 'E: the reason' >&2; echo more >&2; exit 3", NULL };
	static const char *const dies[] = { "sh", "-c", "kill -9 $$", NULL };
	static const char *const floods[] = { "sh", "-c", "head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero; exit 1", NULL };
	static const char *const works[] = { "sh", "-c", "test \"$LC_ALL\" = C && ! read x && pwd >here", NULL };
	struct fot_err err = { 0 };

	(void)state;
	assert_fails(fot_process_run(missing, NULL, &err), FOT_ERR_RUN, &err, "no-such-program-here: program not found");
	assert_fails(fot_process_run(talks, NULL, &err), FOT_ERR_RUN, &err, "exit status 3: E: the reason");
	assert_fails(fot_process_run(dies, NULL, &err), FOT_ERR_RUN, &err, "stopped by signal 9");
	assert_fails(fot_process_run(floods, NULL, &err), FOT_ERR_RUN, &err, "exit status 1");
	assert_fails(fot_process_run(works, scratch_path("nowhere"), &err), FOT_ERR_RUN, &err, "cannot be entered");
	memset(&err, 0, sizeof(err));
	assert_int_equal(fot_process_run(works, scratch_path(""), &err), FOT_OK);
	assert_int_equal(err.code, 0);
	assert_true(fot_file_exists(scratch_path("here")));
}

#define SCRATCH(f) cmocka_unit_test_setup_teardown(f, make_manifests, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH(test_datamanifest_reads_every_key),
		SCRATCH(test_datamanifest_refuses_each_fault),
		cmocka_unit_test(test_datamanifest_document_ids),
		cmocka_unit_test(test_datamanifest_repository_has_enough_held_out_documents),
		SCRATCH(test_datamanifest_build_joins_sorted_by_path),
		SCRATCH(test_datamanifest_build_says_what_does_not_fit),
		SCRATCH(test_datamanifest_fetch_installs_once),
		SCRATCH(test_datamanifest_fetch_makes_anew_what_is_gone_or_old),
		SCRATCH(test_datamanifest_fetch_records_another_text),
		SCRATCH(test_datamanifest_verify_finds_damage),
		SCRATCH(test_datamanifest_fetch_fails_clearly),
		SCRATCH(test_datamanifest_fetch_survives_failing_disk),
		SCRATCH(test_datamanifest_index_refuses_rubbish),
		SCRATCH(test_datamanifest_programs_say_why_they_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
