/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * privilege.c - switches to an unprivileged user, gives up capabilities and system calls.
 */
#include "waymark/kernel/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "kernel/capabilities.h"

#ifdef HAVE_SECCOMP
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include "waymark/kernel/transaction.h"
#endif

bool privilege_has_net_admin(void)
{
	return capabilities_include(CAP_NET_ADMIN);
}

/* The bounding set is reduced first, because this needs CAP_SETPCAP, which capabilities_keep()
 * gives up. */
int privilege_become(uid_t uid, gid_t gid)
{
	int err = capabilities_bound(CAP_NET_ADMIN);

	if (err < 0)
		return err;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setgroups(0, NULL) || setresgid(gid, gid, gid) ||
	    setresuid(uid, uid, uid))
		return -errno;
	return capabilities_keep(CAP_NET_ADMIN);
}

/* capabilities_bound() fails if the process does not have CAP_SETPCAP. This is ignored: because of
 * no_new_privs, the process cannot gain capabilities of the bounding set. */
int privilege_shed(bool is_switching, uid_t uid, gid_t gid)
{
	capabilities_bound(CAPABILITY_NONE);
	if (is_switching &&
	    (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid)))
		return -errno;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return capabilities_keep(CAPABILITY_NONE);
}

#ifdef HAVE_SECCOMP
/* Write the seccomp filter to fd. The filter is a deny list, so that the daemon does not fail if a
 * new version of a library uses other system calls. */
static int program_export(int fd)
{
	static const int forbidden[] = {
		SCMP_SYS(acct),
		SCMP_SYS(add_key),
		SCMP_SYS(bpf),
		SCMP_SYS(clock_settime),
		SCMP_SYS(delete_module),
		SCMP_SYS(execve),
		SCMP_SYS(execveat),
		SCMP_SYS(finit_module),
		SCMP_SYS(init_module),
		SCMP_SYS(ioperm),
		SCMP_SYS(iopl),
		SCMP_SYS(kexec_file_load),
		SCMP_SYS(kexec_load),
		SCMP_SYS(keyctl),
		SCMP_SYS(mount),
		SCMP_SYS(move_mount),
		SCMP_SYS(name_to_handle_at),
		SCMP_SYS(open_by_handle_at),
		SCMP_SYS(open_tree),
		SCMP_SYS(perf_event_open),
		SCMP_SYS(personality),
		SCMP_SYS(pivot_root),
		SCMP_SYS(process_vm_readv),
		SCMP_SYS(process_vm_writev),
#ifndef HAVE_SANITIZERS /* the leak sanitizer needs it */
		SCMP_SYS(ptrace),
#endif
		SCMP_SYS(quotactl),
		SCMP_SYS(reboot),
		SCMP_SYS(request_key),
		SCMP_SYS(sethostname),
		SCMP_SYS(setns),
		SCMP_SYS(settimeofday),
		SCMP_SYS(swapoff),
		SCMP_SYS(swapon),
		SCMP_SYS(umount2),
		SCMP_SYS(unshare),
		SCMP_SYS(userfaultfd),
		SCMP_SYS(chroot),
	};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int err = filter ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < sizeof(forbidden) / sizeof(*forbidden); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), forbidden[i], 0);
	if (!err)
		err = seccomp_export_bpf(filter, fd);
	seccomp_release(filter);
	return err;
}

/* Write the seccomp filter to `output`. This runs in a child, because libseccomp can loop for ever
 * when memory is short. The filter has a few hundred bytes, so it fits into the pipe. */
static int program_make(const void *data, FILE *output, FILE *errors)
{
	char bytes[PIPE_BUF];
	int ends[2], err;
	ssize_t n;

	(void)data;
	(void)errors;
	if (pipe(ends))
		return -errno;
	err = program_export(ends[1]);
	close(ends[1]);
	if (err)
		return err;
	while ((n = read(ends[0], bytes, sizeof(bytes))) > 0)
		fwrite(bytes, 1, (size_t)n, output);
	return n ? -errno : 0;
}

static int calls_forbid(void)
{
	struct transaction_reply reply;
	int err = transaction_run(program_make, NULL, 0, &reply);
	struct sock_fprog program = {
		.len = (unsigned short)(reply.output_size / sizeof(struct sock_filter)),
		.filter = (struct sock_filter *)(void *)reply.output,
	};

	if (!err && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		err = -errno;
	transaction_clear(&reply);
	return err;
}

static const char *filter_library(void)
{
	return "seccomp";
}
#else
static int calls_forbid(void)
{
	return 0;
}

static const char *filter_library(void)
{
	return "no seccomp";
}
#endif

int privilege_seal(void)
{
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return calls_forbid();
}

void privilege_features_print(FILE *out)
{
	fprintf(out, "%s, %s", capabilities_library(), filter_library());
}
