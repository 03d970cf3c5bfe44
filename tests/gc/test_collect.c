/* test_collect.c - what a collection keeps and what it frees, with registered roots: exact, one thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gc/gc_support.h"
#include "include/ua_debug.h"
#include "support/death.h"

#define MIB ((size_t)1 << 20)

static struct gs_node *new_node(struct ua_heap *heap, uint64_t value)
{
    struct gs_node *node = ua_heap_alloc(heap, gs_node_type(), 1);

    assert_non_null(node);
    assert_true(node->left == NULL && node->right == NULL && node->value == 0);
    node->value = value;
    return node;
}

static void test_reachable_objects_survive_with_their_contents(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct gs_node *root = NULL;
    int freed = 0;

    (void)state;
    assert_int_equal(ua_root_add(heap, &root), 0);
    for (uint64_t i = 0; i < 10000; i++) {
        struct gs_node *kept = new_node(heap, i);
        struct gs_node *lost = new_node(heap, ~i);

        kept->left = root;
        root = kept;
        lost->left = kept;
        assert_int_equal(ua_finalizer_set(heap, lost, gs_count_finalizer, &freed), 0);
    }
    ua_collect(heap);
    assert_int_equal(freed, 10000);
    ua_collect(heap);
    for (uint64_t i = 10000; i-- > 0; root = root->left)
        assert_true(root->value == i);
    assert_null(root);
    ua_root_remove(heap, &root);
    ua_heap_close(heap);
}

static void test_unreachable_objects_are_freed_and_booked(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_gc_event event;
    struct ua_stats before = ts_stats(heap);

    (void)state;
    for (int i = 0; i < 1000; i++)
        new_node(heap, 1);
    assert_non_null(ua_heap_alloc(heap, gs_byte_type(), 3 * MIB));
    ua_collect(heap);
    assert_int_equal(ua_gc_events(heap, &event, 1), 1);
    assert_int_equal(event.objects_freed, 1001);
    assert_true(ts_stats(heap).heap_live_bytes == 0);
    assert_true(ts_stats(heap).heap_in_use_bytes == before.heap_in_use_bytes);
    assert_true(ts_stats(heap).total_alloc_bytes - before.total_alloc_bytes ==
                ts_stats(heap).total_free_bytes - before.total_free_bytes);
    ua_heap_close(heap);
}

static void test_an_interior_pointer_keeps_the_whole_object(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    unsigned char *small_inside;
    unsigned char *large_inside;
    int freed = 0;
    unsigned char *object;

    (void)state;
    assert_int_equal(ua_root_add(heap, &small_inside), 0);
    assert_int_equal(ua_root_add(heap, &large_inside), 0);
    object = ua_heap_alloc(heap, gs_byte_type(), 1000);
    memset(object, 7, 1000);
    assert_int_equal(ua_finalizer_set(heap, object, gs_count_finalizer, &freed), 0);
    small_inside = object + 999;
    object = ua_heap_alloc(heap, gs_byte_type(), 100000);
    assert_int_equal(ua_finalizer_set(heap, object, gs_count_finalizer, &freed), 0);
    large_inside = object + 99999;
    ua_collect(heap);
    ua_collect(heap);
    assert_int_equal(freed, 0);
    assert_int_equal(small_inside[-999], 7);
    small_inside = NULL;
    ua_collect(heap);
    assert_int_equal(freed, 1);
    large_inside = NULL;
    ua_collect(heap);
    assert_int_equal(freed, 2);
    ua_heap_close(heap);
}

/* Arrays: every element's pointers are read, in small spans, in large objects beyond one oblet, and at their last word. */
static void test_arrays_are_read_to_their_end(void **state)
{
    static const size_t counts[] = {1, 2, 3, 170, 1300, 6000, 100000};
    struct ua_heap *heap = gs_quiet_heap();
    struct gs_node *array = NULL;
    int freed = 0;

    (void)state;
    assert_int_equal(ua_root_add(heap, &array), 0);
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        size_t count = counts[c];

        freed = 0;
        array = ua_heap_alloc(heap, gs_node_type(), count);
        assert_non_null(array);
        for (size_t i = 0; i < count; i += count > 2000 ? 997 : 1) {
            array[i].right = new_node(heap, i);
            assert_int_equal(ua_finalizer_set(heap, array[i].right, gs_count_finalizer, &freed), 0);
        }
        array[count - 1].left = new_node(heap, count);
        assert_int_equal(ua_finalizer_set(heap, array[count - 1].left, gs_count_finalizer, &freed), 0);
        ua_collect(heap);
        assert_int_equal(freed, 0);
        assert_true(array[count - 1].left->value == count);
        array = NULL;
        ua_collect(heap);
        assert_true(freed > 0);
    }
    ua_heap_close(heap);
}

