/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parse.c - parses a file in libconfuse's syntax into struct config.
 *
 * libconfuse tokenizes the text and calls on_value() for each value. on_value() writes the
 * value to its field and records the line, which libconfuse does not store. values.c and
 * config_validate() decide which values are valid. Must not change anything on the host.
 */
#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_keys.h"
#include "config/config_slots.h"
#include "config/scan.h"
#include "config/suggest.h"
#include "config/values.h"
#include "waymark/config/config.h"

#define KEYS_MAX    96
#define OPTIONS_MAX 32

/* Sections that have no title and must not occur twice. */
static const char *const single_sections[] = {"alert", "prometheus", "export"};
#define SINGLES (sizeof(single_sections) / sizeof(single_sections[0]))

struct reader {
	struct config *c;
	struct scan scan;
	FILE *errors;
	unsigned n_errors;
	int err; /* -ENOMEM; invalid input only counts in n_errors */

	bool is_in_section; /* a section of the top level has begun and not ended */
	bool is_in_health;  /* the same for section health of an uplink */
	bool is_named;	    /* the title of the current uplink's section was seen */
	unsigned n_healths; /* number of sections 'health' in the current uplink */
	size_t n_sections;  /* number of sections begun so far, as in scan.section_lines */
	/* number of distinct uplink names that libconfuse has stored */
	size_t n_titles;
	unsigned n_singles[SINGLES]; /* occurrences of each section of single_sections */
	/* by index in config_keys: the line on which the key was set, or 0; the lines of the keys
	 * of an uplink are cleared when the next uplink begins */
	int seen_lines[KEYS_MAX];
};

/* The parse in progress. libconfuse passes no user pointer to its callbacks. Its lexer has only
 * global state, so there is never more than one parse at a time. */
static struct reader *active;

static bool is_control(char ch)
{
	return (unsigned char)ch < ' ' || ch == 0x7f;
}

/* Replace control characters, which escape sequences in quotes can produce. They must not reach a
 * terminal or a log. */
static void text_disarm(char *text)
{
	for (; *text; text++)
		if (is_control(*text))
			*text = '?';
}

static void __attribute__((format(printf, 3, 4)))
complain(struct reader *r, int line, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_disarm(text);
	fprintf(r->errors, "%s:%d: %s\n", r->c->path, line, text);
	r->n_errors++;
}

static const char *section_name(const cfg_t *cfg)
{
	return strcmp(cfg->name, "root") == 0 ? "" : cfg->name;
}

static void complain_unknown(struct reader *r, const cfg_t *cfg, const char *name)
{
	const char *section = section_name(cfg);
	const char *meant = suggest_key(section, name);

	complain(r, cfg->line, "unknown key '%s'%s%s%s; %s%s%s", name,
		 section[0] ? " in section '" : "", section, section[0] ? "'" : "",
		 meant ? "did you mean '" : "remove it, or see waymark.conf(5) for the keys",
		 meant ? meant : "", meant ? "'?" : "");
}

static void on_error(cfg_t *cfg, const char *format, va_list args)
{
	static const char unknown[] = "no such option '%s'";
	char text[256];

	if (strcmp(format, unknown) == 0) {
		complain_unknown(active, cfg, va_arg(args, const char *));
		return;
	}
	vsnprintf(text, sizeof(text), format, args);
	complain(active, cfg->line, "%s; write KEY = VALUE, or SECTION { ... }", text);
}

static int section_line(const struct reader *r)
{
	if (r->n_sections == 0 || r->n_sections > r->scan.n_sections)
		return 1;
	return r->scan.section_lines[r->n_sections - 1];
}

static bool is_name_char(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
	       ch == '.' || ch == '_' || ch == '-';
}

/* Report a name that is too long, or that would not work in a comma-separated list, on a command
 * line or in a ruleset. */
static void uplink_check_name(struct reader *r, const struct uplink_config *u, const char *name)
{
	bool is_plain = name[0] != '\0' && name[0] != '-';

	for (const char *p = name; *p; p++)
		is_plain = is_plain && is_name_char(*p);
	if (!is_plain)
		complain(r, u->line,
			 "'%s' cannot be an uplink's name; use letters, digits, '.', '_' and '-', "
			 "and do not begin with '-'",
			 name);
	if (strlen(name) >= UPLINK_NAME_MAX)
		complain(r, u->line, "uplink name '%s' is too long; use at most %d bytes", name,
			 UPLINK_NAME_MAX - 1);
}

/* Set the name of the current uplink if it is not set yet. This does not happen when the uplink
 * begins: its first key can be in section health, and libconfuse passes no title with that key. */
