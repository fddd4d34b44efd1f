/* datasets/labelled.h: sets of what is installed: dictionaries, mail, tagged words, entries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hash.h"
#include "datasets/index.h"
#include "tests/unit/labelled_set.h"
#include "tests/unit/scratch.h"

static void install(const char *name, const char *const *ids, const char *const *texts, size_t n)
{
	struct fot_index_document rows[4] = { 0 };
	struct fot_index x = { .dataset = name, .manifest_sha256 = "", .documents = rows, .n_documents = n };
	static char hashes[4][65];
	char path[128];

	snprintf(path, sizeof(path), "store/%s/documents", name);
	assert_int_equal(fot_mkdir_all(scratch_path(path), NULL), FOT_OK);
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "store/%s/documents/%s.txt", name, ids[i]);
		scratch_puts(path, texts[i]);
		fot_sha256_of(texts[i], strlen(texts[i]), hashes[i]);
		rows[i] = (struct fot_index_document){ .id = ids[i],
						       .sha256 = hashes[i],
						       .package = "p",
						       .split = FOT_TRAIN,
						       .bytes = (int64_t)strlen(texts[i]),
						       .pinned = true };
	}
	assert_int_equal(fot_index_write(&x, scratch_path("store"), NULL), FOT_OK);
}

static void test_labelled_reads_wordnet(void **state)
{
	static const char *const ids[] = { "adj", "noun" };
	static const char *const texts[] = {
		"  1 licence | of it\n00001740 44 a 01 able 0 000 | worked on; \"an example; too\"  \n",
		"00001740 18 n 01 x 0 000 | a | person\n00001741 05 n 01 x 0 000 | \"quoted\"; one\n"
		"00001742 23 n 01 x 0 000 | so many  \n",
	};
	struct fot_labelled *l;

	(void)state;
	install("wordnet", ids, texts, 2);
	l = open_labelled("wordnet?holdout=0");
	assert_int_equal(l->n, 4);
	assert_labelled_item(l, 0, "adj:2", "worked on", "adj.ppl", FOT_TRAIN);
	assert_labelled_item(l, 1, "noun:1", "a | person", "noun.person", FOT_TRAIN);
	assert_labelled_item(l, 2, "noun:2", "\"quoted\"; one", "noun.animal", FOT_TRAIN);
	fot_labelled_close(l);
	l = open_labelled("wordnet?holdout=0&labels=coarse");
	assert_int_equal(l->n, 3);
	assert_labelled_item(l, 2, "noun:3", "so many", "number", FOT_TRAIN);
	assert_string_equal(l->name, "wordnet-coarse");
	fot_labelled_close(l);
	static const char *const bad[] = { "", "00001740 45 n 01 x | gloss\n" };
	install("wordnet", ids + 1, bad + 1, 1);
	assert_labelled_refused("wordnet", FOT_ERR_INPUT,
				"labelled set wordnet: wordnet:1: expected a synset");
}

/* "wordnet?hypernym=": 4 classes of 40 texts below `top`, glosses "WORD 0" and so on. */
static void add_source(struct fot_str *out, int top, const char *word)
{
	fot_str_printf(out, "%08d 03 n 01 %s 0 000 | top\n", top, word);
	for (int i = 0; i < 4; i++)
		fot_str_printf(out, "%08d 03 n 01 kind_%d 0 001 @ %08d n 0000 | class\n", top + 1 + i, i,
			       top);
	for (int i = 0; i < 160; i++)
		fot_str_printf(out, "%08d 03 n 01 x 0 001 @ %08d n 0000 | %s %d; \"said so\"\n", top + 10 + i,
			       top + 1 + i % 4, word, i);
}

struct seen {
	char names[256];
	size_t n_texts;
};

static int see(void *user, const struct fot_labelled *l, struct fot_err *err)
{
	struct seen *seen = user;

	strcat(strcat(seen->names, l->name), l->held_out ? "! " : " ");
	seen->n_texts += l->n;
	return strcmp(l->name, "wordnet-stop") == 0 ? FOT_FAIL(err, FOT_ERR_RUN, "stopped") : FOT_OK;
}

static void assert_each(const char *spec, const char *names, size_t n_texts)
{
	struct seen seen = { 0 };
	struct fot_err err = { 0 };

	if (fot_labelled_each(spec, scratch_path("store"), see, &seen, &err) != FOT_OK)
		fail_msg("%s: %s", spec, err.text);
	assert_string_equal(seen.names, names);
	assert_int_equal(seen.n_texts, n_texts);
}

