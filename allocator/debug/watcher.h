/* watcher.h - what hangs in heap/watch.h: the profile and the trace of one heap.
 *
 * Life: made with the heap when it is profiled, else by the first trace; gone with the heap. Without one of the two nothing
 * hangs there. */
#ifndef UA_DEBUG_WATCHER_H
#define UA_DEBUG_WATCHER_H

#include "debug/profile.h"

struct ua_watcher {
    struct ua_watch watch;      /* first: the note casts it back */
    bool profiles;              /* constant once it hangs */
    struct ua_profile profile;  /* used if `profiles` */
    int trace_fd;               /* atomic; -1: no trace */
    uint64_t trace_lost_count;  /* atomic; lines that could not be written whole */
};

/* Hangs a watcher that profiles (rate 0: not) on a heap that has none yet. False without memory. */
bool ua_watcher_start(struct ua_heap *heap, uint64_t rate_bytes);
/* The heap's watcher; NULL without. */
struct ua_watcher *ua_watcher_of(const struct ua_heap *heap);
/* The heap is about to be destroyed. */
void ua_watcher_stop(struct ua_heap *heap);

/* One line a event to `fd`; see ua_trace_start. */
void ua_trace_line(struct ua_watcher *watcher, int fd, enum ua_event event, const struct ua_arena *arena,
                   const struct ua_span *span);

#endif
