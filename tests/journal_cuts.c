/* journal_cuts.c: a run whose journal was cut or changed anywhere never ends with other files.
 *
 *   journal_cuts SPEC.json WHOLE CUT SEED
 *
 * WHOLE is the folder of an uninterrupted run with --no-timings.  Its journal is
 * cut at every byte of the last three records and at 200 random bytes, resumed in
 * CUT, and all result files are compared byte by byte.  Then single bits are changed:
 * before its last record the journal is refused and left as it is, in the last one the
 * item is done again and the files are the same.  Zeros, as a loss of power leaves them, in place of up to a
 * thousand bytes at random places behind the header cost the items from there on, and the files are the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "harness/run/run.h"

#define RANDOM_CUTS 200
#define RANDOM_HOLES 100
#define HOLE_MAX 1000
#define MAX_FILE ((size_t)1 << 24)

static const char *const files[] = { "perplexity.csv", "summary.csv", "summary.md", "summary.tex" };
#define N_FILES (sizeof files / sizeof files[0])

struct cutter {
	struct fot_plan plan;
	struct fot_str journal, want[N_FILES];
	const char *cut;
};

static int read_file(struct fot_str *out, const char *dir, const char *name, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status;

	fot_str_clear(out);
	FOT_TRY(fot_path_at(&path, dir, name, err));
	FOT_TRY(fot_file_read(out, path.data, MAX_FILE, err));
out:
	fot_str_release(&path);
	return status;
}

/* The folder as a crash left it: the journal up to byte n, no word that it was closed, nothing else. */
static int write_cut(const struct cutter *c, size_t n, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	FILE *f = NULL;
	int status;

	for (size_t i = 0; i < N_FILES; i++) {
		FOT_TRY(fot_path_at(&path, c->cut, files[i], err));
		unlink(path.data);
	}
	FOT_TRY(fot_path_at(&path, c->cut, "manifest.json", err));
	unlink(path.data);
	FOT_TRY(fot_path_at(&path, c->cut, "journal.jsonl", err));
	f = fopen(path.data, "wb");
	if (!f || fwrite(c->journal.data, 1, n, f) != n)
		status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot be written", path.data);
out:
	if (f && fclose(f) != 0 && status == FOT_OK)
		status = FOT_FAIL(err, FOT_ERR_OUTPUT, "%s: cannot be written", c->cut);
	fot_str_release(&path);
	return status;
}

static int resume(const struct cutter *c, struct fot_err *err)
{
	char *argv[] = { NULL };
	struct fot_run_opts opts = { .output = c->cut,
				     .mode = FOT_OUTDIR_RESUME,
				     .work = { .threads = 1 },
				     .quiet = true,
				     .argv = argv };

	return fot_run(&c->plan, &opts, err);
}

static int compare(const struct cutter *c, const char *name, const struct fot_str *want, struct fot_err *err)
{
	struct fot_str got = FOT_STR_INIT;
	int status;

	FOT_TRY(read_file(&got, c->cut, name, err));
	if (got.len != want->len || memcmp(got.data, want->data, got.len) != 0)
		status = FOT_FAIL(err, FOT_ERR_RUN, "%s differs", name);
out:
	fot_str_release(&got);
	return status;
}

static int try_cut(const struct cutter *c, size_t at, struct fot_err *err)
{
	int status;

	FOT_TRY(write_cut(c, at, err));
	FOT_TRY(resume(c, err));
	for (size_t i = 0; i < N_FILES; i++)
		FOT_TRY(compare(c, files[i], &c->want[i], err));
out:
	if (status != FOT_OK)
		fot_err_prefix(err, "cut at byte %zu of %zu", at, c->journal.len);
	return status;
}

/* Byte from which on the journal is: its last `lines` lines. */
static size_t tail_of(const struct fot_str *journal, int lines)
{
	size_t from = journal->len;

	for (; from > 0; from--) {
		lines -= journal->data[from - 1] == '\n';
		if (lines < 0)
			break;
	}
	return from;
}

/* Where the records begin. */
static size_t records_of(const struct fot_str *journal)
{
	return (size_t)((const char *)memchr(journal->data, '\n', journal->len) - journal->data) + 1;
}

/* The newline before the last line belongs to it: without it both are one torn line. A space that becomes a zero is a hole
 * (try_holes). */
static int try_changed(const struct cutter *c, size_t at, size_t records, struct fot_err *err)
{
	bool refuse = at + 1 < tail_of(&c->journal, 1) && (at < records || c->journal.data[at] != '\0');
	struct fot_err refused = { 0 };
	int status;

	FOT_TRY(write_cut(c, c->journal.len, err));
	status = resume(c, &refused);
	if (status != (refuse ? FOT_ERR_INPUT : FOT_OK)) {
		status = FOT_FAIL(err, FOT_ERR_RUN, "exit %d, \"%.200s\"", status, refused.text);
		goto out;
	}
	if (refuse) {
		status = compare(c, "journal.jsonl", &c->journal, err);
		goto out;
	}
	status = FOT_OK;
	for (size_t i = 0; i < N_FILES; i++)
		FOT_TRY(compare(c, files[i], &c->want[i], err));
out:
	return status;
}

