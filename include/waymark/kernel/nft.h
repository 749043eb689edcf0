/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft.h - loads and lists nftables rules with libnftables, and receives the kernel's notices about
 * changes (NFNLGRP_NFTABLES) with libmnl.
 */
#ifndef WAYMARK_KERNEL_NFT_H
#define WAYMARK_KERNEL_NFT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct nft;

/* Create a handle. If a launcher runs (transaction.h), its children run the handle's commands, each
 * with a socket of its own; then the handle has no socket and cannot own a table. Return NULL with
 * errno on failure. */
struct nft *nft_open(void);
void nft_close(struct nft *n);
int nft_fd(const struct nft *n); /* the socket by which the handle sends all its messages; -1:
				  * none */

/* Run commands as one transaction. Return 0 or -errno. After an error nft_error() returns
 * libnftables' message, which is owned by n and valid until the next call. */
int nft_run(struct nft *n, const char *commands);
/* Check whether nft_run() could run these commands, and change nothing (nft -c). */
int nft_check(struct nft *n, const char *commands);
/* Make n the owner of a table of family inet. If the table is missing, create it. If its former
 * owner has ended, adopt it. While n is open, other processes cannot change the table, and `nft
 * flush ruleset` skips it. The table remains when n is closed. Return 0; -EPERM: another process
 * owns the table; -EOPNOTSUPP: the table exists without an owner, or the kernel does not support
 * owners (nft_can_own()); or another -errno. */
int nft_own(struct nft *n, const char *table);
/* Return whether the kernel supports tables with an owner. */
bool nft_can_own(struct nft *n);
/* Return whether n owns its table. */
bool nft_is_owner(const struct nft *n);
/* Make nft_is_owner() return false. Call this when the table was deleted, or was replaced by a
 * table without an owner. */
void nft_disown(struct nft *n);
const char *nft_error(const struct nft *n);

/* Return the canonical listing of a table ("inet", "waymark"), malloc'd. The listing contains no
 * handles, no counter values and no set elements that packets added. Return NULL with errno on
 * failure (ENOENT: no such table). */
char *nft_list_table(struct nft *n, const char *family, const char *table);
/* Return the whole ruleset as JSON text, malloc'd (nft -j -t list ruleset). The text contains no
 * elements of named sets, because a set may have very many elements. Return NULL with errno on
 * failure. */
char *nft_list_ruleset_json(struct nft *n);

/* A notice about one transaction that has changed the ruleset (NFT_MSG_NEWGEN). */
struct nft_notice {
	uint32_t generation;
	int64_t pid;	      /* process that made the change; 0: unknown */
	char process[32];     /* name of this process; "": unknown */
	bool touches_waymark; /* a message of this transaction named our table */
	bool deletes_waymark; /* a message of this transaction deleted a part of our table */
	char mark_writer[96]; /* a chain of another table ("table ip t, chain c") to which the
			       * transaction added a rule that sets a mark; "": none */
};
typedef void nft_notice_fn(void *data, const struct nft_notice *n);

struct nft_monitor;
struct nft_monitor *nft_monitor_open(void); /* NULL with errno */
void nft_monitor_close(struct nft_monitor *m);
int nft_monitor_fd(const struct nft_monitor *m);
/* Return the number of messages read (0: none left), -ENOBUFS if notices were lost (list the table
 * again), or another -errno. The pid in a notice is a pid of the initial pid namespace. */
int nft_monitor_receive(struct nft_monitor *m, nft_notice_fn *fn, void *data);

#endif
