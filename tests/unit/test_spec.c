/* test_spec.c: specs are read strictly, with defaults, and hash what matters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the five above first */
#include <cmocka.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "harness/plan/spec.h"

static const char *const GOOD =
	"{\"name\":\"q\",\"seed\":7,\"threads\":2,\"window\":512,"
	"\"models\":[{\"path\":\"m/a\",\"memory\":[\"none\",\"dense\",\"knn:128\",{\"mode\":\"knn\",\"top_k\":32,\"mem_dtype\":\"f32\"}]},"
	"{\"path\":\"m/b\",\"variant\":\"vanilla\"}],"
	"\"tasks\":[{\"task\":\"perplexity\",\"datasets\":[\"books\",\"tex\"],\"split\":\"valid\","
	"\"context_lengths\":[\"32k\",512,\"2k-8k*2\"],\"target_tokens\":\"8k\",\"documents\":3}]}";

static int parse(struct fot_spec *s, const char *text, struct fot_err *err)
{
	cJSON *root = NULL;
	int status = fot_json_parse(&root, text, strlen(text), "s.json", FOT_ERR_USAGE, err);

	*s = (struct fot_spec){ 0 };
	if (status == FOT_OK)
		status = fot_spec_parse(s, root, "s.json", NULL, err);
	cJSON_Delete(root);
	return status;
}

