/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft.h - nftables: loading and listing through libnftables, and the kernel's
 * notices of who changed the rules (NFNLGRP_NFTABLES) over libmnl.
 */
#ifndef WAYMARK_KERNEL_NFT_H
#define WAYMARK_KERNEL_NFT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct nft;

/* While transactions have a launcher it has no socket, and can own no table. NULL with errno. */
struct nft *nft_open(void);
void nft_close(struct nft *n);
int nft_fd(const struct nft *n); /* the socket that all its messages go through; -1: none */

/* Runs commands as one transaction. 0 or -errno; nft_error() is then what
 * libnftables said, owned by n, valid until the next call. */
int nft_run(struct nft *n, const char *commands);
/* Check commands like nft_run, without changing anything (nft -c). */
int nft_check(struct nft *n, const char *commands);
/* Makes a table of family inet n's own: it is created, or adopted where its owner has
 * ended. While n is open others cannot change it, and their flush passes over it; it stays
 * when n is closed. 0; -EPERM: another process owns it; -EOPNOTSUPP: it exists
 * without an owner, or the kernel does not support owners (nft_can_own); -errno. */
int nft_own(struct nft *n, const char *table);
bool nft_can_own(struct nft *n);
/* Whether n owns its table now. */
bool nft_is_owner(const struct nft *n);
void nft_disown(struct nft *n); /* it was deleted or replaced by one without an owner */
const char *nft_error(const struct nft *n);

/* Canonical listing of a table ("inet", "waymark"), without handles, counters'
 * values or set elements that packets add; malloc'd. NULL with errno: ENOENT
 * where there is no such table. */
char *nft_list_table(struct nft *n, const char *family, const char *table);
/* The whole ruleset as JSON text (nft -j -t list ruleset: without the elements of
 * named sets, which may be very many), malloc'd. */
char *nft_list_ruleset_json(struct nft *n);

/* A change of the ruleset, reported once per transaction (NFT_MSG_NEWGEN). */
struct nft_notice {
	uint32_t generation;
	int64_t pid;	      /* 0: not said */
	char process[32];     /* "": not said */
	bool touches_waymark; /* a message of this transaction named our table */
	bool deletes_waymark; /* ... and took something away */
	char mark_writer[96]; /* "table ip t, chain c": a rule of another table that it added
			       * and that sets a mark; "": none */
};
typedef void nft_notice_fn(void *data, const struct nft_notice *n);

struct nft_monitor;
struct nft_monitor *nft_monitor_open(void); /* NULL with errno */
void nft_monitor_close(struct nft_monitor *m);
int nft_monitor_fd(const struct nft_monitor *m);
/* Return the number of messages read; 0: nothing more; -ENOBUFS: notices were lost (list the
 * table); or -errno. A process's pid is that of the initial pid namespace. */
int nft_monitor_receive(struct nft_monitor *m, nft_notice_fn *fn, void *data);

#endif
