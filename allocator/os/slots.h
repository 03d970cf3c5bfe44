/* slots.h - which words hold an address that is worth a look, found several at a time.
 *
 * Why: most pointers of an arena are NULL or lead into the chunk that they lie in, most words of a data segment are no address of the heap,
 * and one look at each is what a scan costs.
 *
 * The vector loads are no atomic loads of C's model, and a program may store to these words meanwhile (collect=concurrent). It is enough
 * where this is built: an aligned load of 16 bytes reads each of its aligned 8-byte halves whole, so a word is seen as it was before or
 * after a store, as by a relaxed load. A compiler cannot split or repeat them, for they go through a volatile pointer. Under TSan, and
 * without SSE2, words are read one by one. */
#ifndef UA_OS_SLOTS_H
#define UA_OS_SLOTS_H

#include "os/san.h"

#define UA_SLOTS_COUNT 64u
#define UA_SLOTS_SHIFT_MIN 16u /* addresses of 48 bits and a key of 32 */

#define UA_SLOTS_AT_ONCE 16u

/* Here the key of a word is its value shifted right and cut to 32 bits; `slots` begin at a multiple of 16.
 *
 * ua_slots_lead_into: whether the key of one of UA_SLOTS_AT_ONCE words, shifted by UA_SLOTS_SHIFT_MIN, is from `low` to `low` + `span`.
 * True also for some values of more than 48 bits.
 *
 * ua_slots_elsewhere, bit i: the key of slots[i] is neither `key` nor 0. A value of more than 48 bits, which is no address, may be taken
 * for one with this key. */
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
#include <emmintrin.h>

/* The keys of four words. */
static inline __attribute__((always_inline)) UA_NO_SANITIZE __m128i ua_slots_keys(const volatile __m128i *pair, unsigned shift)
{
    __m128 low = _mm_castsi128_ps(_mm_srli_epi64(pair[0], (int)shift));
    __m128 high = _mm_castsi128_ps(_mm_srli_epi64(pair[1], (int)shift));

    return _mm_castps_si128(_mm_shuffle_ps(low, high, _MM_SHUFFLE(2, 0, 2, 0)));
}

/* All ones for each of four words that lie outside. Compares are signed: both sides have 2^31 added. */
static inline __attribute__((always_inline)) UA_NO_SANITIZE __m128i ua_slots_outside(const volatile __m128i *pair, __m128i low, __m128i span)
{
    return _mm_cmpgt_epi32(_mm_sub_epi32(ua_slots_keys(pair, UA_SLOTS_SHIFT_MIN), low), span);
}

static inline __attribute__((always_inline)) UA_NO_SANITIZE bool ua_slots_lead_into(const uintptr_t *slots, uint32_t low, uint32_t span)
{
    const volatile __m128i *pair = (const volatile __m128i *)slots;
    const __m128i from = _mm_set1_epi32((int)(low - 0x80000000u));
    const __m128i width = _mm_set1_epi32((int)(span - 0x80000000u));
    __m128i first = _mm_and_si128(ua_slots_outside(pair, from, width), ua_slots_outside(pair + 2, from, width));
    __m128i second = _mm_and_si128(ua_slots_outside(pair + 4, from, width), ua_slots_outside(pair + 6, from, width));

    return _mm_movemask_epi8(_mm_and_si128(first, second)) != 0xffff;
}

/* All ones for each of four words that need no look. */
static inline __attribute__((always_inline)) UA_NO_SANITIZE __m128i ua_slots_known(const volatile __m128i *pair, unsigned shift, __m128i own)
{
    __m128i keys = ua_slots_keys(pair, shift);

    return _mm_or_si128(_mm_cmpeq_epi32(keys, own), _mm_cmpeq_epi32(keys, _mm_setzero_si128()));
}

static inline __attribute__((always_inline)) UA_NO_SANITIZE uint64_t ua_slots_elsewhere(const uintptr_t *slots, unsigned shift, uint32_t key)
{
    const volatile __m128i *pair = (const volatile __m128i *)slots;
    const __m128i own = _mm_set1_epi32((int)key);
    uint64_t known = 0;

    for (unsigned i = 0; i < UA_SLOTS_COUNT; i += UA_SLOTS_AT_ONCE, pair += 8) {
        __m128i low = _mm_packs_epi32(ua_slots_known(pair, shift, own), ua_slots_known(pair + 2, shift, own));
        __m128i high = _mm_packs_epi32(ua_slots_known(pair + 4, shift, own), ua_slots_known(pair + 6, shift, own));

        known |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_packs_epi16(low, high)) << i;
    }
    return ~known;
}

#else

static inline __attribute__((always_inline)) UA_NO_SANITIZE bool ua_slots_lead_into(const uintptr_t *slots, uint32_t low, uint32_t span)
{
    bool any = false;

    for (unsigned i = 0; i < UA_SLOTS_AT_ONCE; i++)
        any |= (uint32_t)(__atomic_load_n(&slots[i], __ATOMIC_RELAXED) >> UA_SLOTS_SHIFT_MIN) - low <= span;
    return any;
}

static inline __attribute__((always_inline)) UA_NO_SANITIZE uint64_t ua_slots_elsewhere(const uintptr_t *slots, unsigned shift, uint32_t key)
{
    uint64_t elsewhere = 0;

    for (unsigned i = 0; i < UA_SLOTS_COUNT; i++) {
        uint32_t found = (uint32_t)(__atomic_load_n(&slots[i], __ATOMIC_RELAXED) >> shift);

        elsewhere |= (uint64_t)(found != key && found != 0) << i;
    }
    return elsewhere;
}

#endif

#endif
