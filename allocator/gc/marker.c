/* marker.c - a marker's life from mark to mark: what it knows of the heap's address ranges, what it counts. See mark.h. */
#include "gc/mark.h"

void ua_marker_init(struct ua_marker *marker, struct ua_heap *heap, struct ua_small_heap *small,
                    struct ua_roots_set *roots)
{
    *marker = (struct ua_marker){.heap = heap, .small = small, .roots = roots};
    ua_work_init(&marker->work, &heap->meta);
}

static void clear_chunk(struct ua_span *chunk, void *unused)
{
    (void)unused;
    ua_span_clear_mark(chunk);
}

void ua_marker_begin(struct ua_marker *marker)
{
    ua_chunk_each(&marker->heap->chunks, clear_chunk, NULL);
    ua_marker_clear(marker);
}

void ua_marker_follow(struct ua_marker *helper, const struct ua_marker *leader)
{
    helper->low = leader->low;
    helper->high = leader->high;
    helper->handles_low = leader->handles_low;
    helper->handles_high = leader->handles_high;
    helper->shared = true;
}

void ua_marker_clear(struct ua_marker *marker)
{
    marker->bytes_marked = 0;
    marker->heap_scan_work = 0;
    marker->objects_marked = 0;
    marker->unlogged_bytes = 0;
}

void ua_marker_forget(struct ua_marker *marker)
{
    struct ua_large *large = &marker->heap->large;
    uintptr_t item;

    while (ua_work_pop(&marker->work, &item)) {
    }
    marker->seen_count = 0;
    marker->work.lost = false;
    ua_marker_begin(marker);
    ua_lock_acquire(&large->lock);
    for (struct ua_node *node = ua_large_live(large)->first; node != NULL; node = node->next)
        ua_span_clear_mark(UA_CONTAINER(node, struct ua_span, node));
    ua_lock_release(&large->lock);
    ua_small_clear_marks(marker->small);
}

void ua_marker_update_ranges(struct ua_marker *marker)
{
    marker->low = UINTPTR_MAX;
    marker->high = 0;
    for (int use = 0; use < UA_SPACE_USES; use++) {
        const struct ua_heap_arena *arena = __atomic_load_n(&marker->heap->space.all[use], __ATOMIC_ACQUIRE);

        for (; arena != NULL; arena = arena->next) {
            if (arena->base == 0)
                continue;
            marker->low = ua_min(marker->low, arena->base);
            marker->high = ua_max(marker->high, arena->base + UA_HEAP_ARENA_BYTES);
        }
    }
    marker->handles_low = UINTPTR_MAX;
    marker->handles_high = 0;
    ua_roots_note_handles(marker->roots);
    for (struct ua_entry *entry = ua_table_next(&marker->roots->handles, NULL); entry != NULL;
         entry = ua_table_next(&marker->roots->handles, entry)) {
        marker->handles_low = ua_min(marker->handles_low, entry->key);
        marker->handles_high = ua_max(marker->handles_high, entry->key + 1);
    }
}
