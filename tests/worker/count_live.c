/* count_live.c - preloaded into worker-malloc: how many bytes has this program asked malloc for and not freed, whenever it looks at its
 * own memory?
 *
 * Why: the worker's live bytes come from its scenarios' own counting. This counts at the other end, in malloc, and shares no line with it:
 * a table of addresses and requested sizes. Each time the worker reads /proc/self/statm, which it does once a sample, the count of that
 * moment is kept; all of them are written to stderr at the end. Guard of everything: `lock`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);
extern void __libc_free(void *object);

#define VISIBLE __attribute__((visibility("default")))

enum { SLOTS = 1 << 22, LOOKS_MAX = 4096, FDS_MAX = 64 };

struct slot {
    uintptr_t address; /* 0: never used; 1: used and free */
    size_t bytes;
};

static atomic_flag lock = ATOMIC_FLAG_INIT;
static struct slot *table;
static uint64_t live_bytes;
static uint64_t look[LOOKS_MAX];
static unsigned looks;
static signed char is_statm[FDS_MAX]; /* 0 unknown, 1 yes, -1 no */

static void take(void) {
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire)) {
    }
}

static void give(void) {
    atomic_flag_clear_explicit(&lock, memory_order_release);
}

static size_t place(uintptr_t address) {
    return (size_t)((address >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 42);
}

static void *note(void *object, size_t bytes) {
    if (object == NULL) {
        return NULL;
    }
    take();
    if (table == NULL) {
        table = mmap(NULL, SLOTS * sizeof *table, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (table == MAP_FAILED) {
            _exit(127);
        }
    }
    size_t at = place((uintptr_t)object);
    while (table[at].address > 1) {
        at = (at + 1) % SLOTS;
    }
    table[at] = (struct slot){(uintptr_t)object, bytes};
    live_bytes += bytes;
    give();
    return object;
}

static void forget(void *object) {
    if (object == NULL) {
        return;
    }
    take();
    for (size_t at = place((uintptr_t)object); table != NULL && table[at].address != 0; at = (at + 1) % SLOTS) {
        if (table[at].address == (uintptr_t)object) {
            live_bytes -= table[at].bytes;
            table[at].address = 1;
            break;
        }
    }
    give();
}

VISIBLE void *malloc(size_t bytes) {
    return note(__libc_malloc(bytes), bytes);
}

VISIBLE void *calloc(size_t count, size_t bytes) {
    return note(__libc_calloc(count, bytes), count * bytes);
}

VISIBLE void *realloc(void *old, size_t bytes) {
    forget(old);
    return note(__libc_realloc(old, bytes), bytes);
}

VISIBLE void free(void *object) {
    forget(object);
    __libc_free(object);
}

static int statm(int fd) {
    if (fd < 0 || fd >= FDS_MAX) {
        return 0;
    }
    if (is_statm[fd] == 0) {
        char name[64], target[256];
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(name, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = '\0';
        size_t end = strlen(target);
        is_statm[fd] = end >= 6 && strcmp(target + end - 6, "/statm") == 0 ? 1 : -1;
    }
    return is_statm[fd] == 1;
}

VISIBLE ssize_t pread(int fd, void *buffer, size_t bytes, off_t offset) {
    static ssize_t (*real)(int, void *, size_t, off_t);
    if (real == NULL) {
        real = (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");
    }
    if (statm(fd) && looks < LOOKS_MAX) {
        take();
        look[looks++] = live_bytes;
        give();
    }
    return real(fd, buffer, bytes, offset);
}

__attribute__((destructor)) static void say(void) {
    dprintf(2, "live bytes:");
    for (unsigned i = 0; i < looks; i++) {
        dprintf(2, " %llu", (unsigned long long)look[i]);
    }
    dprintf(2, "\n");
}
