/* waits.c - the memory that planted/giver.h gives back while the worker waits. Each wait is told on stderr, in ms. */
#include <stdio.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>

#include "base/hx_base.h"

void planted_give(char *start, size_t bytes);

enum { PAGE_BYTES = 4096, PARTS = 8, AT_CLOSE = 4, AT_FIRST = 2, AT_SECOND = 1 };

static char *scope_start;
static size_t part_bytes;
static size_t parts_given;
static unsigned waits;

static void give(size_t parts) {
    HX_CHECK(madvise(scope_start + parts_given * part_bytes, parts * part_bytes, MADV_DONTNEED) == 0);
    parts_given += parts;
}

void planted_give(char *start, size_t bytes) {
    uintptr_t first = ((uintptr_t)start + PAGE_BYTES - 1) & ~(uintptr_t)(PAGE_BYTES - 1);
    scope_start = (char *)first;
    part_bytes = bytes / PARTS & ~(size_t)(PAGE_BYTES - 1);
    parts_given = 0;
    give(AT_CLOSE);
}

int nanosleep(const struct timespec *asked, struct timespec *left) {
    (void)left;
    (void)fprintf(stderr, "waits %lld ms\n", (long long)asked->tv_sec * 1000 + asked->tv_nsec / 1000000);
    if (scope_start != NULL && waits < 2) {
        give(waits++ == 0 ? AT_FIRST : AT_SECOND);
    }
    return 0;
}
