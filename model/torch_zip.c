/* torch_zip.c: see torch_zip.h.
 *
 * The pickle is a program for a stack machine.  Each opcode of the table makes at most
 * one node; tuples list their nodes in one array, dicts chain their pairs in another, the
 * memo is an array of nodes.  All arrays are bounded by the pickle's length.  A node is
 * one of a few plain values, a storage, or a tensor; calls are looked up in a table. */
#include "model/torch_zip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/list.h"
#include "base/mem.h"
#include "model/dtype.h"
#include "model/foreign.h"
#include "model/zip.h"

#define PICKLE_MAX ((size_t)64 << 20)

enum kind { MARK, NONE, BOOL, INT, TEXT, TUPLE, DICT, GLOBAL, STORAGE, TENSOR, KINDS };
static const char *const kind_names[KINDS] = { "a mark",      "None",   "a bool",  "an integer", "a string",
					       "a tuple",     "a dict", "a global", "a storage",  "a tensor" };

struct node {
	enum kind kind;
	int64_t i;     /* value; first child; first pair; global; numbers of a storage; tensor */
	int64_t n;     /* length; children; last pair */
	const void *p; /* text; data of a storage */
};

struct pair {
	int64_t key, value, next; /* nodes; next pair, -1 at the end */
};

/* A growing array of T. */
#define ARRAY(T)          \
	struct {          \
		T *at;    \
		size_t n; \
		size_t cap; \
	}

struct fot_torch {
	struct fot_map map;
	struct fot_tensor *tensor;
	char **name;
	size_t n;
};

struct machine {
	const char *name; /* of the file */
	const unsigned char *p;
	size_t n, at;
	const struct fot_zip *zip;
	const char *folder; /* prefix of all entries, with its slash */
	size_t folder_len;
	ARRAY(struct node) node;
	ARRAY(int64_t) stack;
	ARRAY(int64_t) child;
	ARRAY(struct pair) pair;
	ARRAY(int64_t) memo; /* -1: not set */
	ARRAY(struct fot_tensor) tensor;
	size_t op_at; /* of the opcode at work */
	bool stopped;
	struct fot_err *err;
};

#define BAD(m, ...) bad(m, FOT_FAIL((m)->err, FOT_ERR_INPUT, __VA_ARGS__))

static int bad(struct machine *m, int status)
{
	fot_err_prefix(m->err, "%s: data.pkl, byte %zu", m->name, m->op_at);
	return status;
}

static int grow(struct machine *m, void **at, size_t *cap, size_t n, size_t size)
{
	size_t want = *cap ? 2 * *cap : 256;
	void *p;

	if (n < *cap)
		return FOT_OK;
	p = fot_realloc(*at, want, size);
	if (!p)
		return FOT_FAIL(m->err, FOT_ERR_RUN, "%s: out of memory for data.pkl", m->name);
	*at = p;
	*cap = want;
	return FOT_OK;
}

/* Append x to an array of the machine; a status. */
#define APPEND(m, array, x)                                                                              \
	(grow(m, (void **)&(m)->array.at, &(m)->array.cap, (m)->array.n, sizeof *(m)->array.at) == FOT_OK ? \
		 ((m)->array.at[(m)->array.n++] = (x), FOT_OK) :                                         \
		 FOT_ERR_RUN)

static struct node *node_at(const struct machine *m, int64_t i)
{
	return &m->node.at[i];
}

static int push_node(struct machine *m, struct node x)
{
	int status;

	FOT_TRY(APPEND(m, node, x));
	FOT_TRY(APPEND(m, stack, (int64_t)m->node.n - 1));
out:
	return status;
}

/* The top of the stack, which must be of this kind; KINDS: of any but a mark. */
static int pop(struct machine *m, enum kind kind, int64_t *out)
{
	enum kind got;

	if (m->stack.n == 0)
		return BAD(m, "the stack is empty");
	*out = m->stack.at[m->stack.n - 1];
	got = node_at(m, *out)->kind;
	if (kind == KINDS ? got == MARK : got != kind)
		return BAD(m, "expected %s, got %s", kind == KINDS ? "a value" : kind_names[kind], kind_names[got]);
	m->stack.n--;
	return FOT_OK;
}

