/* hf_steps.h: a section of a tokenizer.json that is a list of steps, {"type": ...} or a Sequence of such; private to
 * model/hf_*.c.
 *
 * Normalizer, pre-tokenizer and decoder each have a table of the kinds of step they read.  What a step does is theirs. */
#ifndef FOT_HF_STEPS_H
#define FOT_HF_STEPS_H

#include "model/hf_text.h"

#define HF_STEPS_MAX 16

enum hf_behaviour { HF_REMOVED, HF_ISOLATED, HF_MERGED_WITH_PREVIOUS, HF_MERGED_WITH_NEXT, HF_CONTIGUOUS };
enum hf_prepend { HF_NEVER, HF_FIRST, HF_ALWAYS };

struct hf_step {
	size_t kind; /* index into the section's kinds */
	struct hf_pattern
		*pattern;    /* Replace, Split, ByteLevel, Metaspace of the pre-tokenizer; NULL: none */
	char *text;          /* Prepend, Replace, Strip: the text; Metaspace: what stands for a space */
	int64_t start, stop; /* Strip */
	enum hf_behaviour behaviour;    /* of the pattern's matches */
	enum hf_prepend prepend;        /* Metaspace; ByteLevel: HF_ALWAYS is add_prefix_space */
	bool invert, one_by_one, split; /* Split; Digits; Metaspace of the pre-tokenizer */
};

struct hf_kind {
	const char *name; /* its "type" */
	/* Takes what the section says; NULL: nothing. Errors: FOT_ERR_INPUT, FOT_ERR_RUN. */
	int (*read)(struct hf_step *s, const cJSON *section, const char *where, struct fot_err *err);
};

struct hf_section {
	const struct hf_kind *kind;
	size_t n_kinds;
	const char *list; /* key of a Sequence's steps */
	const char *last; /* a kind that none may stand behind; or NULL */
};

struct hf_steps {
	struct hf_step at[HF_STEPS_MAX];
	size_t n;
};

/* section may be NULL or null: no steps. Errors: FOT_ERR_INPUT by name of what is not read, FOT_ERR_RUN. Release
 * always; zeroed at first. */
int hf_steps_read(struct hf_steps *z, const struct hf_section *of, const cJSON *section, const char *where,
		  struct fot_err *err);
void hf_steps_release(struct hf_steps *z);

/* --- for kinds: errors as of read --- */

/* s->text from a key; otherwise: where it may be missing, else NULL. */
int hf_read_text(struct hf_step *s, const cJSON *section, const char *key, const char *otherwise,
		 const char *where, struct fot_err *err);
/* The same of one character. */
int hf_read_character(struct hf_step *s, const cJSON *section, const char *key, const char *otherwise,
		      const char *where, struct fot_err *err);
/* Metaspace's "replacement". */
int hf_read_mark(struct hf_step *s, const cJSON *section, const char *where, struct fot_err *err);
/* Replace: "pattern" and "content". */
int hf_read_replace(struct hf_step *s, const cJSON *section, const char *where, struct fot_err *err);

#endif
