/* touch_pages.c - one store a page. Why apart: touch_pages.h. */
#define _GNU_SOURCE
#include "touch_pages.h"

#include <sys/mman.h>

char *touch_pages_map(size_t pages) {
    void *start = mmap(NULL, pages * TOUCH_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        return NULL;
    }
    (void)madvise(start, pages * TOUCH_PAGE_BYTES, MADV_NOHUGEPAGE); /* a kernel without huge pages refuses: the same pages */
    return (char *)start;
}

void touch_pages(char *start, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        *(volatile char *)(start + i * TOUCH_PAGE_BYTES) = 1;
    }
}

void touch_pages_unmap(char *start, size_t pages) {
    munmap(start, pages * TOUCH_PAGE_BYTES);
}
