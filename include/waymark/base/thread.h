/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * thread.h - threads beside the event loop's, and waits with a timeout.
 */
#ifndef WAYMARK_BASE_THREAD_H
#define WAYMARK_BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* Start a thread that takes no signal: they are for the thread that has the loop. NULL for
 * thread: it is detached. 0 or -errno. */
int thread_start(pthread_t *thread, void *(*run)(void *data), void *data);
/* Make a condition whose timed waits end by CLOCK_MONOTONIC. */
void thread_cond_init(pthread_cond_t *cond);
/* Return the end of a timed wait: a time in milliseconds of the condition's clock. */
struct timespec thread_deadline(int64_t ms);

#endif
