/* barrier_support.c - see barrier_support.h. */
#include "gc/barrier_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gc/gc.h"
#include "include/ua_debug.h"

struct fixture bs_open_fixture(const char *preset, const char *settings)
{
    char all[256] = "collect=concurrent roots=registered gogc=off sanitizer=off ";
    struct fixture fixture = {0};

    strncat(all, settings, sizeof all - strlen(all) - 1);
    fixture.heap = gs_heap(preset, all);
    return fixture;
}

void bs_register_roots(struct fixture *fixture)
{
    assert_int_equal(ua_root_range_add(fixture->heap, fixture->roots, sizeof fixture->roots), 0);
}

void bs_close_fixture(struct fixture *fixture)
{
    ua_debug_verify(fixture->heap);
    ua_root_range_remove(fixture->heap, fixture->roots);
    ua_heap_close(fixture->heap);
}

struct gs_node *bs_new_node(struct ua_heap *heap, uint64_t value)
{
    struct gs_node *node = ua_heap_alloc(heap, gs_node_type(), 1);

    assert_non_null(node);
    node->value = value;
    return node;
}

struct gs_node *bs_new_pair(struct fixture *fixture, uint64_t value)
{
    struct gs_node *top = bs_new_node(fixture->heap, value);

    fixture->roots[3] = top;
    top->left = bs_new_node(fixture->heap, value + 1);
    fixture->roots[3] = NULL;
    return top;
}

bool bs_lives(struct ua_heap *heap, const void *object)
{
    return ua_gc_object_start(heap->gc, (uintptr_t)object) == (uintptr_t)object;
}

void bs_expect_pair(struct fixture *fixture, const struct gs_node *top, uint64_t value)
{
    assert_true(bs_lives(fixture->heap, top));
    assert_true(top->value == value);
    assert_true(bs_lives(fixture->heap, top->left));
    assert_true(top->left->value == value + 1);
}

void bs_expect_gone_after_the_next(struct fixture *fixture, const void *object)
{
    memset(fixture->roots, 0, sizeof fixture->roots);
    ua_collect(fixture->heap);
    assert_false(bs_lives(fixture->heap, object));
}
