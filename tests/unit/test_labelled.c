/* datasets/labelled.h: every kind of file, splits, equal texts, and every bad row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "datasets/index.h"
#include "datasets/labelled.h"
#include "tests/unit/labelled_set.h"
#include "tests/unit/scratch.h"

/* "SCRATCH/NAME" + options */
static const char *spec_of(const char *name, const char *options)
{
	static char text[4][1024];
	static unsigned next;
	char *out = text[next++ % 4];

	snprintf(out, sizeof(text[0]), "%s%s", scratch_path(name), options);
	return out;
}

/* ---- files ---- */

static void test_labelled_reads_trec(void **state)
{
	struct fot_labelled *l;

	(void)state;
	scratch_write("train.label",
		      "NUM:date When did  it\tend ?\r\nLOC:city A sister\xf0"
		      "city ?\n\nNUM:other How\xe9 ?\n",
		      71);
	scratch_puts("x.label", "LOC:city Where ?");
	l = open_labelled(spec_of("", ""));
	assert_int_equal(l->n, 4);
	assert_int_equal(l->n_labels, 2);
	assert_labelled_item(l, 0, "train.label:1", "When did it end ?", "NUM", FOT_TRAIN);
	assert_labelled_item(l, 1, "train.label:2",
		    "A sister\xc3\xb0"
		    "city ?",
		    "LOC", FOT_TRAIN);
	assert_labelled_item(l, 2, "train.label:4", "How\xc3\xa9 ?", "NUM", FOT_TRAIN);
	assert_labelled_item(l, 3, "x.label:1", "Where ?", "LOC", FOT_TEST);
	fot_labelled_close(l);
	l = open_labelled(spec_of("", "?labels=fine"));
	assert_int_equal(l->n_labels, 3);
	assert_labelled_item(l, 2, "train.label:4", "How\xc3\xa9 ?", "NUM:other", FOT_TRAIN);
	assert_non_null(strstr(l->name, "-fine"));
	fot_labelled_close(l);
}

static void test_labelled_trec_refuses_bad_lines(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "NUM:date When ?\nLOC:city\n",
		  "t.label:2: expected 'COARSE:fine question', got 'LOC:city'" },
		{ "NUM:date When ?\n:city Where ?\n", "t.label:2: expected 'COARSE:fine question'" },
		{ "NUM:date When ?\nLOC: Where ?\n", "t.label:2: expected 'COARSE:fine question'" },
		{ "NUM:date When ?\nNo colon at: all\n", "t.label:2: expected 'COARSE:fine question'" },
		{ "NUM:date When ?\nLOC:city  \n", "t.label:2: expected a text, got an empty one" },
		{ "\n \n", "0 items" },
		{ "", "t.label: the file is empty" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		scratch_puts("t.label", rows[i].text);
		assert_labelled_refused(scratch_path("t.label"), FOT_ERR_INPUT, rows[i].want);
	}
	scratch_write("t.label", "NUM:date a\nLOC:city b\0c\n", 24);
	assert_labelled_refused(scratch_path("t.label"), FOT_ERR_INPUT, "t.label:2: NUL byte, expected text");
	assert_labelled_refused(scratch_path("none.label"), FOT_ERR_INPUT, "none.label");
}

static void test_labelled_reads_webquestions(void **state)
{
	struct fot_labelled *l;

	(void)state;
	scratch_puts("train.json",
		     "[{\"qId\": \"a\", \"answers\": [\"Jos\\u00e9\", \" x  y \"], \"qText\": \"who?\"}]");
	scratch_puts("val.json", "[{\"qId\": \"b\", \"answers\": [\"v\"], \"qText\": \"why?\"}]");
	scratch_puts("test.json", "[{\"qId\": \"c\", \"answers\": [\"z\"], \"qText\": \" who?\"},"
				  "{\"qId\": \"d\", \"answers\": [\"z\"], \"qText\": \"WHO ?\"}]");
	l = open_labelled(spec_of("", "?name=wq"));
	assert_string_equal(l->name, "wq");
	assert_int_equal(l->n, 4);
	assert_int_equal(l->n_labels, 0);
	assert_string_equal(l->item[2].id, "a");
	assert_int_equal(l->item[2].n_answers, 2);
	assert_string_equal(l->item[2].answer[0], "Jos\xc3\xa9");
	assert_string_equal(l->item[2].answer[1], "x y");
	assert_int_equal(l->item[2].label, -1);
	assert_int_equal(l->n_split[FOT_TRAIN], 1);
	assert_int_equal(l->n_split[FOT_VALID], 1);
	assert_int_equal(l->n_split[FOT_TEST], 2);
	/* "who?" among the demonstrations gives "who?" away, "WHO ?" is another text */
	assert_true(l->item[2].leaked);
	assert_false(l->item[3].leaked);
	assert_int_equal(l->n_leaked, 1);
	assert_int_equal(l->n_repeats, 1);
	fot_labelled_close(l);
}

