/* small.h - objects up to 32 KiB: spans of one size class and one type, allocated by bits.
 *
 * Why spans by type: every object of a span has the same pointer mask, so an object needs no header and no bitmap of its
 * own; an array is as many values of its element type as fit the class (what lies behind the asked count is zero, so
 * reading it as pointers does no harm). Price: a page a type and class in use.
 *
 *   allocated(i) = i < free_index, or alloc bit i, unless freed by hand (freed bit i)
 *
 * A sweep copies the mark bits to the alloc bits, clears the marks and starts again at index 0; so between a sweep's end and
 * the next mark no object is marked. Ledger: a span's free objects are booked as allocated when it becomes current (Go does
 * the same at refill) and as freed by the sweep.
 * A thread allocates from spans that it owns, found in a small table of its own by class and type, without a lock; no stop
 * happens in between (ua_lock_defer_begin). Beginning a sweep, with the world stopped, takes all spans back by giving the
 * heap a new epoch; each span is then swept by whoever comes first: an allocation that wants one of its bin, a free into it,
 * or the one that sweeps everything. While a concurrent mark runs (`black`) objects are born marked, in the same step that no
 * stop cuts in two: a mark set after the mark's end would still be there when the next one begins.
 *
 * Guard: lock for bins and for spans that nobody owns; mark words are atomic, since threads and markers set bits of one. */
#ifndef ALLOCATOR_GC_SMALL_H
#define ALLOCATOR_GC_SMALL_H

#include "gc/size_class.h"
#include "gc/table.h"
#include "heap/heap.h"

struct ua_bin;

/* What a sweep found. */
struct ua_small_sweep {
    uint64_t objects_freed;
    uint64_t bytes_freed;
    uint64_t pages_freed;
    uint64_t pages_swept;
};

enum ua_small_place {
    UA_SMALL_FULL,    /* on no list */
    UA_SMALL_PARTIAL, /* on its bin's list */
    UA_SMALL_OWNED    /* some thread allocates from it */
};

/* One state word triple for each 64 objects, next to each other: a mark touches all three. */
struct ua_small_bits {
    uint64_t alloc;
    uint64_t freed;
    uint64_t mark;
};

/* A span with its record behind it in one block, so that whoever has the span's address can prefetch all of it. */
struct ua_small_span {
    struct ua_span span; /* first: the table of spans leads here */
    /* What a mark reads, on one cache line with the span's base and kind. */
    const struct ua_layout *layout; /* NULL: pointer-free */
    uint64_t mask;          /* the layout's first 64 words; 0 without pointers */
    uint32_t element_bytes; /* of the layout; 0 when one mask word does not hold it: read by the layout then */
    uint32_t elements_bytes; /* of the elements that fit an object; ditto */
    uint32_t object_bytes;
    uint32_t divide_magic; /* offset * magic >> 32 = index */
    uint32_t object_count;
    uint32_t free_index;   /* where the search for a free object goes on; atomic, written by the owner */
    uint32_t span_bytes;
    uint32_t scan_bytes;   /* of an object, from its start to its last pointer's end; if element_bytes != 0 */
    /* What it does not. */
    uint32_t group_count;  /* of bits */
    struct ua_small_span *next; /* all spans of the heap; spare records */
    struct ua_small_span *previous;
    struct ua_small_span *next_in_bin;
    struct ua_small_span *previous_in_bin;
    struct ua_small_span *next_partial;
    struct ua_bin *bin;
    uint32_t freed_count;  /* freed by hand and not used again; atomic, guard: lock */
    uint32_t booked_count; /* objects the ledger counts as allocated */
    bool needs_zero;       /* atomic */
    enum ua_small_place place;
    struct ua_small_bits bits[UA_SPAN_OBJECTS_MAX / 64] __attribute__((aligned(64))); /* group_count of them are there */
};

_Static_assert(offsetof(struct ua_small_span, span.base) / 64 == offsetof(struct ua_small_span, scan_bytes) / 64,
               "a mark reads one line of the record, and one or more of its bits");

