/* template.h: the wording of few-shot prompts, in files: datasets/templates/NAME.json.
 *
 * {
 *   "format": "fotbench-template-1",
 *   "instruction": TEXT,      opens the prompt; may be missing
 *   "demonstration": TEXT,    holds {text} and behind it {label}, each once, and ends in
 *                             a terminator, what stands behind {label}, not empty
 *   "separator": TEXT,        behind every demonstration; may be missing
 *   "content_free": TEXT,     the text of the question that calibrates; default "N/A"
 *   "labels": {LABEL: WORD}   what stands for a label; default: the label itself
 * }
 *
 *   instruction | demonstration separator | demonstration separator | ... | question  answer
 *
 * The question is the demonstration up to the blanks before {label}; the answer is those
 * blanks, the label's word and the terminator.  So a question with its answer is, byte
 * for byte, a demonstration.  The terminator belongs to the answer lest one answer be
 * the beginning of another ("art" and "artist"), which would then always score better. */
#ifndef FOT_TEMPLATE_H
#define FOT_TEMPLATE_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct fot_template {
	cJSON *json;               /* owns the labels' words */
	char *before, *between;    /* the question: before, text, between */
	char *blanks, *terminator; /* the answer: blanks, word, terminator */
	const char *instruction, *separator, *content_free;
	char sha256[65]; /* of the file's bytes */
};

/* Errors: FOT_ERR_INPUT. Release after success only. */
int fot_template_parse(struct fot_template *t, const char *text, size_t n, const char *name,
		       struct fot_err *err);
int fot_template_read(struct fot_template *t, const char *path, struct fot_err *err);
void fot_template_release(struct fot_template *t);

/* What stands for a label in prompts. */
const char *fot_template_word(const struct fot_template *t, const char *label);
/* What a reader of the results should know: words for labels that are none of the n labels of a set, where
 * the set has labels without a word; one line, appended to out, nothing where there is nothing to say. */
void fot_template_notice(struct fot_str *out, const struct fot_template *t, char *const *label, size_t n);
/* Appended to out: the question with this text; the answer with this word. */
void fot_template_question(struct fot_str *out, const struct fot_template *t, const char *text);
void fot_template_answer(struct fot_str *out, const struct fot_template *t, const char *word);

#endif
