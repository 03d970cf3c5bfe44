/* test_driver_checks.c - equal work is accepted, unequal work is named, and only like is held against like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "driver/hx_checks.h"

static struct hx_cell cell_of(const char *backend, double scale, unsigned threads) {
    struct hx_cell cell = {.scenario = "json_dom", .arm = "each", .options = "-", .threads = threads, .pages = HX_PAGES_4K, .scale = scale};
    strncpy(cell.backend, backend, sizeof cell.backend - 1);
    return cell;
}

static bool note(struct hx_checks *checks, const char *backend, double scale, unsigned threads, const char *sum, const char *allocation,
                 struct hx_error *error) {
    struct hx_cell cell = cell_of(backend, scale, threads);
    struct hx_observation observation = {0};
    strncpy(observation.checksum, sum, sizeof observation.checksum - 1);
    strncpy(observation.allocation_checksum, allocation, sizeof observation.allocation_checksum - 1);
    return hx_checks_note(checks, &cell, &observation, error);
}

static void equal_sums_pass(void **state) {
    (void)state;
    struct hx_checks checks = {0};
    struct hx_error error = {{0}};
    assert_true(note(&checks, "bump", 1, 1, "00000000000000aa", "00000000000000bb", &error));
    assert_true(note(&checks, "malloc", 1, 1, "00000000000000aa", "00000000000000bb", &error));
    struct hx_cell cell = cell_of("arena-safe", 1, 1);
    assert_string_equal(hx_checks_find(&checks, &cell)->checksum, "00000000000000aa");
    hx_checks_free(&checks);
}

static void unequal_contents_name_both(void **state) {
    (void)state;
    struct hx_checks checks = {0};
    struct hx_error error = {{0}};
    assert_true(note(&checks, "bump", 1, 1, "00000000000000aa", "00000000000000bb", &error));
    assert_false(note(&checks, "malloc", 1, 1, "00000000000000ab", "00000000000000bb", &error));
    assert_non_null(strstr(error.line, "json_dom/bump/each/1/4k"));
    assert_non_null(strstr(error.line, "json_dom/malloc/each/1/4k"));
    assert_non_null(strstr(error.line, "00000000000000ab"));
    hx_checks_free(&checks);
}

static void unequal_allocation_sequence_fails(void **state) {
    (void)state;
    struct hx_checks checks = {0};
    struct hx_error error = {{0}};
    assert_true(note(&checks, "bump", 1, 1, "00000000000000aa", "00000000000000bb", &error));
    assert_false(note(&checks, "malloc", 1, 1, "00000000000000aa", "00000000000000bc", &error));
    assert_non_null(strstr(error.line, "allocation sequence"));
    hx_checks_free(&checks);
}

static void other_scale_or_threads_are_other_work(void **state) {
    (void)state;
    struct hx_checks checks = {0};
    struct hx_error error = {{0}};
    assert_true(note(&checks, "bump", 1, 1, "00000000000000aa", "00000000000000bb", &error));
    assert_true(note(&checks, "bump", 2, 1, "00000000000000cc", "00000000000000dd", &error));
    assert_true(note(&checks, "bump", 1, 2, "00000000000000ee", "00000000000000ff", &error));
    assert_int_equal(checks.count, 3);
    hx_checks_free(&checks);
}

static void a_pass_without_sums_is_held_against_nothing(void **state) {
    (void)state;
    struct hx_checks checks = {0};
    struct hx_error error = {{0}};
    assert_true(note(&checks, "bump", 1, 1, "", "", &error));
    assert_true(note(&checks, "malloc", 1, 1, "00000000000000aa", "", &error));
    assert_false(note(&checks, "arena-safe", 1, 1, "00000000000000ab", "", &error));
    assert_non_null(strstr(error.line, "malloc"));
    hx_checks_free(&checks);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_sums_pass),
        cmocka_unit_test(unequal_contents_name_both),
        cmocka_unit_test(unequal_allocation_sequence_fails),
        cmocka_unit_test(other_scale_or_threads_are_other_work),
        cmocka_unit_test(a_pass_without_sums_is_held_against_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
