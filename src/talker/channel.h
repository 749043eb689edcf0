/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel.h - frames through a socket pair, one each time. Nothing waits.
 */
#ifndef WAYMARK_SRC_TALKER_CHANNEL_H
#define WAYMARK_SRC_TALKER_CHANNEL_H

#include "talker/frame.h"

/* Two ends, non-blocking; the first may hold bytes of frames that are not read. 0 or
 * -errno. */
int channel_open(int ends[2], int bytes);
/* Send a frame, with a descriptor unless it is -1. 0, -EAGAIN if the socket is full,
 * -EMSGSIZE, -EPIPE if the other side is gone. */
int channel_send(int fd, struct frame *f, int pass_fd);
/* Receive a frame; *passed_fd is a descriptor that came with it, or -1. 0, -EAGAIN if there
 * is none, -EPIPE if the other side is gone, -EBADMSG if it is no frame. */
int channel_receive(int fd, struct frame *f, int *passed_fd);

#endif
