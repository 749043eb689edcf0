/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spawner.h - the parent of the worker. It has the user and the lack of privileges of the
 * worker, so it can start another one, and nothing else.
 */
#ifndef WAYMARK_SRC_TALKER_SPAWNER_H
#define WAYMARK_SRC_TALKER_SPAWNER_H

#include "waymark/alert/spawn.h"

/* Run in a new child of waymarkd, whose other end of the channel is all that it keeps. Send
 * FRAME_READY, then keep a worker running until waymarkd closes its end. */
void __attribute__((noreturn)) spawner_run(int channel, const struct spawn_user *user);

#endif
