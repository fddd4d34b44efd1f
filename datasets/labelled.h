/* labelled.h: texts with a label, or with a list of accepted answers.
 *
 * A labelled set is named by a spec string:
 *
 *   SOURCE[,SOURCE...][?key=value[&key=value...]]
 *
 *   SOURCE   a labelled set installed in the store (labelled_installed.c lists them), or
 *            [train:|valid:|test:]PATH of a file, or of a folder, whose files of known
 *            kind are all read, in bytewise order
 *   kinds    .label   TREC: `COARSE:fine question`, one a line; a file that is not
 *                     UTF-8 is ISO-8859-1
 *            .json    WebQuestions: [{"qId", "qText", "answers": [...]}, ...], or lists of
 *                     pairs by split: {"train": [[text, label], ...], "oos_test": ..., ...}
 *            .jsonl   one object a line
 *            .csv     RFC 4180 with a header line; separated by comma, semicolon, tab or bar
 *            .tsv     the same with tabs and without quotes
 *                     all of them plain, .gz or .zst
 *            .parquet one row each (parquet.h)
 *   key      text=NAME, label=NAME, answers=NAME, id=NAME, split=NAME  columns of .csv, .tsv, .parquet
 *                     and fields of .jsonl (default text and label; id and split if there;
 *                     id= with nothing behind it: ids are FILE:LINE)
 *            columns=NAME,NAME,...  of a .csv or .tsv file without a header line; of a .parquet file
 *                     in place of its columns' names
 *            separator=C  of .csv (a sign, or tab; default: found by the first line); a .tsv with
 *                     separator=tab has quotes
 *            names=NAME,NAME,...  labels are numbers of these, from 0; names=1:NAME,... from 1; of a
 *                     .parquet file otherwise of the class names that it notes under "huggingface", if it
 *                     does (not with columns=); names= with nothing behind it: numbers stay numbers
 *            labels=coarse|fine  which labels of TREC (default coarse), of WordNet (default
 *                     fine, 45 classes; coarse: 6 classes of the nouns) and of foldoc
 *                     (default fine, 24 classes; coarse: the 6 commonest)
 *            hypernym=NAME  of wordnet and wordnet-held-out: a synset, whose hyponyms are
 *                     the classes (datasets/hypernyms.h); fnmatch patterns P[,P...]
 *                     stand for several sets, where several can be (fot_labelled_each)
 *            keep=P[,P...], drop=P[,P...]  labels by fnmatch patterns
 *            clip=N   texts are cut at the last blank within N bytes (default: whole
 *                     texts; 400 for spam-assassin and brown, 200 for gcide, foldoc
 *                     and languages)
 *            holdout=F  see below (default 0.2)
 *            skip_bad=1  leave out bad rows and count them (default: a bad row is an error)
 *            name=NAME  name of the set (default: of the folder or first file)
 *   A '%XX' in a value is that byte (%2C: a comma, where the specs stand in a list).
 *
 * Splits.  By prefix, else by the split column (train, valid, test; dev and validation
 * mean valid), else, with several files, by their names (train* train, val* and dev*
 * valid, others test).  When no item is a test item, those whose key falls into the
 * fraction `holdout` are: texts that differ in punctuation or case only fall on the same side.
 *
 * Repeats.  Texts are the same when all their bytes are, blanks apart (below).  No text is a
 * demonstration twice, and none that is a test item's: "a + b" and "a - b" are two.
 *
 * Texts and labels: white space at the ends is dropped, runs of it inside become one
 * blank, since prompts are made of lines; labels and ids may be integers of any size, labels
 * true or false too (docs/data.md).  Empty ones, NUL bytes, invalid UTF-8, ids that are there twice, and labels of test items that no training item has are
 * errors which say file and line. */
#ifndef FOT_LABELLED_H
#define FOT_LABELLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "datasets/dataset.h"

struct fot_labelled_item {
	char *id, *text; /* id: unique in the set */
	char sha256[65]; /* of the text */
	uint64_t key;    /* hash of the text's letters and digits, in lower case: decides the held-out ones */
	enum fot_split split;
	int32_t label; /* index into labels; -1: answers instead */
	char **answer; /* accepted answers */
	size_t n_answers;
	size_t source;  /* file: index of the sources read */
	int64_t line;   /* from 1 */
	bool duplicate; /* an earlier item of this split has the same text */
	bool leaked;    /* no test item itself, but one has the same text */
};

struct fot_labelled {
	char *name, *origin;
	char hash[65]; /* over ids, texts, labels, answers and splits */
	char **label;  /* [n_labels], sorted bytewise; none with answers */
	size_t n_labels;
	struct fot_labelled_item *item;
	size_t n, n_split[3];
	size_t n_duplicates, n_leaked;
	size_t n_repeats; /* training items that are no demonstrations: duplicate or leaked */
	bool held_out; /* for evaluation only: not to be trained on */
	size_t n_bad; /* bad rows left out (skip_bad) */
	char first_bad[FOT_ERR_TEXT_MAX];
};

/* store: where installed sets lie, may be NULL. Errors: FOT_ERR_INPUT; FOT_ERR_USAGE for
 * a spec that is none. */
int fot_labelled_open(struct fot_labelled **out, const char *spec, const char *store, struct fot_err *err);
void fot_labelled_close(struct fot_labelled *l);
/* Bytes of the first spec of a list with commas between: sources behind a "train:" that are said to be of
 * another split, or of train, too, belong to it ("train:a.csv,test:b.csv" is one set); a comma in an option
 * ends it. */
size_t fot_labelled_length(const char *list);
/* A source's path: what stands behind its "train:", "valid:" or "test:", if it has one. */
const char *fot_labelled_path(const char *source);
/* Call one() for each set that a spec names: a pattern in the option hypernym stands for several,
 * any other spec for one. Errors: as above, FOT_ERR_USAGE for a pattern without match; what one()
 * returns ends it. */
int fot_labelled_each(const char *spec, const char *store,
		      int (*one)(void *user, const struct fot_labelled *l, struct fot_err *err), void *user,
		      struct fot_err *err);
/* Call one() for each labelled set that is made of an installed dataset, with the spec that names
 * it; none of a corpus. Errors: as above. */
int fot_labelled_each_of(const char *dataset, const char *store,
			 int (*one)(void *user, const char *spec, const struct fot_labelled *l, struct fot_err *err),
			 void *user, struct fot_err *err);
/* What a reader of the results should know: rows left out, repeats; one line, appended to out,
 * nothing where there is nothing to say. */
void fot_labelled_notice(struct fot_str *out, const struct fot_labelled *l);
/* Is this the name of a labelled set that `fotbench data fetch` installs? */
bool fot_labelled_is_installed(const char *name);

#endif