/* Every byte of the last two lines, every seventh before. */
static int try_bits(const struct cutter *c, size_t *n, struct fot_err *err)
{
	size_t tail = tail_of(&c->journal, 2), records = records_of(&c->journal);
	int status = FOT_OK;

	for (size_t at = 0; at < c->journal.len && status == FOT_OK; at += at < tail ? 7 : 1, ++*n) {
		char was = c->journal.data[at];

		c->journal.data[at] = (char)(was ^ 1 << at % 8);
		status = try_changed(c, at, records, err);
		c->journal.data[at] = was;
		if (status != FOT_OK)
			fot_err_prefix(err, "bit %zu of byte %zu of %zu", at % 8, at, c->journal.len);
	}
	return status;
}

static int try_all(const struct cutter *c, uint64_t seed, size_t *n, struct fot_err *err)
{
	struct fot_rng rng;
	int status = FOT_OK;

	for (size_t at = tail_of(&c->journal, 3); at <= c->journal.len; at++, ++*n)
		FOT_TRY(try_cut(c, at, err));
	fot_rng_init(&rng, seed, "journal_cuts", 0);
	for (int i = 0; i < RANDOM_CUTS; i++, ++*n)
		FOT_TRY(try_cut(c, (size_t)fot_rng_below(&rng, c->journal.len + 1), err));
out:
	return status;
}

/* Behind the last mark: a run of a moment has waited for the disk before its first record alone, and for none of them. */
static int try_hole(const struct cutter *c, size_t from, size_t n, struct fot_err *err)
{
	struct fot_str was = FOT_STR_INIT;
	int status;

	fot_str_add(&was, c->journal.data + from, n);
	FOT_TRY(fot_str_check(&was, err));
	memset(c->journal.data + from, 0, n);
	status = try_cut(c, c->journal.len, err);
	memcpy(c->journal.data + from, was.data, n);
	if (status != FOT_OK)
		fot_err_prefix(err, "%zu zeros at byte %zu", n, from);
out:
	fot_str_release(&was);
	return status;
}

static int try_holes(const struct cutter *c, uint64_t seed, size_t *n, struct fot_err *err)
{
	size_t begin = records_of(&c->journal);
	struct fot_rng rng;
	int status = FOT_OK;

	fot_rng_init(&rng, seed, "journal_holes", 0);
	for (int i = 0; i < RANDOM_HOLES && status == FOT_OK; i++, ++*n) {
		size_t from = begin + (size_t)fot_rng_below(&rng, c->journal.len - begin);
		size_t most = c->journal.len - from < HOLE_MAX ? c->journal.len - from : HOLE_MAX;

		status = try_hole(c, from, 1 + (size_t)fot_rng_below(&rng, most), err);
	}
	return status;
}

int main(int argc, char **argv)
{
	struct fot_spec spec = { 0 };
	struct cutter c = { .cut = argc > 3 ? argv[3] : "" };
	struct fot_err err = { 0 };
	size_t n = 0, n_bits = 0, n_holes = 0;
	int status;

	if (argc != 5) {
		fprintf(stderr, "usage: journal_cuts SPEC.json WHOLE CUT SEED\n");
		return FOT_ERR_USAGE;
	}
	fot_log_level(FOT_LOG_ERROR);
	fot_progress_mode(FOT_PROGRESS_OFF);
	FOT_TRY(fot_spec_read(&spec, argv[1], &err));
	FOT_TRY(fot_plan_open(&c.plan, &spec, ".", 0, &err));
	FOT_TRY(read_file(&c.journal, argv[2], "journal.jsonl", &err));
	for (size_t i = 0; i < N_FILES; i++)
		FOT_TRY(read_file(&c.want[i], argv[2], files[i], &err));
	FOT_TRY(fot_mkdir_all(c.cut, &err));
	FOT_TRY(try_all(&c, strtoull(argv[4], NULL, 10), &n, &err));
	FOT_TRY(try_bits(&c, &n_bits, &err));
	FOT_TRY(try_holes(&c, strtoull(argv[4], NULL, 10), &n_holes, &err));
	printf("%zu cuts, %zu changed bits, %zu holes\n", n, n_bits, n_holes);
out:
	if (status != FOT_OK)
		fprintf(stderr, "journal_cuts: %s\n", err.text);
	fot_plan_close(&c.plan);
	fot_spec_release(&spec);
	fot_str_release(&c.journal);
	for (size_t i = 0; i < N_FILES; i++)
		fot_str_release(&c.want[i]);
	return status;
}
