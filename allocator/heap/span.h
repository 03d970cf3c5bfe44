/* span.h - the record of one piece of heap: an arena chunk, a large object, or pages of small objects.
 *
 * Why one record for all: the collector finds a span by address and must mark it without knowing who made it. A chunk is
 * modelled as one large object, as in Go: any pointer into it keeps the whole chunk.
 *
 * Chunk life (only heap/chunk.c writes chunk_state):
 *
 *   FRESH --take--> ACTIVE --fill--> FULL --free--> QUARANTINE --sweep--> READY --take--> ACTIVE
 *     (reserved)      |  ^            |  free during a mark                 ^
 *                     v  | take       +--> FAULT --mark ends--> QUARANTINE -+
 *                    REUSE (an arena was freed; the chunk goes on where it stopped)
 *   preset kept: FULL --free--> READY at once, ACTIVE --free--> REUSE, rewound.
 *
 * Guards: `lock` = the chunk pool's lock; `owner` = the thread that uses the owning arena; `write_out` = the span's
 * write-out right (see heapbits.h), without which no chunk leaves state FULL; `mark` = atomic, the collector's. Spans live in metadata memory and are never freed. */
#ifndef UA_HEAP_SPAN_H
#define UA_HEAP_SPAN_H

#include "base/abi/ua_abi.h"
#include "base/list.h"
#include "heap/type.h"

enum ua_span_kind { UA_SPAN_UNUSED, UA_SPAN_CHUNK, UA_SPAN_LARGE, UA_SPAN_SMALL };

enum ua_chunk_state {
    UA_CHUNK_FRESH, /* never used, on the ready list */
    UA_CHUNK_READY,
    UA_CHUNK_ACTIVE,
    UA_CHUNK_FULL,
    UA_CHUNK_REUSE,
    UA_CHUNK_FAULT, /* freed during a mark, still readable */
    UA_CHUNK_QUARANTINE
};

enum ua_backing {
    UA_BACKING_RESERVED,  /* address space only */
    UA_BACKING_OPEN,      /* mapped readable and writable */
    UA_BACKING_PROTECTED, /* pages kept, faults */
};

/* prezero=background: what the helper did for a chunk of the ready list. */
enum ua_ahead {
    UA_AHEAD_NO,
    UA_AHEAD_BUSY, /* it is at it: nobody else touches the chunk */
    UA_AHEAD_DONE  /* open, and zero all over */
};

struct ua_arena;

/* What a chunk knows about zeroed and dirty memory, all addresses. [base, dirty_low) and [dirty_high, limit) may hold old
 * data; [base, zero_low) and [zero_high, limit) were cleared (or handed out) in this life. Guard: owner. */
struct ua_zero_state {
    uintptr_t dirty_low, dirty_high;
    uintptr_t zero_low, zero_high;
    size_t window_low_bytes, window_high_bytes; /* the next window of each end */
    bool huge_asked;
};

struct ua_span {
    struct ua_node node;     /* ready / reuse / fault / quarantine list; guard: lock */
    struct ua_span *next;    /* an arena's full list, batches of frees; guard: owner */
    size_t bytes;            /* constant: whole pages */
    enum ua_chunk_state chunk_state; /* atomic; guard: lock for writing */
    enum ua_backing backing;         /* guard: lock, or owner while in an arena */
    bool noscan;             /* atomic: the mark must not read the memory (pointer-free, or set to fault) */
    enum ua_ahead ahead;     /* guard: lock */
    bool unprotected;        /* in quarantine, but could not be set to fault; guard: lock */
    bool doomed;             /* large: freed by hand during a concurrent mark, goes with the sweep; guard: lock of large */

    /* Mark and sweep. One-object spans (chunk, large) use bit 0 of mark_bit; small spans have mark_bits. */
    uint64_t mark_bit;       /* atomic */
    uint32_t sweep_gen;      /* small: the sweep that saw it last, or that it was made after; guard: lock of small objects */
    void *gc_data;           /* gc/: whatever it hangs on a span */

