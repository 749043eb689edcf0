/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fault.c - makes faults, one after the other, and measures how long each takes to be reported.
 *
 *   fault make ROUTER-PID RIGHT WRONG ADDRESS PORT FILE FIRST COUNT WAIT_MS
 *   fault listen GROUP FILE         write a log group's packets as lines, until SIGTERM
 *
 * make: open a UDP flow from port FIRST, answered once; then move the default route of table RIGHT,
 * in ROUTER-PID's network namespace, to the nexthop of table WRONG, send a packet, wait for a line
 * of FILE that has the flow's port, and restore the route. COUNT times, with WAIT_MS between.
 * Prints for each fault the microseconds from just before the packet is sent to the line read, or
 * "missed".
 *
 * FILE is a pipe that has a reader and a writer: make reads it, and the alert sink 'json' writes
 * to it, or listen, which does nothing else and is the reference for make.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "waymark/kernel/nflog.h"
#include "waymark/kernel/rtnl.h"

#define PATIENCE_MS 3000

static int fail(const char *what)
{
	fprintf(stderr, "fault: %s: %s\n", what, strerror(errno));
	return 1;
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* --- the route --------------------------------------------------------------------- */

struct route {
	struct rtnl *rtnl;
	struct route_state right, wrong;
};

/* A socket stays in the namespace in which it was opened. */
static struct rtnl *rtnl_open_at(const char *pid)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there;
	struct rtnl *r = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (own >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0) {
		r = rtnl_open();
		if (setns(own, CLONE_NEWNET))
			exit(fail("setns"));
	}
	close(there);
	close(own);
	return r;
}

static int default_find(const struct netstate *s, uint32_t table, struct route_state *out)
{
	for (size_t i = 0; i < s->n_routes; i++) {
		const struct route_state *r = &s->routes[i];

		if (r->table == table && r->family == AF_INET && !r->dst.len &&
		    r->type == RTN_UNICAST)
			return route_copy(out, r);
	}
	return -ESRCH;
}

/* wrong: the right route's table, the other one's nexthop. */
static int route_find(struct route *r, const char *pid, uint32_t right, uint32_t wrong)
{
	struct route_state other = {0};
	struct netstate *s;
	int err;

	r->rtnl = rtnl_open_at(pid);
	s = r->rtnl ? rtnl_snapshot(r->rtnl) : NULL;
	if (!s)
		return -errno;
	err = default_find(s, right, &r->right);
	if (!err)
		err = route_copy(&r->wrong, &r->right);
	if (!err)
		err = default_find(s, wrong, &other);
	if (!err && (other.n_nexthops != 1 || r->wrong.n_nexthops != 1))
		err = -EINVAL;
	if (!err) {
		r->wrong.nexthops[0] = other.nexthops[0];
		r->wrong.prefsrc = other.prefsrc;
	}
	route_clear(&other);
	netstate_free(s);
	return err;
}

static void route_set(struct route *r, const struct route_state *to)
{
	int err = rtnl_route_add(r->rtnl, to, true);

	if (!err)
		return;
	errno = -err;
	exit(fail("moving the route"));
}

/* --- a flow, and the line that reports it -------------------------------------------- */

static int flow_open(const struct sockaddr_in *to, uint16_t port)
{
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct timeval patience = {.tv_sec = 2};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char answer[16];

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) ||
	    connect(fd, (const struct sockaddr *)to, sizeof(*to)) || send(fd, "hello", 5, 0) != 5 ||
	    recv(fd, answer, sizeof(answer), 0) != 5)
		exit(fail("opening a flow"));
	return fd;
}

/* Complete lines read from a pipe. */
struct lines {
	int fd;
	size_t used;
	char text[65536];
};

static bool line_has_port(const char *line, uint16_t port)
{
	char key[32];

	snprintf(key, sizeof(key), "\"sport\":%u,", port);
	return strstr(line, "\"mismatch\"") && strstr(line, key);
}

/* Remove the complete lines; return whether one of them reports the flow. */
static bool lines_take(struct lines *l, uint16_t port)
{
	char *line = l->text, *end;
	bool is_found = false;

	l->text[l->used] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		is_found |= line_has_port(line, port);
		line = end + 1;
	}
	l->used = strlen(line);
	memmove(l->text, line, l->used);
	return is_found;
}

static bool lines_wait(struct lines *l, uint16_t port, int patience_ms)
{
	double until_us = now_us() + patience_ms * 1e3;
	struct pollfd p = {.fd = l->fd, .events = POLLIN};

	while (now_us() < until_us) {
		ssize_t n;

		if (poll(&p, 1, patience_ms) <= 0)
			continue;
		n = read(l->fd, l->text + l->used, sizeof(l->text) - 1 - l->used);
		if (n <= 0)
			continue;
		l->used += (size_t)n;
		if (lines_take(l, port))
			return true;
	}
	return false;
}

static void fault_make(struct route *r, struct lines *l, const struct sockaddr_in *to,
		       uint16_t port, int wait_ms)
{
	int fd = flow_open(to, port);
	double sent_us, reported_us;
	bool is_reported;

	usleep((useconds_t)wait_ms * 500);
	route_set(r, &r->wrong);
	sent_us = now_us();
	if (send(fd, "strays", 6, 0) != 6)
		exit(fail("sending"));
	is_reported = lines_wait(l, port, PATIENCE_MS);
	reported_us = now_us();
	route_set(r, &r->right);
	if (is_reported)
		printf("%.0f\n", reported_us - sent_us);
	else
		puts("missed");
	usleep((useconds_t)wait_ms * 500);
	close(fd);
}

static int make(char **arg)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arg[4]))};
	struct lines lines = {.fd = open(arg[5], O_RDWR | O_NONBLOCK | O_CLOEXEC)};
	struct route route = {0};
	int first = atoi(arg[6]), count = atoi(arg[7]);
	int err = route_find(&route, arg[0], (uint32_t)atoi(arg[1]), (uint32_t)atoi(arg[2]));

	if (err || lines.fd < 0 || inet_pton(AF_INET, arg[3], &to.sin_addr) != 1) {
		errno = err ? -err : errno;
		return fail("getting ready");
	}
	for (int i = 0; i < count; i++)
		fault_make(&route, &lines, &to, (uint16_t)(first + i), atoi(arg[8]));
	route_clear(&route.right);
	route_clear(&route.wrong);
	rtnl_close(route.rtnl);
	close(lines.fd);
	return 0;
}

/* --- the reference -------------------------------------------------------------- */

static void packet_write(void *data, const struct stray_packet *p)
{
	const int *out = data;

	dprintf(*out, "\"mismatch\" \"sport\":%u,\n", p->tuple.sport);
}

static int listen_group(const char *group, const char *file)
{
	struct nflog *n = nflog_open((uint16_t)atoi(group), 8 << 20);
	int out = open(file, O_RDWR | O_CLOEXEC);
	struct pollfd p = {.fd = n ? nflog_fd(n) : -1, .events = POLLIN};
	uint64_t holes = 0;

	if (!n || out < 0)
		return fail("listening");
	puts("ready");
	fflush(stdout);
	while (poll(&p, 1, -1) >= 0)
		nflog_receive(n, packet_write, &out, 64, &holes);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 11 && !strcmp(argv[1], "make"))
		return make(argv + 2);
	if (argc == 4 && !strcmp(argv[1], "listen"))
		return listen_group(argv[2], argv[3]);
	fputs("usage: fault make ROUTER-PID RIGHT WRONG ADDRESS PORT FILE FIRST COUNT WAIT_MS\n"
	      "       fault listen GROUP FILE\n",
	      stderr);
	return 2;
}
