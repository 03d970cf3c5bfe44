/* mark.c - marking and scanning; see mark.h.
 *
 * Slots are read by one relaxed load: under a concurrent collector the program stores to them meanwhile. */
#include "gc/mark.h"

#include "gc/mark_queue.h"
#include "os/slots.h"

void ua_mark_handle(struct ua_marker *marker, uintptr_t address)
{
    struct ua_entry *entry = address > 1 ? ua_table_find(&marker->roots->handles, address) : NULL;

    if (entry != NULL)
        __atomic_store_n(&entry->a, 1, __ATOMIC_RELAXED);
}

void ua_mark_address(struct ua_marker *marker, uintptr_t address)
{
    struct ua_span *span = span_of(marker, address);
    uintptr_t item;

    if (span != NULL && mark_in_span(marker, span, address, &item))
        ua_work_push(&marker->work, item);
}

/* Else every object that such a word leads to, and what it leads to, would count as not written. */
static __attribute__((noinline)) UA_NO_SANITIZE void mark_range_watched(struct ua_marker *marker, const uintptr_t *slot,
                                                                        const uintptr_t *end)
{
    for (; slot < end; slot++) {
        uintptr_t value = __atomic_load_n(slot, __ATOMIC_RELAXED);

        ua_san_known(&value, sizeof value);
        see(marker, value);
    }
}

/* Most words of a stack or a data segment are no address of the heap. */
static UA_NO_SANITIZE void mark_words(struct ua_marker *marker, const uintptr_t *slot, const uintptr_t *end)
{
    const uintptr_t low = marker->low, heap_bytes = marker->heap_bytes;
    const uintptr_t handles_low = marker->handles_low, handles_bytes = marker->handles_bytes;

    for (; slot < end; slot++) {
        uintptr_t value = __atomic_load_n(slot, __ATOMIC_RELAXED);

        if (UA_UNLIKELY(value - low < heap_bytes || value - handles_low < handles_bytes))
            see(marker, value);
    }
}

UA_NO_SANITIZE void ua_mark_range(struct ua_marker *marker, const void *at, size_t bytes)
{
    const uint32_t low = (uint32_t)(marker->low >> UA_SLOTS_SHIFT_MIN);
    const uint32_t span = (uint32_t)((marker->low + marker->heap_bytes - 1) >> UA_SLOTS_SHIFT_MIN) - low;
    const uintptr_t *slot = at;
    const uintptr_t *end = slot + bytes / sizeof *slot;
    const uintptr_t *aligned = (const uintptr_t *)ua_align_up((uintptr_t)at, UA_SLOTS_AT_ONCE);

    if (UA_UNLIKELY(ua_san_watches())) {
        mark_range_watched(marker, slot, end);
        return;
    }
    if (marker->handles_bytes != 0 || marker->heap_bytes == 0 || (size_t)(end - slot) <= 2 * UA_SLOTS_AT_ONCE) {
        mark_words(marker, slot, end);
        return;
    }
    mark_words(marker, slot, aligned);
    for (slot = aligned; (size_t)(end - slot) >= UA_SLOTS_AT_ONCE; slot += UA_SLOTS_AT_ONCE)
        if (UA_UNLIKELY(ua_slots_lead_into(slot, low, span)))
            mark_words(marker, slot, slot + UA_SLOTS_AT_ONCE);
    mark_words(marker, slot, end);
}

/* Reads the slots whose bits are set; slot 0 of the word is at `at`. Pointers into the range being scanned are skipped:
 * what holds it is marked. Returns the end of the last slot read, 0 if none. */
static inline UA_NO_SANITIZE uintptr_t scan_bits(struct ua_marker *marker, uintptr_t at, uint64_t bits, uintptr_t own,
                                              size_t own_bytes)
{
    uintptr_t end = 0;

    while (bits != 0) {
        uintptr_t slot = at + ua_lowest_bit(bits) * UA_WORD_BYTES;
        uintptr_t value = __atomic_load_n((const uintptr_t *)slot, __ATOMIC_RELAXED);

        bits &= bits - 1;
        end = slot + UA_WORD_BYTES;
        if (value != 0 && value - own >= own_bytes)
            see(marker, value);
    }
    return end;
}

