/* The canary's two loops and its verdict. See hx_canary.h. */
#include "gate/hx_canary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hx_rng.h"
#include "base/hx_text.h"
#include "gate/hx_gate_progress.h"
#include "measure/hx_clock.h"
#include "measure/hx_pin.h"
#include "measure/hx_stats.h"
#include "record/hx_spawn.h"

enum {
    BLOCKS = 32,               /* an observation as long as that of a cell, so that it sees the same moments */
    CHASE_SLOTS = 256 * 1024 / 8,
    CHASE_STEPS = 300 * 1000, /* about 1 ms a block */
    MALLOC_STEPS = 80 * 1000, /* the same */
    MALLOC_LIVE = 512,
    PROCESS_LIMIT_MS = 30 * 1000,
};

/* Limits of fitness: beyond them a verdict about times would be luck. */
static const double pair_sd_max = 0.05;
static const double drift_max = 0.10;

const char *const hx_canary_loop_names[HX_GATE_CANARY_LOOPS] = {"arithmetic and pointer chase", "malloc and free"};

/* A single random cycle through all slots, so that the chase cannot be predicted. */
static void chase_fill(uint32_t *next)
{
    static uint32_t order[CHASE_SLOTS];
    struct hx_rng rng;

    hx_rng_init(&rng, 1);
    for (uint32_t i = 0; i < CHASE_SLOTS; i++)
        order[i] = i;
    hx_rng_shuffle(&rng, order, CHASE_SLOTS);
    for (uint32_t i = 0; i < CHASE_SLOTS; i++)
        next[order[i]] = order[(i + 1) % CHASE_SLOTS];
}

static double chase_best_ns(void)
{
    static uint32_t next[CHASE_SLOTS];
    uint64_t best_ns = UINT64_MAX, sum = 1;
    uint32_t at = 0;

    chase_fill(next);
    for (int block = 0; block < BLOCKS; block++) {
        uint64_t start_ns = hx_monotonic_ns(), spent_ns;

        for (int step = 0; step < CHASE_STEPS; step++) {
            at = next[at];
            sum = hx_checksum_word(sum, at);
        }
        spent_ns = hx_monotonic_ns() - start_ns;
        best_ns = spent_ns < best_ns ? spent_ns : best_ns;
    }
    __asm__ volatile("" : : "r"(sum)); /* the loop's result is used, so the loop stays */
    return (double)best_ns / CHASE_STEPS;
}

static double malloc_best_ns(void)
{
    static void *live[MALLOC_LIVE];
    uint64_t best_ns = UINT64_MAX;
    struct hx_rng rng;

    hx_rng_init(&rng, 2);
    for (int block = 0; block < BLOCKS; block++) {
        uint64_t start_ns = hx_monotonic_ns(), spent_ns;

        for (int step = 0; step < MALLOC_STEPS; step++) {
            uint64_t draw = hx_rng_next(&rng);
            size_t slot = draw % MALLOC_LIVE;

            free(live[slot]);
            live[slot] = malloc(16 + (draw >> 32) % 240);
            if (live[slot] == NULL)
                return NAN;
            memset(live[slot], 0, 16);
        }
        spent_ns = hx_monotonic_ns() - start_ns;
        best_ns = spent_ns < best_ns ? spent_ns : best_ns;
    }
    return (double)best_ns / MALLOC_STEPS;
}

int hx_canary_process(unsigned pu)
{
    char line[128];
    int bytes;

    (void)hx_pin_thread(pu);
    bytes = snprintf(line, sizeof line, "%.9g %.9g\n", chase_best_ns(), malloc_best_ns());
    return hx_write_all(3, line, (size_t)bytes) == 0 ? HX_EXIT_OK : HX_EXIT_ERROR;
}

