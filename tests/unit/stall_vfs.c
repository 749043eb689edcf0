/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stall_vfs.c - the default VFS with a wait before whatever changes a file. Each of
 * its files is a small head with the real one behind it.
 */
#include <sqlite3.h>
#include <stdatomic.h>
#include <time.h>

#include "stall_vfs.h"

struct stall_file {
	sqlite3_file base;
	sqlite3_file *real;
};

static sqlite3_vfs *real_vfs, vfs;
static _Atomic int64_t until_ms;
static atomic_uint waits;

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void stall(void)
{
	int64_t left_ms = atomic_load(&until_ms) - now_ms();

	if (left_ms <= 0)
		return;
	atomic_fetch_add(&waits, 1);
	nanosleep(&(struct timespec){.tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000},
		  NULL);
}

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct stall_file *)f)->real;
}

#define REAL(f, call, ...) (real_of(f)->pMethods->call(real_of(f), ##__VA_ARGS__))

static int file_close(sqlite3_file *f)
{
	return REAL(f, xClose);
}

static int file_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	return REAL(f, xRead, to, n, at);
}

static int file_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	stall();
	return REAL(f, xWrite, from, n, at);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	stall();
	return REAL(f, xTruncate, size);
}

static int file_sync(sqlite3_file *f, int flags)
{
	stall();
	return REAL(f, xSync, flags);
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return REAL(f, xFileSize, size);
}

static int file_lock(sqlite3_file *f, int lock)
{
	return REAL(f, xLock, lock);
}

static int file_unlock(sqlite3_file *f, int lock)
{
	return REAL(f, xUnlock, lock);
}

static int file_check_reserved(sqlite3_file *f, int *is_reserved)
{
	return REAL(f, xCheckReservedLock, is_reserved);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
	return REAL(f, xFileControl, op, arg);
}

static int file_sector_size(sqlite3_file *f)
{
	return REAL(f, xSectorSize);
}

static int file_characteristics(sqlite3_file *f)
{
	return REAL(f, xDeviceCharacteristics);
}

static int file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return REAL(f, xShmMap, page, size, extend, out);
}

static int file_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return REAL(f, xShmLock, offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *f)
{
	REAL(f, xShmBarrier);
}

static int file_shm_unmap(sqlite3_file *f, int is_deleted)
{
	return REAL(f, xShmUnmap, is_deleted);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_characteristics,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

static int file_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	struct stall_file *s = (struct stall_file *)f;
	int rc;

	(void)v;
	s->real = (sqlite3_file *)&s[1];
	rc = real_vfs->xOpen(real_vfs, name, s->real, flags, out_flags);
	s->base.pMethods = s->real->pMethods ? &methods : NULL;
	return rc;
}

int stall_vfs_register(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.pNext = NULL;
	vfs.zName = "stall";
	vfs.szOsFile = (int)sizeof(struct stall_file) + real_vfs->szOsFile;
	vfs.xOpen = file_open;
	return sqlite3_vfs_register(&vfs, 1);
}

void stall_vfs_begin(int64_t ms)
{
	atomic_store(&until_ms, now_ms() + ms);
}

unsigned stall_vfs_waits(void)
{
	return atomic_load(&waits);
}
