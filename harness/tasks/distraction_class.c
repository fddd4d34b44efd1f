/* distraction_class.c: distraction as a task class: an item is a document, at all numbers of contexts.
 *
 *   others -> memory, once per document
 *   for every asking window:  own window before it -> memory,  ask,  rewind
 *
 * With one memory layer that is read densely, queries and the mass on a window do not depend on what
 * else is in sight: one reading serves every d, and gives the same bits as one for each.  Several
 * memory layers, or a search, need one for each. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/sum.h"
#include "harness/plan/task_class.h"
#include "harness/report/plotdata.h"
#include "harness/run/items.h"
#include "harness/run/pool.h"
#include "harness/tables/columns.h"
#include "tasks/distraction.h"

/* --- plan --- */

enum { CONTEXTS, N_CONTEXTS }; /* own values: d, ascending, distinct, from 1 */

static struct fot_distraction task_of(const struct fot_plan *p, size_t condition, size_t task)
{
	const struct fot_task_spec *t = &p->spec->task[task];

	return (struct fot_distraction){
		.seed = p->spec->seed,
		.window = p->condition[condition].opts.window,
		.n_contexts = t->own[CONTEXTS].sizes,
		.n = t->own[N_CONTEXTS].count,
		.query_tokens = t->target_tokens,
	};
}

/* Can a document of the split have the fewest others that are asked for? By bytes, of which a token has one at
 * least, but for BOS and a dummy space. */
static int check_others(const struct fot_plan *p, const struct fot_item *all, const struct fot_distraction *x,
			struct fot_err *err)
{
	const struct fot_dataset *d = p->dataset[all->dataset].data;
	int64_t windows = 0, least = INT64_MAX;

	for (size_t i = 0; i < fot_dataset_count(d); i++) {
		int64_t own = (fot_dataset_at(d, i)->n_bytes + 2) / x->window;

		if (!fot_library_takes(p, all, i))
			continue;
		windows += own;
		if (own >= 2)
			least = own < least ? own : least;
	}
	if (least == INT64_MAX || windows - least >= x->n_contexts[0] - 1)
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_USAGE,
			"distraction: n_contexts %lld: dataset %s has at most %lld windows of %lld tokens in other documents",
			(long long)x->n_contexts[0], fot_dataset_name(d), (long long)(windows - least),
			(long long)x->window);
}

static int items(struct fot_plan *p, size_t condition, size_t task, struct fot_err *err)
{
	const struct fot_task_spec *t = &p->spec->task[task];
	struct fot_distraction x = task_of(p, condition, task);
	char what[64];
	int status;

	if (p->condition[condition].mode == FOT_MEMORY_NONE)
		return FOT_FAIL(err, FOT_ERR_USAGE, "distraction: expected memory dense or knn, got none");
	snprintf(what, sizeof what, "distraction with a window of %lld", (long long)x.window);
	/* two windows; a token holds one byte at least, BOS and a dummy space come on top */
	FOT_TRY(fot_task_documents(p, condition, task, 2 * x.window - 2, err));
	for (size_t k = 0; k < t->n_datasets; k++) {
		struct fot_item all = { .condition = condition, .task = task };

		FOT_TRY(fot_plan_dataset(p, t->dataset[k], &all.dataset, err));
		if (fot_plan_excluded(p, &all))
			continue;
		FOT_TRY(fot_task_long_enough(p, &all, 2 * x.window, what, err));
		FOT_TRY(check_others(p, &all, &x, err));
	}
out:
	return status;
}

static int64_t memory(const struct fot_plan *p, size_t condition, size_t task)
{
	struct fot_distraction x = task_of(p, condition, task);

	return x.n_contexts[x.n - 1] * x.window;
}

/* Does one reading serve every d? */
static bool shares(const struct fot_plan *p, size_t condition)
{
	const struct fot_condition *c = &p->condition[condition];

	return c->mode == FOT_MEMORY_DENSE && fot_model_config(p->model[c->model].model)->n_mem_layers == 1;
}

static struct fot_cost cost(const struct fot_plan *p, const struct fot_item *item)
{
	struct fot_distraction x = task_of(p, item->condition, item->task);
	int64_t asked = x.query_tokens < x.window ? x.window : x.query_tokens;
	struct fot_cost c = { .filled = (x.n_contexts[x.n - 1] - 1) * x.window + asked };

	for (size_t i = shares(p, item->condition) ? x.n - 1 : 0; i < x.n; i++) {
		c.asked += asked;
		c.pairs += (double)asked * (double)(x.n_contexts[i] * x.window);
	}
	return c;
}

