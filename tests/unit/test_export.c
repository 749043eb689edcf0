/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_export.c - proves the pure parts of waymark-export: waits, batches, encodings, IPFIX octets,
 * the state file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "export/backoff.h"
#include "export/body.h"
#include "export/encode.h"
#include "export/gap_row.h"
#include "export/ipfix_message.h"
#include "export/progress.h"
#include "export/schema.h"
#include "waymark/store/export_state.h"

/* --- waits ------------------------------------------------------------------------ */

/* The wait doubles, stays between half and all of its step, and ends at five minutes. */
static void backoff_doubles_to_five_minutes(void **state)
{
	int64_t step = BACKOFF_FIRST_MS;

	(void)state;
	for (unsigned failures = 1; failures < 40; failures++) {
		for (uint32_t chance = 0; chance < 5; chance++) {
			int64_t wait = backoff_ms(failures, chance * 1073741823u);

			assert_in_range(wait, step / 2, step);
		}
		step = step * 2 < BACKOFF_MAX_MS ? step * 2 : BACKOFF_MAX_MS;
	}
	assert_int_equal(backoff_ms(1, 0), 500);
	assert_int_equal(backoff_ms(1000000, 0), 150000);
	assert_true(backoff_ms(9, 1) != backoff_ms(9, 100000));
}

/* A full batch is due at once, a part of one within a minute, an urgent one within two
 * seconds; nothing pending is never due. */
static void pace_waits_for_a_batch(void **state)
{
	struct pace p = {0};

	(void)state;
	assert_false(pace_is_due(&p, 0, false, 1000, 0));
	assert_false(pace_is_due(&p, 1, false, 1000, 0));
	assert_false(pace_is_due(&p, BATCH_ROWS - 1, false, 30000, 0));
	assert_true(pace_is_due(&p, BATCH_ROWS, false, 30000, 0));
	assert_true(pace_is_due(&p, 1, false, 61000, 0));
	pace_restart(&p);
	assert_false(pace_is_due(&p, 1, false, 61000, 0));
	assert_false(pace_is_due(&p, 0, false, 200000, 0));
	assert_false(pace_is_due(&p, 1, true, 200000, 0));
	assert_true(pace_is_due(&p, 1, true, 202000, 0));
	pace_restart(&p);
	assert_false(pace_is_due(&p, 1, false, 1000, 14999));
	assert_true(pace_is_due(&p, 1, false, 46001, 0));
}

/* --- encodings ---------------------------------------------------------------------- */

static const struct feed_column lab_columns[] = {
	{"id", FEED_ID, false},	    {"time", FEED_TIME, true},	{"bytes", FEED_COUNT, true},
	{"share", FEED_REAL, true}, {"word", FEED_WORD, false}, {"text", FEED_TEXT, true},
};
static const struct feed_table lab_table = {
	.name = "lab", .columns = lab_columns, .n_columns = 6, .day = "time", .time = "time"};
static const struct export_origin lab_origin = {"gw\t1", "h"};

static const struct feed_value lab_values[] = {
	{.kind = FEED_VALUE_INTEGER, .integer = -7},
	{.kind = FEED_VALUE_INTEGER, .integer = 1772366400123LL},
	{.kind = FEED_VALUE_INTEGER, .integer = -1}, /* 2^64 - 1 */
	{.kind = FEED_VALUE_REAL, .real = 0.25},
	{.kind = FEED_VALUE_NULL},
	{.kind = FEED_VALUE_TEXT, .text = "=a\t\"\\\n\xff,\xc3\xa4", .size = 10},
};
static const struct feed_row lab_row = {
	.position = 3, .id = -7, .version = 9, .values = lab_values};

static void body_expect(struct body *b, const char *text)
{
	const char *bytes;
	size_t size;
	char *copy;

	assert_int_equal(body_finish(b, &bytes, &size), 0);
	copy = strndup(bytes, size);
	assert_string_equal(copy, text);
	free(copy);
	body_free(b);
}

static void tsv_escapes(void **state)
{
	struct body *b = body_new(false);

	(void)state;
	encode_tsv(b, &lab_origin, &lab_table, &lab_row);
	body_expect(b, "gw\\t1\th\t-7\t1772366400123\t18446744073709551615\t0.25\t\t"
		       "=a\\t\"\\\\\\n\xff,\xc3\xa4\t9\n");
	b = body_new(false);
	encode_tsv_names(b, &lab_table);
	body_expect(b, "router, history, id, time_ms, bytes, share, word, text, row_version");
}

