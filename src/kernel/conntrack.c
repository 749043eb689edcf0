/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack.c - reads conntrack events and dumps over netlink, and changes entries.
 *
 * There is one socket for events, one for requests, one for flushes, and one for each dump, so that
 * no reader gets messages for another reader. The sockets for requests and flushes are opened when
 * they are first needed. A DESTROY event contains the port of the socket that caused the deletion,
 * so the port of the flush socket identifies the events of flushes. Must not know flows, the
 * meaning of marks, or uplinks.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/conntrack_decode.h"
#include "kernel/mnl_attrs.h"
#include "kernel/trace_internal.h"
#include "kernel/conntrack_idle.h"
#include "kernel/nlsock.h"
#include "waymark/kernel/conntrack.h"

/* Size of the buffer for one read of a dump. The kernel puts as many entries as fit into each
 * reply, but at most 32 KiB (af_netlink.c). */
#define DUMP_BUFFER_BYTES 65536

#define REQUEST_BYTES	  512

struct conntrack {
	struct nlsock *events;
	struct nlsock *requests, *flushes; /* NULL until they are first needed */
	uint64_t n_events, n_parse_errors;
	atomic_ullong n_dump_parse_errors; /* atomic: another thread can run dumps */
};

struct conntrack *conntrack_open(uint32_t buffer_bytes)
{
	struct conntrack *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return NULL;
	c->events = nlsock_open(NFCT_ALL_CT_GROUPS, buffer_bytes);
	if (!c->events) {
		err = errno;
		conntrack_close(c);
		errno = err;
		return NULL;
	}
	return c;
}

void conntrack_close(struct conntrack *c)
{
	if (!c)
		return;
	nlsock_close(c->flushes);
	nlsock_close(c->requests);
	nlsock_close(c->events);
	free(c);
}

int conntrack_fd(const struct conntrack *c)
{
	return nlsock_fd(c->events);
}

void conntrack_stats(const struct conntrack *c, struct conntrack_stats *out)
{
	struct nlsock_stats s;

	nlsock_stats(c->events, &s);
	out->events = c->n_events;
	out->parse_errors = conntrack_parse_errors(c);
	out->forged = s.forged;
	out->overruns = s.overruns;
	out->refused = nlsock_refused(c->events);
	out->buffer_bytes = nlsock_buffer_bytes(c->events);
}

uint64_t conntrack_parse_errors(const struct conntrack *c)
{
	struct nlsock_stats s;

	nlsock_stats(c->events, &s);
	return c->n_parse_errors + s.malformed + atomic_load(&c->n_dump_parse_errors);
}

uint32_t conntrack_port(const struct conntrack *c)
{
	return nlsock_port(c->events);
}

/* --- events --------------------------------------------------------------- */

struct receiver {
	struct conntrack *conntrack;
	conntrack_event_fn *fn;
	void *data;
};

static void event_receive(void *data, const struct nlmsghdr *nlh)
{
	struct receiver *r = data;
	struct ct_event ev;

	if (!conntrack_is_event(nlh, &ev.type))
		return;
	if (conntrack_decode(nlh, &ev)) {
		r->conntrack->n_parse_errors++;
		return;
	}
	r->conntrack->n_events++;
	ev.is_flushed =
		r->conntrack->flushes && nlh->nlmsg_pid == nlsock_port(r->conntrack->flushes);
	r->fn(r->data, &ev);
}

int conntrack_receive(struct conntrack *c, conntrack_event_fn *fn, void *data, int max)
{
	struct receiver r = {.conntrack = c, .fn = fn, .data = data};

	return nlsock_receive(c->events, event_receive, &r, max);
}

/* --- dumps ---------------------------------------------------------------- */

struct conntrack_dump {
	struct conntrack *conntrack;
	struct mnl_socket *socket;
	conntrack_batch_fn *fn;
	void *data;
	bool is_torn;
	struct conntrack_timeouts timeouts;
	struct ct_event batch[CONNTRACK_BATCH_MAX];
	size_t n_batch;
	_Alignas(8) uint8_t buffer[DUMP_BUFFER_BYTES];
};

