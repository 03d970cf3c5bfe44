/* test_assists.c - each payment of an allocating thread, computed anew from the figures that were published with it. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gc/assist.h"
#include "gc/city.h"
#include "gc/cycle.h"

#define ARENAS_MAX 256
#define REPEATED ((size_t)1 << 20)

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

static void test_assists_follow_the_pacer(void **state)
{
    static struct ua_gc_assist_event events[UA_ASSISTS_KEPT];
    struct city city = {.heap = gs_heap("go", "collect=concurrent gogc=25 roots=registered sanitizer=off")};
    size_t count;
    size_t stolen = 0;
    size_t marked = 0;

    (void)state;
    city_run_steadily(&city, 24 * MIB, 3, 12);
    count = ua_gc_assists(city.heap, events, UA_ASSISTS_KEPT);
    for (size_t i = 0; i < count; i++) {
        check_assist(&events[i]);
        stolen += events[i].stolen_work > 0;
        marked += events[i].done_work > 0;
        assert_true(i == 0 || events[i].time_ns >= events[i - 1].time_ns);
    }
    printf("%zu assists, %zu took credit, %zu marked\n", count, stolen, marked);
    assert_true(count > 0);
    assert_true(marked > 0);
    city_close(&city);
}

static void test_no_assists_where_they_are_off(void **state)
{
    struct city city = {.heap = gs_heap("go", "collect=concurrent gogc=25 roots=registered sanitizer=off assist=off")};
    struct ua_gc_assist_event event;

    (void)state;
    city_run_steadily(&city, 8 * MIB, 2, 4);
    assert_int_equal(ua_gc_assists(city.heap, &event, 1), 0);
    city_close(&city);
}

/* Near the expected end of a mark a little work earns gigabytes, as in Go, and memory that nobody touches is taken faster than
 * anybody marks. At the goal, stretched as far as it goes, the thread marks to the end whatever it has earned. */
static void test_credit_does_not_carry_over_the_goal(void **state)
{
    static struct ua_arena *arenas[ARENAS_MAX];
    struct city city = {.heap = gs_heap("go", "collect=concurrent gogc=100 roots=registered sanitizer=off")};
    struct ua_gc *gc = city.heap->gc;
    uint64_t goal_bytes = 0;
    uint64_t most_bytes = 0;
    uint64_t cycle;
    size_t count = 0;

    (void)state;
    __atomic_store_n(&gc->workers.hold, 1, __ATOMIC_RELAXED);
    city_build(&city, 32 * MIB);
    ua_collect(city.heap);
    cycle = ua_gc_cycles(city.heap);
    while (count < ARENAS_MAX && ua_gc_cycles(city.heap) == cycle) {
        arenas[count] = ua_arena_new(city.heap);
        assert_non_null(arenas[count]);
        count++;
        if (__atomic_load_n(&gc->state, __ATOMIC_RELAXED) != UA_GC_RUNNING)
            continue;
        if (goal_bytes == 0) {
            goal_bytes = __atomic_load_n(&gc->goal_bytes, __ATOMIC_RELAXED);
            ua_assist_charge(gc, (size_t)0 - ((size_t)8 << 30)); /* what luck would earn */
        }
        most_bytes = ts_stats(city.heap).heap_live_bytes;
    }
    printf("%zu chunks taken, most live heap %.3f of the goal\n", count, (double)most_bytes / (double)goal_bytes);
    assert_true(goal_bytes > 0);
    assert_true(most_bytes <= (uint64_t)(2 * 1.1 * (double)goal_bytes) + 8 * MIB);
    for (size_t i = 0; i < count; i++)
        ua_arena_free(arenas[i]);
    __atomic_store_n(&gc->workers.hold, 0, __ATOMIC_RELAXED);
    city_close(&city);
}

/* Opens a mark that nobody but the caller works on, and fills the pool with addresses of what is marked. */
static void open_full_of_what_is_marked(struct ua_gc *gc, const void *marked)
{
    struct ua_marker *marker;

    __atomic_store_n(&gc->workers.hold, 1, __ATOMIC_RELAXED);
    ua_world_lock();
    ua_gc_open_concurrent(gc, UA_GC_FORCED, false);
    ua_world_unlock();
    marker = ua_pool_borrow(&gc->pool);
    assert_non_null(marker);
    gs_fill_with_marked(&gc->pool, marker, marked, REPEATED);
    ua_gc_flush(gc, marker, false);
    assert_false(ua_pool_return(&gc->pool, marker));
}

