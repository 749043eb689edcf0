/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft.c - loads and lists nftables rules with libnftables.
 *
 * Must not know what the rules mean. Each command runs in a child process, which inherits the
 * handle's libnftables context and the context's socket. If a launcher runs (transaction.h), the
 * handle has no context, and each child creates one.
 */
#define _GNU_SOURCE /* memmem, program_invocation_short_name */
#include "waymark/kernel/nft.h"
#include "kernel/trace_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/nft_own.h"
#include "waymark/kernel/transaction.h"

struct nft {
	struct nft_ctx *ctx; /* NULL: each child creates its own */
	int fd;		     /* the context's socket; -1: none */
	bool is_owner;	     /* the handle owns the table of the last nft_own() */
	char *error;	     /* message of the last call, malloc'd; NULL before the first call */
};

static struct nft_ctx *context_new(void)
{
	struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);

	if (ctx && !nft_ctx_buffer_output(ctx) && !nft_ctx_buffer_error(ctx))
		return ctx;
	if (ctx)
		nft_ctx_free(ctx);
	return NULL;
}

/* Set while the context is created: libnftables calls exit() when memory is short, and
 * library_exits() then prints the reason. */
static bool is_in_library;

static void library_exits(void)
{
	if (!is_in_library)
		return;
	dprintf(STDERR_FILENO, "%s: error: libnftables cannot be opened: %s\n",
		program_invocation_short_name, strerror(ENOMEM));
	_exit(EXIT_FAILURE);
}

/* Create the context, unless a launcher runs: the children of a launcher inherit only what existed
 * when the launcher was started. The socket is closed on exec. Otherwise a program that we run
 * would keep the table owned after this process has ended. */
