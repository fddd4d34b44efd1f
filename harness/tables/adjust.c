/* adjust.c: see adjust.h. */
#include "harness/tables/adjust.h"

#include "base/mem.h"
#include "harness/tables/stats.h"

/* The family of a row that is its first; p, at: room for all its rows. */
static int adjust_family(struct fot_table *t, size_t first, const char *const *family, double *p, size_t *at,
			 struct fot_err *err)
{
	size_t n = 0;
	int status;

	for (size_t row = first; row < t->n_rows; row++) {
		if (!fot_table_has(t, row, "p_value") || !fot_table_same_all(t, first, t, row, family))
			continue;
		p[n] = fot_table_real(t, row, "p_value", 1);
		at[n++] = row;
	}
	status = fot_stats_holm(p, p, n, err);
	for (size_t i = 0; i < n && status == FOT_OK; i++)
		fot_table_set_real(t, at[i], "p_adjusted", p[i]);
	return status;
}

int fot_table_adjust(struct fot_table *t, size_t first, const char *const *family, struct fot_err *err)
{
	size_t most = t->n_rows - first;
	double *p = fot_alloc(most, sizeof *p);
	size_t *at = fot_alloc(most, sizeof *at);
	int status =
		p && at ? FOT_OK : FOT_FAIL(err, FOT_ERR_RUN, "p values: out of memory for %zu rows", most);

	for (size_t row = first; row < t->n_rows && status == FOT_OK; row++) {
		if (fot_table_has(t, row, "p_value") && !fot_table_has(t, row, "p_adjusted"))
			status = adjust_family(t, row, family, p, at, err);
	}
	fot_free(p);
	fot_free(at);
	return status;
}
