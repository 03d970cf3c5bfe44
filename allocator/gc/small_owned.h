/* small_owned.h - an object from a span that the calling thread owns, without a lock: the shortest path of ua_heap_alloc, all of it
 * in one function there.
 *
 * What a thread owns it finds in a small table of its own, direct-mapped by type and class. An entry is good while its epoch is
 * the heap's: epochs are unique in the process, so a hit says which heap, which type and which sweep. small.c fills the table. */
#ifndef ALLOCATOR_GC_SMALL_OWNED_H
#define ALLOCATOR_GC_SMALL_OWNED_H

#include <string.h>

#include "base/bits.h"
#include "gc/small.h"
#include "os/fence.h"

#define UA_SMALL_SLOT_COUNT 64u
/* Up to here a call of memset costs more than the stores. */
#define UA_SMALL_ZERO_INLINE_BYTES 128u

struct ua_small_slot {
    uint64_t epoch;
    const struct ua_layout *layout;
    struct ua_small_span *record;
    unsigned size_class;
};

extern _Thread_local struct ua_small_slot ua_small_slots[UA_SMALL_SLOT_COUNT];

/* Sets the mark of an object that is born while a mark runs. */
void ua_small_blacken(struct ua_small_heap *small, struct ua_small_span *record, uint32_t index);

static inline struct ua_small_slot *ua_small_slot_for(const struct ua_layout *layout, unsigned size_class)
{
    return &ua_small_slots[(((uintptr_t)layout >> 6) * 5 + size_class) % UA_SMALL_SLOT_COUNT];
}

static inline bool ua_small_slot_is(const struct ua_small_slot *slot, uint64_t epoch, const struct ua_layout *layout, unsigned size_class)
{
    return slot->epoch == epoch && slot->layout == layout && slot->size_class == size_class;
}

/* The next free object that was not freed by hand; object_count when there is none. */
static inline uint32_t ua_small_find_clear(const struct ua_small_span *record)
{
    uint32_t index = record->free_index;

    while (index < record->object_count) {
        uint64_t free_bits = ~record->bits[index / 64].alloc >> (index % 64);

        if (UA_LIKELY(free_bits != 0)) {
            index += ua_lowest_bit(free_bits);
            return index < record->object_count ? index : record->object_count;
        }
        index = (index / 64 + 1) * 64;
    }
    return record->object_count;
}

/* Classes are whole words, so the last piece of an odd number of words is one. */
static inline void ua_small_zero(uintptr_t at, uint32_t bytes)
{
    uintptr_t end = at + bytes;

    for (; end - at >= 2 * UA_WORD_BYTES; at += 2 * UA_WORD_BYTES)
        memset((void *)at, 0, 2 * UA_WORD_BYTES);
    if (at != end)
        memset((void *)at, 0, UA_WORD_BYTES);
}

/* The object's address, zeroed, marked if a mark runs, and counted as allocated: one that was freed by hand is so already, and free ones
 * before it stay free. */
static inline uintptr_t ua_small_hand_out(struct ua_small_heap *small, struct ua_small_span *record, uint32_t index, bool was_freed)
{
    uintptr_t object = record->span.base + (size_t)index * record->object_bytes;

    if (__atomic_load_n(&record->needs_zero, __ATOMIC_RELAXED)) {
        if (UA_LIKELY(record->object_bytes <= UA_SMALL_ZERO_INLINE_BYTES))
            ua_small_zero(object, record->object_bytes);
        else
            memset((void *)object, 0, record->object_bytes);
        ua_fence_publish();
    }
    /* The address must be in a register before the object counts as allocated: a thread stopped in between would have an
     * allocated object that nothing points to. */
    __asm__ volatile("" : "+r"(object) : : "memory");
    if (UA_UNLIKELY(__atomic_load_n(&small->black, __ATOMIC_RELAXED)))
        ua_small_blacken(small, record, index);
    if (!was_freed && index >= record->free_index)
        __atomic_store_n(&record->free_index, index + 1, __ATOMIC_RELAXED);
    return object;
}

/* A zeroed object of the class from a span that the thread owns; NULL when that is full: the caller may collect, then calls
 * ua_small_alloc. Not the other way round: nothing may point to a new object yet, and a collection would free it. */
static inline __attribute__((always_inline)) void *ua_small_alloc_owned(struct ua_small_heap *small, const struct ua_layout *layout, unsigned size_class)
{
    struct ua_thread_record *thread = &ua_thread_record;
    const struct ua_small_slot *slot = ua_small_slot_for(layout, size_class);
    uintptr_t object = 0;

    ua_lock_defer_begin_in(thread);
    if (UA_LIKELY(ua_small_slot_is(slot, __atomic_load_n(&small->epoch, __ATOMIC_RELAXED), layout, size_class) &&
                  __atomic_load_n(&slot->record->freed_count, __ATOMIC_RELAXED) == 0)) {
        struct ua_small_span *record = slot->record;
        uint32_t index = ua_small_find_clear(record);

        if (UA_LIKELY(index < record->object_count))
            object = ua_small_hand_out(small, record, index, false);
    }
    ua_lock_defer_end_in(thread);
    return (void *)object;
}

#endif
