/* seeds.c: writes the seed corpora: seeds DIR [TOKENIZER.model [FOLDER]] makes DIR/TARGET/NAME; the
 * folder holds files of the kinds tokenizer.json and tokenizer.model. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "harness/tables/table.h"
#include "model/safetensors.h"
#include "tests/unit/spm_writer.h"
#include "tests/unit/torch_writer.h"
#include "tests/fuzz/schemas.h"

static int put(const char *dir, const char *target, const char *name, const struct fot_str *bytes, struct fot_err *err)
{
	struct fot_str path = FOT_STR_INIT;
	int status;

	fot_path_join(&path, dir, target);
	FOT_TRY(fot_mkdir_all(path.data, err));
	fot_str_printf(&path, "/%s", name);
	FOT_TRY(fot_str_check(&path, err));
	status = fot_file_replace(path.data, bytes->data ? bytes->data : "", bytes->len, err);
out:
	fot_str_release(&path);
	return status;
}

static int put_text(const char *dir, const char *target, const char *name, const char *text, size_t n, struct fot_err *err)
{
	struct fot_str s = FOT_STR_INIT;
	int status;

	fot_str_add(&s, text, n);
	status = put(dir, target, name, &s, err);
	fot_str_release(&s);
	return status;
}

/* ---- safetensors ---- */

static int safetensors_seeds(const char *dir, struct fot_err *err)
{
	static const float f[6] = { 1, 2, 3, 4, 5, 6 };
	static const struct fot_tensor t[] = {
		{ .name = "model.norm.weight", .dtype = FOT_F32, .rank = 1, .shape = { 3 }, .n = 3, .bytes = 12, .data = f },
		{ .name = "a", .dtype = FOT_BF16, .rank = 2, .shape = { 2, 3 }, .n = 6, .bytes = 12, .data = f },
		{ .name = "scalar", .dtype = FOT_F16, .rank = 0, .n = 1, .bytes = 2, .data = f },
	};
	static const char *const meta[][2] = { { "format", "pt" } };
	struct fot_str path = FOT_STR_INIT, folder = FOT_STR_INIT;
	int status;

	fot_path_join(&folder, dir, "safetensors");
	FOT_TRY(fot_mkdir_all(folder.data, err));
	fot_path_join(&path, folder.data, "three");
	FOT_TRY(fot_safetensors_write(path.data, t, 3, meta, 1, err));
	fot_str_clear(&path);
	fot_path_join(&path, folder.data, "one");
	FOT_TRY(fot_safetensors_write(path.data, t, 1, NULL, 0, err));
	FOT_TRY(put_text(dir, "safetensors", "empty", "\2\0\0\0\0\0\0\0{}", 10, err));
	status = put_text(dir, "safetensors", "pointer", "version https://git-lfs.github.com/spec/v1", 42, err);
out:
	fot_str_release(&path);
	fot_str_release(&folder);
	return status;
}

/* ---- torch ---- */

static int torch_seeds(const char *dir, struct fot_err *err)
{
	static const struct torch_tensor t[] = { { "a", "FloatStorage", "0", 16, 4, 2, { 3, 4 }, { 4, 1 } },
						 { "b", "BFloat16Storage", "1", 16, 0, 3, { 2, 2, 4 }, { 8, 4, 1 } } };
	static const unsigned char storage[2][64];
	struct fot_str pickle = FOT_STR_INIT, file = FOT_STR_INIT;
	int status = FOT_OK;

	fot_str_putc(&file, 1);
	pickle_begin(&pickle);
	pickle_tensor(&pickle, &t[0]);
	pickle_tensor(&pickle, &t[1]);
	pickle_end(&pickle);
	fot_str_add(&file, pickle.data, pickle.len);
	FOT_TRY(put(dir, "torch", "pickle", &file, err));
	for (int zip64 = 0; zip64 < 2; zip64++) {
		const struct torch_entry e[] = { { "a/data.pkl", pickle.data, pickle.len },
						 { "a/byteorder", "little", 6 },
						 { "a/data/0", storage[0], 64 },
						 { "a/data/1", storage[1], 32 } };
		struct fot_str zip = FOT_STR_INIT;

		torch_zip(&zip, e, 4, zip64, zip64 ? NULL : "comment");
		fot_str_clear(&file);
		fot_str_putc(&file, 0);
		fot_str_add(&file, zip.data, zip.len);
		status = put(dir, "torch", zip64 ? "archive64" : "archive", &file, err);
		fot_str_release(&zip);
		if (status != FOT_OK)
			goto out;
	}
out:
	fot_str_release(&pickle);
	fot_str_release(&file);
	return status;
}

