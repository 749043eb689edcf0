/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_keys.c - the rows of waymark/config/config_keys.def as an array, and lookups in
 * it.
 */
#include "config/config_keys.h"

#include <stddef.h>
#include <string.h>

#include "config/values.h"
#include "waymark/config/config.h"

#define PLACE(name, type, field)	 .section = name, .offset = offsetof(struct type, field)
#define LINE(type, field)		 .line_offset = offsetof(struct type, field)

#define VALUE(name, reader, least, most) .type = name, .read = reader, .min = least, .max = most
#define WORDS(...)			 ((const char *const[]){__VA_ARGS__, NULL})
#define WORD(...)			 .type = "word", .read = values_read_word, .words = WORDS(__VA_ARGS__)
#define BOOLEAN				 .type = "boolean", .read = values_read_boolean
#define INTEGER(reader, least, most)	 VALUE("integer", reader, least, most)
#define TEXT(reader, longest)		 VALUE("string", reader, 0, longest), .is_text = true
#define LIST(reader, longest)		 VALUE("list", reader, 0, longest), .is_list = true

#define PATH_LENGTH			 4095 /* linux/limits.h, PATH_MAX */
#define URL_LENGTH			 2048
#define SOCKET_PATH_LENGTH		 107	     /* unix(7), sun_path without the NUL */
#define RULE_PRIORITY_LAST		 32765	     /* right before table main's rule */
#define RETENTION_LAST			 31557600000 /* 1,000 years */

#define ROW(section, owner, field, key, ...)                                                       \
	{.name = key, PLACE(section, owner, field), __VA_ARGS__},

const struct config_key config_keys[] = {
#define TOP_KEY(type, field, ...)	 ROW("", config, field, __VA_ARGS__)
#define UPLINK_KEY_OF(field, ...)	 ROW("uplink", uplink_config, field, __VA_ARGS__)
#define UPLINK_KEY(type, field, ...)	 ROW("uplink", uplink_config, field, __VA_ARGS__)
#define HEALTH_KEY(type, field, ...)	 ROW("health", uplink_config, health.field, __VA_ARGS__)
#define ALERT_KEY(type, field, ...)	 ROW("alert", config, alert.field, __VA_ARGS__)
#define PROMETHEUS_KEY_OF(field, ...)	 ROW("prometheus", config, field, __VA_ARGS__)
#define PROMETHEUS_KEY(type, field, ...) ROW("prometheus", config, prometheus.field, __VA_ARGS__)
#define EXPORT_KEY(type, field, ...)	 ROW("export", config, export.field, __VA_ARGS__)
#include "waymark/config/config_keys.def"
	{.name = NULL},
};

const struct config_key *config_key_find(const char *section, const char *name)
{
	const struct config_key *key = config_keys;

	while (key->name && (strcmp(key->section, section) || strcmp(key->name, name)))
		key++;
	return key->name ? key : NULL;
}

bool config_section_is_of_uplink(const char *section)
{
	return strcmp(section, "uplink") == 0 || strcmp(section, "health") == 0;
}

bool config_is_boolean(const char *section, const char *name)
{
	const struct config_key *key = config_key_find(section, name);

	return key && !strcmp(key->type, "boolean");
}

const char *config_mode_name(enum config_mode m)
{
	return config_key_find("", "mode")->words[m];
}

const char *config_balance_name(enum config_balance b)
{
	static const char *const words[] = {
		[BALANCE_OFF] = "false", [BALANCE_TABLE] = "true", [BALANCE_MAIN] = "main"};

	return words[b];
}

const char *config_on_mismatch_name(enum config_on_mismatch m)
{
	return config_key_find("", "on-mismatch")->words[m];
}
