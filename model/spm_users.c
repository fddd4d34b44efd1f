/* spm_users.c: see spm_users.h.
 *
 * The symbols that begin with the same bytes stand side by side, the shortest first: matching narrows
 * them down byte by byte. */
#include "model/spm_users.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int by_bytes(const void *a, const void *b, void *pieces)
{
	const struct spm_piece *x = (const struct spm_piece *)pieces + *(const int32_t *)a;
	const struct spm_piece *y = (const struct spm_piece *)pieces + *(const int32_t *)b;
	int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return c ? c : (x->n > y->n) - (x->n < y->n);
}

int fot_spm_users_build(struct spm_users *u, const struct spm_model *m, const char *name, struct fot_err *err)
{
	size_t n = 0;

	u->piece = m->piece;
	for (int32_t id = 0; id < m->n; id++)
		n += m->piece[id].type == SPM_USER_DEFINED;
	if (!n)
		return FOT_OK;
	u->id = fot_alloc(n, sizeof(*u->id));
	if (!u->id)
		return FOT_NO_MEMORY(err, name);
	for (int32_t id = 0; id < m->n; id++) {
		if (m->piece[id].type != SPM_USER_DEFINED)
			continue;
		if (m->remove_extra_whitespaces && memmem(m->piece[id].p, m->piece[id].n, "  ", 2))
			return FOT_FAIL(
				err, FOT_ERR_INPUT,
				"%s: piece %d: a user-defined symbol of several spaces, and remove_extra_whitespaces",
				name, id);
		u->id[u->n++] = id;
		u->begins[m->piece[id].p[0]] = true;
	}
	qsort_r(u->id, u->n, sizeof(*u->id), by_bytes, m->piece);
	return FOT_OK;
}

/* Of the symbols lo to hi, which agree in `at` bytes: the first whose next byte is over `byte` (or is it, with
 * `or_equal`); those that end here come before all. */
static size_t bound(const struct spm_users *u, size_t lo, size_t hi, size_t at, unsigned char byte,
		    bool or_equal)
{
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct spm_piece *q = &u->piece[u->id[mid]];

		if (q->n > at && (q->p[at] > byte || (or_equal && q->p[at] == byte)))
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

int32_t fot_spm_users_match(const struct spm_users *u, const unsigned char *p, size_t n)
{
	size_t lo = 0, hi = u->n;
	int32_t best = -1;

	if (!u->begins[*p])
		return -1;
	for (size_t at = 0; at < n && lo < hi; at++) {
		lo = bound(u, lo, hi, at, p[at], true);
		hi = bound(u, lo, hi, at, p[at], false);
		if (lo < hi && u->piece[u->id[lo]].n == at + 1)
			best = u->id[lo];
	}
	return best;
}

void fot_spm_users_release(struct spm_users *u)
{
	fot_free(u->id);
}
