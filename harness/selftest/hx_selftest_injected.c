/* hx_selftest_injected.c - the planted costs and where each must be seen. See hx_selftest.h, hx_planted.h.
 *
 * Tolerances are the product's promise (docs/METHOD.md): paired difference of best 5 %, latency mean below p99.9 10 %, faults and RSS
 * 2 %, a system call is exact. Where a cost must not be seen, the bound is what the clock can show. */
#include "selftest/hx_selftest.h"

#include "gate/hx_callgrind.h"
#include "measure/hx_counters.h"
#include "measure/hx_stats.h"
#include "selftest/hx_chain_price.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LATENCY_REPS = 5, TIME_BLOCKS = 8, LATENCY_BLOCKS = 4, PAGES_BLOCKS = 3, COUNTS_SHORT = 4, COUNTS_LONG = 8 };

static const double tolerance_time = 0.05, tolerance_latency = 0.10, tolerance_pages = 0.02, tolerance_stall = 0.05;
static const double scale_pages = 0.02;  /* 6,360 objects a block: 4 KiB each, four blocks with the rehearsal, 100 MB */
static const double scale_counts = 0.05; /* callgrind is a hundred times slower */

static struct hx_selftest_ask ask_of(const char *arm, enum hx_pass pass, enum hx_pages pages) {
    return (struct hx_selftest_ask){.worker = "worker-planted", .scenario = "binary_trees", .backend = "planted", .arm = arm,
                                    .pages = pages, .pass = pass, .scale = 1, .blocks = TIME_BLOCKS};
}

/* The bounds of a truth of this size. */
static void within(double price, double tolerance, double *low, double *high) {
    *low = price * (1 - tolerance);
    *high = price * (1 + tolerance);
}

/* ---- a chain of instructions --------------------------------------------------------------------------------------------- */

/* One round: plain, chain and the chain alone, in an order drawn by the seed. */
static bool time_round(struct hx_selftest *self, struct hx_figure out[3], struct hx_error *error) {
    struct hx_selftest_ask ask[3] = {ask_of("plain", HX_PASS_TIME, HX_PAGES_HUGE), ask_of("chain", HX_PASS_TIME, HX_PAGES_HUGE),
                                     ask_of("plain", HX_PASS_TIME, HX_PAGES_HUGE)};
    ask[2].scenario = "chain_alone";
    uint32_t order[3] = {0, 1, 2};
    hx_rng_shuffle(&self->rng, order, 3);
    for (size_t i = 0; i < 3; i++) {
        if (hx_selftest_figure(self, &ask[order[i]], "all", "time", &out[order[i]], error) != HX_SELFTEST_RAN) {
            return false;
        }
        if (out[order[i]].reason != NULL) {
            return hx_fail(error, "no time: %s", out[order[i]].reason);
        }
    }
    return true;
}

bool hx_selftest_time(struct hx_selftest *self, struct hx_error *error) {
    double difference[HX_STATS_PAIRS_MAX], price[HX_STATS_PAIRS_MAX];
    static double walsh[HX_STATS_WALSH_MAX]; /* guard: one thread */
    for (unsigned i = 0; i < self->reps; i++) {
        struct hx_figure time[3];
        if (!time_round(self, time, error)) {
            return false;
        }
        difference[i] = time[1].value - time[0].value;
        price[i] = time[2].value / HX_CHAIN_ALONE_STEPS;
    }
    double alone = hx_stats_median(price, self->reps).value, low, high;
    struct hx_estimate found = hx_stats_hodges_lehmann(difference, self->reps, 0.025, walsh);
    char planted[48];
    (void)snprintf(planted, sizeof planted, "%.4g ns", alone);
    within(alone, tolerance_time, &low, &high);
    struct hx_truth *truth = hx_truth_add(self, "a chain at each call", "time: paired difference of best", planted, "ns/op", found.value,
                                          low, high);
    truth->low = found.low;
    truth->high = found.high;
    return true;
}

/* ---- latency: the chain, and a stall --------------------------------------------------------------------------------------- */

static const char *const latency_metrics[] = {"latency_alloc_mean_below_p99_9", "latency_alloc_p50", "latency_alloc_p99_99",
                                              "latency_release_p50", "clock_step"};
static const char *const latency_phases[] = {"alloc", "alloc", "alloc", "release", "all"};
enum { MEAN, P50, P99_99, RELEASE_P50, CLOCK_STEP, LATENCY_METRICS };

/* Medians over processes of each metric, for each arm. */
struct latencies {
    struct hx_figure of[3][LATENCY_METRICS];
};

