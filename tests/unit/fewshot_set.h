/* fewshot_set.h: a labelled set, its wording and two tokenizers, for tests of few-shot prompts. */
#ifndef FEWSHOT_SET_H
#define FEWSHOT_SET_H

#include "tasks/fewshot.h"

/* Of the running test, between setup and teardown. */
extern struct fot_tokenizer *fewshot_bytes, *fewshot_pieces;
extern struct fot_template fewshot_words; /* "Name the kind.", then "Text: ...", "Kind: art|artist|bird" */

/* For cmocka_unit_test_setup_teardown; a scratch folder too. */
int fewshot_setup(void **state);
int fewshot_teardown(void **state);
/* n training items of random words, 6 test items; label A is twice as common. One
 * training item has the text of a test item, one the text of another training item. */
struct fot_labelled *make_fewshot_set(int n);
/* Window 200, context at most 4000, so many demonstrations or FOT_FEWSHOT_FILL. */
struct fot_fewshot_opts fewshot_opts(int64_t shots);
struct fot_fewshot *open_fewshot(const struct fot_labelled *l, const struct fot_tokenizer *tok,
				 const struct fot_fewshot_opts *o);

#endif
