/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.c - writes one line per message. Lines of different threads do not mix.
 */
#include "export/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void export_log(int priority, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", priority, text);
	else
		fprintf(stderr, "waymark-export: %s\n", text);
}
