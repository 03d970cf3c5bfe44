/* arena_lifecycle - what a scope itself costs: opened, hardly used, closed; and a thousand of them alive together.
 *
 * Why: an arena a request pays only when an arena is cheap. `one`: open, one value, close, again and again. `many`: 1,000 scopes of
 * 4 KiB each, opened one inside the other, all alive, closed from the innermost out; its memory pass shows what a small arena holds.
 * A malloc has no scope: there it is what its objects cost, the thing to beat. */
#define SC_ZEROED 0
#include "scenarios/common/sc_scenario.h"
#include "scenarios/common/sc_scope.h"

struct node {
    struct node *before;
    uint64_t value;
    struct node *same[6];
};
HX_TYPE(node_type, struct node, HX_PTR(before), HX_PTRS(same, 6));
_Static_assert(sizeof(struct node) == 64, "4 KiB are 64 of them");

/* Few a cycle, many cycles a block: pass counters, which reads a group at each change of phase, takes only some of them. */
#define LIVES_AT_SCALE_1 5000.0
#define SCOPES_AT_SCALE_1 1000.0

enum { SCOPES_MOST = 1000, NODES_PER_SCOPE = 64 };

struct plan {
    uint64_t value;
    uint64_t lives;
    size_t scopes;
};

static const void *setup(const struct sc_setup *setup) {
    struct plan *plan = sc_keep(sizeof *plan);
    struct hx_rng rng;
    hx_rng_init(&rng, setup->seed);
    plan->value = hx_rng_next(&rng) & 0xffffffff;
    plan->lives = (uint64_t)(LIVES_AT_SCALE_1 * setup->scale);
    double scopes = SCOPES_AT_SCALE_1 * setup->scale;
    plan->scopes = scopes > SCOPES_MOST ? SCOPES_MOST : (size_t)scopes;
    return plan;
}

HX_INLINE struct node *make(struct sc_scope *scope, struct node *before, uint64_t value) {
    struct node *node = sc_new(scope, &node_type);
    hx_store(&node->before, before);
    node->value = value;
    for (size_t i = 0; i < 6; i++) {
        hx_store(&node->same[i], node);
    }
    return node;
}

HX_INLINE uint64_t cycle_one(struct sc_run *run, const struct plan *plan) {
    uint64_t sum = HX_CHECKSUM_INIT;
    for (uint64_t i = 0; i < plan->lives; i++) {
        struct sc_scope scope;
        sc_scope_open(run, &scope);
        struct node *node = make(&scope, NULL, plan->value + i);
        sc_use(&scope);
        sum += node->value;
        sc_release(&scope);
        if (HX_FREES_EACH) {
            sc_free(&scope, node, sizeof *node);
        }
        sc_scope_close(&scope);
    }
    return hx_checksum_word(sum, plan->lives);
}

HX_INLINE uint64_t cycle_many(struct sc_run *run, const struct plan *plan) {
    struct sc_scope scope[SCOPES_MOST];
    struct node *last[SCOPES_MOST];
    for (size_t i = 0; i < plan->scopes; i++) {
        if (i == 0) {
            sc_scope_open(run, &scope[i]);
        } else {
            sc_scope_open_inner(run, &scope[i]);
        }
        last[i] = NULL;
        for (uint64_t n = 0; n < NODES_PER_SCOPE; n++) {
            last[i] = make(&scope[i], last[i], plan->value + n);
        }
    }
    sc_use(&scope[0]);
    uint64_t sum = HX_CHECKSUM_INIT;
    for (size_t i = 0; i < plan->scopes; i++) {
        sum = hx_checksum_word(sum, last[i]->value + last[i]->before->value);
    }
    sc_release(&scope[0]);
    for (size_t i = plan->scopes; i-- > 0;) {
        while (HX_FREES_EACH && last[i] != NULL) {
            struct node *before = last[i]->before;
            sc_free(&scope[i], last[i], sizeof *last[i]);
            last[i] = before;
        }
        if (i == 0) {
            sc_scope_close(&scope[i]);
        } else {
            sc_scope_close_inner(&scope[i]);
        }
    }
    return sum;
}

#define DIALS(quick_scale, full_blocks, cycles, gate_scale, gate_cycles)                          \
    {                                                                                             \
        [SC_PROFILE_QUICK] = {[SC_PAGES_HUGE] = {quick_scale, cycles, 8}},                        \
        [SC_PROFILE_FULL] = {[SC_PAGES_HUGE] = {1.0, cycles, full_blocks}},                       \
        [SC_PROFILE_GATE] = {[SC_PAGES_HUGE] = {gate_scale, gate_cycles, 16}}                     \
    }

static const struct sc_info info_one = {
    .name = "arena_lifecycle_one",
    .why = "A scope opened, one value of 64 bytes, the scope closed: what an arena itself costs.",
    .zeroed = SC_ZEROED,
    .backends = "malloc,mimalloc,arena-*,mimalloc-heap,obstack,apr,talloc,bump",
    .arms = "each,reuse,collect,bulk",
    .dials = DIALS(1.0, 6, 30, 1.0, 2),
    .setup = setup,
};
SC_SCENARIO(arena_lifecycle_one, info_one, cycle_one);

/* arena-go clears a whole chunk for each of the 1,000 (8 GiB): it runs when it is named. */
static const struct sc_info info_many = {
    .name = "arena_lifecycle_many",
    .why = "1,000 scopes of 4 KiB each, all alive together: what a small arena holds.",
    .zeroed = SC_ZEROED,
    .backends = "malloc,mimalloc,arena-safe,arena-kept,obstack,apr,bump",
    .arms = "each,reuse,collect,bulk",
    .dials = DIALS(0.5, 4, 1, 0.05, 1),
    .setup = setup,
};
SC_SCENARIO(arena_lifecycle_many, info_many, cycle_many);
