/* family.c: see family.h. */
#include "model/family.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"

#define LLAMA_ENDS .bos = 1, .eos = 2
#define NO_ENDS .bos = -1, .eos = -1

static const struct fot_family families[FOT_FAMILY_COUNT] = {
	[FOT_FAMILY_LONGLLAMA] = { "longllama", "LongLlamaForCausalLM", .eps = 1e-6, .theta = 1e4,
				   LLAMA_ENDS },
	[FOT_FAMILY_LLAMA] = { "llama", "LlamaForCausalLM", .bias_key = true, .mlp_bias_key = true,
			       .long_window = true, .eps = 1e-6, .theta = 1e4, LLAMA_ENDS },
	[FOT_FAMILY_MISTRAL] = { "mistral", "MistralForCausalLM", .sliding = FOT_SLIDING_ALL,
				 .long_window = true, .eps = 1e-6, .theta = 1e4, LLAMA_ENDS,
				 .sliding_window = 4096, .kv_heads = 8 },
	[FOT_FAMILY_QWEN2] = { "qwen2", "Qwen2ForCausalLM", .qkv_bias = true, .sliding = FOT_SLIDING_UPPER,
			       .long_window = true, .eps = 1e-6, .theta = 1e4, NO_ENDS,
			       .sliding_window = 4096, .kv_heads = 32 },
	[FOT_FAMILY_QWEN3] = { "qwen3", "Qwen3ForCausalLM", .bias_key = true, .qk_rms = FOT_QK_RMS_HEAD,
			       .sliding = FOT_SLIDING_UPPER, .long_window = true, .eps = 1e-6, .theta = 1e4,
			       NO_ENDS, .sliding_window = 4096, .kv_heads = 32, .head_dim = 128 },
	[FOT_FAMILY_SMOLLM3] = { "smollm3", "SmolLM3ForCausalLM", .bias_key = true, .mlp_bias_key = true,
				 .no_rope_key = true, .sliding = FOT_SLIDING_UNTURNED, .long_window = true,
				 .eps = 1e-6, .theta = 2e6, .tied = true, NO_ENDS, .kv_heads = 4 },
	[FOT_FAMILY_OLMO2] = { "olmo2", "Olmo2ForCausalLM", .bias_key = true, .qk_rms = FOT_QK_RMS_WHOLE,
			       .output_norms = true, .long_window = true, .eps = 1e-5, .theta = 1e4,
			       NO_ENDS },
};

const struct fot_family *fot_family(enum fot_family_number number)
{
	return &families[number];
}

static int refuse(const char *name, const char *key, const char *word, struct fot_err *err)
{
	struct fot_str words = FOT_STR_INIT;
	bool types = strcmp(key, "model_type") == 0;

	for (int i = 0; i < FOT_FAMILY_COUNT; i++)
		fot_str_printf(&words, "%s\"%s\"",
			       i == 0                    ? "" :
			       i == FOT_FAMILY_COUNT - 1 ? " or " :
							   ", ",
			       types ? families[i].model_type : families[i].architecture);
	FOT_FAIL(err, FOT_ERR_INPUT, "%s: %s: expected %s, got \"%.60s\"", name, key,
		 words.failed ? "a family that is read" : words.data, word);
	fot_str_release(&words);
	return FOT_ERR_INPUT;
}

int fot_family_find(enum fot_family_number *number, const cJSON *root, const char *name, struct fot_err *err)
{
	const struct fot_json_ctx ctx = { name, FOT_ERR_INPUT };
	const char *type = NULL, *word;
	const cJSON *list = NULL;
	int status;

	*number = FOT_FAMILY_LONGLLAMA;
	FOT_TRY(fot_json_string(root, "model_type", false, &type, &ctx, err));
	FOT_TRY(fot_json_array(root, "architectures", false, &list, &ctx, err));
	word = type ? type : cJSON_GetStringValue(cJSON_GetArrayItem(list, 0));
	if (!word)
		goto out;
	for (int i = 0; i < FOT_FAMILY_COUNT; i++)
		if (strcmp(word, type ? families[i].model_type : families[i].architecture) == 0) {
			*number = (enum fot_family_number)i;
			goto out;
		}
	status = refuse(name, type ? "model_type" : "architectures", word, err);
out:
	return status;
}