static void uplink_set_name(struct reader *r, const char *name)
{
	struct uplink_config *u = &r->c->uplinks[r->c->n_uplinks - 1];

	if (r->is_named)
		return;
	r->is_named = true;
	snprintf(u->name, sizeof(u->name), "%s", name);
	text_disarm(u->name);
	uplink_check_name(r, u, name);
}

static void uplink_begin(struct reader *r)
{
	struct uplink_config *u = config_uplink_add(r->c);

	if (!u) {
		r->err = -ENOMEM;
		return;
	}
	u->line = section_line(r);
	r->is_named = false;
	r->n_healths = 0;
	for (size_t i = 0; config_keys[i].name; i++)
		if (config_section_is_of_uplink(config_keys[i].section))
			r->seen_lines[i] = 0;
}

static size_t single_index(const char *section)
{
	size_t i = 0;

	while (strcmp(single_sections[i], section))
		i++;
	return i;
}

static void health_begin(struct reader *r)
{
	if (r->is_in_health)
		return;
	r->is_in_health = true;
	r->n_sections++;
	if (r->n_healths++)
		complain(r, section_line(r),
			 "section 'health' is defined twice in this uplink; merge the two");
}

static void uplink_section_begin(struct reader *r, const char *section, const char *title)
{
	if (!r->is_in_section) {
		r->is_in_section = true;
		r->n_sections++;
		uplink_begin(r);
	}
	if (r->err == 0 && strcmp(section, "health") == 0)
		health_begin(r);
	else if (r->err == 0)
		uplink_set_name(r, title);
}

/* Start a section unless it has been started. Called for each key of the section, and at the end of
 * the section, because a section may have no keys. */
static void section_begin(struct reader *r, const char *section, const char *title)
{
	if (config_section_is_of_uplink(section)) {
		uplink_section_begin(r, section, title);
		return;
	}
	if (r->is_in_section)
		return;
	r->is_in_section = true;
	r->n_sections++;
	if (r->n_singles[single_index(section)]++)
		complain(r, section_line(r), "section '%s' is defined twice; merge the two",
			 section);
}

/* Return the struct that the keys of this section belong to. */
static char *section_base(struct reader *r, const char *section)
{
	if (config_section_is_of_uplink(section))
		return (char *)&r->c->uplinks[r->c->n_uplinks - 1];
	return (char *)r->c;
}

static int field_read(const struct config_key *key, const char *text, void *out,
		      struct complaint *why)
{
	for (const char *p = text; *p; p++) {
		if (!is_control(*p))
			continue;
		snprintf(why->text, sizeof(why->text), "contains a control character; remove it");
		return -EINVAL;
	}
	return key->read(key, text, out, why);
}

static void key_read(struct reader *r, const char *section, const char *name, const char *text,
		     int line)
{
	const struct config_key *key = config_key_find(section, name);
	char *base = section_base(r, section);
	struct complaint why;
	int err = field_read(key, text, base + key->offset, &why);

	if (key->line_offset)
		*(int *)(void *)(base + key->line_offset) = err < 0 ? CONFIG_LINE_BAD : line;
	if (err == -EINVAL && key->is_secret)
		complain(r, line, "%s %s", name, why.text);
	else if (err == -EINVAL)
		complain(r, line, "%s '%s' %s", name, text, why.text);
	else if (err < 0)
		r->err = err;
}

/* The value callback of libconfuse, for every key. An invalid value is reported and counted;
 * parsing continues, so that one run reports all of them. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct reader *r = active;
	const char *section = section_name(cfg);
	int *seen_line = &r->seen_lines[config_key_find(section, opt->name) - config_keys];
	bool is_next = opt->nvalues > 1; /* second or later element of a list */

	if (section[0])
		section_begin(r, section, cfg->title);
	if (r->err < 0)
		return -1;
	if (*seen_line && !is_next)
		complain(r, cfg->line, "%s is set twice, first on line %d; remove one of them",
			 opt->name, *seen_line);
	else
		key_read(r, section, opt->name, value, cfg->line);
	*seen_line = cfg->line;
	*(const char **)result = value;
	return r->err < 0 ? -1 : 0;
}

/* Report and drop an uplink section that has the title of an earlier section and no keys of its
 * own. libconfuse passes a title only with keys, so the message cannot name the uplink. If
 * `is_empty` is set, the section has no section health either, and no uplink was added for it. */
static void uplink_drop_unnamed(struct reader *r, bool is_empty)
{
	if (is_empty)
		r->n_sections++;
	else
		config_uplink_clear(&r->c->uplinks[--r->c->n_uplinks]);
	complain(r, is_empty ? section_line(r) : r->c->uplinks[r->c->n_uplinks].line,
		 "this uplink has no keys, and another uplink has its name; remove this section");
}

