/* compute.c: see compute.h. */
#include "model/compute.h"

#include <stddef.h>

const char *const fot_compute_words[] = { [FOT_COMPUTE_F32] = "f32", [FOT_COMPUTE_BF16] = "bf16", NULL };
