/* test_concurrent.c - marking happens while the program runs, at the pace the pacer asks for. Figures are printed; counts are
 * asserted, times are not. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gc/gc.h"
#include "gc/gc_support.h"
#include "include/ua_debug.h"

#define MIB ((size_t)1 << 20)
#define MUTATORS_MAX 4
#define RING_SLOTS 4096

/* 64 bytes, half of it pointers. */
struct cell {
    struct cell *out[4];
    uint64_t id;
    uint64_t rest[3];
};

UA_TYPE(cell_type, struct cell, UA_PTRS(out, 4));
UA_SCALAR_TYPE(blob_type, unsigned char);

struct city {
    struct ua_heap *heap;
    struct cell **cells; /* a registered range: every cell is its own root until roots_shown shrinks it */
    size_t cell_count;
    struct cell *first;
    uint32_t stop;       /* atomic */
    uint32_t ready;      /* atomic */
    uint64_t high_water_permille; /* atomic; live heap over goal, the most that was seen */
};

static uint64_t roll(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* A random graph: a chain through all cells, so that all are reachable from the first, and three random edges each. */
static void build(struct city *city, size_t bytes)
{
    uint64_t seed = 88172645463325252u;

    city->cell_count = bytes / sizeof(struct cell);
    city->cells = malloc(city->cell_count * sizeof *city->cells);
    assert_non_null(city->cells);
    assert_int_equal(ua_root_add(city->heap, &city->first), 0);
    for (size_t i = 0; i < city->cell_count; i++) {
        struct cell *cell = ua_heap_alloc(city->heap, &cell_type, 1);

        assert_non_null(cell);
        cell->id = i;
        ua_store(city->heap, (void **)&cell->out[0], city->first);
        for (int edge = 1; edge < 4 && i > 0; edge++)
            ua_store(city->heap, (void **)&cell->out[edge], city->cells[roll(&seed) % i]);
        city->cells[i] = cell;
        city->first = cell;
    }
}

static void check_chain(const struct city *city)
{
    const struct cell *cell = city->first;

    for (size_t i = city->cell_count; i-- > 0; cell = cell->out[0])
        assert_true(cell != NULL && cell->id == i);
    assert_null(cell);
}

struct mutator {
    struct city *city;
    int number;
};

/* Swaps random edges of its own share of the cells, and makes garbage. */
static void *mutate(void *argument)
{
    struct mutator *mutator = argument;
    struct city *city = mutator->city;
    size_t share = city->cell_count / MUTATORS_MAX;
    size_t low = share * (size_t)mutator->number;
    uint64_t seed = 1234567 + (uint64_t)mutator->number;
    uint64_t rounds = 0;
    struct cell *root = NULL;

    assert_int_equal(ua_thread_attach(), 0);
    assert_int_equal(ua_root_add(city->heap, &root), 0);
    __atomic_fetch_add(&city->ready, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&city->stop, __ATOMIC_RELAXED) == 0) {
        struct cell *a = city->cells[low + roll(&seed) % share];
        struct cell *b = city->cells[low + roll(&seed) % share];
        struct cell *taken = a->out[1 + rounds % 3];

        ua_store(city->heap, (void **)&a->out[1 + rounds % 3], b->out[1 + rounds % 3]);
        ua_store(city->heap, (void **)&b->out[1 + rounds % 3], taken);
        if (rounds++ % 4 == 0) {
            root = ua_heap_alloc(city->heap, &cell_type, 1);
            root->out[1] = taken;
        }
        if (rounds % 64 == 0)
            ua_safepoint();
    }
    ua_root_remove(city->heap, &root);
    ua_thread_detach();
    return NULL;
}

static struct ua_gc_event newest_event(struct ua_heap *heap)
{
    struct ua_gc_event event;

    assert_int_equal(ua_gc_events(heap, &event, 1), 1);
    return event;
}

static void start_mutators(struct city *city, struct mutator *mutators, pthread_t *threads, int count)
{
    for (int i = 0; i < count; i++) {
        mutators[i] = (struct mutator){city, i};
        assert_int_equal(pthread_create(&threads[i], NULL, mutate, &mutators[i]), 0);
    }
    while (__atomic_load_n(&city->ready, __ATOMIC_SEQ_CST) < (uint32_t)count)
        sched_yield();
}

static void stop_mutators(struct city *city, pthread_t *threads, int count)
{
    __atomic_store_n(&city->stop, 1, __ATOMIC_RELAXED);
    ua_blocking_begin();
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    ua_blocking_end();
}

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

static void marks_while_the_program_runs(const char *settings)
{
    struct city city = {.heap = gs_heap("go", settings)};
    struct mutator mutators[MUTATORS_MAX];
    pthread_t threads[MUTATORS_MAX];
    struct ua_gc_event event;

    build(&city, 256 * MIB);
    start_mutators(&city, mutators, threads, 2);
    ua_collect(city.heap);
    event = newest_event(city.heap);
    print_event(settings, &event);
    assert_true(event.heap_marked_bytes >= 256 * MIB);
    assert_true(event.barrier_count >= 100000);
    assert_true(event.mark_alloc_bytes >= 8 * MIB);
    assert_true(event.mark_end_ns > event.mark_start_ns);
    assert_true(event.background_ns > 0);
    stop_mutators(&city, threads, 2);
    ua_collect(city.heap);
    check_chain(&city);
    ua_root_remove(city.heap, &city.first);
    free(city.cells);
    ua_heap_close(city.heap);
}

