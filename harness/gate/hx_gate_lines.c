/* The lines for people. See hx_gate_report.h. */
#include <math.h>
#include <string.h>

#include "gate/hx_gate_progress.h"
#include "gate/hx_gate_report.h"
#include "gate/hx_gate_verdict.h"

/* "+6.1 %", or "0" where nothing differs. */
static void put_percent(struct hx_buffer *out, double ratio)
{
    hx_buffer_print(out, "%+.1f %%", 100 * ratio);
}

static void put_unit(const struct hx_decide_unit *unit, const char *metric, struct hx_buffer *out)
{
    if (unit->judged_pairs == 0) {
        hx_buffer_print(out, "  %s: not judged%s%s", metric, unit->reason == NULL ? "" : ", ", unit->reason == NULL ? "" : unit->reason);
        return;
    }
    hx_buffer_print(out, "  ");
    put_percent(out, unit->estimate);
    hx_buffer_print(out, " [%+.1f, %+.1f] ns/op%s", 100 * unit->low, 100 * unit->high,
                    strcmp(metric, "time") == 0 ? "" : " typical");
    hx_buffer_print(out, "  %zu pairs", unit->judged_pairs);
    if (unit->outcome == HX_OUTCOME_REGRESSION)
        hx_buffer_print(out, ", p %.1g (Holm %.1g)", unit->p_slower, unit->p_slower_holm);
    if (unit->outcome == HX_OUTCOME_IMPROVED)
        hx_buffer_print(out, ", p %.1g (Holm %.1g)", unit->p_faster, unit->p_faster_holm);
    if (unit->outcome == HX_OUTCOME_INCONCLUSIVE || unit->outcome == HX_OUTCOME_ERROR) {
        hx_buffer_print(out, ", %s", unit->reason);
        if (unit->needed_pairs > (double)unit->judged_pairs)
            hx_buffer_print(out, ", need about %.0f for %.1f %%", unit->needed_pairs, 100 * unit->margin_d1);
        hx_buffer_print(out, ", pair sd %.1f %%", 100 * unit->pair_sd);
    }
    hx_buffer_print(out, ", margin %.2g %%", 100 * unit->margin_d0);
}

static const char *short_name(const char *metric)
{
    if (strcmp(metric, hx_count_instructions.metric) == 0)
        return "instructions";
    if (strcmp(metric, hx_count_faults.metric) == 0)
        return "faults";
    if (strcmp(metric, hx_count_rss.metric) == 0)
        return "RssAnon";
    return metric;
}

static void put_count(const struct hx_gate_count *count, struct hx_buffer *out)
{
    struct hx_count_values values = count->repeated ? count->second : count->first;

    hx_buffer_print(out, "%s", short_name(count->metric));
    if (strcmp(count->phase, "all") != 0 && count->state != HX_COUNT_EQUAL)
        hx_buffer_print(out, ":%s", count->phase);
    switch (count->state) {
    case HX_COUNT_NOT_MEASURED: hx_buffer_print(out, " not measured (%s)", count->reason); return;
    case HX_COUNT_EQUAL: hx_buffer_print(out, " +0"); return;
    case HX_COUNT_NONDETERMINISTIC:
        hx_buffer_print(out, " nondeterministic (base %.10g, %.10g; head %.10g, %.10g)", count->first.base, count->second.base,
                        count->first.head, count->second.head);
        return;
    case HX_COUNT_WITHIN:
    case HX_COUNT_MORE:
    case HX_COUNT_LESS: break;
    }
    if (strcmp(count->metric, hx_count_instructions.metric) == 0 && count->state == HX_COUNT_WITHIN)
        hx_buffer_print(out, " +0 (%.2g/op)", values.head - values.base);
    else if (strcmp(count->metric, hx_count_instructions.metric) == 0)
        hx_buffer_print(out, " %+.2f/op", values.head - values.base);
    else
        hx_buffer_print(out, " %+.10g", values.head - values.base);
    if (values.base != 0 && count->state != HX_COUNT_WITHIN)
        hx_buffer_print(out, " (%+.1f %%)", 100 * (values.head - values.base) / values.base);
}

/* The four counts people ask for, and of the rest only what differs. */
static bool worth_a_word(const struct hx_gate_cell *cell, const struct hx_gate_count *count)
{
    if (count->state != HX_COUNT_EQUAL && count->state != HX_COUNT_WITHIN)
        return true;
    return count == hx_gate_count_find(cell, count->metric) && strncmp(count->metric, "ua_", 3) != 0;
}

