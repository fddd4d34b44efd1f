/* codes.h: the keys of one head in 8 bits, a scale per key: k ~ step * code, |code| <= 127.  Sums of products are whole
 * numbers, so they are the same however they are summed. */
#ifndef FOT_CODES_H
#define FOT_CODES_H

#include "model/index.h"

#define FOT_CODE_UNIT 32 /* rows are padded with zeros to a multiple of it */

struct fot_codes {
	int64_t d, width;
	int8_t *code; /* [cap, width] */
	float *step;  /* [cap] */
};

void fot_codes_lay(struct fot_codes *x, struct fot_layout *y, int64_t cap, int64_t d);
/* Entry j is key [d]; of what is no finite number the code is 0. */
void fot_codes_put(struct fot_codes *x, int64_t j, const float *key);
/* A query [d] as finely as sums allow, q [width]; returns its step. */
float fot_codes_query(const struct fot_codes *x, int16_t *q, const float *query);
/* Products of rows of `width`. */
int32_t fot_codes_dot(const int8_t *a, const int8_t *b, int64_t width);
int32_t fot_codes_ask(const int8_t *a, const int16_t *q, int64_t width);

#endif
