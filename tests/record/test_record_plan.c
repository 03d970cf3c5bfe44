/* test_record_plan.c - same seed, same bytes; rounds are interleaved; filters name their words; a plan survives its text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "record/hx_catalogue_read.h"
#include "record/hx_plan.h"
#include "record/hx_words.h"

static const char dials[] =
    "{\"quick\":{\"4k\":{\"scale\":1.0,\"cycles_per_block\":2,\"blocks\":8},\"huge\":{\"scale\":0.1,\"cycles_per_block\":1,\"blocks\":8}},"
    "\"full\":{\"4k\":{\"scale\":1.0,\"cycles_per_block\":2,\"blocks\":8},\"huge\":{\"scale\":1.0,\"cycles_per_block\":2,\"blocks\":8}},"
    "\"gate\":{\"huge\":{\"scale\":0.25,\"cycles_per_block\":1,\"blocks\":16}}}";

static void add(struct hx_catalogue *catalogue, const char *worker, const char *backends) {
    char *answer = hx_print("{\"protocol\":1,\"worker\":\"%s\",\"version\":\"1\",\"backends\":[%s],\"scenarios\":["
                            "{\"name\":\"binary_trees\",\"why\":\"w\",\"needs_input\":false,\"zeroed\":false,\"threads_max\":4,\"dials\":%s},"
                            "{\"name\":\"other\",\"why\":\"w\",\"needs_input\":false,\"zeroed\":false,\"dials\":%s}]}",
                            worker, backends, dials, dials);
    struct hx_error error = {{0}};
    assert_true(hx_catalogue_read(answer, worker, catalogue, &error));
    free(answer);
}

static struct hx_catalogue catalogue;

static int setup(void **state) {
    (void)state;
    add(&catalogue, "worker-malloc", "{\"name\":\"malloc\",\"arms\":[\"each\",\"keep\",\"fresh\"],\"absent\":[]}");
    add(&catalogue, "worker-arena",
        "{\"name\":\"arena-safe\",\"arms\":[\"fresh\"],\"absent\":[{\"arm\":\"reuse\",\"reason\":\"needs the collector\"}]},"
        "{\"name\":\"arena-kept\",\"arms\":[\"reuse\",\"fresh\"],\"absent\":[]}");
    add(&catalogue, "worker-bump", "{\"name\":\"bump\",\"arms\":[\"bulk\"],\"absent\":[]}");
    return 0;
}

static void an_allocator_without_huge_pages(void **state) {
    (void)state;
    struct hx_catalogue own = {0};
    add(&own, "worker-gc", "{\"name\":\"gc\",\"arms\":[\"collect\"],\"absent\":[],\"huge_absent\":\"cannot: no option\"}");
    struct hx_settings settings;
    hx_settings_default(HX_PROFILE_FULL, &settings);
    struct hx_plan plan;
    struct hx_error error = {{0}};
    assert_true(hx_plan_make(&own, &settings, &plan, &error));
    bool has = hx_allocator_thp_always(); /* then it gets them without asking */
    assert_int_equal(plan.cell_count, has ? 4 : 2);
    assert_int_equal(plan.absent_count, has ? 0 : 2);
    for (size_t i = 0; i < plan.absent_count; i++) {
        assert_int_equal(plan.absent[i].cell.pages, HX_PAGES_HUGE);
        assert_string_equal(plan.absent[i].reason, "cannot: no option");
    }
    hx_plan_free(&plan);
    hx_catalogue_free(&own);
}

static int teardown(void **state) {
    (void)state;
    hx_catalogue_free(&catalogue);
    return 0;
}

static void make(const struct hx_settings *settings, struct hx_plan *out) {
    struct hx_error error = {{0}};
    assert_true(hx_plan_make(&catalogue, settings, out, &error));
}