static struct nlmsghdr *request_put(void *buffer, unsigned type, unsigned flags, int family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nf;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nf = mnl_nlmsg_put_extra_header(nlh, sizeof(*nf));
	nf->nfgen_family = (uint8_t)family;
	nf->version = NFNETLINK_V0;
	return nlh;
}

static int dump_start(struct conntrack_dump *d)
{
	uint8_t buffer[REQUEST_BYTES] = {0};
	struct nlmsghdr *nlh = request_put(buffer, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);

	if (mnl_socket_bind(d->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(d->socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	return 0;
}

static void batch_hand_on(struct conntrack_dump *d)
{
	if (d->n_batch)
		d->fn(d->data, d->batch, d->n_batch);
	d->n_batch = 0;
}

static void dump_entry(struct conntrack_dump *d, const struct nlmsghdr *nlh)
{
	struct ct_event *ev = &d->batch[d->n_batch];

	if (!conntrack_is_event(nlh, &ev->type))
		return;
	ev->type = CT_DUMP;
	if (conntrack_decode(nlh, ev)) {
		atomic_fetch_add(&d->conntrack->n_dump_parse_errors, 1);
		return;
	}
	ev->idle_ms =
		ev->has_timeout ? conntrack_idle_ms(&d->timeouts, ev->proto, ev->timeout_s) : -1;
	if (++d->n_batch == CONNTRACK_BATCH_MAX)
		batch_hand_on(d);
}

/* Return the status at the beginning of an NLMSG_DONE or NLMSG_ERROR: 0 or -errno. */
static int status_of(const struct nlmsghdr *nlh)
{
	int status;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(status))
		return nlh->nlmsg_type == NLMSG_DONE ? 0 : -EBADMSG;
	memcpy(&status, mnl_nlmsg_get_payload(nlh), sizeof(status));
	return status;
}

/* Handle the messages of one read. Return 1 if the dump continues, 0 if it is complete, or
 * -errno. */
static int dump_handle(struct conntrack_dump *d, int left)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)d->buffer;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			d->is_torn = true;
		if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR)
			return status_of(nlh);
		if (nlh->nlmsg_type >= NLMSG_MIN_TYPE)
			dump_entry(d, nlh);
	}
	return left > 0 ? -EBADMSG : 1;
}

static int dump_receive(struct conntrack_dump *d)
{
	struct sockaddr_nl from;
	socklen_t from_size = sizeof(from);
	ssize_t n = recvfrom(mnl_socket_get_fd(d->socket), d->buffer, DUMP_BUFFER_BYTES, MSG_TRUNC,
			     (struct sockaddr *)&from, &from_size);

	if (n < 0)
		return errno == EINTR ? 1 : -errno;
	if (from_size != sizeof(from) || from.nl_pid != 0)
		return 1;
	if (n > DUMP_BUFFER_BYTES)
		return -EMSGSIZE;
	trace_datagram(mnl_socket_get_fd(d->socket), TRACE_RECEIVED, d->buffer, (size_t)n);
	return dump_handle(d, (int)n);
}

int conntrack_dump_step(struct conntrack_dump *d, conntrack_batch_fn *fn, void *data)
{
	int ret;

	d->fn = fn;
	d->data = data;
	ret = dump_receive(d);
	batch_hand_on(d);
	return !ret && d->is_torn ? -EINTR : ret;
}

void conntrack_dump_close(struct conntrack_dump *d)
{
	if (!d)
		return;
	if (d->socket)
		mnl_socket_close(d->socket);
	free(d);
}

struct conntrack_dump *conntrack_dump_open(struct conntrack *c)
{
	struct conntrack_dump *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return NULL;
	d->conntrack = c;
	conntrack_timeouts_read(&d->timeouts);
	d->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	err = d->socket ? -dump_start(d) : errno;
	if (err) {
		conntrack_dump_close(d);
		errno = err;
		return NULL;
	}
	return d;
}

