/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bytes.h - writes all of it.
 */
#ifndef WAYMARK_BASE_BYTES_H
#define WAYMARK_BASE_BYTES_H

#include <stddef.h>

/* Write all of the bytes to a blocking descriptor. 0 or -errno; then some may be written. */
int bytes_write(int fd, const void *bytes, size_t size);

#endif
