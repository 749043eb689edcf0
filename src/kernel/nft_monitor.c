/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft_monitor.c - receives nftables' notices about every change of the ruleset: which process made
 * it, and whether it concerns our table.
 *
 * Must not know how Waymark reacts to a change. The kernel sends the messages of a transaction, and
 * then one NEWGEN with the pid and name of the process that committed it
 * (net/netfilter/nf_tables_api.c, nf_tables_gen_notify). The pid is that of the initial pid
 * namespace.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/nlsock.h"
#include "kernel/mnl_attrs.h"
#include "waymark/kernel/nft.h"
#include "waymark/plan/ruleset.h"

/* Reloading a large firewall causes a burst of thousands of messages. */
#define BUFFER_BYTES (4 * 1024 * 1024)
#define BATCH	     64

struct nft_monitor {
	struct nlsock *socket;
	struct nft_notice pending; /* notice about the transaction whose messages are being
				    * received */
};

struct nft_monitor *nft_monitor_open(void)
{
	struct nft_monitor *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->socket = nlsock_open(1u << (NFNLGRP_NFTABLES - 1), BUFFER_BYTES);
	if (m->socket)
		return m;
	free(m);
	return NULL;
}

void nft_monitor_close(struct nft_monitor *m)
{
	if (!m)
		return;
	nlsock_close(m->socket);
	free(m);
}

int nft_monitor_fd(const struct nft_monitor *m)
{
	return nlsock_fd(m->socket);
}

/* Attributes, indexed by type. The highest type that is used here is NFTA_RULE_EXPRESSIONS. */
struct attrs {
	const struct nlattr *tb[NFTA_RULE_EXPRESSIONS + 1];
};

static int attr_take(const struct nlattr *attr, void *data)
{
	struct attrs *a = data;

	if (mnl_attr_get_type(attr) < sizeof(a->tb) / sizeof(*a->tb))
		a->tb[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static bool attr_is_text(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) > 0 &&
	       memchr(mnl_attr_get_payload(attr), '\0', mnl_attr_get_payload_len(attr));
}

static void generation_take(struct nft_notice *n, const struct attrs *a)
{
	const struct nlattr *id = a->tb[NFTA_GEN_ID], *pid = a->tb[NFTA_GEN_PROC_PID];

	n->generation = id && mnl_attr_get_payload_len(id) >= 4 ? ntohl(mnl_attr_get_u32(id)) : 0;
	n->pid = pid && mnl_attr_get_payload_len(pid) >= 4 ? ntohl(mnl_attr_get_u32(pid)) : 0;
	if (attr_is_text(a->tb[NFTA_GEN_PROC_NAME]))
		strncpy(n->process, mnl_attr_get_str(a->tb[NFTA_GEN_PROC_NAME]),
			sizeof(n->process) - 1);
}

static bool type_is_delete(unsigned type)
{
	switch (type) {
	case NFT_MSG_DELTABLE:
	case NFT_MSG_DELCHAIN:
	case NFT_MSG_DELRULE:
	case NFT_MSG_DELSET:
	case NFT_MSG_DELSETELEM:
	case NFT_MSG_DELOBJ:
	case NFT_MSG_DELFLOWTABLE:
		return true;
	default:
		return false;
	}
}

static bool attr_is_number(const struct nlattr *attr, uint32_t number)
{
	return attr && mnl_attr_get_payload_len(attr) >= 4 &&
	       ntohl(mnl_attr_get_u32(attr)) == number;
}

static bool text_is(const struct nlattr *attr, const char *text)
{
	return attr_is_text(attr) && !strcmp(mnl_attr_get_str(attr), text);
}

/* Return whether an expression sets a mark: "ct mark set", "meta mark set", or an iptables target
 * that can set a mark. */
static bool expression_sets_mark(const struct nlattr *expression)
{
	struct attrs e = {{NULL}}, a = {{NULL}};
	const struct nlattr *name, *data;

	if (mnl_attr_parse_nested(expression, attr_take, &e) < 0)
		return false;
	name = e.tb[NFTA_EXPR_NAME];
	data = e.tb[NFTA_EXPR_DATA];
	if (!data || mnl_attr_parse_nested(data, attr_take, &a) < 0)
		return false;
	if (text_is(name, "ct"))
		return a.tb[NFTA_CT_SREG] && attr_is_number(a.tb[NFTA_CT_KEY], NFT_CT_MARK);
	if (text_is(name, "meta"))
		return a.tb[NFTA_META_SREG] && attr_is_number(a.tb[NFTA_META_KEY], NFT_META_MARK);
	return text_is(name, "target") && (text_is(a.tb[NFTA_TARGET_NAME], "MARK") ||
					   text_is(a.tb[NFTA_TARGET_NAME], "CONNMARK"));
}

static const char *family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_INET:
		return "inet";
	default:
		return "other";
	}
}