int conntrack_dump_fd(const struct conntrack_dump *d)
{
	return mnl_socket_get_fd(d->socket);
}

static void hand_on_each(void *data, const struct ct_event *entries, size_t n)
{
	const struct receiver *r = data;

	for (size_t i = 0; i < n; i++)
		r->fn(r->data, &entries[i]);
}

int conntrack_dump(struct conntrack *c, conntrack_event_fn *fn, void *data)
{
	struct receiver r = {.conntrack = c, .fn = fn, .data = data};
	struct conntrack_dump *d = conntrack_dump_open(c);
	int ret;

	if (!d)
		return -errno;
	do {
		ret = conntrack_dump_step(d, hand_on_each, &r);
	} while (ret > 0);
	conntrack_dump_close(d);
	return ret;
}

/* --- changes to one entry ------------------------------------------------- */

static void key_set_addrs(struct nf_conntrack *key, const struct endpoints *e)
{
	bool is_ipv4 = e->src.family == AF_INET;

	nfct_set_attr_u8(key, ATTR_ORIG_L3PROTO, e->src.family);
	nfct_set_attr(key, is_ipv4 ? ATTR_ORIG_IPV4_SRC : ATTR_ORIG_IPV6_SRC, e->src.bytes);
	nfct_set_attr(key, is_ipv4 ? ATTR_ORIG_IPV4_DST : ATTR_ORIG_IPV6_DST, e->dst.bytes);
}

/* Set the protocol and its ports or ICMP numbers. The kernel accepts only the attributes that the
 * protocol has. libnetfilter_conntrack omits the ports if the protocol has none. */
static void key_set_proto(struct nf_conntrack *key, uint8_t proto, const struct endpoints *e)
{
	nfct_set_attr_u8(key, ATTR_ORIG_L4PROTO, proto);
	if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6) {
		nfct_set_attr_u16(key, ATTR_ICMP_ID, htons(e->sport));
		nfct_set_attr_u8(key, ATTR_ICMP_TYPE, (uint8_t)(e->dport >> 8));
		nfct_set_attr_u8(key, ATTR_ICMP_CODE, (uint8_t)e->dport);
		return;
	}
	nfct_set_attr_u16(key, ATTR_ORIG_PORT_SRC, htons(e->sport));
	nfct_set_attr_u16(key, ATTR_ORIG_PORT_DST, htons(e->dport));
}

/* Add the key by which the kernel finds the entry. Return 0 or -errno. */
static int put_key(struct nlmsghdr *nlh, const struct ct_event *entry)
{
	const struct endpoints *e = &entry->tuple[DIR_ORIGINAL];
	struct nf_conntrack *key = nfct_new();
	int ret;

	if (!key)
		return -ENOMEM;
	key_set_addrs(key, e);
	key_set_proto(key, entry->proto, e);
	if (entry->zone)
		nfct_set_attr_u16(key, ATTR_ZONE, entry->zone);
	ret = nfct_nlmsg_build(nlh, key);
	nfct_destroy(key);
	return ret < 0 ? -EINVAL : 0;
}

static int request_send_by(struct nlsock **socket, struct nlmsghdr *nlh, nlsock_message_fn *fn,
			   void *data)
{
	if (!*socket)
		*socket = nlsock_open(0, 0);
	if (!*socket)
		return -errno;
	return nlsock_request(*socket, nlh, fn, data);
}

static int request_send(struct conntrack *c, struct nlmsghdr *nlh, nlsock_message_fn *fn,
			void *data)
{
	return request_send_by(&c->requests, nlh, fn, data);
}

