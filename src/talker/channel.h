/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel.h - sends and receives single frames through a socket pair. No function blocks.
 */
#ifndef WAYMARK_SRC_TALKER_CHANNEL_H
#define WAYMARK_SRC_TALKER_CHANNEL_H

#include "talker/frame.h"

/* Open a non-blocking socket pair. The buffer for frames that were sent at ends[0] and not yet read
 * has a size of 'bytes'. Return 0 or -errno. */
int channel_open(int ends[2], int bytes);
/* Send a frame. If pass_fd is not -1, pass this descriptor with the frame. Return 0, -EAGAIN if the
 * socket is full, -EMSGSIZE if the frame is too large, or -EPIPE if the other side has exited. */
int channel_send(int fd, struct frame *f, int pass_fd);
/* Receive a frame. Set *passed_fd to the descriptor that came with the frame, or to -1. Return 0,
 * -EAGAIN if no frame is waiting, -EPIPE if the other side has exited, or -EBADMSG if the message
 * is not a frame. */
int channel_receive(int fd, struct frame *f, int *passed_fd);

#endif
