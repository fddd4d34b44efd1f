/* spec_task.h: the "tasks" of a spec: keys, their readers and writers. Used by spec.c. */
#ifndef FOT_SPEC_TASK_H
#define FOT_SPEC_TASK_H

#include "base/json.h"
#include "harness/run/spec.h"

struct fot_spec_reader {
	const char *name, *base_dir; /* of the spec */
	struct fot_err *err;
};

int fot_spec_task_read(struct fot_task_spec *t, const cJSON *node, const char *where,
		       const struct fot_spec_reader *r);
bool fot_spec_task_print(cJSON *list, const struct fot_task_spec *t);
void fot_spec_task_release(struct fot_task_spec *t);

/* Shared with spec.c. */
int fot_spec_no_memory(const struct fot_spec_reader *r);
/* A number or a text with a suffix. */
int fot_spec_size(const cJSON *obj, const char *key, int64_t lo, int64_t hi, int64_t *out,
		  const struct fot_json_ctx *ctx, struct fot_err *err);
/* A list of at least one entry. */
int fot_spec_list(const cJSON *obj, const char *key, const cJSON **first, size_t *n, const struct fot_json_ctx *ctx,
		  struct fot_err *err);
/* A path as it is, or beside the spec if it only stands there. NULL without memory. */
char *fot_spec_resolve(const char *path, const char *base_dir);
/* A context_lengths entry: a number or a text. false: rubbish. */
bool fot_spec_length(struct fot_lengths *l, const cJSON *entry);

#endif
