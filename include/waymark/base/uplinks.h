/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplinks.h - how many uplinks there may be, how long their names, and which labels
 * flows have.
 */
#ifndef WAYMARK_BASE_UPLINKS_H
#define WAYMARK_BASE_UPLINKS_H

/* One label bit per uplink, LABELS_RESERVED before them, 128 bits in all: with
 * the default label-base of 64 exactly 60 uplinks fit. */
#define UPLINKS_MAX	60
#define LABELS_RESERVED 4
#define LABELS_TOTAL	128
#define UPLINK_NAME_MAX 32 /* with the terminating 0 */

/* The reserved labels, counted from label-base. A flow that turned came by an uplink and
 * leaves by one: it has LABEL_TRANSIT, the label of the uplink that it came by, and not
 * LABEL_ENTERED. */
#define LABEL_ENTERED	      0 /* the flow entered by an uplink */
#define LABEL_TRANSIT	      1 /* ... and its original packets leave by an uplink */
#define LABEL_ELSEWHERE	      2 /* its original packets left by no uplink, against its mark */
#define LABEL_ELSEWHERE_REPLY 3 /* its replies did */

#endif
