/* report_split_text.c - credit and price of safety as tables of summary.md and report.html. See report_split.h.
 *
 * Why both forms in one file: they show the same rows, row by row; a figure that is missing is a dash with its reason below, never 0. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_headline.h"
#include "report/report_split.h"

enum { PRICE_COLUMNS = 6 };
static const char *const price_column[PRICE_COLUMNS] = {"typical ns/op", "over the step before", "x kept", "best ns/op", "faults", "peak RSS"};

static const char credit_intro[] =
    "malloc each frees every object, keep frees none on a heap that keeps its pages, fresh frees none on new pages. each - keep is the price "
    "of freeing, keep - arena reuse what a bump pointer and its locality win; the two add up to each - reuse. New pages are told apart, one "
    "figure a side. Differences of medians of the best block in ns per operation, 95 % interval of the differences within a round in brackets. "
    "preset kept rewinds its chunk, so it has no arm fresh.";
static const char price_intro[] =
    "From an arena that reuses freed memory at once to what Go does, one choice more a row. Collections come in some blocks alone, so "
    "typical holds them and best may not. faults: of a whole time process. The last step differs from preset go in one thing: go "
    "sets its quarantine no limit, and its collections run between the blocks, untimed.";

/* The figures of one step as texts; "-" when missing. */
static void price_row(const struct hx_report_summary *summary, const struct hx_report_price *price, size_t step,
                      char text[PRICE_COLUMNS][HX_REPORT_DIFFERENCE_BYTES]) {
    static const char *const metric[PRICE_COLUMNS] = {"time_typical", NULL, NULL, "time", "faults_minor", "rss_peak_bytes"};
    double kept = 0, value = 0;
    for (size_t c = 0; c < PRICE_COLUMNS; c++) {
        snprintf(text[c], HX_REPORT_DIFFERENCE_BYTES, "-");
        if (metric[c] == NULL || price->cell[step] < 0) {
            continue;
        }
        const struct hx_report_metric *found = hx_report_find(summary, (size_t)price->cell[step], metric[c]);
        if (hx_report_value(found, &value)) {
            hx_report_show_unit(text[c], value, found->unit);
        }
    }
    if (step > 0) {
        hx_report_show_difference(text[1], &price->added[step]);
    }
    if (price->cell[0] >= 0 && price->cell[step] >= 0 &&
        hx_report_value(hx_report_find(summary, (size_t)price->cell[0], "time_typical"), &kept) && kept > 0 &&
        hx_report_value(hx_report_find(summary, (size_t)price->cell[step], "time_typical"), &value)) {
        snprintf(text[2], HX_REPORT_DIFFERENCE_BYTES, "%.2f", value / kept);
    }
}

/* Why steps are missing, each reason once. */
static void note_missing(const struct hx_report_summary *summary, const struct hx_report_splits *splits,
                         struct hx_report_footnotes *notes) {
    for (size_t i = 0; i < splits->price_count; i++) {
        for (size_t s = 0; s < HX_PRICE_STEPS; s++) {
            long cell = splits->price[i].cell[s];
            const struct hx_report_metric *time = cell >= 0 ? hx_report_find(summary, (size_t)cell, "time_typical") : NULL;
            const char *reason = cell < 0 ? "not measured in this run" : time != NULL && time->value_count == 0 ? time->reason : NULL;
            bool known = reason == NULL;
            for (size_t k = 0; k < notes->count && !known; k++) {
                known = strcmp(notes->reason[k], reason) == 0;
            }
            if (!known) {
                notes->reason = hx_grow(notes->reason, notes->count + 1, sizeof *notes->reason);
                notes->reason[notes->count++] = reason;
            }
        }
    }
}

