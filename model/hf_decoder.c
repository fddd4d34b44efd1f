/* hf_decoder.c: see hf_decoder.h. */
#include "model/hf_decoder.h"

#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "model/hf_bpe.h"
#include "model/hf_steps.h"

#define REPLACEMENT "\xEF\xBF\xBD"

struct hf_decoder {
	struct hf_steps steps;
	bool none;
};

/* --- lists of texts --- */

int hf_texts_put(struct hf_texts *t, const char *p, size_t n, struct fot_err *err)
{
	if (!FOT_GROW(t->end, t->n, t->cap))
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for over %zu texts", t->n);
	if (t->original && fot_size_add(t->all.len, n) > hf_longest(t->original))
		return hf_too_long(t->original, err);
	fot_str_add(&t->all, p, n);
	t->end[t->n++] = t->all.len;
	return fot_str_check(&t->all, err);
}

void hf_texts_release(struct hf_texts *t)
{
	fot_str_release(&t->all);
	fot_free(t->end);
	*t = (struct hf_texts){ 0 };
}

static const char *text_at(const struct hf_texts *t, size_t i, size_t *n)
{
	size_t from = i ? t->end[i - 1] : 0;

	*n = t->end[i] - from;
	return t->all.data ? t->all.data + from : "";
}

/* --- bytes --- */

/* Bytes of a character that is cut off or wrong here: what one U+FFFD stands for. */
static size_t bad_length(const unsigned char *p, size_t n)
{
	size_t want = p[0] >= 0xF0 && p[0] <= 0xF4 ? 4 : p[0] >= 0xE0 ? 3 : p[0] >= 0xC2 ? 2 : 1, len = 1;
	unsigned lo = p[0] == 0xE0 ? 0xA0 : p[0] == 0xF0 ? 0x90 : 0x80;
	unsigned hi = p[0] == 0xED ? 0x9F : p[0] == 0xF4 ? 0x8F : 0xBF;

	if (p[0] > 0xF4)
		return 1;
	while (len < want && len < n && p[len] >= lo && p[len] <= hi) {
		len++;
		lo = 0x80;
		hi = 0xBF;
	}
	return len;
}

static void put_lossy(struct fot_str *out, const char *p, size_t n)
{
	while (n > 0) {
		size_t good = fot_utf8_valid(p, n), bad;

		fot_str_add(out, p, good);
		if (good == n)
			return;
		fot_str_puts(out, REPLACEMENT);
		bad = bad_length((const unsigned char *)p + good, n - good);
		p += good + bad;
		n -= good + bad;
	}
}

/* A token in GPT-2's alphabet as bytes; one in another alphabet as it stands. */
static void put_token_bytes(struct fot_str *out, const char *p, size_t n)
{
	size_t before = out->len, len;
	uint32_t cp;

	for (size_t i = 0; i < n; i += len) {
		int byte;

		len = fot_utf8_decode(p + i, n - i, &cp);
		byte = len ? hf_byte_of(cp) : -1;
		if (byte < 0) {
			out->len = before;
			fot_str_add(out, p, n);
			return;
		}
		fot_str_putc(out, (char)(unsigned char)byte);
	}
}

static int run_bytes(const struct hf_step *s, struct hf_texts *out, const struct hf_texts *in,
		     struct fot_err *err)
{
	struct fot_str bytes = FOT_STR_INIT, text = FOT_STR_INIT;
	size_t n;
	int status;

	(void)s;
	for (size_t i = 0; i < in->n; i++) {
		const char *p = text_at(in, i, &n);

		put_token_bytes(&bytes, p, n);
	}
	FOT_TRY(fot_str_check(&bytes, err));
	put_lossy(&text, bytes.data ? bytes.data : "", bytes.len);
	FOT_TRY(fot_str_check(&text, err));
	status = hf_texts_put(out, text.data ? text.data : "", text.len, err);
out:
	fot_str_release(&bytes);
	fot_str_release(&text);
	return status;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
				      -1;
}

