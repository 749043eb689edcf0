/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * body.h - the bytes of a batch, kept in memory until the target acknowledges them. They can be
 * compressed while they are added, so that 50,000 rows need only a few megabytes.
 *
 * If memory runs out, body_finish() returns the error.
 */
#ifndef WAYMARK_SRC_EXPORT_BODY_H
#define WAYMARK_SRC_EXPORT_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct body;

/* Return an empty body, or NULL with errno: ENOTSUP if is_gzip is true and the program was built
 * without zlib. */
struct body *body_new(bool is_gzip);
void body_free(struct body *b);

/* Return whether this program was built with zlib. */
bool body_has_gzip(void);

/* Empty the body for the next batch. Keep its memory, unless it is very large. */
void body_restart(struct body *b);

void body_put(struct body *b, const void *bytes, size_t size);
void body_puts(struct body *b, const char *text);
void body_put_number(struct body *b, int64_t number);
void body_put_unsigned(struct body *b, uint64_t number);
void body_put_real(struct body *b, double number);

/* Return the size of the body, compressed if it is a gzip body. The last bytes that were added
 * (those in the input buffer) are not counted. */
size_t body_size(const struct body *b);

/* End the batch. Set *bytes and *size to all its bytes, which are valid until body_restart().
 * Return 0 or -ENOMEM. */
int body_finish(struct body *b, const char **bytes, size_t *size);

#endif