/* --- rows --- */

static const struct fot_config *config_of(const struct fot_plan *p, const struct fot_item *item)
{
	return fot_model_config(fot_plan_model_of(p, item));
}

/* head -1: the mean over heads. */
static size_t key_row(const struct fot_plan *p, const struct fot_item *item, int64_t d, int slot, int head,
		      struct fot_table *t)
{
	size_t row = fot_task_row(p, item, (d + 1) * p->condition[item->condition].opts.window, t);
	const struct fot_document *doc = fot_dataset_at(p->dataset[item->dataset].data, item->document);

	fot_table_set_int(t, row, "n_contexts", d);
	fot_table_set_int(t, row, "layer", config_of(p, item)->mem_layers[slot]);
	if (head >= 0)
		fot_table_set_int(t, row, "head", head);
	fot_table_set_text(t, row, "doc_id", doc->id);
	fot_table_set_text(t, row, "doc_sha256", doc->sha256);
	fot_table_set_real(t, row, "chance_level", 1.0 / (double)d);
	return row;
}

/* Rows without a value of the n_contexts from the first-th on. */
static void empty_rows(const struct fot_plan *p, const struct fot_item *item, size_t first, const char *status,
		       struct fot_table *t)
{
	const struct fot_task_spec *s = &p->spec->task[item->task];
	const struct fot_config *c = config_of(p, item);

	for (size_t i = first; i < s->own[N_CONTEXTS].count; i++)
		for (int slot = 0; slot < c->n_mem_layers; slot++)
			for (int head = -1; head < c->n_heads; head++) {
				size_t row = key_row(p, item, s->own[CONTEXTS].sizes[i], slot, head, t);

				fot_table_set_int(t, row, "n_queries", 0);
				fot_table_set_text(t, row, "status", status);
			}
}

static void failed(const struct fot_plan *p, const struct fot_item *item, struct fot_table *table)
{
	empty_rows(p, item, 0, "failed", table);
}

/* Sums of shares over queries. */
struct tally {
	struct fot_sum *sum; /* [slots, H, n_contexts] */
	int64_t n_queries;
	int slots, heads;
	size_t n;
};

static double mean_of(const struct tally *y, int slot, int head, size_t i)
{
	return fot_sum_value(&y->sum[(size_t)(slot * y->heads + head) * y->n + i]) / (double)y->n_queries;
}

static void value_row(const struct fot_plan *p, const struct fot_item *item, const struct tally *y, size_t i, int slot,
		      int head, struct fot_table *t)
{
	size_t row = key_row(p, item, p->spec->task[item->task].own[CONTEXTS].sizes[i], slot, head, t);
	double mass = head < 0 ? 0 : mean_of(y, slot, head, i);

	for (int h = 0; h < y->heads && head < 0; h++)
		mass += mean_of(y, slot, h, i) / y->heads;
	fot_table_set_real(t, row, "positive_mass", mass);
	fot_table_set_int(t, row, "n_queries", y->n_queries);
	fot_table_set_text(t, row, "status", "ok");
	fot_task_timing(t, row, 0, 0); /* the first row of the item says what all cost */
}

static void value_rows(const struct fot_plan *p, const struct fot_item *item, const struct tally *y, size_t served,
		       struct fot_table *t)
{
	for (size_t i = 0; i < served; i++)
		for (int slot = 0; slot < y->slots; slot++)
			for (int head = -1; head < y->heads; head++)
				value_row(p, item, y, i, slot, head, t);
}

/* --- tokens --- */

/* The split's documents, kept while items ask for the same. */
struct shelf {
	struct fot_library library;
	int64_t *n_tokens; /* [library.n] */
};

static void forget(void *state)
{
	struct shelf *shelf = state;

	fot_library_release(&shelf->library);
	fot_free(shelf->n_tokens);
	fot_free(shelf);
}

static int shelf_use(struct fot_worker *w, const struct fot_item *item, struct shelf **out, struct fot_err *err)
{
	struct shelf *shelf = w->state[item->task];
	int status;

	if (!shelf && !(shelf = w->state[item->task] = fot_calloc(1, sizeof *shelf)))
		return FOT_NO_MEMORY(err, "distraction");
	*out = shelf;
	if (shelf->n_tokens && fot_library_holds(&shelf->library, w->plan, item))
		return FOT_OK;
	fot_free(shelf->n_tokens);
	shelf->n_tokens = NULL;
	FOT_TRY(fot_library_read(&shelf->library, w->plan, item, err));
	shelf->n_tokens = fot_alloc(shelf->library.n, sizeof *shelf->n_tokens);
	if (!shelf->n_tokens)
		return FOT_FAIL(err, FOT_ERR_RUN, "distraction: out of memory for %zu documents", shelf->library.n);
	for (size_t i = 0; i < shelf->library.n; i++)
		shelf->n_tokens[i] = (int64_t)shelf->library.ids[i].n;
out:
	return status;
}

