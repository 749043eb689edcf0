/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mark_writers.h - which rules of others write marks, by reading the ruleset: who may
 * have changed one.
 */
#ifndef WAYMARK_HOSTCHECK_MARK_WRITERS_H
#define WAYMARK_HOSTCHECK_MARK_WRITERS_H

#include <stdbool.h>
#include <stdint.h>

/* Strings are valid in the callback only. */
struct mark_writer {
	const char *family, *table, *chain;
	int64_t handle;
	bool is_ct;	    /* the ct mark, else the packet's */
	bool is_xt;	    /* an iptables rule: nft shows neither the mark nor the bits */
	const char *target; /* with is_xt: its name, or "?" */
	uint32_t bits;	    /* that it may change: those that its value does not carry over */
	bool has_value;	    /* the value is a constant under these bits */
	uint32_t value;
};
typedef void mark_writer_fn(void *data, const struct mark_writer *w);

/* Calls fn for each rule outside table inet waymark that sets a mark, in the order
 * of the listing. json is what `nft -j list ruleset` prints. 0, or -EINVAL where it
 * cannot be read. */
int mark_writers_each(const char *json, mark_writer_fn *fn, void *data);

#endif
