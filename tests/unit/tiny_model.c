/* tiny_model.c: writing and opening a random model. */
#include "tests/unit/tiny_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/rng.h"
#include "tests/unit/vary_params.h"

void tiny_config(struct fot_config *c, int32_t window, int n_mem, bool qk_norm, bool positionals)
{
	fot_config_default(c);
	c->vocab_size = 61;
	c->hidden_size = 24;
	c->intermediate_size = 20;
	c->n_layers = 5;
	c->n_heads = 2;
	c->head_dim = 12;
	c->window = window;
	c->rope_theta = 100;
	c->n_mem_layers = n_mem;
	c->mem_layers[0] = 1;
	c->mem_layers[1] = n_mem > 1 ? 3 : 0;
	c->mem_positionals = positionals;
	c->mem_dtype = FOT_F32;
	c->qk_norm = qk_norm;
	c->blocks = true;
	c->mode = FOT_MEMORY_DENSE;
	c->tokenizer = FOT_TOKENIZER_NONE;
}

struct fot_model *tiny_model(struct fot_params *p, const struct fot_config *c, const char *dir, enum fot_dtype dtype)
{
	struct fot_str path = FOT_STR_INIT, text = FOT_STR_INIT;
	struct fot_model *m = NULL;
	struct fot_err err = { 0 };

	assert_int_equal(fot_params_init(p, c, &err), FOT_OK);
	fot_params_random(p, 21, 1.2, 0.8);
	if (c->family != FOT_FAMILY_LONGLLAMA)
		vary_params(p);
	for (size_t t = 0; t < p->n_tensors; t++) /* gates that differ from each other and from a half */
		for (int64_t i = 0; p->spec[t].role == FOT_ROLE_GATE_BIAS && i < p->spec[t].rows; i++)
			p->w[p->offset[t] + i] = i % 2 ? -1.4f : 0.7f;
	fot_path_join(&path, dir, "model.safetensors");
	assert_int_equal(fot_params_write(p, p->w, dtype, path.data, &err), FOT_OK);
	fot_str_clear(&path);
	fot_path_join(&path, dir, "config.json");
	assert_int_equal(fot_config_print(&text, c, &err), FOT_OK);
	assert_int_equal(fot_file_replace(path.data, text.data, text.len, &err), FOT_OK);
	if (fot_model_open(&m, dir, &err) != FOT_OK)
		fail_msg("%s", err.text);
	fot_str_release(&path);
	fot_str_release(&text);
	return m;
}

void tiny_tokens(int32_t *out, int64_t n, int32_t vocab, uint64_t item)
{
	struct fot_rng r;

	fot_rng_init(&r, 9, "test.tokens", item);
	for (int64_t i = 0; i < n; i++)
		out[i] = (int32_t)fot_rng_below(&r, (uint64_t)vocab);
}
