/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ipfix_message.c - builds templates and records from one table of information elements.
 *
 * There is one template for each combination of three properties: IPv4 or IPv6, translated or not,
 * ICMP or another protocol. A record therefore contains no element that is meaningless for its
 * flow.
 */
#include "export/ipfix_message.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TEMPLATE_SET   2
#define TEMPLATE_FIRST 256
#define REVERSE_PEN    29305 /* RFC 5103 */
#define VARIABLE       0xffff
#define TEXT_MAX       254
#define GROW_BYTES     65536

/* Template flags; template ID = TEMPLATE_FIRST + flags. */
enum shape { SHAPE_V6 = 1, SHAPE_ICMP = 2, SHAPE_NAT = 4, SHAPES = 8 };

/* The organization that assigned the number of an element. */
enum space { SPACE_IANA, SPACE_REVERSE, SPACE_OWN };

/* What an element says about a flow. */
enum fact {
	FACT_ID,
	FACT_STARTED,
	FACT_ENDED,
	FACT_SRC,
	FACT_DST,
	FACT_SPORT,
	FACT_DPORT,
	FACT_ICMP,
	FACT_PROTO,
	FACT_INGRESS,
	FACT_EGRESS,
	FACT_BYTES,
	FACT_PACKETS,
	FACT_BYTES_REPLY,
	FACT_PACKETS_REPLY,
	FACT_END,
	FACT_INITIATOR,
	FACT_NAT_SRC,
	FACT_NAT_DST,
	FACT_NAT_SPORT,
	FACT_NAT_DPORT,
	FACT_MARK,
	FACT_UPLINK,
	FACT_VERDICT,
	FACT_REASON,
	FACT_EGRESS_NAMES,
	FACT_EGRESS_REPLY_NAMES,
	FACT_ROUTER,
	FACT_HISTORY,
	FACT_VERSION,
};

struct element {
	enum fact fact;
	enum space space;
	uint16_t number, length;
	uint8_t mask, shape; /* the element is in the templates with (flags & mask) == shape */
};

/* The layout of the records, which is documented in doc/ipfix.md. */
static const struct element elements[] = {
	{FACT_ID, SPACE_IANA, 148, 8, 0, 0},
	{FACT_STARTED, SPACE_IANA, 152, 8, 0, 0},
	{FACT_ENDED, SPACE_IANA, 153, 8, 0, 0},
	{FACT_SRC, SPACE_IANA, 8, 4, SHAPE_V6, 0},
	{FACT_SRC, SPACE_IANA, 27, 16, SHAPE_V6, SHAPE_V6},
	{FACT_DST, SPACE_IANA, 12, 4, SHAPE_V6, 0},
	{FACT_DST, SPACE_IANA, 28, 16, SHAPE_V6, SHAPE_V6},
	{FACT_SPORT, SPACE_IANA, 7, 2, SHAPE_ICMP, 0},
	{FACT_DPORT, SPACE_IANA, 11, 2, SHAPE_ICMP, 0},
	{FACT_ICMP, SPACE_IANA, 32, 2, SHAPE_ICMP | SHAPE_V6, SHAPE_ICMP},
	{FACT_ICMP, SPACE_IANA, 139, 2, SHAPE_ICMP | SHAPE_V6, SHAPE_ICMP | SHAPE_V6},
	{FACT_PROTO, SPACE_IANA, 4, 1, 0, 0},
	{FACT_INGRESS, SPACE_IANA, 10, 4, 0, 0},
	{FACT_EGRESS, SPACE_IANA, 14, 4, 0, 0},
	{FACT_BYTES, SPACE_IANA, 1, 8, 0, 0},
	{FACT_PACKETS, SPACE_IANA, 2, 8, 0, 0},
	{FACT_BYTES_REPLY, SPACE_REVERSE, 1, 8, 0, 0},
	{FACT_PACKETS_REPLY, SPACE_REVERSE, 2, 8, 0, 0},
	{FACT_END, SPACE_IANA, 136, 1, 0, 0},
	{FACT_INITIATOR, SPACE_IANA, 239, 1, 0, 0},
	{FACT_NAT_SRC, SPACE_IANA, 225, 4, SHAPE_NAT | SHAPE_V6, SHAPE_NAT},
	{FACT_NAT_SRC, SPACE_IANA, 281, 16, SHAPE_NAT | SHAPE_V6, SHAPE_NAT | SHAPE_V6},
	{FACT_NAT_DST, SPACE_IANA, 226, 4, SHAPE_NAT | SHAPE_V6, SHAPE_NAT},
	{FACT_NAT_DST, SPACE_IANA, 282, 16, SHAPE_NAT | SHAPE_V6, SHAPE_NAT | SHAPE_V6},
	{FACT_NAT_SPORT, SPACE_IANA, 227, 2, SHAPE_NAT | SHAPE_ICMP, SHAPE_NAT},
	{FACT_NAT_DPORT, SPACE_IANA, 228, 2, SHAPE_NAT | SHAPE_ICMP, SHAPE_NAT},
	{FACT_MARK, SPACE_OWN, 1, 4, 0, 0},
	{FACT_UPLINK, SPACE_OWN, 2, VARIABLE, 0, 0},
	{FACT_VERDICT, SPACE_OWN, 3, VARIABLE, 0, 0},
	{FACT_REASON, SPACE_OWN, 4, VARIABLE, 0, 0},
	{FACT_EGRESS_NAMES, SPACE_OWN, 5, VARIABLE, 0, 0},
	{FACT_EGRESS_REPLY_NAMES, SPACE_OWN, 6, VARIABLE, 0, 0},
	{FACT_ROUTER, SPACE_OWN, 7, VARIABLE, 0, 0},
	{FACT_HISTORY, SPACE_OWN, 8, VARIABLE, 0, 0},
	{FACT_VERSION, SPACE_OWN, 9, 8, 0, 0},
};

