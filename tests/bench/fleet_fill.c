/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fleet_fill.c - inserts the rows of many routers into ClickHouse with the target of waymark-export,
 * as many exporters at once would, and prints the rate. For measurements; not part of "make check".
 *
 *	fleet_fill URL TABLE ROUTERS ROWS BATCH THREADS
 *
 * Each router (gw1, gw2, ...) gets ROWS rows of one table, spread evenly over the last day, in
 * batches of at most BATCH rows. A batch has the rows of one router; the routers take turns.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "export/gap_row.h"
#include "export/target.h"

#define DAY_MS	    INT64_C(86400000)
#define COLUMNS_MAX 48
#define THREADS_MAX 64

/* What is the same for all threads. */
static struct {
	struct config *config;
	const struct feed_table *table;
	int64_t begin_ms, rows, batch;
	unsigned routers, threads;
} plan;

struct worker {
	pthread_t thread;
	unsigned number;
	uint64_t random;
	int64_t rows, inserts;
	int error;
};

/* The row that is being made. */
struct fake_row {
	unsigned router, slot;
	int64_t id, time_ms;
	bool is_odd; /* a mismatch, an uplink that is down, an alert that is not over */
	uint64_t random;
	char text[COLUMNS_MAX][48];
	struct feed_value values[COLUMNS_MAX];
};

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* --- values --------------------------------------------------------------------------- */

static struct feed_value integer(int64_t number)
{
	return (struct feed_value){.kind = FEED_VALUE_INTEGER, .integer = number};
}

static struct feed_value text(const char *t)
{
	return (struct feed_value){.kind = FEED_VALUE_TEXT, .text = t, .size = strlen(t)};
}

static struct feed_value null(void)
{
	return (struct feed_value){.kind = FEED_VALUE_NULL};
}

static struct feed_value address(uint32_t number, char *to, size_t size)
{
	struct in_addr a = {htonl(number)};

	inet_ntop(AF_INET, &a, to, (socklen_t)size);
	return text(to);
}

static struct feed_value address_make(const struct fake_row *r, const char *name, char *to,
				      size_t size)
{
	uint32_t dice = (uint32_t)(r->random >> 8);

	if (strcmp(name, "src") == 0)
		return address(0xc0a80100 + dice % 200, to, size);
	if (strcmp(name, "nat_src") == 0)
		return address((r->slot ? 0xc6336400 : 0xcb007100) + r->router, to, size);
	/* half of the flows have one of 200 destinations */
	return address(dice % 2 ? 0x08000000 + dice / 2 % 200 * 77777 : dice ^ 0x5a5a5a5a, to,
		       size);
}

struct word {
	const char *table, *column, *usual, *odd; /* table NULL: any */
};

static const struct word words[] = {
	{"flows", "state", "ended", "ended"},
	{"uplink_states", "state", "up", "down"},
	{"alerts", "state", "over", "raised"},
	{NULL, "proto", "tcp", "udp"},
	{NULL, "ingress", NULL, NULL},
	{NULL, "egress_reply", NULL, NULL},
	{NULL, "verdict", "ok", "mismatch"},
	{"mismatches", "reason", "rule-missing", "wrong-mark"},
	{"flows", "reason", NULL, "rule-missing"},
	{NULL, "direction", "original", "reply"},
	{NULL, "evidence", "packet", "packet"},
	{NULL, "cause", "probe", "carrier"},
	{NULL, "action", "restored", "restored"},
	{NULL, "source", "kernel", "kernel"},
	{NULL, "kind", "mismatch", "uplink"},
	{NULL, "severity", "warning", "critical"},
	{NULL, "program", "1.0", "1.0"},
	{NULL, "config", "8d1f6c6e2a0b9c44", "8d1f6c6e2a0b9c44"},
	{"heartbeat", "uplinks", "wan1:1:1 wan2:2:2", "wan1:1:1 wan2:2:2"},
	{NULL, "process", "nft", "NetworkManager"},
};

static struct feed_value word_make(const struct fake_row *r, const char *name)
{
	static const char *const uplinks[] = {"wan1", "wan2"};

	if (strcmp(name, "egress") == 0 && r->is_odd)
		return text("wan1,wan2");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct word *w = &words[i];
		const char *t = r->is_odd ? w->odd : w->usual;

		if (strcmp(w->column, name) == 0 &&
		    (!w->table || strcmp(w->table, plan.table->name) == 0))
			return t ? text(t) : null();
	}
	return text(uplinks[r->slot]);
}

static int64_t number_make(const struct fake_row *r, const char *name)
{
	uint64_t dice = r->random >> 16;

	if (strstr(name, "sport"))
		return 32768 + (int64_t)(dice % 28000);
	if (strstr(name, "dport"))
		return dice % 3 ? 443 : 53;
	if (strcmp(name, "mark") == 0)
		return r->slot + 2;
	if (strcmp(name, "zone") == 0 || strcmp(name, "pending") == 0)
		return 0;
	if (strstr(name, "packets"))
		return 2 + (int64_t)(dice % 90);
	if (strstr(name, "bytes"))
		return 120 + (int64_t)(dice % 130000);
	if (strcmp(name, "flows_started") == 0)
		return 1000;
	if (strcmp(name, "flows_answered") == 0)
		return 950 + (int64_t)(dice % 50);
	return (int64_t)(dice & 0xffffffff);
}

static struct feed_value time_make(const struct fake_row *r, const char *name)
{
	int64_t life_ms = 50 + (int64_t)(r->random % (r->id % 500 ? 120000 : 6000000));

