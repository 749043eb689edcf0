/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_nflog_decode.c - proves that the bytes of a logged packet become a tuple: each protocol,
 * each truncation, and arbitrary bytes, without reading past the end.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "waymark/kernel/nflog.h"

#define PACKET_MAX 256

/* A packet is built part by part. */
struct packet {
	uint8_t bytes[PACKET_MAX];
	size_t size;
};

static uint8_t *put(struct packet *k, size_t size)
{
	uint8_t *at = k->bytes + k->size;

	assert_true(k->size + size <= sizeof(k->bytes));
	memset(at, 0, size);
	k->size += size;
	return at;
}

static void put_u16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* words: of 4 bytes, the length of the header. */
static uint8_t *put_ipv4(struct packet *k, uint8_t proto, const char *src, const char *dst,
			 unsigned words)
{
	struct addr a;
	uint8_t *at = put(k, words * 4);

	at[0] = (uint8_t)(0x40 | words);
	at[9] = proto;
	assert_int_equal(addr_parse(&a, src), 0);
	memcpy(at + 12, a.bytes, 4);
	assert_int_equal(addr_parse(&a, dst), 0);
	memcpy(at + 16, a.bytes, 4);
	return at;
}

static uint8_t *put_ipv6(struct packet *k, uint8_t next, const char *src, const char *dst)
{
	struct addr a;
	uint8_t *at = put(k, 40);

	at[0] = 0x60;
	at[6] = next;
	assert_int_equal(addr_parse(&a, src), 0);
	memcpy(at + 8, a.bytes, 16);
	assert_int_equal(addr_parse(&a, dst), 0);
	memcpy(at + 24, a.bytes, 16);
	return at;
}

static void put_ports(struct packet *k, unsigned sport, unsigned dport, size_t size)
{
	uint8_t *at = put(k, size);

	put_u16(at, sport);
	put_u16(at + 2, dport);
}

static void put_icmp(struct packet *k, unsigned type, unsigned code, unsigned id)
{
	uint8_t *at = put(k, 8);

	at[0] = (uint8_t)type;
	at[1] = (uint8_t)code;
	put_u16(at + 4, id);
}

/* len: in the header's unit. */
static void put_extension(struct packet *k, uint8_t next, uint8_t len, size_t size)
{
	uint8_t *at = put(k, size);

	at[0] = next;
	at[1] = len;
}

/* Decode from a heap block of exactly that size, so that the sanitizer detects a read past its
 * end. */
static int decode(struct stray_packet *p, const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	int ret;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	memset(p, 0, sizeof(*p));
	ret = nflog_decode_payload(p, copy, size);
	free(copy);
	return ret;
}

static void assert_tuple(const struct stray_packet *p, uint8_t proto, const char *src,
			 unsigned sport, const char *dst, unsigned dport)
{
	char text[ADDR_STRLEN];

	assert_int_equal(p->proto, proto);
	assert_string_equal(addr_format(&p->tuple.src, text), src);
	assert_string_equal(addr_format(&p->tuple.dst, text), dst);
	assert_int_equal(p->tuple.sport, sport);
	assert_int_equal(p->tuple.dport, dport);
}

static void test_ports(void **state)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP,
					 IPPROTO_DCCP};
	struct stray_packet p;

	(void)state;
	for (size_t i = 0; i < sizeof(protos); i++) {
		struct packet v4 = {.size = 0}, v6 = {.size = 0};

		put_ipv4(&v4, protos[i], "192.0.2.1", "198.51.100.2", 5);
		put_ports(&v4, 40000, 443, 20);
		assert_int_equal(decode(&p, v4.bytes, v4.size), 0);
		assert_tuple(&p, protos[i], "192.0.2.1", 40000, "198.51.100.2", 443);
		assert_false(p.is_icmp_error || p.is_icmp_reply);

		put_ipv6(&v6, protos[i], "2001:db8::1", "2001:db8::2");
		put_ports(&v6, 1, 65535, 8);
		assert_int_equal(decode(&p, v6.bytes, v6.size), 0);
		assert_tuple(&p, protos[i], "2001:db8::1", 1, "2001:db8::2", 65535);
	}
}

