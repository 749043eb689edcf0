/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplinks.h - how many uplinks there may be, and how long their names.
 */
#ifndef WAYMARK_BASE_UPLINKS_H
#define WAYMARK_BASE_UPLINKS_H

/* One label bit per uplink, LABELS_RESERVED before them, 128 bits in all: with
 * the default label-base of 64 exactly 60 uplinks fit. */
#define UPLINKS_MAX	60
#define LABELS_RESERVED 4
#define LABELS_TOTAL	128
#define UPLINK_NAME_MAX 32 /* with the terminating 0 */

#endif