void hx_gate_cell_line(const struct hx_gate *gate, const struct hx_gate_cell *cell, struct hx_buffer *out)
{
    char title[HX_CELL_TITLE_BYTES];
    const char *reading = hx_gate_cross_reading(cell);
    const char *join = ";  ";

    hx_cell_title(&cell->cell, title);
    hx_buffer_print(out, "%-14s %-40s", hx_gate_cell_word(gate, cell), title);
    if (cell->failure[0] != '\0') {
        hx_buffer_print(out, "  %s", cell->failure);
        return;
    }
    for (size_t i = 0; i < cell->unit_count; i++)
        put_unit(&cell->unit[i], gate->metric[i], out);
    for (size_t i = 0; i < cell->count_count; i++) {
        if (!worth_a_word(cell, &cell->counts[i]))
            continue;
        hx_buffer_print(out, "%s", join);
        put_count(&cell->counts[i], out);
        join = ", ";
    }
    if (reading != NULL)
        hx_buffer_print(out, "  -> %s", reading);
    if (cell->migrated_pairs > 0)
        hx_buffer_print(out, "  (%zu pairs with a migrated process)", cell->migrated_pairs);
}

static void put_summary(const struct hx_gate *gate, int code, struct hx_buffer *out)
{
    size_t tally[HX_EXIT_ERROR + 1] = {0}, improved = 0;
    char spent[32];

    for (size_t i = 0; i < gate->cell_count; i++) {
        int cell_code = hx_gate_cell_exit(gate, &gate->cells[i]);

        tally[cell_code >= 0 && cell_code <= HX_EXIT_ERROR ? cell_code : HX_EXIT_ERROR]++;
        improved += strcmp(hx_gate_cell_word(gate, &gate->cells[i]), "IMPROVED") == 0;
    }
    tally[HX_EXIT_NOT_COMPARABLE] += gate->lonely_count;
    hx_buffer_print(out, "gate: %s: %s against %s, tier %s, %zu cells: ", gate->stopped ? "INTERRUPTED" : hx_gate_exit_word(code),
                    gate->options.label[HX_SIDE_HEAD], gate->options.label[HX_SIDE_BASE], gate->options.tier->name,
                    gate->cell_count + gate->lonely_count);
    hx_buffer_print(out, "%zu without regression (%zu improved), %zu regressed, %zu inconclusive, %zu not comparable, %zu unfit, "
                    "%zu errors; %s, seed %llu\n", tally[HX_EXIT_OK], improved, tally[HX_EXIT_REGRESSION],
                    tally[HX_EXIT_INCONCLUSIVE], tally[HX_EXIT_NOT_COMPARABLE], tally[HX_EXIT_UNFIT], tally[HX_EXIT_ERROR],
                    hx_gate_duration(gate->ended_unix_s - gate->started_unix_s, spent, sizeof spent),
                    (unsigned long long)gate->options.settings.seed);
}

void hx_gate_lines(const struct hx_gate *gate, int code, struct hx_buffer *out)
{
    for (size_t i = 0; i < gate->cell_count; i++) {
        hx_gate_cell_line(gate, &gate->cells[i], out);
        hx_buffer_print(out, "\n");
    }
    for (size_t i = 0; i < gate->lonely_count; i++) {
        char title[HX_CELL_TITLE_BYTES];

        hx_cell_title(&gate->lonely[i].cell, title);
        hx_buffer_print(out, "%-14s %-40s  %s cannot run it: %s\n", "NOT COMPARABLE", title,
                        hx_side_name(gate->lonely[i].missing_on), gate->lonely[i].reason);
    }
    if (gate->unfit[0] != '\0')
        hx_buffer_print(out, "UNFIT          times are not judged: %s\n", gate->unfit);
    if (gate->no_valgrind[0] != '\0' && gate->options.counts)
        hx_buffer_print(out, "note: instructions and system calls were not counted: %s\n", gate->no_valgrind);
    if (gate->budget_spent)
        hx_buffer_print(out, "note: the budget of %llu s ended before every cell was decided\n",
                        (unsigned long long)gate->options.budget_s);
    put_summary(gate, code, out);
}