static void test_portless(void **state)
{
	struct packet k = {.size = 0};
	struct stray_packet p;

	(void)state;
	put_ipv4(&k, IPPROTO_ESP, "192.0.2.1", "198.51.100.2", 5);
	put_ports(&k, 40000, 443, 20);
	assert_int_equal(decode(&p, k.bytes, k.size), 0);
	assert_tuple(&p, IPPROTO_ESP, "192.0.2.1", 0, "198.51.100.2", 0);

	/* The other family's ICMP is any other protocol. */
	k.bytes[9] = IPPROTO_ICMPV6;
	assert_int_equal(decode(&p, k.bytes, k.size), 0);
	assert_tuple(&p, IPPROTO_ICMPV6, "192.0.2.1", 0, "198.51.100.2", 0);
}

static void test_ipv4_options(void **state)
{
	struct packet k = {.size = 0};
	struct stray_packet p;

	(void)state;
	put_ipv4(&k, IPPROTO_UDP, "192.0.2.1", "198.51.100.2", 15);
	put_ports(&k, 5000, 53, 8);
	assert_int_equal(decode(&p, k.bytes, k.size), 0);
	assert_tuple(&p, IPPROTO_UDP, "192.0.2.1", 5000, "198.51.100.2", 53);
}

static void test_ipv4_fragments(void **state)
{
	struct packet k = {.size = 0};
	struct stray_packet p;
	uint8_t *ip = put_ipv4(&k, IPPROTO_UDP, "192.0.2.1", "198.51.100.2", 5);

	(void)state;
	put_ports(&k, 5000, 53, 8);
	put_u16(ip + 6, 0x2000); /* more fragments, offset 0: the first has ports */
	assert_int_equal(decode(&p, k.bytes, k.size), 0);
	assert_tuple(&p, IPPROTO_UDP, "192.0.2.1", 5000, "198.51.100.2", 53);
	put_u16(ip + 6, 0x2001);
	assert_int_equal(decode(&p, k.bytes, k.size), 0);
	assert_tuple(&p, IPPROTO_UDP, "192.0.2.1", 0, "198.51.100.2", 0);
}

static void test_ipv6_extensions(void **state)
{
	struct packet k = {.size = 0};
	struct stray_packet p;

	(void)state;
	put_ipv6(&k, IPPROTO_HOPOPTS, "2001:db8::1", "2001:db8::2");
	put_extension(&k, IPPROTO_ROUTING, 0, 8);
	put_extension(&k, IPPROTO_DSTOPTS, 2, 24);
	put_extension(&k, IPPROTO_AH, 1, 16);
	put_extension(&k, IPPROTO_FRAGMENT, 4, 24); /* AH counts words of 4 bytes */
	put_extension(&k, IPPROTO_TCP, 0, 8);
	put_ports(&k, 1234, 80, 20);
	assert_int_equal(decode(&p, k.bytes, k.size), 0);
	assert_tuple(&p, IPPROTO_TCP, "2001:db8::1", 1234, "2001:db8::2", 80);
}

static void test_ipv6_fragments(void **state)
{
	struct packet k = {.size = 0};
	struct stray_packet p;

	(void)state;
	put_ipv6(&k, IPPROTO_FRAGMENT, "2001:db8::1", "2001:db8::2");
	put_extension(&k, IPPROTO_UDP, 0, 8);
	put_ports(&k, 1234, 80, 8);
	put_u16(k.bytes + 42, 1); /* more fragments, offset 0 */
	assert_int_equal(decode(&p, k.bytes, k.size), 0);
	assert_tuple(&p, IPPROTO_UDP, "2001:db8::1", 1234, "2001:db8::2", 80);
	put_u16(k.bytes + 42, 8);
	assert_int_equal(decode(&p, k.bytes, k.size), 0);
	assert_tuple(&p, IPPROTO_UDP, "2001:db8::1", 0, "2001:db8::2", 0);
}

struct query_case {
	uint8_t proto;
	unsigned request, reply;
};

static const struct query_case queries[] = {
	{IPPROTO_ICMP, 8, 0},	{IPPROTO_ICMP, 13, 14},	    {IPPROTO_ICMP, 15, 16},
	{IPPROTO_ICMP, 17, 18}, {IPPROTO_ICMPV6, 128, 129}, {IPPROTO_ICMPV6, 139, 140},
};

static void put_query(struct packet *k, const struct query_case *q, bool is_reply)
{
	const char *a = q->proto == IPPROTO_ICMP ? "192.0.2.1" : "2001:db8::1";
	const char *b = q->proto == IPPROTO_ICMP ? "192.0.2.2" : "2001:db8::2";

	if (q->proto == IPPROTO_ICMP)
		put_ipv4(k, q->proto, is_reply ? b : a, is_reply ? a : b, 5);
	else
		put_ipv6(k, q->proto, is_reply ? b : a, is_reply ? a : b);
	put_icmp(k, is_reply ? q->reply : q->request, 0, 77);
}

