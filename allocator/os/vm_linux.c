/* vm_linux.c - the mapping system calls of Linux, and nothing else.
 *
 * Why these calls: Go 1.20 on Linux makes a chunk usable with one mmap FIXED and one MADV_HUGEPAGE, and sets it to fault
 * with one mmap PROT_NONE FIXED, which drops the pages and the advice with them. protect keeps the pages instead. */
#include "os/vm.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define MAP_PLAIN (MAP_ANONYMOUS | MAP_PRIVATE)

static void *address(uintptr_t at)
{
    return (void *)at;
}

static int linux_reserve(void *context, uintptr_t hint, size_t bytes, uintptr_t *at)
{
    void *got = mmap(address(hint), bytes, PROT_NONE, MAP_PLAIN, -1, 0);

    (void)context;
    if (got == MAP_FAILED)
        return errno;
    *at = (uintptr_t)got;
    return 0;
}

static int map_fixed(uintptr_t at, size_t bytes, int protection)
{
    void *got = mmap(address(at), bytes, protection, MAP_PLAIN | MAP_FIXED, -1, 0);

    if (got == MAP_FAILED)
        return errno;
    UA_CHECK((uintptr_t)got == at, "runtime: cannot map pages in arena address space");
    return 0;
}

static int linux_map(void *context, uintptr_t at, size_t bytes)
{
    (void)context;
    return map_fixed(at, bytes, PROT_READ | PROT_WRITE);
}

static int linux_release(void *context, uintptr_t at, size_t bytes)
{
    (void)context;
    return map_fixed(at, bytes, PROT_NONE);
}

static int linux_protect(void *context, uintptr_t at, size_t bytes)
{
    (void)context;
    return mprotect(address(at), bytes, PROT_NONE) == 0 ? 0 : errno;
}

static int linux_unprotect(void *context, uintptr_t at, size_t bytes)
{
    (void)context;
    return mprotect(address(at), bytes, PROT_READ | PROT_WRITE) == 0 ? 0 : errno;
}

static int linux_unmap(void *context, uintptr_t at, size_t bytes)
{
    (void)context;
    return munmap(address(at), bytes) == 0 ? 0 : errno;
}

static int advise(uintptr_t at, size_t bytes, int advice)
{
    return madvise(address(at), bytes, advice) == 0 ? 0 : errno;
}

static int linux_huge_page(void *context, uintptr_t at, size_t bytes)
{
    (void)context;
    return advise(at, bytes, MADV_HUGEPAGE);
}

static int linux_collapse(void *context, uintptr_t at, size_t bytes)
{
    (void)context;
    return advise(at, bytes, MADV_COLLAPSE);
}

static int linux_populate(void *context, uintptr_t at, size_t bytes)
{
    (void)context;
    return advise(at, bytes, MADV_POPULATE_WRITE);
}

static int linux_discard(void *context, uintptr_t at, size_t bytes)
{
    (void)context;
    return advise(at, bytes, MADV_DONTNEED);
}

static int linux_allocate(void *context, size_t bytes, uintptr_t *at)
{
    void *got = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PLAIN | MAP_NORESERVE, -1, 0);

    (void)context;
    if (got == MAP_FAILED)
        return errno;
    *at = (uintptr_t)got;
    return 0;
}

const struct ua_vm_ops ua_vm_linux = {
    .reserve = linux_reserve,
    .map = linux_map,
    .release = linux_release,
    .protect = linux_protect,
    .unprotect = linux_unprotect,
    .unmap = linux_unmap,
    .huge_page = linux_huge_page,
    .collapse = linux_collapse,
    .populate = linux_populate,
    .discard = linux_discard,
    .allocate = linux_allocate,
};

size_t ua_vm_page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}
