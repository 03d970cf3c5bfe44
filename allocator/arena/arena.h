/* arena.h - the user arena: a handle, the chunk it allocates into, the chunks it has filled.
 *
 * Why a layer above gc/: refilling pays assist debt and may start a collection, freeing must know whether a mark runs; both
 * are asked here, so that heap/ never calls up.
 *
 * Handles live in slabs of metadata memory and keep their address for the heap's life. A freed handle waits for 1,024
 * further arenas before it is used again, so a stale use meets an empty range and an old state, and is fatal.
 * Threads: one thread at a time uses an arena; the collector looks at the handle with that thread stopped. A signal handler on that
 * thread may come in the middle of a call on the arena; `busy` tells it so, and its own call on the arena is fatal. */
#ifndef UA_ARENA_ARENA_H
#define UA_ARENA_ARENA_H

#include "heap/heap.h"

enum ua_arena_state {
    UA_ARENA_NEVER,     /* slab entry not used yet */
    UA_ARENA_LIVE,      /* a root */
    UA_ARENA_ABANDONED, /* alive while something points at the handle */
    UA_ARENA_FREED
};

/* Two cache lines: what an allocation reads, and what making and freeing touches besides. */
struct ua_arena {
    _Alignas(64) struct ua_arena_fast fast; /* first: the inlined path casts the handle to it */
    const struct ua_types *types; /* of the heap: next to the hot part, for the out-of-line path */
    uint64_t busy;             /* own thread only: not 0 while it is inside a call that is not inlined */
    struct ua_heap *heap;

    struct ua_span *active;
    uint64_t magic;          /* UA_ARENA_MAGIC ^ address */
    enum ua_arena_state state; /* atomic */
    struct ua_span *full;    /* last filled first, linked by next */
    size_t chunk_count;      /* Go's refs: one for each chunk taken; the full list has one less */
    size_t used_bytes;       /* in full chunks, less what active held when it was taken (wraps) */
    struct ua_arena *next_free; /* freed handles, and those not used yet; guard: whose list it is on */
    uint64_t freed_at_count; /* arenas that the keeper of the list had made when it was freed */
};

_Static_assert(offsetof(struct ua_arena, fast) == 0, "the inlined path needs the hot part first");
_Static_assert(sizeof(struct ua_arena) == 128, "two cache lines");

#define UA_ARENA_MAGIC ((uint64_t)0x75615f6172656e61)
#define UA_ARENA_SLAB_COUNT 128u

struct ua_arena_slab {
    struct ua_arena_slab *next;
    size_t used_count; /* guard: arenas_lock */
    struct ua_arena arenas[UA_ARENA_SLAB_COUNT];
};

struct ua_arena *ua_arena_create(struct ua_heap *heap);
void ua_arena_release(struct ua_arena *arena);
int ua_arena_restart(struct ua_arena *arena);
void ua_arena_leave(struct ua_arena *arena); /* abandon */
/* Public calls, see ua.h: no layer in between, since each is a few dozen instructions. */
UA_API void *ua_arena_alloc(struct ua_arena *arena, const struct ua_type *type, size_t count);
UA_API void *ua_arena_alloc_one(struct ua_arena *arena, const struct ua_type *type);
void ua_arena_measure(const struct ua_arena *arena, size_t *used_bytes, size_t *held_bytes);
void *ua_arena_grow(struct ua_arena *arena, const struct ua_type *type, void *slice, size_t old_count, size_t new_count);
int ua_arena_scope_open(struct ua_arena *arena, struct ua_scope *scope);
void ua_arena_scope_rewind(struct ua_arena *arena, const struct ua_scope *scope);
/* Fatal unless it is a living arena; `call` names the public call in the message. */
void ua_arena_check(const struct ua_arena *arena, const char *call);

/* What ua_arena_check finds nothing against. */
static inline bool ua_arena_is_live(const struct ua_arena *arena)
{
    return arena->magic == (UA_ARENA_MAGIC ^ (uintptr_t)arena) &&
           __atomic_load_n(&arena->state, __ATOMIC_ACQUIRE) == UA_ARENA_LIVE;
}

_Noreturn void ua_arena_interrupted(const struct ua_arena *arena, const char *call) __attribute__((cold, noinline));

/* A call on the arena begins, and ends: fatal if the thread is in one already. Not nested. */
static inline void ua_arena_enter(struct ua_arena *arena, const char *call)
{
    if (UA_UNLIKELY(arena->busy != 0))
        ua_arena_interrupted(arena, call);
    arena->busy = 1;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline void ua_arena_exit(struct ua_arena *arena)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    arena->busy = 0;
}

/* For gc/, debug/ (their users see to it that the arena's thread stands still): the front that a chunk's log may be read
 * up to, and its back. */
uintptr_t ua_chunk_front(const struct ua_span *chunk);
uintptr_t ua_chunk_back(const struct ua_span *chunk);
/* Books what the type logs of chunks in arenas took since they were last looked at; before the ledger is read. Any thread. */
void ua_arena_book_logs(struct ua_heap *heap);

#endif
