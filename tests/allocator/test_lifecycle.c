/* test_lifecycle.c - where chunks go, and what the ledger says, step by step; no collector runs.
 *
 * The figures are Go's (research: statistics of a chunk's life); a chunk moves 8 MiB between accounts at each step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ua_debug.h>

#include "allocator/go_types.h"
#include "support/make_heap.h"

#define CHUNK ((uint64_t)8 << 20)

static void expect_lists(struct ua_heap *heap, size_t reuse, size_t ready, size_t quarantine, size_t fault)
{
    struct ua_lists lists;

    ua_debug_lists(heap, &lists);
    assert_int_equal(lists.reuse, reuse);
    assert_int_equal(lists.ready, ready);
    assert_int_equal(lists.quarantine, quarantine);
    assert_int_equal(lists.fault, fault);
}

/* `count` objects of 1 MiB: eight fill a chunk. */
struct mib {
    uint8_t x[1 << 20];
};
UA_SCALAR_TYPE(mib_type, struct mib);

UA_SCALAR_TYPE(t_byte_type, uint8_t);

static void take_mib(struct ua_arena *arena, size_t count)
{
    while (count-- > 0)
        assert_non_null(ua_new(arena, &mib_type));
}

static void test_new_arena_takes_a_chunk(void **state)
{
    struct ua_heap *heap = ts_heap("go", TS_QUIET);
    struct ua_stats before = ts_stats(heap);
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_stats after = ts_stats(heap);

    (void)state;
    assert_int_equal(after.heap_in_use_bytes - before.heap_in_use_bytes, CHUNK);
    assert_int_equal(after.in_heap_bytes - before.in_heap_bytes, CHUNK);
    assert_int_equal(after.committed_bytes - before.committed_bytes, CHUNK);
    assert_int_equal(after.heap_live_bytes - before.heap_live_bytes, CHUNK);
    assert_int_equal(after.total_alloc_bytes - before.total_alloc_bytes, CHUNK);
    assert_int_equal(after.large_alloc_bytes - before.large_alloc_bytes, CHUNK);
    assert_int_equal(after.large_alloc_count - before.large_alloc_count, 1);
    assert_int_equal(after.heap_released_bytes, 0);
    expect_lists(heap, 0, 7, 0, 0);
    ua_arena_free(arena);
    expect_lists(heap, 1, 7, 0, 0);
    ua_heap_close(heap);
}

static void free_of_three_chunks(const char *preset, uint64_t kept, size_t ready, size_t quarantine)
{
    struct ua_heap *heap = ts_heap(preset, TS_QUIET);
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_stats before;
    struct ua_stats after;

    take_mib(arena, 20);
    before = ts_stats(heap);
    assert_int_equal(before.chunks_active, 3);
    ua_arena_free(arena);
    after = ts_stats(heap);
    assert_int_equal(before.heap_in_use_bytes - after.heap_in_use_bytes, 2 * CHUNK);
    assert_int_equal(before.committed_bytes - after.committed_bytes, 2 * CHUNK);
    assert_int_equal(before.heap_live_bytes - after.heap_live_bytes, 2 * CHUNK);
    assert_int_equal(after.total_free_bytes - before.total_free_bytes, 2 * CHUNK);
    assert_int_equal(after.large_free_bytes - before.large_free_bytes, 2 * CHUNK);
    assert_int_equal(after.large_free_count - before.large_free_count, 2);
    assert_int_equal(after.kept_resident_bytes, kept);
    assert_int_equal(after.chunks_active, 0);
    expect_lists(heap, 1, ready, quarantine, 0);
    ua_heap_close(heap);
}

static void test_free_sets_full_chunks_to_fault(void **state)
{
    (void)state;
    free_of_three_chunks("go", 0, 5, 2);
    free_of_three_chunks("safe", 2 * CHUNK, 5, 2);
    free_of_three_chunks("kept", 2 * CHUNK, 7, 0);
}

static void test_neighbours_are_protected_in_one_call(void **state)
{
    struct ua_heap *heap = ts_heap("safe", TS_QUIET);
    struct ua_arena *arena = ua_arena_new(heap);

    (void)state;
    take_mib(arena, 7 * 8);
    ua_arena_free(arena);
    assert_int_equal(ts_stats(heap).sys_protect_count, 1);
    assert_int_equal(ts_stats(heap).chunks_quarantine, 6);
    ua_heap_close(heap);
}

