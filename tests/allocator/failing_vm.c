/* failing_vm.c - see failing_vm.h. Context is a struct failing_vm. */
#include "allocator/failing_vm.h"

#include <errno.h>

/* Whether this call is the one. */
static bool fails(void *context)
{
    struct failing_vm *vm = context;

    if (++vm->calls != vm->fail_at)
        return false;
    vm->failed = true;
    return true;
}

static int reserve(void *context, uintptr_t hint, size_t bytes, uintptr_t *at)
{
    return fails(context) ? ENOMEM : ua_vm_linux.reserve(NULL, hint, bytes, at);
}

static int allocate(void *context, size_t bytes, uintptr_t *at)
{
    return fails(context) ? ENOMEM : ua_vm_linux.allocate(NULL, bytes, at);
}

#define FAILING(name)                                                                                                  \
    static int name(void *context, uintptr_t at, size_t bytes)                                                         \
    {                                                                                                                  \
        return fails(context) ? ENOMEM : ua_vm_linux.name(NULL, at, bytes);                                            \
    }

FAILING(map)
FAILING(release)
FAILING(protect)
FAILING(unprotect)
FAILING(huge_page)
FAILING(collapse)
FAILING(populate)
FAILING(discard)

/* Unmapping frees; it has no reason to fail that a caller could act on. */
static int unmap(void *context, uintptr_t at, size_t bytes)
{
    (void)context;
    return ua_vm_linux.unmap(NULL, at, bytes);
}

const struct ua_vm_ops failing_vm_ops = {reserve,   map,      release,  protect, unprotect, unmap,
                                         huge_page, collapse, populate, discard, allocate};