static void writer_take(struct nft_notice *n, uint8_t family, const struct attrs *a)
{
	const struct nlattr *expression;

	if (!a->tb[NFTA_RULE_EXPRESSIONS] || !attr_is_text(a->tb[NFTA_RULE_TABLE]) ||
	    !attr_is_text(a->tb[NFTA_RULE_CHAIN]))
		return;
	mnl_attr_for_each_nested(expression, a->tb[NFTA_RULE_EXPRESSIONS])
	{
		if (!expression_sets_mark(expression))
			continue;
		snprintf(n->mark_writer, sizeof(n->mark_writer), "table %s %.40s, chain %.30s",
			 family_name(family), mnl_attr_get_str(a->tb[NFTA_RULE_TABLE]),
			 mnl_attr_get_str(a->tb[NFTA_RULE_CHAIN]));
		return;
	}
}

/* Note in *n whether a message concerns our table or adds a rule to another table. The table's name
 * is attribute 1 in messages of every kind: NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE,
 * NFTA_SET_TABLE and so on. */
static void change_take(struct nft_notice *n, unsigned type, uint8_t family, const struct attrs *a)
{
	if (family != NFPROTO_INET || !attr_is_text(a->tb[NFTA_TABLE_NAME]) ||
	    strcmp(mnl_attr_get_str(a->tb[NFTA_TABLE_NAME]), RULESET_TABLE)) {
		if (type == NFT_MSG_NEWRULE)
			writer_take(n, family, a);
		return;
	}
	n->touches_waymark = true;
	n->deletes_waymark |= type_is_delete(type);
}

struct receiver {
	struct nft_monitor *m;
	nft_notice_fn *fn;
	void *data;
};

static void message_take(void *data, const struct nlmsghdr *nlh)
{
	struct receiver *to = data;
	struct nft_notice *pending = &to->m->pending;
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct attrs a = {{NULL}};

	if (NFNL_SUBSYS_ID(nlh->nlmsg_type) != NFNL_SUBSYS_NFTABLES ||
	    mnl_attrs_parse(nlh, sizeof(*nfg), attr_take, &a) < 0)
		return;
	if (NFNL_MSG_TYPE(nlh->nlmsg_type) != NFT_MSG_NEWGEN) {
		change_take(pending, NFNL_MSG_TYPE(nlh->nlmsg_type), nfg->nfgen_family, &a);
		return;
	}
	generation_take(pending, &a);
	to->fn(to->data, pending);
	memset(pending, 0, sizeof(*pending));
}

int nft_monitor_receive(struct nft_monitor *m, nft_notice_fn *fn, void *data)
{
	struct receiver to = {m, fn, data};
	struct nlsock_stats before, after;
	int n, total = 0;

	do {
		nlsock_stats(m->socket, &before);
		n = nlsock_receive(m->socket, message_take, &to, BATCH);
		nlsock_stats(m->socket, &after);
		/* A truncated message might have concerned our table: assume so. */
		if (after.malformed != before.malformed)
			m->pending.touches_waymark = true;
		total += n > 0 ? n : 0;
	} while (n > 0);
	/* The same holds for messages that were lost in an overrun. */
	if (n == -ENOBUFS)
		m->pending.touches_waymark = true;
	return n < 0 ? n : total;
}
