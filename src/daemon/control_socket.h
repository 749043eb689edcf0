/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control_socket.h - creates and removes the file of the control socket. Replaces a file that a
 * daemon that died has left. Must not know clients.
 */
#ifndef WAYMARK_SRC_DAEMON_CONTROL_SOCKET_H
#define WAYMARK_SRC_DAEMON_CONTROL_SOCKET_H

#include <sys/types.h>

struct control_socket {
	int fd;
	char *path;
	dev_t device; /* device and inode identify the file that we created */
	ino_t inode;
};

/* Listen at path, as control_open() describes. Return 0 or -errno; on failure no socket of ours
 * remains, but folders may have been created. */
int control_socket_open(struct control_socket *s, const char *path);

/* Close the socket and remove its file, unless another socket has replaced it. */
void control_socket_close(struct control_socket *s);

#endif
