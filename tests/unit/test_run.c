/* test_run.c: whatever call fails, a resumed run ends with the same files. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "harness/plan/task_class.h"
#include "harness/run/dryrun.h"
#include "harness/run/run.h"
#include "harness/run/workers.h"
#include "model/blas.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tiny_model.h"

static const char *const NAMES[] = { "perplexity.csv", "summary.csv", "summary.md" };
static struct fot_spec spec;
static struct fot_plan plan;

static void write_documents(void)
{
	struct fot_rng rng;
	char text[400];

	mkdir(scratch_path("docs"), 0777);
	fot_rng_init(&rng, 1, "test.docs", 0);
	for (int d = 0; d < 4; d++) {
		char name[32];
		size_t n = d == 3 ? 20 : sizeof text - 50 * (size_t)d;

		for (size_t i = 0; i < n; i++)
			text[i] = fot_rng_below(&rng, 6) ? (char)('a' + fot_rng_below(&rng, 26)) : ' ';
		snprintf(name, sizeof name, "docs/d%d.txt", d);
		scratch_write(name, text, n);
	}
}

static void read_spec(const char *model)
{
	struct fot_str text = FOT_STR_INIT;
	struct fot_err err = { 0 };
	cJSON *root = NULL;

	fot_str_printf(
		&text,
		"{\"models\":[{\"path\":\"%s\",\"variant\":\"x\",\"memory\":[\"none\",\"dense\"]}],"
		"\"tasks\":[{\"task\":\"perplexity\",\"datasets\":[\"%s\"],\"context_lengths\":[8,32],\"target_tokens\":64}]}",
		model, scratch_path("docs"));
	assert_int_equal(fot_json_parse(&root, text.data, text.len, "spec", FOT_ERR_USAGE, &err), FOT_OK);
	if (fot_spec_parse(&spec, root, "spec", NULL, &err) != FOT_OK)
		fail_msg("%s", err.text);
	cJSON_Delete(root);
	fot_str_release(&text);
}

static int set_up(void **state)
{
	struct fot_params params;
	struct fot_config c;
	struct fot_err err = { 0 };
	char model[256];

	scratch_make(state);
	fot_log_level(FOT_LOG_ERROR);
	fot_progress_mode(FOT_PROGRESS_OFF);
	snprintf(model, sizeof model, "%s", scratch_path("model"));
	mkdir(model, 0777);
	tiny_config(&c, 8, 1, true, false);
	c.vocab_size = 258;
	c.tokenizer = FOT_TOKENIZER_BYTE;
	c.bos_id = 256;
	c.eos_id = 257;
	c.pad_id = 257;
	fot_model_close(tiny_model(&params, &c, model, FOT_F32));
	fot_params_release(&params);
	write_documents();
	read_spec(model);
	if (fot_plan_open(&plan, &spec, NULL, 0, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return 0;
}

static int tear_down(void **state)
{
	fot_plan_close(&plan);
	fot_spec_release(&spec);
	return scratch_remove(state);
}

static int run(const char *name, enum fot_outdir_mode mode, int threads, struct fot_err *err)
{
	struct fot_run_opts opts = {
		.output = scratch_path(name), .mode = mode, .work = { .threads = threads }, .quiet = true
	};

	return fot_run(&plan, &opts, err);
}

static void read_out(struct fot_str *text, const char *dir, const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	fot_str_clear(text);
	assert_int_equal(fot_file_read(text, scratch_path(path), 1u << 20, NULL), FOT_OK);
}

static void assert_same_files(const char *a, const char *b)
{
	struct fot_str x = FOT_STR_INIT, y = FOT_STR_INIT;

	for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
		read_out(&x, a, NAMES[i]);
		read_out(&y, b, NAMES[i]);
		assert_int_equal(x.len, y.len);
		assert_memory_equal(x.data, y.data, x.len);
	}
	fot_str_release(&x);
	fot_str_release(&y);
}

/* A resume, or a fresh start when nothing was written yet. */
static void finish(const char *dir)
{
	struct fot_err err = { 0 };
	char path[64];

	snprintf(path, sizeof path, "%s/journal.jsonl", dir);
	if (run(dir, fot_file_exists(scratch_path(path)) ? FOT_OUTDIR_RESUME : FOT_OUTDIR_OVERWRITE, 1,
		&err) != FOT_OK)
		fail_msg("%s", err.text);
}

static void fail_each(const char *call, int threads)
{
	struct fot_err err = { 0 };
	int status = FOT_ERR_OUTPUT;

	assert_int_equal(run("whole", FOT_OUTDIR_NEW, 2, &err), FOT_OK);
	for (long k = 1; k < 200 && status != FOT_OK; k++) {
		char dir[32];

		snprintf(dir, sizeof dir, "k%ld", k);
		err = (struct fot_err){ 0 };
		fot_file_fail_at(call, k, ENOSPC);
		status = run(dir, FOT_OUTDIR_NEW, threads, &err);
		fot_file_fail_at(call, 0, 0);
		if (status != FOT_OK) {
			assert_int_equal(status, FOT_ERR_OUTPUT);
			assert_true(err.text[0] != '\0');
			finish(dir);
		}
		assert_same_files("whole", dir);
	}
	assert_int_equal(status, FOT_OK);
}

