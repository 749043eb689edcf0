/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capabilities.h - reads and reduces the capabilities of this thread.
 *
 * configure selects one of two implementations: capabilities_libcapng.c if libcap-ng is installed,
 * otherwise capabilities_plain.c.
 */
#ifndef WAYMARK_KERNEL_CAPABILITIES_H
#define WAYMARK_KERNEL_CAPABILITIES_H

#include <stdbool.h>

#define CAPABILITY_NONE (-1)

/* Return whether this capability is effective. */
bool capabilities_include(int capability);

/* Remove every capability except `kept` from the bounding set: a program that root executes gets
 * only capabilities of this set. The caller needs CAP_SETPCAP. Return 0 or -errno. */
int capabilities_bound(int kept);

/* Give up every capability except `kept` permanently. Return 0 or -errno. */
int capabilities_keep(int kept);

/* Return the name of the library, as `waymarkd --version` prints it. */
const char *capabilities_library(void);

#endif
