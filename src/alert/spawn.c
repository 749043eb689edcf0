/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spawn.c - starts one program without a shell, as the child of a minder.
 *
 * The minder is a child of the caller. It waits for the program and for all processes that the
 * program starts, in any session. It kills them when it gets SIGTERM or when the caller dies. When
 * all have ended, the minder ends with the program's exit status or signal. Must not know alerts.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "waymark/alert/spawn.h"

/* Descriptors of a minder. The program inherits the three standard ones. The minder reports the
 * result of the start on FD_RESULT. FD_OTHERS and all higher descriptors are closed. */
#define FD_RESULT      3
#define FD_OTHERS      4
#define FD_SAFE	       16 /* above all numbers that descriptors_set() assigns */

#define MIB	       (1024ULL * 1024)
#define KILL_PAUSE_NS  10000000
#define EXIT_NOT_BEGUN 127

/* Return a descriptor for the program's standard input, or -errno. The input is in a memfd, not in
 * a pipe: writing to a pipe would block this process if the program does not read. */
static int input_open(const char *input)
{
	size_t length = strlen(input);
	int fd = length ? memfd_create("waymark-alert", MFD_CLOEXEC)
			: open("/dev/null", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (!length)
		return fd;
	n = pwrite(fd, input, length, 0);
	if (n >= 0 && (size_t)n == length)
		return fd;
	close(fd);
	return n < 0 ? -errno : -ENOSPC;
}

/* Close FD_OTHERS and all higher descriptors. Linux before 5.9 has no close_range(). */
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

	for (int signal = 1; signal < NSIG; signal++)
		sigaction(signal, &action, NULL);
}

static void signals_unblock(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Use the system calls, which change the ids of the calling thread only. The functions of the C
 * library would change the ids of all threads. */
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

/* Become the user and drop all capabilities. If the program runs as root, execve() gives it the
 * capabilities of the bounding set, so empty this set first. Ignore a failure: a process that is
 * not permitted to empty the set has few capabilities. */
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

/* Set resource limits that are high enough for an ordinary script. There is no limit of the run
 * time: the caller kills a program that runs too long. */
static void limits_set(void)
{
	static const struct {
		int resource;
		uint64_t most;
	} limits[] = {
		{RLIMIT_CORE, 0},     {RLIMIT_CPU, 60},	       {RLIMIT_FSIZE, 64 * MIB},
		{RLIMIT_NOFILE, 256}, {RLIMIT_AS, 4096 * MIB}, {RLIMIT_NPROC, 1024},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		rlim_t most = (rlim_t)limits[i].most;
		struct rlimit limit;

		if (getrlimit(limits[i].resource, &limit))
			continue;
		if (limit.rlim_max > most)
			limit.rlim_max = most;
		if (limit.rlim_cur > limit.rlim_max)
			limit.rlim_cur = limit.rlim_max;
		setrlimit(limits[i].resource, &limit);
	}
}

/* Execute the program, or set *err. This runs in the child of vfork(), which shares the minder's
 * memory: make only system calls, and write to no other variable of the minder. */
static void __attribute__((noreturn, noinline))
child_become(const char *path, char **environment, volatile int *err)
{
	char *arguments[] = {(char *)(uintptr_t)path, NULL};

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signals_unblock();
	limits_set();
	if (chdir("/") == 0)
		execve(path, arguments, environment);
	*err = -errno;
	_exit(EXIT_NOT_BEGUN);
}

/* Start the program in a new child. Return the child's pid, or -1 with errno. Not inlined, so that
 * no variable of the caller is in a register across vfork(). */
static pid_t __attribute__((noinline))
child_new(const char *path, char **environment, volatile int *err)
{
	pid_t child = vfork();

	if (child == 0)
		child_become(path, environment, err);
	return child;
}

/* --- the minder ---------------------------------------------------------------------- */

/* Return the pid of a process's parent, or 0 if the process does not exist. */
static pid_t parent_read(const char *pid)
{
	char path[64], text[512];
	const char *end;
	ssize_t n;
	int fd;

	if (snprintf(path, sizeof(path), "/proc/%s/stat", pid) >= (int)sizeof(path))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* Search for the last ')', because the process name itself can contain ')'. */
	end = strrchr(text, ')');
	return end && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10) : 0;
}

/* Kill the minder's children. Because the minder is a subreaper, processes whose parent has died
 * are its children, too, in any session. */
