/* empty - 16 bytes taken and nothing done with them: what the harness itself adds to each operation.
 *
 * Why: a figure of a nanosecond needs a figure beside it that says what was measured besides. On `bump` an operation here is a pointer
 * that moves, and a loop; everything else in its time is the harness. The compiler is told that somebody looks at the address, or
 * nothing would be left. Other backends run it when they are named. */
#define SC_ZEROED 0
#include "scenarios/common/sc_scenario.h"
#include "scenarios/common/sc_scope.h"

struct pair {
    uint64_t word[2];
};
HX_SCALAR_TYPE(pair_type, struct pair);

#define OBJECTS_AT_SCALE_1 500000.0

struct plan {
    uint64_t objects;
};

static const void *setup(const struct sc_setup *setup) {
    struct plan *plan = sc_keep(sizeof *plan);
    plan->objects = (uint64_t)(OBJECTS_AT_SCALE_1 * setup->scale);
    return plan;
}

HX_INLINE uint64_t cycle(struct sc_run *run, const struct plan *plan) {
    struct sc_scope scope;
    struct pair *last = NULL;
    sc_scope_open(run, &scope);
    for (uint64_t i = 0; i < plan->objects; i++) {
        struct pair *object = sc_new(&scope, &pair_type);
        __asm__ volatile("" : : "r"(object));
        if (HX_FREES_EACH) { /* nobody holds them: each goes when the next one comes */
            if (last != NULL) {
                sc_free(&scope, last, sizeof *last);
            }
            last = object;
        }
    }
    sc_use(&scope);
    sc_release(&scope);
    if (HX_FREES_EACH && last != NULL) {
        sc_free(&scope, last, sizeof *last);
    }
    sc_scope_close(&scope);
    return hx_checksum_word(HX_CHECKSUM_INIT, plan->objects);
}

static const struct sc_info info = {
    .name = "empty",
    .why = "16 bytes taken, nothing done: what the harness itself adds to each operation.",
    .zeroed = SC_ZEROED,
    .backends = "bump",
    .arms = "each,reuse,collect,bulk",
    .dials = {[SC_PROFILE_QUICK] = {[SC_PAGES_HUGE] = {1.0, 6, 8}}, /* 3 million: a block of bump lasts more than 1 ms */
              [SC_PROFILE_FULL] = {[SC_PAGES_HUGE] = {1.0, 6, 8}},
              [SC_PROFILE_GATE] = {[SC_PAGES_HUGE] = {1.0, 2, 16}}},
    .setup = setup,
};

SC_SCENARIO(empty, info, cycle);
