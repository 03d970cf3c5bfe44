/* test_barrier.c - what a concurrent mark must not lose, each loss by itself: a mark is held open, the program takes the last
 * pointer that the mark knows of and overwrites its slot, and what it took is there afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gc/barrier_fixture.h"
#include "gc/gc.h"
#include "gc/gc_support.h"
#include "include/ua_debug.h"
#include "support/death.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

/* Registered roots: nothing that lies on a stack keeps anything. */
struct fixture {
    struct ua_heap *heap;
    void *roots[4];
    int finalized;
};

static struct fixture open_fixture(const char *preset, const char *settings)
{
    char all[256] = "collect=concurrent roots=registered gogc=off sanitizer=off ";
    struct fixture fixture = {0};

    strncat(all, settings, sizeof all - strlen(all) - 1);
    fixture.heap = gs_heap(preset, all);
    return fixture;
}

static void register_roots(struct fixture *fixture)
{
    assert_int_equal(ua_root_range_add(fixture->heap, fixture->roots, sizeof fixture->roots), 0);
}

static void close_fixture(struct fixture *fixture)
{
    ua_debug_verify(fixture->heap);
    ua_root_range_remove(fixture->heap, fixture->roots);
    ua_heap_close(fixture->heap);
}

static struct gs_node *new_node(struct ua_heap *heap, uint64_t value)
{
    struct gs_node *node = ua_heap_alloc(heap, gs_node_type(), 1);

    assert_non_null(node);
    node->value = value;
    return node;
}

/* A node with a child, which only a walk over it finds. */
static struct gs_node *new_pair(struct fixture *fixture, uint64_t value)
{
    struct gs_node *top = new_node(fixture->heap, value);

    fixture->roots[3] = top;
    top->left = new_node(fixture->heap, value + 1);
    fixture->roots[3] = NULL;
    return top;
}

static bool lives(struct ua_heap *heap, const void *object)
{
    return ua_gc_object_start(heap->gc, (uintptr_t)object) == (uintptr_t)object;
}

static void expect_pair(struct fixture *fixture, const struct gs_node *top, uint64_t value)
{
    assert_true(lives(fixture->heap, top));
    assert_true(top->value == value);
    assert_true(lives(fixture->heap, top->left));
    assert_true(top->left->value == value + 1);
}

static void expect_gone_after_the_next(struct fixture *fixture, const void *object)
{
    memset(fixture->roots, 0, sizeof fixture->roots);
    ua_collect(fixture->heap);
    assert_false(lives(fixture->heap, object));
}

static void test_a_store_tells_the_old_pointer(void **state)
{
    struct fixture fixture = open_fixture("go", "");
    struct gs_node *top;

    (void)state;
    register_roots(&fixture);
    fixture.roots[0] = top = new_node(fixture.heap, 1);
    top->left = new_pair(&fixture, 2);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[1] = fx_take_left(fixture.heap, top);
    ua_debug_mark_end(fixture.heap);
    assert_null(top->left);
    expect_pair(&fixture, fixture.roots[1], 2);
    expect_gone_after_the_next(&fixture, top);
    close_fixture(&fixture);
}

static void test_a_store_into_an_arena_does_too(void **state)
{
    struct fixture fixture = open_fixture("go", "");
    struct ua_arena *arena = ua_arena_new(fixture.heap);
    struct gs_node *top = ua_arena_alloc(arena, gs_node_type(), 1);

    (void)state;
    register_roots(&fixture);
    top->left = new_pair(&fixture, 2);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[1] = fx_take_left_in_arena(fixture.heap, top);
    ua_debug_mark_end(fixture.heap);
    expect_pair(&fixture, fixture.roots[1], 2);
    ua_arena_free(arena);
    close_fixture(&fixture);
}

static void test_a_store_into_a_large_object_does_too(void **state)
{
    struct fixture fixture = open_fixture("go", "");
    struct fx_table *table;

    (void)state;
    register_roots(&fixture);
    fixture.roots[0] = table = ua_heap_alloc(fixture.heap, fx_table_type(), 1);
    table->slots[FX_TABLE_SLOTS - 1] = new_pair(&fixture, 7);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[1] = fx_take_slot(fixture.heap, table, FX_TABLE_SLOTS - 1);
    ua_debug_mark_end(fixture.heap);
    expect_pair(&fixture, fixture.roots[1], 7);
    close_fixture(&fixture);
}

