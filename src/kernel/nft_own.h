/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft_own.h - tables of family inet that belong to a netlink socket.
 */
#ifndef WAYMARK_SRC_KERNEL_NFT_OWN_H
#define WAYMARK_SRC_KERNEL_NFT_OWN_H

#include <stdbool.h>

/* Creates the table, or adopts one that an owner has left behind. 0; -EPERM: another
 * process owns it; -EOPNOTSUPP: there is one that cannot be owned, or the kernel has no
 * such tables; -errno. */
int nft_own_create(int fd, const char *table);
/* Check for tables with an owner. 0: supported; -EOPNOTSUPP: not; -errno. Changes nothing. */
int nft_own_probe(int fd);
/* Read and discard the queued messages. */
void nft_own_drain(int fd);

/* Find the socket that the library opens, which it does not reveal: note the netlink sockets
 * before, then find the new one. */
#define NFT_OWN_FDS 1024
struct nft_own_sockets {
	bool is_netfilter[NFT_OWN_FDS];
};
void nft_own_note(struct nft_own_sockets *s);
int nft_own_find(const struct nft_own_sockets *before); /* -1: not found */

#endif
