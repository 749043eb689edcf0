/* SPDX-License-Identifier: GPL-2.0-or-later */
/* open_gap.h - a gap that has not ended. The module that opened the gap owns it. */
#ifndef WAYMARK_SRC_DAEMON_OPEN_GAP_H
#define WAYMARK_SRC_DAEMON_OPEN_GAP_H

#include <stdint.h>

struct open_gap {
	int64_t id; /* 0: none is open */
	int64_t started_ms;
};

#endif
