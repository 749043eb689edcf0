/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * thread.c - starts threads that receive no signals, and creates condition variables whose timeouts
 * use CLOCK_MONOTONIC.
 */
#include "waymark/base/thread.h"

#include <signal.h>

int thread_start(pthread_t *thread, void *(*run)(void *data), void *data)
{
	sigset_t all, before;
	pthread_t own = 0;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(thread ? thread : &own, NULL, run, data);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err && !thread)
		pthread_detach(own);
	return -err;
}

void thread_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t steady;

	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &steady);
	pthread_condattr_destroy(&steady);
}

struct timespec thread_deadline(int64_t ms)
{
	return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
}
