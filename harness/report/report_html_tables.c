/* report_html_tables.c - machine, headline tables, and what each backend adds over the floor. See report_html.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_html.h"
#include "report/report_spread.h"

/* Names of hosts do not belong into a file that is passed on. */
static bool is_private(const char *key) {
    return strstr(key, "host") != NULL || strstr(key, "nodename") != NULL || strstr(key, "user") != NULL;
}

static char *plain_text(const json_t *value) {
    if (json_is_string(value)) {
        return hx_print("%s", json_string_value(value));
    }
    const char *version = json_string_value(json_object_get(value, "version"));
    const char *build_id = json_string_value(json_object_get(value, "build_id"));
    if (version != NULL) {
        return hx_print("%s%s%s", version, build_id != NULL ? ", build-id " : "", build_id != NULL ? build_id : "");
    }
    char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    char *text = hx_print("%s", dumped != NULL ? dumped : "?");
    free(dumped);
    return text;
}

/* One line of the attestation: {"value", "reason", "verdict", "advice"} or a bare value. */
static void put_fact(struct hx_text *out, const char *key, const json_t *fact) {
    bool is_line = json_is_object(fact) && json_object_get(fact, "value") != NULL;
    const json_t *value = is_line ? json_object_get(fact, "value") : fact;
    const char *reason = json_string_value(json_object_get(fact, "reason"));
    const char *verdict = json_string_value(json_object_get(fact, "verdict"));
    const char *advice = json_string_value(json_object_get(fact, "advice"));
    if (is_private(key)) {
        return;
    }
    hx_text_put(out, "<tr><th>");
    hx_report_escape_html(out, key);
    if (json_is_null(value)) {
        hx_text_put(out, "</th><td class=\"none text\">not known: ");
        hx_report_escape_html(out, reason != NULL ? reason : "no reason given");
    } else {
        char *text = plain_text(value);
        hx_text_put(out, "</th><td class=\"text\">");
        hx_report_escape_html(out, text);
        free(text);
    }
    bool fine = verdict == NULL || strcmp(verdict, "ok") == 0;
    hx_text_format(out, "</td><td class=\"text %s\">", fine ? "quiet" : "bad");
    hx_report_escape_html(out, verdict);
    if (advice != NULL && advice[0] != '\0') {
        hx_text_put(out, fine ? "" : ": ");
        hx_report_escape_html(out, advice);
    }
    hx_text_put(out, "</td></tr>\n");
}

static const char *fact_text(const json_t *attestation, const char *key) {
    const json_t *fact = json_object_get(attestation, key);
    size_t i;
    json_t *line;
    json_array_foreach(attestation, i, line) {
        const char *name = json_string_value(json_object_get(line, "key"));
        fact = name != NULL && strcmp(name, key) == 0 ? line : fact;
    }
    const json_t *value = json_is_object(fact) ? json_object_get(fact, "value") : fact;
    return json_string_value(value);
}

void hx_html_machine(const struct hx_report_run *run, struct hx_text *out) {
    static const char *const first[] = {"cpu_model", "kernel", "libc", "hypervisor"};
    json_t *attestation = json_object_get(run->json, "attestation");
    hx_text_put(out, "<h2 id=\"machine\">The machine</h2>\n");
    if (json_object_size(attestation) == 0 && json_array_size(attestation) == 0) {
        hx_text_put(out, "<p class=\"note\">run.json holds no attestation of the machine.</p>\n");
        return;
    }
    hx_text_put(out, "<p>");
    for (size_t i = 0, shown = 0; i < HX_COUNT_OF(first); i++) {
        const char *text = fact_text(attestation, first[i]);
        if (text != NULL) {
            hx_text_put(out, shown++ > 0 ? " &middot; " : "");
            hx_report_escape_html(out, text);
        }
    }
    hx_text_put(out, "</p>\n<details><summary>Everything that is known about it</summary><div class=\"scroll\"><table><thead><tr>"
                     "<th>what</th><th class=\"text\">found</th><th class=\"text\">verdict</th></tr></thead>"
                     "<tbody>\n");
    const char *key;
    json_t *fact;
    size_t i;
    json_object_foreach(attestation, key, fact) {
        put_fact(out, key, fact);
    }
    json_array_foreach(attestation, i, fact) {
        key = json_string_value(json_object_get(fact, "key"));
        put_fact(out, key != NULL ? key : "?", fact);
    }
    json_object_foreach(json_object_get(run->json, "versions"), key, fact) {
        char *name = hx_print("version of %s", key);
        put_fact(out, name, fact);
        free(name);
    }
    hx_text_put(out, "</tbody></table></div></details>\n");
}

