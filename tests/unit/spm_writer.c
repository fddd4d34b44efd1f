#include "tests/unit/spm_writer.h"

#include <stdio.h>
#include <string.h>

#include "model/spm_proto.h"

void spm_varint(struct fot_str *s, uint64_t v)
{
	for (; v >= 128; v >>= 7)
		fot_str_putc(s, (char)(unsigned char)(v | 128));
	fot_str_putc(s, (char)v);
}

void spm_number(struct fot_str *s, unsigned field, uint64_t v)
{
	spm_varint(s, field << 3);
	spm_varint(s, v);
}

void spm_bytes(struct fot_str *s, unsigned field, const void *p, size_t n)
{
	spm_varint(s, field << 3 | 2);
	spm_varint(s, n);
	fot_str_add(s, p, n);
}

void spm_piece_text(struct fot_str *s, const char *text, size_t n, float score, int type)
{
	struct fot_str m = FOT_STR_INIT;

	spm_bytes(&m, 1, text, n);
	spm_varint(&m, 2 << 3 | 5);
	fot_str_add(&m, &score, 4);
	spm_number(&m, 3, (uint64_t)type);
	spm_bytes(s, 1, m.data, m.len);
	fot_str_release(&m);
}

void spm_specs(struct fot_str *s, const struct spm_recipe *r)
{
	struct fot_str m = FOT_STR_INIT;

	spm_bytes(&m, 1, "identity", 8);
	spm_number(&m, 3, !r->no_dummy);
	spm_number(&m, 4, !r->keep_spaces);
	fot_str_add(&m, r->rules, r->n_rules);
	spm_bytes(s, 3, m.data, m.len);
	fot_str_clear(&m);
	spm_number(&m, 3, r->model_type ? (uint64_t)r->model_type : 2);
	spm_number(&m, 35, 1);
	fot_str_add(&m, r->tail, r->n_tail);
	spm_bytes(s, 2, m.data, m.len);
	fot_str_release(&m);
}

void spm_model_file(struct fot_str *s, const struct spm_recipe *r)
{
	char byte[8];

	if (!r->no_unk)
		spm_piece_text(s, "<unk>", 5, 0, SPM_UNKNOWN);
	if (!r->no_controls) {
		spm_piece_text(s, "<s>", 3, 0, SPM_CONTROL);
		spm_piece_text(s, "</s>", 4, 0, SPM_CONTROL);
	}
	for (int i = 0; i < 256 && !r->no_bytes; i++) {
		snprintf(byte, sizeof(byte), "<0x%02X>", i);
		spm_piece_text(s, byte, 6, 0, SPM_BYTE);
	}
	for (size_t i = 0; i < r->n_normal; i++)
		spm_piece_text(s, r->normal[i], strlen(r->normal[i]), r->scores ? r->scores[i] : -(float)i,
			       SPM_NORMAL);
	spm_specs(s, r);
}
