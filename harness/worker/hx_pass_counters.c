/* hx_pass_counters.c - one event group, and what the kernel counts for everybody, by phase of a life.
 *
 * Each lane counts its own thread; the figures are their sums, each scaled by its own share first. The group is enabled around the blocks and read at each change of phase (form SCOPES); differences are summed per phase. One read
 * costs more than a small request (about 0.6 us a counter), so its cost is shown and this pass gives no times. */
#include <stdio.h>

#include "base/hx_text.h"
#include "measure/hx_counters.h"
#include "worker/hx_event_group.h"
#include "worker/hx_job.h"
#include "worker/hx_team.h"

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

/* One counter of one lane over what was summed. */
static struct hx_counter_result result_of(const struct watch *watch, size_t i, const struct hx_counter_reading *sum) {
    static const struct hx_counter_reading zero = {0};
    if (watch->set.reason[i] != NULL) {
        return (struct hx_counter_result){.figure = hx_figure_none(watch->set.reason[i])};
    }
    if (watch->bad[i]) {
        return (struct hx_counter_result){.figure = hx_figure_none(hx_counter_read_failed)};
    }
    return hx_counter_scale(&zero, sum);
}

static void report_counter(struct hx_text *text, const char *name, const char *phase, const struct hx_counter_result *result) {
    char running[HX_COUNTER_NAME_BYTES + 16];
    snprintf(running, sizeof running, "%s_running", name);
    hx_report_metric(text, phase, name, "count", result->figure);
    struct hx_figure share = result->figure.reason == NULL ? hx_figure_of(result->running_share) : result->figure;
    hx_report_metric(text, phase, running, "ratio", share);
}

/* Phases that count towards the blocks: their sum is "all". Setup is before them, idle between lives and blocks. */
static bool in_blocks(unsigned phase) {
    return phase == HX_PHASE_ALLOC || phase == HX_PHASE_USE || phase == HX_PHASE_RELEASE;
}

static struct hx_counter_reading reading_of_all(const struct watch *watch, size_t i) {
    struct hx_counter_reading all = {0};
    for (unsigned p = 0; p < HX_PHASE_COUNT; p++) {
        const struct hx_counter_reading *sum = &watch->sum[p][i];
        all.raw += in_blocks(p) ? sum->raw : 0;
        all.enabled_ns += in_blocks(p) ? sum->enabled_ns : 0;
        all.running_ns += in_blocks(p) ? sum->running_ns : 0;
    }
    return all;
}

/* phase HX_PHASE_COUNT: all. */
static struct hx_counter_result sum_lanes(const struct watch *watch, unsigned lanes, unsigned phase, size_t i) {
    struct hx_counter_result total = {0};
    for (unsigned lane = 0; lane < lanes; lane++) {
        struct hx_counter_reading all = reading_of_all(&watch[lane], i);
        struct hx_counter_result one = result_of(&watch[lane], i, phase == HX_PHASE_COUNT ? &all : &watch[lane].sum[phase][i]);
        if (lane == 0) {
            total = one;
        } else {
            hx_counter_add(&total, &one);
        }
    }
    return total;
}

static void report_counters(struct hx_text *text, const struct watch *watch, unsigned lanes) {
    const struct hx_counter_group *group = &watch[0].set.group;
    for (size_t i = 0; i < group->counter_count; i++) {
        for (unsigned phase = 0; phase <= HX_PHASE_COUNT; phase++) {
            struct hx_counter_result result = sum_lanes(watch, lanes, phase, i);
            report_counter(text, group->counter[i].name, phase == HX_PHASE_COUNT ? "all" : phase_names[phase], &result);
        }
    }
}

static void report_usages(struct hx_text *text, const struct watch *watch, unsigned lanes, struct hx_figure migrations) {
    struct hx_usage all = {0};
    const struct hx_usage none = {0};
    for (unsigned phase = 0; phase < HX_PHASE_COUNT; phase++) {
        struct hx_usage usage = {0};
        for (unsigned lane = 0; lane < lanes; lane++) {
            add_usage(&usage, &none, &watch[lane].usage[phase]);
        }
        hx_report_usage(text, phase_names[phase], &usage);
        if (in_blocks(phase)) {
            add_usage(&all, &none, &usage);
        }
    }
    hx_report_usage(text, "all", &all);
    hx_report_metric(text, "all", "migrations", "count", migrations);
}

/* ---- the pass --------------------------------------------------------------------------------------------------------- */

struct watches {
    struct hx_counter_group group;
    struct watch *watch; /* one a lane */
    double cost_ns;      /* of lane 0's set */
};

static void begin_setup(struct hx_lane *lane, void *argument) {
    struct watches *all = argument;
    struct watch *watch = &all->watch[lane->index];
    watch->open = hx_counters_open(&watch->set, hx_counter_ops_perf(), &all->group) != 0;
    if (lane->index == 0) {
        all->cost_ns = watch->open ? hx_counters_cost_ns(&watch->set) : 0;
    }
    watch->phase = HX_PHASE_SETUP;
    hx_counters_enable(&watch->set);
    hx_usage_thread(&watch->last_usage);
    if (watch->open) {
        hx_counters_read(&watch->set, &watch->last);
    }
}

static void end_setup(struct hx_lane *lane, void *argument) {
    struct watches *all = argument;
    struct watch *watch = &all->watch[lane->index];
    turn(watch, HX_PHASE_IDLE);
    hx_probe_init(lane->probe);
    lane->probe->listener = watch;
    lane->probe->on_phase = on_phase;
}

static void end_blocks(struct hx_lane *lane, void *argument) {
    struct watches *all = argument;
    struct watch *watch = &all->watch[lane->index];
    turn(watch, HX_PHASE_IDLE);
    hx_counters_disable(&watch->set);
    hx_counters_close(&watch->set);
}

void hx_pass_counters(struct hx_job *job, struct hx_text *text) {
    unsigned lanes = job->ask->threads;
    struct watches all = {.watch = hx_map_or_die(lanes * sizeof *all.watch, "memory for the counters")};
    hx_event_group_of(job->ask, &all.group);
    hx_job_begin(job);
    hx_team_in_turn(job, begin_setup, &all);
    hx_job_open(job);
    hx_team_in_turn(job, end_setup, &all);
    for (unsigned i = 0; i < job->ask->blocks; i++) {
        hx_job_block(job, i, HX_PROBE_SCOPES);
    }
    hx_team_in_turn(job, end_blocks, &all);
    hx_job_verify(job);

    hx_report_begin(text, job);
    report_counters(text, all.watch, lanes);
    report_usages(text, all.watch, lanes, job->migrations);
    struct hx_figure cost = all.watch[0].open ? hx_figure_of(all.cost_ns) : hx_figure_none("no counter is open");
    hx_report_metric(text, "all", "ops", "count", hx_figure_of((double)hx_job_ops_total(job)));
    hx_report_metric(text, "all", "counters_read_cost", "ns", cost);
    hx_report_ledger(text, job);
    hx_report_metrics_end(text);
}
