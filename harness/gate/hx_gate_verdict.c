/* Exit codes and words. See hx_gate_verdict.h. */
#include "gate/hx_gate_verdict.h"

#include <string.h>

const char *hx_side_name(enum hx_side side)
{
    return side == HX_SIDE_BASE ? "base" : "head";
}

static int unit_exit(const struct hx_decide_unit *unit)
{
    switch (unit->outcome) {
    case HX_OUTCOME_REGRESSION: return HX_EXIT_REGRESSION;
    case HX_OUTCOME_OPEN: /* measuring ended before a verdict */
    case HX_OUTCOME_INCONCLUSIVE: return HX_EXIT_INCONCLUSIVE;
    case HX_OUTCOME_NO_REGRESSION:
    case HX_OUTCOME_IMPROVED: return HX_EXIT_OK;
    case HX_OUTCOME_ERROR: break;
    }
    return HX_EXIT_ERROR;
}

int hx_gate_cell_exit(const struct hx_gate *gate, const struct hx_gate_cell *cell)
{
    int code = cell->failure[0] != '\0' ? HX_EXIT_ERROR : HX_EXIT_OK;
    bool fit = gate->unfit[0] == '\0';

    /* A cell about which nothing was found is never a pass. */
    if (cell->count_count == 0 && (cell->unit_count == 0 || !fit))
        code = hx_exit_worse(code, fit ? HX_EXIT_ERROR : HX_EXIT_UNFIT);
    for (size_t i = 0; i < cell->count_count; i++)
        code = hx_exit_worse(code, hx_count_exit(&cell->counts[i].rule, cell->counts[i].state));
    for (size_t i = 0; i < cell->unit_count; i++) {
        if (fit || cell->unit[i].outcome == HX_OUTCOME_ERROR)
            code = hx_exit_worse(code, unit_exit(&cell->unit[i]));
        else
            code = hx_exit_worse(code, HX_EXIT_UNFIT);
    }
    return code;
}

int hx_gate_exit(const struct hx_gate *gate)
{
    int code = gate->cell_count == 0 ? HX_EXIT_ERROR : HX_EXIT_OK;

    if (gate->unfit[0] != '\0')
        code = hx_exit_worse(code, HX_EXIT_UNFIT);
    if (gate->lonely_count > 0)
        code = hx_exit_worse(code, HX_EXIT_NOT_COMPARABLE);
    for (size_t i = 0; i < gate->cell_count; i++)
        code = hx_exit_worse(code, hx_gate_cell_exit(gate, &gate->cells[i]));
    if (code == HX_EXIT_INCONCLUSIVE && !gate->options.inconclusive_fails)
        return HX_EXIT_OK;
    return code;
}

const char *hx_gate_exit_word(int code)
{
    switch (code) {
    case HX_EXIT_OK: return "NO REGRESSION";
    case HX_EXIT_REGRESSION: return "REGRESSION";
    case HX_EXIT_INCONCLUSIVE: return "INCONCLUSIVE";
    case HX_EXIT_NOT_COMPARABLE: return "NOT COMPARABLE";
    case HX_EXIT_UNFIT: return "UNFIT";
    default: return "ERROR";
    }
}

const char *hx_gate_cell_word(const struct hx_gate *gate, const struct hx_gate_cell *cell)
{
    int code = hx_gate_cell_exit(gate, cell);

    if (code == HX_EXIT_OK) {
        for (size_t i = 0; i < cell->unit_count; i++) {
            if (cell->unit[i].outcome == HX_OUTCOME_IMPROVED)
                return "IMPROVED";
        }
    }
    return hx_gate_exit_word(code);
}

/* NOT_MEASURED < EQUAL < … : the enum's own order is the order of interest. */
const struct hx_gate_count *hx_gate_count_find(const struct hx_gate_cell *cell, const char *metric)
{
    const struct hx_gate_count *found = NULL;

    for (size_t i = 0; i < cell->count_count; i++) {
        const struct hx_gate_count *count = &cell->counts[i];

        if (strcmp(count->metric, metric) == 0 && (found == NULL || count->state > found->state))
            found = count;
    }
    return found;
}

static enum hx_count_state state_of(const struct hx_gate_cell *cell, const char *metric)
{
    const struct hx_gate_count *count = hx_gate_count_find(cell, metric);

    return count == NULL ? HX_COUNT_NOT_MEASURED : count->state;
}

const char *hx_gate_cross_reading(const struct hx_gate_cell *cell)
{
    enum hx_count_state instructions = state_of(cell, hx_count_instructions.metric);
    bool slower = false, faster = false, same = cell->unit_count > 0;

    for (size_t i = 0; i < cell->unit_count; i++) {
        same &= cell->unit[i].outcome == HX_OUTCOME_NO_REGRESSION;
        slower |= cell->unit[i].outcome == HX_OUTCOME_REGRESSION;
        faster |= cell->unit[i].outcome == HX_OUTCOME_IMPROVED;
    }
    if (!slower && !faster)
        return same && instructions == HX_COUNT_MORE ? "more instructions, no slower here" : NULL;
    if (cell->same_binary)
        return "both sides are the same binary: noise that the rule did not catch";
    if (slower && (state_of(cell, "syscalls") == HX_COUNT_MORE || state_of(cell, "faults_minor") == HX_COUNT_MORE))
        return "more work for the kernel";
    if (slower && instructions == HX_COUNT_MORE)
        return "code, not layout";
    if (faster && instructions == HX_COUNT_LESS)
        return "code, not layout";
    if (instructions == HX_COUNT_EQUAL || instructions == HX_COUNT_WITHIN)
        return "same instructions: layout or cache, not code";
    return NULL;
}
