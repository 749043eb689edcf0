/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nflog_message.c - decodes the attributes of one NFLOG message, and the log prefix of our rules,
 * into a struct stray_packet.
 *
 * Opens no socket and keeps no state. nflog_decode.c decodes the bytes of the packet.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <string.h>

#include "kernel/nflog_message.h"
#include "kernel/mnl_attrs.h"
#include "waymark/kernel/nflog.h"
#include "waymark/plan/ruleset.h"

struct prefix_kind {
	const char *prefix;
	enum stray_kind kind;
};

static const struct prefix_kind prefix_kinds[] = {
	{PREFIX_MISMATCH, STRAY_MISMATCH}, {PREFIX_ELSEWHERE, STRAY_ELSEWHERE},
	{PREFIX_UNMARKED, STRAY_UNMARKED}, {PREFIX_FLOWLESS, STRAY_FLOWLESS},
	{PREFIX_TRANSIT, STRAY_TRANSIT},
};

static const char *const direction_names[] = {
	[DIR_ORIGINAL] = "original",
	[DIR_REPLY] = "reply",
};

/* Return the part of `text` that follows `start` and spaces. Return NULL if `text` does not begin
 * with `start`. A space at the end of `start` is optional in `text`, because tools that list and
 * reload rules can remove it. */
static const char *text_after(const char *text, const char *start)
{
	size_t len = strlen(start);

	while (len && start[len - 1] == ' ')
		len--;
	if (strncmp(text, start, len) || (text[len] != '\0' && text[len] != ' '))
		return NULL;
	return text + len + strspn(text + len, " ");
}

static void decode_prefix(const char *text, struct stray_packet *p)
{
	const char *rest = NULL;

	for (size_t i = 0; i < sizeof(prefix_kinds) / sizeof(prefix_kinds[0]) && !rest; i++) {
		rest = text_after(text, prefix_kinds[i].prefix);
		if (rest)
			p->kind = prefix_kinds[i].kind;
	}
	for (int d = DIR_ORIGINAL; rest && d <= DIR_REPLY; d++)
		if (text_after(rest, direction_names[d]))
			p->direction = (int8_t)d;
}

/* Store the id of the conntrack entry. It is in NFULA_CT, which contains attributes of
 * ctnetlink. */
static void decode_ct(const struct nlattr *nest, struct stray_packet *p)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
	{
		if (mnl_attr_get_type(attr) != CTA_ID || mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			continue;
		p->has_ct_id = true;
		p->ct_id = ntohl(mnl_attr_get_u32(attr));
	}
}

static int attr_keep(const struct nlattr *attr, void *data)
{
	static const enum mnl_attr_data_type types[NFULA_MAX + 1] = {
		[NFULA_PREFIX] = MNL_TYPE_NUL_STRING, [NFULA_MARK] = MNL_TYPE_U32,
		[NFULA_IFINDEX_INDEV] = MNL_TYPE_U32, [NFULA_IFINDEX_OUTDEV] = MNL_TYPE_U32,
		[NFULA_SEQ] = MNL_TYPE_U32,	      [NFULA_CT] = MNL_TYPE_NESTED,
		[NFULA_CT_INFO] = MNL_TYPE_U32,
	};
	const struct nlattr **attrs = data;

	/* Newer kernels may send attributes that are unknown here. */
	if (mnl_attr_type_valid(attr, NFULA_MAX) < 0)
		return MNL_CB_OK;
	if (types[mnl_attr_get_type(attr)] &&
	    mnl_attr_validate(attr, types[mnl_attr_get_type(attr)]) < 0)
		return MNL_CB_ERROR;
	attrs[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static uint32_t attr_u32(const struct nlattr *attr)
{
	return attr ? ntohl(mnl_attr_get_u32(attr)) : 0;
}

int nflog_message_decode(const struct nlmsghdr *nlh, struct stray_packet *p, bool *has_seq)
{
	const struct nlattr *attrs[NFULA_MAX + 1] = {NULL};
	int err = 0;

	memset(p, 0, sizeof(*p));
	p->kind = STRAY_OTHER;
	p->direction = -1;
	if (mnl_attrs_parse(nlh, sizeof(struct nfgenmsg), attr_keep, attrs) < 0)
		err = -EBADMSG;
	*has_seq = attrs[NFULA_SEQ] != NULL;
	p->seq = attr_u32(attrs[NFULA_SEQ]);
	if (err || !attrs[NFULA_PAYLOAD])
		return -EBADMSG;
	p->mark = attr_u32(attrs[NFULA_MARK]);
	p->iifindex = attr_u32(attrs[NFULA_IFINDEX_INDEV]);
	p->oifindex = attr_u32(attrs[NFULA_IFINDEX_OUTDEV]);
	if (attrs[NFULA_CT])
		decode_ct(attrs[NFULA_CT], p);
	if (attrs[NFULA_CT_INFO])
		p->direction =
			attr_u32(attrs[NFULA_CT_INFO]) >= IP_CT_IS_REPLY ? DIR_REPLY : DIR_ORIGINAL;
	if (attrs[NFULA_PREFIX])
		decode_prefix(mnl_attr_get_str(attrs[NFULA_PREFIX]), p);
	return nflog_decode_payload(p, mnl_attr_get_payload(attrs[NFULA_PAYLOAD]),
				    mnl_attr_get_payload_len(attrs[NFULA_PAYLOAD]));
}
