/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spawner.h - the parent of the worker. Like the worker, it runs as an unprivileged user if one is
 * configured, and without capabilities. It only starts the worker and restarts it.
 */
#ifndef WAYMARK_SRC_TALKER_SPAWNER_H
#define WAYMARK_SRC_TALKER_SPAWNER_H

#include "waymark/alert/spawn.h"

/* Run the spawner in a new child of waymarkd. It closes all descriptors except its end of the
 * channel and the three standard ones. It sends FRAME_READY, then keeps a worker running until
 * waymarkd closes the other end of the channel. */
void __attribute__((noreturn)) spawner_run(int channel, const struct spawn_user *user);

#endif
