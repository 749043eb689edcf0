/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.h - the configuration, parsed and validated as a whole.
 */
#ifndef WAYMARK_CONFIG_CONFIG_H
#define WAYMARK_CONFIG_CONFIG_H

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "waymark/base/addr.h"
#include "waymark/base/units.h"
#include "waymark/base/uplinks.h"

/* CONFIG_RULES_BESIDE: Waymark has one ip rule for the mark of each uplink, and this number of
 * other ip rules. Together they take consecutive priorities; the first is rule-priority. The rules
 * of the balanced route are not counted: they share CONFIG_RULE_PRIORITY_BALANCE, the priority just
 * before the rule of table main (32766). See plan/route_plan.h. */
#define CONFIG_RULES_BESIDE	     7
#define CONFIG_RULE_PRIORITY_BALANCE 32765

#define CONFIG_PATH_DEFAULT	     "/etc/waymark/waymark.conf"

enum config_mode { MODE_STEER, MODE_AUDIT };
enum config_local_routes { LOCAL_SUPPRESS, LOCAL_COPY, LOCAL_EXCLUDE };
enum config_events { EVENTS_AUTO, EVENTS_FULL, EVENTS_MINIMAL };
enum config_on_stop { ON_STOP_KEEP, ON_STOP_REMOVE };
enum config_on_down { ON_DOWN_HOLD, ON_DOWN_FLUSH };
enum config_on_mismatch { ON_MISMATCH_RECORD, ON_MISMATCH_DELETE };
enum config_on_up { ON_UP_HOLD, ON_UP_RETURN };
enum config_balance {
	BALANCE_OFF,   /* no balanced default route */
	BALANCE_TABLE, /* in the table that key balance-table names */
	BALANCE_MAIN,  /* in table main */
};
enum config_transport { TRANSPORT_TCP, TRANSPORT_UDP };
enum config_file_format { FILE_FORMAT_JSON, FILE_FORMAT_CSV };
enum config_on_failure { ON_FAILURE_ALERT, ON_FAILURE_DRAIN, ON_FAILURE_DOWN };
enum config_log_level {
	CONFIG_LOG_ERROR,
	CONFIG_LOG_WARNING,
	CONFIG_LOG_NOTICE,
	CONFIG_LOG_INFO,
	CONFIG_LOG_DEBUG,
};

/* A field such as mark_line holds the line number of its key in the file, or 0 if the file does not
 * contain the key. If the parser has already refused the key's value and reported it, the field is
 * CONFIG_LINE_BAD, and config_validate() does not report the key again. */
#define CONFIG_LINE_BAD (-1)

enum gateway_kind {
	GATEWAY_LEARN, /* key not set: learnt from the routes of table main */
	GATEWAY_ADDR,  /* an address */
	GATEWAY_NONE,  /* "none": the interface is point-to-point and has no gateway */
};

struct gateway {
	enum gateway_kind kind;
	struct addr addr; /* if kind is GATEWAY_ADDR */
};

/* Expands a row of config_keys.def to the declaration of the key's field. */
#define CONFIG_FIELD(type, field, ...) type field;

struct health_config {
#define HEALTH_KEY CONFIG_FIELD
#include "waymark/config/config_keys.def"
};

struct uplink_config {
	char name[UPLINK_NAME_MAX];
	char ifname[IFNAMSIZ];
#define UPLINK_KEY CONFIG_FIELD
#include "waymark/config/config_keys.def"
	struct health_config health;
	/* 0 to 59: the uplink's label bit is label-base + LABELS_RESERVED + slot. The slot is
	 * derived from the mark, so it rarely changes when other uplinks are added or removed
	 * (config_assign_slots). */
	uint8_t slot;
	int line; /* line number of the uplink's section in the file, for messages */
	int interface_line, mark_line, table_line; /* line numbers of keys; see CONFIG_LINE_BAD */
};

struct alert_config {
#define ALERT_KEY CONFIG_FIELD
#include "waymark/config/config_keys.def"
};

struct prometheus_config {
	struct addr addr;
	uint16_t port; /* the TCP port on which waymarkd serves /metrics; 0: off */
#define PROMETHEUS_KEY CONFIG_FIELD
#include "waymark/config/config_keys.def"
};

