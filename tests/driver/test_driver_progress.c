/* test_driver_progress.c - the line and the time left, from simulated process times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "driver/hx_progress.h"

static struct hx_cell cells[] = {
    {.scenario = "json_dom", .backend = "mimalloc", .arm = "each", .options = "-", .threads = 1, .pages = HX_PAGES_4K},
};
static struct hx_step steps[] = {
    {.pass = HX_PASS_TIME, .rep = 0},   {.pass = HX_PASS_MEMORY, .rep = 0}, {.pass = HX_PASS_TIME, .rep = 1},
    {.pass = HX_PASS_TIME, .rep = 2},   {.pass = HX_PASS_TIME, .rep = 3},
};
static const struct hx_plan plan = {.cells = cells, .cell_count = 1, .steps = steps, .step_count = 5};

static void nothing_is_known_at_the_start(void **state) {
    (void)state;
    struct hx_progress progress;
    hx_progress_begin(&progress, &plan, NULL, false);
    assert_int_equal(hx_progress_left_ns(&progress), 0);
    char text[256];
    hx_progress_text(&progress, 0, 0, text, sizeof text);
    assert_string_equal(text, "[1/5] json_dom mimalloc each 4k time 1/4 · 0:00");
}

static void time_left_is_by_pass(void **state) {
    (void)state;
    struct hx_progress progress;
    hx_progress_begin(&progress, &plan, NULL, false);
    hx_progress_note(&progress, 0, 2 * HX_NS_PER_S);
    /* Four processes remain; memory is not known yet and counts as the mean of all. */
    assert_int_equal(hx_progress_left_ns(&progress), 8 * HX_NS_PER_S);
    hx_progress_note(&progress, 1, 20 * HX_NS_PER_S);
    assert_int_equal(hx_progress_left_ns(&progress), 6 * HX_NS_PER_S);
    hx_progress_note(&progress, 2, 4 * HX_NS_PER_S);
    char text[256];
    hx_progress_text(&progress, 3, 3726 * HX_NS_PER_S, text, sizeof text);
    assert_string_equal(text, "[4/5] json_dom mimalloc each 4k time 3/4 · 1:02:06 · 0:06 left");
}

static void finished_steps_of_a_resumed_run_count(void **state) {
    (void)state;
    const bool finished[5] = {true, true, false, true, false};
    struct hx_progress progress;
    hx_progress_begin(&progress, &plan, finished, true);
    assert_int_equal(progress.done, 3);
    hx_progress_note(&progress, 2, HX_NS_PER_S);
    assert_int_equal(hx_progress_left_ns(&progress), HX_NS_PER_S);
    char text[256];
    hx_progress_text(&progress, 4, 0, text, sizeof text);
    assert_non_null(strstr(text, "[5/5]"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_at_the_start),
        cmocka_unit_test(time_left_is_by_pass),
        cmocka_unit_test(finished_steps_of_a_resumed_run_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