#define ELEMENTS (sizeof(elements) / sizeof(elements[0]))

/* --- bytes ------------------------------------------------------------------------- */

static uint8_t *room(struct ipfix_writer *w, size_t n)
{
	if (w->error)
		return NULL;
	if (w->size + n > w->capacity) {
		size_t capacity = w->capacity + w->capacity / 2 + GROW_BYTES;
		uint8_t *bytes = realloc(w->bytes, capacity);

		if (!bytes) {
			w->error = -ENOMEM;
			return NULL;
		}
		w->bytes = bytes;
		w->capacity = capacity;
	}
	w->size += n;
	return w->bytes + w->size - n;
}

static void number_write(uint8_t *to, uint64_t number, unsigned n)
{
	while (n--) {
		to[n] = (uint8_t)number;
		number >>= 8;
	}
}

static uint64_t number_read(const uint8_t *from, unsigned n)
{
	uint64_t number = 0;

	while (n--)
		number = number << 8 | *from++;
	return number;
}

static void put_number(struct ipfix_writer *w, uint64_t number, unsigned n)
{
	uint8_t *to = room(w, n);

	if (to)
		number_write(to, number, n);
}

static void put_bytes(struct ipfix_writer *w, const void *bytes, size_t n)
{
	uint8_t *to = room(w, n);

	if (to)
		memcpy(to, bytes, n);
}

/* Put a text of variable length (RFC 7011, section 7). The length is below 255, so it is written as
 * one byte. */
static void put_text(struct ipfix_writer *w, const char *text)
{
	size_t n = strlen(text);

	if (n > TEXT_MAX)
		n = TEXT_MAX;
	put_number(w, n, 1);
	put_bytes(w, text, n);
}

/* --- messages and sets ---------------------------------------------------------------- */

void ipfix_restart(struct ipfix_writer *w)
{
	w->size = w->message = w->set = 0;
	w->set_id = 0;
	w->error = 0;
}

void ipfix_free(struct ipfix_writer *w)
{
	free(w->bytes);
	w->bytes = NULL;
	w->capacity = 0;
	ipfix_restart(w);
}

static void lengths_update(struct ipfix_writer *w)
{
	if (w->error)
		return;
	number_write(w->bytes + w->message + 2, w->size - w->message, 2);
	number_write(w->bytes + w->set + 2, w->size - w->set, 2);
}

static void message_begin(struct ipfix_writer *w)
{
	w->message = w->size;
	w->set_id = 0;
	put_number(w, 10, 2); /* version */
	put_number(w, 0, 2);  /* length */
	put_number(w, 0, 4);  /* export time */
	put_number(w, 0, 4);  /* number of records, until ipfix_stamp() writes the sequence
			       * number */
	put_number(w, w->domain, 4);
}

static void set_begin(struct ipfix_writer *w, unsigned id)
{
	w->set = w->size;
	w->set_id = id;
	put_number(w, id, 2);
	put_number(w, 0, 2);
}

static void record_count(struct ipfix_writer *w)
{
	uint8_t *count = w->bytes + w->message + 8;

	if (!w->error)
		number_write(count, number_read(count, 4) + 1, 4);
}

size_t ipfix_length(const uint8_t *message)
{
	return (size_t)number_read(message + 2, 2);
}

uint32_t ipfix_stamp(uint8_t *message, uint32_t time_s, uint32_t sequence)
{
	uint32_t records = (uint32_t)number_read(message + 8, 4);

	number_write(message + 4, time_s, 4);
	number_write(message + 8, sequence, 4);
	return sequence + records;
}

/* --- templates -------------------------------------------------------------------- */

static bool is_in(const struct ipfix_writer *w, const struct element *e, unsigned shape)
{
	return (e->space != SPACE_OWN || w->pen) && (shape & e->mask) == e->shape;
}

static uint32_t element_pen(const struct ipfix_writer *w, const struct element *e)
{
	return e->space == SPACE_OWN ? w->pen : e->space == SPACE_REVERSE ? REVERSE_PEN : 0;
}

