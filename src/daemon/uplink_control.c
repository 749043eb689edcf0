/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplink_control.c - keeps the orders of operators in memory and in a file, and ends each order
 * when its time is over.
 *
 * The file has one line per uplink: NAME WORD SINCE_MS UNTIL_MS USER PROCESS. An unknown user or
 * process is "-". The file is replaced as a whole.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/control.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/peer.h"
#include "daemon/uplink_control.h"
#include "daemon/uplink_health.h"
#include "waymark/base/disk_worker.h"

#define PATH_SUFFIX ".uplinks"

struct uplink_control {
	char *path;
	struct disk_worker *disk; /* writes the file; NULL until the first save */
	struct uplink_order orders[UPLINKS_MAX];
};

/* --- the file ------------------------------------------------------------------------------ */

static void order_read(struct daemon *d, const char *line)
{
	char name[UPLINK_NAME_MAX], word[8];
	struct uplink_order o = {0};
	const struct uplink_config *u;
	int parsed;

	if (sscanf(line, "%31s %7s %" SCNd64 " %" SCNd64 " %31s %31s", name, word, &o.since_ms,
		   &o.until_ms, o.user, o.process) != 6)
		return;
	parsed = operator_word_parse(word);
	u = config_uplink_by_name(d->config, name);
	if (parsed < 0 || !u)
		return;
	o.word = (enum operator_word)parsed;
	if (!strcmp(o.user, "-"))
		o.user[0] = '\0';
	if (!strcmp(o.process, "-"))
		o.process[0] = '\0';
	d->uplink_control->orders[u->slot] = o;
	log_notice("uplink %s: %s, decided by %s before waymarkd started", u->name, word,
		   o.user[0] ? o.user : "an operator");
}

static void orders_read(struct daemon *d)
{
	FILE *file = fopen(d->uplink_control->path, "re");
	char line[256];

	if (!file) {
		if (errno != ENOENT)
			log_err("cannot read %s: %s (earlier decisions of operators are not "
				"applied)",
				d->uplink_control->path, strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), file))
		order_read(d, line);
	fclose(file);
}

static void orders_print(const struct daemon *d, FILE *out)
{
	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		const struct uplink_config *u = &d->config->uplinks[i];
		const struct uplink_order *o = &d->uplink_control->orders[u->slot];

		if (o->word == OPERATOR_AUTO)
			continue;
		fprintf(out, "%s %s %" PRId64 " %" PRId64 " %s %s\n", u->name,
			operator_word_name(o->word), o->since_ms, o->until_ms,
			o->user[0] ? o->user : "-", o->process[0] ? o->process : "-");
	}
}

/* Replace the file. Runs in the disk worker's thread. */
static int orders_write(const char *path, const char *text)
{
	char temporary[4200];
	FILE *file;
	int err;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	file = fopen(temporary, "we");
	if (!file)
		return -errno;
	err = fputs(text, file) < 0 || fflush(file) || fsync(fileno(file)) ? -errno : 0;
	if (fclose(file) && !err)
		err = -errno;
	if (!err && rename(temporary, path))
		err = -errno;
	if (err)
		unlink(temporary);
	return err;
}

static int orders_hand(struct uplink_control *u, const char *text)
{
	if (!u->disk)
		u->disk = disk_worker_new();
	return u->disk ? disk_worker_run(u->disk, orders_write, u->path, text) : -errno;
}

static void orders_save(const struct daemon *d)
{
	size_t size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);
	int err = -ENOMEM;

	if (out) {
		orders_print(d, out);
		err = fclose(out) ? -errno : orders_hand(d->uplink_control, text);
	}
	free(text);
	if (err == -EINPROGRESS)
		log_warning("the disk of %s does not answer: operators' decisions are saved later",
			    d->uplink_control->path);
	else if (err)
		log_err("cannot write %s: %s; operators' decisions will not survive a restart",
			d->uplink_control->path, strerror(-err));
}

/* --- start and stop ------------------------------------------------------------------------- */

int uplink_control_open(struct daemon *d)
{
	d->uplink_control = calloc(1, sizeof(*d->uplink_control));
	if (!d->uplink_control ||
	    asprintf(&d->uplink_control->path, "%s" PATH_SUFFIX, d->config->database) < 0)
		return -ENOMEM;
	orders_read(d);
	return 0;
}

void uplink_control_close(struct daemon *d)
{
	if (!d->uplink_control)
		return;
	disk_worker_free(d->uplink_control->disk);
	free(d->uplink_control->path);
	free(d->uplink_control);
}

void uplink_control_forget(struct daemon *d, uint8_t slot)
{
	d->uplink_control->orders[slot] = (struct uplink_order){0};
}

void uplink_control_tick(struct daemon *d, int64_t now_ms)
{
	bool is_changed = false;

	for (size_t i = 0; i < d->config->n_uplinks; i++) {
		const struct uplink_config *u = &d->config->uplinks[i];
		struct uplink_order *o = &d->uplink_control->orders[u->slot];

		if (!o->until_ms || o->until_ms > now_ms)
			continue;
		log_notice("uplink %s: the time for \"%s\" is over, back to auto", u->name,
			   operator_word_name(o->word));
		*o = (struct uplink_order){.since_ms = now_ms};
		is_changed = true;
	}
	if (is_changed)
		orders_save(d);
}

const struct uplink_order *uplink_control_order(const struct daemon *d, uint8_t slot)
{
	return &d->uplink_control->orders[slot];
}

/* --- requests ------------------------------------------------------------------------------- */

static char *refuse(int *err, int code, const char *format, const char *what)
{
	char *text = NULL;

	*err = code;
	return asprintf(&text, format, what) < 0 ? NULL : text;
}

static void order_set(struct daemon *d, const struct uplink_config *u, enum operator_word word,
		      int64_t for_s, const struct control_peer *peer)
{
	struct uplink_order *o = &d->uplink_control->orders[u->slot];

	*o = (struct uplink_order){.word = word, .since_ms = clock_now_ms()};
	if (for_s && word != OPERATOR_AUTO)
		o->until_ms = o->since_ms + for_s * 1000;
	peer_describe(peer, o->user, o->process);
	log_notice("uplink %s: %s, decided by %s (%s)%s", u->name, operator_word_name(word),
		   o->user, o->process, o->until_ms ? ", for a limited time" : "");
	orders_save(d);
	uplink_health_decide(d, o->since_ms);
}

char *uplink_control_obey(struct daemon *d, const char *request, const struct control_peer *peer,
			  int *err)
{
	char name[64] = "", word[16] = "";
	const struct uplink_config *u;
	int64_t for_s = 0;
	int parsed;

	*err = 0;
	if (sscanf(request, "%63s %15s %" SCNd64, name, word, &for_s) < 2 || for_s < 0)
		return refuse(err, -EINVAL,
			      "invalid request: expected uplink NAME WORD [SECONDS]%s", "");
	if (peer->uid != 0 && peer->uid != geteuid())
		return refuse(err, -EPERM,
			      "permission denied: only root may decide about uplink '%s'", name);
	u = config_uplink_by_name(d->config, name);
	if (!u)
		return refuse(err, -ENOENT, "no such uplink: '%s'", name);
	parsed = operator_word_parse(word);
	if (parsed < 0)
		return refuse(err, -EINVAL, "'%s': expected up, down, drain or auto", word);
	order_set(d, u, (enum operator_word)parsed, for_s, peer);
	return NULL;
}
