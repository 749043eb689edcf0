/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ifnames.h - names of interface indexes, from libnfnetlink's interface table,
 * which follows the kernel; names of interfaces that are gone are remembered.
 */
#ifndef WAYMARK_KERNEL_IFNAMES_H
#define WAYMARK_KERNEL_IFNAMES_H

#include <net/if.h>
#include <stdint.h>

struct ifnames;

struct ifnames *ifnames_open(void); /* NULL with errno */
void ifnames_close(struct ifnames *t);
int ifnames_fd(const struct ifnames *t);
/* Reads what the kernel said since. 0 or -errno. */
int ifnames_receive(struct ifnames *t);
/* The name of an index, now or when it was last there; NULL: never seen, or
 * gone and forgotten (about the last 1,024 are kept). Owned by the table, valid
 * until the next call. */
const char *ifnames_get(struct ifnames *t, uint32_t ifindex);

#endif
