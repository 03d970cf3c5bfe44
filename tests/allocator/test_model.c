/* test_model.c - the shadow model over a pairwise covering set of presets, policies and chunk sizes.
 *
 * Arguments: steps in all (1,000,000 in CI, shared among the rows), or "each N": N steps for every row (the soak). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "allocator/model.h"
#include "allocator/pairwise.h"

static struct pw_table table;
static size_t steps_in_all = 1000000;
static size_t steps_each;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(SANITIZED)
#define LEFT_OUT "process" /* a sweep of every mapping meets a sanitizer's shadow of terabytes */
#else
#define LEFT_OUT ""
#endif

static void test_every_pair_is_met(void **state)
{
    size_t missing;
    size_t pairs = pw_pairs(&table, &missing);

    (void)state;
    print_message("%zu options, %zu pairs, %zu rows\n", table.factor_count, pairs, table.row_count);
    assert_int_equal(missing, 0);
    assert_true(table.factor_count >= 16);
    assert_true(pairs > 1000);
    /* The check can fail: without its last row the set has a gap. */
    table.row_count--;
    pw_pairs(&table, &missing);
    table.row_count++;
    assert_true(missing > 0);
}

static void run_rows(size_t from, size_t to)
{
    size_t steps = steps_each != 0 ? steps_each : steps_in_all / table.row_count + 1;

    for (size_t row = from; row < to; row++) {
        struct ua_options options;
        char line[512];

        pw_options(&table, row, &options, line, sizeof line);
        model_run(&options, row, steps, line);
    }
}

#define PRESET_TEST(preset)                                                                                            \
    static void test_model_##preset(void **state)                                                                      \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        for (size_t row = 0; row < table.row_count; row++)                                                             \
            if (strcmp(table.factors[0].values[table.rows[row][0]], #preset) == 0)                                     \
                run_rows(row, row + 1);                                                                                \
    }

PRESET_TEST(safe)
PRESET_TEST(go)
PRESET_TEST(kept)

static int make_table(void **state)
{
    (void)state;
    pw_make(&table, LEFT_OUT);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pair_is_met),
        cmocka_unit_test(test_model_safe),
        cmocka_unit_test(test_model_go),
        cmocka_unit_test(test_model_kept),
    };

    if (argc == 3 && strcmp(argv[1], "each") == 0)
        steps_each = strtoul(argv[2], NULL, 10);
    else if (argc == 2)
        steps_in_all = strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, make_table, NULL);
}
