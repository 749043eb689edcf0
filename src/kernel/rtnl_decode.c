/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnl_decode.c - decodes rtnetlink messages of links, addresses, routes and rules. Unknown
 * attributes are skipped, because newer kernels send more attributes.
 *
 * Must not know sockets, or what the structs are used for. Formats: linux/rtnetlink.h,
 * linux/if_link.h, linux/if_addr.h, linux/fib_rules.h.
 */
#include "kernel/rtnl_decode.h"

#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "kernel/mnl_attrs.h"

/* Flags of linux/if.h, which cannot be included together with net/if.h. */
#define FLAG_LOWER_UP 0x10000
#define FLAG_DORMANT  0x20000

/* tb[T] points to the attribute of type T. Attributes with a type above max are skipped. */
struct attrs {
	const struct nlattr **tb;
	uint16_t max;
};

static int attr_take(const struct nlattr *attr, void *data)
{
	struct attrs *a = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= a->max)
		a->tb[type] = attr;
	return MNL_CB_OK;
}

/* Set tb[T] to the attribute of type T, for each type up to max. tb has max + 1 pointers, which the
 * caller has zeroed. Return 0 or -EBADMSG. */
static int attrs_parse(const struct nlmsghdr *nlh, size_t header, const struct nlattr **tb,
		       uint16_t max)
{
	struct attrs a = {tb, max};

	return mnl_attrs_parse(nlh, header, attr_take, &a) < 0 ? -EBADMSG : 0;
}

static bool family_is_known(int family)
{
	return family == AF_INET || family == AF_INET6;
}

/* Return the value of an attribute; 0 if it is missing or too short. */
static uint32_t attr_u32(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) >= sizeof(uint32_t) ? mnl_attr_get_u32(attr)
									  : 0;
}

static uint8_t attr_u8(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) >= sizeof(uint8_t) ? mnl_attr_get_u8(attr)
									 : 0;
}

static int attr_addr(struct addr *out, const struct nlattr *attr, int family)
{
	memset(out, 0, sizeof(*out));
	if (!attr)
		return 0;
	if (mnl_attr_get_payload_len(attr) < addr_size(family))
		return -EBADMSG;
	addr_set(out, family, mnl_attr_get_payload(attr));
	return 0;
}

static int attr_name(char out[IFNAMSIZ], const struct nlattr *attr)
{
	size_t size;

	memset(out, 0, IFNAMSIZ);
	if (!attr)
		return 0;
	size = mnl_attr_get_payload_len(attr);
	if (!size || strnlen(mnl_attr_get_payload(attr), size) >= IFNAMSIZ)
		return -EBADMSG;
	memcpy(out, mnl_attr_get_payload(attr), strnlen(mnl_attr_get_payload(attr), size));
	return 0;
}

struct altnames {
	struct link_state *link;
	size_t n;
};

static int altname_take(const struct nlattr *attr, void *data)
{
	struct altnames *to = data;

	if (mnl_attr_get_type(attr) == IFLA_ALT_IFNAME && to->n < ALTNAMES_MAX &&
	    attr_name(to->link->altnames[to->n], attr) == 0)
		to->n++;
	return MNL_CB_OK;
}

/* Copy the alternative names of an interface. Names of IFNAMSIZ bytes or more are skipped. */
static void attr_altnames(struct link_state *out, const struct nlattr *list)
{
	struct altnames to = {.link = out};

	if (list)
		mnl_attr_parse_nested(list, altname_take, &to);
}

/* Return whether interfaces of this kind (such as "gre") are tunnels: they send their packets
 * inside other packets. */
static bool kind_is_tunnel(const char *kind, size_t size)
{
	static const char *const kinds[] = {
		"tun",	     "wireguard", "gre",  "gretap", "ip6gre", "ip6gretap", "erspan",
		"ip6erspan", "sit",	  "ipip", "ip6tnl", "vti",    "vti6",	   "xfrm",
		"vxlan",     "geneve",	  "ovpn", "gtp",    "amt",    "bareudp",
	};
	size_t length = strnlen(kind, size);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strlen(kinds[i]) == length && !memcmp(kinds[i], kind, length))
			return true;
	return false;
}

