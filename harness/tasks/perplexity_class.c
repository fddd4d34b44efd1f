/* perplexity_class.c: perplexity as a task class: an item is a document, at all context
 * lengths; with own_tokens among windows of other documents (pool.h). */
#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "harness/ask/evaluate.h"
#include "harness/plan/task_class.h"
#include "harness/report/plotdata.h"
#include "harness/run/items.h"
#include "harness/run/pool.h"
#include "harness/tables/columns.h"
#include "tasks/perplexity.h"

/* --- plan --- */

static struct fot_perplexity task_of(const struct fot_plan *p, size_t condition, size_t task)
{
	const struct fot_task_spec *t = &p->spec->task[task];

	return (struct fot_perplexity){
		.window = p->condition[condition].opts.window,
		.context_length = t->context_length,
		.n_lengths = t->n_lengths,
		.target_tokens = t->target_tokens,
		.own_tokens = t->own_tokens,
		.targets_from = t->targets_from,
	};
}

static size_t keeps(const struct fot_plan *p, size_t task)
{
	return p->spec->task[task].own_tokens > 0 ? fot_library_bytes(p, task) : 0;
}

static bool repeats(const struct fot_task_spec *t)
{
	return t->own_tokens > 0;
}

/* Bytes below which a document is certainly too short for some condition: a
 * token holds one byte at least, BOS and a dummy space come on top. */
static int64_t least_bytes(const struct fot_plan *p, size_t task)
{
	int64_t most = 0;

	for (size_t c = 0; c < p->n_conditions; c++) {
		struct fot_perplexity x = task_of(p, c, task);
		int64_t need = (int64_t)fot_perplexity_min_tokens(&x) - 2;

		most = need > most ? need : most;
	}
	return most;
}

/* Has a condition before this one the same tokenizer and need? Then it has the same documents. */
static bool was_checked(const struct fot_plan *p, const struct fot_item *all, size_t need)
{
	struct fot_item other = *all;
	const char *hash = fot_tokenizer_hash(fot_task_tokenizer(p, all));

	for (other.condition = 0; other.condition < all->condition; other.condition++) {
		struct fot_perplexity x = task_of(p, other.condition, all->task);
		const struct fot_tokenizer *t = fot_task_tokenizer(p, &other);

		if (t && strcmp(fot_tokenizer_hash(t), hash) == 0 && fot_perplexity_min_tokens(&x) == need &&
		    !fot_plan_excluded(p, &other))
			return true;
	}
	return false;
}

static int check_documents(const struct fot_plan *p, const struct fot_item *all, const struct fot_perplexity *x,
			   struct fot_err *err)
{
	size_t need = fot_perplexity_min_tokens(x);
	char what[96];

	if (was_checked(p, all, need))
		return FOT_OK;
	if (x->own_tokens)
		snprintf(what, sizeof what, "own_tokens %lld with a window of %lld", (long long)x->own_tokens,
			 (long long)x->window);
	else
		snprintf(what, sizeof what, "%s %lld with a window of %lld",
			 x->targets_from ? "targets_from" : "context length",
			 (long long)(x->targets_from ? x->targets_from : x->context_length[x->n_lengths - 1]),
			 (long long)x->window);
	return fot_task_long_enough(p, all, (int64_t)need, what, err);
}

/* Windows that grow hold the longest context. */
static int check_growth(const struct fot_plan *p, size_t condition, const struct fot_perplexity *x, struct fot_err *err)
{
	const struct fot_session_opts *o = &p->condition[condition].opts;
	int64_t longest = x->context_length[x->n_lengths - 1], most = (int64_t)o->window * o->rope_factor;

	if (!o->rope_factor)
		return FOT_OK;
	if (x->own_tokens)
		return FOT_FAIL(err, FOT_ERR_USAGE, "perplexity: own_tokens: memory \"%s\" holds no other documents",
				p->condition[condition].memory);
	if (longest > most)
		return FOT_FAIL(err, FOT_ERR_USAGE, "perplexity: context_lengths: memory \"%s\": expected at most %lld, got %lld",
				p->condition[condition].memory, (long long)most, (long long)longest);
	return FOT_OK;
}

