/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * privilege.h - what this process may do, and how it gives up the rest.
 */
#ifndef WAYMARK_KERNEL_PRIVILEGE_H
#define WAYMARK_KERNEL_PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether CAP_NET_ADMIN is effective, in this user namespace. */
bool privilege_has_net_admin(void);

/* Become this user and group, in no other group, with CAP_NET_ADMIN and no other
 * capability. Needs root. 0 or -errno. */
int privilege_become(uid_t uid, gid_t gid);

/* Give up every capability for good and, if is_switching, become this user and group, in no
 * other group. 0 or -errno. */
int privilege_shed(bool is_switching, uid_t uid, gid_t gid);

/* Gain nothing by executing a program (no_new_privs), and hand on no capability. Forbid
 * the system calls that waymarkd never needs, execve(2) among them, where libseccomp was there at build time.
 * 0 or -errno. */
int privilege_seal(void);

/* What privilege_seal was built with: "seccomp" or "no seccomp". */
const char *privilege_features(void);

#endif