static int kind_take(const struct nlattr *attr, void *data)
{
	bool *is_tunnel = data;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		*is_tunnel =
			kind_is_tunnel(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
	return MNL_CB_OK;
}

static bool linkinfo_is_tunnel(const struct nlattr *info)
{
	bool is_tunnel = false;

	if (info)
		mnl_attr_parse_nested(info, kind_take, &is_tunnel);
	return is_tunnel;
}

int rtnl_decode_link(struct link_state *out, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[IFLA_PROP_LIST + 1] = {NULL};
	const struct ifinfomsg *ifi;

	memset(out, 0, sizeof(*out));
	if (attrs_parse(nlh, sizeof(*ifi), tb, IFLA_PROP_LIST) < 0)
		return -EBADMSG;
	ifi = mnl_nlmsg_get_payload(nlh);
	/* Skip the messages of family AF_BRIDGE: a bridge reports its ports with them. */
	if (ifi->ifi_family != AF_UNSPEC || !tb[IFLA_IFNAME])
		return -ENOENT;
	out->index = (uint32_t)ifi->ifi_index;
	out->is_up = ifi->ifi_flags & IFF_UP;
	/* LOWER_UP shows the current carrier. The kernel updates RUNNING with a delay. */
	out->has_carrier = (ifi->ifi_flags & FLAG_LOWER_UP) && !(ifi->ifi_flags & FLAG_DORMANT);
	out->is_loopback = ifi->ifi_flags & IFF_LOOPBACK;
	out->is_pointopoint = ifi->ifi_flags & IFF_POINTOPOINT;
	out->group = attr_u32(tb[IFLA_GROUP]);
	out->is_tunnel = linkinfo_is_tunnel(tb[IFLA_LINKINFO]);
	attr_altnames(out, tb[IFLA_PROP_LIST]);
	return attr_name(out->name, tb[IFLA_IFNAME]);
}

/* Return whether the address is unsuitable as a source. In IPv4 the bit IFA_F_TEMPORARY means
 * IFA_F_SECONDARY, and a secondary address is suitable. */
static bool addr_is_unusable(int family, uint32_t flags)
{
	uint32_t bad = IFA_F_DEPRECATED | IFA_F_DADFAILED;

	if (family == AF_INET6)
		bad |= IFA_F_TEMPORARY;
	if ((flags & IFA_F_TENTATIVE) && !(flags & IFA_F_OPTIMISTIC))
		return true;
	return flags & bad;
}

int rtnl_decode_addr(struct addr_state *out, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[IFA_FLAGS + 1] = {NULL};
	const struct ifaddrmsg *ifa;
	struct addr address;

	memset(out, 0, sizeof(*out));
	if (attrs_parse(nlh, sizeof(*ifa), tb, IFA_FLAGS) < 0)
		return -EBADMSG;
	ifa = mnl_nlmsg_get_payload(nlh);
	if (!family_is_known(ifa->ifa_family))
		return -ENOENT;
	if (attr_addr(&out->prefix.addr, tb[IFA_LOCAL], ifa->ifa_family) < 0 ||
	    attr_addr(&address, tb[IFA_ADDRESS], ifa->ifa_family) < 0)
		return -EBADMSG;
	/* If IFA_LOCAL is present, IFA_ADDRESS is the address of the peer. Otherwise IFA_ADDRESS is
	 * the local address. */
	if (addr_is_none(&out->prefix.addr))
		out->prefix.addr = address;
	else if (!addr_is_equal(&out->prefix.addr, &address))
		out->peer = address;
	if (addr_is_none(&out->prefix.addr) || ifa->ifa_prefixlen > 8 * addr_size(ifa->ifa_family))
		return -EBADMSG;
	out->prefix.len = ifa->ifa_prefixlen;
	out->ifindex = ifa->ifa_index;
	out->is_link_local = ifa->ifa_scope == RT_SCOPE_LINK;
	out->is_deprecated = addr_is_unusable(
		ifa->ifa_family, tb[IFA_FLAGS] ? attr_u32(tb[IFA_FLAGS]) : ifa->ifa_flags);
	return 0;
}

/* Decode RTA_VIA, a gateway whose family is not that of the route. */
static int attr_via(struct addr *out, const struct nlattr *attr)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);
	size_t size = mnl_attr_get_payload_len(attr);

	if (size < sizeof(*via) || !family_is_known(via->rtvia_family) ||
	    size < sizeof(*via) + addr_size(via->rtvia_family))
		return -EBADMSG;
	addr_set(out, via->rtvia_family, via->rtvia_addr);
	return 0;
}

