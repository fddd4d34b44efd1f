/* attach.c: see attach.h. */
#include "model/attach.h"

#ifndef FOT_REAL_DOUBLE /* inference is in float */

#include <string.h>

#include "model/memory.h"

#define TEXT_MAX 2048 /* bytes of one memory */

/* The options with a number. */
static const struct {
	const char *name;
	size_t at;
	double lo, hi;
} reals[] = {
	{ "decay", offsetof(struct fot_attach, decay), 0, FOT_MEM_DECAY_MOST },
	{ "scale", offsetof(struct fot_attach, scale), FOT_MEM_SCALE_LEAST, FOT_MEM_SCALE_MOST },
};
#define N_REALS (sizeof reals / sizeof reals[0])

static double *real_of(struct fot_attach *a, size_t i)
{
	return (double *)(void *)((char *)a + reals[i].at);
}

static double real_at(const struct fot_attach *a, size_t i)
{
	return *(const double *)(const void *)((const char *)a + reals[i].at);
}

const char *fot_memory_mode_name(enum fot_memory_mode m)
{
	return fot_memory_kind(m)->word;
}

bool fot_memory_counts(enum fot_memory_mode m)
{
	return m == FOT_MEMORY_OWN || fot_memory_kind(m)->counts;
}

const char *fot_memory_dtype_name(enum fot_dtype dtype)
{
	return dtype == FOT_BF16 ? "bf16" : "f32";
}

/* --- reading --- */

/* Is the word at text, up to a comma, a kind, right or not so right ("knn:x")? */
static bool find_mode(enum fot_memory_mode *mode, const char *text)
{
	return fot_memory_find(mode, text, strcspn(text, ",:"));
}

/* Bytes of the kind with its numbers that a text begins with, right or not so right: 8 of "moba:4,8,bf16". */
static size_t kind_length(const char *text)
{
	size_t n = strcspn(text, ",");
	enum fot_memory_mode mode;

	for (int i = 1; find_mode(&mode, text) && i < fot_memory_n_numbers(mode); i++) {
		const char *before = fot_memory_kind(mode)->takes[i].before;

		if (strncmp(text + n, before, strlen(before)) == 0 &&
		    strspn(text + n + strlen(before), "0123456789") > 0)
			n += 1 + strcspn(text + n + 1, ",");
	}
	return n;
}

size_t fot_attach_length(const char *list)
{
	size_t n = kind_length(list);
	enum fot_memory_mode next;

	while (list[n] && !find_mode(&next, list + n + 1))
		n += 1 + strcspn(list + n + 1, ",");
	return n;
}

/* "knn:K", "moba:B,K" */
static void put_form(struct fot_str *out, enum fot_memory_mode m)
{
	fot_str_puts(out, fot_memory_mode_name(m));
	if (fot_memory_kind(m)->counts)
		fot_str_printf(out, ", %s:K", fot_memory_mode_name(m));
	for (int i = 0; i < fot_memory_n_numbers(m); i++)
		fot_str_printf(out, fot_memory_kind(m)->takes[i].optional ? "[%s%s]" : "%s%s", fot_memory_kind(m)->takes[i].before, fot_memory_kind(m)->takes[i].name);
}

void fot_memory_words(struct fot_str *out)
{
	for (int m = 0; m < FOT_MEMORY_COUNT; m++) {
		fot_str_puts(out, m ? ", " : "");
		put_form(out, (enum fot_memory_mode)m);
	}
}

static int no_memory_of(const char *text, const char *where, struct fot_err *err)
{
	struct fot_str words = FOT_STR_INIT;
	int status;

	fot_memory_words(&words);
	status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: \"%.40s\": expected %s or model", where, text,
			  words.failed ? "a kind of memory" : words.data);
	fot_str_release(&words);
	return status;
}

/* The numbers of the kind, which stands at the start of the whole text. */
static bool read_numbers(struct fot_attach *a, const char *text)
{
	text += strlen(fot_memory_mode_name(a->mode));
	for (int i = 0; i < fot_memory_n_numbers(a->mode); i++) {
		const char *before = fot_memory_kind(a->mode)->takes[i].before;
		size_t digits;
		char number[16];
		int64_t x;

		if (strncmp(text, before, strlen(before)) != 0) {
			if (!fot_memory_kind(a->mode)->takes[i].optional)
				return false;
			continue;
		}
		text += strlen(before);
		digits = strspn(text, "0123456789");
		if (digits == 0 || digits >= sizeof number)
			return false;
		memcpy(number, text, digits);
		number[digits] = '\0';
		if (!fot_parse_i64(number, &x) || x < 1 || !fot_memory_number_fits(&fot_memory_kind(a->mode)->takes[i], x))
			return false;
		a->number[i] = (int32_t)x;
		text += digits;
	}
	return !*text;
}

