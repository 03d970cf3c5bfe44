/* soak_graph.c - random graphs for a given time, one seed after another, under changing options, verifier on.
 *
 * Usage: soak_graph SECONDS [SEED]. Prints each round's seed and options, so that a failure can be run again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "gc/gc.h"
#include "gc/gc_support.h"
#include "gc/graph_model.h"
#include "include/ua_debug.h"

#define EXIT_BAD_INPUT 5
#define STEPS_PER_ROUND 30000

static uint64_t current_seed;

/* With gogc on, an earlier cycle may have freed it already and another object may live there by now. */
static void expect_gone(void *context, void *at, bool has_finalizer)
{
    struct graph *graph = context;

    if (graph->heap->options.gogc < 0 && !has_finalizer)
        assert_true(ua_gc_object_start(graph->heap->gc, (uintptr_t)at) == 0);
}

/* gogc on: cycles come from allocation; off: from the model alone, and then what is unreachable must be gone at once. */
static void one_round(void **state)
{
    static const char *const presets[] = {"go", "safe"};
    static const char *const chunks[] = {"64KiB", "256KiB", "8MiB"};
    static const char *const percents[] = {"off", "10", "100"};
    const char *percent = percents[current_seed / 6 % 3];
    struct graph graph;
    char settings[160];

    (void)state;
    snprintf(settings, sizeof settings, "roots=registered sanitizer=off verify=full chunk_bytes=%s gogc=%s",
             chunks[current_seed / 2 % 3], percent);
    printf("seed %llu: %s %s\n", (unsigned long long)current_seed, presets[current_seed % 2], settings);
    graph_open(&graph, gs_heap(presets[current_seed % 2], settings), current_seed);
    for (int i = 0; i < STEPS_PER_ROUND; i++) {
        graph_step(&graph);
        if (i % 1500 != 1499)
            continue;
        ua_collect(graph.heap);
        graph_check_contents(&graph);
        graph_forget_unreachable(&graph, expect_gone, &graph);
        assert_true(graph.finalized == graph.finalizers_due);
        ua_debug_verify(graph.heap);
    }
    graph_close(&graph);
    ua_heap_close(graph.heap);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_round)};
    time_t end;

    if (argc < 2 || atoi(argv[1]) <= 0) {
        fprintf(stderr, "soak_graph: usage: soak_graph SECONDS [SEED]\n");
        return EXIT_BAD_INPUT;
    }
    end = time(NULL) + atoi(argv[1]);
    current_seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    do {
        if (cmocka_run_group_tests(tests, NULL, NULL) != 0)
            return EXIT_FAILURE;
        current_seed++;
    } while (time(NULL) < end);
    return EXIT_SUCCESS;
}
