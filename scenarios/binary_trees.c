/* binary_trees - perfect binary trees built bottom up, walked and dropped; the benchmarks game's classic.
 *
 * Why: nothing but small equal objects and pointers, so the allocator is all there is to see. As in the game, each depth
 * gets about the same number of nodes in all: many small trees, few large ones. Other than there, one long-lived tree is not kept
 * beside them (a block holds whole lives), and trees of all depths come in an order drawn by the seed.
 * A life is one tree. */
#define SC_ZEROED 0
#include "scenarios/common/sc_scenario.h"
#include "scenarios/common/sc_scope.h"

struct node {
    struct node *left;
    struct node *right;
    uint64_t item;
};
HX_TYPE(node_type, struct node, HX_PTR(left), HX_PTR(right));

enum { DEPTH_LEAST = 4, DEPTH_STEP = 2, DEPTH_MOST = 24, DEPTHS_USUAL = 6 };
/* At scale 1, at 24 bytes each: 7.3 MiB, nearly one chunk of 8 MiB. */
#define NODES_AT_SCALE_1 318000.0

struct plan {
    uint64_t item;   /* first tree's root item */
    uint32_t trees;
    uint8_t depth[]; /* of each tree, in the order of the lives */
};

static uint64_t nodes_of_depth(unsigned depth) {
    return (UINT64_C(2) << depth) - 1;
}

static const void *setup(const struct sc_setup *setup) {
    double nodes = NODES_AT_SCALE_1 * setup->scale;
    unsigned deepest = DEPTH_LEAST;
    while (deepest < DEPTH_MOST && (double)nodes_of_depth(deepest + DEPTH_STEP) <= nodes / DEPTHS_USUAL) {
        deepest += DEPTH_STEP;
    }
    double nodes_per_depth = nodes / ((deepest - DEPTH_LEAST) / DEPTH_STEP + 1);
    uint32_t trees = 0;
    uint32_t count[DEPTH_MOST + 1] = {0};
    for (unsigned depth = DEPTH_LEAST; depth <= deepest; depth += DEPTH_STEP) {
        double share = nodes_per_depth / (double)nodes_of_depth(depth);
        count[depth] = share < 1 ? 1 : (uint32_t)(share + 0.5);
        trees += count[depth];
    }
    struct plan *plan = sc_keep(sizeof *plan + trees);
    plan->trees = trees;
    uint32_t filled = 0;
    for (unsigned depth = DEPTH_LEAST; depth <= deepest; depth += DEPTH_STEP) {
        for (uint32_t i = 0; i < count[depth]; i++) {
            plan->depth[filled++] = (uint8_t)depth;
        }
    }
    struct hx_rng rng;
    hx_rng_init(&rng, setup->seed);
    plan->item = hx_rng_next(&rng) & 0xffffffff;
    for (uint32_t i = trees; i > 1; i--) {
        uint32_t j = (uint32_t)hx_rng_below(&rng, i);
        uint8_t swap = plan->depth[i - 1];
        plan->depth[i - 1] = plan->depth[j];
        plan->depth[j] = swap;
    }
    return plan;
}

static struct node *build(struct sc_scope *scope, unsigned depth, uint64_t item) {
    struct node *node = sc_new(scope, &node_type);
    node->item = item;
    if (depth == 0) {
        hx_store(&node->left, NULL);
        hx_store(&node->right, NULL);
        return node;
    }
    hx_store(&node->left, build(scope, depth - 1, 2 * item));
    hx_store(&node->right, build(scope, depth - 1, 2 * item + 1));
    return node;
}

static uint64_t check(const struct node *node) {
    if (node->left == NULL) {
        return node->item;
    }
    return hx_checksum_word(check(node->left) + node->item, check(node->right));
}

static void drop(struct sc_scope *scope, struct node *node) {
    if (node->left != NULL) {
        drop(scope, node->left);
        drop(scope, node->right);
    }
    sc_free(scope, node, sizeof *node);
}

HX_INLINE uint64_t cycle(struct sc_run *run, const struct plan *plan) {
    uint64_t sum = HX_CHECKSUM_INIT;
    for (uint32_t i = 0; i < plan->trees; i++) {
        struct sc_scope scope;
        sc_scope_open(run, &scope);
        struct node *root = build(&scope, plan->depth[i], plan->item + i);
        sc_use(&scope);
        sum = hx_checksum_word(sum, check(root));
        sc_release(&scope);
        if (HX_FREES_EACH) {
            drop(&scope, root);
        }
        sc_scope_close(&scope);
    }
    return sum;
}

static const struct sc_info info = {
    .name = "binary_trees",
    .why = "Perfect binary trees built, walked and dropped: nothing but small equal objects and pointers.",
    .zeroed = SC_ZEROED,
    /* One chunk's worth is 0.7 ms on the floor, under the least that a block may last; two chunks' worth is 1.1 ms. */
    .dials = {[SC_PROFILE_QUICK] = {{1.55, 1, 3}, {1.55, 1, 8}},
              [SC_PROFILE_FULL] = {{1.55, 1, 3}, {1.55, 1, 8}},
              [SC_PROFILE_GATE] = {[SC_PAGES_HUGE] = {1.0, 1, 16}}},
    .setup = setup,
};

SC_SCENARIO(binary_trees, info, cycle);
