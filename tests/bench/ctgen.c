/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctgen.c - makes conntrack entries as fast as the kernel accepts them, or at a rate, and counts
 * the events that they cause. For tests and benchmarks in a separate network namespace.
 *
 *   ctgen [OPTION]... make COUNT     insert COUNT flows
 *   ctgen [OPTION]... delete COUNT   delete them again
 *   ctgen [OPTION]... churn COUNT    insert them, and delete each when -l more exist;
 *                                    SIGTERM ends it early, with the number made
 *   ctgen [OPTION]... listen         count events until SIGTERM: only listens
 *
 *   -r RATE    flows per second (as fast as possible)
 *   -f FIRST   number of the first flow (0): each number is a tuple
 *   -l LIVE    live flows at once, for churn (1024)
 *   -6 PART    every PART-th flow is IPv6 (none)
 *   -b BYTES   receive buffer, for listen (33554432)
 *
 * Prints one line of KEY VALUE pairs: the number made (the kernel refused none unless "refused"
 * says so), the time it took and the CPU it cost.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Messages per send: the kernel processes all of them before it returns. */
#define BATCH	      64
#define MESSAGE_BYTES 256
#define PORTS	      50000

struct options {
	long rate, first, live, ipv6_part;
	int buffer_bytes;
};

struct generator {
	struct mnl_socket *socket;
	struct options o;
	char batch[BATCH * MESSAGE_BYTES];
	size_t used;
	unsigned n;
	long sent, refused;
	double started_s;
};

static volatile sig_atomic_t is_stopped;

static void on_stop(int sig)
{
	(void)sig;
	is_stopped = 1;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* --- messages ------------------------------------------------------------------- */

static void put_addresses(struct nlmsghdr *h, long i, bool is_ipv6, bool is_reply)
{
	struct nlattr *ip = mnl_attr_nest_start(h, CTA_TUPLE_IP);
	uint32_t inside = htonl(0x0a000000u + (uint32_t)(i / PORTS));
	uint32_t outside = htonl(0xcb007101u);			  /* 203.0.113.1 */
	uint32_t uplink = htonl(0xc6336402u + (uint32_t)(i & 1)); /* 198.51.100.2, .3 */
	uint8_t near[16] = {0xfd, 0}, far[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

	memcpy(near + 12, &inside, 4);
	if (is_ipv6) {
		mnl_attr_put(h, CTA_IP_V6_SRC, 16, is_reply ? far : near);
		mnl_attr_put(h, CTA_IP_V6_DST, 16, is_reply ? near : far);
	} else {
		mnl_attr_put(h, CTA_IP_V4_SRC, 4, is_reply ? &outside : &inside);
		mnl_attr_put(h, CTA_IP_V4_DST, 4, is_reply ? &uplink : &outside);
	}
	mnl_attr_nest_end(h, ip);
}

/* For IPv4 the reply goes to the router's address: NAT keeps the port distinct by the far
	 * end's, so that no two flows share a reply tuple. */
static void put_ports(struct nlmsghdr *h, long i, bool is_ipv6, bool is_reply)
{
	struct nlattr *proto = mnl_attr_nest_start(h, CTA_TUPLE_PROTO);
	uint16_t near = htons((uint16_t)(1024 + i % PORTS));
	uint16_t far = htons((uint16_t)(is_ipv6 ? 53 : 1 + i / PORTS));

	mnl_attr_put_u8(h, CTA_PROTO_NUM, IPPROTO_UDP);
	mnl_attr_put(h, CTA_PROTO_SRC_PORT, 2, is_reply ? &far : &near);
	mnl_attr_put(h, CTA_PROTO_DST_PORT, 2, is_reply ? &near : &far);
	mnl_attr_nest_end(h, proto);
}

static void put_tuple(struct nlmsghdr *h, unsigned type, long i, bool is_ipv6, bool is_reply)
{
	struct nlattr *tuple = mnl_attr_nest_start(h, (uint16_t)type);

	put_addresses(h, i, is_ipv6, is_reply);
	put_ports(h, i, is_ipv6, is_reply);
	mnl_attr_nest_end(h, tuple);
}

static bool is_ipv6_flow(const struct options *o, long i)
{
	return o->ipv6_part && i % o->ipv6_part == 0;
}

static void put_flow(struct generator *g, unsigned message, long i)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(g->batch + g->used);
	bool is_ipv6 = is_ipv6_flow(&g->o, i), is_new = message == IPCTNL_MSG_CT_NEW;
	struct nfgenmsg *nf;

	h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | message);
	h->nlmsg_flags = NLM_F_REQUEST | (is_new ? NLM_F_CREATE | NLM_F_EXCL : 0);
	nf = mnl_nlmsg_put_extra_header(h, sizeof(*nf));
	nf->nfgen_family = is_ipv6 ? AF_INET6 : AF_INET;
	put_tuple(h, CTA_TUPLE_ORIG, i, is_ipv6, false);
	if (is_new) {
		put_tuple(h, CTA_TUPLE_REPLY, i, is_ipv6, true);
		mnl_attr_put_u32(h, CTA_TIMEOUT, htonl(3600));
		mnl_attr_put_u32(h, CTA_MARK, htonl(2 + (uint32_t)(i & 1)));
	}
	g->used += h->nlmsg_len;
	g->n++;
}

/* --- sending ----------------------------------------------------------------------- */

