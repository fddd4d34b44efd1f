/* task_schemas.h: the tables of the tasks, which stand in their classes. */
#ifndef TASK_SCHEMAS_H
#define TASK_SCHEMAS_H

#include "harness/report/measures.h"

extern const struct fot_schema fot_schema_perplexity, fot_schema_passkey, fot_schema_lookup, fot_schema_fewshot,
	fot_schema_distraction, fot_schema_samples;

#endif
