/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pager.c - runs the pager as a child process. The user can quit the pager before the end of the
 * listing: this is not an error.
 */
#include "cli/pager.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct pager {
	FILE *stream;
	pid_t pid;
};

static const char *pager_command(bool is_at_end)
{
	const char *given = getenv("WAYMARK_PAGER");

	if (!given)
		given = getenv("PAGER");
	if (!given)
		return is_at_end ? "less +G" : "less";
	return *given && strcmp(given, "cat") ? given : NULL;
}

static void child_run(const char *command, const int ends[2])
{
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	close(ends[1]);
	setenv("LESS", "RX", 0);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

struct pager *pager_start(bool is_at_end)
{
	const char *command = pager_command(is_at_end);
	struct pager *p = command ? calloc(1, sizeof(*p)) : NULL;
	int ends[2];

	if (!p || pipe(ends)) {
		free(p);
		return NULL;
	}
	fflush(stdout);
	p->pid = fork();
	if (p->pid == 0)
		child_run(command, ends);
	close(ends[0]);
	p->stream = p->pid > 0 ? fdopen(ends[1], "w") : NULL;
	if (p->stream) {
		signal(SIGPIPE, SIG_IGN);
		signal(SIGINT, SIG_IGN); /* the pager handles Ctrl-C */
		return p;
	}
	close(ends[1]);
	free(p);
	return NULL;
}

FILE *pager_stream(struct pager *p)
{
	return p->stream;
}

void pager_end(struct pager *p)
{
	fclose(p->stream);
	waitpid(p->pid, NULL, 0);
	free(p);
}
