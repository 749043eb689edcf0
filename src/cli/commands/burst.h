/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * burst.h - suppresses lines that come in bursts. The first lines of a kind are printed; later
 * lines of the kind are only counted. The kind is a text that the caller chooses. Pure.
 */
#ifndef WAYMARK_SRC_CLI_COMMANDS_BURST_H
#define WAYMARK_SRC_CLI_COMMANDS_BURST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BURST_SHOWN	5     /* lines of a kind that are printed per interval */
#define BURST_MS	1000  /* length of the first interval of a kind */
#define BURST_GOING_MS	10000 /* length of the intervals during a burst */
#define BURST_KINDS_MAX 64
#define BURST_KIND	128

struct burst_kind {
	char name[BURST_KIND]; /* "": unused */
	int64_t began_ms;      /* start of the present interval */
	unsigned shown, held;  /* lines of this interval that were printed, and suppressed */
	bool is_going;	       /* the previous interval had suppressed lines */
};

struct burst {
	struct burst_kind kinds[BURST_KINDS_MAX];
};

/* Return true if the caller must print the line. Otherwise count the line as suppressed and return
 * false. `is_again` means that the line updates an earlier line: such lines are suppressed. But
 * while BURST_KINDS_MAX kinds are in use, all lines of further kinds are printed. */
bool burst_take(struct burst *b, const char *kind, bool is_again, int64_t now_ms);
/* If the interval of a kind is over, start its next interval, or forget the kind. If the interval
 * had suppressed lines, call fn with their number, `held`. Call this regularly. */
void burst_count(struct burst *b, int64_t now_ms,
		 void (*fn)(void *data, const char *kind, unsigned held), void *data);

#endif