static void json_is_utf8(void **state)
{
	struct body *b = body_new(false);

	(void)state;
	encode_json(b, &lab_origin, &lab_table, &lab_row);
	body_expect(b,
		    "{\"table\":\"lab\",\"router\":\"gw\\u00091\",\"history\":\"h\",\"id\":-7,"
		    "\"time\":\"2026-03-01T12:00:00.123Z\",\"time_ms\":1772366400123,"
		    "\"bytes\":18446744073709551615,\"share\":0.25,\"word\":null,"
		    "\"text\":\"=a\\u0009\\\"\\\\\\u000a\\ufffd,\xc3\xa4\",\"row_version\":9}\n");
}

static void csv_executes_nothing(void **state)
{
	struct body *b = body_new(false);

	(void)state;
	encode_csv_names(b, &lab_table);
	encode_csv(b, &lab_origin, &lab_table, &lab_row);
	body_expect(b, "router,history,id,time,time_ms,bytes,share,word,text,row_version\n"
		       "gw\t1,h,-7,2026-03-01T12:00:00.123Z,1772366400123,18446744073709551615,"
		       "0.25,,\"'=a\t\"\"\\\n\xff,\xc3\xa4\",9\n");
}

/* Compressed text can be decompressed, also after the body was used before, and finishing twice
 * changes nothing. */
static void gzip_comes_back(void **state)
{
	struct body *b = body_new(true);
	const char *bytes, *again;
	size_t size, size_again;
	char line[32], *out = malloc(4000000);
	z_stream z = {0};

	(void)state;
	for (int round = 0; round < 2; round++) {
		body_restart(b);
		for (int i = 0; i < 100000; i++) {
			snprintf(line, sizeof(line), "%d row of round %d\n", i, round);
			body_puts(b, line);
		}
		assert_int_equal(body_finish(b, &bytes, &size), 0);
	}
	assert_int_equal(body_finish(b, &again, &size_again), 0);
	assert_int_equal(size, size_again);
	assert_true(size < 1000000);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (Bytef *)bytes;
	z.avail_in = (uInt)size;
	z.next_out = (Bytef *)out;
	z.avail_out = 4000000;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	out[z.total_out] = '\0';
	assert_memory_equal(out, "0 row of round 1\n1 row", 22);
	assert_non_null(strstr(out, "\n99999 row of round 1\n"));
	inflateEnd(&z);
	free(out);
	body_free(b);
}

/* --- IPFIX -------------------------------------------------------------------------- */

static const struct ipfix_flow lab_flow = {
	.id = 0x0102030405060708,
	.started_ms = 1772366400000,
	.ended_ms = 1772366401500,
	.src = {AF_INET, {192, 168, 1, 10}},
	.dst = {AF_INET, {203, 0, 113, 10}},
	.nat_src = {AF_INET, {198, 51, 100, 5}},
	.nat_dst = {AF_INET, {203, 0, 113, 10}},
	.sport = 40000,
	.dport = 443,
	.nat_sport = 1024,
	.nat_dport = 443,
	.proto = IPPROTO_TCP,
	.ingress = 2,
	.egress = 3,
	.bytes = {1000, 9000},
	.packets = {10, 12},
	.end = IPFIX_END_DETECTED,
	.mark = 2,
	.version = 77,
	.uplink = "wan1",
	.verdict = "ok",
	.reason = "",
	.egress_names = "eth1",
	.egress_reply_names = "",
	.router = "gw1",
	.history = "h",
};

