/* pages.h - runs of 8 KiB pages of the general heap: large objects, and small-object spans of the collector.
 *
 * Why its own allocator: chunks never share address space with anything else, and objects outside chunks come in any number
 * of pages. First fit by ascending address in heap arenas of 64 MiB; a run longer than that is a reservation of its own,
 * given back to the system when it is freed. Freed pages stay mapped (account FREE) until ua_pages_trim.
 * Lock: rank PAGES, held for the search and the bit maps, also around mapping calls (large objects are rare). */
#ifndef UA_HEAP_PAGES_H
#define UA_HEAP_PAGES_H

#include "heap/space.h"

struct ua_page_arena {
    struct ua_page_arena *next;
    uintptr_t base;
    uint64_t in_use[UA_PAGES_PER_HEAP_ARENA / 64];
    uint64_t mapped[UA_PAGES_PER_HEAP_ARENA / 64];
    uint64_t dirty[UA_PAGES_PER_HEAP_ARENA / 64]; /* of the mapped: may hold old data */
    size_t free_pages;
    size_t search_from; /* no free page below */
};

struct ua_pages {
    struct ua_vm *vm;
    struct ua_acct *acct;
    struct ua_meta *meta;
    struct ua_space *space;
    bool huge_pages; /* constant: ask for them */
    struct ua_lock lock;
    struct ua_page_arena *arenas; /* ascending age; guard: lock */
};

void ua_pages_init(struct ua_pages *pages, struct ua_vm *vm, struct ua_acct *acct, struct ua_meta *meta,
                   struct ua_space *space, bool huge_pages, uint64_t *lock_count);
void ua_pages_deinit(struct ua_pages *pages);
/* `count` zeroed pages, booked IN_USE; 0 without memory (nothing changed but pages may have become FREE). */
uintptr_t ua_pages_alloc(struct ua_pages *pages, size_t count);
void ua_pages_free(struct ua_pages *pages, uintptr_t at, size_t count);
/* Gives the memory of free pages back (FREE -> RELEASED), runs of them until it is `enough_bytes`; bytes given back. */
size_t ua_pages_trim(struct ua_pages *pages, size_t enough_bytes);

#endif