/* Only refusals are answered. */
static void answers_read(struct generator *g)
{
	char buffer[8192];
	ssize_t n;

	while ((n = recv(mnl_socket_get_fd(g->socket), buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)buffer;
		int left = (int)n;

		for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
			g->refused += h->nlmsg_type == NLMSG_ERROR;
	}
}

static void batch_send(struct generator *g)
{
	if (g->n && mnl_socket_sendto(g->socket, g->batch, g->used) < 0) {
		perror("ctgen: send");
		exit(1);
	}
	g->used = 0;
	g->n = 0;
	answers_read(g);
}

static void pace(const struct generator *g, long done)
{
	double ahead;

	if (!g->o.rate)
		return;
	ahead = (double)done / (double)g->o.rate - (now_s() - g->started_s);
	if (ahead > 0.0005)
		nanosleep(&(struct timespec){.tv_sec = (time_t)ahead,
					     .tv_nsec =
						     (long)((ahead - (double)(time_t)ahead) * 1e9)},
			  NULL);
}

static void flow_send(struct generator *g, unsigned message, long i)
{
	put_flow(g, message, i);
	if (g->n == BATCH)
		batch_send(g);
}

/* Return how many were made: fewer than requested if it was stopped. */
static long run(struct generator *g, const char *what, long count)
{
	bool is_churn = !strcmp(what, "churn"), is_delete = !strcmp(what, "delete");
	long live = is_churn ? g->o.live : 0;

	for (long i = 0; i < count + live; i++) {
		if (is_stopped && i < count)
			count = i;
		if (i < count)
			flow_send(g, is_delete ? IPCTNL_MSG_CT_DELETE : IPCTNL_MSG_CT_NEW,
				  g->o.first + i);
		if (is_churn && i >= live && i - live < count)
			flow_send(g, IPCTNL_MSG_CT_DELETE, g->o.first + i - live);
		if (i % BATCH == 0)
			pace(g, i);
	}
	batch_send(g);
	return count;
}

static int generate(const struct options *o, const char *what, long count)
{
	struct generator *g = calloc(1, sizeof(*g));
	struct sigaction stop = {.sa_handler = on_stop};
	double wall;

	if (!g)
		return 1;
	g->o = *o;
	g->socket = mnl_socket_open(NETLINK_NETFILTER);
	if (!g->socket || mnl_socket_bind(g->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		perror("ctgen: socket");
		return 1;
	}
	sigaction(SIGTERM, &stop, NULL);
	g->started_s = now_s();
	count = run(g, what, count);
	wall = now_s() - g->started_s;
	printf("%s %ld refused %ld seconds %.3f rate %.0f cpu_us %.2f\n", what, count, g->refused,
	       wall, (double)count / wall, cpu_s() * 1e6 / (double)count);
	mnl_socket_close(g->socket);
	free(g);
	return 0;
}

/* --- listening ---------------------------------------------------------------------- */

struct counts {
	long new, update, destroy, overruns;
};

static void count(struct counts *c, const char *buffer, ssize_t size)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)buffer;
	int left = (int)size;

	for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		if ((h->nlmsg_type & 0xff) == IPCTNL_MSG_CT_DELETE)
			c->destroy++;
		else if (h->nlmsg_flags & NLM_F_CREATE)
			c->new ++;
		else
			c->update++;
	}
}

static int listen_count(const struct options *o)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);
	struct sigaction stop = {.sa_handler = on_stop};
	struct counts c = {0};
	char buffer[8192];
	struct rusage u;

	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	if (!socket || mnl_socket_bind(socket, 0x7, MNL_SOCKET_AUTOPID) < 0) {
		perror("ctgen: listen");
		return 1;
	}
	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUFFORCE, &o->buffer_bytes,
		   sizeof(o->buffer_bytes));
	while (!is_stopped) {
		ssize_t n = recv(mnl_socket_get_fd(socket), buffer, sizeof(buffer), 0);

		if (n > 0)
			count(&c, buffer, n);
		else if (n < 0 && errno == ENOBUFS)
			c.overruns++;
	}
	getrusage(RUSAGE_SELF, &u);
	printf("new %ld update %ld destroy %ld overruns %ld cpu_s %.3f kib %ld\n", c.new, c.update,
	       c.destroy, c.overruns, cpu_s(), u.ru_maxrss);
	mnl_socket_close(socket);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = {.live = 1024, .buffer_bytes = 32 << 20};
	const char *what;
	int option;

	while ((option = getopt(argc, argv, "r:f:l:6:b:")) != -1) {
		long value = optarg ? atol(optarg) : 0;

		switch (option) {
		case 'r':
			o.rate = value;
			break;
		case 'f':
			o.first = value;
			break;
		case 'l':
			o.live = value;
			break;
		case '6':
			o.ipv6_part = value;
			break;
		case 'b':
			o.buffer_bytes = (int)value;
			break;
		default:
			return 2;
		}
	}
	what = optind < argc ? argv[optind] : "";
	if (!strcmp(what, "listen"))
		return listen_count(&o);
	if ((strcmp(what, "make") && strcmp(what, "delete") && strcmp(what, "churn")) ||
	    optind + 2 != argc) {
		fputs("usage: ctgen [-r RATE] [-f FIRST] [-l LIVE] [-6 PART] make|delete|churn "
		      "COUNT\n"
		      "       ctgen [-b BYTES] listen\n",
		      stderr);
		return 2;
	}
	return generate(&o, what, atol(argv[optind + 1]));
}
