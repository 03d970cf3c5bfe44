/* test_mark_pool.c - grey objects change hands: nothing is lost, nothing twice, and nobody goes empty while another has many. And
 * what is mapped before a pause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>

#include "gc/gc.h"
#include "gc/gc_support.h"
#include "include/ua_debug.h"

#define ITEMS 1000u
#define UNTOUCHED_PAGES 64u
#define REPEATED 100000u

static unsigned char untouched[UNTOUCHED_PAGES * UA_PHYS_PAGE_BYTES] __attribute__((aligned(4096)));

/* A marker at work with items 1 to ITEMS, which are no addresses: nobody scans here. */
static struct ua_marker *marker_with_items(struct ua_mark_pool *pool)
{
    struct ua_marker *marker = ua_pool_borrow(pool);

    assert_non_null(marker);
    for (uintptr_t item = 1; item <= ITEMS; item++)
        ua_work_push(&marker->work, item);
    return marker;
}

static size_t take_all(struct ua_mark_pool *pool, struct ua_marker *marker, unsigned char *seen)
{
    uintptr_t item;
    size_t count = 0;

    do {
        while (ua_work_pop(&marker->work, &item)) {
            assert_true(item >= 1 && item <= ITEMS && seen[item] == 0);
            seen[item] = 1;
            count++;
        }
    } while (ua_pool_take(pool, marker));
    return count;
}

static void test_the_older_half_is_split_off(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_work_buffer *half;
    struct ua_work work;

    (void)state;
    ua_work_init(&work, &heap->meta);
    for (uintptr_t item = 0; item < 7; item++)
        ua_work_push(&work, item);
    half = ua_work_split(&work, work.top);
    assert_non_null(half);
    assert_true(half->count == 3 && work.top->count == 4);
    for (uintptr_t item = 0; item < 7; item++)
        assert_true((item < 3 ? half->items[item] : work.top->items[item - 3]) == item);
    assert_null(ua_work_split(&work, work.top)); /* four are not worth it */
    work.top->items[work.top->count++] = 7;
    work.buffer_limit = work.buffer_count;
    assert_null(ua_work_split(&work, work.top)); /* nor is there a buffer */
    assert_true(work.top->count == 5 && work.top->items[4] == 7);
    ua_heap_close(heap);
}

static void test_who_takes_the_last_buffer_leaves_half(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_mark_pool *pool = &heap->gc->pool;
    struct ua_marker *first = marker_with_items(pool), *second = ua_pool_borrow(pool);
    unsigned char seen[ITEMS + 1] = {0};

    (void)state;
    ua_pool_give(pool, first);
    assert_true(ua_pool_take(pool, first));
    assert_true(ua_pool_take(pool, second));
    assert_true(first->work.top->count == ITEMS / 2 && second->work.top->count == ITEMS / 4);
    assert_false(ua_pool_is_complete(pool));
    assert_true(take_all(pool, second, seen) + take_all(pool, first, seen) == ITEMS);
    assert_false(ua_pool_return(pool, second));
    assert_true(ua_pool_return(pool, first));
    ua_heap_close(heap);
}

static void test_a_marker_shares_its_only_buffer_with_an_empty_pool(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_mark_pool *pool = &heap->gc->pool;
    struct ua_marker *first = marker_with_items(pool), *second = ua_pool_borrow(pool);
    unsigned char seen[ITEMS + 1] = {0};

    (void)state;
    assert_false(ua_pool_take(pool, second));
    ua_pool_share(pool, first);
    assert_true(first->work.top->count == ITEMS / 2);
    ua_pool_share(pool, first); /* there is something to be had now */
    assert_true(first->work.top->count == ITEMS / 2);
    assert_true(ua_pool_take(pool, second));
    assert_true(take_all(pool, second, seen) == ITEMS / 2);
    assert_true(take_all(pool, first, seen) == ITEMS / 2);
    assert_false(ua_pool_return(pool, first));
    assert_true(ua_pool_return(pool, second));
    ua_heap_close(heap);
}

/* Barriers bring the same addresses by the hundred thousand. A worker that went through all of them in one quantum rested too late:
 * a third of the CPU was taken in place of a quarter. */
static void test_a_quantum_ends_though_nothing_is_scanned(void **state)
{
    struct ua_heap *heap = gs_heap("go", "collect=concurrent gogc=off roots=registered");
    struct ua_mark_pool *pool = &heap->gc->pool;
    struct gs_node *node = ua_heap_alloc(heap, gs_node_type(), 1);
    struct ua_marker *marker;
    size_t quanta = 1;
    uint64_t before;

    (void)state;
    assert_int_equal(ua_root_add(heap, &node), 0);
    ua_debug_mark_begin(heap);
    marker = ua_pool_borrow(pool);
    assert_non_null(marker);
    gs_fill_with_marked(pool, marker, node, REPEATED);
    before = marker->heap_scan_work;
    while (ua_mark_drain_some(marker, UA_WORKER_QUANTUM_BYTES))
        quanta++;
    assert_true(marker->heap_scan_work == before);
    assert_true(quanta >= REPEATED * UA_STEP_BYTES / UA_WORKER_QUANTUM_BYTES);
    ua_pool_return(pool, marker);
    ua_debug_mark_end(heap);
    ua_root_remove(heap, &node);
    ua_heap_close(heap);
}

static size_t mapped_pages(void)
{
    unsigned char mapped[UNTOUCHED_PAGES];
    size_t count = 0;

    assert_int_equal(mincore(untouched, sizeof untouched, mapped), 0);
    for (size_t i = 0; i < UNTOUCHED_PAGES; i++)
        count += mapped[i] & 1;
    return count;
}

/* A process's first conservative pause faulted in every page of every data segment. */
static void test_data_segments_are_mapped_before_the_pause(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_segments segments = {0};

    (void)state;
    assert_true(mapped_pages() < UNTOUCHED_PAGES / 2);
    assert_true(ua_segments_note(&segments, &heap->meta));
    assert_true(mapped_pages() == UNTOUCHED_PAGES);
    ua_heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_segments_are_mapped_before_the_pause),
        cmocka_unit_test(test_the_older_half_is_split_off),
        cmocka_unit_test(test_who_takes_the_last_buffer_leaves_half),
        cmocka_unit_test(test_a_marker_shares_its_only_buffer_with_an_empty_pool),
        cmocka_unit_test(test_a_quantum_ends_though_nothing_is_scanned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