static bool run_one(struct hx_gate *gate, double best_ns[HX_GATE_CANARY_LOOPS], struct hx_error *error)
{
    char pu[16], said[64];
    const char *argv[] = {gate->self_path, "--canary", pu, NULL};
    const char *const environment[] = {"LC_ALL=C", NULL};
    struct hx_spawn spawn = {.argv = argv, .environment = environment, .stop_fd = gate->stop_fd, .timeout_ms = PROCESS_LIMIT_MS};
    struct hx_spawned spawned;
    bool good;

    snprintf(pu, sizeof pu, "%u", gate->pu[0]);
    if (!hx_spawn(&spawn, &spawned, error))
        return false;
    gate->stopped |= spawned.ending == HX_ENDED_STOPPED;
    good = spawned.ending == HX_ENDED_EXIT && spawned.code == 0 &&
           sscanf(spawned.observation, "%lf %lf", &best_ns[0], &best_ns[1]) == HX_GATE_CANARY_LOOPS;
    if (!good)
        hx_fail(error, "the canary: %s", hx_spawned_say(&spawned, said, sizeof said));
    hx_spawned_free(&spawned);
    return good;
}

bool hx_canary_summarise(const double best_ns[2 * HX_GATE_CANARY_PAIRS][HX_GATE_CANARY_LOOPS], struct hx_canary *out)
{
    for (int loop = 0; loop < HX_GATE_CANARY_LOOPS; loop++) {
        double all[2 * HX_GATE_CANARY_PAIRS], d[HX_GATE_CANARY_PAIRS], scratch[HX_GATE_CANARY_PAIRS];

        for (int i = 0; i < 2 * HX_GATE_CANARY_PAIRS; i++) {
            if (!isfinite(best_ns[i][loop]) || best_ns[i][loop] <= 0)
                return false;
            all[i] = best_ns[i][loop];
        }
        for (int i = 0; i < HX_GATE_CANARY_PAIRS; i++)
            d[i] = log(all[2 * i + 1] / all[2 * i]);
        out->pair_sd[loop] = hx_stats_robust_sd(d, HX_GATE_CANARY_PAIRS, scratch).value;
        out->best_ns[loop] = hx_stats_median(all, 2 * HX_GATE_CANARY_PAIRS).value;
    }
    out->measured = true;
    return true;
}

bool hx_canary_run(struct hx_gate *gate, const char *what, struct hx_canary *out, struct hx_error *error)
{
    double best_ns[2 * HX_GATE_CANARY_PAIRS][HX_GATE_CANARY_LOOPS];
    struct hx_gate_progress progress;
    bool good = true;

    memset(out, 0, sizeof *out);
    hx_gate_progress_start(&progress, what, 2 * HX_GATE_CANARY_PAIRS);
    for (int i = 0; i < 2 * HX_GATE_CANARY_PAIRS && good; i++) {
        good = run_one(gate, best_ns[i], error);
        hx_gate_progress_step(&progress);
    }
    hx_gate_progress_end(&progress);
    if (good && !hx_canary_summarise((const double(*)[HX_GATE_CANARY_LOOPS])best_ns, out))
        good = hx_fail(error, "the canary printed no positive times");
    return good;
}

void hx_canary_judge(const struct hx_canary *before, const struct hx_canary *after, char *reason, size_t capacity_bytes)
{
    reason[0] = '\0';
    for (int loop = 0; loop < HX_GATE_CANARY_LOOPS; loop++) {
        const char *name = hx_canary_loop_names[loop];
        double sd = before->pair_sd[loop];
        double drift;

        if (after != NULL && after->pair_sd[loop] > sd)
            sd = after->pair_sd[loop];
        if (sd > pair_sd_max) {
            snprintf(reason, capacity_bytes, "the canary (%s) differs from itself by %.1f %% from process to process; limit %.0f %%",
                     name, 100 * sd, 100 * pair_sd_max);
            return;
        }
        if (after == NULL)
            continue;
        drift = log(after->best_ns[loop] / before->best_ns[loop]);
        if (fabs(drift) > log1p(drift_max)) {
            snprintf(reason, capacity_bytes, "the canary (%s) went from %.3g to %.3g ns a step during the gate; limit %.0f %%",
                     name, before->best_ns[loop], after->best_ns[loop], 100 * drift_max);
            return;
        }
    }
}
