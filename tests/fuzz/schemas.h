/* schemas.h: every table, by number: those of the tasks, then the others. */
#ifndef FUZZ_SCHEMAS_H
#define FUZZ_SCHEMAS_H

#include "harness/plan/task_class.h"

static inline size_t fuzzed_schemas(void)
{
	return fot_n_task_classes + fot_n_schemas;
}

static inline const struct fot_schema *fuzzed_schema(size_t k)
{
	k %= fuzzed_schemas();
	return k < fot_n_task_classes ? fot_task_classes[k]->schema : fot_schemas[k - fot_n_task_classes];
}

#endif