/* Index on the stack just above the topmost mark. */
static int find_mark(struct machine *m, size_t *above)
{
	for (size_t i = m->stack.n; i > 0; i--)
		if (node_at(m, m->stack.at[i - 1])->kind == MARK) {
			*above = i;
			return FOT_OK;
		}
	return BAD(m, "no mark on the stack");
}

/* n bytes of the program. */
static int take(struct machine *m, size_t n, const unsigned char **out)
{
	if (n > m->n - m->at)
		return BAD(m, "cut off: %zu bytes expected, %zu left", n, m->n - m->at);
	*out = m->p + m->at;
	m->at += n;
	return FOT_OK;
}

static int take_number(struct machine *m, size_t bytes, uint64_t *out)
{
	const unsigned char *p = NULL;
	int status;

	FOT_TRY(take(m, bytes, &p));
	*out = 0;
	for (size_t i = bytes; i > 0; i--)
		*out = *out << 8 | p[i - 1];
out:
	return status;
}

/* ---- globals ----------------------------------------------------------- */

enum call { NO_CALL, MAKE_DICT, MAKE_TENSOR, MAKE_PARAMETER };

static const struct global {
	const char *module, *name;
	enum call call;
	enum fot_dtype dtype; /* without a call: of a storage */
} globals[] = {
	{ "collections", "OrderedDict", MAKE_DICT, FOT_F32 },
	{ "torch._utils", "_rebuild_tensor_v2", MAKE_TENSOR, FOT_F32 },
	{ "torch._utils", "_rebuild_parameter", MAKE_PARAMETER, FOT_F32 },
	{ "torch", "FloatStorage", NO_CALL, FOT_F32 },
	{ "torch", "HalfStorage", NO_CALL, FOT_F16 },
	{ "torch", "BFloat16Storage", NO_CALL, FOT_BF16 },
	{ "torch", "DoubleStorage", NO_CALL, FOT_F64 },
	{ "torch", "LongStorage", NO_CALL, FOT_I64 },
	{ "torch", "IntStorage", NO_CALL, FOT_I32 },
	{ "torch", "ShortStorage", NO_CALL, FOT_I16 },
	{ "torch", "CharStorage", NO_CALL, FOT_I8 },
	{ "torch", "ByteStorage", NO_CALL, FOT_U8 },
	{ "torch", "BoolStorage", NO_CALL, FOT_BOOL },
};
#define N_GLOBALS ((int64_t)FOT_COUNT(globals))

static bool text_is(const void *p, size_t n, const char *text)
{
	return strlen(text) == n && memcmp(p, text, n) == 0;
}

/* A line of the program, without its newline. */
static int take_line(struct machine *m, const unsigned char **p, size_t *n)
{
	const unsigned char *end = memchr(m->p + m->at, '\n', m->n - m->at);

	if (!end)
		return BAD(m, "cut off in a name");
	*p = m->p + m->at;
	*n = (size_t)(end - *p);
	m->at += *n + 1;
	return FOT_OK;
}

static int op_global(struct machine *m, uint64_t unused)
{
	const unsigned char *module = NULL, *name = NULL;
	size_t module_len = 0, name_len = 0;
	int status;

	(void)unused;
	FOT_TRY(take_line(m, &module, &module_len));
	FOT_TRY(take_line(m, &name, &name_len));
	for (int64_t i = 0; i < N_GLOBALS; i++)
		if (text_is(module, module_len, globals[i].module) && text_is(name, name_len, globals[i].name))
			return push_node(m, (struct node){ .kind = GLOBAL, .i = i });
	status = BAD(m, "asks for %.*s.%.*s: only what state dicts use is read",
		     (int)(module_len < 80 ? module_len : 80), (const char *)module,
		     (int)(name_len < 80 ? name_len : 80), (const char *)name);
out:
	return status;
}

/* ---- storages and tensors ---------------------------------------------- */

/* Child c of a tuple, which must be of this kind. */
static int child(struct machine *m, const struct node *tuple, int64_t c, enum kind kind, const struct node **out)
{
	*out = node_at(m, m->child.at[tuple->i + c]);
	if (kind != KINDS && (*out)->kind != kind)
		return BAD(m, "item %" PRId64 ": expected %s, got %s", c, kind_names[kind], kind_names[(*out)->kind]);
	return FOT_OK;
}

