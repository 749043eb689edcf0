/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * talker.c - waymarkd's side of the channel to the talker.
 *
 * A ping per second shows whether the worker answers. The listening socket is kept here and sent
 * again whenever a new worker starts. webhook_sink.c then sends the webhook's settings and alerts
 * again.
 */
#include "waymark/talker/talker.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "talker/channel.h"
#include "talker/listen.h"
#include "talker/spawner.h"
#include "talker/talker_internal.h"
#include "waymark/base/clock.h"

#define CHANNEL_BYTES	(1024 * 1024)
#define FRAMES_PER_TURN 64
#define LINES_PER_TICK	20 /* how many lines of output are logged per tick; the rest is dropped */
#define PING_MS		1000
#define SILENT_MS	5000
#define STOP_MS		6500

struct talker {
	int fd; /* -1: the talker has exited */
	pid_t spawner;
	uint32_t generation; /* generation of the current worker; 0: no worker has started yet */
	enum talker_state state;
	/* when the last ping was sent (0: never), and when the worker last answered */
	int64_t ping_ms, heard_ms;
	int64_t pings;
	bool is_stopped;
	unsigned lines_left;
	int listen_fd; /* -1: none */
	bool is_listen_unsent;
	struct talker_events events;
	struct talker_webhook_events webhook;
	struct worker_status status, read[READERS];
	int64_t programs_lost; /* programs that were running when their worker died; 0 again after
			        * they have been counted as failed */
	uint64_t restarts;
	struct frame frame;
};

/* --- start ----------------------------------------------------------------------------- */

static int user_find(struct talker_user *user, struct spawn_user *found)
{
	const struct passwd *entry;

	*found = (struct spawn_user){0};
	user->is_changed = false;
	if (!user->name || geteuid() != 0)
		return 0;
	errno = 0;
	entry = getpwnam(user->name);
	if (!entry)
		return errno == ENOMEM ? -ENOMEM : -ENOENT;
	*found = (struct spawn_user){true, entry->pw_uid, entry->pw_gid};
	user->is_changed = entry->pw_uid != 0;
	return 0;
}

/* Wait for FRAME_READY and return its number. The spawner sends the frame at once or exits. */
static int ready_await(struct talker *t)
{
	struct pollfd end = {.fd = t->fd, .events = POLLIN};
	int passed_fd, err;

	while (poll(&end, 1, -1) < 0 && errno == EINTR)
		;
	err = channel_receive(t->fd, &t->frame, &passed_fd);
	if (!err && t->frame.type != FRAME_READY)
		err = -EBADMSG;
	return err ? err : (int)t->frame.number;
}

static int spawner_fork(struct talker *t, const struct spawn_user *user)
{
	int ends[2], err = channel_open(ends, CHANNEL_BYTES);

	if (err)
		return err;
	t->spawner = fork();
	if (t->spawner == 0)
		spawner_run(ends[1], user);
	close(ends[1]);
	t->fd = ends[0];
	if (t->spawner < 0)
		return -errno;
	return ready_await(t);
}

static int talker_open(struct talker *t, struct talker_user *user)
{
	struct spawn_user found;
	int err = user_find(user, &found);

	t->fd = t->listen_fd = -1;
	if (!err)
		err = spawner_fork(t, &found);
	/* In a user namespace that maps only root, setting another user fails with EINVAL: keep the
	 * user of this process. */
	if (err == -EINVAL && found.is_set) {
		talker_stop(t);
		found.is_set = false;
		user->is_changed = false;
		err = spawner_fork(t, &found);
	}
	return err;
}

struct talker *talker_start(struct talker_user *user)
{
	struct talker *t = calloc(1, sizeof(*t));
	int err = t ? talker_open(t, user) : -ENOMEM;

	if (!err)
		return t;
	talker_free(t);
	errno = -err;
	return NULL;
}

void talker_set_events(struct talker *t, const struct talker_events *events)
{
	t->events = *events;
}

void talker_set_webhook(struct talker *t, const struct talker_webhook_events *e)
{
	t->webhook = *e;
}

/* --- state -------------------------------------------------------------------------------- */

static void state_set(struct talker *t, enum talker_state state, const char *why)
{
	if (t->state == state || t->state == TALKER_GONE)
		return;
	t->state = state;
	if (t->events.changed)
		t->events.changed(t->events.data, state, why);
}

static void channel_end(struct talker *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	if (!t->is_stopped)
		state_set(t, TALKER_GONE, "the process that starts it has ended");
}

bool talker_is_working(const struct talker *t)
{
	return t->fd >= 0 && t->state == TALKER_WORKS;
}

