/* workers.h - the threads that mark in the background, and how much of the CPU they take.
 *
 * As Go: a quarter of the processors. What is a whole number of them works all the time (dedicated); the rest is one thread
 * that works its share of the time and rests in between (fractional). Go spreads the latter over all processors; here one
 * thread has all of it. Option workers=N: N dedicated threads instead, whatever share that is.
 *
 * Under collect=stw with workers=N the N threads help to mark in the pause. A heap starts its threads when it is made and ends them when it is closed. They block all signals,
 * are not attached, and so are never stopped: they read what may be read while the program runs. After the mark they sweep.
 * Guard: counters are atomic. */
#ifndef ALLOCATOR_GC_WORKERS_H
#define ALLOCATOR_GC_WORKERS_H

#include <pthread.h>

#include "gc/mark.h"

#define UA_WORKERS_MAX 1024u
/* A worker looks at the clock and shares what it has after this much scanning: some 50 us. */
#define UA_WORKER_QUANTUM_BYTES ((uint64_t)64 << 10)

struct ua_gc;

struct ua_worker {
    struct ua_gc *gc;
    struct ua_marker marker;
    pthread_t thread;
    bool started;
    uintptr_t stack_low; /* atomic; 0 until the thread runs: full of heap addresses that are no roots */
    size_t stack_bytes;  /* constant once stack_low is set */
    double share;        /* of one processor; 1 = dedicated */
    uint64_t serial;     /* of the mark that worked_ns is about */
    uint64_t worked_ns;
    uint32_t stands;     /* atomic: holds no lock and nothing grey; looks at `forking` before it goes on */
};

struct ua_workers {
    struct ua_worker *items; /* constant once the heap is handed out */
    uint32_t count;
    uint32_t quit;           /* atomic */
    uint32_t hold;           /* atomic; tests drive the workers themselves */
    uint32_t forking;        /* atomic */
};

/* Pure. How many threads and which share each has, for `processors` and the option's value. */
struct ua_worker_plan {
    uint32_t dedicated;
    double fraction; /* of the one more thread; 0 = there is none */
};
struct ua_worker_plan ua_worker_plan(uint32_t option, int32_t processors);
/* Pure. How long to rest now, so that of the time since the mark began at most `share` was worked. */
uint64_t ua_worker_rest_ns(uint64_t worked_ns, uint64_t elapsed_ns, double share);

/* Makes the records, no thread yet. False without memory. */
bool ua_workers_init(struct ua_gc *gc);
/* False when a thread cannot be made; those that were made are ended. */
bool ua_workers_start(struct ua_gc *gc);
void ua_workers_stop(struct ua_gc *gc);
/* Makes threads look for something to do. */
void ua_workers_wake(struct ua_gc *gc);

/* Around a fork, world lock held: the workers stand, so that the child finds no lock of theirs taken. */
void ua_workers_stand(struct ua_gc *gc);
void ua_workers_go_on(struct ua_gc *gc);

/* What a worker found to do. */
enum ua_worker_turn { UA_TURN_NOTHING, UA_TURN_WORKED, UA_TURN_COMPLETE };
/* One quantum of background marking for the running mark; *rest_ns: how long this worker should rest then. */
enum ua_worker_turn ua_worker_turn(struct ua_worker *worker, uint64_t *rest_ns);

#endif
