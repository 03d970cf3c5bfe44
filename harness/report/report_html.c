/* report_html.c - the page: head, words, pictures, method. Tables are in report_html_tables.c and report_html_cells.c. */
#include "report/report_html.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_id(struct hx_text *out, const char *prefix) {
    hx_text_put(out, prefix);
    hx_text_put(out, "-");
}

/* Copies one tag, changing what only makes sense in a file of its own: name spaces go, ids and references get the prefix. */
static const char *put_tag(struct hx_text *out, const char *at, const char *prefix) {
    static const char *const drop[] = {"xmlns=\"", "xmlns:xlink=\""};
    static const char *const mark[] = {" id=\"", " id='", "href='#", "href=\"#", "url(#"};
    while (*at != '\0' && *at != '>') {
        bool handled = false;
        for (size_t i = 0; i < HX_COUNT_OF(drop) && !handled; i++) {
            if (strncmp(at, drop[i], strlen(drop[i])) == 0) {
                const char *end = strchr(at + strlen(drop[i]), '"');
                at = end != NULL ? end + 1 : at + strlen(at);
                handled = true;
            }
        }
        for (size_t i = 0; i < HX_COUNT_OF(mark) && !handled; i++) {
            if (strncmp(at, mark[i], strlen(mark[i])) == 0) {
                hx_text_put(out, mark[i]);
                put_id(out, prefix);
                at += strlen(mark[i]);
                handled = true;
            }
        }
        if (!handled) {
            hx_text_bytes(out, at++, 1);
        }
    }
    return at;
}

void hx_html_inline_svg(struct hx_text *out, const char *svg, const char *prefix) {
    const char *at = strstr(svg, "<svg");
    if (at == NULL) {
        hx_text_put(out, "<p>This picture is damaged.</p>");
        return;
    }
    while (*at != '\0') {
        const char *open = strchr(at, '<');
        if (open == NULL) {
            hx_text_put(out, at);
            return;
        }
        hx_text_bytes(out, at, (size_t)(open - at));
        at = put_tag(out, open, prefix);
    }
}

void hx_html_figures(const struct hx_report_page *page, struct hx_text *out) {
    hx_text_put(out, "<h2 id=\"figures\">Pictures</h2>\n");
    for (size_t i = 0; i < page->figures->count; i++) {
        const struct hx_report_figure *figure = &page->figures->figure[i];
        hx_text_format(out, "<h3>%s</h3>\n", figure->heading);
        char *file = hx_print("plots/%s.svg", figure->name);
        char *svg = figure->problem == NULL ? hx_report_read_text(page->summary->run->dir, file) : NULL;
        if (svg == NULL) {
            hx_text_put(out, "<p class=\"note\">No picture: ");
            hx_report_escape_html(out, figure->problem != NULL ? figure->problem : "the file is missing");
            hx_text_put(out, ".</p>\n");
        } else {
            hx_text_put(out, "<figure><div class=\"card\">");
            hx_html_inline_svg(out, svg, figure->name);
            hx_text_put(out, "</div><figcaption>");
            hx_report_escape_html(out, figure->caption);
            hx_text_format(out, " Data: plots/%s.tsv.</figcaption></figure>\n", figure->name);
        }
        free(svg);
        free(file);
    }
    if (page->figures->hidden_series > 0) {
        hx_text_format(out, "<p class=\"quiet\">Line pictures show the first %d backends; the tables below hold all.</p>\n",
                       HX_FIGURE_SERIES_MAX);
    }
}

static void put_list(struct hx_text *out, const struct hx_report_lines *lines, const char *none) {
    if (lines->count == 0) {
        hx_text_format(out, "<p>%s</p>\n", none);
        return;
    }
    hx_text_put(out, "<ul>\n");
    for (size_t i = 0; i < lines->count; i++) {
        hx_text_put(out, "<li>");
        hx_report_escape_html(out, lines->line[i]);
        hx_text_put(out, "</li>\n");
    }
    hx_text_put(out, "</ul>\n");
}

static void put_gain_cell(struct hx_text *out, const char *versus, const char *range) {
    const char *class = strstr(versus, "faster") != NULL ? "good" : strstr(versus, "slower") != NULL ? "bad" : "quiet";
    bool shown = range[0] >= '0' && range[0] <= '9';
    hx_text_format(out, "<td class=\"%s\">%s</td><td>", shown ? class : "quiet", versus);
    hx_report_escape_html(out, range);
    hx_text_put(out, "</td>");
}