static void test_labelled_reads_hypernyms(void **state)
{
	static const char *const ids[] = { "noun" };
	struct fot_str text = FOT_STR_INIT;
	struct seen seen = { 0 };
	struct fot_err err = { 0 };
	struct fot_labelled *l;
	const char *texts[1];

	(void)state;
	add_source(&text, 1000, "ware");
	add_source(&text, 2000, "act");
	add_source(&text, 3000, "stop");
	add_source(&text, 7555863, "food");
	texts[0] = text.data;
	install("wordnet", ids, texts, 1);
	l = open_labelled("wordnet?hypernym=ware&holdout=0");
	assert_int_equal(l->n, 160);
	assert_int_equal(l->n_labels, 4);
	assert_string_equal(l->name, "wordnet-ware");
	assert_false(l->held_out);
	assert_labelled_item(l, 0, "noun:6", "ware 0", "kind 0", FOT_TRAIN);
	assert_labelled_item(l, 40, "noun:7", "ware 1", "kind 1", FOT_TRAIN);
	fot_labelled_close(l);
	l = open_labelled("wordnet-held-out?hypernym=food");
	assert_string_equal(l->name, "wordnet-held-out-food");
	assert_true(l->held_out);
	fot_labelled_close(l);
	assert_each("wordnet?hypernym=*e,act", "wordnet-ware wordnet-act ", 320);
	assert_each("wordnet-held-out?hypernym=*", "wordnet-held-out-food! ", 160);
	assert_each("wordnet?hypernym=act", "wordnet-act ", 160);
	assert_each("wordnet?hypernym=[wa]*&name=w&keep=kind 1,kind 2", "w-ware w-act ", 160);
	assert_fails(fot_labelled_each("wordnet?hypernym=*", scratch_path("store"), see, &seen, &err),
		     FOT_ERR_RUN, &err, "stopped");
	assert_labelled_refused("wordnet?hypernym=*", FOT_ERR_USAGE,
				"expected the name of one source, got a pattern");
	assert_labelled_refused("wordnet?hypernym=food", FOT_ERR_USAGE,
				"'food' is held out for evaluation: wordnet-held-out?hypernym=food");
	assert_labelled_refused("wordnet-held-out?hypernym=act", FOT_ERR_USAGE,
				"is for training: wordnet?hypernym=act");
	assert_labelled_refused("wordnet?hypernym=ward", FOT_ERR_USAGE,
				"none of its 3 sources (did you mean 'ware'?)");
	assert_labelled_refused("wordnet-held-out", FOT_ERR_USAGE,
				"wordnet-held-out: expected hypernym=NAME");
	assert_labelled_refused("wordnet,wordnet-held-out", FOT_ERR_USAGE, "expected hypernym=NAME");
	assert_labelled_refused("wordnet?hypernym=act&labels=fine", FOT_ERR_USAGE,
				"wordnet-held-out alone, without labels");
	assert_labelled_refused("fortunes?hypernym=act", FOT_ERR_USAGE, "hypernym: is for wordnet");
	memset(&err, 0, sizeof(err));
	assert_fails(fot_labelled_each("wordnet?hypernym=x*", scratch_path("store"), see, &seen, &err),
		     FOT_ERR_USAGE, &err, "no source matches 'x*'");
	fot_str_release(&text);
}

static void test_labelled_reads_gcide(void **state)
{
	static const char *const ids[] = { "gcide" };
	static const char *const texts[] = {
		"Ahu \\A\"hu\\, n. [Native name.] (Zool.)\n"
		"   The Asiatic   gazelle{s}, [ae] and (Bot.) so on.\n   [1913 Webster]\nAi\n"
		"\n"
		"   2. (Mus.), the highest vocal part; [Obs.] the air.\n"
		"\n"
		"   3. (Naut.) See {Luff}, and {Lee}.\n"
		"\n"
		"   4. (Naut.) Short one.\n"
		"\n"
		"   (Unknown.) A definition of nothing, (without a mark\n"
		"\n"
		"   {Dead sea} (Naut.), a sea without any waves. [PJC]\n"
		"\n\n"
		"   (Law) Said at the end without a line end [WordNet 1.5"
	};
	static const char *const broken[] = {
		"(\n\n(Zool.)\n\n()\n\n(Zool\n\n(Zool.) [1913 Webster]\n\n[\n\n\n("
	};
	struct fot_labelled *l;

	(void)state;
	install("gcide", ids, texts, 1);
	l = open_labelled("gcide?holdout=0");
	assert_int_equal(l->n, 2);
	assert_labelled_item(l, 0, "gcide:1", "The Asiatic gazelles, ae and (Bot.) so on.", "zoology",
			     FOT_TRAIN);
	assert_labelled_item(l, 1, "gcide:14", "a sea without any waves.", "ships", FOT_TRAIN);
	assert_false(l->held_out);
	fot_labelled_close(l);
	l = open_labelled("gcide-held-out?holdout=0");
	assert_int_equal(l->n, 2);
	assert_labelled_item(l, 0, "gcide:6", "the highest vocal part; Obs. the air.", "music", FOT_TRAIN);
	assert_labelled_item(l, 1, "gcide:17", "Said at the end without a line end", "law", FOT_TRAIN);
	assert_true(l->held_out);
	fot_labelled_close(l);
	install("gcide", ids, broken, 1);
	assert_labelled_refused("gcide", FOT_ERR_INPUT, "gcide: 0 items");
}

