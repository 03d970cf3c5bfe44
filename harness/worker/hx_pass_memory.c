/* hx_pass_memory.c - one scripted life: set-up, all blocks, release, idle; what it takes and what it gives back.
 *
 * Everything of the worker's own is mapped and touched before the first mark, the plan and the threads included, and memory figures
 * are differences from that mark. The rehearsal ran in a child. The curve has 200 equal steps of work (ops), each beside the exact
 * live bytes that the scenario asked for. Peaks come from VmHWM after a reset, phase by phase.
 *
 *   setup    the backend is open                  use      at the last request, its objects still there
 *   release  every life has ended                 idle     1 s later, nobody having called the allocator
 *   all      as use, with the greatest live bytes of the life
 *
 * What an allocator gives back it may give late: anonymous memory is looked at 0.1 s and 1 s after the last release. What it still has
 * then is retained. With several lanes lane 0 takes the samples, at equal steps of its own work, and adds up what all lanes have asked
 * for and hold: each sum is of one moment but for the call that another lane is in. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/hx_text.h"
#include "measure/hx_memory.h"
#include "worker/hx_job.h"

/* After the last release, how long an allocator may take to give memory back. */
#define SOON_NS 100000000L
#define LATE_NS 900000000L /* after that: 1 s in all */

struct life {
    const struct hx_job *job;
    struct hx_memory memory;
    struct hx_memory_phase mark; /* before the backend is opened */
    struct hx_memory_now mark_now;
    struct hx_series series;
    uint64_t start_ns;
    uint64_t total_ops; /* of lane 0, whose steps are equal */
    uint64_t step; /* rows taken */
    uint64_t sample_failed;
    struct hx_memory_phase use; /* at the last request of the life, with the last objects still there */
    uint64_t use_live_bytes;
    uint64_t live_peak_bytes; /* greatest sum of a sample; exact with one lane */
    struct hx_figure meta_bytes; /* of the allocator, by its own books, at the last request */
};

struct work {
    uint64_t ops;
    uint64_t live_bytes;
};

/* What all lanes have done and hold. */
static struct work work_now(const struct hx_job *job) {
    struct work all = {0};
    for (unsigned i = 0; i < job->ask->threads; i++) {
        const struct hx_probe *probe = job->lane[i].probe;
        all.ops += hx_probe_peek(&probe->ops);
        all.live_bytes += hx_probe_peek(&probe->live_bytes);
    }
    return all;
}

static struct hx_figure meta_bytes(const struct hx_job *job) {
    struct hx_ledger_row rows[HX_LEDGER_ROWS_MAX];
    struct hx_figure found = hx_figure_none("this backend tells no metadata");
    for (unsigned lane = 0; lane < job->ask->threads && (lane == 0 || !hx_glue_shares); lane++) {
        size_t count = hx_glue_ledger(job->lane[lane].env, rows);
        for (size_t i = 0; i < count; i++) {
            if (strcmp(rows[i].name, "ua_meta_bytes") == 0) {
                found = hx_figure_of((found.reason == NULL ? found.value : 0) + (double)rows[i].value);
            }
        }
    }
    return found;
}

static void end_phase(struct life *life, struct hx_memory_phase *out) {
    hx_memory_phase(&life->memory, out);
    (void)hx_memory_peak_reset(&life->memory); /* when refused, the next peak is none, with its reason */
}

/* Runs inside the scenario, at the first request at or past each step. */
static void take_row(struct hx_probe *probe) {
    struct life *life = probe->listener;
    struct hx_memory_now now;
    struct work work = work_now(life->job);
    life->live_peak_bytes = work.live_bytes > life->live_peak_bytes ? work.live_bytes : life->live_peak_bytes;
    if (hx_memory_now(&life->memory, &now)) {
        struct hx_series_row row = {.work_ops = work.ops,
                                    .time_ns = hx_monotonic_ns() - life->start_ns,
                                    .live_bytes = work.live_bytes,
                                    .rss_bytes = now.rss_bytes,
                                    .rss_anon_bytes = now.rss_anon_bytes};
        hx_series_append(&life->series, &row);
    } else {
        life->sample_failed++;
    }
    uint64_t next;
    do { /* a life of fewer requests than steps passes several at once; its last one is the last step all the same */
        life->step++;
        next = life->step + 1;
        probe->sample_due_ops = life->total_ops * next / HX_SERIES_ROWS;
    } while (next <= HX_SERIES_ROWS && probe->sample_due_ops <= probe->ops);
    if (next > HX_SERIES_ROWS) {
        probe->sample_due_ops = UINT64_MAX;
        life->use_live_bytes = work.live_bytes;
        life->meta_bytes = meta_bytes(life->job);
        end_phase(life, &life->use);
    }
}