static void test_labelled_webquestions_refuses_bad_records(void **state)
{
#define GOOD "{\"qId\": \"a\", \"qText\": \"t\", \"answers\": [\"x\"]}"
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "{}", "w.json: expected a list of records" },
		{ "[" GOOD ",", "w.json" },
		{ "[" GOOD ", 7]", "w.json: record 2: expected an object with \"qText\"" },
		{ "[" GOOD ", {\"qId\": \"b\", \"answers\": [\"x\"]}]", "record 2" },
		{ "[" GOOD ", {\"qId\": \"b\", \"qText\": 3, \"answers\": [\"x\"]}]", "record 2: qText: expected a string, got 3" },
		{ "[" GOOD ", {\"qText\": \"b\", \"answers\": [\"x\"]}]", "record 2: qId: missing, expected a string or an integer" },
		{ "[" GOOD ", {\"qId\": \"b\", \"qText\": \"t\", \"answers\": []}]",
		  "2: expected 1 to 1000 answers, got 0" },
		{ "[" GOOD ", {\"qId\": \"b\", \"qText\": \"t\", \"answers\": [1]}]",
		  "record 2: answers[0]: expected a string" },
		{ "[" GOOD ", {\"qId\": \"b\", \"qText\": \"t\", \"answers\": [\"x\", \" \"]}]",
		  "2: answer 2: expected text" },
		{ "[" GOOD ", {\"qId\": \"b\", \"qId\": \"c\", \"qText\": \"t\", \"answers\": [\"x\"]}]",
		  "qId" },
		{ "[" GOOD "," GOOD "]", "the id 'a' is there twice" },
		{ "[]", "0 items" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		scratch_puts("w.json", rows[i].text);
		assert_labelled_refused(scratch_path("w.json"), FOT_ERR_INPUT, rows[i].want);
	}
}

static void test_labelled_reads_jsonl(void **state)
{
	struct fot_labelled *l;

	(void)state;
	scratch_puts("q.jsonl",
		     "{\"q\": \"one\", \"c\": 4, \"id\": 17, \"split\": \"train\", \"more\": [1]}\n"
		     "\n{\"q\": \"two\\nlines\", \"c\": \"b\", \"split\": \"train\"}\n"
		     "{\"q\": \"three\", \"c\": \"b\", \"split\": \"dev\"}\n"
		     "{\"q\": \"four\", \"c\": \"4\", \"split\": \"test\"}");
	l = open_labelled(spec_of("q.jsonl", "?text=q&label=c"));
	assert_string_equal(l->name, "q");
	assert_labelled_item(l, 0, "17", "one", "4", FOT_TRAIN);
	assert_labelled_item(l, 1, "q.jsonl:3", "two lines", "b", FOT_TRAIN);
	assert_labelled_item(l, 2, "q.jsonl:4", "three", "b", FOT_VALID);
	assert_labelled_item(l, 3, "q.jsonl:5", "four", "4", FOT_TEST);
	fot_labelled_close(l);
	l = open_labelled(spec_of("q.jsonl", "?text=q&answers=q"));
	assert_int_equal(l->n_labels, 0);
	assert_string_equal(l->item[1].answer[0], "two lines");
	fot_labelled_close(l);
}

static void test_labelled_jsonl_refuses_bad_lines(void **state)
{
#define ROW "{\"text\": \"t\", \"label\": \"a\"}\n{\"text\": \"u\", \"label\": \"b\"}\n"
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ ROW "{\"text\": \"v\"\n", "q.jsonl:3" },
		{ ROW "{\"text\": \"v\", \"lab", "the last line is cut off: " },
		{ ROW "{\"text\": \"v\", \"text\": \"w\", \"label\": \"a\"}", "q.jsonl:3" },
		{ ROW "{\"label\": \"a\"}", "q.jsonl:3: text: " },
		{ ROW "{\"text\": \"v\"}", "q.jsonl:3: label: " },
		{ ROW "{\"text\": [], \"label\": \"a\"}", "q.jsonl:3: text: " },
		{ ROW "{\"text\": \"v\", \"label\": 1.5}", "q.jsonl:3: label: expected a string, an integer, true or false, got 1.5" },
		{ ROW "{\"text\": \"v\", \"label\": \"\"}",
		  "q.jsonl:3: expected a label of 1 to 1000 bytes, got 0" },
		{ ROW "{\"text\": \" \", \"label\": \"a\"}", "q.jsonl:3: expected a text, got an empty one" },
		{ ROW "{\"text\": \"v\", \"label\": \"a\", \"id\": \"\"}", "q.jsonl:3: id: expected a name, got an empty text" },
		{ ROW "{\"text\": \"v\", \"label\": \"a\", \"split\": \"exam\"}",
		  "q.jsonl:3: split: expected train, valid or test, got 'exam'" },
		{ ROW "[1]", "q.jsonl:3: expected an object" },
		{ ROW "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
		  "q.jsonl:3" },
		{ ROW "{\"text\": \"v\", \"label\": \"a\xff\"}", "q.jsonl: line 3" },
		{ "{\"text\": \"t\", \"label\": \"a\", \"id\": \"x\"}\n{\"text\": \"u\", \"label\": \"b\", \"id\": \"x\"}\n",
		  "q.jsonl:2: the id 'x' is there twice, first at " },
		{ "{\"text\": \"t\", \"label\": \"a\"}\n{\"text\": \"u\", \"label\": \"a\"}\n",
		  "expected two labels or more, got one: 'a'" },
		{ "{\"text\": \"t\", \"label\": \"a\", \"split\": \"train\"}\n{\"text\": \"s\", \"label\": \"b\", \"split\": \"train\"}\n"
		  "{\"text\": \"u\", \"label\": \"c\", \"split\": \"test\"}\n",
		  "q.jsonl:3: the label 'c' of a test item is not among the training items'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		scratch_puts("q.jsonl", rows[i].text);
		assert_labelled_refused(scratch_path("q.jsonl"), FOT_ERR_INPUT, rows[i].want);
	}
}

