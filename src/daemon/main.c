/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - waymarkd: arguments in, exit status out.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "waymark/kernel/privilege.h"

static const char usage[] =
	"usage: waymarkd [-c FILE]\n"
	"\n"
	"Steers and audits the flows of a multi-uplink router; stays in the foreground,\n"
	"logs to standard error.\n"
	"\n"
	"  -c, --config FILE  the configuration [" CONFIG_PATH_DEFAULT "]\n"
	"  -h, --help         this text\n"
	"  -V, --version      the version\n"
	"\n"
	"SIGHUP reads the configuration again; SIGTERM and SIGINT stop.\n";

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* -1: go on; else the exit status. */
static int arguments_read(int argc, char **argv, const char **path)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			*path = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_DONE;
		case 'V':
			puts("waymarkd " PACKAGE_VERSION);
			return EXIT_DONE;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "waymarkd: unexpected argument '%s'\n%s", argv[optind], usage);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const char *path = CONFIG_PATH_DEFAULT;
	int status = arguments_read(argc, argv, &path);
	struct config *config;
	struct daemon *d;

	if (status >= 0)
		return status;
	log_open();
	if (config_load(&config, path, stderr))
		return EXIT_FAILED;
	if (!privilege_has_net_admin()) {
		log_err("waymarkd needs CAP_NET_ADMIN; run it as root or from its unit");
		config_free(config);
		return EXIT_FAILED;
	}
	d = daemon_start(config);
	if (!d) {
		log_err("not started; nothing was changed");
		return EXIT_FAILED;
	}
	status = daemon_run(d) ? EXIT_FAILED : EXIT_DONE;
	daemon_stop(d);
	return status;
}
