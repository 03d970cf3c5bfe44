/* test_growth.c - the heap grows as gogc says, whoever allocates: 1, 2 and 4 threads, goals of 128 MiB and more.
 *
 * Under collect=stw the live heap is largest when a collection begins, and the event trace has it there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

#include <cmocka.h>

#include "gc/gc_support.h"

#define MIB ((size_t)1 << 20)
#define LIVE_BYTES (72 * MIB)
#define GOAL_LEAST_BYTES (128 * MIB)
#define GARBAGE_BYTES (480 * MIB) /* of all threads together: six collections or so */
#define PEAK_PER_GOAL 1.1
#define EVENTS_MAX 256u

struct worker {
    struct ua_heap *heap;
    size_t bytes;
    pthread_t thread;
};

static void *allocate(void *context)
{
    static const size_t sizes[] = {24, 64, 200, 1000, 4000, 40000};
    struct worker *worker = context;

    assert_int_equal(ua_thread_attach(), 0);
    for (size_t done = 0, i = 0; done < worker->bytes; i++) {
        size_t bytes = sizes[i % (sizeof sizes / sizeof sizes[0])];

        if (ua_heap_alloc(worker->heap, gs_byte_type(), bytes) == NULL)
            return worker;
        done += bytes;
    }
    ua_thread_detach();
    return NULL;
}

static void check_growth(unsigned thread_count)
{
    static struct ua_gc_event events[EVENTS_MAX];
    struct ua_heap *heap = gs_heap("safe", "roots=registered sanitizer=off collect=stw gogc=100");
    struct gs_node *live = NULL;
    struct worker workers[4];
    uint64_t first_cycle;
    size_t count, looked_at = 0;

    assert_int_equal(ua_root_add(heap, &live), 0);
    for (size_t bytes = 0; bytes < LIVE_BYTES; bytes += 1024) {
        struct gs_node *node = ua_heap_alloc(heap, gs_node_type(), 1024 / sizeof *node);

        assert_non_null(node);
        node->left = live;
        live = node;
    }
    ua_collect(heap);
    first_cycle = ts_stats(heap).gc_cycles + 1;
    for (unsigned i = 0; i < thread_count; i++) {
        workers[i] = (struct worker){.heap = heap, .bytes = GARBAGE_BYTES / thread_count};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, allocate, &workers[i]), 0);
    }
    ua_blocking_begin();
    for (unsigned i = 0; i < thread_count; i++) {
        void *failed = NULL;

        assert_int_equal(pthread_join(workers[i].thread, &failed), 0);
        assert_null(failed);
    }
    ua_blocking_end();
    count = ua_gc_events(heap, events, EVENTS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (events[i].cycle < first_cycle || events[i].cause != UA_GC_HEAP)
            continue;
        looked_at++;
        assert_true(events[i].heap_goal_bytes >= GOAL_LEAST_BYTES);
        assert_true((double)events[i].heap_live_start_bytes <= PEAK_PER_GOAL * (double)events[i].heap_goal_bytes);
        assert_true(events[i].heap_live_start_bytes >= events[i].trigger_bytes);
    }
    assert_true(looked_at >= 3);
    ua_root_remove(heap, &live);
    ua_heap_close(heap);
}

static void test_one_thread(void **state)
{
    (void)state;
    check_growth(1);
}

static void test_two_threads(void **state)
{
    (void)state;
    check_growth(2);
}

static void test_four_threads(void **state)
{
    (void)state;
    check_growth(4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_thread),
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_four_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
