/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk_worker.h - a thread that accesses files on behalf of an event loop, which must not
 * block when a disk does not respond.
 */
#ifndef WAYMARK_BASE_DISK_WORKER_H
#define WAYMARK_BASE_DISK_WORKER_H

#include <stdint.h>

/* Maximum time that a caller waits for the result of a job. */
#define DISK_WORKER_PATIENCE_MS 200
/* Maximum number of queued jobs, including the job that runs. */
#define DISK_WORKER_JOBS_MAX 1000

struct disk_worker;

/* Process a file in the worker's thread. Return 0 or -errno. */
typedef int disk_job_fn(const char *path, const char *text);

/* Start a worker. Return NULL with errno on failure. */
struct disk_worker *disk_worker_new(void);
/* Queue a job and wait up to DISK_WORKER_PATIENCE_MS for its result. If an earlier job has not
 * ended, do not wait. Return the result of the job, which is 0 or -errno; -EINPROGRESS if the job
 * will run later; -ENOBUFS if the queue is full and the job was dropped; -ENOMEM. text may be
 * NULL. */
int disk_worker_run(struct disk_worker *w, disk_job_fn *job, const char *path, const char *text);

/* The jobs whose result no caller got: the caller had stopped waiting, or had not waited. */
struct disk_worker_late {
	uint64_t done, failed;
	int error; /* -errno of the last failed job */
};
/* Copy the counts since the previous call to *out, and set them to 0. */
void disk_worker_late(struct disk_worker *w, struct disk_worker_late *out);

/* Stop the worker. Wait up to DISK_WORKER_PATIENCE_MS for queued jobs, then drop the jobs that have
 * not started. w may be NULL. */
void disk_worker_free(struct disk_worker *w);

#endif
