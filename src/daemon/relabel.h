/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * relabel.h - clears stale labels of flows. A label is stale if its meaning has changed
 * (steering_labels_stale_from()). Call relabel_begin() first, then relabel_take() for each entry of
 * a table dump, and relabel_end() last.
 */
#ifndef WAYMARK_SRC_DAEMON_RELABEL_H
#define WAYMARK_SRC_DAEMON_RELABEL_H

#include <stdbool.h>

#include "waymark/base/event.h"

struct relabel;
struct daemon;

int relabel_open(struct daemon *d); /* 0 or -errno */
void relabel_close(struct daemon *d);
/* If waymarkd is starting and labels are stale, begin to clear them and return true: a table dump
 * must follow. Else return false. */
bool relabel_begin(struct daemon *d);
bool relabel_is_active(const struct daemon *d);
void relabel_take(struct daemon *d, const struct ct_event *ev);
void relabel_end(struct daemon *d);

#endif