/* A difference from the mark, never below nothing: file pages of the program itself may have been dropped since. */
static struct hx_figure since(struct hx_figure now, struct hx_figure mark) {
    if (now.reason != NULL || mark.reason != NULL) {
        return now.reason != NULL ? now : mark;
    }
    return hx_figure_of(now.value > mark.value ? now.value - mark.value : 0);
}

static void report_phase(struct hx_text *text, const char *phase, const struct life *life, const struct hx_memory_phase *now,
                         uint64_t live_bytes) {
    const struct hx_memory_phase *mark = &life->mark;
    hx_report_metric(text, phase, "rss_bytes", "bytes", since(now->rss_bytes, mark->rss_bytes));
    hx_report_metric(text, phase, "rss_anon_bytes", "bytes", since(now->rss_anon_bytes, mark->rss_anon_bytes));
    hx_report_metric(text, phase, "anon_huge_bytes", "bytes", since(now->anon_huge_bytes, mark->anon_huge_bytes));
    hx_report_metric(text, phase, "rss_peak_bytes", "bytes", since(now->rss_peak_bytes, mark->rss_bytes));
    hx_report_metric(text, phase, "page_table_bytes", "bytes", since(now->page_table_bytes, mark->page_table_bytes));
    hx_report_metric(text, phase, "swap_bytes", "bytes", since(now->swap_bytes, mark->swap_bytes));
    hx_report_metric(text, phase, "live_bytes", "bytes", hx_figure_of((double)live_bytes));
}

/* Of what was resident at the last request, how much is gone. */
static struct hx_figure given_back(const struct life *life, struct hx_figure now) {
    return since(life->use.rss_anon_bytes, now);
}

static void report_drag(struct hx_text *text, const struct life *life) {
    static const char unread[] = "/proc/self/statm cannot be read";
    struct hx_figure drag = hx_figure_none(unread);
    struct hx_series_means means = {hx_figure_none(unread), hx_figure_none(unread)};
    if (life->sample_failed == 0) {
        drag = hx_series_drag(&life->series, life->mark_now.rss_anon_bytes);
        means = hx_series_means(&life->series, life->mark_now.rss_anon_bytes);
    }
    hx_report_metric(text, "all", "drag", "ratio", drag);
    hx_report_metric(text, "all", "rss_anon_mean_bytes", "bytes", means.rss_anon_bytes);
    hx_report_metric(text, "all", "live_mean_bytes", "bytes", means.live_bytes);
}

static void report_series(struct hx_text *text, const struct life *life) {
    hx_json_array(text, "series");
    for (size_t i = 0; i < life->series.count; i++) {
        const struct hx_series_row *row = &life->series.row[i];
        hx_json_array(text, NULL);
        hx_json_u64(text, NULL, i);
        hx_json_u64(text, NULL, row->work_ops);
        hx_json_u64(text, NULL, row->time_ns);
        hx_json_u64(text, NULL, row->live_bytes);
        hx_json_u64(text, NULL, row->rss_bytes);
        hx_json_u64(text, NULL, row->rss_anon_bytes);
        hx_json_close(text);
    }
    hx_json_close(text);
}

/* Collections since the first block. */
static void report_collections(struct hx_text *text, const struct hx_gc_phase *rows, size_t count, uint64_t start_ns) {
    hx_json_array(text, "gc");
    for (size_t i = 0; i < count; i++) {
        const struct hx_gc_phase *row = &rows[i];
        if (row->time_ns < start_ns) {
            continue;
        }
        hx_json_array(text, NULL);
        hx_json_u64(text, NULL, row->cycle);
        hx_json_string(text, NULL, row->phase);
        hx_json_string(text, NULL, row->cause);
        hx_json_u64(text, NULL, row->time_ns - start_ns);
        hx_json_u64(text, NULL, row->heap_live_bytes);
        hx_json_u64(text, NULL, row->goal_bytes);
        hx_json_u64(text, NULL, row->trigger_bytes);
        hx_json_u64(text, NULL, row->mark_work_bytes);
        hx_json_u64(text, NULL, row->assist_ns);
        hx_json_u64(text, NULL, row->pause_ns);
        hx_json_u64(text, NULL, row->sweep_ns);
        hx_json_close(text);
    }
    hx_json_close(text);
}

