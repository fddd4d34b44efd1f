/* fewshot.h: classification, or answers, from demonstrations in the prompt [paper, sec.
 * "in-context few-shot"; tab:trec_web_qs_improve].
 *
 *   BOS instruction | demo 0 | demo 1 | ... | demo k-1 | question |  answer
 *   0               end[0]   end[1]           end[k]                 = n_stem  n_prompt
 *
 * One list of demonstrations per demonstration seed, drawn from the training items
 * independently of the test item: the stem of k demonstrations is the beginning of that of
 * k' > k, and all test items of one seed share it.  Training items with the
 * text of a test item, and repeats of one text, are in no list.
 *
 * Distractors, demonstrations of other tasks, may stand between those of the task: each of its
 * demonstrations stands at a random place among r training items of other sets, which are worded
 * by their own templates and whose texts are no test item's.  The task's demonstrations and
 * their order are those without distractors, so that what these cost is a paired difference.
 *
 * Every part is tokenised on its own, as the continuation of a text, so a prompt is its
 * parts' ids one behind the other; a label has the same ids in demonstrations and as an
 * answer.  Scores of labels include the template's terminator: no answer is then the
 * beginning of another.
 *
 *   raw           sum of log p over the answer's tokens
 *   per-token     that, divided by the number of tokens
 *   content-free  raw, less raw behind the same demonstrations and a question without
 *                 content (Zhao et al. 2021, as a difference of logs)
 *
 * Sets with answers instead of labels are answered by greedy text, cut at the terminator:
 * right when it equals an accepted answer after normalisation (fot_fewshot_normalise). */
#ifndef FOT_FEWSHOT_H
#define FOT_FEWSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "datasets/labelled.h"
#include "datasets/template.h"
#include "model/tokenizer.h"
#include "tasks/task.h"

/* Raised whenever results change for the same inputs. */
#define FOT_FEWSHOT_VERSION 4
#define FOT_FEWSHOT_FILL (-1)     /* shots: as many as there are and fit; with repeat, as fit */
#define FOT_FEWSHOT_FREE SIZE_MAX /* item: the question without content */

enum fot_fewshot_score {
	FOT_FEWSHOT_RAW,
	FOT_FEWSHOT_PER_TOKEN,
	FOT_FEWSHOT_CONTENT_FREE,
	FOT_FEWSHOT_SCORES
};
extern const char *const fot_fewshot_score_name[FOT_FEWSHOT_SCORES + 1]; /* NULL-terminated */

/* A set of another task, with its own wording; both are borrowed. */
struct fot_fewshot_other {
	const struct fot_labelled *set;
	const struct fot_template *t;
};

struct fot_fewshot_opts {
	int64_t window;      /* W: question and answer stand in one */
	int64_t context_max; /* the longest context length that will be asked for */
	int64_t shots_max;   /* the largest number that will be asked for */
	bool fill;           /* FOT_FEWSHOT_FILL will be asked for too */
	size_t items;        /* test items, drawn at random; 0 or more than there are: all */
	size_t n_greedy;     /* tokens to generate; sets with answers only */
	uint64_t seed;
	bool bos;      /* BOS first, where the tokenizer has one */
	bool balanced; /* demonstrations: each label once in every round of labels */
	bool repeat;   /* too few training items: go round again */
	enum fot_fewshot_score score;
	const struct fot_fewshot_other *other; /* [n_others] where distractors come from */
	size_t n_others;
};

/* Set, template and tokenizer are borrowed. */
struct fot_fewshot;
/* Errors: FOT_ERR_INPUT (no test items; fewer training items than shots; two labels with
 * the same word; every question too long; another set without demonstrations), FOT_ERR_USAGE, FOT_ERR_RUN. */
int fot_fewshot_open(struct fot_fewshot **out, const struct fot_labelled *set, const struct fot_template *t,
		     const struct fot_tokenizer *tokenizer, const struct fot_fewshot_opts *o,
		     struct fot_err *err);