static int items(struct fot_plan *p, size_t condition, size_t task, struct fot_err *err)
{
	const struct fot_task_spec *t = &p->spec->task[task];
	struct fot_perplexity x = task_of(p, condition, task);
	int status;

	FOT_TRY(fot_perplexity_check(&x, err));
	if (t->own_tokens && p->condition[condition].mode == FOT_MEMORY_XL)
		return FOT_FAIL(err, FOT_ERR_USAGE, "perplexity: own_tokens: memory \"xl\" holds no other documents");
	FOT_TRY(check_growth(p, condition, &x, err));
	FOT_TRY(fot_task_documents(p, condition, task, least_bytes(p, task), err));
	for (size_t k = 0; k < t->n_datasets; k++) {
		struct fot_item all = { .condition = condition, .task = task };

		FOT_TRY(fot_plan_dataset(p, t->dataset[k], &all.dataset, err));
		if (fot_plan_excluded(p, &all))
			continue;
		if (t->own_tokens)
			FOT_TRY(fot_pool_check(p, &all, (int64_t)fot_perplexity_others(&x) * x.window, err));
		FOT_TRY(check_documents(p, &all, &x, err));
	}
out:
	return status;
}

static int64_t memory(const struct fot_plan *p, size_t condition, size_t task)
{
	struct fot_perplexity x = task_of(p, condition, task);

	return fot_perplexity_memory(&x);
}

/* Multi-doc: others, and the own tokens before each target window. */
static void own_cost(struct fot_cost *c, const struct fot_perplexity *x, int64_t n_targets)
{
	int64_t own = x->own_tokens / x->window; /* whole windows, of which a target window brings one new */

	c->common = (int64_t)fot_perplexity_others(x) * x->window;
	c->filled = c->common + n_targets * x->own_tokens;
	c->again = (n_targets * own - (own + n_targets - 1)) * x->window;
	c->again = c->again > 0 ? c->again : 0;
}

/* Token counts are estimated by one byte per token, the most there can be. */
static struct fot_cost cost(const struct fot_plan *p, const struct fot_item *item)
{
	struct fot_perplexity x = task_of(p, item->condition, item->task);
	int64_t bytes = fot_dataset_at(p->dataset[item->dataset].data, item->document)->n_bytes;
	int64_t begin = (int64_t)fot_perplexity_begin(&x), targets = bytes - begin;
	struct fot_cost c = { .filled = begin };

	if (targets < x.window)
		return (struct fot_cost){ .asked = 1 };
	if (targets > x.target_tokens)
		targets = x.target_tokens < x.window ? x.window : x.target_tokens;
	if (p->condition[item->condition].opts.rope_factor)
		c.filled = 0; /* what each window sees is part of it */
	else if (!fot_task_has_memory(p, item))
		return (struct fot_cost){ .asked = targets };
	if (fot_task_sight(p, item))
		return fot_evaluate_cached_cost(x.context_length, x.n_lengths, x.window, fot_task_sight(p, item),
						targets);
	if (x.own_tokens)
		own_cost(&c, &x, targets / x.window);
	for (size_t l = 0; l < x.n_lengths; l++) {
		c.asked += targets;
		c.pairs += (double)targets * (double)(x.context_length[l] - x.window);
	}
	return c;
}

/* --- rows --- */

static size_t key_row(const struct fot_plan *p, const struct fot_item *item, int64_t length,
		      struct fot_table *t)
{
	const struct fot_document *doc = fot_dataset_at(p->dataset[item->dataset].data, item->document);
	size_t row = fot_task_row(p, item, length, t);

	fot_table_set_int(t, row, "stride", p->condition[item->condition].opts.window);
	fot_table_set_text(t, row, "bos_mode", fot_tokenizer_bos(fot_task_tokenizer(p, item)) >= 0 ? "first" : "none");
	fot_table_set_text(t, row, "doc_id", doc->id);
	fot_table_set_text(t, row, "doc_sha256", doc->sha256);
	if (p->spec->task[item->task].own_tokens)
		fot_table_set_int(t, row, "own_tokens", p->spec->task[item->task].own_tokens);
	return row;
}