static void put_gains(const struct hx_report_page *page, struct hx_text *out) {
    hx_text_put(out, "<p>The fastest arena of each scenario and page mode, in time per operation, with the 95 % interval of the "
                     "paired ratio.</p>\n<div class=\"scroll\"><table><thead><tr><th>scenario</th><th class=\"text\">pages</th><th class=\"text\">fastest arena</th>"
                     "<th>than malloc</th><th>interval</th><th>than mimalloc</th><th>interval</th><th>peak RSS</th></tr>"
                     "</thead><tbody>\n");
    for (size_t i = 0; i < page->words->gain_count; i++) {
        const struct hx_report_gain *gain = &page->words->gain[i];
        const struct hx_report_cell *cell = &page->summary->run->cell[gain->cell];
        hx_text_put(out, "<tr><th>");
        hx_report_escape_html(out, cell->scenario);
        hx_text_put(out, "</th><td class=\"text\">");
        hx_report_escape_html(out, hx_report_pages_name(cell->pages));
        hx_text_put(out, "</td><td class=\"text\">");
        hx_report_escape_html(out, cell->label);
        hx_text_put(out, "</td>");
        put_gain_cell(out, gain->versus_malloc, gain->malloc_range);
        put_gain_cell(out, gain->versus_mimalloc, gain->mimalloc_range);
        hx_text_format(out, "<td>%s</td></tr>\n", gain->memory);
    }
    hx_text_put(out, "</tbody></table></div>\n");
}

void hx_html_words(const struct hx_report_page *page, struct hx_text *out) {
    hx_text_put(out, "<h2 id=\"gains\">What arenas buy, and where malloc wins</h2>\n");
    if (page->words->gain_count > 0) {
        put_gains(page, out);
    } else {
        hx_text_put(out, "<p>No arena was measured in this run.</p>\n");
    }
    hx_text_put(out, "<h3>Where malloc wins: time</h3>\n");
    put_list(out, &page->words->malloc_faster, "Nowhere in this run.");
    hx_text_put(out, "<h3>Where mimalloc wins: time</h3>\n");
    put_list(out, &page->words->mimalloc_faster, "Nowhere in this run.");
    hx_text_put(out, "<h3>Where malloc wins: memory</h3>\n");
    put_list(out, &page->words->malloc_smaller, "No arena peaks a tenth and 1 MiB or more above malloc in this run.");
    if (page->words->cannot_tell.count > 0) {
        hx_text_put(out, "<h3>What these repetitions cannot tell: the interval holds 1, or there is none</h3>\n");
        put_list(out, &page->words->cannot_tell, "");
    }
}

void hx_html_method(const struct hx_report_run *run, struct hx_text *out) {
    const json_t *seed = json_object_get(run->json, "seed");
    hx_text_put(out, "<h2 id=\"method\">How it was measured</h2>\n<ul>\n"
        "<li>One process is one observation. Each cell (scenario, backend, arm, threads, page mode, options) gets fresh processes, "
        "interleaved round by round in an order drawn from the seed.</li>\n"
        "<li>Time, latency, counters and memory come from different processes: nothing that observes one disturbs another.</li>\n"
        "<li><b>best</b> is the fastest of equal blocks of whole life cycles in one process, <b>typical</b> all time over all "
        "operations. One operation is one allocation request with its share of everything the program does with it.</li>\n"
        "<li>A figure is the median over processes. Its interval is the exact order-statistic interval of the median with at least "
        "95 % coverage; it needs six processes.</li>\n"
        "<li>Comparisons pair the processes of one round: Hodges&ndash;Lehmann estimate of the ratio with its exact signed-rank "
        "interval. <i>Faster</i> and <i>slower</i> mean that the interval excludes 1; the others are marked ~. No correction is made "
        "for looking at many cells.</li>\n"
        "<li>4 KiB pages and huge pages are measured apart and never compared with each other.</li>\n"
        "<li>All backends of a scenario build the same thing, which a checksum read back from the objects proves.</li>\n");
    if (json_is_integer(seed)) {
        hx_text_format(out, "<li>Seed %lld: the same seed gives the same plan and the same allocation sequence.</li>\n",
                       (long long)json_integer_value(seed));
    }
    hx_text_put(out, "</ul>\n<h2 id=\"reading\">How to read it</h2>\n<ul>\n"
        "<li><b>Backends.</b> malloc is glibc's, mimalloc is loaded over it; arena-safe, arena-go and arena-kept are this project's "
        "arenas under three policies (freed memory traps; freed memory returns to the system, as Go does; freed memory is reused at "
        "once, as every plain C arena does). bump does nothing but count up a pointer: no allocator can be faster, and what it takes "
        "is the program itself.</li>\n"
        "<li><b>Arms.</b> each: every object is freed by itself. keep: nothing is freed, on a heap that was filled and emptied once and "
        "keeps its pages. reuse: arenas start on memory used before. fresh: on memory never used before. bulk: everything is released "
        "at once.</li>\n"
        "<li><b>Regions.</b> mimalloc-heap, obstack, apr and talloc are the regions others use: one a scope. Their chunks come from a "
        "malloc that keeps its pages.</li>\n"
        "<li><b>p99 request.</b> One request is one whole document, tree or request; 99 of 100 are faster.</li>\n"
        "<li><b>Peak RSS</b> is resident memory above what the process had at its start, at its highest.</li>\n"
        "<li><b>Faults</b> are page faults of a whole time process; a fresh page costs the kernel far more than an allocation.</li>\n"
        "<li>A missing figure is a dash with the reason, never 0.</li>\n"
        "<li>Every figure is a row of samples.tsv; summary.json holds medians, intervals and comparisons.</li>\n</ul>\n");
}

