/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_interfaces.c - assigns a number to each interface that flows left by and that is no uplink.
 * A number stands for the same name as long as the process runs.
 */
#include <stdio.h>
#include <string.h>

#include "audit/audit_internal.h"

static uint16_t interface_add(struct audit *a, const char *ifname)
{
	struct record r = {.type = RECORD_INTERFACE};
	uint16_t number = (uint16_t)(a->n_interfaces + 1);

	r.interface.number = number;
	snprintf(r.interface.name, sizeof(r.interface.name), "%s",
		 number == INTERFACE_REST ? "others" : ifname);
	memcpy(a->interfaces[a->n_interfaces++], r.interface.name, IFNAMSIZ);
	a->port.emit(a->port.data, &r);
	return number;
}

uint16_t audit_interface(struct audit *a, const char *ifname)
{
	for (unsigned i = 0; i < a->n_interfaces; i++) {
		if (!strncmp(a->interfaces[i], ifname, IFNAMSIZ))
			return (uint16_t)(i + 1);
	}
	return a->n_interfaces == INTERFACE_REST ? INTERFACE_REST : interface_add(a, ifname);
}

const char *audit_interface_name(const struct audit *a, uint16_t number)
{
	return number && number <= a->n_interfaces ? a->interfaces[number - 1] : NULL;
}
