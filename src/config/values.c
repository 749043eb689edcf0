/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * values.c - parses the text of a single value: words, numbers, paths, names, durations,
 * sizes, addresses.
 *
 * Must not know libconfuse or lines: the caller reports where the value is. Rules that
 * involve another key belong to config_validate.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config_keys.h"
#include "config/values.h"
#include "waymark/config/config.h"

static int __attribute__((format(printf, 2, 3)))
refuse(struct complaint *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	return -EINVAL;
}

int values_read_word(const struct config_key *key, const char *text, void *out,
		     struct complaint *why)
{
	char list[100] = "";
	size_t used = 0;

	for (unsigned value = 0; key->words[value]; value++) {
		if (strcmp(key->words[value], text) == 0) {
			memcpy(out, &value, sizeof(value));
			return 0;
		}
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", value ? " " : "",
					 key->words[value]);
	}
	return refuse(why, "is not a valid word; choose one of: %s", list);
}

/* Parse a decimal number, or a hexadecimal number that begins with 0x. A leading 0 is refused,
 * because some readers would take the number for octal and others for decimal. */
static int literal_parse(const char *text, uint64_t *value)
{
	bool is_hex = strncasecmp(text, "0x", 2) == 0;
	const char *digits = is_hex ? text + 2 : text;
	size_t n = strspn(digits, is_hex ? "0123456789abcdefABCDEF" : "0123456789");

	if (n == 0 || digits[n] != '\0' || (!is_hex && n > 1 && digits[0] == '0'))
		return -EINVAL;
	errno = 0;
	*value = strtoull(digits, NULL, is_hex ? 16 : 10);
	return errno ? -ERANGE : 0;
}

static int read_number(const struct config_key *key, const char *text, uint64_t *value,
		       struct complaint *why)
{
	int err = literal_parse(text, value);

	if (err == -EINVAL)
		return refuse(why, "is not a number; write it like 10 or 0x0a");
	if (err < 0 || *value < key->min || *value > key->max)
		return refuse(why, "is out of range; choose %" PRIu64 " to %" PRIu64, key->min,
			      key->max);
	return 0;
}

int values_read_u32(const struct config_key *key, const char *text, void *out,
		    struct complaint *why)
{
	uint64_t value;
	int err = read_number(key, text, &value, why);

	if (err == 0)
		*(uint32_t *)out = (uint32_t)value;
	return err;
}

int values_read_u16(const struct config_key *key, const char *text, void *out,
		    struct complaint *why)
{
	uint64_t value;
	int err = read_number(key, text, &value, why);

	if (err == 0)
		*(uint16_t *)out = (uint16_t)value;
	return err;
}

static bool is_one_of(const char *text, const char *a, const char *b, const char *c)
{
	return strcasecmp(text, a) == 0 || strcasecmp(text, b) == 0 || strcasecmp(text, c) == 0;
}

int values_read_boolean(const struct config_key *key, const char *text, void *out,
			struct complaint *why)
{
	(void)key;
	if (is_one_of(text, "true", "yes", "on"))
		*(bool *)out = true;
	else if (is_one_of(text, "false", "no", "off"))
		*(bool *)out = false;
	else
		return refuse(why, "is not a boolean; write true or false");
	return 0;
}

