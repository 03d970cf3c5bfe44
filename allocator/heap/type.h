/* type.h - what the heap knows of a type: size, alignment, which 8-byte words are pointers.
 *
 * Why layouts apart from descriptors: a program's descriptor (struct ua_type) is constant and names fields; the layout is
 * the flat bit mask made from it once, at the first allocation that takes the slow path. A type log holds 16-bit ids.
 * Ids of compile-time types are the same in every heap of the process and count up from 1 (the inlined path reads them
 * without knowing the heap); ids of run-time types belong to one heap and count down from 65,535. Where the two would
 * meet, registering fails with ENOSPC. Id 0 is the log's escape for slices.
 * Locking: the process registry has one lock; layouts never change and are never freed before their heap (or process). */
#ifndef UA_HEAP_TYPE_H
#define UA_HEAP_TYPE_H

#include "base/abi/ua_abi.h"
#include "heap/mask_program.h"
#include "meta/meta.h"

struct ua_layout {
    size_t size_bytes;
    size_t align_bytes;
    size_t size_words;    /* size / 8; 0 for pointer-free types of odd size */
    size_t ptrdata_bytes; /* Go's ptrdata: end of the last pointer; 0 = pointer-free */
    size_t ptrdata_words;
    const uint64_t *mask; /* ceil(ptrdata_words / 64) words, no bit at or after ptrdata_words; NULL when program has it */
    struct ua_mask_program program; /* of a giant type; run_count 0: none */
    bool all_pointers;    /* every word of it */
    uint16_t id;
    const struct ua_types *owner; /* NULL: compile-time type, good in every heap */
    const char *name;
    uint64_t small_mask; /* storage of masks up to 64 words */
};

/* A heap's run-time types. */
struct ua_types {
    struct ua_meta *meta;
    const struct ua_layout **by_id; /* 65,536 entries, lazily backed; written under the registry lock */
    uint32_t lowest_id;             /* of this heap's run-time types; guard: registry lock */
};

/* False without memory. */
bool ua_types_init(struct ua_types *types, struct ua_meta *meta);
/* The layout of a type, made and registered if this is its first use. NULL after ua_error_set (ENOMEM, ENOSPC); fatal for
 * a descriptor that is wrong (packed pointers, fields outside the struct) and for a run-time type of another heap.
 * NULL without error for a pointer-free type that has none: see ua_type_is_scalar. */
const struct ua_layout *ua_types_layout(struct ua_types *types, const struct ua_type *type);
/* A run-time type; see ua_type_make in ua.h. */
const struct ua_type *ua_types_make(struct ua_types *types, size_t size_bytes, size_t align_bytes,
                                    const uint64_t *ptr_mask, size_t ptr_words, const char *name);
/* The layout behind an id found in a type log of this heap; fatal for an id that was never given. */
const struct ua_layout *ua_types_by_id(const struct ua_types *types, uint16_t id);
/* For the fork handler. */
void ua_types_lock(void);
void ua_types_unlock(void);

/* Pointer-free compile-time types need no layout. */
static inline bool ua_type_is_scalar(const struct ua_type *type)
{
    return type->cache == NULL;
}

/* Mask bits of words [word, word + 64), word a multiple of 64 below ptrdata_words. */
static inline uint64_t ua_layout_bits(const struct ua_layout *layout, size_t word)
{
    return UA_LIKELY(layout->mask != NULL) ? layout->mask[word / 64] : ua_mask_program_bits(&layout->program, word);
}

static inline bool ua_layout_bit(const struct ua_layout *layout, size_t word)
{
    if (word >= layout->ptrdata_words)
        return false;
    if (UA_UNLIKELY(layout->mask == NULL))
        return ua_mask_program_bits(&layout->program, word) & 1;
    return (layout->mask[word / 64] >> (word % 64)) & 1;
}

#endif
