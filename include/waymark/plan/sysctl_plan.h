/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysctl_plan.h - the sysctls that steering and observation need.
 */
#ifndef WAYMARK_PLAN_SYSCTL_PLAN_H
#define WAYMARK_PLAN_SYSCTL_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "waymark/config/config.h"

struct sysctl_want {
	char name[128];	   /* a path such as "net/ipv4/conf/wan1/rp_filter" */
	const char *value; /* planned value */
	const char *why;   /* reason, in one sentence */
	bool is_rp_filter; /* true: set this rp_filter only if the value in force is 1 (strict) */
};

/* Fill in 'wants' with the sysctls that the configuration needs, at most 'max' of them. Return
 * their number. Pure. Observation needs the value 1 of net/netfilter/nf_conntrack_acct, _timestamp
 * and _events. Steering needs a loose rp_filter (2) on uplinks where rp_filter is strict (1). If
 * new flows are balanced, steering also needs fib_multipath_hash_policy for IPv4 and IPv6. The
 * sysctl src_valid_mark is not set, because a loose filter does not need it. If it were set, the
 * kernel would treat packets that have a transparent proxy's mark as martian. */
size_t sysctl_plan(const struct config *c, struct sysctl_want *wants, size_t max);

#endif
