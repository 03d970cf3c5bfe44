/* test_pacer.c - what the recorded vectors do not reach: conversions, assist and sweep plans, knobs at their ends.
 *
 * golden_replay holds the controller to Go's own records; expected numbers here are worked out by hand from the rules. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gc/pacer.h"

#define MIB ((uint64_t)1 << 20)

static void test_conversions_are_those_of_amd64(void **state)
{
    (void)state;
    assert_true(ua_pacer_to_i64(NAN) == INT64_MIN);
    assert_true(ua_pacer_to_i64(INFINITY) == INT64_MIN);
    assert_true(ua_pacer_to_i64(-INFINITY) == INT64_MIN);
    assert_true(ua_pacer_to_i64(0x1p63) == INT64_MIN);
    assert_true(ua_pacer_to_i64(-0x1p63) == INT64_MIN);
    assert_true(ua_pacer_to_i64(-1.9) == -1);
    assert_true(ua_pacer_to_i64(1.9) == 1);
    assert_true(ua_pacer_to_u64(NAN) == (uint64_t)1 << 63);
    assert_true(ua_pacer_to_u64(INFINITY) == (uint64_t)1 << 63);
    assert_true(ua_pacer_to_u64(0x1p64) == (uint64_t)1 << 63);
    assert_true(ua_pacer_to_u64(-0x1p63) == (uint64_t)1 << 63);
    assert_true(ua_pacer_to_u64(-1.0) == UINT64_MAX);
    assert_true(ua_pacer_to_u64(-0.5) == 0);
    assert_true(ua_pacer_to_u64(0x1p63) == (uint64_t)1 << 63);
    assert_true(ua_pacer_to_u64(0x1p63 + 2048) == ((uint64_t)1 << 63) + 2048);
}

static void test_first_goal_is_the_heap_minimum(void **state)
{
    struct ua_pacer p;

    (void)state;
    ua_pacer_init(&p, 100, UA_PACER_NO_LIMIT);
    assert_true(ua_pacer_goal(&p).goal == 4 * MIB);
    /* (4 MiB / 64) * 61 */
    assert_true(ua_pacer_trigger(&p).trigger == 3997696);
    ua_pacer_init(&p, 0, UA_PACER_NO_LIMIT);
    assert_true(ua_pacer_goal(&p).goal == 0);
    ua_pacer_init(&p, 400, UA_PACER_NO_LIMIT);
    assert_true(ua_pacer_goal(&p).goal == 16 * MIB);
}

static void test_off_has_no_goal(void **state)
{
    struct ua_pacer p;

    (void)state;
    ua_pacer_init(&p, 100, UA_PACER_NO_LIMIT);
    assert_int_equal(ua_pacer_set_gc_percent(&p, -7), 100);
    assert_int_equal(p.gc_percent, -1);
    ua_pacer_commit(&p, true);
    assert_true(p.gc_percent_heap_goal == UINT64_MAX);
    /* With no memory limit either, the limit's headroom is the only bound left. */
    assert_true(ua_pacer_trigger(&p).goal == (uint64_t)INT64_MAX - MIB);
}

static void test_a_negative_limit_only_reads(void **state)
{
    struct ua_pacer p;

    (void)state;
    ua_pacer_init(&p, 100, 64 * (int64_t)MIB);
    assert_true(ua_pacer_set_memory_limit(&p, -1) == 64 * (int64_t)MIB);
    assert_true(p.memory_limit == 64 * (int64_t)MIB);
}

static void test_the_limit_lowers_the_goal(void **state)
{
    struct ua_pacer p;

    (void)state;
    ua_pacer_init(&p, 100, 64 * (int64_t)MIB);
    p.heap_marked = 40 * MIB;
    p.heap_live = 40 * MIB;
    p.total_alloc = 40 * MIB;
    p.mapped_ready = 50 * MIB;
    ua_pacer_commit(&p, true);
    /* 64 - 10 not heap - 1 headroom, against 80 by gogc */
    assert_true(ua_pacer_goal(&p).goal == 53 * MIB);
    p.mapped_ready = 200 * MIB;
    assert_true(ua_pacer_goal(&p).goal == 40 * MIB);
    assert_true(ua_pacer_trigger(&p).trigger == 40 * MIB);
}

