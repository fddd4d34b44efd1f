/* items.h: what does items (a worker), and their rows as journal records. */
#ifndef FOT_ITEMS_H
#define FOT_ITEMS_H

#include "harness/ask/ask.h"
#include "harness/plan/plan.h"
#include "harness/run/journal.h"
#include "harness/tables/table.h"

/* A session per condition, kept while items of one condition follow each other. */
struct fot_worker {
	const struct fot_plan *plan;
	struct fot_work work;
	struct fot_session *session;
	struct fot_asker asker; /* of session */
	size_t condition;       /* of session */
	/* One of several at work (workers.h): in place of fot_worker_use; and of the session that it opens (session.h). NULL: neither. */
	int (*use)(struct fot_worker *w, size_t condition, struct fot_err *err);
	const struct fot_session *beside;
	void **state; /* [n_tasks] what the tasks' classes keep */
};

/* Errors: FOT_ERR_RUN. */
int fot_worker_init(struct fot_worker *w, const struct fot_plan *plan, const struct fot_work *work,
		    struct fot_err *err);
void fot_worker_release(struct fot_worker *w);
/* Open the session (and asker) of a condition, unless it is open. */
int fot_worker_use(struct fot_worker *w, size_t condition, struct fot_err *err);

/* Append the item's rows to table, whose schema is the task's. samples may be NULL. */
int fot_item_evaluate(struct fot_worker *w, const struct fot_item *item, struct fot_table *table,
		      cJSON *samples, struct fot_err *err);
/* Append rows with the key columns and status "failed". */
void fot_item_failed_rows(const struct fot_plan *plan, const struct fot_item *item, struct fot_table *table);

/* All rows and samples (may be NULL) of an item as the journal's result and note, which borrows
 * samples. Errors: FOT_ERR_RUN. */
int fot_item_record(const struct fot_table *table, const cJSON *samples, cJSON **result, cJSON **note,
		    struct fot_err *err);
/* The rows of a record (line `line` of its journal) appended to table, and its samples, one JSON line each, to samples
 * (may be NULL). note: or NULL; samples are taken out of it. Errors: FOT_ERR_INPUT, FOT_ERR_RUN. */
int fot_item_rows(struct fot_table *table, struct fot_str *samples, const cJSON *result, cJSON *note,
		  size_t line, struct fot_err *err);
/* The same of a record that is read from its journal first. */
int fot_item_rows_of(struct fot_table *table, struct fot_str *samples, const struct fot_record *record,
		     struct fot_err *err);

#endif
