/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysctl.h - reads and writes one sysctl under /proc/sys.
 */
#ifndef WAYMARK_KERNEL_SYSCTL_H
#define WAYMARK_KERNEL_SYSCTL_H

#include <stddef.h>

/* Maximum size of a name, including its terminating 0. */
#define SYSCTL_NAME_MAX 128

/* Read a value into buf, without its newline. Return 0 or -errno. */
int sysctl_read(const char *name, char *buf, size_t size);
/* Write a value. Return 0 or -errno. */
int sysctl_write(const char *name, const char *value);

#endif