/* A record of a translated TCP flow, decoded by hand from RFC 7011, section 3. */
static void ipfix_octets(void **state)
{
	static const uint8_t
		wanted[] =
			{
				0,    10,   0,	 144,  0x69, 0xa4, 0x2b, 0xc0,
				0,    0,    0,	 7,    0,    0,	   0,	 5,    /* header */
				1,    4,    0,	 128,			       /* set 260 */
				1,    2,    3,	 4,    5,    6,	   7,	 8,    /* flowId */
				0,    0,    1,	 0x9c, 0xa9, 0x45, 0x0a, 0x00, /* start */
				0,    0,    1,	 0x9c, 0xa9, 0x45, 0x0f, 0xdc, /* end */
				192,  168,  1,	 10,   203,  0,	   113,	 10,   /* addresses */
				0x9c, 0x40, 1,	 0xbb, 6,		       /* ports, TCP */
				0,    0,    0,	 2,    0,    0,	   0,	 3,    /* interfaces */
				0,    0,    0,	 0,    0,    0,	   3,	 0xe8,
				0,    0,    0,	 0,    0,    0,	   0,	 10, /* there */
				0,    0,    0,	 0,    0,    0,	   0x23, 0x28,
				0,    0,    0,	 0,    0,    0,	   0,	 12, /* back */
				3,    1,				     /* end, initiator */
				198,  51,   100, 5,    203,  0,	   113,	 10,
				4,    0,    1,	 0xbb, /* after NAT */
				0,    0,    0,	 2,    4,    'w',  'a',	 'n',
				'1',  2,    'o', 'k',  0, /* mark, uplink ... */
				4,    'e',  't', 'h',  '1',  0,	   3,	 'g',
				'w',  '1',  1,	 'h',			     /* egress ... */
				0,    0,    0,	 0,    0,    0,	   0,	 77, /* version */
			};
	struct ipfix_writer w = {.domain = 5, .pen = 32473};

	(void)state;
	ipfix_put_flow(&w, &lab_flow);
	assert_int_equal(w.error, 0);
	assert_int_equal(ipfix_stamp(w.bytes, 0x69a42bc0, 7), 8);
	assert_int_equal(w.size, sizeof(wanted));
	assert_int_equal(ipfix_length(w.bytes), sizeof(wanted));
	assert_memory_equal(w.bytes, wanted, sizeof(wanted));
	ipfix_free(&w);
}

static unsigned number16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* The length that a template of the messages gives a record without variable fields;
 * 0: there is no such template. */
static unsigned template_length(const struct ipfix_writer *w, unsigned id)
{
	for (size_t m = 0; m < w->size; m += ipfix_length(w->bytes + m)) {
		const uint8_t *at = w->bytes + m + 20,
			      *end = w->bytes + m + ipfix_length(w->bytes + m);

		while (at < end) {
			unsigned this = number16(at), n = number16(at + 2), length = 0;

			at += 4;
			while (n--) {
				length += number16(at + 2);
				at += number16(at) & 0x8000 ? 8 : 4;
			}
			if (this == id)
				return length;
		}
	}
	return 0;
}

/* Each record has the length that its template gives, for both families, with and without
 * translation and ports; no message is longer than a frame. */
static void ipfix_templates_fit(void **state)
{
	struct ipfix_writer templates = {.domain = 1};

	(void)state;
	ipfix_put_templates(&templates);
	for (unsigned shape = 0; shape < 8; shape++) {
		struct ipfix_writer w = {.domain = 1};
		struct ipfix_flow f = lab_flow;

		f.src.family = f.dst.family = shape & 1 ? AF_INET6 : AF_INET;
		f.proto = shape & 2 ? shape & 1 ? IPPROTO_ICMPV6 : IPPROTO_ICMP : IPPROTO_UDP;
		f.nat_src.family = shape & 4 ? f.src.family : AF_UNSPEC;
		for (int i = 0; i < 50; i++)
			ipfix_put_flow(&w, &f);
		assert_int_equal(number16(w.bytes + 16), 256 + shape);
		assert_int_equal(
			(ipfix_length(w.bytes) - 20) % template_length(&templates, 256 + shape), 0);
		for (size_t m = 0; m < w.size; m += ipfix_length(w.bytes + m))
			assert_in_range(ipfix_length(w.bytes + m), 100, IPFIX_MESSAGE_BYTES);
		ipfix_free(&w);
	}
	for (size_t m = 0; m < templates.size; m += ipfix_length(templates.bytes + m))
		assert_in_range(ipfix_length(templates.bytes + m), 20, IPFIX_MESSAGE_BYTES);
	ipfix_free(&templates);
}

/* The sequence number counts records, not messages (RFC 7011, 3.1). */
static void ipfix_counts_records(void **state)
{
	struct ipfix_writer w = {.domain = 1};
	uint32_t sequence = 100;

	(void)state;
	for (int i = 0; i < 30; i++)
		ipfix_put_flow(&w, &lab_flow);
	for (size_t m = 0; m < w.size; m += ipfix_length(w.bytes + m))
		sequence = ipfix_stamp(w.bytes + m, 1, sequence);
	assert_int_equal(sequence, 130);
	ipfix_free(&w);
}

