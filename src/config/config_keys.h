/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_keys.h - a row per key of the configuration.
 */
#ifndef WAYMARK_SRC_CONFIG_CONFIG_KEYS_H
#define WAYMARK_SRC_CONFIG_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct complaint;

struct config_key {
	const char *name;
	const char *section; /* "", "uplink", "health" (in uplink), "alert", ... */
	size_t offset;	     /* of the field in struct config; in struct uplink_config for
			      * the keys of an uplink and its health */
	size_t line_offset;  /* of the int that keeps the key's line; 0: none */
	const char *type;    /* "string", "integer", "duration", "size", "boolean", "word",
			      * "list" */
	/* Write the value to out and return 0; or fill why and return -EINVAL; or
	 * -ENOMEM. */
	int (*read)(const struct config_key *key, const char *text, void *out,
		    struct complaint *why);
	uint64_t min, max;	  /* of a number; max also of a text's length */
	const char *const *words; /* in the order of the enumeration; ends with NULL */
	bool is_text;		  /* the field is a char *, owned */
	bool is_list;		  /* ... a char **; read adds one element */
	bool is_secret;		  /* no message shows the value */
	const char *initial;	  /* the default as the file would spell it; NULL: none */
	const char *help;
};

extern const struct config_key config_keys[]; /* ends with a NULL name */

/* NULL: there is no such key. */
const struct config_key *config_key_find(const char *section, const char *name);
/* Return whether keys of this section are fields of an uplink. */
bool config_section_is_of_uplink(const char *section);

#endif
