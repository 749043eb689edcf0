/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ifnames.h - maps interface indexes to names. libnfnetlink keeps a table of the current
 * interfaces. This module also keeps the names of deleted interfaces.
 */
#ifndef WAYMARK_KERNEL_IFNAMES_H
#define WAYMARK_KERNEL_IFNAMES_H

#include <net/if.h>
#include <stdint.h>

struct ifnames;

struct ifnames *ifnames_open(void); /* NULL with errno */
void ifnames_close(struct ifnames *t);
int ifnames_fd(const struct ifnames *t);
/* Read the link messages that the kernel has sent since the last call. Return 0 or -errno. */
int ifnames_receive(struct ifnames *t);
/* Return the current name of an interface or, if the interface no longer exists, its last name.
 * Return NULL if the interface never existed, or if the table no longer has its name (the table
 * keeps about 1,024 names). The table owns the returned name, which is valid until the next
 * call. */
const char *ifnames_get(struct ifnames *t, uint32_t ifindex);

#endif