static void markdown_credit(const struct hx_report_splits *splits, struct hx_text *out) {
    hx_text_format(out, "\n## Where the gain comes from\n\n%s\n\n| scenario | pages | malloc, arena |", credit_intro);
    for (size_t p = 0; p < HX_CREDIT_PARTS; p++) {
        hx_text_format(out, " %s |", hx_credit_what[p]);
    }
    hx_text_put(out, "\n|---|---|---|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < splits->credit_count; i++) {
        const struct hx_report_credit *credit = &splits->credit[i];
        hx_text_put(out, "| ");
        hx_report_escape_markdown(out, credit->scenario);
        hx_text_format(out, " | %s | %s, %s |", hx_report_pages_name(credit->pages), credit->malloc_name, credit->arena);
        for (size_t p = 0; p < HX_CREDIT_PARTS; p++) {
            char shown[HX_REPORT_DIFFERENCE_BYTES];
            hx_report_show_difference(shown, &credit->part[p]);
            hx_text_format(out, " %s |", shown);
        }
        hx_text_put(out, "\n");
    }
}

static void markdown_price(const struct hx_report_summary *summary, const struct hx_report_splits *splits, struct hx_text *out) {
    hx_text_format(out, "\n## The price of safety\n\n%s\n\n| scenario, pages | step |", price_intro);
    for (size_t c = 0; c < PRICE_COLUMNS; c++) {
        hx_text_format(out, " %s |", price_column[c]);
    }
    hx_text_put(out, "\n|---|---|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < splits->price_count; i++) {
        for (size_t s = 0; s < HX_PRICE_STEPS; s++) {
            char text[PRICE_COLUMNS][HX_REPORT_DIFFERENCE_BYTES];
            price_row(summary, &splits->price[i], s, text);
            hx_text_put(out, "| ");
            hx_report_escape_markdown(out, splits->price[i].scenario);
            hx_text_format(out, ", %s | %s |", hx_report_pages_name(splits->price[i].pages), hx_price_steps[s].what);
            for (size_t c = 0; c < PRICE_COLUMNS; c++) {
                hx_text_format(out, " %s |", text[c]);
            }
            hx_text_put(out, "\n");
        }
    }
    struct hx_report_footnotes notes = {0};
    note_missing(summary, splits, &notes);
    for (size_t k = 0; k < notes.count; k++) {
        hx_text_put(out, k == 0 ? "\n- a dash: " : "- a dash: ");
        hx_report_escape_markdown(out, notes.reason[k]);
        hx_text_put(out, "\n");
    }
    free(notes.reason);
}

void hx_markdown_splits(const struct hx_report_summary *summary, const struct hx_report_splits *splits, struct hx_text *out) {
    if (splits->credit_count != 0) {
        markdown_credit(splits, out);
    }
    if (splits->price_count != 0) {
        markdown_price(summary, splits, out);
    }
    if (splits->empty >= 0) {
        hx_text_put(out, "\n");
        hx_report_floor_line(summary, splits, out);
        hx_text_put(out, "\n");
    }
}

/* A figure with its interval in a smaller voice; a dash with the reason for a pointer that rests on it. */
static void html_difference(struct hx_text *out, const struct hx_estimate *estimate) {
    if (estimate->value.reason != NULL) {
        hx_text_put(out, "<td class=\"none\" title=\"");
        hx_report_escape_html(out, estimate->value.reason);
        hx_text_put(out, "\">&ndash;</td>");
        return;
    }
    char shown[HX_REPORT_DIFFERENCE_BYTES];
    hx_report_show_difference(shown, estimate);
    char *range = strchr(shown, '[');
    if (range != NULL) {
        range[-1] = '\0';
    }
    hx_text_format(out, "<td>%s", shown);
    if (range != NULL) {
        hx_text_format(out, " <span class=\"quiet\">%s</span>", range);
    }
    hx_text_put(out, "</td>");
}

static void html_group(struct hx_text *out, const char *scenario, const char *pages, size_t columns) {
    hx_text_put(out, "<tr class=\"group\"><th>");
    hx_report_escape_html(out, scenario);
    hx_text_format(out, ", %s</th><th colspan=\"%zu\"></th></tr>\n", hx_report_pages_name(pages), columns);
}

