/* The counts tier: for every counted cell and side one table of named figures, compared by hx_count_rule.
 *
 * A figure comes from one of three kinds of measurement, each its own process or pair of processes:
 *   CALLGRIND  4 and 8 equal blocks under callgrind        -> instructions per op, system calls
 *   NATIVE     N and 2N blocks without it, pages=4k         -> page faults, the allocator's own ledger
 *   MEMORY     one scripted life (pass memory), pages=4k    -> RssAnon by phase
 * Pages are 4 KiB where pages are counted: whether the kernel had a huge page at hand is not the allocator's doing.
 * Jobs run two at a time; they write to their own table only. A cell whose figures differ is measured once more, both sides. */
#include <stdatomic.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/hx_gate_process.h"
#include "gate/hx_gate_progress.h"

enum kind { KIND_CALLGRIND, KIND_NATIVE, KIND_MEMORY, KINDS };

enum {
    FIGURES_MAX = HX_GATE_COUNTS_MAX,
    FAULT_CHUNKS = 64,      /* extra chunks over which faults are counted, */
    FAULT_CHUNKS_FRESH = 24, /* fewer where each chunk is new memory: the longer run stays below 512 MiB */
    FAULT_BLOCKS_MAX = 256,
};

/* Instructions are counted on half of the cell's scale: a tenth of a second of native work takes four under callgrind. */
static const double callgrind_scale_factor = 0.5;

static const char no_figure[] = "only the other side has it";

struct figure {
    char metric[HX_NAME_BYTES], phase[HX_NAME_BYTES], unit[HX_NAME_BYTES];
    double value; /* NAN: reason says why */
    const char *reason;
};

struct job {
    struct hx_gate_cell *cell;
    enum hx_side side;
    enum kind kind;
    enum hx_gate_ran ran;
    struct hx_error error;
    double chunks;
    size_t figure_count;
    struct figure figures[FIGURES_MAX];
};

struct pool {
    struct hx_gate *gate;
    struct job *jobs;
    size_t job_count;
    atomic_size_t next;
    struct hx_gate_progress *progress;
};

static void add_figure(struct job *job, const char *metric, const char *phase, const char *unit, struct hx_figure value)
{
    struct figure *figure;

    if (job->figure_count == FIGURES_MAX)
        return;
    figure = &job->figures[job->figure_count++];
    memset(figure, 0, sizeof *figure);
    (void)hx_copy(figure->metric, sizeof figure->metric, metric);
    (void)hx_copy(figure->phase, sizeof figure->phase, phase);
    (void)hx_copy(figure->unit, sizeof figure->unit, unit);
    figure->value = value.reason == NULL ? value.value : NAN;
    figure->reason = value.reason;
}

static enum hx_gate_ran fail_job(struct job *job, const char *why)
{
    hx_fail(&job->error, "%s: %s", hx_side_name(job->side), why);
    return HX_GATE_FAILED;
}

static enum hx_gate_ran job_callgrind(struct hx_gate *gate, struct job *job, unsigned pu)
{
    struct hx_gate_process process = {.side = job->side, .pass = HX_PASS_COUNTS, .pages = job->cell->cell.pages, .pu = pu,
                                      .scale_factor = callgrind_scale_factor, .callgrind = true};
    struct hx_callgrind_totals totals[2], difference;
    uint64_t ops[2];
    double extra_ops;

    for (int run = 0; run < 2; run++) {
        struct hx_observation observation;
        enum hx_gate_ran ran;

        process.blocks = run == 0 ? HX_CALLGRIND_BLOCKS_SHORT : HX_CALLGRIND_BLOCKS_LONG;
        ran = hx_gate_process_run(gate, job->cell, &process, &observation, &totals[run], &job->error);
        if (ran != HX_GATE_RAN)
            return ran;
        ops[run] = observation.ops_total;
        hx_observation_free(&observation);
    }
    if (ops[1] <= ops[0])
        return fail_job(job, "8 blocks did no more operations than 4");
    if (!hx_callgrind_difference(&totals[0], &totals[1], &difference, &job->error))
        return HX_GATE_FAILED;
    extra_ops = (double)(ops[1] - ops[0]);
    add_figure(job, hx_count_instructions.metric, "all", hx_count_instructions.unit,
               hx_figure_of((double)difference.instructions / extra_ops));
    add_figure(job, hx_count_syscalls.metric, "all", hx_count_syscalls.unit, hx_figure_of((double)difference.syscalls));
    hx_gate_process_row(gate, job->cell, job->side, HX_PASS_COUNTS, "instructions_per_op", "count/op",
                        (double)difference.instructions / extra_ops);
    hx_gate_process_row(gate, job->cell, job->side, HX_PASS_COUNTS, "syscalls_per_op", "count/op",
                        (double)difference.syscalls / extra_ops);
    return HX_GATE_RAN;
}

