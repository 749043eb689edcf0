/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * body.c - a growing buffer, filled directly or through a gzip stream. Only this file uses zlib.
 */
#include "export/body.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

#define STAGE_BYTES 32768
#define GROW_BYTES  262144
/* body_restart() frees the memory of a batch if it is larger than this. Smaller memory is kept for
 * the next batch. */
#define KEPT_BYTES 16777216

struct body {
	bool is_gzip, is_finished;
	int error;
	size_t staged, size, capacity;
	char *bytes;
#ifdef HAVE_ZLIB
	z_stream zip;
#endif
	char stage[STAGE_BYTES];
};

bool body_has_gzip(void)
{
#ifdef HAVE_ZLIB
	return true;
#else
	return false;
#endif
}

static bool room_make(struct body *b, size_t more)
{
	size_t capacity = b->capacity;
	char *bytes;

	if (b->error || b->size + more <= capacity)
		return !b->error;
	while (capacity < b->size + more)
		capacity += capacity / 2 + GROW_BYTES;
	bytes = realloc(b->bytes, capacity);
	if (!bytes) {
		b->error = -ENOMEM;
		return false;
	}
	b->bytes = bytes;
	b->capacity = capacity;
	return true;
}

#ifdef HAVE_ZLIB
/* Open the gzip stream. Adding 16 to the window bits asks for gzip's format. Level 1 is twice as
 * fast as the default. */
static int zip_open(struct body *b)
{
	return deflateInit2(&b->zip, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK
		       ? 0
		       : -ENOMEM;
}

static void zip_stage(struct body *b, bool is_last)
{
	int r = Z_OK;

	b->zip.next_in = (Bytef *)b->stage;
	b->zip.avail_in = (uInt)b->staged;
	while (r == Z_OK && room_make(b, STAGE_BYTES)) {
		b->zip.next_out = (Bytef *)b->bytes + b->size;
		b->zip.avail_out = (uInt)(b->capacity - b->size);
		r = deflate(&b->zip, is_last ? Z_FINISH : Z_NO_FLUSH);
		b->size = b->capacity - b->zip.avail_out;
		if (!is_last && !b->zip.avail_in && b->zip.avail_out)
			break;
	}
}

static void zip_restart(struct body *b)
{
	deflateReset(&b->zip);
}

static void zip_close(struct body *b)
{
	deflateEnd(&b->zip);
}
#else
static int zip_open(struct body *b)
{
	(void)b;
	return -ENOTSUP;
}

static void zip_stage(struct body *b, bool is_last)
{
	(void)b;
	(void)is_last;
}

static void zip_restart(struct body *b)
{
	(void)b;
}

static void zip_close(struct body *b)
{
	(void)b;
}
#endif

struct body *body_new(bool is_gzip)
{
	struct body *b = calloc(1, sizeof(*b));
	int r = b ? 0 : -ENOMEM;

	if (r == 0 && is_gzip)
		r = zip_open(b);
	if (r == 0) {
		b->is_gzip = is_gzip;
		return b;
	}
	free(b);
	errno = -r;
	return NULL;
}

void body_free(struct body *b)
{
	if (!b)
		return;
	if (b->is_gzip)
		zip_close(b);
	free(b->bytes);
	free(b);
}

void body_restart(struct body *b)
{
	b->error = 0;
	b->is_finished = false;
	b->staged = b->size = 0;
	if (b->capacity > KEPT_BYTES) {
		free(b->bytes);
		b->bytes = NULL;
		b->capacity = 0;
	}
	if (b->is_gzip)
		zip_restart(b);
}

static void stage_flush(struct body *b, bool is_last)
{
	if (b->is_gzip) {
		zip_stage(b, is_last);
	} else if (room_make(b, b->staged)) {
		memcpy(b->bytes + b->size, b->stage, b->staged);
		b->size += b->staged;
	}
	b->staged = 0;
}

void body_put(struct body *b, const void *bytes, size_t size)
{
	const char *from = bytes;

	while (size) {
		size_t n = sizeof(b->stage) - b->staged;

		if (n > size)
			n = size;
		memcpy(b->stage + b->staged, from, n);
		b->staged += n;
		from += n;
		size -= n;
		if (b->staged == sizeof(b->stage))
			stage_flush(b, false);
	}
}

void body_puts(struct body *b, const char *text)
{
	body_put(b, text, strlen(text));
}

void body_put_unsigned(struct body *b, uint64_t number)
{
	char digits[20];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	body_put(b, digits + n, sizeof(digits) - n);
}

void body_put_number(struct body *b, int64_t number)
{
	if (number < 0)
		body_put(b, "-", 1);
	body_put_unsigned(b, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

void body_put_real(struct body *b, double number)
{
	char text[32];

	snprintf(text, sizeof(text), "%.15g", number);
	body_puts(b, text);
}

size_t body_size(const struct body *b)
{
	return b->size;
}

int body_finish(struct body *b, const char **bytes, size_t *size)
{
	if (!b->is_finished)
		stage_flush(b, true);
	b->is_finished = true;
	*bytes = b->bytes;
	*size = b->size;
	return b->error;
}
