/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter.c - validates the values of filter options. A table has one row per option. The row has
 * the function that reads the value (and returns 0 or -EINVAL), and a description of the valid
 * values. filter_row.c applies the filter.
 */
#include "cli/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "waymark/base/proto.h"
#include "waymark/base/suggest.h"
#include "waymark/base/times.h"
#include "waymark/base/units.h"

struct reading {
	struct flow_filter *filter;
	int64_t now_ms;
};

static int read_live(struct reading *r, const char *text)
{
	(void)text;
	r->filter->q.is_live = true;
	return 0;
}

static int read_since(struct reading *r, const char *text)
{
	return times_parse_since(text, r->now_ms, &r->filter->q.since_ms);
}

/* Parse --until. The start of 1970, which is 0 ms, becomes -1, because 0 means "no limit" in a
 * filter. */
static int read_until(struct reading *r, const char *text)
{
	int err = times_parse_since(text, r->now_ms, &r->filter->q.until_ms);

	if (!err && r->filter->q.until_ms == 0)
		r->filter->q.until_ms = -1;
	return err;
}

/* Parse --at. A time in whole seconds selects the rows that existed at some time in that second.
 * The present time, or a time with a fraction, selects a single millisecond. */
static int read_at(struct reading *r, const char *text)
{
	int64_t at;
	int err = times_parse_since(text, r->now_ms, &at);

	r->filter->q.since_ms = at;
	r->filter->q.until_ms = at + (at % 1000 || at == r->now_ms ? 1 : 1000);
	return err;
}

static int read_started_since(struct reading *r, const char *text)
{
	return times_parse_since(text, r->now_ms, &r->filter->started_since_ms);
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
	return read_prefix(&r->filter->q.src, text);
}

static int read_dst(struct reading *r, const char *text)
{
	return read_prefix(&r->filter->q.dst, text);
}

static int read_port(struct reading *r, const char *text)
{
	uint64_t port;
	int err = number_parse(&port, text, UINT16_MAX);

	if (!err)
		r->filter->q.port = (int32_t)port;
	return err;
}

static int read_host(struct reading *r, const char *text)
{
	return read_prefix(&r->filter->host, text);
}

static int read_side_port(struct reading *r, const char *text, int32_t *side)
{
	uint64_t port;
	int err = number_parse(&port, text, UINT16_MAX);

	*side = err ? -1 : (int32_t)port;
	if (!err && r->filter->q.port < 0)
		/* the query finds rows with this port on either side; filter_fits_row() then drops
		 * those with the port on the other side only */
		r->filter->q.port = (int32_t)port;
	return err;
}

static int read_sport(struct reading *r, const char *text)
{
	return read_side_port(r, text, &r->filter->sport);
}

static int read_dport(struct reading *r, const char *text)
{
	return read_side_port(r, text, &r->filter->dport);
}

static int read_proto(struct reading *r, const char *text)
{
	int proto = proto_parse(text);

	r->filter->q.proto = (int16_t)proto;
	return proto < 0 ? -EINVAL : 0;
}

static int read_name(const char **name, const char *text)
{
	*name = text;
	return *text ? 0 : -EINVAL;
}

static int read_ingress(struct reading *r, const char *text)
{
	return read_name(&r->filter->ingress, text);
}

static int read_egress(struct reading *r, const char *text)
{
	return read_name(&r->filter->egress, text);
}

static int read_min_bytes(struct reading *r, const char *text)
{
	return size_parse(&r->filter->min_bytes, text) ? -EINVAL : 0;
}

static int read_min_duration(struct reading *r, const char *text)
{
	return duration_parse_ms(&r->filter->min_duration_ms, text) ? -EINVAL : 0;
}

static int read_unanswered(struct reading *r, const char *text)
{
	(void)text;
	r->filter->is_unanswered = true;
	return 0;
}

static int read_uplink(struct reading *r, const char *text)
{
	return read_name(&r->filter->q.uplink, text);
}

static int read_verdict(struct reading *r, const char *text)
{
	int verdict = verdict_parse(text);

	r->filter->q.verdict = verdict > 0 ? (enum verdict)verdict : VERDICT_NONE;
	return verdict > 0 ? 0 : -EINVAL;
}

static int read_reason(struct reading *r, const char *text)
{
	int reason = reason_parse(text);

	r->filter->q.reason = reason > 0 ? (enum reason)reason : REASON_NONE;
	return reason > 0 ? 0 : -EINVAL;
}

static int read_limit(struct reading *r, const char *text)
{
	return number_parse(&r->filter->q.limit, text, UINT64_MAX / 2);
}

