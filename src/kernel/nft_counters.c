/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft_counters.c - reads the counting rules of table inet waymark, and sums their counters. The
 * comment of a counting rule says what the rule counts. Only comments and counters are decoded, so
 * this is much faster than a listing.
 *
 * Formats: linux/netfilter/nf_tables.h. The comment of a rule is user data, which the kernel only
 * stores. It consists of a type, a length, and the text with its terminating 0 (libnftnl, udata.h:
 * NFTNL_UDATA_RULE_COMMENT).
 */
#include "waymark/kernel/nft_counters.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/mnl_attrs.h"
#include "kernel/mnl_replies.h"
#include "waymark/plan/ruleset.h"

#define UDATA_COMMENT 0

/* Number of attempts to read the counters. An attempt fails if the table is replaced meanwhile. */
#define TRIES 5

struct nft_counters {
	struct mnl_socket *socket;
	uint32_t seq;
	char buffer[MNLREPLIES_BYTES];
};

/* What a counting rule counts: packets and bytes (a tally), or flows. */
struct count_word {
	const char *word;
	size_t offset; /* where the sum is in struct nft_counters_uplink: a number of flows if
		        * is_flows is set, otherwise a struct tally */
	bool is_flows;
};

#define TALLY(count)	      offsetof(struct nft_counters_uplink, rules[count]), false
#define FLOWS(family, member) offsetof(struct nft_counters_uplink, flows[family].member), true

static const struct count_word count_words[] = {
	{RULESET_COUNT_OUT, TALLY(RULE_OUT)},
	{RULESET_COUNT_UNTRACKED, TALLY(RULE_UNTRACKED)},
	{RULESET_COUNT_NEIGHBOURS, TALLY(RULE_NEIGHBOURS)},
	{RULESET_COUNT_STARTED4, FLOWS(COUNTED_IPV4, flows_started)},
	{RULESET_COUNT_STARTED6, FLOWS(COUNTED_IPV6, flows_started)},
	{RULESET_COUNT_ANSWERED4, FLOWS(COUNTED_IPV4, flows_answered)},
	{RULESET_COUNT_ANSWERED6, FLOWS(COUNTED_IPV6, flows_answered)},
};
#define COUNT_WORDS (sizeof(count_words) / sizeof(count_words[0]))

struct nft_counters *nft_counters_open(void)
{
	struct nft_counters *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return NULL;
	n->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (n->socket && !mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID))
		return n;
	err = errno;
	nft_counters_close(n);
	errno = err;
	return NULL;
}

void nft_counters_close(struct nft_counters *n)
{
	if (!n)
		return;
	if (n->socket)
		mnl_socket_close(n->socket);
	free(n);
}

/* --- decoding ---------------------------------------------------------------------- */

/* Attributes, indexed by type. The highest type that is used here is NFTA_RULE_USERDATA. */
struct attrs {
	const struct nlattr *tb[NFTA_RULE_USERDATA + 1];
};

