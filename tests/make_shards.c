/* make_shards.c: the folders of shards that nobody has run: made-up results of every item of a plan.
 *
 *   make_shards SPEC.json OUT SHARDS
 *
 * Writes OUT/1 ... OUT/SHARDS with journals as run --shard would, of passkey and perplexity items: merge takes them.
 * Equal arguments give equal files. For tests/bench/growth.sh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "harness/plan/task_class.h"
#include "harness/run/division.h"
#include "harness/run/items.h"

struct maker {
	struct fot_plan plan;
	struct fot_division division;
	const char *out;
};

static void fill_passkey(struct fot_table *t, size_t row, struct fot_rng *rng)
{
	int64_t key = 10000 + (int64_t)fot_rng_below(rng, 90000);
	bool right = fot_rng_below(rng, 10) > 0;
	char answer[32];

	snprintf(answer, sizeof answer, "%lld", (long long)(right ? key : key - 1));
	fot_table_set_int(t, row, "n_tokens_prompt", 1000);
	fot_table_set_int(t, row, "key_token_start", 500);
	fot_table_set_int(t, row, "key", key);
	fot_table_set_text(t, row, "answer", answer);
	fot_table_set_int(t, row, "exact_match", right);
	fot_table_set_int(t, row, "answer_rank", right ? 1 : 2);
	fot_table_set_real(t, row, "answer_logprob_nats", -fot_rng_uniform(rng));
}

static void fill_perplexity(struct fot_table *t, size_t row, struct fot_rng *rng)
{
	int64_t n = 512 + (int64_t)fot_rng_below(rng, 512);

	fot_table_set_int(t, row, "n_tokens_doc", 2048);
	fot_table_set_int(t, row, "n_tokens_scored", n);
	fot_table_set_int(t, row, "n_words_scored", n / 2);
	fot_table_set_int(t, row, "n_bytes_scored", n * 4);
	fot_table_set_real(t, row, "nll_nats", (2 + fot_rng_uniform(rng)) * (double)n);
	fot_table_set_real(t, row, "nll_sq_nats", (6 + fot_rng_uniform(rng)) * (double)n);
	fot_table_set_int(t, row, "n_windows", n / 512);
	fot_table_set_int(t, row, "target_start", 512);
}

static int add_sample(cJSON *list, const struct fot_item *item)
{
	char text[160];
	cJSON *o = cJSON_CreateObject();

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	cJSON_AddItemToArray(list, o);
	cJSON_AddStringToObject(o, "item", item->id);
	cJSON_AddStringToObject(o, "prompt_begin", text);
	cJSON_AddStringToObject(o, "prompt_key", text);
	cJSON_AddStringToObject(o, "prompt_end", text);
	return FOT_OK;
}

static int add_item(struct fot_journal *j, const struct maker *m, size_t i, struct fot_err *err)
{
	const struct fot_item *item = &m->plan.item[i];
	const struct fot_task_class *class = fot_task_class_of(&m->plan, item);
	bool passkey = strcmp(class->name, "passkey") == 0;
	cJSON *result = NULL, *note = NULL, *samples = cJSON_CreateArray();
	struct fot_table rows;
	struct fot_rng rng;
	int status;

	fot_rng_init(&rng, 1, "make_shards", i);
	fot_table_init(&rows, class->schema);
	class->failed(&m->plan, item, &rows);
	for (size_t row = 0; row < rows.n_rows; row++) {
		(passkey ? fill_passkey : fill_perplexity)(&rows, row, &rng);
		fot_table_set_text(&rows, row, "status", "ok");
		fot_table_set_real(&rows, row, "wall_s", fot_rng_uniform(&rng));
	}
	FOT_TRY(fot_table_check(&rows, err));
	if (passkey)
		FOT_TRY(add_sample(samples, item));
	FOT_TRY(fot_item_record(&rows, samples, &result, &note, err));
	FOT_TRY(fot_journal_append(j, item->id, result, note, err));
out:
	cJSON_Delete(result);
	cJSON_Delete(note);
	cJSON_Delete(samples);
	fot_table_release(&rows);
	return status;
}

static int make_shard(const struct maker *m, int64_t shard, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	struct fot_journal *j = NULL;
	int status, closed;

	fot_str_printf(&path, "%s/%lld", m->out, (long long)shard + 1);
	FOT_TRY(fot_str_check(&path, err));
	FOT_TRY(fot_mkdir_all(path.data, err));
	fot_str_puts(&path, "/journal.jsonl");
	FOT_TRY(fot_str_check(&path, err));
	FOT_TRY(fot_journal_create(&j, path.data, m->plan.identity, err));
	for (size_t i = 0; i < m->plan.n_items; i++)
		if (m->division.shard[i] == shard)
			FOT_TRY(add_item(j, m, i, err));
out:
	closed = fot_journal_close(j, err);
	fot_str_release(&path);
	return status == FOT_OK ? closed : status;
}

int main(int argc, char **argv)
{
	struct maker m = { .out = argc == 4 ? argv[2] : NULL };
	struct fot_spec spec = { 0 };
	struct fot_err err = { 0 };
	int64_t shards = 0;
	int status;

	if (argc != 4 || !fot_parse_i64(argv[3], &shards) || shards < 1 || shards > FOT_SHARDS_MOST) {
		fprintf(stderr, "usage: make_shards SPEC.json OUT SHARDS\n");
		return FOT_ERR_USAGE;
	}
	FOT_TRY(fot_spec_read(&spec, argv[1], &err));
	FOT_TRY(fot_plan_open(&m.plan, &spec, m.out, 0, &err));
	FOT_TRY(fot_division_make(&m.division, &m.plan, shards, FOT_DIVISION_COST, &err));
	for (int64_t k = 0; k < shards && status == FOT_OK; k++)
		status = make_shard(&m, k, &err);
out:
	if (status != FOT_OK)
		fprintf(stderr, "make_shards: %s\n", err.text);
	fot_division_release(&m.division);
	fot_plan_close(&m.plan);
	fot_spec_release(&spec);
	return status;
}