static void assert_query(const struct stray_packet *p, const struct query_case *q)
{
	assert_tuple(p, q->proto, q->proto == IPPROTO_ICMP ? "192.0.2.1" : "2001:db8::1", 77,
		     q->proto == IPPROTO_ICMP ? "192.0.2.2" : "2001:db8::2", q->request << 8);
}

static void test_icmp_queries(void **state)
{
	struct stray_packet p;

	(void)state;
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		struct packet request = {.size = 0}, reply = {.size = 0};

		put_query(&request, &queries[i], false);
		assert_int_equal(decode(&p, request.bytes, request.size), 0);
		assert_query(&p, &queries[i]);
		assert_false(p.is_icmp_reply || p.is_icmp_error);

		put_query(&reply, &queries[i], true);
		assert_int_equal(decode(&p, reply.bytes, reply.size), 0);
		assert_query(&p, &queries[i]);
		assert_true(p.is_icmp_reply && !p.is_icmp_error);
	}
}

static void test_icmp_other(void **state)
{
	struct packet k = {.size = 0};
	struct stray_packet p;

	(void)state;
	/* A neighbour solicitation has no identifier. */
	put_ipv6(&k, IPPROTO_ICMPV6, "fe80::1", "fe80::2");
	put_icmp(&k, 135, 0, 77);
	assert_int_equal(decode(&p, k.bytes, k.size), 0);
	assert_tuple(&p, IPPROTO_ICMPV6, "fe80::1", 0, "fe80::2", 135 << 8);
	assert_false(p.is_icmp_reply || p.is_icmp_error);
}

static void put_error(struct packet *k, bool is_ipv4, unsigned type)
{
	if (is_ipv4)
		put_ipv4(k, IPPROTO_ICMP, "203.0.113.9", "192.0.2.1", 5);
	else
		put_ipv6(k, IPPROTO_ICMPV6, "2001:db8:9::9", "2001:db8::1");
	put_icmp(k, type, 1, 0);
}

static void test_icmp_errors(void **state)
{
	static const unsigned v4_types[] = {3, 4, 5, 11, 12};
	struct stray_packet p;

	(void)state;
	for (size_t i = 0; i < sizeof(v4_types) / sizeof(v4_types[0]); i++) {
		struct packet k = {.size = 0};

		put_error(&k, true, v4_types[i]);
		put_ipv4(&k, IPPROTO_UDP, "192.0.2.1", "198.51.100.2", 6);
		put_ports(&k, 5000, 53, 8);
		assert_int_equal(decode(&p, k.bytes, k.size), 0);
		assert_tuple(&p, IPPROTO_UDP, "198.51.100.2", 53, "192.0.2.1", 5000);
		assert_true(p.is_icmp_error && !p.is_icmp_reply);
	}
	for (unsigned type = 1; type <= 4; type++) {
		struct packet k = {.size = 0};

		put_error(&k, false, type);
		put_ipv6(&k, IPPROTO_DSTOPTS, "2001:db8::1", "2001:db8::2");
		put_extension(&k, IPPROTO_TCP, 0, 8);
		put_ports(&k, 5000, 443, 20);
		assert_int_equal(decode(&p, k.bytes, k.size), 0);
		assert_tuple(&p, IPPROTO_TCP, "2001:db8::2", 443, "2001:db8::1", 5000);
		assert_true(p.is_icmp_error && !p.is_icmp_reply);
	}
}

/* An error about a request has the reply's direction, and vice versa. */
static void test_icmp_errors_of_queries(void **state)
{
	struct stray_packet p;

	(void)state;
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		bool is_ipv4 = queries[i].proto == IPPROTO_ICMP;
		struct packet request = {.size = 0}, reply = {.size = 0};

		put_error(&request, is_ipv4, is_ipv4 ? 11 : 3);
		put_query(&request, &queries[i], false);
		assert_int_equal(decode(&p, request.bytes, request.size), 0);
		assert_query(&p, &queries[i]);
		assert_true(p.is_icmp_error && p.is_icmp_reply);

		put_error(&reply, is_ipv4, is_ipv4 ? 11 : 3);
		put_query(&reply, &queries[i], true);
		assert_int_equal(decode(&p, reply.bytes, reply.size), 0);
		assert_query(&p, &queries[i]);
		assert_true(p.is_icmp_error && !p.is_icmp_reply);
	}
}

