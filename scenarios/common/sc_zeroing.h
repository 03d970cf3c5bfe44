/* sc_zeroing.h - the body that zeroing_written and zeroing_relied share; SC_ZEROED comes from them.
 *
 * Objects of words, sizes drawn by the seed: `small` 16 to 256 bytes, `large` 4 to 64 KiB. Word 0 links to the object before. Written:
 * the program fills every word itself, so nobody need clear. Relied: it writes word 0 alone and reads the last word, which must be
 * zero. A life takes 6 MiB, less than a chunk. */
#ifndef SC_ZEROING_H
#define SC_ZEROING_H

#include <string.h>

#include "scenarios/common/sc_scenario.h"
#include "scenarios/common/sc_scope.h"

struct zeroing_word {
    uint64_t word;
};
HX_SCALAR_TYPE(zeroing_word_type, struct zeroing_word);

#define ZEROING_LIFE_BYTES_AT_SCALE_1 6291456.0

enum { ZEROING_KINDS = 1024, ZEROING_LIVES_PER_CYCLE = 5 };

/* Sizes in words. */
enum { ZEROING_SMALL_LEAST = 2, ZEROING_SMALL_MOST = 32, ZEROING_LARGE_LEAST = 512, ZEROING_LARGE_MOST = 8192 };

struct zeroing_plan {
    uint64_t value;
    uint32_t small_count;
    uint32_t large_count;
    uint32_t small_words[ZEROING_KINDS];
    uint32_t large_words[ZEROING_KINDS];
};

/* Draws sizes, and counts how many objects make a life. */
static uint32_t zeroing_draw(struct hx_rng *rng, uint32_t *words, uint32_t least, uint32_t most, double life_bytes) {
    for (size_t i = 0; i < ZEROING_KINDS; i++) {
        words[i] = least + (uint32_t)hx_rng_below(rng, most - least + 1);
    }
    uint32_t count = 0;
    double taken_bytes = 0;
    for (;;) {
        double bytes = (double)words[count % ZEROING_KINDS] * sizeof(struct zeroing_word);
        if (count != 0 && taken_bytes + bytes > life_bytes) {
            return count;
        }
        taken_bytes += bytes;
        count++;
    }
}

static const void *zeroing_setup(const struct sc_setup *setup) {
    struct zeroing_plan *plan = sc_keep(sizeof *plan);
    struct hx_rng rng;
    double life_bytes = ZEROING_LIFE_BYTES_AT_SCALE_1 * setup->scale;
    hx_rng_init(&rng, setup->seed);
    plan->value = hx_rng_next(&rng) | 1;
    plan->small_count = zeroing_draw(&rng, plan->small_words, ZEROING_SMALL_LEAST, ZEROING_SMALL_MOST, life_bytes);
    plan->large_count = zeroing_draw(&rng, plan->large_words, ZEROING_LARGE_LEAST, ZEROING_LARGE_MOST, life_bytes);
    return plan;
}

HX_INLINE uint64_t zeroing_life(struct sc_run *run, const uint32_t *words, uint32_t count, uint64_t value) {
    struct zeroing_word *last = NULL;
    struct sc_scope scope;
    sc_scope_open(run, &scope);
    for (uint32_t i = 0; i < count; i++) {
        size_t size_words = words[i % ZEROING_KINDS];
        struct zeroing_word *object = sc_slice(&scope, &zeroing_word_type, size_words);
        if (!SC_ZEROED) {
            for (size_t w = 1; w < size_words; w++) {
                object[w].word = value;
            }
        }
        object[0].word = (uint64_t)(uintptr_t)last;
        last = object;
    }
    sc_use(&scope);
    uint64_t sum = 0;
    uint32_t at = count;
    for (struct zeroing_word *object = last; object != NULL; object = (struct zeroing_word *)(uintptr_t)object[0].word) {
        sum += object[words[--at % ZEROING_KINDS] - 1].word;
    }
    sc_release(&scope);
    at = count;
    while (HX_FREES_EACH && last != NULL) {
        struct zeroing_word *before = (struct zeroing_word *)(uintptr_t)last[0].word;
        sc_free(&scope, last, words[--at % ZEROING_KINDS] * sizeof *last);
        last = before;
    }
    sc_scope_close(&scope);
    return hx_checksum_word(sum, value + count);
}

HX_INLINE uint64_t zeroing_small(struct sc_run *run, const struct zeroing_plan *plan) {
    uint64_t sum = HX_CHECKSUM_INIT;
    for (size_t i = 0; i < ZEROING_LIVES_PER_CYCLE; i++) {
        sum = hx_checksum_word(sum, zeroing_life(run, plan->small_words, plan->small_count, plan->value));
    }
    return sum;
}

HX_INLINE uint64_t zeroing_large(struct sc_run *run, const struct zeroing_plan *plan) {
    uint64_t sum = HX_CHECKSUM_INIT;
    for (size_t i = 0; i < ZEROING_LIVES_PER_CYCLE; i++) {
        sum = hx_checksum_word(sum, zeroing_life(run, plan->large_words, plan->large_count, plan->value));
    }
    return sum;
}

#define ZEROING_INFO(name_text, why_text)                                 \
    {                                                                     \
        .name = name_text, .why = why_text, .zeroed = SC_ZEROED,          \
        .backends = "malloc,mimalloc,arena-*,bump",                       \
        .arms = "each,reuse,bulk",                                        \
        .dials = {[SC_PROFILE_QUICK] = {[SC_PAGES_HUGE] = {1.0, 1, 8}},   \
                  [SC_PROFILE_FULL] = {[SC_PAGES_HUGE] = {1.0, 1, 8}},    \
                  [SC_PROFILE_GATE] = {[SC_PAGES_HUGE] = {0.25, 2, 16}}}, \
        .setup = zeroing_setup,                                           \
    }

#endif