static void test_workers_are_a_quarter_of_the_processors(void **state)
{
    static const struct {
        int32_t procs;
        int64_t dedicated;
        double fractional;
    } rows[] = {{1, 0, 0.25}, {2, 0, 0.25}, {3, 0, 0.25}, {4, 1, 0}, {5, 1, 0}, {6, 1, 0.5 / 6}, {8, 2, 0}};
    struct ua_pacer p;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ua_pacer_init(&p, 100, UA_PACER_NO_LIMIT);
        ua_pacer_start_cycle(&p, 1, rows[i].procs, false);
        assert_true(p.dedicated_workers_needed == rows[i].dedicated);
        assert_true(p.fractional_utilization_goal == rows[i].fractional);
        assert_true(p.max_idle_workers == rows[i].procs - rows[i].dedicated);
        ua_pacer_start_cycle(&p, 1, rows[i].procs, true);
        assert_true(p.max_idle_workers == (rows[i].dedicated > 0 ? 0 : 1));
    }
}

static void test_small_debts_assist_in_64_kib_steps(void **state)
{
    struct ua_pacer p;
    struct ua_pacer_assist plan;

    (void)state;
    ua_pacer_init(&p, 100, UA_PACER_NO_LIMIT);
    p.assist_work_per_byte = 0.5;
    p.assist_bytes_per_work = 2.0;
    plan = ua_pacer_assist_plan(&p, 1000);
    assert_true(plan.scan_work == 65536);
    assert_true(plan.debt_bytes == 131072);
    plan = ua_pacer_assist_plan(&p, 8 * (int64_t)MIB);
    assert_true(plan.scan_work == 4 * (int64_t)MIB);
    assert_true(plan.debt_bytes == 8 * (int64_t)MIB);
    assert_true(ua_pacer_assist_credit(&p, 100) == 201);
}

static void test_sweep_spreads_over_what_is_left_to_the_trigger(void **state)
{
    struct ua_pacer p;
    struct ua_pacer_sweep plan;

    (void)state;
    ua_pacer_init(&p, 100, UA_PACER_NO_LIMIT);
    p.heap_live = 10 * MIB;
    plan = ua_pacer_sweep_plan(&p, 15 * MIB, false, 4096, 0);
    assert_true(plan.pages_per_byte == 4096.0 / (double)(4 * MIB));
    assert_true(plan.heap_live_basis == 10 * MIB);
    plan = ua_pacer_sweep_plan(&p, 10 * MIB, false, 4096, 0);
    assert_true(plan.pages_per_byte == 0.5); /* never less than 8 KiB to go */
    assert_true(ua_pacer_sweep_plan(&p, 15 * MIB, true, 4096, 0).pages_per_byte == 0);
    assert_true(ua_pacer_sweep_plan(&p, 15 * MIB, false, 4096, 4096).pages_per_byte == 0);
}

static void test_scan_of_new_objects_counts_outside_a_mark_only(void **state)
{
    struct ua_pacer p;

    (void)state;
    ua_pacer_init(&p, 100, UA_PACER_NO_LIMIT);
    ua_pacer_update(&p, 100, 60, false);
    assert_true(p.heap_live == 100 && p.heap_scan == 60);
    ua_pacer_start_cycle(&p, 0, 4, false);
    ua_pacer_update(&p, 100, 60, true);
    assert_true(p.heap_live == 200 && p.heap_scan == 60);
    p.assist_work_per_byte = 0;
    ua_pacer_update(&p, -8, 0, true);
    assert_true(p.assist_work_per_byte > 0); /* revised */
}

static void test_worker_time_goes_to_its_kind(void **state)
{
    struct ua_pacer p;

    (void)state;
    ua_pacer_init(&p, 100, UA_PACER_NO_LIMIT);
    ua_pacer_worker_stop(&p, UA_PACER_DEDICATED, 5);
    ua_pacer_worker_stop(&p, UA_PACER_FRACTIONAL, 7);
    ua_pacer_worker_stop(&p, UA_PACER_IDLE, 11);
    assert_true(p.dedicated_mark_time == 5 && p.dedicated_workers_needed == 1);
    assert_true(p.fractional_mark_time == 7 && p.idle_mark_time == 11);
    ua_pacer_plan_stop_the_world(&p, 2);
    assert_true(p.dedicated_workers_needed == 2 && p.fractional_utilization_goal == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversions_are_those_of_amd64),
        cmocka_unit_test(test_first_goal_is_the_heap_minimum),
        cmocka_unit_test(test_off_has_no_goal),
        cmocka_unit_test(test_a_negative_limit_only_reads),
        cmocka_unit_test(test_the_limit_lowers_the_goal),
        cmocka_unit_test(test_workers_are_a_quarter_of_the_processors),
        cmocka_unit_test(test_small_debts_assist_in_64_kib_steps),
        cmocka_unit_test(test_sweep_spreads_over_what_is_left_to_the_trigger),
        cmocka_unit_test(test_scan_of_new_objects_counts_outside_a_mark_only),
        cmocka_unit_test(test_worker_time_goes_to_its_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
