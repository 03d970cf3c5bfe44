/* Counts: reading callgrind's output, taking the difference, how far two counts may lie apart, and the one repetition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/hx_base.h"
#include "gate/hx_callgrind.h"
#include "gate/hx_count_rule.h"

/* The head of a real file of callgrind 3.19, shortened. */
static const char recorded_short[] =
    "# callgrind format\nversion: 1\ncreator: callgrind-3.19.0\npid: 4242\ncmd:  ./worker-arena --observe {}\npart: 1\n\n\n"
    "desc: I1 cache: \ndesc: Timerange: Basic block 0 - 29703\ndesc: Trigger: Program termination\n\n"
    "positions: line\nevents: Ir sysCount sysTime\nsummary: 5000000 80 166\n\n\n"
    "ob=(1) /lib/libc.so.6\nfn=(1) main\n10 4\n\ntotals: 5000000 79 166\n";
static const char recorded_long[] =
    "positions: line\nevents: Ir sysCount sysTime\nsummary: 9000000 84 301\nfn=(1) main\ntotals: 9000000 83 301\n";

static void test_callgrind_difference(void **state)
{
    struct hx_callgrind_totals four, eight, difference;
    struct hx_error error = {0};

    (void)state;
    assert_true(hx_callgrind_parse(recorded_short, &four, &error));
    assert_true(hx_callgrind_parse(recorded_long, &eight, &error));
    assert_int_equal(four.instructions, 5000000);
    assert_int_equal(four.syscalls, 80);
    assert_true(hx_callgrind_difference(&four, &eight, &difference, &error));
    assert_int_equal(difference.instructions, 4000000);
    assert_int_equal(difference.syscalls, 4);
    assert_false(hx_callgrind_difference(&eight, &four, &difference, &error));
    assert_non_null(strstr(error.line, "no more than"));
}

/* An output without what we need is an error that names it, never a zero. */
static void test_callgrind_broken_output(void **state)
{
    static const struct {
        const char *text, *words;
    } broken[] = {
        {"", "events:"},
        {"events: Ir sysCount\n", "summary:"},
        {"events: Dr sysCount\nsummary: 5 1\n", "Ir"},
        {"events: Ir\nsummary: 5\n", "sysCount"},
        {"events: Ir sysCount\nsummary: 5\n", "sysCount"},
        {"events: Ir sysCount\nsummary: many 1\n", "Ir"},
        {"events: Ir sysCount\nsummary: 0 1\n", "no instruction"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct hx_callgrind_totals totals;
        struct hx_error error = {0};

        assert_false(hx_callgrind_parse(broken[i].text, &totals, &error));
        assert_non_null(strstr(error.line, broken[i].words));
    }
}

static struct hx_count_values values(double base, double head)
{
    return (struct hx_count_values){.base = base, .head = head};
}

static void test_slack_of_each_count(void **state)
{
    struct hx_count_rule bytes = hx_count_ledger("ua_committed_bytes", "bytes");

    (void)state;
    assert_int_equal(hx_count_compare(&hx_count_instructions, values(30, 30), 0), HX_COUNT_EQUAL);
    assert_int_equal(hx_count_compare(&hx_count_instructions, values(30, 30.25), 0), HX_COUNT_WITHIN);
    assert_int_equal(hx_count_compare(&hx_count_instructions, values(30, 30.26), 0), HX_COUNT_MORE);
    assert_int_equal(hx_count_compare(&hx_count_instructions, values(30, 29), 0), HX_COUNT_LESS);
    assert_int_equal(hx_count_compare(&hx_count_syscalls, values(64, 65), 64), HX_COUNT_MORE);
    /* 131,072 faults over 64 chunks: 0.1 % is 131 and half a fault a chunk is 32 */
    assert_int_equal(hx_count_compare(&hx_count_faults, values(131072, 131203), 64), HX_COUNT_WITHIN);
    assert_int_equal(hx_count_compare(&hx_count_faults, values(131072, 131204), 64), HX_COUNT_MORE);
    assert_int_equal(hx_count_compare(&hx_count_faults, values(0, 32), 64), HX_COUNT_WITHIN);
    assert_int_equal(hx_count_compare(&hx_count_faults, values(0, 33), 64), HX_COUNT_MORE);
    assert_int_equal(hx_count_compare(&hx_count_rss, values(1 << 20, (1 << 20) + 65536), 0), HX_COUNT_WITHIN);
    assert_int_equal(hx_count_compare(&hx_count_rss, values(1 << 20, (1 << 20) + 65537), 0), HX_COUNT_MORE);
    assert_int_equal(hx_count_compare(&hx_count_rss, values(100e6, 102e6), 0), HX_COUNT_WITHIN);
    assert_int_equal(hx_count_compare(&bytes, values(8388608, 8388609), 0), HX_COUNT_MORE);
    assert_int_equal(hx_count_compare(&bytes, values(NAN, 1), 0), HX_COUNT_NOT_MEASURED);
}

static void test_repeat_once(void **state)
{
    const struct hx_count_rule *rule = &hx_count_instructions;

    (void)state;
    assert_true(hx_count_needs_repeat(HX_COUNT_MORE));
    assert_true(hx_count_needs_repeat(HX_COUNT_LESS));
    assert_false(hx_count_needs_repeat(HX_COUNT_WITHIN));
    assert_int_equal(hx_count_settle(rule, values(30, 33), values(30, 33.1), 0), HX_COUNT_MORE);
    assert_int_equal(hx_count_settle(rule, values(33, 30), values(33, 30), 0), HX_COUNT_LESS);
    /* gone at the second look, or a side that does not repeat itself */
    assert_int_equal(hx_count_settle(rule, values(30, 33), values(30, 30), 0), HX_COUNT_NONDETERMINISTIC);
    assert_int_equal(hx_count_settle(rule, values(30, 33), values(32, 35), 0), HX_COUNT_NONDETERMINISTIC);
    assert_int_equal(hx_count_settle(rule, values(30, 33), values(30, NAN), 0), HX_COUNT_NOT_MEASURED);
}

static void test_exit_of_a_state(void **state)
{
    struct hx_count_rule shown = hx_count_ledger("ua_total_alloc_bytes", "bytes");

    (void)state;
    assert_int_equal(hx_count_exit(&hx_count_syscalls, HX_COUNT_MORE), HX_EXIT_REGRESSION);
    assert_int_equal(hx_count_exit(&hx_count_syscalls, HX_COUNT_LESS), HX_EXIT_OK);
    assert_int_equal(hx_count_exit(&hx_count_syscalls, HX_COUNT_EQUAL), HX_EXIT_OK);
    assert_int_equal(hx_count_exit(&hx_count_syscalls, HX_COUNT_NONDETERMINISTIC), HX_EXIT_INCONCLUSIVE);
    assert_int_equal(hx_count_exit(&hx_count_syscalls, HX_COUNT_NOT_MEASURED), HX_EXIT_NOT_COMPARABLE);
    assert_int_equal(hx_count_exit(&shown, HX_COUNT_MORE), HX_EXIT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callgrind_difference), cmocka_unit_test(test_callgrind_broken_output),
        cmocka_unit_test(test_slack_of_each_count),  cmocka_unit_test(test_repeat_once),
        cmocka_unit_test(test_exit_of_a_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
