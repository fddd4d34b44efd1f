/* fewshot_impl.h: what the files of the few-shot task share. */
#ifndef FOT_FEWSHOT_IMPL_H
#define FOT_FEWSHOT_IMPL_H

#include "tasks/fewshot.h"

/* Demonstrations of another set: index into its items [n]. */
struct fot_fewshot_pool {
	const struct fot_labelled *set;
	const struct fot_template *t;
	size_t *item, n;
};

struct fot_fewshot {
	const struct fot_labelled *set;
	const struct fot_template *t;
	const struct fot_tokenizer *tokenizer;
	struct fot_fewshot_opts o;
	struct fot_ids stop; /* STOP */
	size_t stop_text;    /* bytes that it decodes to */
	struct fot_ids head; /* BOS, instruction */
	struct fot_ids separator;
	struct fot_ids label_ids;  /* all labels' answers */
	struct fot_answer *answer; /* [n_labels] */
	size_t n_labels, longest;  /* longest answer, or n_greedy */
	size_t *item, n;           /* test items: index into the set's */
	bool *is_long;
	size_t n_long;
	struct fot_ids questions;       /* of all test items, then the one without content */
	size_t *question_end;           /* [n + 2]: question i is [end[i], end[i + 1]) */
	size_t *pool, n_pool;           /* demonstrations: index into the set's items */
	size_t room;                    /* longest question that is asked, with its answer */
	struct fot_fewshot_pool *other; /* [o.n_others] distractors */
};

int fot_fewshot_append(struct fot_ids *out, const int32_t *id, size_t n, struct fot_err *err);
/* Appended: a question, or an answer, in a template's words, as the continuation of a text. */
int fot_fewshot_encode_question(struct fot_ids *out, const struct fot_fewshot *f,
				const struct fot_template *t, const char *text, struct fot_err *err);
int fot_fewshot_encode_answer(struct fot_ids *out, const struct fot_fewshot *f, const struct fot_template *t,
			      const char *word, struct fot_err *err);

/* The sets of o.other, once the test items are known. Errors: FOT_ERR_INPUT, FOT_ERR_RUN. */
int fot_fewshot_open_others(struct fot_fewshot *f, struct fot_err *err);
void fot_fewshot_close_others(struct fot_fewshot *f);

#endif