int conntrack_delete(struct conntrack *c, const struct ct_event *entry)
{
	uint8_t buffer[REQUEST_BYTES] = {0};
	struct nlmsghdr *nlh =
		request_put(buffer, IPCTNL_MSG_CT_DELETE, 0, entry->tuple[DIR_ORIGINAL].src.family);
	int err = put_key(nlh, entry);

	if (err)
		return err;
	/* Without the id, the kernel would also delete a newer entry that has the same tuple. */
	mnl_attr_put_u32(nlh, CTA_ID, htonl(entry->id));
	return request_send(c, nlh, NULL, NULL);
}

/* A delete request without a tuple flushes all entries that match the mark and mask. Linux 4.0 and
 * later support this filter (ctnetlink_flush_conntrack). */
int conntrack_delete_marked(struct conntrack *c, uint32_t mark, uint32_t mask)
{
	uint8_t buffer[REQUEST_BYTES] = {0};
	struct nlmsghdr *nlh = request_put(buffer, IPCTNL_MSG_CT_DELETE, 0, AF_UNSPEC);

	if (!mask)
		return -EINVAL;
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(mark & mask));
	mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(mask));
	return request_send_by(&c->flushes, nlh, NULL, NULL);
}

struct id_check {
	uint32_t wanted;
	bool is_same;
};

static void id_compare(void *data, const struct nlmsghdr *nlh)
{
	struct id_check *check = data;
	const struct nlattr *attr;

	mnl_attrs_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == CTA_ID && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			check->is_same = ntohl(mnl_attr_get_u32(attr)) == check->wanted;
	}
}

/* Check that the kernel still has this conntrack entry, and not a newer one with the same tuple.
 * Return 0 if the id of the kernel's entry is the same, -ENOENT if it is another or if no entry has
 * the tuple, or another -errno. */
static int entry_check(struct conntrack *c, const struct ct_event *entry)
{
	uint8_t buffer[REQUEST_BYTES] = {0};
	struct id_check check = {.wanted = entry->id};
	struct nlmsghdr *nlh =
		request_put(buffer, IPCTNL_MSG_CT_GET, 0, entry->tuple[DIR_ORIGINAL].src.family);
	int err = put_key(nlh, entry);

	if (!err)
		err = request_send(c, nlh, id_compare, &check);
	if (err)
		return err;
	return check.is_same ? 0 : -ENOENT;
}

int conntrack_set_mark(struct conntrack *c, const struct ct_event *entry, uint32_t mark,
		       uint32_t mask)
{
	uint8_t buffer[REQUEST_BYTES] = {0};
	struct nlmsghdr *nlh =
		request_put(buffer, IPCTNL_MSG_CT_NEW, 0, entry->tuple[DIR_ORIGINAL].src.family);
	int err = entry_check(c, entry); /* because an update request cannot contain CTA_ID */

	if (!err)
		err = put_key(nlh, entry);
	if (err)
		return err;
	/* The kernel clears the bits of CTA_MARK_MASK, and then XORs CTA_MARK into the mark. */
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(mark & mask));
	mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(mask));
	return request_send(c, nlh, NULL, NULL);
}

int conntrack_clear_labels(struct conntrack *c, const struct ct_event *entry, unsigned first)
{
	uint8_t buffer[REQUEST_BYTES] = {0};
	uint32_t none[4] = {0}, mask[4] = {0}; /* 128 labels (XT_CONNLABEL_MAXBIT is 127) */
	struct nlmsghdr *nlh =
		request_put(buffer, IPCTNL_MSG_CT_NEW, 0, entry->tuple[DIR_ORIGINAL].src.family);
	int err = entry_check(c, entry);

	if (!err)
		err = put_key(nlh, entry);
	if (err)
		return err;
	for (unsigned bit = first; bit < 128; bit++)
		mask[bit / 32] |= UINT32_C(1) << bit % 32;
	mnl_attr_put(nlh, CTA_LABELS, sizeof(none), none);
	mnl_attr_put(nlh, CTA_LABELS_MASK, sizeof(mask), mask);
	return request_send(c, nlh, NULL, NULL);
}
