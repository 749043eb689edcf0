/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_nft_json.c - parses the listing of other programs' rulesets.
 */
#include "hostcheck/hostcheck_internal.h"
#include "tests/fuzz/fuzz.h"
#include "waymark/config/config.h"
#include "waymark/hostcheck/hostcheck.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *json = fuzz_text(data, size);
	struct config *config = config_new();
	struct findings findings = {0};

	if (!config)
		abort();
	hostcheck_rulesets(&findings, config, json);
	findings_clear(&findings);
	config_free(config);
	free(json);
	return 0;
}
