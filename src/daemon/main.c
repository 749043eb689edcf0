/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - waymarkd: reads the arguments, runs the daemon and sets the exit status. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/collisions.h"
#include "daemon/config_reader.h"
#include "daemon/daemon.h"
#include "daemon/identity.h"
#include "daemon/log.h"
#include "daemon/reload.h"
#include "waymark/kernel/privilege.h"
#include "waymark/kernel/trace.h"
#include "waymark/talker/talker.h"

static const char usage[] =
	"usage: waymarkd [-c FILE] [-d[d]]\n"
	"\n"
	"Steers and audits the flows of a multi-uplink router; stays in the foreground,\n"
	"logs to standard error.\n"
	"\n"
	"  -c, --config FILE  the configuration [" CONFIG_PATH_DEFAULT "]\n"
	"  -d, --debug        log each change of routes and rules; twice: also print\n"
	"                     netlink messages (WAYMARK_TRACE=" TRACE_ALL ")\n"
	"  -h, --help         show this help and exit\n"
	"  -V, --version      show the version and exit\n"
	"\n"
	"SIGHUP reloads the configuration; SIGTERM and SIGINT stop waymarkd.\n";

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Return -1 if waymarkd is to be started, else the exit status. */
static int arguments_read(int argc, char **argv, const char **path, int *debug)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"debug", no_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:dhV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			*path = optarg;
			break;
		case 'd':
			++*debug;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_DONE;
		case 'V':
			printf("waymarkd " PACKAGE_VERSION " (");
			privilege_features_print(stdout);
			puts(")");
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

/* Start the daemon, and take ownership of the configuration. The talker is started first, because
 * it must not inherit the descriptors that waymarkd opens. Return NULL on failure, logged. */
static struct daemon *daemon_begin(struct config *config)
{
	struct talker *talker = identity_rehearse() ? NULL : identity_talker(config);

	if (talker && geteuid() == 0)
		collisions_log_group(config);
	if (!talker || identity_assume(config)) {
		talker_free(talker);
		config_free(config);
		return NULL;
	}
	return daemon_start(config, talker);
}

int main(int argc, char **argv)
{
	const char *path = CONFIG_PATH_DEFAULT;
	int debug = 0, status = arguments_read(argc, argv, &path, &debug);
	struct config *config;
	struct daemon *d;

	if (status >= 0)
		return status;
	log_open();
	if (debug)
		log_force_level(LOG_LEVEL_DEBUG);
	if (!trace_set(debug > 1 ? TRACE_ALL : getenv(TRACE_VARIABLE), log_trace))
		log_warning("%s has an unknown word (known words: %s); nothing is traced",
			    TRACE_VARIABLE, TRACE_ALL);
	if (config_reader_open()) {
		log_err("cannot read the configuration: out of memory");
		return EXIT_FAILED;
	}
	if (config_reader_read(&config, path, stderr))
		return EXIT_FAILED;
	reload_log_level(config);
	if (!privilege_has_net_admin()) {
		log_err("waymarkd needs CAP_NET_ADMIN; run it as root or from its unit");
		config_free(config);
		return EXIT_FAILED;
	}
	d = daemon_begin(config);
	if (d) {
		status = daemon_run(d) ? EXIT_FAILED : EXIT_DONE;
		daemon_stop(d);
	} else {
		log_err("waymarkd did not start; nothing was changed");
		status = EXIT_FAILED;
	}
	log_stop();
	return status;
}
