/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control.c - serves the control socket's clients.
 *
 * A client sends one line. The answer is queued and sent, and then the client is disconnected. A
 * client that becomes a watcher stays connected. A timer drops slow clients. Must not know what a
 * command means.
 */
#define _GNU_SOURCE /* accept4 */
#include "daemon/control.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/control_socket.h"

/* The data of an epoll event is the index of a client or one of these values. */
#define EVENT_LISTENER CONTROL_CLIENTS_MAX
#define EVENT_TIMER    (CONTROL_CLIENTS_MAX + 1)
/* Maximum number of events that one call of control_process() serves. It bounds the time that the
 * other descriptors of the main loop wait. */
#define EVENTS_A_CALL 64

struct client {
	int fd; /* -1: this entry is free */
	struct control_peer peer;
	bool is_watcher;
	bool has_request; /* the request is complete; nothing more is read */
	unsigned idle_s;
	char request[CONTROL_REQUEST_MAX];
	size_t request_size;
	char *out; /* queued output, of which out[out_sent..out_size) is not yet sent */
	size_t out_size, out_sent;
};

struct control {
	struct control_socket socket;
	int epoll_fd;
	int timer_fd;
	bool is_paused; /* no client is accepted, because descriptors or memory are short */
	control_handler_fn *handler;
	control_judge_fn *judge;
	void *data;
	struct client clients[CONTROL_CLIENTS_MAX];
	struct control_stats stats;
};

static int epoll_set(const struct control *c, int operation, int fd, uint32_t events, uint32_t what)
{
	struct epoll_event ev = {.events = events, .data.u32 = what};

	return epoll_ctl(c->epoll_fd, operation, fd, &ev) ? -errno : 0;
}

/* Start or stop the timer, which ticks each second. The timer runs while there are clients, or
 * while the listener is paused. */
static void timer_run(const struct control *c, bool is_running)
{
	struct itimerspec spec = {0};

	spec.it_interval.tv_sec = is_running;
	spec.it_value.tv_sec = is_running;
	timerfd_settime(c->timer_fd, 0, &spec, NULL);
}

/* Read and discard what a client sent after its request, up to a limit. Closing a socket with
 * unread input would reset the connection before the client has read the answer. */
static void client_drain(const struct client *cl)
{
	char scrap[4096];
	int i;

	for (i = 0; i < 16; i++)
		if (recv(cl->fd, scrap, sizeof(scrap), MSG_DONTWAIT) <= 0)
			return;
}

static void client_close(struct control *c, struct client *cl)
{
	client_drain(cl);
	close(cl->fd); /* also removes the descriptor from the epoll set */
	free(cl->out);
	if (cl->is_watcher)
		c->stats.watchers--;
	memset(cl, 0, sizeof(*cl));
	cl->fd = -1;
	if (!--c->stats.clients && !c->is_paused)
		timer_run(c, false);
}

/* Send as much as the socket accepts. Close a client that has disconnected. Also close a client
 * whose answer is sent, unless it is a watcher. */
static void client_flush(struct control *c, struct client *cl)
{
	ssize_t n;

	while (cl->out_sent < cl->out_size) {
		n = send(cl->fd, cl->out + cl->out_sent, cl->out_size - cl->out_sent,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			epoll_set(c, EPOLL_CTL_MOD, cl->fd, EPOLLOUT, (uint32_t)(cl - c->clients));
			return;
		}
		if (n < 0) {
			client_close(c, cl);
			return;
		}
		cl->out_sent += (size_t)n;
		cl->idle_s = 0;
	}
	if (!cl->is_watcher) {
		client_close(c, cl);
		return;
	}
	free(cl->out);
	cl->out = NULL;
	cl->out_size = cl->out_sent = 0;
	/* Nothing is left to send, so request no event. The kernel reports a disconnect (EPOLLHUP)
	 * nevertheless. */
	epoll_set(c, EPOLL_CTL_MOD, cl->fd, 0, (uint32_t)(cl - c->clients));
}

/* Queue text and a newline. Return 0 or -ENOMEM. */
static int client_queue(struct client *cl, const char *text)
{
	size_t left = cl->out_size - cl->out_sent, size = strlen(text);
	char *out = malloc(left + size + 1);

	if (!out)
		return -ENOMEM;
	if (left)
		memcpy(out, cl->out + cl->out_sent, left);
	memcpy(out + left, text, size);
	out[left + size] = '\n';
	free(cl->out);
	cl->out = out;
	cl->out_size = left + size + 1;
	cl->out_sent = 0;
	return 0;
}

