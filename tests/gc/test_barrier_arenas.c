/* test_barrier_arenas.c - handles and arenas that are abandoned or freed while a mark is open, and what a mark counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gc/barrier_support.h"
#include "gc/gc.h"
#include "include/ua_debug.h"
#include "support/death.h"

static size_t living_arenas(struct ua_heap *heap)
{
    struct ua_stats stats = ts_stats(heap);

    return (size_t)(stats.arena_new_count - stats.arena_free_count);
}

/* A handle lies in a slot; the slot is overwritten during the mark and the handle kept elsewhere. */
static void test_a_handle_is_told_like_a_pointer(void **state)
{
    struct fixture fixture = bs_open_fixture("go", "");
    struct gs_node *top;
    struct ua_arena *arena = ua_arena_new(fixture.heap);

    (void)state;
    bs_register_roots(&fixture);
    fixture.roots[0] = top = bs_new_node(fixture.heap, 1);
    top->left = (struct gs_node *)(void *)arena;
    ua_arena_abandon(arena);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[1] = fx_take_left(fixture.heap, top);
    ua_debug_mark_end(fixture.heap);
    assert_int_equal(living_arenas(fixture.heap), 1);
    fixture.roots[1] = NULL;
    ua_collect(fixture.heap);
    assert_int_equal(living_arenas(fixture.heap), 0);
    bs_close_fixture(&fixture);
}

/* The mark has passed the slot that holds the handle by the time the arena is abandoned. */
static void test_an_arena_abandoned_during_a_mark_waits_for_the_next(void **state)
{
    struct fixture fixture = bs_open_fixture("go", "");
    struct ua_arena *arena = ua_arena_new(fixture.heap);

    (void)state;
    bs_register_roots(&fixture);
    ua_debug_mark_begin(fixture.heap);
    ua_arena_abandon(arena);
    ua_debug_mark_end(fixture.heap);
    assert_int_equal(living_arenas(fixture.heap), 1);
    ua_collect(fixture.heap);
    assert_int_equal(living_arenas(fixture.heap), 0);
    bs_close_fixture(&fixture);
}

/* Chunks of an arena that is freed meanwhile stay readable until the mark ends; then stores into them are caught. */
static void test_an_arena_freed_during_a_mark(void **state)
{
    struct fixture fixture = bs_open_fixture("safe", "chunk_bytes=64KiB");
    struct ua_arena *arena = ua_arena_new(fixture.heap);
    struct gs_node *first = ua_arena_alloc(arena, gs_node_type(), 1);
    struct ua_lists lists;

    (void)state;
    bs_register_roots(&fixture);
    for (int i = 0; i < 10000; i++)
        ua_arena_alloc(arena, gs_node_type(), 1);
    first->left = bs_new_pair(&fixture, 30);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[0] = first->left;
    ua_arena_free(arena);
    ua_store(fixture.heap, (void **)&first->left, NULL);
    ua_debug_lists(fixture.heap, &lists);
    assert_true(lists.fault > 0);
    ua_debug_mark_end(fixture.heap);
    bs_expect_pair(&fixture, fixture.roots[0], 30);
    ua_debug_lists(fixture.heap, &lists);
    assert_int_equal(lists.fault, 0);
    bs_close_fixture(&fixture);
}

static void store_into_a_freed_arena(void *unused)
{
    struct fixture fixture = bs_open_fixture("safe", "chunk_bytes=64KiB");
    struct ua_arena *arena = ua_arena_new(fixture.heap);
    struct gs_node *first = ua_arena_alloc(arena, gs_node_type(), 1);

    (void)unused;
    assert_int_equal(ua_fault_handler_install(), 0);
    for (int i = 0; i < 10000; i++)
        ua_arena_alloc(arena, gs_node_type(), 1);
    ua_arena_free(arena);
    ua_store(fixture.heap, (void **)&first->left, NULL);
}

static void test_a_store_into_a_freed_arena_faults(void **state)
{
    (void)state;
    ab_expect_fatal(store_into_a_freed_arena, NULL, "accessed data from freed user arena");
}

/* What a mark counts as live is what it marked, by whomever. */
static uint64_t marked_bytes;

static void add_chunk(struct ua_span *chunk, void *unused)
{
    (void)unused;
    if (ua_span_kind(chunk) == UA_SPAN_CHUNK && ua_span_is_marked(chunk))
        marked_bytes += chunk->bytes;
}

static void count_marked(struct ua_heap *heap)
{
    marked_bytes = 0;
    ua_chunk_each(&heap->chunks, add_chunk, NULL);
    for (struct ua_node *node = ua_large_live(&heap->large)->first; node != NULL; node = node->next) {
        const struct ua_span *span = UA_CONTAINER(node, struct ua_span, node);

        marked_bytes += ua_span_is_marked(span) ? span->bytes : 0;
    }
    for (const struct ua_small_span *record = heap->gc->small.spans; record != NULL; record = record->next)
        for (uint32_t i = 0; i < record->object_count; i++)
            marked_bytes += ua_small_is_marked(record, i) ? record->object_bytes : 0;
}

static void test_bytes_marked_are_counted_once(void **state)
{
    struct fixture fixture = bs_open_fixture("go", "chunk_bytes=64KiB");
    struct ua_arena *arena = ua_arena_new(fixture.heap);
    struct fx_table *table;

    (void)state;
    bs_register_roots(&fixture);
    fixture.heap->gc->verify_mark = count_marked;
    fixture.roots[0] = table = ua_heap_alloc(fixture.heap, fx_table_type(), 1);
    for (size_t i = 0; i < FX_TABLE_SLOTS; i++)
        table->slots[i] = i % 3 == 0 ? ua_arena_alloc(arena, gs_node_type(), 1) : bs_new_node(fixture.heap, i);
    for (int round = 0; round < 3; round++) {
        ua_debug_mark_begin(fixture.heap);
        for (size_t i = 0; i < 5000; i++) {
            fx_take_slot(fixture.heap, table, (size_t)round * 5000 + i);
            ua_store(fixture.heap, (void **)&table->slots[i], bs_new_node(fixture.heap, i));
            ua_arena_alloc(arena, gs_node_type(), 1);
        }
        fixture.roots[1] = ua_heap_alloc(fixture.heap, fx_table_type(), 1);
        ua_debug_mark_end(fixture.heap);
        assert_true(ts_stats(fixture.heap).heap_marked_bytes == marked_bytes);
        ua_collect(fixture.heap);
        assert_true(ts_stats(fixture.heap).heap_marked_bytes == marked_bytes);
    }
    ua_arena_free(arena);
    bs_close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_handle_is_told_like_a_pointer),
        cmocka_unit_test(test_an_arena_abandoned_during_a_mark_waits_for_the_next),
        cmocka_unit_test(test_an_arena_freed_during_a_mark),
        cmocka_unit_test(test_a_store_into_a_freed_arena_faults),
        cmocka_unit_test(test_bytes_marked_are_counted_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