/* A scalar that looks like a pointer keeps nothing: the heap is read by type. */
static void test_scalars_are_not_pointers(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct gs_node *root;
    struct gs_node *hidden;
    int freed = 0;

    (void)state;
    assert_int_equal(ua_root_add(heap, &root), 0);
    root = new_node(heap, 0);
    hidden = new_node(heap, 0);
    assert_int_equal(ua_finalizer_set(heap, hidden, gs_count_finalizer, &freed), 0);
    root->value = (uintptr_t)hidden;
    ua_collect(heap);
    assert_int_equal(freed, 1);
    ua_heap_close(heap);
}

static void test_values_that_are_no_heap_address_are_ignored(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct gs_node *root;

    (void)state;
    assert_int_equal(ua_root_add(heap, &root), 0);
    root = new_node(heap, 5);
    root->left = (struct gs_node *)1;
    root->right = (struct gs_node *)~(uintptr_t)7;
    ua_collect(heap);
    root->left = (struct gs_node *)((uintptr_t)0xc000000000 + ((uintptr_t)63 << 20));
    root->right = (struct gs_node *)&heap;
    ua_collect(heap);
    assert_true(root->value == 5);
    ua_heap_close(heap);
}

static void test_objects_are_aligned_and_zeroed_when_reused(void **state)
{
    static const size_t aligns[] = {16, 64, 512, 4096};
    struct ua_heap *heap = gs_quiet_heap();

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (size_t a = 0; a < sizeof aligns / sizeof aligns[0]; a++) {
            const struct ua_type *type = ua_type_make(heap, aligns[a], aligns[a], NULL, 0, "aligned");

            for (int i = 0; i < 20; i++) {
                unsigned char *object = ua_heap_alloc(heap, type, 1);

                assert_true((uintptr_t)object % aligns[a] == 0);
                for (size_t b = 0; b < aligns[a]; b++)
                    assert_int_equal(object[b], 0);
                memset(object, 0xa5, aligns[a]);
            }
        }
        ua_collect(heap);
    }
    ua_heap_close(heap);
}

static void test_an_object_freed_by_hand_is_used_again(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct gs_node *first = new_node(heap, 1);
    struct ua_stats before;

    (void)state;
    ua_heap_free(heap, first);
    assert_ptr_equal(new_node(heap, 2), first);
    ua_heap_free(heap, NULL);
    before = ts_stats(heap);
    ua_heap_free(heap, ua_heap_alloc(heap, gs_byte_type(), MIB));
    assert_true(ts_stats(heap).heap_in_use_bytes == before.heap_in_use_bytes);
    assert_true(ts_stats(heap).heap_live_bytes == before.heap_live_bytes);
    ua_heap_close(heap);
}

static void free_twice(void *unused)
{
    struct ua_heap *heap = gs_quiet_heap();
    void *object = ua_heap_alloc(heap, gs_node_type(), 1);

    (void)unused;
    ua_heap_free(heap, object);
    ua_heap_free(heap, object);
}

static void free_inside(void *unused)
{
    struct ua_heap *heap = gs_quiet_heap();

    (void)unused;
    ua_heap_free(heap, (char *)ua_heap_alloc(heap, gs_node_type(), 1) + 8);
}

static void free_arena_memory(void *unused)
{
    struct ua_heap *heap = gs_quiet_heap();

    (void)unused;
    ua_heap_free(heap, ua_arena_alloc(ua_arena_new(heap), gs_node_type(), 1));
}

static void free_stack(void *unused)
{
    int local = 0;

    (void)unused;
    ua_heap_free(gs_quiet_heap(), &local);
}

static void remove_root_twice(void *unused)
{
    static void *slot;
    struct ua_heap *heap = gs_quiet_heap();

    (void)unused;
    ua_root_add(heap, &slot);
    ua_root_remove(heap, &slot);
    ua_root_remove(heap, &slot);
}

/* It was handed out as if everything before it were in use, so the free objects of its span were lost until the next sweep. */
static void test_an_object_freed_by_hand_leaves_those_before_it_free(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct gs_node *first = new_node(heap, 0);
    struct gs_node *kept = NULL;

    (void)state;
    assert_int_equal(ua_root_add(heap, &kept), 0);
    for (uint64_t i = 1; i < 100; i++)
        kept = new_node(heap, i);
    ua_collect(heap);
    assert_ptr_equal(new_node(heap, 0), first); /* the thread owns the span again */
    ua_heap_free(heap, kept);
    assert_ptr_equal(new_node(heap, 99), kept);
    assert_ptr_equal(new_node(heap, 1), first + 1);
    ua_root_remove(heap, &kept);
    ua_heap_close(heap);
}

static void test_misuse_is_fatal(void **state)
{
    (void)state;
    ab_expect_fatal(free_twice, NULL, "object freed twice");
    ab_expect_fatal(free_inside, NULL, "not the start of an object");
    ab_expect_fatal(free_arena_memory, NULL, "the object is in an arena");
    ab_expect_fatal(free_stack, NULL, "not an object of this heap");
    ab_expect_fatal(remove_root_twice, NULL, "root removed twice or never added");
}