static void test_spec_reads_everything(void **state)
{
	static const int64_t lengths[] = { 512, 2048, 4096, 8192, 32768 };
	struct fot_spec s;
	struct fot_err err = { 0 };

	(void)state;
	if (parse(&s, GOOD, &err) != FOT_OK)
		fail_msg("%s", err.text);
	assert_string_equal(s.name, "q");
	assert_int_equal(s.seed, 7);
	assert_int_equal(s.threads, 2);
	assert_int_equal(s.window, 512);
	assert_int_equal(s.n_models, 2);
	assert_int_equal(s.model[0].n_memory, 4);
	assert_int_equal(s.model[0].memory[0].mode, FOT_MEMORY_NONE);
	assert_int_equal(s.model[0].memory[1].mode, FOT_MEMORY_DENSE);
	assert_int_equal(s.model[0].memory[2].mode, FOT_MEMORY_KNN);
	assert_int_equal(s.model[0].memory[2].top_k, 128);
	assert_int_equal(s.model[0].memory[3].top_k, 32);
	assert_true(s.model[0].memory[3].dtype_given && s.model[0].memory[3].dtype == FOT_F32);
	assert_null(s.model[0].variant);
	assert_string_equal(s.model[1].variant, "vanilla");
	assert_int_equal(s.model[1].n_memory, 1);
	assert_int_equal(s.task[0].n_datasets, 2);
	assert_string_equal(s.task[0].dataset[1], "tex");
	assert_int_equal(s.task[0].split, FOT_VALID);
	assert_int_equal(s.task[0].target_tokens, 8192);
	assert_int_equal(s.task[0].max_documents, 3);
	assert_int_equal(s.task[0].n_lengths, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(s.task[0].context_length[i], lengths[i]);
	fot_spec_release(&s);
}

static void test_spec_json_reads_back_with_the_same_hash(void **state)
{
	struct fot_spec a, b;
	struct fot_str text = FOT_STR_INIT;
	char hash_a[65], hash_b[65];
	cJSON *root;

	(void)state;
	assert_int_equal(parse(&a, GOOD, NULL), FOT_OK);
	root = fot_spec_json(&a);
	assert_non_null(root);
	assert_int_equal(fot_json_print(&text, root, 1, NULL), FOT_OK);
	assert_int_equal(parse(&b, text.data, NULL), FOT_OK);
	assert_int_equal(fot_spec_hash(hash_a, &a, NULL), FOT_OK);
	b.threads = 64;
	assert_int_equal(fot_spec_hash(hash_b, &b, NULL), FOT_OK);
	assert_string_equal(hash_a, hash_b);
	assert_null(strstr(text.data, "compute")); /* f32 is not said, so that old hashes stay */
	b.compute = FOT_COMPUTE_BF16;
	assert_int_equal(fot_spec_hash(hash_b, &b, NULL), FOT_OK);
	assert_string_not_equal(hash_a, hash_b);
	b.compute = FOT_COMPUTE_F32;
	b.seed++;
	assert_int_equal(fot_spec_hash(hash_b, &b, NULL), FOT_OK);
	assert_string_not_equal(hash_a, hash_b);
	fot_str_release(&text);
	cJSON_Delete(root);
	fot_spec_release(&a);
	fot_spec_release(&b);
}

/* Each row: in GOOD, replace `from` by `to`; the message must hold `want`. */
static void test_spec_refuses(void **state)
{
	static const struct {
		const char *from, *to, *want;
	} row[] = {
		{ "\"seed\"", "\"sed\"", "seed" },
		{ "\"seed\":7", "\"seed\":-1", "seed" },
		{ "\"seed\":7", "\"seed\":1.5", "seed" },
		{ "\"seed\":7", "\"seed\":7,\"seed\":8", "seed" },
		{ "\"threads\":2", "\"threads\":0", "threads" },
		{ "\"window\":512", "\"window\":\"x\"", "window" },
		{ "\"window\":512", "\"compute\":\"bf32\"", "compute: expected f32 or bf16, got \"bf32\"; did you mean" },
		{ "\"window\":512", "\"compute\":16", "compute" },
		{ "\"path\":\"m/a\",", "", "models[0].path: missing" },
		{ "\"path\":\"m/a\"", "\"path\":\"\"", "path" },
		{ "\"path\":\"m/a\"", "\"pth\":\"m/a\"", "path" },
		{ "\"none\",", "\"none\",\"none\",", "memory[1]" },
		{ "\"none\",", "\"nnoe\",", "models[0].memory[0]" },
		{ "\"knn:128\"", "\"knn:0\"", "memory[2]" },
		{ "\"top_k\":32", "\"top_k\":0", "top_k" },
		{ "{\"mode\":\"knn\"", "{\"mode\":\"dense\"", "top_k only with knn or model" },
		{ "\"f32\"", "\"f16\"", "mem_dtype" },
		{ "\"none\",", "{\"mode\":\"none\",\"mem_dtype\":\"f32\"},", "mode none stores nothing" },
		{ "\"knn:128\"", "\"knn:128,decay=0\"", "models[0].memory[2]: \"decay=0\": expected decay=X" },
		{ "\"top_k\":32", "\"mem_decay\":0", "memory[3]: mem_decay: expected a number above 0" },
		{ "\"mode\":\"knn\"", "\"mode\":\"knn,f32\"", "memory[3]: mem_dtype: mode has it too" },
		{ "\"none\",", "{\"mode\":\"none\",\"mem_scale\":2},", "memory[0]: mem_scale: mode none stores nothing" },
		{ "\"none\",", "{\"mode\":\"none\",\"mem_layers\":[1,1]},", "mem_layers: expected ascending layers" },
		{ "\"none\",", "\"knn:128,bf16\",{\"mode\":\"knn\",\"top_k\":128,\"mem_dtype\":\"bf16\"},", "the same as memory[0]" },
		{ "\"perplexity\"", "\"perplexty\"", "did you mean \"perplexity\"" },
		{ "\"valid\"", "\"vlid\"", "did you mean \"valid\"" },
		{ "[\"books\",\"tex\"]", "[]", "datasets" },
		{ "\"tex\"", "\"books\"", "\"books\" stands twice" },
		{ "\"tex\"", "5", "datasets" },
		{ "512,\"2k", "2048,\"2k", "2048 stands twice" },
		{ "512,\"2k", "0,\"2k", "context_lengths" },
		{ "512,\"2k", "1.5,\"2k", "context_lengths" },
		{ "2k-8k*2", "8k-2k*2", "context_lengths" },
		{ "2k-8k*2", "2k-8k", "context_lengths" },
		{ "2k-8k*2", "2k-8k*1", "context_lengths" },
		{ "\"8k\"", "\"-8k\"", "target_tokens" },
		{ "\"documents\":3", "\"documents\":0", "documents" },
		{ "\"documents\":3", "\"documets\":3", "documents" },
		{ "\"documents\":3", "\"documents\":3,\"targets_from\":0", "targets_from" },
		{ "\"tasks\":[{", "\"tasks\":[5,{", "tasks[0]" },
		{ "\"models\":[{", "\"models\":{},\"x\":[{", "x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct fot_str text = FOT_STR_INIT;
		struct fot_spec s;
		struct fot_err err = { 0 };
		const char *at = strstr(GOOD, row[i].from);

		assert_non_null(at);
		fot_str_add(&text, GOOD, (size_t)(at - GOOD));
		fot_str_puts(&text, row[i].to);
		fot_str_puts(&text, at + strlen(row[i].from));
		if (parse(&s, text.data, &err) != FOT_ERR_USAGE)
			fail_msg("accepted %s", text.data);
		if (!strstr(err.text, row[i].want) || !strstr(err.text, "s.json"))
			fail_msg("\"%s\" lacks \"%s\"", err.text, row[i].want);
		fot_str_release(&text);
	}
}

/* A key that is not there is not in the hashed form. */
static void test_spec_targets_from_is_only_where_it_is(void **state)
{
	static const char *const format = "{\"models\":[{\"path\":\"x\"}],\"tasks\":[{\"task\":\"perplexity\","
					  "\"datasets\":[\"books\"],\"context_lengths\":[512]%s}]}";
	static const char *const given[] = { "", ",\"targets_from\":\"32k\"" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct fot_str text = FOT_STR_INIT;
		struct fot_err err = { 0 };
		struct fot_spec s;
		cJSON *json;
		const cJSON *task, *value;

		fot_str_printf(&text, format, given[i]);
		if (parse(&s, text.data, &err) != FOT_OK)
			fail_msg("%s", err.text);
		json = fot_spec_json(&s);
		task = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "tasks"), 0);
		value = cJSON_GetObjectItem(task, "targets_from");
		assert_int_equal(value ? (int)value->valuedouble : 0, i * 32768);
		assert_true((value != NULL) == (i == 1));
		cJSON_Delete(json);
		fot_spec_release(&s);
		fot_str_release(&text);
	}
}