static void test_marking_is_really_concurrent(void **state)
{
    (void)state;
    marks_while_the_program_runs("collect=concurrent gogc=off roots=registered sanitizer=off");
}

static void test_it_is_with_threads_stopped_by_signal(void **state)
{
    (void)state;
    marks_while_the_program_runs("collect=concurrent gogc=off roots=conservative sanitizer=off");
}

/* ---- the pacer's figures, computed anew ------------------------------------------------------------------------------- */

static int64_t to_i64(double x)
{
    return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN;
}

/* gcControllerState.revise, from the published figures alone. */
static void rates(const struct ua_gc_pace *pace, double *work_per_byte, double *bytes_per_work)
{
    int32_t percent = pace->gc_percent < 0 ? 100000 : pace->gc_percent;
    int64_t live = (int64_t)pace->heap_live;
    int64_t goal = (int64_t)pace->heap_goal;
    int64_t work = pace->heap_scan_work + pace->stack_scan_work + pace->globals_scan_work;
    int64_t expected = (int64_t)(pace->last_heap_scan + pace->last_stack_scan + pace->globals_scan);
    int64_t most = (int64_t)(pace->heap_scan + pace->max_stack_scan + pace->globals_scan);
    int64_t work_left;
    int64_t bytes_left;

    if (work > expected) {
        double stretched = (double)(goal - (int64_t)pace->triggered) / (double)expected * (double)most;
        int64_t extended = (int64_t)((uint64_t)to_i64(stretched) + pace->triggered);
        int64_t hard = to_i64((1.0 + (double)percent / 100.0) * (double)goal);

        goal = extended > hard ? hard : extended;
        expected = most;
    }
    if (live > goal) {
        goal = to_i64((double)goal * 1.1);
        expected = most;
    }
    work_left = expected - work < 1000 ? 1000 : expected - work;
    bytes_left = goal - live <= 0 ? 1 : goal - live;
    *work_per_byte = (double)work_left / (double)bytes_left;
    *bytes_per_work = (double)bytes_left / (double)work_left;
}

static void check_assist(const struct ua_gc_assist_event *event)
{
    double work_per_byte;
    double bytes_per_work;
    int64_t work;
    int64_t debt = event->debt_bytes;

    assert_true(event->debt_bytes > 0 && event->stolen_work + event->done_work > 0);
    rates(&event->plan, &work_per_byte, &bytes_per_work);
    work = to_i64(work_per_byte * (double)debt);
    if (work < 65536) {
        work = 65536;
        debt = to_i64(bytes_per_work * (double)work);
    }
    assert_true(event->planned_work == work);
    assert_true(event->planned_bytes == debt);
    assert_true(event->stolen_work <= work);
    if (event->stolen_work == work)
        assert_true(event->stolen_bytes == debt);
    else if (event->stolen_work > 0)
        assert_true(event->stolen_bytes == 1 + to_i64(bytes_per_work * (double)event->stolen_work));
    else
        assert_true(event->stolen_bytes == 0);
    if (event->done_work > 0) {
        rates(&event->pay, &work_per_byte, &bytes_per_work);
        assert_true(event->done_bytes == 1 + to_i64(bytes_per_work * (double)event->done_work));
    }
}

/* Makes garbage, and looks how far the live heap is beyond the goal. */
static void *churn(void *argument)
{
    struct city *city = ((struct mutator *)argument)->city;
    struct cell *volatile kept = NULL;
    struct cell *root = NULL;

    assert_int_equal(ua_thread_attach(), 0);
    assert_int_equal(ua_root_add(city->heap, &root), 0);
    for (uint64_t rounds = 0; __atomic_load_n(&city->stop, __ATOMIC_RELAXED) == 0; rounds++) {
        struct ua_stats stats;
        uint64_t permille;

        root = ua_heap_alloc(city->heap, &cell_type, 1);
        kept = root;
        if (rounds % 4096 != 0)
            continue;
        stats = gs_stats(city->heap);
        permille = stats.heap_live_bytes * 1000 / stats.gc_goal_bytes;
        if (permille > __atomic_load_n(&city->high_water_permille, __ATOMIC_RELAXED))
            __atomic_store_n(&city->high_water_permille, permille, __ATOMIC_RELAXED);
    }
    (void)kept;
    ua_root_remove(city->heap, &root);
    ua_thread_detach();
    return NULL;
}

