/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker.h - the process that talks to the outside for waymarkd: it runs alert and check
 * programs, delivers to the webhook, and answers scrapes. It reads no history and no
 * configuration; what it needs comes through the channel.
 */
#ifndef WAYMARK_SRC_TALKER_WORKER_H
#define WAYMARK_SRC_TALKER_WORKER_H

#include <stdint.h>

#include "talker/frame.h"

/* Run until told to stop, or until waymarkd has exited. */
void __attribute__((noreturn)) worker_run(int channel, uint32_t generation);

/* Contents of FRAME_STATUS, since the worker started. */
struct worker_status {
	int64_t programs; /* that run or wait */
	int64_t programs_failed;
	int64_t delivered, retries, dropped; /* by the webhook */
	char program_error[160], webhook_error[160];
};

void worker_status_put(const struct worker_status *s, struct frame *f);
/* Numbers below 0 become 0. */
void worker_status_read(struct worker_status *s, struct frame *f);

#endif
