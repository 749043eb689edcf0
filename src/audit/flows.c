/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flows.c - stores flows in slabs and finds them through one hash table with chains. There is one
 * slab per shape, that is, per set of addresses that a flow needs: IPv4, IPv6, or IPv6 with NAT.
 *
 * Must not know what a flow's fields mean. Memory per flow at a million flows: its slab entry (76,
 * 88 or 124 bytes) and 4 to 8 bytes of bucket. No memory is allocated per flow: slabs grow by
 * chunks.
 */
#include "audit/flows.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum shape { SHAPE_V4, SHAPE_V6, SHAPE_V6_NAT, SHAPES };

struct addrs_v4 {
	uint8_t addr[4][4]; /* src and dst of the original tuple, then of the reply tuple */
	uint16_t port[4];
};
struct addrs_v6 {
	uint8_t addr[2][16]; /* original src and dst; the reply tuple has them swapped */
	uint16_t port[2];
};
struct addrs_v6_nat {
	uint8_t addr[4][16];
	uint16_t port[4];
};

static const size_t shape_size[SHAPES] = {
	sizeof(struct flow) + sizeof(struct addrs_v4),
	sizeof(struct flow) + sizeof(struct addrs_v6),
	sizeof(struct flow) + sizeof(struct addrs_v6_nat),
};

#define CHUNK_SHIFT	12
#define CHUNK_FLOWS	(1u << CHUNK_SHIFT)
#define REF_SHAPE_SHIFT 30
#define REF_INDEX_MASK	((1u << REF_SHAPE_SHIFT) - 1)
#define BUCKETS_MIN	1024u
#define SETS_MAX	65535u
#define FORESEEN_MAX	32u

struct slab {
	uint8_t **chunks;
	uint32_t n_chunks, room; /* n_chunks: allocated chunks; room: length of chunks[] */
	uint32_t n_entries;	 /* entries handed out so far; only these are initialized */
	flow_ref free;
};

struct flows {
	struct slab slab[SHAPES];
	flow_ref *buckets;
	uint32_t n_buckets; /* a power of two */
	uint32_t count, max;
	uint64_t hash_key; /* random, so that no sender can aim at one bucket */
	uint64_t *sets;
	uint32_t n_sets, sets_room;
	uint64_t last_set; /* the set that was looked up last: most look-ups repeat it */
	uint16_t last_set_number;
};

/* --- key ------------------------------------------------------------------ */

struct key {
	uint64_t hash;
	uint16_t port[2];
};

