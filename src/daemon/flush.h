/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flush.h - deletes the flows of uplinks that are down (on-uplink-down = "flush"). */
#ifndef WAYMARK_SRC_DAEMON_FLUSH_H
#define WAYMARK_SRC_DAEMON_FLUSH_H

#include <stdint.h>

struct flush;
struct daemon;

int flush_open(struct daemon *d); /* 0 or -errno */
void flush_close(struct daemon *d);
void flush_tick(struct daemon *d);
/* Forget the state of a slot that now belongs to another uplink or to none. */
void flush_forget(struct daemon *d, uint8_t slot);

#endif
