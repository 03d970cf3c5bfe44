/* space.h - where address space comes from, and the table address -> span.
 *
 * Why heap arenas of 64 MiB: one table entry each, so that a lookup is two loads. Chunks and the general heap have heap
 * arenas of their own, from Go's hints (0x40c000000000 up for chunks, 0xc000000000 up for the rest): chunk address space
 * is never used for anything else, so a stale pointer into a freed arena can only meet another arena.
 * Reservations are kept until the heap is closed, but for giant objects. Locking: own lock for growth; lookups are lock-free. */
#ifndef UA_HEAP_SPACE_H
#define UA_HEAP_SPACE_H

#include "heap/span.h"
#include "meta/meta.h"

enum ua_space_use { UA_SPACE_CHUNKS, UA_SPACE_GENERAL, UA_SPACE_USES };

/* One 64 MiB unit. `spans` has one entry a chunk or a page: offset >> shift. */
struct ua_heap_arena {
    uintptr_t base;
    enum ua_space_use use;
    unsigned shift;
    struct ua_span **spans;      /* entries: atomic, NULL where no span is */
    uint64_t spans_pages;        /* pages of `spans` that are booked, when it is a lazy range; atomic */
    struct ua_heap_arena *next;  /* all of one use, newest first; guard: lock, prefix immutable */
    uint64_t bits_pages[UA_BITMAP_PAGES_PER_HEAP_ARENA / 64]; /* pages of its chunks' bitmap that are booked; atomic */
};

struct ua_hint {
    struct ua_hint *next;
    uintptr_t at;
    bool down;
};

struct ua_space {
    struct ua_vm *vm;
    struct ua_acct *acct;
    struct ua_meta *meta;
    struct ua_lock lock;
    struct ua_heap_arena **table;                /* UA_HEAP_ARENA_COUNT entries, atomic, lazily backed */
    uint64_t table_pages[UA_HEAP_ARENA_TABLE_PAGES / 64]; /* pages of `table` that are booked; guard: lock */
    struct ua_heap_arena *all[UA_SPACE_USES];    /* heads atomic */
    struct ua_hint *hints[UA_SPACE_USES];        /* guard: lock */
    struct ua_hint storage[128];
};

/* False without memory. */
bool ua_space_init(struct ua_space *space, struct ua_vm *vm, struct ua_acct *acct, struct ua_meta *meta,
                   uint64_t *lock_count);
/* Unmaps every heap arena. */
void ua_space_deinit(struct ua_space *space);
/* Reserves at least `bytes`, rounded up to heap arenas; *got_bytes may be larger. `shift`: see struct ua_heap_arena.
 * 0 or an errno. The address space is in account RESERVED. */
int ua_space_reserve(struct ua_space *space, enum ua_space_use use, size_t bytes, unsigned shift, uintptr_t *at,
                     size_t *got_bytes);
/* Gives a whole reservation of the general heap back; all in account RESERVED. */
void ua_space_unreserve(struct ua_space *space, uintptr_t at, size_t bytes);
/* Enters a span for its whole range (chunk heap arenas: one entry). */
void ua_space_set_span(struct ua_space *space, uintptr_t at, size_t bytes, struct ua_span *span);

static inline struct ua_heap_arena *ua_space_heap_arena(const struct ua_space *space, uintptr_t address)
{
    size_t index = address >> UA_HEAP_ARENA_SHIFT;

    if (UA_UNLIKELY(index >= UA_HEAP_ARENA_COUNT))
        return NULL;
    return __atomic_load_n(&space->table[index], __ATOMIC_ACQUIRE);
}

/* The span that holds the address, NULL if none was ever entered there. The caller looks at its kind: a chunk that was
 * never used has a span of kind UNUSED. */
static inline struct ua_span *ua_space_span(const struct ua_space *space, uintptr_t address)
{
    const struct ua_heap_arena *heap_arena = ua_space_heap_arena(space, address);

    if (heap_arena == NULL)
        return NULL;
    return __atomic_load_n(&heap_arena->spans[(address - heap_arena->base) >> heap_arena->shift], __ATOMIC_ACQUIRE);
}

#endif
