/* test_concurrent.c - marking happens while the program runs, at the pace the pacer asks for. Figures are printed; counts are
 * asserted, times are not.
 *
 * Argument: a divisor for the sizes, for a tool under which all is slow (TSan). It leaves out what needs the whole size or signals. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gc/city.h"
#include "gc/gc.h"
#include "include/ua_debug.h"

static size_t divisor = 1;

static void print_event(const char *what, const struct ua_gc_event *event)
{
    uint64_t mark_cpu = event->background_ns + event->assist_ns + event->forced_ns;

    printf("%s: marked %llu MiB in %.1f ms (CPU: background %.1f, assists %.1f, forced %.1f); pauses: opening %.3f ms CPU after "
           "%.3f ms, closing %.3f ms CPU after %.3f ms = %.2f %% of marking; %llu barriers, %.1f MiB allocated meanwhile, "
           "%llu assists, %llu restarts\n",
           what, (unsigned long long)(event->heap_marked_bytes >> 20), (double)event->mark_ns / 1e6,
           (double)event->background_ns / 1e6, (double)event->assist_ns / 1e6, (double)event->forced_ns / 1e6,
           (double)event->open_cpu_ns / 1e6, (double)event->open_stop_ns / 1e6, (double)event->close_cpu_ns / 1e6,
           (double)event->close_stop_ns / 1e6,
           100.0 * (double)(event->open_cpu_ns + event->close_cpu_ns) / (double)(mark_cpu != 0 ? mark_cpu : 1),
           (unsigned long long)event->barrier_count, (double)event->mark_alloc_bytes / 1048576.0,
           (unsigned long long)event->assist_count, (unsigned long long)event->restart_count);
}

/* CPU time of the workers over the whole cycle's CPUs. Not a bound on time: a loaded machine makes the first smaller and the second larger.
 * A short mark is left out, since a worker looks at the clock after each quantum only. */
static void expect_background(const struct ua_gc_event *event)
{
    double share = (double)event->background_ns / ((double)event->mark_ns * event->processor_count);

    if (event->mark_ns < 20 * 1000000u)
        return;
    printf("background: %.1f %% of %u processors for %.1f ms\n", share * 100, event->processor_count, (double)event->mark_ns / 1e6);
    assert_true(share <= 0.30);
}

static void marks_while_the_program_runs(const char *settings, size_t bytes)
{
    struct city city = {.heap = gs_heap("go", settings)};
    struct city_mutator mutators[MUTATORS_MAX];
    pthread_t threads[MUTATORS_MAX];
    struct ua_gc_event event;

    city_build(&city, bytes);
    city_start_mutators(&city, mutators, threads, 2);
    ua_collect(city.heap);
    event = city_newest_event(city.heap);
    print_event(settings, &event);
    assert_true(event.heap_marked_bytes >= bytes);
    /* For 256 MiB 100,000 and 8 MiB; a smaller heap is marked sooner. */
    assert_true(event.barrier_count >= 100000 * bytes / (256 * MIB));
    assert_true(event.mark_alloc_bytes >= bytes / 32);
    assert_true(event.mark_end_ns > event.mark_start_ns);
    assert_true(event.background_ns > 0);
    expect_background(&event);
    city_stop_mutators(&city, threads, 2);
    ua_collect(city.heap);
    city_check(&city);
    ua_root_remove(city.heap, &city.first);
    free(city.cells);
    ua_heap_close(city.heap);
}

static void test_marking_is_really_concurrent(void **state)
{
    (void)state;
    marks_while_the_program_runs("collect=concurrent gogc=off roots=registered sanitizer=off", 256 * MIB / divisor);
}

static void test_it_is_with_threads_stopped_by_signal(void **state)
{
    (void)state;
    marks_while_the_program_runs("collect=concurrent gogc=off roots=conservative sanitizer=off", 96 * MIB);
}