/* Values of a layout from `at` to `end`, the first one starting at `first` <= at; own range as in scan_bits. */
static UA_NO_SANITIZE uintptr_t scan_values(struct ua_marker *marker, const struct ua_layout *layout, uintptr_t first,
                                         uintptr_t at, uintptr_t end, uintptr_t own, size_t own_bytes)
{
    uintptr_t last = 0;
    uintptr_t element = first + (at - first) / layout->size_bytes * layout->size_bytes;

    for (; element < end; element += layout->size_bytes) {
        /* A giant element is scanned in pieces: the words before this one are not looked at again. */
        size_t word = element < at ? ua_align_down((at - element) / UA_WORD_BYTES, 64) : 0;

        for (; word < layout->ptrdata_words; word += 64) {
            uintptr_t place = element + word * UA_WORD_BYTES;
            uint64_t bits = ua_layout_bits(layout, word);
            uintptr_t seen;

            if (place >= end)
                break;
            if (place < at)
                bits &= ~ua_low_mask((unsigned)ua_min(64, (at - place) / UA_WORD_BYTES));
            if (end - place < UA_BYTES_PER_BITMAP_WORD)
                bits &= ua_low_mask((unsigned)((end - place) / UA_WORD_BYTES));
            seen = scan_bits(marker, place, bits, own, own_bytes);
            if (seen != 0)
                last = seen;
        }
    }
    return last;
}

void ua_mark_values(struct ua_marker *marker, const struct ua_layout *layout, uintptr_t first, uintptr_t from,
                    uintptr_t to)
{
    scan_values(marker, layout, first, from, to, 0, 0);
}

void ua_mark_scan_values(struct ua_marker *marker, const struct ua_layout *layout, uintptr_t from, uintptr_t to)
{
    uintptr_t last = scan_values(marker, layout, from, from, to, 0, 0);

    if (last != 0)
        marker->heap_scan_work += last - from;
}

/* Where the chunk's objects with pointers end. The arena that has it active knows; its handle begins with the hot part. A chunk just
 * taken is its arena's, but the range is still the old chunk's, and may lie on the boundary of the two: hence in_hand. */
static uintptr_t chunk_front(const struct ua_span *chunk)
{
    const struct ua_arena_fast *fast = (const void *)__atomic_load_n(&chunk->arena, __ATOMIC_ACQUIRE);

    if (chunk->chunk_state == UA_CHUNK_ACTIVE && fast != NULL && __atomic_load_n(&chunk->in_hand, __ATOMIC_ACQUIRE)) {
        uintptr_t front = __atomic_load_n(&fast->front, __ATOMIC_ACQUIRE);

        if (front >= chunk->base && front <= ua_span_limit(chunk))
            return front;
    }
    return chunk->free_low;
}

static void scan_large_oblet(struct ua_marker *marker, struct ua_span *span, uintptr_t at)
{
    uintptr_t end = ua_min(at + UA_OBLET_BYTES, span->base + span->object_bytes);
    uintptr_t last = scan_values(marker, span->layout, span->base, at, end, at, end - at);

    if (last != 0)
        marker->heap_scan_work += last - at;
}

/* Where the scanning of a chunk or large object ends. A chunk's log is written out first. */
static uintptr_t scan_end(struct ua_marker *marker, struct ua_span *span)
{
    if (ua_span_kind(span) == UA_SPAN_LARGE)
        return span->base + span->object_bytes;
    return ua_heapbits_write_out_noted(&marker->heap->heapbits, span);
}

static void scan_oblet(struct ua_marker *marker, struct ua_span *span, uintptr_t at)
{
    if (ua_span_kind(span) == UA_SPAN_LARGE)
        scan_large_oblet(marker, span, at);
    else
        ua_mark_scan_chunk(marker, span, at);
}

/* A graph is scattered when most runs within a span are short and lead to pages that were not seen for a while. Chunks and large
 * objects scanned meanwhile make objects look long: for a batch. */
static __attribute__((noinline)) void choose_order(struct ua_marker *marker)
{
    if (marker->batch_cold * UA_SCATTERED_ABOVE > marker->batch_objects)
        marker->scattered = true;
    else if (marker->batch_cold * UA_ORDERED_BELOW < marker->batch_objects)
        marker->scattered = false;
    marker->fetches = (marker->heap_scan_work - marker->batch_scan_work) / UA_FETCH_LONG_BYTES >= marker->batch_objects;
    marker->batch_objects = 0;
    marker->batch_cold = 0;
    marker->batch_scan_work = marker->heap_scan_work;
}