/* --- the state file ----------------------------------------------------------------- */

static char folder[] = "/tmp/waymark-test-export-XXXXXX", path[64];

static int folder_make(void **state)
{
	(void)state;
	strcpy(strrchr(folder, '-') + 1, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/state", folder);
	return 0;
}

static int folder_remove(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void state_fill(struct export_state *s, int64_t position)
{
	struct export_state_target *t;

	memset(s, 0, sizeof(*s));
	snprintf(s->router, sizeof(s->router), "gw1");
	t = export_state_target(s, "clickhouse");
	snprintf(t->history, sizeof(t->history), "uuid");
	snprintf(t->error, sizeof(t->error), "status 500");
	t->batches = 3;
	for (int i = 0; i < FEED_TABLES; i++)
		t->tables[i] = (struct export_state_table){.position = position + i,
							   .seen = position + 9,
							   .time_ms = 5,
							   .sent = position + i + 4,
							   .sent_changes = 4,
							   .sent_missing = 2,
							   .changes = 8,
							   .rows = 6,
							   .missing = 7};
	export_state_target(s, "file");
}

static void state_comes_back(void **state)
{
	struct export_state s, back;

	(void)state;
	assert_int_equal(export_state_load(&back, path), 0);
	assert_int_equal(back.n_targets, 0);
	state_fill(&s, INT64_C(1) << 53);
	assert_int_equal(export_state_save(&s, path), 0);
	assert_int_equal(export_state_load(&back, path), 0);
	assert_int_equal(back.n_targets, 2);
	assert_memory_equal(back.targets[0].tables, s.targets[0].tables,
			    sizeof(s.targets[0].tables));
	assert_string_equal(back.targets[0].history, "uuid");
	assert_string_equal(back.targets[0].error, "status 500");
}

/* Any part of the file that a torn write leaves is refused. */
static void state_torn_is_refused(void **state)
{
	struct export_state s, back;
	struct stat info;

	(void)state;
	state_fill(&s, 10);
	assert_int_equal(export_state_save(&s, path), 0);
	assert_int_equal(stat(path, &info), 0);
	while (info.st_size--) {
		assert_int_equal(truncate(path, info.st_size), 0);
		assert_int_equal(export_state_load(&back, path), -EBADMSG);
	}
}

static void state_flipped_is_refused(void **state)
{
	struct export_state s, back;
	struct stat info;

	(void)state;
	state_fill(&s, 10);
	for (off_t at = 0;; at++) {
		int fd;
		char byte;

		assert_int_equal(export_state_save(&s, path), 0);
		assert_int_equal(stat(path, &info), 0);
		if (at == info.st_size)
			return;
		fd = open(path, O_RDWR);
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 4;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		close(fd);
		assert_int_equal(export_state_load(&back, path), -EBADMSG);
	}
}

/* On a full disk the former state stays complete. */
static void state_survives_a_full_disk(void **state)
{
	struct export_state s, back;
	char fill[80];
	FILE *file;

	(void)state;
	if (mount("none", folder, "tmpfs", 0, "size=16k") < 0)
		skip();
	state_fill(&s, 10);
	assert_int_equal(export_state_save(&s, path), 0);
	snprintf(fill, sizeof(fill), "%s/fill", folder);
	file = fopen(fill, "w");
	while (fputs("all that fits ", file) >= 0 && fflush(file) == 0)
		;
	fclose(file);
	state_fill(&s, 20);
	assert_int_equal(export_state_save(&s, path), -ENOSPC);
	assert_int_equal(export_state_load(&back, path), 0);
	assert_int_equal(back.targets[0].tables[0].position, 10);
	unlink(fill);
	assert_int_equal(export_state_save(&s, path), 0);
	assert_int_equal(export_state_load(&back, path), 0);
	assert_int_equal(back.targets[0].tables[0].position, 20);
	umount(folder);
}

/* --- the exporter's own rows, DDL, progress -------------------------------------------------- */

/* A gap that grows keeps its id and gets a higher version. */
static void gap_that_grows_replaces_itself(void **state)
{
	struct missing m = {.table = FEED_FLOWS,
			    .first = 101,
			    .last = 200,
			    .count = 100,
			    .first_id = 7,
			    .last_id = 90,
			    .why = "pruned"};
	struct made_row a, b;

	(void)state;
	gap_row_make(&a, &m);
	m.last = 300;
	m.first_id = 0;
	gap_row_make(&b, &m);
	assert_int_equal(a.row.id, b.row.id);
	assert_true(b.row.version > a.row.version);
	assert_string_equal(a.text, "pruned: table flows, ids 7 to 90");
	assert_string_equal(b.text, "pruned: table flows, changes 101 to 300 of the history");
	m.last = 0;
	gap_row_make(&a, &m);
	assert_string_equal(a.text,
			    "pruned: table flows, all changes of the history from number 101 on");
	assert_int_equal(a.row.id, b.row.id);
	assert_true(a.row.version > b.row.version);
	m.last = 300;
	m.table = FEED_MISMATCHES;
	gap_row_make(&b, &m);
	assert_true(a.row.id != b.row.id);
	gap_row_make(&a, &m);
	m.count++;
	gap_row_make(&b, &m);
	assert_int_equal(a.row.id, b.row.id);
	assert_true(b.row.version > a.row.version);
	m.kind = MISSING_UNSURE;
	gap_row_make(&a, &m);
	assert_true(a.row.id != b.row.id);
}

static char *schema_text(const struct schema_options *o)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	schema_print(out, o);
	fclose(out);
	return text;
}

static void schema_follows_the_dialect(void **state)
{
	struct schema_options o = {.database = "waymark"};
	char *text = schema_text(&o);

	(void)state;
	assert_non_null(strstr(text, "src Nullable(IPv6)"));
	assert_non_null(strstr(text, "DateTime64(3, 'UTC')"));
	assert_non_null(strstr(text, "INDEX nat_src_index nat_src TYPE bloom_filter"));
	assert_non_null(strstr(text, "ENGINE = ReplacingMergeTree(row_version)"));
	assert_non_null(strstr(text, "ORDER BY (row_hour, router, id, history)\n"));
	assert_null(strstr(text, "CLUSTER"));
	assert_non_null(strstr(text, "nat_key UInt32 ALIAS"));
	free(text);
	o = (struct schema_options){"fleet", "all", SCHEMA_18};
	text = schema_text(&o);
	assert_non_null(strstr(text, "src Nullable(String)"));
	assert_null(strstr(text, "DateTime64"));
	assert_null(strstr(text, "LowCardinality"));
	assert_null(strstr(text, "INDEX"));
	assert_non_null(strstr(text, "row_hour UInt32 DEFAULT intDiv(ifNull(started_ms, 0), "
				     "3600000)"));
	assert_non_null(strstr(text, "nat_key UInt32 DEFAULT"));
	assert_non_null(strstr(text, "SETTINGS index_granularity = 2048;"));
	assert_non_null(
		strstr(text, "CREATE TABLE IF NOT EXISTS fleet.flows_local ON CLUSTER all"));
	assert_non_null(strstr(text, "Distributed(all, fleet, flows_local, cityHash64(router))"));
	free(text);
	assert_int_equal(schema_name_check("a_1"), 0);
	assert_int_equal(schema_name_check("a b"), -EINVAL);
	assert_int_equal(schema_name_check(""), -EINVAL);
}

static void progress_says_what_is_left(void **state)
{
	char line[160];

	(void)state;
	progress_line(line, sizeof(line), 500, 2000, 500, 2000);
	assert_string_equal(line, "[#####...............] 500 of 2000 changes (25 %), "
				  "250 per second, 0:06 left");
	progress_line(line, sizeof(line), 0, 0, 0, 0);
	assert_string_equal(line, "[####################] 0 of 0 changes (100 %), "
				  "0 per second, 0:00 left");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backoff_doubles_to_five_minutes),
		cmocka_unit_test(pace_waits_for_a_batch),
		cmocka_unit_test(tsv_escapes),
		cmocka_unit_test(json_is_utf8),
		cmocka_unit_test(csv_executes_nothing),
		cmocka_unit_test(gzip_comes_back),
		cmocka_unit_test(ipfix_octets),
		cmocka_unit_test(ipfix_templates_fit),
		cmocka_unit_test(ipfix_counts_records),
		cmocka_unit_test_setup_teardown(state_comes_back, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(state_torn_is_refused, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(state_flipped_is_refused, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(state_survives_a_full_disk, folder_make,
						folder_remove),
		cmocka_unit_test(gap_that_grows_replaces_itself),
		cmocka_unit_test(schema_follows_the_dialect),
		cmocka_unit_test(progress_says_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
