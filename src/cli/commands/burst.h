/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * burst.h - groups lines of one kind that come in bursts: the first few are shown, the
 * others counted. Pure.
 */
#ifndef WAYMARK_SRC_CLI_COMMANDS_BURST_H
#define WAYMARK_SRC_CLI_COMMANDS_BURST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BURST_SHOWN	5     /* lines of a kind in a second, before the others are counted */
#define BURST_MS	1000  /* how long the first lines count */
#define BURST_GOING_MS	10000 /* during a burst, how often its count is printed */
#define BURST_KINDS_MAX 64
#define BURST_KIND	128

struct burst_kind {
	char name[BURST_KIND]; /* "": free */
	int64_t began_ms;
	unsigned shown, held;
	bool is_going;
};

struct burst {
	struct burst_kind kinds[BURST_KINDS_MAX];
};

/* Return true to print the line; otherwise count it as suppressed. is_again: the line repeats an
 * earlier one, so suppress it. */
bool burst_take(struct burst *b, const char *kind, bool is_again, int64_t now_ms);
/* Call fn for each kind with suppressed lines whose interval has ended. */
void burst_count(struct burst *b, int64_t now_ms,
		 void (*fn)(void *data, const char *kind, unsigned held), void *data);

#endif
