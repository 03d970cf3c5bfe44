/* test_counters.c - the fall-back ladder on machines that do not exist here, through the fake PMU.
 *
 * Each test sets up a machine that counts, multiplexes, refuses or never schedules. The real kernel: test_counters_kernel.c. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/hx_counters.h"
#include "fake_pmu.h"

#include "counter_plan.h"

/* One phase of `count` on the group; results in the group's order. */
static void phase_of(const struct hx_counter_ops *ops, struct fake_pmu *fake, const struct hx_counter_group *group, uint64_t count,
                     struct hx_counter_result *out) {
    struct hx_counters set;
    struct hx_counters_snapshot before;
    struct hx_counters_snapshot after;
    hx_counters_open(&set, ops, group);
    fake_pmu_work(fake, 999); /* before enable: must not be seen */
    hx_counters_enable(&set);
    fake_pmu_work(fake, 111); /* setup: outside the phase */
    hx_counters_read(&set, &before);
    fake_pmu_work(fake, count);
    hx_counters_read(&set, &after);
    hx_counters_disable(&set);
    fake_pmu_work(fake, 555);
    hx_counters_phase(&set, &before, &after, out);
    hx_counters_close(&set);
    assert_int_equal(fake->opened, 0);
}

static void a_pmu_counts_user_and_kernel_by_topic(void **state) {
    (void)state;
    struct fake_pmu fake;
    struct hx_counter_ops ops = fake_pmu_ops(&fake);
    struct hx_counter_result result[HX_COUNTERS_PER_GROUP_MAX];
    hx_counters_plan(&ops, NULL, &plan);
    assert_int_equal(plan.group_count, 5);
    assert_int_equal(plan.missing_count, 0);
    assert_int_equal(fake.opened, 0);
    const struct hx_counter_group *core = group_named("core");
    assert_non_null(core);
    assert_int_equal(core->counter_count, 4);
    assert_string_equal(core->counter[0].name, "cycles_user");
    assert_string_equal(core->counter[3].name, "instructions_kernel");
    phase_of(&ops, &fake, core, 1234567, result);
    for (size_t i = 0; i < 4; i++) {
        assert_null(result[i].figure.reason);
        assert_true(fabs(result[i].figure.value - 1234567) < 1e-6);
        assert_true(fabs(result[i].running_share - 1) < 1e-12);
    }
}

static void a_multiplexed_counter_is_scaled_and_says_so(void **state) {
    (void)state;
    struct fake_pmu fake;
    struct hx_counter_ops ops = fake_pmu_ops(&fake);
    struct hx_counter_result result[HX_COUNTERS_PER_GROUP_MAX];
    fake.running_share = 0.5;
    hx_counters_plan(&ops, NULL, &plan);
    phase_of(&ops, &fake, group_named("core"), 2000000, result);
    assert_null(result[0].figure.reason);
    assert_true(fabs(result[0].figure.value - 2000000) < 1);
    assert_true(fabs(result[0].running_share - 0.5) < 1e-9);
    fake.running_share = 0.2;
    phase_of(&ops, &fake, group_named("core"), 2000000, result);
    assert_ptr_equal(result[0].figure.reason, hx_counter_rarely_ran);
}

static void opened_but_never_running_is_none(void **state) {
    (void)state;
    struct fake_pmu fake;
    struct hx_counter_ops ops = fake_pmu_ops(&fake);
    struct hx_counter_result result[HX_COUNTERS_PER_GROUP_MAX];
    fake.running_share = 0;
    hx_counters_plan(&ops, NULL, &plan);
    phase_of(&ops, &fake, group_named("core"), 2000000, result);
    for (size_t i = 0; i < 4; i++) {
        assert_ptr_equal(result[i].figure.reason, hx_counter_never_ran);
    }
}

static void without_a_pmu_software_still_counts(void **state) {
    (void)state;
    struct fake_pmu fake;
    struct hx_counter_ops ops = fake_pmu_ops(&fake);
    struct hx_counter_result result[HX_COUNTERS_PER_GROUP_MAX];
    fake.has_pmu = false;
    fake.hardware_error = ENOENT;
    hx_counters_plan(&ops, NULL, &plan);
    assert_int_equal(plan.group_count, 1);
    assert_ptr_equal(missing_reason("cycles_user"), hx_counter_no_pmu);
    assert_ptr_equal(missing_reason("llc-load-misses_kernel"), hx_counter_no_pmu);
    phase_of(&ops, &fake, group_named("software"), 42, result);
    assert_null(result[0].figure.reason);
    assert_true(fabs(result[0].figure.value - 42) < 1e-9);
}