/* "<0xHH>" */
static int fallback_byte(const char *p, size_t n)
{
	if (n != 6 || memcmp(p, "<0x", 3) != 0 || p[5] != '>' || hex(p[3]) < 0 || hex(p[4]) < 0)
		return -1;
	return 16 * hex(p[3]) + hex(p[4]);
}

/* A run of byte tokens: their text, or one U+FFFD for each. */
static int end_run(struct fot_str *run, struct hf_texts *out, struct fot_err *err)
{
	int status = fot_str_check(run, err);

	if (run->len && status == FOT_OK && fot_utf8_valid(run->data, run->len) == run->len)
		status = hf_texts_put(out, run->data, run->len, err);
	else
		for (size_t i = 0; i < run->len && status == FOT_OK; i++)
			status = hf_texts_put(out, REPLACEMENT, strlen(REPLACEMENT), err);
	fot_str_clear(run);
	return status;
}

static int run_fallback(const struct hf_step *s, struct hf_texts *out, const struct hf_texts *in,
			struct fot_err *err)
{
	struct fot_str run = FOT_STR_INIT;
	size_t n;
	int status = FOT_OK;

	(void)s;
	for (size_t i = 0; i < in->n; i++) {
		const char *p = text_at(in, i, &n);
		int byte = fallback_byte(p, n);

		if (byte >= 0) {
			fot_str_putc(&run, (char)(unsigned char)byte);
			continue;
		}
		FOT_TRY(end_run(&run, out, err));
		FOT_TRY(hf_texts_put(out, p, n, err));
	}
	status = end_run(&run, out, err);
out:
	fot_str_release(&run);
	return status;
}

/* --- texts --- */

/* most: bytes of all texts before the first step. */
static int replace_in(const struct hf_step *s, void *scratch, struct fot_str *out, const char *p, size_t n,
		      size_t most, struct fot_err *err)
{
	struct hf_match m = { 0, 0 };
	size_t at = 0;
	bool found = true;
	int status = FOT_OK;

	while (found) {
		FOT_TRY(hf_pattern_next(s->pattern, scratch, p, n, at, &found, &m, err));
		fot_str_add(out, p + at, (found ? m.from : n) - at);
		if (found)
			fot_str_puts(out, s->text);
		if (out->len > hf_longest(most))
			return hf_too_long(most, err);
		at = m.to;
	}
	status = fot_str_check(out, err);
out:
	return status;
}

static int run_replace(const struct hf_step *s, struct hf_texts *out, const struct hf_texts *in,
		       struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	bool ok;
	void *scratch = hf_pattern_scratch(s->pattern, &ok);
	size_t n;
	int status = ok ? FOT_OK : FOT_NO_MEMORY(err, "tokenizer");

	for (size_t i = 0; i < in->n && status == FOT_OK; i++) {
		const char *p = text_at(in, i, &n);

		fot_str_clear(&text);
		FOT_TRY(replace_in(s, scratch, &text, p, n, in->original, err));
		FOT_TRY(hf_texts_put(out, text.data ? text.data : "", text.len, err));
	}
out:
	hf_pattern_scratch_release(scratch);
	fot_str_release(&text);
	return status;
}

static int run_fuse(const struct hf_step *s, struct hf_texts *out, const struct hf_texts *in,
		    struct fot_err *err)
{
	(void)s;
	return hf_texts_put(out, in->all.data ? in->all.data : "", in->all.len, err);
}

static int run_strip(const struct hf_step *s, struct hf_texts *out, const struct hf_texts *in,
		     struct fot_err *err)
{
	size_t n, len = strlen(s->text);
	int status = FOT_OK;

	for (size_t i = 0; i < in->n && status == FOT_OK; i++) {
		const char *p = text_at(in, i, &n);

		for (int64_t k = 0; k < s->start && n >= len && memcmp(p, s->text, len) == 0; k++) {
			p += len;
			n -= len;
		}
		for (int64_t k = 0; k < s->stop && n >= len && memcmp(p + n - len, s->text, len) == 0; k++)
			n -= len;
		status = hf_texts_put(out, p, n, err);
	}
	return status;
}

