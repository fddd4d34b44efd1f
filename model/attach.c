/* attach.c: see attach.h. */
#include "model/attach.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <string.h>

#include "base/json.h"
#include "model/memory.h"

#define WORD_MAX 64

static const struct {
	const char *name, *key;
	size_t at;
	double lo, hi;
} reals[] = {
	{ "scale", "mem_scale", offsetof(struct fot_attach, scale), FOT_MEM_SCALE_LEAST, FOT_MEM_SCALE_MOST },
	{ "decay", "mem_decay", offsetof(struct fot_attach, decay), 0, FOT_MEM_DECAY_MOST },
};
#define N_REALS (sizeof reals / sizeof reals[0])

static const struct {
	const char *name;
	enum fot_dtype dtype;
} dtypes[] = { { "f32", FOT_F32 }, { "bf16", FOT_BF16 } };
#define N_DTYPES (sizeof dtypes / sizeof dtypes[0])

static double *real_of(struct fot_attach *a, size_t i)
{
	return (double *)((char *)a + reals[i].at);
}

static double real_at(const struct fot_attach *a, size_t i)
{
	return *(const double *)((const char *)a + reals[i].at);
}

void fot_attach_kinds(struct fot_str *out)
{
	for (int i = 0; i < FOT_SEARCH_COUNT; i++) {
		const struct fot_memory_ops *ops = fot_memory_kind((enum fot_search)i);

		fot_str_printf(out, "%s%s",
			       i == 0                    ? "" :
			       i == FOT_SEARCH_COUNT - 1 ? " or " :
							   ", ",
			       ops->word);
		if (ops->counts)
			fot_str_printf(out, ", %s:K", ops->word);
	}
}

const char *fot_attach_dtype_word(enum fot_dtype dtype)
{
	return dtypes[dtype == FOT_BF16].name;
}

/* ---- reading --------------------------------------------------------- */

static int refuse_kind(const char *word, const char *where, struct fot_err *err)
{
	struct fot_str kinds = FOT_STR_INIT;

	fot_attach_kinds(&kinds);
	FOT_FAIL(err, FOT_ERR_USAGE, "%s: \"%.40s\": expected %s", where, word,
		 kinds.data ? kinds.data : "a memory");
	fot_str_release(&kinds);
	return FOT_ERR_USAGE;
}

/* "knn:128" */
static int read_kind(struct fot_attach *a, const char *word, const char *where, struct fot_err *err)
{
	size_t n = strcspn(word, ":");
	int64_t k = 0;

	*a = (struct fot_attach){ 0 };
	if (!fot_memory_find(&a->kind, word, n) || (word[n] && !fot_memory_kind(a->kind)->counts))
		return refuse_kind(word, where, err);
	if (word[n] && (!fot_parse_i64(word + n + 1, &k) || k < 1 || k > FOT_TOP_K_MOST))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: \"%.40s\": expected 1 to %d keys", where, word,
				FOT_TOP_K_MOST);
	a->top_k = (int32_t)k;
	return FOT_OK;
}

static int read_dtype(struct fot_attach *a, const char *word, bool *found)
{
	for (size_t i = 0; i < N_DTYPES; i++)
		if (strcmp(word, dtypes[i].name) == 0) {
			*found = true;
			if (a->dtype_given)
				return FOT_ERR_USAGE;
			a->dtype_given = true;
			a->dtype = dtypes[i].dtype;
		}
	return FOT_OK;
}

/* "decay=1" or "bf16"; given: a bit for each of reals. */
static int read_option(struct fot_attach *a, unsigned *given, const char *word, const char *where,
		       struct fot_err *err)
{
	size_t n = strcspn(word, "=");
	bool found = false;

