/* hx_lane.c - what a lane does: opens its environment, rehearses, runs its part of a block. See hx_job.h.
 *
 * Opening and rehearsing go one lane after the other, so that a heap which lanes share is the same every time; blocks run in all
 * lanes at once. */
#define _GNU_SOURCE
#include "worker/hx_job.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/hx_litter.h"
#include "worker/hx_team.h"

static bool alone(const struct hx_job *job) {
    return job->ask->threads == 1;
}

/* ---- backend and rehearsal ------------------------------------------------------------------------------------------- */

static void open_backend(struct hx_lane *lane, void *argument) {
    (void)argument;
    const struct hx_ask *ask = lane->job->ask;
    uint64_t cycles = ask->cycles_per_block * ask->blocks + 1;
    struct hx_open_args args = {.backend = ask->backend,
                                .arm = ask->arm,
                                .options = lane->job->backend_options,
                                .huge_pages = ask->huge_pages,
                                .lanes = ask->threads,
                                .scopes_open = lane->job->scenario->scopes_open == 0 ? 1 : lane->job->scenario->scopes_open,
                                .planned_bytes = lane->cycle.padded_bytes * cycles,
                                .first = lane->index == 0 ? NULL : lane->job->lane[0].env};
    const char *why = hx_glue_open(&args, &lane->env);
    if (why != NULL) {
        hx_die("backend \"%s\", arm \"%s\": %s", ask->backend, ask->arm, why);
    }
}

/* One cycle with all probes, in the environment given. */
static void rehearse_in(struct hx_lane *lane, struct hx_env *env, struct hx_cycle *out) {
    const struct hx_job *job = lane->job;
    struct hx_probe *probe = lane->probe;
    hx_probe_init(probe);
    probe->sizes = lane->sizes;
    struct sc_run run = {.env = env, .probe = probe};
    uint64_t checksum = job->code[HX_PROBE_CALLS]->cycles(&run, lane->plan, 1);
    if (probe->live_bytes != 0) {
        hx_die("scenario \"%s\": %llu bytes live after its last scope", job->scenario->name,
               (unsigned long long)probe->live_bytes);
    }
    if (probe->ops == 0) {
        hx_die("scenario \"%s\": this input needs no allocation at all: there is nothing to measure", job->scenario->name);
    }
    *out = (struct hx_cycle){.ops = probe->ops,
                             .requested_bytes = probe->requested_bytes,
                             .padded_bytes = probe->padded_bytes,
                             .live_peak_bytes = probe->live_peak_bytes,
                             .requests = probe->requests,
                             .checksum = checksum,
                             .allocation_sum = probe->allocation_sum};
    hx_probe_init(probe);
}

static void rehearse(struct hx_lane *lane, void *argument) {
    (void)argument;
    rehearse_in(lane, lane->env, &lane->cycle);
}

/* Sums; the checksums of several lanes are folded in their order, which no schedule changes. */
static void sum_cycles(struct hx_job *job) {
    struct hx_cycle *all = &job->cycle;
    *all = job->lane[0].cycle;
    if (alone(job)) {
        return;
    }
    all->checksum = all->allocation_sum = HX_CHECKSUM_INIT;
    for (unsigned i = 0; i < job->ask->threads; i++) {
        const struct hx_cycle *one = &job->lane[i].cycle;
        if (i > 0) {
            all->ops += one->ops;
            all->requested_bytes += one->requested_bytes;
            all->padded_bytes += one->padded_bytes;
            all->live_peak_bytes += one->live_peak_bytes;
            all->requests += one->requests;
        }
        all->checksum = hx_checksum_word(all->checksum, one->checksum);
        all->allocation_sum = hx_checksum_word(all->allocation_sum, one->allocation_sum);
    }
}