static void refused_kernel_side_leaves_the_user_side(void **state) {
    (void)state;
    struct fake_pmu fake;
    struct hx_counter_ops ops = fake_pmu_ops(&fake);
    struct hx_counter_result result[HX_COUNTERS_PER_GROUP_MAX];
    fake.kernel_error = EACCES;
    hx_counters_plan(&ops, NULL, &plan);
    const struct hx_counter_group *core = group_named("core");
    assert_int_equal(core->counter_count, 2);
    assert_string_equal(core->counter[0].name, "cycles_user");
    assert_string_equal(core->counter[1].name, "instructions_user");
    assert_ptr_equal(missing_reason("cycles_kernel"), hx_counter_not_permitted);
    /* always 0 when counted in user mode alone: none is the truth */
    assert_ptr_equal(missing_reason("context-switches"), hx_counter_kernel_only);
    assert_ptr_equal(missing_reason("cpu-migrations"), hx_counter_kernel_only);
    const struct hx_counter_group *software = group_named("software");
    phase_of(&ops, &fake, software, 7, result);
    bool task_clock_seen = false;
    for (size_t i = 0; i < software->counter_count; i++) {
        if (strcmp(software->counter[i].name, "task-clock") == 0) {
            task_clock_seen = true;
            assert_null(result[i].figure.reason);
            assert_true(result[i].user_only);
        }
    }
    assert_true(task_clock_seen);
}

static void refused_on_a_machine_without_pmu_means_no_pmu(void **state) {
    (void)state;
    struct fake_pmu fake;
    struct hx_counter_ops ops = fake_pmu_ops(&fake);
    fake.has_pmu = false;
    fake.kernel_error = EACCES;
    fake.hardware_error = ENOENT;
    hx_counters_plan(&ops, NULL, &plan);
    assert_ptr_equal(missing_reason("cycles_kernel"), hx_counter_no_pmu);
    assert_ptr_equal(missing_reason("page-faults_kernel"), hx_counter_not_permitted);
}

static void a_group_that_does_not_fit_is_opened_apart(void **state) {
    (void)state;
    struct fake_pmu fake;
    struct hx_counter_ops ops = fake_pmu_ops(&fake);
    struct hx_counter_result result[HX_COUNTERS_PER_GROUP_MAX];
    fake.sibling_error = EINVAL;
    fake.running_share = 0.5;
    hx_counters_plan(&ops, NULL, &plan);
    assert_int_equal(group_named("core")->counter_count, 4);
    phase_of(&ops, &fake, group_named("core"), 1000000, result);
    for (size_t i = 0; i < 4; i++) {
        assert_null(result[i].figure.reason);
        assert_true(fabs(result[i].figure.value - 1000000) < 1);
        assert_true(fabs(result[i].running_share - 0.5) < 1e-9);
    }
}

static void other_refusals_each_have_their_reason(void **state) {
    (void)state;
    static const struct {
        int error;
        const char *reason;
    } cases[] = {
        {ENOENT, hx_counter_unsupported}, {EOPNOTSUPP, hx_counter_unsupported}, {ENODEV, hx_counter_unsupported},
        {EBUSY, hx_counter_no_slot},      {EMFILE, hx_counter_no_slot},         {ENOSYS, hx_counter_perf_disabled},
        {EINVAL, hx_counter_open_failed}, {EPERM, hx_counter_not_permitted},
    };
    for (size_t i = 0; i < HX_COUNT_OF(cases); i++) {
        struct fake_pmu fake;
        struct hx_counter_ops ops = fake_pmu_ops(&fake);
        fake.hardware_error = cases[i].error;
        hx_counters_plan(&ops, NULL, &plan);
        assert_int_equal(plan.group_count, 1);
        assert_ptr_equal(missing_reason("instructions_user"), cases[i].reason);
    }
    struct fake_pmu fake;
    struct hx_counter_ops ops = fake_pmu_ops(&fake);
    fake.open_limit = 3; /* the fourth descriptor is one too many: the first three stay */
    hx_counters_plan(&ops, NULL, &plan);
    assert_int_equal(group_named("core")->counter_count, 3);
    assert_ptr_equal(missing_reason("instructions_kernel"), hx_counter_no_slot);
}

static void perf_switched_off_keeps_an_empty_software_group(void **state) {
    (void)state;
    struct fake_pmu fake;
    struct hx_counter_ops ops = fake_pmu_ops(&fake);
    fake.open_limit = 0;
    fake.hardware_error = ENOSYS;
    fake.kernel_error = ENOSYS;
    hx_counters_plan(&ops, "INSTRUCTIONS:k", &plan);
    assert_int_equal(plan.group_count, 1);
    assert_string_equal(plan.group[0].name, "software");
    assert_ptr_equal(missing_reason("instructions_kernel"), hx_counter_perf_disabled);
    assert_ptr_equal(missing_reason("context-switches"), hx_counter_perf_disabled);
}

