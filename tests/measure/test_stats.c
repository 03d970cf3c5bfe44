/* test_stats.c - the statistics against published values and against brute force.
 *
 * Sources of the constants are beside them. Brute force = all 2^n sign patterns, written here without the code under test. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hx_rng.h"
#include "measure/hx_stats.h"

static void assert_near(double got, double want, double tolerance) {
    if (!(fabs(got - want) <= tolerance)) {
        fail_msg("got %.17g, want %.17g within %g", got, want, tolerance);
    }
}

/* Largest T with one-sided P(T+ <= T) <= alpha: McCornack, JASA 60 (1965) 864-871, as reprinted in most textbooks. */
static void critical_values_equal_the_published_table(void **state) {
    (void)state;
    static const struct {
        size_t n;
        long at_025;
        long at_05;
    } table[] = {
        {6, 0, 2},   {7, 2, 3},   {8, 3, 5},    {9, 5, 8},    {10, 8, 10},  {11, 10, 13}, {12, 13, 17},  {13, 17, 21},
        {14, 21, 25}, {15, 25, 30}, {16, 29, 35}, {17, 34, 41}, {18, 40, 47}, {19, 46, 53}, {20, 52, 60}, {21, 58, 67},
        {22, 65, 75}, {23, 73, 83}, {24, 81, 91}, {25, 89, 100}, {30, 137, 151},
    };
    for (size_t i = 0; i < HX_COUNT_OF(table); i++) {
        assert_int_equal(hx_stats_signed_rank_critical(table[i].n, 0.025), table[i].at_025 + 1);
        assert_int_equal(hx_stats_signed_rank_critical(table[i].n, 0.05), table[i].at_05 + 1);
    }
    assert_int_equal(hx_stats_signed_rank_critical(5, 0.025), 0); /* 1/32 is more: no interval of that level */
    assert_int_equal(hx_stats_signed_rank_critical(5, 0.05), 1);
    assert_int_equal(hx_stats_signed_rank_critical(6, 1.0 / 64), 1); /* equality counts: P(T+ < 1) <= a */
}

static void the_distribution_equals_all_sign_patterns(void **state) {
    (void)state;
    for (size_t n = 1; n <= 14; n++) {
        double count[128] = {0};
        size_t top = n * (n + 1) / 2;
        for (uint32_t signs = 0; signs < UINT32_C(1) << n; signs++) {
            size_t sum = 0;
            for (size_t i = 0; i < n; i++) {
                sum += (signs >> i & 1) != 0 ? i + 1 : 0;
            }
            count[sum]++;
        }
        double below = 0;
        for (size_t t = 0; t <= top; t++) {
            below += count[t];
            assert_near(hx_stats_signed_rank_cdf(n, (long)t), below / (double)(UINT32_C(1) << n), 1e-14);
        }
        assert_near(hx_stats_signed_rank_cdf(n, -1), 0, 0);
        assert_near(hx_stats_signed_rank_cdf(n, (long)top + 5), 1, 0);
    }
}

static void large_samples_stay_exact_and_symmetric(void **state) {
    (void)state;
    static const size_t sizes[] = {32, 56, 100, HX_STATS_PAIRS_MAX};
    for (size_t i = 0; i < HX_COUNT_OF(sizes); i++) {
        size_t n = sizes[i];
        long top = (long)(n * (n + 1) / 2);
        assert_near(hx_stats_signed_rank_cdf(n, 0) * exp2((double)n), 1, 1e-9);
        assert_near(hx_stats_signed_rank_cdf(n, 3) * exp2((double)n), 5, 1e-9); /* {} {1} {2} {3} {1,2} */
        for (long t = 0; t < top / 2; t += 37) {
            assert_near(hx_stats_signed_rank_cdf(n, t) + hx_stats_signed_rank_cdf(n, top - t - 1), 1, 1e-12);
        }
        /* near the middle the normal law with the known mean and variance is right to about 1/n */
        double sd = sqrt((double)n * (double)(n + 1) * (double)(2 * n + 1) / 24);
        long t = (long)((double)top / 2 - sd);
        double normal = erfc(((double)top / 2 - (double)t - 0.5) / sd / sqrt(2)) / 2;
        assert_near(hx_stats_signed_rank_cdf(n, t), normal, 0.3 / (double)n);
    }
}

