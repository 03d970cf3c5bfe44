/* The timed tier: pairs of processes, base and head back to back, interleaved over all open cells, judged stage by stage.
 *
 * Within a round every open cell gets one pair; cells come in a drawn order. Which side goes first is a coin, balanced in blocks of
 * two pairs (AB BA or BA AB), so that no position effect can settle on one side. Each process gets a fresh environment pad, which
 * moves the stack; ASLR is on: the layout is drawn anew for every observation instead of once for the whole verdict. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hx_rng.h"
#include "gate/hx_canary.h"
#include "gate/hx_gate_process.h"
#include "gate/hx_gate_progress.h"
#include "measure/hx_clock.h"

enum {
    PAD_BYTES_MAX = 4096,
    BLOCKS_MAX = 64,
    PAIR_TRIES = 3,          /* a pair with a migrated process is made again, twice at most */
    CLOCK_STEPS_LEAST = 1000, /* a block shorter than this many steps of the clock is not judged */
};

static const char budget_reason[] = "the time budget was spent";
static const char stopped_reason[] = "interrupted";
static const char short_reason[] = "a block is shorter than 1,000 steps of the clock";

struct timer {
    struct hx_gate *gate;
    struct hx_rng rng;
    uint64_t clock_step_ns;
    unsigned canary_retries;
};

static bool cell_open(const struct hx_gate_cell *cell)
{
    if (cell->failure[0] != '\0')
        return false;
    for (size_t i = 0; i < cell->unit_count; i++) {
        if (hx_decide_open(&cell->unit[i]))
            return true;
    }
    return false;
}

/* What a cell is still measured for. A possible slowdown goes first: only a possible improvement may be given up for time. */
enum suspicion { SUSPECT_SLOWER, SUSPECT_FASTER_ONLY, SUSPICIONS };

static enum suspicion cell_suspicion(const struct hx_gate_cell *cell)
{
    for (size_t i = 0; i < cell->unit_count; i++) {
        if (hx_decide_open(&cell->unit[i]) && !cell->unit[i].slower_excluded)
            return SUSPECT_SLOWER;
    }
    return SUSPECT_FASTER_ONLY;
}

static bool cell_wanted(const struct hx_gate_cell *cell, enum suspicion suspicion)
{
    return cell_open(cell) && cell_suspicion(cell) == suspicion;
}

static size_t wanted_cells(const struct hx_gate *gate, enum suspicion suspicion)
{
    size_t wanted = 0;

    for (size_t i = 0; i < gate->cell_count; i++)
        wanted += cell_wanted(&gate->cells[i], suspicion);
    return wanted;
}

/* Both sides must have built the same thing from the same requests; anything else is a broken build, not a time. */
static bool same_work(struct hx_gate_cell *cell, const struct hx_observation *base, const struct hx_observation *head)
{
    if (base->ops_per_block != head->ops_per_block)
        hx_gate_cell_fail(cell, "base does %llu operations a block, head %llu", (unsigned long long)base->ops_per_block,
                          (unsigned long long)head->ops_per_block);
    else if (strcmp(base->allocation_checksum, head->allocation_checksum) != 0)
        hx_gate_cell_fail(cell, "base and head asked for different allocations (checksums %s, %s)", base->allocation_checksum,
                          head->allocation_checksum);
    else if (strcmp(base->checksum, head->checksum) != 0)
        hx_gate_cell_fail(cell, "base and head built different objects (checksums %s, %s)", base->checksum, head->checksum);
    else
        return true;
    return false;
}

static bool block_too_short(const struct timer *timer, const struct hx_observation *observation)
{
    for (size_t i = 0; i < observation->block_count; i++) {
        if (observation->block_ns[i] < (double)(CLOCK_STEPS_LEAST * timer->clock_step_ns))
            return true;
    }
    return false;
}

/* Puts one pair's figures into the cell's units; false when a figure is missing. */
static bool store_pair(struct timer *timer, struct hx_gate_cell *cell, const struct hx_observation seen[HX_SIDES], size_t pair,
                       size_t blocks, bool head_first)
{
    const struct hx_gate *gate = timer->gate;

    for (size_t i = 0; i < cell->unit_count; i++) {
        struct hx_decide_unit *unit = &cell->unit[i];
        struct hx_figure base = hx_observation_figure(&seen[HX_SIDE_BASE], "all", gate->metric[i]);
        struct hx_figure head = hx_observation_figure(&seen[HX_SIDE_HEAD], "all", gate->metric[i]);

        if (base.reason != NULL || head.reason != NULL) {
            hx_gate_cell_fail(cell, "no %s: %s", gate->metric[i], base.reason != NULL ? base.reason : head.reason);
            return false;
        }
        if (!hx_decide_open(unit))
            continue;
        unit->base_ns[pair] = base.value;
        unit->head_ns[pair] = head.value;
        unit->pair_count = pair + 1;
        if (block_too_short(timer, &seen[HX_SIDE_BASE]) || block_too_short(timer, &seen[HX_SIDE_HEAD])) {
            unit->outcome = HX_OUTCOME_INCONCLUSIVE;
            unit->reason = short_reason;
        }
    }
    cell->blocks[pair] = blocks;
    cell->head_first[pair] = head_first;
    cell->ops_per_block = seen[HX_SIDE_HEAD].ops_per_block;
    cell->refills_per_block = seen[HX_SIDE_HEAD].refills_per_block;
    cell->migrated_pairs += seen[HX_SIDE_BASE].migrated || seen[HX_SIDE_HEAD].migrated;
    return true;
}

