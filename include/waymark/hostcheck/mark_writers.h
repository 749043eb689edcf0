/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mark_writers.h - lists the rules of other programs that set marks. If a mark was changed, one of
 * these rules may be the cause.
 */
#ifndef WAYMARK_HOSTCHECK_MARK_WRITERS_H
#define WAYMARK_HOSTCHECK_MARK_WRITERS_H

#include <stdbool.h>
#include <stdint.h>

/* A rule that sets a mark. The strings are valid only during the callback. */
struct mark_writer {
	const char *family, *table, *chain;
	int64_t handle;
	bool is_ct; /* true: the rule sets the ct mark; false: the packet mark */
	/* true: an iptables rule; nft does not show which mark and which bits such a rule sets */
	bool is_xt;
	const char *target; /* if is_xt: name of the target, or "?" */
	uint32_t bits;	    /* bits that the rule may change */
	bool has_value;	    /* true: the rule sets these bits to the constant `value` */
	uint32_t value;
};
typedef void mark_writer_fn(void *data, const struct mark_writer *w);

/* Call fn for each rule outside of table inet waymark that sets a mark, in the order of the
 * listing. json is the output of `nft -j list ruleset`. Return 0, or -EINVAL if json cannot be
 * parsed. */
int mark_writers_each(const char *json, mark_writer_fn *fn, void *data);

#endif
