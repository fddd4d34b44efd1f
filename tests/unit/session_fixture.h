/* session_fixture.h: a tiny model, a text, and a session that reads it, for tests of sessions. */
#ifndef SESSION_FIXTURE_H
#define SESSION_FIXTURE_H

#include "model/session.h"
#include "model/train/params.h"

#define W 150 /* crosses a tile of queries */
#define WINDOWS 5
#define N (W * WINDOWS)
#define VOCAB 61

struct session_fixture {
	struct fot_config c;
	struct fot_params p;
	struct fot_model *m;
	int32_t text[N + 1];
	double nll[N];
};

/* tiny_model.h, in the scratch folder. */
void session_fixture_open(struct session_fixture *f, int n_mem, bool qk_norm, bool positionals,
			  enum fot_dtype dtype);
/* The same with a cached window (Transformer-XL). */
void session_fixture_open_cached(struct session_fixture *f, int n_mem, bool qk_norm, bool positionals);
void session_fixture_close(struct session_fixture *f);
struct fot_session *session_fixture_session(const struct session_fixture *f, enum fot_memory_mode mode,
					    int32_t top_k, int threads);
/* Feed [from, to) of the text; score it when asked. Allocates nothing. */
void session_fixture_feed(struct fot_session *s, struct session_fixture *f, int64_t from, int64_t to,
			  bool score);
/* The last window's nll with the last `seen` windows in sight, by the network. */
void session_fixture_last(struct session_fixture *f, int64_t seen, double *nll);
/* Single precision through five layers: 2e-5 absolute on an nll of about 5. */
void session_fixture_close_to(const double *got, const double *want);

#endif
