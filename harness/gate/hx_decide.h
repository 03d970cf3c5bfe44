/* hx_decide.h - from paired times to one of three answers: the rule of the gate, numbers in, verdict out.
 *
 * Why: a gate that alarms on noise is switched off, and one that calls noise a pass is worse. So a verdict needs a margin, an exact
 * test on pairs, fresh data after a suspicion, and a third answer, "cannot say". The reasons and the measured rates of the rule
 * are in docs/GATE.md. Pure: no clock, no files, no processes; the caller measures, stage by stage, what is still open.
 *
 * A unit (one cell, one time metric) moves  open -> regression | improved | no_regression, or ends as inconclusive or error:
 *   screen   8 pairs: passes when the upper bound of the slowdown is below d1; everything else goes on
 *   confirm  16, then 32 FRESH pairs: regression when Holm over the units still open rejects "slowdown <= d0" on the fresh pairs
 *            alone; passes when the upper bound over all pairs so far is below d1
 * The mirror image of the same rule says improved. A pair that is missing or no positive number makes the unit an error, never a pass.
 * Threads: none of its own, no state. Memory: in the caller's units; a look uses about 16 KiB of stack. */
#ifndef HX_DECIDE_H
#define HX_DECIDE_H

#include <stdbool.h>
#include <stddef.h>

enum {
    HX_DECIDE_STAGES = 3,
    HX_DECIDE_PAIRS_MAX = 8 + 16 + 32,
    HX_DECIDE_UNITS_MAX = 1024, /* cells x metrics of one gate */
};

/* Error rates of one whole gate, as probabilities. */
extern const double hx_decide_alpha;      /* family-wise false alarms over the two confirming looks; half at each */
extern const double hx_decide_beta_looks; /* a slowdown of d1 passes at most this often over the three looks */

/* Nothing below this many ns/op is ever a verdict: the margins of a cell grow until d0 is at least this. */
extern const double hx_decide_guard_ns;

/* d0: never called a regression below. d1: smallest slowdown whose absence a pass claims. Both as head/base - 1. */
struct hx_tier {
    const char *name;
    double d0;
    double d1;
    bool typical; /* also gates time_typical, not only time (best) */
};

/* "strict" 0.5/2 %, "ci" 1/4 %, "coarse" 3/8 %; NULL for any other word. */
const struct hx_tier *hx_tier_find(const char *name);

/* "strict, ci, coarse", for messages. */
const char *hx_tier_names(void);

enum hx_outcome {
    HX_OUTCOME_OPEN,
    HX_OUTCOME_NO_REGRESSION,
    HX_OUTCOME_IMPROVED,
    HX_OUTCOME_REGRESSION,
    HX_OUTCOME_INCONCLUSIVE,
    HX_OUTCOME_ERROR,
};

/* The word in gate.json: "no_regression" and so on; never NULL. */
const char *hx_outcome_name(enum hx_outcome outcome);

struct hx_decide_unit {
    /* In: pair i was measured back to back; ns/op, > 0. The pairs of a stage follow those of the stage before. */
    double base_ns[HX_DECIDE_PAIRS_MAX];
    double head_ns[HX_DECIDE_PAIRS_MAX];
    size_t pair_count;

    /* Out, written by hx_decide_look alone. */
    enum hx_outcome outcome;
    const char *reason;     /* constant string, NULL when the outcome needs none */
    bool slower_excluded;   /* a slowdown of d1 was excluded: only the search for an improvement goes on */
    bool faster_excluded;   /* the same for a speed-up */
    size_t judged_pairs;    /* pairs behind the figures below */
    double margin_d0;       /* this unit's margins after the guard; fixed at the screen, so that later looks cannot bend them */
    double margin_d1;
    double estimate;        /* Hodges-Lehmann of head/base - 1 over all pairs */
    double low, high;       /* its one-sided bounds at 1 - 0.05/3 each */
    double pair_sd;         /* robust sd of ln(head/base) */
    double p_slower;        /* fresh pairs of the last confirming look against d0; 1 before one */
    double p_slower_holm;   /* the same after Holm */
    double p_faster, p_faster_holm;
    double needed_pairs;    /* inconclusive: about how many pairs would decide; 0 when unknown */
};

/* Pairs measured at a stage (0: 8, 1: 16, 2: 32), and the sum up to and including it. */
size_t hx_decide_stage_pairs(unsigned stage);
size_t hx_decide_pairs_after(unsigned stage);

/* Zeroes a unit: no pairs, open. */
void hx_decide_unit_init(struct hx_decide_unit *unit);

/* True while the unit wants the next stage. */
bool hx_decide_open(const struct hx_decide_unit *unit);

/* Judges all open units after the pairs of `stage` are in; units already closed are left alone. Each open unit must hold exactly
 * hx_decide_pairs_after(stage) pairs, else it becomes an error. After the last stage nothing is open. Returns how many still are. */
size_t hx_decide_look(struct hx_decide_unit *units, size_t count, unsigned stage, const struct hx_tier *tier);

/* Closes what is open because measuring stopped (time budget): inconclusive with `reason` (a constant string), or, where a
 * slowdown was already excluded, no_regression. */
void hx_decide_stop(struct hx_decide_unit *units, size_t count, const char *reason);

/* Blocks for a unit's next stage: doubled once or twice while the spread of its pairs is too wide for d1, at most blocks_max. A
 * minimum over more blocks finds a quiet moment more often, which buys more than more pairs do. */
size_t hx_decide_blocks(const struct hx_decide_unit *unit, size_t blocks, size_t blocks_max);

#endif
