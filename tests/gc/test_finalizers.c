/* test_finalizers.c - finalizers and abandoned arenas: once, after the last reference, with what they see still alive. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gc/gc_support.h"
#include "include/ua_debug.h"
#include "support/death.h"

struct world {
    struct ua_heap *heap;
    struct gs_node *root;
    struct ua_arena *arena;
    int calls;
    int inner_calls;
    uint64_t seen_value;
};

static void open_world(struct world *w)
{
    *w = (struct world){.heap = gs_quiet_heap()};
    assert_int_equal(ua_root_add(w->heap, &w->root), 0);
}

static struct gs_node *new_node(struct ua_heap *heap, uint64_t value)
{
    struct gs_node *node = ua_heap_alloc(heap, gs_node_type(), 1);

    assert_non_null(node);
    node->value = value;
    return node;
}

static void see_left(void *object, void *argument)
{
    struct world *w = argument;
    struct gs_node *node = object;

    w->calls++;
    w->seen_value = node->left->value;
}

static void test_what_the_object_points_to_is_alive_in_its_finalizer(void **state)
{
    struct world w;
    struct gs_node *node;

    (void)state;
    open_world(&w);
    node = new_node(w.heap, 1);
    node->left = new_node(w.heap, 77);
    assert_int_equal(ua_finalizer_set(w.heap, node->left, gs_count_finalizer, &w.inner_calls), 0);
    assert_int_equal(ua_finalizer_set(w.heap, node, see_left, &w), 0);
    ua_collect(w.heap);
    assert_int_equal(w.calls, 1);
    assert_int_equal(w.inner_calls, 0);
    assert_true(w.seen_value == 77);
    ua_collect(w.heap);
    assert_int_equal(w.calls, 1);
    assert_int_equal(w.inner_calls, 1);
    ua_collect(w.heap);
    assert_int_equal(w.inner_calls, 1);
    ua_heap_close(w.heap);
}

static void test_a_cycle_of_objects_with_one_finalizer_is_collected(void **state)
{
    struct world w;
    struct gs_node *a;

    (void)state;
    open_world(&w);
    a = new_node(w.heap, 1);
    a->left = new_node(w.heap, 2);
    a->left->left = a;
    /* Reached from its own contents, so it never runs: as in Go. */
    assert_int_equal(ua_finalizer_set(w.heap, a, gs_count_finalizer, &w.calls), 0);
    ua_collect(w.heap);
    ua_collect(w.heap);
    assert_int_equal(w.calls, 0);
    a->left->left = NULL;
    ua_collect(w.heap);
    assert_int_equal(w.calls, 1);
    ua_heap_close(w.heap);
}

static void resurrect(void *object, void *argument)
{
    struct world *w = argument;

    w->calls++;
    w->root = object;
}

static void test_a_finalizer_may_store_its_object_back(void **state)
{
    struct world w;
    struct gs_node *node;

    (void)state;
    open_world(&w);
    node = new_node(w.heap, 42);
    assert_int_equal(ua_finalizer_set(w.heap, node, resurrect, &w), 0);
    ua_collect(w.heap);
    ua_collect(w.heap);
    assert_int_equal(w.calls, 1);
    assert_true(w.root->value == 42);
    assert_int_equal(ua_finalizer_set(w.heap, w.root, gs_count_finalizer, &w.inner_calls), 0);
    w.root = NULL;
    ua_collect(w.heap);
    assert_int_equal(w.calls, 1);
    assert_int_equal(w.inner_calls, 1);
    ua_heap_close(w.heap);
}

static void busy_finalizer(void *object, void *argument)
{
    struct world *w = argument;

    (void)object;
    w->calls++;
    for (uint64_t i = 0; i < 1000; i++)
        new_node(w->heap, i);
    ua_arena_free(w->arena);
    w->arena = NULL;
    assert_int_equal(ua_finalizer_set(w->heap, new_node(w->heap, 0), gs_count_finalizer, &w->inner_calls), 0);
    ua_collect(w->heap);
    assert_int_equal(ua_finalizers_run(w->heap), 0);
    assert_int_equal(w->inner_calls, 0);
}

static void test_a_finalizer_may_allocate_free_an_arena_and_collect(void **state)
{
    struct world w;

    (void)state;
    open_world(&w);
    w.arena = ua_arena_new(w.heap);
    assert_int_equal(ua_finalizer_set(w.heap, new_node(w.heap, 0), busy_finalizer, &w), 0);
    ua_collect(w.heap);
    assert_int_equal(w.calls, 1);
    /* The one it queued ran when the first had returned. */
    assert_int_equal(w.inner_calls, 1);
    assert_null(w.arena);
    assert_int_equal(ua_finalizers_pending(w.heap), 0);
    ua_heap_close(w.heap);
}