	if (!fot_memory_keeps(a->kind))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: \"%.40s\": memory %s stores nothing", where, word,
				fot_memory_kind(a->kind)->word);
	if (read_dtype(a, word, &found) != FOT_OK)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: \"%.40s\": a type stands before it", where, word);
	for (size_t i = 0; i < N_REALS && !found; i++) {
		double *x = real_of(a, i);

		if (strlen(reals[i].name) != n || memcmp(reals[i].name, word, n) != 0)
			continue;
		found = true;
		if (*given & 1u << i)
			return FOT_FAIL(err, FOT_ERR_USAGE, "%s: \"%.40s\": %s stands twice", where, word,
					reals[i].name);
		if (!word[n] || !fot_parse_double(word + n + 1, x) ||
		    !(*x >= reals[i].lo && *x <= reals[i].hi))
			return FOT_FAIL(err, FOT_ERR_USAGE, "%s: \"%.40s\": expected %s=X, X from %g to %g",
					where, word, reals[i].name, reals[i].lo, reals[i].hi);
		*given |= 1u << i;
	}
	return found ? FOT_OK :
		       FOT_FAIL(err, FOT_ERR_USAGE, "%s: \"%.40s\": expected decay=X, scale=X, f32 or bf16",
				where, word);
}

/* The word at *list, which moves behind it and its comma. */
static int take_word(char word[WORD_MAX], const char **list, const char *where, struct fot_err *err)
{
	size_t n = strcspn(*list, ",");

	if (n >= WORD_MAX)
		return refuse_kind(*list, where, err);
	memcpy(word, *list, n);
	word[n] = 0;
	*list += n + ((*list)[n] == ',' && (*list)[n + 1]);
	return FOT_OK;
}

int fot_attach_next(struct fot_attach *a, const char **list, const char *where, struct fot_err *err)
{
	char word[WORD_MAX];
	enum fot_search next;
	unsigned given = 0;
	int status;

	FOT_TRY(take_word(word, list, where, err));
	FOT_TRY(read_kind(a, word, where, err));
	while (**list && !fot_memory_find(&next, *list, strcspn(*list, ",:"))) {
		FOT_TRY(take_word(word, list, where, err));
		FOT_TRY(read_option(a, &given, word, where, err));
	}
out:
	return status;
}

int fot_attach_parse(struct fot_attach *a, const char *text, const char *where, struct fot_err *err)
{
	const char *rest = text;
	int status = fot_attach_next(a, &rest, where, err);

	if (status == FOT_OK && *rest)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: \"%.40s\": expected one memory", where, text);
	return status;
}

static int read_object(struct fot_attach *a, const cJSON *node, const char *where, struct fot_err *err)
{
	static const char *const keys[] = { "mode", "top_k", "mem_dtype", "mem_scale", "mem_decay" };
	struct fot_json_ctx ctx = { where, FOT_ERR_USAGE };
	const char *mode = NULL, *dtype = NULL;
	bool found = false;
	int64_t k = 0;
	int status;

	FOT_TRY(fot_json_known(node, where, keys, sizeof keys / sizeof keys[0], FOT_ERR_USAGE, err));
	FOT_TRY(fot_json_string(node, "mode", true, &mode, &ctx, err));
	FOT_TRY(read_kind(a, mode, where, err));
	FOT_TRY(fot_json_i64(node, "top_k", false, 1, FOT_TOP_K_MOST, &k, &ctx, err));
	if (k && (a->top_k || !fot_memory_kind(a->kind)->counts))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: top_k: mode \"%.40s\" takes none", where, mode);
	a->top_k = k ? (int32_t)k : a->top_k;
	FOT_TRY(fot_json_string(node, "mem_dtype", false, &dtype, &ctx, err));
	if (dtype && (read_dtype(a, dtype, &found) != FOT_OK || !found))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: mem_dtype \"%.40s\": expected f32 or bf16", where,
				dtype);
	for (size_t i = 0; i < N_REALS; i++)
		FOT_TRY(fot_json_double(node, reals[i].key, false, reals[i].lo, reals[i].hi, real_of(a, i),
					&ctx, err));
	if (!fot_memory_keeps(a->kind) && (dtype || a->scale > 0 || a->decay > 0))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: %s: mode %s stores nothing", where,
				dtype        ? "mem_dtype" :
				a->scale > 0 ? "mem_scale" :
					       "mem_decay",
				mode);
