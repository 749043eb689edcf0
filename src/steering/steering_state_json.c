/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering_state_json.c - formats the steering's state as JSON text, and parses it.
 *
 * A text with any error is refused as a whole. If only a part were read, the removal of the
 * steering would restore only some of the former values. Must not know where the text is kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "steering/steering_state.h"

#define STATE_VERSION	1
#define EXTRA_BYTES_MAX ROUTE_EXTRA_MAX

/* The boot and the network namespace in which a state was written. */
struct place {
	char boot[64];
	char netns[64];
};

static void place_read(struct place *p)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	memset(p, 0, sizeof(*p));
	if (fd >= 0) {
		n = read(fd, p->boot, sizeof(p->boot) - 1);
		p->boot[n > 0 ? strcspn(p->boot, "\n") : 0] = '\0';
		close(fd);
	}
	n = readlink("/proc/self/ns/net", p->netns, sizeof(p->netns) - 1);
	p->netns[n > 0 ? n : 0] = '\0';
}

/* --- writing ------------------------------------------------------------------------ */

static json_t *addr_to_json(const struct addr *a)
{
	char text[ADDR_STRLEN];

	return json_string(addr_format(a, text));
}

/* Return a name as JSON. The kernel allows any bytes in an interface's name, but JSON allows only
 * UTF-8. Write a name that is not UTF-8 in hex after a '/', because no name begins with a '/'. */
static json_t *name_to_json(const char *name)
{
	char hex[2 * SYSCTL_NAME_MAX + 2] = "/";
	json_t *json = json_string(name);

	for (size_t i = 0; !json && name[i] && i < SYSCTL_NAME_MAX; i++)
		snprintf(hex + 1 + 2 * i, 3, "%02x", (unsigned char)name[i]);
	return json ? json : json_string(hex);
}

static json_t *extra_to_json(const struct route_state *r)
{
	char hex[2 * EXTRA_BYTES_MAX + 1] = "";

	for (size_t i = 0; i < r->extra_size && i < EXTRA_BYTES_MAX; i++)
		snprintf(hex + 2 * i, 3, "%02x", r->extra[i]);
	return json_string(hex);
}

static json_t *nexthop_to_json(const struct nexthop *n, const struct netstate *s)
{
	const struct link_state *link = netstate_link_by_index(s, n->ifindex);

	return json_pack("{s:I, s:o, s:o, s:I, s:b}", "ifindex", (json_int_t)n->ifindex, "dev",
			 name_to_json(link ? link->name : ""), "gateway", addr_to_json(&n->gateway),
			 "weight", (json_int_t)n->weight, "onlink", (int)n->is_onlink);
}

static json_t *route_to_json(const struct route_state *r, const struct netstate *s)
{
	json_t *hops = json_array();
	char dst[PREFIX_STRLEN], from[PREFIX_STRLEN] = "";

	if (r->from.len)
		prefix_format(&r->from, from);
	for (size_t i = 0; i < r->n_nexthops; i++)
		json_array_append_new(hops, nexthop_to_json(&r->nexthops[i], s));
	return json_pack("{s:i, s:I, s:i, s:i, s:i, s:i, s:I, s:I, s:s, s:s, s:o, s:o, s:o}",
			 "family", r->family == AF_INET6 ? 6 : 4, "table", (json_int_t)r->table,
			 "type", r->type, "protocol", r->protocol, "scope", r->scope, "tos", r->tos,
			 "metric", (json_int_t)r->metric, "nexthop_id", (json_int_t)r->nexthop_id,
			 "dst", prefix_format(&r->dst, dst), "from", from, "src",
			 addr_to_json(&r->prefsrc), "extra", extra_to_json(r), "nexthops", hops);
}

static json_t *routes_to_json(const struct netstate *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_routes; i++)
		json_array_append_new(list, route_to_json(&s->routes[i], s));
	return list;
}

static json_t *sysctls_to_json(const struct steering_state *st)
{
	json_t *list = json_array();

	for (size_t i = 0; i < st->n_sysctls; i++)
		json_array_append_new(list,
				      json_pack("{s:o, s:s, s:s}", "name",
						name_to_json(st->sysctls[i].name), "former",
						st->sysctls[i].former, "set", st->sysctls[i].set));
	return list;
}

static json_t *gateways_to_json(const struct steering_state *st)
{
	json_t *list = json_array();

	for (size_t i = 0; i < st->n_gateways; i++) {
		const struct saved_gateway *g = &st->gateways[i];

		json_array_append_new(list, json_pack("{s:s, s:o, s:i, s:o}", "uplink", g->uplink,
						      "interface", name_to_json(g->ifname),
						      "family", g->family == AF_INET6 ? 6 : 4,
						      "gateway", addr_to_json(&g->gateway)));
	}
	return list;
}

static json_t *hash_to_json(uint64_t hash)
{
	char text[17];

	snprintf(text, sizeof(text), "%016" PRIx64, hash);
	return json_string(text);
}

