/* room.c - see room.h. */
#include "gc/room.h"

#include "gc/cycle.h"

/* What is smaller is put right after it was taken (ua_gc_scavenge): asking first for each span would cost more than it saves. */
#define ASKED_MIN_BYTES ((size_t)1 << 20)
/* Free memory in smaller amounts stays: a system call and a fault for a page or two save nothing. */
#define SCAVENGE_MIN_BYTES ((uint64_t)256 << 10)
/* What has to be allocated before a collection for the limit may find enough: a 32nd of what the last one left, less than
 * the 5 % that a limit may be passed by. Without it a live heap over the limit would collect at each span. */
#define WORTH_MIN_BYTES ((uint64_t)1 << 20)
#define WORTH_SHARE 32u
#define ROUNDS_MAX 8u

static bool has_limit(const struct ua_gc *gc)
{
    return gc->heap->options.memory_limit_bytes != UA_MEMORY_LIMIT_NONE;
}

/* Bytes over the limit, with what is claimed and not yet booked; `own_bytes` of that cost nothing. */
static uint64_t excess(struct ua_gc *gc, uint64_t own_bytes)
{
    uint64_t limit = (uint64_t)gc->heap->options.memory_limit_bytes;
    uint64_t wanted = ua_acct_mapped_ready(&gc->heap->acct) + ua_gc_load(&gc->claimed_bytes) - own_bytes;

    return wanted > limit ? wanted - limit : 0;
}

bool ua_room_is_short(struct ua_gc *gc)
{
    return has_limit(gc) && excess(gc, 0) > 0;
}

bool ua_room_is_worth_a_cycle(struct ua_gc *gc)
{
    uint64_t allocated = ua_gc_load(&gc->heap->acct.total_alloc) - ua_gc_load(&gc->counts.total_alloc_start);

    return allocated >= ua_max(WORTH_MIN_BYTES, ua_gc_load(&gc->heap->acct.heap_marked) / WORTH_SHARE);
}

/* Bytes that could be given back now, about: quarantined chunks are kept too, but have to wait. */
uint64_t ua_room_idle_bytes(struct ua_gc *gc)
{
    struct ua_chunk_pool *pool = &gc->heap->chunks;
    uint64_t kept = ua_acct_read(&gc->heap->acct, UA_ACCT_KEPT);
    uint64_t waiting = 0;

    if (kept != 0) {
        ua_lock_acquire(&pool->lock);
        waiting = (uint64_t)pool->quarantined.count * pool->chunk_bytes;
        ua_lock_release(&pool->lock);
    }
    return (kept > waiting ? kept - waiting : 0) + ua_acct_read(&gc->heap->acct, UA_ACCT_FREE);
}

static void give_back(struct ua_gc *gc, uint64_t bytes)
{
    if (ua_room_idle_bytes(gc) >= SCAVENGE_MIN_BYTES)
        ua_heap_trim(gc->heap, ua_max(bytes, SCAVENGE_MIN_BYTES));
}

void ua_room_keep_limit(struct ua_gc *gc)
{
    if (ua_room_is_short(gc))
        give_back(gc, excess(gc, 0));
}

/* One step towards room; false when there is none left to take. */
static bool make_room(struct ua_gc *gc)
{
    if (__atomic_load_n(&gc->state, __ATOMIC_ACQUIRE) == UA_GC_RUNNING) {
        /* What was freed since it opened waits for its end, and so does what died before. */
        ua_gc_finish_running(gc);
        return true;
    }
    if (__atomic_load_n(&gc->sweep.pending, __ATOMIC_ACQUIRE) != 0) {
        ua_sweep_finish(gc);
        return true;
    }
    if (!ua_gc_is_due(gc, UA_GC_LIMIT))
        return false;
    ua_gc_collect(gc, UA_GC_LIMIT);
    return true;
}

static void claim(struct ua_gc *gc, size_t bytes, bool grows)
{
    uint64_t own_bytes = grows ? 0 : bytes;

    ua_gc_add(&gc->claimed_bytes, bytes);
    for (unsigned round = 0; round < ROUNDS_MAX && excess(gc, own_bytes) > 0; round++) {
        give_back(gc, excess(gc, own_bytes));
        if (excess(gc, own_bytes) == 0 || !make_room(gc))
            break;
    }
}

void ua_room_claim(struct ua_gc *gc, size_t bytes)
{
    if (has_limit(gc))
        claim(gc, bytes < ASKED_MIN_BYTES ? 0 : bytes, true);
}

void ua_room_claim_chunk(struct ua_gc *gc)
{
    if (has_limit(gc))
        claim(gc, gc->heap->chunks.chunk_bytes, !ua_chunk_next_is_kept(&gc->heap->chunks));
}

void ua_room_settle(struct ua_gc *gc, size_t bytes)
{
    if (has_limit(gc) && bytes >= ASKED_MIN_BYTES)
        __atomic_fetch_sub(&gc->claimed_bytes, bytes, __ATOMIC_RELAXED);
}
