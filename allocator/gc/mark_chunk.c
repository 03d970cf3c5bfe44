/* mark_chunk.c - scanning arena chunks: bitmap words in, bytes of a table of chunks out.
 *
 * Why a table: a chunk is one object, so most pointers of an arena only say which chunk lives; setting a byte for each takes no branch
 * and no lookup, and memory is then read about as fast as it can be. */
#include "gc/mark_queue.h"

#include <limits.h>
#include <string.h>

#include "os/slots.h"

/* Where chunks lie, in registers during an oblet. */
struct window {
    uintptr_t low;
    uintptr_t bytes;
    uint8_t *touched;
};

#define USUAL_CHUNK_SHIFT 23u /* 8 MiB */

_Static_assert(UA_CHUNK_BYTES_MIN >> UA_SLOTS_SHIFT_MIN != 0, "the key of an address fits");

/* How far ahead memory is asked for, the lines that have a pointer: the processor looks ahead as far as it can hold instructions, and
 * a line of 8 slots is 50 of them. */
#define FETCH_AHEAD_WORDS 8u /* of the bitmap */
#define FETCH_AHEAD_BYTES (FETCH_AHEAD_WORDS * UA_BYTES_PER_BITMAP_WORD)

/* Words of the bitmap that are gone through slot by slot after one of which each line leads to other chunks. */
#define PLAIN_WORDS 16u

/* Always inlined: gcc takes a function that only prefetches for one without effect and drops its calls. */
static inline __attribute__((always_inline)) void fetch_lines(uintptr_t at, uint64_t bits)
{
#pragma GCC unroll 8
    for (unsigned line = 0; line < 8; line++)
        if ((bits >> (line * 8) & 0xff) != 0)
            __builtin_prefetch((const void *)(at + line * UA_CACHE_LINE_BYTES));
}

/* Whether each line of 8 slots has a bit. */
static inline bool is_dense(uint64_t bits)
{
    const uint64_t ones = 0x0101010101010101;

    return ((bits - ones) & ~bits & ones << 7) == 0;
}

static inline void take_slot(struct ua_marker *marker, const struct window *window, unsigned shift, uintptr_t value)
{
    uintptr_t offset = value - window->low;

    if (UA_LIKELY(offset < window->bytes))
        window->touched[offset >> shift] = 1;
    else if (value != 0)
        see(marker, value);
}

/* Bitmap words for [at, end); bitmap and memory are asked for ahead below fetch_end. Returns the end of the last slot, 0 if there is none.
 * Inlined with a constant shift for chunks of the usual size. Where each line has a pointer, those that are NULL or lead into this chunk
 * are found together: it is marked. */
static inline __attribute__((always_inline)) UA_NO_SANITIZE uintptr_t scan_words(struct ua_marker *marker, const struct window *window,
                                                                              unsigned shift, const uint64_t *word,
                                                                              uintptr_t at, uintptr_t end, uintptr_t fetch_end)
{
    const uint32_t own = (uint32_t)(at >> shift);
    /* Slot by slot where key 0 would not mean NULL alone, and where a tool sees each word that is read: others lie in between, and behind. */
    unsigned plain = ua_min(marker->low, marker->handles_low) >> shift == 0 || ua_san_watches() ? UINT_MAX : 0;
    uintptr_t last_at = 0;
    uint64_t last_bits = 0;

    for (; at < end; at += UA_BYTES_PER_BITMAP_WORD, word++) {
        const uintptr_t *slots = (const uintptr_t *)at;
        uint64_t bits = __atomic_load_n(word, __ATOMIC_RELAXED);

        if (UA_UNLIKELY(end - at < UA_BYTES_PER_BITMAP_WORD))
            bits &= ua_low_mask((unsigned)((end - at) / UA_WORD_BYTES));
        if (at < fetch_end)
            fetch_lines(at + FETCH_AHEAD_BYTES, __atomic_load_n(word + FETCH_AHEAD_WORDS, __ATOMIC_RELAXED));
        if (bits == 0)
            continue;
        last_at = at;
        last_bits = bits;
        if (plain != 0) {
            plain--;
        } else if (is_dense(bits)) {
            bits &= ua_slots_elsewhere(slots, shift, own);
            plain = is_dense(bits) ? PLAIN_WORDS : 0;
        }
        if (bits == UINT64_MAX) {
            for (unsigned i = 0; i < 64; i++)
                take_slot(marker, window, shift, __atomic_load_n(&slots[i], __ATOMIC_RELAXED));
            continue;
        }
        for (; bits != 0; bits &= bits - 1)
            take_slot(marker, window, shift, __atomic_load_n(&slots[ua_lowest_bit(bits)], __ATOMIC_RELAXED));
    }
    return last_bits == 0 ? 0 : last_at + (64 - (uintptr_t)__builtin_clzll(last_bits)) * UA_WORD_BYTES;
}

static void enter_chunk(struct ua_marker *marker, size_t index)
{
    struct ua_span *chunk = ua_space_span(&marker->heap->space, marker->chunks_low + (index << marker->chunk_shift));

    marker->entered[index] = 1;
    if (chunk != NULL && ua_span_kind(chunk) == UA_SPAN_CHUNK && mark_chunk(marker, chunk))
        ua_work_push(&marker->work, chunk->base);
}

/* Marks the chunks that were touched for the first time. */
static void enter_touched(struct ua_marker *marker)
{
    size_t count = marker->chunks_bytes >> marker->chunk_shift;

    for (size_t i = 0; i < count; i += sizeof(uint64_t)) {
        uint64_t touched;
        uint64_t entered;

        memcpy(&touched, &marker->touched[i], sizeof touched);
        memcpy(&entered, &marker->entered[i], sizeof entered);
        for (uint64_t fresh = touched & ~entered; fresh != 0; fresh &= fresh - 1)
            enter_chunk(marker, i + ua_lowest_bit(fresh) / 8);
    }
}

UA_NO_SANITIZE void ua_mark_scan_chunk(struct ua_marker *marker, struct ua_span *chunk, uintptr_t at)
{
    const struct window window = {marker->chunks_low, marker->chunks_bytes, marker->touched};
    uintptr_t bits_end = __atomic_load_n(&chunk->bits_end, __ATOMIC_ACQUIRE);
    uintptr_t end = ua_min(ua_min(at + UA_OBLET_BYTES, ua_span_limit(chunk)), bits_end);
    const uint64_t *word = &chunk->bits[(at - chunk->base) / UA_BYTES_PER_BITMAP_WORD];
    uintptr_t fetch_end = bits_end - FETCH_AHEAD_BYTES; /* the bitmap behind bits_end may hold anything */
    uintptr_t last = marker->chunk_shift == USUAL_CHUNK_SHIFT
                         ? scan_words(marker, &window, USUAL_CHUNK_SHIFT, word, at, end, fetch_end)
                         : scan_words(marker, &window, marker->chunk_shift, word, at, end, fetch_end);

    enter_touched(marker);
    if (last != 0)
        marker->heap_scan_work += last - at;
}
