/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trace.h - prints netlink messages in readable form, for debugging.
 */
#ifndef WAYMARK_KERNEL_TRACE_H
#define WAYMARK_KERNEL_TRACE_H

#include <stdbool.h>

/* The environment variable that contains the topics to trace. */
#define TRACE_VARIABLE "WAYMARK_TRACE"
#define TRACE_ALL      "rtnl,conntrack,nflog,nft"

/* Called with each line, including its newline. */
typedef void trace_line_fn(const char *line);

/* Trace these topics from now on. `topics` is a list of words of TRACE_ALL, separated by commas. If
 * `topics` is NULL, trace nothing. If a word is not in TRACE_ALL, change nothing and return false.
 * Call this before other threads start. */
bool trace_set(const char *topics, trace_line_fn *fn);

#endif
