/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route_extra.c - reads and joins attributes of a route in the kernel's format (struct rtattr).
 *
 * Pure. Must not trust the lengths in the attributes: some are read from a file.
 */
#include "waymark/plan/route_extra.h"

#include <linux/rtnetlink.h>
#include <string.h>

/* Return the payload of the first attribute with this type, and set *size to the payload's length.
 * NULL: there is no such attribute. */
static const uint8_t *attr_find(const uint8_t *at, size_t left, unsigned type, size_t *size)
{
	struct rtattr attr;

	while (left >= sizeof(attr)) {
		size_t step;

		memcpy(&attr, at, sizeof(attr));
		if (attr.rta_len < sizeof(attr) || attr.rta_len > left)
			return NULL;
		if ((attr.rta_type & NLA_TYPE_MASK) == type) {
			*size = attr.rta_len - sizeof(attr);
			return at + sizeof(attr);
		}
		step = RTA_ALIGN(attr.rta_len);
		if (step >= left)
			return NULL;
		at += step;
		left -= step;
	}
	return NULL;
}

bool route_metric(const struct route_state *r, unsigned metric, uint32_t *value)
{
	size_t size;
	const uint8_t *at = attr_find(r->extra, r->extra_size, RTA_METRICS, &size);

	if (at)
		at = attr_find(at, size, metric, &size);
	if (!at || size < sizeof(*value))
		return false;
	memcpy(value, at, sizeof(*value));
	return true;
}

bool route_preference(const struct route_state *r, uint8_t *pref)
{
	size_t size;
	const uint8_t *at = attr_find(r->extra, r->extra_size, RTA_PREF, &size);

	if (!at || !size)
		return false;
	*pref = *at;
	return *pref != 0;
}

static bool extra_is_equal(const struct route_state *a, const struct route_state *b)
{
	return a->extra_size == b->extra_size &&
	       (!a->extra_size || !memcmp(a->extra, b->extra, a->extra_size));
}

static bool metric_smallest(const struct route_state *const *routes, size_t n, unsigned metric,
			    uint32_t *smallest)
{
	bool is_found = false;
	uint32_t value;

	for (size_t i = 0; i < n; i++) {
		if (!route_metric(routes[i], metric, &value) || (is_found && value >= *smallest))
			continue;
		*smallest = value;
		is_found = true;
	}
	return is_found;
}

static size_t put_u32(uint8_t *at, unsigned type, uint32_t value)
{
	struct rtattr attr = {.rta_len = RTA_LENGTH(sizeof(value)),
			      .rta_type = (unsigned short)type};

	memcpy(at, &attr, sizeof(attr));
	memcpy(at + RTA_LENGTH(0), &value, sizeof(value));
	return RTA_SPACE(sizeof(value));
}

size_t route_extra_join(const struct route_state *const *routes, size_t n, uint8_t *buf)
{
	static const unsigned joined[] = {RTAX_MTU, RTAX_ADVMSS};
	struct rtattr nest = {.rta_type = RTA_METRICS};
	size_t used = RTA_LENGTH(0), same = 0;
	uint32_t value = 0;

	while (same < n && extra_is_equal(routes[0], routes[same]))
		same++;
	if (!n || (same == n && routes[0]->extra_size > ROUTE_EXTRA_MAX))
		return 0;
	if (same == n) {
		if (routes[0]->extra_size)
			memcpy(buf, routes[0]->extra, routes[0]->extra_size);
		return routes[0]->extra_size;
	}
	for (size_t i = 0; i < sizeof(joined) / sizeof(*joined); i++)
		if (metric_smallest(routes, n, joined[i], &value))
			used += put_u32(buf + used, joined[i], value);
	if (used == RTA_LENGTH(0))
		return 0;
	nest.rta_len = (unsigned short)used;
	memcpy(buf, &nest, sizeof(nest));
	return used;
}