static void test_a_copy_tells_the_old_pointers(void **state)
{
    struct fixture fixture = open_fixture("go", "");
    struct gs_node *top;
    struct gs_node *other;

    (void)state;
    register_roots(&fixture);
    fixture.roots[0] = top = new_node(fixture.heap, 1);
    fixture.roots[2] = other = new_node(fixture.heap, 9);
    top->left = new_pair(&fixture, 2);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[1] = top->left;
    fx_assign(fixture.heap, top, other);
    ua_debug_mark_end(fixture.heap);
    assert_true(top->value == 9 && top->left == NULL);
    expect_pair(&fixture, fixture.roots[1], 2);
    close_fixture(&fixture);
}

/* Longer than a piece, and overlapping. */
static void test_a_long_copy_does_too(void **state)
{
    struct fixture fixture = open_fixture("go", "");
    struct gs_node *nodes;

    (void)state;
    register_roots(&fixture);
    fixture.roots[0] = nodes = ua_heap_alloc(fixture.heap, gs_node_type(), FX_ARRAY_NODES);
    for (uint64_t i = 0; i < FX_ARRAY_NODES; i++)
        nodes[i].value = i;
    nodes[0].left = new_pair(&fixture, 5);
    nodes[3000].right = new_pair(&fixture, 6);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[1] = nodes[0].left;
    fx_shift(fixture.heap, nodes);
    ua_debug_mark_end(fixture.heap);
    expect_pair(&fixture, fixture.roots[1], 5);
    expect_pair(&fixture, nodes[2999].right, 6);
    for (uint64_t i = 0; i < FX_ARRAY_NODES - 1; i++)
        assert_true(nodes[i].value == i + 1);
    /* Up again, the other way of overlapping. */
    ua_debug_mark_begin(fixture.heap);
    ua_copy(fixture.heap, gs_node_type(), nodes + 1, nodes, FX_ARRAY_NODES - 1);
    ua_debug_mark_end(fixture.heap);
    for (uint64_t i = 1; i < FX_ARRAY_NODES; i++)
        assert_true(nodes[i].value == i);
    close_fixture(&fixture);
}

static void test_a_clear_tells_the_old_pointers(void **state)
{
    struct fixture fixture = open_fixture("go", "");
    struct gs_node *nodes;

    (void)state;
    register_roots(&fixture);
    fixture.roots[0] = nodes = ua_heap_alloc(fixture.heap, gs_node_type(), FX_ARRAY_NODES);
    nodes[FX_ARRAY_NODES - 1].right = new_pair(&fixture, 5);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[1] = nodes[FX_ARRAY_NODES - 1].right;
    fx_reset(fixture.heap, nodes, FX_ARRAY_NODES);
    ua_debug_mark_end(fixture.heap);
    expect_pair(&fixture, fixture.roots[1], 5);
    assert_null(nodes[FX_ARRAY_NODES - 1].right);
    close_fixture(&fixture);
}

/* What is made meanwhile is born marked, of every kind, and its first stores are plain. */
static void test_what_is_made_during_a_mark_survives_it(void **state)
{
    struct fixture fixture = open_fixture("go", "chunk_bytes=64KiB");
    struct ua_arena *arena;
    struct gs_node *small;
    struct gs_node *in_arena = NULL;
    struct fx_table *large;

    (void)state;
    register_roots(&fixture);
    ua_debug_mark_begin(fixture.heap);
    small = new_node(fixture.heap, 1);
    large = ua_heap_alloc(fixture.heap, fx_table_type(), 1);
    arena = ua_arena_new(fixture.heap);
    for (int i = 0; i < 10000; i++)
        in_arena = ua_arena_alloc(arena, gs_node_type(), 1);
    small->left = new_node(fixture.heap, 2);
    large->slots[FX_TABLE_SLOTS - 1] = new_node(fixture.heap, 3);
    in_arena->left = new_node(fixture.heap, 4);
    ua_debug_mark_end(fixture.heap);
    assert_true(lives(fixture.heap, small) && lives(fixture.heap, small->left) && small->left->value == 2);
    assert_true(lives(fixture.heap, large) && lives(fixture.heap, large->slots[FX_TABLE_SLOTS - 1]));
    assert_true(lives(fixture.heap, in_arena->left));
    /* The next mark is exact: the arena holds its own. */
    ua_collect(fixture.heap);
    assert_false(lives(fixture.heap, small));
    assert_false(lives(fixture.heap, large));
    assert_true(lives(fixture.heap, in_arena->left) && in_arena->left->value == 4);
    ua_arena_free(arena);
    close_fixture(&fixture);
}