/* Near its end a mark may have little but such items. A thread that owed 64 KiB went through all of them, for as long as it took. */
static void test_an_assist_ends_though_nothing_is_scanned(void **state)
{
    struct ua_heap *heap = gs_heap("go", "collect=concurrent gogc=100 roots=registered sanitizer=off");
    struct ua_gc *gc = heap->gc;
    struct gs_node *node = ua_heap_alloc(heap, gs_node_type(), 1);
    struct ua_gc_assist_event event;
    uint64_t cycle = ua_gc_cycles(heap);
    size_t pays = 0;

    (void)state;
    assert_int_equal(ua_root_add(heap, &node), 0);
    open_full_of_what_is_marked(gc, node);
    /* Each lets go after as much as 8 times 64 KiB of scanning takes in items; the debt stays, and no pause ends the mark. */
    while (ua_gc_cycles(heap) == cycle) {
        ua_assist_charge(gc, 8192);
        ua_assist_pay(gc);
        pays++;
    }
    assert_in_range(pays, REPEATED * UA_STEP_BYTES / (UA_GC_HELP_STEPS * (64 << 10)) / 2, REPEATED);
    assert_int_equal(ua_gc_assists(heap, &event, 1), 0); /* nothing was scanned, and nothing earned */
    __atomic_store_n(&gc->workers.hold, 0, __ATOMIC_RELAXED);
    ua_root_remove(heap, &node);
    ua_heap_close(heap);
}

static void *owe_and_end(void *heap)
{
    assert_int_equal(ua_thread_attach(), 0);
    ua_assist_charge(((struct ua_heap *)heap)->gc, 64 * MIB);
    return NULL; /* attached, and in debt */
}

/* What a thread owes ends with it: nobody waits for it, and the mark goes on. */
static void test_a_thread_may_end_in_debt(void **state)
{
    struct city city = {.heap = gs_heap("go", "collect=concurrent gogc=100 roots=registered sanitizer=off")};
    struct ua_gc *gc = city.heap->gc;
    pthread_t thread;
    uint64_t cycle;

    (void)state;
    city_build(&city, 4 * MIB);
    ua_collect(city.heap);
    cycle = ua_gc_cycles(city.heap);
    __atomic_store_n(&gc->workers.hold, 1, __ATOMIC_RELAXED);
    ua_world_lock();
    ua_gc_open_concurrent(gc, UA_GC_FORCED, false);
    ua_world_unlock();
    assert_int_equal(pthread_create(&thread, NULL, owe_and_end, city.heap), 0);
    ua_blocking_begin();
    pthread_join(thread, NULL);
    ua_blocking_end();
    assert_true(ua_gc_cycles(city.heap) == cycle);
    __atomic_store_n(&gc->workers.hold, 0, __ATOMIC_RELAXED);
    ua_collect(city.heap); /* ends the mark that is open, then makes one of its own */
    assert_true(ua_gc_cycles(city.heap) == cycle + 2);
    city_check(&city);
    city_close(&city);
}

/* A chunk of 64 MiB is owed 8 MiB at a time. */
static void test_a_large_chunk_is_paid_for_in_parts(void **state)
{
    static struct ua_gc_assist_event events[UA_ASSISTS_KEPT];
    static struct ua_arena *arenas[ARENAS_MAX];
    struct city city = {.heap = gs_heap("go", "collect=concurrent gogc=1000 roots=registered sanitizer=off chunk_bytes=64MiB")};
    struct ua_gc *gc = city.heap->gc;
    size_t taken = 0;
    size_t count;
    uint64_t cycle;

    (void)state;
    __atomic_store_n(&gc->workers.hold, 1, __ATOMIC_RELAXED);
    city_build(&city, 24 * MIB);
    ua_collect(city.heap);
    cycle = ua_gc_cycles(city.heap);
    while (taken < ARENAS_MAX / 8 && ua_gc_cycles(city.heap) == cycle) {
        arenas[taken] = ua_arena_new(city.heap);
        assert_non_null(arenas[taken++]);
    }
    count = ua_gc_assists(city.heap, events, UA_ASSISTS_KEPT);
    printf("%zu chunks of 64 MiB, %zu assists\n", taken, count);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++)
        assert_in_range(events[i].debt_bytes, 1, 8 * MIB);
    for (size_t i = 0; i < taken; i++)
        ua_arena_free(arenas[i]);
    __atomic_store_n(&gc->workers.hold, 0, __ATOMIC_RELAXED);
    city_close(&city);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_assists_follow_the_pacer),
        cmocka_unit_test(test_credit_does_not_carry_over_the_goal),
        cmocka_unit_test(test_a_large_chunk_is_paid_for_in_parts),
        cmocka_unit_test(test_an_assist_ends_though_nothing_is_scanned),
        cmocka_unit_test(test_a_thread_may_end_in_debt),
        cmocka_unit_test(test_no_assists_where_they_are_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
