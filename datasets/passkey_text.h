/* passkey_text.h: the words of the pass key task [paper, sec. passkey; Mohtashami and
 * Jaggi 2023], shared by what trains for it and what tests it. */
#ifndef FOT_PASSKEY_TEXT_H
#define FOT_PASSKEY_TEXT_H

#include <stddef.h>

#include "base/str.h"

#define FOT_PASSKEY_MIN 1
#define FOT_PASSKEY_MAX 50000

extern const char fot_passkey_intro[];    /* opens every prompt; ends with a newline */
extern const char fot_passkey_filler[];   /* one unit of the paper's filler; ends with a space */
extern const char fot_passkey_question[]; /* closes it; the answer follows after a space */

/* Append "The pass key is N. Remember it. N is the pass key. " */
void fot_passkey_sentence(struct fot_str *out, int key);
/* Things other than the pass key that have a number: fot_passkey_decoys of them. */
extern const char *const fot_passkey_decoy_name[];
extern const size_t fot_passkey_decoys;
/* Append the same words about another thing, which < fot_passkey_decoys:
 * "The bus number is N. Remember it. N is the bus number. " */
void fot_passkey_decoy(struct fot_str *out, size_t which, int number);

#endif
