/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resync.c - measures what a dump of the conntrack table costs, bare and reconciled: the same
 * table, in turns, in one run. ctgen makes the table. Needs root and a separate network namespace.
 *
 *   resync [TURNS]
 *
 * bare: the messages are read and ignored. resync: they are decoded and reconciled with an audit
 * that knows every flow, as after an overrun; its events came in another order than the kernel's
 * table has. first: the same with an audit that knows no flow, as at the first start.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "waymark/audit/audit.h"
#include "waymark/kernel/conntrack.h"

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

/* Return the seconds; *entries is the number of entries. */
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

static void take(void *data, const struct ct_event *entries, size_t n)
{
	audit_ct_entries(data, entries, n, NOW_MS);
}

static void dump(struct conntrack *c, conntrack_batch_fn *fn, void *data)
{
	struct conntrack_dump *d = conntrack_dump_open(c);
	int ret = d ? 1 : -errno;

	while (ret > 0)
		ret = conntrack_dump_step(d, fn, data);
	if (ret < 0) {
		fprintf(stderr, "resync: the dump ended with %d\n", ret);
		exit(1);
	}
	conntrack_dump_close(d);
}

/* Return the seconds, including those to make the rows that it would write. */
static double dump_audit(struct audit *a, struct conntrack *c)
{
	double started = now_s();

	rows = 0;
	audit_dump_begin(a, NOW_MS);
	dump(c, take, a);
	audit_dump_end(a, false, NOW_MS);
	audit_flush(a, NOW_MS);
	return now_s() - started;
}

struct entries {
	struct ct_event *list;
	size_t n, room;
};

static void keep(void *data, const struct ct_event *entries, size_t n)
{
	struct entries *all = data;

	if (all->n + n > all->room) {
		all->room = all->room ? all->room * 2 : 65536;
		all->list = realloc(all->list, all->room * sizeof(*all->list));
		if (!all->list)
			exit(1);
	}
	memcpy(all->list + all->n, entries, n * sizeof(*entries));
	all->n += n;
}

/* Fisher and Yates. */
static void shuffle(struct entries *all)
{
	for (size_t i = all->n; i > 1; i--) {
		size_t j = (size_t)random() % i;
		struct ct_event was = all->list[i - 1];

		all->list[i - 1] = all->list[j];
		all->list[j] = was;
	}
}

static void learn(struct audit *a, struct conntrack *c)
{
	struct entries all = {.n = 0};

	dump(c, keep, &all);
	shuffle(&all);
	for (size_t i = 0; i < all.n; i++) {
		all.list[i].type = CT_NEW;
		audit_ct_event(a, &all.list[i], NOW_MS);
	}
	audit_flush(a, NOW_MS);
	free(all.list);
}

static struct audit *audit_make(void)
{
	static const struct audit_port port = {.emit = drop, .alert = drop_alert};
	static const struct audit_ids ids = {0};
	struct audit *a = audit_new(&port, &ids, 8000000);

	if (!a)
		exit(1);
	return a;
}

static double measure_first(struct conntrack *c)
{
	struct audit *a = audit_make();
	double first_s = dump_audit(a, c);

	audit_free(a);
	return first_s;
}

int main(int argc, char **argv)
{
	int turns = argc > 1 ? atoi(argv[1]) : 5;
	struct conntrack *c = conntrack_open(1 << 20);
	double bare_s = 1e9, resync_s = 1e9, first_s, t;
	struct audit *a = audit_make();
	long entries;

	if (!c) {
		perror("resync");
		return 1;
	}
	dump_bare(&entries);
	first_s = measure_first(c);
	printf("entries %ld first %.3f s rows %llu\n", entries, first_s, (unsigned long long)rows);
	learn(a, c);
	for (int i = 0; i < turns; i++) {
		t = dump_bare(&entries);
		bare_s = t < bare_s ? t : bare_s;
		t = dump_audit(a, c);
		resync_s = t < resync_s ? t : resync_s;
	}
	printf("entries %ld bare %.3f s (%.2f us each) resync %.3f s (%.2f us each) ratio %.2f "
	       "rows %llu, best of %d turns\n",
	       entries, bare_s, bare_s * 1e6 / (double)entries, resync_s,
	       resync_s * 1e6 / (double)entries, resync_s / bare_s, (unsigned long long)rows,
	       turns);
	conntrack_close(c);
	audit_free(a);
	return 0;
}
