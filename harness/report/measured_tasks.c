/* measured_tasks.c: the table of what the tasks measure; see measures.h. */
#include <string.h>

#include "harness/report/measures.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const struct fot_measure perplexity_measures[] = {
	{ "perplexity", FOT_MEASURE_EXP, "nll_nats", "n_tokens_scored", false },
};
static const struct fot_measure perplexity_others[] = {
	{ "word_perplexity", FOT_MEASURE_EXP, "nll_nats", "n_words_scored", false },
	{ "byte_perplexity", FOT_MEASURE_EXP, "nll_nats", "n_bytes_scored", false },
	{ "bits_per_byte", FOT_MEASURE_BITS, "nll_nats", "n_bytes_scored", false },
};
static const struct fot_measure passkey_measures[] = {
	{ "accuracy", FOT_MEASURE_ITEMS, "exact_match", NULL, false },
};
static const struct fot_measure lookup_measures[] = {
	{ "token_accuracy", FOT_MEASURE_CLUSTERS, "n_correct_tokens", "n_value_tokens", false },
	{ "value_accuracy", FOT_MEASURE_CLUSTERS, "n_correct_values", "n_queries", false },
};
static const struct fot_measure fewshot_measures[] = {
	{ "accuracy", FOT_MEASURE_CROSSED, "correct", NULL, false },
	{ "balanced_accuracy", FOT_MEASURE_BALANCED, "correct", NULL, false },
};
static const struct fot_measure distraction_measures[] = {
	{ "positive_mass", FOT_MEASURE_CLUSTERS, "positive_mass", "n_queries", true },
};

const struct fot_measured_task fot_measured_tasks[] = {
	{ .schema = &fot_schema_perplexity,
	  .place = LIST("own_tokens"),
	  .item = LIST("doc_id"),
	  .target = LIST("doc_sha256", "n_tokens_scored", "target_start", "tokenizer_sha256"),
	  .same = LIST("doc_sha256", "tokenizer_sha256", "stride", "bos_mode", "memory_tokens",
		       "target_start", "n_tokens_scored", "n_bytes_scored", "status"),
	  .outcome = LIST("nll_nats"),
	  .trace = LIST("nll_sq_nats", "tokenizer_sha256"),
	  .per = "n_tokens_scored",
	  .axis = "context_length",
	  .least = FOT_COMPARED_SHORTEST,
	  .of_memory = true,
	  .trend = true,
	  .measure = perplexity_measures,
	  .n_measures = COUNT(perplexity_measures),
	  .other = perplexity_others,
	  .n_others = COUNT(perplexity_others) },
	{ .schema = &fot_schema_passkey,
	  .place = LIST("prompt_style"),
	  .item = LIST("depth", "trial", "seed"),
	  .same = LIST("key", "n_tokens_prompt", "key_token_start", "chance_level", "memory_tokens",
		       "tokenizer_sha256", "status"),
	  .outcome = LIST("exact_match", "answer", "answer_rank", "answer_logprob_nats"),
	  .axis = "context_length",
	  .least = FOT_COMPARED_SHORTEST,
	  .part = "depth",
	  .measure = passkey_measures,
	  .n_measures = COUNT(passkey_measures) },
	{ .schema = &fot_schema_lookup,
	  .place = LIST("n_records"),
	  .item = LIST("trial", "seed"),
	  .same = LIST("n_queries", "n_value_tokens", "chance_level", "memory_tokens", "tokenizer_sha256",
		       "status"),
	  .outcome = LIST("n_correct_tokens", "n_correct_values", "nll_nats"),
	  .per = "n_value_tokens",
	  .axis = "context_length",
	  .least = FOT_COMPARED_SHORTEST,
	  .measure = lookup_measures,
	  .n_measures = COUNT(lookup_measures) },
	{ .schema = &fot_schema_fewshot,
	  .place = LIST("shots_asked", "calibration", "distractors"),
	  .item = LIST("item_id", "demo_seed"),
	  .same = LIST("item_sha256", "n_tokens_prompt", "n_shots_fitted", "n_labels", "label_gold",
		       "memory_tokens", "tokenizer_sha256", "status"),
	  .outcome = LIST("correct", "label_pred", "score_gold_nats", "score_best_other_nats"),
	  .axis = "n_shots",
	  .least = "fewest shots",
	  .axis_place = "shots_asked",
	  .measure = fewshot_measures,
	  .n_measures = COUNT(fewshot_measures) },
	{ .schema = &fot_schema_distraction,
	  .place = LIST("n_contexts", "layer", "head"),
	  .item = LIST("doc_id"),
	  .same = LIST("n_queries", "chance_level", "memory_tokens", "tokenizer_sha256", "status"),
	  .outcome = LIST("positive_mass"),
	  .detail = "head",
	  .measure = distraction_measures,
	  .n_measures = COUNT(distraction_measures) },
};
const size_t fot_n_measured_tasks = COUNT(fot_measured_tasks);

const struct fot_measured_task *fot_measured_task(const struct fot_schema *schema)
{
	for (size_t i = 0; i < COUNT(fot_measured_tasks); i++) {
		if (fot_measured_tasks[i].schema == schema)
			return &fot_measured_tasks[i];
	}
	return NULL;
}

const struct fot_measure *fot_measured_metric(const struct fot_measured_task *task, const char *metric)
{
	for (size_t i = 0; i < task->n_measures; i++) {
		if (strcmp(task->measure[i].metric, metric) == 0)
			return &task->measure[i];
	}
	return NULL;
}

const struct fot_measure *fot_measured_shown(const struct fot_measured_task *task, bool bits, size_t *n)
{
	size_t i = 0;

	while (bits && i < task->n_others && task->other[i].kind != FOT_MEASURE_BITS)
		i++;
	*n = bits && i < task->n_others ? 1 : task->n_measures;
	return bits && i < task->n_others ? &task->other[i] : task->measure;
}

bool fot_measure_is_rate(const struct fot_measure *m)
{
	return m->kind == FOT_MEASURE_EXP || m->kind == FOT_MEASURE_BITS;
}

bool fot_measure_is_crossed(const struct fot_measure *m)
{
	return m->kind == FOT_MEASURE_CROSSED || m->kind == FOT_MEASURE_BALANCED;
}

bool fot_measured_same_place(const struct fot_measured_task *task, const struct fot_table *t, size_t a,
			     const struct fot_table *u, size_t b)
{
	return fot_table_same_all(t, a, u, b, LIST("dataset", "context_length")) &&
	       fot_table_same_all(t, a, u, b, task->place);
}

int fot_measured_groups(struct fot_groups *out, const struct fot_table *t, size_t first, size_t last,
			const char *const *condition, const struct fot_measured_task *task, const char *part,
			struct fot_err *err)
{
	const char *key[FOT_GROUP_COLUMNS + 1];
	size_t n = fot_columns_append(key, 0, condition);

	n = fot_columns_append(key, n, LIST("dataset", "context_length"));
	n = fot_columns_append(key, n, task->place);
	if (part)
		fot_columns_append(key, n, LIST(part));
	return fot_groups_add(out, t, first, last, key, err);
}
