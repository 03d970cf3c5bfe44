/* The rule of the gate. See hx_decide.h for its shape, docs/GATE.md for its reasons.
 *
 * What keeps the false alarms of a whole gate at 1 % is that a confirming look uses fresh pairs alone: what made a unit
 * suspicious is not used to convict it. So Holm runs over the units that are still open, not over all. */
#include "gate/hx_decide.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "measure/hx_stats.h"

const double hx_decide_alpha = 0.01;
const double hx_decide_beta_looks = 0.05;
const double hx_decide_guard_ns = 0.3;

static const size_t stage_pairs[HX_DECIDE_STAGES] = {8, 16, 32};

_Static_assert((int)HX_DECIDE_PAIRS_MAX <= (int)HX_STATS_PAIRS_MAX, "the exact distribution must cover all pairs of a unit");

static const struct hx_tier tiers[] = {
    {.name = "strict", .d0 = 0.005, .d1 = 0.02, .typical = false},
    {.name = "ci", .d0 = 0.01, .d1 = 0.04, .typical = false},
    {.name = "coarse", .d0 = 0.03, .d1 = 0.08, .typical = true},
};

const struct hx_tier *hx_tier_find(const char *name)
{
    for (size_t i = 0; i < sizeof tiers / sizeof tiers[0]; i++) {
        if (strcmp(tiers[i].name, name) == 0)
            return &tiers[i];
    }
    return NULL;
}

const char *hx_tier_names(void)
{
    return "strict, ci, coarse";
}

const char *hx_outcome_name(enum hx_outcome outcome)
{
    switch (outcome) {
    case HX_OUTCOME_OPEN: return "open";
    case HX_OUTCOME_NO_REGRESSION: return "no_regression";
    case HX_OUTCOME_IMPROVED: return "improved";
    case HX_OUTCOME_REGRESSION: return "regression";
    case HX_OUTCOME_INCONCLUSIVE: return "inconclusive";
    case HX_OUTCOME_ERROR: break;
    }
    return "error";
}

size_t hx_decide_stage_pairs(unsigned stage)
{
    return stage < HX_DECIDE_STAGES ? stage_pairs[stage] : 0;
}

size_t hx_decide_pairs_after(unsigned stage)
{
    size_t sum = 0;

    for (unsigned i = 0; i <= stage && i < HX_DECIDE_STAGES; i++)
        sum += stage_pairs[i];
    return sum;
}

void hx_decide_unit_init(struct hx_decide_unit *unit)
{
    memset(unit, 0, sizeof *unit);
    unit->p_slower = unit->p_slower_holm = 1;
    unit->p_faster = unit->p_faster_holm = 1;
}

bool hx_decide_open(const struct hx_decide_unit *unit)
{
    return unit->outcome == HX_OUTCOME_OPEN;
}

static void unit_fail(struct hx_decide_unit *unit, const char *reason)
{
    unit->outcome = HX_OUTCOME_ERROR;
    unit->reason = reason;
}

/* Every pair must be there and be a time; anything else would let a crash read as "no difference". */
static bool unit_complete(struct hx_decide_unit *unit, size_t wanted)
{
    if (unit->pair_count != wanted) {
        unit_fail(unit, "pairs are missing");
        return false;
    }
    for (size_t i = 0; i < wanted; i++) {
        if (!isfinite(unit->base_ns[i]) || !isfinite(unit->head_ns[i]) || unit->base_ns[i] <= 0 || unit->head_ns[i] <= 0) {
            unit_fail(unit, "an observation is no positive time");
            return false;
        }
    }
    return true;
}

static void log_ratios(const struct hx_decide_unit *unit, size_t from, size_t to, double *d)
{
    for (size_t i = from; i < to; i++)
        d[i - from] = log(unit->head_ns[i] / unit->base_ns[i]);
}

/* The guard as a margin: a unit whose op takes 2 ns cannot be judged closer than 15 %, whatever the tier says. */
static void unit_margins(struct hx_decide_unit *unit, const struct hx_tier *tier)
{
    double base[HX_DECIDE_PAIRS_MAX];
    double guard;

    memcpy(base, unit->base_ns, unit->pair_count * sizeof base[0]);
    guard = hx_decide_guard_ns / hx_stats_median(base, unit->pair_count).value;
    unit->margin_d0 = fmax(tier->d0, guard);
    unit->margin_d1 = unit->margin_d0 + (tier->d1 - tier->d0);
}

static void unit_estimate(struct hx_decide_unit *unit)
{
    double d[HX_DECIDE_PAIRS_MAX];
    double scratch[HX_DECIDE_PAIRS_MAX * (HX_DECIDE_PAIRS_MAX + 1) / 2];
    struct hx_estimate e;

    log_ratios(unit, 0, unit->pair_count, d);
    e = hx_stats_hodges_lehmann(d, unit->pair_count, hx_decide_beta_looks / HX_DECIDE_STAGES, scratch);
    unit->judged_pairs = unit->pair_count;
    unit->estimate = expm1(e.value.value);
    unit->low = expm1(e.low.value);
    unit->high = expm1(e.high.value);
    unit->pair_sd = hx_stats_robust_sd(d, unit->pair_count, scratch).value;
}

