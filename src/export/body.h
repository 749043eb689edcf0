/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * body.h - the bytes of a batch, in memory until they are acknowledged; compressed on
 * the way in where that is wanted, so that 50,000 rows take a few megabytes.
 *
 * A failure to get memory is kept and returned by body_finish.
 */
#ifndef WAYMARK_SRC_EXPORT_BODY_H
#define WAYMARK_SRC_EXPORT_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct body;

/* NULL with errno; is_gzip without zlib: ENOTSUP. */
struct body *body_new(bool is_gzip);
void body_free(struct body *b);

/* Return whether this program can compress. */
bool body_has_gzip(void);

/* Empty it for the next batch; the memory stays. */
void body_restart(struct body *b);

void body_put(struct body *b, const void *bytes, size_t size);
void body_puts(struct body *b, const char *text);
void body_put_number(struct body *b, int64_t number);
void body_put_unsigned(struct body *b, uint64_t number);
void body_put_real(struct body *b, double number);

/* The bytes that it holds already, but for the last few. */
size_t body_size(const struct body *b);

/* End the batch: all bytes are at *bytes. 0 or -ENOMEM. */
int body_finish(struct body *b, const char **bytes, size_t *size);

#endif
