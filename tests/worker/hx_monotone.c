/* hx_monotone.c - scenario monotone, of a test alone: one life that only grows. Every object is written in full, so resident memory of
 * the floor (bump) is what was asked for, up to pages: drag is 1.00 or something counts wrongly. */
#define SC_ZEROED 0
#include "scenarios/common/sc_scenario.h"
#include "scenarios/common/sc_scope.h"

struct item {
    struct item *before;
    uint64_t value[7];
};
HX_TYPE(item_type, struct item, HX_PTR(before));

enum { ITEMS = 200000 }; /* 12.8 MB: a page is 0.03 % of it */

static const void *setup(const struct sc_setup *setup) {
    (void)setup;
    return sc_keep(1);
}

HX_INLINE uint64_t cycle(struct sc_run *run, const void *plan) {
    struct sc_scope scope;
    struct item *last = NULL;
    uint64_t sum = HX_CHECKSUM_INIT;
    (void)plan;
    sc_scope_open(run, &scope);
    for (uint64_t i = 0; i < ITEMS; i++) {
        struct item *item = sc_new(&scope, &item_type);
        hx_store(&item->before, last);
        for (unsigned k = 0; k < HX_COUNT_OF(item->value); k++) {
            item->value[k] = i + k;
        }
        last = item;
    }
    sc_use(&scope);
    for (const struct item *item = last; item != NULL; item = item->before) {
        sum = hx_checksum_word(sum, item->value[0]);
    }
    sc_release(&scope);
    sc_scope_close(&scope);
    return sum;
}

static const struct sc_info info = {
    .name = "monotone",
    .why = "One life that only grows.",
    .zeroed = SC_ZEROED,
    .dials = {[SC_PROFILE_QUICK] = {{1.0, 1, 1}, {1.0, 1, 1}}},
    .setup = setup,
};

SC_SCENARIO(monotone, info, cycle);
