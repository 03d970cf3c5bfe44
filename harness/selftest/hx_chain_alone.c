/* hx_chain_alone.c - scenario chain_alone of worker-planted: the planted chain by itself, many times in a row.
 *
 * Why: what an injected cost should show as is its price, measured in the same minutes on the same processor, and nothing else. The
 * one object is there because a life without any allocation is no life to the worker: time ÷ HX_CHAIN_ALONE_STEPS is the price. */
#define SC_ZEROED 0
#include "scenarios/common/sc_scenario.h"
#include "scenarios/common/sc_scope.h"

#include "selftest/hx_chain_price.h"

_Static_assert((int)HX_CHAIN_LINKS == (int)HX_PLANT_CHAIN_STEPS, "the price of a link is that of the chain divided by its links");

struct cell {
    uint64_t value;
};
HX_SCALAR_TYPE(cell_type, struct cell);

static const void *setup(const struct sc_setup *setup) {
    (void)setup;
    return sc_keep(1);
}

HX_INLINE uint64_t cycle(struct sc_run *run, const void *plan) {
    struct sc_scope scope;
    uint64_t x = 1;
    (void)plan;
    sc_scope_open(run, &scope);
    struct cell *cell = sc_new(&scope, &cell_type);
    for (unsigned i = 0; i < HX_CHAIN_ALONE_STEPS; i++) {
        x = hx_plant_chain(x);
    }
    cell->value = x;
    sc_use(&scope);
    uint64_t sum = hx_checksum_word(HX_CHECKSUM_INIT, cell->value);
    sc_release(&scope);
    sc_scope_close(&scope);
    return sum;
}

static const struct sc_info info = {
    .name = "chain_alone",
    .why = "The chain that selftest plants, by itself.",
    .zeroed = SC_ZEROED,
    .dials = {[SC_PROFILE_QUICK] = {{1.0, 1, 8}, {1.0, 1, 8}},
              [SC_PROFILE_FULL] = {{1.0, 1, 8}, {1.0, 1, 8}},
              [SC_PROFILE_GATE] = {[SC_PAGES_HUGE] = {1.0, 1, 8}}},
    .setup = setup,
};

SC_SCENARIO(chain_alone, info, cycle);
