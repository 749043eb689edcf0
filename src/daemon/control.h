/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control.h - the control socket of waymarkd: a Unix stream socket. A client sends one line of
 * JSON, such as {"command":"status"}, gets one JSON document, and is disconnected. A client that
 * sends {"command":"watch"} stays connected, and gets the line of each control_broadcast().
 *
 * Must not know what replies mean. All functions run in the caller's epoll loop and never block.
 */
#ifndef WAYMARK_SRC_DAEMON_CONTROL_H
#define WAYMARK_SRC_DAEMON_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Maximum number of clients, and of watchers among them. Watchers cannot take all places, so that
 * another client can still send a command such as `status`. */
#define CONTROL_CLIENTS_MAX  16
#define CONTROL_WATCHERS_MAX 12
/* Maximum number of clients of one user. Root and waymarkd's user have no such limit. */
#define CONTROL_CLIENTS_A_USER 8
/* Maximum size of a request, newline included. */
#define CONTROL_REQUEST_MAX 4096
/* Maximum number of bytes that wait to be sent to a watcher. A watcher that exceeds this number is
 * dropped as too slow. */
#define CONTROL_WATCH_QUEUE_MAX (256 * 1024)
/* A client is dropped if it has not sent its request, or has read nothing of its answer, for this
 * number of seconds. */
#define CONTROL_PATIENCE_S 5

struct control;

/* The process that sends a command, as the kernel reports it. */
struct control_peer {
	uint32_t uid;
	int32_t pid; /* in our pid namespace; 0: the process is in another pid namespace */
};

/* Answer one command with malloc'd JSON text; control.c adds a newline and frees the text. On
 * failure return NULL with errno (ENOENT: unknown command). */
typedef char *control_handler_fn(void *data, const char *command, const struct control_peer *peer);

/* Listen at path with mode 0660, and create missing folders. A socket file without a listener is
 * replaced. On failure return NULL with errno: EADDRINUSE if another daemon listens there, ENOTSOCK
 * if path is not a socket (the file is not removed), ENAMETOOLONG, EACCES, ... */
struct control *control_open(const char *path, control_handler_fn *fn, void *data);

/* Return whether this peer is allowed to send the command. control.c calls the judge before each
 * command. If no judge is set, all commands are allowed. */
typedef bool control_judge_fn(const struct control_peer *peer, const char *command);
void control_set_judge(struct control *c, control_judge_fn *judge);

/* Drop all clients, and remove the socket file unless another socket has replaced it. NULL is
 * allowed. */
void control_close(struct control *c);

/* Return the descriptor to poll. It is readable when control_process() has work. The caller must
 * not close it. */
int control_fd(const struct control *c);

/* Serve a bounded number of events. Return 0, or -errno if epoll_wait() failed. */
int control_process(struct control *c);

/* Return whether there are watchers. If not, the caller need not format lines. */
bool control_has_watchers(const struct control *c);

/* Send a line (without its newline) to every watcher. A watcher that has more than
 * CONTROL_WATCH_QUEUE_MAX unsent bytes is dropped. */
void control_broadcast(struct control *c, const char *line);

struct control_stats {
	uint64_t accepted;
	uint64_t refused;	    /* refused because there were too many clients or watchers */
	uint64_t bad_requests;	    /* requests that are not JSON, name no command, are too long,
				     * unknown or not permitted */
	uint64_t dropped_slow;	    /* clients that exceeded CONTROL_PATIENCE_S, and watchers whose
				     * line could not be queued */
	uint32_t clients, watchers; /* current numbers */
};
void control_stats(const struct control *c, struct control_stats *out);

#endif