static void test_malformed(void **state)
{
	struct packet k = {.size = 0};
	struct stray_packet p;

	(void)state;
	put_ipv4(&k, IPPROTO_TCP, "192.0.2.1", "198.51.100.2", 5);
	put_ports(&k, 1, 2, 20);
	assert_int_equal(decode(&p, k.bytes, 0), -EBADMSG);
	k.bytes[0] = 0x44; /* a header of 16 bytes */
	assert_int_equal(decode(&p, k.bytes, k.size), -EBADMSG);
	k.bytes[0] = 0x55;
	assert_int_equal(decode(&p, k.bytes, k.size), -EBADMSG);
}

/* Every length of a packet: refused until the addresses are complete, then their tuple, then with
 * ports. addresses, ports: the size from which they are complete. */
static void assert_cuts(const struct packet *k, size_t addresses, size_t ports)
{
	struct stray_packet whole, p;

	assert_int_equal(decode(&whole, k->bytes, k->size), 0);
	for (size_t size = 0; size <= k->size; size++) {
		int ret = decode(&p, k->bytes, size);

		assert_int_equal(ret, size < addresses ? -EBADMSG : 0);
		if (ret)
			continue;
		assert_true(addr_is_equal(&p.tuple.src, &whole.tuple.src));
		assert_true(addr_is_equal(&p.tuple.dst, &whole.tuple.dst));
		assert_int_equal(p.tuple.sport, size < ports ? 0 : whole.tuple.sport);
		assert_int_equal(p.tuple.dport, size < ports ? 0 : whole.tuple.dport);
	}
}

static void test_cuts(void **state)
{
	struct packet v4 = {.size = 0}, v6 = {.size = 0}, error = {.size = 0};

	(void)state;
	put_ipv4(&v4, IPPROTO_TCP, "192.0.2.1", "198.51.100.2", 8);
	put_ports(&v4, 40000, 443, 20);
	assert_cuts(&v4, 20, 36);

	put_ipv6(&v6, IPPROTO_HOPOPTS, "2001:db8::1", "2001:db8::2");
	put_extension(&v6, IPPROTO_AH, 0, 8);
	put_extension(&v6, IPPROTO_FRAGMENT, 4, 24);
	put_extension(&v6, IPPROTO_UDP, 0, 8);
	put_ports(&v6, 40000, 443, 8);
	assert_cuts(&v6, 40, 84);

	/* From the error's first byte on, only the embedded packet counts. */
	put_error(&error, true, 3);
	put_ipv4(&error, IPPROTO_UDP, "192.0.2.1", "198.51.100.2", 5);
	put_ports(&error, 5000, 53, 8);
	for (size_t size = 21; size < error.size; size++) {
		struct stray_packet p;
		int ret = decode(&p, error.bytes, size);

		assert_int_equal(ret, size < 48 ? -EBADMSG : 0);
		assert_int_equal(p.tuple.sport, size < 52 ? 0 : 53);
	}
}

/* Random bytes; the printed seed repeats them. */
static void test_random(void **state)
{
	const char *given = getenv("WAYMARK_TEST_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);
	static const uint8_t interesting[] = {0, 1, 6, 17, 43, 44, 51, 58, 60, 0x45, 0x60};

	(void)state;
	print_message("seed: WAYMARK_TEST_SEED=%u\n", seed);
	srandom(seed);
	for (int round = 0; round < 100000; round++) {
		uint8_t bytes[160];
		size_t size = (size_t)random() % (sizeof(bytes) + 1);
		struct stray_packet p;
		int ret;

		for (size_t i = 0; i < size; i++)
			bytes[i] = random() % 3
					   ? (uint8_t)random()
					   : interesting[(size_t)random() % sizeof(interesting)];
		if (size)
			bytes[0] = random() % 2 ? 0x45 : 0x60;
		ret = decode(&p, bytes, size);
		assert_true(ret == 0 || ret == -EBADMSG);
		if (ret == 0)
			assert_true(p.tuple.src.family && p.tuple.src.family == p.tuple.dst.family);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_portless),
		cmocka_unit_test(test_ipv4_options),
		cmocka_unit_test(test_ipv4_fragments),
		cmocka_unit_test(test_ipv6_extensions),
		cmocka_unit_test(test_ipv6_fragments),
		cmocka_unit_test(test_icmp_queries),
		cmocka_unit_test(test_icmp_other),
		cmocka_unit_test(test_icmp_errors),
		cmocka_unit_test(test_icmp_errors_of_queries),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