/* A steady loop of allocation over a live heap of `live` bytes until so many cycles ran. */
static void run_steadily(struct city *city, size_t live, int thread_count, uint64_t cycles)
{
    struct mutator mutators[MUTATORS_MAX];
    pthread_t threads[MUTATORS_MAX];

    build(city, live);
    ua_collect(city->heap);
    city->stop = 0;
    cycles += gs_stats(city->heap).gc_cycles;
    for (int i = 0; i < thread_count; i++) {
        mutators[i] = (struct mutator){city, i};
        assert_int_equal(pthread_create(&threads[i], NULL, churn, &mutators[i]), 0);
    }
    ua_blocking_begin();
    while (gs_stats(city->heap).gc_cycles < cycles)
        sched_yield();
    ua_blocking_end();
    stop_mutators(city, threads, thread_count);
    check_chain(city);
}

static void close_city(struct city *city)
{
    ua_root_remove(city->heap, &city->first);
    free(city->cells);
    ua_debug_verify(city->heap);
    ua_heap_close(city->heap);
}

static void test_assists_follow_the_pacer(void **state)
{
    static struct ua_gc_assist_event events[UA_ASSISTS_KEPT];
    struct city city = {.heap = gs_heap("go", "collect=concurrent gogc=25 roots=registered sanitizer=off")};
    size_t count;
    size_t stolen = 0;
    size_t marked = 0;

    (void)state;
    run_steadily(&city, 24 * MIB, 3, 12);
    count = ua_gc_assists(city.heap, events, UA_ASSISTS_KEPT);
    for (size_t i = 0; i < count; i++) {
        check_assist(&events[i]);
        stolen += events[i].stolen_work > 0;
        marked += events[i].done_work > 0;
        assert_true(i == 0 || events[i].cycle >= events[i - 1].cycle);
    }
    printf("%zu assists, %zu took credit, %zu marked\n", count, stolen, marked);
    assert_true(count > 0);
    assert_true(marked > 0);
    close_city(&city);
}

static void test_no_assists_where_they_are_off(void **state)
{
    struct city city = {.heap = gs_heap("go", "collect=concurrent gogc=25 roots=registered sanitizer=off assist=off")};
    struct ua_gc_assist_event event;

    (void)state;
    run_steadily(&city, 8 * MIB, 2, 4);
    assert_int_equal(ua_gc_assists(city.heap, &event, 1), 0);
    close_city(&city);
}

/* Goals of 128 MiB and more: the live heap stays within a tenth of them. */
static void test_growth_follows_gogc(void **state)
{
    static const int thread_counts[] = {1, 2, 4};

    (void)state;
    for (size_t i = 0; i < sizeof thread_counts / sizeof thread_counts[0]; i++) {
        struct city city = {.heap = gs_heap("go", "collect=concurrent gogc=100 roots=registered sanitizer=off")};
        struct ua_gc_event event;

        run_steadily(&city, 72 * MIB, thread_counts[i], 3);
        event = newest_event(city.heap);
        printf("%d threads: most live heap %.3f of the goal of %llu MiB\n", thread_counts[i],
               (double)city.high_water_permille / 1000, (unsigned long long)(event.heap_goal_bytes >> 20));
        assert_true(event.heap_goal_bytes >= 128 * MIB);
        assert_true(city.high_water_permille <= 1100);
        close_city(&city);
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
    build(&city, 64 * MIB);
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
    check_chain(&city);
    close_city(&city);
}

/* Option workers: several mark at once, and what they mark is whole. */
static void test_several_workers_mark_together(void **state)
{
    struct city city = {.heap = gs_heap("go", "collect=concurrent gogc=50 workers=3 roots=registered sanitizer=off verify=full")};
    struct ua_gc_event event;

    (void)state;
    run_steadily(&city, 16 * MIB, 2, 6);
    event = newest_event(city.heap);
    assert_int_equal(event.worker_count, 3);
    close_city(&city);
}

/* An arena's chunks as well: filled, freed and taken while marks run, nothing of a living one is lost. */
static void *fill_and_free(void *argument)
{
    struct city *city = ((struct mutator *)argument)->city;

    assert_int_equal(ua_thread_attach(), 0);
    for (uint64_t round = 0; round < 400; round++) {
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
    struct mutator mutators[MUTATORS_MAX];
    pthread_t threads[MUTATORS_MAX];

    (void)state;
    for (int i = 0; i < 3; i++) {
        mutators[i] = (struct mutator){&city, i};
        assert_int_equal(pthread_create(&threads[i], NULL, fill_and_free, &mutators[i]), 0);
    }
    ua_blocking_begin();
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    ua_blocking_end();
    printf("%llu cycles\n", (unsigned long long)gs_stats(city.heap).gc_cycles);
    assert_true(gs_stats(city.heap).gc_cycles > 5);
    ua_collect(city.heap);
    ua_debug_verify(city.heap);
    ua_heap_close(city.heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marking_is_really_concurrent),
        cmocka_unit_test(test_it_is_with_threads_stopped_by_signal),
        cmocka_unit_test(test_assists_follow_the_pacer),
        cmocka_unit_test(test_no_assists_where_they_are_off),
        cmocka_unit_test(test_growth_follows_gogc),
        cmocka_unit_test(test_a_quarter_of_the_processors),
        cmocka_unit_test(test_background_utilisation_under_a_virtual_clock),
        cmocka_unit_test(test_several_workers_mark_together),
        cmocka_unit_test(test_arenas_come_and_go_while_marks_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
