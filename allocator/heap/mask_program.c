/* mask_program.c - finding repetitions in a mask, and reading it back; see mask_program.h.
 *
 * Greedy: at each place the period is taken that covers most for its price; where none pays, 64 bits are copied as they are.
 * A period is tried only if it could cover more than the best so far (the bit where that one failed has to fit), and the
 * whole search has a budget, so that a mask without any order costs milliseconds and ends up flat. */
#include "heap/mask_program.h"

#include "base/bits.h"

#define RUN_COST_WORDS (sizeof(struct ua_mask_run) * 8) /* a run has to save its own record */
#define PERIOD_MAX_WORDS ((size_t)1 << 16)
#define BUDGET_STEPS ((size_t)1 << 23)

struct search {
    const uint64_t *mask;
    size_t words;
    size_t budget;
};

/* 64 bits from any place, zero beyond the end. */
static uint64_t bits_at(const uint64_t *mask, size_t words, size_t at)
{
    unsigned shift = (unsigned)(at % 64);
    uint64_t bits;

    if (at >= words)
        return 0;
    bits = mask[at / 64] >> shift;
    if (shift != 0 && at / 64 + 1 < (words + 63) / 64)
        bits |= mask[at / 64 + 1] << (64 - shift);
    return bits & ua_low_mask((unsigned)ua_min(64, words - at));
}

/* How many words from `at` on repeat with this period. */
static size_t covered_by(struct search *search, size_t at, size_t period)
{
    size_t rest = search->words - at - period;
    size_t done = 0;

    for (; done < rest; done += 64) {
        uint64_t differs = bits_at(search->mask, search->words, at + done) ^
                           bits_at(search->mask, search->words, at + period + done);

        search->budget -= search->budget > 0;
        if (rest - done < 64)
            differs &= ua_low_mask((unsigned)(rest - done));
        if (differs != 0)
            return period + done + ua_lowest_bit(differs);
    }
    return period + rest;
}

/* The best run that begins at `at`; 0 when none pays. */
static size_t find_run(struct search *search, size_t at, size_t *period)
{
    size_t rest = search->words - at;
    size_t limit = ua_min(rest / 2, PERIOD_MAX_WORDS);
    size_t best_covered = 0;
    size_t best_gain = 0;

    for (size_t try = 1; try <= limit && search->budget > 0 && best_covered < rest; try++) {
        size_t covered;

        search->budget--;
        if (best_covered > try && ua_bit_get(search->mask, at + best_covered) !=
                                      ua_bit_get(search->mask, at + best_covered - try))
            continue;
        covered = covered_by(search, at, try);
        if (covered > try + RUN_COST_WORDS + best_gain) {
            best_gain = covered - try - RUN_COST_WORDS;
            best_covered = covered;
            *period = try;
        }
    }
    return best_covered;
}

/* Appends a run whose pattern is mask[at, at + period). */
static bool append(struct ua_mask_scratch *scratch, const uint64_t *mask, size_t at, size_t period)
{
    if (scratch->run_count + 1 >= scratch->run_capacity || scratch->pattern_bits + period > scratch->pattern_capacity_bits)
        return false;
    scratch->runs[scratch->run_count++] = (struct ua_mask_run){at, period, scratch->pattern_bits};
    for (size_t i = 0; i < period; i++)
        if (ua_bit_get(mask, at + i))
            ua_bit_set(scratch->patterns, scratch->pattern_bits + i);
    scratch->pattern_bits += period;
    return true;
}

bool ua_mask_program_make(struct ua_mask_scratch *scratch, const uint64_t *mask, size_t words)
{
    struct search search = {mask, words, BUDGET_STEPS};
    size_t literal_from = 0;
    size_t at = 0;

    while (at < words) {
        size_t period = 0;
        size_t covered = find_run(&search, at, &period);

        if (covered == 0) {
            at += ua_min(64, words - at);
            continue;
        }
        if (literal_from < at && !append(scratch, mask, literal_from, at - literal_from))
            return false;
        if (period < 64)
            period *= (63 + period) / period;
        if (!append(scratch, mask, at, period))
            return false;
        at += covered;
        literal_from = at;
    }
    if (literal_from < words && !append(scratch, mask, literal_from, words - literal_from))
        return false;
    scratch->runs[scratch->run_count] = (struct ua_mask_run){words, 0, 0};
    return true;
}

static const struct ua_mask_run *run_of(const struct ua_mask_program *program, size_t word)
{
    size_t low = 0;
    size_t high = program->run_count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (program->runs[middle].first_word <= word)
            low = middle;
        else
            high = middle;
    }
    return &program->runs[low];
}

uint64_t ua_mask_program_bits(const struct ua_mask_program *program, size_t word)
{
    const struct ua_mask_run *end = program->runs + program->run_count;
    const struct ua_mask_run *run = run_of(program, word);
    uint64_t bits = 0;
    size_t have = 0;

    while (have < 64 && word < end->first_word) {
        size_t offset = (word - run->first_word) % run->period_words;
        size_t take = ua_min(ua_min(64 - have, run->period_words - offset), run[1].first_word - word);
        size_t from = run->pattern_bit + offset;
        uint64_t piece = program->patterns[from / 64] >> (from % 64);

        if (from % 64 + take > 64)
            piece |= program->patterns[from / 64 + 1] << (64 - from % 64);
        bits |= (piece & ua_low_mask((unsigned)take)) << have;
        have += take;
        word += take;
        if (word == run[1].first_word)
            run++;
    }
    return bits;
}
