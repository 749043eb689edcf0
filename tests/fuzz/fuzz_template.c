/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_template.c - expands an operator's webhook template with arbitrary facts.
 */
#include <stdio.h>

#include "alert/body.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct facts facts;
	struct alert alert = {.kind = ALERT_TEST, .reason = "", .evidence = "", .direction = -1};
	char *text = fuzz_text(data, size);

	snprintf(alert.text, sizeof(alert.text), "%s", text);
	snprintf(alert.object, sizeof(alert.object), "%s", text);
	facts_fill(&facts, &alert, &(struct alert_identity){.host = "h", .router = "r"});
	free(body_template(text, &facts));
	free(body_json(&facts));
	free(body_alertmanager(&facts, &alert));
	free(text);
	return 0;
}
