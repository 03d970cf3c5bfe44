/* From findings to the exit code: precedence, fitness, words, the line of a cell, and the shape of gate.json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "gate/hx_canary.h"
#include "gate/hx_gate_report.h"
#include "gate/hx_gate_verdict.h"
#include "record/hx_tree.h"

/* Cells whose verdicts are set by hand. */
struct fixture {
    struct hx_gate gate;
    struct hx_gate_cell cells[6];
};

static void fixture_init(struct fixture *f, size_t cell_count)
{
    memset(f, 0, sizeof *f);
    f->gate.cells = f->cells;
    f->gate.cell_count = cell_count;
    f->gate.options.tier = hx_tier_find("ci");
    f->gate.options.label[HX_SIDE_BASE] = "v1";
    f->gate.options.label[HX_SIDE_HEAD] = "working tree";
    f->gate.options.counts = f->gate.options.times = true;
    f->gate.options.inconclusive_fails = true;
    f->gate.options.settings.seed = 7;
    f->gate.metric[0] = "time";
    f->gate.metric_count = 1;
    for (size_t i = 0; i < cell_count; i++) {
        struct hx_gate_cell *cell = &f->cells[i];

        cell->cell = (struct hx_cell){.scenario = "json_dom", .backend = "arena-kept", .arm = "reuse", .options = "-",
                                      .threads = 1, .pages = HX_PAGES_HUGE, .scale = 1, .cycles_per_block = 1, .blocks = 16};
        cell->unit_count = 1;
        hx_decide_unit_init(&cell->unit[0]);
        cell->unit[0].outcome = HX_OUTCOME_NO_REGRESSION;
        cell->unit[0].judged_pairs = cell->unit[0].pair_count = 8;
        for (size_t p = 0; p < 8; p++) {
            cell->unit[0].base_ns[p] = cell->unit[0].head_ns[p] = 20;
            cell->blocks[p] = 16;
        }
    }
}

static void add_count(struct hx_gate_cell *cell, const struct hx_count_rule *rule, double base, double head,
                      enum hx_count_state count_state)
{
    struct hx_gate_count *count = &cell->counts[cell->count_count++];

    memset(count, 0, sizeof *count);
    assert_true(hx_copy(count->metric, sizeof count->metric, rule->metric));
    assert_true(hx_copy(count->phase, sizeof count->phase, "all"));
    assert_true(hx_copy(count->unit, sizeof count->unit, rule->unit));
    count->rule = *rule;
    count->first = (struct hx_count_values){.base = base, .head = head};
    count->state = count_state;
}

static void test_exit_precedence(void **state)
{
    static struct fixture f;

    (void)state;
    fixture_init(&f, 5);
    assert_int_equal(hx_gate_exit(&f.gate), 0);
    f.cells[0].unit[0].outcome = HX_OUTCOME_IMPROVED;
    assert_int_equal(hx_gate_exit(&f.gate), 0);
    f.cells[1].unit[0].outcome = HX_OUTCOME_INCONCLUSIVE;
    assert_int_equal(hx_gate_exit(&f.gate), 2);
    add_count(&f.cells[2], &hx_count_instructions, 0, 0, HX_COUNT_NOT_MEASURED);
    assert_int_equal(hx_gate_exit(&f.gate), 3);
    assert_true(hx_copy(f.gate.unfit, sizeof f.gate.unfit, "noise"));
    assert_int_equal(hx_gate_exit(&f.gate), 4);
    f.gate.unfit[0] = '\0';
    f.cells[3].unit[0].outcome = HX_OUTCOME_REGRESSION;
    assert_int_equal(hx_gate_exit(&f.gate), 1);
    hx_gate_cell_fail(&f.cells[4], "killed by SIGSEGV");
    hx_gate_cell_fail(&f.cells[4], "a later failure");
    assert_string_equal(f.cells[4].failure, "killed by SIGSEGV");
    assert_int_equal(hx_gate_exit(&f.gate), 5);
}

/* On an unfit machine times say nothing, counts still do. */
static void test_unfit_machine(void **state)
{
    static struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    assert_true(hx_copy(f.gate.unfit, sizeof f.gate.unfit, "noise"));
    f.cells[0].unit[0].outcome = HX_OUTCOME_REGRESSION;
    assert_int_equal(hx_gate_exit(&f.gate), 4);
    add_count(&f.cells[0], &hx_count_syscalls, 10, 12, HX_COUNT_MORE);
    assert_int_equal(hx_gate_exit(&f.gate), 1);
}

