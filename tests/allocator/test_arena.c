/* test_arena.c - Go's TestUserArena and TestSmoke, in C, for every preset; no collector needed.
 *
 * What they catch: overlapping objects, bitmap code that writes over data, wrong refill, wrong redirect of large objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "allocator/go_types.h"
#include "support/make_heap.h"

/* gogc=off throughout: objects are remembered in malloc memory, which a collection does not see. */

static const char *const presets[] = {"go", "kept", "safe"};

/* A byte pattern that differs from object to object and from word to word. */
static uint8_t pattern(size_t object, size_t byte)
{
    return (uint8_t)(object * 131 + byte * 7 + (byte >> 8) + 1);
}

static void fill(void *object, size_t index, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        assert_int_equal(((uint8_t *)object)[i], 0);
        ((uint8_t *)object)[i] = pattern(index, i);
    }
}

static void check(const void *object, size_t index, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (((const uint8_t *)object)[i] != pattern(index, i))
            fail_msg("object %zu differs at byte %zu", index, i);
}

/* Fills about one chunk with values (cap 1) or slices of a type, then reads all back. */
static void run_subtest(const char *preset, const struct ua_type *type, size_t cap)
{
    struct ua_heap *heap = ts_heap(preset, "gogc=off");
    struct ua_arena *arena = ua_arena_new(heap);
    size_t bytes = type->size_bytes * cap;
    size_t count = ((size_t)8 << 20) / bytes;
    void **objects;

    count = count == 0 ? 1 : count > 100000 ? 100000 : count;
    assert_non_null(arena);
    objects = calloc(count, sizeof *objects);
    for (size_t i = 0; i < count; i++) {
        objects[i] = ua_arena_alloc(arena, type, cap);
        assert_non_null(objects[i]);
        assert_int_equal((uintptr_t)objects[i] % type->align_bytes, 0);
        fill(objects[i], i, bytes);
    }
    for (size_t i = 0; i < count; i++)
        check(objects[i], i, bytes);
    ua_arena_free(arena);
    ua_heap_close(heap);
    free(objects);
}

static void test_user_arena_alloc(void **state)
{
    static const struct ua_type *const types[] = {
        &small_scalar_type,       &small_pointer_type,       &small_pointer_mix_type, &medium_scalar_even_type,
        &medium_scalar_odd_type,  &medium_pointer_even_type, &medium_pointer_odd_type};

    (void)state;
    for (size_t p = 0; p < 3; p++)
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
            run_subtest(presets[p], types[i], 1);
}

static void test_user_arena_alloc_large_scalar(void **state)
{
    (void)state;
    run_subtest("go", &large_scalar_type, 1);
}

static void test_user_arena_alloc_large_pointer(void **state)
{
    (void)state;
    run_subtest("go", &large_pointer_type, 1);
}

static void test_user_arena_slice_small_scalar(void **state)
{
    (void)state;
    run_subtest("go", &small_scalar_type, 25);
}

static void test_user_arena_slice_medium_pointer_odd(void **state)
{
    (void)state;
    run_subtest("safe", &medium_pointer_odd_type, 5);
}

static void test_user_arena_slice_small_pointer_larger_than_chunk(void **state)
{
    (void)state;
    run_subtest("go", &small_pointer_type, ((size_t)1 << 20) + 1);
}

struct nothing {
    int none[0];
};
UA_SCALAR_TYPE(nothing_type, struct nothing);

static void test_user_arena_zero_size(void **state)
{
    struct ua_heap *heap = ts_heap("go", "gogc=off");
    struct ua_arena *arena = ua_arena_new(heap);
    void *one = ua_new(arena, &nothing_type);
    size_t used_before;
    size_t used_after;

    (void)state;
    ua_arena_size(arena, &used_before, NULL);
    assert_non_null(one);
    assert_ptr_equal(ua_slice(arena, &nothing_type, 10), one);
    assert_ptr_equal(ua_slice(arena, &small_scalar_type, 0), one);
    assert_ptr_equal(ua_slice(arena, &small_pointer_type, 0), one);
    assert_false(ua_contains(heap, one));
    ua_arena_size(arena, &used_after, NULL);
    assert_int_equal(used_after, used_before);
    ua_arena_free(arena);
    ua_heap_close(heap);
}

