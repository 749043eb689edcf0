/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_answer.c - parses the daemon's answer, and prints it as JSON and as metrics.
 */
#include <stdio.h>

#include "tests/fuzz/fuzz.h"
#include "waymark/status/answer.h"
#include "waymark/status/metrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	FILE *out = fopen("/dev/null", "w");
	struct answer a;

	if (!out)
		abort();
	if (answer_parse(&a, text) == 0) {
		free(answer_json(&a));
		metrics_print(out, &a);
		answer_free(&a);
	}
	fclose(out);
	free(text);
	return 0;
}