static int decode_gateway(struct addr *out, const struct nlattr *gateway, const struct nlattr *via,
			  int family)
{
	return via ? attr_via(out, via) : attr_addr(out, gateway, family);
}

static int decode_hop(struct nexthop *out, const struct rtnexthop *rtnh, int family)
{
	const struct nlattr *gateway = NULL, *via = NULL;
	const struct nlattr *attr = (const struct nlattr *)(rtnh + 1);
	int size = rtnh->rtnh_len - (int)sizeof(*rtnh);

	for (; mnl_attr_ok(attr, size); attr = mnl_attr_next(attr)) {
		size -= MNL_ALIGN(attr->nla_len);
		if (mnl_attr_get_type(attr) == RTA_GATEWAY)
			gateway = attr;
		else if (mnl_attr_get_type(attr) == RTA_VIA)
			via = attr;
	}
	out->ifindex = (uint32_t)rtnh->rtnh_ifindex;
	out->weight = rtnh->rtnh_hops + 1u;
	out->is_onlink = rtnh->rtnh_flags & RTNH_F_ONLINK;
	return decode_gateway(&out->gateway, gateway, via, family);
}

static int decode_multipath(struct route_state *out, const struct nlattr *attr)
{
	const char *at = mnl_attr_get_payload(attr);
	size_t left = mnl_attr_get_payload_len(attr);

	while (left >= sizeof(struct rtnexthop)) {
		const struct rtnexthop *rtnh = (const struct rtnexthop *)(const void *)at;
		size_t step;

		if (rtnh->rtnh_len < sizeof(*rtnh) || rtnh->rtnh_len > left ||
		    out->n_nexthops == NEXTHOPS_MAX)
			return -EBADMSG;
		if (decode_hop(&out->nexthops[out->n_nexthops++], rtnh, out->family) < 0)
			return -EBADMSG;
		step = MNL_ALIGN(rtnh->rtnh_len);
		if (step >= left)
			break;
		at += step;
		left -= step;
	}
	return 0;
}

static int decode_nexthops(struct route_state *out, const struct nlattr *const *tb, uint32_t flags)
{
	struct nexthop *only = out->nexthops;

	if (tb[RTA_MULTIPATH])
		return decode_multipath(out, tb[RTA_MULTIPATH]);
	if (!tb[RTA_OIF] && !tb[RTA_GATEWAY] && !tb[RTA_VIA])
		return 0;
	only->ifindex = attr_u32(tb[RTA_OIF]);
	only->weight = 1;
	only->is_onlink = flags & RTNH_F_ONLINK;
	out->n_nexthops = 1;
	return decode_gateway(&only->gateway, tb[RTA_GATEWAY], tb[RTA_VIA], out->family);
}

/* Return whether to copy an attribute to route_state.extra, because route_state has no other field
 * for it. A displaced route must be restored with all its attributes. */
static bool attr_is_extra(const struct nlattr *attr)
{
	switch (mnl_attr_get_type(attr)) {
	case RTA_METRICS:
	case RTA_FLOW:
	case RTA_ENCAP:
	case RTA_ENCAP_TYPE:
	case RTA_TTL_PROPAGATE:
		return true;
	case RTA_PREF: /* always present in IPv6; 0 is the default */
		return attr_u8(attr) != 0;
	default:
		return false;
	}
}

