/* small.c - spans, bins and bits of small objects; see small.h. */
#include "gc/small.h"

#include <errno.h>
#include <string.h>

#include "gc/small_owned.h"

/* Pointer-free bins share one key; layouts are at least 8-byte aligned and never at address 1. */
#define KEY_NO_POINTERS ((uintptr_t)1)
#define KEY_CLASS_BITS 7

_Static_assert(UA_SIZE_CLASS_COUNT < 1u << KEY_CLASS_BITS, "a class fits the key");

/* An allocation looks through this many unswept spans for room before it takes a new one, as Go does. */
#define SWEEP_BEFORE_NEW 100u

_Thread_local struct ua_small_slot ua_small_slots[UA_SMALL_SLOT_COUNT];
static uint64_t newest_epoch; /* atomic; counts heaps and sweeps of the whole process, so that no epoch comes twice */

static uint64_t new_epoch(void)
{
    return __atomic_add_fetch(&newest_epoch, 1, __ATOMIC_RELAXED);
}

void ua_small_init(struct ua_small_heap *small, struct ua_heap *heap, uint64_t *lock_count)
{
    *small = (struct ua_small_heap){.heap = heap, .epoch = new_epoch()};
    ua_size_table_init(&small->sizes);
    ua_lock_init(&small->lock, UA_RANK_SPANS, lock_count);
    ua_table_init(&small->bins, &heap->meta);
}

void ua_small_deinit(struct ua_small_heap *small)
{
    ua_lock_deinit(&small->lock);
}

static struct ua_bin *bin_for(struct ua_small_heap *small, const struct ua_layout *layout, unsigned size_class)
{
    uintptr_t key = ((layout != NULL ? (uintptr_t)layout : KEY_NO_POINTERS) << KEY_CLASS_BITS) | size_class;
    struct ua_entry *entry = ua_table_find(&small->bins, key);
    struct ua_bin *bin;

    if (UA_LIKELY(entry != NULL))
        return (struct ua_bin *)entry->a;
    bin = ua_meta_alloc(&small->heap->meta, sizeof *bin);
    if (bin == NULL || ua_table_add(&small->bins, key, (uintptr_t)bin, 0) != 0)
        return NULL;
    bin->layout = layout;
    bin->size_class = size_class;
    bin->next = small->all_bins;
    small->all_bins = bin;
    return bin;
}

/* A record with bits for this many objects: a spare one of the same size, else a new one. */
static struct ua_small_span *take_record(struct ua_small_heap *small, uint32_t group_count)
{
    struct ua_small_span *record = small->spare_records[group_count];

    if (record != NULL) {
        small->spare_records[group_count] = record->next;
        memset(record->bits, 0, group_count * sizeof record->bits[0]);
        return record;
    }
    record = ua_meta_alloc(&small->heap->meta,
                           offsetof(struct ua_small_span, bits) + group_count * sizeof record->bits[0]);
    if (record != NULL)
        record->group_count = group_count;
    return record;
}

static void put_record(struct ua_small_heap *small, struct ua_small_span *record)
{
    record->next = small->spare_records[record->group_count];
    small->spare_records[record->group_count] = record;
}

static void link_span(struct ua_small_heap *small, struct ua_small_span *record)
{
    struct ua_bin *bin = record->bin;

    record->next = small->spans;
    record->previous = NULL;
    if (small->spans != NULL)
        small->spans->previous = record;
    small->spans = record;
    record->next_in_bin = bin->spans;
    record->previous_in_bin = NULL;
    if (bin->spans != NULL)
        bin->spans->previous_in_bin = record;
    bin->spans = record;
    small->span_count++;
    small->page_count += record->span.bytes / UA_PAGE_BYTES;
}

