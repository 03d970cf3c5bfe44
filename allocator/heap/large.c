/* large.c - see large.h. */
#include "heap/large.h"

#include <errno.h>

void ua_large_init(struct ua_large *large, struct ua_pages *pages, struct ua_acct *acct, struct ua_meta *meta,
                   struct ua_space *space, uint64_t *lock_count)
{
    *large = (struct ua_large){.pages = pages, .acct = acct, .meta = meta, .space = space};
    ua_lock_init(&large->lock, UA_RANK_SPANS, lock_count);
}

void ua_large_deinit(struct ua_large *large)
{
    ua_lock_deinit(&large->lock);
}

static struct ua_span *take_record(struct ua_large *large)
{
    struct ua_node *node;

    ua_lock_acquire(&large->lock);
    node = ua_list_take_front(&large->free_spans);
    ua_lock_release(&large->lock);
    if (node != NULL)
        return UA_CONTAINER(node, struct ua_span, node);
    return ua_meta_alloc(large->meta, sizeof(struct ua_span));
}

static void put_record(struct ua_large *large, struct ua_span *span)
{
    ua_lock_acquire(&large->lock);
    ua_list_insert_front(&large->free_spans, &span->node);
    ua_lock_release(&large->lock);
}

struct ua_span *ua_large_alloc(struct ua_large *large, const struct ua_layout *layout, size_t count, size_t bytes)
{
    size_t rounded;
    struct ua_span *span;

    if (bytes > UA_ALLOC_MAX / 2) {
        ua_error_set(ENOMEM, "out of memory: the object is larger than the address space");
        return NULL;
    }
    rounded = ua_align_up(bytes, UA_PAGE_BYTES);
    span = take_record(large);
    if (span == NULL) {
        ua_error_set(ENOMEM, "out of memory: no record for a large object");
        return NULL;
    }
    span->base = ua_pages_alloc(large->pages, rounded / UA_PAGE_BYTES);
    if (span->base == 0) {
        put_record(large, span);
        ua_error_set(ENOMEM, "out of memory: no pages for a large object");
        return NULL;
    }
    span->bytes = rounded;
    span->layout = layout != NULL && layout->ptrdata_words != 0 ? layout : NULL;
    span->element_count = count;
    span->object_bytes = bytes;
    span->gc_data = NULL;
    span->doomed = false;
    ua_span_clear_mark(span);
    ua_span_set_noscan(span, span->layout == NULL);
    ua_span_set_kind(span, UA_SPAN_LARGE);
    ua_space_set_span(large->space, span->base, rounded, span);
    ua_acct_large_alloc(large->acct, rounded);
    ua_lock_acquire(&large->lock);
    large->page_count += rounded / UA_PAGE_BYTES;
    ua_list_insert_back(ua_large_live(large), &span->node);
    ua_lock_release(&large->lock);
    ua_watch_note(&large->watch, UA_EVENT_LARGE, NULL, span);
    return span;
}

/* Takes the object out of everything that leads to it. Guard: lock. */
static void unlink_span(struct ua_large *large, struct ua_span *span)
{
    UA_CHECK(ua_span_kind(span) == UA_SPAN_LARGE, "large: span is not a large object");
    ua_watch_note(&large->watch, UA_EVENT_LARGE_FREE, NULL, span);
    ua_span_set_kind(span, UA_SPAN_UNUSED);
    ua_space_set_span(large->space, span->base, span->bytes, NULL);
    ua_list_remove(span->node.list, &span->node);
    large->page_count -= span->bytes / UA_PAGE_BYTES;
    ua_pages_free(large->pages, span->base, span->bytes / UA_PAGE_BYTES);
    ua_list_insert_front(&large->free_spans, &span->node);
}

void ua_large_free(struct ua_large *large, struct ua_span *span)
{
    size_t bytes = span->bytes;

    ua_lock_acquire(&large->lock);
    unlink_span(large, span);
    ua_lock_release(&large->lock);
    ua_acct_large_free(large->acct, bytes);
}

void ua_large_doom(struct ua_large *large, struct ua_span *span)
{
    ua_lock_acquire(&large->lock);
    if (span->doomed)
        ua_fatal_address("ua_heap_free: object freed twice", span->base);
    span->doomed = true;
    ua_lock_release(&large->lock);
}

bool ua_large_is_dead(struct ua_large *large, const struct ua_span *span)
{
    bool dead;

    ua_lock_acquire(&large->lock);
    dead = span->node.list == ua_large_unswept(large) && !ua_span_is_marked(span) && span->gc_data != NULL;
    ua_lock_release(&large->lock);
    return dead;
}

size_t ua_large_sweep_begin(struct ua_large *large)
{
    size_t pages;

    ua_lock_acquire(&large->lock);
    UA_CHECK(ua_large_unswept(large)->count == 0, "large: a sweep begins before the last one ended");
    large->sweep_gen++;
    large->swept = (struct ua_large_sweep){0};
    pages = large->page_count;
    ua_lock_release(&large->lock);
    return pages;
}

bool ua_large_sweep_one(struct ua_large *large)
{
    struct ua_node *node;

    ua_lock_acquire(&large->lock);
    node = ua_large_unswept(large)->first;
    if (node != NULL) {
        struct ua_span *span = UA_CONTAINER(node, struct ua_span, node);

        large->swept.pages_swept += span->bytes / UA_PAGE_BYTES;
        /* Without gc_data it is still being made: nothing points to it yet. */
        if (span->doomed || (span->gc_data != NULL && !ua_span_is_marked(span))) {
            large->swept.objects_freed++;
            ua_acct_large_swept(large->acct, span->bytes);
            unlink_span(large, span);
        } else {
            ua_list_remove(node->list, node);
            ua_span_clear_mark(span);
            ua_list_insert_back(ua_large_live(large), node);
        }
    }
    ua_lock_release(&large->lock);
    return node != NULL;
}

struct ua_large_sweep ua_large_swept(struct ua_large *large)
{
    struct ua_large_sweep swept;

    ua_lock_acquire(&large->lock);
    swept = large->swept;
    ua_lock_release(&large->lock);
    return swept;
}
