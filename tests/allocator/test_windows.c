/* test_windows.c - windows of zeroed memory: their lengths by size of object, and that what they promise is zero, whatever the order
 * of sizes, alignments and ends. Memory is dirtied before: each object is filled with ones as soon as it was looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <ua.h>

#include "arena/arena.h"
#include "support/make_heap.h"

#define KEPT "roots=registered sanitizer=off chunk_bytes="
#define LARGE_CHUNK_BYTES ((size_t)1 << 20)

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void assert_zero(uintptr_t from, uintptr_t to)
{
    const uint8_t *at = (const uint8_t *)from;

    while (at < (const uint8_t *)to && *at == 0)
        at++;
    assert_ptr_equal(at, (const uint8_t *)ua_max(from, to));
}

static const struct ua_type *type_of(struct ua_heap *heap, size_t size_bytes, size_t align_bytes, bool pointers)
{
    static const uint64_t first_word = 1;
    const struct ua_type *type = ua_type_make(heap, size_bytes, align_bytes, &first_word, pointers ? 1 : 0, "object");

    assert_non_null(type);
    return type;
}

static void *take_dirty(struct ua_arena *arena, const struct ua_type *type, size_t count)
{
    uint8_t *object = ua_arena_alloc(arena, type, count);

    assert_non_null(object);
    assert_zero((uintptr_t)object, (uintptr_t)object + count * type->size_bytes);
    memset(object, 0xff, count * type->size_bytes);
    return object;
}

/* An arena whose chunk was full of ones, and is at its start again. */
static struct ua_arena *dirty_arena(struct ua_heap *heap)
{
    struct ua_arena *arena = ua_arena_new(heap);
    const struct ua_type *type = type_of(heap, 64, 8, true);

    for (size_t i = 0; i < LARGE_CHUNK_BYTES / 64; i++)
        take_dirty(arena, type, 1);
    assert_int_equal(ua_arena_reset(arena), 0);
    return arena;
}

/* How far ahead of the object that hit its end each window of the front or back goes, in the chunk's first half: least and most. */
static void window_lengths(struct ua_arena *arena, const struct ua_type *type, size_t *least, size_t *most)
{
    const struct ua_arena_fast *fast = &arena->fast;
    const uintptr_t end = arena->active->base + LARGE_CHUNK_BYTES / 2;

    *least = SIZE_MAX;
    *most = 0;
    while (fast->front < end && fast->back > end) {
        uintptr_t limit = type->has_pointers ? fast->front_limit : fast->back_limit;
        uintptr_t at = type->has_pointers ? fast->front : fast->back;
        size_t length;

        take_dirty(arena, type, 1);
        if ((type->has_pointers ? fast->front_limit : fast->back_limit) == limit)
            continue;
        length = type->has_pointers ? fast->front_limit - at : at - fast->back_limit;
        *least = ua_min(*least, length);
        *most = ua_max(*most, length);
    }
}

static void test_windows_are_short_where_memory_is_dirty(void **state)
{
    static const size_t sizes[] = {8, 16, 40, 64, 512, 800, 2048};
    struct ua_heap *heap = ts_heap("kept", KEPT "1MiB");
    struct ua_arena *arena = dirty_arena(heap);
    size_t least;
    size_t most;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int pointers = 0; pointers < 2; pointers++) {
            window_lengths(arena, type_of(heap, sizes[i], 8, pointers != 0), &least, &most);
            assert_in_range(least, ua_max(UA_WINDOW_SHORT_BYTES, sizes[i]), SIZE_MAX);
            assert_in_range(most, least, ua_max(UA_WINDOW_SHORT_BYTES, sizes[i]) + UA_CACHE_LINE_BYTES);
            assert_int_equal(ua_arena_reset(arena), 0);
        }
    ua_arena_free(arena);
    ua_heap_close(heap);
}

