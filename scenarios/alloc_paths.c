/* alloc_paths - one kind of object, allocated and dropped: the allocation path and nothing else.
 *
 * Why: a workload shows what an allocator is worth, this shows what one call of it costs. Each name is one kind of object: `p` holds
 * pointers, `n` none, the number is its size in bytes; `_out` takes the type as a value that the compiler cannot see, so the call
 * goes out of line; `str` is text of 9 to 72 bytes. The loop is the same for all: take, link to the object before, write in full.
 *
 * A life takes 6.25 MiB of objects, less than a chunk of 8 MiB. Only each 1/128th object is read back: a walk over all of them would
 * cost more than allocating them. Where objects are freed one by one the walk along the links is part of the price. */
#define SC_ZEROED 0
#include "scenarios/common/sc_scenario.h"
#include "scenarios/common/sc_scope.h"

/* Objects are of the sizes that the speed goals name. `before` is the object allocated last: the drop follows it. */
struct p16 {
    struct p16 *before;
    uint64_t value;
};
struct p40 {
    struct p40 *before;
    uint64_t value;
    struct p40 *same;
    uint64_t rest[2];
};
struct p64 {
    struct p64 *before;
    uint64_t value;
    struct p64 *same[6];
};
/* The same without pointers as far as the allocator knows: the link is a number to it. */
struct n16 {
    uint64_t before;
    uint64_t value;
};
struct n40 {
    uint64_t before;
    uint64_t value;
    uint64_t rest[3];
};
struct n64 {
    uint64_t before;
    uint64_t value;
    uint64_t rest[6];
};
HX_TYPE(p16_type, struct p16, HX_PTR(before));
HX_TYPE(p40_type, struct p40, HX_PTR(before), HX_PTR(same));
HX_TYPE(p64_type, struct p64, HX_PTR(before), HX_PTRS(same, 6));
HX_SCALAR_TYPE(n16_type, struct n16);
HX_SCALAR_TYPE(n40_type, struct n40);
HX_SCALAR_TYPE(n64_type, struct n64);
_Static_assert(sizeof(struct p16) == 16 && sizeof(struct p40) == 40 && sizeof(struct p64) == 64, "the name says the size");
_Static_assert(sizeof(struct n16) == 16 && sizeof(struct n40) == 40 && sizeof(struct n64) == 64, "the name says the size");

#define LIFE_BYTES_AT_SCALE_1 6553600.0

enum {
    GROUPS = 128,          /* of each the first object is read back */
    LIVES_PER_CYCLE = 3,   /* 19 MiB, three chunks: a block holds refills, and a latency pass of the smallest objects 10 million calls */
    STRING_KINDS = 4096,   /* lengths drawn at set-up, used round and round */
    STRING_BYTES_LEAST = 9, /* room for the link */
    STRING_BYTES_SPREAD = 64,
};

struct plan {
    uint64_t value;
    uint64_t life_bytes;
    char text[STRING_BYTES_LEAST + STRING_BYTES_SPREAD];
    uint8_t length[STRING_KINDS];
};

static const void *setup(const struct sc_setup *setup) {
    struct plan *plan = sc_keep(sizeof *plan);
    struct hx_rng rng;
    hx_rng_init(&rng, setup->seed);
    plan->value = hx_rng_next(&rng) & 0xffffffff;
    plan->life_bytes = (uint64_t)(LIFE_BYTES_AT_SCALE_1 * setup->scale);
    for (size_t i = 0; i < sizeof plan->text; i++) {
        plan->text[i] = (char)('a' + hx_rng_below(&rng, 26));
    }
    for (size_t i = 0; i < STRING_KINDS; i++) {
        plan->length[i] = (uint8_t)(STRING_BYTES_LEAST + hx_rng_below(&rng, STRING_BYTES_SPREAD));
    }
    return plan;
}

/* How many objects of a group; a life has GROUPS of them. */
HX_INLINE uint64_t group_size(const struct plan *plan, uint64_t size_bytes) {
    uint64_t objects = plan->life_bytes / size_bytes / GROUPS;
    return objects == 0 ? 1 : objects;
}