static void test_one_finalizer_an_object_and_none_after_removal(void **state)
{
    struct world w;
    struct gs_node *node;

    (void)state;
    open_world(&w);
    node = new_node(w.heap, 0);
    assert_int_equal(ua_finalizer_set(w.heap, node, gs_count_finalizer, &w.calls), 0);
    assert_int_equal(ua_finalizer_set(w.heap, node, gs_count_finalizer, &w.calls), -1);
    assert_int_equal(errno, EEXIST);
    assert_int_equal(ua_finalizer_set(w.heap, node, NULL, NULL), 0);
    ua_collect(w.heap);
    assert_int_equal(w.calls, 0);
    node = new_node(w.heap, 0);
    assert_int_equal(ua_finalizer_set(w.heap, node, gs_count_finalizer, &w.calls), 0);
    ua_heap_free(w.heap, node);
    ua_collect(w.heap);
    assert_int_equal(w.calls, 0);
    ua_heap_close(w.heap);
}

static void finalizer_on_arena_memory(void *unused)
{
    struct ua_heap *heap = gs_quiet_heap();
    int calls;

    (void)unused;
    ua_finalizer_set(heap, ua_arena_alloc(ua_arena_new(heap), gs_node_type(), 1), gs_count_finalizer, &calls);
}

static void finalizer_inside_an_object(void *unused)
{
    struct ua_heap *heap = gs_quiet_heap();
    int calls;

    (void)unused;
    ua_finalizer_set(heap, (char *)ua_heap_alloc(heap, gs_node_type(), 1) + 8, gs_count_finalizer, &calls);
}

static void abandon_twice(void *unused)
{
    struct ua_arena *arena = ua_arena_new(gs_quiet_heap());

    (void)unused;
    ua_arena_abandon(arena);
    ua_arena_abandon(arena);
}

static void test_misuse_is_fatal(void **state)
{
    (void)state;
    ab_expect_fatal(finalizer_on_arena_memory, NULL, "allocated into an arena");
    ab_expect_fatal(finalizer_inside_an_object, NULL, "not the start of an object");
    ab_expect_fatal(abandon_twice, NULL, "the arena was abandoned");
}

static void test_an_abandoned_arena_goes_when_nothing_holds_its_handle(void **state)
{
    struct world w;
    void *handle_root;
    struct gs_node *holder;

    (void)state;
    open_world(&w);
    assert_int_equal(ua_root_add(w.heap, &handle_root), 0);
    w.arena = ua_arena_new(w.heap);
    holder = ua_arena_alloc(w.arena, gs_node_type(), 1);
    holder->left = new_node(w.heap, 9);
    assert_int_equal(ua_finalizer_set(w.heap, holder->left, gs_count_finalizer, &w.calls), 0);
    handle_root = w.arena;
    ua_arena_abandon(w.arena);
    ua_collect(w.heap);
    assert_true(ts_stats(w.heap).arena_free_count == 0);
    /* From a root to a live slot. */
    w.root = new_node(w.heap, 0);
    w.root->right = handle_root;
    handle_root = NULL;
    ua_collect(w.heap);
    assert_true(ts_stats(w.heap).arena_free_count == 0);
    assert_int_equal(w.calls, 0);
    w.root = NULL;
    ua_collect(w.heap);
    assert_true(ts_stats(w.heap).arena_free_count == 1);
    assert_int_equal(ts_stats(w.heap).chunks_reuse, 1);
    ua_heap_close(w.heap);
}

static void test_arenas_abandoned_in_a_loop_do_not_pile_up(void **state)
{
    struct ua_heap *heap = gs_heap("safe", "roots=registered");

    (void)state;
    for (int i = 0; i < 60; i++) {
        struct ua_arena *arena = ua_arena_new(heap);

        for (int k = 0; k < 9; k++)
            assert_non_null(ua_arena_alloc(arena, gs_byte_type(), (size_t)1 << 20));
        ua_arena_abandon(arena);
    }
    assert_true(ts_stats(heap).arena_free_count >= 30);
    ua_collect(heap);
    assert_true(ts_stats(heap).arena_free_count == 60);
    ua_heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_object_points_to_is_alive_in_its_finalizer),
        cmocka_unit_test(test_a_cycle_of_objects_with_one_finalizer_is_collected),
        cmocka_unit_test(test_a_finalizer_may_store_its_object_back),
        cmocka_unit_test(test_a_finalizer_may_allocate_free_an_arena_and_collect),
        cmocka_unit_test(test_one_finalizer_an_object_and_none_after_removal),
        cmocka_unit_test(test_misuse_is_fatal),
        cmocka_unit_test(test_an_abandoned_arena_goes_when_nothing_holds_its_handle),
        cmocka_unit_test(test_arenas_abandoned_in_a_loop_do_not_pile_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
