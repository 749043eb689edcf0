/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.h - the configuration, parsed and validated as a whole.
 */
#ifndef WAYMARK_CONFIG_CONFIG_H
#define WAYMARK_CONFIG_CONFIG_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "waymark/base/addr.h"
#include "waymark/base/units.h"
#include "waymark/base/uplinks.h"

/* Priorities of ip rules that are needed beside one for each uplink, from rule-priority on, and
 * the one of the balanced route's rules, right before table main's 32766 (plan/route_plan.h). */
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
	BALANCE_TABLE, /* in a table of its own (balance-table) */
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

/* The line of a key: 0 if the key is not in the file; this value if the key's value was
 * refused and reported, so that config_validate does not report it again. */
#define CONFIG_LINE_BAD (-1)

enum gateway_kind {
	GATEWAY_LEARN, /* no key: learnt from the routes of table main */
	GATEWAY_ADDR,  /* an address */
	GATEWAY_NONE,  /* "none": point to point */
};

struct gateway {
	enum gateway_kind kind;
	struct addr addr; /* with GATEWAY_ADDR */
};

/* Fields that keys set are rows of config_keys.def. */
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
	uint8_t slot; /* 0 to 59: its label bit is label-base + LABELS_RESERVED + slot.
		       * Derived from the mark, so that adding or removing
		       * another uplink does not move it (config_assign_slots). */
	int line;     /* of its section in the file, for messages */
	int interface_line, mark_line, table_line; /* of its keys; see CONFIG_LINE_BAD */
};

struct alert_config {
#define ALERT_KEY CONFIG_FIELD
#include "waymark/config/config_keys.def"
};

struct prometheus_config {
	struct addr addr;
	uint16_t port; /* that it answers at; 0: off */
#define PROMETHEUS_KEY CONFIG_FIELD
#include "waymark/config/config_keys.def"
};

/* waymark-export. */
struct export_config {
#define EXPORT_KEY CONFIG_FIELD
#include "waymark/config/config_keys.def"
};

/* How many leading bits addresses keep once their flow ended more than a day ago. */
struct anonymize_config {
	bool is_on;
	uint8_t ipv4_bits, ipv6_bits;
};

struct config {
	char *path; /* the file it was read from */
#define TOP_KEY CONFIG_FIELD
#include "waymark/config/config_keys.def"
	struct alert_config alert;
	struct prometheus_config prometheus;
	struct export_config export;
	struct uplink_config *uplinks; /* in the file's order */
	size_t n_uplinks;
	int mark_mask_line, label_base_line, rule_priority_line, balance_table_line;
};

/* Reads and validates the file whole. On success returns 0 and *out, which the
 * caller frees with config_free. On failure returns -errno (-EINVAL for a bad
 * file), *out is NULL, and every error has been printed to errors, one per line:
 * "FILE:LINE: what is wrong; what to do". */
int config_load(struct config **out, const char *path, FILE *errors);

void config_free(struct config *c);

/* Copy it; NULL with errno. */
struct config *config_clone(const struct config *from);
/* Copy it whole into memory, which begins with the struct config: for a process that has the
 * same memory at the same address. Never freed. 0 or -ENOMEM. */
int config_clone_to(void *memory, size_t bytes, const struct config *from);
/* Copy section alert alone; free the copy's fields with config_clear_alert. 0 or -errno, and
 * then *to is empty. */
int config_clone_alert(struct alert_config *to, const struct alert_config *from);
void config_clear_alert(struct alert_config *c);

/* Core, no file: defaults; the rules that hold between keys. */
struct config *config_new(void); /* NULL with errno */
/* Add an uplink with the defaults of its keys; valid until the next is added. NULL: no
 * memory. */
struct uplink_config *config_uplink_add(struct config *c);

/* Check what one key alone cannot: marks that are 0, outside the mask or used twice; names,
 * interfaces and tables used twice; too many uplinks; room for labels; rule priorities. Print
 * one line per error and return their number. */
unsigned config_validate(const struct config *c, FILE *errors);

/* Gives every uplink its slot; called by config_load after validation. */
void config_assign_slots(struct config *c);

/* After a reload: an uplink whose mark was in use keeps its slot. A new uplink gets a slot that
 * was not in use, as long as there is one. */
void config_keep_slots(struct config *c, const struct config *former);

/* Return the uplink of a mark (masked by the caller), or NULL. */
const struct uplink_config *config_uplink_by_mark(const struct config *c, uint32_t mark);
const struct uplink_config *config_uplink_by_slot(const struct config *c, unsigned slot);
const struct uplink_config *config_uplink_by_name(const struct config *c, const char *name);
const struct uplink_config *config_uplink_by_ifname(const struct config *c, const char *ifname);

/* Whether a key of this section ("": outside of all) is true or false. */
bool config_is_boolean(const char *section, const char *key);

/* The words of the enumerations as the file spells them. */
const char *config_mode_name(enum config_mode m);
const char *config_balance_name(enum config_balance b);

/* Whether flows are deleted less than a day after they ended: rarely what is meant. */
bool config_is_retention_short(const struct config *c);
/* Return why key anonymize changes nothing; NULL: it does, or is off. */
const char *config_anonymize_is_idle(const struct config *c);
const char *config_on_mismatch_name(enum config_on_mismatch m);

#endif
