/* columns.h: the tables of all CSV columns but the tasks', which stand in their classes.
 *
 * Header line, writer, reader, journal records and `fotbench help columns` are
 * driven by it.  Columns are only ever added at the end of a schema. */
#ifndef FOT_COLUMNS_H
#define FOT_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum fot_column_type { FOT_COLUMN_TEXT, FOT_COLUMN_INT, FOT_COLUMN_REAL, FOT_COLUMN_BOOL };

/* What else is to be known of a column; false and true are the first two. */
enum fot_column_kind {
	FOT_COLUMN_PLAIN,
	FOT_COLUMN_TIMING, /* depends on the machine and the moment, not on the inputs: left empty with
			      --no-timings, outside a record's identity */
	FOT_COLUMN_LATE    /* at a schema's end: not written as long as neither it nor one behind it has a
			      value, so that files of before it stay what they are */
};

struct fot_column {
	const char *name;
	enum fot_column_type type;
	enum fot_column_kind kind;
	const char *about; /* one sentence: meaning and unit */
};

struct fot_schema {
	const char *name; /* "summary": the file is summary.csv */
	const char *about;
	const struct fot_column *column;
	size_t n;
};

extern const struct fot_schema fot_schema_summary;
/* Written by model/train/trainer.c; here for readers and documentation. */
extern const struct fot_schema fot_schema_train;
extern const struct fot_schema fot_schema_valid;
extern const struct fot_schema fot_schema_labels;
/* Written by `compare -o`. */
extern const struct fot_schema fot_schema_compare;
/* Written by `report -o`; what it reads from results/paper/. */
extern const struct fot_schema fot_schema_report;
extern const struct fot_schema fot_schema_paper;
/* Written by `report -o`: up to which length a context is made use of. */
extern const struct fot_schema fot_schema_effective;
/* Written by `report -o`: claims of the paper against our rows. */
extern const struct fot_schema fot_schema_claims;
/* Written by `score -o`. */
extern const struct fot_schema fot_schema_tokens;

/* All schemas of this file. */
extern const struct fot_schema *const fot_schemas[];
extern const size_t fot_n_schemas;

/* What makes a condition: the run, whose weights, its window, its memory. All lists end with NULL; each column
 * stands in the rows of every task. The others are its ends, each without what is left of it here: */
extern const char *const fot_condition_columns[];
extern const char *const *const fot_variant_columns; /* without run and model */
extern const char *const *const fot_session_columns; /* and the variant and the memory's text: partners of other
						       * models share these (their texts say what differs from
						       * each model's own config) */
extern const char *const *const fot_memory_columns;  /* and the window */
/* Appends a list to a key of n columns, which then ends with NULL too; returns its new n. */
size_t fot_columns_append(const char **key, size_t n, const char *const *columns);

/* Index of a column, -1 if there is none. */
int fot_schema_column(const struct fot_schema *schema, const char *name);
/* Append a Markdown table of its columns. */
void fot_schema_describe(struct fot_str *out, const struct fot_schema *schema);

/* --- the columns that the tables of all tasks share, for classes:
 *
 *   FOT_KEY_COLUMNS, the task's own, "status", FOT_END_COLUMNS, what came later, FOT_MEMORY_COLUMN,
 *   FOT_COMPUTE_COLUMN, FOT_BUDGET_COLUMNS --- */

#define FOT_MEMORY_MODE "word of the kind of memory: none, dense, knn, xl, recent, moba, ..."
/* Shared key columns, first everywhere. */
#define FOT_KEY_COLUMNS                                                                                               \
	{ "run_id", FOT_COLUMN_TEXT, false,                                                                           \
	  "identity of spec, models and data: equal inputs give equal run_id" },                                      \
		{ "model", FOT_COLUMN_TEXT, false, "name of the model's folder" },                                    \
		{ "model_variant", FOT_COLUMN_TEXT, false,                                                            \
		  "training method or setting: the spec's variant, else config.json's, else the folder's name" }, \
		{ "memory_mode", FOT_COLUMN_TEXT, false, FOT_MEMORY_MODE },                                           \
		{ "memory_tokens", FOT_COLUMN_INT, false, "tokens of memory that a scored token can see" },           \
		{ "task", FOT_COLUMN_TEXT, false, "task name" },                                                      \
		{ "dataset", FOT_COLUMN_TEXT, false, "dataset name" },                                                \
	{                                                                                                             \
		"context_length", FOT_COLUMN_INT, false, "local window plus memory, in tokens"                        \
	}