/* Faults of a process: the worker reports them per op, and says how many ops. */
static struct hx_figure faults_of(const struct hx_observation *observation)
{
    struct hx_figure faults = hx_observation_figure(observation, "all", "faults_minor");

    if (faults.reason == NULL)
        return faults;
    faults = hx_observation_figure(observation, "all", "faults_per_op");
    if (faults.reason == NULL)
        faults.value = round(faults.value * (double)observation->ops_total);
    return faults;
}

static void add_ledger(struct job *job, const struct hx_observation *observation)
{
    for (size_t i = 0; i < observation->metric_count; i++) {
        const struct hx_metric *metric = &observation->metrics[i];

        if (strncmp(metric->metric, "ua_", 3) == 0 && metric->kind == HX_VALUE_NUMBER)
            add_figure(job, metric->metric, metric->phase, metric->unit, hx_figure_of(metric->number));
    }
}

/* Blocks whose doubling passes through the wanted number of chunks. */
static uint64_t fault_blocks(const struct hx_gate_cell *cell, uint64_t refills_per_block)
{
    uint64_t chunks = strcmp(cell->cell.arm, "fresh") == 0 ? FAULT_CHUNKS_FRESH : FAULT_CHUNKS;
    uint64_t blocks = refills_per_block == 0 ? cell->cell.blocks : (chunks + refills_per_block - 1) / refills_per_block;

    return blocks < 2 ? 2 : blocks > FAULT_BLOCKS_MAX ? FAULT_BLOCKS_MAX : blocks;
}

static enum hx_gate_ran job_native(struct hx_gate *gate, struct job *job, unsigned pu)
{
    struct hx_gate_process process = {.side = job->side, .pass = HX_PASS_COUNTS, .pages = HX_PAGES_4K, .pu = pu,
                                      .counted = true, .blocks = 2};
    struct hx_figure faults[2] = {hx_figure_none(""), hx_figure_none("")};
    uint64_t blocks = 0;

    for (int run = 0; run < 3; run++) { /* the first learns how many chunks a block takes */
        struct hx_observation observation;
        enum hx_gate_ran ran = hx_gate_process_run(gate, job->cell, &process, &observation, NULL, &job->error);

        if (ran != HX_GATE_RAN)
            return ran;
        if (run == 0)
            blocks = fault_blocks(job->cell, observation.refills_per_block);
        else
            faults[run - 1] = faults_of(&observation);
        if (run == 2) {
            job->chunks = (double)(observation.refills_per_block * blocks);
            add_ledger(job, &observation);
        }
        process.blocks = run == 0 ? blocks : 2 * blocks;
        hx_observation_free(&observation);
    }
    if (faults[0].reason == NULL && faults[1].reason == NULL)
        faults[1].value -= faults[0].value;
    add_figure(job, hx_count_faults.metric, "all", hx_count_faults.unit, faults[1]);
    return HX_GATE_RAN;
}

static enum hx_gate_ran job_memory(struct hx_gate *gate, struct job *job, unsigned pu)
{
    struct hx_gate_process process = {.side = job->side, .pass = HX_PASS_MEMORY, .pages = HX_PAGES_4K, .pu = pu,
                                      .counted = true, .blocks = job->cell->cell.blocks};
    struct hx_observation observation;
    enum hx_gate_ran ran = hx_gate_process_run(gate, job->cell, &process, &observation, NULL, &job->error);

    if (ran != HX_GATE_RAN)
        return ran;
    for (size_t i = 0; i < observation.metric_count; i++) {
        const struct hx_metric *metric = &observation.metrics[i];

        if (strcmp(metric->metric, hx_count_rss.metric) == 0)
            add_figure(job, metric->metric, metric->phase, metric->unit,
                       hx_observation_figure(&observation, metric->phase, metric->metric));
    }
    hx_observation_free(&observation);
    if (job->figure_count == 0)
        add_figure(job, hx_count_rss.metric, "all", hx_count_rss.unit, hx_figure_none("the worker does not report it"));
    return HX_GATE_RAN;
}

