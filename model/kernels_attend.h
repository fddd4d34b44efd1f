/* clang-format off: it takes FOT_OF(name) for a call. */
/* kernels_attend.h: kernels whose block works on a tile of FOT_ROWS queries of one head and FOT_KEYS keys at a time,
 * for one type of numbers in products: kernels.h includes this once with FOT_OF(name) name_f32, once name_bf16.
 *
 * A warp has FOT_STRIP rows of the tile, a lane one row of them where rows are worked on.  What a row gets is a chain over
 * key tiles that are counted from `from`, which nothing but the row's own keys decide. */

struct FOT_OF(fot_tiles) {
	FOT_OF(fot_tile) *q, *k, *v;
	float *s, *part; /* [FOT_ROWS, FOT_SCORES], weights in their place; [warps, a part] */
	float *max, *sum, *factor, *bias;
	int32_t *sight; /* [FOT_ROWS, 4], then the first and the last of all */
	int ld, wide;   /* of rows in tiles: numbers between them, and with their padding */
};

/* Row `at` of d numbers, four by four, into `wide` of a tile: the rest, and rows that are not there (at NULL), are 0. */
static inline FOT_DEV void FOT_OF(fill_row)(FOT_OF(fot_tile) *to, const void *at, int dtype, int d, int wide,
					struct fot_team t)
{
	for (int c = 4 * t.in_warp; c < wide; c += 4 * t.warp_lanes) {
		float x[4] = { 0, 0, 0, 0 };

		if (at && d % 4 == 0 && c < d)
			fot_four(x, at, dtype, c);
		for (int i = 0; i < 4 && at && d % 4 != 0; i++)
			x[i] = c + i < d ? fot_number(at, dtype, c + i) : 0;
		FOT_OF(fot_put_four)(to + c, x);
	}
}

/* n rows at distance ld into the FOT_KEYS rows of a tile. */
static inline FOT_DEV void FOT_OF(fill_keys)(FOT_OF(fot_tile) *to, const struct FOT_OF(fot_tiles) *s, const void *at,
					 int dtype, int64_t ld, int n, int d, struct fot_team t)
{
	for (int r = t.warp; r < FOT_KEYS; r += t.warps)
		FOT_OF(fill_row)(to + r * s->ld, r < n ? fot_at(at, dtype, r * ld) : NULL, dtype, d, s->wide, t);
}

/* Queries first, ..., first + n - 1 of head h, those of the list if there is one. */
static inline FOT_DEV void FOT_OF(fill_queries)(const struct FOT_OF(fot_tiles) *s, const struct fot_asking *a,
					    int64_t first, int n, int64_t h, struct fot_team t)
{
	for (int r = t.warp; r < FOT_ROWS; r += t.warps) {
		int64_t row = r < n ? (a->row ? a->row[first + r] : first + r) : 0;

		FOT_OF(fill_row)(s->q + r * s->ld, r < n ? fot_at(a->q, a->dtype, row * a->ldq + h * a->d) : NULL,
			     a->dtype, (int)a->d, s->wide, t);
	}
}

/* Scores of a strip's rows and FOT_KEYS keys, before they are scaled. */
static inline FOT_DEV void FOT_OF(score_strip)(float *s, const FOT_OF(fot_tile) *q, const FOT_OF(fot_tile) *k, int ld,
					   int parts, int lane)
{
	FOT_OF(fot_sums_of) c[FOT_STRIP / FOT_PART][FOT_KEYS / FOT_PART];

	FOT_UNROLL
	for (int i = 0; i < FOT_STRIP / FOT_PART; i++)
		FOT_UNROLL
		for (int j = 0; j < FOT_KEYS / FOT_PART; j++)
			FOT_OF(fot_zero)(&c[i][j]);
	for (int p = 0; p < parts; p++) {
		FOT_OF(fot_left_of) a[FOT_STRIP / FOT_PART];

		FOT_UNROLL
		for (int i = 0; i < FOT_STRIP / FOT_PART; i++)
			FOT_OF(fot_left)(&a[i], q + i * FOT_PART * ld + p * FOT_PART, ld);
		FOT_UNROLL
		for (int j = 0; j < FOT_KEYS / FOT_PART; j++) {
			FOT_OF(fot_keys_of) b;

			FOT_OF(fot_keys)(&b, k + j * FOT_PART * ld + p * FOT_PART, ld);
			FOT_UNROLL
			for (int i = 0; i < FOT_STRIP / FOT_PART; i++)
				FOT_OF(fot_score)(&c[i][j], &a[i], &b, lane);
		}
	}
	FOT_UNROLL
	for (int i = 0; i < FOT_STRIP / FOT_PART; i++)
		FOT_UNROLL
		for (int j = 0; j < FOT_KEYS / FOT_PART; j++)
			FOT_OF(fot_keep)(s + i * FOT_PART * FOT_SCORES + j * FOT_PART, FOT_SCORES, &c[i][j],
				     lane);
}