/* Depression scores, Hollander and Wolfe (1973) table 3.1; R's own example of wilcox.test gives V = 40, p = 0.01953. */
static const double first_visit[] = {1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
static const double second_visit[] = {0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};

static void hollander_and_wolfe_depression_example(void **state) {
    (void)state;
    double d[9];
    double walsh[45];
    for (size_t i = 0; i < 9; i++) {
        d[i] = second_visit[i] - first_visit[i];
    }
    assert_near(hx_stats_signed_rank_p_less(d, 9, 0).value, 10.0 / 512, 1e-15); /* 0.01953125 */
    assert_near(hx_stats_signed_rank_p_greater(d, 9, 0).value, 1 - 7.0 / 512, 1e-15); /* T = 5: {} 1 2 3 4 12 13 lie below */
    struct hx_estimate e = hx_stats_hodges_lehmann(d, 9, 0.02, walsh);
    /* the book: estimate -0.46, 96.1 % interval (-0.786, -0.010) */
    assert_near(e.value.value, -0.46, 1e-12);
    assert_near(e.low.value, -0.786, 1e-12);
    assert_near(e.high.value, -0.010, 1e-12);
    assert_near(e.coverage, 0.9609375, 1e-12);
}

/* Darwin's crossed and self-fertilised Zea mays, in eighths of an inch (Fisher, The Design of Experiments, 1935, section 17):
 * negative ranks sum to 24, exact one-sided p = 0.0206 (two-sided 0.0413). */
static void darwin_zea_mays_example(void **state) {
    (void)state;
    static const double d[] = {49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48};
    assert_near(hx_stats_signed_rank_p_greater(d, 15, 0).value, hx_stats_signed_rank_cdf(15, 24), 1e-15);
    assert_near(hx_stats_signed_rank_p_greater(d, 15, 0).value, 0.02063, 5e-5);
}

/* Student's sleep data (Cushny and Peebles 1905; R's `sleep`): a zero and ties. Nine positive ranks: p = 1 / 512. */
static void student_sleep_example_with_zero_and_ties(void **state) {
    (void)state;
    static const double d[] = {1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4};
    assert_near(hx_stats_signed_rank_p_greater(d, 10, 0).value, 1.0 / 512, 1e-15);
    assert_near(hx_stats_signed_rank_p_less(d, 10, 0).value, 1, 1e-15);
}

/* Ties: the law over the sample's own mid-ranks, by brute force. */
static void ties_equal_all_sign_patterns(void **state) {
    (void)state;
    static const double d[] = {3, -1, 2, 2, -2, 5, 1, 1, 0, 4, -3};
    static const double doubled_rank[] = {15, 4, 10, 10, 10, 20, 4, 4, 0, 18, 15}; /* of |d| without the zero, times two */
    size_t n = HX_COUNT_OF(d);
    double observed = 0;
    for (size_t i = 0; i < n; i++) {
        observed += d[i] > 0 ? doubled_rank[i] : 0;
    }
    double at_least = 0;
    for (uint32_t signs = 0; signs < UINT32_C(1) << n; signs++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            sum += (signs >> i & 1) != 0 ? doubled_rank[i] : 0;
        }
        at_least += sum >= observed ? 1 : 0;
    }
    assert_near(hx_stats_signed_rank_p_greater(d, n, 0).value, at_least / (double)(UINT32_C(1) << n), 1e-14);
}

