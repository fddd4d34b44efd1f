/* spm_merge.c: see spm_merge.h.
 *
 * The rule: of all neighbours that together are a piece, merge those of the highest
 * score, the leftmost of them on ties; again until there are none.
 *
 * Candidates of a short segment stand in a heap and the symbols in a linked list: m
 * characters take O(m log m).  Invariant of the heap: a candidate is alive while both its
 * symbols are and their lengths still add up to its own; symbols only grow.
 *
 * In a long segment (a megabyte of spaces) that heap outgrows every cache.  If no two
 * pieces share a score, each piece has a queue of the places where it could be made
 * instead, and a heap holds the pieces whose queues are not empty.  A queue needs no
 * sorting: what lies between a piece's ends is merged in the same steps wherever the piece
 * stands, the last of these steps is the same piece's, and that one is merged from left to
 * right, so that places come in ascending order.  Should one not, the heap takes over from
 * wherever the segment stands: both follow the one rule, so any mixture gives the same
 * symbols. */
#include "model/spm_merge.h"

#include <stdbool.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

#define LONG_SEGMENT 256u

/* ---- the heap ---------------------------------------------------------- */

/* A float's bits, turned so that they order as unsigned numbers, falling. */
static uint32_t falling_bits(float score)
{
	uint32_t u;

	score += 0.0f; /* -0 ties with 0 */
	memcpy(&u, &score, sizeof u);
	return u >> 31 ? u : ~(u | 0x80000000u);
}

/* Room for n candidates; an empty heap. */
static int reserve_heap(struct spm_work *w, size_t n, struct fot_err *err)
{
	w->n_heap = 0;
	if (n <= w->cap_heap)
		return FOT_OK;
	fot_free(w->heap);
	w->heap = fot_alloc(n, sizeof *w->heap);
	w->cap_heap = w->heap ? n : 0;
	if (!w->heap)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a run of %zu characters", w->n_sym);
	return FOT_OK;
}

/* Room is there: see reserve_heap. */
static void heap_push(struct spm_work *w, struct spm_candidate c)
{
	size_t i = w->n_heap++;

	for (; i > 0 && c.key < w->heap[(i - 1) / 4].key; i = (i - 1) / 4)
		w->heap[i] = w->heap[(i - 1) / 4];
	w->heap[i] = c;
}

static struct spm_candidate heap_pop(struct spm_work *w)
{
	struct spm_candidate top = w->heap[0], last = w->heap[--w->n_heap];
	size_t i = 0;

	for (;;) {
		size_t child = 4 * i + 1, end = child + 4 < w->n_heap ? child + 4 : w->n_heap, least = child;

		if (child >= w->n_heap)
			break;
		while (++child < end)
			if (w->heap[child].key < w->heap[least].key)
				least = child;
		if (w->heap[least].key >= last.key)
			break;
		w->heap[i] = w->heap[least];
		i = least;
	}
	w->heap[i] = last;
	return top;
}

/* The piece that the symbol and its right neighbour make, or -1. */
static int32_t pair_at(const struct spm_work *w, const struct spm_rules *r, uint32_t left)
{
	const struct spm_symbol *l = &w->sym[left];

	if (l->next == SPM_NIL)
		return -1;
	return r->find(r->table, w->text + l->begin, (size_t)l->n + w->sym[l->next].n);
}

static void join(struct spm_work *w, uint32_t left, int32_t id)
{
	struct spm_symbol *l = &w->sym[left], *gone = &w->sym[l->next];

	l->n += gone->n;
	l->id = id;
	l->next = gone->next;
	gone->n = 0;
	if (l->next != SPM_NIL)
		w->sym[l->next].prev = left;
}

static void consider(struct spm_work *w, const struct spm_rules *r, uint32_t left)
{
	int32_t id = left == SPM_NIL ? -1 : pair_at(w, r, left);

	if (id >= 0)
		heap_push(w, (struct spm_candidate){ (uint64_t)falling_bits(r->score(r->table, id)) << 32 | left,
						     w->sym[left].next, id });
}

static int merge_by_heap(struct spm_work *w, const struct spm_rules *r, struct fot_err *err)
{
	/* m - 1 pairs at first, and each of at most m - 1 merges takes one out and puts at most two in */
	int status = reserve_heap(w, 2 * w->cap_sym, err);

	if (status != FOT_OK)
		return status;
	for (uint32_t i = 0; i != SPM_NIL; i = w->sym[i].next)
		consider(w, r, i);
	while (w->n_heap) {
		struct spm_candidate c = heap_pop(w);
		uint32_t left = (uint32_t)c.key;
		const struct spm_symbol *a = &w->sym[left], *b = &w->sym[c.right];

		if (a->n == 0 || b->n == 0 || a->n + b->n != r->length(r->table, c.id))
			continue;
		join(w, left, c.id);
		consider(w, r, a->prev);
		consider(w, r, left);
	}
	return FOT_OK;
}

/* ---- queues ------------------------------------------------------------ */