static void test_labelled_reads_foldoc(void **state)
{
	static const char *const ids[] = { "foldoc" }, *const gcide = "gcide",
				 *const mammal = "(Zool.) A large sea mammal.\n";
	static const char *const texts[] = {
		"broker\n\n   {object request broker}\n"
		"\n"
		"broket\n\n   <character> /broh'k*t/ Either of\n   the {characters} \"<\" or \">\".\n"
		"\n   <language> A second paragraph that begins like one.\n"
		"\n"
		"C, D\n\n   <language, tool> The {language} called C.\n\n   (1995-02-07)\n"
		"\n"
		"odd\n\n   <abuse> A subject of few entries.\n\n   <language> Short.\n\n   <hardware\n"
		"\n"
		"end\n\n   <networking> Nothing stands behind it"
	};
	struct fot_labelled *l;

	(void)state;
	install("foldoc", ids, texts, 1);
	l = open_labelled("foldoc?holdout=0");
	assert_int_equal(l->n, 4);
	assert_true(l->held_out);
	assert_labelled_item(l, 0, "foldoc:7", "/broh'k*t/ Either of the characters \"<\" or \">\".",
			     "character", FOT_TRAIN);
	assert_labelled_item(l, 1, "foldoc:10", "A second paragraph that begins like one.", "language",
			     FOT_TRAIN);
	assert_labelled_item(l, 2, "foldoc:14", "The language called C.", "language", FOT_TRAIN);
	assert_labelled_item(l, 3, "foldoc:28", "Nothing stands behind it", "networking", FOT_TRAIN);
	fot_labelled_close(l);
	install("gcide", &gcide, &mammal, 1);
	l = open_labelled("foldoc,gcide?holdout=0"); /* one of them is held out */
	assert_int_equal(l->n, 5);
	assert_true(l->held_out);
	fot_labelled_close(l);
	l = open_labelled("foldoc?holdout=0&labels=coarse");
	assert_int_equal(l->n, 3);
	assert_string_equal(l->name, "foldoc-coarse");
	fot_labelled_close(l);
}

static void test_labelled_reads_entries(void **state)
{
	static const char *const ids[] = { "easy-ham-1", "spam-1" };
	static const char *const texts[] = {
		"From: a\nSubject: Re: old\n hello\nTo: b\n\nBody\nof it\n%\n%\nno head\n",
		"X: y\nSUBJECT: win\n\nmoney\n%\nA: b\n\nonly a body",
	};
	static const char *const genres[] = { "news", "lore" };
	static const char *const tagged[] = { "\n\tThe/at one/two/nn end/vb ./.\n%\n``/`` b/nn\n", "c/nn" };
	static const char *const files[] = { "art", "men-women" };
	static const char *const fortunes[] = { "one\n\t-- me\n%\n100 %\n%\n", "two\n%\nthree" };
	struct fot_labelled *l;

	(void)state;
	install("spam-assassin", ids, texts, 2);
	l = open_labelled("spam-assassin?holdout=0");
	assert_int_equal(l->n, 3); /* a mail without subject and body has no text */
	assert_labelled_item(l, 0, "easy-ham-1:1", "Re: old - Body of it", "ham", FOT_TRAIN);
	assert_labelled_item(l, 1, "spam-1:1", "win - money", "spam", FOT_TRAIN);
	assert_labelled_item(l, 2, "spam-1:6", "only a body", "spam", FOT_TRAIN);
	fot_labelled_close(l);
	install("brown", genres, tagged, 2);
	l = open_labelled("brown?holdout=0");
	assert_int_equal(l->n, 3);
	assert_labelled_item(l, 0, "news:1", "The one/two end .", "news", FOT_TRAIN);
	assert_labelled_item(l, 1, "news:4", "`` b", "news", FOT_TRAIN);
	fot_labelled_close(l);
	install("fortunes", files, fortunes, 2);
	l = open_labelled("fortunes?holdout=0&clip=3");
	assert_int_equal(l->n, 4);
	assert_labelled_item(l, 0, "art:1", "one", "art", FOT_TRAIN);
	assert_labelled_item(l, 1, "art:4", "100", "art", FOT_TRAIN);
	assert_labelled_item(l, 3, "men-women:3", "thr", "men-women", FOT_TRAIN);
	fot_labelled_close(l);
}

#define SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH(test_labelled_reads_wordnet), SCRATCH(test_labelled_reads_hypernyms),
		SCRATCH(test_labelled_reads_gcide),   SCRATCH(test_labelled_reads_foldoc),
		SCRATCH(test_labelled_reads_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
