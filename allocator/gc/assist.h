/* assist.h - an allocating thread pays for what it allocates while a mark runs, by marking; Go's gcAssistAlloc.
 *
 * Each thread has credit in bytes for the running mark (0 when it begins). A chunk, a span of small objects or a large object
 * is charged when it is taken. Before it takes the next, a thread in debt first takes what background workers have marked
 * beyond their own needs, then marks itself, then waits for a worker's credit. The rate is the pacer's at that moment.
 *
 * Each payment is an event (ua_gc_assists): from its figures the rates can be computed anew. */
#ifndef ALLOCATOR_GC_ASSIST_H
#define ALLOCATOR_GC_ASSIST_H

#include "base/abi/ua_gc_abi.h"
#include "gc/ring.h"

struct ua_gc;

#define UA_ASSISTS_KEPT 1024u

struct ua_assists {
    struct ua_ring events; /* struct ua_gc_assist_event, numbered from 0; guard: pacer_lock */
    uint64_t count;        /* guard: pacer_lock */
};

/* The thread took this much while a mark runs; nothing else happens. */
void ua_assist_charge(struct ua_gc *gc, size_t bytes);
/* Pays what the thread owes. No lock held; a collection may stop the thread here, registered roots included. */
void ua_assist_pay(struct ua_gc *gc);
/* The newest `capacity` events, oldest first. */
size_t ua_assist_read(struct ua_gc *gc, struct ua_gc_assist_event *events, size_t capacity);

#endif
