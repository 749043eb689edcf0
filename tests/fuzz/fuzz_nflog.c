/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_nflog.c - decodes logged packets: the message, its prefix, the bytes of the packet.
 */
#include "kernel/nflog_message.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nlmsghdr *nlh = fuzz_message(data, size);
	struct stray_packet packet;
	bool has_seq;

	if (nlh)
		nflog_message_decode(nlh, &packet, &has_seq);
	free(nlh);
	return 0;
}
