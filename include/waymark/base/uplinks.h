/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplinks.h - limits of uplinks and their names, and the labels of flows.
 */
#ifndef WAYMARK_BASE_UPLINKS_H
#define WAYMARK_BASE_UPLINKS_H

/* A conntrack entry has 128 label bits. The LABELS_RESERVED bits from label-base on have the
 * meanings below; each uplink has one of the bits after them. With the default label-base of 64,
 * exactly 60 uplinks fit. */
#define UPLINKS_MAX	60
#define LABELS_RESERVED 4
#define LABELS_TOTAL	128
#define UPLINK_NAME_MAX 32 /* with the terminating NUL */

/* The reserved labels, counted from label-base. A transit flow entered by an uplink and leaves by
 * an uplink. It has LABEL_TRANSIT and the label of the uplink that it entered by, but not
 * LABEL_ENTERED. */
#define LABEL_ENTERED	      0 /* the flow entered by an uplink */
#define LABEL_TRANSIT	      1 /* the flow entered by an uplink and leaves by an uplink */
#define LABEL_ELSEWHERE	      2 /* original packets left by no uplink, but the mark names one */
#define LABEL_ELSEWHERE_REPLY 3 /* replies left by no uplink, but the mark names one */

#endif
