/* refill - memory taken by the megabyte and touched once: what a chunk costs until its lines have been used.
 *
 * Why: an arena's fast path is cheap because a refill pays for it. Here little else is left: pieces without pointers, zeroed, one word
 * written in each cache line, everything dropped. On `bump`, whose memory stays, the same source is a plain memset and touch: the
 * floor that the goals name. `2m` takes pieces of 2 MiB (the largest that lie in a chunk of 8 MiB: four fill one), `1k` pieces of 1 KiB,
 * which an allocator that clears ahead in windows finds in the cache.
 * A life takes four chunks. */
#define SC_ZEROED 1
#include "scenarios/common/sc_life_plan.h"
#include "scenarios/common/sc_scenario.h"
#include "scenarios/common/sc_scope.h"

struct line {
    uint64_t word[8];
};
HX_SCALAR_TYPE(line_type, struct line);

#define LIFE_BYTES_AT_SCALE_1 33554432.0

enum { PIECE_LINES_2M = 32768, PIECE_LINES_1K = 16 };

static const void *setup(const struct sc_setup *setup) {
    return sc_life_plan(setup, LIFE_BYTES_AT_SCALE_1);
}

HX_INLINE uint64_t life(struct sc_run *run, const struct sc_life_plan *plan, size_t lines) {
    uint64_t pieces = plan->life_bytes / (lines * sizeof(struct line));
    pieces = pieces == 0 ? 1 : pieces;
    struct line *last = NULL;
    struct sc_scope scope;
    sc_scope_open(run, &scope);
    for (uint64_t i = 0; i < pieces; i++) {
        struct line *piece = sc_slice(&scope, &line_type, lines);
        for (size_t k = 0; k < lines; k++) {
            piece[k].word[0] = plan->value + k;
        }
        piece[0].word[1] = (uint64_t)(uintptr_t)last;
        last = piece;
    }
    sc_use(&scope);
    uint64_t sum = HX_CHECKSUM_INIT;
    for (struct line *piece = last; piece != NULL; piece = (struct line *)(uintptr_t)piece[0].word[1]) {
        sum += piece[lines - 1].word[0] + piece[lines - 1].word[7];
    }
    sc_release(&scope);
    while (HX_FREES_EACH && last != NULL) {
        struct line *before = (struct line *)(uintptr_t)last[0].word[1];
        sc_free(&scope, last, lines * sizeof *last);
        last = before;
    }
    sc_scope_close(&scope);
    return hx_checksum_word(sum, pieces);
}

HX_INLINE uint64_t cycle_2m(struct sc_run *run, const struct sc_life_plan *plan) {
    return life(run, plan, PIECE_LINES_2M);
}

HX_INLINE uint64_t cycle_1k(struct sc_run *run, const struct sc_life_plan *plan) {
    return life(run, plan, PIECE_LINES_1K);
}

#define INFO(suffix, what)                                                                                              \
    {                                                                                                                   \
        .name = "refill_" suffix, .why = "Pieces of " what ", zeroed, one word written a cache line, dropped: the price of a chunk.", \
        .zeroed = SC_ZEROED, .backends = "malloc,arena-*,bump", .arms = "each,reuse,bulk",                              \
        .dials = {[SC_PROFILE_QUICK] = {[SC_PAGES_HUGE] = {1.0, 1, 12}},                                                \
                  [SC_PROFILE_FULL] = {[SC_PAGES_HUGE] = {1.0, 1, 12}},                                                 \
                  [SC_PROFILE_GATE] = {[SC_PAGES_HUGE] = {1.0, 1, 16}}},                                                \
        .setup = setup,                                                                                                 \
    }

static const struct sc_info info_2m = INFO("2m", "2 MiB");
static const struct sc_info info_1k = INFO("1k", "1 KiB");
SC_SCENARIO(refill_2m, info_2m, cycle_2m);
SC_SCENARIO(refill_1k, info_1k, cycle_1k);
