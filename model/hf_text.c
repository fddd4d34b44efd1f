/* hf_text.c: see hf_text.h; pieces, drafts, classes of characters. */
#include "model/hf_text.h"

#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"

size_t hf_piece_end(const struct hf_piece *piece, size_t n)
{
	if (n == 0)
		return piece->begin;
	return piece->end ? piece->end[n - 1] : piece->begin + n;
}

struct hf_piece hf_piece_part(const struct hf_piece *piece, size_t from, size_t to)
{
	return (struct hf_piece){ .p = piece->p + from,
				  .n = to - from,
				  .begin = hf_piece_end(piece, from),
				  .moved = piece->moved,
				  .end = piece->end ? piece->end + from : NULL };
}

size_t hf_longest(size_t n)
{
	return fot_size_add(fot_size_mul(n, 64), 4096);
}

int hf_too_long(size_t n, struct fot_err *err)
{
	return FOT_FAIL(err, FOT_ERR_INPUT, "tokenizer: it makes more than %zu bytes of a text of %zu",
			hf_longest(n), n);
}

void hf_draft_start(struct hf_draft *d, const struct hf_piece *original)
{
	fot_str_clear(&d->text);
	d->begin = original->begin;
	d->moved = original->moved;
	d->n = original->n;
}

static int make_room(struct hf_draft *d, size_t n, struct fot_err *err)
{
	size_t need = fot_size_add(d->text.len, n), cap = d->cap ? d->cap : 256;
	size_t *grown;

	if (need > hf_longest(d->n))
		return hf_too_long(d->n, err);
	if (need <= d->cap)
		return FOT_OK;
	while (cap < need)
		cap = fot_size_add(cap, cap / 2);
	grown = fot_realloc(d->end, cap, sizeof *grown);
	if (!grown)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a text of %zu bytes", need);
	d->end = grown;
	d->cap = cap;
	return FOT_OK;
}

int hf_draft_put(struct hf_draft *d, const char *p, size_t n, size_t end, struct fot_err *err)
{
	size_t before = d->text.len ? d->end[d->text.len - 1] : d->begin;
	int status;

	FOT_TRY(make_room(d, n, err));
	for (size_t i = 0; i < n; i++)
		d->end[d->text.len + i] = i + 1 < n ? before : end;
	fot_str_add(&d->text, p, n);
	status = fot_str_check(&d->text, err);
out:
	return status;
}

int hf_draft_copy(struct hf_draft *d, const struct hf_piece *piece, size_t from, size_t to,
		  struct fot_err *err)
{
	int status;

	FOT_TRY(make_room(d, to - from, err));
	for (size_t i = from; i < to; i++)
		d->end[d->text.len + i - from] = hf_piece_end(piece, i + 1);
	fot_str_add(&d->text, piece->p + from, to - from);
	status = fot_str_check(&d->text, err);
out:
	return status;
}

struct hf_piece hf_draft_piece(const struct hf_draft *d)
{
	return (struct hf_piece){
		.p = d->text.data ? d->text.data : "",
		.n = d->text.len,
		.begin = d->begin,
		.moved = d->moved,
		.end = d->end,
	};
}

void hf_draft_release(struct hf_draft *d)
{
	fot_str_release(&d->text);
	fot_free(d->end);
	*d = (struct hf_draft){ 0 };
}

bool hf_is_space(uint32_t cp)
{
	return (cp >= 9 && cp <= 13) || cp == 0x20 || cp == 0x85 || cp == 0xA0 || cp == 0x1680 ||
	       (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 || cp == 0x2029 || cp == 0x202F ||
	       cp == 0x205F || cp == 0x3000;
}

bool hf_is_number(uint32_t cp)
{
	utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);

	return c == UTF8PROC_CATEGORY_ND || c == UTF8PROC_CATEGORY_NL || c == UTF8PROC_CATEGORY_NO;
}

bool hf_is_word(uint32_t cp)
{
	utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);

	return (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_NL) || c == UTF8PROC_CATEGORY_PC;
}

int hf_type(const cJSON *section, const char **type, const char *where, struct fot_err *err)
{
	struct fot_json_ctx ctx = { where, FOT_ERR_INPUT };

	if (!cJSON_IsObject(section))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected an object with a \"type\"", where);
	return fot_json_string(section, "type", true, type, &ctx, err);
}