static int wrong_numbers(const struct fot_attach *a, const char *text, const char *where, struct fot_err *err)
{
	struct fot_str form = FOT_STR_INIT;
	int status;

	put_form(&form, a->mode);
	fot_str_printf(&form, ", each 1 to %d", FOT_TOP_K_MOST);
	for (int i = 0; i < fot_memory_n_numbers(a->mode); i++)
		if (fot_memory_kind(a->mode)->takes[i].most)
			fot_str_printf(&form, ", %s %d to %d", fot_memory_kind(a->mode)->takes[i].name, fot_memory_kind(a->mode)->takes[i].least,
				       fot_memory_kind(a->mode)->takes[i].most);
	status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: \"%.40s\": expected %s", where, text,
			  form.failed ? "numbers" : form.data);
	fot_str_release(&form);
	return status;
}

static int read_mode(struct fot_attach *a, const char *text, const char *where, struct fot_err *err)
{
	const char *colon = strchr(text, ':');
	int64_t k = 0;

	if (!find_mode(&a->mode, text) || (colon && !fot_memory_kind(a->mode)->counts && fot_memory_n_numbers(a->mode) == 0))
		return no_memory_of(text, where, err);
	if (fot_memory_n_numbers(a->mode) > 0)
		return read_numbers(a, text) ? FOT_OK : wrong_numbers(a, text, where, err);
	if (colon && (!fot_parse_i64(colon + 1, &k) || k < 1 || k > FOT_TOP_K_MOST))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: \"%.40s\": expected 1 to %d keys", where, text,
				FOT_TOP_K_MOST);
	a->top_k = (int32_t)k;
	return FOT_OK;
}

static const struct {
	const char *word;
	enum fot_rope_type type;
} ropes[] = { { "linear", FOT_ROPE_LINEAR }, { "ntk", FOT_ROPE_NTK }, { "yarn", FOT_ROPE_YARN } };
#define N_ROPES (sizeof ropes / sizeof ropes[0])

bool fot_attach_read_rope(struct fot_attach *a, const char *text)
{
	size_t n = strcspn(text, ":");
	int64_t factor;

	if (!text[n] || !fot_parse_i64(text + n + 1, &factor) || factor < 2 || factor > FOT_ROPE_FACTOR_MOST)
		return false;
	for (size_t i = 0; i < N_ROPES; i++)
		if (strlen(ropes[i].word) == n && memcmp(ropes[i].word, text, n) == 0) {
			a->rope = ropes[i].type;
			a->rope_factor = (int32_t)factor;
			return true;
		}
	return false;
}

void fot_attach_print_rope(struct fot_str *out, const struct fot_attach *a)
{
	for (size_t i = 0; i < N_ROPES; i++)
		if (ropes[i].type == a->rope)
			fot_str_printf(out, "%s:%d", ropes[i].word, a->rope_factor);
}

static int read_rope(struct fot_attach *a, const char *word, const char *where, struct fot_err *err)
{
	const char *text = strchr(word, '=') + 1;

	if (a->mode != FOT_MEMORY_NONE)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: \"%.40s\": expected it behind none: windows grow instead of a memory",
				where, word);
	if (!fot_attach_read_rope(a, text))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: \"%.40s\": expected rope=T:F, T linear, ntk or yarn, F 2 to %d", where,
				word, FOT_ROPE_FACTOR_MOST);
	return FOT_OK;
}

/* "6+12" */
static bool read_layers(struct fot_attach *a, char *list)
{
	for (char *part; (part = strsep(&list, "+"));) {
		int64_t layer;

		if (a->n_layers == FOT_MAX_LAYERS || !fot_parse_i64(part, &layer) || layer < 0 ||
		    layer >= FOT_MAX_LAYERS || (a->n_layers && layer <= a->layer[a->n_layers - 1]))
			return false;
		a->layer[a->n_layers++] = (int32_t)layer;
	}
	return true;
}

static int twice(const char *word, const char *where, struct fot_err *err)
{
	return FOT_FAIL(err, FOT_ERR_USAGE, "%s: \"%.40s\": it was given before", where, word);
}

/* "decay=1". *found: is it one with a number? */
static int read_real(struct fot_attach *a, const char *word, bool *found, const char *where,
		     struct fot_err *err)
{
	size_t n = strcspn(word, "="), i = 0;

