/* test_graph.c - random object graphs against their shadow: what is reachable survives with its contents, what is not is
 * gone after two collections, finalizers run exactly once; one thread exactly, up to eight threads on one heap. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gc/gc_support.h"
#include "gc/graph_model.h"
#include "include/ua_debug.h"
#include "debug/second_mark.h"
#include "gc/gc.h"
#include "support/death.h"

#define THREADS_MAX 8

static void expect_gone(void *context, void *at, bool has_finalizer)
{
    struct graph *graph = context;
    uintptr_t start = ua_gc_object_start(graph->heap->gc, (uintptr_t)at);

    /* One with a finalizer is kept until it ran: its place is free in the next collection only. */
    assert_true(has_finalizer || start == 0);
}

static void collect_and_compare(struct graph *graph)
{
    ua_collect(graph->heap);
    graph_check_contents(graph);
    graph_forget_unreachable(graph, expect_gone, graph);
    assert_true(graph->finalized == graph->finalizers_due);
}

static void run_alone(const char *preset, const char *settings, uint64_t seed, int rounds)
{
    struct graph graph;

    graph_open(&graph, gs_heap(preset, settings), seed);
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < 1500; i++)
            graph_step(&graph);
        collect_and_compare(&graph);
        if (round % 5 == 0)
            ua_debug_verify(graph.heap);
    }
    assert_true(graph.finalizers_due > 0);
    graph_close(&graph);
    ua_heap_close(graph.heap);
}

static void test_one_thread_exactly(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++)
        run_alone("go", "roots=registered gogc=off sanitizer=off verify=full", seed, 25);
}

static void test_small_chunks_and_preset_safe(void **state)
{
    (void)state;
    run_alone("safe", "roots=registered gogc=off chunk_bytes=64KiB verify=full", 5, 25);
}

static void limit_buffers(struct ua_gc *gc, size_t limit)
{
    gc->marker.work.buffer_limit = limit;
    gc->pool.marker.work.buffer_limit = limit; /* helpers follow it */
    for (uint32_t i = 0; i < gc->workers.count; i++)
        gc->workers.items[i].marker.work.buffer_limit = limit;
}

/* No buffer to be had: the mark finishes by scanning marked objects again. */
static void test_a_mark_without_work_buffers(void **state)
{
    static const size_t limits[] = {0, 1};

    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct graph graph;

        graph_open(&graph, gs_quiet_heap(), 7 + i);
        limit_buffers(graph.heap->gc, limits[i]);
        for (int round = 0; round < 6; round++) {
            for (int step = 0; step < 1500; step++)
                graph_step(&graph);
            collect_and_compare(&graph);
        }
        graph_close(&graph);
        ua_heap_close(graph.heap);
    }
}

/* An open mark: what is made, freed and stored meanwhile is seen at its end. */
static void test_changes_while_a_mark_is_open(void **state)
{
    struct graph graph;

    (void)state;
    graph_open(&graph, gs_quiet_heap(), 11);
    for (int round = 0; round < 20; round++) {
        for (int step = 0; step < 500; step++)
            graph_step(&graph);
        ua_debug_mark_begin(graph.heap);
        for (int step = 0; step < 500; step++)
            graph_step(&graph);
        ua_debug_mark_end(graph.heap);
        ua_finalizers_run(graph.heap);
        graph_check_contents(&graph);
        /* Those made meanwhile survive unreachable; the next collection is exact again. */
        collect_and_compare(&graph);
    }
    graph_close(&graph);
    ua_heap_close(graph.heap);
}

/* The second mark must be able to fail: a mark bit taken away before it looks is found. */
static void unmark_one(struct ua_heap *heap)
{
    struct ua_small_span *record = heap->gc->small.spans;

    record->bits[0].mark = 0;
    ua_second_mark(heap);
}

static void collect_with_a_missed_object(void *unused)
{
    struct ua_heap *heap = gs_quiet_heap();
    void *root = ua_heap_alloc(heap, gs_node_type(), 1);

    (void)unused;
    ua_root_add(heap, &root);
    heap->gc->verify_mark = unmark_one;
    ua_collect(heap);
}

static void *address_in_chunk;

static void miss_a_chunk(struct ua_heap *heap)
{
    struct ua_span *chunk = ua_space_span(&heap->space, (uintptr_t)address_in_chunk);

    ua_span_clear_mark(chunk);
    ua_second_mark(heap);
}

static void collect_with_a_missed_chunk(void *unused)
{
    struct ua_heap *heap = gs_quiet_heap();

    (void)unused;
    address_in_chunk = ua_arena_alloc(ua_arena_new(heap), gs_node_type(), 1);
    heap->gc->verify_mark = miss_a_chunk;
    ua_collect(heap);
}

static void test_the_second_mark_finds_what_a_mark_missed(void **state)
{
    (void)state;
    ab_expect_fatal(collect_with_a_missed_object, NULL, "verify: the mark missed what is pointed to from");
    ab_expect_fatal(collect_with_a_missed_chunk, NULL, "verify: the mark missed a chunk in use");
}

struct crew {
    struct ua_heap *heap;
    struct graph graphs[THREADS_MAX];
    int steps;
};

struct worker {
    struct crew *crew;
    int number;
};

static void ignore_gone(void *context, void *at, bool has_finalizer)
{
    (void)context;
    (void)at;
    (void)has_finalizer;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct graph *graph = &worker->crew->graphs[worker->number];

    assert_int_equal(ua_thread_attach(), 0);
    graph_open(graph, worker->crew->heap, (uint64_t)worker->number + 100);
    for (int i = 0; i < worker->crew->steps; i++) {
        graph_step(graph);
        ua_safepoint();
        if (i % 1000 == 999) {
            if (worker->number == 0)
                ua_collect(graph->heap);
            graph_check_contents(graph);
            graph_forget_unreachable(graph, ignore_gone, NULL);
        }
    }
    ua_thread_detach();
    return NULL;
}

static void run_crew(int thread_count, int steps, const char *settings)
{
    struct crew *crew = calloc(1, sizeof *crew);
    struct worker workers[THREADS_MAX];
    pthread_t threads[THREADS_MAX];

    crew->heap = gs_heap("go", settings);
    crew->steps = steps;
    for (int i = 0; i < thread_count; i++) {
        workers[i] = (struct worker){crew, i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    ua_blocking_begin();
    for (int i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    ua_blocking_end();
    /* All stand still: exact again, for every thread's graph. */
    ua_collect(crew->heap);
    ua_collect(crew->heap);
    for (int i = 0; i < thread_count; i++) {
        graph_check_contents(&crew->graphs[i]);
        graph_forget_unreachable(&crew->graphs[i], expect_gone, &crew->graphs[i]);
        assert_true(crew->graphs[i].finalized == crew->graphs[i].finalizers_due);
    }
    ua_debug_verify(crew->heap);
    for (int i = 0; i < thread_count; i++)
        graph_close(&crew->graphs[i]);
    ua_heap_close(crew->heap);
    free(crew);
}

static void test_threads_on_one_heap(void **state)
{
    static const int counts[] = {1, 2, 4, 8};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        run_crew(counts[i], 40000 / counts[i], "roots=registered gogc=50 sanitizer=off verify=full");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_thread_exactly),
        cmocka_unit_test(test_small_chunks_and_preset_safe),
        cmocka_unit_test(test_a_mark_without_work_buffers),
        cmocka_unit_test(test_changes_while_a_mark_is_open),
        cmocka_unit_test(test_the_second_mark_finds_what_a_mark_missed),
        cmocka_unit_test(test_threads_on_one_heap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
