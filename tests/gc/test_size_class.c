/* test_size_class.c - every size finds the smallest class that holds it; tables and the grey set at their edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gc/gc_support.h"
#include "gc/size_class.h"
#include "gc/table.h"
#include "gc/work.h"
#include "heap/heap.h"

static unsigned smallest_class(size_t bytes, size_t align_bytes)
{
    unsigned size_class = 0;

    while (size_class < UA_SIZE_CLASS_COUNT && (ua_size_class_bytes(size_class) < bytes ||
                                                (align_bytes > 8 && ua_size_class_bytes(size_class) % align_bytes != 0)))
        size_class++;
    return size_class;
}

static void test_every_size_finds_the_smallest_class(void **state)
{
    struct ua_size_table table;

    (void)state;
    ua_size_table_init(&table);
    for (size_t bytes = 1; bytes <= UA_SMALL_MAX_BYTES; bytes++)
        assert_int_equal(ua_size_class_for(&table, bytes, 8), smallest_class(bytes, 8));
    for (size_t align = 16; align <= 4096; align *= 2)
        for (size_t bytes = 1; bytes <= UA_SMALL_MAX_BYTES; bytes += 7)
            assert_int_equal(ua_size_class_for(&table, bytes, align), smallest_class(bytes, align));
}

/* What Go's table promises: an eighth at most is lost at a span's tail, and an object fits. */
static void test_spans_lose_an_eighth_at_most(void **state)
{
    (void)state;
    for (unsigned i = 0; i < UA_SIZE_CLASS_COUNT; i++) {
        size_t span_bytes = ua_size_class_pages(i) * UA_PAGE_BYTES;

        assert_true(span_bytes >= ua_size_class_bytes(i));
        assert_true(span_bytes % ua_size_class_bytes(i) <= span_bytes / 8);
        assert_true(span_bytes / ua_size_class_bytes(i) <= UA_SPAN_OBJECTS_MAX);
        assert_true(i == 0 || ua_size_class_bytes(i) > ua_size_class_bytes(i - 1));
    }
    assert_true(ua_size_class_bytes(UA_SIZE_CLASS_COUNT - 1) == UA_SMALL_MAX_BYTES);
}

static void test_a_table_finds_what_was_added_and_not_removed(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_table table;
    uint64_t meta_bytes = 0;
    size_t seen = 0;

    (void)state;
    ua_table_init(&table, &heap->meta);
    assert_null(ua_table_find(&table, 64));
    for (uintptr_t key = 8; key <= 80000; key += 8)
        assert_int_equal(ua_table_add(&table, key, key * 3, key * 5), 0);
    assert_true(ua_table_add(&table, 800, 0, 0) != 0);
    for (uintptr_t key = 16; key <= 80000; key += 16)
        ua_table_remove(&table, ua_table_find(&table, key));
    /* Adding and removing for ever neither grows the table nor fills it with tombstones, nor takes memory. */
    for (int i = 0; i < 200000; i++) {
        uintptr_t key = 1000000 + (uintptr_t)(i % 977) * 8;

        if (i == 20000)
            meta_bytes = ts_stats(heap).meta_bytes;
        assert_int_equal(ua_table_add(&table, key, 1, 1), 0);
        ua_table_remove(&table, ua_table_find(&table, key));
    }
    for (struct ua_entry *entry = ua_table_next(&table, NULL); entry != NULL; entry = ua_table_next(&table, entry)) {
        assert_true(entry->key % 16 == 8 && entry->a == entry->key * 3 && entry->b == entry->key * 5);
        seen++;
    }
    assert_int_equal(seen, 5000);
    assert_int_equal(table.count, 5000);
    assert_true(table.capacity <= 65536);
    assert_true(ts_stats(heap).meta_bytes == meta_bytes);
    ua_heap_close(heap);
}

static void test_the_grey_set_gives_back_all_it_took(void **state)
{
    struct ua_heap *heap = gs_quiet_heap();
    struct ua_work work;
    uintptr_t item;
    uintptr_t sum = 0;

    (void)state;
    ua_work_init(&work, &heap->meta);
    for (int round = 0; round < 3; round++) {
        for (uintptr_t i = 1; i <= 10000; i++)
            ua_work_push(&work, i);
        while (ua_work_pop(&work, &item))
            sum += item;
    }
    assert_true(sum == 3 * (uintptr_t)10000 * 10001 / 2);
    assert_true(work.buffer_count <= 10000 / UA_WORK_BUFFER_COUNT + 1 && !work.lost);
    work.buffer_limit = work.buffer_count;
    for (uintptr_t i = 1; i <= 20000; i++)
        ua_work_push(&work, i);
    assert_true(work.lost);
    ua_heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size_finds_the_smallest_class),
        cmocka_unit_test(test_spans_lose_an_eighth_at_most),
        cmocka_unit_test(test_a_table_finds_what_was_added_and_not_removed),
        cmocka_unit_test(test_the_grey_set_gives_back_all_it_took),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
