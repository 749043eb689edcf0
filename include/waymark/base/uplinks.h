/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplinks.h - how many uplinks there can be, how long their names can be, and which label bits
 * flows have.
 */
#ifndef WAYMARK_BASE_UPLINKS_H
#define WAYMARK_BASE_UPLINKS_H

/* A conntrack entry has 128 label bits. Waymark's bits begin at the configured label-base: first
 * the LABELS_RESERVED bits below, then one bit per uplink. With the default label-base of 64,
 * exactly 60 uplinks fit. */
#define UPLINKS_MAX	60
#define LABELS_RESERVED 4
#define LABELS_TOTAL	128
#define UPLINK_NAME_MAX 32 /* with the terminating NUL */

/* The reserved labels, counted from label-base. A flow that entered by an uplink and leaves by an
 * uplink has LABEL_TRANSIT. If it also has LABEL_ENTERED, its mark names the uplink that it entered
 * by. Otherwise it has turned (doc/design.md): its mark names the uplink that it leaves by, and it
 * also has the label of the uplink that it entered by. */
#define LABEL_ENTERED	      0 /* the flow entered by an uplink */
#define LABEL_TRANSIT	      1 /* the flow entered by an uplink and leaves by an uplink */
#define LABEL_ELSEWHERE	      2 /* original packets left by no uplink, but the mark names one */
#define LABEL_ELSEWHERE_REPLY 3 /* replies left by no uplink, but the mark names one */

#endif
