/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flood.c - sends UDP packets as fast as one core can: over veth the sender's core also does the
 * router's work, so the time per packet is the packet's whole cost.
 *
 *   flood serve PORT                  echo, IPv4 and IPv6, until killed
 *   flood open ADDRESS PORT FLOWS     open FLOWS flows, exchange two packets on
 *                                     each (established), print "open", then for
 *                                     each number read from standard input send
 *                                     that many packets, printing ns per packet
 *   flood new ADDRESS PORT FIRST FLOWS
 *                                     send one packet of each of FLOWS flows, from the
 *                                     source ports FIRST on; prints ns per flow
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FLOWS_MAX 1024
#define BURST	  64
#define PAYLOAD	  64

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int serve(const char *port)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6,
				  .sin6_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), off = 0;
	char buf[2048];

	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)))
		return fail("bind");
	for (;;) {
		struct sockaddr_in6 from;
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &size);

		if (n >= 0)
			sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from, size);
	}
}

/* Two exchanges make a UDP flow "assured". */
static bool establish(int fd)
{
	struct timeval patience = {.tv_sec = 2};
	char answer[PAYLOAD];

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (int i = 0; i < 2; i++) {
		if (send(fd, "hello", 5, 0) != 5 || recv(fd, answer, sizeof(answer), 0) != 5)
			return false;
	}
	return true;
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double send_many(const int *fds, int flows, long packets)
{
	static char payload[PAYLOAD];
	struct iovec io = {payload, sizeof(payload)};
	struct mmsghdr burst[BURST];
	double start = now_ns();
	long sent = 0;

	memset(burst, 0, sizeof(burst));
	for (int i = 0; i < BURST; i++) {
		burst[i].msg_hdr.msg_iov = &io;
		burst[i].msg_hdr.msg_iovlen = 1;
	}
	for (int turn = 0; sent < packets; turn++) {
		int n = sendmmsg(fds[turn % flows], burst, BURST, 0);

		sent += n > 0 ? n : 0;
	}
	return (now_ns() - start) / (double)sent;
}

static int flood(const char *address, const char *port, int flows)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST}, *to;
	static int fds[FLOWS_MAX];
	char line[64];

	if (flows < 1 || flows > FLOWS_MAX || getaddrinfo(address, port, &hints, &to))
		return fail("address or flows");
	for (int i = 0; i < flows; i++) {
		fds[i] = socket(to->ai_family, SOCK_DGRAM, 0);
		if (fds[i] < 0 || connect(fds[i], to->ai_addr, to->ai_addrlen))
			return fail("connect");
		if (!establish(fds[i]))
			return fail("no echo");
	}
	freeaddrinfo(to);
	puts("open");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		printf("%.1f\n", send_many(fds, flows, atol(line)));
		fflush(stdout);
	}
	return 0;
}

/* IPv4: a flow's socket is closed before the next is opened. */
static int flood_new(const char *address, const char *port, int first, int flows)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	struct sockaddr_in from = {.sin_family = AF_INET};
	double start = now_ns();

	if (flows < 1 || first < 1 || first + flows > 65536 ||
	    inet_pton(AF_INET, address, &to.sin_addr) != 1)
		return fail("address, first or flows");
	for (int i = 0; i < flows; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		from.sin_port = htons((uint16_t)(first + i));
		if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) ||
		    sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)) != 5)
			return fail("no flow");
		close(fd);
	}
	printf("%.1f\n", (now_ns() - start) / flows);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(argv[2]);
	if (argc == 5 && !strcmp(argv[1], "open"))
		return flood(argv[2], argv[3], atoi(argv[4]));
	if (argc == 6 && !strcmp(argv[1], "new"))
		return flood_new(argv[2], argv[3], atoi(argv[4]), atoi(argv[5]));
	fputs("usage: flood serve PORT | flood open ADDRESS PORT FLOWS |"
	      " flood new ADDRESS PORT FIRST FLOWS\n",
	      stderr);
	return 2;
}