static void same_seed_same_bytes(void **state) {
    (void)state;
    struct hx_settings settings;
    hx_settings_default(HX_PROFILE_QUICK, &settings);
    struct hx_plan a, b, c;
    make(&settings, &a);
    make(&settings, &b);
    settings.seed = 2;
    make(&settings, &c);
    char sum_a[65], sum_b[65], sum_c[65];
    hx_plan_sha256(&a, sum_a);
    hx_plan_sha256(&b, sum_b);
    hx_plan_sha256(&c, sum_c);
    assert_string_equal(sum_a, sum_b);
    assert_string_not_equal(sum_a, sum_c);
    assert_int_equal(a.cell_count, c.cell_count);
    hx_plan_free(&a);
    hx_plan_free(&b);
    hx_plan_free(&c);
}

static void rounds_are_complete_and_interleaved(void **state) {
    (void)state;
    struct hx_settings settings;
    hx_settings_default(HX_PROFILE_QUICK, &settings);
    settings.event_groups = 3;
    struct hx_plan plan;
    make(&settings, &plan);
    /* malloc each, arena-safe fresh (reuse cannot run), arena-kept reuse, bump bulk; two page modes; one scenario of quick. */
    assert_int_equal(plan.cell_count, 8);
    assert_int_equal(plan.step_count, 8 * (6 + 1 + 3 + 1));
    assert_int_equal(plan.absent_count, 2);
    assert_string_equal(plan.absent[0].reason, "needs the collector");
    unsigned seen[8][HX_PASS_COUNT] = {{0}};
    unsigned last_rep = 0;
    bool in_cell_order = true;
    for (size_t i = 0; i < plan.step_count; i++) {
        const struct hx_step *step = &plan.steps[i];
        assert_true(step->rep >= last_rep);
        last_rep = step->rep;
        assert_int_equal(seen[step->cell][step->pass], step->rep);
        seen[step->cell][step->pass]++;
        assert_int_equal(step->event_group, step->pass == HX_PASS_COUNTERS ? step->rep : 0);
        in_cell_order = in_cell_order && (i == 0 || plan.steps[i - 1].cell <= step->cell || plan.steps[i - 1].rep != step->rep);
    }
    assert_false(in_cell_order);
    hx_plan_free(&plan);
}

/* Over many seeds each cell must be first in its round about equally often: a drawn order, not a rotated one. */
static void order_is_drawn_fairly(void **state) {
    (void)state;
    struct hx_settings settings;
    hx_settings_default(HX_PROFILE_QUICK, &settings);
    memset(settings.reps, 0, sizeof settings.reps);
    settings.reps[HX_PASS_TIME] = 1;
    unsigned first[8] = {0};
    enum { SEEDS = 800 };
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct hx_plan plan;
        settings.seed = seed;
        make(&settings, &plan);
        first[plan.steps[0].cell]++;
        hx_plan_free(&plan);
    }
    for (size_t i = 0; i < 8; i++) {
        /* Mean 100, sd 9.4: five sd on each side; the seeds are fixed, so this cannot flicker. */
        assert_in_range(first[i], 53, 147);
    }
}

static void a_plan_survives_its_text(void **state) {
    (void)state;
    struct hx_settings settings;
    hx_settings_default(HX_PROFILE_FULL, &settings);
    settings.scale = 0.3;
    struct hx_plan plan, read;
    make(&settings, &plan);
    for (size_t i = 0; i < plan.cell_count; i++) {
        plan.cells[i].ops_per_block = 1000 + i;
    }
    char *text = hx_plan_json(&plan);
    struct hx_error error = {{0}};
    assert_true(hx_plan_parse(text, &read, &error));
    char *again = hx_plan_json(&read);
    assert_string_equal(text, again);
    assert_int_equal(read.cells[3].ops_per_block, 1003);
    free(text);
    free(again);
    hx_plan_free(&read);
    plan.cells[3].cycles_per_block = 0;
    text = hx_plan_json(&plan);
    assert_false(hx_plan_parse(text, &read, &error));
    assert_non_null(strstr(error.line, "cell 3 has blocks of no cycles"));
    free(text);
    hx_plan_free(&plan);
    assert_false(hx_plan_parse("{\"cells\":[],\"order\":[],\"absent\":[]}", &read, &error));
    assert_false(hx_plan_parse("{", &read, &error));
}

