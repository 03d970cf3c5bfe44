/* test_record_profiles.c - what a profile takes of a catalogue: the price of safety, the floor, arms in huge pages alone, limits that a
 * scenario sets. The order of steps and the words that filter: test_record_plan.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "record/hx_catalogue_read.h"
#include "record/hx_plan.h"
#include "record/hx_plan_steps.h"
#include "record/hx_words.h"

static const char dials[] =
    "{\"quick\":{\"4k\":{\"scale\":1.0,\"cycles_per_block\":2,\"blocks\":8},\"huge\":{\"scale\":0.1,\"cycles_per_block\":1,\"blocks\":8}},"
    "\"full\":{\"4k\":{\"scale\":1.0,\"cycles_per_block\":2,\"blocks\":8},\"huge\":{\"scale\":1.0,\"cycles_per_block\":2,\"blocks\":8}},"
    "\"gate\":{\"huge\":{\"scale\":0.25,\"cycles_per_block\":1,\"blocks\":16}}}";

static bool has_cell(const struct hx_plan *plan, const char *scenario, const char *backend, const char *arm, const char *options) {
    bool found = false;
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct hx_cell *cell = &plan->cells[i];
        found = found || (strcmp(cell->scenario, scenario) == 0 && strcmp(cell->backend, backend) == 0 && strcmp(cell->arm, arm) == 0 &&
                          strcmp(cell->options, options) == 0);
    }
    return found;
}

/* A scenario for warm memory, of huge pages, that profile full shows for two backends; one that all run. */
static void read_machinery(struct hx_catalogue *out) {
    char *answer = hx_print("{\"protocol\":1,\"worker\":\"w\",\"version\":\"1\",\"backends\":["
                            "{\"name\":\"arena-safe\",\"arms\":[\"reuse\",\"fresh\"],\"absent\":[]},"
                            "{\"name\":\"arena-kept\",\"arms\":[\"reuse\"],\"absent\":[]},"
                            "{\"name\":\"obstack\",\"memory\":\"glibc\",\"arms\":[\"bulk\"],\"absent\":[]}],\"scenarios\":["
                            "{\"name\":\"warm\",\"why\":\"w\",\"backends\":\"arena-*\",\"arms\":\"reuse,bulk\",\"dials\":"
                            "{\"quick\":{\"huge\":{\"scale\":1.0,\"cycles_per_block\":1,\"blocks\":8}},"
                            "\"full\":{\"huge\":{\"scale\":1.0,\"cycles_per_block\":1,\"blocks\":8}}}},"
                            "{\"name\":\"work\",\"why\":\"w\",\"dials\":%s}]}", dials);
    struct hx_error error = {{0}};
    *out = (struct hx_catalogue){0};
    assert_true(hx_catalogue_read(answer, "w", out, &error));
    free(answer);
}

static void full_has_the_price_of_safety(void **state) {
    (void)state;
    struct hx_catalogue here;
    struct hx_plan plan;
    struct hx_error error = {{0}};
    struct hx_settings settings;
    read_machinery(&here);
    hx_settings_default(HX_PROFILE_FULL, &settings);
    assert_true(hx_plan_make(&here, &settings, &plan, &error));
    for (size_t i = 0; i < HX_PRICE_STEPS; i++) {
        const struct hx_price_step *step = &hx_price_steps[i];
        assert_true(has_cell(&plan, "warm", step->backend, step->arm, step->options));
        assert_true(has_cell(&plan, "work", step->backend, step->arm, step->options));
    }
    hx_plan_free(&plan);
    hx_settings_default(HX_PROFILE_QUICK, &settings);
    settings.scenario = "work";
    assert_true(hx_plan_make(&here, &settings, &plan, &error));
    assert_int_equal(plan.cell_count, 4); /* quick shows presets alone */
    hx_plan_free(&plan);
    hx_catalogue_free(&here);
}