#define A_TIME                                                                                     \
	"a time such as '10 minutes ago', yesterday, 14:32, '2026-11-22 10:00' or "                \
	"2026-11-22T10:00:00Z"
#define A_PREFIX  "an address or prefix such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32"
#define A_PORT	  "a number from 0 to 65535"
#define AN_UPLINK "an uplink's name"

static const struct {
	enum option_id option;
	int (*read)(struct reading *r, const char *text);
	const char *wanted;
} readers[] = {
	{OPTION_LIVE, read_live, ""},
	{OPTION_AT, read_at, A_TIME},
	{OPTION_SINCE, read_since, A_TIME},
	{OPTION_UNTIL, read_until, A_TIME},
	{OPTION_STARTED_SINCE, read_started_since, A_TIME},
	{OPTION_HOST, read_host, A_PREFIX},
	{OPTION_SRC, read_src, A_PREFIX},
	{OPTION_DST, read_dst, A_PREFIX},
	{OPTION_PORT, read_port, A_PORT},
	{OPTION_SPORT, read_sport, A_PORT},
	{OPTION_DPORT, read_dport, A_PORT},
	{OPTION_PROTO, read_proto,
	 "a protocol (tcp, udp, icmp, icmpv6, ...) or a number from 0 to 255"},
	{OPTION_UPLINK, read_uplink, AN_UPLINK},
	{OPTION_INGRESS, read_ingress, AN_UPLINK},
	{OPTION_EGRESS, read_egress, "an interface's name"},
	{OPTION_VERDICT, read_verdict, NULL},
	{OPTION_REASON, read_reason, NULL},
	{OPTION_MIN_BYTES, read_min_bytes, "a size such as 500, 64K, '10 MB' or '1 GiB'"},
	{OPTION_MIN_DURATION, read_min_duration,
	 "a duration with its unit, such as 250ms, 10s or '5 min'"},
	{OPTION_UNANSWERED, read_unanswered, ""},
	{OPTION_LIMIT, read_limit, "a number (0: all rows)"},
};

static void words_print(FILE *out, enum option_id option, struct suggestion *s)
{
	const char *word;

	fputs("one of", out);
	for (unsigned i = 0; (word = option_word((int)option, i)); i++) {
		fprintf(out, "%s %s", i ? "," : "", word);
		suggest_consider(s, word);
	}
}

static enum exit_status value_refuse(const struct invocation *in, size_t reader)
{
	enum option_id option = readers[reader].option;
	char *words = NULL;
	size_t size;
	FILE *out = readers[reader].wanted ? NULL : open_memstream(&words, &size);
	struct suggestion s;

	suggest_start(&s, in->values[option]);
	if (out) {
		words_print(out, option, &s);
		fclose(out);
	}
	cli_error("%s: --%s \"%s\": expected %s%s%s", in->command->name, option_specs[option].name,
		  in->values[option], words ? words : readers[reader].wanted,
		  s.best ? "; did you mean " : "", s.best ? s.best : "");
	free(words);
	return CLI_USAGE;
}

static enum exit_status times_checked(const struct flow_filter *f, const struct invocation *in)
{
	const char *other = in->values[OPTION_SINCE] ? "since" : "until";

	if (in->values[OPTION_AT] && (in->values[OPTION_SINCE] || in->values[OPTION_UNTIL])) {
		cli_error("%s: --at cannot be combined with --%s", in->command->name, other);
		return CLI_USAGE;
	}
	if (!f->q.since_ms || !f->q.until_ms || f->q.since_ms < f->q.until_ms)
		return CLI_DONE;
	cli_error("%s: --since \"%s\" must be earlier than --until \"%s\"", in->command->name,
		  in->values[OPTION_SINCE], in->values[OPTION_UNTIL]);
	return CLI_USAGE;
}

enum exit_status filter_parse(struct flow_filter *f, const struct invocation *in, int64_t now_ms)
{
	struct reading reading = {.filter = f, .now_ms = now_ms};
	size_t i;

	*f = (struct flow_filter){.sport = -1, .dport = -1, .now_ms = now_ms};
	f->by = in->values[OPTION_BY];
	query_filter_init(&f->q);
	if (in->style.format == RENDER_TABLE && in->is_terminal)
		f->q.limit = LIMIT_TERMINAL;
	for (i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
		const char *text = in->values[readers[i].option];

		if (text && readers[i].read(&reading, text))
			return value_refuse(in, i);
	}
	return times_checked(f, in);
}
