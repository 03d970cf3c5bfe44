/* heapbits_check.c - what a write-out wrote, read again bit by bit against the types (Go's doubleCheck).
 *
 * Why apart from the writer: it shares nothing with it but the format of the log. One bit at a time, no words, no periods. */
#include "heap/heapbits.h"

#include "base/bits.h"

static void check_values(const struct ua_span *chunk, const struct ua_layout *layout, uintptr_t at, size_t count)
{
    size_t bit = (at - chunk->base) / UA_WORD_BYTES;

    for (; count > 0; count--)
        for (size_t word = 0; word < layout->size_words; word++, bit++)
            UA_CHECK(ua_bit_get(chunk->bits, bit) == ua_layout_bit(layout, word),
                     "verify: heap bitmap differs from the type log");
}

const uint16_t *ua_heapbits_check(const struct ua_heapbits *heapbits, const struct ua_span *chunk, uintptr_t from,
                                  const uint16_t *log, uintptr_t end)
{
    uintptr_t at = from;

    while (at < end) {
        const struct ua_layout *layout;
        size_t count = 1;
        uintptr_t place;

        if (*log == 0) {
            layout = ua_types_by_id(heapbits->types, log[1]);
            count = (size_t)log[2] | (size_t)log[3] << 16;
            log += UA_LOG_SLICE_ENTRIES;
        } else {
            layout = ua_types_by_id(heapbits->types, *log++);
        }
        place = ua_align_up(at, layout->align_bytes);
        for (; at < place; at += UA_WORD_BYTES)
            UA_CHECK(!ua_bit_get(chunk->bits, (at - chunk->base) / UA_WORD_BYTES), "verify: pointer bit in a gap");
        check_values(chunk, layout, at, count);
        at += count * layout->size_bytes;
    }
    UA_CHECK(at == end, "verify: bitmap end is not an object's end");
    return log;
}
