/* test_go_arena.c - the tests of Go's runtime/arena_test.go and arena/arena_test.go under their own names.
 *
 * Those that need nothing but an arena; test_user_arena_gc.c has the ones about liveness and cloning. go_tests.list says where each
 * of Go's tests is, and a lint reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ua_debug.h>

#include "allocator/go_types.h"
#include "support/make_heap.h"

/* roots=registered throughout: what the compiler left on the stack keeps nothing. */

#define CHUNK ((size_t)8 << 20)

UA_SCALAR_TYPE(empty_type, struct {});
UA_SCALAR_TYPE(int_type, int64_t);

struct subtest {
    const struct ua_type *type;
    size_t cap;
};

static uint8_t pattern(size_t object, size_t at)
{
    return (uint8_t)(object * 131 + at * 7 + (at >> 8) + 1);
}

/* About a chunk of values or slices, each written whole, then all read back: they do not overlap, and nothing of ours is in them. */
static void run_subtest(struct ua_heap *heap, const struct subtest *test)
{
    struct ua_arena *arena = ua_arena_new(heap);
    size_t bytes = test->type->size_bytes * test->cap;
    size_t count = CHUNK / bytes > 0 ? CHUNK / bytes : 1;
    uint8_t **objects = malloc(count * sizeof *objects);

    for (size_t i = 0; i < count; i++) {
        objects[i] = ua_arena_alloc(arena, test->type, test->cap);
        assert_non_null(objects[i]);
        for (size_t at = 0; at < bytes; at += bytes > 65536 ? 509 : 1)
            objects[i][at] = pattern(i, at);
        objects[i][bytes - 1] = pattern(i, bytes - 1);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < bytes; at += bytes > 65536 ? 509 : 1)
            if (objects[i][at] != pattern(i, at))
                fail_msg("object %zu differs at byte %zu", i, at);
        assert_int_equal(objects[i][bytes - 1], pattern(i, bytes - 1));
    }
    ua_arena_free(arena);
    free(objects);
}

static void alloc_subtest(void **state)
{
    struct ua_heap *heap = ts_heap("go", "roots=registered");

    run_subtest(heap, *state);
    ua_heap_close(heap);
}

static void zero_size(void **state)
{
    struct ua_heap *heap = ts_heap("go", "roots=registered");
    struct ua_arena *arena = ua_arena_new(heap);
    const struct subtest *test = *state;
    void *zero_base = ua_heap_alloc(heap, &empty_type, 1);
    size_t before;
    size_t after;

    ua_arena_size(arena, &before, NULL);
    assert_ptr_equal(ua_arena_alloc(arena, test->type, test->cap), zero_base);
    ua_arena_size(arena, &after, NULL);
    assert_int_equal(before, after);
    ua_heap_close(heap);
}

static const struct subtest small_scalar = {&small_scalar_type, 1}, small_pointer = {&small_pointer_type, 1},
                            small_pointer_mix = {&small_pointer_mix_type, 1},
                            medium_scalar_even = {&medium_scalar_even_type, 1},
                            medium_scalar_odd = {&medium_scalar_odd_type, 1},
                            medium_pointer_even = {&medium_pointer_even_type, 1},
                            medium_pointer_odd = {&medium_pointer_odd_type, 1}, large_scalar = {&large_scalar_type, 1},
                            large_pointer = {&large_pointer_type, 1}, small_scalars = {&small_scalar_type, 25},
                            medium_pointers_odd = {&medium_pointer_odd_type, 5},
                            small_pointers = {&small_pointer_type, ((size_t)1 << 20) + 1}, nothing = {&empty_type, 1},
                            nothings = {&empty_type, 10}, no_ints = {&int_type, 0};