static void failed(const struct fot_plan *plan, const struct fot_item *item, struct fot_table *table)
{
	const struct fot_task_spec *t = &plan->spec->task[item->task];

	for (size_t l = 0; l < t->n_lengths; l++)
		fot_table_set_text(table, key_row(plan, item, t->context_length[l], table), "status",
				   "failed");
}

static void skipped_rows(const struct fot_plan *plan, const struct fot_item *item, size_t n_tokens,
			 struct fot_table *table)
{
	const struct fot_task_spec *t = &plan->spec->task[item->task];

	for (size_t l = 0; l < t->n_lengths; l++) {
		size_t row = key_row(plan, item, t->context_length[l], table);

		fot_table_set_int(table, row, "n_tokens_doc", (int64_t)n_tokens);
		fot_table_set_int(table, row, "n_tokens_scored", 0);
		fot_table_set_text(table, row, "status", "skipped_short");
	}
}

struct text_size {
	int64_t bytes, words;
};

static void scored_row(const struct fot_plan *plan, const struct fot_item *item, const struct fot_request *r,
		       const struct fot_scores *s, size_t length_index, const struct text_size *text,
		       int64_t n_documents, struct fot_table *t)
{
	struct fot_perplexity_observation o;
	double wall = s->wall_s[length_index];
	size_t row = key_row(plan, item, r->context_length[length_index], t);

	fot_perplexity_observe(&o, r, s, length_index);
	fot_table_set_int(t, row, "n_tokens_doc", (int64_t)r->n_tokens);
	fot_table_set_int(t, row, "n_tokens_scored", o.n_tokens_scored);
	fot_table_set_int(t, row, "n_words_scored", text->words);
	fot_table_set_int(t, row, "n_bytes_scored", text->bytes);
	fot_table_set_real(t, row, "nll_nats", o.nll_nats);
	fot_table_set_real(t, row, "nll_sq_nats", o.nll_sq_nats);
	fot_table_set_int(t, row, "n_windows", o.n_windows);
	fot_table_set_int(t, row, "truncated", r->end + 1 < r->n_tokens);
	fot_table_set_text(t, row, "status", "ok");
	fot_table_set_real(t, row, "wall_s", wall);
	if (wall > 0)
		fot_table_set_real(t, row, "tokens_per_s", (double)o.n_tokens_scored / wall);
	fot_table_set_int(t, row, "peak_rss_bytes", (int64_t)fot_mem_peak_rss());
	fot_table_set_int(t, row, "target_start", (int64_t)r->begin + 1);
	if (r->own)
		fot_table_set_int(t, row, "n_documents", n_documents);
}

/* Multi-doc: documents that the memory of length index l holds something of. */
static int64_t documents_in_sight(const struct fot_request *r, const int64_t *of_others, size_t l)
{
	int64_t seen = r->context_length[l] - r->window, others = seen - (int64_t)r->own;

	if (others <= 0)
		return seen > 0;
	return 1 + of_others[(others + r->window - 1) / r->window];
}

/* --- evaluation --- */

/* Bytes and words of the targets, in the text as the document holds it. */
static int measure_text(struct text_size *out, const struct fot_plan *p, const struct fot_item *item,
			const struct fot_request *r, struct fot_err *err)
{
	const struct fot_dataset *d = p->dataset[item->dataset].data;
	const struct fot_tokenizer *t = fot_task_tokenizer(p, item);
	bool bos = fot_tokenizer_bos(t) >= 0;
	struct fot_str text = FOT_STR_INIT;
	struct fot_ids ids = { 0 };
	int status;

	FOT_TRY(fot_dataset_text(d, item->document, &text, err));
	FOT_TRY(fot_tokenizer_encode_ends(t, &ids, r->end + 1 - bos, text.data, text.len, err));
	if (ids.n >= r->end + 1 - bos && memcmp(ids.id, r->tokens + bos, (r->end + 1 - bos) * sizeof *ids.id) == 0)
		fot_perplexity_text(&out->bytes, &out->words, r, text.data, ids.end, bos);
	else
		status = FOT_FAIL(err, FOT_ERR_RUN, "document %s: the tokens in the cache are not those of its text",
				  fot_dataset_at(d, item->document)->id);
out:
	fot_ids_release(&ids);
	fot_str_release(&text);
	return status;
}