static void bounds_and_p_values_agree(void **state) {
    (void)state;
    struct hx_rng rng;
    double d[32];
    double walsh[32 * 33 / 2];
    hx_rng_init(&rng, 11);
    for (size_t round = 0; round < 200; round++) {
        size_t n = 6 + hx_rng_below(&rng, 27);
        for (size_t i = 0; i < n; i++) {
            d[i] = hx_rng_unit(&rng) + hx_rng_unit(&rng) - 0.9;
        }
        struct hx_estimate e = hx_stats_hodges_lehmann(d, n, 0.025, walsh);
        assert_null(e.low.reason);
        /* the bound is the last shift that the one-sided test does not reject */
        double nudge = 1e-9;
        assert_true(hx_stats_signed_rank_p_greater(d, n, e.low.value - nudge).value <= 0.025);
        assert_true(hx_stats_signed_rank_p_greater(d, n, e.low.value + nudge).value > 0.025);
        assert_true(hx_stats_signed_rank_p_less(d, n, e.high.value + nudge).value <= 0.025);
        assert_true(hx_stats_signed_rank_p_less(d, n, e.high.value - nudge).value > 0.025);
        assert_true(e.low.value <= e.value.value && e.value.value <= e.high.value);
    }
}

/* Ranks and coverage of the distribution-free interval of the median: Conover, Practical Nonparametric Statistics; 6 -> min..max. */
static void median_interval_ranks_are_the_known_ones(void **state) {
    (void)state;
    static const struct {
        size_t n;
        size_t rank;
        double coverage;
    } table[] = {
        {6, 1, 0.96875},  {7, 1, 0.984375},  {8, 1, 0.9921875}, {9, 2, 0.9609375},
        {10, 2, 0.978516}, {15, 4, 0.964844}, {20, 6, 0.958611}, {25, 8, 0.956715}, {30, 10, 0.957226},
    };
    for (size_t i = 0; i < HX_COUNT_OF(table); i++) {
        double values[30];
        size_t n = table[i].n;
        for (size_t v = 0; v < n; v++) {
            values[v] = (double)(n - v); /* 1..n, descending */
        }
        struct hx_estimate e = hx_stats_median_interval(values, n, 0.95);
        assert_near(e.low.value, (double)table[i].rank, 0);
        assert_near(e.high.value, (double)(n + 1 - table[i].rank), 0);
        assert_near(e.coverage, table[i].coverage, 1e-6);
        assert_near(e.value.value, (double)(n + 1) / 2, 0);
    }
    double five[] = {5, 4, 3, 2, 1};
    struct hx_estimate e = hx_stats_median_interval(five, 5, 0.95);
    assert_near(e.value.value, 3, 0);
    assert_string_equal(e.low.reason, "too few repetitions");
    assert_string_equal(e.high.reason, "too few repetitions");
    assert_near(e.coverage, 0, 0);
}

/* Holm (1979), the worked shape every text shows: 4 p-values, monotone. */
static void holm_adjusts_in_order(void **state) {
    (void)state;
    static const double p[] = {0.01, 0.04, 0.03, 0.005};
    static const double want[] = {0.03, 0.06, 0.06, 0.02};
    double adjusted[4];
    uint32_t order[4];
    hx_stats_holm(p, 4, adjusted, order);
    for (size_t i = 0; i < 4; i++) {
        assert_near(adjusted[i], want[i], 1e-15);
    }
    static const double large[] = {0.9, 0.8};
    hx_stats_holm(large, 2, adjusted, order);
    assert_near(adjusted[0], 1, 0);
    assert_near(adjusted[1], 1, 0);
}

static void paired_ratio_finds_a_planted_ratio(void **state) {
    (void)state;
    struct hx_rng rng;
    double base[16];
    double head[16];
    double scratch[16 + 136];
    hx_rng_init(&rng, 3);
    for (size_t i = 0; i < 16; i++) {
        base[i] = 10 * exp(0.2 * (hx_rng_unit(&rng) - 0.5)); /* drift that both sides share */
        head[i] = base[i] * 1.05 * exp(0.01 * (hx_rng_unit(&rng) - 0.5));
    }
    struct hx_estimate e = hx_stats_paired_ratio(base, head, 16, 0.95, scratch);
    assert_near(e.value.value, 1.05, 0.005);
    assert_true(e.low.value > 1.045 && e.high.value < 1.055);
    assert_true(e.coverage >= 0.95);
    head[3] = 0;
    e = hx_stats_paired_ratio(base, head, 16, 0.95, scratch);
    assert_string_equal(e.value.reason, "a time is not above zero");
    e = hx_stats_paired_ratio(base, base, 5, 0.95, scratch);
    assert_near(e.value.value, 1, 0);
    assert_string_equal(e.low.reason, "too few repetitions");
}

