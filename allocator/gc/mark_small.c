/* mark_small.c - scanning small objects: a span at a time.
 *
 * Why not object by object through the grey set: most pointers of a graph that was built in order stay within their span, and for
 * those everything a mark needs is in registers: no lookup of the span, no check of a buffer's end. Each object of a span is marked
 * once, so a fixed stack of as many entries as a span has objects is enough. What points elsewhere goes the usual way (see). In a
 * scattered graph there is nothing to win by it, and objects are scanned one by one. */
#include "gc/mark_queue.h"

/* True for the one that set it. With one marker and the world stopped a plain store does. */
static inline __attribute__((always_inline)) UA_NO_SANITIZE bool mark_index(struct ua_small_bits *bits, uint32_t index,
                                                                           uint32_t free_index, bool shared)
{
    uint64_t bit = (uint64_t)1 << (index % 64);
    uint64_t marked = __atomic_load_n(&bits->mark, __ATOMIC_RELAXED);

    if ((marked & bit) != 0 || (__atomic_load_n(&bits->freed, __ATOMIC_RELAXED) & bit) != 0)
        return false;
    if (UA_UNLIKELY(index >= free_index) && (bits->alloc & bit) == 0)
        return false;
    if (shared)
        return (__atomic_fetch_or(&bits->mark, bit, __ATOMIC_RELAXED) & bit) == 0;
    __atomic_store_n(&bits->mark, marked | bit, __ATOMIC_RELAXED);
    return true;
}

/* Objects are pushed from the highest slot to the lowest, so that the first one is followed first: that is how trees lie in memory.
 * A last element that does not fit whole is no element: the class is larger than what was asked for.
 * free_index is read once: what is allocated later during this mark is born marked. */
static inline __attribute__((always_inline)) UA_NO_SANITIZE size_t walk_span(struct ua_marker *marker, struct ua_small_span *record,
                                                                             uintptr_t object, bool shared)
{
    const uintptr_t base = record->span.base, span_bytes = record->span_bytes;
    const uint64_t mask = record->mask, magic = record->divide_magic;
    const uint32_t object_bytes = record->object_bytes, count = record->object_count, element_bytes = record->element_bytes;
    const uint32_t elements_bytes = record->elements_bytes;
    const uint32_t free_index = __atomic_load_n(&record->free_index, __ATOMIC_RELAXED);
    uint32_t *const grey = marker->grey;
    size_t scanned = 0, depth = 1;

    grey[0] = (uint32_t)(object - base);
    do {
        uintptr_t at = base + grey[--depth];
        uintptr_t element = at + elements_bytes;

        scanned++;
        do {
            element -= element_bytes;
            for (uint64_t bits = mask; bits != 0;) {
                unsigned word = 63 - (unsigned)__builtin_clzll(bits);
                uintptr_t value = __atomic_load_n((const uintptr_t *)element + word, __ATOMIC_RELAXED);
                uintptr_t offset = value - base;

                bits ^= (uint64_t)1 << word;
                if (offset < span_bytes) {
                    uint32_t index = (uint32_t)(offset * magic >> 32);

                    if (index < count && mark_index(&record->bits[index / 64], index, free_index, shared))
                        grey[depth++] = index * object_bytes;
                } else if (value != 0) {
                    see(marker, value);
                }
            }
        } while (element != at);
    } while (depth != 0);
    /* Each but the first was marked here. */
    marker->objects_marked += scanned - 1;
    marker->bytes_marked += (scanned - 1) * object_bytes;
    marker->heap_scan_work += scanned * record->scan_bytes;
    return scanned;
}

static __attribute__((noinline)) UA_NO_SANITIZE size_t walk_alone(struct ua_marker *marker, struct ua_small_span *record,
                                                                 uintptr_t object)
{
    return walk_span(marker, record, object, false);
}

static __attribute__((noinline)) UA_NO_SANITIZE size_t walk_shared(struct ua_marker *marker, struct ua_small_span *record,
                                                                  uintptr_t object)
{
    return walk_span(marker, record, object, true);
}

/* One object alone: in a scattered graph hardly a pointer stays within the span, and what the walk keeps in registers is loaded in vain. */
static __attribute__((noinline)) UA_NO_SANITIZE size_t scan_one(struct ua_marker *marker, const struct ua_small_span *record, uintptr_t object)
{
    const uint64_t mask = record->mask;
    const uintptr_t end = object + record->elements_bytes;

    for (uintptr_t at = object; at < end; at += record->element_bytes)
        for (uint64_t bits = mask; bits != 0; bits &= bits - 1) {
            uintptr_t value = __atomic_load_n((const uintptr_t *)at + ua_lowest_bit(bits), __ATOMIC_RELAXED);

            if (value != 0)
                see(marker, value);
        }
    marker->heap_scan_work += record->scan_bytes;
    return 1;
}

size_t ua_mark_scan_small(struct ua_marker *marker, struct ua_small_span *record, uintptr_t object)
{
    if (UA_UNLIKELY(record->element_bytes == 0)) {
        ua_mark_scan_values(marker, record->layout, object, object + record->object_bytes);
        return 1;
    }
    if (marker->scattered)
        return scan_one(marker, record, object);
    return marker->shared ? walk_shared(marker, record, object) : walk_alone(marker, record, object);
}