static void unlink_span(struct ua_small_heap *small, struct ua_small_span *record)
{
    struct ua_bin *bin = record->bin;

    *(record->previous != NULL ? &record->previous->next : &small->spans) = record->next;
    if (record->next != NULL)
        record->next->previous = record->previous;
    *(record->previous_in_bin != NULL ? &record->previous_in_bin->next_in_bin : &bin->spans) = record->next_in_bin;
    if (record->next_in_bin != NULL)
        record->next_in_bin->previous_in_bin = record->previous_in_bin;
    if (bin->unswept == record)
        bin->unswept = record->next_in_bin;
    small->span_count--;
    small->page_count -= record->span.bytes / UA_PAGE_BYTES;
}

static struct ua_small_span *new_span(struct ua_small_heap *small, struct ua_bin *bin)
{
    const struct ua_layout *layout = bin->layout;
    size_t object_bytes = ua_size_class_bytes(bin->size_class);
    size_t pages = ua_size_class_pages(bin->size_class);
    uint32_t count = (uint32_t)(pages * UA_PAGE_BYTES / object_bytes);
    struct ua_small_span *record = take_record(small, (count + 63) / 64);
    struct ua_span *span;

    if (record == NULL)
        return NULL;
    span = &record->span;
    span->base = ua_pages_alloc(&small->heap->pages, pages);
    if (span->base == 0) {
        put_record(small, record);
        return NULL;
    }
    span->bytes = pages * UA_PAGE_BYTES;
    span->layout = layout;
    ua_span_set_noscan(span, layout == NULL);
    record->bin = bin;
    record->layout = layout;
    record->mask = layout != NULL ? layout->mask[0] : 0;
    record->element_bytes = layout != NULL && layout->ptrdata_words <= 64 ? (uint32_t)layout->size_bytes : 0;
    record->object_bytes = (uint32_t)object_bytes;
    if (record->element_bytes != 0) {
        /* A last element that does not fit whole is no element: the class is larger than what was asked for. */
        record->elements_bytes = record->object_bytes / record->element_bytes * record->element_bytes;
        record->scan_bytes = record->elements_bytes - record->element_bytes +
                             (64 - (uint32_t)__builtin_clzll(record->mask)) * (uint32_t)UA_WORD_BYTES;
    }
    record->span_bytes = (uint32_t)(pages * UA_PAGE_BYTES);
    record->divide_magic = UINT32_MAX / (uint32_t)object_bytes + 1;
    record->object_count = count;
    record->free_index = 0;
    record->booked_count = 0;
    record->freed_count = 0;
    record->needs_zero = false;
    record->span.sweep_gen = small->sweep_gen;
    link_span(small, record);
    ua_span_set_kind(span, UA_SPAN_SMALL);
    ua_space_set_span(&small->heap->space, span->base, span->bytes, span);
    return record;
}

static uint32_t count_allocated(const struct ua_small_span *record)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < record->group_count; i++) {
        uint32_t below = record->free_index > i * 64 ? record->free_index - i * 64 : 0;
        uint64_t word = (record->bits[i].alloc | ua_low_mask(below)) & ~record->bits[i].freed;

        count += (uint32_t)__builtin_popcountll(word);
    }
    return count;
}

/* What is marked lives, but for what was freed by hand after the mark had found it; the marks go. Returns how many live. */
static uint32_t settle_bits(struct ua_small_span *record)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < record->group_count; i++) {
        struct ua_small_bits *bits = &record->bits[i];

        bits->alloc = bits->mark & ~bits->freed;
        bits->mark = 0;
        bits->freed = 0;
        count += (uint32_t)__builtin_popcountll(bits->alloc);
    }
    return count;
}

static void release_span(struct ua_small_heap *small, struct ua_small_span *record)
{
    struct ua_span *span = &record->span;

    ua_span_set_kind(span, UA_SPAN_UNUSED);
    ua_space_set_span(&small->heap->space, span->base, span->bytes, NULL);
    ua_pages_free(&small->heap->pages, span->base, span->bytes / UA_PAGE_BYTES);
    unlink_span(small, record);
    put_record(small, record);
}

static void put_partial(struct ua_small_span *record)
{
    record->place = UA_SMALL_PARTIAL;
    record->next_partial = record->bin->partial;
    record->bin->partial = record;
}