/* Spans of one class and one type. */
struct ua_bin {
    struct ua_bin *next; /* all bins of the heap */
    const struct ua_layout *layout;
    unsigned size_class;
    struct ua_small_span *spans;   /* all of them, newest first */
    struct ua_small_span *unswept; /* this one and those after it may be unswept; NULL: none */
    struct ua_small_span *partial; /* with room, nobody's */
};

struct ua_small_heap {
    struct ua_heap *heap;
    struct ua_size_table sizes; /* constant */
    struct ua_lock lock; /* rank SPANS */
    struct ua_table bins; /* key: layout and class */
    struct ua_bin *all_bins;
    struct ua_small_span *spans;
    struct ua_small_span *spare_records[UA_SPAN_OBJECTS_MAX / 64 + 1]; /* by group_count */
    size_t span_count;
    size_t page_count;
    uint64_t epoch; /* atomic; unique in the process, new with each sweep */
    bool black;     /* atomic, changes with the world stopped: objects are born marked */
    uint64_t black_bytes, black_objects; /* atomic; born marked since black was set */
    uint32_t sweep_gen;          /* sweeps begun; a span of an older one is unswept */
    struct ua_bin *sweep_bin;    /* where the sweep of everything goes on; NULL: all is swept */
    struct ua_small_sweep swept; /* by the sweep that was begun last, so far */
};

void ua_small_init(struct ua_small_heap *small, struct ua_heap *heap, uint64_t *lock_count);
void ua_small_deinit(struct ua_small_heap *small);

/* A zeroed object of the class from any span, a new one if need be; from one that the thread owns: small_owned.h. *booked_bytes: what
 * the span that was taken adds to the live heap, 0 if none was. NULL after ua_error_set without memory. */
void *ua_small_alloc(struct ua_small_heap *small, const struct ua_layout *layout, unsigned size_class,
                     size_t *booked_bytes);
/* By hand. Fatal unless it is the start of an allocated object of this span. */
void ua_small_free(struct ua_small_heap *small, struct ua_span *span, uintptr_t object);

/* With the world stopped: takes every mark away (a mark that is given up). */
void ua_small_clear_marks(struct ua_small_heap *small);
/* With the world stopped, after a mark: every span is to be swept. Returns their pages. */
size_t ua_small_sweep_begin(struct ua_small_heap *small);
/* Sweeps up to `spans` spans: frees what is unmarked, gives empty spans back. False when all is swept. */
bool ua_small_sweep_some(struct ua_small_heap *small, size_t spans);
/* Sees to it that the span's bits say what lives. Guard: lock. False when nothing did and the span is gone. */
bool ua_small_need_swept(struct ua_small_heap *small, struct ua_small_span *record);

static inline uint32_t ua_small_index(const struct ua_small_span *record, uintptr_t address)
{
    return (uint32_t)(((uint64_t)(address - record->span.base) * record->divide_magic) >> 32);
}

static inline bool ua_small_is_allocated(const struct ua_small_span *record, uint32_t index)
{
    const struct ua_small_bits *bits = &record->bits[index / 64];
    uint64_t bit = (uint64_t)1 << (index % 64);

    if (index >= record->object_count || (__atomic_load_n(&bits->freed, __ATOMIC_RELAXED) & bit) != 0)
        return false;
    return index < __atomic_load_n(&record->free_index, __ATOMIC_RELAXED) || (bits->alloc & bit) != 0;
}

static inline bool ua_small_is_marked(const struct ua_small_span *record, uint32_t index)
{
    return (__atomic_load_n(&record->bits[index / 64].mark, __ATOMIC_RELAXED) >> (index % 64)) & 1;
}

/* The record of a span of kind SMALL. */
static inline struct ua_small_span *ua_small_record(struct ua_span *span)
{
    return UA_CONTAINER(span, struct ua_small_span, span);
}

#endif
