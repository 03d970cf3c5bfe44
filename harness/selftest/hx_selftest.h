/* hx_selftest.h - `arenabench-selftest measure`: known costs are planted, measured as anything else is, and must be found again.
 *
 * Why: a reader believes a figure when the same instrument, on this machine, today, has found what was known beforehand. Each truth
 * is a row: what was planted, which metric of which pass must show it, how much it must show, how much was shown. Workers are started
 * by record/hx_spawn as driver and gate start theirs. One thread; the structure is passed, no hidden state.
 *
 *   hx_selftest_injected.c  cost per call, pages, system calls, stalls       hx_selftest_aa.c  A/A pairs and a planted 5 %
 *   hx_selftest_process.c   one worker process                               hx_selftest_table.c  rows in, table and verdict out */
#ifndef HX_SELFTEST_H
#define HX_SELFTEST_H

#include "base/hx_rng.h"
#include "record/hx_observation.h"
#include "record/hx_words.h"

enum hx_truth_verdict { HX_TRUTH_FOUND, HX_TRUTH_MISSED, HX_TRUTH_NOT_MEASURED };

/* One truth. `found` none: not measured, with the reason. */
struct hx_truth {
    char what[64];    /* "chain of 50 ns a call" */
    char metric[64];  /* "time, paired difference" */
    char planted[48]; /* "50.1 ns/op" */
    struct hx_figure found;
    struct hx_figure low, high; /* an interval, where there is one: shown, not judged */
    double wanted_low, wanted_high;
    const char *unit;
    enum hx_truth_verdict verdict;
};

enum { HX_TRUTHS_MAX = 48 };

struct hx_selftest {
    char *folder;  /* of the planted workers */
    unsigned reps; /* pairs of the time part */
    unsigned aa_cells;
    unsigned pu;
    uint64_t order;
    int stop_fd;
    struct hx_rng rng;
    const char *input; /* for json_dom; NULL: none here, that scenario is left out */
    size_t truth_count;
    struct hx_truth truth[HX_TRUTHS_MAX];
};

/* What one process shall do. Strings are borrowed. */
struct hx_selftest_ask {
    const char *worker; /* "worker-planted" */
    const char *scenario, *backend, *arm;
    enum hx_pages pages;
    enum hx_pass pass;
    double scale;
    uint64_t blocks;
    uint64_t steps;     /* HX_PLANT_STEPS; 0 = not set */
    const char *events; /* pass counters: the group's text */
};

enum hx_selftest_ran { HX_SELFTEST_RAN, HX_SELFTEST_FAILED, HX_SELFTEST_STOPPED };

/* Runs it. RAN: the observation is the caller's to free. FAILED: one line in error. */
enum hx_selftest_ran hx_selftest_observe(struct hx_selftest *self, const struct hx_selftest_ask *ask, struct hx_observation *out,
                                         struct hx_error *error);

/* The same, and one figure of it (none, when the worker had none: *out says why). */
enum hx_selftest_ran hx_selftest_figure(struct hx_selftest *self, const struct hx_selftest_ask *ask, const char *phase,
                                        const char *metric, struct hx_figure *out, struct hx_error *error);

/* Instructions and system calls of one process of pass counts under callgrind. `valgrind` is its path. */
enum hx_selftest_ran hx_selftest_syscalls(struct hx_selftest *self, const struct hx_selftest_ask *ask, const char *valgrind,
                                          uint64_t *syscalls, double *ops, struct hx_error *error);

/* Adds a row and judges it: found within [low, high]. Returns it, so that an interval can be put beside it. */
struct hx_truth *hx_truth_add(struct hx_selftest *self, const char *what, const char *metric, const char *planted, const char *unit,
                              struct hx_figure found, double low, double high);

/* The parts. They add rows; false ends the program with the line in error (or, when it is empty, because of a signal). */
bool hx_selftest_time(struct hx_selftest *self, struct hx_error *error);
bool hx_selftest_latency(struct hx_selftest *self, struct hx_error *error);
bool hx_selftest_pages(struct hx_selftest *self, struct hx_error *error);
bool hx_selftest_calls(struct hx_selftest *self, struct hx_error *error);
bool hx_selftest_aa(struct hx_selftest *self, struct hx_error *error);

/* The table on stdout. Returns 0 all found, 1 a truth was missed, 2 none missed and some not measured, 5 stdout failed. */
int hx_truths_print(const struct hx_selftest *self);

#endif
