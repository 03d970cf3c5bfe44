/* test_hist.c - percentiles of the histogram against the sorted raw values, merging, bounds, and what it refuses to say.
 *
 * Usage: test_hist [values per distribution]; 1,000,000 by default, ten times that nightly. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hx_rng.h"
#include "measure/hx_hist.h"

static size_t value_count = 1000000;

/* Five shapes of latency, in ns. */
static uint64_t uniform(struct hx_rng *rng) {
    return hx_rng_below(rng, 100000);
}

static uint64_t exponential(struct hx_rng *rng) {
    return (uint64_t)(-log(1 - hx_rng_unit(rng)) * 250);
}

static uint64_t log_normal(struct hx_rng *rng) {
    double radius = sqrt(-2 * log(1 - hx_rng_unit(rng)));
    return (uint64_t)exp(4 + 1.5 * radius * cos(6.283185307179586 * hx_rng_unit(rng)));
}

static uint64_t two_modes(struct hx_rng *rng) {
    return hx_rng_below(rng, 5000) == 0 ? 1000000 + hx_rng_below(rng, 50000) : 8 + hx_rng_below(rng, 12);
}

static uint64_t pareto(struct hx_rng *rng) {
    return (uint64_t)(20 / pow(1 - hx_rng_unit(rng), 1 / 1.1));
}

static uint64_t (*const shapes[])(struct hx_rng *) = {uniform, exponential, log_normal, two_modes, pareto};

