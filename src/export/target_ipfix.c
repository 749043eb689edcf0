/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * target_ipfix.c - ships ended flows to an IPFIX collector over TCP or UDP.
 *
 * Over TCP, a batch is acknowledged when the collector's kernel has received all of it. Over UDP, a
 * batch counts as acknowledged when it is sent. Datagrams may get lost, but the collector notices
 * gaps in the sequence numbers.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "export/ipfix_message.h"
#include "export/target.h"
#include "waymark/base/proto.h"

#define TEMPLATES_INTERVAL_S 60
#define UDP_BURST	     8
#define UDP_PAUSE_NS	     4000000
#define NAMES_MAX	     64

/* The columns of table flows from which an IPFIX record is built. */
enum source {
	SOURCE_ID,
	SOURCE_STARTED,
	SOURCE_ENDED,
	SOURCE_STATE,
	SOURCE_PROTO,
	SOURCE_SRC,
	SOURCE_SPORT,
	SOURCE_DST,
	SOURCE_DPORT,
	SOURCE_NAT_SRC,
	SOURCE_NAT_SPORT,
	SOURCE_NAT_DST,
	SOURCE_NAT_DPORT,
	SOURCE_MARK,
	SOURCE_UPLINK,
	SOURCE_INGRESS,
	SOURCE_EGRESS,
	SOURCE_EGRESS_REPLY,
	SOURCE_VERDICT,
	SOURCE_REASON,
	SOURCE_PACKETS,
	SOURCE_BYTES,
	SOURCE_PACKETS_REPLY,
	SOURCE_BYTES_REPLY,
	SOURCES,
};

static const char *const source_names[SOURCES] = {
	"id",	     "started", "ended",   "state",   "proto",	       "src",
	"sport",     "dst",	"dport",   "nat_src", "nat_sport",     "nat_dst",
	"nat_dport", "mark",	"uplink",  "ingress", "egress",	       "egress_reply",
	"verdict",   "reason",	"packets", "bytes",   "packets_reply", "bytes_reply",
};

struct ifname_index {
	char name[IF_NAMESIZE];
	uint32_t index;
};

struct ipfix {
	const struct config *config;
	const bool *is_stopping;
	char *host, *port;
	bool is_udp;
	int fd; /* -1: no session */
	uint32_t sequence;
	time_t templates_s; /* when the templates were last sent */
	struct ipfix_writer writer, templates;
	struct export_origin origin;
	size_t columns[SOURCES];
	struct ifname_index names[NAMES_MAX]; /* the ifindexes that were looked up for this batch */
	unsigned n_names;
};

static bool ipfix_is_wanted(const struct config *c)
{
	return c->export.ipfix != NULL;
}

static void ipfix_close(void *self)
{
	struct ipfix *x = self;

	if (!x)
		return;
	if (x->fd >= 0)
		close(x->fd);
	ipfix_free(&x->writer);
	ipfix_free(&x->templates);
	free(x->host);
	free(x->port);
	free(x);
}

/* Parse "HOST:PORT". An IPv6 address is in brackets. */
static int address_parse(struct ipfix *x, const char *text)
{
	const char *colon = strrchr(text, ':');
	bool is_bracketed = text[0] == '[';

	if (!colon || colon - text < 2 * is_bracketed + 1)
		return -EINVAL;
	x->host = strndup(text + is_bracketed, (size_t)(colon - text - 2 * is_bracketed));
	x->port = strdup(colon + 1);
	return x->host && x->port ? 0 : -ENOMEM;
}

static size_t column_find(const char *name)
{
	const struct feed_table *t = &feed_tables[FEED_FLOWS];
	size_t i = 0;

	while (i < t->n_columns && strcmp(t->columns[i].name, name))
		i++;
	return i;
}

/* Return the observation domain of a router, a hash of its name. */
static uint32_t domain_of(const char *router)
{
	uint32_t sum = 2166136261u;

	for (; *router; router++)
		sum = (sum ^ (uint8_t)*router) * 16777619u;
	return sum ? sum : 1;
}

static void *ipfix_open(const struct target_env *env, FILE *errors)
{
	struct ipfix *x = calloc(1, sizeof(*x));
	int r = x ? address_parse(x, env->config->export.ipfix) : -ENOMEM;

	if (r < 0) {
		fprintf(errors, "target ipfix: '%s': %s (write HOST:PORT)\n",
			env->config->export.ipfix, strerror(-r));
		free(x);
		errno = -r;
		return NULL;
	}
	x->fd = -1;
	x->is_udp = env->config->export.ipfix_transport == TRANSPORT_UDP;
	x->config = env->config;
	x->is_stopping = env->is_stopping;
	x->writer.domain = x->templates.domain = domain_of(env->router);
	x->writer.pen = x->templates.pen = env->config->export.ipfix_pen;
	ipfix_put_templates(&x->templates);
	for (int i = 0; i < SOURCES; i++)
		x->columns[i] = column_find(source_names[i]);
	return x;
}