static inline void note_run(struct ua_marker *marker, uintptr_t object, size_t scanned)
{
    uintptr_t page = object >> UA_PAGE_SHIFT;
    uintptr_t *recent = &marker->recent[page % UA_RECENT_COUNT];

    marker->batch_cold += *recent != page;
    *recent = page;
    marker->batch_objects += scanned;
    if (UA_UNLIKELY(marker->batch_objects >= UA_BATCH_OBJECTS))
        choose_order(marker);
}

/* Scans what is marked: the start of an object or of an oblet of the span. */
static inline void scan_in_span(struct ua_marker *marker, struct ua_span *span, uintptr_t item)
{
    if (UA_LIKELY(ua_span_kind(span) == UA_SPAN_SMALL)) {
        note_run(marker, item, ua_mark_scan_small(marker, ua_small_record(span), item));
        return;
    }
    if (item == span->base) {
        uintptr_t end = scan_end(marker, span);

        for (uintptr_t oblet = item + UA_OBLET_BYTES; oblet < end; oblet += UA_OBLET_BYTES)
            ua_work_push(&marker->work, oblet);
    }
    scan_oblet(marker, span, item);
}

/* Scans an object to its end without the grey set's help. */
static void scan_whole(struct ua_marker *marker, struct ua_span *span)
{
    uintptr_t end = scan_end(marker, span);

    for (uintptr_t oblet = span->base; oblet < end; oblet += UA_OBLET_BYTES)
        scan_oblet(marker, span, oblet);
}

void ua_mark_contents(struct ua_marker *marker, uintptr_t object)
{
    struct ua_span *span = ua_space_span(&marker->heap->space, object);

    UA_CHECK(span != NULL && ua_span_kind(span) != UA_SPAN_UNUSED, "gc: finalizer on an object that is gone");
    if (!ua_span_noscan(span))
        ua_work_push(&marker->work, object);
}

void ua_mark_chunk_range(struct ua_marker *marker, struct ua_span *chunk, uintptr_t from, uintptr_t to)
{
    uintptr_t place = ua_align_down(from, UA_BYTES_PER_BITMAP_WORD);

    for (; place < to; place += UA_BYTES_PER_BITMAP_WORD) {
        uint64_t bits = ua_heapbits_word(chunk, (place - chunk->base) / UA_BYTES_PER_BITMAP_WORD);

        if (place < from)
            bits &= ~ua_low_mask((unsigned)((from - place) / UA_WORD_BYTES));
        scan_bits(marker, place, bits, 0, 0);
    }
}

static void mark_chunk_in_use(struct ua_span *chunk, void *context)
{
    struct ua_marker *marker = context;

    if (ua_span_kind(chunk) != UA_SPAN_CHUNK || chunk->chunk_state == UA_CHUNK_QUARANTINE)
        return;
    if (chunk->log != NULL && !ua_span_noscan(chunk)) {
        uintptr_t front = chunk_front(chunk);

        __atomic_store_n(&chunk->scan_end, front, __ATOMIC_RELAXED);
        marker->unlogged_bytes += front > chunk->bits_end ? front - chunk->bits_end : 0;
    }
    if (mark_chunk(marker, chunk))
        ua_work_push(&marker->work, chunk->base);
}

static void mark_new_chunk(struct ua_span *chunk, void *context)
{
    if (ua_span_kind(chunk) == UA_SPAN_CHUNK && chunk->chunk_state != UA_CHUNK_QUARANTINE)
        mark_chunk(context, chunk);
}

void ua_mark_new_chunks(struct ua_marker *marker)
{
    ua_chunk_each(&marker->heap->chunks, mark_new_chunk, marker);
}

void ua_mark_chunks_in_use(struct ua_marker *marker)
{
    ua_chunk_each(&marker->heap->chunks, mark_chunk_in_use, marker);
}

static inline struct ua_seen take_seen(struct ua_marker *marker)
{
    struct ua_seen seen = marker->seen[marker->seen_first % UA_SEEN_COUNT];

    marker->seen_first++;
    marker->seen_count--;
    return seen;
}