static int decode_extra(struct route_state *out, const struct nlmsghdr *nlh, size_t room)
{
	const struct nlattr *attr;

	mnl_attrs_for_each(attr, nlh, sizeof(struct rtmsg))
	{
		size_t size = MNL_ALIGN(attr->nla_len);

		if (!attr_is_extra(attr))
			continue;
		if (size > room - out->extra_size)
			return -EBADMSG;
		memset(out->extra + out->extra_size, 0, size);
		memcpy(out->extra + out->extra_size, attr, attr->nla_len);
		out->extra_size = (uint16_t)(out->extra_size + size);
	}
	return 0;
}

static bool route_is_wanted(const struct rtmsg *rtm, uint32_t table)
{
	return family_is_known(rtm->rtm_family) && table != RT_TABLE_LOCAL &&
	       !(rtm->rtm_flags & RTM_F_CLONED);
}

static int route_decode(struct route_state *out, const struct nlmsghdr *nlh,
			struct rtnl_route_room *room, bool is_answer)
{
	const struct nlattr *tb[RTA_NH_ID + 1] = {NULL};
	const struct rtmsg *rtm;

	memset(out, 0, sizeof(*out));
	memset(room, 0, sizeof(*room));
	if (attrs_parse(nlh, sizeof(*rtm), tb, RTA_NH_ID) < 0)
		return -EBADMSG;
	rtm = mnl_nlmsg_get_payload(nlh);
	out->table = tb[RTA_TABLE] ? attr_u32(tb[RTA_TABLE]) : rtm->rtm_table;
	if (!is_answer && !route_is_wanted(rtm, out->table))
		return -ENOENT;
	out->family = rtm->rtm_family;
	out->type = rtm->rtm_type;
	out->protocol = rtm->rtm_protocol;
	out->scope = rtm->rtm_scope;
	out->tos = rtm->rtm_tos;
	out->metric = attr_u32(tb[RTA_PRIORITY]);
	out->nexthop_id = attr_u32(tb[RTA_NH_ID]);
	out->nexthops = room->nexthops;
	out->extra = room->extra;
	if (attr_addr(&out->dst.addr, tb[RTA_DST], rtm->rtm_family) < 0 ||
	    (!is_answer && attr_addr(&out->from.addr, tb[RTA_SRC], rtm->rtm_family) < 0) ||
	    attr_addr(&out->prefsrc, tb[RTA_PREFSRC], rtm->rtm_family) < 0 ||
	    rtm->rtm_dst_len > 8 * addr_size(rtm->rtm_family) ||
	    rtm->rtm_src_len > 8 * addr_size(rtm->rtm_family))
		return -EBADMSG;
	out->dst.addr.family = rtm->rtm_family;
	out->dst.len = rtm->rtm_dst_len;
	out->from.len = is_answer ? 0 : rtm->rtm_src_len;
	if (decode_nexthops(out, tb, rtm->rtm_flags) < 0)
		return -EBADMSG;
	return decode_extra(out, nlh, sizeof(room->extra));
}

int rtnl_decode_route(struct route_state *out, const struct nlmsghdr *nlh,
		      struct rtnl_route_room *room)
{
	return route_decode(out, nlh, room, false);
}

int rtnl_decode_answer(struct route_state *out, const struct nlmsghdr *nlh,
		       struct rtnl_route_room *room)
{
	return route_decode(out, nlh, room, true);
}

static void attr_read(void *to, size_t size, const struct nlattr *attr)
{
	if (attr && mnl_attr_get_payload_len(attr) >= size)
		memcpy(to, mnl_attr_get_payload(attr), size);
}

