/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ifnames.c - maps interface indexes to names.
 *
 * libnfnetlink removes an interface from its table as soon as the interface is deleted. Evidence
 * about packets that left by a deleted interface can arrive later. Therefore this file examines
 * each message before the library reads it, and keeps the names of deleted interfaces. Must not
 * know uplinks.
 */
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <libnfnetlink/libnfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "waymark/kernel/ifnames.h"

/* Number of names that are kept. The kernel assigns ascending indexes, so the kept names are those
 * of about the latest 1,024 interfaces. */
#define SLOTS 1024

/* Size of the library's reads; link messages are smaller. */
#define PEEK_BYTES 8192

struct slot {
	uint32_t ifindex; /* 0: empty */
	char name[IFNAMSIZ];
};

struct ifnames {
	struct nlif_handle *nlif;
	struct slot slots[SLOTS]; /* index: ifindex modulo SLOTS */
};

struct ifnames *ifnames_open(void)
{
	struct ifnames *t = calloc(1, sizeof(*t));
	int err = ENOMEM;

	if (!t)
		return NULL;
	errno = 0;
	t->nlif = nlif_open();
	if (!t->nlif || nlif_query(t->nlif) < 0) {
		err = errno ? errno : EIO;
		goto fail;
	}
	/* The socket becomes non-blocking only after nlif_query(), which must wait for replies. */
	if (fcntl(nlif_fd(t->nlif), F_SETFL, O_NONBLOCK) ||
	    fcntl(nlif_fd(t->nlif), F_SETFD, FD_CLOEXEC)) {
		err = errno;
		goto fail;
	}
	return t;
fail:
	ifnames_close(t);
	errno = err;
	return NULL;
}

void ifnames_close(struct ifnames *t)
{
	if (!t)
		return;
	if (t->nlif)
		nlif_close(t->nlif);
	free(t);
}

int ifnames_fd(const struct ifnames *t)
{
	return nlif_fd(t->nlif);
}

static struct slot *slot_of(struct ifnames *t, uint32_t ifindex)
{
	return &t->slots[ifindex % SLOTS];
}

/* Copy the current name of an interface from the library's table to t->slots. Return false if the
 * library's table does not have the interface. */
static bool slot_refresh(struct ifnames *t, uint32_t ifindex)
{
	char name[IFNAMSIZ];

	if (nlif_index2name(t->nlif, ifindex, name) < 0)
		return false;
	slot_of(t, ifindex)->ifindex = ifindex;
	memcpy(slot_of(t, ifindex)->name, name, sizeof(name));
	return true;
}

static void leaving_keep(struct ifnames *t, const void *buffer, int left)
{
	const struct nlmsghdr *nlh = buffer;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);

		if (nlh->nlmsg_type == RTM_DELLINK &&
		    mnl_nlmsg_get_payload_len(nlh) >= sizeof(*link) && link->ifi_index > 0)
			slot_refresh(t, (uint32_t)link->ifi_index);
	}
}

/* Receive one message. Return 1 if the caller must try again, 0 if no message is left, or
 * -errno. */
static int message_receive(struct ifnames *t)
{
	union {
		struct nlmsghdr nlh;
		uint8_t bytes[PEEK_BYTES];
	} buffer;
	struct sockaddr_nl from = {0};
	socklen_t from_size = sizeof(from);
	ssize_t n = recvfrom(ifnames_fd(t), &buffer, sizeof(buffer), MSG_PEEK | MSG_DONTWAIT,
			     (struct sockaddr *)&from, &from_size);

	if (n < 0)
		return errno == EAGAIN ? 0 : errno == EINTR ? 1 : -errno;
	if (from_size != sizeof(from) || from.nl_pid != 0) {
		/* Drop a message that is not from the kernel: the library does not check its
		 * sender. */
		recv(ifnames_fd(t), &buffer, sizeof(buffer), MSG_DONTWAIT);
		return 1;
	}
	leaving_keep(t, &buffer, (int)n);
	return nlif_catch(t->nlif) < 0 ? -EIO : 1;
}

int ifnames_receive(struct ifnames *t)
{
	int ret;

	do {
		ret = message_receive(t);
		/* The kernel dropped messages: read all interfaces again. */
		if (ret == -ENOBUFS)
			ret = nlif_query(t->nlif) < 0 ? -EIO : 1;
	} while (ret > 0);
	return ret;
}

const char *ifnames_get(struct ifnames *t, uint32_t ifindex)
{
	if (ifindex == 0)
		return NULL;
	if (slot_refresh(t, ifindex) || slot_of(t, ifindex)->ifindex == ifindex)
		return slot_of(t, ifindex)->name;
	return NULL;
}
