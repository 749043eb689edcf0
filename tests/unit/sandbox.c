/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox.c - a separate network namespace for a test, with loopback up.
 */
#define _GNU_SOURCE /* unshare */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <nftables/libnftables.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "sandbox.h"

static bool is_entered, is_privileged;

static bool loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;

	if (fd >= 0)
		close(fd);
	return is_up;
}

static bool file_put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	bool is_put = file && fputs(text, file) >= 0;

	return file && fclose(file) == 0 && is_put;
}

static bool map_put(const char *path, unsigned id)
{
	char text[32];

	snprintf(text, sizeof(text), "0 %u 1", id);
	return file_put(path, text);
}

/* Make a network namespace in a user namespace where this user is root. Without that, the sysctls
 * of the network namespace could not be written. */
static int unprivileged_enter(void)
{
	unsigned uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return -1;
	assert_true(file_put("/proc/self/setgroups", "deny"));
	assert_true(map_put("/proc/self/uid_map", uid));
	assert_true(map_put("/proc/self/gid_map", gid));
	return 0;
}

const char *sandbox_enter(void)
{
	static char reason[160];

	if (is_entered)
		return NULL;
	is_privileged = unshare(CLONE_NEWNET) == 0;
	if (!is_privileged && unprivileged_enter()) {
		snprintf(reason, sizeof(reason), "no network namespace can be made: %s",
			 strerror(errno));
		if (geteuid() == 0)
			fail_msg("%s", reason);
		return reason;
	}
	assert_true(loopback_up());
	is_entered = true;
	return NULL;
}

bool sandbox_is_privileged(void)
{
	return is_privileged;
}

void sandbox_nft(const char *commands)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);

	assert_true(is_entered);
	assert_non_null(nft);
	if (nft_run_cmd_from_buffer(nft, commands))
		fail_msg("nft refused: %s", commands);
	nft_ctx_free(nft);
}

void sandbox_sysctl(const char *path, const char *value)
{
	char name[256];
	int fd;

	assert_true(is_entered);
	snprintf(name, sizeof(name), "/proc/sys/%s", path);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

static void address_set(struct sockaddr_storage *s, socklen_t *size, bool is_ipv6, uint16_t port)
{
	memset(s, 0, sizeof(*s));
	if (is_ipv6) {
		struct sockaddr_in6 *a = (struct sockaddr_in6 *)s;

		*a = (struct sockaddr_in6){.sin6_family = AF_INET6,
					   .sin6_port = htons(port),
					   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
		*size = sizeof(*a);
	} else {
		struct sockaddr_in *a = (struct sockaddr_in *)s;

		*a = (struct sockaddr_in){.sin_family = AF_INET,
					  .sin_port = htons(port),
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		*size = sizeof(*a);
	}
}

void sandbox_udp(bool is_ipv6, uint16_t sport, uint16_t dport)
{
	struct sockaddr_storage from, to;
	socklen_t size;
	int fd = socket(is_ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	address_set(&from, &size, is_ipv6, sport);
	address_set(&to, &size, is_ipv6, dport);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, size), 0);
	assert_int_equal(sendto(fd, "waymark", 7, 0, (struct sockaddr *)&to, size), 7);
	close(fd);
}

bool sandbox_wait(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 2000) > 0;
}