/* The inlined path, for a pointerful and a pointer-free type, across refills. */
static void test_inlined_allocation(void **state)
{
    enum { COUNT = 700000 };
    struct ua_heap *heap;
    struct ua_arena *arena;
    struct small_pointer_mix *last = NULL;
    struct small_pointer_mix *node;
    size_t length = 0;

    (void)state;
    for (size_t p = 0; p < 3; p++) {
        heap = ts_heap(presets[p], "gogc=off");
        for (int round = 0; round < 2; round++) {
            arena = ua_arena_new(heap);
            last = NULL;
            for (size_t i = 0; i < COUNT; i++) {
                uintptr_t *number = ua_new(arena, &small_scalar_type);

                node = ua_new(arena, &small_pointer_mix_type);
                assert_true(node->a == NULL && node->b == 0 && node->c == NULL && *number == 0);
                *number = i;
                node->a = last;
                node->b = (uint8_t)i;
                node->c = (struct small_pointer_mix *)(void *)number;
                memset(node->d, 0xee, sizeof node->d);
                last = node;
            }
            length = 0;
            for (node = last; node != NULL; node = node->a, length++) {
                size_t i = COUNT - 1 - length;

                assert_true(node->b == (uint8_t)i && *(uintptr_t *)(void *)node->c == i);
            }
            assert_int_equal(length, COUNT);
            ua_arena_free(arena);
        }
        ua_heap_close(heap);
    }
}

struct t1 {
    int n;
};
UA_SCALAR_TYPE(t1_type, struct t1);

static void test_smoke(void **state)
{
    struct ua_heap *heap = ts_heap("safe", "gogc=off");
    struct ua_arena *arena = ua_arena_new(heap);
    struct t1 *one = ua_new(arena, &t1_type);
    struct t1 *many = ua_slice(arena, &t1_type, 100);

    (void)state;
    assert_non_null(one);
    many[1].n = 7;
    assert_int_equal(many[1].n, 7);
    assert_true((uintptr_t)(many + 100) <= (uintptr_t)one);
    ua_arena_free(arena);
    ua_heap_close(heap);
}

struct mib {
    uint8_t x[1 << 20];
};
UA_SCALAR_TYPE(mib_type, struct mib);

static void test_smoke_large(void **state)
{
    struct ua_options options;
    struct ua_heap *heap;
    struct ua_arena *arena;
    size_t held;
    struct ua_stats stats;

    (void)state;
    ua_options_preset(&options, "safe");
    options.gogc = UA_GOGC_OFF;
    options.sanitizer = UA_SANITIZER_OFF; /* a redzone would make it more than eight a chunk */
    heap = ua_heap_new(&options);
    arena = ua_arena_new(heap);
    for (int i = 0; i < 640; i++) {
        struct mib *object = ua_new(arena, &mib_type);

        assert_non_null(object);
        object->x[0] = 1;
    }
    ua_arena_size(arena, NULL, &held);
    assert_int_equal(held, (size_t)80 * 8 << 20);
    ua_arena_free(arena);
    ua_stats(heap, &stats);
    assert_int_equal(stats.chunks_quarantine + stats.chunks_reuse + stats.chunks_ready, 80);
    ua_heap_close(heap);
}

/* Ten heaps in one process, each with its own arenas; types are shared. */
static void test_ten_heaps(void **state)
{
    struct ua_heap *heaps[10];
    struct ua_arena *arenas[10];
    struct small_pointer *objects[10];

    (void)state;
    for (size_t i = 0; i < 10; i++) {
        heaps[i] = ts_heap(presets[i % 3], "gogc=off");
        arenas[i] = ua_arena_new(heaps[i]);
        objects[i] = ua_new(arenas[i], &small_pointer_type);
        objects[i]->x = objects[i];
    }
    for (size_t i = 0; i < 10; i++) {
        for (size_t k = 0; k < 10; k++)
            assert_int_equal(ua_contains(heaps[k], objects[i]), i == k);
        assert_ptr_equal(objects[i]->x, objects[i]);
    }
    for (size_t i = 0; i < 10; i++)
        ua_heap_close(heaps[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_user_arena_alloc),
        cmocka_unit_test(test_user_arena_alloc_large_scalar),
        cmocka_unit_test(test_user_arena_alloc_large_pointer),
        cmocka_unit_test(test_user_arena_slice_small_scalar),
        cmocka_unit_test(test_user_arena_slice_medium_pointer_odd),
        cmocka_unit_test(test_user_arena_slice_small_pointer_larger_than_chunk),
        cmocka_unit_test(test_user_arena_zero_size),
        cmocka_unit_test(test_inlined_allocation),
        cmocka_unit_test(test_smoke),
        cmocka_unit_test(test_smoke_large),
        cmocka_unit_test(test_ten_heaps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
