/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * thread.h - starts threads that run beside the event loop, and prepares waits that have a timeout.
 */
#ifndef WAYMARK_BASE_THREAD_H
#define WAYMARK_BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* Start a thread with all signals blocked, so that the event loop's thread gets the signals. If
 * `thread` is NULL, the new thread is detached. Return 0 or -errno. */
int thread_start(pthread_t *thread, void *(*run)(void *data), void *data);
/* Initialize a condition variable whose timed waits use CLOCK_MONOTONIC. */
void thread_cond_init(pthread_cond_t *cond);
/* Convert a time of CLOCK_MONOTONIC in milliseconds to the deadline of a timed wait. */
struct timespec thread_deadline(int64_t ms);

#endif
