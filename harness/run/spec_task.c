/* spec_task.c: see spec_task.h. */
#include "harness/run/spec_task.h"

#include <string.h>

#include "harness/run/task_class.h"

const char *const fot_split_words[] = { "train", "valid", "test", "all", NULL };

const char *fot_spec_split_name(enum fot_split split)
{
	return fot_split_words[split];
}

/* Which class it is has been found before any key is read. */
static int read_class_key(void *base, const struct fot_key *k, const cJSON *obj, const struct fot_key_ctx *ctx)
{
	(void)base, (void)k, (void)obj, (void)ctx;
	return FOT_OK;
}

static bool write_class_key(cJSON *o, const struct fot_key *k, const void *base)
{
	const struct fot_task_spec *t = base;

	return cJSON_AddStringToObject(o, k->name, t->class->name);
}

const struct fot_key_type fot_key_class = { "word", FOT_KEY_NO_FLAG, read_class_key, write_class_key, NULL, NULL };

static int find_class(struct fot_task_spec *t, const cJSON *node, const struct fot_key_ctx *ctx)
{
	const char *names[FOT_TASK_CLASSES_MAX] = { NULL };
	struct fot_key key = { .name = "task", .type = &fot_key_choice, .bytes = sizeof(int32_t), .words = names };
	int32_t i = 0;
	int status;

	if (!cJSON_IsObject(node))
		return FOT_FAIL(ctx->err, ctx->json.code, "%s: expected an object", ctx->json.where);
	for (size_t k = 0; k < fot_n_task_classes; k++)
		names[k] = fot_task_classes[k]->name;
	FOT_TRY(key.type->read(&i, &key, node, ctx));
	t->class = fot_task_classes[i];
out:
	return status;
}

int fot_spec_task_read(struct fot_task_spec *t, const cJSON *node, const struct fot_key_ctx *ctx)
{
	int status;

	t->split = FOT_TEST;
	FOT_TRY(find_class(t, node, ctx));
	FOT_TRY(fot_keys_read(t, t->class->keys, t->class->n_keys, node, ctx));
	if (t->class->complete)
		status = t->class->complete(t, ctx->json.where, ctx->err);
out:
	return status;
}

bool fot_spec_task_print(cJSON *o, const struct fot_task_spec *t)
{
	return fot_keys_write(o, t->class->keys, t->class->n_keys, t);
}

void fot_spec_task_release(struct fot_task_spec *t)
{
	if (t->class)
		fot_keys_release(t->class->keys, t->class->n_keys, t);
}