/* Nodes come from one array; those used up are linked for use again. */
static uint32_t new_node(struct spm_work *w, uint32_t at)
{
	uint32_t i = w->free_node;

	if (i == SPM_NIL)
		i = (uint32_t)w->n_node++;
	else
		w->free_node = w->node[i].next;
	w->node[i] = (struct spm_node){ at, SPM_NIL };
	return i;
}

/* A place where a piece could be made; false if it comes out of order. Room is there: see
 * queues_init. */
static bool enqueue(struct spm_work *w, const struct spm_rules *r, uint32_t left)
{
	int32_t id = left == SPM_NIL ? -1 : pair_at(w, r, left);
	struct spm_queue *q;
	uint32_t i;

	if (id < 0)
		return true;
	q = &w->queue[r->rank[id]];
	if (q->head != SPM_NIL && left < w->node[q->tail].at)
		return false;
	i = new_node(w, left);
	if (q->head == SPM_NIL) {
		q->head = i;
		heap_push(w, (struct spm_candidate){ r->rank[id], 0, id });
	} else {
		w->node[q->tail].next = i;
	}
	q->tail = i;
	return true;
}

/* The first place of a queue that is not empty. */
static uint32_t dequeue(struct spm_work *w, struct spm_queue *q)
{
	uint32_t i = q->head, at = w->node[i].at;

	q->head = w->node[i].next;
	w->node[i].next = w->free_node;
	w->free_node = i;
	return at;
}

/* As many nodes as a heap would have candidates; the heap holds each piece once. */
static int queues_init(struct spm_work *w, const struct spm_rules *r, struct fot_err *err)
{
	size_t room = 2 * w->cap_sym, pieces = (size_t)r->n;

	if (!w->queue)
		w->queue = fot_alloc(pieces, sizeof *w->queue);
	if (w->cap_node < room) {
		fot_free(w->node);
		w->node = fot_alloc(room, sizeof *w->node);
		w->cap_node = w->node ? room : 0;
	}
	if (!w->queue || !w->cap_node)
		return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a run of %zu characters", w->n_sym);
	for (size_t i = 0; i < pieces; i++)
		w->queue[i].head = SPM_NIL;
	w->n_node = 0;
	w->free_node = SPM_NIL;
	return reserve_heap(w, pieces, err);
}

/* Still two neighbours, and as long as the piece? Then they are that piece. */
static bool is_alive(const struct spm_work *w, const struct spm_rules *r, uint32_t left, int32_t id)
{
	const struct spm_symbol *l = &w->sym[left];

	return l->n != 0 && l->next != SPM_NIL && l->n + w->sym[l->next].n == r->length(r->table, id);
}

/* Merge what is best; false if the heap must go on. */
static bool merge_queued(struct spm_work *w, const struct spm_rules *r)
{
	for (size_t merges = 0; w->n_heap;) {
		int32_t id = w->heap[0].id;
		struct spm_queue *q = &w->queue[w->heap[0].key];
		uint32_t left = dequeue(w, q);

		if (q->head == SPM_NIL)
			heap_pop(w);
		if (!is_alive(w, r, left, id))
			continue;
		join(w, left, id);
		if (!enqueue(w, r, w->sym[left].prev) || !enqueue(w, r, left) || ++merges == w->queued_max)
			return false;
	}
	return true;
}

static int merge_by_queues(struct spm_work *w, const struct spm_rules *r, struct fot_err *err)
{
	int status = queues_init(w, r, err);

	if (status != FOT_OK)
		return status;
	for (uint32_t i = 0; i != SPM_NIL; i = w->sym[i].next)
		(void)enqueue(w, r, i); /* from left to right */
	return merge_queued(w, r) ? FOT_OK : merge_by_heap(w, r, err);
}

int spm_work_merge(struct spm_work *w, const struct spm_rules *r, struct fot_err *err)
{
	if (w->n_sym >= LONG_SEGMENT && r->rank)
		return merge_by_queues(w, r, err);
	return merge_by_heap(w, r, err);
}

/* ---- the segment ------------------------------------------------------- */

static int grow(struct spm_work *w, struct fot_err *err)
{
	if (FOT_GROW(w->sym, w->n_sym, w->cap_sym))
		return FOT_OK;
	return FOT_FAIL(err, FOT_ERR_RUN, "out of memory for a run of over %zu characters", w->n_sym);
}

int spm_work_add(struct spm_work *w, size_t begin, size_t n, struct fot_err *err)
{
	uint32_t i = (uint32_t)w->n_sym;

	if (begin > INT32_MAX)
		return FOT_FAIL(err, FOT_ERR_RUN,
				"a run of over 2 GiB of text without a boundary cannot be encoded");
	if (w->n_sym == w->cap_sym) {
		int status = grow(w, err);

		if (status != FOT_OK)
			return status;
	}
	w->sym[i] = (struct spm_symbol){ (uint32_t)begin, (uint32_t)n, i ? i - 1 : SPM_NIL, SPM_NIL, -1 };
	if (i)
		w->sym[i - 1].next = i;
	w->n_sym++;
	return FOT_OK;
}

void spm_work_release(struct spm_work *w)
{
	fot_free(w->sym);
	fot_free(w->heap);
	fot_free(w->queue);
	fot_free(w->node);
	*w = (struct spm_work){ 0 };
}