static int find_storage(struct machine *m, const struct node *key, const struct fot_zip_entry **out)
{
	struct fot_str name = FOT_STR_INIT;

	fot_str_add(&name, m->folder, m->folder_len);
	fot_str_puts(&name, "data/");
	fot_str_add(&name, key->p, (size_t)key->n);
	*out = name.failed ? NULL : fot_zip_find(m->zip, name.data, name.len);
	fot_str_release(&name);
	return *out ? FOT_OK : BAD(m, "storage %.*s is not in the archive", (int)(key->n < 80 ? key->n : 80),
				   (const char *)key->p);
}

/* ("storage", type, key, place, numbers) */
static int op_persistent(struct machine *m, uint64_t unused)
{
	const struct node *tuple, *word = NULL, *type = NULL, *key = NULL, *count = NULL;
	const struct fot_zip_entry *entry = NULL;
	size_t size;
	int64_t at = 0;
	int status;

	(void)unused;
	FOT_TRY(pop(m, TUPLE, &at));
	tuple = node_at(m, at);
	if (tuple->n != 5)
		return BAD(m, "storage: expected 5 items, got %" PRId64, tuple->n);
	FOT_TRY(child(m, tuple, 0, TEXT, &word));
	FOT_TRY(child(m, tuple, 1, GLOBAL, &type));
	FOT_TRY(child(m, tuple, 2, TEXT, &key));
	FOT_TRY(child(m, tuple, 4, INT, &count));
	if (!text_is(word->p, (size_t)word->n, "storage") || globals[type->i].call != NO_CALL)
		return BAD(m, "expected a storage");
	FOT_TRY(find_storage(m, key, &entry));
	size = fot_dtype_size(globals[type->i].dtype);
	if (count->i < 0 || (uint64_t)count->i != entry->size / size || entry->size % size != 0)
		return BAD(m, "storage %.*s: %" PRId64 " numbers of %zu bytes, but its entry has %zu bytes",
			   (int)(key->n < 80 ? key->n : 80), (const char *)key->p, count->i, size, entry->size);
	status = push_node(m, (struct node){ .kind = STORAGE, .i = count->i, .n = type->i, .p = entry->data });
out:
	return status;
}

/* Shape and strides of a contiguous tensor. */
static int read_shape(struct machine *m, struct fot_tensor *t, const struct node *size, const struct node *stride)
{
	const struct node *x = NULL;
	int status = FOT_OK;

	if (size->n != stride->n || size->n > FOT_MAX_RANK)
		return BAD(m, "tensor of %" PRId64 " dimensions and %" PRId64 " strides: expected equally many, at most %d",
			   size->n, stride->n, FOT_MAX_RANK);
	t->rank = (int32_t)size->n;
	t->n = 1;
	for (int64_t i = size->n - 1; i >= 0; i--) {
		FOT_TRY(child(m, size, i, INT, &x));
		t->shape[i] = x->i;
		if (x->i < 1 || t->n > INT64_MAX / x->i)
			return BAD(m, "dimension %" PRId64 " of %" PRId64 " is out of range", i, x->i);
		FOT_TRY(child(m, stride, i, INT, &x));
		if (t->shape[i] > 1 && x->i != t->n)
			return BAD(m, "tensor is not contiguous: stride %" PRId64 " in dimension %" PRId64 ", expected %" PRId64,
				   x->i, i, t->n);
		t->n *= t->shape[i];
	}
out:
	return status;
}

