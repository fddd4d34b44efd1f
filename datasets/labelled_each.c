/* labelled_each.c: specs that stand for several labelled sets, and the sets of a dataset.
 *
 * WordNet is read once for all its sources; one set is open at a time. */
#include <string.h>

#include "base/list.h"
#include "datasets/hypernyms.h"
#include "datasets/labelled_priv.h"
#include "datasets/labelled_spec.h"
#include "datasets/options.h"

/* One source of WordNet, under its own name. */
static int each_hypernym(const struct fot_labelled_spec *all, const char *hypernym, const struct fot_wordnet *w,
			 int (*one)(void *, const struct fot_labelled *, struct fot_err *), void *user,
			 struct fot_err *err)
{
	struct fot_labelled_spec spec = *all;
	struct fot_str name = FOT_STR_INIT, source = FOT_STR_INIT;
	struct fot_labelled *l = NULL;
	int status;

	fot_str_printf(&name, "%s-%s", all->opts.name, hypernym);
	fot_str_puts(&source, hypernym);
	FOT_TRY(fot_str_check(&name, err));
	FOT_TRY(fot_str_check(&source, err));
	spec.opts.name = name.data;
	spec.opts.hypernym = source.data;
	FOT_TRY(fot_labelled_open_spec(&l, &spec, w, err));
	status = one(user, l, err);
out:
	fot_labelled_close(l);
	fot_str_release(&name);
	fot_str_release(&source);
	return status;
}

static int each_match(const struct fot_labelled_spec *s, int (*one)(void *, const struct fot_labelled *, struct fot_err *),
		      void *user, struct fot_err *err)
{
	struct fot_wordnet *w = NULL;
	const struct fot_hypernyms *h;
	bool held_out = strcmp(s->path[0], "wordnet") != 0, any = false;
	int status;

	FOT_TRY(fot_wordnet_open(&w, s->store, err));
	h = fot_wordnet_hypernyms(w);
	for (size_t k = 0; k < fot_hypernyms_count(h); k++) {
		const char *name = fot_hypernyms_name(h, k);

		if (fot_hypernyms_held_out(h, k) != held_out || !fot_data_matches(s->opts.hypernym, name))
			continue;
		any = true;
		FOT_TRY(each_hypernym(s, name, w, one, user, err));
	}
	if (!any)
		status = FOT_FAIL(err, FOT_ERR_USAGE, "%s: hypernym: no source matches '%s'", s->path[0],
				  s->opts.hypernym);
out:
	fot_wordnet_close(w);
	return status;
}

int fot_labelled_each(const char *spec, const char *store,
		      int (*one)(void *user, const struct fot_labelled *l, struct fot_err *err), void *user,
		      struct fot_err *err)
{
	struct fot_labelled_spec s = { 0 };
	struct fot_labelled *l = NULL;
	int status;

	FOT_TRY(fot_labelled_spec_parse(&s, spec, store, err));
	if (s.opts.hypernym && fot_hypernym_pattern(s.opts.hypernym)) {
		status = each_match(&s, one, user, err);
		goto out;
	}
	FOT_TRY(fot_labelled_open(&l, spec, store, err));
	status = one(user, l, err);
out:
	fot_labelled_close(l);
	fot_labelled_spec_release(&s);
	return status;
}

/* ---- the sets of a dataset ---- */

struct naming {
	const char *spec;
	int (*one)(void *user, const char *spec, const struct fot_labelled *l, struct fot_err *err);
	void *user;
};

/* Of a pattern the set's own spec: its name ends in the hypernym. */
static int name_one(void *user, const struct fot_labelled *l, struct fot_err *err)
{
	const struct naming *n = user;
	struct fot_str spec = FOT_STR_INIT;
	int status;

	fot_str_add(&spec, n->spec, strcspn(n->spec, "*"));
	if (strchr(n->spec, '*'))
		fot_str_puts(&spec, l->name + strcspn(n->spec, "?") + 1);
	FOT_TRY(fot_str_check(&spec, err));
	status = n->one(n->user, spec.data, l, err);
out:
	fot_str_release(&spec);
	return status;
}

int fot_labelled_each_of(const char *dataset, const char *store,
			 int (*one)(void *user, const char *spec, const struct fot_labelled *l, struct fot_err *err),
			 void *user, struct fot_err *err)
{
	struct fot_str spec = FOT_STR_INIT;
	int status = FOT_OK;

	for (size_t k = 0; status == FOT_OK && fot_labelled_spec_of(&spec, dataset, k); k++) {
		struct naming n = { spec.data, one, user };

		FOT_TRY(fot_str_check(&spec, err));
		status = fot_labelled_each(spec.data, store, name_one, &n, err);
		fot_str_clear(&spec);
	}
out:
	fot_str_release(&spec);
	return status;
}