static void put_meta(const char *name, const char *key, const struct hx_report_run *run, struct hx_text *out) {
    const char *value = json_string_value(json_object_get(run->json, key));
    if (value != NULL) {
        hx_text_format(out, " &middot; %s ", name);
        hx_report_escape_html(out, value);
    }
}

/* What was compared, in one paragraph. */
static void put_intro(const struct hx_report_run *run, struct hx_text *out) {
    hx_text_put(out, "<h1>What does an arena buy over malloc?</h1>\n<p class=\"quiet\">arenabench run ");
    hx_report_escape_html(out, run->id);
    hx_text_put(out, " &middot; profile ");
    hx_report_escape_html(out, run->profile);
    put_meta("started", "started", run, out);
    put_meta("ended", "ended", run, out);
    size_t processes = json_array_size(json_object_get(run->json, "processes"));
    if (processes > 0) { /* an interrupted run has written none down yet */
        hx_text_format(out, " &middot; %zu processes", processes);
    }
    hx_text_put(out, "</p>\n");
    const char **word = hx_grow(NULL, run->cell_count + 1, sizeof *word);
    size_t count = hx_report_scenarios(run, word);
    hx_text_put(out, "<p>The same work, ");
    for (size_t i = 0; i < count; i++) {
        hx_text_put(out, i == 0 ? "" : i + 1 == count ? " and " : ", ");
        hx_text_put(out, "<b>");
        hx_report_escape_html(out, word[i]);
        hx_text_put(out, "</b>");
    }
    count = 0;
    for (size_t i = 0; i < run->cell_count; i++) {
        size_t k = 0;
        while (k < count && strcmp(word[k], run->cell[i].backend) != 0) {
            k++;
        }
        if (k == count && run->cell[i].index >= 0) { /* one that is not here did nothing */
            word[count++] = run->cell[i].backend;
        }
    }
    hx_text_put(out, ", was done on ");
    for (size_t i = 0; i < count; i++) {
        hx_text_put(out, i == 0 ? "" : i + 1 == count ? " and " : ", ");
        hx_report_escape_html(out, word[i]);
    }
    hx_text_put(out, ".</p>\n");
    free(word);
}

void hx_report_html(const struct hx_report_page *page, struct hx_text *out) {
    const struct hx_report_run *run = page->summary->run;
    hx_text_put(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n<title>arenabench ");
    hx_report_escape_html(out, run->id);
    hx_text_put(out, "</title>\n<style>\n");
    hx_text_put(out, hx_html_style);
    hx_text_put(out, "</style></head><body>\n");
    put_intro(run, out);
    for (size_t i = 0; i < run->note_count; i++) {
        hx_text_put(out, "<p class=\"note\">");
        hx_report_escape_html(out, run->note[i]);
        hx_text_put(out, "</p>\n");
    }
    hx_text_put(out, "<nav><a href=\"#machine\">machine</a> <a href=\"#gains\">gains and losses</a> <a href=\"#headline\">figures</a> "
                     "<a href=\"#floor\">over the floor</a> ");
    hx_text_put(out, page->splits->credit_count != 0 ? "<a href=\"#credit\">the gain, split</a> " : "");
    hx_text_put(out, page->splits->price_count != 0 ? "<a href=\"#price\">the price of safety</a> " : "");
    hx_text_put(out, "<a href=\"#figures\">pictures</a> <a href=\"#cells\">every cell</a> "
                     "<a href=\"#method\">method</a> <a href=\"#reading\">how to read it</a></nav>\n");
    hx_html_machine(run, out);
    hx_html_words(page, out);
    hx_html_headline(page, out);
    hx_html_floor(page, out);
    hx_html_splits(page->summary, page->splits, out);
    hx_html_figures(page, out);
    hx_html_cells(page, out);
    hx_html_method(run, out);
    hx_text_put(out, "</body></html>\n");
}