/* --- evaluation --- */

struct asking {
	struct fot_worker *w;
	const struct fot_item *item;
	const struct fot_library *library;
	const struct fot_distraction *task;
	struct fot_distraction_request request;
	size_t own, served;
	struct tally tally;
	int64_t *row;   /* [W] 0, 1, ... */
	double *mass;   /* [slots, H, W, most d] */
	double *share;  /* [n_contexts] */
	int64_t n_read;
};

static int asking_init(struct asking *a, struct fot_err *err)
{
	const struct fot_config *c = config_of(a->w->plan, a->item);
	int64_t window = a->task->window;
	size_t heads = (size_t)(c->n_mem_layers * c->n_heads), most = (size_t)a->task->n_contexts[a->served - 1];

	a->tally = (struct tally){ .slots = c->n_mem_layers, .heads = c->n_heads, .n = a->task->n };
	a->tally.sum = fot_calloc(fot_size_mul(heads, a->task->n), sizeof *a->tally.sum);
	a->mass = fot_alloc(fot_size_mul(fot_size_mul(heads, (size_t)window), most), sizeof *a->mass);
	a->share = fot_alloc(a->task->n, sizeof *a->share);
	a->row = fot_alloc((size_t)window, sizeof *a->row);
	if (!a->tally.sum || !a->mass || !a->share || !a->row)
		return FOT_FAIL(err, FOT_ERR_RUN, "distraction: out of memory for %zu windows in sight", most);
	for (int64_t i = 0; i < window; i++)
		a->row[i] = i;
	return FOT_OK;
}

static void asking_release(struct asking *a)
{
	fot_distraction_release(&a->request);
	fot_free(a->tally.sum);
	fot_free(a->mass);
	fot_free(a->share);
	fot_free(a->row);
}

/* A window of the own document goes to memory, without seeing it. */
static int read_own(struct asking *a, int64_t begin, struct fot_err *err)
{
	size_t window = (size_t)a->task->window;
	int status;

	a->n_read += a->task->window;
	fot_session_reach(a->w->session, 0);
	FOT_TRY(fot_session_feed(a->w->session, a->library->ids[a->own].id + begin, window, NULL, err));
	status = fot_session_commit(a->w->session, err);
out:
	return status;
}

/* The farthest first, in one piece, so that windows which the session knows are not read anew. No
 * window sees another. */
static int read_others(struct asking *a, struct fot_err *err)
{
	size_t n = (size_t)a->task->n_contexts[a->served - 1] - 1, window = (size_t)a->task->window;
	int32_t *tokens = fot_alloc(fot_size_mul(n, window), sizeof *tokens);
	int status;

	if (!tokens)
		return FOT_FAIL(err, FOT_ERR_RUN, "distraction: out of memory for %zu windows", n);
	for (size_t i = 0; i < n; i++) {
		const struct fot_distraction_place *from = &a->request.other[n - 1 - i];

		memcpy(tokens + i * window, a->library->ids[from->document].id + from->begin, window * sizeof *tokens);
	}
	fot_session_reset(a->w->session);
	fot_session_reach(a->w->session, 0);
	a->n_read += (int64_t)(n * window);
	FOT_TRY(fot_session_feed(a->w->session, tokens, n * window, NULL, err));
	status = fot_session_commit(a->w->session, err);
out:
	fot_free(tokens);
	return status;
}

/* Shares of n_contexts [first, last) from masses on n_windows. */
static void count(struct asking *a, size_t first, size_t last, int64_t n_windows)
{
	size_t heads = (size_t)(a->tally.slots * a->tally.heads), queries = (size_t)a->task->window;

	for (size_t h = 0; h < heads; h++)
		for (size_t q = 0; q < queries; q++) {
			fot_distraction_shares(a->share, a->task->n_contexts + first, last - first,
					       a->mass + (h * queries + q) * (size_t)n_windows, n_windows);
			for (size_t i = first; i < last; i++)
				fot_sum_add(&a->tally.sum[h * a->tally.n + i], a->share[i - first]);
		}
}