/* What a strip's rows have of the values: [FOT_STRIP, d]. */
struct FOT_OF(fot_strip) {
	FOT_OF(fot_sums_of) c[FOT_STRIP / FOT_PART][FOT_HEAD_MOST / FOT_PART];
};

static inline FOT_DEV void FOT_OF(weigh_strip)(struct FOT_OF(fot_strip) *o, const FOT_OF(fot_tile) *w, int ldw,
					   const FOT_OF(fot_tile) *v, int ld, int parts, int lane)
{
	for (int k = 0; k < FOT_KEYS / FOT_PART; k++) {
		FOT_OF(fot_left_of) a[FOT_STRIP / FOT_PART];

		FOT_UNROLL
		for (int i = 0; i < FOT_STRIP / FOT_PART; i++)
			FOT_OF(fot_left)(&a[i], w + i * FOT_PART * ldw + k * FOT_PART, ldw);
		FOT_UNROLL
		for (int p = 0; p < FOT_HEAD_MOST / FOT_PART; p++) {
			FOT_OF(fot_values_of) b;

			if (p >= parts)
				continue;
			FOT_OF(fot_values)(&b, v + k * FOT_PART * ld + p * FOT_PART, ld);
			FOT_UNROLL
			for (int i = 0; i < FOT_STRIP / FOT_PART; i++)
				FOT_OF(fot_weigh)(&o->c[i][p], &a[i], &b, lane);
		}
	}
}

/* Rows of a strip times their factors. */
static inline FOT_DEV void FOT_OF(scale_strip)(struct FOT_OF(fot_strip) *o, const float *factor, float *part,
					   int parts, struct fot_team t)
{
	FOT_UNROLL
	for (int i = 0; i < FOT_STRIP / FOT_PART; i++)
		FOT_UNROLL
		for (int p = 0; p < FOT_HEAD_MOST / FOT_PART; p++) {
			if (p >= parts)
				continue;
			FOT_OF(fot_keep)(part, FOT_PART, &o->c[i][p], t.in_warp);
			fot_warp_sync(t);
			for (int e = t.in_warp; e < FOT_PART * FOT_PART; e += t.warp_lanes)
				part[e] *= factor[i * FOT_PART + e / FOT_PART];
			fot_warp_sync(t);
			FOT_OF(fot_take)(&o->c[i][p], part, FOT_PART, t.in_warp);
			fot_warp_sync(t);
		}
}

/* A strip from or to its rows of numbers, [n, d] at distance ld; keeps: to them. */
static inline FOT_DEV void FOT_OF(move_strip)(struct FOT_OF(fot_strip) *o, float *at, int64_t ld, int n, int d,
					  bool keeps, float *part, int parts, struct fot_team t)
{
	FOT_UNROLL
	for (int i = 0; i < FOT_STRIP / FOT_PART; i++)
		FOT_UNROLL
		for (int p = 0; p < FOT_HEAD_MOST / FOT_PART; p++) {
			if (p >= parts)
				continue;
			if (keeps)
				FOT_OF(fot_keep)(part, FOT_PART, &o->c[i][p], t.in_warp);
			fot_warp_sync(t);
			for (int e = t.in_warp; e < FOT_PART * FOT_PART; e += t.warp_lanes) {
				int r = i * FOT_PART + e / FOT_PART, c = p * FOT_PART + e % FOT_PART;
				bool there = r < n && c < d;

				if (keeps && there)
					at[r * ld + c] = part[e];
				else if (!keeps)
					part[e] = there ? at[r * ld + c] : 0;
			}
			fot_warp_sync(t);
			if (!keeps)
				FOT_OF(fot_take)(&o->c[i][p], part, FOT_PART, t.in_warp);
			fot_warp_sync(t);
		}
}

