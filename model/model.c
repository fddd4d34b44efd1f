/* model.c: opens a model folder and checks that its parts belong together:
 * config against weights, vocabulary against tokenizer. */
#include "model/model.h"

#include "base/file.h"
#include "base/mem.h"

struct fot_model {
	char *dir;
	struct fot_config config;
	struct fot_weights *weights;
	struct fot_tokenizer *tokenizer; /* NULL: none */
};

/* No tokenizer is fine where only token ids are fed; a broken one is not. */
static int open_tokenizer(struct fot_model *m, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status;

	FOT_TRY(fot_tokenizer_path(&path, m->dir, err));
	if (m->config.tokenizer == FOT_TOKENIZER_NONE || (m->config.tokenizer == FOT_TOKENIZER_FILE && path.len == 0))
		goto out;
	FOT_TRY(fot_tokenizer_open(&m->tokenizer, m->dir, &m->config, err));
	if (fot_tokenizer_vocab(m->tokenizer) > m->config.vocab_size)
		status = FOT_FAIL(err, FOT_ERR_INPUT,
				  "%s: config.json has vocab_size %d, the tokenizer has %d tokens", m->dir,
				  m->config.vocab_size, fot_tokenizer_vocab(m->tokenizer));
out:
	fot_str_release(&path);
	return status;
}

int fot_model_open(struct fot_model **out, const char *dir, struct fot_err *err)
{
	struct fot_model *m;
	int status;

	if (fot_file_exists(dir) && !fot_is_dir(dir))
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: expected a model folder (config.json, model.safetensors), got a file",
				dir);
	m = fot_calloc(1, sizeof *m);
	if (!m || !(m->dir = fot_strdup(dir))) {
		status = FOT_NO_MEMORY(err, dir);
		goto out;
	}
	FOT_TRY(fot_config_read(&m->config, dir, err));
	FOT_TRY(fot_weights_open(&m->weights, dir, err));
	FOT_TRY(fot_weights_check(m->weights, &m->config, NULL, err));
	FOT_TRY(open_tokenizer(m, err));
out:
	if (status == FOT_OK)
		*out = m;
	else
		fot_model_close(m);
	return status;
}

void fot_model_close(struct fot_model *m)
{
	if (!m)
		return;
	fot_tokenizer_close(m->tokenizer);
	fot_weights_close(m->weights);
	fot_free(m->dir);
	fot_free(m);
}

int fot_model_set_mem_layers(struct fot_model *m, const int32_t *layers, size_t n, struct fot_err *err)
{
	bool chosen[FOT_MAX_LAYERS] = { false };
	struct fot_config *c = &m->config;

	for (size_t i = 0; i < n; i++) {
		if (layers[i] < 0 || layers[i] >= c->n_layers || chosen[layers[i]])
			return FOT_FAIL(err, FOT_ERR_USAGE, "%s: memory layers: expected different layers 0 to %d, got %d",
					m->dir, c->n_layers - 1, layers[i]);
		chosen[layers[i]] = true;
	}
	c->n_mem_layers = 0;
	for (int32_t l = 0; l < c->n_layers; l++)
		if (chosen[l])
			c->mem_layers[c->n_mem_layers++] = l;
	return FOT_OK;
}

int fot_model_set_mem_scale(struct fot_model *m, double scale, struct fot_err *err)
{
	if (!(scale >= FOT_MEM_SCALE_LEAST && scale <= FOT_MEM_SCALE_MOST))
		return FOT_FAIL(err, FOT_ERR_USAGE, "%s: mem_scale: expected a number from %g to %g, got %g", m->dir,
				FOT_MEM_SCALE_LEAST, FOT_MEM_SCALE_MOST, scale);
	m->config.mem_scale = scale;
	return FOT_OK;
}

const struct fot_config *fot_model_config(const struct fot_model *m)
{
	return &m->config;
}

const struct fot_tokenizer *fot_model_tokenizer(const struct fot_model *m)
{
	return m->tokenizer;
}

const struct fot_weights *fot_model_weights(const struct fot_model *m)
{
	return m->weights;
}

const char *fot_model_dir(const struct fot_model *m)
{
	return m->dir;
}