/* ---- tokenizer ---- */

#define MARK "\xE2\x96\x81"
static const char text[] = "  The cat  sat\ton the caf\xC3\xA9 mat, 1234 <s> aaaaaaa\n\xFF";

static int put_tokenizer(const char *dir, const char *target, const char *name, const struct fot_str *model,
			 struct fot_err *err)
{
	struct fot_str s = FOT_STR_INIT;
	int status;

	fot_str_putc(&s, (char)(sizeof text - 1));
	fot_str_putc(&s, 0);
	fot_str_add(&s, text, sizeof text - 1);
	fot_str_add(&s, model->data, model->len);
	status = put(dir, target, name, &s, err);
	fot_str_release(&s);
	return status;
}

static int tokenizer_seeds(const char *dir, const char *zoo, struct fot_err *err)
{
	static const char *const pieces[] = { "at", MARK "a", "aa", "aaaa", MARK MARK, "the", MARK "c", "t", "h", "e", "a",
					      "\xC3\xA9", "c" };
	struct spm_recipe r = { .normal = pieces, .n_normal = sizeof pieces / sizeof pieces[0] };
	struct fot_str model = FOT_STR_INIT;
	int status;

	spm_model_file(&model, &r);
	FOT_TRY(put_tokenizer(dir, "tokenizer", "squeezes", &model, err));
	fot_str_clear(&model);
	r.keep_spaces = r.no_controls = true;
	spm_model_file(&model, &r);
	FOT_TRY(put_tokenizer(dir, "tokenizer", "keeps", &model, err));
	fot_str_clear(&model);
	r.no_dummy = true;
	spm_model_file(&model, &r);
	FOT_TRY(put_tokenizer(dir, "tokenizer", "plain", &model, err));
	if (zoo) {
		fot_str_clear(&model);
		FOT_TRY(fot_file_read(&model, zoo, 1 << 24, err));
		status = put_tokenizer(dir, "tokenizer", "zoo", &model, err);
	}
out:
	fot_str_release(&model);
	return status;
}

/* Small files, in which a changed byte is seldom one of a vocabulary. */
static const char *const small_json[][2] = {
	{ "bytes", "{\"added_tokens\":[{\"id\":5,\"content\":\"<s>\",\"special\":true,\"lstrip\":true},"
		   "{\"id\":6,\"content\":\"cat\",\"normalized\":true,\"rstrip\":true,\"single_word\":true}],"
		   "\"normalizer\":{\"type\":\"NFC\"},\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":["
		   "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(?i:'s)|\\\\p{L}+|\\\\s+(?!\\\\S)|\\\\s+\"},"
		   "\"behavior\":\"MergedWithNext\",\"invert\":true},{\"type\":\"Digits\",\"individual_digits\":true},"
		   "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"use_regex\":true}]},"
		   "\"model\":{\"type\":\"BPE\",\"ignore_merges\":true,\"vocab\":{\"a\":0,\"t\":1,\"at\":2,\"\xC4\xA0\":3,"
		   "\"\xC4\xA0"
		   "at\":4},\"merges\":[\"a t\",[\"\xC4\xA0\",\"at\"]]},\"decoder\":{\"type\":\"ByteLevel\"},"
		   "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"}},"
		   "{\"Sequence\":{\"id\":\"A\"}}]}}" },
	{ "marks", "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"_\"},"
		   "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"_\"},{\"type\":\"NFKD\"}]},"
		   "\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"first\"},"
		   "\"model\":{\"type\":\"BPE\",\"unk_token\":\"u\",\"fuse_unk\":true,\"byte_fallback\":true,"
		   "\"vocab\":{\"u\":0,\"_\":1,\"a\":2,\"_a\":3,\"<0xC3>\":4,\"<0xA9>\":5},\"merges\":[\"_ a\"]},"
		   "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"_\"},"
		   "\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Metaspace\"},"
		   "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":1}]}}" },
};

