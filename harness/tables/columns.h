/* columns.h: the tables of all CSV columns; a task's may stand in its class (columns_task.h).
 *
 * Header line, writer, reader, journal records and `fotbench help columns` are
 * driven by it.  Columns are only ever added at the end of a schema. */
#ifndef FOT_COLUMNS_H
#define FOT_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum fot_column_type { FOT_COLUMN_TEXT, FOT_COLUMN_INT, FOT_COLUMN_REAL, FOT_COLUMN_BOOL };

struct fot_column {
	const char *name;
	enum fot_column_type type;
	bool timing;       /* depends on the machine and the moment, not on the inputs: left
			      empty with --no-timings, outside a record's identity */
	const char *about; /* one sentence: meaning and unit */
};

struct fot_schema {
	const char *name; /* "perplexity": the file is perplexity.csv */
	const char *about;
	const struct fot_column *column;
	size_t n;
};

extern const struct fot_schema fot_schema_perplexity;
extern const struct fot_schema fot_schema_passkey;
extern const struct fot_schema fot_schema_lookup;
extern const struct fot_schema fot_schema_fewshot;
extern const struct fot_schema fot_schema_distraction;
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
/* Written by `report -o`: claims of the paper against our rows. */
extern const struct fot_schema fot_schema_claims;
/* Written by `samples`. */
extern const struct fot_schema fot_schema_samples;

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

#endif
