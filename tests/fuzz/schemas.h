/* schemas.h: every table, by number: those of the tasks, then the others. */
#ifndef FUZZ_SCHEMAS_H
#define FUZZ_SCHEMAS_H

#include "harness/report/measures.h"

static inline size_t fuzzed_schemas(void)
{
	return fot_n_measured_tasks + fot_n_schemas;
}

static inline const struct fot_schema *fuzzed_schema(size_t k)
{
	k %= fuzzed_schemas();
	return k < fot_n_measured_tasks ? fot_measured_tasks[k]->schema : fot_schemas[k - fot_n_measured_tasks];
}

#endif
