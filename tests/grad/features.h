/* features.h: what families of models differ in, one at a time and together, on a network of three layers. */
#ifndef FEATURES_H
#define FEATURES_H

#include "model/config.h"

struct feature {
	const char *name;
	void (*add)(struct fot_config *c); /* to what feature_config made */
};

extern const struct feature features[];
extern const size_t n_features;

/* Three layers of width 16 and two heads of 8, of a window of so many tokens, without memory layers. */
void feature_config(struct fot_config *c, int64_t window);

#endif
