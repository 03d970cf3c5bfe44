/* test_record_catalogue.c - answers to --list: merged when they agree, refused in one line when they are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "record/hx_catalogue_read.h"
#include "record/hx_words.h"

static const char good[] =
    "{\"protocol\":1,\"worker\":\"worker-malloc\",\"version\":\"0.1\",\"backends\":[{\"name\":\"malloc\",\"arms\":[\"each\"],"
    "\"absent\":[{\"arm\":\"keep\",\"reason\":\"no tunable\"}]}],\"scenarios\":[{\"name\":\"json_dom\",\"why\":\"w\",\"needs_input\":true,"
    "\"zeroed\":false,\"default_input\":[\"/a\",\"/b\"],\"dials\":{\"quick\":{\"4k\":{\"scale\":1,\"cycles_per_block\":2,\"blocks\":8}}}}]}";

/* The good answer with one part replaced. */
static char *changed(const char *part, const char *by) {
    const char *at = strstr(good, part);
    assert_non_null(at);
    return hx_print("%.*s%s%s", (int)(at - good), good, by, at + strlen(part));
}

static void a_good_answer_is_read(void **state) {
    (void)state;
    struct hx_catalogue catalogue = {0};
    struct hx_error error = {{0}};
    assert_true(hx_catalogue_read(good, "worker-malloc", &catalogue, &error));
    const struct hx_scenario *scenario = hx_catalogue_scenario(&catalogue, "json_dom");
    assert_non_null(scenario);
    assert_true(scenario->needs_input);
    assert_int_equal(scenario->default_input_count, 2);
    assert_int_equal(scenario->threads_max, 1);
    assert_true(scenario->dials[HX_PROFILE_QUICK][HX_PAGES_4K].present);
    assert_false(scenario->dials[HX_PROFILE_QUICK][HX_PAGES_HUGE].present);
    assert_int_equal(scenario->dials[HX_PROFILE_QUICK][HX_PAGES_4K].cycles_per_block, 2);
    const struct hx_backend *backend = hx_catalogue_backend(&catalogue, "malloc");
    assert_non_null(backend);
    assert_int_equal(backend->arm_count, 2);
    assert_string_equal(backend->arms[0].reason, "");
    assert_string_equal(backend->arms[1].reason, "no tunable");
    assert_int_equal(backend->allocator, HX_ALLOCATOR_GLIBC);
    assert_null(hx_catalogue_backend(&catalogue, "mallo"));
    hx_catalogue_free(&catalogue);
}

static void wrong_answers_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *part, *by, *words;
    } cases[] = {
        {"\"protocol\":1", "\"protocol\":2", "protocol 2"},
        {"\"worker\":\"worker-malloc\",", "", "worker"},
        {"\"blocks\":8", "\"blocks\":0", "dial"},
        {"\"scale\":1", "\"scale\":-1", "dial"},
        {"\"scale\":1", "\"scale\":\"big\"", "scale"},
        {"\"why\":\"w\",", "", "why"},
        {"[\"each\"]", "[3]", "arms"},
        {"\"no tunable\"", "\"\"", "reason"},
        {"\"/a\"", "7", "default_input"},
        {"{\"name\":\"malloc\"", "{\"name\":\"\"", "name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hx_catalogue catalogue = {0};
        struct hx_error error = {{0}};
        char *answer = changed(cases[i].part, cases[i].by);
        assert_false(hx_catalogue_read(answer, "worker-x", &catalogue, &error));
        assert_non_null(strstr(error.line, "worker-x --list: "));
        assert_non_null(strstr(error.line, cases[i].words));
        free(answer);
        hx_catalogue_free(&catalogue);
    }
    struct hx_catalogue catalogue = {0};
    assert_false(hx_catalogue_read("not json", "worker-x", &catalogue, NULL));
    assert_false(hx_catalogue_read("[]", "worker-x", &catalogue, NULL));
    hx_catalogue_free(&catalogue);
}

