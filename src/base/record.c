/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record.c - frees the memory that records own.
 */
#include "waymark/base/record.h"

#include <stdlib.h>

void record_clear(const struct record *r)
{
	if (r->type == RECORD_UPLINKS)
		free(r->uplinks.uplinks);
	else if (r->type == RECORD_OUTBOX_ADD)
		free(r->outbox.line);
	else if (r->type == RECORD_COVERAGE)
		free(r->coverage);
	else if (r->type == RECORD_ALERT)
		free(r->alert);
}