/* What else tells one condition's session from another's. */
#define FOT_SESSION_COLUMNS                                                                                           \
	{ "top_k", FOT_COLUMN_INT, false, "keys retrieved per query and head, with memory_mode knn" },                \
		{ "mem_dtype", FOT_COLUMN_TEXT, false, "type of the stored keys and values: f32 or bf16" },           \
	{                                                                                                             \
		"window", FOT_COLUMN_INT, false, "local window in tokens"                                             \
	}

/* What ends the rows of the tasks that ask questions. */
#define FOT_END_COLUMNS                                                                                               \
	{ "wall_s", FOT_COLUMN_REAL, true, "seconds for this row; what rows share counts for the first of them" },    \
		{ "tokens_per_s", FOT_COLUMN_REAL, true, "tokens read for this row / wall_s" },                       \
		{ "peak_rss_bytes", FOT_COLUMN_INT, true, "largest resident size of the process so far" },            \
		{ "n_tokens_read", FOT_COLUMN_INT, true,                                                              \
		  "tokens that went through the model for this row: fewer than the prompt's where work was shared" }, \
		FOT_SESSION_COLUMNS,                                                                                     \
	{                                                                                                             \
		"tokenizer_sha256", FOT_COLUMN_TEXT, false, "tokenizer; empty where the model has none"               \
	}

/* The condition in one cell (model/attach.h). */
#define FOT_MEMORY_COLUMN                                                                                                 \
	{                                                                                                             \
		"memory", FOT_COLUMN_TEXT, false,                                                                     \
		"kind with its numbers: none, dense, knn:K, xl, moba:B,K, ...; behind it what else is not as the model has it: decay, scale, type of the " \
		"stored keys, layers, as in knn:128,decay=1; empty: written before the column was"                    \
	}

/* compute.h, engine.h */
#define FOT_COMPUTE_COLUMN                                                                                     \
	{                                                                                                      \
		"compute", FOT_COLUMN_TEXT, FOT_COLUMN_LATE,                                                   \
			"numbers of products: bf16; empty: f32"                                   \
	},                                                                                                     \
	{                                                                                                      \
		"engine", FOT_COLUMN_TEXT, FOT_COLUMN_LATE, "what computed: cuda or its twin; empty: the CPU's engine" \
	}

/* What the condition's memory spends on a query, and what it must hold; columns of rows and of the summary. */
#define FOT_BUDGET_COLUMNS                                                                                           \
	{ "keys_read", FOT_COLUMN_REAL, FOT_COLUMN_LATE,                                                             \
	  "entries of the memory that a query of a memory layer and head attends to; empty: nothing is stored" },    \
		{ "keys_scored", FOT_COLUMN_REAL, FOT_COLUMN_LATE,                                                   \
		  "products of a query with keys, and with what stands for blocks of keys, to choose and to read them" }, \
	{                                                                                                            \
		"memory_bytes", FOT_COLUMN_INT, FOT_COLUMN_LATE,                                                     \
			"bytes that a memory layer must hold for that; a run holds more, to rewind"                  \
	}

/* How n_shots_fitted is meant; its word where it is a bound. */
#define FOT_SEEN_AT_MOST "at most"
#define FOT_SEEN_COLUMN                                                                                               \
	{                                                                                                             \
		"shots_seen", FOT_COLUMN_TEXT, FOT_COLUMN_LATE,                                                       \
			"in reach: n_shots_fitted are in what the memory reads (recent:B or sinks:S,recent:B); at most: "      \
			"the memory forgets, which tokens stay is not known; empty: they are in the prompt"                     \
	}

/* Demonstrations among distractors: of the task, and of the tables made of its rows. */
#define FOT_DISTRACTORS_COLUMN                                                                                        \
	{                                                                                                             \
		"distractors", FOT_COLUMN_INT, FOT_COLUMN_LATE,                                                       \
		"demonstrations of other sets for each of the task's; empty: none"                                    \
	}

#endif