static void test_spec_needs_models_and_tasks(void **state)
{
	struct fot_spec s;
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(parse(&s, "{}", &err), FOT_ERR_USAGE);
	assert_non_null(strstr(err.text, "models"));
	assert_int_equal(parse(&s, "[]", &err), FOT_ERR_USAGE);
	assert_int_equal(parse(&s, "{\"models\":[{\"path\":\"x\"}]}", &err), FOT_ERR_USAGE);
	assert_non_null(strstr(err.text, "tasks"));
}

static void test_spec_paths_come_from_here_or_from_beside_it(void **state)
{
	static const char *const text =
		"{\"models\":[{\"path\":\"beside\"},{\"path\":\"base\"},{\"path\":\"nowhere\"}],"
		"\"tasks\":[{\"task\":\"perplexity\",\"datasets\":[\"./x.jsonl\",\"beside\"],\"context_lengths\":[8]}]}";
	char dir[] = "/tmp/fot-spec-XXXXXX", path[64], want[64];
	struct fot_spec s;
	struct fot_err err = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/beside", dir);
	mkdir(path, 0777);
	snprintf(path, sizeof path, "%s/base", dir);
	mkdir(path, 0777);
	snprintf(path, sizeof path, "%s/spec.json", dir);
	assert_int_equal(fot_file_replace(path, text, strlen(text), NULL), FOT_OK);
	if (fot_spec_read(&s, path, &err) != FOT_OK)
		fail_msg("%s", err.text);
	snprintf(want, sizeof want, "%s/beside", dir);
	assert_string_equal(s.model[0].dir, want);
	assert_string_equal(s.model[0].path, "beside");
	assert_string_equal(s.model[1].dir, fot_is_dir("base") ? "base" : s.model[1].dir);
	assert_string_equal(s.model[2].dir, "nowhere");
	assert_string_equal(s.task[0].dataset[1], "beside"); /* a name, not a path */
	assert_string_equal(s.name, "run");
	assert_int_equal(s.task[0].split, FOT_TEST);
	fot_spec_release(&s);
	unlink(path);
	snprintf(path, sizeof path, "%s/beside", dir);
	rmdir(path);
	snprintf(path, sizeof path, "%s/base", dir);
	rmdir(path);
	rmdir(dir);
	assert_int_equal(fot_spec_read(&s, "/tmp/fot-no-such-spec.json", &err), FOT_ERR_USAGE);
}

/* --- what stands in results/reference --- */

static void add_copy(cJSON *to, const cJSON *from, const char *key)
{
	assert_true(cJSON_AddItemToObject(to, key, cJSON_Duplicate(fot_json_get(from, key), true)));
}

/* What the identity calls tokenizer_sha256, a manifest has in an object of its own. */
static const cJSON *value_of(const cJSON *entry, const char *key)
{
	return strcmp(key, "tokenizer_sha256") == 0 ? fot_json_get(fot_json_get(entry, "tokenizer"), "sha256") :
						      fot_json_get(entry, key);
}

/* A list of the objects of from[key] with only the keys wanted. */
static void add_list(cJSON *to, const cJSON *from, const char *key, const char *const want[3])
{
	cJSON *list = cJSON_AddArrayToObject(to, key);
	const cJSON *entry;

	cJSON_ArrayForEach(entry, fot_json_get(from, key))
	{
		cJSON *o = cJSON_CreateObject();

		assert_true(cJSON_AddItemToArray(list, o));
		for (int i = 0; i < 3 && want[i]; i++) {
			const cJSON *value = value_of(entry, want[i]);

			assert_true(cJSON_AddItemToObject(o, want[i], value ? cJSON_Duplicate(value, true) :
									      cJSON_CreateString("none")));
		}
	}
}