/* Goals of 128 MiB and more: the live heap stays within a tenth of them. */
static void test_growth_follows_gogc(void **state)
{
    static const int thread_counts[] = {1, 2, 4};

    (void)state;
    for (size_t i = 0; i < sizeof thread_counts / sizeof thread_counts[0]; i++) {
        struct city city = {.heap = gs_heap("go", "collect=concurrent gogc=100 roots=registered sanitizer=off")};
        struct ua_gc_event events[16], event;
        size_t count;

        city_run_steadily(&city, 72 * MIB, thread_counts[i], 3);
        event = city_newest_event(city.heap);
        printf("%d threads: most live heap %.3f of the goal of %llu MiB\n", thread_counts[i],
               (double)city.high_water_permille / 1000, (unsigned long long)(event.heap_goal_bytes >> 20));
        assert_true(event.heap_goal_bytes >= 128 * MIB);
        assert_true(city.high_water_permille <= 1100);
        count = ua_gc_events(city.heap, events, sizeof events / sizeof events[0]);
        for (size_t e = 0; e < count; e++)
            expect_background(&events[e]);
        city_close(&city);
    }
}

/* ---- background workers ------------------------------------------------------------------------------------------------ */

static void test_a_quarter_of_the_processors(void **state)
{
    /* Go's dedicated workers and fractional goal. */
    static const struct {
        int32_t processors;
        uint32_t dedicated;
        double fraction;
    } expected[] = {{1, 0, 0.25}, {2, 0, 0.5}, {3, 0, 0.75}, {4, 1, 0}, {5, 1, 0}, {6, 1, 0.5}, {7, 2, 0}, {8, 2, 0},
                    {16, 4, 0}, {64, 16, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct ua_worker_plan plan = ua_worker_plan(0, expected[i].processors);

        assert_int_equal(plan.dedicated, expected[i].dedicated);
        assert_true(plan.fraction > expected[i].fraction - 1e-9 && plan.fraction < expected[i].fraction + 1e-9);
        assert_int_equal(ua_worker_plan(3, expected[i].processors).dedicated, 3);
        assert_true(ua_worker_plan(3, expected[i].processors).fraction == 0);
    }
}

/* Time passes as work is done, and as workers rest: 10 ns a byte of scanning. */
struct virtual_time {
    uint64_t now_ns;
    const struct ua_worker *worker;
    const uint64_t *scanned; /* by workers that have left their marker */
};

static uint64_t read_virtual(void *context)
{
    const struct virtual_time *time = context;

    return time->now_ns + 10 * (time->worker->marker.heap_scan_work + __atomic_load_n(time->scanned, __ATOMIC_RELAXED));
}

static void test_background_utilisation_under_a_virtual_clock(void **state)
{
    struct city city = {.heap = gs_heap("go", "collect=concurrent gogc=off roots=registered sanitizer=off")};
    struct ua_gc *gc = city.heap->gc;
    struct virtual_time time = {.now_ns = 1000000000u, .scanned = &gc->counts.heap_scan_work};
    struct ua_clock clock = {read_virtual, &time, NULL};
    struct ua_worker worker = {.gc = gc, .share = 0.5};
    enum ua_worker_turn turn = UA_TURN_WORKED;
    uint64_t elapsed_ns;
    double utilisation;

    (void)state;
    /* Two processors: one thread at half its time is a quarter. The heap's own threads stand aside. */
    __atomic_store_n(&gc->workers.hold, 1, __ATOMIC_RELAXED);
    gc->processor_count = 2;
    city_build(&city, 64 * MIB / divisor);
    ua_marker_init(&worker.marker, city.heap, &gc->small, &gc->roots);
    time.worker = &worker;
    ua_debug_mark_begin(city.heap);
    city.heap->clock = &clock;
    gc->current.mark_start_ns = read_virtual(&time);
    for (;;) {
        uint64_t rest_ns = 0;

        turn = ua_worker_turn(&worker, &rest_ns);
        if (turn == UA_TURN_COMPLETE)
            break;
        time.now_ns += rest_ns;
    }
    elapsed_ns = read_virtual(&time) - gc->current.mark_start_ns;
    utilisation = (double)gc->counts.background_ns / (double)(elapsed_ns * 2);
    printf("background: %.2f %% of 2 processors over %.1f ms\n", utilisation * 100, (double)elapsed_ns / 1e6);
    assert_true(utilisation > 0.24 && utilisation < 0.26);
    city.heap->clock = &ua_clock_system;
    ua_debug_mark_end(city.heap);
    city_check(&city);
    city_close(&city);
}

/* Option workers: several mark at once, and what they mark is whole. */
static void test_several_workers_mark_together(void **state)
{
    struct city city = {.heap = gs_heap("go", "collect=concurrent gogc=50 workers=3 roots=registered sanitizer=off verify=full")};
    struct ua_gc_event event;

    (void)state;
    city_run_steadily(&city, 16 * MIB / divisor, 2, 6);
    event = city_newest_event(city.heap);
    assert_int_equal(event.worker_count, 3);
    city_close(&city);
}

UA_TYPE(cell_type, struct cell, UA_PTRS(out, 4));
UA_SCALAR_TYPE(blob_type, unsigned char);

/* An arena's chunks as well: filled, freed and taken while marks run, nothing of a living one is lost. */
static void *fill_and_free(void *argument)
{
    struct city *city = ((struct city_mutator *)argument)->city;

    assert_int_equal(ua_thread_attach(), 0);
    for (uint64_t round = 0; round < 400 / ua_min(divisor, 3); round++) {
        struct ua_arena *arena = ua_arena_new(city->heap);
        struct cell *list = NULL;

        for (uint64_t i = 0; i < 3000; i++) {
            struct cell *cell = ua_new(arena, &cell_type);

            cell->id = i;
            cell->out[0] = list;
            if (i % 8 == 0)
                cell->out[1] = ua_heap_alloc(city->heap, &cell_type, 1);
            if (cell->out[1] != NULL)
                cell->out[1]->id = i;
            list = cell;
            if (i % 500 == 0)
                assert_non_null(ua_slice(arena, &blob_type, 1000));
        }
        for (uint64_t i = 3000; i-- > 0; list = list->out[0])
            assert_true(list->id == i && (i % 8 != 0 || list->out[1]->id == i));
        ua_arena_free(arena);
    }
    ua_thread_detach();
    return NULL;
}

static void test_arenas_come_and_go_while_marks_run(void **state)
{
    struct city city = {.heap = gs_heap("safe", "collect=concurrent gogc=10 chunk_bytes=64KiB sanitizer=off verify=full")};
    struct city_mutator mutators[MUTATORS_MAX];
    pthread_t threads[MUTATORS_MAX];

    (void)state;
    for (int i = 0; i < 3; i++) {
        mutators[i] = (struct city_mutator){&city, i};
        assert_int_equal(pthread_create(&threads[i], NULL, fill_and_free, &mutators[i]), 0);
    }
    ua_blocking_begin();
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    ua_blocking_end();
    printf("%llu cycles\n", (unsigned long long)ts_stats(city.heap).gc_cycles);
    assert_true(ts_stats(city.heap).gc_cycles > 5);
    ua_collect(city.heap);
    ua_debug_verify(city.heap);
    ua_heap_close(city.heap);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest whole[] = {
        cmocka_unit_test(test_it_is_with_threads_stopped_by_signal),
        cmocka_unit_test(test_growth_follows_gogc),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marking_is_really_concurrent),
        cmocka_unit_test(test_a_quarter_of_the_processors),
        cmocka_unit_test(test_background_utilisation_under_a_virtual_clock),
        cmocka_unit_test(test_several_workers_mark_together),
        cmocka_unit_test(test_arenas_come_and_go_while_marks_run),
    };
    int failed;

    if (argc > 1)
        divisor = strtoul(argv[1], NULL, 10);
    assert_true(divisor >= 1);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (divisor == 1)
        failed += cmocka_run_group_tests(whole, NULL, NULL);
    return failed;
}
