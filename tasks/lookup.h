/* lookup.h: questions about a long dictionary [paper, app. "dictionary lookup"].
 *
 *   | <k> k1..k4 <v> v1..v4 | ... n_records ... | <q> k1..k4 <v> | v1..v4 <q> k1..k4 <v> v1..v4 ...
 *   0                                           n_stem           n_prompt (the answer)
 *
 * All questions of a prompt form one answer, read with the right values in it; scored are
 * the value tokens alone.  They ask for distinct records, drawn evenly from the whole
 * dictionary.  In one trial a shorter dictionary is the beginning of a longer one. */
#ifndef FOT_LOOKUP_TASK_H
#define FOT_LOOKUP_TASK_H

#include <stdint.h>

#include "base/err.h"
#include "datasets/lookup.h"
#include "model/tokenizer.h"
#include "tasks/task.h"

/* Raised whenever results change for the same inputs. */
#define FOT_LOOKUP_VERSION 2
#define FOT_LOOKUP_CHANCE (1.0 / FOT_LOOKUP_SYMBOLS) /* of a value token */

struct fot_lookup_task {
	uint64_t seed;
	int64_t window;          /* W of the session; at least FOT_LOOKUP_RECORD */
	int64_t question_tokens; /* most tokens of questions, rounded down to whole ones (paper: 256);
				  * never more than a window. At least FOT_LOOKUP_RECORD */
};

/* What a context length holds: questions as above, the rest records: whole windows of them
 * if records tile the window (then the questions begin a window, and the stems of
 * shorter lengths are the beginnings of longer ones' window by window), else whole records.
 * Up to a window of context_length stays unused. */
struct fot_lookup_size {
	int64_t n_records, n_queries;
};
/* Tokens of the shortest context that holds as many records as questions. */
int64_t fot_lookup_min_length(const struct fot_lookup_task *p);
/* Errors: FOT_ERR_USAGE (window or question_tokens too small; a length that is shorter than
 * that or asks for more than FOT_LOOKUP_MAX records). */
int fot_lookup_fit(struct fot_lookup_size *size, const struct fot_lookup_task *p, int64_t context_length,
		   struct fot_err *err);

struct fot_lookup_prompt {
	struct fot_ids ids; /* records, then questions with their values */
	struct fot_lookup_size size;
	struct fot_answer answer; /* in ids */
};
/* *out: zeroed, or built before (its memory is used again). The dictionary is drawn by
 * (seed, trial), the questions by (seed, trial, context_length). */
int fot_lookup_build(struct fot_lookup_prompt *out, const struct fot_lookup_task *p, uint64_t trial,
		     int64_t context_length, struct fot_err *err);
void fot_lookup_prompt_release(struct fot_lookup_prompt *p);
/* The question; it points into *p, which must stay where it is. */
void fot_lookup_ask(struct fot_question *q, const struct fot_lookup_prompt *p);

/* What one row of lookup.csv says about the reply. */
struct fot_lookup_observation {
	int64_t n_value_tokens;   /* FOT_LOOKUP_VALUE a question */
	int64_t n_correct_tokens; /* argmax is the right one */
	int64_t n_correct_values; /* questions with all tokens right */
	double nll_nats;          /* compensated sum over the value tokens, in order */
};
void fot_lookup_observe(struct fot_lookup_observation *o, const struct fot_lookup_prompt *p,
			const struct fot_reply *r);

#endif