static void test_nothing_measured_is_no_pass(void **state)
{
    static struct fixture f;

    (void)state;
    fixture_init(&f, 0);
    assert_int_equal(hx_gate_exit(&f.gate), 5);
    fixture_init(&f, 1);
    f.cells[0].unit_count = 0;
    assert_int_equal(hx_gate_exit(&f.gate), 5);
    fixture_init(&f, 1);
    f.cells[0].unit[0].outcome = HX_OUTCOME_OPEN;
    assert_int_equal(hx_gate_exit(&f.gate), 2);
    fixture_init(&f, 1);
    f.gate.lonely_count = 1;
    assert_int_equal(hx_gate_exit(&f.gate), 3);
}

static void test_inconclusive_warn(void **state)
{
    static struct fixture f;

    (void)state;
    fixture_init(&f, 2);
    f.gate.options.inconclusive_fails = false;
    f.cells[0].unit[0].outcome = HX_OUTCOME_INCONCLUSIVE;
    assert_int_equal(hx_gate_exit(&f.gate), 0);
    f.cells[1].unit[0].outcome = HX_OUTCOME_REGRESSION;
    assert_int_equal(hx_gate_exit(&f.gate), 1);
}

static void test_cross_reading(void **state)
{
    static struct fixture f;

    (void)state;
    fixture_init(&f, 1);
    assert_null(hx_gate_cross_reading(&f.cells[0]));
    f.cells[0].unit[0].outcome = HX_OUTCOME_REGRESSION;
    assert_null(hx_gate_cross_reading(&f.cells[0]));
    add_count(&f.cells[0], &hx_count_instructions, 30, 33, HX_COUNT_MORE);
    assert_string_equal(hx_gate_cross_reading(&f.cells[0]), "code, not layout");
    f.cells[0].unit[0].outcome = HX_OUTCOME_INCONCLUSIVE;
    assert_null(hx_gate_cross_reading(&f.cells[0]));
    f.cells[0].unit[0].outcome = HX_OUTCOME_NO_REGRESSION;
    assert_non_null(strstr(hx_gate_cross_reading(&f.cells[0]), "no slower here"));
    f.cells[0].unit[0].outcome = HX_OUTCOME_REGRESSION;
    f.cells[0].counts[0].state = HX_COUNT_EQUAL;
    assert_non_null(strstr(hx_gate_cross_reading(&f.cells[0]), "layout"));
    add_count(&f.cells[0], &hx_count_syscalls, 4, 8, HX_COUNT_MORE);
    assert_non_null(strstr(hx_gate_cross_reading(&f.cells[0]), "kernel"));
    f.cells[0].same_binary = true;
    assert_non_null(strstr(hx_gate_cross_reading(&f.cells[0]), "same binary"));
}

static void test_line_of_a_cell(void **state)
{
    static struct fixture f;
    struct hx_buffer line = {0};

    (void)state;
    fixture_init(&f, 1);
    f.cells[0].unit[0].outcome = HX_OUTCOME_REGRESSION;
    f.cells[0].unit[0].judged_pairs = 24;
    f.cells[0].unit[0].estimate = 0.061;
    f.cells[0].unit[0].low = 0.052;
    f.cells[0].unit[0].high = 0.073;
    f.cells[0].unit[0].margin_d0 = 0.01;
    f.cells[0].unit[0].p_slower = 2e-5;
    f.cells[0].unit[0].p_slower_holm = 2e-4;
    add_count(&f.cells[0], &hx_count_instructions, 30, 33, HX_COUNT_MORE);
    add_count(&f.cells[0], &hx_count_faults, 100, 100, HX_COUNT_EQUAL);
    hx_gate_cell_line(&f.gate, &f.cells[0], &line);
    assert_non_null(strstr(line.data, "REGRESSION     json_dom/arena-kept/reuse/1/huge"));
    assert_non_null(strstr(line.data, "+6.1 % [+5.2, +7.3] ns/op  24 pairs, p 2e-05 (Holm 0.0002), margin 1 %"));
    assert_non_null(strstr(line.data, "instructions +3.00/op (+10.0 %), faults +0  -> code, not layout"));
    hx_buffer_free(&line);
}

static void test_shape_of_gate_json(void **state)
{
    static struct fixture f;
    struct hx_error error = {0};
    const json_t *cell, *unit;
    json_t *root;
    char *text;

    (void)state;
    fixture_init(&f, 1);
    add_count(&f.cells[0], &hx_count_rss, 8192, 8192, HX_COUNT_EQUAL);
    text = hx_gate_json(&f.gate, 0);
    root = hx_tree_parse(text, "gate.json", &error);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "schema")), 1);
    assert_int_equal(json_integer_value(json_object_get(root, "seed")), 7);
    assert_string_equal(json_string_value(json_object_get(root, "verdict")), "NO REGRESSION");
    assert_string_equal(json_string_value(json_object_get(root, "base")), "v1");
    assert_int_equal(json_array_size(json_object_get(root, "cells")), 1);
    assert_true(json_object_size(json_object_get(root, "attestation")) > 5);
    cell = json_array_get(json_object_get(root, "cells"), 0);
    assert_string_equal(json_string_value(json_object_get(cell, "backend")), "arena-kept");
    unit = json_array_get(json_object_get(cell, "times"), 0);
    assert_string_equal(json_string_value(json_object_get(unit, "outcome")), "no_regression");
    for (size_t i = 0; i < 4; i++) {
        static const char *const arrays[] = {"base", "head", "first", "blocks"};

        assert_int_equal(json_array_size(json_object_get(unit, arrays[i])), 8);
    }
    assert_true(json_is_null(json_object_get(json_array_get(json_object_get(cell, "counts"), 0), "reason")));
    json_decref(root);
    free(text);
}

