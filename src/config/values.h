/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * values.h - the text of one value into its place in struct config.
 */
#ifndef WAYMARK_SRC_CONFIG_VALUES_H
#define WAYMARK_SRC_CONFIG_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is wrong with a value and what to do: the end of "KEY 'TEXT' ...". */
struct complaint {
	char text[160];
};

/* Where a key's value goes and what it may be. */
struct field {
	const char *section, *name;
	/* Writes the value to out and returns 0; or fills why and returns -EINVAL;
	 * or -ENOMEM. */
	int (*read)(const struct field *f, const char *text, void *out, struct complaint *why);
	size_t offset;	    /* of out in struct config; in struct uplink_config for
			     * the keys of an uplink */
	size_t line_offset; /* of the int that keeps the key's line; 0: none */
	uint64_t min, max;  /* of numbers; max also of a path's length */
	const char *words;  /* in the order of the enumeration, separated by blanks */
	bool is_secret;	    /* no message shows the value */
	bool is_list;	    /* read adds one element to a char ** */
};

/* One an entry of config_keys; NULL: no such key. */
const struct field *field_find(const char *section, const char *name);

#endif
