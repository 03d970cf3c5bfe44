/* hx_hist.h - log-linear histogram of nanoseconds.
 *
 * Why: p99.99 needs every call recorded, at a cost of a few instructions and in memory that is fixed before the first call.
 * Values below 128 ns have a bucket each; above, each power of two has 64 buckets, so a bucket is at most 1/64 of its lower
 * bound wide, and a reported percentile (the bucket's middle, never beyond min or max) is within 1/128 of the true one.
 * Threads: one histogram belongs to one thread; merge afterwards. Not here: which calls are timed (worker). */
#ifndef HX_HIST_H
#define HX_HIST_H

#include "base/hx_base.h"

enum {
    HX_HIST_SUB_BITS = 6,                       /* 64 buckets a power of two */
    HX_HIST_SUB_COUNT = 1 << HX_HIST_SUB_BITS,
    HX_HIST_VALUE_BITS = 42,                    /* 2^42 ns = 73 minutes; longer calls share the last bucket, max stays exact */
    HX_HIST_BUCKET_COUNT = (HX_HIST_VALUE_BITS - HX_HIST_SUB_BITS + 1) * HX_HIST_SUB_COUNT,
};

/* About 19 KB; must live in memory that is not the malloc's under test. Zeroed memory is not enough: hx_hist_init. */
struct hx_hist {
    uint64_t count;
    uint64_t sum_ns;
    uint64_t min_ns; /* UINT64_MAX while count is 0 */
    uint64_t max_ns;
    uint64_t bucket[HX_HIST_BUCKET_COUNT];
};

/* Empties it and touches all of its memory. */
void hx_hist_init(struct hx_hist *hist);

static inline size_t hx_hist_index(uint64_t value_ns) {
    if (value_ns < HX_HIST_SUB_COUNT) {
        return (size_t)value_ns;
    }
    if (value_ns >> HX_HIST_VALUE_BITS) {
        return HX_HIST_BUCKET_COUNT - 1;
    }
    unsigned shift = 63u - (unsigned)__builtin_clzll(value_ns) - HX_HIST_SUB_BITS;
    return ((size_t)shift << HX_HIST_SUB_BITS) + (size_t)(value_ns >> shift);
}

/* Adds one call of value_ns. */
static inline void hx_hist_record(struct hx_hist *hist, uint64_t value_ns) {
    hist->bucket[hx_hist_index(value_ns)]++;
    hist->count++;
    hist->sum_ns += value_ns;
    hist->min_ns = value_ns < hist->min_ns ? value_ns : hist->min_ns;
    hist->max_ns = value_ns > hist->max_ns ? value_ns : hist->max_ns;
}

/* into += from; the same as having recorded every call of both in one. */
void hx_hist_merge(struct hx_hist *into, const struct hx_hist *from);

/* Bounds of bucket `index`: low_ns <= value < high_ns. The last bucket's high is where the others' rule puts it. */
uint64_t hx_hist_low_ns(size_t index);
uint64_t hx_hist_high_ns(size_t index);

/* Walks the buckets that hold calls: start with *cursor = 0; false when there are no more. */
bool hx_hist_next(const struct hx_hist *hist, size_t *cursor, uint64_t *low_ns, uint64_t *high_ns, uint64_t *calls);

/* A percentile by name, in millionths: p99.9 = 999,000. */
struct hx_quantile {
    const char *name;
    uint32_t millionths;
};

/* p50 p90 p99 p99_9 p99_99, the names of samples.tsv. */
enum { HX_QUANTILE_COUNT = 5 };
extern const struct hx_quantile hx_quantiles[HX_QUANTILE_COUNT];

/* A percentile and what to think of it. */
struct hx_percentile {
    struct hx_figure figure; /* ns; none: "too few calls" (fewer than 10 / (1 - p)) or "no calls" */
    bool below_clock;        /* under twice the clock's step: show it as "< limit_ns" */
    uint64_t limit_ns;       /* twice the clock's step */
};

/* The smallest recorded value that at least millionths/1e6 of the calls do not exceed (rank = ceil(p * count), exact integers),
 * within the histogram's error. 0 < millionths < 1,000,000. clock_step_ns 0: the flag stays false. */
struct hx_percentile hx_hist_percentile(const struct hx_hist *hist, uint32_t millionths, uint64_t clock_step_ns);

/* Exact whatever the buckets; none without calls. */
struct hx_figure hx_hist_max_ns(const struct hx_hist *hist);
struct hx_figure hx_hist_mean_ns(const struct hx_hist *hist);

/* Mean of the calls at or below the given percentile, from bucket middles: what a rare stall does not move. */
struct hx_figure hx_hist_mean_below_ns(const struct hx_hist *hist, uint32_t millionths);

#endif
