/* test_barrier.c - what a concurrent mark must not lose, each loss by itself: a mark is held open, the program takes the last
 * pointer that the mark knows of and overwrites its slot, and what it took is there afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gc/barrier_support.h"
#include "include/ua_debug.h"
#include "support/death.h"

static void test_a_store_tells_the_old_pointer(void **state)
{
    struct fixture fixture = bs_open_fixture("go", "");
    struct gs_node *top;

    (void)state;
    bs_register_roots(&fixture);
    fixture.roots[0] = top = bs_new_node(fixture.heap, 1);
    top->left = bs_new_pair(&fixture, 2);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[1] = fx_take_left(fixture.heap, top);
    ua_debug_mark_end(fixture.heap);
    assert_null(top->left);
    bs_expect_pair(&fixture, fixture.roots[1], 2);
    bs_expect_gone_after_the_next(&fixture, top);
    bs_close_fixture(&fixture);
}

static void test_a_store_into_an_arena_does_too(void **state)
{
    struct fixture fixture = bs_open_fixture("go", "");
    struct ua_arena *arena = ua_arena_new(fixture.heap);
    struct gs_node *top = ua_arena_alloc(arena, gs_node_type(), 1);

    (void)state;
    bs_register_roots(&fixture);
    top->left = bs_new_pair(&fixture, 2);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[1] = fx_take_left_in_arena(fixture.heap, top);
    ua_debug_mark_end(fixture.heap);
    bs_expect_pair(&fixture, fixture.roots[1], 2);
    ua_arena_free(arena);
    bs_close_fixture(&fixture);
}

static void test_a_store_into_a_large_object_does_too(void **state)
{
    struct fixture fixture = bs_open_fixture("go", "");
    struct fx_table *table;

    (void)state;
    bs_register_roots(&fixture);
    fixture.roots[0] = table = ua_heap_alloc(fixture.heap, fx_table_type(), 1);
    table->slots[FX_TABLE_SLOTS - 1] = bs_new_pair(&fixture, 7);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[1] = fx_take_slot(fixture.heap, table, FX_TABLE_SLOTS - 1);
    ua_debug_mark_end(fixture.heap);
    bs_expect_pair(&fixture, fixture.roots[1], 7);
    bs_close_fixture(&fixture);
}

static void test_a_copy_tells_the_old_pointers(void **state)
{
    struct fixture fixture = bs_open_fixture("go", "");
    struct gs_node *top;
    struct gs_node *other;

    (void)state;
    bs_register_roots(&fixture);
    fixture.roots[0] = top = bs_new_node(fixture.heap, 1);
    fixture.roots[2] = other = bs_new_node(fixture.heap, 9);
    top->left = bs_new_pair(&fixture, 2);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[1] = top->left;
    fx_assign(fixture.heap, top, other);
    ua_debug_mark_end(fixture.heap);
    assert_true(top->value == 9 && top->left == NULL);
    bs_expect_pair(&fixture, fixture.roots[1], 2);
    bs_close_fixture(&fixture);
}

/* Longer than a piece, and overlapping. */
static void test_a_long_copy_does_too(void **state)
{
    struct fixture fixture = bs_open_fixture("go", "");
    struct gs_node *nodes;

    (void)state;
    bs_register_roots(&fixture);
    fixture.roots[0] = nodes = ua_heap_alloc(fixture.heap, gs_node_type(), FX_ARRAY_NODES);
    for (uint64_t i = 0; i < FX_ARRAY_NODES; i++)
        nodes[i].value = i;
    nodes[0].left = bs_new_pair(&fixture, 5);
    nodes[3000].right = bs_new_pair(&fixture, 6);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[1] = nodes[0].left;
    fx_shift(fixture.heap, nodes);
    ua_debug_mark_end(fixture.heap);
    bs_expect_pair(&fixture, fixture.roots[1], 5);
    bs_expect_pair(&fixture, nodes[2999].right, 6);
    for (uint64_t i = 0; i < FX_ARRAY_NODES - 1; i++)
        assert_true(nodes[i].value == i + 1);
    /* Up again, the other way of overlapping. */
    ua_debug_mark_begin(fixture.heap);
    ua_copy(fixture.heap, gs_node_type(), nodes + 1, nodes, FX_ARRAY_NODES - 1);
    ua_debug_mark_end(fixture.heap);
    for (uint64_t i = 1; i < FX_ARRAY_NODES; i++)
        assert_true(nodes[i].value == i);
    bs_close_fixture(&fixture);
}

