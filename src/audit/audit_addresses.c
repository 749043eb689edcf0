/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_addresses.c - finds the uplink that has, or had, a source address. An uplink may get
 * another address while flows with its old address still exist, and an address may move to another
 * uplink.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit_internal.h"

#include "waymark/base/sort.h"

/* Tolerance when times are compared: an address is reported a little after it is first used, and
 * events are read with a delay, too. */
#define SLACK_MS 2000

/* A former address is kept as long as a flow exists that began while it was in use. To find the
 * oldest flow, all flows must be read. This is done only if there are more than FORMER_MAX former
 * addresses. */
#define FORMER_MAX 256

static int address_order(const void *a, const void *b)
{
	return addr_compare(&((const struct owned_address *)a)->addr,
			    &((const struct owned_address *)b)->addr);
}

static bool is_listed(const struct owned_address *o, const struct audit_address *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].slot == o->slot && addr_is_equal(&list[i].addr, &o->addr))
			return true;
	return false;
}

static bool is_owned(const struct owned_address *owned, size_t n, const struct audit_address *one)
{
	for (size_t i = 0; i < n; i++)
		if (!owned[i].to_ms && owned[i].slot == one->slot &&
		    addr_is_equal(&owned[i].addr, &one->addr))
			return true;
	return false;
}

static void find_oldest(void *data, flow_ref ref, struct flow *f)
{
	int64_t *oldest_ms = data;

	(void)ref;
	if ((int64_t)f->started_ms < *oldest_ms)
		*oldest_ms = (int64_t)f->started_ms;
}

/* Forget the former addresses that were given up before the oldest flow began. */
static void former_forget(struct audit *a, int64_t now_ms)
{
	int64_t oldest_ms = now_ms;
	size_t kept = 0;

	flows_each(a->flows, find_oldest, &oldest_ms);
	for (size_t i = 0; i < a->n_addresses; i++)
		if (!a->addresses[i].to_ms || a->addresses[i].to_ms + SLACK_MS >= oldest_ms)
			a->addresses[kept++] = a->addresses[i];
	a->n_addresses = kept;
}

int audit_set_addresses(struct audit *a, const struct audit_address *list, size_t n, int64_t now_ms)
{
	struct owned_address *owned;
	bool is_first = !a->addresses;
	size_t n_owned = a->n_addresses;

	owned = realloc(a->addresses, (n_owned + n + 1) * sizeof(*owned));
	if (!owned)
		return -ENOMEM;
	a->addresses = owned;
	for (size_t i = 0; i < n_owned; i++)
		if (!owned[i].to_ms && !is_listed(&owned[i], list, n))
			owned[i].to_ms = now_ms;
	for (size_t i = 0; i < n; i++)
		if (!is_owned(owned, n_owned, &list[i]))
			owned[n_owned++] = (struct owned_address){
				.addr = list[i].addr,
				.slot = list[i].slot,
				.from_ms = is_first ? 0 : now_ms,
			};
	a->n_addresses = n_owned;
	if (n_owned > n + FORMER_MAX)
		former_forget(a, now_ms);
	list_sort(owned, a->n_addresses, sizeof(*owned), address_order);
	return 0;
}

/* Return the index of the first entry with this address or a greater one. */
static size_t entry_find(const struct audit *a, const struct addr *addr)
{
	size_t low = 0, high = a->n_addresses;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (addr_compare(&a->addresses[middle].addr, addr) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_of_time(const struct owned_address *o, int64_t at_ms)
{
	return o->from_ms - SLACK_MS <= at_ms && (!o->to_ms || at_ms <= o->to_ms + SLACK_MS);
}

uint8_t audit_slot_of_address(const struct audit *a, const struct addr *addr, int64_t at_ms,
			      uint8_t slot)
{
	uint8_t then = SLOT_NONE, other = SLOT_NONE;

	for (size_t i = entry_find(a, addr);
	     i < a->n_addresses && addr_is_equal(&a->addresses[i].addr, addr); i++) {
		const struct owned_address *o = &a->addresses[i];

		if (is_of_time(o, at_ms))
			then = then == slot ? slot : o->slot;
		else
			other = o->to_ms && other != SLOT_NONE ? other : o->slot;
	}
	return then != SLOT_NONE ? then : other;
}
