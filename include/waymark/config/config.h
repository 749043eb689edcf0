/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.h - the configuration, parsed and validated whole.
 *
 * The struct, its defaults and its rules are pure (src/core/config.c); reading
 * libconfuse's syntax into it is src/config/parse.c.
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


#define CONFIG_PATH_DEFAULT "/etc/waymark/waymark.conf"

enum config_mode { MODE_STEER, MODE_AUDIT };
enum config_local_routes { LOCAL_SUPPRESS, LOCAL_COPY, LOCAL_EXCLUDE };
enum config_events { EVENTS_AUTO, EVENTS_FULL, EVENTS_MINIMAL };
enum config_on_stop { ON_STOP_KEEP, ON_STOP_REMOVE };
enum config_on_down { ON_DOWN_HOLD, ON_DOWN_FLUSH };
enum config_on_mismatch { ON_MISMATCH_RECORD, ON_MISMATCH_DELETE };

/* Lines of keys: 0: the key is not in the file. This: it is, but what it says
 * could not be taken and has been told of already; it is not checked again. */
#define CONFIG_LINE_BAD (-1)

enum gateway_kind {
	GATEWAY_LEARN, /* left out: learnt from the routes of table main */
	GATEWAY_ADDR,  /* an address */
	GATEWAY_NONE,  /* "none": point to point */
};

struct gateway {
	enum gateway_kind kind;
	struct addr addr; /* with GATEWAY_ADDR */
};

struct uplink_config {
	char name[UPLINK_NAME_MAX];
	char ifname[IFNAMSIZ];
	uint32_t mark; /* under mark-mask */
	uint32_t table;
	struct gateway gateway;	 /* IPv4 */
	struct gateway gateway6; /* IPv6 */
	uint32_t weight;	 /* 1 to 256 */
	uint8_t slot;		 /* 0 to 59: its label bit is label-base + LABELS_RESERVED + slot.
		       * Derived from the mark, so that adding or removing
		       * another uplink does not move it (config_assign_slots). */
	int line;		 /* where it stands in the file, for messages */
	int interface_line, mark_line, table_line; /* of its keys; see CONFIG_LINE_BAD */
};

struct alert_config {
	char *exec; /* a program or a folder of them; NULL: off */
	char *user; /* who they run as, without any privilege; NULL: the daemon's user */
	char *json; /* a file that takes a JSON line an alert; NULL: off */
	bool syslog;
	char *webhook; /* a URL that takes an alert's JSON by POST; NULL: off. May hold secrets */
	char **webhook_headers; /* "NAME: VALUE", ends with NULL; NULL: none. May hold secrets */
	char *webhook_format;	/* "json", "alertmanager", or the path of a template */
	uint32_t webhook_timeout_s;
	uint32_t min_interval_s;
};

struct prometheus_config {
	struct addr addr;
	uint16_t port;	/* that it answers at; 0: off */
	char *textfile; /* NULL: off */
};

struct config {
	char *path; /* the file it was read from */
	enum config_mode mode;
	char *database;
	char *control_socket;
	uint32_t mark_mask;
	uint32_t label_base;
	uint16_t nflog_group;
	uint32_t rule_priority;
	enum config_local_routes local_routes;
	bool balance;
	bool sysctl;
	bool repair; /* put back what others undo; else it is only told */
	enum config_events events;
	uint64_t event_buffer_bytes; /* asked for; the kernel says what it grants */
	uint32_t max_flows;	     /* followed at once; more are written, not followed */
	uint64_t retention_s;	     /* 0: keep for ever */
	uint64_t max_size_bytes;     /* 0: no limit */
	enum config_on_stop on_stop;
	enum config_on_down on_uplink_down;
	enum config_on_mismatch on_mismatch;
	struct alert_config alert;
	struct prometheus_config prometheus;
	struct uplink_config *uplinks; /* in the file's order */
	size_t n_uplinks;
	int mark_mask_line, label_base_line, rule_priority_line;
};

/* Reads and validates the file whole. On success returns 0 and *out, which the
 * caller frees with config_free. On failure returns -errno (-EINVAL for a bad
 * file), *out is NULL, and every error has been printed to errors, a line each:
 * "FILE:LINE: what is wrong; what to do". */
int config_load(struct config **out, const char *path, FILE *errors);

void config_free(struct config *c);

/* Core, no file: defaults; the rules that hold between keys. */
struct config *config_new(void); /* NULL with errno */

/* Checks everything that one key alone cannot: marks 0, outside the mask or
 * twice, names, interfaces and tables twice, too many uplinks, label room, rule
 * priorities. Prints a line an error and returns their number. */
unsigned config_validate(const struct config *c, FILE *errors);

/* Gives every uplink its slot; called by config_load after validation. */
void config_assign_slots(struct config *c);

/* After a reload: an uplink whose mark was in use before has the slot that it had, and
 * no other one takes a slot that was in use, as long as there are others. */
void config_keep_slots(struct config *c, const struct config *former);

/* The uplink whose mark is mark (masked by the caller), or NULL. */
const struct uplink_config *config_uplink_by_mark(const struct config *c, uint32_t mark);
const struct uplink_config *config_uplink_by_slot(const struct config *c, unsigned slot);
const struct uplink_config *config_uplink_by_name(const struct config *c, const char *name);
const struct uplink_config *config_uplink_by_ifname(const struct config *c, const char *ifname);

/* The words of the enumerations as the file spells them. */
const char *config_mode_name(enum config_mode m);
const char *config_local_routes_name(enum config_local_routes l);
const char *config_events_name(enum config_events e);
const char *config_on_stop_name(enum config_on_stop s);
const char *config_on_down_name(enum config_on_down d);
const char *config_on_mismatch_name(enum config_on_mismatch m);

/* One const table of keys: parser, man page and completion derive from it. */
struct config_key {
	const char *section; /* "", "uplink", "alert", "prometheus" */
	const char *name;
	const char *type;    /* "string", "integer", "duration", "size", "boolean", "word" */
	const char *initial; /* the default as the file would spell it; NULL: none */
	const char *help;
};
extern const struct config_key config_keys[]; /* ends with a NULL name */

#endif
