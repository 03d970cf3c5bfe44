/* hx_plan_steps.h - cells of profile full that differ from their neighbour in options alone. Pure.
 *
 * Why: a preset is many choices at once. Single options over it say what each choice costs:
 *
 *   the price of safety   arena-kept "-" -> + quarantine -> + protect -> + release -> + whole-chunk prezero
 *   zeroing               prezero=none beside the default; prezero=populate beside Go's whole chunk
 *   a malloc that keeps   arm each with tuning=keep: what a warm arena is fairly compared with
 *
 * One table: which of them a run makes is policy of the plan, and neither workers nor scenarios know of it. */
#ifndef HX_PLAN_STEPS_H
#define HX_PLAN_STEPS_H

#include "base/hx_base.h"

/* The price of safety, from nothing to everything. Each step is one choice more than the one before. */
struct hx_price_step {
    const char *what;    /* "+ quarantine" */
    const char *backend;
    const char *arm;
    const char *options; /* of the cell; "-": the preset itself */
};
enum { HX_PRICE_STEPS = 5 };
extern const struct hx_price_step hx_price_steps[HX_PRICE_STEPS];

/* The options of extra cell `index` of (scenario, backend, arm) in profile full, from 0; NULL when there is no more. */
const char *hx_plan_step(const char *scenario, const char *backend, const char *arm, size_t index);

/* Arms that profile full makes of a scenario in huge pages alone: keep and fresh of gc_pacing, for the credit split, which a second page
 * mode would not tell better. */
bool hx_plan_arm_wants_huge(const char *scenario, const char *arm);

#endif