/* Marks become spaces; in the first text they vanish, if encoding may have put one there. */
static int run_metaspace(const struct hf_step *s, struct hf_texts *out, const struct hf_texts *in,
			 struct fot_err *err)
{
	struct fot_str text = FOT_STR_INIT;
	size_t n, len = strlen(s->text);
	int status = FOT_OK;

	for (size_t i = 0; i < in->n && status == FOT_OK; i++) {
		const char *p = text_at(in, i, &n), *end = p + n;

		fot_str_clear(&text);
		for (const char *mark; (mark = memmem(p, (size_t)(end - p), s->text, len)); p = mark + len) {
			fot_str_add(&text, p, (size_t)(mark - p));
			fot_str_puts(&text, i == 0 && s->prepend != HF_NEVER ? "" : " ");
		}
		fot_str_add(&text, p, (size_t)(end - p));
		status = fot_str_check(&text, err);
		if (status == FOT_OK)
			status = hf_texts_put(out, text.data ? text.data : "", text.len, err);
	}
	fot_str_release(&text);
	return status;
}

/* --- opening --- */

static int read_strip(struct hf_step *s, const cJSON *section, const char *where, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	int status;

	FOT_TRY(fot_json_i64(section, "start", true, 0, 1 << 20, &s->start, &ctx, err));
	FOT_TRY(fot_json_i64(section, "stop", true, 0, 1 << 20, &s->stop, &ctx, err));
	status = hf_read_character(s, section, "content", NULL, where, err);
out:
	return status;
}

static int read_metaspace(struct hf_step *s, const cJSON *section, const char *where, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };
	const char *scheme = NULL;
	bool prefix = true;
	int status;

	FOT_TRY(fot_json_bool(section, "add_prefix_space", false, &prefix, &ctx, err));
	FOT_TRY(fot_json_string(section, "prepend_scheme", false, &scheme, &ctx, err));
	s->prepend = (scheme ? strcmp(scheme, "never") != 0 : prefix) ? HF_ALWAYS : HF_NEVER;
	status = hf_read_mark(s, section, where, err);
out:
	return status;
}

static const struct hf_kind kinds[] = {
	{ "ByteLevel", NULL }, { "ByteFallback", NULL }, { "Replace", hf_read_replace },
	{ "Fuse", NULL },      { "Strip", read_strip },  { "Metaspace", read_metaspace },
};
static int (*const runs[])(const struct hf_step *s, struct hf_texts *out, const struct hf_texts *in,
			   struct fot_err *err) = {
	run_bytes, run_fallback, run_replace, run_fuse, run_strip, run_metaspace,
};

static const struct hf_section decoders = { kinds, FOT_COUNT(kinds), "decoders", NULL };

int hf_decoder_open(struct hf_decoder **out, const cJSON *section, const char *where, struct fot_err *err)
{
	struct hf_decoder *z = fot_calloc(1, sizeof *z);
	int status;

	if (!z)
		return FOT_NO_MEMORY(err, where);
	z->none = !section || cJSON_IsNull(section);
	status = hf_steps_read(&z->steps, &decoders, section, where, err);
	if (status == FOT_OK)
		*out = z;
	else
		hf_decoder_close(z);
	return status;
}

void hf_decoder_close(struct hf_decoder *z)
{
	if (z)
		hf_steps_release(&z->steps);
	fot_free(z);
}

static void empty(struct hf_texts *t)
{
	fot_str_clear(&t->all);
	t->n = 0;
}

int hf_decode(const struct hf_decoder *z, struct hf_texts *texts, struct fot_str *out, struct fot_err *err)
{
	struct hf_texts other = { 0 }, swap;
	size_t n;
	int status = FOT_OK;

	texts->original = other.original = texts->all.len;
	for (size_t i = 0; i < z->steps.n; i++) {
		empty(&other);
		FOT_TRY(runs[z->steps.at[i].kind](&z->steps.at[i], &other, texts, err));
		swap = *texts;
		*texts = other;
		other = swap;
	}
	for (size_t i = 0; i < texts->n; i++) {
		const char *p = text_at(texts, i, &n);

		fot_str_puts(out, z->none && i ? " " : "");
		fot_str_add(out, p, n);
	}
	status = fot_str_check(out, err);
out:
	hf_texts_release(&other);
	return status;
}