static void a_failed_read_is_none(void **state) {
    (void)state;
    struct fake_pmu fake;
    struct hx_counter_ops ops = fake_pmu_ops(&fake);
    struct hx_counter_result result[HX_COUNTERS_PER_GROUP_MAX];
    hx_counters_plan(&ops, NULL, &plan);
    fake.read_fails = true;
    phase_of(&ops, &fake, group_named("core"), 5, result);
    assert_ptr_equal(result[0].figure.reason, hx_counter_read_failed);
}

static void the_users_events_are_planned_and_named(void **state) {
    (void)state;
    struct fake_pmu fake;
    struct hx_counter_ops ops = fake_pmu_ops(&fake);
    hx_counters_plan(&ops, "amd64::RETIRED_INSTRUCTIONS:ANY,NO_SUCH_EVENT,CYCLES:u,,PAGE-FAULTS:k", &plan);
    assert_int_equal(plan.group_count, 3);
    assert_string_equal(plan.group[0].counter[0].name, "retired_instructions.any_user");
    assert_string_equal(plan.group[0].counter[1].name, "retired_instructions.any_kernel");
    assert_ptr_equal(missing_reason("no_such_event"), hx_counter_unknown);
    assert_int_equal(plan.group[1].counter_count, 2);
    assert_string_equal(plan.group[1].counter[0].name, "cycles_user");
    assert_string_equal(plan.group[1].counter[1].name, "page-faults_kernel");
    assert_string_equal(plan.group[2].name, "software");
}

static void an_event_named_twice_is_counted_once(void **state) {
    (void)state;
    struct fake_pmu fake;
    struct hx_counter_ops ops = fake_pmu_ops(&fake);
    hx_counters_plan(&ops, "CYCLES,CYCLES:u,PAGE-FAULTS,CYCLES,NONE_SUCH,NONE_SUCH", &plan);
    size_t seen = 0;
    for (size_t i = 0; i < plan.group_count; i++) {
        for (size_t c = 0; c < plan.group[i].counter_count; c++) {
            seen += strcmp(plan.group[i].counter[c].name, "cycles_user") == 0;
            seen += strcmp(plan.group[i].counter[c].name, "page-faults_user") == 0;
        }
    }
    assert_int_equal(seen, 2); /* also not once more in the software group */
    assert_int_equal(plan.missing_count, 1);
}

static int encode_nothing(void *self, const char *event, struct hx_counter *out) {
    (void)self;
    (void)event;
    (void)out;
    return -ENOSYS;
}

static void without_names_the_reason_is_not_an_unknown_event(void **state) {
    (void)state;
    struct fake_pmu fake;
    struct hx_counter_ops ops = fake_pmu_ops(&fake);
    ops.encode = encode_nothing;
    hx_counters_plan(&ops, "CYCLES", &plan);
    assert_int_equal(plan.group_count, 1);
    assert_ptr_equal(missing_reason("cycles"), hx_counter_no_names);
}

static void an_empty_group_is_no_name_of_an_event(void **state) {
    (void)state;
    struct hx_counter_group empty = {.name = "software"}, back;
    char text[HX_COUNTER_TEXT_BYTES];
    assert_true(hx_counter_group_print(&empty, text, sizeof text));
    assert_string_equal(text, "software;");
    assert_true(hx_counter_group_parse(text, &back));
    assert_int_equal(back.counter_count, 0);
    assert_false(hx_counter_group_print(&empty, text, sizeof "software"));
}

static void software_events_need_no_table(void **state) {
    (void)state;
    struct hx_counter counter;
    assert_true(hx_counter_software("perf::Page-Faults", &counter));
    assert_string_equal(counter.name, "page-faults");
    assert_int_equal(counter.type, 1);
    assert_int_equal(counter.config, 2);
    assert_false(counter.kernel_only);
    assert_true(hx_counter_software("CONTEXT-SWITCHES", &counter));
    assert_true(counter.kernel_only);
    assert_false(hx_counter_software("CYCLES", &counter));
}

