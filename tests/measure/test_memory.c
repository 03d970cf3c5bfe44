/* test_memory.c - resident memory and page faults of this process against pages it touches by itself, and the curve's drag. */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_tree.h"
#include "measure/hx_memory.h"
#include "measure/hx_usage.h"
#include "touch_pages.h"

enum { PAGES = 8192, BYTES = PAGES * TOUCH_PAGE_BYTES };

/* The stack, the loader and sanitizers add pages of their own. */
#define SLACK_BYTES (512.0 * 1024)

static void page_faults_are_exact(void **state) {
    (void)state;
    struct hx_usage before;
    struct hx_usage after;
    bool exact = false;
    for (size_t round = 0; round < 4; round++) { /* the first touches code and stack; memory pressure may cost another */
        char *start = touch_pages_map(PAGES);
        assert_non_null(start);
        hx_usage_process(&after);
        hx_usage_process(&before);
        touch_pages(start, 0, PAGES);
        hx_usage_process(&after);
        touch_pages_unmap(start, PAGES);
        struct hx_usage used = hx_usage_difference(&before, &after);
        assert_true(used.faults_minor >= PAGES);
        assert_true(used.cpu_user_ns + used.cpu_system_ns > 0);
        exact = exact || (used.faults_minor == PAGES && used.faults_major == 0);
    }
    assert_true(exact);
}

static void rss_follows_touched_pages(void **state) {
    (void)state;
    struct hx_memory memory;
    struct hx_memory_now before;
    struct hx_memory_now half;
    struct hx_memory_now full;
    struct hx_memory_now gone;
    struct hx_memory_phase phase;
    hx_memory_open(&memory, "/proc/self");
    char *start = touch_pages_map(PAGES);
    assert_non_null(start);
    assert_true(hx_memory_now(&memory, &before));
    touch_pages(start, 0, PAGES / 2);
    assert_true(hx_memory_now(&memory, &half));
    touch_pages(start, 0, PAGES);
    assert_true(hx_memory_now(&memory, &full));
    hx_memory_phase(&memory, &phase);
    touch_pages_unmap(start, PAGES);
    assert_true(hx_memory_now(&memory, &gone));
    assert_true(fabs((double)(half.rss_anon_bytes - before.rss_anon_bytes) - BYTES / 2.0) < SLACK_BYTES);
    assert_true(fabs((double)(full.rss_anon_bytes - before.rss_anon_bytes) - BYTES) < SLACK_BYTES);
    assert_true(fabs((double)full.rss_bytes - (double)before.rss_bytes - BYTES) < SLACK_BYTES);
    assert_true(fabs((double)gone.rss_anon_bytes - (double)before.rss_anon_bytes) < SLACK_BYTES);
    if (phase.rss_anon_bytes.reason == NULL) { /* a kernel without smaps_rollup: none, with a reason */
        assert_true(fabs(phase.rss_anon_bytes.value - (double)full.rss_anon_bytes) < SLACK_BYTES);
    }
    assert_true(phase.page_table_bytes.reason != NULL || phase.page_table_bytes.value >= BYTES / 512.0);
    assert_true(hx_memory_cost_ns(&memory) > 0);
    hx_memory_close(&memory);
}

static void the_peak_is_of_its_phase(void **state) {
    (void)state;
    struct hx_memory memory;
    struct hx_memory_phase with_spike;
    struct hx_memory_phase after_spike;
    hx_memory_open(&memory, "/proc/self");
    if (hx_memory_peak_reset(&memory) != 0) {
        hx_memory_phase(&memory, &with_spike);
        assert_string_equal(with_spike.rss_peak_bytes.reason, "the peak could not be reset");
        hx_memory_close(&memory);
        skip();
    }
    char *start = touch_pages_map(PAGES);
    assert_non_null(start);
    touch_pages(start, 0, PAGES);
    touch_pages_unmap(start, PAGES);
    hx_memory_phase(&memory, &with_spike);
    assert_int_equal(hx_memory_peak_reset(&memory), 0);
    hx_memory_phase(&memory, &after_spike);
    assert_null(with_spike.rss_peak_bytes.reason);
    assert_true(with_spike.rss_peak_bytes.value - after_spike.rss_peak_bytes.value > BYTES - SLACK_BYTES);
    hx_memory_close(&memory);
}

