/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker.h - the worker, the process that talks to the outside for waymarkd. It runs alert and
 * check programs, delivers to the webhook, and answers scrapes. It reads neither the history nor
 * the configuration: everything it needs comes through the channel.
 */
#ifndef WAYMARK_SRC_TALKER_WORKER_H
#define WAYMARK_SRC_TALKER_WORKER_H

#include <stdint.h>

#include "talker/frame.h"

/* Run until FRAME_STOP arrives or waymarkd has exited. */
void __attribute__((noreturn)) worker_run(int channel, uint32_t generation);

/* The contents of FRAME_STATUS. Counters begin at 0 when the worker starts. */
struct worker_status {
	int64_t programs; /* number of alert programs that run now; 0: none run, and none are
			   * queued */
	int64_t programs_failed;
	/* of the webhook: delivered alerts, failed requests (each is repeated), dropped alerts */
	int64_t delivered, retries, dropped;
	char program_error[160], webhook_error[160];
};

void worker_status_put(const struct worker_status *s, struct frame *f);
/* Read the counters from a frame. Numbers below 0 become 0. */
void worker_status_read(struct worker_status *s, struct frame *f);

#endif