static void rule_decode_extra(struct rule_extra *e, const struct fib_rule_hdr *frh,
			      const struct nlattr *const *tb)
{
	uint8_t l3mdev = 0;
	uint64_t tun_id = 0;

	attr_read(&l3mdev, sizeof(l3mdev), tb[FRA_L3MDEV]);
	attr_read(&tun_id, sizeof(tun_id), tb[FRA_TUN_ID]);
	attr_read(e->uids, sizeof(e->uids), tb[FRA_UID_RANGE]);
	attr_read(&e->ip_proto, sizeof(e->ip_proto), tb[FRA_IP_PROTO]);
	attr_read(e->sports, sizeof(e->sports), tb[FRA_SPORT_RANGE]);
	attr_read(e->dports, sizeof(e->dports), tb[FRA_DPORT_RANGE]);
	e->is_l3mdev = l3mdev;
	e->tun_id = be64toh(tun_id);
	e->has_uids = tb[FRA_UID_RANGE];
	e->tos = frh->tos;
	e->target = attr_u32(tb[FRA_GOTO]);
	e->suppress_ifgroup = attr_u32(tb[FRA_SUPPRESS_IFGROUP]);
	e->has_suppress_ifgroup = tb[FRA_SUPPRESS_IFGROUP] && e->suppress_ifgroup != UINT32_MAX;
	if (!e->has_suppress_ifgroup)
		e->suppress_ifgroup = 0;
}

/* Return whether a rule has selectors other than mark, prefixes and interfaces
 * (rule_state.has_other). */
static bool rule_has_other(const struct fib_rule_hdr *frh, const struct nlattr *const *tb)
{
	static const uint16_t other[] = {FRA_FLOW,	 FRA_TUN_ID,   FRA_L3MDEV,
					 FRA_UID_RANGE,	 FRA_IP_PROTO, FRA_SPORT_RANGE,
					 FRA_DPORT_RANGE};

	if (frh->tos)
		return true;
	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++)
		if (tb[other[i]])
			return true;
	return false;
}

static int rule_decode_selectors(struct rule_state *out, const struct fib_rule_hdr *frh,
				 const struct nlattr *const *tb)
{
	if (attr_addr(&out->src.addr, tb[FRA_SRC], frh->family) < 0 ||
	    attr_addr(&out->dst.addr, tb[FRA_DST], frh->family) < 0 ||
	    attr_name(out->iifname, tb[FRA_IIFNAME]) < 0 ||
	    attr_name(out->oifname, tb[FRA_OIFNAME]) < 0)
		return -EBADMSG;
	out->src.len = frh->src_len;
	out->dst.len = frh->dst_len;
	out->fwmark = attr_u32(tb[FRA_FWMARK]);
	out->fwmask = tb[FRA_FWMASK] ? attr_u32(tb[FRA_FWMASK]) : (tb[FRA_FWMARK] ? UINT32_MAX : 0);
	out->suppress_prefixlength =
		tb[FRA_SUPPRESS_PREFIXLEN] ? (int32_t)attr_u32(tb[FRA_SUPPRESS_PREFIXLEN]) : -1;
	return 0;
}

int rtnl_decode_rule(struct rule_state *out, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[FRA_DPORT_RANGE + 1] = {NULL};
	const struct fib_rule_hdr *frh;

	memset(out, 0, sizeof(*out));
	if (attrs_parse(nlh, sizeof(*frh), tb, FRA_DPORT_RANGE) < 0)
		return -EBADMSG;
	frh = mnl_nlmsg_get_payload(nlh);
	if (!family_is_known(frh->family))
		return -ENOENT;
	out->family = frh->family;
	out->action = frh->action;
	out->table = tb[FRA_TABLE] ? attr_u32(tb[FRA_TABLE]) : frh->table;
	out->priority = attr_u32(tb[FRA_PRIORITY]);
	out->protocol = attr_u8(tb[FRA_PROTOCOL]);
	out->is_inverted = frh->flags & FIB_RULE_INVERT;
	out->has_other = rule_has_other(frh, tb);
	rule_decode_extra(&out->extra, frh, tb);
	return rule_decode_selectors(out, frh, tb);
}
