/* report_table.c - the closing table for a terminal of 100 columns, and summary.md. See report_headline.h.
 *
 * Why ASCII only: it is the last thing a first run prints, on whatever terminal and locale that happens to be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_headline.h"
#include "report/report_spread.h"

/* 2 + 16 for the label, then a space before each column: 98 of 100. */
enum { LABEL_COLUMNS = 16, TERMINAL_COLUMNS = 100, HANGING_COLUMNS = 6 };
/* Of each list of sentences; a run of everything has hundreds, and summary.md holds them all. */
enum { LINES_SHOWN = 16 };
static const int width[HX_HEAD_COUNT] = {10, 13, 7, 13, 12, 9, 9};

/* Everything the group loops of both forms need. */
struct groups {
    const char **scenario;
    const char **pages;
    size_t *member;
    size_t scenario_count;
    size_t pages_count;
};

static struct groups groups_of(const struct hx_report_run *run) {
    struct groups g = {hx_grow(NULL, run->cell_count + 1, sizeof *g.scenario), hx_grow(NULL, run->cell_count + 1, sizeof *g.pages),
                       hx_grow(NULL, run->cell_count + 1, sizeof *g.member), 0, 0};
    g.scenario_count = hx_report_scenarios(run, g.scenario);
    g.pages_count = hx_report_distinct(run, hx_report_pages_of, g.pages);
    return g;
}

static void groups_free(struct groups *g) {
    free(g->scenario);
    free(g->pages);
    free(g->member);
}

static void put_right(struct hx_text *out, const char *string, int columns) {
    hx_text_format(out, " %*s", columns, string);
}

static void put_row(struct hx_text *out, const char *label, int label_columns, const struct hx_report_headline *head) {
    hx_text_format(out, "  %-*s", label_columns, label);
    for (size_t i = 0; i < HX_HEAD_COUNT; i++) {
        char shown[HX_REPORT_SHOWN_BYTES + 24];
        if (head->footnote[i] != 0) {
            snprintf(shown, sizeof shown, "-[%zu]", head->footnote[i]);
        } else {
            snprintf(shown, sizeof shown, "%s", head->text[i]);
        }
        put_right(out, shown, width[i]);
    }
    hx_text_put(out, "\n");
}

/* Breaks at spaces; what follows the first line hangs a little. */
static void put_wrapped(struct hx_text *out, const char *line) {
    size_t column = 2;
    hx_text_put(out, "  ");
    for (const char *word = line; *word != '\0';) {
        size_t bytes = strcspn(word, " ");
        if (word != line && column + 1 + bytes > TERMINAL_COLUMNS) {
            hx_text_format(out, "\n%*s", HANGING_COLUMNS, "");
            column = HANGING_COLUMNS;
        } else if (word != line) {
            hx_text_put(out, " ");
            column++;
        }
        hx_text_bytes(out, word, bytes);
        column += bytes;
        word += bytes;
        word += strspn(word, " ");
    }
    hx_text_put(out, "\n");
}

static int label_columns(const struct hx_report_run *run) {
    size_t most = LABEL_COLUMNS;
    for (size_t i = 0; i < run->cell_count; i++) {
        size_t columns = hx_report_columns(run->cell[i].label);
        most = columns > most ? columns : most;
    }
    return (int)most;
}

static void put_rows(const struct hx_report_summary *summary, struct hx_text *out) {
    struct groups g = groups_of(summary->run);
    struct hx_report_footnotes notes = {0};
    int columns = label_columns(summary->run);
    for (size_t p = 0; p < g.pages_count; p++) {
        for (size_t s = 0; s < g.scenario_count; s++) {
            size_t count = hx_report_group(summary->run, g.scenario[s], g.pages[p], g.member);
            if (count == 0) {
                continue;
            }
            const char *zeroing = hx_report_zeroing(summary->run, g.scenario[s]);
            hx_text_format(out, "\n%s, %s%s%s%s\n  %-*s", g.scenario[s], hx_report_pages_name(g.pages[p]), zeroing[0] != '\0' ? " (" : "",
                           zeroing, zeroing[0] != '\0' ? ")" : "", columns, "");
            for (size_t i = 0; i < HX_HEAD_COUNT; i++) {
                put_right(out, hx_report_column_name[i], width[i]);
            }
            hx_text_put(out, "\n");
            for (size_t i = 0; i < count; i++) {
                struct hx_report_headline head;
                hx_report_headline(summary, g.member[i], &notes, &head);
                put_row(out, summary->run->cell[g.member[i]].label, columns, &head);
            }
        }
    }
    hx_text_put(out, "\n");
    for (size_t i = 0; i < notes.count; i++) {
        hx_text_format(out, "  [%zu] %s\n", i + 1, notes.reason[i]);
    }
    put_wrapped(out, "best: fastest block of a process, median over processes; typical: all time by all operations. One operation is "
                     "one allocation with its share of everything else. ~ marks a ratio whose interval does not exclude 1.");
    put_wrapped(out, "p99 request: time of one whole document, tree or request. Peak RSS: above the process's start. faults: page "
                     "faults of a whole time process. 4 KiB and huge pages are never compared with each other.");
    groups_free(&g);
    free(notes.reason);
}

