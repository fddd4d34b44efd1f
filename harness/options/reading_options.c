/* reading_options.c: see reading_options.h. */
#include "harness/options/reading_options.h"

const char *const fot_reading_dtype_names[] = { "model", "f32", "bf16", NULL };