static void test_a_clear_tells_the_old_pointers(void **state)
{
    struct fixture fixture = bs_open_fixture("go", "");
    struct gs_node *nodes;

    (void)state;
    bs_register_roots(&fixture);
    fixture.roots[0] = nodes = ua_heap_alloc(fixture.heap, gs_node_type(), FX_ARRAY_NODES);
    nodes[FX_ARRAY_NODES - 1].right = bs_new_pair(&fixture, 5);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[1] = nodes[FX_ARRAY_NODES - 1].right;
    fx_reset(fixture.heap, nodes, FX_ARRAY_NODES);
    ua_debug_mark_end(fixture.heap);
    bs_expect_pair(&fixture, fixture.roots[1], 5);
    assert_null(nodes[FX_ARRAY_NODES - 1].right);
    bs_close_fixture(&fixture);
}

/* What is made meanwhile is born marked, of every kind, and its first stores are plain. */
static void test_what_is_made_during_a_mark_survives_it(void **state)
{
    struct fixture fixture = bs_open_fixture("go", "chunk_bytes=64KiB");
    struct ua_arena *arena;
    struct gs_node *small;
    struct gs_node *in_arena = NULL;
    struct fx_table *large;

    (void)state;
    bs_register_roots(&fixture);
    ua_debug_mark_begin(fixture.heap);
    small = bs_new_node(fixture.heap, 1);
    large = ua_heap_alloc(fixture.heap, fx_table_type(), 1);
    arena = ua_arena_new(fixture.heap);
    for (int i = 0; i < 10000; i++)
        in_arena = ua_arena_alloc(arena, gs_node_type(), 1);
    small->left = bs_new_node(fixture.heap, 2);
    large->slots[FX_TABLE_SLOTS - 1] = bs_new_node(fixture.heap, 3);
    in_arena->left = bs_new_node(fixture.heap, 4);
    ua_debug_mark_end(fixture.heap);
    assert_true(bs_lives(fixture.heap, small) && bs_lives(fixture.heap, small->left) && small->left->value == 2);
    assert_true(bs_lives(fixture.heap, large) && bs_lives(fixture.heap, large->slots[FX_TABLE_SLOTS - 1]));
    assert_true(bs_lives(fixture.heap, in_arena->left));
    /* The next mark is exact: the arena holds its own. */
    ua_collect(fixture.heap);
    assert_false(bs_lives(fixture.heap, small));
    assert_false(bs_lives(fixture.heap, large));
    assert_true(bs_lives(fixture.heap, in_arena->left) && in_arena->left->value == 4);
    ua_arena_free(arena);
    bs_close_fixture(&fixture);
}

static void test_what_is_dropped_during_a_mark_goes_with_the_next(void **state)
{
    struct fixture fixture = bs_open_fixture("go", "");
    struct gs_node *top;

    (void)state;
    bs_register_roots(&fixture);
    fixture.roots[0] = top = bs_new_pair(&fixture, 1);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[0] = NULL;
    ua_debug_mark_end(fixture.heap);
    bs_expect_pair(&fixture, top, 1);
    bs_expect_gone_after_the_next(&fixture, top);
    bs_close_fixture(&fixture);
}

/* Roots are read when the mark opens: what is in one then is safe, whatever happens to the root. */
static void test_roots_change_during_a_mark(void **state)
{
    struct fixture fixture = bs_open_fixture("go", "");
    void *extra = NULL;
    struct gs_node *top;

    (void)state;
    bs_register_roots(&fixture);
    assert_int_equal(ua_root_add(fixture.heap, &extra), 0);
    extra = top = bs_new_pair(&fixture, 1);
    ua_debug_mark_begin(fixture.heap);
    ua_root_remove(fixture.heap, &extra);
    assert_int_equal(ua_root_add(fixture.heap, &extra), 0);
    fixture.roots[0] = extra;
    ua_root_remove(fixture.heap, &extra);
    ua_debug_mark_end(fixture.heap);
    bs_expect_pair(&fixture, top, 1);
    bs_close_fixture(&fixture);
}

