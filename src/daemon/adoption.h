/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * adoption.h - marks flows that began before the steering. Call adoption_begin() first, then
 * adoption_take() for each entry of a table dump, and adoption_end() last.
 */
#ifndef WAYMARK_SRC_DAEMON_ADOPTION_H
#define WAYMARK_SRC_DAEMON_ADOPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "waymark/base/event.h"

struct adoption;
struct daemon;

int adoption_open(struct daemon *d); /* 0 or -errno */
void adoption_close(struct daemon *d);
int adoption_begin(struct daemon *d); /* 0 or -errno */
/* Return whether adoption_begin() was called, but not yet adoption_end(). */
bool adoption_is_active(const struct daemon *d);
void adoption_take(struct daemon *d, const struct ct_event *ev, int64_t now_ms);
void adoption_end(struct daemon *d);

#endif