	return integer(strcmp(name, "ended") ? r->time_ms : r->time_ms + life_ms);
}

static struct feed_value value_make(struct fake_row *r, const struct feed_column *c, size_t i)
{
	switch (c->kind) {
	case FEED_ID:
		return integer(strcmp(c->name, "id") && strcmp(c->name, "flow_id")
				       ? number_make(r, c->name)
				       : r->id);
	case FEED_TIME:
		return time_make(r, c->name);
	case FEED_ADDRESS:
		return address_make(r, c->name, r->text[i], sizeof(r->text[i]));
	case FEED_WORD:
		return word_make(r, c->name);
	case FEED_TEXT:
		return strcmp(c->name, "process") ? text("of a measurement")
						  : word_make(r, c->name);
	case FEED_REAL:
		return (struct feed_value){.kind = FEED_VALUE_REAL,
					   .real = r->is_odd ? 0.9 : 0.9999};
	default:
		return integer(number_make(r, c->name));
	}
}

/* --- batches --------------------------------------------------------------------------- */

static struct feed_row row_make(struct worker *w, struct fake_row *r, int64_t i)
{
	r->id = i + 1;
	r->time_ms = plan.begin_ms + i * DAY_MS / plan.rows + r->router % 997;
	r->random = random_next(&w->random);
	r->slot = r->random % 3 ? 1 : 0;
	r->is_odd = (i + r->router) % (plan.table == &feed_tables[FEED_FLOWS] ? 1000 : 20) == 5;
	for (size_t c = 0; c < plan.table->n_columns; c++)
		r->values[c] = value_make(r, &plan.table->columns[c], c);
	return (struct feed_row){.id = r->id, .version = r->id, .values = r->values};
}

/* Insert the rows of a router from number 'first' on. */
static int batch_insert(struct worker *w, void *target, unsigned router, int64_t first)
{
	char name[16], history[40];
	struct export_origin origin = {name, history};
	struct fake_row r = {.router = router};
	struct target_error why;
	int64_t end = first + plan.batch < plan.rows ? first + plan.batch : plan.rows;
	int err;

	snprintf(name, sizeof(name), "gw%u", router);
	snprintf(history, sizeof(history), "%08x-bf2d-486d-b276-228b6a78177e",
		 router * 2654435761u);
	err = target_clickhouse.begin(target, &origin, plan.table);
	for (int64_t i = first; err == 0 && i < end; i++) {
		struct feed_row row = row_make(w, &r, i);

		err = target_clickhouse.add(target, &row);
	}
	if (err == 0)
		err = target_clickhouse.send(target, &why);
	if (err < 0)
		fprintf(stderr, "fleet_fill: %s\n", why.text);
	w->rows += end - first;
	w->inserts++;
	return err;
}

static void *worker_run(void *data)
{
	struct worker *w = data;
	struct target_env env = {.config = plan.config, .router = "fleet"};
	void *target = target_clickhouse.open(&env, stderr);

	w->error = target ? 0 : -1;
	w->random = w->number + 88172645463325252u;
	for (int64_t first = 0; w->error == 0 && first < plan.rows; first += plan.batch)
		for (unsigned r = w->number; w->error == 0 && r < plan.routers; r += plan.threads)
			w->error = batch_insert(w, target, r + 1, first);
	if (target)
		target_clickhouse.close(target);
	return NULL;
}

static const struct feed_table *table_find(const char *name)
{
	for (int i = 0; i < FEED_TABLES; i++)
		if (strcmp(feed_tables[i].name, name) == 0)
			return &feed_tables[i];
	return strcmp(name, heartbeat_table.name) ? NULL : &heartbeat_table;
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int fill(void)
{
	struct worker workers[THREADS_MAX] = {{0}};
	int64_t rows = 0, inserts = 0;
	double began = now_s(), wall;
	int status = 0;

	for (unsigned i = 0; i < plan.threads; i++) {
		workers[i].number = i;
		if (pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]))
			abort();
	}
	for (unsigned i = 0; i < plan.threads; i++) {
		pthread_join(workers[i].thread, NULL);
		rows += workers[i].rows;
		inserts += workers[i].inserts;
		status |= workers[i].error < 0;
	}
	wall = now_s() - began;
	printf("%s rows %lld inserts %lld wall %.1f s %.0f rows/s %.1f inserts/s\n",
	       plan.table->name, (long long)rows, (long long)inserts, wall, (double)rows / wall,
	       (double)inserts / wall);
	return status;
}

int main(int argc, char **argv)
{
	char *urls[] = {argc > 1 ? argv[1] : NULL, NULL};

	if (argc == 7) {
		plan.table = table_find(argv[2]);
		plan.routers = (unsigned)atoi(argv[3]);
		plan.rows = atoll(argv[4]);
		plan.batch = atoll(argv[5]);
		plan.threads = (unsigned)atoi(argv[6]);
	}
	if (!plan.table || plan.batch < 1 || plan.rows < 1 || plan.threads < 1 ||
	    plan.threads > THREADS_MAX) {
		fprintf(stderr, "usage: %s URL TABLE ROUTERS ROWS BATCH THREADS\n", argv[0]);
		return 2;
	}
	plan.begin_ms = (int64_t)time(NULL) * 1000 - DAY_MS;
	plan.config = config_new();
	if (!plan.config)
		return 1;
	plan.config->export.clickhouse = urls;
	return fill();
}
