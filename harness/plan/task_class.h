/* task_class.h: what the harness knows of a task: one row of one table.
 *
 *   spec -> items -> (session) -> rows of the task's CSV
 *
 * A task's own rules stand in tasks/; its class says how they meet plan, worker and
 * table.  Command, help, files, flags and tables of all tasks are loops over the registry: docs/adding.md. */
#ifndef FOT_TASK_CLASS_H
#define FOT_TASK_CLASS_H

#include "harness/ask/evaluate.h"
#include "harness/plan/plan.h"
#include "harness/plan/spec_keys.h"
#include "harness/tables/columns.h"
#include "harness/tables/table.h"

struct fot_worker;

struct fot_task_class {
	const char *name;
	const char *about; /* of its command, one line for the list of commands */
	const char *usage; /* "NAME -m DIR ... [options]" */
	const char *help;  /* paragraph for NAME --help */
	int version; /* of the task: raised whenever results change for the same inputs */
	const struct fot_schema *schema;
	const char *csv, *samples; /* files of the output folder: "NAME.csv", "samples/NAME.jsonl" */
	const char *page;          /* one more, "NAME.md": what print appends of the rows; NULL: none */
	int (*print)(struct fot_str *out, const struct fot_table *rows, struct fot_err *err);
	bool needs_tokenizer;
	bool grows; /* takes sessions whose windows grow (rope, session.h) */
	bool many; /* asks many questions behind one stem */
	const struct fot_key *keys; /* of a struct fot_task_spec: spec, hash, flags and help are made of them */
	size_t n_keys;
	const char *conventions;   /* one sentence for the manifest: what is measured and how */
	/* Put in what no default of a key can say, refuse what cannot be; NULL: nothing. Errors: FOT_ERR_USAGE. */
	int (*complete)(struct fot_task_spec *t, const char *where, struct fot_err *err);
	/* Check the task against a condition and add its items with fot_plan_add. */
	int (*items)(struct fot_plan *p, size_t condition, size_t task, struct fot_err *err);
	/* Tokens that the condition's memory must hold, at most. */
	int64_t (*memory)(const struct fot_plan *p, size_t condition, size_t task);
	/* An estimate, nothing taken off for what prompts share; of items with a stem where none is built. */
	struct fot_cost (*cost)(const struct fot_plan *p, const struct fot_item *item);
	/* Tokens that the item begins with and may share with others, borrowed until the next call on this
	 * worker, and how many it feeds behind them (fot_question_fed of each question). NULL: no two items of
	 * the task share any. */
	int (*stem)(struct fot_worker *w, const struct fot_item *item, const int32_t **tokens, size_t *n,
		    int64_t *asked, struct fot_err *err);
	/* Do windows come again in items of this task, besides those of stems? NULL: no. */
	bool (*repeats)(const struct fot_task_spec *t);
	/* Append the item's rows; samples (may be NULL): append JSON objects for samples/NAME.jsonl. */
	int (*evaluate)(struct fot_worker *w, const struct fot_item *item, struct fot_table *table, cJSON *samples,
			struct fot_err *err);
	/* Append a row with the key columns: of tasks with one row an item. */
	size_t (*row)(const struct fot_plan *p, const struct fot_item *item, struct fot_table *table);
	/* Of tasks with one question an item (fot_task_question_stem, _evaluate): make it, borrowed until the next call on
	 * this worker; and put what came back into its row, perhaps a sample. */
	int (*ask)(struct fot_question *q, struct fot_worker *w, const struct fot_item *item,
		   struct fot_err *err);
	int (*answered)(struct fot_worker *w, const struct fot_item *item, const struct fot_reply *reply,
			struct fot_table *table, size_t row, cJSON *samples, struct fot_err *err);
	/* Append rows with the key columns and status "failed". */
	void (*failed)(const struct fot_plan *p, const struct fot_item *item, struct fot_table *table);
	/* Append rows of what answers without a model, to compare with: of the items that are there [n_items], behind
	 * whose rows they stand. Not in the journal: functions of the plan alone. NULL: none. */
	int (*baselines)(const struct fot_plan *p, const bool *there, struct fot_table *table, struct fot_err *err);
	/* Bytes of documents that the task keeps in each worker beside its session, at most; NULL: none. */
	size_t (*keeps)(const struct fot_plan *p, size_t task);
	/* Free what the task keeps in a worker; NULL: nothing. */
	void (*forget)(void *state);
};

#define FOT_TASK_CLASSES_MAX 32
extern const struct fot_task_class *const fot_task_classes[];
extern const size_t fot_n_task_classes;
const struct fot_task_class *fot_task_class_of(const struct fot_plan *p, const struct fot_item *item);

/* --- for the classes --- */

/* What follows from the name of a task, of whose file `keys` are the keys. */
#define FOT_TASK_NAMED(task)                                              \
	.name = #task, .schema = &fot_schema_##task, .csv = #task ".csv", \
	.samples = "samples/" #task ".jsonl", .keys = keys, .n_keys = FOT_COUNT(keys)

