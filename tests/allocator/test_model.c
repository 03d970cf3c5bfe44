/* test_model.c - the shadow model over a pairwise covering set of presets, policies and chunk sizes.
 *
 * Arguments: steps in all (1,000,000 in CI, shared among the rows), or "each N [FIRST LAST]": N steps for every row (the soak), or
 * for the rows FIRST to LAST, so that several processes can share the set. */
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
#include "support/tools.h"

static struct pw_table table;
static size_t steps_in_all = 1000000;
static size_t steps_each;
static size_t first_row;
static size_t last_row = SIZE_MAX;

/* Linear sweeps of every mapping meet a sanitizer's shadow of terabytes. */
static const char *left_out(void)
{
    return TS_UNDER_ASAN || TS_UNDER_TSAN || TS_UNDER_MSAN ? "process" : "";
}

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

static void run_row(size_t row)
{
    size_t steps = steps_each != 0 ? steps_each : steps_in_all / table.row_count + 1;
    struct ua_options options;
    char line[512];

    pw_options(&table, row, &options, line, sizeof line);
    if (steps_each != 0)
        print_message("row %zu: %s\n", row, line);
    model_run(&options, row, steps, line);
}

#define PRESET_TEST(preset)                                                                                            \
    static void test_model_##preset(void **state)                                                                      \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        for (size_t row = 0; row < table.row_count; row++)                                                             \
            if (row >= first_row && row <= last_row && strcmp(table.factors[0].values[table.rows[row][0]], #preset) == 0) \
                run_row(row);                                                                                          \
    }

PRESET_TEST(safe)
PRESET_TEST(go)
PRESET_TEST(kept)

static int make_table(void **state)
{
    (void)state;
    pw_make(&table, left_out());
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

    if (argc >= 3 && strcmp(argv[1], "each") == 0)
        steps_each = strtoul(argv[2], NULL, 10);
    if (argc == 5) {
        first_row = strtoul(argv[3], NULL, 10);
        last_row = strtoul(argv[4], NULL, 10);
    }
    else if (argc == 2)
        steps_in_all = strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, make_table, NULL);
}
