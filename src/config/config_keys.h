/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_keys.h - the array of configuration keys, one element per key.
 */
#ifndef WAYMARK_SRC_CONFIG_CONFIG_KEYS_H
#define WAYMARK_SRC_CONFIG_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct complaint;

struct config_key {
	const char *name;
	const char *section; /* "" (top level), "uplink", "health" (inside uplink), "alert", ... */
	size_t offset;	     /* offset of the field in struct config; for sections uplink and
			      * health, in struct uplink_config */
	size_t line_offset;  /* offset of the int that stores the line on which the file sets the
			      * key; 0: the line is not stored */
	const char *type;    /* "string", "integer", "duration", "size", "boolean", "word",
			      * "list" */
	/* Parse text and write the value to out. Return 0; -EINVAL, with an explanation in *why; or
	 * -ENOMEM. */
	int (*read)(const struct config_key *key, const char *text, void *out,
		    struct complaint *why);
	uint64_t min, max;	  /* limits of a number; max is also the maximum length of a
				   * string */
	const char *const *words; /* the valid words, at the indexes of their enum values; then
				   * NULL */
	bool is_text;		  /* the field is a char * that the configuration owns */
	bool is_list;		  /* the field is an owned char **; read() adds one element */
	bool is_secret;		  /* messages must not show the value */
	const char *initial;	  /* the default, as written in the file; NULL: none */
	const char *help;
};

extern const struct config_key config_keys[]; /* ends with an element whose name is NULL */

/* Return the key, or NULL if it does not exist. */
const struct config_key *config_key_find(const char *section, const char *name);
/* Return whether the keys of this section are fields of an uplink. */
bool config_section_is_of_uplink(const char *section);

#endif
