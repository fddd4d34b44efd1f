/* spec_task.h: the "tasks" of a spec, by the keys of their classes. Used by spec.c. */
#ifndef FOT_SPEC_TASK_H
#define FOT_SPEC_TASK_H

#include "base/keys.h"
#include "harness/run/spec.h"

int fot_spec_task_read(struct fot_task_spec *t, const cJSON *node, const struct fot_key_ctx *ctx);
bool fot_spec_task_print(cJSON *o, const struct fot_task_spec *t);
void fot_spec_task_release(struct fot_task_spec *t);

#endif