char *steering_state_write(const struct steering_state *st)
{
	struct place here;
	json_t *root;
	char *text;

	place_read(&here);
	root = json_pack("{s:i, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "version",
			 STATE_VERSION, "boot", here.boot, "netns", here.netns, "labels_since_ms",
			 (json_int_t)st->labels_since_ms, "label_base", (json_int_t)st->label_base,
			 "label_slots", hash_to_json(st->label_slots), "ruleset_text",
			 hash_to_json(st->text_hash), "ruleset_listing",
			 hash_to_json(st->listing_hash), "sysctls", sysctls_to_json(st),
			 "displaced", routes_to_json(st->displaced), "gateways",
			 gateways_to_json(st));
	text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
	json_decref(root);
	if (!text)
		errno = ENOMEM;
	return text;
}

/* --- reading ------------------------------------------------------------------------- */

/* Each *_from_json() returns 0, -EBADMSG or -ENOMEM. */

static int addr_from_json(struct addr *a, const char *text)
{
	memset(a, 0, sizeof(*a));
	return *text && addr_parse(a, text) < 0 ? -EBADMSG : 0;
}

/* Convert hex digits to bytes. Return the number of bytes; -EBADMSG: not hex digits, or more than
 * `max` bytes. */
static int bytes_from_hex(const char *hex, uint8_t *bytes, size_t max)
{
	size_t size = strlen(hex) / 2;

	if (strlen(hex) % 2 || size > max)
		return -EBADMSG;
	for (size_t i = 0; i < size; i++) {
		unsigned byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return -EBADMSG;
		bytes[i] = (uint8_t)byte;
	}
	return (int)size;
}

static int extra_from_json(struct route_state *r, const char *hex)
{
	int size = bytes_from_hex(hex, r->extra, EXTRA_BYTES_MAX);

	r->extra_size = size > 0 ? (uint16_t)size : 0;
	return size < 0 ? size : 0;
}

static int name_from_json(const char *text, char *name, size_t size)
{
	int n;

	if (*text != '/')
		return snprintf(name, size, "%s", text) < (int)size ? 0 : -EBADMSG;
	n = bytes_from_hex(text + 1, (uint8_t *)name, size - 1);
	if (n < 0)
		return n;
	name[n] = '\0';
	return 0;
}

static int link_from_json(struct netstate *s, uint32_t index, const char *name)
{
	struct link_state link = {.index = index};

	if (!*name || netstate_link_by_index(s, index))
		return 0;
	if (name_from_json(name, link.name, sizeof(link.name)))
		return -EBADMSG;
	return netstate_add_link(s, &link) ? 0 : -ENOMEM;
}

static int nexthop_from_json(struct nexthop *n, json_t *json, struct netstate *s)
{
	const char *dev, *gateway;
	json_int_t ifindex, weight;
	int onlink;

	if (json_unpack(json, "{s:I, s:s, s:s, s:I, s:b}", "ifindex", &ifindex, "dev", &dev,
			"gateway", &gateway, "weight", &weight, "onlink", &onlink) < 0)
		return -EBADMSG;
	n->ifindex = (uint32_t)ifindex;
	n->weight = (uint32_t)weight;
	n->is_onlink = onlink;
	if (addr_from_json(&n->gateway, gateway) < 0)
		return -EBADMSG;
	return link_from_json(s, n->ifindex, dev);
}

static int nexthops_from_json(struct route_state *r, json_t *list, struct netstate *s)
{
	size_t i;
	json_t *json;

	json_array_foreach(list, i, json)
	{
		int err;

		if (i >= NEXTHOPS_MAX)
			return -EBADMSG;
		err = nexthop_from_json(&r->nexthops[i], json, s);
		if (err)
			return err;
		r->n_nexthops++;
	}
	return 0;
}

static int route_from_json(struct netstate *s, json_t *json)
{
	struct nexthop hops[NEXTHOPS_MAX] = {{0}};
	uint8_t extra[EXTRA_BYTES_MAX];
	struct route_state r = {.nexthops = hops, .extra = extra};
	int family, type, protocol, scope, tos, err;
	json_int_t table, metric, nexthop_id;
	const char *dst, *src, *hex, *from = "";
	json_t *list;

	if (json_unpack(json, "{s:i, s:I, s:i, s:i, s:i, s:i, s:I, s:I, s:s, s?s, s:s, s:s, s:o}",
			"family", &family, "table", &table, "type", &type, "protocol", &protocol,
			"scope", &scope, "tos", &tos, "metric", &metric, "nexthop_id", &nexthop_id,
			"dst", &dst, "from", &from, "src", &src, "extra", &hex, "nexthops",
			&list) < 0)
		return -EBADMSG;
	r.family = family == 6 ? AF_INET6 : AF_INET;
	r.table = (uint32_t)table;
	r.type = (uint8_t)type;
	r.protocol = (uint8_t)protocol;
	r.scope = (uint8_t)scope;
	r.tos = (uint8_t)tos;
	r.metric = (uint32_t)metric;
	r.nexthop_id = (uint32_t)nexthop_id;
	if (prefix_parse(&r.dst, dst) < 0 || (*from && prefix_parse(&r.from, from) < 0) ||
	    addr_from_json(&r.prefsrc, src) < 0 || extra_from_json(&r, hex) < 0)
		return -EBADMSG;
	err = nexthops_from_json(&r, list, s);
	if (!err && !netstate_add_route(s, &r))
		err = -ENOMEM;
	return err;
}