/* Writing in full, by type. The link of a pointer-free object is a number. */
#define FILL_p16(object, link, word) \
    do {                             \
        hx_store(&(object)->before, link); \
        (object)->value = (word);    \
    } while (0)
#define FILL_p40(object, link, word)       \
    do {                                   \
        hx_store(&(object)->before, link); \
        hx_store(&(object)->same, object); \
        (object)->value = (word);          \
        (object)->rest[0] = (word);        \
        (object)->rest[1] = (word);        \
    } while (0)
#define FILL_p64(object, link, word)              \
    do {                                          \
        hx_store(&(object)->before, link);        \
        (object)->value = (word);                 \
        for (size_t f = 0; f < 6; f++) {          \
            hx_store(&(object)->same[f], object); \
        }                                         \
    } while (0)
#define FILL_n16(object, link, word)                  \
    do {                                              \
        (object)->before = (uint64_t)(uintptr_t)(link); \
        (object)->value = (word);                     \
    } while (0)
#define FILL_n40(object, link, word)                  \
    do {                                              \
        (object)->before = (uint64_t)(uintptr_t)(link); \
        (object)->value = (word);                     \
        for (size_t f = 0; f < 3; f++) {              \
            (object)->rest[f] = (word);               \
        }                                             \
    } while (0)
#define FILL_n64(object, link, word)                  \
    do {                                              \
        (object)->before = (uint64_t)(uintptr_t)(link); \
        (object)->value = (word);                     \
        for (size_t f = 0; f < 6; f++) {              \
            (object)->rest[f] = (word);               \
        }                                             \
    } while (0)

/* One life of objects of struct T. NEW is sc_new or sc_new_runtime; TYPE what it is given. */
#define LIFE(T, NEW, TYPE)                                                                \
    do {                                                                                  \
        const struct T *kept[GROUPS];                                                     \
        struct T *last = NULL;                                                            \
        uint64_t count = group_size(plan, sizeof(struct T));                              \
        uint64_t word = plan->value;                                                      \
        struct sc_scope scope;                                                            \
        sc_scope_open(run, &scope);                                                       \
        for (size_t g = 0; g < GROUPS; g++) {                                             \
            for (uint64_t i = 0; i < count; i++) {                                        \
                struct T *object = NEW(&scope, TYPE);                                     \
                FILL_##T(object, last, word);                                             \
                word++;                                                                   \
                last = object;                                                            \
            }                                                                             \
            kept[g] = last;                                                               \
        }                                                                                 \
        sc_use(&scope);                                                                   \
        for (size_t g = 0; g < GROUPS; g++) {                                             \
            sum = hx_checksum_word(sum, kept[g]->value);                                  \
        }                                                                                 \
        sc_release(&scope);                                                               \
        while (HX_FREES_EACH && last != NULL) {                                           \
            struct T *before = (struct T *)(uintptr_t)last->before;                       \
            sc_free(&scope, last, sizeof *last);                                          \
            last = before;                                                                \
        }                                                                                 \
        sc_scope_close(&scope);                                                           \
    } while (0)

#define BACKENDS_ALL "malloc,mimalloc,arena-*,mimalloc-heap,obstack,apr,bump"
#define BACKENDS_OUT "arena-safe,arena-kept,bump" /* the others' calls are out of line always */

/* Cycles a block: a block of the floor lasts more than 1 ms, a latency pass takes 10 million calls at most. */
enum { CYCLES_SMALL = 1, CYCLES_LARGE = 2 };
#define CYCLES(size_bytes) ((size_bytes) < 32 ? CYCLES_SMALL : CYCLES_LARGE)

#define INFO(name_text, why_text, backends_text, cycles)                      \
    {                                                                         \
        .name = name_text, .why = why_text, .zeroed = SC_ZEROED,              \
        .backends = backends_text, .arms = "each,reuse,collect,bulk",         \
        .dials = {[SC_PROFILE_QUICK] = {[SC_PAGES_HUGE] = {1.0, cycles, 8}},  \
                  [SC_PROFILE_FULL] = {[SC_PAGES_HUGE] = {1.0, cycles, 8}},   \
                  [SC_PROFILE_GATE] = {[SC_PAGES_HUGE] = {0.25, 1, 16}}},     \
        .setup = setup,                                                       \
    }

