/* test_aa_rates.c - how often part aa of the selftest is wrong, by simulation: cells of equal programs shown to differ, and cells with 5 %
 * planted not shown, both in one run, by the very rule that the part uses (gate/hx_decide.h, tier ci).
 *
 * The level of a process is log-normal around one that drifts with the machine; seven blocks in ten are disturbed, by a fifth on average, and
 * the process says the least of its blocks (recorded noise: mean of blocks 40 %, least of 16 about 1 %, docs/GATE.md). A cell is
 * three processes a round, as in hx_selftest_aa.c: A stands in both pairs. The same rule with seven pairs of full and one look shows 5 % in half of the cells
 * (tests/report/test_report_aa.c): that is why the part takes up to 56. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hx_rng.h"
#include "gate/hx_decide.h"

enum { CELLS = 24, RUNS = 50, BLOCKS = 16 };
static const double planted = 1.05;

static double normal(struct hx_rng *rng) {
    return sqrt(-2 * log(1 - hx_rng_unit(rng))) * cos(6.283185307179586 * hx_rng_unit(rng));
}

static double time_of(struct hx_rng *rng, double level_ns, double sd) {
    double least = INFINITY;
    for (unsigned block = 0; block < BLOCKS; block++) {
        double disturbed = hx_rng_unit(rng) < 0.7 ? -0.2 * log(1 - hx_rng_unit(rng)) : 0;
        least = fmin(least, disturbed);
    }
    return level_ns * exp(sd * normal(rng)) * (1 + least);
}

/* One stage of one cell: rounds of A, A' and P. */
static void add_rounds(struct hx_decide_unit *same, struct hx_decide_unit *slower, unsigned stage, double factor, double sd, struct hx_rng *rng) {
    bool open[] = {hx_decide_open(same), hx_decide_open(slower)};
    for (size_t i = 0; i < hx_decide_stage_pairs(stage); i++) {
        double level_ns = 200 * (1 + 0.3 * sin((double)i / 5)), base_ns = time_of(rng, level_ns, sd);
        if (open[0]) {
            same->base_ns[same->pair_count] = base_ns;
            same->head_ns[same->pair_count++] = time_of(rng, level_ns, sd);
        }
        if (open[1]) {
            slower->base_ns[slower->pair_count] = base_ns;
            slower->head_ns[slower->pair_count++] = time_of(rng, level_ns * factor, sd);
        }
    }
}

struct rates {
    double wrong, shown; /* shares of cells */
};

static struct rates simulate(double factor, double sd, uint64_t seed) {
    static struct hx_decide_unit same[CELLS], slower[CELLS]; /* large */
    struct hx_rng rng;
    size_t wrong = 0, shown = 0;
    hx_rng_init(&rng, seed);
    for (unsigned run = 0; run < RUNS; run++) {
        for (size_t i = 0; i < CELLS; i++) {
            hx_decide_unit_init(&same[i]);
            hx_decide_unit_init(&slower[i]);
        }
        for (unsigned stage = 0; stage < HX_DECIDE_STAGES; stage++) {
            for (size_t i = 0; i < CELLS; i++) {
                add_rounds(&same[i], &slower[i], stage, factor, sd, &rng);
            }
            (void)hx_decide_look(same, CELLS, stage, hx_tier_find("ci"));
            (void)hx_decide_look(slower, CELLS, stage, hx_tier_find("ci"));
        }
        for (size_t i = 0; i < CELLS; i++) {
            wrong += same[i].outcome == HX_OUTCOME_REGRESSION || same[i].outcome == HX_OUTCOME_IMPROVED;
            shown += slower[i].outcome == HX_OUTCOME_REGRESSION;
        }
    }
    return (struct rates){.wrong = (double)wrong / (CELLS * RUNS), .shown = (double)shown / (CELLS * RUNS)};
}

static void equal_is_equal_and_five_per_cent_is_seen(void **state) {
    (void)state;
    static const double sd[] = {0.002, 0.005, 0.01, 0.015};
    for (size_t i = 0; i < sizeof sd / sizeof sd[0]; i++) {
        struct rates rates = simulate(planted, sd[i], 11 + i);
        print_message("[   NOTE   ] sd %.1f %%: %.2f %% of equal cells differ, 5 %% is shown in %.2f %%\n", 100 * sd[i], 100 * rates.wrong,
                      100 * rates.shown);
        assert_true(rates.wrong <= 0.01);
        assert_true(rates.shown >= 0.95);
    }
}

static void what_is_not_planted_is_not_shown(void **state) {
    (void)state;
    assert_true(simulate(1, 0.01, 5).shown <= 0.01);
    assert_true(simulate(1.008, 0.01, 6).shown <= 0.01); /* below d0 */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(equal_is_equal_and_five_per_cent_is_seen),
                                       cmocka_unit_test(what_is_not_planted_is_not_shown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
