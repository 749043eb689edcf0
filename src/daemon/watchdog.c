/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watchdog.c - a thread that logs each stall of the event loop once, while the loop is stalled. The
 * end of a stall is not logged, because the loop's next log lines show that it runs again.
 */
#include "daemon/watchdog.h"

#include <inttypes.h>
#include <pthread.h>
#include <time.h>

#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/notify.h"
#include "waymark/base/clock.h"
#include "waymark/base/thread.h"

#define LOOK_MS	 250
#define STALL_MS 1000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct loop *watched; /* guarded by `lock`; NULL: no loop is watched */

void watchdog_feed(void)
{
	notify_beat();
}

/* Return the name of the source that the loop serves now, and set *since_ms to when this began
 * (loop_doing()). Return NULL if the loop waits or is not watched. */
static const char *doing_read(int64_t *since_ms)
{
	const char *doing = NULL;

	pthread_mutex_lock(&lock);
	if (watched)
		doing = loop_doing(watched, since_ms);
	pthread_mutex_unlock(&lock);
	return doing;
}

static void *thread_run(void *unused)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
	int64_t reported_ms = 0, since_ms;

	(void)unused;
	for (;;) {
		const char *doing;

		nanosleep(&pause, NULL);
		doing = doing_read(&since_ms);
		if (!doing || since_ms == reported_ms || clock_steady_ms() - since_ms < STALL_MS)
			continue;
		reported_ms = since_ms;
		log_warning("the event loop is stalled: busy with %s for %" PRId64 " ms", doing,
			    clock_steady_ms() - since_ms);
	}
	return NULL;
}

int watchdog_start(const struct loop *l)
{
	watched = l;
	return thread_start(NULL, thread_run, NULL);
}

void watchdog_stop(void)
{
	pthread_mutex_lock(&lock);
	watched = NULL;
	pthread_mutex_unlock(&lock);
}
