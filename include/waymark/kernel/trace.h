/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trace.h - prints netlink messages readably, for debugging.
 */
#ifndef WAYMARK_KERNEL_TRACE_H
#define WAYMARK_KERNEL_TRACE_H

#include <stdbool.h>

#define TRACE_VARIABLE "WAYMARK_TRACE"
#define TRACE_ALL      "rtnl,conntrack,nflog,nft"

/* Takes a line with its end. */
typedef void trace_line_fn(const char *line);

/* Trace these topics from now on: words of TRACE_ALL, with commas; NULL: none. False: a
 * word is none of them, and nothing changes. Call it before other threads start. */
bool trace_set(const char *topics, trace_line_fn *fn);

#endif
