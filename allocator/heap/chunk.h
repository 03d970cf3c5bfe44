/* chunk.h - the life of arena chunks: taken, filled, reused, set to fault, quarantined, ready again.
 *
 * The only writer of a chunk's state and the only caller of fault and unprotect. Lists, as in Go:
 *   reuse       chunks of freed arenas that still have room; last in, first out. The last one of each thread is parked: in
 *               state REUSE like the others, but in that thread's hands and on no list, so that it takes no lock
 *   ready       first recycled ones (a sweep inserts at the front, the neighbour of the chunk taken last foremost), then never
 *               used ones by ascending address
 *   quarantine  set to fault, waiting until a mark finds no pointer into them
 *   fault       freed while a mark ran: still readable, set to fault when it ends, in order
 *
 * Going to fault is two steps: under the lock the chunk becomes noscan, so that no later mark reads it; then, outside, the
 * system call. The phase is part of this pool because that decision must not race with a mark's start.
 * Lock: rank CHUNKS. System calls that make a chunk usable run outside it. */
#ifndef UA_HEAP_CHUNK_H
#define UA_HEAP_CHUNK_H

#include "heap/heapbits.h"
#include "heap/log.h"
#include "heap/prezero.h"
#include "heap/space.h"
#include "heap/watch.h"
#include "os/clock.h"
#include "os/helper.h"

/* In steady churn a freed chunk waits for its protection until so many wait, or so long; see chunk_fault.c. */
#define UA_DELAY_CHUNKS 6u
#define UA_DELAY_NS ((uint64_t)25 * 1000000u)
#define UA_DELAYED_MOST 16u /* several threads may bring some before the first of them protects all */

enum ua_phase { UA_PHASE_OFF, UA_PHASE_MARK, UA_PHASE_MARK_TERMINATION };

struct ua_chunk_pool {
    const struct ua_options *options;
    struct ua_vm *vm;
    struct ua_acct *acct;
    struct ua_meta *meta;
    struct ua_space *space;
    struct ua_logs *logs;
    struct ua_prezero prezero;
    size_t chunk_bytes;
    unsigned chunk_shift;
    size_t max_alloc_bytes; /* chunk / 4 */
    size_t redzone_bytes;   /* at a chunk's end, when a sanitizer watches */
    bool sanitize;          /* do not reuse active chunks, hide freed memory */
    bool outline;           /* the inlined path is switched off: sanitizers, verify=full */
    bool quarantine;
    struct ua_watch *watch; /* atomic; NULL: nobody watches */

    struct ua_lock lock;
    struct ua_list reuse, ready, quarantined, fault; /* guard: lock */
    enum ua_phase phase;                             /* atomic; written under lock by gc/ */
    size_t in_hands_count;                           /* in arenas, or parked; guard: lock */
    size_t unprotected_count;                        /* of the quarantined; written under lock, atomic */
    struct ua_span *delayed[UA_DELAYED_MOST];        /* quarantined, to be protected together; guard: lock */
    size_t delayed_count;                            /* guard: lock */
    uint64_t protected_ns;                           /* when a free last made a system call; guard: lock */
    const struct ua_clock *clock;                    /* constant; a test sets its own before the first free */
    uintptr_t taken_last;                            /* base of the chunk taken last, 0 before; guard: lock */
    uint64_t ahead_taken_count;                      /* chunks taken that the helper had prepared; guard: lock */
    bool has_helper;                                 /* constant while the heap lives */
    struct ua_helper helper;
};

void ua_chunk_pool_init(struct ua_chunk_pool *pool, const struct ua_options *options, struct ua_vm *vm,
                        struct ua_acct *acct, struct ua_meta *meta, struct ua_space *space, struct ua_logs *logs,
                        uint64_t *lock_count);
void ua_chunk_pool_deinit(struct ua_chunk_pool *pool);

/* The chunk put on the reuse list last, now ACTIVE in `arena`; NULL when there is none. Its free range goes on. */
struct ua_span *ua_chunk_take_reuse(struct ua_chunk_pool *pool, struct ua_arena *arena);
/* A chunk from the ready list, else from new address space; ACTIVE in `arena`, empty. NULL after ua_error_set; then
 * nothing has changed but that address space may have been reserved. */
struct ua_span *ua_chunk_take(struct ua_chunk_pool *pool, struct ua_arena *arena);
/* An arena's active chunk has too little room left; its free range is [front, back) for good. */
void ua_chunk_fill(struct ua_chunk_pool *pool, struct ua_span *chunk, uintptr_t front, uintptr_t back,
                   uint16_t *log_next);
