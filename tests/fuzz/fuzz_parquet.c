/* libFuzzer target: the Parquet reader refuses bytes or gives rows, no more than it says at most.
 *
 * The columns of the files in tests/parquet are chosen, as many as can be; reading ends at TEXT_MAX bytes
 * of cells, which a reader of its own bounds too. */
#include "base/str.h"
#include "datasets/parquet.h"
#include "datasets/record.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX ((size_t)1 << 24)

static const char *const columns[] = { "text", "content", "id", "label", "flag", "big", "meta.source", "meta.year" };
#define COLUMNS (sizeof columns / sizeof columns[0])

static int read_rows(struct fot_parquet *p, int n, struct fot_err *err)
{
	const struct fot_parquet_cell *row;
	size_t total = 0;
	int64_t rows = 0;
	unsigned sum = 0;
	int status;

	while (total < TEXT_MAX) {
		FOT_TRY(fot_parquet_next(p, &row, err));
		if (!row)
			break;
		require(++rows <= FOT_PARQUET_ROWS_MAX);
		for (int i = 0; i < n; i++) {
			require(row[i].p && (row[i].there || row[i].n == 0));
			for (size_t k = 0; k < row[i].n && k < 64; k++)
				sum += (unsigned char)row[i].p[row[i].n - 1 - k];
			total += row[i].n + 1;
		}
	}
	require(sum <= 255u * total);
out:
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fot_parquet *p = NULL;
	struct fot_err err = { 0 };
	int chosen = 0, cell, status = fot_parquet_open_memory(&p, bytes, n, "fuzz", &err);

	require(status == err.code && (status == FOT_OK || status == FOT_ERR_INPUT));
	require((p != NULL) == (status == FOT_OK));
	for (size_t i = 0; p && i < COLUMNS && status == FOT_OK; i++) {
		status = fot_parquet_choose(p, columns[i], FOT_FIELD_STRING | FOT_FIELD_INTEGER | FOT_FIELD_BOOL, false, &cell, &err);
		require(cell == -1 || cell == chosen);
		chosen += cell >= 0;
	}
	if (status == FOT_OK)
		status = read_rows(p, chosen, &err);
	require(status == err.code && (status == FOT_OK || status == FOT_ERR_INPUT));
	fot_parquet_close(p);
	return 0;
}
