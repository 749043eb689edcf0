/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * egress_name.h - finds the name of the uplink that an interface belongs to, for tables that users
 * read.
 */
#ifndef WAYMARK_SRC_CLI_EGRESS_NAME_H
#define WAYMARK_SRC_CLI_EGRESS_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "waymark/store/query.h"

/* Read the uplinks of the history for the functions below. Return 0 or -errno. */
int egress_names_read(struct query *q);
/* Forget all uplinks. */
void egress_names_clear(void);
/* Add an interface of an uplink. If the interface is added to several uplinks, egress_name()
 * returns the uplink that was added first. */
void egress_name_add(const char *uplink, const char *interface);

/* Return the name of an interface's uplink. The first `length` bytes of `interface` are the name of
 * the interface. If no uplink has the interface, copy this name to buf and return buf. */
#define EGRESS_NAME 64
const char *egress_name(const char *interface, size_t length, char buf[EGRESS_NAME]);
/* Return whether the uplink has or had the interface. */
bool egress_is_of(const char *uplink, const char *interface, size_t length);

#endif
