/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * thresholds.c - parses the text of thresholds. Must not know what is measured.
 */
#include "cli/commands/thresholds.h"
#include "waymark/base/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const measure_names[MEASURES] = {
	[MEASURE_MISMATCHES] = "mismatches",
	[MEASURE_UNMARKED] = "unmarked",
	[MEASURE_GAPS] = "gaps",
	[MEASURE_QUEUE] = "queue",
	[MEASURE_AGE] = "age",
};

static int value_parse(const char *text, size_t length, int64_t *value)
{
	uint64_t number;
	char copy[24];

	if (length >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (number_parse(&number, copy, INT64_MAX))
		return -EINVAL;
	*value = (int64_t)number;
	return 0;
}

static int one_parse(struct thresholds *t, const char *text, size_t length)
{
	for (int m = 0; m < MEASURES; m++) {
		size_t n = strlen(measure_names[m]);

		if (length > n && !strncmp(text, measure_names[m], n) && text[n] == '=')
			return value_parse(text + n + 1, length - n - 1, &t->at[m]);
	}
	return -EINVAL;
}

int thresholds_parse(struct thresholds *t, const char *text)
{
	int err = 0;

	do {
		size_t length = strcspn(text, ",");

		err = one_parse(t, text, length);
		text += length;
	} while (!err && *text++ == ',');
	return err;
}