static uint64_t mix(uint64_t x)
{
	/* The finaliser of splitmix64 (Steele, Lea, Flood 2014). */
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static uint64_t endpoint_hash(const struct flows *t, const struct addr *a, uint16_t port)
{
	uint64_t w[2];

	memcpy(w, a->bytes, sizeof(w));
	return mix(mix(w[0] ^ t->hash_key) + w[1] + ((uint64_t)port << 24) + a->family);
}

static bool is_icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/* Return the hash of the two endpoints that a packet has at postrouting priority -150. It does not
 * depend on their order, so both directions of a flow have the same hash. */
static uint32_t pair_hash(const struct flows *t, uint8_t proto, const struct addr *a,
			  uint16_t a_port, const struct addr *b, uint16_t b_port)
{
	return (uint32_t)mix(endpoint_hash(t, a, a_port) + endpoint_hash(t, b, b_port) + proto);
}

/* Return the port that the remote end has at postrouting priority -150. The identifier of an ICMP
 * message stands for both ports. Source NAT may change the identifier, but runs after this
 * priority: take the identifier from the original tuple. */
static uint16_t far_port(uint8_t proto, const struct endpoints tuple[2])
{
	return is_icmp(proto) ? tuple[DIR_ORIGINAL].sport : tuple[DIR_REPLY].sport;
}

static uint32_t tuples_hash(const struct flows *t, uint8_t proto, const struct endpoints tuple[2])
{
	return pair_hash(t, proto, &tuple[DIR_ORIGINAL].src, tuple[DIR_ORIGINAL].sport,
			 &tuple[DIR_REPLY].src, far_port(proto, tuple));
}

static bool is_endpoint_equal(const struct addr *a, uint16_t a_port, const struct addr *b,
			      uint16_t b_port)
{
	return a_port == b_port && addr_is_equal(a, b);
}

static bool is_endpoints_equal(const struct endpoints *a, const struct endpoints *b)
{
	return is_endpoint_equal(&a->src, a->sport, &b->src, b->sport) &&
	       is_endpoint_equal(&a->dst, a->dport, &b->dst, b->dport);
}

/* --- slabs ---------------------------------------------------------------- */

static struct flow *slab_get(const struct flows *t, unsigned shape, uint32_t index)
{
	uint8_t *chunk = t->slab[shape].chunks[index >> CHUNK_SHIFT];

	return (struct flow *)(chunk + (index & (CHUNK_FLOWS - 1)) * shape_size[shape]);
}

struct flow *flows_get(const struct flows *t, flow_ref ref)
{
	return slab_get(t, ref >> REF_SHAPE_SHIFT, ref & REF_INDEX_MASK);
}

static int slab_add_chunk(struct slab *s, unsigned shape)
{
	if (s->n_chunks == s->room) {
		uint32_t room = s->room ? s->room * 2 : 16;
		uint8_t **chunks = realloc(s->chunks, room * sizeof(*chunks));

		if (!chunks)
			return -ENOMEM;
		s->chunks = chunks;
		s->room = room;
	}
	s->chunks[s->n_chunks] = malloc(CHUNK_FLOWS * shape_size[shape]);
	if (!s->chunks[s->n_chunks])
		return -ENOMEM;
	s->n_chunks++;
	return 0;
}

static flow_ref slab_take(struct flows *t, unsigned shape)
{
	struct slab *s = &t->slab[shape];
	flow_ref ref = s->free;

	if (ref != FLOW_REF_NONE) {
		s->free = flows_get(t, ref)->next;
		return ref;
	}
	if (s->n_entries == s->n_chunks * CHUNK_FLOWS && slab_add_chunk(s, shape))
		return FLOW_REF_NONE;
	return (flow_ref)shape << REF_SHAPE_SHIFT | s->n_entries++;
}

/* --- addresses of a flow ------------------------------------------------- */

static bool is_mirrored(const struct endpoints tuple[2])
{
	return is_endpoint_equal(&tuple[0].src, tuple[0].sport, &tuple[1].dst, tuple[1].dport) &&
	       is_endpoint_equal(&tuple[0].dst, tuple[0].dport, &tuple[1].src, tuple[1].sport);
}

static unsigned shape_of(uint8_t proto, const struct endpoints tuple[2])
{
	if (tuple[0].src.family == AF_INET)
		return SHAPE_V4;
	/* The destination port of an ICMP tuple is type and code. The type of a reply differs from
	 * that of its request, so the reply tuple never mirrors the original tuple. */
	return !is_icmp(proto) && is_mirrored(tuple) ? SHAPE_V6 : SHAPE_V6_NAT;
}

static void tuples_store(struct flow *f, const struct endpoints tuple[2])
{
	const struct addr *addr[4] = {&tuple[0].src, &tuple[0].dst, &tuple[1].src, &tuple[1].dst};
	const uint16_t port[4] = {tuple[0].sport, tuple[0].dport, tuple[1].sport, tuple[1].dport};
	unsigned n = f->shape == SHAPE_V6 ? 2 : 4;
	size_t size = f->shape == SHAPE_V4 ? 4 : 16;
	uint8_t *p = (uint8_t *)(f + 1);

	for (unsigned i = 0; i < n; i++, p += size)
		memcpy(p, addr[i]->bytes, size);
	memcpy(p, port, n * sizeof(port[0]));
}

void flows_tuples(const struct flows *t, flow_ref ref, struct endpoints tuple[2])
{
	const struct flow *f = flows_get(t, ref);
	struct addr *addr[4] = {&tuple[0].src, &tuple[0].dst, &tuple[1].src, &tuple[1].dst};
	unsigned n = f->shape == SHAPE_V6 ? 2 : 4;
	size_t size = f->shape == SHAPE_V4 ? 4 : 16;
	const uint8_t *p = (const uint8_t *)(f + 1);
	uint16_t port[4];

	memset(tuple, 0, 2 * sizeof(*tuple));
	for (unsigned i = 0; i < n; i++, p += size) {
		addr[i]->family = f->shape == SHAPE_V4 ? AF_INET : AF_INET6;
		memcpy(addr[i]->bytes, p, size);
	}
	memcpy(port, p, n * sizeof(port[0]));
	tuple[0].sport = port[0];
	tuple[0].dport = port[1];
	if (n == 2) {
		tuple[1].src = tuple[0].dst;
		tuple[1].dst = tuple[0].src;
		tuple[1].sport = port[1];
		tuple[1].dport = port[0];
	} else {
		tuple[1].sport = port[2];
		tuple[1].dport = port[3];
	}
}

/* --- hash ----------------------------------------------------------------- */

static uint32_t flow_hash(const struct flows *t, flow_ref ref)
{
	struct endpoints tuple[2];

	flows_tuples(t, ref, tuple);
	return tuples_hash(t, flows_get(t, ref)->proto, tuple);
}

static void bucket_push(struct flows *t, uint32_t hash, flow_ref ref)
{
	flow_ref *head = &t->buckets[hash & (t->n_buckets - 1)];

	flows_get(t, ref)->next = *head;
	*head = ref;
}

static void bucket_unlink(struct flows *t, flow_ref ref)
{
	flow_ref *at = &t->buckets[flow_hash(t, ref) & (t->n_buckets - 1)];

	while (*at != ref)
		at = &flows_get(t, *at)->next;
	*at = flows_get(t, ref)->next;
}

/* Move a bucket's chain to the new array. The chain is reversed first, because each flow is pushed
 * to the front: the order stays newest first. */
static void bucket_move(struct flows *t, flow_ref ref)
{
	flow_ref reversed = FLOW_REF_NONE;

	while (ref != FLOW_REF_NONE) {
		struct flow *f = flows_get(t, ref);
		flow_ref next = f->next;

		f->next = reversed;
		reversed = ref;
		ref = next;
	}
	while (reversed != FLOW_REF_NONE) {
		flow_ref next = flows_get(t, reversed)->next;

		bucket_push(t, flow_hash(t, reversed), reversed);
		reversed = next;
	}
}

/* Double the number of buckets. If memory is short, the chains get longer, which only costs
 * time. */
static void grow(struct flows *t)
{
	flow_ref *old = t->buckets;
	uint32_t n_old = t->n_buckets;
	flow_ref *buckets = malloc((size_t)n_old * 2 * sizeof(*buckets));

	if (!buckets)
		return;
	memset(buckets, 0xff, (size_t)n_old * 2 * sizeof(*buckets));
	t->buckets = buckets;
	t->n_buckets = n_old * 2;
	for (uint32_t i = 0; i < n_old; i++)
		bucket_move(t, old[i]);
	free(old);
}

/* --- the table ------------------------------------------------------------ */

static uint64_t random_key(const struct flows *t)
{
	/* Address space randomization is random enough: no sender sees the key or the lengths of
	 * chains. */
	return mix((uintptr_t)t ^ (uint64_t)(uintptr_t)&t);
}

struct flows *flows_new(uint32_t max_flows)
{
	struct flows *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->max = max_flows < REF_INDEX_MASK ? max_flows : REF_INDEX_MASK;
	t->n_buckets = BUCKETS_MIN;
	t->buckets = malloc(t->n_buckets * sizeof(*t->buckets));
	t->sets_room = 64;
	t->sets = calloc(t->sets_room, sizeof(*t->sets));
	if (!t->buckets || !t->sets) {
		flows_free(t);
		errno = ENOMEM;
		return NULL;
	}
	memset(t->buckets, 0xff, t->n_buckets * sizeof(*t->buckets));
	for (unsigned i = 0; i < SHAPES; i++)
		t->slab[i].free = FLOW_REF_NONE;
	t->n_sets = 1;
	t->hash_key = random_key(t);
	return t;
}

void flows_free(struct flows *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < SHAPES; i++) {
		for (uint32_t c = 0; c < t->slab[i].n_chunks; c++)
			free(t->slab[i].chunks[c]);
		free(t->slab[i].chunks);
	}
	free(t->buckets);
	free(t->sets);
	free(t);
}