static int ascending(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void percentiles_equal_the_sorted_values(void **state) {
    (void)state;
    struct hx_hist *hist = hx_map_or_die(sizeof *hist, "a histogram");
    uint64_t *raw = hx_map_or_die(value_count * sizeof *raw, "raw values");
    for (size_t s = 0; s < HX_COUNT_OF(shapes); s++) {
        struct hx_rng rng;
        double sum = 0;
        hx_rng_init(&rng, 100 + s);
        hx_hist_init(hist);
        for (size_t i = 0; i < value_count; i++) {
            raw[i] = shapes[s](&rng);
            sum += (double)raw[i];
            hx_hist_record(hist, raw[i]);
        }
        qsort(raw, value_count, sizeof *raw, ascending);
        for (size_t q = 0; q < HX_QUANTILE_COUNT; q++) {
            struct hx_percentile p = hx_hist_percentile(hist, hx_quantiles[q].millionths, 0);
            size_t rank = (size_t)(((unsigned __int128)value_count * hx_quantiles[q].millionths + 999999) / 1000000);
            double exact = (double)raw[rank - 1];
            assert_null(p.figure.reason);
            assert_true(fabs(p.figure.value - exact) <= exact / 128 + 0.5);
        }
        assert_true(hx_hist_max_ns(hist).value - (double)raw[value_count - 1] == 0);
        assert_true(fabs(hx_hist_mean_ns(hist).value - sum / (double)value_count) <= 1e-9 * sum / (double)value_count);
    }
    hx_unmap(raw, value_count * sizeof *raw);
    hx_unmap(hist, sizeof *hist);
}

static void the_rank_is_exact_where_buckets_are(void **state) {
    (void)state;
    struct hx_hist *hist = hx_map_or_die(sizeof *hist, "a histogram");
    hx_hist_init(hist);
    for (uint64_t i = 0; i < 1000; i++) {
        hx_hist_record(hist, 1 + i / 10); /* ten calls each of 1 .. 100 ns, below 128: one bucket a value */
    }
    assert_true(fabs(hx_hist_percentile(hist, 500000, 0).figure.value - 50) < 1e-9);
    assert_true(fabs(hx_hist_percentile(hist, 500001, 0).figure.value - 51) < 1e-9);
    assert_true(fabs(hx_hist_percentile(hist, 900000, 0).figure.value - 90) < 1e-9);
    assert_true(fabs(hx_hist_percentile(hist, 990000, 0).figure.value - 99) < 1e-9);
    hx_unmap(hist, sizeof *hist);
}

static void merging_equals_one_histogram(void **state) {
    (void)state;
    enum { PARTS = 3 };
    struct hx_hist *all = hx_map_or_die((PARTS + 2) * sizeof *all, "histograms");
    struct hx_hist *part = all + 1;
    struct hx_hist *merged = all + 1 + PARTS;
    struct hx_rng rng;
    hx_rng_init(&rng, 7);
    hx_hist_init(all);
    hx_hist_init(merged);
    for (size_t i = 0; i < PARTS; i++) {
        hx_hist_init(&part[i]);
    }
    for (size_t i = 0; i < 200000; i++) {
        uint64_t value = shapes[i % HX_COUNT_OF(shapes)](&rng);
        hx_hist_record(all, value);
        hx_hist_record(&part[hx_rng_below(&rng, PARTS - 1)], value); /* the last part stays empty */
    }
    for (size_t i = 0; i < PARTS; i++) {
        hx_hist_merge(merged, &part[i]);
    }
    assert_memory_equal(all, merged, sizeof *all);
    hx_unmap(all, (PARTS + 2) * sizeof *all);
}

static void buckets_tile_the_line_within_one_in_64(void **state) {
    (void)state;
    uint64_t expected_low = 0;
    for (size_t i = 0; i < HX_HIST_BUCKET_COUNT; i++) {
        uint64_t low = hx_hist_low_ns(i);
        uint64_t high = hx_hist_high_ns(i);
        assert_int_equal(low, expected_low);
        assert_int_equal(hx_hist_index(low), i);
        assert_int_equal(hx_hist_index(high - 1), i);
        assert_true(high - low == 1 || (high - low) * 64 <= low);
        expected_low = high;
    }
    assert_int_equal(expected_low, UINT64_C(1) << HX_HIST_VALUE_BITS);
}

static void too_few_calls_is_said(void **state) {
    (void)state;
    struct hx_hist *hist = hx_map_or_die(sizeof *hist, "a histogram");
    hx_hist_init(hist);
    assert_string_equal(hx_hist_percentile(hist, 500000, 0).figure.reason, "no calls");
    assert_string_equal(hx_hist_max_ns(hist).reason, "no calls");
    assert_string_equal(hx_hist_mean_ns(hist).reason, "no calls");
    assert_string_equal(hx_hist_mean_below_ns(hist, 999000).reason, "no calls");
    for (size_t i = 0; i < 99999; i++) {
        hx_hist_record(hist, 40);
    }
    assert_null(hx_hist_percentile(hist, 999000, 0).figure.reason);
    assert_string_equal(hx_hist_percentile(hist, 999900, 0).figure.reason, "too few calls"); /* 10 / (1 - p) = 100,000 */
    hx_hist_record(hist, 40);
    assert_null(hx_hist_percentile(hist, 999900, 0).figure.reason);
    hx_hist_init(hist);
    for (size_t i = 0; i < 19; i++) {
        hx_hist_record(hist, 40);
    }
    assert_string_equal(hx_hist_percentile(hist, 500000, 0).figure.reason, "too few calls");
    hx_hist_record(hist, 40);
    assert_null(hx_hist_percentile(hist, 500000, 0).figure.reason);
    hx_unmap(hist, sizeof *hist);
}

static void below_twice_the_step_is_flagged(void **state) {
    (void)state;
    struct hx_hist *hist = hx_map_or_die(sizeof *hist, "a histogram");
    hx_hist_init(hist);
    for (size_t i = 0; i < 100; i++) {
        hx_hist_record(hist, i < 60 ? 19 : 20);
    }
    assert_true(hx_hist_percentile(hist, 500000, 10).below_clock);
    assert_int_equal(hx_hist_percentile(hist, 500000, 10).limit_ns, 20);
    assert_false(hx_hist_percentile(hist, 900000, 10).below_clock);
    assert_false(hx_hist_percentile(hist, 500000, 0).below_clock);
    hx_unmap(hist, sizeof *hist);
}

static void a_huge_value_keeps_the_maximum_exact(void **state) {
    (void)state;
    struct hx_hist *hist = hx_map_or_die(sizeof *hist, "a histogram");
    hx_hist_init(hist);
    for (size_t i = 0; i < 100; i++) {
        hx_hist_record(hist, UINT64_C(1) << 50);
    }
    assert_true(hx_hist_percentile(hist, 500000, 0).figure.value >= 0x1p50);
    assert_true(hx_hist_max_ns(hist).value >= 0x1p50);
    size_t cursor = 0;
    uint64_t low;
    uint64_t high;
    uint64_t calls;
    assert_true(hx_hist_next(hist, &cursor, &low, &high, &calls));
    assert_int_equal(calls, 100);
    assert_false(hx_hist_next(hist, &cursor, &low, &high, &calls));
    hx_unmap(hist, sizeof *hist);
}

static void a_cut_mean_ignores_stalls(void **state) {
    (void)state;
    struct hx_hist *hist = hx_map_or_die(sizeof *hist, "a histogram");
    hx_hist_init(hist);
    for (size_t i = 0; i < 10000; i++) {
        hx_hist_record(hist, i % 1000 == 0 && i < 9000 ? 1000000 : 50);
    }
    assert_true(hx_hist_mean_ns(hist).value > 900);
    assert_true(fabs(hx_hist_mean_below_ns(hist, 999000).value - 50) < 1e-9);
    hx_unmap(hist, sizeof *hist);
}

int main(int argc, char **argv) {
    uint64_t asked;
    if (argc > 1 && hx_parse_u64(argv[1], &asked) && asked >= 100000) {
        value_count = (size_t)asked;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_equal_the_sorted_values), cmocka_unit_test(merging_equals_one_histogram),
        cmocka_unit_test(the_rank_is_exact_where_buckets_are),
        cmocka_unit_test(buckets_tile_the_line_within_one_in_64), cmocka_unit_test(too_few_calls_is_said),
        cmocka_unit_test(below_twice_the_step_is_flagged), cmocka_unit_test(a_huge_value_keeps_the_maximum_exact),
        cmocka_unit_test(a_cut_mean_ignores_stalls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
