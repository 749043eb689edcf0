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
#define BURST_GOING_MS	10000 /* while it goes on, a count comes so often */
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

/* Return whether a line of that kind is shown; else it is counted. is_again: it repeats one
 * that was there, and is only counted. */
bool burst_take(struct burst *b, const char *kind, bool is_again, int64_t now_ms);
/* Call fn for each kind of which lines were counted, when their time is over. */
void burst_count(struct burst *b, int64_t now_ms,
		 void (*fn)(void *data, const char *kind, unsigned held), void *data);

#endif
