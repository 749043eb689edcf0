/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loop.c - an epoll loop that serves its sources in the order of their ranks. */
#include "daemon/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "waymark/base/clock.h"

struct source {
	loop_fn *fn;
	void *data;
};

struct loop {
	int epoll_fd;
	bool is_stopped;
	_Atomic(const char *) doing; /* name of the source that is served; NULL: the loop waits */
	_Atomic int64_t since_ms;    /* when the loop began to serve it */
	struct source source[LOOP_RANKS];
};

/* Names of the sources in the log, by rank. */
static const char *const names[LOOP_RANKS] = {
	[LOOP_PACKETS] = "NFLOG messages",
	[LOOP_EVENTS] = "conntrack events",
	[LOOP_NAMES] = "interface names",
	[LOOP_LINKS] = "links and routes",
	[LOOP_TIMER] = "the timer",
	[LOOP_SIGNALS] = "signals and reload",
	[LOOP_CONTROL] = "the control socket",
	[LOOP_RULESET] = "ruleset notices",
	[LOOP_TALKER] = "waymark-talker",
	[LOOP_DUMP] = "the conntrack table dump",
};

struct loop *loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd >= 0)
		return l;
	free(l);
	return NULL;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	close(l->epoll_fd);
	free(l);
}

int loop_add(struct loop *l, enum loop_rank rank, int fd, loop_fn *fn, void *data)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = rank};

	if (rank >= LOOP_RANKS || l->source[rank].fn)
		return -EINVAL;
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev))
		return -errno;
	l->source[rank] = (struct source){.fn = fn, .data = data};
	return 0;
}

void loop_remove(struct loop *l, enum loop_rank rank, int fd)
{
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	l->source[rank].fn = NULL;
}

static void source_run(struct loop *l, unsigned rank)
{
	l->since_ms = clock_steady_ms();
	l->doing = names[rank];
	l->source[rank].fn(l->source[rank].data);
	l->doing = NULL;
}

const char *loop_doing(const struct loop *l, int64_t *since_ms)
{
	*since_ms = l->since_ms;
	return l->doing;
}

int loop_run(struct loop *l)
{
	struct epoll_event ev[LOOP_RANKS];

	while (!l->is_stopped) {
		int n = epoll_wait(l->epoll_fd, ev, LOOP_RANKS, -1);
		uint32_t ready = 0;

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++)
			ready |= 1u << ev[i].data.u32;
		for (unsigned rank = 0; rank < LOOP_RANKS && !l->is_stopped; rank++) {
			if (ready >> rank & 1 && l->source[rank].fn)
				source_run(l, rank);
		}
	}
	return 0;
}

void loop_stop(struct loop *l)
{
	l->is_stopped = true;
}
