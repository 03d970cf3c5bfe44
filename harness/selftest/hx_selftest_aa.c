/* hx_selftest_aa.c - the same program against itself, and against itself with 5 % planted, cell by cell. See hx_selftest.h.
 *
 * Why both in one run: an instrument that never says "different" passes any A/A. Each cell has three processes a round, A, A' and P
 * (A with some links of the chain at each call, as many as cost 5 % by the prices just measured), in coin-drawn order; the rule is
 * the gate's, tier ci (gate/hx_decide.h): 8 pairs, then 16 and 32 fresh ones for what is still open. */
#include "selftest/hx_selftest.h"

#include "gate/hx_decide.h"
#include "measure/hx_stats.h"
#include "selftest/hx_chain_price.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRICE_REPS = 3, SIDES = 3, BLOCKS = 16 };
static const double planted_share = 0.05;

struct cell {
    struct hx_selftest_ask ask;
    uint64_t steps;
    double planted_share; /* what those steps cost, as a share of an operation: whole steps are not exactly 5 % */
    struct hx_decide_unit same, planted; /* A against A', A against P */
};

static const char *const scenarios[] = {"binary_trees", "request_server", "json_dom"};
static const double scales[] = {0.25, 0.4, 0.6, 0.15};

/* Cells differ in scenario, page mode and size. */
static size_t make_cells(const struct hx_selftest *self, struct cell *cells) {
    size_t count = 0;
    for (size_t size = 0; size < HX_COUNT_OF(scales); size++) {
        for (size_t s = 0; s < HX_COUNT_OF(scenarios); s++) {
            for (unsigned pages = 0; pages < HX_PAGES_COUNT; pages++) {
                bool possible = self->input != NULL || strcmp(scenarios[s], "json_dom") != 0;
                if (possible && count < self->aa_cells) {
                    cells[count].ask = (struct hx_selftest_ask){.worker = "worker-planted", .scenario = scenarios[s],
                                                                .backend = "planted", .arm = "plain", .pages = (enum hx_pages)pages,
                                                                .pass = HX_PASS_TIME, .scale = scales[size], .blocks = BLOCKS};
                    hx_decide_unit_init(&cells[count].same);
                    hx_decide_unit_init(&cells[count].planted);
                    count++;
                }
            }
        }
    }
    return count;
}

static bool time_of(struct hx_selftest *self, const struct hx_selftest_ask *ask, double *out, struct hx_error *error) {
    struct hx_figure time = {0};
    if (hx_selftest_figure(self, ask, "all", "time", &time, error) != HX_SELFTEST_RAN) {
        return false;
    }
    *out = time.value;
    return time.reason == NULL || hx_fail(error, "no time: %s", time.reason);
}

/* How many links at each call make 5 % of an operation. */
static bool choose_steps(struct hx_selftest *self, struct cell *cell, struct hx_error *error) {
    double op_ns[PRICE_REPS], chain_ns[PRICE_REPS];
    struct hx_selftest_ask alone = cell->ask;
    alone.scenario = "chain_alone";
    for (unsigned i = 0; i < PRICE_REPS; i++) {
        if (!time_of(self, &cell->ask, &op_ns[i], error) || !time_of(self, &alone, &chain_ns[i], error)) {
            return false;
        }
        chain_ns[i] /= HX_CHAIN_ALONE_STEPS;
    }
    double op = hx_stats_median(op_ns, PRICE_REPS).value, link = hx_stats_median(chain_ns, PRICE_REPS).value / HX_CHAIN_LINKS;
    cell->steps = (uint64_t)fmax(1, round(planted_share * op / link));
    cell->planted_share = (double)cell->steps * link / op;
    return true;
}

