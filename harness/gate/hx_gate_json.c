/* gate.json: everything a reader needs to judge the verdict again. See hx_gate_report.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "gate/hx_gate_report.h"
#include "gate/hx_gate_verdict.h"
#include "measure/hx_attest.h"
#include "record/hx_tree.h"

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *word_or_null(const char *text)
{
    return text == NULL || text[0] == '\0' ? json_null() : hx_tree_word(text);
}

static json_t *numbers(const double *values, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++)
        HX_CHECK(json_array_append_new(array, number(values[i])) == 0);
    return array;
}

static json_t *moment(uint64_t unix_s)
{
    char text[32];
    time_t when = (time_t)unix_s;
    struct tm utc;

    gmtime_r(&when, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return json_string(text);
}

static json_t *unit_tree(const struct hx_gate_cell *cell, size_t index, const char *metric)
{
    const struct hx_decide_unit *unit = &cell->unit[index];
    bool judged = unit->judged_pairs > 0;
    json_t *tree = json_object(), *first = json_array(), *blocks = json_array();

    for (size_t i = 0; i < unit->pair_count; i++) {
        HX_CHECK(json_array_append_new(first, json_string(cell->head_first[i] ? "head" : "base")) == 0);
        HX_CHECK(json_array_append_new(blocks, hx_tree_count(cell->blocks[i])) == 0);
    }
    hx_tree_put(tree, "metric", json_string(metric));
    hx_tree_put(tree, "unit", json_string("ns/op"));
    hx_tree_put(tree, "outcome", json_string(hx_outcome_name(unit->outcome)));
    hx_tree_put(tree, "reason", word_or_null(unit->reason));
    hx_tree_put(tree, "pairs", hx_tree_count(unit->judged_pairs));
    hx_tree_put(tree, "estimate", judged ? number(unit->estimate) : json_null());
    hx_tree_put(tree, "low", judged ? number(unit->low) : json_null());
    hx_tree_put(tree, "high", judged ? number(unit->high) : json_null());
    hx_tree_put(tree, "margin_d0", judged ? number(unit->margin_d0) : json_null());
    hx_tree_put(tree, "margin_d1", judged ? number(unit->margin_d1) : json_null());
    hx_tree_put(tree, "pair_sd", judged ? number(unit->pair_sd) : json_null());
    hx_tree_put(tree, "p_slower", number(unit->p_slower));
    hx_tree_put(tree, "p_slower_holm", number(unit->p_slower_holm));
    hx_tree_put(tree, "p_faster", number(unit->p_faster));
    hx_tree_put(tree, "p_faster_holm", number(unit->p_faster_holm));
    hx_tree_put(tree, "needed_pairs", unit->needed_pairs > 0 ? number(unit->needed_pairs) : json_null());
    hx_tree_put(tree, "base", numbers(unit->base_ns, unit->pair_count));
    hx_tree_put(tree, "head", numbers(unit->head_ns, unit->pair_count));
    hx_tree_put(tree, "first", first);
    hx_tree_put(tree, "blocks", blocks);
    return tree;
}

static json_t *count_tree(const struct hx_gate_count *count)
{
    bool measured = count->state != HX_COUNT_NOT_MEASURED;
    json_t *tree = json_object();

    hx_tree_put(tree, "metric", hx_tree_word(count->metric));
    hx_tree_put(tree, "phase", hx_tree_word(count->phase));
    hx_tree_put(tree, "unit", hx_tree_word(count->unit));
    hx_tree_put(tree, "state", json_string(hx_count_state_name(count->state)));
    hx_tree_put(tree, "reason", word_or_null(count->reason));
    hx_tree_put(tree, "base", measured ? number(count->first.base) : json_null());
    hx_tree_put(tree, "head", measured ? number(count->first.head) : json_null());
    hx_tree_put(tree, "base_again", count->repeated ? number(count->second.base) : json_null());
    hx_tree_put(tree, "head_again", count->repeated ? number(count->second.head) : json_null());
    hx_tree_put(tree, "slack", measured ? number(hx_count_slack(&count->rule, count->first.base, count->chunks)) : json_null());
    hx_tree_put(tree, "gated", json_boolean(count->rule.up_is_worse));
    return tree;
}

static json_t *cell_tree(const struct hx_gate *gate, const struct hx_gate_cell *cell)
{
    json_t *tree = json_object(), *times = json_array(), *counts = json_array();

    for (size_t i = 0; i < cell->unit_count; i++)
        HX_CHECK(json_array_append_new(times, unit_tree(cell, i, gate->metric[i])) == 0);
    for (size_t i = 0; i < cell->count_count; i++)
        HX_CHECK(json_array_append_new(counts, count_tree(&cell->counts[i])) == 0);
    hx_tree_put_cell_words(tree, &cell->cell);
    hx_tree_put_dials(tree, &cell->cell);
    hx_tree_put(tree, "ops_per_block", hx_tree_count(cell->ops_per_block));
    hx_tree_put(tree, "refills_per_block", hx_tree_count(cell->refills_per_block));
    hx_tree_put(tree, "same_binary", json_boolean(cell->same_binary));
    hx_tree_put(tree, "migrated_pairs", hx_tree_count(cell->migrated_pairs));
    hx_tree_put(tree, "verdict", json_string(hx_gate_cell_word(gate, cell)));
    hx_tree_put(tree, "exit", json_integer(hx_gate_cell_exit(gate, cell)));
    hx_tree_put(tree, "failure", word_or_null(cell->failure));
    hx_tree_put(tree, "reading", word_or_null(hx_gate_cross_reading(cell)));
    hx_tree_put(tree, "times", times);
    hx_tree_put(tree, "counts", counts);
    return tree;
}

static json_t *canary_tree(const struct hx_canary *canary)
{
    json_t *tree;

    if (!canary->measured)
        return json_null();
    tree = json_object();
    hx_tree_put(tree, "best_ns", numbers(canary->best_ns, HX_GATE_CANARY_LOOPS));
    hx_tree_put(tree, "pair_sd", numbers(canary->pair_sd, HX_GATE_CANARY_LOOPS));
    return tree;
}

static json_t *tier_tree(const struct hx_gate *gate)
{
    json_t *tree = json_object();

    hx_tree_put(tree, "name", json_string(gate->options.tier->name));
    hx_tree_put(tree, "d0", number(gate->options.tier->d0));
    hx_tree_put(tree, "d1", number(gate->options.tier->d1));
    hx_tree_put(tree, "alpha", number(hx_decide_alpha));
    hx_tree_put(tree, "beta", number(hx_decide_beta_looks));
    hx_tree_put(tree, "guard_ns", number(hx_decide_guard_ns));
    return tree;
}

/* Which machine spoke; a value that could not be had is null here, its reason is doctor's business. */
static json_t *attestation_tree(void)
{
    static struct hx_attest attest; /* 30 KiB: too much for the stack; one gate writes one file */
    json_t *tree = json_object();

    hx_attest_read(&attest, "/");
    for (size_t i = 0; i < attest.line_count; i++)
        hx_tree_put(tree, attest.line[i].key,
                    attest.line[i].reason == NULL ? hx_tree_word(attest.line[i].value) : json_null());
    return tree;
}