static bool latency_all(struct hx_selftest *self, struct latencies *out, double *price, struct hx_error *error) {
    static const char *const arms[] = {"plain", "chain", "stall"};
    double value[3][LATENCY_METRICS][LATENCY_REPS], alone[LATENCY_REPS];
    for (unsigned rep = 0; rep < LATENCY_REPS; rep++) {
        uint32_t order[3] = {0, 1, 2};
        hx_rng_shuffle(&self->rng, order, 3);
        for (size_t i = 0; i < 3; i++) {
            struct hx_selftest_ask ask = ask_of(arms[order[i]], HX_PASS_LATENCY, HX_PAGES_HUGE);
            struct hx_observation observation;
            ask.blocks = LATENCY_BLOCKS;
            if (hx_selftest_observe(self, &ask, &observation, error) != HX_SELFTEST_RAN) {
                return false;
            }
            for (size_t m = 0; m < LATENCY_METRICS; m++) {
                const struct hx_metric *metric = hx_observation_metric(&observation, latency_phases[m], latency_metrics[m]);
                value[order[i]][m][rep] = metric != NULL && metric->kind == HX_VALUE_NUMBER ? metric->number : NAN;
            }
            hx_observation_free(&observation);
        }
        struct hx_selftest_ask ask = ask_of("plain", HX_PASS_TIME, HX_PAGES_HUGE);
        struct hx_figure time;
        ask.scenario = "chain_alone";
        if (hx_selftest_figure(self, &ask, "all", "time", &time, error) != HX_SELFTEST_RAN) {
            return false;
        }
        alone[rep] = time.value / HX_CHAIN_ALONE_STEPS;
    }
    for (size_t arm = 0; arm < 3; arm++) {
        for (size_t m = 0; m < LATENCY_METRICS; m++) {
            bool all = true;
            for (unsigned rep = 0; rep < LATENCY_REPS; rep++) {
                all = all && isfinite(value[arm][m][rep]);
            }
            out->of[arm][m] = all ? hx_stats_median(value[arm][m], LATENCY_REPS) : hx_figure_none("a process had no figure");
        }
    }
    *price = hx_stats_median(alone, LATENCY_REPS).value;
    return true;
}

static struct hx_figure difference_of(struct hx_figure a, struct hx_figure b) {
    return a.reason != NULL ? a : b.reason != NULL ? b : hx_figure_of(a.value - b.value);
}

bool hx_selftest_latency(struct hx_selftest *self, struct hx_error *error) {
    struct latencies l;
    double price, low, high;
    char planted[48];
    if (!latency_all(self, &l, &price, error)) {
        return false;
    }
    double step_ns = l.of[0][CLOCK_STEP].reason == NULL ? l.of[0][CLOCK_STEP].value : 1;
    (void)snprintf(planted, sizeof planted, "%.4g ns", price);
    within(price, tolerance_latency, &low, &high);
    (void)hx_truth_add(self, "a chain at each call", "latency_alloc: mean of all below p99.9", planted, "ns",
                       difference_of(l.of[1][MEAN], l.of[0][MEAN]), low, high);
    (void)hx_truth_add(self, "a chain at each call", "latency_alloc: p50 (clock's step both sides)", planted, "ns",
                       difference_of(l.of[1][P50], l.of[0][P50]), price - step_ns - price / 64, price + step_ns + price / 64);
    (void)hx_truth_add(self, "a chain at each call", "latency_release: p50, not moved", "0 ns", "ns",
                       difference_of(l.of[1][RELEASE_P50], l.of[0][RELEASE_P50]), -2 * step_ns, 2 * step_ns);
    within(1e6, tolerance_stall, &low, &high);
    (void)hx_truth_add(self, "1 ms at each 5,000th call", "latency_alloc: p99.99", "1e+06 ns", "ns", l.of[2][P99_99], low, high);
    (void)hx_truth_add(self, "1 ms at each 5,000th call", "latency_alloc: p50, not moved", "0 ns", "ns",
                       difference_of(l.of[2][P50], l.of[0][P50]), -step_ns, step_ns);
    return true;
}

/* ---- pages ------------------------------------------------------------------------------------------------------------------ */

