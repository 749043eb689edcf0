/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_conntrack.c - decodes conntrack events and entries.
 */
#include "kernel/conntrack_decode.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nlmsghdr *nlh = fuzz_message(data, size);
	enum ct_event_type type;
	struct ct_event event;

	if (nlh && conntrack_is_event(nlh, &type))
		conntrack_decode(nlh, &event);
	free(nlh);
	return 0;
}