static void what_is_not_there_has_a_reason(void **state) {
    (void)state;
    struct hx_memory memory;
    struct hx_memory_now now = {.rss_bytes = 1};
    struct hx_memory_phase phase;
    hx_memory_open(&memory, "/nonexistent");
    assert_false(hx_memory_now(&memory, &now));
    assert_int_equal(now.rss_bytes, 1);
    hx_memory_phase(&memory, &phase);
    assert_string_equal(phase.rss_bytes.reason, "smaps_rollup not readable");
    assert_string_equal(phase.rss_peak_bytes.reason, "status not readable");
    assert_int_not_equal(hx_memory_peak_reset(&memory), 0);
    hx_memory_close(&memory);
}

static void the_fields_are_the_right_ones(void **state) {
    (void)state;
    struct hx_memory memory;
    struct hx_memory_now now;
    struct hx_memory_phase phase;
    const char *tree = fake_tree_make();
    fake_tree_write("statm", "1000 500 200 10 0 300 0\n");
    fake_tree_write("smaps_rollup", "5500-7fff ---p 00000000 00:00 0    [rollup]\nRss:     2000 kB\nPss:  1 kB\n"
                                    "Anonymous:   1200 kB\nAnonHugePages:   1024 kB\nShmemPmdMapped: 5 kB\n");
    fake_tree_write("status", "Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t 3000 kB\nVmRSS:\t 2000 kB\nVmPTE:\t 44 kB\n");
    fake_tree_write("clear_refs", "");
    hx_memory_open(&memory, tree);
    assert_true(hx_memory_now(&memory, &now));
    assert_int_equal(now.rss_bytes, 500 * memory.page_bytes);
    assert_int_equal(now.rss_anon_bytes, 300 * memory.page_bytes);
    hx_memory_phase(&memory, &phase);
    assert_true(fabs(phase.rss_bytes.value - 2000 * 1024.0) < 0.5);
    assert_true(fabs(phase.rss_anon_bytes.value - 1200 * 1024.0) < 0.5);
    assert_true(fabs(phase.anon_huge_bytes.value - 1024 * 1024.0) < 0.5);
    assert_true(fabs(phase.rss_peak_bytes.value - 3000 * 1024.0) < 0.5);
    assert_true(fabs(phase.page_table_bytes.value - 44 * 1024.0) < 0.5);
    assert_string_equal(phase.swap_bytes.reason, "not in this kernel's file");
    hx_memory_close(&memory);
    fake_tree_remove();
}

static void drag_of_a_known_curve(void **state) {
    (void)state;
    struct hx_series series;
    assert_true(hx_series_init(&series, 4));
    assert_non_null(hx_series_drag(&series, 0).reason);
    /* live rises 0 -> 100 over 10 ops then falls to 0 over 10; RSS above the mark (50) is 100 throughout the fall */
    hx_series_append(&series, &(struct hx_series_row){.work_ops = 0, .live_bytes = 0, .rss_anon_bytes = 50});
    hx_series_append(&series, &(struct hx_series_row){.work_ops = 10, .live_bytes = 100, .rss_anon_bytes = 150});
    hx_series_append(&series, &(struct hx_series_row){.work_ops = 20, .live_bytes = 0, .rss_anon_bytes = 150});
    struct hx_figure drag = hx_series_drag(&series, 50);
    assert_null(drag.reason);
    assert_true(fabs(drag.value - 1.5) < 1e-12); /* (500 + 1000) / (500 + 500) */
    hx_series_append(&series, &(struct hx_series_row){.work_ops = 20});
    hx_series_append(&series, &(struct hx_series_row){.work_ops = 20});
    assert_int_equal(series.count, 4);
    assert_int_equal(series.dropped, 1);
    hx_series_deinit(&series);
    assert_false(hx_series_init(&series, SIZE_MAX));
    assert_int_equal(errno, EOVERFLOW);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_faults_are_exact),
        cmocka_unit_test(rss_follows_touched_pages),
        cmocka_unit_test(the_peak_is_of_its_phase),
        cmocka_unit_test(what_is_not_there_has_a_reason),
        cmocka_unit_test(the_fields_are_the_right_ones),
        cmocka_unit_test(drag_of_a_known_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
