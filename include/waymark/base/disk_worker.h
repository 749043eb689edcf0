/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk_worker.h - a thread that accesses files on behalf of an event loop, which must not
 * block when a disk does not respond.
 */
#ifndef WAYMARK_BASE_DISK_WORKER_H
#define WAYMARK_BASE_DISK_WORKER_H

#include <stdint.h>

/* How long a caller waits at most for the result of a job. */
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
 * has not ended yet; -ENOBUFS if the queue is full and the job was dropped; -ENOMEM. path and text
 * are copied and passed to the job; text can be NULL. */
int disk_worker_run(struct disk_worker *w, disk_job_fn *job, const char *path, const char *text);

/* Counts of the jobs that ended when no caller waited for their result. */
struct disk_worker_late {
	uint64_t done, failed;
	int error; /* -errno of the last failed job */
};
/* Set *out to the counts since the previous call of this function. */
void disk_worker_late(struct disk_worker *w, struct disk_worker_late *out);

/* Stop the worker. Wait up to DISK_WORKER_PATIENCE_MS for queued jobs, then drop the jobs that have
 * not started. If w is NULL, do nothing. */
void disk_worker_free(struct disk_worker *w);

#endif
