/* test_giant_types.c - types with more than 128 KiB of pointers: the mask is a program, the bits are the flat mask's.
 *
 * Why a byte a word: the model must share nothing with programs, periods and words. Bitmap of arena objects, slices across
 * word boundaries, the type's own reading, and what a mark keeps alive are held against it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ua_debug.h>

#include "arena/arena.h"

#define WORDS_MAX ((size_t)400000)

static uint8_t model[WORDS_MAX]; /* 1: a pointer */
static uint64_t mask[WORDS_MAX / 64 + 1];
static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static struct ua_heap *giant_heap(void)
{
    struct ua_options options;

    assert_int_equal(ua_options_preset(&options, "safe"), 0);
    options.chunk_bytes = (size_t)64 << 20; /* objects up to 16 MiB stay in the arena */
    options.roots = UA_ROOTS_REGISTERED;
    options.gogc = UA_GOGC_OFF;
    options.quarantine_limit_bytes = 0;
    options.verify = UA_VERIFY_BITMAP;
    return ua_heap_new(&options);
}

/* Shapes; each fills model[0, words). */
enum shape { ALL, EVERY_OTHER, THIRDS, NESTED, LONG_PERIOD, HEADER_ARRAY_TAIL, SPARSE, RANDOM, JUST_FLAT, JUST_GIANT, SHAPES };

static const struct {
    size_t words;
    bool compact;
} shapes[SHAPES] = {
    [ALL] = {400000, true},        [EVERY_OTHER] = {20000, true},        [THIRDS] = {99999, true},
    [NESTED] = {300000, true},     [LONG_PERIOD] = {10007 * 20, true},   [HEADER_ARRAY_TAIL] = {200001, true},
    [SPARSE] = {250000, true},     [RANDOM] = {65536, false},            [JUST_FLAT] = {16384, false},
    [JUST_GIANT] = {16385, true},
};

static uint8_t bit_of(enum shape shape, size_t word, const uint8_t *noise)
{
    switch (shape) {
    case ALL:
    case JUST_FLAT:
    case JUST_GIANT:
        return 1;
    case EVERY_OTHER:
        return word % 2;
    case THIRDS:
        return word % 3 != 1;
    case NESTED: /* 250 words: an array of 60 x {p, w, p}, then scalars, then one pointer */
        return word % 250 < 180 ? word % 250 % 3 != 1 : word % 250 == 249;
    case LONG_PERIOD:
        return noise[word % 10007];
    case HEADER_ARRAY_TAIL:
        return word < 5 ? word % 2 == 0 : word < 150000 ? (word - 5) % 7 < 2 : word < 150300 ? noise[word % 10007] : word > 180000;
    case SPARSE:
        return word % 50000 == 17;
    default:
        return next_random() & 1;
    }
}

static void make_model(enum shape shape)
{
    static uint8_t noise[10007];

    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = next_random() & 1;
    memset(mask, 0, sizeof mask);
    for (size_t i = 0; i < shapes[shape].words; i++) {
        model[i] = bit_of(shape, i, noise);
        if (model[i])
            mask[i / 64] |= (uint64_t)1 << (i % 64);
    }
}

static void check_bitmap(struct ua_heap *heap, const void *object, size_t words, size_t count)
{
    struct ua_where where;
    size_t first;
    uint64_t *bits;

    assert_int_equal(ua_debug_where(heap, object, &where), 0);
    first = where.offset_bytes / 8;
    bits = malloc((words * count / 64 + 2) * 8);
    assert_int_equal(ua_debug_bitmap(heap, object, first / 64, words * count / 64 + 2, bits, NULL), 0);
    for (size_t i = 0; i < words * count; i++) {
        size_t bit = first % 64 + i;

        if ((bits[bit / 64] >> (bit % 64) & 1) != model[i % words])
            fail_msg("word %zu of a type of %zu words is %u in the bitmap", i % words, words, !model[i % words]);
    }
    free(bits);
}

static size_t program_bytes(const struct ua_layout *layout)
{
    const struct ua_mask_program *program = &layout->program;
    const struct ua_mask_run *last = &program->runs[program->run_count - 1];

    return (program->run_count + 1) * sizeof *last + (last->pattern_bit + last->period_words + 7) / 8;
}

static void check_layout(const struct ua_layout *layout, enum shape shape)
{
    size_t words = shapes[shape].words;

    assert_int_equal(layout->mask == NULL, shapes[shape].compact);
    for (size_t i = 0; i < words; i++)
        assert_int_equal(ua_layout_bit(layout, i), model[i]);
    for (size_t i = 0; i < layout->ptrdata_words; i += 64) {
        uint64_t bits = ua_layout_bits(layout, i);

        for (size_t j = 0; j < 64; j++)
            assert_int_equal(bits >> j & 1, i + j < words ? model[i + j] : 0);
    }
    if (shapes[shape].compact && program_bytes(layout) * 4 > words / 8)
        fail_msg("shape %d: a program of %zu bytes for a mask of %zu", (int)shape, program_bytes(layout), words / 8);
}