static void html_credit(const struct hx_report_splits *splits, struct hx_text *out) {
    hx_text_format(out, "<h2 id=\"credit\">The gain, split</h2>\n<p>%s</p>\n<div class=\"scroll\"><table><thead><tr>"
                        "<th>malloc, arena</th>", credit_intro);
    for (size_t p = 0; p < HX_CREDIT_PARTS; p++) {
        hx_text_format(out, "<th>%s</th>", hx_credit_what[p]);
    }
    hx_text_put(out, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < splits->credit_count; i++) {
        const struct hx_report_credit *credit = &splits->credit[i], *before = i > 0 ? credit - 1 : NULL;
        if (before == NULL || strcmp(before->scenario, credit->scenario) != 0 || strcmp(before->pages, credit->pages) != 0) {
            html_group(out, credit->scenario, credit->pages, HX_CREDIT_PARTS);
        }
        hx_text_format(out, "<tr><th>%s, %s</th>", credit->malloc_name, credit->arena);
        for (size_t p = 0; p < HX_CREDIT_PARTS; p++) {
            html_difference(out, &credit->part[p]);
        }
        hx_text_put(out, "</tr>\n");
    }
    hx_text_put(out, "</tbody></table></div>\n");
}

static void html_price(const struct hx_report_summary *summary, const struct hx_report_splits *splits, struct hx_text *out) {
    hx_text_format(out, "<h2 id=\"price\">The price of safety</h2>\n<p>%s</p>\n<div class=\"scroll\"><table><thead><tr><th>step</th>",
                   price_intro);
    for (size_t c = 0; c < PRICE_COLUMNS; c++) {
        hx_text_format(out, "<th>%s</th>", price_column[c]);
    }
    hx_text_put(out, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < splits->price_count; i++) {
        html_group(out, splits->price[i].scenario, splits->price[i].pages, PRICE_COLUMNS);
        for (size_t s = 0; s < HX_PRICE_STEPS; s++) {
            char text[PRICE_COLUMNS][HX_REPORT_DIFFERENCE_BYTES];
            price_row(summary, &splits->price[i], s, text);
            hx_text_format(out, "<tr><th>%s</th>", hx_price_steps[s].what);
            for (size_t c = 0; c < PRICE_COLUMNS; c++) {
                if (c == 1 && s > 0) {
                    html_difference(out, &splits->price[i].added[s]);
                } else if (strcmp(text[c], "-") == 0) {
                    hx_text_put(out, "<td class=\"none\">&ndash;</td>");
                } else {
                    hx_text_format(out, "<td>%s</td>", text[c]);
                }
            }
            hx_text_put(out, "</tr>\n");
        }
    }
    hx_text_put(out, "</tbody></table></div>\n");
    struct hx_report_footnotes notes = {0};
    note_missing(summary, splits, &notes);
    for (size_t k = 0; k < notes.count; k++) {
        hx_text_put(out, "<p class=\"quiet\">A dash: ");
        hx_report_escape_html(out, notes.reason[k]);
        hx_text_put(out, ".</p>\n");
    }
    free(notes.reason);
}

void hx_html_splits(const struct hx_report_summary *summary, const struct hx_report_splits *splits, struct hx_text *out) {
    if (splits->credit_count != 0) {
        html_credit(splits, out);
    }
    if (splits->price_count != 0) {
        html_price(summary, splits, out);
    }
    if (splits->empty >= 0) {
        struct hx_text line;
        if (!hx_text_init(&line, 4 * HX_KIB)) {
            hx_die("out of memory");
        }
        hx_report_floor_line(summary, splits, &line);
        hx_text_bytes(&line, "", 1); /* a string now */
        if (hx_text_finish(&line) == 0) {
            hx_text_put(out, "<p>");
            hx_report_escape_html(out, line.data);
            hx_text_put(out, "</p>\n");
        }
        hx_text_deinit(&line);
    }
}