/* Return whether this is a sysctl that the steering sets: one of known[], or the rp_filter of an
 * interface. A state file must not contain any other. */
static bool sysctl_is_known(const char *name)
{
	static const char *const known[] = {
		"net/netfilter/nf_conntrack_acct",    "net/netfilter/nf_conntrack_timestamp",
		"net/netfilter/nf_conntrack_events",  "net/ipv4/fib_multipath_hash_policy",
		"net/ipv6/fib_multipath_hash_policy", "net/ipv4/conf/all/src_valid_mark",
	};
	static const char before[] = "net/ipv4/conf/", after[] = "/rp_filter";
	const char *slash;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(name, known[i]))
			return true;
	if (strncmp(name, before, sizeof(before) - 1))
		return false;
	name += sizeof(before) - 1;
	slash = strchr(name, '/');
	return slash && slash != name && strncmp(name, "..", (size_t)(slash - name)) &&
	       !strcmp(slash, after);
}

static int sysctl_from_json(struct steering_state *st, json_t *json)
{
	const char *text, *former, *set;
	char name[SYSCTL_NAME_MAX];

	if (json_unpack(json, "{s:s, s:s, s:s}", "name", &text, "former", &former, "set", &set) <
		    0 ||
	    name_from_json(text, name, sizeof(name)) < 0)
		return -EBADMSG;
	if (!sysctl_is_known(name))
		return -EBADMSG;
	return steering_state_keep_sysctl(st, name, former, set);
}

static int gateway_from_json(struct steering_state *st, json_t *json)
{
	const char *uplink, *interface, *gateway;
	struct saved_gateway g = {.family = AF_INET};
	int family;

	if (json_unpack(json, "{s:s, s:s, s:i, s:s}", "uplink", &uplink, "interface", &interface,
			"family", &family, "gateway", &gateway) < 0 ||
	    name_from_json(interface, g.ifname, sizeof(g.ifname)) < 0 ||
	    addr_from_json(&g.gateway, gateway) < 0)
		return -EBADMSG;
	g.family = family == 6 ? AF_INET6 : AF_INET;
	snprintf(g.uplink, sizeof(g.uplink), "%s", uplink);
	return steering_state_keep_gateway(st, &g);
}

static int state_from_json(struct steering_state *st, json_t *root)
{
	const char *text, *listing, *slots = "0";
	json_t *sysctls, *displaced, *gateways, *json;
	json_int_t labels_since_ms = 0, label_base = 0;
	int err = 0;
	size_t i;

	if (json_unpack(root, "{s?I, s?I, s?s, s:s, s:s, s:o, s:o, s:o}", "labels_since_ms",
			&labels_since_ms, "label_base", &label_base, "label_slots", &slots,
			"ruleset_text", &text, "ruleset_listing", &listing, "sysctls", &sysctls,
			"displaced", &displaced, "gateways", &gateways) < 0)
		return -EBADMSG;
	st->text_hash = strtoull(text, NULL, 16);
	st->listing_hash = strtoull(listing, NULL, 16);
	st->labels_since_ms = labels_since_ms;
	st->label_base = (uint32_t)label_base;
	st->label_slots = strtoull(slots, NULL, 16);
	json_array_foreach(sysctls, i, json) err = err ? err : sysctl_from_json(st, json);
	json_array_foreach(displaced, i, json) err =
		err ? err : route_from_json(st->displaced, json);
	json_array_foreach(gateways, i, json) err = err ? err : gateway_from_json(st, json);
	st->is_known = !err;
	return err;
}

static bool json_is_of_here(json_t *root)
{
	const char *boot, *netns;
	struct place here;
	int version;

	place_read(&here);
	return json_unpack(root, "{s:i, s:s, s:s}", "version", &version, "boot", &boot, "netns",
			   &netns) == 0 &&
	       version == STATE_VERSION && !strcmp(boot, here.boot) && !strcmp(netns, here.netns);
}

struct steering_state *steering_state_read(const char *text)
{
	json_t *root = json_loads(text, 0, NULL);
	struct steering_state *st = steering_state_new();
	int err = 0;

	if (!root)
		err = -EBADMSG;
	else if (!st)
		err = -ENOMEM;
	else if (json_is_of_here(root))
		err = state_from_json(st, root);
	json_decref(root);
	if (!err)
		return st;
	steering_state_free(st);
	errno = -err;
	return NULL;
}