bool ua_small_need_swept(struct ua_small_heap *small, struct ua_small_span *record)
{
    struct ua_small_sweep *swept = &small->swept;
    uint32_t allocated;
    uint32_t living;

    ua_lock_check_held(&small->lock);
    if (record->span.sweep_gen == small->sweep_gen)
        return true;
    record->span.sweep_gen = small->sweep_gen;
    allocated = count_allocated(record);
    living = settle_bits(record);
    swept->pages_swept += record->span.bytes / UA_PAGE_BYTES;
    swept->objects_freed += allocated > living ? allocated - living : 0;
    swept->bytes_freed += (size_t)(record->booked_count - living) * record->object_bytes;
    ua_acct_small_free(&small->heap->acct, (size_t)(record->booked_count - living) * record->object_bytes);
    record->booked_count = living;
    if (living == 0) {
        swept->pages_freed += record->span.bytes / UA_PAGE_BYTES;
        release_span(small, record);
        return false;
    }
    record->freed_count = 0;
    record->free_index = 0;
    record->needs_zero = true;
    record->place = UA_SMALL_FULL;
    if (living < record->object_count)
        put_partial(record);
    return true;
}

/* Sweeps the bin's next span; false when none is left. Guard: lock. */
static bool sweep_next_of(struct ua_small_heap *small, struct ua_bin *bin)
{
    struct ua_small_span *record = bin->unswept;

    if (record == NULL)
        return false;
    bin->unswept = record->next_in_bin;
    ua_small_need_swept(small, record);
    return true;
}

size_t ua_small_sweep_begin(struct ua_small_heap *small)
{
    size_t pages;

    ua_lock_acquire(&small->lock);
    UA_CHECK(small->sweep_bin == NULL, "gc: a sweep begins before the last one ended");
    __atomic_store_n(&small->epoch, new_epoch(), __ATOMIC_RELAXED);
    small->sweep_gen++;
    for (struct ua_bin *bin = small->all_bins; bin != NULL; bin = bin->next) {
        bin->unswept = bin->spans;
        bin->partial = NULL;
    }
    small->sweep_bin = small->all_bins;
    small->swept = (struct ua_small_sweep){0};
    pages = small->page_count;
    ua_lock_release(&small->lock);
    return pages;
}

bool ua_small_sweep_some(struct ua_small_heap *small, size_t spans)
{
    bool more;

    ua_lock_acquire(&small->lock);
    while (small->sweep_bin != NULL && spans > 0) {
        if (sweep_next_of(small, small->sweep_bin))
            spans--;
        else
            small->sweep_bin = small->sweep_bin->next;
    }
    more = small->sweep_bin != NULL;
    ua_lock_release(&small->lock);
    return more;
}

/* A span with room for the caller to own, booked. NULL without memory. Guard: lock. */
static struct ua_small_span *take_span(struct ua_small_heap *small, struct ua_bin *bin, size_t *booked_bytes)
{
    struct ua_small_span *record;

    for (unsigned budget = SWEEP_BEFORE_NEW; bin->partial == NULL && budget > 0 && sweep_next_of(small, bin); budget--) {
    }
    record = bin->partial;
    if (record != NULL)
        bin->partial = record->next_partial;
    else
        record = new_span(small, bin);
    if (record == NULL)
        return NULL;
    record->place = UA_SMALL_OWNED;
    *booked_bytes += (size_t)(record->object_count - record->booked_count) * record->object_bytes;
    ua_acct_small_alloc(&small->heap->acct, (size_t)(record->object_count - record->booked_count) * record->object_bytes);
    record->booked_count = record->object_count;
    return record;
}

/* The next free object, those freed by hand first. Guard: lock. */
static uint32_t find_free(struct ua_small_span *record)
{
    if (record->freed_count == 0)
        return ua_small_find_clear(record);
    for (uint32_t i = 0; i < record->group_count; i++) {
        uint64_t freed = record->bits[i].freed;

        if (freed == 0)
            continue;
        __atomic_store_n(&record->bits[i].freed, freed & (freed - 1), __ATOMIC_RELAXED);
        __atomic_store_n(&record->freed_count, record->freed_count - 1, __ATOMIC_RELAXED);
        return i * 64 + ua_lowest_bit(freed);
    }
    ua_fatal("gc: the count of objects freed by hand is wrong");
}