static void test_go_calls_per_chunk(void **state)
{
    struct ua_heap *heap = ts_heap("go", TS_QUIET);
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_stats stats;

    (void)state;
    take_mib(arena, 20);
    stats = ts_stats(heap);
    assert_int_equal(stats.sys_map_count, 3);
    assert_int_equal(stats.sys_advise_count, 3);
    assert_int_equal(stats.sys_release_count, 0);
    ua_arena_free(arena);
    stats = ts_stats(heap);
    assert_int_equal(stats.sys_release_count, 2);
    assert_int_equal(stats.sys_map_count, 3);
    assert_int_equal(stats.sys_protect_count, 0);
    ua_heap_close(heap);
}

static void test_reuse_list_is_last_in_first_out(void **state)
{
    struct ua_heap *heap = ts_heap("go", TS_QUIET);
    struct ua_arena *arenas[3];
    void *objects[3];
    struct ua_where before[3];
    struct ua_where again;

    (void)state;
    for (int i = 0; i < 3; i++) {
        arenas[i] = ua_arena_new(heap);
        objects[i] = ua_new(arenas[i], &small_pointer_type);
        assert_int_equal(ua_debug_where(heap, objects[i], &before[i]), 0);
    }
    for (int i = 0; i < 3; i++)
        ua_arena_free(arenas[i]);
    expect_lists(heap, 3, 5, 0, 0);
    for (int i = 2; i >= 0; i--) {
        struct ua_arena *arena = ua_arena_new(heap);
        void *object = ua_new(arena, &small_pointer_type);

        /* The chunk goes on where it stopped. */
        assert_ptr_equal(object, (char *)objects[i] + 8);
        assert_int_equal(ua_debug_where(heap, object, &again), 0);
        assert_int_equal(again.chunk_base, before[i].chunk_base);
        assert_int_equal(again.free_low, 16);
    }
    expect_lists(heap, 0, 5, 0, 0);
    ua_heap_close(heap);
}

static void test_kept_rewinds(void **state)
{
    struct ua_heap *heap = ts_heap("kept", TS_QUIET);
    struct ua_arena *arena = ua_arena_new(heap);
    void *first = ua_new(arena, &small_pointer_type);
    struct small_pointer *again;

    (void)state;
    ((struct small_pointer *)first)->x = first;
    ua_arena_free(arena);
    arena = ua_arena_new(heap);
    again = ua_new(arena, &small_pointer_type);
    assert_ptr_equal(again, first);
    assert_null(again->x);
    again->x = again;
    assert_int_equal(ua_arena_reset(arena), 0);
    again = ua_new(arena, &small_pointer_type);
    assert_ptr_equal(again, first);
    assert_null(again->x);
    ua_heap_close(heap);
}

static void test_never_used_chunks_ascend(void **state)
{
    struct ua_heap *heap = ts_heap("go", TS_QUIET);
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_where where;
    uintptr_t last = 0;

    (void)state;
    /* Nine chunks: the ninth needs a second 64 MiB reservation. */
    for (int i = 0; i < 9; i++) {
        void *object = ua_new(arena, &mib_type);

        assert_int_equal(ua_debug_where(heap, object, &where), 0);
        if (i > 0 && i < 8)
            assert_int_equal(where.chunk_base, last + CHUNK);
        last = where.chunk_base;
        take_mib(arena, 7);
    }
    expect_lists(heap, 0, 7, 0, 0);
    ua_heap_close(heap);
}

