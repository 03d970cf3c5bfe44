/* hx_phases.c - scenario phases, of a test alone: each phase of a life does a number of instructions that nobody else does, and tells the
 * planted PMU. What pass counters then says of a phase is known. tests/worker/phases.py holds the same numbers. */
#define SC_ZEROED 0
#include "scenarios/common/sc_scenario.h"
#include "scenarios/common/sc_scope.h"
#include "worker/planted/pmu.h"

struct item {
    struct item *before;
    uint64_t value;
};
HX_TYPE(item_type, struct item, HX_PTR(before));

enum { LIVES = 3, ITEMS = 40 };

static const void *setup(const struct sc_setup *setup) {
    (void)setup;
    return sc_keep(1);
}

HX_INLINE uint64_t cycle(struct sc_run *run, const void *plan) {
    uint64_t sum = HX_CHECKSUM_INIT;
    (void)plan;
    for (uint64_t life = 0; life < LIVES; life++) {
        struct sc_scope scope;
        struct item *last = NULL;
        sc_scope_open(run, &scope);
        for (uint64_t i = 0; i < ITEMS; i++) {
            struct item *item = sc_new(&scope, &item_type);
            hx_store(&item->before, last);
            item->value = i;
            last = item;
            planted_work(PLANTED_ALLOC, 100, 8);
        }
        sc_use(&scope);
        for (const struct item *item = last; item != NULL; item = item->before) {
            sum = hx_checksum_word(sum, item->value);
        }
        planted_work(PLANTED_USE, 5000, 40);
        sc_release(&scope);
        planted_work(PLANTED_RELEASE, 300, 20);
        sc_scope_close(&scope);
        planted_work(PLANTED_IDLE, 60, 80); /* between lives */
    }
    return sum;
}

static const struct sc_info info = {
    .name = "phases",
    .why = "Each phase does what no other does.",
    .zeroed = SC_ZEROED,
    .threads_max = 2,
    .dials = {[SC_PROFILE_QUICK] = {{1.0, 1, 2}, {1.0, 1, 2}}},
    .setup = setup,
};

SC_SCENARIO(phases, info, cycle);
