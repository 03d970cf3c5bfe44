/* gc_pacing - a heap that stays, and lives that come and go beside it: what a collector is paced by.
 *
 * Why: nearly all of what arenas gain in Go is freeing early, so that garbage never counts against the collector. Here a tree stays
 * alive for a whole cycle while short lives of about a quarter MiB are built and dropped. A collector has to mark the tree each time
 * the garbage has grown to what gogc allows; an arena gives each life back at its end, and the heap never grows. The collections of
 * pass memory are in gc.tsv, and figure gc_pacing draws them.
 *
 * Nodes of a life point into the tree, as requests point into a program's tables. A cycle is the tree and all lives; a life is one
 * request. Scale multiplies both. */
#define SC_ZEROED 0
#include "scenarios/common/sc_scenario.h"
#include "scenarios/common/sc_scope.h"

struct leaf {
    struct leaf *left;
    struct leaf *right;
    uint64_t key;
};
HX_TYPE(leaf_type, struct leaf, HX_PTR(left), HX_PTR(right));

struct record {
    struct record *next;
    const struct leaf *about;
    char *text;
    uint64_t value;
};
HX_TYPE(record_type, struct record, HX_PTR(next), HX_PTR(about), HX_PTR(text));

/* At scale 1: 87,381 leaves of 24 bytes are 2 MiB; 24 lives of 2,048 records, each 32 bytes and a text of 64 to 127, are 6 MiB. */
#define LEAVES_AT_SCALE_1 87381.0
#define LIVES_AT_SCALE_1 24.0
enum { RECORDS_A_LIFE = 2048, TEXT_LEAST_BYTES = 64 };

struct plan {
    uint64_t seed;
    uint64_t leaves;
    uint64_t lives;
};

static const void *setup(const struct sc_setup *setup) {
    struct plan *plan = sc_keep(sizeof *plan);
    plan->seed = setup->seed;
    plan->leaves = (uint64_t)(LEAVES_AT_SCALE_1 * setup->scale) + 1;
    plan->lives = (uint64_t)(LIVES_AT_SCALE_1 * setup->scale + 0.5);
    plan->lives = plan->lives == 0 ? 1 : plan->lives;
    return plan;
}

/* A balanced tree over keys [low, high). */
static struct leaf *grow(struct sc_scope *scope, uint64_t low, uint64_t high) {
    if (low == high) {
        return NULL;
    }
    uint64_t middle = low + (high - low) / 2;
    struct leaf *leaf = sc_new(scope, &leaf_type);
    leaf->key = middle;
    hx_store(&leaf->left, NULL);
    hx_store(&leaf->right, NULL);
    hx_store(&leaf->left, grow(scope, low, middle));
    hx_store(&leaf->right, grow(scope, middle + 1, high));
    return leaf;
}

static const struct leaf *find(const struct leaf *leaf, uint64_t key) {
    while (leaf->key != key) {
        leaf = key < leaf->key ? leaf->left : leaf->right;
    }
    return leaf;
}

static uint64_t sum_of_tree(const struct leaf *leaf, uint64_t sum) {
    while (leaf != NULL) {
        sum = hx_checksum_word(sum_of_tree(leaf->left, sum), leaf->key);
        leaf = leaf->right;
    }
    return sum;
}

static void drop_tree(struct sc_scope *scope, struct leaf *leaf) {
    if (leaf != NULL) {
        drop_tree(scope, leaf->left);
        drop_tree(scope, leaf->right);
        sc_free(scope, leaf, sizeof *leaf);
    }
}

static inline size_t text_bytes_of(uint64_t value) {
    return TEXT_LEAST_BYTES + value % TEXT_LEAST_BYTES;
}

static struct record *build_life(struct sc_scope *scope, const struct plan *plan, const struct leaf *tree, struct hx_rng *rng) {
    struct record *newest = NULL;
    for (unsigned i = 0; i < RECORDS_A_LIFE; i++) {
        struct record *record = sc_new(scope, &record_type);
        record->value = hx_rng_next(rng);
        hx_store(&record->next, newest);
        hx_store(&record->about, find(tree, record->value % plan->leaves));
        hx_store(&record->text, NULL);
        size_t bytes = text_bytes_of(record->value);
        char *text = sc_bytes(scope, bytes);
        memset(text, (int)(record->value >> 56), bytes);
        hx_store(&record->text, text);
        newest = record;
    }
    return newest;
}

static uint64_t sum_of_life(const struct record *record, uint64_t sum) {
    for (; record != NULL; record = record->next) {
        sum = hx_checksum_word(sum, record->value + record->about->key);
        sum = hx_checksum_word(sum, (unsigned char)record->text[text_bytes_of(record->value) - 1]);
    }
    return sum;
}

static void drop_life(struct sc_scope *scope, struct record *record) {
    while (record != NULL) {
        struct record *next = record->next;
        sc_free(scope, record->text, text_bytes_of(record->value));
        sc_free(scope, record, sizeof *record);
        record = next;
    }
}

HX_INLINE uint64_t cycle(struct sc_run *run, const struct plan *plan) {
    struct hx_rng rng;
    hx_rng_init(&rng, plan->seed);
    struct sc_scope stay;
    sc_hold_open(run, &stay);
    struct leaf *tree = grow(&stay, 0, plan->leaves);
    uint64_t sum = HX_CHECKSUM_INIT;
    for (uint64_t i = 0; i < plan->lives; i++) {
        struct sc_scope scope;
        sc_scope_open(run, &scope);
        struct record *newest = build_life(&scope, plan, tree, &rng);
        sc_use(&scope);
        sum = sum_of_life(newest, sum);
        sc_release(&scope);
        if (HX_FREES_EACH) {
            drop_life(&scope, newest);
        }
        sc_scope_close(&scope);
    }
    sum = sum_of_tree(tree, sum);
    if (HX_FREES_EACH) {
        drop_tree(&stay, tree);
    }
    sc_hold_close(&stay);
    return sum;
}

static const struct sc_info info = {
    .name = "gc_pacing",
    .why = "A tree that stays and short lives beside it: freeing early against collecting.",
    .zeroed = SC_ZEROED,
    .scopes_open = 2,
    .backends = "malloc,mimalloc,arena-*,gcheap*,bdwgc,bump",
    .dials = {[SC_PROFILE_QUICK] = {{1.0, 1, 8}, {2.0, 1, 8}},
              [SC_PROFILE_FULL] = {{1.0, 1, 5}, {2.0, 1, 8}},
              [SC_PROFILE_GATE] = {[SC_PAGES_HUGE] = {1.0, 1, 16}}},
    .setup = setup,
};

SC_SCENARIO(gc_pacing, info, cycle);