/* One round of a cell: A, A', P. Sides that are decided are left out; A is needed by both. */
static bool run_round(struct hx_selftest *self, struct cell *cell, struct hx_error *error) {
    bool wanted[SIDES] = {true, hx_decide_open(&cell->same), hx_decide_open(&cell->planted)};
    double time_ns[SIDES] = {0};
    uint32_t order[SIDES] = {0, 1, 2};
    hx_rng_shuffle(&self->rng, order, SIDES);
    for (size_t i = 0; i < SIDES; i++) {
        struct hx_selftest_ask ask = cell->ask;
        if (order[i] == 2) {
            ask.arm = "steps";
            ask.steps = cell->steps;
        }
        if (wanted[order[i]] && !time_of(self, &ask, &time_ns[order[i]], error)) {
            return false;
        }
    }
    struct hx_decide_unit *units[] = {&cell->same, &cell->planted};
    for (size_t i = 0; i < 2; i++) {
        if (wanted[i + 1]) {
            units[i]->base_ns[units[i]->pair_count] = time_ns[0];
            units[i]->head_ns[units[i]->pair_count++] = time_ns[i + 1];
        }
    }
    return true;
}

/* The rule looks at all units of one kind at once. */
static void look(struct cell *cells, size_t count, unsigned stage, bool planted) {
    struct hx_decide_unit *units = hx_alloc(count * sizeof *units);
    for (size_t i = 0; i < count; i++) {
        units[i] = planted ? cells[i].planted : cells[i].same;
    }
    (void)hx_decide_look(units, count, stage, hx_tier_find("ci"));
    for (size_t i = 0; i < count; i++) {
        *(planted ? &cells[i].planted : &cells[i].same) = units[i];
    }
    free(units);
}

static bool run_stage(struct hx_selftest *self, struct cell *cells, size_t count, unsigned stage, struct hx_error *error) {
    for (size_t pair = 0; pair < hx_decide_stage_pairs(stage); pair++) {
        for (size_t i = 0; i < count; i++) {
            bool open = hx_decide_open(&cells[i].same) || hx_decide_open(&cells[i].planted);
            if (open && !run_round(self, &cells[i], error)) {
                return false;
            }
        }
    }
    look(cells, count, stage, false);
    look(cells, count, stage, true);
    return true;
}

static void add_truths(struct hx_selftest *self, const struct cell *cells, size_t count) {
    size_t same_shown = 0, planted_shown = 0;
    double wrong[HX_DECIDE_UNITS_MAX];
    for (size_t i = 0; i < count; i++) {
        same_shown += cells[i].same.outcome == HX_OUTCOME_REGRESSION || cells[i].same.outcome == HX_OUTCOME_IMPROVED;
        planted_shown += cells[i].planted.outcome == HX_OUTCOME_REGRESSION;
        wrong[i] = 100 * (cells[i].planted.estimate - cells[i].planted_share);
        hx_warn("%s %s scale %g: A/A %s (%+.2f %%, %zu pairs); %.2f %% planted: %s (%+.2f %%, %zu pairs)", cells[i].ask.scenario,
                hx_pages_name(cells[i].ask.pages), cells[i].ask.scale, hx_outcome_name(cells[i].same.outcome), 100 * cells[i].same.estimate,
                cells[i].same.judged_pairs, 100 * cells[i].planted_share, hx_outcome_name(cells[i].planted.outcome), 100 * cells[i].planted.estimate,
                cells[i].planted.judged_pairs);
    }
    double all = (double)count;
    (void)hx_truth_add(self, "nothing: A against A'", "cells with a difference, rule of tier ci", "0 cells", "cells",
                       hx_figure_of((double)same_shown), 0, floor(0.01 * all));
    (void)hx_truth_add(self, "5 % in each cell", "cells shown slower, rule of tier ci", "all cells", "cells",
                       hx_figure_of((double)planted_shown), ceil(0.95 * all), all);
    (void)hx_truth_add(self, "5 % in each cell", "time: estimate - planted, median over cells", "0 points", "points",
                       hx_stats_median(wrong, count), -1, 1);
}

bool hx_selftest_aa(struct hx_selftest *self, struct hx_error *error) {
    struct cell *cells = hx_alloc(self->aa_cells * sizeof *cells);
    size_t count = make_cells(self, cells);
    bool good = true;
    for (size_t i = 0; i < count && good; i++) {
        good = choose_steps(self, &cells[i], error);
    }
    for (unsigned stage = 0; stage < HX_DECIDE_STAGES && good; stage++) {
        good = run_stage(self, cells, count, stage, error);
    }
    if (good) {
        add_truths(self, cells, count);
    }
    free(cells);
    return good;
}
