/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz.h - helpers of the fuzz targets. Each target feeds one parser of foreign bytes;
 * libFuzzer and the sanitizers find its faults.
 */
#ifndef WAYMARK_TESTS_FUZZ_FUZZ_H
#define WAYMARK_TESTS_FUZZ_FUZZ_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Return the bytes as a string, malloc'd. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* Return the bytes as one netlink message, malloc'd to its exact size so that a read beyond it is
 * detected; NULL if they are too few. The length is set, because the socket checks it before a
 * decoder sees the message. */
static inline struct nlmsghdr *fuzz_message(const uint8_t *data, size_t size)
{
	struct nlmsghdr *nlh;

	if (size < sizeof(*nlh))
		return NULL;
	nlh = malloc(size);
	if (!nlh)
		abort();
	memcpy(nlh, data, size);
	nlh->nlmsg_len = (uint32_t)size;
	return nlh;
}

#endif