static void test_canary_judges(void **state)
{
    double best_ns[2 * HX_GATE_CANARY_PAIRS][HX_GATE_CANARY_LOOPS];
    struct hx_canary before, after;
    char reason[256];

    (void)state;
    for (int i = 0; i < 2 * HX_GATE_CANARY_PAIRS; i++)
        best_ns[i][0] = best_ns[i][1] = 10 + 0.01 * (i % 3);
    assert_true(hx_canary_summarise((const double(*)[HX_GATE_CANARY_LOOPS])best_ns, &before));
    hx_canary_judge(&before, NULL, reason, sizeof reason);
    assert_string_equal(reason, "");
    after = before;
    after.best_ns[1] *= 1.12;
    hx_canary_judge(&before, &after, reason, sizeof reason);
    assert_non_null(strstr(reason, "malloc and free"));
    for (int i = 0; i < 2 * HX_GATE_CANARY_PAIRS; i++)
        best_ns[i][0] = 10 * (1 + 0.3 * (i % 5));
    assert_true(hx_canary_summarise((const double(*)[HX_GATE_CANARY_LOOPS])best_ns, &before));
    hx_canary_judge(&before, NULL, reason, sizeof reason);
    assert_non_null(strstr(reason, "pointer chase"));
    best_ns[3][1] = 0;
    assert_false(hx_canary_summarise((const double(*)[HX_GATE_CANARY_LOOPS])best_ns, &before));
}

static bool parse(const char *const *words, struct hx_gate_options *out, struct hx_error *error)
{
    char *argv[16];
    int argc = 0;
    bool help;

    argv[argc++] = (char *)(uintptr_t)"arenabench-gate";
    for (; words[argc - 1] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    return hx_gate_options_parse(argc, argv, out, &help, error);
}

static void test_options(void **state)
{
    static const char *const good[] = {"--base-bin", "a", "--head-bin=b", "--tier", "strict", "--seed", "9", "--only", "counts",
                                       "--inconclusive=warn", "--no-lock", NULL};
    static const struct {
        const char *words[6], *message;
    } bad[] = {
        {{"--base-bin", "a", NULL}, "--head-bin"},
        {{"--head-bin", "a", NULL}, "--base-bin"},
        {{"--tier", "lenient", NULL}, "choose strict, ci, coarse"},
        {{"--seed", "-1", NULL}, "--seed \"-1\""},
        {{"--budget", "soon", NULL}, "--budget \"soon\""},
        {{"--scale", "0", NULL}, "--scale \"0\""},
        {{"--only", "both", NULL}, "choose counts or times"},
        {{"--inconclusive", "pass", NULL}, "choose fail or warn"},
        {{"--pages", "both", NULL}, "choose 4k or huge"},
        {{"--frobnicate", NULL}, "unknown option \"--frobnicate\""},
        {{"--out", NULL}, "--out needs a value"},
        {{"--no-lock=1", NULL}, "takes no value"},
        {{"--base-bin=a", "--head-bin=b", "--input", "/nowhere/at/all", NULL}, "--input /nowhere/at/all: No such file"},
        {{"--base-bin=a", "--head-bin=b", "--input", "/dev/null", NULL}, "not a regular file"},
        {{"--threads", "0", NULL}, "--threads \"0\""},
    };
    struct hx_gate_options options;
    struct hx_error error = {0};

    (void)state;
    assert_true(parse(good, &options, &error));
    assert_string_equal(options.bin[HX_SIDE_HEAD], "b");
    assert_string_equal(options.tier->name, "strict");
    assert_int_equal(options.settings.seed, 9);
    assert_true(options.counts && !options.times && !options.inconclusive_fails && options.lock == NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(parse(bad[i].words, &options, &error));
        assert_non_null(strstr(error.line, bad[i].message));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_precedence),    cmocka_unit_test(test_unfit_machine),
        cmocka_unit_test(test_nothing_measured_is_no_pass), cmocka_unit_test(test_inconclusive_warn),
        cmocka_unit_test(test_cross_reading),      cmocka_unit_test(test_line_of_a_cell),
        cmocka_unit_test(test_shape_of_gate_json), cmocka_unit_test(test_canary_judges),
        cmocka_unit_test(test_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