static void client_answer(struct control *c, struct client *cl, const char *text)
{
	cl->idle_s = 0;
	if (client_queue(cl, text))
		client_close(c, cl);
	else
		client_flush(c, cl);
}

static void client_answer_error(struct control *c, struct client *cl, const char *message)
{
	json_t *answer = json_pack("{s:s}", "error", message);
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

	client_answer(c, cl, text ? text : "{\"error\":\"out of memory\"}");
	free(text);
	json_decref(answer);
}

static void client_refuse_request(struct control *c, struct client *cl, const char *message)
{
	c->stats.bad_requests++;
	client_answer_error(c, cl, message);
}

static void client_watch(struct control *c, struct client *cl)
{
	if (c->stats.watchers >= CONTROL_WATCHERS_MAX) {
		c->stats.refused++;
		client_answer_error(c, cl,
				    "too many watchers; end one 'waymark watch' and try again");
		return;
	}
	c->stats.watchers++;
	cl->is_watcher = true;
	epoll_set(c, EPOLL_CTL_MOD, cl->fd, 0, (uint32_t)(cl - c->clients));
}

void control_set_judge(struct control *c, control_judge_fn *judge)
{
	c->judge = judge;
}

static void client_run(struct control *c, struct client *cl, const char *command)
{
	char *answer, message[160];
	int err;

	if (c->judge && !c->judge(&cl->peer, command)) {
		client_refuse_request(
			c, cl,
			"permission denied: only root and the daemon's user may change "
			"anything; try again with sudo");
		return;
	}
	if (!strcmp(command, "watch")) {
		client_watch(c, cl);
		return;
	}
	errno = 0;
	answer = c->handler(c->data, command, &cl->peer);
	err = errno;
	if (answer) {
		client_answer(c, cl, answer);
		free(answer);
	} else if (err == ENOENT) {
		snprintf(message, sizeof(message), "unknown command: %.100s", command);
		client_refuse_request(c, cl, message);
	} else {
		client_answer_error(c, cl, strerror(err ? err : EIO));
	}
}

/* Run the complete request in cl->request[0..size). */
static void client_request(struct control *c, struct client *cl, size_t size)
{
	json_t *request = json_loadb(cl->request, size, 0, NULL);
	const char *command = json_string_value(json_object_get(request, "command"));

	cl->has_request = true;
	if (command)
		client_run(c, cl, command);
	else
		client_refuse_request(c, cl,
				      "invalid request: expected one line: {\"command\":\"NAME\"}");
	json_decref(request);
}

static void client_read(struct control *c, struct client *cl)
{
	size_t room = sizeof(cl->request) - cl->request_size;
	char *start = cl->request + cl->request_size, *end;
	ssize_t n = recv(cl->fd, start, room, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 || (!n && !cl->request_size)) {
		client_close(c, cl);
		return;
	}
	cl->request_size += (size_t)n;
	end = memchr(start, '\n', (size_t)n);
	if (end)
		client_request(c, cl, (size_t)(end - cl->request));
	else if (!n) /* the end of input ends the request, too */
		client_request(c, cl, cl->request_size);
	else if (cl->request_size == sizeof(cl->request))
		client_refuse_request(c, cl, "the request is too long");
}

static void client_ready(struct control *c, struct client *cl, uint32_t events)
{
	if (cl->fd < 0)
		return;
	if (cl->has_request && (events & (EPOLLHUP | EPOLLERR)))
		client_close(c, cl);
	else if (!cl->has_request)
		client_read(c, cl);
	else
		client_flush(c, cl);
}

static struct client *client_free_place(struct control *c)
{
	int i;

	for (i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (c->clients[i].fd < 0)
			return &c->clients[i];
	return NULL;
}

/* Stop accepting clients until the next tick. Called when accept() fails because descriptors or
 * memory are short: the waiting client would keep the listener ready, and the loop busy. */
static void listener_pause(struct control *c)
{
	c->is_paused = true;
	epoll_set(c, EPOLL_CTL_MOD, c->socket.fd, 0, EVENT_LISTENER);
	timer_run(c, true);
}

static void listener_resume(struct control *c)
{
	c->is_paused = false;
	epoll_set(c, EPOLL_CTL_MOD, c->socket.fd, EPOLLIN, EVENT_LISTENER);
	timer_run(c, c->stats.clients > 0);
}

static struct control_peer peer_read(int fd)
{
	struct ucred cred = {.uid = (uid_t)-1};
	socklen_t size = sizeof(cred);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size);
	return (struct control_peer){.uid = cred.uid, .pid = cred.pid};
}

