/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uci.h - OpenWrt's configuration files (UCI): sections with options and lists.
 */
#ifndef WAYMARK_SRC_CLI_IMPORT_UCI_H
#define WAYMARK_SRC_CLI_IMPORT_UCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct uci_option {
	char *key, *value;
};

struct uci_section {
	char *type, *name;	    /* name "": anonymous */
	struct uci_option *options; /* a list has one entry per value */
	size_t n_options;
};

struct uci {
	struct uci_section *sections;
	size_t n_sections;
};

/* Read a file whole. 0, or -errno; -EINVAL: *line is the line that is no UCI. */
int uci_read(struct uci *u, FILE *file, unsigned *line);
void uci_clear(struct uci *u);

/* The last value of an option, or otherwise. */
const char *uci_get(const struct uci_section *s, const char *key, const char *otherwise);
bool uci_is_true(const struct uci_section *s, const char *key, bool otherwise);
/* Return whether one of its values is this. */
bool uci_has(const struct uci_section *s, const char *key, const char *value);
/* The section of a type and name (NULL: the first of the type), or NULL. */
const struct uci_section *uci_find(const struct uci *u, const char *type, const char *name);

#endif