static int json_seeds(const char *dir, const char *folder, struct fot_err *err)
{
	struct fot_str file = FOT_STR_INIT, path = FOT_STR_INIT;
	struct fot_names names = { 0 };
	int status = FOT_OK;

	for (size_t i = 0; i < sizeof small_json / sizeof small_json[0]; i++) {
		fot_str_clear(&file);
		fot_str_puts(&file, small_json[i][1]);
		FOT_TRY(put_tokenizer(dir, "hf", small_json[i][0], &file, err));
	}
	if (folder)
		FOT_TRY(fot_dir_list(&names, folder, err));
	for (size_t i = 0; i < names.n; i++) {
		const char *suffix = strchr(names.name[i], '.');
		bool spm = suffix && strcmp(suffix, ".model") == 0;

		if (!spm && (!suffix || strcmp(suffix, ".json") != 0))
			continue;
		FOT_TRY(fot_path_at(&path, folder, names.name[i], err));
		FOT_TRY(fot_file_read(&file, path.data, 1 << 24, err));
		FOT_TRY(put_tokenizer(dir, spm ? "tokenizer" : "hf", names.name[i], &file, err));
	}
out:
	fot_names_release(&names);
	fot_str_release(&path);
	fot_str_release(&file);
	return status;
}

/* ---- texts ---- */

static const struct {
	const char *target, *name, *text;
} texts[] = {
	{ "json", "values", "{\"a\": [1, -2.5e3, true, null, \"x\\u00e9\\n\\ud83d\\ude00\"], \"b\": {\"c\": []}}" },
	{ "json", "config", "{\"vocab_size\":32000,\"mem_layers\":[6,12,18],\"fot\":{\"cut\":\"blocks\"}}" },
	{ "dataset", "records", "\0{\"text\": \"a\\u0000b\", \"id\": 9007199254740993}\n\n{\"text\": \"c\"}\n" },
	{ "dataset", "fields", "\1{\"a\": {\"b\": \"t\", \"c\": \"xy\"}, \"n\": 99999999999999999999}\n{\"a\": 1}\n" },
	{ "dataset", "text", "\2\xef\xbb\xbf" "one\r\ntwo" },
	{ "dataset", "rows", "\3{\"text\": \"a\", \"label\": true}\n{\"text\": \"b\", \"label\": 3, \"split\": \"dev\"}\n" },
	{ "dataset", "answers", "\4{\"text\": \"a\", \"answers\": [\"x\", \"y\"]}\n" },
	{ "dataset", "csv", "\5text;label\n\"a;\nb\";x\nc;y\n" },
	{ "dataset", "bare", "\6" "1,a\n2,b\n" },
	{ "dataset", "tsv", "\7text\tlabel\na\tx\nb\ty\n" },
	{ "dataset", "web", "\11[{\"qId\": 1, \"qText\": \"q\", \"answers\": [\"x\"]}]" },
	{ "dataset", "pairs", "\11{\"train\": [[\"a\", \"x\"], [\"b\", \"y\"]], \"oos_test\": []}" },
	{ "dataset", "trec", "\12NUM:date When ?\nLOC:city Wh\xe9re ?\n" },
	{ "json", "nested", "[[[[[[[[[[[[0]]]]]]]]]]]]" },
	{ "spec", "small",
	  "{\"name\":\"q\",\"seed\":1,\"window\":0,\"threads\":2,\"models\":[{\"path\":\"m\",\"variant\":\"fot\","
	  "\"memory\":[\"none\",\"dense\",\"knn:128\",{\"mode\":\"knn\",\"top_k\":32,\"mem_dtype\":\"f32\"}]}],"
	  "\"tasks\":[{\"task\":\"perplexity\",\"datasets\":[\"books\",\"./docs\"],\"split\":\"test\","
	  "\"context_lengths\":[512,\"2k\",\"8k-32k*2\"],\"target_tokens\":\"8k\",\"documents\":8}],"
	  "\"exclude\":[{\"variant\":\"fot\",\"memory\":\"knn:128\",\"dataset\":\"books\"}]}" },
	{ "journal", "three",
	  "\1{\"format\":\"fotbench-journal\",\"version\":1,\"identity\":{\"seed\":1}}\n"
	  "{\"item\":\"a\",\"result\":{\"x\":1.5},\"note\":{\"s\":2}}\n"
	  "{\"item\":\"b\",\"result\":{\"x\":2}}\n{\"item\":\"a\",\"result\":{\"x\":1.5}}\n" },
	{ "claims", "two",
	  "{\"comment\":\"c\",\"claims\":[{\"id\":\"a\",\"claim\":\"falls\",\"source\":\"tab:1\",\"task\":\"perplexity\","
	  "\"metric\":\"perplexity\",\"a\":{\"variant\":[\"fot\",\"x\"],\"memory\":\"knn:128\",\"context_length\":\"32k\"},"
	  "\"b\":{\"context_length\":512},\"gain_from\":{\"variant\":\"local\"},\"expect\":\"equal\",\"margin\":0.01,"
	  "\"where\":\"w\",\"paper\":{\"*\":[1,null]}},{\"id\":\"b\",\"claim\":\"finds\",\"source\":\"tab:2\","
	  "\"task\":\"passkey\",\"metric\":\"accuracy\",\"a\":{\"variant\":\"fot\"},\"b\":\"chance\",\"expect\":\"above\","
	  "\"margin\":0.5,\"margin_of\":\"b\"}]}" },
};