/* A sweep puts recycled chunks in front of those that were never used, and these still ascend. */
static void test_recycled_chunks_come_first(void **state)
{
    struct ua_heap *heap = ts_heap("go", TS_QUIET);
    struct ua_arena *arena = ua_arena_new(heap);
    uintptr_t base = (uintptr_t)ua_new(arena, &small_pointer_type);
    uintptr_t order[5];

    (void)state;
    take_mib(arena, 7 + 8 + 1); /* chunks 0 and 1 full, 2 active */
    ua_arena_free(arena);
    expect_lists(heap, 1, 5, 2, 0);
    ua_collect(heap);
    expect_lists(heap, 1, 7, 0, 0);
    arena = ua_arena_new(heap);
    for (size_t i = 0; i < 5; i++) {
        struct small_pointer *first = ua_new(arena, &small_pointer_type);

        order[i] = ((uintptr_t)first - base) / CHUNK;
        take_mib(arena, i == 0 ? 6 : 7);
        take_mib(arena, i == 4 ? 0 : 1); /* into the next chunk */
        if (i < 4)
            assert_int_equal(ts_stats(heap).chunks_active, i + 2);
    }
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1] + order[2], 1); /* 0 and 1: the order among them is the sweep's */
    assert_int_equal(order[3], 3);
    assert_int_equal(order[4], 4);
    ua_heap_close(heap);
}

static void test_quarter_chunk_boundary(void **state)
{
    struct ua_heap *heap = ts_heap("go", TS_QUIET);
    struct ua_arena *arena = ua_arena_new(heap);
    struct ua_stats before = ts_stats(heap);
    struct ua_stats after;
    uint8_t *largest = ua_arena_alloc(arena, &t_byte_type, 2 << 20);
    uint8_t *beyond = ua_arena_alloc(arena, &t_byte_type, (2 << 20) + 1);

    (void)state;
    after = ts_stats(heap);
    assert_true(ua_contains(heap, largest));
    assert_false(ua_contains(heap, beyond));
    assert_int_equal(after.large_alloc_count - before.large_alloc_count, 1);
    assert_int_equal(after.heap_in_use_bytes - before.heap_in_use_bytes, (2 << 20) + 8192);
    assert_int_equal(beyond[2 << 20], 0);
    ua_heap_close(heap);
}

/* With small chunks a redirected object is often small: up to 32 KiB it shares a span of its size class, above it has one alone. */
static void test_small_redirects_use_size_classes(void **state)
{
    struct ua_heap *heap = ts_heap("go", TS_QUIET " chunk_bytes=64KiB");
    struct ua_arena *arena = ua_arena_new(heap);
    uint64_t before = ts_stats(heap).large_alloc_count;

    (void)state;
    assert_true(ua_contains(heap, ua_arena_alloc(arena, &t_byte_type, 16 << 10)));
    for (int i = 0; i < 3; i++) {
        assert_false(ua_contains(heap, ua_arena_alloc(arena, &t_byte_type, (16 << 10) + 1)));
        assert_false(ua_contains(heap, ua_arena_alloc(arena, &t_byte_type, 32 << 10)));
    }
    assert_int_equal(ts_stats(heap).large_alloc_count, before);
    assert_false(ua_contains(heap, ua_arena_alloc(arena, &t_byte_type, (32 << 10) + 1)));
    assert_int_equal(ts_stats(heap).large_alloc_count, before + 1);
    ua_debug_verify(heap);
    ua_heap_close(heap);
}

static void test_second_small_arena_costs_a_page(void **state)
{
    struct ua_heap *heap = ts_heap("safe", TS_QUIET);
    struct ua_arena *arena = ua_arena_new(heap);

    (void)state;
    ua_new(arena, &small_pointer_type);
    ua_new(arena, &small_scalar_type);
    assert_int_equal(ts_stats(heap).sys_advise_count, 0);
    for (int i = 0; i < 9000; i++)
        ua_new(arena, &small_pointer_type);
    assert_true(ts_stats(heap).sys_advise_count >= 1);
    ua_heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_arena_takes_a_chunk),
        cmocka_unit_test(test_free_sets_full_chunks_to_fault),
        cmocka_unit_test(test_neighbours_are_protected_in_one_call),
        cmocka_unit_test(test_go_calls_per_chunk),
        cmocka_unit_test(test_reuse_list_is_last_in_first_out),
        cmocka_unit_test(test_kept_rewinds),
        cmocka_unit_test(test_never_used_chunks_ascend),
        cmocka_unit_test(test_recycled_chunks_come_first),
        cmocka_unit_test(test_quarter_chunk_boundary),
        cmocka_unit_test(test_small_redirects_use_size_classes),
        cmocka_unit_test(test_second_small_arena_costs_a_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
