/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplinks.h - limits of uplinks and their names, and the labels of flows.
 */
#ifndef WAYMARK_BASE_UPLINKS_H
#define WAYMARK_BASE_UPLINKS_H

/* A flow has 128 label bits. From label-base on, the first LABELS_RESERVED bits are reserved, and
 * each uplink has one of the next. With the default label-base of 64, exactly 60 uplinks fit. */
#define UPLINKS_MAX	60
#define LABELS_RESERVED 4
#define LABELS_TOTAL	128
#define UPLINK_NAME_MAX 32 /* with the terminating NUL */

/* The reserved labels, counted from label-base. A transit flow entered by an uplink and leaves by
 * an uplink. It has LABEL_TRANSIT and the label of the uplink that it entered by, but not
 * LABEL_ENTERED. */
#define LABEL_ENTERED	      0 /* the flow entered by an uplink */
#define LABEL_TRANSIT	      1 /* the flow entered by an uplink and leaves by an uplink */
#define LABEL_ELSEWHERE	      2 /* original packets left by no uplink, against the mark */
#define LABEL_ELSEWHERE_REPLY 3 /* reply packets left by no uplink, against the mark */

#endif
