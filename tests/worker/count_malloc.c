/* count_malloc.c - preloaded by test_worker_pure: counts the calls that reach the process's malloc, and says so at its end.
 *
 * Why: the worker must not touch the malloc under test while it measures. Calls the real functions by glibc's own names. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);

#define VISIBLE __attribute__((visibility("default")))

/* Single-threaded programs only. */
static unsigned long calls;

VISIBLE void *malloc(size_t bytes) {
    calls++;
    return __libc_malloc(bytes);
}

VISIBLE void *calloc(size_t count, size_t bytes) {
    calls++;
    return __libc_calloc(count, bytes);
}

VISIBLE void *realloc(void *old, size_t bytes) {
    calls++;
    return __libc_realloc(old, bytes);
}

__attribute__((destructor)) static void say(void) {
    char line[64];
    int length = snprintf(line, sizeof line, "malloc calls: %lu\n", calls);
    if (write(2, line, (size_t)length) != length) {
        _exit(127);
    }
}
