/* columns_task.h: the columns that the tables of all tasks share, for files that define such a table:
 *
 *   FOT_KEY_COLUMNS, the task's own, "status", FOT_END_COLUMNS, what came later, FOT_MEMORY_COLUMN
 *
 * Columns are only ever added at the end. */
#ifndef FOT_COLUMNS_TASK_H
#define FOT_COLUMNS_TASK_H

#include "harness/tables/columns.h"

/* Shared key columns, first everywhere. */
#define FOT_KEY_COLUMNS                                                                                               \
	{ "run_id", FOT_COLUMN_TEXT, false,                                                                           \
	  "identity of spec, models and data: equal inputs give equal run_id" },                                      \
		{ "model", FOT_COLUMN_TEXT, false, "name of the model's folder" },                                    \
		{ "model_variant", FOT_COLUMN_TEXT, false,                                                            \
		  "training method or setting: the spec's variant, else config.json's, else the folder's name" }, \
		{ "memory_mode", FOT_COLUMN_TEXT, false, "none, dense, knn or xl" },                                  \
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
		"none, dense, knn:K or xl, behind it what else is not as the model has it: decay, scale, type of the " \
		"stored keys, layers, as in knn:128,decay=1; empty: written before the column was"                    \
	}

#endif
