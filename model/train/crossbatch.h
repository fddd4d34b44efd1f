/* crossbatch.h: which windows a training step reads, and who sees whom.
 *
 * The crossbatch objective [paper, sec. "training procedure"; app.]: every batch
 * index holds one document.  Its current window asks (has a loss); the window(s)
 * before it, and those of other batch indices, are seen un-masked by the memory
 * layers' queries, with gradient into their keys and values.
 *
 *   batch index   context windows (no loss,            asking window
 *                 layers below the memory layer only)
 *                  C_prev                               C_curr
 *      0  doc A   [a3][a2][a1] ----------- own -------> [A ....]   sees a1 a2 a3 + b1 c1
 *      1  doc B   [b3][b2][b1] ----------- own -------> [B ....]   sees b1 b2 b3 + c1 d1
 *      2  doc C   [c3][c2][c1] ----------- own -------> [C ....]   sees c1 c2 c3 + d1 a1
 *      3  doc D   [d3][d2][d1] ----------- own -------> [D ....]   sees d1 d2 d3 + a1 b1
 *      negatives  [n1][n2]...                                      all see n1 n2 as well
 *                              (here w = 3 own windows, d = 3 documents, negatives = 2)
 *
 * w own windows: those just before C_curr, or, with probability `far`, ones from
 * anywhere earlier in the document.  d - 1 negatives: the nearest window of
 * batch indices i+1 .. i+d-1 (mod batch).  `negatives` more windows of other
 * documents are seen by all and ask nothing.
 *
 * With pack = k > 1 the context windows are asking windows too, which saves
 * computing them for nothing else (the layout of LongLLaMA's training): a
 * document has k windows in the batch, in the order of the text, and window j
 * sees those before it, at most w, and of d - 1 other documents the window j - 1:
 *
 *   document 0   [A0]  [A1]  [A2]  [A3]      A3 sees A2 A1 A0 + B2   (w = 3, d = 2)
 *   document 1   [B0]  [B1]  [B2]  [B3]      B1 sees B0       + A0
 *                                            A0, B0 see nothing
 *
 * The k windows are neighbours, or, with probability `far`, lie anywhere in the
 * document.
 *
 * memorizing [Wu et al. 2022]: the same windows with d = 1, but no gradient goes into the
 * keys and values of the windows in sight.  With top_k each query and head reads only its best
 * keys, as at evaluation with a search.
 *
 * transformer-xl [Dai et al. 2019]: an asking window and the w windows just before it, which are
 * run one after the other without gradient, each seeing the one before it in all layers (cached.c):
 *
 *   document 0   [a3] -> [a2] -> [a1] -> [A ....]       document 1   [b3] -> [b2] -> [b1] -> [B ....]
 *
 * longllama: the layout of LongLLaMA's own training, rows.h.
 *
 * Departure from the paper: a batch index does not walk through its document
 * from start to end; each step draws document and place anew.  Context windows are
 * computed in the step that uses them, so nothing is carried between steps, the
 * batch is a function of (seed, step) alone and a resumed run draws the same. */
#ifndef FOT_CROSSBATCH_H
#define FOT_CROSSBATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "datasets/corpus.h"

enum fot_method {
	FOT_METHOD_STANDARD,
	FOT_METHOD_CROSSBATCH,
	FOT_METHOD_MEMORIZING,
	FOT_METHOD_TRANSFORMER_XL,
	FOT_METHOD_LONGLLAMA,
	FOT_METHOD_COUNT
};

/* One stage of a recipe. */
struct fot_stage {
	enum fot_method method;
	int64_t steps;
	int64_t window;    /* W, tokens */
	int64_t batch;     /* asking windows per part of a step */
	int64_t accumulate; /* parts of a step, whose gradients are summed; 0: 1 */
	int64_t w;         /* own previous windows, >= 1 (crossbatch, transformer-xl) */
	int64_t d;         /* documents seen, own included, 1 <= d <= batch / pack */
	int64_t negatives; /* extra windows that ask nothing */
	int64_t pack;      /* asking windows per document; divides batch; 1: separate contexts
			      (longllama: rows per stream) */
	int64_t top_k;     /* memory keys per query and head, the best; 0: all */
	int64_t range;     /* longllama: other rows that a row sees at most */
	bool stepping;     /* longllama: the first rows of a stream see fewer */
	double far;        /* probability that the own windows come from anywhere earlier */
	double copy;       /* probability that a span of C_curr repeats one in sight: of an own
			      context window, or (standard) earlier in the window itself */
	double near;       /* share of the negatives that are hard; generators say how */
	double cut;        /* generator passkey: in place of its own `cut`; 0: that */
	double lr;         /* peak learning rate of the stage; 0: the recipe's */
	double teach, teach_end; /* weight of attention teaching (teach.c) at the stage's beginning and at its end */
	double teach_text;       /* that of the layers below, as a multiple of it */
};

