/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter.c - validates the values of filter options. One row of a table an
 * option; each reader answers 0 or -EINVAL, and the table says what was wanted.
 */
#include "cli/filter.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "waymark/base/times.h"

struct reading {
	struct query_filter *filter;
	int64_t now_ms;
};

/* A decimal number of at most max, and nothing else. */
static int number_parse(uint64_t *number, const char *text, uint64_t max)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno || *end || *number > max ? -EINVAL : 0;
}

static int read_live(struct reading *r, const char *text)
{
	(void)text;
	r->filter->is_live = true;
	return 0;
}

static int read_since(struct reading *r, const char *text)
{
	return times_parse_since(text, r->now_ms, &r->filter->since_ms);
}

/* In a filter 0 is any time; before 1970 nothing was either. */
static int read_until(struct reading *r, const char *text)
{
	int err = times_parse_since(text, r->now_ms, &r->filter->until_ms);

	if (!err && r->filter->until_ms == 0)
		r->filter->until_ms = -1;
	return err;
}

static int read_prefix(struct prefix *p, const char *text)
{
	int err = prefix_parse(p, text);

	if (!err)
		prefix_truncate(p);
	return err;
}

static int read_src(struct reading *r, const char *text)
{
	return read_prefix(&r->filter->src, text);
}

static int read_dst(struct reading *r, const char *text)
{
	return read_prefix(&r->filter->dst, text);
}

static int read_port(struct reading *r, const char *text)
{
	uint64_t port;
	int err = number_parse(&port, text, UINT16_MAX);

	if (!err)
		r->filter->port = (int32_t)port;
	return err;
}

/* Of one side alone: the caller compares, the filter narrows. */
static int read_side_port(struct reading *r, const char *text)
{
	uint64_t port;
	int err = number_parse(&port, text, UINT16_MAX);

	if (!err && r->filter->port < 0)
		r->filter->port = (int32_t)port;
	return err;
}

static int read_proto(struct reading *r, const char *text)
{
	static const struct {
		const char *name;
		int16_t number;
	} known[] = {
		/* also where there is no /etc/protocols */
		{"icmp", 1}, {"tcp", 6}, {"udp", 17}, {"icmpv6", 58}, {"ipv6-icmp", 58},
	};
	struct protoent *entry;
	uint64_t number;
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcasecmp(known[i].name, text)) {
			r->filter->proto = known[i].number;
			return 0;
		}
	if (!number_parse(&number, text, 255)) {
		r->filter->proto = (int16_t)number;
		return 0;
	}
	entry = getprotobyname(text);
	if (!entry)
		return -EINVAL;
	r->filter->proto = (int16_t)entry->p_proto;
	return 0;
}

static int read_uplink(struct reading *r, const char *text)
{
	r->filter->uplink = text;
	return *text ? 0 : -EINVAL;
}

static int read_verdict(struct reading *r, const char *text)
{
	int verdict = verdict_parse(text);

	if (verdict <= 0)
		return -EINVAL;
	r->filter->verdict = (enum verdict)verdict;
	return 0;
}

static int read_reason(struct reading *r, const char *text)
{
	int reason = reason_parse(text);

	if (reason <= 0)
		return -EINVAL;
	r->filter->reason = (enum reason)reason;
	return 0;
}

static int read_limit(struct reading *r, const char *text)
{
	return number_parse(&r->filter->limit, text, UINT64_MAX / 2);
}

static const struct {
	enum option_id option;
	int (*read)(struct reading *r, const char *text);
	const char *wanted;
} readers[] = {
	{OPTION_LIVE, read_live, ""},
	{OPTION_SINCE, read_since,
	 "a time: 2026-11-22T10:00:00Z, '2026-11-22 10:00', '10 minutes ago', yesterday"},
	{OPTION_UNTIL, read_until,
	 "a time: 2026-11-22T10:00:00Z, '2026-11-22 10:00', '10 minutes ago', now"},
	{OPTION_AT, read_until,
	 "a time: 2026-11-22T10:00:00Z, '2026-11-22 10:00', '10 minutes ago', now"},
	{OPTION_SRC, read_src, "an address or prefix: 192.0.2.1, 192.0.2.0/24, 2001:db8::/32"},
	{OPTION_DST, read_dst, "an address or prefix: 192.0.2.1, 192.0.2.0/24, 2001:db8::/32"},
	{OPTION_PORT, read_port, "a number from 0 to 65535"},
	{OPTION_SPORT, read_side_port, "a number from 0 to 65535"},
	{OPTION_DPORT, read_side_port, "a number from 0 to 65535"},
	{OPTION_PROTO, read_proto, "a protocol (tcp, udp, icmp, icmpv6, ...) or a number to 255"},
	{OPTION_UPLINK, read_uplink, "an uplink's name"},
	{OPTION_VERDICT, read_verdict, NULL},
	{OPTION_REASON, read_reason, NULL},
	{OPTION_LIMIT, read_limit, "a number; 0: all"},
};

static void words_print(FILE *out, enum option_id option)
{
	const char *word;
	int i;

	fputs("one of", out);
	for (i = 1; (word = option == OPTION_VERDICT
				    ? i <= VERDICT_OK ? verdict_name((enum verdict)i) : NULL
			    : i < REASONS ? reason_name((enum reason)i)
							    : NULL);
	     i++)
		fprintf(out, "%s %s", i > 1 ? "," : "", word);
}

static enum exit_status value_refuse(const struct invocation *in, size_t reader)
{
	enum option_id option = readers[reader].option;
	char *words = NULL;
	size_t size;
	FILE *out = readers[reader].wanted ? NULL : open_memstream(&words, &size);

	if (out) {
		words_print(out, option);
		fclose(out);
	}
	cli_error("%s: --%s \"%s\": want %s", in->command->name, option_specs[option].name,
		  in->values[option], words ? words : readers[reader].wanted);
	free(words);
	return CLI_USAGE;
}

static enum exit_status times_checked(const struct query_filter *f, const struct invocation *in)
{
	if (!f->since_ms || !f->until_ms || f->since_ms < f->until_ms)
		return CLI_DONE;
	cli_error("%s: --since \"%s\" is not before --until \"%s\"", in->command->name,
		  in->values[OPTION_SINCE], in->values[OPTION_UNTIL]);
	return CLI_USAGE;
}

enum exit_status filter_parse(struct query_filter *f, const struct invocation *in, int64_t now_ms)
{
	struct reading reading = {.filter = f, .now_ms = now_ms};
	size_t i;

	query_filter_init(f);
	if (in->style.format == RENDER_TABLE && isatty(STDOUT_FILENO))
		f->limit = LIMIT_TERMINAL;
	for (i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
		const char *text = in->values[readers[i].option];

		if (text && readers[i].read(&reading, text))
			return value_refuse(in, i);
	}
	return times_checked(f, in);
}