static void test_labelled_skips_and_counts_bad_rows(void **state)
{
	struct fot_labelled *l;

	(void)state;
	scratch_puts(
		"q.jsonl", ROW
		"{\"text\": \"v\"\n{\"text\": \" \", \"label\": \"a\"}\n{\"text\": \"w\", \"label\": \"a\"}\n");
	l = open_labelled(spec_of("q.jsonl", "?skip_bad=1"));
	assert_int_equal(l->n, 3);
	assert_int_equal(l->n_bad, 2);
	assert_non_null(strstr(l->first_bad, "q.jsonl:3"));
	fot_labelled_close(l);
	scratch_puts("q.csv", "text,label\na,x\nb\nc,y\n");
	l = open_labelled(spec_of("q.csv", "?skip_bad=1"));
	assert_int_equal(l->n, 2);
	assert_int_equal(l->n_bad, 1);
	assert_non_null(strstr(l->first_bad, "q.csv:3: expected 2 cells, got 1"));
	fot_labelled_close(l);
}

static void test_labelled_reads_csv(void **state)
{
	struct fot_labelled *l;

	(void)state;
	scratch_puts("q.csv", "\xef\xbb\xbf"
			      "class,no,question\r\n"
			      "x,1,\"a, \"\"quoted\"\"\nquestion\"\r\n\r\n\"y \",2,plain\r\ny,,\"last\"");
	l = open_labelled(spec_of("q.csv", "?text=question&label=class&holdout=0"));
	assert_int_equal(l->n, 3);
	assert_labelled_item(l, 0, "q.csv:2", "a, \"quoted\" question", "x", FOT_TRAIN);
	assert_labelled_item(l, 1, "q.csv:5", "plain", "y", FOT_TRAIN);
	assert_labelled_item(l, 2, "q.csv:6", "last", "y", FOT_TRAIN);
	fot_labelled_close(l);
	scratch_puts("q.csv", "te xt\rx\ry\r"); /* line ends of CR alone, a blank in a column's name */
	l = open_labelled(spec_of("q.csv", "?text=te%20xt&answers=te%20xt"));
	assert_int_equal(l->n, 2);
	assert_string_equal(l->item[1].answer[0], "y");
	fot_labelled_close(l);
}

static void test_labelled_csv_refuses_bad_rows(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "text,label\na,x\n\"b,y\nc,z\n",
		  "q.csv:3: a quote that opens here or later is never closed" },
		{ "text,label\na,x\nb\"b,y\n", "q.csv:3: " },
		{ "text,label\na,x\n\"b\"b,y\n", "q.csv:3: " },
		{ "text,label\na,x\nb\n", "q.csv:3: expected 2 cells, got 1" },
		{ "text,label\na,x\n\"b\nb\",y,z\n", "q.csv:3: expected 2 cells, got 3" },
		{ "txt,label\na,x\n", "q.csv:1: expected a column 'text', got txt, label (did you mean 'txt'?)" },
		{ "text,text,label\na,a,x\n", "q.csv:1: column 'text' is there twice" },
		{ "text,class\na,x\n", "q.csv:1: expected a column 'label', got text, class (others: FILE?text=NAME&label=NAME; without a header: FILE?columns=NAME%2CNAME)" },
		{ "text,label\n", "q.csv: a header and no rows" },
		{ "\n\n", "q.csv: expected a header line, got none" },
		{ "text,label\na,x\n,y\n", "q.csv:3: expected a text, got an empty one" },
		{ "text,label\na,x\nb,\n", "q.csv:3: expected a label of 1 to 1000 bytes, got 0" },
		{ "text,label,id\na,x,1\nb,y,1\n", "q.csv:3: the id '1' is there twice, first at " },
		{ "text,label\na,x\nb,\xc3\x28\n", "q.csv: line 3, byte offset 17: invalid UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		scratch_puts("q.csv", rows[i].text);
		assert_labelled_refused(scratch_path("q.csv"), FOT_ERR_INPUT, rows[i].want);
	}
}