static int on_uplink_end(cfg_t *cfg, cfg_opt_t *opt)
{
	struct reader *r = active;
	unsigned n = cfg_opt_size(opt);
	bool is_empty = !r->is_in_section;

	(void)cfg;
	if (n > r->n_titles)
		section_begin(r, "uplink", cfg_opt_getnsec(opt, n - 1)->title);
	else if (is_empty || !r->is_named)
		uplink_drop_unnamed(r, is_empty);
	r->n_titles = n;
	r->is_in_section = false;
	return r->err < 0 ? -1 : 0;
}

static int on_health_end(cfg_t *cfg, cfg_opt_t *opt)
{
	(void)cfg;
	(void)opt;
	section_begin(active, "health", NULL);
	active->is_in_health = false;
	return active->err < 0 ? -1 : 0;
}

static int on_single_end(cfg_t *cfg, cfg_opt_t *opt)
{
	(void)cfg;
	section_begin(active, opt->name, NULL);
	active->is_in_section = false;
	return 0;
}

/* Write the keys of the section to `options`, beginning at index n, and then the CFG_END that
 * libconfuse expects. */
static void options_fill(cfg_opt_t options[OPTIONS_MAX], size_t n, const char *section)
{
	for (const struct config_key *key = config_keys; key->name && n < OPTIONS_MAX - 1; key++) {
		if (strcmp(key->section, section) != 0)
			continue;
		options[n] = (cfg_opt_t)CFG_STR_CB(key->name, NULL, CFGF_NODEFAULT, on_value);
		if (key->is_list)
			options[n].flags |= CFGF_LIST;
		n++;
	}
	options[n] = (cfg_opt_t)CFG_END();
}

static cfg_t *cfg_new(void)
{
	cfg_opt_t top[OPTIONS_MAX], uplink[OPTIONS_MAX], health[OPTIONS_MAX];
	cfg_opt_t singles[SINGLES][OPTIONS_MAX];
	cfg_t *cfg;

	options_fill(health, 0, "health");
	uplink[0] = (cfg_opt_t)CFG_SEC("health", health, CFGF_NONE);
	options_fill(uplink, 1, "uplink");
	top[0] = (cfg_opt_t)CFG_SEC("uplink", uplink, CFGF_MULTI | CFGF_TITLE);
	for (size_t i = 0; i < SINGLES; i++) {
		options_fill(singles[i], 0, single_sections[i]);
		top[1 + i] = (cfg_opt_t)CFG_SEC(single_sections[i], singles[i], CFGF_NONE);
	}
	options_fill(top, 1 + SINGLES, "");
	cfg = cfg_init(top, CFGF_NONE);
	if (!cfg)
		return NULL;
	cfg_set_error_function(cfg, on_error);
	cfg_set_validate_func(cfg, "uplink", on_uplink_end);
	cfg_set_validate_func(cfg, "uplink|health", on_health_end);
	for (size_t i = 0; i < SINGLES; i++)
		cfg_set_validate_func(cfg, single_sections[i], on_single_end);
	return cfg;
}

static int reader_parse(struct reader *r)
{
	cfg_t *cfg = cfg_new();
	int result;

	if (!cfg)
		return -ENOMEM;
	active = r;
	result = cfg_parse_buf(cfg, r->scan.text);
	active = NULL;
	cfg_free(cfg);
	if (r->err < 0)
		return r->err;
	if (result != CFG_SUCCESS && r->n_errors == 0)
		return -ENOMEM;
	/* Do not validate after a syntax error. libconfuse did not read the rest of the file, so
	 * sections that it contains would be reported as missing. */
	if (result == CFG_SUCCESS)
		r->n_errors += config_validate(r->c, r->errors);
	return r->n_errors ? -EINVAL : 0;
}

static int reader_load(struct reader *r, const char *path)
{
	int err;

	r->c->path = strdup(path);
	if (!r->c->path)
		return -ENOMEM;
	err = scan_read(&r->scan, path, r->errors);
	if (err == 0)
		err = scan_check(&r->scan, path, r->errors);
	return err < 0 ? err : reader_parse(r);
}

int config_load(struct config **out, const char *path, FILE *errors)
{
	struct reader r = {.c = config_new(), .errors = errors};
	int err;

	*out = NULL;
	if (!path)
		path = CONFIG_PATH_DEFAULT;
	err = r.c ? reader_load(&r, path) : -ENOMEM;
	if (err == -ENOMEM)
		fprintf(errors, "%s: cannot read the configuration: out of memory\n", path);
	scan_free(&r.scan);
	if (err < 0) {
		config_free(r.c);
		return err;
	}
	config_assign_slots(r.c);
	config_choose_balance_table(r.c);
	*out = r.c;
	return 0;
}
