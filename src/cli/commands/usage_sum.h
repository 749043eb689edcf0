/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usage_sum.h - adds up 5-minute bins by uplink and period, and computes the rates that providers
 * use for bills.
 *
 * Pure except for the local time zone, which determines when a day begins.
 */
#ifndef WAYMARK_SRC_CLI_COMMANDS_USAGE_SUM_H
#define WAYMARK_SRC_CLI_COMMANDS_USAGE_SUM_H

#include <stddef.h>
#include <stdint.h>

#define USAGE_BIN_S 300

enum usage_period { USAGE_5MIN, USAGE_HOUR, USAGE_DAY, USAGE_MONTH };

struct usage_bin {
	char uplink[32];
	int64_t time_ms;
	int64_t bytes[2]; /* sent, received */
};

struct usage_bins {
	struct usage_bin *list;
	size_t n, room;
};

struct usage_sum {
	char uplink[32];
	int64_t time_ms, until_ms; /* start of the period, and of the next period */
	int64_t bytes[2];
	/* the highest rate and the 95th percentile of the rates of the period's bins, in bits per
	 * second */
	int64_t peak[2], p95[2];
};

/* Append a bin. Return 0 or -ENOMEM. */
int usage_add(struct usage_bins *b, const char *uplink, int64_t time_ms, int64_t sent,
	      int64_t received);
void usage_clear(struct usage_bins *b);

/* Add up the bins by period and uplink. Set *sums, which the caller frees, to the *n sums, the
 * oldest period first. Omit periods that ended at or before since_ms. The 95th percentile is the
 * highest rate that remains without the largest 5 % of the period's bins, as providers compute it.
 * Return 0 or -ENOMEM. */
int usage_sums(struct usage_bins *b, enum usage_period period, int64_t since_ms,
	       struct usage_sum **sums, size_t *n);

/* Return the bytes of an uplink since since_ms, both directions together. */
int64_t usage_since(const struct usage_bins *b, const char *uplink, int64_t since_ms);

#endif