static inline FOT_DEV struct FOT_OF(fot_tiles) FOT_OF(lay_tiles)(char *shared, int d)
{
	struct FOT_OF(fot_tiles) s;

	s.wide = (d + FOT_PART - 1) / FOT_PART * FOT_PART;
	s.ld = s.wide + 8;
	s.q = (FOT_OF(fot_tile) *)shared;
	s.k = s.q + FOT_ROWS * s.ld;
	s.v = s.k + FOT_KEYS * s.ld;
	s.s = (float *)(s.v + FOT_KEYS * s.ld);
	s.part = s.s + FOT_ROWS * FOT_SCORES;
	s.max = s.part + FOT_WARPS * FOT_PART * FOT_PART;
	s.sum = s.max + FOT_ROWS;
	s.factor = s.sum + FOT_ROWS;
	s.bias = s.factor + FOT_ROWS;
	s.sight = (int32_t *)(s.bias + FOT_KEYS);
	return s;
}

/* Bytes of a block's shared memory for heads of d numbers. */
static inline size_t FOT_OF(fot_attend_bytes)(int64_t d)
{
	size_t ld = (size_t)(d + FOT_PART - 1) / FOT_PART * FOT_PART + 8;

	return (FOT_ROWS + 2 * FOT_KEYS) * ld * sizeof(FOT_OF(fot_tile)) +
	       sizeof(float) *
		       (FOT_ROWS * FOT_SCORES + FOT_WARPS * FOT_PART * FOT_PART + 3 * FOT_ROWS + FOT_KEYS) +
	       sizeof(int32_t) * (4 * FOT_ROWS + 2);
}

/* Bit c: does a row see key j + c? */
static inline FOT_DEV uint64_t FOT_OF(seen)(const int32_t *sees, int64_t j)
{
	uint64_t seen = 0;

	if (sees[0] <= j && sees[1] >= j + FOT_KEYS)
		return ~(uint64_t)0;
	for (int c = 0; c < FOT_KEYS; c++) {
		int64_t key = j + c;

		seen |= (uint64_t)((key >= sees[0] && key < sees[1]) || (key >= sees[2] && key < sees[3]))
			<< c;
	}
	return seen;
}

/* Weights of row r and the key tile from key j on, in place of its scores. Returns whether the row's maximum rose. */
static inline FOT_DEV bool FOT_OF(weigh_row)(const struct fot_attend *a, const struct FOT_OF(fot_tiles) *s, int r,
					 int64_t row, int64_t j)
{
	float *score = FOT_ALIGNED(s->s + r * FOT_SCORES), old = s->max[r], max = old, sum = 0, f;
	bool flat = a->flat && a->flat[row];
	float scale = flat ? 0 : a->ask.scale, ages = flat ? 0 : 1;
	uint64_t seen = FOT_OF(seen)(s->sight + 4 * r, j);

	FOT_UNROLL
	for (int c = 0; c < FOT_KEYS; c++) {
		float x = score[c] * scale + ages * s->bias[c];

		max = (seen >> c & 1) && x > max ? x : max;
	}
	FOT_UNROLL
	for (int c = 0; c < FOT_KEYS; c += 2) {
		float x = score[c] * scale + ages * s->bias[c],
		      y = score[c + 1] * scale + ages * s->bias[c + 1];

		x = seen >> c & 1 ? expf(x - max) : 0;
		y = seen >> c & 2 ? expf(y - max) : 0;
		sum += x;
		sum += y;
		FOT_OF(fot_put_two)(score, c, x, y);
	}
	f = old > -INFINITY ? expf(old - max) : 1;
	s->max[r] = max;
	s->sum[r] = s->sum[r] * f + sum;
	s->factor[r] = f;
	return f != 1;
}

/* An end of a range, within the block's keys. */
static inline FOT_DEV int32_t FOT_OF(within)(const struct fot_attend *a, int64_t key)
{
	return (int32_t)(key < a->from ? a->from : key > a->to ? a->to : key);
}

/* What the tile's rows see: each its ranges, all together [sight[0], sight[1]) behind them.
 * A row's four ends are written one by one: of a loop over them gcc 12 makes wrong code for AVX2 at -O3. */