static char *phrase(const char *versus, const char *range, const char *name) {
    if (strcmp(versus, "-") == 0) {
        return hx_print("not compared with %s", name);
    }
    if (strcmp(range, "no difference shown") == 0) {
        return hx_print("not shown to differ from %s", name);
    }
    bool same = strcmp(versus, "same") == 0;
    return hx_print("%s %s %s [%s]", same ? "as fast" : versus, same ? "as" : "than", name, range);
}

static void put_gains(const struct hx_report_summary *summary, const struct hx_report_words *words, struct hx_text *out) {
    hx_text_put(out, "\nWhat arenas buy here (the fastest arena of each scenario, ns/op; 95 % interval in brackets)\n");
    for (size_t i = 0; i < words->gain_count; i++) {
        const struct hx_report_gain *gain = &words->gain[i];
        const struct hx_report_cell *cell = &summary->run->cell[gain->cell];
        char *first = phrase(gain->versus_malloc, gain->malloc_range, "malloc");
        char *second = phrase(gain->versus_mimalloc, gain->mimalloc_range, "mimalloc");
        char *line = hx_print("%s, %s: %s is %s, %s; peak RSS %s", cell->scenario, hx_report_pages_name(cell->pages),
                              cell->label, first, second, gain->memory);
        put_wrapped(out, line);
        free(line);
        free(second);
        free(first);
    }
    if (words->gain_count == 0) {
        hx_text_put(out, "  no arena was measured in this run\n");
    }
}

static void put_lines(struct hx_text *out, const char *head, const struct hx_report_lines *lines, const char *none) {
    if (lines->count == 0 && none == NULL) {
        return;
    }
    hx_text_format(out, "\n%s\n", head);
    size_t shown = lines->count <= LINES_SHOWN + 1 ? lines->count : LINES_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        put_wrapped(out, lines->line[i]);
    }
    if (shown < lines->count) {
        hx_text_format(out, "  ... and %zu more, in summary.md and report.html\n", lines->count - shown);
    }
    if (lines->count == 0) {
        hx_text_format(out, "  %s\n", none);
    }
}

static void put_floor(const struct hx_report_summary *summary, const struct hx_report_splits *splits, struct hx_text *out) {
    struct hx_text line;
    if (!hx_text_init(&line, 4 * HX_KIB)) {
        hx_die("out of memory");
    }
    hx_report_floor_line(summary, splits, &line);
    hx_text_bytes(&line, "", 1); /* a string now */
    if (hx_text_finish(&line) == 0 && line.data[0] != '\0') {
        hx_text_put(out, "\n");
        put_wrapped(out, line.data);
    }
    hx_text_deinit(&line);
}

void hx_report_table(const struct hx_report_summary *summary, const struct hx_report_words *words, const struct hx_report_splits *splits,
                     struct hx_text *out) {
    const struct hx_report_run *run = summary->run;
    size_t absent = 0;
    for (size_t i = 0; i < run->cell_count; i++) {
        absent += run->cell[i].index < 0;
    }
    hx_text_format(out, "Run %s (%s): %zu cells", run->id, run->profile, run->cell_count - absent);
    if (absent > 0) {
        hx_text_format(out, "; %zu more could not run here, each says why", absent);
    }
    hx_text_put(out, "\n");
    put_rows(summary, out);
    put_gains(summary, words, out);
    put_lines(out, "Where malloc wins (time per operation; 95 % interval in brackets)", &words->malloc_faster, "nowhere in this run");
    put_lines(out, "Where mimalloc wins (time per operation; 95 % interval in brackets)", &words->mimalloc_faster,
              "nowhere in this run");
    put_lines(out, "Where malloc wins (memory: peak RSS above malloc's by a tenth and 1 MiB or more)", &words->malloc_smaller,
              "nowhere in this run");
    put_lines(out, "What these repetitions cannot tell (the interval holds 1, or there is none)", &words->cannot_tell, NULL);
    struct hx_report_lines notes = {run->note, run->note_count};
    put_lines(out, "Notes", &notes, NULL);
    put_floor(summary, splits, out);
    hx_text_put(out, "\n");
}

static void markdown_lines(struct hx_text *out, const char *head, const struct hx_report_lines *lines, const char *none) {
    if (lines->count == 0 && none == NULL) {
        return;
    }
    hx_text_format(out, "\n## %s\n\n", head);
    for (size_t i = 0; i < lines->count; i++) {
        hx_text_put(out, "- ");
        hx_report_escape_markdown(out, lines->line[i]);
        hx_text_put(out, "\n");
    }
    if (lines->count == 0) {
        hx_text_format(out, "%s\n", none);
    }
}