/* Scenarios of the names that the plan knows: one with a floor, one whose arms want huge pages. */
static void quick_has_the_floor_and_full_few_arms_in_small_pages(void **state) {
    (void)state;
    struct hx_catalogue here = {0};
    struct hx_plan plan;
    struct hx_error error = {{0}};
    struct hx_settings settings;
    char *answer = hx_print("{\"protocol\":1,\"worker\":\"w\",\"version\":\"1\",\"backends\":["
                            "{\"name\":\"malloc\",\"arms\":[\"each\",\"keep\",\"fresh\"],\"absent\":[]},"
                            "{\"name\":\"bump\",\"arms\":[\"bulk\"],\"absent\":[]}],\"scenarios\":["
                            "{\"name\":\"binary_trees\",\"why\":\"w\",\"threads_max\":2,\"dials\":%s},{\"name\":\"gc_pacing\",\"why\":\"w\",\"dials\":%s},"
                            "{\"name\":\"empty\",\"why\":\"w\",\"backends\":\"bump\",\"dials\":{"
                            "\"quick\":{\"huge\":{\"scale\":1.0,\"cycles_per_block\":1,\"blocks\":8}},"
                            "\"full\":{\"huge\":{\"scale\":1.0,\"cycles_per_block\":1,\"blocks\":8}}}}]}", dials, dials);
    assert_true(hx_catalogue_read(answer, "w", &here, &error));
    free(answer);
    hx_settings_default(HX_PROFILE_QUICK, &settings);
    assert_true(hx_plan_make(&here, &settings, &plan, &error));
    assert_int_equal(plan.cell_count, 2 * 2 + 1);
    assert_int_equal(plan.absent_count, 0);
    assert_true(has_cell(&plan, "empty", "bump", "bulk", "-"));
    hx_plan_free(&plan);
    settings.pages[HX_PAGES_HUGE] = false; /* it has huge pages alone */
    assert_true(hx_plan_make(&here, &settings, &plan, &error));
    assert_int_equal(plan.cell_count, 2);
    hx_plan_free(&plan);
    hx_settings_default(HX_PROFILE_QUICK, &settings);
    settings.backend = "bump"; /* who names something gets that */
    assert_true(hx_plan_make(&here, &settings, &plan, &error));
    assert_false(has_cell(&plan, "empty", "bump", "bulk", "-"));
    hx_plan_free(&plan);
    hx_settings_default(HX_PROFILE_FULL, &settings);
    settings.aa_percent = 0;
    assert_true(hx_plan_make(&here, &settings, &plan, &error));
    for (size_t i = 0; i < plan.cell_count; i++) {
        const struct hx_cell *cell = &plan.cells[i];
        bool headline = strcmp(cell->arm, "each") == 0 || strcmp(cell->arm, "bulk") == 0;
        assert_true(strcmp(cell->scenario, "gc_pacing") != 0 || cell->pages == HX_PAGES_HUGE || headline);
    }
    assert_true(has_cell(&plan, "gc_pacing", "malloc", "keep", "tuning=keep"));
    assert_true(has_cell(&plan, "gc_pacing", "malloc", "fresh", "-"));
    assert_int_equal(plan.absent_count, 0);
    hx_plan_free(&plan);
    settings.arm = "keep";
    settings.scenario = "gc_pacing";
    assert_true(hx_plan_make(&here, &settings, &plan, &error));
    assert_int_equal(plan.cell_count, 2); /* who names the arm gets it in both page modes */
    hx_plan_free(&plan);
    hx_catalogue_free(&here);
}

static void a_scenario_limits_what_full_takes(void **state) {
    (void)state;
    struct hx_catalogue here;
    struct hx_plan plan;
    struct hx_error error = {{0}};
    struct hx_settings settings;
    read_machinery(&here);
    hx_settings_default(HX_PROFILE_FULL, &settings);
    assert_true(hx_plan_make(&here, &settings, &plan, &error));
    assert_false(has_cell(&plan, "warm", "obstack", "bulk", "-"));
    assert_true(has_cell(&plan, "work", "obstack", "bulk", "-"));
    assert_false(has_cell(&plan, "warm", "arena-safe", "fresh", "-"));
    assert_true(has_cell(&plan, "work", "arena-safe", "fresh", "-"));
    assert_int_equal(plan.absent_count, 0); /* neither the arm nor the page mode was asked for by name */
    hx_plan_free(&plan);
    settings.backend = "obstack"; /* who names it gets it */
    assert_true(hx_plan_make(&here, &settings, &plan, &error));
    assert_true(has_cell(&plan, "warm", "obstack", "bulk", "-"));
    hx_plan_free(&plan);
    settings.backend = "arena-safe";
    settings.arm = "fresh";
    settings.scenario = "warm";
    assert_false(hx_plan_make(&here, &settings, &plan, &error));
    assert_non_null(strstr(error.line, "not made for this arm"));
    settings.arm = NULL;
    settings.pages[HX_PAGES_HUGE] = false;
    assert_false(hx_plan_make(&here, &settings, &plan, &error));
    assert_non_null(strstr(error.line, "no dials"));
    hx_catalogue_free(&here);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_has_the_price_of_safety),
        cmocka_unit_test(quick_has_the_floor_and_full_few_arms_in_small_pages),
        cmocka_unit_test(a_scenario_limits_what_full_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
