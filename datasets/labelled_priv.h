/* labelled_priv.h: between datasets/labelled.c and its readers. */
#ifndef FOT_LABELLED_PRIV_H
#define FOT_LABELLED_PRIV_H

#include "base/str.h"
#include "datasets/labelled.h"

#define FOT_LABELLED_FILE_MAX ((size_t)1 << 30)
#define FOT_LABELLED_TEXT_MAX ((size_t)1 << 20)
#define FOT_LABELLED_ITEMS_MAX ((size_t)10000000)
#define FOT_LABELLED_LABELS_MAX ((size_t)4096)
#define FOT_LABELLED_ANSWERS_MAX 1000

enum { FOT_SPLIT_BY_NAME = FOT_SPLIT_ALL }; /* not given */

struct fot_labelled_opts {
	char *text, *label, *answers, *id, *split; /* columns; NULL where not given; id "": none */
	char *labels, *keep, *drop, *name;
	char *columns, *names; /* of a file without a header; of classes by number */
	char *hypernym;        /* source of WordNet, or patterns of several */
	char separator;        /* of .csv; '\0': not given */
	int64_t clip;          /* -1: not given, 0: whole texts */
	double holdout;
	bool skip_bad;
};

/* The installed WordNet's nouns. */
struct fot_wordnet;
int fot_wordnet_open(struct fot_wordnet **out, const char *store, struct fot_err *err);
void fot_wordnet_close(struct fot_wordnet *w);
const struct fot_hypernyms *fot_wordnet_hypernyms(const struct fot_wordnet *w);

struct fot_labelled_spec;
/* The one set of a spec; w: where its option hypernym needs it. */
int fot_labelled_open_spec(struct fot_labelled **out, const struct fot_labelled_spec *s, const struct fot_wordnet *w,
			   struct fot_err *err);

/* What a reader adds to. */
struct fot_labelling {
	struct fot_labelled *l;
	const struct fot_labelled_opts *o;
	const char *path;     /* of the file being read, for messages and ids */
	const char *base;     /* its last component */
	enum fot_split split; /* of its items, or FOT_SPLIT_BY_NAME */
	size_t source;
	size_t cap;
	int64_t clip; /* in force */
	const struct fot_wordnet *wordnet; /* with the option hypernym */
	/* The label of each item until they are counted. */
	char **item_label;
	struct fot_str text, label, id; /* of the row being added */
};

/* One row as read; strings of any bytes, copied. */
struct fot_row {
	const char *id; /* NULL: FILE:LINE */
	struct {
		const char *p;
		size_t n;
	} text, label;
	const char *const *answer; /* [n_answers]; NULL: label counts */
	size_t n_answers;
	const char *split; /* NULL: not given */
	int64_t line;
};
/* Check and add; a bad row is FOT_ERR_INPUT, or counted with skip_bad. */
int fot_labelling_add(struct fot_labelling *g, const struct fot_row *row, struct fot_err *err);
/* A reader found a bad row itself: err is set; FOT_OK if it is to be skipped. */
int fot_labelling_bad(struct fot_labelling *g, int status, struct fot_err *err);
/* The text of a file, unpacked: UTF-8 (or ISO-8859-1 when latin1 and not UTF-8), LF. */
int fot_labelling_text(struct fot_str *out, const char *path, bool latin1, struct fot_err *err);
/* Append a text or label as one line: runs of white space become one blank, none at the ends. */
void fot_labelled_line(struct fot_str *out, const char *p, size_t n);

/* Readers of one file. */
int fot_labelled_trec(struct fot_labelling *g, struct fot_err *err);
int fot_labelled_json(struct fot_labelling *g, struct fot_err *err);
int fot_labelled_jsonl(struct fot_labelling *g, struct fot_err *err);
int fot_labelled_csv(struct fot_labelling *g, struct fot_err *err);
int fot_labelled_tsv(struct fot_labelling *g, struct fot_err *err);
int fot_labelled_parquet(struct fot_labelling *g, struct fot_err *err);

/* A document of an installed set being read: its id is the label of most sets. */
struct fot_labelled_part {
	struct fot_labelling *g;
	const char *document;
	struct fot_str id, text; /* of the row being made */
};
/* Add d->text with a label under the id DOCUMENT:LINE; one of white space is left out. */
int fot_labelled_part_add(struct fot_labelled_part *d, const char *label, size_t n_label, int64_t line,
			  struct fot_err *err);
/* Each entry between lines that are `mark`, with the number of its first line. */
int fot_labelled_each_entry(struct fot_labelled_part *d, const struct fot_str *text, const char *mark,
			    int (*one)(struct fot_labelled_part *d, const char *p, size_t n, int64_t line,
				       struct fot_err *err),
			    struct fot_err *err);
/* Readers of one document. */
int fot_labelled_gcide(struct fot_labelled_part *d, const struct fot_str *text, struct fot_err *err);
int fot_labelled_gcide_held_out(struct fot_labelled_part *d, const struct fot_str *text, struct fot_err *err);
int fot_labelled_foldoc(struct fot_labelled_part *d, const struct fot_str *text, struct fot_err *err);
/* Append the names of all installed sets: "a, b or c". */
void fot_labelled_name_installed(struct fot_str *out);
/* Append the k-th spec of what a dataset's documents give; false: there are no more. */
bool fot_labelled_spec_of(struct fot_str *out, const char *dataset, size_t k);
/* An installed set; origin is appended to. */
int fot_labelled_installed(struct fot_labelling *g, const char *name, const char *store,
			   struct fot_str *origin, struct fot_err *err);

#endif
