/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk_vfs.c - SQLite's default VFS with a delay before each change of a file. Each of its files
 * is a small header with the real file behind it. For a file under observation it keeps an image
 * of what is certainly on the disk, and the writes since the last sync.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "disk_vfs.h"

#define SECTOR	   512
#define IMAGES_MAX 4

struct image; /* of an observed file */

struct disk_file {
	sqlite3_file base;
	sqlite3_file *real;
	struct image *image; /* NULL: not observed */
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

/* --- the disk's contents ----------------------------------------------------------- */

struct bytes {
	unsigned char *bytes;
	size_t n, room;
};

struct change {
	sqlite3_int64 at;
	size_t n;
	unsigned char *bytes; /* NULL: the file is truncated at "at" */
};

struct image {
	char name[512];
	struct bytes synced;
	struct change *changes;
	size_t n_changes, room;
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static char remembered[512];
static struct image images[IMAGES_MAX];

static void bytes_grow(struct bytes *b, size_t n)
{
	if (n > b->room) {
		b->room = 2 * n;
		b->bytes = realloc(b->bytes, b->room);
	}
	if (n > b->n) {
		memset(b->bytes + b->n, 0, n - b->n);
		b->n = n;
	}
}

static void bytes_write(struct bytes *b, size_t at, const unsigned char *from, size_t n)
{
	bytes_grow(b, at + n);
	if (n)
		memcpy(b->bytes + at, from, n);
}

static void change_apply(struct bytes *b, const struct change *c)
{
	if (c->bytes)
		bytes_write(b, (size_t)c->at, c->bytes, c->n);
	else if ((size_t)c->at < b->n)
		b->n = (size_t)c->at;
}

static void changes_clear(struct image *i)
{
	for (size_t c = 0; c < i->n_changes; c++)
		free(i->changes[c].bytes);
	i->n_changes = 0;
}

static void change_note(struct image *i, const void *from, size_t n, sqlite3_int64 at)
{
	struct change c = {.at = at, .n = n};

	if (!i)
		return;
	if (from) {
		c.bytes = malloc(n);
		memcpy(c.bytes, from, n);
	}
	pthread_mutex_lock(&guard);
	if (i->n_changes == i->room) {
		i->room = i->room ? 2 * i->room : 64;
		i->changes = realloc(i->changes, i->room * sizeof(*i->changes));
	}
	i->changes[i->n_changes++] = c;
	pthread_mutex_unlock(&guard);
}

static void image_sync(struct image *i)
{
	if (!i)
		return;
	pthread_mutex_lock(&guard);
	for (size_t c = 0; c < i->n_changes; c++)
		change_apply(&i->synced, &i->changes[c]);
	changes_clear(i);
	pthread_mutex_unlock(&guard);
}

static void image_fill(struct image *i)
{
	unsigned char part[4096];
	int fd = open(i->name, O_RDONLY);
	ssize_t n;

	while (fd >= 0 && (n = read(fd, part, sizeof(part))) > 0)
		bytes_write(&i->synced, i->synced.n, part, (size_t)n);
	if (fd >= 0)
		close(fd);
}

/* A file that is closed and opened again keeps its image. */
static struct image *image_find(const char *name)
{
	struct image *place = NULL;

	if (!name || !remembered[0] || strncmp(name, remembered, strlen(remembered)))
		return NULL;
	pthread_mutex_lock(&guard);
	for (int i = 0; i < IMAGES_MAX; i++) {
		if (!strcmp(images[i].name, name)) {
			place = &images[i];
			break;
		}
		if (!images[i].name[0] && !place)
			place = &images[i];
	}
	if (place && !place->name[0]) {
		snprintf(place->name, sizeof(place->name), "%s", name);
		image_fill(place);
	}
	pthread_mutex_unlock(&guard);
	return place;
}

static uint32_t chance(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* A disk writes whole sectors, in any order. */
static void change_tear(struct bytes *to, const struct change *c, uint32_t kept, uint32_t *seed)
{
	if (!c->bytes) {
		if (chance(seed) % 100 < kept)
			change_apply(to, c);
		return;
	}
	for (size_t at = 0; at < c->n; at += SECTOR)
		if (chance(seed) % 100 < kept)
			bytes_write(to, (size_t)c->at + at, c->bytes + at,
				    c->n - at < SECTOR ? c->n - at : SECTOR);
}

static int image_lose(const struct image *i, const char *path, uint32_t *seed)
{
	static const uint32_t shares[] = {0, 30, 60, 90, 99};
	uint32_t kept = shares[chance(seed) % 5];
	struct bytes left = {0};
	char name[512];
	int fd, err = 0;

	snprintf(name, sizeof(name), "%s%s", path, i->name + strlen(remembered));
	bytes_write(&left, 0, i->synced.bytes, i->synced.n);
	for (size_t c = 0; c < i->n_changes; c++)
		change_tear(&left, &i->changes[c], kept, seed);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, left.bytes, left.n) != (ssize_t)left.n)
		err = -errno;
	if (fd >= 0)
		close(fd);
	free(left.bytes);
	return err ? err : (int)i->n_changes;
}

void disk_vfs_remember(const char *path)
{
	snprintf(remembered, sizeof(remembered), "%s", path);
}

int disk_vfs_lose_power(const char *path, uint32_t seed)
{
	int at_stake = 0;

	pthread_mutex_lock(&guard);
	for (int i = 0; i < IMAGES_MAX && at_stake >= 0; i++) {
		int n = images[i].name[0] ? image_lose(&images[i], path, &seed) : 0;

		at_stake = n < 0 ? n : at_stake + n;
	}
	pthread_mutex_unlock(&guard);
	return at_stake;
}

void disk_vfs_forget(void)
{
	remembered[0] = '\0';
	for (int i = 0; i < IMAGES_MAX; i++) {
		changes_clear(&images[i]);
		free(images[i].changes);
		free(images[i].synced.bytes);
		images[i] = (struct image){0};
	}
}

/* --- the VFS ------------------------------------------------------------------------- */

static struct image *image_of(sqlite3_file *f)
{
	return ((struct disk_file *)f)->image;
}

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct disk_file *)f)->real;
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
	change_note(image_of(f), from, (size_t)n, at);
	return REAL(f, xWrite, from, n, at);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	stall();
	change_note(image_of(f), NULL, 0, size);
	return REAL(f, xTruncate, size);
}

static int file_sync(sqlite3_file *f, int flags)
{
	stall();
	image_sync(image_of(f));
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
	struct disk_file *s = (struct disk_file *)f;
	int rc;

	(void)v;
	s->image = image_find(name);
	s->real = (sqlite3_file *)&s[1];
	rc = real_vfs->xOpen(real_vfs, name, s->real, flags, out_flags);
	s->base.pMethods = s->real->pMethods ? &methods : NULL;
	return rc;
}

int disk_vfs_register(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.pNext = NULL;
	vfs.zName = "disk";
	vfs.szOsFile = (int)sizeof(struct disk_file) + real_vfs->szOsFile;
	vfs.xOpen = file_open;
	return sqlite3_vfs_register(&vfs, 1);
}

void disk_vfs_stall(int64_t ms)
{
	atomic_store(&until_ms, now_ms() + ms);
}

unsigned disk_vfs_waits(void)
{
	return atomic_load(&waits);
}