static int text_replace(char **to, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

int values_read_path(const struct config_key *key, const char *text, void *out,
		     struct complaint *why)
{
	if (text[0] != '/')
		return refuse(why, "is not an absolute path; write a path that begins with /");
	if (strlen(text) > key->max)
		return refuse(why, "is too long; choose a path of at most %" PRIu64 " bytes",
			      key->max);
	return text_replace(out, text);
}

int values_read_output(const struct config_key *key, const char *text, void *out,
		       struct complaint *why)
{
	return strcmp(text, "-") == 0 ? text_replace(out, text)
				      : values_read_path(key, text, out, why);
}

/* Check the scheme and the host of a URL, without resolving the name. */
static int url_read(const struct config_key *key, const char *text, void *out,
		    struct complaint *why)
{
	size_t scheme = !strncasecmp(text, "https://", 8) ? 8 : 0;

	if (!scheme && !strncasecmp(text, "http://", 7))
		scheme = 7;
	if (!scheme)
		return refuse(why,
			      "is not a web URL; write a URL that begins with https:// or http://");
	if (!text[scheme + strspn(text + scheme, "/?#")] || strchr("/?#", text[scheme]))
		return refuse(why, "has no host; write it like https://host.example/path");
	if (text[strcspn(text, " \"<>\\^`{|}")])
		return refuse(why, "contains a character that a URL must not contain; write that "
				   "character as %%XX");
	if (strlen(text) > key->max)
		return refuse(why, "is too long; use at most %" PRIu64 " bytes", key->max);
	return text_replace(out, text);
}

int values_read_webhook(const struct config_key *key, const char *text, void *out,
			struct complaint *why)
{
#ifdef HAVE_CURL
	return url_read(key, text, out, why);
#else
	(void)key;
	(void)text;
	(void)out;
	return refuse(why, "needs libcurl, but this program was built without libcurl; use exec");
#endif
}

int values_read_user(const struct config_key *key, const char *text, void *out,
		     struct complaint *why)
{
	char *copy;

	if (!text[0] || strlen(text) > key->max || strpbrk(text, ":/ "))
		return refuse(why,
			      "is not a valid user name; choose one that 'getent passwd' shows");
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(*(char **)out);
	*(char **)out = copy;
	return 0;
}

/* Parse a boolean or "main". */
int values_read_balance(const struct config_key *key, const char *text, void *out,
			struct complaint *why)
{
	bool is_on;

	if (strcmp(text, "main") == 0) {
		*(enum config_balance *)out = BALANCE_MAIN;
		return 0;
	}
	if (values_read_boolean(key, text, &is_on, why) < 0)
		return refuse(why, "is not a valid word; write true, false or \"main\"");
	*(enum config_balance *)out = is_on ? BALANCE_TABLE : BALANCE_OFF;
	return 0;
}

int values_read_plain(const struct config_key *key, const char *text, void *out,
		      struct complaint *why)
{
	if (!text[0] || strlen(text) > key->max)
		return refuse(why, "is empty or too long; choose 1 to %" PRIu64 " bytes", key->max);
	return text_replace(out, text);
}

static int list_add(char ***list, const char *text)
{
	size_t n = 0;
	char **longer;

	while (*list && (*list)[n])
		n++;
	longer = realloc(*list, (n + 2) * sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	*list = longer;
	longer[n] = strdup(text);
	longer[n + 1] = NULL;
	return longer[n] ? 0 : -ENOMEM;
}

int values_read_urls(const struct config_key *key, const char *text, void *out,
		     struct complaint *why)
{
	char *url = NULL;
	int err = url_read(key, text, &url, why);

	if (err == 0)
		err = list_add(out, url);
	free(url);
	return err;
}

/* Parse a header field. Its name is a token of RFC 9110. */
int values_read_header(const struct config_key *key, const char *text, void *out,
		       struct complaint *why)
{
	size_t n = strspn(text, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	if (n == 0 || text[n] != ':')
		return refuse(why, "is not a header field; write it like \"NAME: VALUE\"");
	if (strlen(text) > key->max)
		return refuse(why, "is too long; use at most %" PRIu64 " bytes", key->max);
	return list_add(out, text);
}

int values_read_format(const struct config_key *key, const char *text, void *out,
		       struct complaint *why)
{
	if (strcmp(text, "json") != 0 && strcmp(text, "alertmanager") != 0 && text[0] != '/')
		return refuse(why, "is not a format; write \"json\", \"alertmanager\" or the "
				   "absolute path of a template");
	return values_read_plain(key, text, out, why);
}

/* Parse HOST:PORT. The host is a name or an address; an IPv6 address needs brackets. */
int values_read_host_port(const struct config_key *key, const char *text, void *out,
			  struct complaint *why)
{
	const char *colon = strrchr(text, ':');
	uint64_t port;

	if (!colon || colon == text || strlen(text) > key->max || strpbrk(text, " /\"'") ||
	    (memchr(text, ':', (size_t)(colon - text)) && (text[0] != '[' || colon[-1] != ']')))
		return refuse(why, "is not HOST:PORT; write it like collector.example:4739");
	if (literal_parse(colon + 1, &port) < 0 || port < 1 || port > UINT16_MAX)
		return refuse(why, "has no port; write it like collector.example:4739");
	return text_replace(out, text);
}

static bool is_unlimited(const char *text)
{
	return strcmp(text, "off") == 0 || strcmp(text, "0") == 0;
}

static int read_duration(const struct config_key *key, const char *text, uint64_t *value,
			 struct complaint *why)
{
	int err = duration_parse(value, text);

	if (err == -EINVAL)
		return refuse(why,
			      "is not a duration; write it like \"60s\", \"2h\" or \"90 days\"");
	if (err < 0 || *value > key->max)
		return refuse(why, "is too long; use at most %" PRIu64 " seconds", key->max);
	if (*value < key->min)
		return refuse(why, "is too short; choose at least %" PRIu64 " seconds", key->min);
	return 0;
}

int values_read_interval(const struct config_key *key, const char *text, void *out,
			 struct complaint *why)
{
	uint64_t value;
	int err = read_duration(key, text, &value, why);

	if (err == 0)
		*(uint32_t *)out = (uint32_t)value;
	return err;
}

int values_read_interval_ms(const struct config_key *key, const char *text, void *out,
			    struct complaint *why)
{
	uint64_t value;
	int err = read_duration(key, text, &value, why);

	if (err == 0)
		*(uint32_t *)out = (uint32_t)value * 1000;
	return err;
}

static int bits_parse(const char *text, size_t length, uint64_t max, uint8_t *bits)
{
	char copy[8];
	uint64_t value;

	if (length < 2 || length >= sizeof(copy) || text[0] != '/')
		return -EINVAL;
	memcpy(copy, text + 1, length - 1);
	copy[length - 1] = '\0';
	if (strspn(copy, "0123456789") != length - 1 || literal_parse(copy, &value) < 0 ||
	    value > max)
		return -EINVAL;
	*bits = (uint8_t)value;
	return 0;
}

/* Used if the value has only an IPv4 length. Sites usually get a prefix of this length. */
#define ANONYMIZE_IPV6_BITS 48

/* Parse "/IPV4", "/IPV4,/IPV6" or "off". */
int values_read_anonymize(const struct config_key *key, const char *text, void *out,
			  struct complaint *why)
{
	struct anonymize_config read = {.is_on = true, .ipv6_bits = ANONYMIZE_IPV6_BITS};
	size_t length = strcspn(text, ",");
	const char *second = text[length] ? text + length + 1 : NULL;

	(void)key;
	if (strcmp(text, "off") == 0)
		read = (struct anonymize_config){0};
	else if (bits_parse(text, length, 32, &read.ipv4_bits) < 0 ||
		 (second && bits_parse(second, strlen(second), 128, &read.ipv6_bits) < 0))
		return refuse(why, "is not a prefix length; write it like \"/24\", \"/24,/48\" "
				   "(IPv4, IPv6) or \"off\"");
	*(struct anonymize_config *)out = read;
	return 0;
}

int values_read_retention(const struct config_key *key, const char *text, void *out,
			  struct complaint *why)
{
	if (!is_unlimited(text))
		return read_duration(key, text, out, why);
	*(uint64_t *)out = 0;
	return 0;
}

int values_read_size(const struct config_key *key, const char *text, void *out,
		     struct complaint *why)
{
	uint64_t value = 0;
	int err = is_unlimited(text) ? 0 : size_parse(&value, text);

	if (err == -EINVAL)
		return refuse(why, "is not a size; write it like \"500 MB\", \"2 GiB\" or \"off\"");
	if (err < 0)
		return refuse(why, "is too large; use at most 8 EiB, or \"off\"");
	if (value < key->min && !is_unlimited(text))
		return refuse(why, "is too small; choose at least %" PRIu64 " bytes, or \"off\"",
			      key->min);
	*(uint64_t *)out = value;
	return 0;
}

/* Parse a size from key->min to key->max. Unlike in values_read_size(), "off" is invalid. */
int values_read_buffer(const struct config_key *key, const char *text, void *out,
		       struct complaint *why)
{
	uint64_t value = 0;

	if (size_parse(&value, text) == -EINVAL)
		return refuse(why, "is not a size; write it like \"500 kB\" or \"32 MiB\"");
	if (value < key->min || value > key->max)
		return refuse(why, "is out of range; choose %" PRIu64 " to %" PRIu64 " bytes",
			      key->min, key->max);
	*(uint64_t *)out = value;
	return 0;
}

/* Parse the name of an interface by the kernel's rules (dev_valid_name() in net/core/dev.c). */
int values_read_ifname(const struct config_key *key, const char *text, void *out,
		       struct complaint *why)
{
	(void)key;
	if (text[0] == '\0' || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return refuse(why, "is not the name of an interface; see 'ip link' for names");
	if (strlen(text) >= IFNAMSIZ)
		return refuse(why,
			      "is too long for an interface: the kernel allows %d bytes; write the "
			      "NAME that 'ip link' shows, not an alternative name or NAME@PARENT",
			      IFNAMSIZ - 1);
	if (strpbrk(text, "/: \t\n\v\f\r\xa0"))
		return refuse(
			why,
			"contains '/', ':' or a blank, which an interface name must not contain");
	/* nft(8) cannot express a double quote in a string. */
	if (strchr(text, '"'))
		return refuse(why, "contains '\"', which a ruleset cannot express; rename the "
				   "interface: ip link set dev OLD name NEW");
	/* nft(8) lists a trailing '*' unescaped and reads it as a wildcard. */
	if (text[strlen(text) - 1] == '*')
		return refuse(why, "ends in '*', which nft(8) reads as a wildcard; rename the "
				   "interface: ip link set dev OLD name NEW");
	memset(out, 0, IFNAMSIZ);
	memcpy(out, text, strlen(text));
	return 0;
}

/* Return whether a neighbour can have this address. It cannot have an address in 0.0.0.0/8,
 * 127.0.0.0/8, 224.0.0.0/3 or ff00::/8, nor :: or ::1. */
static bool is_unicast(const struct addr *a)
{
	static const uint8_t zeros[15];

	if (a->family == AF_INET)
		return a->bytes[0] != 0 && a->bytes[0] != 127 && a->bytes[0] < 224;
	return a->bytes[0] != 0xff && !(memcmp(a->bytes, zeros, 15) == 0 && a->bytes[15] <= 1);
}

static int read_gateway(const char *text, int family, struct gateway *out, struct complaint *why)
{
	int version = family == AF_INET ? 4 : 6;
	struct addr addr;

	if (strcmp(text, "none") == 0) {
		*out = (struct gateway){.kind = GATEWAY_NONE};
		return 0;
	}
	if (addr_parse(&addr, text) < 0)
		return refuse(
			why,
			"is not an IPv%d address; write an address or \"none\", or omit the key",
			version);
	if (addr.family != family)
		return refuse(why, "is an IPv%d address; set %s instead", 10 - version,
			      family == AF_INET ? "gateway6" : "gateway");
	if (!is_unicast(&addr))
		return refuse(why,
			      "cannot be a gateway; write the address of a neighbour, or \"none\"");
	*out = (struct gateway){.kind = GATEWAY_ADDR, .addr = addr};
	return 0;
}

int values_read_gateway4(const struct config_key *key, const char *text, void *out,
			 struct complaint *why)
{
	(void)key;
	return read_gateway(text, AF_INET, out, why);
}

int values_read_gateway6(const struct config_key *key, const char *text, void *out,
			 struct complaint *why)
{
	(void)key;
	return read_gateway(text, AF_INET6, out, why);
}

/* Parse ADDRESS:PORT or PORT. An IPv6 address needs brackets. A port alone is a port of
 * 127.0.0.1. */
int values_read_listen(const struct config_key *key, const char *text, void *out,
		       struct complaint *why)
{
	struct prometheus_config *p = out;
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	bool is_bracketed = length > 2 && text[0] == '[' && text[length - 1] == ']';
	char host[ADDR_STRLEN] = "127.0.0.1";
	uint64_t port;

	if (length - 2 * is_bracketed >= sizeof(host))
		return refuse(why, "is not ADDRESS:PORT; write it like 127.0.0.1:9469");
	if (colon)
		snprintf(host, sizeof(host), "%.*s", (int)(length - 2 * is_bracketed),
			 text + is_bracketed);
	if (literal_parse(colon ? colon + 1 : text, &port) < 0 || port < key->min ||
	    port > key->max)
		return refuse(why, "has no port; write it like 127.0.0.1:9469");
	if (addr_parse(&p->addr, host) < 0 || is_bracketed != (p->addr.family == AF_INET6))
		return refuse(why, "has no address; write it like 127.0.0.1:9469 or [::1]:9469");
	p->port = (uint16_t)port;
	return 0;
}