static void assert_run_id(const cJSON *manifest, cJSON *spec, const char *name)
{
	static const char *const of_model[3] = { "name", "sha256", "tokenizer_sha256" };
	static const char *const of_data[3] = { "name", "sha256" };
	static const char *const of_set[3] = { "name", "sha256", "template_sha256" };
	cJSON *root = cJSON_CreateObject();
	struct fot_str text = FOT_STR_INIT;
	char hash[65];

	assert_true(cJSON_AddItemToObject(root, "spec", spec));
	add_list(root, manifest, "models", of_model);
	add_list(root, manifest, "datasets", of_data);
	if (fot_json_get(manifest, "labelled"))
		add_list(root, manifest, "labelled", of_set);
	add_copy(root, manifest, "task_versions");
	assert_int_equal(fot_json_canonical(&text, root, NULL), FOT_OK);
	fot_sha256_of(text.data, text.len, hash);
	hash[16] = '\0';
	if (strcmp(hash, fot_json_get(manifest, "run_id")->valuestring) != 0)
		fail_msg("%s: run_id %s, expected %s", name, hash, fot_json_get(manifest, "run_id")->valuestring);
	fot_str_release(&text);
	cJSON_Delete(root);
}

/* The spec that a manifest holds, read and written again: the same bytes, hash and run_id. */
static void check_manifest(const char *path)
{
	struct fot_str before = FOT_STR_INIT, after = FOT_STR_INIT;
	struct fot_err err = { 0 };
	cJSON *manifest = NULL, *again;
	struct fot_spec s;
	char hash[65];

	assert_int_equal(fot_json_read(&manifest, path, (size_t)64 << 20, FOT_ERR_INPUT, NULL), FOT_OK);
	if (fot_spec_parse(&s, fot_json_get(manifest, "spec"), path, NULL, &err) != FOT_OK)
		fail_msg("%s", err.text);
	again = fot_spec_json(&s);
	assert_non_null(again);
	assert_int_equal(fot_json_print(&before, fot_json_get(manifest, "spec"), 1, NULL), FOT_OK);
	assert_int_equal(fot_json_print(&after, again, 1, NULL), FOT_OK);
	if (strcmp(before.data, after.data) != 0)
		fail_msg("%s: expected\n%s\ngot\n%s", path, before.data, after.data);
	assert_int_equal(fot_spec_hash(hash, &s, NULL), FOT_OK);
	assert_string_equal(hash, fot_json_get(manifest, "spec_sha256")->valuestring);
	assert_run_id(manifest, again, path);
	fot_str_release(&before);
	fot_str_release(&after);
	cJSON_Delete(manifest);
	fot_spec_release(&s);
}

static void test_spec_of_every_reference_stays(void **state)
{
	DIR *folder = opendir("results/reference");
	struct dirent *entry;
	int n = 0;

	(void)state;
	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		char path[512];

		snprintf(path, sizeof path, "results/reference/%s/manifest.json", entry->d_name);
		if (!fot_file_exists(path))
			continue;
		check_manifest(path);
		n++;
	}
	closedir(folder);
	assert_true(n >= 23);
}

static void test_spec_lengths(void **state)
{
	static const char *const bad[] = { "",    ",",           "2k,",   "-5",      "0",
					   "1e3", "2048-1024*2", "1-2*0", "1-1M*2x", "k" };
	struct fot_lengths l = { 0 };

	(void)state;
	assert_true(fot_lengths_add(&l, "1,2k,4-33*2,1M"));
	assert_int_equal(l.n, 7);
	assert_int_equal(l.at[5], 32);
	assert_int_equal(l.at[6], 1 << 20);
	fot_lengths_release(&l);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (fot_lengths_add(&l, bad[i]))
			fail_msg("accepted \"%s\"", bad[i]);
		fot_lengths_release(&l);
	}
}

static void test_spec_survives_lack_of_memory(void **state)
{
	int ok = 0;

	(void)state;
	for (long k = 1; k < 200 && !ok; k++) {
		struct fot_spec s;
		cJSON *root = cJSON_Parse(GOOD);

		fot_mem_fail_at(k);
		ok = fot_spec_parse(&s, root, "s.json", NULL, NULL) == FOT_OK;
		fot_mem_fail_at(0);
		if (ok)
			fot_spec_release(&s);
		cJSON_Delete(root);
	}
	assert_true(ok);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spec_reads_everything),
		cmocka_unit_test(test_spec_json_reads_back_with_the_same_hash),
		cmocka_unit_test(test_spec_refuses),
		cmocka_unit_test(test_spec_targets_from_is_only_where_it_is),
		cmocka_unit_test(test_spec_needs_models_and_tasks),
		cmocka_unit_test(test_spec_paths_come_from_here_or_from_beside_it),
		cmocka_unit_test(test_spec_of_every_reference_stays),
		cmocka_unit_test(test_spec_lengths),
		cmocka_unit_test(test_spec_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
