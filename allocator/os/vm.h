/* vm.h - address-space states and the only mapping system calls.
 *
 *   None --reserve--> Reserved --map--> Ready --release--> Reserved        (pages gone, range faults)
 *                                       Ready --protect--> Fault           (pages kept, range faults)
 *                                       Fault --unprotect--> Ready         (same pages)
 *                     Reserved / Ready / Fault --unmap--> None
 *
 * Why a table of operations: a test gives its own table that fails the N-th call, for every N. Go's Prepared state (mapped,
 * may be without pages) has no call of its own on Linux: map reaches it and the first touch makes it Ready.
 * Every operation returns 0 or an errno; a failed one has changed nothing. Counters are written here alone, atomically.
 * Not owned: which bytes are in which account (acct/), who may touch what (heap/). */
#ifndef UA_OS_VM_H
#define UA_OS_VM_H

#include "base/base.h"
#include "base/config.h"

struct ua_vm_ops {
    /* Address space without pages; `hint` may be 0; *at gets the place, which may differ from the hint. */
    int (*reserve)(void *context, uintptr_t hint, size_t bytes, uintptr_t *at);
    int (*map)(void *context, uintptr_t at, size_t bytes);       /* mmap RW FIXED */
    int (*release)(void *context, uintptr_t at, size_t bytes);   /* mmap PROT_NONE FIXED: drops the pages */
    int (*protect)(void *context, uintptr_t at, size_t bytes);   /* mprotect NONE */
    int (*unprotect)(void *context, uintptr_t at, size_t bytes); /* mprotect RW */
    int (*unmap)(void *context, uintptr_t at, size_t bytes);
    int (*huge_page)(void *context, uintptr_t at, size_t bytes); /* advice: failures change nothing and are ignored */
    int (*collapse)(void *context, uintptr_t at, size_t bytes);
    int (*populate)(void *context, uintptr_t at, size_t bytes);
    int (*discard)(void *context, uintptr_t at, size_t bytes); /* pages gone, reads as zero */
    /* Zeroed memory anywhere for metadata; pages come on touch. */
    int (*allocate)(void *context, size_t bytes, uintptr_t *at);
};

struct ua_vm_counts {
    uint64_t reserve, map, release, protect, unprotect, unmap, advise, allocate; /* atomic */
};

struct ua_vm {
    const struct ua_vm_ops *ops;
    void *context;
    struct ua_vm_counts counts;
};

/* The system itself. */
extern const struct ua_vm_ops ua_vm_linux;

void ua_vm_init(struct ua_vm *vm, const struct ua_vm_ops *ops, void *context);

int ua_vm_reserve(struct ua_vm *vm, uintptr_t hint, size_t bytes, uintptr_t *at);
int ua_vm_map(struct ua_vm *vm, uintptr_t at, size_t bytes);
int ua_vm_release(struct ua_vm *vm, uintptr_t at, size_t bytes);
int ua_vm_protect(struct ua_vm *vm, uintptr_t at, size_t bytes);
int ua_vm_unprotect(struct ua_vm *vm, uintptr_t at, size_t bytes);
int ua_vm_unmap(struct ua_vm *vm, uintptr_t at, size_t bytes);
int ua_vm_allocate(struct ua_vm *vm, size_t bytes, uintptr_t *at);
int ua_vm_discard(struct ua_vm *vm, uintptr_t at, size_t bytes);
/* Advice. Only whole huge pages inside the range are asked for; 0 also when there is none. */
int ua_vm_huge_page(struct ua_vm *vm, uintptr_t at, size_t bytes);
int ua_vm_collapse(struct ua_vm *vm, uintptr_t at, size_t bytes);
int ua_vm_populate(struct ua_vm *vm, uintptr_t at, size_t bytes);

/* The system's page size, asked once per call. */
size_t ua_vm_page_bytes(void);

#endif