static void test_windows_of_large_objects_double(void **state)
{
    struct ua_heap *heap = ts_heap("kept", KEPT "1MiB");
    struct ua_arena *arena = dirty_arena(heap);
    size_t least;
    size_t most;

    (void)state;
    for (int pointers = 0; pointers < 2; pointers++) {
        window_lengths(arena, type_of(heap, 4096, 8, pointers != 0), &least, &most);
        assert_int_equal(least, UA_WINDOW_FIRST_BYTES);
        assert_int_equal(most, UA_WINDOW_MAX_BYTES);
        assert_int_equal(ua_arena_reset(arena), 0);
    }
    ua_arena_free(arena);
    ua_heap_close(heap);
}

/* Nothing has to be cleared there, so no object need come back soon. */
static void test_windows_of_new_memory_double(void **state)
{
    struct ua_heap *heap = ts_heap("kept", KEPT "1MiB");
    struct ua_arena *arena = ua_arena_new(heap);
    size_t least;
    size_t most;

    (void)state;
    window_lengths(arena, type_of(heap, 40, 8, true), &least, &most);
    assert_int_equal(most, UA_WINDOW_MAX_BYTES);
    ua_arena_free(arena);
    ua_heap_close(heap);
}

/* Sizes, counts, alignments and ends as they come, chunk after chunk to its end; under kept each life finds the dirt of the one before,
 * under safe that of many. */
static void random_lives(const char *preset, const char *settings, uint64_t seed)
{
    static const size_t sizes[] = {8, 16, 24, 40, 64, 136, 512, 800, 1024, 2048, 2056, 4096, 8192};
    enum { SIZES = sizeof sizes / sizeof sizes[0] };
    struct ua_heap *heap = ts_heap(preset, settings);
    const struct ua_type *types[SIZES][3][2];
    uint64_t random = seed;

    for (size_t i = 0; i < SIZES; i++)
        for (size_t a = 0; a < 3; a++)
            for (size_t p = 0; p < 2; p++) {
                size_t align_bytes = a == 0 ? 8 : a == 1 ? 64 : 1024;

                types[i][a][p] = type_of(heap, ua_align_up(sizes[i], align_bytes), align_bytes, p != 0);
            }
    for (int life = 0; life < 60; life++) {
        struct ua_arena *arena = ua_arena_new(heap);
        size_t favourite = next_random(&random) % SIZES;
        size_t pointers_of_8 = next_random(&random) % 9;
        size_t left_bytes = next_random(&random) % ((size_t)640 << 10);

        while (left_bytes > 0) {
            uint64_t draw = next_random(&random);
            size_t size = draw % 4 != 0 ? favourite : (draw >> 3) % SIZES;
            const struct ua_type *type = types[size][(draw >> 8) % 16 < 14 ? 0 : 1 + (draw >> 12) % 2][(draw >> 13) % 8 < pointers_of_8];
            size_t count = (draw >> 16) % 8 == 0 ? 1 + (draw >> 19) % 3 : 1;
            const struct ua_arena_fast *fast = &arena->fast;

            take_dirty(arena, type, count);
            assert_true(fast->front <= fast->front_limit && fast->front_limit <= fast->back_limit && fast->back_limit <= fast->back);
            if ((draw >> 24) % 64 == 0) { /* the whole promise, now and then */
                assert_zero(fast->front, fast->front_limit);
                assert_zero(fast->back_limit, fast->back);
            }
            left_bytes -= ua_min(left_bytes, count * type->size_bytes);
        }
        ua_arena_free(arena);
    }
    ua_heap_close(heap);
}

static void test_what_windows_promise_is_zero(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        random_lives("kept", KEPT "64KiB", seed);
        random_lives("kept", KEPT "1MiB", seed);
        random_lives("safe", KEPT "64KiB gogc=off quarantine_limit=256KiB", seed);
        random_lives("safe", KEPT "1MiB gogc=off quarantine_limit=2MiB", seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows_are_short_where_memory_is_dirty),
        cmocka_unit_test(test_windows_of_large_objects_double),
        cmocka_unit_test(test_windows_of_new_memory_double),
        cmocka_unit_test(test_what_windows_promise_is_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
