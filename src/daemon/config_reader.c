/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_reader.c - reads the configuration in a transaction (kernel/transaction.h): a child
 * process parses the file and leaves a struct config in shared memory.
 */
#include "daemon/config_reader.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "waymark/config/config.h"
#include "waymark/kernel/transaction.h"

/* Size of the shared memory: enough for a large configuration. */
#define SHARED_BYTES (4u << 20)

static void *shared;

int config_reader_open(void)
{
	shared =
		mmap(NULL, SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED ? -errno : 0;
}

static int child_read(const void *path, FILE *output, FILE *errors)
{
	struct config *c = NULL;
	int err = config_load(&c, path, errors);

	(void)output;
	return err ? err : config_clone_to(shared, SHARED_BYTES, c);
}

static void errors_print(const char *path, int err, const char *lines, FILE *errors)
{
	size_t n = lines ? strlen(lines) : 0;

	if (err == -EOWNERDEAD || (err && !n))
		fprintf(errors, "%s: the configuration cannot be read: ", path);
	if (err && !n)
		fprintf(errors, "%s\n", strerror(-err));
	if (n)
		fprintf(errors, "%s%s", lines, lines[n - 1] == '\n' ? "" : "\n");
}

int config_reader_read(struct config **c, const char *path, FILE *errors)
{
	struct transaction_reply reply = {0};
	int err = transaction_run(child_read, path, strlen(path) + 1, &reply);

	if (!err) {
		*c = config_clone(shared);
		err = *c ? 0 : -errno;
	}
	errors_print(path, err, reply.errors, errors);
	transaction_clear(&reply);
	return err;
}
