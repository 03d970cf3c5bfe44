/* watch.h - where somebody who wants to know about arena events (profile, trace) hangs in.
 *
 * Why here: chunks change hands in heap/ and arena/, who records it is debug/, above both; so they call through a pointer,
 * as they call the collector. Nobody watches: one load and one branch at each event, none at an allocation.
 *
 * A note comes on the thread that caused the event and before another thread can cause the next one of that chunk, so notes
 * of one chunk are in order; for that some come under the chunk lock. A watcher takes rank LEAF at most and never
 * allocates: it is also called in a sweep, with the world stopped. */
#ifndef UA_HEAP_WATCH_H
#define UA_HEAP_WATCH_H

#include "heap/span.h"

/* What happened; `span` and `arena` of the note are given where they mean something. */
enum ua_event {
    UA_EVENT_NEW,        /* a new arena; before that its first chunk or reuse */
    UA_EVENT_FREE,       /* an arena is being freed: what becomes of its chunks follows */
    UA_EVENT_RESET,      /* an arena starts again */
    UA_EVENT_CHUNK,      /* a chunk came into use, from the ready list or from new address space */
    UA_EVENT_REUSE,      /* an arena goes on in a chunk of the reuse list */
    UA_EVENT_FULL,       /* a chunk has no room for the next object */
    UA_EVENT_LEAVE,      /* a freed arena's active chunk went to the reuse list */
    UA_EVENT_GIVE,       /* a chunk is being freed; span heads a batch linked by `next` */
    UA_EVENT_WAIT,       /* it waits for the end of the running mark, on the fault list */
    UA_EVENT_FAULT,      /* it is out of use: quarantined, or ready at once (preset kept) */
    UA_EVENT_READY,      /* it left quarantine */
    UA_EVENT_LARGE,      /* an object of its own was allocated */
    UA_EVENT_LARGE_FREE, /* it goes */
    UA_EVENT_COUNT
};

struct ua_watch {
    void (*note)(struct ua_watch *watch, enum ua_event event, const struct ua_arena *arena, struct ua_span *span);
};

static inline void ua_watch_note(struct ua_watch *const *watch, enum ua_event event, const struct ua_arena *arena,
                                 struct ua_span *span)
{
    struct ua_watch *watcher = __atomic_load_n(watch, __ATOMIC_ACQUIRE);

    if (__builtin_expect(watcher != NULL, 0))
        watcher->note(watcher, event, arena, span);
}

#endif
