/* lock.h - a mutex with a rank.
 *
 * Why ranks: a deadlock needs two locks taken in two orders. A thread may only take a lock of a higher rank than all it
 * holds; a violation is fatal at once, in every build, also when no deadlock would have come of it this time.
 * Ranks, outermost first, are listed here, the only place. */
#ifndef UA_OS_LOCK_H
#define UA_OS_LOCK_H

#include <pthread.h>

#include "base/base.h"

enum ua_lock_rank {
    UA_RANK_REGISTRY = 1, /* the process's list of heaps */
    UA_RANK_WORLD,        /* starting and ending a collection, attaching threads (gc/) */
    UA_RANK_CACHES,       /* which thread keeps what of which heap (arena/) */
    UA_RANK_ARENAS,       /* a heap's table of arena handles */
    UA_RANK_ROOTS,        /* gc/: registered roots, finalizers */
    UA_RANK_TYPES,        /* type registry */
    UA_RANK_WRITE_OUT,    /* one chunk's type log being written out */
    UA_RANK_SPANS,        /* gc/: span lists of size classes; heap/: list of large objects */
    UA_RANK_CHUNKS,       /* chunk lists and states; phase changes */
    UA_RANK_GREY,         /* gc/: grey objects that markers share */
    UA_RANK_PAGES,        /* page runs of the general heap */
    UA_RANK_SPACE,        /* address-space reservations, span table growth */
    UA_RANK_META,         /* metadata memory */
    UA_RANK_LEAF          /* takes nothing inside */
};

struct ua_lock {
    pthread_mutex_t mutex;
    enum ua_lock_rank rank;
    uint64_t *acquired_count; /* atomic; the heap's lock counter, may be NULL */
    bool listed;              /* atomic; known to lock_fork.c, as the next two */
    uint32_t passed;
    struct ua_lock *next;
};

/* One that needs no init. */
#define UA_LOCK_STATIC(its_rank) {.mutex = PTHREAD_MUTEX_INITIALIZER, .rank = (its_rank)}

void ua_lock_init(struct ua_lock *lock, enum ua_lock_rank rank, uint64_t *acquired_count);
void ua_lock_deinit(struct ua_lock *lock);
void ua_lock_acquire(struct ua_lock *lock);
void ua_lock_release(struct ua_lock *lock);
/* Whether the calling thread holds a lock of this rank. */
bool ua_lock_is_mine(const struct ua_lock *lock);
/* Fatal unless the calling thread holds it (only the rank is looked at). */
void ua_lock_check_held(const struct ua_lock *lock);

/* For gc/, which stops threads by signal and must not stop one that holds a lock it needs itself. Whether the calling
 * thread holds a lock or waits for one; async-signal-safe. */
bool ua_lock_is_held_by_caller(void);
/* For a program that runs several stacks on one thread, as tests do: sets what locks this stack holds, returns what the last one
 * held. A word of bits; 0: none. */
uint64_t ua_lock_exchange_held(uint64_t held);
/* Called by a thread that gives its last lock up while *ua_lock_stop_wanted is not 0. Both set once, before any thread can
 * be stopped; NULL: no collector in the process. */
extern const uint32_t *ua_lock_stop_wanted;
extern void (*ua_lock_idle_hook)(void);

/* For lock_fork.c. The gate: not 0 while a process is being copied; atomic. */
extern uint32_t ua_lock_gate;
void ua_lock_gate_sleep(void); /* until the gate opens, but not longer than a stop may wait for an answer */
void ua_lock_list(struct ua_lock *lock);
void ua_lock_unlist(struct ua_lock *lock);

/* What the library keeps for each thread and reads on its shortest paths: one record, so that finding it is paid once a call. */
#define UA_THREAD_SLOTS 8u

struct ua_thread_slot {
    uint64_t serial; /* of the heap; 0: empty */
    void *value;     /* arena/: the thread's cache of that heap */
};

struct ua_thread_record {
    uint64_t held_ranks; /* one bit a lock; bit 0 stands for a deferral */
    struct ua_thread_slot slots[UA_THREAD_SLOTS]; /* direct-mapped by serial */
};

extern _Thread_local struct ua_thread_record ua_thread_record;

/* For a public call that is about to take locks or to wait: fatal when the thread holds one already, so that a signal handler
 * which interrupted the allocator is told so, and not that ranks were violated, or nothing at all. */
static inline void ua_call_check(const char *call)
{
    if (UA_UNLIKELY(ua_thread_record.held_ranks != 0))
        ua_fatal_call(call, "a signal handler (or fork handler) interrupted the allocator");
}

/* A deferral that meets a closed gate stands back until it opens, but for one begun with a lock held. */
void ua_lock_defer_wait(struct ua_thread_record *thread);

/* Around a few instructions that must not be cut in two by a stop, without a lock: no stop by signal happens in between.
 * Not nested; locks may be held, and taken inside. `thread` is the caller's ua_thread_record. */
static inline void ua_lock_defer_begin_in(struct ua_thread_record *thread)
{
    thread->held_ranks |= 1;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (UA_UNLIKELY(__atomic_load_n(&ua_lock_gate, __ATOMIC_RELAXED) != 0))
        ua_lock_defer_wait(thread);
}

static inline void ua_lock_defer_end_in(struct ua_thread_record *thread)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    thread->held_ranks &= ~(uint64_t)1; /* locks that were held before still are */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (thread->held_ranks == 0 && ua_lock_stop_wanted != NULL && UA_UNLIKELY(__atomic_load_n(ua_lock_stop_wanted, __ATOMIC_RELAXED) != 0))
        ua_lock_idle_hook();
}

void ua_lock_defer_begin(void);
void ua_lock_defer_end(void);

#endif
