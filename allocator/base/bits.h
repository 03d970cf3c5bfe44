/* bits.h - operations on 64-bit words and arrays of them.
 *
 * Why not the language's shifts alone: a shift by 64 is undefined in C and defined as 0 in Go, whose bitmap rules we
 * follow; the helpers here give Go's meaning. */
#ifndef UA_BASE_BITS_H
#define UA_BASE_BITS_H

#include "base/base.h"

/* The lowest `count` bits, 0 <= count <= 64. */
static inline uint64_t ua_low_mask(unsigned count)
{
    return count >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << count) - 1;
}

static inline bool ua_bit_get(const uint64_t *words, size_t index)
{
    return (words[index / 64] >> (index % 64)) & 1;
}

static inline void ua_bit_set(uint64_t *words, size_t index)
{
    words[index / 64] |= (uint64_t)1 << (index % 64);
}

static inline unsigned ua_lowest_bit(uint64_t word)
{
    return (unsigned)__builtin_ctzll(word);
}

static inline unsigned ua_log2(size_t power_of_two)
{
    return (unsigned)__builtin_ctzll(power_of_two);
}

/* Index of the first set bit at or after `from`, or `end` when there is none before it. */
static inline size_t ua_bits_find_set(const uint64_t *words, size_t from, size_t end)
{
    while (from < end) {
        uint64_t word = words[from / 64] >> (from % 64);

        if (word != 0) {
            size_t found = from + ua_lowest_bit(word);

            return found < end ? found : end;
        }
        from = (from / 64 + 1) * 64;
    }
    return end;
}

/* Index of the first clear bit at or after `from`, or `end` when there is none before it. */
static inline size_t ua_bits_find_clear(const uint64_t *words, size_t from, size_t end)
{
    while (from < end) {
        uint64_t word = ~words[from / 64] >> (from % 64);

        if (word != 0) {
            size_t found = from + ua_lowest_bit(word);

            return found < end ? found : end;
        }
        from = (from / 64 + 1) * 64;
    }
    return end;
}

/* Sets or clears bits [from, to). */
static inline void ua_bits_assign(uint64_t *words, size_t from, size_t to, bool value)
{
    while (from < to) {
        unsigned low = (unsigned)(from % 64);
        size_t count = ua_min(64 - low, to - from);
        uint64_t mask = ua_low_mask((unsigned)count) << low;

        if (value)
            words[from / 64] |= mask;
        else
            words[from / 64] &= ~mask;
        from += count;
    }
}

#endif
