/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * traffic.c - makes real flows: UDP and TCP by turns, one message each way, one flow after the
 * other.
 *
 *   traffic serve ADDRESS PORT               answer, UDP and TCP, until killed
 *   traffic make SOURCE ADDRESS PORT FLOWS [RATE]
 *                                            make FLOWS flows, RATE per second
 *
 * No two flows share an address and port: they come from SOURCE, all its ports in turn, then from
 * the next address, and so on; all must be local. (A port chosen by the kernel may be used again
 * while the router still has its last flow, which then makes no new flow there.)
 *
 * Prints "made N refused N seconds S rate R cpu_us C"; refused: without a reply.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Ports per source address. */
#define FIRST_PORT 1024
#define PORTS	   60000

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

/* Replies come from the address that was asked. */
static struct sockaddr_in address_of(const char *address, const char *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

	if (inet_pton(AF_INET, address, &a.sin_addr) != 1) {
		fprintf(stderr, "traffic: %s is no IPv4 address\n", address);
		exit(2);
	}
	return a;
}

static int opened(int type, struct sockaddr_in at)
{
	int fd = socket(AF_INET, type, 0), one = 1, buffer = 32 << 20;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
	    (type == SOCK_STREAM && listen(fd, 4096))) {
		perror("traffic: serve");
		exit(1);
	}
	return fd;
}

static void answer_udp(int fd)
{
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	char buffer[64];
	ssize_t n;

	while ((n = recvfrom(fd, buffer, sizeof(buffer), MSG_DONTWAIT, (struct sockaddr *)&from,
			     &size)) > 0)
		sendto(fd, buffer, (size_t)n, 0, (struct sockaddr *)&from, size);
}

static void answer_tcp(int fd)
{
	int client = accept(fd, NULL, NULL);

	if (client < 0)
		return;
	send(client, "hello", 5, MSG_NOSIGNAL);
	close(client);
}

__attribute__((noreturn)) static void serve(struct sockaddr_in at)
{
	int udp = opened(SOCK_DGRAM, at), tcp = opened(SOCK_STREAM, at);
	int poll_fd = epoll_create1(0);
	struct epoll_event of_udp = {.events = EPOLLIN, .data.fd = udp};
	struct epoll_event of_tcp = {.events = EPOLLIN, .data.fd = tcp}, ready[2];

	epoll_ctl(poll_fd, EPOLL_CTL_ADD, udp, &of_udp);
	epoll_ctl(poll_fd, EPOLL_CTL_ADD, tcp, &of_tcp);
	for (;;) {
		int n = epoll_wait(poll_fd, ready, 2, -1);

		for (int i = 0; i < n; i++) {
			if (ready[i].data.fd == udp)
				answer_udp(udp);
			else
				answer_tcp(tcp);
		}
	}
}

static bool is_answered(int fd)
{
	char answer[16];

	return recv(fd, answer, sizeof(answer), 0) == 5;
}

/* UDP and TCP by turns, each pair from its own port. */
static struct sockaddr_in source_of(const struct sockaddr_in *first, long flow)
{
	struct sockaddr_in from = *first;
	long pair = flow / 2;

	from.sin_addr.s_addr = htonl(ntohl(first->sin_addr.s_addr) + (uint32_t)(pair / PORTS));
	from.sin_port = htons((uint16_t)(FIRST_PORT + pair % PORTS));
	return from;
}

static int flow_open(const struct sockaddr_in *from, bool is_tcp)
{
	int fd = socket(AF_INET, is_tcp ? SOCK_STREAM : SOCK_DGRAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (const struct sockaddr *)from, sizeof(*from))) {
		perror("traffic: make");
		exit(1);
	}
	return fd;
}

static bool flow_make(const struct sockaddr_in *from, const struct sockaddr_in *to, bool is_tcp)
{
	struct linger none = {.l_onoff = 1};
	struct timeval patience = {.tv_sec = 1};
	int fd = flow_open(from, is_tcp);
	bool is_made;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	is_made = connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0 &&
		  send(fd, "hello", 5, MSG_NOSIGNAL) == 5 && is_answered(fd);
	if (is_tcp)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(fd);
	return is_made;
}

static void pace(double started_s, long done, long rate)
{
	double ahead = rate ? (double)done / (double)rate - (now_s() - started_s) : 0;

	if (ahead > 0.0005)
		usleep((useconds_t)(ahead * 1e6));
}

static int make(struct sockaddr_in first, struct sockaddr_in to, long flows, long rate)
{
	double started_s = now_s(), wall;
	long refused = 0;

	for (long i = 0; i < flows; i++) {
		struct sockaddr_in from = source_of(&first, i);

		refused += !flow_make(&from, &to, i % 2);
		if (i % 32 == 0)
			pace(started_s, i, rate);
	}
	wall = now_s() - started_s;
	printf("made %ld refused %ld seconds %.3f rate %.0f cpu_us %.2f\n", flows, refused, wall,
	       (double)flows / wall, cpu_s() * 1e6 / (double)flows);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "serve"))
		serve(address_of(argv[2], argv[3]));
	if (argc >= 6 && !strcmp(argv[1], "make"))
		return make(address_of(argv[2], "0"), address_of(argv[3], argv[4]), atol(argv[5]),
			    argc > 6 ? atol(argv[6]) : 0);
	fputs("usage: traffic serve ADDRESS PORT\n"
	      "       traffic make SOURCE ADDRESS PORT FLOWS [RATE]\n",
	      stderr);
	return 2;
}
