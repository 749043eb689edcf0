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
	char name[128];	   /* dotted after conf., slashes inside interface names:
			       * "net/ipv4/conf/wan1/rp_filter" */
	const char *value; /* wanted */
	const char *why;   /* one sentence */
	bool is_rp_filter; /* 2 is wanted only where the value in force is 1 */
};

/* Writes what the configuration needs to wants (at most max) and returns how
 * many. Observation: net/netfilter/nf_conntrack_acct, _timestamp, _events = 1.
 * Steering: rp_filter loose on uplinks where it is strict, fib_multipath_hash_policy with
 * balance (IPv4 and IPv6). Not src_valid_mark: a loose filter needs none, and it makes packets
 * that a transparent proxy marks martians. Pure. */
size_t sysctl_plan(const struct config *c, struct sysctl_want *wants, size_t max);

#endif