static inline FOT_DEV void FOT_OF(look)(const struct fot_attend *a, const struct FOT_OF(fot_tiles) *s, int64_t first,
				    int n, struct fot_team t)
{
	int32_t *all = s->sight + 4 * FOT_ROWS;

	for (int r = t.lane; r < FOT_ROWS; r += t.lanes) {
		const int32_t *sees = a->sight && r < n ? a->sight + 4 * (first + r) : NULL;
		int32_t *to = s->sight + 4 * r;

		to[0] = FOT_OF(within)(a, sees ? sees[0] : a->from);
		to[1] = FOT_OF(within)(a, sees ? sees[1] : r < n ? a->to : a->from);
		to[2] = FOT_OF(within)(a, sees ? sees[2] : a->from);
		to[3] = FOT_OF(within)(a, sees ? sees[3] : a->from);
	}
	fot_team_sync(t);
	if (t.warp == 0) {
		int32_t low = INT32_MAX, high = INT32_MIN;

		for (int e = t.in_warp; e < 2 * FOT_ROWS; e += t.warp_lanes) {
			const int32_t *x = s->sight + 2 * e;

			low = x[0] < x[1] && x[0] < low ? x[0] : low;
			high = x[0] < x[1] && x[1] > high ? x[1] : high;
		}
		low = fot_team_least(t, low);
		high = fot_team_most(t, high);
		if (t.in_warp == 0) {
			all[0] = low;
			all[1] = high;
		}
	}
	fot_team_sync(t);
}

/* What the scores of keys from j on lose for their age. */
static inline FOT_DEV void FOT_OF(age)(const struct fot_asking *a, float *bias, int64_t j, struct fot_team t)
{
	for (int c = t.lane; c < FOT_KEYS; c += t.lanes) {
		int64_t age = a->now - 1 - (j + c);

		bias[c] = a->decay > 0 && age > 0 ?
				  (float)(-a->decay * log1p((double)age / (double)a->unit)) :
				  0;
	}
}

static inline FOT_DEV void FOT_OF(begin_rows)(const struct fot_attend *a, const struct FOT_OF(fot_tiles) *s,
					  int64_t first, int n, int64_t h, bool keeps, struct fot_team t)
{
	for (int r = t.lane; r < FOT_ROWS; r += t.lanes) {
		int64_t at = h * a->ask.n + first + r;

		if (keeps && r < n) {
			a->max[at] = s->max[r];
			a->sum[at] = s->sum[r];
		} else if (!keeps) {
			s->max[r] = r < n && !a->fresh ? a->max[at] : -INFINITY;
			s->sum[r] = r < n && !a->fresh ? a->sum[at] : 0;
			s->factor[r] = 1;
		}
	}
}