/* How long the world stood, collection by collection; by the same rows. */
static void report_pauses(struct hx_text *text, const struct hx_gc_phase *rows, size_t count, uint64_t start_ns) {
    uint64_t collections = 0, total_ns = 0, max_ns = 0;
    for (size_t i = 0; i < count; i++) {
        const struct hx_gc_phase *row = &rows[i];
        if (row->time_ns < start_ns || strcmp(row->phase, "termination") != 0) {
            continue;
        }
        collections++;
        total_ns += row->pause_ns;
        max_ns = row->pause_ns > max_ns ? row->pause_ns : max_ns;
    }
    bool whole = count < HX_GC_PHASES_MAX;
    struct hx_figure lost = hx_figure_none("more collections than the collector keeps");
    hx_report_metric(text, "all", "gc_pause_count", "count", whole ? hx_figure_of((double)collections) : lost);
    hx_report_metric(text, "all", "gc_pause_total", "ns", whole ? hx_figure_of((double)total_ns) : lost);
    hx_report_metric(text, "all", "gc_pause_max", "ns", whole ? hx_figure_of((double)max_ns) : lost);
}

static void begin_life(struct hx_job *job, struct life *life) {
    life->job = job;
    life->total_ops = job->lane[0].cycle.ops * job->ask->cycles_per_block * job->ask->blocks;
    life->start_ns = hx_monotonic_ns();
    for (unsigned i = 0; i < job->ask->threads; i++) {
        hx_probe_init(job->lane[i].probe);
    }
    struct hx_probe *probe = job->lane[0].probe;
    probe->listener = life;
    probe->on_sample = take_row;
    probe->sample_due_ops = (life->total_ops + HX_SERIES_ROWS - 1) / HX_SERIES_ROWS;
}

static void wait_ns(long ns) {
    struct timespec left = {.tv_nsec = ns};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

void hx_pass_memory(struct hx_job *job, struct hx_text *text) {
    struct life *life = hx_map_touched(sizeof *life);
    struct hx_gc_phase *collections = hx_map_touched(HX_GC_PHASES_MAX * sizeof *collections);
    if (life == NULL || collections == NULL || !hx_series_init(&life->series, HX_SERIES_ROWS)) {
        hx_die("no memory for the memory curve");
    }
    hx_memory_open(&life->memory, "/proc/self");
    double cost_ns = hx_memory_cost_ns(&life->memory);
    struct hx_memory_phase setup, release, soon, idle;

    hx_job_rehearse_aside(job);
    hx_job_begin(job);
    end_phase(life, &life->mark);
    if (!hx_memory_now(&life->memory, &life->mark_now)) {
        life->mark_now = (struct hx_memory_now){0};
    }
    hx_job_open(job);
    end_phase(life, &setup);
    begin_life(job, life);
    for (unsigned i = 0; i < job->ask->blocks; i++) {
        hx_job_block(job, i, HX_PROBE_CALLS);
    }
    size_t collection_rows = hx_glue_trace(job->lane[0].env, collections);
    uint64_t live_after_bytes = work_now(job).live_bytes;
    end_phase(life, &release);
    hx_job_verify(job);
    wait_ns(SOON_NS);
    hx_memory_phase(&life->memory, &soon);
    wait_ns(LATE_NS);
    end_phase(life, &idle);
    uint64_t live_peak_bytes = job->ask->threads == 1 ? job->lane[0].probe->live_peak_bytes : life->live_peak_bytes;

    hx_report_begin(text, job);
    report_phase(text, "setup", life, &setup, 0);
    report_phase(text, "use", life, &life->use, life->use_live_bytes);
    report_phase(text, "release", life, &release, live_after_bytes);
    report_phase(text, "idle", life, &idle, live_after_bytes);
    report_phase(text, "all", life, &life->use, live_peak_bytes);
    hx_report_metric(text, "release", "given_back_bytes", "bytes", given_back(life, release.rss_anon_bytes));
    hx_report_metric(text, "idle", "given_back_100ms_bytes", "bytes", given_back(life, soon.rss_anon_bytes));
    hx_report_metric(text, "idle", "given_back_1s_bytes", "bytes", given_back(life, idle.rss_anon_bytes));
    hx_report_metric(text, "idle", "retained_bytes", "bytes", since(idle.rss_anon_bytes, life->mark.rss_anon_bytes));
    report_drag(text, life);
    hx_report_metric(text, "all", "meta_bytes", "bytes", life->meta_bytes);
    if (job->ask->litter != NULL) {
        uint64_t bytes = 0;
        for (unsigned i = 0; i < job->ask->threads; i++) {
            bytes += job->lane[i].litter_bytes;
        }
        hx_report_metric(text, "all", "litter_bytes", "bytes", hx_figure_of((double)bytes));
    }
    if (collection_rows != 0) {
        report_pauses(text, collections, collection_rows, life->start_ns);
    }
    hx_report_metric(text, "all", "sample_cost", "ns", hx_figure_of(cost_ns));
    hx_report_metrics_end(text);
    report_series(text, life);
    if (collection_rows != 0) {
        report_collections(text, collections, collection_rows, life->start_ns);
    }
}
