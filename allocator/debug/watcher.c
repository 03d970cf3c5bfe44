/* watcher.c - passes the notes of heap/watch.h on to profile and trace. See watcher.h. */
#include "debug/watcher.h"

#include <errno.h>

static void profile_note(struct ua_watcher *watcher, enum ua_event event, struct ua_span *span)
{
    switch (event) {
    case UA_EVENT_CHUNK:
    case UA_EVENT_LARGE:
        ua_profile_alloc(&watcher->profile, span, span->bytes);
        break;
    case UA_EVENT_FAULT:
    case UA_EVENT_LARGE_FREE:
        ua_profile_free(&watcher->profile, span, span->bytes);
        break;
    case UA_EVENT_GIVE:
        ua_profile_given(&watcher->profile, span);
        break;
    default:
        break;
    }
}

static void note(struct ua_watch *watch, enum ua_event event, const struct ua_arena *arena, struct ua_span *span)
{
    struct ua_watcher *watcher = (struct ua_watcher *)watch;
    int fd = __atomic_load_n(&watcher->trace_fd, __ATOMIC_RELAXED);

    if (watcher->profiles)
        profile_note(watcher, event, span);
    if (fd >= 0)
        ua_trace_line(watcher, fd, event, arena, span);
}

struct ua_watcher *ua_watcher_of(const struct ua_heap *heap)
{
    return (struct ua_watcher *)__atomic_load_n(&heap->chunks.watch, __ATOMIC_ACQUIRE);
}

bool ua_watcher_start(struct ua_heap *heap, uint64_t rate_bytes)
{
    struct ua_watcher *watcher = ua_meta_alloc(&heap->meta, sizeof *watcher);
    struct ua_watch *nobody = NULL;

    if (watcher == NULL)
        return false;
    watcher->watch.note = note;
    watcher->trace_fd = -1;
    watcher->profiles = rate_bytes != 0;
    if (watcher->profiles && !ua_profile_init(&watcher->profile, heap, rate_bytes))
        return false;
    /* Two threads may start a trace at once: one record is kept, the other lies idle until the heap is closed. */
    if (__atomic_compare_exchange_n(&heap->chunks.watch, &nobody, &watcher->watch, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        __atomic_store_n(&heap->large.watch, &watcher->watch, __ATOMIC_RELEASE);
    return true;
}

void ua_watcher_stop(struct ua_heap *heap)
{
    struct ua_watcher *watcher = ua_watcher_of(heap);

    __atomic_store_n(&heap->chunks.watch, NULL, __ATOMIC_RELEASE);
    __atomic_store_n(&heap->large.watch, NULL, __ATOMIC_RELEASE);
    if (watcher != NULL && watcher->profiles)
        ua_profile_deinit(&watcher->profile);
}
