/* test_model.c - random operations against a naive shadow.
 *
 * The shadow knows every living object by address, bytes and a fill value, and nothing of the allocator but ua.h and
 * ua_debug.h. After each allocation: inside one chunk or outside all, aligned, zeroed, no overlap. Every 1,000 steps and
 * after each free: contents intact, bitmap equal to a byte-per-word model, heap verified against its ledger. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ua_debug.h>

#define ARENAS 5
#define TYPES 24
#define OBJECTS_MAX 20000

struct object {
    uint8_t *at;
    size_t bytes;
    const struct ua_type *type;
    size_t type_index;
    uint8_t fill;
};

struct shadow_arena {
    struct ua_arena *arena;
    struct object *objects;
    size_t count;
    size_t bytes;
};

struct model {
    struct ua_heap *heap;
    struct ua_options options;
    uint64_t random;
    struct shadow_arena arenas[ARENAS];
    const struct ua_type *types[TYPES];
    uint64_t masks[TYPES][64];
    size_t mask_words[TYPES];
};

static uint64_t next_random(struct model *model)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return model->random;
}

static size_t below(struct model *model, size_t limit)
{
    return (size_t)(next_random(model) % limit);
}

static void make_types(struct model *model)
{
    static const size_t aligns[] = {8, 8, 8, 16, 64, 512, 1024, 4096};

    for (size_t i = 0; i < TYPES; i++) {
        if (i % 3 == 0) { /* pointer-free, any alignment */
            size_t align = (size_t)1 << below(model, i == 0 ? 13 : 6);

            model->types[i] = ua_type_make(model->heap, align * (1 + below(model, 40)), align, NULL, 0, "scalar");
        } else {
            size_t align = aligns[below(model, i < 12 ? 3 : 8)];
            size_t words = align / 8 * (1 + below(model, i % 5 == 0 ? 100 : 9));

            words = words > 4000 ? 512 : words;
            model->mask_words[i] = words;
            for (size_t w = 0; w < (words + 63) / 64; w++)
                model->masks[i][w] = i % 4 == 0 ? ~(uint64_t)0 : next_random(model);
            model->masks[i][0] |= 1;
            if (words % 64 != 0)
                model->masks[i][words / 64] &= ((uint64_t)1 << (words % 64)) - 1;
            model->types[i] = ua_type_make(model->heap, words * 8, align, model->masks[i], words, "pointers");
        }
        assert_non_null(model->types[i]);
    }
}

static void check_object(const struct object *object)
{
    for (size_t i = 0; i < object->bytes; i++)
        if (object->at[i] != object->fill)
            fail_msg("an object of %zu bytes was overwritten at byte %zu", object->bytes, i);
}

static int by_address(const void *a, const void *b)
{
    const struct object *x = a;
    const struct object *y = b;

    return x->at < y->at ? -1 : x->at > y->at;
}

static void check_arena(struct shadow_arena *shadow)
{
    for (size_t i = 0; i < shadow->count; i++)
        check_object(&shadow->objects[i]);
    qsort(shadow->objects, shadow->count, sizeof *shadow->objects, by_address);
    for (size_t i = 1; i < shadow->count; i++)
        assert_true(shadow->objects[i - 1].at + shadow->objects[i - 1].bytes <= shadow->objects[i].at);
}

/* A byte per word of every chunk that holds one of the arena's objects; other arenas' earlier objects of a reused chunk are
 * not known here, so only words of known objects are compared. */
static void check_bitmap(struct model *model, const struct shadow_arena *shadow)
{
    for (size_t i = 0; i < shadow->count; i++) {
        const struct object *object = &shadow->objects[i];
        size_t words = model->mask_words[object->type_index];
        struct ua_where where;
        uint64_t bits;

        if (words == 0 || !ua_contains(model->heap, object->at))
            continue;
        assert_int_equal(ua_debug_where(model->heap, object->at, &where), 0);
        for (size_t w = 0; w < object->bytes / 8; w++) {
            size_t bit = where.offset_bytes / 8 + w;
            size_t in_type = w % words;

            if (w == 0 || bit % 64 == 0)
                assert_int_equal(ua_debug_bitmap(model->heap, object->at, bit / 64, 1, &bits, NULL), 0);
            assert_int_equal(bits >> (bit % 64) & 1,
                             model->masks[object->type_index][in_type / 64] >> (in_type % 64) & 1);
        }
    }
}

static void check_all(struct model *model)
{
    for (size_t i = 0; i < ARENAS; i++)
        if (model->arenas[i].arena != NULL) {
            check_arena(&model->arenas[i]);
            check_bitmap(model, &model->arenas[i]);
        }
    ua_debug_verify(model->heap);
}

