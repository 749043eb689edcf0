/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resync.c - what a dump of the conntrack table costs, bare and reconciled: the same
 * table, in turns, in one run. ctgen makes the table; root, in a network namespace.
 *
 *   resync [TURNS]
 *
 * bare: the messages are read and looked at no further. resync: they are decoded and
 * reconciled with an audit that knows every flow, as after an overrun. first: with
 * an audit that knows none, as at the first start.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "waymark/audit.h"
#include "waymark/ctnl.h"

#define NOW_MS INT64_C(1700000000000)

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void request(struct mnl_socket *s)
{
	char buffer[64];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);

	h->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(h, sizeof(struct nfgenmsg));
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(s, h, h->nlmsg_len) < 0)
		exit(1);
}

/* Seconds; the number of entries goes to *entries. */
static double dump_bare(long *entries)
{
	struct mnl_socket *s = mnl_socket_open(NETLINK_NETFILTER);
	static char buffer[65536];
	double started = now_s();
	bool is_done = false;

	if (!s)
		exit(1);
	request(s);
	for (*entries = 0; !is_done;) {
		int n = (int)mnl_socket_recvfrom(s, buffer, sizeof(buffer));
		const struct nlmsghdr *h = (const struct nlmsghdr *)buffer;

		for (; mnl_nlmsg_ok(h, n); h = mnl_nlmsg_next(h, &n)) {
			is_done = h->nlmsg_type == NLMSG_DONE;
			*entries += !is_done;
		}
	}
	mnl_socket_close(s);
	return now_s() - started;
}

static uint64_t rows;

static void drop(void *data, const struct record *r)
{
	(void)data;
	(void)r;
	rows++;
}

static void drop_alert(void *data, const struct flow_record *f, const struct mismatch_record *m)
{
	(void)data;
	(void)f;
	(void)m;
}

static void take(void *data, const struct ct_event *ev)
{
	audit_ct_event(data, ev, NOW_MS);
}

/* Seconds; the rows that it would write count, and are made in it. */
static double dump_audit(struct audit *a, struct ctnl *c)
{
	double started = now_s();
	int err;

	rows = 0;
	audit_dump_begin(a, NOW_MS);
	err = ctnl_dump(c, take, a);
	audit_dump_end(a, err != 0, NOW_MS);
	audit_flush(a, NOW_MS);
	if (err)
		fprintf(stderr, "resync: the dump ended with %d\n", err);
	return now_s() - started;
}

int main(int argc, char **argv)
{
	static const struct audit_port port = { .emit = drop, .alert = drop_alert };
	static const struct audit_ids ids = { 0 };
	int turns = argc > 1 ? atoi(argv[1]) : 5;
	struct audit *a = audit_new(&port, &ids, 8000000);
	struct ctnl *c = ctnl_open(1 << 20);
	double bare_s = 1e9, resync_s = 1e9, first_s, t;
	long entries;

	if (!a || !c) {
		perror("resync");
		return 1;
	}
	dump_bare(&entries);
	first_s = dump_audit(a, c);
	printf("entries %ld first %.3f s rows %llu\n", entries, first_s, (unsigned long long)rows);
	for (int i = 0; i < turns; i++) {
		t = dump_bare(&entries);
		bare_s = t < bare_s ? t : bare_s;
		t = dump_audit(a, c);
		resync_s = t < resync_s ? t : resync_s;
	}
	printf("entries %ld bare %.3f s (%.2f us each) resync %.3f s (%.2f us each) ratio %.2f "
	       "rows %llu, best of %d turns\n", entries, bare_s, bare_s * 1e6 / (double)entries,
	       resync_s, resync_s * 1e6 / (double)entries, resync_s / bare_s,
	       (unsigned long long)rows, turns);
	ctnl_close(c);
	audit_free(a);
	return 0;
}
