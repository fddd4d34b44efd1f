/* passkey_text.c: see passkey_text.h. */
#include "datasets/passkey_text.h"

#include "base/list.h"

const char fot_passkey_intro[] =
	"There is an important info hidden inside a lot of irrelevant text. Find it and memorize it. "
	"I will quiz you about the important information there.\n";
const char fot_passkey_filler[] =
	"The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again. ";
const char fot_passkey_question[] = "\nWhat is the pass key? The pass key is";

const char *const fot_passkey_decoy_name[] = { "bus number",  "room number",  "flight number", "page count",
					       "house number", "phone number", "ticket number", "year of birth",
					       "locker code",  "street code" };
const size_t fot_passkey_decoys = FOT_COUNT(fot_passkey_decoy_name);

static void sentence(struct fot_str *out, const char *name, int number)
{
	fot_str_printf(out, "The %s is %d. Remember it. %d is the %s. ", name, number, number, name);
}

void fot_passkey_sentence(struct fot_str *out, int key)
{
	sentence(out, "pass key", key);
}

void fot_passkey_decoy(struct fot_str *out, size_t which, int number)
{
	sentence(out, fot_passkey_decoy_name[which], number);
}