/* (storage, offset, size, stride, requires_grad, hooks[, metadata]) */
static int make_tensor(struct machine *m, const struct node *args)
{
	const struct node *storage = NULL, *offset = NULL, *size = NULL, *stride = NULL;
	struct fot_tensor t = { 0 };
	size_t bytes;
	int status;

	if (args->n < 6 || args->n > 7)
		return BAD(m, "_rebuild_tensor_v2: expected 6 or 7 arguments, got %" PRId64, args->n);
	FOT_TRY(child(m, args, 0, STORAGE, &storage));
	FOT_TRY(child(m, args, 1, INT, &offset));
	FOT_TRY(child(m, args, 2, TUPLE, &size));
	FOT_TRY(child(m, args, 3, TUPLE, &stride));
	FOT_TRY(read_shape(m, &t, size, stride));
	if (offset->i < 0 || offset->i > storage->i || t.n > storage->i - offset->i)
		return BAD(m, "tensor of %" PRId64 " numbers from %" PRId64 " does not fit its storage of %" PRId64, t.n,
			   offset->i, storage->i);
	t.dtype = globals[storage->n].dtype;
	bytes = fot_dtype_size(t.dtype);
	t.data = (const unsigned char *)storage->p + (size_t)offset->i * bytes;
	t.bytes = (size_t)t.n * bytes;
	FOT_TRY(APPEND(m, tensor, t));
	status = push_node(m, (struct node){ .kind = TENSOR, .i = (int64_t)m->tensor.n - 1 });
out:
	return status;
}

static int push_dict(struct machine *m, uint64_t unused)
{
	(void)unused;
	return push_node(m, (struct node){ .kind = DICT, .i = -1, .n = -1 });
}

static int op_reduce(struct machine *m, uint64_t unused)
{
	const struct node *args, *tensor = NULL;
	int64_t at = 0, function = 0;
	enum call call;
	int status;

	(void)unused;
	FOT_TRY(pop(m, TUPLE, &at));
	FOT_TRY(pop(m, GLOBAL, &function));
	args = node_at(m, at);
	call = globals[node_at(m, function)->i].call;
	if (call == MAKE_TENSOR)
		return make_tensor(m, args);
	if (call == MAKE_DICT && args->n == 0)
		return push_dict(m, 0);
	if (call == MAKE_PARAMETER && args->n == 3) {
		FOT_TRY(child(m, args, 0, TENSOR, &tensor));
		return push_node(m, *tensor);
	}
	status = BAD(m, "%s cannot be called with %" PRId64 " arguments", globals[node_at(m, function)->i].name, args->n);
out:
	return status;
}

/* ---- plain opcodes ----------------------------------------------------- */

static int op_proto(struct machine *m, uint64_t unused)
{
	uint64_t version = 0;
	int status;

	(void)unused;
	FOT_TRY(take_number(m, 1, &version));
	if (version != 2)
		status = BAD(m, "pickle protocol %d: expected 2", (int)version);
out:
	return status;
}

static int op_push(struct machine *m, uint64_t kind)
{
	return push_node(m, (struct node){ .kind = (enum kind)kind });
}

static int op_bool(struct machine *m, uint64_t value)
{
	return push_node(m, (struct node){ .kind = BOOL, .i = (int64_t)value });
}

/* Little-endian: 1 and 2 bytes without, 4 with a sign. */
static int op_int(struct machine *m, uint64_t bytes)
{
	uint64_t x = 0;
	int status;

	FOT_TRY(take_number(m, bytes, &x));
	status = push_node(m, (struct node){ .kind = INT, .i = bytes == 4 ? (int32_t)(uint32_t)x : (int64_t)x });
out:
	return status;
}

/* A length, then that many bytes in two's complement. */
static int op_long(struct machine *m, uint64_t unused)
{
	uint64_t n = 0, x = 0;
	int status;

	(void)unused;
	FOT_TRY(take_number(m, 1, &n));
	if (n > 8)
		return BAD(m, "an integer of %d bytes: expected at most 8", (int)n);
	FOT_TRY(take_number(m, n, &x));
	if (n > 0 && n < 8 && x >> (8 * n - 1))
		x |= UINT64_MAX << 8 * n;
	status = push_node(m, (struct node){ .kind = INT, .i = (int64_t)x });
out:
	return status;
}

static int op_text(struct machine *m, uint64_t unused)
{
	const unsigned char *p = NULL;
	uint64_t n = 0;
	int status;

	(void)unused;
	FOT_TRY(take_number(m, 4, &n));
	FOT_TRY(take(m, n, &p));
	status = push_node(m, (struct node){ .kind = TEXT, .n = (int64_t)n, .p = p });
out:
	return status;
}

