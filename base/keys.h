/* keys.h: the keys of a JSON object as rows of one table.
 *
 *   row = name, type, place in a struct, bounds, default, one sentence
 *
 * Reading an object, writing it, freeing what was read and explaining it are loops over the rows;
 * a command line makes its flags of the same rows.  A room adds types of its own (a list of sizes,
 * a file) as a struct fot_key_type. */
#ifndef FOT_KEYS_H
#define FOT_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

#define FOT_KEYS_MAX 32 /* rows of a table */

struct fot_key_ctx {
	struct fot_json_ctx json; /* where the object stands, for messages, and the code to raise */
	const char *folder;       /* of the file that is read, for types that name files; NULL: none */
	struct fot_err *err;
};

struct fot_key;

/* How the text of a flag becomes the key's value. */
enum fot_key_text {
	FOT_KEY_NO_FLAG,
	FOT_KEY_SWITCH,  /* no text: true */
	FOT_KEY_INTEGER, /* bounds of the row */
	FOT_KEY_SIZED,   /* the same, with k and M */
	FOT_KEY_NUMBER,
	FOT_KEY_WORD,   /* one text */
	FOT_KEY_WORDS,  /* texts with commas between */
	FOT_KEY_NUMBERS /* numbers with commas between */
};

struct fot_key_type {
	const char *name; /* in the help: "size", "list of sizes" */
	enum fot_key_text text;
	/* obj[k->name], which is there, to its place. base: the struct. Errors: ctx->json.code. */
	int (*read)(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx);
	/* Append it to o; false without memory. NULL: not written. */
	bool (*write)(cJSON *o, const struct fot_key *k, const void *base);
	/* Is there something to write? NULL: always. */
	bool (*is_set)(const struct fot_key *k, const void *base);
	/* NULL: nothing to free. Safe on zeros. */
	void (*release)(const struct fot_key *k, void *base);
};

struct fot_key {
	const char *name;
	const struct fot_key_type *type;
	size_t offset, bytes;     /* of the value: FOT_KEY_AT */
	size_t count;             /* lists: place of the number of entries, a size_t */
	size_t written;           /* names of files: place of the text as it was written */
	double lo, hi;            /* numbers, or each of a list */
	const char *const *words; /* those that there are, NULL-terminated; the value is the index */
	bool required;
	bool only_if_set;  /* written only where it says something, so that others keep their hash */
	bool unwritten;    /* of this machine, not of what is measured: never written */
	const char *dflt;  /* JSON that is read where the key is missing; NULL: the place stays as it is */
	const char *unset; /* what a missing key means, in words, where there is no dflt */
	const char *flag;  /* NULL: none */
	char letter;       /* of the flag; 0: none */
	const char *arg;   /* name of the flag's value */
	const char *help;  /* one sentence, without full stop */
};

/* A table with what its object is, for a help. */
struct fot_key_table {
	const char *title;
	const struct fot_key *keys;
	size_t n;
};

#define FOT_KEY_AT(type, member) .offset = offsetof(type, member), .bytes = sizeof(((type *)0)->member)

extern const struct fot_key_type fot_key_integer, /* int32_t or int64_t, signed or not */
	fot_key_size,                             /* the same; in JSON a number or a text such as "8k" */
	fot_key_real,                             /* double */
	fot_key_flag,                             /* bool */
	fot_key_choice,                           /* an enum or int: index into words; set: not the first */
	fot_key_text,                             /* char *, owned, not empty */
	fot_key_name,                             /* the same, and what can be a name in the results (quote.h) */
	fot_key_comment,            /* anything: for readers */
	fot_key_object, fot_key_objects; /* read by other means: only known and explained here */

/* How fot_key_integer and fot_key_real are written and set, for types that are only read in another way. */
bool fot_key_write_integer(cJSON *o, const struct fot_key *k, const void *base);
bool fot_key_has_integer(const struct fot_key *k, const void *base);
bool fot_key_write_real(cJSON *o, const struct fot_key *k, const void *base);
bool fot_key_has_real(const struct fot_key *k, const void *base);

/* Read the object into base: unknown keys are errors that name the nearest known one, missing ones
 * get their default, keys are read in the table's order. Whatever happens, base is fit for
 * fot_keys_release if it was zeros before. Errors: ctx->json.code, FOT_ERR_RUN without memory. */
int fot_keys_read(void *base, const struct fot_key *keys, size_t n, const cJSON *obj,
		  const struct fot_key_ctx *ctx);
/* Append what was read, defaults included, in the table's order. false: out of memory. */
bool fot_keys_write(cJSON *o, const struct fot_key *keys, size_t n, const void *base);
void fot_keys_release(const struct fot_key *keys, size_t n, void *base);

/* The row of this name, or NULL. */
const struct fot_key *fot_keys_find(const struct fot_key *keys, size_t n, const char *name);
/* What stands behind the sentence in a help: "8192", "0,1,2", "the model's"; nothing for required keys. */
void fot_key_default(struct fot_str *out, const struct fot_key *k);
/* A block of the help: title, and for each key its name, type, bounds or words, default and sentence. */
void fot_keys_describe(struct fot_str *out, const char *title, const struct fot_key *keys, size_t n);

/* For types: the value's place, and the error of a lack of memory. */
void *fot_key_place(const struct fot_key *k, void *base);
const void *fot_key_value(const struct fot_key *k, const void *base);
int fot_key_no_memory(const struct fot_key_ctx *ctx);

#endif