static int attr_take(const struct nlattr *attr, void *data)
{
	struct attrs *a = data;

	if (mnl_attr_get_type(attr) < sizeof(a->tb) / sizeof(*a->tb))
		a->tb[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static uint64_t attr_be64(const struct nlattr *attr)
{
	uint32_t half[2];

	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(half))
		return 0;
	memcpy(half, mnl_attr_get_payload(attr), sizeof(half));
	return (uint64_t)ntohl(half[0]) << 32 | ntohl(half[1]);
}

/* Copy the rule's comment to `text`, or "" if the rule has no comment or if the comment does not
 * fit into `room` bytes. */
static void comment_read(const struct nlattr *userdata, char *text, size_t room)
{
	const uint8_t *p = userdata ? mnl_attr_get_payload(userdata) : NULL;
	size_t left = userdata ? mnl_attr_get_payload_len(userdata) : 0;

	text[0] = '\0';
	for (; left >= 2 && left >= 2u + p[1]; left -= 2u + p[1], p += 2 + p[1]) {
		if (p[0] != UDATA_COMMENT || p[1] >= room)
			continue;
		memcpy(text, p + 2, p[1]);
		text[p[1]] = '\0';
		return;
	}
}

/* Return what the rule with this comment counts, and set *mark to the mark of its uplink. NULL: it
 * is not a counting rule. */
static const struct count_word *count_parse(const char *comment, uint32_t *mark)
{
	for (size_t i = 0; i < COUNT_WORDS; i++) {
		size_t size = strlen(count_words[i].word);
		char end;

		if (!strncmp(comment, count_words[i].word, size) &&
		    sscanf(comment + size, " 0x%" SCNx32 "%c", mark, &end) == 1)
			return &count_words[i];
	}
	return NULL;
}

static void count_add(struct nft_counters_uplink *u, const struct count_word *w,
		      const struct tally *t)
{
	char *at = (char *)u + w->offset;

	if (w->is_flows) {
		*(uint64_t *)(void *)at += t->packets;
		return;
	}
	((struct tally *)(void *)at)->packets += t->packets;
	((struct tally *)(void *)at)->bytes += t->bytes;
}

static bool is_named(const struct nlattr *name, const char *text)
{
	size_t size = strlen(text) + 1;

	return name && mnl_attr_get_payload_len(name) == size &&
	       !memcmp(mnl_attr_get_payload(name), text, size);
}

/* Read the counter among a rule's expressions. Return false if there is none. */
static bool counter_read(const struct nlattr *expressions, struct tally *out)
{
	const struct nlattr *element;

	if (!expressions)
		return false;
	mnl_attr_for_each_nested(element, expressions)
	{
		struct attrs e = {{NULL}}, c = {{NULL}};

		mnl_attr_parse_nested(element, attr_take, &e);
		if (!is_named(e.tb[NFTA_EXPR_NAME], "counter") || !e.tb[NFTA_EXPR_DATA])
			continue;
		mnl_attr_parse_nested(e.tb[NFTA_EXPR_DATA], attr_take, &c);
		*out = (struct tally){attr_be64(c.tb[NFTA_COUNTER_PACKETS]),
				      attr_be64(c.tb[NFTA_COUNTER_BYTES])};
		return true;
	}
	return false;
}

static struct nft_counters_uplink *uplink_get(struct nft_counters_reading *r, uint32_t mark)
{
	size_t i;

	for (i = 0; i < r->n && r->uplinks[i].mark != mark; i++)
		;
	if (i == UPLINKS_MAX)
		return NULL;
	if (i == r->n)
		r->uplinks[r->n++] = (struct nft_counters_uplink){.mark = mark};
	return &r->uplinks[i];
}

static int rule_take(const struct nlmsghdr *nlh, void *data)
{
	struct attrs a = {{NULL}};
	struct nft_counters_uplink *u;
	const struct count_word *count;
	struct tally tally;
	char comment[64];
	uint32_t mark;

	if (NFNL_MSG_TYPE(nlh->nlmsg_type) != NFT_MSG_NEWRULE ||
	    mnl_attrs_parse(nlh, sizeof(struct nfgenmsg), attr_take, &a) < 0)
		return MNL_CB_OK;
	comment_read(a.tb[NFTA_RULE_USERDATA], comment, sizeof(comment));
	count = count_parse(comment, &mark);
	if (!count || !counter_read(a.tb[NFTA_RULE_EXPRESSIONS], &tally))
		return MNL_CB_OK;
	u = uplink_get(data, mark);
	if (u)
		count_add(u, count, &tally);
	return MNL_CB_OK;
}

/* Store the table's handle in *data. If the kernel has no table handles, store 1: the caller then
 * recognizes a replaced table by counters that have become smaller. */
static int table_take(const struct nlmsghdr *nlh, void *data)
{
	struct attrs a = {{NULL}};
	uint64_t *table = data, handle;

	if (NFNL_MSG_TYPE(nlh->nlmsg_type) != NFT_MSG_NEWTABLE ||
	    mnl_attrs_parse(nlh, sizeof(struct nfgenmsg), attr_take, &a) < 0)
		return MNL_CB_OK;
	handle = attr_be64(a.tb[NFTA_TABLE_HANDLE]);
	*table = handle ? handle : 1;
	return MNL_CB_OK;
}

/* --- asking ------------------------------------------------------------------------ */

static int request_run(struct nft_counters *n, uint16_t type, uint16_t flags, uint16_t name,
		       mnl_cb_t fn, void *data)
{
	char request[256] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++n->seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = NFPROTO_INET;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = 0;
	mnl_attr_put_strz(nlh, name, RULESET_TABLE);
	if (mnl_socket_sendto(n->socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	return mnl_replies_read(n->socket, n->buffer, nlh->nlmsg_seq, fn, data);
}

/* Read the table's handle; *table is 0 if the table is missing. Return 0 or -errno. */
static int table_read(struct nft_counters *n, uint64_t *table)
{
	int err;

	*table = 0;
	err = request_run(n, NFT_MSG_GETTABLE, NLM_F_ACK, NFTA_TABLE_NAME, table_take, table);
	return err == -ENOENT ? 0 : err;
}

static int rules_read(struct nft_counters *n, struct nft_counters_reading *out)
{
	uint64_t after;
	int err;

	out->n = 0;
	err = table_read(n, &out->table);
	if (err || !out->table)
		return err;
	err = request_run(n, NFT_MSG_GETRULE, NLM_F_DUMP, NFTA_RULE_TABLE, rule_take, out);
	if (!err)
		err = table_read(n, &after);
	return !err && after != out->table ? -EINTR : err;
}

int nft_counters_read(struct nft_counters *n, struct nft_counters_reading *out)
{
	int err = -EINTR;

	for (int i = 0; i < TRIES && err == -EINTR; i++)
		err = rules_read(n, out);
	return err;
}

const struct nft_counters_uplink *nft_counters_find(const struct nft_counters_reading *r,
						    uint32_t mark)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->uplinks[i].mark == mark)
			return &r->uplinks[i];
	}
	return NULL;
}
