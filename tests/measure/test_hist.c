/* test_hist.c - percentiles of the histogram against the sorted raw values, merging, bounds, and what it refuses to say.
 *
 * Ten million values of each of five distributions, so that p99.99 has a thousand calls above it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hx_rng.h"
#include "measure/hx_hist.h"

enum { VALUES = 10000000 };

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

/* Sorts by 16 bits at a time, lowest first; `other` has room for as many. The result is in `raw`. */
static void sort(uint64_t *raw, uint64_t *other, size_t count) {
    enum { BITS = 16, KEYS = 1 << BITS };
    static size_t place[KEYS + 1];
    for (unsigned shift = 0; shift < 64; shift += BITS) { /* an even number of passes */
        memset(place, 0, sizeof place);
        for (size_t i = 0; i < count; i++) {
            place[(raw[i] >> shift) % KEYS + 1]++;
        }
        for (size_t k = 0; k < KEYS; k++) {
            place[k + 1] += place[k];
        }
        for (size_t i = 0; i < count; i++) {
            other[place[(raw[i] >> shift) % KEYS]++] = raw[i];
        }
        uint64_t *sorted = other;
        other = raw;
        raw = sorted;
    }
}

static void percentiles_equal_the_sorted_values(void **state) {
    (void)state;
    struct hx_hist *hist = hx_map_or_die(sizeof *hist, "a histogram");
    uint64_t *raw = hx_map_or_die(2 * VALUES * sizeof *raw, "raw values");
    for (size_t s = 0; s < HX_COUNT_OF(shapes); s++) {
        struct hx_rng rng;
        double sum = 0;
        hx_rng_init(&rng, 100 + s);
        hx_hist_init(hist);
        for (size_t i = 0; i < VALUES; i++) {
            raw[i] = shapes[s](&rng);
            sum += (double)raw[i];
            hx_hist_record(hist, raw[i]);
        }
        sort(raw, raw + VALUES, VALUES);
        for (size_t q = 0; q < HX_QUANTILE_COUNT; q++) {
            struct hx_percentile p = hx_hist_percentile(hist, hx_quantiles[q].millionths, 0);
            size_t rank = (size_t)(((unsigned __int128)VALUES * hx_quantiles[q].millionths + 999999) / 1000000);
            double exact = (double)raw[rank - 1];
            assert_null(p.figure.reason);
            assert_true(fabs(p.figure.value - exact) <= exact / 128 + 0.5);
        }
        assert_true(hx_hist_max_ns(hist).value - (double)raw[VALUES - 1] == 0);
        assert_true(fabs(hx_hist_mean_ns(hist).value - sum / (double)VALUES) <= 1e-9 * sum / (double)VALUES);
    }
    hx_unmap(raw, 2 * VALUES * sizeof *raw);
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
    for (size_t i = 0; i < VALUES; i++) {
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_equal_the_sorted_values), cmocka_unit_test(merging_equals_one_histogram),
        cmocka_unit_test(the_rank_is_exact_where_buckets_are),
        cmocka_unit_test(buckets_tile_the_line_within_one_in_64), cmocka_unit_test(too_few_calls_is_said),
        cmocka_unit_test(below_twice_the_step_is_flagged), cmocka_unit_test(a_huge_value_keeps_the_maximum_exact),
        cmocka_unit_test(a_cut_mean_ignores_stalls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