static void full_has_all_arms_and_keep_its_option(void **state) {
    (void)state;
    struct hx_settings settings;
    hx_settings_default(HX_PROFILE_FULL, &settings);
    settings.backend = "malloc";
    settings.scenario = "other";
    settings.pages[HX_PAGES_HUGE] = false;
    struct hx_plan plan;
    make(&settings, &plan);
    assert_int_equal(plan.cell_count, 4);
    assert_string_equal(plan.cells[0].options, "-");
    assert_string_equal(plan.cells[1].arm, "each"); /* a malloc that frees each object and keeps its pages */
    assert_string_equal(plan.cells[1].options, "tuning=keep");
    assert_string_equal(plan.cells[2].arm, "keep");
    assert_string_equal(plan.cells[2].options, "tuning=keep");
    assert_string_equal(plan.cells[3].options, "-");
    hx_plan_free(&plan);
}

static void threads_and_page_modes_multiply(void **state) {
    (void)state;
    struct hx_settings settings;
    hx_settings_default(HX_PROFILE_QUICK, &settings);
    settings.scenario = "binary_trees,other";
    settings.backend = "bump";
    settings.threads[1] = 2;
    settings.thread_count = 2;
    struct hx_plan plan;
    make(&settings, &plan);
    assert_int_equal(plan.cell_count, 4 + 2); /* other takes one thread */
    assert_int_equal(plan.absent_count, 2);
    assert_string_equal(plan.absent[0].reason, "a scenario of one thread");
    hx_plan_free(&plan);
}

static void a_backend_of_one_thread_is_absent_on_two(void **state) {
    (void)state;
    struct hx_catalogue one = {0};
    struct hx_error error = {{0}};
    add(&one, "worker-bdwgc", "{\"name\":\"bdwgc\",\"arms\":[\"collect\"],\"absent\":[],\"threads_absent\":\"one thread here\"}");
    struct hx_settings settings;
    hx_settings_default(HX_PROFILE_QUICK, &settings);
    settings.backend = "bdwgc";
    settings.scenario = "binary_trees";
    settings.threads[1] = 2;
    settings.thread_count = 2;
    struct hx_plan plan;
    assert_true(hx_plan_make(&one, &settings, &plan, &error));
    assert_int_equal(plan.cell_count, 2); /* page modes */
    assert_int_equal(plan.absent_count, 2);
    assert_string_equal(plan.absent[0].reason, "one thread here");
    hx_plan_free(&plan);
    settings.threads[0] = 1;
    settings.thread_count = 1;
    settings.litter = true; /* nor can its heap be aged */
    assert_false(hx_plan_make(&one, &settings, &plan, &error));
    assert_non_null(strstr(error.line, "only a malloc's heap can be littered"));
    hx_catalogue_free(&one);
}

static void full_runs_eight_cells_on_two_threads(void **state) {
    (void)state;
    struct hx_settings settings;
    hx_settings_default(HX_PROFILE_FULL, &settings);
    struct hx_plan plan;
    make(&settings, &plan);
    unsigned two = 0;
    for (size_t i = 0; i < plan.cell_count; i++) {
        const struct hx_cell *cell = &plan.cells[i];
        two += cell->threads == 2;
        assert_true(cell->threads == 1 || (cell->pages == HX_PAGES_HUGE && strcmp(cell->scenario, "binary_trees") == 0 &&
                                           strcmp(cell->backend, "bump") != 0 && strcmp(cell->arm, "fresh") != 0));
    }
    assert_int_equal(two, 2); /* of malloc and arena-kept: this catalogue has no mimalloc, request_server or warm arena-safe */
    hx_plan_free(&plan);
    settings.eight_at_two = false; /* as --threads 1 does */
    make(&settings, &plan);
    for (size_t i = 0; i < plan.cell_count; i++) {
        assert_int_equal(plan.cells[i].threads, 1);
    }
    hx_plan_free(&plan);
}

