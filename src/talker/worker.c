/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker.c - runs one loop that handles frames from waymarkd, programs that run, results of the
 * webhook, and HTTP clients. If the channel to waymarkd is full, a frame is dropped. Only counters
 * and the ids of settled alerts (see FRAME_SETTLED) are sent again later.
 */
#include "talker/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "talker/channel.h"
#include "talker/httpd.h"
#include "talker/worker_checks.h"
#include "waymark/alert/exec.h"
#include "waymark/alert/sink.h"
#include "waymark/alert/webhook.h"
#include "waymark/base/clock.h"
#include "waymark/status/metrics.h"

#define TICK_MS		100  /* maximum sleep while a program runs, or a client or an alert waits */
#define IDLE_MS		1000 /* maximum sleep otherwise */
#define FRAMES_PER_TURN 256
#define VARIABLES_MAX	128
#define HEADERS_MAX	64
#define PAGE_BYTES_MAX	(4u * 1024 * 1024)

struct worker {
	int channel, signal_fd;
	uint32_t generation;
	bool is_stopping;
	struct exec *exec;
	struct sink_status exec_status;
	struct webhook *webhook;
	struct worker_checks *checks;
	struct httpd *httpd;
	struct worker_status sent; /* the counters that were sent last */
	/* id of a settled alert that could not be sent because the channel was full; 0: none */
	int64_t unsent_id;
	char *page;
	size_t page_bytes;
	struct frame in, out;
};

/* Static, because frames are too large for the stack. */
static struct worker worker;

static int reply(struct worker *w, enum frame_type type, int64_t number, const char *text)
{
	frame_begin(&w->out, type, w->generation, number);
	if (text)
		frame_put(&w->out, text);
	return channel_send(w->channel, &w->out, -1);
}

static void on_output(void *data, const char *path, const char *line)
{
	char text[512];

	snprintf(text, sizeof(text), "%s: %s", path, line);
	reply(data, FRAME_LOG, 0, text);
}

static void on_checked(void *data, int64_t number, const char *result)
{
	reply(data, FRAME_CHECKED, number, result);
}

static void on_ask(void *data)
{
	reply(data, FRAME_ASK, 0, NULL);
}

/* --- frames ------------------------------------------------------------------------------ */

static void program_take(struct worker *w)
{
	const char *path = frame_next(&w->in), *line = frame_next(&w->in);
	char *environment[VARIABLES_MAX];

	frame_rest(&w->in, environment, VARIABLES_MAX);
	if (path && line)
		exec_run(w->exec, path, environment, line);
}

static void check_take(struct worker *w)
{
	const char *path = frame_next(&w->in);
	int64_t limit_ms = frame_next_number(&w->in);
	char *environment[VARIABLES_MAX];

	frame_rest(&w->in, environment, VARIABLES_MAX);
	if (path)
		worker_checks_run(w->checks, w->in.number, path, environment,
				  clock_steady_ms() + limit_ms);
}

static void webhook_take(struct worker *w)
{
	const char *url = frame_next(&w->in);
	char *headers[HEADERS_MAX];
	struct alert_config c = {.webhook = (char *)(uintptr_t)url,
				 .webhook_headers = headers,
				 .webhook_timeout_s = (uint32_t)w->in.number};
	int err;

	frame_rest(&w->in, headers, HEADERS_MAX);
	err = webhook_set(w->webhook, &c);
	if (err)
		reply(w, FRAME_LOG, 0, strerror(-err));
}

static void post_take(struct worker *w)
{
	const char *body = frame_next(&w->in);
	int err = body ? webhook_push(w->webhook, w->in.number, body) : 0;

	if (err)
		reply(w, FRAME_LOG, 0, strerror(-err));
}

static void page_clear(struct worker *w)
{
	free(w->page);
	w->page = NULL;
	w->page_bytes = 0;
}

static void page_append(struct worker *w, const char *part)
{
	size_t n = strlen(part);
	char *page = NULL;

	if (w->page_bytes + n < PAGE_BYTES_MAX)
		page = realloc(w->page, w->page_bytes + n + 1);
	if (!page) {
		page_clear(w);
		return;
	}
	memcpy(page + w->page_bytes, part, n + 1);
	w->page = page;
	w->page_bytes += n;
}

static void page_take(struct worker *w)
{
	const char *part = frame_next(&w->in);

	if (w->in.number & PAGE_FIRST)
		page_clear(w);
	if (part && (w->in.number & PAGE_FIRST || w->page))
		page_append(w, part);
	if (!(w->in.number & PAGE_LAST))
		return;
	httpd_answer(w->httpd, w->page);
	page_clear(w);
}

/* Handle a frame. The program of a FRAME_PROGRAM is run even if waymarkd sent the frame to an
 * earlier worker that has died. Other frames that were sent to an earlier worker are ignored. When
 * a new worker starts, waymarkd sends it the listening socket, the webhook's settings, and the
 * alerts for the webhook again, but not the checks. */