static void put_template(struct ipfix_writer *w, unsigned shape)
{
	unsigned count = 0;

	for (size_t i = 0; i < ELEMENTS; i++)
		count += is_in(w, &elements[i], shape);
	put_number(w, TEMPLATE_FIRST + shape, 2);
	put_number(w, count, 2);
	for (size_t i = 0; i < ELEMENTS; i++) {
		uint32_t pen = element_pen(w, &elements[i]);

		if (!is_in(w, &elements[i], shape))
			continue;
		put_number(w, elements[i].number | (pen ? 0x8000u : 0), 2);
		put_number(w, elements[i].length, 2);
		if (pen)
			put_number(w, pen, 4);
	}
}

/* Put four templates into each message, because one message with all templates would not fit into a
 * frame. */
void ipfix_put_templates(struct ipfix_writer *w)
{
	for (unsigned shape = 0; shape < SHAPES; shape++) {
		if (shape % 4 == 0) {
			message_begin(w);
			set_begin(w, TEMPLATE_SET);
		}
		put_template(w, shape);
		lengths_update(w);
	}
	w->set_id = 0;
}

/* --- records ---------------------------------------------------------------------- */

static const char *fact_text(const struct ipfix_flow *f, enum fact fact)
{
	switch (fact) {
	case FACT_UPLINK:
		return f->uplink;
	case FACT_VERDICT:
		return f->verdict;
	case FACT_REASON:
		return f->reason;
	case FACT_EGRESS_NAMES:
		return f->egress_names;
	case FACT_EGRESS_REPLY_NAMES:
		return f->egress_reply_names;
	case FACT_ROUTER:
		return f->router;
	default:
		return f->history;
	}
}

static const struct addr *fact_addr(const struct ipfix_flow *f, enum fact fact)
{
	switch (fact) {
	case FACT_SRC:
		return &f->src;
	case FACT_DST:
		return &f->dst;
	case FACT_NAT_SRC:
		return &f->nat_src;
	case FACT_NAT_DST:
		return &f->nat_dst;
	default:
		return NULL;
	}
}

static uint64_t fact_counter(const struct ipfix_flow *f, enum fact fact)
{
	switch (fact) {
	case FACT_BYTES:
		return f->bytes[0];
	case FACT_PACKETS:
		return f->packets[0];
	case FACT_BYTES_REPLY:
		return f->bytes[1];
	case FACT_PACKETS_REPLY:
		return f->packets[1];
	case FACT_ID:
		return f->id;
	case FACT_STARTED:
		return f->started_ms;
	case FACT_ENDED:
		return f->ended_ms;
	default:
		return f->version;
	}
}

static uint64_t fact_number(const struct ipfix_flow *f, enum fact fact)
{
	switch (fact) {
	case FACT_SPORT:
		return f->sport;
	case FACT_DPORT:
	case FACT_ICMP:
		return f->dport;
	case FACT_NAT_SPORT:
		return f->nat_sport;
	case FACT_NAT_DPORT:
		return f->nat_dport;
	case FACT_PROTO:
		return f->proto;
	case FACT_INGRESS:
		return f->ingress;
	case FACT_EGRESS:
		return f->egress;
	case FACT_END:
		return f->end;
	case FACT_INITIATOR:
		return 1; /* biflowDirection: initiator */
	case FACT_MARK:
		return f->mark;
	default:
		return fact_counter(f, fact);
	}
}

static void put_element(struct ipfix_writer *w, const struct element *e, const struct ipfix_flow *f)
{
	const struct addr *addr = fact_addr(f, e->fact);

	if (addr)
		put_bytes(w, addr->bytes, e->length);
	else if (e->length == VARIABLE)
		put_text(w, fact_text(f, e->fact));
	else
		put_number(w, fact_number(f, e->fact), e->length);
}

static unsigned flow_shape(const struct ipfix_flow *f)
{
	bool is_icmp = f->proto == IPPROTO_ICMP || f->proto == IPPROTO_ICMPV6;

	return (f->src.family == AF_INET6 ? SHAPE_V6 : 0) | (is_icmp ? SHAPE_ICMP : 0) |
	       (f->nat_src.family != AF_UNSPEC ? SHAPE_NAT : 0);
}

static size_t flow_size(const struct ipfix_writer *w, const struct ipfix_flow *f, unsigned shape)
{
	size_t size = 0;

	for (size_t i = 0; i < ELEMENTS; i++) {
		const struct element *e = &elements[i];

		if (!is_in(w, e, shape))
			continue;
		size += e->length == VARIABLE ? 1 + strnlen(fact_text(f, e->fact), TEXT_MAX)
					      : e->length;
	}
	return size;
}

void ipfix_put_flow(struct ipfix_writer *w, const struct ipfix_flow *f)
{
	unsigned shape = flow_shape(f), id = TEMPLATE_FIRST + shape;
	size_t size = flow_size(w, f, shape) + 4; /* 4: header of a new set */

	if (!w->set_id || w->size - w->message + size > IPFIX_MESSAGE_BYTES)
		message_begin(w);
	if (w->set_id != id)
		set_begin(w, id);
	for (size_t i = 0; i < ELEMENTS; i++)
		if (is_in(w, &elements[i], shape))
			put_element(w, &elements[i], f);
	record_count(w);
	lengths_update(w);
}
