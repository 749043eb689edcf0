/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control.h - the daemon's control socket: a Unix stream socket that takes one
 * line of JSON, {"command":"status"}, and answers with one JSON document, then
 * closes. A client that asks for {"command":"watch"} is kept and gets a line
 * for each control_broadcast.
 *
 * It serves bytes and knows nothing of what the answers say. Everything here
 * runs in the caller's epoll loop and never blocks.
 */
#ifndef WAYMARK_SRC_DAEMON_CONTROL_H
#define WAYMARK_SRC_DAEMON_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Clients served at once, and how many of them may be watchers: watchers must not keep `status`
 * out. */
#define CONTROL_CLIENTS_MAX  16
#define CONTROL_WATCHERS_MAX 12
/* Clients of one user other than root and the daemon's. */
#define CONTROL_CLIENTS_A_USER 8
/* Longest request, newline included. */
#define CONTROL_REQUEST_MAX 4096
/* Bytes that may wait for a watcher before it is dropped as too slow. */
#define CONTROL_WATCH_QUEUE_MAX (256 * 1024)
/* Seconds a client may take for its request, or to take any of its answer. */
#define CONTROL_PATIENCE_S 5

struct control;

/* The process that asks, as the kernel knows it. */
struct control_peer {
	uint32_t uid;
	int32_t pid; /* of this pid namespace; 0: of another one */
};

/* Answer one command with malloc'd JSON text (freed by control, which adds the newline), or NULL
 * with errno: ENOENT for an unknown command. */
typedef char *control_handler_fn(void *data, const char *command, const struct control_peer *peer);

/* Listens at path, mode 0660; the folder is made where it is missing. A socket
 * without a listener is replaced. NULL with errno: EADDRINUSE where another
 * daemon answers, ENOTSOCK where path is something else (it is left alone),
 * ENAMETOOLONG, EACCES, ... */
struct control *control_open(const char *path, control_handler_fn *fn, void *data);

/* Asked before each command; false: the request is refused. NULL: all are allowed. */
typedef bool control_judge_fn(const struct control_peer *peer, const char *command);
void control_set_judge(struct control *c, control_judge_fn *judge);

/* Drops all clients and removes the socket, if it is still this one. NULL is
 * allowed. */
void control_close(struct control *c);

/* Readable when control_process has something to do. Owned by c. */
int control_fd(const struct control *c);

/* Serve a bounded number of events. Return 0 or -errno (of epoll). */
int control_process(struct control *c);

/* Return whether a client watches. Without one, no lines need to be made. */
bool control_has_watchers(const struct control *c);

/* Send a line (without its newline) to every watcher. One that has not taken
 * CONTROL_WATCH_QUEUE_MAX bytes before it is dropped. */
void control_broadcast(struct control *c, const char *line);

struct control_stats {
	uint64_t accepted;
	uint64_t refused;	    /* too many clients or watchers */
	uint64_t bad_requests;	    /* not JSON, no command, too long, unknown */
	uint64_t dropped_slow;	    /* out of patience or queue */
	uint32_t clients, watchers; /* now */
};
void control_stats(const struct control *c, struct control_stats *out);

#endif