static enum hx_gate_ran run_side(struct timer *timer, struct hx_gate_cell *cell, enum hx_side side, size_t pair, size_t blocks,
                                 struct hx_observation *out)
{
    struct hx_gate_process process = {.side = side, .pass = HX_PASS_TIME, .pages = cell->cell.pages, .blocks = blocks,
                                      .rep = (unsigned)pair, .pu = timer->gate->pu[0],
                                      .pad_bytes = 1 + hx_rng_below(&timer->rng, PAD_BYTES_MAX)};
    struct hx_error error = {0};
    enum hx_gate_ran ran = hx_gate_process_run(timer->gate, cell, &process, out, NULL, &error);

    if (ran == HX_GATE_FAILED)
        hx_gate_cell_fail(cell, "%s", error.line);
    timer->gate->stopped |= ran == HX_GATE_STOPPED;
    return ran;
}

/* One pair, in the order the coin said; again when a process did not stay on its PU. */
static void run_pair(struct timer *timer, struct hx_gate_cell *cell, size_t pair, size_t blocks, bool head_first)
{
    for (int attempt = 1; attempt <= PAIR_TRIES; attempt++) {
        struct hx_observation seen[HX_SIDES];
        enum hx_side first = head_first ? HX_SIDE_HEAD : HX_SIDE_BASE, second = head_first ? HX_SIDE_BASE : HX_SIDE_HEAD;
        bool again;

        if (run_side(timer, cell, first, pair, blocks, &seen[first]) != HX_GATE_RAN)
            return;
        if (run_side(timer, cell, second, pair, blocks, &seen[second]) != HX_GATE_RAN) {
            hx_observation_free(&seen[first]);
            return;
        }
        again = (seen[first].migrated || seen[second].migrated) && attempt < PAIR_TRIES;
        if (!again && same_work(cell, &seen[HX_SIDE_BASE], &seen[HX_SIDE_HEAD]))
            store_pair(timer, cell, seen, pair, blocks, head_first);
        hx_observation_free(&seen[first]);
        hx_observation_free(&seen[second]);
        if (!again)
            return;
    }
}

/* More blocks where the screen's pairs were too wide. Arms that take new memory for every cycle keep theirs: their size is bounded. */
static size_t stage_blocks(const struct hx_gate_cell *cell, unsigned stage)
{
    size_t blocks = cell->cell.blocks;

    if (stage == 0 || strcmp(cell->cell.arm, "fresh") == 0)
        return blocks;
    for (size_t i = 0; i < cell->unit_count; i++) {
        size_t wanted = hx_decide_blocks(&cell->unit[i], cell->cell.blocks, BLOCKS_MAX);

        blocks = wanted > blocks ? wanted : blocks;
    }
    return blocks;
}

static bool out_of_budget(struct hx_gate *gate)
{
    gate->budget_spent |= gate->deadline_ns != 0 && hx_monotonic_ns() >= gate->deadline_ns;
    return gate->budget_spent;
}

/* Whether every cell has its pairs, although time or a signal ended the rounds. */
static bool round_was_last(const struct hx_gate *gate, enum suspicion suspicion, size_t pairs)
{
    for (size_t i = 0; i < gate->cell_count; i++) {
        for (size_t m = 0; m < gate->cells[i].unit_count; m++) {
            const struct hx_decide_unit *unit = &gate->cells[i].unit[m];

            if (cell_wanted(&gate->cells[i], suspicion) && hx_decide_open(unit) && unit->pair_count != pairs)
                return false;
        }
    }
    return true;
}

/* All pairs of a stage for the cells of one suspicion; false when it did not come to its end. */
static bool run_rounds(struct timer *timer, unsigned stage, enum suspicion suspicion)
{
    static const char *const names[HX_DECIDE_STAGES][SUSPICIONS] = {
        {"times, screen", "times, screen"},
        {"times, confirm", "times, confirm improvements"},
        {"times, confirm again", "times, confirm improvements again"},
    };
    struct hx_gate *gate = timer->gate;
    size_t first = stage == 0 ? 0 : hx_decide_pairs_after(stage - 1), pairs = hx_decide_stage_pairs(stage);
    uint32_t *order = hx_alloc(gate->cell_count * sizeof *order);
    bool *coin = hx_alloc(gate->cell_count * sizeof *coin);
    struct hx_gate_progress progress;
    bool whole = true;

    for (size_t i = 0; i < gate->cell_count; i++)
        order[i] = (uint32_t)i;
    hx_gate_progress_start(&progress, names[stage][suspicion], pairs * wanted_cells(gate, suspicion));
    for (size_t round = 0; round < pairs && whole; round++) {
        hx_rng_shuffle(&timer->rng, order, gate->cell_count);
        for (size_t i = 0; i < gate->cell_count && whole; i++) {
            struct hx_gate_cell *cell = &gate->cells[order[i]];

            coin[order[i]] = round % 2 == 0 ? hx_rng_below(&timer->rng, 2) == 1 : !coin[order[i]];
            if (!cell_wanted(cell, suspicion))
                continue;
            run_pair(timer, cell, first + round, stage_blocks(cell, stage), coin[order[i]]);
            hx_gate_progress_step(&progress);
            whole = !gate->stopped && !out_of_budget(gate);
        }
    }
    hx_gate_progress_end(&progress);
    free(order);
    free(coin);
    return whole || round_was_last(gate, suspicion, hx_decide_pairs_after(stage));
}