/* A block of keys folded into the state of a tile of queries of one head; index: head * tiles + tile. */
static inline FOT_DEV void FOT_OF(fot_k_attend)(const struct fot_attend *a, int64_t index, struct fot_team t)
{
	struct FOT_OF(fot_tiles) s = FOT_OF(lay_tiles)(t.shared, (int)a->ask.d);
	int64_t tiles = (a->ask.n + FOT_ROWS - 1) / FOT_ROWS, h = index / tiles,
		first = index % tiles * FOT_ROWS, kv = h / a->ask.group * a->ask.d,
		out = a->ask.heads * a->ask.d, j;
	int n = a->ask.n - first < FOT_ROWS ? (int)(a->ask.n - first) : FOT_ROWS, parts = s.wide / FOT_PART,
	    d = (int)a->ask.d, last, ldw = FOT_SCORES * (int)(sizeof(float) / sizeof(FOT_OF(fot_tile)));
	struct FOT_OF(fot_strip) o[FOT_STRIPS];

	FOT_OF(fill_queries)(&s, &a->ask, first, n, h, t);
	FOT_OF(begin_rows)(a, &s, first, n, h, false, t);
	FOT_OF(look)(a, &s, first, n, t);
	FOT_UNROLL
	for (int i = 0; i < FOT_STRIPS; i++)
		FOT_OF(move_strip)(&o[i], a->out + (first + (t.warp + i) * FOT_STRIP) * out + h * d, out,
			       a->fresh ? 0 : n - (t.warp + i) * FOT_STRIP, d, false,
			       s.part + t.warp * FOT_PART * FOT_PART, parts, t);
	j = s.sight[4 * FOT_ROWS];
	last = s.sight[4 * FOT_ROWS + 1];
	for (j = j < last ? j - (j - a->from) % FOT_KEYS : last; j < last; j += FOT_KEYS) {
		int keys = a->to - j < FOT_KEYS ? (int)(a->to - j) : FOT_KEYS;

		FOT_OF(fill_keys)(s.k, &s, fot_at(a->k, a->dtype, (j - a->first) * a->ld + kv), a->dtype, a->ld,
			      keys, d, t);
		FOT_OF(fill_keys)(s.v, &s, fot_at(a->v, a->dtype, (j - a->first) * a->ld + kv), a->dtype, a->ld,
			      keys, d, t);
		FOT_OF(age)(&a->ask, s.bias, j, t);
		fot_team_sync(t);
		FOT_UNROLL
		for (int i = 0; i < FOT_STRIPS; i++) {
			int strip = t.warp + i, from = strip * FOT_STRIP;
			bool rose = false;

			if (from >= n)
				continue;
			FOT_OF(score_strip)(s.s + from * FOT_SCORES, s.q + from * s.ld, s.k, s.ld, parts,
					t.in_warp);
			fot_warp_sync(t);
			for (int r = from + t.in_warp; r < from + FOT_STRIP && r < n; r += t.warp_lanes)
				rose |= FOT_OF(weigh_row)(a, &s, r, first + r, j);
			fot_warp_sync(t);
			if (fot_warp_any(rose))
				FOT_OF(scale_strip)(&o[i], s.factor + from, s.part + t.warp * FOT_PART * FOT_PART,
						parts, t);
			FOT_OF(weigh_strip)(&o[i], (FOT_OF(fot_tile) *)(s.s + from * FOT_SCORES), ldw, s.v, s.ld,
					parts, t.in_warp);
		}
		fot_team_sync(t);
	}
	FOT_UNROLL
	for (int i = 0; i < FOT_STRIPS; i++)
		FOT_OF(move_strip)(&o[i], a->out + (first + (t.warp + i) * FOT_STRIP) * out + h * d, out,
			       n - (t.warp + i) * FOT_STRIP, d, true, s.part + t.warp * FOT_PART * FOT_PART,
			       parts, t);
	FOT_OF(begin_rows)(a, &s, first, n, h, true, t);
}

/* Scores of a block of keys, as attention sees them, for a tile of queries of one head; index as above. */
static inline FOT_DEV void FOT_OF(fot_k_scores)(const struct fot_scores *a, int64_t index, struct fot_team t)
{
	struct FOT_OF(fot_tiles) s = FOT_OF(lay_tiles)(t.shared, (int)a->ask.d);
	int64_t tiles = (a->ask.n + FOT_ROWS - 1) / FOT_ROWS, h = index / tiles,
		first = index % tiles * FOT_ROWS, kv = h / a->ask.group * a->ask.d;
	int n = a->ask.n - first < FOT_ROWS ? (int)(a->ask.n - first) : FOT_ROWS, d = (int)a->ask.d;

	FOT_OF(fill_queries)(&s, &a->ask, first, n, h, t);
	for (int64_t j = a->from; j < a->to; j += FOT_KEYS) {
		int keys = a->to - j < FOT_KEYS ? (int)(a->to - j) : FOT_KEYS;

		FOT_OF(fill_keys)(s.k, &s, fot_at(a->k, a->dtype, (j - a->first) * a->ld + kv), a->dtype, a->ld,
			      keys, d, t);
		FOT_OF(age)(&a->ask, s.bias, j, t);
		fot_team_sync(t);
		FOT_UNROLL
		for (int i = 0; i < FOT_STRIPS; i++) {
			int from = (t.warp + i) * FOT_STRIP;

			if (from >= n)
				continue;
			FOT_OF(score_strip)(s.s + from * FOT_SCORES, s.q + from * s.ld, s.k, s.ld,
					s.wide / FOT_PART, t.in_warp);
		}
		fot_team_sync(t);
		for (int r = t.warp; r < n; r += t.warps)
			for (int c = t.in_warp; c < keys; c += t.warp_lanes)
				a->s[(h * a->ask.n + first + r) * a->lds + j - a->from + c] =
					s.s[r * FOT_SCORES + c] * a->ask.scale + s.bias[c];
		fot_team_sync(t);
	}
}

#undef FOT_OF
