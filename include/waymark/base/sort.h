/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sort.h - qsort(3) that accepts an empty list, whose pointer may be NULL.
 */
#ifndef WAYMARK_BASE_SORT_H
#define WAYMARK_BASE_SORT_H

#include <stddef.h>
#include <stdlib.h>

static inline void list_sort(void *list, size_t n, size_t size,
			     int (*compare)(const void *, const void *))
{
	if (n)
		qsort(list, n, size, compare);
}

#endif
