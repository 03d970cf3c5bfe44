/* sc_life_plan.h - the plan of machinery scenarios whose lives are so and so many bytes of equal objects. */
#ifndef SC_LIFE_PLAN_H
#define SC_LIFE_PLAN_H

#include "base/hx_rng.h"
#include "scenarios/common/sc_scenario.h"

struct sc_life_plan {
    uint64_t life_bytes;
    uint64_t value; /* 32 bits drawn by the seed: what objects are written with */
};

/* For sc_info.setup. Memory of the scenario's plan (sc_keep), for the whole process. */
static inline const struct sc_life_plan *sc_life_plan(const struct sc_setup *setup, double life_bytes_at_scale_1) {
    struct sc_life_plan *plan = sc_keep(sizeof *plan);
    struct hx_rng rng;
    hx_rng_init(&rng, setup->seed);
    plan->value = hx_rng_next(&rng) & 0xffffffff;
    plan->life_bytes = (uint64_t)(life_bytes_at_scale_1 * setup->scale);
    return plan;
}

#endif
