/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * httpd.c - the steps of a client's connection: read the request, wait for the page, write the
 * answer, discard further input, close. The wait for the page and the whole connection have time
 * limits.
 */
#include "talker/httpd.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "talker/http_request.h"

#define ACCEPTS_PER_TURN 32
#define EVENTS_PER_TURN	 64
#define LISTEN_PAUSE_MS	 1000
#define ASK_AGAIN_MS	 1000
/* data.u32 in epoll events of the listening socket; in events of a client, data.u32 is the client's
 * index, which is lower */
#define LISTENER HTTPD_CLIENTS_MAX

enum client_state { CLIENT_FREE, CLIENT_READS, CLIENT_WAITS, CLIENT_WRITES, CLIENT_ENDS };

struct client {
	enum client_state state;
	int fd;
	int64_t since_ms, waits_ms;
	struct http_request request;
	size_t n_head;
	char *answer;
	size_t n_answer, written;
	char head[HTTP_HEAD_BYTES];
};

struct httpd {
	int epoll_fd, listen_fd;
	int64_t paused_until_ms; /* when to poll the listening socket again; 0: it is being
				  * polled */
	/* asked_ms: when the page was requested from waymarkd; 0: no request is open */
	int64_t now_ms, asked_ms;
	struct httpd_page page;
	struct client clients[HTTPD_CLIENTS_MAX];
};

/* --- clients --------------------------------------------------------------------------- */

static void client_close(struct client *c)
{
	if (c->state == CLIENT_FREE)
		return;
	close(c->fd);
	free(c->answer);
	c->answer = NULL;
	c->state = CLIENT_FREE;
}

static int client_watch(struct httpd *h, struct client *c, int operation, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.u32 = (uint32_t)(c - h->clients)};

	return epoll_ctl(h->epoll_fd, operation, c->fd, &ev) ? -errno : 0;
}

/* Return the client that connected first, among those that have not sent their whole request or
 * read their whole answer. A client that waits for the page does not count, because waymarkd is
 * slow, not the client. Return NULL if there is no such client. */
static struct client *client_slowest(struct httpd *h)
{
	struct client *slowest = NULL;

	for (size_t i = 0; i < HTTPD_CLIENTS_MAX; i++) {
		struct client *c = &h->clients[i];

		if (c->state == CLIENT_FREE || c->state == CLIENT_WAITS)
			continue;
		if (!slowest || c->since_ms < slowest->since_ms)
			slowest = c;
	}
	return slowest;
}

static struct client *client_place(struct httpd *h)
{
	struct client *c;

	for (size_t i = 0; i < HTTPD_CLIENTS_MAX; i++)
		if (h->clients[i].state == CLIENT_FREE)
			return &h->clients[i];
	c = client_slowest(h);
	if (c)
		client_close(c);
	return c;
}

/* --- answers ---------------------------------------------------------------------------- */

static void client_write(struct httpd *h, struct client *c)
{
	while (c->written < c->n_answer) {
		ssize_t n = send(c->fd, c->answer + c->written, c->n_answer - c->written,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			if (client_watch(h, c, EPOLL_CTL_MOD, EPOLLOUT))
				client_close(c);
			return;
		}
		if (n < 0) {
			client_close(c);
			return;
		}
		c->written += (size_t)n;
	}
	/* If the socket were closed now, input that the client still sends would cause a reset, and
	 * the client might lose the answer. */
	c->state = CLIENT_ENDS;
	if (shutdown(c->fd, SHUT_WR) || client_watch(h, c, EPOLL_CTL_MOD, EPOLLIN))
		client_close(c);
}

static void client_answer(struct httpd *h, struct client *c, unsigned status, const char *type,
			  const char *text)
{
	size_t length = strlen(text), body = c->request.is_head ? 0 : length;
	char head[512];
	size_t n = http_answer_head(head, sizeof(head), status, type, length);

	c->answer = malloc(n + body + 1);
	if (!c->answer) {
		client_close(c);
		return;
	}
	memcpy(c->answer, head, n);
	memcpy(c->answer + n, text, body);
	c->n_answer = n + body;
	c->written = 0;
	c->state = CLIENT_WRITES;
	client_write(h, c);
}

