/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_config.c - parses the configuration file.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "waymark/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("waymark.conf", 0);
	FILE *errors = fopen("/dev/null", "w");
	struct config *config = NULL;
	char path[32];

	if (fd < 0 || !errors || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (config_load(&config, path, errors) == 0)
		config_free(config);
	else if (config)
		abort();
	fclose(errors);
	close(fd);
	return 0;
}