flow_ref flows_add(struct flows *t, uint8_t proto, uint16_t zone, const struct endpoints tuple[2])
{
	unsigned shape = shape_of(proto, tuple);
	struct flow *f;
	flow_ref ref;

	if (t->count >= t->max) {
		errno = ENOSPC;
		return FLOW_REF_NONE;
	}
	ref = slab_take(t, shape);
	if (ref == FLOW_REF_NONE) {
		errno = ENOMEM;
		return ref;
	}
	f = flows_get(t, ref);
	memset(f, 0, sizeof(*f));
	f->is_used = 1;
	f->proto = proto;
	f->zone = zone;
	f->shape = shape;
	f->ingress = SLOT_NONE;
	f->link = FLOW_REF_NONE;
	tuples_store(f, tuple);
	if (t->count >= t->n_buckets)
		grow(t);
	bucket_push(t, tuples_hash(t, proto, tuple), ref);
	t->count++;
	return ref;
}

flow_ref flows_add_beyond(struct flows *t, uint8_t proto, uint16_t zone,
			  const struct endpoints tuple[2])
{
	if (t->count == t->max && t->max < REF_INDEX_MASK)
		t->max++;
	return flows_add(t, proto, zone, tuple);
}

void flows_remove(struct flows *t, flow_ref ref)
{
	struct flow *f = flows_get(t, ref);
	struct slab *s = &t->slab[f->shape];

	bucket_unlink(t, ref);
	f->is_used = 0;
	f->next = s->free;
	s->free = ref;
	t->count--;
}

