/* second_mark.c - see second_mark.h. */
#include "debug/second_mark.h"

#include "arena/arena.h"

/* Whether the address lies in something that is in use and not marked. */
static bool is_missed(struct ua_heap *heap, uintptr_t address)
{
    struct ua_span *span = ua_space_span(&heap->space, address);
    const struct ua_small_span *record;
    uint32_t index;

    if (span == NULL || ua_span_kind(span) == UA_SPAN_UNUSED)
        return false;
    if (ua_span_kind(span) == UA_SPAN_CHUNK)
        return span->chunk_state != UA_CHUNK_READY && span->chunk_state != UA_CHUNK_FRESH && !ua_span_is_marked(span);
    if (ua_span_kind(span) == UA_SPAN_LARGE)
        return !ua_span_is_marked(span);
    record = ua_small_record(span);
    index = (uint32_t)((address - span->base) / record->object_bytes);
    return ua_small_is_allocated(record, index) && !ua_small_is_marked(record, index);
}

static __attribute__((no_sanitize("address"))) void check_slot(struct ua_heap *heap, uintptr_t slot)
{
    uintptr_t value = *(const volatile uintptr_t *)slot;

    if (value != 0 && is_missed(heap, value))
        ua_fatal_address("verify: the mark missed what is pointed to from", slot);
}

/* `count` values of the layout from `at` on, as far as they end by `end`. */
static void check_values(struct ua_heap *heap, const struct ua_layout *layout, uintptr_t at, size_t count, uintptr_t end)
{
    for (; count > 0 && at + layout->size_bytes <= end; count--, at += layout->size_bytes)
        for (size_t word = 0; word < layout->ptrdata_words; word++)
            if (ua_layout_bit(layout, word))
                check_slot(heap, at + word * UA_WORD_BYTES);
}

static void check_chunk(struct ua_span *chunk, void *context)
{
    struct ua_heap *heap = context;
    uintptr_t front = ua_chunk_front(chunk);
    uintptr_t at = chunk->log_from; /* verify=full: base */
    const uint16_t *log = chunk->log;
    bool in_use = ua_span_kind(chunk) == UA_SPAN_CHUNK && chunk->chunk_state != UA_CHUNK_READY &&
                  chunk->chunk_state != UA_CHUNK_FRESH && chunk->chunk_state != UA_CHUNK_QUARANTINE;

    if (!in_use)
        return;
    if (!ua_span_is_marked(chunk))
        ua_fatal_address("verify: the mark missed a chunk in use", chunk->base);
    while (!ua_span_noscan(chunk) && at < front) {
        uint16_t id = *log++;
        size_t count = 1;
        const struct ua_layout *layout;

        if (id == 0) {
            id = log[0];
            count = (size_t)log[1] | (size_t)log[2] << 16;
            log += UA_LOG_SLICE_ENTRIES - 1;
        }
        layout = ua_types_by_id(&heap->types, id);
        at = ua_align_up(at, layout->align_bytes);
        check_values(heap, layout, at, count, front);
        at += count * layout->size_bytes;
    }
}

static void check_small(struct ua_heap *heap, const struct ua_small_span *record)
{
    if (record->layout == NULL)
        return;
    for (uint32_t i = 0; i < record->object_count; i++) {
        uintptr_t object = record->span.base + (size_t)i * record->object_bytes;

        if (ua_small_is_marked(record, i))
            check_values(heap, record->layout, object, SIZE_MAX, object + record->object_bytes);
    }
}

static void check_roots(struct ua_heap *heap, const struct ua_roots_set *roots)
{
    const struct ua_entry *entry = NULL;

    while ((entry = ua_table_next(&roots->slots, entry)) != NULL)
        check_slot(heap, entry->key);
    while ((entry = ua_table_next(&roots->ranges, entry)) != NULL)
        for (uintptr_t at = ua_align_up(entry->key, UA_WORD_BYTES); at + UA_WORD_BYTES <= entry->key + entry->a;
             at += UA_WORD_BYTES)
            check_slot(heap, at);
    for (const struct ua_queued *queued = roots->queue; queued != NULL; queued = queued->next)
        if (!queued->is_arena && (is_missed(heap, queued->object) || is_missed(heap, (uintptr_t)queued->argument)))
            ua_fatal_address("verify: the mark missed an object whose finalizer is queued, or its argument", queued->object);
    while ((entry = ua_table_next(&roots->finalizers, entry)) != NULL)
        if (is_missed(heap, entry->key) || is_missed(heap, entry->b))
            ua_fatal_address("verify: the mark missed an object with a finalizer, or its argument", entry->key);
}

static void add_chunk(struct ua_span *chunk, void *context)
{
    if (ua_span_kind(chunk) == UA_SPAN_CHUNK && ua_span_is_marked(chunk))
        *(uint64_t *)context += chunk->bytes;
}

static uint64_t marked_bytes(struct ua_heap *heap)
{
    uint64_t bytes = 0;

    ua_chunk_each(&heap->chunks, add_chunk, &bytes);
    for (struct ua_node *node = ua_large_live(&heap->large)->first; node != NULL; node = node->next) {
        const struct ua_span *span = UA_CONTAINER(node, struct ua_span, node);

        bytes += ua_span_is_marked(span) ? span->bytes : 0;
    }
    for (const struct ua_small_span *record = heap->gc->small.spans; record != NULL; record = record->next)
        for (uint32_t i = 0; i < record->object_count; i++)
            bytes += ua_small_is_marked(record, i) ? record->object_bytes : 0;
    return bytes;
}

void ua_second_mark(struct ua_heap *heap)
{
    struct ua_gc *gc = heap->gc;

    check_roots(heap, &gc->roots);
    ua_chunk_each(&heap->chunks, check_chunk, heap);
    for (struct ua_node *node = ua_large_live(&heap->large)->first; node != NULL; node = node->next) {
        const struct ua_span *span = UA_CONTAINER(node, struct ua_span, node);

        if (ua_span_is_marked(span) && !ua_span_noscan(span))
            check_values(heap, span->layout, span->base, span->element_count, ua_span_limit(span));
    }
    for (const struct ua_small_span *record = gc->small.spans; record != NULL; record = record->next)
        check_small(heap, record);
    UA_CHECK(marked_bytes(heap) == ua_gc_marked_bytes(gc), "verify: the marks are not what the markers counted");
}
