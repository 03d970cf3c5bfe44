/* vm.c - counts and checks around the operations table, the same for the system and for a test's table. */
#include "os/vm.h"

static void count(uint64_t *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static void check_range(uintptr_t at, size_t bytes)
{
    UA_CHECK(bytes > 0, "vm: empty range");
    UA_CHECK((at | bytes) % UA_PHYS_PAGE_BYTES == 0, "vm: range is not aligned to the physical page size");
}

void ua_vm_init(struct ua_vm *vm, const struct ua_vm_ops *ops, void *context)
{
    vm->ops = ops;
    vm->context = context;
    vm->counts = (struct ua_vm_counts){0};
}

int ua_vm_reserve(struct ua_vm *vm, uintptr_t hint, size_t bytes, uintptr_t *at)
{
    check_range(hint, bytes);
    count(&vm->counts.reserve);
    return vm->ops->reserve(vm->context, hint, bytes, at);
}

int ua_vm_map(struct ua_vm *vm, uintptr_t at, size_t bytes)
{
    check_range(at, bytes);
    count(&vm->counts.map);
    return vm->ops->map(vm->context, at, bytes);
}

int ua_vm_release(struct ua_vm *vm, uintptr_t at, size_t bytes)
{
    check_range(at, bytes);
    count(&vm->counts.release);
    return vm->ops->release(vm->context, at, bytes);
}

int ua_vm_protect(struct ua_vm *vm, uintptr_t at, size_t bytes)
{
    check_range(at, bytes);
    count(&vm->counts.protect);
    return vm->ops->protect(vm->context, at, bytes);
}

int ua_vm_unprotect(struct ua_vm *vm, uintptr_t at, size_t bytes)
{
    check_range(at, bytes);
    count(&vm->counts.unprotect);
    return vm->ops->unprotect(vm->context, at, bytes);
}

int ua_vm_unmap(struct ua_vm *vm, uintptr_t at, size_t bytes)
{
    check_range(at, bytes);
    count(&vm->counts.unmap);
    return vm->ops->unmap(vm->context, at, bytes);
}

int ua_vm_allocate(struct ua_vm *vm, size_t bytes, uintptr_t *at)
{
    check_range(0, bytes);
    count(&vm->counts.allocate);
    return vm->ops->allocate(vm->context, bytes, at);
}

int ua_vm_discard(struct ua_vm *vm, uintptr_t at, size_t bytes)
{
    check_range(at, bytes);
    count(&vm->counts.advise);
    return vm->ops->discard(vm->context, at, bytes);
}

typedef int advice_fn(void *context, uintptr_t at, size_t bytes);

static int advise_huge(struct ua_vm *vm, advice_fn *advice, uintptr_t at, size_t bytes)
{
    uintptr_t begin = ua_align_up(at, UA_HUGE_PAGE_BYTES);
    uintptr_t end = ua_align_down(at + bytes, UA_HUGE_PAGE_BYTES);

    if (begin >= end)
        return 0;
    count(&vm->counts.advise);
    return advice(vm->context, begin, end - begin);
}

int ua_vm_huge_page(struct ua_vm *vm, uintptr_t at, size_t bytes)
{
    return advise_huge(vm, vm->ops->huge_page, at, bytes);
}

int ua_vm_collapse(struct ua_vm *vm, uintptr_t at, size_t bytes)
{
    return advise_huge(vm, vm->ops->collapse, at, bytes);
}

int ua_vm_populate(struct ua_vm *vm, uintptr_t at, size_t bytes)
{
    check_range(at, bytes);
    count(&vm->counts.advise);
    return vm->ops->populate(vm->context, at, bytes);
}