static void plain_answer(struct httpd *h, struct client *c, unsigned status, const char *text)
{
	client_answer(h, c, status, "text/plain", text);
}

static void page_want(struct httpd *h, struct client *c)
{
	/* Do not read from a waiting client. If the client disconnects, writing the answer
	 * fails. */
	if (client_watch(h, c, EPOLL_CTL_MOD, 0)) {
		client_close(c);
		return;
	}
	c->state = CLIENT_WAITS;
	c->waits_ms = h->now_ms;
	/* One request to waymarkd serves all waiting clients. Ask again only if waymarkd has not
	 * answered in time. */
	if (h->asked_ms && h->now_ms - h->asked_ms < ASK_AGAIN_MS)
		return;
	h->asked_ms = h->now_ms;
	h->page.ask(h->page.data);
}

void httpd_answer(struct httpd *h, const char *text)
{
	h->asked_ms = 0;
	for (size_t i = 0; i < HTTPD_CLIENTS_MAX; i++) {
		struct client *c = &h->clients[i];

		if (c->state != CLIENT_WAITS)
			continue;
		if (text)
			client_answer(h, c, 200, h->page.type, text);
		else
			plain_answer(h, c, 503, "waymarkd did not answer in time\n");
	}
}

/* --- requests ---------------------------------------------------------------------------- */

/* Answer "/" with a text for people. */
static void index_answer(struct httpd *h, struct client *c)
{
	char text[160];

	snprintf(text, sizeof(text), "Waymark\n\n%s  counters in Prometheus' text format\n",
		 h->page.path);
	plain_answer(h, c, 200, text);
}

static void request_take(struct httpd *h, struct client *c)
{
	int result = http_request_parse(c->head, c->n_head, &c->request);

	if (result == 0)
		return;
	if (result < 0)
		plain_answer(h, c, 400, "bad request\n");
	else if (strcmp(c->request.path, h->page.path) == 0)
		page_want(h, c);
	else if (strcmp(c->request.path, "/") == 0)
		index_answer(h, c);
	else
		plain_answer(h, c, 404, "not found\n");
}

static void client_read(struct httpd *h, struct client *c)
{
	ssize_t n = recv(c->fd, c->head + c->n_head, sizeof(c->head) - c->n_head, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	c->n_head += (size_t)n;
	request_take(h, c);
}

static void client_drain(struct client *c)
{
	char dropped[4096];
	ssize_t n = recv(c->fd, dropped, sizeof(dropped), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN))
		client_close(c);
}

static void client_process(struct httpd *h, struct client *c, uint32_t events)
{
	switch (c->state) {
	case CLIENT_READS:
		client_read(h, c);
		break;
	case CLIENT_WRITES:
		client_write(h, c);
		break;
	case CLIENT_ENDS:
		client_drain(c);
		break;
	case CLIENT_WAITS:
		if (events & (EPOLLHUP | EPOLLERR))
			client_close(c);
		break;
	case CLIENT_FREE:
		break;
	}
}

/* --- the listener ------------------------------------------------------------------------- */

static void listener_watch(struct httpd *h)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = LISTENER};

	h->paused_until_ms = 0;
	if (h->listen_fd >= 0 && epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, h->listen_fd, &ev))
		h->paused_until_ms = h->now_ms + LISTEN_PAUSE_MS;
}

/* Stop polling the listening socket for a while, because no descriptor or no memory is free. The
 * socket stays readable, so polling without a pause would be a busy loop. */
static void listener_pause(struct httpd *h)
{
	epoll_ctl(h->epoll_fd, EPOLL_CTL_DEL, h->listen_fd, NULL);
	h->paused_until_ms = h->now_ms + LISTEN_PAUSE_MS;
}