static void children_kill(void)
{
	const struct dirent *entry;
	DIR *folder = opendir("/proc");
	pid_t self = getpid();

	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		if (parent_read(entry->d_name) == self)
			kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
	}
	if (folder)
		closedir(folder);
}

/* End with the exit status or the signal of this wait status. */
static void __attribute__((noreturn)) exit_as(int status)
{
	if (WIFSIGNALED(status)) {
		limits_set(); /* the minder must write no core file */
		signals_reset();
		signals_unblock();
		raise(WTERMSIG(status));
	}
	_exit(WEXITSTATUS(status));
}

/* Reap ended children. If the program is one of them, set *result to its wait status. Return false
 * when no child is left. */
static bool children_reap(pid_t program, int *result)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == program)
			*result = status;
	return pid == 0;
}

/* Wait until all children have ended, then exit as the program did. On SIGTERM, kill the children
 * repeatedly, because they can start new ones in between. */
static void __attribute__((noreturn)) children_mind(pid_t program, const sigset_t *signals)
{
	static const struct timespec pause = {.tv_nsec = KILL_PAUSE_NS};
	bool is_ending = false;
	int result = 0;

	while (children_reap(program, &result)) {
		int signal = is_ending ? sigtimedwait(signals, NULL, &pause)
				       : sigwaitinfo(signals, NULL);

		is_ending = is_ending || signal == SIGTERM;
		if (!is_ending)
			continue;
		kill(-program, SIGKILL);
		children_kill();
	}
	exit_as(result);
}

/* Set the minder's descriptors. First duplicate each descriptor to a number of at least FD_SAFE, so
 * that dup2() overwrites no descriptor that is still needed. */
static int descriptors_set(int input, int output, int result)
{
	int in = fcntl(input, F_DUPFD_CLOEXEC, FD_SAFE);
	int at = fcntl(result, F_DUPFD_CLOEXEC, FD_SAFE);
	int out = output >= 0 ? fcntl(output, F_DUPFD_CLOEXEC, FD_SAFE)
			      : open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (in < 0 || at < 0 || out < 0 || dup2(in, STDIN_FILENO) < 0 ||
	    dup2(out, STDOUT_FILENO) < 0 || (output >= 0 && dup2(out, STDERR_FILENO) < 0) ||
	    dup3(at, FD_RESULT, O_CLOEXEC) < 0)
		return -errno;
	others_close();
	return 0;
}

static int minder_prepare(const struct program *p, pid_t parent)
{
	int err;

	signals_reset();
	err = privileges_drop(p->user);
	if (err)
		return err;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) || prctl(PR_SET_PDEATHSIG, SIGTERM))
		return -errno;
	return getppid() == parent ? 0 : -ESRCH;
}

static void __attribute__((noreturn))
minder_run(const struct program *p, int input, int result, pid_t parent)
{
	volatile int err = descriptors_set(input, p->output_fd, result);
	sigset_t signals;
	pid_t child = -1;
	int outcome;

	if (!err) {
		result = FD_RESULT;
		err = minder_prepare(p, parent);
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_SETMASK, &signals, NULL);
	if (!err) {
		child = child_new(p->path, p->environment, &err);
		if (child < 0)
			err = -errno;
	}
	outcome = err;
	if (write(result, &outcome, sizeof(outcome)) < 0 || outcome)
		_exit(EXIT_NOT_BEGUN);
	close(result);
	children_mind(child, &signals);
}

/* Wait until the minder reports whether the program was started. Return 0 or -errno. */
static int minder_await(pid_t minder, int result)
{
	int err = -ECHILD;
	ssize_t n;

	do {
		n = read(result, &err, sizeof(err));
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(err))
		err = -ECHILD;
	if (err)
		waitpid(minder, NULL, 0);
	return err;
}

static int minder_start(const struct program *p, int input, pid_t *pid)
{
	pid_t parent = getpid();
	sigset_t all, saved;
	int ends[2], err;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	/* Block all signals, so that no signal handler of the caller runs in the child. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	*pid = fork();
	if (*pid == 0)
		minder_run(p, input, ends[1], parent);
	err = *pid < 0 ? -errno : 0;
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	close(ends[1]);
	if (!err)
		err = minder_await(*pid, ends[0]);
	close(ends[0]);
	return err;
}

int program_spawn(const struct program *p, pid_t *pid)
{
	int input = input_open(p->input), err;

	if (input < 0)
		return input;
	err = minder_start(p, input, pid);
	close(input);
	return err;
}

int program_end(pid_t pid)
{
	return kill(pid, SIGTERM) ? -errno : 0;
}
