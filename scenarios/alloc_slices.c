/* alloc_slices - arrays that come zeroed and are hardly written: what the bitmap of a slice costs.
 *
 * Why: an allocator that tells a collector where the pointers are must write a bitmap as long as the slice. Each name is one kind:
 * `p` elements of one pointer, `m` elements of 40 bytes with two, `n` the same bytes without any; the number is the count of
 * elements. p or m less n of the same size is the price of the bitmap. SC_ZEROED 1: the program relies on zeros, so malloc is calloc
 * and a region clears; only the first and last element are written.
 * A life takes 6.25 MiB, less than a chunk. */
#define SC_ZEROED 1
#include "scenarios/common/sc_life_plan.h"
#include "scenarios/common/sc_scenario.h"
#include "scenarios/common/sc_scope.h"

struct pointer {
    struct pointer *to;
};
struct mixed {
    struct mixed *to;
    uint64_t value;
    struct mixed *other;
    uint64_t rest[2];
};
/* Without pointers as far as the allocator knows; sizes of the two above. */
struct word {
    uint64_t to;
};
struct words {
    uint64_t to;
    uint64_t rest[4];
};
HX_TYPE(pointer_type, struct pointer, HX_PTR(to));
HX_TYPE(mixed_type, struct mixed, HX_PTR(to), HX_PTR(other));
HX_SCALAR_TYPE(word_type, struct word);
HX_SCALAR_TYPE(words_type, struct words);
_Static_assert(sizeof(struct mixed) == 40 && sizeof(struct words) == 40, "the speed goals name 40 bytes");

#define LIFE_BYTES_AT_SCALE_1 6553600.0

enum { LIVES_PER_CYCLE = 5 };

static const void *setup(const struct sc_setup *setup) {
    return sc_life_plan(setup, LIFE_BYTES_AT_SCALE_1);
}

/* One life of slices of `elements` of struct T: element 0 links to the slice before, the last one to its own slice. A second walk reads
 * both back and the zeros between by sample. */
#define LIFE(T, elements, LINK, UNLINK)                                                   \
    do {                                                                                  \
        struct T *last = NULL;                                                            \
        uint64_t slices = plan->life_bytes / ((elements) * sizeof(struct T));             \
        slices = slices == 0 ? 1 : slices;                                                \
        struct sc_scope scope;                                                            \
        sc_scope_open(run, &scope);                                                       \
        for (uint64_t i = 0; i < slices; i++) {                                           \
            struct T *slice = sc_slice(&scope, &T##_type, elements);                      \
            LINK(slice[0].to, last);                                                      \
            LINK(slice[(elements)-1].to, slice);                                          \
            last = slice;                                                                 \
        }                                                                                 \
        sc_use(&scope);                                                                   \
        uint64_t whole = 0;                                                               \
        for (struct T *slice = last; slice != NULL; slice = UNLINK(slice[0].to)) {        \
            whole += UNLINK(slice[(elements)-1].to) == slice;                             \
            whole += UNLINK(slice[(elements) / 2].to) == NULL;                            \
        }                                                                                 \
        sum = hx_checksum_word(sum, plan->value + whole);                                 \
        sc_release(&scope);                                                               \
        while (HX_FREES_EACH && last != NULL) {                                           \
            struct T *before = UNLINK(last[0].to);                                        \
            sc_free(&scope, last, (elements) * sizeof *last);                             \
            last = before;                                                                \
        }                                                                                 \
        sc_scope_close(&scope);                                                           \
    } while (0)

#define LINK_POINTER(slot, value) hx_store(&(slot), value)
#define UNLINK_POINTER(slot) (slot)
#define LINK_NUMBER(slot, value) ((slot) = (uint64_t)(uintptr_t)(value))
#define UNLINK_NUMBER(slot) ((void *)(uintptr_t)(slot))

#define SLICES(suffix, T, elements, KIND, what)                                                                       \
    HX_INLINE uint64_t cycle_##suffix(struct sc_run *run, const struct sc_life_plan *plan) {                                  \
        uint64_t sum = HX_CHECKSUM_INIT;                                                                              \
        for (size_t life = 0; life < LIVES_PER_CYCLE; life++) {                                                       \
            LIFE(T, elements, LINK_##KIND, UNLINK_##KIND);                                                            \
        }                                                                                                             \
        return sum;                                                                                                   \
    }                                                                                                                 \
    static const struct sc_info info_##suffix = {                                                                     \
        .name = "alloc_slices_" #suffix,                                                                              \
        .why = "Zeroed slices of " what ", hardly written: the price of the bitmap.",                                 \
        .zeroed = SC_ZEROED,                                                                                          \
        .backends = "malloc,arena-*,bump",                                                                            \
        .arms = "each,reuse,collect,bulk",                                                                            \
        .dials = {[SC_PROFILE_QUICK] = {[SC_PAGES_HUGE] = {1.0, 3, 8}},                                               \
                  [SC_PROFILE_FULL] = {[SC_PAGES_HUGE] = {1.0, 3, 8}},                                                \
                  [SC_PROFILE_GATE] = {[SC_PAGES_HUGE] = {0.25, 2, 16}}},                                             \
        .setup = setup,                                                                                               \
    };                                                                                                                \
    SC_SCENARIO(alloc_slices_##suffix, info_##suffix, cycle_##suffix)

SLICES(p100, pointer, 100, POINTER, "100 pointers");
SLICES(n100, word, 100, NUMBER, "100 words without pointers");
SLICES(m100, mixed, 100, POINTER, "100 elements of 40 bytes with two pointers");
SLICES(m1000, mixed, 1000, POINTER, "1,000 elements of 40 bytes with two pointers");
SLICES(m10000, mixed, 10000, POINTER, "10,000 elements of 40 bytes with two pointers");
SLICES(w100, words, 100, NUMBER, "100 elements of 40 bytes without pointers");
SLICES(w1000, words, 1000, NUMBER, "1,000 elements of 40 bytes without pointers");
SLICES(w10000, words, 10000, NUMBER, "10,000 elements of 40 bytes without pointers");
