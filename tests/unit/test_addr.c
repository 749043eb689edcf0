/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_addr.c - proves that addresses are read and written as RFC 5952 demands; prefixes, order,
 * and a randomized round trip (seed printed; WAYMARK_SEED repeats it).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "waymark/base/addr.h"

/* Section numbers are RFC 5952's. */
static const struct {
	const char *text, *canonical;
} forms[] = {
	{"0.0.0.0", "0.0.0.0"},
	{"192.168.1.1", "192.168.1.1"},
	{"255.255.255.255", "255.255.255.255"},
	{"::", "::"},
	{"::1", "::1"},
	{"1::", "1::"},
	{"0:0:0:0:0:0:0:1", "::1"},
	{"2001:0db8::0001", "2001:db8::1"},		  /* 4.1 */
	{"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},	  /* 4.2.1 */
	{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* 4.2.2 */
	{"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  /* 4.2.2 */
	{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},	  /* 4.2.3 */
	{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},	  /* 4.2.3 */
	{"2001:DB8:AAAA:BBBB:CCCC:DDDD:EEEE:AAAA",
	 "2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa"}, /* 4.3 */
	{"::ffff:192.0.2.1", "::ffff:192.0.2.1"},   /* 5 */
	{"::ffff:c000:201", "::ffff:192.0.2.1"},    /* 5 */
	{"::192.0.2.1", "::c000:201"},
	{"64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
	{"1:0:0:2:3:4:5:0", "1::2:3:4:5:0"},
	{"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
	{"0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"},
	{"0:2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
	{"fe80::1", "fe80::1"},
};

static void test_forms(void **state)
{
	char buf[ADDR_STRLEN];
	struct addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		assert_int_equal(addr_parse(&a, forms[i].text), 0);
		assert_string_equal(addr_format(&a, buf), forms[i].canonical);
	}
}

static void test_not_addresses(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"1",
		"1.2.3",
		"1.2.3.4.5",
		"256.1.1.1",
		"1.2.3.4 ",
		" 1.2.3.4",
		"01.2.3.4",
		"1.2.3.4/24",
		":",
		":::",
		"1::2::3",
		"12345::",
		"g::",
		"fe80::1%eth0",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"none",
		"::1.2.3.4.5",
	};
	struct addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_not_equal(addr_parse(&a, texts[i]), 0);
}

static void test_none(void **state)
{
	static const uint8_t bytes[16] = {1, 2, 3};
	char buf[ADDR_STRLEN];
	struct addr a;

	(void)state;
	addr_set(&a, AF_UNSPEC, bytes);
	assert_true(addr_is_none(&a));
	assert_string_equal(addr_format(&a, buf), "");
	addr_set(&a, AF_INET, bytes);
	assert_false(addr_is_none(&a));
	assert_int_equal(a.bytes[4], 0);
	assert_int_equal(addr_size(AF_INET), 4);
	assert_int_equal(addr_size(AF_INET6), 16);
	assert_int_equal(addr_size(AF_UNIX), 0);
}

static void test_order(void **state)
{
	static const char *const ascending[] = {"0.0.0.0", "1.2.3.4", "1.2.4.0", "255.0.0.0",
						"::",	   "::1",     "fe80::1", "ff02::1"};
	const size_t n = sizeof(ascending) / sizeof(ascending[0]);
	struct addr a, b;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			addr_parse(&a, ascending[i]);
			addr_parse(&b, ascending[k]);
			assert_int_equal(addr_compare(&a, &b) < 0, i < k);
			assert_int_equal(addr_compare(&a, &b) > 0, i > k);
			assert_int_equal(addr_is_equal(&a, &b), i == k);
		}
	}
}

static unsigned seed_choose(void)
{
	const char *text = getenv("WAYMARK_SEED");
	unsigned seed = text ? (unsigned)strtoul(text, NULL, 10) : (unsigned)time(NULL);

	print_message("seed %u\n", seed);
	return seed;
}

/* Any address that is written and read again is unchanged, and the C library reads it alike. Words
 * are often 0, so that "::" occurs at every place. */
static void test_round_trip(void **state)
{
	char buf[ADDR_STRLEN];
	uint8_t bytes[16], theirs[16];
	struct addr a, b;

	(void)state;
	srandom(seed_choose());
	for (int n = 0; n < 20000; n++) {
		int family = n % 3 ? AF_INET6 : AF_INET;

		for (int i = 0; i < 16; i++)
			bytes[i] = (uint8_t)random();
		for (int i = 0; i < 16; i += 2)
			if (random() & 1)
				memset(bytes + i, 0, 2);
		addr_set(&a, family, bytes);
		addr_format(&a, buf);
		assert_int_equal(addr_parse(&b, buf), 0);
		assert_true(addr_is_equal(&a, &b));
		assert_int_equal(inet_pton(family, buf, theirs), 1);
		assert_memory_equal(theirs, bytes, addr_size(family));
	}
}

static void test_prefixes(void **state)
{
	static const struct {
		const char *text, *truncated;
	} cases[] = {
		{"192.168.1.10/24", "192.168.1.0/24"},
		{"192.168.1.255/25", "192.168.1.128/25"},
		{"10.1.2.3/0", "0.0.0.0/0"},
		{"10.1.2.3/32", "10.1.2.3/32"},
		{"10.1.2.3", "10.1.2.3/32"},
		{"10.255.2.3/9", "10.128.0.0/9"},
		{"2001:db8::1/64", "2001:db8::/64"},
		{"fe80::ffff/127", "fe80::fffe/127"},
		{"::1", "::1/128"},
		{"ffff::1/0", "::/0"},
		{"2001:db8:ffff::/33", "2001:db8:8000::/33"},
	};
	char buf[PREFIX_STRLEN];
	struct prefix p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(prefix_parse(&p, cases[i].text), 0);
		if (strchr(cases[i].text, '/'))
			assert_string_equal(prefix_format(&p, buf), cases[i].text);
		prefix_truncate(&p);
		assert_string_equal(prefix_format(&p, buf), cases[i].truncated);
	}
}

static void test_not_prefixes(void **state)
{
	static const char *const texts[] = {
		"",
		"/",
		"/24",
		"1.2.3.4/",
		"1.2.3.4/33",
		"1.2.3.4/-1",
		"1.2.3.4/+1",
		"1.2.3.4/ 1",
		"1.2.3.4/024",
		"1.2.3.4/24/24",
		"1.2.3.4/24 ",
		"::/129",
		"::/1280",
		"1.2.3.4/0x8",
		"1.2.3/24",
		"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/64",
	};
	struct prefix p = {.len = 77};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_not_equal(prefix_parse(&p, texts[i]), 0);
	assert_int_equal(p.len, 77);
}

static void test_contains(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool is_in;
	} cases[] = {
		{"192.168.1.0/24", "192.168.1.255", true},
		{"192.168.1.0/24", "192.168.2.0", false},
		{"192.168.1.77/24", "192.168.1.1", true},
		{"0.0.0.0/0", "8.8.8.8", true},
		{"0.0.0.0/0", "::1", false},
		{"::/0", "1.2.3.4", false},
		{"10.0.0.0/9", "10.127.0.1", true},
		{"10.0.0.0/9", "10.128.0.1", false},
		{"fe80::/10", "febf::1", true},
		{"fe80::/10", "fec0::1", false},
		{"::1", "::1", true},
		{"::1", "::2", false},
	};
	struct prefix p, q;
	struct addr a, none = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		prefix_parse(&p, cases[i].prefix);
		addr_parse(&a, cases[i].addr);
		assert_int_equal(prefix_contains(&p, &a), cases[i].is_in);
		assert_false(prefix_contains(&p, &none));
		q = p;
		assert_true(prefix_is_equal(&p, &q));
		q.len ^= 1;
		assert_false(prefix_is_equal(&p, &q));
	}
}

static void test_address_with_port(void **state)
{
	static const struct {
		const char *text, *address;
		int port; /* -2: refused */
	} cases[] = {
		{"192.0.2.1:80", "192.0.2.1", 80},
		{"192.0.2.1", "192.0.2.1", -1},
		{"[2001:db8::1]:443", "2001:db8::1", 443},
		{"2001:db8::1", "2001:db8::1", -1},
		{"192.0.2.1:65536", NULL, -2},
		{"192.0.2.1:", NULL, -2},
		{"[2001:db8::1]", NULL, -2},
		{"192.0.2.1:8x", NULL, -2},
		{"host:80", NULL, -2},
		{":80", NULL, -2},
	};
	char buf[ADDR_STRLEN];
	struct addr a;
	int32_t port;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int err = addr_port_parse(&a, &port, cases[i].text);

		assert_int_equal(err, cases[i].port == -2 ? -EINVAL : 0);
		if (err)
			continue;
		assert_string_equal(addr_format(&a, buf), cases[i].address);
		assert_int_equal(port, cases[i].port);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_not_addresses),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_not_prefixes),
		cmocka_unit_test(test_contains),
		cmocka_unit_test(test_address_with_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