static void a_group_survives_its_text(void **state) {
    (void)state;
    struct fake_pmu fake;
    struct hx_counter_ops ops = fake_pmu_ops(&fake);
    char text[HX_COUNTER_TEXT_BYTES];
    hx_counters_plan(&ops, NULL, &plan);
    for (size_t i = 0; i < plan.group_count; i++) {
        struct hx_counter_group back;
        assert_true(hx_counter_group_print(&plan.group[i], text, sizeof text));
        assert_true(hx_counter_group_parse(text, &back));
        assert_int_equal(back.counter_count, plan.group[i].counter_count);
        assert_string_equal(back.name, plan.group[i].name);
        for (size_t c = 0; c < back.counter_count; c++) {
            assert_string_equal(back.counter[c].name, plan.group[i].counter[c].name);
            assert_int_equal(back.counter[c].scope, plan.group[i].counter[c].scope);
            assert_int_equal(back.counter[c].kernel_only, plan.group[i].counter[c].kernel_only);
            assert_int_equal(back.counter[c].type, plan.group[i].counter[c].type);
            assert_int_equal(back.counter[c].config, plan.group[i].counter[c].config);
        }
    }
    assert_false(hx_counter_group_print(&plan.group[0], text, 10));
    static const char *const malformed[] = {
        "", ";", "core;", "core;x", "core;x,u,0,0x0,0x0", "core;x,q,0,0x0,0x0,0x0", "core;x,u,zero,0x0,0x0,0x0",
        "core;x,u,0,0,0x0,0x0", "core;x,u,0,0x0,0x0,0x", "core;x,u,0,0x0,0x0,0x0,0x0", "core;x,u,0,0x0,0x0,0x12345678901234567",
        "core;x,u,4294967296,0x0,0x0,0x0", "co re;x,u,0,0x0,0x0,0x0", "core;x,u,0,0x0,0x0,0x0;;",
    };
    struct hx_counter_group group;
    for (size_t i = 0; i < HX_COUNT_OF(malformed); i++) {
        if (hx_counter_group_parse(malformed[i], &group) && group.counter_count > 0) {
            fail_msg("accepted '%s'", malformed[i]);
        }
    }
}

/* enabled / running pairs of the kinds perf_event_open(2) describes (all of the time, rotated, started late), in ns. */
static void enabled_and_running_pairs_scale_as_documented(void **state) {
    (void)state;
    static const struct {
        struct hx_counter_reading before;
        struct hx_counter_reading after;
        double count;
        double share;
    } pairs[] = {
        {{0, 0, 0}, {1000, 4000000, 4000000}, 1000, 1},
        {{0, 0, 0}, {500, 8000000, 4000000}, 1000, 0.5},
        {{700, 3000000, 1500000}, {1200, 11000000, 5500000}, 1000, 0.5},
        {{0, 0, 0}, {250, 16000000, 4000000}, 1000, 0.25},
        {{10, 5, 6}, {20, 10, 12}, 10, 1}, /* running ahead by clock skew: not above 1 */
    };
    for (size_t i = 0; i < HX_COUNT_OF(pairs); i++) {
        struct hx_counter_result r = hx_counter_scale(&pairs[i].before, &pairs[i].after);
        assert_null(r.figure.reason);
        assert_true(fabs(r.figure.value - pairs[i].count) < 1e-6);
        assert_true(fabs(r.running_share - pairs[i].share) < 1e-9);
    }
    struct hx_counter_reading high = {5, 5, 5};
    struct hx_counter_reading low = {4, 4, 4};
    assert_ptr_equal(hx_counter_scale(&high, &low).figure.reason, hx_counter_read_failed);
}

static void threads_add_up(void **state) {
    (void)state;
    struct hx_counter_result sum = {.figure = hx_figure_of(10), .running_share = 1};
    struct hx_counter_result more = {.figure = hx_figure_of(5), .running_share = 0.5};
    struct hx_counter_result none = {.figure = hx_figure_none(hx_counter_never_ran)};
    hx_counter_add(&sum, &more);
    assert_true(fabs(sum.figure.value - 15) < 1e-12 && fabs(sum.running_share - 0.5) < 1e-12);
    hx_counter_add(&sum, &none);
    assert_ptr_equal(sum.figure.reason, hx_counter_never_ran);
    hx_counter_add(&sum, &more);
    assert_ptr_equal(sum.figure.reason, hx_counter_never_ran);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pmu_counts_user_and_kernel_by_topic),
        cmocka_unit_test(a_multiplexed_counter_is_scaled_and_says_so),
        cmocka_unit_test(opened_but_never_running_is_none),
        cmocka_unit_test(without_a_pmu_software_still_counts),
        cmocka_unit_test(refused_kernel_side_leaves_the_user_side),
        cmocka_unit_test(refused_on_a_machine_without_pmu_means_no_pmu),
        cmocka_unit_test(a_group_that_does_not_fit_is_opened_apart),
        cmocka_unit_test(other_refusals_each_have_their_reason),
        cmocka_unit_test(perf_switched_off_keeps_an_empty_software_group),
        cmocka_unit_test(a_failed_read_is_none),
        cmocka_unit_test(the_users_events_are_planned_and_named),
        cmocka_unit_test(an_event_named_twice_is_counted_once),
        cmocka_unit_test(without_names_the_reason_is_not_an_unknown_event),
        cmocka_unit_test(an_empty_group_is_no_name_of_an_event),
        cmocka_unit_test(software_events_need_no_table),
        cmocka_unit_test(a_group_survives_its_text),
        cmocka_unit_test(enabled_and_running_pairs_scale_as_documented),
        cmocka_unit_test(threads_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
