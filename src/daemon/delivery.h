/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * delivery.h - watches whether alerts are delivered. When the talker, a program, the webhook or the
 * JSON file begins to fail, it logs one line and raises one alert. When all of them work again, it
 * logs this and ends the alert.
 */
#ifndef WAYMARK_SRC_DAEMON_DELIVERY_H
#define WAYMARK_SRC_DAEMON_DELIVERY_H

#include <stdint.h>

#include "waymark/alert/sink.h"

struct daemon;

int delivery_open(struct daemon *d);
/* Ignore the talker's messages from now on: the modules that handle them are closed next. */
void delivery_stop(struct daemon *d);
void delivery_close(struct daemon *d);
void delivery_tick(struct daemon *d, int64_t now_ms);

#endif