static void test_run_kth_write_fails(void **state)
{
	(void)state;
	fail_each("write", 1);
}

static void test_run_kth_fsync_fails(void **state)
{
	(void)state;
	fail_each("fsync", 1);
}

/* While two workers are at work one journal is written. */
static void test_run_kth_write_of_two_workers_fails(void **state)
{
	(void)state;
	fail_each("write", 2);
}

static void test_run_kth_rename_fails(void **state)
{
	(void)state;
	fail_each("rename", 1);
}

/* Without memory for one item that item fails, the others stay; for the rest
 * of the run it is an error; a resume always ends well. */
static void fail_each_allocation(int threads)
{
	struct fot_err err = { 0 };
	int status = FOT_ERR_RUN;

	assert_int_equal(run("whole", FOT_OUTDIR_NEW, 1, &err), FOT_OK);
	for (long k = 1; k < 100000 && status != FOT_OK; k += 1 + k / 3) {
		char dir[32];

		snprintf(dir, sizeof dir, "k%ld", k);
		err = (struct fot_err){ 0 };
		fot_mem_fail_at(k);
		status = run(dir, FOT_OUTDIR_NEW, threads, &err);
		fot_mem_fail_at(0);
		if (status != FOT_OK && status != FOT_ERR_PARTIAL && status != FOT_ERR_RUN &&
		    status != FOT_ERR_OUTPUT && status != FOT_ERR_INPUT)
			fail_msg("k %ld: status %d: %s", k, status, err.text);
		if (status != FOT_OK)
			finish(dir);
		assert_same_files("whole", dir);
	}
	assert_int_equal(status, FOT_OK);
}

static void test_run_kth_allocation_fails(void **state)
{
	(void)state;
	fail_each_allocation(1);
}

static void test_run_kth_allocation_of_two_workers_fails(void **state)
{
	(void)state;
	fail_each_allocation(2);
}

/* --- workers --- */

/* The schedule of the plan, whose items' operations are then `flops` [8]; kept, found: likewise. Returns its workers. */
static int32_t divide(struct fot_schedule *s, int threads, const double *flops, const int64_t *kept,
		      const double *found)
{
	const struct fot_work work = { .threads = threads };
	struct fot_worker w = { 0 };
	struct fot_err err = { 0 };

	assert_int_equal(fot_worker_init(&w, &plan, &work, &err), FOT_OK);
	assert_int_equal(fot_schedule(s, &w, NULL, NULL, &err), FOT_OK);
	assert_int_equal(s->n, 8);
	for (size_t i = 0; i < s->n; i++) {
		s->job[i].flops = flops[i];
		s->job[i].kept = kept[i];
		s->job[i].found = found[i];
	}
	assert_int_equal(fot_workers_divide(s, &plan, &work, &err), FOT_OK);
	fot_worker_release(&w);
	return s->n_workers;
}

static void test_run_pieces_begin_where_nothing_is_kept(void **state)
{
	/* conditions change at item 4 */
	static const double flops[8] = { 10, 10, 10, 10, 10, 10, 10, 10 };
	static const int64_t kept[8] = { 0, 1, 0, 9, 9, 1, 0, 9 };
	static const double none[8] = { 0 };
	static const bool begins[8] = { true, false, true, false, true, false, true, false };
	struct fot_schedule s = { 0 };

	(void)state;
	if (fot_threads_at_once(2) < 2)
		skip();
	assert_int_equal(divide(&s, 2, flops, kept, none), 2);
	assert_int_equal(s.n_small, 8);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(s.job[i].begins, begins[i]);
	fot_schedule_release(&s);
}

static void test_run_uneven_pieces_have_all_threads(void **state)
{
	static const double even[8] = { 10, 10, 10, 10, 10, 10, 10, 10 }, uneven[8] = { 10, 10, 10, 10, 10, 10, 10, 1000 };
	static const int64_t kept[8] = { 0 };
	static const double none[8] = { 0 }, little[8] = { [6] = 2 }, much[8] = { [6] = 31 };
	struct fot_schedule s = { 0 };

	(void)state;
	if (fot_threads_at_once(2) < 2)
		skip();
	assert_int_equal(divide(&s, 2, uneven, kept, none), 1);
	assert_int_equal(s.n_small, 0);
	fot_schedule_release(&s);
	assert_int_equal(divide(&s, 1, even, kept, none), 1);
	assert_int_equal(s.n_small, 0);
	fot_schedule_release(&s);
	assert_in_range(divide(&s, 1000, even, kept, none), 2, 8);
	fot_schedule_release(&s);
	/* what the second worker of a condition finds no more: 20 + 10 + 31 are more than 11 tenths of 40 */
	assert_int_equal(divide(&s, 2, even, kept, little), 2);
	fot_schedule_release(&s);
	assert_int_equal(divide(&s, 2, even, kept, much), 1);
	fot_schedule_release(&s);
}