/* of_others: as fot_others_documents gives it, NULL: single-doc. */
static int evaluate_request(struct fot_worker *w, const struct fot_item *item, const struct fot_request *r,
			    const int64_t *of_others, struct fot_table *table, struct fot_err *err)
{
	bool memory = fot_task_has_memory(w->plan, item);
	struct fot_scores s = { 0 };
	struct text_size text;
	int status;

	s.nll = fot_alloc(fot_size_mul(r->n_lengths, r->end - r->begin), sizeof *s.nll);
	s.wall_s = fot_alloc(r->n_lengths, sizeof *s.wall_s);
	if (!s.nll || !s.wall_s)
		FOT_TRY(FOT_FAIL(err, FOT_ERR_RUN, "out of memory for the scores of %zu tokens",
				 r->end - r->begin));
	FOT_TRY(measure_text(&text, w->plan, item, r, err));
	w->asker.valid = false; /* the session holds a document now */
	FOT_TRY(fot_evaluate(w->session, memory, r, &s, err));
	for (size_t l = 0; l < r->n_lengths; l++)
		scored_row(w->plan, item, r, &s, l, &text,
			   of_others && memory ? documents_in_sight(r, of_others, l) : 0, table);
	status = fot_table_check(table, err);
out:
	fot_free(s.nll);
	fot_free(s.wall_s);
	return status;
}

/* Others in front of the document's own context. Without memory nothing is read of them. */
static int evaluate_among_others(struct fot_worker *w, const struct fot_item *item, struct fot_request *r,
				 const struct fot_perplexity *task, struct fot_table *table, struct fot_err *err)
{
	struct fot_pool_windows windows = { 0 };
	int status;

	if (fot_task_has_memory(w->plan, item))
		FOT_TRY(fot_pool_windows(&windows, w, item, fot_perplexity_others(task), err));
	r->others = windows.tokens;
	r->n_others = windows.n_tokens;
	status = evaluate_request(w, item, r, windows.n_documents, table, err);
out:
	fot_pool_windows_release(&windows);
	return status;
}

static int evaluate(struct fot_worker *w, const struct fot_item *item, struct fot_table *table, cJSON *samples,
		    struct fot_err *err)
{
	const struct fot_plan *p = w->plan;
	struct fot_perplexity task = task_of(p, item->condition, item->task);
	struct fot_request r;
	struct fot_ids ids = { 0 };
	int status;

	(void)samples;
	FOT_TRY(fot_dataset_tokens(p->dataset[item->dataset].data, item->document,
				   fot_model_tokenizer(fot_plan_model_of(p, item)), p->store, &ids, err));
	if (fot_perplexity_request(&r, &task, ids.id, ids.n)) {
		status = r.own ? evaluate_among_others(w, item, &r, &task, table, err) :
				 evaluate_request(w, item, &r, NULL, table, err);
	} else {
		skipped_rows(p, item, ids.n, table);
		status = fot_table_check(table, err);
	}
out:
	fot_ids_release(&ids);
	return status;
}

/* --- what its rows hold and say --- */