flow_ref flows_find(const struct flows *t, const struct ct_event *ev, flow_ref after)
{
	flow_ref ref;

	if (after == FLOW_REF_NONE)
		ref = t->buckets[tuples_hash(t, ev->proto, ev->tuple) & (t->n_buckets - 1)];
	else
		ref = flows_get(t, after)->next;
	for (; ref != FLOW_REF_NONE; ref = flows_get(t, ref)->next) {
		const struct flow *f = flows_get(t, ref);
		struct endpoints tuple[2];

		if (f->ct_id != ev->id || f->proto != ev->proto || f->zone != ev->zone)
			continue;
		flows_tuples(t, ref, tuple);
		if (is_endpoints_equal(&tuple[DIR_ORIGINAL], &ev->tuple[DIR_ORIGINAL]))
			return ref;
	}
	return FLOW_REF_NONE;
}

/* Prefetch all buckets first, and then the first flow of each bucket, so that the loads overlap. */
void flows_prefetch(const struct flows *t, const struct ct_event *ev, size_t n)
{
	const flow_ref *bucket[FORESEEN_MAX];

	n = n < FORESEEN_MAX ? n : FORESEEN_MAX;
	for (size_t i = 0; i < n; i++) {
		bucket[i] =
			&t->buckets[tuples_hash(t, ev[i].proto, ev[i].tuple) & (t->n_buckets - 1)];
		__builtin_prefetch(bucket[i]);
	}
	for (size_t i = 0; i < n; i++) {
		if (*bucket[i] != FLOW_REF_NONE)
			__builtin_prefetch(flows_get(t, *bucket[i]), 1);
	}
}

/* Return the direction of a packet in the flow with these tuples; -1: the packet does not belong to
 * this flow. */
static int packet_direction(const struct endpoints tuple[2], uint8_t proto,
			    const struct endpoints *p)
{
	uint16_t dport = is_icmp(proto) ? p->sport : p->dport, far = far_port(proto, tuple);
	const struct endpoints *o = &tuple[DIR_ORIGINAL], *r = &tuple[DIR_REPLY];

	if (is_endpoint_equal(&p->src, p->sport, &o->src, o->sport) &&
	    is_endpoint_equal(&p->dst, dport, &r->src, far))
		return DIR_ORIGINAL;
	if (is_endpoint_equal(&p->src, p->sport, &r->src, far) &&
	    is_endpoint_equal(&p->dst, dport, &o->src, o->sport))
		return DIR_REPLY;
	return -1;
}

flow_ref flows_find_packet(const struct flows *t, const struct stray_packet *p, flow_ref after,
			   enum direction *direction)
{
	const struct endpoints *e = &p->tuple;
	uint16_t dport = is_icmp(p->proto) ? e->sport : e->dport;
	flow_ref ref;