static void allocate(struct model *model, struct shadow_arena *shadow)
{
    size_t type_index = below(model, TYPES);
    const struct ua_type *type = model->types[type_index];
    size_t count = below(model, 4) != 0 ? 1 : below(model, 50);
    size_t bytes = type->size_bytes * count;
    uint8_t *at;
    struct ua_where where;

    if (below(model, 400) == 0) /* around the largest object */
        count = model->options.chunk_bytes / 4 / type->size_bytes + below(model, 2);
    bytes = type->size_bytes * count;
    at = ua_arena_alloc(shadow->arena, type, count);
    assert_non_null(at);
    if (bytes == 0)
        return;
    assert_int_equal((uintptr_t)at % type->align_bytes, 0);
    assert_int_equal(ua_contains(model->heap, at), bytes <= model->options.chunk_bytes / 4);
    if (ua_contains(model->heap, at)) {
        assert_int_equal(ua_debug_where(model->heap, at, &where), 0);
        assert_true(where.offset_bytes + bytes <= model->options.chunk_bytes);
        assert_true(where.offset_bytes + bytes <= where.free_low || where.offset_bytes >= where.free_high);
    }
    for (size_t i = 0; i < bytes; i++)
        if (at[i] != 0 && model->options.prezero != UA_PREZERO_NONE)
            fail_msg("byte %zu of a new object of %zu bytes is %u", i, bytes, at[i]);
    shadow->objects[shadow->count] = (struct object){at, bytes, type, type_index, (uint8_t)(1 + below(model, 255))};
    memset(at, shadow->objects[shadow->count].fill, bytes);
    shadow->count++;
    shadow->bytes += bytes;
}

static void end_arena(struct model *model, struct shadow_arena *shadow, bool reset)
{
    check_arena(shadow);
    if (reset) {
        assert_int_equal(ua_arena_reset(shadow->arena), 0);
    } else {
        ua_arena_free(shadow->arena);
        shadow->arena = NULL;
    }
    shadow->count = 0;
    shadow->bytes = 0;
    ua_debug_verify(model->heap);
}

static void step(struct model *model)
{
    struct shadow_arena *shadow = &model->arenas[below(model, ARENAS)];

    if (shadow->arena == NULL) {
        shadow->arena = ua_arena_new(model->heap);
        assert_non_null(shadow->arena);
    }
    if (shadow->count == OBJECTS_MAX || shadow->bytes > 3 * model->options.chunk_bytes || below(model, 700) == 0)
        end_arena(model, shadow, below(model, 3) == 0);
    else
        allocate(model, shadow);
}

static void run_model(const char *preset, const char *option, const char *value, size_t chunk_bytes, size_t steps)
{
    struct model *model = calloc(1, sizeof *model);

    assert_int_equal(ua_options_preset(&model->options, preset), 0);
    if (option != NULL)
        assert_int_equal(ua_options_set(&model->options, option, value), 0);
    model->options.chunk_bytes = chunk_bytes;
    model->options.gogc = UA_GOGC_OFF; /* the shadow lives in malloc memory, which a collection does not see */
    model->options.quarantine_limit_bytes = 0;
    model->heap = ua_heap_new(&model->options);
    assert_non_null(model->heap);
    model->random = 0x9e3779b97f4a7c15 ^ chunk_bytes ^ (uintptr_t)preset[0] << 40;
    make_types(model);
    for (size_t i = 0; i < ARENAS; i++)
        model->arenas[i].objects = calloc(OBJECTS_MAX, sizeof(struct object));
    for (size_t i = 0; i < steps; i++) {
        step(model);
        if (i % 1000 == 999)
            check_all(model);
    }
    check_all(model);
    for (size_t i = 0; i < ARENAS; i++)
        free(model->arenas[i].objects);
    ua_heap_close(model->heap);
    free(model);
}

#define KIB ((size_t)1 << 10)

static void test_model_safe(void **state)
{
    (void)state;
    run_model("safe", NULL, NULL, 64 * KIB, 6000);
    run_model("safe", "fault", "release", 1024 * KIB, 6000);
    run_model("safe", "prezero", "populate", 256 * KIB, 4000);
}

static void test_model_go(void **state)
{
    (void)state;
    run_model("go", NULL, NULL, 8192 * KIB, 3000);
    run_model("go", NULL, NULL, 128 * KIB, 6000);
    run_model("go", "huge_pages", "never", 512 * KIB, 4000);
}

static void test_model_kept(void **state)
{
    (void)state;
    run_model("kept", NULL, NULL, 64 * KIB, 8000);
    run_model("kept", NULL, NULL, 8192 * KIB, 3000);
    run_model("kept", "prezero", "chunk", 256 * KIB, 6000);
    run_model("kept", "quarantine", "on", 256 * KIB, 4000);
    run_model("kept", "fault", "release", 256 * KIB, 4000);
    run_model("kept", "prezero", "none", 256 * KIB, 4000);
    run_model("kept", NULL, NULL, 65536 * KIB, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_safe),
        cmocka_unit_test(test_model_go),
        cmocka_unit_test(test_model_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
