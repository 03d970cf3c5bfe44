/* hx_pass_counters.c - one event group, and what the kernel counts for everybody, by phase of a life.
 *
 * The group is enabled around the blocks and read at each change of phase (form SCOPES); differences are summed per phase. One read
 * costs more than a small request (about 0.6 us a counter), so its cost is shown and this pass gives no times. */
#include <stdio.h>

#include "base/hx_text.h"
#include "measure/hx_counters.h"
#include "worker/hx_event_group.h"
#include "worker/hx_job.h"

static const char *const phase_names[HX_PHASE_COUNT] = {"setup", "alloc", "use", "release", "idle"};

struct watch {
    struct hx_counters set;
    bool open; /* at least one counter is */
    enum hx_phase phase;
    struct hx_counters_snapshot last;
    struct hx_usage last_usage;
    struct hx_counter_reading sum[HX_PHASE_COUNT][HX_COUNTERS_PER_GROUP_MAX];
    bool bad[HX_COUNTERS_PER_GROUP_MAX]; /* a read failed: no figure, whatever was summed */
    struct hx_usage usage[HX_PHASE_COUNT];
};

static void add_usage(struct hx_usage *into, const struct hx_usage *before, const struct hx_usage *after) {
    struct hx_usage d = hx_usage_difference(before, after);
    into->faults_minor += d.faults_minor;
    into->faults_major += d.faults_major;
    into->switches_voluntary += d.switches_voluntary;
    into->switches_involuntary += d.switches_involuntary;
    into->cpu_user_ns += d.cpu_user_ns;
    into->cpu_system_ns += d.cpu_system_ns;
}

/* Ends the present phase and begins the next. */
static void turn(struct watch *watch, enum hx_phase next) {
    struct hx_usage usage;
    hx_usage_thread(&usage);
    add_usage(&watch->usage[watch->phase], &watch->last_usage, &usage);
    if (watch->open) {
        struct hx_counters_snapshot now;
        hx_counters_read(&watch->set, &now);
        for (size_t i = 0; i < watch->set.group.counter_count; i++) {
            if (!now.good[i] || !watch->last.good[i]) {
                watch->bad[i] = true;
                continue;
            }
            struct hx_counter_reading *sum = &watch->sum[watch->phase][i];
            sum->raw += now.reading[i].raw - watch->last.reading[i].raw;
            sum->enabled_ns += now.reading[i].enabled_ns - watch->last.reading[i].enabled_ns;
            sum->running_ns += now.reading[i].running_ns - watch->last.reading[i].running_ns;
        }
        watch->last = now;
    }
    watch->last_usage = usage;
    watch->phase = next;
}

static void on_phase(struct hx_probe *probe, enum hx_phase phase) {
    turn(probe->listener, phase);
}

static void report_counter(struct hx_text *text, const struct watch *watch, size_t i, const char *phase,
                           const struct hx_counter_reading *sum) {
    static const struct hx_counter_reading zero = {0};
    const char *name = watch->set.group.counter[i].name;
    char running[HX_COUNTER_NAME_BYTES + 16];
    snprintf(running, sizeof running, "%s_running", name);
    struct hx_counter_result result = {.figure = hx_figure_none(hx_counter_read_failed)};
    if (watch->set.reason[i] != NULL) {
        result.figure = hx_figure_none(watch->set.reason[i]);
    } else if (!watch->bad[i]) {
        result = hx_counter_scale(&zero, sum);
    }
    hx_report_metric(text, phase, name, "count", result.figure);
    struct hx_figure share = result.figure.reason == NULL ? hx_figure_of(result.running_share) : result.figure;
    hx_report_metric(text, phase, running, "ratio", share);
}

/* Phases that count towards the blocks: their sum is "all". Setup is before them, idle between lives and blocks. */
static const enum hx_phase block_phases[] = {HX_PHASE_ALLOC, HX_PHASE_USE, HX_PHASE_RELEASE};

static void report_counters(struct hx_text *text, const struct watch *watch) {
    for (size_t i = 0; i < watch->set.group.counter_count; i++) {
        struct hx_counter_reading all = {0};
        for (size_t p = 0; p < HX_COUNT_OF(block_phases); p++) {
            const struct hx_counter_reading *sum = &watch->sum[block_phases[p]][i];
            all.raw += sum->raw;
            all.enabled_ns += sum->enabled_ns;
            all.running_ns += sum->running_ns;
            report_counter(text, watch, i, phase_names[block_phases[p]], sum);
        }
        report_counter(text, watch, i, phase_names[HX_PHASE_SETUP], &watch->sum[HX_PHASE_SETUP][i]);
        report_counter(text, watch, i, "all", &all);
    }
}

static void report_usages(struct hx_text *text, const struct watch *watch, struct hx_figure migrations) {
    struct hx_usage all = {0};
    const struct hx_usage none = {0};
    for (size_t p = 0; p < HX_COUNT_OF(block_phases); p++) {
        add_usage(&all, &none, &watch->usage[block_phases[p]]);
        hx_report_usage(text, phase_names[block_phases[p]], &watch->usage[block_phases[p]]);
    }
    hx_report_usage(text, phase_names[HX_PHASE_SETUP], &watch->usage[HX_PHASE_SETUP]);
    hx_report_usage(text, "all", &all);
    hx_report_metric(text, "all", "migrations", "count", migrations);
}

void hx_pass_counters(struct hx_job *job, struct hx_text *text) {
    static const char not_pinned[] = "not bound to a PU";
    struct watch *watch = hx_map_or_die(sizeof *watch, "memory for the counters");
    struct hx_counter_group group;
    hx_event_group_of(job->ask, &group);
    watch->open = hx_counters_open(&watch->set, hx_counter_ops_perf(), &group) != 0;
    double cost_ns = watch->open ? hx_counters_cost_ns(&watch->set) : 0;

    watch->phase = HX_PHASE_SETUP;
    hx_counters_enable(&watch->set);
    hx_usage_thread(&watch->last_usage);
    if (watch->open) {
        hx_counters_read(&watch->set, &watch->last);
    }
    hx_job_open(job);
    turn(watch, HX_PHASE_IDLE);
    hx_probe_init(job->probe);
    job->probe->listener = watch;
    job->probe->on_phase = on_phase;
    for (unsigned i = 0; i < job->ask->blocks; i++) {
        hx_job_block(job, i, HX_PROBE_SCOPES);
    }
    hx_counters_disable(&watch->set);
    hx_job_verify(job);
    struct hx_figure migrations = hx_figure_none(not_pinned);
    if (job->ask->pu_count != 0) {
        migrations = hx_pin_proof_check(&job->pin).migrations;
    }

    hx_report_begin(text, job);
    report_counters(text, watch);
    report_usages(text, watch, migrations);
    struct hx_figure cost = watch->open ? hx_figure_of(cost_ns) : hx_figure_none("no counter is open");
    hx_report_metric(text, "all", "counters_read_cost", "ns", cost);
    hx_report_ledger(text, job);
    hx_report_metrics_end(text);
    hx_counters_close(&watch->set);
}