/* One figure of the malloc worker, with and without 4 KiB more an object: the difference, and how many objects there were. */
static bool pages_difference(struct hx_selftest *self, enum hx_pass pass, const char *events, const char *phase, const char *metric,
                             struct hx_figure *out, double *objects, struct hx_error *error) {
    static const char *const arms[] = {"plain", "wide"};
    struct hx_figure value[2];
    for (size_t i = 0; i < 2; i++) {
        struct hx_selftest_ask ask = {.worker = "worker-planted-malloc", .scenario = "binary_trees", .backend = "planted-malloc",
                                      .arm = arms[i], .pages = HX_PAGES_4K, .pass = pass, .scale = scale_pages, .blocks = PAGES_BLOCKS,
                                      .events = events};
        struct hx_observation observation;
        if (hx_selftest_observe(self, &ask, &observation, error) != HX_SELFTEST_RAN) {
            return false;
        }
        const struct hx_metric *found = hx_observation_metric(&observation, phase, metric);
        value[i] = found != NULL && found->kind == HX_VALUE_NUMBER ? hx_figure_of(found->number)
                                                                   : hx_figure_none("the worker has no figure for it");
        *objects = (double)observation.ops_total;
        hx_observation_free(&observation);
    }
    *out = difference_of(value[1], value[0]);
    return true;
}

bool hx_selftest_pages(struct hx_selftest *self, struct hx_error *error) {
    static const struct {
        enum hx_pass pass;
        const char *phase, *metric, *shown, *unit;
        double each; /* of an object: bytes or faults */
    } rows[] = {
        {HX_PASS_MEMORY, "use", "rss_bytes", "rss_bytes at the end of phase use", "bytes", 4096},
        {HX_PASS_MEMORY, "use", "rss_anon_bytes", "rss_anon_bytes at the end of phase use", "bytes", 4096},
        {HX_PASS_TIME, "all", "faults_minor", "faults_minor of pass time", "faults", 1},
        {HX_PASS_COUNTERS, "alloc", "faults_minor", "faults_minor of phase alloc", "faults", 1},
        {HX_PASS_COUNTERS, "use", "faults_minor", "faults_minor of phase use, not moved", "faults", 0},
        {HX_PASS_COUNTERS, "release", "faults_minor", "faults_minor of phase release, not moved", "faults", 0},
    };
    static struct hx_counter_plan plan; /* large; guard: one thread */
    char group[HX_COUNTER_TEXT_BYTES], planted[48];
    hx_counters_plan(hx_counter_ops_pfm(), NULL, &plan);
    bool counted = plan.group_count != 0 && hx_counter_group_print(&plan.group[plan.group_count - 1], group, sizeof group);
    for (size_t i = 0; i < HX_COUNT_OF(rows); i++) {
        struct hx_figure found;
        double objects, low, high;
        if (!pages_difference(self, rows[i].pass, rows[i].pass == HX_PASS_COUNTERS && counted ? group : NULL, rows[i].phase,
                              rows[i].metric, &found, &objects, error)) {
            return false;
        }
        double price = objects * rows[i].each, slack = rows[i].each == 0 ? objects * tolerance_pages : 0;
        within(price, tolerance_pages, &low, &high);
        (void)snprintf(planted, sizeof planted, "%.0f %s", price, rows[i].unit);
        (void)hx_truth_add(self, "4 KiB more an object", rows[i].shown, planted, rows[i].unit, found, low - slack, high + slack);
    }
    return true;
}

/* ---- system calls -------------------------------------------------------------------------------------------------------- */

bool hx_selftest_calls(struct hx_selftest *self, struct hx_error *error) {
    static const char what[] = "a system call at each 1,000th", metric[] = "syscalls_per_op of pass counts (callgrind)";
    static const char *const arms[] = {"plain", "syscall"};
    static const uint64_t blocks[] = {COUNTS_SHORT, COUNTS_LONG};
    struct hx_error why = {{0}};
    uint64_t calls[2][2];
    double ops[2][2];
    char *valgrind = hx_callgrind_find(&why);
    if (valgrind == NULL) {
        (void)hx_truth_add(self, what, metric, "0.001 calls/op", "calls/op", hx_figure_none("valgrind is not installed"), 0.001, 0.001);
        return true;
    }
    bool good = true;
    for (size_t arm = 0; arm < 2 && good; arm++) {
        for (size_t length = 0; length < 2 && good; length++) {
            struct hx_selftest_ask ask = ask_of(arms[arm], HX_PASS_COUNTS, HX_PAGES_4K);
            ask.scale = scale_counts;
            ask.blocks = blocks[length];
            good = hx_selftest_syscalls(self, &ask, valgrind, &calls[arm][length], &ops[arm][length], error) == HX_SELFTEST_RAN;
        }
    }
    free(valgrind);
    if (!good) {
        return false;
    }
    double extra = (double)(calls[1][1] - calls[1][0]) - (double)(calls[0][1] - calls[0][0]), work = ops[0][1] - ops[0][0];
    /* The first of them may fall on either side of where a block begins: one call. */
    (void)hx_truth_add(self, what, metric, "0.001 calls/op", "calls/op", hx_figure_of(extra / work), 0.001 - 1 / work, 0.001 + 1 / work);
    return true;
}