static size_t one_gib(const struct fot_plan *p, size_t task)
{
	(void)p;
	(void)task;
	return (size_t)1 << 30;
}

/* Under the second condition every other item is of a second task, which keeps 1 GiB of documents. */
static void test_run_documents_count_for_the_tasks_that_keep_them(void **state)
{
	static const double even[8] = { 10, 10, 10, 10, 10, 10, 10, 10 }, none[8] = { 0 };
	static const int64_t nothing[8] = { 0 };
	const struct fot_work four = { .threads = 4 };
	struct fot_task_class keeping = *spec.task[0].class;
	struct fot_task_spec task[2] = { spec.task[0], spec.task[0] }, *was = spec.task;
	struct fot_schedule s = { 0 };

	(void)state;
	keeping.keeps = one_gib;
	task[1].class = &keeping;
	spec.task = task;
	spec.n_tasks = 2;
	for (size_t i = 0; i < plan.n_items; i++)
		plan.item[i].task = plan.item[i].condition == 1 && i % 2;
	assert_int_equal(fot_plan_kept(&plan, 0), 0);
	assert_int_equal(fot_plan_kept(&plan, 1), (size_t)1 << 30);
	assert_int_equal(fot_plan_kept(&plan, SIZE_MAX), (size_t)1 << 30);
	assert_true(fot_workers_small(&plan, 0, true, &four));
	assert_true(fot_workers_small(&plan, 1, false, &four));
	assert_false(fot_workers_small(&plan, 1, true, &four));
	assert_true(fot_workers_bytes(&plan, SIZE_MAX, &four) < (size_t)1 << 30);
	assert_true(fot_plan_peak(&plan, 1, &four) > (size_t)1 << 30);
	assert_true(fot_plan_peak(&plan, 0, &four) < (size_t)1 << 30);
	if (fot_threads_at_once(2) == 2) {
		assert_int_equal(divide(&s, 2, even, nothing, none), 2);
		assert_int_equal(s.n_small, 6);
		for (size_t i = 0; i < s.n; i++)
			assert_int_equal(plan.item[s.job[i].item].task, i >= 6);
		fot_schedule_release(&s);
	}
	for (size_t i = 0; i < plan.n_items; i++)
		plan.item[i].task = 0;
	spec.task = was;
	spec.n_tasks = 1;
}

static void test_run_sixteen_threads_same_files(void **state)
{
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(run("whole", FOT_OUTDIR_NEW, 1, &err), FOT_OK);
	assert_int_equal(run("many", FOT_OUTDIR_NEW, 16, &err), FOT_OK);
	assert_same_files("whole", "many");
}

static void test_run_journal_cut_anywhere(void **state)
{
	struct fot_str journal = FOT_STR_INIT;
	struct fot_err err = { 0 };
	size_t last3;

	(void)state;
	assert_int_equal(run("whole", FOT_OUTDIR_NEW, 1, &err), FOT_OK);
	read_out(&journal, "whole", "journal.jsonl");
	last3 = journal.len;
	for (int lines = 0; lines < 4 && last3 > 0; last3--)
		lines += journal.data[last3 - 1] == '\n';
	mkdir(scratch_path("cut"), 0777);
	/* every byte of the last three records in steps that hit all kinds of places */
	for (size_t at = last3; at <= journal.len; at += at + 60 > journal.len ? 1 : 83) {
		scratch_write("cut/journal.jsonl", journal.data, at);
		if (run("cut", FOT_OUTDIR_RESUME, 1, &err) != FOT_OK)
			fail_msg("cut at %zu: %s", at, err.text);
		assert_same_files("whole", "cut");
	}
	fot_str_release(&journal);
}

static void test_run_counts_items(void **state)
{
	struct fot_err err = { 0 };
	struct fot_str text = FOT_STR_INIT;

	(void)state;
	assert_int_equal(plan.n_items, 8);
	assert_int_equal(run("whole", FOT_OUTDIR_NEW, 1, &err), FOT_OK);
	read_out(&text, "whole", "manifest.json");
	assert_non_null(strstr(text.data, "\"planned\": 8"));
	assert_non_null(strstr(text.data, "\"done\": 8"));
	assert_non_null(strstr(text.data, "\"skipped\": 2"));
	assert_non_null(strstr(text.data, "\"failed\": 0"));
	assert_non_null(strstr(text.data, plan.run_id));
	fot_str_release(&text);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_run_counts_items),         TEST(test_run_kth_write_fails),
		TEST(test_run_kth_fsync_fails),      TEST(test_run_kth_rename_fails),
		TEST(test_run_kth_allocation_fails), TEST(test_run_journal_cut_anywhere),
		TEST(test_run_kth_write_of_two_workers_fails),
		TEST(test_run_kth_allocation_of_two_workers_fails),
		TEST(test_run_pieces_begin_where_nothing_is_kept),
		TEST(test_run_uneven_pieces_have_all_threads),
		TEST(test_run_documents_count_for_the_tasks_that_keep_them),
		TEST(test_run_sixteen_threads_same_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