/* The rule wants all units side by side (Holm runs over them); they live in their cells. */
static void look(struct hx_gate *gate, unsigned stage, const char *stop_reason)
{
    struct hx_decide_unit *units = hx_alloc(gate->cell_count * HX_GATE_METRICS_MAX * sizeof *units);
    size_t count = 0;

    for (size_t i = 0; i < gate->cell_count; i++) {
        for (size_t m = 0; m < gate->cells[i].unit_count && gate->cells[i].failure[0] == '\0'; m++)
            units[count++] = gate->cells[i].unit[m];
    }
    if (stop_reason == NULL)
        hx_decide_look(units, count, stage, gate->options.tier);
    else
        hx_decide_stop(units, count, stop_reason);
    count = 0;
    for (size_t i = 0; i < gate->cell_count; i++) {
        for (size_t m = 0; m < gate->cells[i].unit_count && gate->cells[i].failure[0] == '\0'; m++)
            gate->cells[i].unit[m] = units[count++];
    }
    free(units);
}

/* Improvements that there was no time to confirm: no regression is what is known about them. */
static void give_up_improvements(struct hx_gate *gate)
{
    for (size_t i = 0; i < gate->cell_count; i++) {
        struct hx_gate_cell *cell = &gate->cells[i];

        if (cell_wanted(cell, SUSPECT_FASTER_ONLY))
            hx_decide_stop(cell->unit, cell->unit_count, budget_reason);
    }
}

static void run_stages(struct timer *timer)
{
    struct hx_gate *gate = timer->gate;
    unsigned stage = 0;

    while (stage < HX_DECIDE_STAGES && wanted_cells(gate, SUSPECT_SLOWER) + wanted_cells(gate, SUSPECT_FASTER_ONLY) > 0) {
        if (!run_rounds(timer, stage, SUSPECT_SLOWER)) {
            look(gate, stage, gate->stopped ? stopped_reason : budget_reason);
            return;
        }
        if (wanted_cells(gate, SUSPECT_FASTER_ONLY) > 0 && !run_rounds(timer, stage, SUSPECT_FASTER_ONLY))
            give_up_improvements(gate);
        look(gate, stage, NULL);
        stage++;
    }
}

/* True when the machine is fit now. A noisy moment may pass: it is asked again, a few seconds later. */
static bool fit_before(struct timer *timer, struct hx_error *error)
{
    struct hx_gate *gate = timer->gate;

    if (!gate->options.fitness)
        return true;
    for (unsigned attempt = 0; attempt <= timer->canary_retries; attempt++) {
        if (!hx_canary_run(gate, attempt == 0 ? "canary" : "canary, once more", &gate->before, error))
            return false;
        hx_canary_judge(&gate->before, NULL, gate->unfit, sizeof gate->unfit);
        if (gate->unfit[0] == '\0')
            return true;
    }
    return false;
}

static void all_fail(struct hx_gate *gate, const struct hx_error *error)
{
    for (size_t i = 0; i < gate->cell_count; i++)
        hx_gate_cell_fail(&gate->cells[i], "%s", error->line);
}

void hx_gate_times_run(struct hx_gate *gate)
{
    struct timer timer = {.gate = gate, .canary_retries = 1};
    struct hx_clock_quality clock;
    struct hx_error error = {0};

    gate->deadline_ns = gate->options.budget_s == 0 ? 0 : hx_monotonic_ns() + gate->options.budget_s * HX_NS_PER_S;
    hx_clock_quality(hx_clock_real(), &clock);
    timer.clock_step_ns = clock.step_ns;
    hx_rng_init(&timer.rng, gate->options.settings.seed);
    if (!fit_before(&timer, &error)) {
        if (gate->unfit[0] == '\0' && !gate->stopped)
            all_fail(gate, &error);
        return;
    }
    run_stages(&timer);
    if (gate->stopped || !gate->options.fitness)
        return;
    if (hx_canary_run(gate, "canary", &gate->after, &error))
        hx_canary_judge(&gate->before, &gate->after, gate->unfit, sizeof gate->unfit);
    else if (!gate->stopped)
        all_fail(gate, &error);
}
