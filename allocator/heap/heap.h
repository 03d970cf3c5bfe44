/* heap.h - one heap: the modules of this layer put together, and where the collector hangs in.
 *
 * Why a struct of structs: the heap is a parameter everywhere; a process may hold ten. Modules of heap/ take the one module
 * they need, so that a test can build a chunk pool alone; gc/, arena/, debug/ and api/ see the whole.
 *
 * For gc/: fill `gc_ops` and `gc` before the heap is handed out. arena/ calls them at the places where Go's runtime enters
 * its collector, so heap/ never calls up. A heap without gc_ops has no collector: quarantined chunks stay there. */
#ifndef UA_HEAP_HEAP_H
#define UA_HEAP_HEAP_H

#include "heap/chunk.h"
#include "heap/large.h"
#include "os/clock.h"

struct ua_heap;
struct ua_gc;

struct ua_gc_ops {
    /* Before a chunk is taken from the ready list: pay assist debt for `bytes` (8 MiB at most in one step). */
    void (*before_chunk)(struct ua_heap *heap, size_t bytes);
    /* After each of these: allocate black while marking, then test the trigger. The caller holds no lock and may be stopped
     * here. NULL: there was no chunk. */
    void (*after_chunk)(struct ua_heap *heap, struct ua_span *chunk);
    /* `count` chunks were freed. True: a collection is due before the next arena is made, so the caller sees to it that before_birth is
     * called then. */
    bool (*after_free)(struct ua_heap *heap, size_t count);
    /* An arena is about to be made, and nothing of it lives: collects if that was found due. No lock is held. */
    void (*before_birth)(struct ua_heap *heap);
    /* An object of the collected heap, zeroed; layout NULL = pointer-free. NULL after ua_error_set. */
    void *(*alloc)(struct ua_heap *heap, const struct ua_layout *layout, size_t count, size_t bytes,
                   size_t align_bytes);
    /* Sets the finalizer that frees an abandoned arena, and clears it (ua_arena_free). */
    void (*arena_abandoned)(struct ua_heap *heap, struct ua_arena *arena);
    void (*arena_freed)(struct ua_heap *heap, struct ua_arena *arena);
    /* Everything in [from, front) of an active chunk is about to be dropped, and the log cut; no stop cuts in. May be NULL. */
    void (*before_rewind)(struct ua_heap *heap, struct ua_span *chunk, uintptr_t from);
    /* For ua_stats; may be NULL. */
    void (*stats)(struct ua_heap *heap, uint64_t *cycles, uint64_t *goal_bytes, uint64_t *trigger_bytes);
    /* Around fork; each may be NULL. prepare comes with the world lock held and before any other thread is kept from locks:
     * threads of the heap's own go where nothing is half done. parent and child come after everything was given back; in the
     * child only the calling thread is left, and helpers can be made anew. */
    void (*fork_prepare)(struct ua_heap *heap);
    void (*fork_parent)(struct ua_heap *heap);
    void (*fork_child)(struct ua_heap *heap);
    /* Stops helpers and gives up what gc/ holds; the heap's memory goes right after. */
    void (*deinit)(struct ua_heap *heap);
};

/* A table of arena handles, in slabs that stay where they are. */
struct ua_arena_slab;
/* What one thread keeps of this heap for itself: a chunk and handles (arena/cache.h). */
struct ua_cache;

struct ua_heap {
    struct ua_heap_fast fast; /* first: inlined stores cast the heap to it */
    struct ua_options options;
    struct ua_vm vm;
    struct ua_acct acct;
    struct ua_meta meta;
    struct ua_space space;
    struct ua_types types;
    struct ua_logs logs;
    struct ua_chunk_pool chunks;
    struct ua_pages pages;
    struct ua_large large;
    struct ua_heapbits heapbits;
    const struct ua_clock *clock;

    const struct ua_gc_ops *gc_ops; /* constant once the heap is handed out */
    struct ua_gc *gc;

    struct ua_lock arenas_lock;
    struct ua_arena_slab *arena_slabs; /* guard: arenas_lock; walked by gc/ with the world stopped */
    struct ua_arena *free_handles;     /* first freed first, linked by next_free; guard: arenas_lock */
    struct ua_arena *free_handles_last;
    uint64_t handles_made_count;       /* arenas made, as far as caches have told; guard: arenas_lock */

    uint64_t serial;                   /* constant; no two heaps of a process have the same, so that a stale cache is known */
    struct ua_cache *caches;           /* guard: the lock of arena/cache.c, as the next two */
    struct ua_cache *spare_caches;
    struct ua_heap *next_cached;       /* heaps that have caches */
    void (*forget_caches)(struct ua_heap *heap); /* set with the first cache; called when the heap goes */

    uint64_t lock_count; /* atomic */
    /* Atomic; without what the caches hold. A refill is a chunk more for an arena, beyond its first. */
    uint64_t refill_count, arena_new_count, arena_free_count;

    struct ua_heap *registry_next; /* guard: the registry's lock (api/) */
};

_Static_assert(offsetof(struct ua_heap, fast) == 0, "inlined stores need it first");

/* The one address that all empty objects share; never read or written. */
extern char ua_zero_base[];

/* A heap over the given system calls (tests give their own). NULL after ua_error_set. Options are valid already. */
struct ua_heap *ua_heap_create(const struct ua_options *options, const struct ua_vm_ops *ops, void *vm_context);
/* Unmaps everything, whatever is in use. */
void ua_heap_destroy(struct ua_heap *heap);
/* Gives idle memory back to the system, ready chunks before free pages before free logs, until it is `enough_bytes`; bytes given back. */
size_t ua_heap_trim(struct ua_heap *heap, size_t enough_bytes);

#endif