/* The window at `begin` asks with as many windows in sight as the last of [first, last) wants. */
static int ask(struct asking *a, int64_t begin, size_t first, size_t last, struct fot_err *err)
{
	int64_t window = a->task->window, d = a->task->n_contexts[last - 1];
	struct fot_masses masses = { .group = window, .row = a->row, .n_rows = window, .memory = a->mass };
	struct fot_want want = { .masses = &masses };
	struct fot_session *s = a->w->session;
	struct fot_mark before = fot_session_mark(s);
	int status;

	fot_session_reach(s, d * window);
	a->n_read += window;
	FOT_TRY(fot_session_feed(s, a->library->ids[a->own].id + begin, (size_t)window, &want, err));
	count(a, first, last, d);
	status = fot_session_rewind(s, before, err);
out:
	return status;
}

static int ask_all(struct asking *a, struct fot_err *err)
{
	bool share = !a->w->work.no_sharing && shares(a->w->plan, a->item->condition);
	struct fot_mark others = fot_session_mark(a->w->session);
	int status = FOT_OK;

	for (size_t k = 0; k < a->request.n_asks; k++) {
		int64_t begin = a->request.ask[k];

		FOT_TRY(fot_session_rewind(a->w->session, others, err));
		FOT_TRY(read_own(a, begin - a->task->window, err));
		if (share)
			FOT_TRY(ask(a, begin, 0, a->served, err));
		for (size_t i = 0; i < a->served && !share; i++)
			FOT_TRY(ask(a, begin, i, i + 1, err));
		a->tally.n_queries += a->task->window;
	}
out:
	return status;
}

static int evaluate(struct fot_worker *w, const struct fot_item *item, struct fot_table *table, cJSON *samples,
		    struct fot_err *err)
{
	struct fot_distraction task = task_of(w->plan, item->condition, item->task);
	struct asking a = { .w = w, .item = item, .task = &task };
	size_t first = table->n_rows;
	double begun = fot_clock();
	struct shelf *shelf = NULL;
	int status;

	(void)samples;
	FOT_TRY(shelf_use(w, item, &shelf, err));
	a.library = &shelf->library;
	a.own = fot_library_place(a.library, item->document);
	FOT_TRY(fot_distraction_draw(&a.request, &task, shelf->n_tokens, a.library->n, a.own, err));
	if (a.request.n_asks == 0) {
		empty_rows(w->plan, item, 0, "skipped_short", table);
		goto out;
	}
	a.served = fot_distraction_served(&task, &a.request);
	if (a.served > 0) {
		w->asker.valid = false; /* the session holds these windows now */
		FOT_TRY(asking_init(&a, err));
		FOT_TRY(read_others(&a, err));
		FOT_TRY(ask_all(&a, err));
		value_rows(w->plan, item, &a.tally, a.served, table);
		fot_task_timing(table, first, fot_clock() - begun, a.n_read);
	}
	empty_rows(w->plan, item, a.served, "skipped_few", table);
out:
	asking_release(&a);
	return status;
}

/* Windows that distract are drawn for many documents. */
static bool repeats(const struct fot_task_spec *t)
{
	(void)t;
	return true;
}

/* --- what its rows hold and say --- */

static const struct fot_column columns[] = {
	FOT_KEY_COLUMNS,
	{ "n_contexts", FOT_COLUMN_INT, false, "d: previous windows in sight, the own document's and d - 1 others'" },
	{ "layer", FOT_COLUMN_INT, false, "memory layer, from 0" },
	{ "head", FOT_COLUMN_INT, false, "head, from 0; empty: mean over heads" },
	{ "doc_id", FOT_COLUMN_TEXT, false, "document whose window asks" },
	{ "positive_mass", FOT_COLUMN_REAL, false,
	  "r_d: attention mass on the own previous window / mass on all d, mean over queries" },
	{ "n_queries", FOT_COLUMN_INT, false, "queries averaged over" },
	{ "status", FOT_COLUMN_TEXT, false,
	  "ok, skipped_short (less than two windows), skipped_few (the other documents have fewer than d - 1 windows), "
	  "failed" },
	{ "chance_level", FOT_COLUMN_REAL, false, "1 / d" },
	FOT_END_COLUMNS,
	{ "doc_sha256", FOT_COLUMN_TEXT, false, "sha256 of the document's text" },
	FOT_MEMORY_COLUMN,
	FOT_COMPUTE_COLUMN,
	FOT_BUDGET_COLUMNS,
};

const struct fot_schema fot_schema_distraction = {
	"distraction", "One row per document, memory layer, head and number of contexts.", columns,
	FOT_COUNT(columns)
};

