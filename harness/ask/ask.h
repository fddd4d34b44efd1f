/* ask.h: questions put to a session, with what their stems share read once.
 *
 *   memory  | window 0 | window 1 | ... |  rest  |      local window: rest, question, answer
 *           the stem's whole windows    (or here)
 *
 * A stem is read window by window from its first token on.  What is left of it (the rest)
 * stays in the local window if the question and its longest answer fit beside it, else it
 * goes to memory and the question begins a window of its own.  The next question keeps
 * the windows that its stem has in common with the one before, and the rest too if the
 * stems are equal.  The answers are read together with the question, as branches behind it,
 * as many at once as the window has room for.  How a question is cut into pieces depends on
 * that question alone, so sharing changes no bit.
 *
 * With cached windows (Transformer-XL) only equal stems are kept: a window's keys and values
 * depend on what was read before it.  What lies too far back to have an influence is not
 * read at all.
 *
 * Without memory the question's window is filled up with the end of the stem, which is read on its own before it:
 * questions of one length behind one stem share it.
 * Models that cut as LongLLaMA does read the prompt's last last_context_length tokens as
 * the question's window (docs/longllama.md, cutting). */
#ifndef FOT_ASK_H
#define FOT_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/session.h"
#include "tasks/task.h"

/* Most questions that are read at the same time. */
#define FOT_ASK_TOGETHER 16

/* A question on its way through the session: its end, its answers as branches. */
struct fot_asking {
	int32_t *tokens, *branch; /* [window] */
	float *logits;            /* [logit_rows, V] behind the prompt, then of answer tokens */
	size_t logit_rows;
	size_t first, next;       /* answers of the feed */
	size_t at;                /* answer tokens before it */
	struct fot_feed feed;
};

struct fot_asker {
	struct fot_session *session;
	int64_t window;       /* W */
	int64_t last_context; /* > 0: tokens of the question's window at least (LongLLaMA's cut) */
	int32_t vocab;
	bool memory, share;
	/* What the session holds: */
	int32_t *held;        /* [n_held] the stem read last */
	size_t n_held, cap;
	bool committed;       /* its rest went to memory */
	struct fot_mark mark; /* behind the stem */
	bool valid;           /* mark and held are the session's */
	float *first;         /* [V] logits behind the prompt */
	struct fot_asking asking[FOT_ASK_TOGETHER];
	int64_t n_read;       /* tokens fed since last asked for */
};

/* s and its model must outlive the asker. memory: does the session have one, or cached windows?
 * Errors: FOT_ERR_RUN (memory). */
int fot_asker_init(struct fot_asker *a, struct fot_session *s, const struct fot_model *m, int64_t window,
		   bool memory, bool share, struct fot_err *err);
void fot_asker_release(struct fot_asker *a);
/* The first token of the prompt that can be seen from its end: without memory that of the window which holds the question,
 * with cached windows that of the farthest one with an influence, else 0. The question fits its window. */
size_t fot_asker_sees_from(const struct fot_asker *a, const struct fot_question *q);
/* How many tokens of the prompt, the first ones, are in the memory when the question is read; without memory 0. */
size_t fot_asker_remembers(const struct fot_asker *a, const struct fot_question *q);
/* Errors: FOT_ERR_INPUT (token outside the vocabulary), FOT_ERR_USAGE (a question that no
 * window holds, with the figure), FOT_ERR_RUN. */
int fot_ask(struct fot_asker *a, const struct fot_question *q, struct fot_reply *reply, struct fot_err *err);
/* The same for n questions, one after the other; those with equal stems that need one feed each are
 * read at the same time, a thread each, where the session has room for feeds apart: the same bits. */
int fot_ask_each(struct fot_asker *a, const struct fot_question *q, size_t n, struct fot_reply *reply,
		 struct fot_err *err);

/* Tokens of all answers together. */
size_t fot_question_answers(const struct fot_question *q);
/* Tokens fed behind the stem: the prompt's end, and all answers but their last tokens. */
int64_t fot_question_fed(const struct fot_question *q);
/* Arrays of the right sizes for one question. Errors: FOT_ERR_RUN. */
int fot_reply_init(struct fot_reply *r, const struct fot_question *q, struct fot_err *err);
void fot_reply_release(struct fot_reply *r);

#endif