void fot_fewshot_close(struct fot_fewshot *f);
size_t fot_fewshot_n_items(const struct fot_fewshot *f);
const struct fot_labelled_item *fot_fewshot_item(const struct fot_fewshot *f, size_t i);
/* The right label of a test item, or the first right answer; NULL: it has none. */
const char *fot_fewshot_gold(const struct fot_fewshot *f, size_t i);
/* Question and longest answer exceed a window: not to be asked. */
bool fot_fewshot_is_long(const struct fot_fewshot *f, size_t i);
/* Of a test item's question, without an answer. */
size_t fot_fewshot_question_tokens(const struct fot_fewshot *f, size_t i);
size_t fot_fewshot_n_labels(const struct fot_fewshot *f); /* 0: answers */
size_t fot_fewshot_pool(const struct fot_fewshot *f);     /* different demonstrations there are */
uint64_t fot_fewshot_seed(const struct fot_fewshot *f);
const char *fot_fewshot_label(const struct fot_fewshot *f, size_t label); /* its name */
/* The commonest label of the test items, the first of several. There are labels. */
int32_t fot_fewshot_commonest(const struct fot_fewshot *f);
/* Accuracy of guessing and of the test items' commonest label; false: answers. */
bool fot_fewshot_levels(const struct fot_fewshot *f, double *chance, double *majority);

/* The demonstrations of one seed, tokenised as far as they can be used, each among `distractors`
 * of the other sets. */
struct fot_fewshot_demos {
	struct fot_ids ids; /* BOS, instruction, demonstrations */
	size_t *end;        /* [n + 1] tokens with k demonstrations and their distractors */
	size_t *item;       /* [n] index into the set's items */
	size_t n;
	uint64_t seed;
	size_t distractors;
};
int fot_fewshot_demos_init(struct fot_fewshot_demos *d, const struct fot_fewshot *f, uint64_t demo_seed,
			   size_t distractors, struct fot_err *err);
void fot_fewshot_demos_release(struct fot_fewshot_demos *d);
const struct fot_labelled_item *fot_fewshot_demo(const struct fot_fewshot *f, const struct fot_fewshot_demos *d,
						 size_t k);

/* How many of `shots` demonstrations fit: the same number for all test items. Errors:
 * FOT_ERR_USAGE when not even the instruction does. */
int fot_fewshot_fit(size_t *fitted, const struct fot_fewshot *f, const struct fot_fewshot_demos *d,
		    int64_t shots, int64_t context_length, struct fot_err *err);
/* How many of the first `fitted` demonstrations, their distractors with them, end within the first `first` tokens of the
 * prompt, or begin at token `last` or behind it. */
size_t fot_fewshot_seen(const struct fot_fewshot_demos *d, size_t fitted, size_t first, size_t last);
/* Begin prompts with `fitted` demonstrations: prompt holds the stem then, *n_stem tokens. */
int fot_fewshot_stem(struct fot_ids *prompt, size_t *n_stem, const struct fot_fewshot *f,
		     const struct fot_fewshot_demos *d, size_t fitted, struct fot_err *err);
/* Item i behind that stem; q borrows prompt and f until the next call. */
int fot_fewshot_ask(struct fot_question *q, struct fot_ids *prompt, size_t n_stem,
		    const struct fot_fewshot *f, size_t i, struct fot_err *err);

/* Scores of the labels [n_labels] from a reply's nll; free: scores of the question
 * without content, of the same stem (FOT_FEWSHOT_CONTENT_FREE), else NULL. */
void fot_fewshot_scores(double *score, const struct fot_fewshot *f, const double *nll, const double *free);

struct fot_fewshot_observation {
	bool correct;
	const char *label_gold, *label_pred; /* pred: NULL with answers */
	double score_gold, score_best_other;
};
/* The first label of highest score is the prediction. */
void fot_fewshot_observe(struct fot_fewshot_observation *o, const struct fot_fewshot *f, size_t i,
			 const double *score);
/* The text of generated ids, up to the terminator or EOS, without blanks at its ends. */
int fot_fewshot_text(struct fot_str *out, const struct fot_fewshot *f, const int32_t *ids, size_t n,
		     struct fot_err *err);
int fot_fewshot_observe_text(struct fot_fewshot_observation *o, const struct fot_fewshot *f, size_t i,
			     const char *text, struct fot_err *err);
/* Appended: letters in lower case (ASCII and Latin-1), ASCII punctuation dropped, then the
 * words a, an, the, then runs of white space become one blank, none at the ends. */
void fot_fewshot_normalise(struct fot_str *out, const char *text);

#endif