	while (i < N_REALS && (strlen(reals[i].name) != n || memcmp(reals[i].name, word, n) != 0))
		i++;
	*found = i < N_REALS;
	if (!*found)
		return FOT_OK;
	if (real_at(a, i) > 0)
		return twice(word, where, err);
	if (!word[n] || !fot_parse_double(word + n + 1, real_of(a, i)) ||
	    !(real_at(a, i) > 0 && real_at(a, i) >= reals[i].lo && real_at(a, i) <= reals[i].hi))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: \"%.40s\": expected %s=X, X %s %g to %g", where,
				word, reals[i].name, reals[i].lo > 0 ? "from" : "above", reals[i].lo,
				reals[i].hi);
	return FOT_OK;
}

/* An option other than layers, of a memory that is stored. */
static int read_stored(struct fot_attach *a, const char *word, const char *where, struct fot_err *err)
{
	bool f32 = strcmp(word, "f32") == 0, found = f32 || strcmp(word, "bf16") == 0;
	int status = FOT_OK;

	if (found && a->dtype_given)
		return twice(word, where, err);
	if (found) {
		a->dtype_given = true;
		a->dtype = f32 ? FOT_F32 : FOT_BF16;
	} else {
		status = read_real(a, word, &found, where, err);
	}
	if (!found)
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"%s: \"%.40s\": expected a memory, or an option of the one before it: decay=X, scale=X, f32, bf16 "
			"or layers=A+B",
			where, word);
	if (status == FOT_OK && !fot_memory_keeps(a->mode) && a->mode != FOT_MEMORY_OWN)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: \"%.40s\": memory %s stores nothing", where, word,
				fot_memory_mode_name(a->mode));
	return status;
}

static int read_option(struct fot_attach *a, char *word, const char *where, struct fot_err *err)
{
	static const char layers[] = "layers=", rope[] = "rope=";

	if (strncmp(word, rope, sizeof rope - 1) == 0)
		return a->rope_factor ? twice(word, where, err) : read_rope(a, word, where, err);
	if (strncmp(word, layers, sizeof layers - 1) != 0)
		return read_stored(a, word, where, err);
	if (a->n_layers)
		return twice(word, where, err);
	if (!read_layers(a, word + sizeof layers - 1))
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"%s: layers: expected ascending layers such as layers=6+12", where);
	return FOT_OK;
}

int fot_attach_parse(struct fot_attach *a, const char *text, const char *where, struct fot_err *err)
{
	char copy[TEXT_MAX], *rest, *part;
	size_t n = strlen(text);
	int status;

	*a = (struct fot_attach){ 0 };
	if (n >= sizeof copy)
		return no_memory_of(text, where, err);
	if (fot_attach_length(text) < n)
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: \"%.40s\": expected one memory", where, text);
	memcpy(copy, text, n + 1);
	n = kind_length(text);
	rest = copy[n] ? copy + n + 1 : NULL;
	copy[n] = '\0';
	FOT_TRY(read_mode(a, copy, where, err));
	while ((part = strsep(&rest, ",")))
		FOT_TRY(read_option(a, part, where, err));
out:
	return status;
}

/* --- writing --- */

void fot_attach_print_kind(struct fot_str *out, const struct fot_attach *a)
{
	fot_str_puts(out, fot_memory_mode_name(a->mode));
	for (int i = 0; i < fot_memory_n_numbers(a->mode); i++)
		if (a->number[i])
			fot_str_printf(out, "%s%d", fot_memory_kind(a->mode)->takes[i].before, a->number[i]);
}

void fot_attach_print(struct fot_str *out, const struct fot_attach *a)
{
	fot_attach_print_kind(out, a);
	if (a->top_k)
		fot_str_printf(out, ":%d", a->top_k);
	for (size_t i = 0; i < N_REALS; i++) {
		if (!(real_at(a, i) > 0))
			continue;
		fot_str_printf(out, ",%s=", reals[i].name);
		fot_str_double(out, real_at(a, i));
	}
	if (a->dtype_given)
		fot_str_printf(out, ",%s", fot_memory_dtype_name(a->dtype));
	for (size_t i = 0; i < a->n_layers; i++)
		fot_str_printf(out, "%s%d", i ? "+" : ",layers=", a->layer[i]);
	fot_str_puts(out, a->rope_factor ? ",rope=" : "");
	fot_attach_print_rope(out, a);
}

/* --- comparing --- */

