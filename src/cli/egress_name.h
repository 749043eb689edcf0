/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * egress_name.h - names interfaces after their uplinks, for tables that people read.
 */
#ifndef WAYMARK_SRC_CLI_EGRESS_NAME_H
#define WAYMARK_SRC_CLI_EGRESS_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "waymark/store/query.h"

/* Read the uplinks of the history, which the functions below know from then on. 0 or
 * -errno. */
int egress_names_read(struct query *q);
/* Forget them. */
void egress_names_clear(void);
/* Learn one; what was learnt first is preferred. */
void egress_name_add(const char *uplink, const char *interface);

/* Return the uplink of an interface, or the interface if none has it. length: of the
 * interface's name. Writes to buf where it is not an uplink's. */
#define EGRESS_NAME 64
const char *egress_name(const char *interface, size_t length, char buf[EGRESS_NAME]);
/* Whether the uplink has the interface, or had it. */
bool egress_is_of(const char *uplink, const char *interface, size_t length);

#endif
