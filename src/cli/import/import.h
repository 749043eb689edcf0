/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * import.h - what the importers share: the uplinks found in another tool's file, and
 * the file that is printed from them.
 */
#ifndef WAYMARK_SRC_CLI_IMPORT_IMPORT_H
#define WAYMARK_SRC_CLI_IMPORT_IMPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/import/uci.h"
#include "waymark/config/config.h"

struct imported_uplink {
	const char *name;      /* the section's, as the tool calls it */
	char device[64];       /* "": not known */
	uint32_t mark;	       /* under the tool's mask */
	uint32_t table;	       /* 0: not known */
	unsigned weight, tier; /* 0: not said */
	const char *shares;    /* the uplink that has the same device; NULL: none */
};

struct import {
	const char *tool; /* "mwan3" */
	const struct uci *file;
	const struct uci *network; /* /etc/config/network beside it; empty: not there */
	uint32_t mask;
	struct imported_uplink uplinks[UPLINKS_MAX];
	size_t n_uplinks;
	FILE *out;
};

/* Each fills in mask and uplinks. 0, or -errno with a message printed. */
int import_mwan3(struct import *i);
int import_pbr(struct import *i);
/* Print all of it. 0, or -EINVAL with a message printed. */
int import_waymark(struct import *i);
/* Print the settings that are not carried over, as comments. */
void import_mwan3_notes(const struct import *i);
void import_pbr_notes(const struct import *i);

/* Add one; false: there is no room. Its device is looked up in the network file. */
bool import_uplink_add(struct import *i, const struct imported_uplink *u);

/* A string of the file, quoted. */
void import_string(FILE *out, const char *text);
/* An uplink's name, or "uplinkNUMBER" where it can be none. */
void import_name(FILE *out, const char *name, size_t number);
/* The device of a section of the network file; "": it does not say. */
void import_device(char *device, size_t size, const struct uci *network, const char *name);

/* A comment's text: printable, one line. */
void import_comment(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