static void listener_close(struct httpd *h)
{
	if (h->listen_fd >= 0)
		close(h->listen_fd);
	h->listen_fd = -1;
}

/* Handle a failure of accept4(). Return whether the caller must call accept4() again at once. */
static bool accept_failed(struct httpd *h, int error)
{
	struct client *slowest;

	if (error == EAGAIN)
		return false;
	if (error == EINTR || error == ECONNABORTED)
		return true;
	if (error == EINVAL || error == EBADF) { /* waymarkd has shut down the socket */
		listener_close(h);
		return false;
	}
	slowest = client_slowest(h);
	if (slowest)
		client_close(slowest);
	else
		listener_pause(h);
	return slowest != NULL;
}

static void client_add(struct httpd *h, int fd)
{
	struct client *c = client_place(h);

	if (!c) { /* all clients wait for the page */
		close(fd);
		return;
	}
	c->state = CLIENT_READS;
	c->fd = fd;
	c->since_ms = h->now_ms;
	c->n_head = 0;
	c->answer = NULL;
	c->request = (struct http_request){0};
	if (client_watch(h, c, EPOLL_CTL_ADD, EPOLLIN))
		client_close(c);
}

static void clients_accept(struct httpd *h)
{
	for (int turn = 0; turn < ACCEPTS_PER_TURN && h->listen_fd >= 0; turn++) {
		int fd = accept4(h->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			client_add(h, fd);
		else if (!accept_failed(h, errno))
			return;
	}
}

/* --- interface to the worker --------------------------------------------------------------- */

struct httpd *httpd_new(const struct httpd_page *page)
{
	struct httpd *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->page = *page;
	h->listen_fd = -1;
	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (h->epoll_fd >= 0)
		return h;
	free(h);
	return NULL;
}

void httpd_free(struct httpd *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < HTTPD_CLIENTS_MAX; i++)
		client_close(&h->clients[i]);
	listener_close(h);
	close(h->epoll_fd);
	free(h);
}

void httpd_listen(struct httpd *h, int fd)
{
	listener_close(h);
	h->listen_fd = fd;
	listener_watch(h);
}

int httpd_fd(const struct httpd *h)
{
	return h->epoll_fd;
}

/* Serve the existing clients before accepting new ones, because a new client can replace a client
 * that has not been served. */
void httpd_process(struct httpd *h, int64_t now_ms)
{
	struct epoll_event events[EVENTS_PER_TURN];
	int n = epoll_wait(h->epoll_fd, events, EVENTS_PER_TURN, 0);
	bool is_listener = false;

	h->now_ms = now_ms;
	for (int i = 0; i < n; i++) {
		if (events[i].data.u32 == LISTENER)
			is_listener = true;
		else
			client_process(h, &h->clients[events[i].data.u32], events[i].events);
	}
	if (is_listener)
		clients_accept(h);
}

static void client_limit(struct httpd *h, struct client *c)
{
	if (c->state == CLIENT_WAITS) {
		if (h->now_ms - c->waits_ms >= HTTPD_PAGE_MS)
			plain_answer(h, c, 503, "waymarkd did not answer in time\n");
		return;
	}
	if (c->state != CLIENT_FREE && h->now_ms - c->since_ms >= HTTPD_TIMEOUT_MS)
		client_close(c);
}

void httpd_tick(struct httpd *h, int64_t now_ms)
{
	h->now_ms = now_ms;
	for (size_t i = 0; i < HTTPD_CLIENTS_MAX; i++)
		client_limit(h, &h->clients[i]);
	if (h->paused_until_ms && now_ms >= h->paused_until_ms)
		listener_watch(h);
}

unsigned httpd_clients(const struct httpd *h)
{
	unsigned n = 0;

	for (size_t i = 0; i < HTTPD_CLIENTS_MAX; i++)
		n += h->clients[i].state != CLIENT_FREE;
	return n;
}