static enum hx_gate_ran job_run(struct hx_gate *gate, struct job *job, unsigned pu)
{
    switch (job->kind) {
    case KIND_CALLGRIND:
        if (gate->valgrind != NULL)
            return job_callgrind(gate, job, pu);
        add_figure(job, hx_count_instructions.metric, "all", hx_count_instructions.unit, hx_figure_none(gate->no_valgrind));
        add_figure(job, hx_count_syscalls.metric, "all", hx_count_syscalls.unit, hx_figure_none(gate->no_valgrind));
        return HX_GATE_RAN;
    case KIND_NATIVE: return job_native(gate, job, pu);
    case KIND_MEMORY: return job_memory(gate, job, pu);
    case KINDS: break;
    }
    return fail_job(job, "no such measurement");
}

struct pool_thread {
    struct pool *pool;
    unsigned pu;
};

static void *pool_work(void *arg)
{
    struct pool_thread *self = arg;
    struct pool *pool = self->pool;

    for (;;) {
        size_t at = atomic_fetch_add(&pool->next, 1);

        if (at >= pool->job_count)
            return NULL;
        pool->jobs[at].ran = job_run(pool->gate, &pool->jobs[at], self->pu);
        hx_gate_progress_step(pool->progress);
        if (pool->jobs[at].ran == HX_GATE_STOPPED)
            atomic_store(&pool->next, pool->job_count);
    }
}

/* Runs all jobs, one thread a PU; this thread is the first. */
static void pool_run(struct hx_gate *gate, struct job *jobs, size_t job_count, const char *what)
{
    struct hx_gate_progress progress;
    struct pool pool = {.gate = gate, .jobs = jobs, .job_count = job_count, .progress = &progress};
    struct pool_thread threads[HX_GATE_PUS];
    pthread_t id[HX_GATE_PUS];
    bool started[HX_GATE_PUS] = {false};

    hx_gate_progress_start(&progress, what, job_count);
    for (size_t i = 0; i < job_count; i++)
        jobs[i].ran = HX_GATE_STOPPED; /* until it has run */
    for (size_t i = 0; i < gate->pu_count; i++)
        threads[i] = (struct pool_thread){.pool = &pool, .pu = gate->pu[i]};
    for (size_t i = 1; i < gate->pu_count; i++)
        started[i] = pthread_create(&id[i], NULL, pool_work, &threads[i]) == 0;
    pool_work(&threads[0]);
    for (size_t i = 1; i < gate->pu_count; i++) {
        if (started[i])
            pthread_join(id[i], NULL);
    }
    hx_gate_progress_end(&progress);
    for (size_t i = 0; i < job_count; i++)
        gate->stopped |= jobs[i].ran == HX_GATE_STOPPED;
}

static const struct figure *find_figure(const struct job *job, const char *metric, const char *phase)
{
    for (size_t i = 0; i < job->figure_count; i++) {
        if (strcmp(job->figures[i].metric, metric) == 0 && strcmp(job->figures[i].phase, phase) == 0)
            return &job->figures[i];
    }
    return NULL;
}

static void count_rule_set(struct hx_gate_count *count)
{
    static const struct hx_count_rule *const own[] = {&hx_count_instructions, &hx_count_syscalls, &hx_count_faults, &hx_count_rss};

    count->rule = hx_count_ledger(count->metric, count->unit);
    for (size_t i = 0; i < HX_COUNT_OF(own); i++) {
        if (strcmp(own[i]->metric, count->metric) == 0)
            count->rule = *own[i];
    }
}

/* A figure of either side becomes one count of the cell. */
static void compare_figure(struct hx_gate_cell *cell, const struct figure *figure, const struct job *base, const struct job *head)
{
    const struct figure *side[HX_SIDES] = {find_figure(base, figure->metric, figure->phase),
                                           find_figure(head, figure->metric, figure->phase)};
    struct hx_gate_count *count;
    const char *reason = NULL;

    if (cell->count_count == HX_GATE_COUNTS_MAX)
        return;
    count = &cell->counts[cell->count_count++];
    memset(count, 0, sizeof *count);
    memcpy(count->metric, figure->metric, sizeof count->metric);
    memcpy(count->phase, figure->phase, sizeof count->phase);
    memcpy(count->unit, figure->unit, sizeof count->unit);
    count_rule_set(count);
    count->chunks = base->chunks;
    for (int i = 0; i < HX_SIDES && reason == NULL; i++)
        reason = side[i] == NULL ? no_figure : side[i]->reason;
    if (reason != NULL) {
        count->state = HX_COUNT_NOT_MEASURED;
        snprintf(count->reason, sizeof count->reason, "%s", reason);
        return;
    }
    count->first = (struct hx_count_values){.base = side[HX_SIDE_BASE]->value, .head = side[HX_SIDE_HEAD]->value};
    count->state = hx_count_compare(&count->rule, count->first, count->chunks);
}