static void glibc_keeps_pages_on_one_thread_only(void **state) {
    (void)state;
    struct hx_settings settings;
    hx_settings_default(HX_PROFILE_FULL, &settings);
    settings.scenario = "binary_trees";
    settings.backend = "malloc";
    settings.threads[0] = 2;
    struct hx_plan plan;
    make(&settings, &plan);
    assert_true(plan.absent_count > 0);
    for (size_t i = 0; i < plan.absent_count; i++) {
        assert_string_equal(plan.absent[i].cell.arm, "keep");
        assert_non_null(strstr(plan.absent[i].reason, "other threads' arenas"));
    }
    hx_plan_free(&plan);
}

/* An open loop has its rate in the options and no process but of pass latency. */
static void an_open_loop_has_latencies_alone(void **state) {
    (void)state;
    struct hx_catalogue open = {0};
    struct hx_error error = {{0}};
    char *answer = hx_print("{\"protocol\":1,\"worker\":\"worker-malloc\",\"version\":\"1\",\"backends\":[{\"name\":\"malloc\","
                            "\"arms\":[\"each\",\"keep\"],\"absent\":[]}],\"scenarios\":[{\"name\":\"request_open\",\"why\":\"w\","
                            "\"needs_input\":false,\"zeroed\":true,\"rate_per_s\":20000.0,\"dials\":%s}]}",
                            dials);
    assert_true(hx_catalogue_read(answer, "worker-malloc", &open, &error));
    free(answer);
    struct hx_settings settings;
    hx_settings_default(HX_PROFILE_FULL, &settings);
    struct hx_plan plan;
    assert_true(hx_plan_make(&open, &settings, &plan, &error));
    assert_string_equal(plan.cells[0].options, "rate=20000");
    bool kept = false;
    for (size_t i = 0; i < plan.cell_count; i++) {
        bool keep = strcmp(plan.cells[i].arm, "keep") == 0;
        kept = kept || keep;
        assert_true(!keep || strcmp(plan.cells[i].options, "rate=20000,tuning=keep") == 0);
    }
    assert_true(kept && plan.step_count > 0);
    for (size_t i = 0; i < plan.step_count; i++) {
        assert_int_equal(plan.steps[i].pass, HX_PASS_LATENCY);
    }
    hx_plan_free(&plan);
    hx_catalogue_free(&open);
}

static void a_share_of_the_cells_runs_twice(void **state) {
    (void)state;
    struct hx_settings settings;
    struct hx_plan once, twice, other;
    hx_settings_default(HX_PROFILE_QUICK, &settings);
    assert_int_equal(settings.aa_percent, 0);
    make(&settings, &once);
    settings.aa_percent = 50;
    make(&settings, &twice);
    assert_int_equal(twice.cell_count, once.cell_count + once.cell_count / 2);
    size_t extra = 0;
    for (size_t i = 0; i < twice.cell_count; i++) {
        const struct hx_cell *cell = &twice.cells[i];
        assert_int_equal(cell->index, i);
        assert_int_equal(cell->again, i >= once.cell_count);
        size_t same = 0;
        for (size_t k = 0; k < once.cell_count; k++) {
            same += hx_cell_same(cell, &once.cells[k]);
        }
        assert_int_equal(same, 1);
    }
    for (size_t i = 0; i < twice.step_count; i++) {
        bool again = twice.cells[twice.steps[i].cell].again;
        assert_true(!again || twice.steps[i].pass == HX_PASS_TIME);
        extra += again;
    }
    assert_int_equal(extra, once.cell_count / 2 * settings.reps[HX_PASS_TIME]);
    assert_int_equal(twice.step_count, once.step_count + extra);
    char *text = hx_plan_json(&twice);
    struct hx_error error = {{0}};
    assert_true(hx_plan_parse(text, &other, &error));
    assert_true(other.cells[other.cell_count - 1].again && !other.cells[0].again);
    free(text);
    hx_plan_free(&other);
    settings.seed = 2; /* another seed, other cells */
    make(&settings, &other);
    bool differs = false;
    for (size_t i = once.cell_count; i < twice.cell_count; i++) {
        differs = differs || !hx_cell_same(&twice.cells[i], &other.cells[i]);
    }
    assert_true(differs);
    hx_settings_default(HX_PROFILE_FULL, &settings);
    assert_int_equal(settings.aa_percent, 5);
    hx_plan_free(&once);
    hx_plan_free(&twice);
    hx_plan_free(&other);
}

