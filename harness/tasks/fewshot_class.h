/* fewshot_class.h: what the files of the few-shot class share. */
#ifndef FOT_FEWSHOT_CLASS_H
#define FOT_FEWSHOT_CLASS_H

#include "harness/plan/task_class.h"
#include "tasks/fewshot.h"

extern const struct fot_task_class fot_task_fewshot;
extern const struct fot_measured_task fot_measured_fewshot;
extern const struct fot_schema fot_schema_fewshot;

/* Its places in `own` of struct fot_task_spec. */
enum {
	FOT_FEWSHOT_NO_BASELINES,
	FOT_FEWSHOT_SETS, /* of distractors */
	FOT_FEWSHOT_SETS_WRITTEN,
	FOT_FEWSHOT_N_SETS,
	FOT_FEWSHOT_DISTRACTORS, /* for each demonstration, ascending; none: 0 alone */
	FOT_FEWSHOT_N_DISTRACTORS
};

/* The task as an item's condition and set have it. Errors: those of fot_fewshot_open. */
int fot_fewshot_open_item(struct fot_fewshot **out, const struct fot_plan *p, const struct fot_item *item,
			  struct fot_err *err);

/* "16", "fill" */
void fot_fewshot_shots_name(char out[24], int64_t shots);
/* Append a row with what is known of the item alone. */
size_t fot_fewshot_key_row(const struct fot_plan *p, const struct fot_item *item, struct fot_table *t);
/* The same with all that is known of test item i before it is answered, behind `fitted` demonstrations. */
size_t fot_fewshot_item_row(const struct fot_plan *p, const struct fot_item *item,
			    const struct fot_fewshot *f, size_t fitted, size_t i, struct fot_table *t);
/* `baselines` of the class. */
int fot_fewshot_baseline_rows(const struct fot_plan *p, const bool *there, struct fot_table *t,
			      struct fot_err *err);

#endif
