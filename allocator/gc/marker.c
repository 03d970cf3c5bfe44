/* marker.c - a marker's life from mark to mark: what it knows of the heap's address ranges, what it counts, and
 * questions about marks. See mark.h. */
#include "gc/mark.h"

#include <string.h>

#include "base/bits.h"

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
    marker->mark_number++;
    ua_chunk_each(&marker->heap->chunks, clear_chunk, NULL);
    ua_marker_clear(marker);
}

void ua_marker_follow(struct ua_marker *helper, const struct ua_marker *leader)
{
    helper->low = leader->low;
    helper->heap_bytes = leader->heap_bytes;
    helper->chunks_low = leader->chunks_low;
    helper->chunks_bytes = leader->chunks_bytes;
    helper->chunk_shift = leader->chunk_shift;
    helper->handles_low = leader->handles_low;
    helper->handles_bytes = leader->handles_bytes;
    helper->shared = true;
    if (helper->mark_number == leader->mark_number)
        return;
    /* What it entered was marked in an earlier mark. */
    helper->mark_number = leader->mark_number;
    memset(helper->touched, 0, sizeof helper->touched);
    memset(helper->entered, 0, sizeof helper->entered);
}

uint64_t ua_marker_take_scan_work(struct ua_marker *marker)
{
    uint64_t work = marker->heap_scan_work;

    marker->heap_scan_work = 0;
    marker->batch_scan_work -= work;
    return work;
}

void ua_marker_clear(struct ua_marker *marker)
{
    marker->bytes_marked = 0;
    ua_marker_take_scan_work(marker);
    marker->step_bytes = 0;
    marker->objects_marked = 0;
    marker->unlogged_bytes = 0;
    memset(marker->touched, 0, sizeof marker->touched);
    memset(marker->entered, 0, sizeof marker->entered);
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

static void note_chunks(struct ua_marker *marker)
{
    const struct ua_heap_arena *arena =
        __atomic_load_n(&marker->heap->space.all[UA_SPACE_CHUNKS], __ATOMIC_ACQUIRE);
    uintptr_t low = UINTPTR_MAX;
    uintptr_t high = 0;

    for (; arena != NULL; arena = arena->next) {
        if (arena->base == 0)
            continue;
        low = ua_min(low, arena->base);
        high = ua_max(high, arena->base + UA_HEAP_ARENA_BYTES);
    }
    marker->chunk_shift = ua_lowest_bit(marker->heap->chunks.chunk_bytes);
    marker->chunks_low = low;
    marker->chunks_bytes = high > low && (high - low) >> marker->chunk_shift <= UA_TOUCHED_MAX ? high - low : 0;
}

void ua_marker_update_ranges(struct ua_marker *marker)
{
    uintptr_t low = UINTPTR_MAX;
    uintptr_t high = 0;

    for (int use = 0; use < UA_SPACE_USES; use++) {
        const struct ua_heap_arena *arena = __atomic_load_n(&marker->heap->space.all[use], __ATOMIC_ACQUIRE);

        for (; arena != NULL; arena = arena->next) {
            if (arena->base == 0)
                continue;
            low = ua_min(low, arena->base);
            high = ua_max(high, arena->base + UA_HEAP_ARENA_BYTES);
        }
    }
    marker->low = low;
    marker->heap_bytes = high > low ? high - low : 0;
    note_chunks(marker);
    low = UINTPTR_MAX;
    high = 0;
    ua_roots_note_handles(marker->roots);
    for (struct ua_entry *entry = ua_table_next(&marker->roots->handles, NULL); entry != NULL;
         entry = ua_table_next(&marker->roots->handles, entry)) {
        low = ua_min(low, entry->key);
        high = ua_max(high, entry->key + 1);
    }
    marker->handles_low = low;
    marker->handles_bytes = high > low ? high - low : 0;
}

bool ua_mark_wants(const struct ua_marker *marker, uintptr_t address)
{
    struct ua_span *span;
    const struct ua_small_span *record;
    uint32_t index;

    if (address - marker->handles_low < marker->handles_bytes)
        return true;
    if (address - marker->low >= marker->heap_bytes)
        return false;
    span = ua_space_span(&marker->heap->space, address);
    if (span == NULL || ua_span_kind(span) == UA_SPAN_UNUSED)
        return false;
    if (ua_span_kind(span) != UA_SPAN_SMALL)
        return !ua_span_is_marked(span);
    record = ua_small_record(span);
    index = ua_small_index(record, address);
    return ua_small_is_allocated(record, index) && !ua_small_is_marked(record, index);
}

/* Whether the address lies in the object that starts there. */
static bool is_within(const struct ua_marker *marker, uintptr_t object, uintptr_t address)
{
    struct ua_span *span = ua_space_span(&marker->heap->space, object);

    UA_CHECK(span != NULL, "gc: no span for an object");
    if (address - span->base >= span->bytes)
        return false;
    return ua_span_kind(span) != UA_SPAN_SMALL ||
           ua_small_index(ua_small_record(span), address) == ua_small_index(ua_small_record(span), object);
}

void ua_mark_argument(struct ua_marker *marker, uintptr_t object, uintptr_t argument)
{
    if (!is_within(marker, object, argument))
        ua_mark_address(marker, argument);
}

bool ua_mark_is_marked(struct ua_marker *marker, uintptr_t object)
{
    struct ua_span *span = ua_space_span(&marker->heap->space, object);

    UA_CHECK(span != NULL, "gc: no span for an object");
    if (ua_span_kind(span) == UA_SPAN_SMALL)
        return ua_small_is_marked(ua_small_record(span), ua_small_index(ua_small_record(span), object));
    return ua_span_is_marked(span);
}