/* A scenario of struct T, and its twin whose type the compiler cannot see. */
#define OBJECTS(T, what)                                                                                              \
    HX_INLINE uint64_t cycle_##T(struct sc_run *run, const struct plan *plan) {                                       \
        uint64_t sum = HX_CHECKSUM_INIT;                                                                              \
        for (size_t life = 0; life < LIVES_PER_CYCLE; life++) {                                                       \
            LIFE(T, sc_new, &T##_type);                                                                               \
        }                                                                                                             \
        return sum;                                                                                                   \
    }                                                                                                                 \
    HX_INLINE uint64_t cycle_##T##_out(struct sc_run *run, const struct plan *plan) {                                 \
        hx_type *type = &T##_type;                                                                                    \
        __asm__("" : "+r"(type));                                                                                     \
        uint64_t sum = HX_CHECKSUM_INIT;                                                                              \
        for (size_t life = 0; life < LIVES_PER_CYCLE; life++) {                                                       \
            LIFE(T, sc_new_runtime, type);                                                                            \
        }                                                                                                             \
        return sum;                                                                                                   \
    }                                                                                                                 \
    static const struct sc_info info_##T = INFO("alloc_paths_" #T, what ", allocated and dropped.", BACKENDS_ALL,     \
                                                         CYCLES(sizeof(struct T)));                                   \
    static const struct sc_info info_##T##_out =                                                                      \
        INFO("alloc_paths_" #T "_out", what ", type known at run time only: the out-of-line path.", BACKENDS_OUT,     \
             CYCLES(sizeof(struct T)));                                                                               \
    SC_SCENARIO(alloc_paths_##T, info_##T, cycle_##T);                                                                \
    SC_SCENARIO(alloc_paths_##T##_out, info_##T##_out, cycle_##T##_out)

OBJECTS(p16, "Objects of 16 bytes with a pointer");
OBJECTS(p40, "Objects of 40 bytes with two pointers");
OBJECTS(p64, "Objects of 64 bytes with seven pointers");
OBJECTS(n16, "Objects of 16 bytes without pointers");
OBJECTS(n40, "Objects of 40 bytes without pointers");
OBJECTS(n64, "Objects of 64 bytes without pointers");

/* ---- text --------------------------------------------------------------------------------------------------------------- */

HX_INLINE void string_life(struct sc_run *run, const struct plan *plan, uint64_t *sum) {
    const char *kept[GROUPS];
    char *last = NULL;
    uint64_t count = group_size(plan, STRING_BYTES_LEAST + STRING_BYTES_SPREAD / 2);
    size_t at = 0;
    struct sc_scope scope;
    sc_scope_open(run, &scope);
    for (size_t g = 0; g < GROUPS; g++) {
        for (uint64_t i = 0; i < count; i++) {
            size_t length = plan->length[at % STRING_KINDS];
            char *text = sc_bytes(&scope, length);
            memcpy(text, plan->text, length);
            memcpy(text, &last, sizeof last);
            last = text;
            at++;
        }
        kept[g] = last;
    }
    sc_use(&scope);
    for (size_t g = 0; g < GROUPS; g++) {
        size_t length = plan->length[((g + 1) * count - 1) % STRING_KINDS];
        *sum = hx_checksum_bytes(*sum, kept[g] + sizeof last, length - sizeof last);
    }
    sc_release(&scope);
    while (HX_FREES_EACH && last != NULL) {
        char *before;
        memcpy(&before, last, sizeof before);
        at--;
        sc_free(&scope, last, plan->length[at % STRING_KINDS]);
        last = before;
    }
    sc_scope_close(&scope);
}

HX_INLINE uint64_t cycle_str(struct sc_run *run, const struct plan *plan) {
    uint64_t sum = HX_CHECKSUM_INIT;
    for (size_t life = 0; life < LIVES_PER_CYCLE; life++) {
        string_life(run, plan, &sum);
    }
    return sum;
}

static const struct sc_info info_str = INFO("alloc_paths_str", "Text of 9 to 72 bytes, allocated, copied and dropped.", BACKENDS_ALL, CYCLES_SMALL);
SC_SCENARIO(alloc_paths_str, info_str, cycle_str);