__attribute__((noinline)) void ua_small_blacken(struct ua_small_heap *small, struct ua_small_span *record, uint32_t index)
{
    uint64_t bit = (uint64_t)1 << (index % 64);

    if (__atomic_fetch_or(&record->bits[index / 64].mark, bit, __ATOMIC_RELAXED) & bit)
        return;
    __atomic_fetch_add(&small->black_bytes, record->object_bytes, __ATOMIC_RELAXED);
    __atomic_fetch_add(&small->black_objects, 1, __ATOMIC_RELAXED);
}

/* The slot's span is full, freed into by hand, or another type's. Guard: lock. */
static uintptr_t alloc_locked(struct ua_small_heap *small, struct ua_small_slot *slot, const struct ua_layout *layout,
                              unsigned size_class, size_t *booked_bytes)
{
    struct ua_bin *bin = bin_for(small, layout, size_class);
    struct ua_small_span *record = NULL;
    bool was_freed;
    uint32_t index;

    if (bin == NULL)
        return 0;
    if (ua_small_slot_is(slot, small->epoch, layout, size_class))
        record = slot->record;
    else if (slot->epoch == small->epoch)
        put_partial(slot->record);
    for (;;) {
        if (record != NULL) {
            was_freed = record->freed_count != 0;
            index = find_free(record);
            if (index < record->object_count)
                break;
            __atomic_store_n(&record->free_index, record->object_count, __ATOMIC_RELAXED);
            record->place = UA_SMALL_FULL;
        }
        record = take_span(small, bin, booked_bytes);
        *slot = (struct ua_small_slot){record != NULL ? small->epoch : 0, layout, record, size_class};
        if (record == NULL)
            return 0;
    }
    return ua_small_hand_out(small, record, index, was_freed);
}

void *ua_small_alloc(struct ua_small_heap *small, const struct ua_layout *layout, unsigned size_class,
                     size_t *booked_bytes)
{
    uintptr_t object;

    *booked_bytes = 0;
    ua_lock_acquire(&small->lock);
    object = alloc_locked(small, ua_small_slot_for(layout, size_class), layout, size_class, booked_bytes);
    ua_lock_release(&small->lock);
    if (object == 0)
        ua_error_set(ENOMEM, "out of memory: no pages for small objects");
    return (void *)object;
}

void ua_small_free(struct ua_small_heap *small, struct ua_span *span, uintptr_t object)
{
    struct ua_small_span *record = ua_small_record(span);
    uint32_t index = ua_small_index(record, object);

    ua_lock_acquire(&small->lock);
    if (!ua_small_need_swept(small, record))
        ua_fatal_address("ua_heap_free: object freed twice", object);
    if (object != span->base + (size_t)index * record->object_bytes)
        ua_fatal_address("ua_heap_free: not the start of an object", object);
    if (!ua_small_is_allocated(record, index))
        ua_fatal_address("ua_heap_free: object freed twice", object);
    __atomic_fetch_or(&record->bits[index / 64].freed, (uint64_t)1 << (index % 64), __ATOMIC_RELAXED);
    __atomic_store_n(&record->needs_zero, true, __ATOMIC_RELAXED);
    __atomic_store_n(&record->freed_count, record->freed_count + 1, __ATOMIC_RELAXED);
    /* It was full and on no list: give it a chance before the next sweep. */
    if (record->place == UA_SMALL_FULL)
        put_partial(record);
    ua_lock_release(&small->lock);
}

void ua_small_clear_marks(struct ua_small_heap *small)
{
    for (struct ua_small_span *record = small->spans; record != NULL; record = record->next)
        for (uint32_t i = 0; i < record->group_count; i++)
            __atomic_store_n(&record->bits[i].mark, 0, __ATOMIC_RELAXED);
}
