/* compare_case.c: outputs of the program against a recorded case.
 *
 *   compare_case EXPECTED.safetensors LOGITS.safetensors MAX MEAN
 *   compare_case EXPECTED.safetensors GENERATED.jsonl
 *
 * Logits agree when no element differs by more than MAX and their mean
 * difference is at most MEAN; greedy ids agree exactly. Exit status 0 or 1. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "model/safetensors.h"

static int compare_logits(const struct fot_tensor *want, const struct fot_tensor *got, double most, double mean)
{
	double worst = 0, sum = 0;
	float a, b;

	if (!want || !got || want->n != got->n || want->dtype != FOT_F32) {
		printf("logits: missing, or not of one shape\n");
		return 1;
	}
	for (int64_t i = 0; i < want->n; i++) {
		memcpy(&a, (const char *)want->data + 4 * i, 4);
		memcpy(&b, (const char *)got->data + 4 * i, 4);
		if (!(fabs((double)a - (double)b) <= worst))
			worst = fabs((double)a - (double)b);
		sum += fabs((double)a - (double)b);
	}
	printf("logits: max %.3g mean %.3g\n", worst, sum / (double)want->n);
	return !(worst <= most && sum / (double)want->n <= mean);
}

/* One sequence: the next line of the text. */
static int compare_line(const char *line, size_t n, const int64_t *want, int64_t steps)
{
	cJSON *root = cJSON_ParseWithLength(line, n);
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "tokens"), *id;
	int64_t i = 0;
	int bad = cJSON_GetArraySize(list) != steps;

	cJSON_ArrayForEach (id, list) {
		if (i < steps && (int64_t)id->valuedouble != want[i])
			bad = 1;
		i++;
	}
	cJSON_Delete(root);
	return bad;
}

static int compare_ids(const struct fot_tensor *want, const char *path)
{
	struct fot_str text = FOT_STR_INIT;
	int64_t *ids, rows, bad = 0;
	size_t at = 0;

	if (!want || want->rank != 2 || want->dtype != FOT_I64 ||
	    fot_file_read(&text, path, 1 << 24, NULL) != FOT_OK || !(ids = malloc(want->bytes + 1))) {
		printf("greedy_ids: missing\n");
		return 1;
	}
	memcpy(ids, want->data, want->bytes);
	rows = want->shape[0];
	for (int64_t r = 0; r < rows; r++) {
		size_t n = at < text.len ? strcspn(text.data + at, "\n") : 0;

		bad += compare_line(text.data + at, n, ids + r * want->shape[1], want->shape[1]);
		at = at + n < text.len ? at + n + 1 : text.len;
	}
	printf("greedy ids: %lld of %lld sequences differ\n", (long long)bad, (long long)rows);
	free(ids);
	fot_str_release(&text);
	return bad != 0;
}

int main(int argc, char **argv)
{
	struct fot_safetensors *want = NULL, *got = NULL;
	struct fot_err err = { 0 };
	int rc = 2;

	if (argc != 3 && argc != 5) {
		fprintf(stderr, "usage: compare_case EXPECTED.safetensors LOGITS.safetensors MAX MEAN | GENERATED.jsonl\n");
		return 2;
	}
	if (fot_safetensors_open(&want, argv[1], &err) == FOT_OK &&
	    (argc == 3 || fot_safetensors_open(&got, argv[2], &err) == FOT_OK))
		rc = argc == 3 ? compare_ids(fot_safetensors_find(want, "greedy_ids"), argv[2]) :
				 compare_logits(fot_safetensors_find(want, "logits"), fot_safetensors_find(got, "logits"),
						atof(argv[3]), atof(argv[4]));
	if (rc == 2)
		fprintf(stderr, "compare_case: %s\n", err.text);
	fot_safetensors_close(want);
	fot_safetensors_close(got);
	return rc;
}