/* The same rows from every kind of table. */
static void test_labelled_tables_of_every_kind(void **state)
{
	static const struct {
		const char *file, *text, *options;
	} rows[] = {
		{ "q.csv", "text;label\r\n\"a, \"\"b\"\"\";x\r\nc;y\r\n", "" },
		{ "q.csv", "label\ttext\nx\t\"a, \"\"b\"\"\"\ny\tc\n", "" },
		{ "q.csv", "text|n|label\n\"a, \"\"b\"\"\"|1|x\nc|2|y\n", "" },
		{ "q.csv", "text!label\n\"a, \"\"b\"\"\"!x\nc!y\n", "?separator=!" },
		{ "q.csv", "x,\"a, \"\"b\"\"\",1\ny,c,2\n", "?columns=label,text,n" },
		{ "q.csv", "x;\"a, \"\"b\"\"\"\ny;c\n", "?columns=klass,q&text=q&label=klass" },
		{ "q.csv", "x;\"a, \"\"b\"\"\";1, 2, 3, 4\ny;c;5\n", "?columns=label,text,n" },
		{ "q.csv", "1,\"a, \"\"b\"\"\"\n2,c\n", "?columns=label,text&names=1:x,y" },
		{ "q.tsv", "text\tlabel\na, \"b\"\tx\n\nc\ty\n", "" },
		{ "q.tsv", "\xef\xbb\xbfx\ta, \"b\"\r\ny\tc", "?columns=label,text" },
		{ "q.tsv", "0\ta, \"b\"\n1\tc\n", "?columns=label,text&names=x,y" },
		{ "q.tsv", "1\ta, \"b\"\n3\tc\n", "?columns=label,text&names=xx, x\v,yx,y" },
		{ "q.tsv", "label\ttext\nx\t\"a, \"\"b\"\"\"\ny\tc\n", "?separator=tab" },
		{ "q.jsonl", "{\"text\": \"a, \\\"b\\\"\", \"label\": \"x\"}\n{\"text\": \"c\", \"label\": \"y\"}", "" },
		{ "q.jsonl", "{\"text\": \"a, \\\"b\\\"\", \"label\": 0}\n{\"text\": \"c\", \"label\": 1}", "?names=x,y" },
		{ "q.json", "{\"train\": [[\"a, \\\"b\\\"\", \"x\"], [\"c\", \"y\"]]}", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char options[64];
		struct fot_labelled *l;

		scratch_puts(rows[i].file, rows[i].text);
		snprintf(options, sizeof(options), "%s%sholdout=0", rows[i].options, *rows[i].options ? "&" : "?");
		l = open_labelled(spec_of(rows[i].file, options));
		assert_string_equal(l->name, "q");
		assert_int_equal(l->n, 2);
		assert_labelled_item(l, 0, l->item[0].id, "a, \"b\"", "x", FOT_TRAIN);
		assert_labelled_item(l, 1, l->item[1].id, "c", "y", FOT_TRAIN);
		fot_labelled_close(l);
	}
}

/* One set or several, in a list with commas between. */
static void test_labelled_length_of_a_spec(void **state)
{
	static const struct {
		const char *list;
		size_t n;
	} rows[] = {
		{ "trec", 4 },
		{ "a.csv,b.csv", 5 },
		{ "train:a.csv,test:b.csv", 22 },
		{ "train:a,train:b,valid:c,test:d?id=,train:e", 34 },
		{ "train:a,test:b,train:c,test:d", 14 },
		{ "train:a,b", 7 },
		{ "a,test:b", 1 },
		{ "train:a?text=x,test:b", 14 },
		{ "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(fot_labelled_length(rows[i].list), rows[i].n);
}

static void test_labelled_tables_refused(void **state)
{
	static const struct {
		const char *file, *text, *options, *want;
		int code;
	} rows[] = {
		{ "q.tsv", "text\tlabel\na\n", "", "q.tsv:2: expected 2 cells, got 1", FOT_ERR_INPUT },
		{ "q.tsv", "a\tx\nb\ty\n", "",
		  "q.tsv:1: expected a column 'text', got a, x (did you mean 'x'?) (others: FILE?text=NAME&label=NAME; without a header: FILE?columns=NAME%2CNAME)",
		  FOT_ERR_INPUT },
		{ "q.csv", "a234567890123456789,b234567890123456789,c234567890123456789,d\nb,y,z,w\n", "",
		  "expected a column 'text', got a234567890123456789, b234567890123456789, c234567890123456789, ... (", FOT_ERR_INPUT },
		{ "q.csv", "a,x\nb,y\n", "?columns=label,txt",
		  "q.csv:1: expected a column 'text', got label, txt (did you mean 'txt'?) among columns=", FOT_ERR_INPUT },
		{ "q.csv", "x,a\ny,b\n", "?columns=label,text,id", "q.csv:1: expected 3 cells, got 2", FOT_ERR_INPUT },
		{ "q.csv", "text,label\na,0\nb,2\n", "?names=x,y",
		  "q.csv:3: label: expected the number of a name, from 0, got '2'", FOT_ERR_INPUT },
		{ "q.csv", "text,label\na,0\nb,1\n", "?names=1:x,y",
		  "q.csv:2: label: expected the number of a name, from 1, got '0'", FOT_ERR_INPUT },
		{ "q.csv", "text,label\na,0\nb,1\n", "?names=1:x,y,x", "names: 'x' stands twice", FOT_ERR_USAGE },
		{ "q.csv", "text,label\na,0\nb,1\n", "?names=x, ,y", "names: expected names with commas between, got an empty one", FOT_ERR_USAGE },
		{ "q.csv", "text,label\na,0\nb,1\n", "?names=x,\v\f,y", "got an empty one", FOT_ERR_USAGE },
		{ "q.csv", "text,label\na,0\nb,1\n", "?names=x, x,y", "names: 'x' stands twice", FOT_ERR_USAGE },
		{ "q.csv", "text,label\na,0\nb,1\n", "?names=0:b, a  b\t,c,a b", "names: 'a b' stands twice", FOT_ERR_USAGE },
		{ "q.csv", "text,label\na,0\nb,1\n", "?names=x,y,", "got an empty one", FOT_ERR_USAGE },
		{ "q.csv", "text,label\na,x\n", "?names=x,y", "from 0, got 'x'", FOT_ERR_INPUT },
		{ "q.csv", "text,label\na,x\n", "?separator=ab", "separator: expected tab or a sign", FOT_ERR_USAGE },
		{ "q.csv", "text,label\na,x\n", "?separator=a", "separator: expected tab or a sign", FOT_ERR_USAGE },
		{ "q.json", "{\"train\": [[\"a\", \"x\"], [\"b\"]]}", "", "q.json: record 2: expected [\"text\", \"label\"]",
		  FOT_ERR_INPUT },
		{ "q.json", "{\"exam\": []}", "", "q.json: exam: expected lists train, val and test", FOT_ERR_INPUT },
		{ "q.json", "{\"train\": {}}", "", "q.json: train: expected lists train, val and test", FOT_ERR_INPUT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		scratch_puts(rows[i].file, rows[i].text);
		assert_labelled_refused(spec_of(rows[i].file, rows[i].options), rows[i].code, rows[i].want);
	}
}

static void test_labelled_reads_splits_of_pairs(void **state)
{
	struct fot_labelled *l;

	(void)state;
	scratch_puts("c.json", "{\"oos_val\": [[\"v\", \"oos\"]],\n \"train\": [[\"a]}\", \"x\"] , [\"b\",\"oos\"]],"
			       " \"test\": [[\"c\\u0000d\", \"x\"], [\"e\", \"x\"]]}");
	assert_labelled_refused(spec_of("c.json", ""), FOT_ERR_INPUT, "c.json:4: NUL byte, expected text");
	l = open_labelled(spec_of("c.json", "?skip_bad=1"));
	assert_int_equal(l->n, 4);
	assert_int_equal(l->n_bad, 1);
	assert_labelled_item(l, 0, "c.json:1", "v", "oos", FOT_VALID);
	assert_labelled_item(l, 1, "c.json:2", "a]}", "x", FOT_TRAIN);
	assert_labelled_item(l, 2, "c.json:3", "b", "oos", FOT_TRAIN);
	assert_labelled_item(l, 3, "c.json:5", "e", "x", FOT_TEST);
	fot_labelled_close(l);
}

/* Integers of any size, true and false, ids that are none. */
static void test_labelled_json_values_as_written(void **state)
{
	struct fot_labelled *l;

	(void)state;
	scratch_puts("q.jsonl", "{\"text\": \"a\", \"label\": true, \"id\": 9007199254740993}\n"
				"{\"text\": \"b\", \"label\": false, \"id\": 9007199254740992}\n"
				"{\"text\": \"c\", \"label\": 99999999999999999999, \"id\": -12345678901234567890}\n");
	l = open_labelled(spec_of("q.jsonl", "?holdout=0"));
	assert_labelled_item(l, 0, "9007199254740993", "a", "true", FOT_TRAIN);
	assert_labelled_item(l, 1, "9007199254740992", "b", "false", FOT_TRAIN);
	assert_labelled_item(l, 2, "-12345678901234567890", "c", "99999999999999999999", FOT_TRAIN);
	fot_labelled_close(l);
	scratch_puts("q.jsonl", "{\"text\": \"a\", \"label\": \"x\", \"id\": {\"n\": 1}}\n{\"text\": \"b\", \"label\": \"y\", \"id\": 1.5}\n");
	assert_labelled_refused(spec_of("q.jsonl", ""), FOT_ERR_INPUT, "q.jsonl:1: id: expected a string or an integer, got {\"n\": 1}");
	l = open_labelled(spec_of("q.jsonl", "?id=&holdout=0"));
	assert_labelled_item(l, 0, "q.jsonl:1", "a", "x", FOT_TRAIN);
	assert_labelled_item(l, 1, "q.jsonl:2", "b", "y", FOT_TRAIN);
	fot_labelled_close(l);
	scratch_puts("q.csv", "text,label,id\na,x,1\nb,y,1\n");
	l = open_labelled(spec_of("q.csv", "?id=&holdout=0"));
	assert_labelled_item(l, 1, "q.csv:3", "b", "y", FOT_TRAIN);
	fot_labelled_close(l);
}

/* A record with "\\u0000", no NUL, beside true ones and U+FDD0: each is what it is. */
static void test_labelled_json_nuls_and_what_looks_like_them(void **state)
{
	struct fot_labelled *l;

	(void)state;
	scratch_puts("f.json", "[{\"qText\": \"a \\\\u0000 \xef\xb7\x90\", \"qId\": 1, \"answers\": [\"y\"]}]");
	l = open_labelled(spec_of("f.json", ""));
	assert_string_equal(l->item[0].text, "a \\u0000 \xef\xb7\x90");
	fot_labelled_close(l);
	scratch_puts("f.json", "[{\"qText\": \"a\\\\u0000\\u0000\", \"qId\": 1, \"answers\": [\"y\"]}]");
	assert_labelled_refused(spec_of("f.json", ""), FOT_ERR_INPUT, "NUL byte, expected text");
}

/* A NUL makes a bad row in every kind, not a file that cannot be read. */
static void test_labelled_nul_is_a_bad_row(void **state)
{
	static const struct {
		const char *file, *text;
		size_t n;
	} rows[] = {
#define ROWS(file, text) { file, text, sizeof(text) - 1 }
		ROWS("q.csv", "text,label\na,x\nb\0,y\nc,y\n"),
		ROWS("q.csv", "text,label,id\na,x,1\nb,y,2\0\nc,y,3\n"),
		ROWS("q.tsv", "text\tlabel\na\tx\nb\ty\0\nc\ty\n"),
		ROWS("q.label", "A:x a\nB:y b\0\nB:y c\n"),
		ROWS("q.jsonl", "{\"text\": \"a\", \"label\": \"x\"}\n{\"text\": \"b\\u0000\", \"label\": \"y\"}\n{\"text\": \"c\", \"label\": \"y\"}"),
		ROWS("q.jsonl", "{\"text\": \"a\", \"label\": \"x\"}\n{\"text\": \"b\", \"label\": \"y\\u0000\"}\n{\"text\": \"c\", \"label\": \"y\"}"),
		ROWS("q.json", "[{\"qText\": \"a\", \"qId\": 1, \"answers\": \"x\"}, {\"qText\": \"b\", \"qId\": 2, \"answers\": [\"\\u0000\"]},"
			       "{\"qText\": \"c\", \"qId\": 3, \"answers\": [\"y\", \"z\"]}]"),
		ROWS("q.json", "[{\"qText\": \"a\", \"qId\": 1, \"answers\": \"x\"}, {\"qText\": \"b\\u0000\", \"qId\": 2, \"answers\": [\"y\"]},"
			       "{\"qText\": \"c\", \"qId\": 3, \"answers\": [\"y\", \"z\"]}]"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fot_labelled *l;

		scratch_write(rows[i].file, rows[i].text, rows[i].n);
		assert_labelled_refused(spec_of(rows[i].file, ""), FOT_ERR_INPUT, "NUL byte, expected text");
		l = open_labelled(spec_of(rows[i].file, "?skip_bad=1&holdout=0"));
		assert_int_equal(l->n, 2);
		assert_int_equal(l->n_bad, 1);
		assert_string_equal(l->item[1].text, "c");
		fot_labelled_close(l);
	}
}

static void test_labelled_reads_packed_files(void **state)
{
	static const char text[] = "text,label\na,x\nb,y\n";
	struct fot_labelled *l;
	gzFile f;

	(void)state;
	f = gzopen(scratch_path("set.csv.gz"), "wb");
	assert_int_equal(gzwrite(f, text, sizeof(text) - 1), sizeof(text) - 1);
	assert_int_equal(gzclose(f), Z_OK);
	l = open_labelled(spec_of("set.csv.gz", "?holdout=0"));
	assert_string_equal(l->name, "set");
	assert_labelled_item(l, 1, "set.csv.gz:3", "b", "y", FOT_TRAIN);
	fot_labelled_close(l);
}

/* ---- sets ---- */

static void many(const char *name, int n)
{
	struct fot_str s = FOT_STR_INIT;

	for (int i = 0; i < n; i++) /* texts in twos, every other two the same, under two labels */
		fot_str_printf(&s, "{\"text\": \"Question %d %s\", \"label\": \"%c\"}\n", i / 2,
			       i % 4 == 3 ? "?" : "", "abc"[i % 3]);
	scratch_write(name, s.data, s.len);
	fot_str_release(&s);
}

static void test_labelled_holds_out_by_hash(void **state)
{
	struct fot_labelled *l;

	(void)state;
	many("m.jsonl", 2000);
	l = open_labelled(spec_of("m.jsonl", ""));
	assert_in_range(l->n_split[FOT_TEST], 300, 500); /* 400 expected, sd of 1000 pairs 25 */
	assert_int_equal(l->n_split[FOT_TEST] + l->n_split[FOT_TRAIN], 2000);
	for (size_t i = 0; i < 2000; i += 2) {
		assert_int_equal(l->item[i].split, l->item[i + 1].split);
		assert_false(l->item[i].duplicate);
		assert_int_equal(l->item[i + 1].duplicate, i % 4 == 0);
	}
	assert_int_equal(l->n_duplicates, 500);
	assert_int_equal(l->n_leaked, 0);
	fot_labelled_close(l);
	l = open_labelled(spec_of("m.jsonl", "?holdout=0.5"));
	assert_in_range(l->n_split[FOT_TEST], 850, 1150);
	fot_labelled_close(l);
}

/* Only equal texts are repeats: a sign is enough to make two of them. */
static void test_labelled_texts_that_differ_in_a_sign_are_two(void **state)
{
	struct fot_str s = FOT_STR_INIT;
	struct fot_labelled *l;
	size_t of_label[2] = { 0 };

	(void)state;
	fot_str_puts(&s, "text,label\n");
	for (int i = 0; i < 25; i++)
		fot_str_printf(&s, "%d + 3,plus\n%d - 3,minus\n", i, i);
	fot_str_puts(&s, "  1  +\t3,plus\n"); /* blanks make no difference */
	scratch_write("q.csv", s.data, s.len);
	l = open_labelled(spec_of("q.csv", "?holdout=0"));
	for (size_t i = 0; i < l->n; i++)
		of_label[l->item[i].label] += !l->item[i].duplicate && !l->item[i].leaked;
	assert_int_equal(of_label[0], 25);
	assert_int_equal(of_label[1], 25);
	assert_int_equal(l->n_duplicates, 1);
	assert_true(l->item[50].duplicate);
	assert_int_equal(l->n_repeats, 1);
	fot_labelled_close(l);
	fot_str_release(&s);
}

static void test_labelled_hash_names_the_contents(void **state)
{
	static const char *const options[] = { "", "?holdout=0.5", "?drop=c", "?clip=9" };
	char hash[4][65];

	(void)state;
	many("m.jsonl", 60);
	for (int i = 0; i < 4; i++) {
		struct fot_labelled *l = open_labelled(spec_of("m.jsonl", options[i]));

		memcpy(hash[i], l->hash, 65);
		fot_labelled_close(l);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(hash[i], hash[j]);
	}
}

static void test_labelled_prefixes_and_filters(void **state)
{
	struct fot_labelled *l;
	char spec[1024];

	(void)state;
	scratch_puts("p.label", "A:x one two three\nB:y two\nC:z three\n");
	scratch_puts("q.label", "A:x four\nC:z five\n");
	snprintf(spec, sizeof(spec), "test:%s,train:%s?drop=B,X*&clip=7&name=n", scratch_path("q.label"),
		 scratch_path("p.label"));
	l = open_labelled(spec);
	assert_int_equal(l->n, 4);
	assert_labelled_item(l, 0, "q.label:1", "four", "A", FOT_TEST);
	assert_labelled_item(l, 2, "p.label:1", "one two", "A", FOT_TRAIN);
	fot_labelled_close(l);
	snprintf(spec, sizeof(spec), "train:%s?keep=A,B", scratch_path("p.label"));
	l = open_labelled(spec);
	assert_string_equal(l->name, "p");
	assert_int_equal(l->n, 2);
	assert_int_equal(l->n_labels, 2);
	fot_labelled_close(l);
}

static void test_labelled_refuses_bad_specs(void **state)
{
	(void)state;
	many("m.jsonl", 60);
	assert_labelled_refused(spec_of("m.jsonl", "?txt=a"), FOT_ERR_USAGE,
		       "unknown option 'txt' (did you mean 'text'?)");
	assert_labelled_refused(spec_of("m.jsonl", "?text"), FOT_ERR_USAGE,
		       "expected key=value behind '?', got 'text'");
	assert_labelled_refused(spec_of("m.jsonl", "?text="), FOT_ERR_USAGE, "text: empty");
	assert_labelled_refused(spec_of("m.jsonl", "?text=a&text=b"), FOT_ERR_USAGE, "text: given twice");
	assert_labelled_refused(spec_of("m.jsonl", "?text=%00"), FOT_ERR_USAGE, "bad option");
	assert_labelled_refused(spec_of("m.jsonl", "?holdout=1"), FOT_ERR_USAGE, "holdout: expected a fraction");
	assert_labelled_refused(spec_of("m.jsonl", "?clip=-1"), FOT_ERR_USAGE, "clip: expected");
	assert_labelled_refused(spec_of("m.jsonl", "?skip_bad=2"), FOT_ERR_USAGE, "skip_bad: expected 0 or 1");
	assert_labelled_refused(spec_of("m.jsonl", "?labels=small"), FOT_ERR_USAGE, "labels: expected coarse or fine");
	assert_labelled_refused(spec_of("m.jsonl", "?label=a&answers=b"), FOT_ERR_USAGE, "expected label or answers");
	assert_labelled_refused(spec_of("m.jsonl", ","), FOT_ERR_USAGE, "expected the name of a labelled set");
	assert_labelled_refused(spec_of("m.txt", ""), FOT_ERR_INPUT, "is no labelled set");
	assert_int_equal(fot_mkdir_all(scratch_path("empty"), NULL), FOT_OK);
	assert_labelled_refused(scratch_path("empty"), FOT_ERR_INPUT,
		       "expected files *.label, *.json, *.jsonl, *.csv, *.tsv or *.parquet");
	assert_labelled_refused("wordnet", FOT_ERR_INPUT, "fotbench data fetch wordnet");
	assert_labelled_refused(spec_of("m.jsonl", "?drop=*"), FOT_ERR_INPUT, "0 items");
}

static void test_labelled_survives_failing_memory(void **state)
{
	struct fot_err err;
	int status = FOT_ERR_RUN;

	(void)state;
	many("m.jsonl", 12);
	scratch_puts("m.csv", "text,label\na,x\nb,y\n");
	scratch_puts("m.tsv", "text\tlabel\na\tx\nb\ty\n");
	scratch_puts("m.json", "[{\"qText\": \"b\", \"o\": \"\\u0000\", \"qId\": 9007199254740993, \"answers\": [\"y\", \"z\"]}]");
	for (int kind = 0; kind < 4; kind++) {
		status = FOT_ERR_RUN;
		for (long n = 1; status != FOT_OK; n++) {
			struct fot_labelled *l = NULL;
			const char *const names[] = { "m.jsonl", "m.csv", "m.tsv", "m.json" };
			const char *spec = scratch_path(names[kind]);

			assert_true(n < 3000);
			memset(&err, 0, sizeof(err));
			fot_mem_fail_at(n);
			status = fot_labelled_open(&l, spec, NULL, &err);
			fot_mem_fail_at(0);
			assert_true((status == FOT_OK) == (err.code == 0));
			fot_labelled_close(l);
		}
	}
}

#define SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH(test_labelled_reads_trec),
		SCRATCH(test_labelled_trec_refuses_bad_lines),
		SCRATCH(test_labelled_reads_webquestions),
		SCRATCH(test_labelled_webquestions_refuses_bad_records),
		SCRATCH(test_labelled_reads_jsonl),
		SCRATCH(test_labelled_jsonl_refuses_bad_lines),
		SCRATCH(test_labelled_skips_and_counts_bad_rows),
		SCRATCH(test_labelled_reads_csv),
		SCRATCH(test_labelled_csv_refuses_bad_rows),
		SCRATCH(test_labelled_tables_of_every_kind),
		cmocka_unit_test(test_labelled_length_of_a_spec),
		SCRATCH(test_labelled_tables_refused),
		SCRATCH(test_labelled_reads_splits_of_pairs),
		SCRATCH(test_labelled_json_values_as_written),
		SCRATCH(test_labelled_json_nuls_and_what_looks_like_them),
		SCRATCH(test_labelled_nul_is_a_bad_row),
		SCRATCH(test_labelled_reads_packed_files),
		SCRATCH(test_labelled_holds_out_by_hash),
		SCRATCH(test_labelled_texts_that_differ_in_a_sign_are_two),
		SCRATCH(test_labelled_hash_names_the_contents),
		SCRATCH(test_labelled_prefixes_and_filters),
		SCRATCH(test_labelled_refuses_bad_specs),
		SCRATCH(test_labelled_survives_failing_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
