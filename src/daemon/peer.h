/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer.h - describes the process at the other end of the control socket.
 */
#ifndef WAYMARK_SRC_DAEMON_PEER_H
#define WAYMARK_SRC_DAEMON_PEER_H

#define PEER_NAME 32

struct control_peer;

/* Write the names of the user and the process. A user without a name gets the uid as name. An
 * unknown process gets the name "". Neither name contains a blank. */
void peer_describe(const struct control_peer *peer, char user[PEER_NAME], char process[PEER_NAME]);

#endif