static void test_what_is_dropped_during_a_mark_goes_with_the_next(void **state)
{
    struct fixture fixture = open_fixture("go", "");
    struct gs_node *top;

    (void)state;
    register_roots(&fixture);
    fixture.roots[0] = top = new_pair(&fixture, 1);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[0] = NULL;
    ua_debug_mark_end(fixture.heap);
    expect_pair(&fixture, top, 1);
    expect_gone_after_the_next(&fixture, top);
    close_fixture(&fixture);
}

/* Roots are read when the mark opens: what is in one then is safe, whatever happens to the root. */
static void test_roots_change_during_a_mark(void **state)
{
    struct fixture fixture = open_fixture("go", "");
    void *extra = NULL;
    struct gs_node *top;

    (void)state;
    register_roots(&fixture);
    assert_int_equal(ua_root_add(fixture.heap, &extra), 0);
    extra = top = new_pair(&fixture, 1);
    ua_debug_mark_begin(fixture.heap);
    ua_root_remove(fixture.heap, &extra);
    assert_int_equal(ua_root_add(fixture.heap, &extra), 0);
    fixture.roots[0] = extra;
    ua_root_remove(fixture.heap, &extra);
    ua_debug_mark_end(fixture.heap);
    expect_pair(&fixture, top, 1);
    close_fixture(&fixture);
}

/* A rewind drops everything since the scope, without a store. */
static void test_a_rewind_during_a_mark(void **state)
{
    struct fixture fixture = open_fixture("kept", "");
    struct ua_arena *arena = ua_arena_new(fixture.heap);
    struct gs_node *before = ua_arena_alloc(arena, gs_node_type(), 1);
    struct gs_node *inside = NULL;
    struct ua_scope scope;

    (void)state;
    register_roots(&fixture);
    before->left = new_pair(&fixture, 10);
    assert_int_equal(ua_arena_mark(arena, &scope), 0);
    for (int i = 0; i < 1000; i++)
        inside = ua_arena_alloc(arena, gs_node_type(), 1);
    inside->left = new_pair(&fixture, 20);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[0] = inside->left;
    ua_arena_rewind(arena, &scope);
    for (int i = 0; i < 2000; i++)
        ua_arena_alloc(arena, gs_node_type(), 1);
    ua_debug_mark_end(fixture.heap);
    expect_pair(&fixture, fixture.roots[0], 20);
    expect_pair(&fixture, before->left, 10);
    ua_arena_free(arena);
    close_fixture(&fixture);
}

static void test_a_free_by_hand_during_a_mark(void **state)
{
    struct fixture fixture = open_fixture("go", "");
    struct gs_node *top;

    (void)state;
    register_roots(&fixture);
    top = new_node(fixture.heap, 1);
    fixture.roots[0] = top;
    top->left = new_pair(&fixture, 3);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[1] = top->left;
    fixture.roots[0] = NULL;
    ua_heap_free(fixture.heap, top);
    /* Its place may be taken at once. */
    for (int i = 0; i < 1000; i++)
        fixture.roots[2] = new_node(fixture.heap, 0);
    ua_debug_mark_end(fixture.heap);
    expect_pair(&fixture, fixture.roots[1], 3);
    close_fixture(&fixture);
}

static void test_a_large_object_freed_during_a_mark_goes_with_its_sweep(void **state)
{
    struct fixture fixture = open_fixture("go", "");
    struct fx_table *table;

    (void)state;
    register_roots(&fixture);
    fixture.roots[0] = table = ua_heap_alloc(fixture.heap, fx_table_type(), 1);
    ua_debug_mark_begin(fixture.heap);
    ua_heap_free(fixture.heap, table);
    assert_true(table->slots[0] == NULL); /* still there */
    ua_debug_mark_end(fixture.heap);
    assert_false(lives(fixture.heap, table));
    close_fixture(&fixture);
}