    /* Chunks. */
    struct ua_arena *arena;  /* the arena it is in, NULL on a list; atomic, guard: lock or owner */
    const struct ua_arena *last_arena; /* who filled it, for messages; set with `arena` */
    uintptr_t free_low, free_high; /* free range while no arena has it active, on one cache line; guard: owner or lock */
    const void *made_site;   /* debug/: where it was allocated, if sampled, and freed; guard: the watcher's lock, */
    const void *freed_site;  /*         atomic */
    bool in_hand;            /* atomic: the range of its arena is this chunk's; guard: owner */
    uint16_t *log;           /* start of the type log, NULL when it has none; guard: owner, write_out while FULL */
    struct ua_log *log_record; /* whose `log` it is; atomic: readers of the ledger come from any thread */
    uint16_t *log_next;      /* where it goes on, while no arena has it active; guard: owner, write_out while FULL */
    uintptr_t log_from;      /* objects below are in `bits` alone: their log was handed on; guard: write_out */
    uint64_t *bits;          /* heap bitmap of this chunk, bytes / 512 words, lazily backed; constant */
    uintptr_t bits_end;      /* objects below are in `bits`; guard: write_out */
    const uint16_t *log_read; /* the log is written out up to here; guard: write_out */
    uint32_t write_out_busy;  /* atomic: the write-out right */
    uintptr_t scan_end;       /* atomic: the running mark scans up to here, what follows is newer; base while not in use.
                                 Set with the world stopped; lowered by a rewind, guard: write_out */
    uintptr_t bits_touched;  /* highest bits_end ever, for metadata accounting; guard: write_out */
    struct ua_zero_state zero;

    /* Large objects. */
    const struct ua_layout *layout; /* NULL: pointer-free */
    size_t element_count;
    size_t object_bytes;

    /* Last, so that what a mark reads of small objects lies behind them in the same cache line (gc/small.h). */
    uint64_t unused[2];      /* so that base begins a line; gc/small.h asserts it */
    uintptr_t base;          /* constant while the span is in use */
    enum ua_span_kind kind;  /* atomic: set last when a span comes into use, UNUSED first when it goes */
};

static inline enum ua_span_kind ua_span_kind(const struct ua_span *span)
{
    return __atomic_load_n(&span->kind, __ATOMIC_ACQUIRE);
}

static inline void ua_span_set_kind(struct ua_span *span, enum ua_span_kind kind)
{
    __atomic_store_n(&span->kind, kind, __ATOMIC_RELEASE);
}

static inline bool ua_span_noscan(const struct ua_span *span)
{
    return __atomic_load_n(&span->noscan, __ATOMIC_ACQUIRE);
}

static inline void ua_span_set_noscan(struct ua_span *span, bool noscan)
{
    __atomic_store_n(&span->noscan, noscan, __ATOMIC_RELEASE);
}

/* For readers without the lock: the state may change at once. */
static inline enum ua_chunk_state ua_span_chunk_state(const struct ua_span *span)
{
    return __atomic_load_n(&span->chunk_state, __ATOMIC_ACQUIRE);
}

static inline uintptr_t ua_span_limit(const struct ua_span *span)
{
    return span->base + span->bytes;
}

/* True if this call set the mark of a one-object span. */
static inline bool ua_span_mark(struct ua_span *span)
{
    return (__atomic_fetch_or(&span->mark_bit, 1, __ATOMIC_ACQ_REL) & 1) == 0;
}

static inline bool ua_span_is_marked(const struct ua_span *span)
{
    return (__atomic_load_n(&span->mark_bit, __ATOMIC_ACQUIRE) & 1) != 0;
}

static inline void ua_span_clear_mark(struct ua_span *span)
{
    __atomic_store_n(&span->mark_bit, 0, __ATOMIC_RELEASE);
}

#endif