/* After all of it on one heap: a collection leaves no chunk waiting. */
static void whole_test(void **state)
{
    const struct subtest *const all[] = {&small_scalar,        &small_pointer,      &small_pointer_mix, &medium_scalar_even,
                                         &medium_scalar_odd,   &medium_pointer_even, &medium_pointer_odd, &large_scalar,
                                         &large_pointer,       &small_scalars,      &medium_pointers_odd, &small_pointers};
    struct ua_heap *heap = ts_heap("go", "roots=registered");
    struct ua_lists lists;

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        run_subtest(heap, all[i]);
    ua_collect(heap);
    ua_debug_lists(heap, &lists);
    assert_int_equal(lists.quarantine, 0);
    assert_int_equal(lists.fault, 0);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

struct t1 {
    int n;
};
UA_SCALAR_TYPE(t1_type, struct t1);

/* Length is the program's own affair in C; the capacity is there and is its own. */
static void smoke(void **state)
{
    struct ua_heap *heap = ts_heap("go", "roots=registered");
    struct ua_arena *arena = ua_arena_new(heap);
    struct t1 *one = ua_new(arena, &t1_type);
    struct t1 *slice = ua_slice(arena, &t1_type, 100);

    (void)state;
    one->n = 5;
    slice[1].n = 7;
    assert_int_equal(slice[1].n, 7);
    assert_int_equal(slice[99].n, 0);
    assert_int_equal(one->n, 5);
    assert_true((uintptr_t)(slice + 100) <= (uintptr_t)one);
    ua_arena_free(arena);
    ua_heap_close(heap);
}

UA_SCALAR_TYPE(mib_type, struct { uint8_t x[1 << 20]; });

static void smoke_large(void **state)
{
    struct ua_heap *heap = ts_heap("go", "roots=registered");
    struct ua_arena *arena = ua_arena_new(heap);
    size_t used;

    (void)state;
    for (int i = 0; i < 640; i++)
        assert_non_null(ua_new(arena, &mib_type));
    ua_arena_size(arena, &used, NULL);
    assert_true(used >= (size_t)640 << 20);
    ua_arena_free(arena);
    ua_heap_close(heap);
}

/* The running figures equal a walk of the heap after every step of an arena's life, reuse and quarantine included. */
static void read_mem_stats(void **state)
{
    struct ua_heap *heap = ts_heap("go", "roots=registered");
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_stats stats;

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++)
            assert_non_null(ua_new(arena, &mib_type));
        assert_non_null(ua_arena_alloc(arena, &large_scalar_type, 1));
        assert_non_null(ua_heap_alloc(heap, &small_pointer_mix_type, 50));
        ua_debug_verify(heap);
        ua_arena_free(arena);
        ua_debug_verify(heap);
        arena = ua_arena_new(heap);
        ua_debug_verify(heap);
        ua_collect(heap);
        ua_debug_verify(heap);
        ua_stats(heap, &stats);
        assert_int_equal(stats.heap_in_use_bytes, stats.in_heap_bytes);
        assert_int_equal(stats.total_alloc_bytes - stats.total_free_bytes, stats.heap_live_bytes);
    }
    ua_heap_close(heap);
}

#define CASE(name, fn, its) {name, fn, NULL, NULL, (void *)(uintptr_t)(its)}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE("TestUserArena/Alloc/smallScalar", alloc_subtest, &small_scalar),
        CASE("TestUserArena/Alloc/smallPointer", alloc_subtest, &small_pointer),
        CASE("TestUserArena/Alloc/smallPointerMix", alloc_subtest, &small_pointer_mix),
        CASE("TestUserArena/Alloc/mediumScalarEven", alloc_subtest, &medium_scalar_even),
        CASE("TestUserArena/Alloc/mediumScalarOdd", alloc_subtest, &medium_scalar_odd),
        CASE("TestUserArena/Alloc/mediumPointerEven", alloc_subtest, &medium_pointer_even),
        CASE("TestUserArena/Alloc/mediumPointerOdd", alloc_subtest, &medium_pointer_odd),
        CASE("TestUserArena/Alloc/largeScalar", alloc_subtest, &large_scalar),
        CASE("TestUserArena/Alloc/largePointer", alloc_subtest, &large_pointer),
        CASE("TestUserArena/Alloc/[]smallScalar", alloc_subtest, &small_scalars),
        CASE("TestUserArena/Alloc/[]mediumPointerOdd", alloc_subtest, &medium_pointers_odd),
        CASE("TestUserArena/Alloc/[]smallPointer", alloc_subtest, &small_pointers),
        CASE("TestUserArena/Alloc/struct{}", zero_size, &nothing),
        CASE("TestUserArena/Alloc/[]struct{}", zero_size, &nothings),
        CASE("TestUserArena/Alloc/[]int (cap 0)", zero_size, &no_ints),
        CASE("TestUserArena", whole_test, NULL),
        CASE("TestSmoke", smoke, NULL),
        CASE("TestSmokeLarge", smoke_large, NULL),
        CASE("TestReadMemStats", read_mem_stats, NULL),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