/* Return whether this user already has CONTROL_CLIENTS_A_USER clients. The limit leaves room for
 * other users. Root and waymarkd's user have no limit. */
static bool is_user_full(const struct control *c, uid_t uid)
{
	int i, n = 0;

	if (uid == 0 || uid == geteuid())
		return false;
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++)
		n += c->clients[i].fd >= 0 && c->clients[i].peer.uid == uid;
	return n >= CONTROL_CLIENTS_A_USER;
}

static void listener_accept(struct control *c)
{
	static const char full[] = "{\"error\":\"too many clients; try again\"}\n";
	int fd = accept4(c->socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *cl = client_free_place(c);

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			listener_pause(c);
		return;
	}
	if (!cl || is_user_full(c, peer_read(fd).uid)) {
		c->stats.refused++;
		(void)!send(fd, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		close(fd);
		return;
	}
	if (epoll_set(c, EPOLL_CTL_ADD, fd, EPOLLIN, (uint32_t)(cl - c->clients))) {
		close(fd);
		return;
	}
	cl->fd = fd;
	cl->peer = peer_read(fd);
	c->stats.accepted++;
	if (!c->stats.clients++)
		timer_run(c, true);
}

static void timer_tick(struct control *c)
{
	uint64_t ticks;
	int i;

	if (read(c->timer_fd, &ticks, sizeof(ticks)) != sizeof(ticks))
		return;
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *cl = &c->clients[i];

		if (cl->fd < 0 || (cl->is_watcher && !cl->out_size))
			continue;
		cl->idle_s += (unsigned)ticks;
		if (cl->idle_s < CONTROL_PATIENCE_S)
			continue;
		c->stats.dropped_slow++;
		client_close(c, cl);
	}
	if (c->is_paused)
		listener_resume(c);
}

struct control *control_open(const char *path, control_handler_fn *fn, void *data)
{
	struct control *c = calloc(1, sizeof(*c));
	int i, err;

	if (!c)
		return NULL;
	c->handler = fn;
	c->data = data;
	c->timer_fd = -1;
	c->socket.fd = -1;
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++)
		c->clients[i].fd = -1;
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll_fd >= 0)
		c->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	err = c->timer_fd < 0 ? -errno : control_socket_open(&c->socket, path);
	if (!err)
		err = epoll_set(c, EPOLL_CTL_ADD, c->socket.fd, EPOLLIN, EVENT_LISTENER);
	if (!err)
		err = epoll_set(c, EPOLL_CTL_ADD, c->timer_fd, EPOLLIN, EVENT_TIMER);
	if (!err)
		return c;
	control_close(c);
	errno = -err;
	return NULL;
}

void control_close(struct control *c)
{
	int i;

	if (!c)
		return;
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (c->clients[i].fd >= 0)
			client_close(c, &c->clients[i]);
	control_socket_close(&c->socket);
	if (c->timer_fd >= 0)
		close(c->timer_fd);
	if (c->epoll_fd >= 0)
		close(c->epoll_fd);
	free(c);
}

int control_fd(const struct control *c)
{
	return c->epoll_fd;
}

int control_process(struct control *c)
{
	struct epoll_event ev;
	int n, i;

	/* Fetch one event at a time. Serving an event can close another client and give its entry
	 * to a new client. If events were fetched together, an event for the closed client could
	 * then reach the new client. */
	for (i = 0; i < EVENTS_A_CALL; i++) {
		n = epoll_wait(c->epoll_fd, &ev, 1, 0);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n <= 0)
			return 0;
		if (ev.data.u32 == EVENT_LISTENER)
			listener_accept(c);
		else if (ev.data.u32 == EVENT_TIMER)
			timer_tick(c);
		else
			client_ready(c, &c->clients[ev.data.u32], ev.events);
	}
	return 0;
}

bool control_has_watchers(const struct control *c)
{
	return c->stats.watchers > 0;
}

void control_broadcast(struct control *c, const char *line)
{
	int i;

	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *cl = &c->clients[i];

		if (cl->fd < 0 || !cl->is_watcher)
			continue;
		if (cl->out_size - cl->out_sent > CONTROL_WATCH_QUEUE_MAX ||
		    client_queue(cl, line)) {
			c->stats.dropped_slow++;
			client_close(c, cl);
			continue;
		}
		client_flush(c, cl);
	}
}

void control_stats(const struct control *c, struct control_stats *out)
{
	*out = c->stats;
}