static bool same_layers(const struct fot_attach *a, const int32_t *layer, size_t n)
{
	return a->n_layers == n && (n == 0 || memcmp(a->layer, layer, n * sizeof *layer) == 0);
}

static bool same_real(double x, double y)
{
	return !(x < y || x > y);
}

static bool same_kind(const struct fot_attach *a, const struct fot_attach *b)
{
	return a->mode == b->mode && memcmp(a->number, b->number, sizeof a->number) == 0;
}

bool fot_attach_equal(const struct fot_attach *a, const struct fot_attach *b)
{
	return same_kind(a, b) && a->top_k == b->top_k && same_real(a->decay, b->decay) &&
	       same_real(a->scale, b->scale) && a->dtype_given == b->dtype_given && a->dtype == b->dtype &&
	       same_layers(a, b->layer, b->n_layers) && a->rope == b->rope && a->rope_factor == b->rope_factor;
}

bool fot_attach_fits(const struct fot_attach *given, const struct fot_attach *full)
{
	return same_kind(given, full) && (!given->top_k || given->top_k == full->top_k) &&
	       (!(given->decay > 0) || same_real(given->decay, full->decay)) &&
	       (!(given->scale > 0) || same_real(given->scale, full->scale)) &&
	       (!given->dtype_given || given->dtype == full->dtype) &&
	       (!given->n_layers || same_layers(given, full->layer, full->n_layers)) &&
	       (!given->rope_factor || (given->rope == full->rope && given->rope_factor == full->rope_factor));
}

/* --- sessions --- */

void fot_attach_complete(struct fot_attach *a, const struct fot_attach *from)
{
	if (!(a->decay > 0))
		a->decay = from->decay;
	if (!(a->scale > 0))
		a->scale = from->scale;
	if (a->n_layers == 0) {
		memcpy(a->layer, from->layer, sizeof a->layer);
		a->n_layers = from->n_layers;
	}
}

int fot_attach_apply(struct fot_session_opts *o, const struct fot_attach *a, const struct fot_config *c,
		     struct fot_err *err)
{
	if (a->mode == FOT_MEMORY_XL && !c->cached_windows)
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"memory \"xl\" is for models with cached windows, which training with method "
				"\"transformer-xl\" makes");
	if (fot_memory_keeps(a->mode) && c->n_mem_layers == 0)
		return FOT_FAIL(
			err, FOT_ERR_USAGE,
			"the model has no memory layers, memory must be \"none\" (or give it mem_layers)");
	if (a->mode != FOT_MEMORY_OWN)
		o->mode = a->mode == FOT_MEMORY_XL ? FOT_MEMORY_NONE : a->mode;
	if (a->top_k)
		o->top_k = a->top_k;
	if (a->rope_factor && (c->rope.type != FOT_ROPE_DEFAULT || c->cached_windows || c->sliding_window))
		return FOT_FAIL(err, FOT_ERR_USAGE,
				"rope: expected a model without rotary scaling, sliding or cached windows of its own");
	o->rope = a->rope;
	o->rope_factor = a->rope_factor;
	memcpy(o->number, a->number, sizeof o->number);
	if (a->dtype_given)
		o->mem_dtype = a->dtype;
	o->mem_decay = a->decay;
	return FOT_OK;
}

struct fot_attach fot_attach_of(const struct fot_session_opts *o, const struct fot_config *c)
{
	struct fot_attach a = { .mode = c->cached_windows ? FOT_MEMORY_XL : o->mode };

	a.n_layers = (size_t)c->n_mem_layers;
	memcpy(a.layer, c->mem_layers, a.n_layers * sizeof *a.layer);
	a.rope = o->rope;
	a.rope_factor = o->rope_factor;
	if (!fot_memory_keeps(a.mode))
		return a;
	a.top_k = fot_memory_kind(a.mode)->counts ? o->top_k : 0;
	for (int i = 0; i < fot_memory_n_numbers(a.mode); i++)
		a.number[i] = o->number[i];
	a.decay = o->mem_decay;
	a.scale = c->mem_scale;
	a.dtype_given = true;
	a.dtype = o->mem_dtype;
	return a;
}

void fot_attach_tell(struct fot_attach *full, const struct fot_config *own)
{
	bool reads = fot_memory_keeps(full->mode) || !own->mem_positionals;

	if (same_real(full->scale, own->mem_scale))
		full->scale = 0;
	if (full->dtype == own->mem_dtype)
		full->dtype_given = false;
	if (!reads || same_layers(full, own->mem_layers, (size_t)own->n_mem_layers))
		full->n_layers = 0;
}

#endif