static void small_pieces(void **state) {
    (void)state;
    double even[] = {4, 1, 3, 2};
    double scratch[8];
    assert_near(hx_stats_median(even, 4).value, 2.5, 0);
    double huge[] = {DBL_MAX, DBL_MAX};
    assert_near(hx_stats_median(huge, 2).value, DBL_MAX, 0); /* no overflow on the way */
    assert_string_equal(hx_stats_median(even, 0).reason, "no values");
    double bad[] = {1, NAN};
    assert_string_equal(hx_stats_median(bad, 2).reason, "a value is not finite");
    static const double sorted[] = {1, 2, 3, 4, 5};
    assert_near(hx_stats_quantile_sorted(sorted, 5, 0.25).value, 2, 0);
    assert_near(hx_stats_quantile_sorted(sorted, 5, 0.9).value, 4.6, 1e-12);
    assert_near(hx_stats_quantile_sorted(sorted, 5, 1).value, 5, 0);
    static const double outlier[] = {1, 2, 3, 4, 1000};
    assert_near(hx_stats_robust_sd(outlier, 5, scratch).value, 1.4826022185, 1e-9);
    assert_near(hx_stats_binomial_half_cdf(6, 0), 0.015625, 1e-18);
    assert_near(hx_stats_binomial_half_cdf(1000, 500), 0.5126125090891804, 1e-13); /* 1/2 + C(1000,500) / 2^1001 */
    assert_near(hx_stats_binomial_half_cdf(1001, 500), 0.5, 1e-12);               /* by symmetry; the other way of computing */
    assert_near(hx_stats_binomial_half_cdf(5000, 2500), 0.50564161374774, 1e-12);         /* 1/2 + C(5000,2500) / 2^5001 */
    assert_near(hx_stats_binomial_half_cdf(60, 20), 0.00674464686559593, 1e-16); /* sum of C(60, i), i <= 20, by exact rationals */
    static const double zeros[] = {0, 0, 0};
    assert_near(hx_stats_signed_rank_p_greater(zeros, 3, 0).value, 1, 0);
}

static void sorting_sorts(void **state) {
    (void)state;
    struct hx_rng rng;
    double values[500];
    hx_rng_init(&rng, 5);
    for (size_t count = 0; count <= 500; count += count < 20 ? 1 : 60) {
        double sum = 0;
        double sum_after = 0;
        for (size_t i = 0; i < count; i++) {
            values[i] = (double)hx_rng_below(&rng, 40);
            sum += values[i];
        }
        hx_stats_sort(values, count);
        for (size_t i = 0; i < count; i++) {
            sum_after += values[i];
            assert_true(i == 0 || values[i - 1] <= values[i]);
        }
        assert_near(sum_after, sum, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(critical_values_equal_the_published_table),
        cmocka_unit_test(the_distribution_equals_all_sign_patterns),
        cmocka_unit_test(large_samples_stay_exact_and_symmetric),
        cmocka_unit_test(hollander_and_wolfe_depression_example),
        cmocka_unit_test(darwin_zea_mays_example),
        cmocka_unit_test(student_sleep_example_with_zero_and_ties),
        cmocka_unit_test(ties_equal_all_sign_patterns),
        cmocka_unit_test(bounds_and_p_values_agree),
        cmocka_unit_test(median_interval_ranks_are_the_known_ones),
        cmocka_unit_test(holm_adjusts_in_order),
        cmocka_unit_test(paired_ratio_finds_a_planted_ratio),
        cmocka_unit_test(small_pieces),
        cmocka_unit_test(sorting_sorts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