static void workers_of_two_builds_are_refused(void **state) {
    (void)state;
    struct hx_catalogue catalogue = {0};
    struct hx_error error = {{0}};
    assert_true(hx_catalogue_read(good, "worker-malloc", &catalogue, &error));
    char *other = changed("\"blocks\":8", "\"blocks\":9");
    char *renamed = hx_print("%s", other);
    memcpy(strstr(renamed, "\"malloc\""), "\"mallox\"", 8);
    assert_false(hx_catalogue_read(renamed, "worker-other", &catalogue, &error));
    assert_non_null(strstr(error.line, "two builds"));
    free(other);
    free(renamed);
    hx_catalogue_free(&catalogue);
}

static void two_backends_of_one_name_are_refused(void **state) {
    (void)state;
    struct hx_catalogue catalogue = {0};
    struct hx_error error = {{0}};
    assert_true(hx_catalogue_read(good, "worker-malloc", &catalogue, &error));
    assert_false(hx_catalogue_read(good, "worker-again", &catalogue, &error));
    assert_non_null(strstr(error.line, "two workers have a backend malloc"));
    hx_catalogue_free(&catalogue);
}

static void a_folder_without_workers_is_refused(void **state) {
    (void)state;
    struct hx_catalogue catalogue;
    struct hx_error error = {{0}};
    assert_false(hx_catalogue_load("/proc/self/fdinfo", &catalogue, &error));
    assert_non_null(strstr(error.line, "no worker-"));
    assert_false(hx_catalogue_load("/nonexistent", &catalogue, &error));
}

/* A stand-in for a worker whose library was missing lists no scenario; one that can run must list some. */
static void a_worker_that_is_absent_is_listed(void **state) {
    (void)state;
    struct hx_catalogue catalogue = {0};
    struct hx_error error = {{0}};
    assert_true(hx_catalogue_read(good, "worker-malloc", &catalogue, &error));
    assert_true(hx_catalogue_read("{\"protocol\":1,\"worker\":\"worker-y\",\"version\":\"1\",\"backends\":[{\"name\":\"y\",\"arms\":[],"
                                  "\"absent\":[{\"arm\":\"bulk\",\"reason\":\"no liby\"}]}],\"scenarios\":[]}",
                                  "worker-y", &catalogue, &error));
    assert_string_equal(hx_catalogue_backend(&catalogue, "y")->arms[0].reason, "no liby");
    assert_false(hx_catalogue_read("{\"protocol\":1,\"worker\":\"worker-z\",\"version\":\"1\",\"backends\":[{\"name\":\"z\","
                                   "\"arms\":[\"bulk\"],\"absent\":[]}],\"scenarios\":[]}",
                                   "worker-z", &catalogue, &error));
    assert_non_null(strstr(error.line, "no scenario"));
    hx_catalogue_free(&catalogue);
}

static void a_missing_malloc_keeps_its_reason(void **state) {
    (void)state;
    struct hx_catalogue catalogue = {0};
    struct hx_error error = {{0}};
    assert_true(hx_catalogue_read(good, "worker-malloc", &catalogue, &error));
    assert_true(hx_catalogue_add_missing(&catalogue, "tcmalloc", "tcmalloc is not installed", &error));
    assert_string_equal(hx_catalogue_backend(&catalogue, "tcmalloc")->missing, "tcmalloc is not installed");
    assert_int_equal(hx_catalogue_backend(&catalogue, "tcmalloc")->arm_count, 2);
    assert_false(hx_catalogue_add_missing(&catalogue, "malloc", "x", &error));
    assert_non_null(strstr(error.line, "taken"));
    hx_catalogue_free(&catalogue);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_answer_is_read),          cmocka_unit_test(wrong_answers_are_refused),
        cmocka_unit_test(workers_of_two_builds_are_refused), cmocka_unit_test(two_backends_of_one_name_are_refused),
        cmocka_unit_test(a_folder_without_workers_is_refused), cmocka_unit_test(a_worker_that_is_absent_is_listed),
        cmocka_unit_test(a_missing_malloc_keeps_its_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
