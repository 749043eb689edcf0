/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uci.h - reads OpenWrt's configuration files (UCI), which consist of sections with options and
 * lists.
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
	char *type, *name;	    /* name "": the section is anonymous */
	struct uci_option *options; /* one entry for each option, and for each value of a list */
	size_t n_options;
};

struct uci {
	struct uci_section *sections;
	size_t n_sections;
};

/* Read a whole file. Return 0 or -errno; -EINVAL: *line is the first invalid line. */
int uci_read(struct uci *u, FILE *file, unsigned *line);
void uci_clear(struct uci *u);

/* Return the value of an option. If the file sets the option several times, return the last value;
 * if it does not set the option, return `otherwise`. */
const char *uci_get(const struct uci_section *s, const char *key, const char *otherwise);
bool uci_is_true(const struct uci_section *s, const char *key, bool otherwise);
/* Return whether value is one of the values of the option or list. */
bool uci_has(const struct uci_section *s, const char *key, const char *value);
/* Return the section of this type and name. If name is NULL, return the first section of this type.
 * Return NULL if there is no such section. */
const struct uci_section *uci_find(const struct uci *u, const char *type, const char *name);

#endif
