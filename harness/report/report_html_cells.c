/* report_html_cells.c - every figure of every cell, folded: latency by call, memory and counters by phase, the rest as a list.
 *
 * Why all of them: the headline is a choice, and whoever doubts it must find the figure, its interval, its number of processes or
 * the reason why it is missing without opening samples.tsv. See report_html.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_html.h"

static const char *const quantile[] = {"p50", "p90", "p99", "p99_9", "p99_99", "max", "mean"};
static const char *const quantile_shown[] = {"p50", "p90", "p99", "p99.9", "p99.99", "max", "mean"};
static const char *const call_name[] = {"alloc", "refill", "free", "release", "request"};
static const char *const phase_name[] = {"all", "setup", "alloc", "use", "release", "idle"};

/* The figures of one cell. */
struct range {
    const struct hx_report_metric *first;
    size_t count;
};

static bool ends_with(const char *text, const char *end) {
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

/* "alloc" of "latency_alloc_p99"; the call's index, or -1. *q: the quantile's. */
static int latency_call(const struct hx_report_metric *m, int *q) {
    if (m->pass != HX_PASS_LATENCY || strncmp(m->metric, "latency_", 8) != 0) {
        return -1;
    }
    for (size_t c = 0; c < HX_COUNT_OF(call_name); c++) {
        size_t length = strlen(call_name[c]);
        if (strncmp(m->metric + 8, call_name[c], length) != 0 || m->metric[8 + length] != '_') {
            continue;
        }
        for (size_t i = 0; i < HX_COUNT_OF(quantile); i++) {
            if (strcmp(m->metric + 8 + length + 1, quantile[i]) == 0) {
                *q = (int)i;
                return (int)c;
            }
        }
    }
    return -1;
}

static const struct hx_report_metric *find(const struct range *range, const char *metric, const char *phase, enum hx_pass pass) {
    for (size_t i = 0; i < range->count; i++) {
        const struct hx_report_metric *m = &range->first[i];
        if (m->pass == pass && strcmp(m->metric, metric) == 0 && strcmp(m->phase, phase) == 0) {
            return m;
        }
    }
    return NULL;
}

static void put_value(struct hx_text *out, const struct hx_report_metric *m, double below_ns) {
    char shown[HX_REPORT_SHOWN_BYTES];
    double value;
    if (m == NULL) {
        hx_text_put(out, "<td class=\"none\">&ndash;</td>");
    } else if (!hx_report_value(m, &value)) {
        hx_text_put(out, "<td class=\"none\">");
        hx_report_escape_html(out, m->word != NULL ? m->word : m->reason);
        hx_text_put(out, "</td>");
    } else {
        bool below = value < below_ns;
        hx_report_show_unit(shown, below ? below_ns : value, m->unit);
        hx_text_format(out, "<td>%s%s</td>", below ? "&lt; " : "", shown);
    }
}

static void put_latency(const struct hx_report_summary *summary, size_t cell, const struct range *range, struct hx_text *out) {
    const struct hx_report_metric *table[HX_COUNT_OF(call_name)][HX_COUNT_OF(quantile)] = {{NULL}};
    bool has[HX_COUNT_OF(call_name)] = {false}, any = false;
    for (size_t i = 0; i < range->count; i++) {
        int q, c = latency_call(&range->first[i], &q);
        if (c >= 0) {
            table[c][q] = &range->first[i];
            has[c] = any = true;
        }
    }
    if (!any) {
        return;
    }
    double step = 0;
    hx_report_value(hx_report_find(summary, cell, "clock_step"), &step);
    hx_text_put(out, "<h4>Latency</h4><div class=\"scroll\"><table><thead><tr><th>call</th>");
    for (size_t q = 0; q < HX_COUNT_OF(quantile); q++) {
        hx_text_format(out, "<th>%s</th>", quantile_shown[q]);
    }
    hx_text_put(out, "</tr></thead><tbody>");
    for (size_t c = 0; c < HX_COUNT_OF(call_name); c++) {
        if (!has[c]) {
            continue;
        }
        hx_text_format(out, "<tr><th>%s</th>", call_name[c]);
        for (size_t q = 0; q < HX_COUNT_OF(quantile); q++) {
            put_value(out, table[c][q], q + 1 == HX_COUNT_OF(quantile) ? 0 : 2 * step);
        }
        hx_text_put(out, "</tr>");
    }
    hx_text_put(out, "</tbody></table></div>\n");
}

/* Every phase is null for one and the same reason: said once across the row. */
static const char *common_reason(const struct range *range, const char *metric, enum hx_pass pass) {
    const char *reason = NULL;
    for (size_t p = 0; p < HX_COUNT_OF(phase_name); p++) {
        const struct hx_report_metric *m = find(range, metric, phase_name[p], pass);
        if (m == NULL) {
            continue;
        }
        if (m->value_count > 0 || m->reason == NULL || (reason != NULL && strcmp(reason, m->reason) != 0)) {
            return NULL;
        }
        reason = m->reason;
    }
    return reason;
}

static void put_phase_row(const struct range *range, const struct hx_report_metric *m, const bool *used, struct hx_text *out) {
    hx_text_put(out, "<tr><th>");
    hx_report_escape_html(out, m->metric);
    char *running_name = hx_print("%s_running", m->metric);
    double share = 1, here;
    for (size_t p = 0; p < HX_COUNT_OF(phase_name); p++) {
        if (hx_report_value(find(range, running_name, phase_name[p], m->pass), &here) && here < share) {
            share = here;
        }
    }
    free(running_name);
    if (share < 0.995) {
        hx_text_format(out, " <span class=\"bad\">(multiplexed: counted %.0f %% of the time)</span>", 100 * share);
    }
    hx_text_put(out, "</th>");
    const char *reason = common_reason(range, m->metric, m->pass);
    if (reason != NULL) {
        size_t columns = 0;
        for (size_t p = 0; p < HX_COUNT_OF(phase_name); p++) {
            columns += used[p];
        }
        hx_text_format(out, "<td class=\"none\" colspan=\"%zu\">", columns);
        hx_report_escape_html(out, reason);
        hx_text_put(out, "</td></tr>");
        return;
    }
    for (size_t p = 0; p < HX_COUNT_OF(phase_name); p++) {
        if (used[p]) {
            put_value(out, find(range, m->metric, phase_name[p], m->pass), 0);
        }
    }
    hx_text_put(out, "</tr>");
}

/* Phases that this pass has figures of: the others get no column. */
static bool find_phases(const struct range *range, enum hx_pass pass, bool *used) {
    bool any = false;
    for (size_t p = 0; p < HX_COUNT_OF(phase_name); p++) {
        used[p] = false;
        for (size_t i = 0; i < range->count && !used[p]; i++) {
            used[p] = range->first[i].pass == pass && strcmp(range->first[i].phase, phase_name[p]) == 0;
        }
        any |= used[p];
    }
    return any;
}

/* The first figure of a metric in this pass writes the row of all its phases. */
static bool starts_row(const struct range *range, size_t i, enum hx_pass pass) {
    const struct hx_report_metric *m = &range->first[i];
    if (m->pass != pass || ends_with(m->metric, "_running")) {
        return false;
    }
    for (size_t k = 0; k < i; k++) {
        if (range->first[k].pass == pass && strcmp(range->first[k].metric, m->metric) == 0) {
            return false;
        }
    }
    return true;
}

/* Metrics of one pass, a row each, phases as columns. */
static void put_phases(const struct range *range, enum hx_pass pass, const char *heading, struct hx_text *out) {
    bool used[HX_COUNT_OF(phase_name)];
    if (!find_phases(range, pass, used)) {
        return;
    }
    hx_text_format(out, "<h4>%s</h4><div class=\"scroll\"><table><thead><tr><th>figure</th>", heading);
    for (size_t p = 0; p < HX_COUNT_OF(phase_name); p++) {
        if (used[p]) {
            hx_text_format(out, "<th>%s</th>", phase_name[p]);
        }
    }
    hx_text_put(out, "</tr></thead><tbody>");
    for (size_t i = 0; i < range->count; i++) {
        if (starts_row(range, i, pass)) {
            put_phase_row(range, &range->first[i], used, out);
        }
    }
    hx_text_put(out, "</tbody></table></div>\n");
}

static void put_interval(struct hx_text *out, const struct hx_report_metric *m) {
    if (m->value_count == 0 || m->estimate.low.reason != NULL) {
        hx_text_put(out, "<td class=\"none\">");
        hx_report_escape_html(out, m->value_count == 0 ? "" : m->estimate.low.reason);
        hx_text_put(out, "</td>");
        return;
    }
    char low[HX_REPORT_SHOWN_BYTES], high[HX_REPORT_SHOWN_BYTES];
    hx_report_show_unit(low, m->estimate.low.value, m->unit);
    hx_report_show_unit(high, m->estimate.high.value, m->unit);
    hx_text_format(out, "<td>%s &ndash; %s</td>", low, high);
}

/* What no other table of the cell shows. */
static bool is_other(const struct hx_report_metric *m) {
    int q;
    return m->pass != HX_PASS_COUNTERS && m->pass != HX_PASS_MEMORY && latency_call(m, &q) < 0;
}

static void put_other(const struct hx_report_metric *m, struct hx_text *out) {
    hx_text_put(out, "<tr><th>");
    hx_report_escape_html(out, m->name);
    hx_text_put(out, "</th>");
    put_value(out, m, 0);
    put_interval(out, m);
    hx_text_put(out, "<td>");
    hx_report_escape_html(out, m->unit);
    if (m->word != NULL) {
        hx_text_put(out, "</td><td>all agree");
    } else {
        hx_text_format(out, "</td><td>%zu", m->value_count);
    }
    hx_text_format(out, "</td><td>%s</td></tr>", hx_pass_name(m->pass));
}

/* The time pass first: it is what the cell is about. */
static void put_others(const struct range *range, struct hx_text *out) {
    hx_text_put(out, "<h4>Time and the rest</h4><div class=\"scroll\"><table><thead><tr><th>figure</th><th>median</th>"
                     "<th>95 % interval</th><th>unit</th><th>processes</th><th>pass</th></tr></thead><tbody>");
    for (int turn = 0; turn < 3; turn++) {
        for (size_t i = 0; i < range->count; i++) {
            const struct hx_report_metric *m = &range->first[i];
            int its_turn = m->pass != HX_PASS_TIME ? 2 : strncmp(m->metric, "time", 4) == 0 ? 0 : 1;
            if (is_other(m) && its_turn == turn) {
                put_other(m, out);
            }
        }
    }
    hx_text_put(out, "</tbody></table></div>\n");
}

/* The one reason why a cell has no figure at all (a combination that cannot run here), or NULL. */
static const char *why_absent(const struct range *range) {
    for (size_t i = 0; i < range->count; i++) {
        const struct hx_report_metric *m = &range->first[i];
        if (m->value_count > 0 || m->word != NULL || m->reason == NULL || strcmp(m->reason, range->first[0].reason) != 0) {
            return NULL;
        }
    }
    return range->count > 0 ? range->first[0].reason : "no row in samples.tsv";
}

static void put_cell(const struct hx_report_summary *summary, size_t i, struct hx_text *out) {
    const struct hx_report_cell *cell = &summary->run->cell[i];
    struct range range = {&summary->metric[summary->first[i]], summary->first[i + 1] - summary->first[i]};
    char shown[HX_REPORT_SHOWN_BYTES];
    double value;
    const char *absent = why_absent(&range);
    if (absent != NULL) {
        hx_text_put(out, "<p class=\"absent\">");
        hx_report_escape_html(out, cell->scenario);
        hx_text_format(out, ", %s: <b>", hx_report_pages_name(cell->pages));
        hx_report_escape_html(out, cell->label);
        hx_text_put(out, "</b> <span class=\"quiet\">not measured: ");
        hx_report_escape_html(out, absent);
        hx_text_put(out, "</span></p>\n");
        return;
    }
    hx_text_put(out, "<details><summary>");
    hx_report_escape_html(out, cell->scenario);
    hx_text_format(out, ", %s: <b>", hx_report_pages_name(cell->pages));
    hx_report_escape_html(out, cell->label);
    hx_text_put(out, "</b>");
    const struct hx_report_metric *time = hx_report_find(summary, i, "time");
    if (hx_report_value(time, &value)) {
        hx_report_show_number(shown, value);
        hx_text_format(out, " <span class=\"quiet\">%s ns/op</span>", shown);
    } else if (time != NULL) {
        hx_text_put(out, " <span class=\"quiet\">not measured: ");
        hx_report_escape_html(out, time->reason);
        hx_text_put(out, "</span>");
    }
    hx_text_put(out, "</summary>\n");
    if (cell->ops_per_block > 0) {
        hx_report_show_count(shown, cell->ops_per_block);
        hx_text_format(out, "<p class=\"quiet\">%.0f blocks of %s operations, scale %g%s; cell %ld of run.json.</p>", cell->blocks, shown,
                       cell->scale, cell->blocks < 8 ? ", few blocks: read best with care" : "", cell->index);
    }
    if (cell->migrated_count > 0) {
        hx_text_format(out, "<p class=\"note\">%zu of its processes did not stay on their CPU.</p>", cell->migrated_count);
    }
    put_others(&range, out);
    put_latency(summary, i, &range, out);
    put_phases(&range, HX_PASS_MEMORY, "Memory by phase", out);
    put_phases(&range, HX_PASS_COUNTERS, "Counters by phase", out);
    hx_text_put(out, "</details>\n");
}

void hx_html_cells(const struct hx_report_page *page, struct hx_text *out) {
    hx_text_put(out, "<h2 id=\"cells\">Every cell</h2>\n<p>Medians over processes. Open a line for its time, latency, memory by phase "
                     "and counters by phase.</p>\n");
    const struct hx_report_run *run = page->summary->run;
    const char **scenario = hx_grow(NULL, run->cell_count + 1, sizeof *scenario);
    const char **pages = hx_grow(NULL, run->cell_count + 1, sizeof *pages);
    size_t *member = hx_grow(NULL, run->cell_count + 1, sizeof *member);
    size_t scenarios = hx_report_distinct(run, hx_report_scenario_of, scenario);
    size_t modes = hx_report_distinct(run, hx_report_pages_of, pages);
    for (size_t g = 0; g < scenarios * modes; g++) {
        size_t count = hx_report_group(run, scenario[g / modes], pages[g % modes], member);
        for (size_t i = 0; i < count; i++) {
            put_cell(page->summary, member[i], out);
        }
    }
    free(member);
    free(pages);
    free(scenario);
}