static void put_head_cell(struct hx_text *out, const struct hx_report_headline *head, size_t column, const char *class) {
    if (head->footnote[column] != 0) {
        hx_text_format(out, "<td class=\"none\">&ndash;<sup>%zu</sup></td>", head->footnote[column]);
        return;
    }
    hx_text_format(out, "<td%s>", class);
    hx_report_escape_html(out, head->text[column]);
    hx_text_put(out, "</td>");
}

static const char *versus_class(const struct hx_report_summary *summary, size_t cell) {
    const struct hx_report_comparison *c = hx_report_against(summary, cell, "malloc", "time");
    if (c == NULL || c->verdict == HX_REPORT_UNDECIDED || c->verdict == HX_REPORT_NO_DIFFERENCE) {
        return " class=\"quiet\"";
    }
    return c->verdict == HX_REPORT_FASTER ? " class=\"good\"" : " class=\"bad\"";
}

static void put_group(const struct hx_report_summary *summary, const char *scenario, const size_t *member, size_t count,
                      struct hx_report_footnotes *notes, struct hx_text *out) {
    hx_text_put(out, "<tr class=\"group\"><th>");
    hx_report_escape_html(out, scenario);
    hx_text_format(out, "</th><th colspan=\"%d\"><span class=\"quiet\">%s</span></th></tr>\n",
                   HX_HEAD_COUNT + (summary->spread != NULL ? 1 : 0),
                   hx_report_zeroing(summary->run, scenario));
    for (size_t i = 0; i < count; i++) {
        const struct hx_report_cell *cell = &summary->run->cell[member[i]];
        struct hx_report_headline head;
        hx_report_headline(summary, member[i], notes, &head);
        hx_text_put(out, "<tr><th>");
        hx_report_escape_html(out, cell->label);
        if (cell->migrated_count > 0) {
            hx_text_put(out, " <span class=\"bad\">(migrated)</span>");
        }
        hx_text_put(out, "</th>");
        for (size_t c = 0; c < HX_HEAD_COUNT; c++) {
            put_head_cell(out, &head, c, c == HX_HEAD_VERSUS ? versus_class(summary, member[i]) : "");
            if (c == HX_HEAD_INTERVAL && summary->spread != NULL) {
                char moved[HX_REPORT_SHOWN_BYTES];
                hx_report_moved(summary, member[i], moved);
                hx_text_format(out, "<td class=\"quiet\">%s</td>", moved);
            }
        }
        hx_text_put(out, "</tr>\n");
    }
}

void hx_html_headline(const struct hx_report_page *page, struct hx_text *out) {
    const struct hx_report_summary *summary = page->summary;
    const struct hx_report_run *run = summary->run;
    const char **scenario = hx_grow(NULL, run->cell_count + 1, sizeof *scenario);
    const char **pages = hx_grow(NULL, run->cell_count + 1, sizeof *pages);
    size_t *member = hx_grow(NULL, run->cell_count + 1, sizeof *member);
    size_t scenarios = hx_report_scenarios(run, scenario);
    size_t modes = hx_report_distinct(run, hx_report_pages_of, pages);
    struct hx_report_footnotes notes = {0};
    hx_text_put(out, "<h2 id=\"headline\">Figures</h2>\n");
    for (size_t p = 0; p < modes; p++) {
        hx_text_put(out, "<h3>");
        hx_report_escape_html(out, hx_report_pages_name(pages[p]));
        hx_text_put(out, "</h3>\n<div class=\"scroll\"><table><thead><tr><th>backend and arm</th>");
        for (size_t c = 0; c < HX_HEAD_COUNT; c++) {
            hx_text_format(out, "<th>%s</th>%s", hx_report_column_name[c],
                           c == HX_HEAD_INTERVAL && summary->spread != NULL ? "<th>run to run</th>" : "");
        }
        hx_text_put(out, "</tr></thead><tbody>\n");
        for (size_t s = 0; s < scenarios; s++) {
            size_t count = hx_report_group(run, scenario[s], pages[p], member);
            if (count != 0) {
                put_group(summary, scenario[s], member, count, &notes, out);
            }
        }
        hx_text_put(out, "</tbody></table></div>\n");
    }
    hx_text_put(out, "<ol class=\"notes\">\n");
    for (size_t i = 0; i < notes.count; i++) {
        hx_text_put(out, "<li>");
        hx_report_escape_html(out, notes.reason[i]);
        hx_text_put(out, "</li>\n");
    }
    hx_text_put(out, "</ol>\n<p class=\"quiet\">best and typical in ns per operation; faults are counts of a whole time process; "
                     "~ marks a ratio whose interval does not exclude 1.");
    if (summary->spread != NULL) {
        hx_text_put(out, " Run to run: how far best lies from that of run ");
        hx_report_escape_html(out, summary->spread->id);
        hx_text_put(out, ", which no interval within a run tells.");
    }
    hx_text_put(out, "</p>\n");
    free(notes.reason);
    free(member);
    free(pages);
    free(scenario);
}