static void gate_has_dials_for_huge_alone(void **state) {
    (void)state;
    struct hx_settings settings;
    hx_settings_default(HX_PROFILE_GATE, &settings);
    settings.backend = "bump";
    struct hx_plan plan;
    make(&settings, &plan);
    assert_int_equal(plan.cell_count, 1);
    assert_int_equal(plan.cells[0].blocks, 16);
    assert_true(plan.cells[0].scale == 0.25);
    assert_int_equal(hx_pass_cell(&plan.cells[0], HX_PASS_TIME).blocks, 16);
    assert_int_equal(hx_pass_cell(&plan.cells[0], HX_PASS_COUNTERS).blocks, HX_COUNTER_BLOCKS);
    plan.cells[0].blocks = 2;
    assert_int_equal(hx_pass_cell(&plan.cells[0], HX_PASS_COUNTERS).blocks, 2);
    plan.cells[0].cycles_per_block = 30;
    assert_int_equal(hx_pass_cell(&plan.cells[0], HX_PASS_TIME).cycles_per_block, 30);
    assert_int_equal(hx_pass_cell(&plan.cells[0], HX_PASS_COUNTERS).cycles_per_block, HX_COUNTER_CYCLES);
    plan.cells[0].ops_per_block = 3000;
    assert_int_equal(hx_pass_cell(&plan.cells[0], HX_PASS_TIME).ops_per_block, 3000);
    assert_int_equal(hx_pass_cell(&plan.cells[0], HX_PASS_COUNTERS).ops_per_block, 100 * HX_COUNTER_CYCLES);
    plan.cells[0].cycles_per_block = 1;
    assert_int_equal(hx_pass_cell(&plan.cells[0], HX_PASS_COUNTERS).cycles_per_block, 1);
    hx_plan_free(&plan);
}

static void a_word_that_names_nothing_is_told(void **state) {
    (void)state;
    struct hx_settings settings;
    struct hx_plan plan;
    struct hx_error error = {{0}};
    hx_settings_default(HX_PROFILE_QUICK, &settings);
    settings.scenario = "binary_*,xml";
    assert_false(hx_plan_make(&catalogue, &settings, &plan, &error));
    assert_string_equal(error.line, "--scenario xml: no such scenario (binary_trees,other)");
    hx_settings_default(HX_PROFILE_QUICK, &settings);
    settings.backend = "dlmalloc";
    assert_false(hx_plan_make(&catalogue, &settings, &plan, &error));
    assert_string_equal(error.line, "--backend dlmalloc: no such backend (malloc,arena-safe,arena-kept,bump)");
    hx_settings_default(HX_PROFILE_QUICK, &settings);
    settings.arm = "slow";
    assert_false(hx_plan_make(&catalogue, &settings, &plan, &error));
    assert_non_null(strstr(error.line, "(each,keep,fresh,reuse,bulk)"));
    assert_int_equal(plan.cell_count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allocator_without_huge_pages),
        cmocka_unit_test(same_seed_same_bytes),        cmocka_unit_test(rounds_are_complete_and_interleaved),
        cmocka_unit_test(order_is_drawn_fairly),       cmocka_unit_test(a_plan_survives_its_text),
        cmocka_unit_test(full_has_all_arms_and_keep_its_option), cmocka_unit_test(threads_and_page_modes_multiply),
        cmocka_unit_test(a_backend_of_one_thread_is_absent_on_two),
        cmocka_unit_test(full_runs_eight_cells_on_two_threads), cmocka_unit_test(glibc_keeps_pages_on_one_thread_only),
        cmocka_unit_test(an_open_loop_has_latencies_alone),
        cmocka_unit_test(a_share_of_the_cells_runs_twice),
        cmocka_unit_test(gate_has_dials_for_huge_alone), cmocka_unit_test(a_word_that_names_nothing_is_told),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