/* ---- tidy tables ---- */

/* A cell of row 0: odd texts, numbers at their ends, some left empty. */
static void fill_cell(struct fot_table *t, const struct fot_column *c, size_t i)
{
	static const char *const odd[] = { "a", "=1+2", "'-x", "\"q\", r\nl", " \xC3\xA9 " };

	if (c->type == FOT_COLUMN_TEXT)
		fot_table_set_text(t, 0, c->name, odd[i % 5]);
	else if (c->type == FOT_COLUMN_REAL)
		fot_table_set_real(t, 0, c->name, i % 2 ? -1.7976931348623157e308 : 0.1);
	else if (i % 3)
		fot_table_set_int(t, 0, c->name, c->type == FOT_COLUMN_BOOL);
}

static int table_seed(const char *dir, size_t k, struct fot_err *err)
{
	struct fot_str s = FOT_STR_INIT;
	struct fot_table t = { 0 };
	char name[24];
	int status;

	fot_table_init(&t, fuzzed_schema(k));
	fot_table_add(&t);
	for (size_t i = 0; i < t.schema->n; i++)
		fill_cell(&t, &t.schema->column[i], i);
	fot_str_putc(&s, (char)k);
	FOT_TRY(fot_table_print(&s, &t, true, err));
	snprintf(name, sizeof name, "%zu", k);
	status = put(dir, "table", name, &s, err);
out:
	fot_table_release(&t);
	fot_str_release(&s);
	return status;
}

/* A NUL may stand in front. */
static size_t text_bytes(const char *p)
{
	return *p ? strlen(p) : 1 + strlen(p + 1);
}

static int text_seeds(const char *dir, struct fot_err *err)
{
	int status = FOT_OK;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0] && status == FOT_OK; i++)
		status = put_text(dir, texts[i].target, texts[i].name, texts[i].text,
				  text_bytes(texts[i].text), err);
	return status;
}

int main(int argc, char **argv)
{
	struct fot_err err = { 0 };
	int status;

	if (argc < 2) {
		fprintf(stderr, "usage: seeds DIR [TOKENIZER.model [FOLDER]]\n");
		return FOT_ERR_USAGE;
	}
	FOT_TRY(safetensors_seeds(argv[1], &err));
	FOT_TRY(torch_seeds(argv[1], &err));
	FOT_TRY(tokenizer_seeds(argv[1], argc > 2 ? argv[2] : NULL, &err));
	FOT_TRY(json_seeds(argv[1], argc > 3 ? argv[3] : NULL, &err));
	for (size_t k = 0; k < fuzzed_schemas(); k++)
		FOT_TRY(table_seed(argv[1], k, &err));
	status = text_seeds(argv[1], &err);
out:
	if (status != FOT_OK)
		fprintf(stderr, "seeds: %s\n", err.text);
	return status;
}
