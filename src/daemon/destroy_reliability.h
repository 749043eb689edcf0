/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * destroy_reliability.h - whether destroys may be reliable. In that mode the kernel keeps each
 * entry whose end it could not deliver: a listener that does not keep up fills the
 * conntrack table, and a full one makes the router drop new connections. Pure.
 */
#ifndef WAYMARK_SRC_DAEMON_DESTROY_RELIABILITY_H
#define WAYMARK_SRC_DAEMON_DESTROY_RELIABILITY_H

#include <stdbool.h>
#include <stdint.h>

/* Of a table with count entries and room for max (0: not known). Left above 80 %,
 * taken again below 60 %, so that it does not flutter. */
bool destroy_reliability_wanted(bool is_reliable, uint64_t count, uint64_t max);

#endif