	if (after == FLOW_REF_NONE)
		ref = t->buckets[pair_hash(t, p->proto, &e->src, e->sport, &e->dst, dport) &
				 (t->n_buckets - 1)];
	else
		ref = flows_get(t, after)->next;
	for (; ref != FLOW_REF_NONE; ref = flows_get(t, ref)->next) {
		const struct flow *f = flows_get(t, ref);
		struct endpoints tuple[2];
		int d;

		if (f->proto != p->proto || (p->has_ct_id && p->ct_id != f->ct_id))
			continue;
		flows_tuples(t, ref, tuple);
		d = packet_direction(tuple, p->proto, e);
		if (d < 0)
			continue;
		if (p->is_icmp_reply)
			d = !d; /* an ICMP reply is reported with the request's tuple */
		*direction = p->direction >= 0 ? (enum direction)p->direction : (enum direction)d;
		return ref;
	}
	return FLOW_REF_NONE;
}

void flows_each(struct flows *t, flows_fn *fn, void *data)
{
	for (unsigned shape = 0; shape < SHAPES; shape++) {
		for (uint32_t i = 0; i < t->slab[shape].n_entries; i++) {
			struct flow *f = slab_get(t, shape, i);

			if (f->is_used)
				fn(data, (flow_ref)shape << REF_SHAPE_SHIFT | i, f);
		}
	}
}

uint32_t flows_count(const struct flows *t)
{
	return t->count;
}

size_t flows_bytes(const struct flows *t)
{
	size_t bytes =
		sizeof(*t) + t->n_buckets * sizeof(*t->buckets) + t->sets_room * sizeof(*t->sets);

	for (unsigned i = 0; i < SHAPES; i++)
		bytes += t->slab[i].n_chunks * (size_t)CHUNK_FLOWS * shape_size[i];
	return bytes;
}

/* --- sets ----------------------------------------------------------------- */

static int set_append(struct flows *t, uint64_t set)
{
	if (t->n_sets == SETS_MAX)
		return -1;
	if (t->n_sets == t->sets_room) {
		uint64_t *sets = realloc(t->sets, t->sets_room * 2 * sizeof(*sets));

		if (!sets)
			return -1;
		t->sets = sets;
		t->sets_room *= 2;
	}
	t->sets[t->n_sets] = set;
	return (int)t->n_sets++;
}

/* A linear search suffices: in practice there is one set per uplink, and a few sets of two
 * uplinks. */
int flows_set_intern(struct flows *t, uint64_t set)
{
	int number = -1;

	if (set == t->last_set)
		return t->last_set_number;
	for (uint32_t i = 0; i < t->n_sets && number < 0; i++) {
		if (t->sets[i] == set)
			number = (int)i;
	}
	if (number < 0)
		number = set_append(t, set);
	if (number >= 0) {
		t->last_set = set;
		t->last_set_number = (uint16_t)number;
	}
	return number;
}

uint64_t flows_set(const struct flows *t, uint16_t number)
{
	return t->sets[number];
}

/* --- queues --------------------------------------------------------------- */

void flow_queue_init(struct flow_queue *q)
{
	q->head = q->tail = FLOW_REF_NONE;
	q->length = 0;
}

void flow_queue_push(struct flows *t, struct flow_queue *q, flow_ref ref)
{
	flows_get(t, ref)->link = FLOW_REF_NONE;
	if (q->tail == FLOW_REF_NONE)
		q->head = ref;
	else
		flows_get(t, q->tail)->link = ref;
	q->tail = ref;
	q->length++;
}

void flow_queue_append(struct flows *t, struct flow_queue *q, struct flow_queue *more)
{
	if (q->head == FLOW_REF_NONE) {
		*q = *more;
	} else if (more->head != FLOW_REF_NONE) {
		flows_get(t, q->tail)->link = more->head;
		q->tail = more->tail;
		q->length += more->length;
	}
	flow_queue_init(more);
}

flow_ref flow_queue_pop(struct flows *t, struct flow_queue *q)
{
	flow_ref ref = q->head;

	if (ref == FLOW_REF_NONE)
		return ref;
	q->head = flows_get(t, ref)->link;
	if (q->head == FLOW_REF_NONE)
		q->tail = FLOW_REF_NONE;
	q->length--;
	return ref;
}
