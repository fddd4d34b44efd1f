/* labelled_set.c: see labelled_set.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "tests/unit/labelled_set.h"
#include "tests/unit/scratch.h"

struct fot_labelled *open_labelled(const char *spec)
{
	struct fot_labelled *l = NULL;
	struct fot_err err = { 0 };

	if (fot_labelled_open(&l, spec, scratch_path("store"), &err) != FOT_OK)
		fail_msg("%s: %s", spec, err.text);
	assert_int_equal(err.code, 0);
	return l;
}

void assert_labelled_item(const struct fot_labelled *l, size_t i, const char *id, const char *text,
			  const char *label, enum fot_split split)
{
	char hash[65];

	assert_true(i < l->n);
	assert_string_equal(l->item[i].id, id);
	assert_string_equal(l->item[i].text, text);
	assert_true(l->item[i].label >= 0 && (size_t)l->item[i].label < l->n_labels);
	assert_string_equal(l->label[l->item[i].label], label);
	assert_int_equal(l->item[i].split, split);
	fot_sha256_of(text, strlen(text), hash);
	assert_string_equal(l->item[i].sha256, hash);
}

void assert_labelled_refused(const char *spec, int code, const char *fragment)
{
	struct fot_labelled *l = NULL;
	struct fot_err err = { 0 };

	assert_fails(fot_labelled_open(&l, spec, scratch_path("store"), &err), code, &err, fragment);
	assert_null(l);
}