/* Keys of several tasks. */
extern const struct fot_key_type fot_key_class;
extern const char *const fot_split_words[];
#define FOT_TASK_KEY { .name = "task", .type = &fot_key_class, .required = true, .help = "what is measured" }
#define FOT_TASK_KEY_DATASETS                                                                                 \
	.name = "datasets", .type = &fot_key_datasets, FOT_KEY_LIST(struct fot_task_spec, dataset, n_datasets), \
	.written = offsetof(struct fot_task_spec, dataset_written), .flag = "dataset", .letter = 'd', .arg = "LIST"
#define FOT_TASK_KEY_SPLIT                                                                            \
	{ .name = "split", .type = &fot_key_choice, FOT_KEY_AT(struct fot_task_spec, split),          \
	  .words = fot_split_words, .dflt = "\"test\"", .flag = "split", .arg = "NAME",               \
	  .help = "which documents of the datasets are taken: train, valid, test or all" }
#define FOT_TASK_KEY_LENGTHS                                                                              \
	{ .name = "context_lengths", .type = &fot_key_sizes,                                              \
	  FOT_KEY_LIST(struct fot_task_spec, context_length, n_lengths), .lo = 1, .hi = FOT_SPEC_TOKENS,  \
	  .required = true, .flag = "context-lengths", .arg = "LIST",                                     \
	  .help = "tokens that a prediction may see, local window and memory, such as 512,2k,8k or 2k-256k*2" }
#define FOT_TASK_KEY_TARGETS                                                                              \
	.name = "target_tokens", .type = &fot_key_size, FOT_KEY_AT(struct fot_task_spec, target_tokens),  \
	.lo = 1, .hi = FOT_SPEC_TOKENS, .dflt = "8192", .flag = "target-tokens", .arg = "N"
#define FOT_TASK_KEY_DOCUMENTS                                                                            \
	{ .name = "documents", .type = &fot_key_size, FOT_KEY_AT(struct fot_task_spec, max_documents),    \
	  .lo = 1, .hi = FOT_SPEC_TOKENS, .dflt = "8", .flag = "documents", .arg = "N",                   \
	  .help = "most documents of each dataset" }
#define FOT_TASK_KEY_TRIALS                                                                               \
	.name = "trials", .type = &fot_key_size, FOT_KEY_AT(struct fot_task_spec, trials), .lo = 1,       \
	.hi = FOT_SPEC_AXIS, .flag = "trials", .arg = "N"

/* Append a row with the columns that all tasks share: the key columns, top_k, mem_dtype,
 * window, tokenizer_sha256. */
size_t fot_task_row(const struct fot_plan *p, const struct fot_item *item, int64_t context_length,
		    struct fot_table *t);
/* `items` of tasks whose items are documents: those of the split of each of the task's datasets, in
 * their order, until max_documents have least_bytes; shorter ones between them are kept as rows that
 * say so. Errors: FOT_ERR_INPUT (no document in the split). */
int fot_task_documents(struct fot_plan *p, size_t condition, size_t task, int64_t least_bytes, struct fot_err *err);
/* Has any document that fot_task_documents took of a dataset the tokens it needs? all: condition,
 * task and dataset count; what: what needs them, for the message. Tokenises documents until one
 * has. Errors: FOT_ERR_INPUT naming the longest. */
int fot_task_long_enough(const struct fot_plan *p, const struct fot_item *all, int64_t need, const char *what,
			 struct fot_err *err);
/* `memory` of tasks whose prompts have their context length: the longest one. */
int64_t fot_task_longest(const struct fot_plan *p, size_t condition, size_t task);
/* `failed` of tasks with one row an item. */
void fot_task_failed_row(const struct fot_plan *p, const struct fot_item *item, struct fot_table *table);
/* `stem` and `evaluate` of tasks with one question an item. */
int fot_task_question_stem(struct fot_worker *w, const struct fot_item *item, const int32_t **tokens,
			   size_t *n, int64_t *asked, struct fot_err *err);
int fot_task_question_evaluate(struct fot_worker *w, const struct fot_item *item, struct fot_table *table,
			       cJSON *samples, struct fot_err *err);
/* `cost` of an item that asks one window at the end of its context length. */
struct fot_cost fot_task_window_cost(const struct fot_plan *p, const struct fot_item *item);
/* wall_s, tokens_per_s, peak_rss_bytes and n_tokens_read of a row that cost so much. */
void fot_task_timing(struct fot_table *t, size_t row, double wall_s, int64_t n_read);
/* Make generated text fit for CSV and JSON: what is no UTF-8, and control characters but
 * newline and tab, become U+FFFD. Errors: FOT_ERR_RUN. */
int fot_task_printable(struct fot_str *text, struct fot_err *err);
/* The text of n tokens as a member of o. false: it cannot be decoded, or no memory. */
bool fot_task_add_text(cJSON *o, const char *name, const struct fot_tokenizer *t, const int32_t *token, size_t n);
/* Does the condition of this item have a memory, or cached windows? */
bool fot_task_has_memory(const struct fot_plan *p, const struct fot_item *item);
/* Tokens before a window that can have any influence on it: fot_session_sight. */
int64_t fot_task_sight(const struct fot_plan *p, const struct fot_item *item);
/* NULL where the model has none. */
const struct fot_tokenizer *fot_task_tokenizer(const struct fot_plan *p, const struct fot_item *item);

#endif