static void markdown_row(struct hx_text *out, const char *label, const struct hx_report_headline *head, const char *moved) {
    hx_text_put(out, "| ");
    hx_report_escape_markdown(out, label);
    for (size_t i = 0; i < HX_HEAD_COUNT; i++) {
        hx_text_put(out, " | ");
        hx_report_escape_markdown(out, head->text[i]);
        if (head->footnote[i] != 0) {
            hx_text_format(out, " [%zu]", head->footnote[i]);
        }
        if (i == HX_HEAD_INTERVAL && moved != NULL) {
            hx_text_format(out, " | %s", moved);
        }
    }
    hx_text_put(out, " |\n");
}

static void markdown_gains(const struct hx_report_summary *summary, const struct hx_report_words *words, struct hx_text *out) {
    hx_text_put(out, "\n## What arenas buy here\n\nThe fastest arena of each scenario, ns/op, 95 % interval in brackets.\n\n"
                     "| scenario | pages | arena | than malloc | than mimalloc | peak RSS |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < words->gain_count; i++) {
        const struct hx_report_gain *gain = &words->gain[i];
        const struct hx_report_cell *cell = &summary->run->cell[gain->cell];
        hx_text_put(out, "| ");
        hx_report_escape_markdown(out, cell->scenario);
        hx_text_format(out, " | %s | ", hx_report_pages_name(cell->pages));
        hx_report_escape_markdown(out, cell->label);
        hx_text_format(out, " | %s [%s] | %s [%s] | %s |\n", gain->versus_malloc, gain->malloc_range,
                       gain->versus_mimalloc, gain->mimalloc_range, gain->memory);
    }
}

void hx_report_markdown(const struct hx_report_summary *summary, const struct hx_report_words *words,
                        const struct hx_report_splits *splits, struct hx_text *out) {
    const struct hx_report_run *run = summary->run;
    struct groups g = groups_of(run);
    struct hx_report_footnotes notes = {0};
    const bool moves = summary->spread != NULL;
    hx_text_put(out, "# arenabench ");
    hx_report_escape_markdown(out, run->id);
    hx_text_put(out, "\n");
    for (size_t p = 0; p < g.pages_count; p++) {
        hx_text_format(out, "\n## %s\n", hx_report_pages_name(g.pages[p]));
        for (size_t s = 0; s < g.scenario_count; s++) {
            size_t count = hx_report_group(run, g.scenario[s], g.pages[p], g.member);
            if (count == 0) {
                continue;
            }
            hx_text_put(out, "\n| ");
            hx_report_escape_markdown(out, g.scenario[s]);
            for (size_t i = 0; i < HX_HEAD_COUNT; i++) {
                hx_text_format(out, " | %s%s", hx_report_column_name[i], i == HX_HEAD_INTERVAL && moves ? " | run to run" : "");
            }
            hx_text_format(out, " |\n|---|---:|---:|---:|---:|---:|---:|---:|%s\n", moves ? "---:|" : "");
            if (hx_report_zeroing(run, g.scenario[s])[0] != '\0') {
                hx_text_format(out, "| *%s* | | | | | | | |%s\n", hx_report_zeroing(run, g.scenario[s]), moves ? " |" : "");
            }
            for (size_t i = 0; i < count; i++) {
                struct hx_report_headline head;
                hx_report_headline(summary, g.member[i], &notes, &head);
                char moved[HX_REPORT_SHOWN_BYTES] = "";
                if (moves) {
                    hx_report_moved(summary, g.member[i], moved);
                }
                markdown_row(out, run->cell[g.member[i]].label, &head, moves ? moved : NULL);
            }
        }
    }
    hx_text_put(out, "\n");
    for (size_t i = 0; i < notes.count; i++) {
        hx_text_format(out, "- [%zu] ", i + 1);
        hx_report_escape_markdown(out, notes.reason[i]);
        hx_text_put(out, "\n");
    }
    markdown_gains(summary, words, out);
    markdown_lines(out, "Where malloc wins (time)", &words->malloc_faster, "Nowhere in this run.");
    markdown_lines(out, "Where mimalloc wins (time)", &words->mimalloc_faster, "Nowhere in this run.");
    markdown_lines(out, "Where malloc wins (peak RSS)", &words->malloc_smaller, "Nowhere in this run.");
    markdown_lines(out, "What these repetitions cannot tell", &words->cannot_tell, NULL);
    hx_markdown_splits(summary, splits, out);
    struct hx_report_lines lines = {run->note, run->note_count};
    markdown_lines(out, "Notes", &lines, NULL);
    groups_free(&g);
    free(notes.reason);
}
