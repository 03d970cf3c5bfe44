/* test_events.c - the trace of cycles: what it says of the machine, and that it is read in order while cycles go on. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gc/gc.h"
#include "gc/gc_support.h"

/* Some thousands of cycles to meet the race once; TSan would see it as one. */
#ifdef __SANITIZE_THREAD__
#define CYCLES 3000
#else
#define CYCLES 30000
#endif

struct reader {
    struct ua_heap *heap;
    uint32_t stop;  /* atomic */
    uint64_t reads;
    uint64_t wrong; /* an event that is not the one after the one before it */
};

/* All that are kept, again and again. */
static void *read_events(void *argument)
{
    static struct ua_gc_event events[UA_GC_EVENTS_KEPT];
    struct reader *reader = argument;

    while (__atomic_load_n(&reader->stop, __ATOMIC_RELAXED) == 0) {
        size_t count = ua_gc_events(reader->heap, events, UA_GC_EVENTS_KEPT);

        for (size_t i = 1; i < count; i++)
            reader->wrong += events[i].cycle != events[i - 1].cycle + 1;
        reader->reads++;
    }
    return NULL;
}

/* The newest was in the ring, in the oldest one's place, before it was counted. */
static void test_events_are_read_in_order(void **state)
{
    struct reader reader = {.heap = gs_quiet_heap()};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, read_events, &reader), 0);
    for (int i = 0; i < CYCLES; i++)
        ua_collect(reader.heap);
    __atomic_store_n(&reader.stop, 1, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    assert_true(ua_gc_cycles(reader.heap) == CYCLES);
    assert_true(reader.reads > 0);
    assert_true(reader.wrong == 0);
    ua_heap_close(reader.heap);
}

/* The processors that count are those of the affinity mask: with one of them one thread works a quarter of its time. */
static void test_one_processor(void **state)
{
    struct ua_heap *heap;
    struct ua_gc_event event;
    cpu_set_t before, one;
    struct gs_node *list = NULL;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    heap = gs_heap("go", "collect=concurrent gogc=100 roots=registered sanitizer=off");
    assert_int_equal(heap->gc->processor_count, 1);
    assert_int_equal(heap->gc->workers.count, 1);
    assert_true(heap->gc->workers.items[0].share == 0.25);
    assert_int_equal(ua_root_add(heap, &list), 0);
    while (ua_gc_cycles(heap) < 3) {
        struct gs_node *node = ua_heap_alloc(heap, gs_node_type(), 1);

        assert_non_null(node);
        node->left = list;
        list = node->value % 4 == 0 ? node : list;
    }
    ua_collect(heap);
    assert_int_equal(ua_gc_events(heap, &event, 1), 1);
    assert_int_equal(event.processor_count, 1);
    assert_int_equal(event.worker_count, 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    ua_root_remove(heap, &list);
    ua_heap_close(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_are_read_in_order),
        cmocka_unit_test(test_one_processor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