/* A rewind drops everything since the scope, without a store. */
static void test_a_rewind_during_a_mark(void **state)
{
    struct fixture fixture = bs_open_fixture("kept", "");
    struct ua_arena *arena = ua_arena_new(fixture.heap);
    struct gs_node *before = ua_arena_alloc(arena, gs_node_type(), 1);
    struct gs_node *inside = NULL;
    struct ua_scope scope;

    (void)state;
    bs_register_roots(&fixture);
    before->left = bs_new_pair(&fixture, 10);
    assert_int_equal(ua_arena_mark(arena, &scope), 0);
    for (int i = 0; i < 1000; i++)
        inside = ua_arena_alloc(arena, gs_node_type(), 1);
    inside->left = bs_new_pair(&fixture, 20);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[0] = inside->left;
    ua_arena_rewind(arena, &scope);
    for (int i = 0; i < 2000; i++)
        ua_arena_alloc(arena, gs_node_type(), 1);
    ua_debug_mark_end(fixture.heap);
    bs_expect_pair(&fixture, fixture.roots[0], 20);
    bs_expect_pair(&fixture, before->left, 10);
    ua_arena_free(arena);
    bs_close_fixture(&fixture);
}

static void test_a_free_by_hand_during_a_mark(void **state)
{
    struct fixture fixture = bs_open_fixture("go", "");
    struct gs_node *top;

    (void)state;
    bs_register_roots(&fixture);
    top = bs_new_node(fixture.heap, 1);
    fixture.roots[0] = top;
    top->left = bs_new_pair(&fixture, 3);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[1] = top->left;
    fixture.roots[0] = NULL;
    ua_heap_free(fixture.heap, top);
    /* Its place may be taken at once. */
    for (int i = 0; i < 1000; i++)
        fixture.roots[2] = bs_new_node(fixture.heap, 0);
    ua_debug_mark_end(fixture.heap);
    bs_expect_pair(&fixture, fixture.roots[1], 3);
    bs_close_fixture(&fixture);
}

static void test_a_large_object_freed_during_a_mark_goes_with_its_sweep(void **state)
{
    struct fixture fixture = bs_open_fixture("go", "");
    struct fx_table *table;

    (void)state;
    bs_register_roots(&fixture);
    fixture.roots[0] = table = ua_heap_alloc(fixture.heap, fx_table_type(), 1);
    ua_debug_mark_begin(fixture.heap);
    ua_heap_free(fixture.heap, table);
    assert_true(table->slots[0] == NULL); /* still there */
    ua_debug_mark_end(fixture.heap);
    assert_false(bs_lives(fixture.heap, table));
    bs_close_fixture(&fixture);
}

static void free_large_twice(void *unused)
{
    struct fixture fixture = bs_open_fixture("go", "");
    void *table = ua_heap_alloc(fixture.heap, fx_table_type(), 1);

    (void)unused;
    ua_debug_mark_begin(fixture.heap);
    ua_heap_free(fixture.heap, table);
    ua_heap_free(fixture.heap, table);
}

static void test_freeing_twice_during_a_mark_is_fatal(void **state)
{
    (void)state;
    ab_expect_fatal(free_large_twice, NULL, "object freed twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_store_tells_the_old_pointer),
        cmocka_unit_test(test_a_store_into_an_arena_does_too),
        cmocka_unit_test(test_a_store_into_a_large_object_does_too),
        cmocka_unit_test(test_a_copy_tells_the_old_pointers),
        cmocka_unit_test(test_a_long_copy_does_too),
        cmocka_unit_test(test_a_clear_tells_the_old_pointers),
        cmocka_unit_test(test_what_is_made_during_a_mark_survives_it),
        cmocka_unit_test(test_what_is_dropped_during_a_mark_goes_with_the_next),
        cmocka_unit_test(test_roots_change_during_a_mark),
        cmocka_unit_test(test_a_rewind_during_a_mark),
        cmocka_unit_test(test_a_free_by_hand_during_a_mark),
        cmocka_unit_test(test_a_large_object_freed_during_a_mark_goes_with_its_sweep),
        cmocka_unit_test(test_freeing_twice_during_a_mark_is_fatal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
