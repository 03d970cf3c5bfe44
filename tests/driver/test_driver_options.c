/* test_driver_options.c - what the parsed options hold; refusals with their words are in test_input.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "driver/hx_options.h"
#include "record/hx_words.h"

static struct hx_options options; /* large; one test at a time */

static bool parse(const char *const *words, struct hx_error *error) {
    char *argv[16];
    int argc = 0;
    for (; words[argc] != NULL; argc++) {
        argv[argc] = hx_dup(words[argc]); /* getopt may permute what it is given */
    }
    argv[argc] = NULL;
    return hx_options_parse(argc, argv, &options, error); /* the copies live as long as the test: options point into them */
}

#define PARSE(...) parse((const char *const[]){"arenabench", __VA_ARGS__ __VA_OPT__(,) NULL}, &error)

static void no_verb_is_quick(void **state) {
    (void)state;
    struct hx_error error = {{0}};
    assert_true(PARSE());
    assert_int_equal(options.verb, HX_VERB_QUICK);
    assert_int_equal(options.settings.profile, HX_PROFILE_QUICK);
    assert_int_equal(options.settings.reps[HX_PASS_TIME], 6);
    assert_true(options.settings.pages[HX_PAGES_4K] && options.settings.pages[HX_PAGES_HUGE]);
    assert_int_equal(options.settings.seed, 1);
    assert_true(PARSE("--reps", "3", "--json"));
    assert_int_equal(options.verb, HX_VERB_QUICK);
    assert_int_equal(options.settings.reps[HX_PASS_TIME], 3);
    assert_true(options.json);
}

static void full_has_its_repetitions(void **state) {
    (void)state;
    struct hx_error error = {{0}};
    assert_true(PARSE("full", "--no-install"));
    assert_int_equal(options.settings.reps[HX_PASS_TIME], 7);
    assert_int_equal(options.settings.reps[HX_PASS_LATENCY], 3);
    assert_int_equal(options.settings.reps[HX_PASS_MEMORY], 1);
}

static void profile_is_read_before_the_rest(void **state) {
    (void)state;
    struct hx_error error = {{0}};
    assert_true(PARSE("quick", "--reps", "2", "--profile", "full"));
    assert_int_equal(options.settings.profile, HX_PROFILE_FULL);
    assert_int_equal(options.settings.reps[HX_PASS_TIME], 2);
    assert_int_equal(options.settings.reps[HX_PASS_LATENCY], 3);
    assert_true(PARSE("quick", "--profile=full"));
    assert_int_equal(options.settings.profile, HX_PROFILE_FULL);
}

static void lists_and_page_modes(void **state) {
    (void)state;
    struct hx_error error = {{0}};
    assert_true(PARSE("quick", "--threads", "1-3,8", "--pages", "huge", "--scale", "0.5", "--seed", "18446744073709551615"));
    assert_int_equal(options.settings.thread_count, 4);
    assert_int_equal(options.settings.threads[3], 8);
    assert_false(options.settings.pages[HX_PAGES_4K]);
    assert_true(options.settings.pages[HX_PAGES_HUGE]);
    assert_true(options.settings.scale == 0.5);
    assert_true(options.settings.seed == UINT64_MAX);
    assert_true(PARSE("quick", "--pages", "both", "--litter", "0.95,20,7"));
    assert_true(options.settings.pages[HX_PAGES_4K] && options.settings.pages[HX_PAGES_HUGE]);
    assert_string_equal(options.litter, "0.95,20,7");
}

static void resume_goes_with_output_words_only(void **state) {
    (void)state;
    struct hx_error error = {{0}};
    assert_true(PARSE("quick", "--resume", "here", "--json"));
    assert_string_equal(options.resume, "here");
    assert_false(PARSE("--seed", "4", "--resume", "here"));
    assert_non_null(strstr(error.line, "--seed"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_verb_is_quick),     cmocka_unit_test(full_has_its_repetitions),
        cmocka_unit_test(lists_and_page_modes), cmocka_unit_test(profile_is_read_before_the_rest),
        cmocka_unit_test(resume_goes_with_output_words_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
