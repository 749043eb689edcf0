/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * delivery.h - where alerts go, and whether they get there: one line and one alert when the
 * talker, a program or the webhook begins to fail, one when all of them work again.
 */
#ifndef WAYMARK_SRC_DAEMON_DELIVERY_H
#define WAYMARK_SRC_DAEMON_DELIVERY_H

#include <stdint.h>

#include "waymark/alert/sink.h"

struct daemon;

int delivery_open(struct daemon *d);
/* The daemon is being taken apart: nothing of the talker reaches it any more. */
void delivery_stop(struct daemon *d);
void delivery_close(struct daemon *d);
void delivery_tick(struct daemon *d, int64_t now_ms);

#endif