static const struct fot_measure measures[] = {
	{ .metric = "positive_mass", .kind = FOT_MEASURE_CLUSTERS, .right = "positive_mass", .asked = "n_queries",
	  .heading = "r_d", .unit = "of attention mass", .mean = true },
};

#define VIEW .metric = { "positive_mass" }, .axis = "n_contexts", .line = { "layer" }

static const struct fot_summary_view summary[] = {
	{ .view = { .rows = FOT_GRID_ESTIMATES, VIEW, .empty = "head" },
	  .title = "attention mass on the own document of d, mean over heads",
	  .caption = "Distraction: r_d, the attention mass on the own previous window over the mass on all d, mean over heads and "
		     "queries; 1/d is what blind attention gives." FOT_INTERVALS "bootstrap over documents.",
	  .items = "{n_items:document} per cell{n_skipped#too short or with too few others}{n_failed#failed}",
	  .one = "trial or item" },
	{ .view = { .rows = FOT_GRID_WITH_BASELINE, VIEW, .empty = "head" },
	  .caption = "Difference of r_d from " FOT_BASELINE " on the same documents." FOT_INTERVALS
		     "paired bootstrap over documents; p: sign flips, adjusted by Holm over d." },
};

static const struct fot_report_view report[] = {
	{ .view = { VIEW },
	  .caption = "r_d, the attention mass on the previous window of the own document over the mass on those of all d "
		     "documents in sight, mean over queries and heads of a memory layer, higher is better. "
		     "{n_items:document}{n_missing#others failed or too short}; {window} tokens of local window{common}. "
		     "Attention that does not tell documents apart gives 1/d. In brackets the 95 % interval of the bootstrap "
		     "over documents ({draws} draws, percentiles)." FOT_BOLD("higher", "sign flips over documents")
		     " The paper (arXiv 2307.03170, sec. distraction issue): about 1/d after standard training.",
	  .compact = "Attention mass on the own document among d in sight" },
};

static const struct fot_figure figures[] = {
	{ .name = "distraction", .title = "Attention on the own document among d (95 % intervals over documents)",
	  .metric = { "positive_mass" }, .x = "n_contexts", FOT_FIGURE_VALUE, .factor = 1, .levels = true },
};

const struct fot_measured_task fot_measured_distraction = {
	.schema = &fot_schema_distraction,
	.place = FOT_LIST("n_contexts", "layer", "head"),
	.item = FOT_LIST("doc_id"),
	.same = FOT_LIST("n_queries", "chance_level", "memory_tokens", "tokenizer_sha256", "status"),
	.outcome = FOT_LIST("positive_mass"),
	.detail = "head",
	FOT_MEASURED(measures, summary, report, figures),
};

/* --- spec and class --- */

static const struct fot_key keys[] = {
	FOT_TASK_KEY,
	{ FOT_TASK_KEY_DATASETS, .required = true, .help = "documents that ask, and that distract: names, folders, .jsonl and .parquet files" },
	FOT_TASK_KEY_SPLIT,
	{ FOT_TASK_KEY_TARGETS, .help = "tokens of each document that ask" },
	FOT_TASK_KEY_DOCUMENTS,
	/* 1, 2, 4, ... 64 as in the paper's figure */
	{ .name = "n_contexts", .type = &fot_key_sizes,
	  FOT_KEY_LIST(struct fot_task_spec, own[CONTEXTS].sizes, own[N_CONTEXTS].count), .lo = 1, .hi = FOT_SPEC_AXIS,
	  .dflt = "[1, 2, 4, 8, 16, 32, 64]", .flag = "n-contexts", .arg = "LIST",
	  .help = "documents in sight, the own one included" },
};

const struct fot_task_class fot_task_distraction = {
	FOT_TASK_NAMED(distraction),
	.about = "attention mass on the own document among d in sight",
	.usage = "distraction -m DIR -d DATASETS --memory dense -o DIR [options]",
	.help = "Attention mass on the own document: with the window before in the memory, and windows of d - 1 other\n"
		"documents of the dataset beside it, the share of the mass on them that falls on the own one, per memory\n"
		"layer and head. Attention that does not tell documents apart gives 1/d.",
	.version = FOT_DISTRACTION_VERSION,
	.needs_tokenizer = true,
	.conventions =
		"attention mass on the window before, of the own document, over the mass on it and a window of each of "
		"d - 1 other documents of the split (several of one where there are fewer), mean over queries",
	.items = items,
	.memory = memory,
	.cost = cost,
	.repeats = repeats,
	.evaluate = evaluate,
	.failed = failed,
	.keeps = fot_library_bytes,
	.forget = forget,
};
