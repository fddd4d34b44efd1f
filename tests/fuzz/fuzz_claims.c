/* libFuzzer target: whatever a file of claims says, it is refused or read, and each claim
 * that was read has all that judging it needs. */
#include "harness/compare/claims.h"
#include "tests/fuzz/fuzz.h"

static void whole(const struct fot_claim *c)
{
	require(c->id && c->claim && c->source && c->metric && c->schema && c->a);
	require((c->b != NULL) != (c->constant != NULL));
	require(c->expect < FOT_EXPECTATIONS && c->margin >= 0 && c->margin <= 1e6);
	require(c->expect != FOT_EQUAL || c->margin > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fot_claims c = { 0 };
	struct fot_err err = { 0 };
	int status = fot_claims_parse(&c, (const char *)bytes, n, "fuzz", &err);

	require(status == err.code && (status == FOT_OK || status == FOT_ERR_USAGE));
	require(status == FOT_OK || (c.n == 0 && !c.claim && !c.root));
	for (size_t i = 0; i < c.n; i++)
		whole(&c.claim[i]);
	fot_claims_release(&c);
	return 0;
}
