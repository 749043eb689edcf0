/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * privilege.h - checks and gives up privileges of this process.
 */
#ifndef WAYMARK_KERNEL_PRIVILEGE_H
#define WAYMARK_KERNEL_PRIVILEGE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Return whether CAP_NET_ADMIN is effective in this user namespace. */
bool privilege_has_net_admin(void);

/* Switch to this user and group, without supplementary groups, and keep only CAP_NET_ADMIN. Only
 * root can do this. Return 0 or -errno. */
int privilege_become(uid_t uid, gid_t gid);

/* Give up every capability permanently and, if is_switching, switch to this user and group, without
 * supplementary groups. Return 0 or -errno. */
int privilege_shed(bool is_switching, uid_t uid, gid_t gid);

/* Set no_new_privs, so that executing a program gains no privileges, and clear the ambient
 * capabilities. If built with libseccomp, also forbid the system calls that waymarkd never needs,
 * such as execve(2). Return 0 or -errno. */
int privilege_seal(void);

/* Print the libraries that this file was built with, for example "libcap-ng, no seccomp". */
void privilege_features_print(FILE *out);

#endif