out:
	return status;
}

int fot_attach_read(struct fot_attach *a, const cJSON *node, const char *where, struct fot_err *err)
{
	if (cJSON_IsObject(node))
		return read_object(a, node, where, err);
	if (cJSON_IsString(node))
		return fot_attach_parse(a, node->valuestring, where, err);
	return FOT_FAIL(err, FOT_ERR_USAGE, "%s: expected a text or an object", where);
}

/* ---- writing --------------------------------------------------------- */

bool fot_attach_json(cJSON *object, const struct fot_attach *a)
{
	bool good = cJSON_AddStringToObject(object, "mode", fot_memory_kind(a->kind)->word) &&
		    (!a->top_k || cJSON_AddNumberToObject(object, "top_k", a->top_k)) &&
		    (!a->dtype_given ||
		     cJSON_AddStringToObject(object, "mem_dtype", fot_attach_dtype_word(a->dtype)));

	for (size_t i = 0; i < N_REALS && good; i++)
		good = real_at(a, i) == 0 || cJSON_AddNumberToObject(object, reals[i].key, real_at(a, i));
	return good;
}

void fot_attach_print_kind(struct fot_str *out, const struct fot_attach *a)
{
	fot_str_puts(out, fot_memory_kind(a->kind)->word);
	if (a->top_k)
		fot_str_printf(out, ":%d", a->top_k);
}

void fot_attach_print(struct fot_str *out, const struct fot_attach *a)
{
	fot_attach_print_kind(out, a);
	for (size_t i = N_REALS; i-- > 0;) {
		if (real_at(a, i) == 0)
			continue;
		fot_str_printf(out, ",%s=", reals[i].name);
		fot_str_double(out, real_at(a, i));
	}
	if (a->dtype_given)
		fot_str_printf(out, ",%s", fot_attach_dtype_word(a->dtype));
}

bool fot_attach_equal(const struct fot_attach *a, const struct fot_attach *b)
{
	return a->kind == b->kind && a->top_k == b->top_k && a->decay == b->decay && a->scale == b->scale &&
	       a->dtype_given == b->dtype_given && a->dtype == b->dtype;
}

/* ---- sessions -------------------------------------------------------- */

int fot_attach_apply(struct fot_session_opts *o, const struct fot_attach *a, const struct fot_config *c,
		     struct fot_err *err)
{
	if (a->kind == FOT_SEARCH_XL && !c->cached_windows)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"memory \"xl\" is for models with cached windows, which training with method "
				"\"transformer-xl\" makes");
	if (fot_memory_keeps(a->kind) && c->n_mem_layers == 0)
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"the model has no memory layers, memory must be \"none\" (or give it mem_layers)");
	o->search = a->kind;
	o->top_k = a->top_k ? a->top_k : o->top_k;
	o->mem_decay = a->decay;
	o->mem_scale = a->scale;
	o->mem_dtype = a->dtype_given ? a->dtype : o->mem_dtype;
	return FOT_OK;
}

struct fot_attach fot_attach_of(const struct fot_session_opts *o, const struct fot_config *c)
{
	struct fot_attach a = { .kind = c->cached_windows ? FOT_SEARCH_XL : o->search };

	if (!fot_memory_keeps(a.kind))
		return a;
	a.top_k = fot_memory_kind(a.kind)->counts ? o->top_k : 0;
	a.decay = o->mem_decay;
	a.scale = o->mem_scale > 0 ? o->mem_scale : c->mem_scale == 1 ? 0 : c->mem_scale;
	a.dtype_given = true;
	a.dtype = o->mem_dtype;
	return a;
}

#endif
