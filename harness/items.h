/* items.h: one item of a plan: evaluated into rows, and rows from its record. */
#ifndef FOT_ITEMS_H
#define FOT_ITEMS_H

#include "harness/journal.h"
#include "harness/plan.h"
#include "harness/table.h"

/* A session per condition, kept while items of one condition follow each other. */
struct fot_worker {
	const struct fot_plan *plan;
	int32_t threads;
	struct fot_session *session;
	size_t condition; /* of session */
};

void fot_worker_init(struct fot_worker *w, const struct fot_plan *plan, int32_t threads);
void fot_worker_release(struct fot_worker *w);

/* Append the item's rows (one per context length) to table. */
int fot_item_evaluate(struct fot_worker *w, const struct fot_item *item, struct fot_table *table,
		      struct fot_err *err);
/* Append rows with the key columns and status "failed". */
void fot_item_failed_rows(const struct fot_plan *plan, const struct fot_item *item, struct fot_table *table);

/* rows [first, table->n_rows) as the journal's result and note. Errors: FOT_ERR_RUN. */
int fot_item_record(const struct fot_table *table, size_t first, cJSON **result, cJSON **note,
		    struct fot_err *err);
/* The rows of a record appended to table. Errors: FOT_ERR_INPUT. */
int fot_item_rows(struct fot_table *table, const struct fot_record *record, struct fot_err *err);
/* Tokens that the item feeds, roughly: for progress and estimates. */
int64_t fot_item_cost(const struct fot_plan *plan, const struct fot_item *item);

#endif
