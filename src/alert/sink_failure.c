/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sink_failure.c - counts the failures of sinks.
 */
#include <stdarg.h>
#include <stdio.h>

#include "waymark/alert/sink.h"

void sink_fail(struct sink_status *s, const char *format, ...)
{
	va_list args;

	s->failed++;
	va_start(args, format);
	vsnprintf(s->last_error, sizeof(s->last_error), format, args);
	va_end(args);
}