static inline void fetch_rest(const struct ua_marker *marker)
{
    const struct ua_seen *near = &marker->seen[(marker->seen_first + UA_SEEN_AHEAD) % UA_SEEN_COUNT];
    uint32_t bytes;

    if (marker->seen_count <= UA_SEEN_AHEAD || ua_span_kind(near->span) != UA_SPAN_SMALL)
        return;
    bytes = (uint32_t)ua_min(ua_small_record(near->span)->object_bytes, UA_FETCH_BYTES);
    for (size_t at = UA_CACHE_LINE_BYTES; at < bytes; at += UA_CACHE_LINE_BYTES)
        __builtin_prefetch((const char *)near->address + at);
}

/* One item of the grey set. */
static inline void take_item(struct ua_marker *marker, uintptr_t item)
{
    if ((item & UA_CANDIDATE) != 0)
        see(marker, item - UA_CANDIDATE);
    else
        scan_in_span(marker, ua_space_span(&marker->heap->space, item), item);
}

bool ua_mark_drain_some(struct ua_marker *marker, uint64_t work_bytes)
{
    const uint64_t begin = marker->heap_scan_work + work_bytes;
    uint64_t enough = begin;
    uintptr_t item;

    do {
        struct ua_seen seen;

        if (marker->seen_count < UA_SEEN_LOW && ua_work_pop(&marker->work, &item)) {
            take_item(marker, item);
            continue;
        }
        if (marker->seen_count == 0) {
            marker->step_bytes += begin - enough;
            return false;
        }
        if (marker->fetches)
            fetch_rest(marker);
        seen = take_seen(marker);
        if (mark_in_span(marker, seen.span, seen.address, &item))
            scan_in_span(marker, seen.span, item);
    } while (marker->heap_scan_work < (enough -= UA_STEP_BYTES));
    marker->step_bytes += begin - enough;
    return true;
}

static void drain(struct ua_marker *marker)
{
    while (ua_mark_drain_some(marker, UINT64_MAX / 2)) {
    }
}

void ua_mark_settle(struct ua_marker *marker)
{
    uintptr_t item;

    while (marker->seen_count > 0) {
        struct ua_seen seen = take_seen(marker);

        if (mark_in_span(marker, seen.span, seen.address, &item))
            ua_work_push(&marker->work, item);
    }
}

static void scan_whole_if_marked(struct ua_marker *marker, struct ua_span *span)
{
    if (ua_span_is_marked(span) && !ua_span_noscan(span))
        scan_whole(marker, span);
    drain(marker);
}

static void scan_marked_chunk(struct ua_span *chunk, void *context)
{
    if (ua_span_kind(chunk) == UA_SPAN_CHUNK)
        scan_whole_if_marked(context, chunk);
}

static void scan_contents(struct ua_marker *marker, uintptr_t object)
{
    struct ua_span *span = ua_space_span(&marker->heap->space, object);

    if (ua_span_noscan(span))
        return;
    if (ua_span_kind(span) == UA_SPAN_SMALL)
        ua_mark_scan_small(marker, ua_small_record(span), object);
    else
        scan_whole(marker, span);
}

/* Grey objects were dropped for want of a buffer: every marked object is scanned again, until a whole round drops nothing.
 * Each round marks at least one object more, so it ends also without any buffer. Scan work is counted as it is done. */
static void rescan(struct ua_marker *marker)
{
    struct ua_large *large = &marker->heap->large;
    struct ua_entry *entry = NULL;

    marker->work.lost = false;
    while ((entry = ua_table_next(&marker->roots->finalizers, entry)) != NULL) {
        scan_contents(marker, entry->key);
        drain(marker);
    }
    ua_chunk_each(&marker->heap->chunks, scan_marked_chunk, marker);
    for (struct ua_node *node = ua_large_live(large)->first; node != NULL; node = node->next)
        scan_whole_if_marked(marker, UA_CONTAINER(node, struct ua_span, node));
    for (struct ua_small_span *record = marker->small->spans; record != NULL; record = record->next) {
        if (record->layout == NULL)
            continue;
        for (uint32_t i = 0; i < record->object_count; i++) {
            if (ua_small_is_marked(record, i))
                ua_mark_scan_small(marker, record, record->span.base + (size_t)i * record->object_bytes);
            drain(marker);
        }
    }
}

void ua_mark_drain(struct ua_marker *marker)
{
    drain(marker);
    while (marker->work.lost)
        rescan(marker);
}