static const struct fot_column columns[] = {
	FOT_KEY_COLUMNS,
	{ "stride", FOT_COLUMN_INT, false, "tokens between the starts of two scored windows" },
	{ "bos_mode", FOT_COLUMN_TEXT, false,
	  "first: one BOS at the start of the document; none: the model has none" },
	{ "doc_id", FOT_COLUMN_TEXT, false, "document, unique in its dataset" },
	{ "doc_sha256", FOT_COLUMN_TEXT, false, "sha256 of the document's text" },
	{ "n_tokens_doc", FOT_COLUMN_INT, false, "tokens of the document, BOS included" },
	{ "n_tokens_scored", FOT_COLUMN_INT, false, "target tokens" },
	{ "n_words_scored", FOT_COLUMN_INT, false,
	  "words (runs of non-white-space bytes) that start in the target text" },
	{ "n_bytes_scored", FOT_COLUMN_INT, false, "bytes of the target text" },
	{ "nll_nats", FOT_COLUMN_REAL, false, "sum of -log p over the target tokens" },
	{ "nll_sq_nats", FOT_COLUMN_REAL, false, "sum of (log p)^2 over the target tokens" },
	{ "n_windows", FOT_COLUMN_INT, false, "scored windows" },
	{ "truncated", FOT_COLUMN_BOOL, false, "1: the document goes on behind the last target" },
	{ "status", FOT_COLUMN_TEXT, false, "ok, skipped_short (no full target window), failed" },
	{ "wall_s", FOT_COLUMN_REAL, true,
	  "seconds for this row (the shared prefix counts for the longest context)" },
	{ "tokens_per_s", FOT_COLUMN_REAL, true, "n_tokens_scored / wall_s" },
	{ "peak_rss_bytes", FOT_COLUMN_INT, true, "largest resident size of the process so far" },
	FOT_SESSION_COLUMNS,
	{ "target_start", FOT_COLUMN_INT, false, "index in the document of the first target token" },
	{ "tokenizer_sha256", FOT_COLUMN_TEXT, false,
	  "tokenizer: nll per token compares only where it is the same" },
	{ "own_tokens", FOT_COLUMN_INT, false,
	  "multi-doc: tokens of the memory that are the document's own, the others are of other documents; empty: all" },
	{ "n_documents", FOT_COLUMN_INT, false,
	  "multi-doc: documents of which the memory holds something, the own one included" },
	FOT_MEMORY_COLUMN,
	FOT_COMPUTE_COLUMN,
	FOT_BUDGET_COLUMNS,
};

const struct fot_schema fot_schema_perplexity = {
	"perplexity",
	"One row per document and context length. nll_nats is a sum: perplexity per token, word and byte and bits per byte follow.",
	columns, FOT_COUNT(columns)
};

static const struct fot_measure measures[] = {
	{ .metric = "perplexity", .kind = FOT_MEASURE_EXP, .right = "nll_nats", .asked = "n_tokens_scored",
	  .heading = "perplexity" },
};
static const struct fot_measure others[] = {
	{ .metric = "word_perplexity", .kind = FOT_MEASURE_EXP, .right = "nll_nats", .asked = "n_words_scored",
	  .heading = "perplexity per word" },
	{ .metric = "byte_perplexity", .kind = FOT_MEASURE_EXP, .right = "nll_nats", .asked = "n_bytes_scored",
	  .heading = "perplexity per byte" },
	{ .metric = "bits_per_byte", .kind = FOT_MEASURE_BITS, .right = "nll_nats", .asked = "n_bytes_scored",
	  .heading = "bits per byte" },
};
static const struct fot_measure trend[] = {
	{ .metric = "perplexity_trend", .kind = FOT_MEASURE_TREND, .heading = "nats per token per doubling" },
	{ .metric = "perplexity_rank", .kind = FOT_MEASURE_RANK, .heading = "rank correlation" },
};

#define OWN .metric = { "perplexity" }, .axis = "context_length", .empty = "own_tokens"
#define AMONG .metric = { "perplexity" }, .axis = "context_length", .line = { "own_tokens" }, .filled = "own_tokens"
#define ITEMS                                                                                          \
	.one = "document", .copies = true,                                                             \
	.note = " The longest context places the targets: a run with another longest one scores other tokens.", \
	.items = "{n_items:document}{n_skipped#too short}{n_failed#failed}, {n_tokens_scored} target tokens, the same at every "   \
		 "context length"

