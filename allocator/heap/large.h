/* large.h - objects too big for an arena or a size class: one span each.
 *
 * Why in heap/: an arena redirects what exceeds a quarter chunk, with or without a collector. Accounted as Go does: bytes
 * rounded up to 8 KiB pages. The collector scans them through their layout; nothing is written in the heap bitmap.
 * Who frees: a sweep that finds no mark; ua_heap_close. An arena's free never frees them (Go's rule: they are ordinary
 * objects of the collected heap). Lock: rank SPANS, for the list of span records. */
#ifndef UA_HEAP_LARGE_H
#define UA_HEAP_LARGE_H

#include "heap/pages.h"
#include "heap/watch.h"

/* What the running sweep has seen, or the last one saw. */
struct ua_large_sweep {
    uint64_t objects_freed;
    uint64_t pages_swept;
};

struct ua_large {
    struct ua_pages *pages;
    struct ua_acct *acct;
    struct ua_meta *meta;
    struct ua_space *space;
    struct ua_lock lock;
    struct ua_list lists[2];    /* spans of living objects; the two change roles when a sweep begins; guard: lock */
    uint32_t sweep_gen;         /* sweeps begun; its lowest bit says which list is swept; guard: lock */
    size_t page_count;          /* of both lists; guard: lock */
    struct ua_large_sweep swept; /* counted before the object leaves the unswept list; guard: lock */
    struct ua_list free_spans;  /* records to use again; guard: lock */
    struct ua_watch *watch;     /* atomic; NULL: nobody watches */
};

void ua_large_init(struct ua_large *large, struct ua_pages *pages, struct ua_acct *acct, struct ua_meta *meta,
                   struct ua_space *space, uint64_t *lock_count);
void ua_large_deinit(struct ua_large *large);
/* A zeroed object of `bytes`; layout NULL = pointer-free. On a page, so aligned to 8 KiB.
 * NULL after ua_error_set. */
struct ua_span *ua_large_alloc(struct ua_large *large, const struct ua_layout *layout, size_t count, size_t bytes);
void ua_large_free(struct ua_large *large, struct ua_span *span);
/* Frees it with the next sweep instead, since a mark may be reading it. Twice: fatal. */
void ua_large_doom(struct ua_large *large, struct ua_span *span);

/* The objects that the running sweep has seen, or that are younger; and those that it has yet to look at. Guard: lock, or
 * the world stopped. */
static inline struct ua_list *ua_large_live(struct ua_large *large)
{
    return &large->lists[large->sweep_gen & 1];
}

static inline struct ua_list *ua_large_unswept(struct ua_large *large)
{
    return &large->lists[(large->sweep_gen & 1) ^ 1];
}

/* Whether a sweep has yet to free it. */
bool ua_large_is_dead(struct ua_large *large, const struct ua_span *span);

/* With the world stopped, after a mark: what lives now is to be swept. Returns its pages. */
size_t ua_large_sweep_begin(struct ua_large *large);
/* Looks at the next object: freed when it has no mark (or was doomed), else kept, its mark taken away. False: none is left. */
bool ua_large_sweep_one(struct ua_large *large);
/* Complete as soon as somebody found nothing unswept. */
struct ua_large_sweep ua_large_swept(struct ua_large *large);

#endif