static void test_ranges_and_slots_are_roots_until_removed(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    void *range[8] = {NULL};
    int freed = 0;

    (void)state;
    assert_int_equal(ua_root_range_add(heap, range, sizeof range), 0);
    assert_int_equal(ua_root_range_add(heap, range, sizeof range), -1);
    range[7] = new_node(heap, 1);
    assert_int_equal(ua_finalizer_set(heap, range[7], gs_count_finalizer, &freed), 0);
    ua_collect(heap);
    assert_int_equal(freed, 0);
    ua_root_range_remove(heap, range);
    ua_collect(heap);
    assert_int_equal(freed, 1);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(ua_root_add(heap, &range[i]), 0);
        range[i] = new_node(heap, (uint64_t)i);
    }
    for (int i = 0; i < 8; i++)
        ua_root_remove(heap, &range[i]);
    ua_heap_close(heap);
}

static void test_cycles_follow_the_growth_of_the_heap(void **state)
{
    struct ua_heap *heap = gs_heap("go", "roots=registered gogc=100");
    /* As in Go, a concurrent mark that finds more to scan than the last one did may stretch its goal to 1 + gogc / 100 of it,
     * and a heap beyond that is held at a tenth more. */
    uint64_t slack = gs_is_concurrent() ? 22 : 10;
    struct ua_gc_event events[64];
    struct gs_node *live = NULL;
    size_t count;

    (void)state;
    assert_int_equal(ua_root_add(heap, &live), 0);
    for (int i = 0; i < 800000; i++) {
        struct gs_node *node = new_node(heap, 0);

        if (i < 300000) {
            node->left = live;
            live = node;
        }
        if (i % 1000 == 0)
            assert_true(ts_stats(heap).heap_live_bytes <= ts_stats(heap).gc_goal_bytes / 10 * slack);
    }
    count = ua_gc_events(heap, events, 64);
    assert_true(count >= 2);
    for (size_t i = 0; i < count; i++) {
        assert_true(events[i].heap_live_start_bytes >= events[i].trigger_bytes);
        assert_true(events[i].trigger_bytes <= events[i].heap_goal_bytes);
        assert_int_equal(events[i].cause, UA_GC_HEAP);
        assert_true(i == 0 || events[i].heap_goal_bytes == events[i - 1].next_goal_bytes);
    }
    ua_heap_close(heap);
}

/* The allocation that starts a collection once returned an object that this collection had freed: nothing pointed to it
 * yet. It collects first and allocates then. */
static void test_the_allocation_that_collects_returns_a_living_object(void **state)
{
    struct ua_heap *heap = gs_heap("go", "roots=registered gogc=10");
    struct gs_node *list = NULL;

    (void)state;
    assert_int_equal(ua_root_add(heap, &list), 0);
    for (uint64_t i = 0; i < 400000; i++) {
        struct gs_node *node = new_node(heap, i);

        if (i % 4 == 0) {
            node->left = list;
            list = node;
        }
    }
    assert_true(ts_stats(heap).gc_cycles >= 5);
    for (uint64_t i = 400000; i > 0; i -= 4, list = list->left)
        assert_true(list->value == i - 4);
    assert_null(list);
    ua_heap_close(heap);
}

static void test_a_memory_limit_starts_cycles_with_gogc_off(void **state)
{
    struct ua_heap *heap = gs_heap("go", "roots=registered gogc=off memory_limit=64MiB");

    (void)state;
    for (int i = 0; i < 400; i++) {
        assert_non_null(ua_heap_alloc(heap, gs_byte_type(), MIB));
        assert_true(ts_stats(heap).heap_in_use_bytes <= 64 * MIB);
    }
    ua_heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reachable_objects_survive_with_their_contents),
        cmocka_unit_test(test_unreachable_objects_are_freed_and_booked),
        cmocka_unit_test(test_an_interior_pointer_keeps_the_whole_object),
        cmocka_unit_test(test_arrays_are_read_to_their_end),
        cmocka_unit_test(test_scalars_are_not_pointers),
        cmocka_unit_test(test_values_that_are_no_heap_address_are_ignored),
        cmocka_unit_test(test_objects_are_aligned_and_zeroed_when_reused),
        cmocka_unit_test(test_an_object_freed_by_hand_is_used_again),
        cmocka_unit_test(test_an_object_freed_by_hand_leaves_those_before_it_free),
        cmocka_unit_test(test_misuse_is_fatal),
        cmocka_unit_test(test_ranges_and_slots_are_roots_until_removed),
        cmocka_unit_test(test_cycles_follow_the_growth_of_the_heap),
        cmocka_unit_test(test_the_allocation_that_collects_returns_a_living_object),
        cmocka_unit_test(test_a_memory_limit_starts_cycles_with_gogc_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
