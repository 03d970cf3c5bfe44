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

struct ua_large {
    struct ua_pages *pages;
    struct ua_acct *acct;
    struct ua_meta *meta;
    struct ua_space *space;
    struct ua_lock lock;
    struct ua_list live;        /* spans of living objects; guard: lock */
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

#endif