static const struct fot_summary_view summary[] = {
	{ .view = { .rows = FOT_GRID_ESTIMATES, OWN }, .title = "perplexity per token",
	  .caption = "Perplexity per token." FOT_INTERVALS "bootstrap over documents.", ITEMS },
	{ .view = { .rows = FOT_GRID_WITH_ITSELF, OWN },
	  .caption = "Change of perplexity against the same model and memory at its shortest context, on the same tokens."
		     FOT_INTERVALS "paired bootstrap over documents; p: sign flips, adjusted by Holm over the lengths." },
	{ .view = { .rows = FOT_GRID_WITH_BASELINE, OWN },
	  .caption = "Difference of perplexity from the vanilla model (the local weights with the same memory) at the same "
		     "context length, on the same tokens; intervals and p as above." },
	{ .view = { .rows = FOT_GRID_WITH_ALL, OWN },
	  .caption = "Difference of perplexity from the same model reading all of its memory (dense), at the same context length, on the "
		     "same tokens; intervals and p as above." },
	{ .view = { .rows = FOT_GRID_ESTIMATES, AMONG }, .title = "perplexity per token among other documents",
	  .caption = "Multi-doc: perplexity per token; of the memory the own tokens are the document's, the rest is windows of "
		     "others." FOT_INTERVALS "bootstrap over documents.",
	  ITEMS },
	{ .view = { .rows = FOT_GRID_WITH_ITSELF, AMONG },
	  .caption = "Multi-doc: change against the shortest context, on the same tokens; intervals and p as above." },
	{ .view = { .rows = FOT_GRID_WITH_BASELINE, AMONG },
	  .caption = "Multi-doc: difference from the vanilla model at the same context length, on the same tokens." },
	{ .view = { .metric = { "perplexity_trend", "perplexity_rank" }, .line = { "own_tokens" } },
	  .caption = "Trend with the context length: Theil-Sen slope of the mean nll against log2(length), below 0 where longer "
		     "contexts help, and Spearman's rank correlation." FOT_INTERVALS "bootstrap over documents." },
};

#define CAPTION(what)                                                                                     \
	.caption = what " against context length, lower is better. {n_items:document}{n_missing#others failed or too short}, " \
		   "{n_tokens_scored} target tokens, the same ones at every context length{target_start~, but not in lines of "    \
		   "another first target: these compare only with lines of the same}; {window} tokens of local window{common}, " \
		   "stride equal to the window, {bos_mode=first?one BOS at the start of the document. |no BOS. }Context length: " \
		   "local window plus memory{own_tokens?, of which the own tokens are the document's and the rest is windows of " \
		   "other documents}. In brackets the 95 % interval of the bootstrap over documents ({draws} draws, "            \
		   "percentiles)." FOT_BOLD("lower", "sign flips over documents")                                             \
		   "{target_start~ Each line against those of its first target.}{texts}"
#define PER_TOKEN "perplexity per token (exp of sum of nll over sum of tokens)"
#define COMPACT "Perplexity per token against context length in tokens, lower is better"

static const struct fot_report_view report[] = {
	{ .view = { OWN, .apart = "target_start" }, .compact = COMPACT, CAPTION(PER_TOKEN) },
	{ .view = { AMONG, .apart = "target_start" }, .compact = COMPACT ", the memory filled with other documents",
	  CAPTION(PER_TOKEN) },
	{ .view = { .metric = { "bits_per_byte" }, .axis = "context_length", .line = { "own_tokens" }, .apart = "target_start" },
	  .compact = "Bits per byte against context length in tokens, lower is better",
	  CAPTION("bits per byte (sum of -log2 p over the bytes of the target text)") },
};

