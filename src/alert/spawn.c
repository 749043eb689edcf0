/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spawn.c - starts one program, without a shell.
 *
 * It knows nothing of alerts, nor who waits for the program.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alert/spawn.h"

#define FD_OTHERS 3 /* after the three standard ones */

/* A file in memory and not a pipe: the daemon never waits for a program that does not read. */
static int input_open(const char *input)
{
	size_t length = strlen(input);
	int fd = memfd_create("waymark-alert", MFD_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = pwrite(fd, input, length, 0);
	if (n >= 0 && (size_t)n == length)
		return fd;
	close(fd);
	return n < 0 ? -errno : -ENOSPC;
}

/* Linux before 5.9 has no close_range. */
static void others_close(void)
{
	struct rlimit limit;

#ifdef SYS_close_range
	if (syscall(SYS_close_range, FD_OTHERS, ~0U, 0) == 0)
		return;
#endif
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	for (rlim_t fd = FD_OTHERS; fd < limit.rlim_cur; fd++)
		close((int)fd);
}

static void signals_reset(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int signal = 1; signal < NSIG; signal++)
		sigaction(signal, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The C library's functions would change the ids of all the threads of the process
 * that we share memory with; the system calls change the child's alone. */
#ifdef SYS_setresuid32
#define SYS_SETRESUID SYS_setresuid32
#define SYS_SETRESGID SYS_setresgid32
#define SYS_SETGROUPS SYS_setgroups32
#else
#define SYS_SETRESUID SYS_setresuid
#define SYS_SETRESGID SYS_setresgid
#define SYS_SETGROUPS SYS_setgroups
#endif

static int user_become(const struct spawn_user *user)
{
	if (!user->is_set)
		return 0;
	if (syscall(SYS_SETGROUPS, 0, NULL) ||
	    syscall(SYS_SETRESGID, user->gid, user->gid, user->gid) ||
	    syscall(SYS_SETRESUID, user->uid, user->uid, user->uid))
		return -errno;
	return 0;
}

/* Root keeps its files, but a program of root would get all capabilities of the
 * bounding set. Who may not lower that has few in it. */
static int privileges_drop(const struct spawn_user *user)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
	int err;

	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	err = user_become(user);
	if (err < 0)
		return err;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_capset, &header, none))
		return -errno;
	return 0;
}

/* In the child of vfork, on the parent's memory: system calls only, nothing is
 * kept but *err. */
static void __attribute__((noreturn, noinline))
child_become(const char *path, char **environment, int input, const struct spawn_user *user,
	     volatile int *err)
{
	char *arguments[] = {(char *)(uintptr_t)path, NULL};
	int nowhere;

	setpgid(0, 0);
	if (input == STDIN_FILENO)
		fcntl(input, F_SETFD, 0);
	else
		dup2(input, STDIN_FILENO);
	nowhere = open("/dev/null", O_WRONLY);
	if (nowhere >= 0)
		dup2(nowhere, STDOUT_FILENO);
	others_close();
	signals_reset();
	*err = privileges_drop(user);
	if (*err == 0 && chdir("/") == 0)
		execve(path, arguments, environment);
	if (*err == 0)
		*err = -errno;
	_exit(127);
}

/* Apart from its caller, so that no variable of that lives in a register across
 * vfork. Returns the child, or -1 with errno. */
static pid_t __attribute__((noinline)) child_new(const char *path, char **environment, int input,
						 const struct spawn_user *user, volatile int *err)
{
	pid_t child = vfork();

	if (child == 0)
		child_become(path, environment, input, user, err);
	return child;
}

int program_spawn(const char *path, char **environment, const char *input,
		  const struct spawn_user *user, pid_t *pid)
{
	int fd = input_open(input);
	volatile int err = 0;
	sigset_t all, saved;

	if (fd < 0)
		return fd;
	/* No handler of ours may run in the child. vfork, because copying the page
	 * tables of a large flow table would hold up the caller. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	*pid = child_new(path, environment, fd, user, &err);
	if (*pid < 0)
		err = -errno;
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	close(fd);
	if (*pid > 0 && err < 0)
		waitpid(*pid, NULL, 0);
	return err;
}