/* The nodes on the stack from `from` on become a tuple. */
static int make_tuple(struct machine *m, size_t from)
{
	struct node x = { .kind = TUPLE, .i = (int64_t)m->child.n, .n = (int64_t)(m->stack.n - from) };
	int status = FOT_OK;

	for (size_t i = from; i < m->stack.n; i++) {
		if (node_at(m, m->stack.at[i])->kind == MARK)
			return BAD(m, "a mark inside a tuple");
		FOT_TRY(APPEND(m, child, m->stack.at[i]));
	}
	m->stack.n = from;
	status = push_node(m, x);
out:
	return status;
}

static int op_tuple(struct machine *m, uint64_t items)
{
	if (items > m->stack.n)
		return BAD(m, "the stack is empty");
	return make_tuple(m, m->stack.n - items);
}

static int op_tuple_to_mark(struct machine *m, uint64_t unused)
{
	size_t above = 0;
	int status;

	(void)unused;
	FOT_TRY(find_mark(m, &above));
	FOT_TRY(make_tuple(m, above));
	m->stack.at[m->stack.n - 2] = m->stack.at[m->stack.n - 1]; /* over the mark */
	m->stack.n--;
out:
	return status;
}

/* Keys and values on the stack from `from` on go into the dict below `below`. */
static int add_pairs(struct machine *m, size_t below, size_t from)
{
	struct node *dict;
	int status = FOT_OK;

	if (below == 0 || node_at(m, m->stack.at[below - 1])->kind != DICT || (m->stack.n - from) % 2 != 0)
		return BAD(m, "keys and values without a dict");
	dict = node_at(m, m->stack.at[below - 1]);
	for (size_t i = from; i < m->stack.n; i += 2) {
		FOT_TRY(APPEND(m, pair, ((struct pair){ m->stack.at[i], m->stack.at[i + 1], -1 })));
		if (dict->n >= 0)
			m->pair.at[dict->n].next = (int64_t)m->pair.n - 1;
		else
			dict->i = (int64_t)m->pair.n - 1;
		dict->n = (int64_t)m->pair.n - 1;
	}
	m->stack.n = below;
out:
	return status;
}

static int op_set_item(struct machine *m, uint64_t unused)
{
	(void)unused;
	return m->stack.n < 3 ? BAD(m, "the stack is empty") : add_pairs(m, m->stack.n - 2, m->stack.n - 2);
}

static int op_set_items(struct machine *m, uint64_t unused)
{
	size_t above = 0;
	int status;

	(void)unused;
	FOT_TRY(find_mark(m, &above));
	status = add_pairs(m, above - 1, above);
out:
	return status;
}

/* Attributes of a dict (torch keeps "_metadata" there) are of no use here. */
static int op_build(struct machine *m, uint64_t unused)
{
	int64_t state = 0, object = 0;
	int status;

	(void)unused;
	FOT_TRY(pop(m, DICT, &state));
	FOT_TRY(pop(m, DICT, &object));
	status = APPEND(m, stack, object);
out:
	return status;
}

static int op_put(struct machine *m, uint64_t bytes)
{
	uint64_t i = 0;
	int status;

	FOT_TRY(take_number(m, bytes, &i));
	if (i > m->n || m->stack.n == 0)
		return BAD(m, "memo %" PRIu64 " is out of range", i);
	while (m->memo.n <= i)
		FOT_TRY(APPEND(m, memo, -1));
	m->memo.at[i] = m->stack.at[m->stack.n - 1];
out:
	return status;
}

static int op_get(struct machine *m, uint64_t bytes)
{
	uint64_t i = 0;
	int status;

	FOT_TRY(take_number(m, bytes, &i));
	if (i >= m->memo.n || m->memo.at[i] < 0)
		return BAD(m, "memo %" PRIu64 " was never set", i);
	status = APPEND(m, stack, m->memo.at[i]);
out:
	return status;
}

static int op_stop(struct machine *m, uint64_t unused)
{
	(void)unused;
	m->stopped = true;
	return FOT_OK;
}