struct fot_generator;
struct fot_episodes;
struct fot_rows;

#define FOT_BATCH_CHOICES 64 /* most labels of an episode */

struct fot_batch {
	int64_t part; /* of the step, to be drawn */
	int64_t window;
	int64_t n_ask, n_win;   /* windows 0 .. n_ask-1 ask, the rest are contexts */
	int32_t *tokens;        /* [n_win, window] */
	int32_t *targets;       /* [n_ask, window], -1 = no loss */
	uint8_t *answer;        /* [n_ask, window] 1 = target of the second kind, an answer */
	double answer_weight;   /* the loss is mean(others) + answer_weight mean(answers) */
	bool row_mean;          /* longllama: mean over windows of the mean over a window's targets; no answers */
	struct fot_rows *rows;  /* where its streams stand */
	int64_t top_k;          /* keys of the windows in sight that a query and head keeps; 0: all */
	bool constant;          /* no gradient into the keys and values of the windows in sight */
	int64_t *vis_begin;     /* [n_ask + 1] into vis */
	int32_t *vis;           /* windows seen un-masked by asking window b */
	bool cached;            /* transformer-xl: windows see the one before them in all layers; no vis */
	int64_t chain;          /* of it: windows run before each asking one, the nearest of its contexts */
	/* Demonstrations with labels (generator episodes); classes are numbers of the batch, those of
	 * asking window i's episode [i - i % pack) * FOT_BATCH_CHOICES and up. */
	bool labelled;          /* the ones below say something */
	int32_t *label;         /* [n_win, window] class of the label that begins with this token; -1: none */
	int32_t *asks;          /* [n_ask, window] class of the label that comes next, when a label of that
				   class is in sight; -1: none */
	int32_t *choice;        /* [n_ask, FOT_BATCH_CHOICES] first tokens of the episode's labels */
	int32_t *n_choices;     /* [n_ask] */
	int32_t *text;          /* [n_win, window] demonstration, a number of the window, of whose text this token is; -1 */
	int32_t *reads;         /* [n_win, window] demonstration whose text this token, the last before its label or
				   the label's first, is to read; -1: none */
	double teach;           /* weight of attention teaching, see teach.c */
	double teach_text;      /* the same for the layers below */
	int64_t cap_tokens, cap_ask, cap_vis;
};

/* "standard", "crossbatch", ...: as recipes and train.csv have it. */
const char *fot_method_name(enum fot_method method);
extern const char *const fot_method_words[]; /* NULL-terminated */
/* Does a window read a memory of other windows in this stage, which methods crossbatch and memorizing fill? */
bool fot_stage_has_memory(const struct fot_stage *s);
/* Windows of a batch of this stage, asking ones and contexts. */
int64_t fot_stage_windows(const struct fot_stage *s);
/* Parts of a step of this stage, and windows that all of them ask for. */
int64_t fot_stage_parts(const struct fot_stage *s);
int64_t fot_stage_asking(const struct fot_stage *s);
/* Numbers of random streams: of asking window i and of negative i of the batch's part of a step.  Parts of m windows draw
 * the asking windows that one batch of all would. */
#define FOT_STEP_SLOTS (1u << 20)
uint64_t fot_batch_ask_slot(const struct fot_batch *b, const struct fot_stage *s, uint64_t step, int64_t i);
uint64_t fot_batch_negative_slot(const struct fot_batch *b, const struct fot_stage *s, uint64_t step, int64_t i);
/* Room for the largest of the stages. Errors: FOT_ERR_RUN. */
int fot_batch_init(struct fot_batch *b, const struct fot_stage *stages, size_t n, struct fot_err *err);
void fot_batch_release(struct fot_batch *b);

/* Set the sizes and visibility lists of a batch of this stage; tokens are not touched. */
void fot_batch_link(struct fot_batch *b, const struct fot_stage *stage);

/* What to draw from: documents of a corpus with a weight per dataset. */
struct fot_source {
	const struct fot_corpus *corpus;
	const double *weight; /* [datasets of the corpus], any positive scale */
	size_t n_datasets;
	const struct fot_generator *generator; /* NULL: windows as they stand in the documents */
	const struct fot_episodes *episodes;   /* of the generator of that name */
	int32_t bos, eos; /* longllama: ids around a document, -1: none; documents hold their BOS */
};
/* Fill b for (seed, step, b->part). purpose names the stream ("train" or "valid").
 * Errors: FOT_ERR_INPUT when a dataset has no document of (w + 1) windows + 1. */
int fot_batch_draw(struct fot_batch *b, const struct fot_source *src, const struct fot_stage *stage, uint64_t seed,
		   const char *purpose, uint64_t step, struct fot_err *err);
/* Only the own-document part of the visibility lists, or none of it: the same
 * windows measured with another memory. keep: own windows kept per query; with cached
 * windows, how many are run before. */
void fot_batch_limit(struct fot_batch *b, int64_t keep);

#endif