uint64_t talker_restarts(const struct talker *t)
{
	return t->restarts;
}

uint32_t talker_generation(const struct talker *t)
{
	return t->generation;
}

int talker_fd(const struct talker *t)
{
	return t->fd;
}

/* --- sending ------------------------------------------------------------------------------- */

struct frame *talker_frame(struct talker *t, enum frame_type type, int64_t number)
{
	frame_begin(&t->frame, type, t->generation, number);
	return &t->frame;
}

int talker_send(struct talker *t, int pass_fd)
{
	return t->fd < 0 ? -EHOSTDOWN : channel_send(t->fd, &t->frame, pass_fd);
}

static void listen_send(struct talker *t)
{
	if (!t->is_listen_unsent || !t->generation)
		return;
	talker_frame(t, FRAME_LISTEN, 0);
	t->is_listen_unsent = talker_send(t, t->listen_fd) != 0;
}

/* Stop listening. The worker holds a copy of the socket, so only a shutdown frees the address at
 * once. */
static void listen_close(struct talker *t)
{
	if (t->listen_fd < 0)
		return;
	shutdown(t->listen_fd, SHUT_RDWR);
	close(t->listen_fd);
	t->listen_fd = -1;
}

int talker_listen(struct talker *t, const struct addr *addr, uint16_t port)
{
	int fd = port ? listen_open(addr, port) : -1;

	if (port && fd < 0)
		return fd;
	listen_close(t);
	t->listen_fd = fd;
	t->is_listen_unsent = true;
	listen_send(t);
	return 0;
}

int talker_check(struct talker *t, int64_t number, const char *path, char *const *environment,
		 uint32_t limit_ms)
{
	struct frame *f = talker_frame(t, FRAME_CHECK, number);

	if (!talker_is_working(t))
		return -EHOSTDOWN;
	frame_put(f, path);
	frame_put_number(f, limit_ms);
	for (; *environment; environment++)
		frame_put(f, *environment);
	return talker_send(t, -1);
}

/* Send the page in parts. If a part does not fit into the channel, do not send the rest. The worker
 * never uses an incomplete page, and asks for the page again when another client requests it. If
 * `text` is NULL, there is no page. */
static void page_send(struct talker *t, const char *text)
{
	size_t left = text ? strlen(text) : 0;
	int64_t flags = PAGE_FIRST;
	int err = 0;

	do {
		size_t n = left < PAGE_PART_BYTES ? left : PAGE_PART_BYTES;
		char part[PAGE_PART_BYTES + 1];

		left -= n;
		talker_frame(t, FRAME_PAGE, flags | (left ? 0 : PAGE_LAST));
		if (text) {
			memcpy(part, text, n);
			part[n] = '\0';
			frame_put(&t->frame, part);
			text += n;
		}
		err = talker_send(t, -1);
		flags = 0;
	} while (left && !err);
}

static void page_answer(struct talker *t)
{
	char *text = t->events.page ? t->events.page(t->events.data) : NULL;

	page_send(t, text);
	free(text);
}

/* --- receiving ------------------------------------------------------------------------------ */

static void started_take(struct talker *t)
{
	bool is_first = !t->generation;

	t->generation = t->frame.generation;
	t->programs_lost += t->status.programs;
	memset(&t->status, 0, sizeof(t->status));
	memset(t->read, 0, sizeof(t->read));
	t->heard_ms = clock_steady_ms();
	t->is_listen_unsent = t->listen_fd >= 0;
	listen_send(t);
	if (t->webhook.started)
		t->webhook.started(t->webhook.data);
	t->restarts += !is_first;
	if (!is_first)
		state_set(t, TALKER_WORKS, "a new one runs");
}

/* Handle a frame of the current worker. */
static void worker_frame_take(struct talker *t)
{
	const char *text;

	switch (t->frame.type) {
	case FRAME_PONG:
		t->heard_ms = clock_steady_ms();
		if (t->state == TALKER_SILENT)
			state_set(t, TALKER_WORKS, "it answers again");
		break;
	case FRAME_CHECKED:
		text = frame_next(&t->frame);
		if (text && t->events.checked)
			t->events.checked(t->events.data, t->frame.number, text);
		break;
	case FRAME_SETTLED:
		if (t->webhook.settled)
			t->webhook.settled(t->webhook.data, t->frame.number);
		break;
	case FRAME_STATUS:
		worker_status_read(&t->status, &t->frame);
		break;
	case FRAME_ASK:
		page_answer(t);
		break;
	case FRAME_STOPPED:
		t->is_stopped = true;
		break;
	default:
		break;
	}
}

