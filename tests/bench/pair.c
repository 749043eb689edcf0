/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pair.c - compares what a forwarded packet costs through two routers at once. Bursts go through
 * both in turns, so that other load affects both alike, and their ratio is repeatable where
 * separate runs vary. Over veth the sender's core also does the router's work: the time of a burst
 * is its packets' whole cost.
 *
 *   pair up|down ADDRESS PORT BURSTS CLIENT_A SERVER_A CLIENT_B SERVER_B
 *
 * CLIENT and SERVER are names of network namespaces; ADDRESS is the server's in both. First the
 * flows are established; then "open" is printed, and the bursts start when a line is read, so that
 * the caller can make the far ends drop packets. Prints the mean nanoseconds per packet through
 * each, and the ratio of the first to the second.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FLOWS	16
#define BURST	64
#define PAYLOAD 64
#define WARM_UP 200
#define TRIES	8

struct side {
	int server;
	int client[FLOWS];
	struct sockaddr_storage from[FLOWS]; /* the clients, as the server sees them */
	socklen_t from_size;
	double *ns; /* per packet, for each burst */
};

static void fail(const char *what)
{
	fprintf(stderr, "pair: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void enter(const char *namespace)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		fail(namespace);
	close(fd);
}

static int udp_socket(const struct addrinfo *at)
{
	struct timeval patience = {.tv_sec = 1};
	int fd = socket(at->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		fail("socket");
	return fd;
}

/* The first packets may be lost during neighbour discovery. */
static void establish(struct side *s, int flow)
{
	char answer[PAYLOAD];
	int answers = 0;

	for (int i = 0; i < TRIES && answers < 2; i++) {
		s->from_size = sizeof(s->from[flow]);
		if (send(s->client[flow], "hello", 5, 0) != 5 ||
		    recvfrom(s->server, answer, sizeof(answer), 0,
			     (struct sockaddr *)&s->from[flow], &s->from_size) < 0 ||
		    sendto(s->server, answer, 5, 0, (struct sockaddr *)&s->from[flow],
			   s->from_size) != 5)
			continue;
		answers += recv(s->client[flow], answer, sizeof(answer), 0) == 5;
	}
	if (answers < 2)
		fail("a flow was not answered");
}

static void side_open(struct side *s, const struct addrinfo *at, const char *client,
		      const char *server, long bursts)
{
	s->ns = calloc((size_t)bursts, sizeof(*s->ns));
	if (!s->ns)
		fail("no memory");
	enter(server);
	s->server = udp_socket(at);
	if (bind(s->server, at->ai_addr, at->ai_addrlen))
		fail("bind");
	enter(client);
	for (int i = 0; i < FLOWS; i++) {
		s->client[i] = udp_socket(at);
		if (connect(s->client[i], at->ai_addr, at->ai_addrlen))
			fail("connect");
		establish(s, i);
	}
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Return nanoseconds per packet; 0 if none could be sent. */
static double burst_send(struct side *s, int flow, bool is_down)
{
	static char payload[PAYLOAD];
	struct iovec io = {payload, sizeof(payload)};
	struct mmsghdr burst[BURST];
	double start;
	int n;

	memset(burst, 0, sizeof(burst));
	for (int i = 0; i < BURST; i++) {
		burst[i].msg_hdr.msg_iov = &io;
		burst[i].msg_hdr.msg_iovlen = 1;
		if (is_down) {
			burst[i].msg_hdr.msg_name = &s->from[flow];
			burst[i].msg_hdr.msg_namelen = s->from_size;
		}
	}
	start = now_ns();
	n = sendmmsg(is_down ? s->server : s->client[flow], burst, BURST, 0);
	return n > 0 ? (now_ns() - start) / n : 0;
}

static int number_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *values, long n)
{
	double *sorted = malloc((size_t)n * sizeof(*sorted)), middle;

	if (!sorted)
		fail("no memory");
	memcpy(sorted, values, (size_t)n * sizeof(*sorted));
	qsort(sorted, (size_t)n, sizeof(*sorted), number_compare);
	middle = sorted[n / 2];
	free(sorted);
	return middle;
}

/* Pairs with a disturbed burst (took twice its median or more) do not count. */
static void print_result(const struct side *a, const struct side *b, long bursts)
{
	double most_a = 2 * median(a->ns, bursts), most_b = 2 * median(b->ns, bursts);
	double sum_a = 0, sum_b = 0;
	long n = 0;

	for (long i = 0; i < bursts; i++) {
		if (!a->ns[i] || !b->ns[i] || a->ns[i] > most_a || b->ns[i] > most_b)
			continue;
		sum_a += a->ns[i];
		sum_b += b->ns[i];
		n++;
	}
	if (n < bursts / 2)
		fail("more than half of the bursts were disturbed");
	printf("%.1f %.1f %.4f\n", sum_a / (double)n, sum_b / (double)n, sum_a / sum_b);
}

int main(int argc, char **argv)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST}, *at;
	static struct side side[2];
	long bursts = argc == 9 ? atol(argv[4]) : 0;
	bool is_down = argc == 9 && !strcmp(argv[1], "down");

	if (bursts < 100 || getaddrinfo(argv[2], argv[3], &hints, &at)) {
		fputs("usage: pair up|down ADDRESS PORT BURSTS CLIENT_A SERVER_A CLIENT_B"
		      " SERVER_B\n",
		      stderr);
		return 2;
	}
	for (int s = 0; s < 2; s++)
		side_open(&side[s], at, argv[5 + 2 * s], argv[6 + 2 * s], bursts);
	puts("open");
	fflush(stdout);
	if (getchar() == EOF)
		return 1;
	for (long i = -WARM_UP; i < bursts; i++) {
		for (int k = 0; k < 2; k++) {
			struct side *s = &side[(i & 1) ^ k];
			double ns = burst_send(s, (int)((i + WARM_UP) % FLOWS), is_down);

			if (i >= 0)
				s->ns[i] = ns;
		}
	}
	print_result(&side[0], &side[1], bursts);
	freeaddrinfo(at);
	return 0;
}
