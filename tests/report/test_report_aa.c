/* test_report_aa.c - how often the A/A rule of a run is wrong, by simulation: equal programs shown to differ, and 5 % not shown.
 *
 * Seven pairs as full makes them; times of a process are log-normal, and one in ten is disturbed by up to half. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hx_rng.h"
#include "measure/hx_stats.h"

enum { CELLS = 4000, PAIRS = 7 };

static double uniform(struct hx_rng *rng) {
    return ((double)(hx_rng_next(rng) >> 11) + 0.5) / 9007199254740992.0;
}

static double time_of(struct hx_rng *rng, double cost_ns, double sd) {
    double normal = sqrt(-2 * log(uniform(rng))) * cos(6.283185307179586 * uniform(rng));
    double disturbed = uniform(rng) < 0.1 ? 1 + 0.5 * uniform(rng) : 1;
    return cost_ns * exp(sd * normal) * disturbed;
}

/* The share of cells whose whole interval lies beyond 1 %. */
static double shown(double factor, double sd, uint64_t seed) {
    double a[PAIRS], b[PAIRS], scratch[PAIRS + PAIRS * (PAIRS + 1) / 2];
    struct hx_rng rng;
    unsigned count = 0;
    hx_rng_init(&rng, seed);
    for (unsigned cell = 0; cell < CELLS; cell++) {
        for (unsigned i = 0; i < PAIRS; i++) {
            a[i] = time_of(&rng, 20, sd);
            b[i] = time_of(&rng, 20 * factor, sd);
        }
        struct hx_estimate ratio = hx_stats_paired_ratio(a, b, PAIRS, 0.95, scratch);
        assert_null(ratio.low.reason);
        count += ratio.low.value > 1.01 || ratio.high.value < 1 / 1.01;
    }
    return (double)count / CELLS;
}

static void equal_programs_rarely_differ(void **state) {
    (void)state;
    static const double sd[] = {0.002, 0.005, 0.01, 0.02};
    for (size_t i = 0; i < sizeof sd / sizeof sd[0]; i++) {
        double wrong = shown(1, sd[i], 1 + i);
        print_message("[   NOTE   ] sd %.1f %%: %.3f %% of equal cells differ\n", 100 * sd[i], 100 * wrong);
        assert_true(wrong < 0.01);
    }
}

static void a_large_difference_is_shown(void **state) {
    (void)state;
    double quiet = shown(1.05, 0.005, 7), loud = shown(1.2, 0.01, 8);
    print_message("[   NOTE   ] 5 %% at sd 0.5 %%: %.1f %% shown; 20 %% at sd 1 %%: %.1f %%\n", 100 * quiet, 100 * loud);
    assert_true(loud > shown(1, 0.01, 9) + 0.3); /* seven pairs and disturbances: the gate's rule takes up to 56 */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(equal_programs_rarely_differ), cmocka_unit_test(a_large_difference_is_shown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