/* A full chunk becomes its arena's active one again, with the free range it had and a log, be it a new one. */
void ua_chunk_reopen(struct ua_span *chunk);
/* An active chunk is about to be freed as it is: notes its free range. */
void ua_chunk_retire(struct ua_span *chunk, uintptr_t front, uintptr_t back, uint16_t *log_next);
/* A freed arena's active chunk goes to the next arena. */
void ua_chunk_put_reuse(struct ua_chunk_pool *pool, struct ua_span *chunk, uintptr_t front, uintptr_t back,
                        uint16_t *log_next);
/* The same without a lock: the chunk stays in the calling thread's hands, on no list. A stop must not come in between. */
void ua_chunk_park(struct ua_span *chunk, uintptr_t front, uintptr_t back, uint16_t *log_next);
/* A parked chunk becomes active in `arena`, its free range goes on. */
void ua_chunk_unpark(struct ua_span *chunk, struct ua_arena *arena);
/* A parked chunk goes to the front of the reuse list. */
void ua_chunk_put_parked(struct ua_chunk_pool *pool, struct ua_span *chunk);
/* Empties a chunk that stays in its arena's hands (preset kept only): everything in it is gone. */
void ua_chunk_rewind(struct ua_chunk_pool *pool, struct ua_span *chunk, uintptr_t front, uintptr_t back,
                     const uint16_t *log_next);
/* Frees a batch of FULL or ACTIVE chunks linked by `next`, in this order. Outside a mark each is set to fault (or kept, by
 * policy) and chunks on the fault list follow; during a mark all go to the fault list. Never fails. */
void ua_chunk_free(struct ua_chunk_pool *pool, struct ua_span *batch);

/* For gc/. The phase changes under the lock, so a free sees it or comes before it. */
void ua_chunk_set_phase(struct ua_chunk_pool *pool, enum ua_phase phase);
/* After a mark: every chunk of the fault list is set to fault, in order. */
void ua_chunk_drain_faults(struct ua_chunk_pool *pool);
/* Protects the chunks that have waited too long for company. Guard: lock. */
void ua_chunk_protect_overdue(struct ua_chunk_pool *pool);
/* A sweep found no mark on a quarantined chunk: to the front of the ready list. */
void ua_chunk_make_ready(struct ua_chunk_pool *pool, struct ua_span *chunk);
/* The same for a batch linked by `next`; neighbours that were protected are opened in one call. They will be taken on from the chunk
 * that was taken last, to the side where more of them lie: so chunks in use one after the other stay neighbours, as calls like them,
 * and no turn has an end where it jumps. */
size_t ua_chunk_make_ready_batch(struct ua_chunk_pool *pool, struct ua_span *batch);
/* After a mark: full chunks that are written out hand their logs on to the next chunks; what is warm beyond a 64th of live_bytes, an
 * eighth of kept memory and 4 MiB goes back to the system. Any thread. */
void ua_chunk_hand_logs_on(struct ua_chunk_pool *pool, size_t live_bytes);
/* Calls visit for every chunk that was ever reserved; no lock is held. */
void ua_chunk_each(struct ua_chunk_pool *pool, void (*visit)(struct ua_span *chunk, void *context), void *context);
/* prezero=background: the helper that keeps the front of the ready list cleared. Nothing under other policies. Pause: before
 * the whole heap is walked. Wake: the list changed; no lock held. */
void ua_chunk_ahead_start(struct ua_chunk_pool *pool);
void ua_chunk_ahead_stop(struct ua_chunk_pool *pool);
void ua_chunk_ahead_pause(struct ua_chunk_pool *pool);
void ua_chunk_ahead_resume(struct ua_chunk_pool *pool);
void ua_chunk_ahead_resume_in_child(struct ua_chunk_pool *pool); /* paused before the fork */
void ua_chunk_ahead_wake(struct ua_chunk_pool *pool);
/* Gives pages of ready chunks back to the system (account KEPT -> RESERVED), those that would be taken last first, until it is
 * `enough_bytes`; bytes given back. */
size_t ua_chunk_trim(struct ua_chunk_pool *pool, size_t enough_bytes);
/* Whether the chunk that is taken next has its pages already. */
bool ua_chunk_next_is_kept(struct ua_chunk_pool *pool);

static inline enum ua_phase ua_chunk_phase(const struct ua_chunk_pool *pool)
{
    return __atomic_load_n(&pool->phase, __ATOMIC_ACQUIRE);
}

#endif