static void log_take(struct talker *t)
{
	const char *text = frame_next(&t->frame);

	if (!text || !t->events.output || !t->lines_left)
		return;
	t->lines_left--;
	t->events.output(t->events.data, text);
}

static void frame_take(struct talker *t)
{
	const char *why;

	if (t->frame.type == FRAME_STARTED) {
		started_take(t);
	} else if (t->frame.type == FRAME_DIED) {
		why = frame_next(&t->frame);
		state_set(t, TALKER_DEAD, why ? why : "it ended");
	} else if (t->frame.type == FRAME_LOG) {
		log_take(t);
	} else if (t->frame.generation == t->generation) {
		worker_frame_take(t);
	}
}

void talker_process(struct talker *t)
{
	for (int turn = 0; turn < FRAMES_PER_TURN && t->fd >= 0; turn++) {
		int passed_fd, err = channel_receive(t->fd, &t->frame, &passed_fd);

		if (passed_fd >= 0)
			close(passed_fd);
		if (err == -EBADMSG)
			continue;
		if (err == -EPIPE)
			channel_end(t);
		if (err)
			return;
		frame_take(t);
	}
}

/* Send a ping every second, and note when the worker has not answered for SILENT_MS. If the channel
 * is full, the ping is not sent; this counts like a missing answer. */
static void ping(struct talker *t, int64_t now_ms)
{
	if (!t->generation || now_ms - t->ping_ms < PING_MS)
		return;
	/* If waymarkd itself stalled, restart the time limit for the answer. */
	if (now_ms - t->ping_ms > 2 * PING_MS)
		t->heard_ms = now_ms;
	t->ping_ms = now_ms;
	talker_frame(t, FRAME_PING, ++t->pings);
	talker_send(t, -1);
	if (t->state == TALKER_WORKS && now_ms - t->heard_ms >= SILENT_MS)
		state_set(t, TALKER_SILENT, "it does not answer");
}

void talker_tick(struct talker *t, int64_t now_ms)
{
	t->lines_left = LINES_PER_TICK;
	if (t->fd < 0)
		return;
	ping(t, now_ms);
	listen_send(t);
}

/* --- counters --------------------------------------------------------------------------------- */

struct worker_status talker_status_news(struct talker *t, enum talker_reader reader)
{
	struct worker_status news = t->status, *before = &t->read[reader];

	news.programs_failed -= before->programs_failed;
	news.delivered -= before->delivered;
	news.retries -= before->retries;
	news.dropped -= before->dropped;
	*before = t->status;
	if (reader == READER_EXEC && t->programs_lost) {
		news.programs_failed += t->programs_lost;
		t->programs_lost = 0;
		snprintf(news.program_error, sizeof(news.program_error),
			 "alert exec: waymark-talker died; its running programs were killed");
	}
	return news;
}

int64_t talker_programs(const struct talker *t)
{
	return t->status.programs;
}

void talker_webhook_error(const struct talker *t, char *buf, size_t size)
{
	snprintf(buf, size, "%s", t->status.webhook_error);
}

/* --- stop -------------------------------------------------------------------------------------- */

static void stopped_await(struct talker *t)
{
	int64_t until_ms = clock_steady_ms() + STOP_MS, left_ms;

	while (t->fd >= 0 && !t->is_stopped && (left_ms = until_ms - clock_steady_ms()) > 0) {
		struct pollfd end = {.fd = t->fd, .events = POLLIN};

		if (poll(&end, 1, (int)left_ms) > 0)
			talker_process(t);
	}
}

/* Stop the worker and the spawner. If the worker does not confirm that it stopped, kill the
 * spawner; the kernel then kills the worker (PR_SET_PDEATHSIG). */
void talker_stop(struct talker *t)
{
	bool is_done;

	if (!t)
		return;
	listen_close(t);
	talker_frame(t, FRAME_STOP, 0);
	if (t->generation && talker_is_working(t) && talker_send(t, -1) == 0)
		stopped_await(t);
	is_done = t->is_stopped;
	t->is_stopped = true;
	channel_end(t);
	if (t->spawner > 0 && !is_done)
		kill(t->spawner, SIGKILL);
	if (t->spawner > 0)
		waitpid(t->spawner, NULL, 0);
	t->spawner = 0;
	t->is_stopped = false;
}

void talker_free(struct talker *t)
{
	if (!t)
		return;
	t->events = (struct talker_events){0};
	t->webhook = (struct talker_webhook_events){0};
	talker_stop(t);
	free(t);
}
