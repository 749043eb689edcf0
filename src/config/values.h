/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * values.h - functions that parse the text of a value and write it to a field of struct config.
 * Each function parses one kind of value; the rows of config_keys.def name the functions.
 */
#ifndef WAYMARK_SRC_CONFIG_VALUES_H
#define WAYMARK_SRC_CONFIG_VALUES_H

struct config_key;

/* What is wrong with a value and how to fix it. It completes the message "KEY 'TEXT' ...". */
struct complaint {
	char text[160];
};

/* All functions parse `text` and write the value to `out`. They return 0; -EINVAL, with an
 * explanation in *why; or -ENOMEM. */
int values_read_balance(const struct config_key *key, const char *text, void *out,
			struct complaint *why);
int values_read_boolean(const struct config_key *key, const char *text, void *out,
			struct complaint *why);
int values_read_buffer(const struct config_key *key, const char *text, void *out,
		       struct complaint *why);
int values_read_format(const struct config_key *key, const char *text, void *out,
		       struct complaint *why);
int values_read_gateway4(const struct config_key *key, const char *text, void *out,
			 struct complaint *why);
int values_read_gateway6(const struct config_key *key, const char *text, void *out,
			 struct complaint *why);
int values_read_header(const struct config_key *key, const char *text, void *out,
		       struct complaint *why);
int values_read_host_port(const struct config_key *key, const char *text, void *out,
			  struct complaint *why);
int values_read_ifname(const struct config_key *key, const char *text, void *out,
		       struct complaint *why);
int values_read_interval(const struct config_key *key, const char *text, void *out,
			 struct complaint *why);
int values_read_interval_ms(const struct config_key *key, const char *text, void *out,
			    struct complaint *why);
int values_read_listen(const struct config_key *key, const char *text, void *out,
		       struct complaint *why);
int values_read_output(const struct config_key *key, const char *text, void *out,
		       struct complaint *why);
int values_read_path(const struct config_key *key, const char *text, void *out,
		     struct complaint *why);
int values_read_plain(const struct config_key *key, const char *text, void *out,
		      struct complaint *why);
int values_read_anonymize(const struct config_key *key, const char *text, void *out,
			  struct complaint *why);
int values_read_retention(const struct config_key *key, const char *text, void *out,
			  struct complaint *why);
int values_read_size(const struct config_key *key, const char *text, void *out,
		     struct complaint *why);
int values_read_u16(const struct config_key *key, const char *text, void *out,
		    struct complaint *why);
int values_read_u32(const struct config_key *key, const char *text, void *out,
		    struct complaint *why);
int values_read_urls(const struct config_key *key, const char *text, void *out,
		     struct complaint *why);
/* Parse a URL; refuse it if this program was built without libcurl. */
int values_read_webhook(const struct config_key *key, const char *text, void *out,
			struct complaint *why);
int values_read_user(const struct config_key *key, const char *text, void *out,
		     struct complaint *why);
int values_read_word(const struct config_key *key, const char *text, void *out,
		     struct complaint *why);

#endif