static bool ipfix_takes(void *self, const struct feed_table *t, bool is_interim)
{
	(void)self;
	return t == &feed_tables[FEED_FLOWS] && !is_interim;
}

/* --- rows to records ------------------------------------------------------------------ */

static const struct feed_value *value(const struct ipfix *x, const struct feed_row *row,
				      enum source s)
{
	static const struct feed_value none = {.kind = FEED_VALUE_NULL};

	return x->columns[s] < feed_tables[FEED_FLOWS].n_columns ? &row->values[x->columns[s]]
								 : &none;
}

static uint64_t number(const struct ipfix *x, const struct feed_row *row, enum source s)
{
	const struct feed_value *v = value(x, row, s);

	return v->kind == FEED_VALUE_INTEGER ? (uint64_t)v->integer : 0;
}

static const char *text(const struct ipfix *x, const struct feed_row *row, enum source s)
{
	const struct feed_value *v = value(x, row, s);

	return v->kind == FEED_VALUE_TEXT ? v->text : "";
}

static void addr_read(const struct ipfix *x, const struct feed_row *row, enum source s,
		      struct addr *out)
{
	if (addr_parse(out, text(x, row, s)) < 0)
		*out = (struct addr){0};
}

/* Return the ifindex of the first interface in a list of names, or 0. The result is stored in
 * `names` for later rows of the batch. */
static uint32_t index_of(struct ipfix *x, const char *names)
{
	char name[IF_NAMESIZE];
	struct ifname_index *n;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(names, ",+ "), names);
	if (!name[0])
		return 0;
	for (unsigned i = 0; i < x->n_names; i++)
		if (strcmp(x->names[i].name, name) == 0)
			return x->names[i].index;
	if (x->n_names == NAMES_MAX)
		return if_nametoindex(name);
	n = &x->names[x->n_names++];
	memcpy(n->name, name, sizeof(name));
	n->index = if_nametoindex(name);
	return n->index;
}

/* Return the ifindex of an uplink's interface; 0 if the interface does not exist or the uplink is
 * not configured. */
static uint32_t uplink_index(struct ipfix *x, const char *uplink)
{
	const struct uplink_config *u = *uplink ? config_uplink_by_name(x->config, uplink) : NULL;

	return u ? index_of(x, u->ifname) : 0;
}

static enum ipfix_end_reason end_of(const struct ipfix_flow *f, const char *state)
{
	if (strcmp(state, "live") == 0)
		return IPFIX_END_ACTIVE;
	if (strcmp(state, "lost") == 0 || strcmp(f->reason, "uplink-down-flush") == 0)
		return IPFIX_END_FORCED;
	return f->proto == IPPROTO_TCP ? IPFIX_END_DETECTED : IPFIX_END_IDLE;
}

static void tuple_read(const struct ipfix *x, const struct feed_row *row, struct ipfix_flow *f)
{
	int proto = proto_parse(text(x, row, SOURCE_PROTO));

	f->proto = proto < 0 ? 0 : (uint8_t)proto;
	addr_read(x, row, SOURCE_SRC, &f->src);
	addr_read(x, row, SOURCE_DST, &f->dst);
	addr_read(x, row, SOURCE_NAT_SRC, &f->nat_src);
	addr_read(x, row, SOURCE_NAT_DST, &f->nat_dst);
	f->sport = (uint16_t)number(x, row, SOURCE_SPORT);
	f->dport = (uint16_t)number(x, row, SOURCE_DPORT);
	f->nat_sport = (uint16_t)number(x, row, SOURCE_NAT_SPORT);
	f->nat_dport = (uint16_t)number(x, row, SOURCE_NAT_DPORT);
}

static void counters_read(const struct ipfix *x, const struct feed_row *row, struct ipfix_flow *f)
{
	f->packets[0] = number(x, row, SOURCE_PACKETS);
	f->packets[1] = number(x, row, SOURCE_PACKETS_REPLY);
	f->bytes[0] = number(x, row, SOURCE_BYTES);
	f->bytes[1] = number(x, row, SOURCE_BYTES_REPLY);
}

static void flow_read(struct ipfix *x, const struct feed_row *row, struct ipfix_flow *f)
{
	*f = (struct ipfix_flow){
		.id = (uint64_t)row->id,
		.version = (uint64_t)row->version,
		.started_ms = number(x, row, SOURCE_STARTED),
		.ended_ms = number(x, row, SOURCE_ENDED),
		.mark = (uint32_t)number(x, row, SOURCE_MARK),
		.uplink = text(x, row, SOURCE_UPLINK),
		.verdict = text(x, row, SOURCE_VERDICT),
		.reason = text(x, row, SOURCE_REASON),
		.egress_names = text(x, row, SOURCE_EGRESS),
		.egress_reply_names = text(x, row, SOURCE_EGRESS_REPLY),
		.router = x->origin.router,
		.history = x->origin.history,
	};
	tuple_read(x, row, f);
	counters_read(x, row, f);
	f->ingress = uplink_index(x, text(x, row, SOURCE_INGRESS));
	f->egress = index_of(x, f->egress_names);
	f->end = end_of(f, text(x, row, SOURCE_STATE));
	if (!f->started_ms)
		f->started_ms = f->ended_ms;
}

