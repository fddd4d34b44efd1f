/* span.c: see span.h. */
#include "harness/report/span.h"

#include <string.h>

#include "base/list.h"
#include "base/mem.h"

/* Rows that were scored at one length, by targets. */
struct fot_span_length {
	size_t *row; /* [n] */
	size_t n;
	struct fot_row_index by_targets;
};

/* A document's targets. */
static const char *const targets[] = { "doc_id",       "doc_sha256",       "n_tokens_scored",
				       "target_start", "tokenizer_sha256", NULL };

static int64_t length_of(const struct fot_span *l, size_t row)
{
	return fot_table_int(l->rows->t, row, "context_length", 0);
}

static bool scored(const struct fot_span *l, size_t row)
{
	return strcmp(fot_table_text(l->rows->t, row, "status"), "ok") == 0;
}

static int sort_by_length(struct fot_span *l, struct fot_err *err)
{
	int status = FOT_OK;

	l->at = fot_calloc(l->n, sizeof *l->at);
	if (!l->at)
		return FOT_NO_MEMORY(err, "summary");
	for (size_t k = 0; k < l->n && status == FOT_OK; k++) {
		struct fot_span_length *at = &l->at[k];

		at->row = fot_alloc(l->rows->n, sizeof *at->row);
		if (!at->row)
			return FOT_NO_MEMORY(err, "summary");
		for (size_t i = 0; i < l->rows->n; i++)
			if (scored(l, l->rows->row[i]) && length_of(l, l->rows->row[i]) == l->length[k])
				at->row[at->n++] = l->rows->row[i];
		status = fot_row_index_init(&at->by_targets, l->rows->t, at->row, at->n, targets, err);
	}
	return status;
}

/* nll of the row's document at each length into nll [n]; false where its targets were not scored at one. */
static bool nll_of(double *nll, const struct fot_span *l, size_t row)
{
	for (size_t k = 0; k < l->n; k++) {
		const struct fot_span_length *at = &l->at[k];
		size_t place = fot_row_index_find(&at->by_targets, l->rows->t, row);

		if (place == at->n)
			return false;
		nll[k] = fot_table_real(l->rows->t, at->row[place], "nll_nats", 0);
	}
	return true;
}

/* Each document once: by its row at the shortest length. */
static int collect(struct fot_span *l, struct fot_err *err)
{
	double *here = fot_alloc(l->n, sizeof *here);

	if (!here)
		return FOT_NO_MEMORY(err, "summary");
	for (size_t i = 0; i < l->rows->n; i++) {
		size_t row = l->rows->row[i], text;
		int64_t tokens = fot_table_int(l->rows->t, row, "n_tokens_scored", 0);

		if (tokens < 1 || !scored(l, row) || length_of(l, row) != l->length[0] ||
		    !nll_of(here, l, row))
			continue;
		text = fot_clusters_add(&l->texts, row, 0, 0, (double)tokens);
		for (size_t k = 0; k < l->n; k++)
			l->num[text * l->n + k] += here[k];
		l->tokens += tokens;
	}
	fot_free(here);
	return FOT_OK;
}

int fot_span_init(struct fot_span *l, const struct fot_group *rows, struct fot_err *err)
{
	const size_t *row = rows->row, n_rows = rows->n;
	size_t shortest = 0;
	int status;

	*l = (struct fot_span){ .rows = rows };
	l->length = fot_alloc(n_rows, sizeof *l->length);
	if (!l->length)
		return FOT_NO_MEMORY(err, "summary");
	for (size_t i = 0; i < n_rows; i++)
		if (scored(l, row[i]))
			fot_insert_i64(l->length, &l->n, length_of(l, row[i]));
	for (size_t i = 0; i < n_rows; i++)
		shortest += scored(l, row[i]) && length_of(l, row[i]) == l->length[0];
	FOT_TRY(fot_clusters_init(&l->texts, rows->t, shortest, err));
	FOT_TRY(sort_by_length(l, err));
	l->num = fot_calloc(fot_size_mul(shortest, l->n), sizeof *l->num);
	if (!l->num)
		return FOT_NO_MEMORY(err, "summary");
	status = collect(l, err);
out:
	return status;
}

void fot_span_release(struct fot_span *l)
{
	for (size_t k = 0; k < l->n && l->at; k++) {
		fot_free(l->at[k].row);
		fot_row_index_release(&l->at[k].by_targets);
	}
	fot_free(l->at);
	fot_free(l->length);
	fot_free(l->num);
	fot_clusters_release(&l->texts);
}