static bool job_usable(struct job *job)
{
    if (job->ran == HX_GATE_FAILED)
        hx_gate_cell_fail(job->cell, "%s", job->error.line);
    return job->ran == HX_GATE_RAN;
}

/* A ledger that only head keeps is no finding; every other figure that one side lacks is. */
static bool new_in_head(const struct figure *figure, const struct job *base)
{
    return strncmp(figure->metric, "ua_", 3) == 0 && find_figure(base, figure->metric, figure->phase) == NULL;
}

static void compare_jobs(struct job *base, struct job *head)
{
    struct hx_gate_cell *cell = base->cell;

    if (!job_usable(base) || !job_usable(head))
        return;
    for (size_t i = 0; i < base->figure_count; i++)
        compare_figure(cell, &base->figures[i], base, head);
    for (size_t i = 0; i < head->figure_count; i++) {
        const struct figure *figure = &head->figures[i];

        if (find_figure(base, figure->metric, figure->phase) == NULL && !new_in_head(figure, base))
            compare_figure(cell, figure, base, head);
    }
}

/* Whether a measurement of this cell gave a figure that differs. */
static bool wants_repeat(const struct job *base, const struct job *head)
{
    if (base->ran != HX_GATE_RAN || head->ran != HX_GATE_RAN)
        return false;
    for (size_t i = 0; i < base->cell->count_count; i++) {
        const struct hx_gate_count *count = &base->cell->counts[i];

        if (hx_count_needs_repeat(count->state) && find_figure(base, count->metric, count->phase) != NULL)
            return true;
    }
    return false;
}

static void settle_jobs(struct job *base, struct job *head)
{
    struct hx_gate_cell *cell = base->cell;

    if (!job_usable(base) || !job_usable(head))
        return;
    for (size_t i = 0; i < cell->count_count; i++) {
        struct hx_gate_count *count = &cell->counts[i];
        const struct figure *side[HX_SIDES] = {find_figure(base, count->metric, count->phase),
                                               find_figure(head, count->metric, count->phase)};

        if (!hx_count_needs_repeat(count->state) || side[HX_SIDE_BASE] == NULL || side[HX_SIDE_HEAD] == NULL)
            continue;
        count->second = (struct hx_count_values){.base = side[HX_SIDE_BASE]->value, .head = side[HX_SIDE_HEAD]->value};
        count->repeated = true;
        count->state = hx_count_settle(&count->rule, count->first, count->second, count->chunks);
    }
}

void hx_gate_counts_run(struct hx_gate *gate)
{
    size_t capacity = gate->cell_count * KINDS * HX_SIDES, job_count = 0, again_count = 0;
    struct job *jobs = hx_alloc((capacity + 1) * sizeof *jobs);
    struct job *again = hx_alloc((capacity + 1) * sizeof *again);

    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t i = 0; i < gate->cell_count; i++) {
            if (!gate->cells[i].counted)
                continue;
            for (int side = 0; side < HX_SIDES; side++) {
                jobs[job_count++] = (struct job){.cell = &gate->cells[i], .side = (enum hx_side)side, .kind = (enum kind)kind};
            }
        }
    }
    pool_run(gate, jobs, job_count, "counts");
    for (size_t i = 0; i + 1 < job_count; i += HX_SIDES)
        compare_jobs(&jobs[i + HX_SIDE_BASE], &jobs[i + HX_SIDE_HEAD]);
    for (size_t i = 0; i + 1 < job_count; i += HX_SIDES) {
        if (!wants_repeat(&jobs[i + HX_SIDE_BASE], &jobs[i + HX_SIDE_HEAD]))
            continue;
        for (int side = 0; side < HX_SIDES; side++)
            again[again_count++] = (struct job){.cell = jobs[i].cell, .side = (enum hx_side)side, .kind = jobs[i].kind};
    }
    if (again_count > 0 && !gate->stopped) {
        pool_run(gate, again, again_count, "counts that differ, once more");
        for (size_t i = 0; i + 1 < again_count; i += HX_SIDES)
            settle_jobs(&again[i + HX_SIDE_BASE], &again[i + HX_SIDE_HEAD]);
    }
    free(jobs);
    free(again);
}