static void frame_take(struct worker *w, int passed_fd)
{
	if (w->in.type == FRAME_PROGRAM)
		program_take(w);
	if (w->in.generation != w->generation) {
		if (passed_fd >= 0)
			close(passed_fd);
		return;
	}
	if (w->in.type == FRAME_LISTEN)
		httpd_listen(w->httpd, passed_fd);
	else if (passed_fd >= 0)
		close(passed_fd);
	if (w->in.type == FRAME_PING)
		reply(w, FRAME_PONG, w->in.number, NULL);
	if (w->in.type == FRAME_CHECK)
		check_take(w);
	if (w->in.type == FRAME_WEBHOOK)
		webhook_take(w);
	if (w->in.type == FRAME_POST)
		post_take(w);
	if (w->in.type == FRAME_PAGE)
		page_take(w);
	if (w->in.type == FRAME_STOP)
		w->is_stopping = true;
}

static void frames_take(struct worker *w)
{
	int passed_fd;

	for (int turn = 0; turn < FRAMES_PER_TURN && !w->is_stopping; turn++) {
		int err = channel_receive(w->channel, &w->in, &passed_fd);

		if (err == -EBADMSG)
			continue;
		if (err == -EPIPE)
			w->is_stopping = true;
		if (err)
			return;
		frame_take(w, passed_fd);
	}
}

/* --- reports to waymarkd ------------------------------------------------------------------- */

static void status_fill(const struct worker *w, struct worker_status *s)
{
	struct webhook_stats ws;

	webhook_stats(w->webhook, &ws);
	memset(s, 0, sizeof(*s));
	s->programs = exec_children(w->exec);
	s->programs_failed = (int64_t)w->exec_status.failed;
	s->delivered = (int64_t)ws.delivered;
	s->retries = (int64_t)ws.retries;
	s->dropped = (int64_t)ws.dropped;
	snprintf(s->program_error, sizeof(s->program_error), "%s", w->exec_status.last_error);
	snprintf(s->webhook_error, sizeof(s->webhook_error), "%s", ws.last_error);
}

static void status_send(struct worker *w)
{
	struct worker_status now;

	status_fill(w, &now);
	if (memcmp(&now, &w->sent, sizeof(now)) == 0)
		return;
	frame_begin(&w->out, FRAME_STATUS, w->generation, 0);
	worker_status_put(&now, &w->out);
	if (channel_send(w->channel, &w->out, -1) == 0)
		w->sent = now;
}

/* Report the ids of settled alerts. First send the counters that already include the alert, so that
 * waymarkd's counters include each alert that waymarkd knows to be settled. */
static void settled_send(struct worker *w)
{
	int64_t id;

	while ((id = w->unsent_id ? w->unsent_id : webhook_settled(w->webhook))) {
		status_send(w);
		w->unsent_id = reply(w, FRAME_SETTLED, id, NULL) == -EAGAIN ? id : 0;
		if (w->unsent_id)
			return;
	}
}

/* --- the loop --------------------------------------------------------------------------------- */

static bool is_busy(const struct worker *w)
{
	struct webhook_stats ws;

	webhook_stats(w->webhook, &ws);
	return ws.pending || w->unsent_id || exec_children(w->exec) ||
	       worker_checks_running(w->checks) || httpd_clients(w->httpd);
}

static void signals_drain(struct worker *w)
{
	struct signalfd_siginfo info;

	while (read(w->signal_fd, &info, sizeof(info)) == sizeof(info))
		;
}

static void turn(struct worker *w)
{
	struct pollfd fds[] = {{.fd = w->channel, .events = POLLIN},
			       {.fd = httpd_fd(w->httpd), .events = POLLIN},
			       {.fd = w->signal_fd, .events = POLLIN}};
	int64_t now_ms;

	poll(fds, sizeof(fds) / sizeof(fds[0]), is_busy(w) ? TICK_MS : IDLE_MS);
	now_ms = clock_steady_ms();
	signals_drain(w);
	frames_take(w);
	httpd_process(w->httpd, now_ms);
	httpd_tick(w->httpd, now_ms);
	exec_tick(w->exec, now_ms);
	worker_checks_tick(w->checks, now_ms);
	settled_send(w);
	status_send(w);
}

static int worker_open(struct worker *w)
{
	struct httpd_page page = {"/metrics", METRICS_TYPE, on_ask, w};
	sigset_t children;

	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	w->signal_fd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
	w->exec = exec_new(&w->exec_status);
	w->webhook = webhook_new();
	w->checks = worker_checks_new(on_checked, on_output, w);
	w->httpd = httpd_new(&page);
	if (w->signal_fd < 0 || !w->exec || !w->webhook || !w->checks || !w->httpd)
		return -ENOMEM;
	exec_set_output(w->exec, on_output, w);
	return 0;
}

/* Stop everything. Report alerts that the webhook delivered while it was stopping. */
static void worker_close(struct worker *w)
{
	worker_checks_free(w->checks);
	httpd_free(w->httpd);
	webhook_stop(w->webhook);
	settled_send(w);
	exec_free(w->exec);
	reply(w, FRAME_STOPPED, 0, NULL);
}

void worker_run(int channel, uint32_t generation)
{
	struct worker *w = &worker;

	w->channel = channel;
	w->generation = generation;
	if (worker_open(w) || reply(w, FRAME_STARTED, 0, NULL))
		_exit(1);
	while (!w->is_stopping)
		turn(w);
	worker_close(w);
	_exit(0);
}
