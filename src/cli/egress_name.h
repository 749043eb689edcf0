/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * egress_name.h - names interfaces after their uplinks, for tables that people read.
 */
#ifndef WAYMARK_SRC_CLI_EGRESS_NAME_H
#define WAYMARK_SRC_CLI_EGRESS_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "waymark/store/query.h"

/* Read the uplinks of the history, for use by the functions below. Return 0 or -errno. */
int egress_names_read(struct query *q);
/* Forget the uplinks. */
void egress_names_clear(void);
/* Add an interface of an uplink; the first uplink added for an interface is preferred. */
void egress_name_add(const char *uplink, const char *interface);

/* Return the uplink of an interface (of length bytes), or the interface if no uplink has it; the
 * interface is then copied to buf. */
#define EGRESS_NAME 64
const char *egress_name(const char *interface, size_t length, char buf[EGRESS_NAME]);
/* Return whether the uplink has or had the interface. */
bool egress_is_of(const char *uplink, const char *interface, size_t length);

#endif
