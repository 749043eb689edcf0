/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fail_alloc.c - preload library that writes the call stacks of all allocations (malloc, calloc,
 * realloc) of a program and its children to the file ALLOC_STACKS, one line per distinct stack:
 * its number and its frames (object+offset), innermost first. With ALLOC_FAIL_STACK, the number
 * of a stack, the first allocation of that stack fails, and only that stack is written. A stack
 * is the innermost ALLOC_DEPTH callers; its number is the same in each run of the same program.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEPTH	     4
#define DEPTH_MAX    30
#define OWN_FRAMES   2 /* fails() and the function that it answers */
#define OBJECTS_MAX  256
#define NAME_SIZE    48
#define STACKS_KNOWN 65536
#define TEXT_SIZE    (32u << 20) /* its end stays NUL */

/* The functions of glibc. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

struct object {
	uintptr_t base, end;
	char name[NAME_SIZE];
};

/* What all processes of a life share; some of them close every descriptor. */
struct shared {
	atomic_size_t written;		      /* bytes of the text */
	_Atomic uint64_t known[STACKS_KNOWN]; /* numbers of the stacks in it */
};

static uint64_t fail_stack;
static size_t depth = DEPTH;
static struct shared *shared;
static char *stacks_text; /* the file ALLOC_STACKS */
static struct object objects[OBJECTS_MAX];
static size_t n_objects;
static __thread int is_busy __attribute__((tls_model("initial-exec")));

static void *map_shared(size_t size, int flags, int fd)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | flags, fd, 0);

	if (map == MAP_FAILED)
		abort();
	return map;
}

static char *map_text(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *text;

	if (fd < 0 || ftruncate(fd, TEXT_SIZE))
		abort();
	text = map_shared(TEXT_SIZE, 0, fd);
	close(fd);
	return text;
}

/* The first call of backtrace() loads a library, which allocates. */
static __attribute__((constructor)) void begin(void)
{
	const char *path = getenv("ALLOC_STACKS"), *stack = getenv("ALLOC_FAIL_STACK");
	const char *callers = getenv("ALLOC_DEPTH");
	void *frames[DEPTH_MAX];

	if (!path)
		return;
	if (callers)
		depth = strtoul(callers, NULL, 10);
	if (depth < 1 || depth > DEPTH_MAX - OWN_FRAMES)
		abort();
	fail_stack = stack ? strtoull(stack, NULL, 16) : 0;
	backtrace(frames, DEPTH_MAX);
	stacks_text = map_text(path);
	shared = map_shared(sizeof(*shared), MAP_ANONYMOUS, -1);
}

/* --- the objects: the program and its libraries --------------------------------------------- */

static int object_add(struct dl_phdr_info *info, size_t size, void *arg)
{
	const char *slash = strrchr(info->dlpi_name, '/');
	struct object o = {.base = info->dlpi_addr};

	(void)size;
	(void)arg;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_LOAD && o.base + p->p_vaddr + p->p_memsz > o.end)
			o.end = o.base + p->p_vaddr + p->p_memsz;
	}
	strncpy(o.name, slash ? slash + 1 : "program", NAME_SIZE - 1);
	if (n_objects == OBJECTS_MAX)
		return 1;
	objects[n_objects++] = o;
	return 0;
}

static const struct object *object_known(uintptr_t address)
{
	for (size_t i = 0; i < n_objects; i++) {
		if (address >= objects[i].base && address < objects[i].end)
			return &objects[i];
	}
	return NULL;
}

/* A library may have been loaded since. One thread allocates at that time, at the start. */
static const struct object *object_of(uintptr_t address)
{
	static const struct object unknown = {.end = UINTPTR_MAX, .name = "?"};
	const struct object *o = object_known(address);

	if (o)
		return o;
	n_objects = 0;
	dl_iterate_phdr(object_add, NULL);
	o = object_known(address);
	return o ? o : &unknown;
}

/* --- the stacks ---------------------------------------------------------------------------- */

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	while (n--)
		hash = (hash ^ *p++) * 1099511628211ull;
	return hash;
}

static uint64_t stack_number(void *const *frames, size_t n)
{
	uint64_t hash = 14695981039346656037ull;

	for (size_t i = 0; i < n; i++) {
		const struct object *o = object_of((uintptr_t)frames[i]);
		uintptr_t offset = (uintptr_t)frames[i] - o->base;

		hash = hash_bytes(hash, &offset, sizeof(offset));
		hash = hash_bytes(hash, o->name, strlen(o->name));
	}
	return hash | 1;
}

/* Return whether it was unknown; it is known from now on. */
static int is_new(uint64_t number)
{
	for (size_t i = 0; i < STACKS_KNOWN; i++) {
		uint64_t empty = 0;

		if (atomic_compare_exchange_strong(&shared->known[(number + i) % STACKS_KNOWN],
						   &empty, number))
			return 1;
		if (empty == number)
			return 0;
	}
	abort();
}

static void stack_write(uint64_t number, void *const *frames, size_t n)
{
	char text[DEPTH_MAX * (NAME_SIZE + 20)];
	int length = snprintf(text, sizeof(text), "%016llx", (unsigned long long)number);
	size_t at;

	for (size_t i = 0; i < n; i++) {
		const struct object *o = object_of((uintptr_t)frames[i]);

		length += snprintf(text + length, sizeof(text) - (size_t)length, " %s+0x%lx",
				   o->name, (unsigned long)((uintptr_t)frames[i] - o->base));
	}
	text[length++] = '\n';
	at = atomic_fetch_add(&shared->written, (size_t)length);
	if (at + (size_t)length >= TEXT_SIZE)
		abort();
	memcpy(stacks_text + at, text, (size_t)length);
}

static int stack_fails(void *const *frames, size_t n)
{
	uint64_t number = stack_number(frames, n);

	if ((fail_stack && number != fail_stack) || !is_new(number))
		return 0;
	stack_write(number, frames, n);
	return fail_stack != 0;
}

static int is_watched(void)
{
	return shared && !is_busy && !(fail_stack && atomic_load(&shared->written));
}

static __attribute__((noinline)) int fails(void)
{
	void *frames[DEPTH_MAX];
	int error = errno, n, fail = 0;

	if (is_watched()) {
		is_busy = 1;
		n = backtrace(frames, (int)depth + OWN_FRAMES);
		fail = n > OWN_FRAMES && stack_fails(frames + OWN_FRAMES, (size_t)(n - OWN_FRAMES));
		is_busy = 0;
	}
	errno = fail ? ENOMEM : error;
	return fail;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}