/* ns/op of a cell that differs from `cell` in backend and arm only. */
static bool time_of(const struct hx_report_summary *summary, const size_t *member, size_t count, const char *backend,
                    const char *arm, double *value) {
    for (size_t i = 0; i < count; i++) {
        const struct hx_report_cell *cell = &summary->run->cell[member[i]];
        if (cell->threads == 1 && strcmp(cell->backend, backend) == 0 && strcmp(cell->arm, arm) == 0 &&
            strcmp(cell->options, "-") == 0) {
            return hx_report_value(hx_report_find(summary, member[i], "time"), value);
        }
    }
    return false;
}

/* Adds the labels of measured cells that are not there yet, without the floor itself: the columns of the floor's table. */
static size_t floor_columns(const struct hx_report_summary *summary, const size_t *member, size_t members, const char **label,
                            size_t count) {
    for (size_t i = 0; i < members; i++) {
        const struct hx_report_cell *cell = &summary->run->cell[member[i]];
        double value;
        size_t k = 0;
        while (k < count && strcmp(label[k], cell->label) != 0) {
            k++;
        }
        if (k == count && strcmp(cell->backend, "bump") != 0 &&
            hx_report_value(hx_report_find(summary, member[i], "time"), &value)) {
            label[count++] = cell->label;
        }
    }
    return count;
}

static void put_floor_row(const struct hx_report_summary *summary, const size_t *member, size_t count, const char *const *label,
                          size_t label_count, struct hx_text *out) {
    double floor_ns, value;
    if (!time_of(summary, member, count, "bump", "bulk", &floor_ns)) {
        return;
    }
    const struct hx_report_cell *any = &summary->run->cell[member[0]];
    hx_text_put(out, "<tr><th>");
    hx_report_escape_html(out, any->scenario);
    char shown[HX_REPORT_SHOWN_BYTES], share[HX_REPORT_SHOWN_BYTES];
    hx_report_show_number(shown, floor_ns);
    hx_text_format(out, ", %s</th><td>%s</td>", hx_report_pages_name(any->pages), shown);
    for (size_t k = 0; k < label_count; k++) {
        bool there = false;
        for (size_t i = 0; i < count && !there; i++) {
            there = strcmp(summary->run->cell[member[i]].label, label[k]) == 0 &&
                    hx_report_value(hx_report_find(summary, member[i], "time"), &value);
        }
        if (!there) {
            hx_text_put(out, "<td class=\"none\">&ndash;</td>");
            continue;
        }
        hx_report_show_number(shown, value - floor_ns);
        snprintf(share, sizeof share, "%.0f", 100 * (value - floor_ns) / value);
        hx_text_format(out, "<td>%s%s <span class=\"quiet\">(%s %%)</span></td>", value >= floor_ns ? "+" : "", shown, share);
    }
    hx_text_put(out, "</tr>\n");
}

void hx_html_floor(const struct hx_report_page *page, struct hx_text *out) {
    const struct hx_report_run *run = page->summary->run;
    const char **scenario = hx_grow(NULL, run->cell_count + 1, sizeof *scenario);
    const char **pages = hx_grow(NULL, run->cell_count + 1, sizeof *pages);
    const char **label = hx_grow(NULL, run->cell_count + 1, sizeof *label);
    size_t *member = hx_grow(NULL, run->cell_count + 1, sizeof *member);
    size_t scenarios = hx_report_scenarios(run, scenario);
    size_t modes = hx_report_distinct(run, hx_report_pages_of, pages);
    size_t labels = 0;
    for (size_t g = 0; g < scenarios * modes; g++) {
        size_t count = hx_report_group(run, scenario[g / modes], pages[g % modes], member);
        labels = floor_columns(page->summary, member, count, label, labels);
    }
    hx_text_put(out, "<h2 id=\"floor\">Where the gain comes from</h2>\n<p>bump only counts up a pointer: its time is the program itself, "
                     "the floor of each scenario. The other columns are what each backend adds to it in ns per operation, and which "
                     "share of its own time that is: the most that any better allocator could still win there. A negative "
                     "difference is noise.</p>\n"
                     "<div class=\"scroll\"><table><thead><tr><th>scenario, pages</th><th>bump (floor)</th>");
    for (size_t k = 0; k < labels; k++) {
        hx_text_put(out, "<th>");
        hx_report_escape_html(out, label[k]);
        hx_text_put(out, "</th>");
    }
    hx_text_put(out, "</tr></thead><tbody>\n");
    for (size_t g = 0; g < scenarios * modes; g++) {
        size_t count = hx_report_group(run, scenario[g / modes], pages[g % modes], member);
        put_floor_row(page->summary, member, count, label, labels, out);
    }
    hx_text_put(out, "</tbody></table></div>\n");
    free(member);
    free(label);
    free(pages);
    free(scenario);
}
