/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft_own.h - creates tables of family inet that belong to a netlink socket.
 */
#ifndef WAYMARK_SRC_KERNEL_NFT_OWN_H
#define WAYMARK_SRC_KERNEL_NFT_OWN_H

#include <stdbool.h>

/* Create the table with socket fd as its owner, or adopt the table if its owner has ended. Return
 * 0, -EPERM if another socket owns the table, -EOPNOTSUPP if it exists and was created without an
 * owner or if the kernel does not support owners, or another -errno. */
int nft_own_create(int fd, const char *table);
/* Check whether the kernel supports tables with an owner, without changing anything. Return 0 if it
 * does, -EOPNOTSUPP if not, or another -errno. */
int nft_own_probe(int fd);
/* Read and discard the queued messages. */
void nft_own_drain(int fd);

/* Find the netlink socket of libnftables, which has no function that returns it. nft_own_note()
 * notes all netfilter sockets before the library opens its socket, and nft_own_find() then finds
 * the new one. */
#define NFT_OWN_FDS 1024
struct nft_own_sockets {
	bool is_netfilter[NFT_OWN_FDS];
};
void nft_own_note(struct nft_own_sockets *s);
int nft_own_find(const struct nft_own_sockets *before); /* -1: not found */

#endif