/* All that torch.save writes for a state dict. */
static const struct {
	unsigned char code;
	int (*run)(struct machine *m, uint64_t x);
	uint64_t x;
} opcodes[] = {
	{ 0x80, op_proto, 0 },       { '}', push_dict, 0 },     { 'q', op_put, 1 },
	{ 'r', op_put, 4 },          { 'h', op_get, 1 },        { 'j', op_get, 4 },
	{ '(', op_push, MARK },      { 'N', op_push, NONE },    { 0x88, op_bool, 1 },
	{ 0x89, op_bool, 0 },        { 'K', op_int, 1 },        { 'M', op_int, 2 },
	{ 'J', op_int, 4 },          { 0x8a, op_long, 0 },      { 'X', op_text, 0 },
	{ ')', op_tuple, 0 },        { 0x85, op_tuple, 1 },     { 0x86, op_tuple, 2 },
	{ 0x87, op_tuple, 3 },       { 't', op_tuple_to_mark, 0 }, { 'c', op_global, 0 },
	{ 'Q', op_persistent, 0 },   { 'R', op_reduce, 0 },     { 's', op_set_item, 0 },
	{ 'u', op_set_items, 0 },    { 'b', op_build, 0 },      { '.', op_stop, 0 },
};

static int step(struct machine *m)
{
	const unsigned char *code = NULL;
	int status;

	m->op_at = m->at;
	FOT_TRY(take(m, 1, &code));
	for (size_t i = 0; i < FOT_COUNT(opcodes); i++)
		if (opcodes[i].code == *code)
			return opcodes[i].run(m, opcodes[i].x);
	status = BAD(m, "opcode 0x%02x: only what state dicts use is read", *code);
out:
	return status;
}

/* ---- the state dict ---------------------------------------------------- */

/* Pair by pair: a name and a tensor. */
static int keep_pair(struct fot_torch *t, struct machine *m, const struct pair *pair)
{
	const struct node *key = node_at(m, pair->key), *value = node_at(m, pair->value);

	if (key->kind != TEXT || memchr(key->p, 0, (size_t)key->n))
		return FOT_FAIL(m->err, FOT_ERR_INPUT, "%s: data.pkl: a key of the state dict is %s, expected a name",
				m->name, kind_names[key->kind]);
	if (value->kind != TENSOR)
		return FOT_FAIL(m->err, FOT_ERR_INPUT, "%s: data.pkl: \"%.*s\" is %s, expected a tensor", m->name,
				(int)(key->n < 80 ? key->n : 80), (const char *)key->p, kind_names[value->kind]);
	t->tensor[t->n] = m->tensor.at[value->i];
	t->name[t->n] = fot_strndup(key->p, (size_t)key->n);
	t->tensor[t->n].name = t->name[t->n];
	return t->name[t->n++] ? FOT_OK : FOT_NO_MEMORY(m->err, m->name);
}

static int keep_dict(struct fot_torch *t, struct machine *m)
{
	const struct node *dict;
	int64_t at = 0;
	int status;

	FOT_TRY(pop(m, DICT, &at));
	dict = node_at(m, at);
	t->tensor = fot_calloc(m->pair.n, sizeof *t->tensor);
	t->name = fot_calloc(m->pair.n, sizeof *t->name);
	if (!t->tensor || !t->name)
		return FOT_FAIL(m->err, FOT_ERR_RUN, "%s: out of memory for the table of tensors", m->name);
	for (int64_t i = dict->i; i >= 0; i = m->pair.at[i].next)
		FOT_TRY(keep_pair(t, m, &m->pair.at[i]));
out:
	return status;
}

static int check_names(const struct fot_torch *t, const char *name, struct fot_err *err)
{
	const char **sorted = fot_alloc(t->n, sizeof *sorted);
	int status = FOT_OK;

	if (!sorted)
		return FOT_FAIL(err, FOT_ERR_RUN, "%s: out of memory for the table of tensors", name);
	for (size_t i = 0; i < t->n; i++)
		sorted[i] = t->name[i];
	qsort(sorted, t->n, sizeof *sorted, fot_by_text);
	for (size_t i = 1; i < t->n && status == FOT_OK; i++)
		if (strcmp(sorted[i], sorted[i - 1]) == 0)
			status = FOT_FAIL(err, FOT_ERR_INPUT, "%s: data.pkl: tensor \"%s\" stands there twice", name,
					  sorted[i]);
	fot_free(sorted);
	return status;
}

