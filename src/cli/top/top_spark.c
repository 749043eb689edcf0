/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top_spark.c - makes sparklines: the latest values of a number as a row of bars. Pure.
 */
#include <string.h>

#include "cli/top/top.h"

void top_past_add(struct top_past *p, double value)
{
	p->values[p->n++ % TOP_PAST] = value;
}

static double value_at(const struct top_past *p, size_t back)
{
	return back < p->n && back < TOP_PAST ? p->values[(p->n - 1 - back) % TOP_PAST] : -1;
}

static double greatest(const struct top_past *p, size_t width)
{
	double most = 0;

	for (size_t i = 0; i < width; i++)
		most = value_at(p, i) > most ? value_at(p, i) : most;
	return most;
}

const char *top_spark(const struct top_past *p, size_t width, bool is_utf8, char *buf, size_t size)
{
	static const char *const bars[] = {"\u2581", "\u2582", "\u2583", "\u2584",
					   "\u2585", "\u2586", "\u2587", "\u2588"};
	static const char *const plain[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
	double most = greatest(p, width);
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = width; i-- > 0;) {
		double value = value_at(p, i);
		size_t step = most > 0 && value > 0 ? (size_t)(value / most * 7.999) : 0;
		const char *bar = value < 0 ? " " : is_utf8 ? bars[step] : plain[step];

		if (used + strlen(bar) >= size)
			break;
		memcpy(buf + used, bar, strlen(bar) + 1);
		used += strlen(bar);
	}
	return buf;
}