static void test_programs_say_what_masks_say(void **state)
{
    (void)state;
    for (enum shape shape = 0; shape < SHAPES; shape++) {
        struct ua_heap *heap = giant_heap();
        struct ua_arena *arena = ua_arena_new(heap);
        size_t words = shapes[shape].words;
        uint64_t one = 1;
        const struct ua_type *odd = ua_type_make(heap, 8 * (1 + shape * 7), 8, &one, 1, "odd");
        const struct ua_type *type;

        make_model(shape);
        type = ua_type_make(heap, words * 8, 8, mask, words, "giant");
        assert_non_null(type);
        check_layout(type->cache->layout, shape);
        for (size_t count = 1; count <= 3; count++) {
            void *object;

            assert_non_null(ua_arena_alloc(arena, odd, count)); /* the frontier anywhere in a word */
            object = ua_arena_alloc(arena, type, count);
            assert_non_null(object);
            check_bitmap(heap, object, words, count);
        }
        ua_debug_verify(heap);
        ua_heap_close(heap);
    }
}

struct element {
    void *first;
    uint64_t number;
    void *rest[3];
};

UA_TYPE(element_type, struct element, UA_PTR(first), UA_PTRS(rest, 3));

struct giant {
    uint64_t length;
    void *head;
    struct element elements[30000];
    char text[4096];
    void *tail;
};

UA_TYPE(giant_type, struct giant, UA_PTR(tail), UA_NESTED(elements, element_type), UA_PTR(head));

static void test_a_compile_time_type(void **state)
{
    struct ua_heap *heap = giant_heap();
    struct ua_arena *arena = ua_arena_new(heap);
    size_t words = sizeof(struct giant) / 8;
    struct giant *giant = ua_new(arena, &giant_type);
    const struct ua_layout *layout = giant_type_cache.layout;

    (void)state;
    memset(model, 0, words);
    model[1] = 1;
    model[words - 1] = 1;
    for (size_t i = 0; i < 30000; i++)
        for (size_t j = 0; j < 5; j++)
            model[2 + i * 5 + j] = j != 1;
    assert_non_null(giant);
    check_bitmap(heap, giant, words, 1);
    assert_null(layout->mask);
    assert_true(program_bytes(layout) <= 512);
    assert_int_equal(layout->ptrdata_words, words);
    giant = ua_slice(arena, &giant_type, 4);
    check_bitmap(heap, giant, words, 4);
    ua_heap_close(heap);
}

UA_SCALAR_TYPE(marker_type, uint64_t);

static size_t finalized;

static void count_final(void *object, void *context)
{
    (void)object;
    (void)context;
    finalized++;
}

/* Objects reachable through pointer slots only, and through scalar slots only, from a large object and from an arena. */
static void check_what_lives(struct ua_heap *heap, void **object, size_t words)
{
    enum { EACH = 200 };
    size_t scalars = 0;

    for (size_t i = 0; i < EACH; i++) {
        size_t word = next_random() % words;

        if (object[word] != NULL)
            continue;
        object[word] = ua_heap_alloc(heap, &marker_type, 1);
        assert_int_equal(ua_finalizer_set(heap, object[word], count_final, NULL), 0);
        scalars += !model[word];
    }
    finalized = 0;
    ua_collect(heap);
    ua_collect(heap);
    assert_int_equal(finalized, scalars);
    memset(object, 0, words * 8);
    ua_collect(heap);
    ua_collect(heap);
}

static void test_marks_read_programs(void **state)
{
    (void)state;
    for (enum shape shape = 0; shape < SHAPES; shape++) {
        struct ua_heap *heap = giant_heap();
        struct ua_arena *arena = ua_arena_new(heap);
        size_t words = shapes[shape].words;
        const struct ua_type *type;
        void **large = NULL;

        make_model(shape);
        type = ua_type_make(heap, words * 8, 8, mask, words, "giant");
        ua_root_add(heap, (void **)&large);
        large = ua_heap_alloc(heap, type, 1);
        assert_non_null(large);
        assert_false(ua_contains(heap, large));
        check_what_lives(heap, large, words);
        check_what_lives(heap, ua_arena_alloc(arena, type, 1), words);
        ua_root_remove(heap, (void **)&large);
        ua_heap_close(heap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs_say_what_masks_say),
        cmocka_unit_test(test_a_compile_time_type),
        cmocka_unit_test(test_marks_read_programs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
