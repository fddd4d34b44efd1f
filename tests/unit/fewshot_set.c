/* fewshot_set.c: see fewshot_set.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "tests/unit/fewshot_set.h"
#include "tests/unit/scratch.h"

struct fot_tokenizer *fewshot_bytes, *fewshot_pieces;
struct fot_template fewshot_words;

int fewshot_setup(void **state)
{
	static const char text[] =
		"{\"format\": \"fotbench-template-1\", \"instruction\": \"Name the kind.\\n\","
		"\"demonstration\": \"Text: {text}\\nKind: {label}\\n\", \"separator\": \"\\n\","
		"\"labels\": {\"A\": \"art\", \"B\": \"artist\", \"C\": \"bird\"}}";

	if (scratch_make(state) || fot_tokenizer_open_byte(&fewshot_bytes, NULL) != FOT_OK ||
	    fot_tokenizer_open_spm(&fewshot_pieces, "model/zoo/bpe-2k/tokenizer.model", NULL) != FOT_OK ||
	    fot_template_parse(&fewshot_words, text, strlen(text), "t", NULL) != FOT_OK)
		return -1;
	return 0;
}

int fewshot_teardown(void **state)
{
	fot_template_release(&fewshot_words);
	fot_tokenizer_close(fewshot_bytes);
	fot_tokenizer_close(fewshot_pieces);
	return scratch_remove(state);
}

/* n training items of random words, 6 test items; label A is twice as common. One
 * training item has the text of a test item, one the text of another training item. */
struct fot_labelled *make_fewshot_set(int n)
{
	struct fot_str s = FOT_STR_INIT;
	struct fot_labelled *l = NULL;
	struct fot_err err = { 0 };
	struct fot_rng rng;

	fot_rng_init(&rng, 7, "test", 0);
	for (int i = 0; i < n + 6; i++) {
		fot_str_printf(&s, "{\"split\": \"%s\", \"label\": \"%c\", \"text\": \"no%d",
			       i < n ? "train" : "test", "ABCA"[i % 4], i);
		for (int k = (int)fot_rng_below(&rng, 5); k >= 0; k--)
			fot_str_printf(&s, " w%llx", (unsigned long long)fot_rng_below(&rng, 4096));
		fot_str_puts(&s, "\"}\n");
	}
	fot_str_puts(&s, "{\"split\": \"test\", \"label\": \"A\", \"text\": \"Given away!\"}\n"
			 "{\"split\": \"train\", \"label\": \"A\", \"text\": \"Given  away! \"}\n"
			 "{\"split\": \"train\", \"label\": \"B\", \"text\": \"twice\"}\n"
			 "{\"split\": \"train\", \"label\": \"C\", \"text\": \"  twice\"}\n");
	scratch_write("set.jsonl", s.data, s.len);
	fot_str_release(&s);
	if (fot_labelled_open(&l, scratch_path("set.jsonl"), NULL, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return l;
}

struct fot_fewshot_opts fewshot_opts(int64_t shots)
{
	return (struct fot_fewshot_opts){ .window = 200,
					  .context_max = 4000,
					  .shots_max = shots > 0 ? shots : 0,
					  .fill = shots == FOT_FEWSHOT_FILL,
					  .seed = 3,
					  .bos = true };
}

struct fot_fewshot *open_fewshot(const struct fot_labelled *l, const struct fot_tokenizer *tok,
				 const struct fot_fewshot_opts *o)
{
	struct fot_fewshot *f = NULL;
	struct fot_err err = { 0 };

	if (fot_fewshot_open(&f, l, &fewshot_words, tok, o, &err) != FOT_OK)
		fail_msg("%s", err.text);
	return f;
}