static void unit_test_fresh(struct hx_decide_unit *unit, unsigned stage)
{
    double d[HX_DECIDE_PAIRS_MAX];
    size_t fresh = stage_pairs[stage];

    log_ratios(unit, unit->pair_count - fresh, unit->pair_count, d);
    unit->p_slower = unit->slower_excluded ? 1 : hx_stats_signed_rank_p_greater(d, fresh, log1p(unit->margin_d0)).value;
    unit->p_faster = unit->faster_excluded ? 1 : hx_stats_signed_rank_p_less(d, fresh, -log1p(unit->margin_d0)).value;
}

/* Holm over the open units in one direction; a unit whose direction is excluded is not part of the family. */
static void holm_open(struct hx_decide_unit *units, size_t count, bool slower)
{
    double p[HX_DECIDE_UNITS_MAX], adjusted[HX_DECIDE_UNITS_MAX];
    uint32_t order[HX_DECIDE_UNITS_MAX], who[HX_DECIDE_UNITS_MAX];
    size_t family = 0;

    for (size_t i = 0; i < count; i++) {
        struct hx_decide_unit *unit = &units[i];

        if (!hx_decide_open(unit) || (slower ? unit->slower_excluded : unit->faster_excluded))
            continue;
        who[family] = (uint32_t)i;
        p[family++] = slower ? unit->p_slower : unit->p_faster;
    }
    if (family == 0)
        return;
    hx_stats_holm(p, family, adjusted, order);
    for (size_t j = 0; j < family; j++) {
        if (slower)
            units[who[j]].p_slower_holm = adjusted[j];
        else
            units[who[j]].p_faster_holm = adjusted[j];
    }
}

/* About how many pairs would have decided: the bound's half width falls with the square root of their number. */
static double pairs_needed(const struct hx_decide_unit *unit)
{
    const double z_pass = 2.128;    /* normal quantile of 1 - 0.05/3 */
    const double z_convict = 2.576; /* of 1 - 0.005 */
    double theta = log1p(unit->estimate);
    double gap_pass = log1p(unit->margin_d1) - theta;
    double gap_convict = theta - log1p(unit->margin_d0);
    double pass = gap_pass > 0 ? pow(z_pass * unit->pair_sd / gap_pass, 2) : INFINITY;
    double convict = gap_convict > 0 ? pow(z_convict * unit->pair_sd / gap_convict, 2) : INFINITY;
    double needed = fmin(pass, convict);

    return isfinite(needed) ? ceil(needed) : 0;
}

static void unit_settle(struct hx_decide_unit *unit, unsigned stage)
{
    const double alpha_look = hx_decide_alpha / (HX_DECIDE_STAGES - 1);

    if (stage > 0 && !unit->slower_excluded && unit->p_slower_holm <= alpha_look) {
        unit->outcome = HX_OUTCOME_REGRESSION;
        return;
    }
    if (stage > 0 && !unit->faster_excluded && unit->p_faster_holm <= alpha_look) {
        unit->outcome = HX_OUTCOME_IMPROVED;
        return;
    }
    if (unit->high < unit->margin_d1)
        unit->slower_excluded = true;
    if (unit->low > 1 / (1 + unit->margin_d1) - 1)
        unit->faster_excluded = true;
    if (unit->slower_excluded && (unit->faster_excluded || stage + 1 == HX_DECIDE_STAGES)) {
        unit->outcome = HX_OUTCOME_NO_REGRESSION;
    } else if (stage + 1 == HX_DECIDE_STAGES) {
        unit->outcome = HX_OUTCOME_INCONCLUSIVE;
        unit->reason = "the interval is too wide";
        unit->needed_pairs = pairs_needed(unit);
    }
}

size_t hx_decide_look(struct hx_decide_unit *units, size_t count, unsigned stage, const struct hx_tier *tier)
{
    size_t open = 0;

    if (count > HX_DECIDE_UNITS_MAX || stage >= HX_DECIDE_STAGES) {
        for (size_t i = 0; i < count; i++)
            unit_fail(&units[i], "more cells or stages than the rule knows");
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        struct hx_decide_unit *unit = &units[i];

        if (!hx_decide_open(unit) || !unit_complete(unit, hx_decide_pairs_after(stage)))
            continue;
        if (stage == 0)
            unit_margins(unit, tier);
        unit_estimate(unit);
        if (stage > 0)
            unit_test_fresh(unit, stage);
    }
    holm_open(units, count, true);
    holm_open(units, count, false);
    for (size_t i = 0; i < count; i++) {
        if (hx_decide_open(&units[i]))
            unit_settle(&units[i], stage);
        open += hx_decide_open(&units[i]);
    }
    return open;
}

void hx_decide_stop(struct hx_decide_unit *units, size_t count, const char *reason)
{
    for (size_t i = 0; i < count; i++) {
        struct hx_decide_unit *unit = &units[i];

        if (!hx_decide_open(unit))
            continue;
        unit->outcome = unit->slower_excluded ? HX_OUTCOME_NO_REGRESSION : HX_OUTCOME_INCONCLUSIVE;
        unit->reason = unit->slower_excluded ? NULL : reason;
        if (unit->judged_pairs > 0)
            unit->needed_pairs = pairs_needed(unit);
    }
}

size_t hx_decide_blocks(const struct hx_decide_unit *unit, size_t blocks, size_t blocks_max)
{
    const double spread_per_margin = 2.5;
    double spread = unit->pair_sd * spread_per_margin;

    for (int doubling = 0; doubling < 2 && spread > log1p(unit->margin_d1) && blocks * 2 <= blocks_max; doubling++) {
        blocks *= 2;
        spread /= 2;
    }
    return blocks;
}