static void free_large_twice(void *unused)
{
    struct fixture fixture = open_fixture("go", "");
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

static size_t living_arenas(struct ua_heap *heap)
{
    struct ua_stats stats = gs_stats(heap);

    return (size_t)(stats.arena_new_count - stats.arena_free_count);
}

/* A handle lies in a slot; the slot is overwritten during the mark and the handle kept elsewhere. */
static void test_a_handle_is_told_like_a_pointer(void **state)
{
    struct fixture fixture = open_fixture("go", "");
    struct gs_node *top;
    struct ua_arena *arena = ua_arena_new(fixture.heap);

    (void)state;
    register_roots(&fixture);
    fixture.roots[0] = top = new_node(fixture.heap, 1);
    top->left = (struct gs_node *)(void *)arena;
    ua_arena_abandon(arena);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[1] = fx_take_left(fixture.heap, top);
    ua_debug_mark_end(fixture.heap);
    assert_int_equal(living_arenas(fixture.heap), 1);
    fixture.roots[1] = NULL;
    ua_collect(fixture.heap);
    assert_int_equal(living_arenas(fixture.heap), 0);
    close_fixture(&fixture);
}

/* The mark has passed the slot that holds the handle by the time the arena is abandoned. */
static void test_an_arena_abandoned_during_a_mark_waits_for_the_next(void **state)
{
    struct fixture fixture = open_fixture("go", "");
    struct ua_arena *arena = ua_arena_new(fixture.heap);

    (void)state;
    register_roots(&fixture);
    ua_debug_mark_begin(fixture.heap);
    ua_arena_abandon(arena);
    ua_debug_mark_end(fixture.heap);
    assert_int_equal(living_arenas(fixture.heap), 1);
    ua_collect(fixture.heap);
    assert_int_equal(living_arenas(fixture.heap), 0);
    close_fixture(&fixture);
}

/* Chunks of an arena that is freed meanwhile stay readable until the mark ends; then stores into them are caught. */
static void test_an_arena_freed_during_a_mark(void **state)
{
    struct fixture fixture = open_fixture("safe", "chunk_bytes=64KiB");
    struct ua_arena *arena = ua_arena_new(fixture.heap);
    struct gs_node *first = ua_arena_alloc(arena, gs_node_type(), 1);
    struct ua_lists lists;

    (void)state;
    register_roots(&fixture);
    for (int i = 0; i < 10000; i++)
        ua_arena_alloc(arena, gs_node_type(), 1);
    first->left = new_pair(&fixture, 30);
    ua_debug_mark_begin(fixture.heap);
    fixture.roots[0] = first->left;
    ua_arena_free(arena);
    ua_store(fixture.heap, (void **)&first->left, NULL);
    ua_debug_lists(fixture.heap, &lists);
    assert_true(lists.fault > 0);
    ua_debug_mark_end(fixture.heap);
    expect_pair(&fixture, fixture.roots[0], 30);
    ua_debug_lists(fixture.heap, &lists);
    assert_int_equal(lists.fault, 0);
    close_fixture(&fixture);
}

static void store_into_a_freed_arena(void *unused)
{
    struct fixture fixture = open_fixture("safe", "chunk_bytes=64KiB");
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
    struct fixture fixture = open_fixture("go", "chunk_bytes=64KiB");
    struct ua_arena *arena = ua_arena_new(fixture.heap);
    struct fx_table *table;

    (void)state;
    register_roots(&fixture);
    fixture.heap->gc->verify_mark = count_marked;
    fixture.roots[0] = table = ua_heap_alloc(fixture.heap, fx_table_type(), 1);
    for (size_t i = 0; i < FX_TABLE_SLOTS; i++)
        table->slots[i] = i % 3 == 0 ? ua_arena_alloc(arena, gs_node_type(), 1) : new_node(fixture.heap, i);
    for (int round = 0; round < 3; round++) {
        ua_debug_mark_begin(fixture.heap);
        for (size_t i = 0; i < 5000; i++) {
            fx_take_slot(fixture.heap, table, (size_t)round * 5000 + i);
            ua_store(fixture.heap, (void **)&table->slots[i], new_node(fixture.heap, i));
            ua_arena_alloc(arena, gs_node_type(), 1);
        }
        fixture.roots[1] = ua_heap_alloc(fixture.heap, fx_table_type(), 1);
        ua_debug_mark_end(fixture.heap);
        assert_true(gs_stats(fixture.heap).heap_marked_bytes == marked_bytes);
        ua_collect(fixture.heap);
        assert_true(gs_stats(fixture.heap).heap_marked_bytes == marked_bytes);
    }
    ua_arena_free(arena);
    close_fixture(&fixture);
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
        cmocka_unit_test(test_a_handle_is_told_like_a_pointer),
        cmocka_unit_test(test_an_arena_abandoned_during_a_mark_waits_for_the_next),
        cmocka_unit_test(test_an_arena_freed_during_a_mark),
        cmocka_unit_test(test_a_store_into_a_freed_arena_faults),
        cmocka_unit_test(test_bytes_marked_are_counted_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