static json_t *lonely_tree(const struct hx_gate_lonely *lonely)
{
    json_t *tree = json_object();

    hx_tree_put_cell_words(tree, &lonely->cell);
    hx_tree_put(tree, "missing_on", json_string(hx_side_name(lonely->missing_on)));
    hx_tree_put(tree, "reason", hx_tree_word(lonely->reason));
    return tree;
}

char *hx_gate_json(const struct hx_gate *gate, int code)
{
    json_t *tree = json_object(), *cells = json_array(), *lonely = json_array(), *canary = json_object();

    for (size_t i = 0; i < gate->cell_count; i++)
        HX_CHECK(json_array_append_new(cells, cell_tree(gate, &gate->cells[i])) == 0);
    for (size_t i = 0; i < gate->lonely_count; i++)
        HX_CHECK(json_array_append_new(lonely, lonely_tree(&gate->lonely[i])) == 0);
    hx_tree_put(canary, "before", canary_tree(&gate->before));
    hx_tree_put(canary, "after", canary_tree(&gate->after));
    hx_tree_put(tree, "schema", json_integer(1));
    hx_tree_put(tree, "started", moment(gate->started_unix_s));
    hx_tree_put(tree, "ended", moment(gate->ended_unix_s));
    hx_tree_put(tree, "base", hx_tree_word(gate->options.label[HX_SIDE_BASE]));
    hx_tree_put(tree, "head", hx_tree_word(gate->options.label[HX_SIDE_HEAD]));
    hx_tree_put(tree, "seed", hx_tree_count(gate->options.settings.seed));
    hx_tree_put(tree, "tier", tier_tree(gate));
    hx_tree_put(tree, "budget_s", hx_tree_count(gate->options.budget_s));
    hx_tree_put(tree, "budget_spent", json_boolean(gate->budget_spent));
    hx_tree_put(tree, "verdict", json_string(gate->stopped ? "INTERRUPTED" : hx_gate_exit_word(code)));
    hx_tree_put(tree, "exit", json_integer(code));
    hx_tree_put(tree, "unfit", word_or_null(gate->unfit));
    hx_tree_put(tree, "valgrind", gate->no_valgrind[0] == '\0' ? json_string("present") : hx_tree_word(gate->no_valgrind));
    hx_tree_put(tree, "attestation", attestation_tree());
    hx_tree_put(tree, "canary", canary);
    hx_tree_put(tree, "cells", cells);
    hx_tree_put(tree, "not_comparable", lonely);
    return hx_tree_dump_pretty(tree);
}
