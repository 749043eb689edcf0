/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nflog.c - binds, configures and reads one NFLOG group.
 *
 * The bind command, modes and flags are sent in ONE message: the kernel creates and configures the
 * group before it logs the first packet. Sequence numbers therefore begin with 0, and even a lost
 * first message is noticed. Must not know what a mismatch is.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "kernel/nflog_message.h"
#include "kernel/nlsock.h"
#include "waymark/kernel/nflog.h"

/* Number of bytes that the kernel copies from each packet. They are enough for the IPv6 header,
 * extension headers, and the inner headers of an ICMP error. */
#define COPY_BYTES   128

#define CONFIG_BYTES 256

struct nflog {
	struct nlsock *socket;
	uint16_t group;
	uint32_t next_seq;
	uint64_t n_messages, n_parse_errors, n_holes;
};

static struct nlmsghdr *config_put(void *buffer, uint16_t group)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nf;

	nlh->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	nf = mnl_nlmsg_put_extra_header(nlh, sizeof(*nf));
	nf->nfgen_family = AF_UNSPEC;
	nf->version = NFNETLINK_V0;
	nf->res_id = htons(group);
	return nlh;
}

static int group_bind(struct nflog *n, uint16_t flags)
{
	const struct nfulnl_msg_config_cmd bind = {.command = NFULNL_CFG_CMD_BIND};
	const struct nfulnl_msg_config_mode mode = {
		.copy_range = htonl(COPY_BYTES),
		.copy_mode = NFULNL_COPY_PACKET,
	};
	uint8_t buffer[CONFIG_BYTES] = {0};
	struct nlmsghdr *nlh = config_put(buffer, n->group);

	mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof(bind), &bind);
	mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u16(nlh, NFULA_CFG_FLAGS, htons(flags));
	mnl_attr_put_u32(nlh, NFULA_CFG_QTHRESH, htonl(1));
	/* The flush timeout, in hundredths of a second. With a threshold of 1 no message waits for
	 * the timeout. The kernel's buffer size (NFULA_CFG_NLBUFSIZ) is not changed: it is enough
	 * for one message, and the kernel refuses smaller sizes. */
	mnl_attr_put_u32(nlh, NFULA_CFG_TIMEOUT, htonl(1));
	return nlsock_request(n->socket, nlh, NULL, NULL);
}

/* Return whether this process has the privilege to configure NFLOG. An EPERM for the bind command
 * does not show this, because the kernel also returns it if another process owns the group. For a
 * message of an unknown type, which changes nothing, EPERM can only mean a missing privilege. */
static bool is_privileged(struct nflog *n)
{
	uint8_t buffer[CONFIG_BYTES] = {0};
	struct nlmsghdr *nlh = config_put(buffer, n->group);

	nlh->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_MAX;
	return nlsock_request(n->socket, nlh, NULL, NULL) != -EPERM;
}

static int group_configure(struct nflog *n)
{
	int err = group_bind(n, NFULNL_CFG_F_SEQ | NFULNL_CFG_F_CONNTRACK);

	/* EOPNOTSUPP: the kernel has no CONFIG_NETFILTER_NETLINK_GLUE_CT. EAGAIN: the module was
	 * loaded just now, and the request must be repeated. */
	if (err == -EAGAIN)
		err = group_bind(n, NFULNL_CFG_F_SEQ | NFULNL_CFG_F_CONNTRACK);
	if (err == -EOPNOTSUPP)
		err = group_bind(n, NFULNL_CFG_F_SEQ);
	if (err == -EPERM && is_privileged(n))
		err = -EBUSY;
	return err;
}

struct nflog *nflog_open(uint16_t group, uint32_t buffer_bytes)
{
	struct nflog *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return NULL;
	n->group = group;
	n->socket = nlsock_open(0, buffer_bytes);
	err = n->socket ? -group_configure(n) : errno;
	if (err) {
		nflog_close(n);
		errno = err;
		return NULL;
	}
	return n;
}

/* The kernel unbinds the group when its socket is closed. */
void nflog_close(struct nflog *n)
{
	if (!n)
		return;
	nlsock_close(n->socket);
	free(n);
}

int nflog_fd(const struct nflog *n)
{
	return nlsock_fd(n->socket);
}

void nflog_stats(const struct nflog *n, struct nflog_stats *out)
{
	struct nlsock_stats s;

	nlsock_stats(n->socket, &s);
	out->messages = n->n_messages;
	out->parse_errors = n->n_parse_errors + s.malformed;
	out->forged = s.forged;
	out->overruns = s.overruns;
	out->holes = n->n_holes;
	out->buffer_bytes = nlsock_buffer_bytes(n->socket);
}

struct receiver {
	struct nflog *nflog;
	nflog_packet_fn *fn;
	void *data;
	uint64_t *holes;
};

static void sequence_check(struct receiver *r, uint32_t seq)
{
	uint32_t missing = seq - r->nflog->next_seq; /* wraps around as the kernel's number does */

	r->nflog->next_seq = seq + 1;
	r->nflog->n_holes += missing;
	*r->holes += missing;
}

static void packet_receive(void *data, const struct nlmsghdr *nlh)
{
	struct receiver *r = data;
	struct stray_packet p;
	bool has_seq;
	int err;

	if (nlh->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
		return;
	r->nflog->n_messages++;
	err = nflog_message_decode(nlh, &p, &has_seq);
	if (has_seq)
		sequence_check(r, p.seq);
	if (err)
		r->nflog->n_parse_errors++;
	else
		r->fn(r->data, &p);
}

int nflog_receive(struct nflog *n, nflog_packet_fn *fn, void *data, int max, uint64_t *holes)
{
	struct receiver r = {.nflog = n, .fn = fn, .data = data, .holes = holes};

	return nlsock_receive(n->socket, packet_receive, &r, max);
}
