/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bytes.h - writes a whole buffer to a descriptor.
 */
#ifndef WAYMARK_BASE_BYTES_H
#define WAYMARK_BASE_BYTES_H

#include <stddef.h>

/* Write all bytes to a blocking descriptor. Return 0 or -errno; after an error, part of the bytes
 * may have been written. */
int bytes_write(int fd, const void *bytes, size_t size);

#endif
