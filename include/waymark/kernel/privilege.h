/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * privilege.h - what this process may do, asked before anything is touched.
 */
#ifndef WAYMARK_KERNEL_PRIVILEGE_H
#define WAYMARK_KERNEL_PRIVILEGE_H

#include <stdbool.h>

/* Whether CAP_NET_ADMIN is effective, in this user namespace. */
bool privilege_has_net_admin(void);

#endif
