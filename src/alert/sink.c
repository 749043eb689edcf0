/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sink.c - the table of sinks. Add a new sink here. */
#include <stddef.h>

#include "waymark/alert/sink.h"

/* Each sink is defined in its own file. */
extern const struct sink exec_sink, jsonl_sink, system_log_sink, webhook_sink;

const struct sink *const sink_table[SINKS_MAX] = {
	&system_log_sink, &jsonl_sink, &exec_sink, &webhook_sink, NULL,
};