/* NAME/data.pkl, of which there is one. */
static int find_pickle(struct machine *m, struct fot_err *err)
{
	static const char tail[] = "/data.pkl";
	const size_t len = sizeof tail - 1;
	const struct fot_zip_entry *found = NULL, *order;
	char byteorder[256];

	for (size_t i = 0; i < m->zip->n; i++) {
		const struct fot_zip_entry *e = &m->zip->entry[i];

		if (e->name_len < len || memcmp(e->name + e->name_len - len, tail, len) != 0)
			continue;
		if (found)
			return FOT_FAIL(err, FOT_ERR_INPUT, "%s: two entries end in /data.pkl", m->name);
		found = e;
	}
	if (!found)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: not a file of torch.save: no entry NAME/data.pkl", m->name);
	if (found->size > PICKLE_MAX)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: data.pkl has %zu bytes, expected at most %zu", m->name,
				found->size, PICKLE_MAX);
	if (crc32(crc32(0, NULL, 0), found->data, (uInt)found->size) != found->crc)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: data.pkl is damaged: its checksum does not fit", m->name);
	m->p = found->data;
	m->n = found->size;
	m->folder = found->name;
	m->folder_len = found->name_len - len + 1;
	if (m->folder_len + 9 > sizeof byteorder)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: the name before /data.pkl is too long", m->name);
	memcpy(byteorder, m->folder, m->folder_len);
	memcpy(byteorder + m->folder_len, "byteorder", 9);
	order = fot_zip_find(m->zip, byteorder, m->folder_len + 9);
	if (order && !text_is(order->data, order->size, "little"))
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: expected byte order \"little\"", m->name);
	return FOT_OK;
}

static void machine_release(struct machine *m)
{
	fot_free(m->node.at);
	fot_free(m->stack.at);
	fot_free(m->child.at);
	fot_free(m->pair.at);
	fot_free(m->memo.at);
	fot_free(m->tensor.at);
}

/* ---- opening ----------------------------------------------------------- */

static int read_archive(struct fot_torch *t, const unsigned char *p, size_t n, const char *name, struct fot_err *err)
{
	struct fot_zip zip = { 0 };
	struct machine m = { .name = name, .zip = &zip, .err = err };
	const char *what = n >= 4 && memcmp(p, "PK\003\004", 4) == 0 ? NULL : fot_foreign(p, n);
	int status;

	if (what)
		return FOT_FAIL(err, FOT_ERR_INPUT, "%s: this is %s", name, what);
	if (n >= 2 && p[0] == 0x80 && p[1] == 2)
		return FOT_FAIL(err, FOT_ERR_INPUT,
				"%s: the form that torch.save wrote before version 1.6: save it again, or convert it",
				name);
	FOT_TRY(fot_zip_open(&zip, p, n, name, err));
	FOT_TRY(find_pickle(&m, err));
	while (!m.stopped)
		FOT_TRY(step(&m));
	FOT_TRY(keep_dict(t, &m));
	status = check_names(t, name, err);
out:
	machine_release(&m);
	fot_zip_release(&zip);
	return status;
}

int fot_torch_open_memory(struct fot_torch **out, const void *bytes, size_t n, const char *name, struct fot_err *err)
{
	struct fot_torch *t = fot_calloc(1, sizeof *t);
	int status;

	if (!t)
		return FOT_NO_MEMORY(err, name);
	status = read_archive(t, bytes, n, name, err);
	if (status == FOT_OK)
		*out = t;
	else
		fot_torch_close(t);
	return status;
}

int fot_torch_open(struct fot_torch **out, const char *path, struct fot_err *err)
{
	struct fot_map map;
	int status;

	status = fot_map_open(&map, path, err);
	if (status != FOT_OK)
		return status;
	status = fot_torch_open_memory(out, map.data, map.size, path, err);
	if (status == FOT_OK)
		(*out)->map = map;
	else
		fot_map_close(&map);
	return status;
}

void fot_torch_close(struct fot_torch *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		fot_free(t->name[i]);
	fot_free(t->name);
	fot_free(t->tensor);
	fot_map_close(&t->map);
	fot_free(t);
}

size_t fot_torch_count(const struct fot_torch *t)
{
	return t->n;
}

const struct fot_tensor *fot_torch_at(const struct fot_torch *t, size_t i)
{
	return i < t->n ? &t->tensor[i] : NULL;
}