static const struct fot_figure figures[] = {
	{ .name = "perplexity", .title = "Perplexity against context length (95 % intervals over documents)",
	  .metric = { "perplexity" }, .x = "context_length", FOT_FIGURE_VALUE, .factor = 1, .empty = "own_tokens" },
	{ .name = "change", .title = "Change of perplexity against the shortest context (paired 95 % intervals)",
	  .metric = { "perplexity" }, .x = "context_length", .value = "delta_nll_nats", .low = "delta_nll_ci_low_nats",
	  .high = "delta_nll_ci_high_nats", .comparison = FOT_COMPARED_SHORTEST, .empty = "own_tokens" },
	{ .name = "budget", .title = "Perplexity against the keys that a query reads (95 % intervals over documents)",
	  .metric = { "perplexity" }, .x = "keys_read", FOT_FIGURE_VALUE, .factor = 1, .filled = "keys_read",
	  .empty = "own_tokens", .told = FOT_LIST("context_length"), .kinds = true },
	{ .name = "loss", .title = "Change of perplexity against reading all of the memory (paired 95 % intervals)",
	  .metric = { "perplexity" }, .x = "keys_read", .value = "delta_nll_nats", .low = "delta_nll_ci_low_nats",
	  .high = "delta_nll_ci_high_nats", .comparison = FOT_COMPARED_ALL, .filled = "keys_read", .empty = "own_tokens",
	  .common = "context_length", .kinds = true, .longest = true },
	{ .name = "multidoc", .title = "Perplexity among other documents (95 % intervals over documents)",
	  .metric = { "perplexity" }, .x = "context_length", FOT_FIGURE_VALUE, .factor = 1, .filled = "own_tokens",
	  .common = "own_tokens", .told = FOT_LIST("own_tokens") },
};

const struct fot_measured_task fot_measured_perplexity = {
	.schema = &fot_schema_perplexity,
	.place = FOT_LIST("own_tokens"),
	.item = FOT_LIST("doc_id"),
	.target = FOT_LIST("doc_sha256", "n_tokens_scored", "target_start", "tokenizer_sha256"),
	.same = FOT_LIST("doc_sha256", "tokenizer_sha256", "stride", "bos_mode", "memory_tokens", "target_start",
			 "n_tokens_scored", "n_bytes_scored", "status"),
	.outcome = FOT_LIST("nll_nats"),
	.trace = FOT_LIST("nll_sq_nats", "tokenizer_sha256"),
	.per = "n_tokens_scored",
	.axis = "context_length",
	.least = FOT_COMPARED_SHORTEST,
	.of_memory = true,
	FOT_MEASURED(measures, summary, report, figures),
	.other = others,
	.n_others = FOT_COUNT(others),
	.trend = trend,
};

/* --- spec and class --- */

static const struct fot_key keys[] = {
	FOT_TASK_KEY,
	{ FOT_TASK_KEY_DATASETS, .required = true,
	  .help = "documents to score: names of datasets, folders of .txt files, .jsonl and .parquet files" },
	FOT_TASK_KEY_SPLIT,
	FOT_TASK_KEY_LENGTHS,
	{ FOT_TASK_KEY_TARGETS, .help = "tokens scored of each document, the same ones at every context length" },
	{ .name = "own_tokens", .type = &fot_key_size, FOT_KEY_AT(struct fot_task_spec, own_tokens), .lo = 1,
	  .hi = FOT_SPEC_TOKENS, .only_if_set = true, .unset = "all is its own", .flag = "own-tokens", .arg = "N",
	  .help = "multi-doc: memory of the document itself, the rest is of other documents" },
	{ .name = "targets_from", .type = &fot_key_size, FOT_KEY_AT(struct fot_task_spec, targets_from), .lo = 1,
	  .hi = FOT_SPEC_TOKENS, .only_if_set = true, .unset = "the longest here", .flag = "targets-from", .arg = "L",
	  .help = "score the tokens that a run with the longest context L scores" },
	FOT_TASK_KEY_DOCUMENTS,
};

const struct fot_task_class fot_task_perplexity = {
	FOT_TASK_NAMED(perplexity),
	.about = "perplexity against context length, from flags",
	.usage = "perplexity -m DIR -d DATASETS --context-lengths LIST -o DIR [options]",
	.help = "Perplexity against context length: the same target tokens are scored at every length, each seeing\n"
		"its local window and the memory of the tokens before it. The longest length places the targets: give a\n"
		"run with shorter lengths --targets-from L to pair it with one whose longest is L.",
	.version = FOT_PERPLEXITY_VERSION,
	.needs_tokenizer = true,
	.grows = true,
	.conventions = "exp(sum nll_nats / sum n_tokens_scored) over documents",
	.items = items,
	.memory = memory,
	.cost = cost,
	.repeats = repeats,
	.evaluate = evaluate,
	.failed = failed,
	.keeps = keeps,
	.forget = fot_pool_forget,
};