void hx_job_rehearse_aside(struct hx_job *job) {
    size_t bytes = job->ask->threads * sizeof(struct hx_cycle);
    struct hx_cycle *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        hx_die("cannot map memory for the rehearsal: %s", strerror(errno));
    }
    pid_t child = fork(); /* before hx_team_start: a child has its maker's thread only */
    if (child < 0) {
        hx_die("cannot fork for the rehearsal: %s", strerror(errno));
    }
    if (child == 0) {
        open_backend(&job->lane[0], NULL);
        for (unsigned i = 0; i < job->ask->threads; i++) {
            rehearse_in(&job->lane[i], job->lane[0].env, &shared[i]); /* what a cycle asks for does not depend on the thread */
        }
        _exit(0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) {
        hx_die("the rehearsal was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        _exit(HX_EXIT_ERROR); /* the child has said why */
    }
    for (unsigned i = 0; i < job->ask->threads; i++) {
        job->lane[i].cycle = shared[i];
    }
    munmap(shared, bytes);
    sum_cycles(job);
    job->rehearsed = true;
}

/* Copies of pages that the rehearsing child shared, and the code's own pages, come now. */
static void run_once(struct hx_lane *lane, void *argument) {
    (void)argument;
    struct sc_run run = {.env = lane->env, .probe = lane->probe};
    (void)lane->job->code[HX_PROBE_NONE]->cycles(&run, lane->plan, 1);
}

static void position(struct hx_lane *lane, void *argument) {
    (void)argument;
    hx_glue_position(lane->env);
}

/* The heap is filled once, by plan, or littered: the cycles are known before it is opened. */
static bool fills(const struct hx_job *job) {
    return strcmp(job->ask->arm, "keep") == 0;
}

static bool litters(const struct hx_job *job) {
    return job->ask->litter != NULL;
}

static void litter(struct hx_lane *lane, void *argument) {
    (void)argument;
    lane->litter_bytes = hx_litter_lane(lane);
}

void hx_job_begin(struct hx_job *job) {
    if (job->started) {
        return;
    }
    if ((fills(job) || litters(job)) && !job->rehearsed) {
        hx_job_rehearse_aside(job);
    }
    job->started = true;
    hx_team_start(job);
    if (litters(job)) {
        hx_team_in_turn(job, litter, NULL);
    }
}

void hx_job_open(struct hx_job *job) {
    hx_job_begin(job);
    hx_team_in_turn(job, open_backend, NULL);
    if (!job->rehearsed) {
        hx_team_in_turn(job, rehearse, NULL);
        sum_cycles(job);
        job->rehearsed = true;
    }
    if (fills(job) || (litters(job) && job->ask->pass != HX_PASS_MEMORY)) {
        hx_team_in_turn(job, run_once, NULL);
    }
    hx_team_in_turn(job, position, NULL);
}

/* ---- blocks ---------------------------------------------------------------------------------------------------------- */

static void reposition(struct hx_lane *lane, void *argument) {
    (void)argument;
    if (!hx_glue_positions(lane->env)) {
        return; /* no system call between blocks */
    }
    struct hx_usage before, after;
    hx_usage_thread(&before);
    hx_glue_position(lane->env);
    hx_usage_thread(&after);
    struct hx_usage took = hx_usage_difference(&before, &after);
    lane->position_usage.faults_minor += took.faults_minor;
    lane->position_usage.faults_major += took.faults_major;
}

/* Chunks taken so far by the whole process. */
static uint64_t refills_now(const struct hx_job *job) {
    uint64_t refills = hx_glue_refills_now(job->lane[0].env);
    for (unsigned i = 1; i < job->ask->threads && !hx_glue_shares; i++) {
        refills += hx_glue_refills_now(job->lane[i].env);
    }
    return refills;
}

struct part {
    const struct sc_code *code;
    unsigned index;
};

/* A block of one lane among several. The CPU clock is a system call, so it is read outside the time that counts. */
static void run_part(struct hx_lane *lane, void *argument) {
    const struct part *part = argument;
    struct hx_job *job = lane->job;
    struct sc_run run = {.env = lane->env, .probe = lane->probe};
    struct hx_block *block = &lane->block[part->index];
    (void)hx_team_gather(job); /* everybody is awake before anybody reads its CPU clock */
    uint64_t cpu_ns = hx_thread_cpu_ns(hx_clock_real());
    uint64_t start_ns = hx_team_gather(job);
    block->checksum = part->code->cycles(&run, lane->plan, job->ask->cycles_per_block);
    lane->end_ns = hx_monotonic_ns();
    block->time_ns = lane->end_ns - start_ns;
    lane->cpu_ns += hx_thread_cpu_ns(hx_clock_real()) - cpu_ns;
}

static void run_lanes(struct hx_job *job, unsigned index, const struct sc_code *code) {
    struct hx_block *block = &job->block[index];
    struct part part = {.code = code, .index = index};
    hx_team_all(job, run_part, &part);
    block->checksum = HX_CHECKSUM_INIT;
    block->time_ns = 0;
    for (unsigned i = 0; i < job->ask->threads; i++) {
        const struct hx_block *one = &job->lane[i].block[index]; /* all from the same start: the longest ends last */
        block->time_ns = one->time_ns > block->time_ns ? one->time_ns : block->time_ns;
        block->checksum = hx_checksum_word(block->checksum, one->checksum);
    }
    uint64_t end_ns = hx_monotonic_ns();
    hx_glue_block_end(job->lane[0].env);
    block->time_ns += hx_monotonic_ns() - end_ns;
}

void hx_job_block(struct hx_job *job, unsigned index, unsigned probe) {
    struct hx_block *block = &job->block[index];
    const struct sc_code *code = job->code[probe];
    uint64_t refills_before = refills_now(job);
    if (alone(job)) {
        struct sc_run run = {.env = job->lane[0].env, .probe = job->lane[0].probe};
        uint64_t start_ns = hx_monotonic_ns();
        block->checksum = code->cycles(&run, job->lane[0].plan, job->ask->cycles_per_block);
        hx_glue_block_end(job->lane[0].env);
        block->time_ns = hx_monotonic_ns() - start_ns;
    } else {
        run_lanes(job, index, code);
    }
    block->refills = refills_now(job) - refills_before;
    if (hx_glue_refills && index + 1 < job->ask->blocks) {
        hx_team_in_turn(job, reposition, NULL);
    }
}

void hx_job_verify(const struct hx_job *job) {
    for (unsigned i = 0; i < job->ask->blocks; i++) {
        const struct hx_block *block = &job->block[i];
        if (block->checksum != job->cycle.checksum) {
            hx_die("scenario \"%s\", backend \"%s\": what block %u built reads back differently from the rehearsal; the backend "
                   "gave out memory that was in use or not zeroed",
                   job->scenario->name, job->ask->backend, i);
        }
        if (hx_glue_collects) {
            if (block->refills == 0) {
                hx_die("scenario \"%s\", backend \"%s\": no collection ran in block %u, so it shows none of their price",
                       job->scenario->name, job->ask->backend, i);
            }
            continue;
        }
        if (hx_glue_refills && block->refills == 0 && strcmp(job->ask->arm, "fresh") == 0) {
            hx_die("scenario \"%s\", backend \"%s\": block %u took no refill, so it shows none of their price",
                   job->scenario->name, job->ask->backend, i);
        }
        if (alone(job) && block->refills != job->block[0].refills) {
            hx_die("scenario \"%s\", backend \"%s\": block %u took %llu refills and block 0 took %llu; blocks must be equal",
                   job->scenario->name, job->ask->backend, i, (unsigned long long)block->refills,
                   (unsigned long long)job->block[0].refills);
        }
    }
}

struct hx_usage hx_job_position_usage(const struct hx_job *job) {
    struct hx_usage all = {0};
    for (unsigned i = 0; i < job->ask->threads; i++) {
        all.faults_minor += job->lane[i].position_usage.faults_minor;
        all.faults_major += job->lane[i].position_usage.faults_major;
    }
    return all;
}

/* ---- where it ran ----------------------------------------------------------------------------------------------------- */

double hx_job_lanes_per_pu(const struct hx_ask *ask) {
    size_t different = 0;
    for (size_t i = 0; i < ask->pu_count; i++) {
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++) {
            seen = ask->pu[j] == ask->pu[i];
        }
        different += !seen;
    }
    return different == 0 ? 1 : (double)ask->pu_count / (double)different;
}

static void check_pin(struct hx_lane *lane, void *argument) {
    (void)argument;
    lane->verdict = hx_pin_proof_check(&lane->pin);
}

bool hx_job_migrated(struct hx_job *job, struct hx_figure *migrations) {
    *migrations = hx_figure_none("not bound to a PU");
    if (job->ask->pu_count == 0) {
        return false;
    }
    hx_team_in_turn(job, check_pin, NULL);
    bool migrated = false;
    *migrations = hx_figure_of(0);
    for (unsigned i = 0; i < job->ask->threads; i++) {
        const struct hx_pin_verdict *verdict = &job->lane[i].verdict;
        migrated = migrated || verdict->migrated;
        if (verdict->migrations.reason != NULL) {
            *migrations = verdict->migrations;
        } else if (migrations->reason == NULL) {
            migrations->value += verdict->migrations.value;
        }
    }
    return migrated;
}