/* The keys of waymark-export. */
struct export_config {
#define EXPORT_KEY CONFIG_FIELD
#include "waymark/config/config_keys.def"
};

/* Key anonymize: a day after a flow has ended, its addresses in the history are cut to these prefix
 * lengths. */
struct anonymize_config {
	bool is_on;
	uint8_t ipv4_bits, ipv6_bits;
};

struct config {
	char *path; /* the file that the configuration was read from */
#define TOP_KEY CONFIG_FIELD
#include "waymark/config/config_keys.def"
	struct alert_config alert;
	struct prometheus_config prometheus;
	struct export_config export;
	struct uplink_config *uplinks; /* in the order of the file */
	size_t n_uplinks;
	int mark_mask_line, label_base_line, rule_priority_line, balance_table_line;
};

/* Read and validate the whole file (path NULL: CONFIG_PATH_DEFAULT). On success return 0 and set
 * *out, which the caller frees with config_free(). On failure return -errno (-EINVAL for a bad
 * file), set *out to NULL, and print every error to errors, one per line: "FILE:LINE: what is
 * wrong; what to do". */
int config_load(struct config **out, const char *path, FILE *errors);

void config_free(struct config *c);

/* Format the command "waymark WORDS" for a user to paste. The command has -c FILE if c was read
 * from another file than CONFIG_PATH_DEFAULT. Return buf. */
char *config_command(const struct config *c, char *buf, size_t size, const char *words);
/* Size of a buffer in which such a command fits. */
#define CONFIG_COMMAND_SIZE (4 * PATH_MAX)

/* Return a copy of `from`, which the caller frees with config_free(); NULL with errno on
 * failure. */
struct config *config_clone(const struct config *from);
/* Copy the configuration to `memory`, with the struct config at its start. If another process maps
 * this memory at the same address, that process can use the copy. The copy must not be freed.
 * Return 0, or -ENOMEM if the configuration needs more than `bytes`. */
int config_clone_to(void *memory, size_t bytes, const struct config *from);
/* Copy section alert; the caller frees the copy's fields with config_clear_alert(). Return 0 or
 * -errno; on failure *to is empty. */
int config_clone_alert(struct alert_config *to, const struct alert_config *from);
void config_clear_alert(struct alert_config *c);

/* Return a configuration with the defaults of all keys and without uplinks; NULL with errno on
 * failure. */
struct config *config_new(void);
/* Add an uplink with the defaults of its keys. The pointer is valid until the next call. Return
 * NULL if there is no memory. */
struct uplink_config *config_uplink_add(struct config *c);

/* Report errors that the parser cannot find in one value alone: a missing key, a mark that is 0 or
 * outside the mask, a name, interface, mark or table that is used twice, too many uplinks, too few
 * labels or rule priorities for them. Print one line per error and return the number of errors. */
unsigned config_validate(const struct config *c, FILE *errors);

/* Assign a slot to every uplink. config_load() calls this function after validation. */
void config_assign_slots(struct config *c);

/* Adapt the slots after a reload: an uplink whose mark was in use before keeps its slot. A new
 * uplink gets a slot that was not in use before. If there is no such slot, the new uplink gets any
 * free slot. */
void config_keep_slots(struct config *c, const struct config *former);

/* Return the uplink of a mark (masked by the caller), or NULL. */
const struct uplink_config *config_uplink_by_mark(const struct config *c, uint32_t mark);
const struct uplink_config *config_uplink_by_slot(const struct config *c, unsigned slot);
const struct uplink_config *config_uplink_by_name(const struct config *c, const char *name);
const struct uplink_config *config_uplink_by_ifname(const struct config *c, const char *ifname);

/* Return whether the value of a key is a boolean. section is "" for keys outside all sections. */
bool config_is_boolean(const char *section, const char *key);

/* Return the word for a value of an enumeration, as the file spells it. */
const char *config_mode_name(enum config_mode m);
const char *config_balance_name(enum config_balance b);

/* Return whether retention is less than a day, which is rarely intended. */
bool config_is_retention_short(const struct config *c);
/* If key anonymize is set but has no effect, return why; otherwise return NULL. */
const char *config_anonymize_is_idle(const struct config *c);
const char *config_on_mismatch_name(enum config_on_mismatch m);

#endif