static int context_open(struct nft *n)
{
	struct nft_own_sockets before;

	n->fd = -1;
	if (transaction_launcher_is_running())
		return 0;
	if (atexit(library_exits))
		return -ENOMEM;
	nft_own_note(&before);
	is_in_library = true;
	n->ctx = context_new();
	is_in_library = false;
	if (!n->ctx)
		return -ENOMEM;
	n->fd = nft_own_find(&before);
	if (n->fd < 0)
		return -EMFILE;
	fcntl(n->fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

struct nft *nft_open(void)
{
	struct nft *n = calloc(1, sizeof(*n));
	int err = n ? context_open(n) : -ENOMEM;

	if (!err)
		return n;
	nft_close(n);
	errno = -err;
	return NULL;
}

void nft_close(struct nft *n)
{
	if (!n)
		return;
	if (n->ctx)
		nft_ctx_free(n->ctx);
	free(n->error);
	free(n);
}

int nft_fd(const struct nft *n)
{
	return n->fd;
}

const char *nft_error(const struct nft *n)
{
	return n->error ? n->error : "";
}

/* Store only the first error message of the library for nft_error(). For a refused transaction the
 * library prints a message for each line of the transaction, followed by that line and a row of ^
 * and ~. */
static void error_keep(struct nft *n, const char *text)
{
	const char *first = strstr(text, "Error:");

	if (!first)
		first = text;
	free(n->error);
	n->error = strndup(first, strcspn(first, "\n"));
}

/* Return the kernel's error as -errno. The library returns only text, so search it for the messages
 * of strerror(). */
static int error_number(const char *text)
{
	static const int known[] = {EPERM,  ENOENT,  EEXIST,   EBUSY,  EOPNOTSUPP,
				    ENOMEM, ENOBUFS, EMSGSIZE, ENOSPC, EROFS};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strstr(text, strerror(known[i])))
			return -known[i];
	return -EINVAL;
}

/* The data for the child. ctx is NULL, or the child's copy of the caller's context. */
struct command {
	struct nft_ctx *ctx;
	unsigned output_flags;
	bool is_dry_run;
	char text[];
};

/* Run a command. This function runs in the child. */
static int command_do(const void *data, FILE *output, FILE *errors)
{
	const struct command *c = data;
	struct nft_ctx *ctx = c->ctx ? c->ctx : context_new();
	const char *error, *text;
	int failed;

	if (!ctx)
		return -ENOMEM;
	nft_ctx_set_dry_run(ctx, c->is_dry_run);
	nft_ctx_output_set_flags(ctx, c->output_flags);
	failed = nft_run_cmd_from_buffer(ctx, c->text);
	error = nft_ctx_get_error_buffer(ctx);
	text = nft_ctx_get_output_buffer(ctx);
	fputs(text, output);
	if (failed)
		fputs(error, errors);
	return failed ? error_number(error) : 0;
}

static struct command *command_new(const struct nft *n, const char *text, size_t *size)
{
	struct command *c;

	*size = sizeof(*c) + strlen(text) + 1;
	c = calloc(1, *size);
	if (!c)
		return NULL;
	c->ctx = n->ctx;
	strcpy(c->text, text);
	return c;
}

/* Run a command in a child, because libnftables calls exit() when memory is short. The child
 * inherits the context and the socket. If output is not NULL, set *output to the malloc'd output.
 * Frees c. Return 0 or -errno. */
static int command_run(struct nft *n, struct command *c, size_t size, char **output)
{
	struct transaction_reply reply = {0};
	int err;

	if (!c)
		return -ENOMEM;
	trace_commands(c->text);
	err = transaction_run(command_do, c, size, &reply);
	free(c);
	error_keep(n, err && reply.errors ? reply.errors : "");
	/* A child that died can have left messages in the socket, which the next child would read
	 * as its own replies. */
	if (err == -EOWNERDEAD && n->fd >= 0)
		nft_own_drain(n->fd);
	if (!err && output) {
		*output = reply.output;
		reply.output = NULL;
	}
	transaction_clear(&reply);
	return err;
}

int nft_run(struct nft *n, const char *commands)
{
	size_t size;
	struct command *c = command_new(n, commands, &size);

	return command_run(n, c, size, NULL);
}

int nft_own(struct nft *n, const char *table)
{
	int err = nft_own_create(n->fd, table);

	n->is_owner = !err;
	return err;
}

bool nft_is_owner(const struct nft *n)
{
	return n->is_owner;
}

bool nft_can_own(struct nft *n)
{
	return !nft_own_probe(n->fd);
}

void nft_disown(struct nft *n)
{
	n->is_owner = false;
}

int nft_check(struct nft *n, const char *commands)
{
	size_t size;
	struct command *c = command_new(n, commands, &size);

	if (c)
		c->is_dry_run = true;
	return command_run(n, c, size, NULL);
}

/* Run a listing command with these output flags. Return malloc'd text, or NULL with errno. */
static char *listing_run(struct nft *n, const char *command, unsigned flags)
{
	char *output = NULL;
	size_t size;
	struct command *c = command_new(n, command, &size);
	int err;

	if (c)
		c->output_flags = flags;
	err = command_run(n, c, size, &output);
	if (err)
		errno = -err;
	return output;
}

/* State of the filter that removes the set elements that packets added. */
struct set_filter {
	bool is_dynamic;
	bool is_in_elements;
};

static bool line_has(const char *line, size_t size, const char *word)
{
	return memmem(line, size, word, strlen(word)) != NULL;
}

/* Return whether a line of the listing contains set elements that packets added. Packets add
 * elements to sets with the flag dynamic. */
static bool line_is_volatile(struct set_filter *f, const char *line, size_t size)
{
	if (line_has(line, size, "\tset ") || line_has(line, size, "\tmap "))
		*f = (struct set_filter){false, false};
	if (line_has(line, size, "\t\tflags ") && line_has(line, size, "dynamic"))
		f->is_dynamic = true;
	if (f->is_dynamic && line_has(line, size, "\t\telements = {"))
		f->is_in_elements = true;
	if (!f->is_in_elements)
		return false;
	if (line_has(line, size, "}"))
		f->is_in_elements = false;
	return true;
}

static void listing_canonicalise(char *text)
{
	struct set_filter filter = {false, false};
	const char *line = text;
	char *to = text;

	while (*line) {
		size_t size = strcspn(line, "\n");

		size += line[size] == '\n';
		if (!line_is_volatile(&filter, line, size)) {
			memmove(to, line, size);
			to += size;
		}
		line += size;
	}
	*to = '\0';
}

/* The option STATELESS omits counter values and other state that packets change in rules.
 * listing_canonicalise() removes the set elements that packets added. */
char *nft_list_table(struct nft *n, const char *family, const char *table)
{
	char command[128];
	char *text;

	if ((size_t)snprintf(command, sizeof(command), "list table %s %s", family, table) >=
	    sizeof(command)) {
		errno = EINVAL;
		return NULL;
	}
	text = listing_run(n, command, NFT_CTX_OUTPUT_STATELESS);
	if (text)
		listing_canonicalise(text);
	return text;
}

char *nft_list_ruleset_json(struct nft *n)
{
	return listing_run(n, "list ruleset", NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_TERSE);
}