static int ipfix_begin(void *self, const struct export_origin *o, const struct feed_table *t)
{
	struct ipfix *x = self;

	(void)t;
	x->origin = *o;
	x->n_names = 0;
	ipfix_restart(&x->writer);
	return 0;
}

static int ipfix_add(void *self, const struct feed_row *row)
{
	struct ipfix *x = self;
	struct ipfix_flow f;

	flow_read(x, row, &f);
	ipfix_put_flow(&x->writer, &f);
	return x->writer.error;
}

/* --- the session -------------------------------------------------------------------- */

static void session_end(struct ipfix *x)
{
	if (x->fd >= 0)
		close(x->fd);
	x->fd = -1;
}

static int socket_connect(const struct addrinfo *a, long timeout_s)
{
	struct timeval limit = {.tv_sec = timeout_s};
	int r, fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return fd;
	r = errno == EINPROGRESS ? -ETIMEDOUT : -errno;
	close(fd);
	return r;
}

static int session_begin(struct ipfix *x)
{
	struct addrinfo hints = {.ai_socktype = x->is_udp ? SOCK_DGRAM : SOCK_STREAM}, *list;
	int fd = -EHOSTUNREACH;

	if (x->fd >= 0)
		return 0;
	if (getaddrinfo(x->host, x->port, &hints, &list))
		return -EHOSTUNREACH;
	for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
		fd = socket_connect(a, x->config->export.timeout_s);
	freeaddrinfo(list);
	if (fd < 0)
		return fd;
	x->fd = fd;
	x->sequence = 0;
	x->templates_s = 0;
	return 0;
}

static int bytes_send(struct ipfix *x, const uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t n = send(x->fd, bytes, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Send messages. Each message is copied before it is stamped: ipfix_stamp() overwrites the number
 * of records, which is needed again if the batch is sent again. */
static int messages_send(struct ipfix *x, const struct ipfix_writer *w, time_t now)
{
	uint8_t message[2 * IPFIX_MESSAGE_BYTES];
	unsigned sent = 0;
	int r = 0;

	for (size_t at = 0; r == 0 && at < w->size; at += ipfix_length(w->bytes + at)) {
		size_t size = ipfix_length(w->bytes + at);

		if (size > sizeof(message))
			return -EMSGSIZE;
		memcpy(message, w->bytes + at, size);
		x->sequence = ipfix_stamp(message, (uint32_t)now, x->sequence);
		r = bytes_send(x, message, size);
		if (x->is_udp && ++sent % UDP_BURST == 0)
			nanosleep(&(struct timespec){.tv_nsec = UDP_PAUSE_NS}, NULL);
		if (__atomic_load_n(x->is_stopping, __ATOMIC_RELAXED))
			return -EINTR;
	}
	return r;
}

/* Check that the connection is still open. An empty send queue does not prove delivery, because the
 * queue is also empty after a reset. */
static int session_check(const struct ipfix *x)
{
	socklen_t size = sizeof(int);
	int error = 0;
	char byte;

	getsockopt(x->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error)
		return -error;
	return recv(x->fd, &byte, 1, MSG_DONTWAIT) == 0 ? -ECONNRESET : 0;
}

/* Wait until the collector's kernel has acknowledged every byte. */
static int delivery_await(struct ipfix *x)
{
	int64_t left = (int64_t)x->config->export.timeout_s * 200;
	int queued;

	if (x->is_udp)
		return 0;
	while (ioctl(x->fd, SIOCOUTQ, &queued) == 0 && queued) {
		if (!left--)
			return -ETIMEDOUT;
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
	return session_check(x);
}

static int batch_send(struct ipfix *x)
{
	time_t now = time(NULL);
	int r = session_begin(x);

	if (r == 0 && llabs((long long)(now - x->templates_s)) >= TEMPLATES_INTERVAL_S) {
		r = messages_send(x, &x->templates, now);
		x->templates_s = now;
	}
	if (r == 0)
		r = messages_send(x, &x->writer, now);
	return r == 0 ? delivery_await(x) : r;
}

static int ipfix_send(void *self, struct target_error *why)
{
	struct ipfix *x = self;
	int r = batch_send(x);

	if (r == 0)
		return 0;
	session_end(x);
	snprintf(why->text, sizeof(why->text), "%s:%s: %s", x->host, x->port, strerror(-r));
	return r;
}

const struct export_target target_ipfix = {
	.name = "ipfix",
	.is_wanted = ipfix_is_wanted,
	.open = ipfix_open,
	.close = ipfix_close,
	.takes = ipfix_takes,
	.begin = ipfix_begin,
	.add = ipfix_add,
	.send = ipfix_send,
};
