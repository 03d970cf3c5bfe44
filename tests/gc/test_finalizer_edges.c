/* test_finalizer_edges.c - what a finalizer is called with, and a heap that is closed before or while one runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gc/gc_support.h"
#include "include/ua_debug.h"
#include "support/death.h"

static uint64_t seen_value;
static int calls;

static struct gs_node *new_node(struct ua_heap *heap, uint64_t value)
{
    struct gs_node *node = ua_heap_alloc(heap, gs_node_type(), 1);

    assert_non_null(node);
    node->value = value;
    return node;
}

static void see_argument(void *object, void *argument)
{
    (void)object;
    calls++;
    seen_value = ((struct gs_node *)argument)->left->value;
}

/* It went with the first collection: nothing but the finalizer knew it. */
static void test_what_a_finalizer_is_called_with_is_alive(void **state)
{
    struct ua_heap *heap = gs_heap("go", "roots=registered gogc=off sanitizer=off verify=full");
    struct gs_node *object = NULL, *argument = NULL;
    int argument_calls = 0;

    (void)state;
    calls = 0;
    assert_int_equal(ua_root_add(heap, &object), 0);
    object = new_node(heap, 1);
    argument = new_node(heap, 2);
    argument->left = new_node(heap, 77);
    assert_int_equal(ua_finalizer_set(heap, argument, gs_count_finalizer, &argument_calls), 0);
    assert_int_equal(ua_finalizer_set(heap, object, see_argument, argument), 0);
    for (int i = 0; i < 3; i++)
        ua_collect(heap);
    assert_int_equal(argument_calls, 0);
    /* Queued by a cycle and not yet run: still alive in the next. */
    object = NULL;
    ua_debug_mark_begin(heap);
    ua_debug_mark_end(heap);
    assert_int_equal(ua_finalizers_pending(heap), 1);
    ua_debug_mark_begin(heap);
    ua_debug_mark_end(heap);
    for (int i = 0; i < 1000; i++)
        new_node(heap, 0);
    assert_int_equal(ua_finalizers_run(heap), 1);
    assert_int_equal(calls, 1);
    assert_true(seen_value == 77);
    ua_collect(heap);
    assert_int_equal(argument_calls, 1);
    ua_root_remove(heap, &object);
    ua_heap_close(heap);
}

static void count_call(void *object, void *argument)
{
    (void)object;
    (void)argument;
    calls++;
}

/* An address in the object itself keeps nothing. */
static void test_a_finalizer_may_be_called_with_its_object(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct gs_node *node = new_node(heap, 1);
    char *large = ua_heap_alloc(heap, gs_byte_type(), 100000);

    (void)state;
    calls = 0;
    assert_non_null(large);
    assert_int_equal(ua_finalizer_set(heap, node, count_call, &node->right), 0);
    assert_int_equal(ua_finalizer_set(heap, large, count_call, large + 50000), 0);
    ua_collect(heap);
    assert_int_equal(calls, 2);
    ua_heap_close(heap);
}

static void test_a_heap_closed_with_finalizers_pending_runs_none(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();

    (void)state;
    calls = 0;
    assert_int_equal(ua_finalizer_set(heap, new_node(heap, 1), count_call, NULL), 0); /* set */
    ua_debug_mark_begin(heap);
    ua_debug_mark_end(heap);
    if (ua_finalizers_pending(heap) == 0) { /* collect=concurrent: what was made before the mark opened is its garbage */
        ua_debug_mark_begin(heap);
        ua_debug_mark_end(heap);
    }
    assert_int_equal(ua_finalizers_pending(heap), 1); /* queued */
    assert_int_equal(ua_finalizer_set(heap, new_node(heap, 2), count_call, NULL), 0);
    ua_heap_close(heap);
    assert_int_equal(calls, 0);
}

static void close_heap(void *object, void *heap)
{
    (void)object;
    ua_heap_close(heap);
}

static void close_in_a_finalizer(void *unused)
{
    struct ua_heap *heap = gs_quiet_heap();

    (void)unused;
    ua_finalizer_set(heap, new_node(heap, 1), close_heap, heap);
    ua_collect(heap);
}

static void test_closing_the_heap_in_its_finalizer_is_fatal(void **state)
{
    (void)state;
    ab_expect_fatal(close_in_a_finalizer, NULL, "ua_heap_close: a finalizer of the heap is running");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_finalizer_is_called_with_is_alive),
        cmocka_unit_test(test_a_finalizer_may_be_called_with_its_object),
        cmocka_unit_test(test_a_heap_closed_with_finalizers_pending_runs_none),
        cmocka_unit_test(test_closing_the_heap_in_its_finalizer_is_fatal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
