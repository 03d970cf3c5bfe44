/* hx_hist.c - bucket bounds, merging and percentiles. Layout and error bound: hx_hist.h. */
#include "measure/hx_hist.h"

#include <string.h>

_Static_assert(HX_HIST_BUCKET_COUNT * sizeof(uint64_t) < 32 * 1024, "one histogram stays below the L1 data cache");

const struct hx_quantile hx_quantiles[HX_QUANTILE_COUNT] = {
    {"p50", 500000}, {"p90", 900000}, {"p99", 990000}, {"p99_9", 999000}, {"p99_99", 999900},
};

void hx_hist_init(struct hx_hist *hist) {
    memset(hist, 0, sizeof *hist);
    hist->min_ns = UINT64_MAX;
}

void hx_hist_merge(struct hx_hist *into, const struct hx_hist *from) {
    for (size_t i = 0; i < HX_HIST_BUCKET_COUNT; i++) {
        into->bucket[i] += from->bucket[i];
    }
    into->count += from->count;
    into->sum_ns += from->sum_ns;
    into->min_ns = from->min_ns < into->min_ns ? from->min_ns : into->min_ns;
    into->max_ns = from->max_ns > into->max_ns ? from->max_ns : into->max_ns;
}

/* The inverse of hx_hist_index: index = (shift << 6) + (value >> shift), where value >> shift has its top bit in place 6. */
uint64_t hx_hist_low_ns(size_t index) {
    HX_CHECK(index < HX_HIST_BUCKET_COUNT);
    if (index < 2 * HX_HIST_SUB_COUNT) {
        return index;
    }
    unsigned shift = (unsigned)(index >> HX_HIST_SUB_BITS) - 1;
    return (uint64_t)(index - ((size_t)shift << HX_HIST_SUB_BITS)) << shift;
}

uint64_t hx_hist_high_ns(size_t index) {
    HX_CHECK(index < HX_HIST_BUCKET_COUNT);
    unsigned shift = index < 2 * HX_HIST_SUB_COUNT ? 0 : (unsigned)(index >> HX_HIST_SUB_BITS) - 1;
    return hx_hist_low_ns(index) + (UINT64_C(1) << shift);
}

bool hx_hist_next(const struct hx_hist *hist, size_t *cursor, uint64_t *low_ns, uint64_t *high_ns, uint64_t *calls) {
    for (size_t i = *cursor; i < HX_HIST_BUCKET_COUNT; i++) {
        if (hist->bucket[i] != 0) {
            *low_ns = hx_hist_low_ns(i);
            *high_ns = hx_hist_high_ns(i);
            *calls = hist->bucket[i];
            *cursor = i + 1;
            return true;
        }
    }
    *cursor = HX_HIST_BUCKET_COUNT;
    return false;
}

/* Middle of the bucket among whole ns values, kept within what was really recorded. */
static uint64_t bucket_value_ns(const struct hx_hist *hist, size_t index) {
    uint64_t low_ns = hx_hist_low_ns(index);
    uint64_t value_ns = low_ns + (hx_hist_high_ns(index) - 1 - low_ns) / 2;
    value_ns = value_ns < hist->min_ns ? hist->min_ns : value_ns;
    if (value_ns > hist->max_ns || index == HX_HIST_BUCKET_COUNT - 1) {
        value_ns = hist->max_ns; /* the last bucket has no upper end, only the maximum is known there */
    }
    return value_ns;
}

/* ceil(p * count), at least 1, without rounding errors of floating point. */
static uint64_t rank_of(uint64_t count, uint32_t millionths) {
    unsigned __int128 scaled = (unsigned __int128)count * millionths + 999999;
    uint64_t rank = (uint64_t)(scaled / 1000000);
    return rank == 0 ? 1 : rank;
}

static size_t bucket_of_rank(const struct hx_hist *hist, uint64_t rank) {
    uint64_t seen = 0;
    for (size_t i = 0; i < HX_HIST_BUCKET_COUNT; i++) {
        seen += hist->bucket[i];
        if (seen >= rank) {
            return i;
        }
    }
    hx_die("histogram of %llu calls has no rank %llu", (unsigned long long)hist->count, (unsigned long long)rank);
}

struct hx_percentile hx_hist_percentile(const struct hx_hist *hist, uint32_t millionths, uint64_t clock_step_ns) {
    HX_CHECK(millionths > 0 && millionths < 1000000);
    struct hx_percentile out = {.limit_ns = 2 * clock_step_ns};
    if (hist->count == 0) {
        out.figure = hx_figure_none("no calls");
        return out;
    }
    if ((unsigned __int128)hist->count * (1000000 - millionths) < 10 * 1000000u) {
        out.figure = hx_figure_none("too few calls");
        return out;
    }
    uint64_t value_ns = bucket_value_ns(hist, bucket_of_rank(hist, rank_of(hist->count, millionths)));
    out.figure = hx_figure_of((double)value_ns);
    out.below_clock = value_ns < out.limit_ns;
    return out;
}

struct hx_figure hx_hist_max_ns(const struct hx_hist *hist) {
    return hist->count == 0 ? hx_figure_none("no calls") : hx_figure_of((double)hist->max_ns);
}

struct hx_figure hx_hist_mean_ns(const struct hx_hist *hist) {
    return hist->count == 0 ? hx_figure_none("no calls") : hx_figure_of((double)hist->sum_ns / (double)hist->count);
}

struct hx_figure hx_hist_mean_below_ns(const struct hx_hist *hist, uint32_t millionths) {
    HX_CHECK(millionths > 0 && millionths <= 1000000);
    if (hist->count == 0) {
        return hx_figure_none("no calls");
    }
    uint64_t rank = rank_of(hist->count, millionths);
    uint64_t left = rank;
    double sum_ns = 0;
    for (size_t i = 0; i < HX_HIST_BUCKET_COUNT && left > 0; i++) {
        uint64_t calls = hist->bucket[i] < left ? hist->bucket[i] : left;
        if (calls > 0) {
            sum_ns += (double)calls * (double)bucket_value_ns(hist, i);
            left -= calls;
        }
    }
    return hx_figure_of(sum_ns / (double)rank);
}
