/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * import.h - declares what the importers share: the uplinks that they find in the other program's
 * file, and the functions that print the configuration.
 */
#ifndef WAYMARK_SRC_CLI_IMPORT_IMPORT_H
#define WAYMARK_SRC_CLI_IMPORT_IMPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/import/uci.h"
#include "waymark/config/config.h"

struct imported_uplink {
	const char *name;      /* name of the section in the file */
	char device[64];       /* "": unknown */
	uint32_t mark;	       /* the uplink's bits under the other program's mask */
	uint32_t table;	       /* routing table; 0: unknown */
	unsigned weight, tier; /* 0: not set */
	const char *shares;    /* name of an earlier uplink with the same device; NULL: none */
};

struct import {
	const char *tool; /* name of the program: "mwan3" */
	const struct uci *file;
	const struct uci *network; /* OpenWrt's network file; empty if it is missing */
	uint32_t mask;		   /* the bits that the program's marks use */
	struct imported_uplink uplinks[UPLINKS_MAX];
	size_t n_uplinks;
	FILE *out;
};

/* Fill in i->mask and i->uplinks. Return 0, or -E2BIG if there are more than UPLINKS_MAX
 * uplinks. */
int import_mwan3(struct import *i);
int import_pbr(struct import *i);
/* Print the whole configuration. Return 0. If the file is invalid, print a message and return
 * -EINVAL. */
int import_waymark(struct import *i);
/* Print as comments the settings that are not converted. */
void import_mwan3_notes(const struct import *i);
void import_pbr_notes(const struct import *i);

/* Add an uplink, and look up its device in the network file. Return false if the list of uplinks is
 * full. */
bool import_uplink_add(struct import *i, const struct imported_uplink *u);

/* Print text as a quoted string. */
void import_string(FILE *out, const char *text);
/* Print the name of an uplink, or "uplinkNUMBER" if name is not a valid name. */
void import_name(FILE *out, const char *name, size_t number);
/* Find the device of section `name` in the network file, and write it to `device`. If the device is
 * unknown, write "". */
void import_device(char *device, size_t size, const struct uci *network, const char *name);

/* Print a comment on one line, without control characters. */
void import_comment(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
