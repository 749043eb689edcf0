/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * target_clickhouse.c - ships rows to ClickHouse over HTTP. Each batch is one compressed INSERT.
 *
 * Status 200 with an empty body acknowledges a batch. If the server fails after it has sent the
 * status, the body contains the error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "export/http.h"
#include "export/target.h"

struct clickhouse {
	struct http *http;
	struct body *body, *query;
	const struct config *config;
	char *credentials;
	unsigned server; /* index of the server in use; a failure selects the next one */
	struct export_origin origin;
	const struct feed_table *table;
};

static bool clickhouse_is_wanted(const struct config *c)
{
	return c->export.clickhouse && c->export.clickhouse[0];
}

static void clickhouse_close(void *self)
{
	struct clickhouse *c = self;

	if (!c)
		return;
	http_free(c->http);
	body_free(c->body);
	body_free(c->query);
	free(c->credentials);
	free(c);
}

/* Read the credentials, which are the first line of the file. */
static int credentials_read(struct clickhouse *c, const char *path, FILE *errors)
{
	FILE *file = fopen(path, "re");
	size_t size = 0;
	int r = 0;

	if (!file || getline(&c->credentials, &size, file) < 0) {
		r = file && !ferror(file) ? -EINVAL : -errno;
		fprintf(errors, "cannot read credentials from %s: %s (write USER:PASSWORD there)\n",
			path, r == -EINVAL ? "the file is empty" : strerror(-r));
	}
	if (file)
		fclose(file);
	if (r == 0)
		c->credentials[strcspn(c->credentials, "\r\n")] = '\0';
	if (r == 0 && !strchr(c->credentials, ':')) {
		fprintf(errors, "%s: no ':' in the first line (write USER:PASSWORD there)\n", path);
		r = -EINVAL;
	}
	return r;
}

static int urls_check(const struct config *c, FILE *errors)
{
	for (unsigned i = 0; c->export.clickhouse[i]; i++) {
		char *url = http_url(c->export.clickhouse[i], "");

		if (!url) {
			fprintf(errors,
				"target clickhouse: entry %u is not an HTTP URL (write "
				"http://HOST:8123/DATABASE)\n",
				i + 1);
			return -EINVAL;
		}
		free(url);
	}
	return 0;
}

static int clickhouse_prepare(struct clickhouse *c, const struct target_env *env, FILE *errors)
{
	const struct export_config *e = &env->config->export;
	struct http_settings settings = {
		.ca = e->clickhouse_ca,
		.certificate = e->clickhouse_certificate,
		.key = e->clickhouse_key,
		.timeout_ms = (long)e->timeout_s * 1000,
		.is_stopping = env->is_stopping,
	};
	int r = urls_check(env->config, errors);

	if (r == 0 && e->clickhouse_credentials)
		r = credentials_read(c, e->clickhouse_credentials, errors);
	if (r < 0)
		return r;
	settings.credentials = c->credentials;
	c->config = env->config;
	c->http = http_new(&settings);
	c->body = body_new(body_has_gzip());
	c->query = body_new(false);
	return c->http && c->body && c->query ? 0 : -ENOMEM;
}

static void *clickhouse_open(const struct target_env *env, FILE *errors)
{
	struct clickhouse *c;
	int r;

	if (!http_is_available()) {
		fprintf(errors, "target clickhouse: this program was built without libcurl "
				"(rebuild it with libcurl, or use the targets ipfix or file)\n");
		errno = ENOTSUP;
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	r = c ? clickhouse_prepare(c, env, errors) : -ENOMEM;
	if (r == 0)
		return c;
	if (r == -ENOMEM)
		fprintf(errors, "cannot open target clickhouse: out of memory\n");
	clickhouse_close(c);
	errno = -r;
	return NULL;
}

static bool clickhouse_takes(void *self, const struct feed_table *t, bool is_interim)
{
	(void)self;
	(void)t;
	(void)is_interim;
	return true;
}

static int clickhouse_begin(void *self, const struct export_origin *o, const struct feed_table *t)
{
	struct clickhouse *c = self;

	c->origin = *o;
	c->table = t;
	body_restart(c->body);
	return 0;
}

static int clickhouse_add(void *self, const struct feed_row *row)
{
	struct clickhouse *c = self;

	encode_tsv(c->body, &c->origin, c->table, row);
	return 0;
}

static char *insert_url(struct clickhouse *c)
{
	const char *text;
	size_t size;

	body_restart(c->query);
	body_puts(c->query, "INSERT INTO ");
	body_puts(c->query, c->table->name);
	body_puts(c->query, " (");
	encode_tsv_names(c->query, c->table);
	body_puts(c->query, ") FORMAT TabSeparated");
	body_put(c->query, "", 1);
	if (body_finish(c->query, &text, &size) < 0)
		return NULL;
	return http_url(c->config->export.clickhouse[c->server], text);
}

static int reply_judge(struct clickhouse *c, int r, const struct http_reply *reply,
		       struct target_error *why)
{
	char *host;

	if (r == 0 && reply->status == 200 && !reply->has_body)
		return 0;
	host = http_host(c->config->export.clickhouse[c->server]);
	if (r < 0)
		snprintf(why->text, sizeof(why->text), "%.60s: %.180s", host ? host : "?",
			 reply->text);
	else
		snprintf(why->text, sizeof(why->text),
			 "%.60s: table %.20s: HTTP status %ld%s%.130s", host ? host : "?",
			 c->table->name, reply->status, reply->has_body ? ": " : "", reply->text);
	free(host);
	return r < 0 ? r : -EIO;
}

static int clickhouse_send(void *self, struct target_error *why)
{
	struct clickhouse *c = self;
	struct http_reply reply;
	const char *bytes;
	size_t size;
	char *url = insert_url(c);
	int r = url ? body_finish(c->body, &bytes, &size) : -ENOMEM;

	if (r < 0) {
		free(url);
		snprintf(why->text, sizeof(why->text), "cannot send the rows: out of memory");
		return r;
	}
	r = http_post(c->http, url, bytes, size, body_has_gzip(), &reply);
	free(url);
	r = reply_judge(c, r, &reply, why);
	if (r < 0 && !c->config->export.clickhouse[++c->server])
		c->server = 0;
	return r;
}

const struct export_target target_clickhouse = {
	.name = "clickhouse",
	.is_wanted = clickhouse_is_wanted,
	.open = clickhouse_open,
	.close = clickhouse_close,
	.takes = clickhouse_takes,
	.begin = clickhouse_begin,
	.add = clickhouse_add,
	.send = clickhouse_send,
};
