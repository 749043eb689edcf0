/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft_own.c - creates a table that belongs to one socket (NFT_TABLE_F_OWNER). If another process
 * flushes the ruleset, the kernel skips the table. The kernel refuses changes to the table by other
 * processes. The table remains when the socket is closed (NFT_TABLE_F_PERSIST, Linux 6.9).
 *
 * Must not know what is in the table. libnftables before 1.1 does not support NFT_TABLE_F_PERSIST.
 * Therefore the table is created here, on the library's own socket: all later messages of the
 * library then come from the owner.
 */
#include "kernel/nft_own.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#ifndef NFT_TABLE_F_PERSIST
#define NFT_TABLE_F_PERSIST 0x4
#endif
#define FLAG_OWNER 0x2

#define ANSWER_MS  5000
#define BYTES_MAX  4096

struct batch {
	char bytes[BYTES_MAX];
	size_t size;
	uint32_t first, n; /* first sequence number, and number of messages */
};

static struct nlmsghdr *message_put(struct batch *b, uint16_t type, uint16_t flags, uint8_t family,
				    uint16_t resource)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(b->bytes + b->size);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = b->first + b->n++;
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(resource);
	return nlh;
}

static void message_end(struct batch *b, const struct nlmsghdr *nlh)
{
	b->size += NLMSG_ALIGN(nlh->nlmsg_len);
}

static void batch_begin(struct batch *b)
{
	static uint32_t sequence = 0x5741594d;

	*b = (struct batch){.first = sequence};
	sequence += 16;
	message_end(b, message_put(b, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

static void table_put(struct batch *b, unsigned type, uint16_t flags, const char *table,
		      bool is_owned)
{
	struct nlmsghdr *nlh = message_put(b, (NFNL_SUBSYS_NFTABLES << 8) | type, NLM_F_ACK | flags,
					   NFPROTO_INET, 0);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	if (is_owned)
		mnl_attr_put_u32(nlh, NFTA_TABLE_FLAGS, htonl(FLAG_OWNER | NFT_TABLE_F_PERSIST));
	message_end(b, nlh);
}

/* Read a datagram of acknowledgements, and subtract their number from *left, the number of those
 * that are missing. Return the first -errno in them, or 0. */
static int answers_take(const struct batch *b, const char *bytes, size_t size, unsigned *left)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)bytes;
	int rest = (int)size, err = 0;

	for (; mnl_nlmsg_ok(nlh, rest); nlh = mnl_nlmsg_next(nlh, &rest)) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

		if (nlh->nlmsg_type != NLMSG_ERROR || nlh->nlmsg_seq - b->first >= b->n ||
		    mnl_nlmsg_get_payload_len(nlh) < sizeof(*e))
			continue;
		if (e->error && !err)
			err = e->error;
		*left -= *left > 0;
	}
	return err;
}

/* Read the acknowledgements of a batch. The kernel queues them before sendto() returns, so this
 * function does not wait long. */
static int batch_answer(int fd, const struct batch *b)
{
	unsigned left = b->n - 2; /* batch begin and end are not acknowledged */
	int err = 0;

	while (left) {
		_Alignas(struct nlmsghdr) char bytes[BYTES_MAX];
		struct sockaddr_nl from = {0};
		socklen_t size = sizeof(from);
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;
		int first;

		if (poll(&p, 1, ANSWER_MS) <= 0)
			return err ? err : -ETIMEDOUT;
		n = recvfrom(fd, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&from,
			     &size);
		if (n < 0)
			return err ? err : -errno;
		if (from.nl_pid)
			continue;
		first = answers_take(b, bytes, (size_t)n, &left);
		err = err ? err : first;
		if (err) /* a refused batch does not get all acknowledgements */
			left = 0;
	}
	return err;
}

/* Discard acknowledgements that were not read. */
void nft_own_drain(int fd)
{
	char bytes[BYTES_MAX];

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

static int batch_run(int fd, struct batch *b)
{
	static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int err;

	message_end(b, message_put(b, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
	nft_own_drain(fd);
	if (sendto(fd, b->bytes, b->size, 0, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	err = batch_answer(fd, b);
	nft_own_drain(fd);
	return err;
}

int nft_own_create(int fd, const char *table)
{
	struct batch b;

	batch_begin(&b);
	table_put(&b, NFT_MSG_NEWTABLE, NLM_F_CREATE, table, true);
	return batch_run(fd, &b);
}

int nft_own_probe(int fd)
{
	static const char name[] = "waymark_probe";
	struct batch b;

	batch_begin(&b);
	table_put(&b, NFT_MSG_NEWTABLE, NLM_F_CREATE, name, true);
	table_put(&b, NFT_MSG_DELTABLE, 0, name, false);
	return batch_run(fd, &b);
}

/* --- the library's socket ---------------------------------------------------------------- */

static bool is_netfilter(int fd)
{
	struct sockaddr_nl name = {0};
	socklen_t size = sizeof(name), protocol_size = sizeof(int);
	int protocol = -1;

	return !getsockname(fd, (struct sockaddr *)&name, &size) && name.nl_family == AF_NETLINK &&
	       !getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &protocol_size) &&
	       protocol == NETLINK_NETFILTER;
}

void nft_own_note(struct nft_own_sockets *s)
{
	for (int fd = 0; fd < NFT_OWN_FDS; fd++)
		s->is_netfilter[fd] = is_netfilter(fd);
}

int nft_own_find(const struct nft_own_sockets *before)
{
	for (int fd = 0; fd < NFT_OWN_FDS; fd++)
		if (!before->is_netfilter[fd] && is_netfilter(fd))
			return fd;
	return -1;
}
